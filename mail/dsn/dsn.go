// Package dsn reads delivery reports: those of RFC 3464, and those that mail
// systems wrote before it or write beside it. It says of each recipient what
// became of the mail and, as far as the words of the report show it, why.
package dsn

import (
	"bytes"
	"strings"
	"time"

	"bailiwick/mail"
	"bailiwick/problem"
)

// Action is what became of the mail for one recipient (RFC 3464 section
// 2.3.3).
type Action string

// The actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Class is why, in one word.
type Class string

// The classes.
const (
	UnknownUser Class = "unknown-user" // no such mailbox
	Inactive    Class = "inactive"     // the mailbox is closed or takes no mail
	MailboxFull Class = "mailbox-full"
	UnknownHost Class = "unknown-host" // the domain does not exist or takes no mail
	FormOnly    Class = "form-only"    // reports are taken through a web form only
	Spam        Class = "spam"         // refused for what the mail says
	Policy      Class = "policy"       // refused for who sends it, or by a rule
	Auth        Class = "auth"         // refused because SPF, DKIM or DMARC failed
	Rate        Class = "rate"         // too many mails or connections
	TooBig      Class = "too-big"
	Network     Class = "network" // no connection, no answer
	Expired     Class = "expired" // given up after trying for too long
	Loop        Class = "loop"
	System      Class = "system" // the receiving system is at fault
	Other       Class = "other"
)

// Recipient is one recipient of a report.
type Recipient struct {
	// Final is the address the mail was for in the end, Original the one it
	// was sent to where that is known to differ or is said.
	Final    string `json:"final,omitempty"`
	Original string `json:"original,omitempty"`
	Action   Action `json:"action"`
	// Status is the code of RFC 3463 ("5.1.1"), or "" if neither it nor a reply
	// code is said.
	Status string `json:"status,omitempty"`
	// Permanent says that trying again is of no use.
	Permanent  bool      `json:"permanent,omitempty"`
	Class      Class     `json:"class"`
	Diagnostic string    `json:"diagnostic,omitempty"` // one line, cut
	Remote     string    `json:"remote,omitempty"`     // the server that said so
	LastTry    time.Time `json:"last_try,omitzero"`
	RetryUntil time.Time `json:"retry_until,omitzero"`
}

// Address is the address the mail was sent to: Original where known, else
// Final.
func (r Recipient) Address() string {
	if r.Original != "" {
		return r.Original
	}
	return r.Final
}

// Report is a delivery report.
type Report struct {
	// Standard says that it has the fields of RFC 3464.
	Standard   bool        `json:"standard"`
	Reporter   string      `json:"reporter,omitempty"`    // Reporting-MTA
	EnvelopeID string      `json:"envelope_id,omitempty"` // Original-Envelope-Id (RFC 3461)
	Arrived    time.Time   `json:"arrived,omitzero"`
	Recipients []Recipient `json:"recipients"`
	// OriginalID is the Message-ID of the mail reported about.
	OriginalID string `json:"original_id,omitempty"`
	// Form is the address of a web form that the text points to.
	Form string `json:"form,omitempty"`
	// Original is the mail reported about or its header, if it came along.
	Original *mail.Message `json:"-"`
}

// Action is what became of the mail: the worst of its recipients'.
func (r Report) Action() Action {
	a := Delivered
	for _, p := range r.Recipients {
		switch p.Action {
		case Failed:
			return Failed
		case Delayed:
			a = Delayed
		}
	}
	return a
}

// The bounds of Read.
const (
	maxRecipients = 1000
	maxText       = 64 << 10 // octets of text that are searched
	maxDiagnostic = 600
)

