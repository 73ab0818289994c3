package accuracy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// good is a contact that nothing is wrong with.
func good() registration.Contact {
	return registration.Contact{
		Name: "Alice Example", Organization: "Example GmbH", Street: []string{"Lange Straße 7"}, City: "Frankfurt", PostalCode: "60311", Country: "DE",
		Email: "alice@example.com", Phone: "+49.69272350",
	}
}

func subject(c registration.Contact) Subject {
	return Subject{
		Record: registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{registration.Registrant: c}},
		Now:    noon,
	}
}

var contactChecks = ContactChecks()

// said gives the verdicts as "check: result reason" by check.
func said(t testing.TB, s Subject, checks []Check) map[string]string {
	t.Helper()
	vs, err := Examine(s, checks)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range vs {
		if v.Path == registration.ContactPath(registration.Registrant, fieldOf(checks, v.Check)) {
			out[v.Check] = strings.TrimSpace(string(v.Result) + " " + v.Reason)
		}
	}
	return out
}

func fieldOf(checks []Check, id string) string {
	for _, c := range checks {
		if c.ID == id {
			return c.Field
		}
	}
	return ""
}

// want compares what some checks said: "" is no verdict.
func want(t *testing.T, name string, got map[string]string, want map[string]string) {
	t.Helper()
	for id, w := range want {
		if got[id] != w {
			t.Errorf("%s: %s says %q, want %q", name, id, got[id], w)
		}
	}
}

// TestGood: a good contact fails nothing and is warned of nothing, and what was
// not tried is not testable.
func TestGood(t *testing.T) {
	for id, v := range said(t, subject(good()), contactChecks) {
		switch v {
		case "pass", "not testable not-observed", "not testable no-directory":
		default:
			t.Errorf("%s: %s", id, v)
		}
	}
}

func TestEmailSyntax(t *testing.T) {
	for in, reason := range map[string]string{
		"a@example.com":                               "",
		"first.last+tag@mail.example.co.uk":           "",
		`"jo doe"@example.com`:                        "",
		`"jo@home"@example.com`:                       "",
		`"jo\"x"@example.com`:                         "",
		`""@example.com`:                              "",
		"!#$%&'*+-/=?^_`{|}~@example.com":             "",
		"用户@例え.jp":                                    "",
		"a@bücher.example":                            "",
		"a@xn--bcher-kva.example":                     "",
		strings.Repeat("a", 64) + "@example.com":      "",
		"a@" + strings.Repeat("b", 63) + ".com":       "",
		"example.com":                                 "no-at",
		`"jo"`:                                        "no-at",
		"a@b@example.com":                             "many-at",
		"a@example.com, b@example.com":                "many-at",
		"@example.com":                                "local-empty",
		strings.Repeat("a", 65) + "@example.com":      "local-long",
		".a@example.com":                              "local-dots",
		"a.@example.com":                              "local-dots",
		"a..b@example.com":                            "local-dots",
		"a b@example.com":                             "local-characters",
		"Jo <jo@example.com>":                         "local-characters",
		"mailto:jo@example.com":                       "local-characters",
		" a@example.com":                              "local-characters",
		`"jo@example.com`:                             "local-quotes",
		`"jo"x@example.com`:                           "local-quotes",
		"\"jo\x01\"@example.com":                      "local-quotes",
		"a@":                                          "domain-empty",
		"a@[192.0.2.1]":                               "domain-literal",
		"a@192.0.2.1":                                 "domain-literal",
		"a@localhost":                                 "domain-single",
		"a@.example.com":                              "domain-dots",
		"a@example.com.":                              "domain-dots",
		"a@example..com":                              "domain-dots",
		"a@exa mple.com":                              "domain-characters",
		"a@example.com ":                              "domain-characters",
		"a@☃.com":                                     "domain-idna2008",
		"a@xn--n3h.com":                               "domain-idna2008",
		"a@ひと・みんな.example":                            "",
		"a@exa_mple.com":                              "domain-characters",
		"a@example,com.example":                       "domain-characters",
		"a@example.123":                               "domain-characters",
		"a@-example.com":                              "domain-hyphen",
		"a@example-.com":                              "domain-hyphen",
		"a@" + strings.Repeat("b", 64) + ".com":       "domain-label-long",
		"a@xn--zzzzzzzz-.com":                         "domain-hyphen",
		"a@xn--0.com":                                 "domain-characters",
		"a@" + strings.Repeat("b.", 130) + "com":      "too-long",
		strings.Repeat("a", 1<<20) + "@example.com":   "too-long",
		"a\xed\xa0\x80@example.com":                   "not-utf8", // a lone surrogate
		"a\u202e@example.com":                         "!invisible-characters",
		"a\u200b@example.com":                         "!invisible-characters",
		"a\ufffd@example.com":                         "!invisible-characters",
		"a\u200c@example.com":                         "",
		"a@" + strings.Repeat("ü", 60) + ".example":   "domain-characters",
		strings.Repeat("é", 33) + "@example.com":      "local-long",
		"a@xn--bcher-kva.xn--bcher-kva..example":      "domain-dots",
		"O'Hara@example.com":                          "",
		"a/b@example.com":                             "",
		"(comment)a@example.com":                      "local-characters",
		"a@(comment)example.com":                      "domain-characters",
		"a@example.com\x00":                           "domain-characters",
		"postmaster@EXAMPLE.COM":                      "",
		"\"" + strings.Repeat("a", 63) + "\"@a.com":   "local-long",
		"a@b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.example.com": "",
	} {
		c := good()
		c.Email = in
		w := "pass"
		if rest, ok := strings.CutPrefix(reason, "!"); ok {
			w = "warn " + rest
		} else if reason != "" {
			w = "fail " + reason
		}
		want(t, quote(in), said(t, subject(c), contactChecks), map[string]string{"email.syntax": w, "email.present": "pass"})
	}
}

