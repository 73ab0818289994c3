package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bailiwick/name"
	"bailiwick/problem"
)

// The bounds of a report. Lists over theirs are refused, texts are cut.
const (
	MaxSubjects      = 200     // URLs, domains and addresses, each
	MaxEvidence      = 50      // items
	MaxEvidenceBytes = 5 << 20 // octets of one item (5,242,880, as XARF v4 has it)
	MaxTags          = 50
	MaxCandidates    = 500
	MaxDescription   = 8_000 // characters
	maxLine          = 200   // characters: names, tags, identifiers
	maxItemText      = 500   // characters: an evidence item's description
)

// Finding is something odd that did not stop a report: a warning to the
// reporter, kept with the report.
type Finding struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// ParseURL reads a URL as the subject of a report. An error is Invalid and
// names path: it is no http or https URL, or its host is an address or name
// that nobody else can reach.
func ParseURL(path, s string) (name.URL, error) {
	u, err := name.ParseURL(s)
	if err != nil {
		return name.URL{}, problem.BadField(path, "%s", reason(err))
	}
	return u, checkURL(path, u)
}

// ParseDomain reads a domain name, as ParseURL does a URL.
func ParseDomain(path, s string) (name.Domain, error) {
	d, err := name.Parse(name.Refang(s))
	if err != nil {
		return name.Domain{}, problem.BadField(path, "%s", reason(err))
	}
	return d, checkDomain(path, d)
}

// ParseIP reads an address, as ParseURL does a URL. It may be defanged; a
// mapped address becomes the IPv4 address it holds.
func ParseIP(path, s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.Trim(name.Refang(strings.TrimSpace(s)), "[]"))
	if err != nil {
		return netip.Addr{}, problem.BadField(path, "%q is not an IP address", Clean(s, 80))
	}
	if a.Zone() != "" {
		return netip.Addr{}, problem.BadField(path, "%q has a zone: it means something on one machine only", Clean(s, 80))
	}
	a = a.Unmap()
	return a, checkAddr(path, a)
}

func reason(err error) string {
	var e *problem.Error
	if p, ok := err.(*problem.Error); ok {
		e = p
	}
	if e == nil {
		return "is not valid"
	}
	// The cause of a name inside a URL says more than that the URL is wrong.
	if inner, ok := e.Err.(*problem.Error); ok {
		return Clean(e.Detail+": "+inner.Detail, 300)
	}
	return Clean(e.Detail, 300)
}

func checkURL(path string, u name.URL) error {
	if u.Addr.IsValid() {
		return checkAddr(path, u.Addr)
	}
	return checkDomain(path, u.Domain)
}

func checkAddr(path string, a netip.Addr) error {
	if why := name.Reserved(a); why != "" {
		return problem.BadField(path, "%s is %s: nobody outside can act on it", a, why)
	}
	return nil
}

func checkDomain(path string, d name.Domain) error {
	if why := name.SpecialUse(d); why != "" {
		return problem.BadField(path, "%s is %s: nobody in the public DNS can act on it", d, why)
	}
	return nil
}

// Normalise brings a decoded report into the form the centre keeps: subjects
// checked, in canonical form and without repeats, the hosts of its URLs listed
// beside them, texts cleaned and cut to their bounds, evidence measured and
// hashed. The lists are never nil. Where the abuse type is one whose content is
// never kept, evidence data and the free texts about it are dropped and only
// digests stay.
//
// An error is Invalid or TooLarge and names the fields ("urls[2]",
// "evidence[0]"). A report needs at least one subject. Findings say what was
// changed.
func Normalise(r *Report) ([]Finding, error) {
	n := normaliser{r: r}
	n.subjects()
	n.texts()
	if err := n.evidence(); err != nil {
		return n.findings, err
	}
	if n.errs == nil && len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 {
		n.errs = n.errs.Add("urls", "the report names no URL, domain or IP address that can be acted on")
	}
	return n.findings, n.errs.OrNil()
}

type normaliser struct {
	r        *Report
	errs     *problem.Error
	findings []Finding
}

func (n *normaliser) found(path, format string, args ...any) {
	if len(n.findings) < MaxSubjects {
		n.findings = append(n.findings, Finding{path, fmt.Sprintf(format, args...)})
	}
}

// fail notes what err says about entry i of a list.
func (n *normaliser) fail(list string, i int, err error) {
	if e, ok := err.(*problem.Error); ok {
		for _, f := range e.Fields {
			n.errs = n.errs.Add(index(list, i), "%s", f.Reason)
		}
	}
}

