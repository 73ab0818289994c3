package xarf

import (
	"regexp"
	"regexp/syntax"
)

// pattern is a regular expression of the schemas. Most of them are plain runs
// of characters, which are matched directly; the others are left to regexp.
type pattern struct {
	re   *regexp.Regexp
	ways [][]run // any of these sequences; nil where re must do it
}

// run is between min and max characters of a set, as many as there are.
type run struct {
	set      [256]bool
	min, max int // max -1: no end
}

// compile reads an expression that begins with ^ and ends with $ into runs, if
// it can be matched without ever going back.
func compile(expr string) pattern {
	p := pattern{re: regexp.MustCompile(expr)}
	t, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || t.Op != syntax.OpConcat || len(t.Sub) < 3 ||
		t.Sub[0].Op != syntax.OpBeginText || t.Sub[len(t.Sub)-1].Op != syntax.OpEndText {
		return p
	}
	ways := [][]run{nil}
	for _, sub := range t.Sub[1 : len(t.Sub)-1] {
		if ways = product(ways, expand(sub)); ways == nil {
			return p
		}
	}
	for _, w := range ways {
		if !decided(w) {
			return p
		}
	}
	p.ways = ways
	return p
}

// maxWays is how many sequences one expression may unfold to.
const maxWays = 16

// expand gives the sequences of runs that t stands for; nil if it is something
// else.
func expand(t *syntax.Regexp) [][]run {
	switch t.Op {
	case syntax.OpLiteral:
		if t.Flags&syntax.FoldCase != 0 {
			return nil
		}
		var w []run
		for _, r := range t.Rune {
			if r > 0x7f {
				return nil
			}
			one := run{min: 1, max: 1}
			one.set[r] = true
			w = append(w, one)
		}
		return [][]run{w}
	case syntax.OpCharClass:
		one := run{min: 1, max: 1}
		for i := 0; i < len(t.Rune); i += 2 {
			if t.Rune[i+1] > 0x7f {
				return nil
			}
			for r := t.Rune[i]; r <= t.Rune[i+1]; r++ {
				one.set[r] = true
			}
		}
		return [][]run{{one}}
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		inner := expand(t.Sub[0])
		if len(inner) != 1 || len(inner[0]) != 1 || inner[0][0].min != 1 || inner[0][0].max != 1 || t.Flags&syntax.NonGreedy != 0 {
			return nil
		}
		r := inner[0][0]
		switch t.Op {
		case syntax.OpStar:
			r.min, r.max = 0, -1
		case syntax.OpPlus:
			r.max = -1
		case syntax.OpQuest:
			r.min = 0
		default:
			r.min, r.max = t.Min, t.Max
		}
		return [][]run{{r}}
	case syntax.OpCapture:
		return expand(t.Sub[0])
	case syntax.OpConcat:
		ways := [][]run{nil}
		for _, sub := range t.Sub {
			if ways = product(ways, expand(sub)); ways == nil {
				return nil
			}
		}
		return ways
	case syntax.OpAlternate:
		var ways [][]run
		for _, sub := range t.Sub {
			w := expand(sub)
			if w == nil {
				return nil
			}
			ways = append(ways, w...)
		}
		return ways
	}
	return nil
}

// product continues each of a with each of b.
func product(a, b [][]run) [][]run {
	if b == nil || len(a)*len(b) > maxWays {
		return nil
	}
	var out [][]run
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(append([]run(nil), x...), y...))
		}
	}
	return out
}

// decided says whether taking all that fits is right for every run of w: what
// may follow a run of open length begins with none of its characters.
func decided(w []run) bool {
	for i, r := range w {
		if r.min == r.max {
			continue
		}
		for _, next := range w[i+1:] {
			for c := range r.set {
				if r.set[c] && next.set[c] {
					return false
				}
			}
			if next.min > 0 {
				break
			}
		}
	}
	return true
}

// match says whether b as a whole fits.
func (p *pattern) match(b []byte) bool {
	if p.ways == nil {
		return p.re.Match(b)
	}
	for _, w := range p.ways {
		if matchRuns(w, b) {
			return true
		}
	}
	return false
}

func matchRuns(w []run, b []byte) bool {
	for i := range w {
		r := &w[i]
		n := 0
		for n < len(b) && n != r.max && r.set[b[n]] {
			n++
		}
		if n < r.min {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}
