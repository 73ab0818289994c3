package collect

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
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
	s, err := c.Begin(registered)
	if err != nil {
		return registration.Record{}, err
	}
	byWHOIS := false
	for {
		if s.Protocol == protocolWHOIS && !byWHOIS {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.limits.WHOISTotal)
			defer cancel()
			byWHOIS = true
		}
		o, err := c.Ask(ctx, s)
		if err != nil || o.Done {
			return o.Record, err
		}
		s = o.Next
	}
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
	return c.readNetwork(ctx, &a), nil
}

// Autnum asks the regional registry's RDAP server about an AS number. Errors
// and states are those of Registration.
func (c *Collector) Autnum(ctx context.Context, number uint32) (registration.Autnum, error) {
	var bases []string
	if c.rdap != nil {
		bases = c.rdap.Autnum(number)
	}
	n := strconv.FormatUint(uint64(number), 10)
	a, err := c.askBases(ctx, bases, "autnum/"+n, "AS"+n)
	if err != nil {
		return registration.Autnum{}, err
	}
	out := registration.Autnum{State: a.state, Source: a.source}
	if a.state == "" {
		out, _ = a.Autnum(a.source) // the error is the state "error" once more
	}
	c.read(ctx, &a, out.State)
	out.Findings = append(out.Findings, a.findings...)
	return out, nil
}

// maxHandle is the longest handle of an entity that is asked for, in octets.
const maxHandle = 255

// Entity asks about the person or organisation of a handle, at the server that
// its object tag names (RFC 8521). Errors and states are those of Registration;
// problem.Invalid is for what is no handle.
func (c *Collector) Entity(ctx context.Context, handle string) (registration.Entity, error) {
	if handle == "" || len(handle) > maxHandle || strings.ContainsFunc(handle, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return registration.Entity{}, problem.BadField("handle", "is empty, longer than %d octets, or has characters that handles do not", maxHandle)
	}
	var bases []string
	if c.rdap != nil {
		bases = c.rdap.Entity(handle)
	}
	a, err := c.askBases(ctx, bases, "entity/"+url.PathEscape(handle), "the handle "+handle)
	if err != nil {
		return registration.Entity{}, err
	}
	out := registration.Entity{State: a.state, Source: a.source}
	if a.state == "" {
		out, _ = a.Entity(a.source) // the error is the state "error" once more
	}
	c.read(ctx, &a, out.State)
	out.Findings = append(out.Findings, a.findings...)
	return out, nil
}

// RetryAt says until when the registry's server for registered wants no
// question, as far as this collector has heard; zero when it may be asked.
func (c *Collector) RetryAt(registered name.Domain) time.Time {
	var last time.Time
	var servers []name.URL
	if c.rdap != nil {
		servers = usable(c.rdap.Domain(registered))
	}
	now := c.clock.Now()
	for _, u := range servers {
		if h, ok := c.holds.get(serverOf(u), now); ok && h.Until.After(last) {
			last = h.Until
		}
	}
	if len(servers) > 0 {
		return last
	}
	server, ok := c.whoisOverride(registered)
	if !ok {
		server, _ = c.whoisTLDs.get(registered.TLD(), now)
	}
	h, _ := c.holds.get(whoisKey(server), now)
	return h.Until
}

// rdapAnswer is what a server said, or why nothing of it is read.
type rdapAnswer struct {
	rdap.Answer
	source registration.Source
	asked  name.URL
	until  time.Time // when a server that is left alone may be asked again
	kept   bool      // the answer is one of before
	server string    // who answered
	q      *asking   // nil when nobody was asked
	next   name.URL  // another server that the one asked redirects to; hops is how often so far
	hops   int
	// state and findings stand for the answer when it is not to be read.
	state    registration.State
	findings []registration.Finding
}

func (c *Collector) readDomain(ctx context.Context, a *rdapAnswer, asked name.Domain) registration.Record {
	var rec registration.Record
	if a.state != "" {
		rec = registration.Record{State: a.state, Sources: map[string]registration.Source{"": a.source}}
	} else {
		a.Asked = asked
		rec, _ = a.Domain(a.source) // the error is the state "error" once more
	}
	c.read(ctx, a, rec.State)
	rec.Findings = append(rec.Findings, a.findings...)
	return rec
}

// read draws the conclusions about the server from what its answer is: one
// that says it was asked too often, in whatever words, is left alone; one that
// says something is as good as new, and may be remembered.
func (c *Collector) read(ctx context.Context, a *rdapAnswer, s registration.State) {
	if a.q == nil {
		return
	}
	if s == registration.Throttled && !a.q.held {
		a.until = a.q.throttled(time.Time{}, firstBackoffRDAP)
		a.findings = append(a.findings, holdFinding(protocolRDAP, hostOf(a.server), Hold{Until: a.until}))
	}
	a.q.answered()
	if s == registration.Registered || s == registration.Available || s == registration.Reserved {
		c.remember(ctx, serverOf(a.asked), a.asked.String(), Kept{Raw: a.Body, Blob: a.source.Blob, Server: a.source.Server,
			Status: a.Status, ContentType: a.ContentType, At: a.source.At})
	}
}

