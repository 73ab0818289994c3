package xarf

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
)

// Format names of report.Report.
const (
	Format4 = "xarf4"
	Format3 = "xarf3"
)

// IsV4 says whether the parsed text declares itself XARF v4, of any minor
// version, valid or not.
func IsV4(d *jsontree.Document) bool {
	return d.Root().Member("xarf_version").Kind() != jsontree.Invalid
}

// Read4 reads a XARF v4 report. An error is the schema's verdict, or says why
// the centre cannot work on a valid report: its URL or source is unusable, or
// an evidence item is over the limit. Findings are what the schema calls
// annotations (a bad UUID, time or mail address), evidence whose digest does
// not match, and what the normal form changed. The field _internal is ignored.
func Read4(raw []byte) (report.Report, []report.Finding, error) {
	d, err := jsontree.Parse(raw)
	if err != nil {
		return report.Report{Format: Format4}, nil, err
	}
	return V4(d)
}

// V4 is Read4 on a parsed text.
func V4(d *jsontree.Document) (report.Report, []report.Finding, error) {
	r := report.Report{Format: Format4}
	root := d.Root()
	v := validator{wantFormats: true}
	category, typ := v.report(root)
	if category != "" && Pair(category, typ) {
		file(&r, category, typ)
	}
	if v.errs != nil {
		return r, v.findings, v.errs
	}
	rd := reader{r: &r, findings: v.findings}
	rd.v4(root)
	if rd.errs != nil {
		return r, rd.findings, rd.errs
	}
	more, err := report.Normalise(&r)
	return r, append(rd.findings, more...), err
}

// reader collects a report out of a checked tree.
type reader struct {
	r        *report.Report
	findings []report.Finding
	errs     *problem.Error
}

func (rd *reader) found(path, reason string) {
	if len(rd.findings) < 2*maxProblems {
		rd.findings = append(rd.findings, report.Finding{Path: path, Reason: reason})
	}
}

// fail adds err's fields; too large stays too large.
func (rd *reader) fail(err error) {
	e, ok := err.(*problem.Error)
	if !ok {
		e = problem.New(problem.Invalid, "%s", "the report is not valid")
	}
	for _, f := range e.Fields {
		rd.errs = rd.errs.Add(f.Path, "%s", f.Reason)
	}
	if rd.errs == nil {
		rd.errs = e
	}
	if e.Code == problem.TooLarge {
		rd.errs.Code = e.Code
	}
}

func (rd *reader) v4(root jsontree.Value) {
	r := rd.r
	r.ID = root.Member("report_id").Text()
	if t, ok := parseTime(root.Member("timestamp").Text()); ok {
		r.ReportedAt = t
	}
	rep := root.Member("reporter")
	r.Reporter = report.Reporter{Org: rep.Member("org").Text(), Contact: rep.Member("contact").Text(), Domain: rep.Member("domain").Text()}
	r.TargetBrand = root.Member("target_brand").Text()
	r.Description = root.Member("description").Text()
	for _, t := range root.Member("tags").Items() {
		r.Tags = append(r.Tags, t.Text())
	}
	for _, f := range []string{"url", "infringing_url"} {
		if u := root.Member(f); u.Kind() == jsontree.String {
			rd.url(f, u.Text())
		}
	}
	rd.source("source_identifier", root.Member("source_identifier").Text())
	if d := root.Member("domain"); d.Kind() == jsontree.String && r.Category == "content" {
		if dom, err := report.ParseDomain("domain", d.Text()); err != nil {
			rd.found("domain", reasonOf(err))
		} else {
			r.Domains = append(r.Domains, dom)
		}
	}
	if !r.Abuse.NeverKept() {
		rd.evidence(root.Member("evidence"))
	}
}

func (rd *reader) url(path, s string) {
	u, err := report.ParseURL(path, s)
	if err != nil {
		rd.fail(err)
		return
	}
	rd.r.URLs = append(rd.r.URLs, u)
}

// source reads what XARF calls the source: an address, a domain name, and in
// practice a URL, an address with a port, or a mail address. What is none of
// these is an error only where nothing else names a subject.
func (rd *reader) source(path, s string) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		s = ap.Addr().String()
	}
	a, addrErr := report.ParseIP(path, s)
	if addrErr == nil {
		rd.r.IPs = append(rd.r.IPs, a.String())
		return
	}
	if a.IsValid() { // an address, but one that nobody can act on
		rd.fail(addrErr)
		return
	}
	if strings.Contains(s, "://") {
		u, err := report.ParseURL(path, s)
		if err != nil {
			rd.fail(err)
			return
		}
		rd.r.URLs = append(rd.r.URLs, u)
		return
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		s = s[i+1:]
	}
	d, err := report.ParseDomain(path, s)
	switch {
	case err == nil:
		rd.r.Domains = append(rd.r.Domains, d)
	case !d.IsZero(): // a name, but of no public DNS
		rd.fail(err)
	case len(rd.r.URLs) > 0:
		rd.found(path, "is no IP address, domain name or URL")
	default:
		rd.fail(problem.BadField(path, "is no IP address, domain name or URL, and nothing else says what the report is about"))
	}
}

func reasonOf(err error) string {
	if e, ok := err.(*problem.Error); ok && len(e.Fields) > 0 {
		return e.Fields[0].Reason
	}
	return "is not valid"
}

func (rd *reader) evidence(list jsontree.Value) {
	for i, it := range list.Items() {
		path := "evidence[" + strconv.Itoa(i) + "]"
		e := report.Evidence{MediaType: it.Member("content_type").Text(), Description: it.Member("description").Text()}
		data, ok, err := payload(path+".payload", it.Member("payload").Bytes())
		if err != nil {
			rd.fail(err)
			continue
		}
		if !ok {
			rd.found(path+".payload", "is not base64; it is kept as it stands")
		}
		e.Data = data
		if h := it.Member("hash"); h.Kind() == jsontree.String && !digestMatches(h.Text(), data) {
			rd.found(path+".hash", "does not match the payload")
		}
		rd.r.Evidence = append(rd.r.Evidence, e)
	}
}

// payload decodes base64, of either alphabet, with or without padding and with
// line ends inside. What is not base64 is returned as it stands.
func payload(path string, b []byte) (data []byte, ok bool, err error) {
	if len(b) > base64.StdEncoding.EncodedLen(report.MaxEvidenceBytes)*11/10 {
		return nil, false, tooLarge(path)
	}
	data = make([]byte, len(b)/4*3+3) // enough with and without padding
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if n, err := enc.Decode(data, b); err == nil {
			data, ok = data[:n], true
			break
		}
	}
	if !ok {
		data = append([]byte(nil), b...)
	}
	if len(data) > report.MaxEvidenceBytes {
		return nil, false, tooLarge(path)
	}
	return data, ok, nil
}

func tooLarge(path string) error {
	e := problem.BadField(path, "is larger than the %d octets an evidence item may have", report.MaxEvidenceBytes)
	e.Code = problem.TooLarge
	return e
}

// digestMatches says whether h ("sha256:…") is the digest of data.
func digestMatches(h string, data []byte) bool {
	algo, want, _ := strings.Cut(h, ":")
	var sum []byte
	switch algo {
	case "sha256":
		s := sha256.Sum256(data)
		sum = s[:]
	case "sha512":
		s := sha512.Sum512(data)
		sum = s[:]
	case "sha1":
		s := sha1.Sum(data)
		sum = s[:]
	case "md5":
		s := md5.Sum(data)
		sum = s[:]
	}
	return strings.EqualFold(hex.EncodeToString(sum), want)
}
