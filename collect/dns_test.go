package collect

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"
)

// nothing says nothing until the other side goes away.
func nothing(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }

var sameName = cmpopts.EquateComparable(name.Domain{}, name.URL{}, netip.Addr{})

func TestDNS(t *testing.T) {
	w := newWorld(t)
	w.internet()
	c := w.collector()
	got := c.DNS(context.Background(), domain(t, "shop.test"), domain(t, "shop.test"))
	own := "ns1.shop.test (203.0.113.1)"
	want := evidence.DNS{
		Name: domain(t, "shop.test"), At: start,
		Delegation: evidence.Answer{RCode: "NOERROR", Values: []string{"ns1.shop.test", "ns2.shop.test"}, Server: "a.nic.test (198.51.100.2)"},
		A:          evidence.Answer{RCode: "NOERROR", Values: []string{"192.0.2.10"}, Server: own},
		AAAA:       evidence.Answer{RCode: "NOERROR", Values: []string{"2001:db8::10"}, Server: own},
		MX:         evidence.Answer{RCode: "NOERROR", Values: []string{"10 mx1.shop.test.", "20 mx2.shop.test."}, Server: own},
		SOA:        evidence.Answer{RCode: "NOERROR", Values: []string{"ns.shop.test. host.shop.test. 1 2 3 4 300"}, Server: own},
	}
	if d := cmp.Diff(want, got, sameName); d != "" {
		t.Error(d)
	}
	if n := c.Counts().DNS; n != 6 { // root, registry, and four of the operator
		t.Errorf("%d queries, want 6", n)
	}
	w.balanced(c)

	got = c.DNS(context.Background(), domain(t, "www.shop.test"), domain(t, "shop.test"))
	if !got.Exists() || !cmp.Equal(got.CNAMEs, []name.Domain{domain(t, "shop.test")}, sameName) || !cmp.Equal(got.A.Values, want.A.Values) {
		t.Errorf("an alias in the zone: %+v", got)
	}
	got = c.DNS(context.Background(), domain(t, "gone.shop.test"), domain(t, "shop.test"))
	if got.A.RCode != "NXDOMAIN" || got.Delegation.RCode != "NOERROR" || got.A.Server != own || len(got.SOA.Values) != 1 {
		t.Errorf("a name that is not in the zone: %+v", got)
	}
	w.balanced(c)
}

func TestRegistryDenies(t *testing.T) {
	w := newWorld(t)
	w.internet("held.test. 60 IN TXT here", "deep.inside.test. 60 IN A 192.0.2.3")
	c := w.collector()
	d := c.DNS(context.Background(), domain(t, "www.unsold.test"), domain(t, "unsold.test"))
	if d.Exists() || d.Delegation.RCode != "NXDOMAIN" || d.A.RCode != "NXDOMAIN" || d.A.Server != "a.nic.test (198.51.100.2)" || d.SOA.RCode != "NXDOMAIN" {
		t.Errorf("a name the registry does not have: %+v", d)
	}
	if n := c.Counts().DNS; n != 2 {
		t.Errorf("%d queries for a name that does not exist, want 2", n)
	}
	if d = c.DNS(context.Background(), domain(t, "held.test"), domain(t, "held.test")); d.Exists() || d.Delegation.RCode != "NOERROR" || d.A.RCode != "NOERROR" {
		t.Errorf("a name without a delegation: %+v", d)
	}
	if d = c.DNS(context.Background(), domain(t, "a.nowhere"), domain(t, "a.nowhere")); d.Delegation.RCode != "NXDOMAIN" {
		t.Errorf("no such top-level domain: %+v", d.Delegation)
	}
	w.balanced(c)
}

// code answers every question with one response code.
func code(rcode int) dns.HandlerFunc {
	return func(rw dns.ResponseWriter, m *dns.Msg) {
		_ = rw.WriteMsg(new(dns.Msg).SetRcode(m, rcode))
	}
}