func (n *normaliser) subjects() {
	r := n.r
	for _, l := range []struct {
		path string
		n    int
	}{{"urls", len(r.URLs)}, {"domains", len(r.Domains)}, {"ips", len(r.IPs)}} {
		if l.n > MaxSubjects {
			n.errs = n.errs.Add(l.path, "holds %d entries, %d are allowed", l.n, MaxSubjects)
			n.errs.Code = problem.TooLarge
			return
		}
	}
	urls := make([]name.URL, 0, len(r.URLs))
	domains := make([]name.Domain, 0, len(r.Domains)+len(r.URLs))
	ips := make([]string, 0, len(r.IPs)+1)
	for i, d := range r.Domains {
		if d.IsZero() {
			n.errs = n.errs.Add(index("domains", i), "is empty")
		} else if err := checkDomain("", d); err != nil {
			n.fail("domains", i, err)
		} else if !slices.Contains(domains, d) {
			domains = append(domains, d)
		}
	}
	for i, s := range r.IPs {
		if a, err := ParseIP("", s); err != nil {
			n.fail("ips", i, err)
		} else if t := a.String(); !slices.Contains(ips, t) {
			ips = append(ips, t)
		}
	}
	for i, u := range r.URLs {
		if u.IsZero() {
			n.errs = n.errs.Add(index("urls", i), "is empty")
			continue
		}
		if err := checkURL("", u); err != nil {
			n.fail("urls", i, err)
			continue
		}
		if !slices.Contains(urls, u) {
			urls = append(urls, u)
		}
		if u.Addr.IsValid() {
			if t := u.Addr.String(); !slices.Contains(ips, t) {
				ips = append(ips, t)
			}
		} else if !slices.Contains(domains, u.Domain) {
			domains = append(domains, u.Domain)
		}
	}
	r.URLs, r.Domains, r.IPs = urls, domains, ips
}

func (n *normaliser) texts() {
	r := n.r
	if r.Abuse.NeverKept() {
		r.Description = ""
		r.Candidates = nil
	}
	if len(r.Candidates) > MaxCandidates {
		n.found("candidates", "only the first %d of %d are kept", MaxCandidates, len(r.Candidates))
		r.Candidates = r.Candidates[:MaxCandidates]
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		c.Unlikely, c.Wrapper = line(c.Unlikely, maxLine), line(c.Wrapper, 253)
	}
	for _, f := range []struct {
		path string
		s    *string
		max  int
		one  bool
	}{
		{"id", &r.ID, maxLine, true},
		{"category", &r.Category, maxLine, true},
		{"type", &r.Type, maxLine, true},
		{"target_brand", &r.TargetBrand, maxLine, true},
		{"description", &r.Description, MaxDescription, false},
		{"reporter.org", &r.Reporter.Org, maxLine, true},
		{"reporter.contact", &r.Reporter.Contact, 320, true},
		{"reporter.name", &r.Reporter.Name, maxLine, true},
		{"reporter.domain", &r.Reporter.Domain, 253, true},
	} {
		was := *f.s
		if f.one {
			*f.s = line(was, f.max)
		} else {
			*f.s = Clean(was, f.max)
		}
		if strings.HasSuffix(*f.s, "…") && !strings.HasSuffix(was, "…") {
			n.found(f.path, "is cut to %d characters", f.max)
		}
	}
	if len(r.Tags) > MaxTags {
		n.found("tags", "only the first %d of %d are kept", MaxTags, len(r.Tags))
		r.Tags = r.Tags[:MaxTags]
	}
	var tags []string
	for _, t := range r.Tags {
		if t = line(t, maxLine); t != "" && !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	r.Tags = tags
}

func (n *normaliser) evidence() error {
	r := n.r
	if len(r.Evidence) > MaxEvidence {
		return &problem.Error{Code: problem.TooLarge, Detail: fmt.Sprintf("evidence: holds %d items, %d are allowed", len(r.Evidence), MaxEvidence),
			Fields: []problem.Field{{Path: "evidence", Reason: fmt.Sprintf("holds %d items, %d are allowed", len(r.Evidence), MaxEvidence)}}}
	}
	if r.Evidence == nil {
		r.Evidence = []Evidence{}
	}
	for i := range r.Evidence {
		e := &r.Evidence[i]
		if len(e.Data) > MaxEvidenceBytes {
			return &problem.Error{Code: problem.TooLarge, Detail: index("evidence", i) + ": the item is too large",
				Fields: []problem.Field{{Path: index("evidence", i), Reason: fmt.Sprintf("is %d octets long, %d are allowed", len(e.Data), MaxEvidenceBytes)}}}
		}
		if e.Data != nil {
			sum := sha256.Sum256(e.Data)
			e.SHA256, e.Bytes = hex.EncodeToString(sum[:]), len(e.Data)
		}
		e.Description = Clean(e.Description, maxItemText)
		mt := mediaType(e.MediaType)
		if mt == "" {
			n.found(index("evidence", i)+".media_type", "%q is not a media type", Clean(e.MediaType, 80))
			mt = "application/octet-stream"
		}
		e.MediaType = mt
		if r.Abuse.NeverKept() {
			e.Data, e.Description = nil, ""
		}
	}
	return nil
}

// mediaType is type/subtype in lower case (RFC 6838 section 4.2), parameters
// cut off; "" if s is none.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	s = strings.ToLower(strings.TrimSpace(s))
	slash := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/' && i > 0 && i < len(s)-1:
			slash++
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("!#$&-^_.+", c) >= 0:
		default:
			return ""
		}
	}
	if slash != 1 || len(s) > 127 {
		return ""
	}
	return s
}

func index(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
