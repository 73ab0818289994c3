package casework

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

// sound is a valid playbook in YAML that the tests break line by line.
const sound = `name: mine
types: [phishing]
longest_step: 24h
evidence_age: 1h
investigate: [1h, 3h]
watch: [{for: 24h, every: 1h}, {for: 72h, every: 3h}, {every: 24h}]
gone: {looks: 2, apart: 6h}
after: [24h]
steps:
  - {id: cert, role: cert, action: inform}
  - {id: host, role: host, action: remove_content, within: 24h, remind: [6h, 12h], chase: 72h}
  - {id: registrar, role: registrar, action: suspend_name, when: [malicious], within: 48h}
  - {id: registry, role: registry, action: registry_procedure, when: [malicious, cctld], after: registrar, on: [missed, refused], within: 72h}
  - {id: compliance, role: compliance, action: bundle, when: [gtld], after: registrar}
`

func load(s string) (Playbook, error) { return LoadPlaybook(strings.NewReader(s)) }

func TestPlaybookRules(t *testing.T) {
	if _, err := load(sound); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ from, to, field, reason string }{
		{"name: mine", "name: ''", "name", "is missing"},
		{"types: [phishing]", "types: []", "types", "names no abuse type"},
		{"types: [phishing]", "types: [fishing]", "types[0]", `"fishing" is not an abuse type`},
		{"types: [phishing]", "types: [phishing, csam]", "types[1]", `"csam" goes to the hotline, never to a playbook`},
		{"types: [phishing]", "types: [phishing, phishing]", "types[1]", `"phishing" is named twice`},
		{"longest_step: 24h", "longest_step: 0s", "longest_step", "must be over 0 and at most 168h"},
		{"longest_step: 24h", "longest_step: 169h", "longest_step", "must be over 0 and at most 168h"},
		{"evidence_age: 1h", "evidence_age: 61m", "evidence_age", "must be over 0 and at most 1h: asks rest on a fresh look"},
		{"evidence_age: 1h", "evidence_age: 0s", "evidence_age", "must be over 0 and at most 1h: asks rest on a fresh look"},
		{"investigate: [1h, 3h]", "investigate: []", "investigate", "names no look"},
		{"investigate: [1h, 3h]", "investigate: [1h, 25h]", "investigate[1]", "must be over 0 and at most longest_step"},
		{"investigate: [1h, 3h]", "investigate: [0s]", "investigate[0]", "must be over 0 and at most longest_step"},
		{"watch: [{for: 24h, every: 1h}, {for: 72h, every: 3h}, {every: 24h}]", "watch: []", "watch", "is missing"},
		{"{for: 72h, every: 3h}", "{for: 72h, every: 25h}", "watch[1].every", "must be over 0 and at most longest_step"},
		{"{for: 72h, every: 3h}", "{every: 3h}", "watch[1].for", "every stretch but the last has an end, and only the last has none"},
		{"{every: 24h}", "{for: 100h, every: 24h}", "watch[2].for", "every stretch but the last has an end, and only the last has none"},
		{"{for: 72h, every: 3h}", "{for: 24h, every: 3h}", "watch[1].for", "must be over 0 and grow"},
		{"{for: 24h, every: 1h}", "{for: -1h, every: 1h}", "watch[0].for", "must be over 0 and grow"},
		{"{for: 72h, every: 3h}", "{for: 9000h, every: 3h}", "watch[1].for", "is over 8760h0m0s"},
		{"looks: 2", "looks: 1", "gone.looks", "one look is no certainty: at least 2"},
		{"apart: 6h", "apart: 0s", "gone.apart", "must be over 0 and at most longest_step"},
		{"after: [24h]", "after: [0s]", "after[0]", "must be over 0"},
		{"after: [24h]", "after: [24h, 9000h]", "after[1]", "is over 8760h0m0s"},
		{"id: cert,", "id: '',", "steps[0].id", "is missing"},
		{"id: host", "id: cert", "steps[1].id", `"cert" is used twice`},
		{"after: registrar, on", "after: registry, on", "steps[3].after", `"registry" is not a step above this one`},
		{"after: registrar, on", "after: cert, on", "steps[3].after", `"cert" asks for nothing, so its silence starts nothing`},
		{"after: registrar, on: [missed, refused]", "on: [missed]", "steps[3].on", "names failures of no step: after is missing"},
		{"role: host", "role: hoster", "steps[1].role", `"hoster" is not a role`},
		{"when: [gtld]", "when: [gtld, sunny]", "steps[4].when", `"sunny" is not a condition`},
		{"on: [missed, refused]", "on: [acted]", "steps[3].on", `"acted" cannot start a step`},
		{"action: inform", "action: inform, within: 3h", "steps[0].within", "inform asks for nothing, so it has no clock"},
		{"action: bundle", "action: bundle, chase: 3h", "steps[4].within", "bundle asks for nothing, so it has no clock"},
		{"within: 48h", "within: 0s", "steps[2].within", "an ask needs a time"},
		{"within: 48h", "within: 9000h", "steps[2].within", "is over 8760h0m0s"},
		{"chase: 72h", "chase: -1h", "steps[1].chase", "must not be under 0"},
		{"chase: 72h", "chase: 9000h", "steps[1].chase", "is over 8760h0m0s"},
		{"action: remove_content", "action: remove", "steps[1].action", `"remove" is not an action`},
		{"when: [malicious], within", "within", "steps[2].when", `an ask at the DNS level needs the condition "malicious"`},
		{"role: registrar", "role: host", "steps[2].role", "only a registrar or a registry can act on a name"},
		{"when: [gtld]", "when: [malicious]", "steps[4].role", "compliance gets a bundle, and only for a gTLD"},
		{"role: compliance, action: bundle", "role: compliance, action: inform", "steps[4].role", "compliance gets a bundle, and only for a gTLD"},
		{"role: compliance, action: bundle", "role: registry, action: bundle", "steps[4].action", "a bundle is for compliance"},
		{"role: registry", "role: registrar", "steps[3].action", "a registry's procedure is for the registry"},
		{"role: host", "role: cert", "steps[1].role", "another CERT is informed beside, never asked in place of the party"},
		{"remind: [6h, 12h]", "remind: [0s, 12h]", "steps[1].remind[0]", "must be over 0 and under within"},
		{"remind: [6h, 12h]", "remind: [6h, 24h]", "steps[1].remind[1]", "must be over 0 and under within"},
		{"remind: [6h, 12h]", "remind: [6h, 6h]", "steps[1].remind[1]", "must grow"},
	} {
		if strings.Count(sound, row.from) != 1 {
			t.Fatalf("%q is not in the playbook once", row.from)
		}
		_, err := load(strings.Replace(sound, row.from, row.to, 1))
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || !slices.Contains(pe.Fields, problem.Field{Path: row.field, Reason: row.reason}) {
			t.Errorf("%s: %v\nwant %s: %s", row.to, err, row.field, row.reason)
		}
	}
	// All of it is reported at once.
	var pe *problem.Error
	if err := (Playbook{}).Validate(); !errors.As(err, &pe) || len(pe.Fields) < 6 {
		t.Errorf("an empty playbook: %v", err)
	}
}

