// Package arf reads abuse feedback reports (ARF, RFC 5965, with the
// authentication failures of RFC 6591): what mailbox providers send when their
// users complain about a mail. It also reads the complaints that come without
// the format, as a mail with the one complained about attached.
package arf

import (
	"net/netip"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/message"
	"bailiwick/report/xarf"
)

// Format name of report.Report.
const Format = "arf"

// The bounds of Read.
const (
	maxFields = 500
	maxValue  = 4096
)

// Feedback is what the report itself says (RFC 5965 section 3).
type Feedback struct {
	// Standard says that there is a message/feedback-report part.
	Standard   bool      `json:"standard"`
	Type       string    `json:"type"` // "abuse", "fraud", "virus", "not-spam", "auth-failure", "opt-out", "other"; in lower case
	UserAgent  string    `json:"user_agent,omitempty"`
	Version    string    `json:"version,omitempty"`
	EnvelopeID string    `json:"envelope_id,omitempty"` // Original-Envelope-Id
	MailFrom   string    `json:"mail_from,omitempty"`   // Original-Mail-From
	RcptTo     []string  `json:"rcpt_to,omitempty"`     // Original-Rcpt-To: victims, not for passing on
	Arrived    time.Time `json:"arrived,omitzero"`      // Arrival-Date
	Reporter   string    `json:"reporting_mta,omitempty"`
	SourceIP   string    `json:"source_ip,omitempty"`
	Incidents  string    `json:"incidents,omitempty"`
	Domains    []string  `json:"reported_domains,omitempty"`
	URIs       []string  `json:"reported_uris,omitempty"`
	Results    []string  `json:"authentication_results,omitempty"`
	// Failure, Result and the identities are those of RFC 6591 section 3.
	Failure string `json:"auth_failure,omitempty"`
	Result  string `json:"delivery_result,omitempty"`
	DKIM    string `json:"dkim_domain,omitempty"`
	Removal string `json:"removal_recipient,omitempty"` // of an opt-out
	// Original is the mail complained about, or its header; nil if it did not
	// come along or cannot be read.
	Original *mail.Message `json:"-"`
}

// types says what each feedback type is filed under (RFC 5965 section 7.3, RFC
// 6591, RFC 6650).
var types = map[string]abuse.Type{
	"abuse": abuse.Spam, "fraud": abuse.Fraud, "virus": abuse.Malware, "other": abuse.Other, "auth-failure": abuse.Other,
	"opt-out": abuse.Spam, "opt-out-list": abuse.Spam, "not-spam": abuse.Other, "dkim": abuse.Other, "miscategorized": abuse.Other,
}

// Is says whether a mail is a feedback report, valid or not.
func Is(m *mail.Message) bool { return mail.IsFeedback(m) }

// Read reads a feedback report. Its subjects are the fields Reported-URI,
// Reported-Domain and Source-IP; where no Source-IP is given, the address that
// the report's text or the receiving server's own trace field names. What the
// mail complained about links to is listed as candidates only: links in spam
// lead to bystanders too. A domain whose authentication failed is the one
// imitated, so it is no subject.
//
// An error is Invalid and names the field: the mail is no feedback report, its
// type is missing or not a complaint, or nothing that can be acted on is named.
func Read(m *mail.Message) (report.Report, Feedback, []report.Finding, error) {
	rd := reader{m: m, r: report.Report{Format: Format}}
	if err := rd.feedback(); err != nil {
		return rd.r, rd.f, rd.findings, err
	}
	rd.original()
	rd.kind()
	rd.subjects()
	rd.about()
	more, err := report.Normalise(&rd.r)
	return rd.r, rd.f, append(rd.findings, more...), err
}

type reader struct {
	m        *mail.Message
	r        report.Report
	f        Feedback
	findings []report.Finding
	part     int // of the mail complained about
	loose    bool
	beside   []report.Candidate // of fields that name no subject
}

func (rd *reader) found(path, reason string) {
	if len(rd.findings) < 100 {
		rd.findings = append(rd.findings, report.Finding{Path: path, Reason: reason})
	}
}

