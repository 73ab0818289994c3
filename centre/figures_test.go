package centre

import (
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/party"
)

// noon is a Wednesday.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// confirmedCase is one reported and opened h hours before noon.
func confirmedCase(h float64, change func(*casework.Case)) casework.Case {
	at := noon.Add(-time.Duration(h * float64(time.Hour)))
	c := casework.Case{ID: "c", State: casework.Coordinating, Type: abuse.Phishing, Opened: at, Began: at, Last: noon, Round: 1, Reports: []casework.ReportRef{{ID: "r", Received: at}},
		Confirmation: &casework.Confirmation{By: "rule:x", At: at}, Look: &casework.Finding{At: noon}}
	if change != nil {
		change(&c)
	}
	return c
}

func closedAs(o casework.Outcome, gone float64) func(*casework.Case) {
	return func(c *casework.Case) {
		c.State, c.Outcome, c.Closed = casework.Closed, o, noon
		if gone > 0 {
			c.GoneSince = c.Opened.Add(time.Duration(gone * float64(time.Hour)))
		}
	}
}

func count(cs ...casework.Case) Figures {
	t := newTallies(noon)
	for _, c := range cs {
		t.add(c)
	}
	return t.figures()
}

func TestLasted(t *testing.T) {
	for _, c := range []struct {
		name  string
		c     casework.Case
		hours float64
		ended bool
	}{
		{"open: as far as it was looked at", confirmedCase(10, nil), 10, false},
		{"stopped: to the first look without it", confirmedCase(10, closedAs(casework.Stopped, 3)), 3, true},
		{"disrupted", confirmedCase(10, closedAs(casework.Disrupted, 3)), 3, true},
		{"moved", confirmedCase(10, closedAs(casework.Moved, 3)), 3, true},
		{"parked", confirmedCase(10, closedAs(casework.Parked, 3)), 3, true},
		{"gone before anybody was asked", confirmedCase(10, closedAs(casework.DownBeforeAsked, 3)), 3, true},
		{"closed by hand was not measured", confirmedCase(10, closedAs(casework.ByHand, 3)), 10, false},
		{"withdrawn", confirmedCase(10, closedAs(casework.Withdrawn, 0)), 10, false},
		{"a second round counts from its beginning", confirmedCase(10, func(c *casework.Case) { c.Round, c.Began = 2, noon.Add(-4*time.Hour) }), 4, false},
	} {
		f := count(c.c)
		if len(f.Mitigate) != 2 || f.Mitigate[0].Of != "all" || f.Mitigate[1].Of != "phishing" {
			t.Fatalf("%s: %+v", c.name, f.Mitigate)
		}
		s := f.Mitigate[0].Curve.Steps[0]
		if s.At.Hours() != c.hours || (s.Ended == 1) != c.ended || f.Mitigate[0].Censored != 1-s.Ended {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
	unconfirmed := confirmedCase(10, closedAs(casework.NotConfirmed, 0))
	unconfirmed.Confirmation = nil
	if f := count(unconfirmed); len(f.Mitigate) != 0 || f.Cases.Confirmed != 0 || f.Cases.All != 1 {
		t.Errorf("what was not confirmed does not last: %+v", f)
	}
}

func TestAsked(t *testing.T) {
	o := func(role party.Role, s casework.Status, answer string, hours float64) casework.Obligation {
		ob := casework.Obligation{ID: "o", Round: 1, Party: party.Party{Role: role}, Action: casework.RemoveContent, Status: s, Answer: answer}
		if hours > 0 {
			ob.Delivered = noon.Add(-time.Duration(hours * float64(time.Hour)))
		}
		return ob
	}
	told := o(party.Host, casework.Informed, "", 5)
	told.Action = casework.Inform
	before := o(party.Host, casework.Missed, "", 90)
	before.Round = 0
	f := count(
		confirmedCase(10, func(c *casework.Case) {
			closedAs(casework.Stopped, 4)(c)
			c.Obligations = []casework.Obligation{o(party.Host, casework.Met, "acted", 8), o(party.Registrar, casework.Moot, "received", 7), told, before}
		}),
		confirmedCase(9, func(c *casework.Case) {
			c.Obligations = []casework.Obligation{o(party.Host, casework.Running, "", 8), o(party.Host, casework.Refused, "not_ours", 8), o(party.Host, casework.Unreachable, "", 0), o(party.Host, casework.Pending, "", 0)}
		}))
	if len(f.Asked) != 2 || f.Asked[0].Role != party.Host {
		t.Fatalf("%+v", f.Asked)
	}
	h := f.Asked[0]
	want := Asked{Role: party.Host, Asked: 4, Answered: 2, Acted: 1, Refused: 1, Credited: 1, Missed: 1, Running: 1, Unreached: 1, AnsweredShare: share(2, 4), CreditedShare: share(1, 4)}
	if h != want {
		t.Errorf("%+v, not %+v", h, want)
	}
	if f.AfterAsk[0].Of != "host" || f.AfterAsk[0].Curve.N != 3 { // the earlier round's is not followed
		t.Errorf("%+v", f.AfterAsk[0])
	}
	if s := f.AfterAsk[0].Curve.Steps[0]; s.At != 2*time.Hour || s.Ended != 1 { // asked two hours after the report, gone after four
		t.Errorf("%+v", s)
	}
	if s := share(0, 0); s.Low != 0 || s.High != 1 {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestCounts(t *testing.T) {
	f := count(
		confirmedCase(1, nil), confirmedCase(2, closedAs(casework.Stopped, 1)),
		confirmedCase(24*40, func(c *casework.Case) { closedAs(casework.ByHand, 0)(c); c.Type, c.Returns = abuse.Malware, 1 }),
		confirmedCase(1, func(c *casework.Case) { c.State = casework.Merged }))
	if f.Cases.All != 3 || f.Cases.Open != 1 || f.Cases.Confirmed != 3 || f.Cases.Returned != 1 || f.Cases.Last30 != 2 {
		t.Errorf("%+v", f.Cases)
	}
	want := []OutcomeCount{{abuse.Malware, "closed by hand", 1}, {abuse.Phishing, "open", 1}, {abuse.Phishing, "stopped", 1}}
	if len(f.ByOutcome) != 3 {
		t.Fatalf("%+v", f.ByOutcome)
	}
	for i := range want {
		if f.ByOutcome[i] != want[i] {
			t.Errorf("%+v, not %+v", f.ByOutcome[i], want[i])
		}
	}
	if n := len(f.Weekly); n != weeks || f.Weekly[n-1].Begin.Weekday() != time.Monday || f.Weekly[n-1].Opened != 2 || !f.Weekly[n-1].Begin.Equal(time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", f.Weekly)
	}
	if f := count(); len(f.Weekly) != weeks || f.Cases.All != 0 || len(f.Mitigate) != 0 {
		t.Errorf("of nothing: %+v", f)
	}
}

// TestMatters: what a person has to see before acting, and what happens all the
// time.
func TestMatters(t *testing.T) {
	for _, c := range []struct {
		kind  casework.Kind
		actor string
		want  bool
	}{
		{casework.KindLooked, casework.Centre, false}, {casework.KindReport, "report:1", false}, {casework.KindDelivered, casework.Centre, false}, {casework.KindReminded, casework.Centre, false},
		{casework.KindDelivered, "person:1", true}, {casework.KindNote, "person:1", true}, {casework.KindAnswered, "party:1", true}, {casework.KindConfirmed, "rule:x", true}, {casework.KindClosed, casework.Centre, true},
	} {
		e := casework.Entry{Link: casework.Link{Kind: c.kind, Actor: c.actor}}
		if matters(e) != c.want {
			t.Errorf("%s by %s: %t", c.kind, c.actor, !c.want)
		}
	}
}
