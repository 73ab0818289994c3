package verify

import "bailiwick/rulebook"

// Words is a list of codes in the order in which they are shown.
type Words = rulebook.Words

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

// Departure is how a registration came to be no more, or another than it was.
type Departure string

// The departures.
const (
	Deleted  Departure = "deleted"     // or it expired
	MovedOut Departure = "transferred" // to another registrar, or another holder
	Replaced Departure = "replaced"    // its name is registered anew: whoever has it now is verified under another log
)

var departures = Words{
	{Code: string(Deleted), Means: "it was deleted, or expired"},
	{Code: string(MovedOut), Means: "it was transferred to another registrar or holder"},
	{Code: string(Replaced), Means: "its name is registered anew"},
}

// Departures are the ways in which a registration can be gone.
func Departures() Words { return departures }

// Cause is why data that was verified is in doubt.
type Cause string

// The causes.
const (
	Bounce    Cause = "bounce"    // mail to the holder came back
	Full      Cause = "full"      // the mailbox was full, and stayed so
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
func (x Evidence) document() bool { return evidence.Has(string(x)) && x != "none" }

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
		{Code: string(Registrant), Means: "the registered name holder"},
		{Code: string(AccountHolder), Means: "the registrar's customer, where that is another"},
	}
	methods = Words{
		{Code: string(ByMail), Means: "a code by mail came back"},
		{Code: string(ByMessage), Means: "a code by text message came back"},
		{Code: string(ByCall), Means: "a code said in a call came back"},
		{Code: string(ByAsking), Means: "a code was asked for in a call and said"},
		{Code: "documents", Means: "a person compared documents"},
		{Code: "register", Means: "a person looked into a public register"},
		{Code: "electronic_id", Means: "an electronic identity was used"},
		{Code: "in_person", Means: "in person"},
		{Code: "call", Means: "a person called and spoke with the holder"},
		{Code: "post", Means: "an answer to a letter"},
		{Code: "transfer_form", Means: "the form of authorization of a transfer, obtained in a way that verifies"},
		{Code: "other", Means: "in another way, told in words"},
	}
	evidence = Words{
		{Code: "none", Means: "nothing that anybody holds"},
		{Code: "business_licence", Means: "a business licence"},
		{Code: "register_extract", Means: "an extract from a register"},
		{Code: "identity_card", Means: "an identity card"},
		{Code: "passport", Means: "a passport"},
		{Code: "other_identity", Means: "another identity document"},
		{Code: "electronic_id", Means: "the assertion of an electronic identity"},
		{Code: "bill", Means: "a bill or a bank's letter with the address"},
		{Code: "record_of_call", Means: "the record of a call"},
		{Code: "correspondence", Means: "a letter or a mail of the holder"},
		{Code: "other_document", Means: "another document"},
	}
	grounds = Words{
		{Code: string(WilfulInaccuracy), Means: "wilfully inaccurate or unreliable data"},
		{Code: string(WilfulNoUpdate), Means: "a wilful failure to update the data in time"},
		{Code: string(NoReply), Means: "no reply in time to an enquiry about the data"},
		{Code: string(AfterQuarantine), Means: "the quarantine is over"},
	}
)

// Methods are how somebody can verify.
func Methods() Words { return methods.Clone() }

// EvidenceTypes are the kinds of evidence.
func EvidenceTypes() Words { return evidence.Clone() }

// Grounds are why a person can hold or end a registration outside the clocks.
func Grounds() Words { return grounds.Clone() }
