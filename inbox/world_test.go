package inbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/mail"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/miekg/dns"
)

var start = time.Date(2026, 3, 4, 10, 30, 0, 0, time.UTC)

// zone is a DNS server that answers for everything: the root of a small
// Internet. It fails for names that end in one of its broken ones.
type zone struct {
	mu     sync.Mutex
	rrs    map[string][]dns.RR // by name and type
	broken []string
	asked  int
}

func (z *zone) add(t testing.TB, lines ...string) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		k := dns.CanonicalName(rr.Header().Name) + " " + dns.TypeToString[rr.Header().Rrtype]
		z.rrs[k] = append(z.rrs[k], rr)
	}
}

func (z *zone) txt(t testing.TB, name, value string) {
	t.Helper()
	var parts []string
	for ; len(value) > 250; value = value[250:] {
		parts = append(parts, `"`+value[:250]+`"`)
	}
	z.add(t, name+`. 60 IN TXT `+strings.Join(append(parts, `"`+value+`"`), " "))
}

// ServeDNS implements dns.Handler.
func (z *zone) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	r := new(dns.Msg)
	r.SetReply(m)
	r.Authoritative = true
	n := dns.CanonicalName(m.Question[0].Name)
	for _, b := range z.broken {
		if strings.HasSuffix(n, b) {
			r.Rcode = dns.RcodeServerFailure
			_ = w.WriteMsg(r)
			return
		}
	}
	r.Answer = z.rrs[n+" "+dns.TypeToString[m.Question[0].Qtype]]
	if len(r.Answer) == 0 {
		soa, _ := dns.NewRR(". 60 IN SOA a. b. 1 2 3 4 60")
		r.Ns = []dns.RR{soa}
		known := false
		for k := range z.rrs {
			owner, _, _ := strings.Cut(k, " ")
			known = known || dns.IsSubDomain(n, owner)
		}
		if !known {
			r.Rcode = dns.RcodeNameError
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		r.Truncate(1232)
	}
	_ = w.WriteMsg(r)
}

// resolver serves z on loopback and gives the centre's own resolver for it.
func (z *zone) resolver(t testing.TB) *collect.Resolver {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{Listener: tcp, Handler: z}, {PacketConn: udp, Handler: z}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go func() { _ = s.ActivateAndServe() }() // ends with an error when it is shut down
		<-up
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	c, err := collect.New(collect.Config{
		Clock: clock.NewVirtual(start), Guard: collect.Guard{AllowDocumentation: true},
		Roots:  []netip.AddrPort{netip.MustParseAddrPort("198.51.100.1:53")},
		Limits: collect.Limits{QueryTime: 5 * time.Second, LookupTime: 20 * time.Second},
		Dial: func(ctx context.Context, _ netip.Addr, network, address string) (net.Conn, error) {
			to := udp.LocalAddr().String()
			if network == "tcp" {
				to = tcp.Addr().String()
			}
			var d net.Dialer
			return d.DialContext(ctx, network, to)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return collect.NewResolver(c)
}

func newZone() *zone { return &zone{rrs: map[string][]dns.RR{}} }

// signKey is a key for signing in tests, made by an independent library.
type signKey struct {
	crypto.Signer
	record string
}

func edKey(t testing.TB) signKey {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signKey{priv, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)}
}

func rsaKey(t testing.TB, bits int) signKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return signKey{k, "v=DKIM1; k=rsa; p=" + spki(t, &k.PublicKey)}
}

func spki(t testing.TB, k *rsa.PublicKey) string {
	b, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func sign(t testing.TB, msg string, k signKey, domain, selector string, set ...func(*dkim.SignOptions)) string {
	t.Helper()
	o := &dkim.SignOptions{Domain: domain, Selector: selector, Signer: k, HeaderCanonicalization: "relaxed", BodyCanonicalization: "relaxed",
		HeaderKeys: []string{"From", "To", "Subject"}}
	for _, f := range set {
		f(o)
	}
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(msg), o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// box is a receiver that keeps what comes.
type box struct {
	mu        sync.Mutex
	got       []letter
	recipient func(from, to string) error
	receive   func(ctx context.Context, env mail.Envelope, raw []byte) error
}

type letter struct {
	env mail.Envelope
	raw string
}

// Recipient implements Receiver.
func (b *box) Recipient(_ context.Context, from, to string) error {
	if b.recipient != nil {
		return b.recipient(from, to)
	}
	return nil
}

// Receive implements Receiver.
func (b *box) Receive(ctx context.Context, env mail.Envelope, raw []byte) error {
	if b.receive != nil {
		if err := b.receive(ctx, env, raw); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, letter{env, string(raw)})
	return nil
}

func (b *box) letters() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]letter(nil), b.got...)
}

