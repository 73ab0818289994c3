package frame

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The names of things that are read, without their version, which is "-1.0".
const (
	nsRDE       = "urn:ietf:params:xml:ns:rde-1.0"
	nsHeader    = "urn:ietf:params:xml:ns:rdeHeader-1.0"
	nsRDEDomain = "urn:ietf:params:xml:ns:rdeDomain-1.0"
	nsRDEPerson = "urn:ietf:params:xml:ns:rdeContact-1.0"
	nsRDEReg    = "urn:ietf:params:xml:ns:rdeRegistrar-1.0"
	nsCSVDomain = "urn:ietf:params:xml:ns:csvDomain-1.0"
	nsCSVPerson = "urn:ietf:params:xml:ns:csvContact-1.0"
	nsCSVReg    = "urn:ietf:params:xml:ns:csvRegistrar-1.0"
	nsCSVHost   = "urn:ietf:params:xml:ns:csvHost-1.0"
	nsDomain    = "urn:ietf:params:xml:ns:domain-1.0"
	nsPerson    = "urn:ietf:params:xml:ns:contact-1.0"
)

// tag is a start or end tag outside of objects.
type tag struct {
	name  string // as written, with its prefix
	attrs []attr
	end   bool
	empty bool // <a/>
	line  int
}

type attr struct{ name, value string }

