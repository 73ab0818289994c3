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
	rd.object("", root, map[string]func(path string, v jsontree.Value){
		"type":         func(string, jsontree.Value) {},
		"id":           rd.text(&rd.r.ID),
		"url":          rd.url,
		"urls":         rd.list(rd.url),
		"domains":      rd.list(rd.domain),
		"ips":          rd.list(rd.ip),
		"description":  rd.text(&rd.r.Description),
		"target_brand": rd.text(&rd.r.TargetBrand),
		"reported_at":  rd.reportedAt,
		"reporter":     rd.reporter,
		"evidence":     rd.evidence,
		"tags":         rd.list(rd.tag),
	})
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

// object gives each member to its reader; null counts as absent.
func (rd *reader) object(prefix string, v jsontree.Value, fields map[string]func(path string, v jsontree.Value)) {
	for k, val := range v.Members() {
		path := prefix + report.Clean(k.Text(), 64)
		read, ok := fields[k.Text()]
		switch {
		case !ok:
			rd.wrong(path, "is not a field of a report")
		case val.Kind() != jsontree.Null:
			read(path, val)
		}
	}
}

func (rd *reader) str(path string, v jsontree.Value) (string, bool) {
	if v.Kind() != jsontree.String {
		rd.wrong(path, "must be a string, this is %v", v.Kind())
		return "", false
	}
	return v.Text(), true
}

func (rd *reader) text(into *string) func(string, jsontree.Value) {
	return func(path string, v jsontree.Value) {
		if s, ok := rd.str(path, v); ok {
			*into = s
		}
	}
}

// list gives each item of an array to read.
func (rd *reader) list(read func(string, jsontree.Value)) func(string, jsontree.Value) {
	return func(path string, v jsontree.Value) {
		if v.Kind() != jsontree.Array {
			rd.wrong(path, "must be an array, this is %v", v.Kind())
			return
		}
		if v.Len() > report.MaxSubjects {
			rd.wrong(path, "holds %d entries, %d are allowed", v.Len(), report.MaxSubjects)
			rd.errs.Code = problem.TooLarge
			return
		}
		for i, it := range v.Items() {
			read(path+"["+strconv.Itoa(i)+"]", it)
		}
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

func (rd *reader) reporter(path string, v jsontree.Value) {
	if v.Kind() != jsontree.Object {
		rd.wrong(path, "must be an object, this is %v", v.Kind())
		return
	}
	who := &rd.r.Reporter
	rd.object(path+".", v, map[string]func(string, jsontree.Value){
		"org":  rd.text(&who.Org),
		"name": rd.text(&who.Name),
		"contact": func(path string, v jsontree.Value) {
			if s, ok := rd.str(path, v); ok && s != "" {
				if a, err := mail.ParseAddress(s); err != nil || a.Name != "" || len(s) > 320 {
					rd.wrong(path, "is not a mail address")
				} else {
					who.Contact = a.Address
				}
			}
		},
		"disclose": func(path string, v jsontree.Value) {
			switch v.Kind() {
			case jsontree.True:
				who.Disclose = true
			case jsontree.False:
			default:
				rd.wrong(path, "must be true or false, this is %v", v.Kind())
			}
		},
	})
}

func (rd *reader) evidence(path string, v jsontree.Value) {
	if v.Kind() != jsontree.Array {
		rd.wrong(path, "must be an array, this is %v", v.Kind())
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
		var e report.Evidence
		rd.object(at+".", it, map[string]func(string, jsontree.Value){
			"media_type":  rd.text(&e.MediaType),
			"description": rd.text(&e.Description),
			"data":        func(path string, v jsontree.Value) { e.Data = rd.data(path, v) },
		})
		if it.Member("data").Kind() == jsontree.Invalid {
			rd.wrong(at+".data", "is required")
		}
		if e.MediaType == "" {
			e.MediaType = "application/octet-stream"
		}
		if !rd.r.Abuse.NeverKept() {
			rd.r.Evidence = append(rd.r.Evidence, e)
		}
	}
}

// data decodes base64, padded or not; nothing is decoded of what is never kept.
func (rd *reader) data(path string, v jsontree.Value) []byte {
	if v.Kind() != jsontree.String {
		rd.wrong(path, "must be a string, this is %v", v.Kind())
		return nil
	}
	if rd.r.Abuse.NeverKept() {
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
