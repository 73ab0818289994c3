package lab

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/problem"

	"golang.org/x/net/html"
)

// A TLD that requires verification: its registrars ask the centre to verify
// each new holder, carry out the centre's orders to hold and release, and the
// holders read the mails with the codes.

// Verifier is how the lab's registrars and the centre know each other.
type Verifier struct {
	// Secret is the key of the signatures on orders, as the centre has it.
	Secret []byte
	// Key is the registrars' key of the centre's API; without one they open no
	// verification, and somebody else does.
	Key string
	// Profile is the one they ask for; "" leaves it to the centre.
	Profile string
}

// Limits on what is read from the centre.
const (
	maxOrder    = 16 << 10 // octets of an order
	maxPage     = 1 << 20  // octets of a page
	maxLinks    = 20       // links that a scanner follows in one mail, and on one page
	maxOrders   = 100_000  // orders that are remembered
	verifyTries = 20       // attempts at one request
)

// backlog is how old a name may be at the start for its registrar still to have
// its holder verified: the time that ICANN's rules give (WAPS section 1).
const backlog = 15 * Day

// proof is the book about the verification of one name's holder.
type proof struct {
	at       time.Time // when its registrar asked the centre to verify
	links    []codeMail
	mails    int
	scans    int
	answers  []CodeAnswer
	due      bool      // an answer is on its way
	last     time.Time // of the last order carried out, by the centre's clock
	holds    []Interval
	replaced string // the name registered instead
}

// codeMail is one mail with a code.
type codeMail struct {
	link, code string
	mail       incoming
}

// CodeAnswer is one answer of a holder to a code.
type CodeAnswer struct {
	At time.Time `json:"at"`
	By string    `json:"by"` // "page" or "mail"
	// Says is "code", or "not mine".
	Says string `json:"says"`
	// Status is what the centre said: of HTTP, or of its mail server; 0 when it
	// could not be reached.
	Status int `json:"status"`
}

// Accepted says whether the centre took it. A mail is taken first and read
// later.
func (a CodeAnswer) Accepted() bool { return a.Status >= 200 && a.Status < 400 }

// Verification is what really happened between a registered name, its holder
// and the rule of its TLD.
type Verification struct {
	Name      string `json:"name"`
	TLD       string `json:"tld"`
	Registrar string `json:"registrar"`
	Class     string `json:"class"`
	Required  bool   `json:"required"` // by its TLD
	// Registered is zero for a name that was not; Refused says that its registry
	// did not take it.
	Registered time.Time `json:"registered,omitzero"`
	Refused    bool      `json:"refused,omitempty"`
	Asked      time.Time `json:"asked,omitzero"` // when the registrar asked the centre to verify
	// Mails with a code that the holder's mailbox got, Scans the links in them
	// that a scanner opened.
	Mails   int          `json:"mails"`
	Scans   int          `json:"scans,omitempty"`
	Answers []CodeAnswer `json:"answers,omitempty"`
	// Holds are those ordered for want of an answer; the last has no end while it
	// lasts.
	Holds []Interval `json:"holds,omitempty"`
	// Instead is the name that the same hand registered elsewhere then.
	Instead string `json:"instead,omitempty"`
}

// Lost says that the name is gone from the DNS for want of verification, or was
// never registered for it.
func (v Verification) Lost() bool {
	return v.Refused || len(v.Holds) > 0 && v.Holds[len(v.Holds)-1].To.IsZero()
}

// Verifications are the books about the registered domains of a scenario in
// which some TLD asks for verification, in the scenario's order: also those of
// its other TLDs, to compare with.
func (w *World) Verifications() []Verification {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if !w.s.verifies() {
		return nil
	}
	var out []Verification
	for _, h := range w.order {
		if v, ok := w.verification(h); ok {
			out = append(out, v)
		}
	}
	return out
}

// verification is the book about one name; false for what is no registered
// domain.
func (w *World) verification(h *holding) (Verification, bool) {
	t := w.tldOf(h.def.Name)
	if t == nil || h.platform != nil {
		return Verification{}, false
	}
	p := &h.proof
	return Verification{Name: h.def.Name, TLD: t.def.Name, Registrar: h.def.Registrar, Class: h.def.Class, Required: t.def.Verification != "" || !t.verifies.IsZero(),
		Registered: h.registered, Refused: h.refused, Asked: p.at, Mails: p.mails, Scans: p.scans, Answers: slices.Clone(p.answers), Holds: slices.Clone(p.holds), Instead: p.replaced}, true
}

