package casework

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

//go:embed playbooks/*.yaml
var shipped embed.FS

// Action is what a party is asked for.
type Action string

// The actions.
const (
	Inform            Action = "inform"             // told, nothing is asked
	List              Action = "list"               // a block list is asked to warn its users
	RemoveContent     Action = "remove_content"     // the host or CDN
	SuspendCustomer   Action = "suspend_customer"   // the platform
	SuspendName       Action = "suspend_name"       // DNS-level: registrar or registry
	RegistryProcedure Action = "registry_procedure" // DNS-level: a ccTLD registry's own procedure
	Bundle            Action = "bundle"             // a file for ICANN Contractual Compliance, filed by a person
)

// DNSLevel says whether a acts on the name itself: the whole name goes dark,
// with everything under it.
func (a Action) DNSLevel() bool { return a == SuspendName || a == RegistryProcedure }

// Asks says whether a party's silence on a can count: informing asks nothing.
func (a Action) Asks() bool { return a == RemoveContent || a == SuspendCustomer || a.DNSLevel() }

// Condition is a fact that a step needs.
type Condition string

// The conditions.
const (
	WhenMalicious Condition = "malicious" // maliciously registered; not known counts as compromised
	WhenGTLD      Condition = "gtld"
	WhenCCTLD     Condition = "cctld"
	WhenInScope   Condition = "in_scope" // in the scope of ICANN's contracts
)

// Duration is a time.Duration that reads as text ("36h").
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return problem.New(problem.Invalid, "%q is not a duration such as 36h or 90m", b)
	}
	*d = Duration(v)
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error { return d.UnmarshalText([]byte(n.Value)) }

// Playbook is the escalation ladder of one or more abuse types, as data. A
// case pins the hash of the playbook it was opened under.
type Playbook struct {
	Name  string       `json:"name" yaml:"name"`
	Types []abuse.Type `json:"types" yaml:"types"`
	// LongestStep bounds the time an open case may go without anything being
	// due; every interval below is at most this.
	LongestStep Duration `json:"longest_step" yaml:"longest_step"`
	// EvidenceAge is how old our own live capture may be when a confirmation
	// or an ask rests on it; at most one hour (DESIGN section 8).
	EvidenceAge Duration `json:"evidence_age" yaml:"evidence_age"`
	// Investigate are the waits between looks while nothing has been seen; when
	// they are used up the case closes unconfirmed.
	Investigate []Duration `json:"investigate" yaml:"investigate"`
	// Watch is the schedule of looks at a confirmed case: a widening one.
	Watch []Watch `json:"watch" yaml:"watch"`
	// Gone says when the abuse counts as measurably gone: so many successive
	// looks, the first and last at least so long apart.
	Gone Gone `json:"gone" yaml:"gone"`
	// After are the waits between looks at a closed case, for a return.
	After []Duration `json:"after" yaml:"after"`
	// Steps are the rungs.
	Steps []Step `json:"steps" yaml:"steps"`
}

// Watch is one stretch of the schedule: until For after the confirmation, look
// every Every. The last stretch has no end.
type Watch struct {
	For   Duration `json:"for,omitempty" yaml:"for"`
	Every Duration `json:"every" yaml:"every"`
}

// Gone is the rule for certainty.
type Gone struct {
	Looks int      `json:"looks" yaml:"looks"`
	Apart Duration `json:"apart" yaml:"apart"`
}

// Step is one rung: whom to ask for what, when, and by when.
type Step struct {
	ID     string      `json:"id" yaml:"id"`
	Role   party.Role  `json:"role" yaml:"role"`
	Action Action      `json:"action" yaml:"action"`
	When   []Condition `json:"when,omitempty" yaml:"when"`
	// After names the step whose failure starts this one; "" is hour 0.
	After string `json:"after,omitempty" yaml:"after"`
	// On are the results of After that count as failure; missed if empty.
	On []Status `json:"on,omitempty" yaml:"on"`
	// Within is the time to act, counted from the first accepted notice.
	Within Duration `json:"within,omitempty" yaml:"within"`
	// Remind are the times after the first accepted notice at which to remind.
	Remind []Duration `json:"remind,omitempty" yaml:"remind"`
	// Chase repeats the notice after the due time, for as long as the abuse
	// stands; 0 is never.
	Chase Duration `json:"chase,omitempty" yaml:"chase"`
}

// Hash is SHA-256 over the playbook's canonical JSON, in hex.
func (p Playbook) Hash() string {
	b, _ := json.Marshal(p)
	return Hash(sha256.Sum256(b)).String()
}

