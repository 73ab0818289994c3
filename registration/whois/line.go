package whois

import (
	"strings"
	"unicode/utf8"
)

// line is one line of an answer.
type line struct {
	text    string // without the space around it, comment marks and decoration
	label   string // of a pair
	value   string
	meaning meaning // of the label, or of the whole text when it is a heading
	indent  int16   // columns of white space before the text
	column  int16   // of the value
	kind    lineKind
	gap     bool // a blank line is before it
}

type lineKind uint8

const (
	plainLine   lineKind = iota
	commentLine          // "% …", "# …", ">>> …"
	pairLine             // a label and a value; the value may be empty
	headingLine          // a label alone, without a colon, that is known
)

// Bounds on one answer. A line beyond maxLine octets is cut, lines beyond
// maxLines are not read.
const (
	maxLines = 4096
	maxLine  = 4096
)

// split cuts text into lines and labels. It appends to dst, so that a reader's
// memory is used again. cut is true when there were more lines than are read.
func (v *vocabulary) split(dst []line, text string) (lines []line, cut bool) {
	gap := false
	cr := strings.IndexByte(text, '\r') >= 0
	for len(text) > 0 {
		var raw string
		// CR, CRLF and LF end a line; some servers mix them.
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			raw, text = text[:i], text[i+1:]
		} else {
			raw, text = text, ""
		}
		if raw == "" || raw == "\r" {
			gap = true
			continue
		}
		for more := true; more; {
			one := raw
			if more = false; cr && len(raw) > 0 {
				if raw[len(raw)-1] == '\r' {
					raw = raw[:len(raw)-1]
				}
				one = raw
				if i := strings.IndexByte(raw, '\r'); i >= 0 {
					one, raw, more = raw[:i], raw[i+1:], true
				}
			}
			if len(dst) == maxLines {
				return dst, true
			}
			// The line is filled in its place: a copy of so many pointers costs
			// more than reading it.
			n := len(dst)
			if n < cap(dst) {
				dst = dst[:n+1]
			} else {
				dst = append(dst, line{})
			}
			l := &dst[n]
			*l = line{}
			if !v.line(l, one) {
				gap = true
				dst = dst[:n]
				continue
			}
			l.gap = gap
			gap = false
		}
	}
	return dst, false
}

// line reads one line into l, which is empty; false for a blank one.
func (v *vocabulary) line(l *line, raw string) bool {
	if len(raw) > maxLine {
		n := maxLine
		for n > 0 && !utf8.RuneStart(raw[n]) {
			n--
		}
		raw = raw[:n]
	}
	i, col := 0, 0
	for i < len(raw) {
		switch raw[i] {
		case ' ':
			col++
		case '\t':
			col = (col/8 + 1) * 8
		case 0, '\v', '\f':
		default:
			goto text
		}
		i++
	}
	return false
text:
	t := trimRight(raw[i:])
	l.indent = int16(min(col, 1000))
	switch t[0] {
	case '%', '#', ';', '>':
		l.kind = commentLine
		for t != "" && isCommentMark(t[0]) {
			t = t[1:]
		}
		l.text = t
		return t != ""
	case '-':
		if len(t) > 2 && t[1] == ' ' { // a list
			t = trimLeft(t[2:])
		}
		fallthrough
	case '*', '=', '_', '~', '|', '+':
		// Rules, boxes and bullets; "** Domain Name:" is a heading of .tr.
		s := trimBoth(strings.Trim(t, "*-=_~|+ \t"))
		if s == "" {
			return false
		}
		if t[0] == '*' || t[0] == '=' || t[0] == '-' && strings.HasSuffix(t, "-") || t[0] == '|' {
			t = s
		}
	}
	l.text = t
	v.pair(l, t)
	return true
}

// isCommentMark says whether c stands before the text of a comment.
func isCommentMark(c byte) bool {
	switch c {
	case '%', '#', ';', '>', ' ', '\t', '-', '*', '.':
		return true
	}
	return false
}

// maxQuick is the longest label that quick reads, with its spaces.
const maxQuick = 64

// What an octet is to quick, if it is no letter or digit of a label, folded.
const (
	quickOther = iota // pair looks closer
	quickGap          // is left out of a label
)

var quickOctets = func() (t [256]byte) {
	copy(t[:], folded[:])
	for _, c := range " -_/'" {
		t[c] = quickGap
	}
	return t
}()

