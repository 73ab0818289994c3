package centre

import (
	"context"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// Confirm looks again, so that the confirmation rests on a fresh capture of
// ours, and confirms as a person.
func (c *Centre) Confirm(ctx context.Context, id, by string, class casework.Class) (casework.Case, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return cs, err
	}
	f, plan, took, err := c.look(ctx, cs, true)
	if err != nil {
		return cs, err
	}
	if err := c.Store.Update(ctx, func(tx *store.Tx) error { return took.write(ctx, tx, id) }); err != nil {
		return cs, err
	}
	return c.Act(ctx, id, casework.Look{Finding: f, Plan: plan}, casework.Confirm{By: by, Class: class, Plan: plan})
}

// Merge makes a case part of another, both in one transaction.
func (c *Centre) Merge(ctx context.Context, id, into, by string) (casework.Case, error) {
	if id == into {
		return casework.Case{}, problem.BadField("into", "a case cannot be merged into itself")
	}
	return c.pair(ctx, id, into, func(from casework.Case) (casework.Command, casework.Command) {
		return casework.Merge{By: by, Into: into}, casework.Absorb{By: by, From: from}
	})
}

// Unmerge restores a merged case, and gives its reports back to it.
func (c *Centre) Unmerge(ctx context.Context, id, by string) (casework.Case, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return cs, err
	}
	if cs.MergedInto == "" {
		return cs, problem.New(problem.Conflict, "case %s is not merged", id)
	}
	return c.pair(ctx, id, cs.MergedInto, func(from casework.Case) (casework.Command, casework.Command) {
		return casework.Unmerge{By: by}, casework.Release{By: by, Case: id}
	})
}

// pair gives one command to each of two cases in one transaction.
func (c *Centre) pair(ctx context.Context, id, other string, cmds func(casework.Case) (casework.Command, casework.Command)) (casework.Case, error) {
	var out casework.Case
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			cs, err := c.load(ctx, tx, id)
			if err != nil {
				return err
			}
			pb, err := c.playbook(ctx, tx, cs.Playbook)
			if err != nil {
				return err
			}
			mine, theirs := cmds(cs)
			if out, err = c.act(ctx, tx, cs, pb, mine); err != nil {
				return err
			}
			return c.actOn(ctx, tx, other, theirs)
		})
	})
	return out, err
}

// Retain lets what is over its time expire.
func (c *Centre) Retain(ctx context.Context) error {
	_, err := c.Store.Sweep(ctx, c.Clock.Now(), c.set.Retention)
	return err
}

// SetBaseURL says how the centre is reached, once that is known. It must be
// called before any work starts.
func (c *Centre) SetBaseURL(u string) { c.set.BaseURL = u }
