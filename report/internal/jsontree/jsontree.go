// Package jsontree reads JSON that a stranger wrote, under bounds, without
// copying it: one pass over the bytes checks everything RFC 8259 and I-JSON
// (RFC 7493) ask for and leaves a flat list of values that decoders walk.
// Beside syntax it refuses duplicate names, text that is not UTF-8, lone
// surrogates, nesting that is too deep, and too many values.
package jsontree

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"bailiwick/problem"
)

// The bounds of Parse.
const (
	// MaxBytes is the longest document, in octets.
	MaxBytes = 8 << 20
	// MaxDepth is how many arrays and objects may lie inside one another.
	MaxDepth = 32
	// MaxValues is how many values and names a document may hold.
	MaxValues = 200_000
)

// Kind is the kind of a value.
type Kind uint8

// The kinds.
const (
	Invalid Kind = iota // the zero Value: no such value
	Null
	True
	False
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"nothing", "null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"}

// String names the kind for a message ("a string").
func (k Kind) String() string { return kindNames[k] }

// token is one value; the names and values of an object, and the items of an
// array, follow their container up to next.
type token struct {
	start, end uint32 // the octets of the value; of a string, those between the quotes
	next       uint32 // index of the first token after this value
	n          uint32 // members or items
	kind       Kind
	escaped    bool // the string holds a backslash
}

// Document is a checked JSON text.
type Document struct {
	buf []byte
	tok []token
}

// Value is one value of a document; the zero Value is none. It is valid as
// long as the bytes given to Parse are left alone.
type Value struct {
	d *Document
	i uint32
}

