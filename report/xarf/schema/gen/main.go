// Command gen turns the XARF v4 JSON Schemas into the tables that package xarf
// validates with. It merges, for each (category, type) pair, the master, core
// and type schemas into one tree, so that a report is checked in one walk, and
// fails on every keyword or shape it cannot carry over exactly.
//
// JSON Schema 2020-12 makes "format" an annotation: it never decides a verdict
// here and is carried along for the reader's findings.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	in := flag.String("in", "schema/v4", "folder with xarf-v4-master.json")
	out := flag.String("out", "tables.go", "file to write")
	flag.Parse()
	src, err := generate(os.DirFS(*in).(fs.ReadFileFS), "xarf-v4-master.json")
	if err == nil {
		err = os.WriteFile(filepath.Clean(*out), src, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

type object = map[string]any

// shape is a schema with all its references and conjunctions merged.
type shape struct {
	types      []string // nil: any
	enum       []string // nil: any
	patterns   []string
	formats    []string // alternatives; annotation only
	maxLength  *int64
	min, max   *int64
	minItems   *int64
	maxItems   *int64
	unique     bool
	items      *shape
	props      map[string]*shape
	required   map[string]bool
	closed     bool
	anyOf      [][][]string // each: one of these lists of members is present
	conditions []condition
}

// condition is: where prop is absent or equals value, need is required.
type condition struct {
	prop, value string
	need        []string
}

type compiler struct {
	src   fs.ReadFileFS
	files map[string]object
}

func (c *compiler) load(file string) (object, error) {
	if o, ok := c.files[file]; ok {
		return o, nil
	}
	raw, err := c.src.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var o object
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c.files[file] = o
	return o, nil
}

func (c *compiler) ref(file, ref string) (*shape, error) {
	target, pointer, _ := strings.Cut(ref, "#")
	if target != "" {
		file = path.Join(path.Dir(file), target)
	}
	o, err := c.load(file)
	if err != nil {
		return nil, err
	}
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		next, ok := o[step].(object)
		if !ok {
			return nil, fmt.Errorf("%s: %s leads nowhere", file, ref)
		}
		o = next
	}
	return c.compile(file, o)
}

// compile merges one schema. Keywords are taken in sorted order, so that the
// output is the same every time.
func (c *compiler) compile(file string, o object) (*shape, error) {
	s := &shape{}
	for _, k := range slices.Sorted(maps.Keys(o)) {
		part, err := c.keyword(file, k, o)
		if err == nil && part != nil {
			err = s.merge(part)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, k, err)
		}
	}
	return s, nil
}

var errShape = errors.New("a shape this generator does not carry over")

func (c *compiler) keyword(file, k string, o object) (*shape, error) {
	v := o[k]
	switch k {
	case "$schema", "$id", "$defs", "title", "description", "examples", "default", "x-recommended", "contentEncoding":
		return nil, nil
	case "$ref":
		return c.ref(file, v.(string))
	case "type":
		t, ok := v.(string)
		if !ok {
			return nil, errShape
		}
		return &shape{types: []string{t}}, nil
	case "const":
		t, ok := v.(string)
		if !ok {
			return nil, errShape
		}
		return &shape{enum: []string{t}}, nil
	case "enum":
		e, err := stringList(v)
		return &shape{enum: e}, err
	case "pattern":
		return &shape{patterns: []string{v.(string)}}, nil
	case "format":
		return &shape{formats: []string{v.(string)}}, nil
	case "maxLength":
		n, err := whole(v)
		return &shape{maxLength: n}, err
	case "minimum":
		n, err := whole(v)
		return &shape{min: n}, err
	case "maximum":
		n, err := whole(v)
		return &shape{max: n}, err
	case "minItems":
		n, err := whole(v)
		return &shape{minItems: n}, err
	case "maxItems":
		n, err := whole(v)
		return &shape{maxItems: n}, err
	case "uniqueItems":
		b, ok := v.(bool)
		if !ok {
			return nil, errShape
		}
		return &shape{unique: b}, nil
	case "items":
		it, err := c.compile(file, v.(object))
		return &shape{items: it}, err
	case "required":
		names, err := stringList(v)
		s := &shape{required: map[string]bool{}}
		for _, n := range names {
			s.required[n] = true
		}
		return s, err
	case "additionalProperties":
		b, ok := v.(bool)
		if !ok {
			return nil, errShape
		}
		// It looks at the properties beside it, so these come with it.
		s := &shape{closed: !b, props: map[string]*shape{}}
		if p, ok := o["properties"].(object); ok && !b {
			for name := range p {
				s.props[name] = &shape{}
			}
		}
		return s, nil
	case "properties":
		s := &shape{props: map[string]*shape{}}
		for name, sub := range v.(object) {
			p, err := c.compile(file, sub.(object))
			if err != nil {
				return nil, err
			}
			s.props[name] = p
		}
		return s, nil
	case "allOf":
		s := &shape{}
		for _, sub := range v.([]any) {
			p, err := c.compile(file, sub.(object))
			if err == nil {
				err = s.merge(p)
			}
			if err != nil {
				return nil, err
			}
		}
		return s, nil
	case "anyOf":
		return c.anyOf(file, v.([]any))
	case "if":
		return c.condition(file, o)
	case "then":
		if _, ok := o["if"]; !ok {
			return nil, errShape
		}
		return nil, nil
	}
	return nil, errors.New("a keyword this generator does not know")
}

