package accuracy

import (
	"strings"
	"time"

	"bailiwick/accuracy/ids"
)

// numberReasons are the codes of checks of numbers, with what to do.
var numberReasons = map[string]string{
	"ask-register": "The check digit of the number is wrong. Real companies have such numbers: ask the register, and do not call it false.",
	"date":         "The number holds a date of birth that does not exist or lies ahead: ask for the number again.",
	"form":         "The number has not the form of its kind: ask for the number again.",
	"unknown-kind": "No rule is known for this kind of number.",
	"personal":     "A person's identity number stands in a field that may be shown: take it out of there.",
}

// CheckNumber judges a number that was given as one of a kind, for the field at
// path. It reaches V1 whatever it says: a right check digit proves nothing about
// who gave it, and a wrong one is a question to the register. The evidence does
// not hold the number.
func CheckNumber(kind ids.Kind, value, path string, now time.Time) Verdict {
	n := ids.Check(kind, value, now)
	v := Verdict{Check: "identity.number", Level: V1, Path: path, Result: Pass, Evidence: string(kind)}
	switch n.Reason {
	case ids.Right:
		return v
	case ids.CheckDigit:
		v.Result, v.Reason = Warn, "ask-register"
	case ids.Date:
		v.Result, v.Reason = Fail, "date"
	case ids.UnknownKind:
		v.Result, v.Reason = Untestable, "unknown-kind"
	default:
		v.Result, v.Reason = Fail, "form"
	}
	v.Detail = numberReasons[v.Reason]
	return v
}

// numberCheck looks for numbers in the text of a contact: records have no field
// for them, and registrants write them beside the name or the organisation.
func numberCheck() Check {
	reasons := map[string]string{}
	for _, r := range []string{"ask-register", "date", "personal"} {
		reasons[r] = numberReasons[r]
	}
	return Check{
		ID: "identity.number", Level: V1, Field: "", Absent: true,
		About:   "A number of a register that stands in the contact has the right form and check digit, and no identity number of a person stands there.",
		Source:  "GB 11643, GB 32100, GB 11714, ISO 17442, ISO 13616, VAT rules of the member states; what a wrong digit means: ours",
		Reasons: reasons,
		run: func(in *input) outcome {
			out := skip
			for _, v := range [...]string{in.contact.Organization, in.contact.Name, in.contact.Handle} {
				o := numberIn(v, in.Now)
				if o.result == Warn {
					return o
				}
				if !o.skip {
					out = o
				}
			}
			return out
		},
	}
}

// numberIn finds the first number in a text that is known by its label or its
// unmistakable shape.
func numberIn(s string, now time.Time) outcome {
	if len(s) < 8 || len(s) > 1024 || !hasDigit(s) {
		return skip
	}
	label := ids.Kind("")
	since := 0
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r < 0x80 || r == '：'
	}) {
		if since++; since > 3 {
			label = ""
		}
		kind := label
		switch strings.ToLower(w) {
		case "vat", "ust", "ustid", "ustidnr", "uid", "tva", "iva", "btw", "mwst", "moms", "nif", "cif", "nip", "dic", "piva":
			label, since = ids.VAT, 0
			continue
		case "lei":
			label, since = ids.LEI, 0
			continue
		case "iban":
			label, since = ids.IBAN, 0
			continue
		case "统一社会信用代码", "uscc", "信用代码":
			label, since = ids.SocialCredit, 0
			continue
		case "组织机构代码":
			label, since = ids.OrgCode, 0
			continue
		case "身份证", "身份证号", "身份证号码":
			label, since = ids.ResidentID, 0
			continue
		}
		if kind == "" && len(w) == 18 { // two kinds share the length
			// Without a label a person's has to be right and a company's to begin
			// as theirs do: 18 digits may be anything.
			switch {
			case ids.Check(ids.ResidentID, w, now).OK():
				kind = ids.ResidentID
			case w[0] == '9' && w[1] >= '1' && w[1] <= '3':
				kind = ids.SocialCredit
			}
		}
		if kind == "" || len(w) < 8 {
			continue
		}
		n := ids.Check(kind, w, now)
		switch {
		case n.Reason == ids.Form:
			continue // a label beside something else
		case kind == ids.ResidentID && n.Reason != ids.Date:
			return warn("personal", string(kind))
		case n.Reason == ids.CheckDigit:
			return warn("ask-register", string(kind))
		case n.Reason == ids.Date:
			return warn("date", string(kind))
		}
		return outcome{result: Pass, evidence: string(kind)}
	}
	return skip
}
