// Package disclosure is the work on requests for registration data that is not
// public: those the centre sends to whoever holds the data, and those it gets as
// the registry or registrar that holds it.
//
// A request is its log, as a case is (package casework, whose hashed chain it
// uses): Decide(request, command, now) gives events, Apply(request, event) the
// next request. Clocks come from profiles, which are data; a request pins those
// it is under. Who asks, and every word that people write, are personal payloads
// that expire; what is disclosed is never in the log, which holds its digest.
package disclosure

import (
	"time"

	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/problem"
)

// State of a request.
type State string

// The states.
const (
	Drafted       State = "drafted"        // ours, not sent yet
	Sent          State = "sent"           // ours, on its way; no clock runs before it arrived
	Received      State = "received"       // with whoever decides: the clocks run
	Acknowledged  State = "acknowledged"   // and they said so
	MoreAsked     State = "more asked"     // they asked for more information
	Silent        State = "silent"         // the time to answer is over without a decision
	Granted       State = "granted"        // every field asked for
	PartlyGranted State = "partly granted" // some of them
	Refused       State = "refused"
	Withdrawn     State = "withdrawn" // by who asked
)

// States are all states, in the order of a request's life.
func States() []State {
	return []State{Drafted, Sent, Received, Acknowledged, MoreAsked, Silent, Granted, PartlyGranted, Refused, Withdrawn}
}

// Open says whether a decision is still to come. Silence decides nothing.
func (s State) Open() bool {
	return s == Drafted || s == Sent || s.waiting()
}

// waiting says whether whoever decides has the request.
func (s State) waiting() bool {
	return s == Received || s == Acknowledged || s == MoreAsked || s == Silent
}

// Decided says whether there was a decision. A withdrawn request has none.
func (s State) Decided() bool { return s == Granted || s == PartlyGranted || s == Refused }

// Terms are the clocks that a request is under, as its profile had them when it
// was made.
type Terms struct {
	Profile string `json:"profile"`
	Name    string `json:"name"`
	Hash    string `json:"hash"`
	// Ack is zero where the profile sets no time for an acknowledgement.
	Ack    Clock             `json:"ack,omitzero"`
	Answer Clock             `json:"answer"`
	Keep   casework.Duration `json:"keep"`
}

// Caveat is NotForCompliance unless every clock of the terms has a primary
// basis.
func (t Terms) Caveat() string {
	if t.Ack.Of != "" && t.Ack.Basis != Primary {
		return NotForCompliance
	}
	return t.Answer.Caveat()
}

// Data is what was disclosed, as the log knows it: its digest and how long it is
// kept. Its bytes lie apart, encrypted, and hold a salt of their own, so that the
// digest confirms no guess.
type Data struct {
	SHA256  string    `json:"sha256"` // hex
	Bytes   int64     `json:"bytes"`
	Expires time.Time `json:"expires"`
	Erased  time.Time `json:"erased,omitzero"`
}

// Request is the projection of a log. It holds no personal data.
type Request struct {
	ID        string        `json:"id"`
	Direction Direction     `json:"direction"`
	Name      string        `json:"name"`  // the registered domain, in A-labels
	Party     party.Party   `json:"party"` // who decides
	Case      string        `json:"case,omitempty"`
	Requestor Requestor     `json:"requestor"`
	Basis     LegalBasis    `json:"basis"`
	Purpose   Purpose       `json:"purpose"`
	Fields    []string      `json:"fields"`
	Urgency   Urgency       `json:"urgency"`
	Condition Condition     `json:"condition,omitempty"`
	Terms     Terms         `json:"terms"`
	State     State         `json:"state"`
	Seq       int           `json:"seq"`
	Head      casework.Hash `json:"head"`
	Opened    time.Time     `json:"opened"`
	Last      time.Time     `json:"last"`
	// Reached is when whoever decides got it: the clocks begin here.
	Reached time.Time `json:"reached,omitzero"`
	Notices int       `json:"notices,omitempty"` // ordered so far
	// ByHand says that a person has to bring it to the party: no mail does.
	ByHand bool `json:"by_hand,omitempty"`
	Doubts int  `json:"doubts,omitempty"`
	// AckDue and AnswerDue are the due times, zero where none runs.
	AckDue    time.Time `json:"ack_due,omitzero"`
	AnswerDue time.Time `json:"answer_due,omitzero"`
	Acked     time.Time `json:"acknowledged,omitzero"`
	// AckOver and AnswerOver say that a time was over without its event.
	AckOver    bool `json:"ack_over,omitempty"`
	AnswerOver bool `json:"answer_over,omitempty"`
	// Mailed counts answers by mail that wait for a person to read.
	Mailed int `json:"mailed,omitempty"`
	// Questions and Additions count what was asked about it and what was added.
	Questions int       `json:"questions,omitempty"`
	Additions int       `json:"additions,omitempty"`
	Decided   time.Time `json:"decided,omitzero"`
	Given     []string  `json:"given,omitempty"` // fields
	Reasons   []Reason  `json:"reasons,omitempty"`
	Data      *Data     `json:"data,omitempty"`
	Ended     time.Time `json:"ended,omitzero"`     // decided or withdrawn
	Unloaded  bool      `json:"unloaded,omitempty"` // an erased payload was skipped
}

