// Package rdap reads what RDAP servers answer (RFC 9083, with jCard of RFC
// 7095, JSContact of RFC 9553 and redaction of RFC 9537) into the records of
// package registration.
//
// It is tolerant: where there is a well-formed JSON object of the right class
// it gives a record, whatever is wrong inside, and says what is wrong as
// findings. Where there is none the record's state is "error", again with a
// finding. It is bounded in octets, depth and number of values, and keeps no
// state between calls.
//
// Findings have ids of our own ("rdap.date"). Those that ICANN's conformance
// tool has a code for carry it; only rules that can be judged from one answer,
// and exactly, are among them. The gTLD rules ("gtld.…") are applied when the
// answer claims the gTLD response profile or the name is under a gTLD by its
// look, never to country-code names that claim nothing.
package rdap

import (
	"bytes"
	"mime"
	"strconv"
	"strings"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Answer is one HTTP answer of an RDAP server, after redirects.
type Answer struct {
	Status      int         // HTTP status; 0 when not known (a file)
	ContentType string      // the Content-Type header; "" when not known
	Body        []byte      // at most MaxBytes are read
	Asked       name.Domain // the name asked for; zero when not known
}

// Domain reads a domain object from a file or a 200 answer. See
// Answer.Domain.
func Domain(raw []byte, src registration.Source) (registration.Record, error) {
	return Answer{Body: raw}.Domain(src)
}

// Reader reads one answer after the other and keeps its working memory between
// them, for work in bulk. The zero value is ready. It is not safe for
// concurrent use; what it returns is the caller's.
type Reader struct {
	nodes []node
}

// Domain is Answer.Domain.
func (r *Reader) Domain(a Answer, src registration.Source) (registration.Record, error) {
	d := domainReader{reader: reader{tree: tree{nodes: r.nodes[:0]}}}
	rec, err := d.answer(a, src)
	if cap(d.nodes) <= maxKept {
		r.nodes = d.nodes[:0]
	}
	return rec, err
}

// maxKept bounds the memory that a Reader keeps after a large answer.
const maxKept = 1 << 15

// Network reads an IP network object from a file or a 200 answer. See
// Answer.Network.
func Network(raw []byte, src registration.Source) (registration.Network, error) {
	return Answer{Body: raw}.Network(src)
}

// ErrorAnswer says what an answer means that holds no object: 404 and an RDAP
// error object with code 404 (RFC 9083 section 6) mean available, 429 and
// notices about quotas mean throttled, anything else that is an error means
// error. isError is false for an answer that may hold an object.
func ErrorAnswer(a Answer) (state registration.State, findings []registration.Finding, isError bool) {
	r := reader{}
	state, err := r.read(a)
	return state, r.findings, err != nil || state != registration.Unknown
}

// reader reads one answer.
type reader struct {
	tree
	root int32 // the object, none when there is none
}

// read checks the answer as far as it can be without knowing the class of its
// object. The state is Unknown when the object at r.root is to be read; err
// is set when the state is Failed.
func (r *reader) read(a Answer) (registration.State, error) {
	r.root = none
	if a.Status != 0 && a.Status != 404 && (a.Status < 200 || a.Status > 299) {
		// 429 (RFC 6585) is the polite way to say "slower" and breaks no rule.
		if a.Status != 429 {
			r.find(registration.Finding{ID: "rdap.status-code", Severity: registration.RFC, ICANNCode: -13002,
				Detail: "the server answered with HTTP status " + strconv.Itoa(a.Status)})
		}
	}
	if len(a.Body) > MaxBytes {
		r.find(registration.Finding{ID: "rdap.size", Severity: registration.RFC,
			Detail: "the answer is over " + strconv.Itoa(MaxBytes) + " octets; it is not read"})
		if s, ok := stateOfStatus(a.Status); ok {
			return s, failure(s, "the server answered with HTTP status %d", a.Status)
		}
		return registration.Failed, problem.New(problem.TooLarge, "the RDAP answer is over %d octets", MaxBytes)
	}
	body := trimSpace(a.Body)
	jsonErr := error(nil)
	if len(body) > 0 {
		jsonErr = r.parse(body)
	}
	if jsonErr == nil && len(body) > 0 {
		r.root = r.object()
	}
	if r.root == none {
		return r.noObject(a, body, jsonErr)
	}
	if a.ContentType != "" && !rdapType(a.ContentType) {
		r.find(registration.Finding{ID: "rdap.content-type", Severity: registration.RFC, ICANNCode: -13000,
			Detail: "the content type is " + clip(a.ContentType) + ", not application/rdap+json (RFC 7480 section 4.2)"})
	}
	return r.errorObject(a)
}

// object gives the object of the answer: the value itself, or the first
// element of a list of objects.
func (r *reader) object() int32 {
	switch r.kindOf(0) {
	case kObject:
		return 0
	case kArray:
		if c := r.at(0, 0); r.kindOf(c) == kObject {
			r.add("rdap.type", registration.RFC, 0, 0, "an array where an object is expected; its first element is read")
			return c
		}
	}
	return none
}

// noObject gives the state of an answer whose body is no JSON object.
func (r *reader) noObject(a Answer, body []byte, jsonErr error) (registration.State, error) {
	id, detail, code := "rdap.json", "the body holds no JSON object", -13001
	switch {
	case len(body) == 0:
		id, detail, code = "rdap.empty", "the body is empty", 0
	case body[0] == '<' || strings.Contains(strings.ToLower(a.ContentType), "html"):
		id, detail = "rdap.html", "a web page or XML instead of JSON"
	case jsonErr != nil:
		detail = "the body is not valid JSON: " + clip(jsonErr.Error())
	}
	if a.Status == 0 || a.Status/100 == 2 || len(body) > 0 { // an empty 404 or 429 is in order
		r.find(registration.Finding{ID: id, Severity: registration.RFC, ICANNCode: code, Detail: detail})
	}
	s, ok := stateOfStatus(a.Status)
	switch {
	case ok && s != registration.Failed:
		return s, nil
	case len(body) > 0 && quota(body[:min(len(body), 16<<10)]):
		return registration.Throttled, nil
	case ok:
		return s, failure(s, "the RDAP server answered with HTTP status %d", a.Status)
	}
	return registration.Failed, problem.New(problem.Invalid, "the RDAP answer holds no object: %s", detail)
}

// errorObject looks whether the object is an error object, or says in its
// notices that the client has asked too much.
func (r *reader) errorObject(a Answer) (registration.State, error) {
	code := 0
	if n := r.member(r.root, "errorCode"); n != none {
		code, _ = strconv.Atoi(strings.TrimSpace(r.rawText(n)))
		if r.kindOf(n) != kNumber {
			r.add("rdap.type", registration.RFC, -12103, n, kindName(r.kindOf(n))+" where a number is expected")
		}
		// An object that is a domain or a network is read in spite of a code
		// that says success.
		if code >= 200 && code <= 299 {
			code = 0
		}
		if code == 0 && !r.hasObject() {
			code = 500 // an error object whose code cannot be read
		}
	}
	status := a.Status
	if status/100 == 2 {
		status = 0
	}
	if status == 0 && code == 0 {
		if !r.hasObject() && r.quotaText() {
			return registration.Throttled, nil
		}
		return registration.Unknown, nil
	}
	if status == 0 && code != 0 && a.Status != 0 {
		r.find(registration.Finding{ID: "rdap.error-status", Severity: registration.RFC, Path: "$.errorCode",
			Detail: "an error object with code " + strconv.Itoa(code) + " came with HTTP status " + strconv.Itoa(a.Status)})
	}
	if status == 0 {
		status = code
	}
	s, _ := stateOfStatus(status)
	switch {
	case s == registration.Throttled:
	case r.quotaText():
		s = registration.Throttled
	case s == registration.Available && r.reservedText():
		s = registration.Reserved
	}
	return s, failure(s, "the RDAP server answered with an error, code %d", status)
}

// hasObject says whether the root looks like a domain or a network rather than
// a bare message.
func (r *reader) hasObject() bool {
	for _, m := range [...]string{"objectClassName", "ldhName", "unicodeName", "startAddress"} {
		if r.member(r.root, m) != none {
			return true
		}
	}
	return false
}

// stateOfStatus gives the state that an HTTP status or error code means; ok is
// false for 0 and 2xx, which say nothing.
func stateOfStatus(status int) (registration.State, bool) {
	switch {
	case status == 0, status/100 == 2:
		return registration.Unknown, false
	case status == 404:
		return registration.Available, true // RFC 7480 section 5.3
	case status == 429:
		return registration.Throttled, true // RFC 7480 section 5.5
	}
	return registration.Failed, true
}

func failure(s registration.State, format string, args ...any) error {
	if s != registration.Failed {
		return nil
	}
	return problem.New(problem.Unavailable, format, args...)
}

// messages calls f with each text of the title, the description and the
// notices and remarks of the root until it says true.
func (r *reader) messages(f func([]byte) bool, notices bool) bool {
	texts := func(i int32) bool {
		switch r.kindOf(i) {
		case kString:
			return f(r.bytes(i))
		case kArray:
			for c := i + 1; c < r.nodes[i].next; c = r.nodes[c].next {
				if r.kindOf(c) == kString && f(r.bytes(c)) {
					return true
				}
			}
		}
		return false
	}
	if texts(r.member(r.root, "title")) || texts(r.member(r.root, "description")) {
		return true
	}
	if !notices {
		return false
	}
	for _, m := range [...]string{"notices", "remarks"} {
		i := r.member(r.root, m)
		if r.kindOf(i) == kString && f(r.bytes(i)) {
			return true
		}
		s := r.items(i)
		for c := s.from; c < s.to; c = r.nodes[c].next {
			if texts(r.member(c, "title")) || texts(r.member(c, "description")) {
				return true
			}
		}
	}
	return false
}

func (r *reader) quotaText() bool { return r.messages(quota, true) }

func (r *reader) reservedText() bool {
	return r.messages(func(b []byte) bool {
		s := strings.ToLower(string(b))
		for _, p := range [...]string{"is reserved", "reserved name", "reserved domain", "name reserved", "domain reserved", "is blocked", "not available for registration", "cannot be registered"} {
			if strings.Contains(s, p) {
				return true
			}
		}
		return strings.TrimSpace(s) == "reserved"
	}, false)
}

// quota says whether a text tells the client that it has asked too much. Terms
// of use speak of limits too, so only phrases in the perfect tense or of a
// standard count.
func quota(b []byte) bool {
	hint := false
	for _, w := range quotaHints {
		hint = hint || bytes.Contains(b, w)
	}
	if !hint {
		return false
	}
	s := string(bytes.ToLower(b))
	for _, p := range [...]string{
		"too many requests", "too many queries", "rate limit exceeded", "rate limit reached", "rate-limit exceeded", "rate limited", "rate-limited",
		"quota exceeded", "quota reached", "exceeded your quota", "exceeded the quota", "exceeded its quota", "exceeded your query", "limit exceeded",
		"exceeded the maximum", "exceeded your allowed", "exceeded the allowed", "query limit reached", "request limit reached", "requests exceeded",
		"queries exceeded", "query rate", "has been throttled", "are being throttled", "exceeded the rate", "exceeded the query", "exceeded the limit",
		"temporarily blocked", "temporarily denied", "daily limit",
	} {
		if strings.Contains(s, p) && !(p == "query rate" && !strings.Contains(s, "exceed")) && !(p == "daily limit" && !strings.Contains(s, "exceed") && !strings.Contains(s, "reach")) {
			return true
		}
	}
	return false
}

// quotaHints are parts of words without which no phrase about quotas is there.
var quotaHints = [...][]byte{
	[]byte("xceed"), []byte("XCEED"), []byte("oo many"), []byte("OO MANY"), []byte("te limited"), []byte("TE LIMITED"), []byte("te-limited"),
	[]byte("eached"), []byte("EACHED"), []byte("hrottle"), []byte("HROTTLE"), []byte("emporarily"), []byte("EMPORARILY"),
	[]byte("oo Many"), []byte("te Limited"),
}

// shortQuota is quota for the notices of a full object, where long texts are
// terms of use.
func shortQuota(b []byte) bool { return len(b) <= 200 && quota(b) }

func rdapType(ct string) bool {
	t, _, err := mime.ParseMediaType(ct)
	return err == nil && t == "application/rdap+json"
}

// clip shortens foreign text for a finding.
func clip(s string) string {
	s = registration.CleanText(s)
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
