package collect

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/whois"
)

// The roles of a Step beside those of registration.Source.
const (
	// roleReferral is IANA's WHOIS server, which is told a top-level domain and
	// says which server answers for it.
	roleReferral = "referral"
)

// The protocols of a Step, as in registration.Source.
const (
	protocolRDAP  = "rdap"
	protocolWHOIS = "whois"
)

// Step is one question of a lookup: who is asked, by which protocol. A lookup
// is a chain of steps, each with one server, so that a caller with many
// lookups can keep a queue for each server. A Step is a value: it may be asked
// again, and is of no use to another Collector.
type Step struct {
	Domain   name.Domain // what the lookup is about
	Protocol string      // "rdap" or "whois"
	// Role is whom the server speaks for: "registry", "registrar", or "referral"
	// for IANA's WHOIS server, which only says who the registry's is.
	Role string
	// Server is "host:port": the key of its budget (Config.Budgets) and of its
	// terms of use (Config.Terms).
	Server string

	url      name.URL   // RDAP: what is asked for
	more     []name.URL // RDAP: the registry's other servers
	failures []string   // RDAP: what became of those asked before
	asks     name.URL   // RDAP: what was asked for before redirects; zero: url
	hops     int        // RDAP: redirects so far
	// ended is how RDAP ended, once WHOIS is asked in its place.
	ended rdapEnd
	whois string               // WHOIS: the host of Server
	asked []string             // WHOIS: the servers asked before, in order
	have  *registration.Record // registrar: what the answers before say
}

// rdapEnd is what WHOIS is asked in the place of: no answer (err), or one that
// is no RDAP (rec).
type rdapEnd struct {
	rec registration.Record
	err error
}

// Before is what the answers before the step say, which stands when the step is
// never asked; false when none of them was a record.
func (s Step) Before() (registration.Record, bool) {
	return s.sofar(), s.have != nil && s.have.State == registration.Registered
}

// Outcome is what became of one Step.
type Outcome struct {
	// Done says that Record is the end of the lookup. Otherwise Next is to be
	// asked.
	Done   bool
	Record registration.Record
	Next   Step
	// Throttled says that the server wants no question now: it was not asked, or
	// answered only that. The lookup is Done for who does not wait, with the
	// Record that stands without the answer; who waits asks Next, which is the
	// same step, at RetryAt or later. RetryAt is zero when the server did not
	// say.
	Throttled bool
	RetryAt   time.Time
	// FromCache says that the answer was one kept before (Config.Answers), and
	// no question was put.
	FromCache bool
	// Failed says why the server gave no answer, in the words of
	// evidence.Fetch.Err ("timeout", "refused", "blocked" …), or that it was not
	// asked: "left alone" when it failed lately and is to be asked again at
	// RetryAt, "budget" when the shared budget cannot be read. "" for an answer
	// of any kind. The lookup goes on without it where it can.
	Failed string
}

// Begin gives the first step of looking registered, a registered domain, up.
// It asks nobody: where WHOIS is the way and IANA's referral is not known yet,
// that is itself a step. The error is problem.NotFound when no server is
// known.
func (c *Collector) Begin(registered name.Domain) (Step, error) {
	s := Step{Domain: registered}
	var bases []string
	if c.rdap != nil {
		bases = c.rdap.Domain(registered)
	}
	if servers := usable(bases); len(servers) > 0 {
		for i := range servers {
			servers[i].Path = strings.TrimSuffix(servers[i].Path, "/") + "/domain/" + registered.String()
		}
		return s.toRDAP(servers[0], roleRegistry, servers[1:]), nil
	}
	s.ended.err = problem.New(problem.NotFound, "no RDAP server is known for %s", registered)
	next, err := c.beginWHOIS(s)
	if err != nil {
		_, err = s.settle(registration.Record{}, err)
	}
	return next, err
}

// Ask puts the step's one question and gives either the record or the next
// step. It waits for the server's turn. The error is that of Registration:
// problem.NotFound when no server is known for the domain, and
// problem.Unavailable when none of those known answered; the Outcome then says
// of this step what is known of it (Failed).
func (c *Collector) Ask(ctx context.Context, s Step) (Outcome, error) {
	switch {
	case s.Protocol == protocolRDAP && s.Role == roleRegistry:
		return c.askRegistry(ctx, s)
	case s.Protocol == protocolRDAP:
		return c.askRegistrar(ctx, s), nil
	case s.Protocol == protocolWHOIS && s.Role == roleReferral:
		return c.askReferral(ctx, s)
	case s.Protocol == protocolWHOIS:
		return c.askPort43(ctx, s)
	}
	return Outcome{}, problem.BadField("step", "is not one that Begin or Ask gave")
}

