package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"bailiwick/abuse"
)

// Generate makes a scenario from a seed: the same seed and days always give
// the same one. It runs for the given days (at least 3) with about three
// subjects reported on each: phishing and malware on names registered for it,
// one by one and in campaigns; broken-into shops; platform customers; and what
// is reported by mistake, too late, or about names that die by themselves. The
// proportions follow published figures where there are some (docs/scenarios.md
// names them). No real brand, registrar or name occurs in it.
func Generate(seed uint64, days int) *Scenario {
	return GenerateWith(seed, days, Generated{})
}

// Generated is what a generated scenario counts on beside its seed.
type Generated struct {
	// MailIn: the centre takes mail (World.SetCentreMail). Some reporters then
	// report by mail, some parties answer by mail, and some of their mailboxes
	// answer by machine.
	MailIn bool
}

// GenerateWith is Generate for a centre that can do more.
func GenerateWith(seed uint64, days int, o Generated) *Scenario {
	days = max(days, 3)
	g := &generator{s: &Scenario{Name: fmt.Sprintf("generated from seed %d", seed), Seed: seed, Days: days, Start: standardStart}, seen: map[string]bool{}}
	g.cast()
	if o.MailIn {
		g.mailIn()
	}
	g.people(days)
	if err := g.s.Complete(); err != nil {
		// The generator's own rules and the checker's disagree: a fault in this
		// package that the tests look for over many seeds. The scenario is given
		// as it is; Start then reports the error.
		g.s.completed = false
	}
	return g.s
}

type generator struct {
	s    *Scenario
	seen map[string]bool
}

func like(b string) Behaviour { return Behaviour{Like: b} }

