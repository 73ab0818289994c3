package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bailiwick/access"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/store"
)

// member signs somebody in who belongs to an organisation.
func (d *desk) member(login, org string, roles ...access.Role) *http.Client {
	d.t.Helper()
	p, err := d.Access.AddPerson(d.t.Context(), access.Console, access.NewPerson{Login: login, Name: login, Org: org, Roles: append(roles, access.Member)})
	if err == nil {
		err = d.Access.SetPassword(d.t.Context(), access.Console, p.ID, "four plain words here")
	}
	if err != nil {
		d.t.Fatal(err)
	}
	c := visitor()
	want := "/asks"
	if len(roles) > 0 {
		want = "/desk"
	}
	if a := d.post(c, "/login", url.Values{"login": {login}, "password": {"four plain words here"}}); a.at != want {
		d.t.Fatalf("a member begins at %s: %d", a.at, a.code)
	}
	return c
}

// coordinated is a case in which a host and a registrar were asked, with everything
// in it that no party is told.
func (d *desk) coordinated(url string) casework.Case {
	d.t.Helper()
	c := d.report(map[string]any{"type": "phishing", "url": url, "reporter": map[string]any{"name": "Rita Reporter", "contact": "rita@victim.example", "disclose": false}, "description": "secret-description"})
	parties := []party.Party{
		{ID: "host:1", Role: party.Host, Name: "Northbox", Email: "abuse@northbox.example", Reachable: true, Basis: "basis-of-host"},
		{ID: "registrar:7", Role: party.Registrar, Name: "Quickname", Email: "abuse@quickname.example", Reachable: true, Basis: "basis-of-registrar"},
		{ID: "registry:example", Role: party.Registry, Name: "Registry Example", Email: "abuse@registry.example", Reachable: true, Basis: "basis-of-registry"},
	}
	plan := casework.Plan{TLD: "gtld", DNSAllowed: true, Parties: parties}
	c, err := d.Centre.Act(d.t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: d.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Malicious, Reasons: []string{"secret-reason"}}, Plan: plan},
		casework.Confirm{By: "person:1", Plan: plan}, casework.AddNote{By: "person:1", Text: "secret-note"})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// reach says that the ask of a party reached it.
func (d *desk) reach(c casework.Case, id string) (casework.Case, casework.Obligation) {
	d.t.Helper()
	for _, o := range c.Obligations {
		if o.Party.ID != id {
			continue
		}
		c, err := d.Centre.Act(d.t.Context(), c.ID, casework.Noticed{Obligation: o.ID, Notice: 1, Result: casework.Accepted})
		if err != nil {
			d.t.Fatal(err)
		}
		o, _ = c.Obligation(o.ID)
		return c, o
	}
	d.t.Fatalf("%s was not asked: %+v", id, c.Obligations)
	return c, casework.Obligation{}
}

