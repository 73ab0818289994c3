package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/lab"
	"bailiwick/name"
	"bailiwick/registration"
	"bailiwick/registration/show"
	"bailiwick/store"

	"golang.org/x/net/html"
)

// remember puts an answer about a name into a centre's history, with the raw
// bytes of each source.
func remember(t testing.TB, a *app.App, domain string, rec registration.Record, plain bool) {
	t.Helper()
	d, err := name.Parse(domain)
	if err != nil {
		t.Fatal(err)
	}
	rec.Domain = d.String()
	for path, s := range rec.Sources {
		if s.Blob, err = a.Store.PutBlob(t.Context(), "application/rdap+json", []byte("the raw answer of "+s.Server)); err != nil {
			t.Fatal(err)
		}
		rec.Sources[path] = s
		for i := range rec.Answers {
			if rec.Answers[i].Server == s.Server {
				rec.Answers[i].Blob = s.Blob
			}
		}
	}
	if err := a.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := a.Centre.Remember(t.Context(), tx, d, rec, plain)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// answered is a record of two answers in which every state of a field occurs.
func answered(at time.Time) registration.Record {
	registry := registration.Source{Protocol: "rdap", Server: "https://rdap.registry.example/domain/x", Role: "registry", At: at}
	registrar := registration.Source{Protocol: "rdap", Server: "https://rdap.registrar.example/domain/x", Role: "registrar", At: at}
	return registration.Record{State: registration.Registered, Handle: "1234_DOMAIN-EXMPL",
		Registrar: registration.Registrar{Name: "Quickname Ltd", IANAID: "9995", URL: "https://www.registrar.example/", AbuseEmail: "abuse@registrar.example"},
		Created:   registration.Date{Time: at.AddDate(-8, 0, 0)}, Expires: registration.Date{Time: at.AddDate(0, 3, 0), DayOnly: true},
		Statuses: []string{"clientTransferProhibited", "paid and in zone"}, Nameservers: []string{"ns1.example.net", "ns2.example.net"}, DNSSEC: "unsigned",
		Contacts: map[string]registration.Contact{
			"registrant": {Organization: "Holder Trading Ltd", Street: []string{"1 Test Street", "Suite 5"}, City: "Testville", Country: "DE"},
			"admin":      {Name: "Alice Adminson", Email: "alice@holder.example", Phone: "+1.5555550100"},
			"tech":       {Name: "Alice Adminson", Email: "alice@holder.example", Phone: "+1.5555550100"},
		},
		Fields: map[string]registration.FieldState{"contacts.registrant.name": registration.Redacted, "contacts.registrant.email": registration.Redacted, "contacts.billing": registration.Proxy, "updated": registration.Unparsed},
		Unread: map[string]string{"updated": "the day before yesterday", "contacts.tech.fax": "ask Alice Adminson"},
		Findings: []registration.Finding{
			{ID: "merge.conflict", Severity: registration.Advice, Path: "expires", Source: "registrar", Detail: "the registry says 2027-02-09, the registrar 2027-03-09; the registry's stays"},
			{ID: "gtld.no-notices", Severity: registration.Must, ICANNCode: -46500, Path: "$", Detail: "no notices", Source: "registry"},
			{ID: "rdap.date", Severity: registration.RFC, Path: "$.events[0].eventDate", Detail: "the date is not written as RFC 3339 says"},
			{ID: "registration.proxy", Severity: registration.Advice, Path: "contacts.billing", Detail: "a privacy or proxy service stands in: Alice Adminson Privacy"}},
		Sources: map[string]registration.Source{"": registry, "registrar.abuse_email": registrar, "contacts.registrant.city": registrar},
		Answers: []registration.Answer{{Source: registry, State: registration.Registered}, {Source: registrar, State: registration.Registered},
			{Source: registration.Source{Protocol: "whois", Server: "whois.registrar.example", Role: "registrar", At: at}, State: registration.Throttled}},
	}
}

// registrationPages adds the pages of names of which much and nothing is known.
func registrationPages(t testing.TB, w *world, out map[string]string) {
	t.Helper()
	at := w.clock.Now()
	first := answered(at)
	first.Statuses, first.Nameservers, first.Registrar.Name = first.Statuses[:1], []string{"ns1.example.net", "ns9.example.net"}, "Slowname Inc"
	remember(t, w.App, "example.com", first, false)
	rec := answered(at)
	rec.Contacts["registrant"] = registration.Contact{Organization: "株式会社例示テスト用の非常に長い名前の会社とその子会社", City: "مدينة", Country: "JP"}
	rec.Nameservers = append(rec.Nameservers, "xn--mgbh0fb.example.net", strings.Repeat("a-long-label-of-a-name.", 8)+"example.net")
	remember(t, w.App, "example.com", rec, false)
	out["registration"], out["registration-none"] = "/names/www.example.com?contacts=1", "/names/never-asked.example?looked=throttled"
}

// part is the words of the part of a page about the registration, one space
// between.
func part(t testing.TB, a answer) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "section" {
			continue
		}
		for _, at := range n.Attr {
			if at.Key == "id" && at.Val == "registration" {
				var b strings.Builder
				for x := range n.Descendants() {
					if x.Type == html.TextNode {
						b.WriteString(x.Data + " ")
					}
				}
				return strings.Join(strings.Fields(b.String()), " ")
			}
		}
	}
	t.Fatalf("%s has no registration", a.at)
	return ""
}

