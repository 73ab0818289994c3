// Package evidence holds the facts the centre observed itself: what DNS
// answered, what a web server sent to each vantage point, what a page shows.
// The types carry no judgement; package judge reads them. Raw bytes are in the
// blob store under the SHA-256 that the facts name.
package evidence

import (
	"net/netip"
	"time"

	"bailiwick/name"
)

// Vantage is a way of looking: cloaked pages show themselves to some visitors
// only, so one look is never enough.
type Vantage struct {
	ID        string `json:"id"`         // "plain", "mobile-cn", …
	UserAgent string `json:"user_agent"` // the User-Agent header sent
	Language  string `json:"language"`   // the Accept-Language header sent
	Referer   string `json:"referer,omitempty"`
	// Source is the local address connections are made from; invalid for the
	// machine's own choice. Country says where that is, for people.
	Source  netip.Addr `json:"source"`
	Country string     `json:"country,omitempty"`
}

// DNS is what the name servers said about one name at one time, asked
// iteratively from the root, so that the registry's answer and the operator's
// answer stay apart.
type DNS struct {
	Name name.Domain `json:"name"`
	At   time.Time   `json:"at"`
	// Delegation is what the servers of the public suffix (the registry) said
	// about the registered domain.
	Delegation Answer `json:"delegation"`
	// The answers of the name's own servers. RCode of each is kept.
	A    Answer `json:"a"`
	AAAA Answer `json:"aaaa"`
	MX   Answer `json:"mx"`
	SOA  Answer `json:"soa"`
	// CNAMEs followed, in order.
	CNAMEs []name.Domain `json:"cnames,omitempty"`
}

// Answer is one question's result.
type Answer struct {
	// RCode is the DNS response code in words ("NOERROR", "NXDOMAIN",
	// "SERVFAIL", "REFUSED"), or "" with Err set when no server answered.
	RCode string `json:"rcode,omitempty"`
	// Values, sorted: addresses, name server names (lower case, no trailing
	// dot), and MX and SOA data as zone files have them ("10 mx.example.").
	Values []string `json:"values,omitempty"`
	// Server that answered, as name and address.
	Server string `json:"server,omitempty"`
	// Err is "timeout", "refused" (the connection; a REFUSED answer is an
	// RCode), "unreachable" (no server has an address that can be reached),
	// "loop", "limit", "lame" (no server asked answers for the zone),
	// "blocked" (the address guard) or "malformed".
	Err string `json:"err,omitempty"`
}

// Exists says whether the registry delegates the name (NOERROR with name
// servers).
func (d DNS) Exists() bool { return d.Delegation.RCode == "NOERROR" && len(d.Delegation.Values) > 0 }

// Addresses are the A and AAAA values.
func (d DNS) Addresses() []netip.Addr {
	var out []netip.Addr
	for _, v := range append(append([]string(nil), d.A.Values...), d.AAAA.Values...) {
		if a, err := netip.ParseAddr(v); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// Hop is one HTTP exchange on the way to a page.
type Hop struct {
	URL      name.URL   `json:"url"`
	Addr     netip.Addr `json:"addr"`             // the address connected to
	Status   int        `json:"status,omitempty"` // 0 when no answer came
	Location string     `json:"location,omitempty"`
	Server   string     `json:"server,omitempty"` // the Server header
	// TLSError says why the certificate of an https hop does not verify:
	// "expired", "name", "authority" or "invalid"; "" when it does, and on
	// http. The page is fetched all the same: a bad certificate is evidence.
	TLSError string `json:"tls_error,omitempty"`
}

// Fetch is one look at a URL from one vantage point.
type Fetch struct {
	URL     name.URL  `json:"url"`
	Vantage string    `json:"vantage"`
	At      time.Time `json:"at"`
	Hops    []Hop     `json:"hops,omitempty"`
	// Status, ContentType and the body are the last hop's. Status 0 means no
	// answer; Err says why.
	Status      int    `json:"status,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// Body is the SHA-256 (hex) of the body kept in the blob store, of Bytes
	// octets; Truncated says that the limit cut it.
	Body      string `json:"body,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	// Page is what the body shows; nil when there was none.
	Page *Page `json:"page,omitempty"`
	// Err: "nxdomain", "dns", "refused", "timeout", "unreachable", "tls",
	// "reset", "blocked" (the address guard), "redirects", "malformed".
	Err string `json:"err,omitempty"`
}

// Final is the URL of the last hop, or the URL asked for.
func (f Fetch) Final() name.URL {
	if n := len(f.Hops); n > 0 {
		return f.Hops[n-1].URL
	}
	return f.URL
}

// Addr is the address the last hop came from.
func (f Fetch) Addr() netip.Addr {
	if n := len(f.Hops); n > 0 {
		return f.Hops[n-1].Addr
	}
	return netip.Addr{}
}

// Page is what can be read off a body without running it. All text is cut to
// bounds and cleaned of control characters.
type Page struct {
	// Kind is "html", "executable", "archive", "script", "document", "image",
	// "text", "empty" or "other", by content before declared type.
	Kind  string `json:"kind"`
	Title string `json:"title,omitempty"`
	// Text is the visible text, at most 4 kB.
	Text string `json:"text,omitempty"`
	// Password, Card and OTP say which secrets its forms ask for.
	Password bool `json:"password,omitempty"`
	Card     bool `json:"card,omitempty"`
	OTP      bool `json:"otp,omitempty"`
	// Forms are the targets of its forms, resolved against the page.
	Forms []string `json:"forms,omitempty"`
	// Links are the hosts of its links, at most 64; Downloads the targets of
	// links that look like programs.
	Links     []string `json:"links,omitempty"`
	Downloads []string `json:"downloads,omitempty"`
	// Refresh is the target of a meta refresh of at most five seconds, or of a
	// script that sends every visitor on at once.
	Refresh string `json:"refresh,omitempty"`
	// Sketch is a set of hashes of the text's word groups: two pages alike
	// share most of them (see Similar).
	Sketch []uint32 `json:"sketch,omitempty"`
}

// Look is everything gathered about one subject at one time: the evidence a
// judgement or an outcome check rests on.
type Look struct {
	At      time.Time `json:"at"`
	DNS     *DNS      `json:"dns,omitempty"`
	Fetches []Fetch   `json:"fetches,omitempty"` // the reported URLs, each from every vantage point
	Home    []Fetch   `json:"home,omitempty"`    // the front page of the registered domain
	// Blobs are the SHA-256 (hex) of all raw bytes kept for this look.
	Blobs []string `json:"blobs,omitempty"`
}
