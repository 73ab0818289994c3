package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"bailiwick/name"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // texts in other charsets
)

// notice is what a party reads out of a mail.
type notice struct {
	at      time.Time
	to      string
	subject string   // key of the subject: registered domain, customer's name or address
	role    string   // in which the party is written to, if it says so
	action  string   // what is asked, if it says so
	answer  string   // URL under the centre's own
	data    bool     // it says that registration data are wrong
	fields  []string // those that it says are, as it writes them
	mail    incoming
	late    time.Duration // until somebody reads it
	nth     int           // of the party's notices about the subject
}

// informs says whether the notice asks for nothing.
func (n notice) informs() bool { return n.action == "inform" || n.action == "list" }

// dnsLevel says whether the notice asks for the whole name to go dark.
func (n notice) dnsLevel(p *party) bool {
	return (p.role == "registrar" || p.role == "registry") && !n.informs()
}

// readMail reads the mails that arrived, in an order that does not depend on
// which connection was first.
func (w *World) readMail() {
	if len(w.inbox) == 0 {
		return
	}
	var all []notice
	for _, i := range w.inbox {
		n, _ := w.parseNotice(w.mails[i])
		n.mail = readHead(w.mails[i])
		w.aboutData(&n)
		all = append(all, n)
	}
	w.inbox = nil
	slices.SortStableFunc(all, func(a, b notice) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.to+"\x00"+a.subject+"\x00"+a.role+"\x00"+a.action+"\x00"+a.mail.subject, b.to+"\x00"+b.subject+"\x00"+b.role+"\x00"+b.action+"\x00"+b.mail.subject)
	})
	for _, n := range all {
		p := w.reader(n)
		if p == nil {
			continue
		}
		if r := w.reporterAt(n); r != nil {
			p = r
		}
		if p.role == "registrant" || p.role == "customer" { // no notice: it speaks of a name of theirs
			n.subject = w.aboutName(p, n.mail).name()
		}
		delivered, late := w.machine(w.boxes[n.to].parties[0], n) // one mailbox, one program
		switch n.late = late; {
		case !delivered:
		case p.role == "reporter":
			w.got(p, n.mail)
		case p.role == "registrant":
			w.opened(p, n)
		case p.role == "customer":
			w.askedHolder(p, n)
		case p.role == "support":
			w.holderAnswered(p, n)
		case n.data:
			w.readData(p, n)
		case n.subject != "":
			w.read(p, n)
		}
	}
}

// once compiles an expression when it is first used: only a lab needs it, and every
// command of the program would wait for it.
func once(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var looseURL = once(`(?i)\b(?:hxxps?|https?)(?:\[:\]//|://|\[://\])[^\s<>"]{1,900}`)

// parseNotice reads the XARF attachment and the text of a mail.
func (w *World) parseNotice(m Mail) (notice, bool) {
	n := notice{at: m.At, to: m.To}
	e, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return n, false
	}
	var reported, text string
	parts := 0
	_ = e.Walk(func(_ []int, part *message.Entity, err error) error { // a part that does not read is passed over
		if parts++; err != nil || parts > 50 {
			return nil
		}
		media, params, _ := part.Header.ContentType()
		_, disp, _ := part.Header.ContentDisposition()
		file := strings.ToLower(params["name"] + disp["filename"])
		if strings.HasPrefix(media, "multipart/") {
			return nil
		}
		b, err := io.ReadAll(io.LimitReader(part.Body, 4<<20))
		if err != nil {
			return nil
		}
		switch {
		case strings.HasSuffix(media, "json") || strings.HasSuffix(file, ".json"):
			var x struct {
				URL    string `json:"url"`
				Source string `json:"source_identifier"`
				Own    struct {
					Role   string `json:"role"`
					Action string `json:"action"`
				} `json:"x_bailiwick"`
			}
			if json.Unmarshal(b, &x) == nil {
				n.role, n.action = x.Own.Role, x.Own.Action
				reported = x.URL
				if reported == "" {
					reported = x.Source
				}
			}
		case media == "text/plain" || media == "":
			text += string(b) + "\n"
		}
		return nil
	})
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if u, ok := strings.CutPrefix(line, "Answer:"); ok && n.answer == "" {
			n.answer = strings.TrimSpace(u)
		}
	}
	if reported == "" {
		reported = looseURL().FindString(text)
	}
	if u, err := name.ParseURL(reported); err == nil {
		n.subject = w.subjectKey(u.Host())
	}
	return n, n.subject != ""
}

