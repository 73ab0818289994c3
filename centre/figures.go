package centre

import (
	"cmp"
	"slices"
	"time"

	"bailiwick/abuse"
	"bailiwick/casework"
	"bailiwick/party"
	"bailiwick/stats"
)

// Figures are the published figures of a centre. docs/desk.md says how each is
// defined; the pages show it beside each.
type Figures struct {
	At      time.Time     `json:"at"`
	Reports ReportFigures `json:"reports"`
	Cases   CaseFigures   `json:"cases"`
	// ByOutcome counts cases by type and outcome; an open case has the outcome
	// "open", a merged one is left out.
	ByOutcome []OutcomeCount `json:"by_outcome"`
	// Weekly counts cases by the week (from Monday, UTC) they were opened in.
	Weekly []Week `json:"weekly"`
	// Mitigate is how long confirmed abuse lasts from the first report on: over
	// all, then by type.
	Mitigate []Survival `json:"mitigate"`
	// AfterAsk is the same from the moment a party has the ask, by its role.
	AfterAsk []Survival `json:"after_ask"`
	Asked    []Asked    `json:"asked"`
	// Disclosure counts requests for registration data since the beginning, by
	// direction and profile; empty where there was none.
	Disclosure []DisclosureFigures `json:"disclosure,omitempty"`
}

// ReportFigures count reports by what became of them.
type ReportFigures struct {
	All       int `json:"all"`
	Accepted  int `json:"accepted"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"`
	Withheld  int `json:"withheld"`
}

// CaseFigures count cases; merged ones count with the case they went to.
type CaseFigures struct {
	All       int `json:"all"`
	Open      int `json:"open"`
	Confirmed int `json:"confirmed"` // at some time
	Returned  int `json:"returned"`  // the abuse came back at least once
	Last30    int `json:"last_30_days"`
	Open30    int `json:"opened_and_confirmed_last_30_days"`
}

// OutcomeCount is one cell.
type OutcomeCount struct {
	Type    abuse.Type `json:"type"`
	Outcome string     `json:"outcome"`
	N       int        `json:"n"`
}

// Week is one bar.
type Week struct {
	Begin     time.Time `json:"begin"`
	Opened    int       `json:"opened"`
	Confirmed int       `json:"confirmed"` // of them
}

// Survival is one curve with what it is of.
type Survival struct {
	Of          string       `json:"of"` // "all", a type, or a role
	MedianHours *float64     `json:"median_hours"`
	Curve       stats.Curve  `json:"curve"`
	Censored    int          `json:"censored"`
	Within      []WithinTime `json:"within"`
}

