package survey_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	"bailiwick/problem"
)

var update = flag.Bool("update", false, "write the golden files anew")

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// plan is a survey of a registry's own made-up frame.
func plan() survey.Plan {
	return survey.Plan{Name: "registrations under .example", Cycle: 2, Kind: survey.Internal, At: day,
		Frame:  survey.Frame{Description: "example.csv", Format: "csv", Digest: strings.Repeat("ab", 32), Rows: 9000, Synthetic: true, Bad: []survey.Excluded{{Where: "frame", Reason: "no domain name", Units: 3}}},
		Scheme: "registrar-size", Groups: []string{"stratum", "registrar"}, Seed: 20260301, FirstPhase: 4000, Total: 600, Floor: 100, Main: "all.form",
		Profile: "waps-raa-2013", Hash: strings.Repeat("cd", 32), Status: policy.InForce, Observed: true, Tool: "test",
		Earlier: &survey.Earlier{Name: "registrations under .example", Cycle: 1, At: day.AddDate(-1, 0, 0), Digest: strings.Repeat("ef", 32), Kind: survey.Internal, Frame: strings.Repeat("12", 32), Seed: 20250301,
			Profile: "waps-raa-2013", Hash: strings.Repeat("cd", 32), Tests: []survey.EarlierTest{
				{Test: "email.form", Testable: survey.Estimate{Share: 0.97, SE: 0.007, Low: 0.95, High: 0.98, Method: "normal", Tested: 600, Effective: 590}, Accurate: &survey.Estimate{Share: 0.60, SE: 0.02, Low: 0.56, High: 0.64, Method: "normal", Tested: 580, Effective: 570}}}},
		Targets: []survey.Target{{Metric: "email.form", Baseline: survey.Estimate{Share: 0.40, SE: 0.02, Low: 0.36, High: 0.44, Method: "normal", Tested: 580, Effective: 570}, At: day.AddDate(-1, 0, 0), Factor: 0.5, Due: day}}}
}

var cells = []survey.Cell{{Key: "large", Frame: 6000, Drawn: 2700, Guess: 0.5}, {Key: "medium", Frame: 2400, Drawn: 1050, Guess: 0.5}, {Key: survey.JoinedKey, Frame: 600, Drawn: 250, Guess: 0.5, Joined: []string{"small", "tiny"}}}

// outcomes are made up, by a generator of a fixed seed.
func outcomes(withheld float64) iter.Seq2[string, survey.Outcome] {
	return func(yield func(string, survey.Outcome) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		for i, n := range []int{300, 200, 100} {
			for j := range n {
				o := survey.Outcome{Groups: map[string]string{"registrar": fmt.Sprintf("Registrar %d", j%(i+2))}, Tests: map[string]survey.Answer{}}
				switch {
				case j == 7:
					o.Gone = "available"
				case j == 8:
					o.Lost = "no answer"
				}
				worst := accuracy.Untestable
				for _, way := range []string{"email", "phone"} {
					a := survey.Answer{Result: accuracy.Pass}
					if r.Float64() < withheld {
						a = survey.Answer{Result: accuracy.Untestable, Reasons: []string{way + ".present: redacted"}}
					} else if r.Float64() < 0.15+0.1*float64(i) {
						a = survey.Answer{Result: accuracy.Fail, Reasons: []string{way + ".present: missing"}}
					}
					o.Tests[way+".form"] = a
					if worst == accuracy.Untestable || a.Result == accuracy.Fail {
						worst = a.Result
					}
				}
				o.Tests[survey.TestRecord] = survey.Answer{Result: worst}
				if j < 30 {
					o.Findings = &survey.Findings{Deliverable: j%2 == 0, Linked: j%3 == 0, Located: j%5 != 0, Interviewed: j%7 == 0}
				}
				if !yield(cells[i].Key, o) {
					return
				}
			}
		}
	}
}

