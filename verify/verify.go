// Package verify is affirmative verification: a holder of a registration shows,
// by a code that comes back or by evidence that a person saw, that the contact
// data reaches them.
//
// What is kept of one contact of one registration is its log, as a case is
// (package casework, whose hashed chain it uses): Decide(holder, command, now)
// gives events, Apply(holder, event) the next holder. Limits come from profiles,
// which are data; a holder pins those it is under, and Apply reads none.
//
// The log holds no contact data: values are keyed digests (Revision), codes are
// digests, and of a document there is a salted digest, its type and who holds
// it, never the document. What people write are personal payloads that expire.
package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"bailiwick/casework"
	"bailiwick/problem"
)

// State of the verification of a holder.
type State string

// The states.
const (
	New        State = "new"         // registered; the format is not checked yet
	Moved      State = "transferred" // to this registrar; the format is not checked yet
	Changed    State = "changed"     // the data changed; the format is not checked yet
	Doubted    State = "doubted"     // was verified, and something speaks against it
	Malformed  State = "malformed"   // the format is wrong: there is nothing to verify
	Pending    State = "pending"     // waits for an affirmative answer
	Overdue    State = "overdue"     // the time to answer is over, and nothing is on hold
	Verified   State = "verified"    // by a code that came back
	Manual     State = "manual"      // verified by hand: by evidence that a person saw
	OnHold     State = "hold"        // the registration is on hold
	Terminated State = "terminated"  // the registration was ended, or is gone

	notBegun State = ""
)

// maxWaiting is how many codes of a holder are remembered.
const maxWaiting = 16

// States are all states, in the order of a holder's life.
func States() []State {
	return []State{New, Moved, Changed, Doubted, Malformed, Pending, Overdue, Verified, Manual, OnHold, Terminated}
}

// Done says whether the verification stands.
func (s State) Done() bool { return s == Verified || s == Manual }

// Active says whether the registration works, as far as this is about it: that
// it was neither put on hold nor ended.
func (s State) Active() bool { return s != notBegun && s != OnHold && s != Terminated }

// running says whether a time to answer runs, or would.
func (s State) running() bool {
	return slices.Contains([]State{New, Moved, Changed, Doubted, Malformed, Pending, Overdue}, s)
}

// Contact is a holder's contact data, each value as its revision.
type Contact map[Claim]Revision

// Level says how deep a verification goes (SAC058): V1 the form, V2 that it
// works, V3 whose it is.
type Level string

// The levels.
const (
	V1 Level = "V1"
	V2 Level = "V2"
	V3 Level = "V3"
)

// Result of a verification.
type Result string

// The results.
const (
	Pass         Result = "pass"
	Fail         Result = "fail"
	Inconclusive Result = "inconclusive"
)

// Record is one verification, as DENIC has its members record it for NIS2
// (docs.denic.de, "NIS 2 Implementation"): what was verified, how, on which
// evidence, by whom and when.
type Record struct {
	Ref     string  `json:"ref"`         // "ID#n", n counting the records of a holder
	Subject string  `json:"subject_ref"` // the holder's id
	Claims  []Claim `json:"claims"`
	// Revisions are what the claims said: the record is about no other.
	Revisions Contact  `json:"revisions"`
	Level     Level    `json:"level"`
	Method    Method   `json:"method"`
	Evidence  Evidence `json:"evidence_type,omitempty"`
	// Digest is the salted digest of the document that was seen (DigestOf), and
	// HeldBy a reference to who holds it, such as "registrar:9999". The document
	// itself is nowhere here.
	Digest      string    `json:"evidence_digest,omitempty"`
	HeldBy      string    `json:"evidence_held_by,omitempty"`
	Framework   string    `json:"trust_framework,omitempty"`
	Verifier    string    `json:"verifier_id"`
	Audit       string    `json:"audit_ref,omitempty"`
	Result      Result    `json:"result"`
	PerformedAt time.Time `json:"performed_at"`
	ValidUntil  time.Time `json:"valid_until,omitzero"`
	// Reuses names the record that this one rests on.
	Reuses string `json:"reuses_ref,omitempty"`
	Policy string `json:"policy_id"` // the profile
}

// counts says whether a record is an affirmative answer for a claim that says
// rev, given since a time and good at another. The form alone (V1) never is.
func (r Record) counts(c Claim, rev Revision, since, at time.Time) bool {
	return r.Result == Pass && (r.Level == V2 || r.Level == V3) && rev != "" && slices.Contains(r.Claims, c) && r.Revisions[c] == rev &&
		!r.PerformedAt.Before(since) && (r.ValidUntil.IsZero() || at.Before(r.ValidUntil))
}

