package web_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/inaccuracy"
	"bailiwick/name"
	"bailiwick/notify/email"
	"bailiwick/registration"
	"bailiwick/store"
)

// secretMail stands in the data of the names of these tests, and is wrong.
const secretMail = "zanzibar<script>alert(1)</script>"

// known puts an answer about a name into the history: a registrant whose mail
// address is none, at a registrar with a name that is markup.
func known(t testing.TB, a *app.App, n string, c registration.Contact) {
	t.Helper()
	d, err := name.Parse(n)
	if err != nil {
		t.Fatal(err)
	}
	rec := registration.Record{Domain: n, State: registration.Registered, Registrar: registration.Registrar{Name: "Odd <b>Registrar", IANAID: "9999", AbuseEmail: "desk@registrar.example"},
		Contacts: map[string]registration.Contact{registration.Registrant: c}}
	if err := a.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := a.Centre.Remember(context.WithoutCancel(t.Context()), tx, d, rec, false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

var wrongMail = registration.Contact{Name: "Ann Odd", Email: secretMail, Phone: "+44.2079460123", Street: []string{"1 Long Lane"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB"}

// TestInaccuracyPages: from the button to the answer, with what a viewer, a
// stranger and a stale page get.
func TestInaccuracyPages(t *testing.T) {
	d := newDesk(t)
	known(t, d.App, "example.com", wrongMail)
	ann, viewer := d.signIn("ann", access.Analyst), d.signIn("vic", access.Viewer)
	if a := d.get(visitor(), "/desk/inaccuracy"); a.at != "/login" {
		t.Errorf("the list is at %s", a.at)
	}
	form := d.get(ann, "/desk/inaccuracy/new?name=www.example.com")
	if form.code != http.StatusOK || !strings.Contains(form.body, "waps-raa-2013") {
		t.Fatalf("%d %s", form.code, form.body)
	}
	csrf := acting(form).Get("csrf")
	for _, bad := range []url.Values{{"name": {"x y"}, "profile": {"waps-raa-2013"}}, {"name": {"example.com"}, "profile": {"<i>"}}, {"name": {"example.com"}, "profile": {"waps-raa-2013"}, "party_email": {"x"}}} {
		if a := d.post(ann, "/desk/inaccuracy", plus(bad, "csrf", csrf)); a.code != http.StatusUnprocessableEntity || strings.Contains(a.body, "<i>") {
			t.Errorf("%v: %d", bad, a.code)
		}
	}
	what := func() url.Values { return url.Values{"name": {"www.example.com"}, "policy": {"waps-raa-2013"}} }
	if a := d.post(viewer, "/desk/inaccuracy", plus(what(), "csrf", acting(d.get(viewer, "/preferences")).Get("csrf"))); a.code != http.StatusForbidden {
		t.Errorf("a viewer opens: %d", a.code)
	}
	a := d.post(ann, "/desk/inaccuracy", plus(what(), "csrf", csrf))
	m := regexp.MustCompile(`^/desk/inaccuracy/([0-9A-Z]{26})`).FindStringSubmatch(a.at)
	if a.code != http.StatusOK || m == nil || !strings.Contains(a.body, "Nobody was asked yet") {
		t.Fatalf("%d %s %s", a.code, a.at, a.body)
	}
	id, page := m[1], m[0]
	harmless(t, "case", a)
	if again := d.post(ann, "/desk/inaccuracy", plus(what(), "csrf", csrf)); !strings.HasPrefix(again.at, page) || !strings.Contains(again.body, "open case already") {
		t.Errorf("opened twice: %d %s", again.code, again.at)
	}
	if strings.Contains(a.body, "zanzibar") {
		t.Error("the page shows a value that nobody asked for")
	}
	v := d.get(viewer, page)
	if v.code != http.StatusOK || strings.Contains(v.body, page+"/") && strings.Contains(v.body, "<form method=\"post\" action=\""+page) {
		t.Errorf("a viewer may act: %d", v.code)
	}
	mine := acting(d.get(viewer, "/preferences")).Get("csrf")
	for _, act := range []string{"send", "read", "close", "file", "recheck"} {
		if a := d.post(viewer, page+"/"+act, url.Values{"csrf": {mine}, "seq": {"2"}, "outcome": {"mistaken"}, "text": {"x"}}); a.code != http.StatusForbidden {
			t.Errorf("a viewer does %s: %d", act, a.code)
		}
	}
	if a := d.post(ann, page+"/read", acting(a)); a.code != http.StatusOK || !strings.Contains(a.body, "zanzibar") || strings.Contains(a.body, "<script>alert") || a.h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", a.code, a.body)
	}
	stale := acting(a)
	if a = d.post(ann, page+"/send", acting(a)); a.code != http.StatusOK || !strings.Contains(a.body, "on its way") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.post(ann, page+"/close", plus(stale, "outcome", "mistaken", "text", "x")); a.code != http.StatusConflict {
		t.Errorf("closed on what was seen before: %d", a.code)
	}
	if a := d.post(ann, page+"/close", plus(acting(d.get(ann, page)), "outcome", "corrected")); a.code != http.StatusForbidden || !strings.Contains(a.body, "not seen to pass") {
		t.Errorf("closed as corrected: %d", a.code)
	}

	// The party: no account, the checks, no value.
	link := "/inaccuracy/answer/" + email.AnswerToken(d.Centre.ReplyKey, id, email.InaccuracyRef)
	party := visitor()
	if a := d.get(party, link); a.code != http.StatusOK || strings.Contains(a.body, "zanzibar") || !strings.Contains(a.body, "registrant’s e-mail") {
		t.Errorf("%d %s", a.code, a.body)
	} else {
		harmless(t, "answer", a)
	}
	for _, other := range []string{link + "x", "/inaccuracy/answer/" + email.AnswerToken(d.Centre.ReplyKey, id, email.DisclosureRef)} {
		if a := d.get(party, other); a.code != http.StatusNotFound {
			t.Errorf("%s: %d", other, a.code)
		}
	}
	for _, bad := range []url.Values{{}, {"answer": {"breach"}}, {"answer": {"refused"}}} {
		if a := d.post(party, link, bad); a.code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", bad, a.code)
		}
	}
	if a := d.post(party, link, url.Values{"answer": {"corrected"}, "text": {"<b>done</b> zanzibar"}}); a.code != http.StatusOK || !strings.Contains(a.body, "Thank you") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	known(t, d.App, "example.com", func() registration.Contact { c := wrongMail; c.Email = "ann@mail.example.com"; return c }())
	a = d.post(ann, page+"/recheck", acting(d.get(ann, page)))
	if a.code != http.StatusOK || !strings.Contains(a.body, "the same checks pass now") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a = d.post(ann, page+"/close", plus(acting(a), "outcome", "corrected")); a.code != http.StatusOK || !strings.Contains(a.body, "Closed.") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	harmless(t, "closed", a)
	for _, path := range []string{page, page + "?format=json", page + "/chain.jsonl", page + "/file", page + "/file?format=json", "/desk/inaccuracy?all=1", "/desk/inaccuracy?all=1&format=json"} {
		if a := d.get(ann, path); a.code != http.StatusOK || strings.Contains(a.body, "zanzibar") {
			t.Errorf("%s: %d, or it shows what it should not", path, a.code)
		}
	}
	if a := d.post(ann, page+"/file", acting(d.get(ann, page))); a.code != http.StatusOK || !strings.Contains(a.body, "zanzibar") || !strings.HasPrefix(a.h.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(party, link); !strings.Contains(a.body, "closed") {
		t.Errorf("%s", a.body)
	}
	for q, want := range map[string]int{"state=closed": http.StatusOK, "state=nonsense": http.StatusUnprocessableEntity, "after=nothing": http.StatusNotFound} {
		if a := d.get(ann, "/desk/inaccuracy?"+q); a.code != want {
			t.Errorf("%s: %d", q, a.code)
		}
	}
	es, err := d.Access.Entries(t.Context(), access.EntryFilter{Kind: access.Registration, Object: "example.com"})
	logged := 0
	for _, e := range es {
		if strings.Contains(e.Detail, id) {
			logged++
		}
	}
	if err != nil || logged != 2 {
		t.Errorf("%d readings are logged: %v", logged, err)
	}
}

// inaccuracyPages adds the pages of inaccuracy cases, of one in the state that
// shows most.
func inaccuracyPages(t testing.TB, a *app.App, out map[string]string) {
	t.Helper()
	ctx := t.Context()
	known(t, a, "example.com", wrongMail)
	c, err := a.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "example.com", Profile: "waps-raa-2013"}, "person:ann")
	if err == nil {
		out["inaccuracy-found"] = "/desk/inaccuracy/" + c.ID
		known(t, a, "example.net", wrongMail)
		c, err = a.Centre.OpenInaccuracy(ctx, centre.InaccuracyDraft{Name: "example.net", Profile: "waps-raa-2013"}, "person:ann")
	}
	if err == nil {
		_, err = a.Centre.ActInaccuracy(ctx, c.ID, 0, inaccuracy.Send{By: "person:ann"}, inaccuracy.Noticed{N: 1, Result: casework.Accepted, Response: "250 2.0.0 taken"},
			inaccuracy.Mail{ID: "m", Says: "a person wrote: read it"}, inaccuracy.Answer{By: "party:" + c.ID, Said: inaccuracy.SaidNo, Text: "The holder says it is right."})
	}
	if err != nil {
		t.Fatal(err)
	}
	out["inaccuracies"], out["inaccuracy-new"], out["inaccuracy"] = "/desk/inaccuracy?all=1", "/desk/inaccuracy/new?name=shop.example.com", "/desk/inaccuracy/"+c.ID
	out["inaccuracy-answer"] = "/inaccuracy/answer/" + email.AnswerToken(a.Centre.ReplyKey, c.ID, email.InaccuracyRef)
}
