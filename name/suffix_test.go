package name

import (
	"strings"
	"testing"
)

func must(t testing.TB, s string) Domain {
	t.Helper()
	d, err := ParseAny(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ in, suffix, registered, platform, customer string }{
		{"example.com", "com", "example.com", "", ""},
		{"a.b.example.com", "com", "example.com", "", ""},
		{"www.example.co.uk", "co.uk", "example.co.uk", "", ""},
		{"com", "com", "", "", ""},
		{"co.uk", "co.uk", "", "", ""},
		{"uk", "uk", "", "", ""},
		{"example.uk", "uk", "example.uk", "", ""},
		// Wildcard *.ck with the exception !www.ck.
		{"ck", "ck", "", "", ""},
		{"foo.ck", "foo.ck", "", "", ""},
		{"bar.foo.ck", "foo.ck", "bar.foo.ck", "", ""},
		{"a.bar.foo.ck", "foo.ck", "bar.foo.ck", "", ""},
		{"www.ck", "ck", "www.ck", "", ""},
		{"a.b.www.ck", "ck", "www.ck", "", ""},
		// *.kawasaki.jp with !city.kawasaki.jp.
		{"a.b.kawasaki.jp", "b.kawasaki.jp", "a.b.kawasaki.jp", "", ""},
		{"city.kawasaki.jp", "kawasaki.jp", "city.kawasaki.jp", "", ""},
		{"x.city.kawasaki.jp", "kawasaki.jp", "city.kawasaki.jp", "", ""},
		// A TLD nobody lists.
		{"nosuchtld", "nosuchtld", "", "", ""},
		{"shop.nosuchtld", "nosuchtld", "shop.nosuchtld", "", ""},
		{"a.shop.nosuchtld", "nosuchtld", "shop.nosuchtld", "", ""},
		// Platforms.
		{"github.io", "io", "github.io", "github.io", ""},
		{"someone.github.io", "io", "github.io", "github.io", "someone.github.io"},
		{"a.b.github.io", "io", "github.io", "github.io", "b.github.io"},
		{"evil.pages.dev", "dev", "pages.dev", "pages.dev", "evil.pages.dev"},
		{"evil.blogspot.com", "com", "blogspot.com", "blogspot.com", "evil.blogspot.com"},
		{"bucket.s3.amazonaws.com", "com", "amazonaws.com", "s3.amazonaws.com", "bucket.s3.amazonaws.com"},
		// A-labels.
		{"пример.рф", "xn--p1ai", "xn--e1afmkfd.xn--p1ai", "", ""},
	} {
		p := DefaultSuffixes().Split(must(t, c.in))
		if p.Suffix.ascii != c.suffix || p.Registered.ascii != c.registered || p.Platform.ascii != c.platform || p.Customer.ascii != c.customer {
			t.Errorf("Split(%s) = %+v, want %+v", c.in, p, c)
		}
	}
	if p := DefaultSuffixes().Split(Domain{}); p != (Parts{}) {
		t.Errorf("Split of nothing: %+v", p)
	}
}

func TestWithPrivate(t *testing.T) {
	s, err := WithPrivate([]Domain{must(t, "pages.lab.example"), must(t, "sites.example")})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]Parts{
		"a.pages.lab.example":    {must(t, "example"), must(t, "lab.example"), must(t, "pages.lab.example"), must(t, "a.pages.lab.example")},
		"pages.lab.example":      {must(t, "example"), must(t, "lab.example"), must(t, "pages.lab.example"), Domain{}},
		"lab.example":            {must(t, "example"), must(t, "lab.example"), Domain{}, Domain{}},
		"x.y.sites.example":      {must(t, "example"), must(t, "sites.example"), must(t, "sites.example"), must(t, "y.sites.example")},
		"someone.github.io":      {must(t, "io"), must(t, "github.io"), must(t, "github.io"), must(t, "someone.github.io")},
		"www.shop.example.co.uk": {must(t, "co.uk"), must(t, "example.co.uk"), Domain{}, Domain{}},
	} {
		if got := s.Split(must(t, in)); got != want {
			t.Errorf("Split(%s) = %+v, want %+v", in, got, want)
		}
	}
	if p := DefaultSuffixes().Split(must(t, "a.sites.example")); !p.Platform.IsZero() {
		t.Error("the built-in list was changed")
	}
	for _, bad := range []string{"com", "co.uk", "foo.ck"} {
		if _, err := WithPrivate([]Domain{must(t, bad)}); err == nil {
			t.Errorf("%s became a platform", bad)
		}
	}
	if _, err := WithPrivate([]Domain{{}}); err == nil {
		t.Error("an empty name became a platform")
	}
}

func TestLoadSuffixes(t *testing.T) {
	s, err := LoadSuffixes(strings.NewReader("// ===BEGIN ICANN DOMAINS===\nzone\nco.zone\n*.wild\n!ok.wild\nテスト\n// ===END ICANN DOMAINS===\n// ===BEGIN PRIVATE DOMAINS===\nhost.zone\n*.deep.zone\ndeep.zone\n// ===END PRIVATE DOMAINS===\n"))
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]Parts{
		"a.b.co.zone":   {must(t, "co.zone"), must(t, "b.co.zone"), Domain{}, Domain{}},
		"a.host.zone":   {must(t, "zone"), must(t, "host.zone"), must(t, "host.zone"), must(t, "a.host.zone")},
		"a.b.deep.zone": {must(t, "zone"), must(t, "deep.zone"), must(t, "b.deep.zone"), must(t, "a.b.deep.zone")},
		"deep.zone":     {must(t, "zone"), must(t, "deep.zone"), must(t, "deep.zone"), Domain{}},
		"a.ok.wild":     {must(t, "wild"), must(t, "ok.wild"), Domain{}, Domain{}},
		"a.b.wild":      {must(t, "b.wild"), must(t, "a.b.wild"), Domain{}, Domain{}},
		"x.xn--zckzah":  {must(t, "xn--zckzah"), must(t, "x.xn--zckzah"), Domain{}, Domain{}},
		"shop.unknown":  {must(t, "unknown"), must(t, "shop.unknown"), Domain{}, Domain{}},
	} {
		if got := s.Split(must(t, in)); got != want {
			t.Errorf("Split(%s) = %+v, want %+v", in, got, want)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	s, d := DefaultSuffixes(), must(b, "login.secure.example.co.uk")
	b.ReportAllocs()
	for b.Loop() {
		s.Split(d)
	}
}

func TestKnownTLD(t *testing.T) {
	for s, want := range map[string]bool{
		"a.com": true, "a.co.uk": true, "a.xn--p1ai": true, "a.ck": true,
		"a.example": false, "invoice.pdf": false, "github.io.nonsense": false,
	} {
		d, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := DefaultSuffixes().KnownTLD(d); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}
