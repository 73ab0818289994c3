// Package ids reads identity and register numbers: the Chinese resident ID,
// unified social credit code and organisation code, LEI, IBAN and the VAT
// numbers of the member states of the European Union.
//
// A right check digit proves nothing about who gave the number, and a wrong one
// does not prove it false: real companies carry codes whose check digit is
// wrong. So a failed check digit means "ask the register". Region codes change,
// and one that is not known is no error.
package ids

import (
	"strings"
	"time"
)

// Kind is a kind of number.
type Kind string

// The kinds.
const (
	ResidentID   Kind = "cn-resident-id"       // GB 11643
	SocialCredit Kind = "cn-social-credit"     // GB 32100
	OrgCode      Kind = "cn-organisation-code" // GB 11714
	LEI          Kind = "lei"                  // ISO 17442
	IBAN         Kind = "iban"                 // ISO 13616
	VAT          Kind = "eu-vat"               // Directive 2006/112/EC, a rule for each member state
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{ResidentID, SocialCredit, OrgCode, LEI, IBAN, VAT} }

// Reason says why a number is not right.
type Reason string

// The reasons. CheckDigit alone leaves the number possible: ask the register.
const (
	Right       Reason = ""
	Form        Reason = "form"        // length, letters or digits are not of this kind
	Date        Reason = "date"        // it holds a date that does not exist or lies ahead
	CheckDigit  Reason = "check-digit" // the check digit is wrong
	UnknownKind Reason = "unknown-kind"
)

// Number is what is told of a number.
type Number struct {
	Kind   Kind
	Reason Reason // Right when nothing speaks against it
	// Value is the number in one form: upper case, no separators.
	Value string
	// Country is the ISO 3166-1 alpha-2 code of who gives the number, where it
	// says so (GR for a Greek VAT number, whose prefix is EL).
	Country string
	// Born is the date of birth in a resident ID.
	Born time.Time
	// OrgCode is the organisation code in a social credit code.
	OrgCode string
}

// OK says whether nothing speaks against the number.
func (n Number) OK() bool { return n.Reason == Right }

// maxNumber is more than the longest number with separators, in octets.
const maxNumber = 64

// Check reads s as a number of the kind. now bounds dates of birth.
func Check(kind Kind, s string, now time.Time) Number {
	v := Normal(s)
	n := Number{Kind: kind, Value: v, Reason: Form}
	if v == "" {
		return n
	}
	switch kind {
	case ResidentID:
		n.Country = "CN"
		n.Reason, n.Born = residentID(v, now)
	case SocialCredit:
		n.Country = "CN"
		if n.Reason = socialCredit(v); n.Reason != Form {
			n.OrgCode = v[8:17]
		}
	case OrgCode:
		n.Country = "CN"
		n.Reason = orgCode(v)
	case LEI:
		n.Reason = lei(v)
	case IBAN:
		if n.Reason = iban(v); n.Reason != Form {
			n.Country = v[:2]
		}
	case VAT:
		n.Country, n.Reason = vat(v)
	default:
		n.Reason = UnknownKind
	}
	return n
}

// Normal drops spaces, hyphens, dots and slashes and makes letters upper case.
// It is "" for what holds anything but ASCII letters, digits, "+" and "*" (which
// old Irish numbers have), and for what is too long.
func Normal(s string) string {
	if len(s) > maxNumber {
		return ""
	}
	var b [maxNumber]byte
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '-' || c == '.' || c == '/':
			continue
		case c >= 'a' && c <= 'z':
			b[n] = c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', digit(c), c == '+', c == '*':
			b[n] = c
		default:
			return ""
		}
		n++
	}
	return string(b[:n])
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}

// weighted is the sum of the digits times the weights.
func weighted(s string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += w * int(s[i]-'0')
	}
	return sum
}

// at is the digit at i.
func at(s string, i int) int { return int(s[i] - '0') }

// when gives CheckDigit unless ok.
func when(ok bool) Reason {
	if ok {
		return Right
	}
	return CheckDigit
}

// residentID is GB 11643: region (6), date of birth (8), order (3), check. The
// region is not looked up: codes change, and people keep theirs.
func residentID(v string, now time.Time) (Reason, time.Time) {
	if len(v) != 18 || !digits(v[:17]) || !digit(v[17]) && v[17] != 'X' {
		return Form, time.Time{}
	}
	born, err := time.Parse("20060102", v[6:14])
	if err != nil || born.Year() < 1850 || !now.IsZero() && born.After(now) {
		return Date, time.Time{}
	}
	sum := weighted(v, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return when("10X98765432"[sum%11] == v[17]), born
}

// creditAlphabet is that of GB 32100: no I, O, S, V, Z.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// socialCredit is GB 32100: authority, type, region (6), organisation code (9),
// check. (31 - sum mod 31) may be 31, and is 0 then.
func socialCredit(v string) Reason {
	if len(v) != 18 || !digits(v[2:8]) {
		return Form
	}
	sum, w := 0, 1
	for i := range 17 {
		c := strings.IndexByte(creditAlphabet, v[i])
		if c < 0 {
			return Form
		}
		sum += c * w
		w = w * 3 % 31
	}
	c := strings.IndexByte(creditAlphabet, v[17])
	if c < 0 {
		return Form
	}
	return when((31-sum%31)%31 == c)
}

// orgCode is GB 11714: eight letters or digits and a check digit, X for 10.
func orgCode(v string) Reason {
	if len(v) != 9 || !digit(v[8]) && v[8] != 'X' {
		return Form
	}
	sum := 0
	for i, w := range [...]int{3, 7, 9, 10, 5, 8, 4, 2} {
		switch c := v[i]; {
		case digit(c):
			sum += int(c-'0') * w
		case c >= 'A' && c <= 'Z':
			sum += int(c-'A'+10) * w
		default:
			return Form
		}
	}
	return when("0123456789X0"[11-sum%11] == v[8])
}

// lei is ISO 17442: 18 letters or digits and two check digits.
func lei(v string) Reason {
	if len(v) != 20 || !digits(v[18:]) {
		return Form
	}
	m, ok := mod97(v)
	if !ok {
		return Form
	}
	return when(m == 1)
}

// iban is ISO 13616. Of a country whose length is not known only the check
// digits are looked at.
func iban(v string) Reason {
	if len(v) < 15 || len(v) > 34 || !letter(v[0]) || !letter(v[1]) || !digits(v[2:4]) {
		return Form
	}
	if n := ibanLength(v[:2]); n != 0 && n != len(v) {
		return Form
	}
	m, ok := mod97(v[4:] + v[:4])
	if !ok {
		return Form
	}
	return when(m == 1)
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }

// mod97 is the remainder of ISO 7064 MOD 97-10, with letters as 10 to 35.
func mod97(v string) (m int, ok bool) {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case digit(c):
			m = (m*10 + int(c-'0')) % 97
		case letter(c):
			m = (m*100 + int(c-'A') + 10) % 97
		default:
			return 0, false
		}
	}
	return m, true
}

// ibanLengths are the lengths by country (ISO 13616 registry, from general
// knowledge).
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24" +
	"FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25" +
	"MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27" +
	"SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"

func ibanLength(country string) int {
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i:i+2] == country {
			return at(ibanLengths, i+2)*10 + at(ibanLengths, i+3)
		}
	}
	return 0
}