// subjectKey is what can be acted on of a host: the platform customer's name,
// the registered domain, or the address.
func (w *World) subjectKey(host string) string {
	if isAddr(host) {
		return host
	}
	d, err := name.Parse(host)
	if err != nil {
		return ""
	}
	p := w.suffixes.Split(d)
	switch {
	case !p.Customer.IsZero():
		return p.Customer.String()
	case !p.Registered.IsZero():
		return p.Registered.String()
	}
	return d.String()
}

// reader picks which of the parties that share a mailbox a notice is for.
func (w *World) reader(n notice) *party {
	b := w.boxes[n.to]
	if b == nil {
		return nil
	}
	for _, p := range b.parties {
		if p.role == n.role && (len(b.parties) == 1 || w.holds(p, n.subject)) {
			return p
		}
	}
	for _, p := range b.parties {
		if w.holds(p, n.subject) {
			return p
		}
	}
	return b.parties[0]
}

// holds says whether p has authority over the subject.
func (w *World) holds(p *party, key string) bool {
	h := w.holdings[key]
	if h == nil {
		return false
	}
	own := h.platform == nil && !isAddr(key) // a registered domain
	switch p.role {
	case "registrar":
		return own && h.registrar == p
	case "registry":
		return own && w.tldOf(key) == p.tld
	case "host":
		return h.host == p
	case "cdn":
		return h.cdn == p
	case "platform":
		return h.platform == p
	case "constituent":
		return h.def.Owner == p.name
	}
	return false
}

// acting roles can end an abuse when asked.
func acting(role string) bool {
	switch role {
	case "registrar", "registry", "host", "cdn", "platform":
		return true
	}
	return false
}

// read is a party reading a notice: it decides what to answer and whether to
// act, and when.
func (w *World) read(p *party, n notice) {
	// The registrar or registry of a platform's own name has authority over
	// that name, whatever customer the notice is about.
	key := n.subject
	h := w.holdings[key]
	sub := w.subjects[key]
	if h != nil && h.platform != nil && n.dnsLevel(p) {
		if over := w.registeredOver(key); over != nil && w.holds(p, over.def.Name) {
			w.wrongfulAsk(key, p, n)
			h, key = over, over.def.Name
			sub = w.subject(key)
		}
	}
	count := p.id + "\x00" + key
	w.asks[count]++
	nth := w.asks[count]
	n.nth = nth
	holds := w.holds(p, key)
	if sub != nil {
		sub.asks = append(sub.asks, Ask{At: n.at, Party: p.name, Role: p.role, Action: n.action, Holds: holds})
		if holds && acting(p.role) && !n.informs() && sub.asked.IsZero() {
			sub.asked = n.at
		}
	}
	if h == nil || !holds {
		if acting(p.role) && nth == 1 && p.b.Says != "none" {
			w.answerAt(p, n, key, nth, "not_ours", "We hold nothing of this.")
		}
		return
	}
	if n.dnsLevel(p) && h.def.Class != "malicious" || !n.informs() && acting(p.role) && h.def.Class == "innocent" {
		w.wrongfulAsk(key, p, n)
	}
	if acting(p.role) && !n.informs() {
		w.wasAsked(h, n.at)
		if *p.b.Forged && nth == 1 && w.centreMail != "" && n.mail.replyTo != "" {
			w.forge(p, n, key)
		}
		if *p.b.TipsOff && !h.tipped {
			h.tipped = true
			w.after(h, n.at, func(hp Happening) *Span { return hp.AfterTip })
		}
	}
	w.consider(p, n, h, nth)
}

// wrongfulAsk notes an ask that should not have been made.
func (w *World) wrongfulAsk(key string, p *party, n notice) {
	sub := w.subject(key)
	sub.wrongfulAsks++
	if n.dnsLevel(p) {
		sub.wrongfulDNSAsks++
	}
}

