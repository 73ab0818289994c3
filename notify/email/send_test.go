package email

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/name"
	"bailiwick/problem"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a real SMTP server on loopback that answers as a test wants.
type mailbox struct {
	mu     sync.Mutex
	got    []string // raw messages taken
	hello  []string
	from   []string
	utf8   bool
	onRcpt error
	onData error
	auth   func(user, password string) error
	tls    []bool // was the session of each RCPT under TLS
}

type session struct {
	b *mailbox
	c *smtp.Conn
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hello = append(b.hello, c.Hostname())
	return &session{b, c}, nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.from = append(s.b.from, from)
	s.b.utf8 = o.UTF8
	return nil
}

func (s *session) Rcpt(string, *smtp.RcptOptions) error {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	_, secure := s.c.TLSConnectionState()
	s.b.tls = append(s.b.tls, secure)
	return s.b.onRcpt
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.b.onData != nil {
		return s.b.onData
	}
	s.b.got = append(s.b.got, string(raw))
	return nil
}

func (s *session) Reset()                   {}
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.b.auth == nil {
			return errors.New("no accounts")
		}
		return s.b.auth(user, password)
	}), nil
}

func (b *mailbox) serve(t *testing.T, set func(*smtp.Server)) netip.AddrPort {
	t.Helper()
	srv := smtp.NewServer(b)
	srv.Domain = "mx.example"
	srv.ErrorLog = discard{}
	if set != nil {
		set(srv)
	}
	l := listen(t)
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// script serves connections with a function of their lines; it closes each when
// the function returns.
func script(t *testing.T, f func(c net.Conn, r *bufio.Reader)) netip.AddrPort {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if err := c.(*net.TCPConn).SetReadBuffer(8 << 10); err != nil {
					t.Error(err)
				}
				f(c, bufio.NewReader(c))
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// until answers every line with 250, DATA with 354, and returns before it
// answers the line stop.
func until(c net.Conn, r *bufio.Reader, stop string) {
	fmt.Fprintf(c, "220 mx.example\r\n")
	data := false
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return
		}
		l = strings.TrimRight(l, "\r\n")
		if l == stop || !data && strings.HasPrefix(l, stop) {
			return
		}
		switch {
		case data:
		case l == "DATA":
			data = true
			fmt.Fprintf(c, "354 go on\r\n")
		default:
			fmt.Fprintf(c, "250 ok\r\n")
		}
	}
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if t, ok := c.(*net.TCPConn); ok {
		err = t.SetWriteBuffer(8 << 10)
	}
	return c, err
}

func mx(servers ...netip.AddrPort) func(context.Context, name.Domain) ([]netip.AddrPort, error) {
	return func(context.Context, name.Domain) ([]netip.AddrPort, error) { return servers, nil }
}

