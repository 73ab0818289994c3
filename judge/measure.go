package judge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration"
)

// Outcome is how a case ends, in the words of DESIGN section 4.
type Outcome string

// The outcomes.
const (
	Stopped         Outcome = "stopped"
	Disrupted       Outcome = "disrupted" // still there, but behind a warning, or only a part of it
	Cloaked         Outcome = "cloaked"   // gone for some vantage points that saw it, there for others
	Moved           Outcome = "moved"     // the claimed URL sends visitors to it under another name
	BackUp          Outcome = "back up"
	NotConfirmed    Outcome = "not confirmed"
	DownBeforeAsked Outcome = "down before asked"
	ParkedSinkholed Outcome = "parked or sinkholed"
	NotSeenFromHere Outcome = "not seen from here"
)

// State is the present state of a confirmed abuse: one of the outcomes that
// describe one (stopped, disrupted, cloaked, moved, back up, parked or
// sinkholed), or one of the three below, with which no case ends.
type State = Outcome

// The states that are no outcome.
const (
	Alive       State = "alive"
	Unclear     State = "unclear"     // the page changed, and a person has to look
	Unreachable State = "unreachable" // no conclusion
)

// Filing is what the registration said at one time: the part that tells who
// acted.
type Filing struct {
	At          time.Time          `json:"at"`
	State       registration.State `json:"state"`
	Registrar   string             `json:"registrar,omitempty"` // IANA ID, or the name without one
	Statuses    []string           `json:"statuses,omitempty"`
	Nameservers []string           `json:"nameservers,omitempty"`
	Expires     registration.Date  `json:"expires,omitzero"`
}

// FilingOf takes a Filing from a record read at the given time; nil for nil.
func FilingOf(r *registration.Record, at time.Time) *Filing {
	if r == nil {
		return nil
	}
	f := &Filing{At: at, State: r.State, Registrar: cmp.Or(r.Registrar.IANAID, r.Registrar.Name), Statuses: slices.Clone(r.Statuses), Expires: r.Expires}
	for _, n := range r.Nameservers {
		f.Nameservers = append(f.Nameservers, host(n))
	}
	slices.Sort(f.Statuses)
	slices.Sort(f.Nameservers)
	return f
}

func host(s string) string { return strings.TrimSuffix(strings.ToLower(s), ".") }

func (f *Filing) has(status string) bool {
	return f != nil && slices.ContainsFunc(f.Statuses, func(s string) bool { return strings.EqualFold(s, status) })
}

// Snapshot is one outcome check: what was seen, and the registration if it was
// asked for.
type Snapshot struct {
	Sight  Sight   `json:"sight"`
	Filing *Filing `json:"filing,omitempty"`
}

// Answer is what a party that was asked said.
type Answer struct {
	Party  string     `json:"party"` // party.Party.ID
	Role   party.Role `json:"role"`
	Answer string     `json:"answer"` // "acted" counts; every other is kept for people
	At     time.Time  `json:"at"`
}

// Acted is the answer of a party that says it acted.
const Acted = "acted"

// Rule says when a state is certain: at least Looks successive looks (never
// under two), the first and the last at least Apart apart.
type Rule struct {
	Looks int
	Apart time.Duration
}

// MeasureInput is a course of looks at one confirmed abuse. The looks need not
// be in order.
type MeasureInput struct {
	Subject party.Subject
	Base    Snapshot // at confirmation
	Later   []Snapshot
	Rule    Rule
	Answers []Answer
	// Roles are those of the parties that have authority here, when known;
	// they tell who a warning without a signature can be from.
	Roles []party.Role
	Known Known
	// ByPerson: a person confirmed it, so that pages a rule cannot judge
	// count as the abuse.
	ByPerson bool
	// Ended: the case had closed as ended before the first of Later, so that
	// any return is one.
	Ended bool
}

// Actor is who ended the abuse, when the evidence shows it. The zero Role is
// "actor unknown".
type Actor struct {
	Role  party.Role `json:"role,omitempty"`
	Party string     `json:"party,omitempty"` // its id, when it answered
	// Basis is the row of the table in docs/judgement.md.
	Basis  string `json:"basis"`
	Reason string `json:"reason"`
}

// DNSOperator is the role of whoever runs the name's name servers, where that
// is all that is known of them. No party is asked in it.
const DNSOperator party.Role = "dns-operator"

// Known says whether anybody is credited.
func (a Actor) Known() bool { return a.Role != "" }

