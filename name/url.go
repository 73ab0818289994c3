package name

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"bailiwick/problem"
)

// URL is a checked http or https URL: the scheme and host in lower case, the
// default port, user information and the fragment left out. Exactly one of
// Domain and Addr is set. URLs compare with ==.
type URL struct {
	Scheme   string
	Domain   Domain
	Addr     netip.Addr
	Port     string // "" for the scheme's default
	Path     string // escaped, at least "/"
	RawQuery string // escaped, without the "?"
}

// MaxURL is the longest URL that is read, in octets.
const MaxURL = 8192

// ParseURL reads a URL as a browser does (WHATWG URL Standard), also a
// defanged one (see Refang) and one without a scheme, which is taken as http.
//
// Spaces and control characters around it, and tabs and line ends inside, are
// dropped; backslashes count as slashes; the host may be percent-encoded, in
// any script, or an IPv4 address in octal, hexadecimal or as one number, and
// comes out as the name or address that a browser would connect to. Dot
// segments are resolved, and what may not stand in a path or query is
// percent-encoded. User information is dropped: it is either a secret or a
// deception. So is the fragment, which no server sees. A zone in an IPv6
// address is refused.
func ParseURL(s string) (URL, error) {
	if len(s) > MaxURL {
		return URL{}, problem.New(problem.Invalid, "the URL is %d octets long, %d are allowed", len(s), MaxURL)
	}
	t := trimURL(s)
	if defanged(t) {
		t = Refang(t)
	}
	if t == "" {
		return URL{}, problem.New(problem.Invalid, "the URL is empty")
	}
	scheme, rest := splitScheme(t)
	out := URL{Scheme: scheme}
	switch scheme {
	case "http", "https":
		rest = strings.TrimLeft(rest, "/\\")
	case "":
		out.Scheme = "http"
	default:
		return URL{}, problem.New(problem.Invalid, "the scheme of %q is not http or https", clip(s))
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/\\?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if scheme == "" {
			return URL{}, problem.New(problem.Invalid, "%q is a mail address, not a URL", clip(s))
		}
		authority = authority[i+1:]
	}
	if err := out.setHost(authority); err != nil {
		return URL{}, problem.Wrap(err, problem.Invalid, "the host of %q is neither a domain name nor an address", clip(s))
	}
	tail, _, _ = strings.Cut(tail, "#")
	path, query, _ := strings.Cut(tail, "?")
	out.Path = cleanPath(path)
	out.RawQuery = escape(query, queryOK)
	if out.atMost() > MaxURL {
		if n := len(out.String()); n > MaxURL {
			return URL{}, problem.New(problem.Invalid, "the URL is %d octets long in its normal form, %d are allowed", n, MaxURL)
		}
	}
	return out, nil
}

// atMost is the length of String or a little more, without making it.
func (u URL) atMost() int {
	return len(u.Scheme) + len("://[]:") + len(u.Domain.ascii) + 45 + len(u.Port) + len(u.Path) + 1 + len(u.RawQuery)
}

// trimURL drops what a browser drops before it reads a URL.
func trimURL(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= 0x20 || r == 0xA0 || r == 0xFEFF })
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\t') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	}
	return s
}

// splitScheme cuts a scheme off, in lower case and without its colon. A host
// with a port ("example.com:8080") has none.
func splitScheme(t string) (scheme, rest string) {
	i := strings.IndexByte(t, ':')
	if i < 1 {
		return "", t
	}
	for j := range i {
		switch c := t[j]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case j > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return "", t
		}
	}
	scheme, rest = strings.ToLower(t[:i]), t[i+1:]
	if scheme == "http" || scheme == "https" || strings.HasPrefix(rest, "//") {
		return scheme, rest
	}
	if strings.Contains(scheme, ".") || rest == "" || rest[0] >= '0' && rest[0] <= '9' {
		return "", t
	}
	// "2001:db8::1" without brackets begins like a scheme only if it begins
	// with a letter: an address is not one.
	if _, err := netip.ParseAddr(t); err == nil {
		return "", t
	}
	return scheme, rest
}

// setHost reads host and port.
func (u *URL) setHost(authority string) error {
	host, port := authority, ""
	if strings.HasPrefix(host, "[") {
		i := strings.IndexByte(host, ']')
		if i < 0 {
			return problem.New(problem.Invalid, "the bracket of the address is not closed")
		}
		host, port = authority[1:i], authority[i+1:]
		if port != "" && port[0] != ':' {
			return problem.New(problem.Invalid, "something follows the address")
		}
		port = strings.TrimPrefix(port, ":")
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is6() {
			return problem.New(problem.Invalid, "what stands in brackets is not an IPv6 address")
		}
		u.Addr = a
	} else if a, ok := bareIPv6(host); ok {
		u.Addr = a
	} else {
		if i := strings.LastIndexByte(host, ':'); i >= 0 {
			host, port = host[:i], host[i+1:]
		}
		if err := u.setName(host); err != nil {
			return err
		}
	}
	if u.Addr.Zone() != "" {
		return problem.New(problem.Invalid, "the address has a zone: it means something on one machine only")
	}
	u.Addr = u.Addr.Unmap()
	return u.setPort(port)
}

