package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/accuracy/survey"
	"bailiwick/problem"
)

//go:embed report/survey.html report/survey.css
var surveyFiles embed.FS

// surveyView is a survey's report made fit to show, on its page and on paper.
type surveyView struct {
	Plan     survey.Plan
	Counts   survey.Counts
	Kind     string
	Profile  badge
	Notes    []string
	Chart    template.HTML
	Tests    []surveyTest
	Targets  []surveyTarget
	NORC     []surveyRow
	NORCOf   *survey.NORCReport
	Strata   []survey.Cell
	Excluded []survey.Excluded
	Digest   string
	// Committed is the commitment to the seed; "" where there is none.
	Committed string
}

// surveyTest is one test: its result in words, and the parts of the frame.
type surveyTest struct {
	ID, Title, Definition string
	surveyRow
	Change, ChangeP string
	NoRanking       string
	Divisions       []surveyDivision
	More            int
	Failures        []survey.Code
	Withheld        []survey.Code
}

type surveyDivision struct {
	By      string
	Rows    []surveyRow
	Without []surveyWithout // parts that are not fit to be published
}

// surveyWithout are parts that are not published for one reason.
type surveyWithout struct {
	Reason string
	Parts  []string
}

// surveyRow is a result in words and as a bar. Share is "" where only bounds may
// be said.
type surveyRow struct {
	Name        string
	Tested      int
	Testable    string
	Share       string
	Bounds      string
	Method      string
	Bar         template.HTML
	Unpublished string
}

type surveyTarget struct {
	survey.TargetReport
	Title    string
	Baseline string
	Aim      string
	Gap      string
	Badge    badge
}

var surveyKinds = map[survey.Kind]string{
	survey.Internal: "a registry’s own data", survey.Public: "what RDAP and WHOIS show to anybody",
}

var surveyDivisions = map[string]string{"stratum": "By stratum", "registrar": "By registrar", "tld": "By TLD", "region": "By region"}

var surveyReached = map[survey.Reached]tone{survey.Yes: "ok", survey.No: "bad", survey.Unsure: "wait", survey.NotTest: "quiet"}

// surveyMethods say how an interval was made.
var surveyMethods = map[string]string{
	"normal": "normal, by the estimator’s standard error", "wilson": "Wilson’s, by the effective sample size", "census": "every unit was tested: no chance is in it",
}

