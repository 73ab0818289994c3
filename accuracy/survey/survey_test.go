package survey_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bailiwick/accuracy/survey"
	"bailiwick/problem"

	"pgregory.net/rapid"
)

// published are the sixteen shares with their 95 % half-widths that ICANN's
// accuracy reporting system published, in percent, with the size of the
// sample (12,000 in cycles 2 and 3 of phase 2, else 10,000).
var published = []struct {
	report, mode string
	n            int
	share, half  float64
}{
	{"phase 1", "email", 10000, 99.2, 0.2}, {"phase 1", "telephone", 10000, 85.8, 0.7},
	{"phase 1", "postal", 10000, 79.1, 0.8}, {"phase 1", "all", 10000, 70.3, 0.9},
	{"cycle 1", "email", 10000, 87.1, 0.7}, {"cycle 1", "telephone", 10000, 74.0, 0.9},
	{"cycle 1", "postal", 10000, 98.0, 0.3}, {"cycle 1", "all", 10000, 64.7, 0.9},
	{"cycle 2", "email", 12000, 91.4, 0.5}, {"cycle 2", "telephone", 12000, 76.0, 0.8},
	{"cycle 2", "postal", 12000, 97.7, 0.3}, {"cycle 2", "all", 12000, 70.2, 0.8},
	{"cycle 3", "email", 12000, 90.1, 0.5}, {"cycle 3", "telephone", 12000, 72.4, 0.8},
	{"cycle 3", "postal", 12000, 96.8, 0.3}, {"cycle 3", "all", 12000, 65.1, 0.9},
}

func TestPublishedHalfWidths(t *testing.T) {
	for _, p := range published {
		hits := int(math.Round(p.share / 100 * float64(p.n)))
		e, err := survey.Share(survey.Sample{Strata: []survey.Stratum{{Key: "all", Drawn: p.n, Tested: p.n, In: p.n, Hit: hits}}})
		if err != nil {
			t.Fatal(err)
		}
		if half := 100 * e.HalfWidth(); math.Abs(half-p.half) > 0.06 {
			t.Errorf("%s, %s: half-width %.3f, published %.1f", p.report, p.mode, half, p.half)
		}
	}
}

// population is a frame in strata, as shares and pass rates.
type population struct {
	weight, pass []float64
	n            []int // tested in each
}

func (p population) truth() float64 {
	sum := 0.0
	for i, w := range p.weight {
		sum += w * p.pass[i]
	}
	return sum
}

// unequal are strata as surveys have them: a few large ones, many small, some
// with 2 to 20 tested units.
func unequal() population {
	p := population{
		weight: []float64{0.40, 0.22, 0.14, 0.08, 0.05, 0.04, 0.025, 0.015, 0.01, 0.008, 0.006, 0.006},
		pass:   []float64{0.72, 0.55, 0.83, 0.40, 0.65, 0.91, 0.30, 0.75, 0.50, 0.95, 0.20, 0.60},
		n:      []int{700, 400, 250, 150, 90, 60, 20, 15, 10, 7, 4, 2},
	}
	return p
}

func binomial(r *rand.Rand, n int, p float64) int {
	k := 0
	for range n {
		if r.Float64() < p {
			k++
		}
	}
	return k
}

// draw is one two-phase sample of a population.
func (p population) draw(r *rand.Rand, first int) survey.Sample {
	counts := make([]int, len(p.weight))
	left, rest := first, 1.0
	for i, w := range p.weight { // multinomial, one binomial after the other
		k := left
		if i < len(p.weight)-1 {
			k = int(math.Round(float64(left)*w/rest + math.Sqrt(float64(left)*w/rest*(1-w/rest))*r.NormFloat64()))
			k = min(max(k, p.n[i]), left)
		}
		counts[i], left, rest = k, left-k, rest-w
	}
	var s survey.Sample
	for i := range p.weight {
		n := min(p.n[i], counts[i])
		s.Strata = append(s.Strata, survey.Stratum{Key: fmt.Sprint(i), Drawn: counts[i], Tested: n, In: n, Hit: binomial(r, n, p.pass[i])})
	}
	return s
}