// Terms are what a holder is under: a profile, as it was when the time began.
type Terms struct {
	Profile Profile `json:"profile"`
	Hash    string  `json:"hash"`
}

// Caveat is NotForCompliance unless the limits of the time that runs have a
// primary basis.
func (h Holder) Caveat() string { return h.Terms.Profile.Caveat(h.Trigger) }

// Hold is a hold that is on.
type Hold struct {
	Cause    string    `json:"cause"` // NoAnswer, or a Ground
	Statuses []string  `json:"statuses"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	// Until is when its quarantine is over; zero for none.
	Until time.Time `json:"until,omitzero"`
	Over  bool      `json:"over,omitempty"`
}

// Waiting is a code that was issued, as it stands.
type Waiting struct {
	Issued
	At    time.Time `json:"at"`
	Wrong int       `json:"wrong,omitempty"` // attempts with a wrong secret
	Used  bool      `json:"used,omitempty"`
	Void  bool      `json:"void,omitempty"` // its value changed, or it is not needed any more
}

// live says whether a code can still be returned.
func (w Waiting) live(at time.Time, attempts int) bool {
	return !w.Used && !w.Void && w.Wrong < attempts && at.Before(w.Expires)
}

// Holder is the projection of a log: one contact of one registration. It holds
// no personal data but the key-bound digests.
type Holder struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"` // the registered domain, in A-labels
	Role    Role          `json:"role"`
	State   State         `json:"state"`
	Seq     int           `json:"seq"`
	Head    casework.Hash `json:"head"`
	Opened  time.Time     `json:"opened"`
	Last    time.Time     `json:"last"`
	Contact Contact       `json:"contact"`
	// Valid says that the format of the contact was found right.
	Valid bool `json:"valid"`
	// Round counts the times to answer; Trigger began this one.
	Round   int       `json:"round"`
	Trigger Trigger   `json:"trigger"`
	Terms   Terms     `json:"terms"`
	Began   time.Time `json:"began"`
	Due     time.Time `json:"due"`              // of the answer
	HoldAt  time.Time `json:"hold_at,omitzero"` // before this no clock holds
	Late    bool      `json:"late,omitempty"`   // Due passed without the answer
	// Since bounds what counts: after a doubt or a hold only what was verified
	// later.
	Since time.Time `json:"since,omitzero"`
	// Remind is when the next code is sent by the schedule.
	Remind time.Time `json:"remind,omitzero"`
	// Reached is when the side that receives first spoke about a code for what
	// the contact says now: it took it, or sent it back.
	Reached time.Time `json:"reached,omitzero"`
	// Failed are the messages to what the contact says now that nobody took or that
	// came back, FailedAt is the last.
	Failed   int       `json:"failed,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`
	// Disowned is when whoever reads mail at the address said that they know nothing
	// of the name; zero if nobody did, or a person has looked into it.
	Disowned time.Time `json:"disowned,omitzero"`
	// FullFirst and FullLast are when messages to what the contact says now first
	// and last found the mailbox full.
	FullFirst time.Time `json:"full_first,omitzero"`
	FullLast  time.Time `json:"full_last,omitzero"`
	Codes     []Waiting `json:"codes,omitempty"`
	Issued    int       `json:"issued,omitempty"` // codes so far
	// Verified are the affirmative answers that stand.
	Verified map[Claim]Record `json:"verified,omitempty"`
	Records  int              `json:"records,omitempty"`
	Hold     *Hold            `json:"hold,omitempty"`
	Settled  time.Time        `json:"settled,omitzero"` // when it was last verified
	Ended    time.Time        `json:"ended,omitzero"`
	// Unloaded says that an erased payload was skipped.
	Unloaded bool `json:"unloaded,omitempty"`
}

// StaysFull says whether the mailbox was found full again, so long after it was
// first that the address is in doubt (Profile.Full).
func (h Holder) StaysFull() bool {
	l := h.Terms.Profile.Full
	return !l.IsZero() && !h.FullFirst.IsZero() && !h.FullLast.Before(l.From(h.FullFirst))
}

// Unsent are the codes by telephone that nobody has fetched yet to send them: they
// are made when somebody does.
func (h Holder) Unsent(at time.Time) []Waiting {
	return slices.DeleteFunc(slices.Clone(h.Codes), func(w Waiting) bool {
		return w.Claim != Phone || w.Selector != "" || !w.live(at, h.attempts())
	})
}

// rule is the rule of the time that runs.
func (h Holder) rule() Rule { return h.Terms.Profile.Rule(h.Trigger) }