func (w *World) wasAsked(h *holding, at time.Time) {
	if h.asked {
		return
	}
	h.asked = true
	w.after(h, at, func(hp Happening) *Span { return hp.AfterAsk })
}

// consider is the decision of a party that has authority.
func (w *World) consider(p *party, n notice, h *holding, nth int) {
	justified := w.justified(p, h)
	acts := acting(p.role) && !n.informs() || p.role == "constituent" && h.def.Class == "compromised"
	if acts && !justified && !*p.b.Careless {
		if nth == 1 && p.b.Says != "none" {
			note := "We looked and found nothing of ours to act on."
			if p.role == "registrar" || p.role == "registry" {
				note = "The name looks broken into, not registered for abuse: the site's host or owner can help."
			}
			w.answerAt(p, n, h.def.Name, nth, "refused", note)
		}
		return
	}
	says := p.b.Says
	if *p.b.Lies && acts {
		says = "acted"
	}
	if nth == 1 && says != "none" {
		w.answerAt(p, n, h.def.Name, nth, says, "")
	}
	key := fmt.Sprintf("%s %d", p.id, h.round)
	if !acts || *p.b.Lies || nth < p.b.Notices || h.pending[key] {
		return
	}
	if draw(w.s.Seed, "acts", p.id, h.def.Name).Float64() >= *p.b.Acts {
		return
	}
	h.pending[key] = true
	delay := within(draw(w.s.Seed, "after", p.id, h.def.Name, fmt.Sprint(h.round)), *p.b.After)
	w.schedule(n.at.Add(n.late+delay), "act "+p.id+" "+h.def.Name, func(at time.Time) func(context.Context) error {
		done := w.act(p, h, at)
		if done && *p.b.Reports {
			return w.tell(p, n, at, h.def.Name, "acted", "")
		}
		return nil
	})
}

// justified says whether a careful party of this role would act on h.
func (w *World) justified(p *party, h *holding) bool {
	switch p.role {
	case "registrar", "registry":
		return h.def.Class == "malicious"
	}
	return h.def.Class != "innocent"
}

// answerAt schedules an answer to a notice.
func (w *World) answerAt(p *party, n notice, key string, nth int, answer, note string) {
	if !w.hears(p, n) {
		return
	}
	delay := within(draw(w.s.Seed, "says", p.id, key), *p.b.SaysAfter)
	w.schedule(n.at.Add(n.late+delay), fmt.Sprintf("say %s %s %d", p.id, key, nth), func(at time.Time) func(context.Context) error {
		return w.tell(p, n, at, key, answer, note)
	})
}

