package whois

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"bailiwick/registration"

	"go.yaml.in/yaml/v3"
)

//go:embed phrases.yaml
var phrasesYAML []byte

// verdict is what a phrase says about a page, the strongest last.
type verdict uint8

const (
	noVerdict verdict = iota
	saysInvalid
	saysError
	hintsThrottled // words that terms of use have, too
	saysAvailable
	saysReserved
	saysThrottled
)

// phrases knows what servers say instead of a record.
type phrases struct {
	root   *phraseNode
	firsts [64]uint64         // which words may begin a phrase, by firstBit
	values map[string]verdict // of status lines, folded
	inside []insidePhrase     // of scripts that have no spaces between words
}

// insidePhrase is a phrase that may stand anywhere in a line, also in a word.
type insidePhrase struct {
	text string
	says verdict
}

// wide says whether s begins with a character of the scripts of Chinese, Japanese
// and Korean, which have no spaces, or endings behind their words.
func wide(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r >= 0x2E80
}

// firstBit is the place of a word in phrases.firsts: most words of a page begin
// no phrase, and that is told by it without a look into the tree.
func firstBit[word string | []byte](w word) (at, bit uint) {
	k := uint(w[0])*31 + uint(w[len(w)-1])*7 + uint(w[len(w)/2])*3 + uint(len(w))
	return k >> 6 & 63, k & 63
}

// phraseNode is a place in the tree of phrases, word by word.
type phraseNode struct {
	next     map[string]*phraseNode
	any      *phraseNode // after "~"
	start    verdict     // of a phrase that ends here, at the beginning of a line
	startEnd verdict     // that ends here and with the line
	anywhere verdict
	anyEnd   verdict
}

// said is the built-in list. The file is part of the program and a test reads
// it, so an error cannot get out.
var said = sync.OnceValue(func() *phrases {
	p, err := readPhrases(phrasesYAML)
	if err != nil {
		return &phrases{root: &phraseNode{}}
	}
	return p
})

func readPhrases(b []byte) (*phrases, error) {
	type list struct {
		Start    []string `yaml:"start"`
		Anywhere []string `yaml:"anywhere"`
	}
	var f struct {
		Throttled list                `yaml:"throttled"`
		Weak      list                `yaml:"throttled weak"`
		Reserved  list                `yaml:"reserved"`
		Available list                `yaml:"available"`
		Error     list                `yaml:"error"`
		Invalid   list                `yaml:"invalid"`
		Values    map[string][]string `yaml:"values"`
	}
	if err := yaml.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	p := &phrases{root: &phraseNode{}, values: map[string]verdict{}}
	add := func(v verdict, l list) {
		for i, s := range append(append([]string{}, l.Start...), l.Anywhere...) {
			if wide(s) {
				p.inside = append(p.inside, insidePhrase{s, v})
				continue
			}
			n, end := p.root, false
			for w := range strings.FieldsSeq(strings.ToLower(s)) {
				switch w {
				case "~":
					if n.any == nil {
						n.any = &phraseNode{}
					}
					n = n.any
				case "$":
					end = true
				case "-":
				default:
					if n.next == nil {
						n.next = map[string]*phraseNode{}
					}
					if n.next[w] == nil {
						n.next[w] = &phraseNode{}
					}
					n = n.next[w]
				}
			}
			at := &n.anywhere
			switch start := i < len(l.Start); {
			case start && end:
				at = &n.startEnd
			case start:
				at = &n.start
			case end:
				at = &n.anyEnd
			}
			*at = max(*at, v)
		}
	}
	defer func() {
		for w := range p.root.next {
			at, bit := firstBit(w)
			p.firsts[at] |= 1 << bit
		}
	}()
	for _, l := range [...]list{f.Throttled, f.Weak, f.Reserved, f.Available, f.Error, f.Invalid} {
		for _, s := range l.Anywhere {
			if strings.HasPrefix(s, "~") {
				return nil, fmt.Errorf("%q: what may stand anywhere in a line begins with a word of its own", s)
			}
		}
	}
	add(saysThrottled, f.Throttled)
	add(hintsThrottled, f.Weak)
	add(saysReserved, f.Reserved)
	add(saysAvailable, f.Available)
	add(saysError, f.Error)
	add(saysInvalid, f.Invalid)
	verdicts := map[string]verdict{"available": saysAvailable, "reserved": saysReserved, "throttled": saysThrottled, "invalid": saysInvalid}
	for name, list := range f.Values {
		v, ok := verdicts[name]
		if !ok {
			return nil, fmt.Errorf("%q is no state of a status line", name)
		}
		for _, s := range list {
			p.values[foldLabel(s)] = v
		}
	}
	return p, nil
}

