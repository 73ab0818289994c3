// Package message reads a report that a person wrote as a mail: the URLs,
// names and addresses it names in its text, its links, the mails it forwards
// or has attached and the lists it has attached, however they were made
// unclickable, broken over lines or wrapped by a filter. What is found is a
// candidate with its place; what the mail most likely reports is put under
// urls, domains and ips.
package message

import (
	"slices"
	"strings"

	"bailiwick/abuse"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"
	"bailiwick/report/internal/jsontree"
	"bailiwick/report/xarf"
)

// Format name of report.Report.
const Format = "mail"

// The bounds of Read.
const (
	maxCandidates = 2 * report.MaxCandidates // while reading
	maxLines      = 20_000                   // lines of one text
	maxListBytes  = 1 << 20                  // octets of an attached list that are read
	maxNested     = 4                        // mails attached inside one another
)

// Read reads a mail as a report. An error is Invalid or TooLarge; among its
// reasons are that the mail is no report but a delivery report or an automatic
// answer (see Refusal), and that it names nothing that can be acted on.
func Read(m *mail.Message) (report.Report, []report.Finding, error) {
	r := report.Report{Format: Format}
	if !carriesReport(m) {
		if err := Refusal(mail.Classify(m, mail.Envelope{})); err != nil {
			return r, nil, err
		}
	}
	c := collector{m: m}
	c.people()
	r.ID = m.MessageID()
	r.ReportedAt = m.Date()
	if len(c.from) > 0 {
		r.Reporter = report.Reporter{Contact: c.from[0].Addr, Name: c.from[0].Name, Domain: c.from[0].Domain()}
	}
	subject := m.Subject()
	if Declares(m) {
		r.Abuse = abuse.CSAM
	}
	c.subject(subject)
	c.parts(m, report.InOwn, 0, 0)
	if r.Abuse == "" {
		r.Abuse = kindOf(subject, c.own.String())
	}
	r.Category, r.Type = xarf.PairOf(r.Abuse)
	r.Description = describe(subject, c.own.String())
	r.TargetBrand = brandOf(c.own.String())
	c.rank()
	r.Candidates = c.list()
	c.choose(&r)
	findings := c.findings
	if !r.Abuse.NeverKept() {
		r.Evidence = c.evidence
	}
	if in, ok := c.attachedReport(&findings); ok {
		r = merge(in, r)
	}
	more, err := report.Normalise(&r)
	return r, append(findings, more...), err
}

// Candidates are the candidates of a mail that is itself what is reported:
// where its links lead and what its text names. part is the number under which
// they are listed.
func Candidates(m *mail.Message, part int) []report.Candidate {
	c := collector{m: m}
	c.parts(m, report.InAttached, part, 1)
	c.rank()
	return c.list()
}

// Beside are the candidates in a mail's own text where that text is hardly what
// is meant: the words a provider puts before what its machine reports.
func Beside(m *mail.Message) []report.Candidate {
	c := collector{m: m}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Type == "text/plain" && p.Message == nil && p.Name == "" {
			c.text(p.Text(), report.InFooter, i)
		}
	}
	for i := range c.found {
		c.found[i].Unlikely = "it stands in the words that go with every such report"
	}
	c.rank()
	return c.list()
}

// Refusal says why a mail of this class is no report, or nil: delivery
// reports, automatic answers, receipts, lists and invitations. The error is
// Invalid.
func Refusal(c mail.Class) error {
	what := ""
	switch c.Kind {
	case mail.Failed, mail.Delayed, mail.Delivered:
		what = "a delivery report (" + string(c.Kind) + ")"
	case mail.AutoReply:
		what = "an automatic answer"
	case mail.Ticket:
		what = "a ticket system's automatic answer"
	case mail.Generated:
		what = "a mail made by a machine"
	case mail.Receipt:
		what = "a receipt that a mail was displayed"
	case mail.List:
		what = "a mail of a list or sent in bulk"
	case mail.Calendar:
		what = "an invitation"
	default:
		return nil
	}
	return problem.New(problem.Invalid, "this is %s, which opens no report: %s", what, strings.Join(c.Reasons, "; "))
}

