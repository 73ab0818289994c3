package main

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"bailiwick/casework"
	"bailiwick/lab"
	"bailiwick/mail"
	"bailiwick/party"
	"bailiwick/store"
)

// caseLine is one case as the batch demo prints it.
type caseLine struct {
	Subject     string     `json:"subject"`
	Type        string     `json:"type"`
	Judgement   string     `json:"judgement"`
	ConfirmedBy string     `json:"confirmed_by"`
	Asked       []askLine  `json:"asked"`
	Outcome     string     `json:"outcome"`
	Actor       string     `json:"actor"`
	Opened      time.Time  `json:"opened"`
	Closed      *time.Time `json:"closed"`
	// Hours from the first report to the first look of the final absence; null
	// while the abuse stands or where it was never confirmed.
	Hours     *float64       `json:"hours"`
	Registrar *registrarLine `json:"registrar,omitempty"`

	id   string
	kind party.Kind
	dns  bool // an ask at the DNS level was made
}

type askLine struct {
	Party     string     `json:"party"`
	Role      string     `json:"role"`
	Action    string     `json:"action"`
	At        *time.Time `json:"at"` // of the first accepted notice; null if none was
	Delivered bool       `json:"delivered"`
	Status    string     `json:"status"`
}

type registrarLine struct {
	Name       string `json:"name,omitempty"`
	IANAID     string `json:"iana_id,omitempty"`
	AbuseEmail string `json:"abuse_email,omitempty"`
}

// summary is the last line.
type summary struct {
	Seed       uint64         `json:"seed"`
	Days       int            `json:"days"`
	Reports    int            `json:"reports"`
	Accepted   int            `json:"accepted"`
	Duplicates int            `json:"duplicates"`
	Rejected   int            `json:"rejected"`
	Withheld   int            `json:"withheld"`
	Cases      int            `json:"cases"`
	Asks       int            `json:"asks"`
	Escalated  int            `json:"escalated"`
	Outcomes   map[string]int `json:"outcomes"`
	Mitigated  hours          `json:"mitigated_hours"`
	// ReportToAsk is from the first report on a case to its first delivered
	// ask.
	ReportToAsk hours      `json:"report_to_ask_hours"`
	Agreement   *agreement `json:"agreement,omitempty"`
	// Confusion counts "truth > measured" by kind of statement.
	Confusion map[string]map[string]int `json:"confusion"`
	Wrongful  int                       `json:"wrongful_asks"`
	Lab       counts                    `json:"lab"`
	Centre    counts                    `json:"centre"`
	// CountsEqual: the lab's servers and the centre counted the same exchanges.
	CountsEqual   bool           `json:"counts_equal"`
	Reasons       map[string]int `json:"reasons,omitempty"` // why reports ended without a case
	ChainVerified bool           `json:"chain_verified"`
	Mail          *mailLineIn    `json:"mail_in,omitempty"`
	// TLDs are the world's own sums where some TLD has its holders verified.
	TLDs []lab.TLDTruth `json:"tlds,omitempty"`
	// Inaccuracy sums up the registrars who were told of wrong data.
	Inaccuracy *correctionsLine `json:"inaccuracy,omitempty"`
	Recorded   *recordedLine    `json:"recorded,omitempty"`
	Synthetic  string           `json:"synthetic"`
}

// mailLineIn is mail that came in, held against what the world's parties and
// reporters wrote down of what they sent.
type mailLineIn struct {
	Sent  int64 `json:"sent"`  // by the lab
	Taken int64 `json:"taken"` // of those
	// Kinds is the share of mails that were taken for what they are, of
	// Compared.
	Kinds    float64 `json:"kinds"`
	Compared int     `json:"compared"`
	// Confusion counts "sent > taken for".
	Confusion map[string]int `json:"confusion"`
	// Receipts that reporters got, and how many of them answered a mail that was
	// forged in the reporter's name.
	Receipts int `json:"receipts"`
	Misled   int `json:"misled"`
}

