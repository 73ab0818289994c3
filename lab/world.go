package lab

import (
	"container/heap"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bailiwick/clock"
	"bailiwick/name"
	"bailiwick/problem"

	"github.com/emersion/go-smtp"
	"github.com/miekg/dns"
)

// Options of a world.
type Options struct {
	// Start is the virtual time at which it starts; the scenario's if zero.
	Start time.Time
	// Logger gets what the servers complain about; nothing is logged if nil.
	Logger *slog.Logger
	// Vantages are the centre's vantage points: the truth depends on what can
	// be seen from there. StandardVantages if empty.
	Vantages []Vantage
}

// Vantage is a way of looking at a site.
type Vantage struct {
	ID        string
	UserAgent string
	Language  string // Accept-Language
	Source    netip.Addr
	Referer   string
}

// StandardVantages are the vantage points that scenario files may count on
// (docs/scenarios.md): a plain desktop, a phone, a desktop in another network
// that prefers Chinese, and a bare tool.
func StandardVantages() []Vantage {
	return []Vantage{
		{ID: "plain", UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
			Language: "en-US,en;q=0.9", Source: netip.MustParseAddr("203.0.113.130")},
		{ID: "mobile", UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
			Language: "en-GB,en;q=0.9", Source: netip.MustParseAddr("203.0.113.131")},
		{ID: "zh", UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
			Language: "zh-CN,zh;q=0.9", Source: netip.MustParseAddr("198.51.100.241"), Referer: "https://search.example/"},
		{ID: "tool", UserAgent: "curl/8.10.1", Source: netip.MustParseAddr("203.0.113.132")},
	}
}

// World is a running scenario. Its servers answer as of the virtual time that
// Advance last set. All methods are safe for concurrent use, but Advance runs
// one at a time.
type World struct {
	s        *Scenario
	start    time.Time
	log      *slog.Logger
	vantages []Vantage
	suffixes *name.Suffixes
	ca       *authority
	clock    *clock.Virtual

	// Fixed once started.
	tlds     map[string]*tld
	ops      map[string]*operator
	hosts    map[string]*party
	servers  map[netip.Addr]*nameServer
	infra    map[string]record // host names of the lab's own servers
	boxes    map[string]*mailbox
	domains  map[string]bool   // with mail
	texts    map[string]string // TXT records: SPF, DKIM, DMARC
	senders  map[string]sender // how mail leaves a domain
	parties  []*party
	networks []network
	targets  map[endpoint]string // loopback listeners of DNS and SMTP
	http     string              // loopback address of the web listeners
	https    string
	whoisAt  map[netip.Addr]*whoisServer

	dns      []*dns.Server
	web      []*http.Server
	smtp     *smtp.Server
	mailPort net.Listener
	whois    *whoisListener
	client   *http.Client
	serving  sync.WaitGroup

	advance sync.Mutex // one Advance at a time
	sources sources

	mu        sync.RWMutex // guards what follows, and the fields of holdings
	holdings  map[string]*holding
	order     []*holding // as in the scenario
	at        map[netip.Addr][]*holding
	subjects  map[string]*subject
	queue     eventQueue
	centre    *url.URL
	inbox     []int // of mails, not read yet
	mails     []Mail
	greylist  map[string]time.Time
	asks      map[string]int
	sent      []Submission
	afterLive map[*holding][]int    // reports waiting for a name to go live
	leads     map[string][]*holding // names whose explicit pages redirect to this one

	centreMail string // loopback address of the centre's SMTP server
	letters    []MailSent
	written    map[string]int // Message-ID of a mailed report -> its place in sent, or -1 before the centre took it
	heard      map[string]int // mails by mailbox and subject, for machines that answer them
	duels      map[[2]string]*duel
	threads    map[string]*duel // by Message-ID of a machine's mail
	busy       map[string]int   // machines' mails, by mailbox and day
	receipts   map[string]*Receipts
	verifier   *Verifier
	orders     map[string]string // carried out, by ID
	flaky      map[string]bool   // orders that failed once

	counts struct{ dns, rdap, http, whois, smtp, refused, unanswered, reports, accepted, rejected, unexpected, answers, answersFailed, mailsSent, mailsTaken, mailsRefused, mailsAgain, mailsNowhere, duelsCut, throttled, banned, verifications, verificationsRefused, codes, codesReturned, codesRefused, scans, orders, ordersRefused, inner atomic.Int64 }
}

