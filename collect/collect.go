// Package collect is the way out: it asks DNS, RDAP and web servers and brings
// back facts (package evidence) and registrations (package registration). It
// judges nothing.
//
// Every connection goes through one address guard (Guard): names are resolved
// by the resolver in this package only, and what is dialled is the address
// that was checked, on every redirect again. Everything that is read has a
// bound in bytes, time and steps (Limits).
//
// DNS is asked iteratively from the root (RFC 1034 section 5.3.3), so that
// the registry's word about a name and its operator's answers stay apart. Web
// pages are fetched as a browser would, from each vantage point with a cookie
// store of its own, and with certificate faults recorded instead of obeyed.
// RDAP is asked politely, first at the registry, then at the registrar; where
// it is not to be had, WHOIS is (whois.go).
//
// The clock given sets the dates of facts and the life of what is remembered;
// time-outs and the rate limits run on real time.
package collect

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"bailiwick/clock"
	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
)

// Dial opens a connection from source (invalid: the machine's choice) to an
// address already checked by the guard. network is "udp" or "tcp"; address is
// always "ip:port", never a name. The lab supplies its own.
type Dial func(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error)

// Keep stores raw bytes durably and returns their SHA-256 in hex.
type Keep func(ctx context.Context, mediaType string, data []byte) (string, error)

// RDAPServers knows which RDAP servers answer for a name, an address, an AS
// number or the handle of an entity: their base URLs (RFC 9224, RFC 8521), best
// first, empty when none is known.
type RDAPServers interface {
	Domain(name.Domain) []string
	Network(netip.Addr) []string
	Autnum(uint32) []string
	Entity(handle string) []string
}

// Config is what a Collector works with. Clock is required.
type Config struct {
	Dial  Dial // nil: a net.Dialer
	Clock clock.Clock
	Guard Guard // the zero value is strict
	// Roots are the DNS root servers; nil: the built-in hints (IANA). Any port
	// may be named here.
	Roots []netip.AddrPort
	// TLSRoots are the certificate authorities that are trusted; nil: the
	// system's. TLSTime is the time certificates are checked at; nil: real.
	TLSRoots *x509.CertPool
	TLSTime  func() time.Time
	RDAP     RDAPServers // nil: no server is known for anything
	// WHOIS are the operator's own WHOIS servers by top-level domain or longer
	// suffix ("" is every name): a host name or address, or "" for none. The
	// longest one wins, and all win over what WHOISRoot says.
	WHOIS map[string]string
	// WHOISRoot is asked for the WHOIS server of a top-level domain; empty:
	// DefaultWHOISRoot.
	WHOISRoot string
	Keep      Keep // nil: nothing is kept
	// Budgets share out the questions to servers; nil: NewBudgets.
	Budgets Budgets
	// Terms are what servers permit; nil: DefaultTerms.
	Terms *Terms
	// Answers are those kept of questions put before; nil: every question is
	// put anew.
	Answers Answers
	// Jitter spreads the waits after failures, with numbers in [0,1); nil: at
	// random.
	Jitter func() float64
	// Vantages are the ways of looking; empty: DefaultVantages.
	Vantages  []evidence.Vantage
	UserAgent string // sent with RDAP; empty: "bailiwick"
	Limits    Limits
	Logger    *slog.Logger // nil: nothing is logged
}

