package casework

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"bailiwick/abuse"
	"bailiwick/party"
	"bailiwick/problem"
)

// Command is something that somebody or something wants done to a case. The
// concrete commands are below; each carries every id it needs.
type Command interface {
	decide(pb Playbook, c Case, now time.Time) ([]Event, error)
}

// Decide says which events a command causes on a case, under its playbook, at
// a time. It changes nothing: seal the events (Seal) and Apply them. A command
// that the state does not allow gives a Conflict, one that a rule against harm
// forbids gives Refused.
func Decide(pb Playbook, c Case, cmd Command, now time.Time) ([]Event, error) {
	now = now.Round(0).UTC().Truncate(time.Microsecond) // what the log keeps
	if _, opens := cmd.(Open); !opens {
		if c.State == "" {
			return nil, problem.New(problem.NotFound, "there is no such case")
		}
		if now.Before(c.Last) { // clocks differ; a log never runs backwards
			now = c.Last
		}
		if pb.Hash() != c.Playbook {
			return nil, problem.New(problem.Internal, "case %s is worked under playbook %s, not %s", c.ID, c.Playbook, pb.Hash())
		}
	}
	return cmd.decide(pb, c, now)
}

// Centre is the actor of everything nobody in particular did.
const Centre = "centre"

// actor checks a reference to whoever gave a command: "centre", or a kind and
// an id such as "person:7". Names do not belong into a log that outlives them.
func actor(by string) error {
	kind, id, ok := strings.Cut(by, ":")
	if by != Centre && (!ok || kind == "" || id == "" || len(by) > 200 || strings.ContainsFunc(by, unicode.IsControl)) {
		return problem.BadField("by", "%q is not a reference such as person:7", by)
	}
	return nil
}

// reason checks a text that a person must give.
func reason(s string) error {
	if strings.TrimSpace(s) == "" {
		return problem.BadField("reason", "is missing")
	}
	if len(s) > MaxNote {
		return problem.BadField("reason", "is over %d octets", MaxNote)
	}
	return nil
}

// Open starts a case.
type Open struct {
	Subject party.Subject
	Type    abuse.Type
}

func (cmd Open) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if c.State != "" {
		return nil, problem.New(problem.Conflict, "case %s is open already", c.ID)
	}
	if cmd.Type.NeverKept() {
		return nil, problem.New(problem.Refused, "%s goes to the hotline, it opens no case", cmd.Type)
	}
	if !slices.Contains(pb.Types, cmd.Type) {
		return nil, problem.New(problem.Internal, "playbook %q is not for %s", pb.Name, cmd.Type)
	}
	switch s := cmd.Subject; {
	case s.Kind == party.Address && s.Addr.IsValid():
	case (s.Kind == party.RegisteredDomain || s.Kind == party.PlatformCustomer) && !s.Name.IsZero():
	default:
		return nil, problem.BadField("subject", "is neither a name nor an address")
	}
	return []Event{{Kind: KindOpened, Actor: Centre, Body: Opened{Subject: cmd.Subject, Type: cmd.Type,
		Playbook: pb.Hash(), Name: pb.Name, Longest: pb.LongestStep, NextLook: now}}}, nil
}

// AddReport attaches a report, and who reported it as a payload of its own.
type AddReport struct {
	Report   ReportRef
	Reporter Reporter
}

func (cmd AddReport) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if c.State == Merged {
		return nil, problem.New(problem.Conflict, "case %s is merged into %s", c.ID, c.MergedInto)
	}
	if cmd.Report.ID == "" {
		return nil, problem.BadField("report.id", "is missing")
	}
	for _, r := range c.Reports {
		if r.ID == cmd.Report.ID {
			return nil, nil // attached already: a repeated command changes nothing
		}
	}
	if len(c.Reports) >= MaxReports {
		return nil, problem.New(problem.TooLarge, "case %s holds %d reports, the most it can", c.ID, MaxReports)
	}
	body := ReportAttached{Report: cmd.Report}
	if c.State == Closed || c.State == Investigating || adds(c.URLs(), cmd.Report.URLs) {
		body.Look = now // something new to look at
	}
	evs := []Event{{Kind: KindReport, Actor: "report:" + cmd.Report.ID, Body: body}}
	if cmd.Reporter != (Reporter{}) {
		cmd.Reporter.Report = cmd.Report.ID
		evs = append(evs, Event{Kind: KindReporter, Actor: "report:" + cmd.Report.ID, Body: cmd.Reporter, Personal: true})
	}
	return evs, nil
}

