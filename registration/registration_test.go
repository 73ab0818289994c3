package registration

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func day(s string) Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return Date{Time: t}
}

func registryRecord() Record {
	return Record{
		State: Registered, Domain: "example.com", Handle: "1_DOMAIN-EXMPL",
		Registrar: Registrar{Name: "Example Registrar, Inc.", IANAID: "9995"},
		Created:   day("2018-02-09"), Updated: day("2026-01-08"), Expires: day("2027-02-09"),
		Statuses: []string{"clientTransferProhibited", "serverHold"}, Nameservers: []string{"ns1.example.net", "ns2.example.net"}, DNSSEC: "unsigned",
		Contacts: map[string]Contact{Registrant: {Region: "TS", Country: "US"}},
		Fields:   map[string]FieldState{"contacts.registrant.name": Redacted, "contacts.registrant.email": Redacted, "contacts.admin": Redacted},
		Findings: []Finding{{ID: "gtld.no-notices", Severity: Must, ICANNCode: -46500, Path: "$"}},
		Related:  "https://rdap.registrar.example/domain/example.com",
		Sources:  map[string]Source{"": {Protocol: "rdap", Role: "registry", Blob: "aa"}},
	}
}

func registrarRecord() Record {
	return Record{
		State: Registered, Domain: "example.com", Handle: "1_domain-exmpl",
		Registrar: Registrar{Name: "EXAMPLE REGISTRAR, INC.", IANAID: "9994", URL: "https://www.registrar.example/", AbuseEmail: "abuse@registrar.example", AbusePhone: "+1.5555550199"},
		Created:   Date{Time: day("2018-02-09").Add(5 * time.Hour)}, Updated: day("2025-01-08"), Expires: day("2027-03-09"),
		Statuses: []string{"clientTransferProhibited"}, Nameservers: []string{"ns2.example.net", "ns1.example.net"},
		Contacts: map[string]Contact{
			Registrant: {Name: "Alice Example", Street: []string{"1 Test Street", "Suite 5"}, Country: "DE"},
			Admin:      {Name: "Bob Example"},
		},
		Fields:   map[string]FieldState{"contacts.registrant.email": Proxy, "contacts.registrant.phone": Redacted},
		Unread:   map[string]string{"contacts.tech.phone": "call us"},
		Findings: []Finding{{ID: "rdap.date", Severity: RFC, Path: "$.events[0]"}},
		Sources:  map[string]Source{"": {Protocol: "rdap", Role: "registrar", Blob: "bb"}},
	}
}

