package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

// Kind is what kind of thing an event says happened.
type Kind string

// The kinds.
const (
	KindOpened     Kind = "opened"
	KindReport     Kind = "report attached"
	KindReporter   Kind = "reporter" // personal: who reported
	KindWithdrawn  Kind = "report withdrawn"
	KindLooked     Kind = "looked"
	KindConfirmed  Kind = "confirmed"
	KindRejected   Kind = "rejected"
	KindObliged    Kind = "obligation opened"
	KindReminded   Kind = "notice ordered" // a reminder or a chase
	KindDelivered  Kind = "notice accepted"
	KindFailed     Kind = "notice failed"
	KindDoubt      Kind = "notice in doubt"
	KindAnswered   Kind = "answered"
	KindExtended   Kind = "extended"
	KindMissed     Kind = "missed"
	KindClosed     Kind = "closed"
	KindReopened   Kind = "reopened"
	KindNote       Kind = "note" // personal: free text
	KindMerged     Kind = "merged"
	KindAbsorbed   Kind = "absorbed"
	KindUnmerged   Kind = "un-merged"
	KindReleased   Kind = "released"
	KindRedirected Kind = "moved on" // the abuse redirects to another subject
	KindEscalated  Kind = "escalated"
	KindAssigned   Kind = "assigned"
)

// Personal says whether payloads of this kind hold personal data, which
// expires: nothing in the projection comes from them.
func (k Kind) Personal() bool { return k == KindReporter || k == KindNote }

// Event is something that happened, before it is sealed into the chain.
type Event struct {
	Kind     Kind
	Actor    string
	Body     any
	Personal bool
}

