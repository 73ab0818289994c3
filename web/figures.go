package web

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/party"
	"bailiwick/problem"
)

// fewest is of how few cases a curve is shown: fewer say nothing, and may say
// too much about one of them.
const fewest = 5

type figuresView struct {
	F          centre.Figures
	Empty      bool
	Outcomes   outcomeTable
	Weeks      template.HTML
	Mitigate   survivalView
	AfterAsk   survivalView
	Asked      []askedRow
	Disclosure []disclosureFigureRow
}

type outcomeTable struct {
	Outcomes []string
	Rows     []outcomeRow
	Total    outcomeRow
}

type outcomeRow struct {
	Type  string
	Cells []int
	All   int
}

type survivalView struct {
	Chart  template.HTML
	Legend []legendItem
	Rows   []survivalRow
	Hours  []int
}

type legendItem struct {
	Key  template.HTML
	Word string
}

type survivalRow struct {
	Word               string
	N, Ended, Censored int
	Median             string
	Within             []string
	TooFew             bool
}

type askedRow struct {
	centre.Asked
	Word                     string
	AnsweredBar, CreditedBar template.HTML
	AnsweredCI, CreditedCI   string
}

func (s *site) figuresPage(w http.ResponseWriter, r *request) error {
	if v := access.Decide(r.person, access.Statistics, access.Object{Kind: access.Figures}); !v.Allowed {
		return v.Err(r.person)
	}
	f, err := s.figures.Figures(r.Context())
	if err != nil {
		return err
	}
	q := r.URL.Query()
	switch q.Get("format") {
	case "json":
		return twin(w, f)
	case "csv":
		return figuresCSV(w, f, q.Get("figure"))
	}
	v := figuresView{F: f, Empty: f.Cases.All == 0, Outcomes: outcomes(f.ByOutcome), Weeks: weeksChart(busy(f.Weekly)),
		Mitigate: survival("mitigate", f.Mitigate, typeWordAll), AfterAsk: survival("after-ask", f.AfterAsk, func(s string) string { return roleWord(party.Role(s)) })}
	for _, a := range f.Asked {
		v.Asked = append(v.Asked, askedRow{a, roleWord(a.Role), shareBar(a.AnsweredShare, a.Asked), shareBar(a.CreditedShare, a.Asked), interval(a.AnsweredShare, a.Asked), interval(a.CreditedShare, a.Asked)})
	}
	for _, d := range f.Disclosure {
		v.Disclosure = append(v.Disclosure, disclosureFigure(d))
	}
	return s.render(w, r, http.StatusOK, "figures", page{Title: "Figures", Here: "figures", Wide: true, Twin: "/figures?format=json", Body: v})
}

func typeWordAll(t string) string {
	if t == "all" {
		return "all kinds"
	}
	return typeWord(t)
}

// busy leaves out the weeks before the first with a case, but not under six.
func busy(weeks []centre.Week) []centre.Week {
	for len(weeks) > 6 && weeks[0].Opened == 0 {
		weeks = weeks[1:]
	}
	return weeks
}

// outcomeOrder is the order of the columns: what was measured gone, what is
// there, what never was.
var outcomeOrder = []string{"open", "stopped", "disrupted", "parked or sinkholed", "moved", "down before asked", "cloaked", "back up", "not confirmed", "not seen from here", "withdrawn", "closed by hand"}

func outcomes(cells []centre.OutcomeCount) outcomeTable {
	var t outcomeTable
	for _, c := range cells {
		if !slices.Contains(t.Outcomes, c.Outcome) {
			t.Outcomes = append(t.Outcomes, c.Outcome)
		}
	}
	rank := func(o string) int {
		if i := slices.Index(outcomeOrder, o); i >= 0 {
			return i
		}
		return len(outcomeOrder)
	}
	slices.SortStableFunc(t.Outcomes, func(a, b string) int { return rank(a) - rank(b) })
	t.Total = outcomeRow{Cells: make([]int, len(t.Outcomes))}
	for _, c := range cells {
		i := slices.Index(t.Outcomes, c.Outcome)
		if len(t.Rows) == 0 || t.Rows[len(t.Rows)-1].Type != string(c.Type) {
			t.Rows = append(t.Rows, outcomeRow{Type: string(c.Type), Cells: make([]int, len(t.Outcomes))})
		}
		row := &t.Rows[len(t.Rows)-1]
		row.Cells[i] += c.N
		row.All += c.N
		t.Total.Cells[i] += c.N
		t.Total.All += c.N
	}
	slices.SortStableFunc(t.Rows, func(a, b outcomeRow) int { return b.All - a.All })
	return t
}