func (c *compiler) anyOf(file string, list []any) (*shape, error) {
	var alts []*shape
	for _, sub := range list {
		p, err := c.compile(file, sub.(object))
		if err != nil {
			return nil, err
		}
		alts = append(alts, p)
	}
	if len(alts) == 1 {
		return alts[0], nil
	}
	out := &shape{}
	var lists [][]string
	for _, a := range alts {
		switch {
		case a.asserts() == 0:
			out.formats = append(out.formats, a.formats...)
		case a.asserts() == 1 && len(a.required) > 0:
			lists = append(lists, slices.Sorted(maps.Keys(a.required)))
		default:
			return nil, errShape
		}
	}
	if len(lists) == len(alts) {
		return &shape{anyOf: [][][]string{lists}}, nil
	}
	if len(lists) == 0 {
		return out, nil // every alternative accepts everything
	}
	return nil, errShape
}

func (c *compiler) condition(file string, o object) (*shape, error) {
	if _, ok := o["else"]; ok {
		return nil, errShape
	}
	cond, err := c.compile(file, o["if"].(object))
	if err != nil {
		return nil, err
	}
	then, err := c.compile(file, o["then"].(object))
	if err != nil {
		return nil, err
	}
	binding := 0
	var out condition
	for name, p := range cond.props {
		if p.asserts() > 0 {
			binding++
			if p.asserts() != 1 || len(p.enum) != 1 {
				return nil, errShape
			}
			out.prop, out.value = name, p.enum[0]
		}
	}
	only := *cond
	only.props = nil
	switch {
	case only.asserts() > 0:
		return nil, errShape
	case binding == 0: // always true, formats being annotations
		return then, nil
	case binding == 1 && then.asserts() == 1 && len(then.required) > 0:
		out.need = slices.Sorted(maps.Keys(then.required))
		return &shape{conditions: []condition{out}}, nil
	}
	return nil, errShape
}

// asserts counts the things s says that can fail.
func (s *shape) asserts() int {
	n := 0
	for _, b := range []bool{s.types != nil, s.enum != nil, s.patterns != nil, s.maxLength != nil, s.min != nil, s.max != nil,
		s.minItems != nil, s.maxItems != nil, s.unique, s.closed, len(s.required) > 0, s.anyOf != nil, s.conditions != nil} {
		if b {
			n++
		}
	}
	if s.items != nil {
		n += s.items.asserts()
	}
	for _, p := range s.props {
		n += p.asserts()
	}
	return n
}

