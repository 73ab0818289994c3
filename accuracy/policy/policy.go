// Package policy holds policy profiles: what a contract, a law or a registry
// asks of registration data, as data files that a person who knows the rule
// can read and correct.
//
// A profile says which checks (package accuracy) apply to which contact, what
// each result means there, and which duties follow, with their times. Every
// rule names where it was read and how near that is to the source (Basis). What
// was not read at the source is shown, marked "not for compliance use", and
// opens no duty. Assess lays a record's verdicts beside a profile; Diff tells
// two profiles apart.
//
// A profile judges data, never a person or a registrar: what follows from a
// finding is that somebody is asked. Warnings and the form of a value alone
// never propose that a name is suspended.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/accuracy"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/rulebook"
)

// Basis says what a rule rests on.
type Basis = rulebook.Basis

// The bases.
const (
	Primary   = rulebook.Primary
	Secondary = rulebook.Secondary
	Ours      = rulebook.Ours
)

// NotForCompliance is what is shown beside a rule whose basis is not primary.
const NotForCompliance = rulebook.NotForCompliance

// Status says what kind of thing a profile is.
type Status string

// The statuses.
const (
	InForce    Status = "in force"
	Guidance   Status = "guidance"   // advice that binds nobody
	Historical Status = "historical" // was in force, or was used to measure
	Hints      Status = "hints"      // of this project; binds nobody
	Own        Status = "own"        // of an operator
)

// Meaning is what a result of a check means under a rule.
type Meaning string

// The meanings.
const (
	MeansFail   Meaning = "fail"
	MeansWarn   Meaning = "warn"
	MeansPass   Meaning = "pass"   // the rule has nothing against it
	MeansIgnore Meaning = "ignore" // the rule does not look at it
)

// Term is a time in which something is due: hours, days or working days.
type Term struct {
	N    int
	Unit string // "h", "d" or "wd"
}

// IsZero says whether no time is stated.
func (t Term) IsZero() bool { return t.N == 0 }

// String is "72h", "15d" or "3wd"; "" when no time is stated.
func (t Term) String() string {
	if t.IsZero() {
		return ""
	}
	return strconv.Itoa(t.N) + t.Unit
}

// Words is the term in words: "15 days".
func (t Term) Words() string {
	unit := map[string]string{"h": "hour", "d": "day", "wd": "working day"}[t.Unit]
	switch t.N {
	case 0:
		return "no time stated"
	case 1:
		return "1 " + unit
	}
	return strconv.Itoa(t.N) + " " + unit + "s"
}

// After is when the term that begins at start is over. Working days leave out
// Saturdays and Sundays; public holidays, which differ from place to place, are
// not known here, so that the real end may be later.
func (t Term) After(start time.Time) time.Time {
	switch t.Unit {
	case "h":
		return start.Add(time.Duration(t.N) * time.Hour)
	case "wd":
		for n := t.N; n > 0; {
			start = start.AddDate(0, 0, 1)
			if w := start.Weekday(); w != time.Saturday && w != time.Sunday {
				n--
			}
		}
		return start
	}
	return start.AddDate(0, 0, t.N)
}

// MarshalText prints String.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// maxTerm bounds a term, in its unit.
const maxTerm = 20_000

// UnmarshalText reads "72h", "15d" or "3wd".
func (t *Term) UnmarshalText(b []byte) error {
	s := string(b)
	unit := strings.TrimLeft(s, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(s, unit))
	if err != nil || n <= 0 || n > maxTerm || unit != "h" && unit != "d" && unit != "wd" {
		return problem.New(problem.Invalid, "is not a time such as 72h, 15d or 3wd (working days)")
	}
	*t = Term{n, unit}
	return nil
}

