// Package survey draws samples of registrations and estimates from them how
// accurate registration data is: two-phase stratified samples, shares with
// intervals, bounds for what cannot be tested, changes between cycles and
// targets. It is pure: who stores and resumes a survey is package centre.
//
// The estimators are those of double sampling for stratification (Cochran,
// Sampling Techniques, 3rd ed., 1977, chapter 12; Rao, 1973) and of a ratio
// over a domain (Särndal, Swensson and Wretman, 1992, chapter 5).
package survey

import (
	"cmp"
	"math"
	"slices"

	"bailiwick/problem"
	"bailiwick/stats"
)

// Z is the standard normal quantile of a 95 % interval.
const Z = 1.959963984540054

// Limits of what is estimated from.
const (
	MaxStrata = 100_000
	// A share nearer to 0 or 1 than edge, or with fewer than few units
	// expected on either side, has Wilson's interval instead of the normal
	// one, which is too short there.
	edge = 0.05
	few  = 30
)

// Stratum counts one stratum of a sample.
type Stratum struct {
	Key string `json:"key"`
	// Frame is how many units of the stratum the frame holds, when that is
	// known: its share then needs no first phase. Zero when it is not.
	Frame int `json:"frame,omitempty"`
	// Drawn is how many units of the first phase fell into the stratum. In a
	// sample of one phase it may be zero.
	Drawn int `json:"drawn"`
	// Tested is how many of them were tested.
	Tested int `json:"tested"`
	// In is how many of the tested belong to what is asked about: a subgroup,
	// or those that can be tested at all. Equal to Tested when all do.
	In int `json:"in"`
	// Hit is how many of those have the property.
	Hit int `json:"hit"`
}

// Sample is what an estimate is made from.
type Sample struct {
	// Frame is how many units the frame holds; zero when that is not known or
	// so many that it makes no difference.
	Frame  int       `json:"frame,omitempty"`
	Strata []Stratum `json:"strata"`
}

// Estimate is a share of the frame with its 95 % interval.
type Estimate struct {
	Share float64 `json:"share"`
	SE    float64 `json:"se"` // standard error
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Method names the interval: "normal", "wilson" with an effective sample
	// size, or "census" when every unit of the frame was tested.
	Method string `json:"method"`
	// Tested is how many units the estimate rests on, and Effective how many
	// of a simple random sample would give the same standard error.
	Tested    int     `json:"tested"`
	Effective float64 `json:"effective"`
	// Pooled is how many strata had too few tested units for a variance of
	// their own and were joined with others for it.
	Pooled int `json:"pooled,omitempty"`
}

// HalfWidth is half the interval.
func (e Estimate) HalfWidth() float64 { return (e.High - e.Low) / 2 }

// check says what is wrong with a sample.
func (s Sample) check() error {
	if len(s.Strata) == 0 {
		return problem.BadField("strata", "is empty")
	}
	if len(s.Strata) > MaxStrata {
		return problem.BadField("strata", "holds %d strata; at most %d are read", len(s.Strata), MaxStrata)
	}
	seen := make(map[string]bool, len(s.Strata))
	frame, drawn, known := 0, 0, 0
	for _, h := range s.Strata {
		field := "strata[" + h.Key + "]"
		switch {
		case seen[h.Key]:
			return problem.BadField(field, "occurs twice")
		case h.Frame < 0 || h.Drawn < 0 || h.Tested < 0 || h.In < 0 || h.Hit < 0:
			return problem.BadField(field, "has a negative count")
		case h.Hit > h.In:
			return problem.BadField(field, "has %d with the property among %d", h.Hit, h.In)
		case h.In > h.Tested:
			return problem.BadField(field, "has %d of interest among %d tested", h.In, h.Tested)
		case h.Drawn > 0 && h.Tested > h.Drawn:
			return problem.BadField(field, "has %d tested of %d drawn", h.Tested, h.Drawn)
		case h.Frame > 0 && max(h.Drawn, h.Tested) > h.Frame:
			return problem.BadField(field, "is a sample of %d from %d units: larger than its population", max(h.Drawn, h.Tested), h.Frame)
		case (h.Drawn > 0 || h.Frame > 0) && h.Tested == 0:
			return problem.BadField(field, "holds units of which none was tested: join it with another")
		case h.Drawn == 0 && h.Frame == 0:
			return problem.BadField(field, "has no weight: neither its size in the frame nor its share of the first phase is given")
		}
		seen[h.Key] = true
		frame += h.Frame
		drawn += h.Drawn
		if h.Frame > 0 {
			known++
		}
	}
	if known > 0 && known < len(s.Strata) {
		return problem.BadField("strata", "gives the size in the frame of %d of %d strata: it must be all or none", known, len(s.Strata))
	}
	if s.Frame < 0 || s.Frame > 0 && (drawn > s.Frame && known == 0 || known > 0 && frame != s.Frame) {
		return problem.BadField("frame", "of %d units does not fit its strata (%d in the frame, %d drawn)", s.Frame, frame, drawn)
	}
	return nil
}