// Machine formats come from machines: an attached XARF report is one however
// it was sent.
func carriesReport(m *mail.Message) bool {
	for i := range m.Parts {
		if d := reportTree(&m.Parts[i]); d != nil {
			return true
		}
	}
	return false
}

// reportTree is the JSON of a part that holds a XARF report, or nil.
func reportTree(p *mail.Part) *jsontree.Document {
	if p.Message != nil || len(p.Data) > jsontree.MaxBytes || len(p.Data) < 10 {
		return nil
	}
	n := strings.ToLower(p.Name)
	if !strings.Contains(p.Type, "json") && !strings.Contains(p.Type, "xarf") && !strings.Contains(p.Type, "x-arf") && !strings.HasSuffix(n, ".json") && !strings.HasSuffix(n, ".xarf") {
		return nil
	}
	d, err := jsontree.Parse([]byte(strings.TrimSpace(p.Text())))
	if err != nil || !xarf.IsV4(d) && !xarf.IsV3(d) {
		return nil
	}
	return d
}

// attachedReport reads the first attached XARF report that is valid.
func (c *collector) attachedReport(findings *[]report.Finding) (report.Report, bool) {
	for i := range c.m.Parts {
		d := reportTree(&c.m.Parts[i])
		if d == nil {
			continue
		}
		read := xarf.V3
		if xarf.IsV4(d) {
			read = xarf.V4
		}
		r, more, err := read(d)
		if err == nil || r.Abuse.NeverKept() {
			*findings = append(*findings, more...)
			return r, true
		}
		*findings = append(*findings, report.Finding{Path: "attachment", Reason: "the attached XARF report is not valid and was left out: " + report.Clean(err.Error(), 300)})
	}
	return report.Report{}, false
}

// merge gives what an attached report says, filled up from the mail.
func merge(in, m report.Report) report.Report {
	in.Format = m.Format
	in.Candidates = m.Candidates
	if in.Abuse.NeverKept() {
		return in
	}
	in.Evidence = append(in.Evidence, m.Evidence...)
	if len(in.Evidence) > report.MaxEvidence {
		in.Evidence = in.Evidence[:report.MaxEvidence]
	}
	if in.ID == "" {
		in.ID = m.ID
	}
	if in.ReportedAt.IsZero() {
		in.ReportedAt = m.ReportedAt
	}
	if in.Reporter.Contact == "" {
		in.Reporter.Contact = m.Reporter.Contact
	}
	if in.Reporter.Domain == "" {
		in.Reporter.Domain = m.Reporter.Domain
	}
	if in.Description == "" {
		in.Description = m.Description
	}
	if len(in.URLs)+len(in.Domains)+len(in.IPs) == 0 {
		in.URLs, in.Domains, in.IPs = m.URLs, m.Domains, m.IPs
	}
	return in
}

// Declares says whether a mail declares itself a report of what is never kept:
// in its subject, in a header field or a field of a feedback report in the
// place of a type, or in those of a mail it has attached.
func Declares(m *mail.Message) bool { return declares(m, 0) }

func declares(m *mail.Message, depth int) bool {
	for i := range m.Header.Len() {
		n := m.Header.Name(i)
		if n == "subject" || typeField(n) && (n[0] == 'x' || n[0] == 'r' || n[0] == 'a') {
			if _, v := m.Header.At(i); DeclaresNever(v) {
				return true
			}
		}
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Message != nil && depth < maxNested && declares(p.Message, depth+1) {
			return true
		}
		if p.Type != "message/feedback-report" {
			continue
		}
		for line := range strings.Lines(p.Text()) {
			if k, v, ok := strings.Cut(line, ":"); ok && len(k) < 80 && typeField(strings.ToLower(k)) && DeclaresNever(v) {
				return true
			}
		}
	}
	return false
}

