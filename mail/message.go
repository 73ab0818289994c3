package mail

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"bailiwick/problem"
)

// The bounds of Read. A mail over MaxMail is refused; the others cut, and the
// message says so among its Defects.
const (
	MaxMail    = 30 << 20 // octets of one mail
	MaxParts   = 300      // parts of one mail, those of attached mails among them
	MaxDepth   = 12       // multiparts and attached mails inside one another
	MaxDecoded = 40 << 20 // octets of all parts, decoded
	maxDefects = 50
)

// Message is a mail, read.
type Message struct {
	Header Header
	// Parts are the leaves in order: everything that is no multipart.
	Parts []Part
	// Type is the media type of the mail itself ("multipart/report"), and
	// Params its parameters.
	Type   string
	Params map[string]string
	// HeadersOnly says that an attached mail came without its body.
	HeadersOnly bool
	// Defects are what is wrong with the mail, in words; the mail was read all
	// the same. Those of attached mails are among those of the outermost.
	Defects []string
}

// Part is one leaf of a mail.
type Part struct {
	Header Header
	// Type is the media type in lower case ("text/plain"), Params its
	// parameters with names in lower case.
	Type   string
	Params map[string]string
	// Name is the file name, if any, and Disposition "inline", "attachment" or
	// "".
	Name        string
	Disposition string
	// Depth is how many multiparts the part is in.
	Depth int
	// Alternative is the number of the multipart/alternative that the part is
	// in, counted from 1; 0 for none. Its parts say the same in several ways.
	Alternative int
	// Data is the content with its transfer encoding undone.
	Data []byte
	// Cut says that Data is not all.
	Cut bool
	// Message is the attached mail, if the part is one.
	Message *Message
}

