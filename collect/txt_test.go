package collect

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// mailWorld has the records of a sender of mail.
func mailWorld(t *testing.T) *world {
	w := newWorld(t)
	w.dns("198.51.100.1", zoneOf(t, ".", "test. 3600 IN NS a.nic.test.", "a.nic.test. 3600 IN A 198.51.100.2",
		"arpa. 3600 IN NS a.nic.arpa.", "a.nic.arpa. 3600 IN A 198.51.100.4"))
	w.dns("198.51.100.2", zoneOf(t, "test.",
		"shop.test. 60 IN NS ns.shop.test.", "ns.shop.test. 60 IN A 203.0.113.1",
		"far.test. 60 IN NS ns.shop.test.",
		"broken.test. 60 IN NS ns.broken.test.", "ns.broken.test. 60 IN A 203.0.113.9"))
	w.dns("198.51.100.4", zoneOf(t, "arpa.", "10.2.0.192.in-addr.arpa. 60 IN PTR Mail.shop.test."))
	long := strings.Repeat("a", 250)
	w.dns("203.0.113.1", func(rw dns.ResponseWriter, m *dns.Msg) {
		zone := "shop.test."
		if strings.HasSuffix(strings.ToLower(m.Question[0].Name), "far.test.") {
			zone = "far.test."
		}
		zoneOf(t, zone,
			`shop.test. 60 IN TXT "v=spf1 ip4:192.0.2.10 " "-all"`, `shop.test. 60 IN TXT "a \"quoted\" \\ and \200 octet"`,
			"shop.test. 60 IN MX 20 mx2.shop.test.", "shop.test. 60 IN MX 10 mx1.shop.test.",
			"shop.test. 60 IN A 192.0.2.10", "shop.test. 60 IN AAAA 2001:db8::10",
			`_dmarc.shop.test. 60 IN TXT "v=DMARC1; p=none"`,
			"s1._domainkey.shop.test. 60 IN CNAME s1.far.test.",
			`big.shop.test. 60 IN TXT "`+long+`" "`+long+`" "`+long+`" "`+long+`" "`+long+`" "`+long+`"`,
			`s1.far.test. 60 IN TXT "v=DKIM1; p=abc"`)(cutting{rw}, m)
	})
	w.dns("203.0.113.9", func(rw dns.ResponseWriter, m *dns.Msg) {
		r := new(dns.Msg)
		r.SetRcode(m, dns.RcodeServerFailure)
		_ = rw.WriteMsg(r)
	})
	return w
}

// cutting cuts answers by UDP, as servers do.
type cutting struct{ dns.ResponseWriter }

// WriteMsg implements dns.ResponseWriter.
func (c cutting) WriteMsg(m *dns.Msg) error {
	if _, udp := c.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(1232)
	}
	return c.ResponseWriter.WriteMsg(m)
}

func TestResolver(t *testing.T) {
	w := mailWorld(t)
	c := w.collector()
	r := NewResolver(c)
	ctx := context.Background()
	for n, want := range map[string][]string{
		"shop.test":                {"v=spf1 ip4:192.0.2.10 -all", "a \"quoted\" \\ and \xc8 octet"},
		"SHOP.Test.":               {"v=spf1 ip4:192.0.2.10 -all", "a \"quoted\" \\ and \xc8 octet"},
		"_dmarc.shop.test":         {"v=DMARC1; p=none"},
		"s1._domainkey.shop.test":  {"v=DKIM1; p=abc"},          // over an alias, in another zone
		"big.shop.test":            {strings.Repeat("a", 1500)}, // by TCP
		"none.shop.test":           nil,                         // no such name
		"mx1.shop.test":            nil,                         // no such name here
		"a b.shop.test":            nil,                         // no name at all
		strings.Repeat("a.", 200):  nil,                         // too long
		"":                         nil,
		`evil\.shop.test`:          nil,
		"bücher.shop.test":         nil,
		"s9._domainkey.shop.test.": nil,
	} {
		got, err := r.LookupTXT(ctx, n)
		if strings.Join(got, "|") != strings.Join(want, "|") || (err == nil) != (want != nil) {
			t.Errorf("%q: %q %v", n, got, err)
		}
		if err != nil && !missing(err) {
			t.Errorf("%q: %v is not IsNotFound", n, err)
		}
	}
	w.balanced(c)
	if tcp := w.connections("tcp"); len(tcp) == 0 {
		t.Error("the long answer did not come by TCP")
	}

	mx, err := r.LookupMX(ctx, "shop.test")
	if err != nil || len(mx) != 2 || mx[0].Host != "mx1.shop.test." || mx[0].Pref != 10 || mx[1].Host != "mx2.shop.test." {
		t.Errorf("MX: %v %v", mx, err)
	}
	a, err := r.LookupIPAddr(ctx, "shop.test")
	if err != nil || len(a) != 2 || a[0].String() != "192.0.2.10" || a[1].String() != "2001:db8::10" {
		t.Errorf("addresses: %v %v", a, err)
	}
	if a, err := r.LookupIPAddr(ctx, "_dmarc.shop.test"); len(a) != 0 || !missing(err) {
		t.Errorf("addresses of a name without: %v %v", a, err)
	}
	ptr, err := r.LookupAddr(ctx, "192.0.2.10")
	if err != nil || len(ptr) != 1 || ptr[0] != "mail.shop.test." {
		t.Errorf("PTR: %v %v", ptr, err)
	}
	if ptr, err := r.LookupAddr(ctx, "192.0.2.11"); len(ptr) != 0 || !missing(err) {
		t.Errorf("PTR of none: %v %v", ptr, err)
	}
	if _, err := r.LookupAddr(ctx, "x"); !missing(err) {
		t.Errorf("PTR of no address: %v", err)
	}

	// A server that fails is no denial.
	for what, f := range map[string]func() error{
		"TXT": func() error { _, err := r.LookupTXT(ctx, "broken.test"); return err },
		"MX":  func() error { _, err := r.LookupMX(ctx, "broken.test"); return err },
		"A":   func() error { _, err := r.LookupIPAddr(ctx, "broken.test"); return err },
		"gone": func() error {
			ctx, stop := context.WithCancel(ctx)
			stop()
			_, err := r.LookupTXT(ctx, "late.shop.test")
			return err
		},
	} {
		de, ok := f().(*net.DNSError) // the libraries do not unwrap
		if !ok || !de.Temporary() || de.IsNotFound {
			t.Errorf("%s: %+v", what, de)
		}
	}
}

