// Package show writes a registration record as text that people like to read:
// what `bailiwick lookup` prints. What is withheld is said to be withheld,
// where two answers differ it is said at the value, and every value that was
// read elsewhere than the rest says where.
//
// Whatever comes from outside is made fit to show: control, format and
// bidirectional characters are gone, text written from right to left is
// isolated (UAX #9, FSI and PDI) so that it moves nothing beside it, and every
// line that a value is broken into stands in the column of the values, so that
// none can pass for a label.
package show

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bailiwick/registration"
	"bailiwick/text"

	"golang.org/x/text/width"
)

// Options say how a record is written. The zero value is for a pipe: lines are
// not broken.
type Options struct {
	// Width is how many columns a line may have; 0 for no bound. Below
	// MinWidth it counts as MinWidth.
	Width int
	// AllFindings writes every finding; else the first MaxFindings of each
	// severity are written, and the rest counted.
	AllFindings bool
}

// The bounds on what is written.
const (
	MinWidth    = 40
	MaxFindings = 8   // of each severity, unless all are asked for
	maxValue    = 400 // characters of one value
	maxList     = 64  // values of one list
)

// labelColumn is where values begin.
const labelColumn = 15

// Text writes the record as it looks at the time now. The error is the
// writer's.
func Text(w io.Writer, rec registration.Record, now time.Time, o Options) error {
	p := printer{w: bufio.NewWriter(w), rec: &rec, now: now.UTC(), o: o}
	if o.Width > 0 {
		p.o.Width = max(o.Width, MinWidth)
	}
	p.sources()
	p.head()
	p.registration()
	p.contacts()
	p.findings()
	p.writeSources()
	return p.w.Flush()
}

type printer struct {
	w     *bufio.Writer // keeps the first error
	rec   *registration.Record
	now   time.Time
	o     Options
	heard []registration.Answer // numbered from 1 in the text
	shown map[string]bool       // findings that stand at their value
}

// safe makes a text of the outside fit to show, and isolates what is written
// from right to left.
func safe(s string) string {
	s = text.Line(blank(s), maxValue)
	if strings.ContainsFunc(s, rightToLeft) {
		return "\u2068" + s + "\u2069"
	}
	return s
}

// blank makes characters that look like a space one: with them a value could be
// laid out like lines of our own.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0:
			return ' '
		}
		return r
	}, s)
}

var rtl = []*unicode.RangeTable{
	unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic,
	unicode.Adlam, unicode.Hanifi_Rohingya, unicode.Mende_Kikakui, unicode.Phoenician, unicode.Imperial_Aramaic,
}

func rightToLeft(r rune) bool {
	// What no table names is in the blocks that Unicode keeps for such scripts.
	return r >= 0x590 && unicode.In(r, rtl...) || r >= 0x10800 && r <= 0x10FFF || r >= 0x1E800 && r <= 0x1EFFF
}

