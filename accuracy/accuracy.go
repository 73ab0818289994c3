// Package accuracy checks registration data: the same checks on any registry's
// data, with a verdict for each field, a reason, and what was seen.
//
// A verdict says how far it reaches (Level, after SSAC's SAC058 of 2013): that
// a value is well formed says nothing of whether it works, and neither says
// whose it is. What is withheld is not testable, which is never a failure.
// What a verdict means, and for whom, is not decided here: see package policy
// below. Names and languages only warn, and nobody is scored by ethnicity,
// language or country.
//
// The package is pure: facts that need the network (does the mail domain take
// mail?) come in with the time they were seen.
package accuracy

import (
	"slices"
	"time"

	"bailiwick/problem"
	"bailiwick/registration"
)

// Level says how deep a check looks.
type Level uint8

// The levels: nothing; the form of a value; whether it works; whose it is.
const (
	V0 Level = iota
	V1       // syntactic
	V2       // operational
	V3       // identity
)

// String is "V0" to "V3".
func (l Level) String() string { return "V" + string('0'+rune(min(l, 9))) }

// MarshalText prints String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads "V0" to "V3".
func (l *Level) UnmarshalText(b []byte) error {
	if len(b) != 2 || b[0] != 'V' || b[1] < '0' || b[1] > '3' {
		return problem.BadField("level", "is not V0, V1, V2 or V3")
	}
	*l = Level(b[1] - '0')
	return nil
}

// Result is what a check says about a field.
type Result string

// The results. Untestable is never a failure, and a warning never one by
// itself.
const (
	Pass       Result = "pass"
	Fail       Result = "fail"
	Warn       Result = "warn"
	Untestable Result = "not testable"
)

// Reasons for which a field is not testable, whatever the check.
const (
	Redacted = "redacted"         // withheld (RFC 9537, or words that say so)
	Proxy    = "proxy"            // a privacy or proxy service stands in: whose it is cannot be told
	Policy   = "absent-by-policy" // the registry does not collect or publish it
	Unparsed = "unparsed"         // there, but this program could not read it
	NoFact   = "not-observed"     // it was not tried whether it works
)

// Verdict is what one check says about one field of one contact.
type Verdict struct {
	Check  string `json:"check"` // the check's id, such as "email.syntax"
	Level  Level  `json:"level"`
	Path   string `json:"path"` // such as "contacts.registrant.email"
	Result Result `json:"result"`
	// Reason is a code of the check's own, or one of the reasons above; ""
	// when it passes and there is nothing to say.
	Reason string `json:"reason,omitempty"`
	// Detail says in a sentence what is wrong and what to change. It never
	// holds the value.
	Detail string `json:"detail,omitempty"`
	// Evidence is what was seen, with the value where that is what was seen:
	// personal data, as the record is.
	Evidence string `json:"evidence,omitempty"`
	// At is when a fact was observed that the verdict rests on.
	At time.Time `json:"at,omitzero"`
	// OfProxy says that what was checked is the data of a privacy or proxy
	// service, which is itself the holder towards the registry.
	OfProxy bool `json:"of_proxy,omitempty"`
}

// MailFact is what was seen of the domain of a mail address.
type MailFact struct {
	At time.Time `json:"at"`
	// Registered says whether the registered domain above it exists: known
	// only where it was asked.
	Registered *bool `json:"registered,omitempty"`
	// MX are the mail servers named; NullMX says that the domain takes no
	// mail at all (RFC 7505).
	MX     []string `json:"mx,omitempty"`
	NullMX bool     `json:"null_mx,omitempty"`
	// Address says that the domain has an address of its own, where mail goes
	// if no server is named (RFC 5321 section 5.1).
	Address bool `json:"address,omitempty"`
	// Failure is why nothing was learned; the check is then not testable.
	Failure string `json:"failure,omitempty"`
}

// Answer is a sign of life of a contact, or its lack, recorded elsewhere: a
// code that came back, a message that bounced, a call that did not connect.
type Answer struct {
	Path   string    `json:"path"`   // of the field it is about
	Value  string    `json:"value"`  // the value that was tried, as Contact.Field gives it
	Method string    `json:"method"` // "code", "bounce", "call", "post"
	OK     bool      `json:"ok"`
	At     time.Time `json:"at"`
}

// Facts are what is known beside the record.
type Facts struct {
	// Mail is keyed by the domain of the address, in A-labels, lower case.
	Mail    map[string]MailFact `json:"mail,omitempty"`
	Answers []Answer            `json:"answers,omitempty"`
	// Uncollected names contact fields ("fax", "region") and whole roles
	// ("billing") that the registry does not collect or publish.
	Uncollected []string `json:"uncollected,omitempty"`
	// What was found of whose data it is (VerifiedChecks).
	Verifications []Verification  `json:"verifications,omitempty"`
	Register      []RegisterEntry `json:"register,omitempty"`
	Inquiries     []Inquiry       `json:"inquiries,omitempty"`
}

// Subject is a record to be checked.
type Subject struct {
	Record registration.Record
	// Roles are the contacts to check; those that the record holds, and the
	// registrant, when empty.
	Roles []string
	Facts Facts
	Now   time.Time
}

// Limits of one subject.
const (
	MaxRoles   = 16
	MaxAnswers = 1000
)

// Check is one check.
type Check struct {
	ID    string
	Level Level
	// Field is the contact field the verdict is about.
	Field string
	// Identity says that the check asks whose the data is: it says nothing
	// where a proxy stands in.
	Identity bool
	// Absent says that the check also runs where the field has no value.
	Absent bool
	About  string // what it asks, in a sentence
	Source string // the rule's source: a clause, an RFC, a paper
	// Reasons are the codes it may give beside the common ones, each with what
	// to change.
	Reasons map[string]string

	run func(*input) outcome
}

