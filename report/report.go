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
	// Format it was read from: "xarf4", "xarf3", "json".
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
}

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