func TestEmailTLD(t *testing.T) {
	for in, w := range map[string]string{
		"a@example.com":            "pass",
		"a@example.COM":            "pass",
		"a@example.рф":             "pass",
		"a@example.xn--p1ai":       "pass",
		"a@example.de":             "pass",
		"a@example.example":        "fail tld-unknown",
		"a@example.con":            "fail tld-unknown",
		"a@example.local":          "fail tld-unknown",
		"a@example":                "", // email.syntax says so
		"nobody at example dot de": "",
	} {
		c := good()
		c.Email = in
		want(t, in, said(t, subject(c), contactChecks), map[string]string{"email.tld": w})
	}
}

func yes(b bool) *bool { return &b }

// TestMailFacts: what was seen of the domain, as RFC 5321 section 5.1 and RFC
// 7505 have it.
func TestMailFacts(t *testing.T) {
	at := noon.Add(-time.Hour)
	for name, tc := range map[string]struct {
		facts          map[string]MailFact
		mx, registered string
	}{
		"nothing seen":         {nil, "not testable not-observed", "not testable not-observed"},
		"another domain":       {map[string]MailFact{"example.net": {At: at, NullMX: true}}, "not testable not-observed", "not testable not-observed"},
		"a server":             {map[string]MailFact{"example.com": {At: at, MX: []string{"mx.example.com"}, Registered: yes(true)}}, "pass", "pass"},
		"null MX":              {map[string]MailFact{"example.com": {At: at, NullMX: true, Address: true, Registered: yes(true)}}, "fail null-mx", "pass"},
		"null MX, as written":  {map[string]MailFact{"example.com": {At: at, MX: []string{"."}}}, "fail null-mx", "not testable not-observed"},
		"null MX and a server": {map[string]MailFact{"example.com": {At: at, NullMX: true, MX: []string{"mx.example.com"}}}, "pass", "not testable not-observed"},
		"an address":           {map[string]MailFact{"example.com": {At: at, Address: true}}, "pass address-only", "not testable not-observed"},
		"neither":              {map[string]MailFact{"example.com": {At: at}}, "fail no-mail-server", "not testable not-observed"},
		"not registered":       {map[string]MailFact{"example.com": {At: at, Registered: yes(false)}}, "fail not-registered", "fail not-registered"},
		"failed":               {map[string]MailFact{"example.com": {At: at, Failure: "timeout"}}, "not testable not-observed", "not testable not-observed"},
	} {
		s := subject(good())
		s.Facts.Mail = tc.facts
		want(t, name, said(t, s, contactChecks), map[string]string{"email.mx": tc.mx, "email.registered": tc.registered})
	}
	s := subject(good())
	s.Facts.Mail = map[string]MailFact{"example.com": {At: at, NullMX: true}}
	vs, err := Examine(s, contactChecks)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(vs, func(v Verdict) bool { return v.Check == "email.mx" })
	if !vs[i].At.Equal(at) {
		t.Errorf("the verdict rests on %v", vs[i].At)
	}
}

// TestAnswers: the newest answer counts, of this value and not of the future.
func TestAnswers(t *testing.T) {
	path := "contacts.registrant.email"
	ans := func(value, method string, ok bool, hours int) Answer {
		return Answer{Path: path, Value: value, Method: method, OK: ok, At: noon.Add(time.Duration(hours) * time.Hour)}
	}
	mail := good().Email
	for name, tc := range map[string]struct {
		answers []Answer
		want    string
	}{
		"none":                 {nil, "not testable not-observed"},
		"a code came back":     {[]Answer{ans(mail, "code", true, -2)}, "pass"},
		"then a bounce":        {[]Answer{ans(mail, "bounce", false, -1), ans(mail, "code", true, -2)}, "fail no-answer"},
		"then a code":          {[]Answer{ans(mail, "bounce", false, -3), ans(mail, "code", true, -2)}, "pass"},
		"of another value":     {[]Answer{ans("old@example.com", "code", true, -2)}, "not testable not-observed"},
		"of the time to come":  {[]Answer{ans(mail, "code", true, 2)}, "not testable not-observed"},
		"of another contact's": {[]Answer{{Path: "contacts.tech.email", Value: mail, OK: true, At: noon}}, "not testable not-observed"},
	} {
		s := subject(good())
		s.Facts.Answers = tc.answers
		want(t, name, said(t, s, contactChecks), map[string]string{"email.answered": tc.want})
	}
}

