package collect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"

	"pgregory.net/rapid"
)

// port43 is the WHOIS servers of a test.
type port43 struct {
	w    *world
	mu   sync.Mutex
	seen []string // "server: question"
}

func (p *port43) questions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// serve puts up a WHOIS server, which reads a line and speaks.
func (p *port43) serve(host, addr string, speak func(c net.Conn, question string)) {
	p.w.raw(addr+":43", func(c net.Conn) {
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			return
		}
		p.mu.Lock()
		p.seen = append(p.seen, host+": "+line)
		p.mu.Unlock()
		speak(c, strings.TrimSpace(line))
	})
}

func says(text string) func(net.Conn, string) {
	return func(c net.Conn, _ string) { _, _ = io.WriteString(c, text) }
}

// iana answers as the server of the root zone does.
func iana(servers map[string]string) func(net.Conn, string) {
	return func(c net.Conn, q string) {
		server, ok := servers[q]
		switch {
		case !ok:
			_, _ = io.WriteString(c, "% IANA WHOIS server\r\n% This query returned 0 objects.\r\n")
		case server == "":
			fmt.Fprintf(c, "%% IANA WHOIS server\r\n\r\ndomain:       %s\r\n\r\nstatus:       ACTIVE\r\ncreated:      1985-01-01\r\nsource:       IANA\r\n", strings.ToUpper(q))
		default:
			fmt.Fprintf(c, "%% IANA WHOIS server\r\n\r\nrefer:        %s\r\n\r\ndomain:       %s\r\n\r\nwhois:        %s\r\n\r\nstatus:       ACTIVE\r\ncreated:      1985-01-01\r\nsource:       IANA\r\n",
				server, strings.ToUpper(q), server)
		}
	}
}

// whoisText is a record in the form of ICANN's contracts.
func whoisText(domain, server, more string) string {
	ref := ""
	if server != "" {
		ref = "Registrar WHOIS Server: " + server + "\r\n"
	}
	return "Domain Name: " + strings.ToUpper(domain) + "\r\nRegistry Domain ID: D1-TEST\r\n" + ref + "Updated Date: 2026-02-28T08:00:00Z\r\n" +
		"Creation Date: 2026-02-27T08:00:00Z\r\nRegistry Expiry Date: 2027-02-27T08:00:00Z\r\nRegistrar: Prompt Registrar\r\nRegistrar IANA ID: 9999\r\n" +
		"Domain Status: clientHold https://icann.org/epp#clientHold\r\nName Server: NS1.SHOP.TEST\r\nName Server: NS2.SHOP.TEST\r\nDNSSEC: unsigned\r\n" + more +
		">>> Last update of WHOIS database: 2026-03-01T11:00:00Z <<<\r\n"
}

const contacts = "Registrar Abuse Contact Email: abuse@registrar.test\r\nRegistrar Abuse Contact Phone: +1.5555550100\r\nRegistrant Name: Anna Example\r\nRegistrant Country: DE\r\n"

// whois puts up the DNS of the WHOIS tests, IANA's server and, at
// whois.nic.test and whois.registrar.test, a registry's and a registrar's.
func (w *world) whois(registry, registrar func(net.Conn, string)) *port43 {
	w.t.Helper()
	w.internet("whois.nic.test. 300 IN A 192.0.2.44", "lan.test. 60 IN A 10.1.1.1", "registrar.test. 60 IN NS ns.registrar.test.", "ns.registrar.test. 60 IN A 203.0.113.50",
		"rdap.nic.test. 300 IN A 192.0.2.50")
	w.dns("198.51.100.1", zoneOf(w.t, ".", "test. 3600 IN NS a.nic.test.", "a.nic.test. 3600 IN A 198.51.100.2",
		"org. 3600 IN NS a.org.", "a.org. 3600 IN A 198.51.100.4", "de. 3600 IN NS a.de.", "a.de. 3600 IN A 198.51.100.5"))
	w.dns("198.51.100.4", zoneOf(w.t, "org.", "whois.iana.org. 300 IN A 192.0.2.43"))
	w.dns("198.51.100.5", zoneOf(w.t, "de.", "whois.denic.de. 300 IN A 192.0.2.46"))
	w.dns("203.0.113.50", zoneOf(w.t, "registrar.test.", "whois.registrar.test. 300 IN A 192.0.2.45", "lan.registrar.test. 60 IN A 10.1.1.1",
		"meta.registrar.test. 60 IN A 169.254.169.254", "one.registrar.test. 60 IN A 192.0.2.47", "two.registrar.test. 60 IN A 192.0.2.48", "three.registrar.test. 60 IN A 192.0.2.49"))
	p := &port43{w: w}
	p.serve("iana", "192.0.2.43", iana(map[string]string{"test": "whois.nic.test", "de": "whois.denic.de", "none": ""}))
	if registry != nil {
		p.serve("registry", "192.0.2.44", registry)
	}
	if registrar != nil {
		p.serve("registrar", "192.0.2.45", registrar)
	}
	return p
}