func (t tag) attr(name string) string {
	for _, a := range t.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// scanner cuts a stream of XML into tags and whole objects. It reads what
// deposits and EPP answers are made of: elements, attributes, text, CDATA,
// comments and processing instructions; no DTD and no entities of its own.
type scanner struct {
	br   *bufio.Reader
	line int
	mark []byte // the piece of markup that is read
	long bool   // it was longer than MaxRow, and is cut
	buf  []byte // the object that is read
}

// errSyntax says that something is no XML. Where an object has it, the object
// is lost; final says that nothing behind it can be trusted.
type errSyntax struct {
	why   string
	final bool
}

func (e errSyntax) Error() string { return e.why }

var (
	errOpenTag = errSyntax{why: "a tag does not close before the next begins"}
	errDTD     = errSyntax{"a document type or another declaration: only elements are read", true}
	errLongTag = errSyntax{why: "a tag is too long"}
)

func (s *scanner) byte() (byte, error) {
	c, err := s.br.ReadByte()
	if c == '\n' && err == nil {
		s.line++
	}
	return c, err
}

func (s *scanner) keep(c byte) {
	if len(s.mark) < MaxRow {
		s.mark = append(s.mark, c)
	} else {
		s.long = true
	}
}

// until reads to the end of a piece of markup.
func (s *scanner) until(end string) error {
	var last [3]byte
	for {
		c, err := s.byte()
		if err != nil {
			return err
		}
		s.keep(c)
		last[0], last[1], last[2] = last[1], last[2], c
		if string(last[3-len(end):]) == end {
			return nil
		}
	}
}

// markup reads one piece of markup, whose "<" was read, into mark. The kind is
// '<' for a tag, '!' for a comment or CDATA, '?' for an instruction.
func (s *scanner) markup() (kind byte, err error) {
	s.mark, s.long = append(s.mark[:0], '<'), false
	c, err := s.byte()
	if err != nil {
		return 0, err
	}
	switch s.keep(c); c {
	case '?':
		return '?', s.until("?>")
	case '!':
		for range len("[CDATA[") {
			c, err := s.byte()
			if err != nil {
				return 0, err
			}
			s.keep(c)
			if string(s.mark) == "<!--" {
				return '!', s.until("-->")
			}
		}
		if string(s.mark) == "<![CDATA[" {
			return '!', s.until("]]>")
		}
		return 0, errDTD
	case '<':
		return 0, errors.Join(errOpenTag, s.br.UnreadByte())
	}
	if c == '>' {
		return '<', nil
	}
	quote := byte(0)
	for {
		c, err := s.byte()
		if err != nil {
			return 0, err
		}
		switch {
		case c == '<': // allowed nowhere in a tag, so that one that is open loses no other
			return 0, errors.Join(errOpenTag, s.br.UnreadByte())
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			s.keep(c)
			if s.long {
				return 0, errLongTag
			}
			return '<', nil
		}
		s.keep(c)
	}
}

// next reads to the next tag outside of an object. Text there says nothing.
func (s *scanner) next() (t tag, err error) {
	for {
		c, err := s.byte()
		if err != nil {
			return tag{}, err
		}
		if c != '<' {
			continue
		}
		line := s.line
		kind, err := s.markup()
		if err == nil && kind == '?' {
			err = encodingOf(s.mark)
		}
		if err != nil {
			return tag{line: line}, err
		}
		if kind != '<' {
			continue
		}
		t, why := readTag(s.mark)
		if t.line = line; why != "" {
			return t, errSyntax{why: why}
		}
		return t, nil
	}
}

// encodingOf refuses what is not UTF-8.
func encodingOf(pi []byte) error {
	pi, ok := bytes.CutPrefix(pi, []byte("<?xml "))
	if !ok || len(pi) > 1024 {
		return nil
	}
	t, _ := readTag([]byte("<xml " + string(bytes.TrimSuffix(pi, []byte("?>"))) + ">"))
	switch e := strings.ToLower(t.attr("encoding")); e {
	case "", "utf-8", "us-ascii":
		return nil
	}
	return errSyntax{"the encoding is not UTF-8: convert the file first", true}
}

// object reads the rest of an object, to its end tag, into buf: all of it with
// its start tag, which was the last tag read. Another start tag of its name says
// that its end is missing: again is then that tag, and the last one read. The
// error is errSyntax where the object is lost and reading can go on.
func (s *scanner) object(start tag) (again *tag, err error) {
	s.buf = append(s.buf[:0], s.mark...)
	var lost error
	keep := func(b ...byte) {
		if len(s.buf)+len(b) <= MaxRow {
			s.buf = append(s.buf, b...)
		} else if lost == nil {
			lost = errSyntax{why: "is over " + strconv.Itoa(MaxRow) + " octets"}
		}
	}
	for {
		// Text by the piece: most of an object is that.
		text, err := s.br.ReadSlice('<')
		s.line += bytes.Count(text, []byte{'\n'})
		if err == bufio.ErrBufferFull {
			keep(text...)
			continue
		}
		if err != nil {
			return nil, err
		}
		keep(text[:len(text)-1]...)
		line := s.line
		kind, err := s.markup()
		var bad errSyntax
		switch {
		case errors.As(err, &bad):
			lost = cmp.Or(lost, error(bad))
			if bad.final {
				return nil, bad
			}
			continue
		case err != nil:
			return nil, err
		case kind == '<' && s.mark[1] == '/' && isName(s.mark[2:], start.name):
			keep(s.mark...)
			return nil, lost
		case kind == '<' && isName(s.mark[1:], start.name):
			t, why := readTag(s.mark)
			if t.line = line; why == "" {
				return &t, errSyntax{why: "does not end before the next begins"}
			}
			lost = cmp.Or(lost, error(errSyntax{why: why}))
		}
		keep(s.mark...)
		if s.long { // CDATA
			lost = cmp.Or(lost, error(errLongTag))
		}
	}
}

// isName says whether b begins with a name and something that ends one.
func isName(b []byte, name string) bool {
	return len(b) > len(name) && string(b[:len(name)]) == name && strings.IndexByte(" \t\r\n/>", b[len(name)]) >= 0
}

// readTag takes a tag apart.
func readTag(b []byte) (t tag, why string) {
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("<")), []byte(">"))
	if len(b) > 0 && b[0] == '/' {
		t.end, b = true, b[1:]
	}
	if len(b) > 0 && b[len(b)-1] == '/' {
		t.empty, b = true, b[:len(b)-1]
	}
	i := bytes.IndexAny(b, " \t\r\n")
	if i < 0 {
		i = len(b)
	}
	t.name, b = elementName(b[:i]), b[i:]
	if t.name == "" {
		return t, "a tag has no name"
	}
	for {
		if b = bytes.TrimLeft(b, " \t\r\n"); len(b) == 0 {
			return t, ""
		}
		eq := bytes.IndexByte(b, '=')
		if eq <= 0 {
			return t, "an attribute has no value"
		}
		name := string(bytes.TrimRight(b[:eq], " \t\r\n"))
		b = bytes.TrimLeft(b[eq+1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return t, "the value of an attribute has no quotes"
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return t, "the quotes of an attribute do not close"
		}
		v, _, bad := unescape(nil, b[1:1+end])
		if bad != "" {
			return t, bad
		}
		if len(t.attrs) == 256 {
			return t, "a tag has too many attributes"
		}
		t.attrs = append(t.attrs, attr{name, string(v)})
		b = b[end+2:]
	}
}

// known are the names that deposits and answers are full of.
var known = func() map[string]string {
	out := map[string]string{}
	for prefix, names := range map[string]string{
		"rdeDomain":  "domain name roid uName idnTableId status registrant contact ns clID crRr crDate exDate upRr upDate secDNS",
		"rdeContact": "contact id roid status postalInfo voice fax email clID crRr crDate upRr upDate disclose",
		"domain":     "hostObj hostAttr hostName hostAddr infData name roid status registrant contact ns host clID crID crDate upID upDate exDate trDate authInfo pw",
		"contact":    "name org addr street city sp pc cc infData id roid status postalInfo voice fax email clID crID crDate upID upDate trDate authInfo pw disclose",
		"":           "epp response result msg resData trID clTRID svTRID",
	} {
		for n := range strings.FieldsSeq(names) {
			if prefix != "" {
				n = prefix + ":" + n
			}
			out[n] = n
		}
	}
	return out
}()

// elementName is the text of a name, one text for the usual ones.
func elementName(b []byte) string {
	if s, ok := known[string(b)]; ok {
		return s
	}
	return string(b)
}

