package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/party"
	"bailiwick/store"
	"bailiwick/web"

	"golang.org/x/net/html"
)

// desk is a centre without a network and its pages, seen by a browser without
// script.
type desk struct {
	*app.App
	t   testing.TB
	url string
	c   *http.Client
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return newDeskOn(t, "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
}

func newDeskOn(t testing.TB, dsn string) *desk {
	t.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database, cfg.Blobs = dsn, filepath.Join(t.TempDir(), "blobs")
	cfg.Centre.Name, cfg.Centre.Hotline = "Desk", "hotline@hotline.example"
	a, err := app.New(t.Context(), cfg, app.World{ByHand: true, Passwords: access.Params{Time: 1, Memory: 64, Threads: 1}, Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	if err := web.Register(mux, a.Centre, web.Options{Access: a.Access}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return &desk{App: a, t: t, url: srv.URL, c: visitor()}
}

// visitor is a browser with cookies of its own.
func visitor() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &http.Client{Jar: jar}
}

type answer struct {
	code int
	body string
	h    http.Header
	at   string // path it ended at
}

func (d *desk) do(c *http.Client, r *http.Request) answer {
	d.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{resp.StatusCode, string(b), resp.Header, resp.Request.URL.Path}
}

func (d *desk) get(c *http.Client, path string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do(c, r)
}

func (d *desk) post(c *http.Client, path string, form url.Values) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(c, r)
}

// signIn signs a new person in.
func (d *desk) signIn(name string, roles ...access.Role) *http.Client {
	d.t.Helper()
	p, err := d.Access.AddPerson(d.t.Context(), access.Console, access.NewPerson{Login: name, Name: strings.ToUpper(name[:1]) + name[1:], Roles: roles})
	if err == nil {
		err = d.Access.SetPassword(d.t.Context(), access.Console, p.ID, "four plain words here")
	}
	if err != nil {
		d.t.Fatal(err)
	}
	c := visitor()
	if a := d.post(c, "/login", url.Values{"login": {name}, "password": {"four plain words here"}}); a.code != http.StatusOK || a.at != "/desk" && a.at != "/people" && a.at != "/me" {
		d.t.Fatalf("%d %s", a.code, a.body)
	}
	return c
}

// report files one and gives its case.
func (d *desk) report(v any) casework.Case {
	d.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	rc, err := d.Centre.Submit(d.t.Context(), centre.Submission{Source: "test", Body: body})
	if err != nil || rc.State == store.ReportRejected {
		d.t.Fatalf("%+v %v", rc, err)
	}
	return d.filed(rc.Receipt)
}

func (d *desk) filed(receipt string) casework.Case {
	d.t.Helper()
	var id string
	if err := d.Store.View(d.t.Context(), func(tx *store.Tx) error {
		r, err := tx.ReportByReceipt(d.t.Context(), receipt)
		id = r.ID
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	if err := d.Centre.Triage(d.t.Context(), []string{id}); err != nil {
		d.t.Fatal(err)
	}
	rc, err := d.Centre.ReportState(d.t.Context(), receipt)
	if err != nil || len(rc.Cases) == 0 {
		d.t.Fatalf("%+v %v", rc, err)
	}
	c, err := d.Centre.Case(d.t.Context(), rc.Cases[0])
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// ask confirms a case and asks a host.
func (d *desk) ask(c casework.Case, name string, reasons ...string) casework.Case {
	d.t.Helper()
	plan := casework.Plan{TLD: "gtld", Parties: []party.Party{{ID: "host:1", Role: party.Host, Name: name, Email: "abuse@northbox.example", Reachable: true, Basis: name}}}
	c, err := d.Centre.Act(d.t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: d.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised, Reasons: reasons,
		Registrar: name, AbuseEmail: name, Created: name, Record: "registered"}, Plan: plan}, casework.Confirm{By: "person:1", Plan: plan})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
var seqField = regexp.MustCompile(`name="seq" value="(\d+)"`)

// form is the hidden fields of a case page.
func (d *desk) form(c *http.Client, id string) url.Values {
	d.t.Helper()
	a := d.get(c, "/cases/"+id)
	csrf, seq := csrfField.FindStringSubmatch(a.body), seqField.FindStringSubmatch(a.body)
	if a.code != http.StatusOK || csrf == nil || seq == nil {
		d.t.Fatalf("%d %s", a.code, a.body)
	}
	return url.Values{"csrf": {csrf[1]}, "seq": {seq[1]}}
}

// elements are the elements a page may have: nothing that runs or loads.
var elements = func() map[string]bool {
	out := map[string]bool{}
	for _, e := range strings.Fields("html head meta title link script body a div header nav form label input kbd span main footer button dialog h1 h2 h3 p ul ol li dl dt dd table caption thead tbody tr th td section aside figure figcaption details summary select optgroup option textarea fieldset legend code b small pre time bdi mark svg path rect circle text g strong") {
		out[e] = true
	}
	return out
}()

// harmless fails the test if a page holds an element, an attribute or an
// address that is not the templates' own.
func harmless(t testing.TB, where string, a answer) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if !elements[n.Data] {
			t.Errorf("%s: holds <%s>", where, n.Data)
		}
		for _, at := range n.Attr {
			if strings.HasPrefix(at.Key, "on") || at.Key == "style" || at.Key == "srcdoc" {
				t.Errorf("%s: <%s %s=%q>", where, n.Data, at.Key, at.Val)
			}
			if (at.Key == "href" || at.Key == "src" || at.Key == "action") && !strings.HasPrefix(at.Val, "/") && !strings.HasPrefix(at.Val, "#") {
				t.Errorf("%s: <%s %s=%q> leads elsewhere", where, n.Data, at.Key, at.Val)
			}
		}
		if n.Data == "script" && n.FirstChild != nil {
			t.Errorf("%s: a script inline", where)
		}
	}
	for _, r := range a.body {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0 {
			t.Errorf("%s: holds %U", where, r)
		}
	}
	csp := a.h.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s: policy %q", where, csp)
	}
}

const evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)> http://evil.example/x \u202egnp.exe\u202c \u200b{{.}}"

