package party

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWho(t *testing.T) {
	d := directory(t, world)
	const lists = "blocklist:all-list list@all.example"
	const warn = "blocklist:warn-list list@warn.example"
	const sector = "cert:sector-cert sector@cert.example.org"
	const compliance = "compliance:icann  form"
	badShop := record("bad.shop", "Reg, Inc.", "1861", "abuse@reg.example")
	for _, tc := range []struct {
		what string
		q    Query
		want []string
	}{
		{"a gTLD name: everybody", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.Phishing, Record: badShop, Networks: []AddrNetwork{host1()}},
			[]string{lists, warn, "host:NET-192-0-2-0 abuse@host.example", "registrar:1861 abuse@reg.example", "registry:shop abuse@nic.shop", sector, compliance}},
		{"out of contract scope: no compliance, fewer block lists", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.Fraud, Record: badShop},
			[]string{lists, "registrar:1861 abuse@reg.example", "registry:shop abuse@nic.shop", sector}},
		{"a ccTLD name: its CERT, its procedure, never ICANN; the network's country tells nothing",
			Query{Subject: subject(t, d, "bad.ax"), Type: abuse.Phishing, Record: record("bad.ax", "Reg", "1861", "abuse@reg.example")},
			[]string{lists, warn, "registrar:1861 abuse@reg.example", "registry:ax  unreachable", "cert:cert-aland cert@cert.example.org", sector}},
		{"an IDN ccTLD", Query{Subject: subject(t, d, "bad.xn--fiqs8s"), Type: abuse.Fraud},
			[]string{lists, "registrar:unknown  unreachable", "registry:xn--fiqs8s  unreachable", "cert:cert-idn idn@cert.example.org", sector}},
		{"a registry below a ccTLD", Query{Subject: subject(t, d, "bad.co.uk"), Type: abuse.Fraud},
			[]string{lists, "registrar:unknown  unreachable", "registry:co.uk abuse@nic.uk.example", sector}},
		{"a platform's customer: the platform, and neither registrar nor host",
			Query{Subject: subject(t, d, "x.pages.example.com"), Type: abuse.Phishing, Record: record("example.com", "Reg", "1861", "abuse@reg.example"), Networks: []AddrNetwork{host1()}},
			[]string{lists, warn, "platform:pages.example.com abuse@pages.example", sector}},
		{"the platform's own name", Query{Subject: subject(t, d, "pages.example.com"), Type: abuse.Fraud, Record: record("pages.example.com", "Reg", "1861", "a@reg.example")},
			[]string{lists, "platform:pages.example.com abuse@pages.example", sector}},
		{"a platform without contact: the network it stands in", Query{Subject: subject(t, d, "x.github.io"), Type: abuse.Fraud, Networks: []AddrNetwork{host1()}},
			[]string{lists, "platform:github.io  unreachable", "host:NET-192-0-2-0 abuse@host.example", sector}},
		{"a shared host with a form", Query{Subject: subject(t, d, "x.sites.example.net"), Type: abuse.Fraud, Networks: []AddrNetwork{host1()}},
			[]string{lists, "platform:sites.example.net  form", sector}},
		{"a name that carries a platform: its operator, never the registrar", Query{Subject: subject(t, d, "example.net"), Type: abuse.Fraud, Record: record("example.net", "Reg", "1861", "a@reg.example")},
			[]string{lists, "platform:sites.example.net  form", sector}},
		{"a CDN's address is not the host's", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.Fraud, Record: badShop, Networks: []AddrNetwork{
			at("198.51.100.9", "NET-198-51-100-0", "198.51.100.0", "198.51.100.255", "noc@front.example")}},
			[]string{lists, "cdn:front-cdn noc@front.example", "registrar:1861 abuse@reg.example", "registry:shop abuse@nic.shop", sector}},
		{"a CDN without network answer: its configured mail", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.Fraud, Record: badShop, Networks: []AddrNetwork{
			{Addr: netip.MustParseAddr("2001:db8:c::1")}, host1()}},
			[]string{lists, "host:NET-192-0-2-0 abuse@host.example", "cdn:front-cdn abuse@front.example", "registrar:1861 abuse@reg.example", "registry:shop abuse@nic.shop", sector}},
		{"an address", Query{Subject: subject(t, d, "192.0.2.10"), Type: abuse.Attack, Record: badShop, Networks: []AddrNetwork{host1(), at("192.0.2.99", "OTHER", "", "", "x@other.example")}},
			[]string{lists, "host:NET-192-0-2-0 abuse@host.example", sector}},
		{"an address without an answer", Query{Subject: subject(t, d, "192.0.2.10"), Type: abuse.Attack},
			[]string{lists, "host:192.0.2.10  unreachable", sector}},
		{"two networks, one abuse mailbox: asked once", Query{Subject: subject(t, d, "192.0.2.10"), Type: abuse.Attack, Networks: []AddrNetwork{host1()}},
			[]string{lists, "host:NET-192-0-2-0 abuse@host.example", sector}},
		{"nothing is registered", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.Fraud, Record: &registration.Record{State: registration.Available, Domain: "bad.shop"}},
			[]string{lists, sector}},
		{"content that is never passed on", Query{Subject: subject(t, d, "bad.shop"), Type: abuse.CSAM, Record: badShop, Networks: []AddrNetwork{host1()}}, nil},
		{"a constituent's own name, compromised: told; its registrar is not asked", Query{Subject: subject(t, d, "bank.example"), Type: abuse.Fraud, Record: record("bank.example", "Reg", "1861", "a@reg.example"), Networks: []AddrNetwork{host1()}},
			[]string{"constituent:example-bank soc@bank.example", lists, "host:NET-192-0-2-0 abuse@host.example", sector}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, brief(d.Who(tc.q))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRegistrar(t *testing.T) {
	d := directory(t, world)
	bounced := map[string]Health{"abuse@reg.example": {Bounced: true, At: day("2026-03-04")}, "ok@reg.example": {At: day("2026-03-04")}}
	for _, tc := range []struct {
		what      string
		rec       *registration.Record
		id, email string
		form      bool
		why       string
	}{
		{"with an IANA ID", record("bad.shop", "Reg", "1861", "Desk@REG.example"), "registrar:1861", "Desk@reg.example", false, ""},
		{"leading zeros", record("bad.shop", "Reg", "01861", "ok@reg.example"), "registrar:1861", "ok@reg.example", false, ""},
		{"without one", record("bad.shop", "Reg & Söhne, Inc.", "", "ok@reg.example"), "registrar:reg-söhne-inc", "ok@reg.example", false, ""},
		{"an ID that many share", record("bad.shop", "Own Sales", "9999", "ok@reg.example"), "registrar:own-sales", "ok@reg.example", false, ""},
		{"an ID that is text", record("bad.shop", "Reg", "not applicable", "ok@reg.example"), "registrar:reg", "ok@reg.example", false, ""},
		{"several addresses in one field", record("bad.shop", "Reg", "1861", "see website; <mailto:ok@reg.example>, b@reg.example"), "registrar:1861", "ok@reg.example", false, ""},
		{"no abuse address", record("bad.shop", "Reg", "1861", ""), "registrar:1861", "", false, "the registration answer gives no abuse address of the registrar"},
		{"no address in it", record("bad.shop", "Reg", "1861", "www.reg.example"), "registrar:1861", "", false, "the address in rdap registrar entity is not a mail address"},
		{"bounced", record("bad.shop", "Reg", "1861", "abuse@reg.example"), "registrar:1861", "", false, "abuse@reg.example bounced on 2026-03-04"},
		{"bounced, a spare is configured", record("bad.shop", "Reg", "4243", "abuse@reg.example"), "registrar:4243", "spare@registrar.example", false, ""},
		{"today's RDAP comes before configuration", record("bad.shop", "Reg", "4243", "ok@reg.example"), "registrar:4243", "ok@reg.example", false, ""},
		{"form only", record("bad.shop", "Reg", "4242", ""), "registrar:4242", "", true, "a web form is the only way in"},
		{"bounced, a form is left", record("bad.shop", "Reg", "4242", "abuse@reg.example"), "registrar:4242", "", true, "abuse@reg.example bounced on 2026-03-04; only a web form is left"},
		{"publishes our address", record("bad.shop", "Reg", "1861", "case@in.centre.example"), "registrar:1861", "", false, "the address in rdap registrar entity is the centre's own"},
		{"publishes exactly our mailbox", record("bad.shop", "Reg", "1861", "SOC@centre.example"), "registrar:1861", "", false, "the address in rdap registrar entity is the centre's own"},
		{"no lookup", nil, "registrar:unknown", "", false, "no registration answer"},
		{"throttled", &registration.Record{State: registration.Throttled}, "registrar:unknown", "", false, "no registration answer: throttled"},
		{"names none", record("bad.shop", "", "", ""), "registrar:unknown", "", false, "the registration answer names no registrar"},
		{"another name's record", record("other.shop", "Reg", "1861", "ok@reg.example"), "registrar:unknown", "", false, "no registration answer"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			q := phishing(subject(t, d, "bad.shop"))
			q.Record, q.Health = tc.rec, bounced
			got := byRole(d.Who(q), Registrar)
			if len(got) != 1 {
				t.Fatalf("%d registrars", len(got))
			}
			p := got[0]
			if p.ID != tc.id || p.Email != tc.email || (p.Form != "") != tc.form || p.Why != tc.why {
				t.Errorf("got %+v", p)
			}
			if p.Reachable != (tc.email != "" || tc.form) {
				t.Errorf("reachable is %v", p.Reachable)
			}
			if tc.email != "" && p.Basis == "" {
				t.Error("no basis")
			}
		})
	}
	// The centre is this registrar.
	q := phishing(subject(t, d, "bad.shop"))
	q.Record = record("bad.shop", "Ours", "666", "x@reg.example")
	if got := byRole(d.Who(q), Registrar); len(got) != 0 {
		t.Errorf("we would ask ourselves: %+v", got)
	}
	q.Record = record("bad.shop", "Trusted", "4243", "x@reg.example")
	if got := byRole(d.Who(q), Registrar); !got[0].Trusted {
		t.Error("a trusted party is not")
	}
	q.Record = record("bad.shop", "Two\r\nLines\u202e", "77", "x@reg.example")
	if got := byRole(d.Who(q), Registrar); got[0].Name != "Two Lines" || got[0].Trusted {
		t.Errorf("%+v", got[0])
	}
}

