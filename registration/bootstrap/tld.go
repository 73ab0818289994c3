package bootstrap

import (
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
)

// TLDs tells generic top-level domains, whose registries and registrars ICANN
// contracts with, from country-code ones. It is not changed once made, so that
// it is safe for concurrent use.
type TLDs struct {
	delegated map[string]bool // true for a gTLD
	version   string
	date      time.Time
}

// DefaultTLDs are the lists built in.
func DefaultTLDs() (*TLDs, error) {
	all, err := files.ReadFile("data/tlds-alpha-by-domain.txt")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the list of top-level domains is not built in")
	}
	generic, err := files.ReadFile("data/gtlds.txt")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the list of generic top-level domains is not built in")
	}
	return NewTLDs(all, generic)
}

// maxTLDs bounds a list.
const maxTLDs = 20_000

// NewTLDs reads IANA's list of delegated top-level domains and a list of the
// generic ones, both one per line with comments after "#". A line that is no
// label is a *problem.Error.
func NewTLDs(delegated, generic []byte) (*TLDs, error) {
	t := &TLDs{delegated: map[string]bool{}}
	for _, x := range []struct {
		file    string
		raw     []byte
		generic bool
	}{{"delegated", delegated, false}, {"generic", generic, true}} {
		if len(x.raw) > MaxBytes {
			return nil, &problem.Error{Code: problem.TooLarge, Detail: "the list of top-level domains is too large", Fields: []problem.Field{{Path: x.file, Reason: "too large"}}}
		}
		n := 0
		for line := range strings.Lines(string(x.raw)) {
			n++
			line = strings.TrimSpace(line)
			if head, ok := strings.CutPrefix(line, "# Version "); ok && !x.generic {
				t.version, _, _ = strings.Cut(head, ",")
				if _, when, ok := strings.Cut(head, "Last Updated "); ok {
					if d, err := time.Parse("Mon Jan _2 15:04:05 2006 MST", when); err == nil {
						t.date = d.UTC()
					}
				}
			}
			if line == "" || line[0] == '#' {
				continue
			}
			label, err := tldLabel(line)
			if err != nil {
				return nil, problem.BadField(x.file, "line %d: not a top-level domain", n)
			}
			if len(t.delegated) >= maxTLDs {
				return nil, &problem.Error{Code: problem.TooLarge, Detail: "over 20000 top-level domains", Fields: []problem.Field{{Path: x.file, Reason: "too many lines"}}}
			}
			if _, known := t.delegated[label]; known || !x.generic {
				// A gTLD that is no longer delegated is not added.
				t.delegated[label] = x.generic
			}
		}
	}
	return t, nil
}

func tldLabel(s string) (string, error) {
	d, err := name.ParseAny(s)
	if err != nil {
		return "", err
	}
	if !d.Parent().IsZero() {
		return "", problem.New(problem.Invalid, "more than one label")
	}
	return d.String(), nil
}

// With returns lists to which an operator's own top-level domains are added,
// or in which theirs replace what is known: those of a lab, or one that was
// delegated after the lists were built in.
func (t *TLDs) With(generic, country []string) (*TLDs, error) {
	out := &TLDs{delegated: make(map[string]bool, len(t.delegated)+len(generic)+len(country)), version: t.version, date: t.date}
	for k, v := range t.delegated {
		out.delegated[k] = v
	}
	var bad *problem.Error
	for _, x := range []struct {
		field  string
		labels []string
		gtld   bool
	}{{"generic", generic, true}, {"country", country, false}} {
		for _, s := range x.labels {
			label, err := tldLabel(s)
			if err != nil {
				bad = bad.Add(x.field, "%q is not a top-level domain", clip(s))
				continue
			}
			out.delegated[label] = x.gtld
		}
	}
	if err := bad.OrNil(); err != nil {
		return nil, err
	}
	return out, nil
}

// IsGTLD says whether a top-level domain, in either form and case, is
// delegated (known), and whether it is generic under an ICANN contract. Every
// other is a country-code one, also those in other scripts (an A-label that
// ICANN has no contract for), or one of the few of neither kind: arpa, edu,
// gov, int and mil (see IsCCTLD).
func (t *TLDs) IsGTLD(tld string) (known, gtld bool) {
	label, err := tldLabel(tld)
	if err != nil {
		return false, false
	}
	gtld, known = t.delegated[label]
	return known, gtld
}

// IsCCTLD says whether a top-level domain is a country-code one: delegated,
// not generic, and of two letters or an A-label; or of two letters, which are
// kept for countries whether delegated or not, or added as one by With.
func (t *TLDs) IsCCTLD(tld string) bool {
	label, err := tldLabel(tld)
	if err != nil {
		return false
	}
	gtld, known := t.delegated[label]
	switch label {
	case "arpa", "edu", "gov", "int", "mil":
		return false
	}
	return known && !gtld || !known && len(label) == 2
}

// Version is that of IANA's list ("2026072401"), with its date; "" and zero
// when it does not say.
func (t *TLDs) Version() (string, time.Time) { return t.version, t.date }
