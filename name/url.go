package name

import (
	"net/netip"
	"net/url"
	"strings"

	"bailiwick/problem"
)

// URL is a checked http or https URL: the scheme and host in lower case, the
// default port and the fragment left out. Exactly one of Domain and Addr is
// set.
type URL struct {
	Scheme   string
	Domain   Domain
	Addr     netip.Addr
	Port     string // "" for the scheme's default
	Path     string // escaped, at least "/"
	RawQuery string
}

// MaxURL is the longest URL that is read, in octets.
const MaxURL = 8192

// ParseURL reads a URL, also a defanged one (see Refang) and one without a
// scheme, which is taken as http. User information is dropped: it is either a
// secret or a deception.
func ParseURL(s string) (URL, error) {
	if len(s) > MaxURL {
		return URL{}, problem.New(problem.Invalid, "the URL is %d octets long, %d are allowed", len(s), MaxURL)
	}
	t := Refang(strings.TrimSpace(s))
	if !strings.Contains(t, "://") {
		t = "http://" + t
	}
	u, err := url.Parse(t)
	if err != nil {
		return URL{}, problem.Wrap(err, problem.Invalid, "%q is not a URL", clip(s))
	}
	out := URL{Scheme: strings.ToLower(u.Scheme), Port: u.Port(), RawQuery: u.RawQuery, Path: u.EscapedPath()}
	switch out.Scheme {
	case "http":
		if out.Port == "80" {
			out.Port = ""
		}
	case "https":
		if out.Port == "443" {
			out.Port = ""
		}
	default:
		return URL{}, problem.New(problem.Invalid, "the scheme of %q is not http or https", clip(s))
	}
	if out.Path == "" {
		out.Path = "/"
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		out.Addr = a.Unmap()
		return out, nil
	}
	d, err := Parse(host)
	if err != nil {
		return URL{}, problem.Wrap(err, problem.Invalid, "the host of %q is neither a domain name nor an address", clip(s))
	}
	out.Domain = d
	return out, nil
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

var refanger = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[:]", ":", "[://]", "://", "[/]", "/")

// Refang undoes the common ways of making a URL or name unclickable:
// hxxp, [.], (.), {.}, [dot], (dot), [:], [://].
func Refang(s string) string {
	s = refanger.Replace(s)
	for _, p := range []string{"hxxps", "hXXps", "HXXPS", "meows"} {
		if strings.HasPrefix(s, p+":") {
			return "https" + s[len(p):]
		}
	}
	for _, p := range []string{"hxxp", "hXXp", "HXXP", "meow"} {
		if strings.HasPrefix(s, p+":") {
			return "http" + s[len(p):]
		}
	}
	return s
}

// Defang makes a URL, name or address unclickable for people and mail
// programs: http becomes hxxp, and the dots of the host become [.].
func Defang(s string) string {
	rest, scheme := s, ""
	if i := strings.Index(s, "://"); i >= 0 {
		scheme = strings.Replace(strings.ToLower(s[:i]), "http", "hxxp", 1) + "://"
		rest = s[i+3:]
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	return scheme + strings.ReplaceAll(host, ".", "[.]") + tail
}
