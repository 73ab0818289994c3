package policy

import (
	"slices"
	"strings"
	"time"

	"bailiwick/accuracy"
	"bailiwick/registration"
)

// Assessment is what a profile says about a record's verdicts.
type Assessment struct {
	Profile string             `json:"profile"`
	Hash    string             `json:"profile_hash"`
	Status  Status             `json:"profile_status"`
	Domain  string             `json:"domain,omitempty"`
	State   registration.State `json:"state"`
	// Result is the worst of the contacts: fail, warn, pass, or not testable
	// where nothing could be tested. It is "" for a name that is not registered.
	Result accuracy.Result `json:"result,omitempty"`
	// Tested are the fields of which something could be tested, of Fields: a
	// pass of few of them says little.
	Tested   int       `json:"tested"`
	Fields   int       `json:"fields"`
	Contacts []Contact `json:"contacts,omitempty"`
	// Modes are e-mail, phone, postal and all three, as ICANN's reporting
	// system counted: right only if every contact is.
	Modes []Mode `json:"modes,omitempty"`
	// Duties are proposals to ask; none comes from a rule that is not primary.
	Duties []Proposal `json:"duties,omitempty"`
	// Withheld are what would be proposed if their rules were primary, in force
	// and binding: for reading, not for use.
	Withheld []Proposal `json:"withheld,omitempty"`
}

// Contact is the assessment of one contact.
type Contact struct {
	Role   string          `json:"role"`
	Result accuracy.Result `json:"result"`
	Fields []Field         `json:"fields"`
}

// Field is the assessment of one field of a contact.
type Field struct {
	Path   string          `json:"path"`
	Field  string          `json:"field"`
	Result accuracy.Result `json:"result"`
	// Reached is the deepest level at which something passed and nothing at it
	// or above failed: "V0" if nothing did.
	Reached  accuracy.Level `json:"reached"`
	Findings []Finding      `json:"findings"`
}

// Finding is a verdict under a rule.
type Finding struct {
	Rule   string `json:"rule"`
	Clause string `json:"clause"`
	Basis  Basis  `json:"basis"`
	Caveat string `json:"caveat,omitempty"`
	// Result is what the verdict means under the rule; the verdict's own result
	// stands in Verdict.
	Result accuracy.Result `json:"result"`
	// Note says why the result is another one than the verdict's, where that is
	// not the rule's doing.
	Note    string           `json:"note,omitempty"`
	Verdict accuracy.Verdict `json:"verdict"`
}

// Unmarked is the note on a value that a server's answer lacks.
const Unmarked = "The answer is a public one, and does not say whether this is missing or withheld."

// Mode is a way to reach somebody, over all contacts.
type Mode struct {
	Mode string `json:"mode"` // "email", "phone", "postal" or "all"
	// Form and Works are the results at V1 and at V2; "" where the profile
	// tests nothing.
	Form  accuracy.Result `json:"form,omitempty"`
	Works accuracy.Result `json:"works,omitempty"`
}

// Proposal is a duty that the findings give a reason to ask about.
type Proposal struct {
	Rule   string   `json:"rule"`
	Clause string   `json:"clause"`
	Basis  Basis    `json:"basis"`
	Caveat string   `json:"caveat,omitempty"`
	Duty   string   `json:"duty"`
	Actor  Actor    `json:"actor"`
	Action Action   `json:"action"`
	Claims []string `json:"claims,omitempty"`
	// Within counts from the actor's documented knowledge, which a finding of
	// ours is not until it has been told.
	Within     Term     `json:"within,omitzero"`
	OnExpiry   Action   `json:"on_expiry,omitempty"`
	Quarantine Term     `json:"quarantine,omitzero"`
	Final      Action   `json:"final,omitempty"`
	Because    []string `json:"because"` // "contacts.registrant.email: email.mx"
	// OnlyForm says that only the form of values was found wrong, so that
	// nothing that takes a name out of the DNS is proposed.
	OnlyForm bool `json:"only_form,omitempty"`
}

// Due is when the proposal's time is over if the actor knew at the given time;
// zero where the rule states no time.
func (p Proposal) Due(known time.Time) time.Time {
	if p.Within.IsZero() {
		return time.Time{}
	}
	return p.Within.After(known)
}