// term is a stratum as the variance sees it.
type term struct {
	weight   float64 // share of the frame, known or estimated
	left     float64 // 1 − n/N, or 1 − f·n/n': nothing is left to chance where all were tested
	n        float64 // tested
	drawn    float64
	size     float64 // in the frame, or 0
	x, y     float64 // mean of membership and of the property
	in, hit  float64
	meanE    float64
	varE     float64 // s² of the residual, with n-1
	estimate bool    // varE stands on its own
}

// Share estimates which share of the units of interest has the property: the
// ratio of the two estimated totals. Where every tested unit is of interest it
// is the stratified mean p = Σ w p.
//
// Its variance is that of the linearised residual e = y − R·x. With strata
// whose sizes are not known (two phases):
//
//	(1−f)/n' Σ w (ē − E)² + Σ w² (1 − f n/(n'w)) s²/n        f = n'/N, 0 if N is not known
//
// and with known sizes Σ W² (1 − n/N) s²/n. A stratum with one tested unit has
// no variance of its own: it is joined with its neighbour in weight for it.
//
// What was seen alike in a sample need not be alike everywhere: where all that
// were tested in a stratum have the property, or none has, its variance is
// reckoned with one unit more of either kind, too, and the interval away from 0
// and 1 is no shorter than these strata alone would make it.
func Share(s Sample) (Estimate, error) {
	if err := s.check(); err != nil {
		return Estimate{}, err
	}
	known := s.Strata[0].Frame > 0
	total, tested := 0.0, 0
	for _, h := range s.Strata {
		if known {
			total += float64(h.Frame)
		} else {
			total += float64(h.Drawn)
		}
		tested += h.In
	}
	f := 0.0
	if s.Frame > 0 && !known {
		f = total / float64(s.Frame)
	}
	terms := make([]term, 0, len(s.Strata))
	x, y := 0.0, 0.0
	for _, h := range s.Strata {
		t := term{n: float64(h.Tested), drawn: float64(h.Drawn), size: float64(h.Frame), in: float64(h.In), hit: float64(h.Hit)}
		if known {
			t.weight = t.size / total
		} else {
			t.weight = t.drawn / total
		}
		if known {
			t.left = 1 - t.n/t.size
		} else {
			t.left = max(1-f*t.n/t.drawn, 0)
		}
		t.x, t.y = t.in/t.n, t.hit/t.n
		x += t.weight * t.x
		y += t.weight * t.y
		terms = append(terms, t)
	}
	if x == 0 {
		return Estimate{Low: 0, High: 1, Method: "none"}, problem.New(problem.NotFound, "no unit of interest was tested")
	}
	e := Estimate{Share: y / x, Tested: tested}
	e.Pooled = residuals(terms, e.Share)
	variance := func(of func(term) float64) float64 {
		v := 0.0
		for _, t := range terms {
			v += t.weight * t.weight * t.left * of(t) / t.n
			if !known {
				v += (1 - f) * t.weight * t.meanE * t.meanE / total // Σ w ē = 0 by the choice of R
			}
		}
		return v
	}
	e.SE = math.Sqrt(variance(term.seen)) / x
	if known && !slices.ContainsFunc(s.Strata, func(h Stratum) bool { return h.Tested < h.Frame }) {
		e.Method, e.Low, e.High, e.Effective = "census", e.Share, e.Share, float64(tested)
		return e, nil
	}
	e.interval(math.Sqrt(max(variance(term.seen), variance(term.alike)))/x, weighted(terms))
	return e, nil
}

// seen is the variance of the residual as it was seen.
func (t term) seen() float64 { return t.varE }

// alike is that of a stratum in which all were seen alike, and nought of others.
func (t term) alike() float64 {
	if t.varE > 0 || t.in < t.n {
		return 0
	}
	p := (t.hit + 1) / (t.n + 2)
	return p * (1 - p)
}

