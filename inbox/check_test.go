package inbox

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/clock"
	"bailiwick/mail"
	"bailiwick/name"

	"github.com/emersion/go-msgauth/dkim"
)

// senders is a small world of those who send: some careful, some not.
type senders struct {
	*zone
	ed, rsa, other signKey
}

func newSenders(t testing.TB) senders {
	s := senders{zone: newZone(), ed: edKey(t), rsa: rsaKey(t, 2048), other: edKey(t)}
	s.txt(t, "good.example", "v=spf1 ip4:192.0.2.10 -all")
	s.txt(t, "good.example", "another text")
	s.txt(t, "mail.good.example", "v=spf1 a -all")
	s.add(t, "mail.good.example. 60 IN A 192.0.2.10")
	s.txt(t, "ed._domainkey.good.example", s.ed.record)
	s.txt(t, "rsa._domainkey.good.example", s.rsa.record)
	s.txt(t, "other._domainkey.good.example", s.other.record)
	s.txt(t, "gone._domainkey.good.example", "v=DKIM1; p=")
	short := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 767, 1), E: 65537}
	s.txt(t, "weak._domainkey.good.example", "v=DKIM1; k=rsa; p="+spki(t, &short))
	huge := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 40_000, 1), E: 65537}
	s.txt(t, "huge._domainkey.good.example", "v=DKIM1; k=rsa; p="+spki(t, &huge))
	s.txt(t, "_dmarc.good.example", "v=DMARC1; p=reject; sp=quarantine")

	s.txt(t, "strict.example", "v=spf1 ip4:192.0.2.10 -all")
	s.txt(t, "mail.strict.example", "v=spf1 ip4:192.0.2.10 -all")
	s.txt(t, "ed._domainkey.mail.strict.example", s.ed.record)
	s.txt(t, "_dmarc.strict.example", "v=DMARC1; p=quarantine; aspf=s; adkim=s")

	s.txt(t, "evil.example", "v=spf1 ip4:192.0.2.10 -all")
	s.txt(t, "ed._domainkey.evil.example", s.ed.record)
	s.txt(t, "plain.example", "v=spf1 ?all")
	s.txt(t, "soft.example", "v=spf1 ~all")
	s.txt(t, "loop.example", "v=spf1 include:loop.example -all")
	s.txt(t, "twice.example", "v=spf1 -all")
	s.txt(t, "twice.example", "v=spf1 +all")
	var many []string
	for i := range 11 {
		n := fmt.Sprintf("h%d.many.example", i)
		s.add(t, n+". 60 IN A 192.0.2.99")
		many = append(many, "a:"+n)
	}
	s.txt(t, "many.example", "v=spf1 "+strings.Join(many, " ")+" ip4:192.0.2.10 -all")
	s.txt(t, "mxed.example", "v=spf1 mx ptr -all")
	s.add(t, "mxed.example. 60 IN MX 10 mail.good.example.", "10.2.0.192.in-addr.arpa. 60 IN PTR mail.good.example.")

	s.txt(t, "_dmarc.muddle.example", "v=DMARC1; p=perhaps")
	s.txt(t, "_dmarc.double.example", "v=DMARC1; p=none")
	s.txt(t, "_dmarc.double.example", "v=DMARC1; p=reject")
	s.txt(t, "_dmarc.xn--grn-ioa.example", "v=DMARC1; p=none")
	s.txt(t, "ed._domainkey.xn--grn-ioa.example", s.ed.record)
	s.txt(t, "_dmarc.half.example", "v=DMARC1; p=reject")
	s.txt(t, "ed._domainkey.bob.pages.example", s.ed.record)
	s.txt(t, "_dmarc.alice.pages.example", "v=DMARC1; p=reject")
	s.txt(t, "_dmarc.pages.example", "v=DMARC1; p=none")
	s.broken = []string{"broken.example.", "half.example.", "late._domainkey.good.example."}
	s.txt(t, "_dmarc.late.example", "v=DMARC1; p=reject")
	return s
}

