package survey_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bailiwick/accuracy/survey"
)

// TestCoverageNearEdges: where few fail, and nearly all of the weight lies in one
// stratum, the interval holds the truth about as often as it says: that nothing
// was seen in the heavy stratum does not make it certain.
func TestCoverageNearEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	runs, least := 800, 0.90 // Wilson's own, of a simple sample of 200 of which 0.5 % fail, covers 92 %
	for _, heavy := range []float64{0.95, 0.70} {
		for _, fails := range []float64{0.002, 0.005, 0.01, 0.02, 0.04} {
			for _, known := range []bool{true, false} {
				const n, first = 200, 20_000
				held, wide := 0, 0.0
				for range runs {
					var ts []survey.Tally
					truth, total := 0.0, 0
					for h := range 10 {
						w, p := (1-heavy)/9, 0.002
						if h == 0 {
							w, p = heavy, fails
						}
						truth += w * (1 - p)
						y := survey.Tally{Key: fmt.Sprint(h), Failed: binomial(r, n, p)}
						y.Passed = n - y.Failed
						if known {
							y.Frame = int(math.Round(1_000_000 * w))
						} else {
							y.Drawn = max(n, int(math.Round(first*w+math.Sqrt(first*w*(1-w))*r.NormFloat64())))
						}
						total += y.Frame
						ts = append(ts, y)
					}
					res, err := survey.Sum(survey.Internal, total, ts)
					if err != nil {
						t.Fatal(err)
					}
					if a := *res.Accurate; a.Low <= truth && truth <= a.High {
						held++
					}
					wide += res.Accurate.High - res.Accurate.Low
				}
				c := float64(held) / float64(runs)
				t.Logf("%.0f %% of the weight in one stratum, %.1f %% fail there, sizes known %v: coverage %.1f %%, mean width %.4f", 100*heavy, 100*fails, known, 100*c, wide/float64(runs))
				if c < least {
					t.Errorf("with %.0f %% of the weight in one stratum, where %.1f %% fail, sizes known %v: the interval covers %.1f %%", 100*heavy, 100*fails, known, 100*c)
				}
			}
		}
	}
}

// TestNoCertaintyFromASample: strata in which all were alike are no certainty, of
// a share, of its effective size, of a change.
func TestNoCertaintyFromASample(t *testing.T) {
	for what, ts := range map[string][]survey.Tally{
		"sizes known": {{Key: "a", Frame: 10_000, Passed: 100}, {Key: "b", Frame: 10_000, Failed: 100}},
		"two phases":  {{Key: "a", Drawn: 5000, Passed: 100}, {Key: "b", Drawn: 5000, Failed: 100}},
	} {
		frame := 0
		for _, y := range ts {
			frame += y.Frame
		}
		res, err := survey.Sum(survey.Internal, frame, ts)
		if err != nil {
			t.Fatal(err)
		}
		// Of each stratum 3.6 of 100 could be otherwise, and not have been seen.
		if a := *res.Accurate; a.Method != "normal" || a.HalfWidth() < 0.012 || a.HalfWidth() > 0.025 || math.Abs(a.HalfWidth()-survey.Z*a.SE) > 1e-12 {
			t.Errorf("%s: %+v", what, a)
		}
	}
	// Two tested of nearly all of the frame are worth two, not a hundred.
	res, err := survey.Sum(survey.Internal, 1_000_000, []survey.Tally{{Key: "a", Frame: 990_000, Passed: 2}, {Key: "b", Frame: 10_000, Passed: 98}})
	if err != nil || res.Accurate.Effective > 3 || res.Accurate.Low > 0.4 || res.Unpublished == "" {
		t.Errorf("%+v %v", res.Accurate, err)
	}
	// One failure seen where little weight is.
	res, err = survey.Sum(survey.Internal, 1_000_000, []survey.Tally{{Key: "a", Frame: 990_000, Passed: 200}, {Key: "b", Frame: 10_000, Passed: 199, Failed: 1}})
	if err != nil || res.Accurate.Effective > 205 || res.Accurate.Low > 0.982 {
		t.Errorf("%+v %v", res.Accurate, err)
	}
	// A stratum that was tested completely is certain, the other is not.
	res, err = survey.Sum(survey.Internal, 10_100, []survey.Tally{{Key: "a", Frame: 100, Passed: 100}, {Key: "b", Frame: 10_000, Failed: 100}})
	if err != nil || res.Accurate.Low > 0.0099 || res.Accurate.High < 0.03 {
		t.Errorf("%+v %v", res.Accurate, err)
	}
	res, err = survey.Sum(survey.Internal, 300, []survey.Tally{{Key: "a", Frame: 100, Tested: 100, Passed: 100}, {Key: "b", Frame: 200, Tested: 10}})
	if err != nil || math.IsInf(res.Accurate.Effective, 0) || res.Accurate.Low == 1 {
		t.Errorf("a part seen only where everything was tested: %+v %v", res.Accurate, err)
	}
	// An interval that holds no change has no z that says there is one.
	was, _ := survey.Share(survey.Sample{Strata: []survey.Stratum{{Key: "a", Drawn: 9900, Tested: 60, In: 60, Hit: 60}, {Key: "b", Drawn: 100, Tested: 60, In: 60, Hit: 60}}})
	is, _ := survey.Share(survey.Sample{Strata: []survey.Stratum{{Key: "a", Drawn: 9900, Tested: 60, In: 60, Hit: 60}, {Key: "b", Drawn: 100, Tested: 60, In: 60, Hit: 20}}})
	if c := survey.Compare(was, is); c.High < 0 || c.P < 0.05 {
		t.Errorf("%+v", c)
	}
}
