package centre

import (
	"context"
	"strings"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// A person may go ahead of the clocks. Each of these looks again first, so that
// whom to ask, and whether to ask at all, rests on what is there now; that look is
// on the case whatever becomes of the rest. seq is as for Assign.

// Ask asks whoever has authority in a step of the playbook whose turn has not come.
// party names one of them, "" all.
func (c *Centre) Ask(ctx context.Context, id string, seq int, by, step, party, reason string) (casework.Case, error) {
	return c.move(ctx, id, seq, reason, func(plan casework.Plan) casework.Command {
		return casework.Ask{By: by, Step: step, Party: party, Reason: reason, Plan: plan}
	})
}

// AskAgain sends a party another notice now.
func (c *Centre) AskAgain(ctx context.Context, id string, seq int, by, obligation, reason string) (casework.Case, error) {
	return c.move(ctx, id, seq, reason, func(plan casework.Plan) casework.Command {
		return casework.AskAgain{By: by, Obligation: obligation, Reason: reason, Plan: plan}
	})
}

// Escalate goes to the next step before an obligation's time is over.
func (c *Centre) Escalate(ctx context.Context, id string, seq int, by, obligation, reason string) (casework.Case, error) {
	return c.move(ctx, id, seq, reason, func(plan casework.Plan) casework.Command {
		return casework.Escalate{By: by, Obligation: obligation, Reason: reason, Plan: plan}
	})
}

func (c *Centre) move(ctx context.Context, id string, seq int, reason string, cmd func(casework.Plan) casework.Command) (casework.Case, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return cs, err
	}
	// What needs no look to be refused.
	switch {
	case cs.State != casework.Coordinating:
		return cs, problem.New(problem.Conflict, "case %s is %s: nobody is asked before it is confirmed, or after it ended", id, cs.State)
	case strings.TrimSpace(reason) == "":
		return cs, problem.BadField("reason", "is missing")
	}
	if seq > 0 {
		if err := c.Unchanged(ctx, id, seq); err != nil {
			return cs, err
		}
	}
	f, plan, took, err := c.look(ctx, cs, true)
	if err != nil {
		return cs, err
	}
	if err := c.Store.Update(ctx, func(tx *store.Tx) error {
		f.Registration, err = c.file(ctx, tx, id, took)
		return err
	}); err != nil {
		return cs, err
	}
	if _, err := c.Act(ctx, id, casework.Look{Finding: f, Plan: plan}); err != nil {
		return cs, err
	}
	return c.since(ctx, id, seq, cmd(plan))
}

// Offers says what a person may do about whom is asked on a case.
func (c *Centre) Offers(cs casework.Case, pb casework.Playbook) casework.Offers {
	return casework.OffersOf(pb, cs, c.authority(cs), c.Clock.Now())
}

// authority is what a plan says without a look: all but who the parties are.
func (c *Centre) authority(cs casework.Case) casework.Plan {
	plan := casework.Plan{TLD: c.Directory.TLDKind(cs.Subject.Name.TLD())}
	plan.DNSAllowed, plan.Why = c.Directory.DNSLevelAllowed(cs.Subject)
	return plan
}