// TestHostileText puts script, hidden characters and links into every field
// that an outsider fills, and looks at every page that shows them.
func TestHostileText(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	// By the form, as a stranger.
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range map[string]string{"urls": "http://bad.example.com/'onload='alert(1)?q={{.}}", "type": "phishing", "description": evil, "brand": evil, "name": evil, "contact": "a@bad.example", "key": "k"} {
		if err := m.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	f, err := m.CreateFormFile("evidence", evil+".html")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write([]byte("<script>alert(1)</script>"))
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/report", &b)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	a := d.do(visitor(), r)
	if a.code != http.StatusOK || !strings.HasPrefix(a.at, "/report/") {
		t.Fatalf("%d %s %s", a.code, a.at, a.body)
	}
	harmless(t, "receipt", a)
	c := d.ask(d.filed(strings.TrimPrefix(a.at, "/report/")), evil, evil, evil)
	for _, cmd := range []casework.Command{casework.Answer{Obligation: c.Obligations[0].ID, By: "party:x", Answer: "refused", Note: evil}, casework.AddNote{By: "person:1", Text: evil},
		casework.Noticed{Obligation: c.Obligations[0].ID, Notice: 1, Result: casework.Undelivered, Response: evil}} {
		if _, err := d.Centre.Act(t.Context(), c.ID, cmd); err != nil {
			t.Fatal(err)
		}
	}
	sha, err := d.Store.PutBlob(t.Context(), "text/html", []byte(evil))
	if err == nil {
		err = d.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.RefBlob(t.Context(), sha, store.OwnerCase, c.ID) })
	}
	if err != nil {
		t.Fatal(err)
	}
	q := url.QueryEscape(evil)
	for _, p := range []string{"/", a.at, "/report?url=" + q, "/receipt?receipt=x", "/figures", "/login?to=" + q, "/desk", "/desk?q=" + q, "/desk?state=" + q, "/desk?after=" + q, "/search?q=" + q, "/desk/handoffs",
		"/cases/" + c.ID, "/cases/" + c.ID + "?parties=0", "/cases/" + c.ID + "?before=3", "/cases/" + url.PathEscape(evil), "/cases/" + c.ID + "/evidence/" + sha, "/cases/" + c.ID + "/handoff/" + c.Obligations[0].ID,
		"/names/" + c.Subject.Key(), "/names/" + url.PathEscape(evil), "/parties", "/parties/host:1", "/parties/" + url.PathEscape(evil), "/answer/" + url.PathEscape(evil), "/report/" + url.PathEscape(evil), "/welcome/" + url.PathEscape(evil)} {
		a := d.get(ana, p)
		harmless(t, p, a)
		if a.code >= 500 {
			t.Errorf("%s: %d", p, a.code)
		}
	}
	page := d.get(ana, "/cases/"+c.ID).body
	for _, want := range []string{"⟨U+202E⟩", "evil[.]example", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the case page does not show %q", want)
		}
	}
	if strings.Contains(page, "evil.example") {
		t.Error("the case page shows a name that can be clicked")
	}
	if e := d.get(ana, "/cases/"+c.ID+"/evidence/"+sha); !strings.Contains(e.body, "&lt;img") {
		t.Errorf("evidence is not shown as text: %s", e.body)
	}
}