func sender(t *testing.T, set func(*SenderConfig), servers ...netip.AddrPort) *Sender {
	t.Helper()
	conf := SenderConfig{Hello: "centre.example", MX: mx(servers...), Dial: dial,
		Timeouts: Timeouts{Connect: 5 * time.Second, Command: 5 * time.Second, Data: 5 * time.Second, Total: 20 * time.Second}}
	if set != nil {
		set(&conf)
	}
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func note() Message {
	return Message{ID: "notice.1@centre.example", From: "abc@reply.centre.example", To: "abuse@reg.example",
		Raw: []byte("From: x@centre.example\r\nSubject: test\r\n\r\nline\r\n.dot at the start\r\nlast\r\n")}
}

func TestSendAccepted(t *testing.T) {
	b := &mailbox{}
	s := sender(t, nil, b.serve(t, nil))
	m := note()
	r := s.Send(t.Context(), m)
	if !r.Accepted || r.InDoubt || r.Recoverable || r.Code != 250 || r.Enhanced != "2.0.0" || r.Err != nil || r.TLS != "" {
		t.Errorf("%+v", r)
	}
	if len(b.got) != 1 || b.got[0] != string(m.Raw) {
		t.Errorf("arrived: %q", b.got)
	}
	if b.from[0] != m.From || b.hello[0] != "centre.example" {
		t.Errorf("envelope %v, greeting %v", b.from, b.hello)
	}
	if c := s.Counts(); c != (Counts{Accepted: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestSendReplies(t *testing.T) {
	for _, tc := range []struct {
		what        string
		rcpt, data  error
		recoverable bool
		code        int
		enhanced    string
		response    string
	}{
		{"550 at RCPT", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, nil, false, 550, "5.1.1", "no such user"},
		{"450 greylisted", &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later"}, nil, true, 450, "4.7.1", "come back later"},
		{"554 after DATA", nil, &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "looks like spam"}, false, 554, "5.7.1", "looks like spam"},
		{"452 after DATA", nil, &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}, true, 452, "4.2.2", "mailbox full"},
		{"several lines", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "one\ntwo\nthree"}, nil, false, 550, "5.7.1", "one two three"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			b := &mailbox{onRcpt: tc.rcpt, onData: tc.data}
			never := &mailbox{}
			s := sender(t, nil, b.serve(t, nil), never.serve(t, nil))
			r := s.Send(t.Context(), note())
			if r.Accepted || r.InDoubt || r.Recoverable != tc.recoverable || r.Code != tc.code || r.Enhanced != tc.enhanced || r.Response != tc.response {
				t.Errorf("%+v", r)
			}
			if len(never.hello) != 0 {
				t.Error("a reply was taken to another server")
			}
			want := Counts{Rejected: 1}
			if tc.recoverable {
				want = Counts{Deferred: 1}
			}
			if s.Counts() != want {
				t.Errorf("%+v", s.Counts())
			}
		})
	}
}

// Where a cut connection leaves the message: surely not delivered before the
// final dot, in doubt after it, and then never taken elsewhere.
func TestSendCut(t *testing.T) {
	for stop, doubt := range map[string]bool{"EHLO": false, "MAIL": false, "RCPT": false, "DATA": false, "last": false, ".": true} {
		t.Run(stop, func(t *testing.T) {
			second := &mailbox{}
			bad := script(t, func(c net.Conn, r *bufio.Reader) { until(c, r, stop) })
			s := sender(t, nil, bad)
			m := note()
			if stop == "last" {
				// More than the small buffers of this test hold, so that the cut is
				// felt before the dot.
				m.Raw = append(m.Raw, []byte(strings.Repeat(strings.Repeat("x", 70)+"\r\n", 20_000))...)
			}
			r := s.Send(t.Context(), m)
			if r.Accepted || r.InDoubt != doubt || r.Recoverable == doubt || r.Err == nil || r.Response == "" {
				t.Errorf("%+v", r)
			}
			s = sender(t, nil, bad, second.serve(t, nil))
			if r = s.Send(t.Context(), m); r.Accepted == doubt || r.InDoubt != doubt {
				t.Errorf("with a second server: %+v", r)
			}
			if doubt && len(second.got) > 0 {
				t.Error("a message in doubt was sent again")
			}
		})
	}
}

// After the final dot only a plain yes or no counts.
func TestSendStrangeLastReply(t *testing.T) {
	for reply, want := range map[string]string{
		"250 2.0.0 ok\r\n":                        "accepted",
		"250-first\r\n250 second\r\n":             "accepted",
		"554 no\r\n":                              "final",
		"451 later\r\n":                           "later",
		"354 what\r\n":                            "doubt",
		"nonsense\r\n":                            "doubt",
		"250-never ends":                          "doubt",
		"250-a\r\n550 b\r\n":                      "doubt",
		strings.Repeat("250-more\r\n", maxRead/8): "doubt",
	} {
		addr := script(t, func(c net.Conn, r *bufio.Reader) {
			until(c, r, ".")
			io.WriteString(c, reply)
		})
		r := sender(t, nil, addr).Send(t.Context(), note())
		got := "final"
		switch {
		case r.Accepted:
			got = "accepted"
		case r.InDoubt:
			got = "doubt"
		case r.Recoverable:
			got = "later"
		}
		if got != want {
			t.Errorf("%.40q: %s, want %s (%+v)", reply, got, want, r)
		}
	}
}

func TestSendServers(t *testing.T) {
	down := listen(t)
	gone := netip.MustParseAddrPort(down.Addr().String())
	down.Close()
	up := &mailbox{}
	upAddr := up.serve(t, nil)
	closed := script(t, func(c net.Conn, _ *bufio.Reader) { fmt.Fprint(c, "554 no mail here\r\n") })
	busy := script(t, func(c net.Conn, _ *bufio.Reader) { fmt.Fprint(c, "421 too busy\r\n") })

	r := sender(t, nil, gone, upAddr).Send(t.Context(), note())
	if !r.Accepted || r.Server != upAddr.String() {
		t.Errorf("the first down, the second up: %+v", r)
	}
	if r = sender(t, nil, closed, busy, upAddr).Send(t.Context(), note()); !r.Accepted {
		t.Errorf("the third of three: %+v", r)
	}
	if r = sender(t, nil, gone).Send(t.Context(), note()); !r.Recoverable || r.Enhanced != "4.4.1" {
		t.Errorf("all down: %+v", r)
	}
	if r = sender(t, nil, closed).Send(t.Context(), note()); r.Recoverable || r.Code != 554 {
		t.Errorf("closed for good: %+v", r)
	}
	for _, order := range [][]netip.AddrPort{{closed, gone}, {gone, closed}} {
		if r = sender(t, nil, order...).Send(t.Context(), note()); !r.Recoverable {
			t.Errorf("one closed and one down may work later: %+v", r)
		}
	}
}

func TestSendMailDomain(t *testing.T) {
	for _, tc := range []struct {
		what        string
		err         error
		recoverable bool
		enhanced    string
	}{
		{"null MX", nil, false, "5.1.10"},
		{"no such domain", problem.New(problem.NotFound, "reg.example does not exist"), false, "5.1.2"},
		{"servers at private addresses", problem.New(problem.Refused, "no public address"), false, "5.1.2"},
		{"DNS is down", problem.New(problem.Unavailable, "no answer"), true, "4.4.3"},
		{"a fault of ours", errors.New("secret internals"), true, "4.4.3"},
	} {
		s := sender(t, func(c *SenderConfig) {
			c.MX = func(_ context.Context, d name.Domain) ([]netip.AddrPort, error) {
				if d.String() != "reg.example" {
					t.Errorf("asked for %s", d)
				}
				return nil, tc.err
			}
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				t.Error("dialled")
				return nil, io.EOF
			}
		})
		if r := s.Send(t.Context(), note()); r.Accepted || r.InDoubt || r.Recoverable != tc.recoverable || r.Enhanced != tc.enhanced {
			t.Errorf("%s: %+v", tc.what, r)
		}
	}
	// The guard's refusal is final.
	s := sender(t, func(c *SenderConfig) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, problem.New(problem.Refused, "192.168.0.1 is a private address")
		}
	}, netip.MustParseAddrPort("192.168.0.1:25"))
	if r := s.Send(t.Context(), note()); r.Recoverable || r.Accepted || !strings.Contains(r.Response, "private") {
		t.Errorf("%+v", r)
	}
	// Nothing is dialled for an envelope that could smuggle a command.
	for _, m := range []Message{{From: "a@b.example", To: "x@y.example>\r\nRCPT TO:<z@z.example"}, {From: "a@b.example\r\nDATA", To: "x@y.example"}, {From: "a@b.example"}} {
		if r := s.Send(t.Context(), m); r.Accepted || r.Recoverable || r.Enhanced != "5.1.3" {
			t.Errorf("%+v gave %+v", m, r)
		}
	}
}