// columns is how wide a terminal writes s.
func columns(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

func (p *printer) line(s string) {
	_, _ = p.w.WriteString(strings.TrimRight(s, " "))
	_ = p.w.WriteByte('\n')
}

// row writes a label and beside it a text, broken at spaces where it does not
// fit, and within a word where it must.
func (p *printer) row(label, value string) { p.rowAt(labelColumn, label, value) }

func (p *printer) rowAt(column int, label, value string) {
	head := label
	if n := columns(head); n < column {
		head += strings.Repeat(" ", column-n)
	} else {
		head += " "
	}
	for _, l := range p.wrap(value, column) {
		p.line(head + l)
		head = strings.Repeat(" ", column)
	}
}

// wrap breaks a text into lines that fit beside column.
func (p *printer) wrap(s string, column int) []string {
	room := p.o.Width - column
	if p.o.Width == 0 || columns(s) <= room {
		return []string{s}
	}
	var out []string
	cur, n := "", 0
	flush := func() {
		// What is isolated is so on each line: a terminal lays out one at a time.
		open := strings.LastIndex(cur, "\u2068") > strings.LastIndex(cur, "\u2069")
		if open {
			cur += "\u2069"
		}
		if n > 0 || !open && cur != "" {
			out = append(out, cur)
		}
		if cur, n = "", 0; open {
			cur = "\u2068"
		}
	}
	for word := range strings.FieldsSeq(s) {
		k := columns(word)
		if n > 0 && n+1+k > room {
			flush()
		}
		if n > 0 {
			cur, n = cur+" ", n+1
		}
		if k <= room {
			cur, n = cur+word, n+k
			continue
		}
		for _, r := range word {
			c := columns(string(r))
			if n+c > room {
				flush()
			}
			cur, n = cur+string(r), n+c
		}
	}
	flush()
	return out
}

// sources numbers the answers that the record was read from, its own first.
func (p *printer) sources() {
	add := func(a registration.Answer) {
		if a.Source != (registration.Source{}) && !slices.ContainsFunc(p.heard, func(x registration.Answer) bool { return x.Source == a.Source }) {
			p.heard = append(p.heard, a)
		}
	}
	own := registration.Answer{Source: p.rec.Sources[""], State: p.rec.State}
	for _, a := range p.rec.Answers {
		if a.Source == own.Source {
			own = a
		}
	}
	add(own)
	for _, a := range p.rec.Answers {
		add(a)
	}
	for _, path := range slices.Sorted(maps.Keys(p.rec.Sources)) {
		add(registration.Answer{Source: p.rec.Sources[path]})
	}
}

// mark is " [2]" for a path whose value is not of the first source.
func (p *printer) mark(path string) string {
	if len(p.heard) < 2 {
		return ""
	}
	s := p.rec.SourceOf(path)
	for i, a := range p.heard {
		if i > 0 && a.Source == s {
			return " [" + strconv.Itoa(i+1) + "]"
		}
	}
	return ""
}

var stateWords = map[registration.State]string{
	registration.Registered: "registered",
	registration.Available:  "not registered: the server knows no such name",
	registration.Reserved:   "reserved: the registry does not let it be registered",
	registration.Throttled:  "not answered: the server turned the query away, too much was asked",
	registration.Failed:     "not answered: the server failed, or gave no answer that can be read",
	registration.Unknown:    "not known: the answer says neither that the name is registered nor that it is not",
}

func (p *printer) head() {
	n := safe(p.rec.Domain)
	if n == "" {
		n = p.without("domain")
	}
	if n == "" {
		n = "(no name)"
	}
	if u := safe(p.rec.Unicode); u != "" && u != n {
		n += "  " + u
	}
	p.row("Domain", n+p.mark("domain"))
	p.conflicts("domain")
	s, known := stateWords[p.rec.State]
	if !known {
		s = "no answer"
	}
	p.row("State", s+p.mark("state"))
	p.conflicts("state")
}

func (p *printer) registration() {
	r := p.rec
	p.field("Registrar", "registrar.name", func(v string) string {
		if id := safe(r.Registrar.IANAID); id != "" {
			v += " (IANA " + id + ")"
		}
		return v
	})
	if r.Registrar.Name == "" || p.has("registrar.iana_id") {
		p.field("  IANA ID", "registrar.iana_id", nil)
	}
	p.field("  web", "registrar.url", nil)
	p.field("  abuse", "registrar.abuse_email", nil)
	p.field("", "registrar.abuse_phone", nil)
	for _, d := range [...]struct {
		label, path string
		date        registration.Date
	}{{"Created", "created", r.Created}, {"Updated", "updated", r.Updated}, {"Expires", "expires", r.Expires}} {
		label := d.label
		p.field(label, d.path, func(string) string { return When(d.date, p.now) })
	}
	p.statuses()
	p.list("Name servers", "nameservers", r.Nameservers)
	p.field("DNSSEC", "dnssec", nil)
	p.field("Registry ID", "handle", nil)
}

// has says whether a conflict is to be shown at the path, or why it is empty.
func (p *printer) has(path string) bool {
	return slices.ContainsFunc(p.rec.Findings, func(f registration.Finding) bool { return f.Path == path && conflict(f) }) || p.without(path) != ""
}

// field writes the value at path, or why there is none, and what answers
// disagree about it; nothing where nothing was said.
func (p *printer) field(label, path string, words func(string) string) {
	v := safe(p.rec.Value(path))
	switch {
	case v == "":
		if v = p.without(path); v == "" {
			return
		}
	case words != nil:
		v = words(v)
	}
	p.row(label, v+p.mark(path))
	p.conflicts(path)
}

// without says why the field at path has no value; "" when nothing was said of
// it.
func (p *printer) without(path string) string {
	switch p.rec.Fields[path] {
	case "", registration.Absent:
		return ""
	case registration.Redacted:
		return "(redacted)"
	case registration.Proxy:
		return "(a privacy or proxy service's)"
	case registration.Present:
		return "(there, not shown here)"
	case registration.Unparsed:
		if raw := safe(p.rec.Unread[path]); raw != "" {
			return "(not readable: " + raw + ")"
		}
		return "(not readable)"
	}
	return "(" + safe(string(p.rec.Fields[path])) + ")"
}

func conflict(f registration.Finding) bool { return strings.HasPrefix(f.ID, "merge.") }

// conflicts writes under a value what answers disagree about it.
func (p *printer) conflicts(path string) {
	for _, f := range p.rec.Findings {
		if f.Path != path || !conflict(f) || p.shown[key(f)] {
			continue
		}
		p.atValue(f)
		p.row("", "! "+safe(f.Detail))
	}
}

// atValue notes that a finding stands at its value and need not be listed.
func (p *printer) atValue(f registration.Finding) {
	if p.shown == nil {
		p.shown = map[string]bool{}
	}
	p.shown[key(f)] = true
}

func key(f registration.Finding) string { return f.ID + "\x00" + f.Path + "\x00" + f.Detail }

func (p *printer) list(label, path string, values []string) {
	if len(values) == 0 {
		p.field(label, path, nil)
		return
	}
	for i, v := range values {
		if i == maxList {
			p.row("", "and "+strconv.Itoa(len(values)-i)+" more")
			break
		}
		m := ""
		if i == 0 {
			m = p.mark(path)
		}
		p.row(label, safe(v)+m)
		label = ""
	}
	p.conflicts(path)
}

func (p *printer) statuses() {
	const path = "statuses"
	if len(p.rec.Statuses) == 0 {
		p.field("Status", path, nil)
		return
	}
	wide := 0
	for _, s := range p.rec.Statuses {
		if _, epp := registration.EPPStatus(s); epp {
			wide = max(wide, columns(safe(s)))
		}
	}
	label := "Status"
	for i, s := range p.rec.Statuses {
		if i == maxList {
			p.row("", "and "+strconv.Itoa(len(p.rec.Statuses)-i)+" more")
			break
		}
		m := ""
		if i == 0 {
			m = p.mark(path)
		}
		v := safe(s)
		means := registration.StatusMeaning(s)
		// On a narrow screen the meaning gets a line of its own.
		two := p.o.Width > 0 && p.o.Width < labelColumn+wide+2+24
		switch {
		case means == "":
			p.row(label, v+m)
		case two:
			p.row(label, v+m)
			p.row("", "  "+means)
		default:
			lines := p.wrap(means+m, labelColumn+wide+2)
			p.line(pad(label, labelColumn) + pad(v, wide+2) + lines[0])
			for _, l := range lines[1:] {
				p.line(strings.Repeat(" ", labelColumn+wide+2) + l)
			}
		}
		label = ""
	}
	p.conflicts(path)
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }

var roleWords = map[string]string{registration.Registrant: "Registrant", registration.Admin: "Admin", registration.Tech: "Tech", registration.Billing: "Billing"}

func (p *printer) contacts() {
	var roles []string
	known := []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}
	add := func(role string) {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	for path := range p.rec.Fields {
		if rest, ok := strings.CutPrefix(path, "contacts."); ok {
			role, _, _ := strings.Cut(rest, ".")
			add(role)
		}
	}
	for role := range p.rec.Contacts {
		add(role)
	}
	slices.SortFunc(roles, func(a, b string) int {
		i, j := slices.Index(known, a), slices.Index(known, b)
		if i < 0 || j < 0 {
			return j - i + strings.Compare(a, b)*boolInt(i == j)
		}
		return i - j
	})
	before := map[string]string{}
	for i, role := range roles {
		if i == maxList {
			break
		}
		label, why := roleWords[role], ""
		if label == "" { // a word of the outside is no label
			label, why = "Contact", safe(role)+" "
		}
		// One contact in several roles is written once.
		sum := p.contactSum(role)
		p.line("")
		if first, ok := before[sum]; ok {
			p.row(label, why+"as the "+first)
			continue
		}
		if why == "" {
			before[sum] = strings.ToLower(label)
		}
		p.contact(role, label, why)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// contactSum tells one contact from another, with all that would be written of
// it.
func (p *printer) contactSum(role string) string {
	var b strings.Builder
	for _, f := range append([]string{""}, registration.ContactFields()...) {
		path := registration.ContactPath(role, f)
		v := p.without(path) + p.mark(path)
		if f != "" {
			v += p.rec.Contacts[role].Field(f)
		}
		for _, x := range p.rec.Findings {
			if x.Path == path {
				v += key(x)
			}
		}
		b.WriteString(v)
		b.WriteByte(0)
	}
	return b.String()
}

var fieldWords = map[string]string{
	"handle": "handle", "name": "name", "organization": "organisation", "street": "street", "city": "city", "region": "region", "postal_code": "postal code",
	"country": "country", "email": "e-mail", "phone": "phone", "fax": "fax", "contact_uri": "reach at",
}

func (p *printer) contact(role, label, lead string) {
	whole := registration.ContactPath(role, "")
	why := lead + p.without(whole)
	if why == lead {
		for _, f := range p.rec.Findings {
			if f.ID == "registration.proxy" && f.Path == whole {
				why = lead + "! " + safe(f.Detail)
				p.atValue(f)
			}
		}
	}
	p.row(label, why)
	p.conflicts(whole)
	c := p.rec.Contacts[role]
	order := []string{"name", "organization", "street", "city", "region", "postal_code", "country", "email", "phone", "fax", "contact_uri", "handle"}
	for _, f := range order {
		path := registration.ContactPath(role, f)
		if f == "street" && len(c.Street) > 1 {
			name := "  " + fieldWords[f]
			for i, l := range c.Street {
				if i == maxList {
					break
				}
				if i == 0 {
					l = safe(l) + p.mark(path)
				} else {
					l = safe(l)
				}
				p.row(name, l)
				name = ""
			}
			p.conflicts(path)
			continue
		}
		p.field("  "+fieldWords[f], path, nil)
	}
}

func (p *printer) findings() {
	titles := [...]struct {
		severity registration.Severity
		words    string
	}{{registration.Must, "must"}, {registration.RFC, "rfc"}, {registration.Advice, "advice"}, {"", "other"}}
	first := true
	for _, s := range titles {
		n, left := 0, 0
		for _, f := range p.rec.Findings {
			if p.shown[key(f)] {
				continue
			}
			switch f.Severity {
			case registration.Must, registration.RFC, registration.Advice:
				if f.Severity != s.severity {
					continue
				}
			default:
				if s.severity != "" {
					continue
				}
			}
			if n == MaxFindings && !p.o.AllFindings {
				left++
				continue
			}
			n++
			if first {
				p.line("")
				p.line("Findings")
				first = false
			}
			label := ""
			if n == 1 {
				label = "  " + s.words
			}
			v := safe(f.ID)
			if f.ICANNCode != 0 {
				v += " (ICANN " + strconv.Itoa(f.ICANNCode) + ")"
			}
			if f.Source != "" {
				v += ", " + safe(f.Source)
			}
			p.row(label, v)
			if d := safe(f.Detail); d != "" {
				if path := safe(f.Path); path != "" && path != "$" {
					d += " [" + path + "]"
				}
				p.rowAt(labelColumn+2, "", d)
			}
		}
		if left > 0 {
			p.row("", "and "+strconv.Itoa(left)+" more")
		}
	}
}

func (p *printer) writeSources() {
	if len(p.heard) == 0 {
		return
	}
	p.line("")
	label := "Source"
	if len(p.heard) > 1 {
		label = "Sources"
	}
	for i, a := range p.heard {
		if i == maxList {
			break
		}
		var parts []string
		if len(p.heard) > 1 {
			parts = append(parts, "["+strconv.Itoa(i+1)+"]")
		}
		parts = append(parts, strings.TrimSpace(safe(a.Role)+" "+strings.ToUpper(safe(a.Protocol))))
		if s := safe(a.Server); s != "" {
			parts = append(parts, s)
		}
		if a.State != "" && a.State != registration.Registered {
			parts = append(parts, "("+safe(string(a.State))+")")
		}
		p.row(label, strings.Join(parts, " "))
		if !a.At.IsZero() {
			p.row("", "asked "+When(registration.Date{Time: a.At}, p.now))
		}
		label = ""
	}
}
