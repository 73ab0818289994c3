package lab

import (
	"fmt"
	"slices"
	"strings"
)

// What a scenario says of registration data that are wrong: how they are made
// out of the right ones, defaults and checks.

// flawWords are what can be wrong with published data. All but mail_gone can be
// found by looking: whether a mailbox is there, nobody can tell without writing to
// it.
var flawWords = []string{"mail_form", "mail_domain", "mail_null", "mail_gone", "phone_short", "phone_code", "phone_letters", "postal_code"}

// nullMail is a domain that says that it takes no mail.
const nullMail = "takes-no-mail.example"

// registrarTempers are the ways a registrar treats notices of wrong data.
var registrarTempers = []string{"corrects", "verifies", "suspends", "wants_evidence", "refuses", "refers", "claims", "ticket", "silent"}

// published are a name's data as RDAP and WHOIS show them at first.
func (n *Name) published() Registrant { return n.flawed(n.Registrant.Flaws) }

// flawed are the right data with some flaws.
func (n *Name) flawed(flaws []string) Registrant {
	r := n.Registrant
	local, _, _ := strings.Cut(r.Email, "@")
	for _, f := range flaws {
		switch f {
		case "mail_form":
			r.Email = local + ".@" + domainOf(r.Email)
		case "mail_domain": // beside the name, and nobody's
			r.Email = local + "@" + strings.TrimSuffix(n.Name, "."+lastLabel(n.Name)) + "-formerly." + lastLabel(n.Name)
		case "mail_null":
			r.Email = local + "@" + nullMail
		case "mail_gone":
			r.Email = local + ".formerly@" + domainOf(r.Email)
		case "phone_short":
			r.Phone = r.Phone[:min(len(r.Phone), strings.IndexByte(r.Phone, '.')+3)]
		case "phone_code":
			r.Phone = "0" + r.Phone[strings.IndexByte(r.Phone, '.')+1:]
		case "phone_letters":
			r.Phone = r.Phone[:max(0, len(r.Phone)-4)] + "SHOP"
		case "postal_code":
			r.PostalCode = "?-" + r.PostalCode + "-0000"
		}
	}
	return r
}

// wrong are the flaws that data still have.
func (n *Name) wrong(data Registrant) []string {
	var out []string
	for _, f := range n.Registrant.Flaws {
		with := n.flawed([]string{f})
		if with.Email == data.Email && with.Email != n.Registrant.Email || with.Phone == data.Phone && with.Phone != n.Registrant.Phone ||
			with.PostalCode == data.PostalCode && with.PostalCode != n.Registrant.PostalCode {
			out = append(out, f)
		}
	}
	return out
}

// flawed says whether the data of any name of the scenario are wrong.
func (s *Scenario) flawed() bool {
	return slices.ContainsFunc(s.Names, func(n Name) bool { return len(n.Registrant.Flaws) > 0 })
}

func (c *checker) correction(at string, r Registrar) {
	k := r.Inaccuracy
	c.oneOf(at+".does", k.Does, append([]string{""}, registrarTempers...)...)
	c.span(at+".after", k.After)
	if k.Waits < 0 {
		c.bad(at+".waits", "must not be negative")
	}
}

func (c *checker) flaws(at string, n *Name) {
	r := &n.Registrant
	if a := r.Asked; a != nil {
		c.oneOf(at+".asked.answers", a.Answers, "", "corrects", "partly", "insists", "never")
		c.oneOf(at+".asked.mailbox", a.Mailbox, append([]string{"", "accept", "greylist", "bounce", "full"}, machines...)...)
		c.span(at+".asked.after", a.After)
	}
	if (len(r.Flaws) > 0 || r.Asked != nil) && (isAddr(n.Name) || c.s.platformOf(n.Name) != nil) {
		c.bad(at+".flaws", "is for registered domains")
		return
	}
	kind := map[string]string{}
	for i, f := range r.Flaws {
		p := fmt.Sprintf("%s.flaws[%d]", at, i)
		c.oneOf(p, f, flawWords...)
		field, _, _ := strings.Cut(f, "_")
		if was := kind[field]; was != "" {
			c.bad(p, "stands beside %s: one value is wrong in one way", was)
		}
		kind[field] = f
		switch {
		case field == "mail" && !strings.Contains(r.Email, "@"):
			c.bad(p, "needs an email that is right")
		case field == "phone" && !strings.Contains(r.Phone, "."):
			c.bad(p, "needs a phone that is right, such as +44.1134960123")
		case f == "mail_domain" && c.s.find(domainOf(n.flawed([]string{f}).Email)) != nil:
			c.bad(p, "%s is a name of the scenario", domainOf(n.flawed([]string{f}).Email))
		}
	}
}