// merge makes s the conjunction of s and o.
func (s *shape) merge(o *shape) error {
	switch {
	case s.types == nil:
		s.types = o.types
	case o.types != nil && !slices.Equal(s.types, o.types):
		return fmt.Errorf("types %v and %v at once: %w", s.types, o.types, errShape)
	}
	switch {
	case s.enum == nil:
		s.enum = o.enum
	case o.enum != nil:
		s.enum = slices.DeleteFunc(slices.Clone(s.enum), func(v string) bool { return !slices.Contains(o.enum, v) })
		if len(s.enum) == 0 {
			return fmt.Errorf("two lists of values with none in common: %w", errShape)
		}
	}
	for _, p := range o.patterns {
		if !slices.Contains(s.patterns, p) {
			s.patterns = append(s.patterns, p)
		}
	}
	for _, f := range o.formats {
		if !slices.Contains(s.formats, f) {
			s.formats = append(s.formats, f)
		}
	}
	s.maxLength = tighter(s.maxLength, o.maxLength, false)
	s.max = tighter(s.max, o.max, false)
	s.maxItems = tighter(s.maxItems, o.maxItems, false)
	s.min = tighter(s.min, o.min, true)
	s.minItems = tighter(s.minItems, o.minItems, true)
	s.unique = s.unique || o.unique
	if o.items != nil {
		if s.items == nil {
			s.items = &shape{}
		}
		if err := s.items.merge(o.items); err != nil {
			return err
		}
	}
	if err := s.mergeProps(o); err != nil {
		return err
	}
	for n := range o.required {
		if s.required == nil {
			s.required = map[string]bool{}
		}
		s.required[n] = true
	}
	s.anyOf = append(s.anyOf, o.anyOf...)
	s.conditions = append(s.conditions, o.conditions...)
	return nil
}

func (s *shape) mergeProps(o *shape) error {
	// A closed side forbids what it does not list: drop it from the other.
	for n := range s.props {
		if _, ok := o.props[n]; !ok && o.closed {
			delete(s.props, n)
		}
	}
	for n, p := range o.props {
		if _, ok := s.props[n]; !ok && s.closed {
			continue
		}
		if s.props == nil {
			s.props = map[string]*shape{}
		}
		if s.props[n] == nil {
			s.props[n] = &shape{}
		}
		if err := s.props[n].merge(p); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	s.closed = s.closed || o.closed
	return nil
}

func tighter(a, b *int64, larger bool) *int64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case larger == (*a > *b):
		return a
	}
	return b
}

func whole(v any) (*int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, errShape
	}
	i, err := strconv.ParseInt(strings.TrimSuffix(n.String(), ".0"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("bound %s: %w", n, errShape)
	}
	return &i, nil
}

func stringList(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, errShape
	}
	var out []string
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, errShape
		}
		out = append(out, s)
	}
	return out, nil
}

// pair is one (category, type) and the schema it must meet.
type pair struct{ category, typ string }

// master reads the dispatching schema: it must be the core schema, a list of
// the pairs there are, and one condition per pair.
func (c *compiler) master(file string) (core *shape, pairs map[pair]*shape, err error) {
	o, err := c.load(file)
	if err != nil {
		return nil, nil, err
	}
	for k := range o {
		switch k {
		case "$schema", "$id", "title", "description", "examples", "allOf":
		case "type":
			if o[k] != "object" {
				return nil, nil, errShape
			}
		case "additionalProperties":
			if o[k] != true {
				return nil, nil, errShape
			}
		case "properties":
			p, err := c.compile(file, object{"properties": o[k]})
			if err != nil || p.asserts() != 0 {
				return nil, nil, fmt.Errorf("%s: properties: %w", file, errShape)
			}
		default:
			return nil, nil, fmt.Errorf("%s: keyword %s: %w", file, k, errShape)
		}
	}
	known := map[pair]bool{}
	pairs = map[pair]*shape{}
	for i, sub := range o["allOf"].([]any) {
		so := sub.(object)
		switch {
		case so["$ref"] != nil && len(so) == 1:
			if core, err = c.ref(file, so["$ref"].(string)); err != nil {
				return nil, nil, err
			}
		case so["anyOf"] != nil:
			for _, alt := range so["anyOf"].([]any) {
				a, err := c.compile(file, alt.(object))
				if err != nil || a.asserts() != 2 || len(a.props) != 2 || len(a.props["category"].enum) != 1 || len(a.props["type"].enum) == 0 {
					return nil, nil, fmt.Errorf("%s: allOf[%d]: %w", file, i, errShape)
				}
				for _, t := range a.props["type"].enum {
					known[pair{a.props["category"].enum[0], t}] = true
				}
			}
		case so["if"] != nil && so["then"] != nil && len(so) == 2:
			cond, err := c.compile(file, so["if"].(object))
			if err != nil || cond.asserts() != 2 || len(cond.props) != 2 || len(cond.props["category"].enum) != 1 || len(cond.props["type"].enum) != 1 {
				return nil, nil, fmt.Errorf("%s: allOf[%d]: %w", file, i, errShape)
			}
			then, err := c.compile(file, so["then"].(object))
			if err != nil {
				return nil, nil, err
			}
			pairs[pair{cond.props["category"].enum[0], cond.props["type"].enum[0]}] = then
		default:
			return nil, nil, fmt.Errorf("%s: allOf[%d]: %w", file, i, errShape)
		}
	}
	if core == nil || len(known) != len(pairs) {
		return nil, nil, fmt.Errorf("%s: the pairs listed are not the pairs with a schema: %w", file, errShape)
	}
	for p, s := range pairs {
		if !known[p] || !core.required["category"] || !core.required["type"] {
			return nil, nil, fmt.Errorf("%s: %v: %w", file, p, errShape)
		}
		if err := s.merge(core); err != nil {
			return nil, nil, fmt.Errorf("%v: %w", p, err)
		}
	}
	return core, pairs, nil
}