func TestServerFaults(t *testing.T) {
	w := newWorld(t)
	var tld []string
	good := func(zone string) dns.HandlerFunc {
		return zoneOf(t, zone+".test.", zone+".test. 60 IN A 192.0.2.77")
	}
	n := 0
	// delegate makes a domain with one server for each handler; nil is an
	// address where nothing listens.
	delegate := func(zone string, servers ...dns.HandlerFunc) {
		for _, h := range servers {
			n++
			addr := fmt.Sprintf("203.0.113.%d", 100+n)
			ns := fmt.Sprintf("ns%02d.%s.test.", n, zone)
			tld = append(tld, zone+".test. 60 IN NS "+ns, ns+" 60 IN A "+addr)
			if h != nil {
				w.dns(addr, h)
			}
		}
	}
	noAuthority := dns.HandlerFunc(func(rw dns.ResponseWriter, m *dns.Msg) {
		r := new(dns.Msg).SetReply(m)
		r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(192, 0, 2, 66)}}
		_ = rw.WriteMsg(r)
	})
	garbage := dns.HandlerFunc(func(rw dns.ResponseWriter, m *dns.Msg) {
		b, _ := new(dns.Msg).SetReply(m).Pack()
		_, _ = rw.Write(b[:len(b)-3])
	})
	delegate("refuses", code(dns.RcodeRefused))
	delegate("fails", code(dns.RcodeServerFailure))
	delegate("lame", noAuthority)
	delegate("upwards", dns.HandlerFunc(func(rw dns.ResponseWriter, m *dns.Msg) {
		r := new(dns.Msg).SetReply(m)
		r.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "root-1."}}
		_ = rw.WriteMsg(r)
	}))
	delegate("silent", nil)
	w.deaf[fmt.Sprintf("203.0.113.%d:53", 100+n)] = true
	delegate("closed", nil)
	delegate("garbage", garbage)
	delegate("second", code(dns.RcodeRefused), good("second"))
	delegate("third", nil, noAuthority, good("third"))
	delegate("denies", code(dns.RcodeNameError)) // a denial without authority
	tld = append(tld, "private.test. 60 IN NS ns.private.test.", "ns.private.test. 60 IN A 10.0.0.1",
		"circle.test. 60 IN NS ns.round.test.", "round.test. 60 IN NS ns.circle.test.",
		"adrift.test. 60 IN NS ns.unsold.test.", "self.test. 60 IN NS ns.self.test.")
	w.internet(tld...)
	c := w.collector()
	for _, x := range []struct{ zone, rcode, err string }{
		{"refuses", "REFUSED", ""}, {"fails", "SERVFAIL", ""}, {"lame", "", "lame"}, {"upwards", "", "lame"}, {"silent", "", "timeout"},
		{"closed", "", "refused"}, {"garbage", "", "malformed"}, {"second", "NOERROR", ""}, {"third", "NOERROR", ""}, {"denies", "", "lame"},
		{"private", "", "blocked"}, {"circle", "", "loop"}, {"adrift", "", "unreachable"}, {"self", "", "loop"},
	} {
		t.Run(x.zone, func(t *testing.T) {
			d := c.DNS(context.Background(), domain(t, x.zone+".test"), domain(t, x.zone+".test"))
			if !d.Exists() {
				t.Fatalf("the delegation: %+v", d.Delegation)
			}
			if d.A.RCode != x.rcode || d.A.Err != x.err {
				t.Errorf("rcode %q, err %q (%s); want %q, %q", d.A.RCode, d.A.Err, d.A.Server, x.rcode, x.err)
			}
			if x.rcode == "NOERROR" && !cmp.Equal(d.A.Values, []string{"192.0.2.77"}) {
				t.Errorf("values %v", d.A.Values)
			}
		})
	}
	for _, a := range append(w.connections("udp"), w.connections("tcp")...) {
		if strings.HasPrefix(a, "10.") {
			t.Errorf("%s was dialled", a)
		}
	}
}

func TestRegistryFaults(t *testing.T) {
	w := newWorld(t)
	w.dns("198.51.100.1", zoneOf(t, ".", "test. 3600 IN NS a.nic.test.", "a.nic.test. 3600 IN A 198.51.100.2"))
	w.dns("198.51.100.2", code(dns.RcodeServerFailure))
	c := w.collector()
	d := c.DNS(context.Background(), domain(t, "shop.test"), domain(t, "shop.test"))
	if d.Delegation.RCode != "SERVFAIL" || d.Exists() || d.A.RCode != "SERVFAIL" {
		t.Errorf("%+v", d)
	}
	root := newWorld(t)
	d = root.collector().DNS(context.Background(), domain(t, "shop.test"), domain(t, "shop.test"))
	if d.Delegation.Err != "refused" || d.A.Err != "refused" {
		t.Errorf("no root: %+v", d)
	}
}

