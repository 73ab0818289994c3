package web_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/accuracy/census"
	"bailiwick/accuracy/frame"
	"bailiwick/centre"
	"bailiwick/lab/population"
	"bailiwick/registration"
	"bailiwick/store"
	"bailiwick/web"

	"github.com/chromedp/chromedp"
)

// units are the registrations of a population as a frame.
func units(t testing.TB, seed uint64, n int, o population.Options, public bool) iter.Seq2[frame.Unit, error] {
	t.Helper()
	seq, err := population.Of(seed, n, o)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(frame.Unit, error) bool) {
		for r := range seq {
			rec := r.Record()
			if public {
				rec = r.Public()
			}
			if !yield(frame.Unit{ID: r.Name, Registrar: r.Registrar, Created: r.Created, Record: rec}, nil) {
				return
			}
		}
	}
}

// counted reads a population into a frame of a centre.
func counted(t testing.TB, d *desk, f centre.AccuracyFrame, in iter.Seq2[frame.Unit, error]) store.AccuracySet {
	t.Helper()
	if f.Profile == "" {
		f.Profile = "gtld-rdp-2025"
	}
	if f.SHA == "" {
		f.SHA = fmt.Sprintf("%064x", len(f.Name))
	}
	if _, err := d.Centre.ReadAccuracy(t.Context(), f, in, nil, nil); err != nil {
		t.Fatal(err)
	}
	sets, err := d.Centre.AccuracySets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sets, func(s store.AccuracySet) bool { return s.Frame.Name == f.Name })
	if i < 0 {
		t.Fatalf("%q is not counted", f.Name)
	}
	return sets[i]
}

// single is a frame of a single record.
func single(rec registration.Record, registrar string) iter.Seq2[frame.Unit, error] {
	return func(yield func(frame.Unit, error) bool) {
		yield(frame.Unit{ID: rec.Domain, Registrar: registrar, Record: rec}, nil)
	}
}