func typeField(name string) bool {
	return name != "content-type" && (strings.Contains(name, "type") || strings.Contains(name, "category") || strings.Contains(name, "class") || strings.Contains(name, "abuse"))
}

func describe(subject, own string) string {
	own = strings.TrimSpace(own)
	if own == "" {
		return subject
	}
	if subject == "" {
		return own
	}
	return subject + "\n\n" + own
}

// collector gathers candidates.
type collector struct {
	m        *mail.Message
	from     []mail.Address
	mine     []string // registered domains of the reporter
	ours     []string // and of those the mail is to
	own      strings.Builder
	found    []found
	index    map[string]int
	evidence []report.Evidence
	findings []report.Finding
}

// found is a candidate and what its rank is made of.
type found struct {
	report.Candidate
	key   string
	bare  bool
	alone bool // it has its line to itself, and no label
	// accused says that its line names a kind of abuse.
	accused bool
}

func (c *collector) people() {
	c.from = c.m.From()
	for _, a := range append(c.from[:len(c.from):len(c.from)], c.m.ReplyTo()...) {
		c.mine = append(c.mine, registered(a.Domain()))
	}
	for _, f := range []string{"To", "Cc"} {
		for _, a := range c.m.Header.Addresses(f) {
			if len(c.ours) < 20 {
				c.ours = append(c.ours, registered(a.Domain()))
			}
		}
	}
}

// registered is the registered domain of a host, or on a platform what its
// customer has.
func registered(host string) string {
	d, err := name.Parse(host)
	if err != nil {
		return host
	}
	return registeredOf(d)
}

func registeredOf(d name.Domain) string {
	p := name.DefaultSuffixes().Split(d)
	switch {
	case !p.Customer.IsZero():
		return p.Customer.String()
	case !p.Registered.IsZero():
		return p.Registered.String()
	}
	return d.String()
}

func (c *collector) subject(s string) {
	find(s, false, func(t thing) {
		t.labelled, t.alone = false, false
		c.add(t, report.InSubject, report.AsText, 0, "")
	})
}

// parts reads the parts of a mail: of the report itself (base own), or of one
// it has attached.
func (c *collector) parts(m *mail.Message, base report.Where, number, depth int) {
	plain := map[int]bool{} // alternatives that have said it in plain text
	for i := range m.Parts {
		p := &m.Parts[i]
		n := number
		if depth == 0 {
			n = i
		}
		switch {
		case p.Message != nil:
			if depth < maxNested && !p.Message.HeadersOnly {
				c.parts(p.Message, report.InAttached, n, depth+1)
			}
			if depth == 0 {
				c.keep(p, "an attached mail")
			}
		case p.Type == "text/plain" && p.Name == "" && p.Disposition != "attachment", p.Type == "text/enriched":
			plain[p.Alternative] = true
			c.text(flowed(p), base, n)
		case p.Type == "text/html" && p.Name == "" && p.Disposition != "attachment":
			c.html(p.Text(), base, n, !(plain[p.Alternative] && p.Alternative > 0))
		case p.Type == "text/html":
			c.html(p.Text(), report.InAttached, n, false)
			if depth == 0 {
				c.keep(p, "an attached page")
			}
		case isList(p):
			t := p.Text()
			if len(t) > maxListBytes {
				t = t[:maxListBytes]
				c.findings = append(c.findings, report.Finding{Path: "attachment", Reason: "an attached list is read to its first 1,048,576 octets only"})
			}
			where := report.InList
			if depth > 0 {
				where = report.InAttached
			} else if in, err := mail.Read(p.Data); err == nil && looksMail(&in) {
				// A mail saved as text.
				c.parts(&in, report.InAttached, n, depth+1)
				c.keep(p, "an attached mail")
				continue
			}
			c.listed(t, where, n)
			if depth == 0 {
				c.keep(p, "an attached list")
			}
		case reportTree(p) != nil:
		default:
			if depth == 0 && !strings.HasPrefix(p.Type, "message/") {
				c.keep(p, "an attachment")
			}
		}
	}
}

