package collect

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/whois"
)

// DefaultWHOISRoot is the server that knows the WHOIS server of each top-level
// domain.
const DefaultWHOISRoot = "whois.iana.org"

// Bounds of one WHOIS lookup that have no setting.
const (
	maxWHOISServers = 3 // asked about one name: a registry, a registrar, and whom that one names
	whoisPort       = 43

	// A server that says it was asked too often is left alone for a while that
	// doubles each time.
	firstBackoff = 5 * time.Minute
	lastBackoff  = 6 * time.Hour
)

// questions are the servers that want more than the bare name (RFC 3912 leaves
// the form of a question to the server), by host; NAME stands for the name.
// Sources: DENIC's and Punktum dk's own help texts, Verisign's ("help" at its
// server), JPRS' (a "/e" asks for English labels), CORE's.
var questions = map[string]string{
	"whois.denic.de":         "-T dn,ace NAME", // domains only, and names in A-labels
	"whois.verisign-grs.com": "domain NAME",    // else hosts and other names match as well
	"whois.crsnic.net":       "domain NAME",
	"whois.jprs.jp":          "NAME/e",
	"whois.punktum.dk":       "--show-handles NAME",
	"whois.dk-hostmaster.dk": "--show-handles NAME",
	"whois.nic.cat":          "-C UTF-8 ace NAME",
}

// question is what is written to server about d, without the line's end. It is
// made of a form of ours and a name in A-labels, so that nothing that came in
// from outside can put an option, a wildcard or a second line into it.
func questionFor(server string, d name.Domain) string {
	if form, ok := questions[server]; ok {
		return strings.ReplaceAll(form, "NAME", d.String())
	}
	return d.String()
}

// whoisHost reads a server's name as an override or an answer gives it: a host
// name or an address, perhaps written as "whois://host" or with a port 43,
// which is the only one there is. "" for anything else. A web address is not a
// WHOIS server.
func whoisHost(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "whois://")
	s = strings.TrimSuffix(strings.TrimSuffix(s, "/"), ":43")
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.String()
	}
	d, err := name.Parse(strings.TrimSuffix(s, "."))
	if err != nil {
		return ""
	}
	return d.String()
}

