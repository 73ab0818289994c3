package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/disclosure"
	"bailiwick/notify/email"
	"bailiwick/web"
)

// newRegistry is a desk that takes requests of others.
func newRegistry(t testing.TB) *desk {
	t.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database, cfg.Blobs, cfg.Centre.Name = "sqlite:"+filepath.Join(t.TempDir(), "state.db"), filepath.Join(t.TempDir(), "blobs"), "Registry"
	cfg.Disclosure.Take, cfg.Disclosure.Profile = true, "nis2"
	a, err := app.New(t.Context(), cfg, app.World{ByHand: true, Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
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

var hidden = regexp.MustCompile(`name="(csrf|seq)" value="([^"]*)"`)

// acting is what every form of a page carries.
func acting(a answer) url.Values {
	out := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		out.Set(m[1], m[2])
	}
	return out
}

func plus(v url.Values, kv ...string) url.Values {
	for i := 0; i+1 < len(kv); i += 2 {
		v.Add(kv[i], kv[i+1])
	}
	return v
}

func aRequest() url.Values {
	return url.Values{"name": {"shop.example.com"}, "field": {"contacts.registrant.email", "contacts.registrant.name"}, "purpose": {"abuse"}, "basis": {"legitimate_interests"},
		"statement": {"<script>alert(1)</script> because\nof this"}, "person": {"Ann <b>"}, "contact": {"ann@some.example"}, "requestor": {"cert"}}
}

// TestDisclosureTakenPages: the public form, the desk's decision, and the answer
// at the status page alone.
func TestDisclosureTakenPages(t *testing.T) {
	d := newRegistry(t)
	public := visitor()
	if a := d.get(public, "/disclosure"); a.code != http.StatusOK || !strings.Contains(a.body, "72 hours from receipt (not for compliance use)") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	bad := aRequest()
	bad.Del("field")
	bad.Set("name", "nonsense name")
	if a := d.post(public, "/disclosure", bad); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "The name") || strings.Contains(a.body, "<script>alert") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(public, "/disclosure", plus(aRequest(), "fax", "1")); a.code != http.StatusUnprocessableEntity {
		t.Errorf("a machine's: %d", a.code)
	}
	a := d.post(public, "/disclosure", aRequest())
	if a.code != http.StatusOK || !strings.HasPrefix(a.at, "/disclosure/status/") {
		t.Fatalf("%d %s %s", a.code, a.at, a.body)
	}
	harmless(t, "status", a)
	status := a.at
	if a := d.get(public, status+"?format=json"); a.code != http.StatusOK || strings.Contains(a.body, "Ann") || !strings.Contains(a.body, `"state": "received"`) {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(public, "/disclosure/status/none"); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}

	if a := d.get(visitor(), "/desk/disclosures"); a.at != "/login" {
		t.Errorf("the list is at %s", a.at)
	}
	ann, viewer := d.signIn("ann", access.Analyst), d.signIn("vic", access.Viewer)
	list := d.get(ann, "/desk/disclosures?direction=received")
	m := regexp.MustCompile(`/desk/disclosures/([0-9A-Z]{26})`).FindStringSubmatch(list.body)
	if m == nil {
		t.Fatalf("%d %s", list.code, list.body)
	}
	page := "/desk/disclosures/" + m[1]
	a = d.get(ann, page)
	harmless(t, "request", a)
	if !strings.Contains(a.body, "ann[@]some") {
		t.Errorf("who asks is missing: %s", a.body)
	}
	if v := d.get(viewer, page); v.code != http.StatusOK || strings.Contains(v.body, "ann[@]some") || strings.Contains(v.body, page+"/decide") {
		t.Errorf("a viewer sees who asks, or decides: %d %s", v.code, v.body)
	}
	if v := d.post(viewer, page+"/decide", plus(acting(d.get(viewer, page)), "seq", "1", "csrf", acting(d.get(viewer, "/preferences")).Get("csrf"))); v.code != http.StatusForbidden {
		t.Errorf("a viewer decides: %d", v.code)
	}
	stale := acting(a)
	if a := d.post(ann, page+"/ask", plus(acting(a), "text", "Which <i>bank</i>?")); a.code != http.StatusOK || !strings.Contains(a.body, "The question is recorded") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.post(ann, page+"/decide", plus(stale, "reason", "law")); a.code != http.StatusConflict {
		t.Errorf("decided on what was seen before: %d", a.code)
	}
	if a := d.post(public, status, url.Values{"do": {"add"}, "text": {"Aurora"}}); a.code != http.StatusOK || !strings.Contains(a.body, "Which &lt;i&gt;bank") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(ann, page+"/decide", acting(d.get(ann, page))); a.code != http.StatusUnprocessableEntity {
		t.Errorf("refused without a reason: %d", a.code)
	}
	a = d.post(ann, page+"/decide", plus(acting(d.get(ann, page)), "v.contacts.registrant.email", "holder@zanzibar.example", "reason", "balance", "text", "The name stays."))
	if a.code != http.StatusOK || !strings.Contains(a.body, "partly granted") || strings.Contains(a.body, "zanzibar") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	// Read at the desk for a reason alone.
	if a := d.post(ann, page+"/read", plus(acting(a), "reason", "x")); a.code != http.StatusUnprocessableEntity || strings.Contains(a.body, "zanzibar") {
		t.Errorf("%d", a.code)
	}
	if a := d.post(ann, page+"/read", plus(acting(a), "reason", "to check what was sent")); a.code != http.StatusOK || !strings.Contains(a.body, "zanzibar") || a.h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(public, status); strings.Contains(a.body, "zanzibar") || !strings.Contains(a.body, "The name stays") {
		t.Errorf("%s", a.body)
	}
	if a := d.post(public, status, url.Values{"do": {"read"}}); a.code != http.StatusOK || !strings.Contains(a.body, "zanzibar") {
		t.Errorf("%d %s", a.code, a.body)
	}
	es, err := d.Access.Entries(t.Context(), access.EntryFilter{Kind: access.Disclosed})
	if err != nil || len(es) != 2 {
		t.Errorf("%d readings are logged: %v", len(es), err)
	}
	if a := d.get(ann, page+"/chain.jsonl"); a.code != http.StatusOK || strings.Contains(a.body, "zanzibar") || strings.Contains(a.body, "ann[@]some") {
		t.Errorf("%d %s", a.code, a.body)
	}
}

// TestDisclosureSentPages: a draft at the desk, and the party's answer by link.
func TestDisclosureSentPages(t *testing.T) {
	d := newRegistry(t)
	ann := d.signIn("ann", access.Analyst)
	form := d.get(ann, "/desk/disclosures/new?name=shop.example.com")
	if form.code != http.StatusOK || !strings.Contains(form.body, `value="shop.example.com"`) {
		t.Fatalf("%d %s", form.code, form.body)
	}
	a := d.post(ann, "/desk/disclosures/new", plus(aRequest(), "csrf", acting(form).Get("csrf"), "party", "A Registrar", "party_email", "desk@registrar.example"))
	if a.code != http.StatusOK || !strings.Contains(a.body, "drafted") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	page := a.at
	id := page[strings.LastIndexByte(page, '/')+1:]
	if a = d.post(ann, page+"/send", acting(a)); a.code != http.StatusOK || !strings.Contains(a.body, "It is on its way") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	link := "/disclosure/answer/" + email.AnswerToken(d.Centre.ReplyKey, id, email.DisclosureRef)
	party := visitor()
	if a := d.get(party, link); a.code != http.StatusOK || strings.Contains(a.body, "Ann") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(party, link+"x"); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
	if a := d.post(party, link, url.Values{"answer": {"decided"}}); a.code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(party, link, url.Values{"answer": {"decided"}, "v.contacts.registrant.email": {"h@zanzibar.example"}, "v.contacts.registrant.name": {"H"}}); a.code != http.StatusOK || !strings.Contains(a.body, "Thank you") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(ann, page); !strings.Contains(a.body, "granted") || strings.Contains(a.body, "zanzibar") {
		t.Errorf("%s", a.body)
	}
}

// TestDisclosureClosed: a centre that takes no requests says so.
func TestDisclosureClosed(t *testing.T) {
	d := newDesk(t)
	if a := d.get(d.c, "/disclosure"); a.code != http.StatusOK || !strings.Contains(a.body, "takes no requests") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(d.c, "/disclosure", aRequest()); a.code != http.StatusForbidden {
		t.Errorf("%d", a.code)
	}
}

// disclosurePages adds the pages of disclosure requests, of each in a state that
// shows most.
func disclosurePages(t testing.TB, w *world, out map[string]string) {
	t.Helper()
	ctx := t.Context()
	d := centre.DisclosureDraft{Name: "shop.example.com", Party: "A Registrar", PartyEmail: "desk@registrar.example", Requestor: "cert", Basis: "legitimate_interests", Purpose: "abuse",
		Who: disclosure.Who{Person: "Ann", Contact: "ann@some.example", Statement: "It imitates a bank."}, Fields: []string{"contacts.registrant.email", "contacts.registrant.name"}}
	ours, err := w.Centre.DraftDisclosure(ctx, d, "person:ann")
	if err == nil {
		_, err = w.Centre.SendDisclosure(ctx, ours.ID, 0, "person:ann", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs, token, err := w.Centre.TakeDisclosure(ctx, d, "form:public")
	if err == nil {
		_, err = w.Centre.DecideDisclosure(ctx, theirs.ID, 0, "person:ann", map[string]string{"contacts.registrant.email": "holder@holder.example"}, []disclosure.Reason{"balance"}, "The name stays.")
	}
	if err != nil {
		t.Fatal(err)
	}
	out["disclosures"], out["disclosure-new"], out["disclosure-form"] = "/desk/disclosures?all=1", "/desk/disclosures/new?name=shop.example.com", "/disclosure"
	out["disclosure-sent"], out["disclosure-received"], out["disclosure-status"] = "/desk/disclosures/"+ours.ID, "/desk/disclosures/"+theirs.ID, "/disclosure/status/"+token
	out["disclosure-answer"] = "/disclosure/answer/" + email.AnswerToken(w.Centre.ReplyKey, ours.ID, email.DisclosureRef)
}
