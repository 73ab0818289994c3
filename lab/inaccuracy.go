package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bailiwick/name"
)

// Registration data that are wrong: a registrar that is told so asks its own
// customer by mail, corrects the data, holds the name, or does not, and answers
// in its own words.

// claim is the book about the data of one name.
type claim struct {
	notices []time.Time
	by      *party // who was told last, and by which mail
	n       notice
	evident int       // evidence was asked for so often
	asking  bool      // the holder is to be asked, or was, and the registrar waits
	asked   time.Time // the last time
	bounced bool
	holder  HolderWord
	said    []RegistrarWord
	fixed   time.Time
	holds   []Interval
}

// HolderWord is what a holder answered to their registrar.
type HolderWord struct {
	At   time.Time `json:"at,omitzero"`
	Says string    `json:"says,omitempty"` // corrects, partly or insists
}

// RegistrarWord is what a registrar told the centre.
type RegistrarWord struct {
	At   time.Time `json:"at"`
	Says string    `json:"says"`
}

// Inaccuracy is what really happened about the data of one name.
type Inaccuracy struct {
	Name      string `json:"name"`
	Registrar string `json:"registrar"`
	Temper    string `json:"temper"` // of the registrar (Correction.Does)
	Holder    string `json:"holder"` // how they answer (Asked.Answers)
	// Flaws are what was wrong at first, Left what still is.
	Flaws []string `json:"flaws,omitempty"`
	Left  []string `json:"left,omitempty"`
	// Notices are when a server of the registrar's took one.
	Notices []time.Time     `json:"notices,omitempty"`
	Asked   time.Time       `json:"asked,omitzero"` // when the holder was asked
	Bounced bool            `json:"bounced,omitempty"`
	Word    HolderWord      `json:"word,omitzero"`
	Said    []RegistrarWord `json:"said,omitempty"`
	// Corrected is when the last change of the data was published; zero for none.
	Corrected time.Time  `json:"corrected,omitzero"`
	Holds     []Interval `json:"holds,omitempty"`
}

// Right says that nothing is wrong with the data any more.
func (i Inaccuracy) Right() bool { return len(i.Left) == 0 }

// Flawed says whether the data of any name in this world are wrong.
func (w *World) Flawed() bool { return w.s.flawed() }

// Inaccuracies are the books about the names whose data are wrong at first, or
// about which a registrar got a notice, in the scenario's order.
func (w *World) Inaccuracies() []Inaccuracy {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Inaccuracy
	for _, h := range w.order {
		r, c := &h.def.Registrant, &h.claim
		if h.registrar == nil || h.platform != nil || isAddr(h.def.Name) || len(r.Flaws) == 0 && len(c.notices) == 0 {
			continue
		}
		out = append(out, Inaccuracy{Name: h.def.Name, Registrar: h.registrar.name, Temper: temper(h.registrar), Holder: h.answers().Answers, Flaws: slices.Clone(r.Flaws), Left: h.def.wrong(h.data),
			Notices: slices.Clone(c.notices), Asked: c.asked, Bounced: c.bounced, Word: c.holder, Said: slices.Clone(c.said), Corrected: c.fixed, Holds: slices.Clone(c.holds)})
	}
	return out
}

// Registered are the registered domains that exist in the world now, in the
// scenario's order: what a registry's list of its names holds.
func (w *World) Registered() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []string
	for _, h := range w.order {
		if !h.registered.IsZero() && h.deleted.IsZero() && h.platform == nil && !isAddr(h.def.Name) {
			out = append(out, h.def.Name)
		}
	}
	return out
}

// temper is how a registrar treats notices of wrong data.
func temper(p *party) string {
	if p.registrar == nil {
		return "refers" // a registry holds no contract with anybody
	}
	if d := p.registrar.Inaccuracy.Does; d != "" {
		return d
	}
	switch {
	case *p.b.Acts > 0:
		return "corrects"
	case *p.b.Lies:
		return "claims"
	case p.b.Says == "refused":
		return "refuses"
	case p.b.Says == "referred":
		return "refers"
	}
	return "silent"
}

// answers is how a holder answers their registrar, with the defaults.
func (h *holding) answers() Asked {
	r := &h.def.Registrant
	a := Asked{}
	if r.Asked != nil {
		a = *r.Asked
	}
	switch {
	case r.Kind == "fabricated":
		set(&a.Answers, "never")
	case len(r.Flaws) > 0:
		set(&a.Answers, "corrects")
	}
	set(&a.Answers, "insists")
	set(&a.Mailbox, "accept")
	if a.After == nil {
		a.After = hours(3, 96)
	}
	return a
}

