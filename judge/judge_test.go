package judge

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// site builds a look: the claimed URL and the front page.
func site(url, body, front string, frontStatus int) evidence.Look {
	f := u(url)
	root := f
	root.Path, root.RawQuery = "/", ""
	l := evidence.Look{At: t0, Fetches: []evidence.Fetch{got(url, "plain", 200, body), got(url, "mobile", 200, body)}}
	if !f.Addr.IsValid() {
		l.DNS = zone(world().suffixes().Split(f.Domain).Registered.String())
		root.Domain = world().holder(f.Domain)
		l.Home = []evidence.Fetch{got(root.String(), "plain", frontStatus, front)}
	}
	return l
}

func TestJudge(t *testing.T) {
	page := kit("en", "Acme Bank")
	rosa := shop("Rosa Flowers", 60)
	nginx := defaults[0]
	for _, c := range []struct {
		name  string
		url   string
		body  string
		front string
		rec   *registration.Record
		want  Class
		does  func(*Input)
	}{
		{name: "new look-alike, all kit", url: "https://acmebank-login.shop/", body: page, front: page, rec: rec("acmebank-login.shop", 3, 1), want: Malicious},
		{name: "new look-alike, kit in a folder, nothing else", url: "https://acmebank-login.shop/sso/", body: page, front: nginx, rec: rec("acmebank-login.shop", 3, 1), want: Malicious},
		{name: "new name without a brand, all kit", url: "https://qz7x1k9.top/", body: page, front: page, rec: rec("qz7x1k9.top", 9, 1), want: Malicious},
		{name: "new name without a brand, nothing but the kit", url: "https://sunny-river.top/en/", body: page, front: nginx, rec: rec("sunny-river.top", 9, 1), want: Malicious},
		{name: "aged look-alike, all kit", url: "https://acmebank-login.shop/", body: page, front: page, rec: rec("acmebank-login.shop", 2600, 1), want: Malicious},
		{name: "aged look-alike, nothing but the kit", url: "https://acmebank-login.shop/sso/", body: page, front: nginx, rec: rec("acmebank-login.shop", 2600, 1), want: Malicious},
		{name: "aged look-alike with a site of its own", url: "https://acmebank-login.shop/sso/", body: page, front: rosa, rec: rec("acmebank-login.shop", 2600, 1), want: Unknown},
		{name: "look-alike without registration data", url: "https://acmebank-login.shop/", body: page, front: page, want: Malicious},
		{name: "part of a burst", url: "https://sunny-river.top/a/b/c/", body: page, front: nginx, rec: rec("sunny-river.top", 9, 1), want: Malicious, does: func(in *Input) { in.Campaign = 12 }},

		{name: "old shop, WordPress folder", url: "https://rosa-flowers.example/wp-content/uploads/acme/", body: page, front: rosa, rec: rec("rosa-flowers.example", 3000, 1), want: Compromised},
		{name: "young shop, WordPress folder", url: "https://rosa-flowers.example/wp-content/uploads/acme/", body: page, front: rosa, rec: rec("rosa-flowers.example", 12, 1), want: Compromised},
		{name: "young shop, one folder", url: "https://rosa-flowers.example/acme/", body: page, front: rosa, rec: rec("rosa-flowers.example", 60, 1), want: Compromised},
		{name: "old name, user folder", url: "https://cedar-college.example/~jo/acme/", body: page, front: rosa, rec: rec("cedar-college.example", 6000, 1), want: Compromised},
		{name: "old name, well-known folder, front down", url: "https://rosa-flowers.example/.well-known/acme/", body: page, front: "", rec: rec("rosa-flowers.example", 3000, 1), want: Compromised},

		{name: "new name with a decoy at the front", url: "https://sunny-river.top/en/", body: page, front: rosa, rec: rec("sunny-river.top", 9, 1), want: Unknown},
		{name: "old name, all kit: seized or bought?", url: "https://sunny-river.example/", body: page, front: page, rec: rec("sunny-river.example", 3000, 1), want: Unknown},
		{name: "new server, default page, deep folder", url: "https://sunny-river.top/a/b/c/", body: page, front: nginx, rec: rec("sunny-river.top", 9, 1), want: Unknown},
		{name: "registrant goes by the brand's name", url: "https://acmebank-card.shop/", body: page, front: page, rec: func() *registration.Record {
			r := rec("acmebank-card.shop", 9, 1)
			r.Contacts = map[string]registration.Contact{"registrant": {Organization: "Acme Bank plc"}}
			return r
		}(), want: Unknown},
		{name: "only sends visitors to the abuse", url: "https://sunny-river.top/", rec: rec("sunny-river.top", 9, 1), want: Unknown, does: func(in *Input) {
			f := sent("https://sunny-river.top/", "https://acmebank-sso.shop/", "plain", 200, "text/html", page)
			in.Look.Fetches, in.Look.Home = []evidence.Fetch{f}, []evidence.Fetch{f}
			in.Sight = See(in.Claim, in.Look, in.Known)
		}},
		{name: "a look-alike that only sends visitors", url: "https://acmebank-login.shop/", rec: rec("acmebank-login.shop", 9, 1), want: Malicious, does: func(in *Input) {
			f := sent("https://acmebank-login.shop/", "https://qz7x1k.top/k/", "plain", 200, "text/html", page)
			in.Look.Fetches, in.Look.Home = []evidence.Fetch{f}, []evidence.Fetch{f}
			in.Sight = See(in.Claim, in.Look, in.Known)
		}},
		{name: "an address", url: "http://192.0.2.10/acmebank/", body: page, want: Unknown},

		{name: "shop reported by mistake", url: "https://rosa-flowers.example/", body: rosa, front: rosa, rec: rec("rosa-flowers.example", 10, 1), want: Innocent},
		{name: "the brand's own", url: "https://www.acmebank.example/login", body: kit("plain", "Acme Bank"), front: shop("Acme Bank", 60), rec: rec("acmebank.example", 4000, 1), want: Innocent},
		{name: "own sign-in", url: "https://bluebikes.example/login", body: ownLogin("Blue Bikes - Log in", "Blue Bikes"), front: shop("Blue Bikes", 60), rec: rec("bluebikes.example", 20, 1), want: Innocent},
		{name: "blog", url: "https://safer-web.example/p", body: blog(), front: shop("Safer web", 60), rec: rec("safer-web.example", 20, 1), want: Innocent},
		{name: "a look-alike with a harmless page is not called innocent", url: "https://acmebank-login.shop/", body: rosa, front: rosa, rec: rec("acmebank-login.shop", 2, 1), want: Unknown},
		{name: "sign-in that names nobody", url: "https://app.nimbus24.example/", body: html("Sign in", fmtPassword()), front: rosa, rec: rec("nimbus24.example", 200, 1), want: Unknown},
		{name: "nothing there", url: "https://acmebank-login.shop/", body: "", front: "", rec: rec("acmebank-login.shop", 2, 1), want: Unknown},

		{name: "platform customer, all kit, brand in the name", url: "https://acme-login.pages.example/", body: page, front: page, want: Malicious},
		{name: "platform customer, all kit", url: "https://jolly42.pages.example/", body: page, front: page, want: Malicious},
		{name: "platform customer with a site of its own", url: "https://rosa.pages.example/wp-content/acme/", body: page, front: rosa, want: Compromised},
		{name: "fraud, confirmed by a person", url: "https://acmebank-bonus.shop/", body: shop("Bonus", 60), front: shop("Bonus", 60), rec: rec("acmebank-bonus.shop", 3, 1), want: Malicious,
			does: func(in *Input) {
				in.Claim.Type, in.Confirmed = abuse.Fraud, true
				in.Sight = See(in.Claim, in.Look, in.Known)
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := site(c.url, c.body, c.front, 200)
			cl := claim(abuse.Phishing, "Acme Bank", c.url)
			in := Input{Claim: cl, Subject: subjectOf(c.url), Look: l, Record: c.rec, Reported: t0, Now: t0.Add(time.Hour), Known: world()}
			in.Sight = See(cl, l, in.Known)
			if c.does != nil {
				c.does(&in)
			}
			j := Judge(in)
			if j.Class != c.want {
				t.Errorf("%s, want %s (score %.2f): %+v\nsight %+v", j.Class, c.want, j.Score, j.Reasons, in.Sight)
			}
			sum := 0.0
			for _, r := range j.Reasons {
				sum += r.Weight
				if r.ID == "" || r.Text == "" {
					t.Errorf("a reason without words: %+v", r)
				}
			}
			if diff := sum - j.Score; diff > 0.01 || diff < -0.01 {
				t.Errorf("score %.2f is not the sum of its reasons %.2f", j.Score, sum)
			}
			if j.DNSLevel != (j.Class == Malicious && in.Subject.Kind == party.RegisteredDomain) {
				t.Errorf("DNS level %v", j.DNSLevel)
			}
		})
	}
}

