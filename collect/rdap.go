package collect

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/rdap"
)

// The roles of RDAP servers, as in registration.Source.
const (
	roleRegistry  = "registry"
	roleRegistrar = "registrar"
)

// Registration asks the registry's RDAP server about a registered domain, and
// then the registrar's, if the answer names one (a link with rel "related",
// RFC 9083 section 4.2), and merges the two. Raw answers are kept and named in
// the record's Sources.
//
// Where no RDAP server is known, none answers, or what one answers is no RDAP,
// the same is asked of WHOIS (RFC 3912): at the server that the operator or
// else IANA names for the top-level domain, then at the registrar's that the
// answer names. A server that wants to be left alone is not gone round by the
// other protocol.
//
// The error is problem.NotFound when no server is known for the domain, and
// problem.Unavailable when none of those known answered. Any answer is no
// error: the record's State says what it was, its Findings what was wrong with
// it. A server that said when to come back (Retry-After) is not asked before
// (see RetryAt); until then the state is "throttled". A registrar that does
// not answer takes nothing from the registry's answer.
func (c *Collector) Registration(ctx context.Context, registered name.Domain) (registration.Record, error) {
	rec, err := c.rdapRecord(ctx, registered)
	if err == nil && rec.State != registration.Failed || ctx.Err() != nil {
		return rec, err
	}
	old, oldErr := c.whoisRecord(ctx, registered)
	switch {
	case err == nil && oldErr != nil: // an answer, such as it is
		return rec, nil
	case err == nil && old.State != registration.Registered && old.State != registration.Available && old.State != registration.Reserved:
		rec.Findings = append(rec.Findings, old.Findings...)
		return rec, nil
	case err == nil:
		old.Findings = append(old.Findings, rec.Findings...)
		return old, nil
	case oldErr == nil:
		return old, nil
	case problem.CodeOf(err) == problem.NotFound && problem.CodeOf(oldErr) == problem.NotFound:
		return rec, problem.New(problem.NotFound, "no RDAP or WHOIS server is known for %s", registered)
	}
	return rec, problem.New(problem.Unavailable, "%s; %s", problem.DocumentOf(err).Detail, problem.DocumentOf(oldErr).Detail)
}

// rdapRecord asks RDAP alone.
func (c *Collector) rdapRecord(ctx context.Context, registered name.Domain) (registration.Record, error) {
	var bases []string
	if c.rdap != nil {
		bases = c.rdap.Domain(registered)
	}
	a, err := c.askBases(ctx, bases, "domain/"+registered.String(), registered.String())
	if err != nil {
		return registration.Record{}, err
	}
	rec := a.domain(registered)
	if rec.State != registration.Registered || rec.Related == "" {
		return rec, nil
	}
	more, finding := c.registrar(ctx, registered, a.asked, rec.Related)
	if finding != nil {
		finding.Source = roleRegistrar
		rec.Findings = append(rec.Findings, *finding)
		return rec, nil
	}
	return registration.Merge(rec, more), nil
}

// registrar asks the server that the registry's answer names. The finding says
// why it was not asked or did not answer.
func (c *Collector) registrar(ctx context.Context, registered name.Domain, registry name.URL, related string) (registration.Record, *registration.Finding) {
	u, err := name.ParseURL(related)
	if err != nil {
		return registration.Record{}, &registration.Finding{ID: "rdap.related-invalid", Severity: registration.RFC,
			Path: "links", Detail: "the related link is no web address"}
	}
	if u.Host() == registry.Host() && portOf(u) == portOf(registry) {
		return registration.Record{}, &registration.Finding{ID: "rdap.related-same", Severity: registration.Advice,
			Path: "links", Detail: "the related link leads to the registry's own server"}
	}
	a, failure := c.askRDAP(ctx, u, roleRegistrar)
	switch {
	case failure == errBlocked:
		return registration.Record{}, &registration.Finding{ID: "rdap.related-refused", Severity: registration.RFC,
			Path: "links", Detail: "the related link leads to an address that is not public, or to a port that is not for the web"}
	case failure != "":
		return registration.Record{}, &registration.Finding{ID: "rdap.registrar-unreachable", Severity: registration.Advice,
			Detail: "the registrar's server " + u.Host() + " did not answer: " + failure}
	}
	return a.domain(registered), nil
}

