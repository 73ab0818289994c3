// Package abuse holds the words for kinds of domain-name abuse. The types in
// contract scope follow ICANN's agreements (RAA 3.18.2 and Registry Agreement
// Specification 6 section 4, as amended in 2024): phishing, malware, botnets,
// pharming, and spam when it delivers one of those.
package abuse

// Type is a kind of abuse, as stored and printed.
type Type string

// The types. Those after Spam are accepted, worked on, and marked as outside
// the scope of ICANN's contracts.
const (
	Phishing Type = "phishing"
	Malware  Type = "malware"
	Botnet   Type = "botnet"
	Pharming Type = "pharming"
	Spam     Type = "spam"

	Fraud            Type = "fraud"
	Copyright        Type = "copyright"
	Trademark        Type = "trademark"
	Compromised      Type = "compromised"       // a broken-into host or account, without one of the above named
	Attack           Type = "attack"            // scans, floods, login attempts from an address
	Vulnerability    Type = "vulnerability"     // an open or outdated service
	SuspiciousDomain Type = "suspicious-domain" // registered to be abused, not yet seen in use
	Other            Type = "other"

	// CSAM is child sexual abuse material. It is never fetched, shown or
	// stored; it is handed to the configured hotline (DESIGN section 8).
	CSAM Type = "csam"
)

// InContractScope says whether ICANN's gTLD contracts oblige a registrar or
// registry to act on confirmed abuse of this type. Spam counts only as a
// vector of another type; whether it is one is for the judgement to say.
func (t Type) InContractScope() bool {
	switch t {
	case Phishing, Malware, Botnet, Pharming, Spam:
		return true
	}
	return false
}

// Known says whether t is one of the types above.
func (t Type) Known() bool {
	switch t {
	case Phishing, Malware, Botnet, Pharming, Spam, Fraud, Copyright, Trademark, Compromised, Attack,
		Vulnerability, SuspiciousDomain, Other, CSAM:
		return true
	}
	return false
}

// NeverKept says whether content of this type must never be fetched, shown or
// stored.
func (t Type) NeverKept() bool { return t == CSAM }