// Read reads a mail (RFC 5322, RFC 2045 and those that follow) as it comes,
// broken or hostile: what can be read is read, and Defects say what was wrong.
// Line ends may be CRLF, LF or CR; a byte order mark and a mailbox file's
// "From " line are skipped. The parts share memory with raw.
//
// The error is TooLarge for a mail over MaxMail, and Invalid for one that is
// empty or has no header field at all.
func Read(raw []byte) (Message, error) {
	if len(raw) > MaxMail {
		return Message{}, problem.New(problem.TooLarge, "the mail is %d octets long, %d are allowed", len(raw), MaxMail)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	raw = lineEnds(raw)
	raw = bytes.TrimLeft(raw, "\r\n")
	if len(bytes.TrimSpace(raw)) == 0 {
		return Message{}, problem.New(problem.Invalid, "the mail is empty")
	}
	r := reader{}
	m := Message{}
	if !r.message(&m, raw, 0) {
		return Message{}, problem.New(problem.Invalid, "this is no mail: it begins with no header field")
	}
	m.Defects = r.defects
	return m, nil
}

// lineEnds makes a mail whose lines end in CR alone readable.
func lineEnds(raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
}

// reader is the budget of one mail and what was found wrong with it.
type reader struct {
	parts, decoded, alternatives int
	defects                      []string
}

func (r *reader) defect(format string, args ...any) {
	if len(r.defects) < maxDefects {
		r.defects = append(r.defects, fmt.Sprintf(format, args...))
	}
}

// message reads a mail; false if it has no header.
func (r *reader) message(m *Message, b []byte, depth int) bool {
	h, body, ok := r.cutHeader(b)
	if !ok {
		return false
	}
	m.Header = h
	m.Type, m.Params = contentType(h.raw("Content-Type"))
	if m.Type == "" {
		if h.Has("Content-Type") {
			r.defect("the Content-Type cannot be read")
		}
		m.Type = "text/plain"
	}
	m.Header.charset = m.Params["charset"]
	for _, one := range []string{"From", "Subject", "Date", "Message-ID", "Content-Type", "Sender", "Reply-To"} {
		if h.count(one) > 1 {
			r.defect("the field %s occurs %d times", one, h.count(one))
		}
	}
	r.entity(m, h, m.Type, m.Params, body, depth, 0)
	return true
}

// entity reads a part or the body of a mail and appends its leaves to m.
func (r *reader) entity(m *Message, h Header, mt string, params map[string]string, body []byte, depth, alt int) {
	if !strings.HasPrefix(mt, "multipart/") {
		r.leaf(m, h, mt, params, body, depth, alt)
		return
	}
	if depth >= MaxDepth {
		r.defect("parts lie more than %d deep", MaxDepth)
		return
	}
	enc := strings.ToLower(h.raw("Content-Transfer-Encoding"))
	if enc == "base64" || enc == "quoted-printable" {
		// Forbidden (RFC 2045 section 6.4), and done. It counts as decoded.
		if dec, cut := r.undo(enc, body); bytes.Contains(dec, []byte("--")) && !bytes.Contains(body, []byte("\n--"+params["boundary"])) {
			r.defect("a multipart is itself encoded as %s", enc)
			if body = dec; cut {
				r.defect("the mail decodes to over %d octets", MaxDecoded)
			}
		}
	}
	boundary := params["boundary"]
	if boundary == "" || !hasBoundary(body, boundary) {
		guess := guessBoundary(body)
		if boundary == "" {
			r.defect("a multipart names no boundary")
		} else {
			r.defect("a multipart's boundary does not occur in it")
		}
		if guess == "" {
			r.leaf(m, h, "text/plain", params, body, depth, alt)
			return
		}
		boundary = guess
	}
	if mt == "multipart/alternative" {
		r.alternatives++
		alt = r.alternatives
	}
	closed := false
	for rest := afterBoundary(body, boundary, &closed); rest != nil && !closed; {
		if r.parts >= MaxParts {
			r.defect("the mail has over %d parts", MaxParts)
			return
		}
		part, next := untilBoundary(rest, boundary, &closed)
		if next == nil && !closed {
			r.defect("a multipart is not closed")
		}
		r.part(m, part, mt, depth+1, alt)
		rest = next
	}
}

// part reads one part of a multipart.
func (r *reader) part(m *Message, b []byte, within string, depth, alt int) {
	var h Header
	body := b
	if line, rest := cutLine(b); len(line) == 0 {
		body = rest // no header at all
	} else if got, after, ok := r.cutHeader(b); ok {
		h, body = got, after
	}
	h.charset = m.Header.charset
	mt, params := contentType(h.raw("Content-Type"))
	if mt == "" {
		mt = "text/plain"
		if within == "multipart/digest" {
			mt = "message/rfc822"
		}
	}
	r.entity(m, h, mt, params, body, depth, alt)
}

// leaf appends a part that is no multipart.
func (r *reader) leaf(m *Message, h Header, mt string, params map[string]string, body []byte, depth, alt int) {
	if r.parts >= MaxParts {
		r.defect("the mail has over %d parts", MaxParts)
		return
	}
	r.parts++
	p := Part{Header: h, Type: mt, Params: params, Depth: depth, Alternative: alt}
	disp, dparams := contentType("x/" + h.raw("Content-Disposition"))
	p.Disposition = strings.TrimPrefix(disp, "x/")
	if p.Name = h.fileName(dparams["filename"]); p.Name == "" {
		p.Name = h.fileName(params["name"])
	}
	enc := strings.ToLower(strings.TrimSpace(h.raw("Content-Transfer-Encoding")))
	p.Data, p.Cut = r.undo(enc, body)
	if p.Cut {
		r.defect("the mail decodes to over %d octets", MaxDecoded)
	}
	if attached, headersOnly := p.isMail(); attached {
		if depth+1 >= MaxDepth {
			r.defect("parts lie more than %d deep", MaxDepth)
		} else {
			in := &Message{HeadersOnly: headersOnly}
			if r.message(in, bytes.TrimLeft(lineEnds(p.Data), "\r\n"), depth+1) {
				p.Message = in
			}
		}
	}
	m.Parts = append(m.Parts, p)
}

// isMail says whether the part holds a mail or its header section.
func (p *Part) isMail() (is, headersOnly bool) {
	switch p.Type {
	case "message/rfc822", "message/global", "message/news":
		return true, false
	case "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers":
		return true, true
	case "application/octet-stream", "text/plain", "application/x-eml", "application/eml", "":
		return strings.HasSuffix(strings.ToLower(p.Name), ".eml"), false
	}
	return false, false
}

// undo undoes a transfer encoding within the budget.
func (r *reader) undo(enc string, b []byte) (out []byte, cut bool) {
	left := MaxDecoded - r.decoded
	switch enc {
	case "base64":
		out = decodeBase64(b)
	case "quoted-printable":
		out = decodeQuoted(b)
	default:
		out = b
	}
	if len(out) > left {
		out, cut = out[:max(left, 0)], true
	}
	r.decoded += len(out)
	return out, cut
}

// hasBoundary says whether a delimiter line of boundary occurs.
func hasBoundary(b []byte, boundary string) bool {
	closed := false
	return afterBoundary(b, boundary, &closed) != nil || closed
}

// afterBoundary is what follows the first delimiter line; nil if there is
// none. closed is set if that line is the closing one.
func afterBoundary(b []byte, boundary string, closed *bool) []byte {
	_, rest := untilBoundary(b, boundary, closed)
	return rest
}

// untilBoundary divides b at the first delimiter line of boundary (RFC 2046
// section 5.1.1): the line end before it belongs to it. rest is nil if there
// is no such line, or if it is the closing one, which sets closed.
func untilBoundary(b []byte, boundary string, closed *bool) (part, rest []byte) {
	delim := "--" + boundary
	for pos := 0; pos <= len(b); {
		i := bytes.Index(b[pos:], []byte(delim))
		if i < 0 {
			return b, nil
		}
		start := pos + i
		pos = start + len(delim)
		if start > 0 && b[start-1] != '\n' {
			continue
		}
		tail, after := cutLine(b[pos:])
		end := bytes.HasPrefix(tail, []byte("--"))
		if end {
			tail = tail[2:]
		}
		if len(bytes.TrimSpace(tail)) != 0 {
			continue
		}
		part = b[:start]
		if n := lineEnd(b, start); n > 0 {
			part = b[:start-n]
		}
		if end {
			*closed = true
			return part, nil
		}
		if after == nil {
			after = []byte{}
		}
		return part, after
	}
	return b, nil
}

// guessBoundary looks for a delimiter line where the right one is not known: a
// line that begins with two hyphens and is followed by a content field.
func guessBoundary(b []byte) string {
	for n := 0; len(b) > 0 && n < 2000; n++ {
		line, rest := cutLine(b)
		if len(line) > 2 && len(line) <= 200 && line[0] == '-' && line[1] == '-' {
			if next, _ := cutLine(rest); len(next) > 8 && strings.EqualFold(string(next[:8]), "content-") {
				return strings.TrimRight(string(line[2:]), " \t")
			}
		}
		b = rest
	}
	return ""
}

// Subject is the subject, decoded.
func (m *Message) Subject() string { return m.Header.Get("Subject") }

// From are the authors; a mail has one or more, a broken one none.
func (m *Message) From() []Address { return m.Header.Addresses("From") }

// To are the recipients named under To.
func (m *Message) To() []Address { return m.Header.Addresses("To") }

// ReplyTo is where answers are wanted, if not at From.
func (m *Message) ReplyTo() []Address { return m.Header.Addresses("Reply-To") }

// Sender is who sent it for the authors, or the zero Address.
func (m *Message) Sender() Address {
	if a := m.Header.Addresses("Sender"); len(a) > 0 {
		return a[0]
	}
	return Address{}
}

// Date is the date the mail gives itself, in UTC; zero if it cannot be read.
func (m *Message) Date() time.Time { return ParseDate(m.Header.Get("Date")) }

// MessageID is the identifier without angle brackets, or "".
func (m *Message) MessageID() string {
	if ids := messageIDs(m.Header.raw("Message-ID")); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// InReplyTo are the identifiers of the mails this one answers.
func (m *Message) InReplyTo() []string { return messageIDs(m.Header.raw("In-Reply-To")) }

// References are the identifiers of the mails of this conversation.
func (m *Message) References() []string { return messageIDs(m.Header.raw("References")) }

// messageIDs reads identifiers (RFC 5322 section 3.6.4), at most 200.
func messageIDs(v string) []string {
	var out []string
	for len(out) < 200 {
		open := strings.IndexByte(v, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(v[open:], '>')
		if end < 0 {
			break
		}
		if id := strings.TrimSpace(v[open+1 : open+end]); id != "" && len(id) <= 998 {
			out = append(out, id)
		}
		v = v[open+end+1:]
	}
	if out == nil {
		if v = strings.TrimSpace(v); v != "" && !strings.ContainsAny(v, " \t") {
			return []string{v}
		}
	}
	return out
}

// Text is the part's content as text: its character set decoded, line ends
// "\n", no NUL. For a part that is no text it is whatever its octets say.
func (p *Part) Text() string {
	return textOf(p.Data, p.Params["charset"])
}

// IsText says whether the part is meant to be read as text.
func (p *Part) IsText() bool { return strings.HasPrefix(p.Type, "text/") }

// Bodies are the texts a reader of the mail sees, attachments left out: for
// each its part. Of alternatives all are given; they may not say the same.
func (m *Message) Bodies() []*Part {
	var out []*Part
	for i := range m.Parts {
		p := &m.Parts[i]
		if (p.Type == "text/plain" || p.Type == "text/html") && p.Message == nil && p.Disposition != "attachment" && p.Name == "" {
			out = append(out, p)
		}
	}
	return out
}

// Plain is the readable text of the bodies, at most max octets: plain text
// where there is some, else the text of the HTML.
func (m *Message) Plain(max int) string {
	var b strings.Builder
	html := ""
	for _, p := range m.Bodies() {
		if p.Type == "text/html" {
			if html == "" {
				html, _ = HTMLText(p.Text())
			}
			continue
		}
		if b.Len() < max {
			b.WriteString(p.Text())
			b.WriteByte('\n')
		}
	}
	s := b.String()
	if len(strings.TrimSpace(s)) == 0 {
		s = html
	}
	if len(s) > max {
		s = strings.ToValidUTF8(s[:max], "")
	}
	return s
}
