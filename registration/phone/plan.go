package phone

import (
	"strconv"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what a number is for in its numbering plan.
type Kind string

// The kinds that matter to whoever wants to reach somebody. Plain is every
// other: fixed, mobile, Internet telephony, free of charge.
const (
	Plain   Kind = ""
	Premium Kind = "premium-rate"
	Shared  Kind = "shared-cost"
)

// Length is how the length of a number compares with its plan.
type Length string

// The lengths.
const (
	Fits      Length = ""
	TooShort  Length = "too-short"
	TooLong   Length = "too-long"
	NoSuch    Length = "no-such-length" // between the lengths that there are
	LocalOnly Length = "local-only"     // the area code is missing
)

// Plan is what the numbering plans (ITU-T E.164) say about a number. Whether
// somebody has the number is another question.
type Plan struct {
	Code     int    // the country code
	National string // the digits after it, without a trunk prefix
	Length   Length
	Valid    bool   // a range of the plan holds it
	Region   string // ISO 3166-1 alpha-2 where it is valid and one country's; else ""
	Kind     Kind   // where it is valid
}

// Look reads the digits of an international number, those after "+". ok is
// false when they begin with no assigned country code.
func Look(digits string) (p Plan, ok bool) {
	if digits == "" || digits[0] == '0' { // no country code begins so
		return p, false
	}
	for n := 1; n <= 3 && n <= len(digits); n++ {
		if digits[n-1] < '0' || digits[n-1] > '9' {
			return p, false
		}
		code, _ := strconv.Atoi(digits[:n])
		if all()[code] == nil {
			continue
		}
		p = Plan{Code: code, National: digits[n:]}
		break
	}
	if p.Code == 0 {
		return p, false
	}
	// A plan's longest number has 15 digits with the country code, Germany's
	// and a few others' 17; a national number of more does not fit the library.
	switch {
	case len(p.National) > 17:
		p.Length = TooLong
		return p, true
	case len(p.National) < 2:
		p.Length = TooShort
		return p, true
	}
	for i := range len(p.National) {
		if p.National[i] < '0' || p.National[i] > '9' {
			return p, false
		}
	}
	if region, kind, valid, known := lookup(p.Code, p.National); known && valid {
		p.is(region, kind)
		return p, true
	}
	v, err := strconv.ParseUint(p.National, 10, 64)
	if err != nil {
		return p, false
	}
	code := int32(p.Code)
	num := &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &v}
	if zeros := leadingZeros(p.National); zeros > 0 {
		leads := true
		num.ItalianLeadingZero, num.NumberOfLeadingZeros = &leads, &zeros
	}
	if p.judge(num); p.Valid {
		return p, true
	}
	// The digits may hold a trunk prefix, which the library takes off; that is
	// dear, and asked only of what is no number without it.
	if n, err := phonenumbers.Parse("+"+digits, ""); err == nil {
		q := Plan{Code: p.Code, National: phonenumbers.GetNationalSignificantNumber(n)}
		if q.National != p.National {
			if q.judge(n); q.Valid || q.Length == Fits {
				return q, true
			}
		}
	}
	return p, true
}

// Home reads the digits of a number without a country code as the given
// country (ISO 3166-1 alpha-2) writes its own. ok is false when the country is
// not known or there is no number.
func Home(digits, country string) (p Plan, ok bool) {
	if len(digits) > maxRaw || CodeOf(country) == 0 {
		return p, false
	}
	n, err := phonenumbers.Parse(digits, country)
	if err != nil {
		return p, false
	}
	p = Plan{Code: int(n.GetCountryCode()), National: phonenumbers.GetNationalSignificantNumber(n)}
	p.judge(n)
	return p, true
}

// is makes p a number that its plan holds.
func (p *Plan) is(region string, kind Kind) {
	p.Valid, p.Kind = true, kind
	if region != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		p.Region = region
	}
}

// judge fills in what the plan says about n.
func (p *Plan) judge(n *phonenumbers.PhoneNumber) {
	region, kind, valid, known := lookup(p.Code, p.National)
	if !known {
		region, kind, valid = ask(n)
	}
	if valid {
		p.is(region, kind)
		return
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.IS_POSSIBLE:
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		p.Length = LocalOnly
	case phonenumbers.TOO_SHORT:
		p.Length = TooShort
	case phonenumbers.TOO_LONG:
		p.Length = TooLong
	default:
		p.Length = NoSuch
	}
}

// ask is lookup by the library.
func ask(n *phonenumbers.PhoneNumber) (region string, kind Kind, valid bool) {
	if region = phonenumbers.GetRegionCodeForNumber(n); region == "" {
		return "", Plain, false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.UNKNOWN:
		return "", Plain, false
	case phonenumbers.PREMIUM_RATE:
		kind = Premium
	case phonenumbers.SHARED_COST:
		kind = Shared
	}
	return region, kind, true
}

// CodeOf is the country code of a country (ISO 3166-1 alpha-2), 0 for one that
// has none.
func CodeOf(country string) int { return phonenumbers.GetCountryCodeForRegion(country) }

// leadingZeros counts the zeros before the last digit.
func leadingZeros(s string) (n int32) {
	for int(n) < len(s)-1 && s[n] == '0' {
		n++
	}
	return n
}