// lookingUp is a collector that knows no RDAP and no WHOIS server of its own.
func (w *world) lookingUp(change ...func(*Config)) *Collector {
	return w.collector(append([]func(*Config){func(cfg *Config) {
		cfg.WHOIS = nil
		cfg.Limits.WHOISTime, cfg.Limits.WHOISTotal, cfg.Limits.WHOISRate, cfg.Limits.WHOISBurst = 20*time.Second, 60*time.Second, 1e6, 1e6
	}}, change...)...)
}

// TestWHOIS: without RDAP, IANA names the registry's server, the registry the
// registrar's, and both answers become one record with its sources.
func TestWHOIS(t *testing.T) {
	w := newWorld(t)
	p := w.whois(says(whoisText("shop.test", "whois.registrar.test", "")), says(whoisText("shop.test", "whois.registrar.test", contacts)))
	c := w.lookingUp()
	rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
	if err != nil {
		t.Fatal(err)
	}
	if rec.State != registration.Registered || rec.Domain != "shop.test" || rec.Registrar.IANAID != "9999" || rec.Registrar.AbuseEmail != "abuse@registrar.test" ||
		rec.Created.String() != "2026-02-27T08:00:00Z" || !rec.Held().Registrar || rec.Contacts["registrant"].Name != "Anna Example" {
		t.Errorf("%+v", rec)
	}
	src := rec.Sources[""]
	if src.Protocol != "whois" || src.Role != "registry" || src.Server != "whois.nic.test" || !src.At.Equal(start) || !strings.Contains(string(w.blobs[src.Blob]), "SHOP.TEST") {
		t.Errorf("the source: %+v", src)
	}
	more := rec.Sources["registrar.abuse_email"]
	if more.Role != "registrar" || more.Server != "whois.registrar.test" || !strings.Contains(string(w.blobs[more.Blob]), "abuse@registrar.test") {
		t.Errorf("the registrar's answer is not named: %+v", rec.Sources)
	}
	if len(w.blobs) != 2 {
		t.Errorf("%d blobs are kept; what IANA says is about no name", len(w.blobs))
	}
	want := []string{"iana: test\r\n", "registry: shop.test\r\n", "registrar: shop.test\r\n"}
	if got := p.questions(); !slices.Equal(got, want) {
		t.Errorf("asked %q, not %q", got, want)
	}
	if n := c.Counts(); n.WHOIS != 3 || n.RDAP != 0 || n.HTTP != 0 {
		t.Errorf("%+v", n)
	}
	// IANA's word holds for a day; the registration is asked for each time.
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || c.Counts().WHOIS != 5 {
		t.Errorf("%v, %+v", err, c.Counts())
	}
	w.clock.Set(start.Add(25 * time.Hour))
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || c.Counts().WHOIS != 8 {
		t.Errorf("a day later: %v, %+v", err, c.Counts())
	}
}

