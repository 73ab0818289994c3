package party

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/registration"
)

// world is the data most tests use: documentation addresses and names only.
const world = `
platforms:
  - {suffix: pages.example.com, name: Pages, email: abuse@pages.example}
  - {suffix: silent.example.com, name: Silent}
shared_hosts:
  - {suffix: sites.example.net, name: Sites, form: "https://sites.example.net/abuse"}
cdns:
  - {name: Front CDN, email: abuse@front.example, prefixes: [198.51.100.0/25, "2001:db8:c::/48"]}
block_lists:
  - {name: Warn List, email: list@warn.example, types: [phishing, malware]}
  - {name: All List, email: list@all.example}
certs:
  - {name: CERT Aland, email: cert@cert.example.org, country: AX}
  - {name: CERT Idn, email: idn@cert.example.org, tlds: [xn--fiqs8s]}
  - {name: Sector CERT, email: sector@cert.example.org, all: true}
  - {name: Our CERT, email: soc@centre.example, all: true}
constituents:
  - name: Example Bank
    email: soc@bank.example
    domains: [bank.example, bank-group.example]
    networks: [203.0.113.0/28]
    brands: [Example Bank, exbank]
  - {name: Ing, email: soc@ing.example, brands: [ing]}
  - {name: Ginko, email: soc@ginko.example, brands: ["銀行花"]}
registries:
  - {tld: shop, name: Shop Registry, email: abuse@nic.shop}
  - {tld: ax, name: Aland Registry, procedure: "https://registry.example/ax-procedure"}
  - {tld: co.uk, name: UK Registry, email: abuse@nic.uk.example}
registrars:
  - {iana_id: "4242", name: Form Registrar, form: "https://forms.example/abuse"}
  - {iana_id: "4243", name: Spare Registrar, email: spare@registrar.example}
compliance: {form: "https://compliance.example/complaint"}
protected: [mailhost.example]
trusted: ["registrar:4243", "cert:sector-cert"]
self: {ids: ["registrar:666"], name: Our CERT, email: soc@centre.example, domains: [centre.example]}
`

func load(t testing.TB, s string) Data {
	t.Helper()
	d, err := Load(strings.NewReader(s))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return d
}

// tlds is a small list: shop, com and example are gTLDs, ax, uk and 中国 are not.
func tlds(tld string) (known, gtld bool) {
	switch tld {
	case "shop", "com", "net", "org", "io", "dev", "example":
		return true, true
	case "ax", "uk", "xn--fiqs8s":
		return true, false
	}
	return false, false
}

func directory(t testing.TB, data string) *Directory {
	t.Helper()
	d, err := New(load(t, data), name.DefaultSuffixes(), tlds)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return d
}

func dom(s string) name.Domain {
	d, err := name.ParseAny(s)
	if err != nil {
		panic(err)
	}
	return d
}

func subject(t testing.TB, d *Directory, s string) Subject {
	t.Helper()
	var sub Subject
	var err error
	if a, e := netip.ParseAddr(s); e == nil {
		sub, err = d.SubjectOfAddr(a)
	} else {
		sub, err = d.SubjectOfDomain(dom(s))
	}
	if err != nil {
		t.Fatalf("subject of %s: %v", s, err)
	}
	return sub
}

// record is a registration as RDAP gives it.
func record(domain, registrar, iana, mail string) *registration.Record {
	return &registration.Record{
		State: registration.Registered, Domain: domain,
		Registrar: registration.Registrar{Name: registrar, IANAID: iana, AbuseEmail: mail},
		Sources:   map[string]registration.Source{"": {Protocol: "rdap", Role: "registry"}},
	}
}

// at is an address inside a network whose abuse mail is mail.
func at(addr, handle, start, end, mail string) AddrNetwork {
	return AddrNetwork{Addr: netip.MustParseAddr(addr), Network: registration.Network{
		State: registration.Registered, Handle: handle, Start: start, End: end, AbuseEmail: mail, Country: "AX", Holder: "Holder " + handle,
	}}
}

func host1() AddrNetwork {
	return at("192.0.2.10", "NET-192-0-2-0", "192.0.2.0", "192.0.2.255", "abuse@host.example")
}

// brief is the part of a party that most tables compare.
func brief(ps []Party) []string {
	var out []string
	for _, p := range ps {
		s := p.ID + " " + p.Email
		if p.Form != "" {
			s += " form"
		}
		if !p.Reachable {
			s += " unreachable"
		}
		out = append(out, s)
	}
	return out
}

func byRole(ps []Party, r Role) []Party {
	return slices.DeleteFunc(slices.Clone(ps), func(p Party) bool { return p.Role != r })
}

func phishing(s Subject) Query { return Query{Subject: s, Type: abuse.Phishing} }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}