func subjectOf(url string) party.Subject {
	x := u(url)
	if x.Addr.IsValid() {
		return party.Subject{Kind: party.Address, Addr: x.Addr}
	}
	p := world().suffixes().Split(x.Domain)
	if !p.Customer.IsZero() {
		return party.Subject{Kind: party.PlatformCustomer, Name: p.Customer, Platform: p.Platform}
	}
	return party.Subject{Kind: party.RegisteredDomain, Name: p.Registered}
}

// Neither the country, the language nor the name of the registrant, nor its
// being withheld, changes a score.
func TestJudgeBlindToPeople(t *testing.T) {
	page := kit("en", "Acme Bank")
	l := site("https://sunny-river.top/", page, page, 200)
	base := rec("sunny-river.top", 40, 1)
	_, want := judged(t, claim(abuse.Phishing, "Acme Bank", "https://sunny-river.top/"), domainSubject("sunny-river.top"), l, base)
	for _, c := range []registration.Contact{{Country: "CN", Name: "王伟", City: "深圳"}, {Country: "US", Name: "Pat Doe"}, {Country: "NG", Organization: "Sunny Ltd"}, {Organization: "Privacy service", Email: "x@privacy.example"}} {
		r := rec("sunny-river.top", 40, 1)
		r.Contacts = map[string]registration.Contact{"registrant": c}
		r.Fields = map[string]registration.FieldState{"contacts.registrant.name": registration.Redacted}
		_, j := judged(t, claim(abuse.Phishing, "Acme Bank", "https://sunny-river.top/"), domainSubject("sunny-river.top"), l, r)
		if diff := cmp.Diff(want, j); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}

// --- a synthetic world -------------------------------------------------------

type truth string

// scene is one made-up case with its truth.
type scene struct {
	truth   truth
	claim   Claim
	subject party.Subject
	look    evidence.Look
	record  *registration.Record
}

var vantages = []string{"plain", "mobile", "desk"}

// draw makes a scene from a seed: kits in several languages on names made for
// them or broken into, some of which cloak, and innocent sites of several
// kinds, reported with and without a brand.
func draw(r *rand.Rand) scene {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	brand := pick("Acme Bank", "Parcelo", "Umbra Credit Union")
	compactBrand := compact(fold(brand))
	word := func() string { return words[r.IntN(len(words))] }
	own := word() + pick("-", "") + word()
	ending := pick(".shop", ".top", ".example", ".com", ".test", ".xyz")
	lang := pick("en", "fr", "de", "es", "pt", "zh", "ja", "ru", "ar", "plain")
	page := kit(lang, brand)
	if brand == "Parcelo" && r.IntN(2) == 0 {
		page = cardKit(brand)
	}
	site := shop(strings.ToTitle(own[:1])+own[1:], 30+r.IntN(200))
	var s scene
	front, status, url := "", 200, ""
	var domain string
	age, years := 0, 1
	switch n := r.IntN(10); {
	case n < 4: // made for it
		s.truth = "malicious"
		age = pickAge(r, 1, 40)
		if r.IntN(8) == 0 {
			age = 400 + r.IntN(3000) // dropped and caught, or aged
		}
		switch r.IntN(4) {
		case 0:
			domain = compactBrand + "-" + pick("login", "secure", "verify", "support") + ending
		case 1:
			domain = pick("secure", "my", "login") + compactBrand + ending
		case 2:
			domain = fmt.Sprintf("%c%d%c%d%c", 'a'+r.IntN(26), r.IntN(90), 'a'+r.IntN(26), r.IntN(90), 'a'+r.IntN(26)) + word() + ending
		default:
			domain = own + ending
		}
		url = "https://" + domain + pick("/", "/login/", "/"+word()+"/index.php")
		switch r.IntN(4) {
		case 0, 1:
			front = page
		case 2:
			front = defaults[r.IntN(len(defaults))]
		default:
			status = 404
		}
	case n < 7: // broken into
		s.truth = "compromised"
		domain = own + pick(".example", ".com", ".test")
		age = pickAge(r, 400, 6000)
		if r.IntN(5) == 0 {
			age = pickAge(r, 5, 200) // a young shop
		}
		url = "https://" + domain + pick("/wp-content/themes/x/", "/wp-includes/a/", "/.well-known/x/", "/"+word()+"/", "/components/com_x/", "/images/a/b/") + pick("", "login.php", "index.html")
		front = site
		if r.IntN(12) == 0 {
			front, status = "", 500
		}
	default:
		s.truth = "innocent"
		age = pickAge(r, 5, 5000)
		domain = own + ending
		front = site
		url = "https://" + domain + "/"
		switch r.IntN(6) {
		case 0:
			page = ownLogin(strings.ReplaceAll(own, "-", " ")+" - Log in", strings.ReplaceAll(own, "-", " "))
			url += "login"
		case 1:
			page = blog()
			url += "blog/phishing"
		case 2:
			domain, url = "acmebank.example", "https://login.acmebank.example/"
			page, front, brand = kit("plain", "Acme Bank"), shop("Acme Bank", 80), "Acme Bank"
			age = 4000
		case 3: // a company sign-in under its own name, reported with that name as the brand
			brand = strings.ReplaceAll(own, "-", " ")
			page = ownLogin(brand+" - Log in", brand+" sign in")
			url += "login"
		default:
			page = site
		}
		if r.IntN(4) == 0 {
			s.claim.Brand = ""
		}
	}
	if r.IntN(5) > 0 {
		s.claim.Brand = brand
	}
	s.claim.Type, s.claim.URLs = abuse.Phishing, []name.URL{u(url)}
	s.subject = subjectOf(url)
	s.look = evidence.Look{At: t0, DNS: zone(s.subject.Name.String())}
	cloaks := s.truth != "innocent" && r.IntN(5) == 0
	for i, v := range vantages {
		switch {
		case cloaks && i != 1:
			s.look.Fetches = append(s.look.Fetches, got(url, v, 404, "<title>404 Not Found</title>"))
		case r.IntN(20) == 0 && i != 1:
			s.look.Fetches = append(s.look.Fetches, failed(url, v, "timeout"))
		default:
			s.look.Fetches = append(s.look.Fetches, got(url, v, 200, page))
		}
	}
	s.look.Home = []evidence.Fetch{got("https://"+s.subject.Name.String()+"/", "plain", status, front)}
	if r.IntN(20) > 0 {
		s.record = rec(s.subject.Name.String(), age, years)
	}
	return s
}

func pickAge(r *rand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo) }

