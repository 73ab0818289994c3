package centre

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/message"
	"bailiwick/report/read"
	"bailiwick/store"
)

// triageBatch is how many reports one transaction triages.
const triageBatch = 50

// Triage files the given reports: each is attached to the open case of its
// subject and type, to one closed lately, or to a new one. Reports that are
// filed already are passed over, so that it may be called twice.
func (c *Centre) Triage(ctx context.Context, ids []string) error {
	for batch := range slices.Chunk(ids, triageBatch) {
		var rows []store.Report
		if err := c.Store.View(ctx, func(tx *store.Tx) error {
			var err error
			rows, err = tx.ReportsByID(ctx, batch)
			return err
		}); err != nil {
			return err
		}
		if err := c.triage(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// claim is a report read again, ready to be filed.
type claim struct {
	row store.Report
	rep report.Report
	err error
}

func (c *Centre) triage(ctx context.Context, rows []store.Report) error {
	claims := make([]claim, 0, len(rows))
	raws := map[string][]byte{} // lines of one bulk chunk share a blob
	for _, r := range rows {
		if r.State != store.ReportReceived {
			continue
		}
		cl := claim{row: r}
		whole, ok := raws[r.Blob]
		if !ok {
			whole, _, cl.err = c.Store.Blob(ctx, r.Blob)
			raws[r.Blob] = whole
		}
		if cl.err == nil && r.Offset+r.Length > int64(len(whole)) {
			cl.err = problem.New(problem.Corrupt, "the stored bytes are too short")
		}
		if cl.err == nil {
			cl.rep, _, cl.err = read.Report(whole[r.Offset:r.Offset+r.Length], r.Format)
		}
		claims = append(claims, cl)
	}
	sort.SliceStable(claims, func(i, j int) bool {
		a, b := claims[i].row, claims[j].row
		return a.Received.Before(b.Received) || a.Received.Equal(b.Received) && a.ID < b.ID
	})
	err := retry(func() error {
		return c.Store.Update(ctx, func(tx *store.Tx) error {
			var p prompts
			for _, cl := range claims {
				if err := c.fileOne(ctx, tx, &p, cl); err != nil {
					return err
				}
			}
			return p.enqueue(ctx, tx)
		})
	})
	if err == nil || len(claims) <= 1 || ctx.Err() != nil {
		if err != nil && len(claims) == 1 && ctx.Err() == nil {
			return c.defer1(ctx, claims[0].row, err)
		}
		return err
	}
	// One bad record never stops a batch: each on its own.
	c.Log.Warn("a batch of reports could not be filed together", "reports", len(claims), "err", err)
	for _, cl := range claims {
		if err := c.triage(ctx, []store.Report{cl.row}); err != nil {
			return err
		}
	}
	return nil
}

// defer1 puts a report that could not be filed off, and gives up on it, with
// the reason kept, after some tries.
func (c *Centre) defer1(ctx context.Context, r store.Report, cause error) error {
	c.Log.Error("a report could not be filed", "report", r.ID, "attempts", r.Attempts+1, "err", cause)
	r.Attempts++
	r.Due = c.Clock.Now().Add(time.Duration(r.Attempts) * 10 * time.Minute)
	if r.Attempts >= 8 {
		r.State, r.Due, r.Detail = store.ReportRejected, time.Time{}, "The report could not be filed; its bytes are kept."
	}
	return c.Store.Update(ctx, func(tx *store.Tx) error { return tx.FinishReport(ctx, r) })
}

func (c *Centre) fileOne(ctx context.Context, tx *store.Tx, p *prompts, cl claim) error {
	row := cl.row
	if now, err := tx.Report(ctx, row.ID); err != nil || now.State != store.ReportReceived {
		return err // another worker filed it first
	}
	byKey, subjects, err := c.subjects(cl.rep.URLs, cl.rep.Domains, cl.rep.IPs)
	if cl.err != nil {
		err = cl.err
	}
	if err != nil {
		if problem.CodeOf(err) == problem.Internal || problem.CodeOf(err) == problem.Unavailable {
			return err
		}
		reject(&row, err)
		return tx.FinishReport(ctx, row)
	}
	fresh := false
	for _, s := range subjects {
		ref := casework.ReportRef{ID: row.ID, Received: row.Received, Format: row.Format, URLs: hostsOf(byKey[s.Key()]), Brand: cl.rep.TargetBrand}
		id, isNew, err := c.attach(ctx, tx, p, s, cl.rep, ref)
		if err != nil {
			return err
		}
		row.Cases = append(row.Cases, id)
		fresh = fresh || isNew
	}
	row.State, row.Due = store.ReportAccepted, time.Time{}
	if !fresh {
		row.State = store.ReportDuplicate
		row.Detail = "The case is known; this report was added to it."
	}
	if err := tx.FinishReport(ctx, row); err != nil {
		return err
	}
	if row.Source != "mail" {
		return nil
	}
	m, ok, err := tx.MailOfReport(ctx, row.ID)
	if err != nil || !ok {
		return err
	}
	return c.owe(ctx, tx, p, row, m)
}

// attach files one report under one subject. It says whether the report
// brought anything new: a case, or something to look at.
func (c *Centre) attach(ctx context.Context, tx *store.Tx, p *prompts, s party.Subject, rep report.Report, ref casework.ReportRef) (string, bool, error) {
	typ := typeOr(rep.Abuse)
	who := casework.Reporter{Org: rep.Reporter.Org, Contact: rep.Reporter.Contact, Name: rep.Reporter.Name, Domain: rep.Reporter.Domain, Disclose: rep.Reporter.Disclose}
	row, found, err := tx.OpenCase(ctx, s.Key(), string(typ))
	if err != nil {
		return "", false, err
	}
	if !found && typ == abuse.Other && rep.Format == message.Format {
		// Who writes a mail and does not say what it is means what is known there.
		if row, found, err = tx.AnyOpenCase(ctx, s.Key()); err != nil {
			return "", false, err
		}
	}
	if !found {
		// A case closed lately and still watched takes the report and looks
		// again; one that is over does not.
		if row, found, err = tx.LatestCase(ctx, s.Key(), string(typ)); err != nil {
			return "", false, err
		}
		for hops := 0; found && row.State == string(casework.Merged) && hops < 5; hops++ {
			cs, err := unpack(row)
			if err != nil {
				return "", false, err
			}
			if row, err = tx.Case(ctx, cs.MergedInto); err != nil {
				return "", false, err
			}
		}
		found = found && (row.State != string(casework.Closed) || !row.Due.IsZero())
	}
	if found {
		cs, err := unpack(row)
		if err != nil {
			return "", false, err
		}
		pb, err := c.playbook(ctx, tx, cs.Playbook)
		if err != nil {
			return "", false, err
		}
		had := cs.URLs()
		after, err := c.step(ctx, tx, p, cs, pb, casework.AddReport{Report: ref, Reporter: who})
		if problem.CodeOf(err) == problem.TooLarge {
			return cs.ID, false, nil // counted as a duplicate, and kept
		}
		return cs.ID, len(after.URLs()) > len(had), err
	}
	pb := c.Playbooks.For(typ)
	cs, err := c.step(ctx, tx, p, casework.Case{}, pb, casework.Open{Subject: s, Type: typ}, casework.AddReport{Report: ref, Reporter: who})
	return cs.ID, true, err
}

// Progress is what a reporter is told of one case: no more than what concerns
// the report.
type Progress struct {
	Subject string `json:"subject"`
	Type    string `json:"type"`
	State   string `json:"state"`
	Outcome string `json:"outcome,omitempty"`
}

// Progress says what became of a report, by its receipt.
func (c *Centre) Progress(ctx context.Context, receipt string) (Receipt, []Progress, error) {
	var rc Receipt
	var out []Progress
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		r, err := tx.ReportByReceipt(ctx, receipt)
		if err != nil {
			return err
		}
		rc = Row(r)
		for _, id := range r.Cases {
			cs, err := c.load(ctx, tx, id)
			if problem.CodeOf(err) == problem.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, Progress{Subject: cs.Subject.Key(), Type: string(cs.Type), State: string(cs.State), Outcome: string(cs.Outcome)})
		}
		return nil
	})
	return rc, out, err
}