// TestAccuracyPages: which registrars of a TLD hold the data nobody can reach is
// two clicks from the desk; a frame that hides too much ranks nobody; the public
// sees what is published, no name, and nothing that is too small.
func TestAccuracyPages(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	nobody := visitor()

	if a := d.get(nobody, "/accuracy"); a.code != 200 || !strings.Contains(a.body, "Nothing is published yet") {
		t.Errorf("%d %.300s", a.code, a.body)
	}
	regs := []population.Registrar{{Name: "Cheap Cheerful Domains", Weight: 5, Shares: population.Shares{Email: 0.6, Phone: 0.6}}, {Name: "Lindgren Names", Weight: 5, Shares: population.Shares{Email: 0.5, Phone: 0.4}},
		{Name: "Quickname", Weight: 5, Shares: population.Shares{Email: 0.5, Phone: 0.6}}, {Name: "Small Ltd", Weight: 0.4, Shares: population.Shares{Email: 0.5}}}
	own := counted(t, d, centre.AccuracyFrame{Name: "registry data", Source: census.Own}, units(t, 7, 1000, population.Options{Registrars: regs, TLDs: []string{"shopx", "clubx"}}, false))
	hidden := population.Options{Registrars: []population.Registrar{{Name: "Quiet Names", Weight: 3, Shares: population.Shares{Redacted: 0.8}}, {Name: "Open Names", Weight: 1, Shares: population.Shares{Redacted: 0.1}}}}
	pub := counted(t, d, centre.AccuracyFrame{Name: "public", Source: census.Public, SHA: strings.Repeat("b", 64)}, units(t, 8, 600, hidden, true))
	query := func(s store.AccuracySet) string { return fmt.Sprintf("?set=%d", s.ID) }

	// Two clicks: the desk, the TLD's own row, the answer.
	if a := d.get(ana, "/desk"); !strings.Contains(a.body, `href="/accuracy"`) {
		t.Error("the desk does not lead to accuracy")
	}
	first := d.get(ana, "/accuracy"+query(own))
	link := regexp.MustCompile(`<a href="(/accuracy/tlds/[a-z]+\?set=\d+#groups)">\.([a-z]+)</a>`).FindStringSubmatch(first.body)
	if link == nil {
		t.Fatalf("no TLD is there to click: %.3000s", first.body)
	}
	page := d.get(ana, strings.TrimSuffix(strings.ReplaceAll(link[1], "&amp;", "&"), "#groups"))
	if page.code != 200 || !strings.Contains(page.body, "Registrars whose holders cannot be reached") || !strings.Contains(page.body, `<td class="num">1</td>`) {
		t.Errorf("%d %.2000s", page.code, page.body)
	}
	var tld struct {
		Metrics []struct {
			Metric string
			Fail   int
		}
		Groups []struct {
			Registrar string
			Rank      int
			Unranked  string
			Names     int
			Pass      int
			Fail      int
			Failing   struct{ Low95 float64 }
		}
		NoRanking string `json:"no_ranking"`
	}
	path := "/accuracy/tlds/" + link[2] + query(own)
	if err := json.Unmarshal([]byte(d.get(ana, path+"&format=json").body), &tld); err != nil {
		t.Fatal(err)
	}
	last, ranked, cell := 2.0, 0, ""
	for i, g := range tld.Groups {
		if g.Rank == 0 {
			if g.Unranked == "" {
				t.Errorf("%+v has no rank and no reason", g)
			}
			continue
		}
		ranked++
		if g.Failing.Low95 > last || g.Rank != i+1 || g.Pass+g.Fail < census.MinGroup {
			t.Errorf("place %d: %+v after %f", i+1, g, last)
		}
		if last = g.Failing.Low95; i == 0 {
			cell = g.Registrar
			if g.Fail == 0 {
				t.Error("the worst has nobody who cannot be reached: the test shows nothing")
			}
		}
	}
	if ranked < 3 || tld.NoRanking != "" {
		t.Errorf("%d ranked: %+v", ranked, tld.Groups)
	}

	// A public frame of which too little can be tested.
	for _, p := range []string{"/accuracy" + query(pub), "/accuracy/registrars/name:quiet%20names" + query(pub)} {
		a := d.get(ana, p)
		if a.code != 200 || !strings.Contains(a.body, "No ranking: under half") || strings.Contains(a.body, `<td class="num">1</td><th`) {
			t.Errorf("%s: %d, ranks what hides too much", p, a.code)
		}
		var twin struct {
			BoundsOnly bool `json:"bounds_only"`
			Groups     []struct{ Failing *struct{} }
		}
		if err := json.Unmarshal([]byte(d.get(ana, p+"&format=json").body), &twin); err != nil || !twin.BoundsOnly || len(twin.Groups) == 0 || twin.Groups[0].Failing != nil {
			t.Errorf("%s tells more than bounds: %v %+v", p, err, twin)
		}
	}

	// The desk sees names; nobody else does, whatever is published.
	at := "/accuracy/tlds/" + link[2] + "/registrars/" + strings.ReplaceAll(cell, " ", "%20") + query(own)
	a := d.get(ana, at)
	name := regexp.MustCompile(`<a href="(/accuracy/names/([^"?]+)\?set=\d+)">`).FindStringSubmatch(a.body)
	if a.code != 200 || name == nil {
		t.Fatalf("%s: %d %.2000s", at, a.code, a.body)
	}
	if a := d.get(ana, name[1]); a.code != 200 || !strings.Contains(a.body, "cannot be reached") || !strings.Contains(a.body, "what to change") || !strings.Contains(a.body, "nothing of them was kept here") {
		t.Errorf("%d %.3000s", a.code, a.body)
	}
	if a := d.get(nobody, at); a.code != 404 {
		t.Errorf("unpublished: %d", a.code)
	}
	if err := d.Centre.PublishAccuracy(t.Context(), "registry data", true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/accuracy", "/accuracy" + query(own), path, at, path + "&format=json", at + "&format=json", at + "&figure=reasons&format=csv", path + "&figure=groups&format=csv"} {
		a := d.get(nobody, p)
		if a.code != 200 || strings.Contains(a.body, name[2]) || strings.Contains(a.body, "/accuracy/names/") || strings.Contains(a.body, "public (") {
			t.Errorf("%s: %d; the public must see sums of what is published, and no name", p, a.code)
		}
	}
	if a := d.get(nobody, name[1]); a.at != "/login" {
		t.Errorf("a name for everybody: %d at %s", a.code, a.at)
	}
	if a := d.get(nobody, "/accuracy"+query(pub)); a.code != 404 {
		t.Errorf("another frame: %d", a.code)
	}
	// What is small is folded, and cannot be found by subtraction.
	small := ""
	for _, g := range tld.Groups {
		if g.Names < census.MinGroup {
			small = g.Registrar
		}
	}
	if small == "" {
		t.Fatal("no registrar is small here: the test shows nothing")
	}
	if body := d.get(nobody, path).body; strings.Contains(body, "registrars/"+strings.ReplaceAll(small, " ", "%20")) || !strings.Contains(body, "too small to be published alone") {
		t.Errorf("%s is shown alone", small)
	}
	if a := d.get(nobody, "/accuracy/tlds/"+link[2]+"/registrars/"+strings.ReplaceAll(small, " ", "%20")+query(own)); a.code != 404 {
		t.Errorf("%s alone: %d", small, a.code)
	}

	// Every table is there as CSV.
	for _, f := range []string{"groups", "metrics", "fields", "reasons", "months"} {
		a := d.get(ana, path+"&format=csv&figure="+f)
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Errorf("%s: %v %d rows", f, err, len(rows))
		}
	}
	for p, code := range map[string]int{"/accuracy?set=999": 404, "/accuracy?metric=none": 404, "/accuracy/tlds/none": 404, "/accuracy/tlds/a.b": 404, "/accuracy/registrars/none": 404,
		"/accuracy?format=csv&figure=none": 404, "/accuracy/names/never-seen.example": 200, "/accuracy/names/..%2F": 404} {
		if a := d.get(ana, p); a.code != code {
			t.Errorf("%s: %d, want %d", p, a.code, code)
		}
	}

	// What a frame says of itself and its registrars is shown, and does nothing.
	rec := registration.Record{State: registration.Registered, Domain: "a.example", Registrar: registration.Registrar{Name: "=cmd|' /C'!\u202e<script>alert(1)</script>"},
		Contacts: map[string]registration.Contact{"registrant": {Name: "<b>Ada</b> secret-value", Email: "secret-value@nowhere.example", Country: "DE"}}}
	bad := counted(t, d, centre.AccuracyFrame{Name: "<i>frame</i>", Source: census.Own}, single(rec, ""))
	for _, p := range []string{"/accuracy" + query(bad), "/accuracy/tlds/example" + query(bad), "/accuracy/names/a.example" + query(bad)} {
		a := d.get(ana, p)
		if a.code != 200 || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<i>frame") || strings.Contains(a.body, "\u202e") || strings.Contains(a.body, "secret-value") {
			t.Errorf("%s: %d shows what it should not", p, a.code)
		}
	}
	rows, _ := csv.NewReader(strings.NewReader(d.get(ana, "/accuracy/tlds/example"+query(bad)+"&format=csv&figure=groups").body)).ReadAll()
	if len(rows) != 2 || strings.HasPrefix(rows[1][1], "=") {
		t.Errorf("a formula: %q", rows)
	}
}