// bareIPv6 reads an IPv6 address that stands without brackets.
func bareIPv6(host string) (netip.Addr, bool) {
	if strings.Count(host, ":") < 2 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// setName reads a host that is a name or an IPv4 address in any of the forms
// that browsers take.
func (u *URL) setName(host string) error {
	if strings.IndexByte(host, '%') >= 0 {
		h, err := url.PathUnescape(host)
		if err != nil {
			return problem.New(problem.Invalid, "the host is not percent-encoded rightly")
		}
		host = h
	}
	if len(host) > 1024 || strings.TrimSpace(host) == "" {
		return problem.New(problem.Invalid, "the host is empty or too long")
	}
	a, err := toASCII(host)
	if err != nil {
		return problem.Wrap(err, problem.Invalid, "%q is not a domain name", clip(host))
	}
	if endsInNumber(a) {
		addr, ok := parseIPv4(a)
		if !ok {
			return problem.New(problem.Invalid, "the host ends in a number but is not an IPv4 address")
		}
		u.Addr = addr
		return nil
	}
	if why := check(a); why != "" {
		return problem.New(problem.Invalid, "%q is not a domain name: %s", clip(host), why)
	}
	if strings.IndexByte(a, '.') < 0 {
		return problem.New(problem.Invalid, "%q is a single label, not a domain name", clip(host))
	}
	u.Domain = Domain{a}
	return nil
}

// parseIPv4 reads an IPv4 address as browsers and inet_aton do: one to four
// numbers, each decimal, octal (leading 0) or hexadecimal (leading 0x), the
// last filling the octets that are left.
func parseIPv4(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, p := range parts {
		n, ok := parseIPv4Number(p)
		if !ok {
			return netip.Addr{}, false
		}
		if i < len(parts)-1 {
			if n > 255 {
				return netip.Addr{}, false
			}
			v = v<<8 | n
			continue
		}
		left := uint(8 * (5 - len(parts)))
		if n >= 1<<left {
			return netip.Addr{}, false
		}
		v = v<<left | n
	}
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), true
}

func parseIPv4Number(p string) (uint64, bool) {
	base := 10
	switch {
	case p == "":
		return 0, false
	case strings.HasPrefix(p, "0x"):
		base, p = 16, p[2:]
	case len(p) > 1 && p[0] == '0':
		base, p = 8, p[1:]
	}
	if p == "" { // "0x" alone is zero
		return 0, true
	}
	if p[0] == '+' || p[0] == '-' || strings.IndexByte(p, '_') >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(p, base, 33)
	return n, err == nil
}

func (u *URL) setPort(port string) error {
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || port[0] == '+' {
		return problem.New(problem.Invalid, "the port is not a number up to 65535")
	}
	if u.Scheme == "http" && n == 80 || u.Scheme == "https" && n == 443 {
		return nil
	}
	u.Port = strconv.FormatUint(n, 10)
	return nil
}

// cleanPath turns backslashes into slashes, resolves dot segments (RFC 3986
// section 5.2.4, percent-encoded dots as well) and escapes.
func cleanPath(p string) string {
	p = strings.ReplaceAll(p, "\\", "/")
	if p == "" {
		return "/"
	}
	if strings.Contains(p, ".") || strings.Contains(p, "%2") {
		segs := strings.Split(p[1:], "/")
		out := segs[:0:0]
		for i, s := range segs {
			last := i == len(segs)-1
			switch dots(s) {
			case 1:
				if last {
					out = append(out, "")
				}
			case 2:
				if len(out) > 0 {
					out = out[:len(out)-1]
				}
				if last {
					out = append(out, "")
				}
			default:
				out = append(out, s)
			}
		}
		p = "/" + strings.Join(out, "/")
	}
	return escape(p, pathOK)
}

// dots is 1 for a segment that means ".", 2 for one that means "..".
func dots(s string) int {
	if len(s) > 6 {
		return 0
	}
	n := 0
	for len(s) > 0 {
		switch {
		case s[0] == '.':
			s = s[1:]
		case len(s) >= 3 && strings.EqualFold(s[:3], "%2e"):
			s = s[3:]
		default:
			return 0
		}
		n++
	}
	if n > 2 {
		return 0
	}
	return n
}

// pathOK and queryOK say which octets may stand in a path and in a query.
var pathOK, queryOK = allowed("\"#<>?^`{}"), allowed("\"#<>'")

func allowed(not string) *[256]bool {
	var t [256]bool
	for c := 0x21; c < 0x7f; c++ {
		t[c] = strings.IndexByte(not, byte(c)) < 0
	}
	return &t
}

// escape percent-encodes the octets that are not ok.
func escape(s string, ok *[256]bool) string {
	for i := range len(s) {
		if !ok[s[i]] {
			var b strings.Builder
			b.Grow(len(s) + 16)
			b.WriteString(s[:i])
			for ; i < len(s); i++ {
				if ok[s[i]] {
					b.WriteByte(s[i])
				} else {
					b.WriteString("%" + string("0123456789ABCDEF"[s[i]>>4]) + string("0123456789ABCDEF"[s[i]&15]))
				}
			}
			return b.String()
		}
	}
	return s
}

// Host is the domain name or the address, without a port.
func (u URL) Host() string {
	if u.Addr.IsValid() {
		return u.Addr.String()
	}
	return u.Domain.String()
}

// IsZero says whether u is no URL.
func (u URL) IsZero() bool { return u.Scheme == "" }

// String is the URL in its normal form.
func (u URL) String() string {
	if u.IsZero() {
		return ""
	}
	h := u.Host()
	if u.Addr.Is6() {
		h = "[" + h + "]"
	}
	if u.Port != "" {
		h += ":" + u.Port
	}
	s := u.Scheme + "://" + h + u.Path
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	return s
}

// MarshalText makes a URL a JSON string.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; the empty text is the
// zero URL.
func (u *URL) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*u = URL{}
		return nil
	}
	v, err := ParseURL(string(b))
	*u = v
	return err
}
