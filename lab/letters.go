package lab

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
)

// formats are the formats of reports; those of the second row go by mail.
var formats = []string{"json", "xarf4", "xarf3",
	"mail", "mail_html", "forward", "arf", "xarf_mail"}

func byMail(format string) bool { return slices.Index(formats, format) >= 3 }

// tooLarge is the size of a report with the fault too_large, in octets.
const tooLarge = 30 << 20

// moot says whether the centre cannot find in the report what it is about.
func (r *Report) moot() bool {
	return r.Expect == "rejected" || byMail(r.Format) && (r.Fault == "private_address" || r.Fault == "not_a_name")
}

// Receipts counts what a reporter's mailbox got from the centre.
type Receipts struct {
	Reporter string `json:"reporter"`
	// Mails is how many came, Answering how many of them answer (In-Reply-To) a
	// report of the reporter's own.
	Mails     int `json:"mails"`
	Answering int `json:"answering"`
	// Misled counts those that answer a report somebody forged in the
	// reporter's name: a centre that tells a forger's victim sends spam.
	Misled int `json:"misled,omitempty"`
}

// Receipts are what the reporters' mailboxes got, by reporter's name.
func (w *World) Receipts() []Receipts {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readMail()
	var out []Receipts
	for i := range w.s.Reporters {
		if r := w.receipts[w.s.Reporters[i].Name]; r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// submitMail sends one report by mail. What the centre's server says is kept
// as its answer: 250 is accepted.
func (w *World) submitMail(at time.Time, i int) func(context.Context) error {
	r := &w.s.Reports[i]
	from := w.s.reporter(r.From)
	raw, id, lang, ok := w.reportMail(i, at)
	if !ok {
		return nil
	}
	s := Submission{At: at, Reporter: r.From, Key: id, Format: r.Format, Expected: r.Expect}
	subject := ""
	for _, u := range r.urls(w) {
		k := w.keyOfURL(u)
		if k == "" || r.moot() {
			continue
		}
		if s.Subjects = append(s.Subjects, k); subject == "" {
			subject = k
		}
		if sub := w.subjects[k]; sub != nil {
			w.firstReport(sub, at)
		}
	}
	own := w.senders[domainOf(from.Mail)]
	l := letter{from: from.Mail, source: own.source, hello: "mail." + own.domain, raw: raw, about: MailSent{At: at, Party: r.From, Role: "reporter", Kind: "report",
		By: r.Format, Language: lang, Subject: subject, To: ReportAddress, MessageID: id, Authentic: own.authentic && from.Auth != "forged"}}
	if from.Auth == "forged" {
		l.from, l.source, l.hello = "bounces@bulk-sender.example", strayAddr, "mx.bulk-sender.example"
	} else {
		l.raw = own.sign(raw, at)
	}
	if _, is := w.written[id]; !is {
		w.written[id] = -1
	}
	key := fmt.Sprintf("report %09d", i)
	taken := false
	send := w.mailOut(key, l, func(status int) {
		w.tookMail(s, status)
		taken = status >= 200 && status < 300
	})
	if !r.Resend || send == nil {
		return send
	}
	return func(ctx context.Context) error {
		if err := send(ctx); err != nil || !taken {
			return err
		}
		// The same bytes again, as a server does that missed the answer.
		status, err := w.deliver(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.counts.mailsAgain.Add(1)
		if err == nil {
			w.counts.mailsTaken.Add(1)
			s.Status, s.Resend, s.Accepted = status, true, status < 300
			w.sent = append(w.sent, s)
		}
		return nil
	}
}

// tookMail notes what the centre's server said to a report. The world is
// locked.
func (w *World) tookMail(s Submission, status int) {
	s.Status, s.Accepted = status, status >= 200 && status < 300
	w.counts.reports.Add(1)
	if s.Accepted {
		w.counts.accepted.Add(1)
		w.written[s.Key] = len(w.sent)
	} else {
		w.counts.rejected.Add(1)
	}
	if s.Accepted != (s.Expected == "accepted") {
		w.counts.unexpected.Add(1)
		w.log.Warn("report by mail", "id", s.Key, "status", status, "expected", s.Expected)
	}
	w.sent = append(w.sent, s)
}

func (s *Scenario) reporter(n string) *Reporter {
	for i := range s.Reporters {
		if s.Reporters[i].Name == n {
			return &s.Reporters[i]
		}
	}
	return nil
}

// reporterAt is the reporter at a mailbox, which may be others' too, if a mail
// is about a report.
func (w *World) reporterAt(n notice) *party {
	for _, p := range w.boxes[n.to].parties {
		if p.role == "reporter" && slices.ContainsFunc(n.mail.refs, func(id string) bool { _, ok := w.written[id]; return ok }) {
			return p
		}
	}
	return nil
}

// got is a reporter reading a mail from the centre.
func (w *World) got(p *party, in incoming) {
	r := w.receipts[p.name]
	if r == nil {
		r = &Receipts{Reporter: p.name}
		w.receipts[p.name] = r
	}
	r.Mails++
	for _, id := range in.refs {
		n, ok := w.written[id]
		if !ok {
			continue
		}
		if from := w.s.reporter(p.name); from != nil && from.Auth == "forged" {
			r.Misled++
		} else {
			r.Answering++
		}
		if n >= 0 {
			w.sent[n].Receipts++
			for _, k := range w.sent[n].Subjects {
				w.subject(k).receipts++
			}
		}
		return
	}
}

// mailPart is one part of a message being written.
type mailPart struct {
	media  string // with parameters; a charset is added to text
	extra  string // further header lines, each with CRLF
	body   string // lines end in LF; turned into CRLF
	base64 bool
	raw    bool // nested messages: body as it is
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 || r < 32 && r != '\n' && r != '\t' && r != '\r' })
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// bytes writes the part: header, empty line, body.
func (p mailPart) bytes() string {
	var b strings.Builder
	media := p.media
	if strings.HasPrefix(media, "text/") && !p.raw && !strings.Contains(media, "rfc822-headers") {
		media += "; charset=utf-8"
	}
	b.WriteString("Content-Type: " + media + "\r\n" + p.extra)
	long := slices.ContainsFunc(strings.Split(p.body, "\n"), func(l string) bool { return len(l) > 900 })
	switch {
	case p.raw:
		b.WriteString("\r\n" + p.body)
	case p.base64:
		b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
		for s := base64.StdEncoding.EncodeToString([]byte(p.body)); s != ""; {
			n := min(76, len(s))
			b.WriteString(s[:n] + "\r\n")
			s = s[n:]
		}
	case ascii(p.body) && !long:
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n" + crlf(p.body))
	default:
		b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
		q := quotedprintable.NewWriter(&b)
		_, _ = q.Write([]byte(crlf(p.body))) // a strings.Builder takes everything
		_ = q.Close()
	}
	return b.String()
}

// multipart joins parts; media is multipart/… with parameters. The boundary
// depends on the content, so that content cannot hold it.
func multipart(media string, parts ...mailPart) mailPart {
	var all []string
	h := sha256.New()
	for _, p := range parts {
		s := p.bytes()
		all = append(all, s)
		h.Write([]byte(s))
	}
	boundary := "=_" + hex.EncodeToString(h.Sum(nil)[:12])
	var b strings.Builder
	for _, s := range all {
		b.WriteString("--" + boundary + "\r\n" + s + "\r\n") // the line break before a boundary is the boundary's
	}
	b.WriteString("--" + boundary + "--\r\n")
	return mailPart{media: media + ";\r\n boundary=\"" + boundary + "\"", body: b.String(), raw: true}
}

// heading is the head of a message being written.
type heading struct {
	date                         time.Time
	fromName, from, to, replyTo  string
	subject, id, inReplyTo, refs string
	extra                        []string // whole lines
}

// word encodes a header's text where it needs it (RFC 2047).
func word(s string) string {
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", s), "?= =?", "?=\r\n =?")
}

// compose writes a message.
func (h heading) compose(p mailPart) []byte {
	var b strings.Builder
	line := func(k, v string) {
		if v != "" {
			b.WriteString(k + ": " + v + "\r\n")
		}
	}
	line("Date", h.date.UTC().Format(time.RFC1123Z))
	line("From", (&mail.Address{Name: h.fromName, Address: h.from}).String())
	line("To", "<"+h.to+">")
	if h.replyTo != "" {
		line("Reply-To", "<"+h.replyTo+">")
	}
	line("Subject", word(strings.Join(strings.Fields(h.subject), " ")))
	line("Message-ID", angled(h.id))
	line("In-Reply-To", angled(h.inReplyTo))
	line("References", strings.ReplaceAll(h.refs, "> <", ">\r\n <"))
	for _, x := range h.extra {
		b.WriteString(x + "\r\n")
	}
	line("MIME-Version", "1.0")
	return []byte(b.String() + p.bytes())
}

func angled(id string) string {
	if id == "" {
		return ""
	}
	return "<" + id + ">"
}

// messageID makes a Message-ID that depends on nothing but its purpose.
func (w *World) messageID(domain string, purpose ...string) string {
	h := keyed(w.s.Seed, append([]string{"message-id"}, purpose...)...)
	return hex.EncodeToString(h[:10]) + "@" + domain
}

// defang writes a URL so that it cannot be clicked, in one of the ways that
// people and tools use. All of them are read back by a person at once.
func defang(rnd *rand.Rand, u string) string {
	scheme, rest, _ := strings.Cut(u, "://")
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	hxxp := strings.Replace(scheme, "http", "hxxp", 1)
	last := strings.LastIndexByte(host, '.')
	if strings.HasPrefix(host, "[") || last < 0 { // an IPv6 address
		return name.Defang(u)
	}
	switch rnd.IntN(8) {
	case 0:
		return hxxp + "://" + rest
	case 1:
		return hxxp + "://" + strings.ReplaceAll(host, ".", "[.]") + path
	case 2:
		return scheme + "[:]//" + strings.ReplaceAll(host, ".", "[.]") + path
	case 3:
		return hxxp + "://" + strings.ReplaceAll(host, ".", "(.)") + path
	case 4:
		return hxxp + "://" + strings.ReplaceAll(host, ".", "[dot]") + path
	case 5:
		return hxxp + "[://]" + host[:last] + "[.]" + host[last+1:] + path
	case 6:
		return strings.ToUpper(hxxp[:1]) + hxxp[1:] + "://" + host[:last] + "[.]" + host[last+1:] + path
	}
	return name.Defang(u)
}

// reportMail writes a report as a mail: false when it is about a name that was
// never registered. It gives the bytes, unsigned, the Message-ID and the
// language.
func (w *World) reportMail(i int, at time.Time) (raw []byte, id, lang string, ok bool) {
	r := &w.s.Reports[i]
	from := w.s.reporter(r.From)
	domain := domainOf(from.Mail)
	id = w.messageID(domain, "report", fmt.Sprint(i))
	if r.Raw != "" {
		return []byte(crlf(r.Raw)), id, "", true
	}
	rnd := draw(w.s.Seed, "report mail", fmt.Sprint(i))
	urls := r.urls(w)
	if r.Name != "" {
		h := w.effective(r.Name)
		if h == nil || h.registered.IsZero() {
			return nil, "", "", false
		}
	}
	switch r.Fault {
	case "private_address":
		urls = []string{"http://192.168.10.20/login/"}
	case "not_a_name":
		urls = []string{"http://-not a name-../login/"}
	}
	if len(urls) == 0 {
		return nil, "", "", false
	}
	shown := slices.Clone(urls)
	if r.Defang {
		for j := range shown {
			shown[j] = defang(rnd, shown[j])
		}
	}
	lang = pick(rnd, tongues)
	t := reporting()[lang]
	kind := t.kinds[r.Type]
	if kind == "" {
		kind = t.kinds["other"]
	}
	brand := r.Brand
	if brand == "" {
		brand = "Example Bank"
	}
	person := pick(rnd, givenNames) + " " + pick(rnd, familyNames)
	sign := fmt.Sprintf("\n-- \n%s\n%s\nhttps://www.%s/\n", person, from.Name, domain)
	text := t.hello + "\n\n" + fmt.Sprintf(t.intro, kind) + "\n\n" + strings.Join(shown, "\n") + "\n\n"
	if r.Type == abuse.Phishing {
		text += fmt.Sprintf(t.brand, brand) + "\n"
	}
	if r.Description != "" {
		text += r.Description + "\n"
	}
	text += "\n" + t.ask + "\n"
	h := heading{date: at, fromName: from.Name, from: from.Mail, to: ReportAddress, id: id, subject: fmt.Sprintf(t.subject, kind)}
	var p mailPart
	switch r.Format {
	case "mail_html":
		rich := "<html><body><p>" + html.EscapeString(t.hello) + "</p><p>" + html.EscapeString(fmt.Sprintf(t.intro, kind)) + "</p><ul>"
		for j, u := range shown {
			if r.Defang {
				rich += "<li><code>" + html.EscapeString(u) + "</code></li>"
			} else {
				rich += `<li><a href="` + html.EscapeString(urls[j]) + `">` + html.EscapeString(u) + "</a></li>"
			}
		}
		rich += "</ul><p>" + html.EscapeString(r.Description) + "</p><p>" + html.EscapeString(t.ask) + `</p><p>-- <br>` + html.EscapeString(person) +
			`<br><a href="https://www.` + domain + `/">` + html.EscapeString(from.Name) + "</a></p></body></html>\n"
		p = multipart("multipart/alternative", mailPart{media: "text/plain", body: text + sign}, mailPart{media: "text/html", body: rich})
	case "forward":
		lure := w.lure(rnd, r, urls, brand, at)
		forward := fmt.Sprintf(t.forward, kind)
		intro := t.hello + "\n\n" + forward + "\n\n" + t.ask + "\n"
		h.subject = pick(rnd, []string{"Fwd: ", "Fw: ", "WG: ", "TR: ", "RV: "}) + lure.subject
		switch rnd.IntN(4) {
		case 0: // attached whole
			p = multipart("multipart/mixed", mailPart{media: "text/plain", body: intro + sign},
				mailPart{media: "message/rfc822", extra: "Content-Disposition: attachment; filename=\"message.eml\"\r\n", body: string(lure.raw), raw: true})
		case 1:
			p = mailPart{media: "text/plain", body: intro + sign + "\n---------- Forwarded message ---------\nFrom: " + lure.fromName + " <" + lure.from + ">\nDate: " +
				lure.date.Format("Mon, 2 Jan 2006 at 15:04") + "\nSubject: " + lure.subject + "\nTo: <" + lure.to + ">\n\n\n" + lure.text}
		case 2:
			p = mailPart{media: "text/plain", body: intro + sign + "\n-----Original Message-----\nFrom: " + lure.fromName + " <" + lure.from + ">\nSent: " +
				lure.date.Format("Monday, January 2, 2006 3:04 PM") + "\nTo: " + lure.to + "\nSubject: " + lure.subject + "\n\n" + lure.text}
		default:
			p = multipart("multipart/alternative", mailPart{media: "text/plain", body: intro + sign + "\n" + quote(lure.text)},
				mailPart{media: "text/html", body: "<html><body><p>" + html.EscapeString(forward) + "</p><p>" + html.EscapeString(t.ask) + "</p><blockquote type=\"cite\">" + lure.rich + "</blockquote></body></html>\n"})
		}
	case "arf":
		lure := w.lure(rnd, r, urls, brand, at)
		h.subject = "FW: " + lure.subject
		feedback := "fraud" // RFC 5965 section 7.3: fraud or phishing
		switch r.Type {
		case abuse.Malware:
			feedback = "virus"
		case abuse.Spam:
			feedback = "abuse"
		}
		fb := fmt.Sprintf("Feedback-Type: %s\nUser-Agent: LabFilter/1.0\nVersion: 1\nOriginal-Mail-From: <%s>\nArrival-Date: %s\nReporting-MTA: dns; mail.%s\n",
			feedback, lure.from, lure.date.Format(time.RFC1123Z), domain)
		fb += "Source-IP: " + strayAddr.String() + "\n" // of the mail, not of the page
		for _, u := range urls {
			if k, err := url.Parse(u); err == nil && !isAddr(k.Hostname()) {
				fb += "Reported-Domain: " + k.Hostname() + "\n"
			}
			fb += "Reported-URI: " + u + "\n"
		}
		p = multipart("multipart/report; report-type=feedback-report", mailPart{media: "text/plain", body: "This is an abuse report for a message received on " +
			lure.date.Format(time.RFC1123Z) + ".\nOur users reported it as " + string(r.Type) + ".\nFor more information about this format please see RFC 5965.\n"},
			mailPart{media: "message/feedback-report", body: fb}, mailPart{media: "message/rfc822", extra: "Content-Disposition: inline\r\n", body: string(lure.raw), raw: true})
	case "xarf_mail":
		body, known := w.bodyAs("xarf4", i, at)
		if !known {
			return nil, "", "", false
		}
		p = multipart("multipart/mixed", mailPart{media: "text/plain", body: text + sign},
			mailPart{media: "application/json; name=\"xarf.json\"", extra: "Content-Disposition: attachment; filename=\"xarf.json\"\r\n", body: string(body), base64: true})
	default:
		p = mailPart{media: "text/plain", body: text + sign}
	}
	switch r.Fault {
	case "broken_boundary": // the boundary that is announced is not the one that is used
		if k := strings.Index(p.media, "boundary=\"=_"); k >= 0 {
			p.media = p.media[:k] + "boundary=\"=-" + p.media[k+len("boundary=\"=_"):]
		} else {
			p = mailPart{media: "multipart/mixed; boundary=\"=-none\"", body: crlf(p.body), raw: true}
		}
	case "too_large":
		p = multipart("multipart/mixed", p, mailPart{media: "image/png; name=\"screen.png\"", extra: "Content-Transfer-Encoding: base64\r\n",
			body: strings.Repeat(strings.Repeat("iVBORw0KGgoA", 6)+"\r\n", tooLarge/74), raw: true})
	}
	return h.compose(p), id, lang, true
}

// lured is the mail that brought a link to a reporter.
type lured struct {
	fromName, from, to, subject, text, rich string
	date                                    time.Time
	raw                                     []byte
}

// lure writes the mail of a phisher: the link to the page, and below it, as
// such mails have, the links of the real organisation.
func (w *World) lure(rnd *rand.Rand, r *Report, urls []string, brand string, at time.Time) lured {
	own := slug(brand) + ".example"
	for _, c := range w.s.Constituents {
		if slices.Contains(c.Brands, brand) && len(c.Domains) > 0 {
			own = c.Domains[0]
		}
	}
	victim := strings.ToLower(pick(rnd, givenNames)) + "@customers.example"
	links := slices.Clone(urls)
	if rnd.IntN(3) == 0 { // they often know whom they sent it to
		for i := range links {
			links[i] += "?e=" + url.QueryEscape(victim)
		}
	}
	l := lured{fromName: brand, from: fmt.Sprintf("no-reply-%d@mail-free.example", 100+rnd.IntN(900)), to: victim, date: at.Add(-time.Duration(20+rnd.IntN(300)) * time.Minute),
		subject: brand + ": your account is limited"}
	says := fmt.Sprintf("Dear customer,\n\nwe noticed unusual activity in your %s account. Please confirm your details within 24 hours:", brand)
	if r.Type == abuse.Malware {
		l.subject = "Invoice " + fmt.Sprint(10000+rnd.IntN(90000))
		says = "Dear customer,\n\nplease find your open invoice at the address below:"
	}
	footer := fmt.Sprintf("Need help? https://www.%s/help\nPrivacy: https://www.%s/privacy\n(c) %s", own, own, brand)
	l.text = says + "\n\n" + strings.Join(links, "\n") + "\n\nYour " + brand + " team\n\n" + footer + "\n"
	l.rich = "<p>" + strings.ReplaceAll(html.EscapeString(says), "\n", "<br>") + "</p>"
	for _, u := range links {
		l.rich += `<p><a href="` + html.EscapeString(u) + `">Confirm now</a></p>`
	}
	l.rich += fmt.Sprintf(`<p>Your %s team</p><p><a href="https://www.%s/help">Help</a> <a href="https://www.%s/privacy">Privacy</a></p>`, html.EscapeString(brand), own, own)
	h := heading{date: l.date, fromName: l.fromName, from: l.from, to: victim, subject: l.subject, id: w.messageID("mail-free.example", "lure", victim, urls[0], fmt.Sprint(at.Unix()))}
	l.raw = h.compose(multipart("multipart/alternative", mailPart{media: "text/plain", body: l.text}, mailPart{media: "text/html", body: "<html><body>" + l.rich + "</body></html>\n"}))
	return l
}

// quote puts "> " before every line.
func quote(s string) string {
	var b strings.Builder
	for l := range strings.Lines(strings.ReplaceAll(s, "\r\n", "\n")) {
		b.WriteString("> " + l)
	}
	return b.String()
}