// TLDTruth sums up what became of a TLD's names by now.
type TLDTruth struct {
	TLD      string `json:"tld"`
	Required bool   `json:"required"` // verification
	// Names are those registered, Malicious those of them that are; Refused is
	// how many malicious ones its registry did not take.
	Names     int `json:"names"`
	Malicious int `json:"malicious"`
	Refused   int `json:"refused,omitempty"`
	// Held are the malicious names, HeldHonest the others, that are on hold for
	// want of verification; Released how many names were and are not any more.
	Held       int `json:"held,omitempty"`
	HeldHonest int `json:"held_honest,omitempty"`
	Released   int `json:"released,omitempty"`
	// Left and Came are how many of its malicious names went on elsewhere, and
	// how many here are such.
	Left int `json:"left,omitempty"`
	Came int `json:"came,omitempty"`
	// AbuseHours is for how long abuse could be seen on its names, summed up.
	AbuseHours float64 `json:"abuse_hours"`
}

// ByTLD sums up each TLD, in the scenario's order: what tells one that requires
// verification from one that does not.
func (w *World) ByTLD() []TLDTruth {
	all := w.Verifications()
	w.mu.RLock()
	defer w.mu.RUnlock()
	out := make([]TLDTruth, len(w.s.TLDs))
	index := map[string]int{}
	for i, t := range w.s.TLDs {
		out[i] = TLDTruth{TLD: t.Name, Required: t.Verification != "" || t.VerifiesFrom.Set}
		index[t.Name] = i
	}
	for _, v := range all {
		t := &out[index[v.TLD]]
		bad := v.Class == "malicious"
		switch {
		case v.Refused && bad:
			t.Refused++
		case v.Registered.IsZero():
			continue
		default:
			t.Names++
			if bad {
				t.Malicious++
			}
		}
		if len(v.Holds) > 0 {
			switch {
			case !v.Lost():
				t.Released++
			case bad:
				t.Held++
			default:
				t.HeldHonest++
			}
		}
		if v.Instead != "" {
			t.Left++
			out[index[lastLabel(v.Instead)]].Came++
		}
	}
	now := w.clock.Now()
	seen := make([]time.Duration, len(out))
	for _, s := range w.subjects {
		i, ok := index[lastLabel(s.key)]
		if !ok || s.h == nil || s.h.platform != nil {
			continue
		}
		for _, iv := range s.intervals() {
			to := iv.To
			if to.IsZero() {
				to = now
			}
			seen[i] += to.Sub(iv.From)
		}
	}
	for i, d := range seen {
		out[i].AbuseHours = math.Round(100*d.Hours()) / 100
	}
	return out
}

// Verifies says whether the holders of some TLD are verified in this world.
func (w *World) Verifies() bool { return w.s.verifies() }

// verifies says whether any part of the scenario asks for verification.
func (s *Scenario) verifies() bool {
	return slices.ContainsFunc(s.TLDs, func(t TLD) bool { return t.Verification != "" }) ||
		slices.ContainsFunc(s.Names, func(n Name) bool { return n.Registrant.Verifies != nil })
}