// The confusion matrix over a synthetic world. It measures the rules against
// worlds of our own making, not against the Internet. What must hold: nobody
// innocent and nothing broken into is called malicious.
func TestSyntheticConfusion(t *testing.T) {
	const n = 2000
	r := rand.New(rand.NewPCG(2026, 11))
	got := map[truth]map[Class]int{}
	seen := map[truth][2]int{}
	treated := 0
	for range n {
		s := draw(r)
		sight, j := judged(t, s.claim, s.subject, s.look, s.record)
		if got[s.truth] == nil {
			got[s.truth] = map[Class]int{}
		}
		got[s.truth][j.Class]++
		c := seen[s.truth]
		c[0]++
		if sight.Claimed {
			c[1]++
		}
		seen[s.truth] = c
		if string(j.Class) == string(s.truth) || s.truth == "compromised" && j.Treat == Compromised {
			treated++
		}
		if s.truth != "malicious" && j.Class == Malicious {
			t.Errorf("%s called malicious: %v %+v", s.truth, s.claim, j)
		}
		if s.truth == "innocent" && sight.Claimed {
			t.Errorf("innocent seen as abuse: %v %+v", s.claim, sight.Views)
		}
	}
	for _, k := range []truth{"malicious", "compromised", "innocent"} {
		t.Logf("synthetic, truth %-11s: malicious %4d, compromised %4d, unknown %4d, innocent %4d; abuse seen in %d of %d", k, got[k][Malicious], got[k][Compromised], got[k][Unknown], got[k][Innocent], seen[k][1], seen[k][0])
	}
	t.Logf("synthetic: treated rightly %.1f %% of %d", 100*float64(treated)/n, n)
	if m := got["malicious"]; float64(m[Malicious]) < 0.85*float64(m[Malicious]+m[Unknown]+m[Compromised]+m[Innocent]) {
		t.Errorf("too few of the malicious are found: %v", m)
	}
	if c := seen["malicious"]; float64(c[1]) < 0.97*float64(c[0]) {
		t.Errorf("too few kits are seen: %v", c)
	}
	if c := seen["compromised"]; float64(c[1]) < 0.97*float64(c[0]) {
		t.Errorf("too few kits are seen on broken-into sites: %v", c)
	}
}

