// Package report holds the normalised abuse report: what somebody claims, in
// one form whatever format it came in. Nothing in it is a fact yet.
package report

import (
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
)

// Report is one claim. Its JSON is the contract of `bailiwick parse report`
// (DESIGN section 7).
type Report struct {
	// Format it was read from: "xarf4", "xarf3", "json", "arf", "mail".
	Format string `json:"-"`
	// ID the reporter gave it; unique only with the reporter.
	ID       string     `json:"id,omitempty"`
	Category string     `json:"category"` // XARF v4 category, also for other formats
	Type     string     `json:"type"`     // XARF v4 type within Category
	Abuse    abuse.Type `json:"abuse"`    // what the centre files it under
	// What it is about. A report of a URL also names its host under Domains
	// or IPs, so that each list can be read alone.
	URLs    []name.URL    `json:"urls"`
	Domains []name.Domain `json:"domains"`
	IPs     []string      `json:"ips"`
	// When the abuse was seen, as claimed; zero if not said.
	ReportedAt time.Time `json:"reported_at,omitzero"`
	Reporter   Reporter  `json:"reporter,omitzero"`
	// Brand or organisation imitated, as claimed.
	TargetBrand string     `json:"target_brand,omitempty"`
	Description string     `json:"description,omitempty"`
	Evidence    []Evidence `json:"evidence"`
	Tags        []string   `json:"tags,omitempty"`
	// Candidates are all that a mail names and that could be meant, best first.
	// What of them is under URLs, Domains and IPs is what the mail most likely
	// reports; the rest is here so that a person can see it and choose.
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Candidate is one URL, name or address that a mail holds. Exactly one of URL,
// Domain and IP is set.
type Candidate struct {
	URL    name.URL    `json:"url,omitzero"`
	Domain name.Domain `json:"domain,omitzero"`
	IP     string      `json:"ip,omitempty"`
	Where  Where       `json:"where"`
	Form   Form        `json:"form"`
	// Part is the number of the part it was found in, from 0, among the leaves
	// of the mail; of an attached mail, the part that the mail is.
	Part int `json:"part"`
	// Rank is 0 for what is reported most likely; more is less.
	Rank int `json:"rank"`
	// Unlikely says why it is hardly meant ("the reporter's own domain"), or "".
	Unlikely string `json:"unlikely,omitempty"`
	// Wrapper is the host of the link-checking service that the URL was wrapped
	// in; URL is what it leads to.
	Wrapper string `json:"wrapper,omitempty"`
}

// Where is the place in a mail.
type Where string

// The places.
const (
	InField     Where = "field"     // a field of a feedback report
	InOwn       Where = "own"       // the reporter's own words
	InList      Where = "list"      // an attached list
	InForwarded Where = "forwarded" // a mail forwarded in the text
	InAttached  Where = "attached"  // an attached mail
	InQuoted    Where = "quoted"    // quoted text
	InHeader    Where = "header"    // a header field, quoted in the text
	InSignature Where = "signature"
	InFooter    Where = "footer" // disclaimers, and what mail programs and filters add
	InSubject   Where = "subject"
)

// Form is how it is written.
type Form string

// The forms.
const (
	AsText     Form = "text"     // a URL, or a bare name where one is expected
	AsDefanged Form = "defanged" // made unclickable, as one does with what is bad
	AsLabelled Form = "labelled" // after "URL:", "Domain:" and the like, or alone on a line
	AsLink     Form = "link"     // where a link of an HTML text leads
	AsShown    Form = "shown"    // the text of a link that leads elsewhere
)

// Reporter is who claims it: personal data, with a payload of its own in the
// case log and never in a notification unless Disclose.
type Reporter struct {
	Org     string `json:"org,omitempty"`
	Contact string `json:"contact,omitempty"` // a mail address
	Name    string `json:"name,omitempty"`
	Domain  string `json:"domain,omitempty"`
	// Disclose says that the reporter agreed to be named to the parties asked.
	Disclose bool `json:"disclose,omitempty"`
}

// Evidence is one attachment of the reporter's; Data is not in the JSON.
type Evidence struct {
	SHA256      string `json:"sha256"`
	MediaType   string `json:"media_type"`
	Bytes       int    `json:"bytes"`
	Description string `json:"description,omitempty"`
	Data        []byte `json:"-"`
}