// TestResolverRemembers: mails of one sender come in bursts.
func TestResolverRemembers(t *testing.T) {
	w := mailWorld(t)
	r := NewResolver(w.collector())
	ask := func(n string) int64 {
		before := w.dnsSeen.Load()
		_, _ = r.LookupTXT(context.Background(), n)
		return w.dnsSeen.Load() - before
	}
	for _, n := range []string{"shop.test", "none.shop.test"} {
		if ask(n) == 0 || ask(n) != 0 {
			t.Errorf("%s is asked for again", n)
		}
		w.clock.Set(w.clock.Now().Add(6 * time.Minute))
		if ask(n) == 0 {
			t.Errorf("%s is remembered for longer than its time-to-live", n)
		}
	}
	for range 2 {
		if ask("broken.test") == 0 {
			t.Error("a failure is remembered")
		}
	}
	got, _ := r.LookupTXT(context.Background(), "shop.test")
	got[0] = "changed"
	if again, _ := r.LookupTXT(context.Background(), "shop.test"); again[0] == "changed" {
		t.Error("a caller can change what is remembered")
	}
}

func FuzzTXTStrings(f *testing.F) {
	f.Add(`a\"b\\c\200`)
	f.Add(`\`)
	f.Add(`\99`)
	f.Add(`\999`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := plain(s); len(got) > len(s) || !strings.Contains(s, `\`) && got != s {
			t.Fatalf("%q became %q", s, got)
		}
		// What the library writes of any octets comes back as they were.
		if len(s) > 255 || s == "" {
			return
		}
		rr := &dns.TXT{Hdr: dns.RR_Header{Name: "x.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{escaped(s)}}
		buf := make([]byte, 1024)
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			t.Skip()
		}
		back, _, err := dns.UnpackRR(buf[:n], 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := plain(back.(*dns.TXT).Txt[0]); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

// escaped writes every octet as the library wants those it does not take
// plainly.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte('\\')
		d := itoa(int(c))
		b.WriteString(strings.Repeat("0", 3-len(d)) + d)
	}
	return b.String()
}

// TestTextsAskedOnce: a text costs as many questions as a mail server's name.
func TestTextsAskedOnce(t *testing.T) {
	w := mailWorld(t)
	cost := func(ask func(r *Resolver) error) int64 {
		before := w.dnsSeen.Load()
		if err := ask(NewResolver(w.collector())); err != nil && !missing(err) {
			t.Fatal(err)
		}
		return w.dnsSeen.Load() - before
	}
	mx := cost(func(r *Resolver) error { _, err := r.LookupMX(context.Background(), "shop.test"); return err })
	for _, n := range []string{"shop.test", "none.shop.test"} {
		if txt := cost(func(r *Resolver) error { _, err := r.LookupTXT(context.Background(), n); return err }); txt > mx {
			t.Errorf("a text at %s takes %d questions, a mail server %d", n, txt, mx)
		}
	}
}