// quick reads what most lines are: a label that is known as it stands, up to the
// first colon at i, in one pass. It says no to all that needs a closer look, and
// gives of the rest what pair would.
func (v *vocabulary) quick(l *line, t string, i int) bool {
	if i < 1 || i > maxQuick || len(v.table) == 0 || t[0]|0x20 < 'a' || t[0]|0x20 > 'z' {
		return false
	}
	rest := t[i+1:]
	if rest != "" && (rest[0] == '/' || isDigit(rest[0]) && isDigit(t[i-1])) { // a URL, a time
		return false
	}
	m, ok := meaning{}, false
	if h, is := writtenHash(t, i); is {
		m, ok = v.written.get(h)
	}
	if !ok {
		h := uint64(hashStart)
		n := 0
		for _, c := range []byte(t[:i]) {
			switch c = quickOctets[c]; c {
			default:
				h = (h ^ uint64(c)) * hashStep
				n++
			case quickGap:
			case quickOther:
				return false
			}
		}
		if v.shapes[n]&(1<<(folded[t[0]]&63)) == 0 {
			return false
		}
		if m, ok = v.table.get(mix(h)); !ok {
			return false
		}
	}
	for len(rest) > 0 && isSpace(rest[0]) {
		rest = rest[1:]
	}
	if m.what == domainName && strings.IndexByte(rest, ':') > 0 || len(rest) > 1 && rest[0] == '.' && rest[1] == '.' {
		return false
	}
	l.kind, l.label, l.value, l.meaning = pairLine, trimLabel(t[:i]), plainValue(rest), m
	l.column = l.indent + int16(min(len(t)-len(rest), 500))
	return true
}

// pair finds the label of a line.
func (v *vocabulary) pair(l *line, t string) {
	first := strings.IndexByte(t, ':')
	if v.quick(l, t, first) {
		return
	}
	// "[Domain Name]   EXAMPLE.JP", "a. [Domain Name]   EXAMPLE.JP"
	s := t
	if len(s) > 4 {
		switch {
		case s[2] == '[' && s[1] == ' ':
			s = s[2:]
		case s[3] == '[' && s[2] == ' ' && s[1] == '.':
			s = s[3:]
		}
	}
	if s[0] == '[' {
		if i := strings.IndexByte(s, ']'); i > 1 && i < 64 {
			if m := v.lookup(s[1:i]); m.what != unknown {
				// "[owner-c] fname: Jo"
				if k, value, ok := strings.Cut(s[i+1:], ":"); ok && m.what == contactRole && len(k) < 32 {
					if f := v.lookup(trimBoth(k)); f.what.isContactField() {
						l.kind, l.label, l.value, l.meaning = pairLine, trimBoth(k), trimBoth(value), meaning{f.what, m.roles}
						return
					}
				}
				l.kind, l.label, l.value, l.meaning = pairLine, trimBoth(s[1:i]), trimBoth(s[i+1:]), m
				l.column = l.indent + int16(len(t)-len(trimLeft(s[i+1:])))
				if l.value != "" && l.value[0] == ':' {
					l.value = trimBoth(l.value[1:])
				}
				return
			}
		}
	}
	i, n, leaders := 0, 0, 0
	if first > 0 || first == 0 && strings.IndexByte(t[1:], ':') >= 0 || hasMark(t) {
		i, n, leaders = colon(t)
	}
	if i > 0 {
		label := trimLabel(t[:i])
		value := trimLeft(t[i+n:])
		if strings.HasPrefix(value, "..") { // "Registrar:.....Example Ltd"
			value = strings.TrimLeft(value, ". \t")
		}
		// A colon in the value belongs to a label with dotted leaders.
		if j := leaders; j > 0 && strings.TrimLeft(t[j:i], ". \t") != "" {
			label, value = trimLabel(t[:j]), strings.TrimLeft(t[j:], ". \t")
		}
		if label != "" && label[0] != '+' && !(isDigit(label[0]) && (strings.Count(label, " ") > 2 || digitsIn(label) > 6)) {
			m := v.around(label)
			// "domain:Domain-Name:example.ma": rwhois names the class first.
			if m.what == domainName && value != "" && strings.IndexByte(value, ':') > 0 && !strings.Contains(value, " ") {
				if k, rest, _ := strings.Cut(value, ":"); len(k) < 32 {
					k, _, _ = strings.Cut(k, ";")
					label, value, m = k, rest, v.lookup(k)
				}
			}
			if m.what == unknown {
				switch {
				case strings.IndexByte(label, ',') > 0:
					m = v.several(label)
				case len(label) > 4 && isDigit(label[0]) && (label[1] == '.' || label[2] == '.'): // "2a. registrant"
					label = trimLabel(label[3:])
					m = v.lookup(label)
				}
			}
			// "Created on...: x" and "nameservers:   x" are pairs even when
			// unknown; a sentence with a colon in it is not.
			if m.what != unknown || labelLike(label) {
				l.kind, l.label, l.value, l.meaning = pairLine, label, plainValue(value), m
				l.column = l.indent + int16(min(len(t)-len(value), 500))
				return
			}
		}
	}
	if j := leaders; j > 0 {
		label, value := trimLabel(t[:j]), strings.TrimLeft(t[j:], ". \t#:")
		if m := v.around(label); m.what != unknown {
			l.kind, l.label, l.value, l.meaning = pairLine, label, value, m
			l.column = l.indent + int16(min(len(t)-len(value), 500))
			return
		}
	}
	if i, n := columns(t); i > 0 && t[min(i+n, len(t)-1)] != '|' && t[min(i+n, len(t)-1)] != '=' && !strings.HasPrefix(t[i+n:], "->") {
		label := trimLabel(t[:i])
		if m := v.lookup(label); m.what != unknown {
			l.kind, l.label, l.value, l.meaning = pairLine, label, trimBoth(t[i+n:]), m
			l.column = l.indent + int16(min(i+n, 500))
			return
		}
	}
	// "Organisation Address. 12 Sample Street": leaders that were cut to one.
	if i := strings.Index(t[:min(len(t), 26)], ". "); i > 8 {
		if m := v.lookup(t[:i]); m.what.isContactField() {
			l.kind, l.label, l.value, l.meaning = pairLine, t[:i], trimBoth(t[i+2:]), m
			l.column = l.indent + int16(i+2)
			return
		}
	}
	// "| Domain | shop.example", "domain = shop.example", "Domain -> shop.example"
	if i, n := sign(t); i > 0 {
		label := trimLabel(t[:i])
		if m := v.around(label); m.what != unknown {
			l.kind, l.label, l.value, l.meaning = pairLine, label, plainValue(trimBoth(t[i+n:])), m
			l.column = l.indent + int16(min(i+n, 500))
			return
		}
	}
	if len(t) <= 64 {
		if c := t[len(t)-1]; c == '.' || c == ',' || manyWords(t) { // a line of prose
			v.sentence(l, t)
			return
		}
		m := v.heading(t)
		if m.what == unknown && (strings.IndexByte(t, ',') > 0 || strings.IndexByte(t, '&') > 0) {
			m = v.several(t)
		}
		if m.what != unknown && m.what != ignored {
			l.kind, l.label, l.meaning = headingLine, t, m
			return
		}
		v.sentence(l, t)
	}
}

