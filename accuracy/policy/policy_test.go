package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bailiwick/accuracy"
	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

// head is a profile's beginning that is well formed.
const head = "profile: own\ntitle: Own\nstatus: own\ncontacts: [registrant]\n"

// rule is a rule that is well formed, on seven lines.
const rule = `rules:
  - id: a
    clause: A 1
    text: Words.
    basis: primary
    address: https://policy.example/a
    date: 2026-01-31
`

func load(t testing.TB, files ...string) (*Set, error) {
	t.Helper()
	m := fstest.MapFS{}
	for i, f := range files {
		m[fmt.Sprintf("%c.yaml", 'a'+i)] = &fstest.MapFile{Data: []byte(f)}
	}
	return Load(m, Checks())
}

// TestLoadErrors: every fault is told with its file, line and field.
func TestLoadErrors(t *testing.T) {
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "a.yaml is empty"},
		{"no YAML", "a: [", "a.yaml does not parse as YAML: line 1"},
		{"two documents", head + rule + "---\na: b\n", "a.yaml holds more than one document"},
		{"not UTF-8", "profile: own\ntitle: \xff", "a.yaml:2 is not valid UTF-8"},
		{"half of a surrogate pair, in octets", head + "about: \"\xed\xa0\x80\"\n", "a.yaml:5 is not valid UTF-8"},
		{"half of a surrogate pair, escaped", head + "about: \"\\ud800\"\n", "a.yaml does not parse as YAML: line 5"},
		{"a thousand contacts", strings.Replace(head, "[registrant]", "["+strings.Repeat("registrant, ", 1000)+"]", 1) + rule, `a.yaml:4: contacts[1]: "registrant" stands here twice`},
		{"a key that turns the order of letters", head + "\u202ecolour: red\n" + rule, "a.yaml:5: colour: is not a field"},
		{"a list", "- a\n", "is not a set of fields"},
		{"unknown field", head + "colour: red\n" + rule, "a.yaml:5: colour: is not a field that is known here"},
		{"unknown field below", head + rule + "    colour: red\n", "a.yaml:12: rules[0].colour: is not a field that is known here"},
		{"twice", head + "title: Again\n" + rule, "a.yaml:5: title: stands here twice"},
		{"an alias", head + "about: &x y\n" + rule, "a.yaml:5: about: anchors and aliases are not for profiles"},
		{"a tag", head + "about: !!binary aGk=\n" + rule, "a.yaml:5: about: a tag of YAML (!!binary) is not for profiles"},
		{"a tagged key", head + "!!binary aGk=: x\n" + rule, "a.yaml:5: aGk=: is no field"},
		{"deep", head + "extends: " + deep + "\n", "a.yaml:5: extends[0]: is not a single value"},
		{"null", head + "extends:\n" + rule, "a.yaml:5: extends: is empty: leave it out"},
		{"a wrong kind", head + "rules: none\n", "a.yaml:5: rules: is not a list"},
		{"no title", strings.Replace(head, "title: Own\n", "", 1) + rule, "a.yaml: title: is missing"},
		{"a status", strings.Replace(head, "status: own", "status: good", 1) + rule, `a.yaml:3: status: "good" is none of in force,`},
		{"a role", strings.Replace(head, "[registrant]", "[owner]", 1) + rule, `a.yaml:4: contacts[0]: "owner" is none of registrant,`},
		{"a role twice", strings.Replace(head, "[registrant]", "[registrant, registrant]", 1) + rule, `contacts[1]: "registrant" stands here twice`},
		{"nobody", strings.Replace(head, "contacts: [registrant]\n", "", 1) + rule, "contacts: are missing"},
		{"a date", head + "from: yesterday\n" + rule, "a.yaml:5: from: is not a date"},
		{"a rule twice", head + rule + strings.TrimPrefix(rule, "rules:\n"), `a.yaml:12: rules[1].id: "a" stands here twice`},
		{"a rule's id", head + strings.Replace(rule, "id: a", "id: A b", 1), "a.yaml:6: rules[0].id: must be a short name"},
		{"no basis", head + strings.Replace(rule, "    basis: primary\n", "", 1), "a.yaml:6: rules[0].basis: is missing: one of primary, secondary, ours"},
		{"no address", head + strings.Replace(rule, "    address: https://policy.example/a\n", "", 1), "rules[0].address: a rule that was read somewhere says where"},
		{"no date", head + strings.Replace(rule, "    date: 2026-01-31\n", "", 1), "rules[0].date: a rule that was read somewhere says of when"},
		{"an address", head + strings.Replace(rule, "https://policy.example/a", "javascript:alert(1)", 1), "a.yaml:10: rules[0].address: "},
		{"an unknown check", head + rule + "    checks:\n      - check: email.colour\n", `a.yaml:13: rules[0].checks[0].check: "email.colour" is not a check that is known`},
		{"a check twice", head + rule + "    checks:\n      - check: email.syntax\n      - check: email.syntax\n", `a.yaml:14: rules[0].checks[1].check: "email.syntax" stands in this rule twice`},
		{"an unknown reason", head + rule + "    checks:\n      - {check: email.syntax, reasons: {green: warn}}\n", "a.yaml:13: rules[0].checks[0].reasons.green: is not a reason that email.syntax gives"},
		{"a meaning", head + rule + "    checks:\n      - {check: email.syntax, fail: awful}\n", `a.yaml:13: rules[0].checks[0].fail: "awful" is none of fail, warn, pass, ignore`},
		{"a warning made a failure", head + rule + "    checks:\n      - {check: name.length, warn: fail}\n", "rules[0].checks[0].warn: a warning never becomes a failure"},
		{"a term", head + rule + "    duties:\n      - {id: d, triggers: [complaint], actor: registrar, action: verify, within: soon}\n", "a.yaml:13: rules[0].duties[0].within: is not a time such as 72h, 15d or 3wd"},
		{"a reminder too late", head + rule + "    duties:\n      - {id: d, triggers: [complaint], actor: registrar, action: verify, within: 2d, remind: [72h]}\n", "a.yaml:13: rules[0].duties[0].remind[0]: is not before the time is over"},
		{"an action", head + rule + "    duties:\n      - {id: d, triggers: [complaint], actor: registrar, action: shout}\n", `duties[0].action: "shout" is none of`},
		{"a finding without checks", head + rule + "    duties:\n      - {id: d, triggers: [finding], actor: registrar, action: verify}\n", "duties[0].triggers: a finding starts it, and the rule has no checks"},
		{"a duty twice", head + rule + "    duties:\n      - {id: d, triggers: [age], actor: registrar, action: verify}\n      - {id: d, triggers: [age], actor: registrar, action: verify}\n", `a.yaml:14: rules[0].duties[1].id: "d" stands here twice`},
		{"a rule about nobody examined", head + rule + "    contacts: [tech]\n", `a.yaml:12: rules[0].contacts: "tech" is not among the profile's contacts`},
		{"extends nothing", head + "extends: [gone]\n" + rule, `a.yaml:5: extends[0]: "gone" is not a profile that is known`},
		{"extends itself", head + "extends: [own]\n" + rule, "a.yaml:5: extends[0]: goes round in a circle: own → own"},
		{"without what is not there", head + "without: [b]\n" + rule, `a.yaml:5: without[0]: "b" is not a rule that is inherited`},
		{"an example's field", head + rule + "examples:\n  - name: x\n    contacts: {registrant: {colour: red}}\n    expect: {result: pass}\n", "a.yaml:14: examples[0].contacts.registrant.colour: is not a field of a contact"},
		{"an example of nothing", head + rule + "examples:\n  - name: x\n    expect: {}\n", "a.yaml:14: examples[0].expect: expects nothing"},
		{"a long text", head + "about: " + strings.Repeat("x", 5000) + "\n" + rule, "a.yaml:5: about: is over 4000 characters"},
		{"a long key", head + strings.Repeat("x", 900) + ": a\n" + rule, "…: is not a field that is known here"},
		{"a megabyte", head + "about: " + strings.Repeat("x", MaxBytes) + "\n", "a.yaml is over 1048576 octets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
			if code := problem.CodeOf(err); code != problem.Invalid && code != problem.TooLarge {
				t.Errorf("the code is %s", code)
			}
			if len(err.Error()) > 4000 {
				t.Errorf("the error has %d octets", len(err.Error()))
			}
		})
	}
	if _, err := load(t, head+rule); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// named is the well-formed profile under another name.