// cast is who acts: the same in every generated scenario, so that runs can be
// compared.
func (g *generator) cast() {
	s := g.s
	half := After(time.Duration(s.Days) * Day / 2)
	s.TLDs = []TLD{
		{Name: "shopx", Registry: "Shopx Registry", Behaviour: like("referring")},
		{Name: "webb", Registry: "Webb Domains", Model: "thin", Behaviour: like("prompt"), VerifiesFrom: half},
		{Name: "onlinex", Registry: "Onlinex Registry", Behaviour: like("slow")},
		{Name: "clubx", Registry: "Clubx Names", Behaviour: like("silent")},
		{Name: "qz", Kind: "cctld", Country: "QZ", Registry: "QZ Network Information Centre", Behaviour: Behaviour{Like: "prompt", After: hours(20, 60)}},
		{Name: "qy", Kind: "cctld", Country: "QY", Registry: "QY Domain Registry", RDAP: RDAPNone, WHOIS: WHOISOK, WHOISForm: "block", Behaviour: like("prompt")},
	}
	s.Registrars = []Registrar{
		{Name: "Quickname", Behaviour: like("prompt")},
		{Name: "Slowpoint Domains", Behaviour: like("slow")},
		{Name: "Muted Registrations", Behaviour: like("silent")},
		{Name: "Bounceway", Behaviour: like("bouncing")},
		{Name: "Greystone Names", Behaviour: like("greylisting")},
		{Name: "Formfirst", Mail: "none", Behaviour: like("form-only")},
		{Name: "Freehold Domains", Behaviour: like("hostile")},
		{Name: "Carefree Names", Behaviour: like("careless")},
		{Name: "Halfway Registrar", RDAP: RDAPHTML, Behaviour: like("partial")},
		{Name: "Twicetold", Behaviour: like("reminded")},
	}
	s.Hosts = []Host{
		{Name: "Northbox", Country: "DE", Behaviour: like("prompt")},
		{Name: "Cloudharbour", Country: "FR", Behaviour: like("slow"), Takedown: "404"},
		{Name: "Quietrack", Country: "QZ", Behaviour: like("silent")},
		{Name: "Fastrack", Country: "GB", Behaviour: like("greylisting"), Takedown: "refused"},
		{Name: "Bulletfield", Country: "QZ", Behaviour: like("hostile")},
		{Name: "Webgarden", Country: "DE", Behaviour: like("prompt"), OnCompromise: "owner"},
		{Name: "Sharedrow", Country: "GB", Behaviour: like("partial"), Takedown: "410"},
	}
	s.CDNs = []CDN{{Name: "Frontline", Behaviour: like("prompt"), Forwards: true}, {Name: "Edgeway", Behaviour: like("slow"), Takedown: "stop"}}
	s.Platforms = []Platform{{Name: "Pagebox", Suffix: "pagebox.clubx", Host: "Northbox", Behaviour: like("prompt")},
		{Name: "Freesites", Suffix: "freesites.onlinex", Host: "Cloudharbour", Registrar: "Greystone Names", Behaviour: like("slow")}}
	s.DNSOperators = []DNSOperator{{Name: "Plain DNS", Domain: "plain-dns.example"}, {Name: "Second DNS", Domain: "second-dns.shopx"}}
	s.BlockLists = []Contact{{Name: "Safe Lists"}, {Name: "Warnings Feed"}}
	s.CERTs = []CERT{{Name: "CERT-DE-LAB", Country: "DE"}, {Name: "CERT-FR-LAB", Country: "FR"}, {Name: "CERT-GB-LAB", Country: "GB"}}
	s.Constituents = []Constituent{
		{Name: "Aurora Bank", Domains: []string{"aurora-bank.qz"}, Brands: []string{"Aurora Bank"}, Behaviour: like("silent")},
		{Name: "Parcelwing", Domains: []string{"parcelwing.onlinex"}, Brands: []string{"Parcelwing"}, Behaviour: like("silent")},
		{Name: "Meridian Telecom", Domains: []string{"meridian-telecom.webb"}, Brands: []string{"Meridian Telecom", "Meridian"}, Behaviour: like("silent")},
		{Name: "Tidewater Wallet", Domains: []string{"tidewater-wallet.shopx"}, Brands: []string{"Tidewater Wallet"}, Behaviour: like("silent")},
		{Name: "Union of Corner Shops", Domains: []string{"corner-shops.qz"}, Brands: []string{"Union of Corner Shops"}, Behaviour: Behaviour{Like: "prompt", After: hours(4, 30)}},
	}
	s.Hotline = &Contact{Name: "Hotline QZ"}
	s.Reporters = []Reporter{{Name: "Phish Watchers"}, {Name: "Aurora Bank Fraud Desk", Format: "xarf4"}, {Name: "Mail Filter Lab", Format: "xarf3"},
		{Name: "Citizen"}, {Name: "Threat Feed"}, {Name: "Brand Guard", Format: "xarf4"}}
}

// mailIn gives the cast mailboxes that answer, and reporters who write. Who
// acts, and when, stays as it is, but for those whose mail comes back late.
func (g *generator) mailIn() {
	s := g.s
	s.MailIn = true
	mailbox := func(b *Behaviour, machine string) { b.Mailbox = machine }
	for i := range s.Registrars {
		r := &s.Registrars[i]
		switch r.Name {
		case "Quickname":
			mailbox(&r.Behaviour, "ticket")
			r.Behaviour.Answers = "mail"
		case "Slowpoint Domains":
			mailbox(&r.Behaviour, "autoreply")
		case "Muted Registrations":
			r.Behaviour = like("duelling")
		case "Freehold Domains":
			r.Behaviour.Answers = "mail"
		case "Twicetold":
			mailbox(&r.Behaviour, "delay")
		}
	}
	for i := range s.Hosts {
		h := &s.Hosts[i]
		switch h.Name {
		case "Cloudharbour":
			mailbox(&h.Behaviour, "rude_ticket")
		case "Quietrack":
			h.Behaviour = like("late-bouncing")
		case "Webgarden":
			h.Behaviour.Answers = "mail"
		case "Bulletfield":
			h.Behaviour.Forged = ptr(true)
		case "Sharedrow":
			mailbox(&h.Behaviour, "rude_autoreply")
		}
	}
	s.CDNs[1].Behaviour.Mailbox = "ticket"
	s.Platforms[1].Behaviour.Mailbox = "vacation"
	s.BlockLists[1].Behaviour = Behaviour{Like: "silent", Mailbox: "loop"}
	for i := range s.Reporters {
		switch r := &s.Reporters[i]; r.Name {
		case "Mail Filter Lab":
			r.Format = "arf"
		case "Citizen":
			r.Format = "forward"
		}
	}
	s.Reporters = append(s.Reporters, Reporter{Name: "Neighbourhood Watch", Format: "mail"}, Reporter{Name: "Web Hosting Desk", Format: "mail_html",
		Behaviour: Behaviour{Like: "silent", Mailbox: "rude_ticket"}}, Reporter{Name: "Old Server", Format: "mail", Auth: "none"},
		Reporter{Name: "Someone Else", Format: "mail", Auth: "forged"}, Reporter{Name: "Savings Watch", Format: "xarf_mail", Auth: "dkim",
			Behaviour: Behaviour{Like: "silent", Mailbox: "vacation"}})
}