// TestCoverage draws 10,000 two-phase samples and counts how often the
// interval holds the true share.
func TestCoverage(t *testing.T) {
	p := unequal()
	for _, first := range []int{6000, 20000} {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			r := rand.New(rand.NewPCG(20100115, uint64(first)))
			runs, slack := 10000.0, 0.01
			if testing.Short() {
				runs, slack = 1000, 0.03
			}
			covered, sum, se := 0, 0.0, 0.0
			var shares []float64
			for range int(runs) {
				e, err := survey.Share(p.draw(r, first))
				if err != nil {
					t.Fatal(err)
				}
				if e.Low <= p.truth() && p.truth() <= e.High {
					covered++
				}
				sum += e.Share
				se += e.SE
				shares = append(shares, e.Share)
			}
			mean, sd := sum/runs, 0.0
			for _, s := range shares {
				sd += (s - mean) * (s - mean)
			}
			sd = math.Sqrt(sd / runs)
			c := float64(covered) / runs
			t.Logf("coverage %.2f %%, mean error %+.5f, standard error said %.5f, seen %.5f", 100*c, mean-p.truth(), se/runs, sd)
			if math.Abs(c-0.95) > slack {
				t.Errorf("the 95 %% interval covers %.2f %%", 100*c)
			}
			if math.Abs(mean-p.truth()) > 4*sd/math.Sqrt(runs) {
				t.Errorf("the estimate is off by %.5f", mean-p.truth())
			}
			if math.Abs(se/runs-sd) > 3*slack*sd {
				t.Errorf("it says a standard error of %.5f, and has %.5f", se/runs, sd)
			}
		})
	}
}

// TestCoverageOfSubgroups shows, by the size of a subgroup and its share, how
// often the interval holds the truth, and that what covers too little is not
// published.
func TestCoverageOfSubgroups(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	runs, least := 4000, 0.935 // 94 %, less what 4,000 runs leave to chance
	if testing.Short() {
		runs, least = 400, 0.90
	}
	for _, share := range []float64{0.03, 0.10, 0.30, 0.50, 0.80, 0.97} {
		for _, size := range []float64{0.008, 0.02, 0.05, 0.10, 0.25} {
			weight, n := []float64{0.7, 0.2, 0.1}, []int{1000, 400, 200}
			covered, published, coveredPublished, in := 0, 0, 0, 0
			for range runs {
				var ts []survey.Tally
				for i, w := range weight {
					k := binomial(r, n[i], size)
					pass := binomial(r, k, share)
					ts = append(ts, survey.Tally{Key: fmt.Sprint(i), Drawn: int(w * 20000), Tested: n[i], Passed: pass, Failed: k - pass})
				}
				res, err := survey.Sum(survey.Internal, 0, ts)
				if err != nil {
					if problem.CodeOf(err) == problem.NotFound {
						continue
					}
					t.Fatal(err)
				}
				e := *res.Accurate
				ok := e.Low <= share && share <= e.High
				in += res.Tested
				if ok {
					covered++
				}
				if res.Unpublished == "" {
					published++
					if ok {
						coveredPublished++
					}
				}
			}
			line := fmt.Sprintf("share %.2f, about %3d units: coverage %.1f %%", share, in/runs, 100*float64(covered)/float64(runs))
			if published == 0 {
				t.Log(line, "; never published")
				continue
			}
			c := float64(coveredPublished) / float64(published)
			t.Logf("%s; published %.0f %%, of these %.1f %%", line, 100*float64(published)/float64(runs), 100*c)
			if published > runs/20 && c < least {
				t.Errorf("%s; what is published covers %.1f %%", line, 100*c)
			}
		}
	}
}

