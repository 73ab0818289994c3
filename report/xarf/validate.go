// Package xarf reads and writes XARF, the extended abuse reporting format:
// version 4 (xarf-spec, 7 categories and 32 types) and, for reading, version 3
// and its dialects.
//
// A version 4 report is judged by the published JSON Schemas. They are merged
// into tables beforehand (see schema/gen), one per (category, type), so that a
// report is checked in one walk over its parsed form.
package xarf

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
)

//go:generate go run ./schema/gen

// kinds is a set of JSON types.
type kinds uint8

const (
	isString kinds = 1 << iota
	isInteger
	isFraction // a number that is no integer
	isObject
	isArray
	isBoolean

	isNumber = isInteger | isFraction
)

// bound is a limit that may be absent.
type bound struct {
	n   int64
	set bool
}

// node is one merged schema; the zero value of each field asks nothing.
type node struct {
	types     kinds
	enum      []string // the value is one of these strings
	patterns  []uint8  // numbers in patterns
	format    format   // annotation: a finding at most
	maxLength bound    // characters
	min, max  bound
	minItems  bound
	maxItems  bound
	unique    bool // no string twice
	items     uint16
	props     []prop // sorted by length, then name
	required  uint64 // bit i is props[i]
	closed    bool   // no other members
	choice    []uint64
	when      []when
}

type prop struct {
	name string
	node uint16
}

// when is: where props[prop] is absent or equals value, need is required.
type when struct {
	prop  uint8
	value string
	need  uint64
}

type pair struct {
	category, typ string
	node          uint16
}

// maxProblems is how many errors, and how many findings, one report is told.
const maxProblems = 50

// Validate gives the verdict of the XARF v4 schemas on raw: nil, or an error
// that names each field that breaks them. Formats (uuid, date-time, e-mail) are
// annotations in JSON Schema 2020-12 and do not count; V4 reports them as
// findings.
func Validate(raw []byte) error {
	d, err := jsontree.Parse(raw)
	if err != nil {
		return err
	}
	v := validator{}
	v.report(d.Root())
	return v.errs.OrNil()
}

// Pair says whether XARF v4 knows the type in the category.
func Pair(category, typ string) bool {
	_, ok := findPair(category, typ)
	return ok
}

func findPair(category, typ string) (uint16, bool) {
	for i := range pairs {
		if pairs[i].category == category && pairs[i].typ == typ {
			return pairs[i].node, true
		}
	}
	return 0, false
}

type validator struct {
	errs     *problem.Error
	findings []report.Finding
	// noFormats leaves the formats alone: only the verdict is wanted.
	wantFormats bool
}

// at is where a value is, innermost last; it is written out only when
// something is wrong there.
type at struct {
	up   *at
	name []byte // nil for an item
	i    int
}

func (p *at) String() string {
	if p == nil {
		return ""
	}
	up := p.up.String()
	if p.name == nil {
		return up + "[" + strconv.Itoa(p.i) + "]"
	}
	name := report.Clean(string(p.name), 64)
	if up == "" {
		return name
	}
	return up + "." + name
}

func (v *validator) wrong(p *at, format string, args ...any) {
	if v.errs == nil || len(v.errs.Fields) < maxProblems {
		v.errs = v.errs.Add(p.String(), format, args...)
	}
}

// report judges a whole report and returns its category and type.
func (v *validator) report(root jsontree.Value) (category, typ string) {
	if root.Kind() != jsontree.Object {
		v.errs = problem.New(problem.Invalid, "a XARF report is an object, this is %v", root.Kind())
		return "", ""
	}
	c, t := root.Member("category"), root.Member("type")
	category, typ = c.Text(), t.Text()
	id, ok := findPair(category, typ)
	if !ok {
		id = coreNode
	}
	v.value(nil, root, &nodes[id])
	if !ok && c.Kind() == jsontree.String && t.Kind() == jsontree.String {
		v.wrong(&at{name: []byte("type")}, "%q is not a XARF v4 type of category %q", report.Clean(typ, 64), report.Clean(category, 64))
	}
	return category, typ
}

func (v *validator) value(p *at, val jsontree.Value, n *node) {
	switch val.Kind() {
	case jsontree.String:
		if n.types&isString == 0 && n.types != 0 {
			v.wrong(p, "must be %s, this is a string", n.types)
			return
		}
		v.text(p, val, n)
		return
	case jsontree.Number:
		if n.types&isNumber == 0 && n.types != 0 {
			v.wrong(p, "must be %s, this is a number", n.types)
		} else if n.types != 0 || n.min.set || n.max.set {
			v.number(p, val, n)
		}
	case jsontree.Object:
		if n.types&isObject == 0 && n.types != 0 {
			v.wrong(p, "must be %s, this is an object", n.types)
		} else {
			v.object(p, val, n)
		}
	case jsontree.Array:
		if n.types&isArray == 0 && n.types != 0 {
			v.wrong(p, "must be %s, this is an array", n.types)
		} else {
			v.array(p, val, n)
		}
	default:
		if n.types != 0 && (n.types&isBoolean == 0 || val.Kind() == jsontree.Null) {
			v.wrong(p, "must be %s, this is %v", n.types, val.Kind())
			return
		}
	}
	if n.enum != nil {
		v.wrong(p, "must be %s", oneOf(n.enum))
	}
}

