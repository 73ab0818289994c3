package survey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bailiwick/accuracy"
	"bailiwick/accuracy/survey"

	"pgregory.net/rapid"
)

// TestPublicNumbers: what is not fit to be published has no number in the public
// form: no result, no counts, no change; and none that subtraction would give.
func TestPublicNumbers(t *testing.T) {
	p := plan()
	shown := []survey.Cycle{{Cycle: 1, At: p.Earlier.At}}
	r := made(t, p, 0.05)
	i := 1 // email.form, which has a change
	r.Tests[i].Result.Unpublished = "the effective sample is smaller than 30 units"
	out := r.Public(shown)
	x := out.Tests[i]
	if x.Result.Accurate != nil || x.Result.Lower != (survey.Estimate{}) || x.Result.Testable != (survey.Estimate{}) || x.Tallies != nil || x.Failures != nil || x.Withheld != nil || x.Change != nil || x.TestableChange != nil || x.Result.Unpublished == "" {
		t.Errorf("%+v", x)
	}
	for _, g := range x.Subgroups {
		if g.Result != nil || g.Unpublished == "" {
			t.Errorf("%s %s of a test that is not fit: %+v", g.By, g.Key, g)
		}
	}
	if b, _ := json.Marshal(x.Result); strings.ContainsAny(strings.ReplaceAll(string(b), fmt.Sprintf(`"tested":%d`, x.Result.Tested), ""), "12456789") {
		t.Errorf("a number is left: %s", b) // but "30 units"
	}
	if r.Tests[i].Tallies == nil || r.Tests[i].Change == nil || len(r.Tests[i].Subgroups) == 0 {
		t.Error("the report itself was changed")
	}
	// Another test is as it was: all of its strata have enough.
	if y := out.Tests[2]; y.Result.Accurate == nil || len(y.Tallies) != 3 || len(y.Failures) == 0 {
		t.Errorf("%+v", y)
	}
	// One registrar has 25 units: the next larger one is silent, too.
	silent := map[string]int{}
	for _, g := range out.Tests[2].Subgroups {
		if g.Result == nil {
			silent[g.By]++
		}
	}
	if silent["registrar"] != 2 || silent["stratum"] != 0 {
		t.Errorf("%v parts are silent", silent)
	}
	for _, g := range out.NORC.Groups {
		if g.Result.Unpublished != "" && g.Result.Lower != (survey.Estimate{}) {
			t.Errorf("%+v", g)
		}
	}
	var w bytes.Buffer
	if err := survey.WriteCSV(&w, r); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.String()) {
		if strings.HasPrefix(line, r.Tests[i].Test+",,") && strings.TrimSpace(line) != fmt.Sprintf("%s,,,%d,%s,the effective sample is smaller than 30 units,,,", r.Tests[i].Test, r.Tests[i].Result.Tested, strings.Repeat(",", 12)) {
			t.Errorf("%q", line)
		}
	}
}

