package collect

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"bailiwick/problem"
)

// Want asks for turns at one server, out of the budget that all processes
// share.
type Want struct {
	Server string
	Every  time.Duration // between two turns
	// Credit is how far back turns may be due that nobody took: it makes the
	// burst. Grace is taken off it already.
	Credit time.Duration
	Turns  int           // at most
	Within time.Duration // none later than this from now
}

// Grant is what a process got: turns that are due one after the other, each to
// be used at its time or, by at most a quarter of a second, later. An unused one is lost.
type Grant struct {
	Turns int
	First time.Duration // from now; zero or less is now
	Every time.Duration
	Hold  Hold // the last hold of the server; while it lasts there are no turns
}

// grace is how late a turn may be used: time enough for a busy machine. It is
// taken off the burst, so that turns keep to the pace as they are used.
const grace = 250 * time.Millisecond

// Ledger is where the budget that all processes share is kept. Its functions
// are those of Budgets, but for Lease, which gives one Grant for each Want, in
// their order, and does not wait.
type Ledger struct {
	Lease func(ctx context.Context, now time.Time, wants []Want) ([]Grant, error)
	Hold  func(ctx context.Context, server string, h Hold) error
	Lift  func(ctx context.Context, server string, now time.Time) error
}

// Bounds of shared budgets that have no setting.
const (
	// blockTime is how much of a server's rate is leased beyond what is wanted
	// at once. It is also how long a process may go on before it learns of
	// another's hold, and what is lost when one dies.
	blockTime = 500 * time.Millisecond
	maxBlock  = 10_000
	leaseTime = 10 * time.Second // one lease, so that a dead database is noticed
)

// sharedBudgets lease turns from a ledger in blocks. What many want at the same
// time becomes one lease: its transaction costs more than what is in it.
type sharedBudgets struct {
	ledger Ledger

	mu      sync.Mutex
	servers map[string]*leased
	next    *batch // what will be leased next; nil when nobody asked
	running bool
}

// leased is what this process holds of one server.
type leased struct {
	turns []turns
	hold  Hold
	busy  int // callers in Turn
}

// turns are due one after the other.
type turns struct {
	n           int
	first       time.Time
	every       time.Duration
	leasedUntil time.Time // before this none is late: they may have been due before they were leased
}

// batch is one lease for all who ask while the one before is under way.
type batch struct {
	now   time.Time
	wants map[string]*Want
	done  chan struct{}
	err   error
}

// NewSharedBudgets returns budgets that all processes with the same ledger
// share. Turns are leased in blocks of about half a second. A process that
// ends needs to give nothing back.
func NewSharedBudgets(l Ledger) Budgets {
	return &sharedBudgets{ledger: l, servers: map[string]*leased{}}
}

// of finds what is held of a server. b.mu is held.
func (b *sharedBudgets) of(server string) *leased {
	s, ok := b.servers[server]
	if !ok {
		if len(b.servers) >= maxServers {
			maps.DeleteFunc(b.servers, func(_ string, s *leased) bool { return s.busy == 0 })
		}
		s = &leased{}
		b.servers[server] = s
	}
	return s
}

// Turn implements Budgets.
func (b *sharedBudgets) Turn(ctx context.Context, server string, p Pace, now time.Time) (Hold, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of(server)
	s.busy++
	defer func() { s.busy-- }()
	for {
		if s.hold.Until.After(now) {
			return s.hold, nil
		}
		if err := ctx.Err(); err != nil {
			return s.hold, err
		}
		due, ok := s.take(time.Now())
		if ok {
			if end, bounded := ctx.Deadline(); bounded && due.After(end) {
				s.back(due)
				return s.hold, noTurn(ctx)
			}
			b.mu.Unlock()
			err := until(ctx, due)
			b.mu.Lock()
			if err != nil {
				s.back(due)
			}
			return s.hold, err
		}
		got, err := b.lease(ctx, server, p, now)
		if err != nil || s.hold.Until.After(now) {
			return s.hold, err
		}
		if got == 0 {
			return s.hold, noTurn(ctx)
		}
	}
}