// --- properties --------------------------------------------------------------

func drawScene(t *rapid.T) scene {
	return draw(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
}

func (s scene) judge() (Sight, Judgement) {
	sight := See(s.claim, s.look, world())
	return sight, Judge(Input{Claim: s.claim, Subject: s.subject, Sight: sight, Look: s.look, Record: s.record, Reported: t0, Now: t0, Known: world()})
}

func TestJudgeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		sight, j := s.judge()
		if j.Class == Unknown && j.Treat != Compromised || j.Class != Unknown && j.Treat != j.Class {
			t.Fatalf("%s treated as %s", j.Class, j.Treat)
		}
		// The same facts in another order give the same answer.
		x := s
		x.look.Fetches, x.look.Home = slices.Clone(s.look.Fetches), slices.Clone(s.look.Home)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 2)).Shuffle(len(x.look.Fetches), func(a, b int) {
			x.look.Fetches[a], x.look.Fetches[b] = x.look.Fetches[b], x.look.Fetches[a]
		})
		sight2, j2 := x.judge()
		if a, b := encode(t, sight, j), encode(t, sight2, j2); a != b {
			t.Fatalf("order matters:\n%s\n%s", a, b)
		}
		// A vantage point that finds it gone makes nothing malicious that was not.
		g := s
		err := rapid.SampledFrom([]string{"nxdomain", "refused", "404", "403", "empty", "notice"}).Draw(t, "gone")
		f := failed(s.claim.URLs[0].String(), "extra", err)
		switch err {
		case "404":
			f = got(s.claim.URLs[0].String(), "extra", 404, "")
		case "403":
			f = got(s.claim.URLs[0].String(), "extra", 403, "")
		case "empty":
			f = got(s.claim.URLs[0].String(), "extra", 200, "")
		case "notice":
			f = got(s.claim.URLs[0].String(), "extra", 200, notices[0].body)
		}
		g.look.Fetches = append(slices.Clone(s.look.Fetches), f)
		if _, k := g.judge(); k.Class == Malicious && j.Class != Malicious {
			t.Fatalf("%s became malicious by a vantage point that sees nothing", j.Class)
		}
		// No look at all, no accusation.
		e := s
		e.look = evidence.Look{At: t0}
		if _, k := e.judge(); k.Class != Unknown || k.DNSLevel {
			t.Fatalf("without a look: %+v", k)
		}
		// Never the DNS level for a platform's customer.
		p := s
		p.subject.Kind = party.PlatformCustomer
		if _, k := p.judge(); k.DNSLevel {
			t.Fatal("DNS level for a platform's customer")
		}
	})
}

