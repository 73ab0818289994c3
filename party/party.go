// Package party knows who has authority over what: which organisation can
// stop an abuse of a given subject, in which role, and how it is reached. It
// knows no case. Whom to ask, and when, is the playbook's business.
package party

import (
	"net/netip"

	"bailiwick/name"
)

// Role is the capacity in which a party can act.
type Role string

// The roles.
const (
	Registrar   Role = "registrar"   // sold the registered domain
	Registry    Role = "registry"    // runs the TLD
	Host        Role = "host"        // runs the server at the address
	CDN         Role = "cdn"         // stands in front of the host; its address is not the host's
	Platform    Role = "platform"    // hands out names under a private suffix, or a shared host
	Constituent Role = "constituent" // imitated or compromised; protected by the centre
	BlockList   Role = "blocklist"   // warns users
	CERT        Role = "cert"        // another national CERT: informed beside, never asked instead
	Compliance  Role = "compliance"  // ICANN Contractual Compliance: gets a bundle, gTLDs only
)

// Party is an organisation in one role.
type Party struct {
	ID    string `json:"id"` // stable: "registrar:1861", "host:NET-192-0-2-0", "registry:shop"
	Role  Role   `json:"role"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	Form  string `json:"form,omitempty"` // the address of a web form, where that is the only way in
	// Procedure is a ccTLD registry's own procedure, as text or an address.
	Procedure string `json:"procedure,omitempty"`
	// Trusted with the reporter's identity? Off by default: a stakeholder may
	// be hostile.
	Trusted bool `json:"trusted,omitempty"`
	// Basis says how we know: "rdap registrar entity", "rdap network
	// 192.0.2.0/24", "platform list", "configuration".
	Basis string `json:"basis"`
	// Reachable is false when no working way in is known; Why says why. A
	// reachable party without an Email has only a Form: a person hands it over.
	Reachable bool   `json:"reachable"`
	Why       string `json:"why,omitempty"`
	// Passed says which contacts were passed over for Email, and why.
	Passed string `json:"passed,omitempty"`
	// Desk is the Group of the contact list that reads Email or Form; "" where
	// none is known. Caps are counted per desk.
	Desk string `json:"desk,omitempty"`
	// PGPKey is the armored OpenPGP public key for Email, as configured; "" for
	// none. Nothing here reads it.
	PGPKey string `json:"pgp_key,omitempty"`
}

// FormOnly says that a web form is the only way in: a person has to hand over
// what is asked.
func (p Party) FormOnly() bool { return p.Reachable && p.Email == "" && p.Form != "" }

// Subject is what can be acted on.
type Subject struct {
	Kind Kind `json:"kind"`
	// Name is the registered domain or the platform customer's name; zero for
	// an address.
	Name name.Domain `json:"name,omitzero"`
	Addr netip.Addr  `json:"addr,omitzero"`
	// Platform is the private suffix or shared host a customer's name is under;
	// equal to Name when the platform's own name is the subject.
	Platform name.Domain `json:"platform,omitzero"`
}

// Kind of subject.
type Kind string

// The kinds.
const (
	RegisteredDomain Kind = "domain"
	PlatformCustomer Kind = "platform"
	Address          Kind = "address"
)

// Key is the subject in one string: what cases are found by.
func (s Subject) Key() string {
	if s.Kind == Address {
		return s.Addr.String()
	}
	return s.Name.String()
}