func named(name string, lines ...string) string {
	return strings.Replace(head, "profile: own", "profile: "+name, 1) + strings.Join(lines, "\n") + "\n"
}

func TestExtends(t *testing.T) {
	ruleOf := func(id string) string { return strings.Replace(strings.TrimSuffix(rule, "\n"), "id: a", "id: "+id, 1) }
	s, err := load(t, named("base", ruleOf("base.1")), named("left", "extends: [base]", ruleOf("left.1")), named("right", "extends: [base]", ruleOf("right.1")),
		named("both", "extends: [left, right]", "without: [right.1]", ruleOf("both.1")))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Get("both")
	var got []string
	for _, r := range p.Rules {
		got = append(got, r.Of+"/"+r.ID)
	}
	if want := []string{"both/both.1", "left/left.1", "base/base.1"}; !slices.Equal(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"a circle of three", []string{named("x", "extends: [y]", ruleOf("x.1")), named("y", "extends: [z]", ruleOf("y.1")), named("z", "extends: [x]", ruleOf("z.1"))}, "c.yaml:5: extends[0]: goes round in a circle: x → y → z → x"},
		{"one name twice", []string{named("x", ruleOf("a")), named("x", ruleOf("b"))}, `b.yaml:1: profile: "x" is another profile's name: a.yaml`},
		{"a rule of the parent's name", []string{named("x", ruleOf("a")), named("y", "extends: [x]", ruleOf("a"))}, `b.yaml:7: rules[0].id: "a" is a rule of x: name it in without`},
		{"two parents with a rule of one name", []string{named("x", ruleOf("a")), named("y", ruleOf("a")), named("z", "extends: [x, y]", ruleOf("b"))}, `c.yaml:5: extends[1]: the rule "a" is inherited from both x and y`},
	} {
		if _, err := load(t, c.files...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.name, err, c.want)
		}
	}
	var chain []string
	for i := range 12 {
		chain = append(chain, named(fmt.Sprintf("p%02d", i), fmt.Sprintf("extends: [p%02d]", i+1), ruleOf(fmt.Sprintf("r%d", i))))
	}
	if _, err := load(t, append(chain, named("p12", ruleOf("last")))...); err == nil || !strings.Contains(err.Error(), "goes more than 8 profiles deep") {
		t.Errorf("a long chain: %v", err)
	}
	// An operator's own, on one that is shipped.
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	with, p, err := shipped.With("/some/where/mine.yaml", []byte(named("mine", "extends: [uk]", "without: [uk.name]", ruleOf("mine.1"))))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Rule("uk.name"); ok || len(p.Checks()) == 0 {
		t.Errorf("%+v", p)
	}
	if _, err := with.Get("mine"); err != nil {
		t.Error(err)
	}
	if _, err := shipped.Get("mine"); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("the shipped set has it: %v", err)
	}
	if _, _, err := shipped.With("mine.yaml", []byte(named("uk", ruleOf("a")))); err == nil || !strings.Contains(err.Error(), "mine.yaml:1: profile:") {
		t.Errorf("a shipped profile's name: %v", err)
	}
}