func looksMail(m *mail.Message) bool {
	return m.Header.Has("From") && (m.Header.Has("Received") || m.Header.Has("Subject") && m.Header.Has("Date"))
}

// isList says whether an attachment is text that can hold a list.
func isList(p *mail.Part) bool {
	n := strings.ToLower(p.Name)
	if p.IsText() && p.Type != "text/calendar" && p.Type != "text/vcard" && p.Type != "text/x-vcard" && p.Type != "text/css" && !strings.HasSuffix(n, ".vcf") {
		return true
	}
	for _, ext := range []string{".txt", ".csv", ".tsv", ".log", ".lst", ".list"} {
		if strings.HasSuffix(n, ext) {
			return true
		}
	}
	return false
}

// keep makes a part evidence.
func (c *collector) keep(p *mail.Part, what string) {
	if len(c.evidence) >= report.MaxEvidence || len(p.Data) == 0 {
		return
	}
	if len(p.Data) > report.MaxEvidenceBytes {
		c.findings = append(c.findings, report.Finding{Path: "attachment", Reason: "an attachment is over the 5,242,880 octets that evidence may have, and left out"})
		return
	}
	// Pictures inside HTML are mostly logos.
	if strings.HasPrefix(p.Type, "image/") && p.Disposition != "attachment" && len(p.Data) < 8<<10 {
		return
	}
	if p.Name != "" {
		what += ": " + p.Name
	}
	c.evidence = append(c.evidence, report.Evidence{MediaType: p.Type, Description: what, Data: p.Data})
}

// flowed is the text of a part, with the line breaks of format=flowed that a
// sender put inside words taken out (RFC 3676 section 4.2, DelSp).
func flowed(p *mail.Part) string {
	t := p.Text()
	if strings.EqualFold(p.Params["format"], "flowed") && strings.EqualFold(p.Params["delsp"], "yes") {
		t = strings.ReplaceAll(t, " \n", "")
	}
	return t
}

// textLine is one line and whose words it is.
type textLine struct {
	where report.Where
	text  string
	at    int // offset in the whole text
}

func (c *collector) zones(t string, base report.Where) []textLine {
	z := newZoner(base)
	lines := make([]textLine, 0, 64)
	for pos := 0; pos < len(t) && len(lines) < maxLines; {
		end := strings.IndexByte(t[pos:], '\n')
		if end < 0 {
			end = len(t) - pos
		}
		w, l := z.step(t[pos : pos+end])
		lines = append(lines, textLine{w, l, pos})
		pos += end + 1
	}
	return lines
}

func (c *collector) text(t string, base report.Where, part int) {
	lines := c.zones(t, base)
	c.lines(lines, part, true)
}

// lines searches lines; words says whether the reporter's own words among them
// are to be kept for the description.
func (c *collector) lines(lines []textLine, part int, words bool) {
	para := 0 // where the paragraph begins
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if l.text == "" {
			para = i + 1
			if words && l.where == report.InOwn && c.own.Len() > 0 && c.own.Len() < 2*report.MaxDescription {
				c.own.WriteByte('\n')
			}
			continue
		}
		if words && l.where == report.InOwn && c.own.Len() < 2*report.MaxDescription {
			c.own.WriteString(l.text)
			c.own.WriteByte('\n')
		}
		if !mayHold(l.text) {
			continue
		}
		text, used := joined(lines, i)
		if used > 0 && words && l.where == report.InOwn {
			for k := i + 1; k <= i+used; k++ {
				if c.own.Len() < 2*report.MaxDescription {
					c.own.WriteString(lines[k].text)
					c.own.WriteByte('\n')
				}
			}
		}
		list := false
		if l.where == report.InOwn && para < i {
			// "The following domains:" and then one a line.
			list = strings.HasSuffix(strings.TrimRight(lines[para].text, " "), ":")
		}
		find(text, list, func(t thing) {
			t.accused = l.where == report.InOwn && accuses(text)
			where := l.where
			if (where == report.InOwn || where == report.InSignature) && !t.defanged && !t.labelled && isFooter(lines, para, i) {
				where = report.InFooter
			}
			if where == report.InSignature && (t.defanged || t.labelled && !t.bare) {
				where = report.InOwn // nobody's own address is unclickable
			}
			if t.bare && !t.defanged && !t.labelled && where != report.InOwn {
				return
			}
			form := report.AsText
			switch {
			case t.defanged:
				form = report.AsDefanged
			case t.labelled || t.alone:
				form = report.AsLabelled
			}
			unlikely := ""
			if t.genuine && !t.defanged && l.where == report.InOwn {
				unlikely = "the words beside it say that it is the real one"
			}
			c.add(t, where, form, part, unlikely)
		})
		i += used
	}
}