// TestThick: a registry that shows the registrant and where abuse is to be
// reported leaves nothing to ask the registrar.
func TestThick(t *testing.T) {
	w := newWorld(t)
	p := w.whois(says(whoisText("shop.test", "whois.registrar.test", contacts)), says("unasked"))
	rec, err := w.lookingUp().Registration(context.Background(), domain(t, "shop.test"))
	if err != nil || rec.State != registration.Registered || len(p.questions()) != 2 {
		t.Errorf("%v, %+v, asked %q", err, rec, p.questions())
	}
}

// TestWHOISAnswers: what is no record is not taken for one, and a bound ends
// what does not end.
func TestWHOISAnswers(t *testing.T) {
	endless := func(c net.Conn, _ string) {
		for {
			if _, err := io.WriteString(c, whoisText("shop.test", "", "")); err != nil {
				return
			}
		}
	}
	for _, x := range []struct {
		name     string
		registry func(net.Conn, string)
		state    registration.State
		finding  string
	}{
		{"available", says("No match for domain \"SHOP.TEST\".\r\n"), registration.Available, ""},
		{"throttled", says("Query rate limit exceeded. Please try again later.\r\n"), registration.Throttled, "whois.retry-after"},
		{"endless", endless, registration.Failed, "whois.size"},
		{"nothing", func(net.Conn, string) {}, registration.Failed, "whois.empty"},
		{"another name", says(whoisText("shop-test.test", "", "")), registration.Unknown, "whois.not-asked"},
		{"the registry's own record", says("domain: TEST\r\norganisation: The Registry\r\ncreated: 1985-01-01\r\nsource: IANA\r\n"), registration.Unknown, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			w.whois(x.registry, nil)
			c := w.lookingUp()
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if err != nil || rec.State != x.state || !strings.Contains(findings(rec.Findings), x.finding) {
				t.Errorf("state %q, findings %s, %v", rec.State, findings(rec.Findings), err)
			}
			if rec.Sources[""].Server != "whois.nic.test" {
				t.Errorf("the source: %+v", rec.Sources)
			}
		})
	}
	t.Run("a web page", func(t *testing.T) {
		w := newWorld(t)
		w.whois(says("<!DOCTYPE html><html><head><title>Domain: shop.test</title></head><body><h1>Welcome</h1><p>Created: 2020-01-01</body></html>\n"), nil)
		rec, err := w.lookingUp().Registration(context.Background(), domain(t, "shop.test"))
		if err != nil || rec.State == registration.Registered || rec.State == registration.Available {
			t.Errorf("%+v, %v", rec, err)
		}
	})
}

// TestWHOISUnreachable: where nobody answers it is an error, and nothing that
// is not a public address is dialled.
func TestWHOISUnreachable(t *testing.T) {
	half := func(c net.Conn, _ string) { // a record without its end
		_, _ = io.WriteString(c, "Domain Name: SHOP.TEST\r\nRegistrar: Prompt")
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	drip := func(c net.Conn, _ string) { // comes to no end before the time does
		_, _ = io.WriteString(c, "Domain Name: SHOP.TEST\r\n")
		nothingMore(c)
	}
	for _, x := range []struct {
		name, iana string
		registry   func(net.Conn, string)
		code       problem.Code
		says       string
	}{
		{"no server", "", nil, problem.NotFound, "no RDAP or WHOIS server"},
		{"closed", "whois.nic.test", nil, problem.Unavailable, "refused"},
		{"no such name", "whois.unsold.test", nil, problem.Unavailable, "nxdomain"},
		{"private", "lan.test", nil, problem.Unavailable, "blocked"},
		{"slow", "whois.nic.test", drip, problem.Unavailable, "timeout"},
		{"breaks off", "whois.nic.test", half, problem.Unavailable, "reset"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.whois(x.registry, nil)
			p.serve("iana", "192.0.2.43", iana(map[string]string{"test": x.iana}))
			c := w.lookingUp(func(cfg *Config) {
				if x.name == "slow" {
					cfg.Limits.WHOISTime = 2 * time.Second
				}
			})
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if err == nil || problem.CodeOf(err) != x.code || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%+v, %v", rec, err)
			}
			if len(w.blobs) > 0 {
				t.Errorf("half an answer is kept as one: %d blobs", len(w.blobs))
			}
			w.onlyPublic()
		})
	}
	t.Run("IANA itself", func(t *testing.T) {
		w := newWorld(t)
		w.internet()
		if _, err := w.lookingUp().Registration(context.Background(), domain(t, "shop.test")); problem.CodeOf(err) != problem.Unavailable {
			t.Error(err)
		}
	})
	// A page in the place of IANA's answer is not taken for its word that there
	// is no server, nor is one that asks for patience.
	for text, times := range map[string]int{"<html><body><h1>Please sign in to the network</h1></body></html>\n": 3, "Query rate limit exceeded. Please try again later.\r\n": 2} {
		w := newWorld(t)
		p := w.whois(says(whoisText("shop.test", "", contacts)), nil)
		p.serve("iana", "192.0.2.43", says(text))
		c := w.lookingUp()
		for range 2 {
			if _, err := c.Registration(context.Background(), domain(t, "shop.test")); problem.CodeOf(err) != problem.Unavailable {
				t.Errorf("%q: %v", text, err)
			}
		}
		p.serve("iana", "192.0.2.43", iana(map[string]string{"test": "whois.nic.test"}))
		w.clock.Set(start.Add(firstBackoff))
		if rec, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || rec.State != registration.Registered {
			t.Errorf("%q: afterwards %+v, %v", text, rec, err)
		}
		if n := len(p.questions()) - 1; n != times { // one of them the registry's
			t.Errorf("%q: IANA was asked %d times, not %d", text, n, times)
		}
	}
}