// TestPhone: among others every row of the table of known numbers, with what
// libphonenumber says of it.
func TestPhone(t *testing.T) {
	type w = map[string]string
	for _, tc := range []struct {
		number, country string
		want            w
	}{
		{"+86.1058813000", "CN", w{"phone.characters": "pass", "phone.country-code": "pass", "phone.form": "pass", "phone.length": "pass", "phone.plan": "pass", "phone.placeholder": "pass", "phone.region": "pass", "phone.type": "pass", "phone.extension": ""}},
		{"+86.13800138000", "CN", w{"phone.length": "pass", "phone.plan": "pass", "phone.placeholder": "warn well-known"}},
		{"+1.7037654321", "US", w{"phone.length": "pass", "phone.plan": "pass", "phone.placeholder": "warn sequence", "phone.region": "pass"}},
		{"+1.5555555555", "US", w{"phone.length": "pass", "phone.plan": "warn not-in-plan", "phone.placeholder": "warn repeated", "phone.region": "pass"}},
		{"+49.0000", "DE", w{"phone.length": "pass", "phone.plan": "warn not-in-plan", "phone.placeholder": "warn zeros"}},
		{"+44.2079460123x12", "GB", w{"phone.characters": "pass", "phone.length": "pass", "phone.plan": "pass", "phone.form": "pass", "phone.extension": "pass", "phone.region": "pass"}},
		{"+999.123456", "DE", w{"phone.country-code": "fail unassigned-country-code", "phone.length": "", "phone.plan": ""}},
		{"+0.0", "DE", w{"phone.country-code": "fail unassigned-country-code", "phone.length": "", "phone.plan": "", "phone.placeholder": "warn zeros"}},
		{"0049 69 27235 0", "DE", w{"phone.country-code": "fail no-country-code", "phone.form": "fail not-epp-form", "phone.length": "pass", "phone.plan": "pass"}},
		{"0049 69 27235 0", "", w{"phone.country-code": "fail no-country-code", "phone.length": "", "phone.plan": ""}},
		// The form.
		{"+44.2079460123;ext=12", "GB", w{"phone.form": "pass", "phone.extension": "pass"}},
		{"+44.2079460123 ext. 12", "GB", w{"phone.characters": "pass", "phone.extension": "pass"}},
		{"+44.2079460123x", "GB", w{"phone.extension": "fail extension-form"}},
		{"+44.2079460123x123456789012", "GB", w{"phone.extension": "fail extension-form"}},
		{"+44.2079460123x1x2", "GB", w{"phone.characters": "fail two-extensions", "phone.length": ""}},
		{"+44 20 7946 0123", "GB", w{"phone.characters": "pass", "phone.form": "fail not-epp-form", "phone.country-code": "pass", "phone.length": "pass"}},
		{"+442079460123", "GB", w{"phone.form": "fail not-epp-form", "phone.length": "pass"}},
		{"+442.079460123", "GB", w{"phone.form": "fail not-epp-form"}},
		{"tel:+44-20-7946-0123", "GB", w{"phone.characters": "pass", "phone.length": "pass"}},
		{"+44.CALL-US", "GB", w{"phone.characters": "fail characters", "phone.length": ""}},
		{"call us", "GB", w{"phone.characters": "fail characters"}},
		{"+", "GB", w{"phone.characters": "fail no-digits"}},
		{"+44..2079460123", "GB", w{"phone.characters": "pass"}},
		{"+٤٤.٢٠٧٩٤٦٠١٢٣", "GB", w{"phone.characters": "fail characters"}},
		{"+44.\u202e2079460123", "GB", w{"phone.characters": "fail characters"}},
		// The length.
		{"+1.703765", "US", w{"phone.length": "fail too-short"}},
		{"+1.7654321", "US", w{"phone.length": "fail local-only"}},
		{"+1.70376543219", "US", w{"phone.length": "fail too-long"}},
		{"+1." + strings.Repeat("7", 60), "US", w{"phone.length": "fail too-long", "phone.plan": ""}},
		// The digits.
		{"+49.3012345678", "DE", w{"phone.placeholder": "warn sequence"}},
		{"+49.3087654321", "DE", w{"phone.placeholder": "warn sequence"}},
		{"+33.111111111", "FR", w{"phone.placeholder": "warn repeated"}},
		{"+1.2025550143", "US", w{"phone.placeholder": "warn fictitious"}},
		{"+49.30227", "DE", w{"phone.placeholder": "pass"}},
		// The region.
		{"+44.2079460123", "DE", w{"phone.region": "warn other-country"}},
		{"+1.4165550199", "US", w{"phone.region": "warn other-country"}},
		{"+44.2079460123", "JE", w{"phone.region": "pass"}},
		{"+1.2025550143", "PR", w{"phone.region": "pass"}},
		{"+800.12345678", "DE", w{"phone.region": "", "phone.plan": "pass"}},
		{"+44.2079460123", "", w{"phone.region": ""}},
		{"+44.2079460123", "Nowhere", w{"phone.region": ""}},
		// The cost.
		{"+1.9002345678", "US", w{"phone.type": "warn premium-rate"}},
		{"+49.1802345678", "DE", w{"phone.type": "warn shared-cost"}},
		// Absent.
		{"", "DE", w{"phone.present": "fail missing", "phone.characters": "", "phone.answered": ""}},
	} {
		c := good()
		c.Phone, c.Country = tc.number, tc.country
		want(t, tc.number+" of "+tc.country, said(t, subject(c), contactChecks), tc.want)
	}
	// RFC 7095 writes numbers as RFC 3966 does.
	s := subject(good())
	c := good()
	c.Phone = "+4969272350"
	s.Record.Contacts[registration.Registrant] = c
	s.Record.Sources = map[string]registration.Source{"": {Protocol: "rdap"}}
	want(t, "of RDAP", said(t, s, contactChecks), map[string]string{"phone.form": "not testable other-form"})
}

func TestCountry(t *testing.T) {
	for in, w := range map[string]string{
		"DE":            "pass",
		"de":            "pass",
		"UK":            "warn corrected",
		"EL":            "warn corrected",
		"XK":            "warn user-assigned",
		"ZZ":            "warn user-assigned",
		"QM":            "warn user-assigned",
		"EU":            "fail reserved",
		"SU":            "fail reserved",
		"AB":            "fail unknown-country",
		"D1":            "fail unknown-country",
		"DEU":           "fail not-a-code",
		"USA":           "fail not-a-code",
		"Germany":       "fail not-a-code",
		"Korea":         "fail unknown-country",
		"Atlantis":      "fail unknown-country",
		"\u202eGermany": "fail unknown-country",
	} {
		c := good()
		c.Country = in
		want(t, in, said(t, subject(c), contactChecks), map[string]string{"country.code": w, "country.present": "pass"})
	}
	c := good()
	c.Country = ""
	want(t, "none", said(t, subject(c), contactChecks), map[string]string{"country.code": "", "country.present": "fail missing"})
	// What the readers made a code of is judged as it was given.
	s := subject(good())
	s.Record.Given = map[string]string{"contacts.registrant.country": "Germany"}
	want(t, "a name, read", said(t, s, contactChecks), map[string]string{"country.code": "fail not-a-code", "ars.postal.4": "pass", "ars.postal.5": "fail not-a-code", "ars.postal.3": "pass"})
}

