package casework

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bailiwick/party"
	"bailiwick/problem"
)

// The commands here let a person move the ladder, where a clock alone would. They
// are held to the same rules against harm: a confirmation, a look of ours that saw
// the abuse at most EvidenceAge ago, whoever has authority today, and nothing at
// the DNS level unless the name is judged maliciously registered. What the centre
// sends in all, and to one party in a day, its delivery log caps besides.

// AgainApart is the least time between two notices of one obligation where a
// person orders the second: haste is no reason to flood a desk.
const AgainApart = 4 * time.Hour

// Ask asks the parties of a step of the playbook now, though the turn of the step
// has not come. Nobody is asked twice by it: AskAgain does that.
type Ask struct {
	By     string // "person:…"
	Step   string // id of the step
	Party  string // id of the party; "" for everybody in the step's role
	Reason string
	Plan   Plan // of the look it rests on
}

func (cmd Ask) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	s, ok := pb.Step(cmd.Step)
	if !ok {
		return nil, problem.BadField("step", "%.40q is not a step of the playbook %s: %s", cmd.Step, pb.Name, strings.Join(stepIDs(pb), ", "))
	}
	if err := cmp.Or(mayMove(pb, c, now), person(cmd.By), reason(cmd.Reason)); err != nil {
		return nil, err
	}
	if s.Action == Bundle {
		return nil, problem.New(problem.Refused, "a bundle says what was not done: it follows when the time of the party before it is over")
	}
	if why := bars(s, c, cmd.Plan); why != "" {
		return nil, problem.New(problem.Refused, "%s", why)
	}
	var evs []Event
	known, full := false, false
	round := inRound(c)
	c.Obligations = slices.Clone(c.Obligations)
	for _, p := range cmd.Plan.Parties {
		if p.Role != s.Role || cmd.Party != "" && p.ID != cmd.Party {
			continue
		}
		known = true
		if asked(c, s.ID, p.ID) {
			continue
		}
		if full = round >= MaxObligations; full {
			break
		}
		round++
		o := obligation(c, s, p, now)
		c.Obligations = append(c.Obligations, o)
		evs = append(evs, Event{Kind: KindObliged, Actor: cmd.By, Body: Obliged{Obligation: o, Why: p.Basis, Reason: cmd.Reason}})
	}
	switch {
	case len(evs) > 0:
		return evs, nil
	case full:
		return nil, problem.New(problem.TooLarge, "case %s has %d obligations in this round, the most it can", c.ID, MaxObligations)
	case known:
		return nil, problem.New(problem.Conflict, "whoever is the %s today was asked by this step already: ask again", s.Role)
	case cmd.Party != "":
		return nil, problem.New(problem.Refused, "%.80s is not the %s of %s today", cmd.Party, s.Role, c.Subject.Key())
	}
	return nil, problem.New(problem.Refused, "nobody is known today as the %s of %s", s.Role, c.Subject.Key())
}

func stepIDs(pb Playbook) []string {
	var out []string
	for _, s := range pb.Steps {
		out = append(out, s.ID)
	}
	return out
}

// AskAgain orders another notice of an obligation now, not when its schedule says.
type AskAgain struct {
	By         string // "person:…"
	Obligation string
	Reason     string
	Plan       Plan // of the look it rests on
}

func (cmd AskAgain) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	if !ok {
		return nil, problem.New(problem.NotFound, "there is no such obligation on case %s", c.ID)
	}
	if err := cmp.Or(mayMove(pb, c, now), person(cmd.By), reason(cmd.Reason), mayRepeat(c, o, now)); err != nil {
		return nil, err
	}
	switch {
	case o.Action.DNSLevel() && !mayDarken(c, cmd.Plan):
		return nil, problem.New(problem.Refused, "%s", notDark(c, cmd.Plan))
	case replaced(o.Party, cmd.Plan):
		return nil, problem.New(problem.Refused, "%s is not the %s any more", o.Party.Name, o.Party.Role)
	}
	b := Reminded{Obligation: o.ID, Notice: o.Notices + 1, Kind: "reminder", Reason: cmd.Reason}
	step, _ := pb.Step(o.Step)
	switch o.Status {
	case Unreachable:
		p, ok := otherContact(o, cmd.Plan)
		if !ok {
			return nil, problem.New(problem.Refused, "no other way to write to %s is known: hand it over", o.Party.Name)
		}
		b.Kind, b.Party = "ask", &p
	case Missed:
		b.Kind, b.Next = "chase", nextReminder(step, o, now)
	default:
		b.Next = nextReminder(step, o, now)
	}
	return []Event{{Kind: KindReminded, Actor: cmd.By, Body: b}}, nil
}