// TestAccuracyShots takes pictures of the pages, when WEB_SHOTS names a folder.
func TestAccuracyShots(t *testing.T) {
	if shots == "" {
		return
	}
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	set := counted(t, d, centre.AccuracyFrame{Name: "registry data", Source: census.Own}, units(t, 7, 6000, population.Options{}, false))
	hidden := counted(t, d, centre.AccuracyFrame{Name: "public data", Source: census.Public}, units(t, 8, 2000, population.Options{Registrars: []population.Registrar{{Name: "Quiet Names", Weight: 3, Shares: population.Shares{Redacted: 0.8}}, {Name: "Open Names", Weight: 1, Shares: population.Shares{Redacted: 0.1}}}}, true))
	surveyed(t, d.Centre, "holders under .shopx", 3, 900, false)
	sv := surveyed(t, d.Centre, "holders under .shopx", 4, 900, false)
	var paper bytes.Buffer
	if err := web.WriteSurvey(&paper, goldenReport(t), "d1"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, paper.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	q, h := fmt.Sprintf("?set=%d", set.ID), fmt.Sprintf("?set=%d", hidden.ID)
	key := "/registrars/name:carefree%20names"
	cell := d.get(ana, "/accuracy/tlds/shopx"+key+q)
	one := regexp.MustCompile(`/accuracy/names/[^"]+`).FindString(cell.body)
	b := newBrowser(t, d.url)
	b.signIn("ana", "four plain words here")
	for _, v := range []struct {
		name  string
		dark  bool
		width int64
	}{{"light", false, 1320}, {"dark", true, 1320}, {"narrow", false, 360}} {
		b.look(v.dark, v.width)
		for name, path := range map[string]string{"acc-all": "/accuracy" + q, "acc-tld": "/accuracy/tlds/shopx" + q, "acc-hidden": "/accuracy" + h, "acc-reg": "/accuracy" + key + q,
			"acc-cell": "/accuracy/tlds/shopx" + key + q, "acc-name": one, "surveys": "/surveys", "survey": "/surveys/" + sv.ID} {
			b.open(path)
			b.shoot(name + "-" + v.name)
			b.quiet(path)
		}
	}
	b.look(false, 900)
	b.run(chromedp.Navigate("file://" + file))
	b.shoot("survey-paper")
}

// BenchmarkAccuracyPages measures the server's time of the pages with 100,000
// names of 500 registrars in one frame, on both databases: p95-ms is the 95th
// percentile.
func BenchmarkAccuracyPages(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		ana := d.signIn("ana", access.Analyst)
		var regs []population.Registrar
		for i := range 500 {
			regs = append(regs, population.Registrar{Name: fmt.Sprintf("Registrar %d", i), Weight: float64(1 + i%40), Shares: population.Shares{Email: 0.2, Phone: 0.2}})
		}
		begin := time.Now()
		set := counted(b, d, centre.AccuracyFrame{Name: "registry data", Source: census.Own}, units(b, 7, many, population.Options{Registrars: regs}, false))
		b.Logf("%d names counted in %s", many, time.Since(begin))
		q, key := fmt.Sprintf("?set=%d", set.ID), "/registrars/name:registrar%2039"
		for name, path := range map[string]string{"overview": "/accuracy" + q, "tld": "/accuracy/tlds/shopx" + q, "registrar": "/accuracy" + key + q, "registrar in TLD": "/accuracy/tlds/shopx" + key + q} {
			b.Run(name, func(b *testing.B) {
				took := make([]time.Duration, 0, 64)
				for b.Loop() {
					begin := time.Now()
					if a := d.get(ana, path); a.code != http.StatusOK {
						b.Fatal(a.code)
					}
					took = append(took, time.Since(begin))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			})
		}
	})
}