// TestARS: the published postal tests, one by one. What a "no" means under
// either agreement is for a profile.
func TestARS(t *testing.T) {
	type w = map[string]string
	change := func(f func(*registration.Contact)) registration.Contact {
		c := good()
		f(&c)
		return c
	}
	for _, tc := range []struct {
		name string
		c    registration.Contact
		want w
	}{
		{"good", good(), w{"ars.postal.1": "pass", "ars.postal.2": "pass", "ars.postal.3": "pass", "ars.postal.4": "pass", "ars.postal.5": "pass", "ars.postal.6": "pass", "ars.postal.7": "pass", "ars.postal.8": "pass", "ars.postal.9": "", "ars.postal.10": "", "ars.postal.11": "", "ars.postal.12": "pass", "ars.postal.13": "pass", "ars.postal.14": "pass", "ars.postal.15": "pass", "ars.postal.16": "pass", "ars.postal.17": "pass"}},
		{"nothing", registration.Contact{Name: "Alice Example"}, w{"ars.postal.1": "fail missing", "ars.postal.2": "fail missing", "ars.postal.3": "", "ars.postal.4": "", "ars.postal.5": "", "ars.postal.6": "", "ars.postal.7": "", "ars.postal.8": "", "ars.postal.12": "fail missing", "ars.postal.15": "fail missing"}},
		{"dashes", registration.Contact{Street: []string{"-"}, City: ".", Country: "-"}, w{"ars.postal.1": "fail missing", "ars.postal.2": "fail missing", "ars.postal.3": ""}},
		{"city only", registration.Contact{City: "Frankfurt"}, w{"ars.postal.1": "pass", "ars.postal.15": "fail missing"}},
		{"no country", change(func(c *registration.Contact) { c.Country = "" }), w{"ars.postal.2": "fail missing", "ars.postal.3": "", "ars.postal.6": "", "ars.postal.8": ""}},
		{"country in the street", change(func(c *registration.Contact) { c.Country = ""; c.Street = append(c.Street, "Germany") }), w{"ars.postal.2": "pass", "ars.postal.3": "pass", "ars.postal.4": "fail elsewhere", "ars.postal.5": "fail not-a-code", "ars.postal.8": "pass"}},
		{"country by name", change(func(c *registration.Contact) { c.Country = "Germany" }), w{"ars.postal.2": "pass", "ars.postal.3": "pass", "ars.postal.4": "pass", "ars.postal.5": "fail not-a-code", "ars.postal.8": "pass"}},
		{"country by three letters", change(func(c *registration.Contact) { c.Country = "DEU" }), w{"ars.postal.3": "pass", "ars.postal.5": "fail not-a-code", "ars.postal.8": "pass"}},
		{"country unknown", change(func(c *registration.Contact) { c.Country = "Atlantis" }), w{"ars.postal.2": "pass", "ars.postal.3": "fail unknown-country", "ars.postal.4": "pass", "ars.postal.5": "fail not-a-code", "ars.postal.6": "", "ars.postal.8": ""}},
		{"UK", registration.Contact{Street: []string{"1 High Street"}, City: "London", PostalCode: "sw1a1aa", Country: "UK"}, w{"ars.postal.3": "pass", "ars.postal.5": "fail not-a-code", "ars.postal.8": "pass"}},
		{"no code", change(func(c *registration.Contact) { c.PostalCode = "" }), w{"ars.postal.6": "fail missing", "ars.postal.7": "", "ars.postal.8": ""}},
		{"code in the city", change(func(c *registration.Contact) { c.PostalCode = ""; c.City = "60311 Frankfurt" }), w{"ars.postal.6": "pass", "ars.postal.7": "fail elsewhere", "ars.postal.8": "pass", "ars.postal.13": "pass"}},
		{"code for a city", change(func(c *registration.Contact) { c.PostalCode = ""; c.City = "60311" }), w{"ars.postal.7": "fail elsewhere", "ars.postal.13": "fail another-field", "ars.postal.14": "fail no-letter"}},
		{"short code", change(func(c *registration.Contact) { c.PostalCode = "6031" }), w{"ars.postal.6": "pass", "ars.postal.8": "fail length"}},
		{"letters in the code", change(func(c *registration.Contact) { c.PostalCode = "6031A" }), w{"ars.postal.8": "fail characters"}},
		{"country's letter before the code", change(func(c *registration.Contact) { c.PostalCode = "D-60311" }), w{"ars.postal.8": "pass"}},
		{"no codes there", registration.Contact{Street: []string{"1 Example Road"}, City: "Doha", Country: "QA"}, w{"ars.postal.6": "", "ars.postal.7": "", "ars.postal.8": "", "ars.postal.12": "pass"}},
		{"unsure", registration.Contact{Street: []string{"1 Example Road"}, City: "Mogadishu", PostalCode: "1", Country: "SO"}, w{"ars.postal.6": "pass", "ars.postal.8": "not testable rule-unsure"}},
		{"no state", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", PostalCode: "62701", Country: "US"}, w{"ars.postal.9": "fail missing", "ars.postal.10": "", "ars.postal.11": ""}},
		{"state in the city", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield, IL", PostalCode: "62701", Country: "US"}, w{"ars.postal.9": "pass", "ars.postal.10": "fail elsewhere", "ars.postal.11": ""}},
		{"a state", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", Region: "Illinois", PostalCode: "62701-1234", Country: "US"}, w{"ars.postal.9": "pass", "ars.postal.10": "pass", "ars.postal.11": "pass", "ars.postal.8": "pass"}},
		{"no such state", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", Region: "Bavaria", PostalCode: "62701", Country: "US"}, w{"ars.postal.11": "fail unknown-region"}},
		{"a state we may not know", registration.Contact{Street: []string{"1 Example Road"}, City: "Mumbai", Region: "Mahārāstr Pradesh", PostalCode: "400 001", Country: "IN"}, w{"ars.postal.11": "not testable rule-unsure"}},
		{"city of digits", change(func(c *registration.Contact) { c.City = "12345" }), w{"ars.postal.14": "fail no-letter"}},
		{"street of digits", change(func(c *registration.Contact) { c.Street = []string{"123", "45 6"} }), w{"ars.postal.17": "fail only-digits", "ars.postal.15": "pass"}},
		{"street repeats the city", change(func(c *registration.Contact) { c.Street = []string{"frankfurt"} }), w{"ars.postal.16": "fail another-field"}},
		{"a city that is a country", registration.Contact{Street: []string{"1 Example Road"}, City: "Singapore", PostalCode: "018956", Country: "SG"}, w{"ars.postal.13": "pass", "ars.postal.8": "pass"}},
	} {
		want(t, tc.name, said(t, subject(tc.c), contactChecks), tc.want)
	}
	// The readers tell where they found the country.
	s := subject(good())
	s.Record.Given = map[string]string{"contacts.registrant.street": "Germany"}
	want(t, "country in the street, read", said(t, s, contactChecks), w{"ars.postal.4": "fail elsewhere", "ars.postal.5": "fail not-a-code"})
}

// TestWithheld: what is withheld is no failure, nor is what may stand in a field
// that is.
func TestWithheld(t *testing.T) {
	s := subject(registration.Contact{Country: "DE", Region: "Hessen"})
	s.Record.Fields = map[string]registration.FieldState{}
	for _, f := range []string{"name", "street", "city", "postal_code", "email", "phone"} {
		s.Record.Fields[registration.ContactPath(registration.Registrant, f)] = registration.Redacted
	}
	for id, v := range said(t, s, contactChecks) {
		if strings.HasPrefix(v, "fail") || strings.HasPrefix(v, "warn") {
			t.Errorf("%s says %q of withheld data", id, v)
		}
	}
	// The city and the street are withheld, and nothing says anything of the code.
	delete(s.Record.Fields, "contacts.registrant.postal_code")
	want(t, "may stand elsewhere", said(t, s, contactChecks), map[string]string{"ars.postal.6": "not testable redacted", "postal.code": "not testable redacted"})
	// The country is withheld: which rule holds cannot be told.
	s.Record.Contacts[registration.Registrant] = registration.Contact{}
	s.Record.Fields["contacts.registrant.country"] = registration.Redacted
	want(t, "no country to ask", said(t, s, contactChecks), map[string]string{"ars.postal.6": "not testable redacted", "ars.postal.9": "not testable redacted", "ars.postal.2": "not testable redacted"})
}

func TestPostalRules(t *testing.T) {
	type w = map[string]string
	for _, tc := range []struct {
		name string
		c    registration.Contact
		want w
	}{
		{"good", good(), w{"postal.street": "pass", "postal.city": "pass", "postal.region": "", "postal.code": "pass", "postal.placeholder": "pass"}},
		{"Ireland without a code", registration.Contact{Street: []string{"1 Quay Road"}, City: "Cork", Country: "IE"}, w{"postal.code": ""}},
		{"Ireland, a code that is none", registration.Contact{Street: []string{"1 Quay Road"}, City: "Cork", PostalCode: "12", Country: "IE"}, w{"postal.code": "fail length"}},
		{"Japan", registration.Contact{Street: []string{"1-2-3 Example"}, City: "Chiyoda-ku", Region: "Tōkyō-to", PostalCode: "〒１００‐０００１", Country: "JP"}, w{"postal.code": "pass", "postal.region": "pass"}},
		{"China", registration.Contact{Street: []string{"示例路1号"}, City: "杭州", Region: "浙江省", PostalCode: "310000", Country: "CN"}, w{"postal.code": "pass", "postal.region": "pass"}},
		{"Brazil", registration.Contact{Street: []string{"Rua Exemplo 1"}, City: "São Paulo", Region: "sao paulo", PostalCode: "01310100", Country: "BR"}, w{"postal.code": "pass", "postal.region": "pass"}},
		{"Canada", registration.Contact{Street: []string{"1 Rue Exemple"}, City: "Montréal", Region: "Quebec", PostalCode: "h2y-1c6", Country: "CA"}, w{"postal.code": "pass", "postal.region": "pass"}},
		{"no state", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", PostalCode: "62701", Country: "US"}, w{"postal.region": "fail missing"}},
		{"state and code elsewhere", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield, IL 62701", Country: "US"}, w{"postal.code": "warn elsewhere"}},
		{"another country's state", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", Region: "Hessen", PostalCode: "62701", Country: "US"}, w{"postal.region": "warn unknown-region"}},
		{"an unsure form", registration.Contact{Street: []string{"1 Example Road"}, City: "Tripoli", PostalCode: "1", Country: "LY"}, w{"postal.code": "warn rule-unsure"}},
		{"zeros where codes are used", registration.Contact{Street: []string{"1 Elm Road"}, City: "Springfield", Region: "IL", PostalCode: "00000", Country: "US"}, w{"postal.code": "pass", "postal.placeholder-code": "warn repeated"}},
		{"zeros where there are none", registration.Contact{Street: []string{"1 Example Road"}, City: "Doha", PostalCode: "00000", Country: "QA"}, w{"postal.code": "", "postal.placeholder-code": ""}},
		{"no directory", good(), w{"postal.code-exists": "not testable no-directory", "postal.code-place": "not testable no-directory"}},
	} {
		want(t, tc.name, said(t, subject(tc.c), contactChecks), tc.want)
	}
}

// TestLines: of an address that a registry gives in lines, what cannot be told
// apart is not missing.
func TestLines(t *testing.T) {
	type w = map[string]string
	for _, tc := range []struct {
		name, protocol string
		c              registration.Contact
		want           w
	}{
		{"read from lines", "whois", registration.Contact{Street: []string{"Lange Straße 7", "60311 Frankfurt"}, Country: "DE"},
			w{"postal.city": "not testable in-lines", "postal.code": "pass", "ars.postal.6": "pass", "ars.postal.7": "not testable in-lines", "ars.postal.8": "pass", "ars.postal.12": "not testable in-lines"}},
		{"on one line", "rdap", registration.Contact{Street: []string{"Lange Straße 7, 60311 Frankfurt"}, Country: "DE"},
			w{"postal.city": "not testable in-lines", "ars.postal.6": "pass"}},
		{"the code is in no line", "whois", registration.Contact{Street: []string{"12345 Lange Straße", "Frankfurt", "Hessen"}, Country: "DE"},
			w{"postal.city": "not testable in-lines", "ars.postal.6": "fail missing", "postal.code": "fail missing"}},
		{"a state", "whois", registration.Contact{Street: []string{"1 Elm Road", "Springfield, Illinois", "62701"}, Country: "US"},
			w{"postal.region": "pass", "ars.postal.9": "pass", "ars.postal.10": "not testable in-lines"}},
		{"no state to be seen", "whois", registration.Contact{Street: []string{"1 Elm Road", "Springfield 62701"}, Country: "US"},
			w{"postal.region": "not testable in-lines", "ars.postal.9": "not testable in-lines"}},
		{"on one line without a comma", "whois", registration.Contact{Street: []string{"1600 ELM ROAD SPRINGFIELD IL 62701"}, Country: "US"},
			w{"ars.postal.6": "pass", "ars.postal.7": "not testable in-lines", "postal.code": "pass", "postal.city": "not testable in-lines"}},
		{"a house number is no code", "whois", registration.Contact{Street: []string{"62701 Elm Road"}, Country: "US"},
			w{"ars.postal.6": "fail missing"}},
		{"the state for a city", "", registration.Contact{Street: []string{"1 Elm Road"}, City: "IL", PostalCode: "62701", Country: "US"},
			w{"ars.postal.9": "pass", "ars.postal.10": "fail elsewhere", "postal.region": "warn elsewhere"}},
		{"a city that is a province", "", registration.Contact{Street: []string{"1 Example Road"}, City: "Shanghai", PostalCode: "200000", Country: "CN"},
			w{"ars.postal.9": "pass", "ars.postal.10": "", "postal.region": "pass"}},
		{"a city that is not its state", "", registration.Contact{Street: []string{"1 Elm Road"}, City: "New York", PostalCode: "10001", Country: "US"},
			w{"ars.postal.9": "fail missing", "postal.region": "fail missing"}},
		{"fields", "", registration.Contact{Street: []string{"Lange Straße 7", "Frankfurt"}, Country: "DE"},
			w{"postal.city": "fail missing", "ars.postal.12": "fail missing"}},
		{"fields, read", "whois", registration.Contact{Street: []string{"Lange Straße 7", "Frankfurt"}, PostalCode: "60311", Country: "DE"},
			w{"postal.city": "fail missing"}},
	} {
		s := subject(tc.c)
		if tc.protocol != "" {
			s.Record.Sources = map[string]registration.Source{"": {Protocol: tc.protocol}}
		}
		want(t, tc.name, said(t, s, contactChecks), tc.want)
	}
}

func TestPlaceholders(t *testing.T) {
	for in, w := range map[string]string{
		"123 Main St":           "warn example",
		"123 Main Street.":      "warn example",
		"N/A":                   "warn no-value",
		"xxxxx":                 "warn repeated",
		"11111":                 "warn repeated",
		"asdfgh":                "warn keyboard",
		"Musterstraße 1":        "warn example",
		"测试":                    "warn example",
		"223 Main Street":       "pass",
		"123 Main Street West":  "pass",
		"Xanten Allee 4":        "pass",
		"Testorfer Straße 9":    "pass",
		"1 Unknown Soldiers Rd": "pass",
	} {
		c := good()
		c.Street = []string{in}
		want(t, in, said(t, subject(c), contactChecks), map[string]string{"postal.placeholder": w})
	}
	c := good()
	c.Street = []string{"Test", "Lange Straße 7"}
	c.City = "Anytown"
	want(t, "beside a street", said(t, subject(c), contactChecks), map[string]string{"postal.placeholder": "pass", "postal.placeholder-city": "warn example"})
}

// TestDirectory: a code that a directory lacks is missed only where the
// directory is whole.
func TestDirectory(t *testing.T) {
	checks := ContactChecksWith(Options{PostalCode: func(country, code string) CodeFact {
		switch country + code {
		case "DE60311":
			return CodeFact{Known: true, Complete: true, Places: []string{"Frankfurt", "Frankfurt am Main"}, Regions: []string{"Hessen", "HE"}}
		case "CN310000":
			return CodeFact{Known: true}
		}
		return CodeFact{Complete: country == "DE"}
	}})
	for _, tc := range []struct{ country, code, city, region, exists, place string }{
		{"DE", "D-60311", "FRANKFURT", "", "pass", "pass"},
		{"DE", "60311", "Frankfurt", "he", "pass", "pass"},
		{"DE", "60311", "Berlin", "", "pass", "warn other-place"},
		{"DE", "60311", "Frankfurt", "Bayern", "pass", "warn other-region"},
		{"DE", "60312", "Frankfurt", "", "fail no-such-code", "not testable directory-incomplete"},
		{"DE", "6031", "Frankfurt", "", "", ""},
		{"CN", "310000", "杭州", "浙江", "pass", "not testable directory-incomplete"},
		{"CN", "310001", "杭州", "浙江", "not testable directory-incomplete", "not testable directory-incomplete"},
		{"QA", "310001", "Doha", "", "", ""},
	} {
		c := good()
		c.Country, c.PostalCode, c.City, c.Region = tc.country, tc.code, tc.city, tc.region
		want(t, fmt.Sprint(tc), said(t, subject(c), checks), map[string]string{"postal.code-exists": tc.exists, "postal.code-place": tc.place})
	}
}

// TestEveryCountry: the table has each code of ISO 3166-1 once, whether its
// country has postal codes or not.
func TestEveryCountry(t *testing.T) {
	m, err := readRules(postalTable, regionTable)
	if err != nil {
		t.Fatal(err)
	}
	iso, without := 0, 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			is, ok := registration.CountryCode(code)
			if !ok || is != code { // "UK"
				if m[code] != nil {
					t.Errorf("%s is no country", code)
				}
				continue
			}
			iso++
			r := m[code]
			if r == nil {
				t.Errorf("%s has no rule", code)
				continue
			}
			if !r.usesCodes {
				without++
			}
			if n := strings.Count(postalTable, "\n"+code+"\t"); n != 1 {
				t.Errorf("%s stands in %d lines", code, n)
			}
		}
	}
	if iso != 249 || len(m) != 249 {
		t.Errorf("%d codes, %d rules", iso, len(m))
	}
	if without < 40 || without > 80 {
		t.Errorf("%d countries without postal codes", without)
	}
	t.Logf("%d countries with postal codes, %d without", iso-without, without)
}

// TestPostalCodes: codes as they are written.
func TestPostalCodes(t *testing.T) {
	for in, want := range map[string]string{
		"DE 60311": "60311", "DE D-60311": "60311", "DE DE-60311": "60311", "DE d 60311": "60311", "DE 6031": "", "DE 603111": "", "DE 6O311": "",
		"US 62701": "62701", "US 62701-1234": "627011234", "US 627011234": "627011234", "US 6270": "", "US US 62701": "62701",
		"GB SW1A 1AA": "SW1A1AA", "GB m1 1ae": "M11AE", "GB EC1A1BB": "EC1A1BB", "GB W1": "", "GB 12345": "", "GB B33 8TH": "B338TH", "GB CR2 6XH": "CR26XH", "GB DN55 1PT": "DN551PT",
		"NL 1012 AB": "1012AB", "NL 1012": "", "CA K1A 0B1": "K1A0B1", "CA K1A0B1": "K1A0B1", "CA K1A 0B": "", "PL 00-950": "00950", "CZ 110 00": "11000", "SE SE-111 22": "11122", "SE S-111 22": "11122",
		"PT 1000-001": "1000001", "PT 1000": "", "JP 100-0001": "1000001", "LV LV-1010": "1010", "LV 1010": "1010", "LT LT-01100": "01100", "AD AD500": "500", "MT VLT 1117": "VLT1117", "IE D02 AF30": "D02AF30", "IE D6W XY00": "D6WXY00",
		"KY KY1-1102": "KY11102", "MC 98000": "98000", "MC 75001": "", "VA 00120": "00120", "VA 00121": "", "GI GX11 1AA": "GX111AA", "SZ H100": "H100", "BR 01310-100": "01310100", "TW 100": "100", "TW 100-12": "10012", "TW 1000": "",
		"IR ۱۲۳۴۵۶۷۸۹۰": "1234567890", "IN 110 001": "110001", "QA 12345": "", "XX 12345": "", "AR C1425CLA": "C1425CLA", "AR 1425": "1425", "KZ A10B2C3": "A10B2C3", "AZ AZ1000": "1000", "BM HM 12": "HM12", "BN BS8811": "BS8811",
	} {
		country, code, _ := strings.Cut(in, " ")
		got, ok := PostalCode(country, code)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", in, got, ok, want)
		}
	}
}

// TestBadTables: a table that does not hold says where.
func TestBadTables(t *testing.T) {
	row := "DE\t#####\tSCZ\t-\tknown\n"
	for _, tc := range []struct{ postal, regions, want string }{
		{"DE\t#####\n", "", "line 1, columns"},
		{"# x\nXX\t#####\tSCZ\t-\tknown\n", "", "line 2, country"},
		{row + row, "", "named twice"},
		{"DE\t[D#####\tSCZ\t-\tknown\n", "", "bracket"},
		{"DE\t#####|\tSCZ\t-\tknown\n", "", "empty form"},
		{"DE\t#####\tSCQ\t-\tknown\n", "", "needs"},
		{"DE\t-\tSCZ\t-\tknown\n", "", "say otherwise"},
		{"DE\t#####\tSC\t-\tknown\n", "", "say otherwise"},
		{"DE\t#####\tSCZ\tall\tknown\n", "", "regions"},
		{"DE\t#####\tSCZ\t-\tmaybe\n", "", "basis"},
		{"DE\t#####\tSCZ\tstrict\tknown\n", "", "none of DE"},
		{row, "DE\tHE\n", "three columns"},
		{row, "DE\tHE\tHessen\n", "does not say"},
		{"DE\t#####\tSCZ\tsome\tknown\n", "DE\tHE\tHessen|\n", "empty name"},
	} {
		_, err := readRules(tc.postal, tc.regions)
		if problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q, %q: %v; want %q", tc.postal, tc.regions, err, tc.want)
		}
	}
}

// FuzzValues: whatever stands in a contact, the checks end, within bounds, and
// say nothing that has the value in its detail.
func FuzzValues(f *testing.F) {
	g := good()
	f.Add(g.Email, g.Phone, g.Country, g.PostalCode, g.City, g.Region, g.Street[0])
	f.Add("a@b@c", "+1.5555555555x1x2", "UK", "\xed\xa0\x80", "\u202eabc", "CA", "123 Main St")
	f.Add("\"@", "tel:;ext=", "DEU", "〒", "Germany", "-", strings.Repeat("x", 600))
	f.Fuzz(func(t *testing.T, email, phone, country, code, city, region, street string) {
		checkValues(t, registration.Contact{Email: email, Phone: phone, Country: country, PostalCode: code, City: city, Region: region, Street: []string{street, city}})
	})
}

func checkValues(t interface{ Fatalf(string, ...any) }, c registration.Contact) []Verdict {
	vs, err := Examine(subject(c), contactChecks)
	if err != nil {
		t.Fatalf("%v", err)
	}
	byID := map[string]*Check{}
	for i := range contactChecks {
		byID[contactChecks[i].ID] = &contactChecks[i]
	}
	for _, v := range vs {
		k := byID[v.Check]
		if v.Reason != "" && k.Reasons[v.Reason] == "" && common[v.Reason] == "" {
			t.Fatalf("%s gives the reason %q, which it does not explain", v.Check, v.Reason)
		}
		if v.Detail != k.Reasons[v.Reason] && v.Detail != common[v.Reason] {
			t.Fatalf("%s: the detail %q is not the reason's", v.Check, v.Detail)
		}
		if v.Result != Pass && v.Reason == "" {
			t.Fatalf("%s: %s without a reason", v.Check, v.Result)
		}
		if len(v.Evidence) > 200 || !utf8.ValidString(v.Evidence) || strings.ContainsAny(v.Evidence, "\u202e\x00\n") {
			t.Fatalf("%s: evidence of %d octets: %q", v.Check, len(v.Evidence), v.Evidence)
		}
	}
	return vs
}

func drawContact(t *rapid.T, label string) registration.Contact {
	text := func(field string, like ...string) string {
		return rapid.OneOf(rapid.SampledFrom(like), rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("aA1 .-@+x;,\u202e\u00e9中")), 0, 20, -1)).Draw(t, label+field)
	}
	return registration.Contact{
		Street:     rapid.SliceOfN(rapid.SampledFrom([]string{"Lange Straße 7", "123", "Germany", "60311 Frankfurt", "", "-", "x\u202ey"}), 0, 4).Draw(t, label+"street"),
		City:       text("city", "Frankfurt", "60311 Frankfurt", "Springfield, IL", "Singapore", ""),
		Region:     text("region", "IL", "Hessen", ""),
		PostalCode: text("code", "60311", "62701-1234", "SW1A 1AA", ""),
		Country:    text("country", "DE", "US", "UK", "GB", "XK", "Germany", "QA", ""),
		Email:      text("email", "a@example.com", "a@b@c", ""),
		Phone:      text("phone", "+49.69272350", "+1.5555555555", "0049 69", "+999.1", ""),
	}
}

// TestValuesProperties: no value breaks a check, no verdict depends on another
// contact or on the order of checks, and the same subject gets the same verdicts.
func TestValuesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawContact(t, "a"), drawContact(t, "b")
		alone := checkValues(t, a)
		s := subject(a)
		s.Record.Contacts[registration.Tech] = b
		both, err := Examine(s, contactChecks)
		if err != nil {
			t.Fatalf("%v", err)
		}
		s.Roles = []string{registration.Tech}
		second, err := Examine(s, contactChecks)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if !slices.Equal(both[len(alone):], second) {
			t.Fatalf("the second contact is %+v, and alone %+v", both[len(alone):], second)
		}
		// Of one check, whose field is that of the contact before.
		one := contactChecks[len(contactChecks)-1:]
		s.Roles = []string{registration.Registrant, registration.Tech}
		pair, err := Examine(s, one)
		if err != nil {
			t.Fatalf("%v", err)
		}
		among := slices.DeleteFunc(slices.Clone(both), func(v Verdict) bool { return v.Check != one[0].ID })
		if !slices.Equal(pair, among) {
			t.Fatalf("alone %s is %+v, among all %+v", one[0].ID, pair, among)
		}
		turned := slices.Clone(contactChecks)
		slices.Reverse(turned)
		other, err := Examine(subject(a), turned)
		if err != nil {
			t.Fatalf("%v", err)
		}
		slices.Reverse(other)
		for i, v := range alone {
			if both[i] != v {
				t.Fatalf("%s is %+v, and beside another contact %+v", v.Check, v, both[i])
			}
			if other[i] != v {
				t.Fatalf("%s is %+v, and in another order %+v", v.Check, v, other[i])
			}
		}
	})
}