// The bodies, one per kind. They hold results, never rules: Apply reads no
// playbook.
type (
	// Opened starts a case.
	Opened struct {
		Subject  party.Subject `json:"subject"`
		Type     abuse.Type    `json:"type"`
		Playbook string        `json:"playbook"`
		Name     string        `json:"playbook_name"`
		Longest  Duration      `json:"longest"`
		NextLook time.Time     `json:"next_look"`
	}
	// ReportAttached adds a report. Look asks for a look now.
	ReportAttached struct {
		Report ReportRef `json:"report"`
		Look   time.Time `json:"look,omitzero"`
	}
	// Reporter is who reported; kept apart because it expires.
	Reporter struct {
		Report   string `json:"report"`
		Org      string `json:"org,omitempty"`
		Contact  string `json:"contact,omitempty"`
		Name     string `json:"name,omitempty"`
		Domain   string `json:"domain,omitempty"`
		Disclose bool   `json:"disclose,omitempty"`
	}
	// ReportWithdrawn takes a report back.
	ReportWithdrawn struct {
		Report string `json:"report"`
	}
	// Looked is one look and its schedule. State is the state after it.
	Looked struct {
		Finding  Finding   `json:"finding"`
		State    State     `json:"state"`
		NextLook time.Time `json:"next_look,omitzero"`
	}
	// Confirmed opens the door for asks.
	Confirmed struct {
		Evidence time.Time `json:"evidence"`
		Class    Class     `json:"class"`
		ByPerson bool      `json:"by_person,omitempty"`
		NextLook time.Time `json:"next_look"`
	}
	// Rejected says a person found the claim untrue.
	Rejected struct {
		Reason string `json:"reason"`
	}
	// Obliged opens an obligation and orders its first notice (unless it
	// cannot be sent).
	Obliged struct {
		Obligation Obligation `json:"obligation"`
		Why        string     `json:"why,omitempty"`
		// Reason is the person's who asked, where it was not the playbook.
		Reason string `json:"reason,omitempty"`
	}
	// Reminded orders another notice. With a Party it is the ask again, to
	// another contact of the same party: the one before did not work.
	Reminded struct {
		Obligation string       `json:"obligation"`
		Notice     int          `json:"notice"` // its number
		Kind       string       `json:"kind"`   // "reminder", "chase", or "ask" with a Party
		Next       time.Time    `json:"next,omitzero"`
		Party      *party.Party `json:"party,omitempty"`
		// Reason is the person's who ordered it, where it was not the schedule.
		Reason string `json:"reason,omitempty"`
	}
	// Delivered says that a receiving server accepted a notice, or that a
	// person handed it over; Proof is then the SHA-256 (hex) of what shows it.
	Delivered struct {
		Obligation string    `json:"obligation"`
		Notice     int       `json:"notice"`
		Response   string    `json:"response,omitempty"`
		Due        time.Time `json:"due,omitzero"`
		Next       time.Time `json:"next,omitzero"`
		Proof      string    `json:"proof,omitempty"`
	}
	// Failed says that no way of delivering a notice is left. Bounced says that
	// a server had accepted it first and a delivery report (RFC 3464) took that
	// back.
	Failed struct {
		Obligation string `json:"obligation"`
		Notice     int    `json:"notice"`
		Response   string `json:"response,omitempty"`
		Bounced    bool   `json:"bounced,omitempty"`
	}
	// InDoubt says that a notice may or may not have been accepted.
	InDoubt struct {
		Obligation string    `json:"obligation"`
		Notice     int       `json:"notice"`
		Response   string    `json:"response,omitempty"`
		Next       time.Time `json:"next,omitzero"`
	}
	// Answered records a party's answer.
	Answered struct {
		Obligation string    `json:"obligation"`
		Answer     string    `json:"answer"`
		Note       string    `json:"note,omitempty"`
		Status     Status    `json:"status"`
		Look       time.Time `json:"look,omitzero"`
		// Received: the answer is the first sign that the party has the ask,
		// so its clock starts here.
		Received bool      `json:"received,omitempty"`
		Due      time.Time `json:"due,omitzero"`
		Next     time.Time `json:"next,omitzero"`
	}
	// Extended moves a due time.
	Extended struct {
		Obligation string    `json:"obligation"`
		Due        time.Time `json:"due"`
		Reason     string    `json:"reason"`
	}
	// MissedTime says a party was not seen to act in time.
	MissedTime struct {
		Obligation string    `json:"obligation"`
		Due        time.Time `json:"due"`
		Next       time.Time `json:"next,omitzero"`
	}
	// ClosedCase is the end, with what was measured.
	ClosedCase struct {
		Outcome  Outcome   `json:"outcome"`
		Actor    Measured  `json:"actor,omitzero"`
		Since    time.Time `json:"since,omitzero"`
		Reason   string    `json:"reason,omitempty"`
		NextLook time.Time `json:"next_look,omitzero"`
	}
	// ReopenedCase says the abuse returned, or a person saw reason.
	ReopenedCase struct {
		Reason   string    `json:"reason"`
		Returned bool      `json:"returned"`
		State    State     `json:"state"`
		NextLook time.Time `json:"next_look"`
	}
	// Note is a person's remark.
	Note struct {
		Text string `json:"text"`
	}
	// MergedInto and the three after it join and part cases.
	MergedInto struct {
		Into string `json:"into"`
	}
	// AbsorbedCase is the other side of MergedInto.
	AbsorbedCase struct {
		From    string      `json:"from"`
		Reports []ReportRef `json:"reports"`
	}
	// UnmergedCase restores a merged case.
	UnmergedCase struct {
		From     string    `json:"from"`
		NextLook time.Time `json:"next_look,omitzero"`
	}
	// ReleasedCase is the other side of UnmergedCase.
	ReleasedCase struct {
		Case string `json:"case"`
	}
	// MovedOn names the subject the abuse redirects to.
	MovedOn struct {
		URL string `json:"url"`
	}
	// Escalated says that a person goes to the next step before an obligation's
	// time is over.
	Escalated struct {
		Obligation string `json:"obligation"`
		Reason     string `json:"reason"`
	}
	// Assigned says who works the case: a reference, "" for nobody.
	Assigned struct {
		To string `json:"to"`
	}
)

