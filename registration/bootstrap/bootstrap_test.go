package bootstrap

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"bailiwick/name"
	"bailiwick/problem"

	"pgregory.net/rapid"
)

func domain(t testing.TB, s string) name.Domain {
	t.Helper()
	d, err := name.ParseAny(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDefault(t *testing.T) {
	s, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.domains); n < 1000 {
		t.Errorf("%d top-level domains have a server, 1000 at least expected", n)
	}
	for file, want := range map[string]string{"dns": "2026-07-23", "ipv4": "2015-08-11", "ipv6": "2016-03-22", "asn": "2016-09-08", "object-tags": "2022-12-29"} {
		if got := s.Published(file).Format("2006-01-02"); got != want {
			t.Errorf("%s published %s, want %s", file, got, want)
		}
	}
	if got := s.Lookup(domain(t, "www.example.com")); !slices.Equal(got, []string{"https://rdap.verisign.com/com/v1/"}) {
		t.Errorf("com: %v", got)
	}
	if got := s.LookupIP(netip.MustParseAddr("193.0.0.1")); len(got) == 0 || !strings.Contains(got[0], "ripe") || !strings.HasPrefix(got[0], "https://") {
		t.Errorf("193.0.0.1: %v", got)
	}
	if got := s.LookupIP(netip.MustParseAddr("2001:4200::1")); len(got) != 2 || !strings.HasPrefix(got[0], "https://rdap.afrinic.net") || !strings.HasPrefix(got[1], "http://") {
		t.Errorf("2001:4200::1: %v", got)
	}
	if got := s.LookupASN(1228); len(got) == 0 || !strings.Contains(got[0], "afrinic") {
		t.Errorf("AS1228: %v", got)
	}
	if got := s.Lookup(domain(t, "nobody.invalid")); got != nil {
		t.Errorf("invalid: %v", got)
	}
	t.Logf("%d top-level domains, %d prefixes, %d ranges; findings: %d", len(s.domains), len(s.prefixes), len(s.ranges), len(s.findings))
	for _, f := range s.findings {
		t.Log(f)
	}
}

func services(pairs ...string) []byte {
	return []byte(`{"version":"1.0","publication":"2026-01-02T03:04:05Z","services":[` + strings.Join(pairs, ",") + `]}`)
}

func TestLookup(t *testing.T) {
	s, err := New(Files{
		DNS: services(
			`[["example","EXAMPLE.","xn--p1ai"],["http://rdap.example/a","https://rdap.example/a"]]`,
			`[["co.example"],["https://rdap.co.example/"]]`,
			`[["example"],["https://second.example/"]]`,
			`[["пример.испытание"],["https://idn.example/rdap/"]]`,
			`[["bad url"],["ftp://x.example/","https://user:pw@x.example/","javascript:alert(1)"]]`,
			`[["_bad_"],["https://ok.example/"]]`,
			`"not a service"`, `[[1,null,"ok"],["https://ok.example/"]]`, `[["one list"]]`),
		IPv4: services(`[["192.0.2.0/24","2001:db8::/32"],["https://v4.example"]]`, `[["192.0.2.128/25"],["https://narrow.example/"]]`,
			`[["192.0.2.9/26"],["https://unmasked.example/"]]`, `[["192.0.2.0/24"],["https://again.example/"]]`, `[["300.0.0.0/8"],["https://x.example/"]]`),
		IPv6: services(`[["2001:db8::/32"],["https://v6.example/"]]`),
		ASN:  services(`[["64496-64511","64500"],["https://wide.example/"]]`, `[["64500-64501"],["https://narrow.example/"]]`, `[["9-1","x"],["https://x.example/"]]`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"example":              "https://rdap.example/a/ http://rdap.example/a/",
		"a.b.example":          "https://rdap.example/a/ http://rdap.example/a/",
		"shop.co.example":      "https://rdap.co.example/",
		"notco.example":        "https://rdap.example/a/ http://rdap.example/a/",
		"xn--p1ai":             "https://rdap.example/a/ http://rdap.example/a/",
		"имя.пример.испытание": "https://idn.example/rdap/",
		"x.ok":                 "https://ok.example/",
		"other":                "",
		"example.not":          "",
	} {
		if got := strings.Join(s.Lookup(domain(t, in)), " "); got != want {
			t.Errorf("Lookup(%s) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"192.0.2.1": "https://unmasked.example/", "192.0.2.200": "https://narrow.example/", "::ffff:192.0.2.1": "https://unmasked.example/",
		"198.51.100.1": "", "2001:db8::1": "https://v6.example/", "2001:db9::1": "",
	} {
		if got := strings.Join(s.LookupIP(netip.MustParseAddr(in)), " "); got != want {
			t.Errorf("LookupIP(%s) = %q, want %q", in, got, want)
		}
	}
	if s.LookupIP(netip.Addr{}) != nil {
		t.Error("the zero address is served")
	}
	for in, want := range map[uint32]string{64496: "https://wide.example/", 64500: "https://wide.example/", 64501: "https://narrow.example/", 1: "", 64512: ""} {
		if got := strings.Join(s.LookupASN(in), " "); got != want {
			t.Errorf("LookupASN(%d) = %q, want %q", in, got, want)
		}
	}
	ids := map[string]int{}
	for _, f := range s.Findings() {
		ids[f.ID]++
	}
	for _, id := range []string{"bootstrap.overlap", "bootstrap.url", "bootstrap.no-url", "bootstrap.entry", "bootstrap.service"} {
		if ids[id] == 0 {
			t.Errorf("no finding %s in %v", id, ids)
		}
	}
}

// TestLookupEntity: the tag after the last hyphen says who serves an entity
// (RFC 8521), in any case, and an override wins.
func TestLookupEntity(t *testing.T) {
	s, err := New(Files{Tags: services(`[["a@b.example"],["EXAMPLE","Other"],["https://tags.example/"]]`, `[["a@b.example"],["EXAMPLE"],["https://again.example/"]]`, `[["a@b.example"],["A-B",""],["https://bad.example/"]]`)})
	if err != nil {
		t.Fatal(err)
	}
	over, err := s.With(Overrides{Tags: map[string][]string{"other": {"https://own.example/"}}})
	if err != nil {
		t.Fatal(err)
	}
	for handle, want := range map[string]string{"ABC1-EXAMPLE": "https://tags.example/", "a-b-example": "https://tags.example/", "X-OTHER": "https://own.example/",
		"EXAMPLE": "", "-EXAMPLE": "", "X-": "", "": "", "A-B": "", "X-NOBODY": ""} {
		if got := strings.Join(over.LookupEntity(handle), " "); got != want {
			t.Errorf("%q: %q, want %q", handle, got, want)
		}
	}
	if got := s.LookupEntity("X-OTHER"); len(got) != 1 || got[0] != "https://tags.example/" {
		t.Errorf("the set beneath was changed: %v", got)
	}
	if len(s.Findings()) != 3 {
		t.Errorf("%+v", s.Findings())
	}
	if _, err := s.With(Overrides{Tags: map[string][]string{"a-b": nil}}); problem.CodeOf(err) != problem.Invalid {
		t.Error(err)
	}
}

func TestOverrides(t *testing.T) {
	base, err := New(Files{DNS: services(`[["example","co.example"],["https://iana.example/"]]`), IPv4: services(`[["192.0.2.0/24"],["https://iana.example/"]]`), ASN: services(`[["64496"],["https://iana.example/"]]`)})
	if err != nil {
		t.Fatal(err)
	}
	lab, err := base.With(Overrides{
		Domains:  map[string][]string{"example": {"http://lab.example", "https://lab.example"}, "other": {}},
		Networks: map[string][]string{"192.0.0.0/8": {"https://lab.example/ip"}, "2001:db8::/32": {"https://lab.example/"}},
		ASNs:     map[string][]string{"64000-65000": {"https://lab.example/"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("a shorter override wins over a longer entry", lab.Lookup(domain(t, "shop.co.example")), "https://lab.example/", "http://lab.example/")
	check("prefix", lab.LookupIP(netip.MustParseAddr("192.0.2.1")), "https://lab.example/ip/")
	check("v6", lab.LookupIP(netip.MustParseAddr("2001:db8::1")), "https://lab.example/")
	check("asn", lab.LookupASN(64496), "https://lab.example/")
	check("nobody serves it", lab.Lookup(domain(t, "x.other")))
	check("the set beneath is as it was", base.Lookup(domain(t, "x.example")), "https://iana.example/")
	newer, err := lab.With(Overrides{Domains: map[string][]string{"co.example": {"https://newer.example/"}}})
	if err != nil {
		t.Fatal(err)
	}
	check("the newer override wins", newer.Lookup(domain(t, "a.co.example")), "https://newer.example/")
	check("the older override stays", newer.Lookup(domain(t, "a.example")), "https://lab.example/", "http://lab.example/")

	_, err = base.With(Overrides{Domains: map[string][]string{"bad name": {"https://x.example/"}, "example": {"gopher://x.example/"}}, Networks: map[string][]string{"nonsense": nil}})
	if problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "overrides.domains.bad name") || !strings.Contains(err.Error(), "overrides.networks.nonsense") || !strings.Contains(err.Error(), "gopher") {
		t.Errorf("bad overrides: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	for what, f := range map[string]Files{
		"no JSON":         {DNS: []byte(`<html>`)},
		"cut":             {DNS: []byte(`{"services":[[["a"],["https://x.example/"]`)},
		"no services":     {IPv4: []byte(`{"version":"1.0"}`)},
		"services object": {IPv6: []byte(`{"services":{}}`)},
		"array":           {ASN: []byte(`[]`)},
		"empty":           {ASN: []byte{}},
	} {
		if _, err := New(f); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := New(Files{DNS: make([]byte, MaxBytes+1)}); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too large: %v", err)
	}
	var b strings.Builder
	for i := range MaxEntries + 1 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"1"`)
	}
	if _, err := New(Files{ASN: services(`[[` + b.String() + `],["https://x.example/"]]`)}); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("too many entries: %v", err)
	}
	if s, err := New(Files{DNS: []byte(`{"publication":7,"services":[]}`)}); err != nil || len(s.Findings()) != 1 || !s.Published("dns").IsZero() {
		t.Errorf("a bad publication date: %v %v", s, err)
	}
}

// The longest match is found however the entries are ordered.
func TestLongestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfNDistinct(rapid.IntRange(0, 32), 1, 8, rapid.ID[int]).Draw(t, "lengths")
		addr := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "last")})
		var pairs []string
		longest := -1
		for _, l := range lengths {
			p, _ := addr.Prefix(l)
			pairs = append(pairs, `[["`+p.String()+`"],["https://l`+p.Addr().String()+`-`+string(rune('a'+l%26))+`.example/`+strings.Repeat("x", l)+`"]]`)
			longest = max(longest, l)
		}
		s, err := New(Files{IPv4: services(pairs...)})
		if err != nil {
			t.Fatal(err)
		}
		got := s.LookupIP(addr)
		if len(got) != 1 || !strings.HasSuffix(got[0], ".example/"+strings.Repeat("x", longest)+strings.Repeat("/", min(1, longest))) {
			t.Fatalf("lengths %v: %v", lengths, got)
		}
	})
}

func TestTLDs(t *testing.T) {
	l, err := DefaultTLDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tld             string
		known, gtld, cc bool
	}{
		{"com", true, true, false}, {"COM", true, true, false}, {"org.", true, true, false}, {"de", true, false, true},
		{"xn--p1ai", true, false, true}, {"рф", true, false, true}, {"xn--q9jyb4c", true, true, false}, {"edu", true, false, false},
		{"arpa", true, false, false}, {"gov", true, false, false}, {"int", true, false, false}, {"mil", true, false, false},
		{"example", false, false, false}, {"zz", false, false, true}, {"abarth", false, false, false}, {"not a tld", false, false, false},
		{"co.uk", false, false, false}, {"", false, false, false}, {"zuerich", true, true, false},
	} {
		known, gtld := l.IsGTLD(c.tld)
		if known != c.known || gtld != c.gtld || l.IsCCTLD(c.tld) != c.cc {
			t.Errorf("%q: known %v generic %v country %v, want %+v", c.tld, known, gtld, l.IsCCTLD(c.tld), c)
		}
	}
	if v, when := l.Version(); v != "2026072401" || when.Format("2006-01-02 15:04") != "2026-07-24 18:55" {
		t.Errorf("version %s, %v", v, when)
	}
	lab, err := l.With([]string{"lab", "Shop-Lab"}, []string{"xx", "org"})
	if err != nil {
		t.Fatal(err)
	}
	for tld, want := range map[string]bool{"lab": true, "shop-lab": true, "xx": false, "org": false, "com": true} {
		if known, g := lab.IsGTLD(tld); !known || g != want {
			t.Errorf("with extra lists %q: known %v generic %v", tld, known, g)
		}
	}
	if _, g := l.IsGTLD("org"); !g {
		t.Error("With changed the lists beneath")
	}
	if _, err := l.With([]string{"two.labels"}, []string{"bad label"}); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "two.labels") || !strings.Contains(err.Error(), "bad label") {
		t.Errorf("bad extra lists: %v", err)
	}
	if _, err := NewTLDs([]byte("com\nnot a label\n"), nil); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad line: %v", err)
	}
	generic, country := 0, 0
	for tld := range l.delegated {
		if _, g := l.IsGTLD(tld); g {
			generic++
		} else if l.IsCCTLD(tld) {
			country++
		}
	}
	if generic != 1124 || generic+country+5 != len(l.delegated) {
		t.Errorf("%d generic, %d country-code of %d", generic, country, len(l.delegated))
	}
}

func FuzzNew(f *testing.F) {
	d := DefaultFiles()
	f.Add(d.DNS[:2000])
	f.Add([]byte(`{"publication":"2026-01-02T03:04:05Z","services":[[["com","192.0.2.0/24","1-9"],["https://x.example/"]]]}`))
	f.Add([]byte(`{"services":[[["a"],["b"],["https://x.example"]],[[null],[null]]]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := New(Files{DNS: raw, IPv4: raw, IPv6: raw, ASN: raw, Tags: raw})
		if err != nil {
			if problem.CodeOf(err) == problem.Internal {
				t.Fatal(err)
			}
			return
		}
		for _, urls := range [][]string{s.Lookup(domain(t, "a.com")), s.LookupIP(netip.MustParseAddr("192.0.2.1")), s.LookupIP(netip.MustParseAddr("2001:db8::1")), s.LookupASN(5), s.LookupEntity("X-COM")} {
			for _, u := range urls {
				if b, ok := baseURL(u); !ok || b != u || !strings.HasSuffix(u, "/") {
					t.Fatalf("%q is no base URL", u)
				}
			}
		}
		if len(s.Findings()) > maxFinding {
			t.Fatal("unbounded findings")
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	s, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	d := domain(b, "www.example.com")
	b.ReportAllocs()
	for b.Loop() {
		if len(s.Lookup(d)) == 0 {
			b.Fatal("none")
		}
	}
}