// TestKnownSizes: with all sizes known and everything tested nothing is left
// to chance.
func TestKnownSizes(t *testing.T) {
	e, err := survey.Share(survey.Sample{Frame: 12, Strata: []survey.Stratum{
		{Key: "a", Frame: 10, Tested: 10, In: 10, Hit: 5}, {Key: "b", Frame: 2, Tested: 2, In: 2, Hit: 1}}})
	if err != nil || e.SE != 0 || e.Share != 0.5 || e.Low != 0.5 || e.High != 0.5 {
		t.Errorf("a census: %+v, %v", e, err)
	}
	// Cochran's formula by hand: W = 0.8, 0.2; p = 0.5, 0.25; n = 11, 9 of 80, 20.
	e, err = survey.Share(survey.Sample{Strata: []survey.Stratum{
		{Key: "a", Frame: 80, Tested: 10, In: 10, Hit: 5}, {Key: "b", Frame: 20, Tested: 8, In: 8, Hit: 2}}})
	want := math.Sqrt(0.64*(1-10.0/80)*0.25/9 + 0.04*(1-8.0/20)*0.1875/7)
	if err != nil || math.Abs(e.Share-0.45) > 1e-12 || math.Abs(e.SE-want) > 1e-12 {
		t.Errorf("got %+v, want a standard error of %v; %v", e, want, err)
	}
	// The formula of double sampling, with n−1.
	e, err = survey.Share(survey.Sample{Strata: []survey.Stratum{
		{Key: "a", Drawn: 800, Tested: 100, In: 100, Hit: 50}, {Key: "b", Drawn: 200, Tested: 40, In: 40, Hit: 10}}})
	p := 0.8*0.5 + 0.2*0.25
	want = math.Sqrt(0.64*0.25/99 + 0.04*0.1875/39 + (0.8*(0.5-p)*(0.5-p)+0.2*(0.25-p)*(0.25-p))/1000)
	if err != nil || math.Abs(e.Share-p) > 1e-12 || math.Abs(e.SE-want) > 1e-12 {
		t.Errorf("got %+v, want a standard error of %v; %v", e, want, err)
	}
}

func TestStrataOfOne(t *testing.T) {
	e, err := survey.Share(survey.Sample{Strata: []survey.Stratum{
		{Key: "big", Drawn: 900, Tested: 90, In: 90, Hit: 60}, {Key: "one", Drawn: 50, Tested: 1, In: 1, Hit: 1}, {Key: "other", Drawn: 50, Tested: 1, In: 1}}})
	if err != nil || e.Pooled != 2 || !(e.SE > 0.04 && e.SE < 0.08) {
		t.Errorf("two strata of one: %+v, %v", e, err)
	}
	e, err = survey.Share(survey.Sample{Strata: []survey.Stratum{{Key: "one", Drawn: 5, Tested: 1, In: 1, Hit: 1}}})
	if err != nil || e.Low > 0.3 || e.High != 1 {
		t.Errorf("one unit says next to nothing: %+v, %v", e, err)
	}
}

func TestBadSamples(t *testing.T) {
	one := survey.Stratum{Key: "a", Drawn: 10, Tested: 5, In: 5, Hit: 2}
	for what, s := range map[string]survey.Sample{
		"strata":             {},
		"strata[a]":          {Strata: []survey.Stratum{one, one}},
		"strata[hit]":        {Strata: []survey.Stratum{{Key: "hit", Drawn: 3, Tested: 3, In: 1, Hit: 2}}},
		"strata[in]":         {Strata: []survey.Stratum{{Key: "in", Drawn: 3, Tested: 2, In: 3}}},
		"strata[many]":       {Strata: []survey.Stratum{{Key: "many", Drawn: 3, Tested: 4, In: 4}}},
		"strata[population]": {Strata: []survey.Stratum{{Key: "population", Frame: 3, Tested: 4, In: 4}}},
		"strata[untested]":   {Strata: []survey.Stratum{one, {Key: "untested", Drawn: 4}}},
		"strata[weightless]": {Strata: []survey.Stratum{one, {Key: "weightless", Tested: 4, In: 4}}},
		"strata[negative]":   {Strata: []survey.Stratum{{Key: "negative", Drawn: -1}}},
		"frame":              {Frame: 4, Strata: []survey.Stratum{one}},
	} {
		_, err := survey.Share(s)
		if d := problem.DocumentOf(err); problem.CodeOf(err) != problem.Invalid || len(d.Errors) == 0 || d.Errors[0].Path != what {
			t.Errorf("%s: %v", what, err)
		}
	}
	mixed := survey.Sample{Strata: []survey.Stratum{one, {Key: "b", Frame: 9, Tested: 4, In: 4}}}
	if _, err := survey.Share(mixed); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("sizes known for some strata only: %v", err)
	}
	none := survey.Sample{Strata: []survey.Stratum{{Key: "a", Drawn: 10, Tested: 5}}}
	if _, err := survey.Share(none); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("nobody of interest: %v", err)
	}
}

