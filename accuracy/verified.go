package accuracy

import (
	"slices"
	"strings"
	"time"

	"bailiwick/registration"

	"golang.org/x/text/unicode/norm"
)

// Verification is the record of a verification that somebody made: what DENIC
// asks its members to keep of each (DENIC-29), with the level of SAC058 and
// what was verified. What evidence was shown is not here, only its kind and
// digest.
type Verification struct {
	// Path is of the contact, such as "contacts.registrant".
	Path string `json:"path"`
	// Claims are what was verified: name, address, email, phone, org_id,
	// identity.
	Claims []string `json:"claims"`
	// Values are the values that were verified, by field of the contact: the
	// record is about no others.
	Values map[string]string `json:"values"`
	Level  Level             `json:"level"`
	// Method is how: one of Methods.
	Method   string `json:"method"`
	Evidence string `json:"evidence_type,omitempty"`
	// Digest is the salted digest of what was shown, in hex.
	Digest      string    `json:"evidence_digest,omitempty"`
	Framework   string    `json:"trust_framework,omitempty"`
	Verifier    string    `json:"verifier_id"`
	Audit       string    `json:"audit_ref,omitempty"`
	Result      string    `json:"result"` // pass, fail, inconclusive
	PerformedAt time.Time `json:"performed_at"`
	ValidUntil  time.Time `json:"valid_until,omitzero"`
	Reuses      string    `json:"reuses_ref,omitempty"`
	Policy      string    `json:"policy_id,omitempty"`
}

// Methods are the ways to verify. The first four show whose data it is; the
// others that a way to reach somebody works.
func Methods() []string { return slices.Clone(verifyMethods[:]) }

var verifyMethods = [...]string{"eid", "register", "document", "by-person", "email-code", "phone-code", "call-back", "post-code"}

// showsWhose is how many of them reach V3.
const showsWhose = 4

// RegisterEntry is what a register of companies or residents said when it was
// asked, elsewhere, about a contact.
type RegisterEntry struct {
	Path     string `json:"path"`     // of the contact
	Register string `json:"register"` // which: "LEI", "DK CVR"
	Number   string `json:"number,omitempty"`
	// Name is the name or organisation of the contact that was asked about.
	Name  string `json:"name"`
	Found bool   `json:"found"`
	// Listed is the name that the register has, and Inactive that it says that
	// this is no more.
	Listed   string    `json:"listed,omitempty"`
	Inactive bool      `json:"inactive,omitempty"`
	Failure  string    `json:"failure,omitempty"` // why nothing was learned
	At       time.Time `json:"at"`
}

// Inquiry is one of the three questions of the study of 2010 for ICANN (NORC)
// about a registrant, as a person answered it.
type Inquiry struct {
	Path string `json:"path"` // of the contact
	// Question is "linked" (independent records link the name with the
	// address), "located" (the registrant was found), or "confirmed" (and
	// acknowledges the registration and confirms the details).
	Question string `json:"question"`
	Answer   string `json:"answer"` // yes, no, unclear
	// Faults are the details that were not confirmed.
	Faults int `json:"faults,omitempty"`
	// Values are the name and address that it was about, by field.
	Values map[string]string `json:"values"`
	By     string            `json:"by"`
	At     time.Time         `json:"at"`
}

