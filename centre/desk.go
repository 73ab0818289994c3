package centre

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// The methods named Since are for somebody who saw the case up to the event
// numbered seq. Whether somebody else acted after that is asked in the
// transaction that writes, so that of two who act at one time the second gets
// Meanwhile, with what the first did, and nothing of theirs is done. A seq of 0
// sets no such condition.

// Confirm is ConfirmSince for somebody who saw the case as it stands.
func (c *Centre) Confirm(ctx context.Context, id, by string, class casework.Class) (casework.Case, error) {
	return c.ConfirmSince(ctx, id, 0, by, class)
}

// ConfirmSince looks again, so that the confirmation rests on a fresh capture of
// ours, and confirms as a person. The look takes its time: who acts on the case
// meanwhile is first, also with a seq of 0.
func (c *Centre) ConfirmSince(ctx context.Context, id string, seq int, by string, class casework.Class) (casework.Case, error) {
	var cs casework.Case
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if cs, err = c.load(ctx, tx, id); err != nil {
			return err
		}
		return unchanged(ctx, tx, cs, seq) // else nobody needs to look
	})
	if err != nil {
		return cs, err
	}
	if seq == 0 {
		seq = cs.Seq
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
	return c.ActSince(ctx, id, seq, casework.Look{Finding: f, Plan: plan}, casework.Confirm{By: by, Class: class, Plan: plan})
}

// Merge is MergeSince for somebody who saw the case as it stands.
func (c *Centre) Merge(ctx context.Context, id, into, by string) (casework.Case, error) {
	return c.MergeSince(ctx, id, 0, into, by)
}

// MergeSince makes a case part of another, both in one transaction.
func (c *Centre) MergeSince(ctx context.Context, id string, seq int, into, by string) (casework.Case, error) {
	if id == into {
		return casework.Case{}, problem.BadField("into", "a case cannot be merged into itself")
	}
	return c.pair(ctx, id, seq, func(from casework.Case) (string, casework.Command, casework.Command, error) {
		return into, casework.Merge{By: by, Into: into}, casework.Absorb{By: by, From: from}, nil
	})
}

// Unmerge is UnmergeSince for somebody who saw the case as it stands.
func (c *Centre) Unmerge(ctx context.Context, id, by string) (casework.Case, error) {
	return c.UnmergeSince(ctx, id, 0, by)
}

// UnmergeSince restores a merged case, and gives its reports back to it.
func (c *Centre) UnmergeSince(ctx context.Context, id string, seq int, by string) (casework.Case, error) {
	return c.pair(ctx, id, seq, func(cs casework.Case) (string, casework.Command, casework.Command, error) {
		if cs.MergedInto == "" {
			return "", nil, nil, problem.New(problem.Conflict, "case %s is not merged", id)
		}
		return cs.MergedInto, casework.Unmerge{By: by}, casework.Release{By: by, Case: id}, nil
	})
}

// pair gives one command to each of two cases in one transaction: which other
// case it is, and which commands they are, the case says as it then stands.
func (c *Centre) pair(ctx context.Context, id string, seq int, cmds func(casework.Case) (other string, mine, theirs casework.Command, err error)) (casework.Case, error) {
	var out casework.Case
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			cs, err := c.load(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := unchanged(ctx, tx, cs, seq); err != nil {
				return err
			}
			other, mine, theirs, err := cmds(cs)
			if err != nil {
				return err
			}
			pb, err := c.playbook(ctx, tx, cs.Playbook)
			if err != nil {
				return err
			}
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
	now := c.Clock.Now()
	_, err := c.Store.Sweep(ctx, now, c.set.Retention)
	_, asked := c.Store.SweepDisclosures(ctx, now, c.set.Retention.Personal)
	_, verified := c.Store.SweepVerifications(ctx, now, c.set.Retention.Personal, c.set.Verify.Keep)
	_, corrected := c.Store.SweepInaccuracies(ctx, now, c.set.Retention.Personal)
	_, sampled := c.Store.SweepSurveys(ctx, now, c.set.Retention.Registration)
	_, counted := c.Store.SweepAccuracy(ctx, now, c.set.Retention.Accuracy)
	return errors.Join(err, asked, verified, corrected, sampled, counted)
}

// SetBaseURL says how the centre is reached, once that is known. It must be
// called before any work starts.
func (c *Centre) SetBaseURL(u string) { c.set.BaseURL = u }

// Purge is PurgeSince for somebody who saw the case as it stands.
func (c *Centre) Purge(ctx context.Context, id, by string) (casework.Case, error) {
	return c.PurgeSince(ctx, id, 0, by)
}

// PurgeSince is for a case that turns out to be about child sexual abuse material,
// which is never kept (DESIGN section 8): what was captured for it, the
// messages about it and the raw reports on it are erased and refused ever
// after, and the case closes. What stays is its log, which names subjects and
// digests. A report that came in bulk takes the raw bytes of its whole chunk
// with it; the other reports of that chunk have been read and stay filed.
func (c *Centre) PurgeSince(ctx context.Context, id string, seq int, by string) (casework.Case, error) {
	cs, err := c.Case(ctx, id)
	if err != nil {
		return cs, err
	}
	// What is said first is what others see, and for an open case that nothing
	// is captured or sent meanwhile.
	var first casework.Command = casework.AddNote{By: by, Text: "Everything that was kept of this case is erased: it was handed to the hotline."}
	if cs.State.IsOpen() {
		first = casework.Close{By: by, Reason: "handed to the hotline; nothing of it is kept"}
	}
	if cs, err = c.ActSince(ctx, id, seq, first); err != nil {
		return cs, err
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