// onlyPublic checks that everything dialled was a public address.
func (w *world) onlyPublic() {
	w.t.Helper()
	for _, a := range w.connections("tcp") {
		if (Guard{AllowDocumentation: true}).Check(netip.MustParseAddrPort(a).Addr()) != nil {
			w.t.Errorf("%s was dialled", a)
		}
	}
}

// TestReferrals: whatever the registrar's server is said to be and does, the
// registry's answer stands, a finding says what happened, and the chain ends.
func TestReferrals(t *testing.T) {
	for _, x := range []struct {
		name, server string
		registrar    func(net.Conn, string)
		finding      string
		asked        int // beside IANA
	}{
		{"itself", "whois.nic.test", nil, "", 1},
		{"back to IANA", "whois.iana.org", nil, "whois.loop", 1},
		{"a circle", "whois.registrar.test", says(whoisText("shop.test", "whois.nic.test", "")), "whois.loop", 2},
		{"no host", "not a host", nil, "", 1},
		{"another port", "whois.registrar.test:25", nil, "", 1},
		{"a private name", "lan.registrar.test", nil, "whois.referral-refused", 1},
		{"metadata", "meta.registrar.test", nil, "whois.referral-refused", 1},
		{"closed", "two.registrar.test", nil, "whois.registrar-unreachable", 1},
		{"another name", "whois.registrar.test", says(whoisText("other.test", "", contacts)), "merge.", 2},
		{"not found", "whois.registrar.test", says("No match for \"SHOP.TEST\".\r\n"), "merge.", 2},
		{"endless", "whois.registrar.test", func(c net.Conn, _ string) {
			for {
				if _, err := io.WriteString(c, "% again\r\n"); err != nil {
					return
				}
			}
		}, "whois.size", 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.whois(says(whoisText("shop.test", x.server, "")), x.registrar)
			rec, err := w.lookingUp().Registration(context.Background(), domain(t, "shop.test"))
			if err != nil || rec.State != registration.Registered || rec.Registrar.IANAID != "9999" || rec.Registrar.AbuseEmail != "" {
				t.Errorf("%+v, %v", rec, err)
			}
			if !strings.Contains(findings(rec.Findings), x.finding) {
				t.Errorf("findings %s, want %s", findings(rec.Findings), x.finding)
			}
			if got := p.questions(); len(got) != 1+x.asked {
				t.Errorf("asked %q", got)
			}
			w.onlyPublic()
		})
	}
	t.Run("too far", func(t *testing.T) {
		w := newWorld(t)
		p := w.whois(says(whoisText("shop.test", "one.registrar.test", "")), nil)
		p.serve("one", "192.0.2.47", says(whoisText("shop.test", "two.registrar.test", "")))
		p.serve("two", "192.0.2.48", says(whoisText("shop.test", "three.registrar.test", "")))
		p.serve("three", "192.0.2.49", says(whoisText("shop.test", "", contacts)))
		rec, err := w.lookingUp().Registration(context.Background(), domain(t, "shop.test"))
		if err != nil || rec.State != registration.Registered || !strings.Contains(findings(rec.Findings), "whois.hops") || len(p.questions()) != 4 {
			t.Errorf("%v, %s, asked %q", err, findings(rec.Findings), p.questions())
		}
	})
}