// input is what a check sees.
type input struct {
	*Subject
	role    string
	contact registration.Contact
	value   string // of the check's field, cut at maxValue
	path    string
	state   registration.FieldState
	field   string // that value, path and state are of
	// memo holds what several checks of one contact need.
	memo *memo
}

// outcome is what a check says. The zero outcome is a pass; skip says that the
// check does not apply.
type outcome struct {
	result   Result
	reason   string
	evidence string
	at       time.Time
	skip     bool
}

var (
	pass = outcome{result: Pass}
	skip = outcome{skip: true}
)

func fail(reason, evidence string) outcome {
	return outcome{result: Fail, reason: reason, evidence: evidence}
}
func warn(reason, evidence string) outcome {
	return outcome{result: Warn, reason: reason, evidence: evidence}
}
func untestable(reason, evidence string) outcome {
	return outcome{result: Untestable, reason: reason, evidence: evidence}
}

// maxValue is how much of a value is looked at, in octets; longer ones are cut
// for every check but that of length.
const maxValue = 4096

// Examine runs the checks on a record, in the order of roles and checks. A
// record that is not of a registered name has no verdicts. The error names
// what is beyond the limits.
func Examine(s Subject, checks []Check) ([]Verdict, error) { return AppendVerdicts(nil, s, checks) }

// AppendVerdicts is Examine that appends to out, so that whoever examines many
// records needs one list. Where there is an error out is as it was.
func AppendVerdicts(out []Verdict, s Subject, checks []Check) ([]Verdict, error) {
	if s.Record.State != registration.Registered {
		return out, nil
	}
	if len(s.Roles) > MaxRoles || len(s.Record.Contacts) > MaxRoles {
		return out, problem.BadField("contacts", "has more than %d roles", MaxRoles)
	}
	if len(s.Facts.Answers) > MaxAnswers {
		return out, problem.BadField("facts.answers", "holds more than %d answers", MaxAnswers)
	}
	if max(len(s.Facts.Verifications), len(s.Facts.Register), len(s.Facts.Inquiries)) > MaxFacts {
		return out, problem.BadField("facts", "holds more than %d of one kind", MaxFacts)
	}
	roles := s.Roles
	if len(roles) == 0 {
		roles = append(roles, registration.Registrant)
		for r := range s.Record.Contacts {
			if r != registration.Registrant {
				roles = append(roles, r)
			}
		}
		slices.Sort(roles[1:])
	}
	out = slices.Grow(out, len(roles)*len(checks))
	var m memo
	in := input{Subject: &s, memo: &m}
	for _, role := range roles {
		m = memo{}
		in.role, in.contact, in.path = role, s.Record.Contacts[role], ""
		for i := range checks {
			out = append(out, Verdict{})
			if !examine(&in, &checks[i], &out[len(out)-1]) {
				out = out[:len(out)-1]
			}
		}
	}
	return out, nil
}

// of turns the input to a field of the contact. Checks of one field mostly
// follow one another.
func (in *input) of(field string) {
	if in.field == field && in.path != "" {
		return
	}
	in.field = field
	in.path = registration.ContactPath(in.role, field)
	in.value = in.contact.Field(field)
	if len(in.value) > maxValue {
		in.value = in.value[:maxValue]
	}
	in.state = registration.Present
	if len(in.Record.Fields) == 0 {
		return
	}
	if s, ok := in.Record.Fields[in.path]; ok {
		in.state = s
	} else if s, ok := in.Record.Fields[registration.ContactPath(in.role, "")]; ok {
		in.state = s
	}
}

// examine runs one check on one contact, and fills v in. It says whether there
// is a verdict.
func examine(in *input, c *Check, v *Verdict) bool {
	in.of(c.Field)
	v.Check, v.Level, v.Path = c.ID, c.Level, in.path
	state := in.state
	var o outcome
	switch {
	case state == registration.Redacted && in.value == "":
		o = untestable(Redacted, "")
	case state == registration.Redacted && c.Field != "email" && c.Field != "contact_uri":
		// A value that stands for a withheld one ("REDACTED FOR PRIVACY") is
		// not data; a relay address is.
		o = untestable(Redacted, "")
	case state == registration.Unparsed && in.value == "":
		o = untestable(Unparsed, "")
	case state == registration.Proxy && (c.Identity || in.value == ""):
		o = untestable(Proxy, "")
	case in.value == "" && (slices.Contains(in.Facts.Uncollected, c.Field) || slices.Contains(in.Facts.Uncollected, in.role)):
		o = untestable(Policy, "")
	case in.value == "" && !c.Absent:
		return false
	default:
		o = c.run(in)
		v.OfProxy = state == registration.Proxy
	}
	if o.skip {
		return false
	}
	v.Result, v.Reason, v.Evidence, v.At = o.result, o.reason, o.evidence, o.at
	if v.Result == "" {
		v.Result = Pass
	}
	if o.reason != "" {
		if v.Detail = c.Reasons[o.reason]; v.Detail == "" {
			v.Detail = common[o.reason]
		}
	}
	return true
}

// common explains the reasons that every check may give.
var common = map[string]string{
	Redacted: "The value is withheld: this says nothing about whether it is right.",
	Proxy:    "A privacy or proxy service stands in: whose the name is cannot be told from here.",
	Policy:   "The registry does not collect or publish this field.",
	Unparsed: "The value is there, but this program could not read it.",
	NoFact:   "It was not tried whether this works.",
}