// Limits bound what one call may cost. A zero field takes the default.
type Limits struct {
	Hops        int           // redirects followed for one page; 10
	Body        int64         // octets of a page, after decompression; 2 MiB
	Header      int64         // octets of one answer's header; 64 KiB
	ConnectTime time.Duration // one connection, and one TLS handshake; 5 s
	FetchTime   time.Duration // one page with all its redirects; 20 s
	Parallel    int           // pages of one Look fetched side by side; 4

	Queries    int           // DNS queries for one name; 60
	QueryTime  time.Duration // one DNS query; 2 s
	LookupTime time.Duration // all DNS queries for one name; 15 s

	RDAPHops  int           // redirects followed for one RDAP answer; 5
	RDAPBody  int64         // octets of one RDAP answer; 4 MiB
	RDAPTime  time.Duration // one RDAP answer, waiting for its turn included; 30 s
	RDAPRate  float64       // RDAP queries a second to a server that Terms says nothing of; 1
	RDAPBurst int           // RDAP queries at once to such a server; 10

	WHOISBody  int64         // octets of one WHOIS answer; 256 KiB
	WHOISTime  time.Duration // one WHOIS answer, waiting for its turn included; 15 s
	WHOISTotal time.Duration // all WHOIS answers about one name; 40 s
	WHOISRate  float64       // WHOIS queries a second to a server that Terms says nothing of; 1
	WHOISBurst int           // WHOIS queries at once to such a server; 5

	AnswerTime time.Duration // how long an answer kept (Config.Answers) may be used in place of a new one; 1 h
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Hops:        cmp.Or(l.Hops, 10),
		Body:        cmp.Or(l.Body, 2<<20),
		Header:      cmp.Or(l.Header, 64<<10),
		ConnectTime: cmp.Or(l.ConnectTime, 5*time.Second),
		FetchTime:   cmp.Or(l.FetchTime, 20*time.Second),
		Parallel:    cmp.Or(l.Parallel, 4),
		Queries:     cmp.Or(l.Queries, 60),
		QueryTime:   cmp.Or(l.QueryTime, 2*time.Second),
		LookupTime:  cmp.Or(l.LookupTime, 15*time.Second),
		RDAPHops:    cmp.Or(l.RDAPHops, 5),
		RDAPBody:    cmp.Or(l.RDAPBody, 4<<20),
		RDAPTime:    cmp.Or(l.RDAPTime, 30*time.Second),
		RDAPRate:    cmp.Or(l.RDAPRate, 1),
		RDAPBurst:   cmp.Or(l.RDAPBurst, 10),
		WHOISBody:   cmp.Or(l.WHOISBody, 256<<10),
		WHOISTime:   cmp.Or(l.WHOISTime, 15*time.Second),
		WHOISTotal:  cmp.Or(l.WHOISTotal, 40*time.Second),
		WHOISRate:   cmp.Or(l.WHOISRate, 1),
		WHOISBurst:  cmp.Or(l.WHOISBurst, 5),
		AnswerTime:  cmp.Or(l.AnswerTime, time.Hour),
	}
}

func (l Limits) check() error {
	var e *problem.Error
	for _, f := range []struct {
		path  string
		value float64
	}{
		{"hops", float64(l.Hops)}, {"body", float64(l.Body)}, {"header", float64(l.Header)},
		{"connect_time", float64(l.ConnectTime)}, {"fetch_time", float64(l.FetchTime)}, {"parallel", float64(l.Parallel)},
		{"queries", float64(l.Queries)}, {"query_time", float64(l.QueryTime)}, {"lookup_time", float64(l.LookupTime)},
		{"rdap_hops", float64(l.RDAPHops)}, {"rdap_body", float64(l.RDAPBody)}, {"rdap_time", float64(l.RDAPTime)},
		{"rdap_rate", l.RDAPRate}, {"rdap_burst", float64(l.RDAPBurst)},
		{"whois_body", float64(l.WHOISBody)}, {"whois_time", float64(l.WHOISTime)}, {"whois_total", float64(l.WHOISTotal)},
		{"whois_rate", l.WHOISRate}, {"whois_burst", float64(l.WHOISBurst)}, {"answer_time", float64(l.AnswerTime)},
	} {
		if f.value < 0 {
			e = e.Add("limits."+f.path, "is below zero")
		}
	}
	return e.OrNil()
}

// Counts are the exchanges begun: DNS queries, RDAP and other HTTP requests
// and WHOIS questions that were written to a connection, each once.
type Counts struct{ DNS, RDAP, HTTP, WHOIS int64 }

// Collector asks. It is safe for concurrent use. Connections to RDAP servers
// are kept for the next question for a while; Close ends them.
type Collector struct {
	dialer    Dial
	clock     clock.Clock
	guard     Guard
	root      zone
	tlsRoots  *x509.CertPool
	tlsTime   func() time.Time
	rdap      RDAPServers
	keeper    Keep
	vantages  []evidence.Vantage
	userAgent string
	limits    Limits
	log       *slog.Logger

	tlds    *cache[zone]     // the servers of top-level domains
	servers *cache[resolved] // the addresses of RDAP and WHOIS servers
	holds   *cache[Hold]     // what was last heard of their holds, for RetryAt
	budgets Budgets
	terms   *Terms
	gates   gates
	answers Answers
	jitter  func() float64
	reuse   *http.Transport // to RDAP servers

	whois     map[string]string // overrides
	whoisRoot string
	whoisTLDs *cache[string] // IANA's word; "" for top-level domains without a server

	dnsSent, rdapSent, httpSent, whoisSent atomic.Int64
}

