package disclosure

import (
	"slices"
	"strings"

	"bailiwick/problem"
	"bailiwick/registration"
)

// Direction says whose request it is.
type Direction string

// The directions.
const (
	Outgoing Direction = "sent"     // ours, to whoever holds the data
	Incoming Direction = "received" // somebody's, to us as the registry or registrar
)

// Urgency of a request.
type Urgency string

// The urgencies.
const (
	Ordinary Urgency = "ordinary"
	Urgent   Urgency = "urgent" // needs a Condition
)

// Condition is what makes a request urgent: the cases of an imminent threat
// that the gTLD Registration Data Policy names.
type Condition string

// The conditions.
const (
	Life           Condition = "life"
	Injury         Condition = "injury"
	Infrastructure Condition = "infrastructure"
	Child          Condition = "child"
)

func (c Condition) known() bool { return conditions.has(string(c)) }

// Requestor is what somebody who asks is, as they say.
type Requestor string

// LegalBasis is what a request rests on, as who asks says. The letters are of
// Article 6(1) of Regulation (EU) 2016/679 where it has one.
type LegalBasis string

// Purpose is what the data is wanted for.
type Purpose string

// Reason is why a request was refused, in whole or in part. RDRS lets several
// reasons stand for one refusal, so reasons add up to more than refusals. Its
// list of seven reasons was not at hand: these codes are ours, to be counted as
// RDRS counts.
type Reason string

// Word is a code with what it means.
type Word struct {
	Code  string `json:"code"`
	Means string `json:"means"`
}

// Words is a list of codes in the order in which they are shown.
type Words []Word

func (w Words) has(code string) bool {
	return slices.ContainsFunc(w, func(x Word) bool { return x.Code == code })
}

// Means says what a code means; the code itself if it is not one.
func (w Words) Means(code string) string {
	for _, x := range w {
		if x.Code == code {
			return x.Means
		}
	}
	return code
}

// Codes are the codes alone.
func (w Words) Codes() []string {
	var out []string
	for _, x := range w {
		out = append(out, x.Code)
	}
	return out
}

func (w Words) check(e *problem.Error, field, code string) *problem.Error {
	if w.has(code) {
		return e
	}
	if code == "" {
		return e.Add(field, "is missing: one of %s", strings.Join(w.Codes(), ", "))
	}
	return e.Add(field, "%.40q is not one of %s", code, strings.Join(w.Codes(), ", "))
}

// The lists, which nothing changes.
var (
	conditions = Words{
		{string(Life), "imminent threat to life"},
		{string(Injury), "imminent threat of serious bodily injury"},
		{string(Infrastructure), "imminent threat to critical infrastructure"},
		{string(Child), "child exploitation, where disclosure is needed to address it"},
	}
	requestors = Words{
		{"cert", "a CERT, CSIRT or coordination centre"},
		{"law_enforcement", "law enforcement or another authority"},
		{"court", "a court, or a party with its order"},
		{"security", "a security researcher or company"},
		{"rights_holder", "a holder of intellectual property, or for one"},
		{"consumer_protection", "consumer protection"},
		{"holder", "the registrant, about their own data"},
		{"other", "somebody else"},
	}
	bases = Words{
		{"legitimate_interests", "legitimate interests, Article 6(1)(f) GDPR"},
		{"public_task", "a task in the public interest, Article 6(1)(e) GDPR"},
		{"legal_obligation", "a legal obligation, Article 6(1)(c) GDPR"},
		{"vital_interests", "vital interests, Article 6(1)(d) GDPR"},
		{"consent", "the holder's consent, Article 6(1)(a) GDPR"},
		{"access_seeker", "a legitimate access seeker under the national law on Article 28(5) NIS2"},
		{"order", "an order of a court or authority"},
		{"other_law", "another law, named in the statement"},
	}
	purposes = Words{
		{"abuse", "handling abuse of the name"},
		{"security", "network and information security"},
		{"crime", "investigating a crime"},
		{"intellectual_property", "intellectual property"},
		{"consumer_protection", "protecting consumers"},
		{"legal_claim", "a legal claim or its defence"},
		{"accuracy", "accuracy of registration data"},
		{"other", "another purpose, named in the statement"},
	}
	reasons = Words{
		{"incomplete", "the request is incomplete"},
		{"no_answer", "the requestor did not answer a question"},
		{"not_verified", "who asks could not be verified"},
		{"no_basis", "no sufficient legal basis was shown"},
		{"balance", "the holder's interests or rights weigh more"},
		{"law", "applicable law does not allow it"},
		{"public", "the data is public, or stands with a privacy or proxy service named in it"},
		{"not_held", "the data is not held here"},
		{"other", "another reason"},
	}
)

// Conditions are what can make a request urgent.
func Conditions() Words { return slices.Clone(conditions) }

// Requestors are what somebody who asks can be.
func Requestors() Words { return slices.Clone(requestors) }

// Bases are the legal bases.
func Bases() Words { return slices.Clone(bases) }

// Purposes are the purposes.
func Purposes() Words { return slices.Clone(purposes) }

// Reasons are why a request can be refused.
func Reasons() Words { return slices.Clone(reasons) }

// Fields are the paths of the registration contact fields that can be asked
// for, such as "contacts.registrant.email".
func Fields() []string {
	var out []string
	for _, role := range []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing} {
		for _, f := range registration.ContactFields() {
			if f != "handle" && f != "contact_uri" { // neither is personal data that is withheld
				out = append(out, registration.ContactPath(role, f))
			}
		}
	}
	return out
}
