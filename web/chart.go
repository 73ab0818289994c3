package web

import (
	"fmt"
	"html/template"
	"math"
	"time"

	"bailiwick/centre"
	"bailiwick/stats"
)

// Charts are SVG made here, styled by the stylesheet alone. Series differ by
// dash and by a label of their own, never by colour alone; each has a table
// behind it.

// maxSeries is how many curves one chart shows.
const maxSeries = 5

type plot struct {
	markup
	w, h, left, top, right, bottom float64
}

func (p *plot) x(share float64) float64 { return p.left + share*(p.w-p.left-p.right) }
func (p *plot) y(share float64) float64 { return p.top + (1-share)*(p.h-p.top-p.bottom) }

func (p *plot) begin(id, title string) {
	fmt.Fprintf(p, `<svg class="chart" viewBox="0 0 %g %g" role="img" aria-labelledby="%s-title"><title id="%s-title">`, p.w, p.h, id, id)
	p.text(title)
	p.WriteString("</title>")
}

func (p *plot) word(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(p, `<text%s x="%.1f" y="%.1f"`, attr("class", class), x, y)
	if anchor != "" {
		p.WriteString(attr("text-anchor", anchor))
	}
	p.WriteString(">")
	p.text(s)
	p.WriteString("</text>")
}

func attr(name, v string) string {
	if v == "" {
		return ""
	}
	return ` ` + name + `="` + v + `"`
}

// horizons are the lengths of the time axis, with its marks.
var horizons = []struct {
	length, step time.Duration
	unit         string
}{{24 * time.Hour, 6 * time.Hour, "h"}, {72 * time.Hour, 12 * time.Hour, "h"}, {7 * 24 * time.Hour, 24 * time.Hour, "d"}, {14 * 24 * time.Hour, 48 * time.Hour, "d"}, {30 * 24 * time.Hour, 5 * 24 * time.Hour, "d"}}

// survivalChart draws curves: the share still there over time. The band is the
// first one's 95 % interval.
func survivalChart(id string, curves []centre.Survival, title string) template.HTML {
	curves = curves[:min(len(curves), maxSeries)]
	longest := time.Duration(0)
	for _, c := range curves {
		// As far as enough are followed: a long tail of a few squeezes the rest.
		for _, st := range c.Curve.Steps {
			if st.AtRisk >= max(3, c.Curve.N/12) {
				longest = max(longest, st.At)
			}
		}
	}
	hz := horizons[len(horizons)-1]
	for i := len(horizons) - 1; i >= 0 && horizons[i].length >= longest; i-- {
		hz = horizons[i]
	}
	p := &plot{w: 640, h: 288, left: 44, top: 16, right: 12, bottom: 32}
	p.begin(id, "Share still there over time: "+title)
	for _, v := range []float64{0.25, 0.5, 0.75, 1} {
		fmt.Fprintf(p, `<path class="rule" d="M%.1f %.1fH%.1f"/>`, p.left, p.y(v), p.x(1))
	}
	for _, v := range []float64{0, 0.5, 1} {
		p.word("", "end", p.left-8, p.y(v)+4, fmt.Sprintf("%.0f%%", 100*v))
	}
	fmt.Fprintf(p, `<path class="axis" d="M%.1f %.1fH%.1f"/>`, p.left, p.y(0), p.x(1))
	for t := time.Duration(0); t <= hz.length; t += hz.step {
		n := t.Hours()
		if hz.unit == "d" {
			n /= 24
		}
		anchor := "middle"
		if t == hz.length {
			anchor = "end"
		}
		p.word("", anchor, p.x(float64(t)/float64(hz.length)), p.h-10, fmt.Sprintf("%.0f %s", n, hz.unit))
	}
	at := func(t time.Duration) float64 { return p.x(min(1, float64(t)/float64(hz.length))) }
	if len(curves) > 0 {
		band(p, curves[0].Curve, hz.length, at)
	}
	for i, c := range curves {
		fmt.Fprintf(p, `<path class="s s%d" d="M%.1f %.1f`, i, p.x(0), p.y(1))
		last := time.Duration(0)
		for _, st := range thin(c.Curve.Steps) {
			if st.At >= hz.length {
				break
			}
			if st.Ended > 0 {
				fmt.Fprintf(p, "H%.1fV%.1f", at(st.At), p.y(st.Share))
			}
			last = st.At
		}
		if n := len(c.Curve.Steps); n > 0 && c.Curve.Steps[n-1].At > hz.length {
			last = hz.length
		}
		fmt.Fprintf(p, `H%.1f"/>`, at(last))
	}
	p.WriteString("</svg>")
	return template.HTML(p.String())
}