// adds says whether more changes the list of URLs that is looked at.
func adds(have, more []string) bool {
	for _, u := range more {
		if !slices.Contains(have, u) && (len(have) < MaxURLs || u < have[MaxURLs-1]) {
			return true
		}
	}
	return false
}

// WithdrawReport takes a report back. When none is left and nothing was seen,
// the case closes.
type WithdrawReport struct{ Report string }

func (cmd WithdrawReport) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	i := slices.IndexFunc(c.Reports, func(r ReportRef) bool { return r.ID == cmd.Report })
	if i < 0 {
		return nil, problem.New(problem.NotFound, "report %s is not on case %s", cmd.Report, c.ID)
	}
	if c.Reports[i].Gone {
		return nil, nil
	}
	evs := []Event{{Kind: KindWithdrawn, Actor: "report:" + cmd.Report, Body: ReportWithdrawn(cmd)}}
	if len(c.AllReports()) == 1 && (c.State == New || c.State == Investigating) {
		evs = append(evs, Event{Kind: KindClosed, Actor: Centre, Body: ClosedCase{Outcome: Withdrawn, Reason: "every report was withdrawn"}})
	}
	return evs, nil
}

// Plan is who has authority today.
type Plan struct {
	Parties []party.Party
	TLD     string // "gtld", "cctld" or "unknown"
	// DNSAllowed is false where suspending the name would hit more than the
	// abuse; Why says what.
	DNSAllowed bool
	Why        string
}

// Look records a look and everything that follows from it: the next look,
// missed times, escalation, the outcome, a return.
type Look struct {
	Finding Finding
	Plan    Plan
}

func (cmd Look) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	f := cmd.Finding
	f.At = f.At.Round(0).UTC().Truncate(time.Microsecond)
	switch {
	case c.State == Merged:
		return nil, problem.New(problem.Conflict, "case %s is merged into %s", c.ID, c.MergedInto)
	case f.At.After(now):
		return nil, problem.BadField("finding.at", "is in the future")
	case now.Sub(f.At) > age(pb):
		return nil, problem.New(problem.Refused, "the look is over %s old: nothing may rest on it", age(pb))
	case c.Look != nil && f.At.Before(c.Look.At):
		return nil, problem.New(problem.Conflict, "case %s was looked at later than that already", c.ID)
	}
	switch c.State {
	case Closed:
		return lookClosed(pb, c, f, now), nil
	case New, Investigating:
		return lookFirst(pb, c, f, now), nil
	case Unconfirmed:
		return lookUnconfirmed(pb, c, f, now), nil
	}
	return lookConfirmed(pb, c, f, cmd.Plan, now), nil
}

// age is how old a look may be for something to rest on it: the playbook's, and
// never over an hour (DESIGN section 8).
func age(pb Playbook) time.Duration { return min(time.Duration(pb.EvidenceAge), time.Hour) }

func looked(f Finding, s State, next time.Time) Event {
	return Event{Kind: KindLooked, Actor: Centre, Body: Looked{Finding: f, State: s, NextLook: next}}
}

func lookFirst(pb Playbook, c Case, f Finding, now time.Time) []Event {
	if f.Claimed {
		return []Event{looked(f, Unconfirmed, now.Add(pb.WatchEvery(0)))}
	}
	settled, since := settledFor(pb, c, f)
	if next := investigate(pb, c, now); !next.IsZero() && !settled {
		return []Event{looked(f, Investigating, next)}
	}
	if f.Doubt != "" { // for a person to settle, however long that takes
		return []Event{looked(f, Investigating, now.Add(time.Duration(pb.LongestStep)))}
	}
	idle := f.Idle
	if idle == "" {
		idle = NotSeen
	}
	return []Event{looked(f, Investigating, now.Add(time.Duration(pb.LongestStep))),
		{Kind: KindClosed, Actor: Centre, Body: ClosedCase{Outcome: idle, Since: since, Reason: "looked " + times(c.Quiet+1) + " and did not see it", NextLook: after(pb, now)}}}
}

// investigate is the look after one that did not see the claim, zero when there
// have been enough. The waits are counted from the beginning of the round, not
// from look to look: each new report brings a look of its own, and a burst of
// reports must not use up the schedule.
func investigate(pb Playbook, c Case, now time.Time) time.Time {
	at := c.Began
	for _, w := range pb.Investigate {
		if at = at.Add(time.Duration(w)); at.After(now) {
			return at
		}
	}
	if c.Quiet < len(pb.Investigate) { // looks came late: make up for them
		return now.Add(time.Duration(pb.Investigate[c.Quiet]))
	}
	return time.Time{}
}