// TestWHOISBackoff: a server that says it was asked too often is left alone,
// longer each time, and is as good as new once it answers.
func TestWHOISBackoff(t *testing.T) {
	w := newWorld(t)
	var open bool
	var mu sync.Mutex
	p := w.whois(func(c net.Conn, _ string) {
		mu.Lock()
		defer mu.Unlock()
		if open {
			_, _ = io.WriteString(c, whoisText("shop.test", "", contacts))
			return
		}
		_, _ = io.WriteString(c, "Query rate limit exceeded. Please try again later.\r\n")
	}, nil)
	c := w.lookingUp()
	shop := domain(t, "shop.test")
	now := start
	for i, wait := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
		for range 3 { // asked once, then left alone
			rec, err := c.Registration(context.Background(), shop)
			if err != nil || rec.State != registration.Throttled || !strings.Contains(findings(rec.Findings), "whois.retry-after") {
				t.Fatalf("%+v, %v", rec, err)
			}
		}
		if n := len(p.questions()); n != 2+i {
			t.Errorf("asked %d times", n)
		}
		if at := c.RetryAt(shop); !at.Equal(now.Add(wait)) {
			t.Errorf("retry at %s, not %s", at, now.Add(wait))
		}
		now = now.Add(wait)
		w.clock.Set(now)
	}
	mu.Lock()
	open = true
	mu.Unlock()
	if rec, err := c.Registration(context.Background(), shop); err != nil || rec.State != registration.Registered || !c.RetryAt(shop).IsZero() {
		t.Errorf("afterwards: %+v, %v", rec, err)
	}
	mu.Lock()
	open = false
	mu.Unlock()
	if _, err := c.Registration(context.Background(), shop); err != nil || !c.RetryAt(shop).Equal(now.Add(firstBackoff)) {
		t.Errorf("the first wait anew: %s, %v", c.RetryAt(shop), err)
	}
	for range 20 {
		now = c.RetryAt(shop)
		w.clock.Set(now)
		if _, err := c.Registration(context.Background(), shop); err != nil || c.RetryAt(shop).Sub(now) > lastBackoff {
			t.Fatalf("%v, a wait of %s", err, c.RetryAt(shop).Sub(now))
		}
	}
}