func from(f string) string {
	return "From: " + f + "\r\nTo: abuse@centre.example\r\nSubject: a report\r\n\r\nhxxp://bad[.]example/ is bad.\r\n"
}

// brief is what a check said, in one line.
func brief(a mail.Auth) string {
	var sigs []string
	for _, s := range a.DKIM {
		sigs = append(sigs, string(s.Result)+" "+s.Domain)
	}
	return fmt.Sprintf("spf=%s %s dkim=%s dmarc=%s from=%s wants=%s", a.SPF, a.SPFDomain, strings.Join(sigs, ","), a.DMARC, a.From, a.Wants)
}

// TestSenderChecks goes over real SMTP, real DNS and an independent signer.
func TestSenderChecks(t *testing.T) {
	s := newSenders(t)
	desk := from("Desk <desk@good.example>")
	ed := sign(t, desk, s.ed, "good.example", "ed")
	swap := func(msg, old, new string) string {
		if !strings.Contains(msg, old) {
			t.Fatalf("%q is not in %q", old, msg)
		}
		return strings.Replace(msg, old, new, 1)
	}
	many := desk
	for range 7 {
		many = sign(t, many, s.ed, "good.example", "ed")
	}
	suffixes, err := name.WithPrivate([]name.Domain{must(name.Parse("pages.example"))})
	if err != nil {
		t.Fatal(err)
	}
	here, away := "192.0.2.10", "198.51.100.77"
	for _, tc := range []struct {
		what, remote, hello, path, msg string
		want                           string
	}{
		{"all passes", here, "mail.good.example", "desk@good.example", ed, "spf=pass good.example dkim=pass good.example dmarc=pass from=good.example wants=reject"},
		{"forwarded: DKIM alone", away, "fwd.example", "desk@good.example", ed, "spf=fail good.example dkim=pass good.example dmarc=pass from=good.example wants=reject"},
		{"RSA", away, "fwd.example", "desk@good.example", sign(t, desk, s.rsa, "good.example", "rsa"), "spf=fail good.example dkim=pass good.example dmarc=pass from=good.example wants=reject"},
		{"SPF alone", here, "x.example", "desk@good.example", desk, "spf=pass good.example dkim= dmarc=pass from=good.example wants=reject"},
		{"IPv6 sender", "2001:db8::1", "x.example", "desk@good.example", desk, "spf=fail good.example dkim= dmarc=fail from=good.example wants=reject"},
		{"IPv4 in IPv6", "::ffff:192.0.2.10", "x.example", "desk@good.example", desk, "spf=pass good.example dkim= dmarc=pass from=good.example wants=reject"},
		{"neither", away, "x.example", "desk@good.example", desk, "spf=fail good.example dkim= dmarc=fail from=good.example wants=reject"},
		{"forged From", here, "evil.example", "x@evil.example", sign(t, desk, s.ed, "evil.example", "ed"), "spf=pass evil.example dkim=pass evil.example dmarc=fail from=good.example wants=reject"},
		{"return path with two at signs", here, "evil.example", `"x@evil.example"@good.example`, desk, "spf=pass good.example dkim= dmarc=pass from=good.example wants=reject"},
		{"null sender, by HELO", here, "mail.good.example", "", desk, "spf=pass mail.good.example dkim= dmarc=pass from=good.example wants=reject"},
		{"null sender, HELO is an address", here, "[192.0.2.10]", "", desk, "spf=none  dkim= dmarc=fail from=good.example wants=reject"},
		{"subdomain, relaxed", here, "x.example", "a@good.example", from("news@news.good.example"), "spf=pass good.example dkim= dmarc=pass from=news.good.example wants=quarantine"},
		{"strict: SPF of a subdomain", here, "x.example", "a@mail.strict.example", from("a@strict.example"), "spf=pass mail.strict.example dkim= dmarc=fail from=strict.example wants=quarantine"},
		{"strict: DKIM of a subdomain", away, "x.example", "a@strict.example", sign(t, from("a@strict.example"), s.ed, "mail.strict.example", "ed"), "spf=fail strict.example dkim=pass mail.strict.example dmarc=fail from=strict.example wants=quarantine"},
		{"strict: the same", here, "x.example", "a@strict.example", from("a@strict.example"), "spf=pass strict.example dkim= dmarc=pass from=strict.example wants=quarantine"},
		{"two From fields", here, "x.example", "a@good.example", "From: boss@evil.example\r\n" + ed, "spf=pass good.example dkim=pass good.example dmarc=permerror from= wants="},
		{"two From fields, odd spelling", here, "x.example", "a@good.example", "fRom : boss@evil.example\r\n" + ed, "spf=pass good.example dkim=pass good.example dmarc=permerror from= wants="},
		{"two authors", here, "x.example", "a@good.example", from("a@good.example, b@evil.example"), "spf=pass good.example dkim= dmarc=permerror from= wants="},
		{"no author", here, "x.example", "a@good.example", "Subject: x\r\n\r\nx\r\n", "spf=pass good.example dkim= dmarc=permerror from= wants="},
		{"a From that cannot be read", here, "x.example", "a@good.example", from("<<a@good.example>> x"), "spf=pass good.example dkim= dmarc=permerror from= wants="},
		{"address in the name", here, "x.example", "a@evil.example", from(`"boss@good.example" <a@evil.example>`), "spf=pass evil.example dkim= dmarc=none from=evil.example wants="},
		{"folded From in another charset", here, "x.example", "a@good.example", from("=?windows-1252?q?J=F6rg?=\r\n <a@good.example>"), "spf=pass good.example dkim= dmarc=pass from=good.example wants=reject"},
		{"a name in letters", away, "x.example", "a@plain.example", sign(t, from("a@grün.example"), s.ed, "xn--grn-ioa.example", "ed"), "spf=neutral plain.example dkim=pass xn--grn-ioa.example dmarc=pass from=xn--grn-ioa.example wants=none"},
		{"no policy", here, "x.example", "a@evil.example", from("a@evil.example"), "spf=pass evil.example dkim= dmarc=none from=evil.example wants="},
		{"a muddled policy", here, "x.example", "a@evil.example", from("a@muddle.example"), "spf=pass evil.example dkim= dmarc=permerror from=muddle.example wants="},
		{"two policies", here, "x.example", "a@evil.example", from("a@double.example"), "spf=pass evil.example dkim= dmarc=none from=double.example wants="},
		{"customers of one platform", away, "x.example", "a@plain.example", sign(t, from("a@alice.pages.example"), s.ed, "bob.pages.example", "ed"), "spf=neutral plain.example dkim=pass bob.pages.example dmarc=fail from=alice.pages.example wants=reject"},

		{"DNS fails: SPF", here, "x.example", "a@broken.example", desk, "spf=temperror broken.example dkim= dmarc=fail from=good.example wants=reject"},
		{"DNS fails: the policy", here, "x.example", "a@good.example", from("a@half.example"), "spf=pass good.example dkim= dmarc=temperror from=half.example wants="},
		{"DNS fails: DKIM", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "late"), "spf=neutral plain.example dkim=temperror good.example dmarc=temperror from=good.example wants=reject"},
		{"DNS fails for DKIM, SPF passes", here, "x.example", "a@good.example", sign(t, desk, s.ed, "good.example", "late"), "spf=pass good.example dkim=temperror good.example dmarc=pass from=good.example wants=reject"},
		{"DNS fails: everything", here, "x.example", "a@broken.example", sign(t, from("a@broken.example"), s.ed, "broken.example", "ed"), "spf=temperror broken.example dkim=temperror broken.example dmarc=temperror from=broken.example wants="},

		{"body changed", away, "x.example", "a@plain.example", swap(ed, "is bad", "is good"), "spf=neutral plain.example dkim=fail good.example dmarc=fail from=good.example wants=reject"},
		{"subject changed", away, "x.example", "a@plain.example", swap(ed, "a report", "an offer"), "spf=neutral plain.example dkim=fail good.example dmarc=fail from=good.example wants=reject"},
		{"another's key", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "other"), "spf=neutral plain.example dkim=fail good.example dmarc=fail from=good.example wants=reject"},
		{"no key", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "nokey"), "spf=neutral plain.example dkim=permerror good.example dmarc=fail from=good.example wants=reject"},
		{"key revoked", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "gone"), "spf=neutral plain.example dkim=permerror good.example dmarc=fail from=good.example wants=reject"},
		{"weak key", away, "x.example", "a@plain.example", sign(t, desk, s.rsa, "good.example", "weak"), "spf=neutral plain.example dkim=policy good.example dmarc=fail from=good.example wants=reject"},
		{"huge key", away, "x.example", "a@plain.example", sign(t, desk, s.rsa, "good.example", "huge"), "spf=neutral plain.example dkim=permerror good.example dmarc=fail from=good.example wants=reject"},
		{"SHA-1", away, "x.example", "a@plain.example", swap(sign(t, desk, s.rsa, "good.example", "rsa"), "rsa-sha256", "rsa-sha1"), "spf=neutral plain.example dkim=policy good.example dmarc=fail from=good.example wants=reject"},
		{"only the beginning is signed", away, "x.example", "a@plain.example", swap(ed, " s=ed;", " s=ed; l=5;") + "and more\r\n", "spf=neutral plain.example dkim=policy good.example dmarc=fail from=good.example wants=reject"},
		{"expired", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "ed", func(o *dkim.SignOptions) { o.Expiration = time.Unix(1e9, 0) }), "spf=neutral plain.example dkim=fail good.example dmarc=fail from=good.example wants=reject"},
		{"expired by our clock", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "ed", func(o *dkim.SignOptions) { o.Expiration = time.Now().Add(time.Hour) }), "spf=neutral plain.example dkim=fail good.example dmarc=fail from=good.example wants=reject"},
		{"not expired", away, "x.example", "a@plain.example", sign(t, desk, s.ed, "good.example", "ed", func(o *dkim.SignOptions) { o.Expiration = time.Now().Add(100 * 24 * time.Hour) }), "spf=neutral plain.example dkim=pass good.example dmarc=pass from=good.example wants=reject"},
		{"a signature of nonsense", away, "x.example", "a@plain.example", "DKIM-Signature: nonsense\r\n" + desk, "spf=neutral plain.example dkim=permerror  dmarc=fail from=good.example wants=reject"},
		{"seven signatures", away, "x.example", "a@plain.example", many, "spf=neutral plain.example dkim=pass good.example,pass good.example,pass good.example,pass good.example,pass good.example,policy  dmarc=pass from=good.example wants=reject"},
		{"a signature without end", away, "x.example", "a@plain.example", "DKIM-Signature: v=1; h=" + strings.Repeat("a:\r\n ", 3000) + "from\r\n" + ed, "spf=neutral plain.example dkim=pass good.example,policy  dmarc=pass from=good.example wants=reject"},
		{"a header without end", away, "x.example", "a@plain.example", "DKIM-Signature: v=1; a=rsa-sha256; d=good.example; s=ed; h=from; bh=; b=\r\nFrom: a@good.example\r\n", "spf=neutral plain.example dkim=permerror good.example dmarc=fail from=good.example wants=reject"},

		{"softfail", here, "x.example", "a@soft.example", desk, "spf=softfail soft.example dkim= dmarc=fail from=good.example wants=reject"},
		{"no record", here, "x.example", "a@nothing.example", desk, "spf=none nothing.example dkim= dmarc=fail from=good.example wants=reject"},
		{"a loop", here, "x.example", "a@loop.example", desk, "spf=permerror loop.example dkim= dmarc=fail from=good.example wants=reject"},
		{"two records", here, "x.example", "a@twice.example", desk, "spf=permerror twice.example dkim= dmarc=fail from=good.example wants=reject"},
		{"over ten lookups", here, "x.example", "a@many.example", desk, "spf=permerror many.example dkim= dmarc=fail from=good.example wants=reject"},
		{"by MX", here, "x.example", "a@mxed.example", desk, "spf=pass mxed.example dkim= dmarc=fail from=good.example wants=reject"},
		{"no name", here, "x.example", "a@[192.0.2.10]", desk, "spf=none  dkim= dmarc=fail from=good.example wants=reject"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			b := &box{}
			_, addr := serve(t, b, func(c *Config) {
				c.Resolver, c.Suffixes = s.resolver(t), suffixes
				c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr(tc.remote) }
				c.Clock = clock.NewVirtual(time.Now().Add(48 * time.Hour))
			})
			k := dial(t, addr)
			k.say("EHLO "+tc.hello, "250")
			k.say("MAIL FROM:<"+tc.path+"> SMTPUTF8", "250")
			k.say("RCPT TO:<abuse@centre.example>", "250")
			k.say("DATA", "354")
			k.send(tc.msg + ".\r\n")
			k.want("250") // nothing is refused for what the checks say
			got := b.letters()
			if len(got) != 1 || got[0].raw != tc.msg {
				t.Fatalf("not the bytes that were sent: %+v", got)
			}
			a := got[0].env.Auth
			if g := brief(a); g != tc.want {
				t.Errorf("\ngot  %s\nwant %s\n%+v", g, tc.want, a.DKIM)
			}
			if a.Authentic() != strings.Contains(tc.want, "dmarc=pass") {
				t.Error("Authentic disagrees")
			}
			for _, sig := range a.DKIM {
				if (sig.Why == "") != (sig.Result == mail.Pass) {
					t.Errorf("%+v", sig)
				}
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestRejectFailing: only where the operator says so, and only p=reject.
func TestRejectFailing(t *testing.T) {
	s := newSenders(t)
	b := &box{}
	srv, addr := serve(t, b, func(c *Config) {
		c.Resolver, c.RejectFailing = s.resolver(t), true
		c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr("192.0.2.10") }
	})
	k := greet(t, addr)
	k.mail("x@evil.example", "abuse@centre.example", from("a@good.example"), "550 5.7.1")
	k.mail("x@good.example", "abuse@centre.example", from("a@good.example"), "250")
	k.mail("x@evil.example", "abuse@centre.example", from("a@strict.example"), "250")
	k.mail("x@evil.example", "abuse@centre.example", from("a@half.example"), "250") // DNS failed: no refusal
	if c := srv.Counts(); c.Refused != 1 || c.Accepted != 3 {
		t.Errorf("%+v", c)
	}
}