// maxPhraseWords is how many words of a line are looked at.
const maxPhraseWords = 40

// line judges one line.
func (p *phrases) line(s string) verdict {
	var words [maxPhraseWords][]byte
	var lower [512]byte
	if len(s) > 400 {
		n := 400
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	// Lower case once, so that words can be looked up as they stand.
	b := lower[:0]
	hasWide := false
	n, start := 0, 0 // words, and where the next begins
	for i := 0; i < len(s); {
		c := phraseOctets[s[i]]
		switch c {
		default:
			b = append(b, c)
			i++
			continue
		case phraseGap:
			if w := phraseWord(b[start:]); len(w) > 0 && n < len(words) {
				words[n] = w
				n++
			}
			b = append(b, ' ')
			i++
			start = len(b)
		case phraseWide:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == '’' {
				r = '\''
			}
			hasWide = hasWide || r >= 0x2E80
			b = utf8.AppendRune(b, unicode.ToLower(r))
			i += size
		}
	}
	if w := phraseWord(b[start:]); len(w) > 0 && n < len(words) {
		words[n] = w
		n++
	}
	best := noVerdict
	if hasWide {
		low := strings.ToLower(s)
		for _, in := range p.inside {
			if in.says > best && strings.Contains(low, in.text) {
				best = in.says
			}
		}
	}
	for i := range n {
		if at, bit := firstBit(words[i]); p.firsts[at]&(1<<bit) == 0 && (i > 0 || p.root.any == nil) {
			continue
		}
		best = max(best, p.root.match(words[i:n], i == 0))
	}
	return best
}

// phraseWord takes the punctuation off the ends of a word.
func phraseWord(w []byte) []byte {
	for len(w) > 0 && phraseMarks[w[0]] {
		w = w[1:]
	}
	for len(w) > 0 && phraseMarks[w[len(w)-1]] {
		w = w[:len(w)-1]
	}
	return w
}

// What an octet is to line, if it is not one of a word, in lower case.
const (
	phraseGap  = 0
	phraseWide = 1 // beyond ASCII
)

var phraseOctets = func() (t [256]byte) {
	for c := range t {
		switch c := byte(c); {
		case isPhraseGap(c):
			t[c] = phraseGap
		case c >= utf8.RuneSelf:
			t[c] = phraseWide
		case c >= 'A' && c <= 'Z':
			t[c] = c | 0x20
		default:
			t[c] = c
		}
	}
	return t
}()

// phraseMarks is the punctuation that stands at a word's ends.
var phraseMarks = func() (t [256]bool) {
	for _, c := range []byte("\"'.,:;!?()[]<>*%#-=|/`") {
		t[c] = true
	}
	return t
}()

func isPhraseGap(c byte) bool {
	return c <= ' ' || c == ',' || c == '(' || c == '_' || c == '/' || c == ':'
}

func (n *phraseNode) match(words [][]byte, start bool) verdict {
	best := n.anywhere
	if start {
		best = max(best, n.start)
	}
	if len(words) == 0 {
		best = max(best, n.anyEnd)
		if start {
			best = max(best, n.startEnd)
		}
		return best
	}
	if m := n.next[string(words[0])]; m != nil {
		best = max(best, m.match(words[1:], start))
	}
	if n.any != nil {
		best = max(best, n.any.match(words[1:], start))
	}
	return best
}

// value judges the value of a status line.
func (p *phrases) value(s string) verdict {
	var buf [maxLabel]byte
	if len(s) > 64 {
		return noVerdict
	}
	return p.values[string(fold(buf[:0], s))]
}

// page judges an answer that holds no registration, and gives the name that
// the telling line speaks of. Long pages are mostly terms of use, in which every
// phrase may occur: what is wrapped prose does not count.
func (p *phrases) page(lines []line) (best verdict, name string) {
	var have [saysThrottled + 1]bool
	asked := ""
	for i := range lines {
		l := &lines[i]
		if asked == "" && len(l.text) < 120 {
			asked = askedIn(l.text)
		}
		if len(l.text) > 200 || prose(lines, i) {
			continue
		}
		v := p.line(l.text)
		if v == noVerdict && strings.HasSuffix(l.text, "NOT FOUND") {
			v = saysAvailable
		}
		if v == noVerdict {
			continue
		}
		have[v] = true
		if name == "" && v >= saysAvailable {
			name = nameIn(l.text)
		}
	}
	if name == "" {
		name = asked
	}
	for _, v := range [...]verdict{saysThrottled, saysReserved, saysAvailable, saysError, hintsThrottled, saysInvalid} {
		if have[v] {
			return v, name
		}
	}
	return noVerdict, name
}

// innerDot says whether a dot stands between two characters that are no space,
// as in a name.
func innerDot(s string) bool {
	for i := 1; ; i++ {
		j := strings.IndexByte(s[min(i, len(s)):], '.')
		if j < 0 {
			return false
		}
		if i += j; i < len(s)-1 && s[i-1] > ' ' && s[i+1] > ' ' && s[i+1] != '.' {
			return true
		}
	}
}

// askedIn finds the name in a line that repeats the question: "You queried for
// example.com but…", "WHOIS example.com".
func askedIn(s string) string {
	if !innerDot(s) {
		return ""
	}
	before := ""
	for w := range strings.FieldsSeq(s) {
		w = trimMarks(w)
		if strings.IndexByte(w, '.') > 0 && !strings.ContainsAny(w, "@/:") && !isDigit(w[0]) {
			var buf [8]byte
			switch string(lowerShort(buf[:0], before)) {
			case "for", "whois", "to", "query", "domain", "name", "about", ">>":
				if d, ok := domainValue(w); ok && strings.Contains(d, ".") && !strings.HasPrefix(d, "whois.") && !strings.HasPrefix(d, "www.") {
					return d
				}
			}
		}
		before = w
	}
	return ""
}

// trimMarks takes quotes and punctuation off the ends of a word.
func trimMarks(w string) string {
	for w != "" && askedMark(w[0]) {
		w = w[1:]
	}
	for w != "" && askedMark(w[len(w)-1]) {
		w = w[:len(w)-1]
	}
	return w
}

func askedMark(c byte) bool { return c == ':' || c == '`' || c != '<' && c != '>' && isQuote(c) }

// lowerShort appends a word of up to eight octets in lower case; a longer one is
// none of those that are looked for.
func lowerShort(dst []byte, w string) []byte {
	if len(w) > cap(dst) {
		return dst
	}
	for i := 0; i < len(w); i++ {
		c := w[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// nameIn finds the one domain name in a line such as "No match for EXAMPLE.COM".
func nameIn(s string) string {
	name := ""
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\'' || r == ':' || r == ',' || r == '(' || r == ')' || r == '<' || r == '>'
	}) {
		w = strings.Trim(w, ".!?;`")
		if !strings.Contains(w, ".") || strings.ContainsAny(w, "@/") || strings.HasPrefix(strings.ToLower(w), "whois.") {
			continue
		}
		if d, ok := domainValue(w); ok && name == "" && strings.Contains(d, ".") && !isDigit(d[0]) {
			name = d
		}
	}
	return name
}

// prose says whether line i lies in a paragraph of wrapped sentences.
func prose(lines []line, i int) bool {
	l := &lines[i]
	if i > 0 && !l.gap && lowerStart(l.text) && len(lines[i-1].text) > 44 && sentenceOpen(lines[i-1].text) {
		return true
	}
	return len(l.text) > 52 && sentenceOpen(l.text) && i+1 < len(lines) && !lines[i+1].gap && lowerStart(lines[i+1].text)
}

// lowerStart says whether s begins in the middle of a sentence.
func lowerStart(s string) bool {
	return s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] == '(' || s[0] == '"')
}

// sentenceOpen says whether a line ends in the middle of a sentence.
func sentenceOpen(s string) bool {
	if s == "" {
		return false
	}
	switch s[len(s)-1] {
	case '.', '!', '?', ':', '<', '*':
		return false
	}
	return true
}

// stateOf gives the state that a verdict means where there is no registration.
func (v verdict) state() registration.State {
	switch v {
	case saysAvailable:
		return registration.Available
	case saysReserved:
		return registration.Reserved
	case saysThrottled, hintsThrottled:
		return registration.Throttled
	case saysError:
		return registration.Failed
	}
	return registration.Unknown
}