// printer numbers shapes, equal ones alike, and prints them as Go.
type printer struct {
	ids      map[string]int
	nodes    []string
	patterns []string
}

var goTypes = map[string]string{"string": "isString", "integer": "isInteger", "number": "isNumber", "object": "isObject",
	"array": "isArray", "boolean": "isBoolean"}

var goFormats = map[string]string{"uuid": "formatUUID", "date-time": "formatDateTime", "date": "formatDate", "email": "formatEmail",
	"hostname": "formatHostname", "uri": "formatURI", "ipv4": "formatIPv4", "ipv6": "formatIPv6", "ipv4|ipv6": "formatIP"}

func (p *printer) add(s *shape) (int, error) {
	var f []string
	field := func(format string, args ...any) { f = append(f, fmt.Sprintf(format, args...)) }
	if s.types != nil {
		t, ok := goTypes[s.types[0]]
		if !ok {
			return 0, fmt.Errorf("type %v: %w", s.types, errShape)
		}
		field("types: %s", t)
	}
	if s.enum != nil {
		field("enum: %#v", s.enum)
	}
	if s.patterns != nil {
		var ids []string
		for _, pat := range s.patterns {
			i := slices.Index(p.patterns, pat)
			if i < 0 {
				i = len(p.patterns)
				p.patterns = append(p.patterns, pat)
			}
			ids = append(ids, strconv.Itoa(i))
		}
		field("patterns: []uint8{%s}", strings.Join(ids, ", "))
	}
	if s.formats != nil {
		name, ok := goFormats[strings.Join(s.formats, "|")]
		if !ok {
			return 0, fmt.Errorf("format %v: %w", s.formats, errShape)
		}
		field("format: %s", name)
	}
	for _, b := range []struct {
		name string
		v    *int64
	}{{"maxLength", s.maxLength}, {"min", s.min}, {"max", s.max}, {"minItems", s.minItems}, {"maxItems", s.maxItems}} {
		if b.v != nil {
			field("%s: bound{%d, true}", b.name, *b.v)
		}
	}
	if s.unique {
		if s.items == nil || !slices.Equal(s.items.types, []string{"string"}) {
			return 0, fmt.Errorf("uniqueItems of what are not strings: %w", errShape)
		}
		field("unique: true")
	}
	if s.items != nil {
		id, err := p.add(s.items)
		if err != nil {
			return 0, err
		}
		field("items: %d", id)
	}
	props, err := p.props(s)
	if err != nil {
		return 0, err
	}
	f = append(f, props...)
	text := "{" + strings.Join(f, ", ") + "}"
	if id, ok := p.ids[text]; ok {
		return id, nil
	}
	p.ids[text] = len(p.nodes)
	p.nodes = append(p.nodes, text)
	return p.ids[text], nil
}

