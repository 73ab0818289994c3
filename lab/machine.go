package lab

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"
)

// machines are the mailboxes that answer by themselves; docs/scenarios.md says
// what each does.
var machines = []string{"autoreply", "rude_autoreply", "vacation", "ticket", "rude_ticket", "late_bounce", "delay", "loop"}

// incoming is what a machine, or somebody who answers, sees of a mail.
type incoming struct {
	raw      []byte
	envelope string // return path; "" is the null sender
	from     string
	replyTo  string
	subject  string
	id       string
	refs     []string // In-Reply-To and References
	text     string   // first text/plain part
	date     time.Time
}

// maxQuoted bounds the text that is quoted back, in octets.
const maxQuoted = 64 << 10

// readHead reads a mail as far as its reader can.
func readHead(m Mail) incoming {
	in := incoming{raw: m.Raw, envelope: m.From, date: m.At}
	r, _ := mail.CreateReader(bytes.NewReader(m.Raw)) // an unknown charset is no reason not to read
	if r == nil {
		return in
	}
	one := func(k string) string {
		if l, err := r.Header.AddressList(k); err == nil && len(l) > 0 {
			return strings.ToLower(l[0].Address)
		}
		return ""
	}
	in.from, in.replyTo = one("From"), one("Reply-To")
	in.subject, _ = r.Header.Subject() // an undecodable one stays as it is
	in.id, _ = r.Header.MessageID()
	for _, k := range []string{"In-Reply-To", "References"} {
		l, _ := r.Header.MsgIDList(k)
		in.refs = append(in.refs, l...)
	}
	for range 20 {
		p, err := r.NextPart()
		if err != nil {
			break
		}
		h, ok := p.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		if t, _, _ := h.ContentType(); t == "text/plain" || t == "" {
			b, _ := io.ReadAll(io.LimitReader(p.Body, maxQuoted)) // what reads is quoted
			in.text = strings.ReplaceAll(string(b), "\r\n", "\n")
			break
		}
	}
	return in
}

// to is where a person, or a program without manners, answers.
func (in incoming) to() string {
	switch {
	case in.replyTo != "":
		return in.replyTo
	case in.from != "":
		return in.from
	}
	return in.envelope
}

// Duel counts the mails between one mailbox whose machine answers and one
// address of the centre, or several where the mails answer each other.
type Duel struct {
	Mailbox string `json:"mailbox"`
	With    string `json:"with"` // the first address
	In      int    `json:"in"`   // from the centre
	Out     int    `json:"out"`  // answered by the machine
	// Cut says that the lab broke it off: 60 went out, or 200 from the mailbox
	// on one day.
	Cut bool `json:"cut,omitempty"`
}

// Duels are the exchanges of the lab's machines with the centre, by mailbox
// and address.
func (w *World) Duels() []Duel {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readMail()
	var out []Duel
	for _, d := range w.duels {
		out = append(out, d.Duel)
	}
	slices.SortFunc(out, func(a, b Duel) int { return strings.Compare(a.Mailbox+" "+a.With, b.Mailbox+" "+b.With) })
	return out
}

// machine is what p's mailbox does with a mail by itself. It says whether a
// person gets it, and how much later. Without a mail server of the centre the
// machines have nobody to write to.
func (w *World) machine(p *party, n notice) (delivered bool, late time.Duration) {
	kind := p.b.Mailbox
	if !slices.Contains(machines, kind) {
		return true, 0
	}
	in := n.mail
	count := p.id + "\x00" + n.subject
	w.heard[count]++
	nth := w.heard[count]
	rnd := draw(w.s.Seed, "machine", p.id, n.subject, fmt.Sprint(nth))
	delivered, late = true, 0
	wait := time.Duration(30+rnd.IntN(150)) * time.Second
	to := in.to()
	switch kind {
	case "autoreply", "vacation":
		to = in.envelope // RFC 3834 section 4; nobody is told about the null sender
	case "late_bounce":
		to, delivered = in.envelope, false
		wait = time.Duration(5+rnd.IntN(240)) * time.Minute
	case "delay":
		to = in.envelope
		wait, late = 4*time.Hour, 6*time.Hour
	}
	if to == "" || w.centreMail == "" {
		return delivered, late
	}
	d := w.duel(p, to, in.refs)
	d.In++
	day := p.mail + n.at.UTC().Format(" 2006-01-02")
	if kind == "vacation" { // once a week to each sender (RFC 5230 section 4.1)
		if !d.last.IsZero() && n.at.Sub(d.last) < 7*Day {
			return delivered, late
		}
		d.last = n.at
	}
	if d.Out >= maxDuel || w.busy[day] >= maxPerDay {
		if !d.Cut {
			d.Cut = true
			w.counts.duelsCut.Add(1)
			w.log.Warn("a machine's exchange with the centre is broken off", "mailbox", p.mail, "with", to)
		}
		return delivered, late
	}
	d.Out++
	w.busy[day]++
	key := fmt.Sprintf("machine %s %s %d", p.id, n.subject, nth)
	w.schedule(n.at.Add(wait), key, func(at time.Time) func(context.Context) error {
		l := w.machineMail(p, n, nth, kind, to, at, rnd)
		w.threads[l.about.MessageID] = d
		return w.mailOut(key, l, nil)
	})
	return delivered, late
}

