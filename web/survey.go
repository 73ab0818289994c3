package web

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy/survey"
	"bailiwick/centre"
	"bailiwick/problem"
	"bailiwick/store"
)

// surveyPages adds the pages of surveys: those that are published for everybody,
// all for the desk. No name of a sample is on them.
func (s *site) surveyPages(public func(pattern string, h handler)) {
	d := surveyDesk{s}
	public("GET /surveys", d.list)
	public("GET /surveys/{id}", d.page)
	public("GET /surveys/{id}/report.html", d.paper)
}

type surveyDesk struct{ s *site }

// surveysShown is how many surveys one page lists.
const surveysShown = 100

var surveyStates = map[string]badge{
	centre.SurveyPlanned: {"quiet", "planned"}, centre.SurveyClassifying: {"wait", "first phase"}, centre.SurveyTesting: {"wait", "testing"},
	centre.SurveyDone: {"ok", "done"}, centre.SurveyFailed: {"bad", "failed"},
}

func surveyState(state string) badge {
	if b, ok := surveyStates[state]; ok {
		return b
	}
	return badge{"quiet", outside(state, 40)}
}

type surveysView struct {
	Rows   []surveyListRow
	Public bool
	More   string
	Now    time.Time
}

type surveyListRow struct {
	centre.Survey
	Badge    badge
	Kind     string
	Progress string
	Shipped  bool // the profile is a built-in one
}

type surveyPageView struct {
	surveyView
	ID        string
	State     badge
	Published bool
	Public    bool
	Shipped   bool // the profile is a built-in one
	Fault     string
	Progress  string
	Done, All int
	Bar       template.HTML
	Ready     bool
	Ended     time.Time
	Expired   time.Time
	Series    []surveySeriesRow
	Line      template.HTML // the main test over the cycles
	Main      string
	Now       time.Time
}

// surveySeriesRow is a cycle of the same series.
type surveySeriesRow struct {
	ID    string
	Cycle int
	At    time.Time
	Here  bool
	Badge badge
}

// sees says whether the reader sees surveys that are not published.
func (d surveyDesk) sees(r *request) bool {
	return r.person.Known() && d.s.may(r, access.Registration, "").Allowed
}

func (d surveyDesk) list(w http.ResponseWriter, r *request) error {
	if v := access.Decide(r.person, access.Statistics, access.Object{Kind: access.Figures}); !v.Allowed {
		return v.Err(r.person)
	}
	f := store.SurveyFilter{PublishedOnly: !d.sees(r), Limit: surveysShown, After: cut(r.URL.Query().Get("after"), 64)}
	all, err := d.s.c.Surveys(r.Context(), f)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		out := make([]surveyTwin, 0, len(all))
		for _, x := range all {
			if f.PublishedOnly {
				x.Plan = x.Plan.Public(nil) // what it is compared with stands on its own page
			}
			out = append(out, surveyTwinOf(x, f.PublishedOnly))
		}
		return twin(w, out)
	}
	v := surveysView{Public: f.PublishedOnly, Now: d.s.c.Clock.Now()}
	for _, x := range all {
		v.Rows = append(v.Rows, surveyListRow{x, surveyState(x.State), surveyKinds[x.Plan.Kind], progressWord(x.Progress), d.s.shipped(x.Plan.Profile)})
	}
	if len(all) == surveysShown {
		v.More = "/surveys?after=" + all[len(all)-1].ID
	}
	return d.s.render(w, r, http.StatusOK, "surveys", page{Title: "Surveys", Here: "surveys", Wide: true, Twin: "/surveys?format=json", Body: v})
}

// surveyTwin is a survey as JSON. Where the frame lies is not in it, and in what
// is public the seed neither (centre.PublicForm).
type surveyTwin struct {
	ID        string         `json:"id"`
	State     string         `json:"state"`
	Published bool           `json:"published"`
	Plan      survey.Plan    `json:"plan"`
	Report    *survey.Report `json:"report,omitempty"`
	Digest    string         `json:"digest,omitempty"`
	Ended     time.Time      `json:"ended,omitzero"`
	Fault     string         `json:"fault,omitempty"`
}