// String is the role, or "actor unknown".
func (a Actor) String() string {
	if !a.Known() {
		return "actor unknown"
	}
	return string(a.Role)
}

// Measured is the answer.
type Measured struct {
	State  State  `json:"state"`
	Reason string `json:"reason"`
	// Certain: the state has held as long as the rule asks, from every vantage
	// point that saw the abuse. Alive needs one look.
	Certain bool `json:"certain"`
	// Since is the first look of the present state, LastSeen the last look at
	// which the abuse was seen; the change lies between the two.
	Since    time.Time `json:"since"`
	LastSeen time.Time `json:"last_seen"`
	// Looks is the number of conclusive looks the state rests on, over Span.
	Looks int           `json:"looks"`
	Span  time.Duration `json:"span"`
	Actor Actor         `json:"actor"`
	// SeenFrom and HiddenFrom are the vantage points of the last look that see
	// the abuse, and those that saw it at first and do not.
	SeenFrom   []string `json:"seen_from,omitempty"`
	HiddenFrom []string `json:"hidden_from,omitempty"`
	MovedTo    name.URL `json:"moved_to,omitzero"`
	// Returns counts how often the abuse came back after a certain end.
	Returns int    `json:"returns,omitempty"`
	Doubt   string `json:"doubt,omitempty"`
}

// Ended says whether the abuse is measurably over at this name, in the sense
// that lets a case close.
func (m Measured) Ended() bool {
	switch m.State {
	case Stopped, Disrupted, ParkedSinkholed, Moved:
		return m.Certain
	}
	return false
}

// Measure says what became of a confirmed abuse, how certain that is, and who
// ended it.
func Measure(in MeasureInput) Measured {
	later := slices.Clone(in.Later)
	slices.SortStableFunc(later, func(a, b Snapshot) int { return a.Sight.At.Compare(b.Sight.At) })
	rule := Rule{Looks: max(in.Rule.Looks, 2), Apart: max(in.Rule.Apart, 0)}
	base := baseline(in)
	m := Measured{State: Alive, Reason: "as at the confirmation", Certain: true, Since: in.Base.Sight.At, LastSeen: in.Base.Sight.At, Looks: 1, SeenFrom: in.Base.Sight.SeenFrom, Actor: nobody("not-over", "the abuse is still there")}
	if len(later) == 0 {
		return m
	}
	looks := make([]look, len(later))
	ended := in.Ended
	back := false
	for i, s := range later {
		looks[i] = base.at(in, s)
		switch st := looks[i].state; {
		case over(st) || st == Disrupted:
			if !ended {
				ended = run(looks[:i+1], rule, func(s State) bool { return over(s) || s == Disrupted }).certain
			}
			if ended {
				back = false
			}
		case st == Alive || st == Cloaked || st == Moved:
			if ended {
				back, ended = true, false
				m.Returns++
			}
		}
		if looks[i].seen {
			m.LastSeen = s.Sight.At
		}
	}
	last := looks[len(looks)-1]
	m.SeenFrom, m.HiddenFrom, m.MovedTo, m.Doubt = last.seenFrom, last.hiddenFrom, last.movedTo, last.doubt
	m.State, m.Reason = last.state, last.reason
	var r stretch
	switch last.state {
	case Alive, Unclear:
		r = run(looks, rule, func(s State) bool { return s == last.state })
		r.certain = last.state == Alive
	case Cloaked:
		r = run(looks, rule, func(s State) bool { return s == Cloaked })
		if !r.certain {
			m.State, m.Reason = Alive, "seen from some vantage points and not from others that saw it before, so far not often enough to call it hidden"
			r.certain = true
		}
	case Moved:
		r = run(looks, rule, func(s State) bool { return s == Moved })
	case Disrupted:
		r = run(looks, rule, func(s State) bool { return s == Disrupted || over(s) })
	case Unreachable:
		// Silence is no end, until it has lasted long from everywhere.
		r = run(looks, Rule{Looks: 2 * rule.Looks, Apart: 4 * rule.Apart}, func(s State) bool { return s == Unreachable || over(s) })
		if r.certain && rule.Apart > 0 {
			m.State, m.Reason = Stopped, "nothing has answered any vantage point that saw it for "+r.span.String()
		} else {
			r.certain = false
		}
	default:
		r = run(looks, rule, over)
	}
	m.Certain, m.Looks, m.Span = r.certain, r.looks, r.span
	m.Since = later[r.first].Sight.At
	if (m.State == Alive || m.State == Cloaked) && back {
		m.State, m.Reason, m.Certain = BackUp, "it was gone, and is there again", true
	}
	switch m.State {
	case Stopped, Disrupted, ParkedSinkholed:
		m.Actor = credit(in, m, later[r.first:], looks[r.first:])
		if (m.Actor.Basis == "client-hold" || m.Actor.Basis == "server-hold") && r.first > 0 && looks[r.first-1].state == Unreachable {
			m.Actor = nobody("silent-first", "nothing answered before the hold appeared: it may have ended by itself")
		}
	case Moved:
		m.Actor = nobody("moved", "it was moved, which only those behind it do")
	}
	return m
}