// Due is when something is next due on the request itself; zero for nothing.
func (r Request) Due() time.Time {
	var due time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if r.State.waiting() {
		if r.Acked.IsZero() && !r.AckOver {
			at(r.AckDue)
		}
		if !r.AnswerOver {
			at(r.AnswerDue)
		}
	}
	if r.Data != nil && r.Data.Erased.IsZero() {
		at(r.Data.Expires)
	}
	return due
}

// The kinds of event.
const (
	KindDrafted   casework.Kind = "disclosure drafted"
	KindReceived  casework.Kind = "disclosure received"
	KindRequestor casework.Kind = "requestor" // personal: who asks, and why in words
	KindSent      casework.Kind = "disclosure sent"
	KindDelivered casework.Kind = "disclosure delivered"
	KindFailed    casework.Kind = "disclosure not delivered"
	KindDoubt     casework.Kind = "disclosure in doubt"
	KindAcked     casework.Kind = "disclosure acknowledged"
	KindMoreAsked casework.Kind = "more information asked"
	KindMoreGiven casework.Kind = "more information given"
	KindMailed    casework.Kind = "answered by mail"
	KindDecided   casework.Kind = "disclosure decided"
	KindWithdrawn casework.Kind = "disclosure withdrawn"
	KindOver      casework.Kind = "time over"
	KindErased    casework.Kind = "disclosed data erased"
	KindWords     casework.Kind = "words" // personal: what somebody wrote
)

// Personal says whether payloads of a kind hold personal data, which expires.
func Personal(k casework.Kind) bool { return k == KindRequestor || k == KindWords }

// Event is something that happened, before it is sealed into the chain.
type Event = casework.Event

// The bodies. They hold results, never rules: Apply reads no profile.
type (
	// Opened is what a request begins with, drafted or received.
	Opened struct {
		Direction Direction   `json:"direction"`
		Name      string      `json:"name"`
		Party     party.Party `json:"party"`
		Case      string      `json:"case,omitempty"`
		Requestor Requestor   `json:"requestor"`
		Basis     LegalBasis  `json:"basis"`
		Purpose   Purpose     `json:"purpose"`
		Fields    []string    `json:"fields"`
		Urgency   Urgency     `json:"urgency"`
		Condition Condition   `json:"condition,omitempty"`
		Terms     Terms       `json:"terms"`
		AckDue    time.Time   `json:"ack_due,omitzero"`
		AnswerDue time.Time   `json:"answer_due,omitzero"`
	}
	// Who is who asks. Personal.
	Who struct {
		Person       string `json:"person,omitempty"`
		Organisation string `json:"organisation,omitempty"`
		Role         string `json:"role,omitempty"`    // of the person there
		Contact      string `json:"contact,omitempty"` // a mail address
		Statement    string `json:"statement"`         // why, in words
	}
	// SentOut orders a notice, or says that a person has to bring it.
	SentOut struct {
		Notice int    `json:"notice,omitempty"` // its number; 0: by hand
		To     string `json:"to,omitempty"`
	}
	// Arrived says that the party has it.
	Arrived struct {
		Notice    int       `json:"notice,omitempty"`
		How       string    `json:"how,omitempty"` // by hand: in which way
		AckDue    time.Time `json:"ack_due,omitzero"`
		AnswerDue time.Time `json:"answer_due"`
	}
	// NotArrived says that a notice did not get there, or may not have.
	NotArrived struct {
		Notice   int    `json:"notice"`
		Response string `json:"response,omitempty"`
		// Bounced says that a server had accepted it first: the clocks stop.
		Bounced bool `json:"bounced,omitempty"`
	}
	// Replied is an acknowledgement, a question, or its answer. Reached says
	// that it is the first sign that the party has the request.
	Replied struct {
		Reached   bool      `json:"reached,omitempty"`
		AckDue    time.Time `json:"ack_due,omitzero"`
		AnswerDue time.Time `json:"answer_due,omitzero"`
	}
	// Mailed is a mail that a person has to read.
	Mailed struct {
		Mail string `json:"mail"` // its id
		Says string `json:"says,omitempty"`
	}
	// Decision is the decision.
	Decision struct {
		State   State    `json:"state"`
		Given   []string `json:"given,omitempty"`
		Reasons []Reason `json:"reasons,omitempty"`
		Data    *Data    `json:"data,omitempty"`
		Reached bool     `json:"reached,omitempty"`
	}
	// TakenBack ends a request without a decision.
	TakenBack struct{}
	// TimeOver says that a time was over.
	TimeOver struct {
		Of  Of        `json:"of"`
		Due time.Time `json:"due"`
	}
	// DataErased says that the bytes of what was disclosed are gone.
	DataErased struct {
		SHA256 string `json:"sha256"`
	}
	// Wrote is what somebody wrote along with the event of kind With, which
	// stands just before it. Personal.
	Wrote struct {
		With casework.Kind `json:"with"`
		Text string        `json:"text"`
	}
)