// manyWords says whether a line has more words than any label, which have up to
// seven.
func manyWords(t string) bool {
	n := 0
	for i := 1; i < len(t); i++ {
		if t[i] == ' ' && t[i-1] != ' ' {
			n++
		}
	}
	return n > 8
}

// sentence reads "Record created on 2001-02-03." and "Registered on: …"
// without a colon: words that are a known label, then a date.
func (v *vocabulary) sentence(l *line, t string) {
	i := 0
	for i < len(t) && i <= 48 && !isDigit(t[i]) {
		i++
	}
	if i < 5 || i > 48 || i == len(t) || t[i-1] != ' ' {
		return
	}
	words := trimBoth(t[:i])
	m := v.lookup(words)
	if !m.what.isDate() {
		// "Registered on 2nd August" has the month first at times: "expires on Mon Aug 2 2010".
		if j := strings.LastIndexByte(words, ' '); j > 4 {
			words = words[:j]
			if m = v.lookup(words); !m.what.isDate() {
				if j = strings.LastIndexByte(words, ' '); j > 4 {
					words = words[:j]
					m = v.lookup(words)
				}
			}
		}
	}
	if m.what.isDate() {
		value := trimBoth(t[len(words):])
		l.kind, l.label, l.value, l.meaning = pairLine, words, strings.TrimSuffix(value, "."), m
	}
}

// several reads "Administrative Contact, Technical Contact, Zone Contact".
func (v *vocabulary) several(label string) (m meaning) {
	if len(label) > 120 {
		return meaning{}
	}
	for p := range strings.FieldsFuncSeq(label, func(r rune) bool { return r == ',' || r == '&' || r == '/' }) {
		p = strings.TrimPrefix(trimBoth(p), "and ")
		one := v.lookup(p)
		if one.what != contactRole {
			return meaning{}
		}
		m.what = contactRole
		m.roles |= one.roles
	}
	return m
}

// hasMark says whether a line has what ends a label beside a colon: the
// full-width one, or dotted leaders.
func hasMark(t string) bool {
	for s := t; ; {
		i := strings.IndexByte(s, '.')
		if i < 0 {
			break
		}
		if s = s[i+1:]; s == "" {
			break
		}
		if s[0] == '.' || len(s) > 1 && s[0] == ' ' && s[1] == '.' {
			return true
		}
	}
	return strings.IndexByte(t, 0xEF) >= 0 && strings.Contains(t, "：")
}

