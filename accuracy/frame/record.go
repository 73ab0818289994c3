package frame

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/problem"
	"bailiwick/registration"
)

// place is where something stands.
type place struct {
	file  string
	line  int
	field string
}

// String is "file:line: field".
func (p place) String() string {
	switch {
	case p.line <= 0:
		return p.file
	case p.field == "":
		return p.file + ":" + strconv.Itoa(p.line)
	}
	return p.file + ":" + strconv.Itoa(p.line) + ": " + clip(p.field) // a name that the file chose
}

// flaw is something wrong with a value: where, and what.
type flaw struct{ path, reason string }

// flaws are those of an object.
type flaws struct{ list []flaw }

func (f *flaws) add(at place, reason string) {
	if len(f.list) < MaxFlaws {
		f.list = append(f.list, flaw{at.String(), reason})
	}
}

// clean makes a value fit to keep, and says what became of it. broken says that
// the reader already met what is no character in it.
func (f *flaws) clean(at place, raw string, broken bool) (v string, st registration.FieldState) {
	if len(raw) > MaxValue {
		f.add(at, "has "+strconv.Itoa(len(raw))+" octets, of which "+strconv.Itoa(MaxValue)+" are read")
		raw = raw[:MaxValue]
		for len(raw) > MaxValue-utf8.UTFMax && !utf8.ValidString(raw[len(raw)-1:]) && !utf8.RuneStart(raw[len(raw)-1]) {
			raw = raw[:len(raw)-1]
		}
		if r, n := utf8.DecodeLastRuneInString(raw); r == utf8.RuneError && n == 1 {
			raw = raw[:len(raw)-1]
		}
	}
	if broken || !utf8.ValidString(raw) {
		f.add(at, "has octets or references that are no characters: it is not valid UTF-8")
		return "", registration.Unparsed
	}
	v = registration.CleanText(raw)
	if len(v) != len(raw) && hidden(raw) {
		f.add(at, "has characters that are not seen or that turn the order of others: they are left out")
	}
	switch st = registration.Withheld(v); st {
	case registration.Redacted:
		return "", st
	case registration.Proxy: // a holder like others, towards the registry: it is checked as one
		return v, st
	}
	return v, ""
}

// hidden says whether a text has characters that CleanText takes out.
func hidden(s string) bool {
	for _, r := range s {
		if r != 0x200c && r != 0x200d && !unicode.IsSpace(r) && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r)) {
			return true
		}
	}
	return false
}

// states are the states of a contact's fields, in the order of
// registration.ContactFields; those of all others are Present.
type states [12]byte

var stateOf = [...]registration.FieldState{"", registration.Redacted, registration.Proxy, registration.Unparsed}

func stateByte(st registration.FieldState) byte {
	for i, s := range stateOf {
		if s == st {
			return byte(i)
		}
	}
	return 0
}

// person is a contact as it is read.
type person struct {
	c      registration.Contact
	states states
	given  string // the country as written, where it is not its code
	flaws
	file string // where it stands
	line int
}

// fieldAt is the place of a field in ContactFields.
func fieldAt(field string) int {
	for i, f := range registration.ContactFields() {
		if f == field {
			return i
		}
	}
	return -1
}

// put sets a field from the file. A street takes one more line.
func (p *person) put(field, raw string, broken bool) {
	if raw == "" && !broken {
		return
	}
	at := place{p.file, p.line, field}
	v, st := p.clean(at, raw, broken)
	if st != "" {
		p.states[fieldAt(field)] = stateByte(st)
	}
	switch {
	case v == "":
	case field == "street":
		if len(p.c.Street) < maxLines {
			p.c.Street = append(p.c.Street, v)
		} else {
			p.add(at, "has over "+strconv.Itoa(maxLines)+" lines")
		}
	case field == "country":
		if code, ok := registration.CountryCode(v); ok && code != v {
			p.given, v = v, code
		}
		p.c.Country = v
	default:
		p.c.SetField(field, v)
	}
}

