package lab

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/smtp"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// client uses a world as a centre does: real protocols over World.Dial.
type client struct {
	t *testing.T
	w *World
}

func load(t *testing.T, yaml string) *Scenario {
	t.Helper()
	s, err := Load(strings.NewReader(yaml), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t *testing.T, s *Scenario) client {
	t.Helper()
	w, err := Start(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return client{t, w}
}

func (c client) advance(d time.Duration) {
	c.t.Helper()
	if err := c.w.Advance(c.t.Context(), c.w.StartsAt().Add(d)); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends one query to one server.
func (c client) ask(server netip.Addr, network, qname string, qtype uint16) *dns.Msg {
	c.t.Helper()
	conn, err := c.w.Dial(c.t.Context(), netip.Addr{}, network, netip.AddrPortFrom(server, 53).String())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(qname), qtype)
	q.RecursionDesired = false
	cl := dns.Client{Net: network, Timeout: 5 * time.Second}
	m, _, err := cl.ExchangeWithConn(q, &dns.Conn{Conn: conn})
	if err != nil {
		c.t.Fatalf("%s %s at %s: %v", qname, dns.TypeToString[qtype], server, err)
	}
	return m
}

// resolve asks from the root down, as a resolver does.
func (c client) resolve(qname string, qtype uint16) *dns.Msg {
	c.t.Helper()
	server := c.w.Roots()[0].Addr()
	for range 12 {
		m := c.ask(server, "udp", qname, qtype)
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 || m.Authoritative {
			return m
		}
		if len(m.Ns) == 0 {
			c.t.Fatalf("%s: a lame answer from %s: %v", qname, server, m)
		}
		ns, ok := m.Ns[0].(*dns.NS)
		if !ok {
			return m
		}
		next := netip.Addr{}
		for _, rr := range m.Extra {
			if a, ok := rr.(*dns.A); ok && a.Hdr.Name == ns.Ns {
				next, _ = netip.AddrFromSlice(a.A.To4())
			}
		}
		if !next.IsValid() {
			for _, rr := range c.resolve(strings.TrimSuffix(ns.Ns, "."), dns.TypeA).Answer {
				if a, ok := rr.(*dns.A); ok {
					next, _ = netip.AddrFromSlice(a.A.To4())
				}
			}
		}
		if !next.IsValid() {
			c.t.Fatalf("%s: no address for %s", qname, ns.Ns)
		}
		server = next
	}
	c.t.Fatalf("%s: a loop", qname)
	return nil
}

func (c client) lookup(host string) []netip.Addr {
	var out []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}
	}
	for _, rr := range c.resolve(host, dns.TypeA).Answer {
		if a, ok := rr.(*dns.A); ok {
			ip, _ := netip.AddrFromSlice(a.A.To4())
			out = append(out, ip)
		}
	}
	return out
}

// http is a client at a vantage point.
func (c client) http(v Vantage) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			as := c.lookup(host)
			if len(as) == 0 {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return c.w.Dial(ctx, v.Source, network, net.JoinHostPort(as[0].String(), port))
		},
		TLSClientConfig: &tls.Config{RootCAs: c.w.CA(), Time: c.w.Now},
	}}
}

type answer struct {
	status int
	url    string
	body   string
	header http.Header
}

func (c client) get(raw string, v Vantage) (answer, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("User-Agent", v.UserAgent)
	if v.Language != "" {
		req.Header.Set("Accept-Language", v.Language)
	}
	if v.Referer != "" {
		req.Header.Set("Referer", v.Referer)
	}
	res, err := c.http(v).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return answer{res.StatusCode, res.Request.URL.String(), string(b), res.Header}, err
}

func (c client) mustGet(raw string, v Vantage) answer {
	c.t.Helper()
	a, err := c.get(raw, v)
	if err != nil {
		c.t.Fatalf("%s: %v", raw, err)
	}
	return a
}

func plain() Vantage { return StandardVantages()[0] }

// rdap gives an RDAP object as a generic tree.
func (c client) rdap(raw string) (int, map[string]any) {
	c.t.Helper()
	a := c.mustGet(raw, plain())
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		c.t.Fatalf("%s: %v in %s", raw, err, a.body)
	}
	return a.status, v
}

// mail sends one message by real SMTP; the error is the server's.
func (c client) mail(from, to, body string) error {
	c.t.Helper()
	domain := to[strings.LastIndexByte(to, '@')+1:]
	mx := c.resolve(domain, dns.TypeMX).Answer
	if len(mx) != 1 {
		c.t.Fatalf("%s: no MX", domain)
	}
	host := strings.TrimSuffix(mx[0].(*dns.MX).Mx, ".")
	as := c.lookup(host)
	if len(as) == 0 {
		c.t.Fatalf("%s: no address", host)
	}
	conn, err := c.w.Dial(c.t.Context(), netip.Addr{}, "tcp", net.JoinHostPort(as[0].String(), "25"))
	if err != nil {
		c.t.Fatal(err)
	}
	s, err := smtp.NewClient(conn, host)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	if err := s.Mail(from); err != nil {
		return err
	}
	if err := s.Rcpt(to); err != nil {
		return err
	}
	wc, err := s.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(wc, body); err != nil {
		return err
	}
	if err := wc.Close(); err != nil {
		return err
	}
	return s.Quit()
}

