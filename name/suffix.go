package name

import (
	"io"
	"strings"

	"bailiwick/problem"

	"github.com/weppos/publicsuffix-go/publicsuffix"
)

// Suffixes is a public suffix list whose two sections are told apart: the
// ICANN section says where names are registered, the private section where a
// platform hands out names to customers. It is safe for concurrent use once
// built.
type Suffixes struct{ list *publicsuffix.List }

// DefaultSuffixes is the list built into the program.
func DefaultSuffixes() *Suffixes { return &Suffixes{publicsuffix.DefaultList} }

// WithPrivate returns a copy of the built-in list with the given names added
// as private suffixes: platforms an operator (or the lab) knows and the
// public list does not.
func WithPrivate(names []Domain) (*Suffixes, error) {
	l := publicsuffix.NewList()
	for _, r := range publicsuffix.DefaultRules() {
		if err := l.AddRule(&r); err != nil {
			return nil, problem.Wrap(err, problem.Internal, "public suffix list")
		}
	}
	for _, n := range names {
		r, err := publicsuffix.NewRule(n.String())
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "%s is not a suffix", n)
		}
		r.Private = true
		if err := l.AddRule(r); err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "%s cannot be added as a suffix", n)
		}
	}
	return &Suffixes{l}, nil
}

// LoadSuffixes reads a list in the format of publicsuffix.org.
func LoadSuffixes(r io.Reader) (*Suffixes, error) {
	l := publicsuffix.NewList()
	if _, err := l.Load(r, &publicsuffix.ParserOption{PrivateDomains: true, ASCIIEncoded: false}); err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the public suffix list does not parse")
	}
	return &Suffixes{l}, nil
}

// Parts is where a name's authorities divide.
type Parts struct {
	// Suffix is the public suffix of the ICANN section ("co.uk").
	Suffix Domain
	// Registered is one label under Suffix: what a registrar sold. Zero when
	// the name is itself a public suffix.
	Registered Domain
	// Platform is the private suffix the name is under ("pages.example"), or
	// zero.
	Platform Domain
	// Customer is one label under Platform: what the platform's customer
	// holds. Zero when there is no platform or the name is the platform's own.
	Customer Domain
}

// Split divides d. A TLD that the list does not know counts as a suffix of one
// label, as the list's algorithm says.
func (s *Suffixes) Split(d Domain) Parts {
	var p Parts
	if d.IsZero() {
		return p
	}
	p.Suffix = s.suffix(d, true)
	p.Registered = oneUnder(d, p.Suffix)
	if all := s.suffix(d, false); len(all.ascii) > len(p.Suffix.ascii) {
		p.Platform = all
		p.Customer = oneUnder(d, all)
	}
	return p
}

func (s *Suffixes) suffix(d Domain, icannOnly bool) Domain {
	r := s.list.Find(d.ascii, &publicsuffix.FindOptions{IgnorePrivate: icannOnly, DefaultRule: publicsuffix.DefaultRule})
	if r == nil {
		r = publicsuffix.DefaultRule
	}
	dec := r.Decompose(d.ascii)
	if dec[1] == "" { // the name is itself the suffix
		return d
	}
	return Domain{dec[1]}
}

func oneUnder(d, suffix Domain) Domain {
	if suffix.IsZero() || d == suffix || !d.Under(suffix) {
		return Domain{}
	}
	rest := strings.TrimSuffix(d.ascii, "."+suffix.ascii)
	return Domain{rest[strings.LastIndexByte(rest, '.')+1:] + "." + suffix.ascii}
}