// account is the mail address that a holder's registrar knows them by.
func account(n string) string { return strings.ReplaceAll(n, ".", "-") + "@customers.example" }

// support is where a registrar's customers write to.
func support(p *party) string { return "customer-care@" + p.domain }

// customers opens the mailboxes between registrars and their customers.
func (w *World) customers() {
	w.infra[nullMail] = record{addr: webAddr, null: true, site: &Name{Name: nullMail, Site: Site{Kind: "corporate", Brand: nullMail}}}
	quiet, _ := builtin("silent")
	for _, p := range slices.Clone(w.parties) {
		if p.role == "registrar" && w.boxes[support(p)] == nil {
			w.mailbox(&party{id: "support:" + p.name, role: "support", name: p.name, mail: support(p), domain: p.domain, b: quiet, registrar: p.registrar})
		}
	}
	for _, h := range w.order {
		if h.platform != nil || isAddr(h.def.Name) {
			continue
		}
		b := quiet
		b.Mailbox = h.answers().Mailbox
		addr := account(h.def.Name)
		w.mailbox(&party{id: "customer:" + h.def.Name, role: "customer", name: h.def.Registrant.Name, mail: addr, b: b})
		w.boxes[addr].names = []*holding{h}
	}
}

// How a person reads that a mail is about wrong registration data: its subject
// says so, and lines of it name the domain and the fields.
var (
	dataName  = once(`(?m)^Name: +(\S{3,300})[ \r]*$`)
	dataField = once(`(?m)^- ((?:registrant|admin|tech|billing): [a-z ]{1,40}):`)
)

// maxFields is how many fields are read out of one mail.
const maxFields = 20

// aboutData reads a notice of wrong registration data.
func (w *World) aboutData(n *notice) {
	s := strings.ToLower(n.mail.subject)
	if !strings.Contains(s, "registration data") || !strings.Contains(s, "inaccura") {
		return
	}
	m := dataName().FindStringSubmatch(n.mail.text)
	if m == nil {
		return
	}
	d, err := name.Parse(name.Refang(m[1]))
	if err != nil {
		return
	}
	n.subject, n.data = d.String(), true
	if strings.Contains(s, "copy:") {
		n.action = "inform"
	}
	for _, f := range dataField().FindAllStringSubmatch(n.mail.text, maxFields) {
		n.fields = append(n.fields, f[1])
	}
}

// correctionAfter is how long something that a registrar does takes.
func (w *World) correctionAfter(p *party, what string, h *holding, nth int) time.Duration {
	r := hours(2, 24)
	if p.registrar != nil && p.registrar.Inaccuracy.After != nil {
		r = p.registrar.Inaccuracy.After
	}
	return within(draw(w.s.Seed, "correction", what, p.id, h.def.Name, fmt.Sprint(nth)), *r)
}

// readData is a party reading that the data of a name are wrong.
func (w *World) readData(p *party, n notice) {
	if n.informs() {
		return
	}
	count := p.id + "\x00data\x00" + n.subject
	w.asks[count]++
	n.nth = w.asks[count]
	h := w.holdings[n.subject]
	if h == nil || !w.holds(p, n.subject) {
		if n.nth == 1 && acting(p.role) && p.b.Says != "none" {
			w.sayAt(p, n, nil, "no_authority", within(draw(w.s.Seed, "says data", p.id, n.subject), *p.b.SaysAfter))
		}
		return
	}
	c := &h.claim
	c.notices = append(c.notices, n.at)
	c.by, c.n = p, n
	soon := within(draw(w.s.Seed, "says data", p.id, n.subject), *p.b.SaysAfter)
	does := temper(p)
	switch {
	case does == "silent", does == "ticket":
	case does == "refuses" && n.nth == 1:
		w.sayAt(p, n, h, "refused", soon)
	case does == "refers" && n.nth == 1:
		w.sayAt(p, n, h, "referred", soon)
	case does == "refuses", does == "refers":
	case does == "claims":
		w.sayAt(p, n, h, "corrected", w.correctionAfter(p, "claims", h, n.nth))
	case does == "wants_evidence" && n.nth == 1:
		c.evident++
		w.sayAt(p, n, h, "need_more", soon)
	default: // corrects, verifies, suspends
		if n.nth == 1 && p.b.Says == "received" {
			w.sayAt(p, n, h, "received", soon)
		}
		if c.asking { // they wait for their customer already
			return
		}
		c.asking = true
		w.schedule(n.at.Add(n.late+w.correctionAfter(p, "asks", h, n.nth)), fmt.Sprintf("ask holder %s %d", h.def.Name, n.nth), func(at time.Time) func(context.Context) error {
			return w.askHolder(p, h, at)
		})
	}
}

