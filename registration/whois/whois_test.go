package whois

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

// checkRecord holds what is true of every record, whatever was read.
func checkRecord(t interface{ Errorf(string, ...any) }, rec registration.Record) {
	b, err := json.Marshal(rec)
	if err != nil {
		t.Errorf("the record has no JSON: %v", err)
	}
	if !utf8.Valid(b) || strings.ContainsRune(string(b), 0) {
		t.Errorf("the JSON is not UTF-8 without NUL")
	}
	walk(t, reflect.ValueOf(rec), "record")
	if !slices.IsSorted(rec.Statuses) || !slices.IsSorted(rec.Nameservers) {
		t.Errorf("lists are not in order: %v, %v", rec.Statuses, rec.Nameservers)
	}
	for _, ns := range rec.Nameservers {
		if ns != strings.ToLower(ns) || strings.HasSuffix(ns, ".") {
			t.Errorf("name server %q", ns)
		}
	}
	for path, s := range rec.Fields {
		if s == registration.Present || s == registration.Absent || s == "" {
			t.Errorf("field %s has state %q", path, s)
		}
		if v := rec.Value(path); v != "" {
			t.Errorf("field %s is %s and has a value", path, s)
		}
		if (s == registration.Unparsed) != (rec.Unread[path] != "") {
			t.Errorf("field %s is %s, and its raw text is %q", path, s, rec.Unread[path])
		}
	}
	for role, c := range rec.Contacts {
		for _, f := range registration.ContactFields() {
			if f == "street" || f == "handle" {
				continue
			}
			if v := c.Field(f); v != "" && registration.Withheld(v) == registration.Redacted {
				t.Errorf("contacts.%s.%s shows %q", role, f, v)
			}
		}
	}
	switch rec.State {
	case registration.Registered, registration.Reserved:
	default:
		if rec.Registrar != (registration.Registrar{}) || len(rec.Contacts) > 0 || len(rec.Nameservers) > 0 || !rec.Created.IsZero() {
			t.Errorf("state %s with a registration", rec.State)
		}
	}
}

