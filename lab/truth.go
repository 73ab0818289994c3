package lab

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
)

// Truth is what really became of a subject, as written down by the lab's
// parties. The outcomes are in the centre's words; docs/scenarios.md defines
// them.
type Truth struct {
	Subject string     `json:"subject"`
	Type    abuse.Type `json:"type"`
	Class   string     `json:"class"`   // malicious, compromised, platform, innocent, unknown
	Outcome string     `json:"outcome"` // as in docs/scenarios.md; "open" while it stands
	// Since is when the outcome came about; zero for open and not confirmed.
	Since time.Time `json:"since,omitzero"`
	// Actor ended it, in ActorRole; "" when nobody did or nobody is known.
	Actor     string `json:"actor"`
	ActorRole string `json:"actor_role,omitempty"`
	// Reported is when the first report about it was sent; zero if none was.
	Reported time.Time `json:"reported,omitzero"`
	// Asked is when the first ask about it was accepted by a party that could
	// act.
	Asked time.Time  `json:"asked,omitzero"`
	Acts  []Act      `json:"acts,omitempty"`
	Asks  []Ask      `json:"asks,omitempty"`
	Live  []Interval `json:"live,omitempty"` // when at least one vantage point could see it
	// WrongfulAsks counts asks that should not have been made; WrongfulDNSAsks
	// those of them at the DNS level (on a name that is not maliciously
	// registered). WrongfulDNS says that a party then took a name away from an
	// honest holder.
	WrongfulAsks    int  `json:"wrongful_asks,omitempty"`
	WrongfulDNSAsks int  `json:"wrongful_dns_asks,omitempty"`
	WrongfulDNS     bool `json:"wrongful_dns,omitempty"`
	// Mails are those that parties and their machines sent to the centre about
	// it; Receipts how many mails reporters got that answer their reports of it.
	Mails    []MailSent `json:"mails,omitempty"`
	Receipts int        `json:"receipts,omitempty"`
	// Verification is of its holder; nil where no TLD asks for it.
	Verification *Verification `json:"verification,omitempty"`
}

// Act is something a party, an operator or a registrant did.
type Act struct {
	At       time.Time `json:"at"`
	Party    string    `json:"party,omitempty"`
	Role     string    `json:"role"`
	Act      string    `json:"act"`
	Wrongful bool      `json:"wrongful,omitempty"`
}

// Ask is a notice that a party's server accepted.
type Ask struct {
	At     time.Time `json:"at"`
	Party  string    `json:"party"`
	Role   string    `json:"role"`
	Action string    `json:"action,omitempty"`
	Holds  bool      `json:"holds"` // it has authority over the subject
}

// Interval is a stretch of time; To is zero while it lasts.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// subject is the book about one subject.
type subject struct {
	key             string
	h               *holding // nil when the lab has no such name
	urls            []string
	types           []abuse.Type
	reported        time.Time
	asked           time.Time
	asks            []Ask
	acts            []Act
	history         []snapshot
	wrongfulAsks    int
	wrongfulDNSAsks int
	receipts        int // that reporters got by mail
}

// snapshot is what could be seen from some time on.
type snapshot struct {
	at     time.Time
	sees   []sight // by vantage point
	anyone sight   // what some visitor could see
	leads  bool    // it still sends visitors on to the name it moved to
	act    *Act    // that made it so; nil at the start and for what time alone did
}

func (s snapshot) best() sight {
	best := seesNothing
	for _, v := range s.sees {
		best = max(best, v)
	}
	return best
}

// standing says whether the abuse can be seen: on the subject itself or
// through a redirect.
func (s snapshot) standing() bool { return s.best() >= seesMoved }

func parseAddr(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// subject finds or makes a book.
func (w *World) subject(key string) *subject {
	s := w.subjects[key]
	if s == nil {
		s = &subject{key: key, h: w.holdings[key]}
		if s.h != nil {
			s.urls = append(s.urls, s.h.def.URL())
			s.types = append(s.types, s.h.def.Type)
		}
		w.subjects[key] = s
	}
	return s
}

// subjectsOf opens a book on every abusive name and on everything that will be
// reported.
func (w *World) subjectsOf() {
	for _, h := range w.order {
		if h.def.isAbusive() || h.def.Truth != nil {
			w.subject(h.def.Name)
		}
	}
	for i := range w.s.Reports {
		r := &w.s.Reports[i]
		if r.moot() {
			continue
		}
		for _, u := range r.urls(w) {
			key := w.keyOfURL(u)
			if key == "" {
				continue
			}
			s := w.subject(key)
			if !slices.Contains(s.urls, u) {
				s.urls = append(s.urls, u)
			}
			if !slices.Contains(s.types, r.Type) {
				s.types = append(s.types, r.Type)
			}
		}
	}
}

func (w *World) keyOfURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return w.subjectKey(u.Hostname())
}