// TestSlowDNS: the sender's name servers do not answer; the mail is taken.
func TestSlowDNS(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b, func(c *Config) {
		c.Resolver, c.Timeouts.Check = deaf{}, 100*time.Millisecond
		c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr("192.0.2.10") }
	})
	k := greet(t, addr)
	k.mail("a@good.example", "abuse@centre.example", sign(t, from("a@good.example"), edKey(t), "good.example", "ed"), "250")
	if got := brief(b.letters()[0].env.Auth); got != "spf=temperror good.example dkim=temperror good.example dmarc=temperror from=good.example wants=" {
		t.Error(got)
	}
}

// TestFaultyLibrary: a panic in a check is a result.
func TestFaultyLibrary(t *testing.T) {
	b := &box{}
	_, addr := serve(t, b, func(c *Config) {
		c.Resolver = panicky{}
		c.Remote = func(net.Conn) netip.Addr { return netip.MustParseAddr("192.0.2.10") }
	})
	k := greet(t, addr)
	k.mail("a@good.example", "abuse@centre.example", sign(t, from("a@good.example"), edKey(t), "good.example", "ed"), "250")
	if got := brief(b.letters()[0].env.Auth); got != "spf=temperror  dkim=temperror  dmarc=none from=good.example wants=" {
		t.Error(got)
	}
}