// Holds says whether a clock may put the registration on hold.
func (h Holder) Holds() bool { return h.rule().expiry(h.Role) == ByHold }

// has says whether a claim has an affirmative answer.
func (h Holder) has(c Claim, at time.Time) bool {
	return h.Verified[c].counts(c, h.Contact[c], h.Since, at)
}

// Answered says whether what the rule needs has an affirmative answer that is
// good at a time.
func (h Holder) Answered(at time.Time) bool {
	r := h.rule()
	n := 0
	for _, c := range r.Verify {
		if h.has(c, at) {
			n++
		}
	}
	return n > 0 && (r.Need != "each" || n == len(r.Verify))
}

// standing is the state of a holder whose need is met: Manual where it rests on
// what a person saw.
func (h Holder) standing(at time.Time) State {
	byCode, all := 0, 0
	for _, c := range h.rule().Verify {
		if !h.has(c, at) {
			continue
		}
		all++
		if _, ok := h.Verified[c].Method.code(); ok {
			byCode++
		}
	}
	if byCode == all || byCode > 0 && h.rule().Need == "one" {
		return Verified
	}
	return Manual
}

// holdDue is when a clock puts the registration on hold; zero if none does.
// Silence counts only of somebody who was reached in time, at what they say now,
// and who had the notice that the profile promises: everything else waits for a
// person. Neither a wrong format nor a message that never left holds anybody.
func (h Holder) holdDue() time.Time {
	if h.State != Overdue || h.rule().expiry(h.Role) != ByHold || !h.Valid || h.Reached.IsZero() || h.Reached.After(h.HoldAt) {
		return time.Time{}
	}
	if t := h.Terms.Profile.Notice.From(h.Reached); t.After(h.HoldAt) {
		return t
	}
	return h.HoldAt
}

// ByPerson says that nothing moves any more unless a person acts.
func (h Holder) ByPerson() bool {
	switch h.State {
	case Overdue:
		return h.holdDue().IsZero()
	case OnHold:
		return h.Hold.Over || h.Hold.Cause != NoAnswer
	}
	return false
}

