package access

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden file")

// TestDecideTable writes out what everybody may do, for every role, purpose and
// kind, and compares it with the golden file: no change of a rule goes unseen.
func TestDecideTable(t *testing.T) {
	const home, away = "org-1", "org-2"
	var b strings.Builder
	b.WriteString("# Who may do what with things of their own organisation and of others.\n" +
		"# full: with personal data where it is asked for, and the look is logged;\n" +
		"# redacted: without personal data; own: redacted, and of the own organisation only;\n" +
		"# -red: not what is marked TLP:RED. What is not listed is not allowed.\n")
	word := func(p Person, purpose Purpose, k Kind) string {
		at := func(o Object) Verdict { o.Kind = k; return Decide(p, purpose, o) }
		mine, other := at(Object{Org: home, Personal: true}), at(Object{Org: away, Personal: true})
		if at(Object{Org: home}).Allowed != mine.Allowed {
			t.Errorf("%v %q %q: asking for personal data changes whether it is allowed", p.Roles, purpose, k)
		}
		w := "redacted"
		switch {
		case !mine.Allowed && other.Allowed:
			t.Errorf("%v %q %q: may see others' and not one's own", p.Roles, purpose, k)
			fallthrough
		case !mine.Allowed:
			return ""
		case mine.Log:
			w = "full"
		case !other.Allowed:
			w = "own"
		}
		if !at(Object{Org: home, TLP: TLPRed, Personal: true}).Allowed {
			w += " -red"
		}
		return w
	}
	people := []Person{{}}
	for _, r := range Roles() {
		people = append(people, Person{ID: "p", Org: home, Roles: []Role{r}})
	}
	for _, p := range people {
		who := "anybody"
		if p.Known() {
			who = string(p.Roles[0])
		}
		fmt.Fprintf(&b, "\n%s\n", who)
		for _, purpose := range Purposes() {
			for _, k := range Kinds() {
				w := word(p, purpose, k)
				if w == "" || p.Known() && w == word(Person{}, purpose, k) {
					continue // as anybody
				}
				fmt.Fprintf(&b, "  %-22s %-14s %s\n", purpose, k, w)
			}
		}
	}
	const golden = "testdata/rules.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the rules changed (run with -update if they should): want -, got +\n%s", d)
	}
}

// TestNobody: without a session or a key one may send a report, follow it up by
// its link, answer by link and see figures, and nothing else.
func TestNobody(t *testing.T) {
	may := map[string]bool{}
	for _, purpose := range Purposes() {
		for _, k := range Kinds() {
			for _, o := range []Object{{Kind: k}, {Kind: k, Personal: true}} {
				v := Decide(Person{}, purpose, o)
				if v.Allowed {
					may[string(purpose)+"/"+string(k)] = true
				}
				if v.Allowed && !v.Redact || v.Log {
					t.Errorf("%q %q: %+v", purpose, k, v)
				}
				if err := v.Err(Person{}); (err == nil) != v.Allowed || err != nil && !Unknown(err) {
					t.Errorf("%q %q: %v", purpose, k, err)
				}
				// A person without an id has no roles, whatever is claimed.
				if w := Decide(Person{Roles: Roles(), Org: "o"}, purpose, o); w != v {
					t.Errorf("%q %q: roles without a person: %+v", purpose, k, w)
				}
			}
		}
	}
	want := map[string]bool{"report abuse/report": true, "follow up by a link/receipt": true, "follow up by a link/answer link": true, "follow up by a link/disclosure link": true, "follow up by a link/verification link": true, "request disclosure/disclosure": true, "statistics/statistics": true}
	if d := cmp.Diff(want, may); d != "" {
		t.Error(d)
	}
}

func drawPerson(t *rapid.T) Person {
	return Person{ID: rapid.SampledFrom([]string{"", "p1"}).Draw(t, "id"), Org: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "org"),
		Roles: rapid.SliceOfDistinct(rapid.SampledFrom(append(Roles(), "root", "")), func(r Role) Role { return r }).Draw(t, "roles")}
}

func drawObject(t *rapid.T) Object {
	return Object{Kind: rapid.SampledFrom(append(Kinds(), "", "other")).Draw(t, "kind"), Org: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "owner"),
		Personal: rapid.Bool().Draw(t, "personal"), TLP: rapid.SampledFrom([]string{"", TLPClear, TLPGreen, TLPAmber, TLPAmberStrict, TLPRed, "TLP:PINK", "red"}).Draw(t, "tlp")}
}