// New returns a Collector. The error is problem.Invalid and names the field of
// Config that is wrong.
func New(cfg Config) (*Collector, error) {
	var e *problem.Error
	if cfg.Clock == nil {
		e = e.Add("clock", "is missing")
	}
	for i, r := range cfg.Roots {
		if err := cfg.Guard.Check(r.Addr()); err != nil {
			e = e.Add("roots["+strconv.Itoa(i)+"]", "%s", err)
		} else if r.Port() == 0 {
			e = e.Add("roots["+strconv.Itoa(i)+"]", "has no port")
		}
	}
	seen := map[string]bool{}
	for i, v := range cfg.Vantages {
		if v.ID == "" || seen[v.ID] {
			e = e.Add("vantages["+strconv.Itoa(i)+"].id", "is empty or used twice")
		}
		seen[v.ID] = true
		for _, h := range []string{v.UserAgent, v.Language, v.Referer} {
			if !headerValue(h) {
				e = e.Add("vantages["+strconv.Itoa(i)+"]", "%q cannot be sent in a header", h)
			}
		}
	}
	if !headerValue(cfg.UserAgent) {
		e = e.Add("user_agent", "cannot be sent in a header")
	}
	whoisServers := map[string]string{}
	for _, suffix := range slices.Sorted(maps.Keys(cfg.WHOIS)) {
		server, path := cfg.WHOIS[suffix], "whois."+evidence.Clean(suffix, 100)
		d, err := name.ParseAny(suffix)
		if err != nil && suffix != "" {
			e = e.Add(path, "%s", err)
		}
		host := whoisHost(server)
		if host == "" && server != "" {
			e = e.Add(path, "%q is not a host name or address", evidence.Clean(server, 100))
		}
		whoisServers[d.String()] = host
	}
	root := whoisHost(cmp.Or(cfg.WHOISRoot, DefaultWHOISRoot))
	if root == "" {
		e = e.Add("whois_root", "%q is not a host name or address", evidence.Clean(cfg.WHOISRoot, 100))
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	limits := cfg.Limits.withDefaults()
	if err := limits.check(); err != nil {
		return nil, err
	}
	c := &Collector{
		dialer: cfg.Dial, clock: cfg.Clock, guard: cfg.Guard, tlsRoots: cfg.TLSRoots, tlsTime: cfg.TLSTime,
		rdap: cfg.RDAP, keeper: cfg.Keep, vantages: cfg.Vantages, userAgent: cmp.Or(cfg.UserAgent, "bailiwick"),
		limits: limits, log: cfg.Logger,
		root: rootZone(cfg.Roots), tlds: newCache[zone](2048), servers: newCache[resolved](1024),
		holds: newCache[Hold](1024), budgets: cfg.Budgets, terms: cfg.Terms, answers: cfg.Answers, jitter: cfg.Jitter,
		whois: whoisServers, whoisRoot: root, whoisTLDs: newCache[string](2048),
	}
	if c.budgets == nil {
		c.budgets = NewBudgets()
	}
	if c.terms == nil {
		t, err := DefaultTerms()
		if err != nil {
			return nil, err
		}
		c.terms = t
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	c.reuse = c.transport()
	if c.dialer == nil {
		c.dialer = dialNet
	}
	if c.tlsTime == nil {
		c.tlsTime = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if len(c.vantages) == 0 {
		c.vantages = DefaultVantages()
	}
	return c, nil
}

// DefaultVantages are three ordinary visitors: a desktop browser, a telephone,
// and a desktop browser that comes from a search engine. Kits and broken-into
// sites often show themselves to one of them only. All look from the machine's
// own address; an operator who has others should add vantage points there.
func DefaultVantages() []evidence.Vantage {
	const desktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
	return []evidence.Vantage{
		{ID: "desktop", UserAgent: desktop, Language: "en-US,en;q=0.5"},
		{ID: "mobile", Language: "en-US,en;q=0.9",
			UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"},
		{ID: "search", UserAgent: desktop, Language: "en-US,en;q=0.5", Referer: "https://www.google.com/"},
	}
}

// Counts gives the exchanges begun since New.
func (c *Collector) Counts() Counts {
	return Counts{DNS: c.dnsSent.Load(), RDAP: c.rdapSent.Load(), HTTP: c.httpSent.Load(), WHOIS: c.whoisSent.Load()}
}

// Close ends the connections that are kept for the next question. The
// collector can be used on.
func (c *Collector) Close() { c.reuse.CloseIdleConnections() }

// dial is the only place from which a connection is opened: it checks the
// address and the port, and dials that very address.
func (c *Collector) dial(ctx context.Context, use Use, source netip.Addr, network string, to netip.AddrPort) (net.Conn, error) {
	if err := c.guard.Check(to.Addr()); err != nil && to != c.guard.Trusted {
		return nil, err
	}
	if use != UseDNS || !c.isRoot(to) {
		if err := c.guard.CheckPort(use, to.Port()); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.ConnectTime)
	defer cancel()
	return c.dialer(ctx, source, network, to.String())
}

func (c *Collector) isRoot(a netip.AddrPort) bool {
	for _, s := range c.root.servers {
		for _, r := range s.addrs {
			if r == a {
				return true
			}
		}
	}
	return false
}

// dialNet is the machine's own network.
func dialNet(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	var d net.Dialer
	if source.IsValid() {
		if network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		} else {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		}
	}
	return d.DialContext(ctx, network, address)
}

// DialGuarded opens a TCP connection for the senders of package notify: to
// port 25, 465, 587 or 2525 for mail, or to a web port. address is "ip:port"
// or "name:port"; a name is resolved by the collector's own resolver, and its
// addresses are tried in order. The error is problem.Refused when the guard
// forbids it, problem.Invalid for an address that cannot be read, and
// problem.Unavailable when nothing answers.
func (c *Collector) DialGuarded(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, problem.BadField("network", "%q is not tcp", network)
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, problem.BadField("address", "%q is not host:port", evidence.Clean(address, 100))
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, problem.BadField("address", "%q is not a port number", evidence.Clean(portText, 100))
	}
	use := UseWeb
	if c.guard.CheckPort(UseMail, uint16(port)) == nil {
		use = UseMail
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{a}
	} else {
		d, err := name.ParseAny(host)
		if err != nil {
			return nil, err
		}
		r := c.addresses(ctx, d)
		if r.failure != "" {
			return nil, problem.New(problem.Unavailable, "%s does not resolve: %s", d, r.failure)
		}
		addrs = r.addrs
	}
	conn, _, err := c.connect(ctx, use, netip.Addr{}, addrs, uint16(port))
	if err != nil && !isRefusal(err) {
		err = problem.Wrap(err, problem.Unavailable, "no connection to %s: %s", evidence.Clean(address, 100), failureOf(err))
	}
	return conn, err
}

// connect tries addrs in order and gives the first connection, and its
// address. Addresses of another family than source, and those the guard
// refuses, are passed over. The error is the first that was not a refusal, if
// there is one.
func (c *Collector) connect(ctx context.Context, use Use, source netip.Addr, addrs []netip.Addr, port uint16) (net.Conn, netip.Addr, error) {
	const most = 6 // addresses tried
	var first error
	for i, tried := 0, 0; i < len(addrs) && tried < most && ctx.Err() == nil; i++ {
		a := addrs[i]
		if source.IsValid() && source.Is4() != a.Is4() {
			continue
		}
		conn, err := c.dial(ctx, use, source, "tcp", netip.AddrPortFrom(a, port))
		if err == nil {
			return conn, a, nil
		}
		if !isRefusal(err) {
			tried++
		}
		if first == nil || isRefusal(first) && !isRefusal(err) {
			first = err
		}
	}
	if first == nil {
		if first = ctx.Err(); first == nil {
			first = problem.New(problem.Unavailable, "there is no address of the source's family")
		}
	}
	return nil, netip.Addr{}, first
}

// isRefusal says whether err comes from the guard.
func isRefusal(err error) bool { return err != nil && problem.CodeOf(err) == problem.Refused }

// keep stores raw bytes if there is a place for them. A store that fails is
// logged and does not stop the work: the fact stands, without its raw bytes.
func (c *Collector) keep(ctx context.Context, mediaType string, data []byte) string {
	if c.keeper == nil || len(data) == 0 {
		return ""
	}
	sum, err := c.keeper(ctx, mediaType, data)
	if err != nil {
		c.log.ErrorContext(ctx, "raw bytes not kept", "bytes", len(data), "error", err)
		return ""
	}
	return sum
}

// headerValue says whether s can be sent as a header's value.
func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
