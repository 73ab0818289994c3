package web

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bailiwick/name"

	"pgregory.net/rapid"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, ümlaut 漢字\nline\ttab": "plain text, ümlaut 漢字\nline\ttab",
		"a\u202eb":                         "a⟨U+202E⟩b",
		"a\u200bb":                         "a⟨U+200B⟩b",
		"a\x00b\x1b[0m":                    "a⟨U+0000⟩b⟨U+001B⟩[0m",
		"a\xffb":                           "a⟨FF⟩b",
		"a\u00a0b":                         "a⟨U+00A0⟩b",
		"a\u3164b":                         "a⟨U+3164⟩b",
		"a\r\nb":                           "a\nb",
		"\uFFFD":                           "\uFFFD",
	} {
		if got := visible(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestImitation(t *testing.T) {
	claimed := func(s string) []brand { return []brand{{foldAll(s), true}} }
	protected := func(s string) []brand { return []brand{{foldAll(s), false}} }
	for _, c := range []struct {
		label  string
		brands []brand
		want   string
	}{
		{"paypal", claimed("PayPal"), "paypal"},
		{"secure-paypa1-login", claimed("PayPal"), "paypa1"},
		{"аррӏе-id", claimed("Apple"), "аррӏе"},
		{"examp1e-bank", claimed("Example Bank"), "examp1e-bank"},
		{"exampel-bank", claimed("Example Bank"), "exampel-bank"},
		{"example-ba-nk", claimed("Example Bank"), "example-ba-nk"},
		{"exmple-bank", claimed("Example Bank"), "exmple-bank"},
		{"exaample-bank", claimed("Example Bank"), "exaample-bank"},
		{"corner-shoes", protected("Corner Shops"), ""}, // an honest shop near a protected name
		{"corner-sh0ps", protected("Corner Shops"), "corner-sh0ps"},
		{"flower-shop", claimed("Example Bank"), ""},
		{"apple", nil, ""},
		{"", claimed("Example Bank"), ""},
		{"---", claimed("Example Bank"), ""},
	} {
		from, to := imitation(c.label, c.brands)
		if got := c.label[from:to]; got != c.want {
			t.Errorf("%s: %q is marked, not %q", c.label, got, c.want)
		}
	}
}

func TestWordsOfTime(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "under a minute", 26 * time.Minute: "26 min", 3*time.Hour + 12*time.Minute: "3 h 12 min", 24 * time.Hour: "1 d", 51 * time.Hour: "2 d 3 h", 11*24*time.Hour + time.Hour: "11 d", -90 * time.Minute: "1 h 30 min"} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, not %q", d, got, want)
		}
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{{}: "–", now: "now", now.Add(time.Hour): "in 1 h", now.Add(-time.Hour): `<span class="over">1 h over</span>`} {
		if got := dueIn(at, now); string(got) != want {
			t.Errorf("%s: %q, not %q", at, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := thousands(n); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for _, to := range []string{"", "desk", "//evil.example", "https://evil.example/", "/\\evil.example", "/x\r\ny", "javascript:alert(1)", "\t//evil.example", "http:/x", "/%zz"} {
		if got := local(to, "/desk"); got != "/desk" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	for _, to := range []string{"/", "/cases/x?before=3", "/desk?q=a%2Fb"} {
		if got := local(to, "/desk"); got != to {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

// shown holds text from outside against what a page may show.
func shown(t interface{ Fatalf(string, ...any) }, in, out string) {
	if !utf8.ValidString(out) {
		t.Fatalf("%q: %q is not UTF-8", in, out)
	}
	for _, r := range out {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0x200f || r == 0xfeff || r < 0x20 && r != '\n' && r != '\t' {
			t.Fatalf("%q: %q holds %U", in, out, r)
		}
	}
	if strings.Contains(strings.ToLower(out), "http://") || strings.Contains(strings.ToLower(out), "https://") {
		t.Fatalf("%q: %q can be clicked", in, out)
	}
}

func TestOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("ht\u202eps:/.ex\u200b é\x00\x1b漢")))).Draw(t, "in")
		out := outside(in, 500)
		shown(t, in, out)
		if again := visible(out); again != out {
			t.Fatalf("%q: shown as %q, which is not fit to show", in, out)
		}
	})
}

// FuzzShow shows anything as text, as a name and as a URL: what comes out is
// well formed, escaped, and cannot be clicked.
func FuzzShow(f *testing.F) {
	for _, s := range []string{"", "http://bad.example/x?<script>", "xn--80ak6aa92e.com", "a\u202eb.example", "192.0.2.1", "[2001:db8::1]", "\xff\xfe", "hxxp://bad[.]example", strings.Repeat("a.", 126) + "example", "аррӏе.com"} {
		f.Add(s, "Apple")
	}
	f.Fuzz(func(t *testing.T, in, claimed string) {
		shown(t, in, outside(in, 4000))
		var m markup
		bs := []brand{{foldAll(claimed), true}}
		if d, err := name.ParseAny(in); err == nil {
			m.labels(strings.Split(d.Unicode(), "."), bs)
		} else {
			m.label(in, bs)
		}
		html := m.String()
		if strings.Count(html, "<mark>") != strings.Count(html, "</mark>") || strings.Count(html, "<span") != strings.Count(html, "</span>") || strings.Contains(html, "<script") {
			t.Fatalf("%q: %s", in, html)
		}
	})
}
