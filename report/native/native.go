// Package native reads the centre's own report format: the JSON that the web
// form and the API take (POST /api/v1/reports).
//
//	{"id": "…", "type": "phishing", "url": "…", "urls": ["…"], "domains": ["…"],
//	 "ips": ["…"], "description": "…", "target_brand": "…",
//	 "reported_at": "2026-11-02T08:15:30Z", "tags": ["…"],
//	 "reporter": {"org": "…", "contact": "…", "name": "…", "disclose": false},
//	 "evidence": [{"media_type": "image/png", "description": "…", "data": "base64"}]}
//
// Only type is required, and at least one of url, urls, domains and ips. A
// field that is not listed is an error, so that a misspelt one is not lost. The
// limits are those of packages report and jsontree: 8 MiB in all, 200 subjects
// of each kind, 50 evidence items of 5 MiB, 50 tags.
package native

import (
	"bytes"
	"encoding/base64"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
	"bailiwick/report/xarf"
)

// Format name of report.Report.
const Format = "json"

// Is says whether the parsed text looks like a report in this format: an
// object with a type and neither of XARF's version fields.
func Is(d *jsontree.Document) bool {
	r := d.Root()
	return r.Kind() == jsontree.Object && r.Member("type").Kind() != jsontree.Invalid && !xarf.IsV4(d) && !xarf.IsV3(d)
}

// Read reads a report. An error is Invalid or TooLarge and names every field
// that is wrong.
func Read(raw []byte) (report.Report, []report.Finding, error) {
	d, err := jsontree.Parse(raw)
	if err != nil {
		return report.Report{Format: Format}, nil, err
	}
	return Tree(d)
}

// Tree is Read on a parsed text.
func Tree(d *jsontree.Document) (report.Report, []report.Finding, error) {
	rd := reader{r: report.Report{Format: Format}}
	root := d.Root()
	if root.Kind() != jsontree.Object {
		return rd.r, nil, problem.New(problem.Invalid, "a report is an object, this is %v", root.Kind())
	}
	rd.kind(root.Member("type"))
	rd.object("", root, rd.member)
	if rd.errs != nil {
		return rd.r, nil, rd.errs
	}
	findings, err := report.Normalise(&rd.r)
	return rd.r, findings, err
}

type reader struct {
	r    report.Report
	errs *problem.Error
}

func (rd *reader) wrong(path, format string, args ...any) {
	if rd.errs == nil || len(rd.errs.Fields) < 50 {
		rd.errs = rd.errs.Add(path, format, args...)
	}
}

func (rd *reader) fail(err error) {
	if e, ok := err.(*problem.Error); ok {
		for _, f := range e.Fields {
			rd.wrong(f.Path, "%s", f.Reason)
		}
	}
}

// member reads one member of a report and says whether there is such a field.
func (rd *reader) member(path string, v jsontree.Value) bool {
	switch path {
	case "type": // read first: it decides how the rest is
	case "id":
		rd.text(&rd.r.ID, path, v)
	case "url":
		rd.url(path, v)
	case "urls":
		rd.list(path, v, rd.url)
	case "domains":
		rd.list(path, v, rd.domain)
	case "ips":
		rd.list(path, v, rd.ip)
	case "description":
		rd.text(&rd.r.Description, path, v)
	case "target_brand":
		rd.text(&rd.r.TargetBrand, path, v)
	case "reported_at":
		rd.reportedAt(path, v)
	case "reporter":
		if rd.is(jsontree.Object, path, v) {
			rd.object(path, v, rd.reporter)
		}
	case "evidence":
		rd.evidence(path, v)
	case "tags":
		rd.list(path, v, rd.tag)
	default:
		return false
	}
	return true
}

// reporter reads one member of the reporter.
func (rd *reader) reporter(name string, v jsontree.Value) bool {
	who, path := &rd.r.Reporter, "reporter."+name
	switch name {
	case "org":
		rd.text(&who.Org, path, v)
	case "name":
		rd.text(&who.Name, path, v)
	case "contact":
		if s, ok := rd.str(path, v); ok && s != "" {
			if a, err := mail.ParseAddress(s); err != nil || a.Name != "" || len(s) > 320 {
				rd.wrong(path, "is not a mail address")
			} else {
				who.Contact = a.Address
			}
		}
	case "disclose":
		switch v.Kind() {
		case jsontree.True:
			who.Disclose = true
		case jsontree.False, jsontree.Null:
		default:
			rd.wrong(path, "must be true or false, this is %v", v.Kind())
		}
	default:
		return false
	}
	return true
}

// object gives each member to read, which says whether it is a field.
func (rd *reader) object(path string, v jsontree.Value, read func(name string, v jsontree.Value) bool) {
	for k, val := range v.Members() {
		name := k.Text()
		if read(name, val) {
			continue
		}
		if name = report.Clean(name, 64); path != "" {
			name = path + "." + name
		}
		rd.wrong(name, "is not a field of a report")
	}
}

