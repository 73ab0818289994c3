package rdap

import "strings"

// pathResult is what looking up a JSONPath gave.
type pathResult uint8

const (
	pathUnknown pathResult = iota // valid perhaps, but of a form that is not evaluated
	pathInvalid                   // no JSONPath (RFC 9535)
	pathEmpty                     // it selects nothing
	pathFound                     // it selects something
)

// The bounds on a path that is evaluated.
const (
	maxPathLen   = 512
	maxPathSteps = 32
	maxPathNodes = 4096 // looked at, over all steps
)

// lookup evaluates a JSONPath (RFC 9535) against the answer. It knows what
// redactions are written with: member names, indexes, slices, wildcards and
// filters that compare a member, an index or the length of nothing with a
// string, joined by && and ||. Anything else (descendants, functions) is
// pathUnknown: a rule is then not judged.
func (t *tree) lookup(path string) pathResult {
	if len(path) > maxPathLen {
		return pathUnknown
	}
	p := pathReader{s: path}
	if !p.take("$") {
		return pathInvalid
	}
	var few [8]int32
	now := append(few[:0], 0)
	seen := 0
	for range maxPathSteps {
		if p.s == "" {
			if len(now) == 0 {
				return pathEmpty
			}
			return pathFound
		}
		st, ok := p.step()
		if !ok {
			return p.fault
		}
		var next []int32
		for _, n := range now {
			next = t.selected(next, n, st)
			if seen += int(1 + len(next)); seen > maxPathNodes {
				return pathUnknown
			}
		}
		now = next
	}
	return pathUnknown
}

// step is one segment of a path.
type step struct {
	kind     stepKind
	name     string
	from, to int // of an index or a slice; to is exclusive, -1 for the end
	filter   []clause
}

type stepKind uint8

const (
	byName stepKind = iota
	byIndex
	bySlice
	all
	byFilter
)

// clause is one comparison of a filter; of clauses that are joined by "or" one
// must hold, and all those groups that are joined by "and".
type clause struct {
	steps []step // from the current node
	op    string // "==", "!=", or "" for existence
	value string
	or    bool // joined to the clause before by ||
}

type pathReader struct {
	s     string
	fault pathResult
}

func (p *pathReader) take(s string) bool {
	rest, ok := strings.CutPrefix(p.s, s)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *pathReader) space() { p.s = strings.TrimLeft(p.s, " \t\r\n") }

// fail notes why a segment cannot be read.
func (p *pathReader) fail(r pathResult) (step, bool) {
	p.fault = r
	return step{}, false
}

func (p *pathReader) step() (step, bool) {
	switch {
	case strings.HasPrefix(p.s, ".."):
		return p.fail(pathUnknown)
	case p.take(".*"):
		return step{kind: all}, true
	case p.take("."):
		n := p.name()
		if n == "" {
			return p.fail(pathInvalid)
		}
		return step{kind: byName, name: n}, true
	case p.take("["):
		return p.bracket()
	}
	return p.fail(pathInvalid)
}

// name reads a member name of the short form.
func (p *pathReader) name() string {
	i := 0
	for i < len(p.s) {
		c := p.s[i]
		if c != '_' && c < 0x80 && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			break
		}
		i++
	}
	n := p.s[:i]
	p.s = p.s[i:]
	return n
}

// quoted reads a string in either kind of quotes.
func (p *pathReader) quoted() (string, bool) {
	if p.s == "" || p.s[0] != '\'' && p.s[0] != '"' {
		return "", false
	}
	end := strings.IndexByte(p.s[1:], p.s[0])
	if end < 0 {
		return "", false
	}
	v := p.s[1 : 1+end]
	if strings.IndexByte(v, '\\') >= 0 {
		return "", false
	}
	p.s = p.s[end+2:]
	return v, true
}

func (p *pathReader) number() (n int, ok bool) {
	for len(p.s) > 0 && p.s[0] >= '0' && p.s[0] <= '9' && n < 1<<20 {
		n = n*10 + int(p.s[0]-'0')
		p.s, ok = p.s[1:], true
	}
	return n, ok
}