// settledFor says whether more looks at an unseen claim would only repeat what
// is known: nothing there, on as many looks and over as long as certainty asks
// for; and since when (zero if something is there).
func settledFor(pb Playbook, c Case, f Finding) (bool, time.Time) {
	if !unseen(c, f) {
		return false, time.Time{}
	}
	return enough(pb, c, f)
}

// enough counts f, which shows an absence, to those before it.
func enough(pb Playbook, c Case, f Finding) (bool, time.Time) {
	since, n := f.At, 1
	if c.GoneLooks > 0 {
		since, n = c.GoneSince, c.GoneLooks+1
	}
	return n >= max(pb.Gone.Looks, 2) && f.At.Sub(since) >= time.Duration(pb.Gone.Apart), since
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func lookUnconfirmed(pb Playbook, c Case, f Finding, now time.Time) []Event {
	next := now.Add(pb.WatchEvery(now.Sub(c.Opened)))
	if gone, since := goneFor(pb, c, f); gone {
		out := DownBeforeAsked
		if o := f.Measured.Outcome; o == Parked || o == Moved {
			out = o
		}
		evs := append([]Event{looked(f, Unconfirmed, next)}, movedOn(f)...)
		return append(evs, Event{Kind: KindClosed, Actor: Centre, Body: ClosedCase{Outcome: out, Since: since,
			Reason: "gone before it was confirmed", NextLook: after(pb, now)}})
	} else if !since.IsZero() {
		next = quiet(pb, next, now)
	}
	return []Event{looked(f, Unconfirmed, next)}
}

// movedOn says where the abuse went, if the look shows it.
func movedOn(f Finding) []Event {
	if f.Measured.MovedTo == "" {
		return nil
	}
	return []Event{{Kind: KindRedirected, Actor: Centre, Body: MovedOn{f.Measured.MovedTo}}}
}

// goneFor says whether, with this look, the abuse is certainly gone, and since
// when it has been absent (zero if it is not).
func goneFor(pb Playbook, c Case, f Finding) (bool, time.Time) {
	if !f.absent() {
		return false, time.Time{}
	}
	gone, since := enough(pb, c, f)
	if f.Measured.Outcome == Disrupted && f.At.Sub(since) < 3*time.Duration(pb.Gone.Apart) {
		gone = false // it is still there behind the warning: the others asked have time to end it
	}
	return gone, since
}

// quiet is when to look again at an abuse that seems gone: four times over
// the time that certainty takes, and never sooner than the schedule says.
func quiet(pb Playbook, next, now time.Time) time.Time {
	if t := now.Add(time.Duration(pb.Gone.Apart) / 4); t.After(next) {
		return t
	}
	return next
}

// after is the first look at a case closed now; zero when the playbook wants
// none.
func after(pb Playbook, now time.Time) time.Time {
	if len(pb.After) == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(pb.After[0]))
}

func lookClosed(pb Playbook, c Case, f Finding, now time.Time) []Event {
	// What is still seen of something moved or disrupted is not a return.
	returns := f.Claimed && !f.absent() && (c.Outcome != Moved || f.Measured != nil)
	n := 0
	for n < len(pb.After) && c.Closed.Add(elapsed(pb, n)).Before(now.Add(time.Second)) {
		n++
	}
	next := time.Time{}
	if n < len(pb.After) {
		next = c.Closed.Add(elapsed(pb, n))
	}
	evs := []Event{looked(f, Closed, next)}
	if returns {
		evs = append(evs, Event{Kind: KindReopened, Actor: Centre, Body: ReopenedCase{Reason: "the abuse was seen again",
			Returned: !c.SeenLast.IsZero() || c.Confirmation != nil, State: Unconfirmed, NextLook: now.Add(pb.WatchEvery(0))}})
	}
	return evs
}

// elapsed is how long after closing look n+1 is due.
func elapsed(pb Playbook, n int) time.Duration {
	var d time.Duration
	for _, a := range pb.After[:n+1] {
		d += time.Duration(a)
	}
	return d
}

func lookConfirmed(pb Playbook, c Case, f Finding, plan Plan, now time.Time) []Event {
	next := now.Add(pb.WatchEvery(now.Sub(c.Confirmation.At)))
	gone, since := goneFor(pb, c, f)
	if gone {
		out := f.Measured.Outcome
		actor := *f.Measured
		if !c.Asked() && out != Moved && out != Parked {
			out, actor = DownBeforeAsked, Measured{Why: actor.Why}
		}
		evs := append([]Event{looked(f, Coordinating, next)}, movedOn(f)...)
		return append(evs, Event{Kind: KindClosed, Actor: Centre, Body: ClosedCase{Outcome: out, Actor: actor, Since: since,
			Reason: strings.Join(actor.Why, "; "), NextLook: after(pb, now)}})
	}
	if !since.IsZero() { // gone, not yet certainly: nobody is chased meanwhile
		return []Event{looked(f, Coordinating, quiet(pb, next, now))}
	}
	evs := []Event{looked(f, Coordinating, next)}
	if !f.Claimed { // inconclusive
		return evs
	}
	if f.Class != "" && c.ClassBy == "" {
		c.Class = f.Class
	}
	return append(evs, clocks(pb, &c, plan, now)...)
}