// WithinTime is the share that had ended within a time, with its 95 % interval.
type WithinTime struct {
	Hours int     `json:"hours"`
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Asked is who was asked, in one role, and what came of it. Counts are of
// obligations that reached their party and asked for something.
type Asked struct {
	Role     party.Role `json:"role"`
	Asked    int        `json:"asked"`
	Answered int        `json:"answered"` // in any way
	Acted    int        `json:"said_acted"`
	Refused  int        `json:"refused"`
	Credited int        `json:"credited"` // measured gone, and the evidence shows it was this party
	Missed   int        `json:"not_seen_to_act"`
	Running  int        `json:"still_running"`
	// The shares answered and credited of those asked, with 95 % intervals.
	AnsweredShare Share `json:"answered_share"`
	CreditedShare Share `json:"credited_share"`
	// Unreached could not be asked: no way in worked, or a person has yet to
	// hand it over.
	Unreached int `json:"unreached"`
}

// Share is a proportion with its 95 % interval (Wilson).
type Share struct {
	Of   float64 `json:"share"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func share(k, n int) Share {
	s := Share{}
	if n > 0 {
		s.Of = float64(k) / float64(n)
	}
	s.Low, s.High = stats.Wilson(k, n)
	return s
}

// withinHours are the times that are quoted of a curve.
var withinHours = []int{4, 24, 72, 168}

// weeks is how many weeks are shown.
const weeks = 12

// tallies gather figures case by case.
type tallies struct {
	now      time.Time
	f        Figures
	outcomes map[[2]string]int
	weekly   map[time.Time]*Week
	mitigate map[string][]stats.Observation
	afterAsk map[string][]stats.Observation
	asked    map[party.Role]*Asked
}

func newTallies(now time.Time) *tallies {
	return &tallies{now: now, f: Figures{At: now}, outcomes: map[[2]string]int{}, weekly: map[time.Time]*Week{},
		mitigate: map[string][]stats.Observation{}, afterAsk: map[string][]stats.Observation{}, asked: map[party.Role]*Asked{}}
}

// monday is the beginning of t's week, UTC.
func monday(t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

func (t *tallies) add(c casework.Case) {
	if c.State == casework.Merged {
		return
	}
	f := &t.f.Cases
	f.All++
	outcome := "open"
	if c.State == casework.Closed {
		outcome = string(c.Outcome)
	} else {
		f.Open++
	}
	confirmed := c.Confirmation != nil
	if confirmed {
		f.Confirmed++
	}
	if c.Returns > 0 {
		f.Returned++
	}
	if t.now.Sub(c.Opened) < 30*24*time.Hour {
		f.Last30++
		if confirmed {
			f.Open30++
		}
	}
	t.outcomes[[2]string{string(c.Type), outcome}]++
	m := monday(c.Opened)
	w := t.weekly[m]
	if w == nil {
		w = &Week{Begin: m}
		t.weekly[m] = w
	}
	w.Opened++
	if confirmed {
		w.Confirmed++
	}
	end, ended := lasted(c)
	if confirmed {
		from := c.FirstReport()
		if c.Round > 1 {
			from = c.Began // what came back is counted from its return
		}
		o := stats.Observation{Time: end.Sub(from), Ended: ended}
		t.mitigate["all"] = append(t.mitigate["all"], o)
		t.mitigate[string(c.Type)] = append(t.mitigate[string(c.Type)], o)
	}
	for _, o := range c.Obligations {
		t.ask(c, o, end, ended)
	}
}

// lasted is until when a case's abuse was followed in its present round, and
// whether it was seen to end then. A case closed by hand, withdrawn or found
// untrue did not end by what was measured: it is censored.
func lasted(c casework.Case) (time.Time, bool) {
	if c.State != casework.Closed {
		if c.Look != nil {
			return c.Look.At, false
		}
		return c.Last, false
	}
	switch c.Outcome {
	case casework.Stopped, casework.Disrupted, casework.Moved, casework.Parked, casework.DownBeforeAsked:
		if !c.GoneSince.IsZero() {
			return c.GoneSince, true
		}
		return c.Closed, true
	}
	return c.Closed, false
}

func (t *tallies) ask(c casework.Case, o casework.Obligation, end time.Time, ended bool) {
	if !o.Action.Asks() {
		return
	}
	a := t.asked[o.Party.Role]
	if a == nil {
		a = &Asked{Role: o.Party.Role}
		t.asked[o.Party.Role] = a
	}
	if o.Delivered.IsZero() {
		if o.Status == casework.Unreachable || o.Status == casework.HandOff {
			a.Unreached++
		}
		return
	}
	a.Asked++
	if o.Answer != "" {
		a.Answered++
	}
	switch o.Answer {
	case "acted":
		a.Acted++
	case "refused", "not_ours", "referred":
		a.Refused++
	}
	switch {
	case o.Status == casework.Met:
		a.Credited++
	case o.Status == casework.Missed:
		a.Missed++
	case o.Status == casework.Running || o.Status == casework.Acted:
		a.Running++
	}
	if o.Round == c.Round {
		t.afterAsk[string(o.Party.Role)] = append(t.afterAsk[string(o.Party.Role)], stats.Observation{Time: end.Sub(o.Delivered), Ended: ended})
	}
}

// figures sums up.
func (t *tallies) figures() Figures {
	f := t.f
	for k, n := range t.outcomes {
		f.ByOutcome = append(f.ByOutcome, OutcomeCount{abuse.Type(k[0]), k[1], n})
	}
	slices.SortFunc(f.ByOutcome, func(a, b OutcomeCount) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Outcome, b.Outcome))
	})
	first := monday(t.now).AddDate(0, 0, -7*(weeks-1))
	for i := range weeks {
		begin := first.AddDate(0, 0, 7*i)
		if w := t.weekly[begin]; w != nil {
			f.Weekly = append(f.Weekly, *w)
		} else {
			f.Weekly = append(f.Weekly, Week{Begin: begin})
		}
	}
	f.Mitigate, f.AfterAsk = curves(t.mitigate), curves(t.afterAsk)
	for _, a := range t.asked {
		a.AnsweredShare, a.CreditedShare = share(a.Answered, a.Asked), share(a.Credited, a.Asked)
		f.Asked = append(f.Asked, *a)
	}
	slices.SortFunc(f.Asked, func(a, b Asked) int { return cmp.Or(b.Asked-a.Asked, cmp.Compare(a.Role, b.Role)) })
	return f
}

// curves are the curves of each group: "all" first, then the largest.
func curves(obs map[string][]stats.Observation) []Survival {
	var out []Survival
	for of, o := range obs {
		c := stats.Survival(o)
		s := Survival{Of: of, Curve: c, Censored: c.N - c.Ended}
		if m, ok := c.Median(); ok {
			h := m.Hours()
			s.MedianHours = &h
		}
		for _, h := range withinHours {
			at := c.At(time.Duration(h) * time.Hour)
			s.Within = append(s.Within, WithinTime{h, 1 - at.Share, 1 - at.High, 1 - at.Low})
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Survival) int {
		if (a.Of == "all") != (b.Of == "all") {
			if a.Of == "all" {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Curve.N-a.Curve.N, cmp.Compare(a.Of, b.Of))
	})
	return out
}
