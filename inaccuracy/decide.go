package inaccuracy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Limits on a case.
const (
	MaxText     = 8000 // octets of a text that somebody wrote
	MaxShort    = 300  // octets of a way, an address
	MaxFindings = 200
	MaxValue    = 1000 // octets of one value that is kept
	MaxAsks     = 8    // notices of one round, and mails that are counted
	MaxRounds   = 20
)

// Times of ours. They bind nobody.
const (
	// Fresh is how old the look at the data may be that an ask rests on.
	Fresh = 24 * time.Hour
	// recheckAfter is how long after an answer the data is looked at again: until
	// then what was changed may not be published; and once more a day later.
	recheckAfter, recheckAgain = time.Hour, 24 * time.Hour
	// DefaultFollowUp is how long we wait where no duty has a time.
	DefaultFollowUp = casework.Duration(15 * 24 * time.Hour)
	maxFollowUp     = casework.Duration(365 * 24 * time.Hour)
)

// Command is something that somebody or something wants done to a case.
type Command interface {
	decide(c Case, now time.Time) ([]Event, error)
}

// Decide says which events a command causes on a case at a time. It changes
// nothing. A command that the state does not allow gives a Conflict, one that a
// rule forbids gives Refused, a value that is wrong gives Invalid with its field.
func Decide(c Case, cmd Command, now time.Time) ([]Event, error) {
	_, opens := cmd.(Open)
	now, err := machine.Begin(c, opens, now)
	if err != nil {
		return nil, err
	}
	switch cmd.(type) {
	case Open, Reopen, Noticed, Mail, Tick: // the last three say nothing of a closed case
	default:
		if c.State == Closed {
			return nil, problem.New(problem.Conflict, "inaccuracy case %s is closed: reopen it first", c.ID)
		}
	}
	return cmd.decide(c, now)
}

func actor(e *problem.Error, by string) *problem.Error {
	if by != casework.Centre && !casework.Reference(by) {
		return e.Add("by", "%.40q is not a reference such as person:7", by)
	}
	return e
}

// inPerson checks that a person acts, in person.
func inPerson(by, what string) error {
	if err := actor(nil, by).OrNil(); err != nil {
		return err
	}
	if !casework.InPerson(by) {
		return problem.New(problem.Refused, "a person %s, in person", what)
	}
	return nil
}

func written(e *problem.Error, field, s string, must bool) *problem.Error {
	switch {
	case must && strings.TrimSpace(s) == "":
		return e.Add(field, "is missing")
	case len(s) > MaxText:
		return e.Add(field, "is over %d octets", MaxText)
	case !utf8.ValidString(s):
		return e.Add(field, "is no text")
	}
	return e
}

// wrote is what somebody wrote with an event; nothing where they wrote nothing.
func wrote(by string, with casework.Kind, text string) []Event {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return []Event{{Kind: KindWords, Actor: by, Body: Wrote{With: with, Text: text}}}
}

// Grounds are what a case rests on: an assessment that fails, and what the fields
// said.
type Grounds struct {
	Profile    policy.Profile
	Assessment policy.Assessment
	// Version is the registration's number where it is kept, Observed when it was
	// answered.
	Version  int
	Observed time.Time
	// Record is what was assessed, for the values of the fields that fail.
	Record registration.Record
	// Salt makes the digests of the values. It must be random.
	Salt [32]byte
}

// findings are the failures of an assessment, one for each check on each field,
// with all rules under which it is one. What warns or cannot be tested is not
// among them. seen is what each check saw.
func findings(a policy.Assessment, observed time.Time, digest func(path string) string) (out []Finding, seen map[string]string, more int) {
	at := map[string]int{}
	seen = map[string]string{}
	for _, c := range a.Contacts {
		for _, f := range c.Fields {
			for _, x := range f.Findings {
				if x.Result != accuracy.Fail || x.Verdict.Result != accuracy.Fail {
					continue
				}
				v := x.Verdict
				r := Rule{ID: x.Rule, Clause: x.Clause, Basis: x.Basis, Caveat: x.Basis.Caveat()}
				key := v.Path + ": " + v.Check
				if i, ok := at[key]; ok {
					if !slices.Contains(out[i].Rules, r) {
						out[i].Rules = append(out[i].Rules, r)
					}
					continue
				}
				if len(out) == MaxFindings {
					more++
					continue
				}
				at[key] = len(out)
				when := observed
				if !v.At.IsZero() && v.At.Before(when) {
					when = v.At
				}
				out = append(out, Finding{Path: v.Path, Check: v.Check, Level: v.Level, Reason: v.Reason, Detail: v.Detail, Rules: []Rule{r}, Result: accuracy.Fail,
					OfProxy: v.OfProxy, Digest: digest(v.Path), Observed: when})
				if v.Evidence != "" {
					seen[key] = cut(v.Evidence)
				}
			}
		}
	}
	return out, seen, more
}