// Counts are the exchanges that the lab's servers received, and what the lab
// sent. A DNS exchange is one query message; an RDAP or HTTP exchange is one
// request whose head was read; a WHOIS exchange is one question line that was
// read; a mail is one that was accepted after its data.
type Counts struct {
	DNS          int64 `json:"dns"`
	RDAP         int64 `json:"rdap"`
	HTTP         int64 `json:"http"`
	WHOIS        int64 `json:"whois"`
	SMTPAccepted int64 `json:"smtp_accepted"`
	// Refused are dials to something outside the lab; Unanswered dials to an
	// address of the lab where nothing listens.
	Refused    int64 `json:"refused"`
	Unanswered int64 `json:"unanswered"`
	// Reports handed to the centre, and what it said. Unexpected counts those
	// where that was not what the scenario expects.
	ReportsSent       int64 `json:"reports_sent"`
	ReportsAccepted   int64 `json:"reports_accepted"`
	ReportsRejected   int64 `json:"reports_rejected"`
	ReportsUnexpected int64 `json:"reports_unexpected"`
	AnswersSent       int64 `json:"answers_sent"`
	AnswersFailed     int64 `json:"answers_failed"`
	// Mails to the centre: SMTPSent counts each once, SMTPTaken how often the
	// centre said 250 (also to a mail that it had already), SMTPRefused those given up (a 5xx, or no 250 in 20 attempts),
	// SMTPAgain further attempts at one, SMTPNowhere those that were to go to
	// somebody else and were not sent. DuelsCut counts the exchanges of machines
	// that the lab's guard broke off.
	SMTPSent    int64 `json:"smtp_sent"`
	SMTPTaken   int64 `json:"smtp_taken"`
	SMTPRefused int64 `json:"smtp_refused"`
	SMTPAgain   int64 `json:"smtp_again"`
	SMTPNowhere int64 `json:"smtp_nowhere"`
	DuelsCut    int64 `json:"duels_cut"`
	// Throttled are the RDAP and WHOIS questions over a server's limit, and
	// Banned those of clients that did not heed it.
	Throttled int64 `json:"throttled,omitempty"`
	Banned    int64 `json:"banned,omitempty"`
	// Verifications are those that registrars asked the centre for, and
	// VerificationsRefused those it did not take. Codes are mails with a code
	// that a holder's mailbox accepted, CodesReturned and CodesRefused the
	// holders' answers, Scans the links that scanners opened. Orders are
	// attempts of the centre's at holding and releasing, OrdersRefused those
	// that a registrar's system did not carry out.
	Verifications        int64 `json:"verifications,omitempty"`
	VerificationsRefused int64 `json:"verifications_refused,omitempty"`
	Codes                int64 `json:"codes,omitempty"`
	CodesReturned        int64 `json:"codes_returned,omitempty"`
	CodesRefused         int64 `json:"codes_refused,omitempty"`
	Scans                int64 `json:"scans,omitempty"`
	Orders               int64 `json:"orders,omitempty"`
	OrdersRefused        int64 `json:"orders_refused,omitempty"`
	// SMTPInner are mails between registrars and their customers; no other count
	// holds them.
	SMTPInner int64 `json:"smtp_inner,omitempty"`
}

// tld is a top-level domain at work.
type tld struct {
	def      *TLD
	addr     netip.Addr // of its name servers and its RDAP server
	registry *party
	verifies time.Time // zero: never
}

// operator is a DNS operator at work.
type operator struct {
	def  *DNSOperator
	addr netip.Addr // of its name servers, and of the parking or sinkhole page
}

// party is an organisation that mail can reach.
type party struct {
	id, role, name, mail, form, domain string
	auth                               string // how its domain vouches for its mail; "" is full
	b                                  Behaviour
	tld                                *tld
	registrar                          *Registrar
	host                               *Host
	cdn                                *CDN
	platform                           *Platform
}

// network is a prefix and who runs it, for the RDAP of addresses.
type network struct {
	prefix  netip.Prefix
	owner   *party // nil for the lab's own
	country string
}

