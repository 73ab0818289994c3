package name

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func netipParse(s string) (netip.Addr, error) { return netip.ParseAddr(s) }

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://Example.COM", "http://example.com/"},
		{"HTTPS://example.com:443/A?b=C#frag", "https://example.com/A?b=C"},
		{"http://example.com:80/", "http://example.com/"},
		{"http://example.com:00081/", "http://example.com:81/"},
		{"http://example.com:/", "http://example.com/"},
		{"https://example.com:80/", "https://example.com:80/"},
		{"example.com/path", "http://example.com/path"},
		{"example.com:8080/x", "http://example.com:8080/x"},
		{"//example.com/x", ""},
		{"http://example.com./", "http://example.com/"},
		{"http://bücher.example/ä?ö", "http://xn--bcher-kva.example/%C3%A4?%C3%B6"},
		{"http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"},
		{"http://ex%61mple.com/", "http://example.com/"},
		{"http://%E4%BE%8B%E3%81%88.example/", "http://xn--r8jz45g.example/"},
		// What browsers forgive.
		{"  http://example.com/  ", "http://example.com/"},
		{"ht\ntp://exam\tple.com/a\r\nb", "http://example.com/ab"},
		{"\x00http://example.com/\x1f", "http://example.com/"},
		{"http:\\\\example.com\\a\\b", "http://example.com/a/b"},
		{"http:/example.com/a", "http://example.com/a"},
		{"https:example.com/a", "https://example.com/a"},
		{"http:////example.com/a", "http://example.com/a"},
		{"http://example.com\\@evil.example/", "http://example.com/@evil.example/"},
		{"http://example.com?q=1", "http://example.com/?q=1"},
		{"http://example.com#x", "http://example.com/"},
		{"http://example.com/a b\"<>`{}|%zz", "http://example.com/a%20b%22%3C%3E%60%7B%7D|%zz"},
		{"http://example.com/?a='b' c", "http://example.com/?a=%27b%27%20c"},
		{"http://example.com/a/./b/../c/%2e%2E/d/..", "http://example.com/a/"},
		{"http://example.com/../../x", "http://example.com/x"},
		{"http://example.com/a..b/...", "http://example.com/a..b/..."},
		{"http://example.com/a\x01b", "http://example.com/a%01b"},
		{"http://my_shop.platform.example/", "http://my_shop.platform.example/"},
		// User information deceives or tells a secret.
		{"http://bank.example@evil.example/", "http://evil.example/"},
		{"http://user:p@ss@evil.example:8080/x", "http://evil.example:8080/x"},
		// Addresses in every form a browser takes.
		{"http://192.0.2.1/", "http://192.0.2.1/"},
		{"http://3221225985/", "http://192.0.2.1/"},
		{"http://0xC0000201/", "http://192.0.2.1/"},
		{"http://0300.0.2.01/", "http://192.0.2.1/"},
		{"http://192.0.513/", "http://192.0.2.1/"},
		{"http://192.513/", "http://192.0.2.1/"},
		{"http://0xc0.0x0.0x2.0x1/", "http://192.0.2.1/"},
		{"http://192.0.2.1./", "http://192.0.2.1/"},
		{"http://１９２.０.２.１/", "http://192.0.2.1/"},
		{"http://2130706433/", "http://127.0.0.1/"},
		{"http://0x7f000001/", "http://127.0.0.1/"},
		{"http://0/", "http://0.0.0.0/"},
		{"http://[2001:DB8::1]/", "http://[2001:db8::1]/"},
		{"http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"},
		{"http://[::ffff:192.0.2.1]/", "http://192.0.2.1/"},
		{"2001:db8::1", "http://[2001:db8::1]/"},
		{"fe80::1", "http://[fe80::1]/"},
		// Defanged.
		{"hxxps[:]//evil[.]example/a", "https://evil.example/a"},
		{"hXXp://evil(.)example", "http://evil.example/"},
		{"hxxp[://]evil{.}example[/]a", "http://evil.example/a"},
		{"evil[dot]example", "http://evil.example/"},
		{"HXXPS://EVIL[.]EXAMPLE/", "https://evil.example/"},
		{"h**ps://evil.example/", "https://evil.example/"},
		{"meow://evil.example/", "http://evil.example/"},
		{"hxxp://[2001[:]db8[:][:]1]/", "http://[2001:db8::1]/"},
		// Marks of defanging in the path of a live URL are part of it.
		{"http://evil.example/a[.]b?c=(.)", "http://evil.example/a[.]b?c=(.)"},
		{"http://evil.example/x/[/]", "http://evil.example/x/[/]"},
	} {
		u, err := ParseURL(c.in)
		if c.want == "" {
			continue
		}
		if err != nil || u.String() != c.want {
			t.Errorf("ParseURL(%q) = %q, %v; want %q", c.in, u, err, c.want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, in := range []string{"", "http://", "http:///", "http://?x", "ftp://example.com/", "javascript:alert(1)", "mailto:a@example.com", "data:text/html,x", "file:///etc/passwd",
		"a@example.com", "http://exa mple.com/", "http://exam%20ple.com/", "http://exa%zzmple.com/", "http://example.com:65536/", "http://example.com:-1/", "http://example.com:+80/", "http://example.com:8a/",
		"http://[::1/", "http://[::1]x/", "http://[192.0.2.1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://256.0.0.1/", "http://1.2.3.4.5/", "http://4294967296/",
		"http://0x100000000/", "http://08.0.0.1/", "http://1.2.3.256/", "http://example.123/", "http://localhost/", "http://a..b/", "http://*.example.com/", "http://ex^ample.com/", "http://%00.com/",
		"http://" + strings.Repeat("a.", 200) + "com/", "http://example.com/" + strings.Repeat("a", MaxURL), "http://example.com/" + strings.Repeat("ä", MaxURL/4), "http://%FF%FE.com/", "about:blank"} {
		if u, err := ParseURL(in); err == nil {
			t.Errorf("ParseURL(%.60q) = %.80q, want an error", in, u)
		}
	}
}

func TestURLValue(t *testing.T) {
	var u URL
	if !u.IsZero() || u.String() != "" {
		t.Error("the zero URL is something")
	}
	if err := u.UnmarshalText([]byte("http://a.example/x")); err != nil || u.Host() != "a.example" {
		t.Errorf("%v %v", u, err)
	}
	if b, _ := u.MarshalText(); string(b) != "http://a.example/x" {
		t.Errorf("%s", b)
	}
	if err := u.UnmarshalText(nil); err != nil || !u.IsZero() {
		t.Errorf("%v %v", u, err)
	}
	a, _ := ParseURL("http://192.0.2.1/")
	if !a.Domain.IsZero() || a.Host() != "192.0.2.1" {
		t.Errorf("%+v", a)
	}
}

func anyURL(t *rapid.T) string {
	pieces := rapid.SampledFrom([]string{"http://", "https:", "hxxp://", "HTTP:\\\\", "", "a.example", "bücher.example", "192.0.2.1", "[2001:db8::1]", "0x7f.1", "@", ":", "8080", "/", "\\", "..", ".", "?", "#", "%41",
		"%2e", "%", "[.]", "(dot)", "[:]", " ", "\t", "ä", "x", "=", "&", "user", "com", "。", "[/]", "_", "-"})
	var b strings.Builder
	for range rapid.IntRange(1, 14).Draw(t, "n") {
		b.WriteString(pieces.Draw(t, "piece"))
	}
	if rapid.Bool().Draw(t, "more") {
		b.WriteString(rapid.String().Draw(t, "text"))
	}
	return b.String()
}

// holdsURL is what every URL that was read must meet.
func holdsURL(t interface{ Fatalf(string, ...any) }, in string) {
	u, err := ParseURL(in)
	if err != nil {
		return
	}
	s := u.String()
	again, err := ParseURL(s)
	if err != nil || again != u || again.String() != s {
		t.Fatalf("%q is %q, and that is %q, %v", in, s, again, err)
	}
	if u.Domain.IsZero() == !u.Addr.IsValid() || !strings.HasPrefix(u.Path, "/") || len(s) > MaxURL {
		t.Fatalf("%q: %+v", in, u)
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] >= 0x7f {
			t.Fatalf("%q holds %q", s, s[i])
		}
	}
	if back, err := ParseURL(Defang(s)); err != nil || back.Host() != u.Host() || back.Port != u.Port || back.Scheme != u.Scheme {
		t.Fatalf("%q defanged is %q, and that is %q, %v", s, Defang(s), back, err)
	}
	if st := StripTokens(u); StripTokens(st) != st || st.Host() != u.Host() {
		t.Fatalf("%q stripped is %q, then %q", s, st, StripTokens(st))
	}
}

func TestURLHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { holdsURL(t, anyURL(t)) })
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"http://example.com/a?b#c", "hxxp[:]//a[.]b[/]c", "http:\\\\u:p@0x7f000001:80\\..\\x", "[::1]", "http://[fe80::1%25e]/", "bücher.example/ä", "http://a.example/?e=a%40b.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { holdsURL(t, s) })
}

func BenchmarkParseURL(b *testing.B) {
	const s = "https://login.secure-bank.example.com/verify/account?id=3&lang=en"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseURL(s); err != nil {
			b.Fatal(err)
		}
	}
}