// mayRepeat says why a party cannot be asked once more now.
func mayRepeat(c Case, o Obligation, now time.Time) error {
	last := o.Opened
	if o.LastNotice.After(last) {
		last = o.LastNotice
	}
	inDoubt := o.Status == Pending && o.Doubts >= o.Notices // nobody knows whether any came through
	switch {
	case o.Round != c.Round:
		return problem.New(problem.Conflict, "%s was asked in an earlier round", o.Party.Name)
	case !o.Action.Asks():
		return problem.New(problem.Conflict, "%s was asked for nothing", o.Party.Name)
	case o.Status == HandOff, o.Party.FormOnly():
		return problem.New(problem.Refused, "%s takes it by a form only: a person hands it over", o.Party.Name)
	case o.Status == Unreachable && o.Notices == 0:
		return problem.New(problem.Refused, "no way to write to %s is known: a person hands it over", o.Party.Name)
	case o.Status == Pending && !inDoubt:
		return problem.New(problem.Conflict, "a message to %s is under way", o.Party.Name)
	case !o.Status.live() && o.Status != Unreachable:
		return problem.New(problem.Conflict, "%s was asked, and that is %s: escalate it, or record another answer", o.Party.Name, o.Status)
	case !inDoubt && o.Status != Unreachable && now.Sub(last) < AgainApart:
		return problem.New(problem.Refused, "the last message to %s is under %s old", o.Party.Name, AgainApart)
	}
	return nil
}

// Escalate goes to the next step of the ladder now, as if the time of an
// obligation were over. The party keeps its time: it is not said to have missed it.
type Escalate struct {
	By         string // "person:…"
	Obligation string
	Reason     string
	Plan       Plan // of the look it rests on
}

func (cmd Escalate) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	o, ok := c.Obligation(cmd.Obligation)
	if !ok {
		return nil, problem.New(problem.NotFound, "there is no such obligation on case %s", c.ID)
	}
	if err := cmp.Or(mayMove(pb, c, now), person(cmd.By), reason(cmd.Reason), mayEscalate(c, o)); err != nil {
		return nil, err
	}
	c.Obligations = slices.Clone(c.Obligations)
	for i := range c.Obligations {
		if c.Obligations[i].ID == o.ID {
			c.Obligations[i].Escalated = now
		}
	}
	opened := oblige(pb, c, cmd.Plan, now)
	if !slices.ContainsFunc(opened, func(e Event) bool { return e.Body.(Obliged).Obligation.Escalates == o.ID }) {
		return nil, problem.New(problem.Refused, "%s", noNext(pb, c, o, cmd.Plan))
	}
	return append([]Event{{Kind: KindEscalated, Actor: cmd.By, Body: Escalated{Obligation: o.ID, Reason: cmd.Reason}}}, opened...), nil
}

// mayEscalate says why an obligation cannot be escalated.
func mayEscalate(c Case, o Obligation) error {
	switch {
	case o.Round != c.Round:
		return problem.New(problem.Conflict, "%s was asked in an earlier round", o.Party.Name)
	case !o.Action.Asks():
		return problem.New(problem.Conflict, "%s was asked for nothing: nothing follows from it", o.Party.Name)
	case !o.Escalated.IsZero():
		return problem.New(problem.Conflict, "it was escalated already")
	case o.Delivered.IsZero():
		return problem.New(problem.Refused, "it has not reached %s, and nobody has failed who was not reached: hand it over, or ask the next party", o.Party.Name)
	case !o.Status.live() && o.Status != Refused && o.Status != Referred:
		return problem.New(problem.Conflict, "that is settled: %s", o.Status)
	}
	return nil
}