// sayAt schedules a registrar's word to the centre.
func (w *World) sayAt(p *party, n notice, h *holding, says string, after time.Duration) {
	w.schedule(n.at.Add(n.late+after), fmt.Sprintf("say data %s %s %d %s", p.id, n.subject, n.nth, says), func(at time.Time) func(context.Context) error {
		return w.say(p, n, h, at, says)
	})
}

// say is a registrar telling the centre something.
func (w *World) say(p *party, n notice, h *holding, at time.Time, says string) func(context.Context) error {
	if !w.hears(p, n) {
		return nil
	}
	if h != nil {
		h.claim.said = append(h.claim.said, RegistrarWord{at, says})
	}
	return w.tell(p, n, at, n.subject, says, corrections()["en"][says][0])
}

// linkAnswer is what a registrar picks on the page of an answer link, where there
// is no word for everything.
func linkAnswer(says, text string) map[string]string {
	switch says {
	case "need_more":
		says = "received"
	case "referred":
		says = "refused"
	}
	return map[string]string{"answer": says, "text": text}
}

// askHolder is a registrar writing to its customer.
func (w *World) askHolder(p *party, h *holding, at time.Time) func(context.Context) error {
	c := &h.claim
	c.asked = at
	nth := fmt.Sprint(len(c.notices))
	own := w.senders[p.domain]
	fields := "the contact data"
	if len(c.n.fields) > 0 {
		fields = strings.Join(c.n.fields, "; ")
	}
	text := "Dear customer,\n\nwe were told that contact data of your domain " + h.def.Name + " are not correct:\n" + fields +
		"\n\nAccording to our agreement the data have to be correct and up to date. Please answer this message within 15 days: write us the data as they should be, one a line, or that they are correct.\n\nKind regards\n" + p.name + ", customer care\n"
	id := w.messageID(p.domain, "holder", h.def.Name, nth)
	head := heading{date: at, fromName: p.name, from: support(p), to: account(h.def.Name), id: id, subject: "Please check the contact data of " + h.def.Name}
	l := letter{from: support(p), source: own.source, hello: "mail." + p.domain, raw: own.sign(head.compose(mailPart{media: "text/plain", body: text}), at), about: MailSent{To: account(h.def.Name)}}
	waits := 15 * Day
	if p.registrar != nil && p.registrar.Inaccuracy.Waits > 0 {
		waits = p.registrar.Inaccuracy.Waits.D()
	}
	w.schedule(at.Add(waits), fmt.Sprintf("no answer of holder %s %s", h.def.Name, nth), func(at time.Time) func(context.Context) error {
		if !c.asking {
			return nil
		}
		return w.gaveUp(p, h, at)
	})
	return w.within(fmt.Sprintf("to holder %s %s", h.def.Name, nth), l, 1, func(status int) {
		c.bounced = status >= 500
	})
}