// panicky has a fault, but for DMARC.
type panicky struct{ deaf }

func (panicky) LookupTXT(_ context.Context, n string) ([]string, error) {
	if strings.HasPrefix(n, "_dmarc.") {
		return nil, &net.DNSError{IsNotFound: true}
	}
	panic("a fault of the test")
}

// deaf answers when there is no time left.
type deaf struct{}

func (deaf) wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (d deaf) LookupTXT(ctx context.Context, _ string) ([]string, error) {
	return nil, d.wait(ctx)
}
func (d deaf) LookupMX(ctx context.Context, _ string) ([]*net.MX, error) { return nil, d.wait(ctx) }
func (d deaf) LookupIPAddr(ctx context.Context, _ string) ([]net.IPAddr, error) {
	return nil, d.wait(ctx)
}
func (d deaf) LookupAddr(ctx context.Context, _ string) ([]string, error) { return nil, d.wait(ctx) }

// greedy leads SPF from name to name, each with as much as it can hold.
type greedy struct{ asked *atomic.Int64 }

func (g greedy) LookupTXT(_ context.Context, n string) ([]string, error) {
	i := g.asked.Add(1)
	return []string{fmt.Sprintf("v=spf1 mx:m%d.%s ptr include:i%d.x.example -all", i, n, i)}, nil
}