// TestShareProperties: a share lies in its interval and the interval between 0
// and 1, whatever is counted; and the order of strata says nothing.
func TestShareProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s survey.Sample
		for i := range rapid.IntRange(1, 12).Draw(t, "strata") {
			h := survey.Stratum{Key: fmt.Sprint(i), Tested: rapid.IntRange(1, 40).Draw(t, "tested")}
			h.Drawn = h.Tested + rapid.IntRange(0, 1000).Draw(t, "more")
			h.In = rapid.IntRange(0, h.Tested).Draw(t, "in")
			h.Hit = rapid.IntRange(0, h.In).Draw(t, "hit")
			s.Strata = append(s.Strata, h)
		}
		e, err := survey.Share(s)
		if problem.CodeOf(err) == problem.NotFound {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		const tiny = 1e-12
		if !(e.Low >= 0 && e.Low <= e.Share+tiny && e.Share <= e.High+tiny && e.High <= 1) || math.IsNaN(e.SE) {
			t.Fatalf("%+v", e)
		}
		slices.Reverse(s.Strata)
		if back, _ := survey.Share(s); math.Abs(back.Share-e.Share) > tiny {
			t.Fatalf("in reverse %+v, not %+v", back, e)
		}
	})
}

func TestBounds(t *testing.T) {
	ts := []survey.Tally{{Key: "a", Drawn: 1000, Passed: 60, Failed: 20, Withheld: 120}, {Key: "b", Drawn: 500, Passed: 30, Failed: 20, Withheld: 50}}
	r, err := survey.Sum(survey.Public, 0, ts)
	if err != nil || !r.BoundsOnly || r.Accurate != nil {
		t.Fatalf("four of ten testable on a public frame: %+v, %v", r, err)
	}
	if math.Abs(r.Testable.Share-(2*0.4+0.5)/3) > 1e-12 || r.Lower.Share > r.Upper.Share || math.Abs(r.Upper.Share-(2*0.9+0.8)/3) > 1e-12 {
		t.Errorf("%+v", r)
	}
	if r, err = survey.Sum(survey.Internal, 0, ts); err != nil || r.BoundsOnly || r.Accurate == nil {
		t.Fatalf("the registry's own frame: %+v, %v", r, err)
	}
	if _, err = survey.Sum("", 0, ts); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a frame of no kind: %v", err)
	}
	if r, err = survey.Sum(survey.Internal, 0, []survey.Tally{{Key: "a", Drawn: 9, Withheld: 9}}); err != nil || r.Accurate != nil || r.Unpublished == "" {
		t.Errorf("everything withheld: %+v, %v", r, err)
	}
}

