package mail

import (
	"bytes"
	"strings"
)

// The bounds of one header section. What is over them is left out and said.
const (
	maxFields     = 1000    // fields of one header section
	maxHeader     = 1 << 20 // octets of one header section
	maxFieldValue = 64 << 10
)

// Header is a header section (RFC 5322 section 2.2) in the order it was sent.
// Names compare without case. A field that occurs twice keeps both: who wants
// one gets the first, as most programs that show mail do.
type Header struct {
	fields  []field
	charset string // of values with octets over 127, if the mail says one
}

type field struct {
	name  string // in lower case
	value []byte // as sent, folded
}

// Len is the number of fields.
func (h Header) Len() int { return len(h.fields) }

// At is field i: its name in lower case and its value, unfolded and decoded.
func (h Header) At(i int) (name, value string) {
	return h.fields[i].name, h.decode(h.fields[i].value)
}

// Name is the name of field i in lower case.
func (h Header) Name(i int) string { return h.fields[i].name }

// Has says whether there is a field of this name.
func (h Header) Has(name string) bool { return h.find(name) != nil }

// Get is the first value under name, unfolded, with its encoded words (RFC
// 2047) decoded and no control characters; "" if there is none.
func (h Header) Get(name string) string {
	f := h.find(name)
	if f == nil {
		return ""
	}
	return h.decode(f.value)
}

// All are the values under name, as Get gives them.
func (h Header) All(name string) []string {
	var out []string
	for i := range h.fields {
		if strings.EqualFold(h.fields[i].name, name) {
			out = append(out, h.decode(h.fields[i].value))
		}
	}
	return out
}

// raw is the first value under name, unfolded and not decoded.
func (h Header) raw(name string) string {
	f := h.find(name)
	if f == nil {
		return ""
	}
	return string(unfold(f.value))
}

// count is how many fields have this name.
func (h Header) count(name string) int {
	n := 0
	for i := range h.fields {
		if strings.EqualFold(h.fields[i].name, name) {
			n++
		}
	}
	return n
}

func (h Header) find(name string) *field {
	for i := range h.fields {
		if len(h.fields[i].name) == len(name) && strings.EqualFold(h.fields[i].name, name) {
			return &h.fields[i]
		}
	}
	return nil
}

// decode makes text of a value: one line, no control characters, valid UTF-8.
func (h Header) decode(v []byte) string {
	v = unfold(v)
	plain := true
	for i, c := range v {
		if c >= 0x7f || c < 0x20 || c == '=' && i+1 < len(v) && v[i+1] == '?' {
			plain = false
			break
		}
	}
	if plain {
		return string(v)
	}
	return oneLine(decodeWords(toUTF8(v, h.charset)))
}

// oneLine takes what could begin a line of its own out of a decoded value:
// an encoded word may hold line ends, and no value has more than one line.
func oneLine(s string) string {
	clean := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < 0x20 || r == 0x7f:
			return -1
		}
		return r
	}, s))
}

// unfold joins the lines of a value (RFC 5322 section 2.2.3) and trims it.
func unfold(v []byte) []byte {
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\n') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for line := range bytes.Lines(v) {
		line = bytes.TrimRight(line, "\r\n")
		if len(out) > 0 {
			line = bytes.TrimLeft(line, " \t")
			if len(line) == 0 {
				continue
			}
			out = append(out, ' ')
		}
		out = append(out, line...)
	}
	return out
}

// cutHeader reads a header section from the start of b and gives what follows
// its empty line. Lines that are no field end it too: a mail that lost its
// empty line still has its body. ok is false if b does not begin with a field.
func (r *reader) cutHeader(b []byte) (h Header, body []byte, ok bool) {
	// What a mailbox file or a broken relay put in front is no field.
	for range 3 {
		if line, rest := cutLine(b); mailboxLine(line) {
			b = rest
			continue
		}
		break
	}
	pos := 0
	full, dropped := false, false // the last field takes no more lines; a field was left out
	for pos < len(b) {
		line, rest := cutLine(b[pos:])
		next := len(b) - len(rest)
		if len(line) == 0 || len(h.fields) > 0 && len(bytes.TrimSpace(line)) == 0 && !folded(rest) {
			return h, rest, len(h.fields) > 0
		}
		if pos > maxHeader {
			r.defect("a header section is over %d octets", maxHeader)
			return h, b[pos:], true
		}
		if line[0] == ' ' || line[0] == '\t' {
			if n := len(h.fields); n > 0 {
				// The value ends where this line does.
				f := &h.fields[n-1]
				switch {
				case full || n == maxFields && dropped:
				case len(f.value)+len(line) < maxFieldValue:
					f.value = b[pos-len(f.value)-lineEnd(b, pos) : pos+len(line)]
				default:
					r.defect("a header field is over %d octets", maxFieldValue)
					full = true
				}
			}
			pos = next
			continue
		}
		name, value, is := splitField(line)
		if !is {
			if len(h.fields) == 0 {
				return h, b, false
			}
			r.defect("a header section ends without an empty line")
			return h, b[pos:], true
		}
		if len(h.fields) < maxFields {
			h.fields = append(h.fields, field{lower(name), value})
			full = len(value) >= maxFieldValue
		} else if !dropped {
			r.defect("a header section has over %d fields", maxFields)
			dropped = true
		}
		pos = next
	}
	return h, nil, len(h.fields) > 0
}

// lineEnd is how many octets end the line before pos.
func lineEnd(b []byte, pos int) int {
	switch {
	case pos >= 2 && b[pos-1] == '\n' && b[pos-2] == '\r':
		return 2
	case pos >= 1 && b[pos-1] == '\n':
		return 1
	}
	return 0
}

func folded(b []byte) bool { return len(b) > 0 && (b[0] == ' ' || b[0] == '\t') }

// cutLine cuts the first line off, without its end.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// mailboxLine says whether line is the separator of a mailbox file (RFC 4155).
func mailboxLine(line []byte) bool {
	line = bytes.TrimPrefix(line, []byte(">"))
	return bytes.HasPrefix(line, []byte("From ")) && bytes.IndexByte(line, ':') > 5
}

// splitField divides a line into a field's name and value. White space before
// the colon is let pass, as RFC 5322 section 4.5 has it.
func splitField(line []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i < 1 || i > 100 {
		return nil, nil, false
	}
	name = bytes.TrimRight(line[:i], " \t")
	if len(name) == 0 {
		return nil, nil, false
	}
	for _, c := range name {
		if c <= 0x20 || c >= 0x7f {
			return nil, nil, false
		}
	}
	return name, line[i+1:], true
}

// lower is the name in lower case; most names come from a small set and cost
// no memory of their own.
func lower(name []byte) string {
	var buf [48]byte
	if len(name) > len(buf) {
		return strings.ToLower(string(name))
	}
	n := buf[:len(name)]
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		n[i] = c
	}
	if s, ok := common[string(n)]; ok {
		return s
	}
	return string(n)
}

var common = func() map[string]string {
	m := map[string]string{}
	for _, s := range strings.Fields("received from to cc subject date message-id mime-version content-type content-transfer-encoding " +
		"content-disposition content-description content-id return-path delivered-to reply-to sender references in-reply-to " +
		"dkim-signature authentication-results received-spf x-mailer user-agent list-id list-unsubscribe precedence auto-submitted " +
		"arc-seal arc-message-signature arc-authentication-results x-received x-originating-ip x-priority importance") {
		m[s] = s
	}
	return m
}()
