package collect

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
)

// fqdn is a checked name as the resolver writes names.
func fqdn(d name.Domain) string { return d.String() + "." }

// DNS measures host: first what the registry says about registered (the
// delegation, asked at the servers above it), then what the name's own servers
// answer for A, AAAA, MX and SOA, aliases followed. registered may be zero
// when host has no registered domain: then there is no Delegation.
//
// Nothing below the top-level domains is taken from an earlier call. When the
// registry does not delegate the name, its own servers are not asked, and the
// registry's answer stands in their place with the registry's server named.
// For a negative SOA answer the value is the SOA that came with it. There is
// no error: what goes wrong is what the answers say.
func (c *Collector) DNS(ctx context.Context, host, registered name.Domain) evidence.DNS {
	d, _ := c.measure(ctx, host, registered)
	return d
}

// measure is DNS, and the addresses as fetches use them.
func (c *Collector) measure(ctx context.Context, host, registered name.Domain) (evidence.DNS, resolved) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.LookupTime)
	defer cancel()
	d := evidence.DNS{Name: host, At: c.clock.Now()}
	l := c.newLookup(ctx)
	if !registered.IsZero() {
		o := l.delegation(fqdn(registered))
		d.Delegation = answer(o)
		if host.Under(registered) && (o.failure != "" || o.rcode != rcodeOK) {
			a := d.Delegation
			d.A, d.AAAA, d.MX, d.SOA = a, a, a, a
			return d, resolvedFrom(o, o)
		}
	}
	if host.IsZero() {
		return d, resolved{}
	}
	n := fqdn(host)
	a := l.resolve(question{n, typeA}, 0)
	aaaa := l.resolve(question{n, typeAAAA}, 0)
	d.A, d.AAAA = answer(a), answer(aaaa)
	for _, alias := range a.aliases {
		if t, err := name.ParseAny(alias); err == nil { // others are followed, but are no names that evidence can hold
			d.CNAMEs = append(d.CNAMEs, t)
		}
	}
	d.MX = answer(l.resolve(question{n, typeMX}, 0))
	soa := l.resolve(question{n, typeSOA}, 0)
	if len(soa.records) == 0 {
		soa.records = soa.soa
	}
	d.SOA = answer(soa)
	return d, resolvedFrom(a, aaaa)
}

// answer puts an outcome into the words of evidence.
func answer(o outcome) evidence.Answer {
	a := evidence.Answer{RCode: o.rcode, Server: o.server, Err: o.failure}
	for _, r := range o.records {
		a.Values = append(a.Values, r.value)
	}
	slices.Sort(a.Values)
	a.Values = slices.Compact(a.Values)
	if len(a.Values) > maxValues {
		a.Values = slices.Clip(a.Values[:maxValues])
	}
	return a
}

// resolved is a host name's addresses, or why there are none in the words of
// evidence.Fetch.Err. IPv4 comes first, each family in order of number.
type resolved struct {
	addrs   []netip.Addr
	failure string
	ttl     time.Duration // the shortest of the records
}

func resolvedFrom(os ...outcome) resolved {
	r := resolved{ttl: maxTTL}
	gone, slow, blocked := true, false, false
	for _, o := range os {
		gone = gone && o.rcode == rcodeNXDomain
		slow = slow || o.failure == errTimeout
		blocked = blocked || o.failure == errBlocked
		for _, rec := range o.records {
			if rec.addr.IsValid() {
				r.addrs = append(r.addrs, rec.addr)
				r.ttl = min(r.ttl, rec.ttl)
			}
		}
	}
	slices.SortFunc(r.addrs, netip.Addr.Compare)
	r.addrs = slices.Compact(r.addrs)
	switch {
	case len(r.addrs) > 0:
	case gone:
		r.failure = "nxdomain"
	case blocked:
		r.failure = errBlocked
	case slow:
		r.failure = errTimeout
	default:
		r.failure = "dns"
	}
	return r
}

