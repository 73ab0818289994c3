package collect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"bailiwick/accuracy"
	"bailiwick/name"
	"bailiwick/registration"
)

// maxFactHosts is how many mail servers of a domain are noted.
const maxFactHosts = 20

// MailFact sees whether a domain could take mail: its mail servers, or that it
// says it takes none (RFC 7505), or else an address of its own (RFC 5321
// section 5.1); and whether the registered domain above it exists. Nothing is
// sent, and no mail server is spoken to.
//
// That a name is not delegated does not say that it is not registered: it may
// be on hold. So where the registry's name servers do not know it, the
// registration is asked for. registered may be zero.
func (c *Collector) MailFact(ctx context.Context, domain, registered name.Domain) accuracy.MailFact {
	f := accuracy.MailFact{At: c.clock.Now()}
	dns, cancel := context.WithTimeout(ctx, c.limits.LookupTime)
	defer cancel()
	l := c.newLookup(dns)
	if !registered.IsZero() {
		switch o := l.delegation(fqdn(registered)); {
		case o.failure != "" || o.rcode != rcodeOK && o.rcode != rcodeNXDomain:
			f.Failure = cmp.Or(o.failure, o.rcode)
			return f
		case o.rcode == rcodeOK:
			yes := true
			f.Registered = &yes
		default:
			cancel()
			if rec, err := c.Registration(ctx, registered); err == nil && (rec.State == registration.Available || rec.State == registration.Registered) {
				held := rec.State == registration.Registered
				f.Registered = &held
			}
			return f
		}
	}
	mx := l.resolve(question{fqdn(domain), typeMX}, 0)
	if mx.failure != "" || mx.rcode != rcodeOK && mx.rcode != rcodeNXDomain {
		f.Failure = cmp.Or(mx.failure, mx.rcode)
		return f
	}
	slices.SortFunc(mx.records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.pref, b.pref), cmp.Compare(a.host, b.host))
	})
	for _, r := range mx.records {
		if r.host == "." {
			f.NullMX = true
		} else if len(f.MX) < maxFactHosts {
			f.MX = append(f.MX, strings.TrimSuffix(r.host, "."))
		}
	}
	if len(mx.records) > 0 || mx.rcode == rcodeNXDomain {
		return f
	}
	later := ""
	for _, t := range []rrtype{typeA, typeAAAA} {
		o := l.resolve(question{fqdn(domain), t}, 0)
		if len(o.records) > 0 {
			f.Address = true
			return f
		}
		if o.failure != "" || o.rcode != rcodeOK && o.rcode != rcodeNXDomain {
			later = cmp.Or(o.failure, o.rcode)
		}
	}
	f.Failure = later // with no address seen, a failure leaves it open
	return f
}
