// Package name reads domain names, addresses and URLs as people and machines
// write them, and finds whose they are: the registered domain under the ICANN
// section of the public suffix list, and the customer's name under a private
// suffix (a platform).
package name

import (
	"net/netip"
	"strings"

	"bailiwick/problem"

	"golang.org/x/net/idna"
)

// Domain is a checked domain name: lower-case A-labels, no trailing dot. The
// zero value is no name.
type Domain struct{ ascii string }

// lookup is UTS 46 non-transitional processing with the length rules of DNS
// (RFC 1035 section 2.3.4, RFC 5891). Underscore labels occur in DNS but not
// in host names; they are refused.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.VerifyDNSLength(true),
	idna.BidiRule(),
)

// Parse reads a domain name of at least two labels, in A- or U-label form,
// with or without a trailing dot.
func Parse(s string) (Domain, error) {
	d, err := ParseAny(s)
	if err != nil {
		return d, err
	}
	if !strings.Contains(d.ascii, ".") {
		return Domain{}, problem.New(problem.Invalid, "%q is a single label, not a domain name", clip(s))
	}
	return d, nil
}

// ParseAny reads a name of one or more labels: a TLD is one.
func ParseAny(s string) (Domain, error) {
	t := strings.TrimSuffix(strings.TrimSpace(s), ".")
	if t == "" {
		return Domain{}, problem.New(problem.Invalid, "the name is empty")
	}
	if len(t) > 1024 {
		return Domain{}, problem.New(problem.Invalid, "the name is %d octets long, 253 are allowed", len(t))
	}
	if _, err := netip.ParseAddr(strings.Trim(t, "[]")); err == nil {
		return Domain{}, problem.New(problem.Invalid, "%q is an address, not a domain name", clip(s))
	}
	a, err := lookup.ToASCII(t)
	if err != nil {
		return Domain{}, problem.Wrap(err, problem.Invalid, "%q is not a domain name", clip(s))
	}
	a = strings.TrimSuffix(a, ".")
	last := a[strings.LastIndexByte(a, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return Domain{}, problem.New(problem.Invalid, "%q ends in a number, which no top-level domain does", clip(s))
	}
	return Domain{a}, nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// String is the name in A-labels: the form that is stored and compared.
func (d Domain) String() string { return d.ascii }

// Unicode is the name in U-labels, for showing beside the A-labels; a label
// that does not convert stays as it is.
func (d Domain) Unicode() string {
	u, err := idna.Display.ToUnicode(d.ascii)
	if err != nil {
		return d.ascii
	}
	return u
}

// IsZero says whether d is no name.
func (d Domain) IsZero() bool { return d.ascii == "" }

// TLD is the last label.
func (d Domain) TLD() string { return d.ascii[strings.LastIndexByte(d.ascii, '.')+1:] }

// Labels are the labels from left to right.
func (d Domain) Labels() []string { return strings.Split(d.ascii, ".") }

// Parent is the name without its first label; zero for a TLD.
func (d Domain) Parent() Domain {
	if i := strings.IndexByte(d.ascii, '.'); i >= 0 {
		return Domain{d.ascii[i+1:]}
	}
	return Domain{}
}

// Under says whether d is p or below it.
func (d Domain) Under(p Domain) bool {
	return p.ascii != "" && (d.ascii == p.ascii || strings.HasSuffix(d.ascii, "."+p.ascii))
}

// MarshalText and UnmarshalText make a Domain a JSON string.
func (d Domain) MarshalText() ([]byte, error) { return []byte(d.ascii), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The empty text is the
// zero Domain.
func (d *Domain) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Domain{}
		return nil
	}
	v, err := ParseAny(string(b))
	*d = v
	return err
}