// whoisOverride finds the operator's own entry for d: that of the longest
// suffix, "" standing for every name.
func (c *Collector) whoisOverride(d name.Domain) (server string, ok bool) {
	for rest := d.String(); ; {
		if server, ok = c.whois[rest]; ok || rest == "" {
			return server, ok
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
}

// whoisFor finds the WHOIS server for the names of d's top-level domain: the
// operator's entry, else what IANA's server says, which is remembered for a
// day. "" means that there is none; a failure, that nobody could be asked.
func (c *Collector) whoisFor(ctx context.Context, d name.Domain) (server, failure string) {
	if server, ok := c.whoisOverride(d); ok {
		return server, ""
	}
	tld, err := name.ParseAny(d.TLD())
	if err != nil {
		return "", errMalformed
	}
	server, ok, release := c.whoisTLDs.begin(ctx, tld.String(), c.clock.Now())
	defer release()
	if ok {
		return server, ""
	}
	// Only the top-level domain is told to IANA, not the name.
	a, failure := c.askWHOIS(ctx, c.whoisRoot, tld, roleRegistry)
	if failure != "" {
		return "", c.whoisRoot + ": " + failure
	}
	if a.state != "" {
		return "", c.whoisRoot + ": " + findingText(a.findings)
	}
	if server = whoisHost(whois.Referral(a.raw)); server == "" {
		// An answer that is no entry says nothing about who there is, and is not
		// remembered as if it did.
		switch rec, _ := whois.Domain(a.raw, a.source); rec.State {
		case registration.Throttled:
			c.backOff(c.whoisRoot)
			return "", c.whoisRoot + " was asked too often"
		case registration.Failed:
			return "", c.whoisRoot + ": " + errMalformed
		}
	}
	c.whoisTLDs.put(tld.String(), server, c.clock.Now(), maxTTL)
	return server, ""
}

// whoisRecord asks WHOIS about a registered domain: the registry's server,
// then, if its answer is a thin one and names it, the registrar's, and merges
// the two. Errors and states are those of Registration.
func (c *Collector) whoisRecord(ctx context.Context, registered name.Domain) (registration.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.WHOISTotal)
	defer cancel()
	server, failure := c.whoisFor(ctx, registered)
	switch {
	case failure != "":
		return registration.Record{}, problem.New(problem.Unavailable, "the WHOIS server for %s is not known (%s)", registered, failure)
	case server == "":
		return registration.Record{}, problem.New(problem.NotFound, "no WHOIS server is known for %s", registered)
	}
	a, failure := c.askWHOIS(ctx, server, registered, roleRegistry)
	if failure != "" {
		return registration.Record{}, problem.New(problem.Unavailable, "the WHOIS server for %s did not answer (%s: %s)", registered, server, failure)
	}
	rec := c.readWHOIS(ctx, a, registered)
	asked := map[string]bool{server: true}
	for last := a; ; {
		next, finding := c.referred(rec, last, asked)
		if finding != nil {
			finding.Source = roleRegistrar
			rec.Findings = append(rec.Findings, *finding)
		}
		if next == "" {
			break
		}
		if len(asked) == maxWHOISServers {
			rec.Findings = append(rec.Findings, registration.Finding{ID: "whois.hops", Severity: registration.Advice, Source: roleRegistrar,
				Detail: "one server refers to the next; after " + strconv.Itoa(maxWHOISServers) + " no further one is asked"})
			break
		}
		asked[next] = true
		more, failure := c.askWHOIS(ctx, next, registered, roleRegistrar)
		if failure != "" {
			rec.Findings = append(rec.Findings, referralFailure(next, failure))
			break
		}
		theirs := c.readWHOIS(ctx, more, registered)
		rec = registration.Merge(rec, theirs)
		if theirs.State != registration.Registered { // what was wrong with it is not to be lost
			for _, f := range theirs.Findings {
				f.Source = roleRegistrar
				rec.Findings = append(rec.Findings, f)
			}
		}
		last = more
	}
	return rec, nil
}

// referred says which server is to be asked after an answer, if any: only
// where what is known so far is thin, and never one that was asked before. A
// server that names itself, as registrars' do in every answer, has said
// nothing; one that leads back to an earlier one is a loop.
func (c *Collector) referred(rec registration.Record, last whoisAnswer, asked map[string]bool) (string, *registration.Finding) {
	if last.state != "" || rec.State != registration.Registered && rec.State != registration.Unknown || !thin(rec) {
		return "", nil
	}
	named := whois.Referral(last.raw)
	if named == "" {
		return "", nil
	}
	next := whoisHost(named)
	switch {
	case next == "":
		return "", &registration.Finding{ID: "whois.referral-invalid", Severity: registration.Advice,
			Detail: "the answer of " + last.source.Server + " names a WHOIS server that is no host name"}
	case next == last.source.Server:
		return "", nil
	case asked[next], next == c.whoisRoot:
		return "", &registration.Finding{ID: "whois.loop", Severity: registration.Advice,
			Detail: last.source.Server + " refers back to " + next + ", which was asked already"}
	}
	return next, nil
}

// thin says whether the record lacks what a registrar's own server may add:
// the registrant, withheld or not, or where abuse is to be reported.
func thin(rec registration.Record) bool {
	if rec.Registrar.AbuseEmail == "" {
		return true
	}
	if _, ok := rec.Contacts["registrant"]; ok {
		return false
	}
	for path := range rec.Fields {
		if strings.HasPrefix(path, "contacts.registrant.") {
			return false
		}
	}
	return true
}

func referralFailure(server, failure string) registration.Finding {
	if failure == errBlocked {
		return registration.Finding{ID: "whois.referral-refused", Severity: registration.RFC, Source: roleRegistrar,
			Detail: "the answer refers to " + server + ", whose address is not public"}
	}
	return registration.Finding{ID: "whois.registrar-unreachable", Severity: registration.Advice, Source: roleRegistrar,
		Detail: "the registrar's server " + server + " did not answer: " + failure}
}

// whoisAnswer is what a WHOIS server said, or why nothing of it is read.
type whoisAnswer struct {
	raw    []byte
	source registration.Source
	// state and findings stand for the answer when it is not to be read.
	state    registration.State
	findings []registration.Finding
}

// readWHOIS keeps an answer about d and makes a record of it, and remembers a
// server that says it was asked too often.
func (c *Collector) readWHOIS(ctx context.Context, a whoisAnswer, d name.Domain) registration.Record {
	if a.state != "" {
		return registration.Record{State: a.state, Findings: a.findings, Sources: map[string]registration.Source{"": a.source}}
	}
	a.source.Blob = c.keep(ctx, "text/plain", a.raw)
	rec, _ := whois.Domain(a.raw, a.source) // the error is the state "error" once more
	if rec.State == registration.Registered && rec.Domain != "" && rec.Domain != d.String() {
		// Nothing of it is about d. This is also how a registry shows a name that
		// looks like the one asked for.
		rec = registration.Record{State: registration.Unknown, Findings: []registration.Finding{{ID: "whois.not-asked", Severity: registration.Must,
			Path: "domain", Detail: "asked for " + d.String() + ", answered about " + rec.Domain}}}
	}
	if rec.Sources == nil {
		rec.Sources = map[string]registration.Source{"": a.source}
	}
	rec.Findings = append(rec.Findings, a.findings...)
	if rec.State == registration.Throttled {
		rec.Findings = append(rec.Findings, waitFinding(c.backOff(a.source.Server), a.source.Server))
	} else {
		c.backoffs.drop(a.source.Server)
	}
	return rec
}

// askWHOIS asks one server about one name (RFC 3912): a line is sent, and all
// is read that comes until the server closes. The second result is "" or why
// no answer came, in the words of evidence.Fetch.Err.
func (c *Collector) askWHOIS(ctx context.Context, server string, d name.Domain, role string) (whoisAnswer, string) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.WHOISTime)
	defer cancel()
	a := whoisAnswer{source: registration.Source{Protocol: "whois", Server: server, Role: role, At: c.clock.Now()}}
	if t, ok := c.waits.get(whoisKey(server), c.clock.Now()); ok {
		a.state, a.findings = registration.Throttled, []registration.Finding{waitFinding(t, server)}
		return a, ""
	}
	host := c.serverAddresses(ctx, server)
	if host.failure != "" {
		return a, host.failure
	}
	if err := c.whoisTurns.wait(ctx, server); err != nil {
		return a, errTimeout
	}
	conn, _, err := c.connect(ctx, UseWHOIS, netip.Addr{}, host.addrs, whoisPort)
	if err != nil {
		return a, failureOf(err)
	}
	defer func() { _ = conn.Close() }() // nothing is left to lose
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return a, errUnreachable
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, questionFor(server, d)+"\r\n"); err != nil {
		return a, exchangeFailure(err)
	}
	c.whoisSent.Add(1)
	raw, err := io.ReadAll(io.LimitReader(conn, c.limits.WHOISBody+1))
	switch {
	case int64(len(raw)) > c.limits.WHOISBody:
		a.fail("whois.size", "the answer of "+server+" is over "+strconv.FormatInt(c.limits.WHOISBody, 10)+" octets; it is not read")
		return a, ""
	case err == nil:
	case errors.Is(err, syscall.ECONNRESET) && strings.HasSuffix(string(raw), "\n"):
		// Some servers end every answer so. Whole lines came; that nothing is
		// missing cannot be known, and the record says it.
		a.findings = append(a.findings, registration.Finding{ID: "whois.reset", Severity: registration.Advice,
			Detail: server + " ended the connection by a reset; the answer may not be whole"})
	default: // half an answer may lack the line that says the name is on hold
		return a, exchangeFailure(err)
	}
	if len(raw) == 0 {
		a.fail("whois.empty", server+" answered nothing")
		return a, ""
	}
	a.raw = raw
	return a, ""
}

