// Package inaccuracy is the work that goes from a finding in registration data to
// its correction: the finding, what the registrar is asked and under which rule,
// what they answered, and whether the same checks pass now.
//
// A case is its log, as an abuse case is (package casework, whose hashed chain it
// uses): Decide(case, command, now) gives events, Apply(case, event) the next
// case. Three things bind every command, whatever a profile says:
//
//   - Nothing runs against anybody before it is documented that they know: a
//     receiving server took the ask, they answered, or a person handed it over.
//     That we sent something starts no clock.
//   - A rule that is not primary opens no duty. What it says is asked, without a
//     time, and marked.
//   - A warning is no ground for asking anybody, and the form of a value alone
//     proposes nothing that takes a name out of the DNS.
//
// Values of fields and every word that people write are personal payloads, which
// expire; the projection holds neither.
package inaccuracy

import (
	"slices"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
)

// State of a case.
type State string

// The states.
const (
	Found     State = "found"         // a check failed; nobody was asked
	Sent      State = "sent"          // on its way; no clock runs before it is known to be there
	Asked     State = "asked"         // it is documented that they know
	Silent    State = "silent"        // the time we wait is over without an answer
	Answered  State = "answered"      // they answered; not checked since
	Failing   State = "still failing" // they answered, and the same checks fail still
	Corrected State = "corrected"     // the same checks pass
	Closed    State = "closed"

	notBegun State = ""
)

// States are all states, in the order of a case's life.
func States() []State {
	return []State{Found, Sent, Asked, Silent, Answered, Failing, Corrected, Closed}
}

// Open says whether there is still something to do.
func (s State) Open() bool { return s != notBegun && s != Closed }

// Said is what a registrar (or registry) answered.
type Said string

// The answers.
const (
	Received    Said = "received"     // they have it, and nothing more yet
	SaidCorrect Said = "corrected"    // they say it is corrected
	SaidRight   Said = "verified"     // they verified it: the data is right
	NotReached  Said = "unreachable"  // they could not reach the registrant
	SaidHeld    Said = "suspended"    // they put the name on hold, or ended the registration
	SaidNo      Said = "refused"      // with a reason
	NotTheirs   Said = "no_authority" // the name is not with them
	nothing     Said = ""
)

// final says whether an answer is one, and not only a receipt.
func (s Said) final() bool { return s != nothing && s != Received }

// Outcome is how a case ended.
type Outcome string

// The outcomes. The first four need that it was seen or said.
const (
	WasCorrected Outcome = "corrected"  // the same checks pass
	WasRight     Outcome = "verified"   // the registrar verified the data as right
	WasHeld      Outcome = "suspended"  // the name is on hold, by their word or as we saw
	WasGone      Outcome = "gone"       // the name is not registered any more
	Mistaken     Outcome = "mistaken"   // the finding was wrong, or opened by mistake
	Referred     Outcome = "referred"   // a person took it to ICANN or another authority
	Unresolved   Outcome = "unresolved" // asked, and nothing came of it
)

// Finding is one check that failed on one field. It never holds the value.
type Finding struct {
	Path   string          `json:"path"` // contacts.registrant.email
	Check  string          `json:"check"`
	Level  accuracy.Level  `json:"level"`
	Reason string          `json:"reason,omitempty"`
	Detail string          `json:"detail,omitempty"` // what is wrong, in a sentence
	Rules  []Rule          `json:"rules"`            // under which it is a failure
	Result accuracy.Result `json:"result"`
	// OfProxy says that the data is that of a privacy or proxy service, which is
	// itself the holder towards the registry and is tested as one.
	OfProxy bool `json:"of_proxy,omitempty"`
	// Digest is SHA-256 (hex) over a salt and the value. The salt lies with the
	// values, which expire, so that the digest confirms no guess after that.
	Digest   string    `json:"evidence_digest,omitempty"`
	Observed time.Time `json:"observed_at"`
}

// Key names a finding in a case, as policy.Proposal.Because does.
func (f Finding) Key() string { return f.Path + ": " + f.Check }

// Rule is the clause a finding is a failure under.
type Rule struct {
	ID     string       `json:"rule"`
	Clause string       `json:"clause"`
	Basis  policy.Basis `json:"basis"`
	Caveat string       `json:"caveat,omitempty"`
}

