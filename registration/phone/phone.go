// Package phone gives telephone numbers their international form (ITU-T
// E.164), where it can be told without guessing. Nothing else of the program
// knows the library behind it, whose tables of numbering plans are large.
//
// The number of a record stays as it was read (package registration, Phone):
// this is asked for where numbers are compared or printed, and never by the
// readers, which it would slow down a hundredfold.
package phone

import (
	"strings"

	"bailiwick/registration"

	"github.com/nyaruka/phonenumbers"
)

// maxRaw is the longest text that is looked at, in octets.
const maxRaw = 128

// E164 gives the international form of a telephone number, "+" and at most 15
// digits, without an extension (which E.164 does not have). raw may be written
// as EPP (RFC 5733 section 2.5), a tel: URI (RFC 3966) or people do; country is
// the contact's, ISO 3166-1 alpha-2, or "" when it is not known.
//
// A number that names its country code needs only the length of a number of
// that country: whether somebody has it is another question. One that does not
// is read as the contact's country writes its own, and must be a number of its
// plan; if its digits are as good a number abroad, it can be either. Where ok is
// false the reason says why in words, never with the number.
func E164(raw, country string) (number string, ok bool, reason string) {
	if strings.TrimSpace(raw) == "" {
		return "", false, "there is no number"
	}
	if len(raw) > maxRaw {
		return "", false, "the text is too long for a number"
	}
	main, read := registration.Phone(raw)
	if !read {
		return "", false, "the text is not a telephone number"
	}
	main, _, _ = strings.Cut(main, ";")
	main = strings.ReplaceAll(main, ".", "")
	if strings.HasPrefix(main, "+") {
		n, err := phonenumbers.Parse(main, "")
		switch {
		case err != nil:
			return "", false, "no country has this country code"
		case !phonenumbers.IsPossibleNumber(n):
			return "", false, "no number of that country is as long"
		}
		return whole(phonenumbers.Format(n, phonenumbers.E164))
	}
	if country == "" {
		return "", false, "neither the number nor the contact names a country"
	}
	region := strings.ToUpper(country)
	if phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return "", false, "the contact's country has no numbering plan"
	}
	home, err := phonenumbers.Parse(main, region)
	if err != nil || !phonenumbers.IsValidNumberForRegion(home, region) {
		// It may be an international number whose plus sign was lost.
		return "", false, "not a number of the contact's country, and it names no other"
	}
	e := phonenumbers.Format(home, phonenumbers.E164)
	if abroad, err := phonenumbers.Parse("+"+main, ""); err == nil && phonenumbers.IsValidNumber(abroad) {
		if f := phonenumbers.Format(abroad, phonenumbers.E164); f != e {
			return "", false, "the digits are a number of the contact's country and one abroad"
		}
	}
	return whole(e)
}

// maxE164 is the most octets of a number in E.164: "+" and 15 digits (ITU-T
// E.164 section 6). Some plans of the library hold longer ones.
const maxE164 = 16

func whole(e string) (number string, ok bool, reason string) {
	if len(e) > maxE164 {
		return "", false, "the number is longer than a number can be"
	}
	return e, true, ""
}
