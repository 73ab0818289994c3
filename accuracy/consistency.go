package accuracy

import (
	"slices"
	"strings"

	"bailiwick/registration"
	"bailiwick/registration/bootstrap"
)

// Lists are the lists behind the checks; one that is nil is the built-in one.
type Lists struct {
	Disposable *DomainList
	Proxies    *ProxyList
	TLDs       *bootstrap.TLDs // of the root zone that there is, such as a lab's
}

// IdentityChecks are the checks of data that say who somebody is: whether a
// proxy stands in, names and organisations, numbers of identity and registers,
// what kind of mail address it is, and whether fields agree. They warn; only a
// contact without any name fails.
func IdentityChecks() []Check { return IdentityChecksWith(Lists{}) }

// IdentityChecksWith is IdentityChecks with an operator's lists; a list that is
// nil is the one that ships with the program.
func IdentityChecksWith(l Lists) []Check {
	if l.Disposable == nil {
		l.Disposable = ShippedDisposable()
	}
	if l.Proxies == nil {
		l.Proxies = ShippedProxies()
	}
	// Checks of one field follow one another: Examine then looks it up once.
	out := append([]Check{proxyCheck(l.Proxies), numberCheck()}, wholeChecks()...)
	out = append(out, nameChecks(l.Proxies)...)
	out = append(out, sameCheck(l.Proxies))
	out = append(out, mailChecks(l.Disposable, l.Proxies)...)
	return append(out, countryCheck())
}

// countryCheck, sameCheck and wholeChecks compare fields. What disagrees is often
// honest: people move, keep their number and have mail elsewhere.
func countryCheck() Check {
	return Check{
		ID: "consistency.country", Level: V1, Field: "country",
		About:   "The telephone number and the mail domain are not together of one country, and the address of another.",
		Source:  "consistency across fields as in SAC058; that two must agree against it: ours",
		Reasons: map[string]string{"others-agree": "The telephone number and the mail domain are of one country, and the postal address of another: check the country."},
		run: func(in *input) outcome {
			home := in.place().code
			_, domain := splitMail(in.contact.Email)
			of := countryOfTLD(domain)
			if home == "" || of == "" || in.contact.Phone == "" {
				return skip
			}
			n := in.phoneNumber()
			if !n.plus || !n.known || !n.plan.Valid || n.plan.Region == "" {
				return skip
			}
			at := sharedPlan(n.plan.Region)
			if at == sharedPlan(of) && at != sharedPlan(home) {
				return warn("others-agree", of+" "+home)
			}
			return pass
		},
	}
}

func sameCheck(l *ProxyList) Check {
	return Check{
		ID: "consistency.name-organization", Level: V1, Field: "organization", Identity: true,
		About:   "The organisation is something else than the name.",
		Source:  "Registration Data Policy 2025: where an organisation is given, it is the holder; ours",
		Reasons: map[string]string{"same": "It passes, and no person is named: the name and the organisation are the same: of a person, leave the organisation empty; of an organisation, name a person or a function."},
		run: func(in *input) outcome {
			if blank(in.contact.Name) {
				return skip
			}
			if _, ok := in.proxyOf(l); ok {
				return skip
			}
			if a, b := in.name("name").key, in.name("organization").key; a != "" && a == b {
				// A third of recorded organisations: usual, and worth knowing.
				return outcome{result: Pass, reason: "same"}
			}
			return pass
		},
	}
}