// band draws the interval of one curve.
func band(p *plot, c stats.Curve, length time.Duration, at func(time.Duration) float64) {
	steps := thin(c.Steps)
	var in []stats.Step
	for _, st := range steps {
		if st.At <= length && st.Ended > 0 {
			in = append(in, st)
		}
	}
	if len(in) == 0 {
		return
	}
	end := min(length, c.Steps[len(c.Steps)-1].At)
	fmt.Fprintf(p, `<path class="band" d="M%.1f %.1f`, p.x(0), p.y(1))
	for _, st := range in {
		fmt.Fprintf(p, "H%.1fV%.1f", at(st.At), p.y(st.High))
	}
	fmt.Fprintf(p, "H%.1fV%.1f", at(end), p.y(in[len(in)-1].Low))
	for i := len(in) - 1; i >= 0; i-- {
		low := 1.0
		if i > 0 {
			low = in[i-1].Low
		}
		fmt.Fprintf(p, "H%.1fV%.1f", at(in[i].At), p.y(low))
	}
	p.WriteString(`Z"/>`)
}

// thin keeps a curve to what a picture can show: at most some hundred steps.
func thin(steps []stats.Step) []stats.Step {
	const most = 240
	if len(steps) <= most {
		return steps
	}
	out := make([]stats.Step, 0, most)
	ended := 0
	for i, st := range steps {
		ended += st.Ended
		if i*most/len(steps) != (i+1)*most/len(steps) {
			st.Ended = ended
			out, ended = append(out, st), 0
		}
	}
	return out
}

// key is the line of a series, for a legend.
func key(i int) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="chart" viewBox="0 0 32 8" aria-hidden="true"><path class="s s%d" d="M0 4H32"/></svg>`, i))
}

// weeksChart draws the cases opened per week, and of them the confirmed ones.
func weeksChart(weeks []centre.Week) template.HTML {
	most := 1
	for _, w := range weeks {
		most = max(most, w.Opened)
	}
	top := niceTop(most)
	p := &plot{w: 640, h: 220, left: 44, top: 16, right: 12, bottom: 32}
	p.begin("weeks", fmt.Sprintf("Cases opened per week over %d weeks, and how many of them were confirmed", len(weeks)))
	for _, v := range []float64{0.5, 1} {
		fmt.Fprintf(p, `<path class="rule" d="M%.1f %.1fH%.1f"/>`, p.left, p.y(v), p.x(1))
		p.word("", "end", p.left-8, p.y(v)+4, fmt.Sprintf("%g", v*float64(top)))
	}
	p.word("", "end", p.left-8, p.y(0)+4, "0")
	n := float64(len(weeks))
	for i, w := range weeks {
		x0, width := p.x(float64(i)/n), (p.x(1)-p.x(0))/n*0.6
		x0 += (p.x(1) - p.x(0)) / n * 0.2
		bar := func(class string, k int) {
			if k > 0 {
				y := p.y(float64(k) / float64(top))
				fmt.Fprintf(p, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, x0, y, width, p.y(0)-y)
			}
		}
		bar("bar1", w.Opened)
		bar("bar2", w.Confirmed)
		if (len(weeks)-1-i)%2 == 0 {
			p.word("", "middle", x0+width/2, p.h-10, w.Begin.Format("2 Jan"))
		}
	}
	fmt.Fprintf(p, `<path class="axis" d="M%.1f %.1fH%.1f"/></svg>`, p.left, p.y(0), p.x(1))
	return template.HTML(p.String())
}

// niceTop is a round even number at or over n.
func niceTop(n int) int {
	for base := 1; ; base *= 10 {
		for _, m := range []int{2, 4, 10} {
			if m*base >= n {
				return m * base
			}
		}
	}
}

// shareBar draws a share with its interval on a line from 0 to 1.
func shareBar(s centre.Share, n int) template.HTML {
	if n == 0 {
		return ""
	}
	const w = 120.0
	return template.HTML(fmt.Sprintf(`<svg class="chart ci-bar" viewBox="0 0 %g 12" width="%g" height="12" aria-hidden="true"><path class="rule" d="M0 6H%g"/><path class="ci" d="M%.1f 6H%.1f"/><circle class="dot" cx="%.1f" cy="6" r="3.5"/></svg>`,
		w, w, w, w*s.Low, w*s.High, math.Max(3.5, math.Min(w-3.5, w*s.Of))))
}