// Network asks the regional registry's RDAP server about the network of an
// address. Errors and states are those of Registration.
func (c *Collector) Network(ctx context.Context, addr netip.Addr) (registration.Network, error) {
	if !addr.IsValid() {
		return registration.Network{}, problem.BadField("address", "is missing")
	}
	var bases []string
	if c.rdap != nil {
		bases = c.rdap.Network(addr)
	}
	a, err := c.askBases(ctx, bases, "ip/"+addr.String(), addr.String())
	if err != nil {
		return registration.Network{}, err
	}
	return a.network(), nil
}

// RetryAt says until when the registry's server for registered wants no
// question; zero when it may be asked.
func (c *Collector) RetryAt(registered name.Domain) time.Time {
	var last time.Time
	var servers []name.URL
	if c.rdap != nil {
		servers = usable(c.rdap.Domain(registered))
	}
	now := c.clock.Now()
	for _, u := range servers {
		if t, ok := c.waits.get(serverOf(u), now); ok && t.After(last) {
			last = t
		}
	}
	if len(servers) > 0 {
		return last
	}
	server, ok := c.whoisOverride(registered)
	if !ok {
		server, _ = c.whoisTLDs.get(registered.TLD(), now)
	}
	last, _ = c.waits.get(whoisKey(server), now)
	return last
}

// rdapAnswer is what a server said, or why nothing of it is read.
type rdapAnswer struct {
	rdap.Answer
	source registration.Source
	asked  name.URL
	// state and findings stand for the answer when it is not to be read.
	state    registration.State
	findings []registration.Finding
}

func (a rdapAnswer) domain(asked name.Domain) registration.Record {
	if a.state != "" {
		return registration.Record{State: a.state, Findings: a.findings, Sources: map[string]registration.Source{"": a.source}}
	}
	a.Asked = asked
	rec, _ := a.Domain(a.source) // the error is the state "error" once more
	rec.Findings = append(rec.Findings, a.findings...)
	return rec
}

func (a rdapAnswer) network() registration.Network {
	if a.state != "" {
		return registration.Network{State: a.state, Findings: a.findings, Source: a.source}
	}
	n, _ := a.Network(a.source) // the error is the state "error" once more
	n.Findings = append(n.Findings, a.findings...)
	return n
}

// askBases asks the servers known for a thing in order, https first, until one
// answers.
func (c *Collector) askBases(ctx context.Context, bases []string, path, thing string) (rdapAnswer, error) {
	servers := usable(bases)
	if len(servers) == 0 {
		return rdapAnswer{}, problem.New(problem.NotFound, "no RDAP server is known for %s", thing)
	}
	var failures []string
	for _, u := range servers {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + path
		a, failure := c.askRDAP(ctx, u, roleRegistry)
		if failure == "" {
			return a, nil
		}
		failures = append(failures, u.Host()+": "+failure)
	}
	return rdapAnswer{}, problem.New(problem.Unavailable, "no RDAP server answered for %s (%s)", thing, strings.Join(failures, ", "))
}

// maxBases is how many servers are tried for one question.
const maxBases = 4

// usable reads base URLs, https before http.
func usable(bases []string) []name.URL {
	var out []name.URL
	for _, b := range bases {
		if u, err := name.ParseURL(b); err == nil && u.RawQuery == "" {
			out = append(out, u)
		}
	}
	slices.SortStableFunc(out, func(a, b name.URL) int { return -cmp.Compare(a.Scheme, b.Scheme) })
	return out[:min(len(out), maxBases)]
}

// serverOf names the server of a URL for rate limits and waits.
func serverOf(u name.URL) string { return u.Host() + ":" + portOf(u) }