// SetVerifier tells the world how its registrars and the centre know each
// other. Those of TLDs that require verification then ask the centre to verify
// every new holder, and those of names up to 15 days old.
func (w *World) SetVerifier(v Verifier) error {
	if len(v.Secret) < 32 {
		return problem.BadField("secret", "%d octets are fewer than 32", len(v.Secret))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.verifier = &Verifier{Secret: slices.Clone(v.Secret), Key: v.Key, Profile: v.Profile}
	now := w.clock.Now()
	for _, h := range w.order {
		if !h.registered.IsZero() && !h.registered.Before(now.Add(-backlog)) {
			w.verifyHolder(h, now)
		}
	}
	return nil
}

// gateway is the domain of the system that the registrars share: it passes
// orders on to the registrar of the name.
const gateway = "registrars.example"

// provision is the host of a provisioning system.
func provision(domain string) string { return "provision." + domain }

// ProvisioningURL is where the orders about the names of a registrar are taken,
// in the lab's Internet; "" for a registrar that does not exist, or where
// nothing is verified. Those about the names of all registrars are taken at that
// of the registrar "", their shared gateway.
func (w *World) ProvisioningURL(registrar string) string {
	if !w.s.verifies() {
		return ""
	}
	if registrar == "" {
		return "https://" + provision(gateway) + "/orders"
	}
	for _, r := range w.s.Registrars {
		if r.Name == registrar {
			return "https://" + provision(r.Domain) + "/orders"
		}
	}
	return ""
}

// provisioner is one provisioning system: a registrar's, or the gateway of all
// (nil).
type provisioner struct{ registrar *Registrar }

func (p *provisioner) serves(h *holding) bool {
	return h.registrar != nil && (p.registrar == nil || h.registrar.registrar == p.registrar)
}

// order is what the centre sends.
type order struct {
	Order  string    `json:"order"` // hold or release
	Name   string    `json:"name"`
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// serveOrder takes an order to hold or release a name. It says 200 when it has
// carried it out (or had, under the same ID), 409 when it is already so, or
// when the order is older than the last; 401 for a wrong signature.
func (w *World) serveOrder(rw http.ResponseWriter, r *http.Request, p *provisioner) {
	w.counts.orders.Add(1)
	say := func(status int, text string) {
		if status >= 300 && status != http.StatusConflict {
			w.counts.ordersRefused.Add(1)
		}
		if status >= 300 && status != http.StatusConflict && status != http.StatusServiceUnavailable { // what the scenario asks for is no news
			w.log.Warn("an order is not carried out", "status", status, "why", text)
		}
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, text+"\n") // the centre may have gone
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder+1))
	switch {
	case r.URL.Path != "/orders":
		say(http.StatusNotFound, "orders are taken at /orders")
		return
	case r.Method != http.MethodPost:
		say(http.StatusMethodNotAllowed, "an order is a POST")
		return
	case err != nil:
		say(http.StatusBadRequest, "the order did not arrive whole")
		return
	case len(body) > maxOrder:
		say(http.StatusRequestEntityTooLarge, "no order is that long")
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, text := w.carryOut(p, r.Header.Get("Bailiwick-Timestamp"), r.Header.Get("Bailiwick-Signature"), body)
	say(status, text)
}

// signed reads an order whose signature is the centre's; else status and text
// say what is wrong. The world is locked.
func (w *World) signed(stamp, signature string, body []byte) (order, int, string) {
	var o order
	if w.verifier == nil {
		return o, http.StatusUnauthorized, "no secret is agreed on"
	}
	mac := hmac.New(sha256.New, w.verifier.Secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || !strings.HasPrefix(signature, "sha256=") || !hmac.Equal(given, mac.Sum(nil)) {
		return o, http.StatusUnauthorized, "the signature is not the centre's"
	}
	if _, err := strconv.ParseInt(stamp, 10, 64); err != nil {
		return o, http.StatusBadRequest, "the time of sending is no number of seconds"
	}
	if err := json.Unmarshal(body, &o); err != nil {
		return o, http.StatusBadRequest, "the order does not parse"
	}
	if o.Order != "hold" && o.Order != "release" || o.ID == "" || o.At.IsZero() {
		return o, http.StatusBadRequest, "an order has an id, a time, and is hold or release"
	}
	return o, 0, ""
}

// carryOut checks an order and carries it out. The world is locked.
func (w *World) carryOut(p *provisioner, stamp, signature string, body []byte) (int, string) {
	o, status, text := w.signed(stamp, signature, body)
	if status != 0 {
		return status, text
	}
	h := w.holdings[o.Name]
	if h == nil || h.registered.IsZero() || h.platform != nil || isAddr(o.Name) || !p.serves(h) {
		return http.StatusNotFound, "that name is not ours"
	}
	// What comes again by its ID was done, and is not done again.
	if was, known := w.orders[o.ID]; known {
		if was != o.Order+" "+o.Name {
			return http.StatusBadRequest, "that id was another order's"
		}
		return http.StatusOK, "done before"
	}
	switch h.registrar.registrar.Provisioning {
	case "down":
		return http.StatusServiceUnavailable, "our system is down"
	case "flaky": // the first attempt at each order fails
		if k := "flaky " + o.ID; !w.flaky[k] {
			w.flaky[k] = true
			return http.StatusServiceUnavailable, "please try again"
		}
	}
	if len(w.orders) >= maxOrders {
		return http.StatusInsufficientStorage, "too many orders"
	}
	if !o.At.After(h.proof.last) && !h.proof.last.IsZero() {
		return http.StatusConflict, "a later order was carried out"
	}
	w.orders[o.ID] = o.Order + " " + o.Name
	h.proof.last = o.At
	at := w.clock.Now()
	if (o.Order == "hold") == h.verifyHold {
		return http.StatusConflict, "it is already so"
	}
	if o.Order == "hold" {
		w.holdFor(h, at)
	} else {
		h.verifyHold, h.changed = false, at
		h.proof.holds[len(h.proof.holds)-1].To = at
		w.touch(h, at, &Act{At: at, Party: h.registrar.name, Role: "registrar", Act: "released: verified"})
	}
	return http.StatusOK, "done"
}

// holdFor takes a name out of the DNS because its holder did not answer.
func (w *World) holdFor(h *holding, at time.Time) {
	h.verifyHold, h.changed = true, at
	h.proof.holds = append(h.proof.holds, Interval{From: at})
	w.tookDown(h, at, Act{At: at, Party: h.registrar.name, Role: "registrar", Act: "client hold: not verified"})
	if v := h.def.Registrant.Verifies; v != nil && v.Answers == "after_hold" {
		w.answerCode(h, at, v.within(*hours(2, 48)))
	}
	// Whoever meant to abuse the name goes where nobody asks.
	other := w.holdings[h.def.Else]
	if h.def.Class != "malicious" || other == nil || !other.registered.IsZero() {
		return
	}
	after := *hours(6, 72)
	if t := w.tldOf(h.def.Name); t.def.Displacement != nil && t.def.Displacement.After != nil {
		after = *t.def.Displacement.After
	}
	delay := within(draw(w.s.Seed, "displaced", h.def.Name), after)
	w.schedule(at.Add(delay), "displaced "+h.def.Name, func(at time.Time) func(context.Context) error {
		w.register(other, at, at)
		h.proof.replaced = w.effective(other.def.Name).name()
		return nil
	})
}

func (h *holding) name() string {
	if h == nil {
		return ""
	}
	return h.def.Name
}

// verifyHolder has a name's holder verified, where the TLD requires it. The
// world is locked.
func (w *World) verifyHolder(h *holding, at time.Time) {
	t := w.tldOf(h.def.Name)
	if w.verifier == nil || w.verifier.Key == "" || t == nil || h.platform != nil || t.def.Verification == "" || !h.proof.at.IsZero() {
		return
	}
	h.proof.at = at
	w.schedule(at, "verify "+h.def.Name, func(time.Time) func(context.Context) error { return w.openVerification(h, 1) })
}

// openVerification is a registrar asking the centre to verify a holder.
func (w *World) openVerification(h *holding, try int) func(context.Context) error {
	if w.centre == nil {
		return nil
	}
	body, err := json.Marshal(map[string]string{"name": h.def.Name, "email": h.def.Registrant.Email, "registrar": h.registrar.name, "profile": w.verifier.Profile, "ref": "LAB-" + h.def.Name})
	if err != nil {
		return func(context.Context) error { return err }
	}
	target, key := w.centre.String()+"/api/v1/verifications", w.verifier.Key
	return func(ctx context.Context) error {
		status, answer, _, err := w.speak(ctx, http.MethodPost, target, "application/json", body, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && status < 300:
			w.counts.verifications.Add(1)
		case (err != nil || status >= 500 || status == http.StatusTooManyRequests) && try < verifyTries:
			w.mu.Lock()
			w.schedule(w.clock.Now().Add(retryIn), fmt.Sprintf("verify %s %02d", h.def.Name, try), func(time.Time) func(context.Context) error { return w.openVerification(h, try+1) })
			w.mu.Unlock()
		default:
			w.counts.verificationsRefused.Add(1)
			w.log.Warn("a verification was not opened", "name", h.def.Name, "status", status, "err", err, "says", string(answer[:min(len(answer), 200)]))
		}
		return nil
	}
}

// holders opens the mailboxes of the holders that have one.
func (w *World) holders() {
	for _, h := range w.order {
		r := h.def.Registrant
		if r.Verifies == nil {
			continue
		}
		addr := strings.ToLower(r.Email)
		if b := w.boxes[addr]; b != nil {
			w.boxes[addr].names = append(b.names, h)
			continue
		}
		b, _ := builtin("silent")
		b.Mailbox = r.Verifies.Mailbox
		w.mailbox(&party{id: "registrant:" + addr, role: "registrant", name: r.Name, mail: r.Email, b: b})
		w.boxes[addr].names = []*holding{h}
	}
}

// within is how long an answer takes: what the scenario says, or def.
func (v *Verifies) within(def Range) Range {
	if v.After != nil {
		return *v.After
	}
	return def
}

var codeLine = once(`(?m)^Code: +([0-9A-Za-z-]{10,80})[ \r]*$`)

// opened is a holder reading a mail, which may have a code in it. The world is
// locked.
func (w *World) opened(p *party, n notice) {
	m := codeMail{link: n.answer, mail: n.mail}
	if c := codeLine().FindStringSubmatch(n.mail.text); c != nil {
		m.code = c[1]
	}
	h := w.aboutName(p, n.mail)
	if h == nil || m.code == "" && m.link == "" {
		return
	}
	v := h.def.Registrant.Verifies
	h.proof.mails++
	h.proof.links = append(h.proof.links, m)
	w.counts.codes.Add(1)
	if v.Scanner {
		mail := n.mail.text
		nth := h.proof.mails
		w.schedule(n.at.Add(time.Minute), fmt.Sprintf("scan %s %d", h.def.Name, nth), func(time.Time) func(context.Context) error { return w.scan(h, mail) })
	}
	switch v.Answers {
	case "prompt":
		w.answerCode(h, n.at, v.within(*minutes(5, 180)))
	case "disown":
		w.answerCode(h, n.at, v.within(*minutes(5, 180)))
	case "late":
		w.answerCode(h, n.at, v.within(*hours(8*24, 12*24)))
	case "after_hold":
		if h.verifyHold { // a new code, asked for or sent again
			w.answerCode(h, n.at, v.within(*hours(2, 48)))
		}
	}
}

// aboutName is the name of a holder that a mail speaks of. Names in it may be
// written with "[.]", so that nothing makes links of them.
func (w *World) aboutName(p *party, in incoming) *holding {
	names := w.boxes[strings.ToLower(p.mail)].names
	text := strings.ToLower(strings.ReplaceAll(in.subject+"\n"+in.text, "[.]", "."))
	var best *holding
	for _, h := range names {
		if n := h.def.Name; strings.Contains(text, n) && (best == nil || len(n) > len(best.def.Name)) {
			best = h
		}
	}
	return best
}

// answerCode schedules the answer to the newest code about a name, once: who
// means to answer answers one of the mails.
func (w *World) answerCode(h *holding, from time.Time, after Range) {
	p := &h.proof
	if p.due || len(p.links) == 0 {
		return
	}
	p.due = true
	nth := len(p.answers)
	delay := within(draw(w.s.Seed, "answers a code", h.def.Name, fmt.Sprint(nth)), after)
	w.schedule(from.Add(delay), fmt.Sprintf("code %s %d", h.def.Name, nth), func(at time.Time) func(context.Context) error {
		p.due = false
		m := p.links[len(p.links)-1]
		v := h.def.Registrant.Verifies
		switch {
		case v.Answers == "disown":
			return w.byPage(h, m, at, "not mine", 1)
		case v.By == "mail" && w.centreMail != "" && m.code != "":
			return w.codeByMail(h, m, at)
		}
		return w.byPage(h, m, at, "code", 1)
	})
}

// answered notes what the centre said.
func (w *World) answered(h *holding, a CodeAnswer) {
	h.proof.answers = append(h.proof.answers, a)
	if a.Accepted() {
		w.counts.codesReturned.Add(1)
	} else {
		w.counts.codesRefused.Add(1)
		w.log.Warn("a code was not taken", "name", h.def.Name, "by", a.By, "status", a.Status)
	}
}

// codeByMail writes the code to where the mail says answers go, in the holder's
// own words, with the mail quoted below as programs do.
func (w *World) codeByMail(h *holding, m codeMail, at time.Time) func(context.Context) error {
	r := h.def.Registrant
	domain := domainOf(r.Email)
	own := w.senders[domain]
	nth := fmt.Sprint(len(h.proof.answers))
	id := w.messageID(domain, "code", h.def.Name, nth)
	head := heading{date: at, fromName: r.Name, from: r.Email, to: m.mail.to(), id: id, inReplyTo: m.mail.id, refs: angled(m.mail.id), subject: "Re: " + m.mail.subject}
	text := "Hello,\n\nhere is the code: " + m.code + "\n\nKind regards\n" + r.Name + "\n"
	if draw(w.s.Seed, "code quoted", h.def.Name, nth).IntN(2) == 0 {
		text += "\n" + fmt.Sprintf(automatic()["en"].wrote, m.mail.date.UTC().Format("2006-01-02 15:04"), m.mail.from) + "\n" + quote(m.mail.text)
	}
	l := letter{from: r.Email, source: own.source, hello: "mail." + domain, raw: own.sign(head.compose(mailPart{media: "text/plain", body: text}), at),
		about: MailSent{At: at, Party: r.Name, Role: "registrant", Kind: "person", By: "code", Subject: h.def.Name, To: m.mail.to(), InReplyTo: m.mail.id, MessageID: id, Authentic: own.authentic}}
	return w.mailOut("code "+h.def.Name+" "+nth, l, func(status int) {
		w.answered(h, CodeAnswer{At: at, By: "mail", Says: "code", Status: status})
	})
}

// byPage answers as a person with a browser does: the link is opened, the form
// filled in and sent.
func (w *World) byPage(h *holding, m codeMail, at time.Time, says string, try int) func(context.Context) error {
	link, ok := w.ofCentre(m.link)
	if !ok {
		w.answered(h, CodeAnswer{At: at, By: "page", Says: says})
		return nil
	}
	return func(ctx context.Context) error {
		status, err := w.fillIn(ctx, link, m.code, says)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if (err != nil || status >= 500 || status == http.StatusTooManyRequests) && try < verifyTries {
			h.proof.due = true
			w.schedule(w.clock.Now().Add(retryIn), fmt.Sprintf("code %s again %02d", h.def.Name, try), func(time.Time) func(context.Context) error {
				h.proof.due = false
				return w.byPage(h, m, at, says, try+1)
			})
			return nil
		}
		if err != nil {
			w.log.Warn("a code page", "name", h.def.Name, "err", err)
		}
		w.answered(h, CodeAnswer{At: w.clock.Now(), By: "page", Says: says, Status: status})
		return nil
	}
}

// fillIn opens a page and sends its form with the code, or the one that says
// that the holder knows nothing of it.
func (w *World) fillIn(ctx context.Context, link *url.URL, code, says string) (int, error) {
	status, page, cookies, err := w.speak(ctx, http.MethodGet, link.String(), "", nil, nil)
	if err != nil || status >= 300 {
		return status, err
	}
	for _, f := range formsOf(page) {
		if f.method != http.MethodPost {
			continue
		}
		v := url.Values{}
		for k, val := range f.hidden {
			v.Set(k, val)
		}
		switch {
		case says == "code" && slices.Contains(f.blank, "code"):
			v.Set("code", code)
		case says == "not mine" && (f.hidden["do"] == "not_mine" || slices.Contains(f.buttons, [2]string{"do", "not_mine"})):
			v.Set("do", "not_mine")
		default:
			continue
		}
		action, err := link.Parse(f.action)
		if err != nil {
			return 0, err
		}
		if _, ok := w.ofCentreNow(action.String()); !ok {
			return 0, fmt.Errorf("the form goes elsewhere than to the centre")
		}
		status, _, _, err := w.speak(ctx, http.MethodPost, action.String(), "application/x-www-form-urlencoded", []byte(v.Encode()), func(r *http.Request) {
			r.Header.Set("Referer", link.String())
			r.Header.Set("Origin", link.Scheme+"://"+link.Host)
			for _, c := range cookies {
				r.AddCookie(c)
			}
		})
		return status, err
	}
	return http.StatusNotFound, fmt.Errorf("the page has no form for it")
}

// scan opens every link of a mail, and those on the pages behind them, as the
// filters of mail providers do. It sends no form.
func (w *World) scan(h *holding, text string) func(context.Context) error {
	var links []string
	for _, u := range looseURL().FindAllString(text, maxLinks) {
		if l, ok := w.ofCentre(strings.TrimRight(u, ".,;)>")); ok {
			links = append(links, l.String())
		}
	}
	return func(ctx context.Context) error {
		seen := map[string]bool{}
		for i := 0; i < len(links) && len(seen) < 2*maxLinks; i++ {
			if seen[links[i]] {
				continue
			}
			seen[links[i]] = true
			_, page, _, err := w.speak(ctx, http.MethodGet, links[i], "", nil, nil)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				continue
			}
			w.mu.Lock()
			h.proof.scans++
			w.mu.Unlock()
			w.counts.scans.Add(1)
			base, err := url.Parse(links[i])
			if err != nil {
				continue
			}
			for _, href := range linksOf(page) {
				// It stays at the page: the rest of the centre's site is nothing to it.
				if next, err := base.Parse(href); err == nil {
					if _, ok := w.ofCentreNow(next.String()); ok && next.Path != "" && strings.HasPrefix(next.Path, base.Path) {
						links = append(links, next.String())
					}
				}
			}
		}
		return nil
	}
}

// ofCentre is a URL if it is one of the centre's. The world is locked.
func (w *World) ofCentre(raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if w.centre == nil || err != nil || u.Scheme != w.centre.Scheme || u.Host != w.centre.Host || !strings.HasPrefix(u.Path, w.centre.Path+"/") {
		return nil, false
	}
	return u, true
}

// ofCentreNow is ofCentre where the world is not locked.
func (w *World) ofCentreNow(raw string) (*url.URL, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.ofCentre(raw)
}

// speak makes one request to the centre and reads the answer.
func (w *World) speak(ctx context.Context, method, u, ctype string, body []byte, dress func(*http.Request)) (int, []byte, []*http.Cookie, error) {
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if ctype != "" {
		req.Header.Set("Content-Type", ctype)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (lab)")
	req.Header.Set("Accept-Language", "en")
	if dress != nil {
		dress(req)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	return res.StatusCode, b, res.Cookies(), errors.Join(err, res.Body.Close())
}

// webForm is a form on a page, as far as somebody fills it in.
type webForm struct {
	action, method string
	hidden         map[string]string
	blank          []string    // fields that wait for something
	buttons        [][2]string // name and value
}

// formsOf reads the forms of a page.
func formsOf(page []byte) []webForm {
	var out []webForm
	var f *webForm
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.EndTagToken:
			if n, _ := z.TagName(); string(n) == "form" {
				f = nil
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, a := attributes(z)
			switch {
			case tag == "form":
				out = append(out, webForm{action: a["action"], method: strings.ToUpper(a["method"]), hidden: map[string]string{}})
				f = &out[len(out)-1]
			case f == nil:
			case tag == "button", tag == "input" && a["type"] == "submit":
				if a["name"] != "" {
					f.buttons = append(f.buttons, [2]string{a["name"], a["value"]})
				}
			case tag == "input" && a["type"] == "hidden":
				f.hidden[a["name"]] = a["value"]
			case tag == "input" && a["value"] == "", tag == "textarea":
				f.blank = append(f.blank, a["name"])
			}
		}
	}
}

// linksOf reads the links of a page.
func linksOf(page []byte) []string {
	var out []string
	z := html.NewTokenizer(bytes.NewReader(page))
	for len(out) < maxLinks {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			if tag, a := attributes(z); tag == "a" && a["href"] != "" {
				out = append(out, a["href"])
			}
		}
	}
	return out
}

func attributes(z *html.Tokenizer) (tag string, a map[string]string) {
	n, more := z.TagName()
	tag, a = string(n), map[string]string{}
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		a[string(k)] = string(v)
	}
	return tag, a
}
