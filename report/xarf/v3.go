package xarf

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
)

// pairsOf3 says which XARF v4 pair each version 3 report type becomes. Types
// are compared folded: "Port-Scan", "PortScan" and "port_scan" are one.
var pairsOf3 = map[string][2]string{
	"spam":                          {"messaging", "spam"},
	"bulkmail":                      {"messaging", "bulk_messaging"},
	"bulkmessaging":                 {"messaging", "bulk_messaging"},
	"phishing":                      {"content", "phishing"},
	"phish":                         {"content", "phishing"},
	"malware":                       {"content", "malware"},
	"malwarehosting":                {"content", "malware"},
	"malwaredistribution":           {"content", "malware"},
	"rpz":                           {"content", "malware"},
	"botnet":                        {"infrastructure", "botnet"},
	"bot":                           {"infrastructure", "botnet"},
	"c2":                            {"infrastructure", "botnet"},
	"copyright":                     {"copyright", "copyright"},
	"copyrightinfringement":         {"copyright", "copyright"},
	"dmca":                          {"copyright", "copyright"},
	"trademark":                     {"content", "brand_infringement"},
	"brandinfringement":             {"content", "brand_infringement"},
	"fraud":                         {"content", "fraud"},
	"scam":                          {"content", "fraud"},
	"defacement":                    {"content", "remote_compromise"},
	"webhack":                       {"content", "remote_compromise"},
	"hacked":                        {"content", "remote_compromise"},
	"compromised":                   {"infrastructure", "compromised_server"},
	"compromisedserver":             {"infrastructure", "compromised_server"},
	"compromisedwebsite":            {"content", "remote_compromise"},
	"compromisedaccount":            {"infrastructure", "compromised_server"},
	"potentiallycompromisedaccount": {"infrastructure", "compromised_server"},
	"ddos":                          {"connection", "ddos"},
	"dos":                           {"connection", "ddos"},
	"portscan":                      {"connection", "port_scan"},
	"scan":                          {"connection", "port_scan"},
	"loginattack":                   {"connection", "login_attack"},
	"bruteforce":                    {"connection", "login_attack"},
	"exploit":                       {"connection", "vulnerability_scan"},
	"sqlinjection":                  {"connection", "sql_injection"},
	"webcrawler":                    {"connection", "scraping"},
	"scraping":                      {"connection", "scraping"},
	"openservice":                   {"vulnerability", "open_service"},
	"vulnerability":                 {"vulnerability", "misconfiguration"},
	"cve":                           {"vulnerability", "cve"},
	"blacklist":                     {"reputation", "blocklist"},
	"blocklist":                     {"reputation", "blocklist"},
	"harassment":                    {"reputation", "threat_intelligence"},
	"childabuse":                    {"content", "csam"},
	"childabusematerial":            {"content", "csam"},
	"childsexualabuse":              {"content", "csam"},
	"childsexualabusematerial":      {"content", "csam"},
	"csam":                          {"content", "csam"},
	"csem":                          {"content", "csem"},
	"childexploitation":             {"content", "csem"},
	"childsexualexploitation":       {"content", "csem"},
}

// noCounterpart are version 3 types that no version 4 type means.
var noCounterpart = map[string]bool{"harassment": true, "potentiallycompromisedaccount": true, "compromisedaccount": true, "exploit": true}

// fold brings a name or type of any dialect to one form: lower case, without
// hyphens, underscores, spaces, dots and slashes.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-', r == '_', r == ' ', r == '.', r == '/':
			return -1
		}
		return r
	}, s)
}

// IsV3 says whether the parsed text looks like XARF v3 or one of its
// forerunners, valid or not.
func IsV3(d *jsontree.Document) bool {
	if IsV4(d) {
		return false
	}
	for k, v := range d.Root().Members() {
		if f := fold(k.Text()); v.Kind() == jsontree.Object && (f == "reporterinfo" || f == "report") {
			return true
		}
	}
	return false
}

// Read3 reads a XARF v3 report, or one of versions 1, 2, alpha and
// development, and gives it the version 4 category and type.
//
// Spellings vary between senders, so names are compared without regard to case,
// hyphens and underscores, and known variants of a field are read
// (Source.URL, SourceUrl, Url; Samples, Attachment). What the centre needs to
// act is required: a type it knows, a date, who reports (an organisation or a
// mail address), and a subject. Anything else that the version 3 schemas would
// refuse is a finding or ignored; see TestV3Negatives for the list. The field
// InternalProcessing is ignored. Disclosure is about the event, so it does not
// make the reporter's identity public.
func Read3(raw []byte) (report.Report, []report.Finding, error) {
	d, err := jsontree.Parse(raw)
	if err != nil {
		return report.Report{Format: Format3}, nil, err
	}
	return V3(d)
}