func (g greedy) LookupMX(_ context.Context, n string) ([]*net.MX, error) {
	g.asked.Add(1)
	var out []*net.MX
	for i := range 10 {
		out = append(out, &net.MX{Host: fmt.Sprintf("h%d.%s", i, n)})
	}
	return out, nil
}

func (g greedy) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	g.asked.Add(1)
	return []net.IPAddr{{IP: net.IPv4(192, 0, 2, 99)}}, nil
}

func (g greedy) LookupAddr(context.Context, string) ([]string, error) {
	g.asked.Add(1)
	return make([]string, 1000), nil
}

func TestQuestionsAreCounted(t *testing.T) {
	var n atomic.Int64
	s, _ := serve(t, &box{}, func(c *Config) { c.Resolver = greedy{&n} })
	msg := from("a@good.example")
	for i := range 10 {
		msg = fmt.Sprintf("DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=from; bh=eA==; b=eA==\r\n", i) + msg
	}
	env := mail.Envelope{Remote: netip.MustParseAddr("192.0.2.10"), Hello: "x.example", From: "a@x.example"}
	a := s.check(context.Background(), env, scan([]byte(msg)), []byte(msg))
	if got := n.Load(); got > maxLookups {
		t.Errorf("%d questions for one mail: %+v", got, a)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(plainMail))
	f.Add([]byte("From: a@b.example\r\nfrom : c@d.example\r\n"))
	f.Add([]byte("DKIM-Signature: " + strings.Repeat("a", 9000) + "\r\n b\r\nReceived: x\r\n\r\n"))
	f.Add([]byte(" x\r\n:\r\n\r\n"))
	f.Add([]byte("From: =?x?q?a?= <a@xn--grn-ioa.example>\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := scan(raw)
		if h.size > len(raw) || h.size > maxHeader || h.lines > maxHeaderLines+1 || h.received+len(h.from)+h.signatures+len(h.long) > h.fields {
			t.Fatalf("%+v", h)
		}
		if h.ended && !h.endless && !bytes.HasPrefix(bytes.TrimLeft(raw[h.size:], "\r"), []byte("\n")) && len(bytes.Trim(raw[h.size:], "\r")) > 0 {
			t.Fatalf("the header does not end at %d", h.size)
		}
		if d, ok := h.author(); ok == d.IsZero() {
			t.Fatal("an author without a domain")
		}
		shown, err := io.ReadAll(presented(h, raw))
		if err != nil || len(shown) > len(raw)+2 {
			t.Fatalf("%d of %d octets, %v", len(shown), len(raw), err)
		}
		if h.refuse() == nil {
			if again := scan(shown); len(again.long) != 0 || again.signatures != h.signatures || len(again.from) != len(h.from) {
				t.Fatalf("%+v became %+v", h, again)
			}
		}
	})
}