// clocks emits what is due on a case whose abuse has just been seen again:
// missed times, reminders and chases, and the steps they open.
func clocks(pb Playbook, c *Case, plan Plan, now time.Time) []Event {
	var evs []Event
	c.Obligations = slices.Clone(c.Obligations)
	for i := range c.Obligations {
		o := &c.Obligations[i]
		if o.Round != c.Round || !o.Status.live() && o.Status != Unreachable {
			continue
		}
		step, _ := pb.Step(o.Step)
		if o.Status == Unreachable {
			if p, ok := otherContact(*o, plan); ok && (!o.Action.DNSLevel() || mayDarken(*c, plan)) {
				o.Notices, o.Party, o.Status = o.Notices+1, p, Pending
				evs = append(evs, Event{Kind: KindReminded, Actor: Centre, Body: Reminded{Obligation: o.ID, Notice: o.Notices, Kind: "ask", Party: &p}})
			}
			continue
		}
		if o.Action.DNSLevel() && !mayDarken(*c, plan) || replaced(o.Party, plan) {
			continue // asked in good faith; not once more, and its silence counts no more
		}
		if (o.Status == Running || o.Status == Acted) && !o.Due.IsZero() && !o.Due.After(now) {
			next := time.Time{}
			if step.Chase > 0 && !o.Party.FormOnly() {
				next = now.Add(time.Duration(step.Chase))
			}
			o.Status, o.NextNotice = Missed, next
			evs = append(evs, Event{Kind: KindMissed, Actor: Centre, Body: MissedTime{Obligation: o.ID, Due: o.Due, Next: next}})
			continue
		}
		if !o.NextNotice.IsZero() && !o.NextNotice.After(now) {
			kind, next := "reminder", nextReminder(step, *o, now)
			if o.Status == Missed {
				kind = "chase"
			}
			o.Notices++
			o.NextNotice = next
			evs = append(evs, Event{Kind: KindReminded, Actor: Centre, Body: Reminded{Obligation: o.ID, Notice: o.Notices, Kind: kind, Next: next}})
		}
	}
	return append(evs, oblige(pb, *c, plan, now)...)
}

// maxContacts is how many contacts of one party are tried.
const maxContacts = 4

// otherContact is another way to mail the party of an obligation that could
// not be delivered, known today and not tried yet.
func otherContact(o Obligation, plan Plan) (party.Party, bool) {
	for _, p := range plan.Parties {
		if p.Role == o.Party.Role && p.ID == o.Party.ID && p.Reachable && p.Email != "" && !strings.EqualFold(p.Email, o.Party.Email) {
			return p, o.Notices < maxContacts
		}
	}
	return party.Party{}, false
}

// replaced says whether others have p's role today: a site that moved is no
// longer its old host's to stop. Nobody in that role means that we do not know.
func replaced(p party.Party, plan Plan) bool {
	others := false
	for _, q := range plan.Parties {
		if q.Role == p.Role {
			if q.ID == p.ID {
				return false
			}
			others = true
		}
	}
	return others
}

// nextReminder is when the notice after the one being ordered now is due. An
// ask that nobody is known to have received is repeated by the same rule.
func nextReminder(step Step, o Obligation, now time.Time) time.Time {
	switch {
	case o.Status == Missed && step.Chase > 0:
		return now.Add(time.Duration(step.Chase))
	case o.Delivered.IsZero():
		return time.Time{} // set again by the result of the notice
	}
	for _, r := range step.Remind {
		if at := o.Delivered.Add(time.Duration(r)); at.After(now) {
			return at
		}
	}
	return time.Time{}
}

// mayDarken says whether an ask at the DNS level is allowed: the name is
// registered as a whole, maliciously, and suspending it hits nothing else.
func mayDarken(c Case, plan Plan) bool { return notDark(c, plan) == "" }