// duel is the exchange that a mail goes on with: the one that an earlier mail
// of the machine's, which this one answers, belongs to, or that with an
// address. A centre may have a new address for each of its mails.
func (w *World) duel(p *party, with string, refs []string) *duel {
	for _, id := range refs {
		if d := w.threads[id]; d != nil && d.Mailbox == p.mail {
			return d
		}
	}
	k := [2]string{p.mail, with}
	d := w.duels[k]
	if d == nil {
		d = &duel{Duel: Duel{Mailbox: p.mail, With: with}}
		w.duels[k] = d
	}
	return d
}

// duel is a Duel and when it was last answered.
type duel struct {
	Duel
	last time.Time
}

// ticketNumber is the number that a ticket system gives to all mails about one
// thing.
func (w *World) ticketNumber(p *party, subject string) string {
	h := keyed(w.s.Seed, "ticket", p.id, subject)
	return fmt.Sprintf("%s-%06d", strings.ToUpper(slug(p.name)[:min(3, len(slug(p.name)))]), (int(h[0])<<16|int(h[1])<<8|int(h[2]))%1000000)
}

// machineMail writes what a machine answers.
func (w *World) machineMail(p *party, n notice, nth int, kind, to string, at time.Time, rnd *rand.Rand) letter {
	in := n.mail
	domain := domainOf(p.mail)
	own := w.senders[domain]
	id := w.messageID("mail."+domain, kind, p.id, n.subject, fmt.Sprint(nth))
	h := heading{date: at, fromName: p.name, from: p.mail, to: to, id: id, inReplyTo: in.id}
	if in.id != "" {
		h.refs = angled(in.id)
	}
	about := MailSent{At: at, Party: p.name, Role: p.role, By: kind, Subject: n.subject, To: to, InReplyTo: in.id, MessageID: id, Kind: "auto", Authentic: own.authentic, Language: w.tongue(p)}
	l := letter{source: own.source, hello: "mail." + domain}
	t := automatic()[about.Language]
	var part mailPart
	switch kind {
	case "autoreply":
		h.subject = t.auto + ": " + in.subject
		h.extra = []string{"Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", "Precedence: bulk"}
		part = mailPart{media: "text/plain", body: t.received + "\n\n" + p.name + "\n"}
	case "rude_autoreply":
		l.from = p.mail
		h.subject = "Re: " + in.subject
		part = mailPart{media: "text/plain", body: t.received + "\n\n" + p.name + "\n"}
	case "vacation":
		h.subject = t.away + ": " + in.subject
		h.extra = []string{"Auto-Submitted: auto-replied (vacation)"}
		part = mailPart{media: "text/plain", body: fmt.Sprintf(t.vacation, at.Add(5*Day).Format("2006-01-02")) + "\n"}
	case "ticket", "rude_ticket":
		about.Kind = "ticket"
		l.from = p.mail
		number := w.ticketNumber(p, n.subject)
		h.subject = "[#" + number + "] " + strings.TrimPrefix(in.subject, "[#"+number+"] ")
		if kind == "ticket" {
			h.extra = []string{"Auto-Submitted: auto-replied", "X-Ticket-ID: " + number}
		}
		text := fmt.Sprintf(t.ticket, number) + "\n\n" + p.name + "\n"
		part = mailPart{media: "text/plain", body: text + "\n" + quote(in.text)}
		if rnd.IntN(2) == 0 {
			part = multipart("multipart/alternative", part, mailPart{media: "text/html", body: "<html><body><p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n") +
				"</p><blockquote>" + strings.ReplaceAll(html.EscapeString(in.text), "\n", "<br>\n") + "</blockquote></body></html>\n"})
		}
	case "late_bounce", "delay":
		return w.bounce(p, n, l, about, kind == "delay")
	case "loop": // a broken forwarder: our own mail, whole, to where it came from
		about.Kind, about.MessageID = "loop", in.id
		l.from, l.about = p.mail, about
		l.raw = append([]byte("Received: by mail."+domain+"; "+at.UTC().Format(time.RFC1123Z)+"\r\n"), in.raw...)
		l.about.Authentic = false // its From is the centre's
		return l
	}
	l.about = about
	l.raw = own.sign(h.compose(part), at)
	return l
}

