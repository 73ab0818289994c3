package rdap

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"bailiwick/registration"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds on an answer.
const (
	MaxBytes = 4 << 20 // of the body, in octets
	MaxDepth = 64      // of nested objects and arrays; what is deeper is skipped
	maxNodes = 1 << 19 // of JSON values
)

// kind of a node: the first byte of its JSON, as in jsontext, with '0' for
// every number.
type kind byte

const (
	kObject kind = '{'
	kArray  kind = '['
	kString kind = '"'
	kNumber kind = '0'
	kTrue   kind = 't'
	kFalse  kind = 'f'
	kNull   kind = 'n'
	kDeep   kind = '^' // an object or array below MaxDepth
)

// none is the node that is not there.
const none int32 = -1

// node is one JSON value. Its children follow it; next is the first node
// after its subtree. start and end are its octets in the text, of a string
// without the quotes; key likewise of its member name.
type node struct {
	kind             kind
	flags            mark
	keyLen           uint16 // 0xFFFF for any longer name: none that we know
	keyStart         int32
	start, end, next int32
}

type mark uint8

const (
	escaped    mark = 1 << iota // the string has escapes
	keyEscaped                  // the member name has
	keyed                       // it is an object's member
	duplicated                  // a later member of the same name replaces it
)

// tree is an index over a JSON text that jsontext has found valid. Nothing is
// copied until a text is asked for, and nothing fails on a wrong type: it
// becomes a finding.
type tree struct {
	raw      []byte
	nodes    []node
	findings []registration.Finding
}

var errTooMany = errors.New("too many JSON values")

// parse checks the text and indexes it. The findings say what is wrong with
// the text as JSON although a value could be read. Without an error nodes[0]
// is the value.
func (t *tree) parse(body []byte) error {
	body = trimSpace(body)
	if rest, ok := bytes.CutPrefix(body, []byte("\xEF\xBB\xBF")); ok {
		t.find(registration.Finding{ID: "rdap.bom", Severity: registration.RFC, Detail: "a byte order mark precedes the JSON (RFC 8259 section 8.1)"})
		body = trimSpace(rest)
	}
	if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		// Either it is no JSON, or more follows the first value.
		d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		v, err := d.ReadValue()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if k := v.Kind(); k != '{' && k != '[' {
			return errors.New("text after a JSON value that is no object")
		}
		t.find(registration.Finding{ID: "rdap.trailing", Severity: registration.RFC, Detail: "text follows the JSON object; it is ignored"})
		body = body[:d.InputOffset()]
	}
	if !utf8.Valid(body) {
		t.find(registration.Finding{ID: "rdap.utf8", Severity: registration.RFC, Detail: "the JSON is not valid UTF-8 (RFC 8259 section 8.1); bad octets are shown as U+FFFD"})
	}
	t.raw = body
	return t.index()
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// index builds nodes. The text is valid JSON, so commas and colons carry no
// news.
func (t *tree) index() error {
	raw := t.raw
	nodes := t.nodes[:0] // a Reader's, from the answer before
	if want := len(raw)/20 + 16; cap(nodes) < want {
		nodes = make([]node, 0, want)
	}
	var stack [MaxDepth]int32
	sp := 0
	wantKey, inObject := false, false
	var cur node // carries the member name to its value
	deep, twice := none, false
	for i := 0; i < len(raw); {
		c := raw[i]
		if c <= ' ' || c == ',' || c == ':' {
			i++
			for i+8 <= len(raw) && binary.LittleEndian.Uint64(raw[i:]) == eightSpaces {
				i += 8 // printed for people, half of an answer is indentation
			}
			continue
		}
		switch c {
		case '"':
			end, esc := stringEnd(raw, i+1)
			if wantKey {
				cur.keyStart, cur.keyLen, cur.flags = int32(i+1), uint16(min(end-i-1, 0xFFFF)), keyed
				if esc {
					cur.flags |= keyEscaped
				}
				wantKey = false
				i = end + 1
				continue
			}
			if esc {
				cur.flags |= escaped
			}
			cur.kind, cur.start, cur.end = kString, int32(i+1), int32(end)
			i = end + 1
		case '{', '[':
			cur.kind, cur.start = kind(c), int32(i)
			if sp < MaxDepth {
				stack[sp] = int32(len(nodes))
				sp++
				cur.next = int32(len(nodes)) + 1
				nodes = append(nodes, cur)
				cur = node{}
				inObject = c == '{'
				wantKey = inObject
				i++
				continue
			}
			cur.kind = kDeep
			i = skipValue(raw, i)
			cur.end = int32(i)
			deep = int32(len(nodes))
		case '}', ']':
			sp--
			n := &nodes[stack[sp]]
			n.next = int32(len(nodes))
			i++
			n.end = int32(i)
			if c == '}' {
				twice = duplicates(raw, nodes, stack[sp]) || twice
			}
			inObject = sp > 0 && nodes[stack[sp-1]].kind == kObject
			wantKey = inObject
			continue
		default:
			end := i + 1
			for end < len(raw) && !delimiter(raw[end]) {
				end++
			}
			k := kind(c)
			if k != kTrue && k != kFalse && k != kNull {
				k = kNumber
			}
			cur.kind, cur.start, cur.end = k, int32(i), int32(end)
			i = end
		}
		if len(nodes) >= maxNodes {
			return errTooMany
		}
		cur.next = int32(len(nodes)) + 1
		nodes = append(nodes, cur)
		cur = node{}
		wantKey = inObject
	}
	t.nodes = nodes
	for i := range nodes {
		if !twice {
			break
		}
		if nodes[i].flags&duplicated != 0 {
			t.add("rdap.duplicate-key", registration.RFC, 0, int32(i), "the member is given twice (RFC 8259 section 4); the last is read")
		}
	}
	if deep != none {
		t.add("rdap.depth", registration.RFC, 0, deep, "nested deeper than "+strconv.Itoa(MaxDepth)+"; what is deeper is not read")
	}
	return nil
}