func (w *World) subjectList() []*subject {
	out := make([]*subject, 0, len(w.subjects))
	for _, s := range w.subjects {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *subject) int { return strings.Compare(a.key, b.key) })
	return out
}

// touch notes that something about a name changed, by an act if one did it:
// what can be seen of it, and of names that lead to it, is looked at again.
func (w *World) touch(h *holding, at time.Time, a *Act) {
	if a != nil {
		w.subject(h.def.Name).acts = append(w.subject(h.def.Name).acts, *a)
	}
	names := []*holding{h}
	names = append(names, h.movedFrom...)
	if h.platformOwn(w) {
		for _, c := range w.order {
			if c.platform != nil && strings.HasSuffix(c.def.Name, "."+h.def.Name) {
				names = append(names, c)
			}
		}
	}
	names = append(names, w.leads[h.def.Name]...)
	for _, x := range names {
		if s := w.subjects[x.def.Name]; s != nil {
			w.observe(s, at, a)
		}
	}
}

// observe looks at a subject from every vantage point and notes a change.
func (w *World) observe(s *subject, at time.Time, a *Act) {
	snap := snapshot{at: at, act: a}
	best := func(v visitor) sight {
		out := seesNothing
		for _, u := range s.urls {
			out = max(out, w.see(u, v, at))
		}
		return out
	}
	for _, v := range w.vantages {
		snap.sees = append(snap.sees, best(v.visitor()))
	}
	snap.anyone = max(best(visitor{anyone: true}), snap.best())
	if h := s.h; h != nil && h.movedTo != nil && h.how == "" {
		snap.leads = len(w.resolve(h.def.Site.Host)) > 0
	}
	if n := len(s.history); n > 0 {
		last := &s.history[n-1]
		if slices.Equal(last.sees, snap.sees) && last.anyone == snap.anyone && last.leads == snap.leads {
			return
		}
	}
	s.history = append(s.history, snap)
}

// Truth is what became of every abusive or reported subject up to now, by
// subject and type.
func (w *World) Truth() []Truth {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readMail()
	var out []Truth
	for _, s := range w.subjectList() {
		if s.reported.IsZero() && s.h != nil && (s.h.refused || s.h.registered.IsZero()) {
			continue // it never came to be
		}
		types := s.types
		if s.h != nil && s.h.def.isAbusive() && !slices.Contains(types, s.h.def.Type) {
			types = append(slices.Clone(types), s.h.def.Type)
		}
		for _, t := range types {
			out = append(out, w.truthOf(s, t))
		}
	}
	return out
}

func (w *World) truthOf(s *subject, t abuse.Type) Truth {
	out := Truth{Subject: s.key, Type: t, Class: "unknown", Reported: s.reported, Asked: s.asked, Acts: slices.Clone(s.acts), Asks: slices.Clone(s.asks),
		Live: s.intervals(), WrongfulAsks: s.wrongfulAsks, WrongfulDNSAsks: s.wrongfulDNSAsks, Receipts: s.receipts}
	for _, m := range w.letters {
		if m.Subject == s.key && m.Kind != "report" {
			out.Mails = append(out.Mails, m)
		}
	}
	for _, a := range s.acts {
		if a.Wrongful && (a.Role == "registrar" || a.Role == "registry") {
			out.WrongfulDNS = true
		}
	}
	if s.h != nil {
		out.Class = s.h.def.Class
		if v, ok := w.verification(s.h); ok && w.s.verifies() {
			out.Verification = &v
		}
	}
	res := s.result(out.Class, s.h != nil && s.h.def.isAbusive() && s.h.def.Type != t)
	out.Outcome, out.Since = res.outcome, res.since
	if res.act != nil && res.act.Party != "" {
		out.Actor, out.ActorRole = res.act.Party, res.act.Role
	}
	if s.h != nil && s.h.def.Truth != nil {
		o := s.h.def.Truth
		if o.Class != "" {
			out.Class = o.Class
		}
		if o.Outcome != "" {
			out.Outcome = o.Outcome
		}
		switch o.Actor {
		case "":
		case "nobody":
			out.Actor, out.ActorRole = "", ""
		default:
			out.Actor = o.Actor
			for _, p := range w.parties {
				if p.name == o.Actor {
					out.ActorRole = p.role
					break
				}
			}
		}
	}
	return out
}

