package centre

import (
	"context"

	"bailiwick/casework"
)

// Assign says who works a case: a reference such as "person:7", "" for nobody. The
// caller has made sure that the person may work cases. With seq, the number of the
// last event that whoever assigns has seen, it fails with Meanwhile if somebody
// acted after that; 0 is whatever happened.
func (c *Centre) Assign(ctx context.Context, id string, seq int, by, to string) (casework.Case, error) {
	return c.since(ctx, id, seq, casework.Assign{By: by, To: to})
}

// since is ActSince where seq says since when, and Act where it is 0.
func (c *Centre) since(ctx context.Context, id string, seq int, cmds ...casework.Command) (casework.Case, error) {
	if seq > 0 {
		return c.ActSince(ctx, id, seq, cmds...)
	}
	return c.Act(ctx, id, cmds...)
}