// TestHostileNames shows names that deceive.
func TestHostileNames(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5) + "com" // 253 octets
	if len(long) != 253 {
		t.Fatal(len(long))
	}
	for _, n := range []struct{ name, brand, shows string }{
		{"xn--80ak6aa92e.com", "Apple", `<mark>аррӏе</mark>`},
		{"paypa1-login.com", "PayPal", `<mark>paypa1</mark>-login<span class="dot">[.]</span>com`},
		{"login.examp1ebank.com", "Example Bank", `<mark>examp1ebank</mark>`},
		{"exampel-bank.net", "Example Bank", `<mark>exampel-bank</mark>`},
		{"xn--mgbh0fb.com", "", `<span class="alabel">xn--mgbh0fb[.]com</span>`},
		{long, "", strings.Repeat("a", 49)},
	} {
		body := map[string]any{"type": "phishing", "url": "http://" + n.name + "/", "target_brand": n.brand}
		c := d.report(body)
		for _, p := range []string{"/desk", "/cases/" + c.ID, "/names/" + c.Subject.Key()} {
			a := d.get(ana, p)
			harmless(t, p, a)
			if !strings.Contains(a.body, n.shows) {
				t.Errorf("%s: does not show %s", p, n.shows)
			}
		}
	}
	if a := d.get(ana, "/desk?q=PAYPA1"); !strings.Contains(a.body, "paypa1") || strings.Contains(a.body, "xn--80ak") {
		t.Error("the queue is not searched by a part of the name")
	}
	if a := d.get(ana, "/search?q="+url.QueryEscape("hxxps://www.paypa1-login[.]com/x")); !strings.HasPrefix(a.at, "/cases/") {
		t.Errorf("a pasted address leads to %s", a.at)
	}
}

// TestEmpty looks at every page of a centre that has nothing yet.
func TestEmpty(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	for p, want := range map[string]string{"/": "No figures yet", "/figures": "There are no cases yet", "/desk": "No case is open", "/desk?state=unconfirmed": "No case is in this state", "/desk?q=x": "No case fits",
		"/desk/handoffs": "Nothing waits", "/parties": "Nobody was written to yet", "/names/bad.example.com": "No case is about it", "/desk?state=closed&sort=closed": "No case is in this state"} {
		a := d.get(ana, p)
		harmless(t, p, a)
		if a.code != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d, %q is not said", p, a.code, want)
		}
	}
	for _, p := range []string{"/figures?format=json", "/desk?format=json", "/desk/handoffs?format=json", "/parties?format=json", "/figures?figure=outcomes&format=csv", "/figures?figure=mitigate&format=csv"} {
		if a := d.get(ana, p); a.code != http.StatusOK {
			t.Errorf("%s: %d %s", p, a.code, a.body)
		}
	}
}

