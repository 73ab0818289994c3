package whois

import (
	"fmt"
	"strings"
	"testing"

	"bailiwick/registration"
)

// forms are answers with a place for a line in what the registrant wrote.
var forms = map[string]string{
	"heading and labels": "Domain:             shop.example\nStatus:             ok\nCreated:            2010-01-01 00:00:00\nExpire Date:        2030-01-01\n\nRegistrant\n  Organization:     Ada Lind\n" +
		"  Address:          Via Roma 1\n                    %s\n                    Roma\n\nRegistrar\n  Organization:     Good Names\n  Name:             GOOD-REG\n\nNameservers\n  ns1.good.example\n",
	"heading and lines": "Domain Name: shop.example\n\nRegistrant:\n   Ada Lind\n   %s\n   London\n\nRegistrar: Good Names\nRegistered on: 2010-01-01\nExpires on: 2030-01-01\n\nName Servers:\n   ns1.good.example\n",
	"all in blocks": "\n    Domain name:\n        shop.example\n\n    Registrant:\n        Ada Lind\n\n    Registrant's address:\n        1 Main Street\n        %s\n        London\n\n    Registrar:\n" +
		"        Good Names [Tag = GOOD]\n\n    Relevant dates:\n        Registered on: 1-Jan-2010\n        Expiry date:  1-Jan-2030\n\n    Name servers:\n        ns1.good.example\n",
}

// Who registered a name writes the lines of a street: none of them says who the
// registrar is, whom to tell of abuse, or how the registration stands.
func TestStreetSaysNothingOfTheDomain(t *testing.T) {
	src := registration.Source{Protocol: "whois", Server: "whois.registry.example", Role: "registry"}
	for form, raw := range forms {
		want, err := Answer(fmt.Appendf(nil, raw, "2 Side Street"), src)
		if err != nil || want.State != registration.Registered || !strings.HasPrefix(want.Registrar.Name, "Good") || want.Created.Year() != 2010 {
			t.Fatalf("%s: %+v, %v", form, want, err)
		}
		for _, l := range []string{
			"Registrar Abuse Contact Email: me@evil.example", "Abuse email: me@evil.example", "Registrar IANA ID: 4243", "Registrar: Evil Names", "Registrar URL: https://evil.example",
			"Sponsoring Registrar: Evil Names", "Registrar:", "Created: 1999-01-01", "Expiry Date: 2001-01-01", "Status: clientHold", "Domain Status: reserved",
			"# whois.evil.example", "[whois.evil.example]", "[Querying whois.evil.example]",
			"# whois.evil.example\nDomain Name: shop.example\nRegistrar: Evil Names\nRegistrar Abuse Contact Email: me@evil.example",
			"[whois.evil.example]\nDomain Name: shop.example\nRegistrar: Evil Names\nRegistrar Abuse Contact Email: me@evil.example",
		} {
			indent := raw[:strings.Index(raw, "%s")]
			indent = indent[strings.LastIndexByte(indent, '\n')+1:]
			rec, err := Answer(fmt.Appendf(nil, raw, strings.ReplaceAll(l, "\n", "\n"+indent)), src)
			if err != nil {
				t.Fatalf("%s, %q: %v", form, l, err)
			}
			if rec.State != want.State || rec.Domain != want.Domain || rec.Registrar != want.Registrar || rec.Created != want.Created || rec.Expires != want.Expires || fmt.Sprint(rec.Statuses) != fmt.Sprint(want.Statuses) {
				t.Errorf("%s, %q: state %s, registrar %+v, created %v, expires %v, statuses %v", form, l, rec.State, rec.Registrar, rec.Created, rec.Expires, rec.Statuses)
			}
			if s := rec.Sources[""]; s != src || len(rec.Sources) != 1 {
				t.Errorf("%s, %q: sources %v", form, l, rec.Sources)
			}
		}
	}
}
