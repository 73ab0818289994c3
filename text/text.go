// Package text makes text from outside fit to show: everything that comes in
// was written by an adversary.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes s fit for one line: white space runs become one space; control
// and format characters (among them the bidirectional and the zero-width
// ones) and broken UTF-8 go; what is over max runes is cut, and the cut shown
// by an ellipsis.
func Line(s string, max int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case r == utf8.RuneError, !unicode.IsGraphic(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n, space = n+1, false
		}
		if n >= max {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
