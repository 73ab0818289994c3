package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/party"
)

var secretField = regexp.MustCompile(`<p class="receipt" tabindex="0">([^<]+)</p>`)

// csrf is what a page's forms carry.
func (d *desk) csrf(c *http.Client, path string) url.Values {
	d.t.Helper()
	m := csrfField.FindStringSubmatch(d.get(c, path).body)
	if m == nil {
		d.t.Fatalf("%s has no form", path)
	}
	return url.Values{"csrf": {m[1]}}
}

func with(v url.Values, pairs ...string) url.Values {
	out := url.Values{"csrf": v["csrf"], "seq": v["seq"]}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Add(pairs[i], pairs[i+1])
	}
	return out
}

func (d *desk) person(login string) access.Account {
	d.t.Helper()
	a, err := d.Access.PersonByLogin(d.t.Context(), login)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// TestPeople goes through what an administrator does with people and keys.
func TestPeople(t *testing.T) {
	d := newDesk(t)
	adm := d.signIn("adm", access.Admin)
	f := d.csrf(adm, "/people")
	a := d.post(adm, "/people", with(f, "login", "Eve", "name", `<b>Eve</b>`, "role", "analyst", "role", "viewer"))
	link := secretField.FindStringSubmatch(a.body)
	if a.code != http.StatusOK || link == nil || !strings.Contains(link[1], access.WelcomePath) {
		t.Fatalf("%d %s", a.code, a.body)
	}
	harmless(t, "a link", a)
	if strings.Contains(d.get(adm, "/people").body, link[1]) {
		t.Error("the link is shown twice")
	}
	// The link sets the password and signs in, once.
	eve := visitor()
	path := link[1][strings.Index(link[1], access.WelcomePath):]
	pass := url.Values{"password": {"five plain words are here"}, "again": {"five plain words are here"}}
	if a := d.post(eve, path, pass); a.at != "/desk" {
		t.Fatalf("%d at %s", a.code, a.at)
	}
	if a := d.post(visitor(), path, pass); a.code != http.StatusNotFound {
		t.Errorf("a link that was used: %d", a.code)
	}
	id := d.person("eve").ID
	page := "/people/" + id
	harmless(t, "a person", d.get(adm, page))

	// What is wrong with a form is said on its page.
	for what, c := range map[string]struct {
		path, says string
		form       url.Values
	}{
		"a login that is taken": {"/people", "taken", with(f, "login", "eve", "role", "viewer")},
		"no roles":              {"/people", "name at least one", with(f, "login", "mo")},
		"a member of nothing":   {"/people", "a member sees what belongs", with(f, "login", "mo", "role", "member")},
		"roles of nothing":      {page + "/roles", "name at least one", with(f)},
		"a key of more":         {page + "/key", "may have some of", with(f, "name", "x", "role", "admin", "days", "1")},
		"a key for nothing":     {page + "/key", "what the key is for", with(f, "role", "api", "days", "1")},
		"a key for how long":    {page + "/key", "number from 0", with(f, "name", "x", "role", "api", "days", "x")},
		"not sure":              {page + "/delete", "tick that you are sure", with(f)},
		"no name":               {"/orgs", "is missing", with(f, "name", " ")},
		"the last of them":      {"/people/" + d.person("adm").ID + "/disable", "only administrator", with(f)},
	} {
		if a := d.post(adm, c.path, c.form); a.code < 400 || a.code >= 500 || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d, %q is not said: %.3000s", what, a.code, c.says, a.body)
		}
	}

	if a := d.post(adm, "/orgs", with(f, "name", "Example Bank")); a.code != http.StatusOK || !strings.Contains(a.body, "Example Bank") {
		t.Errorf("%d %s", a.code, a.body)
	}
	orgs, err := d.Access.Orgs(t.Context())
	if err != nil || len(orgs) != 1 {
		t.Fatalf("%v %v", orgs, err)
	}
	if a := d.post(adm, page+"/roles", with(f, "role", "member", "org", orgs[0].ID)); a.code != http.StatusOK || d.person("eve").Org != orgs[0].ID || !d.person("eve").Person().Has(access.Member) {
		t.Errorf("%d %+v", a.code, d.person("eve"))
	}
	if a := d.get(eve, "/desk"); a.code != http.StatusForbidden {
		t.Errorf("a member has the desk at once: %d", a.code)
	}
	if a := d.post(adm, page+"/roles", with(f, "role", "analyst", "org", "")); a.code != http.StatusOK || d.person("eve").Org != "" {
		t.Errorf("%d %+v", a.code, d.person("eve"))
	}

	// A key: shown once, good, revoked.
	a = d.post(adm, page+"/key", with(f, "name", "a feed", "role", "api", "days", "30"))
	key := secretField.FindStringSubmatch(a.body)
	if key == nil || !strings.HasPrefix(key[1], access.KeyPrefix) {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if p, err := d.Access.Identify(t.Context(), key[1]); err != nil || p.ID != id {
		t.Errorf("%+v %v", p, err)
	}
	keys, err := d.Access.Keys(t.Context(), id)
	if err != nil || len(keys) != 1 || !strings.Contains(d.get(adm, "/keys").body, "a feed") || strings.Contains(d.get(adm, page).body, key[1]) {
		t.Fatalf("%v %v", keys, err)
	}
	if a := d.post(adm, "/keys/"+keys[0].ID+"/revoke", f); a.code != http.StatusOK || !strings.Contains(a.body, "revoked") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(adm, "/keys/"+keys[0].ID+"/revoke", f); a.code != http.StatusConflict {
		t.Errorf("revoked twice: %d", a.code)
	}
	if _, err := d.Access.Identify(t.Context(), key[1]); !access.Unknown(err) {
		t.Errorf("a key that was revoked: %v", err)
	}

	// Barred at once, let in again, deleted.
	if a := d.post(adm, page+"/disable", f); a.code != http.StatusOK || d.get(eve, "/desk").at != "/login" {
		t.Errorf("%d: barred, and still in", a.code)
	}
	if a := d.post(adm, page+"/enable", f); a.code != http.StatusOK || !d.person("eve").Disabled.IsZero() {
		t.Errorf("%d", a.code)
	}
	if a := d.post(adm, page+"/delete", with(f, "sure", "yes")); a.at != "/people" || strings.Contains(a.body, "&lt;b&gt;Eve") {
		t.Errorf("%d at %s", a.code, a.at)
	}
	if a := d.get(adm, page); a.code != http.StatusNotFound {
		t.Errorf("a person who was deleted: %d", a.code)
	}
}

// TestOffice holds the pages of people against who may see them, and their forms
// against who may send them.
func TestOffice(t *testing.T) {
	d := newDesk(t)
	adm, ana, aud := d.signIn("adm", access.Admin), d.signIn("ana", access.Analyst), d.signIn("aud", access.Auditor)
	id := d.person("ana").ID
	for path, want := range map[string][3]int{ // administrator, analyst, auditor
		"/people": {200, 403, 200}, "/people/" + id: {200, 403, 200}, "/keys": {200, 403, 200}, "/orgs": {200, 403, 200}, "/access-log": {403, 403, 200}, "/me": {200, 200, 200},
	} {
		for i, c := range []*http.Client{adm, ana, aud} {
			for _, p := range []string{path, path + "?format=json"} {
				if a := d.get(c, p); a.code != want[i] || a.code == 200 && strings.Contains(a.body, "argon2") {
					t.Errorf("%s as %d: %d", p, i, a.code)
				}
			}
		}
		if a := d.get(visitor(), path); a.at != "/login" {
			t.Errorf("%s: a stranger gets to %s", path, a.at)
		}
	}
	for i, c := range []*http.Client{ana, aud} {
		f := with(d.csrf(c, "/me"), "login", "mo", "role", "viewer", "name", "x", "days", "1", "sure", "yes")
		for _, p := range []string{"/people", "/people/" + id + "/roles", "/people/" + id + "/link", "/people/" + id + "/key", "/people/" + id + "/disable", "/people/" + id + "/delete", "/keys/x/revoke", "/orgs"} {
			if a := d.post(c, p, f); a.code != http.StatusForbidden {
				t.Errorf("%s sent by %d: %d", p, i, a.code)
			}
		}
	}
	// No form goes without the session's own mark.
	for _, p := range []string{"/people", "/people/" + id + "/delete", "/me/password", "/me/others", "/orgs"} {
		if a := d.post(adm, p, url.Values{"csrf": d.csrf(ana, "/me")["csrf"], "login": {"mo"}, "role": {"viewer"}, "sure": {"yes"}, "name": {"x"}}); a.code != http.StatusForbidden {
			t.Errorf("%s with another session's mark: %d", p, a.code)
		}
	}
	if strings.Contains(d.get(aud, "/people").body, "act-add") || strings.Contains(d.get(aud, "/people/"+id).body, "<details") {
		t.Error("an auditor sees forms")
	}

	// The log: what was done, by whom, page by page.
	for range 130 {
		d.get(adm, "/people/"+id)
	}
	a := d.get(aud, "/access-log?who=adm&act=looked&kind=person")
	if a.code != http.StatusUnprocessableEntity {
		t.Errorf("a kind that is none: %d", a.code)
	}
	a = d.get(aud, "/access-log?who=adm&act=looked&object="+id)
	next := regexp.MustCompile(`href="(/access-log[^"]*before=[^"]*)"`).FindStringSubmatch(a.body)
	if strings.Count(a.body, "<tr data-row>") != 100 || next == nil {
		t.Fatalf("%d %s", a.code, a.body)
	}
	harmless(t, "the access log", a)
	if a = d.get(aud, strings.ReplaceAll(next[1], "&amp;", "&")); strings.Count(a.body, "<tr data-row>") < 30 || !strings.Contains(a.body, "Latest") {
		t.Errorf("%d lines on the second page", strings.Count(a.body, "<tr data-row>"))
	}
	for q, code := range map[string]int{"who=nobody": 422, "act=flew": 422, "before=x": 422, "who=person:gone": 200, "object=%3Cb%3E": 200} {
		if a := d.get(aud, "/access-log?"+q); a.code != code {
			t.Errorf("%s: %d", q, a.code)
		}
	}
}

// TestMe: one's own password, keys and sessions, and nobody else's.
func TestMe(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.signIn("ana", access.Analyst), d.signIn("ben", access.Analyst)
	in := func(password string) *http.Client {
		c := visitor()
		if a := d.post(c, "/login", url.Values{"login": {"ana"}, "password": {password}}); a.at != "/desk" {
			return nil
		}
		return c
	}
	two, three := in("four plain words here"), in("four plain words here")
	a := d.get(two, "/me")
	if strings.Count(a.body, `action="/me/end"`) != 2 || strings.Count(a.body, "This one") != 1 {
		t.Fatalf("%s", a.body)
	}
	one := regexp.MustCompile(`name="session" value="([0-9a-f]+)"`).FindStringSubmatch(a.body)
	if a := d.post(ben, "/me/end", with(d.csrf(ben, "/me"), "session", one[1])); a.code != http.StatusNotFound {
		t.Errorf("another's session: %d", a.code)
	}
	f := d.csrf(two, "/me")
	if a := d.post(two, "/me/end", with(f, "session", one[1])); a.code != http.StatusOK {
		t.Errorf("%d", a.code)
	}
	if a := d.post(two, "/me/others", f); a.code != http.StatusOK || d.get(ana, "/me").at != "/login" || d.get(three, "/me").at != "/login" || d.get(ben, "/me").at != "/me" {
		t.Errorf("%d: others are still in, or more than those are out", a.code)
	}
	// A key of one's own.
	a = d.post(two, "/me/key", with(f, "name", "my script", "role", "analyst", "days", "1"))
	key := secretField.FindStringSubmatch(a.body)
	if key == nil {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := d.post(two, "/me/key", with(f, "name", "more", "role", "admin", "days", "1")); a.code != http.StatusUnprocessableEntity {
		t.Errorf("a key with roles one has not: %d", a.code)
	}
	keys, err := d.Access.Keys(t.Context(), d.person("ana").ID)
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v %v", keys, err)
	}
	if a := d.post(ben, "/me/revoke", with(d.csrf(ben, "/me"), "key", keys[0].ID)); a.code != http.StatusNotFound {
		t.Errorf("another's key: %d", a.code)
	}
	if a := d.post(two, "/me/revoke", with(f, "key", keys[0].ID)); a.code != http.StatusOK {
		t.Errorf("%d", a.code)
	}
	// The password.
	for what, c := range map[string]struct{ old, new, again, says string }{
		"wrong":    {"four plain words there", "quite another set of words", "quite another set of words", "is not your password"},
		"not same": {"four plain words here", "quite another set of words", "quite another set of word", "are not the same"},
		"short":    {"four plain words here", "short", "short", "fewer than 15"},
	} {
		if a := d.post(two, "/me/password", with(f, "old", c.old, "password", c.new, "again", c.again)); a.code != http.StatusUnprocessableEntity && a.code != http.StatusBadRequest || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %.3000s", what, a.code, a.body)
		}
	}
	const fresh = "quite another set of words"
	if a := d.post(two, "/me/password", with(f, "old", "four plain words here", "password", fresh, "again", fresh)); a.at != "/me" || !strings.Contains(a.body, "Your password is set") {
		t.Errorf("%d at %s", a.code, a.at)
	}
	if in("four plain words here") != nil || in(fresh) == nil {
		t.Error("the old password is good, or the new one is not")
	}
}

