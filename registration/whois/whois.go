// Package whois reads WHOIS answers (RFC 3912) about domain names into the
// record of package registration.
//
// RFC 3912 says nothing about what an answer holds, so there are as many forms
// as registries. They share a grammar: lines, most of them a label and a value;
// headings with lines under them; paragraphs that are objects with a handle.
// This package reads that grammar with a vocabulary of many languages
// (vocabulary.yaml), knows what servers say when they hold no record
// (phrases.yaml), and takes what is one registry's own from data
// (profiles.yaml). docs/registration.md says how to add to them.
package whois

import (
	"bytes"
	"encoding/binary"
	"strings"

	"bailiwick/problem"
	"bailiwick/registration"
)

// MaxBytes is how much of an answer is read, in octets. What is longer is read
// to this mark, with a finding.
const MaxBytes = 256 << 10

// maxAnswers is how many answers of a chain are read. A registry, a registrar
// and a reseller are three; what has more was made up.
const maxAnswers = 8

// Domain reads a WHOIS answer about a domain name. The answer may be a chain,
// as clients print it: a registry's followed by a registrar's, told apart and
// merged.
//
// The record can always be used; the error is not nil exactly when its state is
// "error", and says why: problem.Invalid for what is no WHOIS answer at all
// (nothing, a web page, JSON, binary data), problem.Unavailable when the server
// says that it failed.
//
// The state is "registered" only when there is a registration to show; a page
// that says that there is none is "available", "reserved" or "throttled", and
// what cannot be told is "unknown". A TLD's own record, as the IANA server has
// it, is not a domain's and is "unknown".
func Domain(raw []byte, src registration.Source) (registration.Record, error) {
	return new(Reader).Domain(raw, src)
}

// Answer is Domain for what one server said when it was asked. Nothing in it is a
// client's mark between two answers: a holder's street may read "# whois.example.net",
// and what follows it would be somebody's word whom nobody asked.
func Answer(raw []byte, src registration.Source) (registration.Record, error) {
	return new(Reader).domain(raw, src, false, words(), profiles())
}

// Reader reads many answers, one after the other, with the same working
// memory. The zero value is ready. The records it gives do not share that
// memory; their texts are parts of one copy of the answer.
type Reader struct {
	lines []line
	a     answer
}

// Domain is the package's Domain.
func (r *Reader) Domain(raw []byte, src registration.Source) (registration.Record, error) {
	return r.domain(raw, src, true, words(), profiles())
}

func (r *Reader) domain(raw []byte, src registration.Source, printed bool, v *vocabulary, known *profileSet) (registration.Record, error) {
	var cut bool
	if len(raw) > MaxBytes {
		raw, cut = raw[:MaxBytes], true
	}
	if err := notWHOIS(raw); err != nil {
		return finish(registration.Record{State: registration.Failed, Findings: []registration.Finding{
			{ID: "whois.content", Severity: registration.RFC, Detail: err.Error()},
		}}, src), err
	}
	p := known.server(src.Server)
	s := untagged(text(raw, p.charset))
	if r.lines == nil { // room at once: growing to it costs as much as reading
		r.lines = make([]line, 0, min(strings.Count(s, "\n")+1, 128))
	}
	lines, more := v.split(r.lines[:0], s)
	if tld := firstTLD(lines); tld != "" && p == none {
		if p = known.tld(tld); p.charset != "" {
			// The registry's own character set may give other words.
			if again := untagged(text(raw, p.charset)); again != s {
				s = again
				lines, more = v.split(lines[:0], s)
			}
		}
	}
	r.lines = lines[:0]
	var rec registration.Record
	var err error
	n := 0
	server, following := "", ""
	for rest := lines; len(rest) > 0; {
		var part []line
		if n == maxAnswers {
			more = true
			break
		}
		server = following
		part, rest, following = next(rest, printed)
		if following == "" && len(part) == 0 {
			following = server
		}
		if len(part) == 0 || len(rest) > 0 && bilingual(part, rest) {
			continue
		}
		r.a.reset(v, p)
		one := r.a.read(part)
		if r.a.tldRecord {
			if n == 0 && len(rest) == 0 {
				rec = one
			}
			continue
		}
		if n > 0 && src != (registration.Source{}) {
			// Whom a value is from, where it is not the one that was asked.
			from := src
			from.Server, from.Role = server, "registrar"
			one.Sources = map[string]registration.Source{"": from}
		}
		if n == 0 || rec.State == registration.Unknown {
			rec = one
		} else if one.State != registration.Unknown {
			rec = chained(rec, one)
		}
		n++
	}
	if rec.State == "" {
		rec.State = registration.Unknown
	}
	if cut || more {
		rec.Findings = append(rec.Findings, registration.Finding{ID: "whois.cut", Severity: registration.Advice, Detail: "the answer is longer than what is read"})
	}
	if rec.State == registration.Failed {
		err = problem.New(problem.Unavailable, "the WHOIS server says that it failed")
	}
	return finish(rec, src), err
}

