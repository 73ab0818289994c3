package api

import (
	"net/http"
	"net/netip"
	"strings"

	"bailiwick/problem"
)

// Proxies are the networks whose word for who connects is taken: proxies of the
// operator's, in front of the API and the pages. None is what a fresh centre
// has.
type Proxies []netip.Prefix

// ParseProxies reads networks such as 192.0.2.0/24. The error names the first
// that is none.
func ParseProxies(networks []string) (Proxies, error) {
	var out Proxies
	for _, n := range networks {
		p, err := netip.ParsePrefix(strings.TrimSpace(n))
		if err != nil {
			return nil, problem.BadField("trusted_proxies", "%.60q is not a network such as 192.0.2.0/24", n)
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // as addresses are compared
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Handler gives requests to next with the address of who sent them as
// RemoteAddr: whatever counts per address (sign-in, the report form,
// idempotency keys without an API key) then counts the client's and not the
// proxy's. It is the one place where a header is believed.
func (p Proxies) Handler(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := address(r.RemoteAddr)
		if client := p.client(peer, r.Header); client != peer {
			r = r.Clone(r.Context())
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String() // its port is not known
		}
		next.ServeHTTP(w, r)
	})
}

// client is the address of who sent a request that came from peer with some
// headers.
//
// A trusted peer says in X-Forwarded-For or in Forwarded (RFC 7239) who
// connected to it, after what it was told itself. So the list is read from its
// end: each address that is a trusted proxy vouches for the one before it, and
// the first that is not is the client. What stands before that anybody could
// have written. A list with something that is no address there ends: the last
// proxy that is known counts as the client.
//
// Which of the two headers a proxy writes is not known here, and what it does
// not write it may pass on from the client. So where both are there they must
// agree; if they do not, neither is believed.
func (p Proxies) client(peer netip.Addr, h http.Header) netip.Addr {
	if !p.trusted(peer) {
		return peer
	}
	x, standard := h["X-Forwarded-For"], h["Forwarded"]
	switch {
	case len(x) > 0 && len(standard) > 0:
		if a := p.last(peer, forwardedFor(x)); a == p.last(peer, forwarded(standard)) {
			return a
		}
		return peer
	case len(x) > 0:
		return p.last(peer, forwardedFor(x))
	case len(standard) > 0:
		return p.last(peer, forwarded(standard))
	}
	return peer
}

// trusted says whether an address is a proxy's.
func (p Proxies) trusted(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// last goes from a trusted peer back along the hops, which are in the order
// they were added.
func (p Proxies) last(peer netip.Addr, hops []string) netip.Addr {
	at := peer
	for i := len(hops) - 1; i >= 0; i-- {
		a := address(hops[i])
		if !a.IsValid() {
			return at
		}
		if at = a; !p.trusted(a) {
			return a
		}
	}
	return at // proxies all the way
}

// maxHops is how much of a list is read, from its end.
const maxHops = 32

// forwardedFor are the hops of X-Forwarded-For: lines follow one another.
func forwardedFor(lines []string) []string {
	var out []string
	for _, l := range lines {
		for hop := range strings.SplitSeq(l, ",") {
			out = append(out, strings.TrimSpace(hop))
		}
	}
	return out[max(0, len(out)-maxHops):]
}

// forwarded are the hops of Forwarded (RFC 7239 section 4): the parameter "for"
// of each element, "" where it has none.
func forwarded(lines []string) []string {
	var out []string
	for _, l := range lines {
		for _, element := range splitQuoted(l, ',') {
			hop := ""
			for _, pair := range splitQuoted(element, ';') {
				k, v, ok := strings.Cut(pair, "=")
				if !ok || !strings.EqualFold(strings.TrimSpace(k), "for") {
					continue
				}
				if hop != "" { // twice is no valid element
					hop = "_"
					break
				}
				hop = unquote(strings.TrimSpace(v))
			}
			out = append(out, hop)
		}
	}
	return out[max(0, len(out)-maxHops):]
}

// splitQuoted splits at a separator outside quoted strings (RFC 9110 section
// 5.6.4).
func splitQuoted(s string, sep byte) []string {
	var out []string
	begin, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == sep:
			out = append(out, s[begin:i])
			begin = i + 1
		}
	}
	return append(out, s[begin:])
}

// unquote takes the quotes off. An address has nothing to escape.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// address reads an address with or without a port or brackets: "192.0.2.1",
// "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". Anything
// else is the zero Addr.
func address(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		ap, perr := netip.ParseAddrPort(s)
		switch inner, ok := strings.CutPrefix(s, "["); {
		case perr == nil:
			a = ap.Addr()
		case ok && strings.HasSuffix(inner, "]"):
			if a, err = netip.ParseAddr(strings.TrimSuffix(inner, "]")); err != nil || a.Is4() {
				return netip.Addr{}
			}
		default:
			return netip.Addr{}
		}
	}
	return a.Unmap().WithZone("")
}
