package access

import (
	"slices"

	"bailiwick/problem"
)

// Purpose is what somebody wants to see or do a thing for. The law asks for it
// before personal data is shown, and the access log keeps it.
type Purpose string

// The purposes.
const (
	Report     Purpose = "report abuse"
	Follow     Purpose = "follow up by a link" // the link or the receipt is the credential
	Read       Purpose = "read"
	Work       Purpose = "work a case"
	Answer     Purpose = "answer a reporter"
	Statistics Purpose = "statistics"
	Audit      Purpose = "audit"
	Administer Purpose = "administer"
	Own        Purpose = "keep one's own account"
	Request    Purpose = "request disclosure" // anybody may ask; asking is not getting
	Respond    Purpose = "answer as a party"  // by a member of an organisation that answers for it
)

// Purposes are all purposes.
func Purposes() []Purpose {
	return []Purpose{Report, Follow, Read, Work, Answer, Statistics, Audit, Administer, Own, Request, Respond}
}

// Kind is what kind of thing is seen or changed.
type Kind string

// The kinds.
const (
	Receipt      Kind = "receipt"      // what a reporter holds
	AnswerLink   Kind = "answer link"  // what a party holds
	Figures      Kind = "statistics"   // published figures
	Case         Kind = "case"         // a case, its log, evidence and parties
	Reports      Kind = "report"       // a report as it arrived
	Mail         Kind = "mail"         // a mail as it arrived
	Registration Kind = "registration" // registration data of a name
	Reporter     Kind = "reporter"     // who reported: personal by itself
	User         Kind = "user"         // people, organisations, keys
	Settings     Kind = "settings"
	AccessLog    Kind = "access log"  // who looked at what
	OwnAccount   Kind = "own account" // one's own password, keys and sessions

	Share          Kind = "share of a case" // what of a case a party was told
	Disclosure     Kind = "disclosure"      // a request for registration data that is not public
	DisclosureLink Kind = "disclosure link" // what who asked, or who is asked, holds
	Disclosed      Kind = "disclosed data"  // what was disclosed: personal by itself

	Verification     Kind = "verification"      // whether the contact of a registration was verified
	VerificationLink Kind = "verification link" // what who got a code holds
	VerifiedContact  Kind = "verified contact"  // the contact's values, and codes on their way: personal by itself
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Receipt, AnswerLink, Figures, Case, Reports, Mail, Registration, Reporter, User, Settings, AccessLog, OwnAccount, Disclosure, DisclosureLink, Disclosed, Share, Verification, VerificationLink, VerifiedContact}
}

// The labels of the Traffic Light Protocol 2.0 (FIRST, August 2022). Any other
// text counts as red; "" is a thing without a label.
const (
	TLPClear       = "TLP:CLEAR"
	TLPGreen       = "TLP:GREEN"
	TLPAmber       = "TLP:AMBER"
	TLPAmberStrict = "TLP:AMBER+STRICT"
	TLPRed         = "TLP:RED"
)

// Object is the thing in question.
type Object struct {
	Kind Kind
	ID   string // for the log; "" for all of the kind, as in a list
	Org  string // id of the organisation it belongs to; "" is the centre's own
	// Personal says that the thing holds personal data and that it is asked
	// for. Who does not need it asks without.
	Personal bool
	TLP      string
}

// Verdict is what Decide says.
type Verdict struct {
	Allowed bool
	// Reason says why not, in words for the person; "" when allowed.
	Reason string
	// Redact: show it without personal data.
	Redact bool
	// Log: the look is one at personal data, to be logged before it is shown.
	// An allowed look is always one of the two, Redact or Log.
	Log bool
}

// grant is one rule: a role may, for a purpose, see and do what that purpose
// needs with things of these kinds.
type grant struct {
	role    Role // "": anybody, nobody in particular included
	purpose Purpose
	kinds   []Kind
	// personal: with personal data, where it is asked for.
	personal bool
	// own: only what belongs to the person's own organisation.
	own bool
	// home: only what belongs to the centre itself, by who belongs to no
	// organisation.
	home bool
}