func survival(id string, curves []centre.Survival, word func(string) string) survivalView {
	var v survivalView
	var shown []centre.Survival
	for _, c := range curves {
		row := survivalRow{Word: word(c.Of), N: c.Curve.N, Ended: c.Curve.Ended, Censored: c.Censored, Median: median(c), TooFew: c.Curve.N < fewest}
		v.Hours = v.Hours[:0]
		for _, t := range c.Within {
			v.Hours = append(v.Hours, t.Hours)
			if t.Low == t.High { // before the first and after the last, the method has none
				row.Within = append(row.Within, pct(t.Share))
				continue
			}
			row.Within = append(row.Within, fmt.Sprintf("%s (%.0f–%.0f)", pct(t.Share), 100*t.Low, 100*t.High))
		}
		v.Rows = append(v.Rows, row)
		if row.TooFew || len(shown) == maxSeries || len(shown) > 0 && shown[0].Of == "all" && c.Curve.N == shown[0].Curve.N {
			continue // the same as all
		}
		v.Legend = append(v.Legend, legendItem{key(len(shown)), row.Word})
		shown = append(shown, c)
	}
	if len(shown) > 0 {
		words := make([]string, len(v.Legend))
		for i, l := range v.Legend {
			words[i] = l.Word
		}
		v.Chart = survivalChart(id, shown, strings.Join(words, ", "))
	}
	return v
}

// median says when half of it had ended.
func median(c centre.Survival) string {
	if c.MedianHours == nil {
		return "not reached"
	}
	return hours(*c.MedianHours)
}

func hours(h float64) string {
	switch {
	case h < 1:
		return fmt.Sprintf("%.0f\u202fmin", h*60)
	case h < 10:
		return fmt.Sprintf("%.1f\u202fh", h)
	case h < 96:
		return fmt.Sprintf("%.0f\u202fh", h)
	}
	return fmt.Sprintf("%.1f\u202fd", h/24)
}

// curveSays says in a sentence what a curve shows.
func curveSays(c centre.Survival) string {
	s := fmt.Sprintf("Median %s. %s", median(c), count(c.Curve.N, "confirmed case", "confirmed cases"))
	if c.Censored > 0 {
		s += fmt.Sprintf("; %s not over or not measured, and censored.", count(c.Censored, "is", "are"))
	} else {
		s += "."
	}
	return s
}

func interval(s centre.Share, n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (%.0f–%.0f)", pct(s.Of), 100*s.Low, 100*s.High)
}

// figuresCSV writes the data of one figure.
func figuresCSV(w http.ResponseWriter, f centre.Figures, figure string) error {
	rows := [][]string{}
	n := strconv.Itoa
	num := func(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }
	switch figure {
	case "outcomes":
		rows = append(rows, []string{"type", "outcome", "cases"})
		for _, c := range f.ByOutcome {
			rows = append(rows, []string{string(c.Type), c.Outcome, n(c.N)})
		}
	case "weekly":
		rows = append(rows, []string{"week_from", "opened", "confirmed"})
		for _, w := range f.Weekly {
			rows = append(rows, []string{w.Begin.Format(time.DateOnly), n(w.Opened), n(w.Confirmed)})
		}
	case "mitigate", "after-ask":
		rows = append(rows, []string{"of", "hours", "at_risk", "ended", "censored", "share_still_there", "low95", "high95"})
		curves := f.Mitigate
		if figure == "after-ask" {
			curves = f.AfterAsk
		}
		for _, c := range curves {
			for _, s := range c.Curve.Steps {
				rows = append(rows, []string{c.Of, num(s.At.Hours()), n(s.AtRisk), n(s.Ended), n(s.Censored), num(s.Share), num(s.Low), num(s.High)})
			}
		}
	case "asked":
		rows = append(rows, []string{"role", "asked", "answered", "said_acted", "refused", "credited", "not_seen_to_act", "still_running", "not_reached",
			"answered_share", "answered_low95", "answered_high95", "credited_share", "credited_low95", "credited_high95"})
		for _, a := range f.Asked {
			rows = append(rows, []string{string(a.Role), n(a.Asked), n(a.Answered), n(a.Acted), n(a.Refused), n(a.Credited), n(a.Missed), n(a.Running), n(a.Unreached),
				num(a.AnsweredShare.Of), num(a.AnsweredShare.Low), num(a.AnsweredShare.High), num(a.CreditedShare.Of), num(a.CreditedShare.Low), num(a.CreditedShare.High)})
		}
	default:
		return problem.New(problem.NotFound, "there is no figure %.40q: outcomes, weekly, mitigate, after-ask or asked", figure)
	}
	headers(w)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+figure+`.csv"`)
	c := csv.NewWriter(w)
	_ = c.WriteAll(rows) // who has gone is not told
	return nil
}
