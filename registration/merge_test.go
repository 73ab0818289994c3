package registration

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func said(protocol, role, blob string) map[string]Source {
	return map[string]Source{"": {Protocol: protocol, Role: role, Blob: blob}}
}

// TestMergeAllPrecedence: of two values the registry's before the registrar's,
// and RDAP's before WHOIS's, however the answers are handed over.
func TestMergeAllPrecedence(t *testing.T) {
	answer := func(protocol, role string) Record {
		n := protocol + " " + role
		return Record{State: Registered, Domain: "example.com", Registrar: Registrar{Name: n, IANAID: "9994"}, Sources: said(protocol, role, n)}
	}
	all := []Record{answer("rdap", "registry"), answer("whois", "registry"), answer("rdap", "registrar"), answer("whois", "registrar")}
	all[1].Registrar.URL, all[2].Registrar.URL = "u1", "u2"
	all[2].Handle, all[3].Handle = "h2", "h3"
	all[3].DNSSEC = "signed"
	rapid.Check(t, func(t *rapid.T) {
		m := MergeAll(rapid.Permutation(all).Draw(t, "order")...)
		want := map[string]string{"registrar.name": "rdap registry", "registrar.url": "u1", "handle": "h2", "dnssec": "signed"}
		blobs := map[string]string{"registrar.name": "rdap registry", "registrar.url": "whois registry", "handle": "rdap registrar", "dnssec": "whois registrar"}
		for path, v := range want {
			if m.Value(path) != v || m.SourceOf(path).Blob != blobs[path] {
				t.Fatalf("%s is %q from %q", path, m.Value(path), m.SourceOf(path).Blob)
			}
		}
		if len(m.Answers) != 4 {
			t.Fatalf("answers: %v", m.Answers)
		}
	})
	m := MergeAll(all...)
	i := slices.IndexFunc(m.Findings, func(f Finding) bool { return f.ID == "merge.conflict" && f.Path == "registrar.name" })
	if i < 0 || !strings.HasPrefix(m.Findings[i].Detail, "RDAP says rdap registry, WHOIS whois registry") || m.Findings[i].Source != "registry" {
		t.Errorf("the two answers of the registry are not told apart by protocol: %+v", m.Findings)
	}
	if m := MergeAll(); m.State != "" {
		t.Errorf("nothing gives %+v", m)
	}
	if d := cmp.Diff(all[0], MergeAll(all[0])); d != "" {
		t.Errorf("one answer is changed: %s", d)
	}
}

// TestMergeStandIn: who may speak for a server that did not answer.
func TestMergeStandIn(t *testing.T) {
	for _, tc := range []struct {
		first, second State
		role          string // of the second
		want          State
	}{
		{Failed, Available, "registry", Available},
		{Throttled, Reserved, "registry", Reserved},
		{Failed, Registered, "registry", Registered},
		{Failed, Registered, "registrar", Registered},
		{Failed, Available, "registrar", Failed},
		{Throttled, Available, "registrar", Throttled},
		{Available, Registered, "registry", Available},
		{Failed, Throttled, "registry", Failed},
	} {
		m := Merge(Record{State: tc.first, Sources: said("rdap", "registry", "a")}, Record{State: tc.second, Sources: said("whois", tc.role, "b")})
		if m.State != tc.want || len(m.Answers) != 2 {
			t.Errorf("%s, then the %s's %s: %s from %v", tc.first, tc.role, tc.second, m.State, m.Answers)
		}
	}
}

