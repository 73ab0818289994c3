package web_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"iter"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/accuracy/survey"
	"bailiwick/centre"
	"bailiwick/lab/population"
	"bailiwick/name"
	"bailiwick/web"
)

// surveyed plans and runs a survey of a made-up frame.
func surveyed(t testing.TB, c *centre.Centre, series string, seed uint64, n int, public bool) centre.Survey {
	t.Helper()
	set, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	p, err := set.Get("ars-2013")
	if err != nil {
		t.Fatal(err)
	}
	frame := centre.SurveyFrame{
		Digest: func() (string, error) { return strings.Repeat("ab", 32), nil }, Fatal: func(error) bool { return true },
		Read: func() iter.Seq2[centre.SurveyUnit, error] {
			return func(yield func(centre.SurveyUnit, error) bool) {
				seq, err := population.Of(seed, n, population.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for r := range seq {
					if !yield(centre.SurveyUnit{ID: r.Name, Stratum: r.Registrar, Groups: map[string]string{"registrar": r.Registrar}, Record: r.Record()}, nil) {
						return
					}
				}
			}
		},
	}
	draft := centre.SurveyDraft{Source: []byte(`{"file":"frame.csv"}`), Plan: survey.Plan{Name: series, Kind: survey.Internal, At: c.Clock.Now().UTC().Truncate(24 * time.Hour),
		Frame: survey.Frame{Description: "made-up registrations", Synthetic: true}, Scheme: "registrar", Groups: []string{"registrar"}, Seed: seed, Total: min(n, 400), Floor: 15, Main: "all.form",
		Profile: p.ID, Hash: p.Hash(), Status: p.Status, Tool: "test", Observed: true}}
	s, err := c.PlanSurvey(t.Context(), draft, frame)
	if err != nil {
		t.Fatal(err)
	}
	if public { // planned, and left so
		return s
	}
	s, err = c.RunSurvey(t.Context(), centre.SurveyRun{ID: s.ID, Frame: frame, Profile: p, Tool: "test", Suffixes: name.DefaultSuffixes(),
		MailFact: func(_ context.Context, d, _ name.Domain) accuracy.MailFact {
			return accuracy.MailFact{At: c.Clock.Now(), MX: []string{"mx." + d.String()}}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goldenReport is the example report of package survey.
func goldenReport(t testing.TB) (r survey.Report) {
	t.Helper()
	b, err := os.ReadFile("../accuracy/survey/testdata/report.golden.json")
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSurveyReport: one file that loads nothing, is the same each time, says
// what it may say and nothing more, and does nothing of what a registrar is
// called.
func TestSurveyReport(t *testing.T) {
	r := goldenReport(t)
	hostile := "<script>alert(1)</script>\u202e"
	for i := range r.Tests {
		for j := range r.Tests[i].Subgroups {
			if j == 0 {
				r.Tests[i].Subgroups[j].Key = hostile
			}
		}
	}
	r.Plan.Salt = strings.Repeat("5a", 16)
	var a, b bytes.Buffer
	if err := web.WriteSurvey(&a, r, "d1"); err != nil {
		t.Fatal(err)
	}
	if err := web.WriteSurvey(&b, r, "d1"); err != nil || a.String() != b.String() {
		t.Errorf("not the same twice: %v", err)
	}
	body := a.String()
	for _, want := range []string{"synthetic: nothing here says", "not decided by this sample", "Commitment to the seed</dt><dd class=\"hash\">" + survey.Commitment(r.Plan.Seed, r.Plan.Salt), "Not published, as fewer than 50 units were tested", "only bounds", `class="bounds"`, "@media print", "cycle 1 of 1 March 2025"} {
		if !strings.Contains(body, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "\u202e") || strings.Contains(body, "ZgotmplZ") {
		t.Error("what a registrar is called does something")
	}
	if m := regexp.MustCompile(`(?i)(src|href)=|url\(|@import|https?://`).FindString(body); m != "" {
		t.Errorf("it loads something, or leads somewhere: %q", m)
	}
	if strings.Contains(body, "20260301") || strings.Contains(body, r.Plan.Salt) {
		t.Error("the seed is told: who has the frame has the sample")
	}
	// A test that is not fit to be published has its reason, and no number.
	unfit := goldenReport(t)
	for i := range unfit.Tests {
		unfit.Tests[i].Result.Unpublished = "the effective sample is smaller than 30 units"
	}
	a.Reset()
	if err := web.WriteSurvey(&a, unfit, ""); err != nil {
		t.Fatal(err)
	}
	if results, _, _ := strings.Cut(a.String(), "Targets</h2>"); strings.Contains(results, `class="dot"`) || strings.Contains(results, `class="bounds"`) || strings.Contains(results, "\u202f%") || strings.Count(results, ">not published</text>") != len(unfit.Tests) {
		t.Error("numbers are told that are not fit to be published")
	}
	// Bounds only: no share of the accurate is told anywhere.
	for i := range r.Tests {
		res := &r.Tests[i].Result
		res.BoundsOnly, res.Accurate, r.Tests[i].Change = true, nil, nil
		r.Tests[i].Subgroups = nil
	}
	r.NORC, r.Targets, r.Plan.Earlier = nil, nil, nil
	a.Reset()
	if err := web.WriteSurvey(&a, r, ""); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(a.String(), `class="dot"`) || strings.Count(a.String(), "only bounds</td>") != len(r.Tests) {
		t.Error("a share is told where only bounds may be")
	}
}

// TestSurveyPages: the desk sees all surveys, the public those that are
// published; cycles of a series stand together; nothing names the sample.
func TestSurveyPages(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	nobody := visitor()
	if a := d.get(nobody, "/surveys"); a.code != 200 || !strings.Contains(a.body, "No survey is published yet") {
		t.Errorf("%d %.300s", a.code, a.body)
	}
	first := surveyed(t, d.Centre, "holders", 3, 800, false)
	second := surveyed(t, d.Centre, "holders", 4, 800, false)
	planned := surveyed(t, d.Centre, "to come", 5, 60, true)
	if a := d.get(ana, "/surveys"); strings.Count(a.body, "holders</a>") != 2 || !strings.Contains(a.body, "planned</span>") || !strings.Contains(a.body, "synthetic") {
		t.Errorf("%.3000s", a.body)
	}
	at := "/surveys/" + second.ID
	a := d.get(ana, at)
	for _, want := range []string{`id="survey-title"`, `class="ci"`, "Over the cycles", "Change since cycle 1", "The registrations are synthetic", "By registrar", "Not published, as"} {
		if a.code != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%d: the page lacks %q", a.code, want)
		}
	}
	if a := d.get(ana, "/surveys/"+planned.ID); a.code != 200 || !strings.Contains(a.body, "No results yet") {
		t.Errorf("%d %.1000s", a.code, a.body)
	}
	for _, p := range []string{at, at + "?format=json", at + "/report.html", at + "?format=csv&figure=tests"} {
		if a := d.get(nobody, p); a.code != 404 {
			t.Errorf("%s is not published, and answers %d", p, a.code)
		}
	}
	if err := d.Centre.PublishSurvey(t.Context(), second.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/surveys", "/surveys?format=json", at, at + "?format=json", at + "/report.html", at + "?format=csv&figure=tests", at + "?format=csv&figure=subgroups", at + "?format=csv&figure=strata", at + "?format=csv&figure=reasons"} {
		a := d.get(nobody, p)
		if a.code != 200 || strings.Contains(a.body, ".shopx") || strings.Contains(a.body, first.ID) || strings.Contains(a.body, "frame.csv") {
			t.Errorf("%s: %d; the public sees what is published, and no more", p, a.code)
		}
		if strings.Contains(p, "csv") {
			if rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll(); err != nil || len(rows) < 2 {
				t.Errorf("%s: %v, %d rows", p, err, len(rows))
			}
		}
	}
	// The public form has neither the seed nor what the cycle before found, which
	// is not published; the desk's has both.
	twinOf := func(b *http.Client) (s struct{ Report survey.Report }) {
		if err := json.Unmarshal([]byte(d.get(b, at+"?format=json").body), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if p := twinOf(nobody).Report; p.Plan.Seed != 0 || p.Plan.Earlier != nil || p.Tests[0].Change != nil || p.Tests[0].TestableChange != nil || p.Tests[0].Result.Accurate == nil || p.Tests[0].Subgroups[0].Result != nil && p.Tests[0].Tallies != nil {
		t.Errorf("%+v", p.Plan)
	}
	if p := twinOf(ana).Report; p.Plan.Seed != 4 || p.Plan.Earlier == nil || p.Tests[0].Change == nil {
		t.Errorf("%+v", p.Plan)
	}
	if a := d.get(nobody, at); strings.Contains(a.body, "Seed</dt>") || strings.Contains(a.body, "Change since") {
		t.Error("the public page tells the seed, or a change since what is not published")
	}
	if a := d.get(nobody, at+"/report.html"); !strings.HasPrefix(a.h.Get("Content-Disposition"), "attachment") {
		t.Error("the file with a style of its own is shown as a page")
	}
	for _, p := range []string{"/surveys/none", "/surveys/none/report.html", "/surveys/" + planned.ID + "/report.html", "/surveys/" + planned.ID + "?format=csv&figure=tests", at + "?format=csv&figure=none"} {
		if a := d.get(ana, p); a.code != 404 {
			t.Errorf("%s: %d", p, a.code)
		}
	}
}

// accuracyPagesOf adds the pages of accuracy and surveys to those of a world: of
// its own look-ups, of a frame, and of two surveys.
func accuracyPagesOf(t testing.TB, w *world, out map[string]string) {
	t.Helper()
	out["accuracy"] = "/accuracy"
	for n, p := range out {
		if n == "name" {
			out["accuracy-name"] = "/accuracy" + strings.TrimSuffix(p, "#registration") + "?contacts=1"
		}
	}
	if w.frame == "" {
		seq := units(t, 7, 900, population.Options{}, false)
		if _, err := w.Centre.ReadAccuracy(t.Context(), centre.AccuracyFrame{Name: "registry data", Source: "own", Profile: "gtld-rdp-2025", SHA: strings.Repeat("c", 64)}, seq, nil, nil); err != nil {
			t.Fatal(err)
		}
		sets, err := w.Centre.AccuracySets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		looked := false // what the centre looked up in its work was counted by itself
		for _, s := range sets {
			looked = looked || s.Frame.Name == centre.LookedUp
			if s.Frame.Name == "registry data" {
				w.frame = "?set=" + jsonOf(s.ID)
			}
		}
		if !looked {
			t.Error("nothing that was looked up is counted")
		}
		surveyed(t, w.Centre, "holders under shopx", 3, 600, false)
		w.survey = surveyed(t, w.Centre, "holders under shopx", 4, 600, false).ID
		w.planned = surveyed(t, w.Centre, "to come", 5, 60, true).ID
	}
	key := "/registrars/name:cheap%20cheerful%20domains"
	out["accuracy-tld"] = "/accuracy/tlds/shopx" + w.frame
	out["accuracy-registrar"], out["accuracy-cell"] = "/accuracy"+key+w.frame, "/accuracy/tlds/shopx"+key+w.frame
	out["surveys"], out["survey"], out["survey-planned"] = "/surveys", "/surveys/"+w.survey, "/surveys/"+w.planned
}

func jsonOf(v any) string { b, _ := json.Marshal(v); return string(b) }