// Duty is what a rule of the profile says follows from the findings.
type Duty struct {
	policy.Proposal
	// Binding is true only of rules with a primary basis in a profile that binds:
	// only these have a time. The others are asked about and say what they rest on.
	Binding bool `json:"binding"`
	// Due is when its time is over, counted from documented knowledge; zero before
	// that, and where the rule states none.
	Due time.Time `json:"due,omitzero"`
}

// Terms are what the case is under, as the profile was when its round began.
type Terms struct {
	Profile string        `json:"profile"`
	Title   string        `json:"title"`
	Hash    string        `json:"hash"`
	Status  policy.Status `json:"status"`
	// FollowUp is how long we wait for an answer where no duty has a time: our own
	// planning, and nobody's deadline.
	FollowUp casework.Duration `json:"follow_up"`
}

// Order is a notice that was ordered, and what became of it.
type Order struct {
	N    int    `json:"n"`
	To   string `json:"to"`
	Copy bool   `json:"copy,omitempty"` // to the registry, which is not asked
	// Taken is when the receiving server took it; zero again if it bounced.
	Taken time.Time `json:"taken,omitzero"`
	// Failed says that it did not get there.
	Failed bool `json:"failed,omitempty"`
}

// Recheck is one look at the data after the case was opened.
type Recheck struct {
	At      time.Time   `json:"at"`
	Version int         `json:"version,omitempty"` // of the registration
	Result  CheckResult `json:"result"`
	// Failing, Untested and Passed count the findings.
	Failing  int  `json:"failing"`
	Untested int  `json:"untested"`
	Passed   int  `json:"passed"`
	Held     bool `json:"held,omitempty"` // the name is on hold
	Changed  bool `json:"changed,omitempty"`
}

// CheckResult is what a re-check says about a case.
type CheckResult string

// The results.
const (
	AllPass CheckResult = "pass"         // the same checks pass, all of them
	Fails   CheckResult = "fail"         // at least one fails still
	CantSay CheckResult = "not testable" // none fails, and not all could be tested: that is no correction
	Gone    CheckResult = "gone"         // the name is not registered
)

// Case is the projection of a log. It holds no personal data.
type Case struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"` // the registered domain, in A-labels
	State State         `json:"state"`
	Round int           `json:"round"` // 1, and one more each time it is reopened
	Seq   int           `json:"seq"`
	Head  casework.Hash `json:"head"`
	Party party.Party   `json:"party"` // who is asked
	// Copy is the registry, where the profile says it is told.
	Copy  *party.Party `json:"copy,omitempty"`
	GTLD  bool         `json:"gtld,omitempty"`
	Terms Terms        `json:"terms"`
	// Provider says that a privacy or proxy service is the holder on record.
	Provider bool      `json:"provider,omitempty"`
	Findings []Finding `json:"findings"`
	More     int       `json:"more,omitempty"` // findings over the limit
	Duties   []Duty    `json:"duties,omitempty"`
	Opened   time.Time `json:"opened"`
	Last     time.Time `json:"last"`
	// Checked is when the data was last seen to fail, and Version that
	// registration's number.
	Checked time.Time `json:"checked"`
	Version int       `json:"version,omitempty"`
	// Known is the registrar's documented knowledge, and How what documents it:
	// "a server took the ask", "they answered", or by hand in which way.
	Known    time.Time `json:"known,omitzero"`
	KnownHow string    `json:"known_how,omitempty"`
	// Orders are the notices of this round, numbered on from those of Earlier ones.
	Orders  []Order `json:"orders,omitempty"`
	Earlier int     `json:"earlier_notices,omitempty"`
	// ByHand says that a person has to bring it: no mail does.
	ByHand bool `json:"by_hand,omitempty"`
	Doubts int  `json:"doubts,omitempty"`
	// Due is the earliest time of a binding duty; FollowUp ours where there is none.
	Due      time.Time `json:"due,omitzero"`
	FollowUp time.Time `json:"follow_up,omitzero"`
	Over     bool      `json:"over,omitempty"` // that time, without an answer
	Answer   Said      `json:"answer,omitempty"`
	AnswerAt time.Time `json:"answer_at,omitzero"`
	Acked    time.Time `json:"acknowledged,omitzero"`
	Replies  int       `json:"replies,omitempty"` // how often they said something
	Mailed   int       `json:"mailed,omitempty"`  // answers by mail that wait for a person
	Recheck  *Recheck  `json:"recheck,omitempty"`
	// RecheckAt is when the data is checked again by itself.
	RecheckAt time.Time `json:"recheck_at,omitzero"`
	Outcome   Outcome   `json:"outcome,omitempty"`
	Ended     time.Time `json:"ended,omitzero"`
	Unloaded  bool      `json:"unloaded,omitempty"`
}