// TestWHOISFallback: WHOIS stands in where RDAP is no use, and only there.
func TestWHOISFallback(t *testing.T) {
	const ok = rdapJSON
	for _, x := range []struct {
		name       string
		rdap       http.HandlerFunc
		registry   func(net.Conn, string)
		protocol   string
		state      registration.State
		asked      bool
		has, lacks string // findings
	}{
		{"RDAP answers", answerWith(200, ok, object("shop.test", "")), says("unasked"), "rdap", registration.Registered, false, "", "whois."},
		{"RDAP knows no such name", answerWith(404, ok, `{"errorCode":404}`), says("unasked"), "rdap", registration.Available, false, "", "whois."},
		{"RDAP asks for patience", answerWith(429, ok, `{"errorCode":429}`), says("unasked"), "rdap", registration.Throttled, false, "", "whois."},
		{"RDAP is a page", answerWith(200, "text/html", "<html>"), says(whoisText("shop.test", "", contacts)), "whois", registration.Registered, true, "rdap.", ""},
		{"RDAP is not built yet", answerWith(501, ok, `{"errorCode":501}`), says(whoisText("shop.test", "", contacts)), "whois", registration.Registered, true, "rdap.", ""},
		{"RDAP is a page, and free", answerWith(200, "text/html", "<html>"), says("No match for \"SHOP.TEST\".\r\n"), "whois", registration.Available, true, "", ""},
		{"neither is any use", answerWith(500, ok, `{"errorCode":500}`), says("Query rate limit exceeded.\r\n"), "rdap", registration.Failed, true, "whois.retry-after", ""},
		{"neither answers", answerWith(500, ok, `{"errorCode":500}`), nil, "rdap", registration.Failed, true, "", ""},
		{"RDAP is closed", nil, says(whoisText("shop.test", "", contacts)), "whois", registration.Registered, true, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.whois(x.registry, nil)
			if x.rdap != nil {
				w.web("192.0.2.50:80", x.rdap)
			}
			c := w.lookingUp(func(cfg *Config) { cfg.RDAP = known{domains: []string{"http://rdap.nic.test/"}} })
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if err != nil || rec.State != x.state || rec.Sources[""].Protocol != x.protocol {
				t.Errorf("state %q from %+v, %v", rec.State, rec.Sources, err)
			}
			if f := findings(rec.Findings); !strings.Contains(f, x.has) || x.lacks != "" && strings.Contains(f, x.lacks) {
				t.Errorf("findings %s", f)
			}
			if asked := len(p.questions()) > 0; asked != x.asked {
				t.Errorf("asked %q", p.questions())
			}
			w.balanced(c)
		})
	}
}