// TestTransport: truncation, lost letter case, no EDNS, forged answers.
func TestTransport(t *testing.T) {
	for _, x := range []struct {
		name     string
		wrap     func(dns.HandlerFunc) dns.HandlerFunc
		udp, tcp int // connections to the operator for one question
	}{
		{"plain", func(h dns.HandlerFunc) dns.HandlerFunc { return h }, 1, 0},
		{"truncated", func(h dns.HandlerFunc) dns.HandlerFunc {
			return func(rw dns.ResponseWriter, m *dns.Msg) {
				if _, ok := rw.RemoteAddr().(*net.UDPAddr); ok {
					r := new(dns.Msg).SetReply(m)
					r.Truncated = true
					_ = rw.WriteMsg(r)
					return
				}
				h(rw, m)
			}
		}, 1, 1},
		{"letter case lost", func(h dns.HandlerFunc) dns.HandlerFunc {
			return func(rw dns.ResponseWriter, m *dns.Msg) {
				m.Question[0].Name = strings.ToLower(m.Question[0].Name)
				h(rw, m)
			}
		}, 1, 1},
		{"no EDNS", func(h dns.HandlerFunc) dns.HandlerFunc {
			return func(rw dns.ResponseWriter, m *dns.Msg) {
				if m.IsEdns0() != nil {
					_ = rw.WriteMsg(new(dns.Msg).SetRcodeFormatError(m))
					return
				}
				h(rw, m)
			}
		}, 2, 0},
		{"forged", func(h dns.HandlerFunc) dns.HandlerFunc {
			return func(rw dns.ResponseWriter, m *dns.Msg) {
				for _, change := range []func(*dns.Msg){
					func(r *dns.Msg) { r.Id++ },
					func(r *dns.Msg) { r.Question[0].Name = "other.test." },
					func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeTXT },
					func(r *dns.Msg) { r.Response = false },
				} {
					r := new(dns.Msg).SetReply(m)
					r.Authoritative = true
					r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(192, 0, 2, 66)}}
					change(r)
					_ = rw.WriteMsg(r)
				}
				h(rw, m)
			}
		}, 1, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			w.internet("deal.test. 60 IN NS ns.deal.test.", "ns.deal.test. 60 IN A 203.0.113.9")
			// Long, so that its letters do not all come out small by chance.
			const long = "a-name-of-many-letters-whose-case-is-drawn-at-random.deal.test."
			w.dns("203.0.113.9", x.wrap(zoneOf(t, "deal.test.", long+" 60 IN A 192.0.2.9")))
			c := w.collector()
			l := c.newLookup(context.Background())
			o := l.resolve(question{long, typeA}, 0)
			if len(o.records) != 1 || o.records[0].value != "192.0.2.9" {
				t.Errorf("%+v", o)
			}
			count := func(network string) (n int) {
				for _, a := range w.connections(network) {
					if a == "203.0.113.9:53" {
						n++
					}
				}
				return n
			}
			if count("udp") != x.udp || count("tcp") != x.tcp {
				t.Errorf("%d by UDP and %d by TCP, want %d and %d", count("udp"), count("tcp"), x.udp, x.tcp)
			}
			w.balanced(c)
		})
	}
}

// TestLargeAnswer: an answer of many kilobytes comes by TCP, and of its values
// no more than the bound are taken.
func TestLargeAnswer(t *testing.T) {
	w := newWorld(t)
	w.internet("big.test. 60 IN NS ns.big.test.", "ns.big.test. 60 IN A 203.0.113.60")
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("big.test. 60 IN A 192.0.%d.%d", 1+i/250, i%250))
	}
	big := zoneOf(t, "big.test.", lines...)
	w.dns("203.0.113.60", func(rw dns.ResponseWriter, m *dns.Msg) {
		if _, ok := rw.RemoteAddr().(*net.UDPAddr); ok {
			r := new(dns.Msg).SetReply(m)
			r.Truncated = true
			_ = rw.WriteMsg(r)
			return
		}
		big(rw, m)
	})
	c := w.collector()
	if d := c.DNS(context.Background(), domain(t, "big.test"), domain(t, "big.test")); d.A.RCode != "NOERROR" || len(d.A.Values) != maxValues {
		t.Errorf("rcode %q, err %q, %d values", d.A.RCode, d.A.Err, len(d.A.Values))
	}
	w.balanced(c)
}

