package read

import (
	"bytes"
	"strings"

	"bailiwick/abuse"
	"bailiwick/mail"
	"bailiwick/report/message"
)

// Declared says whether raw declares itself a report of a type whose content
// must never be written down (abuse.CSAM). It is asked before anything is
// stored, so it reads what no parser would: broken JSON, other formats, names
// and values in any case and spelling, escaped or in UTF-16. It looks at words
// in the place of a type only, not at free text, and in doubt says yes.
//
// A mail is decoded first: what declares it may stand in its subject, in a
// field, or in a part under any transfer encoding.
func Declared(raw []byte) (abuse.Type, bool) {
	if isMail(raw, "") {
		return declaredMail(raw)
	}
	if !suspect(raw) {
		return "", false
	}
	s := scanner{b: plainer(raw)}
	if s.declares() {
		return abuse.CSAM, true
	}
	// Whatever way of writing it the readers take must count too.
	if r, _, _ := Report(raw, ""); r.Abuse.NeverKept() {
		return r.Abuse, true
	}
	return "", false
}

// declaredMail is Declared for a mail.
func declaredMail(raw []byte) (abuse.Type, bool) {
	m, err := mail.Read(raw)
	if err != nil {
		// Too large to read, and so too large to keep as a report.
		s := scanner{b: plainer(raw[:min(len(raw), 1<<20)])}
		if suspect(s.b) && s.declares() {
			return abuse.CSAM, true
		}
		return "", false
	}
	if message.Declares(&m) {
		return abuse.CSAM, true
	}
	hint := false
	if declaredParts(&m, 0, &hint) {
		return abuse.CSAM, true
	}
	if !hint {
		return "", false
	}
	if r, _, _ := Mail(&m); r.Abuse.NeverKept() {
		return r.Abuse, true
	}
	return "", false
}

// declaredParts looks through the decoded parts; hint is set when one holds
// what could be a declaration that only its reader understands.
func declaredParts(m *mail.Message, depth int, hint *bool) bool {
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Message != nil {
			if depth < mail.MaxDepth && declaredParts(p.Message, depth+1, hint) {
				return true
			}
			continue
		}
		if strings.HasPrefix(p.Type, "image/") || strings.HasPrefix(p.Type, "audio/") || strings.HasPrefix(p.Type, "video/") {
			continue
		}
		b := p.Data
		if cs := strings.ToLower(p.Params["charset"]); p.IsText() && cs != "" && cs != "utf-8" && cs != "us-ascii" {
			b = []byte(p.Text())
		}
		if !suspect(b) {
			continue
		}
		*hint = true
		if p.Type == "text/html" {
			text, _ := mail.HTMLText(p.Text())
			b = []byte(text)
		}
		s := scanner{b: plainer(b)}
		if s.declares() {
			return true
		}
	}
	return false
}

// suspect is the cheap look that clears nearly every report: no word to be
// looked for, and nothing that could hide one.
func suspect(raw []byte) bool {
	for i, c := range raw {
		switch c {
		case 0, '\\':
			if c == 0 || i+1 < len(raw) && raw[i+1]|0x20 == 'u' {
				return true
			}
		case '%':
			return true
		case 'c', 'C':
			switch three(raw[i+1:]) {
			case letters{'s', 'a', 'm'}, letters{'s', 'e', 'm'}, letters{'s', 'e', 'a'}, letters{'s', 'a', 'i'}, letters{'h', 'i', 'l'}:
				return true
			}
		case 'p', 'P':
			switch three(raw[i+1:]) {
			case letters{'e', 'd', 'o'}, letters{'a', 'e', 'd'}:
				return true
			}
		}
	}
	return false
}

type letters [3]byte

// three is the next three letters of b in lower case, what readers skip inside
// a word left out; zero if it goes on otherwise.
func three(b []byte) (out letters) {
	n := 0
	for _, c := range b {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			out[n] = c | 0x20
			if n++; n == 3 {
				return out
			}
		case c == '-', c == '_', c == ' ', c == '.', c == '/':
		default:
			return letters{}
		}
	}
	return letters{}
}