// into puts the contact into a record.
func (p *person) into(rec *registration.Record, role string) {
	if rec.Contacts == nil {
		rec.Contacts = map[string]registration.Contact{}
	}
	c := p.c
	rec.Contacts[role] = c
	for i, f := range registration.ContactFields() {
		if p.states[i] != 0 {
			setState(rec, registration.ContactPath(role, f), stateOf[p.states[i]])
		}
	}
	if p.given != "" {
		if rec.Given == nil {
			rec.Given = map[string]string{}
		}
		rec.Given[registration.ContactPath(role, "country")] = p.given
	}
}

func setState(rec *registration.Record, path string, st registration.FieldState) {
	if rec.Fields == nil {
		rec.Fields = map[string]registration.FieldState{}
	}
	rec.Fields[path] = st
}

// problems are flaws as errors.
func problems(list []flaw) (out []*problem.Error) {
	for _, f := range list {
		if len(out) == MaxFlaws {
			break
		}
		out = append(out, problem.BadField(f.path, "%s", f.reason))
	}
	return out
}

// dateForms are the times of deposits and EPP (xs:dateTime), the second for
// those that forget the zone, which is UTC there.
var dateForms = [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// readDate reads a time. The zero Date is none.
func readDate(s string) (registration.Date, bool) {
	s = strings.TrimSpace(s)
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return registration.Date{Time: t, DayOnly: true}, err == nil && likely(t)
	}
	if len(s) > 64 {
		return registration.Date{}, false
	}
	for _, f := range dateForms {
		if t, err := time.Parse(f, s); err == nil {
			return registration.Date{Time: t.UTC()}, likely(t)
		}
	}
	return registration.Date{}, false
}

// likely says whether a time can be one of a registration: years that JSON and
// databases can hold.
func likely(t time.Time) bool { return t.Year() >= 1900 && t.Year() < 2200 }

// The texts below are how things lie in a join: lengths and octets.

func putText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func putTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = putText(b, s)
	}
	return b
}

// box takes apart what was put. What does not fit gives empty values: it was
// written by the same run, and a file that was changed under it is not trusted.
type box struct{ b []byte }

func (x *box) number() int {
	n, w := binary.Uvarint(x.b)
	if w <= 0 || n > 1<<40 {
		x.b = nil
		return 0
	}
	x.b = x.b[w:]
	return int(n)
}

func (x *box) text() string {
	n := x.number()
	if n > len(x.b) {
		x.b = nil
		return ""
	}
	s := string(x.b[:n])
	x.b = x.b[n:]
	return s
}

func (x *box) texts() (out []string) {
	for n := x.number(); n > 0 && len(x.b) > 0; n-- {
		out = append(out, x.text())
	}
	return out
}

func putFlaws(b []byte, list []flaw) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, f := range list {
		b = putText(putText(b, f.path), f.reason)
	}
	return b
}

func (x *box) flaws() (out []flaw) {
	for n := x.number(); n > 0 && len(x.b) > 0; n-- {
		out = append(out, flaw{x.text(), x.text()})
	}
	return out
}

func (p *person) box(b []byte) []byte {
	for _, f := range registration.ContactFields() {
		if f != "street" {
			b = putText(b, p.c.Field(f))
		}
	}
	b = putTexts(b, p.c.Street)
	b = append(b, p.states[:]...)
	return putFlaws(binary.AppendUvarint(putText(putText(b, p.given), p.file), uint64(p.line)), p.list)
}

func (x *box) person() (p person) {
	for _, f := range registration.ContactFields() {
		if f != "street" {
			p.c.SetField(f, x.text())
		}
	}
	p.c.Street = x.texts()
	x.b = x.b[copy(p.states[:], x.b):]
	p.given, p.file, p.line, p.list = x.text(), x.text(), x.number(), x.flaws()
	return p
}