// Assess says what verdicts mean under the profile. It looks only at checks
// that the profile names, so that verdicts of more checks do no harm.
func (p Profile) Assess(verdicts []accuracy.Verdict, rec registration.Record) Assessment {
	a := Assessment{Profile: p.ID, Hash: p.Hash(), Status: p.Status, Domain: rec.Domain, State: rec.State}
	if rec.State != registration.Registered {
		return a
	}
	failed := map[*Rule][]accuracy.Verdict{}
	modes := map[string]*tally{}
	public := p.Published != "full" && fromServer(rec)
	at := map[string][2]int{}
	for _, v := range verdicts {
		role, field := place(v.Path)
		uses := p.index[role][v.Check]
		if len(uses) == 0 {
			continue
		}
		for _, u := range uses {
			r := u.use.means(v)
			if r == "" {
				continue
			}
			note := ""
			if r == accuracy.Fail && public && lacks(rec, v) {
				r, note = accuracy.Untestable, Unmarked
			}
			i, ok := at[v.Path]
			if !ok {
				i = a.place(role, v.Path, field)
				at[v.Path] = i
			}
			f := &a.Contacts[i[0]].Fields[i[1]]
			f.Findings = append(f.Findings, Finding{Rule: u.rule.ID, Clause: u.rule.Clause, Basis: u.rule.Basis, Caveat: u.rule.Basis.Caveat(), Result: r, Note: note, Verdict: v})
			if r == accuracy.Fail {
				failed[u.rule] = append(failed[u.rule], v)
			}
			if m := modeOf(field); m != "" && v.Level >= accuracy.V1 && v.Level <= accuracy.V2 {
				if modes[m] == nil {
					modes[m] = &tally{}
				}
				modes[m].add(v, r)
			}
		}
	}
	for i := range a.Contacts {
		c := &a.Contacts[i]
		for j := range c.Fields {
			f := &c.Fields[j]
			for _, x := range f.Findings {
				f.Result = worse(f.Result, x.Result)
			}
			f.Reached = reached(f.Findings)
			c.Result = worse(c.Result, f.Result)
			if a.Fields++; f.Result != accuracy.Untestable {
				a.Tested++
			}
		}
		a.Result = worse(a.Result, c.Result)
	}
	if a.Result == "" {
		a.Result = accuracy.Untestable
	}
	a.Modes = modesOf(modes)
	a.propose(p, failed)
	return a
}

// Worst gives the findings that are not passes, the failures first.
func (a Assessment) Worst() []Finding {
	var out []Finding
	for _, want := range []accuracy.Result{accuracy.Fail, accuracy.Warn, accuracy.Untestable} {
		for _, c := range a.Contacts {
			for _, f := range c.Fields {
				for _, x := range f.Findings {
					if x.Result == want {
						out = append(out, x)
					}
				}
			}
		}
	}
	return out
}

// place finds or makes the entry of a field.
func (a *Assessment) place(role, path, field string) [2]int {
	i := slices.IndexFunc(a.Contacts, func(c Contact) bool { return c.Role == role })
	if i < 0 {
		i = len(a.Contacts)
		a.Contacts = append(a.Contacts, Contact{Role: role})
	}
	c := &a.Contacts[i]
	c.Fields = append(c.Fields, Field{Path: path, Field: field, Findings: make([]Finding, 0, 6)})
	return [2]int{i, len(c.Fields) - 1}
}

// fromServer says whether a record was read from what a server answers to
// anybody. Records of a registry's or registrar's own have no source.
func fromServer(rec registration.Record) bool {
	return len(rec.Answers) > 0 || rec.Sources[""].Protocol != ""
}

// lacks says whether a verdict is about a value that is not there.
func lacks(rec registration.Record, v accuracy.Verdict) bool {
	return (v.Reason == "missing" || v.Reason == "absent") && rec.Value(v.Path) == ""
}

// place takes a path such as "contacts.registrant.email" apart.
func place(path string) (role, field string) {
	role, field, _ = strings.Cut(strings.TrimPrefix(path, "contacts."), ".")
	return role, field
}

// modeOf is the way to reach somebody that a field belongs to.
func modeOf(field string) string {
	switch field {
	case "email":
		return "email"
	case "phone":
		return "phone"
	case "street", "city", "region", "postal_code", "country":
		return "postal"
	}
	return ""
}