// Read reads a delivery report of either kind. The error is Invalid: the mail
// is none, or it names no recipient.
func Read(m *mail.Message) (Report, error) {
	r := reader{m: m}
	kind := mail.Classify(m, mail.Envelope{}).Kind
	r.fields()
	r.original()
	if len(r.out.Recipients) == 0 {
		if !kind.DeliveryReport() && !r.out.Standard {
			return Report{}, problem.New(problem.Invalid, "this is no delivery report")
		}
		r.forms(kind)
	}
	if len(r.out.Recipients) == 0 {
		return r.out, problem.New(problem.Invalid, "the delivery report names no recipient")
	}
	r.finish()
	return r.out, nil
}

type reader struct {
	m    *mail.Message
	out  Report
	text string // the readable text
	read bool
}

// words is the readable text of the report, the returned mail left out.
func (r *reader) words() string {
	if !r.read {
		r.read = true
		r.text = r.m.Plain(maxText)
	}
	return r.text
}

// fields reads the delivery-status part; where there is none, the same fields
// wherever they stand in the text.
func (r *reader) fields() {
	for i := range r.m.Parts {
		p := &r.m.Parts[i]
		if p.Type == "message/delivery-status" || p.Type == "message/global-delivery-status" {
			r.groups(p.Text())
		}
	}
	if len(r.out.Recipients) > 0 {
		return
	}
	for i := range r.m.Parts {
		p := &r.m.Parts[i]
		if !p.IsText() && p.Type != "application/octet-stream" || p.Message != nil || len(p.Data) > 1<<20 || !bytes.Contains(p.Data, []byte("ecipient:")) {
			continue
		}
		if t := p.Text(); strings.Contains(strings.ToLower(t), "\nfinal-recipient:") && strings.Contains(strings.ToLower(t), "action:") {
			r.groups(t)
			if len(r.out.Recipients) > 0 {
				return
			}
		}
	}
}

// groups reads groups of fields divided by empty lines. Lines that are no
// field end a group and are passed over.
func (r *reader) groups(t string) {
	var cur *Recipient
	name, value := "", ""
	put := func() {
		if name != "" {
			cur = r.field(cur, strings.ToLower(name), strings.TrimSpace(value))
		}
		name, value = "", ""
	}
	for line := range strings.Lines(t) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			put()
			cur = nil
			continue
		}
		if (line[0] == ' ' || line[0] == '\t') && name != "" {
			if len(value) < 4096 {
				value += " " + strings.TrimSpace(line)
			}
			continue
		}
		put()
		n, v, ok := strings.Cut(line, ":")
		if ok && len(n) < 60 && !strings.ContainsAny(n, " \t<") {
			name, value = n, v
		}
	}
	put()
}

// field reads one field; a recipient's first field begins its group.
func (r *reader) field(cur *Recipient, name, v string) *Recipient {
	switch name {
	case "reporting-mta":
		r.out.Standard = true
		r.out.Reporter = afterType(v)
		return cur
	case "original-envelope-id":
		r.out.EnvelopeID = clip(v, 200)
		return cur
	case "arrival-date":
		r.out.Arrived = mail.ParseDate(v)
		return cur
	case "final-recipient", "original-recipient", "action", "status", "remote-mta", "diagnostic-code", "last-attempt-date", "will-retry-until", "x-actual-recipient", "x-original-recipient":
	default:
		return cur
	}
	if cur == nil || name == "final-recipient" && cur.Final != "" {
		if name != "final-recipient" && name != "original-recipient" && name != "action" && name != "status" && name != "x-actual-recipient" || len(r.out.Recipients) >= maxRecipients {
			return cur
		}
		r.out.Recipients = append(r.out.Recipients, Recipient{})
		cur = &r.out.Recipients[len(r.out.Recipients)-1]
	}
	r.out.Standard = true
	switch name {
	case "final-recipient":
		cur.Final = address(afterType(v))
	case "original-recipient", "x-original-recipient":
		cur.Original = address(afterType(v))
	case "x-actual-recipient":
		if cur.Final == "" {
			cur.Final = address(afterType(v))
		}
	case "action":
		cur.Action = action(v)
	case "status":
		cur.Status = statusCode(v)
	case "remote-mta":
		cur.Remote = clip(afterType(v), 253)
	case "diagnostic-code":
		cur.Diagnostic = clip(afterType(v), maxDiagnostic)
	case "last-attempt-date":
		cur.LastTry = mail.ParseDate(v)
	case "will-retry-until":
		cur.RetryUntil = mail.ParseDate(v)
	}
	return cur
}