// isFooter looks at the paragraph around line i.
func isFooter(lines []textLine, para, i int) bool {
	for k := max(para, i-3); k < len(lines) && k <= i+1; k++ {
		if k > i && lines[k].text == "" {
			break
		}
		if footer(lines[k].text) {
			return true
		}
	}
	return false
}

// joined is line i with the lines that continue a URL at its end, and how many
// they are.
func joined(lines []textLine, i int) (string, int) {
	t := lines[i].text
	last := t
	if k := strings.LastIndexAny(t, " \t"); k >= 0 {
		last = t[k+1:]
	}
	scheme, _, _, _ := schemeAt(prepare(last))
	open := strings.LastIndexByte(t, '<')
	if scheme < 0 || i+1 >= len(lines) {
		return t, 0
	}
	if open >= 0 && strings.IndexByte(t[open:], '>') < 0 && !strings.ContainsAny(t[open:], " \t") {
		// Inside angle brackets a URL goes on until they shut (RFC 3986
		// appendix C).
		out := t
		for n := 1; n <= 8 && i+n < len(lines); n++ {
			next := lines[i+n].text
			end := strings.IndexByte(next, '>')
			head := next
			if end >= 0 {
				head = next[:end]
			}
			if next == "" || strings.IndexByte(strings.TrimSpace(head), ' ') >= 0 {
				break
			}
			out += next
			if end >= 0 {
				return out, n
			}
		}
		return t, 0
	}
	out, used := t, 0
	for n := 1; n <= 6 && i+n < len(lines); n++ {
		prev := lines[i+n-1].text
		next := lines[i+n].text
		if len(prev) < 64 || next == "" || lines[i+n].where != lines[i].where {
			break
		}
		word, rest, _ := strings.Cut(next, " ")
		if !continues(out, word, rest) {
			break
		}
		out += next
		used = n
		if rest != "" {
			break
		}
	}
	return out, used
}

// continues says whether word, which begins a line, goes on with the URL that
// ends the line before it. In doubt it does not.
func continues(url, word, rest string) bool {
	if strings.Contains(word, "://") || strings.ContainsAny(word, "<>()[]\"'@,:") || len(word) < 2 {
		return false
	}
	end := url[len(url)-1]
	if strings.IndexByte(".,;:!?)>\"'", end) >= 0 && end != '?' {
		return false
	}
	urlish := strings.ContainsAny(word, "=&%/?") || strings.ContainsAny(word, "0123456789") && len(word) > 6
	open := strings.IndexByte("=&?/%-_", end) >= 0
	if rest != "" {
		return strings.ContainsAny(word, "=&%?") || open && urlish
	}
	return urlish || open
}

