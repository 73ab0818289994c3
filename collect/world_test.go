package collect

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bailiwick/clock"
	"bailiwick/evidence"
	"bailiwick/name"

	"github.com/miekg/dns"
)

// world is a small Internet: real servers on loopback, reached through a Dial
// that maps documentation addresses to them and opens nothing else.
type world struct {
	t       testing.TB
	clock   *clock.Virtual
	mu      sync.Mutex
	routes  map[string]string // "tcp 192.0.2.1:80" to a loopback address
	holes   map[string]bool   // addresses that no connection comes to, until the time is over
	deaf    map[string]bool   // addresses that take what is sent and are at once timed out
	dialled []dialled
	blobs   map[string][]byte

	dnsSeen, webSeen atomic.Int64
}

type dialled struct {
	source           netip.Addr
	network, address string
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	return &world{t: t, clock: clock.NewVirtual(start), routes: map[string]string{}, holes: map[string]bool{}, deaf: map[string]bool{}, blobs: map[string][]byte{}}
}

func (w *world) dial(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, dialled{source, network, address})
	to, ok := w.routes[network+" "+address]
	hole, deaf := w.holes[address], w.deaf[address]
	w.mu.Unlock()
	if deaf {
		return deafConn{}, nil
	}
	if hole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

func (w *world) keep(_ context.Context, _ string, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	h := hex.EncodeToString(sum[:])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blobs[h] = slices.Clone(data)
	return h, nil
}

// deafConn is a connection whose time is over as soon as it is read from.
type deafConn struct{ net.Conn }

func (deafConn) Write(b []byte) (int, error) { return len(b), nil }
func (deafConn) Read([]byte) (int, error)    { return 0, os.ErrDeadlineExceeded }
func (deafConn) SetDeadline(time.Time) error { return nil }
func (deafConn) Close() error                { return nil }

// connections are the addresses dialled for one network.
func (w *world) connections(network string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, d := range w.dialled {
		if d.network == network {
			out = append(out, d.address)
		}
	}
	return out
}