// Notices counts the notices that were ordered so far, in all rounds.
func (c Case) Notices() int { return c.Earlier + len(c.Orders) }

// NextDue is when something is next due on the case itself; zero for nothing.
func (c Case) NextDue() time.Time {
	var due time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if c.State == Asked {
		at(c.waits())
	}
	if c.State.Open() {
		at(c.RecheckAt)
	}
	return due
}

// waits is when the time for an answer is over: the duty's, else ours.
func (c Case) waits() time.Time {
	if !c.Due.IsZero() {
		return c.Due
	}
	return c.FollowUp
}

// ByPerson says that nothing moves unless a person acts.
func (c Case) ByPerson() bool { return c.State.Open() && c.NextDue().IsZero() && c.State != Sent }

// Caveat is policy.NotForCompliance unless every duty of the case is binding.
func (c Case) Caveat() string {
	if len(c.Duties) == 0 || slices.ContainsFunc(c.Duties, func(d Duty) bool { return !d.Binding }) {
		return policy.NotForCompliance
	}
	return ""
}

// standing is the state that follows from all else.
func (c Case) standing() State {
	switch {
	case c.Outcome != "":
		return Closed
	case c.Recheck != nil && c.Recheck.Result == AllPass:
		return Corrected
	case c.Answer.final() && c.Recheck != nil && c.Recheck.Result == Fails && c.Recheck.At.After(c.AnswerAt):
		return Failing
	case c.Answer.final():
		return Answered
	case c.Over:
		return Silent
	case !c.Known.IsZero():
		return Asked
	case len(c.Orders) > 0 || c.ByHand:
		return Sent
	}
	return Found
}

// The kinds of event.
const (
	KindOpened    casework.Kind = "inaccuracy opened"
	KindValues    casework.Kind = "inaccurate values" // personal: what the fields said
	KindSent      casework.Kind = "ask ordered"
	KindDelivered casework.Kind = "ask delivered"
	KindFailed    casework.Kind = "ask not delivered"
	KindDoubt     casework.Kind = "ask in doubt"
	KindMailed    casework.Kind = "answered by mail"
	KindAnswered  casework.Kind = "answered"
	KindChecked   casework.Kind = "checked again"
	KindOver      casework.Kind = "time over"
	KindClosed    casework.Kind = "inaccuracy closed"
	KindReopened  casework.Kind = "inaccuracy reopened"
	KindWords     casework.Kind = "words" // personal: what somebody wrote
)

// Personal says whether payloads of a kind hold personal data, which expires.
func Personal(k casework.Kind) bool { return k == KindValues || k == KindWords }

// Event is something that happened, before it is sealed into the chain.
type Event = casework.Event

// The bodies. They hold results, never rules: Apply reads no profile.
type (
	// Opening is what a case begins with.
	Opening struct {
		Name  string       `json:"name"`
		Party party.Party  `json:"party"`
		Copy  *party.Party `json:"copy,omitempty"`
		GTLD  bool         `json:"gtld,omitempty"`
		Terms Terms        `json:"terms"`
		Basis
	}
	// Basis is what a case, or a new round of it, rests on.
	Basis struct {
		Findings []Finding `json:"findings"`
		More     int       `json:"more,omitempty"`
		Duties   []Duty    `json:"duties,omitempty"`
		Checked  time.Time `json:"checked"`
		Version  int       `json:"version,omitempty"`
	}
	// Values are what the fields said, by path, and what each check saw, by the
	// key of its finding. Personal.
	Values struct {
		Salt   string            `json:"salt"` // hex, of the digests
		Fields map[string]string `json:"fields,omitempty"`
		Seen   map[string]string `json:"seen,omitempty"`
	}
	// SentOut orders notices. No ask among them: a person has to bring it.
	SentOut struct {
		Orders []Order `json:"orders,omitempty"`
		ByHand bool    `json:"by_hand,omitempty"`
	}
	// Clock is documented knowledge and what runs from it. Zero: nothing is known.
	Clock struct {
		Known    time.Time   `json:"known,omitzero"`
		How      string      `json:"how,omitempty"`
		Dues     []time.Time `json:"dues,omitempty"` // of the duties, in their order
		Due      time.Time   `json:"due,omitzero"`
		FollowUp time.Time   `json:"follow_up,omitzero"`
	}
	// Message says what became of a notice. Clock is there where that changed it.
	Message struct {
		N        int    `json:"n"` // 0: brought by hand
		How      string `json:"how,omitempty"`
		Response string `json:"response,omitempty"`
		Bounced  bool   `json:"bounced,omitempty"`
		Clock    *Clock `json:"clock,omitempty"`
	}
	// Mailed is a mail that a person has to read.
	Mailed struct {
		Mail string `json:"mail"`
		Says string `json:"says,omitempty"`
	}
	// Reply is an answer. Clock is there where it is the first sign that they know.
	Reply struct {
		Answer    Said      `json:"answer"`
		Clock     *Clock    `json:"clock,omitempty"`
		RecheckAt time.Time `json:"recheck_at,omitzero"`
	}
	// CheckedAgain is a re-check: the results by the key of the finding.
	CheckedAgain struct {
		Recheck
		Results map[string]accuracy.Result `json:"results"`
		Hash    string                     `json:"profile_hash"` // of the profile as it is now
		// Next is when it is looked at again by itself.
		Next time.Time `json:"next,omitzero"`
	}
	// TimeOver says that a time was over: "duty" or "follow-up".
	TimeOver struct {
		Of  string    `json:"of"`
		Due time.Time `json:"due"`
	}
	// Closing ends a case.
	Closing struct {
		Outcome Outcome `json:"outcome"`
	}
	// Reopening begins another round, on what fails now.
	Reopening struct {
		// Terms are what the round is under, as the profile is now.
		Terms *Terms `json:"terms,omitempty"`
		Basis
	}
	// Wrote is what somebody wrote along with the event of kind With, which stands
	// beside it: after it, and before it where that is the end. Personal.
	Wrote struct {
		With casework.Kind `json:"with,omitempty"`
		Text string        `json:"text"`
	}
)