// brands are the constituents that are imitated, with the kit that fits.
func brands() [][2]string {
	return [][2]string{{"Aurora Bank", "sign-in"}, {"Parcelwing", "parcel"}, {"Meridian Telecom", "card"}, {"Tidewater Wallet", "wallet"}}
}

// share is one kind of subject and its weight.
type share struct {
	weight int
	make   func(g *generator, rnd *rand.Rand, at time.Duration, i int)
}

func shares() []share {
	return []share{
		{14, (*generator).campaign},
		{16, (*generator).single},
		{22, (*generator).compromised},
		{12, (*generator).customer},
		{12, (*generator).innocent},
		{5, (*generator).malware},
		{7, (*generator).shortLived},
		{3, (*generator).dead},
		{3, (*generator).parked},
		{2, (*generator).unseen},
		{2, (*generator).address},
		{2, (*generator).moving},
		{1, (*generator).dropCaught},
		{1, (*generator).youngShop},
	}
}

// people fills the days.
func (g *generator) people(days int) {
	seed := g.s.Seed
	kinds := shares()
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	span := time.Duration(days) * Day * 85 / 100
	want := max(8, days*9/4)
	for i := range want {
		rnd := draw(seed, "subject", fmt.Sprint(i))
		at := time.Duration((float64(i) + rnd.Float64()) / float64(want) * float64(span)).Truncate(time.Minute)
		n := rnd.IntN(total)
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				k.make(g, rnd, at, i)
				break
			}
		}
	}
	g.whoisOnly(days, span)
	g.mistakes(days, span)
}

// whoisOnly is the names of the TLD that has no RDAP: registered to be abused,
// broken into, and reported by mistake. They come after all others, so that
// nothing drawn for those hangs on them.
func (g *generator) whoisOnly(days int, span time.Duration) {
	const tld = "qy"
	want := max(3, days/5)
	for i := range want {
		rnd := draw(g.s.Seed, "whois subject", fmt.Sprint(i))
		at := time.Duration((float64(i) + rnd.Float64()) / float64(want) * float64(span)).Truncate(time.Minute)
		var n Name
		switch i % 3 {
		case 0:
			n = g.bad(rnd, at, pick(rnd, brands()), tld)
		case 1:
			n = g.broken(rnd, at, time.Duration(365+rnd.IntN(3000))*Day)
			n.Name = g.fresh(rnd, tld, shopName(rnd)...)
		default:
			n = Name{Name: g.fresh(rnd, tld, append(shopName(rnd), "market")...), Class: "innocent", Registrar: registrarFor(rnd, false),
				Host: hostFor(rnd, false), Registered: After(-time.Duration(400+rnd.IntN(4000)) * Day), Site: Site{Kind: "shop"}}
		}
		g.add(n)
		g.report(rnd, n, at)
	}
}

// fresh makes a name that was not used before.
func (g *generator) fresh(rnd *rand.Rand, tld string, words ...string) string {
	for {
		n := strings.Join(words, "-") + "." + tld
		if !g.seen[n] {
			g.seen[n] = true
			return n
		}
		words = append(words[:len(words):len(words)], fmt.Sprint(rnd.IntN(10000)))
	}
}