func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawPerson(t), drawObject(t)
		purpose := rapid.SampledFrom(append(Purposes(), "", "other")).Draw(t, "purpose")
		v := Decide(p, purpose, o)
		if v.Allowed != (v.Reason == "") || v.Allowed && v.Redact == v.Log || !v.Allowed && (v.Redact || v.Log) {
			t.Fatalf("%+v", v)
		}
		if v.Log && !(p.Known() && (o.Personal || o.Kind.personal())) {
			t.Fatalf("personal data without being asked for, or for nobody: %+v", v)
		}
		if v.Allowed && red(o.TLP) && !p.Has(Analyst) && !p.Has(Admin) && !p.Has(Auditor) {
			t.Fatalf("red for %v: %+v", p.Roles, v)
		}
		// One more role never takes anything away.
		more := p
		more.Roles = append(append([]Role{}, p.Roles...), rapid.SampledFrom(Roles()).Draw(t, "more"))
		if w := Decide(more, purpose, o); v.Allowed && !w.Allowed || v.Log && !w.Log {
			t.Fatalf("%v has %+v, %v has %+v", p.Roles, v, more.Roles, w)
		}
		// Being somebody never takes away what anybody may.
		if Decide(Person{}, purpose, o).Allowed && !v.Allowed {
			t.Fatalf("nobody may and %v may not", p.Roles)
		}
		// A stricter label never opens anything.
		strict := o
		strict.TLP = TLPRed
		if w := Decide(p, purpose, strict); w.Allowed && !v.Allowed {
			t.Fatalf("red opens: %+v %+v", v, w)
		}
	})
}

func TestVerdictErr(t *testing.T) {
	p := Person{ID: "p", Org: "a", Roles: []Role{Member, Viewer}}
	for _, c := range []struct {
		name    string
		p       Person
		purpose Purpose
		o       Object
		want    string
	}{
		{"nobody", Person{}, Read, Object{Kind: Case}, "sign in, or send a key"},
		{"no role", p, Work, Object{Kind: Case}, "none of your roles may: work a case, case"},
		{"another's", Person{ID: "m", Org: "a", Roles: []Role{Member}}, Read, Object{Kind: Share, Org: "b"}, "it belongs to another organisation"},
		{"the centre's", Person{ID: "m", Org: "", Roles: []Role{Member}}, Read, Object{Kind: Share}, "it belongs to another organisation"},
		{"red", p, Read, Object{Kind: Case, TLP: "TLP:RED"}, "it is marked TLP:RED"},
		{"no such thing", p, Read, Object{Kind: "cases"}, "there is no such purpose or thing"},
		{"a whole case", Person{ID: "m", Org: "a", Roles: []Role{Member}}, Read, Object{Kind: Case, Org: "a"}, "none of your roles may: read, case"},
		{"the centre's verification", Person{ID: "s", Roles: []Role{Registrar}}, Work, Object{Kind: Verification}, ""},
		{"a member's verification", Person{ID: "s", Roles: []Role{Registrar}}, Work, Object{Kind: Verification, Org: "a"}, "it belongs to another organisation"},
		{"the centre's, by a member", Person{ID: "s", Org: "a", Roles: []Role{Registrar}}, Work, Object{Kind: Verification}, "it belongs to another organisation"},
		{"its contact", Person{ID: "s", Org: "a", Roles: []Role{Registrar}}, Work, Object{Kind: VerifiedContact, Org: "a"}, "none of your roles may: work a case, verified contact"},
		{"fine", p, Read, Object{Kind: Case}, ""},
	} {
		err := Decide(c.p, c.purpose, c.o).Err(c.p)
		if got := fmt.Sprint(err); c.want != "" && !strings.HasPrefix(got, c.want) || c.want == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && Unknown(err) != !c.p.Known() {
			t.Errorf("%s: unknown is %v", c.name, Unknown(err))
		}
	}
}

func TestParseRoles(t *testing.T) {
	for in, want := range map[string]string{"analyst": "analyst", " Viewer,admin, viewer ": "admin viewer", "": "!", ",": "!", "root": "!", "admin root": "!"} {
		got, err := ParseRoles(in)
		if want == "!" {
			if err == nil {
				t.Errorf("%q: %v", in, got)
			}
		} else if err != nil || joinRoles(got, " ") != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
}

func TestActor(t *testing.T) {
	for want, p := range map[string]Person{"anybody:": {}, "person:7": {ID: "7", Name: "N"}, "person:7/key:k": {ID: "7", Key: true, KeyID: "k"}} {
		if got := p.Actor(); got != want {
			t.Errorf("%+v: %s", p, got)
		}
	}
}