// TestLostSession acts with a session that has ended: nothing is done, and
// signing in leads back.
func TestLostSession(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	form := d.form(ana, c.ID)
	form.Set("text", "what I wrote")
	other := visitor() // without the cookie
	a := d.post(other, "/cases/"+c.ID+"/note", form)
	if a.code != http.StatusUnauthorized || !strings.Contains(a.body, "/login?to=%2Fcases%2F"+c.ID) || !strings.Contains(a.body, "Nothing was done") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if now, _ := d.Centre.Case(t.Context(), c.ID); now.Seq != c.Seq {
		t.Error("something was done")
	}
	if a := d.get(other, "/cases/"+c.ID); a.at != "/login" {
		t.Errorf("a page leads to %s", a.at)
	}
	form.Set("csrf", "of another")
	if a := d.post(ana, "/cases/"+c.ID+"/note", form); a.code != http.StatusForbidden {
		t.Errorf("a form of another session: %d", a.code)
	}
	// From another site.
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/report", strings.NewReader("urls=http%3A%2F%2Fbad.example.com&type=phishing"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := d.do(visitor(), r); a.code != http.StatusForbidden {
		t.Errorf("a form of another site: %d", a.code)
	}
	if a := d.post(other, "/login", url.Values{"login": {"ana"}, "password": {"four plain words here"}, "to": {"//evil.example/"}}); a.at != "/desk" {
		t.Errorf("signing in leads to %s", a.at)
	}
	if a := d.post(ana, "/logout", url.Values{"csrf": d.form(ana, c.ID)["csrf"]}); a.at != "/" {
		t.Errorf("signing out: %d %s", a.code, a.at)
	}
	if a := d.get(ana, "/desk"); a.at != "/login" {
		t.Errorf("after signing out, the desk leads to %s", a.at)
	}
}