// worse is the worse of two results: fail, warn, pass, not testable.
func worse(a, b accuracy.Result) accuracy.Result {
	rank := func(r accuracy.Result) int {
		return slices.Index([]accuracy.Result{"", accuracy.Untestable, accuracy.Pass, accuracy.Warn, accuracy.Fail}, r)
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// reached is how deep a field was found right.
func reached(fs []Finding) accuracy.Level {
	out, limit := accuracy.V0, accuracy.V3+1
	for _, f := range fs {
		if f.Result == accuracy.Fail && f.Verdict.Level < limit {
			limit = f.Verdict.Level
		}
	}
	for _, f := range fs {
		if (f.Result == accuracy.Pass || f.Result == accuracy.Warn) && f.Verdict.Level < limit && f.Verdict.Level > out {
			out = f.Verdict.Level
		}
	}
	return out
}

// tally is what the checks of a mode said, by level.
type tally struct {
	v1, v2 accuracy.Result
	// answered are the fields for which somebody answered: that they were not
	// tried in other ways takes nothing from it.
	answered map[string]bool
	untried  map[string]bool
}

func (t *tally) add(v accuracy.Verdict, r accuracy.Result) {
	// A warning is no failure: the mode stands.
	if r == accuracy.Warn {
		r = accuracy.Pass
	}
	if v.Level == accuracy.V1 {
		t.v1 = modeWorse(t.v1, r)
		return
	}
	if t.answered == nil {
		t.answered, t.untried = map[string]bool{}, map[string]bool{}
	}
	switch {
	case r == accuracy.Untestable && v.Reason == accuracy.NoFact:
		t.untried[v.Path] = true
	case r == accuracy.Pass && isAnswer(v.Check):
		t.answered[v.Path] = true
		t.v2 = modeWorse(t.v2, r)
	default:
		t.v2 = modeWorse(t.v2, r)
	}
}

func (t *tally) works() accuracy.Result {
	r := t.v2
	for path := range t.untried {
		if !t.answered[path] {
			r = modeWorse(r, accuracy.Untestable)
		}
	}
	return r
}

// isAnswer says whether a check looks at the answers of contacts.
func isAnswer(check string) bool { return strings.HasSuffix(check, ".answered") }

// modeWorse is worse for a mode, which is right only if all of it was tested.
func modeWorse(a, b accuracy.Result) accuracy.Result {
	rank := func(r accuracy.Result) int {
		return slices.Index([]accuracy.Result{"", accuracy.Pass, accuracy.Untestable, accuracy.Fail}, r)
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// modesOf puts the modes in order, with all three last.
func modesOf(in map[string]*tally) []Mode {
	var out []Mode
	all := Mode{Mode: "all"}
	forms, works := 0, 0
	for _, m := range []string{"email", "phone", "postal"} {
		t := in[m]
		if t == nil {
			continue
		}
		x := Mode{m, t.v1, t.works()}
		out = append(out, x)
		if x.Form != "" {
			all.Form, forms = modeWorse(all.Form, x.Form), forms+1
		}
		if x.Works != "" {
			all.Works, works = modeWorse(all.Works, x.Works), works+1
		}
	}
	// All three are told only where all three are tested; a failure of one is
	// enough to know.
	if forms < 3 && all.Form != accuracy.Fail {
		all.Form = ""
	}
	if works < 3 && all.Works != accuracy.Fail {
		all.Works = ""
	}
	if all.Form != "" || all.Works != "" {
		out = append(out, all)
	}
	return out
}

// propose says whom the failures give a reason to ask.
func (a *Assessment) propose(p Profile, failed map[*Rule][]accuracy.Verdict) {
	for i := range p.Rules {
		r := &p.Rules[i]
		vs := failed[r]
		if len(vs) == 0 {
			continue
		}
		deepest := accuracy.V0
		var because []string
		for _, v := range vs {
			deepest = max(deepest, v.Level)
			if w := v.Path + ": " + v.Check; !slices.Contains(because, w) {
				because = append(because, w)
			}
		}
		for _, d := range r.Duties {
			if !slices.Contains(d.Triggers, OnFinding) {
				continue
			}
			x := Proposal{Rule: r.ID, Clause: r.Clause, Basis: r.Basis, Caveat: r.Basis.Caveat(), Duty: d.ID, Actor: d.Actor, Action: d.Action, Claims: d.Claims,
				Within: d.Within, OnExpiry: d.OnExpiry, Quarantine: d.Quarantine, Final: d.Final, Because: because}
			if deepest < accuracy.V2 && d.Suspends() {
				if d.Action.Suspends() {
					continue
				}
				x.OnlyForm, x.Quarantine = true, Term{}
				if x.OnExpiry.Suspends() {
					x.OnExpiry = ""
				}
				if x.Final.Suspends() {
					x.Final = ""
				}
			}
			if r.Basis == Primary && p.binds() {
				a.Duties = append(a.Duties, x)
			} else {
				if x.Caveat == "" {
					x.Caveat = NotForCompliance
				}
				a.Withheld = append(a.Withheld, x)
			}
		}
	}
}