// is says whether v is of kind k, and complains if not; null counts as absent.
func (rd *reader) is(k jsontree.Kind, path string, v jsontree.Value) bool {
	if v.Kind() != k && v.Kind() != jsontree.Null {
		rd.wrong(path, "must be %v, this is %v", k, v.Kind())
	}
	return v.Kind() == k
}

func (rd *reader) str(path string, v jsontree.Value) (string, bool) {
	return v.Text(), rd.is(jsontree.String, path, v)
}

func (rd *reader) text(into *string, path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		*into = s
	}
}

// list gives each item of an array to read.
func (rd *reader) list(path string, v jsontree.Value, read func(path string, v jsontree.Value)) {
	if !rd.is(jsontree.Array, path, v) {
		return
	}
	if v.Len() > report.MaxSubjects {
		rd.wrong(path, "holds %d entries, %d are allowed", v.Len(), report.MaxSubjects)
		rd.errs.Code = problem.TooLarge
		return
	}
	for i, it := range v.Items() {
		at := path + "[" + strconv.Itoa(i) + "]"
		if it.Kind() == jsontree.Null {
			rd.wrong(at, "is null")
			continue
		}
		read(at, it)
	}
}

func (rd *reader) kind(v jsontree.Value) {
	if v.Kind() == jsontree.Invalid || v.Kind() == jsontree.Null {
		rd.wrong("type", "is required")
		return
	}
	s, ok := rd.str("type", v)
	if !ok {
		return
	}
	t := abuse.Type(strings.ToLower(strings.TrimSpace(s)))
	if !t.Known() {
		rd.wrong("type", "%q is not an abuse type", report.Clean(s, 64))
		return
	}
	rd.r.Abuse = t
	rd.r.Category, rd.r.Type = xarf.PairOf(t)
}

func (rd *reader) url(path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		if u, err := report.ParseURL(path, s); err != nil {
			rd.fail(err)
		} else {
			rd.r.URLs = append(rd.r.URLs, u)
		}
	}
}

func (rd *reader) domain(path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		if d, err := report.ParseDomain(path, s); err != nil {
			rd.fail(err)
		} else {
			rd.r.Domains = append(rd.r.Domains, d)
		}
	}
}

func (rd *reader) ip(path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		if a, err := report.ParseIP(path, s); err != nil {
			rd.fail(err)
		} else {
			rd.r.IPs = append(rd.r.IPs, a.String())
		}
	}
}

func (rd *reader) tag(path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		rd.r.Tags = append(rd.r.Tags, s)
	}
}

func (rd *reader) reportedAt(path string, v jsontree.Value) {
	if s, ok := rd.str(path, v); ok {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			rd.wrong(path, "is not a time with a zone as RFC 3339 writes it")
		}
		rd.r.ReportedAt = t.UTC()
	}
}

func (rd *reader) evidence(path string, v jsontree.Value) {
	if !rd.is(jsontree.Array, path, v) {
		return
	}
	if v.Len() > report.MaxEvidence {
		rd.wrong(path, "holds %d items, %d are allowed", v.Len(), report.MaxEvidence)
		rd.errs.Code = problem.TooLarge
		return
	}
	for i, it := range v.Items() {
		at := path + "[" + strconv.Itoa(i) + "]"
		if it.Kind() != jsontree.Object {
			rd.wrong(at, "must be an object, this is %v", it.Kind())
			continue
		}
		e := report.Evidence{MediaType: "application/octet-stream"}
		given := false
		rd.object(at, it, func(name string, v jsontree.Value) bool {
			switch name {
			case "media_type":
				rd.text(&e.MediaType, at+".media_type", v)
			case "description":
				rd.text(&e.Description, at+".description", v)
			case "data":
				given = v.Kind() != jsontree.Null
				e.Data = rd.data(at+".data", v)
			default:
				return false
			}
			return true
		})
		if !given {
			rd.wrong(at+".data", "is required")
		}
		if !rd.r.Abuse.NeverKept() {
			rd.r.Evidence = append(rd.r.Evidence, e)
		}
	}
}

// data decodes base64, padded or not; nothing is decoded of what is never kept.
func (rd *reader) data(path string, v jsontree.Value) []byte {
	if !rd.is(jsontree.String, path, v) || rd.r.Abuse.NeverKept() {
		return nil
	}
	b := bytes.TrimRight(v.Bytes(), "=")
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, err := base64.RawStdEncoding.Decode(out, b)
	switch {
	case err != nil:
		rd.wrong(path, "is not base64 (RFC 4648 section 4)")
	case n > report.MaxEvidenceBytes:
		rd.wrong(path, "is larger than the %d octets an evidence item may have", report.MaxEvidenceBytes)
		rd.errs.Code = problem.TooLarge
	}
	return out[:n]
}