// edge is one allowed transition of the state machine: an event of this kind
// in this state.
type edge struct {
	from State
	kind Kind
}

// transitions lists the states an event may lead to. An edge that is not here
// is refused by Apply, so a log that breaks the machine does not load.
var transitions = map[edge][]State{
	{"", KindOpened}: {New},

	{New, KindLooked}:           {Investigating, Unconfirmed},
	{Investigating, KindLooked}: {Investigating, Unconfirmed},
	{Unconfirmed, KindLooked}:   {Unconfirmed},
	{Coordinating, KindLooked}:  {Coordinating},
	{Closed, KindLooked}:        {Closed},

	{Investigating, KindConfirmed}: {Coordinating},
	{Unconfirmed, KindConfirmed}:   {Coordinating},

	{New, KindRejected}:           {Closed},
	{Investigating, KindRejected}: {Closed},
	{Unconfirmed, KindRejected}:   {Closed},

	{New, KindClosed}:           {Closed},
	{Investigating, KindClosed}: {Closed},
	{Unconfirmed, KindClosed}:   {Closed},
	{Coordinating, KindClosed}:  {Closed},

	{Closed, KindReopened}: {Investigating, Unconfirmed},

	{New, KindMerged}:           {Merged},
	{Investigating, KindMerged}: {Merged},
	{Unconfirmed, KindMerged}:   {Merged},
	{Coordinating, KindMerged}:  {Merged},
	{Merged, KindUnmerged}:      {New, Investigating, Unconfirmed, Coordinating},
}

// inPlace are the kinds that leave the state as it is, and where they may
// happen.
var inPlace = map[Kind]func(State) bool{
	KindReport:     func(s State) bool { return s != "" && s != Merged },
	KindReporter:   func(s State) bool { return s != "" },
	KindWithdrawn:  func(s State) bool { return s != "" },
	KindObliged:    func(s State) bool { return s == Coordinating },
	KindReminded:   func(s State) bool { return s == Coordinating },
	KindDelivered:  func(s State) bool { return s != "" && s != New },
	KindFailed:     func(s State) bool { return s != "" && s != New },
	KindDoubt:      func(s State) bool { return s != "" && s != New },
	KindAnswered:   func(s State) bool { return s != "" && s != New },
	KindExtended:   func(s State) bool { return s == Coordinating },
	KindMissed:     func(s State) bool { return s == Coordinating },
	KindNote:       func(s State) bool { return s != "" },
	KindAbsorbed:   func(s State) bool { return s != "" && s != Merged },
	KindReleased:   func(s State) bool { return s != "" },
	KindRedirected: func(s State) bool { return s != "" },
	KindEscalated:  func(s State) bool { return s == Coordinating },
	KindAssigned:   func(s State) bool { return s != "" },
}

// Apply gives the case after an event. It is the only way a case changes. It
// fails on an event the state machine does not allow, on one that does not
// follow the case's head, and on a missing payload of a kind that is never
// erased.
func Apply(c Case, e Entry) (Case, error) {
	next := c.clone(e.Kind)
	if err := advance(&next, e); err != nil {
		return c, err
	}
	return next, nil
}

