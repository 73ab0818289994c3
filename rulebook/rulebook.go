// Package rulebook holds what every file of rules in Bailiwick shares: what a
// rule rests on, lists of codes with their meaning, how one file is read, and
// the set of those shipped with an operator's own beside them.
package rulebook

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

// Basis says what a rule rests on.
type Basis string

// The bases.
const (
	Primary   Basis = "primary"   // the rule's own text was read at the source
	Secondary Basis = "secondary" // somebody else's account of it, a draft, or not confirmed
	Ours      Basis = "ours"      // nobody's rule: our choice
)

// NotForCompliance stands beside every rule whose basis is not primary: what is
// read second hand accuses nobody.
const NotForCompliance = "not for compliance use"

// Caveat is NotForCompliance where the basis is not primary, else "".
func (b Basis) Caveat() string {
	if b == Primary {
		return ""
	}
	return NotForCompliance
}

// Check adds to e what is wrong with a basis at a field.
func (b Basis) Check(e *problem.Error, field string) *problem.Error {
	switch b {
	case Primary, Secondary, Ours:
		return e
	case "":
		return e.Add(field, "is missing: primary, secondary or ours")
	}
	return e.Add(field, "%.40q is not primary, secondary or ours", string(b))
}

// Word is a code with what it means.
type Word struct {
	Code  string `json:"code"`
	Means string `json:"means"`
}

// Words is a list of codes in the order in which they are shown.
type Words []Word

// Has says whether a code is in the list.
func (w Words) Has(code string) bool {
	return slices.ContainsFunc(w, func(x Word) bool { return x.Code == code })
}

// Clone copies the list.
func (w Words) Clone() Words { return slices.Clone(w) }

// Means says what a code means; the code itself if it is not one.
func (w Words) Means(code string) string {
	for _, x := range w {
		if x.Code == code {
			return x.Means
		}
	}
	return code
}

// Codes are the codes alone.
func (w Words) Codes() []string {
	var out []string
	for _, x := range w {
		out = append(out, x.Code)
	}
	return out
}

// Check adds to e that a code at a field is missing or not in the list.
func (w Words) Check(e *problem.Error, field, code string) *problem.Error {
	if w.Has(code) {
		return e
	}
	if code == "" {
		return e.Add(field, "is missing: one of %s", strings.Join(w.Codes(), ", "))
	}
	return e.Add(field, "%.40q is not one of %s", code, strings.Join(w.Codes(), ", "))
}

// Rules is one file of rules.
type Rules interface {
	// Key is the id by which it is chosen.
	Key() string
	// Validate reports everything that cannot work, by field.
	Validate() error
}

// Load reads and validates a file of rules (YAML; JSON is a subset) of at most
// max octets. An unknown key is an error, and so is a second document. what
// names such a file in errors: "profile".
func Load[T Rules](r io.Reader, what string, max int64) (T, error) {
	var p T
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return p, problem.Wrap(err, problem.Unavailable, "the %s cannot be read", what)
	}
	if int64(len(b)) > max {
		return p, problem.New(problem.TooLarge, "the %s is over %d octets", what, max)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, problem.Wrap(err, problem.Invalid, "the %s does not parse", what)
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return p, problem.New(problem.Invalid, "the %s is followed by something else: one document per file", what)
	}
	return p, p.Validate()
}

// Book is a set of rules by id.
type Book[T Rules] struct {
	what string
	all  []T
}

// NewBook is made of the shipped files (those of shipped that match pattern,
// read by load) with an operator's own beside them; one of the same id wins
// over the shipped one.
func NewBook[T Rules](what string, shipped fs.FS, pattern string, load func(io.Reader) (T, error), own ...T) (*Book[T], error) {
	out := &Book[T]{what: what}
	for _, p := range own {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		if _, ok := out.find(p.Key()); ok {
			return nil, problem.BadField(what+"s", "%q is given twice", p.Key())
		}
		out.all = append(out.all, p)
	}
	files, err := fs.Glob(shipped, pattern)
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the shipped %ss", what)
	}
	for _, f := range files {
		p, err := read(shipped, f, load)
		if err != nil {
			return nil, problem.Wrap(err, problem.Internal, "the shipped %s %s", what, f)
		}
		if _, ok := out.find(p.Key()); !ok {
			out.all = append(out.all, p)
		}
	}
	if len(out.all) == 0 {
		return nil, problem.New(problem.Internal, "there is no %s", what)
	}
	slices.SortFunc(out.all, func(a, b T) int { return strings.Compare(a.Key(), b.Key()) })
	return out, nil
}

func read[T Rules](shipped fs.FS, file string, load func(io.Reader) (T, error)) (p T, err error) {
	b, err := fs.ReadFile(shipped, file)
	if err != nil {
		return p, fmt.Errorf("it cannot be read: %w", err)
	}
	return load(bytes.NewReader(b))
}

func (b *Book[T]) find(id string) (p T, ok bool) {
	for _, x := range b.all {
		if x.Key() == id {
			return x, true
		}
	}
	return p, false
}

// All are the rules by id.
func (b *Book[T]) All() []T { return slices.Clone(b.all) }

// Get finds one by its id. The error names the field "profile", or what else
// the book holds.
func (b *Book[T]) Get(id string) (T, error) {
	p, ok := b.find(id)
	if !ok {
		return p, problem.BadField(b.what, "%.40q is not a %s", id, b.what)
	}
	return p, nil
}