// Profile is one policy profile, its parents' rules among its own.
type Profile struct {
	ID     string `json:"profile" yaml:"profile"`
	Title  string `json:"title" yaml:"title"`
	About  string `json:"about,omitempty" yaml:"about"`
	Status Status `json:"status" yaml:"status"`
	From   string `json:"from,omitempty" yaml:"from"` // a date: when it began
	Until  string `json:"until,omitempty" yaml:"until"`
	// Names are the top-level domains it is for, or "gtld" for all generic ones;
	// empty where that is not for the profile to say.
	Names []string `json:"names,omitempty" yaml:"names"`
	// Extends are the profiles whose rules hold here, too.
	Extends []string `json:"extends,omitempty" yaml:"extends"`
	// Without are inherited rules that do not hold here.
	Without []string `json:"without,omitempty" yaml:"without"`
	// Contacts are examined whether or not the record holds them; Optional are
	// where it does.
	Contacts []string `json:"contacts" yaml:"contacts"`
	Optional []string `json:"optional,omitempty" yaml:"optional"`
	// Uncollected are fields and whole roles that the registry does not collect
	// or publish: their absence says nothing.
	Uncollected []string `json:"uncollected,omitempty" yaml:"uncollected"`
	// Published is "full" where all data had to be public, so that what a
	// server's answer lacks is missing. Else it may be withheld without a word,
	// and is not testable.
	Published string    `json:"published,omitempty" yaml:"published"`
	Rules     []Rule    `json:"rules" yaml:"rules"`
	Examples  []Example `json:"-" yaml:"examples"`

	checks []accuracy.Check
	index  map[string]map[string][]use // by contact and check
	hash   string
}

// Rule is one clause.
type Rule struct {
	ID     string `json:"id" yaml:"id"`
	Clause string `json:"clause" yaml:"clause"` // as it is cited: "WAPS 1(b)"
	Text   string `json:"text" yaml:"text"`     // in our words
	Basis  Basis  `json:"basis" yaml:"basis"`
	// Address is where it was read, Date when that was written or in force, as
	// well as is known (YYYY, YYYY-MM or YYYY-MM-DD).
	Address string `json:"address,omitempty" yaml:"address"`
	Date    string `json:"date,omitempty" yaml:"date"`
	// Confirm is where the source itself is said to be; it was not read.
	Confirm string `json:"confirm,omitempty" yaml:"confirm"`
	Note    string `json:"note,omitempty" yaml:"note"`
	// Of is the profile that the rule was written in.
	Of string `json:"of" yaml:"-"`
	// Contacts are whom it is about; empty is all that the profile examines.
	Contacts []string `json:"contacts,omitempty" yaml:"contacts"`
	Checks   []Use    `json:"checks,omitempty" yaml:"checks"`
	Duties   []Duty   `json:"duties,omitempty" yaml:"duties"`
	// Skip says when nothing needs to be verified under this rule.
	Skip []Condition `json:"skip,omitempty" yaml:"skip"`
}

// Use is how a rule reads a check. What is not testable stays so, whatever a
// profile says, and a warning never becomes a failure.
type Use struct {
	Check string `json:"check" yaml:"check"`
	// Fail and Warn say what these results mean; empty is the same.
	Fail Meaning `json:"fail,omitempty" yaml:"fail"`
	Warn Meaning `json:"warn,omitempty" yaml:"warn"`
	// Reasons say it for single reasons, and go before the two.
	Reasons map[string]Meaning `json:"reasons,omitempty" yaml:"reasons"`
}

// Trigger is what starts a duty.
type Trigger string

// The triggers.
const (
	OnFinding       Trigger = "finding" // a check of the rule failed
	OnRegistration  Trigger = "registration"
	OnTransfer      Trigger = "transfer"
	OnHolderChange  Trigger = "holder-change"
	OnContactChange Trigger = "contact-change"
	OnDoubt         Trigger = "doubt" // information that data are wrong, such as a bounce
	OnComplaint     Trigger = "complaint"
	OnWilful        Trigger = "wilful" // wilfully wrong, or wilfully not kept up to date
	OnSilence       Trigger = "no-answer"
	OnSuspicion     Trigger = "suspicion" // of the registry, on its own grounds
	OnRequest       Trigger = "disclosure-request"
	OnAge           Trigger = "age" // the last check is too old
)

// Actor is whose duty it is.
type Actor string

// The actors.
const (
	ByRegistrant Actor = "registrant"
	ByRegistrar  Actor = "registrar"
	ByRegistry   Actor = "registry"
)

// Action is what is done.
type Action string

// The actions.
const (
	Validate    Action = "validate"    // the form, WAPS 1(a)–(e)
	Verify      Action = "verify"      // by an affirmative answer, WAPS 1(f)
	VerifyHand  Action = "verify-hand" // by a person, on evidence
	Investigate Action = "investigate" // and correct where fitting
	Correct     Action = "correct"
	Remind      Action = "remind"   // somebody to look at the data again
	Evidence    Action = "evidence" // show evidence of who one is
	Reject      Action = "reject"   // the request that carries the data
	Answer      Action = "answer"   // a request for data
	Keep        Action = "keep-old" // the data that were verified before stay
	HoldOrHand  Action = "hold-or-verify-hand"
	Delay       Action = "delay" // the name is registered and not delegated
	Hold        Action = "hold"  // the name leaves the DNS (clientHold, serverHold, out of the zone)
	HoldLocked  Action = "hold-locked"
	Unlink      Action = "unlink" // its name servers
	Quarantine  Action = "quarantine"
	Withdraw    Action = "withdraw"
	Delete      Action = "delete"
)