func TestPlaybookDoesNotParse(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":             "",
		"unknown key":         sound + "patience: 3\n",
		"unknown key of step": strings.Replace(sound, "role: host,", "role: host, tone: firm,", 1),
		"a key twice":         sound + "name: again\n",
		"not a duration":      strings.Replace(sound, "6h, 12h", "soon", 1),
		"a duration is a map": strings.Replace(sound, "evidence_age: 1h", "evidence_age: {h: 1}", 1),
		"a number alone":      strings.Replace(sound, "evidence_age: 1h", "evidence_age: 3600", 1),
		"not YAML":            "name: [",
		"a second document":   sound + "---\n" + sound,
		"wrong type":          "name: {a: b}",
		"many aliases":        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n",
	} {
		if _, err := load(text); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := load(sound + "#" + strings.Repeat("x", MaxPlaybook)); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := LoadPlaybook(failing{}); problem.CodeOf(err) != problem.Unavailable {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestShippedPlaybooks(t *testing.T) {
	files, err := fs.Glob(shipped, "playbooks/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	named := map[abuse.Type]string{}
	for _, f := range files {
		b, err := shipped.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := LoadPlaybook(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		for _, typ := range p.Types {
			if named[typ] != "" {
				t.Errorf("%s is named by %s and %s", typ, named[typ], f)
			}
			named[typ] = f
		}
		hasRegistrar := false
		for _, s := range p.Steps {
			hasRegistrar = hasRegistrar || s.Action.DNSLevel()
			if s.After == "" && s.Action == Bundle || s.Role == party.Registry && s.After == "" {
				t.Errorf("%s: %s at hour 0", f, s.ID)
			}
		}
		if inScope := p.Types[0].InContractScope(); hasRegistrar != inScope {
			t.Errorf("%s: in contract scope %v, asks at the DNS level %v", f, inScope, hasRegistrar)
		}
	}
	all, err := NewPlaybooks()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range allTypes {
		if !typ.Known() || named[typ] == "" || !slices.Contains(all.For(typ).Types, typ) {
			t.Errorf("no playbook for %s", typ)
		}
	}
	if all.For("unheard of").Name != all.For(abuse.Other).Name {
		t.Error("an unknown type does not get the playbook of other")
	}
}

func TestOwnPlaybooks(t *testing.T) {
	mine, err := load(sound)
	if err != nil {
		t.Fatal(err)
	}
	all, err := NewPlaybooks(mine)
	if err != nil {
		t.Fatal(err)
	}
	if all.For(abuse.Phishing).Name != "mine" || all.For(abuse.Pharming).Name != "phishing" {
		t.Errorf("phishing by %q, pharming by %q", all.For(abuse.Phishing).Name, all.For(abuse.Pharming).Name)
	}
	if _, err := NewPlaybooks(mine, mine); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a type named by two: %v", err)
	}
	mine.EvidenceAge = Duration(2 * time.Hour)
	if _, err := NewPlaybooks(mine); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a playbook that is not valid: %v", err)
	}
}

// reload is p after being written and read again, as JSON, which is YAML too.
func reload(t fataler, p Playbook) Playbook {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("%v", err)
	}
	q, err := LoadPlaybook(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("a written playbook does not load: %v\n%s", err, b)
	}
	return q
}

func TestPlaybookHash(t *testing.T) {
	p, err := load(sound)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := load("# a remark\n" + strings.ReplaceAll(sound, "24h", "1440m"))
	if p.Hash() != again.Hash() || p.Hash() != reload(t, p).Hash() {
		t.Error("the same playbook has another hash")
	}
	for _, change := range []string{"name: mine|name: ours", "apart: 6h|apart: 7h", "chase: 72h|chase: 73h", "[malicious, cctld]|[malicious]", "looks: 2|looks: 3"} {
		from, to, _ := strings.Cut(change, "|")
		q, err := load(strings.Replace(sound, from, to, 1))
		if err != nil {
			t.Fatal(err)
		}
		if q.Hash() == p.Hash() {
			t.Errorf("%s: the hash is the same", change)
		}
	}
	// Open cases pin the shipped ones: a change of these hashes is a change of
	// what they are worked under, and should be meant.
	var out strings.Builder
	all, err := NewPlaybooks()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []abuse.Type{abuse.Phishing, abuse.Malware, abuse.Other} {
		p := all.For(typ)
		out.WriteString(p.Name + " " + p.Hash() + "\n")
	}
	golden(t, "playbook-hashes.txt", out.String())
}

func TestWatchEvery(t *testing.T) {
	p, err := load(sound)
	if err != nil {
		t.Fatal(err)
	}
	for since, want := range map[time.Duration]time.Duration{0: time.Hour, 24*time.Hour - 1: time.Hour, 24 * time.Hour: 3 * time.Hour,
		72 * time.Hour: 24 * time.Hour, 9999 * time.Hour: 24 * time.Hour} {
		if got := p.WatchEvery(since); got != want {
			t.Errorf("after %s: every %s, want %s", since, got, want)
		}
	}
	p.Watch = nil
	if p.WatchEvery(0) != 24*time.Hour {
		t.Error("without a schedule: not the longest step")
	}
	if _, ok := p.Step("host"); !ok {
		t.Error("no step host")
	}
	if _, ok := p.Step("none"); ok {
		t.Error("a step none")
	}
}

func FuzzLoadPlaybook(f *testing.F) {
	files, _ := fs.Glob(shipped, "playbooks/*.yaml")
	for _, name := range files {
		b, _ := shipped.ReadFile(name)
		f.Add(b)
	}
	f.Add([]byte(sound))
	f.Add([]byte(`{"name":"x","types":["other"],"steps":[{"id":"a","within":"-1h"}]}`))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {a: 1}\n: b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := LoadPlaybook(bytes.NewReader(b))
		if err != nil {
			switch problem.CodeOf(err) {
			case problem.Invalid, problem.TooLarge:
			default:
				t.Fatalf("%v", err)
			}
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("loaded and not valid: %v", err)
		}
		if p.Hash() != reload(t, p).Hash() {
			t.Fatal("the hash changes by being stored")
		}
	})
}
