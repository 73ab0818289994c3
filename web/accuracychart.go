package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// chartPoint is a share at a time, with its interval; or, where Known is false,
// only the bounds between which it lies.
type chartPoint struct {
	At        int // place on the axis, such as a month
	Word      string
	Share     float64
	Low, High float64
	Known     bool
}

// pointsChart draws shares over time: a dot with its interval, joined by a line;
// bounds are an open bar without a dot. The axis ends at a round value over the
// highest, so that small shares can be told apart.
func pointsChart(id string, points []chartPoint, title string) template.HTML {
	top := 0.0
	for _, p := range points {
		top = max(top, p.High)
	}
	top = niceShare(top)
	first, last := points[0].At, points[len(points)-1].At
	p := &plot{w: 640, h: 240, left: 48, top: 16, right: 12, bottom: 32}
	p.begin(id, title)
	steps := 4
	for i := range steps + 1 {
		v := float64(i) / float64(steps)
		if i > 0 {
			fmt.Fprintf(p, `<path class="rule" d="M%.1f %.1fH%.1f"/>`, p.left, p.y(v), p.x(1))
		}
		if i%2 == 0 {
			p.word("", "end", p.left-8, p.y(v)+4, strings.TrimSuffix(fmt.Sprintf("%.1f", 100*v*top), ".0")+"%")
		}
	}
	fmt.Fprintf(p, `<path class="axis" d="M%.1f %.1fH%.1f"/>`, p.left, p.y(0), p.x(1))
	n := float64(last - first + 1)
	at := func(i int) float64 { return p.x((float64(i-first) + 0.5) / n) }
	y := func(share float64) float64 { return p.y(share / top) }
	every := int(math.Ceil(n / 8))
	line, joined := "", false
	for i, c := range points {
		x := at(c.At)
		if (last-c.At)%every == 0 {
			p.word("", "middle", x, p.h-10, c.Word)
		}
		if !c.Known {
			fmt.Fprintf(p, `<rect class="bounds" x="%.1f" y="%.1f" width="8" height="%.1f"/>`, x-4, y(c.High), math.Max(1, y(c.Low)-y(c.High)))
			joined = false
			continue
		}
		if joined && points[i-1].At == c.At-1 { // a month without names is a gap
			line += fmt.Sprintf("L%.1f %.1f", x, y(c.Share))
		} else {
			line += fmt.Sprintf("M%.1f %.1f", x, y(c.Share))
		}
		joined = true
		fmt.Fprintf(p, `<path class="ci" d="M%.1f %.1fV%.1f"/>`, x, y(c.Low), y(c.High))
	}
	if line != "" {
		fmt.Fprintf(p, `<path class="s s0" d="%s"/>`, line)
	}
	for _, c := range points {
		if c.Known {
			fmt.Fprintf(p, `<circle class="dot" cx="%.1f" cy="%.1f" r="3.5"/>`, at(c.At), y(c.Share))
		}
	}
	p.WriteString("</svg>")
	return template.HTML(p.String())
}

// niceShare is a round share at or over v, for the end of an axis.
func niceShare(v float64) float64 {
	for _, t := range []float64{0.02, 0.04, 0.1, 0.2, 0.4} {
		if v <= t {
			return t
		}
	}
	return 1
}

// intervalBar draws a share with its interval on a line from 0 to 1.
func intervalBar(share, low, high float64) template.HTML {
	const w = 120.0
	return template.HTML(fmt.Sprintf(`<svg class="chart ci-bar" viewBox="0 0 %g 12" width="%g" height="12" aria-hidden="true"><path class="rule" d="M0 6H%g"/><path class="ci" d="M%.1f 6H%.1f"/><circle class="dot" cx="%.1f" cy="6" r="3.5"/></svg>`,
		w, w, w, w*low, w*high, math.Max(3.5, math.Min(w-3.5, w*share))))
}

// boundsBar draws bounds: an open bar, without a dot that would say where in it
// the share is.
func boundsBar(low, high float64) template.HTML {
	const w = 120.0
	return template.HTML(fmt.Sprintf(`<svg class="chart ci-bar" viewBox="0 0 %g 12" width="%g" height="12" aria-hidden="true"><path class="rule" d="M0 6H%g"/><rect class="bounds" x="%.1f" y="2" width="%.1f" height="8"/></svg>`,
		w, w, w, math.Max(0.5, w*low), math.Max(2, math.Min(w-0.5, w*high)-math.Max(0.5, w*low))))
}