func (v *validator) text(p *at, val jsontree.Value, n *node) {
	if n.enum == nil && n.patterns == nil && !n.maxLength.set && (n.format == 0 || !v.wantFormats) {
		return
	}
	b := val.Bytes()
	if n.enum != nil && !slices.ContainsFunc(n.enum, func(e string) bool { return e == string(b) }) {
		v.wrong(p, "must be %s", oneOf(n.enum))
	}
	for _, id := range n.patterns {
		if !patterns[id].match(b) {
			v.wrong(p, "must match %s", patterns[id].re)
		}
	}
	if n.maxLength.set && int64(len(b)) > n.maxLength.n {
		if r := val.Runes(); int64(r) > n.maxLength.n {
			v.wrong(p, "is %d characters long, %d are allowed", r, n.maxLength.n)
		}
	}
	if v.wantFormats && n.format != 0 && len(v.findings) < maxProblems {
		if why := n.format.check(b); why != "" {
			v.findings = append(v.findings, report.Finding{Path: p.String(), Reason: why})
		}
	}
}

func (v *validator) number(p *at, val jsontree.Value, n *node) {
	d := parseDecimal(val.Raw())
	if n.types != 0 && n.types&isFraction == 0 && !d.integer() {
		v.wrong(p, "must be %s, this is a fraction", n.types)
		return
	}
	if n.min.set && d.cmp(n.min.n) < 0 {
		v.wrong(p, "must be at least %d", n.min.n)
	}
	if n.max.set && d.cmp(n.max.n) > 0 {
		v.wrong(p, "must be at most %d", n.max.n)
	}
}

func (v *validator) array(p *at, val jsontree.Value, n *node) {
	count := int64(val.Len())
	if n.maxItems.set && count > n.maxItems.n {
		v.wrong(p, "holds %d items, %d are allowed", count, n.maxItems.n)
		return
	}
	if n.minItems.set && count < n.minItems.n {
		v.wrong(p, "holds %d items, at least %d are required", count, n.minItems.n)
	}
	var seen map[string]bool
	if n.unique {
		seen = make(map[string]bool, count)
	}
	if n.items == 0 && !n.unique {
		return
	}
	here := at{up: p}
	it := val.First()
	for i := range val.Len() {
		here.i = i
		v.value(&here, it, &nodes[n.items])
		if n.unique && it.Kind() == jsontree.String {
			if s := it.Text(); seen[s] {
				v.wrong(&here, "is given twice")
			} else {
				seen[s] = true
			}
		}
		it = it.Next()
	}
}

func (v *validator) object(p *at, val jsontree.Value, n *node) {
	if len(n.props) == 0 && !n.closed {
		return
	}
	var have, conditional uint64
	here := at{up: p}
	k := val.First()
	for range val.Len() {
		name, member := k.Bytes(), k.Next()
		if i, ok := n.find(name); ok {
			have |= 1 << i
			here.name = name
			v.value(&here, member, &nodes[n.props[i].node])
			for w := range n.when {
				if int(n.when[w].prop) == i && !member.Is(n.when[w].value) {
					conditional |= 1 << w
				}
			}
		} else if n.closed {
			here.name = name
			v.wrong(&here, "is not a field that may stand here")
		}
		k = member.Next()
	}
	need := n.required
	for w := range n.when {
		if conditional&(1<<w) == 0 {
			need |= n.when[w].need
		}
	}
	for missing := need &^ have; missing != 0; missing &= missing - 1 {
		here.name = []byte(n.props[bits.TrailingZeros64(missing)].name)
		v.wrong(&here, "is required")
	}
	if n.choice != nil && !slices.ContainsFunc(n.choice, func(m uint64) bool { return m&^have == 0 }) {
		var lists []string
		for _, m := range n.choice {
			var names []string
			for ; m != 0; m &= m - 1 {
				names = append(names, n.props[bits.TrailingZeros64(m)].name)
			}
			lists = append(lists, strings.Join(names, " and "))
		}
		v.wrong(p, "must have %s", strings.Join(lists, ", or "))
	}
}

// find is the binary search for a property.
func (n *node) find(name []byte) (int, bool) {
	lo, hi := 0, len(n.props)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if m := n.props[mid].name; len(m) < len(name) || len(m) == len(name) && m < string(name) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(n.props) && n.props[lo].name == string(name)
}

func oneOf(list []string) string {
	if len(list) == 1 {
		return strconv.Quote(list[0])
	}
	return "one of " + strings.Join(list, ", ")
}

// String names the types for a message.
func (k kinds) String() string {
	if k == isNumber {
		return "a number"
	}
	names := []string{"a string", "an integer", "a fraction", "an object", "an array", "a boolean"}
	var out []string
	for i, n := range names {
		if k&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return strings.Join(out, " or ")
}
