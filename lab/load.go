package lab

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

// MaxScenario is the longest scenario file that is read, in octets.
const MaxScenario = 16 << 20

// maxNodes bounds the YAML tree, aliases followed.
const maxNodes = 2_000_000

// Load reads a scenario (YAML; JSON is a subset), fills in its defaults and
// checks it. A key that the format does not have is an error. Every error
// found is reported, with its line and path. filename is for the messages and
// for files that the scenario names, which are read from its folder.
func Load(r io.Reader, filename string) (*Scenario, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxScenario+1))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "%s cannot be read", filename)
	}
	if len(b) > MaxScenario {
		return nil, problem.New(problem.TooLarge, "%s is over %d octets", filename, MaxScenario)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, problem.New(problem.Invalid, "%s is empty", filename)
	case err != nil:
		return nil, problem.New(problem.Invalid, "%s: %s", filename, yamlText(err))
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, problem.New(problem.Invalid, "%s holds more than one document", filename)
	}
	w := walker{lines: map[string]int{}}
	w.walk(doc.Content[0], reflect.TypeFor[Scenario](), "", 0)
	if w.bad != nil {
		w.bad.Detail = filename + " is not a scenario"
		return nil, w.bad
	}
	s := new(Scenario)
	if err := doc.Decode(s); err != nil {
		return nil, problem.New(problem.Invalid, "%s: %s", filename, yamlText(err))
	}
	if err := s.readFiles(filepath.Dir(filename)); err != nil {
		return nil, err
	}
	err = s.Complete()
	var p *problem.Error
	if errors.As(err, &p) {
		p.Detail = filename + " is not a scenario"
		for i, f := range p.Fields {
			if n := w.line(f.Path); n > 0 {
				p.Fields[i].Path = fmt.Sprintf("line %d: %s", n, f.Path)
			}
		}
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func yamlText(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  "), "\n ", ";")
}

// readFiles reads the files the scenario names, from its own folder only.
func (s *Scenario) readFiles(dir string) error {
	var root *os.Root
	defer func() {
		if root != nil {
			root.Close()
		}
	}()
	for i := range s.Names {
		n := &s.Names[i]
		for _, x := range []struct {
			key       string
			raw, file *string
		}{{"rdap_raw", &n.RDAPRaw, &n.RDAPRawFile}, {"whois_raw", &n.WHOISRaw, &n.WHOISRawFile}} {
			if *x.file == "" {
				continue
			}
			at := fmt.Sprintf("names[%d].%s_file", i, x.key)
			if *x.raw != "" {
				return problem.BadField(at, "stands beside %s; one of them is enough", x.key)
			}
			if root == nil {
				var err error
				if root, err = os.OpenRoot(dir); err != nil {
					return problem.Wrap(err, problem.Unavailable, "the scenario's folder cannot be opened")
				}
			}
			f, err := root.Open(filepath.FromSlash(*x.file))
			if err != nil {
				return problem.BadField(at, "%q cannot be opened in the scenario's folder", *x.file)
			}
			b, err := io.ReadAll(io.LimitReader(f, 4<<20))
			f.Close()
			if err != nil {
				return problem.BadField(at, "%q cannot be read", *x.file)
			}
			*x.raw, *x.file = string(b), ""
		}
	}
	return nil
}

// Write prints the scenario as YAML that Load reads back.
func (s *Scenario) Write(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(s); err != nil {
		return problem.Wrap(err, problem.Internal, "the scenario cannot be written")
	}
	return e.Close()
}

// walker checks keys before decoding, so that an unknown one is named with its
// path, its line and the nearest known key, and keeps the line of every path.
type walker struct {
	lines map[string]int
	nodes int
	bad   *problem.Error
}

// line finds the line of path or of its nearest ancestor.
func (w *walker) line(path string) int {
	for path != "" {
		if n := w.lines[path]; n > 0 {
			return n
		}
		path = path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['), 0)]
	}
	return 0
}

func (w *walker) walk(n *yaml.Node, t reflect.Type, path string, depth int) {
	if w.nodes++; w.nodes > maxNodes || depth > 64 {
		if w.bad == nil {
			w.bad = w.bad.Add(path, "the file is nested too deep or too large")
		}
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	w.lines[path] = n.Line
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	where := func(line int, p string) string { return fmt.Sprintf("line %d: %s", line, p) }
	switch n.Kind {
	case yaml.MappingNode:
		switch t.Kind() {
		case reflect.Map:
			for i := 0; i+1 < len(n.Content); i += 2 {
				w.walk(n.Content[i+1], t.Elem(), join(path, n.Content[i].Value), depth+1)
			}
		case reflect.Struct:
			fields := keysOf(t)
			if len(fields) == 0 { // a scalar written as a mapping
				w.bad = w.bad.Add(where(n.Line, path), "one value is wanted here, not a mapping")
				return
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				k, v := n.Content[i], n.Content[i+1]
				if k.Value == "<<" { // YAML's merge key
					for v.Kind == yaml.AliasNode {
						v = v.Alias
					}
					w.walk(v, t, path, depth+1)
					continue
				}
				f, ok := fields[k.Value]
				if !ok {
					known := make([]string, 0, len(fields))
					for name := range fields {
						known = append(known, name)
					}
					slices.Sort(known)
					w.bad = w.bad.Add(where(k.Line, join(path, k.Value)), "there is no such key%s; known here: %s",
						nearest(k.Value, known), strings.Join(known, ", "))
					continue
				}
				w.walk(v, f, join(path, k.Value), depth+1)
			}
		default:
			w.bad = w.bad.Add(where(n.Line, path), "one value is wanted here, not a mapping")
		}
	case yaml.SequenceNode:
		if t.Kind() != reflect.Slice && t != reflect.TypeFor[Range]() {
			w.bad = w.bad.Add(where(n.Line, path), "a list is not wanted here")
			return
		}
		elem := reflect.TypeFor[string]()
		if t.Kind() == reflect.Slice {
			elem = t.Elem()
		}
		for i, c := range n.Content {
			w.walk(c, elem, fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	case yaml.ScalarNode:
		if path == "" || t.Kind() == reflect.Slice && t != reflect.TypeFor[List]() && t != reflect.TypeFor[Prefixes]() && n.Tag != "!!null" {
			w.bad = w.bad.Add(where(n.Line, path), "a list or mapping is wanted here, not %q", n.Value)
		}
	}
}

// keysOf gives the YAML keys of a struct; none for one that is written as one
// value (Span, Range, When, times, prefixes).
func keysOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" {
			out[key] = f.Type
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// nearest suggests the known word closest to s, if one is close.
func nearest(s string, known []string) string {
	best, word := 3, ""
	for _, k := range known {
		if d := distance(strings.ToLower(s), strings.ToLower(k)); d < best {
			best, word = d, k
		}
	}
	if word == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", word)
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			sub := diag
			if a[i-1] != b[j-1] {
				sub++
			}
			diag = row[j]
			row[j] = min(sub, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// The structs below may be written as one word instead of a mapping.

// UnmarshalYAML implements yaml.Unmarshaler: a name alone is Like.
func (b *Behaviour) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*b = Behaviour{Like: n.Value}
		return nil
	}
	type plain Behaviour
	return n.Decode((*plain)(b))
}

// UnmarshalYAML implements yaml.Unmarshaler: a word alone is the kind.
func (s *Site) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*s = Site{Kind: n.Value}
		return nil
	}
	type plain Site
	return n.Decode((*plain)(s))
}

// UnmarshalYAML implements yaml.Unmarshaler: a word alone is the kind.
func (r *Registrant) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*r = Registrant{Kind: n.Value}
		return nil
	}
	type plain Registrant
	return n.Decode((*plain)(r))
}

// UnmarshalYAML implements yaml.Unmarshaler: a word alone is Answers.
func (v *Verifies) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*v = Verifies{Answers: n.Value}
		return nil
	}
	type plain Verifies
	return n.Decode((*plain)(v))
}

// UnmarshalYAML implements yaml.Unmarshaler: a word alone is Does.
func (c *Correction) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = Correction{Does: n.Value}
		return nil
	}
	type plain Correction
	return n.Decode((*plain)(c))
}

// UnmarshalYAML implements yaml.Unmarshaler: a word alone is Answers.
func (a *Asked) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*a = Asked{Answers: n.Value}
		return nil
	}
	type plain Asked
	return n.Decode((*plain)(a))
}

// oneOf adds an error unless v is one of allowed.
func oneOf(e *problem.Error, path, v string, allowed ...string) *problem.Error {
	if slices.Contains(allowed, v) {
		return e
	}
	shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	return e.Add(path, "%q is not one of %s%s", v, strings.Join(shown, ", "), nearest(v, shown))
}

// set puts def into *p if that is empty.
func set[T comparable](p *T, def T) { *p = cmp.Or(*p, def) }
