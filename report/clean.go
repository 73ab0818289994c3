package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text fit to keep and show: valid UTF-8, no NUL, no
// control characters but newline and tab, no characters that turn the reading
// direction or hide (bidirectional controls, zero-width space, tags), trimmed,
// and at most max characters, where a cut ends in "…". Line ends become "\n".
func Clean(s string, max int) string {
	if plain(s) && len(s) <= max {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	b.Grow(min(len(s), 4*max))
	n := 0
	for i, r := range s {
		if r == '\r' {
			if strings.HasPrefix(s[i+1:], "\n") {
				continue
			}
			r = '\n'
		}
		if r == utf8.RuneError {
			r = '\uFFFD'
		} else if hidden(r) {
			continue
		}
		if n == max {
			out := b.String()
			_, last := utf8.DecodeLastRuneInString(out)
			return strings.TrimSpace(out[:len(out)-last]) + "…"
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// plain says whether s is printable ASCII, newlines and tabs among it.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 0x20 && c != '\n' && c != '\t') || c > 0x7e {
			return false
		}
	}
	return true
}

// hidden says whether r must not be kept: it is no text, or it changes how
// text beside it reads.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, // embeddings, overrides, isolates
		r == 0x200E, r == 0x200F, r == 0x061C, // direction marks
		r == 0x200B, r == 0x2060, r == 0xFEFF, // invisible spaces
		r == 0x2028, r == 0x2029, // line and paragraph separators
		r >= 0xFFF9 && r <= 0xFFFB,   // interlinear annotation
		r >= 0xE0000 && r <= 0xE007F: // tags
		return true
	}
	return false
}

// line is Clean for a text of one line.
func line(s string, max int) string {
	s = Clean(s, max)
	if strings.ContainsAny(s, "\n\t") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s
}