// certificate makes a certificate for a name, valid around 2026.
func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestStartTLS(t *testing.T) {
	cert, _ := certificate(t, "mx.example")
	b := &mailbox{}
	addr := b.serve(t, func(s *smtp.Server) { s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}} })
	// Between servers any certificate will do.
	r := sender(t, nil, addr).Send(t.Context(), note())
	if !r.Accepted || r.TLS != "unverified" || len(b.tls) != 1 || !b.tls[0] {
		t.Errorf("%+v, under TLS: %v", r, b.tls)
	}
	for _, h := range b.hello {
		if h != "centre.example" {
			t.Errorf("greeted as %q", h)
		}
	}
}

// A server whose TLS is broken gets the mail in the clear: that is better than
// not at all, and no worse than a server without TLS.
func TestStartTLSBroken(t *testing.T) {
	var mu sync.Mutex
	conns := 0
	addr := script(t, func(c net.Conn, r *bufio.Reader) {
		mu.Lock()
		conns++
		mu.Unlock()
		fmt.Fprint(c, "220 x\r\n")
		for {
			l, err := r.ReadString('\n')
			switch {
			case err != nil:
				return
			case strings.HasPrefix(l, "EHLO"):
				fmt.Fprint(c, "250-x\r\n250 STARTTLS\r\n")
			case strings.HasPrefix(l, "STARTTLS"):
				fmt.Fprint(c, "220 go\r\n250 injected\r\n")
				return
			case strings.HasPrefix(l, "DATA"):
				fmt.Fprint(c, "354 go\r\n")
				for l != ".\r\n" {
					if l, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				fmt.Fprint(c, "250 2.6.0 taken\r\n")
			default:
				fmt.Fprint(c, "250 ok\r\n")
			}
		}
	})
	r := sender(t, nil, addr).Send(t.Context(), note())
	mu.Lock()
	defer mu.Unlock()
	if !r.Accepted || r.TLS != "" || r.Enhanced != "2.6.0" || r.Response != "taken" || conns != 2 {
		t.Errorf("%+v after %d connections", r, conns)
	}
}

func TestSmarthost(t *testing.T) {
	cert, pool := certificate(t, "smart.example")
	var seen []string
	b := &mailbox{auth: func(user, password string) error {
		seen = append(seen, user+":"+password)
		if password != "right" {
			return smtp.ErrAuthFailed
		}
		return nil
	}}
	secure := b.serve(t, func(s *smtp.Server) { s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}} })
	plain := b.serve(t, func(s *smtp.Server) { s.AllowInsecureAuth = true })
	in2026 := func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }
	for _, tc := range []struct {
		what, host, password string
		roots                *x509.CertPool
		now                  func() time.Time
		addr                 netip.AddrPort
		ok                   bool
	}{
		{"all well", "smart.example:587", "right", pool, in2026, secure, true},
		{"a wrong password is our fault, to be mended", "smart.example:587", "wrong", pool, in2026, secure, false},
		{"another's certificate", "other.example:587", "right", pool, in2026, secure, false},
		{"a certificate that ended", "smart.example:587", "right", pool, func() time.Time { return time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) }, secure, false},
		{"no roots", "smart.example:587", "right", x509.NewCertPool(), in2026, secure, false},
		{"no TLS", "smart.example:587", "right", pool, in2026, plain, false},
	} {
		seen = nil
		s := sender(t, func(c *SenderConfig) {
			c.MX, c.Smarthost, c.User, c.Password, c.TLSRoots, c.TLSTime = nil, tc.host, "me", tc.password, tc.roots, tc.now
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != tc.host {
					t.Errorf("dialled %s", address)
				}
				return dial(ctx, network, tc.addr.String())
			}
		})
		r := s.Send(t.Context(), note())
		if r.Accepted != tc.ok || r.Recoverable == tc.ok || tc.ok && r.TLS != "verified" {
			t.Errorf("%s: %+v", tc.what, r)
		}
		if !tc.ok && tc.password == "right" && len(seen) > 0 {
			t.Errorf("%s: the password left", tc.what)
		}
		if strings.Contains(r.Response, tc.password) {
			t.Errorf("%s: the password is in the response", tc.what)
		}
	}
}

