package accuracy

import (
	"strconv"
	"strings"

	"bailiwick/registration"
	"bailiwick/registration/phone"
)

// number is a telephone number in parts.
type number struct {
	plus   bool
	dot    bool   // after one to three digits, as EPP has it
	digits string // all of the number's, without the extension's
	ext    string
	fault  string // of the characters
	extBad bool
	plan   phone.Plan
	known  bool // the plan says something: the country code is assigned, or the contact's country was taken
}

// maxDigits is more digits than any number has.
const maxDigits = 40

func (in *input) number() *number {
	if n := &in.memo.number; !in.memo.haveNumber {
		in.memo.haveNumber = true
		*n = readNumber(in.contact.Phone)
		switch {
		case n.fault != "" || len(n.digits) > maxDigits:
		case n.plus:
			n.plan, n.known = phone.Look(n.digits)
		default:
			if p := in.place(); p.code != "" && n.digits != "" {
				n.plan, n.known = phone.Home(n.digits, p.code)
			}
		}
	}
	return &in.memo.number
}

// readNumber takes a number apart, as EPP (RFC 5733 section 2.5), a tel: URI
// (RFC 3966) or people write it. It judges nothing but the characters.
func readNumber(s string) (n number) {
	s = strings.TrimSpace(s)
	if len(s) > 256 {
		n.fault = "characters"
		return n
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	main, ext, marks := splitExtension(s)
	if marks > 1 {
		n.fault = "two-extensions"
		return n
	}
	if marks == 1 {
		n.ext = strings.Trim(ext, " .:")
		// RFC 5733 sets no length; the switchboards of telephones take no more.
		n.extBad = n.ext == "" || len(n.ext) > 11 || strings.Trim(n.ext, "0123456789") != ""
	}
	main = strings.TrimSpace(main)
	if rest, ok := strings.CutPrefix(main, "+"); ok {
		n.plus, main = true, strings.TrimSpace(rest)
	}
	var buf [256]byte
	digits := buf[:0]
	for i := 0; i < len(main); i++ {
		switch c := main[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == '.' && n.plus && !n.dot && len(digits) >= 1 && len(digits) <= 3 && i == len(digits):
			n.dot = true
		case strings.IndexByte(" .-/()", c) >= 0:
		default:
			n.fault = "characters"
			return n
		}
	}
	if n.digits = string(digits); n.digits == "" {
		n.fault = "no-digits"
	}
	return n
}

// splitExtension cuts the extension off a number, and counts the marks of one.
func splitExtension(s string) (main, ext string, marks int) {
	if head, params, ok := strings.Cut(s, ";"); ok { // RFC 3966
		main = head
		for p := range strings.SplitSeq(params, ";") {
			if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), "ext") {
				ext = v
				marks++
			}
		}
		s = main
	} else {
		main = s
	}
	if i := strings.IndexAny(s, "xX#"); i >= 0 {
		marks++
		main = s[:i]
		ext = s[i+1:]
		if head := strings.TrimRight(main, " ,"); len(head) > 0 && head[len(head)-1]|0x20 == 'e' { // "ext."
			main = head[:len(head)-1]
			ext = strings.TrimLeft(ext, "tT")
		}
		marks += strings.Count(strings.ToLower(ext), "x") + strings.Count(ext, "#")
		main = strings.TrimRight(main, " ,")
	}
	return main, ext, marks
}

// serviceNumbers are numbers that everybody knows, and that stand where
// somebody had to write one. In digits, with the country code.
var serviceNumbers = [...]string{
	"8613800138000", "8613800000000", "8613888888888", // examples of Chinese operators
	"18008888888", "18005551212", "12345678900",
	"441632960000", "447700900000", // the first numbers kept for drama
}

// madeUp says why the digits of a number look made up, or "".
func madeUp(p *phone.Plan, digits string) string {
	for _, s := range serviceNumbers {
		if digits == s {
			return "well-known"
		}
	}
	tail := p.National
	if tail == "" {
		tail = digits
	}
	if strings.Trim(tail, "0") == "" {
		return "zeros"
	}
	// The subscriber's part is not told apart in most plans; seven digits are
	// no longer than any.
	if len(tail) > 7 {
		tail = tail[len(tail)-7:]
	}
	if len(tail) < 4 {
		return ""
	}
	same, up, down := true, len(tail) >= 6, len(tail) >= 6
	for i := 1; i < len(tail); i++ {
		d := (int(tail[i]) - int(tail[i-1]) + 10) % 10
		same, up, down = same && d == 0, up && d == 1, down && d == 9
	}
	switch {
	case same:
		return "repeated"
	case up || down:
		return "sequence"
	case p.Code == 1 && len(p.National) == 10 && p.National[3:8] == "55501":
		return "fictitious"
	}
	return ""
}