// post sends an answer to the centre; the URL must be under the centre's.
func (w *World) post(p *party, n notice, answer, note string) func(context.Context) error {
	if w.centre == nil {
		return nil
	}
	u, err := url.Parse(n.answer)
	if err != nil || u.Scheme != w.centre.Scheme || u.Host != w.centre.Host || !strings.HasPrefix(u.Path, w.centre.Path+"/") {
		w.counts.answersFailed.Add(1)
		w.log.Warn("answer URL is not the centre's", "party", p.name)
		return nil
	}
	return func(ctx context.Context) error {
		say := map[string]string{"answer": answer, "note": note}
		if n.data {
			say = linkAnswer(answer, note)
		}
		body, err := json.Marshal(say)
		if err != nil {
			return err
		}
		for try := 0; ; try++ {
			status, _, err := w.send(ctx, u.String(), "application/json", "", body)
			if err == nil && status < 500 && status != http.StatusTooManyRequests {
				if status >= 400 {
					w.counts.answersFailed.Add(1)
				} else {
					w.counts.answers.Add(1)
				}
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if try >= 2 {
				w.counts.answersFailed.Add(1)
				w.log.Warn("answer not taken", "party", p.name, "err", err, "status", status)
				return nil
			}
		}
	}
}

// send makes one request to the centre.
func (w *World) send(ctx context.Context, u, ctype, key string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", ctype)
	req.Header.Set("User-Agent", "bailiwick-lab")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	return res.StatusCode, b, errors.Join(err, res.Body.Close())
}

// act is a party doing what it decided. It says whether it ended anything:
// nobody claims what was done already.
func (w *World) act(p *party, h *holding, at time.Time) bool {
	if !w.holds(p, h.def.Name) {
		return false // the site has left since
	}
	a := Act{At: at, Party: p.name, Role: p.role}
	switch p.role {
	case "registrar":
		if !h.delegated() {
			return false
		}
		a.Act = map[string]string{"hold": "client hold", "delete": "deleted the name", "park": "parked the name", "sinkhole": "sinkholed the name"}[p.registrar.Takedown]
		switch p.registrar.Takedown {
		case "delete":
			h.deleted = at
		case "park":
			h.dns = w.ops[w.s.operatorOf("parking")]
		case "sinkhole":
			h.dns = w.ops[w.s.operatorOf("sinkhole")]
		default:
			h.clientHold = true
		}
		h.changed = at
		a.Wrongful = h.def.Class != "malicious"
	case "registry":
		if !h.delegated() {
			return false
		}
		h.serverHold, h.changed = true, at
		a.Act = "server hold"
		a.Wrongful = h.def.Class != "malicious"
	case "host":
		if h.how != "" || h.cleaned {
			return false
		}
		if h.def.Class == "compromised" && p.host.OnCompromise != "suspend" {
			if p.host.OnCompromise == "owner" {
				w.tellOwner(h, p, at)
				return false
			}
			h.cleaned = true
			a.Act = "removed the page"
			break
		}
		h.how, h.notice = p.host.Takedown, "The account was suspended by "+p.name+"."
		a.Act = "suspended the site"
		a.Wrongful = h.def.Class == "compromised" || h.def.Class == "innocent"
	case "platform":
		if h.how != "" || h.cleaned {
			return false
		}
		h.how, h.notice = "404", "This page was removed by "+p.name+" for breaking its terms of use."
		a.Act = "removed the customer"
		a.Wrongful = h.def.Class == "innocent"
	case "cdn":
		if h.cdnState != "" {
			return false
		}
		if p.cdn.Takedown == "forward" || p.cdn.Forwards {
			w.forward(p, h, at)
		}
		switch p.cdn.Takedown {
		case "stop":
			h.cdnState, a.Act = "stopped", "stopped serving the site"
		case "interstitial":
			h.cdnState, a.Act = "interstitial", "put a warning before the site"
		default:
			a.Act = "passed the notice to the host"
		}
		a.Wrongful = h.def.Class == "innocent"
	case "constituent":
		if h.cleaned || h.how != "" {
			return false
		}
		h.cleaned = true
		a.Act = "cleaned its site"
	default:
		return false
	}
	w.tookDown(h, at, a)
	return true
}

// tookDown notes an act and lets the operator of the site react.
func (w *World) tookDown(h *holding, at time.Time, a Act) {
	w.touch(h, at, &a)
	if a.Role == "cdn" && h.cdnState == "" {
		return // passed on only
	}
	h.takedowns++
	w.after(h, at, func(hp Happening) *Span {
		if h.takedowns > hp.Times {
			return nil
		}
		return hp.AfterTakedown
	})
}

// tellOwner is a host passing a notice on to its customer, who then cleans.
func (w *World) tellOwner(h *holding, p *party, at time.Time) {
	w.touch(h, at, &Act{At: at, Party: p.name, Role: p.role, Act: "told the owner"})
	delay := within(draw(w.s.Seed, "owner", h.def.Name, fmt.Sprint(h.round)), *hours(2, 18))
	w.schedule(at.Add(delay), "owner "+h.def.Name, func(at time.Time) func(context.Context) error {
		if !h.cleaned && h.how == "" {
			h.cleaned = true
			who := h.def.Owner
			if who == "" {
				who = h.def.Registrant.Organization
			}
			w.tookDown(h, at, Act{At: at, Party: who, Role: "owner", Act: "cleaned its site"})
		}
		return nil
	})
}

// forward is a CDN passing a notice to the host behind it.
func (w *World) forward(p *party, h *holding, at time.Time) {
	host := h.host
	if host == nil || host.b.Mailbox == "bounce" || host.b.Mailbox == "form" || host.b.Mailbox == "full" {
		return
	}
	w.asks[host.id+"\x00"+h.def.Name]++
	if sub := w.subjects[h.def.Name]; sub != nil {
		sub.asks = append(sub.asks, Ask{At: at, Party: host.name, Role: "host", Action: "forwarded by " + p.name, Holds: true})
	}
	w.consider(host, notice{at: at, subject: h.def.Name, role: "host"}, h, w.asks[host.id+"\x00"+h.def.Name])
}

// after schedules the happenings of h whose trigger pick chooses.
func (w *World) after(h *holding, at time.Time, pick func(Happening) *Span) {
	for i, hp := range h.def.Then {
		if d := pick(hp); d != nil {
			w.happenAt(h, i, at.Add(d.D()), h.takedowns)
		}
	}
}

func (w *World) happenAt(h *holding, i int, at time.Time, nth int) {
	w.schedule(at, fmt.Sprintf("then %s %d %d", h.def.Name, i, nth), func(at time.Time) func(context.Context) error {
		w.happen(h, h.def.Then[i], at)
		return nil
	})
}

// happen changes a name as the scenario says.
func (w *World) happen(h *holding, hp Happening, at time.Time) {
	if h.registered.IsZero() {
		return
	}
	a := Act{At: at, Role: "operator", Act: hp.Do, Party: hp.By}
	if h.def.Class == "compromised" && hp.Do == "clean" {
		a.Role = "owner"
	}
	if hp.By != "" {
		for _, p := range w.parties {
			if p.name == hp.By {
				a.Role = p.role
				break
			}
		}
	}
	switch hp.Do {
	case "remove":
		h.how = hp.How
	case "restore":
		if h.how != "" || h.cleaned {
			h.round++
		}
		h.how, h.notice, h.cleaned, h.live = "", "", false, true
	case "clean":
		h.cleaned = true
	case "cloak":
		h.cloak = hp.Cloak
	case "uncloak":
		h.cloak = nil
	case "move":
		target := w.holdings[hp.To]
		for n := 0; target != nil && target.refused && n < 8; n++ {
			target = w.holdings[target.def.Else]
		}
		if target == nil {
			return
		}
		w.register(target, at, at)
		if target.refused {
			target = w.holdings[target.def.Else]
			if target == nil {
				return
			}
		}
		if !target.live {
			w.goLive(target, at)
		}
		h.movedTo, h.how, h.cleaned = target, "", false
		h.round++
		target.movedFrom = append(target.movedFrom, h)
	case "rehost":
		w.rehost(h, hp)
	case "expire":
		if h.expired.IsZero() {
			h.expired, h.changed = at, at
		}
		a.Role, a.Act = "registrant", "expired"
	case "abandon":
		h.zoneGone = true
	case "park", "sinkhole":
		kind := map[string]string{"park": "parking", "sinkhole": "sinkhole"}[hp.Do]
		if h.platform != nil || isAddr(h.def.Name) {
			h.how = map[string]string{"park": "parked", "sinkhole": "sinkhole"}[hp.Do]
		} else {
			h.dns, h.changed = w.ops[w.s.operatorOf(kind)], at
		}
	}
	w.touch(h, at, &a)
}

// rehost moves a site to another host under the same name.
func (w *World) rehost(h *holding, hp Happening) {
	w.displace(h)
	if hp.Host != "" {
		h.host = w.hosts[hp.Host]
	} else {
		h.host = w.hosts[w.s.hostAt(hp.Address)]
	}
	h.addr = parseAddr(hp.Address)
	if !h.addr.IsValid() {
		h.addr = frontAddr(w.s.Seed, h.host.host.Networks, h.def.Name+" again", false)
	}
	h.addr6 = parseAddr("")
	if h.def.IPv6 {
		h.addr6 = frontAddr(w.s.Seed, h.host.host.Networks, h.def.Name, true)
	}
	h.cdn, h.cdnState, h.cdnAddr, h.cdnAddr6 = nil, "", parseAddr(""), parseAddr("")
	h.how, h.notice, h.cleaned = "", "", false
	h.round++
	w.place(h)
}
