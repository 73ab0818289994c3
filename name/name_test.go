package name

import (
	"strings"
	"testing"

	"bailiwick/problem"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct{ in, want, unicode string }{
		{"Example.COM", "example.com", "example.com"},
		{" example.com. ", "example.com", "example.com"},
		{"bücher.example", "xn--bcher-kva.example", "bücher.example"},
		{"BÜCHER.example", "xn--bcher-kva.example", "bücher.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example"},
		{"faß.de", "xn--fa-hia.de", "faß.de"},               // non-transitional: sharp s stays
		{"例え。テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト"},      // ideographic full stop
		{"ｅｘａｍｐｌｅ．ｃｏｍ", "example.com", "example.com"},       // full-width letters and dot
		{"example｡com｡", "example.com", "example.com"},      // half-width dots, one at the end
		{"ex\u00adample.com", "example.com", "example.com"}, // soft hyphen
		{"аpple.com", "xn--pple-43d.com", "аpple.com"},      // Cyrillic and Latin in one label
		{"i❤.ws", "xn--i-7iq.ws", "i❤.ws"},                  // registered though IDNA2008 says no
		{"r3---sn-abc.video.example", "r3---sn-abc.video.example", "r3---sn-abc.video.example"},
		{"-a.b-.example.com", "-a.b-.example.com", "-a.b-.example.com"},
		{"_dmarc.my_shop.example.com", "_dmarc.my_shop.example.com", "_dmarc.my_shop.example.com"},
		{"1.2.3.com", "1.2.3.com", "1.2.3.com"},
		{"123.456", "", ""},
		{long + ".com", long + ".com", long + ".com"},
		{"مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv", "مثال.إختبار"},
	} {
		d, err := Parse(c.in)
		if c.want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %s, want an error", c.in, d)
			}
			continue
		}
		if err != nil || d.String() != c.want {
			t.Errorf("Parse(%q) = %q, %v; want %q", c.in, d, err, c.want)
		} else if d.Unicode() != c.unicode {
			t.Errorf("Parse(%q).Unicode() = %q, want %q", c.in, d.Unicode(), c.unicode)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", ".", "..", "com", "a..b", ".example.com", "example.com..", "exa mple.com", "exam\x00ple.com", "ex%61mple.com", "a/b.com", "a:80.com", "user@example.com",
		"*.example.com", "!example.com", "xn--a.com", "xn--.com", "xn--abc-.com", "a\u200db.com", "\u202eabc.com", "foo_bar.com", "foo._com", "example-.com", "-example.com", "example.-com",
		"192.0.2.1", "[2001:db8::1]", "2001:db8::1", "1.2.3", "example.0x7f", "example.123", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", strings.Repeat("ü", 2000),
		"\xff\xfe.com", "example。。com"} {
		d, err := Parse(in)
		if err == nil {
			t.Errorf("Parse(%q) = %q, want an error", in, d)
		} else if problem.CodeOf(err) != problem.Invalid {
			t.Errorf("Parse(%q): code %s", in, problem.CodeOf(err))
		}
	}
	if d, err := ParseAny("COM."); err != nil || d.String() != "com" {
		t.Errorf("ParseAny: %v %v", d, err)
	}
}

func TestDomain(t *testing.T) {
	d, err := Parse("a.b.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if d.TLD() != "com" || strings.Join(d.Labels(), "|") != "a|b|example|com" || d.Parent().String() != "b.example.com" {
		t.Errorf("%s %v %s", d.TLD(), d.Labels(), d.Parent())
	}
	p, _ := Parse("example.com")
	other, _ := Parse("nexample.com")
	if !d.Under(p) || !p.Under(p) || p.Under(d) || other.Under(p) || d.Under(Domain{}) {
		t.Error("Under")
	}
	tld, _ := ParseAny("com")
	if !tld.Parent().IsZero() || !(Domain{}).IsZero() || d.IsZero() {
		t.Error("IsZero")
	}
	var u Domain
	if err := u.UnmarshalText([]byte("EXAMPLE.com")); err != nil || u != p {
		t.Errorf("UnmarshalText: %v %v", u, err)
	}
	if err := u.UnmarshalText(nil); err != nil || !u.IsZero() {
		t.Errorf("UnmarshalText of nothing: %v %v", u, err)
	}
	if b, _ := p.MarshalText(); string(b) != "example.com" {
		t.Errorf("MarshalText: %s", b)
	}
}

