package registration

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the longest text kept in one field, in octets.
const MaxText = 2048

// CleanText makes foreign text safe to store and show: valid UTF-8, without
// control, bidirectional, invisible and non-characters, with every run of
// white space as one space and none at the ends, at most MaxText octets. The
// joiners U+200C and U+200D stay, because Persian and Indic names need them.
func CleanText(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(min(len(s), MaxText))
	gap := false
	for _, r := range s { // an invalid byte ranges as U+FFFD
		switch {
		case unicode.IsSpace(r):
			gap = b.Len() > 0
			continue
		case dropped(r):
			continue
		}
		n := utf8.RuneLen(r)
		if gap {
			n++
		}
		if b.Len()+n > MaxText {
			break
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain says whether s needs no cleaning: printable ASCII, single spaces
// inside only.
func plain(s string) bool {
	if s == "" {
		return true
	}
	if len(s) > MaxText || s[len(s)-1] == ' ' {
		return false
	}
	const ones, high = 0x0101010101010101, 0x8080808080808080
	prev := uint64(high) // a space before s: its first octet may be none
	for len(s) >= 8 {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if (x|(x-ones*' ')|(x+ones))&high != 0 { // beyond ASCII, a control, DEL
			return false
		}
		spaces := ^((x ^ ones*' ') + ones*0x7F) & high
		if spaces&(spaces<<8|prev>>56) != 0 {
			return false
		}
		prev = spaces
		s = s[8:]
	}
	gap := prev>>63 != 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && gap {
			return false
		}
		gap = c == ' '
	}
	return true
}

func dropped(r rune) bool {
	switch {
	case r >= ' ' && r <= '~', r >= 0xC0 && r < 0x600, r >= 0x3040 && r < 0xD7A4: // letters, nearly all
		return false
	case unicode.Is(unicode.Cc, r):
		return true
	case r == 0x200C, r == 0x200D:
		return false
	case unicode.Is(unicode.Cf, r): // bidi controls, zero widths, tags, annotation marks, soft hyphen
		return true
	case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE: // non-characters
		return true
	case unicode.Is(unicode.Co, r): // private use has no agreed look
		return true
	}
	return false
}

// Clean returns a copy of r with CleanText applied to every text in it. What
// the decoders of this program return is clean already; a record from a peer
// or an import is not.
func (r Record) Clean() Record {
	r.State = State(CleanText(string(r.State)))
	for _, p := range []*string{
		&r.Domain, &r.Unicode, &r.Handle, &r.DNSSEC, &r.Related,
		&r.Registrar.Name, &r.Registrar.IANAID, &r.Registrar.URL, &r.Registrar.AbuseEmail, &r.Registrar.AbusePhone,
	} {
		*p = CleanText(*p)
	}
	r.Statuses = cleanAll(r.Statuses)
	r.Nameservers = cleanAll(r.Nameservers)
	r.Conformance = cleanAll(r.Conformance)
	r.Contacts = cleanMap(r.Contacts, func(c Contact) Contact {
		for _, f := range contactFields {
			if p := c.text(f); p != nil {
				*p = CleanText(*p)
			}
		}
		c.Street = cleanAll(c.Street)
		return c
	})
	r.Fields = cleanMap(r.Fields, func(s FieldState) FieldState { return FieldState(CleanText(string(s))) })
	r.Unread = cleanMap(r.Unread, CleanText)
	r.Given = cleanMap(r.Given, CleanText)
	r.Sources = cleanMap(r.Sources, cleanSource)
	r.Answers = slices.Clone(r.Answers)
	for i := range r.Answers {
		a := &r.Answers[i]
		a.Source, a.State = cleanSource(a.Source), State(CleanText(string(a.State)))
	}
	r.Findings = slices.Clone(r.Findings)
	for i := range r.Findings {
		f := &r.Findings[i]
		f.ID, f.Path, f.Detail, f.Source = CleanText(f.ID), CleanText(f.Path), CleanText(f.Detail), CleanText(f.Source)
		f.Severity = Severity(CleanText(string(f.Severity)))
	}
	return r
}

func cleanSource(s Source) Source {
	s.Protocol, s.Server, s.Role, s.Blob = CleanText(s.Protocol), CleanText(s.Server), CleanText(s.Role), CleanText(s.Blob)
	return s
}

func cleanAll(in []string) []string {
	out := slices.Clone(in)
	for i := range out {
		out[i] = CleanText(out[i])
	}
	return out
}

// cleanMap cleans keys and values. Keys are taken in order, so that two that
// become one give the same result every time.
func cleanMap[V any](in map[string]V, f func(V) V) map[string]V {
	if in == nil {
		return nil
	}
	out := make(map[string]V, len(in))
	for _, k := range slices.Sorted(maps.Keys(in)) {
		c := CleanText(k)
		if _, taken := out[c]; !taken {
			out[c] = f(in[k])
		}
	}
	return out
}