// advance is Apply in place. After an error c is of no use.
func advance(c *Case, e Entry) error {
	fail := func(format string, args ...any) error {
		return &ChainError{Case: e.Case, Seq: e.Seq, Reason: fmt.Sprintf(format, args...)}
	}
	if e.Seq != c.Seq+1 || e.Prev != c.Head || c.Seq > 0 && e.Case != c.ID {
		return fail("it does not follow event %d of case %s", c.Seq, c.ID)
	}
	ok := inPlace[e.Kind] != nil && inPlace[e.Kind](c.State)
	allowed := transitions[edge{c.State, e.Kind}]
	if !ok && allowed == nil {
		return fail("%q cannot happen in state %q", e.Kind, c.State)
	}
	before := c.State
	c.Seq, c.Head, c.Last = e.Seq, e.Hash, e.At
	if e.Payload == nil {
		if !e.Kind.Personal() {
			return fail("the payload of %q is missing", e.Kind)
		}
		c.Unloaded = true
		return nil
	}
	if err := apply(c, e); err != nil {
		return fail("%v", err)
	}
	switch {
	case allowed != nil && !slices.Contains(allowed, c.State):
		return fail("%q in state %q cannot lead to %q", e.Kind, before, c.State)
	case allowed == nil && c.State != before:
		return fail("%q does not change the state", e.Kind)
	}
	return nil
}

func read[T any](e Entry) (T, error) {
	var v T
	err := json.Unmarshal(e.Payload.Body, &v)
	return v, err
}