const eightSpaces = 0x2020202020202020

func delimiter(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '}':
		return true
	}
	return false
}

// stringEnd gives the place of the closing quote of a string that starts at i.
// Most strings are short, for which a loop is quicker than a search.
func stringEnd(raw []byte, i int) (end int, esc bool) {
	for {
		for j, c := range raw[i:min(i+24, len(raw))] {
			if c == '"' {
				return i + j, esc
			}
			if c == '\\' {
				esc = true
				i += j + 2
				goto next
			}
		}
		i += 24
		for {
			q := bytes.IndexByte(raw[i:], '"')
			b := bytes.IndexByte(raw[i:i+q], '\\')
			if b < 0 {
				return i + q, esc
			}
			esc = true
			i += b + 2
		}
	next:
	}
}

// skipValue gives the place after the object or array that starts at i.
func skipValue(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			i, _ = stringEnd(raw, i+1)
		}
		i++
	}
}

// duplicates marks members of object n that a later one of the same name
// replaces, and says whether there are any.
func duplicates(raw []byte, nodes []node, n int32) (found bool) {
	var few [48]int32
	members := few[:0]
	for c := n + 1; c < nodes[n].next; c = nodes[c].next {
		members = append(members, c)
	}
	key := func(i int32) []byte {
		k := &nodes[i]
		return raw[k.keyStart : k.keyStart+int32(k.keyLen)]
	}
	if len(members) <= len(few) {
		for j := 1; j < len(members); j++ {
			b := &nodes[members[j]]
			if b.keyLen == 0 {
				continue
			}
			last := raw[b.keyStart+int32(b.keyLen)-1]
			for _, i := range members[:j] {
				a := &nodes[i]
				if a.keyLen == b.keyLen && raw[a.keyStart+int32(a.keyLen)-1] == last && a.flags&duplicated == 0 && bytes.Equal(key(i), key(members[j])) {
					a.flags |= duplicated
					found = true
				}
			}
		}
		return found
	}
	last := make(map[string]int32, len(members))
	for _, i := range members {
		k := string(key(i))
		if j, ok := last[k]; ok {
			nodes[j].flags |= duplicated
			found = true
		}
		last[k] = i
	}
	return found
}