// over says whether a state is an end at this name.
func over(s State) bool { return s == Stopped || s == ParkedSinkholed }

// stretch is a run of looks up to the last.
type stretch struct {
	first   int // index of its first conclusive look
	looks   int
	span    time.Duration
	certain bool
}

// run finds the longest tail of looks whose states fit. Looks without a
// conclusion neither break nor count, unless they fit themselves.
func run(looks []look, rule Rule, fits func(State) bool) stretch {
	s := stretch{first: len(looks) - 1}
	for i := len(looks) - 1; i >= 0; i-- {
		if fits(looks[i].state) {
			s.first = i
			s.looks++
		} else if looks[i].state != Unreachable {
			break
		}
	}
	s.span = looks[len(looks)-1].at.Sub(looks[s.first].at)
	s.certain = s.looks >= rule.Looks && s.span >= rule.Apart
	return s
}

// pair is one URL from one vantage point.
type pair struct {
	url     name.URL
	vantage string
}

// ground is what the baseline saw: what later looks are held against.
type ground struct {
	pairs   []pair
	urls    []name.URL
	holders []string   // where it was seen: under which names
	sketch  [][]uint32 // of the pages that showed it
}

func (in MeasureInput) saw(v View) bool {
	return v.Shows == ShowsAbuse || in.ByPerson && v.Shows == ShowsUnclear
}

func baseline(in MeasureInput) ground {
	var g ground
	for _, v := range in.Base.Sight.Views {
		if !in.saw(v) {
			continue
		}
		if p := (pair{v.URL, v.Vantage}); !slices.Contains(g.pairs, p) {
			g.pairs = append(g.pairs, p)
		}
		if !slices.Contains(g.urls, v.URL) {
			g.urls = append(g.urls, v.URL)
		}
		if h := in.Known.holderOf(v.final()); !slices.Contains(g.holders, h) {
			g.holders = append(g.holders, h)
		}
		if len(v.Sketch) > 0 {
			g.sketch = append(g.sketch, v.Sketch)
		}
	}
	return g
}

// look is one later look, held against the baseline.
type look struct {
	at                   time.Time
	state                State
	reason, doubt        string
	seen                 bool
	seenFrom, hiddenFrom []string
	movedTo              name.URL
}

// at judges one later look by itself.
func (g ground) at(in MeasureInput, s Snapshot) look {
	l := look{at: s.Sight.At}
	var moved []View
	seenURL := map[name.URL]bool{}
	seenAt := map[pair]bool{}
	got := map[pair]Shows{}
	warned, unclear, held := false, false, false
	for _, v := range s.Sight.Views {
		p := pair{v.URL, v.Vantage}
		switch {
		case in.saw(v):
			if h := in.Known.holderOf(v.final()); slices.Contains(g.holders, h) || h == in.Known.holderOf(v.URL) {
				seenURL[v.URL], seenAt[p] = true, true
				l.seenFrom = append(l.seenFrom, v.Vantage)
			} else {
				moved = append(moved, v)
			}
			if in.ByPerson && v.Shows == ShowsUnclear && g.changed(v) {
				l.doubt = "the page is live but no longer the one that was confirmed: a person has to look"
			}
		case v.Shows == ShowsWarned:
			warned = true
		case v.Shows == ShowsUnclear:
			unclear = true
			l.doubt = cmp.Or(l.doubt, v.Doubt, v.Reason)
		case v.Shows == ShowsParked || v.Shows == ShowsSinkholed:
			held = true
		}
		if was, twice := got[p]; !twice || was.away() { // of two fetches the one that saw most counts
			got[p] = v.Shows
		}
	}
	slices.Sort(l.seenFrom)
	l.seenFrom = slices.Compact(l.seenFrom)
	if len(seenURL) > 0 {
		l.seen = true
		return g.partly(l, seenURL, seenAt, got)
	}
	if len(moved) > 0 {
		l.state, l.seen, l.movedTo = Moved, true, moved[0].final()
		for _, v := range moved {
			l.seenFrom = append(l.seenFrom, v.Vantage)
		}
		slices.Sort(l.seenFrom)
		l.seenFrom = slices.Compact(l.seenFrom)
		l.reason = "the claimed URL sends visitors to the same at " + clean(l.movedTo.Host(), 80)
		return l
	}
	return g.absent(l, s.Sight, got, warned, unclear, held)
}