// takenFor is what the centre should take a lab's mail for.
var takenFor = map[string][]mail.Kind{
	"report": {mail.Person, mail.Feedback}, "person": {mail.Person}, "auto": {mail.AutoReply}, "ticket": {mail.Ticket, mail.AutoReply},
	"bounce": {mail.Failed}, "delay": {mail.Delayed}, "loop": {mail.Generated, mail.AutoReply, mail.Failed},
}

// mailIn compares by Message-ID; mails without one are told by nobody.
func (r *run) mailIn() (*mailLineIn, error) {
	counts := r.world.Counts()
	if counts.SMTPSent == 0 {
		return nil, nil
	}
	out := &mailLineIn{Sent: counts.SMTPSent, Taken: counts.SMTPTaken, Confusion: map[string]int{}}
	ms, err := r.app.Centre.MailList(r.e.ctx, "", 100_000)
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for _, m := range ms {
		if m.MessageID != "" {
			kinds[m.MessageID] = m.Kind
		}
	}
	right := 0
	for _, m := range r.world.MailsSent() {
		k, ok := kinds[strings.Trim(m.MessageID, "<>")]
		if !ok || !m.Accepted() {
			continue
		}
		out.Compared++
		out.Confusion[m.Kind+" > "+k]++
		if slices.Contains(takenFor[m.Kind], mail.Kind(k)) {
			right++
		}
	}
	if out.Compared > 0 {
		out.Kinds = math.Round(1000*float64(right)/float64(out.Compared)) / 1000
	}
	for _, rc := range r.world.Receipts() {
		out.Receipts += rc.Mails
		out.Misled += rc.Misled
	}
	return out, nil
}

type hours struct {
	Median   *float64 `json:"median"`
	P90      *float64 `json:"p90"`
	N        int      `json:"n"`
	Censored int      `json:"censored"`
}

type agreement struct {
	Outcome   float64 `json:"outcome"`
	Actor     float64 `json:"actor"`
	Judgement float64 `json:"judgement"`
	// Of how many cases each is a share.
	Outcomes   int `json:"outcomes"`
	Actors     int `json:"actors"`
	Judgements int `json:"judgements"`
}

type counts struct {
	DNS   int64 `json:"dns"`
	RDAP  int64 `json:"rdap"`
	WHOIS int64 `json:"whois"`
	HTTP  int64 `json:"http"`
	SMTP  int64 `json:"smtp_accepted"`
}

// noActor is what a line says of an end that nobody can be credited with.
const noActor = "actor unknown"

// open is the outcome of a case whose abuse still stands.
const open = "open"