// A server that is slow, or drips, or never reads, ends at the time-outs.
func TestSendSlow(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	silent := script(t, func(net.Conn, *bufio.Reader) { <-release })
	mute := script(t, func(c net.Conn, r *bufio.Reader) { until(c, r, "RCPT"); <-release })
	afterDot := script(t, func(c net.Conn, r *bufio.Reader) { until(c, r, "."); <-release })
	deaf := script(t, func(c net.Conn, r *bufio.Reader) {
		fmt.Fprint(c, "220 x\r\n")
		for range 3 {
			r.ReadString('\n')
			fmt.Fprint(c, "250 ok\r\n")
		}
		r.ReadString('\n')
		fmt.Fprint(c, "354 go\r\n")
		<-release
	})
	big := note()
	big.Raw = append(big.Raw, make([]byte, 4<<20)...)
	short := Timeouts{Connect: 5 * time.Second, Command: 100 * time.Millisecond, Data: 100 * time.Millisecond, Total: 10 * time.Second}
	shortData, shortTotal := short, short
	shortData.Command, shortTotal.Command, shortTotal.Total = 10*time.Second, 10*time.Second, 500*time.Millisecond
	for _, tc := range []struct {
		what  string
		addr  netip.AddrPort
		m     Message
		limit Timeouts
		doubt bool
	}{
		{"silent", silent, note(), short, false},
		{"mute at RCPT", mute, note(), short, false},
		{"mute after the dot", afterDot, note(), shortData, true},
		{"never reads", deaf, big, shortTotal, false},
	} {
		s := sender(t, func(c *SenderConfig) { c.Timeouts = tc.limit }, tc.addr)
		start := time.Now()
		r := s.Send(t.Context(), tc.m)
		if d := time.Since(start); d > 9*time.Second {
			t.Errorf("%s: took %s", tc.what, d)
		}
		if r.Accepted || r.InDoubt != tc.doubt || r.Recoverable == tc.doubt || !strings.Contains(r.Response, "no answer in time") {
			t.Errorf("%s: %+v", tc.what, r)
		}
	}
}