func (t *tree) key(i int32) []byte {
	n := &t.nodes[i]
	return t.raw[n.keyStart : n.keyStart+int32(n.keyLen)]
}

// kindOf is the kind of a node, 0 for none.
func (t *tree) kindOf(i int32) kind {
	if i == none {
		return 0
	}
	return t.nodes[i].kind
}

// member gives an object's member, or none. The last of duplicates counts.
func (t *tree) member(obj int32, name string) int32 {
	if t.kindOf(obj) != kObject {
		return none
	}
	for c := obj + 1; c < t.nodes[obj].next; c = t.nodes[c].next {
		n := &t.nodes[c]
		if int(n.keyLen) == len(name) && n.flags&duplicated == 0 && string(t.raw[n.keyStart:n.keyStart+int32(n.keyLen)]) == name {
			return c
		}
		if n.flags&(keyEscaped|duplicated) == keyEscaped && unquote(t.key(c)) == name {
			return c
		}
	}
	return none
}

// get is member, where null counts as not there, with a finding.
func (t *tree) get(obj int32, name string) int32 {
	c := t.member(obj, name)
	if c != none && t.nodes[c].kind == kNull {
		t.add("rdap.null", registration.Advice, 0, c, "null where the member should be left out")
		return none
	}
	return c
}

// span is a run of sibling nodes.
type span struct{ from, to int32 }

