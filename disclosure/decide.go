package disclosure

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
)

// Limits on a request.
const (
	MaxText   = 8000 // octets of a text that somebody wrote
	MaxShort  = 300  // octets of a name, a role, an address
	MaxFields = 40
	MaxAsks   = 10 // notices, questions and mails, each, of one request
)

// Command is something that somebody or something wants done to a request.
type Command interface {
	decide(r Request, now time.Time) ([]Event, error)
}

// Decide says which events a command causes on a request at a time. It changes
// nothing. A command that the state does not allow gives a Conflict, one that a
// rule forbids gives Refused, a value that is wrong gives Invalid with its field.
func Decide(r Request, cmd Command, now time.Time) ([]Event, error) {
	_, opens := cmd.(Open)
	now, err := machine.Begin(r, opens, now)
	if err != nil {
		return nil, err
	}
	return cmd.decide(r, now)
}

// actor checks a reference to whoever gave a command: "centre", or a kind and an
// id such as "person:7". Names do not belong into a log that outlives them.
func actor(e *problem.Error, by string) *problem.Error {
	kind, id, ok := strings.Cut(by, ":")
	if by != casework.Centre && (!ok || kind == "" || id == "" || len(by) > 200 || strings.ContainsFunc(by, unicode.IsControl)) {
		return e.Add("by", "%.40q is not a reference such as person:7", by)
	}
	return e
}

// person says whether a reference is to a person who acts in person, not to a
// program that acts for one.
func person(by string) bool {
	return strings.HasPrefix(by, "person:") && !strings.Contains(by, "/key:")
}

func written(e *problem.Error, field, s string, must bool) *problem.Error {
	switch {
	case must && strings.TrimSpace(s) == "":
		return e.Add(field, "is missing")
	case len(s) > MaxText:
		return e.Add(field, "is over %d octets", MaxText)
	}
	return e
}

// with adds what somebody wrote to the event it was written with.
func with(ev Event, text string) []Event {
	if strings.TrimSpace(text) == "" {
		return []Event{ev}
	}
	return []Event{ev, {Kind: KindWords, Actor: ev.Actor, Body: Wrote{With: ev.Kind, Text: text}}}
}

// Open begins a request: ours, as a draft, or one that was received.
type Open struct {
	Direction Direction
	By        string // who drafts it, or took it in: "person:…", "form:…", "party:…"
	Name      name.Domain
	// Party is who decides: for a request of ours whoever holds the data.
	Party     party.Party
	Case      string
	Requestor Requestor
	Who       Who
	Basis     LegalBasis
	Purpose   Purpose
	Fields    []string
	Urgency   Urgency
	Condition Condition
	Profile   Profile
}