func (c *Collector) readNetwork(ctx context.Context, a *rdapAnswer) registration.Network {
	n := registration.Network{State: a.state, Source: a.source}
	if a.state == "" {
		n, _ = a.Network(a.source) // the error is the state "error" once more
	}
	c.read(ctx, a, n.State)
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
		a, failure := c.followRDAP(ctx, u)
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

// followRDAP asks one URL, following redirects to wherever they lead. The
// second result is that of askRDAP.
func (c *Collector) followRDAP(ctx context.Context, u name.URL) (rdapAnswer, string) {
	a, failure := c.askRDAP(ctx, u, u, roleRegistry, 0)
	for failure == "" && !a.next.IsZero() {
		a, failure = c.askRDAP(ctx, u, a.next, roleRegistry, a.hops)
	}
	return a, failure
}

// askRDAP asks the server of one URL, following redirects as long as they stay
// with it: another has a budget of its own, and is for the caller to ask
// (next). asked is what the caller set out with, and hops how many redirects
// led from there. The second result is "" or why no answer came, in the words
// of evidence.Fetch.Err and of Outcome.Failed.
func (c *Collector) askRDAP(ctx context.Context, asked, u name.URL, role string, hops int) (rdapAnswer, string) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.limits.RDAPTime)
	defer cancel()
	a := rdapAnswer{asked: asked, server: serverOf(u), source: registration.Source{Protocol: protocolRDAP, Server: u.String(), Role: role, At: c.clock.Now()}}
	if k, ok := c.kept(ctx, serverOf(asked), asked.String()); ok {
		a.kept, a.source.Server, a.source.At, a.source.Blob = true, k.Server, k.At, k.Blob
		a.Answer = rdap.Answer{Status: k.Status, ContentType: k.ContentType, Body: k.Raw}
		return a, ""
	}
	for at := u; ; hops++ {
		host := c.rdapAddresses(ctx, at)
		if host.failure != "" {
			return a, host.failure
		}
		q, hold, failure := c.turn(ctx, parent, a.server)
		switch {
		case failure != "":
			return a, failure
		case hold.Why == HoldFailing:
			a.until = hold.Until
			return a, errHeld
		case q == nil:
			a.state, a.until = registration.Throttled, hold.Until
			a.findings = append(a.findings, holdFinding(protocolRDAP, at.Host(), hold))
			return a, ""
		}
		answer, failure := c.doKept(ctx, get{
			url: at, addrs: host.addrs, limit: c.limits.RDAPBody, count: &c.rdapSent,
			header: http.Header{"Accept": {"application/rdap+json, application/json;q=0.9"},
				"Accept-Encoding": {"gzip"}, "User-Agent": {c.userAgent}},
			wantBody: func(status int, h http.Header) bool { return !is3xx(status) },
		})
		q.end()
		if failure != "" && answer.status == 0 {
			q.failed(failure)
			return a, failure
		}
		if is3xx(answer.status) {
			q.answered()
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
			case serverOf(next) != a.server:
				a.next, a.hops = next, hops+1
				return a, ""
			}
			at = next
			a.source.Server = at.String()
			continue
		}
		a.q = q
		until, told := c.retryAfter(answer.status, answer.header)
		if told || answer.status == http.StatusTooManyRequests {
			a.until = q.throttled(until, firstBackoffRDAP)
			a.findings = append(a.findings, holdFinding(protocolRDAP, at.Host(), Hold{Until: a.until}))
		}
		if answer.truncated || failure != "" {
			if !answer.tooLong {
				q.failed(cmp.Or(answer.fault, failure))
				return a, cmp.Or(answer.fault, failure)
			}
			a.fail("rdap.size", registration.RFC, 0, "the answer is over "+strconv.FormatInt(c.limits.RDAPBody, 10)+" octets; it is not read")
			return a, ""
		}
		contentType := evidence.Clean(answer.header.Get("Content-Type"), 200)
		a.source.Blob = c.keep(ctx, cmp.Or(contentType, "application/octet-stream"), answer.body)
		a.Answer = rdap.Answer{Status: answer.status, ContentType: contentType, Body: answer.body}
		if turnsAway(answer.status) {
			a.state = registration.Throttled
			a.findings = append(a.findings, registration.Finding{ID: "rdap.refused", Severity: registration.Advice, Path: "$",
				Detail: "the server turned the question away with HTTP status " + strconv.Itoa(answer.status) + "; that says nothing about what was asked for"})
		}
		return a, ""
	}
}

// turnsAway says whether a status is about who asks, or about the server, and not
// about what was asked for (RFC 9110 sections 15.5.4 and 15.6.4; RFC 7480 section 5
// leaves 404 alone to mean that there is nothing). Whatever the body says, such an
// answer is no absence, and its server is left alone for a while: who asks on under
// a ban prolongs it, and who goes round by the other protocol invites the next.
func turnsAway(status int) bool {
	return status == http.StatusForbidden || status == http.StatusServiceUnavailable
}

// fail makes the answer one that is not read.
func (a *rdapAnswer) fail(id string, severity registration.Severity, icann int, detail string) {
	a.state = registration.Failed
	a.findings = append(a.findings, registration.Finding{ID: id, Severity: severity, ICANNCode: icann, Detail: detail})
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
