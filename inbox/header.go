package inbox

import (
	"bytes"
	"io"
	"mime"
	netmail "net/mail"
	"strings"

	"bailiwick/name"

	"github.com/emersion/go-smtp"
)

// Limits on a mail's header. They bound the work that each of its lines makes
// for those who read it.
const (
	maxHeader      = 256 << 10 // octets
	maxHeaderLines = 5000
	maxFields      = 1000
	maxReceived    = 50 // RFC 5321 section 6.3 asks for at least 100; a mail for us crosses a few servers
	maxSignature   = 8 << 10
)

// header is what the checks need of a mail's header.
type header struct {
	size     int  // octets, the empty line not counted
	ended    bool // by an empty line
	endless  bool // longer than is read
	lines    int
	fields   int
	received int
	from     []string // values of From, unfolded
	// signatures are where the DKIM-Signature fields are; long is how many were
	// too long to be looked at, and where those are.
	signatures int
	long       [][2]int
}

// scan reads a header. Lines end in CRLF, as read has seen to. A line that is
// neither a field nor the rest of one is passed over.
func scan(raw []byte) header {
	var h header
	start, from, sig := 0, false, false
	var value strings.Builder
	end := func() { // of the field before
		if from {
			h.from = append(h.from, value.String())
		}
		if sig {
			if h.size-start > maxSignature {
				h.long = append(h.long, [2]int{start, h.size})
			} else {
				h.signatures++
			}
		}
		from, sig = false, false
		value.Reset()
	}
	for h.size < len(raw) {
		line := raw[h.size:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		l := bytes.TrimRight(line, "\r\n")
		if len(l) == 0 {
			h.ended = true
			break
		}
		if h.lines++; h.lines > maxHeaderLines || h.fields > maxFields || h.size+len(line) > maxHeader {
			h.endless = true
			break
		}
		if l[0] == ' ' || l[0] == '\t' {
			if from {
				value.WriteByte(' ')
				value.Write(bytes.TrimLeft(l, " \t"))
			}
			h.size += len(line)
			continue
		}
		end()
		start = h.size
		h.size += len(line)
		h.fields++
		key, rest, ok := bytes.Cut(l, []byte{':'})
		if !ok {
			continue
		}
		// White space before the colon is obsolete (RFC 5322 section 4.5) and
		// still read by many.
		switch strings.ToLower(string(bytes.TrimRight(key, " \t"))) {
		case "received":
			h.received++
		case "from":
			from = true
			value.Write(rest)
		case "dkim-signature":
			sig = true
		}
	}
	end()
	return h
}

// refuse says why a mail with this header is not taken.
func (h header) refuse() *smtp.SMTPError {
	switch {
	case h.received > maxReceived:
		return reply(554, 5, 4, 6, "the mail has passed more than 50 servers: it goes in a circle")
	case h.endless:
		return reply(554, 5, 6, 0, "the mail's header is too long")
	}
	return nil
}

// author is the domain of the one author; ok is false unless there is exactly
// one From field with exactly one address in it (RFC 7489 section 6.6.1).
func (h header) author() (name.Domain, bool) {
	if len(h.from) != 1 || len(h.from[0]) > maxSignature {
		return name.Domain{}, false
	}
	p := netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil }}}
	list, err := p.ParseList(h.from[0])
	if err != nil || len(list) != 1 {
		return name.Domain{}, false
	}
	at := strings.LastIndexByte(list[0].Address, '@')
	d, err := name.Parse(list[0].Address[at+1:])
	return d, err == nil
}