// notDark says why mayDarken does not hold.
func notDark(c Case, plan Plan) string {
	switch {
	case c.Subject.Kind != party.RegisteredDomain:
		return "it is not a registered domain: there is no name to suspend"
	case c.Class != Malicious:
		return "the name is not judged maliciously registered: nothing is asked at the DNS level"
	case !plan.DNSAllowed:
		return "suspending the name would hit more than the abuse: " + cmp.Or(plan.Why, "others use it")
	}
	return ""
}

// bars says why a step may not be taken on a case: a rule against harm, which no
// playbook can change, or a condition of the playbook's. No ask at the DNS level
// without mayDarken, compliance only for a gTLD and only as a bundle that a person
// files, other CERTs informed and never asked.
func bars(s Step, c Case, plan Plan) string {
	switch {
	case s.Action.DNSLevel() && !mayDarken(c, plan):
		return notDark(c, plan)
	case (s.Role == party.Compliance) != (s.Action == Bundle):
		return "compliance gets a bundle, and nobody else does"
	case s.Role == party.Compliance && plan.TLD != "gtld":
		return "compliance is about gTLDs only"
	case s.Role == party.CERT && s.Action != Inform:
		return "another CERT is informed, never asked in place of the party"
	}
	for _, w := range s.When {
		if !holds(w, c, plan) {
			return fmt.Sprintf("the playbook takes the step %s only where it is %s", s.ID, w)
		}
	}
	return ""
}

// oblige opens the obligations that the playbook wants now and that are not
// there yet.
func oblige(pb Playbook, c Case, plan Plan, now time.Time) []Event {
	var evs []Event
	c.Obligations = slices.Clone(c.Obligations)
	round := inRound(c)
	for _, s := range pb.Steps {
		if bars(s, c, plan) != "" {
			continue
		}
		from, ok := starts(s, c)
		if !ok {
			continue
		}
		for _, p := range plan.Parties {
			if p.Role != s.Role || round >= MaxObligations || asked(c, s.ID, p.ID) {
				continue
			}
			round++
			o := obligation(c, s, p, now)
			o.Escalates = from
			c.Obligations = append(c.Obligations, o)
			evs = append(evs, Event{Kind: KindObliged, Actor: Centre, Body: Obliged{Obligation: o, Why: p.Basis}})
		}
	}
	return evs
}

// inRound counts the obligations of the present round.
func inRound(c Case) int {
	n := 0
	for _, o := range c.Obligations {
		if o.Round == c.Round {
			n++
		}
	}
	return n
}

// obligation is a new one, of a party by a step.
func obligation(c Case, s Step, p party.Party, now time.Time) Obligation {
	o := Obligation{ID: fmt.Sprintf("%s-%d", c.ID, len(c.Obligations)+1), Step: s.ID, Round: c.Round, Party: p, Action: s.Action,
		Status: Pending, Opened: now, Notices: 1}
	switch {
	case s.Action == Bundle, p.FormOnly():
		o.Status, o.Notices = HandOff, 0
	case !p.Reachable:
		o.Status, o.Notices = Unreachable, 0
	}
	return o
}

func holds(w Condition, c Case, plan Plan) bool {
	switch w {
	case WhenMalicious:
		return c.Class == Malicious
	case WhenGTLD:
		return plan.TLD == "gtld"
	case WhenCCTLD:
		return plan.TLD == "cctld"
	case WhenInScope:
		return c.Type.InContractScope()
	}
	return false
}

// starts says whether a step's turn has come, and the obligation whose failure
// made it so, or that a person escalated. Failure needs delivery: nobody has failed
// who was not reached. A bundle says what was not done, and no haste replaces that.
func starts(s Step, c Case) (string, bool) {
	if s.After == "" {
		return "", true
	}
	for _, o := range c.Obligations {
		if o.Round == c.Round && o.Step == s.After && !o.Delivered.IsZero() && (failed(s, o) || !o.Escalated.IsZero() && s.Action != Bundle) {
			return o.ID, true
		}
	}
	return "", false
}

// failed says whether an obligation ended in a way that starts a step after it.
func failed(s Step, o Obligation) bool {
	if len(s.On) == 0 {
		return o.Status == Missed
	}
	return slices.Contains(s.On, o.Status)
}

func asked(c Case, step, partyID string) bool {
	for _, o := range c.Obligations {
		if o.Round == c.Round && o.Step == step && o.Party.ID == partyID {
			return true
		}
	}
	return false
}

// Confirm says that the claim is true. By a rule (By is "rule:…"), the latest
// look must have seen the claim; a person may confirm what the rule could not
// judge, but never without a live look of ours under the playbook's age.
type Confirm struct {
	By    string
	Class Class // "" keeps the judgement's; only a person may set it
	Plan  Plan
}