// TestMergePrecedence: who wins, field by field.
func TestMergePrecedence(t *testing.T) {
	a, b := registryRecord(), registrarRecord()
	m := Merge(a, b)
	for path, want := range map[string]string{
		"domain": "example.com", "handle": "1_DOMAIN-EXMPL", "registrar.name": "Example Registrar, Inc.", "registrar.iana_id": "9995",
		"registrar.url": "https://www.registrar.example/", "registrar.abuse_email": "abuse@registrar.example", "registrar.abuse_phone": "+1.5555550199",
		"created": "2018-02-09T00:00:00Z", "updated": "2026-01-08T00:00:00Z", "expires": "2027-02-09T00:00:00Z",
		"statuses": "clientTransferProhibited serverHold", "nameservers": "ns1.example.net ns2.example.net", "dnssec": "unsigned",
		"contacts.registrant.name": "Alice Example", "contacts.registrant.street": "", "contacts.registrant.region": "TS",
		"contacts.registrant.country": "US", "contacts.admin.name": "Bob Example",
	} {
		if got := m.Value(path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	wantFields := map[string]FieldState{"contacts.registrant.email": Proxy, "contacts.registrant.phone": Redacted}
	if d := cmp.Diff(wantFields, m.Fields); d != "" {
		t.Errorf("fields: %s", d)
	}
	for path, blob := range map[string]string{
		"registrar.name": "aa", "registrar.abuse_email": "bb", "contacts.registrant.name": "bb", "contacts.registrant.country": "aa", "expires": "aa", "contacts.admin.name": "bb", "contacts.registrant.email": "bb",
	} {
		if got := m.SourceOf(path).Blob; got != blob {
			t.Errorf("source of %s is %q, want %q", path, got, blob)
		}
	}
	conflicts := map[string]bool{}
	for _, f := range m.Findings {
		if f.ID == "merge.conflict" {
			conflicts[f.Path] = true
			if strings.HasPrefix(f.Path, "contacts.") && (strings.Contains(f.Detail, "DE") || strings.Contains(f.Detail, "US")) {
				t.Errorf("a contact's value is in a finding: %s", f.Detail)
			}
		}
	}
	want := map[string]bool{"registrar.iana_id": true, "expires": true, "statuses": true, "contacts.registrant.country": true}
	if d := cmp.Diff(want, conflicts); d != "" {
		t.Errorf("conflicts: %s", d)
	}
	for _, f := range m.Findings {
		if f.ID == "gtld.no-notices" && f.Source != "registry" || f.ID == "rdap.date" && f.Source != "registrar" {
			t.Errorf("%s is said to be about %q", f.ID, f.Source)
		}
	}
	if d := cmp.Diff(registryRecord(), a); d != "" {
		t.Errorf("Merge changed the registry's record: %s", d)
	}
	if d := cmp.Diff(registrarRecord(), b); d != "" {
		t.Errorf("Merge changed the registrar's record: %s", d)
	}
}

func TestMergeStates(t *testing.T) {
	a := registryRecord()
	if d := cmp.Diff(a, Merge(a, Record{})); d != "" {
		t.Errorf("no registrar's answer: %s", d)
	}
	other := registrarRecord()
	other.Domain = "example.org"
	if m := Merge(a, other); m.Registrar.AbuseEmail != "" || m.Contacts[Registrant].Name != "" || m.Findings[len(m.Findings)-1].ID != "merge.other-name" {
		t.Errorf("an answer about another name was merged: %+v", m)
	}
	for _, s := range []State{Available, Throttled, Failed, Unknown, Reserved} {
		b := Record{State: s}
		if m := Merge(a, b); m.State != Registered || m.Domain != a.Domain || m.Findings[len(m.Findings)-1].ID != "merge.state" {
			t.Errorf("registrar %s: %+v", s, m)
		}
		m := Merge(b, registrarRecord())
		switch s {
		case Throttled, Failed, Unknown:
			if m.State != Registered || m.Registrar.AbuseEmail == "" || m.Findings[len(m.Findings)-1].ID != "merge.registry-unheard" {
				t.Errorf("registry %s: the registrar's answer does not stand in: %+v", s, m)
			}
		default:
			if m.State != s || m.Registrar != (Registrar{}) {
				t.Errorf("registry %s: %+v", s, m)
			}
		}
	}
}

// drawRecord makes records as decoders give them: no state for a field that
// has a value.
func drawRecord(t *rapid.T, label string) Record {
	str := func(l string, vs ...string) string { return rapid.SampledFrom(vs).Draw(t, label+l) }
	dates := []Date{{}, day("2018-02-09"), day("2019-02-09"), {Time: day("2018-02-09").Time, DayOnly: true}}
	r := Record{
		State:  rapid.SampledFrom([]State{"", Registered, Registered, Registered, Registered, Available, Throttled, Failed, Unknown, Reserved}).Draw(t, label+"state"),
		Domain: str("domain", "", "example.com", "example.com", "example.org"), Handle: str("handle", "", "A-B", "a-b"),
		Registrar: Registrar{Name: str("rn", "", "R1", "R2"), IANAID: str("id", "", "1", "2"), AbuseEmail: str("ae", "", "a@r.example")},
		Created:   rapid.SampledFrom(dates).Draw(t, label+"created"), Updated: rapid.SampledFrom(dates).Draw(t, label+"updated"), Expires: rapid.SampledFrom(dates).Draw(t, label+"expires"),
		Statuses: rapid.SampledFrom([][]string{nil, {"ok"}, {"clientHold", "serverHold"}, {"serverHold", "clientHold"}}).Draw(t, label+"st"),
		DNSSEC:   str("dnssec", "", "signed", "unsigned"),
	}
	if rapid.Bool().Draw(t, label+"contacts") {
		r.Contacts = map[string]Contact{}
		for _, role := range []string{Registrant, Tech} {
			if rapid.Bool().Draw(t, label+role) {
				c := Contact{Name: str(role+"name", "", "Alice Example", "Bob Example"), Country: str(role+"cc", "", "DE", "US")}
				if rapid.Bool().Draw(t, label+role+"street") {
					c.Street = []string{"1 Test Street", "Suite 5"}
				}
				r.Contacts[role] = c
			}
		}
	}
	for _, p := range []string{"created", "contacts.registrant.name", "contacts.registrant", "contacts.tech.street", "handle"} {
		if rapid.Bool().Draw(t, label+p) && r.Value(p) == "" {
			if r.Fields == nil {
				r.Fields = map[string]FieldState{}
			}
			r.Fields[p] = rapid.SampledFrom([]FieldState{Redacted, Proxy, Unparsed}).Draw(t, label+p+"state")
			if r.Fields[p] == Unparsed {
				if r.Unread == nil {
					r.Unread = map[string]string{}
				}
				r.Unread[p] = "raw"
			}
		}
	}
	if rapid.Bool().Draw(t, label+"finding") {
		r.Findings = []Finding{{ID: "rdap.date", Severity: RFC, Path: "$.x"}}
	}
	if rapid.Bool().Draw(t, label+"source") {
		r.Sources = map[string]Source{"": {Protocol: "rdap", Blob: label}}
	}
	return r
}

func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRecord(t, "a"), drawRecord(t, "b")
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		once := Merge(a, b)
		twice := Merge(once, b)
		if d := cmp.Diff(once, twice); d != "" {
			t.Fatalf("merging the same answer again changes the record: %s", d)
		}
		if x, _ := json.Marshal(a); !bytes.Equal(ja, x) {
			t.Fatal("Merge changed its first argument")
		}
		if x, _ := json.Marshal(b); !bytes.Equal(jb, x) {
			t.Fatal("Merge changed its second argument")
		}
		if b.State == Registered && a.State == Registered && (a.Domain == "" || b.Domain == "" || a.Domain == b.Domain) {
			for _, p := range []string{"domain", "handle", "created", "updated", "expires", "registrar.name", "registrar.iana_id", "statuses", "contacts.registrant.name"} {
				want := a.Value(p)
				if want == "" && !(strings.HasPrefix(p, "registrar.") && anotherRegistrar(a.Registrar, b.Registrar)) {
					want = b.Value(p)
				}
				if got := once.Value(p); got != want {
					t.Fatalf("%s is %q, want %q", p, got, want)
				}
				if once.Value(p) != "" && once.Fields[p] != "" {
					t.Fatalf("%s has a value and is %s", p, once.Fields[p])
				}
			}
		}
		if s := Scrub(once); !bytes.Equal(mustJSON(t, Scrub(s)), mustJSON(t, s)) {
			t.Fatal("scrubbing twice changes the record")
		}
	})
}