// TestPublicTallies: the counts of strata are told where all of them may be.
func TestPublicTallies(t *testing.T) {
	p := plan()
	p.Earlier, p.Targets, p.Groups = nil, nil, []string{"stratum"}
	for small, want := range map[int]int{80: 2, 20: 0} {
		r, err := survey.Make(p, survey.Counts{Rows: 9000, Frame: 9000, Drawn: 4000}, []survey.Cell{{Key: "large", Frame: 8000, Drawn: 3500}, {Key: "small", Frame: 1000, Drawn: 500}}, nil, func(yield func(string, survey.Outcome) bool) {
			for i := range 400 + small {
				stratum, a := "large", survey.Answer{Result: accuracy.Pass}
				if i >= 400 {
					stratum = "small"
				}
				if i%3 == 0 {
					a = survey.Answer{Result: accuracy.Fail, Reasons: []string{"email.syntax: no-at"}}
				}
				yield(stratum, survey.Outcome{Tests: map[string]survey.Answer{survey.TestRecord: a, "email.form": a}})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		out := r.Public(nil)
		for _, x := range out.Tests {
			if len(x.Tallies) != want || x.Result.Accurate == nil || (x.Subgroups[0].Result == nil) != (want == 0) {
				t.Errorf("with %d tested in a stratum: %+v", small, x)
			}
		}
	}
}

// TestPublicPlan: the public form has no seed, nor anything of a cycle that is
// not public.
func TestPublicPlan(t *testing.T) {
	p := plan()
	p.Salt, p.Earlier.Guess = strings.Repeat("5a", 16), map[string]float64{"large": 0.612345}
	r := made(t, p, 0.05)
	r.Strata[0].Guess = 0.612345
	first := survey.Cycle{Cycle: 1, At: p.Earlier.At}
	for what, shown := range map[string][]survey.Cycle{"none": nil, "the cycle itself": {{Cycle: 2, At: p.At}}, "the earlier one": {first}} {
		out := r.Public(shown)
		text := string(mustJSON(t, out))
		for _, secret := range []string{"20260301", "20250301", p.Salt, "0.612345", "guess"} {
			if strings.Contains(strings.ReplaceAll(text, "2026-03-01", ""), secret) {
				t.Errorf("%s is public: it tells %s", what, secret)
			}
		}
		if out.Plan.Commitment != survey.Commitment(p.Seed, p.Salt) || out.Plan.Committed() != out.Plan.Commitment {
			t.Errorf("%s: the commitment is %q", what, out.Plan.Commitment)
		}
		compared := what == "the earlier one"
		x, _ := out.Test("email.form")
		if (x.Change != nil) != compared || (out.Plan.Earlier != nil) != compared || (out.Targets[0].Target.Baseline != survey.Estimate{}) != compared || (out.Plan.Targets[0].Baseline != survey.Estimate{}) != compared || (out.Targets[0].Test.Reached == survey.NotShown) == compared {
			t.Errorf("%s is public: %+v %+v %+v", what, x.Change, out.Plan.Earlier, out.Targets)
		}
		if compared && (out.Plan.Earlier.Tests != nil || out.Plan.Earlier.Seed != 0 || out.Plan.Earlier.Digest != "") {
			t.Errorf("%+v", out.Plan.Earlier)
		}
		again := out.Public(shown)
		if !bytes.Equal(mustJSON(t, again), []byte(text)) {
			t.Errorf("%s: the public form of the public form is another", what)
		}
	}
	if p.Seed != 20260301 || p.Earlier.Guess == nil || p.Targets[0].Baseline.Share == 0 {
		t.Error("the plan itself was changed")
	}
	p.Salt = "" // a seed that people chose could be found by trying
	if c := p.Public(nil).Commitment; c != "" {
		t.Errorf("without a salt it commits to %s", c)
	}
	if survey.Commitment(1, "aa") == survey.Commitment(2, "aa") || survey.Commitment(1, "aa") == survey.Commitment(1, "ab") {
		t.Error("two seeds have one commitment")
	}
	// As docs/surveys.md says it is checked:
	// printf 'bailiwick survey seed 20260301 5a5a…' | sha256sum
	if got := survey.Commitment(20260301, strings.Repeat("5a", 16)); got != commitment {
		t.Errorf("%s", got)
	}
}

const commitment = "a12dad6018e32e53f91539b78d111105fb12dd62f387abe780b5ba569657cbdd"

// TestPublicAddsNothing: whatever is made public is in the report, and public
// once stays so.
func TestPublicAddsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan()
		p.Earlier, p.Targets = nil, nil
		seed, parts := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 12).Draw(t, "parts")
		r, err := survey.Make(p, survey.Counts{Rows: 9000, Frame: 9000, Drawn: 4000}, cells, nil, func(yield func(string, survey.Outcome) bool) {
			g := rand.New(rand.NewPCG(seed, 1))
			for i, n := range []int{30 + g.IntN(200), 2 + g.IntN(100), 2 + g.IntN(100)} {
				for range n {
					a := survey.Answer{Result: []accuracy.Result{accuracy.Pass, accuracy.Fail, accuracy.Untestable}[g.IntN(3)], Reasons: []string{"email.syntax: no-at"}}
					yield(cells[i].Key, survey.Outcome{Groups: map[string]string{"registrar": fmt.Sprint(g.IntN(parts))}, Tests: map[string]survey.Answer{survey.TestRecord: a, "email.form": a}})
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		out := r.Public(nil)
		for i, x := range out.Tests {
			if x.Result.Unpublished != "" && (x.Result.Accurate != nil || x.Tallies != nil) {
				t.Fatalf("%+v", x)
			}
			silent, told := map[string]int{}, map[string]int{}
			for j, g := range x.Subgroups {
				if was := r.Tests[i].Subgroups[j]; was.Key != g.Key || g.Result != nil && (was.Result != g.Result || g.Unpublished != "") || g.Result == nil && g.Unpublished == "" {
					t.Fatalf("%+v of %+v", g, was)
				}
				if g.Result == nil {
					silent[g.By]++
				} else {
					told[g.By]++
				}
			}
			for by, n := range silent {
				if n == 1 && told[by] > 0 {
					t.Fatalf("of %s one part is silent, beside %d", by, told[by])
				}
			}
		}
	})
}