// addresses resolves a host for a connection.
func (c *Collector) addresses(ctx context.Context, host name.Domain) resolved {
	ctx, cancel := context.WithTimeout(ctx, c.limits.LookupTime)
	defer cancel()
	l := c.newLookup(ctx)
	n := fqdn(host)
	return resolvedFrom(l.resolve(question{n, typeA}, 0), l.resolve(question{n, typeAAAA}, 0))
}

// MailHost is one host that takes mail for a domain.
type MailHost struct {
	Name       name.Domain
	Preference uint16
	Addrs      []netip.Addr // those the guard lets through, IPv4 first
}

// Bounds of a mail route.
const maxMailHosts = 10

// MailHosts finds who takes mail for domain (RFC 5321 section 5.1): the hosts
// of its MX records in order of preference, or the domain itself when there
// are none. Hosts of one preference come in order of name, where the RFC asks
// for a random one, so that a run can be repeated.
//
// The error is problem.NotFound when the domain does not exist, takes no mail
// (a null MX, RFC 7505) or has no host with an address; problem.Refused when
// all addresses are refused by the guard; problem.Unavailable when DNS did not
// answer and may later.
func (c *Collector) MailHosts(ctx context.Context, domain name.Domain) ([]MailHost, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.LookupTime)
	defer cancel()
	l := c.newLookup(ctx)
	o := l.resolve(question{fqdn(domain), typeMX}, 0)
	switch {
	case o.rcode == rcodeNXDomain:
		return nil, problem.New(problem.NotFound, "%s does not exist", domain)
	case o.failure != "" || o.rcode != rcodeOK:
		return nil, problem.New(problem.Unavailable, "the mail servers of %s cannot be found: %s", domain, cmp.Or(o.failure, o.rcode))
	}
	slices.SortFunc(o.records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.pref, b.pref), cmp.Compare(a.host, b.host))
	})
	hosts := []MailHost{{Name: domain}} // implicit MX
	if len(o.records) > 0 {
		hosts = hosts[:0]
		null := false
		for _, r := range o.records {
			if r.host == "." {
				null = true
				continue
			}
			if d, err := name.ParseAny(strings.TrimSuffix(r.host, ".")); err == nil && len(hosts) < maxMailHosts {
				hosts = append(hosts, MailHost{Name: d, Preference: r.pref})
			}
		}
		if len(hosts) == 0 && null {
			return nil, problem.New(problem.NotFound, "%s says that it takes no mail (null MX)", domain)
		}
	}
	var out []MailHost
	later, refused := "", 0
	for _, h := range hosts {
		for _, t := range []rrtype{typeA, typeAAAA} {
			o := l.resolve(question{fqdn(h.Name), t}, 0)
			if o.failure != "" || o.rcode != rcodeOK && o.rcode != rcodeNXDomain {
				later = cmp.Or(o.failure, o.rcode)
			}
			for _, r := range o.records {
				if c.guard.Check(r.addr) != nil {
					refused++
					continue
				}
				h.Addrs = append(h.Addrs, r.addr)
			}
		}
		slices.SortFunc(h.Addrs, netip.Addr.Compare)
		if h.Addrs = slices.Compact(h.Addrs); len(h.Addrs) > 0 {
			out = append(out, h)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case later != "":
		return nil, problem.New(problem.Unavailable, "no mail server of %s has an address now: %s", domain, later)
	case refused > 0:
		return nil, problem.New(problem.Refused, "the mail servers of %s have no public address", domain)
	}
	return nil, problem.New(problem.NotFound, "no mail server of %s has an address", domain)
}

// MX is MailHosts as addresses on port 25 in the order to try them.
func (c *Collector) MX(ctx context.Context, domain name.Domain) ([]netip.AddrPort, error) {
	hosts, err := c.MailHosts(ctx, domain)
	if err != nil {
		return nil, err
	}
	var out []netip.AddrPort
	for _, h := range hosts {
		for _, a := range h.Addrs {
			out = append(out, netip.AddrPortFrom(a, 25))
		}
	}
	return out, nil
}