// items gives the elements of an array. Anything else that is there is taken
// as the one element, with a finding; an object with numbers for names, which
// some languages make of a list, as its members.
func (t *tree) items(i int32) span {
	switch t.kindOf(i) {
	case 0, kNull, kDeep:
		return span{}
	case kArray:
		return span{i + 1, t.nodes[i].next}
	case kObject:
		t.add("rdap.type", registration.RFC, 0, i, "an object where an array is expected")
		if c := i + 1; c == t.nodes[i].next || digits(t.key(c)) {
			return span{i + 1, t.nodes[i].next}
		}
	default:
		t.add("rdap.type", registration.RFC, 0, i, "a single value where an array is expected")
	}
	return span{i, t.nodes[i].next}
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// at gives the nth element of an array, or none.
func (t *tree) at(arr int32, n int) int32 {
	if t.kindOf(arr) != kArray {
		return none
	}
	for c := arr + 1; c < t.nodes[arr].next; c = t.nodes[c].next {
		if n == 0 {
			return c
		}
		n--
	}
	return none
}

// bytes gives a string's text when no escape is in it; else its unquoted text.
func (t *tree) bytes(i int32) []byte {
	n := &t.nodes[i]
	b := t.raw[n.start:n.end]
	if n.kind == kString && n.flags&escaped != 0 {
		return []byte(unquote(b))
	}
	return b
}

// unquote undoes JSON escapes of the inside of a string.
func unquote(b []byte) string {
	q := make([]byte, 0, len(b)+2)
	q = append(append(append(q, '"'), b...), '"')
	out, _ := jsontext.AppendUnquote(nil, q) // the error is about UTF-8, which is replaced
	return string(out)
}

// rawText gives the text of a string, number or boolean without cleaning it,
// and "" for anything else; where a list stands for the text, its first text.
func (t *tree) rawText(i int32) string {
	switch t.kindOf(i) {
	case kString:
		return string(t.bytes(i))
	case kNumber, kTrue, kFalse:
		return string(t.bytes(i))
	case kArray:
		for c := i + 1; c < t.nodes[i].next; c = t.nodes[c].next {
			if s := t.rawText(c); s != "" {
				return s
			}
		}
	}
	return ""
}

// text gives a cleaned text. Anything but a string is a finding.
func (t *tree) text(i int32) string {
	switch t.kindOf(i) {
	case 0, kNull:
		return ""
	case kString:
	default:
		t.add("rdap.type", registration.RFC, 0, i, kindName(t.nodes[i].kind)+" where a string is expected")
	}
	return registration.CleanText(t.rawText(i))
}

// textOf is the cleaned text of a member.
func (t *tree) textOf(obj int32, name string) string { return t.text(t.get(obj, name)) }

func kindName(k kind) string {
	switch k {
	case kObject:
		return "an object"
	case kArray:
		return "an array"
	case kNumber:
		return "a number"
	case kTrue, kFalse:
		return "a boolean"
	case kNull:
		return "null"
	case kDeep:
		return "a deep structure"
	}
	return "a string"
}

// word gives a word of the protocol as squash does, without an allocation for
// the words that RDAP has. The result is good until buf is used again.
func (t *tree) word(i int32, buf *[32]byte) []byte {
	if t.kindOf(i) != kString || t.nodes[i].flags&escaped != 0 {
		return []byte(squash(t.text(i)))
	}
	b := t.bytes(i)
	out := buf[:0]
	for _, c := range b {
		switch {
		case c == ' ', c == '_', c == '-':
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		if len(out) == len(buf) {
			return b
		}
		out = append(out, c)
	}
	return out
}

// boolean reads true and false, also when written as a string or 1 and 0.
func (t *tree) boolean(i int32) (v, ok bool) {
	switch t.kindOf(i) {
	case 0, kNull:
		return false, false
	case kTrue:
		return true, true
	case kFalse:
		return false, true
	}
	t.add("rdap.type", registration.RFC, 0, i, kindName(t.nodes[i].kind)+" where a boolean is expected")
	switch strings.ToLower(strings.TrimSpace(t.rawText(i))) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}

// maxPerID is how many findings of one kind a record keeps: the tenth wrong
// type says nothing new, and working out each path costs time.
const maxPerID = 16

// full says whether no more findings of the kind are wanted.
func (t *tree) full(id string) bool {
	n := 0
	for i := range t.findings {
		if t.findings[i].ID == id {
			n++
		}
	}
	return n >= maxPerID || len(t.findings) >= registration.MaxFindings
}

// find adds a finding unless the same is there or the record has its fill.
func (t *tree) find(f registration.Finding) {
	if t.full(f.ID) {
		return
	}
	for i := range t.findings {
		if t.findings[i].ID == f.ID && t.findings[i].Path == f.Path && t.findings[i].ICANNCode == f.ICANNCode {
			return
		}
	}
	if t.findings == nil {
		t.findings = make([]registration.Finding, 0, 8)
	}
	t.findings = append(t.findings, f)
}

// add adds a finding about a node.
func (t *tree) add(id string, severity registration.Severity, code int, i int32, detail string) {
	if t.full(id) {
		return
	}
	t.find(registration.Finding{ID: id, Severity: severity, ICANNCode: code, Path: t.path(i), Detail: detail})
}

const maxPath = 256

// path is the JSONPath of a node, for findings. Walking down from the root is
// cheap enough for the few that are made.
func (t *tree) path(target int32) string {
	if target == none || len(t.nodes) == 0 {
		return "$"
	}
	p := []byte("$")
	for cur := int32(0); cur != target; {
		i := 0
		c := cur + 1
		for ; t.nodes[c].next <= target; c = t.nodes[c].next {
			i++
		}
		n := &t.nodes[c]
		switch {
		case n.flags&keyed == 0:
			p = append(append(append(p, '['), strconv.Itoa(i)...), ']')
		case simpleName(t.key(c)):
			p = append(append(p, '.'), t.key(c)...)
		default:
			q, _ := json.Marshal(registration.CleanText(unquote(t.key(c))))
			p = append(append(append(p, '['), q...), ']')
		}
		if len(p) > maxPath {
			return strings.ToValidUTF8(string(p[:maxPath]), "") + "…"
		}
		cur = c
	}
	return string(p)
}

func simpleName(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(b) > 0
}