// within sends a mail inside the lab, again until somebody's server has an
// answer. Nothing of it reaches the centre.
func (w *World) within(key string, l letter, try int, done func(status int)) func(context.Context) error {
	return func(ctx context.Context) error {
		status, err := w.deliverAt(ctx, w.MailHost(), l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if (status < 200 || status >= 400 && status < 500) && try < maxTries {
			w.schedule(w.clock.Now().Add(retryIn), fmt.Sprintf("%s again %02d", key, try), func(time.Time) func(context.Context) error { return w.within(key, l, try+1, done) })
			return nil
		}
		if err != nil {
			w.log.Debug("a mail within the lab did not arrive", "to", l.about.To, "err", err)
		}
		if done != nil {
			done(status)
		}
		return nil
	}
}

// gaveUp is a registrar that waited for its customer in vain.
func (w *World) gaveUp(p *party, h *holding, at time.Time) func(context.Context) error {
	c := &h.claim
	c.asking = false
	if !w.holds(p, h.def.Name) {
		return nil
	}
	if temper(p) != "suspends" {
		return w.say(p, c.n, h, at, "unreachable")
	}
	if !h.dataHold {
		h.dataHold, h.changed = true, at
		c.holds = append(c.holds, Interval{From: at})
		w.tookDown(h, at, Act{At: at, Party: p.name, Role: p.role, Act: "client hold: no answer about the data"})
	}
	return w.say(p, c.n, h, at, "suspended")
}

// askedHolder is a holder reading what their registrar asks. A mail of anybody
// else's is none of their concern.
func (w *World) askedHolder(p *party, n notice) {
	h := w.aboutName(p, n.mail)
	if h == nil || h.registrar == nil || n.mail.from != support(h.registrar) {
		return
	}
	a := h.answers()
	if a.Answers == "never" {
		return
	}
	nth := fmt.Sprint(len(h.claim.notices))
	delay := within(draw(w.s.Seed, "holder answers", h.def.Name, nth), *a.After)
	w.schedule(n.at.Add(n.late+delay), fmt.Sprintf("holder answers %s %s", h.def.Name, nth), func(at time.Time) func(context.Context) error {
		r := h.def.Registrant
		text := "Hello,\n\nthank you for asking. The data are correct as they are.\n\n" + r.Name + "\n"
		switch {
		case a.Answers == "insists" || len(h.def.wrong(h.data)) == 0:
			h.claim.holder = HolderWord{at, "insists"}
		default:
			h.claim.holder = HolderWord{at, a.Answers}
			right := h.def.Registrant
			if left := h.def.wrong(h.data); a.Answers == "partly" {
				right = h.def.flawed(left[1:])
			}
			text = "Hello,\n\nsorry, that is out of date. It should be:\n\n" + right.lines() + "\n" + r.Name + "\n"
		}
		own := w.senders[domainOf(p.mail)]
		id := w.messageID(domainOf(p.mail), "holder answers", h.def.Name, nth)
		head := heading{date: at, fromName: r.Name, from: p.mail, to: n.mail.from, id: id, inReplyTo: n.mail.id, refs: angled(n.mail.id), subject: "Re: " + n.mail.subject}
		text += "\n" + fmt.Sprintf(automatic()["en"].wrote, n.mail.date.UTC().Format("2006-01-02 15:04"), n.mail.from) + "\n" + quote(n.mail.text)
		l := letter{from: p.mail, source: own.source, hello: "mail." + domainOf(p.mail), raw: own.sign(head.compose(mailPart{media: "text/plain", body: text}), at), about: MailSent{To: n.mail.from}}
		return w.within(fmt.Sprintf("holder answers %s %s", h.def.Name, nth), l, 1, nil)
	})
}

// lines are data as a person writes them down.
func (r Registrant) lines() string {
	var b strings.Builder
	for _, f := range r.contact() {
		if *f.value != "" {
			b.WriteString(f.label + ": " + *f.value + "\n")
		}
	}
	return b.String()
}

type contactLine struct {
	label string
	value *string
}

// contact are the values that a holder is reached by.
func (r *Registrant) contact() []contactLine {
	return []contactLine{{"Email", &r.Email}, {"Phone", &r.Phone}, {"Street", &r.Street}, {"City", &r.City}, {"Postal code", &r.PostalCode}, {"Country", &r.Country}}
}

// read takes the values out of a holder's own words, and says whether one is
// another than before. What is quoted is not theirs.
func (r *Registrant) read(text string) (changed bool) {
	for line := range strings.Lines(text) {
		label, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if value = strings.TrimSpace(value); !ok || value == "" || len(value) > 200 {
			continue
		}
		for _, f := range r.contact() {
			if f.label == label && *f.value != value {
				*f.value, changed = value, true
			}
		}
	}
	return changed
}

// holderAnswered is a registrar reading what its customer answered.
func (w *World) holderAnswered(desk *party, n notice) {
	var h *holding
	for _, x := range w.order { // the address is their account
		if x.registrar != nil && x.registrar.registrar == desk.registrar && account(x.def.Name) == n.mail.from {
			h = x
		}
	}
	if h == nil {
		return
	}
	p, c := h.registrar, &h.claim
	text := n.mail.text
	nth := len(c.notices)
	c.asking = false
	w.schedule(n.at.Add(w.correctionAfter(p, "acts", h, nth)), fmt.Sprintf("correct %s %d", h.def.Name, nth), func(at time.Time) func(context.Context) error {
		if c.by == nil || !w.holds(p, h.def.Name) {
			return nil
		}
		data := h.data
		if temper(p) == "verifies" || !data.read(text) {
			w.released(p, h, at)
			return w.say(p, c.n, h, at, "verified")
		}
		h.data, h.changed, c.fixed = data, at, at
		w.released(p, h, at)
		return w.say(p, c.n, h, at, "corrected")
	})
}

// released ends a hold for want of an answer.
func (w *World) released(p *party, h *holding, at time.Time) {
	if !h.dataHold {
		return
	}
	h.dataHold, h.changed = false, at
	h.claim.holds[len(h.claim.holds)-1].To = at
	w.touch(h, at, &Act{At: at, Party: p.name, Role: p.role, Act: "released: the holder answered"})
}