// sharedPlan is the country whose numbers a country shares, so that the region
// of a number does not tell the two apart or people take either's; itself for
// one with a plan of its own.
func sharedPlan(country string) string {
	switch country {
	case "PR", "VI", "GU", "MP", "AS", "UM":
		return "US"
	case "GG", "JE", "IM":
		return "GB"
	case "VA", "SM": // San Marino is also reached over Italy
		return "IT"
	case "AX":
		return "FI"
	case "SJ", "BV":
		return "NO"
	case "CX", "CC", "NF", "HM":
		return "AU"
	case "EH":
		return "MA"
	case "XK":
		return ""
	case "BL", "MF":
		return "GP"
	case "YT", "TF":
		return "RE"
	case "BQ":
		return "CW"
	case "GS":
		return "FK"
	case "AC", "TA":
		return "SH"
	case "PN":
		return "NZ"
	}
	return country
}

func phoneChecks() []Check {
	return []Check{
		{
			ID: "phone.present", Level: V1, Field: "phone", Absent: true,
			About:   "There is a telephone number.",
			Source:  "RAA 2013 section 3.3.1 and WAPS 1(a); ARS test T1 (our wording)",
			Reasons: map[string]string{"missing": "There is no telephone number: add one at which the contact answers."},
			run:     missing,
		},
		{
			ID: "phone.characters", Level: V1, Field: "phone",
			About:  "The number has only digits, separators, and at most one mark of an extension.",
			Source: "RFC 5733 section 2.5, RFC 3966 section 3; ARS test T4 (our wording)",
			Reasons: map[string]string{
				"characters":     "Something beside digits and separators stands in the number: write it as +CC.NUMBER.",
				"two-extensions": "More than one extension stands after the number: give one.",
				"no-digits":      "There is no digit.",
			},
			run: func(in *input) outcome {
				if n := in.number(); n.fault != "" {
					return fail(n.fault, quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.country-code", Level: V1, Field: "phone",
			About:  "The number begins with + and an assigned country code.",
			Source: "ITU-T E.164 section 6; WAPS 1(c); ARS tests T2 and T3 (our wording)",
			Reasons: map[string]string{
				"no-country-code":         "The number does not begin with + and a country code: write it as +CC.NUMBER.",
				"unassigned-country-code": "No country has the country code that the number begins with.",
			},
			run: func(in *input) outcome {
				switch n := in.number(); {
				case n.fault != "":
					return skip
				case !n.plus:
					return fail("no-country-code", quote(in.value))
				case !n.known:
					return fail("unassigned-country-code", quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.form", Level: V1, Field: "phone",
			About:  "The number is in the form of EPP: +CC.NUMBER.",
			Source: "RFC 5733 section 2.5; ARS test T3 (our wording)",
			Reasons: map[string]string{
				"not-epp-form": "The number is not written as +CC.NUMBER.",
				"other-form":   "The number was read from a form that has no dot after the country code (RFC 3966).",
			},
			run: func(in *input) outcome {
				n := in.number()
				switch {
				case n.fault != "":
					return skip
				case n.plus && n.dot && n.known && in.value[:1] == "+" && strings.IndexByte(in.value, '.') == codeLen(n.plan.Code)+1:
					return pass
				case n.plus && !n.dot && in.Record.SourceOf(in.path).Protocol == "rdap":
					return untestable("other-form", "")
				}
				return fail("not-epp-form", quote(in.value))
			},
		},
		{
			ID: "phone.length", Level: V1, Field: "phone",
			About:  "The number is as long as a number of its country can be.",
			Source: "ITU-T E.164 section 6 and the national numbering plans; ARS test T5 (our wording)",
			Reasons: map[string]string{
				string(phone.TooShort):  "The number is shorter than any of its country: digits are missing.",
				string(phone.TooLong):   "The number is longer than any of its country.",
				string(phone.NoSuch):    "No number of its country is as long.",
				string(phone.LocalOnly): "The number lacks its area code.",
			},
			run: func(in *input) outcome {
				n := in.number()
				switch {
				case len(n.digits) > maxDigits:
					return fail(string(phone.TooLong), quote(in.value))
				case !n.known:
					return skip
				case n.plan.Length != phone.Fits:
					return fail(string(n.plan.Length), quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.plan", Level: V1, Field: "phone",
			About:  "A range of the numbering plan holds the number. Plans change before tables of them do, so this only warns.",
			Source: "national numbering plans, as libphonenumber's tables have them",
			Reasons: map[string]string{
				"not-in-plan": "No range of the country's numbering plan that we know holds the number: check its first digits.",
			},
			run: func(in *input) outcome {
				n := in.number()
				if !n.known || n.plan.Length != phone.Fits {
					return skip
				}
				if !n.plan.Valid {
					return warn("not-in-plan", quote(in.value))
				}
				return outcome{result: Pass, evidence: n.plan.Region}
			},
		},
		{
			ID: "phone.extension", Level: V1, Field: "phone",
			About:   "The extension, where there is one, is 1 to 11 digits.",
			Source:  "RFC 5733 section 2.5, RFC 3966 section 5.3; ARS test T6 (our wording)",
			Reasons: map[string]string{"extension-form": "The extension is not 1 to 11 digits."},
			run: func(in *input) outcome {
				switch n := in.number(); {
				case n.fault != "" || n.ext == "" && !n.extBad:
					return skip
				case n.extBad:
					return fail("extension-form", quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.placeholder", Level: V1, Field: "phone",
			About:  "The digits do not look made up.",
			Source: "field practice; DENIC's number for absent ones is of zeros only",
			Reasons: map[string]string{
				"repeated":   "The subscriber's digits are all the same.",
				"sequence":   "The subscriber's digits count up or down.",
				"zeros":      "The number is of zeros only, which stands for none.",
				"well-known": "The number is a well-known one that stands in for the contact's own.",
				"fictitious": "The number is one of those kept for fiction (555-01 in North America).",
			},
			run: func(in *input) outcome {
				n := in.number()
				if n.fault != "" || len(n.digits) > maxDigits {
					return skip
				}
				if why := madeUp(&n.plan, n.digits); why != "" {
					return warn(why, quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.type", Level: V1, Field: "phone",
			About:  "The number costs its caller no more than a call.",
			Source: "national numbering plans, as libphonenumber's tables have them",
			Reasons: map[string]string{
				string(phone.Premium): "The number is a premium-rate one: whoever calls pays for it.",
				string(phone.Shared):  "The number is a shared-cost one, which often cannot be called from abroad.",
			},
			run: func(in *input) outcome {
				n := in.number()
				switch {
				case !n.known || !n.plan.Valid:
					return skip
				case n.plan.Kind != phone.Plain:
					return warn(string(n.plan.Kind), quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "phone.region", Level: V1, Field: "phone",
			About:  "The number is of the country of the postal address. Many honest ones are not, so this only warns.",
			Source: "field practice; consistency of fields as in SAC058",
			Reasons: map[string]string{
				"other-country": "The number is of another country than the postal address: check both.",
			},
			run: func(in *input) outcome {
				n, p := in.number(), in.place()
				if !n.known || !n.plus || p.code == "" {
					return skip
				}
				// A country's state may be withheld while its stand-in is shown.
				if s := in.Record.Fields[registration.ContactPath(in.role, "country")]; s == registration.Redacted {
					return skip
				}
				home := sharedPlan(p.code)
				switch {
				case n.plan.Valid && n.plan.Region != "":
					if sharedPlan(n.plan.Region) != home {
						return warn("other-country", n.plan.Region+" "+p.code)
					}
				case n.plan.Valid || phone.CodeOf(p.code) == 0: // of no country
					return skip
				case phone.CodeOf(p.code) != n.plan.Code:
					return warn("other-country", "+"+strconv.Itoa(n.plan.Code)+" "+p.code)
				}
				return pass
			},
		},
		{
			ID: "phone.answered", Level: V2, Field: "phone",
			About:   "Somebody at the number has answered, and no later call failed.",
			Source:  "WAPS 1(f)(ii); ARS: the call connects or rings (our wording)",
			Reasons: map[string]string{"no-answer": "The last call or message did not get through: ask the contact for a number that works."},
			run:     answered,
		},
	}
}

// codeLen is how many digits a country code has.
func codeLen(code int) int {
	switch {
	case code < 10:
		return 1
	case code < 100:
		return 2
	}
	return 3
}
