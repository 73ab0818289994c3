package centre

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/lab/population"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/store"
)

// surveyRig is a store and a made-up frame.
type surveyRig struct {
	*Centre
	t       *testing.T
	profile policy.Profile
	shipped *policy.Set
	people  []population.Registration
	ids     int
}

func newSurveyRig(t *testing.T, n int) *surveyRig {
	t.Helper()
	clk := clock.NewVirtual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	st, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/a.db", store.Options{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	r := &surveyRig{t: t}
	r.Centre = &Centre{Parts: Parts{Store: st, Clock: clk, Suffixes: name.DefaultSuffixes(), NewID: func() string { r.ids++; return fmt.Sprintf("s%d", r.ids) }}}
	set, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r.shipped = set
	if r.profile, err = set.Get("ars-2013"); err != nil {
		t.Fatal(err)
	}
	all, err := population.Of(3, n, population.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.people = slices.Collect(all)
	return r
}

// errRow is a row of the frame that cannot be read.
var errSurveyRow = problem.BadField("frame.csv:7: domain", "is no name: ada@shop.example")

// frame is the people as a frame, in an order.
func (r *surveyRig) frame(public bool, order iter.Seq[population.Registration]) SurveyFrame {
	return SurveyFrame{
		Digest: func() (string, error) { return strings.Repeat("ab", 32), nil },
		Fatal:  func(err error) bool { return !errors.Is(err, errSurveyRow) },
		Looked: public,
		Read: func() iter.Seq2[SurveyUnit, error] {
			return func(yield func(SurveyUnit, error) bool) {
				if !yield(SurveyUnit{}, errSurveyRow) {
					return
				}
				for p := range order {
					u := SurveyUnit{ID: p.Name}
					if !public {
						u.Stratum, u.Groups, u.Record = p.Registrar, map[string]string{"registrar": p.Registrar}, p.Record()
					}
					if !yield(u, nil) {
						return
					}
				}
			}
		},
		Place: func(_ string, rec registration.Record) (string, map[string]string) {
			return rec.Registrar.Name, map[string]string{"registrar": rec.Registrar.Name}
		},
	}
}

func (r *surveyRig) own() SurveyFrame { return r.frame(false, slices.Values(r.people)) }

func (r *surveyRig) draft() SurveyDraft {
	return SurveyDraft{Source: []byte(`{"file":"frame.csv"}`), Plan: survey.Plan{Name: "people", Kind: survey.Internal, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Frame: survey.Frame{Description: "made-up people", Synthetic: true}, Scheme: "registrar", Groups: []string{"registrar"}, Seed: 42, Total: 150, Floor: 15, Main: "all.form",
		Profile: r.profile.ID, Hash: r.profile.Hash(), Status: r.profile.Status, Tool: "test", Observed: true}}
}

// observed answers for mail domains as the population has them.
func (r *surveyRig) observed(ctx context.Context, domain, _ name.Domain) accuracy.MailFact {
	return accuracy.MailFact{At: r.Clock.Now(), MX: []string{"mx." + domain.String()}}
}

func (r *surveyRig) run(f SurveyFrame, id string, change func(*SurveyRun)) (Survey, error) {
	run := SurveyRun{ID: id, Frame: f, Profile: r.profile, Tool: "test", MailFact: r.observed, Suffixes: r.Suffixes, Batch: 40}
	if change != nil {
		change(&run)
	}
	return r.RunSurvey(r.t.Context(), run)
}

func (r *surveyRig) planned(d SurveyDraft, f SurveyFrame) Survey {
	r.t.Helper()
	s, err := r.PlanSurvey(r.t.Context(), d, f)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *surveyRig) stored(id string) []byte {
	r.t.Helper()
	b, err := r.SurveyReport(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

var errKilled = errors.New("killed")

// TestSurvey: from the plan to the report; the same plan on the same frame, in
// whatever order and however often interrupted, gives the same report.
func TestSurvey(t *testing.T) {
	r := newSurveyRig(t, 900)
	ctx := t.Context()
	d := r.draft()
	s := r.planned(d, r.own())
	if s.State != SurveyPlanned || s.Plan.Cycle != 1 || s.Plan.Frame.Rows != 900 || s.Plan.FirstPhase != 900 || s.Plan.Frame.Bad[0] != (survey.Excluded{Where: "frame", Reason: "cannot be read: domain", Units: 1}) || strings.Contains(fmt.Sprint(s.Plan), "ada") {
		t.Fatalf("%+v", s)
	}
	said := 0
	s, err := r.run(r.own(), s.ID, func(run *SurveyRun) { run.Progress = func(SurveyProgress) { said++ } })
	if err != nil || s.State != SurveyDone || s.Report == nil || s.Report.Counts.Tested != 150 || s.Progress.Done != 150 || said == 0 {
		t.Fatalf("%+v %v", s, err)
	}
	x, ok := s.Report.Test("all.form")
	truth := 0.0
	for _, p := range r.people {
		if p.Truth.WellFormed() {
			truth += 1 / 900.0
		}
	}
	if !ok || x.Result.Accurate == nil || x.Result.Accurate.Low > truth+0.08 || x.Result.Accurate.High < truth-0.08 || s.Report.Strata[0].Frame == 0 {
		t.Errorf("the truth is %.3f: %+v", truth, x.Result)
	}
	whole := r.stored(s.ID)

	// Killed before every step that is made durable, in turn, from the other end
	// of the frame.
	backwards := make([]population.Registration, len(r.people))
	copy(backwards, r.people)
	slices.Reverse(backwards)
	d.Alone, d.Name = true, "people again"
	s = r.planned(d, r.own())
	kills := 0
	for {
		steps := 0
		var done Survey
		done, err = r.run(r.frame(false, slices.Values(backwards)), s.ID, func(run *SurveyRun) {
			run.Before = func(string) error {
				if steps++; steps > 1 {
					return errKilled
				}
				return nil
			}
		})
		if err == nil {
			s = done
			break
		}
		if kills++; !errors.Is(err, errKilled) || kills > 20 {
			t.Fatal(err)
		}
	}
	if kills < 4 {
		t.Errorf("it was only killed %d times", kills)
	}
	if again := bytes.ReplaceAll(r.stored(s.ID), []byte("people again"), []byte("people")); !bytes.Equal(again, whole) {
		t.Errorf("the report of a survey that was killed %d times differs:\n%s\n%s", kills, again, whole)
	}
	if done, err := r.run(r.own(), s.ID, nil); err != nil || done.Digest != s.Digest {
		t.Errorf("run once more: %v", err)
	}

	// The next cycle knows the one before, and tests its targets.
	if _, err := r.SetSurveyTarget(ctx, s.ID, "all.form", 0.5, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	d = r.draft()
	d.Name, d.Seed, d.At = "people again", 43, d.At.AddDate(1, 0, 0)
	next := r.planned(d, r.own())
	if next, err = r.run(r.own(), next.ID, nil); err != nil || next.Plan.Cycle != 2 || next.Plan.Earlier == nil || next.Plan.Earlier.Digest != s.Digest {
		t.Fatalf("%+v %v", next, err)
	}
	if x, _ := next.Report.Test("all.form"); x.Change == nil || len(next.Report.Targets) != 1 || next.Report.Targets[0].Test.Reached != survey.No {
		t.Errorf("%+v %+v", x.Change, next.Report.Targets)
	}

	// What people found, by name; a published report stays as it is.
	var units []string
	if err := r.SurveyUnits(ctx, next.ID, func(unit, stratum string, o survey.Outcome) error {
		units = append(units, unit)
		if len(o.Tests) == 0 || stratum == "" {
			t.Errorf("%s: %+v", unit, o)
		}
		return nil
	}); err != nil || len(units) != 150 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	found := map[string]survey.Findings{}
	for i, u := range units {
		found[u] = survey.Findings{Deliverable: i%2 == 0, Linked: true, Located: true, Interviewed: i%3 > 0}
	}
	with, err := r.SurveyFindings(ctx, next.ID, found)
	if err != nil || with.Report.NORC == nil || with.Report.NORC.Units != 150 || with.Digest == next.Digest || !with.Ended.Equal(next.Ended) {
		t.Errorf("%+v %v", with, err)
	}
	if _, err := r.SurveyFindings(ctx, next.ID, map[string]survey.Findings{"nobody.example": {}}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("findings of nobody: %v", err)
	}
	if err := r.PublishSurvey(ctx, next.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SurveyFindings(ctx, next.ID, found); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("findings of a published survey: %v", err)
	}

	// The names go, the report stays; and the database never held a contact.
	if n, err := r.Store.SweepSurveys(ctx, r.Clock.Now().Add(200*24*time.Hour), 0); n != 3 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if err := r.SurveyUnits(ctx, next.ID, func(unit, _ string, _ survey.Outcome) error {
		if unit != "" {
			t.Errorf("%s is still there", unit)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if all, err := r.Surveys(ctx, store.SurveyFilter{}); err != nil || len(all) != 3 || all[0].Report != nil || all[0].Expired.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	if src, err := r.SurveySource(ctx, next.ID); err != nil || len(src) != 0 {
		t.Errorf("where the frame lay is still known: %s %v", src, err)
	}
}

// TestSurveyPublic looks names up, in two phases, is killed between batches,
// and says no more than bounds of what is mostly withheld.
func TestSurveyPublic(t *testing.T) {
	r := newSurveyRig(t, 400)
	r.profile.Published = "" // what is withheld is withheld
	d := r.draft()
	d.Kind, d.Observed, d.Total, d.FirstPhase, d.Floor = survey.Public, false, 60, 150, 5
	at := map[string]population.Registration{}
	for _, p := range r.people {
		at[p.Name] = p
	}
	asked := map[string]int{}
	lookup := &SurveyLookup{Clock: clock.Real{}, Dir: t.TempDir(), Side: func(string) int { return 1 },
		Begin: func(d name.Domain) (collect.Step, error) {
			return collect.Step{Domain: d, Server: "rdap.example:443", Protocol: "rdap", Role: "registry"}, nil
		},
		Ask: func(_ context.Context, s collect.Step) (collect.Outcome, error) {
			p := at[s.Domain.String()]
			asked[p.Name]++
			switch {
			case p.Index%20 == 7:
				return collect.Outcome{Done: true, Record: registration.Record{State: registration.Available, Domain: p.Name}}, nil
			case p.Index%20 == 8:
				return collect.Outcome{}, problem.New(problem.NotFound, "no server is known")
			}
			rec := p.Public()
			rec.Contacts = map[string]registration.Contact{"registrant": {Country: "DE"}}
			rec.Fields = map[string]registration.FieldState{"contacts.registrant": registration.Redacted, "contacts.admin": registration.Redacted, "contacts.tech": registration.Redacted}
			return collect.Outcome{Done: true, Record: rec}, nil
		}}
	frame := r.frame(true, slices.Values(r.people))
	s := r.planned(d, frame)
	kills, steps := 0, 0
	for {
		steps = 0
		done, err := r.run(frame, s.ID, func(run *SurveyRun) {
			run.Lookup = lookup
			run.Before = func(step string) error {
				// Once after the draw, once in the middle of each phase.
				if steps++; kills < 3 && steps > 1 {
					return errKilled
				}
				return nil
			}
		})
		if err == nil {
			s = done
			break
		}
		if kills++; !errors.Is(err, errKilled) || kills > 10 {
			t.Fatal(err)
		}
	}
	c := s.Report.Counts
	if kills != 3 || c.Drawn != 150 || c.Tested != 60 || c.Frame != 0 || c.Lost == 0 {
		t.Errorf("killed %d times: %+v", kills, c)
	}
	if e := s.Report.Excluded; len(e) < 2 || e[1].Where != "first phase" || !strings.Contains(e[1].Reason, "available") {
		t.Errorf("%+v", e)
	}
	x, _ := s.Report.Test("email.form")
	if !x.Result.BoundsOnly || x.Result.Accurate != nil || x.NoRanking == "" {
		t.Errorf("%+v", x)
	}
	if len(s.Report.Strata) < 3 || s.Report.Strata[0].Frame != 0 {
		t.Errorf("%+v", s.Report.Strata)
	}
	if _, err := r.SetSurveyTarget(t.Context(), s.ID, "email.form", 0.5, d.At.AddDate(1, 0, 0)); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a target on bounds: %v", err)
	}
	for n, k := range asked {
		if k > 2+kills {
			t.Errorf("%s was asked for %d times", n, k)
		}
	}
}

// TestBadSurveys: what cannot be surveyed is said, where it is, before anything
// is drawn; and a frame or profile that changed is not mixed with what was
// planned.
func TestBadSurveys(t *testing.T) {
	r := newSurveyRig(t, 120)
	ctx := t.Context()
	for what, change := range map[string]func(*SurveyDraft, *SurveyFrame){
		"frame":       func(_ *SurveyDraft, f *SurveyFrame) { *f = r.frame(false, slices.Values([]population.Registration{})) },
		"total":       func(d *SurveyDraft, _ *SurveyFrame) { d.Total = 121 },
		"first_phase": func(d *SurveyDraft, _ *SurveyFrame) { d.Total, d.FirstPhase = 100, 500 },
		"kind":        func(d *SurveyDraft, _ *SurveyFrame) { d.Kind = "" },
		"main":        func(d *SurveyDraft, _ *SurveyFrame) { d.Main = "fax" },
		"profile":     func(d *SurveyDraft, _ *SurveyFrame) { d.Profile = "" },
		"name":        func(d *SurveyDraft, _ *SurveyFrame) { d.Name = "" },
	} {
		d, f := r.draft(), r.own()
		d.Total = 60
		change(&d, &f)
		_, err := r.PlanSurvey(ctx, d, f)
		if doc := problem.DocumentOf(err); len(doc.Errors) != 1 || doc.Errors[0].Path != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	d := r.draft()
	d.Total = 60
	s := r.planned(d, r.own())
	changed := r.own()
	changed.Digest = func() (string, error) { return strings.Repeat("cd", 32), nil }
	if _, err := r.run(changed, s.ID, nil); problem.CodeOf(err) != problem.Conflict || !strings.Contains(err.Error(), "cdcdcdcdcdcd") {
		t.Errorf("another frame: %v", err)
	}
	other := r.profile
	if _, err := r.run(r.own(), s.ID, func(run *SurveyRun) {
		set, _ := policy.Shipped()
		other, _ = set.Get("uk")
		run.Profile = other
	}); problem.CodeOf(err) != problem.Conflict || !strings.Contains(err.Error(), "profile") {
		t.Errorf("another profile: %v", err)
	}
	// It changes after it was drawn, while it is read.
	reads := 0
	changed.Digest = func() (string, error) {
		if reads++; reads > 3 {
			return strings.Repeat("cd", 32), nil
		}
		return strings.Repeat("ab", 32), nil
	}
	if _, err := r.run(changed, s.ID, nil); problem.CodeOf(err) != problem.Conflict {
		t.Errorf("a frame that changes while it is read: %v", err)
	}
	got, err := r.Survey(ctx, s.ID)
	if err != nil || got.State != SurveyFailed || got.Fault == "" || got.Report != nil {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := r.run(r.own(), s.ID, nil); problem.CodeOf(err) != problem.Conflict || !strings.Contains(err.Error(), "begin another") {
		t.Errorf("a failed survey: %v", err)
	}
	if err := r.PublishSurvey(ctx, s.ID, true); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("published without a report: %v", err)
	}

	// Too few units for anybody to be told of.
	few := r.draft()
	few.Name, few.Total = "few", 40
	s = r.planned(few, r.own())
	if s, err = r.run(r.own(), s.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.PublishSurvey(ctx, s.ID, true); problem.CodeOf(err) != problem.Refused {
		t.Errorf("40 units are published: %v", err)
	}

	// Every unit twice, and strata of one.
	f := r.own()
	inner := f.Read
	n := 0
	f.Read = func() iter.Seq2[SurveyUnit, error] {
		return func(yield func(SurveyUnit, error) bool) {
			for u, err := range inner() {
				if err == nil {
					if n++; u.Stratum == r.people[0].Registrar {
						u.Stratum = "alone " + u.ID
					}
					for range 2 { // each twice
						if !yield(u, nil) {
							return
						}
					}
				}
			}
		}
	}
	d.Name, d.Total, d.FirstPhase = "twice", 60, 110
	s = r.planned(d, f)
	if s, err = r.run(f, s.ID, nil); err != nil {
		t.Fatal(err)
	}
	if c := s.Report.Counts; c.Repeats == 0 || c.Frame != 0 || c.Tested != 60 || s.Report.Strata[0].Key != survey.JoinedKey || len(s.Report.Strata[0].Joined) < 2 {
		t.Errorf("%+v %+v", c, s.Report.Strata)
	}
	b, _ := json.Marshal(s.Report.Notes)
	if !strings.Contains(string(b), "repeatedly") || !strings.Contains(string(b), "joined") {
		t.Errorf("%s", b)
	}
}