func FuzzLineEnds(f *testing.F) {
	f.Add([]byte("a\r\nb\r\n"), 2)
	f.Add([]byte("a\r\r\n"), 1)
	f.Add([]byte("\n"), 0)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		left := bytes.ReplaceAll(b, []byte("\r\n"), nil)
		// A CR right before a CRLF, or LFs after one, only look right once the
		// pair between them is gone.
		want := !bytes.ContainsAny(bytes.ReplaceAll(b, []byte("\r\n"), []byte("x")), "\r\n")
		if want != !bytes.ContainsAny(left, "\r\n") && want {
			t.Fatal("the test is wrong")
		}
		cut = max(0, min(cut, len(b)))
		var l lineEnds
		got := l.ok(b[:cut]) && l.ok(b[cut:]) && !l.cr
		if got != want {
			t.Fatalf("%q cut at %d: %v", b, cut, got)
		}
	})
}

// FuzzConversation: whatever is said, what is taken has whole lines and an
// envelope that nothing can be smuggled in, and the server lives.
func FuzzConversation(f *testing.F) {
	f.Add([]byte("EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("HELO a\r\nMAIL FROM:<> SIZE=1\r\nRCPT TO:<\"a\\\rb\"@d.example>\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n"))
	f.Add([]byte("EHLO a\r\nSTARTTLS\r\nRSET\r\nVRFY\r\nMAIL FROM:<@a,@b:c@d.example>\r\n\r\n.\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<16 {
			return
		}
		b := &box{}
		s, err := New(Config{Domain: "mx.centre.example", MaxBytes: 1 << 12, PerAddr: -1, PerDomain: -1, Clock: clock.NewVirtual(start),
			Timeouts: Timeouts{Command: 50 * time.Millisecond, Message: time.Second, Session: time.Second}}, b)
		if err != nil {
			t.Fatal(err)
		}
		client, server := net.Pipe()
		l := &oneListener{c: server, done: make(chan struct{})}
		served := make(chan struct{})
		go func() { _ = s.Serve(l); close(served) }()
		go func() {
			_, _ = client.Write(in)
			_, _ = client.Write([]byte("\r\n.\r\nQUIT\r\n"))
		}()
		_, _ = io.Copy(io.Discard, client) // until the server has closed it
		_ = client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		<-served
		for _, m := range b.letters() {
			if len(m.raw) > 1<<12 || strings.ContainsAny(strings.ReplaceAll(m.raw, "\r\n", "x"), "\r\n") {
				t.Fatalf("taken: %q", m.raw)
			}
			for _, a := range append(m.env.To, m.env.From, m.env.Hello) {
				if strings.ContainsAny(a, "\r\n\x00\x1b") {
					t.Fatalf("in the envelope: %q", a)
				}
			}
			if len(m.env.To) == 0 {
				t.Fatal("a mail for nobody")
			}
		}
		if s.held.Load() != 0 {
			t.Fatalf("%d held", s.held.Load())
		}
	})
}

// oneListener has one connection to give.
type oneListener struct {
	c    net.Conn
	done chan struct{}
	gave atomic.Bool
}

func (l *oneListener) Accept() (net.Conn, error) {
	if !l.gave.Swap(true) {
		return l.c, nil
	}
	<-l.done
	return nil, errors.New("closed")
}

func (l *oneListener) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}

func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{} }