func apply(c *Case, e Entry) error {
	switch e.Kind {
	case KindOpened:
		b, err := read[Opened](e)
		if err != nil {
			return err
		}
		c.ID, c.Subject, c.Type, c.Playbook, c.Longest = e.Case, b.Subject, b.Type, b.Playbook, b.Longest
		c.State, c.Class, c.Opened, c.Began, c.NextLook, c.Round = New, Unknown, e.At, e.At, b.NextLook, 1
	case KindReport:
		b, err := read[ReportAttached](e)
		if err != nil {
			return err
		}
		c.Reports = insertRef(c.Reports, b.Report)
		if !b.Look.IsZero() && (c.NextLook.IsZero() || b.Look.Before(c.NextLook)) {
			c.NextLook = b.Look
		}
	case KindReporter, KindNote, KindRedirected:
		// Nothing of these is in the projection.
	case KindWithdrawn:
		b, err := read[ReportWithdrawn](e)
		if err != nil {
			return err
		}
		for i := range c.Reports {
			if c.Reports[i].ID == b.Report {
				c.Reports[i].Gone = true
			}
		}
	case KindLooked:
		b, err := read[Looked](e)
		if err != nil {
			return err
		}
		applyLook(c, b)
	case KindConfirmed:
		b, err := read[Confirmed](e)
		if err != nil {
			return err
		}
		c.State, c.Class, c.NextLook = Coordinating, b.Class, b.NextLook
		c.Confirmation = &Confirmation{By: e.Actor, At: e.At, Evidence: b.Evidence}
		if b.ByPerson {
			c.ClassBy = e.Actor
		}
		if c.Base == nil {
			c.Base = c.Look
		}
		// Whoever confirms says that it is there: an absence counts from now.
		c.GoneSince, c.GoneLooks = time.Time{}, 0
	case KindRejected:
		if _, err := read[Rejected](e); err != nil {
			return err
		}
		if strings.HasPrefix(e.Actor, "person:") {
			// Should a look see the claim again, no rule overrules the person.
			c.Class, c.ClassBy = Innocent, e.Actor
		}
		end(c, e.At, NotConfirmed, Measured{})
	case KindObliged:
		b, err := read[Obliged](e)
		if err != nil {
			return err
		}
		if _, twice := c.Obligation(b.Obligation.ID); twice || b.Obligation.Round != c.Round {
			return problem.New(problem.Corrupt, "obligation %q is there already, or not of round %d", b.Obligation.ID, c.Round)
		}
		c.Obligations = append(c.Obligations, b.Obligation)
	case KindReminded:
		b, err := read[Reminded](e)
		if err != nil {
			return err
		}
		if o, ok := c.Obligation(b.Obligation); ok && b.Notice != o.Notices+1 {
			return problem.New(problem.Corrupt, "notice %d of %s follows notice %d", b.Notice, o.ID, o.Notices)
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			o.Notices, o.NextNotice, o.LastNotice = b.Notice, b.Next, e.At
			if b.Party != nil && o.Status == Unreachable {
				o.Party, o.Status = *b.Party, Pending
			}
		})
	case KindDelivered:
		b, err := read[Delivered](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			c.reach(o, e.At, b.Due, b.Next)
			if b.Proof != "" {
				o.Proof = b.Proof
			}
		})
	case KindFailed:
		b, err := read[Failed](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			switch {
			case o.Status == Pending:
				o.Status, o.NextNotice, o.Failed = Unreachable, time.Time{}, e.At
			case b.Bounced && o.Answer == "" && (o.Status == Running || o.Status == Missed || o.Status == Informed):
				// It was never there: its silence counts no more.
				o.Status, o.Delivered, o.Due, o.NextNotice, o.Failed = Unreachable, time.Time{}, time.Time{}, time.Time{}, e.At
			}
		})
	case KindDoubt:
		b, err := read[InDoubt](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			o.Doubts++
			if o.Delivered.IsZero() {
				o.NextNotice = b.Next
			}
		})
	case KindAnswered:
		b, err := read[Answered](e)
		if err != nil {
			return err
		}
		if !b.Look.IsZero() && (c.NextLook.IsZero() || b.Look.Before(c.NextLook)) {
			c.NextLook = b.Look
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			if said := o.Answer; said == "" || b.Answer != "received" && b.Answer != "need_more" || said == "received" || said == "need_more" {
				o.Answer, o.AnswerAt = b.Answer, e.At // an acknowledgement takes no answer back
			}
			if b.Received {
				c.reach(o, e.At, b.Due, b.Next)
			}
			if b.Status != "" && o.Status != Met && o.Status != Moot {
				o.Status = b.Status
				if !b.Status.live() {
					o.NextNotice = time.Time{}
				}
			}
		})
	case KindExtended:
		b, err := read[Extended](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) {
			o.Due = b.Due
			if o.Status == Missed {
				o.Status = Running
			}
		})
	case KindEscalated:
		b, err := read[Escalated](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) { o.Escalated = e.At })
	case KindAssigned:
		b, err := read[Assigned](e)
		if err != nil {
			return err
		}
		c.Assignee = b.To
	case KindMissed:
		b, err := read[MissedTime](e)
		if err != nil {
			return err
		}
		return edit(c, b.Obligation, func(o *Obligation) { o.Status, o.NextNotice = Missed, b.Next })
	case KindClosed:
		b, err := read[ClosedCase](e)
		if err != nil {
			return err
		}
		if !b.Since.IsZero() {
			c.GoneSince = b.Since
		}
		end(c, e.At, b.Outcome, b.Actor)
		c.NextLook = b.NextLook
	case KindReopened:
		b, err := read[ReopenedCase](e)
		if err != nil {
			return err
		}
		c.State, c.NextLook, c.Closed, c.Began = b.State, b.NextLook, time.Time{}, e.At
		c.Round++
		c.Confirmation, c.Actor = nil, Measured{}
		c.Base, c.GoneSince, c.GoneLooks, c.Quiet = nil, time.Time{}, 0, 0
		c.Outcome = ""
		if b.Returned {
			c.Returns++
			c.Outcome = BackUp
		}
		if b.State == Unconfirmed { // the latest look saw it
			c.Base = c.Look
		}
	case KindMerged:
		b, err := read[MergedInto](e)
		if err != nil {
			return err
		}
		c.Before, c.State, c.MergedInto = c.State, Merged, b.Into
	case KindAbsorbed:
		b, err := read[AbsorbedCase](e)
		if err != nil {
			return err
		}
		if c.Absorbed == nil {
			c.Absorbed = map[string][]ReportRef{}
		}
		c.Absorbed[b.From] = b.Reports
	case KindUnmerged:
		b, err := read[UnmergedCase](e)
		if err != nil {
			return err
		}
		c.State, c.Before, c.MergedInto = c.Before, "", ""
		if !b.NextLook.IsZero() {
			c.NextLook = b.NextLook
		}
	case KindReleased:
		b, err := read[ReleasedCase](e)
		if err != nil {
			return err
		}
		delete(c.Absorbed, b.Case)
		if len(c.Absorbed) == 0 {
			c.Absorbed = nil
		}
	default:
		return problem.New(problem.Corrupt, "unknown kind %q", e.Kind)
	}
	return nil
}