// Words is the action in words, after "to" or "then".
func (a Action) Words() string {
	switch a {
	case VerifyHand:
		return "verify by hand"
	case Evidence:
		return "show evidence"
	case Keep:
		return "keep the old value"
	case HoldOrHand:
		return "hold the name or verify by hand"
	case Hold:
		return "hold the name"
	case HoldLocked:
		return "hold and lock the name, or end the registration"
	case Delay:
		return "delay the delegation"
	case Unlink:
		return "unlink the name servers"
	}
	return string(a)
}

// Suspends says whether the action takes a name out of the DNS or from its
// holder.
func (a Action) Suspends() bool {
	switch a {
	case HoldOrHand, Delay, Hold, HoldLocked, Unlink, Quarantine, Withdraw, Delete:
		return true
	}
	return false
}

// Method is a way to verify.
type Method string

// The methods.
const (
	EmailCode    Method = "email-code"
	PhoneCode    Method = "phone-code" // by call or text message
	CallBack     Method = "call-back"  // a call that asks for a code sent another way
	PostCode     Method = "post-code"
	ByPerson     Method = "by-person" // manual evidence
	EID          Method = "eid"
	RegisterOf   Method = "register" // of companies or residents
	Document     Method = "document" // seen by who verifies; never stored here
	RiskCheck    Method = "risk-check"
	Confirmation Method = "confirmation" // the holder confirms the data
)

// Condition is a reason for which nothing needs to be verified.
type Condition string

// The conditions.
const (
	SkipVerified Condition = "verified-and-not-doubted" // identical data were verified, and nothing suggests that they are wrong now
	SkipRenewal  Condition = "renewal"                  // the name was only renewed
	SkipTransfer Condition = "confirmed-in-transfer"    // the transfer's own form was confirmed in a way that would do
	SkipFormat   Condition = "format-complaint"         // the complaint is about the form only: it is corrected
	SkipLowRisk  Condition = "low-risk"
)

// Duty is what somebody has to do, by the model {trigger, risk, claims,
// methods, due, on expiry, quarantine, final action, notices}.
type Duty struct {
	ID       string    `json:"id" yaml:"id"`
	Triggers []Trigger `json:"triggers" yaml:"triggers"`
	Risk     string    `json:"risk,omitempty" yaml:"risk"` // a condition, in words
	Actor    Actor     `json:"actor" yaml:"actor"`
	Action   Action    `json:"action" yaml:"action"`
	Claims   []string  `json:"claims,omitempty" yaml:"claims"` // name, organization, address, email, phone, org_id, identity
	// Any says that one of the claims is enough.
	Any     bool     `json:"any,omitempty" yaml:"any"`
	Methods []Method `json:"methods,omitempty" yaml:"methods"`
	// Within counts from the actor's documented knowledge of the trigger. No
	// time means that the rule states none.
	Within Term   `json:"within,omitzero" yaml:"within"`
	Remind []Term `json:"remind,omitempty" yaml:"remind"` // counted as Within is
	// OnExpiry is what follows when the time is over; then Quarantine, then
	// Final.
	OnExpiry   Action   `json:"on_expiry,omitempty" yaml:"on_expiry"`
	Quarantine Term     `json:"quarantine,omitzero" yaml:"quarantine"`
	Final      Action   `json:"final,omitempty" yaml:"final"`
	Notices    []Notice `json:"notices,omitempty" yaml:"notices"`
}

// Notice is who is told, and when.
type Notice struct {
	To   []string `json:"to" yaml:"to"` // registrant, admin, tech, billing, registrar, registry
	When string   `json:"when" yaml:"when"`
}

// Suspends says whether the duty may end with the name out of the DNS.
func (d Duty) Suspends() bool {
	return d.Action.Suspends() || d.OnExpiry.Suspends() || d.Final.Suspends() || !d.Quarantine.IsZero()
}