// TestTwoPeople has two people act on one case: the second sees the first, and
// is asked again.
func TestTwoPeople(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.signIn("ana", access.Analyst), d.signIn("ben", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	fa, fb := d.form(ana, c.ID), d.form(ben, c.ID)
	fa.Set("reason", "it is a shop of ours")
	if a := d.post(ana, "/cases/"+c.ID+"/reject", fa); a.code != http.StatusOK || !strings.Contains(a.body, "Rejected. The reporter is told.") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	fb.Set("reason", "the reporter asked for it")
	a := d.post(ben, "/cases/"+c.ID+"/close", fb)
	if a.code != http.StatusConflict || !strings.Contains(a.body, "Somebody acted on this case meanwhile") || !strings.Contains(a.body, "it is a shop of ours") || !strings.Contains(a.body, "Ana") {
		t.Errorf("%d %s", a.code, a.body)
	}
	harmless(t, "a conflict", a)
	// Looks and reports in between are no reason to ask again.
	c = d.report(map[string]any{"type": "phishing", "url": "http://worse.example.com/"})
	fb = d.form(ben, c.ID)
	d.report(map[string]any{"type": "phishing", "url": "http://worse.example.com/2"})
	fb.Set("reason", "the reporter asked for it")
	if a := d.post(ben, "/cases/"+c.ID+"/close", fb); a.code != http.StatusOK {
		t.Errorf("%d %s", a.code, a.body)
	}
	// What a form held is still there when it could not be done.
	c = d.report(map[string]any{"type": "phishing", "url": "http://worst.example.com/"})
	fb = d.form(ben, c.ID)
	fb.Set("into", "no such case")
	if a := d.post(ben, "/cases/"+c.ID+"/merge", fb); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
	fb.Set("reason", " ")
	if a := d.post(ben, "/cases/"+c.ID+"/close", fb); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="act-close" open`) {
		t.Errorf("%d %s", a.code, a.body)
	}
}

// TestRoles holds each page against who may see it.
func TestRoles(t *testing.T) {
	d := newDesk(t)
	c := d.ask(d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/", "reporter": map[string]any{"name": "Rita Porter", "contact": "rita@desk.example"}}), "Northbox")
	if _, err := d.Centre.Act(t.Context(), c.ID, casework.AddNote{By: "person:1", Text: "a private remark"}); err != nil {
		t.Fatal(err)
	}
	ana, vic, adm := d.signIn("ana", access.Analyst), d.signIn("vic", access.Viewer), d.signIn("adm", access.Admin)
	a := d.get(ana, "/cases/"+c.ID)
	if !strings.Contains(a.body, "Rita Porter") || !strings.Contains(a.body, "a private remark") || !strings.Contains(a.body, "Record an answer") {
		t.Error("an analyst does not see what the work needs")
	}
	for _, p := range []string{"/cases/" + c.ID, "/cases/" + c.ID + "?format=json", "/cases/" + c.ID + "/chain.jsonl?personal=yes"} {
		a = d.get(vic, p)
		if a.code != http.StatusOK || strings.Contains(a.body, "Rita Porter") || strings.Contains(a.body, "rita@") || strings.Contains(a.body, "a private remark") || strings.Contains(a.body, "act-answer") {
			t.Errorf("%s: a viewer sees personal data, or forms: %d %s", p, a.code, a.body)
		}
	}
	form := d.form(ana, c.ID)
	form.Set("text", "x")
	vicForm := csrfField.FindStringSubmatch(d.get(vic, "/desk").body)
	if vicForm == nil {
		t.Fatal("a viewer has no session")
	}
	form.Set("csrf", vicForm[1])
	if a := d.post(vic, "/cases/"+c.ID+"/note", form); a.code != http.StatusForbidden {
		t.Errorf("a viewer writes a note: %d", a.code)
	}
	for _, p := range []string{"/desk", "/cases/" + c.ID, "/parties", "/desk/handoffs", "/names/bad.example.com", "/search?q=bad", "/cases/" + c.ID + "/chain.jsonl"} {
		if a := d.get(adm, p); a.code != http.StatusForbidden {
			t.Errorf("%s: an administrator without a case role: %d", p, a.code)
		}
		if a := d.get(visitor(), p); a.at != "/login" {
			t.Errorf("%s: a stranger gets to %s", p, a.at)
		}
	}
	entries, err := d.Access.Entries(t.Context(), access.EntryFilter{Kind: access.Case, Object: c.ID})
	if err != nil || len(entries) == 0 {
		t.Errorf("no look was logged: %v", err)
	}
}

// TestForm goes through what can be wrong with a report by the form.
func TestForm(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name string
		form url.Values
		code int
		says string
	}{
		{"nothing", url.Values{}, 422, "Say what it is."},
		{"no name", url.Values{"type": {"phishing"}}, 422, "Name at least one"},
		{"no such kind", url.Values{"type": {"\"><b>"}, "urls": {"bad.example.com"}}, 422, "is not an abuse type"},
		{"a private address", url.Values{"type": {"phishing"}, "urls": {"http://10.0.0.1/"}}, 422, "10.0.0.1"},
		{"not a name", url.Values{"type": {"phishing"}, "urls": {"good.example.com\nnot_a_name!"}}, 422, "not_a_name!"},
		{"not a mail address", url.Values{"type": {"phishing"}, "urls": {"bad.example.com"}, "contact": {"nobody"}}, 422, "Your mail address"},
		{"a program", url.Values{"type": {"phishing"}, "urls": {"bad.example.com"}, "fax": {"1"}}, 422, "looks like a program"},
		{"several", url.Values{"type": {"fraud"}, "urls": {"hxxp://bad[.]example[.]com/a, worse.example.com\n198.51.100.7"}, "name": {"Rita"}}, 200, "Thank you"},
		{"too large", url.Values{"type": {"fraud"}, "urls": {"bad.example.com"}, "description": {strings.Repeat("x", 6<<20)}}, 413, "too large"},
	} {
		a := d.post(visitor(), "/report", c.form)
		if a.code != c.code || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d, %q is not said: %.3000s", c.name, a.code, c.says, a.body)
		}
		harmless(t, c.name, a)
	}
	// The same form sent twice is one report.
	form := url.Values{"type": {"phishing"}, "urls": {"twice.example.com"}, "key": {"abcdefgh"}}
	one, two := d.post(visitor(), "/report", form), d.post(visitor(), "/report", form)
	if one.at != two.at {
		t.Errorf("one form, two receipts: %s %s", one.at, two.at)
	}
	// What must never be kept is not.
	const secret = "http://never.example.com/x"
	a := d.post(visitor(), "/report", url.Values{"type": {"csam"}, "urls": {secret}, "description": {"words"}, "name": {"Rita"}})
	if a.code != http.StatusOK || !strings.Contains(a.body, "hotline@hotline.example") || !strings.Contains(a.body, "Nothing of it was kept") {
		t.Errorf("%d %s", a.code, a.body)
	}
	var kept int
	if err := d.Store.Writer().QueryRowContext(t.Context(), "SELECT count(*) FROM blobs").Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d blobs are kept: %v", kept, err)
	}
	// Many from one address are slowed down.
	limited := 0
	for i := range 60 {
		if a := d.post(visitor(), "/report", url.Values{"type": {"phishing"}, "urls": {fmt.Sprintf("n%d.example.com", i)}}); a.code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 || limited == 60 {
		t.Errorf("%d of 60 were slowed down", limited)
	}
}

// TestWelcome uses the first administrator's link.
func TestWelcome(t *testing.T) {
	d := newDesk(t)
	link, needed, err := d.Access.FirstLink(t.Context())
	if err != nil || !needed {
		t.Fatal(needed, err)
	}
	c := visitor()
	if a := d.get(c, "/welcome/"+link); a.code != http.StatusOK || !strings.Contains(a.body, "Set your password") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	for _, bad := range []url.Values{{"password": {"four plain words here"}, "again": {"four plain words"}}, {"password": {"short"}, "again": {"short"}}} {
		if a := d.post(c, "/welcome/"+link, bad); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	good := url.Values{"password": {"four plain words here"}, "again": {"four plain words here"}}
	if a := d.post(c, "/welcome/"+link, good); a.code != http.StatusOK || a.at != "/desk" {
		t.Errorf("%d %s %s", a.code, a.at, a.body)
	}
	if a := d.post(visitor(), "/welcome/"+link, good); a.code != http.StatusNotFound || !strings.Contains(a.body, "This link is over") {
		t.Errorf("a link used twice: %d", a.code)
	}
}

// TestBigCase holds the size of the page, and the time it takes, of a case with
// a thousand events and two hundred parties.
func TestBigCase(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	var parties []party.Party
	for i := range 200 {
		parties = append(parties, party.Party{ID: fmt.Sprintf("host:%d", i), Role: party.Host, Name: fmt.Sprintf("Host %d of a long name", i), Email: fmt.Sprintf("abuse@host%d.example", i), Reachable: true, Basis: "rdap network"})
	}
	plan := casework.Plan{TLD: "gtld", Parties: parties}
	c, err := d.Centre.Act(t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: d.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised}, Plan: plan}, casework.Confirm{By: "person:1", Plan: plan})
	if err != nil || len(c.Obligations) != 200 {
		t.Fatal(len(c.Obligations), err)
	}
	var cmds []casework.Command
	for i := range 800 {
		cmds = append(cmds, casework.Answer{Obligation: c.Obligations[i%200].ID, By: "party:x", Answer: "received", Note: fmt.Sprintf("note %d with some more words in it", i)})
	}
	if c, err = d.Centre.Act(t.Context(), c.ID, cmds...); err != nil || c.Seq < 1000 {
		t.Fatal(c.Seq, err)
	}
	for _, p := range []string{"/cases/" + c.ID, "/cases/" + c.ID + "?parties=0", "/cases/" + c.ID + "?before=500", "/desk", "/parties"} {
		begin := time.Now()
		a := d.get(ana, p)
		if took := time.Since(begin); a.code != http.StatusOK || took > 2*time.Second { // seconds, on a machine under load
			t.Errorf("%s: %d in %s", p, a.code, took)
		}
		if len(a.body) > 100_000 {
			t.Errorf("%s has %d octets", p, len(a.body))
		}
		t.Logf("%s: %d octets in %s", p, len(a.body), time.Since(begin))
	}
	if a := d.get(ana, "/cases/"+c.ID+"?before=500"); !strings.Contains(a.body, "Back to now") || !strings.Contains(a.body, `rel="next"`) {
		t.Error("the log cannot be paged")
	}
}