// viewSurvey makes a report fit to show.
func viewSurvey(r survey.Report, digest string) surveyView {
	v := surveyView{Plan: r.Plan, Counts: r.Counts, Kind: surveyKinds[r.Plan.Kind], Profile: policyStatuses[r.Plan.Status], Notes: r.Notes, NORCOf: r.NORC, Strata: r.Strata, Excluded: r.Excluded, Digest: digest, Committed: r.Plan.Committed()}
	var lines []forestLine
	for _, t := range r.Tests {
		x := surveyTest{ID: t.Test, Title: t.Title, Definition: t.Definition, surveyRow: surveyRowOf(t.Title, t.Result), NoRanking: t.NoRanking, More: t.More, Failures: t.Failures, Withheld: t.Withheld}
		x.Change, x.ChangeP = changeWord(t.Change)
		for _, g := range t.Subgroups {
			i := slices.IndexFunc(x.Divisions, func(d surveyDivision) bool { return d.By == division(g.By) })
			if i < 0 {
				i, x.Divisions = len(x.Divisions), append(x.Divisions, surveyDivision{By: division(g.By)})
			}
			if g.Result == nil {
				d := &x.Divisions[i]
				j := slices.IndexFunc(d.Without, func(w surveyWithout) bool { return w.Reason == g.Unpublished })
				if j < 0 {
					j, d.Without = len(d.Without), append(d.Without, surveyWithout{Reason: g.Unpublished})
				}
				d.Without[j].Parts = append(d.Without[j].Parts, fmt.Sprintf("%s (%d)", outside(g.Key, 80), g.Tested))
				continue
			}
			x.Divisions[i].Rows = append(x.Divisions[i].Rows, surveyRowOf(g.Key, *g.Result))
		}
		v.Tests = append(v.Tests, x)
		lines = append(lines, forestLine{t.Title, t.Result})
	}
	if len(lines) > 0 {
		v.Chart = forestChart("survey", lines, "Accuracy among the registrations that could be tested, by test, with 95 % intervals")
	}
	for _, t := range r.Targets {
		x := surveyTarget{TargetReport: t, Title: t.Target.Metric, Badge: badge{surveyReached[t.Test.Reached], string(t.Test.Reached)}}
		if title, _ := survey.About(t.Target.Metric); title != "" {
			x.Title = title
		}
		if x.Badge.Tone == "" {
			x.Badge.Tone = "quiet"
		}
		x.Baseline, x.Aim = "–", "–"
		if t.Target.Baseline != (survey.Estimate{}) {
			x.Baseline = estimateWord(t.Target.Baseline)
			x.Aim = "at most " + pct1(t.Target.Factor*t.Target.Baseline.Share)
		}
		if surveyReached[t.Test.Reached] != "quiet" && surveyReached[t.Test.Reached] != "" {
			x.Gap = points(t.Test.Gap) + " (" + points(t.Test.Low) + " to " + points(t.Test.High) + ")"
		}
		v.Targets = append(v.Targets, x)
	}
	if r.NORC != nil {
		for _, g := range r.NORC.Groups {
			v.NORC = append(v.NORC, surveyRowOf(string(g.Group), g.Result))
		}
	}
	return v
}

func division(by string) string {
	if w := surveyDivisions[by]; w != "" {
		return w
	}
	return "By " + outside(by, 40)
}

// silent says whether the numbers of a result are left out, as they are in what
// is public where they are not fit to be published.
func silent(r survey.Result) bool { return r.Unpublished != "" && r.Lower == (survey.Estimate{}) }

// surveyRowOf puts a result in words.
func surveyRowOf(name string, r survey.Result) surveyRow {
	if silent(r) {
		return surveyRow{Name: name, Tested: r.Tested, Testable: "–", Share: "–", Bounds: "–", Unpublished: r.Unpublished}
	}
	row := surveyRow{Name: name, Tested: r.Tested, Testable: estimateWord(r.Testable), Bounds: pct1(r.Lower.Share) + "–" + num1(r.Upper.Share) + "\u202f%", Unpublished: r.Unpublished}
	if r.BoundsOnly || r.Accurate == nil {
		row.Bar = boundsBar(r.Lower.Low, r.Upper.High)
		return row
	}
	row.Share, row.Method = estimateWord(*r.Accurate), surveyMethods[r.Accurate.Method]
	row.Bar = intervalBar(r.Accurate.Share, r.Accurate.Low, r.Accurate.High)
	return row
}

// estimateWord is a share with its interval; that of a census has none.
func estimateWord(e survey.Estimate) string {
	if e.Method == "census" {
		return pct1(e.Share)
	}
	return pct1(e.Share) + " (" + num1(e.Low) + "–" + num1(e.High) + ")"
}

// points are percentage points with a sign.
func points(d float64) string {
	s := strconv.FormatFloat(math.Abs(100*d), 'f', 1, 64)
	switch {
	case s == "0.0":
		return "0.0"
	case d < 0:
		return "−" + s
	}
	return "+" + s
}

// changeWord is a change in points with its interval, and whether chance would
// do.
func changeWord(c *survey.ChangeOf) (change, p string) {
	if c == nil {
		return "", ""
	}
	change = points(c.Diff) + " (" + points(c.Low) + " to " + points(c.High) + ")"
	switch {
	case c.P == nil:
	case *c.P < 0.001:
		p = "p < 0.001"
	default:
		p = "p = " + strconv.FormatFloat(*c.P, 'f', 3, 64)
	}
	return change, p
}

