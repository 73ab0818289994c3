// Package stats holds the estimators behind published figures: how long
// something lasts when some of it has not ended yet, and how sure a share is.
// It knows no case.
package stats

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Observation is how long one thing was followed. Ended says that its end was
// seen then; otherwise it is censored: it lasted at least so long.
type Observation struct {
	Time  time.Duration
	Ended bool
}

// Step is the curve from At on, up to the next step.
type Step struct {
	At       time.Duration `json:"at"`      // nanoseconds
	AtRisk   int           `json:"at_risk"` // followed for at least so long
	Ended    int           `json:"ended"`   // just then
	Censored int           `json:"censored"`
	// Share is how much of it lasts longer than At, from 1 to 0; Low and High
	// are the ends of its pointwise 95 % interval.
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Curve is a survival curve.
type Curve struct {
	N     int    `json:"n"`
	Ended int    `json:"ended"`
	Steps []Step `json:"steps"` // by time; only where something ended or was censored
}

// z is the standard normal quantile of a 95 % interval.
const z = 1.959963984540054

// Survival estimates the survival curve by the product-limit method (Kaplan
// and Meier, 1958), with Greenwood's variance on the log(−log) scale, which
// keeps the interval between 0 and 1 (Kalbfleisch and Prentice, 1980). What is
// censored at a time counts as at risk at that time. Negative times count as 0.
func Survival(obs []Observation) Curve {
	sorted := slices.Clone(obs)
	for i := range sorted {
		sorted[i].Time = max(sorted[i].Time, 0)
	}
	slices.SortFunc(sorted, func(a, b Observation) int { return cmp.Compare(a.Time, b.Time) })
	c := Curve{N: len(sorted)}
	share, sum := 1.0, 0.0
	for i := 0; i < len(sorted); {
		s := Step{At: sorted[i].Time, AtRisk: len(sorted) - i}
		for ; i < len(sorted) && sorted[i].Time == s.At; i++ {
			if sorted[i].Ended {
				s.Ended++
			} else {
				s.Censored++
			}
		}
		n, d := float64(s.AtRisk), float64(s.Ended)
		share *= 1 - d/n
		if n > d {
			sum += d / (n * (n - d))
		}
		s.Share = share
		s.Low, s.High = interval(share, sum)
		c.Ended += s.Ended
		c.Steps = append(c.Steps, s)
	}
	return c
}

func interval(share, sum float64) (low, high float64) {
	if share <= 0 || share >= 1 {
		return share, share
	}
	l := math.Log(share)
	w := z * math.Sqrt(sum) / math.Abs(l)
	return math.Pow(share, math.Exp(w)), math.Pow(share, math.Exp(-w))
}

// At is the step that holds at a time; before the first it is share 1.
func (c Curve) At(t time.Duration) Step {
	at := Step{AtRisk: c.N, Share: 1, Low: 1, High: 1}
	for _, s := range c.Steps {
		if s.At > t {
			break
		}
		at = s
	}
	return at
}

// Median is the first time at which at most half of it lasts longer; false
// when fewer than half were seen to end.
func (c Curve) Median() (time.Duration, bool) { return c.Quantile(0.5) }

// Quantile is the first time by which a share q was seen to end; false when it
// never was.
func (c Curve) Quantile(q float64) (time.Duration, bool) {
	for _, s := range c.Steps {
		if s.Ended > 0 && s.Share <= 1-q+1e-9 {
			return s.At, true
		}
	}
	return 0, false
}

// Wilson is the 95 % score interval of a share of k in n (Wilson, 1927): it
// says something sensible for few, and for none or all. Of nothing, anything
// may be.
func Wilson(k, n int) (low, high float64) {
	if n <= 0 || k < 0 || k > n {
		return 0, 1
	}
	return WilsonShare(float64(k)/float64(n), float64(n))
}

// WilsonShare is the same for a share and the size of the simple random sample
// that would have given it, which need not be whole (an effective size).
func WilsonShare(p, n float64) (low, high float64) {
	if !(n > 0) {
		return 0, 1
	}
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	w := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, mid-w), min(1, mid+w)
}