// TestAssignee: a case is taken, listed, given and let go.
func TestAssignee(t *testing.T) {
	d := newDesk(t)
	ana, ben := d.signIn("ana", access.Analyst), d.signIn("ben", access.Analyst)
	d.signIn("vic", access.Viewer)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	other := d.report(map[string]any{"type": "phishing", "url": "http://worse.example.net/"})
	lists := func(b *http.Client, query string, want ...string) {
		t.Helper()
		a := d.get(b, "/desk?"+query)
		for _, id := range []string{c.ID, other.ID} {
			if strings.Contains(a.body, "/cases/"+id) != strings.Contains(strings.Join(want, " "), id) {
				t.Errorf("%s: %v is not what is listed: %s, %d", query, want, id, a.code)
			}
		}
	}
	if a := d.post(ana, "/cases/"+c.ID+"/assign", with(d.form(ana, c.ID), "to", "me")); a.code != http.StatusOK || !strings.Contains(a.body, "worked by") || !strings.Contains(a.body, "Taken") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	lists(ana, "assignee=me", c.ID)
	lists(ben, "assignee=me")
	lists(ben, "assignee=ana", c.ID)
	lists(ben, "assignee=none", other.ID)
	lists(ben, "", c.ID, other.ID)
	if a := d.get(ben, "/desk?assignee=nobody-here"); a.code != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.code)
	}
	if a := d.get(ben, "/desk?assignee=ana&format=json"); !strings.Contains(a.body, `"assignee": "person:`) {
		t.Error(a.body)
	}
	if a := d.get(ben, "/desk"); !strings.Contains(a.body, `<td class="small dim q-with"><bdi dir="auto">Ana</bdi>`) {
		t.Error("the queue does not say who works it")
	}
	stale := d.form(ana, c.ID)
	if a := d.post(ben, "/cases/"+c.ID+"/assign", with(d.form(ben, c.ID), "to", "ben")); a.code != http.StatusOK || !strings.Contains(a.body, "Taken") {
		t.Errorf("%d", a.code)
	}
	if a := d.post(ana, "/cases/"+c.ID+"/assign", with(stale, "to", "")); a.code != http.StatusConflict {
		t.Errorf("Ana did not see that Ben took it: %d", a.code)
	}
	if a := d.post(ana, "/cases/"+c.ID+"/assign", with(d.form(ana, c.ID), "to", "vic")); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "may not work cases") {
		t.Errorf("given to a viewer: %d", a.code)
	}
	if a := d.post(ana, "/cases/"+c.ID+"/assign", with(d.form(ana, c.ID), "to", "")); a.code != http.StatusOK || !strings.Contains(a.body, "Nobody works it any more") {
		t.Errorf("%d", a.code)
	}
	lists(ana, "assignee=none", c.ID, other.ID)
}