// changed says whether a page shares little with those at the baseline.
func (g ground) changed(v View) bool {
	if len(g.sketch) == 0 || len(v.Sketch) == 0 {
		return false
	}
	return !slices.ContainsFunc(g.sketch, func(b []uint32) bool { return alike(b, v.Sketch) >= 0.3 })
}

// partly judges a look at which something was seen: all of it, some of the
// URLs, or all of them from some vantage points.
func (g ground) partly(l look, seenURL map[name.URL]bool, seenAt map[pair]bool, got map[pair]Shows) look {
	l.state, l.reason = Alive, "seen"
	gone := 0
	for _, u := range g.urls {
		if seenURL[u] {
			continue
		}
		all := true
		for _, p := range g.pairs {
			if p.url == u && !got[p].away() {
				all = false
			}
		}
		if all {
			gone++
		}
	}
	for _, p := range g.pairs {
		if seenURL[p.url] && !seenAt[p] && got[p].away() {
			l.hiddenFrom = append(l.hiddenFrom, p.vantage)
		}
	}
	slices.Sort(l.hiddenFrom)
	l.hiddenFrom = slices.Compact(l.hiddenFrom)
	l.hiddenFrom = slices.DeleteFunc(l.hiddenFrom, func(v string) bool { return slices.Contains(l.seenFrom, v) })
	switch {
	case len(l.hiddenFrom) > 0:
		l.state, l.reason = Cloaked, "seen from "+join(l.seenFrom)+", not from "+join(l.hiddenFrom)+", which saw it before"
	case gone > 0:
		l.state, l.reason = Disrupted, "a part of the claimed URLs is gone, the rest is there"
	}
	return l
}

func join(s []string) string { return clean(strings.Join(s, ", "), 160) }

// absent judges a look at which nothing was seen.
func (g ground) absent(l look, s Sight, got map[pair]Shows, warned, unclear, held bool) look {
	missing := 0
	for _, p := range g.pairs {
		if sh, ok := got[p]; !ok || sh == ShowsNothing {
			missing++
		}
	}
	undelegated := s.Zone != nil && (s.Zone.Delegation == "NXDOMAIN" || s.Zone.Delegation == "none")
	switch {
	case unclear:
		l.state, l.reason = Unclear, "the page changed: "+l.doubt
	case warned:
		l.state, l.reason = Disrupted, "a warning stands in front of it"
	case missing > 0 && !undelegated || len(got) == 0:
		l.state, l.reason = Unreachable, "not every vantage point that saw it got an answer"
	case held:
		l.state, l.reason = ParkedSinkholed, "the name is parked or leads to a sinkhole"
	default:
		l.state, l.reason = Stopped, "no vantage point that saw it sees it"
		if undelegated {
			l.reason = "the name is not in the zone any more"
		}
	}
	return l
}

// Unasked is the outcome of a case in which nothing was ever asked: what the
// looks at it say. They need not be in order; asked for with none it is "not
// seen from here".
func Unasked(sights []Sight) Outcome {
	s := slices.Clone(sights)
	slices.SortStableFunc(s, func(a, b Sight) int { return a.At.Compare(b.At) })
	var last Outcome
	for _, x := range s {
		if o := unasked(x); o != "" {
			last = o // the last conclusive look counts
		}
	}
	return cmp.Or(last, NotSeenFromHere)
}

func unasked(s Sight) Outcome {
	n := map[Shows]int{}
	refused := 0
	for _, v := range s.Views {
		n[v.Shows]++
		if v.Cause == CauseForbidden {
			refused++
		}
	}
	switch {
	case n[ShowsAbuse]+n[ShowsOther]+n[ShowsUnclear]+n[ShowsWarned] > 0:
		return NotConfirmed // live, and nobody confirmed it
	case n[ShowsParked]+n[ShowsSinkholed] > 0:
		return ParkedSinkholed
	case n[ShowsGone] > refused:
		return DownBeforeAsked
	case refused > 0:
		return NotSeenFromHere
	}
	return ""
}