// askRDAP asks one URL, following redirects. The second result is "" or why no
// answer came, in the words of evidence.Fetch.Err.
func (c *Collector) askRDAP(ctx context.Context, u name.URL, role string) (rdapAnswer, string) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.RDAPTime)
	defer cancel()
	a := rdapAnswer{asked: u, source: registration.Source{Protocol: "rdap", Server: u.String(), Role: role, At: c.clock.Now()}}
	for at, hops := u, 0; ; hops++ {
		if t, ok := c.waits.get(serverOf(at), c.clock.Now()); ok {
			a.throttled(t, at)
			return a, ""
		}
		host := c.rdapAddresses(ctx, at)
		if host.failure != "" {
			return a, host.failure
		}
		if err := c.turns.wait(ctx, serverOf(at)); err != nil {
			return a, errTimeout
		}
		answer, failure := c.do(ctx, get{
			url: at, addrs: host.addrs, verify: true, limit: c.limits.RDAPBody, count: &c.rdapSent,
			header: http.Header{"Accept": {"application/rdap+json, application/json;q=0.9"},
				"Accept-Encoding": {"gzip"}, "User-Agent": {c.userAgent}},
			wantBody: func(status int, h http.Header) bool { return !is3xx(status) },
		})
		if failure != "" && answer.status == 0 {
			return a, failure
		}
		if is3xx(answer.status) {
			next, err := evidence.Resolve(at, answer.header.Get("Location"))
			switch {
			case err != nil || answer.header.Get("Location") == "":
				a.fail("rdap.redirect", registration.RFC, 0, "the server redirects to what is no web address")
				return a, ""
			case hops >= c.limits.RDAPHops:
				a.fail("rdap.redirects", registration.RFC, -13013, "the server redirects too many times")
				return a, ""
			case at.Scheme == "https" && next.Scheme == "http":
				a.fail("rdap.redirect-insecure", registration.RFC, 0, "the server redirects from https to http; it is not followed")
				return a, ""
			}
			at = next
			a.source.Server = at.String()
			continue
		}
		if until, ok := c.retryAfter(answer.status, answer.header); ok {
			c.waits.put(serverOf(at), until, c.clock.Now(), until.Sub(c.clock.Now()))
			a.findings = append(a.findings, retryFinding(until, at))
		}
		if answer.truncated || failure != "" {
			if !answer.tooLong {
				return a, answer.fault
			}
			a.fail("rdap.size", registration.RFC, 0, "the answer is over "+strconv.FormatInt(c.limits.RDAPBody, 10)+" octets; it is not read")
			return a, ""
		}
		contentType := evidence.Clean(answer.header.Get("Content-Type"), 200)
		a.source.Blob = c.keep(ctx, cmp.Or(contentType, "application/octet-stream"), answer.body)
		a.Answer = rdap.Answer{Status: answer.status, ContentType: contentType, Body: answer.body}
		return a, ""
	}
}

// fail makes the answer one that is not read.
func (a *rdapAnswer) fail(id string, severity registration.Severity, icann int, detail string) {
	a.state = registration.Failed
	a.findings = append(a.findings, registration.Finding{ID: id, Severity: severity, ICANNCode: icann, Detail: detail})
}

// throttled makes the answer that a server which asked to be left alone would
// give.
func (a *rdapAnswer) throttled(until time.Time, at name.URL) {
	a.state = registration.Throttled
	a.source.Server = at.String()
	a.findings = append(a.findings, retryFinding(until, at))
}

func retryFinding(until time.Time, at name.URL) registration.Finding {
	return registration.Finding{ID: "rdap.retry-after", Severity: registration.Advice,
		Detail: at.Host() + " wants no question before " + until.UTC().Format(time.RFC3339)}
}

// retryAfter reads when a server that refused wants to be asked again
// (RFC 9110 section 10.2.3, RFC 6585 section 4): seconds, or a date. It is at
// most a day away.
func (c *Collector) retryAfter(status int, h http.Header) (time.Time, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable || v == "" {
		return time.Time{}, false
	}
	now := c.clock.Now()
	until, err := http.ParseTime(v)
	if n, e := strconv.ParseUint(v, 10, 31); e == nil {
		until, err = now.Add(time.Duration(n)*time.Second), nil
	}
	if err != nil || !until.After(now) {
		return time.Time{}, false
	}
	if last := now.Add(maxTTL); until.After(last) {
		until = last
	}
	return until.UTC(), true
}

// rdapAddresses resolves an RDAP server.
func (c *Collector) rdapAddresses(ctx context.Context, u name.URL) resolved {
	if u.Addr.IsValid() {
		return resolved{addrs: []netip.Addr{u.Addr}}
	}
	return c.serverAddresses(ctx, u.Host())
}

// serverAddresses resolves an RDAP or WHOIS server. Unlike the names under
// investigation, its addresses are remembered for their time-to-live.
func (c *Collector) serverAddresses(ctx context.Context, host string) resolved {
	if a, err := netip.ParseAddr(host); err == nil {
		return resolved{addrs: []netip.Addr{a}}
	}
	d, err := name.Parse(host)
	if err != nil {
		return resolved{failure: errMalformed}
	}
	r, ok, release := c.servers.begin(ctx, host, c.clock.Now())
	defer release()
	if ok {
		return r
	}
	r = c.addresses(ctx, d)
	if r.failure == "" {
		c.servers.put(host, r, c.clock.Now(), r.ttl)
	}
	return r
}