func luring(rnd *rand.Rand, brand string) []string {
	b := slug(brand)
	hook := pick(rnd, []string{"secure", "login", "verify", "update", "account", "support", "service", "online", "alert", "id"})
	switch rnd.IntN(4) {
	case 0:
		return []string{hook, b}
	case 1:
		return []string{b, hook, fmt.Sprint(100 + rnd.IntN(900))}
	case 2:
		return []string{strings.ReplaceAll(b, "a", "4"), hook}
	}
	return []string{b, hook}
}

func shopName(rnd *rand.Rand) []string {
	return []string{pick(rnd, []string{"old", "green", "little", "north", "river", "sunny", "royal", "silver", "village", "corner"}),
		pick(rnd, []string{"bakery", "cycles", "garden", "books", "pottery", "candles", "cheese", "yarn", "violins", "tea", "lamps", "shoes"})}
}

// lifetime draws how long a phishing page lives when nobody acts: log-normal
// with a median of 5.5 hours, as one large study measured.
func lifetime(rnd *rand.Rand) Span {
	h := 5.5 * math.Exp(1.1*rnd.NormFloat64())
	return Span(time.Duration(min(max(h, 0.5), 120) * float64(time.Hour)).Truncate(time.Minute))
}

func span(d time.Duration) *Span { return ptr(Span(d)) }

// registrarFor draws a registrar: those who sell in bulk without questions
// have more than their share of bad names.
func registrarFor(rnd *rand.Rand, malicious bool) string {
	if malicious {
		return pick(rnd, []string{"Quickname", "Quickname", "Slowpoint Domains", "Slowpoint Domains", "Muted Registrations", "Bounceway", "Greystone Names",
			"Formfirst", "Freehold Domains", "Carefree Names", "Carefree Names", "Halfway Registrar", "Twicetold"})
	}
	return pick(rnd, []string{"Quickname", "Slowpoint Domains", "Greystone Names", "Carefree Names", "Halfway Registrar", "Twicetold"})
}

func hostFor(rnd *rand.Rand, malicious bool) string {
	if malicious {
		return pick(rnd, []string{"Northbox", "Cloudharbour", "Quietrack", "Fastrack", "Bulletfield", "Bulletfield", "Sharedrow"})
	}
	return pick(rnd, []string{"Northbox", "Cloudharbour", "Fastrack", "Webgarden", "Webgarden", "Sharedrow"})
}

func gtld(rnd *rand.Rand) string {
	return pick(rnd, []string{"shopx", "shopx", "webb", "webb", "onlinex", "clubx", "qz"})
}

// bad makes a name registered to be abused, and not yet reported.
func (g *generator) bad(rnd *rand.Rand, at time.Duration, brand [2]string, tld string) Name {
	n := Name{Name: g.fresh(rnd, tld, luring(rnd, brand[0])...), Class: "malicious", Registrar: registrarFor(rnd, true), Host: hostFor(rnd, true),
		Registered: After(at - time.Duration(1+rnd.IntN(100))*time.Hour), Registrant: Registrant{Kind: "fabricated"},
		Site: Site{Kind: "phishing", Brand: brand[0], Kit: brand[1], Language: pick(rnd, []string{"en", "en", "en", "de", "es", "fr", "zh"}), Live: After(at),
			Scheme: pick(rnd, []string{"https", "https", "https", "http"})}}
	if rnd.IntN(3) > 0 {
		n.Site.Path = pick(rnd, []string{"/login/", "/verify/", "/secure/", "/account/confirm/", "/id/"})
	}
	if rnd.IntN(4) == 0 {
		n.Registrant.Kind = "redacted"
	}
	if rnd.IntN(7) == 0 {
		n.Site.Host = "www." + n.Name
	}
	if rnd.IntN(6) == 0 {
		n.CDN = pick(rnd, []string{"Frontline", "Frontline", "Edgeway"})
	}
	if rnd.IntN(8) == 0 {
		n.IPv6 = true
	}
	if rnd.IntN(5) == 0 {
		n.Site.Cloak = cloakSome(rnd)
	}
	g.afterwards(rnd, &n, at)
	return n
}

