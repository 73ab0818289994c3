package collect

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"

	"github.com/miekg/dns"
)

// The types that only those who check a mail's sender ask for.
const (
	typePTR = rrtype(dns.TypePTR)
	typeTXT = rrtype(dns.TypeTXT)
)

// Bounds of what is remembered between the mails of one sender.
const (
	maxAnswers   = 4096
	longestKept  = 5 * time.Minute  // so that a key which was changed works soon
	shortestKept = 10 * time.Second // for denials without a time-to-live
	maxStrings   = 64 << 10         // octets of all texts at one name
)

// Resolver answers the questions that are asked about the sender of a mail
// (SPF, DKIM, DMARC), by the collector's own way down from the root and
// through its guard. Its methods have the shapes of those of net.Resolver, and
// their errors are *net.DNSError: IsNotFound when there is no such name or no
// record of the type, IsTemporary (and IsTimeout) when another time may bring
// an answer.
//
// Unlike a measurement, whose answers are fresh each time, it remembers what
// it was told for the time-to-live, five minutes at most: mails of one sender
// come in bursts. It is safe for concurrent use.
type Resolver struct {
	c     *Collector
	known *cache[texts]
}

// texts are the records of one type at one name, as text: TXT with its strings
// joined, MX as "preference host.", PTR as "host.", addresses as they are.
type texts struct {
	values []string
	err    *net.DNSError
}

// NewResolver makes a resolver that asks through c and counts with it.
func NewResolver(c *Collector) *Resolver { return &Resolver{c: c, known: newCache[texts](maxAnswers)} }

// LookupTXT gives the texts at a name, each record's strings joined (RFC 7208
// section 3.3, RFC 6376 section 3.6.2.2).
func (r *Resolver) LookupTXT(ctx context.Context, n string) ([]string, error) {
	return r.lookup(ctx, n, typeTXT)
}

// LookupMX gives the hosts that take mail for a name, in the order to be used.
func (r *Resolver) LookupMX(ctx context.Context, n string) ([]*net.MX, error) {
	values, err := r.lookup(ctx, n, typeMX)
	if err != nil {
		return nil, err
	}
	var out []*net.MX
	for _, v := range values {
		pref, host, _ := strings.Cut(v, " ")
		p, err := strconv.ParseUint(pref, 10, 16)
		if err != nil {
			continue
		}
		out = append(out, &net.MX{Host: host, Pref: uint16(p)})
	}
	slices.SortStableFunc(out, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	return out, nil
}

// LookupIPAddr gives the addresses of a host, IPv4 first. They are facts about
// a name and not checked by the guard: nothing is connected to.
func (r *Resolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	v4, err4 := r.lookup(ctx, host, typeA)
	v6, err6 := r.lookup(ctx, host, typeAAAA)
	var out []net.IPAddr
	for _, v := range append(v4[:len(v4):len(v4)], v6...) {
		if a, err := netip.ParseAddr(v); err == nil {
			out = append(out, net.IPAddr{IP: a.AsSlice()})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if err4 != nil && !missing(err4) {
		return nil, err4
	}
	return nil, err6
}

func missing(err error) bool {
	de, ok := err.(*net.DNSError)
	return ok && de.IsNotFound
}

// LookupAddr gives the names that an address maps to (RFC 1035 section 3.5),
// with trailing dots.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "not an address", Name: addr, IsNotFound: true}
	}
	n, err := dns.ReverseAddr(a.Unmap().String())
	if err != nil {
		return nil, &net.DNSError{Err: "not an address", Name: addr, IsNotFound: true}
	}
	return r.lookup(ctx, n, typePTR)
}

// lookup gives the records of one type at a name, from memory if it can. With
// no error there is at least one.
func (r *Resolver) lookup(ctx context.Context, n string, typ rrtype) ([]string, error) {
	q, ok := questionOf(n, typ)
	if !ok {
		return nil, &net.DNSError{Err: "not a name", Name: n, IsNotFound: true}
	}
	key := itoa(int(typ)) + " " + q.name
	t, ok, release := r.known.begin(ctx, key, r.c.clock.Now())
	defer release()
	if !ok {
		var ttl time.Duration
		t, ttl = r.c.texts(ctx, q)
		if t.err == nil || !t.err.IsTemporary {
			r.known.put(key, t, r.c.clock.Now(), min(max(ttl, shortestKept), longestKept))
		}
	}
	if t.err != nil {
		e := *t.err // callers may write into theirs
		e.Name = n
		return nil, &e
	}
	return append([]string(nil), t.values...), nil
}

// questionOf makes a question of a name as mails and records write it. Names
// with underscores ("_dmarc") and of one label are questions too.
func questionOf(n string, typ rrtype) (question, bool) {
	n = strings.TrimSuffix(strings.ToLower(n), ".")
	if _, ok := dns.IsDomainName(n); !ok || n == "" || len(n) > 253 || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		// A name in letters of other scripts is asked for in its A-labels.
		d, err := name.ParseAny(n)
		if err != nil {
			return question{}, false
		}
		n = d.String()
	}
	return question{n + ".", typ}, true
}

// texts asks q, aliases followed.
func (c *Collector) texts(ctx context.Context, q question) (texts, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.LookupTime)
	defer cancel()
	l := c.newLookup(ctx)
	o := l.resolve(q, 0)
	switch {
	case o.failure != "" || o.rcode != rcodeOK && o.rcode != rcodeNXDomain:
		why := o.failure
		if why == "" {
			why = o.rcode
		}
		// A loop or a delegation that leads nowhere will be there tomorrow; but a
		// sender is not to be judged by it.
		return texts{err: &net.DNSError{Err: why, Server: o.server, IsTemporary: true, IsTimeout: why == errTimeout}}, 0
	case len(o.records) > 0:
		var t texts
		ttl, size := maxTTL, 0
		for _, r := range o.records[:min(len(o.records), maxValues)] {
			if size += len(r.value); size > maxStrings {
				break
			}
			t.values = append(t.values, r.value)
			ttl = min(ttl, r.ttl)
		}
		return t, ttl
	}
	ttl := shortestKept
	for _, s := range o.soa {
		ttl = s.ttl
	}
	return texts{err: &net.DNSError{Err: "no such record", Server: o.server, IsNotFound: true}}, ttl
}

// plain undoes the escapes that the DNS library writes into strings.
func plain(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}