// listed reads an attached list: names count without a word beside them.
func (c *collector) listed(t string, where report.Where, part int) {
	n := 0
	for line := range strings.Lines(t) {
		if n++; n > maxLines {
			break
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.IndexByte(line, ',') >= 0 || strings.IndexByte(line, '\t') >= 0 {
			line = strings.NewReplacer(",", " , ", "\t", " ", ";", "; ").Replace(line)
		}
		find(line, where == report.InList, func(x thing) {
			if x.bare && !x.defanged && where != report.InList {
				return
			}
			form := report.AsText
			if x.defanged {
				form = report.AsDefanged
			}
			c.add(x, where, form, part, "")
		})
	}
}

// html reads an HTML text. words says whether nothing has said it in plain
// text before.
func (c *collector) html(src string, base report.Where, part int, words bool) {
	text, links := mail.HTMLText(src)
	lines := c.zones(text, base)
	before := len(c.found)
	c.lines(lines, part, words)
	k := 0
	for _, l := range links {
		for k+1 < len(lines) && lines[k+1].at <= l.At {
			k++
		}
		where := base
		if len(lines) > 0 {
			where = lines[k].where
		}
		if where == report.InOwn || where == report.InSignature {
			if len(lines) > 0 && isFooter(lines, k, k) {
				where = report.InFooter
			}
		}
		c.link(l, where, part, before)
	}
}

// link adds where a link leads, and marks what it shows instead.
func (c *collector) link(l mail.Link, where report.Where, part, before int) {
	href := strings.TrimSpace(l.Href)
	if len(href) > 11 && strings.EqualFold(href[:11], "x-msg-href:") {
		href = href[11:]
	}
	if len(href) < 8 || href[0] == '#' || strings.HasPrefix(href, "mailto:") || strings.HasPrefix(href, "tel:") || strings.HasPrefix(href, "cid:") || strings.HasPrefix(href, "data:") || strings.HasPrefix(href, "javascript:") {
		return
	}
	if strings.HasPrefix(href, "//") {
		href = "http:" + href
	}
	p := prepare(strings.ReplaceAll(strings.ReplaceAll(href, "\n", ""), "\r", ""))
	i, skip, sch, fang := schemeAt(p)
	if i != 0 {
		return
	}
	t, ok := urlThing(sch, strings.TrimSpace(p[skip:]))
	if !ok {
		return
	}
	t.defanged = t.defanged || fang
	// What is shown for it, if that is a URL or a name.
	same := false
	find(l.Text, true, func(s thing) {
		h := s.host()
		if h == "" {
			return
		}
		if h == t.url.Host() || "www."+h == t.url.Host() {
			same = true
			return
		}
		key := s.key()
		if at, ok := c.index[key]; ok && at >= before && !s.defanged {
			c.found[at].Form = report.AsShown
		}
	})
	form := report.AsLink
	if same && c.has(t) {
		return
	}
	if t.defanged {
		form = report.AsDefanged
	}
	c.add(t, where, form, part, "")
}

func (c *collector) has(t thing) bool {
	_, ok := c.index[t.key()]
	return ok
}

func (t thing) host() string {
	switch {
	case !t.url.IsZero():
		return t.url.Host()
	case !t.domain.IsZero():
		return t.domain.String()
	case t.ip.IsValid():
		return t.ip.String()
	}
	return ""
}

func (t thing) key() string {
	switch {
	case !t.url.IsZero():
		return t.url.String()
	case !t.domain.IsZero():
		return t.domain.String()
	}
	return t.ip.String()
}

// add notes a candidate, or that one was found again in a better place.
func (c *collector) add(t thing, where report.Where, form report.Form, part int, unlikely string) {
	if t.defanged {
		form = report.AsDefanged
	}
	f := found{key: t.key(), bare: t.bare, alone: t.alone && !t.labelled && !t.defanged, accused: t.accused}
	f.Candidate = report.Candidate{URL: t.url, Domain: t.domain, Where: where, Form: form, Part: part, Unlikely: unlikely, Wrapper: t.wrapper}
	if t.ip.IsValid() {
		f.IP = t.ip.String()
	}
	if c.index == nil {
		c.index = map[string]int{}
	}
	if at, ok := c.index[f.key]; ok {
		old := &c.found[at]
		if baseRank(&f) < baseRank(old) {
			f.bare = f.bare && old.bare
			*old = f
		}
		return
	}
	if len(c.found) >= maxCandidates {
		return
	}
	c.index[f.key] = len(c.found)
	c.found = append(c.found, f)
}

// The ranks: what is said in the reporter's own words, or in a list, before
// what a forwarded mail holds, and that before what hardly anybody means.
const (
	rankStated    = 0 // made unclickable, labelled, or listed
	rankOwn       = 1
	rankForwarded = 2
	rankBare      = 4
	rankBeside    = 7 // signatures, footers, header fields
	rankUnlikely  = 8
)

func baseRank(f *found) int {
	if f.Form == report.AsShown {
		return rankBeside
	}
	switch f.Where {
	case report.InField, report.InList:
		return rankStated
	case report.InOwn, report.InSubject:
		if f.Form == report.AsDefanged || f.Form == report.AsLabelled {
			return rankStated
		}
		return rankOwn
	case report.InForwarded, report.InAttached, report.InQuoted:
		if f.bare && f.Form == report.AsText {
			return rankBare
		}
		return rankForwarded
	}
	return rankBeside
}

func (c *collector) rank() {
	for i := range c.found {
		f := &c.found[i]
		f.Rank = baseRank(f)
		if f.Form == report.AsShown && f.Unlikely == "" {
			f.Unlikely = "it is shown for a link that leads elsewhere"
		}
		if f.Unlikely == "" {
			f.Unlikely = c.unlikely(f)
		}
		if f.Unlikely != "" {
			f.Rank = max(f.Rank, rankUnlikely)
		}
	}
	c.footers()
	slices.SortStableFunc(c.found, func(a, b found) int { return a.Rank - b.Rank })
}

// footers sets aside the help and the terms that a mail passed on links to, as
// its model did: links of one owner that all lead to such pages, beside a link
// of another owner that does not.
func (c *collector) footers() {
	bait := map[string]bool{} // owners with a link that is more than that
	for i := range c.found {
		if f := &c.found[i]; !f.URL.IsZero() && f.Unlikely == "" && !footerPath(f.URL.Path) {
			bait[f.owner()] = true
		}
	}
	if len(bait) == 0 {
		return
	}
	for i := range c.found {
		f := &c.found[i]
		if !f.URL.IsZero() && f.Unlikely == "" && f.Form != report.AsDefanged && f.Form != report.AsLabelled && footerPath(f.URL.Path) && !bait[f.owner()] {
			f.Unlikely = "it leads to help or terms, beside a link that leads elsewhere"
			f.Rank = max(f.Rank, rankUnlikely)
		}
	}
}

// footerPath says whether a path is one of the pages that footers link to.
func footerPath(path string) bool {
	p := strings.Trim(strings.ToLower(path), "/")
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		p = p[i+1:]
	}
	p, _, _ = strings.Cut(p, ".")
	switch p {
	case "help", "support", "faq", "contact", "contact-us", "contactus", "about", "about-us", "legal", "terms", "terms-of-use", "terms-of-service", "tos", "agb", "impressum", "imprint", "datenschutz", "hilfe", "kontakt",
		"aide", "mentions-legales", "cgu", "confidentialite", "ayuda", "contacto", "aviso-legal", "privacidad", "ajuda", "contato", "privacidade", "aiuto", "contatti", "privacy", "privacy-policy", "preferences", "unsubscribe", "security", "cookies":
		return true
	}
	return false
}