func (p *pathReader) bracket() (step, bool) {
	p.space()
	var st step
	switch {
	case p.s == "":
		return p.fail(pathInvalid)
	case p.take("*"):
		st.kind = all
	case p.s[0] == '\'' || p.s[0] == '"':
		n, ok := p.quoted()
		if !ok {
			return p.fail(p.closed())
		}
		st = step{kind: byName, name: n}
	case p.take("?"):
		f, ok := p.filter()
		if !ok {
			return step{}, false
		}
		st = step{kind: byFilter, filter: f}
	default:
		n, digits := p.number()
		st = step{kind: byIndex, from: n, to: -1}
		p.space()
		if p.take(":") {
			p.space()
			st.kind = bySlice
			if to, ok := p.number(); ok {
				st.to = to
			}
		} else if !digits {
			return p.fail(p.closed())
		}
	}
	p.space()
	if !p.take("]") {
		return p.fail(p.closed())
	}
	return st, true
}

// closed tells a selector of another form from one that has no end.
func (p *pathReader) closed() pathResult {
	if strings.IndexByte(p.s, ']') < 0 {
		return pathInvalid
	}
	return pathUnknown
}

const maxClauses = 8

func (p *pathReader) filter() ([]clause, bool) {
	fail := func(r pathResult) ([]clause, bool) { p.fault = r; return nil, false }
	p.space()
	inner := p.take("(")
	var out []clause
	or := false
	for len(out) < maxClauses {
		p.space()
		if !p.take("@") {
			return fail(p.closed())
		}
		c := clause{or: or}
		for p.s != "" && (p.s[0] == '.' || p.s[0] == '[') {
			if len(c.steps) == maxClauses {
				return fail(pathUnknown)
			}
			st, ok := p.step()
			if !ok {
				return nil, false
			}
			if st.kind == byFilter {
				return fail(pathUnknown)
			}
			c.steps = append(c.steps, st)
		}
		p.space()
		if strings.HasPrefix(p.s, "==") || strings.HasPrefix(p.s, "!=") {
			c.op, p.s = p.s[:2], p.s[2:]
			p.space()
			v, ok := p.quoted()
			if !ok {
				return fail(p.closed())
			}
			c.value = v
		}
		out = append(out, c)
		p.space()
		switch {
		case p.take("&&"):
			or = false
		case p.take("||"):
			or = true
		case inner:
			if !p.take(")") {
				return fail(p.closed())
			}
			return out, true
		default:
			return out, true
		}
	}
	return fail(pathUnknown)
}

// selected adds to out what a segment selects from a node.
func (t *tree) selected(out []int32, n int32, st step) []int32 {
	switch st.kind {
	case byName:
		if c := t.member(n, st.name); c != none {
			out = append(out, c)
		}
		return out
	case byIndex:
		if c := t.at(n, st.from); c != none {
			out = append(out, c)
		}
		return out
	}
	k := t.kindOf(n)
	if k != kArray && (k != kObject || st.kind == bySlice) {
		return out
	}
	i := 0
	for c := n + 1; c < t.nodes[n].next && len(out) < maxPathNodes; c = t.nodes[c].next {
		if st.kind == all || st.kind == bySlice && i >= st.from && (st.to < 0 || i < st.to) || st.kind == byFilter && t.holds(c, st.filter) {
			out = append(out, c)
		}
		i++
	}
	return out
}

// holds says whether a node passes a filter: && binds more than ||.
func (t *tree) holds(n int32, clauses []clause) bool {
	group := true
	for _, c := range clauses {
		if c.or {
			if group {
				return true
			}
			group = true
		}
		group = group && t.clauseHolds(n, c)
	}
	return group
}

func (t *tree) clauseHolds(n int32, c clause) bool {
	var few [4]int32
	now := append(few[:0], n)
	for _, st := range c.steps {
		var next []int32
		for _, x := range now {
			next = t.selected(next, x, st)
		}
		now = next
	}
	switch c.op {
	case "":
		return len(now) > 0
	case "!=":
		return len(now) != 1 || t.kindOf(now[0]) != kString || string(t.bytes(now[0])) != c.value
	}
	return len(now) == 1 && t.kindOf(now[0]) == kString && string(t.bytes(now[0])) == c.value
}