// ours is a profile of an operator's own.
const ours = `profile: ours
title: What we ask of our own registrars
about: An agreement of ours.
status: own
contacts: [registrant]
rules:
  - id: ours.email
    clause: Section 3
    text: The mail address has the form of one.
    basis: ours
    checks: [{check: email.syntax}]
`

// TestOwnProfileAndExpiry: figures under an operator's own profile say so and
// lead to it, for whom they are shown to; and when what was found of single names
// has expired, the months are left, with no dead end.
func TestOwnProfileAndExpiry(t *testing.T) {
	d := newDesk(t)
	ana, nobody := d.signIn("ana", access.Analyst), visitor()
	in := centre.AccuracyFrame{Name: "all of ours", Source: census.Own, Own: &centre.OwnProfile{File: "ours.yaml", Body: []byte(ours)}}
	set := counted(t, d, in, units(t, 7, 200, population.Options{}, false))
	if set.Profile != "ours" {
		t.Fatalf("%+v", set)
	}
	in.Own, in.SHA = &centre.OwnProfile{File: "x.yaml", Body: []byte(strings.Replace(ours, "profile: ours", "profile: waps-raa-2013", 1))}, strings.Repeat("c", 64)
	if _, err := d.Centre.ReadAccuracy(t.Context(), in, units(t, 7, 2, population.Options{}, false), nil, nil); err == nil {
		t.Error("a profile of one's own takes the name of a built-in one")
	}
	query := fmt.Sprintf("?set=%d", set.ID)
	link := "/policies/ours?hash=" + set.Hash
	page := d.get(ana, "/accuracy"+query)
	if page.code != 200 || !strings.Contains(page.body, `operator’s own profile <a href="`+link+`">ours</a> (version 1`) || !strings.Contains(page.body, "kept for 180 days") {
		t.Errorf("%d %.3000s", page.code, page.body)
	}
	for _, x := range []struct {
		c    *http.Client
		path string
		code int
		has  string
	}{{ana, link, 200, "version 1, as it was read in"}, {nobody, link, 404, ""}, {ana, "/policies/ours", 404, ""}, {ana, "/policies/waps-raa-2013?hash=" + set.Hash, 404, ""}, {ana, "/policies/ours?hash=" + strings.Repeat("0", 64), 404, ""}} {
		if a := d.get(x.c, x.path); a.code != x.code || !strings.Contains(a.body, x.has) {
			t.Errorf("%s: %d %.500s", x.path, a.code, a.body)
		}
	}
	if err := d.Centre.PublishAccuracy(t.Context(), set.Frame.Name, true); err != nil {
		t.Fatal(err)
	}
	if a := d.get(nobody, link); a.code != 200 || !strings.Contains(a.body, "It is no contract’s and no law’s") {
		t.Errorf("published, and its profile is not there: %d", a.code)
	}
	var name string
	for u := range units(t, 7, 1, population.Options{}, false) {
		name = u.ID
	}
	if a := d.get(ana, "/accuracy/names/"+name); a.code != 200 || !strings.Contains(a.body, "kept until") || strings.Contains(a.body, "Open an inaccuracy case") {
		t.Errorf("%d %.2000s", a.code, a.body)
	}

	if n, err := d.Store.SweepAccuracy(t.Context(), time.Now().Add(200*24*time.Hour), 0); n != 200 || err != nil {
		t.Fatal(n, err)
	}
	for who, c := range map[string]*http.Client{"the desk": ana, "everybody": nobody} {
		a := d.get(c, "/accuracy"+query)
		if a.code != 200 || !strings.Contains(a.body, "The figures of today have expired") || !strings.Contains(a.body, `id="months"`) || strings.Contains(a.body, `id="fields"`) {
			t.Errorf("%s: %d %.3000s", who, a.code, a.body)
		}
		var twin struct {
			Names  int
			Fields []any
			Months []struct{ Names int }
		}
		if err := json.Unmarshal([]byte(d.get(c, "/accuracy"+query+"&format=json").body), &twin); err != nil || twin.Names != 0 || len(twin.Fields) > 0 || len(twin.Months) != 1 || twin.Months[0].Names != 200 {
			t.Errorf("%s: %+v %v", who, twin, err)
		}
	}
	if a := d.get(ana, "/accuracy/names/"+name); a.code != 200 || !strings.Contains(a.body, "Nothing was found of this name") {
		t.Errorf("%d %.500s", a.code, a.body)
	}
}