// unlikely says why a candidate is hardly what is reported, or "".
func (c *collector) unlikely(f *found) string {
	switch f.Where {
	case report.InSignature:
		return "it stands in the signature"
	case report.InFooter:
		return "it stands in a footer"
	case report.InHeader:
		return "it stands in a header field"
	}
	if f.Form == report.AsDefanged {
		return ""
	}
	d := f.Domain
	if !f.URL.IsZero() {
		d = f.URL.Domain
	}
	if d.IsZero() {
		return ""
	}
	host, reg := d.String(), registeredOf(d)
	bareHost := strings.TrimPrefix(host, "www.")
	stated := f.Form == report.AsLabelled && f.Where == report.InOwn
	switch {
	case references[bareHost] || references[reg] && !stated:
		return "it is a service for looking things up"
	case stated && f.URL.IsZero() == f.bare && !famous[bareHost] && !freemail[reg]:
		return ""
	case slices.Contains(c.mine, reg) || slices.Contains(c.mine, host):
		return "it is the reporter's own domain"
	case slices.Contains(c.ours, reg) && !freemail[reg] || slices.Contains(c.ours, host):
		return "it is the domain the mail was sent to"
	case famous[bareHost] || freemail[bareHost]:
		return "it is a well-known organisation's front page or mail service"
	}
	if f.Where != report.InOwn && !f.URL.IsZero() {
		p := strings.ToLower(f.URL.Path + "?" + f.URL.RawQuery)
		for _, w := range []string{"unsubscribe", "unsub", "optout", "opt-out", "opt_out", "privacy", "abmelden", "desinscri", "desabonn"} {
			if strings.Contains(p, w) {
				return "it is a link to leave a list or to read terms"
			}
		}
		path, _, _ := strings.Cut(p, "?")
		for _, e := range []string{".png", ".jpg", ".jpeg", ".gif", ".css", ".ico", ".dtd", ".xsd"} {
			if strings.HasSuffix(path, e) {
				return "it is a picture or a style sheet"
			}
		}
	}
	return ""
}