// finish names the source.
func finish(rec registration.Record, src registration.Source) registration.Record {
	if src == (registration.Source{}) {
		rec.Sources = nil
		return rec
	}
	if rec.Sources == nil {
		rec.Sources = map[string]registration.Source{}
	}
	rec.Sources[""] = src
	return rec
}

// notWHOIS says what raw is when it cannot be an answer of RFC 3912.
func notWHOIS(raw []byte) error {
	b := raw
	for len(b) > 0 && leading(b[0]) {
		b = b[1:]
	}
	switch {
	case len(b) == 0:
		return problem.New(problem.Invalid, "the answer is empty")
	case b[0] == '{' && bytes.IndexByte(b[:min(len(b), 64)], '"') > 0:
		return problem.New(problem.Invalid, "JSON instead of a WHOIS answer")
	case b[0] == '<' && isMarkup(b):
		return problem.New(problem.Invalid, "a web page or XML instead of a WHOIS answer")
	}
	head := b[:min(len(b), 512)]
	if control := controls(head); control > 16 && control*8 > len(head) && !bytes.HasPrefix(raw, []byte("\xFF\xFE")) && !bytes.HasPrefix(raw, []byte("\xFE\xFF")) {
		return problem.New(problem.Invalid, "binary data instead of a WHOIS answer")
	}
	return nil
}

// controls counts the control characters that no text has.
func controls(b []byte) (n int) {
	// All of them, eight octets at once: there are rarely more than lines.
	var each uint64 // eight counts, one of each place
	rest := b
	for ; len(rest) >= 8 && len(b)-len(rest) < 8*255; rest = rest[8:] {
		x := binary.LittleEndian.Uint64(rest)
		const low, high = 0x7F7F7F7F7F7F7F7F, 0x8080808080808080
		each += (^(x&low + 0x6060606060606060) &^ x & high) >> 7
	}
	for ; each != 0; each >>= 8 {
		n += int(each & 0xFF)
	}
	for _, c := range rest {
		if c < ' ' {
			n++
		}
	}
	if n <= 16 {
		return n
	}
	for _, c := range []byte("\n\r\t\x1B\f") {
		n -= bytes.Count(b, []byte{c})
	}
	return n
}

// leading says whether c may stand before an answer: white space, NUL and the
// octets of the byte order mark of UTF-8.
func leading(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', 0, 0xEF, 0xBB, 0xBF:
		return true
	}
	return false
}

func isMarkup(b []byte) bool {
	head := strings.ToLower(string(b[:min(len(b), 32)]))
	for _, p := range [...]string{"<!doctype", "<html", "<?xml", "<head", "<body", "<!--"} {
		if strings.HasPrefix(head, p) {
			return true
		}
	}
	return false
}

// firstTLD gives the TLD of the first domain name that a line names.
func firstTLD(lines []line) string {
	for i := range lines {
		l := &lines[i]
		if l.meaning.what != domainName {
			continue
		}
		v := l.value
		if v == "" && i+1 < len(lines) {
			v = lines[i+1].text
		}
		v = strings.TrimRight(firstWord(v), ".")
		if i := strings.LastIndexByte(v, '.'); i > 0 && len(v)-i <= 64 {
			tld := strings.ToLower(v[i+1:])
			if strings.IndexFunc(tld, func(r rune) bool { return r >= 0x80 }) >= 0 {
				if d, ok := hostName(v); ok {
					return d[strings.LastIndexByte(d, '.')+1:]
				}
				continue
			}
			return tld
		}
	}
	return ""
}

// firstWord is s up to its first space.
func firstWord(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == ' ' || c == '\t' || c == '(' {
			return s[:i]
		}
	}
	return s
}
