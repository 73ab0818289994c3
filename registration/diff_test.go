package registration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func changes(cs []Change) string {
	var b strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&b, "%s %s %q %q\n", c.Path, c.Kind, c.From, c.To)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	base := func() Record { r := registrarRecord(); r.Findings = nil; return r }
	for _, tc := range []struct {
		what   string
		change func(*Record)
		want   string
	}{
		{"nothing", func(r *Record) {}, ""},
		{"another answer", func(r *Record) {
			r.Sources = map[string]Source{"": {Protocol: "rdap", Role: "registrar", Blob: "cc", At: time.Unix(1, 0)}}
			r.Findings, r.Related, r.Conformance = []Finding{{ID: "x"}}, "https://x.example/", []string{"rdap_level_0"}
		}, ""},
		{"order", func(r *Record) { slices.Reverse(r.Nameservers) }, ""},
		{"case of what has none", func(r *Record) {
			r.Handle, r.Registrar.Name, r.Nameservers[0] = strings.ToUpper(r.Handle), "Example Registrar, Inc.", "NS2.example.net"
		}, ""},
		{"a dot in a number", func(r *Record) { r.Registrar.AbusePhone = "+15555550199" }, ""},
		{"less precision", func(r *Record) { r.Created = Date{day("2018-02-09").Time, true} }, ""},
		{"another day", func(r *Record) { r.Created = Date{day("2018-02-11").Time, true} }, "created changed \"2018-02-09T05:00:00Z\" \"2018-02-11\"\n"},
		{"state", func(r *Record) { *r = Record{State: Available, Domain: r.Domain} }, ""}, // below
		{"hold", func(r *Record) { r.Statuses = append(r.Statuses, "clientHold") }, "statuses added \"\" \"clientHold\"\n"},
		{"name server", func(r *Record) { r.Nameservers = []string{"ns1.example.net", "ns3.example.net"} },
			"nameservers removed \"ns2.example.net\" \"\"\nnameservers added \"\" \"ns3.example.net\"\n"},
		{"all name servers", func(r *Record) { r.Nameservers = nil }, "nameservers removed \"ns2.example.net ns1.example.net\" \"\"\n"},
		{"renewal", func(r *Record) { r.Expires = day("2028-03-09") }, "expires changed \"2027-03-09T00:00:00Z\" \"2028-03-09T00:00:00Z\"\n"},
		{"withheld", func(r *Record) {
			c := r.Contacts[Registrant]
			c.Name = ""
			r.Contacts = map[string]Contact{Registrant: c, Admin: r.Contacts[Admin]}
			r.Fields["contacts.registrant.name"] = Redacted
		}, "contacts.registrant.name withheld \"Alice Example\" \"\"\n"},
		{"shown", func(r *Record) {
			c := r.Contacts[Registrant]
			c.Email = "alice@shop.example"
			r.Contacts = map[string]Contact{Registrant: c, Admin: r.Contacts[Admin]}
			delete(r.Fields, "contacts.registrant.email")
		}, "contacts.registrant.email shown \"\" \"alice@shop.example\"\n"},
		{"withheld in another way", func(r *Record) { r.Fields["contacts.registrant.phone"] = Proxy }, "contacts.registrant.phone changed \"\" \"\"\n"},
		{"no longer said to be withheld", func(r *Record) { delete(r.Fields, "contacts.registrant.phone") }, "contacts.registrant.phone removed \"\" \"\"\n"},
		{"a contact gone", func(r *Record) { r.Contacts = map[string]Contact{Registrant: r.Contacts[Registrant]} }, "contacts.admin.name removed \"Bob Example\" \"\"\n"},
		{"street", func(r *Record) {
			c := r.Contacts[Registrant]
			c.Street = []string{"2 Test Street"}
			r.Contacts = map[string]Contact{Registrant: c, Admin: r.Contacts[Admin]}
		}, "contacts.registrant.street changed \"1 Test Street, Suite 5\" \"2 Test Street\"\n"},
		{"an answer without a state", func(r *Record) { *r = Record{} }, ""},
	} {
		a, b := base(), base()
		tc.change(&b)
		got := Diff(a, b)
		if tc.what == "state" {
			if len(got) < 10 || got[0].Path != "state" || got[0].From != "registered" || got[0].To != "available" {
				t.Errorf("state: %s", changes(got))
			}
			continue
		}
		if s := changes(got); s != tc.want {
			t.Errorf("%s:\n%swant\n%s", tc.what, s, tc.want)
		}
	}
	if c := (Change{Path: "contacts.registrant.name", Kind: FieldChanged, From: "Alice", To: "Bob"}).Scrub(); c.From+c.To != "" || c.Kind != FieldChanged {
		t.Errorf("not scrubbed: %+v", c)
	}
	if c := (Change{Path: "expires", From: "2027-03-09"}).Scrub(); c.From == "" {
		t.Error("a date was scrubbed")
	}
}