func TestTarget(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	target := survey.Target{Metric: "substantial and full failure", Baseline: survey.Estimate{Share: 0.30, SE: 0.01}, At: at, Factor: 0.5, Due: at.AddDate(1, 0, 0)}
	for _, c := range []struct {
		share float64
		want  survey.Reached
	}{{0.10, survey.Yes}, {0.15, survey.Unsure}, {0.20, survey.No}} {
		got, err := target.Check(survey.Result{}, survey.Estimate{Share: c.share, SE: 0.01}, at.AddDate(1, 0, 0))
		if err != nil || got.Reached != c.want || got.Early {
			t.Errorf("%.2f: %+v, %v", c.share, got, err)
		}
	}
	if got, _ := target.Check(survey.Result{BoundsOnly: true}, survey.Estimate{}, at.AddDate(0, 1, 0)); got.Reached != survey.NotTest || !got.Early {
		t.Errorf("bounds only: %+v", got)
	}
	if _, err := (survey.Target{Factor: 1.5}).Check(survey.Result{}, survey.Estimate{}, at); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a target that raises: %v", err)
	}
	// That none of 100 failed is no certainty: neither of a change nor of a target.
	sure := survey.Estimate{Share: 1, Low: 0.963, High: 1}
	if c := survey.Compare(sure, sure); c.Diff != 0 || c.Low > -0.036 || c.High < 0.036 {
		t.Errorf("%+v", c)
	}
	low := survey.Target{Baseline: survey.Estimate{Share: 0.05, SE: 0.02, Low: 0.02, High: 0.11}, At: at, Factor: 0.5, Due: at.AddDate(1, 0, 0)}
	if got, err := low.Check(survey.Result{}, survey.Estimate{Share: 0, Low: 0, High: 0.037}, at.AddDate(1, 0, 0)); err != nil || got.Reached != survey.Unsure {
		t.Errorf("%+v %v", got, err)
	}
	c := survey.Compare(survey.Estimate{Share: 0.5, SE: 0.03}, survey.Estimate{Share: 0.4, SE: 0.04})
	if math.Abs(c.Z+2) > 1e-9 || math.Abs(c.P-0.0455) > 1e-4 || math.Abs(c.Low+0.1+survey.Z*0.05) > 1e-9 {
		t.Errorf("%+v", c)
	}
}

func TestNORC(t *testing.T) {
	got, open := map[survey.Group]int{}, 0
	for _, c := range survey.Combinations() {
		got[c.Group]++
		if c.Open != "" {
			open++
		}
		faulty := c.Findings
		faulty.Faults = 1
		if c.Group == survey.NoFailure && survey.NORC(faulty) != survey.MinimalFailure {
			t.Error("a fault in the interview is no longer no failure")
		}
	}
	want := map[survey.Group]int{survey.NoFailure: 2, survey.MinimalFailure: 2, survey.LimitedFailure: 3, survey.SubstantialFailure: 7, survey.FullFailure: 2}
	for g, n := range want {
		if got[g] != n {
			t.Errorf("%s: %d combinations, not %d", g, got[g], n)
		}
	}
	for f, g := range map[survey.Findings]survey.Group{
		{Deliverable: true, Linked: true, Located: true, Interviewed: true}: survey.NoFailure,
		{Deliverable: true, Located: true, Interviewed: true}:               survey.MinimalFailure,
		{Deliverable: true, Linked: true}:                                   survey.LimitedFailure,
		{Linked: true, Located: true}:                                       survey.SubstantialFailure,
		{Deliverable: true}:                                                 survey.SubstantialFailure,
		{}:                                                                  survey.FullFailure,
	} {
		if got := survey.NORC(f); got != g {
			t.Errorf("%+v: %s, not %s", f, got, g)
		}
	}
	t.Logf("%d of 16 combinations are open or contradict themselves", open)
}

// TestDrawIsTheFramesOwn: a sample hangs on its seed and the frame, not on the
// order or the repeats in which the frame came by.
func TestDrawIsTheFramesOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 60).Draw(t, "want")
		frame := rapid.SliceOfNDistinct(rapid.IntRange(0, 9999), n, 200, rapid.ID[int]).Draw(t, "frame")
		a, err := survey.NewDrawer(seed, n)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := survey.NewDrawer(seed, n)
		for _, u := range frame {
			a.Offer(fmt.Sprint(u), fmt.Sprint(u%3))
		}
		for _, u := range slices.Backward(frame) {
			b.Offer(fmt.Sprint(u), fmt.Sprint(u%3))
			b.Offer(fmt.Sprint(u), fmt.Sprint(u%3))
		}
		x, err := a.Drawn()
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Drawn()
		if err != nil || !slices.Equal(x, y) || len(x) != n {
			t.Fatalf("%d and %d units, %v", len(x), len(y), err)
		}
	})
}