// bounce writes a report of non-delivery after acceptance, as RFC 3464 has it
// or in the older form of QSBMF, or the report of a delay.
func (w *World) bounce(p *party, n notice, l letter, about MailSent, delay bool) letter {
	in := n.mail
	domain := domainOf(p.mail)
	mta := "mail." + domain
	h := heading{date: about.At, fromName: "Mail Delivery System", from: "mailer-daemon@" + mta, to: about.To, id: about.MessageID, extra: []string{"Auto-Submitted: auto-replied"}}
	head, _, _ := bytes.Cut(in.raw, []byte("\r\n\r\n"))
	about.Kind = "bounce"
	reason := pick(draw(w.s.Seed, "bounce", p.id), []string{"5.1.1 550 5.1.1 User unknown", "5.2.2 552 5.2.2 Mailbox full", "5.7.1 554 5.7.1 Message refused by the content filter"})
	status, diagnostic, _ := strings.Cut(reason, " ")
	action, says := "failed", "could not be delivered. It will not be tried again."
	h.subject = "Undelivered Mail Returned to Sender"
	if delay {
		about.Kind, action = "delay", "delayed"
		status, diagnostic = "4.4.1", "451 4.4.1 No answer from host"
		h.subject = "Delayed Mail (still being retried)"
		says = "has not been delivered yet. It will be tried further; you need not send it again."
	}
	var part mailPart
	if !delay && w.classic(p) {
		h.subject, h.extra = "failure notice", nil
		part = mailPart{media: "text/plain", body: "Hi. This is the mail program at " + mta + ".\nYour message was not delivered to the address below.\n\n<" + p.mail + ">:\n" +
			diagnostic + "\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <" + in.envelope + ">\n" + string(in.raw)}
	} else {
		fields := fmt.Sprintf("Reporting-MTA: dns; %s\nArrival-Date: %s\n\nFinal-Recipient: rfc822; %s\nOriginal-Recipient: rfc822; %s\nAction: %s\nStatus: %s\nRemote-MTA: dns; store.%s\nDiagnostic-Code: smtp; %s\n",
			mta, in.date.UTC().Format(time.RFC1123Z), p.mail, p.mail, action, status, domain, diagnostic)
		if delay {
			fields += "Will-Retry-Until: " + in.date.Add(5*Day).UTC().Format(time.RFC1123Z) + "\n"
		}
		part = multipart("multipart/report; report-type=delivery-status",
			mailPart{media: "text/plain", body: "This is the mail system at " + mta + ".\n\nYour message to <" + p.mail + "> " + says + "\n\n" + diagnostic + "\n"},
			mailPart{media: "message/delivery-status", body: fields},
			mailPart{media: "text/rfc822-headers", body: string(head) + "\r\n", raw: true})
	}
	l.about = about
	l.raw = w.senders[domain].sign(h.compose(part), about.At)
	return l
}

// classic says whether a party's server bounces in the older form.
func (w *World) classic(p *party) bool { return keyed(w.s.Seed, "classic", p.id)[0]&1 == 1 }

// tongue is the language of a party's people.
func (w *World) tongue(p *party) string {
	if p.b.Language != "" {
		return p.b.Language
	}
	rnd := draw(w.s.Seed, "tongue", p.id)
	if rnd.IntN(2) == 0 {
		return "en"
	}
	return pick(rnd, tongues)
}

// answersBy is how a party answers: link, mail or both.
func (w *World) answersBy(p *party) string {
	switch {
	case p.b.Answers != "":
		return p.b.Answers
	case w.s.MailIn:
		return pick(draw(w.s.Seed, "answers", p.id), []string{"link", "mail", "mail", "both"})
	}
	return "link"
}

// hears says whether an answer to the notice has a way to go.
func (w *World) hears(p *party, n notice) bool {
	return n.answer != "" || w.answersBy(p) != "link" && w.centreMail != "" && n.mail.replyTo != ""
}

