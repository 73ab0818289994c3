package name

import (
	"io"
	"strings"
	"sync"

	"bailiwick/problem"

	"github.com/weppos/publicsuffix-go/publicsuffix"
)

// Suffixes is a public suffix list whose two sections are told apart: the
// ICANN section says where names are registered, the private section where a
// platform hands out names to customers. It is safe for concurrent use once
// built.
type Suffixes struct {
	rules map[string]ruleKinds // by value: "co.uk" for "co.uk", "ck" for "*.ck", "www.ck" for "!www.ck"
	depth int                  // labels of the longest rule
}

// ruleKinds is a set: one value may carry several rules ("dev" and "*.dev").
type ruleKinds uint8

const (
	icannNormal ruleKinds = 1 << iota
	icannWildcard
	icannException
	privateNormal
	privateWildcard
	privateException
)

var builtIn = sync.OnceValue(func() *Suffixes {
	rules := publicsuffix.DefaultRules()
	return fromRules(rules[:])
})

// DefaultSuffixes is the list built into the program.
func DefaultSuffixes() *Suffixes { return builtIn() }

func fromRules(rules []publicsuffix.Rule) *Suffixes {
	s := &Suffixes{rules: make(map[string]ruleKinds, len(rules))}
	for _, r := range rules {
		kind := icannNormal
		switch r.Type {
		case publicsuffix.WildcardType:
			kind = icannWildcard
		case publicsuffix.ExceptionType:
			kind = icannException
		}
		if r.Private {
			kind <<= 3
		}
		s.add(r.Value, kind)
	}
	return s
}

func (s *Suffixes) add(value string, kind ruleKinds) {
	s.rules[value] |= kind
	// A wildcard reaches one label further than its value.
	s.depth = max(s.depth, strings.Count(value, ".")+2)
}

// WithPrivate returns a copy of the built-in list with the given names added
// as private suffixes: platforms an operator (or the lab) knows and the public
// list does not. A name that is a suffix of the ICANN section is refused: no
// platform owns it.
func WithPrivate(names []Domain) (*Suffixes, error) {
	base := builtIn()
	s := &Suffixes{rules: make(map[string]ruleKinds, len(base.rules)+len(names)), depth: base.depth}
	for v, k := range base.rules {
		s.rules[v] = k
	}
	for _, n := range names {
		if n.IsZero() {
			return nil, problem.New(problem.Invalid, "an empty name cannot be added as a suffix")
		}
		if base.Split(n).Registered.IsZero() {
			return nil, problem.New(problem.Invalid, "%s is a public suffix already: no platform owns it", n)
		}
		s.add(n.ascii, privateNormal)
	}
	return s, nil
}

// LoadSuffixes reads a list in the format of publicsuffix.org.
func LoadSuffixes(r io.Reader) (*Suffixes, error) {
	l := publicsuffix.NewList()
	rules, err := l.Load(io.LimitReader(r, 16<<20), &publicsuffix.ParserOption{PrivateDomains: true, ASCIIEncoded: false})
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the public suffix list does not parse")
	}
	return fromRules(rules), nil
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
	icann, all := s.find(d.ascii)
	p.Suffix = Domain{icann}
	p.Registered = oneUnder(d, p.Suffix)
	if len(all) > len(icann) {
		p.Platform = Domain{all}
		p.Customer = oneUnder(d, p.Platform)
	}
	return p
}

// KnownTLD says whether the list's ICANN section has d's last label: whether d
// can be a name of the public DNS at all.
func (s *Suffixes) KnownTLD(d Domain) bool {
	return s.rules[d.TLD()]&(icannNormal|icannWildcard) != 0
}

// find walks d's labels from the right and keeps the longest match, by ICANN
// rules alone and by all of them. An exception beats every other rule.
func (s *Suffixes) find(d string) (icann, all string) {
	icann = d[strings.LastIndexByte(d, '.')+1:]
	all = icann
	icannDone, allDone := false, false
	end := len(d)
	below := ""         // the name one label shorter
	var under ruleKinds // and its rules
	for range s.depth {
		start := strings.LastIndexByte(d[:max(end-1, 0)], '.') + 1
		part := d[start:]
		k := s.rules[part]
		if k&icannException != 0 {
			icann, icannDone = below, true
		} else if !icannDone && (k&icannNormal != 0 || under&icannWildcard != 0) {
			icann = part
		}
		if k&(icannException|privateException) != 0 {
			all, allDone = below, true
		} else if !allDone && (k&(icannNormal|privateNormal) != 0 || under&(icannWildcard|privateWildcard) != 0) {
			all = part
		}
		if start == 0 {
			break
		}
		end, below, under = start, part, k
	}
	return icann, all
}

func oneUnder(d, suffix Domain) Domain {
	if suffix.IsZero() || d == suffix || !d.Under(suffix) {
		return Domain{}
	}
	cut := len(d.ascii) - len(suffix.ascii) - 1
	return Domain{d.ascii[strings.LastIndexByte(d.ascii[:cut], '.')+1:]}
}