// cloakSome draws a cloak that some standard vantage point sees through.
func cloakSome(rnd *rand.Rand) *Cloak {
	others := pick(rnd, []string{"not_found", "not_found", "blank", "brand", "parked"})
	switch rnd.IntN(5) {
	case 0:
		return &Cloak{ShowTo: &Visitors{Agent: List{"iPhone", "Android"}}, Others: others}
	case 1:
		return &Cloak{ShowTo: &Visitors{Language: List{"zh"}}, Others: others}
	case 2:
		return &Cloak{HideFrom: &Visitors{Source: []netip.Prefix{vantageNetwork}}, Others: others}
	case 3:
		return &Cloak{ShowTo: &Visitors{Referer: List{"search"}}, Others: others}
	}
	return &Cloak{HideFrom: &Visitors{Agent: List{"curl", "bot", "python"}}, Others: others}
}

// afterwards draws what a bad operator does later.
func (g *generator) afterwards(rnd *rand.Rand, n *Name, at time.Duration) {
	switch rnd.IntN(16) {
	case 0:
		n.Then = append(n.Then, Happening{AfterTakedown: span(time.Duration(30+rnd.IntN(60)) * time.Hour), Do: "restore"})
	case 1:
		n.Then = append(n.Then, Happening{AfterTakedown: span(time.Duration(2+rnd.IntN(10)) * time.Hour), Do: "rehost", Host: pick(rnd, []string{"Bulletfield", "Quietrack"})})
	case 2, 3:
		n.Then = append(n.Then, Happening{AfterAsk: span(time.Duration(1+rnd.IntN(8)) * time.Hour), Do: "cloak",
			Cloak: &Cloak{HideFrom: &Visitors{Source: []netip.Prefix{vantageNetwork}}}})
	case 4, 5, 6:
		n.Then = append(n.Then, Happening{At: span(at + time.Duration(4+rnd.IntN(10))*Day), Do: pick(rnd, []string{"remove", "abandon"})})
	}
	if n.Host == "Bulletfield" || n.Registrar == "Freehold Domains" {
		if rnd.IntN(3) == 0 {
			n.Then = append(n.Then, Happening{AfterTip: span(time.Duration(1+rnd.IntN(4)) * time.Hour), Do: "cloak",
				Cloak: &Cloak{HideFrom: &Visitors{Source: []netip.Prefix{vantageNetwork}}}})
		}
	}
}

func (g *generator) add(n Name) { g.s.Names = append(g.s.Names, n) }

// report draws the reports about a name whose abuse goes up at at: one to
// four, some late, from different people in different formats.
func (g *generator) report(rnd *rand.Rand, n Name, at time.Duration) {
	first := at + time.Duration(5+rnd.ExpFloat64()*150)*time.Minute
	count := 1
	for count < 4 && rnd.IntN(100) < 50 {
		count++
	}
	used := map[int]bool{}
	for k := range count {
		when := first
		if k > 0 {
			when += time.Duration(rnd.ExpFloat64()*14*60) * time.Minute
		}
		if k > 0 && rnd.IntN(8) == 0 {
			when += time.Duration(1+rnd.IntN(5)) * Day
		}
		who := rnd.IntN(len(g.s.Reporters))
		if used[who] {
			continue
		}
		used[who] = true
		from := g.s.Reporters[who]
		r := Report{At: span(when), From: from.Name, Name: n.Name, Description: pick(rnd, []string{"", "", "Received by text message.", "Link in a mail that asks for a password.", "Found by our crawler."}),
			Defang: rnd.IntN(4) == 0 && from.Format == "", Resend: rnd.IntN(30) == 0}
		if byMail(from.Format) { // with a draw of its own: the others stay as they are
			r.Defang = draw(g.s.Seed, "defang", n.Name, from.Name).IntN(3) > 0
		}
		if from.Name == "Threat Feed" { // collects for half a day
			slot := (when/(12*time.Hour) + 1) * 12 * time.Hour
			r.At, r.Bulk = span(slot), "feed"
			r.Resend = false
		}
		g.s.Reports = append(g.s.Reports, r)
	}
}