// TestMergeRegistrar: nothing that is said of one registrar is joined to what is
// said of another, because by it is decided who is asked to act.
func TestMergeRegistrar(t *testing.T) {
	other := Registrar{Name: "Other Names Inc.", IANAID: "9995", URL: "https://other.example/", AbuseEmail: "abuse@other.example", AbusePhone: "+1.5555550188"}
	for _, tc := range []struct {
		what      string
		a, b      Registrar
		want      Registrar
		conflicts string
	}{
		{"another's number and abuse contact", Registrar{Name: "Example Names"}, other, Registrar{Name: "Example Names"}, "registrar.name registrar.iana_id"},
		{"another's name", Registrar{IANAID: "9994"}, other, Registrar{IANAID: "9994"}, "registrar.name registrar.iana_id"},
		{"a number of nobody", Registrar{Name: "Example Names"}, Registrar{IANAID: "9995", AbuseEmail: "abuse@other.example"}, Registrar{Name: "Example Names"}, "registrar.iana_id"},
		{"a name without the number", Registrar{IANAID: "9994"}, Registrar{Name: "Other Names Inc."}, Registrar{Name: "Other Names Inc.", IANAID: "9994"}, ""},
		{"one number, two names", Registrar{Name: "Example Names", IANAID: "9995"}, other, Registrar{Name: "Example Names", IANAID: "9995", URL: other.URL, AbuseEmail: other.AbuseEmail, AbusePhone: other.AbusePhone}, "registrar.name"},
		{"one name, written in two ways", Registrar{Name: "OTHER NAMES, INC"}, other, Registrar{Name: "OTHER NAMES, INC", IANAID: "9995", URL: other.URL, AbuseEmail: other.AbuseEmail, AbusePhone: other.AbusePhone}, "registrar.name"},
		{"no name and no number", Registrar{}, other, other, ""},
		{"contacts of nobody in particular", Registrar{Name: "Example Names", IANAID: "9994"}, Registrar{AbuseEmail: "abuse@names.example"}, Registrar{Name: "Example Names", IANAID: "9994", AbuseEmail: "abuse@names.example"}, ""},
	} {
		a := Record{State: Registered, Domain: "shop.example", Registrar: tc.a, Sources: said("rdap", "registry", "a")}
		b := Record{State: Registered, Domain: "shop.example", Registrar: tc.b, Sources: said("rdap", "registrar", "b")}
		m := Merge(a, b)
		if m.Registrar != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.what, m.Registrar, tc.want)
		}
		var fields []string
		for _, f := range m.Findings {
			fields = append(fields, f.Path)
		}
		if got := strings.Join(fields, " "); got != tc.conflicts {
			t.Errorf("%s: conflicts %q, want %q", tc.what, got, tc.conflicts)
		}
		if d := cmp.Diff(m, Merge(m, b)); d != "" {
			t.Errorf("%s: the same answer again: %s", tc.what, d)
		}
	}
}

// TestMergeContacts: no contact is put together from two people, no address
// from two.
func TestMergeContacts(t *testing.T) {
	alice := Contact{Name: "Alice Example", City: "Musterstadt", Country: "DE"}
	for _, tc := range []struct {
		what         string
		a, b, want   Contact
		conflicts    string
		sourceOfCity string
	}{
		{"another person's address is not added", alice, Contact{Name: "Bob Example", Street: []string{"1 Test Street"}, Email: "bob@shop.example"}, alice, "name", "a"},
		{"the same person's is", alice, Contact{Name: "ALICE EXAMPLE", Street: []string{"Teststr. 1"}, City: "Musterstadt"},
			Contact{Name: "Alice Example", Street: []string{"Teststr. 1"}, City: "Musterstadt", Country: "DE"}, "", "a"},
		{"the fuller of two addresses", Contact{Country: "US", City: "Testville"}, Contact{Name: "Alice Example", Street: []string{"Teststr. 1"}, City: "Musterstadt", Country: "DE"},
			Contact{Name: "Alice Example", Street: []string{"Teststr. 1"}, City: "Musterstadt", Country: "DE"}, "city country", "b"},
		{"of two that say as much the first", Contact{Country: "US", City: "Testville"}, Contact{Name: "Alice Example", PostalCode: "12345", Country: "DE"},
			Contact{Name: "Alice Example", City: "Testville", Country: "US"}, "country", "a"},
	} {
		m := Merge(Record{State: Registered, Contacts: map[string]Contact{Registrant: tc.a}, Sources: said("rdap", "registry", "a")},
			Record{State: Registered, Contacts: map[string]Contact{Registrant: tc.b}, Sources: said("rdap", "registrar", "b")})
		if d := cmp.Diff(tc.want, m.Contacts[Registrant]); d != "" {
			t.Errorf("%s: %s", tc.what, d)
		}
		var fields []string
		for _, f := range m.Findings {
			fields = append(fields, strings.TrimPrefix(f.Path, "contacts.registrant."))
		}
		if got := strings.Join(fields, " "); got != tc.conflicts {
			t.Errorf("%s: conflicts %q, want %q", tc.what, got, tc.conflicts)
		}
		if got := m.SourceOf("contacts.registrant.city").Blob; got != tc.sourceOfCity {
			t.Errorf("%s: the city is %q's", tc.what, got)
		}
	}
}

