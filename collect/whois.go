package collect

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
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

// referred says which server is to be asked after an answer, if any: only
// where what is known so far is thin, and never one that was asked before. A
// server that names itself, as registrars' do in every answer, has said
// nothing; one that leads back to an earlier one is a loop.
func (c *Collector) referred(rec registration.Record, last whoisAnswer, asked []string) (string, *registration.Finding) {
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
	case slices.Contains(asked, next), next == c.whoisRoot:
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
	until  time.Time // when a server that is left alone may be asked again
	kept   bool      // the answer is one of before
	q      *asking   // nil when nobody was asked
	// state and findings stand for the answer when it is not to be read.
	state    registration.State
	findings []registration.Finding
}

// readWHOIS keeps an answer about d and makes a record of it, and remembers a
// server that says it was asked too often.
func (c *Collector) readWHOIS(ctx context.Context, a whoisAnswer, d name.Domain) (rec registration.Record, until time.Time) {
	if a.state != "" {
		return registration.Record{State: a.state, Findings: a.findings, Sources: map[string]registration.Source{"": a.source}}, a.until
	}
	if !a.kept {
		a.source.Blob = c.keep(ctx, "text/plain", a.raw)
	}
	rec, _ = whois.Answer(a.raw, a.source) // the error is the state "error" once more
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
	switch {
	case a.q == nil:
	case rec.State == registration.Throttled:
		until = a.q.throttled(time.Time{}, firstBackoff)
		rec.Findings = append(rec.Findings, holdFinding(protocolWHOIS, a.source.Server, Hold{Until: until}))
	default:
		a.q.answered()
		if rec.State == registration.Registered || rec.State == registration.Available || rec.State == registration.Reserved {
			c.remember(ctx, whoisKey(a.source.Server), questionFor(a.source.Server, d),
				Kept{Raw: a.raw, Blob: a.source.Blob, Server: a.source.Server, At: a.source.At})
		}
	}
	return rec, until
}

// askWHOIS asks one server about one name (RFC 3912): a line is sent, and all
// is read that comes until the server closes. The second result is "" or why
// no answer came, in the words of evidence.Fetch.Err.
func (c *Collector) askWHOIS(ctx context.Context, server string, d name.Domain, role string) (whoisAnswer, string) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.limits.WHOISTime)
	defer cancel()
	a := whoisAnswer{source: registration.Source{Protocol: protocolWHOIS, Server: server, Role: role, At: c.clock.Now()}}
	question := questionFor(server, d)
	if k, ok := c.kept(ctx, whoisKey(server), question); ok {
		a.kept, a.raw, a.source.At, a.source.Blob = true, k.Raw, k.At, k.Blob
		return a, ""
	}
	host := c.serverAddresses(ctx, server)
	if host.failure != "" {
		return a, host.failure
	}
	q, hold, failure := c.turn(ctx, parent, whoisKey(server))
	switch {
	case failure != "":
		return a, failure
	case hold.Why == HoldFailing:
		a.until = hold.Until
		return a, errHeld
	case q == nil:
		a.state, a.until, a.findings = registration.Throttled, hold.Until, []registration.Finding{holdFinding(protocolWHOIS, server, hold)}
		return a, ""
	}
	defer q.end()
	a.q = q
	if failure := c.port43(ctx, &a, host.addrs, question); failure != "" {
		q.failed(failure)
		return a, failure
	}
	return a, ""
}

// port43 makes one exchange with a WHOIS server.
func (c *Collector) port43(ctx context.Context, a *whoisAnswer, addrs []netip.Addr, question string) string {
	server := a.source.Server
	conn, _, err := c.connect(ctx, UseWHOIS, netip.Addr{}, addrs, whoisPort)
	if err != nil {
		return failureOf(err)
	}
	defer func() { _ = conn.Close() }() // nothing is left to lose
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return errUnreachable
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, question+"\r\n"); err != nil {
		return exchangeFailure(err)
	}
	c.whoisSent.Add(1)
	raw, err := io.ReadAll(io.LimitReader(conn, c.limits.WHOISBody+1))
	switch {
	case int64(len(raw)) > c.limits.WHOISBody:
		a.fail("whois.size", "the answer of "+server+" is over "+strconv.FormatInt(c.limits.WHOISBody, 10)+" octets; it is not read")
		return ""
	case err == nil:
	case errors.Is(err, syscall.ECONNRESET) && strings.HasSuffix(string(raw), "\n"):
		// Some servers end every answer so. Whole lines came; that nothing is
		// missing cannot be known, and the record says it.
		a.findings = append(a.findings, registration.Finding{ID: "whois.reset", Severity: registration.Advice,
			Detail: server + " ended the connection by a reset; the answer may not be whole"})
	default: // half an answer may lack the line that says the name is on hold
		return exchangeFailure(err)
	}
	if len(raw) == 0 {
		a.fail("whois.empty", server+" answered nothing")
		return ""
	}
	a.raw = raw
	return ""
}

// fail makes the answer one that is not read.
func (a *whoisAnswer) fail(id, detail string) {
	a.state = registration.Failed
	a.findings = append(a.findings, registration.Finding{ID: id, Severity: registration.RFC, Detail: detail})
}

// whoisKey names a WHOIS server among the budgets, beside the RDAP servers
// there.
func whoisKey(server string) string { return server + ":43" }

func findingText(in []registration.Finding) string {
	if len(in) == 0 {
		return errMalformed
	}
	return evidence.Clean(in[0].Detail, 300)
}
