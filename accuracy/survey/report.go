package survey

import (
	"math"
	"time"

	"bailiwick/problem"
)

// Kind says where a frame comes from.
type Kind string

// The kinds of frames.
const (
	Internal Kind = "registry-internal" // the registry's own data, nothing withheld
	Public   Kind = "public"            // what RDAP or WHOIS shows to anybody
)

// MinTestable is the least testable share at which a public frame says more
// than bounds.
const MinTestable = 0.5

// Tally counts the tests of one stratum: passed, failed, not testable.
type Tally struct {
	Key      string `json:"key"`
	Frame    int    `json:"frame,omitempty"`
	Drawn    int    `json:"drawn"`
	Passed   int    `json:"passed"`
	Failed   int    `json:"failed"`
	Withheld int    `json:"withheld"`
	// Tested is all units tested in the stratum where the three counts are of a
	// subgroup, or of what is of the population at all. Zero: the three counts
	// are all there are.
	Tested int `json:"tested,omitempty"`
}

// Result is what one test of a survey says about a frame or a subgroup.
type Result struct {
	Tested int `json:"tested"` // units of the frame or subgroup that the test was run on
	// Testable is the share that could be tested. What is withheld is no
	// failure.
	Testable Estimate `json:"testable,omitzero"`
	// Accurate is the share that passes among the testable; nil where only
	// bounds may be said.
	Accurate *Estimate `json:"accurate,omitempty"`
	// Lower counts everything that could not be tested as failing, Upper as
	// passing: the share of all lies between.
	Lower Estimate `json:"lower,omitzero"`
	Upper Estimate `json:"upper,omitzero"`
	// BoundsOnly says that the testable are too few of a public frame for
	// them to stand for the rest: no ranking, no target.
	BoundsOnly bool `json:"bounds_only,omitempty"`
	// Unpublished says why the numbers are not fit to be published; "" when
	// they are. In what is public they are then left out (Report.Public).
	Unpublished string `json:"unpublished,omitempty"`
}

// Sum makes a result of tallies.
func Sum(kind Kind, frame int, tallies []Tally) (Result, error) {
	if kind != Internal && kind != Public {
		return Result{}, problem.BadField("frame", "is of kind %q; it is %q or %q", kind, Internal, Public)
	}
	of := func(in, hit func(Tally) int) (Estimate, error) {
		s := Sample{Frame: frame}
		for _, t := range tallies {
			n := t.Passed + t.Failed + t.Withheld
			if t.Tested > 0 {
				if n > t.Tested {
					return Estimate{}, problem.BadField("strata["+t.Key+"]", "counts %d of %d tested", n, t.Tested)
				}
				n = t.Tested
			}
			s.Strata = append(s.Strata, Stratum{Key: t.Key, Frame: t.Frame, Drawn: t.Drawn, Tested: n, In: in(t), Hit: hit(t)})
		}
		return Share(s)
	}
	all := func(t Tally) int { return t.Passed + t.Failed + t.Withheld }
	testable := func(t Tally) int { return t.Passed + t.Failed }
	passed := func(t Tally) int { return t.Passed }
	var r Result
	var err error
	if r.Testable, err = of(all, testable); err != nil {
		return r, err
	}
	r.Tested = r.Testable.Tested
	if r.Lower, err = of(all, passed); err != nil {
		return r, err
	}
	if r.Upper, err = of(all, func(t Tally) int { return t.Passed + t.Withheld }); err != nil {
		return r, err
	}
	r.BoundsOnly = kind == Public && r.Testable.Share < MinTestable
	if !r.BoundsOnly {
		if a, err := of(testable, passed); err == nil {
			r.Accurate = &a
		} else if problem.CodeOf(err) != problem.NotFound {
			return r, err
		}
	}
	r.Unpublished = unfit(r)
	return r, nil
}

// Least sizes of what is published: below them the 95 % interval was seen in
// simulation to cover less than it says (TestCoverageOfSubgroups).
const (
	MinPublished = 50 // units tested
	MinEffective = 30 // effective size
)

// unfit says why a result is not fit to be published.
func unfit(r Result) string {
	e := r.Lower
	if r.Accurate != nil {
		e = *r.Accurate
	}
	switch {
	case r.Tested < MinPublished:
		return tooFew
	case e.Effective < MinEffective:
		return "the effective sample is smaller than 30 units"
	}
	return ""
}

// Target is an aim for a share, such as "reduce substantial and full failure
// by half in twelve months" (WHOIS Review Team, 2012, recommendation 6).
type Target struct {
	Metric   string    `json:"metric"`
	Baseline Estimate  `json:"baseline,omitzero"` // none in public where its cycle is not public
	At       time.Time `json:"at"`                // of the baseline
	Factor   float64   `json:"factor"`            // what the share is to be multiplied by: 0.5 for half
	Due      time.Time `json:"due"`
}

// Reached says whether a target was reached.
type Reached string

// The answers.
const (
	Yes     Reached = "reached"
	No      Reached = "not reached"
	Unsure  Reached = "not decided by this sample"
	NotTest Reached = "not tested: only bounds are known"
	TooFew  Reached = "not tested: the sample is too small"
	NotHad  Reached = "not tested: the profile does not ask for this"
	// NotShown stands in public reports alone.
	NotShown Reached = "not shown: its baseline is not published"
)

// Test is a target against a later estimate.
type Test struct {
	Reached Reached `json:"reached"`
	Early   bool    `json:"early,omitempty"` // the target is not due yet
	// Gap is how far the share lies above what was aimed at, with its
	// interval, in shares; below it is negative.
	Gap  float64 `json:"gap"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Check tests a target against a result of a later cycle. Both ends of the
// comparison are estimates: the interval is that of p₂ − factor·p₁, made of
// theirs as that of Compare is.
func (t Target) Check(r Result, failing Estimate, at time.Time) (Test, error) {
	if !(t.Factor > 0 && t.Factor < 1) {
		return Test{}, problem.BadField("factor", "is %g; a target lowers a share: 0 to 1", t.Factor)
	}
	if !at.After(t.At) {
		return Test{}, problem.BadField("at", "is not after the baseline")
	}
	out := Test{Early: at.Before(t.Due)}
	switch {
	case r.BoundsOnly:
		out.Reached = NotTest
		return out, nil
	case r.Unpublished != "":
		out.Reached = TooFew
		return out, nil
	}
	isDown, isUp := failing.arms()
	wasDown, wasUp := t.Baseline.arms()
	out.Gap = failing.Share - t.Factor*t.Baseline.Share
	out.Low, out.High = out.Gap-math.Hypot(isDown, t.Factor*wasUp), out.Gap+math.Hypot(isUp, t.Factor*wasDown)
	switch {
	case out.High <= 0:
		out.Reached = Yes
	case out.Low > 0:
		out.Reached = No
	default:
		out.Reached = Unsure
	}
	return out, nil
}