// edge is one allowed transition.
type edge struct {
	from State
	kind casework.Kind
}

// transitions lists the states an event may lead to. An edge that is not here is
// refused by Apply, so that a log that breaks the machine does not load.
var transitions = func() map[edge][]State {
	t := map[edge][]State{
		{notBegun, KindOpened}:   {Found},
		{Found, KindSent}:        {Sent},
		{Sent, KindDelivered}:    {Sent, Asked}, // a copy changes nothing
		{Sent, KindAnswered}:     {Asked, Answered},
		{Asked, KindFailed}:      {Asked, Sent},
		{Silent, KindFailed}:     {Silent, Sent, Asked},
		{Asked, KindAnswered}:    {Asked, Answered},
		{Silent, KindAnswered}:   {Silent, Answered},
		{Failing, KindAnswered}:  {Failing, Answered},
		{Asked, KindOver}:        {Silent},
		{Found, KindChecked}:     {Found, Corrected},
		{Sent, KindChecked}:      {Sent, Corrected},
		{Asked, KindChecked}:     {Asked, Corrected},
		{Silent, KindChecked}:    {Silent, Corrected},
		{Answered, KindChecked}:  {Answered, Failing, Corrected},
		{Failing, KindChecked}:   {Failing, Answered, Corrected},
		{Corrected, KindChecked}: {Corrected, Found, Sent, Asked, Silent, Answered, Failing},
		{Closed, KindReopened}:   {Found},
	}
	for _, s := range States() {
		if s.Open() {
			t[edge{s, KindClosed}] = []State{Closed}
		}
	}
	return t
}()

// inPlace are the kinds that leave the state as it is, and where they may happen
// beside the edges above. Nothing at all happens to a closed case but that it is
// reopened.
var inPlace = map[casework.Kind]func(State) bool{
	KindValues:    func(s State) bool { return s == Found },
	KindWords:     State.Open,
	KindSent:      func(s State) bool { return slices.Contains([]State{Sent, Asked, Silent, Failing}, s) },
	KindDelivered: func(s State) bool { return s.Open() && s != Found },
	KindFailed:    func(s State) bool { return s.Open() && s != Found },
	KindDoubt:     func(s State) bool { return s.Open() && s != Found },
	KindMailed:    func(s State) bool { return s.Open() && s != Found },
	KindAnswered:  func(s State) bool { return s == Answered || s == Corrected },
}

// machine is the log of a case.
var machine = casework.Machine[Case, State]{
	What: "inaccuracy case",
	Tip: func(c *Case) casework.Tip[State] {
		return casework.Tip[State]{ID: &c.ID, State: &c.State, Seq: &c.Seq, Head: &c.Head, Last: &c.Last, Unloaded: &c.Unloaded}
	},
	Clone:    func(c Case) Case { c.Orders, c.Duties = slices.Clone(c.Orders), slices.Clone(c.Duties); return c },
	Leads:    func(s State, k casework.Kind) []State { return transitions[edge{s, k}] },
	Stays:    func(s State, k casework.Kind) bool { return inPlace[k] != nil && inPlace[k](s) },
	Personal: Personal,
	Apply:    apply,
}