// noNext says why nobody is asked after an obligation.
func noNext(pb Playbook, c Case, o Obligation, plan Plan) string {
	why := "no step of the playbook comes after " + o.Step
	for _, s := range pb.Steps {
		if s.After != o.Step {
			continue
		}
		if w := bars(s, c, plan); w != "" {
			why = w
			continue
		}
		if s.Action == Bundle && !failed(s, o) {
			return "a bundle says what was not done: the time of " + o.Party.Name + " is not over"
		}
		if !slices.ContainsFunc(plan.Parties, func(p party.Party) bool { return p.Role == s.Role }) {
			return fmt.Sprintf("nobody is known today as the %s of %s", s.Role, c.Subject.Key())
		}
		return fmt.Sprintf("the %s was asked already", s.Role)
	}
	return why
}

// mayMove says why nobody may be asked by hand on a case as it stands.
func mayMove(pb Playbook, c Case, now time.Time) error {
	switch {
	case c.State != Coordinating:
		return problem.New(problem.Conflict, "case %s is %s: nobody is asked before it is confirmed, or after it ended", c.ID, c.State)
	case c.Look == nil || now.Sub(c.Look.At) > age(pb):
		return problem.New(problem.Refused, "an ask rests on a look of ours at most %s old", age(pb))
	case !c.GoneSince.IsZero() || !c.Look.Claimed:
		return problem.New(problem.Refused, "the latest look did not see the abuse: nobody is asked until it is seen again")
	}
	return nil
}

// person checks that a person gave a command.
func person(by string) error {
	if err := actor(by); err != nil || !strings.HasPrefix(by, "person:") {
		return problem.BadField("by", "must name a person")
	}
	return nil
}

// Offers are what a person may do about whom is asked.
type Offers struct {
	Ask      []Step       // steps whose turn has not come
	Again    []Obligation // may get another notice
	Escalate []Obligation // a step follows them
}

// OffersOf says what Ask, AskAgain and Escalate would take, with a fresh look and
// with somebody in each role. The parties of the plan are not asked for: they are
// known after the look.
func OffersOf(pb Playbook, c Case, plan Plan, now time.Time) Offers {
	var out Offers
	if c.State != Coordinating || !c.GoneSince.IsZero() {
		return out
	}
	open := map[string]bool{}
	for _, o := range c.Obligations {
		if o.Round == c.Round {
			open[o.Step] = true
		}
	}
	for _, s := range pb.Steps {
		if s.After != "" && s.Action != Bundle && !open[s.ID] && bars(s, c, plan) == "" {
			out.Ask = append(out.Ask, s)
		}
	}
	for _, o := range c.Obligations {
		if mayRepeat(c, o, now) == nil && (!o.Action.DNSLevel() || mayDarken(c, plan)) {
			out.Again = append(out.Again, o)
		}
		if mayEscalate(c, o) == nil && slices.ContainsFunc(pb.Steps, func(s Step) bool {
			return s.After == o.Step && !open[s.ID] && bars(s, c, plan) == "" && (s.Action != Bundle || failed(s, o))
		}) {
			out.Escalate = append(out.Escalate, o)
		}
	}
	return out
}

// Assign says who works a case; it changes nothing else about it.
type Assign struct {
	By string
	To string // "person:ID"; "" for nobody
}

func (cmd Assign) decide(pb Playbook, c Case, now time.Time) ([]Event, error) {
	if err := actor(cmd.By); err != nil {
		return nil, err
	}
	if cmd.To != "" && (person(cmd.To) != nil || strings.Contains(cmd.To, "/")) {
		return nil, problem.BadField("to", "%.80q is not a reference such as person:7", cmd.To)
	}
	if cmd.To == c.Assignee {
		return nil, nil
	}
	return []Event{{Kind: KindAssigned, Actor: cmd.By, Body: Assigned{To: cmd.To}}}, nil
}