// fail makes the answer one that is not read.
func (a *whoisAnswer) fail(id, detail string) {
	a.state = registration.Failed
	a.findings = append(a.findings, registration.Finding{ID: id, Severity: registration.RFC, Detail: detail})
}

// backOff leaves a server alone that said it was asked too often: WHOIS has no
// way to say for how long, so the time doubles with each such answer.
func (c *Collector) backOff(server string) time.Time {
	now := c.clock.Now()
	wait := firstBackoff
	if before, ok := c.backoffs.get(server, now); ok {
		wait = min(2*before, lastBackoff)
	}
	c.backoffs.put(server, wait, now, maxTTL)
	until := now.Add(wait)
	c.waits.put(whoisKey(server), until, now, wait)
	return until
}

// whoisKey names a WHOIS server among those that want no question, beside the
// RDAP servers there.
func whoisKey(server string) string { return server + ":43" }

func waitFinding(until time.Time, server string) registration.Finding {
	return registration.Finding{ID: "whois.retry-after", Severity: registration.Advice,
		Detail: server + " is asked no question before " + until.UTC().Format(time.RFC3339)}
}

func findingText(in []registration.Finding) string {
	if len(in) == 0 {
		return errMalformed
	}
	return evidence.Clean(in[0].Detail, 300)
}