// Apply gives the case after an event (casework.Machine.Next). It is the only way
// a case changes.
func Apply(c Case, e casework.Entry) (Case, error) { return machine.Next(c, e) }

// Replay rebuilds a case from its log (casework.Machine.Replay).
func Replay(entries []casework.Entry) (Case, error) { return machine.Replay(entries) }

// Seal makes the entry of an event that follows a case. The salt must be random.
func Seal(c Case, id string, ev Event, now time.Time, salt [32]byte) (casework.Entry, error) {
	return machine.Seal(c, id, ev, now, salt)
}

func corrupt(format string, args ...any) error {
	return problem.New(problem.Corrupt, format, args...)
}

// rest puts what a round rests on into the case, and holds the rules against
// harm against it: a log that breaks them does not load.
func (c *Case) rest(b Basis, at time.Time) error {
	if len(b.Findings) == 0 || len(b.Findings) > MaxFindings || b.Checked.After(at) {
		return corrupt("a case rests on 1 to %d findings of the past", MaxFindings)
	}
	for _, f := range b.Findings {
		if f.Result != accuracy.Fail {
			return corrupt("%s is no failure: it is no ground for asking", f.Key())
		}
		c.Provider = c.Provider || f.OfProxy
	}
	for _, d := range b.Duties {
		if d.Binding && d.Basis != policy.Primary {
			return corrupt("a rule that is not primary opens no duty")
		}
		if !d.Due.IsZero() {
			return corrupt("a duty has a time before anybody knows of it")
		}
		if d.suspends() && !deep(d, b.Findings) {
			return corrupt("the form of a value proposes to suspend a name")
		}
	}
	c.Findings, c.More, c.Duties, c.Checked, c.Version = b.Findings, b.More, b.Duties, b.Checked, b.Version
	return nil
}

// suspends says whether a duty may end with the name out of the DNS.
func (d Duty) suspends() bool {
	return d.Action.Suspends() || d.OnExpiry.Suspends() || d.Final.Suspends() || !d.Quarantine.IsZero()
}

// deep says whether a duty rests on a failure of more than the form of a value.
func deep(d Duty, fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Level >= accuracy.V2 && slices.Contains(d.Because, f.Key()) })
}

// know takes a clock over.
func (c *Case) know(k *Clock, at time.Time) error {
	if k == nil {
		return nil
	}
	if k.Known.After(at) || k.Known.IsZero() != (k.Due.IsZero() && k.FollowUp.IsZero()) ||
		!k.Due.IsZero() && k.Due.Before(k.Known) || !k.FollowUp.IsZero() && k.FollowUp.Before(k.Known) ||
		len(k.Dues) > 0 && len(k.Dues) != len(c.Duties) {
		return corrupt("a clock runs without documented knowledge, or before it")
	}
	for i := range c.Duties {
		c.Duties[i].Due = time.Time{}
		if len(k.Dues) > 0 {
			if !k.Dues[i].IsZero() && (!c.Duties[i].Binding || k.Dues[i].Before(k.Known)) {
				return corrupt("a duty that is not binding has a time")
			}
			c.Duties[i].Due = k.Dues[i]
		}
	}
	c.Known, c.KnownHow, c.Due, c.FollowUp, c.Over = k.Known, k.How, k.Due, k.FollowUp, false
	if !c.Known.IsZero() {
		c.ByHand = false
	}
	return nil
}

func apply(c *Case, e casework.Entry) error {
	if err := c.change(e); err != nil {
		return err
	}
	c.State = c.standing()
	return nil
}