func surveyTwinOf(x centre.Survey, public bool) surveyTwin {
	t := surveyTwin{ID: x.ID, State: x.State, Published: x.Published, Plan: x.Plan, Report: x.Report, Digest: x.Digest, Ended: x.Ended}
	if !public {
		t.Fault = x.Fault
	}
	return t
}

func progressWord(p centre.SurveyProgress) string {
	if p.All == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s", thousands(p.Done), thousands(p.All))
}

// find reads a survey that the reader may see.
func (d surveyDesk) find(r *request) (centre.Survey, bool, error) {
	if v := access.Decide(r.person, access.Statistics, access.Object{Kind: access.Figures}); !v.Allowed {
		return centre.Survey{}, false, v.Err(r.person)
	}
	public := !d.sees(r)
	x, err := d.s.c.Survey(r.Context(), cut(r.PathValue("id"), 64))
	if err == nil && public && !x.Published {
		err = problem.New(problem.NotFound, "there is no such survey")
	}
	if problem.CodeOf(err) == problem.NotFound {
		err = problem.New(problem.NotFound, "there is no such survey")
	}
	if err == nil && public {
		x, err = d.s.c.PublicForm(r.Context(), x)
	}
	return x, public, err
}

func (d surveyDesk) page(w http.ResponseWriter, r *request) error {
	x, public, err := d.find(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	switch q.Get("format") {
	case "json":
		return twin(w, surveyTwinOf(x, public))
	case "csv":
		if x.Report == nil {
			return problem.New(problem.NotFound, "the survey has no results yet")
		}
		return surveyCSV(w, *x.Report, q.Get("figure"))
	}
	v := surveyPageView{ID: x.ID, State: surveyState(x.State), Published: x.Published, Public: public, Shipped: d.s.shipped(x.Plan.Profile), Progress: progressWord(x.Progress), Done: x.Progress.Done, All: x.Progress.All, Ended: x.Ended, Expired: x.Expired, Now: d.s.c.Clock.Now()}
	if !public {
		v.Fault = outside(x.Fault, 500)
	}
	if v.All > 0 && x.Report == nil {
		v.Bar = boundsBar(0, float64(v.Done)/float64(v.All))
	}
	v.surveyView = viewSurvey(survey.Report{Plan: x.Plan}, "")
	if x.Report != nil {
		v.Ready, v.surveyView = true, viewSurvey(*x.Report, x.Digest)
		if err := d.series(r, &v, x, public); err != nil {
			return err
		}
	}
	return d.s.render(w, r, http.StatusOK, "survey", page{Title: outside(x.Plan.Name, 80) + ", cycle " + strconv.Itoa(x.Plan.Cycle), Here: "surveys", Wide: true,
		Twin: "/surveys/" + segment(x.ID) + "?format=json", Body: v})
}

// maxCycles is how many cycles of a series are drawn.
const maxCycles = 24

// series finds the other cycles, and draws the main test over them.
func (d surveyDesk) series(r *request, v *surveyPageView, x centre.Survey, public bool) error {
	all, err := d.s.c.Surveys(r.Context(), store.SurveyFilter{Name: x.Plan.Name, State: centre.SurveyDone, PublishedOnly: public, Limit: maxCycles})
	if err != nil || len(all) < 2 {
		return err
	}
	title, _ := survey.About(x.Plan.Main)
	v.Main = cmp.Or(title, x.Plan.Main)
	var points []chartPoint
	for n := len(all) - 1; n >= 0; n-- {
		y := all[n]
		v.Series = append(v.Series, surveySeriesRow{y.ID, y.Plan.Cycle, y.Plan.At, y.ID == x.ID, surveyState(y.State)})
		figures := y.Figures
		if len(figures) == 0 { // finished before rows kept them
			full, err := d.s.c.Survey(r.Context(), y.ID)
			if err != nil {
				return err
			}
			figures = full.Figures
		}
		i := slices.IndexFunc(figures, func(f centre.SurveyFigure) bool { return f.Test == x.Plan.Main })
		if i < 0 || public && figures[i].Unpublished != "" || len(points) > 0 && points[len(points)-1].At >= y.Plan.Cycle {
			continue
		}
		f := figures[i]
		p := chartPoint{At: y.Plan.Cycle, Word: "cycle " + strconv.Itoa(y.Plan.Cycle), Low: f.Low, High: f.High}
		if a := f.Accurate; a != nil {
			p.Share, p.Low, p.High, p.Known = a.Share, a.Low, a.High, true
		}
		points = append(points, p)
	}
	if len(points) > 1 {
		v.Line = pointsChart("cycles", points, "Accurate among the testable, by cycle: "+v.Main)
	}
	return nil
}

// paper gives the report as one file to keep or print, in its public form for
// everybody, as such files are passed on. It is sent as a file: its style is
// within it, which pages of this site do not allow.
func (d surveyDesk) paper(w http.ResponseWriter, r *request) error {
	x, public, err := d.find(r)
	if err == nil && !public {
		x, err = d.s.c.PublicForm(r.Context(), x)
	}
	if err != nil {
		return err
	}
	if x.Report == nil {
		return problem.New(problem.NotFound, "the survey has no results yet")
	}
	var b bytes.Buffer
	if err := WriteSurvey(&b, *x.Report, x.Digest); err != nil {
		return err
	}
	headers(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="survey-`+strconv.Itoa(x.Plan.Cycle)+`.html"`)
	_, _ = w.Write(b.Bytes()) // who has gone is not told
	return nil
}

// surveyCSV writes the data of one figure.
func surveyCSV(w http.ResponseWriter, r survey.Report, figure string) error {
	n := strconv.Itoa
	num := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	head := []string{"tested", "testable", "testable_low95", "testable_high95", "accurate", "accurate_low95", "accurate_high95", "method", "effective", "of_all_at_least", "of_all_at_most", "unpublished"}
	result := func(x survey.Result) []string {
		if x.Unpublished != "" {
			return []string{n(x.Tested), "", "", "", "", "", "", "", "", "", "", x.Unpublished}
		}
		out := []string{n(x.Tested), num(x.Testable.Share), num(x.Testable.Low), num(x.Testable.High)}
		if a := x.Accurate; a != nil && !x.BoundsOnly {
			out = append(out, num(a.Share), num(a.Low), num(a.High), a.Method, num(a.Effective))
		} else {
			out = append(out, "", "", "", "", "")
		}
		return append(out, num(x.Lower.Share), num(x.Upper.Share), x.Unpublished)
	}
	var rows [][]string
	switch figure {
	case "tests":
		rows = append(rows, append([]string{"test", "definition", "change", "change_low95", "change_high95"}, head...))
		for _, t := range r.Tests {
			change := []string{"", "", ""}
			if c := t.Change; c != nil {
				change = []string{num(c.Diff), num(c.Low), num(c.High)}
			}
			rows = append(rows, append(append([]string{t.Test, t.Definition}, change...), result(t.Result)...))
		}
	case "subgroups":
		rows = append(rows, append([]string{"test", "by", "key"}, head...))
		for _, t := range r.Tests {
			for _, g := range t.Subgroups {
				row := []string{t.Test, g.By, spreadsheet(g.Key)}
				if g.Result == nil {
					row = append(row, n(g.Tested), "", "", "", "", "", "", "", "", "", "", g.Unpublished)
				} else {
					row = append(row, result(*g.Result)...)
				}
				rows = append(rows, row)
			}
		}
	case "strata":
		rows = append(rows, []string{"stratum", "in_frame", "drawn", "tested"})
		for _, c := range r.Strata {
			rows = append(rows, []string{spreadsheet(c.Key), n(c.Frame), n(c.Drawn), n(c.Tested)})
		}
	case "reasons":
		rows = append(rows, []string{"test", "result", "reason", "units"})
		for _, t := range r.Tests {
			for _, c := range t.Failures {
				rows = append(rows, []string{t.Test, "fail", c.Reason, n(c.Units)})
			}
			for _, c := range t.Withheld {
				rows = append(rows, []string{t.Test, "not testable", c.Reason, n(c.Units)})
			}
		}
	default:
		return problem.New(problem.NotFound, "there is no figure %.40q: tests, subgroups, strata or reasons", visible(figure))
	}
	return writeCSV(w, "survey-"+figure, rows)
}