// feedback reads the fields, or what stands for them.
func (rd *reader) feedback() error {
	if !mail.IsFeedback(rd.m) {
		return problem.New(problem.Invalid, "this is no feedback report")
	}
	for i := range rd.m.Parts {
		p := &rd.m.Parts[i]
		if p.Type == "message/feedback-report" {
			if rd.f.Standard {
				rd.found("feedback", "there is more than one feedback report; the first is read")
				break
			}
			rd.f.Standard = true
			rd.fields(p.Text())
		}
	}
	if !rd.f.Standard {
		// A form without the part, or the fields in a part of another type.
		for i := range rd.m.Parts {
			p := &rd.m.Parts[i]
			if p.Message == nil && p.IsText() && len(p.Data) < 64<<10 && strings.Contains(strings.ToLower(p.Text()), "feedback-type:") {
				rd.fields(p.Text())
				rd.found("feedback", "the fields stand in a part of type "+p.Type)
				break
			}
		}
		if rd.f.Type == "" {
			if rd.m.Params["report-type"] != "" {
				return problem.BadField("feedback", "the mail says that it is a feedback report, and has no message/feedback-report part")
			}
			rd.f.Type, rd.loose = "abuse", true
			rd.found("feedback", "the mail is a complaint with no message/feedback-report part (RFC 5965)")
		}
	}
	if rd.f.Type == "" {
		return problem.BadField("Feedback-Type", "is required (RFC 5965 section 3.1)")
	}
	if _, known := types[rd.f.Type]; !known && !message.DeclaresNever(rd.f.Type) {
		rd.found("Feedback-Type", "is not a registered type; it is read as other")
	}
	if rd.f.Type == "not-spam" {
		return problem.BadField("Feedback-Type", "is not-spam: the sender says that the mail is wanted, which reports no abuse")
	}
	return nil
}

// fields reads the fields of the report (RFC 5965 section 3): header fields of
// their own, perhaps in several groups, some in more than one spelling.
func (rd *reader) fields(t string) {
	name, value, n := "", "", 0
	seen := map[string]int{}
	put := func() {
		if name == "" {
			return
		}
		seen[name]++
		rd.field(name, strings.TrimSpace(value), seen[name])
		name, value = "", ""
	}
	for line := range strings.Lines(t) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			put()
			continue
		}
		if (line[0] == ' ' || line[0] == '\t') && name != "" {
			if len(value) < maxValue {
				value += " " + strings.TrimSpace(line)
			}
			continue
		}
		put()
		k, v, ok := strings.Cut(line, ":")
		if !ok || len(k) > 60 || strings.ContainsAny(k, " \t<>") {
			continue
		}
		if n++; n > maxFields {
			rd.found("feedback", "only the first 500 fields are read")
			break
		}
		name, value = strings.ToLower(k), v
	}
	put()
	for _, must := range []string{"user-agent", "version"} {
		if seen[must] == 0 && rd.f.Standard {
			rd.found(must, "is required (RFC 5965 section 3.1)")
		}
	}
	for _, once := range []string{"feedback-type", "user-agent", "version", "arrival-date", "source-ip", "original-mail-from", "reporting-mta", "incidents", "original-envelope-id"} {
		if seen[once] > 1 {
			rd.found(once, "occurs more than once; the first counts")
		}
	}
	if rd.f.Type == "auth-failure" && seen["auth-failure"] == 0 {
		rd.found("auth-failure", "is required in a report of this type (RFC 6591 section 3.1)")
	}
}

func (rd *reader) field(name, v string, nth int) {
	f := &rd.f
	v = report.Clean(v, maxValue)
	one := func(s *string) {
		if nth == 1 {
			*s = v
		}
	}
	switch name {
	case "feedback-type":
		if nth == 1 {
			t := strings.ToLower(v)
			if i := strings.IndexAny(t, " ;("); i >= 0 {
				t = t[:i]
			}
			f.Type = t
		}
	case "user-agent":
		one(&f.UserAgent)
	case "version":
		one(&f.Version)
	case "original-envelope-id":
		one(&f.EnvelopeID)
	case "original-mail-from":
		if nth == 1 {
			f.MailFrom = strings.Trim(v, "<> ")
		}
	case "original-rcpt-to":
		if len(f.RcptTo) < 100 {
			f.RcptTo = append(f.RcptTo, strings.Trim(v, "<> "))
		}
	case "arrival-date", "received-date":
		if f.Arrived.IsZero() {
			if f.Arrived = mail.ParseDate(v); f.Arrived.IsZero() {
				rd.found(name, "is not a date")
			}
		}
	case "reporting-mta":
		one(&f.Reporter)
	case "source-ip":
		one(&f.SourceIP)
	case "incidents":
		one(&f.Incidents)
	case "reported-domain":
		if v != "" && len(f.Domains) < report.MaxSubjects {
			f.Domains = append(f.Domains, v)
		}
	case "reported-uri", "reported-url":
		if v != "" && len(f.URIs) < report.MaxSubjects {
			f.URIs = append(f.URIs, v)
		}
	case "authentication-results":
		if v != "" && len(f.Results) < 20 {
			f.Results = append(f.Results, v)
		}
	case "auth-failure":
		one(&f.Failure)
	case "delivery-result":
		one(&f.Result)
	case "dkim-domain":
		one(&f.DKIM)
	case "removal-recipient":
		one(&f.Removal)
	default:
		// Fields of a provider's own, such as where to leave the loop.
		if u, err := report.ParseURL(name, v); err == nil && strings.HasPrefix(strings.ToLower(v), "http") && len(rd.beside) < 20 {
			rd.beside = append(rd.beside, report.Candidate{URL: u, Where: report.InField, Form: report.AsText, Rank: 8, Unlikely: "it stands in a field about the report itself"})
		}
	}
}