// TestCatalogue: each check that there is has a place in a shipped profile, so
// that none is forgotten.
func TestCatalogue(t *testing.T) {
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, p := range s.All() {
		for _, c := range p.Checks() {
			used[c.ID] = true
		}
	}
	for _, c := range Checks() {
		if !used[c.ID] {
			t.Errorf("%s is in no profile", c.ID)
		}
		if got, ok := s.Known(c.ID); !ok || got.ID != c.ID {
			t.Errorf("%s is not known", c.ID)
		}
	}
}

// TestShippedSources: what is shipped as primary was read at who made the rule,
// and what binds nobody says so.
func TestShippedSources(t *testing.T) {
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	primary := []string{"www.icann.org", "community.icann.org", "whois.icann.org", "docs.denic.de", "sidn.nl", "eurid.eu", "registrars.nominet.uk", "github.com/Punktum-dk/", "www.cnnic.com.cn", "eur-lex.europa.eu/eli/"}
	want := map[string]Status{"waps-raa-2013": InForce, "gtld-rdp-2025": InForce, "nis2-art28": InForce, "nis2-guidance-2025": Guidance, "de": InForce, "dk": InForce, "eu": InForce, "nl": InForce, "ee": InForce, "uk": InForce, "cn": InForce, "ars-2009": Historical, "ars-2013": Historical, "norc-2010": Historical, "hints": Hints}
	for _, p := range s.All() {
		if want[p.ID] != p.Status {
			t.Errorf("%s is %q", p.ID, p.Status)
		}
		delete(want, p.ID)
		for _, r := range p.Rules {
			if r.Basis == Primary && !slices.ContainsFunc(primary, func(h string) bool { return strings.HasPrefix(strings.TrimPrefix(r.Address, "https://"), h) }) {
				t.Errorf("%s: %s is primary, at %s", p.ID, r.ID, r.Address)
			}
			if (r.Basis == Primary) != (r.Basis.Caveat() == "") {
				t.Errorf("%s: %s: the caveat is %q", p.ID, r.ID, r.Basis.Caveat())
			}
		}
		for _, trigger := range triggers {
			open, withheld := p.Duties(trigger)
			for _, d := range open {
				if d.Rule.Basis != Primary || p.Status != InForce {
					t.Errorf("%s: %s may be opened", p.ID, d.Duty.ID)
				}
			}
			if p.Status != InForce && len(open) > 0 || trigger == OnSuspicion && p.ID == "eu" && (len(open) != 2 || len(withheld) != 1) {
				t.Errorf("%s, %s: %d open, %d withheld", p.ID, trigger, len(open), len(withheld))
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not shipped: %v", want)
	}
}

func TestTerm(t *testing.T) {
	friday := time.Date(2026, time.March, 6, 15, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{"72h": "2026-03-09T15:00:00Z", "15d": "2026-03-21T15:00:00Z", "3wd": "2026-03-11T15:00:00Z", "1wd": "2026-03-09T15:00:00Z"} {
		var term Term
		if err := term.UnmarshalText([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if got := term.After(friday).Format(time.RFC3339); got != want || term.String() != in {
			t.Errorf("%s: %s, %s", in, got, term)
		}
	}
	for _, in := range []string{"", "d", "0d", "-1d", "1w", "15 days", "99999999999999999999d", "1.5h", "20001d"} {
		if err := new(Term).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is a term", in)
		}
	}
	if (Term{}).Words() != "no time stated" || (Term{1, "wd"}).Words() != "1 working day" {
		t.Error("words")
	}
}

func shippedProfile(t testing.TB, id string) Profile {
	t.Helper()
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAbsence: what a public answer lacks is not testable, but under a profile
// of a time in which all was public; what a registry's own data lack is missing.
func TestAbsence(t *testing.T) {
	own := registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{registration.Registrant: {Name: "Marta Lind", Country: "GB"}}}
	public := own
	public.Sources = map[string]registration.Source{"": {Protocol: "rdap", Server: "https://rdap.example/"}}
	for _, c := range []struct {
		profile string
		rec     registration.Record
		want    accuracy.Result
	}{{"waps-raa-2013", own, accuracy.Fail}, {"waps-raa-2013", public, accuracy.Untestable}, {"ars-2013", public, accuracy.Fail}, {"ars-2013", own, accuracy.Fail}} {
		a, _, err := shippedProfile(t, c.profile).Examine(c.rec, accuracy.Facts{}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Contacts[0].Fields {
			if f.Field == "phone" && f.Result != c.want {
				t.Errorf("%s: %s, want %s", c.profile, f.Result, c.want)
			}
		}
	}
	a, _, err := shippedProfile(t, "waps-raa-2013").Examine(registration.Record{State: registration.Available}, accuracy.Facts{}, now)
	if err != nil || a.Result != "" || a.Contacts != nil {
		t.Errorf("a name that is not registered: %+v, %v", a, err)
	}
	many := registration.Record{State: registration.Registered, Contacts: map[string]registration.Contact{}}
	for i := range 1000 {
		many.Contacts[fmt.Sprintf("role%d", i)] = registration.Contact{Name: "x"}
	}
	if _, _, err := shippedProfile(t, "waps-raa-2013").Examine(many, accuracy.Facts{}, now); err == nil {
		t.Error("a thousand contacts")
	}
}

// TestAssessNeverHarms: whatever verdicts come, nothing untestable or warned
// fails, no duty comes from a rule that is not primary, and what takes a name
// out of the DNS is never proposed on the form of values.
func TestAssessNeverHarms(t *testing.T) {
	// One profile in which everything could go wrong.
	s, err := load(t, head+`rules:
  - {id: a, clause: A, text: W., basis: primary, address: "https://policy.example/", date: "2026", checks: [{check: email.syntax}, {check: email.mx}, {check: name.length}], duties: [{id: hold, triggers: [finding], actor: registrar, action: hold}, {id: verify, triggers: [finding], actor: registrar, action: verify, within: 15d, on_expiry: hold, quarantine: 90d, final: delete}]}
  - {id: b, clause: B, text: W., basis: secondary, address: "https://policy.example/", date: "2026", checks: [{check: email.syntax}, {check: phone.present}], duties: [{id: other, triggers: [finding], actor: registrar, action: investigate}]}
  - {id: c, clause: C, text: W., basis: ours, checks: [{check: email.tld, fail: warn}], duties: [{id: mine, triggers: [finding], actor: registrar, action: investigate}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := s.Get("own")
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	profiles := append(shipped.All(), own)
	checks := Checks()
	rec := registration.Record{State: registration.Registered, Domain: "shop.example"}
	rapid.Check(t, func(r *rapid.T) {
		p := rapid.SampledFrom(profiles).Draw(r, "profile")
		var vs []accuracy.Verdict
		for range rapid.IntRange(0, 12).Draw(r, "n") {
			c := rapid.SampledFrom(checks).Draw(r, "check")
			reasons := append(slices.Sorted(maps.Keys(c.Reasons)), "", accuracy.Redacted, accuracy.NoFact)
			vs = append(vs, accuracy.Verdict{Check: c.ID, Level: c.Level, Path: registration.ContactPath(rapid.SampledFrom(roles).Draw(r, "role"), c.Field),
				Result: rapid.SampledFrom(results).Draw(r, "result"), Reason: rapid.SampledFrom(reasons).Draw(r, "reason")})
		}
		a := p.Assess(vs, rec)
		deepest := map[string]accuracy.Level{}
		anyFail := false
		for _, c := range a.Contacts {
			for _, f := range c.Fields {
				for _, x := range f.Findings {
					if x.Result == accuracy.Fail && x.Verdict.Result != accuracy.Fail {
						r.Fatalf("%s became a failure: %+v", x.Verdict.Result, x)
					}
					if x.Result == accuracy.Fail {
						anyFail = true
						deepest[x.Rule] = max(deepest[x.Rule], x.Verdict.Level)
					}
				}
			}
		}
		if (a.Result == accuracy.Fail) != anyFail || a.Result == "" {
			r.Fatalf("the result is %q", a.Result)
		}
		for _, d := range a.Duties {
			rule, _ := p.Rule(d.Rule)
			if d.Basis != Primary || rule.Basis != Primary || !p.binds() || d.Caveat != "" || len(d.Because) == 0 {
				r.Fatalf("a duty without a basis: %+v", d)
			}
			if deepest[d.Rule] < accuracy.V2 && (d.Action.Suspends() || d.OnExpiry.Suspends() || d.Final.Suspends() || !d.Quarantine.IsZero()) {
				r.Fatalf("a suspension because of a form: %+v", d)
			}
		}
		for _, d := range a.Withheld {
			if d.Caveat != NotForCompliance {
				r.Fatalf("withheld without a word: %+v", d)
			}
		}
		b, err := json.Marshal(a)
		if err != nil || strings.Contains(strings.ToLower(string(b)), "breach") {
			r.Fatalf("%v %s", err, b)
		}
	})
	// With a look at V2 what follows is told.
	a := own.Assess([]accuracy.Verdict{{Check: "email.mx", Level: accuracy.V2, Path: "contacts.registrant.email", Result: accuracy.Fail, Reason: "null-mx"}}, rec)
	if len(a.Duties) != 2 || a.Duties[1].OnExpiry != Hold || a.Duties[1].Final != Delete || a.Duties[1].Due(now) != now.AddDate(0, 0, 15) {
		t.Errorf("%+v", a.Duties)
	}
	a = own.Assess([]accuracy.Verdict{{Check: "email.syntax", Level: accuracy.V1, Path: "contacts.registrant.email", Result: accuracy.Fail, Reason: "no-at"}}, rec)
	if len(a.Duties) != 1 || !a.Duties[0].OnlyForm || a.Duties[0].OnExpiry != "" || len(a.Withheld) != 1 {
		t.Errorf("%+v %+v", a.Duties, a.Withheld)
	}
}

func TestDiff(t *testing.T) {
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.All() {
		if d := Diff(p, p); len(d) > 0 {
			t.Errorf("%s differs from itself: %+v", p.ID, d)
		}
	}
	a, b := shippedProfile(t, "ars-2013"), shippedProfile(t, "ars-2009")
	got := map[string]Change{}
	for _, c := range Diff(a, b) {
		got[c.Part+" "+c.What] = c
	}
	for k, want := range map[string][2]string{
		"check registrant ars.postal.5":  {"a failure: fail; a warning: warn (primary)", "a failure: pass; a warning: warn (primary)"},
		"check registrant email.present": {"a failure: fail; a warning: warn (ours)", ""},
		"check tech email.present":       {"a failure: fail; a warning: warn (ours)", "a failure: fail; a warning: warn (secondary)"},
		"profile extends":                {"", "ars-2013"},
	} {
		if c := got[k]; c.A != want[0] || c.B != want[1] {
			t.Errorf("%s: %+v", k, c)
		}
	}
	if _, same := got["check registrant ars.postal.1"]; same {
		t.Error("what does not differ is told")
	}
	for _, c := range Diff(b, a) {
		o := got[c.Part+" "+c.What]
		if o.A != c.B || o.B != c.A {
			t.Errorf("the other way round: %+v, %+v", c, o)
		}
	}
}

// TestHash: the hash says which rules were applied; examples do not count.
func TestHash(t *testing.T) {
	get := func(in string) string {
		s, err := load(t, in)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := s.Get("own")
		return p.Hash()
	}
	one := get(head + rule)
	if two := get(head + strings.Replace(rule, "Words.", "Other words.", 1)); one == two || len(one) != 64 {
		t.Error("the hash does not tell rules apart")
	}
	if two := get(head + rule + "examples:\n  - {name: x, expect: {result: pass}}\n"); one != two {
		t.Error("an example changes the hash")
	}
}

func TestExamplesTellWhatIsWrong(t *testing.T) {
	s, err := load(t, head+rule+"    checks:\n      - check: email.syntax\nexamples:\n"+
		"  - {name: good, contacts: {registrant: {email: a@example.org}}, expect: {result: pass}}\n"+
		"  - {name: bad, contacts: {registrant: {email: a}}, expect: {result: pass, fail: [], form: {email: pass}, duties: [x], fields: {contacts.registrant.email: warn}, checks: {contacts.registrant.email email.syntax: warn}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Get("own")
	o := p.Test(now)
	if !o[0].OK || o[1].OK || len(o[1].Wrong) != 7 {
		t.Errorf("%+v", o)
	}
}

// FuzzLoad: no file makes the loader panic, and what it takes can be used.
func FuzzLoad(f *testing.F) {
	entries, err := files.ReadDir("profiles")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		b, err := files.ReadFile("profiles/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(head + rule))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {a: b}\n: c\n<<: d\n"))
	shipped, err := Shipped()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, p, err := shipped.With("own.yaml", raw)
		if err != nil {
			if code := problem.CodeOf(err); code != problem.Invalid && code != problem.TooLarge {
				t.Fatalf("%s: %v", code, err)
			}
			return
		}
		p.Hash()
		p.Test(now)
		Diff(p, shipped.All()[0])
	})
}

func BenchmarkAssess(b *testing.B) {
	p := shippedProfile(b, "waps-raa-2013")
	rec := p.Examples[0].Record()
	verdicts, err := accuracy.Examine(p.Subject(rec, accuracy.Facts{}, now), p.Checks())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Assess(verdicts, rec)
	}
}