// TestMembers holds each page against each kind of person and what they may see
// there: a member the asks of its own parties and nothing else of a case.
func TestMembers(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	adm := d.signIn("adm", access.Admin)
	f := d.csrf(adm, "/orgs")
	org := func(name string, parties ...string) string {
		o, err := d.Access.AddOrg(ctx, access.Console, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parties {
			if a := d.post(adm, "/orgs/"+o.ID+"/link", with(f, "party", p)); a.code != http.StatusOK || !strings.Contains(a.body, p) {
				t.Fatalf("%s is not linked: %d %.2000s", p, a.code, a.body)
			}
		}
		return o.ID
	}
	host, registrar, none := org("Northbox Inc", "host:1"), org("Quickname Ltd", "registrar:7"), org("Nobody Yet")
	both := org("Group", "host:1", "registrar:7")
	c := d.coordinated("http://bad.example.com/login?mail=victim@victim.example")
	if len(c.Obligations) < 2 {
		t.Fatalf("%d obligations", len(c.Obligations))
	}
	c, ho := d.reach(c, "host:1")
	other := d.coordinated("http://other.example.org/") // nobody of it was reached
	c, err := d.Centre.Act(ctx, c.ID, casework.Answer{Obligation: ho.ID, By: "person:1", Answer: "need_more", Note: "secret-answer"})
	if err == nil {
		_, err = d.Centre.Act(ctx, c.ID, casework.Assign{By: "person:1", To: "person:1"})
	}
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]*http.Client{
		"host": d.member("host-desk", host), "registrar": d.member("registrar-desk", registrar), "both": d.member("group-desk", both), "none": d.member("none-desk", none),
		"analyst": d.signIn("ana", access.Analyst), "viewer": d.signIn("vic", access.Viewer), "auditor": d.signIn("aud", access.Auditor), "admin": adm,
	}
	// Where it is found: the case page has it all for who works the case.
	secrets := []string{"Rita", "rita@victim.example", "secret-description", "secret-reason", "secret-note", "secret-answer", "victim@victim.example", "person:", "abuse@", "basis-of", "Registry Example", "registry:example"}
	hosts, registrars := []string{"Northbox", "host:1"}, []string{"Quickname", "registrar:7"}
	pages := map[string]struct {
		path string
		may  string // who gets it; others get 403
		sees map[string][]string
	}{
		"list":      {"/asks", "host registrar both none", map[string][]string{"host": {"/asks/" + c.ID, "Northbox"}, "both": {"/asks/" + c.ID, "Northbox"}}},
		"all":       {"/asks?show=all", "host registrar both none", map[string][]string{"host": {"/asks/" + c.ID, "Northbox"}, "both": {"/asks/" + c.ID}}},
		"list json": {"/asks?format=json", "host registrar both none", map[string][]string{"host": {`"subject": "example.com"`, "host:1", ho.ID}}},
		"queue":     {"/desk", "analyst viewer auditor", nil},
		"case":      {"/cases/" + c.ID, "analyst viewer auditor", map[string][]string{"analyst": {"secret-note", "secret-answer", "Quickname"}}},
		"case json": {"/cases/" + c.ID + "?format=json", "analyst viewer auditor", nil},
		"chain":     {"/cases/" + c.ID + "/chain.jsonl", "analyst viewer auditor", nil},
		"evidence":  {"/cases/" + c.ID + "/evidence/" + strings.Repeat("0", 64), "", nil},
		"handoff":   {"/cases/" + c.ID + "/handoff/" + ho.ID, "", nil},
		"handoffs":  {"/desk/handoffs", "analyst viewer auditor", nil},
		"search":    {"/search?q=bad.example.com", "analyst viewer auditor", nil},
		"name":      {"/names/bad.example.com", "analyst viewer auditor", nil},
		"parties":   {"/parties", "analyst viewer auditor", nil},
		"party":     {"/parties/host:1", "analyst viewer auditor", nil},
		"requests":  {"/desk/disclosures", "analyst viewer auditor", nil},
		"people":    {"/people", "admin auditor", nil},
		"orgs":      {"/orgs", "admin auditor", nil},
		"org":       {"/orgs/" + host, "admin auditor", map[string][]string{"admin": {"host:1", "host-desk", "Take back"}, "auditor": {"host:1"}}},
		"log":       {"/access-log", "auditor", nil},
	}
	check := func(page, who string, a answer) {
		t.Helper()
		want := pages[page]
		if ok := strings.Contains(" "+want.may+" ", " "+who+" "); ok != (a.code == http.StatusOK) || !ok && want.may != "" && a.code != http.StatusForbidden {
			t.Errorf("%s as %s: %d", page, who, a.code)
		}
		for _, s := range want.sees[who] {
			if !strings.Contains(a.body, s) {
				t.Errorf("%s as %s: %q is not there", page, who, s)
			}
		}
		if !strings.HasPrefix(page, "list") && page != "all" && !strings.HasPrefix(page, "ask") {
			return
		}
		hidden := secrets
		if who != "host" && who != "both" {
			hidden = append(append(append([]string{}, hidden...), hosts...), "example.com", c.ID)
		}
		hidden = append(append([]string{}, hidden...), registrars...) // was not reached
		hidden = append(hidden, "example.org", other.ID)
		for _, s := range hidden {
			if strings.Contains(a.body, s) {
				t.Errorf("%s as %s: %q is shown", page, who, s)
			}
		}
		if !strings.Contains(page, "json") && a.code == http.StatusOK {
			harmless(t, page+" as "+who, a)
		}
	}
	for page, want := range pages {
		for who, client := range people {
			check(page, who, d.get(client, want.path))
		}
		if a := d.get(visitor(), want.path); !strings.Contains(want.path, "json") && a.at != "/login" {
			t.Errorf("%s: a stranger gets to %s", page, a.at)
		}
	}
	// A case is as if it did not exist for those who were told nothing of it.
	for who, client := range people {
		for _, q := range []string{"", "?format=json"} {
			a, b := d.get(client, "/asks/"+c.ID+q), d.get(client, "/asks/"+other.ID+q)
			want := map[string]int{"host": 200, "both": 200, "registrar": 404, "none": 404}[who]
			if want == 0 {
				want = http.StatusForbidden
			}
			if a.code != want || want != 200 && a.code != b.code || b.code == 200 {
				t.Errorf("%s of the case: %d, of another: %d", who, a.code, b.code)
			}
			if a.code == 200 {
				all := pages["list"]
				all.sees = map[string][]string{"host": {"Northbox"}, "both": {"Northbox"}}
				pages["ask"+q] = all
				check("ask"+q, who, a)
			}
		}
	}
	if a := d.get(people["host"], "/asks/"+c.ID); !strings.Contains(a.body, "asked to") || !strings.Contains(a.body, "time until") || !strings.Contains(a.body, `name="answer"`) || !strings.Contains(a.body, "login") {
		t.Errorf("%s", a.body)
	}

	// The registrar is reached: it sees its own ask, and not the host's answer.
	var ro casework.Obligation
	later := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/told-to-nobody"})
	if later.ID != c.ID {
		t.Fatal("the second report is on another case")
	}
	for _, o := range c.Obligations {
		if o.Party.ID == "registrar:7" {
			_, ro = d.reach(c, "registrar:7")
		}
	}
	if ro.ID != "" {
		a := d.get(people["registrar"], "/asks/"+c.ID)
		if a.code != http.StatusOK || !strings.Contains(a.body, "Quickname") || strings.Contains(a.body, "Northbox") || strings.Contains(a.body, ho.ID) || strings.Contains(a.body, "We need more information</b>") {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	if a := d.get(people["host"], "/asks/"+c.ID); strings.Contains(a.body, "told-to-nobody") {
		t.Error("what was reported after the message is shown")
	}

	// Answers: as the party, for one's own, once.
	token := func(client *http.Client) url.Values {
		a := d.get(client, "/asks/"+c.ID)
		m := csrfField.FindStringSubmatch(a.body)
		if m == nil {
			t.Fatal(a.body)
		}
		seen := a.body[strings.Index(a.body, `name="seen" value="`)+len(`name="seen" value="`):]
		return url.Values{"csrf": {m[1]}, "seen": {seen[:strings.IndexByte(seen, '"')]}}
	}
	say := func(client *http.Client, v url.Values, pairs ...string) answer {
		out := url.Values{"csrf": v["csrf"], "seen": v["seen"]}
		for i := 0; i+1 < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return d.post(client, "/asks/"+c.ID+"/answer", out)
	}
	mine := token(people["host"])
	stale := token(people["both"])
	foreign := d.csrf(people["registrar"], "/me")
	foreign["seen"] = mine["seen"]
	for what, a := range map[string]struct {
		answer
		code int
	}{
		"another party's":  {say(people["registrar"], foreign, "obligation", ho.ID, "answer", "acted"), 404},
		"of another case":  {d.post(people["host"], "/asks/"+other.ID+"/answer", url.Values{"csrf": mine["csrf"], "seen": {"0"}, "obligation": {other.Obligations[0].ID}, "answer": {"acted"}}), 404},
		"of a made-up one": {say(people["host"], mine, "obligation", "x", "answer", "acted"), 404},
		"a made-up answer": {say(people["host"], mine, "obligation", ho.ID, "answer", "obeyed", "note", "kept-note"), 422},
		"too long a note":  {say(people["host"], mine, "obligation", ho.ID, "answer", "acted", "note", strings.Repeat("x", 5000)), 422},
		"without a mark":   {say(people["host"], url.Values{"seen": mine["seen"]}, "obligation", ho.ID, "answer", "acted"), 403},
		"an analyst's":     {say(people["analyst"], with(d.csrf(people["analyst"], "/me")), "obligation", ho.ID, "answer", "acted"), 403},
	} {
		if a.answer.code != a.code {
			t.Errorf("%s: %d, not %d", what, a.answer.code, a.code)
		}
		if what == "a made-up answer" && !strings.Contains(a.body, "kept-note") {
			t.Error("what was written is lost")
		}
	}
	if now, _ := d.Centre.Case(ctx, c.ID); now.Obligations[0].Answer != "need_more" && now.Obligations[0].Party.ID == "host:1" {
		t.Errorf("%+v", now.Obligations[0])
	}
	if a := say(people["host"], mine, "obligation", ho.ID, "answer", "acted", "note", "ticket 4711"); a.code != http.StatusOK || !strings.Contains(a.body, "Thank you") || !strings.Contains(a.body, "We acted</b>") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := say(people["both"], stale, "obligation", ho.ID, "answer", "refused", "note", "not-lost"); a.code != http.StatusConflict || !strings.Contains(a.body, "meanwhile") || !strings.Contains(a.body, "not-lost") {
		t.Errorf("two of the same party: %d", a.code)
	}
	es, err := d.Centre.Events(ctx, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	last := es[len(es)-1]
	if want := fmt.Sprintf("party:%s/person:%s", ho.ID, d.person("host-desk").ID); last.Kind != casework.KindAnswered || last.Actor != want {
		t.Errorf("%s by %s, not %s", last.Kind, last.Actor, want)
	}
	if a := d.get(people["analyst"], "/cases/"+c.ID); !strings.Contains(a.body, "ticket 4711") {
		t.Error("the desk does not see the answer")
	}

	// Who is taken out of it sees nothing, from the next request on.
	if a := d.post(adm, "/orgs/"+host+"/unlink", with(f, "party", "host:1")); a.code != http.StatusOK || strings.Contains(a.body, "<code>host:1") {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := say(people["host"], mine, "obligation", ho.ID, "answer", "acted"); a.code != http.StatusNotFound {
		t.Errorf("answers for a party that is not theirs any more: %d", a.code)
	}
	if a, b := d.get(people["host"], "/asks/"+c.ID), d.get(people["host"], "/asks"); a.code != http.StatusNotFound || strings.Contains(b.body, c.ID) {
		t.Errorf("%d %s", a.code, b.body)
	}
	if err := d.Access.SetOrg(ctx, access.Console, d.person("group-desk").ID, none); err != nil {
		t.Fatal(err)
	}
	if a := d.get(people["both"], "/asks/"+c.ID); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
	aud := d.get(people["auditor"], "/access-log?act=changed&object="+host)
	if !strings.Contains(aud.body, "answers for host:1") || !strings.Contains(aud.body, "answers no more for host:1") {
		t.Error("the log does not say who was linked")
	}
}

// memberPages makes somebody a member of an organisation that answers for whoever was
// asked, and adds the pages of members.
func memberPages(t testing.TB, w *world, out map[string]string, org access.Org, a access.Account) {
	t.Helper()
	ctx := t.Context()
	cases, err := w.Centre.Cases(ctx, store.CaseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, c := range cases {
		for _, o := range c.Obligations {
			if o.Delivered.IsZero() || len(linked) == 4 && !linked[o.Party.ID] {
				continue
			}
			if !linked[o.Party.ID] {
				if _, err := w.Access.LinkParty(ctx, access.Console, org.ID, o.Party.ID); err != nil {
					t.Fatal(err)
				}
				linked[o.Party.ID] = true
			}
			if out["ask"] == "" || o.Action.Asks() && o.Status == casework.Running {
				out["ask"] = "/asks/" + c.ID
			}
		}
	}
	if out["ask"] == "" {
		t.Fatal("nobody was asked")
	}
	out["org"], out["asks"], out["asks-all"] = "/orgs/"+org.ID, "/asks", "/asks?show=all"
	if err := w.Access.SetOrg(ctx, access.Console, a.ID, org.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Access.SetRoles(ctx, access.Console, a.ID, append(a.Roles, access.Member)); err != nil {
		t.Fatal(err)
	}
}

// TestOrgForms: what is wrong with a link is said on its page, and who may not make
// one does not.
func TestOrgForms(t *testing.T) {
	d := newDesk(t)
	adm, ana, aud := d.signIn("adm", access.Admin), d.signIn("ana", access.Analyst), d.signIn("aud", access.Auditor)
	o, err := d.Access.AddOrg(t.Context(), access.Console, evil[:60])
	if err != nil {
		t.Fatal(err)
	}
	page, f := "/orgs/"+o.ID, d.csrf(adm, "/orgs")
	for in, says := range map[string]string{"": "a role and an identifier", "1861": "a role and an identifier", "owner:1": "a role and an identifier", "registrar:": "a role and an identifier", "registrar:unknown": "not known", "registrar:0": "IANA ID",
		"registrar:9999": "IANA ID", "registry:-": "top-level", "host:a b": "one word", "host:" + strings.Repeat("x", 300): "one word", "host:\u202e": "one word"} {
		if a := d.post(adm, page+"/link", with(f, "party", in)); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, says) {
			t.Errorf("%q: %d, %q is not said", in, a.code, says)
		}
	}
	for in, id := range map[string]string{" Registrar:01861 ": "registrar:1861", "registry:XN--P1AI": "registry:xn--p1ai", "host:NET-192-0-2-0": "host:NET-192-0-2-0", "host:2001:DB8::1": "host:2001:db8::1", "platform:shop.example": "platform:shop.example"} {
		if a := d.post(adm, page+"/link", with(f, "party", in)); a.code != http.StatusOK || !strings.Contains(a.body, "<code>"+strings.ReplaceAll(id, ".", "[.]")) {
			t.Errorf("%q: %d, not %s", in, a.code, id)
		}
	}
	if a := d.post(adm, page+"/link", with(f, "party", "registrar:1861")); a.code != http.StatusConflict {
		t.Errorf("linked twice: %d", a.code)
	}
	a := d.get(adm, page)
	harmless(t, "an organisation", a)
	if !strings.Contains(a.body, "not known here") {
		t.Error("a party that nobody knows passes without a word")
	}
	if a := d.get(aud, page); a.code != http.StatusOK || strings.Contains(a.body, "act-link") || strings.Contains(a.body, "Take back") {
		t.Errorf("an auditor: %d", a.code)
	}
	for i, c := range []*http.Client{ana, aud} {
		for _, p := range []string{"/link", "/unlink"} {
			if a := d.post(c, page+p, with(d.csrf(c, "/me"), "party", "registrar:1861")); a.code != http.StatusForbidden {
				t.Errorf("%s sent by %d: %d", p, i, a.code)
			}
		}
	}
	if a := d.post(adm, page+"/unlink", with(f, "party", "registrar:2")); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
	if a := d.get(adm, "/orgs/none"); a.code != http.StatusNotFound {
		t.Errorf("%d", a.code)
	}
}

// TestBackToThePage: who signs in after a form was refused gets to the page it stood
// on, whatever page that was.
func TestBackToThePage(t *testing.T) {
	d := newDesk(t)
	d.signIn("ana", access.Admin, access.Analyst)
	for path, want := range map[string]string{
		"/cases/X/confirm": "/cases/X", "/desk/disclosures/D/grant": "/desk/disclosures/D", "/desk/disclosures": "/desk/disclosures", "/people/P/roles": "/people/P", "/keys/K/revoke": "/keys",
		"/orgs/O/link": "/orgs/O", "/asks/A/answer": "/asks/A", "/names/bad.example/lookup": "/names/bad.example", "/me/password": "/me",
	} {
		a := d.post(visitor(), path, url.Values{"note": {"typed"}})
		if a.code == http.StatusNotFound || a.code == http.StatusMethodNotAllowed {
			continue
		}
		if link := `href="/login?to=` + url.QueryEscape(want) + `"`; a.code != http.StatusUnauthorized || !strings.Contains(a.body, link) {
			t.Errorf("%s: %d, %s is not offered", path, a.code, link)
		}
	}
}