// drawAnswers makes answers of one name, each with a source of its own.
func drawAnswers(t *rapid.T) []Record {
	n := rapid.IntRange(1, 4).Draw(t, "answers")
	var in []Record
	for i := range n {
		r := drawRecord(t, string(rune('a'+i)))
		if r.State == "" {
			r.State = Unknown
		}
		r.Sources = said(rapid.SampledFrom([]string{"rdap", "whois"}).Draw(t, "protocol"), rapid.SampledFrom([]string{"registry", "registrar"}).Draw(t, "role"), string(rune('a'+i)))
		in = append(in, r)
	}
	return in
}

// TestMergeAllProperties: every value shown is one that its source gave, no
// source is forgotten, and the same answers again change nothing.
func TestMergeAllProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawAnswers(t)
		m := MergeAll(in...)
		by := map[string]Record{}
		for _, r := range in {
			by[r.by().Blob] = r
		}
		if len(in) > 1 {
			var heard []string
			for _, s := range m.Answers {
				heard = append(heard, s.Blob)
			}
			slices.Sort(heard)
			if d := cmp.Diff(slices.Sorted(maps.Keys(by)), heard); d != "" {
				t.Fatalf("answers: %s", d)
			}
		}
		for _, path := range diffPaths {
			switch st := m.FieldState(path); {
			case m.Value(path) != "":
				if src := by[m.SourceOf(path).Blob]; src.Value(path) != m.Value(path) {
					t.Fatalf("%s is %q, and its source has %q", path, m.Value(path), src.Value(path))
				}
			case st != Absent && m.Fields[path] != "":
				if src := by[m.SourceOf(path).Blob]; src.Fields[path] != st {
					t.Fatalf("%s is %s, and its source says %q", path, st, src.Fields[path])
				}
			}
		}
		if d := cmp.Diff(m, MergeAll(append(in, in...)...)); d != "" {
			t.Fatalf("the same answers again: %s", d)
		}
		for path := range m.Unread {
			if m.Fields[path] != Unparsed && m.Fields[path] != "" {
				t.Fatalf("%s is %s and unread", path, m.Fields[path])
			}
		}
	})
}

// TestMergeGiven: the form of a value goes with the value.
func TestMergeGiven(t *testing.T) {
	const path = "contacts.registrant.country"
	rec := func(role, name, country, given string) Record {
		r := Record{State: Registered, Domain: "example.com", Contacts: map[string]Contact{Registrant: {Name: name, Country: country}}, Sources: said("whois", role, role)}
		if given != "" {
			r.Given = map[string]string{path: given}
		}
		return r
	}
	for _, tc := range []struct {
		name string
		a, b Record
		want string
	}{
		{"the registry's", rec("registry", "Alice Example", "DE", "Germany"), rec("registrar", "Alice Example", "FR", "France"), "Germany"},
		{"the registry's, as its code", rec("registry", "Alice Example", "DE", ""), rec("registrar", "Alice Example", "DE", "Germany"), ""},
		{"the registrar's", Record{State: Registered, Domain: "example.com", Sources: said("whois", "registry", "registry")}, rec("registrar", "Alice Example", "DE", "Germany"), "Germany"},
		{"nobody's", rec("registry", "Alice Example", "DE", ""), rec("registrar", "Alice Example", "FR", "France"), ""},
	} {
		m := Merge(tc.a, tc.b)
		if got := m.Given[path]; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		if d := cmp.Diff(m, Merge(m, tc.b)); d != "" && m.Given[path] != Merge(m, tc.b).Given[path] {
			t.Errorf("%s: merged again: %s", tc.name, d)
		}
		if Scrub(m).Given != nil {
			t.Errorf("%s: the text of a contact's field is left after Scrub", tc.name)
		}
	}
	dirty := rec("registry", "Alice Example", "DE", "Ger\u202emany")
	if got := dirty.Clean().Given[path]; got != "Germany" {
		t.Errorf("cleaned: %q", got)
	}
}
