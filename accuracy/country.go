package accuracy

import (
	"strings"

	"bailiwick/registration"

	"golang.org/x/text/language"
)

// place is what a country field means.
type place struct {
	code string // ISO 3166-1 alpha-2; "" when it cannot be told
	as   form
}

// form is how a country is written.
type form uint8

const (
	asNothing  form = iota // what it means cannot be told
	asCode                 // an alpha-2 code
	asOther                // a code that is not the country's, but can only mean it: UK, EL
	asAlpha3               // an alpha-3 code
	asName                 // a name
	asUser                 // a code left to users, XK for Kosovo among them
	asReserved             // a code that ISO keeps for something else: EU, SU
)

func (in *input) place() *place {
	if !in.memo.haveCountry {
		in.memo.country, in.memo.haveCountry = readCountry(in.contact.Country), true
	}
	return &in.memo.country
}

// reservedCodes are those that ISO 3166/MA keeps without giving them to a
// country.
const reservedCodes = " AC CP CQ DG EA EU EZ FX IC SU TA UN AN BU CS NT TP YU ZR "

// readCountry reads a country as people and registries write it.
func readCountry(s string) place {
	if len(s) > 256 {
		return place{}
	}
	s = strings.TrimSpace(s)
	if len(s) == 2 {
		up := strings.ToUpper(s)
		switch up {
		case "UK":
			return place{"GB", asOther}
		case "EL":
			return place{"GR", asOther}
		}
		if code, ok := registration.CountryCode(up); ok {
			return place{code, asCode}
		}
		a, b := up[0], up[1]
		switch {
		case a < 'A' || a > 'Z' || b < 'A' || b > 'Z':
			return place{}
		case up == "AA", up == "ZZ", a == 'Q' && b >= 'M', a == 'X':
			return place{"", asUser}
		case strings.Contains(reservedCodes, " "+up+" "):
			return place{"", asReserved}
		}
		return place{}
	}
	if code, ok := registration.CountryCode(s); ok {
		if len(s) == 3 {
			return place{code, asAlpha3}
		}
		return place{code, asName}
	}
	if len(s) == 3 && isASCII(s) {
		if r, err := language.ParseRegion(s); err == nil && r.IsCountry() && strings.EqualFold(r.ISO3(), s) {
			if code, ok := registration.CountryCode(r.String()); ok {
				return place{code, asAlpha3}
			}
		}
	}
	return place{}
}

// given is the country as the server gave it, also where the reader made a code
// of it, or took it from the lines of the address.
func (in *input) given() string {
	if len(in.Record.Given) > 0 {
		for _, f := range [...]string{"country", "street"} {
			if raw, ok := in.Record.Given[registration.ContactPath(in.role, f)]; ok {
				return raw
			}
		}
	}
	return in.contact.Country
}

func countryChecks() []Check {
	return []Check{
		{
			ID: "country.present", Level: V1, Field: "country", Absent: true,
			About:   "There is a country.",
			Source:  "RAA 2013 section 3.3.1 and WAPS 1(a)",
			Reasons: map[string]string{"missing": "There is no country: add its two-letter code."},
			run:     missing,
		},
		{
			ID: "country.code", Level: V1, Field: "country",
			About:  "The country is an ISO 3166-1 alpha-2 code that a country has.",
			Source: "ISO 3166-1; RFC 5733 section 2.4.3; RFC 8605 section 3.1",
			Reasons: map[string]string{
				"not-a-code":      "The country is written as a name or a three-letter code: use the two letters.",
				"corrected":       "The code is not the country's in ISO 3166-1, but can only mean it (UK is GB, EL is GR): use that one.",
				"user-assigned":   "ISO 3166-1 leaves this code to its users (XK for Kosovo is one): what it means is not agreed.",
				"reserved":        "ISO 3166-1 keeps this code without giving it to a country.",
				"unknown-country": "No country is called this or has this code: use the two letters of ISO 3166-1.",
			},
			run: func(in *input) outcome {
				raw, ok := in.Record.Given[in.path]
				if !ok {
					raw = in.contact.Country
				}
				switch p := readCountry(raw); p.as {
				case asCode:
					return pass
				case asOther:
					return warn("corrected", p.code)
				case asUser:
					return warn("user-assigned", quote(in.value))
				case asReserved:
					return fail("reserved", quote(in.value))
				case asAlpha3, asName:
					return fail("not-a-code", p.code)
				}
				if p := in.place(); p.code != "" {
					return fail("not-a-code", p.code)
				}
				return fail("unknown-country", quote(in.value))
			},
		},
	}
}
