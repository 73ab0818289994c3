package store

import (
	"context"
	"database/sql"
	"time"
)

// BouncedAddresses gives the mail addresses (in the case they were used in)
// whose latest notice with a result was refused for good, and when.
func (tx *Tx) BouncedAddresses(ctx context.Context) (map[string]time.Time, error) {
	type bounce struct {
		to string
		at sql.NullInt64
	}
	bs, err := list(ctx, tx, func(s scanner) (bounce, error) {
		var b bounce
		err := s.Scan(&b.to, &b.at)
		return b, err
	}, `SELECT recipient, max(done) FROM notices n WHERE state = 'failed' AND recoverable = 0 AND recipient <> ''
AND NOT EXISTS (SELECT 1 FROM notices a WHERE a.recipient = n.recipient AND a.state = 'accepted' AND a.done >= n.done) GROUP BY recipient`)
	out := map[string]time.Time{}
	for _, b := range bs {
		out[b.to] = fromMicros(b.at)
	}
	return out, err
}

// RejectReasons counts rejected reports by the reason that was given.
func (tx *Tx) RejectReasons(ctx context.Context) (map[string]int, error) {
	type reason struct {
		text string
		n    int
	}
	rs, err := list(ctx, tx, func(s scanner) (reason, error) {
		var r reason
		err := s.Scan(&r.text, &r.n)
		return r, err
	}, "SELECT detail, count(*) FROM reports WHERE state = 'rejected' GROUP BY detail")
	out := map[string]int{}
	for _, r := range rs {
		out[r.text] = r.n
	}
	return out, err
}