// intervals are the times at which some vantage point could see the abuse.
func (s *subject) intervals() []Interval {
	var out []Interval
	on := false
	for _, h := range s.history {
		switch {
		case h.standing() && !on:
			out = append(out, Interval{From: h.at})
			on = true
		case !h.standing() && on:
			out[len(out)-1].To = h.at
			on = false
		}
	}
	return out
}

// stopFor is how long an absence must last to count as stopped when the abuse
// comes back after it.
const stopFor = 24 * time.Hour

type result struct {
	outcome string
	since   time.Time
	act     *Act
}

// result applies the definitions of docs/scenarios.md to the history. other
// says that the report claims another kind of abuse than there is.
func (s *subject) result(class string, other bool) result {
	if len(s.history) == 0 {
		return result{outcome: "down before asked"}
	}
	from := s.reported
	if from.IsZero() {
		from = s.history[0].at
	}
	// What could be seen from the first report on.
	first := 0
	for i, h := range s.history {
		if !h.at.After(from) {
			first = i
		}
	}
	seen := s.history[first:]
	last := seen[len(seen)-1]
	everStood, everAnyone, everWarned := false, false, false
	for _, h := range seen {
		everStood = everStood || h.standing()
		everAnyone = everAnyone || h.anyone >= seesMoved
		everWarned = everWarned || h.best() == seesInterstitial
	}
	parked := func() bool { return last.best() == seesParked }
	if !everStood || other || class == "innocent" {
		switch {
		case parked():
			return result{outcome: "parked or sinkholed", since: last.at}
		case class == "innocent" || other:
			return result{outcome: "not confirmed"}
		case everWarned:
			return result{outcome: "disrupted", since: last.at, act: last.act}
		case everAnyone:
			return result{outcome: "not seen from here"}
		}
		return result{outcome: "down before asked", since: last.at}
	}
	ownOnce := make([]bool, len(last.sees))
	startedMoved := seen[0].best() == seesMoved // a redirector from the beginning
	for _, h := range seen {
		for i, v := range h.sees {
			ownOnce[i] = ownOnce[i] || v == seesAbuse || v == seesMoved && startedMoved
		}
	}
	if last.best() == seesAbuse || last.best() == seesMoved && startedMoved {
		if since, ok := s.returned(seen); ok {
			return result{outcome: "back up", since: since}
		}
		for i, v := range last.sees {
			if ownOnce[i] && v != last.best() {
				return result{outcome: "cloaked", since: last.at, act: last.act}
			}
		}
		return result{outcome: "open"}
	}
	// It ended. The last change from standing to not standing says when and by
	// whom.
	end := last
	for i := len(seen) - 1; i > 0; i-- {
		was, is := seen[i-1], seen[i]
		if was.best() == seesAbuse && is.best() != seesAbuse || was.best() == seesMoved && is.best() < seesMoved && !is.leads || was.leads && !is.leads {
			end = is
			break
		}
	}
	if last.leads { // also once the page it leads to has been stopped
		return result{outcome: "moved", since: end.at, act: end.act}
	}
	switch last.best() {
	case seesMoved:
		return result{outcome: "moved", since: end.at, act: end.act}
	case seesInterstitial:
		return result{outcome: "disrupted", since: end.at, act: end.act}
	case seesParked:
		return result{outcome: "parked or sinkholed", since: end.at, act: end.act}
	}
	if s.asked.IsZero() || end.at.Before(s.asked) {
		return result{outcome: "down before asked", since: end.at, act: end.act}
	}
	return result{outcome: "stopped", since: end.at, act: end.act}
}

// returned says whether the abuse, which stands now, had been stopped: away
// for a day or more after an ask, and since when it is back.
func (s *subject) returned(seen []snapshot) (time.Time, bool) {
	var back time.Time
	var goneAt time.Time
	for _, h := range seen {
		switch {
		case h.standing():
			if !goneAt.IsZero() && h.at.Sub(goneAt) >= stopFor && !s.asked.IsZero() && !goneAt.Before(s.asked) {
				back = h.at
			}
			goneAt = time.Time{}
		case goneAt.IsZero():
			goneAt = h.at
		}
	}
	return back, !back.IsZero()
}