// TestWHOISOverride: the operator's own servers win, the longest suffix first,
// and IANA is not asked where there is one.
func TestWHOISOverride(t *testing.T) {
	for _, x := range []struct {
		whois map[string]string
		asked string
		code  problem.Code
	}{
		{map[string]string{"test": "whois.registrar.test"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"test": "WHOIS.Registrar.Test."}, "registrar: shop.test\r\n", ""},
		{map[string]string{"test": "whois://whois.registrar.test:43/"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"test": "192.0.2.45"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"": "whois.registrar.test"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"": "", "test": "whois.registrar.test"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"": "whois.registrar.test", "test": ""}, "", problem.NotFound},
		{map[string]string{"test": "whois.nic.test", "shop.test": "whois.registrar.test"}, "registrar: shop.test\r\n", ""},
		{map[string]string{"hop.test": "whois.nic.test", "other": "whois.nic.test"}, "iana: test\r\n registry: shop.test\r\n", ""},
		{map[string]string{"test": "10.1.1.1"}, "", problem.Unavailable},
	} {
		w := newWorld(t)
		p := w.whois(says(whoisText("shop.test", "", contacts)), says(whoisText("shop.test", "", contacts)))
		c := w.lookingUp(func(cfg *Config) { cfg.WHOIS = x.whois })
		_, err := c.Registration(context.Background(), domain(t, "shop.test"))
		if asked := strings.Join(p.questions(), " "); asked != x.asked || (err == nil) != (x.code == "") || err != nil && problem.CodeOf(err) != x.code {
			t.Errorf("%v: asked %q, %v", x.whois, asked, err)
		}
		w.onlyPublic()
	}
	for _, bad := range []Config{
		{WHOIS: map[string]string{"test": "http://whois.test/"}}, {WHOIS: map[string]string{"test": "whois.test:25"}}, {WHOIS: map[string]string{"te st": "whois.test"}},
		{WHOIS: map[string]string{"test": "whois.test\r\nother"}}, {WHOISRoot: "a b"},
	} {
		bad.Clock = newWorld(t).clock
		if _, err := New(bad); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "whois") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestQuestions: each server is asked in its own form.
func TestQuestions(t *testing.T) {
	d := domain(t, "käse.de")
	for server, want := range map[string]string{
		"whois.denic.de": "-T dn,ace xn--kse-qla.de", "whois.verisign-grs.com": "domain xn--kse-qla.de", "whois.jprs.jp": "xn--kse-qla.de/e",
		"whois.nic.test": "xn--kse-qla.de",
	} {
		if got := questionFor(server, d); got != want {
			t.Errorf("%s is asked %q", server, got)
		}
	}
	w := newWorld(t)
	p := w.whois(nil, nil)
	p.serve("denic", "192.0.2.46", says("Domain: xn--kse-qla.de\r\nStatus: connect\r\n"))
	_, err := w.lookingUp().Registration(context.Background(), d)
	if got := p.questions(); err != nil || len(got) != 2 || got[1] != "denic: -T dn,ace xn--kse-qla.de\r\n" {
		t.Errorf("asked %q, %v", got, err)
	}
}

// TestQuestionIsOneLine: no name that can be read makes more of a question
// than its form and one name.
func TestQuestionIsOneLine(t *testing.T) {
	servers := []string{"whois.nic.test"}
	for s, form := range questions {
		if strings.Count(form, "NAME") != 1 {
			t.Errorf("%s: the form %q does not name the name once", s, form)
		}
		servers = append(servers, s)
	}
	slices.Sort(servers)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-a-z*=?/% \r\n]{1,12}\.(de|com|jp|test)`)).Draw(t, "name")
		d, err := name.ParseAny(text)
		if err != nil {
			return
		}
		q := questionFor(rapid.SampledFrom(servers).Draw(t, "server"), d)
		if strings.ContainsAny(q, "\r\n\x00*?%") || !strings.Contains(q, d.String()) || strings.HasPrefix(d.String(), "-") || strings.HasPrefix(d.String(), "=") {
			t.Fatalf("%q becomes the question %q", text, q)
		}
	})
}

// TestWHOISTurns: questions to one server wait for their turn, and one that
// would wait too long is not asked.
func TestWHOISTurns(t *testing.T) {
	w := newWorld(t)
	p := w.whois(says(whoisText("shop.test", "", contacts)), nil)
	c := w.lookingUp(func(cfg *Config) {
		cfg.WHOIS = map[string]string{"test": "whois.nic.test"}
		cfg.Limits.WHOISRate, cfg.Limits.WHOISBurst, cfg.Limits.WHOISTime = 0.001, 2, time.Second
	})
	for i := range 4 {
		_, err := c.Registration(context.Background(), domain(t, "shop.test"))
		if (err == nil) != (i < 2) {
			t.Errorf("question %d: %v", i, err)
		}
	}
	if n := len(p.questions()); n != 2 || c.Counts().WHOIS != 2 {
		t.Errorf("asked %d times, counted %+v", n, c.Counts())
	}
}

// TestWHOISSideBySide: IANA is asked once, however many come at a time.
func TestWHOISSideBySide(t *testing.T) {
	w := newWorld(t)
	p := w.whois(func(c net.Conn, q string) { _, _ = io.WriteString(c, whoisText(q, "", contacts)) }, nil)
	c := w.lookingUp()
	var busy sync.WaitGroup
	for i := range 8 {
		busy.Go(func() {
			d := fmt.Sprintf("shop-%d.test", i)
			if rec, err := c.Registration(context.Background(), domain(t, d)); err != nil || rec.Domain != d {
				t.Errorf("%s: %+v, %v", d, rec, err)
			}
		})
	}
	busy.Wait()
	if n := c.Counts(); n.WHOIS != 9 || len(p.questions()) != 9 {
		t.Errorf("%+v, asked %q", n, p.questions())
	}
}

// FuzzWHOISHost: what is read as a server is a name or an address and nothing
// else.
func FuzzWHOISHost(f *testing.F) {
	for _, s := range []string{"whois.nic.test", "whois://whois.nic.test:43/", "192.0.2.1", "[2001:db8::1]", "http://x.test/", "a\r\nb.test", "::ffff:10.0.0.1", "x.test:25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := whoisHost(s)
		if h == "" {
			return
		}
		_, err := netip.ParseAddr(h)
		if _, nameErr := name.Parse(h); err != nil && nameErr != nil {
			t.Fatalf("%q is read as %q", s, h)
		}
		if strings.ContainsAny(h, "\r\n /") || whoisHost(h) != h {
			t.Fatalf("%q is read as %q, and that as %q", s, h, whoisHost(h))
		}
	})
}