// colon finds the colon that ends a label, outside round brackets, and its
// length; i is 0 when there is none. A time, an address and a URL have colons
// that end none. leaders is where dotted leaders begin ("Name.......: x",
// "Name. . . . x"), 0 when there are none.
func colon(t string) (i, n, leaders int) {
	depth := 0
	for i := 0; i < len(t) && i < 200; i++ {
		c := t[i]
		if !colonMarks[c] {
			if i > 80 && depth == 0 {
				return 0, 0, leaders
			}
			continue
		}
		switch {
		case c == '.' && leaders == 0 && i > 0 && i+2 < len(t) && (t[i+1] == '.' && t[i+2] == '.' || t[i+1] == ' ' && t[i+2] == '.'):
			leaders = i
		case c == '(' || c == '[' && i > 0:
			depth++
		case c == ')' || c == ']':
			depth = max(0, depth-1)
		case c == ':' && depth == 0:
			if i == 0 {
				return 0, 0, leaders
			}
			rest := t[i+1:]
			if strings.HasPrefix(rest, "//") {
				return 0, 0, leaders
			}
			if len(rest) > 0 && isDigit(t[i-1]) && isDigit(rest[0]) && i >= 2 && isDigit(t[i-2]) {
				return 0, 0, leaders // a time
			}
			return i, 1, leaders
		case c == 0xEF && strings.HasPrefix(t[i:], "："): // the full-width colon
			if i > 0 {
				return i, len("："), leaders
			}
		case c == '@' && depth == 0:
			return 0, 0, leaders
		case i > 80 && depth == 0:
			return 0, 0, leaders
		}
	}
	return 0, 0, leaders
}

// colonMarks are the octets that mean something to colon.
var colonMarks = func() (t [256]bool) {
	for _, c := range []byte(".([)]:@\xEF") {
		t[c] = true
	}
	return t
}()

// sign finds what stands between a label and its value where it is no colon, and
// its length: the border of a table, an equals sign, an arrow.
func sign(t string) (i, n int) {
	t = t[:min(len(t), 48)]
	if i := strings.IndexByte(t, '|'); i > 1 {
		return i, 1
	}
	if i := strings.IndexByte(t, '='); i > 1 {
		if i+1 < len(t) && t[i+1] == '>' {
			return i, 2
		}
		return i, 1
	}
	if i := strings.IndexByte(t, '>'); i > 2 && t[i-1] == '-' {
		return i - 1, 2
	}
	return 0, 0
}

// columns finds the gap between a label and its value: a tab, or two spaces.
func columns(t string) (i, n int) {
	head := t[:min(len(t), 64)]
	i = strings.Index(head, "  ")
	if j := strings.IndexByte(head, '\t'); j > 0 && (i < 1 || j < i) {
		i = j
	}
	if i < 1 {
		return 0, 0
	}
	for i+n < len(t) && (t[i+n] == ' ' || t[i+n] == '\t') {
		n++
	}
	return i, n
}

// labelLike says whether an unknown label looks like one and not like the
// beginning of a sentence.
func labelLike(s string) bool {
	if len(s) > 48 || strings.Count(s, " ") > 4 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',', '"', ';', '!', '?':
			return false
		}
	}
	return true
}

func digitsIn(s string) (n int) {
	for i := 0; i < len(s); i++ {
		if isDigit(s[i]) {
			n++
		}
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == 0 || c == '\v' || c == '\f' }

func trimLeft(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimBoth(s string) string { return trimLeft(trimRight(s)) }

// trimLabel takes dotted leaders, bullets and space off a label.
func trimLabel(s string) string {
	for len(s) > 0 && isLeader(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isLeader(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isLeader(c byte) bool {
	switch c {
	case ' ', '\t', '.', '*', '-', '_', '>', '=', '#', 0:
		return true
	}
	return false
}

// plainValue takes the marks of YAML off a value, in which a few servers
// answer.
func plainValue(s string) string {
	if len(s) < 2 {
		return s
	}
	switch s[0] {
	case '"':
		if s[len(s)-1] == '"' && strings.Count(s, "\"") == 2 {
			return s[1 : len(s)-1]
		}
	case '\'':
		if s[len(s)-1] == '\'' && strings.Count(s, "'") == 2 {
			return s[1 : len(s)-1]
		}
	case '!':
		if !strings.Contains(s, " ") && s[1]|0x20 >= 'a' && s[1]|0x20 <= 'z' {
			return ""
		}
	case '|':
		if s == "|-" {
			return ""
		}
	}
	return s
}