// VerifiedChecks are the checks of whose data it is (V3). They ask nobody: they
// judge what a verifier, a register or a person found and somebody recorded,
// and are not testable where nothing was recorded.
func VerifiedChecks() []Check {
	out := []Check{
		claimCheck("name.verified", "name", "A verifier has confirmed, by an electronic identity, a register, a document or a person's look at evidence, that the name is the holder's.", []string{"name", "identity"}, "name"),
		claimCheck("organization.verified", "organization", "A verifier has confirmed in the same ways that the organisation is the holder.", []string{"name", "org_id", "identity"}, "organization"),
		claimCheck("address.verified", "street", "A verifier has confirmed in the same ways that the address is the holder's.", []string{"address"}, "street", "city", "postal_code", "country"),
		claimCheck("identity.verified", "", "A verifier has established who the holder is.", []string{"identity"}, "name", "organization"),
		registerCheck(),
	}
	for _, q := range []struct{ question, about, no string }{
		{"linked", "Independent records link the name with the address.", "No independent record links the name with the address."},
		{"located", "The registrant was found.", "The registrant could not be found."},
		{"confirmed", "The registrant acknowledges the registration and confirms all details.", "The registrant did not acknowledge the registration."},
	} {
		out = append(out, inquiryCheck(q.question, q.about, q.no))
	}
	return out
}

var claimReasons = map[string]string{
	"refuted":      "The verifier found that it is not so: ask the registrant for evidence or a correction.",
	"inconclusive": "The verification came to no result.",
	"lapsed":       "What confirmed it is no longer valid: it has to be verified again.",
	"other-value":  "What was verified is another value than the one that stands here now.",
	"weak-method":  "What was recorded shows that the contact can be reached, and not who it is.",
}

// claimCheck is the check that a claim was verified, for values that are those
// that stand there now.
func claimCheck(id, field, about string, claims []string, values ...string) Check {
	return Check{
		ID: id, Level: V3, Field: field, Identity: true, Absent: field == "",
		About:   about,
		Source:  "SAC058, identity validation; the record of DENIC-29; which methods reach V3: ours",
		Reasons: claimReasons,
		run: func(in *input) outcome {
			if in.contact.IsZero() {
				return skip
			}
			var found *Verification
			state := ""
			for i := range in.Facts.Verifications {
				v := &in.Facts.Verifications[i]
				if v.Path != registration.ContactPath(in.role, "") || in.ahead(v.PerformedAt) || v.Verifier == "" || !overlaps(v.Claims, claims) {
					continue
				}
				switch {
				case v.Level != V3 || !slices.Contains(verifyMethods[:showsWhose], v.Method):
					state = stronger(state, "weak-method")
				case !in.sameValues(v.Values, values):
					state = stronger(state, "other-value")
				case v.Result != string(Pass) && v.Result != string(Fail):
					state = stronger(state, "inconclusive")
				case found == nil || !v.PerformedAt.Before(found.PerformedAt):
					found = v
				}
			}
			switch {
			case found == nil && state == "":
				return untestable(NoFact, "")
			case found == nil:
				return untestable(state, "")
			case !found.ValidUntil.IsZero() && !in.Now.IsZero() && !in.Now.Before(found.ValidUntil):
				return outcome{result: Untestable, reason: "lapsed", evidence: quote(found.Method + " by " + found.Verifier), at: found.PerformedAt}
			case found.Result == string(Fail):
				return outcome{result: Fail, reason: "refuted", evidence: quote(found.Method + " by " + found.Verifier), at: found.PerformedAt}
			}
			return outcome{result: Pass, evidence: quote(found.Method + " by " + found.Verifier), at: found.PerformedAt}
		},
	}
}

// stronger is the reason of the two that comes nearer to a verification.
func stronger(a, b string) string {
	order := []string{"", "weak-method", "other-value", "inconclusive"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// ahead says whether a fact is dated after the look at it.
func (in *input) ahead(at time.Time) bool {
	return at.IsZero() || !in.Now.IsZero() && at.After(in.Now)
}

func overlaps(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// sameValues says whether a fact is about the values that stand there now: one
// of the fields at least, and all that it names. Case, spaces and the form of
// characters are not counted.
func (in *input) sameValues(values map[string]string, fields []string) bool {
	some := false
	for _, f := range fields {
		v, has := values[f]
		if !has {
			continue
		}
		if here := in.contact.Field(f); folded(v) != folded(here) {
			return false
		} else if here != "" {
			some = true
		}
	}
	// What the check is about must be among them.
	if in.field != "" && in.value != "" && values[in.field] == "" {
		return false
	}
	return some
}

func folded(s string) string {
	if len(s) > maxValue {
		s = s[:maxValue]
	}
	return strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(s)), " "))
}