// V3 is Read3 on a parsed text.
func V3(d *jsontree.Document) (report.Report, []report.Finding, error) {
	r := report.Report{Format: Format3}
	rd := reader{r: &r}
	rd.v3(rd.object("", d.Root()))
	if rd.errs != nil {
		return r, rd.findings, rd.errs
	}
	more, err := report.Normalise(&r)
	return r, append(rd.findings, more...), err
}

// dialect is an object whose members are found by folded name.
type dialect struct {
	path    string
	members map[string]field
}

type field struct {
	path string
	v    jsontree.Value
}

func (rd *reader) object(path string, v jsontree.Value) dialect {
	o := dialect{path: path, members: make(map[string]field, v.Len())}
	for k, val := range v.Members() {
		name := k.Text()
		p := report.Clean(name, 64)
		if path != "" {
			p = path + "." + p
		}
		f := fold(name)
		if prev, ok := o.members[f]; ok {
			if string(prev.v.Raw()) != string(val.Raw()) {
				rd.fail(problem.BadField(p, "says something else than %s", prev.path))
			}
			continue
		}
		o.members[f] = field{p, val}
	}
	return o
}

// at is the member of the first folded name there is; for none, where it
// should be.
func (o dialect) at(spelled string, others ...string) field {
	for _, n := range append([]string{fold(spelled)}, others...) {
		if f, ok := o.members[n]; ok && f.v.Kind() != jsontree.Null {
			return f
		}
	}
	p := spelled
	if o.path != "" {
		p = o.path + "." + spelled
	}
	return field{path: p}
}

// text reads an optional string; another kind is a finding.
func (rd *reader) text(f field) string {
	switch f.v.Kind() {
	case jsontree.Invalid:
		return ""
	case jsontree.String:
		return strings.TrimSpace(f.v.Text())
	case jsontree.Number:
		return string(f.v.Raw())
	}
	rd.found(f.path, "must be a string, this is "+f.v.Kind().String())
	return ""
}

// required reads a string that must be there.
func (rd *reader) required(f field) (string, bool) {
	switch {
	case f.v.Kind() == jsontree.Invalid:
		rd.fail(problem.BadField(f.path, "is required"))
	case f.v.Kind() != jsontree.String:
		rd.fail(problem.BadField(f.path, "must be a string, this is %v", f.v.Kind()))
	case strings.TrimSpace(f.v.Text()) == "":
		rd.fail(problem.BadField(f.path, "is empty"))
	default:
		return strings.TrimSpace(f.v.Text()), true
	}
	return "", false
}

// inner reads an object that must be there.
func (rd *reader) inner(f field) (dialect, bool) {
	switch f.v.Kind() {
	case jsontree.Object:
		return rd.object(f.path, f.v), true
	case jsontree.Invalid:
		rd.fail(problem.BadField(f.path, "is required"))
	default:
		rd.fail(problem.BadField(f.path, "must be an object, this is %v", f.v.Kind()))
	}
	return dialect{}, false
}

func (rd *reader) v3(root dialect) {
	version := root.at("Version")
	switch major, _, _ := strings.Cut(rd.text(version), "."); {
	case version.v.Kind() == jsontree.Invalid:
		rd.found("Version", "is missing")
	case !(major == "1" || major == "2" || major == "3" || major == "alpha" || major == "development"):
		rd.fail(problem.BadField(version.path, "%q is not a version of XARF that is known", report.Clean(major, 40)))
	}
	if info, ok := rd.inner(root.at("ReporterInfo", "reporter")); ok {
		rd.reporter3(info)
	}
	body, ok := rd.inner(root.at("Report"))
	if !ok {
		return
	}
	rd.type3(body)
	rd.date3(body)
	r := rd.r
	if r.Abuse == "" {
		return
	}
	r.ID = rd.text(body.at("ReporterCaseID", "reportid", "caseid", "id"))
	r.Description = rd.text(body.at("ReporterNotes", "description", "attackdescription", "harassmentdescription", "notes"))
	extra := dialect{path: body.path}
	if f := body.at("AdditionalInfo", "additionalinformation"); f.v.Kind() == jsontree.Object {
		extra = rd.object(f.path, f.v)
	}
	r.TargetBrand = rd.text(body.at("TargetBrand", "brand"))
	if r.TargetBrand == "" {
		r.TargetBrand = rd.text(extra.at("TargetBrand", "brand"))
	}
	rd.subjects3(body)
	rd.asides3(root, body)
	if !r.Abuse.NeverKept() {
		rd.samples(body.at("Samples", "sample", "attachment", "attachments", "evidence"))
	}
}