func TestDrawIsEven(t *testing.T) {
	counts := make([]int, 50)
	for seed := range uint64(4000) {
		d, err := survey.NewDrawer(seed, 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			d.Offer(fmt.Sprint("name", i, ".example"), "all")
		}
		us, err := d.Drawn()
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range us {
			var i int
			fmt.Sscanf(u.ID, "name%d.example", &i)
			counts[i]++
		}
	}
	for i, c := range counts { // 800 expected, standard deviation 25
		if c < 700 || c > 900 {
			t.Errorf("unit %d was drawn %d times of 4,000, not about 800", i, c)
		}
	}
	d, _ := survey.NewDrawer(1, 3)
	d.Offer("a.example", "all")
	if us, err := d.Drawn(); problem.CodeOf(err) != problem.Invalid || len(us) != 1 {
		t.Errorf("a frame too small: %v, %v", us, err)
	}
	if _, err := survey.NewDrawer(1, 0); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a sample of none: %v", err)
	}
}

func TestAllocate(t *testing.T) {
	got, err := survey.Allocate([]survey.Quota{{Key: "big", Drawn: 8000, Guess: 0.5}, {Key: "sure", Drawn: 8000, Guess: 0.98}, {Key: "small", Drawn: 150, Guess: 0.5, Floor: 200}}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	// 850 are divided as 0.5 to 0.14.
	if got[2].Test != 150 || got[0].Test != 664 || got[1].Test != 186 {
		t.Errorf("%+v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		var qs []survey.Quota
		drawn, floors := 0, 0
		for i := range rapid.IntRange(1, 9).Draw(t, "strata") {
			q := survey.Quota{Key: fmt.Sprint(i), Drawn: rapid.IntRange(1, 500).Draw(t, "drawn"), Guess: rapid.Float64Range(0, 1).Draw(t, "guess"), Floor: rapid.IntRange(0, 50).Draw(t, "floor")}
			drawn += q.Drawn
			floors += min(max(q.Floor, 2), q.Drawn)
			qs = append(qs, q)
		}
		total := rapid.IntRange(floors, drawn).Draw(t, "total")
		got, err := survey.Allocate(qs, total)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, q := range got {
			if q.Test > q.Drawn || q.Test < min(q.Floor, q.Drawn) {
				t.Fatalf("%+v", q)
			}
			sum += q.Test
		}
		if sum != total {
			t.Fatalf("%d tests given out of %d", sum, total)
		}
	})
	for _, bad := range [][]survey.Quota{{{Key: "a", Drawn: 0}}, {{Key: "a", Drawn: 9, Guess: math.NaN()}}, {{Key: "a", Drawn: 9, Floor: -1}}, {{Key: "a", Drawn: 3}}} {
		if _, err := survey.Allocate(bad, 5); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestSecondPhase(t *testing.T) {
	d, _ := survey.NewDrawer(3, 300)
	for i := range 1000 {
		d.Offer(fmt.Sprintf("n%d.example", i), fmt.Sprint(i%3))
	}
	first, err := d.Drawn()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, u := range first {
		counts[u.Stratum]++
	}
	quotas, err := survey.Allocate([]survey.Quota{{Key: "0", Drawn: counts["0"]}, {Key: "1", Drawn: counts["1"]}, {Key: "2", Drawn: counts["2"]}}, 60)
	if err != nil {
		t.Fatal(err)
	}
	a, err := survey.Second(3, first, quotas)
	if err != nil || len(a) != 60 {
		t.Fatalf("%d units, %v", len(a), err)
	}
	slices.Reverse(first)
	if b, _ := survey.Second(3, first, quotas); !slices.Equal(a, b) {
		t.Error("the order of the first phase changes the second")
	}
	if _, err := survey.Second(3, first, quotas[:2]); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a stratum without a quota: %v", err)
	}
}

func TestSize(t *testing.T) {
	if n, err := survey.Size(0.5, 0.01); err != nil || n != 9604 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := survey.Size(0.5, 0); problem.CodeOf(err) != problem.Invalid {
		t.Error("a half-width of nothing")
	}
}

// BenchmarkDraw is the time of one unit that is offered, of 200,000 wanted from
// millions.
func BenchmarkDraw(b *testing.B) {
	d, err := survey.NewDrawer(1, 200_000)
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, 1<<20)
	for i := range names {
		names[i] = fmt.Sprintf("n%d.example", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d.Offer(names[i&(1<<20-1)], "one")
		i++
	}
}