// TestDiffProperties: a record differs from itself in nothing, a difference is
// seen from both sides, and the changes are all there is.
func TestDiffProperties(t *testing.T) {
	opposite := map[ChangeKind]ChangeKind{FieldAdded: FieldRemoved, FieldRemoved: FieldAdded, FieldHidden: FieldShown, FieldShown: FieldHidden, FieldChanged: FieldChanged}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRecord(t, "a"), drawRecord(t, "b")
		if d := Diff(a, a); len(d) > 0 || !Same(a, a) {
			t.Fatalf("it differs from itself: %s", changes(d))
		}
		ab, ba := Diff(a, b), Diff(b, a)
		if len(ab) != len(ba) || Same(a, b) != Same(b, a) {
			t.Fatalf("%s\nand back\n%s", changes(ab), changes(ba))
		}
		for _, c := range ab {
			i := slices.IndexFunc(ba, func(x Change) bool { return x.Path == c.Path && x.From == c.To && x.To == c.From })
			if i < 0 {
				t.Fatalf("%+v has no way back in %s", c, changes(ba))
			}
			// From nothing to redacted is a withholding, and back a removal.
			if was := ba[i]; was.Kind != opposite[c.Kind] && c.Was != Absent && c.Is != Absent && c.Was != Unparsed && c.Is != Unparsed {
				t.Fatalf("%+v, and back %+v", c, was)
			}
		}
		if a.State == "" || b.State == "" {
			return
		}
		for _, p := range diffPaths {
			changed := slices.ContainsFunc(ab, func(c Change) bool { return c.Path == p })
			if a.FieldState(p) != b.FieldState(p) && !changed {
				t.Fatalf("%s was %s and is %s, and is no change", p, a.FieldState(p), b.FieldState(p))
			}
		}
	})
}

// registered makes an answer of the registry's RDAP for the history tests.
func registered(blob string, change func(*Record)) Record {
	r := Record{State: Registered, Domain: "example.com", Registrar: Registrar{Name: "Example Registrar", IANAID: "9995"}, Created: day("2018-02-09"), Expires: day("2027-02-09"),
		Statuses: []string{"clientTransferProhibited"}, Nameservers: []string{"ns1.example.net"}, Sources: said("rdap", "registry", blob)}
	if change != nil {
		change(&r)
	}
	return r
}

