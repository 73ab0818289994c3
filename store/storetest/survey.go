package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/store"
)

func testSurveys(t *testing.T, e *env) {
	s := e.open(t)
	one := store.Survey{ID: "s1", Name: "all of .example", Cycle: 1, State: "planned", Created: start, Changed: start, Plan: []byte(`{"seed":"1"}`), Source: []byte(`{"file":"a.csv"}`), Progress: []byte(`{}`)}
	two := one
	two.ID, two.Cycle, two.Created, two.Changed = "s2", 2, start.Add(time.Hour), start.Add(time.Hour)
	other := one
	other.ID, other.Name = "s3", "another"
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, v := range []store.Survey{one, two, other} {
			if err := tx.AddSurvey(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
	twice := one
	twice.ID = "s4"
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AddSurvey(ctx, twice) })
	fails(t, s, problem.Internal, func(ctx context.Context, tx *store.Tx) error { return tx.AddSurvey(ctx, store.Survey{ID: "s5"}) })
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Survey(ctx, "s1")
		if err != nil {
			return err
		}
		equal(t, got, one)
		if _, err := tx.Survey(ctx, "none"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("got %v", err)
		}
		last, ok, err2 := tx.LastSurvey(ctx, one.Name, "")
		if !ok || last.ID != "s2" || err2 != nil {
			t.Errorf("%v %v %v", last.ID, ok, err2)
		}
		if _, ok, err = tx.LastSurvey(ctx, one.Name, "done"); ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		return err
	})
	ids := func(f store.SurveyFilter) (out []string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			out = nil
			vs, err := tx.Surveys(ctx, f)
			for _, v := range vs {
				out = append(out, v.ID)
				if v.Report != nil {
					t.Error("a list carries reports")
				}
			}
			return err
		})
		return out
	}
	equal(t, ids(store.SurveyFilter{}), []string{"s2", "s3", "s1"})
	equal(t, ids(store.SurveyFilter{Limit: 1, After: "s2"}), []string{"s3"})
	equal(t, ids(store.SurveyFilter{Name: one.Name}), []string{"s2", "s1"})
	equal(t, ids(store.SurveyFilter{PublishedOnly: true}), []string(nil))

	// Its sample: more than one statement writes.
	var units []store.SurveyUnit
	for i := range 1203 {
		units = append(units, store.SurveyUnit{N: i, Unit: fmt.Sprintf("n%d.example", i), Phase: 1, Stratum: "a"})
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddSurveyUnits(ctx, "s1", units) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.AddSurveyUnits(ctx, "s1", units[:1]) })
	fails(t, s, problem.Invalid, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddSurveyUnits(ctx, "s1", []store.SurveyUnit{{N: 5000, Unit: "a\x00b"}})
	})
	read := func(phase int, open bool, after, limit int) (out []store.SurveyUnit) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.SurveyUnits(ctx, "s1", phase, open, after, limit)
			return err
		})
		return out
	}
	done := func(unit, stratum, outcome string, want bool) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.DoneSurveyUnit(ctx, "s1", unit, stratum, []byte(outcome))
			if got != want {
				t.Errorf("%s: %v", unit, got)
			}
			return err
		})
	}
	done("n1.example", "b", `{"groups":{}}`, true)
	done("n1.example", "c", `{"again":1}`, false)
	done("nobody.example", "c", `{}`, false)
	got := read(1, true, -1, 2)
	equal(t, []int{got[0].N, got[1].N}, []int{0, 2})
	got = read(1, false, 0, 1)
	equal(t, got[0], store.SurveyUnit{N: 1, Unit: "n1.example", Phase: 1, Done: true, Stratum: "b", Outcome: []byte(`{"groups":{}}`)})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.ChooseSurveyUnits(ctx, "s1", []store.SurveyUnit{{N: 1, Stratum: "(joined)"}, {N: 7, Stratum: "a"}})
	})
	count := func(phase int) string {
		var a, d int
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			a, d, err = tx.CountSurveyUnits(ctx, "s1", phase)
			return err
		})
		return fmt.Sprint(a, d)
	}
	equal(t, count(1)+" "+count(2)+" "+count(3), "1201 0 2 0 0 0")
	done("n7.example", "", `{"tests":{}}`, true)
	got = read(2, false, -1, 10)
	equal(t, got, []store.SurveyUnit{{N: 1, Unit: "n1.example", Phase: 2, Stratum: "(joined)"}, {N: 7, Unit: "n7.example", Phase: 2, Done: true, Stratum: "a", Outcome: []byte(`{"tests":{}}`)}})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetSurveyOutcome(ctx, "s1", 7, []byte(`{"new":1}`))
	})
	equal(t, string(read(2, false, 1, 10)[0].Outcome), `{"new":1}`)

	// A report, and publishing it.
	fails(t, s, problem.NotFound, func(ctx context.Context, tx *store.Tx) error { return tx.PublishSurvey(ctx, "s1", true, start) })
	one.State, one.Changed, one.Ended, one.Report, one.Progress = "done", start.Add(time.Minute), start.Add(time.Minute), []byte(`{"plan":{}}`), []byte(`{"done":2}`)
	one.Digest = sha(one.Report)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.MoveSurvey(ctx, one, "planned") })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.MoveSurvey(ctx, one, "planned") })

	// The report is made anew by who knows the last one, while it is not published.
	was := one.Digest
	one.Report, one.Changed = []byte(`{"plan":{},"counts":{}}`), start.Add(90*time.Second)
	one.Digest = sha(one.Report)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ReportSurvey(ctx, one, was) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.ReportSurvey(ctx, one, was) })
	one.Published, one.Changed = true, start.Add(2*time.Minute)
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PublishSurvey(ctx, "s1", true, one.Changed) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.ReportSurvey(ctx, one, one.Digest) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.MoveSurvey(ctx, one, "done") })
	equal(t, ids(store.SurveyFilter{PublishedOnly: true}), []string{"s1"})

	// Targets keep their order.
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddSurveyTarget(ctx, one.Name, []byte("1")); err != nil {
			return err
		}
		return tx.AddSurveyTarget(ctx, one.Name, []byte("2"))
	})
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		ts, err := tx.SurveyTargets(ctx, one.Name)
		equal(t, ts, [][]byte{[]byte("1"), []byte("2")})
		none, err2 := tx.SurveyTargets(ctx, "another")
		if len(none) > 0 || err2 != nil {
			t.Errorf("%q %v", none, err2)
		}
		return err
	})

	// The names go with time, and nothing else does.
	sweep := func(after, keep time.Duration, want int) {
		t.Helper()
		n, err := s.SweepSurveys(t.Context(), start.Add(after), keep)
		if n != want || err != nil {
			t.Errorf("%d surveys lost their names, %v", n, err)
		}
	}
	sweep(time.Hour, store.Forever, 0)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.TouchSurvey(ctx, "s2", start.Add(3*time.Hour))
	})
	sweep(time.Hour, time.Hour, 1) // s3, which nobody began; s1 ended a minute later
	sweep(time.Hour+time.Minute, time.Hour, 1)
	sweep(time.Hour+time.Minute, time.Hour, 0)
	sweep(4*time.Hour-time.Second, time.Hour, 0) // s2 is worked on
	sweep(4*time.Hour, time.Hour, 1)
	// What has expired takes no names and no source again.
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error { return tx.TouchSurvey(ctx, "s2", start) })
	fails(t, s, problem.Conflict, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddSurveyUnits(ctx, "s2", []store.SurveyUnit{{N: 0, Unit: "late.example", Phase: 2}})
	})
	two.State = "testing"
	update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.MoveSurvey(ctx, two, "planned") })
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Survey(ctx, "s2")
		if len(got.Source) > 0 || got.Expired.IsZero() || got.State != "testing" {
			t.Errorf("%+v", got)
		}
		return err
	})
	one.Expired, one.Source = start.Add(time.Hour+time.Minute), []byte{}
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Survey(ctx, "s1")
		equal(t, got, one)
		return err
	})
	got = read(2, false, 1, 10)
	equal(t, got, []store.SurveyUnit{{N: 7, Phase: 2, Done: true, Stratum: "a", Outcome: []byte(`{"new":1}`)}})
}
