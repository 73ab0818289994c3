package email

import (
	"strings"
	"unicode/utf8"
)

// width is the longest line of prose, in runes.
const width = 76

// answerMark begins the one line that a machine may read: where to answer.
const answerMark = "Answer:"

// page builds a message's text. No line of it begins with answerMark but the
// one that answer writes, whatever outside text says.
type page struct{ b strings.Builder }

// answer writes the line that says where to answer.
func (p *page) answer(url string) { p.b.WriteString(answerMark + " " + url + "\n") }

// line writes one line as it is: addresses, which must not be broken.
func (p *page) line(s string) {
	if strings.HasPrefix(s, answerMark) {
		p.b.WriteString("  ")
	}
	p.b.WriteString(s)
	p.b.WriteByte('\n')
}

func (p *page) blank() { p.b.WriteByte('\n') }

// prose writes a paragraph broken at spaces, its further lines indented by
// hang.
func (p *page) prose(s, hang string) {
	var l string
	for w := range strings.FieldsSeq(s) {
		switch {
		case l == "":
			l = w
		case utf8.RuneCountInString(l)+1+utf8.RuneCountInString(w) > width:
			p.line(l)
			l = hang + w
		default:
			l += " " + w
		}
	}
	p.line(l)
}

// point writes one item of a list.
func (p *page) point(s string) { p.prose("- "+s, "  ") }

// head starts a section.
func (p *page) head(s string) {
	p.blank()
	p.line(s)
}