// tell gives the centre a party's answer, in its ways and as far as the notice
// offers them.
func (w *World) tell(p *party, n notice, at time.Time, key, answer, note string) func(context.Context) error {
	by := w.answersBy(p)
	canMail := w.centreMail != "" && n.mail.replyTo != ""
	link := n.answer != "" && (by != "mail" || !canMail)
	var sends []func(context.Context) error
	if link {
		sends = append(sends, w.post(p, n, answer, note))
	}
	if canMail && by != "link" {
		sends = append(sends, w.reply(p, n, at, key, answer))
	}
	return func(ctx context.Context) error {
		for _, send := range sends {
			if send == nil {
				continue
			}
			if err := send(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// reply writes a person's answer in words, with the notice quoted as mail
// programs do.
func (w *World) reply(p *party, n notice, at time.Time, key, answer string) func(context.Context) error {
	in := n.mail
	domain := domainOf(p.mail)
	own := w.senders[domain]
	nth := fmt.Sprint(n.nth)
	rnd := draw(w.s.Seed, "reply", p.id, key, answer, nth)
	id := w.messageID(domain, "reply", p.id, key, answer, nth)
	lang := w.tongue(p)
	words := replies()
	if n.data {
		words = corrections()
	}
	says := pick(rnd, words[lang][answer])
	t := automatic()[lang]
	person := pick(rnd, givenNames) + " " + pick(rnd, familyNames)
	sign := t.regards + "\n" + person + "\n" + p.name + "\nhttps://www." + domain + "/\n"
	author := p.mail
	if rnd.IntN(3) == 0 { // from a mailbox of their own, not the one that was written to
		author = strings.ToLower(strings.ReplaceAll(person, " ", ".")) + "@" + domain
	}
	h := heading{date: at, fromName: person + " (" + p.name + ")", from: author, to: in.replyTo, id: id, inReplyTo: in.id, subject: t.re + ": " + in.subject}
	if in.id != "" {
		h.refs = strings.Join(append(angle(in.refs), angled(in.id)), " ")
	}
	if strings.Contains(p.b.Mailbox, "ticket") { // the desk writes from its ticket system
		number := w.ticketNumber(p, n.subject)
		h.subject = "[#" + number + "] Re: " + in.subject
		if rnd.IntN(2) == 0 {
			h.inReplyTo, h.refs = "", ""
		}
	}
	wrote := fmt.Sprintf(t.wrote, in.date.UTC().Format("2006-01-02 15:04"), in.from)
	outlook := "-----Original Message-----\nFrom: " + in.from + "\nSent: " + in.date.UTC().Format("Monday, January 2, 2006 3:04 PM") + "\nTo: " + p.mail + "\nSubject: " + in.subject + "\n\n"
	hello := t.hello + "\n\n" + says + "\n\n"
	var part mailPart
	switch rnd.IntN(5) {
	case 0: // under what it answers
		part = mailPart{media: "text/plain", body: wrote + "\n" + quote(in.text) + "\n" + hello + sign}
	case 1:
		part = mailPart{media: "text/plain", body: hello + sign + "\n" + outlook + in.text}
	case 2:
		part = multipart("multipart/alternative", mailPart{media: "text/plain", body: hello + sign + "\n" + wrote + "\n" + quote(in.text)},
			mailPart{media: "text/html", body: "<html><body><div>" + strings.ReplaceAll(html.EscapeString(hello+sign), "\n", "<br>\n") + "</div><div class=\"quote\">" +
				html.EscapeString(wrote) + "<blockquote>" + strings.ReplaceAll(html.EscapeString(in.text), "\n", "<br>\n") + "</blockquote></div></body></html>\n"})
	case 3: // a short one from a telephone, nothing quoted
		part = mailPart{media: "text/plain", body: says + "\n"}
	default:
		part = mailPart{media: "text/plain", body: hello + sign + "\n" + wrote + "\n" + quote(in.text)}
	}
	l := letter{from: author, source: own.source, hello: "mail." + domain, raw: own.sign(h.compose(part), at),
		about: MailSent{At: at, Party: p.name, Role: p.role, Kind: "person", Answer: answer, Language: lang, Subject: key, To: in.replyTo, InReplyTo: h.inReplyTo, MessageID: id, Authentic: own.authentic}}
	return w.mailOut(fmt.Sprintf("reply %s %s %s %s", p.id, key, answer, nth), l, nil)
}

// forge schedules an answer that somebody else writes in a party's name: its
// address in From, from a server that its domain does not know.
func (w *World) forge(p *party, n notice, key string) {
	after := within(draw(w.s.Seed, "forge", p.id, key), *minutes(20, 240))
	event := fmt.Sprintf("forge %s %s", p.id, key)
	w.schedule(n.at.Add(after), event, func(at time.Time) func(context.Context) error {
		in := n.mail
		lang := w.tongue(p)
		id := w.messageID("bulk-sender.example", "forged", p.id, key)
		h := heading{date: at, fromName: p.name, from: p.mail, to: in.replyTo, id: id, inReplyTo: in.id, refs: angled(in.id), subject: automatic()[lang].re + ": " + in.subject}
		text := automatic()[lang].hello + "\n\n" + replies()[lang]["not_ours"][0] + "\n\n" + p.name + "\n\n" + quote(in.text)
		return w.mailOut(event, letter{from: p.mail, source: strayAddr, hello: "mx.bulk-sender.example", raw: h.compose(mailPart{media: "text/plain", body: text}),
			about: MailSent{At: at, Party: p.name, Role: p.role, Kind: "person", By: "forged", Answer: "not_ours", Language: lang, Subject: key, To: in.replyTo, InReplyTo: in.id, MessageID: id}}, nil)
	})
}

func angle(ids []string) []string {
	var out []string
	for _, id := range ids {
		if s := angled(id); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