func TestAliases(t *testing.T) {
	w := newWorld(t)
	w.internet("one.test. 60 IN NS ns.one.test.", "ns.one.test. 60 IN A 203.0.113.11",
		"two.test. 60 IN NS ns.two.test.", "ns.two.test. 60 IN A 203.0.113.12")
	one := []string{"one.test. 60 IN CNAME www.two.test.", "loop.one.test. 60 IN CNAME loop.two.test.", "me.one.test. 60 IN CNAME me.one.test.",
		"dead.one.test. 60 IN CNAME nobody.two.test.", "under.one.test. 60 IN CNAME _x.two.test.", "forge.one.test. 60 IN CNAME www.two.test.",
		// What a server says about another's zone is not believed.
		"www.two.test. 60 IN A 192.0.2.66"}
	for i := range 20 {
		one = append(one, fmt.Sprintf("c%d.one.test. 60 IN CNAME c%d.one.test.", i, i+1))
	}
	w.dns("203.0.113.11", zoneOf(t, "one.test.", one...))
	w.dns("203.0.113.12", zoneOf(t, "two.test.", "www.two.test. 60 IN A 192.0.2.12", "loop.two.test. 60 IN CNAME loop.one.test.", "_x.two.test. 60 IN A 192.0.2.13"))
	c := w.collector()
	for _, x := range []struct{ host, rcode, err, value, aliases string }{
		{"one.test", "NOERROR", "", "192.0.2.12", "www.two.test"},
		{"forge.one.test", "NOERROR", "", "192.0.2.12", "www.two.test"},
		{"under.one.test", "NOERROR", "", "192.0.2.13", "_x.two.test"},
		{"dead.one.test", "NXDOMAIN", "", "", "nobody.two.test"},
		{"loop.one.test", "", "loop", "", "loop.two.test loop.one.test"},
		{"me.one.test", "", "loop", "", "me.one.test"},
		{"c0.one.test", "", "limit", "", "-"},
	} {
		d := c.DNS(context.Background(), domain(t, x.host), domain(t, "one.test"))
		var aliases []string
		for _, a := range d.CNAMEs {
			aliases = append(aliases, a.String())
		}
		if d.A.RCode != x.rcode || d.A.Err != x.err || strings.Join(d.A.Values, " ") != x.value || x.aliases != "-" && strings.Join(aliases, " ") != x.aliases {
			t.Errorf("%s: %+v, aliases %v", x.host, d.A, aliases)
		}
	}
}

// TestGlue: addresses for servers outside the zone of who names them are not
// believed, nor are names nobody asked about.
func TestGlue(t *testing.T) {
	w := newWorld(t)
	w.internet()
	w.dns("198.51.100.2", func(rw dns.ResponseWriter, m *dns.Msg) { // the registry of test., poisoned
		r := new(dns.Msg).SetReply(m)
		for _, s := range []string{"bank.test. 60 IN NS ns.host.example."} {
			rr, _ := dns.NewRR(s)
			r.Ns = append(r.Ns, rr)
		}
		for _, s := range []string{"ns.host.example. 60 IN A 203.0.113.66", "www.bank.example. 60 IN A 203.0.113.66"} {
			rr, _ := dns.NewRR(s)
			r.Extra = append(r.Extra, rr)
		}
		_ = rw.WriteMsg(r)
	})
	w.dns("198.51.100.3", zoneOf(t, "example.", "host.example. 60 IN NS ns.host.example.", "ns.host.example. 60 IN A 203.0.113.20"))
	w.dns("203.0.113.20", zoneOf(t, "bank.test.", "bank.test. 60 IN A 192.0.2.20", "ns.host.example. 60 IN A 203.0.113.20"))
	w.dns("203.0.113.66", zoneOf(t, "bank.test.", "bank.test. 60 IN A 192.0.2.66"))
	c := w.collector()
	// 203.0.113.20 serves bank.test., but host.example. must resolve first: it
	// answers from its own zone for that name too.
	w.dns("203.0.113.20", func(rw dns.ResponseWriter, m *dns.Msg) {
		z := "bank.test."
		if dns.IsSubDomain("host.example.", dns.CanonicalName(m.Question[0].Name)) {
			z = "host.example."
		}
		zoneOf(t, z, "bank.test. 60 IN A 192.0.2.20", "ns.host.example. 60 IN A 203.0.113.20")(rw, m)
	})
	d := c.DNS(context.Background(), domain(t, "bank.test"), domain(t, "bank.test"))
	if !cmp.Equal(d.A.Values, []string{"192.0.2.20"}) {
		t.Errorf("%+v", d.A)
	}
	for _, a := range w.connections("udp") {
		if a == "203.0.113.66:53" {
			t.Error("the poisoned address was asked")
		}
	}
}