// AddTo reports further addresses, one on a line, as the same kind of abuse as
// an earlier report, by its receipt: whoever holds it may.
func (c *Centre) AddTo(ctx context.Context, receipt, lines string) (Receipt, error) {
	var r store.Report
	if err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = tx.ReportByReceipt(ctx, receipt)
		return err
	}); err != nil {
		return Receipt{}, err
	}
	typ := abuse.Other
	if r.Blob != "" {
		raw, _, err := c.Store.Blob(ctx, r.Blob)
		if err != nil && problem.CodeOf(err) != problem.NotFound {
			return Receipt{}, err
		}
		if r.Offset+r.Length <= int64(len(raw)) {
			rep, _, _ := read.Report(raw[r.Offset:r.Offset+r.Length], r.Format) // as far as it reads
			typ = typeOr(rep.Abuse)
		}
	}
	var urls []string
	for l := range strings.Lines(lines) {
		if l = strings.TrimSpace(l); l != "" {
			urls = append(urls, l)
		}
	}
	if len(urls) == 0 {
		return Receipt{}, problem.BadField("urls", "names nothing")
	}
	body, err := json.Marshal(map[string]any{"type": typ, "urls": urls, "id": "addition to " + receipt})
	if err != nil {
		return Receipt{}, err
	}
	return c.Submit(ctx, Submission{Source: "web", Body: body})
}

// Withdraw takes a report back, by its receipt: whoever holds it may.
func (c *Centre) Withdraw(ctx context.Context, receipt string) error {
	var r store.Report
	if err := c.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		r, err = tx.ReportByReceipt(ctx, receipt)
		return err
	}); err != nil {
		return err
	}
	if len(r.Cases) == 0 {
		return problem.New(problem.Conflict, "the report is %s and on no case", r.State)
	}
	var errs []error
	for _, id := range r.Cases {
		_, err := c.Act(ctx, id, casework.WithdrawReport{Report: r.ID})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