// centre is a small stand-in for the centre's API: it takes reports and
// answers.
type centre struct {
	*httptest.Server
	mu      sync.Mutex
	reports []string
	keys    []string
	answers []string
}

func (c client) centre() *centre {
	k := &centre{}
	one := func(body []byte) (string, bool) {
		if !json.Valid(body) || strings.Contains(string(body), "192.168.") {
			return "", false
		}
		k.reports = append(k.reports, string(body))
		return fmt.Sprintf("R%d", len(k.reports)), true
	}
	k.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		defer k.mu.Unlock()
		b, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/api/v1/reports":
			k.keys = append(k.keys, r.Header.Get("Idempotency-Key"))
			id, ok := one(b)
			if !ok {
				rw.WriteHeader(422)
				return
			}
			rw.WriteHeader(202)
			fmt.Fprintf(rw, `{"receipt":%q,"state":"queued"}`, id)
		case "/api/v1/reports/bulk":
			k.keys = append(k.keys, r.Header.Get("Idempotency-Key"))
			for line := range strings.Lines(string(b)) {
				if id, ok := one([]byte(line)); ok {
					fmt.Fprintf(rw, "{\"receipt\":%q,\"state\":\"queued\"}\n", id)
				} else {
					fmt.Fprintln(rw, `{"error":{"title":"not valid"}}`)
				}
			}
		default:
			k.answers = append(k.answers, r.URL.Path+" "+string(b))
			rw.WriteHeader(204)
		}
	}))
	c.t.Cleanup(k.Close)
	if err := c.w.SetCentre(k.URL); err != nil {
		c.t.Fatal(err)
	}
	return k
}

// notice is an ask as a centre writes it.
func noticeMail(to, url, role, action, answerURL string) string {
	x, _ := json.Marshal(map[string]any{"xarf_version": "4.2.0", "category": "content", "type": "phishing", "url": url,
		"source_identifier": "192.0.2.1", "x_bailiwick": map[string]string{"role": role, "action": action}})
	return strings.ReplaceAll(fmt.Sprintf(`From: centre@cert.example
To: %s
Subject: Phishing
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

We ask you to look at %s.

Answer: %s

--b
Content-Type: application/json; name=xarf.json
Content-Disposition: attachment; filename=xarf.json

%s
--b--
`, to, strings.Replace(url, "http", "hxxp", 1), answerURL, x), "\n", "\r\n")
}

func truthOf(t *testing.T, w *World, subject string) Truth {
	t.Helper()
	for _, tr := range w.Truth() {
		if tr.Subject == subject {
			return tr
		}
	}
	t.Fatalf("no truth about %s", subject)
	return Truth{}
}

const minimal = `
tlds: [{name: shopx}, {name: qz, kind: cctld}]
registrars: [{name: Quickname}]
hosts: [{name: Northbox}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.qz], brands: [Aurora Bank]}]
names:
  - name: aurora-login.shopx
    site: {kind: phishing, brand: Aurora Bank, path: /verify/}
    reported: [1h]
  - name: corner-shop.qz
    class: compromised
`

func TestPhishIsServedAndHeld(t *testing.T) {
	c := start(t, load(t, minimal))
	k := c.centre()
	u := "https://aurora-login.shopx/verify/"
	a := c.mustGet(u, plain())
	if a.status != 200 || !strings.Contains(a.body, "Aurora Bank") || !strings.Contains(a.body, `type="password"`) {
		t.Fatalf("the kit is not shown: %d %s", a.status, a.body)
	}
	c.advance(2 * time.Hour)
	if len(k.reports) != 1 || !strings.Contains(k.reports[0], u) {
		t.Fatalf("reports: %q", k.reports)
	}
	status, d := c.rdap("https://rdap.nic.shopx/domain/aurora-login.shopx")
	if status != 200 || fmt.Sprint(d["status"]) != "[add period]" {
		t.Fatalf("%d %v", status, d["status"])
	}
	if err := c.mail("n1@cert.example", "abuse@quickname.example", noticeMail("abuse@quickname.example", u, "registrar", "suspend_name", k.URL+"/api/v1/answers/x1")); err != nil {
		t.Fatal(err)
	}
	c.advance(20 * time.Hour)
	if m := c.resolve("aurora-login.shopx", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("not held: %v", m)
	}
	if _, d := c.rdap("https://rdap.nic.shopx/domain/aurora-login.shopx"); !strings.Contains(fmt.Sprint(d["status"]), "client hold") {
		t.Errorf("statuses: %v", d["status"])
	}
	if got := strings.Join(k.answers, "\n"); !strings.Contains(got, `"answer":"received"`) || !strings.Contains(got, `"answer":"acted"`) {
		t.Errorf("answers: %s", got)
	}
	tr := truthOf(t, c.w, "aurora-login.shopx")
	if tr.Outcome != "stopped" || tr.Actor != "Quickname" || tr.ActorRole != "registrar" || tr.Class != "malicious" {
		t.Errorf("truth: %+v", tr)
	}
	if _, err := c.get(u, plain()); err == nil {
		t.Error("the page is still there")
	} else if e := (*net.DNSError)(nil); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
	if _, err := url.Parse(u); err != nil {
		t.Fatal(err)
	}
}

func refangForTest(u string) string {
	return strings.NewReplacer("hxxp", "http", "[.]", ".").Replace(u)
}
