package centre

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/survey"
	"bailiwick/store"
	"bailiwick/verify"
)

// verified writes what came of a verification of somebody's mail address.
func (r *surveyRig) verified(id, org, domain, mail string, method verify.Method, at time.Time) {
	r.t.Helper()
	rev, err := verify.Revise(r.revisionKey(), verify.Email, mail)
	if err != nil {
		r.t.Fatal(err)
	}
	h := verify.Holder{ID: id, Name: domain, Role: verify.Registrant, State: verify.Verified, Contact: verify.Contact{verify.Email: rev},
		Verified: map[verify.Claim]verify.Record{verify.Email: {Revisions: verify.Contact{verify.Email: rev}, Method: method, Result: verify.Pass, PerformedAt: at}}}
	body, err := json.Marshal(h)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.Store.Update(r.t.Context(), func(tx *store.Tx) error {
		return tx.PutVerification(r.t.Context(), store.Verification{ID: id, Name: domain, Role: "registrant", Org: org, State: string(verify.Verified), Email: string(rev), Opened: at, Seq: 1, Body: body}, 0)
	}); err != nil {
		r.t.Fatal(err)
	}
}

// holders is the frame with nobody but the registrants.
func (r *surveyRig) holders() SurveyFrame {
	f := r.own()
	read := f.Read
	f.Read = func() iter.Seq2[SurveyUnit, error] {
		return func(yield func(SurveyUnit, error) bool) {
			for u, err := range read() {
				delete(u.Record.Contacts, "admin")
				delete(u.Record.Contacts, "tech")
				if !yield(u, err) {
					return
				}
			}
		}
	}
	return f
}

// answers are the units of which a survey has an answer of the mail address.
func (r *surveyRig) answers(id string) map[string]bool {
	r.t.Helper()
	out := map[string]bool{}
	if err := r.SurveyUnits(r.t.Context(), id, func(unit, _ string, o survey.Outcome) error {
		if o.Tests["email.works"].Result == accuracy.Pass {
			out[unit] = true
		}
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// TestSurveyReadsVerifications: that a holder returned a code to this centre is an
// answer for the value that was verified and no other, by the day of the survey,
// where it is the centre's own; and what was known is fixed when the sample is
// drawn.
func TestSurveyReadsVerifications(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	begun := func() (*surveyRig, SurveyDraft) {
		r := newSurveyRig(t, 60)
		r.ReplyKey = []byte(strings.Repeat("k", 32))
		var err error
		if r.profile, err = r.shipped.Get("waps-raa-2013"); err != nil {
			t.Fatal(err)
		}
		d := r.draft()
		d.Total, d.FirstPhase, d.Observed = 60, 60, false
		mail := func(i int) string { return r.people[i].Record().Contacts["registrant"].Email }
		var with []int
		for i := range r.people {
			if strings.Contains(mail(i), "@") && r.people[i].Truth.Email.WellFormed() {
				with = append(with, i)
			}
		}
		v := func(n int, id, org, value string, m verify.Method, at time.Time) {
			p := r.people[with[n]]
			if value == "" {
				value = mail(with[n])
			}
			r.verified(id, org, p.Name, value, m, at)
		}
		v(0, "v0", "", "", verify.ByMail, day.Add(-40*24*time.Hour))
		v(1, "v1", "", "", verify.ByMail, day.Add(8*time.Hour))                     // on the day itself
		v(2, "v2", "", "somebody@else.example", verify.ByMail, day.Add(-time.Hour)) // of another value
		v(3, "v3", "", "", verify.ByMail, day.Add(24*time.Hour))                    // after it
		v(4, "v4", "org", "", verify.ByMail, day.Add(-time.Hour))                   // a member's own
		v(5, "v5", "", "", "documents", day.Add(-time.Hour))                        // nobody answered
		return r, d
	}
	r, d := begun()
	s := r.planned(d, r.holders())
	if !s.Plan.Verified {
		t.Fatal("the plan does not say that what was verified is read")
	}
	s, err := r.run(r.holders(), s.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := r.answers(s.ID)
	if len(got) != 2 {
		t.Errorf("%d units have an answer: %v", len(got), got)
	}
	if c := s.Report.Counts; c.Answers != 3 || len(c.AnswersDigest) != 64 { // one of them of another value
		t.Errorf("%+v", c)
	}
	if !strings.Contains(strings.Join(s.Report.Notes, "\n"), "Confirmed to this centre by a code that came back: 3") {
		t.Errorf("%q", s.Report.Notes)
	}
	whole := r.stored(s.ID)

	// Stopped after it was drawn; then more is verified, and something no longer.
	k, d := begun()
	s2 := k.planned(d, k.holders())
	if _, err := k.run(k.holders(), s2.ID, func(run *SurveyRun) {
		run.Before = func(step string) error {
			if strings.HasSuffix(step, "batch") {
				return errKilled
			}
			return nil
		}
	}); err == nil {
		t.Fatal("it was not stopped")
	}
	for i, p := range k.people {
		if i >= 20 && i < 30 {
			k.verified("later"+p.Name, "", p.Name, p.Record().Contacts["registrant"].Email, verify.ByMail, day.Add(-time.Hour))
		}
	}
	if err := k.Store.Update(t.Context(), func(tx *store.Tx) error {
		row, err := tx.Verification(t.Context(), "v0")
		if err != nil {
			return err
		}
		row.State, row.Seq, row.Body = "terminated", 2, []byte(`{}`)
		return tx.PutVerification(t.Context(), row, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.run(k.holders(), s2.ID, nil); err != nil {
		t.Fatal(err)
	}
	if again := k.stored(s2.ID); string(again) != string(whole) {
		t.Error("what was verified after the draw changed the report")
	}

	// What was known goes with the names.
	if n, err := k.Store.SweepSurveys(context.Background(), day.Add(400*24*time.Hour), 24*time.Hour); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if err := k.Store.View(t.Context(), func(tx *store.Tx) error {
		_, as, err := tx.SurveyAnswers(t.Context(), s2.ID)
		if len(as) > 0 {
			t.Errorf("%d answers are left", len(as))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