// lapses is when the verification is good no longer; zero for never.
func (h Holder) lapses() time.Time {
	var out time.Time
	for _, r := range h.Verified {
		if t := r.ValidUntil; !t.IsZero() && !h.Answered(t) && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	return out
}

// NextDue is when something is next due on the holder itself; zero for nothing.
func (h Holder) NextDue() time.Time {
	var due time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if h.State.Done() {
		at(h.lapses())
	}
	if h.State.running() && !h.Late {
		at(h.Due)
	}
	if h.sends() {
		at(h.Remind)
	}
	at(h.holdDue())
	if h.State == OnHold && !h.Hold.Over {
		at(h.Hold.Until)
	}
	return due
}

// sends says whether codes can be sent.
func (h Holder) sends() bool {
	return h.Valid && (h.State == Pending || h.State == Overdue || h.State == OnHold)
}

// The kinds of event.
const (
	KindOpened     casework.Kind = "verification opened"
	KindChanged    casework.Kind = "contact changed"
	KindFormatGood casework.Kind = "format passed"
	KindFormatBad  casework.Kind = "format failed"
	KindIssued     casework.Kind = "code issued"
	KindMade       casework.Kind = "code made"
	KindDelivered  casework.Kind = "code delivered"
	KindFailed     casework.Kind = "code not delivered"
	KindInDoubt    casework.Kind = "code in doubt"
	KindWrong      casework.Kind = "wrong code"
	KindReturned   casework.Kind = "code returned"
	KindAttested   casework.Kind = "evidence seen"
	KindReused     casework.Kind = "verified before"
	KindDoubted    casework.Kind = "verification doubted"
	KindOver       casework.Kind = "time to verify over"
	KindHeld       casework.Kind = "put on hold"
	KindReleased   casework.Kind = "hold released"
	KindTerminated casework.Kind = "registration ended"
	KindGone       casework.Kind = "registration gone"
	KindDisowned   casework.Kind = "address disowned"
	KindAllowed    casework.Kind = "address allowed"
	KindOrder      casework.Kind = "order settled"
	KindWords      casework.Kind = "words" // personal: what somebody wrote
)

// Personal says whether payloads of a kind hold personal data, which expires.
func Personal(k casework.Kind) bool { return k == KindWords }

// OrderResult is what became of an order to put a registration on hold, or to
// release it.
type OrderResult string

// The results of an order.
const (
	OrderDone    OrderResult = "done"
	OrderAlready OrderResult = "already" // it was so before
	OrderByHand  OrderResult = "by_hand" // no system did it: it waits for a person
	OrderDropped OrderResult = "dropped" // no longer wanted
	OrderLetGo   OrderResult = "let_go"  // it waited for a person, who let it go to the system
)

// Event is something that happened, before it is sealed into the chain.
type Event = casework.Event

// The bodies. They hold results, never rules: Apply reads no profile but the one
// that the holder pins.
type (
	// Round begins a time to answer.
	Round struct {
		Trigger Trigger   `json:"trigger"`
		Terms   *Terms    `json:"terms,omitempty"` // nil: those that the holder has
		Due     time.Time `json:"due"`
		HoldAt  time.Time `json:"hold_at,omitzero"`
	}
	// Opening begins a log.
	Opening struct {
		Name    string  `json:"name"`
		Role    Role    `json:"role"`
		Contact Contact `json:"contact"`
		Round   Round   `json:"round"`
	}
	// NewContact is what the contact says now. Without a Round a time to answer
	// ran already, and it runs on.
	NewContact struct {
		Contact Contact `json:"contact"`
		Round   *Round  `json:"round,omitempty"`
	}
	// Format is what the checks of the format found.
	Format struct {
		Failures []Failure `json:"failures,omitempty"`
		Remind   time.Time `json:"remind,omitzero"`
	}
	// Failure is one of them.
	Failure struct {
		Claim  Claim  `json:"claim"`
		Reason string `json:"reason"` // a code
	}
	// Issued is a code that is to be sent. It has no selector and no digest before
	// its message leaves (Made).
	Issued struct {
		N        int           `json:"n"`
		Selector string        `json:"selector,omitempty"`
		Digest   casework.Hash `json:"digest,omitzero"`
		Claim    Claim         `json:"claim"`
		Revision Revision      `json:"revision"`
		Method   Method        `json:"method"`
		Expires  time.Time     `json:"expires"`
		// BySchedule: a reminder; Remind is then the next one.
		BySchedule bool      `json:"by_schedule,omitempty"`
		Remind     time.Time `json:"remind,omitzero"`
	}
	// Made is code N as its message carries it, without its secret.
	Made struct {
		N        int           `json:"n"`
		Selector string        `json:"selector"`
		Digest   casework.Hash `json:"digest"`
	}
	// Message says what became of the message with code N.
	Message struct {
		N        int    `json:"n"`
		Response string `json:"response,omitempty"`
		// Bounced says that the message was sent back.
		Bounced bool `json:"bounced,omitempty"`
		// Full says that it was because the mailbox was full.
		Full bool `json:"full,omitempty"`
	}
	// WrongCode is an attempt with a code that exists and a secret that is not
	// its own.
	WrongCode struct {
		N    int `json:"n"`
		Left int `json:"left"` // attempts
	}
	// Returned is an affirmative answer.
	Returned struct {
		N      int    `json:"n"`
		Record Record `json:"record"`
	}
	// Attested is what a person found.
	Attested struct {
		Record Record `json:"record"`
	}
	// Reused are earlier verifications that stand for this one.
	Reused struct {
		Records []Record `json:"records"`
	}
	// InDoubt says why data is in doubt. Where it was verified, a time to answer
	// begins.
	InDoubt struct {
		Cause    Cause    `json:"cause"`
		Claim    Claim    `json:"claim,omitempty"`
		Revision Revision `json:"revision,omitempty"`
		Evidence string   `json:"evidence,omitempty"` // a reference, such as "mail:7"
		Round    *Round   `json:"round,omitempty"`
	}
	// TimeOver says that a time is over.
	TimeOver struct {
		Of  string    `json:"of"` // "answer" or "quarantine"
		Due time.Time `json:"due"`
	}
	// Held puts the registration on hold.
	Held struct {
		Cause    string    `json:"cause"` // NoAnswer, or a Ground
		Statuses []string  `json:"statuses"`
		Until    time.Time `json:"until,omitzero"`
	}
	// Released takes the statuses away again.
	Released struct {
		Statuses []string `json:"statuses"`
	}
	// Ending ends the registration.
	Ending struct {
		Ground Ground `json:"ground"`
	}
	// Gone says that the registration is no more, or is somebody else's to verify.
	Gone struct {
		How Departure `json:"how"`
	}
	// Disowned says that whoever reads mail at the address knows nothing of the name,
	// or, as the body of KindAllowed, that a person has looked into that.
	Disowned struct {
		Revision Revision `json:"revision"`
	}
	// Settled is what became of an order to the registrar's system.
	Settled struct {
		Ref    string      `json:"ref"`   // the order's id
		Order  string      `json:"order"` // "hold", "release" or "terminate"
		Result OrderResult `json:"result"`
	}
	// Wrote is what somebody wrote along with the event of kind With, which
	// stands just before it. Personal.
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

// transitions lists the states that an event may lead to. An edge that is not
// here is refused by Apply, so that a log that breaks the machine does not load.
var transitions = func() map[edge][]State {
	t := map[edge][]State{
		{notBegun, KindOpened}:   {New, Moved},
		{Pending, KindReturned}:  {Pending, Verified, Manual},
		{Overdue, KindReturned}:  {Overdue, Verified, Manual},
		{OnHold, KindReturned}:   {OnHold},
		{Pending, KindReused}:    {Pending, Verified, Manual},
		{Overdue, KindReused}:    {Overdue, Verified, Manual},
		{OnHold, KindReused}:     {OnHold},
		{Pending, KindAttested}:  {Pending, Verified, Manual},
		{Overdue, KindAttested}:  {Overdue, Verified, Manual},
		{Overdue, KindHeld}:      {OnHold},
		{OnHold, KindReleased}:   {Verified, Manual},
		{OnHold, KindOver}:       {OnHold},
		{Overdue, KindChanged}:   {Overdue},
		{OnHold, KindChanged}:    {OnHold},
		{Overdue, KindFormatBad}: {Overdue},
		{OnHold, KindFormatBad}:  {OnHold},
		{Overdue, KindDoubted}:   {Overdue},
		{OnHold, KindDoubted}:    {OnHold},
	}
	for _, s := range States() {
		if s == Terminated {
			continue
		}
		t[edge{s, KindTerminated}] = []State{Terminated}
		t[edge{s, KindGone}] = []State{Terminated}
		t[edge{s, KindHeld}] = []State{OnHold}
		if s == Overdue || s == OnHold {
			t[edge{s, KindFormatGood}] = []State{s}
			continue
		}
		t[edge{s, KindChanged}] = []State{Changed}
		if s.Done() {
			t[edge{s, KindDoubted}] = []State{Doubted}
			continue
		}
		t[edge{s, KindOver}] = []State{Overdue}
		t[edge{s, KindDoubted}] = []State{s}
		if s != Pending {
			t[edge{s, KindFormatGood}] = []State{Pending}
			t[edge{s, KindFormatBad}] = []State{Malformed}
		}
	}
	// What is found before the format is right is kept and decides nothing yet.
	for _, s := range []State{New, Moved, Changed, Doubted, Malformed, Verified, Manual, OnHold} {
		t[edge{s, KindAttested}] = []State{s}
	}
	for _, s := range []State{Changed, Malformed} {
		t[edge{s, KindReturned}] = []State{s}
	}
	return t
}()

// inPlace are the kinds that always leave the state as it is, and where they may
// happen.
var inPlace = map[casework.Kind]func(State) bool{
	KindIssued: func(s State) bool { return s == Pending || s == Overdue || s == OnHold },
	KindMade: func(s State) bool {
		return s == Changed || s == Malformed || s == Pending || s == Overdue || s == OnHold
	},
	KindDelivered: func(s State) bool { return s != notBegun },
	KindFailed:    func(s State) bool { return s != notBegun },
	KindInDoubt:   func(s State) bool { return s != notBegun },
	KindWrong:     func(s State) bool { return s.running() || s == OnHold },
	KindDisowned:  func(s State) bool { return s != notBegun && s != Terminated },
	KindAllowed:   func(s State) bool { return s != notBegun && s != Terminated },
	KindWords:     func(s State) bool { return s != notBegun },
	KindOrder:     func(s State) bool { return s != notBegun },
}

// clone copies what Apply changes in place.
func (h Holder) clone() Holder {
	h.Contact, h.Verified, h.Codes = maps.Clone(h.Contact), maps.Clone(h.Verified), slices.Clone(h.Codes)
	if h.Hold != nil {
		x := *h.Hold
		h.Hold = &x
	}
	return h
}

// machine is the log of a holder.
var machine = casework.Machine[Holder, State]{
	What: "verification",
	Tip: func(h *Holder) casework.Tip[State] {
		return casework.Tip[State]{ID: &h.ID, State: &h.State, Seq: &h.Seq, Head: &h.Head, Last: &h.Last, Unloaded: &h.Unloaded}
	},
	Clone:    Holder.clone,
	Leads:    func(s State, k casework.Kind) []State { return transitions[edge{s, k}] },
	Stays:    func(s State, k casework.Kind) bool { return inPlace[k] != nil && inPlace[k](s) },
	Personal: Personal,
	Apply:    apply,
}

// Apply gives the holder after an event (casework.Machine.Next). It is the only
// way a holder changes.
func Apply(h Holder, e casework.Entry) (Holder, error) { return machine.Next(h, e) }

// Replay rebuilds a holder from its log (casework.Machine.Replay).
func Replay(entries []casework.Entry) (Holder, error) { return machine.Replay(entries) }

// Seal makes the entry of an event that follows a holder. The salt must be
// random.
func Seal(h Holder, id string, ev Event, now time.Time, salt [32]byte) (casework.Entry, error) {
	return machine.Seal(h, id, ev, now, salt)
}

func corrupt(format string, args ...any) error {
	return problem.New(problem.Corrupt, format, args...)
}

// begin starts a time to answer.
func (h *Holder) begin(at time.Time, r Round) error {
	if r.Due.Before(at) || !r.HoldAt.IsZero() && r.HoldAt.Before(r.Due) {
		return corrupt("a time to answer ends before it begins, or a hold comes before it")
	}
	if r.Terms != nil {
		h.Terms = *r.Terms
	}
	h.Round++
	h.Trigger, h.Began, h.Due, h.HoldAt, h.Late = r.Trigger, at, r.Due, r.HoldAt, false
	h.Reached, h.Remind, h.Failed, h.FailedAt, h.FullFirst, h.FullLast = time.Time{}, time.Time{}, 0, time.Time{}, time.Time{}, time.Time{}
	return nil
}

// void takes back the codes that a test picks.
func (h *Holder) void(which func(Waiting) bool) {
	for i := range h.Codes {
		if which(h.Codes[i]) {
			h.Codes[i].Void = true
		}
	}
}

// settle is what follows when the need is met.
func (h *Holder) settle(at time.Time) {
	if !h.Valid || !h.Answered(at) {
		return
	}
	h.Remind = time.Time{}
	if h.State == Pending || h.State == Overdue {
		h.State = h.standing(at)
	}
	if h.State.Done() {
		h.Settled = at
		h.void(func(Waiting) bool { return true })
	}
}

// keep records a verification.
func (h *Holder) keep(at time.Time, r Record) error {
	if r.Subject != h.ID || r.Ref != fmt.Sprintf("%s#%d", h.ID, h.Records+1) || r.PerformedAt.After(at) || len(r.Claims) == 0 {
		return corrupt("a record does not follow record %d, or is dated after its event", h.Records)
	}
	h.Records++
	for _, c := range r.Claims {
		if h.Contact[c] == "" || r.Revisions[c] != h.Contact[c] {
			return corrupt("a record is about another %s than the contact has", c)
		}
		h.put(at, c, r)
	}
	return nil
}

// put lets a record stand for a claim, unless what stands there is as good for
// longer: late news of an old or short verification takes nothing away.
func (h *Holder) put(at time.Time, c Claim, r Record) {
	if !r.counts(c, h.Contact[c], h.Since, at) {
		return
	}
	was, longer := h.Verified[c], false
	if h.has(c, at) && !r.ValidUntil.IsZero() {
		longer = was.ValidUntil.IsZero() || was.ValidUntil.After(r.ValidUntil)
	}
	if longer {
		return
	}
	if h.Verified == nil {
		h.Verified = map[Claim]Record{}
	}
	h.Verified[c] = r
}

// code finds a code by its number.
func (h *Holder) code(n int) (*Waiting, error) {
	for i := range h.Codes {
		if h.Codes[i].N == n {
			return &h.Codes[i], nil
		}
	}
	return nil, corrupt("there is no code %d", n)
}

// selects says whether a selector is one of a code here.
func (h *Holder) selects(selector string) bool {
	return slices.ContainsFunc(h.Codes, func(w Waiting) bool { return w.Selector == selector })
}

func (h *Holder) attempts() int { return h.Terms.Profile.Codes.Attempts }

func apply(h *Holder, e casework.Entry) error {
	switch e.Kind {
	case KindOpened:
		b, err := casework.Read[Opening](e)
		if err != nil {
			return err
		}
		if b.Round.Terms == nil || len(b.Contact) == 0 {
			return corrupt("it begins without terms or contact")
		}
		h.ID, h.Name, h.Role, h.Contact, h.Opened = e.Case, b.Name, b.Role, b.Contact, e.At
		switch b.Round.Trigger {
		case Registered:
			h.State = New
		case Transferred:
			h.State = Moved
		}
		return h.begin(e.At, b.Round)
	case KindChanged:
		b, err := casework.Read[NewContact](e)
		if err != nil {
			return err
		}
		return h.change(e.At, b)
	case KindFormatGood:
		b, err := casework.Read[Format](e)
		if err != nil {
			return err
		}
		h.Valid, h.Remind = true, b.Remind
		if h.State != Overdue && h.State != OnHold {
			h.State = Pending
		}
	case KindFormatBad:
		if _, err := casework.Read[Format](e); err != nil {
			return err
		}
		h.Valid, h.Remind = false, time.Time{}
		if h.State != Overdue && h.State != OnHold {
			h.State = Malformed
		}
	case KindIssued:
		b, err := casework.Read[Issued](e)
		if err != nil {
			return err
		}
		return h.issue(e.At, b)
	case KindMade:
		b, err := casework.Read[Made](e)
		if err != nil {
			return err
		}
		w, err := h.code(b.N)
		if err != nil {
			return err
		}
		if !w.live(e.At, h.attempts()) || b.Selector == "" || h.selects(b.Selector) {
			return corrupt("code %d is not good any more, or its selector was used before", b.N)
		}
		w.Selector, w.Digest = b.Selector, b.Digest
	case KindDelivered, KindFailed, KindInDoubt:
		b, err := casework.Read[Message](e)
		if err != nil {
			return err
		}
		if b.N < 1 || b.N > h.Issued {
			return corrupt("there is no code %d", b.N)
		}
		w, err := h.code(b.N)
		if err != nil { // forgotten: the message is of long ago
			return nil
		}
		switch {
		case e.Kind != KindFailed || w.Revision != h.Contact[w.Claim]: // or of what the contact said before
		case !b.Full:
			h.Failed++
			h.FailedAt = e.At
		case w.Claim == Email:
			// The address is there, and may work tomorrow.
			h.FullLast = e.At
			if h.FullFirst.IsZero() {
				h.FullFirst = e.At
			}
		}
		spoken := e.Kind == KindDelivered || e.Kind == KindFailed && b.Bounced
		if spoken && h.Reached.IsZero() && w.Revision == h.Contact[w.Claim] && !w.At.Before(h.Began) {
			h.Reached = e.At
		}
	case KindWrong:
		b, err := casework.Read[WrongCode](e)
		if err != nil {
			return err
		}
		w, err := h.code(b.N)
		if err != nil {
			return err
		}
		w.Wrong++
	case KindReturned:
		b, err := casework.Read[Returned](e)
		if err != nil {
			return err
		}
		w, err := h.code(b.N)
		if err != nil {
			return err
		}
		r := b.Record
		if !w.live(e.At, h.attempts()) || !slices.Equal(r.Claims, []Claim{w.Claim}) || r.Revisions[w.Claim] != w.Revision || r.Method != w.Method || r.Result != Pass {
			return corrupt("code %d cannot verify this", b.N)
		}
		w.Used = true
		claim := w.Claim
		if claim == Email {
			h.FullFirst, h.FullLast = time.Time{}, time.Time{}
		}
		if err := h.keep(e.At, r); err != nil {
			return err
		}
		h.void(func(o Waiting) bool { return o.Claim == claim })
		h.settle(e.At)
	case KindAttested:
		b, err := casework.Read[Attested](e)
		if err != nil {
			return err
		}
		if _, ok := b.Record.Method.code(); ok || !casework.InPerson(e.Actor) {
			return corrupt("evidence that no person saw")
		}
		if err := h.keep(e.At, b.Record); err != nil {
			return err
		}
		h.settle(e.At)
	case KindReused:
		b, err := casework.Read[Reused](e)
		if err != nil {
			return err
		}
		for _, r := range b.Records {
			own := slices.ContainsFunc(r.Claims, func(c Claim) bool { return h.Verified[c].Ref == r.Reuses })
			if r.Reuses == "" || !own && !h.Since.IsZero() && !r.PerformedAt.After(h.Since) {
				return corrupt("what is verified before names nothing, or was before a doubt or a hold")
			}
			if err := h.keep(e.At, r); err != nil {
				return err
			}
		}
		h.settle(e.At)
	case KindDoubted:
		b, err := casework.Read[InDoubt](e)
		if err != nil {
			return err
		}
		// What was verified before counts no more, not even of the same moment.
		h.Since, h.Verified = e.At, nil
		if h.State.Done() != (b.Round != nil) {
			return corrupt("a doubt begins a time to answer where none runs, and nowhere else")
		}
		if b.Round != nil {
			h.State, h.Valid = Doubted, false
			return h.begin(e.At, *b.Round)
		}
	case KindOver:
		b, err := casework.Read[TimeOver](e)
		if err != nil {
			return err
		}
		if e.At.Before(b.Due) {
			return corrupt("a time is over before it is")
		}
		if h.State == OnHold {
			if b.Of != "quarantine" || b.Due.IsZero() || !b.Due.Equal(h.Hold.Until) || h.Hold.Over {
				return corrupt("no such time runs")
			}
			h.Hold.Over = true
			return nil
		}
		if b.Of != "answer" || !b.Due.Equal(h.Due) || h.Late {
			return corrupt("no such time runs")
		}
		h.State, h.Late = Overdue, true
	case KindHeld:
		b, err := casework.Read[Held](e)
		if err != nil {
			return err
		}
		switch {
		case b.Cause == NoAnswer && h.State != Overdue:
			return corrupt("a hold for no answer, and the time to answer is not over")
		case b.Cause != NoAnswer && !casework.InPerson(e.Actor):
			return corrupt("no person gave the ground of a hold")
		case len(b.Statuses) == 0:
			return corrupt("a hold without a status")
		}
		h.State, h.Since, h.Verified = OnHold, e.At, nil
		h.Hold = &Hold{Cause: b.Cause, Statuses: b.Statuses, At: e.At, By: e.Actor, Until: b.Until}
	case KindReleased:
		if _, err := casework.Read[Released](e); err != nil {
			return err
		}
		// What was verified before the hold is forgotten.
		switch {
		case !h.Valid || !h.Answered(e.At):
			return corrupt("nothing was verified since the hold")
		case h.Hold.Cause != NoAnswer && !casework.InPerson(e.Actor):
			return corrupt("no person released the hold")
		}
		h.State, h.Hold = h.standing(e.At), nil
		h.settle(e.At)
	case KindTerminated:
		if _, err := casework.Read[Ending](e); err != nil {
			return err
		}
		if !casework.InPerson(e.Actor) {
			return corrupt("no person ended the registration")
		}
		h.end(e.At)
	case KindGone:
		b, err := casework.Read[Gone](e)
		if err != nil {
			return err
		}
		if !departures.Has(string(b.How)) {
			return corrupt("a registration is gone in no way that is known")
		}
		h.end(e.At)
	case KindDisowned, KindAllowed:
		b, err := casework.Read[Disowned](e)
		if err != nil {
			return err
		}
		if b.Revision != h.Contact[Email] || b.Revision == "" {
			return corrupt("an address that is not the contact's")
		}
		if h.Disowned = e.At; e.Kind == KindAllowed {
			if !casework.InPerson(e.Actor) {
				return corrupt("no person looked into an address that was disowned")
			}
			h.Disowned = time.Time{}
		}
	}
	return nil
}

// end is what follows when there is nothing to verify any more.
func (h *Holder) end(at time.Time) {
	h.State, h.Ended, h.Remind, h.Disowned = Terminated, at, time.Time{}, time.Time{}
	h.void(func(Waiting) bool { return true })
}

func (h *Holder) change(at time.Time, b NewContact) error {
	if h.State.Done() != (b.Round != nil) || len(b.Contact) == 0 {
		return corrupt("a change begins a time to answer where none runs, and nowhere else")
	}
	moved := func(c Claim) bool { return b.Contact[c] != h.Contact[c] }
	for c := range h.Verified {
		if moved(c) {
			delete(h.Verified, c)
		}
	}
	h.void(func(w Waiting) bool { return moved(w.Claim) })
	if moved(Email) {
		h.FullFirst, h.FullLast, h.Disowned = time.Time{}, time.Time{}, time.Time{}
	}
	if slices.ContainsFunc(h.rule().Verify, moved) {
		h.Reached, h.Failed, h.FailedAt = time.Time{}, 0, time.Time{}
	}
	h.Contact, h.Valid, h.Remind = b.Contact, false, time.Time{}
	if h.State != Overdue && h.State != OnHold {
		h.State = Changed
	}
	if b.Round != nil {
		return h.begin(at, *b.Round)
	}
	return nil
}

func (h *Holder) issue(at time.Time, b Issued) error {
	if b.N != h.Issued+1 || !b.Expires.After(at) || b.Revision == "" || b.Revision != h.Contact[b.Claim] || !h.Valid {
		return corrupt("code %d does not follow code %d, or is for another contact", b.N, h.Issued)
	}
	if c, ok := b.Method.code(); !ok || c != b.Claim {
		return corrupt("code %d goes another way than its claim", b.N)
	}
	h.Issued = b.N
	if b.BySchedule {
		if !b.Remind.IsZero() && !b.Remind.After(h.Remind) {
			return corrupt("a reminder is before the last one")
		}
		h.Remind = b.Remind
	}
	if n := len(h.Codes) + 1 - maxWaiting; n > 0 {
		h.Codes = h.Codes[n:]
	}
	h.Codes = append(h.Codes, Waiting{Issued: b, At: at})
	return nil
}