// holding is a name, or address, at work.
type holding struct {
	def        *Name
	registered time.Time // zero: not yet
	refused    bool      // the registry did not register it
	changed    time.Time
	expires    time.Time
	clientHold bool
	verifyHold bool // clientHold for want of verification; it hinders no other
	proof      proof
	data       Registrant // as it is published: wrong where the scenario says so, until somebody corrects it
	dataHold   bool       // clientHold because the holder did not answer about the data
	claim      claim
	serverHold bool
	expired    time.Time
	deleted    time.Time
	zoneGone   bool
	dns        *operator
	registrar  *party
	host       *party
	platform   *party
	cdn        *party
	addr       netip.Addr
	addr6      netip.Addr
	cdnAddr    netip.Addr
	cdnAddr6   netip.Addr
	cdnState   string // "", "interstitial", "stopped"
	live       bool   // the abuse, or the innocent site, has gone up
	how        string // how it answers since it was taken down; "" while up
	notice     string // who says so on the page
	cleaned    bool   // the abuse is removed, the rest of the site stands
	cloak      *Cloak
	movedTo    *holding
	movedFrom  []*holding
	round      int
	takedowns  int
	asked      bool // a party accepted a notice
	tipped     bool
	reported   bool
	pending    map[string]bool // acts under way, by party and round
}

// event is something due in the world.
type event struct {
	at  time.Time
	key string
	// act changes the world, under its lock; what it returns is then done
	// without the lock.
	act func(at time.Time) func(context.Context) error
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].key < q[j].key
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *eventQueue) Push(x any) { *q = append(*q, x.(event)) }

// Pop implements heap.Interface.
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

func (w *World) schedule(at time.Time, key string, act func(at time.Time) func(context.Context) error) {
	heap.Push(&w.queue, event{clock.Truncate(at), key, act})
}