// TestFresh: the top-level domain is remembered for its time-to-live, a
// registered domain never.
func TestFresh(t *testing.T) {
	w := newWorld(t)
	w.internet()
	c := w.collector()
	shop := domain(t, "shop.test")
	root := func() (n int) {
		for _, a := range w.connections("udp") {
			if a == "198.51.100.1:53" {
				n++
			}
		}
		return n
	}
	c.DNS(context.Background(), shop, shop)
	w.dns("198.51.100.2", zoneOf(t, "test.")) // clientHold: out of the zone
	if d := c.DNS(context.Background(), shop, shop); d.Delegation.RCode != "NXDOMAIN" {
		t.Errorf("after the hold: %+v", d.Delegation)
	}
	if root() != 1 {
		t.Errorf("the root was asked %d times, want 1", root())
	}
	w.clock.Set(start.Add(time.Hour))
	c.DNS(context.Background(), shop, shop)
	if root() != 2 {
		t.Errorf("after the time-to-live the root was asked %d times in all, want 2", root())
	}
	w.balanced(c)
}

// TestSideBySide: how many queries are sent does not hang on who comes first.
func TestSideBySide(t *testing.T) {
	for range 3 {
		w := newWorld(t)
		w.internet()
		c := w.collector()
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				h := domain(t, []string{"shop.test", "www.shop.test", "unsold.test"}[i%3])
				c.DNS(context.Background(), h, domain(t, strings.TrimPrefix(h.String(), "www.")))
			})
		}
		all.Wait()
		if n := c.Counts().DNS; n != 1+4*5+4*6+4*1 { // the root once
			t.Errorf("%d queries, want 49", n)
		}
		w.balanced(c)
	}
}

func TestQueryLimit(t *testing.T) {
	w := newWorld(t)
	w.internet()
	c := w.collector(func(cfg *Config) { cfg.Limits.Queries = 3 })
	d := c.DNS(context.Background(), domain(t, "shop.test"), domain(t, "shop.test"))
	if d.A.RCode != "NOERROR" || d.AAAA.Err != "limit" || d.MX.Err != "limit" || c.Counts().DNS != 3 {
		t.Errorf("%+v after %d queries", d, c.Counts().DNS)
	}
	// A chain of servers named in ever new domains ends, too.
	var tld []string
	for i := range 30 {
		tld = append(tld, fmt.Sprintf("d%d.test. 60 IN NS ns.d%d.test.", i, i+1))
	}
	v := newWorld(t)
	v.internet(tld...)
	d = v.collector().DNS(context.Background(), domain(t, "d0.test"), domain(t, "d0.test"))
	if d.A.Err != "limit" {
		t.Errorf("a chain of name servers: %+v", d.A)
	}
	v.balanced(v.collector(func(*Config) { v.dnsSeen.Store(0) }))
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	w.internet()
	w.holes["198.51.100.2:53"] = true
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := w.collector().DNS(ctx, domain(t, "shop.test"), domain(t, "shop.test"))
	if d.Delegation.Err != "timeout" {
		t.Errorf("%+v", d.Delegation)
	}
}