func (cmd Open) decide(_ Request, now time.Time) ([]Event, error) {
	var e *problem.Error
	if cmd.Direction != Outgoing && cmd.Direction != Incoming {
		e = e.Add("direction", "is neither sent nor received")
	}
	e = actor(e, cmd.By)
	if cmd.Name.IsZero() {
		e = e.Add("name", "is missing")
	}
	if cmd.Party.ID == "" || cmd.Party.Name == "" {
		e = e.Add("party", "is missing: who holds the data?")
	}
	e = requestors.Check(e, "requestor", string(cmd.Requestor))
	e = bases.Check(e, "basis", string(cmd.Basis))
	e = purposes.Check(e, "purpose", string(cmd.Purpose))
	e = written(e, "statement", cmd.Who.Statement, true)
	for _, f := range []struct{ path, v string }{{"person", cmd.Who.Person}, {"organisation", cmd.Who.Organisation}, {"role", cmd.Who.Role}, {"contact", cmd.Who.Contact}} {
		if len(f.v) > MaxShort || strings.ContainsFunc(f.v, unicode.IsControl) {
			e = e.Add(f.path, "is over %d octets or more than a line", MaxShort)
		}
	}
	if cmd.Who.Person == "" && cmd.Who.Organisation == "" {
		e = e.Add("person", "or organisation is needed: who asks?")
	}
	if _, ok := party.Mailbox(cmd.Who.Contact); cmd.Direction == Incoming && cmd.Who.Contact != "" && !ok {
		e = e.Add("contact", "is not a mail address")
	}
	fields := slices.Clone(cmd.Fields)
	slices.Sort(fields)
	fields = slices.Compact(fields)
	switch {
	case len(fields) == 0:
		e = e.Add("fields", "name at least one")
	case len(fields) > MaxFields:
		e = e.Add("fields", "are over %d", MaxFields)
	}
	for _, f := range fields {
		if !slices.Contains(Fields(), f) {
			e = e.Add("fields", "%.60q is not a contact field such as contacts.registrant.email", f)
		}
	}
	switch cmd.Urgency {
	case Ordinary:
		if cmd.Condition != "" {
			e = e.Add("condition", "is for urgent requests")
		}
	case Urgent:
		if !slices.Contains(cmd.Profile.Urgent, cmd.Condition) {
			var codes []string
			for _, c := range cmd.Profile.Urgent {
				codes = append(codes, string(c))
			}
			e = e.Add("condition", "an urgent request under %s needs one of: %s", cmd.Profile.ID, strings.Join(codes, ", "))
		}
	default:
		e = e.Add("urgency", "is neither ordinary nor urgent")
	}
	answer, ok := cmd.Profile.Clock(Answer, cmd.Urgency)
	if !ok && (cmd.Urgency == Ordinary || cmd.Urgency == Urgent) {
		e = e.Add("profile", "%q sets no time for this", cmd.Profile.ID)
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	ack, _ := cmd.Profile.Clock(Acknowledgement, cmd.Urgency)
	terms := Terms{Profile: cmd.Profile.ID, Name: cmd.Profile.Name, Hash: cmd.Profile.Hash(), Ack: ack, Answer: answer, Keep: cmd.Profile.Keep}
	p := cmd.Party
	p.PGPKey = "" // long, and looked up again when it is sent
	body := Opened{Direction: cmd.Direction, Name: cmd.Name.String(), Party: p, Case: cmd.Case, Requestor: cmd.Requestor, Basis: cmd.Basis,
		Purpose: cmd.Purpose, Fields: fields, Urgency: cmd.Urgency, Condition: cmd.Condition, Terms: terms}
	kind := KindDrafted
	if cmd.Direction == Incoming {
		kind = KindReceived
		body.AckDue, body.AnswerDue = terms.due(now)
	}
	return []Event{{Kind: kind, Actor: cmd.By, Body: body}, {Kind: KindRequestor, Actor: cmd.By, Body: cmd.Who}}, nil
}

// due are the due times of a request that arrived at a time and was not
// acknowledged yet.
func (t Terms) due(reached time.Time) (ack, answer time.Time) {
	if t.Ack.Of != "" {
		ack = t.Ack.Due(reached)
	}
	if t.Answer.From == "acknowledgement" {
		return ack, t.Answer.Due(ack)
	}
	return ack, t.Answer.Due(reached)
}

// Send sends a draft, or sends it once more when it did not get there.
type Send struct {
	By string
	// To, if not empty, is another mail address of the party than the known one.
	To string
}

func (cmd Send) decide(r Request, now time.Time) ([]Event, error) {
	var e *problem.Error
	e = actor(e, cmd.By)
	to := cmd.To
	if to != "" {
		if m, ok := party.Mailbox(to); !ok {
			e = e.Add("to", "is not a mail address")
		} else {
			to = m
		}
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	switch {
	case r.Direction != Outgoing:
		return nil, problem.New(problem.Conflict, "request %s was received, not drafted", r.ID)
	case r.State != Drafted && (r.State != Sent || !r.ByHand):
		return nil, problem.New(problem.Conflict, "request %s is %s", r.ID, r.State)
	case r.Notices >= MaxAsks:
		return nil, problem.New(problem.Refused, "request %s was sent %d times: bring it by hand", r.ID, r.Notices)
	case !strings.HasPrefix(cmd.By, "person:"):
		return nil, problem.New(problem.Refused, "no rule and no machine sends a request")
	}
	if to == "" {
		to = r.Party.Email
	}
	if to == "" {
		if r.State == Sent {
			return nil, problem.New(problem.Conflict, "request %s waits for a person to bring it: no mail address is known", r.ID)
		}
		return []Event{{Kind: KindSent, Actor: cmd.By, Body: SentOut{}}}, nil
	}
	return []Event{{Kind: KindSent, Actor: cmd.By, Body: SentOut{Notice: r.Notices + 1, To: to}}}, nil
}

// Ordered says which notice an event orders, and to which address.
func Ordered(ev Event) (notice int, to string, ok bool) {
	b, ok := ev.Body.(SentOut)
	return b.Notice, b.To, ok && b.Notice > 0
}

// Noticed is what became of a notice.
type Noticed struct {
	Notice   int
	Result   casework.Result
	Response string
}

func (cmd Noticed) decide(r Request, now time.Time) ([]Event, error) {
	if r.Direction != Outgoing || cmd.Notice < 1 || cmd.Notice > r.Notices {
		return nil, problem.New(problem.NotFound, "request %s has no notice %d", r.ID, cmd.Notice)
	}
	if len(cmd.Response) > MaxText {
		cmd.Response = strings.ToValidUTF8(cmd.Response[:MaxText], "")
	}
	switch cmd.Result {
	case casework.Accepted:
		ack, answer := r.Terms.due(now)
		return []Event{{Kind: KindDelivered, Actor: casework.Centre, Body: Arrived{Notice: cmd.Notice, AckDue: ack, AnswerDue: answer}}}, nil
	case casework.Doubtful:
		return []Event{{Kind: KindDoubt, Actor: casework.Centre, Body: NotArrived{Notice: cmd.Notice, Response: cmd.Response}}}, nil
	case casework.Undelivered, casework.Bounced:
		return []Event{{Kind: KindFailed, Actor: casework.Centre, Body: NotArrived{Notice: cmd.Notice, Response: cmd.Response, Bounced: cmd.Result == casework.Bounced}}}, nil
	}
	return nil, problem.New(problem.Internal, "%q is not a result of a notice", cmd.Result)
}

// Hand records that a person brought a request to its party in another way: a
// form, a telephone. The clocks start.
type Hand struct{ By, How string }

func (cmd Hand) decide(r Request, now time.Time) ([]Event, error) {
	var e *problem.Error
	e = actor(e, cmd.By)
	if strings.TrimSpace(cmd.How) == "" || len(cmd.How) > MaxShort {
		e = e.Add("how", "is missing or over %d octets", MaxShort)
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if r.Direction != Outgoing || r.State != Sent {
		return nil, problem.New(problem.Conflict, "request %s is %s: there is nothing to hand over", r.ID, r.State)
	}
	ack, answer := r.Terms.due(now)
	return []Event{{Kind: KindDelivered, Actor: cmd.By, Body: Arrived{How: cmd.How, AckDue: ack, AnswerDue: answer}}}, nil
}

// replied is the body of an acknowledgement or a question, which acknowledges.
func replied(r Request, now time.Time) Replied {
	var b Replied
	if r.Reached.IsZero() {
		b.Reached = true
		b.AckDue, b.AnswerDue = r.Terms.due(now)
	}
	if r.Acked.IsZero() && !r.AnswerOver && r.Terms.Answer.From == "acknowledgement" {
		// Who acknowledges late wins no time by that.
		at := now
		if !r.Reached.IsZero() && r.AckDue.Before(at) {
			at = r.AckDue
		}
		b.AnswerDue = r.Terms.Answer.Due(at)
	}
	return b
}

// answerable checks that whoever decides can say something about a request. The
// party's word proves that it has the request, whatever the mail server said.
func answerable(r Request, by string) error {
	if err := actor(nil, by).OrNil(); err != nil {
		return err
	}
	if r.State != Sent && !r.State.waiting() {
		return problem.New(problem.Conflict, "request %s is %s", r.ID, r.State)
	}
	return nil
}

// Acknowledge says that whoever decides has the request.
type Acknowledge struct{ By, Text string }

func (cmd Acknowledge) decide(r Request, now time.Time) ([]Event, error) {
	if err := answerable(r, cmd.By); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, false).OrNil(); err != nil {
		return nil, err
	}
	if !r.Acked.IsZero() {
		return nil, nil // said already
	}
	return with(Event{Kind: KindAcked, Actor: cmd.By, Body: replied(r, now)}, cmd.Text), nil
}

// AskMore says that whoever decides needs to know more. No clock stops: no
// profile that is shipped says it does.
type AskMore struct{ By, Text string }

func (cmd AskMore) decide(r Request, now time.Time) ([]Event, error) {
	if err := answerable(r, cmd.By); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	if r.Questions >= MaxAsks {
		return nil, problem.New(problem.Refused, "there were %d questions about request %s: decide it", r.Questions, r.ID)
	}
	return with(Event{Kind: KindMoreAsked, Actor: cmd.By, Body: replied(r, now)}, cmd.Text), nil
}

// GiveMore is what who asked says to a question, or adds by themselves.
type GiveMore struct{ By, Text string }

func (cmd GiveMore) decide(r Request, _ time.Time) ([]Event, error) {
	if err := actor(written(nil, "text", cmd.Text, true), cmd.By).OrNil(); err != nil {
		return nil, err
	}
	if !r.State.waiting() {
		return nil, problem.New(problem.Conflict, "request %s is %s", r.ID, r.State)
	}
	if r.Additions >= MaxAsks {
		return nil, problem.New(problem.Refused, "request %s was added to %d times", r.ID, r.Additions)
	}
	return with(Event{Kind: KindMoreGiven, Actor: cmd.By, Body: Replied{}}, cmd.Text), nil
}

// Mail says that an answer came by mail whose meaning a person has to tell.
type Mail struct{ ID, Says string }

func (cmd Mail) decide(r Request, _ time.Time) ([]Event, error) {
	if r.State == Drafted || r.Mailed >= MaxAsks {
		return nil, nil // kept, and nothing follows from it
	}
	return []Event{{Kind: KindMailed, Actor: casework.Centre, Body: Mailed{Mail: cmd.ID, Says: cmd.Says}}}, nil
}

// Rule decides a request. Given are the fields that are disclosed: all that
// were asked for, some, or none, which is a refusal; what is not given in full
// needs a reason. A request that was received is decided by a person and by no
// program, key or rule.
type Rule struct {
	By      string
	Given   []string
	Reasons []Reason
	Text    string
	// SHA256 and Bytes are of what is disclosed; empty for a refusal.
	SHA256 string
	Bytes  int64
}

func (cmd Rule) decide(r Request, now time.Time) ([]Event, error) {
	if err := answerable(r, cmd.By); err != nil {
		return nil, err
	}
	if r.Direction == Incoming && !person(cmd.By) {
		return nil, problem.New(problem.Refused, "a person decides what is disclosed, in person")
	}
	var e *problem.Error
	given := slices.Clone(cmd.Given)
	slices.Sort(given)
	given = slices.Compact(given)
	for _, f := range given {
		if !slices.Contains(r.Fields, f) {
			e = e.Add("given", "%.60q was not asked for", f)
		}
	}
	why := slices.Clone(cmd.Reasons)
	slices.Sort(why)
	why = slices.Compact(why)
	for _, w := range why {
		e = reasons.Check(e, "reasons", string(w))
	}
	e = written(e, "text", cmd.Text, false)
	d := Decision{State: PartlyGranted, Given: given, Reasons: why, Reached: r.Reached.IsZero()}
	switch {
	case len(given) == 0:
		d.State = Refused
	case len(given) == len(r.Fields):
		d.State = Granted
	}
	if d.State != Granted && len(why) == 0 {
		e = e.Add("reasons", "are missing for what is not disclosed")
	}
	if d.State == Granted && len(why) > 0 {
		e = e.Add("reasons", "are for what is not disclosed")
	}
	if (len(given) > 0) != (cmd.SHA256 != "") || cmd.SHA256 != "" && len(cmd.SHA256) != 64 {
		e = e.Add("data", "goes with the fields that are given")
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if cmd.SHA256 != "" {
		d.Data = &Data{SHA256: cmd.SHA256, Bytes: cmd.Bytes, Expires: now.Add(time.Duration(r.Terms.Keep))}
	}
	return with(Event{Kind: KindDecided, Actor: cmd.By, Body: d}, cmd.Text), nil
}

// Withdraw takes a request back.
type Withdraw struct{ By, Text string }

func (cmd Withdraw) decide(r Request, _ time.Time) ([]Event, error) {
	if err := actor(written(nil, "text", cmd.Text, false), cmd.By).OrNil(); err != nil {
		return nil, err
	}
	if r.State == Withdrawn {
		return nil, nil
	}
	if !r.State.Open() {
		return nil, problem.New(problem.Conflict, "request %s is %s", r.ID, r.State)
	}
	return with(Event{Kind: KindWithdrawn, Actor: cmd.By, Body: TakenBack{}}, cmd.Text), nil
}

// Tick settles what time has settled: clocks that are over.
type Tick struct{}

func (Tick) decide(r Request, now time.Time) ([]Event, error) {
	if !r.State.waiting() {
		return nil, nil
	}
	var out []Event
	if !r.AckDue.IsZero() && !r.AckDue.After(now) && r.Acked.IsZero() && !r.AckOver {
		out = append(out, Event{Kind: KindOver, Actor: casework.Centre, Body: TimeOver{Of: Acknowledgement, Due: r.AckDue}})
	}
	if !r.AnswerDue.IsZero() && !r.AnswerDue.After(now) && !r.AnswerOver {
		out = append(out, Event{Kind: KindOver, Actor: casework.Centre, Body: TimeOver{Of: Answer, Due: r.AnswerDue}})
	}
	return out, nil
}

// Forget records that the bytes of what was disclosed were erased.
type Forget struct{ By string }

func (cmd Forget) decide(r Request, _ time.Time) ([]Event, error) {
	if err := actor(nil, cmd.By).OrNil(); err != nil {
		return nil, err
	}
	if r.Data == nil || !r.Data.Erased.IsZero() {
		return nil, nil
	}
	return []Event{{Kind: KindErased, Actor: cmd.By, Body: DataErased{SHA256: r.Data.SHA256}}}, nil
}

// Note is a remark of somebody who works on it. Personal.
type Note struct{ By, Text string }

func (cmd Note) decide(_ Request, _ time.Time) ([]Event, error) {
	if err := actor(written(nil, "text", cmd.Text, true), cmd.By).OrNil(); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindWords, Actor: cmd.By, Body: Wrote{Text: cmd.Text}}}, nil
}