// serve runs a server on loopback. Its errors and panics fail the test.
func serve(t testing.TB, b Receiver, set ...func(*Config)) (*Server, string) {
	t.Helper()
	conf := Config{Domain: "mx.centre.example", Clock: clock.NewVirtual(start), PerAddr: -1, PerDomain: -1, MaxConnsPerAddr: 1000, MaxMails: 1 << 30}
	for _, f := range set {
		f(&conf)
	}
	s, err := New(conf, b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if held := s.held.Load(); held != 0 {
			t.Errorf("%d octets are still counted as held", held)
		}
		if len(s.open) != 0 || len(s.perAddr) != 0 {
			t.Errorf("%d connections are still counted, %v", len(s.open), s.perAddr)
		}
	})
	return s, l.Addr().String()
}

// talk is a client that says just what a test wants.
type talk struct {
	t testing.TB
	net.Conn
	r *textproto.Reader
}

// dial connects and reads the greeting.
func dial(t testing.TB, addr string) *talk {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	k := &talk{t, c, textproto.NewReader(bufio.NewReader(c))}
	k.want("220")
	return k
}

// greet is dial and a greeting.
func greet(t testing.TB, addr string) *talk {
	t.Helper()
	k := dial(t, addr)
	k.say("EHLO mail.good.example", "250")
	return k
}

func (k *talk) send(s string) {
	k.t.Helper()
	if _, err := k.Write([]byte(s)); err != nil {
		k.t.Fatalf("write: %v", err)
	}
}

// want reads one answer, which must begin as given, and gives it.
func (k *talk) want(prefix string) string {
	k.t.Helper()
	code, msg, err := k.r.ReadResponse(0)
	got := fmt.Sprintf("%d %s", code, msg)
	if err != nil && code == 0 {
		got = err.Error()
	}
	if !strings.HasPrefix(got, prefix) {
		k.t.Fatalf("the answer is %q, not %q", got, prefix)
	}
	return got
}

func (k *talk) say(line, prefix string) string {
	k.t.Helper()
	k.send(line + "\r\n")
	return k.want(prefix)
}

// over checks that the server has closed the connection.
func (k *talk) over() {
	k.t.Helper()
	if l, err := k.r.ReadLine(); err == nil {
		k.t.Fatalf("the server goes on: %q", l)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		k.t.Fatal("the connection stays open")
	}
	k.Close()
}

// mail sends one and wants the answer.
func (k *talk) mail(from, to, text, prefix string) string {
	k.t.Helper()
	k.say("MAIL FROM:<"+from+">", "250")
	k.say("RCPT TO:<"+to+">", "250")
	k.say("DATA", "354")
	k.send(text + ".\r\n")
	return k.want(prefix)
}

const plainMail = "From: Desk <desk@good.example>\r\nTo: abuse@centre.example\r\nSubject: a report\r\n\r\nhxxp://bad[.]example/ is bad.\r\n"

func dialReader(c net.Conn) *textproto.Reader { return textproto.NewReader(bufio.NewReader(c)) }