// looks counts the logged looks at the contacts of a name.
func (d *desk) looks(domain string) int {
	d.t.Helper()
	es, err := d.Access.Entries(d.t.Context(), access.EntryFilter{Act: access.Looked, Kind: access.Registration, Object: domain})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(es)
}

func has(t testing.TB, where, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q: %.3000s", where, w, text)
		}
	}
}

func hasNot(t testing.TB, where, text string, bad ...string) {
	t.Helper()
	for _, w := range bad {
		if strings.Contains(text, w) {
			t.Errorf("%s says %q", where, w)
		}
	}
}

// TestRegistration: the record with the states and sources of its fields, the
// history, and who sees contacts.
func TestRegistration(t *testing.T) {
	d := newDesk(t)
	ana, vic := d.signIn("ana", access.Analyst), d.signIn("vic", access.Viewer)
	aud := d.signIn("aud", access.Auditor)
	c := d.report(map[string]any{"type": "phishing", "url": "http://www.bad.example.com/"})
	key := c.Subject.Key()
	const cold = "Not looked up yet"
	pages := []string{"/cases/" + c.ID, "/names/" + key, "/names/www." + key}
	for _, p := range pages {
		has(t, p, part(t, d.get(ana, p)), cold, "Look up now")
		text := part(t, d.get(vic, p))
		has(t, p, text, cold, "an analyst can have it looked up")
		hasNot(t, p, text, "Look up now")
	}

	at := d.Centre.Clock.Now().Add(-time.Minute)
	first := answered(at)
	first.Statuses, first.Nameservers = first.Statuses[:1], []string{"ns1.example.net", "ns9.example.net"}
	first.Registrar.Name, first.Contacts["admin"] = "Slowname Inc", registration.Contact{Name: "Bob Before", Email: "bob@holder.example"}
	remember(t, d.App, key, first, false)
	remember(t, d.App, key, answered(at), false)

	personal := []string{"Adminson", "Holder Trading", "Bob Before", "Testville", "5555550100", "holder[.]example"}
	says := []string{"registered version 2, since", "Quickname Ltd", "9995", "abuse[@]registrar[.]example [2]", "8 years ago", "in 3 months", "not readable the day before yesterday",
		"clientTransferProhibited locked by the registrar against transfer to another registrar", "paid and in zone", "ns2 [.] example [.] net", "unsigned", "1234_DOMAIN-EXMPL",
		"conflict the registry says 2027-02-09, the registrar 2027-03-09; the registry's stays",
		"Registrant name, e-mail redacted", "Billing a privacy or proxy service's", "proxy a privacy or proxy service stands in",
		"Findings: 1 must, 1 rfc", "gtld.no-notices ICANN -46500 registry no notices", "rdap.date",
		"History: 2 versions", "registrar changed from Slowname Inc to Quickname Ltd", "+ status added now paid and in zone", "− name server removed was ns9 [.] example [.] net", "+ name server added now ns2 [.] example [.] net",
		"admin’s name changed personal: the values are not shown here", "admin’s phone added personal: the values are not shown here", "The first that is known.",
		"3 answers [1] registry RDAP hxxps://rdap[.]registry[.]example/domain/x", "everything that no other answer is named for", "[2] registrar RDAP", "[3] registrar WHOIS throttled", "raw answer"}
	for _, p := range pages {
		a := d.get(ana, p)
		harmless(t, p, a)
		text := part(t, a)
		has(t, p, text, says...)
		has(t, p, text, "Personal data, not loaded. Showing it is logged. Show the contacts", " contacts, abuse contact raw answer")
		hasNot(t, p, a.body, personal...)
		for who, b := range map[string]*http.Client{"a viewer": vic, "an auditor": aud} {
			for _, q := range []string{"", "?contacts=1&version=1"} {
				a := d.get(b, p+q)
				text := part(t, a)
				has(t, who, text, "Personal data: withheld from you", "Registrant name, e-mail redacted", "registrar changed")
				hasNot(t, who, a.body, append(personal, "Show the contacts", "Look up now")...)
				a = d.get(b, p+q+map[bool]string{true: "?", false: "&"}[q == ""]+"format=json")
				has(t, who, a.body, `"contacts": "withheld"`, `"contacts.registrant.name": "redacted"`)
				hasNot(t, who, a.body, "Adminson", "Holder Trading", "Bob Before")
			}
		}
		hasNot(t, p, d.get(ana, p+"?format=json").body, "Adminson", "Holder Trading", "Bob Before")
	}
	if n := d.looks(key); n != 0 {
		t.Errorf("%d looks were logged, and nobody saw a contact", n)
	}
	for i, p := range pages {
		a := d.get(ana, p+"?contacts=1")
		harmless(t, p, a)
		text := part(t, a)
		has(t, p, text, says[:13]...)
		has(t, p, text, "This reading is in the access log.", "organisation Holder Trading Ltd", "city Testville [2]", " registrant’s city, abuse contact raw answer", "1 Test Street Suite 5", "name redacted", "Admin name Alice Adminson e-mail alice[@]holder[.]example", "Tech as the admin",
			"proxy a privacy or proxy service stands in: Alice Adminson Privacy", "personal: the values are not shown here")
		if n := d.looks(key); n != 3*i+1 {
			t.Errorf("%d looks were logged", n)
		}
		a = d.get(ana, p+"?contacts=1&version=1")
		has(t, p, part(t, a), "This is version 1, not the newest.", "Slowname Inc", "Bob Before")
		has(t, p, d.get(ana, p+"?contacts=1&format=json").body, `"contacts": "shown"`, "Alice Adminson")
	}
	if a := d.get(ana, "/names/"+key+"?version=99&from=-7"); a.code != http.StatusOK {
		t.Errorf("%d", a.code)
	}

	// A version without its contacts, and one that says the name is gone.
	bare := answered(at)
	bare.Nameservers = nil
	remember(t, d.App, key, bare, true)
	has(t, "left out", part(t, d.get(ana, pages[0]+"?contacts=1")), "Left out when it was asked for.")
	remember(t, d.App, key, registration.Record{State: registration.Available, Sources: map[string]registration.Source{"": {Protocol: "whois", Server: "whois.registry.example", Role: "registry", At: at}}}, false)
	has(t, "gone", part(t, d.get(ana, pages[0])), "not registered the server knows no such name", "state changed from registered to not registered", "History: 4 versions")

	// What has no registration of its own has no part about one.
	if a := d.get(ana, "/names/192.0.2.1"); a.code != http.StatusOK || strings.Contains(a.body, `id="registration"`) {
		t.Errorf("%d: an address has a registration", a.code)
	}
	if a := d.get(visitor(), "/names/"+key+"?contacts=1"); a.at != "/login" {
		t.Errorf("a stranger is at %s", a.at)
	}
}