// until waits for a time.
func until(ctx context.Context, t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take takes the next turn that is not over.
func (s *leased) take(now time.Time) (due time.Time, ok bool) {
	for len(s.turns) > 0 {
		t := &s.turns[0]
		for t.n > 0 {
			due = t.first
			t.n--
			t.first = t.first.Add(t.every)
			if late := now.Add(-grace); !late.After(due) || !late.After(t.leasedUntil) {
				return due, true
			}
		}
		s.turns = s.turns[1:]
	}
	return time.Time{}, false
}

// back gives a turn back that its taker cannot use, for another in this
// process.
func (s *leased) back(due time.Time) {
	s.turns = slices.Insert(s.turns, 0, turns{n: 1, first: due})
}

// lease asks for turns together with all who ask at the same time, and says
// how many this process got. b.mu is held, but not meanwhile.
func (b *sharedBudgets) lease(ctx context.Context, server string, p Pace, now time.Time) (int, error) {
	if b.next == nil {
		b.next = &batch{wants: map[string]*Want{}, done: make(chan struct{})}
	}
	mine := b.next
	if now.After(mine.now) {
		mine.now = now
	}
	w, ok := mine.wants[server]
	if !ok {
		every := p.every()
		w = &Want{Server: server, Every: every, Turns: int(min(p.Rate*blockTime.Seconds(), maxBlock))}
		if p.Burst > 1 {
			w.Credit = max(0, time.Duration(min(float64(p.Burst-1)*float64(every), 1<<60))-grace)
		}
		mine.wants[server] = w
	}
	w.Turns++
	within := time.Duration(1<<62 - 1)
	if end, bounded := ctx.Deadline(); bounded {
		within = time.Until(end)
	}
	w.Within = max(w.Within, within)
	if !b.running {
		b.running = true
		go b.run(context.WithoutCancel(ctx))
	}
	b.mu.Unlock()
	select {
	case <-mine.done:
	case <-ctx.Done():
	}
	b.mu.Lock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if mine.err != nil {
		return 0, problem.Wrap(mine.err, problem.Unavailable, "the servers' budgets cannot be read")
	}
	return w.Turns, nil
}

// run leases batch after batch, as long as somebody asks.
func (b *sharedBudgets) run(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.next != nil {
		now := b.next
		b.next = nil
		b.mu.Unlock()
		wants := make([]Want, 0, len(now.wants))
		for _, server := range slices.Sorted(maps.Keys(now.wants)) { // one order, or two processes wait for each other
			wants = append(wants, *now.wants[server])
		}
		lctx, cancel := context.WithTimeout(ctx, leaseTime)
		grants, err := b.ledger.Lease(lctx, now.now, wants)
		cancel()
		if err == nil && len(grants) != len(wants) {
			err = problem.New(problem.Internal, "%d grants for %d wants", len(grants), len(wants))
		}
		at := time.Now() // later than the ledger's now: so no turn is used before it is due
		b.mu.Lock()
		now.err = err
		for i, g := range grants {
			if err != nil {
				break
			}
			now.wants[wants[i].Server].Turns = g.Turns
			s := b.of(wants[i].Server)
			s.hold = g.Hold
			if g.Turns > 0 {
				s.turns = append(s.turns, turns{n: g.Turns, first: at.Add(g.First), every: g.Every, leasedUntil: at})
			}
		}
		close(now.done)
	}
	b.running = false
}

// Hold implements Budgets.
func (b *sharedBudgets) Hold(ctx context.Context, server string, h Hold) error {
	b.mu.Lock()
	s := b.of(server)
	if h.Until.After(s.hold.Until) {
		s.hold = h
	}
	s.turns = nil
	b.mu.Unlock()
	// The answer that told it may be the last thing its caller had time for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime)
	defer cancel()
	return b.ledger.Hold(ctx, server, h)
}

// Lift implements Budgets.
func (b *sharedBudgets) Lift(ctx context.Context, server string, now time.Time) error {
	b.mu.Lock()
	if s, ok := b.servers[server]; ok && !s.hold.Until.After(now) {
		s.hold = Hold{}
	}
	b.mu.Unlock()
	return b.ledger.Lift(ctx, server, now)
}