// Parse checks raw and returns its tree. A byte order mark in front is let
// pass. An error says where, as line and column, and is Invalid or TooLarge.
func Parse(raw []byte) (*Document, error) {
	if len(raw) > MaxBytes {
		return nil, problem.New(problem.TooLarge, "the report is %d octets long, %d are allowed", len(raw), MaxBytes)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	p := parser{buf: raw}
	p.names = make([][]byte, 0, 32)
	p.tok = make([]token, 0, min(16+len(raw)/12, 4096))
	if err := p.value(0); err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(raw) {
		return nil, p.fail("something follows the end of the JSON text")
	}
	return &Document{raw, p.tok}, nil
}

// Root is the outermost value.
func (d *Document) Root() Value { return Value{d, 0} }

// Kind of the value.
func (v Value) Kind() Kind {
	if v.d == nil {
		return Invalid
	}
	return v.d.tok[v.i].kind
}

// Len is the number of members of an object or items of an array.
func (v Value) Len() int {
	if v.d == nil {
		return 0
	}
	return int(v.d.tok[v.i].n)
}

// Raw is the value as written; of a string, what is between the quotes.
func (v Value) Raw() []byte {
	if v.d == nil {
		return nil
	}
	t := v.d.tok[v.i]
	return v.d.buf[t.start:t.end]
}

// Bytes is the text of a string; it aliases the document where there is
// nothing to decode.
func (v Value) Bytes() []byte {
	if v.d == nil || v.d.tok[v.i].kind != String {
		return nil
	}
	if raw := v.Raw(); !v.d.tok[v.i].escaped {
		return raw
	} else {
		return unescape(raw)
	}
}

// Text is the text of a string, "" for any other kind.
func (v Value) Text() string { return string(v.Bytes()) }

// Runes is the length of a string in characters.
func (v Value) Runes() int {
	b := v.Bytes()
	return utf8.RuneCount(b)
}

// Is says whether v is the string s.
func (v Value) Is(s string) bool { return v.Kind() == String && string(v.Bytes()) == s }

// First is the first member's name, or the first item; the zero Value when
// there is none. A name's value is its Next.
func (v Value) First() Value {
	if v.Len() == 0 {
		return Value{}
	}
	return Value{v.d, v.i + 1}
}

// Next is the value after v in the same container. The caller counts: after
// the last one it is not a sibling.
func (v Value) Next() Value { return Value{v.d, v.d.tok[v.i].next} }

// Member is the value of the named member; the zero Value if v is no object or
// has no such member.
func (v Value) Member(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	k := v.First()
	for range v.Len() {
		val := k.Next()
		if string(k.Bytes()) == name {
			return val
		}
		k = val.Next()
	}
	return Value{}
}

// Members yields the names and values of an object in their order.
func (v Value) Members() func(yield func(name, val Value) bool) {
	return func(yield func(name, val Value) bool) {
		if v.Kind() != Object {
			return
		}
		k := v.First()
		for range v.Len() {
			val := k.Next()
			if !yield(k, val) {
				return
			}
			k = val.Next()
		}
	}
}

// Items yields the items of an array with their index.
func (v Value) Items() func(yield func(i int, val Value) bool) {
	return func(yield func(i int, val Value) bool) {
		if v.Kind() != Array {
			return
		}
		it := v.First()
		for i := range v.Len() {
			if !yield(i, it) {
				return
			}
			it = it.Next()
		}
	}
}

type parser struct {
	buf   []byte
	pos   int
	tok   []token
	names [][]byte // names of the open objects, innermost last
}

// linear is how many names of one object are compared one by one before a map
// takes over.
const linear = 24

func (p *parser) fail(format string, args ...any) error {
	line := 1 + bytes.Count(p.buf[:min(p.pos, len(p.buf))], []byte("\n"))
	col := min(p.pos, len(p.buf)) - bytes.LastIndexByte(p.buf[:min(p.pos, len(p.buf))], '\n')
	e := problem.New(problem.Invalid, format, args...)
	return problem.New(problem.Invalid, "not valid JSON: line %d, column %d: %s", line, col, e.Detail)
}

func (p *parser) space() {
	for p.pos < len(p.buf) {
		switch p.buf[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) push(t token) (int, error) {
	if len(p.tok) >= MaxValues {
		return 0, problem.New(problem.TooLarge, "the report holds more than %d values", MaxValues)
	}
	p.tok = append(p.tok, t)
	return len(p.tok) - 1, nil
}

func (p *parser) value(depth int) error {
	p.space()
	if p.pos >= len(p.buf) {
		return p.fail("the text ends where a value should be")
	}
	switch c := p.buf[p.pos]; {
	case c == '"':
		return p.str()
	case c == '{':
		return p.object(depth + 1)
	case c == '[':
		return p.array(depth + 1)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.word("true", True)
	case c == 'f':
		return p.word("false", False)
	case c == 'n':
		return p.word("null", Null)
	}
	return p.fail("a value should be here")
}

func (p *parser) word(w string, k Kind) error {
	if len(p.buf)-p.pos < len(w) || string(p.buf[p.pos:p.pos+len(w)]) != w {
		return p.fail("a value should be here")
	}
	i, err := p.push(token{start: uint32(p.pos), end: uint32(p.pos + len(w)), kind: k})
	if err != nil {
		return err
	}
	p.tok[i].next = uint32(i + 1)
	p.pos += len(w)
	return nil
}

func (p *parser) number() error {
	start := p.pos
	digits := func() bool {
		at := p.pos
		for p.pos < len(p.buf) && p.buf[p.pos] >= '0' && p.buf[p.pos] <= '9' {
			p.pos++
		}
		return p.pos > at
	}
	if p.buf[p.pos] == '-' {
		p.pos++
	}
	lead := p.pos
	if !digits() {
		return p.fail("a digit should be here")
	}
	if p.buf[lead] == '0' && p.pos > lead+1 {
		p.pos = lead + 1
		return p.fail("a number does not begin with 0")
	}
	if p.pos < len(p.buf) && p.buf[p.pos] == '.' {
		p.pos++
		if !digits() {
			return p.fail("a digit should be here")
		}
	}
	if p.pos < len(p.buf) && (p.buf[p.pos] == 'e' || p.buf[p.pos] == 'E') {
		p.pos++
		if p.pos < len(p.buf) && (p.buf[p.pos] == '+' || p.buf[p.pos] == '-') {
			p.pos++
		}
		if !digits() {
			return p.fail("a digit should be here")
		}
	}
	i, err := p.push(token{start: uint32(start), end: uint32(p.pos), kind: Number})
	if err != nil {
		return err
	}
	p.tok[i].next = uint32(i + 1)
	return nil
}

// str reads a string, the position standing on its opening quote.
func (p *parser) str() error {
	start := p.pos + 1
	i := start
	escaped, high := false, false
	b := p.buf
	for {
		// Eight octets at a time while none of them is a quote, a backslash,
		// a control character or beyond ASCII.
		for i+8 <= len(b) && plain8(b[i:i+8]) {
			i += 8
		}
		if i >= len(b) {
			p.pos = len(b)
			return p.fail("the text ends inside a string")
		}
		c := b[i]
		switch {
		case c == '"':
			if high && !utf8.Valid(b[start:i]) {
				p.pos = start
				return p.fail("the string that begins here is not UTF-8")
			}
			at, err := p.push(token{start: uint32(start), end: uint32(i), kind: String, escaped: escaped})
			if err != nil {
				return err
			}
			p.tok[at].next = uint32(at + 1)
			p.pos = i + 1
			return nil
		case c == '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n == 0 {
				p.pos = i
				return p.fail("not an escape that JSON knows, or half of a surrogate pair")
			}
			i += n
		case c < 0x20:
			p.pos = i
			return p.fail("a control character stands in a string")
		default:
			high = high || c >= 0x80
			i++
		}
	}
}

// plain8 says whether none of the eight octets needs a look of its own.
func plain8(b []byte) bool {
	_ = b[7]
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
	quote, back := x^(ones*'"'), x^(ones*'\\')
	// Each term sets the high bit of an octet that is beyond ASCII, below 0x20,
	// a quote, or a backslash; false alarms only send the octets to the slow loop.
	return (x|(x-ones*0x20)|(quote-ones)|(back-ones))&highs == 0
}

// escapeLen is the length of the escape at the start of b, 0 if it is none.
// Both halves of a surrogate pair count as one.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hex4(b[2:])
		if !ok || r >= 0xDC00 && r <= 0xDFFF {
			return 0
		}
		if r >= 0xD800 && r <= 0xDBFF {
			if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
				return 0
			}
			lo, ok := hex4(b[8:])
			if !ok || lo < 0xDC00 || lo > 0xDFFF {
				return 0
			}
			return 12
		}
		return 6
	}
	return 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape decodes a checked string.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		n := escapeLen(b[i:])
		switch b[i+1] {
		case 'u':
			r, _ := hex4(b[i+2:])
			if n == 12 {
				lo, _ := hex4(b[i+8:])
				r = (r-0xD800)<<10 + (lo - 0xDC00) + 0x10000
			}
			out = utf8.AppendRune(out, r)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			out = append(out, b[i+1])
		}
		i += n
	}
	return out
}