// original finds the mail complained about: the first attached one.
func (rd *reader) original() {
	for i := range rd.m.Parts {
		if in := rd.m.Parts[i].Message; in != nil {
			rd.f.Original, rd.part = in, i
			return
		}
	}
	rd.found("message", "the mail complained about did not come along, or cannot be read (RFC 5965 section 2)")
}

// kind files the report; a header field or word that declares what is never
// kept comes before the type.
func (rd *reader) kind() {
	t, ok := types[rd.f.Type]
	if !ok {
		t = abuse.Other
	}
	switch {
	case message.Declares(rd.m) || message.DeclaresNever(rd.f.Type):
		t = abuse.CSAM
	case t == abuse.Fraud && strings.Contains(strings.ToLower(rd.m.Subject()+rd.m.Plain(4000)), "phish"):
		t = abuse.Phishing // the type means either (RFC 5965 section 7.3)
	}
	rd.r.Abuse = t
	rd.r.Category, rd.r.Type = xarf.PairOf(t)
	rd.r.Tags = append(rd.r.Tags, "arf:"+rd.f.Type)
}

func (rd *reader) subjects() {
	r, f := &rd.r, &rd.f
	for _, u := range f.URIs {
		s := strings.Trim(u, "<> ")
		if strings.HasPrefix(strings.ToLower(s), "mailto:") {
			rd.found("Reported-URI", "is a mail address")
			continue
		}
		got, err := report.ParseURL("Reported-URI", s)
		if err != nil {
			rd.found("Reported-URI", reason(err))
			continue
		}
		r.URLs = append(r.URLs, got)
		r.Candidates = append(r.Candidates, report.Candidate{URL: got, Where: report.InField, Form: report.AsLabelled, Part: rd.part})
	}
	for _, v := range f.Domains {
		d, err := report.ParseDomain("Reported-Domain", strings.Trim(v, "<> @"))
		if err != nil {
			rd.found("Reported-Domain", reason(err))
			continue
		}
		c := report.Candidate{Domain: d, Where: report.InField, Form: report.AsLabelled, Part: rd.part}
		if f.Type == "auth-failure" {
			c.Rank, c.Unlikely = 8, "it is the domain whose name was used, not the one that used it"
		} else {
			r.Domains = append(r.Domains, d)
		}
		r.Candidates = append(r.Candidates, c)
	}
	rd.address()
	if f.Original != nil && !f.Original.HeadersOnly {
		for _, c := range message.Candidates(f.Original, rd.part) {
			c.Rank = max(c.Rank, 2)
			r.Candidates = append(r.Candidates, c)
		}
	}
	r.Candidates = append(r.Candidates, rd.beside...)
	// What the report's own text names is the provider's help pages.
	r.Candidates = append(r.Candidates, message.Beside(rd.m)...)
	if len(r.URLs)+len(r.Domains)+len(r.IPs) > 0 || f.Original == nil {
		return
	}
	// Nothing but the mail itself: who it says it is from. Anybody may write
	// that, which the reader of the case is told.
	for _, a := range f.Original.From() {
		if d, err := report.ParseDomain("From", a.Domain()); err == nil {
			r.Domains = append(r.Domains, d)
			rd.found("domains", d.String()+" is only what the mail complained about says under From")
		}
	}
}