// cut keeps the beginning of a value.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) > MaxValue {
		s = strings.ToValidUTF8(s[:MaxValue], "")
	}
	return s
}

// duties are what an assessment proposes, with what no proposal may do taken out
// whatever the profile says.
func duties(a policy.Assessment, fs []Finding) []Duty {
	var out []Duty
	add := func(p policy.Proposal, binding bool) {
		d := Duty{Proposal: p, Binding: binding && p.Basis == policy.Primary && (a.Status == policy.InForce || a.Status == policy.Own)}
		if d.Caveat == "" && !d.Binding {
			d.Caveat = policy.NotForCompliance
		}
		if d.suspends() && !deep(d, fs) {
			if d.Action.Suspends() {
				return
			}
			d.OnlyForm, d.Quarantine = true, policy.Term{}
			if d.OnExpiry.Suspends() {
				d.OnExpiry = ""
			}
			if d.Final.Suspends() {
				d.Final = ""
			}
		}
		if len(out) < MaxFindings {
			out = append(out, d)
		}
	}
	for _, p := range a.Duties {
		add(p, true)
	}
	for _, p := range a.Withheld {
		add(p, false)
	}
	return out
}

// basis makes what a round rests on, and the values beside it.
func (g Grounds) basis(now time.Time) (Basis, Values, error) {
	a := g.Assessment
	var e *problem.Error
	if a.Profile == "" || a.Profile != g.Profile.ID || a.Hash != g.Profile.Hash() {
		e = e.Add("profile", "is not the one of the assessment")
	}
	if a.State != registration.Registered {
		e = e.Add("name", "is not registered, as far as is known")
	}
	if g.Observed.IsZero() || g.Observed.After(now) {
		e = e.Add("observed", "is missing, or in the future")
	}
	if g.Salt == ([32]byte{}) {
		e = e.Add("salt", "is missing")
	}
	if err := e.OrNil(); err != nil {
		return Basis{}, Values{}, err
	}
	v := Values{Salt: hex.EncodeToString(g.Salt[:]), Fields: map[string]string{}}
	b := Basis{Checked: g.Observed.UTC().Truncate(time.Microsecond), Version: g.Version}
	b.Findings, v.Seen, b.More = findings(a, b.Checked, func(path string) string {
		s := g.Record.Value(path)
		if s == "" {
			return ""
		}
		v.Fields[path] = cut(s)
		h := sha256.New()
		h.Write(g.Salt[:])
		h.Write([]byte(s))
		return hex.EncodeToString(h.Sum(nil))
	})
	if len(b.Findings) == 0 {
		return b, v, problem.New(problem.Conflict, "no check of %s fails: a warning, and what cannot be tested, is no ground for asking anybody", g.Profile.ID)
	}
	b.Duties = duties(a, b.Findings)
	return b, v, nil
}

// CopyToRegistry says whether a profile has the registry told of what follows
// from a finding.
func CopyToRegistry(p policy.Profile) bool {
	for _, r := range p.Rules {
		for _, d := range r.Duties {
			if slices.Contains(d.Triggers, policy.OnFinding) && slices.ContainsFunc(d.Notices, func(n policy.Notice) bool { return slices.Contains(n.To, "registry") }) {
				return true
			}
		}
	}
	return false
}

// Open begins a case. It asks nobody.
type Open struct {
	By   string
	Name name.Domain
	// Party is who is asked: the registrar, or the registry where there is none.
	Party party.Party
	// Copy is the registry, where it is to be told (CopyToRegistry).
	Copy *party.Party
	GTLD bool
	Grounds
	// FollowUp is how long we wait where no duty has a time; 0 is DefaultFollowUp.
	FollowUp casework.Duration
}