// campaign is one operator's names: one kit, one registrar, one host, and
// another TLD once the first begins to verify.
func (g *generator) campaign(rnd *rand.Rand, at time.Duration, i int) {
	brand := pick(rnd, brands())
	tld := gtld(rnd)
	registrar, host := registrarFor(rnd, true), hostFor(rnd, true)
	lang := pick(rnd, []string{"en", "en", "de", "es", "fr", "zh"})
	operator := fmt.Sprintf("crew-%d", i)
	for k := range 2 + rnd.IntN(4) {
		live := at + time.Duration(k*20+rnd.IntN(300))*time.Minute
		n := g.bad(rnd, live, brand, tld)
		n.Registrar, n.Host, n.Operator, n.Site.Language = registrar, host, operator, lang
		n.Registered = After(at - time.Duration(6*60-k*3)*time.Minute)
		n.Registrant.Kind = "fabricated"
		if tld == "webb" { // its registry verifies from midway: elsewhere then
			other := n
			other.Name = g.fresh(rnd, pick(rnd, []string{"shopx", "onlinex", "clubx"}), strings.TrimSuffix(n.Name, ".webb"))
			other.Registered = When{Set: true, MovedTo: true}
			if other.Site.Host != "" {
				other.Site.Host = "www." + other.Name
			}
			n.Else = other.Name
			g.add(n)
			g.add(other)
		} else {
			g.add(n)
		}
		if rnd.IntN(10) > 0 { // some are never reported
			g.report(rnd, n, live)
		}
	}
}

func (g *generator) single(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.bad(rnd, at, pick(rnd, brands()), gtld(rnd))
	if strings.HasSuffix(n.Name, ".webb") && n.Registered.Rel.D() >= time.Duration(g.s.Days)*Day/2 {
		n.Registrant.Kind = "redacted" // a stolen identity passes the check
	}
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) shortLived(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.bad(rnd, at, pick(rnd, brands()), pick(rnd, []string{"shopx", "onlinex", "clubx", "qz"}))
	n.Then = []Happening{{At: ptr(Span(at) + lifetime(rnd)), Do: pick(rnd, []string{"remove", "remove", "abandon", "expire"})}}
	n.Site.Cloak = nil
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) dead(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.bad(rnd, at, pick(rnd, brands()), pick(rnd, []string{"shopx", "onlinex", "clubx"}))
	n.Then = []Happening{{At: span(at + time.Minute), Do: pick(rnd, []string{"remove", "abandon", "expire"})}}
	g.add(n)
	g.report(rnd, n, at+time.Hour)
}