// forestLine is one line of a forest chart.
type forestLine struct {
	Name   string
	Result survey.Result
}

// forestChart draws estimates beside each other with their intervals on one
// axis; where only bounds may be said it draws an open bar and no dot.
func forestChart(id string, lines []forestLine, title string) template.HTML {
	const row = 28.0
	p := &plot{w: 640, h: 40 + row*float64(len(lines)), left: 208, top: 8, right: 16, bottom: 32}
	p.begin(id, title)
	for _, x := range []float64{0, 0.25, 0.5, 0.75, 1} {
		fmt.Fprintf(p, `<path class="rule" d="M%.1f %.1fV%.1f"/>`, p.x(x), p.top, p.h-p.bottom)
		p.word("", "middle", p.x(x), p.h-10, fmt.Sprintf("%.0f%%", 100*x))
	}
	for i, l := range lines {
		y := p.top + row*(float64(i)+0.5)
		p.word("label", "end", p.left-12, y+4, outside(l.Name, 30))
		r := l.Result
		if silent(r) {
			p.word("", "start", p.left, y+4, "not published")
			continue
		}
		if r.BoundsOnly || r.Accurate == nil {
			low, high := p.x(r.Lower.Low), p.x(r.Upper.High)
			fmt.Fprintf(p, `<rect class="bounds" x="%.1f" y="%.1f" width="%.1f" height="10"/>`, low, y-5, math.Max(2, high-low))
			continue
		}
		fmt.Fprintf(p, `<path class="ci" d="M%.1f %.1fH%.1f"/><circle class="dot" cx="%.1f" cy="%.1f" r="4"/>`, p.x(r.Accurate.Low), y, p.x(r.Accurate.High), p.x(r.Accurate.Share), y)
	}
	fmt.Fprintf(p, `<path class="axis" d="M%.1f %.1fH%.1f"/></svg>`, p.left, p.h-p.bottom, p.x(1))
	return template.HTML(p.String())
}

// codeWord is a code of ours ("email.mx: null-mx"), which is no name to defang;
// anything else is shown as what it is, a text from outside.
func codeWord(s string) string {
	if len(s) > 120 || strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune(".:- ", r) && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		return outside(s, 120)
	}
	return s
}

// noteWord is a sentence of a report, in which what strata are called is from
// outside.
func noteWord(s string) string { return outside(s, 2000) }

// surveyPaper is a report for paper: one file that needs nothing else.
type surveyPaper struct {
	surveyView
	Style template.CSS
	Made  time.Time
	State string
}

// WriteSurvey writes a survey's report as one HTML file that needs no other, for
// keeping and for printing. The report is one in its public form
// (centre.PublicForm) and digest its own (survey.Report.Digest): the seed and what
// is not fit to be published are not written, even if it has them. The same report
// gives the same file.
func WriteSurvey(w io.Writer, r survey.Report, digest string) error {
	style, err := surveyFiles.ReadFile("report/survey.css")
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the report's style")
	}
	t, err := template.New("survey.html").Funcs(template.FuncMap{"code": codeWord, "note": noteWord, "plain": func(s string) string { return outside(s, 300) }, "thousands": thousands, "count": count, "share1": pct1,
		"day": func(t time.Time) string { return t.UTC().Format("2 January 2006") }, "joined": func(s []string) string { return outside(strings.Join(s, ", "), 400) }}).ParseFS(surveyFiles, "report/survey.html")
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the report's template")
	}
	var shown []survey.Cycle // whatever the report tells of others
	if e := r.Plan.Earlier; e != nil {
		shown = append(shown, survey.Cycle{Cycle: e.Cycle, At: e.At})
	}
	for _, x := range r.Targets {
		if x.Target.Baseline != (survey.Estimate{}) {
			shown = append(shown, survey.Cycle{At: x.Target.At})
		}
	}
	return t.Execute(w, surveyPaper{surveyView: viewSurvey(r.Public(shown), digest), Style: template.CSS(style)})
}