func (rd *reader) reporter3(info dialect) {
	who := &rd.r.Reporter
	who.Org = rd.text(info.at("ReporterOrg", "org"))
	who.Name = rd.text(info.at("ReporterContactName", "contactname"))
	who.Domain = rd.text(info.at("ReporterOrgDomain", "domain"))
	if who.Domain != "" && !isHostname([]byte(who.Domain)) {
		rd.found(info.at("ReporterOrgDomain", "domain").path, "is not a host name")
		who.Domain = ""
	}
	for _, f := range []field{info.at("ReporterContactEmail", "contactemail"), info.at("ReporterOrgEmail", "orgemail", "email", "contact")} {
		m := rd.text(f)
		if m == "" {
			continue
		}
		if !isMail([]byte(m)) {
			rd.found(f.path, "is not a mail address")
		} else if who.Contact == "" {
			who.Contact = m
		}
	}
	if who.Org == "" && who.Contact == "" {
		rd.fail(problem.BadField(info.path, "names neither an organisation nor a mail address, so nobody stands behind the report"))
	}
}

func (rd *reader) type3(body dialect) {
	f := body.at("ReportType", "type")
	t, ok := rd.required(f)
	if !ok {
		return
	}
	p, ok := pairsOf3[fold(t)]
	if !ok {
		rd.fail(problem.BadField(f.path, "%q is not a report type of XARF v3", report.Clean(t, 64)))
		return
	}
	file(rd.r, p[0], p[1])
	if noCounterpart[fold(t)] {
		rd.found(f.path, "XARF v4 has no type that means "+report.Clean(t, 64)+"; the nearest is taken")
	}
	if c := body.at("ReportClass", "class"); c.v.Kind() == jsontree.Invalid {
		rd.found(c.path, "is missing")
	}
}

// date3 reads when it was seen, in RFC 3339 or, as a finding, without a zone.
func (rd *reader) date3(body dialect) {
	f := body.at("Date", "timestamp", "lastseen")
	s, ok := rd.required(f)
	if !ok {
		return
	}
	if t, ok := parseTime(s); ok {
		rd.r.ReportedAt = t
		return
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05 -0700", time.RFC1123Z} {
		if t, err := time.Parse(layout, s); err == nil {
			rd.r.ReportedAt = t.UTC()
			rd.found(f.path, "is not written as RFC 3339; read as "+t.UTC().Format(time.RFC3339))
			return
		}
	}
	rd.fail(problem.BadField(f.path, "%q is not a date and time", report.Clean(s, 64)))
}

// subjects3 gathers what the report is about.
func (rd *reader) subjects3(body dialect) {
	urls := []field{body.at("SourceUrl", "sourceuri", "url", "uri"), body.at("InfringingUrl"), body.at("Urls", "sourceurls")}
	sources := []field{body.at("SourceIp", "ip", "sourceaddress"), body.at("RpzDomain"), body.at("SourceDomain", "domain", "hostname")}
	if s := body.at("Source"); s.v.Kind() == jsontree.Object {
		o := rd.object(s.path, s.v)
		urls = append(urls, o.at("URL", "uri"))
		sources = append(sources, o.at("IP", "address"), o.at("Domain", "hostname", "fqdn"), o.at("Value", "identifier"))
	} else {
		sources = append(sources, s)
	}
	if rd.r.Type == "compromised_server" {
		// The account is one of the service that was logged in to.
		sources = append(sources, body.at("DestinationIp"))
	}
	for _, f := range urls {
		rd.each(f, rd.url)
	}
	for _, f := range sources {
		rd.each(f, rd.source)
	}
	if rd.errs == nil && len(rd.r.URLs)+len(rd.r.Domains)+len(rd.r.IPs) == 0 {
		rd.fail(problem.BadField(body.path, "names no SourceIp, SourceUrl or domain, so there is nothing to act on"))
	}
}