func (cmd Confirm) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	switch c.State {
	case Coordinating:
		return nil, problem.New(problem.Conflict, "case %s is confirmed already", c.ID)
	case Unconfirmed, Investigating:
	default:
		return nil, problem.New(problem.Conflict, "a case that is %s cannot be confirmed", c.State)
	}
	person := strings.HasPrefix(cmd.By, "person:")
	if err := actor(cmd.By); err != nil || !person && !strings.HasPrefix(cmd.By, "rule:") {
		return nil, problem.BadField("by", "must name a person or a rule")
	}
	switch {
	case c.Look == nil || now.Sub(c.Look.At) > age(pb):
		return nil, problem.New(problem.Refused, "a confirmation rests on a look of ours at most %s old", age(pb))
	case !c.Look.Live:
		return nil, problem.New(problem.Refused, "nothing was live at the latest look")
	case !person && !c.Look.Claimed:
		return nil, problem.New(problem.Refused, "the latest look did not see the claim, so no rule can confirm it")
	case !person && cmd.Class != "":
		return nil, problem.BadField("class", "is for a person to set")
	case c.Class == Innocent && cmd.Class == "":
		return nil, problem.New(problem.Refused, "it is judged innocent: only a person who names another class can confirm it")
	}
	class, byPerson := c.Class, false
	if cmd.Class != "" {
		switch cmd.Class {
		case Malicious, Compromised, Unknown:
		default:
			return nil, problem.BadField("class", "%q is not malicious, compromised or unknown", cmd.Class)
		}
		class, byPerson = cmd.Class, true
	}
	evs := []Event{{Kind: KindConfirmed, Actor: cmd.By, Body: Confirmed{Evidence: c.Look.At, Class: class, ByPerson: byPerson,
		NextLook: now.Add(pb.WatchEvery(0))}}}
	c.Class = class
	return append(evs, oblige(pb, c, cmd.Plan, now)...), nil
}

// Reject says that the claim is untrue.
type Reject struct{ By, Reason string }

func (cmd Reject) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	switch c.State {
	case New, Investigating, Unconfirmed:
	default:
		return nil, problem.New(problem.Conflict, "a case that is %s cannot be rejected", c.State)
	}
	if err := cmp.Or(actor(cmd.By), reason(cmd.Reason)); err != nil { // the reporter is told it
		return nil, err
	}
	return []Event{{Kind: KindRejected, Actor: cmd.By, Body: Rejected{cmd.Reason}}}, nil
}

// Result of sending a notice.
type Result string

// The results.
const (
	Accepted    Result = "accepted"
	Undelivered Result = "failed"
	Bounced     Result = "bounced" // accepted, and reported as undeliverable later
	Doubtful    Result = "in doubt"
)

// Noticed records what came of a notice.
type Noticed struct {
	Obligation string
	Notice     int
	Result     Result
	Response   string
}

func (cmd Noticed) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	if !ok {
		return nil, problem.New(problem.NotFound, "case %s has no obligation %s", c.ID, cmd.Obligation)
	}
	byHand := cmd.Notice == 0 && (o.Status == Unreachable || o.Status == HandOff)
	if !byHand && (cmd.Notice < 1 || cmd.Notice > o.Notices) {
		return nil, problem.New(problem.NotFound, "obligation %s has no notice %d", o.ID, cmd.Notice)
	}
	step, _ := pb.Step(o.Step)
	resp := strings.ToValidUTF8(cmd.Response[:min(len(cmd.Response), MaxNote)], "")
	switch cmd.Result {
	case Accepted:
		b := Delivered{Obligation: o.ID, Notice: cmd.Notice, Response: resp}
		b.Due, b.Next = clock(step, c, o, now)
		return []Event{{Kind: KindDelivered, Actor: Centre, Body: b}}, nil
	case Undelivered, Bounced:
		return []Event{{Kind: KindFailed, Actor: Centre, Body: Failed{Obligation: o.ID, Notice: cmd.Notice, Response: resp, Bounced: cmd.Result == Bounced}}}, nil
	case Doubtful:
		b := InDoubt{Obligation: o.ID, Notice: cmd.Notice, Response: resp}
		if due, next := clock(step, c, o, now); o.Status == Pending && !due.IsZero() {
			b.Next = next
			if next.IsZero() {
				b.Next = due
			}
		}
		return []Event{{Kind: KindDoubt, Actor: Centre, Body: b}}, nil
	}
	return nil, problem.New(problem.Internal, "%q is no result of a notice", cmd.Result)
}