// TestAskRefused: what a look does not bear out is not asked, and the page says
// why and keeps what was written. (What is asked, TestLife shows.)
func TestAskRefused(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	plan := casework.Plan{TLD: "gtld", DNSAllowed: true, Parties: []party.Party{{ID: "registrar:1", Role: party.Registrar, Name: "Quickname", Email: "abuse@quickname.example", Reachable: true}}}
	c, err := d.Centre.Act(t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: d.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Malicious}, Plan: plan}, casework.Confirm{By: "person:1", Plan: plan})
	if err == nil {
		c, err = d.Centre.Act(t.Context(), c.ID, casework.Noticed{Obligation: c.ID + "-1", Notice: 1, Result: casework.Accepted})
	}
	if err != nil {
		t.Fatal(err)
	}
	a := d.get(ana, "/cases/"+c.ID)
	for _, want := range []string{`value="step:registry"`, `id="act-escalate"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is not offered", want)
		}
	}
	harmless(t, "the forms", a)
	for path, form := range map[string]url.Values{
		"ask":      with(d.form(ana, c.ID), "what", "step:registry", "reason", "they lose money"),
		"escalate": with(d.form(ana, c.ID), "obligation", c.ID+"-1", "reason", "they lose money"),
	} {
		// There is no network here: the look sees nothing.
		a := d.post(ana, "/cases/"+c.ID+"/"+path, form)
		if a.code != http.StatusForbidden || !strings.Contains(a.body, "did not see the abuse") || !strings.Contains(a.body, `id="act-`+path+`" open`) && !strings.Contains(a.body, "Looks") {
			t.Errorf("%s: %d %.6000s", path, a.code, a.body)
		}
		if a := d.post(ana, "/cases/"+c.ID+"/"+path, with(d.form(ana, c.ID), "what", "step:registry", "obligation", c.ID+"-1", "reason", " ")); a.code != http.StatusUnprocessableEntity {
			t.Errorf("%s without a reason: %d", path, a.code)
		}
	}
	if now, err := d.Centre.Case(t.Context(), c.ID); err != nil || len(now.Obligations) != 1 || now.Looks == c.Looks {
		t.Errorf("%d asked, %d looks: %v", len(now.Obligations), now.Looks, err)
	}
	if a := d.post(ana, "/cases/"+c.ID+"/ask", with(d.form(ana, c.ID), "what", "x", "reason", "y")); a.code != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.code)
	}
}