// asides3 looks at fields the centre does not act on: what is wrong with them
// is told to the reporter and stops nothing.
func (rd *reader) asides3(root, body dialect) {
	for _, n := range []string{"SourcePort", "DestinationPort"} {
		rd.whole(body.at(n), 65535)
	}
	for _, n := range []string{"ByteCount", "PacketCount", "FileSize"} {
		rd.whole(body.at(n), 1<<62)
	}
	rd.aside(body.at("DestinationIp"), formatIP)
	rd.aside(body.at("FirstSeen"), formatDateTime)
	rd.aside(body.at("SmtpMailFromAddress"), formatEmail)
	rd.aside(body.at("SmtpRcptToAddress"), formatEmail)
	if f := root.at("OnBehalfOf"); f.v.Kind() == jsontree.Object {
		o := rd.object(f.path, f.v)
		rd.aside(o.at("ComplainantOrgDomain"), formatHostname)
		rd.aside(o.at("ComplainantOrgEmail"), formatEmail)
		rd.aside(o.at("ComplainantContactEmail"), formatEmail)
	}
}

func (rd *reader) aside(f field, want format) {
	if f.v.Kind() == jsontree.Invalid {
		return
	}
	if why := want.check([]byte(rd.text(f))); why != "" {
		rd.found(f.path, why)
	}
}

func (rd *reader) whole(f field, most int64) {
	switch f.v.Kind() {
	case jsontree.Invalid:
	case jsontree.Number:
		if d := parseDecimal(f.v.Raw()); !d.integer() || d.cmp(0) < 0 || d.cmp(most) > 0 {
			rd.found(f.path, "is out of range")
		}
	default:
		rd.found(f.path, "must be a number, this is "+f.v.Kind().String())
	}
}

// each gives read the string of f, or the strings of a list.
func (rd *reader) each(f field, read func(path, s string)) {
	switch f.v.Kind() {
	case jsontree.Invalid:
	case jsontree.String:
		if s := strings.TrimSpace(f.v.Text()); s != "" {
			read(f.path, s)
		}
	case jsontree.Array:
		for i, it := range f.v.Items() {
			p := f.path + "[" + strconv.Itoa(i) + "]"
			if it.Kind() != jsontree.String {
				rd.fail(problem.BadField(p, "must be a string, this is %v", it.Kind()))
			} else if i < report.MaxSubjects {
				read(p, it.Text())
			}
		}
	default:
		rd.fail(problem.BadField(f.path, "must be a string, this is %v", f.v.Kind()))
	}
}

func (rd *reader) samples(f field) {
	switch f.v.Kind() {
	case jsontree.Invalid:
		return
	case jsontree.Array:
	default:
		rd.found(f.path, "must be an array, this is "+f.v.Kind().String())
		return
	}
	for i, it := range f.v.Items() {
		path := f.path + "[" + strconv.Itoa(i) + "]"
		if i == report.MaxEvidence {
			rd.found(f.path, "only the first "+strconv.Itoa(report.MaxEvidence)+" items are kept")
			return
		}
		if it.Kind() != jsontree.Object {
			rd.found(path, "must be an object, this is "+it.Kind().String())
			continue
		}
		o := rd.object(path, it)
		body := o.at("Payload", "data", "content")
		if body.v.Kind() != jsontree.String {
			rd.found(body.path, "is missing or not a string; the item is dropped")
			continue
		}
		e := report.Evidence{MediaType: rd.text(o.at("ContentType", "mimetype", "mediatype")), Description: rd.text(o.at("Description", "filename"))}
		data, err := rd.sample(o, body)
		if err != nil {
			rd.fail(err)
			return
		}
		e.Data = data
		rd.r.Evidence = append(rd.r.Evidence, e)
	}
}

// sample decodes a payload by its flag; without one, what is strictly base64 is
// taken as such.
func (rd *reader) sample(o dialect, body field) ([]byte, error) {
	flag := o.at("Base64Encoded", "base64")
	raw := body.v.Bytes()
	switch flag.v.Kind() {
	case jsontree.True:
		data, ok, err := payload(body.path, raw)
		if err == nil && !ok {
			rd.found(body.path, "is not base64; it is kept as it stands")
		}
		return data, err
	case jsontree.Invalid, jsontree.False:
	default:
		rd.found(flag.path, "must be a boolean, this is "+flag.v.Kind().String())
	}
	if flag.v.Kind() != jsontree.False {
		data := make([]byte, base64.StdEncoding.DecodedLen(len(raw)))
		if n, err := base64.StdEncoding.Strict().Decode(data, raw); err == nil && n > 0 {
			raw = data[:n]
		}
	}
	if len(raw) > report.MaxEvidenceBytes {
		return nil, tooLarge(body.path)
	}
	return append([]byte(nil), raw...), nil
}
