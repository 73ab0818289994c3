package disclosure

import (
	"cmp"
	"slices"
	"time"
)

// Counts are figures about requests by the definitions of ICANN's Registration
// Data Request Service (RDRS): a request is open when it was not withdrawn and
// has no decision date, and closed in a period when its decision date is in it.
// One refusal may have several reasons, so reasons add up to more than refusals.
// What is bound to a period and what counts since the beginning are never in one
// Counts. There is no name, no requestor and no party in it.
type Counts struct {
	Direction Direction `json:"direction"`
	Profile   string    `json:"profile"`
	// From and To bound the period; a zero From is the beginning of all records.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
	// Submitted reached whoever decides in the period.
	Submitted int `json:"submitted"`
	Urgent    int `json:"urgent"` // of them
	// Acknowledged, of those submitted, before the time for that was over.
	AckInTime int `json:"acknowledged_in_time"`
	AckOver   int `json:"acknowledgement_over"`
	// Closed had their decision in the period, whenever they were submitted.
	Closed        int            `json:"closed"`
	Granted       int            `json:"granted"`
	PartlyGranted int            `json:"partly_granted"`
	Refused       int            `json:"refused"`
	Reasons       map[Reason]int `json:"reasons"`
	InTime        int            `json:"closed_in_time"` // before the time to answer was over
	Withdrawn     int            `json:"withdrawn"`      // in the period
	// Open and Silent are as of the period's end, whenever submitted. Silent are
	// those of the open whose time to answer was over by then.
	Open   int `json:"open"`
	Silent int `json:"silent"`
	// Unreached are requests of ours, made in the period, that had not reached
	// whoever decides at its end. They are in none of the others.
	Unreached int `json:"unreached"`
	// Waits is how long each one submitted in the period was followed: to its
	// decision (Ended), or else to its withdrawal or the period's end.
	Waits []Wait `json:"-"`
}

// Wait is how long one request was followed.
type Wait struct {
	Time  time.Duration
	Ended bool // by a decision
}

// Count counts requests in a period that ends before to; a zero from is the
// beginning. The result is by direction and profile, each with all profiles
// ("all") first.
func Count(rs []Request, from, to time.Time) []Counts {
	type key struct {
		d Direction
		p string
	}
	by := map[key]*Counts{}
	at := func(d Direction, p string) *Counts {
		k := key{d, p}
		if by[k] == nil {
			by[k] = &Counts{Direction: d, Profile: p, From: from, To: to, Reasons: map[Reason]int{}}
		}
		return by[k]
	}
	for _, d := range []Direction{Outgoing, Incoming} {
		at(d, allProfiles)
	}
	for _, r := range rs {
		if r.Opened.Before(to) {
			at(r.Direction, allProfiles).add(r)
			at(r.Direction, r.Terms.Profile).add(r)
		}
	}
	var out []Counts
	for _, c := range by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Counts) int {
		return cmp.Or(-cmp.Compare(a.Direction, b.Direction), cmp.Compare(rank(a.Profile), rank(b.Profile)), cmp.Compare(a.Profile, b.Profile))
	})
	return out
}

const allProfiles = "all"

func rank(profile string) int {
	if profile == allProfiles {
		return 0
	}
	return 1
}

// within says whether a time is in the period.
func (c *Counts) within(t time.Time) bool {
	return !t.IsZero() && !t.Before(c.From) && t.Before(c.To)
}

func (c *Counts) add(r Request) {
	before := func(t time.Time) bool { return !t.IsZero() && t.Before(c.To) }
	if !before(r.Reached) {
		if c.within(r.Opened) && !before(r.Ended) {
			c.Unreached++
		}
		if r.State == Withdrawn && c.within(r.Ended) {
			c.Withdrawn++
		}
		return
	}
	decided := before(r.Decided)
	if c.within(r.Reached) {
		c.Submitted++
		if r.Urgency == Urgent {
			c.Urgent++
		}
		if !r.AckDue.IsZero() {
			switch {
			case before(r.Acked) && !r.Acked.After(r.AckDue), r.Acked.IsZero() && decided && !r.Decided.After(r.AckDue):
				c.AckInTime++
			case before(r.AckDue):
				c.AckOver++
			}
		}
		w := Wait{Time: c.To.Sub(r.Reached)}
		if before(r.Ended) {
			w.Time, w.Ended = r.Ended.Sub(r.Reached), decided
		}
		c.Waits = append(c.Waits, w)
	}
	switch {
	case c.within(r.Decided):
		c.Closed++
		if r.AnswerDue.IsZero() || !r.Decided.After(r.AnswerDue) {
			c.InTime++
		}
		switch r.State {
		case Granted:
			c.Granted++
		case PartlyGranted:
			c.PartlyGranted++
		case Refused:
			c.Refused++
		}
		for _, w := range r.Reasons {
			c.Reasons[w]++
		}
	case r.State == Withdrawn && c.within(r.Ended):
		c.Withdrawn++
	}
	if !before(r.Ended) {
		c.Open++
		if before(r.AnswerDue) {
			c.Silent++
		}
	}
}