func (g *generator) unseen(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.bad(rnd, at, pick(rnd, brands()), pick(rnd, []string{"shopx", "onlinex", "clubx"}))
	n.Then, n.CDN = nil, ""
	n.Site.Cloak = &Cloak{ShowTo: &Visitors{Source: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, Others: pick(rnd, []string{"not_found", "blank"})}
	g.add(n)
	g.report(rnd, n, at)
}

// moving is a site whose operator goes on under another name.
func (g *generator) moving(rnd *rand.Rand, at time.Duration, _ int) {
	brand := pick(rnd, brands())
	n := g.bad(rnd, at, brand, "shopx")
	n.Registrar, n.Host, n.CDN, n.Site.Cloak = "Muted Registrations", "Quietrack", "", nil
	to := g.bad(rnd, at, brand, pick(rnd, []string{"onlinex", "clubx"}))
	to.Registrar, to.Host, to.CDN, to.Site.Cloak, to.Then = "Muted Registrations", "Bulletfield", "", nil, nil
	to.Registered = When{Set: true, MovedTo: true}
	to.Site.Language, to.Site.Live = n.Site.Language, When{}
	n.Then = []Happening{{AfterAsk: span(time.Duration(4+rnd.IntN(30)) * time.Hour), Do: "move", To: to.Name}}
	g.add(n)
	g.add(to)
	g.report(rnd, n, at)
	g.s.Reports = append(g.s.Reports, Report{AfterLive: span(time.Duration(1+rnd.IntN(5)) * time.Hour), From: "Phish Watchers", Name: to.Name})
}

// broken makes a broken-into shop.
func (g *generator) broken(rnd *rand.Rand, at time.Duration, age time.Duration) Name {
	brand := pick(rnd, brands())
	n := Name{Name: g.fresh(rnd, pick(rnd, []string{"shopx", "webb", "onlinex", "qz", "qz"}), shopName(rnd)...), Class: "compromised", Registrar: registrarFor(rnd, false),
		Host: hostFor(rnd, false), Registered: After(at - age), Registrant: Registrant{Kind: pick(rnd, []string{"honest", "honest", "redacted"})},
		Site: Site{Kind: "phishing", Brand: brand[0], Kit: brand[1], Language: pick(rnd, []string{"en", "de", "fr", "es"}), Live: After(at)}}
	if rnd.IntN(3) == 0 {
		n.Owner = "Union of Corner Shops"
	}
	if rnd.IntN(6) == 0 {
		n.Site.Cloak = cloakSome(rnd)
	}
	return n
}

func (g *generator) compromised(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.broken(rnd, at, time.Duration(365+rnd.IntN(11*365))*Day)
	switch rnd.IntN(8) {
	case 0:
		n.Then = append(n.Then, Happening{At: span(at + time.Duration(20+rnd.IntN(100))*time.Hour), Do: "clean"})
	case 1:
		n.Then = append(n.Then, Happening{AfterTakedown: span(time.Duration(40+rnd.IntN(60)) * time.Hour), Do: "restore"})
	}
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) youngShop(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.broken(rnd, at, time.Duration(20+rnd.IntN(40))*Day)
	g.add(n)
	g.report(rnd, n, at)
}

// dropCaught is a name with a past, bought to be abused.
func (g *generator) dropCaught(rnd *rand.Rand, at time.Duration, _ int) {
	n := g.bad(rnd, at, pick(rnd, brands()), pick(rnd, []string{"shopx", "onlinex"}))
	n.Name = g.fresh(rnd, lastLabel(n.Name), append(shopName(rnd), "store")...)
	n.Site.Host = ""
	n.Registered, n.Transferred = After(at-time.Duration(900+rnd.IntN(2000))*Day), After(at-time.Duration(3+rnd.IntN(10))*Day)
	n.Registrant.Kind = "fabricated"
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) customer(rnd *rand.Rand, at time.Duration, _ int) {
	brand := pick(rnd, brands())
	p := pick(rnd, g.s.Platforms)
	n := Name{Name: g.fresh(rnd, p.Suffix, luring(rnd, brand[0])...), Class: "platform", Registered: After(at - time.Duration(1+rnd.IntN(40))*time.Hour),
		Site: Site{Kind: "phishing", Brand: brand[0], Kit: brand[1], Language: pick(rnd, []string{"en", "de", "es"}), Live: After(at)}}
	if rnd.IntN(6) == 0 {
		n.Then = append(n.Then, Happening{At: ptr(Span(at) + lifetime(rnd)), Do: "remove"})
	}
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) malware(rnd *rand.Rand, at time.Duration, _ int) {
	var n Name
	if rnd.IntN(2) == 0 {
		n = g.broken(rnd, at, time.Duration(500+rnd.IntN(3000))*Day)
	} else {
		n = g.bad(rnd, at, pick(rnd, brands()), pick(rnd, []string{"shopx", "onlinex", "clubx"}))
		n.Name = g.fresh(rnd, lastLabel(n.Name), "download", pick(rnd, []string{"update", "invoice", "player", "driver"}), fmt.Sprint(rnd.IntN(900)))
	}
	n.Type = abuse.Malware
	n.Site = Site{Kind: "malware", Kit: pick(rnd, []string{"exe", "elf", "zip"}), Scheme: "http", Live: After(at)}
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) innocent(rnd *rand.Rand, at time.Duration, i int) {
	n := Name{Class: "innocent", Registrar: registrarFor(rnd, false), Host: hostFor(rnd, false), Registered: After(-time.Duration(400+rnd.IntN(4000)) * Day)}
	switch kind := rnd.IntN(5); {
	case kind == 0 && !g.seen["own"]:
		// A brand's own login page, reported by somebody who was not sure.
		g.seen["own"] = true
		b := g.s.Constituents[0]
		n.Name, n.Owner, n.Site = b.Domains[0], b.Name, Site{Kind: "login", Brand: b.Brands[0]}
		g.seen[n.Name] = true
	case kind == 1:
		n.Name, n.Site = g.fresh(rnd, "qz", "security", "notes", fmt.Sprint(i)), Site{Kind: "blog", Brand: pick(rnd, brands())[0]}
	case kind == 2:
		n.Name, n.Site = g.fresh(rnd, "onlinex", append(shopName(rnd), "club")...), Site{Kind: "corporate"}
	default:
		n.Name, n.Site = g.fresh(rnd, pick(rnd, []string{"shopx", "qz"}), append(shopName(rnd), "market")...), Site{Kind: "shop"}
	}
	g.add(n)
	g.report(rnd, n, at)
}

func (g *generator) parked(rnd *rand.Rand, at time.Duration, _ int) {
	n := Name{Name: g.fresh(rnd, pick(rnd, []string{"shopx", "onlinex"}), luring(rnd, pick(rnd, brands())[0])...), Class: "innocent",
		Registered: After(at - time.Duration(5+rnd.IntN(500))*Day), Site: Site{Kind: pick(rnd, []string{"parked", "parked", "sinkhole"})}}
	g.add(n)
	g.report(rnd, n, at)
}

// address is a site without a name.
func (g *generator) address(rnd *rand.Rand, at time.Duration, i int) {
	n := Name{Name: fmt.Sprintf("198.51.100.%d", 200+i%32), Class: "malicious", Registered: After(at - Day), Type: abuse.Malware,
		Site: Site{Kind: "malware", Kit: "elf", Scheme: "http", Live: After(at)}}
	if g.seen[n.Name] {
		return
	}
	g.seen[n.Name] = true
	for j := range g.s.Hosts { // a host of its own for these
		if g.s.Hosts[j].Name == "Rackline" {
			g.add(n)
			g.report(rnd, n, at)
			return
		}
	}
	g.s.Hosts = append(g.s.Hosts, Host{Name: "Rackline", Country: "GB", Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.192/27"), netip.MustParsePrefix("198.51.100.224/28")}, Behaviour: like("prompt")})
	g.add(n)
	g.report(rnd, n, at)
}

// mistakes are the reports that the centre should turn away.
func (g *generator) mistakes(days int, until time.Duration) {
	rnd := draw(g.s.Seed, "mistakes")
	for range max(3, days/3) {
		at := time.Duration(rnd.Int64N(int64(until))).Truncate(time.Minute)
		r := Report{At: span(at), From: pick(rnd, g.s.Reporters).Name}
		switch rnd.IntN(4) {
		case 0:
			r.Format, r.Fault = "json", "malformed_json"
		case 1:
			r.Format, r.Fault = "xarf4", "missing_sender"
		case 2:
			r.Format, r.Fault = pick(rnd, []string{"json", "xarf4"}), "private_address"
		case 3:
			r.Format, r.Fault = "json", "not_a_name"
		}
		if r.From == "Threat Feed" {
			if r.Fault == "malformed_json" { // a broken line in the feed's batch
				r.At = span((at/(12*time.Hour) + 1) * 12 * time.Hour)
				r.Bulk = "feed"
			}
		}
		g.s.Reports = append(g.s.Reports, r)
	}
}