func (cmd Open) decide(_ Case, now time.Time) ([]Event, error) {
	var e *problem.Error
	e = actor(e, cmd.By)
	if cmd.Name.IsZero() {
		e = e.Add("name", "is missing")
	}
	if cmd.Party.ID == "" || cmd.Party.Name == "" {
		e = e.Add("party", "is missing: who is asked?")
	}
	if cmd.FollowUp < 0 || cmd.FollowUp > maxFollowUp {
		e = e.Add("follow_up", "is not up to a year")
	}
	if cmd.FollowUp == 0 {
		cmd.FollowUp = DefaultFollowUp
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	b, v, err := cmd.basis(now)
	if err != nil {
		return nil, err
	}
	p := cmd.Profile
	body := Opening{Name: cmd.Name.String(), Party: bare(cmd.Party), GTLD: cmd.GTLD, Basis: b,
		Terms: Terms{Profile: p.ID, Title: p.Title, Hash: p.Hash(), Status: p.Status, FollowUp: cmd.FollowUp}}
	if cmd.Copy != nil && cmd.Copy.ID != "" && cmd.Copy.ID != cmd.Party.ID {
		c := bare(*cmd.Copy)
		body.Copy = &c
	}
	return []Event{{Kind: KindOpened, Actor: cmd.By, Body: body}, {Kind: KindValues, Actor: cmd.By, Body: v}}, nil
}

// bare leaves out what is looked up again when something is sent.
func bare(p party.Party) party.Party { p.PGPKey = ""; return p }

// Send has the party asked, once more if it was before. Only a person does that,
// and only on a look at the data that is under a day old: a correction of
// yesterday is not asked for.
type Send struct {
	By string
	// To, if not empty, is another mail address of the party than the known one.
	To string
}

func (cmd Send) decide(c Case, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "asks"); err != nil {
		return nil, err
	}
	to := c.Party.Email
	if cmd.To != "" {
		m, ok := party.Mailbox(cmd.To)
		if !ok {
			return nil, problem.BadField("to", "is not a mail address")
		}
		to = m
	}
	asks := 0
	for _, o := range c.Orders {
		if !o.Copy {
			asks++
		}
	}
	switch {
	case c.State == Corrected:
		return nil, problem.New(problem.Conflict, "the same checks pass now: there is nothing to ask")
	case c.State == Answered:
		return nil, problem.New(problem.Conflict, "they answered: check the data again first")
	case c.Recheck != nil && c.Recheck.Result != Fails:
		return nil, problem.New(problem.Conflict, "the last look did not see the checks fail (%s): there is nothing to ask", c.Recheck.Result)
	case now.Sub(c.Checked) > Fresh:
		return nil, problem.New(problem.Refused, "the data was last looked at %s: check it again before anybody is asked", c.Checked.Format("2006-01-02 15:04 UTC"))
	case c.State == Sent && !c.ByHand:
		return nil, problem.New(problem.Conflict, "a notice is on its way")
	case asks >= MaxAsks:
		return nil, problem.New(problem.Refused, "they were asked %d times: bring it another way, or close the case", asks)
	}
	if to == "" {
		if c.ByHand || !c.Known.IsZero() {
			return nil, problem.New(problem.Conflict, "no mail address is known: a person has to bring it")
		}
		return []Event{{Kind: KindSent, Actor: cmd.By, Body: SentOut{ByHand: true}}}, nil
	}
	out := SentOut{Orders: []Order{{N: c.Notices() + 1, To: to}}}
	if c.Copy != nil && c.Copy.Email != "" && !slices.ContainsFunc(c.Orders, func(o Order) bool { return o.Copy }) {
		out.Orders = append(out.Orders, Order{N: c.Notices() + 2, To: c.Copy.Email, Copy: true})
	}
	return []Event{{Kind: KindSent, Actor: cmd.By, Body: out}}, nil
}

// Ordered are the notices that an event orders.
func Ordered(ev Event) []Order {
	b, _ := ev.Body.(SentOut)
	return b.Orders
}

