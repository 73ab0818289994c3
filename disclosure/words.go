package disclosure

import (
	"bailiwick/registration"
	"bailiwick/rulebook"
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

func (c Condition) known() bool { return conditions.Has(string(c)) }

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

// Words is a list of codes in the order in which they are shown.
type Words = rulebook.Words

// The lists, which nothing changes.
var (
	conditions = Words{
		{Code: string(Life), Means: "imminent threat to life"},
		{Code: string(Injury), Means: "imminent threat of serious bodily injury"},
		{Code: string(Infrastructure), Means: "imminent threat to critical infrastructure"},
		{Code: string(Child), Means: "child exploitation, where disclosure is needed to address it"},
	}
	requestors = Words{
		{Code: "cert", Means: "a CERT, CSIRT or coordination centre"},
		{Code: "law_enforcement", Means: "law enforcement or another authority"},
		{Code: "court", Means: "a court, or a party with its order"},
		{Code: "security", Means: "a security researcher or company"},
		{Code: "rights_holder", Means: "a holder of intellectual property, or for one"},
		{Code: "consumer_protection", Means: "consumer protection"},
		{Code: "holder", Means: "the registrant, about their own data"},
		{Code: "other", Means: "somebody else"},
	}
	bases = Words{
		{Code: "legitimate_interests", Means: "legitimate interests, Article 6(1)(f) GDPR"},
		{Code: "public_task", Means: "a task in the public interest, Article 6(1)(e) GDPR"},
		{Code: "legal_obligation", Means: "a legal obligation, Article 6(1)(c) GDPR"},
		{Code: "vital_interests", Means: "vital interests, Article 6(1)(d) GDPR"},
		{Code: "consent", Means: "the holder's consent, Article 6(1)(a) GDPR"},
		{Code: "access_seeker", Means: "a legitimate access seeker under the national law on Article 28(5) NIS2"},
		{Code: "order", Means: "an order of a court or authority"},
		{Code: "other_law", Means: "another law, named in the statement"},
	}
	purposes = Words{
		{Code: "abuse", Means: "handling abuse of the name"},
		{Code: "security", Means: "network and information security"},
		{Code: "crime", Means: "investigating a crime"},
		{Code: "intellectual_property", Means: "intellectual property"},
		{Code: "consumer_protection", Means: "protecting consumers"},
		{Code: "legal_claim", Means: "a legal claim or its defence"},
		{Code: "accuracy", Means: "accuracy of registration data"},
		{Code: "other", Means: "another purpose, named in the statement"},
	}
	reasons = Words{
		{Code: "incomplete", Means: "the request is incomplete"},
		{Code: "no_answer", Means: "the requestor did not answer a question"},
		{Code: "not_verified", Means: "who asks could not be verified"},
		{Code: "no_basis", Means: "no sufficient legal basis was shown"},
		{Code: "balance", Means: "the holder's interests or rights weigh more"},
		{Code: "law", Means: "applicable law does not allow it"},
		{Code: "public", Means: "the data is public, or stands with a privacy or proxy service named in it"},
		{Code: "not_held", Means: "the data is not held here"},
		{Code: "other", Means: "another reason"},
	}
)

// Conditions are what can make a request urgent.
func Conditions() Words { return conditions.Clone() }

// Requestors are what somebody who asks can be.
func Requestors() Words { return requestors.Clone() }

// Bases are the legal bases.
func Bases() Words { return bases.Clone() }

// Purposes are the purposes.
func Purposes() Words { return purposes.Clone() }

// Reasons are why a request can be refused.
func Reasons() Words { return reasons.Clone() }

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