func walk(t interface{ Errorf(string, ...any) }, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if !utf8.ValidString(s) {
			t.Errorf("%s is not UTF-8: %q", path, s)
		}
		for _, r := range s {
			if unicode.IsControl(r) {
				t.Errorf("%s has a control character: %q", path, s)
				break
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeOf(registration.Date{}) || v.Type().PkgPath() == "time" {
			return
		}
		for i := range v.NumField() {
			walk(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(t, v.Index(i), path)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			walk(t, it.Key(), path)
			walk(t, it.Value(), path)
		}
	}
}

// The data files are part of the program; what they say must be readable, and
// every phrase must be found by its own words.
func TestData(t *testing.T) {
	v, err := readVocabulary(vocabularyYAML)
	if err != nil || len(v.labels) < 3000 || len(v.table) > 1<<15 {
		t.Fatalf("%v; %d labels", err, len(v.labels))
	}
	for k, m := range v.labels {
		if got, ok := v.find([]byte(k)); !ok || got != m {
			t.Fatalf("%q is in the vocabulary and not found", k)
		}
	}
	if _, err := readPhrases(phrasesYAML); err != nil {
		t.Fatal(err)
	}
	if p, err := readProfiles(profilesYAML); err != nil || p.tld("jp") == none || p.server("whois.jprs.jp:43") == none || p.tld("example") != none {
		t.Fatalf("%v", err)
	}
	for _, bad := range []string{
		"- {tlds: [x], zone: noon}", "- {tlds: [x], dates: backwards}", "- {tlds: [x], charset: smoke}",
		"- {tlds: [x], labels: {colour: [a]}}", "- {tlds: [x], block: [colour]}", "{", "- {tlds: [x], labels: {registrant.colour: [a]}}",
		"- {tlds: [x]}\n- {tlds: [x]}", "- {servers: [x]}\n- {servers: [x]}",
	} {
		if _, err := readProfiles([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	for _, bad := range []string{"- {labels: {colour: [a]}}", "- {roles: {cook: [a]}}", "- {headings: {cook: [a]}}", "- {fields: {colour: [a]}}", "{"} {
		if _, err := readVocabulary([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	for _, bad := range []string{"values: {colour: [a]}", "["} {
		if _, err := readPhrases([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestLookup(t *testing.T) {
	v := words()
	for label, want := range map[string]meaning{
		"Domain Name":                   {what: domainName},
		"DOMAIN NAME (UTF-8)":           {what: domainName},
		"Name Server 1":                 {what: nameserver},
		"Registrant Street1":            {contactStreet, registrant},
		"Registrant State/Province":     {contactRegion, registrant},
		"admin-c":                       {contactRole, admin},
		"AC E-Mail":                     {contactEmail, admin},
		"Titular / Registrant":          {contactRole, registrant},
		"Mail contact technique":        {contactEmail, tech},
		"Última Actualización":          {what: updated},
		"ДАТА РЕГИСТРАЦИИ":              {what: created},
		"登録年月日":                         {what: created},
		"Registrar Abuse Contact Email": {what: registrarAbuseEmail},
		"By submitting this query":      {},
		"":                              {},
	} {
		if got := v.lookup(label); got != want {
			t.Errorf("%q: %v, want %v", label, got, want)
		}
	}
}

func TestDate(t *testing.T) {
	jp := zone{minutes: 540}
	cet := zone{minutes: 60, summer: true}
	for _, c := range []struct {
		in    string
		order dateOrder
		zone  zone
		want  string
	}{
		{"2011-01-02T03:04:05Z", 0, zone{}, "2011-01-02T03:04:05Z"},
		{"2011-01-02T03:04:05.678Z", 0, zone{}, "2011-01-02T03:04:05Z"},
		{"2011-01-02T03:04:05+02:00", 0, zone{}, "2011-01-02T01:04:05Z"},
		{"2011-01-02T03:04:05-0700", 0, zone{}, "2011-01-02T10:04:05Z"},
		{"2011-01-02 03:04:05+03", 0, zone{}, "2011-01-02T00:04:05Z"},
		{"2011-01-02", 0, zone{}, "2011-01-02"},
		{"2011. 01. 02.", 0, zone{}, "2011-01-02"},
		{"2011/01/02 03:04:05 (JST)", 0, zone{}, "2011-01-01T18:04:05Z"},
		{"2011/01/02 12:00:00", 0, jp, "2011-01-02T03:00:00Z"},
		{"2011-07-02 12:00:00", 0, cet, "2011-07-02T10:00:00Z"},
		{"2011-01-02 12:00:00", 0, cet, "2011-01-02T11:00:00Z"},
		{"2011-01-02 00:00:00", 0, jp, "2011-01-02"},
		{"2011-01-02T00:00:00Z", 0, jp, "2011-01-02T00:00:00Z"},
		{"Sun 2 Jan 03:04:05 CET 2011", 0, zone{}, "2011-01-02T02:04:05Z"},
		{"20110102", 0, zone{}, "2011-01-02"},
		{"20110102030405", 0, zone{}, "2011-01-02T03:04:05Z"},
		{"20110102 #1234567", 0, zone{}, "2011-01-02"},
		{"02-Jan-2011", 0, zone{}, "2011-01-02"},
		{"02-jan-11", 0, zone{}, "2011-01-02"},
		{"02-Jan-2011 03:04:05 UTC", 0, zone{}, "2011-01-02T03:04:05Z"},
		{"2 Jan 2011", 0, zone{}, "2011-01-02"},
		{"2nd January 2011", 0, zone{}, "2011-01-02"},
		{"January 2, 2011", 0, zone{}, "2011-01-02"},
		{"Sun Jan 2 2011", 0, zone{}, "2011-01-02"},
		{"Sun, 02 Jan 2011 03:04:05 +0500", 0, zone{}, "2011-01-01T22:04:05Z"},
		{"Fri Mar 29 22:03:53 GMT 2002", 0, zone{}, "2002-03-29T22:03:53Z"},
		{"2.1.2011", 0, zone{}, "2011-01-02"},
		{"02.01.2011 03:04:05", 0, zone{}, "2011-01-02T03:04:05Z"},
		{"02/01/2011", 0, zone{}, "2011-01-02"},
		{"01/02/2011", monthFirst, zone{}, "2011-01-02"},
		{"13/01/2011", monthFirst, zone{}, "2011-01-13"},
		{"01/13/2011", 0, zone{}, "2011-01-13"},
		{"1/2/2011 3:04:05 PM", monthFirst, zone{}, "2011-01-02T15:04:05Z"},
		{"2011-01-02 (YYYY-MM-DD)", 0, zone{}, "2011-01-02"},
		{"2011-01-02 06:59:05 (UTC+8)", 0, zone{}, "2011-01-01T22:59:05Z"},
		{"2011-01-02 06:59:05 (GMT+0:00)", 0, zone{}, "2011-01-02T06:59:05Z"},
		{"2011年1月2日", 0, zone{}, "2011-01-02"},
		{"2 января 2011", 0, zone{}, "2011-01-02"},
		{"2 ene 2011", 0, zone{}, "2011-01-02"},
		{"2020-11-20 14:48:02 CLST", 0, zone{}, "2020-11-20T17:48:02Z"},
		{"2020-06-20 14:48:02 CLT", 0, jp, "2020-06-20T18:48:02Z"},
		{"2020-06-20 14:48:02 +0530", 0, jp, "2020-06-20T09:18:02Z"},
		{"2011-01-02T23:59:59.5Z", 0, jp, "2011-01-02T23:59:59Z"}, {"2011-01-02T24:00:00Z", 0, zone{}, "2011-01-03T00:00:00Z"},
		{"30-06-2003 00:00:00 EEST", 0, zone{}, "2003-06-30"},
		{"2016-12-31T23:59:60Z", 0, zone{}, "2016-12-31T23:59:59Z"},
		{"before Aug-1996", 0, zone{}, "1996-08-01"}, {"Aug-1996", 0, zone{}, ""}, {"1970-01-01", 0, zone{}, ""}, {"0000-00-00", 0, zone{}, ""},
		{"2011-02-30", 0, zone{}, ""}, {"99/99/2027", 0, zone{}, ""}, {"not defined", 0, zone{}, ""}, {"", 0, zone{}, ""},
		{"123456789", 0, zone{}, ""}, {"31/04/2011", 0, zone{}, ""},
	} {
		d, ok := parseDate(c.in, c.order, c.zone)
		if got := d.String(); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.in, got, ok, c.want)
		}
	}
}

func TestState(t *testing.T) {
	for in, want := range map[string]registration.State{
		"No match for \"SHOP.EXAMPLE\".\r\n":                                              registration.Available,
		"NOT FOUND\n":                                                                     registration.Available,
		"% No entries found for shop.example\n":                                           registration.Available,
		"%ERROR:101: no entries found\n% \n% No entries found.\n":                         registration.Available,
		"shop.example: no existe\n":                                                       registration.Available,
		"shop.example is free\n":                                                          registration.Available,
		"Domain shop.example not registered.\n":                                           registration.Available,
		"Domain: shop.example\nStatus: free\n":                                            registration.Available,
		"Domain Name: shop.example\nDomain Status: No Object Found\n":                     registration.Available,
		"query_status: 220 Available\ndomain_name: shop.example\n":                        registration.Available,
		"Available\nDomain: shop.example\n":                                               registration.Available,
		"El dominio no se encuentra registrado\n":                                         registration.Available,
		"등록되어 있지 않습니다\n":                                                                  registration.Available,
		"NOMATCH\n":                                                                       registration.Available,
		"Domain: shop.example\nAvailable: Yes\n":                                          registration.Available,
		"The domain \"shop\" not found.\n":                                                registration.Available,
		"Your IP is blocked\n":                                                            registration.Throttled,
		"Server can't process your request.\n":                                            registration.Failed,
		"Restricted name\n":                                                               registration.Reserved,
		"Reserved by Registry\n":                                                          registration.Reserved,
		"Name is reserved by the operator\n":                                              registration.Reserved,
		"Restricted\n":                                                                    registration.Reserved,
		"[Domain Name] NE.EXAMPLE\n[Status]  Reserved\n":                                  registration.Reserved,
		"You have exceeded your quota of queries.\n":                                      registration.Throttled,
		"# Too many connections.\n":                                                       registration.Throttled,
		"%% Too many requests...\n%%\n%% No entries found in the database.\n":             registration.Throttled,
		"request limit exceeded for 192.0.2.1\n":                                          registration.Throttled,
		"% Error: 55000000002 Connection refused; access control limit reached.\n":        registration.Throttled,
		"-1: Still in grace period, wait 7777777 seconds\n":                               registration.Throttled,
		"Your connection limit exceeded. Please slow down and try again later.\n":         registration.Throttled,
		"query_status: 440 Request Denied\ndomain_name: shop.example\n":                   registration.Throttled,
		"Please maintain at least 10-second time before starting another enquiry.\n":      registration.Throttled,
		"% Error: service unavailable\n":                                                  registration.Failed,
		"[Querying whois.registry.example]\n[Unable to connect to remote host]\n":         registration.Failed,
		"TLD is not supported.\n":                                                         registration.Unknown,
		"Domain: shop.example\nStatus: invalid\n":                                         registration.Unknown,
		"domain: EXAMPLE\n\norganisation: X\n\nwhois: whois.example\ncreated: 1985-01-01": registration.Registered, // of the TLD
		"domain: EXAMPLE\n\norganisation: X\n":                                            registration.Unknown,
		"domain: EXAMPLE\n\ncreated: 1985-01-01\nnserver: ns1.example.net\nsource: IANA\n\nNo match for shop.example\n": registration.Available,
		"Not found:shop.example\n":                    registration.Available,
		"shop.example FREE\n":                         registration.Available,
		"Domaine inconnu\n":                           registration.Available,
		"该域名未注册\n":                                    registration.Available,
		"도메인이 존재하지 않습니다\n":                            registration.Available,
		"Limite de requêtes atteinte\n":               registration.Throttled,
		"查询过于频繁，请稍后再试\n":                              registration.Throttled,
		"Your IP address is banned\n":                 registration.Throttled,
		"This domain is restricted\n":                 registration.Reserved,
		"person: Jo Sample\ne-mail: jo@example.org\n": registration.Unknown, // nobody says of which name
		"No match for shop.example\n\nHosting Details:\nName: Zed Other\nEmail: zed@example.net\n": registration.Available,
		"hello\n": registration.Unknown,
		"Domain: shop.example\nStatus: connect\n":                               registration.Registered,
		"Domain: shop.example\nStatus: NOT AVAILABLE\nRegistered: 2011-01-02\n": registration.Registered,
		"":                                  registration.Failed,
		"  \r\n\r\n":                        registration.Failed,
		"<!DOCTYPE html><p>no</p>":          registration.Failed,
		`{"objectClassName":"domain"}`:      registration.Failed,
		strings.Repeat("\x01\x02\x03", 100): registration.Failed,
	} {
		rec, err := Domain([]byte(in), registration.Source{})
		if rec.State != want || (err != nil) != (want == registration.Failed) {
			t.Errorf("%q: %s, %v; want %s", in, rec.State, err, want)
		}
		if err != nil && problem.CodeOf(err) != problem.Invalid && problem.CodeOf(err) != problem.Unavailable {
			t.Errorf("%q: %v", in, err)
		}
		checkRecord(t, rec)
	}
}

// What stands below words that are not known, and prose, is nobody's: whatever is
// added to an answer so, no value of it is shown as somebody's.
func TestStrangers(t *testing.T) {
	strangers := []string{
		"Frobnication Details:\nName: Zed Zzother\nEmail: zz@other.example\nPhone: +1.5555550199\nCreated: soon\n",
		"Hosting Contact:\n   Name: Zed Zzother\n   Email: zz@other.example\n   Phone: +1.5555550199\n",
		"[Frobnication Contact]\nZed Zzother\nzzother street 1\n+1.5555550199\n",
		"Sales Contact:\n   Zed Zzother\n   zzother street 1\n   zz@other.example\n",
		"zz-key: ZZ1-EXAMPLE\nperson: Zed Zzother\naddress: zzother street 1\ne-mail: zz@other.example\n",
		"The zzprose in this service is provided for information purposes only, to assist\nin obtaining zzinformation about or related to a domain name registration record.\nBy submitting a zzquery, you agree to abide by the terms: no use for marketing.\n",
	}
	files := testdataAnswers(t)
	for f, raw := range corpusIfHere(t) {
		// Labels of a profile are the registry's own wherever they stand.
		if !strings.Contains(f, ".by") && !strings.Contains(f, "/by_") {
			files[f] = raw
		}
	}
	var r Reader
	for i, f := range sortedKeys(files) {
		if strings.HasPrefix(f, "charset") {
			continue // the addition is in another set
		}
		raw, tried := files[f], strangers
		if strings.Contains(f, "/") { // of the corpus, which has many
			tried = strangers[i%len(strangers):][:1]
		}
		before, _ := r.Domain(raw, registration.Source{})
		for _, s := range tried {
			rec, _ := r.Domain([]byte(string(raw)+"\n\n"+s), registration.Source{})
			b, err := json.Marshal(rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ToLower(string(b)); strings.Contains(got, "zz") && strings.Contains(got, "other") && !strings.Contains(strings.ToLower(string(raw)), "zz") || strings.Contains(got, "zzprose") || strings.Contains(got, "555555019") {
				t.Errorf("%s, with %q behind it: %s", f, s, b)
			}
			if before.State != registration.Registered && rec.State == registration.Registered {
				t.Errorf("%s is %s, and with %q behind it registered", f, before.State, s)
			}
		}
	}
}

// A page that says that there is nothing names what was asked for.
func TestAskedName(t *testing.T) {
	for in, want := range map[string]string{
		"No match for \"SHOP.EXAMPLE\".":                                                                           "shop.example",
		"Sorry, but domain: \"shop.example\", not found in database":                                               "shop.example",
		"% WHOIS shop.example\n% No such domain":                                                                   "shop.example",
		"% This query returned 0 objects.\n%\n% You queried for shop.example but this server does not have\n% any": "shop.example",
		"Not found: Bücher.example":                                                                                "xn--bcher-kva.example",
		"No match for whois.registry.example's you":                                                                "",
	} {
		if rec, _ := Domain([]byte(in), registration.Source{}); rec.Domain != want || rec.State != registration.Available {
			t.Errorf("%q: %s %q, want %q", in, rec.State, rec.Domain, want)
		}
	}
}

func TestReferral(t *testing.T) {
	for in, want := range map[string]string{
		"refer:        whois.registry.example\n\ndomain: EXAMPLE\n":          "whois.registry.example",
		"domain: EXAMPLE\nwhois:   whois.registry.example\n":                 "whois.registry.example",
		"domain: shop.example\nwhois:   whois.registry.example\n":            "",
		"Registrar WHOIS Server: WHOIS.Registrar.example\r\n":                "whois.registrar.example",
		"   Whois Server: whois.registrar.example\n":                         "whois.registrar.example",
		"Registrar WHOIS Server: http://registrar.example/whois":             "registrar.example",
		"Registrar WHOIS Server: https://registrar.example:8443/":            "registrar.example",
		"ReferralServer:  rwhois://rwhois.example.net:4321/":                 "rwhois.example.net:4321",
		"ReferralServer: whois://whois.example.net:43":                       "whois.example.net",
		"Registrar WHOIS Server: whois.example.net:0":                        "",
		"Registrar WHOIS Server: whois.example.net:99999":                    "",
		"Registrar WHOIS Server:\nRegistrar WHOIS Server: whois.example.net": "whois.example.net",
		"Registrar WHOIS Server: 192.0.2.1":                                  "",
		"Registrar WHOIS Server: [2001:db8::1]":                              "",
		"Registrar WHOIS Server: localhost":                                  "",
		"Registrar WHOIS Server: not applicable":                             "",
		"NOTICE: see the refer: whois.example.net":                           "",
		"": "",
		strings.Repeat("x\n", maxReferralLines) + "refer: whois.example.net": "",
	} {
		if got := Referral([]byte(in)); got != want {
			t.Errorf("%.60q: %q, want %q", in, got, want)
		}
	}
}

// What is too long is read to a mark, and said so.
func TestBounds(t *testing.T) {
	head := "Domain Name: shop.example\nCreation Date: 2011-01-02\nName Server: ns1.example.net\n"
	for name, in := range map[string]string{
		"octets":      head + strings.Repeat("x", MaxBytes),
		"lines":       head + strings.Repeat("a\n", maxLines),
		"nameservers": head + strings.Repeat("Name Server: ns1.example.net\n", maxLines),
	} {
		rec, err := Domain([]byte(in), registration.Source{})
		if err != nil || rec.Domain != "shop.example" || !slices.ContainsFunc(rec.Findings, func(f registration.Finding) bool { return f.ID == "whois.cut" }) {
			t.Errorf("%s: %s %q %v, %v", name, rec.State, rec.Domain, rec.Findings, err)
		}
	}
	var many strings.Builder
	many.WriteString(head)
	for i := range 1000 {
		many.WriteString("Name Server: ns" + strings.Repeat("1", i%50+1) + ".x" + string(rune('a'+i%26)) + ".example.net\nDomain Status: s" + strings.Repeat("t", i%60) + "\nRegistrant Street: line\n")
	}
	rec, _ := Domain([]byte(many.String()), registration.Source{})
	if len(rec.Nameservers) > maxNameservers || len(rec.Statuses) > maxStatuses || len(rec.Contacts["registrant"].Street) > 12 {
		t.Errorf("%d name servers, %d statuses, %d lines", len(rec.Nameservers), len(rec.Statuses), len(rec.Contacts["registrant"].Street))
	}
	checkRecord(t, rec)
}

// A reader that is used again gives what a new one gives, and does not change
// what it gave.
func TestReaderAgain(t *testing.T) {
	answers := map[string][]byte{}
	for f, raw := range testdataAnswers(t) {
		answers[f] = raw
	}
	var r Reader
	kept := map[string]registration.Record{}
	for range 2 {
		for _, f := range sortedKeys(answers) {
			rec, _ := r.Domain(answers[f], registration.Source{})
			fresh, _ := Domain(answers[f], registration.Source{})
			if !reflect.DeepEqual(rec, fresh) {
				t.Errorf("%s: read again, the record is another", f)
			}
			if old, ok := kept[f]; ok && !reflect.DeepEqual(rec, old) {
				t.Errorf("%s: the record changed", f)
			}
			kept[f] = rec
		}
	}
}

// Answers about one name, printed one after the other, are told apart: the
// registry's facts stay, and the registrar's own name and contacts come to them.
func TestChainProperty(t *testing.T) {
	label := rapid.StringMatching(`[a-z]{3,10}`)
	rapid.Check(t, func(t *rapid.T) {
		domain := label.Draw(t, "domain") + ".example"
		year := rapid.IntRange(1990, 2020).Draw(t, "year")
		reg, rar := label.Draw(t, "registrar"), label.Draw(t, "other")
		mark := rapid.SampledFrom([]string{"\n", "\n\n", "\n# whois.registrar.example\n\n", "\n[Querying whois.registrar.example]\n[whois.registrar.example]\n"}).Draw(t, "mark")
		y := string(rune('0'+year/1000)) + string(rune('0'+year/100%10)) + string(rune('0'+year/10%10)) + string(rune('0'+year%10))
		registry := "Domain Name: " + strings.ToUpper(domain) + "\nRegistrar: " + reg + " Inc.\nCreation Date: " + y + "-01-02T03:04:05Z\nRegistry Expiry Date: 2030-01-02T03:04:05Z\nName Server: NS1.EXAMPLE.NET\n"
		registrar := "Domain Name: " + domain + "\nRegistrar: " + rar + " Ltd\nCreation Date: 2021-05-05T05:05:05Z\nRegistrar Registration Expiration Date: 2031-01-02T03:04:05Z\nRegistrant Name: " + rar + " person\nRegistrant Country: DE\nName Server: ns9.example.org\n"
		rec, err := Domain([]byte(registry+mark+registrar), registration.Source{})
		if err != nil {
			t.Fatal(err)
		}
		if rec.Domain != domain || rec.Registrar.Name != rar+" Ltd" || rec.Created.Year() != year || rec.Expires.Year() != 2030 ||
			!slices.Equal(rec.Nameservers, []string{"ns1.example.net"}) {
			t.Fatalf("the registry's facts: %+v", rec)
		}
		if c := rec.Contacts["registrant"]; c.Name != rar+" person" || c.Country != "DE" {
			t.Fatalf("the registrar's contact: %+v", c)
		}
	})
}

// What a chain's later answers gave names them as its source.
func TestChainSources(t *testing.T) {
	src := registration.Source{Protocol: "whois", Server: "whois.iana.org", Role: "registry"}
	rec, err := Domain(testdataAnswers(t)["chain.txt"], src)
	if err != nil {
		t.Fatal(err)
	}
	if s := rec.SourceOf("contacts.registrant.email"); s.Server != "whois.registrar.example" || s.Role != "registrar" || s.Protocol != "whois" {
		t.Errorf("the contact is from %+v", s)
	}
	if s := rec.SourceOf("created"); s != src {
		t.Errorf("the date is from %+v", s)
	}
	if rec, _ := Domain(testdataAnswers(t)["chain.txt"], registration.Source{}); rec.Sources != nil {
		t.Errorf("sources without a source: %v", rec.Sources)
	}
}

// Whatever comes, there is a record, the same each time.
func TestAnyBytes(t *testing.T) {
	v, err := readVocabulary(vocabularyYAML)
	if err != nil {
		t.Fatal(err)
	}
	labels := sortedKeys(v.labels)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 40).Draw(t, "lines") {
			b.WriteString(rapid.SampledFrom([]string{"", "", "  ", "\t", "% ", "# ", "[", "** ", ">>> "}).Draw(t, "start"))
			b.WriteString(rapid.SampledFrom(labels).Draw(t, "label"))
			b.WriteString(rapid.SampledFrom([]string{":", ": ", "....: ", "  ", "] ", "\t", ""}).Draw(t, "mark"))
			b.WriteString(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"shop.example", "2011-01-02", "ns1.example.net", "REDACTED FOR PRIVACY", "+1.5555550100", "EX1-EX", "a@example.com"})).Draw(t, "value"))
			b.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", "\r"}).Draw(t, "end"))
		}
		raw := []byte(b.String())
		rec, err := Domain(raw, registration.Source{})
		if (err != nil) != (rec.State == registration.Failed) {
			t.Fatalf("state %s with error %v", rec.State, err)
		}
		checkRecord(t, rec)
		again, _ := Domain(raw, registration.Source{})
		if !reflect.DeepEqual(rec, again) {
			t.Fatal("read twice, two records")
		}
		Referral(raw)
	})
}

func FuzzDomain(f *testing.F) {
	for _, raw := range testdataAnswers(f) {
		f.Add(raw)
	}
	for _, raw := range corpusIfHere(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := Domain(raw, registration.Source{})
		if (err != nil) != (rec.State == registration.Failed) {
			t.Errorf("state %s with error %v", rec.State, err)
		}
		checkRecord(t, rec)
		again, _ := Domain(raw, registration.Source{})
		if !reflect.DeepEqual(rec, again) {
			t.Error("read twice, two records")
		}
		Referral(raw)
	})
}

// Whose a value is, where two stand in one answer or chain.
func TestWhose(t *testing.T) {
	const head = "Domain Name: shop.example\n"
	for _, c := range []struct{ in, path, want string }{
		{head + "Registered through:\n   Example Shop\n\nRegistrar:\n   Example Ltd [Tag = EX]\n", "registrar.name", "Example Ltd [Tag = EX]"},
		{head + "Updated: 2024-03-21\n\nRegistrar: EXAM-0024\nName: Example Ltd\nUpdated: 2024-10-10\n", "updated", "2024-03-21"},
		{head + " k [Primary Name Server]              NS1EXAM0.SER\n  ns1.example.net                     192.0.2.1\n", "nameservers", "ns1.example.net"},
		{head + "Name Servers: ns1.example.net\n              ns2.example.net 192.0.2.1\n", "nameservers", "ns1.example.net ns2.example.net"},
		{head + "Created: 2020-01-02\n\nRegistrant:\n  Name: Jo\n  Email: Visit www.registry.example for it\nUpdated: 2021-01-02\n", "updated", "2021-01-02"},
		{head + "Created: 2020-01-02\nRegistrant Name: Jo\nRegistrant Email: Visit www.registry.example for it\n", "contacts.registrant.email", ""},
		{head + "Created: 2020-01-02\n\nOwner Contact\nName: Jo\n\nAccounting desk contact\nEmail: bo@example.com\n", "contacts.registrant.email", ""},
		{"Domain name:\n   SHOP.EXAMPLE is Active\n", "statuses", "Active"},
		{head + "Signed: no\nCreated: 2020-01-02\nRegistrar\n  Organization: Example Ltd\n  DNSSEC: yes\n", "dnssec", "unsigned"},
		{head + "Registrar: A\nCreation Date: 2017-01-02T03:04:05Z\nStatus: ok\n\n" + head + "Registrar: B\nCreation Date: 2009-01-02T03:04:05Z\n", "created", "2009-01-02T03:04:05Z"},
		{head + "Registrar: A\nCreation Date: 2017-01-02T03:04:05Z\nStatus: ok\n\n" + head + "Registrar: B\nCreation Date: 2019-01-02T03:04:05Z\n", "created", "2017-01-02T03:04:05Z"},
		{head + "Registrar: A\nCreation Date: 02-jan-2017\nStatus: ok\n\n" + head + "Registrar: B\nCreation Date: 2017-01-02T03:04:05Z\n", "created", "2017-01-02T03:04:05Z"},
		{head + "Registrar: A\nCreation Date: 02-jan-2017\nExpiry Date: 2030-01-02\n\n" + head + "Registrar: B\nExpiry Date: 2031-01-02T03:04:05Z\n", "expires", "2030-01-02"},
	} {
		rec, err := Domain([]byte(c.in), registration.Source{})
		if got := rec.Value(c.path); err != nil || got != c.want {
			t.Errorf("%q: %s %q, %v; want %q", c.in, c.path, got, err, c.want)
		}
	}
}

// The forms of docs/registration.md, "Adding a registry's form", work as they
// stand on the page.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "registration.md"))
	if err != nil {
		t.Fatal(err)
	}
	// An example is the lines that are indented as its first one or deeper.
	example := func(first string) []byte {
		var out strings.Builder
		for l := range strings.Lines(string(b)) {
			code, ok := strings.CutPrefix(l, "       ")
			switch {
			case out.Len() == 0 && strings.HasPrefix(code, first), out.Len() > 0 && ok:
				out.WriteString(code)
			case out.Len() > 0:
				return []byte(out.String())
			}
		}
		t.Fatalf("the page has no example that begins with %q", first)
		return nil
	}
	known, err := readProfiles(example("- tlds:"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := readVocabulary(append(slices.Clone(vocabularyYAML), example("- language:")...))
	if err != nil {
		t.Fatal(err)
	}
	var r Reader
	check := func(in, server string, want map[string]string) {
		t.Helper()
		rec, err := r.domain([]byte(in), registration.Source{Server: server}, true, v, known)
		if err != nil {
			t.Fatal(err)
		}
		for path, value := range want {
			if got := rec.Value(path); got != value {
				t.Errorf("%s is %q, want %q", path, got, value)
			}
		}
	}
	const answer = "Domain: shop.example\nState: live\nOrganization: P\xF8\xEDklad\nMail: jo@example.com\nRegistered: 01/02/2003\n" +
		"Expires: 01/02/2030 12:00:00\nLast updated on: 2020-01-01\nName server: ns1.example.net\n\nTechnical contact:\n  Who: Jo Sample\n"
	want := map[string]string{
		"domain": "shop.example", "statuses": "live", "created": "2003-01-02", "expires": "2030-01-02T11:00:00Z", "updated": "",
		"contacts.registrant.name": "Příklad", "contacts.registrant.organization": "Příklad", "contacts.registrant.email": "jo@example.com",
		"contacts.tech.name": "Jo Sample", "nameservers": "ns1.example.net",
	}
	check(answer, "", want) // by its TLD
	check(strings.Replace(answer, "shop.example", "shop.example.net", 1), "whois.registry.example", map[string]string{"domain": "shop.example.net", "created": "2003-01-02"})
	check("Domajno: shop.test\nKreita: 2003-02-01\nPosedanto retpoŝto: jo@example.com\n", "", map[string]string{
		"domain": "shop.test", "created": "2003-02-01", "contacts.registrant.email": "jo@example.com",
	})
}