// address finds the address the mail came from.
func (rd *reader) address() {
	if v := rd.f.SourceIP; v != "" {
		v, _, _ = strings.Cut(v, " ")
		a, err := report.ParseIP("Source-IP", strings.TrimPrefix(strings.Trim(v, "[]<>"), "IPv6:"))
		if err == nil {
			rd.put(a, "")
			return
		}
		rd.found("Source-IP", reason(err))
		if a.IsValid() {
			return // a private address: what the text says is no better
		}
	}
	if a, ok := addressAfter(rd.m.Subject(), "from", "ip"); ok {
		rd.put(a, "the subject")
		return
	}
	text := rd.m.Plain(16 << 10)
	if len(text) > 4000 {
		text = text[:4000]
	}
	if a, ok := addressAfter(text, "from ip", "ip address", "source ip", "received from"); ok {
		rd.put(a, "the text of the report")
		return
	}
	if rd.f.Original == nil {
		return
	}
	h := rd.f.Original.Header
	for _, s := range h.All("Received") {
		if a, ok := received(s); ok {
			rd.put(a, "the trace field of the mail complained about")
			return
		}
	}
	if a, ok := addressAfter(h.Get("X-Originating-IP"), ""); ok {
		rd.put(a, "X-Originating-IP of the mail complained about")
	}
}

func (rd *reader) put(a netip.Addr, from string) {
	rd.r.IPs = append(rd.r.IPs, a.String())
	c := report.Candidate{IP: a.String(), Where: report.InField, Form: report.AsLabelled, Part: rd.part}
	if from != "" {
		rd.found("ips", a.String()+" is read from "+from)
		c.Where, c.Form, c.Rank = report.InAttached, report.AsText, 1
	}
	rd.r.Candidates = append(rd.r.Candidates, c)
}

// addressAfter is the first public address in s after one of the words.
func addressAfter(s string, words ...string) (netip.Addr, bool) {
	low := strings.ToLower(s)
	if len(low) != len(s) {
		low = s
	}
	for _, w := range words {
		for pos := 0; ; {
			i := strings.Index(low[pos:], w)
			if i < 0 {
				break
			}
			pos += i + len(w)
			for _, f := range strings.FieldsFunc(s[pos:min(len(s), pos+80)], func(r rune) bool { return r <= ' ' || strings.ContainsRune("[]()<>,;\"'", r) }) {
				if a, ok := public(strings.TrimRight(f, ".:")); ok {
					return a, true
				}
			}
			if w == "" {
				break
			}
		}
	}
	return netip.Addr{}, false
}

func public(s string) (netip.Addr, bool) {
	s = strings.TrimPrefix(s, "IPv6:")
	if len(s) < 7 || strings.IndexByte(s, '.') < 0 && strings.Count(s, ":") < 2 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || name.Reserved(a) != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// received is the address that a trace field (RFC 5321 section 4.4) says the
// mail came from: the last one before "by", since what stands first is only
// what the other side called itself.
func received(s string) (netip.Addr, bool) {
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(s)), "from") {
		return netip.Addr{}, false
	}
	if i := strings.Index(s, " by "); i > 0 {
		s = s[:i]
	}
	f := strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("[]()<>,;\"'=", r) })
	for i := len(f) - 1; i >= 0; i-- {
		v := f[i]
		if a, ok := public(v); ok {
			return a, true
		}
		if h, _, ok := strings.Cut(v, ":"); ok {
			if a, ok := public(h); ok {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// about fills in who reports, when, and the proof.
func (rd *reader) about() {
	r := &rd.r
	r.ID = rd.m.MessageID()
	if r.ReportedAt = rd.f.Arrived; r.ReportedAt.IsZero() {
		r.ReportedAt = rd.m.Date()
	}
	if from := rd.m.From(); len(from) > 0 {
		r.Reporter = report.Reporter{Contact: from[0].Addr, Name: from[0].Name, Domain: from[0].Domain()}
	}
	r.Description = rd.m.Subject()
	if t := strings.TrimSpace(rd.m.Plain(4000)); t != "" && !rd.loose {
		r.Description += "\n\n" + t
	}
	if r.Abuse.NeverKept() || rd.f.Original == nil {
		return
	}
	p := &rd.m.Parts[rd.part]
	if len(p.Data) > report.MaxEvidenceBytes {
		rd.found("message", "the mail complained about is over the 5,242,880 octets that evidence may have, and left out")
		return
	}
	r.Evidence = append(r.Evidence, report.Evidence{MediaType: p.Type, Description: "the mail complained about", Data: p.Data})
}

func reason(err error) string {
	if e, ok := err.(*problem.Error); ok && len(e.Fields) > 0 {
		return e.Fields[0].Reason
	}
	return "is not valid"
}