// Hand records that a person handed an ask or a bundle over by another way
// than ours (a form, a telephone), which starts the clock like an accepted
// mail. Given again, it adds a proof.
type Hand struct {
	Obligation, By string
	How            string // by which way, and what the party gave in return
	Proof          string // SHA-256 (hex) of what shows it; "" for none
}

func (cmd Hand) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	if !ok {
		return nil, problem.New(problem.NotFound, "there is no such obligation on case %s", c.ID)
	}
	if strings.TrimSpace(cmd.How) == "" {
		return nil, problem.BadField("how", "is missing: say by which way, and the proof")
	}
	if len(cmd.How) > MaxNote {
		return nil, problem.BadField("how", "is over %d octets", MaxNote)
	}
	if cmd.Proof != "" && new(Hash).UnmarshalText([]byte(cmd.Proof)) != nil {
		return nil, problem.BadField("proof", "is not a SHA-256 in hex")
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	step, _ := pb.Step(o.Step)
	b := Delivered{Obligation: o.ID, Notice: o.Notices, Response: cmd.By + ": " + strings.ToValidUTF8(cmd.How, ""), Proof: cmd.Proof}
	b.Due, b.Next = clock(step, c, o, now)
	return []Event{{Kind: KindDelivered, Actor: cmd.By, Body: b}}, nil
}

// clock is when a party that gets its ask now must have acted, and when it is
// reminded; zero where no clock starts: it runs already, nothing is asked, or
// the round is over.
func clock(step Step, c Case, o Obligation, now time.Time) (due, remind time.Time) {
	if !o.Delivered.IsZero() || !o.Action.Asks() || !c.waits(o) {
		return due, remind
	}
	due = now.Add(time.Duration(step.Within))
	if len(step.Remind) > 0 && !o.Party.FormOnly() { // a machine fills in no form
		remind = now.Add(time.Duration(step.Remind[0]))
	}
	return due, remind
}

// The answers a party can give, by mail, link or a person at the desk.
var answers = map[string]Status{
	"received":  "", // an acknowledgement stops no clock
	"need_more": "",
	"acted":     Acted,
	"referred":  Referred,
	"refused":   Refused,
	"not_ours":  Refused,
}

// Answer records a party's answer. It is believed only as far as it binds the
// party itself: "acted" brings the next look forward, and the look decides.
type Answer struct {
	Obligation string
	By         string // "party:…" or "person:…"
	Answer     string // received, need_more, acted, referred, refused, not_ours
	Note       string
}

// MaxNote is the longest free text kept, in octets.
const MaxNote = 4000

func (cmd Answer) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	if !ok {
		return nil, problem.New(problem.NotFound, "there is no such obligation on case %s", c.ID)
	}
	status, ok := answers[cmd.Answer]
	if !ok {
		return nil, problem.BadField("answer", "%q is not received, need_more, acted, referred, refused or not_ours", cmd.Answer)
	}
	if len(cmd.Note) > MaxNote {
		return nil, problem.BadField("note", "is over %d octets", MaxNote)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	b := Answered{Obligation: o.ID, Answer: cmd.Answer, Note: cmd.Note}
	if c.State == Coordinating && o.Round == c.Round && (o.Status.live() || c.waits(o)) {
		if status != "" {
			b.Look = now
		}
		if o.Action.Asks() { // who was asked for nothing has nothing to refuse
			b.Status = status
		}
		if o.Delivered.IsZero() { // who answers has received
			step, _ := pb.Step(o.Step)
			b.Received = true
			b.Due, b.Next = clock(step, c, o, now)
		}
	} // else it is kept, and changes nothing
	return []Event{{Kind: KindAnswered, Actor: cmd.By, Body: b}}, nil
}

// MaxExtension is the most time that one Extend can give.
const MaxExtension = 90 * 24 * time.Hour

// Extend gives a party more time.
type Extend struct {
	Obligation, By, Reason string
	Until                  time.Time
}

func (cmd Extend) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	switch {
	case !ok:
		return nil, problem.New(problem.NotFound, "there is no such obligation on case %s", c.ID)
	case c.State != Coordinating || o.Status != Running && o.Status != Missed:
		return nil, problem.New(problem.Conflict, "no clock runs on obligation %s", o.ID)
	case !cmd.Until.After(now):
		return nil, problem.BadField("until", "is not in the future")
	case cmd.Until.Sub(now) > MaxExtension:
		return nil, problem.BadField("until", "is over %s away", MaxExtension)
	}
	if err := cmp.Or(actor(cmd.By), reason(cmd.Reason)); err != nil {
		return nil, err
	}
	until := cmd.Until.Round(0).UTC().Truncate(time.Microsecond)
	return []Event{{Kind: KindExtended, Actor: cmd.By, Body: Extended{Obligation: o.ID, Due: until, Reason: cmd.Reason}}}, nil
}