func (c *Case) change(e casework.Entry) error {
	switch e.Kind {
	case KindOpened:
		b, err := casework.Read[Opening](e)
		if err != nil {
			return err
		}
		c.ID, c.Name, c.Party, c.Copy, c.GTLD, c.Terms = e.Case, b.Name, b.Party, b.Copy, b.GTLD, b.Terms
		c.Opened, c.Round = e.At, 1
		return c.rest(b.Basis, e.At)
	case KindSent:
		b, err := casework.Read[SentOut](e)
		if err != nil {
			return err
		}
		if !casework.InPerson(e.Actor) {
			return corrupt("no person sent it")
		}
		if len(b.Orders) == 0 && !b.ByHand {
			return corrupt("nothing was ordered")
		}
		for _, o := range b.Orders {
			if o.N != c.Notices()+1 || !o.Taken.IsZero() || o.Failed {
				return corrupt("notice %d follows notice %d", o.N, c.Notices())
			}
			c.Orders = append(c.Orders, o)
			if !o.Copy {
				c.Party.Email, c.ByHand = o.To, false
			}
		}
		if b.ByHand {
			c.ByHand = true
		}
	case KindDelivered, KindFailed, KindDoubt:
		b, err := casework.Read[Message](e)
		if err != nil {
			return err
		}
		if b.N != 0 && (b.N <= c.Earlier || b.N > c.Notices()) || b.N == 0 && e.Kind != KindDelivered {
			return corrupt("there is no notice %d in this round", b.N)
		}
		if b.N > 0 {
			o := &c.Orders[b.N-1-c.Earlier]
			switch e.Kind {
			case KindDelivered:
				o.Failed = false
				if o.Taken.IsZero() { // told twice, it was taken once
					o.Taken = e.At
				}
			case KindFailed:
				o.Taken, o.Failed = time.Time{}, true
			default:
				c.Doubts++
			}
			if o.Copy && b.Clock != nil {
				return corrupt("a copy documents nothing")
			}
		}
		if err := c.know(b.Clock, e.At); err != nil {
			return err
		}
		// In doubt is not there: a person looks.
		if e.Kind != KindDelivered && c.Known.IsZero() && !c.Orders[b.N-1-c.Earlier].Copy {
			c.ByHand = true
		}
	case KindMailed:
		c.Mailed++
	case KindAnswered:
		b, err := casework.Read[Reply](e)
		if err != nil {
			return err
		}
		if c.Known.IsZero() && b.Clock == nil {
			return corrupt("an answer by somebody who does not know")
		}
		if err := c.know(b.Clock, e.At); err != nil {
			return err
		}
		c.Replies++
		if b.Answer == Received {
			if c.Acked.IsZero() {
				c.Acked = e.At
			}
			return nil
		}
		c.Answer, c.AnswerAt, c.RecheckAt, c.Mailed = b.Answer, e.At, b.RecheckAt, 0
		if c.Acked.IsZero() {
			c.Acked = e.At
		}
	case KindChecked:
		b, err := casework.Read[CheckedAgain](e)
		if err != nil {
			return err
		}
		if b.Result == AllPass && (b.Passed != len(c.Findings) || b.Failing+b.Untested > 0) {
			return corrupt("corrected, and not all of the same checks pass")
		}
		if b.At.After(e.At) {
			return corrupt("a check of the future")
		}
		r := b.Recheck
		c.Recheck, c.RecheckAt = &r, b.Next
		if b.Result == Fails {
			c.Checked, c.Version = b.At, b.Version
		}
	case KindOver:
		b, err := casework.Read[TimeOver](e)
		if err != nil {
			return err
		}
		if !b.Due.Equal(c.waits()) || b.Due.IsZero() || e.At.Before(b.Due) {
			return corrupt("a time is over before it is")
		}
		c.Over = true
	case KindClosed:
		b, err := casework.Read[Closing](e)
		if err != nil {
			return err
		}
		if !casework.InPerson(e.Actor) || !outcomes.Has(string(b.Outcome)) {
			return corrupt("no person closed it, or with no outcome")
		}
		c.Outcome, c.Ended, c.RecheckAt, c.Mailed, c.ByHand = b.Outcome, e.At, time.Time{}, 0, false
	case KindReopened:
		b, err := casework.Read[Reopening](e)
		if err != nil {
			return err
		}
		if !casework.InPerson(e.Actor) {
			return corrupt("no person reopened it")
		}
		// What was known of the last round documents nothing about this one.
		n := Case{ID: c.ID, Name: c.Name, Round: c.Round + 1, Seq: c.Seq, Head: c.Head, Party: c.Party, Copy: c.Copy, GTLD: c.GTLD, Terms: c.Terms,
			Opened: c.Opened, Last: c.Last, Unloaded: c.Unloaded, Earlier: c.Notices()}
		*c = n
		if b.Terms != nil {
			if b.Terms.Profile != c.Terms.Profile {
				return corrupt("another round is under another profile")
			}
			c.Terms = *b.Terms
		}
		return c.rest(b.Basis, e.At)
	}
	return nil
}