// edge is one allowed transition.
type edge struct {
	from State
	kind casework.Kind
}

// transitions lists the states an event may lead to; an edge that is not here is
// refused by Apply, so that a log that breaks the machine does not load.
var transitions = func() map[edge][]State {
	t := map[edge][]State{
		{"", KindDrafted}:          {Drafted},
		{"", KindReceived}:         {Received},
		{Drafted, KindSent}:        {Sent},
		{Drafted, KindWithdrawn}:   {Withdrawn},
		{Sent, KindSent}:           {Sent},
		{Sent, KindDelivered}:      {Received},
		{Sent, KindWithdrawn}:      {Withdrawn},
		{Received, KindFailed}:     {Received, Sent},
		{Silent, KindFailed}:       {Silent, Sent},
		{Silent, KindMoreGiven}:    {Silent},
		{MoreAsked, KindMoreGiven}: {Acknowledged, Silent},
		{MoreAsked, KindMoreAsked}: {MoreAsked},
		{Received, KindOver}:       {Received, Silent},
		{Acknowledged, KindOver}:   {Silent},
		{MoreAsked, KindOver}:      {Silent},
		{Silent, KindOver}:         {Silent},
		{Silent, KindAcked}:        {Silent},
		{Received, KindDelivered}:  {Received},
		{Silent, KindDelivered}:    {Silent},
	}
	for _, s := range []State{Sent, Received, Acknowledged, MoreAsked, Silent} {
		t[edge{s, KindDecided}] = []State{Granted, PartlyGranted, Refused}
		if s != Silent {
			t[edge{s, KindAcked}] = []State{Acknowledged}
			if s != MoreAsked {
				t[edge{s, KindMoreAsked}] = []State{MoreAsked}
			}
		}
		t[edge{s, KindWithdrawn}] = []State{Withdrawn}
	}
	t[edge{Silent, KindMoreAsked}] = []State{Silent}
	t[edge{Acknowledged, KindMoreGiven}] = []State{Acknowledged}
	t[edge{Received, KindMoreGiven}] = []State{Received}
	return t
}()

// inPlace are the kinds that leave the state as it is, and where they may
// happen beside the edges above.
var inPlace = map[casework.Kind]func(State) bool{
	KindRequestor: func(s State) bool { return s == Drafted || s == Received },
	KindWords:     func(s State) bool { return s != "" },
	KindDelivered: func(s State) bool { return s != "" && s != Drafted },
	KindFailed:    func(s State) bool { return s != "" && s != Drafted },
	KindDoubt:     func(s State) bool { return s != "" && s != Drafted },
	KindMailed:    func(s State) bool { return s != "" && s != Drafted },
	KindErased:    func(s State) bool { return s.Decided() },
}

// machine is the log of a request.
var machine = casework.Machine[Request, State]{
	What: "request",
	Tip: func(r *Request) casework.Tip[State] {
		return casework.Tip[State]{ID: &r.ID, State: &r.State, Seq: &r.Seq, Head: &r.Head, Last: &r.Last, Unloaded: &r.Unloaded}
	},
	Leads:    func(s State, k casework.Kind) []State { return transitions[edge{s, k}] },
	Stays:    func(s State, k casework.Kind) bool { return inPlace[k] != nil && inPlace[k](s) },
	Personal: Personal,
	Apply:    apply,
}

// Apply gives the request after an event (casework.Machine.Next). It is the only
// way a request changes.
func Apply(r Request, e casework.Entry) (Request, error) { return machine.Next(r, e) }

// Replay rebuilds a request from its log (casework.Machine.Replay).
func Replay(entries []casework.Entry) (Request, error) { return machine.Replay(entries) }

