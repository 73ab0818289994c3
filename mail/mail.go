// Package mail reads electronic mail as it comes in: the message in parts with
// bounds on everything, what kind of mail it is (a person's, an automatic
// answer, a delivery report, a list's), and who it can be said to come from.
// It decides nothing: what a mail means for a report or a case is said by those
// who read it.
package mail

import (
	"net/netip"
	"time"
)

// Envelope is how a mail arrived, apart from what it says: the SMTP
// conversation (RFC 5321) and what was checked about its sender.
type Envelope struct {
	At     time.Time  `json:"at"`
	Remote netip.Addr `json:"remote,omitzero"` // of the sending server
	Hello  string     `json:"hello,omitempty"`
	TLS    bool       `json:"tls,omitempty"`
	// From is the return path without angle brackets; "" is the null sender.
	From string   `json:"from"`
	To   []string `json:"to"` // recipients that were accepted
	Auth Auth     `json:"auth,omitzero"`
}

// Result is the result of one check, in the words of RFC 8601 section 2.7:
// "pass", "fail", "softfail", "neutral", "none", "temperror", "permerror",
// "policy".
type Result string

// The results.
const (
	Pass      Result = "pass"
	Fail      Result = "fail"
	SoftFail  Result = "softfail"
	Neutral   Result = "neutral"
	None      Result = "none"
	TempError Result = "temperror"
	PermError Result = "permerror"
	Policy    Result = "policy"
)

// Auth is what was checked about the sender.
type Auth struct {
	SPF       Result      `json:"spf,omitempty"`        // RFC 7208
	SPFDomain string      `json:"spf_domain,omitempty"` // of the return path, or of HELO for the null sender
	DKIM      []Signature `json:"dkim,omitempty"`       // RFC 6376
	DMARC     Result      `json:"dmarc,omitempty"`      // RFC 7489
	// From is the domain of the author (RFC 5322 From), which DMARC is about;
	// "" if there is not exactly one author.
	From string `json:"from,omitempty"`
	// Wants is the policy that From's domain publishes: "none", "quarantine",
	// "reject", or "".
	Wants string `json:"wants,omitempty"`
}

// Signature is the result for one DKIM signature.
type Signature struct {
	Domain string `json:"domain"`
	Result Result `json:"result"`
	Why    string `json:"why,omitempty"`
}

// Authentic says whether the author's domain vouches for the mail: DMARC
// passed, that is, SPF or DKIM passed for a domain aligned with the author's.
func (a Auth) Authentic() bool { return a.DMARC == Pass && a.From != "" }
