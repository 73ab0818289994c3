package centre

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
	"bailiwick/store"
)

// sweepBatch is how much of each kind one pass of the sweep takes.
const sweepBatch = 500

// Handlers are the centre's jobs, by kind, for the queue. Each is only a
// prompt to do now what is due anyway.
func (c *Centre) Handlers() map[string]func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
	run := func(f func(context.Context, []string) error) func(context.Context, []string, func(*sql.Tx) error) error {
		return func(ctx context.Context, ids []string, _ func(*sql.Tx) error) error { return f(ctx, ids) }
	}
	return map[string]func(context.Context, []string, func(*sql.Tx) error) error{
		JobTriage:  run(c.Triage),
		JobCase:    run(c.Work),
		JobDeliver: run(c.Deliver),
		JobMail:    run(c.ReadMails),
		JobVerify:  run(c.WorkVerifications), JobVerifyOrder: run(c.GiveOrders), JobVerifyDoubt: run(c.FollowDoubts),
	}
}

// Swept counts what a sweep did.
type Swept struct{ Mails, Reports, Cases, Notices, Disclosures, Assessed, Verifications, Orders, Doubts, Inaccuracies int }

// Zero says whether nothing was due.
func (s Swept) Zero() bool { return s == Swept{} }

// Sweep does one pass over everything that is due: mails to read, reports to file, cases to
// look at, notices to deliver, disclosure requests whose time is over, verifications and their orders, inaccuracy cases, answers to assess. It makes certain what jobs make prompt: with
// the queue lost, all work is still done, only later.
func (c *Centre) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	now := c.Clock.Now()
	var mails, reports, notices, cases, disclosures, verifications, orders, doubts, inaccuracies []string
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		ms, err := tx.DueMails(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, m := range ms {
			mails = append(mails, m.ID)
		}
		rs, err := tx.DueReports(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, r := range rs {
			reports = append(reports, r.ID)
		}
		ns, err := tx.DueNotices(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, n := range ns {
			notices = append(notices, n.ID)
		}
		if disclosures, err = tx.DueDisclosures(ctx, now, sweepBatch); err != nil {
			return err
		}
		if inaccuracies, err = tx.DueInaccuracies(ctx, now, sweepBatch); err != nil {
			return err
		}
		if verifications, err = tx.DueVerifications(ctx, now, sweepBatch); err != nil {
			return err
		}
		if orders, err = tx.DueOrders(ctx, now, sweepBatch); err != nil {
			return err
		}
		if doubts, err = tx.DueDoubts(ctx, now, sweepBatch); err != nil {
			return err
		}
		cases, err = tx.DueCases(ctx, now, sweepBatch)
		return err
	})
	if err != nil {
		return s, err
	}
	s = Swept{Mails: len(mails), Reports: len(reports), Cases: len(cases), Notices: len(notices), Disclosures: len(disclosures), Verifications: len(verifications), Orders: len(orders), Doubts: len(doubts), Inaccuracies: len(inaccuracies)}
	err = errors.Join(c.ReadMails(ctx, mails), c.Triage(ctx, reports), c.Work(ctx, cases), c.Deliver(ctx, notices), c.workDisclosures(ctx, disclosures), c.WorkVerifications(ctx, verifications), c.GiveOrders(ctx, orders), c.FollowDoubts(ctx, doubts), c.workInaccuracies(ctx, inaccuracies), c.doubt(ctx, "", time.Now().Add(-c.set.Lease)))
	// Last, as it looks at what the others learned.
	assessed, aerr := c.Assess(ctx)
	s.Assessed = assessed
	return s, errors.Join(err, aerr)
}

// Recover is called once at the start of a worker: what it had under way when
// it died is in doubt, and what was held may go by the settings of today.
func (c *Centre) Recover(ctx context.Context) error {
	if err := c.doubt(ctx, c.set.Worker, time.Time{}); err != nil {
		return err
	}
	return c.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.ReleaseNotices(ctx, c.Clock.Now())
		return err
	})
}

// doubt marks notices whose outcome was never written as in doubt, on their
// cases too: of one worker, or of any whose lease ran out before a time.
func (c *Centre) doubt(ctx context.Context, worker string, before time.Time) error {
	return retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			ns, err := tx.DoubtNotices(ctx, worker, before)
			if err != nil {
				return err
			}
			for _, n := range ns {
				if err := c.told(ctx, tx, n, casework.Doubtful, "the worker stopped between sending and noting the result"); err != nil && problem.CodeOf(err) != problem.NotFound {
					return err
				}
			}
			return nil
		})
	})
}

// actOn loads a case and gives it commands within tx.
func (c *Centre) actOn(ctx context.Context, tx *store.Tx, id string, cmds ...casework.Command) error {
	var p prompts
	if err := c.actIn(ctx, tx, &p, id, cmds...); err != nil {
		return err
	}
	return p.enqueue(ctx, tx)
}

// actIn is actOn without the jobs, which it adds to p.
func (c *Centre) actIn(ctx context.Context, tx *store.Tx, p *prompts, id string, cmds ...casework.Command) error {
	cs, err := c.load(ctx, tx, id)
	if err != nil {
		return err
	}
	pb, err := c.playbook(ctx, tx, cs.Playbook)
	if err != nil {
		return err
	}
	_, err = c.step(ctx, tx, p, cs, pb, cmds...)
	return err
}