// Start brings a scenario to life: its servers listen on loopback, as of the
// start; the first Advance sets it in motion. Close ends them.
func Start(ctx context.Context, s *Scenario, o Options) (*World, error) {
	if err := s.Complete(); err != nil {
		return nil, err
	}
	w := &World{s: s, start: o.Start, log: o.Logger, vantages: o.Vantages,
		tlds: map[string]*tld{}, ops: map[string]*operator{}, hosts: map[string]*party{}, servers: map[netip.Addr]*nameServer{}, whoisAt: map[netip.Addr]*whoisServer{},
		infra: map[string]record{}, boxes: map[string]*mailbox{}, domains: map[string]bool{}, targets: map[endpoint]string{},
		holdings: map[string]*holding{}, at: map[netip.Addr][]*holding{}, subjects: map[string]*subject{},
		greylist: map[string]time.Time{}, asks: map[string]int{}, afterLive: map[*holding][]int{}, leads: map[string][]*holding{},
		texts: map[string]string{}, senders: map[string]sender{}, sources: sources{of: map[netip.AddrPort]netip.Addr{}},
		written: map[string]int{}, heard: map[string]int{}, duels: map[[2]string]*duel{}, threads: map[string]*duel{}, busy: map[string]int{}, receipts: map[string]*Receipts{},
		orders: map[string]string{}, flaky: map[string]bool{}}
	if w.start.IsZero() {
		w.start = s.Start
	}
	w.start = clock.Truncate(w.start)
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if len(w.vantages) == 0 {
		w.vantages = StandardVantages()
	}
	w.clock = clock.NewVirtual(w.start)
	var private []name.Domain
	for _, p := range s.Platforms {
		d, err := name.Parse(p.Suffix)
		if err != nil {
			return nil, err
		}
		private = append(private, d)
	}
	var err error
	if w.suffixes, err = name.WithPrivate(private); err != nil {
		return nil, err
	}
	if w.ca, err = newAuthority(w.start, w.clock.Now); err != nil {
		return nil, err
	}
	w.build()
	w.populate()
	w.client = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{DialContext: w.dialCentre, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if err := w.listen(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// dialCentre reaches the centre's own address and nothing else.
func (w *World) dialCentre(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.RLock()
	centre := w.centre
	w.mu.RUnlock()
	if centre == nil || centre.Host != address {
		return nil, fmt.Errorf("the lab speaks to the centre only, not to %s", address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Close stops every server.
func (w *World) Close() error {
	var errs []error
	for _, s := range w.dns {
		_ = s.Shutdown() // it says only that it had not started
	}
	for _, s := range w.web {
		errs = append(errs, s.Close())
	}
	if w.smtp != nil {
		errs = append(errs, w.smtp.Close())
		// It may not have come to know its listener yet.
		if err := w.mailPort.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if w.whois != nil {
		w.whois.close()
	}
	w.serving.Wait()
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	return errors.Join(errs...)
}

// Now is the virtual time at which the world stands.
func (w *World) Now() time.Time { return w.clock.Now() }

// Clock is the world's own clock; only Advance moves it.
func (w *World) Clock() clock.Clock { return w.clock }

// StartsAt and EndsAt bound the scenario in virtual time.
func (w *World) StartsAt() time.Time { return w.start }

// EndsAt is the end of the scenario's last day.
func (w *World) EndsAt() time.Time { return w.start.Add(time.Duration(w.s.Days) * Day) }

// SetCentre tells the world where the centre's API is: an http URL of a
// loopback address. Reporters and parties then send there.
func (w *World) SetCentre(baseURL string) error {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return problem.BadField("centre", "%q is not an http URL", baseURL)
	}
	a, err := netip.ParseAddrPort(u.Host)
	if err != nil || !a.Addr().IsLoopback() {
		return problem.BadField("centre", "%q is not on a loopback address with a port", baseURL)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.centre = u
	return nil
}

// Next is when the next thing is due in the world; false when nothing is.
func (w *World) Next() (time.Time, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if len(w.inbox) > 0 {
		return w.clock.Now(), true
	}
	if len(w.queue) == 0 {
		return time.Time{}, false
	}
	return w.queue[0].at, true
}

// Advance moves the world to now: everything due up to then happens, in order
// of time, then of key. Mails that have arrived are read first. It returns
// when the reports and answers that this caused have been sent.
func (w *World) Advance(ctx context.Context, now time.Time) error {
	w.advance.Lock()
	defer w.advance.Unlock()
	w.mu.Lock()
	w.readMail()
	w.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.mu.Lock()
		if len(w.queue) == 0 || w.queue[0].at.After(now) {
			w.clock.Set(now)
			w.mu.Unlock()
			return nil
		}
		e := heap.Pop(&w.queue).(event)
		w.clock.Set(e.at)
		send := e.act(e.at)
		w.mu.Unlock()
		if send != nil {
			if err := send(ctx); err != nil {
				return err
			}
		}
	}
}

// CA is the pool that trusts the lab's certificates.
func (w *World) CA() *x509.CertPool { return w.ca.pool() }

// Roots are the addresses of the DNS root servers.
func (w *World) Roots() []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(rootAddr, 53), netip.AddrPortFrom(rootAddr2, 53)}
}

// PrivateSuffixes are the platforms' suffixes.
func (w *World) PrivateSuffixes() []string {
	var out []string
	for _, p := range w.s.Platforms {
		out = append(out, p.Suffix)
	}
	return out
}

// GTLDs are the generic TLDs of the scenario.
func (w *World) GTLDs() []string { return w.tldsOf("gtld") }

// CCTLDs are the country-code TLDs of the scenario.
func (w *World) CCTLDs() []string { return w.tldsOf("cctld") }

func (w *World) tldsOf(kind string) []string {
	var out []string
	for _, t := range w.s.TLDs {
		if t.Kind == kind {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Counts gives the counters.
func (w *World) Counts() Counts {
	c := &w.counts
	return Counts{DNS: c.dns.Load(), RDAP: c.rdap.Load(), HTTP: c.http.Load(), WHOIS: c.whois.Load(), SMTPAccepted: c.smtp.Load(), Refused: c.refused.Load(),
		Unanswered: c.unanswered.Load(), ReportsSent: c.reports.Load(), ReportsAccepted: c.accepted.Load(), ReportsRejected: c.rejected.Load(),
		ReportsUnexpected: c.unexpected.Load(), AnswersSent: c.answers.Load(), AnswersFailed: c.answersFailed.Load(),
		SMTPSent: c.mailsSent.Load(), SMTPTaken: c.mailsTaken.Load(), SMTPRefused: c.mailsRefused.Load(), SMTPAgain: c.mailsAgain.Load(),
		SMTPNowhere: c.mailsNowhere.Load(), DuelsCut: c.duelsCut.Load(), Throttled: c.throttled.Load(), Banned: c.banned.Load(),
		Verifications: c.verifications.Load(), VerificationsRefused: c.verificationsRefused.Load(), Codes: c.codes.Load(), CodesReturned: c.codesReturned.Load(),
		CodesRefused: c.codesRefused.Load(), Scans: c.scans.Load(), Orders: c.orders.Load(), OrdersRefused: c.ordersRefused.Load(), SMTPInner: c.inner.Load()}
}

// Config is what an operator of a centre would configure by hand: not the
// registrars and hosts, which are found by RDAP.
type Config struct {
	BlockLists   []ConfigParty
	CERTs        []ConfigParty
	Constituents []ConfigParty
	Platforms    []ConfigParty
	CDNs         []ConfigParty
	// Sinkholes and Parking are the names of name servers that are known for
	// it.
	Sinkholes []string
	Parking   []string
	// SinkholeAddrs and ParkingAddrs are where their pages are.
	SinkholeAddrs []netip.Addr
	ParkingAddrs  []netip.Addr
	Hotline       *ConfigParty
	// Reporters have mailboxes for receipts.
	Reporters []ConfigParty
}

// ConfigParty is one configured party; only the fields of its kind are set.
type ConfigParty struct {
	Name     string
	Mail     string // "" when none is published
	Form     string
	Country  string
	Domains  []string
	Brands   []string
	Suffix   string
	Prefixes []netip.Prefix
}

// Parties describes the parties that a centre's operator would configure.
func (w *World) Parties() Config {
	var c Config
	for _, b := range w.s.BlockLists {
		c.BlockLists = append(c.BlockLists, ConfigParty{Name: b.Name, Mail: published(b.Mail)})
	}
	for _, b := range w.s.CERTs {
		c.CERTs = append(c.CERTs, ConfigParty{Name: b.Name, Mail: published(b.Mail), Country: b.Country})
	}
	for _, k := range w.s.Constituents {
		domains := slices.Clone(k.Domains)
		for _, n := range w.s.Names {
			if n.Owner == k.Name && !slices.Contains(domains, n.Name) {
				domains = append(domains, n.Name)
			}
		}
		c.Constituents = append(c.Constituents, ConfigParty{Name: k.Name, Mail: published(k.Mail), Domains: domains, Brands: slices.Clone(k.Brands)})
	}
	for _, p := range w.s.Platforms {
		c.Platforms = append(c.Platforms, ConfigParty{Name: p.Name, Mail: published(p.Mail), Form: p.Form, Suffix: p.Suffix})
	}
	for _, d := range w.s.CDNs {
		c.CDNs = append(c.CDNs, ConfigParty{Name: d.Name, Mail: published(d.Mail), Form: d.Form, Prefixes: slices.Clone(d.Networks)})
	}
	for _, o := range w.s.DNSOperators {
		ns := []string{"ns1." + o.Domain, "ns2." + o.Domain}
		switch o.Kind {
		case "sinkhole":
			c.Sinkholes, c.SinkholeAddrs = append(c.Sinkholes, ns...), append(c.SinkholeAddrs, w.ops[o.Name].addr)
		case "parking":
			c.Parking, c.ParkingAddrs = append(c.Parking, ns...), append(c.ParkingAddrs, w.ops[o.Name].addr)
		}
	}
	if h := w.s.Hotline; h != nil {
		c.Hotline = &ConfigParty{Name: h.Name, Mail: published(h.Mail)}
	}
	for _, r := range w.s.Reporters {
		c.Reporters = append(c.Reporters, ConfigParty{Name: r.Name, Mail: published(r.Mail)})
	}
	return c
}

func published(mail string) string {
	if mail == "none" {
		return ""
	}
	return mail
}

// MailHost is where mail for every party is received.
func (w *World) MailHost() netip.AddrPort { return netip.AddrPortFrom(mailAddr, 25) }