func TestHistory(t *testing.T) {
	t0 := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	registrar := func(blob string) Record {
		return Record{State: Registered, Domain: "example.com", Registrar: Registrar{Name: "Example Registrar", IANAID: "9995", AbuseEmail: "abuse@registrar.example"},
			Contacts: map[string]Contact{Registrant: {Organization: "Example Ltd", Country: "DE"}}, Fields: map[string]FieldState{"contacts.registrant.name": Redacted}, Sources: said("rdap", "registrar", blob)}
	}
	var h History
	for i, tc := range []struct {
		what    string
		rec     Record
		step    Step
		version int
		changes string // from the version before
	}{
		{"throttled at first", Record{State: Throttled}, StepIgnored, 0, ""},
		{"whole", Merge(registered("1", nil), registrar("2")), StepNew, 1, ""},
		{"the same again", Merge(registered("3", nil), registrar("4")), StepSeen, 1, ""},
		{"throttled", Record{State: Throttled, Sources: said("rdap", "registry", "5")}, StepIgnored, 1, ""},
		{"failed", Record{State: Failed}, StepIgnored, 1, ""},
		{"not known", Record{State: Unknown}, StepIgnored, 1, ""},
		{"no state", Record{}, StepIgnored, 1, ""},
		{"the registrar is silent", registered("6", nil), StepSeen, 1, ""},
		{"the registry is silent", Merge(Record{State: Failed, Sources: said("rdap", "registry", "7")}, registrar("8")), StepSeen, 1, ""},
		{"WHOIS stands in", registered("9", func(r *Record) {
			r.Sources = said("whois", "registry", "9")
			r.Registrar.Name, r.Created = "EXAMPLE REGISTRAR", Date{day("2018-02-09").Time, true}
		}), StepSeen, 1, ""},
		{"a hold, and the registrar is silent", registered("10", func(r *Record) { r.Statuses = append(r.Statuses, "serverHold") }), StepNew, 2, "statuses added \"\" \"serverHold\"\n"},
		{"whole again", Merge(registered("11", func(r *Record) { r.Statuses = append(r.Statuses, "serverHold") }), registrar("12")), StepSeen, 2, ""},
		{"the registrar shows less", Merge(registered("13", func(r *Record) { r.Statuses = append(r.Statuses, "serverHold") }), func() Record {
			r := registrar("14")
			r.Contacts, r.Fields["contacts.registrant.organization"] = nil, Redacted
			return r
		}()), StepNew, 3, "contacts.registrant.organization withheld \"Example Ltd\" \"\"\ncontacts.registrant.country removed \"DE\" \"\"\n"},
		{"transferred: the old registrar's data are not kept", registered("15", func(r *Record) {
			r.Registrar = Registrar{Name: "Other Registrar", IANAID: "9994"}
		}), StepNew, 4, "registrar.name changed \"Example Registrar\" \"Other Registrar\"\nregistrar.iana_id changed \"9995\" \"9994\"\n" +
			"registrar.abuse_email removed \"abuse@registrar.example\" \"\"\nstatuses removed \"serverHold\" \"\"\n" +
			"contacts.registrant.name removed \"\" \"\"\ncontacts.registrant.organization removed \"\" \"\"\n"},
		{"deleted", Record{State: Available, Domain: "example.com", Sources: said("rdap", "registry", "16")}, StepNew, 5, "?"},
		{"still free", Record{State: Available, Domain: "example.com", Sources: said("rdap", "registry", "17")}, StepSeen, 5, ""},
		{"registered anew", registered("18", func(r *Record) { r.Created = day("2026-11-20") }), StepNew, 6, "?"},
	} {
		before, _ := json.Marshal(h)
		next, step := h.Add(tc.rec, t0.Add(time.Duration(i)*time.Hour))
		if after, _ := json.Marshal(h); string(before) != string(after) {
			t.Fatalf("%s: Add changed the history it was given", tc.what)
		}
		h = next
		if step != tc.step || len(h) != tc.version {
			t.Fatalf("%s: %s, %d versions; want %s, %d (%s)", tc.what, step, len(h), tc.step, tc.version, changes(h.Changes(len(h)-1)))
		}
		if step == StepIgnored {
			continue
		}
		v := h[len(h)-1]
		if v.Number != tc.version || !v.Last.Equal(t0.Add(time.Duration(i)*time.Hour)) || step == StepNew && !v.First.Equal(v.Last) {
			t.Errorf("%s: version %d, %s to %s", tc.what, v.Number, v.First, v.Last)
		}
		if got := changes(h.Changes(len(h) - 1)); step == StepNew && tc.changes != "?" && got != tc.changes {
			t.Errorf("%s:\n%swant\n%s", tc.what, got, tc.changes)
		}
	}
	// What the registrar said is kept with its own source while it is silent.
	if v := h[1].Record; v.SourceOf("contacts.registrant.organization").Blob != "2" || v.SourceOf("statuses").Blob != "10" {
		t.Errorf("sources: %v", v.Sources)
	}
	// An answer from before the last one comes too late.
	if next, step := h.Add(registered("late", nil), t0); step != StepIgnored || len(next) != len(h) {
		t.Errorf("a late answer: %s", step)
	}
	for at, want := range map[time.Time]int{t0: 0, t0.Add(2 * time.Hour): 1, t0.Add(12 * time.Hour): 3, t0.Add(1000 * time.Hour): 6} {
		if v, ok := h.At(at); v.Number != want || ok != (want > 0) {
			t.Errorf("at %s: version %d", at, v.Number)
		}
	}
	if h.Changes(0) != nil || h.Changes(-1) != nil || h.Changes(99) != nil {
		t.Error("changes of what is no later version")
	}
}