func (c *collector) list() []report.Candidate {
	if len(c.found) == 0 {
		return nil
	}
	out := make([]report.Candidate, 0, len(c.found))
	for i := range c.found {
		out = append(out, c.found[i].Candidate)
	}
	return out
}

// choose puts what is most likely reported under urls, domains and ips: what
// the reporter states, with what else he names of the same owner; without
// that, what he names at all; without that, what the mails he forwards hold.
func (c *collector) choose(r *report.Report) {
	best := rankUnlikely
	for i := range c.found {
		if f := &c.found[i]; f.Unlikely == "" {
			best = min(best, f.Rank)
		}
	}
	if best >= rankBeside {
		return
	}
	owners := map[string]bool{}
	for i := range c.found {
		f := &c.found[i]
		if f.Rank == best && f.Unlikely == "" {
			owners[f.owner()] = true
			c.put(r, f)
		}
	}
	if best != rankStated {
		return
	}
	// Where something was labelled or made unclickable, what stands in prose
	// beside it is mostly said for comparison: only what is of the same owner,
	// or in a line that names the abuse, counts. Where lines alone were told apart, all of it does.
	strict := false
	for i := range c.found {
		f := &c.found[i]
		strict = strict || f.Rank == rankStated && f.Unlikely == "" && !f.alone
	}
	for i := range c.found {
		f := &c.found[i]
		if f.Rank == rankOwn && f.Unlikely == "" && (!strict || f.accused || owners[f.owner()]) && !f.bare {
			c.put(r, f)
		}
	}
}

func (f *found) owner() string {
	switch {
	case !f.URL.IsZero() && !f.URL.Domain.IsZero():
		return registeredOf(f.URL.Domain)
	case !f.URL.IsZero():
		return f.URL.Addr.String()
	case !f.Domain.IsZero():
		return registeredOf(f.Domain)
	}
	return f.IP
}

func (c *collector) put(r *report.Report, f *found) {
	over := func(n int) bool {
		if n < report.MaxSubjects {
			return false
		}
		if len(c.findings) == 0 || c.findings[len(c.findings)-1].Path != "urls" {
			c.findings = append(c.findings, report.Finding{Path: "urls", Reason: "the mail names more than the 200 a report may have of a kind; the rest is among the candidates"})
		}
		return true
	}
	switch {
	case !f.URL.IsZero():
		if !over(len(r.URLs)) {
			r.URLs = append(r.URLs, f.URL)
		}
	case !f.Domain.IsZero():
		if !over(len(r.Domains)) {
			r.Domains = append(r.Domains, f.Domain)
		}
	case f.IP != "":
		if !over(len(r.IPs)) {
			r.IPs = append(r.IPs, f.IP)
		}
	}
}