// clock is what runs from documented knowledge.
func (c Case) clock(known time.Time, how string) *Clock {
	k := &Clock{Known: known, How: how, Dues: make([]time.Time, len(c.Duties))}
	mine := policy.ByRegistrar
	if c.Party.Role == party.Registry {
		mine = policy.ByRegistry
	}
	for i, d := range c.Duties {
		if !d.Binding || d.Actor != mine || d.Within.IsZero() {
			continue
		}
		k.Dues[i] = d.Proposal.Due(known)
		if k.Due.IsZero() || k.Dues[i].Before(k.Due) {
			k.Due = k.Dues[i]
		}
	}
	if k.Due.IsZero() {
		k.FollowUp = known.Add(time.Duration(c.Terms.FollowUp))
	}
	return k
}

// What documents that they know.
const (
	byServer = "a server took the ask"
	byAnswer = "they answered"
)

// Noticed is what became of a notice.
type Noticed struct {
	N        int
	Result   casework.Result
	Response string
}

func (cmd Noticed) decide(c Case, now time.Time) ([]Event, error) {
	if cmd.N < 1 || cmd.N > c.Notices() {
		return nil, problem.New(problem.NotFound, "inaccuracy case %s has no notice %d", c.ID, cmd.N)
	}
	if c.State == Closed || cmd.N <= c.Earlier { // it is in the delivery log, and nothing follows
		return nil, nil
	}
	o := c.Orders[cmd.N-1-c.Earlier]
	b := Message{N: cmd.N, Response: cut(cmd.Response)}
	switch cmd.Result {
	case casework.Accepted:
		if !o.Copy && c.Known.IsZero() {
			b.Clock = c.clock(now, byServer)
		}
		return []Event{{Kind: KindDelivered, Actor: casework.Centre, Body: b}}, nil
	case casework.Doubtful:
		return []Event{{Kind: KindDoubt, Actor: casework.Centre, Body: b}}, nil
	case casework.Undelivered, casework.Bounced:
		b.Bounced = cmd.Result == casework.Bounced
		if !o.Copy && !o.Taken.IsZero() && c.KnownHow == byServer && c.Known.Equal(o.Taken) && c.Answer == nothing && c.Acked.IsZero() {
			// It was never there. What documents it now is the next that was taken.
			b.Clock = &Clock{}
			for _, x := range c.Orders {
				if x.N != o.N && !x.Copy && !x.Taken.IsZero() && (b.Clock.Known.IsZero() || x.Taken.Before(b.Clock.Known)) {
					b.Clock = c.clock(x.Taken, byServer)
				}
			}
		}
		return []Event{{Kind: KindFailed, Actor: casework.Centre, Body: b}}, nil
	}
	return nil, problem.New(problem.Internal, "%q is not a result of a notice", cmd.Result)
}

// Hand records that a person brought it to the party in another way: a form, a
// telephone. That documents that they know.
type Hand struct{ By, How string }

func (cmd Hand) decide(c Case, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "brings it"); err != nil {
		return nil, err
	}
	how := strings.TrimSpace(cmd.How)
	if how == "" || len(how) > MaxShort || !utf8.ValidString(how) || strings.ContainsFunc(how, unicode.IsControl) {
		return nil, problem.BadField("how", "is missing, over %d octets, or more than a line", MaxShort)
	}
	if c.State != Sent {
		return nil, problem.New(problem.Conflict, "inaccuracy case %s is %s: there is nothing to bring", c.ID, c.State)
	}
	return []Event{{Kind: KindDelivered, Actor: cmd.By, Body: Message{How: how, Clock: c.clock(now, "by hand: "+how)}}}, nil
}

// Answer is what the party says. Their word documents that they know, whatever a
// mail server said; it corrects nothing: that is for Recheck.
type Answer struct {
	By   string // "party:ID", or the person who records it
	Said Said
	Text string
}

func (cmd Answer) decide(c Case, now time.Time) ([]Event, error) {
	e := actor(nil, cmd.By)
	e = answers.Check(e, "answer", string(cmd.Said))
	e = written(e, "text", cmd.Text, cmd.Said == SaidNo)
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	if c.State == Found {
		return nil, problem.New(problem.Conflict, "nobody was asked yet")
	}
	if cmd.Said == Received && !c.Acked.IsZero() && strings.TrimSpace(cmd.Text) == "" {
		return nil, nil // said already
	}
	if c.Replies >= MaxAsks && !casework.InPerson(cmd.By) {
		return nil, problem.New(problem.Refused, "%d answers were recorded: a person reads them now", c.Replies)
	}
	b := Reply{Answer: cmd.Said}
	if c.Known.IsZero() {
		b.Clock = c.clock(now, byAnswer)
	}
	if cmd.Said == SaidCorrect || cmd.Said == SaidHeld || cmd.Said == SaidRight {
		b.RecheckAt = now.Add(recheckAfter)
	}
	return append([]Event{{Kind: KindAnswered, Actor: cmd.By, Body: b}}, wrote(cmd.By, KindAnswered, cmd.Text)...), nil
}