// toRDAP is the step that asks u.
func (s Step) toRDAP(u name.URL, role string, more []name.URL) Step {
	s.Protocol, s.Role, s.Server, s.url, s.more = protocolRDAP, role, serverOf(u), u, more
	return s
}

// toWHOIS is the step that asks a WHOIS server.
func (s Step) toWHOIS(server, role string) Step {
	s.Protocol, s.Role, s.Server, s.whois = protocolWHOIS, role, whoisKey(server), server
	return s
}

// askRegistry asks the registry's RDAP server.
func (c *Collector) askRegistry(ctx context.Context, s Step) (Outcome, error) {
	a, failure := c.askRDAP(ctx, s.origin(), s.url, roleRegistry, s.hops)
	if !a.next.IsZero() {
		return Outcome{Next: s.redirected(a)}, nil
	}
	if failure != "" {
		o := Outcome{Failed: failure, RetryAt: a.until}
		s.failures = append(slices.Clone(s.failures), s.url.Host()+": "+failure)
		if len(s.more) > 0 {
			o.Next = s.toRDAP(s.more[0], roleRegistry, s.more[1:])
			return o, nil
		}
		s.ended.err = problem.New(problem.Unavailable, "no RDAP server answered for %s (%s)", s.Domain, strings.Join(s.failures, ", "))
		return c.toWHOISFrom(ctx, s, o)
	}
	rec := c.readDomain(ctx, &a, s.Domain)
	switch {
	case rec.State == registration.Throttled:
		return Outcome{Done: true, Record: rec, Throttled: true, RetryAt: a.until, Next: s}, nil
	case rec.State == registration.Failed:
		s.ended.rec = rec
		return c.toWHOISFrom(ctx, s, Outcome{FromCache: a.kept})
	case rec.State != registration.Registered || rec.Related == "":
		return Outcome{Done: true, Record: rec, FromCache: a.kept}, nil
	}
	related, finding := relatedURL(rec.Related, a.asked)
	if finding != nil {
		finding.Source = roleRegistrar
		rec.Findings = append(rec.Findings, *finding)
		return Outcome{Done: true, Record: rec, FromCache: a.kept}, nil
	}
	next := Step{Domain: s.Domain, have: &rec}
	return Outcome{Next: next.toRDAP(related, roleRegistrar, nil), FromCache: a.kept}, nil
}

// origin is what the lookup set out to ask with this step, before redirects.
func (s Step) origin() name.URL {
	if s.asks.IsZero() {
		return s.url
	}
	return s.asks
}

// redirected is the step that asks where the server of s redirects to, another
// server.
func (s Step) redirected(a rdapAnswer) Step {
	s.asks, s.hops = s.origin(), a.hops
	s.url, s.Server = a.next, serverOf(a.next)
	return s
}

// relatedURL reads where the registry's answer says that the registrar's is.
// The finding says why it is not asked.
func relatedURL(related string, registry name.URL) (name.URL, *registration.Finding) {
	u, err := name.ParseURL(related)
	if err != nil {
		return u, &registration.Finding{ID: "rdap.related-invalid", Severity: registration.RFC,
			Path: "links", Detail: "the related link is no web address"}
	}
	if u.Host() == registry.Host() && portOf(u) == portOf(registry) {
		return u, &registration.Finding{ID: "rdap.related-same", Severity: registration.Advice,
			Path: "links", Detail: "the related link leads to the registry's own server"}
	}
	return u, nil
}

// askRegistrar asks the RDAP server that the registry's answer names. Whatever
// it does, the registry's answer stands.
func (c *Collector) askRegistrar(ctx context.Context, s Step) Outcome {
	rec := s.sofar()
	a, failure := c.askRDAP(ctx, s.origin(), s.url, roleRegistrar, s.hops)
	if !a.next.IsZero() {
		return Outcome{Next: s.redirected(a)}
	}
	if failure != "" {
		finding := registration.Finding{ID: "rdap.registrar-unreachable", Severity: registration.Advice, Source: roleRegistrar,
			Detail: "the registrar's server " + s.url.Host() + " did not answer: " + failure}
		if failure == errBlocked {
			finding = registration.Finding{ID: "rdap.related-refused", Severity: registration.RFC, Source: roleRegistrar,
				Path: "links", Detail: "the related link leads to an address that is not public, or to a port that is not for the web"}
		}
		rec.Findings = append(rec.Findings, finding)
		return Outcome{Done: true, Record: rec, Failed: failure, RetryAt: a.until}
	}
	theirs := c.readDomain(ctx, &a, s.Domain)
	o := Outcome{Done: true, Record: registration.Merge(rec, theirs), FromCache: a.kept}
	if theirs.State == registration.Throttled {
		o.Throttled, o.RetryAt, o.Next = true, a.until, s
	}
	return o
}