func mustJSON(t *rapid.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t, "r")
		one := mustJSON(t, r)
		var back Record
		if err := json.Unmarshal(one, &back); err != nil {
			t.Fatal(err)
		}
		if two := mustJSON(t, back); !bytes.Equal(one, two) {
			t.Fatalf("%s\n%s", one, two)
		}
	})
	for in, ok := range map[string]bool{`"2018-02-09"`: true, `"2018-02-09T11:59:43Z"`: true, `""`: true, `"soon"`: false, `7`: false} {
		var d Date
		if err := json.Unmarshal([]byte(in), &d); (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		} else if out, _ := json.Marshal(d); ok && string(out) != in {
			t.Errorf("%s comes back as %s", in, out)
		}
	}
}

func TestScrub(t *testing.T) {
	r := Merge(registryRecord(), registrarRecord())
	r.Findings = append(r.Findings, Finding{ID: "x", Path: "contacts.registrant", Detail: "Alice Example"})
	s := Scrub(r)
	b, _ := json.Marshal(s)
	for _, secret := range []string{"Alice", "Bob", "Test Street", "call us", `"region"`} {
		if strings.Contains(string(b), secret) {
			t.Errorf("%q is left: %s", secret, b)
		}
	}
	if s.Contacts[Registrant].Country != "US" || s.Registrar != r.Registrar || s.Domain != r.Domain {
		t.Error("more was dropped than personal data")
	}
	for p, want := range map[string]FieldState{"contacts.registrant.name": Present, "contacts.registrant.region": Present, "contacts.registrant.email": Proxy, "contacts.admin.name": Present} {
		if s.Fields[p] != want {
			t.Errorf("%s is %q, want %q", p, s.Fields[p], want)
		}
	}
	if r.Contacts[Registrant].Name != "Alice Example" || r.Unread["contacts.tech.phone"] == "" {
		t.Error("Scrub changed its argument")
	}
}