// TestRegistrationBasis: the case says which version its latest look rests on,
// if it is not the one shown, and what a look heard that says nothing.
func TestRegistrationBasis(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	look := func(record, version string) {
		t.Helper()
		if _, err := d.Centre.Act(t.Context(), c.ID, casework.Look{Finding: casework.Finding{At: d.Centre.Clock.Now(), Record: record, Registration: version}}); err != nil {
			t.Fatal(err)
		}
	}
	look("throttled", "")
	has(t, "throttled", part(t, d.get(ana, "/cases/"+c.ID)), "No answer yet At the latest look,", "not answered: the server turned the query away, too much was asked")
	at := d.Centre.Clock.Now()
	for i := range 2 {
		rec := answered(at)
		rec.Nameservers = rec.Nameservers[:1+i]
		remember(t, d.App, c.Subject.Key(), rec, false)
	}
	look("registered", c.Subject.Key()+"#2")
	hasNot(t, "the newest", part(t, d.get(ana, "/cases/"+c.ID)), "rests on")
	look("registered", c.Subject.Key()+"#1")
	has(t, "an older one", part(t, d.get(ana, "/cases/"+c.ID)), "The latest look of this case rests on version 1")
}

// TestRegistrationWords holds the words of the pages against those of bailiwick
// lookup.
func TestRegistrationWords(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	printed := func(rec registration.Record) string {
		var b bytes.Buffer
		if err := show.Text(&b, rec, d.Centre.Clock.Now(), show.Options{}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for i, s := range []registration.State{registration.Registered, registration.Available, registration.Reserved, registration.Throttled, registration.Failed, registration.Unknown} {
		key := fmt.Sprintf("name%d.example.com", i)
		rec := registration.Record{State: s}
		_, line, _ := strings.Cut(printed(rec), "State")
		line = strings.TrimSpace(strings.SplitN(line, "\n", 2)[0])
		remember(t, d.App, "example.com", rec, false)
		page := part(t, d.get(ana, "/names/"+key+"?looked="+string(s)))
		// The page has a badge where the text has a colon, and a sentence after asking.
		if !strings.Contains(page, strings.ReplaceAll(line, ": ", " ")) && !strings.Contains(strings.ToLower(page), strings.TrimPrefix(line, "not known: ")) {
			t.Errorf("%s: %q is not on the page: %s", s, line, page)
		}
	}
	full := registration.Contact{Handle: "H-1", Name: "N", Organization: "O", Street: []string{"S"}, City: "C", Region: "R", PostalCode: "P", Country: "DE", Email: "e@holder.example", Phone: "+1.5555550100", Fax: "+1.5555550101", ContactURI: "https://reach.example/"}
	rec := answered(d.Centre.Clock.Now())
	rec.Updated, rec.Findings, rec.Answers = rec.Created, nil, nil
	rec.Contacts = map[string]registration.Contact{}
	for _, role := range []string{"registrant", "admin", "tech", "billing"} {
		full.Name += "x"
		rec.Contacts[role] = full
	}
	rec.Fields, rec.Unread = map[string]registration.FieldState{}, nil
	remember(t, d.App, "shop.example", rec, false)
	page, n := part(t, d.get(ana, "/names/shop.example?contacts=1")), 0
	text, _, _ := strings.Cut(printed(rec), "\nSource")
	for l := range strings.Lines(text) {
		if label := strings.TrimSpace(l[:min(15, len(l))]); label != "" && label != "Domain" {
			n++
			if !strings.Contains(page, " "+label+" ") {
				t.Errorf("the page has no %q: %s", label, page)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d labels were compared", n)
	}
}

// TestRegistrationHostile puts script, hidden characters and too much into every
// field of a record, and holds the weight of the pages.
func TestRegistrationHostile(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	long := evil + strings.Repeat(" w\u0301ide株", 200)
	deep := strings.Repeat("a.", 126) + "b" // 253 octets
	rec := func(i int) registration.Record {
		n := fmt.Sprint(i) + long
		r := registration.Record{State: registration.Registered, Unicode: n, Handle: n, Registrar: registration.Registrar{Name: n, IANAID: n, URL: "javascript:alert(1)//" + n, AbuseEmail: n, AbusePhone: n}, DNSSEC: n,
			Contacts: map[string]registration.Contact{}, Fields: map[string]registration.FieldState{evil: registration.Unparsed, "created": registration.FieldState(evil), "updated": registration.Unparsed, "contacts." + evil + ".name": registration.Redacted},
			Unread: map[string]string{"updated": n, evil: n}, Sources: map[string]registration.Source{}, Related: "https://evil.example/", Conformance: []string{n}}
		for j := range 64 {
			s := registration.Source{Protocol: evil, Server: "https://evil.example/" + fmt.Sprint(j) + long, Role: evil, At: d.Centre.Clock.Now()}
			r.Statuses, r.Nameservers = append(r.Statuses, fmt.Sprint(i, j)+long), append(r.Nameservers, fmt.Sprint(i, "-", j, ".")+deep)
			r.Sources[fmt.Sprint("nameservers", j)], r.Answers = s, append(r.Answers, registration.Answer{Source: s, State: registration.State(evil)})
			r.Findings = append(r.Findings, registration.Finding{ID: evil, Severity: registration.Severity([]string{"must", "rfc", "advice", evil}[j%4]), Path: evil, Detail: long, Source: evil},
				registration.Finding{ID: "merge.conflict", Path: "expires", Detail: fmt.Sprint(j) + long})
			r.Contacts[fmt.Sprint(j)+evil] = registration.Contact{Name: long, Country: evil}
		}
		r.Contacts["registrant"] = registration.Contact{Handle: n, Name: n, Organization: n, Street: slices.Repeat([]string{n}, 54), City: n, Region: n, PostalCode: n, Country: n, Email: n, Phone: n, Fax: n, ContactURI: "javascript:" + n}
		r.Sources[""] = registration.Source{Protocol: "rdap", Server: evil, Role: "registry"}
		return r
	}
	for i := range 3 {
		remember(t, d.App, c.Subject.Key(), rec(i), false)
	}
	for _, p := range []string{"/cases/" + c.ID, "/names/" + c.Subject.Key()} {
		for _, q := range []string{"", "?contacts=1", "?version=1&contacts=1", "?looked=" + url.QueryEscape(evil) + "&version=" + url.QueryEscape(evil) + "&from=" + url.QueryEscape(evil)} {
			a := d.get(ana, p+q)
			harmless(t, p+q, a)
			if a.code != http.StatusOK || len(a.body) > 100_000 {
				t.Errorf("%s: %d, %d octets", p+q, a.code, len(a.body))
			}
			if !strings.HasPrefix(q, "?looked") { // its own address comes back in a field that is not seen
				hasNot(t, p+q, a.body, "evil.example")
			}
			hasNot(t, p+q, a.body, "href=\"javascript", "href=\"https://evil")
			has(t, p+q, a.body, "⟨U+202E⟩", "evil[.]example", "and 51 more", "and 48 more")
		}
		if a := d.get(ana, p+"?format=json"); a.code != http.StatusOK || !json.Valid([]byte(a.body)) {
			t.Errorf("%d, no JSON", a.code)
		}
	}
}

// TestRegistrationHistoryPages: many versions are paged, on the page of the
// name.
func TestRegistrationHistoryPages(t *testing.T) {
	d := newDesk(t)
	ana := d.signIn("ana", access.Analyst)
	c := d.report(map[string]any{"type": "phishing", "url": "http://bad.example.com/"})
	for i := range 60 {
		rec := answered(d.Centre.Clock.Now())
		rec.Nameservers = []string{fmt.Sprintf("ns%d.example.net", i)}
		remember(t, d.App, c.Subject.Key(), rec, false)
	}
	beside, page := d.get(ana, "/cases/"+c.ID), "/names/"+c.Subject.Key()
	has(t, "the case", part(t, beside), "History: 60 versions", "version 55", "Older versions")
	hasNot(t, "the case", part(t, beside), "version 54", "The first that is known")
	all := d.get(ana, page)
	has(t, "the name", part(t, all), "ns21 [.] example")
	hasNot(t, "the name", part(t, all), "ns18 [.] example")
	if !strings.Contains(all.body, page+"?from=40#history") || !strings.Contains(beside.body, page+"#history") {
		t.Error("older versions cannot be reached")
	}
	for _, a := range []answer{beside, all} {
		if len(a.body) > 100_000 {
			t.Errorf("%s has %d octets", a.at, len(a.body))
		}
	}
	rest := part(t, d.get(ana, page+"?from=40"))
	has(t, "older", rest, "version 20", "The first that is known", "version 60, since")
	hasNot(t, "older", rest, "Older versions")
	has(t, "the twin", d.get(ana, page+"?from=40&format=json").body, `"versions_in_all": 60`, `"number": 20`)
}

// TestLookup asks by the page: who may, what is said of the answer, and how
// often one person may.
func TestLookup(t *testing.T) {
	sc := lab.Generate(3, 4)
	sc.TLDs = append(sc.TLDs, lab.TLD{Name: "busy", Registry: "Busy", RDAP: lab.RDAPThrottled}, lab.TLD{Name: "sick", Registry: "Sick", RDAP: lab.RDAPError, WHOIS: lab.WHOISError})
	w := newWorld(t, sc)
	w.until(12 * time.Hour)
	cases, err := w.Centre.Cases(t.Context(), store.CaseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{App: w.App, t: t, url: w.URL}
	ana, vic := d.signIn("ana", access.Analyst), d.signIn("vic", access.Viewer)
	var c casework.Case
	for _, x := range cases {
		if x.Subject.Kind == "domain" && x.Look != nil && x.Look.Record == "registered" {
			c = x
		}
	}
	page := "/names/" + c.Subject.Key()
	form := func(b *http.Client, p string) url.Values {
		return url.Values{"csrf": {csrfField.FindStringSubmatch(d.get(b, p).body)[1]}}
	}
	w.clock.Set(w.clock.Now().Add(2 * time.Minute)) // the world has just looked
	f := form(ana, page)
	a := d.post(ana, page+"/lookup", f)
	has(t, "after asking", part(t, a), "Asked: nothing changed.", "registered", "Look up now")
	if a.at != page {
		t.Errorf("it leads to %s", a.at)
	}
	a = d.post(ana, page+"/lookup", plus(form(ana, page), "case", c.ID))
	has(t, "at once again", part(t, a), "Not asked again")
	if a.at != "/cases/"+c.ID {
		t.Errorf("beside a case it leads to %s", a.at)
	}
	for _, x := range cases {
		if x.Subject.Key() != c.Subject.Key() {
			if a := d.post(ana, page+"/lookup", plus(form(ana, page), "case", x.ID)); a.code != http.StatusUnprocessableEntity {
				t.Errorf("held for a case about another name: %d", a.code)
			}
			break
		}
	}
	// A name that nobody registered, and what no server is known for.
	_, tld, _ := strings.Cut(c.Subject.Key(), ".")
	free := "/names/no-such-name-here." + tld
	has(t, "a free name", part(t, d.post(ana, free+"/lookup", f)), "Asked: this is the answer.", "not registered the server knows no such name", "History: 1 version")
	has(t, "no server", part(t, d.post(ana, "/names/shop.nowhere/lookup", f)), "No server is known", "Nothing is known yet")

	// A server that turns queries away is left alone: the page says until when.
	a = d.post(ana, "/names/shop.busy/lookup", f)
	harmless(t, "busy", a)
	has(t, "busy", part(t, a), "Not answered: the server turned the query away, too much was asked. Nothing is known yet wait The server wants no question before")
	hasNot(t, "busy", part(t, a), "Look up now", "Nobody was asked")
	has(t, "sick", part(t, d.post(ana, "/names/shop.sick/lookup", f)), "Not answered: the server failed, or gave no answer that can be read. Nothing is known yet")

	before, err := w.Centre.Registration(t.Context(), c.Subject.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Set(w.clock.Now().Add(time.Hour))
	if a := d.post(vic, page+"/lookup", form(vic, "/me")); a.code != http.StatusForbidden {
		t.Errorf("a viewer asked: %d", a.code)
	}
	if a := d.post(ana, page+"/lookup", url.Values{"csrf": {"of another"}}); a.code != http.StatusForbidden {
		t.Errorf("a form of another session: %d", a.code)
	}
	if a := d.get(ana, page+"/lookup"); a.code != http.StatusMethodNotAllowed {
		t.Errorf("to look at a page asks: %d", a.code)
	}
	for _, bad := range []string{"/names/192.0.2.1/lookup", "/names/com/lookup", "/names/" + url.PathEscape(evil) + "/lookup"} {
		if a := d.post(ana, bad, f); a.code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, a.code)
		}
	}
	if after, err := w.Centre.Registration(t.Context(), c.Subject.Name); err != nil || after.Seen != before.Seen {
		t.Errorf("somebody was asked: %+v %v", after, err)
	}
	said := ""
	for range 30 {
		if said = part(t, d.post(ana, page+"/lookup", f)); strings.Contains(said, "Wait a little") {
			break
		}
	}
	has(t, "too often", said, "you asked for many names at once")
}