func TestHosts(t *testing.T) {
	d := directory(t, world)
	q := phishing(subject(t, d, "bad.shop"))
	noMail := at("192.0.2.20", "NET-B", "192.0.2.16", "192.0.2.31", "")
	noHandle := at("192.0.2.40", "", "192.0.2.40", "192.0.2.42", "abuse@nohandle.example")
	failed := AddrNetwork{Addr: netip.MustParseAddr("192.0.2.50"), Network: registration.Network{State: registration.Failed, Handle: "X", AbuseEmail: "never@used.example"}}
	twin := at("192.0.2.60", "NET-Z", "192.0.2.48", "192.0.2.63", "ABUSE@host.example")
	odd := at("192.0.2.70", "bad handle\r\n", "192.0.2.64", "192.0.2.71", "odd@host.example")
	q.Networks = []AddrNetwork{host1(), host1(), noMail, noHandle, failed, twin, odd}
	var got []string
	for _, p := range byRole(d.Who(q), Host) {
		got = append(got, p.ID+"|"+p.Email+"|"+p.Basis+"|"+p.Why)
	}
	want := []string{
		"host:192-0-2-40-192-0-2-42|abuse@nohandle.example|rdap network 192.0.2.40-192.0.2.42|",
		"host:192-0-2-64-192-0-2-71|odd@host.example|rdap network 192.0.2.64/29|",
		"host:192.0.2.50||address 192.0.2.50|the network of 192.0.2.50 is not known",
		"host:NET-192-0-2-0|abuse@host.example|rdap network 192.0.2.0/24|",
		"host:NET-B||rdap network 192.0.2.16/28|no contact is known",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestConstituents(t *testing.T) {
	d := directory(t, world)
	const bank, ing, ginko = "constituent:example-bank", "constituent:ing", "constituent:ginko"
	for _, tc := range []struct {
		what, subject, claim, title, text string
		secrets                           bool
		addr                              string
		want                              []string
	}{
		{what: "nothing", subject: "bad.shop"},
		{what: "its name", subject: "www.bank.example", want: []string{bank}},
		{what: "its network", subject: "bad.shop", addr: "203.0.113.5", want: []string{bank}},
		{what: "beside its network", subject: "bad.shop", addr: "203.0.113.16"},
		{what: "its address", subject: "203.0.113.5", want: []string{bank}},
		{what: "claimed", subject: "bad.shop", claim: "example  BANK", want: []string{bank}},
		{what: "claimed within words", subject: "bad.shop", claim: "The Example Bank of X", want: []string{bank}},
		{what: "half claimed", subject: "bad.shop", claim: "bank"},
		{what: "in the name, joined", subject: "login-examplebank.shop", want: []string{bank}},
		{what: "in the name, parted", subject: "example-bank-login.shop", want: []string{bank}},
		{what: "in the name, parted otherwise", subject: "example-my-bank.shop"},
		{what: "a long brand as an affix", subject: "examplebanksecure.shop", want: []string{bank}},
		{what: "a short word inside a word is no brand", subject: "banking.shop"},
		{what: "a short word by itself in a name", subject: "ing-login.shop", want: []string{ing}},
		{what: "a short word in a title is too little", subject: "bad.shop", title: "ing login"},
		{what: "in the title", subject: "bad.shop", title: "Welcome to Example Bank!", want: []string{bank}},
		{what: "text alone is not enough", subject: "bad.shop", text: "We accept exbank cards"},
		{what: "text of a page that asks for secrets", subject: "bad.shop", text: "exbank password", secrets: true, want: []string{bank}},
		{what: "half a word of the text", subject: "bad.shop", text: "exbanking password", secrets: true},
		{what: "not the platform's own labels", subject: "x.exbank.pages.example.com"},
		{what: "the customer's label", subject: "exbank.pages.example.com", want: []string{bank}},
		{what: "a script without spaces, name", subject: "新銀行花登録.shop", want: []string{ginko}},
		{what: "a script without spaces, title", subject: "bad.shop", title: "ようこそ銀行花へ", want: []string{ginko}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			q := phishing(subject(t, d, tc.subject))
			q.Brand, q.Title, q.Text, q.AsksSecrets = tc.claim, tc.title, tc.text, tc.secrets
			if tc.addr != "" {
				q.Networks = []AddrNetwork{{Addr: netip.MustParseAddr(tc.addr)}}
			}
			if strings.HasPrefix(tc.what, "not the platform's") {
				q.Subject = Subject{Kind: PlatformCustomer, Name: dom("x.exbank.pages.example.com"), Platform: dom("exbank.pages.example.com")}
			}
			var got []string
			for _, p := range byRole(d.Who(q), Constituent) {
				got = append(got, p.ID)
				if p.Basis == "" {
					t.Error("no basis")
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// One mailbox that stands for several parties hears a thing once.
func TestOneMailboxOnce(t *testing.T) {
	d := directory(t, `
block_lists: [{name: A, email: l@x.example}, {name: B, email: L@x.example}]
certs: [{name: C, email: soc@x.example, all: true}]
constituents: [{name: D, email: soc@x.example, domains: [x.example]}]
cdns: [{name: E, email: noc@host.example, prefixes: [198.51.100.0/24]}]
registries: [{tld: example, name: R, email: abuse@reg.example}]
`)
	q := Query{Subject: subject(t, d, "x.example"), Type: abuse.Fraud, Networks: []AddrNetwork{
		{Addr: netip.MustParseAddr("198.51.100.1")}, at("192.0.2.1", "H", "", "", "noc@host.example"),
	}}
	want := []string{"constituent:d soc@x.example", "blocklist:a l@x.example", "host:H noc@host.example"}
	if diff := cmp.Diff(want, brief(d.Who(q))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Registrar and registry are asked one after the other: each stays.
	q = Query{Subject: subject(t, d, "y.example"), Type: abuse.Fraud, Record: record("y.example", "R", "5", "abuse@reg.example")}
	want = []string{"blocklist:a l@x.example", "registrar:5 abuse@reg.example", "registry:example abuse@reg.example", "cert:c soc@x.example"}
	if diff := cmp.Diff(want, brief(d.Who(q))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// genQuery draws queries over a small world, so that rules meet.
func genQuery(t *rapid.T, d *Directory) Query {
	s := rapid.SampledFrom([]string{"bad.shop", "bad.ax", "x.pages.example.com", "pages.example.com", "x.github.io", "github.io",
		"x.sites.example.net", "example.com", "bank.example", "mailhost.example", "centre.example", "exbank-login.shop", "192.0.2.10", "203.0.113.5"}).Draw(t, "subject")
	var sub Subject
	if a, err := netip.ParseAddr(s); err == nil {
		sub, _ = d.SubjectOfAddr(a)
	} else {
		sub, _ = d.SubjectOfDomain(dom(s))
	}
	mail := rapid.SampledFrom([]string{"", "abuse@host.example", "abuse@reg.example", "soc@centre.example", "x@in.centre.example", "junk", "b@c.example, d@e.example", "sector@cert.example.org"})
	q := Query{
		Subject: sub,
		Type:    rapid.SampledFrom([]abuse.Type{abuse.Phishing, abuse.Malware, abuse.Fraud, abuse.Spam, abuse.CSAM}).Draw(t, "type"),
		Brand:   rapid.SampledFrom([]string{"", "exbank", "ing", "our cert"}).Draw(t, "brand"),
		Health:  map[string]Health{"abuse@host.example": {Bounced: rapid.Bool().Draw(t, "bounced"), At: day("2026-01-02")}},
	}
	if rapid.Bool().Draw(t, "looked up") {
		q.Record = record(rapid.SampledFrom([]string{s, "", "other.shop"}).Draw(t, "of"), rapid.SampledFrom([]string{"", "Reg", "Our CERT"}).Draw(t, "registrar"),
			rapid.SampledFrom([]string{"", "1861", "666", "9999"}).Draw(t, "iana"), mail.Draw(t, "registrar mail"))
		q.Record.State = rapid.SampledFrom([]registration.State{registration.Registered, registration.Available, registration.Throttled}).Draw(t, "state")
	}
	for range rapid.IntRange(0, 5).Draw(t, "networks") {
		q.Networks = append(q.Networks, at(rapid.SampledFrom([]string{"192.0.2.10", "192.0.2.11", "198.51.100.9", "203.0.113.5", "2001:db8:c::9"}).Draw(t, "addr"),
			rapid.SampledFrom([]string{"", "N1", "N2"}).Draw(t, "handle"), "192.0.2.0", rapid.SampledFrom([]string{"192.0.2.255", "192.0.2.127"}).Draw(t, "end"), mail.Draw(t, "network mail")))
	}
	return q
}

func TestWhoProperties(t *testing.T) {
	d := directory(t, world)
	data := load(t, world)
	rapid.Check(t, func(t *rapid.T) {
		q := genQuery(t, d)
		got := d.Who(q)
		allowed, _ := d.DNSLevelAllowed(q.Subject)
		seen := map[string]bool{}
		for _, p := range got {
			if p.ID == "" || p.Name == "" || p.Role == "" {
				t.Fatalf("a party without a name: %+v", p)
			}
			if seen[string(p.Role)+p.ID] {
				t.Fatalf("%s twice", p.ID)
			}
			seen[string(p.Role)+p.ID] = true
			if p.ID == "registrar:666" || sameMailbox(p.Email, data.Self.Email) || p.Email != "" && domainOf(p.Email).Under(dom("centre.example")) || p.ID == "cert:our-cert" {
				t.Fatalf("we would ask ourselves: %+v", p)
			}
			if (p.Role == Registrar || p.Role == Registry || p.Role == Compliance) && (!allowed || q.Subject.Kind != RegisteredDomain) {
				t.Fatalf("%s is asked about %s", p.ID, q.Subject.Key())
			}
			if p.Role == Compliance && d.TLDKind(q.Subject.Name.TLD()) != GTLD {
				t.Fatalf("compliance for %s", q.Subject.Key())
			}
			if p.Reachable != (p.Email != "" || p.Form != "") || !p.Reachable && p.Why == "" {
				t.Fatalf("reachable and contact disagree: %+v", p)
			}
			if p.Email != "" {
				if a, ok := Mailbox(p.Email); !ok || a != p.Email || q.Health[strings.ToLower(a)].Bounced {
					t.Fatalf("bad address %q", p.Email)
				}
			}
		}
		// The order of what was observed, and of the data file, does not matter.
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		q2 := q
		q2.Networks = append([]AddrNetwork(nil), q.Networks...)
		r.Shuffle(len(q2.Networks), func(i, j int) { q2.Networks[i], q2.Networks[j] = q2.Networks[j], q2.Networks[i] })
		shuffled := data.With(Data{})
		r.Shuffle(len(shuffled.CERTs), func(i, j int) {
			shuffled.CERTs[i], shuffled.CERTs[j] = shuffled.CERTs[j], shuffled.CERTs[i]
		})
		r.Shuffle(len(shuffled.Constituents), func(i, j int) {
			shuffled.Constituents[i], shuffled.Constituents[j] = shuffled.Constituents[j], shuffled.Constituents[i]
		})
		d2, err := New(shuffled, name.DefaultSuffixes(), tlds)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, d2.Who(q2)); diff != "" {
			t.Fatalf("order matters\n%s", diff)
		}
	})
}

func BenchmarkWho(b *testing.B) {
	d := directory(b, world)
	q := phishing(subject(b, d, "exbank-login.shop"))
	q.Record, q.Networks = record("exbank-login.shop", "Reg", "1861", "abuse@reg.example"), []AddrNetwork{host1()}
	b.ReportAllocs()
	for b.Loop() {
		d.Who(q)
	}
}