func registerCheck() Check {
	return Check{
		ID: "register.entry", Level: V3, Field: "organization", Identity: true, Absent: true,
		About:  "A register of companies or residents has the holder, under the name that stands here.",
		Source: "SAC058, identity validation; registries that match holders with registers (.dk, .cn); what a register's answer means: ours",
		Reasons: map[string]string{
			"not-in-register": "The register that was asked has no such entry: ask the registrant for the number and the register.",
			"not-active":      "The register says that the entry is no longer active: ask who holds the name now.",
			"name-differs":    "The register has the entry under another name. Names are written in more than one way, so this only warns: compare them.",
			"other-value":     "The register was asked about another name than the one that stands here now.",
			"no-answer":       "The register gave no answer.",
		},
		run: func(in *input) outcome {
			if in.contact.IsZero() {
				return skip
			}
			var e *RegisterEntry
			other := false
			for i := range in.Facts.Register {
				x := &in.Facts.Register[i]
				if x.Path != registration.ContactPath(in.role, "") || in.ahead(x.At) {
					continue
				}
				if n := folded(x.Name); n == "" || n != folded(in.contact.Organization) && n != folded(in.contact.Name) {
					other = true
					continue
				}
				if e == nil || !x.At.Before(e.At) && (x.Failure == "" || e.Failure != "") || e.Failure != "" && x.Failure == "" {
					e = x
				}
			}
			says := func(r Result, reason string) outcome {
				return outcome{result: r, reason: reason, evidence: quote(e.Register), at: e.At}
			}
			switch {
			case e == nil && other:
				return untestable("other-value", "")
			case e == nil:
				return untestable(NoFact, "")
			case e.Failure != "":
				return says(Untestable, "no-answer")
			case !e.Found:
				return says(Fail, "not-in-register")
			case e.Inactive:
				return says(Warn, "not-active")
			case e.Listed != "" && foldName(e.Listed) != foldName(e.Name):
				return says(Warn, "name-differs")
			}
			return says(Pass, "")
		},
	}
}

func inquiryCheck(question, about, no string) Check {
	return Check{
		ID: "holder." + question, Level: V3, Field: "", Identity: true, Absent: true,
		About:  about,
		Source: "NORC 2010 for ICANN, the second and third criterion",
		Reasons: map[string]string{
			"no":          no,
			"faults":      "The registrant acknowledges the registration, and not all details of it: ask for a correction.",
			"unclear":     "It could not be told.",
			"other-value": "It was asked of another name or address than those that stand here now.",
		},
		run: func(in *input) outcome {
			if in.contact.IsZero() {
				return skip
			}
			var q *Inquiry
			other := false
			for i := range in.Facts.Inquiries {
				x := &in.Facts.Inquiries[i]
				if x.Path != registration.ContactPath(in.role, "") || x.Question != question || x.By == "" || in.ahead(x.At) {
					continue
				}
				if !in.sameValues(x.Values, []string{"name", "organization", "street", "city", "postal_code", "country"}) {
					other = true
				} else if q == nil || !x.At.Before(q.At) {
					q = x
				}
			}
			switch {
			case q == nil && other:
				return untestable("other-value", "")
			case q == nil:
				return untestable(NoFact, "")
			}
			o := outcome{result: Pass, evidence: quote(q.By), at: q.At}
			switch {
			case q.Answer == "no":
				o.result, o.reason = Fail, "no"
			case q.Answer != "yes":
				o.result, o.reason = Untestable, "unclear"
			case q.Faults > 0:
				o.result, o.reason = Warn, "faults"
			}
			return o
		},
	}
}