func made(t *testing.T, p survey.Plan, withheld float64) survey.Report {
	t.Helper()
	r, err := survey.Make(p, survey.Counts{Rows: 9000, Bad: 3, Frame: 9000, Drawn: 4000}, cells, []survey.Excluded{{Where: "first phase", Reason: "not registered: available", Units: 2}}, outcomes(withheld))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReportGolden holds the shape of a report: what is stored, shown and
// exchanged.
func TestReportGolden(t *testing.T) {
	got, err := json.MarshalIndent(made(t, plan(), 0.05), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const file = "testdata/report.golden.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the report is another than %s (-update writes it anew): %v", file, err)
	}
	var back survey.Report
	if err := json.Unmarshal(want, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := back.JSON(); !bytes.Equal(again, mustJSON(t, made(t, plan(), 0.05))) {
		t.Error("a report does not survive being read")
	}
}

func mustJSON(t *testing.T, r survey.Report) []byte {
	t.Helper()
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReport(t *testing.T) {
	r := made(t, plan(), 0.05)
	if r.Counts.Tested != 600 || r.Counts.Gone != 3 || r.Counts.Lost != 3 {
		t.Errorf("%+v", r.Counts)
	}
	e, ok := r.Test("email.form")
	if !ok || e.Result.Accurate == nil || e.NoRanking != "" || e.Change == nil || e.Change.Z == nil || *e.Change.Z < 5 {
		t.Fatalf("%+v", e)
	}
	// Three gone units are of no population; three lost ones could not be tested.
	tested := 0
	for _, y := range e.Tallies {
		tested += y.Passed + y.Failed + y.Withheld
	}
	if tested != 597 || e.Result.Tested != 597 {
		t.Errorf("%d units counted, %d tested", tested, e.Result.Tested)
	}
	if _, ok := r.Test("postal.form"); ok {
		t.Error("a test that the profile does not have is reported")
	}
	published, silent := 0, 0
	for _, s := range e.Subgroups {
		switch {
		case s.Result == nil && s.Unpublished == "" || s.Result != nil && (s.Unpublished != "" || s.Tested < survey.MinPublished):
			t.Errorf("%+v", s)
		case s.Result != nil:
			published++
		default:
			silent++
		}
	}
	if published < 5 || silent != 1 { // Registrar 3 has 25 units
		t.Errorf("%d subgroups are published, %d are not: %+v", published, silent, e.Subgroups)
	}
	if len(r.Targets) != 1 || r.Targets[0].Test.Reached != survey.Unsure || r.Targets[0].Test.Early {
		t.Errorf("%+v", r.Targets)
	}
	if n := r.NORC; n == nil || n.Units != 87 || len(n.Groups) != 5 || n.Open == 0 || !n.Groups[0].Result.BoundsOnly {
		t.Errorf("%+v", n)
	}
	if !strings.Contains(r.Notes[0], "synthetic") {
		t.Errorf("what is synthetic is not called so first: %q", r.Notes)
	}
}

// TestPublicFrame: with most withheld nothing is said but bounds, of no part
// either.
func TestPublicFrame(t *testing.T) {
	p := plan()
	p.Kind, p.Earlier.Kind = survey.Public, survey.Public
	r := made(t, p, 0.8)
	for _, x := range r.Tests {
		if x.Test == survey.TestRecord {
			continue
		}
		if !x.Result.BoundsOnly || x.Result.Accurate != nil || x.NoRanking == "" || x.Change != nil || x.TestableChange == nil && x.Test == "email.form" {
			t.Errorf("%s: %+v", x.Test, x)
		}
		for _, s := range x.Subgroups {
			if s.Result != nil && (s.Result.Accurate != nil || !s.Result.BoundsOnly) {
				t.Errorf("%s %s says more than bounds", s.By, s.Key)
			}
		}
	}
	if r.Targets[0].Test.Reached != survey.NotTest {
		t.Errorf("%+v", r.Targets)
	}
	if _, err := survey.TargetOf(r, "email.form", 0.5, day.AddDate(1, 0, 0)); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a target on bounds: %v", err)
	}
	if strings.Contains(string(mustJSON(t, r)), "NaN") {
		t.Error("no number")
	}
}

func TestNextCycle(t *testing.T) {
	p := plan()
	first := made(t, p, 0.05)
	e, err := first.AsEarlier("all.form")
	if err != nil || len(e.Tests) != len(first.Tests) || e.Digest == "" {
		t.Fatalf("%+v %v", e, err)
	}
	if e, _ = first.AsEarlier("email.form"); len(e.Guess) != 3 || e.Guess["large"] < 0.7 {
		t.Errorf("%v", e.Guess)
	}
	target, err := survey.TargetOf(first, "email.form", 0.5, day.AddDate(1, 0, 0))
	if err != nil || target.Baseline.Low > target.Baseline.Share || target.Baseline.High < target.Baseline.Share {
		t.Fatalf("%+v %v", target, err)
	}
	p.Cycle, p.At, p.Earlier, p.Targets = 3, day.AddDate(0, 6, 0), &e, []survey.Target{target}
	r := made(t, p, 0.05)
	if x, _ := r.Test("email.form"); x.Change == nil || x.Change.Diff != 0 {
		t.Errorf("nothing changed: %+v", x.Change)
	}
	if x := r.Targets[0].Test; x.Reached != survey.No || !x.Early {
		t.Errorf("%+v", x)
	}
	said := strings.Join(r.Notes, "\n")
	if !strings.Contains(said, "same seed") || !strings.Contains(said, "same frame") {
		t.Errorf("that the cycles are not independent is not said: %s", said)
	}
}

func TestDifferences(t *testing.T) {
	a := made(t, plan(), 0.05)
	p := plan()
	p.Hash, p.Facts = strings.Repeat("00", 32), strings.Repeat("00", 32)
	b := made(t, p, 0.3)
	ds, said, err := survey.Differences(a, b)
	if err != nil || len(ds) != len(a.Tests) || ds[1].Change == nil || ds[1].TestableChange.High > 0 || !strings.Contains(strings.Join(said, " "), "another profile") || !strings.Contains(strings.Join(said, " "), "more was tried") {
		t.Errorf("%+v %q %v", ds, said, err)
	}
	p.Kind, p.Earlier = survey.Public, nil
	if _, _, err := survey.Differences(a, made(t, p, 0.05)); problem.CodeOf(err) != problem.Refused {
		t.Errorf("a public frame against a registry's own: %v", err)
	}
}

// TestCSV: foreign names are no formulas, and what is not published has no
// number.
func TestCSV(t *testing.T) {
	r := made(t, plan(), 0.05)
	r.Tests[1].Subgroups[0].Key = "=HYPERLINK(1)"
	var w bytes.Buffer
	if err := survey.WriteCSV(&w, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&w).ReadAll()
	if err != nil || len(rows) < 20 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	formulas, silent := 0, 0
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[2], "'=") {
			formulas++
		}
		if row[1] != "" && row[17] != "" {
			silent++
			if strings.Join(row[4:17], "") != "" {
				t.Errorf("not published, and told: %q", row)
			}
		}
	}
	if formulas != 1 || silent == 0 {
		t.Errorf("%d formulas disarmed, %d rows without numbers", formulas, silent)
	}
}