// weighted is how many units of a simple random sample would weigh as evenly as
// those of interest do: (Σ weights)²/Σ weights² (Kish, 1965), what was tested
// completely left out. It knows nothing of what was found, so it says something
// even where nothing was.
func weighted(terms []term) float64 {
	sum, squares, in := 0.0, 0.0, 0.0
	for _, t := range terms {
		sum += t.weight * t.x
		squares += t.weight * t.weight * t.left * t.in / (t.n * t.n)
		in += t.in
	}
	if squares == 0 { // all that were seen lie where everything was tested
		return in
	}
	return sum * sum / squares
}

// residuals fills in the mean and variance of e = y − R·x in each stratum, and
// says how many were joined for it.
func residuals(terms []term, r float64) (pooled int) {
	for i := range terms {
		t := &terms[i]
		t.meanE = t.y - r*t.x
		if t.n < 2 {
			continue
		}
		sum := t.hit*(1-r)*(1-r) + (t.in-t.hit)*r*r - t.n*t.meanE*t.meanE
		t.varE, t.estimate = max(sum, 0)/(t.n-1), true
	}
	lone := 0
	for _, t := range terms {
		if !t.estimate {
			lone++
		}
	}
	if lone == 0 {
		return 0
	}
	// The lone ones are joined among themselves, with the lightest other
	// stratum if there is but one of them.
	order := make([]int, 0, len(terms))
	for i := range terms {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if terms[a].estimate != terms[b].estimate {
			if terms[b].estimate {
				return -1
			}
			return 1
		}
		return cmp.Compare(terms[a].weight, terms[b].weight)
	})
	n, sum, sq := 0.0, 0.0, 0.0
	for k, i := range order {
		t := terms[i]
		if k >= lone && n >= 2 {
			break
		}
		n += t.n
		sum += t.n * t.meanE
		sq += t.hit*(1-r)*(1-r) + (t.in-t.hit)*r*r
	}
	v := r * (1 - r) // nothing to join with
	if n >= 2 {
		v = max(sq-sum*sum/n, 0) / (n - 1)
	}
	for i := range terms {
		if !terms[i].estimate {
			terms[i].varE = v
		}
	}
	return lone
}

// interval fills in the interval and the effective size. se is the standard error
// by which no stratum is certain, even the effective size by weights alone.
//
// Near an edge neither says enough: where the units that fail are few, they may
// all lie where little weight is, by chance, and what is not seen in a heavy
// stratum does not count. So there the sample is worth no more than its weights
// say.
func (e *Estimate) interval(se, even float64) {
	p := e.Share
	size := func(se float64) float64 {
		if v := se * se; v > 0 && p > 0 && p < 1 {
			return p * (1 - p) / v
		}
		return even
	}
	e.Effective = size(se)
	if q := min(p, 1-p); q < edge || q*e.Effective < few {
		e.Effective = min(size(e.SE), even)
		e.Method = "wilson"
		e.Low, e.High = stats.WilsonShare(p, e.Effective)
		return
	}
	e.SE, e.Method = se, "normal"
	e.Low, e.High = max(0, p-Z*e.SE), min(1, p+Z*e.SE)
}

// Change compares a share between two cycles with independent samples.
type Change struct {
	Diff float64 `json:"diff"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Z    float64 `json:"z"`
	P    float64 `json:"p"` // two-sided
}

// arms are how far the interval reaches below and above the share. Near 0 and 1
// the two differ, and a standard error of nothing does not make it nothing.
func (e Estimate) arms() (down, up float64) {
	if e.Low < e.High && e.Low <= e.Share && e.Share <= e.High {
		return e.Share - e.Low, e.High - e.Share
	}
	return Z * e.SE, Z * e.SE
}

// Compare gives the change from a to b. Its interval is made of the two
// intervals (Newcombe, Statistics in Medicine 17, 1998, method 10), and z by the
// arm of it that reaches towards no change, so that the two never disagree; where
// both are normal they are the normal ones of the difference.
func Compare(a, b Estimate) Change {
	c := Change{Diff: b.Share - a.Share, P: 1}
	aDown, aUp := a.arms()
	bDown, bUp := b.arms()
	down, up := math.Hypot(bDown, aUp), math.Hypot(bUp, aDown)
	c.Low, c.High = c.Diff-down, c.Diff+up
	arm := down
	if c.Diff < 0 {
		arm = up
	}
	switch {
	case arm > 0:
		c.Z = Z * c.Diff / arm
		c.P = math.Erfc(math.Abs(c.Z) / math.Sqrt2)
	case c.Diff != 0:
		c.Z, c.P = math.Copysign(math.Inf(1), c.Diff), 0
	}
	return c
}