// unescape appends text with its references read. A reference to what is no
// character (half of a surrogate pair) becomes U+FFFD, and broken is true.
func unescape(to, b []byte) (out []byte, broken bool, why string) {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return append(to, b...), broken, ""
		}
		to = append(to, b[:i]...)
		b = b[i+1:]
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		if end < 0 {
			return to, broken, "an ampersand that begins no reference"
		}
		ref := string(b[:end])
		b = b[end+1:]
		switch ref {
		case "lt":
			to = append(to, '<')
		case "gt":
			to = append(to, '>')
		case "amp":
			to = append(to, '&')
		case "quot":
			to = append(to, '"')
		case "apos":
			to = append(to, '\'')
		default:
			n, ok := number(ref)
			if !ok {
				return to, broken, "a reference that XML does not have by itself"
			}
			r := rune(n)
			if n > utf8.MaxRune || !utf8.ValidRune(r) || n == 0 {
				r, broken = utf8.RuneError, true
			}
			to = utf8.AppendRune(to, r)
		}
	}
}

// number reads "#65" or "#x41".
func number(ref string) (n uint32, ok bool) {
	ref, ok = strings.CutPrefix(ref, "#")
	base := uint32(10)
	if rest, hex := strings.CutPrefix(ref, "x"); hex {
		base, ref = 16, rest
	}
	if !ok || ref == "" {
		return 0, false
	}
	for i := 0; i < len(ref); i++ {
		d := uint32(99)
		switch c := ref[i]; {
		case c >= '0' && c <= '9':
			d = uint32(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			d = uint32(c|0x20-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		if n = n*base + d; n > 0x10ffff {
			n = 0x110000
		}
	}
	return n, true
}

// node is an element of an object.
type node struct {
	name   string // as written
	local  string
	parent int // of the nodes; -1 of the object itself
	attrs  []attr
	text   string // its own, without its children's
	broken bool   // the text had a reference to no character
	line   int
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.name == name || strings.HasSuffix(a.name, ":"+name) {
			return a.value
		}
	}
	return ""
}

// parse appends a whole object's nodes to those given, which are none, in the
// order of the file. The error's field is the element that was open.
func parse(nodes []node, raw []byte, line int) (_ []node, at int, field, why string) {
	open := -1
	depth := 0
	var text []byte
	here := func() string {
		if open < 0 {
			return ""
		}
		return nodes[open].name
	}
	flush := func() {
		if open >= 0 && len(text) > 0 && len(bytes.TrimSpace(text)) > 0 {
			nodes[open].text += string(text)
		}
		text = text[:0]
	}
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '<')
		if i < 0 {
			i = len(raw)
		}
		if i > 0 {
			var bad string
			var broken bool
			text, broken, bad = unescape(text, raw[:i])
			if bad != "" {
				return nodes, line, here(), bad
			}
			if broken && open >= 0 {
				nodes[open].broken = true
			}
			line += bytes.Count(raw[:i], []byte("\n"))
			raw = raw[i:]
			continue
		}
		end, mark := 0, ">"
		switch {
		case bytes.HasPrefix(raw, []byte("<!--")):
			mark = "-->"
		case bytes.HasPrefix(raw, []byte("<![CDATA[")):
			mark = "]]>"
		case bytes.HasPrefix(raw, []byte("<?")):
			mark = "?>"
		case bytes.HasPrefix(raw, []byte("<!")):
			return nodes, line, here(), "a declaration inside an object"
		}
		if mark == ">" {
			end = tagEnd(raw)
		} else if end = bytes.Index(raw[2:], []byte(mark)); end >= 0 {
			end += 2 + len(mark)
		}
		if end <= 0 {
			return nodes, line, here(), "markup that does not close"
		}
		b := raw[:end]
		raw = raw[end:]
		start := line
		line += bytes.Count(b, []byte("\n"))
		if mark == "]]>" {
			text = append(text, b[len("<![CDATA["):len(b)-3]...)
			continue
		}
		if mark != ">" {
			continue
		}
		t, bad := readTag(b)
		if bad != "" {
			return nodes, start, here(), bad
		}
		flush()
		if t.end {
			if open < 0 || nodes[open].name != t.name {
				return nodes, start, here(), "the end tag is not the one that is due"
			}
			open = nodes[open].parent
			depth--
			continue
		}
		if len(nodes) == maxNodes || depth == maxDepth {
			return nodes, start, here(), "has too many elements, or too deep ones"
		}
		local := t.name[strings.IndexByte(t.name, ':')+1:]
		nodes = append(nodes, node{name: t.name, local: local, parent: open, attrs: t.attrs, line: start})
		if !t.empty {
			open = len(nodes) - 1
			depth++
		}
	}
	if open >= 0 || len(nodes) == 0 {
		return nodes, line, here(), "does not end"
	}
	return nodes, 0, "", ""
}

// tagEnd is where the tag at the start of b ends, after its ">"; 0 when it does
// not.
func tagEnd(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return 0
}

// eof says whether err is the end of the stream.
func eof(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