// Hash is SHA-256 over the profile's canonical JSON with the rules it inherits,
// in hex. Examples do not change it.
func (p Profile) Hash() string {
	if p.hash != "" {
		return p.hash
	}
	b, _ := json.Marshal(p)
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Checks are the checks that the profile asks for, each once.
func (p Profile) Checks() []accuracy.Check { return slices.Clone(p.checks) }

// Subject is a record with what the profile has to say about whom to examine,
// ready for accuracy.Examine.
func (p Profile) Subject(rec registration.Record, facts accuracy.Facts, now time.Time) accuracy.Subject {
	roles := slices.Clone(p.Contacts)
	for _, r := range p.Optional {
		if c, held := rec.Contacts[r]; held && !c.IsZero() || rec.Fields[registration.ContactPath(r, "")] != "" {
			roles = append(roles, r)
		}
	}
	facts.Uncollected = append(slices.Clone(facts.Uncollected), p.Uncollected...)
	return accuracy.Subject{Record: rec, Roles: roles, Facts: facts, Now: now}
}

// Examine runs the profile's checks on a record and assesses what they say.
// The error names what is beyond the limits of accuracy.Examine.
func (p Profile) Examine(rec registration.Record, facts accuracy.Facts, now time.Time) (Assessment, []accuracy.Verdict, error) {
	verdicts, err := accuracy.Examine(p.Subject(rec, facts, now), p.checks)
	if err != nil {
		return Assessment{}, nil, err
	}
	return p.Assess(verdicts, rec), verdicts, nil
}

// Duties are the duties that a trigger starts, with their rules, in the order
// of the profile: those that may be opened, and those that may not because the
// basis of their rule is not primary.
func (p Profile) Duties(t Trigger) (open, withheld []RuleDuty) {
	for _, r := range p.Rules {
		for _, d := range r.Duties {
			if !slices.Contains(d.Triggers, t) {
				continue
			}
			if r.Basis == Primary && p.binds() {
				open = append(open, RuleDuty{r, d})
			} else {
				withheld = append(withheld, RuleDuty{r, d})
			}
		}
	}
	return open, withheld
}

// RuleDuty is a duty with the rule it stands in.
type RuleDuty struct {
	Rule Rule
	Duty Duty
}

// binds says whether the profile can bind anybody: guidance, hints and what is
// past cannot.
func (p Profile) binds() bool { return p.Status == InForce || p.Status == Own }

// Skips are the conditions under which nothing needs to be verified, each with
// its rule.
func (p Profile) Skips() map[Condition]Rule {
	out := map[Condition]Rule{}
	for _, r := range p.Rules {
		for _, c := range r.Skip {
			if o, has := out[c]; !has || o.Basis != Primary {
				out[c] = r
			}
		}
	}
	return out
}

// Rule finds a rule by its id.
func (p Profile) Rule(id string) (Rule, bool) {
	for _, r := range p.Rules {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// use is a rule's use of a check for a contact.
type use struct {
	rule *Rule
	use  *Use
}

// about are the contacts that a rule is about.
func (p Profile) about(r *Rule) []string {
	if len(r.Contacts) > 0 {
		return r.Contacts
	}
	return append(slices.Clone(p.Contacts), p.Optional...)
}

// build makes what Assess looks things up in.
func (p *Profile) build(catalogue map[string]accuracy.Check) {
	p.index, p.checks, p.hash = map[string]map[string][]use{}, nil, ""
	p.hash = p.Hash()
	seen := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		for j := range r.Checks {
			u := &r.Checks[j]
			for _, role := range p.about(r) {
				if p.index[role] == nil {
					p.index[role] = map[string][]use{}
				}
				p.index[role][u.Check] = append(p.index[role][u.Check], use{r, u})
			}
			if c, known := catalogue[u.Check]; known && !seen[u.Check] {
				seen[u.Check] = true
				p.checks = append(p.checks, c)
			}
		}
	}
}

// means is what a verdict means under a use.
func (u *Use) means(v accuracy.Verdict) accuracy.Result {
	m := Meaning("")
	switch v.Result {
	case accuracy.Fail:
		m = MeansFail
		if u.Fail != "" {
			m = u.Fail
		}
	case accuracy.Warn:
		m = MeansWarn
		if u.Warn != "" {
			m = u.Warn
		}
	default:
		// That something is not testable can be left aside, and not changed.
		if v.Result == accuracy.Untestable && v.Reason != "" && u.Reasons[v.Reason] == MeansIgnore {
			return ""
		}
		return v.Result
	}
	if r, ok := u.Reasons[v.Reason]; ok && v.Reason != "" {
		m = r
	}
	switch m {
	case MeansFail:
		if v.Result == accuracy.Warn {
			return accuracy.Warn
		}
		return accuracy.Fail
	case MeansWarn:
		return accuracy.Warn
	case MeansPass:
		return accuracy.Pass
	}
	return ""
}