func encode(t interface{ Fatal(...any) }, v ...any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// --- fuzzing -----------------------------------------------------------------

func FuzzSeeJudge(f *testing.F) {
	for _, lang := range []string{"en", "zh", "ar", "ru"} {
		f.Add("https://acmebank-login.shop/a", kit(lang, "Acme Bank"), "Acme Bank", "text/html", 200, false)
	}
	for _, n := range notices {
		f.Add("https://rosa.example/", n.body, "", "text/html", 403, true)
	}
	for _, n := range append(append([]string{}, parkings...), defaults...) {
		f.Add("http://192.0.2.1/x", n, "Parcelo", "text/html", 200, true)
	}
	f.Add("https://xn--80ak6aa92e.com/", "\xff\xfe\x00", "\xff", "", 0, true)
	f.Add("https://a.pages.example/~x/wp-content/", "MZ\x00\x00", "bank", "application/octet-stream", 200, true)
	f.Fuzz(func(t *testing.T, url, body, brand, contentType string, status int, malware bool) {
		target, err := name.ParseURL(url)
		if err != nil || len(body) > 64<<10 {
			return
		}
		fetch := evidence.Fetch{URL: target, Vantage: brand, At: t0, Status: status, ContentType: contentType, Page: evidence.ReadPage([]byte(body), contentType, target)}
		raw := fetch // a page whose texts nobody cleaned or cut
		raw.Vantage = "raw"
		raw.Page = &evidence.Page{Kind: "html", Title: body, Text: body + brand, Password: true, Forms: []string{body, url}, Links: []string{body}, Sketch: []uint32{1, 2, 3}}
		look := evidence.Look{At: t0, Fetches: []evidence.Fetch{fetch, raw}, Home: []evidence.Fetch{raw, fetch}}
		c := Claim{Type: abuse.Phishing, Brand: brand, URLs: []name.URL{target}}
		if malware {
			c.Type = abuse.Malware
		}
		s := See(c, look, world())
		if len(s.Views) != 2 {
			t.Fatalf("%d views", len(s.Views))
		}
		for _, v := range s.Views {
			if v.Shows == "" || v.Cause == "" || v.Reason == "" {
				t.Fatalf("a view without a verdict: %+v", v)
			}
			if v.Shows == ShowsUnclear && s.Doubt == "" {
				t.Fatal("unclear without a doubt")
			}
		}
		subj := party.Subject{Kind: party.Address, Addr: target.Addr}
		if !target.Domain.IsZero() {
			subj = party.Subject{Kind: party.RegisteredDomain, Name: world().holder(target.Domain)}
		}
		j := Judge(Input{Claim: c, Subject: subj, Sight: s, Look: look, Record: &registration.Record{State: registration.Registered}, Now: t0, Known: world()})
		if j.Class == "" || j.Treat == "" || j.DNSLevel && !s.Claimed {
			t.Fatalf("%+v", j)
		}
		text := encode(t, s, j)
		if strings.ContainsAny(text, "\x00\x1b\u202e") || len(text) > 64<<10 {
			t.Fatalf("what is kept is not clean or not small: %d octets", len(text))
		}
		if encode(t, See(c, look, world())) != encode(t, s) {
			t.Fatal("not deterministic")
		}
		m := Measure(MeasureInput{Subject: subj, Base: Snapshot{Sight: s}, Later: []Snapshot{{Sight: s}}, Known: world()})
		if m.State == "" || m.Reason == "" {
			t.Fatalf("%+v", m)
		}
	})
}

// --- benchmarks --------------------------------------------------------------

func benchLook() (Claim, evidence.Look) {
	const url = "https://acmebank-login.shop/en/"
	l := evidence.Look{At: t0, DNS: zone("acmebank-login.shop")}
	for i, v := range []string{"plain", "mobile", "desk", "far", "crawler"} {
		page := kit("en", "Acme Bank")
		if i%2 == 1 { // another page each, so that nothing is judged once for all
			page += fmt.Sprint("<p>", i, strings.Repeat(" terms and privacy of the bank", 100))
		}
		l.Fetches = append(l.Fetches, got(url, v, 200, page))
	}
	l.Home = []evidence.Fetch{got("https://acmebank-login.shop/", "plain", 200, shop("Rosa", 400))}
	return claim(abuse.Phishing, "Acme Bank", url), l
}

func BenchmarkSee(b *testing.B) {
	c, l := benchLook()
	many := world()
	for i := range 1000 {
		many.Brands = append(many.Brands, Brand{Name: fmt.Sprintf("Brand %c%c number %d", 'a'+i%26, 'a'+i/26%26, i), Words: []string{fmt.Sprintf("brandword%d", i)}})
	}
	for _, k := range []struct {
		name  string
		known Known
	}{{"3 brands", world()}, {"3 brands ready", world().Ready()}, {"1003 brands", many}, {"1003 brands ready", many.Ready()}} {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !See(c, l, k.known).Claimed {
					b.Fatal("not seen")
				}
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	c, l := benchLook()
	in := Input{Claim: c, Subject: domainSubject("acmebank-login.shop"), Sight: See(c, l, world()), Look: l, Record: rec("acmebank-login.shop", 3, 1), Now: t0, Known: world().Ready()}
	b.ReportAllocs()
	for b.Loop() {
		if Judge(in).Class == "" {
			b.Fatal("no class")
		}
	}
}

// --- names of others, when they are there ------------------------------------

// How often the rules about labels fire on names that were registered for
// abuse and on names that were broken into. Measured where the shared corpus
// is present.
func TestLabelRulesOnCorpus(t *testing.T) {
	count := func(names []string) (n, random, lure int) {
		for _, s := range names {
			x, err := name.Parse(s)
			if err != nil {
				continue
			}
			l := firstLabel(name.DefaultSuffixes().Split(x).Registered)
			n++
			if thrown(l) {
				random++
			}
			if lured(l) {
				lure++
			}
		}
		return n, random, lure
	}
	good := lines(t, "../../shared/corpus/names/compromised_sites.txt")
	bad := lines(t, "../../shared/corpus/names/malicious.tsv.gz")
	if good == nil || bad == nil {
		t.Skip("the shared corpus is not here")
	}
	gn, gr, gl := count(good)
	bn, br, bl := count(bad)
	t.Logf("broken into: %d names, random %.2f %%, lure word %.2f %%", gn, 100*float64(gr)/float64(gn), 100*float64(gl)/float64(gn))
	t.Logf("malicious:   %d names, random %.2f %%, lure word %.2f %%", bn, 100*float64(br)/float64(bn), 100*float64(bl)/float64(bn))
	if float64(gr)/float64(gn) > 0.01 {
		t.Error("over one in a hundred broken-into names looks random to the rule")
	}
}

// lines reads the first column of at most 60,000 lines.
func lines(t *testing.T, file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	if strings.HasSuffix(file, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		sc = bufio.NewScanner(z)
	}
	var out []string
	for sc.Scan() && len(out) < 60_000 {
		c, _, _ := strings.Cut(sc.Text(), "\t")
		if c != "" && c[0] != '#' {
			out = append(out, c)
		}
	}
	return out
}

// An address has no registration. What is served there still says whether it
// exists for the abuse; neither class leads to an ask at the DNS level.
func TestJudgeAddress(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.7")
	for _, tc := range []struct {
		name  string
		front Front
		want  Class
	}{
		{"nothing but the abuse", FrontEmpty, Malicious},
		{"a site of its own beside it", FrontContent, Unknown},
		{"front page not seen", FrontUnknown, Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := name.URL{Scheme: "http", Addr: addr, Path: "/files/a.bin"}
			j := Judge(Input{Claim: Claim{Type: abuse.Malware, URLs: []name.URL{u}}, Subject: party.Subject{Kind: party.Address, Addr: addr}, Now: t0,
				Sight: Sight{At: t0, Type: abuse.Malware, Live: true, Claimed: true, SeenFrom: []string{"a"}, Front: tc.front,
					Views: []View{{URL: u, Vantage: "a", Shows: ShowsAbuse, Cause: CauseProgram}}}})
			if j.Class != tc.want || j.DNSLevel {
				t.Errorf("%s, DNS level %t, want %s: %+v", j.Class, j.DNSLevel, tc.want, j.Reasons)
			}
		})
	}
}