// collector is one in this world, whose time-outs are
// long enough for a busy machine.
func (w *world) collector(change ...func(*Config)) *Collector {
	w.t.Helper()
	cfg := Config{
		Dial: w.dial, Clock: w.clock, Guard: Guard{AllowDocumentation: true}, Keep: w.keep,
		Roots:    []netip.AddrPort{netip.MustParseAddrPort("198.51.100.1:53")},
		Vantages: []evidence.Vantage{{ID: "plain", UserAgent: "Browser/1", Language: "en"}},
		TLSTime:  w.clock.Now,
		WHOIS:    map[string]string{"": ""}, // the WHOIS tests say otherwise
		Limits: Limits{QueryTime: 5 * time.Second, LookupTime: 20 * time.Second, ConnectTime: 5 * time.Second, FetchTime: 20 * time.Second,
			RDAPTime: 20 * time.Second, RDAPRate: 1e6, RDAPBurst: 1e6},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// dns runs a name server at a documentation address, on UDP and TCP.
func (w *world) dns(addr string, h dns.HandlerFunc) {
	w.t.Helper()
	counted := dns.HandlerFunc(func(rw dns.ResponseWriter, m *dns.Msg) {
		w.dnsSeen.Add(1)
		h(rw, m)
	})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range []*dns.Server{{Listener: tcp, Handler: counted}, {PacketConn: udp, Handler: counted}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go func() { _ = s.ActivateAndServe() }() // ends with an error when it is shut down
		<-up
		w.t.Cleanup(func() { _ = s.Shutdown() })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.routes["udp "+addr+":53"], w.routes["tcp "+addr+":53"] = udp.LocalAddr().String(), tcp.Addr().String()
}

// zoneOf serves zones from records in zone file form, as an authoritative
// server does: referrals with their glue below a cut, aliases, denials.
func zoneOf(t testing.TB, origin string, lines ...string) dns.HandlerFunc {
	t.Helper()
	var rrs []dns.RR
	soa, err := dns.NewRR(origin + " 300 IN SOA ns." + strings.TrimPrefix(origin, ".") + " host." + strings.TrimPrefix(origin, ".") + " 1 2 3 4 300")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	at := func(n string, typ uint16) (out []dns.RR) {
		for _, rr := range rrs {
			if strings.EqualFold(rr.Header().Name, n) && rr.Header().Rrtype == typ {
				out = append(out, rr)
			}
		}
		return out
	}
	return func(rw dns.ResponseWriter, m *dns.Msg) {
		q := m.Question[0]
		r := new(dns.Msg)
		r.SetReply(m)
		n := dns.CanonicalName(q.Name)
		for off, end := 0, false; !end; off, end = dns.NextLabel(n, off) { // a cut between the origin and the name
			cut := n[off:]
			ns := at(cut, dns.TypeNS)
			if len(ns) == 0 || cut == origin || !dns.IsSubDomain(origin, cut) {
				continue
			}
			r.Ns = ns
			for _, rr := range ns {
				host := rr.(*dns.NS).Ns
				r.Extra = append(append(r.Extra, at(host, dns.TypeA)...), at(host, dns.TypeAAAA)...)
			}
			_ = rw.WriteMsg(r)
			return
		}
		r.Authoritative = true
		known := n == origin
		for range 12 {
			if r.Answer = append(r.Answer, at(n, q.Qtype)...); len(at(n, q.Qtype)) > 0 {
				known = true
				break
			}
			alias := at(n, dns.TypeCNAME)
			if len(alias) == 0 {
				break
			}
			known = true
			r.Answer = append(r.Answer, alias...)
			n = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
		}
		for _, rr := range rrs {
			known = known || dns.IsSubDomain(n, dns.CanonicalName(rr.Header().Name))
		}
		if len(r.Answer) == 0 {
			if q.Qtype == dns.TypeSOA && n == origin {
				r.Answer = []dns.RR{soa}
			} else {
				r.Ns = []dns.RR{soa}
				if !known {
					r.Rcode = dns.RcodeNameError
				}
			}
		}
		_ = rw.WriteMsg(r)
	}
}

// internet puts up a root, the top-level domain test. and the servers of
// shop.test and others, as most tests need them.
func (w *world) internet(tld ...string) {
	w.t.Helper()
	w.dns("198.51.100.1", zoneOf(w.t, ".",
		"test. 3600 IN NS a.nic.test.", "a.nic.test. 3600 IN A 198.51.100.2",
		"example. 3600 IN NS a.nic.example.", "a.nic.example. 3600 IN A 198.51.100.3"))
	w.dns("198.51.100.2", zoneOf(w.t, "test.", append([]string{
		"shop.test. 60 IN NS ns1.shop.test.", "shop.test. 60 IN NS ns2.shop.test.",
		"ns1.shop.test. 60 IN A 203.0.113.1", "ns2.shop.test. 60 IN A 203.0.113.2"}, tld...)...))
	shop := zoneOf(w.t, "shop.test.",
		"shop.test. 60 IN A 192.0.2.10", "shop.test. 60 IN AAAA 2001:db8::10", "shop.test. 60 IN MX 20 mx2.shop.test.",
		"shop.test. 60 IN MX 10 mx1.shop.test.", "mx1.shop.test. 60 IN A 192.0.2.25", "mx2.shop.test. 60 IN A 192.0.2.26",
		"www.shop.test. 60 IN CNAME shop.test.", "ns1.shop.test. 60 IN A 203.0.113.1", "ns2.shop.test. 60 IN A 203.0.113.2")
	w.dns("203.0.113.1", shop)
	w.dns("203.0.113.2", shop)
}

// web runs a web server at "address:port".
func (w *world) web(addr string, h http.HandlerFunc) { w.serve(addr, h, nil) }

func (w *world) serve(addr string, h http.HandlerFunc, cert *tls.Certificate) {
	w.t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.webSeen.Add(1)
		h(rw, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if cert != nil {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		s.StartTLS()
	} else {
		s.Start()
	}
	w.t.Cleanup(s.Close)
	w.route("tcp", addr, s.Listener.Addr().String())
}

func (w *world) route(network, addr, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.routes[network+" "+addr] = to
}

// raw runs a TCP server that speaks as it likes.
func (w *world) raw(addr string, speak func(net.Conn)) {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			busy.Go(func() {
				defer conn.Close()
				speak(conn)
			})
		}
	})
	w.t.Cleanup(func() { l.Close(); busy.Wait() })
	w.route("tcp", addr, l.Addr().String())
}

// authority is a certificate authority of the test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(5, 0, 0), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{t, cert, key, pool}
}

func (a *authority) issue(from, to time.Time, names ...string) *tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, NotBefore: from, NotAfter: to,
		DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsFor is a server's setting with one certificate.
func (*world) tlsFor(cert *tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*cert}}
}

func domain(t testing.TB, s string) name.Domain {
	t.Helper()
	d, err := name.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func link(t testing.TB, s string) name.URL {
	t.Helper()
	u, err := name.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// balanced checks that the collector counted what the servers received.
func (w *world) balanced(c *Collector) {
	w.t.Helper()
	n := c.Counts()
	if n.DNS != w.dnsSeen.Load() || n.HTTP+n.RDAP != w.webSeen.Load() {
		w.t.Errorf("counted %+v; the servers received %d DNS and %d web", n, w.dnsSeen.Load(), w.webSeen.Load())
	}
}
