package store

import (
	"context"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

// eventLog names the tables of one kind of log: the links of its chains, and
// apart from them the payloads, so that one can be erased and the chain stays.
type eventLog struct {
	events, payloads, id string // tables, and the column that names the log
	what                 string // what errors call it
}

// appendTo adds events to logs. The row that a log belongs to must be there.
func (l eventLog) appendTo(ctx context.Context, tx *Tx, entries []casework.Entry) error {
	for _, e := range entries {
		if clean(string(e.Kind)) != string(e.Kind) || clean(e.Actor) != e.Actor || clean(e.Case) != e.Case {
			return problem.New(problem.Invalid, "event %d of %s %q has text that cannot be stored", e.Seq, l.what, e.Case)
		}
		if !e.At.Equal(e.At.Truncate(time.Microsecond)) {
			return problem.New(problem.Invalid, "event %d of %s %s is not dated in whole microseconds", e.Seq, l.what, e.Case)
		}
		if _, err := tx.exec(ctx, "INSERT INTO "+l.events+" ("+l.id+", seq, at, kind, actor, prev, commitment, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			e.Case, int64(e.Seq), instant(e.At), string(e.Kind), e.Actor, e.Prev[:], e.Commitment[:], e.Hash[:]); err != nil {
			return err
		}
		if p := e.Payload; p != nil {
			body := p.Body
			if body == nil {
				body = []byte{}
			}
			if _, err := tx.exec(ctx, "INSERT INTO "+l.payloads+" ("+l.id+", seq, personal, salt, body) VALUES ($1, $2, $3, $4, $5)",
				e.Case, int64(e.Seq), boolInt(p.Personal), p.Salt[:], body); err != nil {
				return err
			}
		}
	}
	return nil
}

// read gives a log in order. Payload is nil where it was erased.
func (l eventLog) read(ctx context.Context, tx *Tx, id string) ([]casework.Entry, error) {
	return list(ctx, tx, scanEvent, "SELECT e."+l.id+", e.seq, e.at, e.kind, e.actor, e.prev, e.commitment, e.hash, p.personal, p.salt, p.body FROM "+
		l.events+" e LEFT JOIN "+l.payloads+" p ON p."+l.id+" = e."+l.id+" AND p.seq = e.seq WHERE e."+l.id+" = $1 ORDER BY e.seq", clean(id))
}
