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
// be on hold. So where the registry's name servers do not know it, the registry
// is asked for the registration. Facts are gathered for many names in a run, so a
// server whose terms of use name purposes, or allow no bulk look-ups or none of
// contacts, is not asked: whether the name is registered then stays open.
// registered may be zero.
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
			if s := c.held(ctx, registered); s == registration.Available || s == registration.Registered {
				held := s == registration.Registered
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

// held is the state of a registered domain as its registry says it, "" where it
// may not be asked or does not answer. Its registrar is not asked: it could add
// contacts only.
func (c *Collector) held(ctx context.Context, registered name.Domain) registration.State {
	ctx, cancel := context.WithTimeout(ctx, c.limits.WHOISTotal)
	defer cancel()
	s, err := c.Begin(registered)
	for err == nil {
		if rec, ok := s.Before(); ok {
			return rec.State
		}
		if t := c.Terms(s.Server); t.NoBulk || t.NoContacts || len(t.Purposes) > 0 {
			return ""
		}
		var o Outcome
		if o, err = c.Ask(ctx, s); err == nil && o.Done {
			return o.Record.State
		}
		s = o.Next
	}
	return ""
}
