package centre

import (
	"context"
	"encoding/json"
	"slices"

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
			if err := c.actOn(ctx, tx, other, theirs); err != nil {
				return err
			}
			return c.share(ctx, tx, out, other)
		})
	})
	return out, err
}

// share notes on a case's reports whether they belong to another case too, so
// that what they rest on is kept as long as either needs it.
func (c *Centre) share(ctx context.Context, tx *store.Tx, cs casework.Case, other string) error {
	var ids []string
	for _, r := range cs.Reports {
		ids = append(ids, r.ID)
	}
	reports, err := tx.ReportsByID(ctx, ids)
	if err != nil {
		return err
	}
	theirs, err := c.load(ctx, tx, other)
	if err != nil {
		return err
	}
	for _, r := range reports {
		if slices.ContainsFunc(theirs.Reports, func(o casework.ReportRef) bool { return o.ID == r.ID }) {
			continue // it belongs to both in any case
		}
		r.Cases = slices.DeleteFunc(slices.Clone(r.Cases), func(id string) bool { return id == other })
		if cs.State == casework.Merged {
			r.Cases = append(r.Cases, other)
		}
		if err := tx.FinishReport(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Retain lets what is over its time expire.
func (c *Centre) Retain(ctx context.Context) error {
	_, err := c.Store.Sweep(ctx, c.Clock.Now(), c.set.Retention)
	return err
}

// SetBaseURL says how the centre is reached, once that is known. It must be
// called before any work starts.
func (c *Centre) SetBaseURL(u string) { c.set.BaseURL = u }

// Purge is for a case that turns out to be about child sexual abuse material,
// which is never kept (DESIGN section 8): what was captured for it, the
// messages about it and the raw reports on it are erased and refused ever
// after, and the case closes. What stays is its log, which names subjects and
// digests. A report that came in bulk takes the raw bytes of its whole chunk
// with it; the other reports of that chunk have been read and stay filed.
func (c *Centre) Purge(ctx context.Context, id, by string) (casework.Case, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return cs, err
	}
	if cs.State.IsOpen() { // first, so that nothing is captured or sent meanwhile
		if cs, err = c.Act(ctx, id, casework.Close{By: by, Reason: "handed to the hotline; nothing of it is kept"}); err != nil {
			return cs, err
		}
	}
	shas := map[string]bool{}
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		entries, err := tx.Events(ctx, id)
		if err != nil {
			return err
		}
		for _, e := range entries {
			var b casework.Looked
			if e.Kind == casework.KindLooked && e.Payload != nil && json.Unmarshal(e.Payload.Body, &b) == nil {
				for _, sha := range b.Finding.Blobs {
					shas[sha] = true
				}
			}
		}
		shown, err := proofs(entries)
		if err != nil {
			return err
		}
		for _, sha := range shown {
			shas[sha] = true
		}
		notices, err := tx.Notices(ctx, id)
		if err != nil {
			return err
		}
		for _, n := range notices {
			shas[n.Blob] = true
		}
		mails, err := tx.Mails(ctx, id)
		if err != nil {
			return err
		}
		for _, m := range mails {
			shas[m.Blob] = true
		}
		var ids []string
		for _, r := range cs.AllReports() {
			ids = append(ids, r.ID)
		}
		reports, err := tx.ReportsByID(ctx, ids)
		for _, r := range reports {
			shas[r.Blob] = true
		}
		return err
	})
	if err != nil {
		return cs, err
	}
	delete(shas, "")
	for sha := range shas {
		if err := c.Store.BarBlob(ctx, sha); err != nil && problem.CodeOf(err) != problem.NotFound {
			return cs, err
		}
	}
	return cs, nil
}