// TestHuge: a megabyte in every field takes no longer than any other, and a
// thousand contacts are an error that says so.
func TestHuge(t *testing.T) {
	big := strings.Repeat("é1@ ", 1<<18)
	c := registration.Contact{Name: big, Street: slices.Repeat([]string{big[:1<<10]}, 1000), City: big, Region: big, PostalCode: big, Country: big, Email: big, Phone: big}
	checkValues(t, c)
	s := subject(good())
	for i := range 1000 {
		s.Record.Contacts[fmt.Sprintf("role%d", i)] = good()
	}
	if _, err := Examine(s, contactChecks); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "contacts") {
		t.Errorf("a thousand contacts: %v", err)
	}
}

// TestValuesDocumented: docs/accuracy.md has each check with its level and its
// reasons.
func TestValuesDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "accuracy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, doc, ok := strings.Cut(string(raw), "## Checks of values\n")
	if !ok {
		t.Fatal("docs/accuracy.md has no section \"Checks of values\"")
	}
	doc, _, _ = strings.Cut(doc, "\n## ")
	rows := map[string]string{}
	for l := range strings.Lines(doc) {
		if rest, ok := strings.CutPrefix(l, "| `"); ok {
			id, _, _ := strings.Cut(rest, "`")
			rows[id] = l
		}
	}
	for _, c := range contactChecks {
		row := docRow(c)
		if rows[c.ID] != row {
			t.Errorf("the row of %s is\n%swant\n%s", c.ID, rows[c.ID], row)
		}
		delete(rows, c.ID)
	}
	for id := range rows {
		t.Errorf("there is no check %s", id)
	}
}

