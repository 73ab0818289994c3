package party

import (
	"testing"

	"bailiwick/name"
	"bailiwick/problem"

	"github.com/google/go-cmp/cmp"
)

func TestSubject(t *testing.T) {
	d := directory(t, world)
	for _, tc := range []struct {
		url, key string
		kind     Kind
		platform string
	}{
		{"https://login.bad.shop/x", "bad.shop", RegisteredDomain, ""},
		{"http://a.b.bad.co.uk/", "bad.co.uk", RegisteredDomain, ""},
		{"https://www.evil.github.io/p", "evil.github.io", PlatformCustomer, "github.io"},
		{"https://github.io/p", "github.io", PlatformCustomer, "github.io"},
		// A configured platform the public list lacks.
		{"https://x.evil.pages.example.com/", "evil.pages.example.com", PlatformCustomer, "pages.example.com"},
		{"https://pages.example.com/", "pages.example.com", PlatformCustomer, "pages.example.com"},
		{"https://a.sites.example.net/", "a.sites.example.net", PlatformCustomer, "sites.example.net"},
		// Above a platform is an ordinary registered domain.
		{"https://www.example.com/", "example.com", RegisteredDomain, ""},
		{"http://192.0.2.7:8080/x", "192.0.2.7", Address, ""},
		{"http://[::ffff:192.0.2.7]/x", "192.0.2.7", Address, ""},
		{"http://[2001:db8::7]/x", "2001:db8::7", Address, ""},
	} {
		u, err := name.ParseURL(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Subject(u)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		if s.Key() != tc.key || s.Kind != tc.kind || s.Platform.String() != tc.platform {
			t.Errorf("%s: got %s %s under %q, want %s %s under %q", tc.url, s.Kind, s.Key(), s.Platform, tc.kind, tc.key, tc.platform)
		}
	}
	for _, n := range []string{"co.uk", "shop"} {
		if _, err := d.SubjectOfDomain(dom(n)); problem.CodeOf(err) != problem.Refused {
			t.Errorf("the public suffix %s is a subject: %v", n, err)
		}
	}
	if _, err := d.Subject(name.URL{}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("the zero URL: %v", err)
	}
}

// The longest suffix decides, whether it is configured or on the public list.
func TestPlatformWithinPlatform(t *testing.T) {
	d := directory(t, `platforms: [{suffix: inner.github.io, name: Inner}]`)
	for in, want := range map[string]string{
		"a.inner.github.io": "inner.github.io", "inner.github.io": "inner.github.io", "a.other.github.io": "github.io",
	} {
		if s := subject(t, d, in); s.Platform.String() != want {
			t.Errorf("%s is under %s, want %s", in, s.Platform, want)
		}
	}
}

func TestDNSLevelAllowed(t *testing.T) {
	d := directory(t, world)
	for in, want := range map[string]bool{
		"bad.shop": true, "bad.co.uk": true, "login-bank.example": true,
		"evil.github.io": false, "github.io": false, "a.pages.example.com": false, "pages.example.com": false,
		"a.sites.example.net": false,
		"example.com":         false,                              // carries pages.example.com
		"example.net":         false,                              // carries a shared host
		"bank.example":        false, "bank-group.example": false, // a constituent's
		"mailhost.example": false, // protected
		"centre.example":   false, // ours
		"192.0.2.1":        false,
	} {
		got, why := d.DNSLevelAllowed(subject(t, d, in))
		if got != want || got == (why != "") {
			t.Errorf("%s: %v %q, want %v and a reason only if not", in, got, why, want)
		}
	}
	// A subject made by hand does not get past.
	for _, s := range []Subject{
		{}, {Kind: RegisteredDomain}, {Kind: "?", Name: dom("bad.shop")},
		{Kind: RegisteredDomain, Name: dom("co.uk")}, {Kind: RegisteredDomain, Name: dom("www.bad.shop")},
		{Kind: RegisteredDomain, Name: dom("evil.github.io")}, {Kind: RegisteredDomain, Name: dom("github.io")},
		{Kind: RegisteredDomain, Name: dom("pages.example.com")},
	} {
		if ok, _ := d.DNSLevelAllowed(s); ok {
			t.Errorf("%+v is allowed", s)
		}
		for _, p := range d.Who(phishing(s)) {
			if p.Role == Registrar || p.Role == Registry || p.Role == Compliance {
				t.Errorf("%+v: %s is asked", s, p.ID)
			}
		}
	}
}

func TestCollateral(t *testing.T) {
	d := directory(t, world)
	for in, want := range map[string][]string{
		"bad.shop":            nil,
		"192.0.2.1":           nil,
		"evil.github.io":      {"the names of every customer of the platform github.io"},
		"a.pages.example.com": {"the names of every customer of the platform pages.example.com (Pages)", "the names of every customer of the platform silent.example.com (Silent)"},
		"example.com":         {"the names of every customer of the platform pages.example.com (Pages)", "the names of every customer of the platform silent.example.com (Silent)"},
		"run.app":             {"the names of every customer of the platform run.app"},
		"sites.example.net":   {"the names of every customer of the shared host sites.example.net (Sites)"},
		"bank.example":        {"the name bank.example of the constituent Example Bank"},
		"mailhost.example":    {"the protected name mailhost.example"},
		"centre.example":      {"the centre's own name centre.example"},
	} {
		if diff := cmp.Diff(want, d.Collateral(subject(t, d, in))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", in, diff)
		}
	}
	if got := d.Collateral(Subject{Kind: RegisteredDomain, Name: dom("co.uk")}); len(got) != 1 {
		t.Errorf("a public suffix: %v", got)
	}
}

func TestTLDKind(t *testing.T) {
	d := directory(t, world)
	for in, want := range map[string]string{
		"shop": GTLD, "SHOP": GTLD, ".shop": GTLD, "ax": CCTLD, "xn--fiqs8s": CCTLD,
		"zz": CCTLD, // two letters: a country code by rule
		"z9": UnknownTLD, "nosuch": UnknownTLD, "": UnknownTLD,
	} {
		if got := d.TLDKind(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestNewRefusesSuffixAsPlatform(t *testing.T) {
	for _, s := range []string{"co.uk", "com.au"} {
		_, err := New(load(t, `shared_hosts: [{suffix: `+s+`, name: X}]`), name.DefaultSuffixes(), tlds)
		if problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", s, err)
		}
	}
}
