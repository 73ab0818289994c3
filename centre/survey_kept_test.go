package centre

import (
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/survey"
	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store"
)

// TestSurveyRow: what pages show of a finished survey stands in its row: neither
// its sample is counted nor its report read for it.
func TestSurveyRow(t *testing.T) {
	r := newSurveyRig(t, 300)
	ctx := t.Context()
	s := r.planned(r.draft(), r.own())
	s, err := r.run(r.own(), s.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.Update(ctx, func(tx *store.Tx) error {
		for _, q := range []string{"DELETE FROM survey_names", "DELETE FROM survey_units"} {
			if _, err := tx.SQL().ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	all, err := r.Surveys(ctx, store.SurveyFilter{})
	if err != nil || len(all) != 1 || all[0].Progress.Done != 150 || all[0].Progress.All != 150 || all[0].Report != nil {
		t.Fatalf("%+v %v", all, err)
	}
	if len(all[0].Figures) != len(s.Report.Tests) {
		t.Fatalf("%d figures of %d tests", len(all[0].Figures), len(s.Report.Tests))
	}
	for i, f := range all[0].Figures {
		x := s.Report.Tests[i]
		if f.Test != x.Test || f.Low != x.Result.Lower.Low || f.High != x.Result.Upper.High || f.Unpublished != x.Result.Unpublished || (f.Accurate != nil) != (x.Result.Accurate != nil && !x.Result.BoundsOnly) ||
			f.Accurate != nil && *f.Accurate != (SurveyShare{x.Result.Accurate.Share, x.Result.Accurate.Low, x.Result.Accurate.High}) {
			t.Errorf("%+v, and the report says %+v", f, x.Result)
		}
	}
	// One that was finished before rows kept them is read in full.
	if err := r.Store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.Survey(ctx, s.ID)
		if err != nil {
			return err
		}
		row.Progress = []byte(`{"counts":{},"cells":[{"key":"a","tested":150}]}`)
		return tx.MoveSurvey(ctx, row, SurveyDone)
	}); err != nil {
		t.Fatal(err)
	}
	if old, err := r.Survey(ctx, s.ID); err != nil || len(old.Figures) != len(s.Report.Tests) || old.Progress.Done != 150 {
		t.Errorf("%+v %v", old.Figures, err)
	}
}

// TestSurveyKeptWhileRunning: a survey that is worked on for longer than names
// are kept does not lose them, and one that nobody works on does.
func TestSurveyKeptWhileRunning(t *testing.T) {
	r := newSurveyRig(t, 300)
	clk := r.Clock.(*clock.Virtual)
	const keep = 3 * 24 * time.Hour
	sweep := func() int {
		n, err := r.Store.SweepSurveys(t.Context(), clk.Now(), keep)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s := r.planned(r.draft(), r.own())
	swept := 0
	done, err := r.run(r.own(), s.ID, func(run *SurveyRun) {
		run.Batch, run.Workers = 15, 1
		run.Before = func(string) error { // a batch a day
			clk.Set(clk.Now().Add(24 * time.Hour))
			swept += sweep()
			return nil
		}
	})
	if err != nil || swept != 0 || done.State != SurveyDone || !done.Expired.IsZero() {
		t.Fatalf("swept %d times while it was worked on: %v", swept, err)
	}
	if clk.Set(clk.Now().Add(keep)); sweep() != 1 {
		t.Error("what nobody works on is kept")
	}

	// One that expired all the same says so, and takes no name again.
	d := r.draft()
	d.Name = "left alone"
	s = r.planned(d, r.own())
	_, err = r.run(r.own(), s.ID, func(run *SurveyRun) {
		run.Batch = 15
		run.Before = func(step string) error {
			if step == SurveyTesting {
				clk.Set(clk.Now().Add(2 * keep))
				swept += sweep()
			}
			return nil
		}
	})
	if problem.CodeOf(err) != problem.Conflict || !strings.Contains(err.Error(), "expired") || swept != 1 {
		t.Errorf("names are drawn into a survey that has expired: %v", err)
	}

	// Where the frame lies does not come back with the report.
	d.Name = "expired at its end"
	s = r.planned(d, r.own())
	if _, err = r.run(r.own(), s.ID, func(run *SurveyRun) {
		run.Before = func(step string) error {
			if step == SurveyDone {
				clk.Set(clk.Now().Add(2 * keep))
				swept += sweep()
			}
			return nil
		}
	}); err != nil || swept != 2 {
		t.Fatalf("%d %v", swept, err)
	}
	src, err := r.SurveySource(t.Context(), s.ID)
	if got, err2 := r.Survey(t.Context(), s.ID); err != nil || err2 != nil || len(src) != 0 || got.Expired.IsZero() || got.State != SurveyDone {
		t.Errorf("%s %+v %v %v", src, got, err, err2)
	}
}

// TestSurveyReportStands: a report that was published while somebody made it
// anew is not changed, nor are its units; of two who add findings the second is
// told.
func TestSurveyReportStands(t *testing.T) {
	r := newSurveyRig(t, 300)
	ctx := t.Context()
	s := r.planned(r.draft(), r.own())
	s, err := r.run(r.own(), s.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	late := &surveying{SurveyRun: &SurveyRun{ID: s.ID}, c: r.Centre}
	if err := late.load(ctx); err != nil {
		t.Fatal(err)
	}
	unit := ""
	if err := r.SurveyUnits(ctx, s.ID, func(u, _ string, _ survey.Outcome) error { unit = u; return nil }); err != nil {
		t.Fatal(err)
	}
	was := r.stored(s.ID)
	if s, err = r.SurveyFindings(ctx, s.ID, map[string]survey.Findings{unit: {Linked: true}}); err != nil || string(r.stored(s.ID)) == string(was) {
		t.Fatalf("findings change nothing: %v", err)
	}
	// Who read the survey before that knows an older report.
	row := late.row
	row.Changed = r.Clock.Now()
	if err := r.Store.Update(ctx, func(tx *store.Tx) error { return tx.ReportSurvey(ctx, row, late.row.Digest) }); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("findings of somebody else are lost: %v", err)
	}
	if err := r.PublishSurvey(ctx, s.ID, true); err != nil {
		t.Fatal(err)
	}
	late.plan.Frame.Description = "other"
	if err := late.report(ctx); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a published report is written anew: %v", err)
	}
	if got, err := r.Survey(ctx, s.ID); err != nil || got.Digest != s.Digest || !got.Published {
		t.Errorf("%v: the published report changed", err)
	}
	if err := r.PublishSurvey(ctx, s.ID, false); err != nil {
		t.Error(err)
	}
	if _, err := r.SurveyFindings(ctx, s.ID, map[string]survey.Findings{unit: {}}); err != nil {
		t.Errorf("withdrawn: %v", err)
	}
}

// TestSurveyTotal: what asks for no test is told of that alone.
func TestSurveyTotal(t *testing.T) {
	r := newSurveyRig(t, 60)
	for _, n := range []int{0, -5} {
		d := r.draft()
		d.Total = n
		_, err := r.PlanSurvey(t.Context(), d, r.own())
		if doc := problem.DocumentOf(err); problem.CodeOf(err) != problem.Invalid || len(doc.Errors) != 1 || doc.Errors[0].Path != "total" {
			t.Errorf("%d tests: %+v", n, doc)
		}
	}
}
