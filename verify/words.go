package verify

import (
	"slices"
	"strings"

	"bailiwick/problem"
)

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

func (w Words) clone() Words { return slices.Clone(w) }

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

// Role is whose contact it is.
type Role string

// The roles of WAPS section 1.
const (
	Registrant    Role = "registrant"     // the registered name holder
	AccountHolder Role = "account_holder" // the registrar's customer, if another
)

// Trigger is what began a verification. That a registration was renewed is none.
type Trigger string

// The triggers.
const (
	Registered  Trigger = "registered"
	Transferred Trigger = "transferred" // to this registrar
	ChangedData Trigger = "changed"
	DoubtedData Trigger = "doubted"
)

var triggers = []Trigger{Registered, Transferred, ChangedData, DoubtedData}

// Cause is why data that was verified is in doubt.
type Cause string

// The causes.
const (
	Bounce    Cause = "bounce"    // mail to the holder came back
	Complaint Cause = "complaint" // a person upheld one
	Contrary  Cause = "contrary"  // a person saw evidence against it
	Expired   Cause = "expired"   // the verification was good until a day that is over
)

// Method is how somebody verified.
type Method string

// The methods by a code (WAPS section 1(f)).
const (
	ByMail    Method = "mail_code"    // (i): a message with a code
	ByMessage Method = "message_code" // (ii)(A): a text message with a code
	ByCall    Method = "call_code"    // (ii)(A): a call that says a code
	ByAsking  Method = "asked_code"   // (ii)(B): a call that asks for a code sent in another way
)

// code says whether a method is by a code, and of which claim.
func (m Method) code() (Claim, bool) {
	switch m {
	case ByMail:
		return Email, true
	case ByMessage, ByCall, ByAsking:
		return Phone, true
	}
	return "", false
}

// Evidence is what kind of thing a person saw.
type Evidence string

// document says whether the evidence is a document that somebody holds.
func (x Evidence) document() bool { return evidence.has(string(x)) && x != "none" }

// Ground is why a person holds or ends a registration outside the clocks.
type Ground string

// The grounds. The first three are those of WAPS section 5.
const (
	WilfulInaccuracy Ground = "wilful_inaccuracy"
	WilfulNoUpdate   Ground = "wilful_failure_to_update"
	NoReply          Ground = "no_reply_to_enquiry"
	AfterQuarantine  Ground = "quarantine" // its time is over: to end it only
)

// NoAnswer is the cause of a hold by the clock.
const NoAnswer = "no_answer"

// The lists, which nothing changes.
var (
	roles = Words{
		{string(Registrant), "the registered name holder"},
		{string(AccountHolder), "the registrar's customer, where that is another"},
	}
	methods = Words{
		{string(ByMail), "a code by mail came back"},
		{string(ByMessage), "a code by text message came back"},
		{string(ByCall), "a code said in a call came back"},
		{string(ByAsking), "a code was asked for in a call and said"},
		{"documents", "a person compared documents"},
		{"register", "a person looked into a public register"},
		{"electronic_id", "an electronic identity was used"},
		{"in_person", "in person"},
		{"call", "a person called and spoke with the holder"},
		{"post", "an answer to a letter"},
		{"transfer_form", "the form of authorization of a transfer, obtained in a way that verifies"},
		{"other", "in another way, told in words"},
	}
	evidence = Words{
		{"none", "nothing that anybody holds"},
		{"business_licence", "a business licence"},
		{"register_extract", "an extract from a register"},
		{"identity_card", "an identity card"},
		{"passport", "a passport"},
		{"other_identity", "another identity document"},
		{"electronic_id", "the assertion of an electronic identity"},
		{"bill", "a bill or a bank's letter with the address"},
		{"record_of_call", "the record of a call"},
		{"correspondence", "a letter or a mail of the holder"},
		{"other_document", "another document"},
	}
	grounds = Words{
		{string(WilfulInaccuracy), "wilfully inaccurate or unreliable data"},
		{string(WilfulNoUpdate), "a wilful failure to update the data in time"},
		{string(NoReply), "no reply in time to an enquiry about the data"},
		{string(AfterQuarantine), "the quarantine is over"},
	}
)

// Methods are how somebody can verify.
func Methods() Words { return methods.clone() }

// EvidenceTypes are the kinds of evidence.
func EvidenceTypes() Words { return evidence.clone() }

// Grounds are why a person can hold or end a registration outside the clocks.
func Grounds() Words { return grounds.clone() }