// Mail says that an answer came by mail whose meaning a person has to tell.
type Mail struct{ ID, Says string }

func (cmd Mail) decide(c Case, _ time.Time) ([]Event, error) {
	if !c.State.Open() || c.State == Found || c.Mailed >= MaxAsks {
		return nil, nil // kept, and nothing follows from it
	}
	return []Event{{Kind: KindMailed, Actor: casework.Centre, Body: Mailed{Mail: cmd.ID, Says: cut(cmd.Says)}}}, nil
}

// Check is a re-check: the assessment of the data as it is now. It is corrected
// only when each check that failed is seen to pass: a field that is withheld now,
// or not examined, is not testable, and that is no correction.
type Check struct {
	By         string
	Assessment policy.Assessment
	Version    int
	Observed   time.Time
	// Held says that the name is on hold.
	Held bool
}

func (cmd Check) decide(c Case, now time.Time) ([]Event, error) {
	if err := actor(nil, cmd.By).OrNil(); err != nil {
		return nil, err
	}
	a := cmd.Assessment
	if cmd.Observed.IsZero() || cmd.Observed.After(now) {
		return nil, problem.BadField("observed", "is missing, or in the future")
	}
	b := CheckedAgain{Recheck: Recheck{At: cmd.Observed.UTC().Truncate(time.Microsecond), Version: cmd.Version, Held: cmd.Held, Changed: cmd.Version != c.Version},
		Results: map[string]accuracy.Result{}, Hash: a.Hash}
	if c.Recheck != nil && b.At.Before(c.Recheck.At) || b.At.Before(c.Checked) {
		return nil, problem.New(problem.Conflict, "the data was looked at since")
	}
	switch a.State {
	case registration.Registered:
		if a.Profile != c.Terms.Profile {
			return nil, problem.BadField("profile", "is not %s, which the case is under", c.Terms.Profile)
		}
		c.compare(&b, a)
	case registration.Available:
		b.Result = Gone
	default:
		return nil, problem.New(problem.Unavailable, "the registration was not answered: nothing was checked")
	}
	// What was said to be corrected may not be published yet: once more, a day later.
	if b.Result != AllPass && b.Result != Gone && !c.RecheckAt.IsZero() && c.Answer.final() && c.RecheckAt.Sub(c.AnswerAt) < recheckAgain {
		b.Next = c.AnswerAt.Add(recheckAgain)
		if !b.Next.After(now) {
			b.Next = time.Time{}
		}
	}
	return []Event{{Kind: KindChecked, Actor: cmd.By, Body: b}}, nil
}

// compare looks for what failed in a new assessment.
func (c Case) compare(b *CheckedAgain, a policy.Assessment) {
	now := map[string]accuracy.Result{}
	other := 0 // failures that are not of the case
	for _, k := range a.Contacts {
		for _, f := range k.Fields {
			for _, x := range f.Findings {
				key := x.Verdict.Path + ": " + x.Verdict.Check
				if was, ok := now[key]; !ok || rank(x.Result) > rank(was) {
					now[key] = x.Result
				}
			}
		}
	}
	for _, f := range c.Findings {
		r, ok := now[f.Key()]
		if !ok {
			r = accuracy.Untestable // not examined any more
		}
		b.Results[f.Key()] = r
		switch r {
		case accuracy.Fail:
			b.Failing++
		case accuracy.Pass:
			b.Passed++
		default:
			b.Untested++
		}
	}
	for key, r := range now {
		if _, mine := b.Results[key]; !mine && r == accuracy.Fail {
			other++
		}
	}
	switch {
	case b.Failing > 0, c.More > 0 && other > 0: // those over the limit are not told apart
		b.Result = Fails
	case b.Passed == len(c.Findings):
		b.Result = AllPass
	default:
		b.Result = CantSay
	}
}