// sofar is a copy of the record that the answers before make, so that the step
// may be asked again.
func (s Step) sofar() registration.Record {
	if s.have == nil {
		return registration.Record{}
	}
	rec := *s.have
	rec.Findings = slices.Clone(rec.Findings)
	rec.Sources = maps.Clone(rec.Sources)
	return rec
}

// toWHOISFrom goes on with WHOIS after RDAP ended with no answer, or none that
// can be read. o is what became of the step that RDAP ended with.
func (c *Collector) toWHOISFrom(ctx context.Context, s Step, o Outcome) (Outcome, error) {
	if ctx.Err() != nil { // the caller's time is over, not the server's
		o.Done, o.Record = true, s.ended.rec
		return o, s.ended.err
	}
	next, err := c.beginWHOIS(Step{Domain: s.Domain, ended: s.ended})
	if err == nil {
		o.Next = next
		return o, nil
	}
	return s.settled(o, registration.Record{}, err)
}

// beginWHOIS gives the first step by WHOIS. The error is problem.NotFound when
// there is known to be no server.
func (c *Collector) beginWHOIS(s Step) (Step, error) {
	server, known := c.whoisOverride(s.Domain)
	if !known {
		server, known = c.whoisTLDs.get(s.Domain.TLD(), c.clock.Now())
	}
	switch {
	case !known:
		return s.toWHOIS(c.whoisRoot, roleReferral), nil
	case server == "":
		return s, problem.New(problem.NotFound, "no WHOIS server is known for %s", s.Domain)
	}
	return s.toWHOIS(server, roleRegistry), nil
}

// settle makes one result of how RDAP ended and of what WHOIS gave in its
// place.
func (s Step) settle(old registration.Record, oldErr error) (registration.Record, error) {
	rec, err := s.ended.rec, s.ended.err
	switch {
	case err == nil && oldErr != nil: // an answer, such as it is
		return rec, nil
	case err == nil && old.State != registration.Registered && old.State != registration.Available && old.State != registration.Reserved:
		rec.Findings = append(slices.Clone(rec.Findings), old.Findings...)
		return rec, nil
	case err == nil:
		old.Findings = append(old.Findings, rec.Findings...)
		return old, nil
	case oldErr == nil:
		return old, nil
	case problem.CodeOf(err) == problem.NotFound && problem.CodeOf(oldErr) == problem.NotFound:
		return rec, problem.New(problem.NotFound, "no RDAP or WHOIS server is known for %s", s.Domain)
	}
	return rec, problem.New(problem.Unavailable, "%s; %s", problem.DocumentOf(err).Detail, problem.DocumentOf(oldErr).Detail)
}

// settled ends the lookup with what WHOIS gave.
func (s Step) settled(o Outcome, old registration.Record, oldErr error) (Outcome, error) {
	rec, err := s.settle(old, oldErr)
	o.Done, o.Record = true, rec
	return o, err
}

// askReferral asks IANA which server answers for the top-level domain.
func (c *Collector) askReferral(ctx context.Context, s Step) (Outcome, error) {
	server, o := c.whoisFor(ctx, s)
	switch {
	case o.Failed != "" || o.Throttled:
		detail := o.Failed
		if detail == "" {
			detail = findingText(o.Record.Findings)
		}
		o, err := s.settled(o, registration.Record{}, problem.New(problem.Unavailable, "the WHOIS server for %s is not known (%s: %s)", s.Domain, c.whoisRoot, detail))
		return o, err
	case server == "":
		return s.settled(o, registration.Record{}, problem.New(problem.NotFound, "no WHOIS server is known for %s", s.Domain))
	}
	o.Next = s.toWHOIS(server, roleRegistry)
	return o, nil
}

