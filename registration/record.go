// Package registration holds the one record that both protocols, RDAP
// (RFC 9083) and WHOIS (RFC 3912), are read into, with the state and the
// source of every field: a withheld value is not an empty one, and a merge
// does not forget who said what.
package registration

import (
	"encoding/json"
	"time"
)

// State says what was answered when a registration was asked for.
type State string

// The states.
const (
	Registered State = "registered"
	Available  State = "available"
	Reserved   State = "reserved"
	Throttled  State = "throttled"
	Failed     State = "error"
	Unknown    State = "unknown"
)

// Tells says whether an answer of this state says anything about the name.
func (s State) Tells() bool { return s == Registered || s == Available || s == Reserved }

// FieldState says why a field has or lacks a value.
type FieldState string

// The field states. Present needs no entry in Record.Fields.
const (
	Present  FieldState = "present"
	Redacted FieldState = "redacted" // withheld (RFC 9537, or words that say so)
	Proxy    FieldState = "proxy"    // a privacy or proxy service stands in
	Absent   FieldState = "absent"   // not there, and nothing says why
	Unparsed FieldState = "unparsed" // there, but not readable; the raw text is kept in Unread
)

// Date is a time of the precision it was given in.
type Date struct {
	time.Time
	DayOnly bool // no time of day was given
}

// String is RFC 3339 in UTC, or the bare date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	if d.DayOnly {
		return d.UTC().Format(time.DateOnly)
	}
	return d.UTC().Format(time.RFC3339)
}

// MarshalJSON prints String.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads what MarshalJSON prints.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*d = Date{}
	if s == "" {
		return nil
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		*d = Date{t, true}
		return err
	}
	t, err := time.Parse(time.RFC3339, s)
	*d = Date{t.UTC(), false}
	return err
}

// Registrar is the sponsoring registrar.
type Registrar struct {
	Name       string `json:"name,omitempty"`
	IANAID     string `json:"iana_id,omitempty"`
	URL        string `json:"url,omitempty"`
	AbuseEmail string `json:"abuse_email,omitempty"`
	AbusePhone string `json:"abuse_phone,omitempty"`
}

// Contact is a person or organisation of the registration. Personal data: see
// DESIGN section 9.
type Contact struct {
	Handle       string   `json:"handle,omitempty"`
	Name         string   `json:"name,omitempty"`
	Organization string   `json:"organization,omitempty"`
	Street       []string `json:"street,omitempty"`
	City         string   `json:"city,omitempty"`
	Region       string   `json:"region,omitempty"`
	PostalCode   string   `json:"postal_code,omitempty"`
	Country      string   `json:"country,omitempty"` // ISO 3166-1 alpha-2 where it can be told
	Email        string   `json:"email,omitempty"`
	Phone        string   `json:"phone,omitempty"`
	Fax          string   `json:"fax,omitempty"`
	ContactURI   string   `json:"contact_uri,omitempty"`
}

// Severity ranks a finding.
type Severity string

// The severities: a profile's MUST, an RFC, advice.
const (
	Must   Severity = "must"
	RFC    Severity = "rfc"
	Advice Severity = "advice"
)

// Finding is something wrong or remarkable in an answer.
type Finding struct {
	ID        string   `json:"id"`
	Severity  Severity `json:"severity"`
	ICANNCode int      `json:"icann_code,omitempty"`
	Path      string   `json:"path,omitempty"`
	Detail    string   `json:"detail,omitempty"` // never holds a person's data
	// Source is "registry" or "registrar" in a merged record: whose answer
	// the finding is about. Empty in a record read from one answer.
	Source string `json:"source,omitempty"`
}

// Source is where a value came from.
type Source struct {
	Protocol string    `json:"protocol"`         // "rdap" or "whois"
	Server   string    `json:"server,omitempty"` // URL or host
	Role     string    `json:"role,omitempty"`   // "registry" or "registrar"
	At       time.Time `json:"at,omitzero"`
	Blob     string    `json:"blob,omitempty"` // SHA-256 (hex) of the raw answer
}

// Answer is one of the answers that a record was merged from.
type Answer struct {
	Source
	State State `json:"state"` // what it said; unknown for one about another name
}

// Record is a registration as read. Its JSON is the contract of
// `bailiwick parse` (DESIGN section 7).
type Record struct {
	State       State              `json:"state"`
	Domain      string             `json:"domain,omitempty"` // A-labels, lower case
	Unicode     string             `json:"unicode,omitempty"`
	Handle      string             `json:"handle,omitempty"`
	Registrar   Registrar          `json:"registrar,omitzero"`
	Created     Date               `json:"created,omitzero"`
	Updated     Date               `json:"updated,omitzero"`
	Expires     Date               `json:"expires,omitzero"`
	Statuses    []string           `json:"statuses,omitempty"` // EPP names (RFC 5731, RFC 3915) where they map
	Nameservers []string           `json:"nameservers,omitempty"`
	DNSSEC      string             `json:"dnssec,omitempty"` // "signed" or "unsigned"
	Contacts    map[string]Contact `json:"contacts,omitempty"`
	// Fields names what is withheld or unreadable, by path such as
	// "contacts.registrant.name".
	Fields map[string]FieldState `json:"fields,omitempty"`
	// Unread keeps the raw text of unparsed fields by path.
	Unread map[string]string `json:"unread,omitempty"`
	// Given keeps the text of a value that was given in another form, by path:
	// "Germany" at the path of a country that is DE. At the path of a street it
	// is the line that was taken out of it as the country.
	Given    map[string]string `json:"given,omitempty"`
	Findings []Finding         `json:"findings,omitempty"`
	// Related is the registrar's own RDAP address for this name, from a link
	// with rel "related" (RFC 9083 section 4.2), to be asked next.
	Related string `json:"related,omitempty"`
	// Conformance is the list of profiles and extensions that an RDAP answer
	// claims (rdapConformance, RFC 9083 section 4.1), sorted.
	Conformance []string `json:"conformance,omitempty"`
	// Sources by field path; "" is the source of everything not named.
	Sources map[string]Source `json:"sources,omitempty"`
	// Answers are the answers that a merged record was made of, in the order
	// in which they were merged, also those that added nothing or failed. Empty
	// in a record read from one answer, whose source is in Sources.
	Answers []Answer `json:"answers,omitempty"`
}

// Network is an address block and who answers for it (RFC 9083 section 5.4).
type Network struct {
	State      State     `json:"state"`
	Handle     string    `json:"handle,omitempty"`
	Name       string    `json:"name,omitempty"`
	Start      string    `json:"start,omitempty"`
	End        string    `json:"end,omitempty"`
	CIDRs      []string  `json:"cidrs,omitempty"`   // the prefixes named by the cidr0 extension, as given
	Country    string    `json:"country,omitempty"` // of registration; not a jurisdiction
	Holder     string    `json:"holder,omitempty"`
	AbuseEmail string    `json:"abuse_email,omitempty"`
	AbusePhone string    `json:"abuse_phone,omitempty"`
	Findings   []Finding `json:"findings,omitempty"`
	Source     Source    `json:"source,omitzero"`
}