// rank orders results from good to bad.
func rank(r accuracy.Result) int {
	return slices.Index([]accuracy.Result{accuracy.Pass, accuracy.Untestable, accuracy.Warn, accuracy.Fail}, r)
}

// Close ends a case, by a person. Each outcome needs what it says: corrected that
// the same checks pass, verified that they answered so, and so on.
type Close struct {
	By      string
	Outcome Outcome
	Text    string
}

func (cmd Close) decide(c Case, _ time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "closes a case"); err != nil {
		return nil, err
	}
	e := outcomes.Check(nil, "outcome", string(cmd.Outcome))
	e = written(e, "text", cmd.Text, cmd.Outcome == Mistaken || cmd.Outcome == WasRight)
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	why := ""
	switch cmd.Outcome {
	case WasCorrected:
		if c.State != Corrected {
			why = "the same checks are not seen to pass: check the data again"
		}
	case WasRight:
		if c.Answer != SaidRight {
			why = "the party did not say that it verified the data"
		}
	case WasHeld:
		if c.Answer != SaidHeld && (c.Recheck == nil || !c.Recheck.Held) {
			why = "nobody said, and no look saw, that the name is on hold"
		}
	case WasGone:
		if c.Recheck == nil || c.Recheck.Result != Gone {
			why = "the name was not seen to be free: check the data again"
		}
	case Referred, Unresolved:
		if c.Known.IsZero() {
			why = "it is not documented that anybody knows of it: nobody was asked"
		}
	}
	if why != "" {
		return nil, problem.New(problem.Refused, "inaccuracy case %s cannot be closed as %s: %s", c.ID, cmd.Outcome, why)
	}
	return append(wrote(cmd.By, KindClosed, cmd.Text), Event{Kind: KindClosed, Actor: cmd.By, Body: Closing{Outcome: cmd.Outcome}}), nil
}

// Reopen begins another round of a closed case, on what fails now. What was
// known in the last round documents nothing about this one.
type Reopen struct {
	By   string
	Text string // why
	Grounds
}

func (cmd Reopen) decide(c Case, now time.Time) ([]Event, error) {
	if err := inPerson(cmd.By, "reopens a case"); err != nil {
		return nil, err
	}
	if err := written(nil, "text", cmd.Text, true).OrNil(); err != nil {
		return nil, err
	}
	switch {
	case c.State != Closed:
		return nil, problem.New(problem.Conflict, "inaccuracy case %s is %s", c.ID, c.State)
	case c.Round >= MaxRounds:
		return nil, problem.New(problem.Refused, "inaccuracy case %s was reopened %d times: open another", c.ID, c.Round-1)
	case cmd.Profile.ID != c.Terms.Profile:
		return nil, problem.BadField("profile", "is not %s, which the case is under", c.Terms.Profile)
	}
	b, v, err := cmd.basis(now)
	if err != nil {
		return nil, err
	}
	// The duties are of the profile as it is now, so that is what they are told by.
	terms := Terms{Profile: cmd.Profile.ID, Title: cmd.Profile.Title, Hash: cmd.Profile.Hash(), Status: cmd.Profile.Status, FollowUp: c.Terms.FollowUp}
	out := []Event{{Kind: KindReopened, Actor: cmd.By, Body: Reopening{Terms: &terms, Basis: b}}, {Kind: KindValues, Actor: cmd.By, Body: v}}
	return append(out, wrote(cmd.By, KindReopened, cmd.Text)...), nil
}

// Tick settles what time has settled.
type Tick struct{}

func (Tick) decide(c Case, now time.Time) ([]Event, error) {
	if c.State != Asked || c.waits().IsZero() || c.waits().After(now) {
		return nil, nil
	}
	of := "duty"
	if c.Due.IsZero() {
		of = "follow-up"
	}
	return []Event{{Kind: KindOver, Actor: casework.Centre, Body: TimeOver{Of: of, Due: c.waits()}}}, nil
}

// Note is a remark of somebody who works on it. Personal.
type Note struct{ By, Text string }

func (cmd Note) decide(_ Case, _ time.Time) ([]Event, error) {
	if err := actor(written(nil, "text", cmd.Text, true), cmd.By).OrNil(); err != nil {
		return nil, err
	}
	return wrote(cmd.By, "", cmd.Text), nil
}