// Step finds a step by its id.
func (p Playbook) Step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

// WatchEvery is the wait before the next look when the case has been confirmed
// for since.
func (p Playbook) WatchEvery(since time.Duration) time.Duration {
	for _, w := range p.Watch {
		if w.For == 0 || since < time.Duration(w.For) {
			return time.Duration(w.Every)
		}
	}
	return time.Duration(p.LongestStep)
}

// Validate reports every rule that p breaks, with the field.
func (p Playbook) Validate() error {
	var e *problem.Error
	if p.Name == "" {
		e = e.Add("name", "is missing")
	}
	if len(p.Types) == 0 {
		e = e.Add("types", "names no abuse type")
	}
	for i, t := range p.Types {
		if slices.Contains(p.Types[:i], t) {
			e = e.Add(fmt.Sprintf("types[%d]", i), "%q is named twice", t)
		}
		if !t.Known() {
			e = e.Add(fmt.Sprintf("types[%d]", i), "%q is not an abuse type", t)
		}
		if t.NeverKept() {
			e = e.Add(fmt.Sprintf("types[%d]", i), "%q goes to the hotline, never to a playbook", t)
		}
	}
	if p.LongestStep <= 0 || p.LongestStep > Duration(7*24*time.Hour) {
		e = e.Add("longest_step", "must be over 0 and at most 168h")
	}
	if p.EvidenceAge <= 0 || p.EvidenceAge > Duration(time.Hour) {
		e = e.Add("evidence_age", "must be over 0 and at most 1h: asks rest on a fresh look")
	}
	wait := func(path string, d Duration) {
		if d <= 0 || d > p.LongestStep {
			e = e.Add(path, "must be over 0 and at most longest_step")
		}
	}
	long := func(path string, d Duration) {
		if d > MaxTerm {
			e = e.Add(path, "is over %s", time.Duration(MaxTerm))
		}
	}
	if len(p.Investigate) == 0 {
		e = e.Add("investigate", "names no look")
	}
	for i, d := range p.Investigate {
		wait(fmt.Sprintf("investigate[%d]", i), d)
	}
	if len(p.Watch) == 0 {
		e = e.Add("watch", "is missing")
	}
	for i, w := range p.Watch {
		wait(fmt.Sprintf("watch[%d].every", i), w.Every)
		if last := i == len(p.Watch)-1; last != (w.For == 0) {
			e = e.Add(fmt.Sprintf("watch[%d].for", i), "every stretch but the last has an end, and only the last has none")
		}
		if w.For < 0 || i > 0 && w.For != 0 && w.For <= p.Watch[i-1].For {
			e = e.Add(fmt.Sprintf("watch[%d].for", i), "must be over 0 and grow")
		}
		long(fmt.Sprintf("watch[%d].for", i), w.For)
	}
	if p.Gone.Looks < 2 {
		e = e.Add("gone.looks", "one look is no certainty: at least 2")
	}
	wait("gone.apart", p.Gone.Apart)
	for i, d := range p.After {
		if d <= 0 {
			e = e.Add(fmt.Sprintf("after[%d]", i), "must be over 0")
		}
		long(fmt.Sprintf("after[%d]", i), d)
	}
	ids := map[string]Step{}
	for i, s := range p.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		if s.ID == "" {
			e = e.Add(at+".id", "is missing")
		}
		if _, twice := ids[s.ID]; twice {
			e = e.Add(at+".id", "%q is used twice", s.ID)
		}
		if s.After != "" {
			a, ok := ids[s.After]
			switch {
			case !ok:
				e = e.Add(at+".after", "%q is not a step above this one", s.After)
			case !a.Action.Asks():
				e = e.Add(at+".after", "%q asks for nothing, so its silence starts nothing", s.After)
			}
		}
		if !roles[s.Role] {
			e = e.Add(at+".role", "%q is not a role", s.Role)
		}
		for _, c := range s.When {
			switch c {
			case WhenMalicious, WhenGTLD, WhenCCTLD, WhenInScope:
			default:
				e = e.Add(at+".when", "%q is not a condition", c)
			}
		}
		if len(s.On) > 0 && s.After == "" {
			e = e.Add(at+".on", "names failures of no step: after is missing")
		}
		for _, on := range s.On {
			switch on {
			case Missed, Refused, Referred:
			default:
				e = e.Add(at+".on", "%q cannot start a step", on)
			}
		}
		switch s.Action {
		case Inform, List, Bundle:
			if s.Within != 0 || len(s.Remind) != 0 || s.Chase != 0 {
				e = e.Add(at+".within", "%s asks for nothing, so it has no clock", s.Action)
			}
		case RemoveContent, SuspendCustomer, SuspendName, RegistryProcedure:
			if s.Within <= 0 {
				e = e.Add(at+".within", "an ask needs a time")
			}
			if s.Chase < 0 {
				e = e.Add(at+".chase", "must not be under 0")
			}
			long(at+".within", s.Within)
			long(at+".chase", s.Chase)
		default:
			e = e.Add(at+".action", "%q is not an action", s.Action)
		}
		if s.Action.DNSLevel() {
			if !slices.Contains(s.When, WhenMalicious) {
				e = e.Add(at+".when", "an ask at the DNS level needs the condition %q", WhenMalicious)
			}
			if s.Role != party.Registrar && s.Role != party.Registry {
				e = e.Add(at+".role", "only a registrar or a registry can act on a name")
			}
		}
		if s.Role == party.Compliance && (s.Action != Bundle || !slices.Contains(s.When, WhenGTLD)) {
			e = e.Add(at+".role", "compliance gets a bundle, and only for a gTLD")
		}
		if s.Action == Bundle && s.Role != party.Compliance {
			e = e.Add(at+".action", "a bundle is for compliance")
		}
		if s.Action == RegistryProcedure && s.Role != party.Registry {
			e = e.Add(at+".action", "a registry's procedure is for the registry")
		}
		if s.Role == party.CERT && s.Action != Inform {
			e = e.Add(at+".role", "another CERT is informed beside, never asked in place of the party")
		}
		for j, r := range s.Remind {
			if r <= 0 || r >= s.Within {
				e = e.Add(fmt.Sprintf("%s.remind[%d]", at, j), "must be over 0 and under within")
			}
			if j > 0 && r <= s.Remind[j-1] {
				e = e.Add(fmt.Sprintf("%s.remind[%d]", at, j), "must grow")
			}
		}
		ids[s.ID] = s
	}
	return e.OrNil()
}