// afterType cuts the type of "rfc822; x@y.example" and the like off.
func afterType(v string) string {
	if t, rest, ok := strings.Cut(v, ";"); ok && len(t) < 40 && !strings.ContainsAny(strings.TrimSpace(t), " @<") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(v)
}

// address is the mail address in v; what is none stays as it is, cut.
func address(v string) string {
	v = strings.TrimSpace(v)
	if open := strings.IndexByte(v, '<'); open >= 0 {
		if end := strings.IndexByte(v[open:], '>'); end > 1 {
			v = v[open+1 : open+end]
		}
	}
	v, _, _ = strings.Cut(v, " ")
	v = strings.Trim(v, "<>\"';,")
	if at := strings.LastIndexByte(v, '@'); at > 0 {
		v = v[:at+1] + strings.ToLower(v[at+1:])
	}
	return clip(v, 320)
}

func action(v string) Action {
	v = strings.ToLower(v)
	for _, a := range []Action{Failed, Delayed, Delivered, Relayed, Expanded} {
		if strings.HasPrefix(v, string(a)) {
			return a
		}
	}
	if strings.Contains(v, "fail") {
		return Failed
	}
	return ""
}

// statusCode is the first code of the form of RFC 3463 in v, or "".
func statusCode(v string) string {
	for i := 0; i+4 < len(v); i++ {
		if v[i] != '2' && v[i] != '4' && v[i] != '5' || v[i+1] != '.' || i > 0 && (digit(v[i-1]) || v[i-1] == '.') {
			continue
		}
		j := i + 2
		for j < len(v) && digit(v[j]) {
			j++
		}
		if j == i+2 || j > i+5 || j >= len(v) || v[j] != '.' {
			continue
		}
		k := j + 1
		for k < len(v) && digit(v[k]) {
			k++
		}
		if k == j+1 || k > j+4 || k < len(v) && (v[k] == '.' && k+1 < len(v) && digit(v[k+1])) {
			continue
		}
		return v[i:k]
	}
	return ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// replyCode is the first SMTP reply code (RFC 5321 section 4.2) of a failure
// in v, or "".
func replyCode(v string) string {
	for i := 0; i+3 <= len(v); i++ {
		if (v[i] == '4' || v[i] == '5') && v[i+1] >= '0' && v[i+1] <= '7' && digit(v[i+2]) &&
			(i == 0 || !digit(v[i-1]) && v[i-1] != '.' && v[i-1] != '-' && v[i-1]|0x20 < 'a') && (i+3 == len(v) || v[i+3] == ' ' || v[i+3] == '-' || v[i+3] == '\n') {
			return v[i : i+3]
		}
	}
	return ""
}

// original finds the mail reported about.
func (r *reader) original() {
	for i := range r.m.Parts {
		if in := r.m.Parts[i].Message; in != nil {
			r.out.Original = in
			r.out.OriginalID = in.MessageID()
			return
		}
	}
	// A header in the text, after the words about it.
	for i := range r.m.Parts {
		p := &r.m.Parts[i]
		if !p.IsText() {
			continue
		}
		t := p.Text()
		if len(t) > 1<<20 {
			t = t[:1<<20]
		}
		for _, f := range []string{"\nReturn-Path: ", "\nReceived: from ", "\nReceived: by ", "\nReceived: (", "\nFrom: ", "\nMessage-ID: ", "\nMessage-Id: ", "\nSubject: "} {
			at := strings.Index(t, f)
			if at < 0 {
				continue
			}
			if in, err := mail.Read([]byte(t[at+1:])); err == nil && in.Header.Len() >= 3 {
				r.out.Original, r.out.OriginalID = &in, in.MessageID()
				return
			}
		}
	}
}

// finish fills what the fields left open from each other and from the text.
func (r *reader) finish() {
	text := r.words()
	low := strings.ToLower(text)
	if len(low) > 16<<10 {
		low = low[:16<<10]
	}
	r.out.Form = formURL(text)
	for i := range r.out.Recipients {
		p := &r.out.Recipients[i]
		if p.Action == "" {
			p.Action = Failed
			if p.Status != "" && p.Status[0] == '2' {
				p.Action = Delivered
			}
		}
		about := p.Diagnostic
		if about == "" || Class("") == classOf(strings.ToLower(about), "") {
			// What the report says in words, near this recipient.
			if near := paragraph(text, p); near != "" {
				about += "\n" + near
			}
		}
		if p.Diagnostic == "" {
			p.Diagnostic = clip(strings.Join(strings.Fields(about), " "), maxDiagnostic)
		}
		if inner := statusCode(about); inner != "" && (p.Status == "" || vague(p.Status) && !vague(inner) && inner[0] == p.Status[0]) {
			p.Status = inner
		}
		if p.Status == "" && p.Action == Failed {
			if code := replyCode(about); code != "" {
				p.Status = code[:1] + ".0.0"
			}
		}
		if p.Status == "" && p.Action == Delayed {
			p.Status = "4.0.0"
		}
		p.Class = classOf(strings.ToLower(about), p.Status)
		if r.out.Form == "" && formSaid(strings.ToLower(about), "") {
			r.out.Form = formURL(about)
		}
		if p.Action == Delivered || p.Action == Relayed || p.Action == Expanded {
			p.Class = Other
			continue
		}
		if formSaid(strings.ToLower(about), low) && r.out.Form != "" && p.Class != UnknownHost {
			p.Class = FormOnly
		}
		if p.Class == "" {
			if p.Class = classOf(low, ""); p.Class == "" {
				p.Class = Other
			}
		}
		p.Permanent = p.Action == Failed && permanent(p.Status, about, p.Class)
	}
}

// vague says whether a status tells no more than its first digit.
func vague(s string) bool { return strings.HasSuffix(s, ".0.0") || strings.HasSuffix(s, ".5.0") }

// permanent says whether the mailbox will not take the next mail either. A
// report "failed" with a status that begins with 4 gave up on a fault that may
// pass.
func permanent(status, about string, c Class) bool {
	switch c {
	case UnknownUser, Inactive, UnknownHost, FormOnly:
		return status == "" || status[0] != '4' || c == UnknownHost && strings.Contains(strings.ToLower(about), "not found")
	case MailboxFull, Network, Expired, Rate:
		return false
	}
	return status == "" || status[0] == '5'
}

// paragraph is what the text says about a recipient: from the line that names
// it to the next empty line or the next address.
func paragraph(text string, p *Recipient) string {
	for _, a := range []string{p.Final, p.Original} {
		if a == "" {
			continue
		}
		at := strings.Index(strings.ToLower(text), strings.ToLower(a))
		if at < 0 || at >= len(text) {
			continue
		}
		out := text[at:]
		if i := strings.Index(out, "\n\n"); i >= 0 {
			// "address\n\n   reason" has an empty line between.
			if j := strings.Index(out[i+2:], "\n\n"); i < len(a)+4 && j >= 0 {
				i += 2 + j
			}
			out = out[:i]
		}
		if i := strings.Index(out[min(len(a)+1, len(out)):], "\n<"); i >= 0 {
			out = out[:i+len(a)+1]
		}
		return clip(out, 2000)
	}
	return ""
}

// clip cuts s to n octets, on one line if it is one.
func clip(s string, n int) string {
	s = strings.TrimSpace(s)
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
