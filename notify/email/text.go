package email

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes outside text fit for one line of a message or a log: white space
// runs become one space; control and format characters (among them the
// bidirectional ones and the zero-width ones) and broken UTF-8 go; what is over
// max runes is cut.
func clean(s string, max int) string {
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
		if n >= max {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// width is the longest line of prose, in runes.
const width = 76

// page builds a message's text.
type page struct{ b strings.Builder }

// line writes one line as it is: addresses, which must not be broken.
func (p *page) line(s string) {
	p.b.WriteString(s)
	p.b.WriteByte('\n')
}

func (p *page) blank() { p.b.WriteByte('\n') }

// prose writes a paragraph broken at spaces, its further lines indented by
// hang.
func (p *page) prose(s, hang string) {
	n := 0
	for i, w := range strings.Fields(s) {
		l := utf8.RuneCountInString(w)
		switch {
		case i == 0:
		case n+1+l > width:
			p.b.WriteString("\n" + hang)
			n = utf8.RuneCountInString(hang)
		default:
			p.b.WriteByte(' ')
			n++
		}
		p.b.WriteString(w)
		n += l
	}
	p.b.WriteByte('\n')
}

// point writes one item of a list.
func (p *page) point(s string) { p.prose("- "+s, "  ") }

// head starts a section.
func (p *page) head(s string) {
	p.blank()
	p.line(s)
}