// TestParseIsIdempotent: what was read reads the same again, also in U-labels.
func TestParseIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_-]{1,12}`), rapid.StringN(1, 6, 20),
			rapid.SampledFrom([]string{"xn--bcher-kva", "ß", "例え", "аpple", "XN--P1AI", "a--b"})), 1, 5).Draw(t, "labels"), rapid.SampledFrom([]string{".", "。", "．"}).Draw(t, "dot"))
		d, err := ParseAny(in)
		if err != nil {
			return
		}
		for _, again := range []string{d.String(), d.String() + ".", strings.ToUpper(d.String()), d.Unicode()} {
			if e, err := ParseAny(again); err != nil || e != d {
				t.Fatalf("%q is %q, and that is %q, %v", in, d, e, err)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"example.com", "bücher.example", "xn--bcher-kva.de", "a。b", "[::1]", "0x7f.1", "_a.b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseAny(s)
		if err != nil {
			return
		}
		if why := check(d.ascii); why != "" || d.ascii == "" {
			t.Fatalf("%q: %q %s", s, d, why)
		}
		if e, err := ParseAny(d.String()); err != nil || e != d {
			t.Fatalf("%q, then %q, %v", d, e, err)
		}
		_ = d.Unicode()
		DefaultSuffixes().Split(d)
	})
}

func TestReserved(t *testing.T) {
	for in, want := range map[string]string{
		"10.1.2.3": "private", "172.31.0.1": "private", "172.32.0.1": "", "192.168.0.1": "private", "127.0.0.1": "loopback", "0.0.0.0": "this network",
		"100.64.0.1": "carrier NAT", "100.128.0.1": "", "169.254.169.254": "link-local", "198.18.0.1": "benchmarking", "224.0.0.1": "multicast", "255.255.255.255": "reserved",
		"240.0.0.1": "reserved", "192.0.0.1": "protocol", "192.0.2.1": "", "198.51.100.1": "", "203.0.113.1": "", "8.8.8.8": "",
		"::": "unspecified", "::1": "loopback", "::ffff:10.0.0.1": "private", "::ffff:8.8.8.8": "", "64:ff9b::a00:1": "NAT64", "2002:a00:1::": "6to4", "2001:0:1::": "Teredo",
		"fc00::1": "private", "fd12::1": "private", "fe80::1": "link-local", "fec0::1": "site-local", "ff02::1": "multicast", "100::1": "discard", "2001:db8::1": "", "2606:4700::1": "",
	} {
		a, err := netipParse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := Reserved(a); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("Reserved(%s) = %q, want %q", in, got, want)
		}
	}
	z, _ := netipParse("2001:db8::1%eth0")
	if Reserved(z) == "" {
		t.Error("an address with a zone is not reserved")
	}
	for in, special := range map[string]bool{"a.localhost": true, "printer.local": true, "x.internal": true, "abc.onion": true, "1.0.168.192.in-addr.arpa": true,
		"router.home.arpa": true, "example.com": false, "bank.example": false, "a.test": false, "notlocal.com": false} {
		d, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := SpecialUse(d) != ""; got != special {
			t.Errorf("SpecialUse(%s) = %q", in, SpecialUse(d))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ label, name string }{{"ascii", "Login.Secure-Bank.example.com"}, {"idn", "bücher.example"}} {
		b.Run(c.label, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