var roles = map[party.Role]bool{
	party.Registrar: true, party.Registry: true, party.Host: true, party.CDN: true, party.Platform: true,
	party.Constituent: true, party.BlockList: true, party.CERT: true, party.Compliance: true,
}

// MaxTerm is the longest any single interval of a playbook may be.
const MaxTerm = Duration(365 * 24 * time.Hour)

// MaxPlaybook is the longest playbook file that is read, in octets.
const MaxPlaybook = 1 << 20

// LoadPlaybook reads and validates a playbook (YAML; JSON is a subset). An
// unknown key is an error.
func LoadPlaybook(r io.Reader) (Playbook, error) {
	var p Playbook
	b, err := io.ReadAll(io.LimitReader(r, MaxPlaybook+1))
	if err != nil {
		return p, problem.Wrap(err, problem.Unavailable, "the playbook cannot be read")
	}
	if len(b) > MaxPlaybook {
		return p, problem.New(problem.TooLarge, "the playbook is over %d octets", MaxPlaybook)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, problem.Wrap(err, problem.Invalid, "the playbook does not parse")
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return p, problem.New(problem.Invalid, "the playbook is followed by something else: one document per file")
	}
	return p, p.Validate()
}

// Playbooks are the playbooks of a centre, one per abuse type.
type Playbooks struct{ byType map[abuse.Type]Playbook }

// NewPlaybooks checks that no type is named twice and none is missing; types
// that no given playbook names use the shipped ones.
func NewPlaybooks(own ...Playbook) (*Playbooks, error) {
	out := &Playbooks{byType: map[abuse.Type]Playbook{}}
	for _, p := range own {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		for _, t := range p.Types {
			if q, twice := out.byType[t]; twice {
				return nil, problem.BadField("playbooks", "%s is named by both %q and %q", t, q.Name, p.Name)
			}
			out.byType[t] = p
		}
	}
	files, err := fs.Glob(shipped, "playbooks/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		fh, err := shipped.Open(f)
		if err != nil {
			return nil, err
		}
		p, err := LoadPlaybook(fh)
		fh.Close()
		if err != nil {
			return nil, problem.Wrap(err, problem.Internal, "the shipped playbook %s", f)
		}
		for _, t := range p.Types {
			if _, has := out.byType[t]; !has {
				out.byType[t] = p
			}
		}
	}
	return out, nil
}

// For is the playbook of an abuse type.
func (p *Playbooks) For(t abuse.Type) Playbook {
	if b, ok := p.byType[t]; ok {
		return b
	}
	return p.byType[abuse.Other]
}
