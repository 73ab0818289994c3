package name

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDefang(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://evil.example/a.b?c=d.e", "hxxp://evil[.]example/a.b?c=d.e"},
		{"HTTPS://Evil.example", "hxxps://Evil[.]example"},
		{"https://evil.example:8443/", "hxxps://evil[.]example:8443/"},
		{"evil.example", "evil[.]example"},
		{"192.0.2.1", "192[.]0[.]2[.]1"},
		{"2001:db8::1", "2001[:]db8[:][:]1"},
		{"http://[2001:db8::1]:8080/x", "hxxp://[2001[:]db8[:][:]1]:8080/x"},
		{"http://[::ffff:192.0.2.1]/", "hxxp://[[:][:]ffff[:]192[.]0[.]2[.]1]/"},
		{"mallory@evil.example", "mallory[@]evil[.]example"},
		{"https://a.example/?u=http://b.example/&v=HTTPS%3A%2F%2Fc.example", "hxxps://a[.]example/?u=hxxp://b.example/&v=HxxPS%3A%2F%2Fc.example"},
		{"evil[.]example", "evil[.]example"},
		{"", ""},
	} {
		if got := Defang(c.in); got != c.want {
			t.Errorf("Defang(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestRefang(t *testing.T) {
	for in, want := range map[string]string{
		"hxxp://a[.]b": "http://a.b", "HXXPS://a(.)b": "https://a.b", "hxxp[:]//a[dot]b": "http://a.b", "a[.]b": "a.b", "me[@]a[.]b": "me@a.b", "me[at]a(dot)b": "me@a.b",
		"http://a.b/": "http://a.b/", "meows://a": "https://a", "hxxpx://a": "hxxpx://a",
	} {
		if got := Refang(in); got != want {
			t.Errorf("Refang(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestDefangIsUndone: Refang gives hosts and mail addresses back as they were.
func TestDefangIsUndone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.OneOf(
			rapid.StringMatching(`[a-z0-9_-]{1,10}(\.[a-z0-9-]{1,10}){1,4}`),
			rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,3}){3}`),
			rapid.SampledFrom([]string{"2001:db8::1", "::1", "[2001:db8::1]", "[::ffff:192.0.2.1]:80", "fe80::", "a@b.example", "a.b@c.example"}),
		).Draw(t, "host")
		if got := Refang(Defang(host)); got != host {
			t.Fatalf("%q, defanged %q, is %q", host, Defang(host), got)
		}
		if once := Defang(host); strings.ContainsAny(once, ":[") && Defang(once) != once && strings.Count(once, "[") == strings.Count(once, "]") && strings.Contains(host, ".") && !strings.Contains(host, ":") {
			t.Fatalf("%q is defanged twice: %q", once, Defang(once))
		}
	})
}

func TestDefangText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"See http://evil.example/a.b, then reply.", "See hxxp://evil[.]example/a.b, then reply."},
		{"(https://evil.example/x)", "(hxxps://evil[.]example/x)"},
		{"<a href=\"http://evil.example\">x</a>", "<a href=\"hxxp://evil[.]example\">x</a>"},
		{"href=http://evil.example", "href=hxxp://evil[.]example"},
		{"Go to www.evil.example.", "Go to www[.]evil[.]example."},
		{"Mail mallory@evil.example!", "Mail mallory[@]evil[.]example!"},
		{"From:mallory@evil.example", "From:mallory[@]evil[.]example"},
		{"on 192.0.2.1:8080 and 192.0.2.2", "on 192[.]0[.]2[.]1:8080 and 192[.]0[.]2[.]2"},
		{"evil.example/path/x.php?a=b", "evil[.]example/path/x.php?a=b"},
		{"bücher.example und xn--bcher-kva.xn--p1ai", "bücher[.]example und xn--bcher-kva[.]xn--p1ai"},
		{"例え.テスト", "例え[.]テスト"},
		{"already evil[.]example and hxxp://evil[.]example/x", "already evil[.]example and hxxp://evil[.]example/x"},
		{"It cost 12.50, e.g. twice, at 10:30. Version 1.2.3 of it.", "It cost 12.50, e.g. twice, at 10:30. Version 1.2.3 of it."},
		{"A sentence ends here. Another begins.", "A sentence ends here. Another begins."},
		{"line\nhttp://a.example\n\thttps://b.example\n", "line\nhxxp://a[.]example\n\thxxps://b[.]example\n"},
		{"ftp://files.example/x", "ftp://files[.]example/x"},
		{"", ""},
	} {
		got := DefangText(c.in)
		if got != c.want {
			t.Errorf("DefangText(%q)\n = %q,\nwant %q", c.in, got, c.want)
		}
		if again := DefangText(got); again != got {
			t.Errorf("DefangText is not stable: %q, then %q", got, again)
		}
	}
}

var live = regexp.MustCompile(`(?i)https?://`)

// FuzzDefangText: no live URL is left, and nothing but marks is added.
func FuzzDefangText(f *testing.F) {
	for _, s := range []string{"http://a.example/b", "x=http://a.b@c.example:80/", "://", "http://", "a@b.example.", "hthttp://tp://a.b", "http://http://a.example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := DefangText(s)
		if live.MatchString(out) || live.MatchString(Defang(s)) {
			t.Fatalf("%q leaves %q, %q", s, out, Defang(s))
		}
		if len(out) < len(s) {
			t.Fatalf("%q became %q", s, out)
		}
	})
}