// docRow is a check's row in docs/accuracy.md.
func docRow(c Check) string {
	var reasons []string
	for r := range c.Reasons {
		reasons = append(reasons, "`"+r+"`")
	}
	slices.Sort(reasons)
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", c.ID, c.Level, c.About, c.Source, strings.Join(reasons, ", "))
}

// contactSet is a record with four contacts, all told apart.
func contactSet() Subject {
	s := subject(good())
	s.Record.Contacts[registration.Admin] = registration.Contact{Name: "Bob Example", Street: []string{"1 Example Road", "Suite 5"}, City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US", Email: "bob.example@example.net", Phone: "+1.2172345678"}
	s.Record.Contacts[registration.Tech] = registration.Contact{Name: "Chika Example", Street: []string{"1-2-3 Example"}, City: "Chiyoda-ku", Region: "Tokyo", PostalCode: "100-0001", Country: "JP", Email: "hostmaster@example.jp", Phone: "+81.332345678"}
	s.Record.Contacts[registration.Billing] = registration.Contact{Name: "Dana Example", Street: []string{"7 Example Street"}, City: "London", PostalCode: "SW1A 1AA", Country: "GB", Email: "billing@example.org", Phone: "+44.2079460123"}
	return s
}

func BenchmarkContactSet(b *testing.B) {
	s := contactSet()
	v1 := slices.DeleteFunc(ContactChecks(), func(c Check) bool { return c.Level != V1 })
	phones := slices.DeleteFunc(ContactChecks(), func(c Check) bool { return c.Level != V1 || !strings.HasPrefix(c.ID, "phone.") })
	with := slices.DeleteFunc(slices.Concat(ContactChecks(), IdentityChecks()), func(c Check) bool { return c.Level != V1 })
	for _, bc := range []struct {
		name   string
		checks []Check
	}{{"values", v1}, {"phone", phones}, {"values and identity", with}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			var out []Verdict
			for b.Loop() {
				var err error
				if out, err = AppendVerdicts(out[:0], s, bc.checks); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