// Seal makes the entry of an event that follows a request. The salt must be
// random.
func Seal(r Request, id string, ev Event, now time.Time, salt [32]byte) (casework.Entry, error) {
	return machine.Seal(r, id, ev, now, salt)
}

// reach starts the clocks.
func (r *Request) reach(at, ack, answer time.Time) {
	if r.Reached.IsZero() {
		r.Reached, r.AckDue, r.AnswerDue, r.ByHand = at, ack, answer, false
		if r.State == Sent {
			r.State = Received
		}
	}
}

func apply(r *Request, e casework.Entry) error {
	switch e.Kind {
	case KindDrafted, KindReceived:
		b, err := casework.Read[Opened](e)
		if err != nil {
			return err
		}
		if (b.Direction == Outgoing) != (e.Kind == KindDrafted) {
			return problem.New(problem.Corrupt, "a request that is %s cannot begin with %q", b.Direction, e.Kind)
		}
		r.ID, r.Direction, r.Name, r.Party, r.Case = e.Case, b.Direction, b.Name, b.Party, b.Case
		r.Requestor, r.Basis, r.Purpose, r.Fields, r.Urgency, r.Condition, r.Terms = b.Requestor, b.Basis, b.Purpose, b.Fields, b.Urgency, b.Condition, b.Terms
		r.Opened, r.State = e.At, Drafted
		if e.Kind == KindReceived {
			r.State = Received
			r.reach(e.At, b.AckDue, b.AnswerDue)
		}
	case KindRequestor, KindWords, KindDoubt:
		if e.Kind == KindDoubt {
			r.Doubts++
		}
	case KindSent:
		b, err := casework.Read[SentOut](e)
		if err != nil {
			return err
		}
		if b.Notice != 0 && b.Notice != r.Notices+1 {
			return problem.New(problem.Corrupt, "notice %d follows notice %d", b.Notice, r.Notices)
		}
		r.State, r.ByHand = Sent, b.Notice == 0
		if b.Notice != 0 {
			r.Notices = b.Notice
		}
		if b.To != "" {
			r.Party.Email = b.To
		}
	case KindDelivered:
		b, err := casework.Read[Arrived](e)
		if err != nil {
			return err
		}
		if r.State == Sent || r.State.waiting() {
			r.reach(e.At, b.AckDue, b.AnswerDue)
		}
	case KindFailed:
		b, err := casework.Read[NotArrived](e)
		if err != nil {
			return err
		}
		if b.Bounced && r.Acked.IsZero() && (r.State == Received || r.State == Silent) {
			// It was never there: its silence counts no more.
			r.State, r.Reached, r.AckDue, r.AnswerDue, r.AckOver, r.AnswerOver = Sent, time.Time{}, time.Time{}, time.Time{}, false, false
		}
		if r.State == Sent {
			r.ByHand = true
		}
	case KindAcked, KindMoreAsked:
		b, err := casework.Read[Replied](e)
		if err != nil {
			return err
		}
		if b.Reached {
			r.reach(e.At, b.AckDue, b.AnswerDue)
		}
		if e.Kind == KindMoreAsked {
			r.Questions++
		}
		if r.Acked.IsZero() {
			r.Acked = e.At
			if !b.AnswerDue.IsZero() {
				r.AnswerDue = b.AnswerDue
			}
		}
		switch {
		case r.State == Silent: // a late word is no decision
		case e.Kind == KindMoreAsked:
			r.State = MoreAsked
		default:
			r.State = Acknowledged
		}
	case KindMoreGiven:
		r.Additions++
		if r.State == MoreAsked {
			r.State = Acknowledged
		}
	case KindMailed:
		r.Mailed++
	case KindDecided:
		b, err := casework.Read[Decision](e)
		if err != nil {
			return err
		}
		if b.Reached {
			r.Reached = e.At
		}
		r.State, r.Given, r.Reasons, r.Data, r.Decided, r.Ended = b.State, b.Given, b.Reasons, b.Data, e.At, e.At
		r.Mailed, r.ByHand = 0, false
	case KindWithdrawn:
		r.State, r.Ended, r.ByHand = Withdrawn, e.At, false
	case KindOver:
		b, err := casework.Read[TimeOver](e)
		if err != nil {
			return err
		}
		if b.Of == Acknowledgement {
			r.AckOver = true
			break
		}
		r.AnswerOver, r.State = true, Silent
	case KindErased:
		if r.Data == nil {
			return problem.New(problem.Corrupt, "nothing was disclosed")
		}
		d := *r.Data
		d.Erased = e.At
		r.Data = &d
	}
	return nil
}