// rules are all rules. What no rule grants is not allowed. Personal data needs a
// role and a purpose that cannot do without it: cases are worked with it and
// read without it, a reporter's identity is for answering the reporter, staff
// data is for whoever keeps accounts and whoever looks at who looked.
var rules = []grant{
	{purpose: Report, kinds: []Kind{Reports}},
	{purpose: Follow, kinds: []Kind{Receipt, AnswerLink, DisclosureLink, VerificationLink}},
	{purpose: Request, kinds: []Kind{Disclosure}},
	{purpose: Statistics, kinds: []Kind{Figures}},

	{role: Viewer, purpose: Read, kinds: []Kind{Case, Reports, Registration, Figures}},

	{role: Analyst, purpose: Read, kinds: []Kind{Case, Reports, Mail, Registration, Figures}},
	{role: Analyst, purpose: Work, kinds: []Kind{Case, Reports, Mail, Registration}, personal: true},
	{role: Analyst, purpose: Answer, kinds: []Kind{Case, Reports, Mail, Reporter}, personal: true},

	{role: Auditor, purpose: Audit, kinds: []Kind{Case, Reports, Mail, Registration, Settings}},
	{role: Auditor, purpose: Audit, kinds: []Kind{AccessLog, User}, personal: true},

	{role: Admin, purpose: Administer, kinds: []Kind{User}, personal: true},
	{role: Admin, purpose: Administer, kinds: []Kind{Settings}},

	// A member sees what the parties of its organisation were told, and nothing
	// else of a case: not who reported, not what others were asked or said.
	{role: Member, purpose: Read, kinds: []Kind{Share, Figures}, own: true},
	{role: Member, purpose: Respond, kinds: []Kind{Share}, own: true},
	{role: API, purpose: Read, kinds: []Kind{Case, Reports, Figures}, own: true},

	{role: Viewer, purpose: Read, kinds: []Kind{Disclosure}},
	{role: Auditor, purpose: Audit, kinds: []Kind{Disclosure}},
	{role: Analyst, purpose: Read, kinds: []Kind{Disclosure}},
	{role: Analyst, purpose: Work, kinds: []Kind{Disclosure, Disclosed}, personal: true},

	{role: Viewer, purpose: Read, kinds: []Kind{Verification}},
	{role: Auditor, purpose: Audit, kinds: []Kind{Verification}},
	{role: Analyst, purpose: Read, kinds: []Kind{Verification}},
	{role: Analyst, purpose: Work, kinds: []Kind{Verification, VerifiedContact}, personal: true},
	{role: Member, purpose: Read, kinds: []Kind{Verification}, own: true},
	// A registrar's system opens verifications of its own registrations; one that
	// belongs to the centre itself, those of the centre.
	{role: Registrar, purpose: Read, kinds: []Kind{Verification}, own: true},
	{role: Registrar, purpose: Work, kinds: []Kind{Verification}, own: true},
	{role: Registrar, purpose: Read, kinds: []Kind{Verification}, home: true},
	{role: Registrar, purpose: Work, kinds: []Kind{Verification}, home: true},

	{role: Admin, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: Analyst, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: Viewer, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: Auditor, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: Member, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: API, purpose: Own, kinds: []Kind{OwnAccount}},
	{role: Registrar, purpose: Own, kinds: []Kind{OwnAccount}},
}

// Decide says whether a person may see or do something for a purpose, and
// whether personal data may be shown. It has no memory and no state.
func Decide(p Person, purpose Purpose, o Object) Verdict {
	if !slices.Contains(Purposes(), purpose) || !slices.Contains(Kinds(), o.Kind) {
		return Verdict{Reason: "there is no such purpose or thing"}
	}
	best, elsewhere, labelled := Verdict{}, false, false
	for _, g := range rules {
		switch {
		case g.purpose != purpose, g.role != "" && !p.Has(g.role), !slices.Contains(g.kinds, o.Kind):
		case g.own && (p.Org == "" || o.Org != p.Org):
			elsewhere = true
		case g.home && (p.Org != "" || o.Org != ""):
			elsewhere = true
		case red(o.TLP) && !g.personal:
			// Red is for the eyes of those who work on it.
			labelled = true
		case o.Kind.personal() && !g.personal:
		default:
			show := g.personal && (o.Personal || o.Kind.personal())
			if v := (Verdict{Allowed: true, Redact: !show, Log: show}); !best.Allowed || v.Log {
				best = v
			}
		}
	}
	switch {
	case best.Allowed:
	case !p.Known():
		best.Reason = "sign in, or send a key"
	case labelled:
		best.Reason = "it is marked TLP:RED"
	case elsewhere:
		best.Reason = "it belongs to another organisation"
	default:
		best.Reason = "none of your roles may: " + string(purpose) + ", " + string(o.Kind)
	}
	return best
}

// personal says whether a kind is personal data and nothing else.
func (k Kind) personal() bool {
	return k == Reporter || k == AccessLog || k == Disclosed || k == VerifiedContact
}

func red(label string) bool {
	switch label {
	case "", TLPClear, TLPGreen, TLPAmber, TLPAmberStrict:
		return false
	}
	return true
}

// Err is the verdict as an error: nil if allowed; else Refused, or, for nobody
// in particular, an error that Unknown knows.
func (v Verdict) Err(p Person) error {
	switch {
	case v.Allowed:
		return nil
	case !p.Known():
		return problem.Wrap(errUnknown, problem.Refused, "%s", v.Reason)
	}
	return problem.New(problem.Refused, "%s", v.Reason)
}