// The end of the caller's context closes the connection at once.
func TestSendCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := script(t, func(c net.Conn, r *bufio.Reader) { until(c, r, "."); cancel(); r.ReadByte() })
	if r := sender(t, nil, addr).Send(ctx, note()); !r.InDoubt {
		t.Errorf("after the dot: %+v", r)
	}
	if r := sender(t, nil, addr).Send(ctx, note()); !r.Recoverable || r.InDoubt {
		t.Errorf("before anything: %+v", r)
	}
}

func TestSendHostileServers(t *testing.T) {
	for what, banner := range map[string]string{
		"empty":     "",
		"binary":    "\x00\x01\x02\xff\xfe\r\n",
		"endless":   strings.Repeat("220-again\r\n", maxRead/8),
		"long line": "220 " + strings.Repeat("x", 10_000) + "\r\n",
		"HTTP":      "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		addr := script(t, func(c net.Conn, r *bufio.Reader) {
			io.WriteString(c, banner)
			r.ReadString('\n')
		})
		r := sender(t, func(c *SenderConfig) { c.Timeouts.Command = 300 * time.Millisecond }, addr).Send(t.Context(), note())
		if r.Accepted || r.InDoubt || !r.Recoverable {
			t.Errorf("%s: %+v", what, r)
		}
	}
	addr := script(t, func(c net.Conn, _ *bufio.Reader) {
		io.WriteString(c, "554 \x1b[31mred\u202e \x00"+strings.Repeat("y", 1500)+"\r\n")
	})
	r := sender(t, nil, addr).Send(t.Context(), note())
	if r.Recoverable || len([]rune(r.Response)) > 501 || strings.ContainsAny(r.Response+r.Err.Error(), "\x1b\x00\u202e\r\n") {
		t.Errorf("%+v", r)
	}
}

func TestSendUTF8(t *testing.T) {
	m := note()
	m.To, m.UTF8 = "größe@reg.example", true
	with, without := &mailbox{}, &mailbox{}
	if r := sender(t, nil, with.serve(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = true })).Send(t.Context(), m); !r.Accepted || !with.utf8 {
		t.Errorf("%+v", r)
	}
	if r := sender(t, nil, without.serve(t, nil)).Send(t.Context(), m); r.Accepted || r.Recoverable || r.Enhanced != "5.6.7" {
		t.Errorf("%+v", r)
	}
	b := &mailbox{}
	if r := sender(t, nil, b.serve(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = true })).Send(t.Context(), note()); !r.Accepted || b.utf8 {
		t.Errorf("SMTPUTF8 asked for without need: %+v", r)
	}
}

func TestNewRefuses(t *testing.T) {
	ok := SenderConfig{Hello: "centre.example", MX: mx(), Dial: dial}
	for want, set := range map[string]func(*SenderConfig){
		"hello":     func(c *SenderConfig) { c.Hello = "a b" },
		"dial":      func(c *SenderConfig) { c.Dial = nil },
		"mx":        func(c *SenderConfig) { c.MX = nil },
		"smarthost": func(c *SenderConfig) { c.Smarthost = "no-port" },
		"user":      func(c *SenderConfig) { c.User = "x" },
	} {
		c := ok
		set(&c)
		_, err := New(c)
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || pe.Fields[0].Path != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := New(ok); err != nil {
		t.Error(err)
	}
}

func TestEnhanced(t *testing.T) {
	for in, want := range map[string][2]string{
		"2.0.0 ok": {"2.0.0", "ok"}, "2.0.0": {"2.0.0", ""}, "ok": {"", "ok"}, "9.0.0 x": {"", "9.0.0 x"}, "2.0 x": {"", "2.0 x"}, "2.x.0 y": {"", "2.x.0 y"}, "2..0 y": {"", "2..0 y"}, "": {"", ""},
	} {
		if c, rest := enhanced(in); c != want[0] || rest != want[1] {
			t.Errorf("%q: %q %q", in, c, rest)
		}
	}
}
