package centre

import (
	"context"
	"io"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// view runs fn in one transaction that only reads, and gives what it gives.
func view[T any](ctx context.Context, c *Centre, fn func(*store.Tx) (T, error)) (T, error) {
	var out T
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}

// unpackAll reads the projections of rows.
func unpackAll[R, T any](rows []R, unpack func(R) (T, error)) ([]T, error) {
	var out []T
	for _, row := range rows {
		t, err := unpack(row)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// exportLog writes a log with a signed head. Personal payloads are withheld unless
// personal is true. What is what the log is of, for errors.
func (c *Centre) exportLog(w io.Writer, what, id string, es []casework.Entry, personal bool) error {
	if err := casework.VerifyChain(es); err != nil {
		return problem.Wrap(err, problem.Corrupt, "the stored chain of %s %s does not verify", what, id)
	}
	head := casework.SignHead(c.Key, es[len(es)-1].Link, c.Clock.Now())
	return casework.WriteExport(w, es, head, func(e casework.Entry) bool { return personal || e.Payload != nil && !e.Payload.Personal })
}
