// Package name reads domain names, addresses and URLs as people and machines
// write them, and finds whose they are: the registered domain under the ICANN
// section of the public suffix list, and the customer's name under a private
// suffix (a platform).
package name

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"bailiwick/problem"

	"golang.org/x/net/idna"
)

// Domain is a checked domain name: lower-case A-labels, no trailing dot. The
// zero value is no name.
type Domain struct{ ascii string }

// lookup is UTS 46 non-transitional processing, as browsers do it: hyphens may
// stand anywhere, and which ASCII characters may occur is for check to say.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
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

// ParseAny reads a name of one or more labels: a TLD is one. Letters in any
// script and the four dots of IDNA are read, labels of mixed scripts among
// them. Underscores are let pass in labels left of the last two, where host
// names that abuse uses have them; A-labels that do not decode are refused.
func ParseAny(s string) (Domain, error) {
	t := strings.TrimSpace(s)
	if t == "" || t == "." {
		return Domain{}, problem.New(problem.Invalid, "the name is empty")
	}
	if len(t) > 1024 {
		return Domain{}, problem.New(problem.Invalid, "the name is %d octets long, 253 are allowed", len(t))
	}
	if looksLikeAddr(t) {
		if _, err := netip.ParseAddr(strings.Trim(t, "[]")); err == nil {
			return Domain{}, problem.New(problem.Invalid, "%q is an address, not a domain name", clip(s))
		}
	}
	a, err := toASCII(t)
	if err != nil {
		return Domain{}, problem.Wrap(err, problem.Invalid, "%q is not a domain name", clip(s))
	}
	if endsInNumber(a) {
		return Domain{}, problem.New(problem.Invalid, "%q ends in a number, which no top-level domain does", clip(s))
	}
	if why := check(a); why != "" {
		return Domain{}, problem.New(problem.Invalid, "%q is not a domain name: %s", clip(s), why)
	}
	return Domain{a}, nil
}

// looksLikeAddr is a cheap guess that saves most names the address parser: an
// address has a colon or ends in a digit.
func looksLikeAddr(t string) bool {
	last := t[len(t)-1]
	return last == ']' || last >= '0' && last <= '9' || strings.IndexByte(t, ':') >= 0
}

// toASCII maps t to lower-case A-labels without a trailing dot. What is left
// to check is which characters and lengths there are.
func toASCII(t string) (string, error) {
	if plainASCII(t) {
		return strings.TrimSuffix(strings.ToLower(t), "."), nil
	}
	if !utf8.ValidString(t) {
		return "", problem.New(problem.Invalid, "it is not UTF-8")
	}
	a, err := lookup.ToASCII(t)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(a, "."), nil
}

// plainASCII says whether IDNA has nothing to do but lower the case.
func plainASCII(t string) bool {
	for i := range len(t) {
		c := t[i]
		if c >= 0x80 {
			return false
		}
		if c|0x20 == 'x' && len(t)-i >= 4 && (i == 0 || t[i-1] == '.') && strings.EqualFold(t[i:i+4], "xn--") {
			return false
		}
	}
	return true
}

// check says what keeps the lower-case ASCII name a from being a domain name
// (RFC 1035 section 2.3.4, RFC 1123 section 2.1), or "".
func check(a string) string {
	if len(a) > 253 {
		return "it is longer than 253 octets"
	}
	start, dots := 0, strings.Count(a, ".")
	for n := 0; ; n++ {
		end := strings.IndexByte(a[start:], '.')
		if end < 0 {
			end = len(a)
		} else {
			end += start
		}
		label := a[start:end]
		if label == "" {
			return "a label is empty"
		}
		if len(label) > 63 {
			return "a label is longer than 63 octets"
		}
		inner := n < dots-1 // left of the last two labels
		for i := range len(label) {
			switch c := label[i]; {
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			case c == '_' && inner:
			case c == '-' && (inner || i > 0 && i < len(label)-1):
			case c == '-':
				return "a label begins or ends with a hyphen"
			default:
				return "only letters, digits and hyphens may stand there"
			}
		}
		if end == len(a) {
			return ""
		}
		start = end + 1
	}
}

// endsInNumber says whether the last label is a number as addresses have it,
// decimal or hexadecimal (WHATWG URL, "ends in a number").
func endsInNumber(a string) bool {
	last := a[strings.LastIndexByte(a, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	return strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == ""
}

// clip cuts s for a message, at a character.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	i := 80
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i] + "…"
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