func (p *printer) props(s *shape) ([]string, error) {
	all := map[string]*shape{}
	maps.Copy(all, s.props)
	note := func(n string) error {
		if all[n] == nil {
			if s.closed {
				return fmt.Errorf("%s is required and forbidden: %w", n, errShape)
			}
			all[n] = &shape{}
		}
		return nil
	}
	var wanted []string
	wanted = append(wanted, slices.Collect(maps.Keys(s.required))...)
	for _, alts := range s.anyOf {
		for _, a := range alts {
			wanted = append(wanted, a...)
		}
	}
	for _, c := range s.conditions {
		wanted = append(append(wanted, c.prop), c.need...)
	}
	for _, n := range wanted {
		if err := note(n); err != nil {
			return nil, err
		}
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	if len(names) > 64 {
		return nil, fmt.Errorf("%d properties, 64 fit a mask: %w", len(names), errShape)
	}
	mask := func(list []string) string {
		var m uint64
		for _, n := range list {
			m |= 1 << slices.Index(names, n)
		}
		return fmt.Sprintf("%#x", m)
	}
	var f []string
	if len(names) > 0 {
		var b strings.Builder
		b.WriteString("props: []prop{\n")
		for _, n := range names {
			id, err := p.add(all[n])
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "{%q, %d},\n", n, id)
		}
		b.WriteString("}")
		f = append(f, b.String())
	}
	if len(s.required) > 0 {
		f = append(f, "required: "+mask(slices.Collect(maps.Keys(s.required))))
	}
	if s.closed {
		f = append(f, "closed: true")
	}
	for _, alts := range s.anyOf {
		if len(s.anyOf) > 1 {
			return nil, fmt.Errorf("two choices on one object: %w", errShape)
		}
		var ms []string
		for _, a := range alts {
			ms = append(ms, mask(a))
		}
		f = append(f, "choice: []uint64{"+strings.Join(ms, ", ")+"}")
	}
	if len(s.conditions) > 0 {
		var cs []string
		for _, c := range s.conditions {
			cs = append(cs, fmt.Sprintf("{%d, %q, %s}", slices.Index(names, c.prop), c.value, mask(c.need)))
		}
		f = append(f, "when: []when{"+strings.Join(cs, ", ")+"}")
	}
	return f, nil
}

func generate(src fs.ReadFileFS, file string) ([]byte, error) {
	c := &compiler{src: src, files: map[string]object{}}
	core, pairs, err := c.master(file)
	if err != nil {
		return nil, err
	}
	p := &printer{ids: map[string]int{}}
	if _, err := p.add(&shape{}); err != nil { // number 0: anything goes
		return nil, err
	}
	coreID, err := p.add(core)
	if err != nil {
		return nil, err
	}
	keys := slices.SortedFunc(maps.Keys(pairs), func(a, b pair) int {
		return strings.Compare(a.category+"/"+a.typ, b.category+"/"+b.typ)
	})
	var rows strings.Builder
	for _, k := range keys {
		id, err := p.add(pairs[k])
		if err != nil {
			return nil, fmt.Errorf("%v: %w", k, err)
		}
		fmt.Fprintf(&rows, "{%q, %q, %d},\n", k.category, k.typ, id)
	}
	var b bytes.Buffer
	b.WriteString("// Code generated by schema/gen from the XARF v4 schemas (MIT, see schema/LICENSE). DO NOT EDIT.\n\npackage xarf\n\n")
	fmt.Fprintf(&b, "// coreNode is the core schema alone, for reports whose pair is not known.\nconst coreNode = %d\n\n", coreID)
	fmt.Fprintf(&b, "// pairs are the categories and types there are, sorted, with their node.\nvar pairs = [...]pair{\n%s}\n\n", rows.String())
	b.WriteString("// patterns are the regular expressions the nodes name.\nvar patterns = [...]pattern{\n")
	for _, pat := range p.patterns {
		fmt.Fprintf(&b, "compile(%q),\n", pat)
	}
	b.WriteString("}\n\n// nodes are the merged schemas; equal ones are one. Number 0 accepts everything.\nvar nodes = [...]node{\n")
	for i, n := range p.nodes {
		fmt.Fprintf(&b, "%d: %s,\n", i, n)
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}