func wholeChecks() []Check {
	return []Check{{
		ID: "consistency.repeated", Level: V1, Field: "", Absent: true,
		About:   "The fields of the contact hold different values.",
		Source:  "ours",
		Reasons: map[string]string{"repeated": "Three or more fields hold the same value: fill each with its own."},
		run: func(in *input) outcome {
			c := &in.contact
			street := ""
			if len(c.Street) > 0 {
				street = c.Street[0]
			}
			// A city and its region may be one, and so may a name and its
			// organisation: each pair counts once.
			first := c.Name
			if first == "" {
				first = c.Organization
			}
			fields := [...]string{first, street, c.City, c.PostalCode}
			n := 0
			for i, a := range fields {
				if a == "" {
					continue
				}
				n++
				same := 1
				for _, b := range fields[i+1:] {
					if len(a) == len(b) && strings.EqualFold(a, b) {
						same++
					}
				}
				if same >= 3 {
					return warn("repeated", "")
				}
			}
			if n < 3 {
				return skip
			}
			return pass
		},
	}, {
		ID: "consistency.contacts", Level: V1, Field: "", Absent: true,
		About:  "The record says the same of one contact wherever it stands.",
		Source: "ours; a handle is one contact (RFC 5733 section 2)",
		Reasons: map[string]string{
			"handle-differs": "Another contact of the record has the same handle and other data: bring them into line.",
			"person-differs": "Another contact of the record has the same name and mail address and another country: check which is right.",
		},
		run: func(in *input) outcome {
			if in.contact.IsZero() || len(in.Record.Contacts) < 2 {
				return skip
			}
			compared := false
			for _, role := range in.rolesInOrder() {
				other, ok := in.Record.Contacts[role]
				if !ok || role == in.role {
					continue
				}
				switch {
				case in.contact.Handle != "" && in.contact.Handle == other.Handle:
					compared = true
					if f := differs(&in.contact, &other, "name", "organization", "email", "phone", "country"); f != "" {
						return warn("handle-differs", role+": "+f)
					}
				case in.contact.Name != "" && in.contact.Email != "" &&
					strings.EqualFold(in.contact.Name, other.Name) && strings.EqualFold(in.contact.Email, other.Email):
					compared = true
					if f := differs(&in.contact, &other, "country"); f != "" {
						return warn("person-differs", role+": "+f)
					}
				}
			}
			if !compared {
				return skip
			}
			return pass
		},
	}}
}

// rolesInOrder are the roles that a record may have, in one order, so that
// the same record gives the same verdict: the usual ones, then others.
func (in *input) rolesInOrder() []string {
	usual := usualRoles[:]
	for r := range in.Record.Contacts {
		if !slices.Contains(usual, r) {
			usual = slices.Clone(usual)
			for r := range in.Record.Contacts {
				if !slices.Contains(usual, r) {
					usual = append(usual, r)
				}
			}
			slices.Sort(usual[len(usualRoles):])
			break
		}
	}
	return usual
}

var usualRoles = [...]string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}

// differs names the first field that both contacts have and that is not the
// same but for case and spaces.
func differs(a, b *registration.Contact, fields ...string) string {
	for _, f := range fields {
		x, y := a.Field(f), b.Field(f)
		if x == "" || y == "" || strings.EqualFold(x, y) {
			continue
		}
		if f == "phone" && digitsIn(x) == digitsIn(y) || strings.EqualFold(strings.Join(strings.Fields(x), ""), strings.Join(strings.Fields(y), "")) {
			continue
		}
		return f
	}
	return ""
}

// phoneNumber is number for checks of other fields than the telephone's.
func (in *input) phoneNumber() *number {
	return in.number()
}

// countryOfTLD is the country of a domain under a country's TLD; "" where the
// TLD is sold to everybody for what its letters mean, or is none.
func countryOfTLD(domain string) string {
	t := domain[strings.LastIndexByte(domain, '.')+1:]
	if len(t) != 2 || len(domain) < 4 {
		return ""
	}
	switch t {
	case "ac", "ag", "ai", "am", "as", "bz", "cc", "cd", "cf", "co", "cx", "dj", "eu", "fm", "ga", "gd", "gg", "gl", "gq", "gs", "im", "in", "io",
		"is", "it", "je", "la", "lc", "li", "ly", "md", "me", "ml", "mn", "ms", "mu", "nu", "pm", "pw", "re", "sc", "sh", "so", "st", "su", "sx",
		"tc", "tf", "tk", "tl", "tm", "to", "tv", "vc", "vg", "vu", "wf", "ws", "yt":
		return ""
	}
	code, _ := registration.CountryCode(t)
	return code
}