func TestFieldState(t *testing.T) {
	r := registryRecord()
	for p, want := range map[string]FieldState{
		"domain": Present, "contacts.registrant.country": Present, "contacts.registrant.name": Redacted, "contacts.admin.email": Redacted, "contacts.admin": Redacted,
		"contacts.tech.email": Absent, "registrar.abuse_email": Absent, "nothing": Absent, "contacts": Absent,
	} {
		if got := r.FieldState(p); got != want {
			t.Errorf("%s is %s, want %s", p, got, want)
		}
	}
	// Every field of a contact has its name in JSON, and can be set by it.
	var c Contact
	for _, f := range ContactFields() {
		c.SetField(f, "v")
	}
	var m map[string]any
	b, _ := json.Marshal(c)
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(m)), slices.Sorted(slices.Values(ContactFields()))); d != "" {
		t.Errorf("fields and JSON names differ: %s", d)
	}
	for _, f := range ContactFields() {
		if c.Field(f) != "v" {
			t.Errorf("%s is not set", f)
		}
		c.SetField(f, "")
	}
	if c.SetField("nothing", "v"); !c.IsZero() {
		t.Errorf("%+v is not empty", c)
	}
}

func TestStatus(t *testing.T) {
	for in, want := range map[string]string{
		"client hold": "clientHold", "clientHold": "clientHold", "CLIENT_HOLD": "clientHold", "Client-Hold": "clientHold", "clienthold": "clientHold",
		"active": "ok", "ok": "ok", "OK": "ok", "pending delete": "pendingDelete", "associated": "linked", "inactive": "inactive",
		"auto renew period": "autoRenewPeriod", "redemption period": "redemptionPeriod", "server transfer prohibited": "serverTransferProhibited", "add period": "addPeriod",
	} {
		if got, ok := EPPStatus(in); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"locked", "transfer prohibited", "", "client holdx", strings.Repeat("client hold ", 9)} {
		if got, ok := EPPStatus(in); ok || got != in {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
	r := Record{Statuses: []string{"clientHold", "server blocked"}}
	if !r.Status("client hold") || !r.Status("Server Blocked") || r.Status("serverHold") || r.Status("") {
		t.Error("Status")
	}
	for _, c := range []struct {
		statuses []string
		want     Hold
	}{
		{nil, Hold{}}, {[]string{"ok"}, Hold{}}, {[]string{"clientHold"}, Hold{Registrar: true}},
		{[]string{"serverHold"}, Hold{Registry: true}}, {[]string{"clientHold", "serverHold"}, Hold{true, true}},
	} {
		if got := (Record{Statuses: c.statuses}).Held(); got != c.want || got.Any() != (got != Hold{}) {
			t.Errorf("%v: %+v", c.statuses, got)
		}
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 2, 9, 0, 0, 0, 0, time.UTC)
	for in, want := range map[Date]time.Duration{day("2026-02-08"): 24 * time.Hour, day("2026-02-10"): 0} {
		if got, ok := (Record{Created: in}).Age(now); !ok || got != want {
			t.Errorf("%s: %v %v", in, got, ok)
		}
	}
	if _, ok := (Record{}).Age(now); ok {
		t.Error("an age without a date")
	}
}

func TestWithheld(t *testing.T) {
	for in, want := range map[string]FieldState{
		"": Present, "Alice Example": Present, "REDACTED FOR PRIVACY": Redacted, "Redacted": Redacted, "redacted for GDPR": Redacted, "[REDACTED]": Redacted,
		"Data Redacted": Redacted, "Not Disclosed": Redacted, "GDPR Masked": Redacted, "Statutory Masking Enabled": Redacted, "Private Person": Redacted,
		"Please query the RDDS service of the Registrar of Record": Redacted, "Personal data, can not be publicly disclosed according to applicable laws.": Redacted,
		"Domains By Proxy, LLC": Proxy, "Privacy service provided by Withheld for Privacy ehf": Proxy, "WhoisGuard Protected": Proxy, "Contact Privacy Inc. Customer 0123456789": Proxy,
		"Registration Private": Proxy, "See PrivacyGuardian.org": Proxy, "PrivacyProtect.org": Proxy, "x@domainsbyproxy.com": Proxy, "abc.protect@withheldforprivacy.com": Proxy,
		"redacted@example.org": Redacted, "a1@anonymised.email": Proxy,
		"Privacy International": Present, "Proxy Networks Inc.": Present, "Private Bank AG": Present, "Public Registry Office": Present, "Hidden Valley Farm": Present,
		"Restricted Area Music": Present, "Identity Theft Resource Center": Present, "Registry Operations": Present, "privacy@example.org": Present, "private@example.org": Present,
		"proxy@evil-domainsbyproxy.com": Present, "The Redacted Press": Present, "Public Library": Present, "Whois Consulting": Present,
	} {
		if got := Withheld(in); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
	// The quick look must not hide what the phrases would find.
	for _, list := range [][]string{slices.Concat(redactedPhrases[:]...), slices.Concat(proxyNames[:]...), proxyDomains[:]} {
		for _, p := range list {
			if strings.Contains(p, ".") && !strings.Contains(p, " ") {
				if Withheld("a@"+p) == Present && Withheld(p) == Present {
					t.Errorf("%q is never found", p)
				}
			} else if Withheld(p) == Present && Withheld("x "+p+" x") == Present {
				t.Errorf("%q is never found", p)
			}
		}
	}
}

func TestPhone(t *testing.T) {
	for in, want := range map[string]string{
		"tel:+1.5555550100": "+1.5555550100", "+1.5555550100": "+1.5555550100", "+1-555-555-0100": "+15555550100", "tel:+1-555-555-0100;ext=12": "+15555550100;ext=12",
		"+44 (0)20 7946 0100": "+442079460100", "+44.20.7946.0100": "+44.2079460100", "(555) 555-0100": "5555550100", "+1.5555550100 x99": "+1.5555550100;ext=99",
		"+1 555 555 0100 ext. 7": "+15555550100;ext=7", "TEL:112": "112", "5555550100": "5555550100",
		"": "", "tel:": "", "12": "", "call us": "", "a@example.org": "", "+1.555-CALL-US": "", strings.Repeat("1", 21): "", "+": "",
	} {
		got, ok := Phone(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("+0123456789.-() x;=ext:tl\u0660"))).Draw(t, "phone")
		n, ok := Phone(s)
		if !ok {
			return
		}
		if again, ok := Phone(n); !ok || again != n {
			t.Fatalf("%q gives %q, which gives %q", s, n, again)
		}
	})
}

func TestCountryCode(t *testing.T) {
	for in, want := range map[string]string{
		"DE": "DE", "de": "DE", "Germany": "DE", "GERMANY": "DE", "UK": "GB", "United  Kingdom": "GB", "Türkiye": "TR", "Czech Republic": "CZ", "US": "US",
		"United States of America": "US", "Korea, Republic of": "KR", "": "", "XX": "", "ZZ": "", "EU": "", "Korea": "", "Congo": "", "Georgia": "", "GE": "GE", "Atlantis": "",
	} {
		if got, ok := CountryCode(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
	if n := len(countryCodes) / 2; n != 249 {
		t.Errorf("%d codes, ISO 3166-1 has 249", n)
	}
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": "", "  a  b ": "a b", "a\r\n\tb": "a b", "a\x00b\x1b[31m": "ab[31m", "a\u202eb\u2066c\u200bd\ufeffe": "abcde", "\u00a0a\u2028b\u3000": "a b",
		"na\u200cme": "na\u200cme", "ren\xe9": "ren\ufffd", "\U000e0041x": "x", "Zürich": "Zürich", "a\ufdd0b\uffff": "ab", "\x7f": "", "\u0085a": "a", "\ue000x": "x",
	} {
		if got := CleanText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := CleanText(strings.Repeat("ä ", MaxText)); len(got) > MaxText || !utf8.ValidString(got) {
		t.Errorf("%d octets", len(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "runes") {
			s = rapid.String().Draw(t, "string")
		}
		c := CleanText(s)
		if CleanText(c) != c || !utf8.ValidString(c) || strings.TrimSpace(c) != c {
			t.Fatalf("%q gives %q, which gives %q", s, c, CleanText(c))
		}
	})
}

func TestRecordClean(t *testing.T) {
	r := registrarRecord()
	if d := cmp.Diff(r, r.Clean()); d != "" {
		t.Errorf("a clean record changed: %s", d)
	}
	const bad = "a\u202e\x00b"
	r.Registrar.Name, r.Statuses, r.Nameservers = bad, []string{bad}, []string{bad}
	r.Contacts[Registrant] = Contact{Name: bad, Street: []string{bad}}
	r.Unread, r.Fields = map[string]string{bad: bad}, map[string]FieldState{bad: Redacted}
	r.Findings, r.Sources = []Finding{{ID: bad, Detail: bad}}, map[string]Source{bad: {Server: bad}}
	r.Domain, r.Related, r.Conformance = bad, bad, []string{bad}
	b, _ := json.Marshal(r.Clean())
	if bytes.Contains(b, []byte("\u202e")) || bytes.Contains(b, []byte(`\u0000`)) || bytes.Contains(b, []byte(`\u202e`)) {
		t.Errorf("not clean: %s", b)
	}
	if r.Registrar.Name != bad || r.Contacts[Registrant].Street[0] != bad {
		t.Error("Clean changed its receiver")
	}
}

func BenchmarkMerge(b *testing.B) {
	x, y := registryRecord(), registrarRecord()
	b.ReportAllocs()
	for b.Loop() {
		if Merge(x, y).State != Registered {
			b.Fatal("state")
		}
	}
}

// TestEPPStatuses: every status that RFC 8056 section 2 maps, in the writing
// of RDAP and of EPP, and those that only RDAP has (RFC 9083 section 10.2.2).
func TestEPPStatuses(t *testing.T) {
	for rdap, epp := range map[string]string{
		"add period": "addPeriod", "auto renew period": "autoRenewPeriod", "client delete prohibited": "clientDeleteProhibited", "client hold": "clientHold",
		"client renew prohibited": "clientRenewProhibited", "client transfer prohibited": "clientTransferProhibited", "client update prohibited": "clientUpdateProhibited",
		"inactive": "inactive", "associated": "linked", "active": "ok", "pending create": "pendingCreate", "pending delete": "pendingDelete", "pending renew": "pendingRenew",
		"pending restore": "pendingRestore", "pending transfer": "pendingTransfer", "pending update": "pendingUpdate", "redemption period": "redemptionPeriod", "renew period": "renewPeriod",
		"server delete prohibited": "serverDeleteProhibited", "server renew prohibited": "serverRenewProhibited", "server transfer prohibited": "serverTransferProhibited",
		"server update prohibited": "serverUpdateProhibited", "server hold": "serverHold", "transfer period": "transferPeriod",
	} {
		for _, in := range []string{rdap, epp, strings.ToUpper(rdap), strings.ReplaceAll(rdap, " ", "_"), strings.ReplaceAll(rdap, " ", "")} {
			if got, ok := EPPStatus(in); got != epp || !ok {
				t.Errorf("%q is %q, %v, want %q", in, got, ok, epp)
			}
		}
		if StatusMeaning(rdap) == "" {
			t.Errorf("%q has no plain words", rdap)
		}
	}
	for _, only := range []string{"validated", "renew prohibited", "update prohibited", "transfer prohibited", "delete prohibited", "proxy", "private", "removed", "obscured", "locked", "administrative", "reserved", "locked!", ""} {
		if got, ok := EPPStatus(only); got != only || ok {
			t.Errorf("%q became %q, %v", only, got, ok)
		}
	}
}
