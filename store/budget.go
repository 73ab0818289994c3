package store

import (
	"context"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
)

// TurnsWanted asks for questions that may be put to a server.
type TurnsWanted struct {
	Server string        // "host:port"
	Every  time.Duration // between two turns; above zero
	// Credit is how far back turns that nobody took may be due: a burst of b
	// turns after a rest is a credit of (b-1) times Every.
	Credit time.Duration
	Turns  int           // at most
	Within time.Duration // none later than this from now
}

// TurnsGranted is what was leased: Turns that are due one after the other,
// each Every after the one before. They are the caller's alone, and lost when
// it does not use them.
type TurnsGranted struct {
	Turns int
	First time.Duration // from now until the first is due; zero or less is now
	Every time.Duration
	Hold  ServerHold
}

// ServerHold says until when a server wants no question.
type ServerHold struct {
	Until time.Time // by the centre's clock
	Why   string
	Times int // how often in a row
}

// budgetKept is how long the budget of a server that nobody asks is kept: far
// longer than any hold.
const budgetKept = 30 * 24 * time.Hour

// maxTurnTime bounds the sums of times below.
const maxTurnTime = time.Duration(1) << 60

// LeaseTurns leases turns at servers, one grant for each want, in their order.
// However many ask, turns of one server are due no closer to each other than
// Every, but for those of the credit. A server whose hold lasts at now grants
// none.
//
// pace is the clock that turns are counted by; nil is the database's own, so
// that machines whose clocks differ share one (on SQLite, where there is one
// machine, that machine's). Grants are in time from now, and need no clock in
// common. wants name each server once, in the order of their names: two
// machines that take them in different orders would wait for each other.
func (s *Store) LeaseTurns(ctx context.Context, pace clock.Clock, now time.Time, wants []TurnsWanted) (grants []TurnsGranted, err error) {
	for i, w := range wants {
		if w.Every <= 0 || w.Server == "" || i > 0 && w.Server <= wants[i-1].Server {
			return nil, problem.New(problem.Internal, "turns are wanted without a time between them, or not in order")
		}
	}
	err = s.Update(ctx, func(tx *Tx) error {
		grants = make([]TurnsGranted, len(wants)) // anew when the transaction is run again
		fresh := false
		for i, w := range wants {
			isNew := false
			if grants[i], isNew, err = tx.leaseTurns(ctx, pace, now, w); err != nil {
				return err
			}
			fresh = fresh || isNew
		}
		if fresh { // the names of servers come from outside: what grows is also cut
			_, err = tx.exec(ctx, "DELETE FROM budgets WHERE used < $1 AND held < $2", instant(s.clock.Now().Add(-budgetKept)), instant(now))
		}
		return err
	})
	return grants, err
}

func (tx *Tx) leaseTurns(ctx context.Context, pace clock.Clock, now time.Time, w TurnsWanted) (g TurnsGranted, fresh bool, err error) {
	var next, held, at int64
	// The row is locked before the clock is read, or a turn leased meanwhile
	// would seem to lie ahead.
	byDatabase := "0"
	if pace == nil && tx.s.engine == PostgreSQL {
		byDatabase = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
	}
	if err = tx.row(ctx, `INSERT INTO budgets (server, next, held, why, times, used) VALUES ($1, 0, 0, '', 0, $2)
ON CONFLICT (server) DO UPDATE SET used = excluded.used RETURNING next, held, why, times, `+byDatabase, clean(w.Server), instant(tx.s.clock.Now())).
		Scan(&next, &held, &g.Hold.Why, &g.Hold.Times, &at); err != nil {
		return g, false, tx.s.wrap(err, "lease turns")
	}
	if held != 0 {
		g.Hold.Until = time.UnixMicro(held).UTC()
	}
	if g.Hold.Until.After(now) {
		return g, false, nil
	}
	switch {
	case pace != nil:
		at = pace.Now().UnixNano()
	case tx.s.engine == PostgreSQL:
		at *= 1000
	default:
		at = clock.Real{}.Now().UnixNano()
	}
	fresh = next == 0
	every, credit, within := int64(min(w.Every, maxTurnTime)), int64(min(max(w.Credit, 0), maxTurnTime)), int64(min(w.Within, maxTurnTime))
	next = max(next, at-credit)
	g.First, g.Every = time.Duration(next-at), time.Duration(every)
	if w.Turns <= 0 || next-at > within {
		return g, fresh, nil
	}
	g.Turns = int(min(int64(w.Turns), (within-(next-at))/every+1))
	_, err = tx.exec(ctx, "UPDATE budgets SET next = $1 WHERE server = $2", next+int64(g.Turns)*every, clean(w.Server))
	return g, fresh, err
}

// HoldServer leaves a server alone until h.Until; of two holds the later one
// stands.
func (s *Store) HoldServer(ctx context.Context, server string, h ServerHold) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO budgets (server, next, held, why, times, used) VALUES ($1, 0, $2, $3, $4, $5)
ON CONFLICT (server) DO UPDATE SET held = excluded.held, why = excluded.why, times = excluded.times, used = excluded.used
WHERE excluded.held > budgets.held`, clean(server), instant(h.Until), clean(h.Why), h.Times, instant(tx.s.clock.Now()))
		return err
	})
}

// LiftServer forgets a hold that is over at now. One that lasts stays: what
// another machine was told meanwhile still holds.
func (s *Store) LiftServer(ctx context.Context, server string, now time.Time) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "UPDATE budgets SET held = 0, why = '', times = 0 WHERE server = $1 AND held <= $2", clean(server), instant(now))
		return err
	})
}