// whoisFor finds the WHOIS server for the names of a top-level domain by
// IANA's word, which is remembered for a day. "" means that there is none,
// unless the outcome says that nobody could be asked.
func (c *Collector) whoisFor(ctx context.Context, s Step) (server string, o Outcome) {
	tld, err := name.ParseAny(s.Domain.TLD())
	if err != nil {
		return "", Outcome{Failed: errMalformed}
	}
	server, ok, release := c.whoisTLDs.begin(ctx, tld.String(), c.clock.Now())
	defer release()
	if ok {
		return server, Outcome{FromCache: true}
	}
	// Only the top-level domain is told to IANA, not the name.
	a, failure := c.askWHOIS(ctx, s.whois, tld, roleRegistry)
	switch {
	case failure != "":
		return "", Outcome{Failed: failure, RetryAt: a.until}
	case a.state == registration.Throttled:
		return "", Outcome{Throttled: true, RetryAt: a.until, Next: s, Record: registration.Record{Findings: a.findings}}
	case a.state != "":
		return "", Outcome{Failed: findingText(a.findings)}
	}
	if server = whoisHost(whois.Referral(a.raw)); server == "" {
		// An answer that is no entry says nothing about who there is, and is not
		// remembered as if it did.
		switch rec, _ := whois.Answer(a.raw, a.source); rec.State {
		case registration.Throttled:
			until := a.q.throttled(time.Time{}, firstBackoff)
			return "", Outcome{Throttled: true, RetryAt: until, Next: s,
				Record: registration.Record{Findings: []registration.Finding{{Detail: "it was asked too often"}}}}
		case registration.Failed:
			return "", Outcome{Failed: errMalformed}
		}
	}
	a.q.answered()
	c.whoisTLDs.put(tld.String(), server, c.clock.Now(), maxTTL)
	return server, Outcome{}
}

// askPort43 asks a registry's or a registrar's WHOIS server.
func (c *Collector) askPort43(ctx context.Context, s Step) (Outcome, error) {
	a, failure := c.askWHOIS(ctx, s.whois, s.Domain, s.Role)
	if s.Role == roleRegistry {
		if failure != "" {
			return s.settled(Outcome{Failed: failure, RetryAt: a.until}, registration.Record{},
				problem.New(problem.Unavailable, "the WHOIS server for %s did not answer (%s: %s)", s.Domain, s.whois, failure))
		}
		rec, until := c.readWHOIS(ctx, a, s.Domain)
		o := Outcome{FromCache: a.kept}
		if rec.State == registration.Throttled {
			o.Throttled, o.RetryAt, o.Next = true, until, s
			return s.settled(o, rec, nil)
		}
		return c.afterWHOIS(s, a, rec, o)
	}
	rec := s.sofar()
	if failure != "" {
		rec.Findings = append(rec.Findings, referralFailure(s.whois, failure))
		return s.settled(Outcome{Failed: failure, RetryAt: a.until}, rec, nil)
	}
	theirs, until := c.readWHOIS(ctx, a, s.Domain)
	rec = registration.Merge(rec, theirs)
	if theirs.State != registration.Registered { // what was wrong with it is not to be lost
		for _, f := range theirs.Findings {
			f.Source = roleRegistrar
			rec.Findings = append(rec.Findings, f)
		}
	}
	if theirs.State == registration.Throttled {
		return s.settled(Outcome{Throttled: true, RetryAt: until, Next: s}, rec, nil)
	}
	return c.afterWHOIS(s, a, rec, Outcome{FromCache: a.kept})
}

// afterWHOIS says whom to ask after an answer by WHOIS, if anybody.
func (c *Collector) afterWHOIS(s Step, last whoisAnswer, rec registration.Record, o Outcome) (Outcome, error) {
	asked := append(slices.Clone(s.asked), s.whois)
	next, finding := c.referred(rec, last, asked)
	if finding != nil {
		finding.Source = roleRegistrar
		rec.Findings = append(rec.Findings, *finding)
	}
	if next != "" && len(asked) == maxWHOISServers {
		rec.Findings = append(rec.Findings, registration.Finding{ID: "whois.hops", Severity: registration.Advice, Source: roleRegistrar,
			Detail: "one server refers to the next; after " + strconv.Itoa(maxWHOISServers) + " no further one is asked"})
		next = ""
	}
	if next == "" {
		return s.settled(o, rec, nil)
	}
	n := Step{Domain: s.Domain, ended: s.ended, asked: asked, have: &rec}
	o.Next = n.toWHOIS(next, roleRegistrar)
	return o, nil
}