// TestHistoryProperties: versions that stand next to each other differ, times
// do not overlap, and nothing that says nothing makes one.
func TestHistoryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h History
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 6).Draw(t, "answers") {
			r := drawRecord(t, "r")
			before := len(h)
			var step Step
			at = at.Add(time.Minute)
			h, step = h.Add(r, at)
			if (len(h) > before) != (step == StepNew) || !r.State.Tells() && step != StepIgnored || r.State.Tells() && step == StepIgnored {
				t.Fatalf("%s of a %s answer", step, r.State)
			}
			if again, step := h.Add(r, at); r.State.Tells() && step != StepSeen || len(again) != len(h) {
				t.Fatalf("the same answer again: %s", step)
			}
		}
		for i := 1; i < len(h); i++ {
			if Same(h[i-1].Record, h[i].Record) || !h[i-1].Last.Before(h[i].First) || h[i].Number != i+1 {
				t.Fatalf("versions %+v, %+v", h[i-1], h[i])
			}
		}
		one, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		var back History
		if err := json.Unmarshal(one, &back); err != nil {
			t.Fatal(err)
		}
		if two, _ := json.Marshal(back); string(one) != string(two) {
			t.Fatal("JSON is not stable")
		}
	})
}

// TestDocumented: every field of the record is in docs/registration.md.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "registration.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]bool{}
	for l := range strings.Lines(string(doc)) {
		if cell, ok := strings.CutPrefix(l, "| `"); ok {
			name, _, _ := strings.Cut(cell, " |")
			for n := range strings.SplitSeq(name, ",") {
				row[strings.Trim(n, "` †")] = true // † marks what parse does not print
			}
		}
	}
	for _, v := range []any{Record{}, Network{}, Change{}, Version{}} {
		fields := jsonFields(reflect.TypeOf(v), "")
		if len(fields) < 4 {
			t.Fatalf("%T has only the fields %v", v, fields)
		}
		for _, f := range fields {
			if !row[f] {
				t.Errorf("docs/registration.md has no row for `%s` of %T", f, v)
			}
		}
	}
}

// jsonFields gives the JSON paths of a struct's fields, with * for the keys of
// a map and [] for the elements of a list.
func jsonFields(t reflect.Type, at string) []string {
	for {
		switch t.Kind() {
		case reflect.Map:
			at, t = at+".*", t.Elem()
			continue
		case reflect.Slice:
			t = t.Elem()
			if t.Kind() == reflect.Struct {
				at += "[]"
			}
			continue
		}
		break
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[Date]() || t == reflect.TypeFor[Record]() && at != "" {
		return []string{strings.TrimPrefix(strings.TrimSuffix(at, ".*"), ".")}
	}
	var out []string
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			out = append(out, jsonFields(f.Type, at)...)
			continue
		}
		n, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if n == "-" {
			continue
		}
		sub := n
		if at != "" {
			sub = at + "." + n
		}
		out = append(out, jsonFields(t.Field(i).Type, sub)...)
	}
	return out
}