func TestMX(t *testing.T) {
	w := newWorld(t)
	w.internet("mail.test. 60 IN NS ns.mail.test.", "ns.mail.test. 60 IN A 203.0.113.30",
		"broken.test. 60 IN NS ns.broken.test.", "ns.broken.test. 60 IN A 203.0.113.31")
	w.dns("203.0.113.30", zoneOf(t, "mail.test.",
		"two.mail.test. 60 IN MX 20 a.mail.test.", "two.mail.test. 60 IN MX 10 b.mail.test.", "two.mail.test. 60 IN MX 10 a2.mail.test.",
		"a.mail.test. 60 IN A 192.0.2.31", "b.mail.test. 60 IN A 192.0.2.33", "b.mail.test. 60 IN A 192.0.2.32", "b.mail.test. 60 IN AAAA 2001:db8::32",
		"a2.mail.test. 60 IN CNAME a.mail.test.",
		"implicit.mail.test. 60 IN A 192.0.2.34", "null.mail.test. 60 IN MX 0 .", "null.mail.test. 60 IN A 192.0.2.35",
		"empty.mail.test. 60 IN TXT x", "lost.mail.test. 60 IN MX 5 nobody.mail.test.", "inside.mail.test. 60 IN MX 5 lan.mail.test.",
		"lan.mail.test. 60 IN A 192.168.0.1", "half.mail.test. 60 IN MX 5 lan.mail.test.", "half.mail.test. 60 IN MX 9 a.mail.test.",
		"far.mail.test. 60 IN MX 5 mx.broken.test.", "alias.mail.test. 60 IN CNAME two.mail.test."))
	w.dns("203.0.113.31", code(dns.RcodeServerFailure))
	c := w.collector()
	for _, x := range []struct {
		domain, want string
		code         problem.Code
	}{
		{"two.mail.test", "192.0.2.31:25 192.0.2.32:25 192.0.2.33:25 [2001:db8::32]:25 192.0.2.31:25", ""},
		{"alias.mail.test", "192.0.2.31:25 192.0.2.32:25 192.0.2.33:25 [2001:db8::32]:25 192.0.2.31:25", ""},
		{"implicit.mail.test", "192.0.2.34:25", ""},
		{"half.mail.test", "192.0.2.31:25", ""},
		{"null.mail.test", "", problem.NotFound},
		{"empty.mail.test", "", problem.NotFound},
		{"lost.mail.test", "", problem.NotFound},
		{"unsold.test", "", problem.NotFound},
		{"inside.mail.test", "", problem.Refused},
		{"broken.test", "", problem.Unavailable},
		{"far.mail.test", "", problem.Unavailable},
	} {
		got, err := c.MX(context.Background(), domain(t, x.domain))
		var list []string
		for _, a := range got {
			list = append(list, a.String())
		}
		if s := strings.Join(list, " "); s != x.want || (x.code == "") != (err == nil) || err != nil && problem.CodeOf(err) != x.code {
			t.Errorf("%s: %s, %v; want %s %s", x.domain, s, err, x.want, x.code)
		}
	}
	w.balanced(c)
}

func TestNewChecks(t *testing.T) {
	ok := Config{Clock: newWorld(t).clock}
	if _, err := New(ok); err != nil {
		t.Errorf("the least configuration: %v", err)
	}
	for _, x := range []struct {
		field  string
		change func(*Config)
	}{
		{"clock", func(c *Config) { c.Clock = nil }},
		{"roots[0]", func(c *Config) { c.Roots = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")} }},
		{"vantages[1].id", func(c *Config) { c.Vantages = []evidence.Vantage{{ID: "a"}, {ID: "a"}} }},
		{"vantages[0]", func(c *Config) { c.Vantages = []evidence.Vantage{{ID: "a", UserAgent: "x\r\nHost: y"}} }},
		{"user_agent", func(c *Config) { c.UserAgent = "a\nb" }},
		{"limits.hops", func(c *Config) { c.Limits.Hops = -1 }},
	} {
		cfg := ok
		x.change(&cfg)
		_, err := New(cfg)
		if problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), x.field) {
			t.Errorf("%s: %v", x.field, err)
		}
	}
}

// TestHints holds the built-in root servers to the strict guard.
func TestHints(t *testing.T) {
	z := rootZone(nil)
	if len(z.servers) != 13 {
		t.Errorf("%d root servers", len(z.servers))
	}
	for _, s := range z.servers {
		for _, a := range s.addrs {
			if err := (Guard{}).Check(a.Addr()); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
	}
}

func BenchmarkDNS(b *testing.B) {
	w := newWorld(b)
	w.internet()
	c := w.collector()
	shop := domain(b, "shop.test")
	b.ReportAllocs()
	for b.Loop() {
		if d := c.DNS(context.Background(), shop, shop); !d.Exists() {
			b.Fatal(d)
		}
	}
}