func (r *run) summary(end time.Time) (summary, error) {
	s := summary{Outcomes: map[string]int{}, Confusion: map[string]map[string]int{}, ChainVerified: true, Reasons: map[string]int{},
		Synthetic: "the world, its abuse and its parties are made by the lab; nothing here is about a real name"}
	var all []casework.Case
	err := r.app.Store.View(r.e.ctx, func(tx *store.Tx) error {
		n, err := tx.CountReports(r.e.ctx)
		if err != nil {
			return err
		}
		s.Accepted, s.Duplicates = n[store.ReportAccepted], n[store.ReportDuplicate]
		s.Rejected, s.Withheld = n[store.ReportRejected], n[store.ReportWithheld]
		for _, v := range n {
			s.Reports += v
		}
		s.Reasons, err = tx.RejectReasons(r.e.ctx)
		return err
	})
	if err != nil {
		return s, err
	}
	for after := ""; ; {
		page, err := r.app.Centre.Cases(r.e.ctx, store.CaseFilter{Limit: 500, After: after})
		if err != nil {
			return s, err
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		after = page[len(page)-1].ID
	}
	var mitigated, toAsk []float64
	for _, c := range all {
		es, err := r.app.Centre.Events(r.e.ctx, c.ID)
		if err != nil {
			return s, err
		}
		if casework.VerifyChain(es) != nil {
			s.ChainVerified = false
		}
		if again, err := casework.Replay(es); err != nil || again.Head != c.Head || again.State != c.State {
			s.ChainVerified = false
		}
		l := line(c)
		r.lines = append(r.lines, l)
		s.Outcomes[l.Outcome]++
		for _, o := range c.Obligations {
			if o.Action.Asks() && !o.Delivered.IsZero() {
				s.Asks++
			}
			if o.Escalates != "" {
				s.Escalated++
			}
		}
		switch {
		case l.Hours != nil:
			mitigated = append(mitigated, *l.Hours)
		case c.State == casework.Coordinating:
			s.Mitigated.Censored++
		}
		if first := firstAsk(c); !first.IsZero() {
			toAsk = append(toAsk, first.Sub(c.FirstReport()).Hours())
		}
	}
	s.Cases = len(all)
	sort.Slice(r.lines, func(i, j int) bool {
		a, b := r.lines[i], r.lines[j]
		if !a.Opened.Equal(b.Opened) {
			return a.Opened.Before(b.Opened)
		}
		return a.Subject+" "+a.Type < b.Subject+" "+b.Type
	})
	s.Mitigated.quantiles(mitigated)
	s.ReportToAsk.quantiles(toAsk)
	r.compare(&s, r.world.Truth())
	lc, cc := r.world.Counts(), r.app.Collect.Counts()
	s.Lab = counts{DNS: lc.DNS, RDAP: lc.RDAP, WHOIS: lc.WHOIS, HTTP: lc.HTTP, SMTP: lc.SMTPAccepted}
	s.Centre = counts{DNS: cc.DNS, RDAP: cc.RDAP, WHOIS: cc.WHOIS, HTTP: cc.HTTP, SMTP: int64(r.app.Mail.Counts().Accepted)}
	s.CountsEqual = s.Lab == s.Centre
	if r.world.Verifies() {
		s.TLDs = r.world.ByTLD()
	}
	if s.Mail, err = r.mailIn(); err != nil {
		return s, err
	}
	s.Inaccuracy, err = r.correctionsOf()
	return s, err
}

// latest is what the latest look measured; nil if nothing.
func latest(c casework.Case) *casework.Measured {
	if c.Look == nil || c.Look.Measured == nil || c.Look.Measured.Outcome == "" {
		return nil
	}
	return c.Look.Measured
}

func firstAsk(c casework.Case) time.Time {
	var t time.Time
	for _, o := range c.Obligations {
		if o.Action.Asks() && !o.Delivered.IsZero() && (t.IsZero() || o.Delivered.Before(t)) {
			t = o.Delivered
		}
	}
	return t
}

func (h *hours) quantiles(v []float64) {
	h.N = len(v)
	if len(v) == 0 {
		return
	}
	sort.Float64s(v)
	q := func(p float64) *float64 {
		x := math.Round(v[min(len(v)-1, int(p*float64(len(v))))]*10) / 10
		return &x
	}
	h.Median, h.P90 = q(0.5), q(0.9)
}

func line(c casework.Case) caseLine {
	l := caseLine{Subject: c.Subject.Key(), Type: string(c.Type), Judgement: string(c.Class), Asked: []askLine{}, Outcome: string(c.Outcome), Opened: c.Opened, id: c.ID, kind: c.Subject.Kind}
	if c.Confirmation != nil {
		l.ConfirmedBy = c.Confirmation.By
	}
	for _, o := range c.Obligations {
		a := askLine{Party: o.Party.Name, Role: string(o.Party.Role), Action: string(o.Action), Delivered: !o.Delivered.IsZero(), Status: string(o.Status)}
		if a.Delivered {
			t := o.Delivered
			a.At = &t
		}
		l.dns = l.dns || o.Action.DNSLevel()
		l.Asked = append(l.Asked, a)
	}
	sort.SliceStable(l.Asked, func(i, j int) bool {
		a, b := l.Asked[i], l.Asked[j]
		switch {
		case a.At == nil || b.At == nil:
			return a.At != nil && b.At == nil || (a.At == nil) == (b.At == nil) && a.Role+a.Party < b.Role+b.Party
		case !a.At.Equal(*b.At):
			return a.At.Before(*b.At)
		}
		return a.Role+a.Party < b.Role+b.Party
	})
	if l.Outcome == "" {
		l.Outcome = open
	}
	// A case that is not closed yet shows what the latest look measured.
	outcome, actor := c.Outcome, c.Actor.ActorName
	if m := latest(c); c.State == casework.Coordinating && m != nil && !c.GoneSince.IsZero() {
		outcome, actor = m.Outcome, m.ActorName
		if !c.Asked() && outcome != casework.Moved && outcome != casework.Parked {
			outcome, actor = casework.DownBeforeAsked, "" // as the case will close
		}
		l.Outcome = string(outcome)
	}
	if c.State == casework.Closed {
		t := c.Closed
		l.Closed = &t
	}
	if c.State == casework.Closed || outcome != c.Outcome {
		l.Actor = actor
		switch outcome {
		case casework.Stopped, casework.Disrupted, casework.Moved, casework.Parked:
			if l.Actor == "" {
				l.Actor = noActor
			}
			if c.Confirmation != nil && !c.GoneSince.IsZero() {
				h := math.Round(c.GoneSince.Sub(c.FirstReport()).Hours()*10) / 10
				l.Hours = &h
			}
		}
	}
	if f := c.Look; f != nil && (f.Registrar != "" || f.AbuseEmail != "") {
		l.Registrar = &registrarLine{f.Registrar, f.IANAID, f.AbuseEmail}
	}
	return l
}

// compare holds the lines against what the lab's parties wrote down.
func (r *run) compare(s *summary, truths []lab.Truth) {
	truth := map[string]lab.Truth{}
	for _, t := range truths {
		truth[t.Subject+" "+string(t.Type)] = t
		if _, has := truth[t.Subject]; !has {
			truth[t.Subject] = t
		}
		if t.WrongfulDNS {
			s.Wrongful++
		}
	}
	var ag agreement
	var okOutcome, okActor, okClass int
	note := func(what, want, got string) {
		if s.Confusion[what] == nil {
			s.Confusion[what] = map[string]int{}
		}
		s.Confusion[what][want+" > "+got]++
	}
	for _, l := range r.lines {
		t, ok := truth[l.Subject+" "+l.Type]
		if !ok {
			if t, ok = truth[l.Subject]; !ok {
				continue
			}
		}
		ag.Outcomes++
		note("outcome", t.Outcome, l.Outcome)
		if t.Outcome == l.Outcome {
			okOutcome++
		}
		if l.Actor != "" && l.Actor != noActor {
			ag.Actors++
			got, want := "other", "nobody known"
			if t.Actor != "" {
				want = t.ActorRole
			}
			if strings.EqualFold(l.Actor, t.Actor) {
				okActor++
				got = want
			}
			note("actor", want, got)
		}
		// Where the abuse was never there to be seen, nothing was judged.
		if seen(l) || l.Judgement == string(casework.Innocent) {
			ag.Judgements++
			want, got := t.Class, l.Judgement
			if want == "platform" && l.kind == party.PlatformCustomer {
				got = want // whose fault it is decides nothing: never the DNS
			}
			for _, c := range []*string{&want, &got} {
				if *c == string(casework.Unknown) {
					*c = string(casework.Compromised) // not known is treated as compromised
				}
			}
			note("judgement", want, got)
			if got == want {
				okClass++
			}
		}
		if l.dns && t.Class != "malicious" {
			s.Wrongful++
		}
	}
	share := func(a, n int) float64 {
		if n == 0 {
			return 1
		}
		return math.Round(float64(a)/float64(n)*1000) / 1000
	}
	ag.Outcome, ag.Actor, ag.Judgement = share(okOutcome, ag.Outcomes), share(okActor, ag.Actors), share(okClass, ag.Judgements)
	s.Agreement = &ag
}

// seen says whether the case was confirmed.
func seen(l caseLine) bool { return l.ConfirmedBy != "" }

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