// plainer undoes what hides ASCII letters: NUL octets (UTF-16), \u00XX and %XX.
func plainer(raw []byte) []byte {
	if bytes.IndexByte(raw, 0) < 0 && bytes.IndexByte(raw, '\\') < 0 && bytes.IndexByte(raw, '%') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == 0:
			continue
		case c == '\\' && i+5 < len(raw) && raw[i+1]|0x20 == 'u' && raw[i+2] == '0' && raw[i+3] == '0':
			if v, ok := hexByte(raw[i+4], raw[i+5]); ok && v >= 0x20 {
				c = v
				i += 5
			}
		case c == '%' && i+2 < len(raw):
			if v, ok := hexByte(raw[i+1], raw[i+2]); ok && v >= 0x20 {
				c = v
				i += 2
			}
		}
		out = append(out, c)
	}
	return out
}

func hexByte(a, b byte) (byte, bool) {
	hi, lo := strings.IndexByte("0123456789abcdef", a|0x20), strings.IndexByte("0123456789abcdef", b|0x20)
	if a >= '0' && a <= '9' {
		hi = int(a - '0')
	}
	if b >= '0' && b <= '9' {
		lo = int(b - '0')
	}
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

// scanner goes through the text word by word.
type scanner struct {
	b   []byte
	pos int
}

// words is how many words after the name of a type are looked at.
const words = 8

func (s *scanner) declares() bool {
	left := 0         // words still to be looked at
	var joined []byte // those words so far, folded and joined: "child" "abuse"
	for {
		word, quoted, ok := s.next()
		if !ok {
			return false
		}
		key := s.keyFollows(quoted)
		if !key && left == 0 {
			continue
		}
		f := foldWord(word)
		switch {
		case key && typeNames[string(f)]:
			left, joined = words, joined[:0]
			continue
		case key && !valueNames[string(f)]:
			left = 0
			continue
		case left == 0: // the name of a value of something else
			continue
		}
		left--
		joined = append(joined, f...)
		for _, w := range neverKept {
			if bytes.Contains(joined, []byte(w)) {
				return true
			}
		}
	}
}

// typeNames are the names, folded, under which formats say what kind of abuse
// it is; valueNames may stand between such a name and its value.
var typeNames = map[string]bool{"type": true, "types": true, "reporttype": true, "reportsubtype": true, "subtype": true, "abusetype": true,
	"abuse": true, "abusecategory": true, "category": true, "categories": true, "class": true, "reportclass": true, "classification": true, "kind": true,
	"incidenttype": true, "eventtype": true, "threattype": true, "abusetypes": true, "reason": true}

var valueNames = map[string]bool{"value": true, "name": true, "code": true, "id": true, "label": true, "text": true}

// neverKept are the words, folded; a value in the place of a type that holds
// one declares it.
var neverKept = []string{"csam", "csem", "csea", "csai", "childabuse", "childsex", "childporn", "childexploit", "childmolest", "pedo", "paedo"}

// next is the next run of letters, digits, hyphens and underscores.
func (s *scanner) next() (word []byte, quoted, ok bool) {
	for s.pos < len(s.b) && !wordByte(s.b[s.pos]) {
		s.pos++
	}
	if s.pos == len(s.b) {
		return nil, false, false
	}
	start := s.pos
	for s.pos < len(s.b) && wordByte(s.b[s.pos]) {
		s.pos++
	}
	return s.b[start:s.pos], start > 0 && (s.b[start-1] == '"' || s.b[start-1] == '\''), true
}

// keyFollows says whether the word just read is a name: a colon, an equals
// sign or the end of a tag comes next, or, where it stands in quotes, another
// quote, so that a colon seems lost.
func (s *scanner) keyFollows(quoted bool) bool {
	i := s.pos
	closed := false
	for i < len(s.b) && i < s.pos+16 {
		switch s.b[i] {
		case ' ', '\t', '\r', '\n', '\\':
			i++
		case '"', '\'':
			if closed { // `"type" "csam"`: a colon was lost
				return quoted
			}
			closed = true
			i++
		case ':', '=', '>':
			return true
		default:
			return false
		}
	}
	return false
}

func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// foldWord is the letters and digits of a word in lower case; a long word is
// nobody's type and folds to nothing.
func foldWord(w []byte) []byte {
	if len(w) > 64 {
		return nil
	}
	out := make([]byte, 0, len(w))
	for _, c := range w {
		switch {
		case c >= 'A' && c <= 'Z':
			out = append(out, c|0x20)
		case c != '_' && c != '-':
			out = append(out, c)
		}
	}
	return out
}