// Close ends a case by hand.
type Close struct{ By, Reason string }

func (cmd Close) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if !c.State.IsOpen() {
		return nil, problem.New(problem.Conflict, "case %s is %s", c.ID, c.State)
	}
	if err := cmp.Or(actor(cmd.By), reason(cmd.Reason)); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindClosed, Actor: cmd.By, Body: ClosedCase{Outcome: ByHand, Reason: cmd.Reason}}}, nil
}

// Reopen opens a closed case by hand; a fresh look and confirmation follow.
type Reopen struct{ By, Reason string }

func (cmd Reopen) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if c.State != Closed {
		return nil, problem.New(problem.Conflict, "case %s is %s, not closed", c.ID, c.State)
	}
	if err := cmp.Or(actor(cmd.By), reason(cmd.Reason)); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindReopened, Actor: cmd.By, Body: ReopenedCase{Reason: cmd.Reason, State: Investigating, NextLook: now}}}, nil
}

// AddNote records a remark.
type AddNote struct{ By, Text string }

func (cmd AddNote) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	t := strings.TrimSpace(cmd.Text)
	if t == "" || len(t) > MaxNote {
		return nil, problem.BadField("text", "must have 1 to %d octets", MaxNote)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindNote, Actor: cmd.By, Body: Note{t}, Personal: true}}, nil
}

// Merge makes a case part of another; give Absorb to the other in the same
// transaction.
type Merge struct{ By, Into string }

func (cmd Merge) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	switch {
	case !c.State.IsOpen():
		return nil, problem.New(problem.Conflict, "case %s is %s", c.ID, c.State)
	case cmd.Into == "" || cmd.Into == c.ID:
		return nil, problem.BadField("into", "must name another case")
	case len(c.Absorbed) > 0:
		return nil, problem.New(problem.Conflict, "case %s has absorbed others: un-merge those first", c.ID)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindMerged, Actor: cmd.By, Body: MergedInto{cmd.Into}}}, nil
}

// Absorb takes another case's reports in.
type Absorb struct {
	By   string
	From Case // as it was before the merge
}

func (cmd Absorb) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	_, twice := c.Absorbed[cmd.From.ID]
	switch {
	case !c.State.IsOpen():
		return nil, problem.New(problem.Conflict, "case %s is %s", c.ID, c.State)
	case cmd.From.ID == "" || cmd.From.ID == c.ID:
		return nil, problem.BadField("from", "must be another case")
	case twice || !cmd.From.State.IsOpen() || len(cmd.From.Absorbed) > 0:
		return nil, problem.New(problem.Conflict, "case %s cannot be absorbed", cmd.From.ID)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindAbsorbed, Actor: cmd.By, Body: AbsorbedCase{From: cmd.From.ID, Reports: cmd.From.Reports}}}, nil
}

// Unmerge restores a merged case; give Release to the other in the same
// transaction.
type Unmerge struct{ By string }

func (cmd Unmerge) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if c.State != Merged {
		return nil, problem.New(problem.Conflict, "case %s is not merged", c.ID)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	b := UnmergedCase{From: c.MergedInto}
	if c.NextLook.IsZero() || c.NextLook.Before(now) {
		b.NextLook = now
	}
	return []Event{{Kind: KindUnmerged, Actor: cmd.By, Body: b}}, nil
}

// Release gives an absorbed case's reports back.
type Release struct{ By, Case string }

func (cmd Release) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if _, ok := c.Absorbed[cmd.Case]; !ok {
		return nil, problem.New(problem.NotFound, "case %s has not absorbed %s", c.ID, cmd.Case)
	}
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	return []Event{{Kind: KindReleased, Actor: cmd.By, Body: ReleasedCase{cmd.Case}}}, nil
}

// Ordered is a notice that an event orders.
type Ordered struct {
	Obligation string
	Notice     int
	Kind       string // "ask", "inform", "reminder", "chase"
}

// Orders gives the notice an event orders, if it does.
func Orders(e Event) (Ordered, bool) {
	switch b := e.Body.(type) {
	case Obliged:
		if b.Obligation.Status != Pending {
			return Ordered{}, false
		}
		kind := "ask"
		if !b.Obligation.Action.Asks() {
			kind = "inform"
		}
		return Ordered{b.Obligation.ID, 1, kind}, true
	case Reminded:
		return Ordered{b.Obligation, b.Notice, b.Kind}, true
	}
	return Ordered{}, false
}