func (p *parser) array(depth int) error {
	if depth > MaxDepth {
		return problem.New(problem.TooLarge, "the report is nested more than %d levels deep", MaxDepth)
	}
	at, err := p.push(token{start: uint32(p.pos), kind: Array})
	if err != nil {
		return err
	}
	p.pos++
	n := 0
	for {
		p.space()
		if p.pos >= len(p.buf) {
			return p.fail("the text ends inside an array")
		}
		if p.buf[p.pos] == ']' && n == 0 {
			break
		}
		if err := p.value(depth); err != nil {
			return err
		}
		n++
		p.space()
		if p.pos >= len(p.buf) {
			return p.fail("the text ends inside an array")
		}
		if p.buf[p.pos] == ']' {
			break
		}
		if p.buf[p.pos] != ',' {
			return p.fail("a comma or ] should be here")
		}
		p.pos++
	}
	p.pos++
	p.close(at, n)
	return nil
}

func (p *parser) object(depth int) error {
	if depth > MaxDepth {
		return problem.New(problem.TooLarge, "the report is nested more than %d levels deep", MaxDepth)
	}
	at, err := p.push(token{start: uint32(p.pos), kind: Object})
	if err != nil {
		return err
	}
	p.pos++
	base := len(p.names)
	var set map[string]struct{}
	n := 0
	for {
		p.space()
		if p.pos >= len(p.buf) {
			return p.fail("the text ends inside an object")
		}
		if p.buf[p.pos] == '}' && n == 0 {
			break
		}
		if p.buf[p.pos] != '"' {
			return p.fail("a name in quotes should be here")
		}
		key := len(p.tok)
		start := p.pos
		if err := p.str(); err != nil {
			return err
		}
		t := p.tok[key]
		name := p.buf[t.start:t.end]
		if t.escaped {
			name = unescape(name)
		}
		if p.seen(base, &set, name) {
			p.pos = start
			return p.fail("the name %q is given twice in one object", clip(name))
		}
		p.space()
		if p.pos >= len(p.buf) || p.buf[p.pos] != ':' {
			return p.fail("a colon should be here")
		}
		p.pos++
		if err := p.value(depth); err != nil {
			return err
		}
		n++
		p.space()
		if p.pos >= len(p.buf) {
			return p.fail("the text ends inside an object")
		}
		if p.buf[p.pos] == '}' {
			break
		}
		if p.buf[p.pos] != ',' {
			return p.fail("a comma or } should be here")
		}
		p.pos++
	}
	p.names = p.names[:base]
	p.pos++
	p.close(at, n)
	return nil
}

// seen says whether the innermost object already has the name, and notes it.
func (p *parser) seen(base int, set *map[string]struct{}, name []byte) bool {
	own := p.names[base:]
	if len(own) < linear {
		for _, o := range own {
			if bytes.Equal(o, name) {
				return true
			}
		}
		p.names = append(p.names, name)
		return false
	}
	if *set == nil {
		*set = make(map[string]struct{}, 2*linear)
		for _, o := range own {
			(*set)[string(o)] = struct{}{}
		}
	}
	if _, ok := (*set)[string(name)]; ok {
		return true
	}
	(*set)[string(name)] = struct{}{}
	return false
}

func (p *parser) close(at, n int) {
	t := &p.tok[at]
	t.end, t.next, t.n = uint32(p.pos), uint32(len(p.tok)), uint32(n)
}

func clip(b []byte) string {
	if len(b) > 40 {
		b = b[:40]
	}
	return strings.ToValidUTF8(string(b), "?")
}