func TestFloor(t *testing.T) {
	qs := []survey.Quota{{Key: "a", Drawn: 1000}, {Key: "b", Drawn: 30}, {Key: "c", Drawn: 1}}
	for _, c := range []struct{ want, total, floor int }{{200, 1000, 200}, {200, 131, 100}, {200, 5, 2}, {200, 4, 0}, {0, 1000, 0}} {
		if got := survey.Floor(qs, c.want, c.total); got != c.floor {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestWhatNobodyHas: what was not tried is no result, and what nobody has is
// pointed at, so that a column left out is not taken for a failure of holders.
func TestWhatNobodyHas(t *testing.T) {
	p := plan()
	p.Earlier, p.Targets, p.Groups, p.FirstPhase, p.Total, p.Frame.Rows = nil, nil, nil, 60, 60, 60
	r, err := survey.Make(p, survey.Counts{}, []survey.Cell{{Key: "all", Frame: 60, Drawn: 60}}, nil, func(yield func(string, survey.Outcome) bool) {
		for range 60 {
			bad := survey.Answer{Result: accuracy.Fail, Reasons: []string{"phone.present: missing"}}
			yield("all", survey.Outcome{Tests: map[string]survey.Answer{survey.TestRecord: bad, "phone.form": bad,
				"phone.works": {Result: accuracy.Untestable, Reasons: []string{"phone.answered: " + accuracy.NoFact}},
				"email.works": {Result: accuracy.Untestable, Reasons: []string{"email.mx: redacted", "email.answered: " + accuracy.NoFact}}}})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Test("phone.works"); ok {
		t.Error("what was not tried is reported")
	}
	if _, ok := r.Test("email.works"); !ok {
		t.Error("what is withheld is not reported")
	}
	if x, _ := r.Test("phone.form"); x.Result.Accurate.Method != "census" || x.Result.Accurate.High != 0 {
		t.Errorf("all were tested, and all fail: %+v", x.Result)
	}
	said := strings.Join(r.Notes, "\n")
	if !strings.Contains(said, "Telephone, works") || strings.Contains(said, "E-mail, works") || strings.Count(said, "phone.present: missing") != 1 {
		t.Errorf("%s", said)
	}
}

// TestTriedInPart: of addresses whose domain takes no mail it is known that they
// fail, of the others nothing: no share of those that could be tested is told.
func TestTriedInPart(t *testing.T) {
	p := plan()
	p.Earlier, p.Groups, p.FirstPhase, p.Total, p.Frame.Rows = nil, []string{"registrar"}, 200, 200, 400
	p.Targets[0].Metric = "email.works"
	for _, c := range []struct {
		open   int
		bounds bool
	}{{100, true}, {5, false}} {
		r, err := survey.Make(p, survey.Counts{}, []survey.Cell{{Key: "all", Frame: 400, Drawn: 200}}, nil, func(yield func(string, survey.Outcome) bool) {
			for i := range 200 {
				a := survey.Answer{Result: accuracy.Fail, Reasons: []string{"email.mx: null-mx"}}
				if i < c.open {
					a = survey.Answer{Result: accuracy.Untestable, Reasons: []string{"email.answered: " + accuracy.NoFact}}
				}
				yield("all", survey.Outcome{Groups: map[string]string{"registrar": "one"}, Tests: map[string]survey.Answer{survey.TestRecord: a, "email.works": a}})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		x, _ := r.Test("email.works")
		if x.Result.BoundsOnly != c.bounds || (x.Result.Accurate == nil) != c.bounds || (x.NoRanking != "") != c.bounds || x.Subgroups[0].Result.BoundsOnly != c.bounds || (r.Targets[0].Test.Reached == survey.NotTest) != c.bounds {
			t.Errorf("%d of 200 were not tried: %+v %+v", c.open, x, r.Targets)
		}
		if _, err := survey.TargetOf(r, "email.works", 0.5, day.AddDate(1, 0, 0)); (err != nil) != c.bounds {
			t.Errorf("a target: %v", err)
		}
	}
}

func TestBadPlans(t *testing.T) {
	for what, change := range map[string]func(*survey.Plan){
		"name":         func(p *survey.Plan) { p.Name = strings.Repeat("n", 101) },
		"cycle":        func(p *survey.Plan) { p.Cycle = 0 },
		"kind":         func(p *survey.Plan) { p.Kind = "private"; p.Earlier = nil },
		"at":           func(p *survey.Plan) { p.At = time.Time{} },
		"frame":        func(p *survey.Plan) { p.Frame.Rows = 0 },
		"frame.digest": func(p *survey.Plan) { p.Frame.Digest = "x" },
		"first_phase":  func(p *survey.Plan) { p.FirstPhase = 9001 },
		"total":        func(p *survey.Plan) { p.Total = 4001 },
		"floor":        func(p *survey.Plan) { p.Floor = -1 },
		"main":         func(p *survey.Plan) { p.Main = "fax.form" },
		"groups[1]":    func(p *survey.Plan) { p.Groups = []string{"tld", "tld"} },
		"profile":      func(p *survey.Plan) { p.Hash = "" },
		"targets[0]":   func(p *survey.Plan) { p.Targets[0].Factor = 2 },
		"earlier":      func(p *survey.Plan) { p.Earlier.Kind = survey.Public },
	} {
		p := plan()
		change(&p)
		_, err := survey.Make(p, survey.Counts{}, cells, nil, outcomes(0))
		d := problem.DocumentOf(err)
		if len(d.Errors) != 1 || d.Errors[0].Path != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := survey.Make(plan(), survey.Counts{}, cells[:2], nil, outcomes(0)); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a unit of no stratum: %v", err)
	}
	if _, err := survey.Make(plan(), survey.Counts{}, append(cells[:3:3], cells[0]), nil, outcomes(0)); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a stratum twice: %v", err)
	}
	none := func(yield func(string, survey.Outcome) bool) { yield("large", survey.Outcome{Gone: "available"}) }
	if _, err := survey.Make(plan(), survey.Counts{}, cells[:1], nil, none); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("no registration at all: %v", err)
	}
}

func TestJoin(t *testing.T) {
	out, in := survey.Join([]survey.Cell{{Key: "a", Frame: 9, Drawn: 5}, {Key: "b", Frame: 1, Drawn: 1}, {Key: "c", Frame: 2}, {Key: "d", Frame: 4, Drawn: 3}})
	// b and c have one unit between them, so that d joins them.
	if len(out) != 2 && in["b"] != survey.JoinedKey {
		t.Errorf("%+v %v", out, in)
	}
	if out[0].Key != survey.JoinedKey || out[0].Drawn != 4 || out[0].Frame != 7 || in["a"] != "a" || in["c"] != survey.JoinedKey {
		t.Errorf("%+v %v", out, in)
	}
	if out, in = survey.Join([]survey.Cell{{Key: "a", Drawn: 1}}); len(out) != 1 || out[0].Key != "a" || in["a"] != "a" {
		t.Errorf("one alone: %+v %v", out, in)
	}
	if out, _ = survey.Join(nil); len(out) != 0 {
		t.Errorf("%+v", out)
	}
}

// TestOutcome: what a survey keeps of an assessment holds no value of it.
func TestOutcome(t *testing.T) {
	a := policy.Assessment{State: "registered", Result: accuracy.Warn, Contacts: []policy.Contact{{Role: "registrant", Fields: []policy.Field{
		{Field: "email", Findings: []policy.Finding{
			{Result: accuracy.Fail, Verdict: accuracy.Verdict{Check: "email.syntax", Level: accuracy.V1, Reason: "no-at", Evidence: "ada.example", Detail: "say"}},
			{Result: accuracy.Untestable, Verdict: accuracy.Verdict{Check: "email.mx", Level: accuracy.V2, Reason: "not-observed"}}}},
		{Field: "city", Findings: []policy.Finding{{Result: accuracy.Untestable, Note: policy.Unmarked, Verdict: accuracy.Verdict{Check: "ars.postal.12", Level: accuracy.V1, Reason: "missing"}}}}}}},
		Modes: []policy.Mode{{Mode: "email", Form: accuracy.Fail, Works: accuracy.Untestable}, {Mode: "postal", Form: accuracy.Untestable}, {Mode: "all", Form: accuracy.Fail}}}
	o := survey.OutcomeOf(a)
	b, _ := json.Marshal(o)
	if strings.Contains(string(b), "ada") {
		t.Errorf("a value is kept: %s", b)
	}
	want := `{"tests":{"all.form":{"result":"fail","reasons":["email.syntax: no-at"]},"email.form":{"result":"fail","reasons":["email.syntax: no-at"]},"email.works":{"result":"not testable","reasons":["email.mx: not-observed"]},"postal.form":{"result":"not testable","reasons":["ars.postal.12: maybe withheld"]},"record":{"result":"pass"}}}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	if o := survey.OutcomeOf(policy.Assessment{State: "available"}); o.Gone != "available" || o.Tests != nil {
		t.Errorf("%+v", o)
	}
}