func applyLook(c *Case, b Looked) {
	f := b.Finding
	c.Looks++
	c.Look, c.NextLook, c.State = &f, b.NextLook, b.State
	m := f.Measured
	switch {
	case f.Claimed:
		c.SeenLast, c.Quiet = f.At, 0
		if c.Base == nil {
			c.Base = &f
		}
		if c.ClassBy == "" && f.Class != "" {
			c.Class, c.Reasons = f.Class, f.Reasons
		}
	default:
		c.Quiet++
		if c.ClassBy == "" && c.Base == nil && f.Class != "" {
			c.Class, c.Reasons = f.Class, f.Reasons
		}
	}
	if c.State == Closed {
		return
	}
	switch {
	case f.absent() || unseen(*c, f):
		if c.GoneLooks == 0 {
			c.GoneSince = f.At
		}
		c.GoneLooks++
	case !f.Claimed && (m == nil && c.Base != nil || m != nil && m.Inconclusive):
		// Inconclusive looks neither end nor prolong an absence.
	default:
		c.GoneSince, c.GoneLooks = time.Time{}, 0
	}
	// An open case shows how it stands: cloaked, or back up after a return.
	switch {
	case m != nil && m.Outcome == Cloaked:
		c.Outcome = Cloaked
	case f.Claimed && c.Returns > 0:
		c.Outcome = BackUp
	case f.Claimed:
		c.Outcome = ""
	}
}

// unseen says whether a look at a claim that no look of this round has shown
// finds nothing there any more: there is no earlier sight to measure against.
func unseen(c Case, f Finding) bool {
	return c.Base == nil && !f.Claimed && f.Measured == nil && f.Idle == DownBeforeAsked
}

// reach marks that the party has the ask, by the first accepted notice or by
// its own answer: its clock starts, unless the round is over.
func (c *Case) reach(o *Obligation, at, due, next time.Time) {
	if !o.Delivered.IsZero() {
		return
	}
	o.Delivered = at
	if !c.waits(*o) {
		return
	}
	o.Status, o.Due, o.NextNotice = Informed, due, next
	if o.Action.Asks() {
		o.Status = Running
	}
}

// end closes a case and settles its obligations.
func end(c *Case, at time.Time, o Outcome, actor Measured) {
	c.State, c.Closed, c.Outcome, c.Actor, c.NextLook = Closed, at, o, actor, time.Time{}
	for i := range c.Obligations {
		ob := &c.Obligations[i]
		if ob.Round != c.Round || !ob.Status.live() {
			continue
		}
		ob.NextNotice = time.Time{}
		if actor.ActorID != "" && ob.Party.ID == actor.ActorID && !ob.Delivered.IsZero() {
			ob.Status = Met
		} else {
			ob.Status = Moot
		}
	}
}

func edit(c *Case, id string, f func(*Obligation)) error {
	for i := range c.Obligations {
		if c.Obligations[i].ID == id {
			f(&c.Obligations[i])
			return nil
		}
	}
	return problem.New(problem.Corrupt, "there is no obligation %q", id)
}

// insertRef keeps the list in order of (received, id), so that the order in
// which independent reports are attached does not matter.
func insertRef(rs []ReportRef, r ReportRef) []ReportRef {
	i := sort.Search(len(rs), func(i int) bool { return !lessRef(rs[i], r) })
	rs = append(rs, ReportRef{})
	copy(rs[i+1:], rs[i:])
	rs[i] = r
	return rs
}
