package web

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bailiwick/access"
	"bailiwick/centre"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/show"

	"golang.org/x/time/rate"
)

// How much of a registration a page shows. What is over is counted, and is in
// the page's twin.
const (
	regValue    = 200 // characters of one value
	regStatuses = 16
	regServers  = 13 // as many as the root zone has
	regRoles    = 6
	regFindings = 8 // of each severity, as bailiwick lookup
	regSources  = 12
	regPaths    = 16     // named at one source
	regConflict = 4      // at one value
	regChanges  = 24     // of one version
	regRoom     = 24_000 // octets of values; what is over is cut to regShort
	regShort    = 24
	caseRoom    = 8_000 // octets of changes beside a case
	nameRoom    = 24_000
	caseHistory = 6  // versions beside a case
	nameHistory = 40 // versions on a page of a name
)

// lookupFresh is how old an answer may be that is shown instead of asking
// again: two people who press at once ask once.
const lookupFresh = time.Minute

// regView is the part of a page about the registration of a name. Contacts are
// in it only when they were asked for by somebody who may see them.
type regView struct {
	Name string
	Wide bool // on the page of a name, not beside a case
	// Below says that the page is of a name below the registered one.
	Below bool
	At    string // address of the page it is on
	// Denied says that the reader may not see registrations at all.
	Denied bool
	// Known is false when nothing was ever answered.
	Known bool
	Badge badge
	Words string
	// Number is the version shown, Newest whether it is the newest.
	Number      int
	Newest      bool
	First, Last time.Time
	Seen        int
	Basis       string // which version the judgement of the case rests on, if another
	Rows        []regRow
	Contacts    []regContact
	// Note says how it stands with the contacts; Ask is the address that shows
	// them, "" for who may not see them or where there are none.
	Note, Ask string
	Shown     bool // contacts are shown, and the look was logged
	Findings  []regFindingsOf
	Count     string // of the findings, in words
	Sources   []regSource
	Versions  []regVersion
	All       int    // versions in all
	Older     string // address of the page with older versions

	// Look says that the reader may ask now; Wait until when the server wants
	// no question.
	Look  bool
	Wait  time.Time
	CSRF  string
	Case  string // id of the case it stands beside
	Said  badge  // what became of asking
	Heard string // what the latest look of a case was answered, when no version exists
	When  time.Time
	Now   time.Time
}

// regRow is a field: its values, why it has none, whose they are where not the
// first source's, and what the answers disagree about.
type regRow struct {
	Label     string
	Values    []template.HTML
	Source    string
	Conflicts []template.HTML
}

// regContact is one role. Same names the role that has the same contact.
type regContact struct {
	Role, Same string
	Notes      []template.HTML
	Rows       []regRow
}

type regFindingsOf struct {
	Severity, Means string
	List            []regFinding
	More            int
}

type regFinding struct {
	ID, Source, Detail, Path template.HTML
	Code                     int
}

type regSource struct {
	N       string
	Words   string // "registry RDAP"
	Server  template.HTML
	At      time.Time
	State   string // what it said, where that is no registration
	Digest  string
	Gone    bool
	Fields  []string // that are from it; of the first source "everything not named"
	Default bool
	More    int
}

type regVersion struct {
	Number      int
	Link        string
	Here        bool
	First, Last time.Time
	Seen        int
	Badge       badge
	Changes     []regChange
	More        int
	Start       bool // the first that is known
}

// regChange is one change in words.
type regChange struct {
	Sign, Kind, Field string
	From, To          template.HTML
	Note              string
}

// The words of states, fields and roles are those of bailiwick lookup; a test
// holds them against registration/show.
var regStates = map[registration.State]struct {
	badge badge
	words string
}{
	registration.Registered: {badge{"quiet", "registered"}, ""},
	registration.Available:  {badge{"quiet", "not registered"}, "the server knows no such name"},
	registration.Reserved:   {badge{"quiet", "reserved"}, "the registry does not let it be registered"},
	registration.Throttled:  {badge{"wait", "not answered"}, "the server turned the query away, too much was asked"},
	registration.Failed:     {badge{"wait", "not answered"}, "the server failed, or gave no answer that can be read"},
	registration.Unknown:    {badge{"wait", "not known"}, "the answer says neither that the name is registered nor that it is not"},
}

func regState(s registration.State) (badge, string) {
	if w, ok := regStates[s]; ok {
		return w.badge, w.words
	}
	return badge{"wait", "no answer"}, ""
}

// regFields are the fields of a record beside contacts, in the order shown.
var regFields = []struct{ path, label string }{
	{"registrar.name", "Registrar"}, {"registrar.iana_id", "IANA ID"}, {"registrar.url", "web"}, {"registrar.abuse_email", "abuse"}, {"registrar.abuse_phone", "abuse phone"},
	{"created", "Created"}, {"updated", "Updated"}, {"expires", "Expires"}, {"statuses", "Status"}, {"nameservers", "Name servers"}, {"dnssec", "DNSSEC"}, {"handle", "Registry ID"},
}

var regContactFields = []struct{ field, label string }{
	{"name", "name"}, {"organization", "organisation"}, {"street", "street"}, {"city", "city"}, {"region", "region"}, {"postal_code", "postal code"}, {"country", "country"},
	{"email", "e-mail"}, {"phone", "phone"}, {"fax", "fax"}, {"contact_uri", "reach at"}, {"handle", "handle"},
}

var regRoleWords = map[string]string{registration.Registrant: "Registrant", registration.Admin: "Admin", registration.Tech: "Tech", registration.Billing: "Billing"}

func regRole(role string) string {
	if w, ok := regRoleWords[role]; ok {
		return w
	}
	return "Contact " + outside(role, 40) // a word of the outside is no label
}

// pathWord names a field in a sentence.
func pathWord(path string) string {
	if rest, ok := strings.CutPrefix(path, "contacts."); ok {
		role, field, _ := strings.Cut(rest, ".")
		w := strings.ToLower(regRole(role))
		for _, f := range regContactFields {
			if f.field == field {
				return w + "’s " + f.label
			}
		}
		if field == "" {
			return w
		}
		return w + "’s " + outside(field, 40)
	}
	switch path {
	case "":
		return "everything else"
	case "state", "domain":
		return path
	case "statuses":
		return "status"
	case "nameservers":
		return "name server"
	case "registrar.url":
		return "registrar’s web"
	case "registrar.abuse_email":
		return "abuse contact"
	case "registrar.iana_id", "dnssec":
	}
	for _, f := range regFields {
		if f.path == path {
			if strings.ToUpper(f.label[:2]) == f.label[:2] { // an abbreviation
				return f.label
			}
			return strings.ToLower(f.label)
		}
	}
	return outside(path, 60)
}

// regKinds are the severities in the order shown, with what they mean.
var regKinds = []struct {
	severity registration.Severity
	word     string
	means    string
}{
	{registration.Must, "must", "against what a contract or profile demands"},
	{registration.RFC, "rfc", "against a standard"},
	{registration.Advice, "advice", "worth knowing"},
	{"", "other", ""},
}

// mayContacts says whether the reader may see the contacts of a name, and, if
// so, to be logged when they are shown.
func (s *site) mayContacts(r *request, d name.Domain) bool {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Registration, ID: d.String(), Personal: true}).Log
}

// mayLookup says whether the reader may have a name asked about now.
func (s *site) mayLookup(r *request, d name.Domain) access.Verdict {
	return access.Decide(r.person, access.Work, access.Object{Kind: access.Registration, ID: d.String()})
}

// maxVersions is how many versions of one name are paged through.
const maxVersions = 100_000

// regKnown is what the centre knows of a name and the reader may see: the
// versions, newest first, each without what contacts leave in it, and that with
// contacts put in the place of the one it was asked for.
type regKnown struct {
	versions []centre.RegistrationVersion
	// at is the index of the version to show.
	at     int
	shown  bool // with contacts
	denied bool
	may    bool // the reader may see contacts
}

// registrationOf is registrationPage for the version to show alone.
func (s *site) registrationOf(r *request, d name.Domain) (regKnown, error) {
	return s.registrationPage(r, d, 0, 1)
}

// registrationPage reads what is known of a registered domain. The query says
// which version ("version", the newest by default) and whether its contacts are
// wanted ("contacts"): they are read only then, only by who may see them, and
// the look is in the access log before.
//
// Only the versions of the page (most of them from a place on) and the one to show
// are read; the others are there by number alone.
func (s *site) registrationPage(r *request, d name.Domain, from, most int) (regKnown, error) {
	var k regKnown
	if !s.may(r, access.Registration, d.String()).Allowed {
		k.denied = true
		return k, nil
	}
	k.may = s.mayContacts(r, d)
	piece, n, err := s.c.RegistrationPage(r.Context(), d, from, most)
	if problem.CodeOf(err) == problem.NotFound {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	k.versions = make([]centre.RegistrationVersion, min(n, maxVersions))
	put := func(at int, vs []centre.RegistrationVersion) {
		for i, v := range vs {
			if at+i < len(k.versions) {
				// Words in which a person may be named go with the contacts.
				v.Record = registration.Scrub(v.Record)
				k.versions[at+i] = v
			}
		}
	}
	put(from, piece)
	q := r.URL.Query()
	if want, err := strconv.Atoi(q.Get("version")); err == nil && want >= 1 && n-want >= 0 && n-want < len(k.versions) {
		k.at = n - want
	}
	if k.versions[k.at].Number == 0 {
		piece, now, err := s.c.RegistrationPage(r.Context(), d, k.at, 1)
		if err == nil && (now != n || len(piece) == 0) {
			err = problem.New(problem.Conflict, "the registration of %s changed while it was read: reload the page", d)
		}
		if err != nil {
			return k, err
		}
		put(k.at, piece)
	}
	v := &k.versions[k.at]
	if q.Get("contacts") == "" || !k.may || v.Contacts != centre.ContactsKept {
		return k, nil
	}
	full, err := s.c.RegistrationContacts(r.Context(), centre.Reader{Desk: s.opt.Access, Person: r.person, Purpose: access.Work}, d, v.Number)
	switch {
	case problem.CodeOf(err) == problem.NotFound:
		v.Contacts = centre.ContactsExpired // since the page was asked for
	case problem.CodeOf(err) == problem.Refused:
		k.may = false
	case err != nil:
		return k, err
	default:
		full.Changes = v.Changes
		*v, k.shown = full, true
	}
	return k, nil
}

// regTwin is the machine-readable twin of the part about the registration.
type regTwin struct {
	Name string `json:"name"`
	// Contacts says whether the version asked for has its contacts: "shown",
	// "withheld" (your roles may not see them), "on request" (contacts=1; it
	// is logged), or as each version says.
	Contacts string                       `json:"contacts,omitempty"`
	Versions []centre.RegistrationVersion `json:"versions"`
	All      int                          `json:"versions_in_all"`
}

func (k regKnown) twin(d name.Domain, from, most int) *regTwin {
	if k.denied {
		return nil
	}
	t := &regTwin{Name: d.String(), Versions: []centre.RegistrationVersion{}, All: len(k.versions)}
	if len(k.versions) == 0 {
		return t
	}
	from = min(max(0, from), len(k.versions))
	t.Versions = append(t.Versions, k.versions[from:min(len(k.versions), from+most)]...)
	if v := k.versions[k.at]; k.shown && !slices.ContainsFunc(t.Versions, func(x centre.RegistrationVersion) bool { return x.Number == v.Number }) {
		t.Versions = append(t.Versions, v)
	}
	switch v := k.versions[k.at]; {
	case k.shown:
		t.Contacts = "shown"
	case v.Contacts != centre.ContactsKept:
		t.Contacts = v.Contacts
	case k.may:
		t.Contacts = "on request"
	default:
		t.Contacts = "withheld"
	}
	return t
}

// regView makes the part of a page at an address out of what is known.
func (s *site) regView(r *request, d name.Domain, k regKnown, at string, wide bool) regView {
	now := s.c.Clock.Now()
	v := regView{Name: d.String(), Wide: wide, At: at, Denied: k.denied, CSRF: r.csrf, Now: now, All: len(k.versions), Said: lookupSaid[r.URL.Query().Get("looked")]}
	if !k.denied && s.mayLookup(r, d).Allowed {
		v.Look = true
		if t := s.c.Collect.RetryAt(d); t.After(now) {
			v.Wait = t
		}
	}
	if k.denied || len(k.versions) == 0 {
		return v
	}
	x := k.versions[k.at]
	v.Known, v.Number, v.Newest, v.First, v.Last, v.Seen, v.Shown = true, x.Number, k.at == 0, x.First, x.Last, x.Seen, k.shown
	v.Badge, v.Words = regState(x.Record.State)
	p := regReader{s: s, rec: &x.Record, room: regRoom, now: now, at: map[string]bool{}, shown: k.shown}
	p.sources()
	v.Rows = p.rows()
	v.Contacts = p.contacts()
	v.Findings, v.Count = p.findings()
	v.Sources = p.listSources(x.Answers)
	page := "/names/" + segment(v.Name)
	switch {
	case k.shown:
		v.Note = "This reading is in the access log."
		if len(x.Record.Contacts) == 0 {
			v.Note = "There is none in the answer. This reading is in the access log."
		}
	case x.Contacts == centre.ContactsExpired:
		v.Note = "Erased: the time that personal data is kept was over."
	case x.Contacts == centre.ContactsNotAsked:
		v.Note = "Left out when it was asked for."
	case x.Contacts == centre.ContactsNone:
		if x.Record.State == registration.Registered && len(v.Contacts) == 0 {
			v.Note = "The answer names none."
		}
	case k.may:
		v.Note = "Personal data, not loaded. Showing it is logged."
		v.Ask = at + "?contacts=1#registration"
		if k.at > 0 {
			v.Ask = at + "?version=" + strconv.Itoa(x.Number) + "&contacts=1#registration"
		}
	default:
		v.Note = "Personal data: withheld from you, as your roles do not need it."
	}
	most, from := caseHistory, 0
	if wide {
		most = nameHistory
		from, _ = strconv.Atoi(r.URL.Query().Get("from")) // what is no number is the beginning
		from = min(max(0, from), len(k.versions))
	}
	to := from
	for p.room = caseRoom; to < min(len(k.versions), from+most) && (to == from || p.room > 0); to++ {
		if wide && to == from {
			p.room = nameRoom
		}
		v.Versions = append(v.Versions, p.version(k.versions[to], page, to == k.at, to == len(k.versions)-1))
	}
	if to < len(k.versions) {
		v.Older = page + "?from=" + strconv.Itoa(to) + "#history"
		if !wide {
			v.Older = page + "#history"
		}
	}
	return v
}

// regReader makes a record fit to show.
type regReader struct {
	s     *site
	rec   *registration.Record
	room  int // octets of values left
	now   time.Time
	heard []registration.Answer // numbered from 1
	at    map[string]bool       // findings that stand at their value
	shown bool                  // the record has its contacts
}

// sources numbers the answers that the record was read from, its own first, as
// bailiwick lookup does.
func (p *regReader) sources() {
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

// source is "[2]" for a path that is not of the first source.
func (p *regReader) source(path string) string {
	s := p.rec.SourceOf(path)
	for i, a := range p.heard {
		if i > 0 && a.Source == s {
			return "[" + strconv.Itoa(i+1) + "]"
		}
	}
	return ""
}

func findingKey(f registration.Finding) string { return f.ID + "\x00" + f.Path + "\x00" + f.Detail }

// conflicts are what answers disagree about at a path.
func (p *regReader) conflicts(path string) (out []template.HTML) {
	for _, f := range p.rec.Findings {
		if f.Path != path || !strings.HasPrefix(f.ID, "merge.") || p.at[findingKey(f)] || len(out) == regConflict {
			continue
		}
		p.at[findingKey(f)] = true
		d := f.Detail
		if d == "" { // said of a contact, and not loaded with it
			d = "the answers differ"
		}
		mark := template.HTML(`<span class="state wait">conflict</span> `)
		if f.ID != "merge.conflict" && !p.quarrel() {
			mark = "" // one that did not answer contradicts nobody
		}
		out = append(out, mark+p.value(d))
	}
	return out
}

// quarrel says whether an answer says of the name what the record does not.
func (p *regReader) quarrel() bool {
	return slices.ContainsFunc(p.rec.Answers, func(a registration.Answer) bool { return a.State.Tells() && a.State != p.rec.State })
}

// without says why the field at path has no value; "" when nothing was said.
func (p *regReader) without(path string) template.HTML {
	var m markup
	switch st := p.rec.Fields[path]; st {
	case "", registration.Absent:
		return ""
	case registration.Redacted:
		m.span("redacted", "redacted")
	case registration.Proxy:
		m.span("redacted", "a privacy or proxy service's")
	case registration.Present:
		m.span("redacted", "there, not shown here")
	case registration.Unparsed:
		m.span("redacted", "not readable")
		if raw := p.rec.Unread[path]; raw != "" {
			m.WriteString(" ")
			m.WriteString(string(p.value(raw)))
		}
	default:
		m.span("redacted", outside(string(st), 40))
	}
	return template.HTML(m.String())
}

// text is a text from outside, of at most max characters; of fewer when many
// long ones stand before it.
func (p *regReader) text(v string, max int) template.HTML {
	if p.room <= 0 {
		max = min(max, regShort)
	}
	h := showText(outsideOnce(v, max))
	p.room -= len(h)
	return h
}

// value is text of the length of a value.
func (p *regReader) value(v string) template.HTML { return p.text(v, regValue) }

// outsideOnce cuts before hidden characters are written out, and after: what is
// shown is never longer than max.
func outsideOnce(v string, max int) string { return cut(visible(cut(v, max)), max) }

// own is a word of ours that looks like a name to what defangs, such as
// "rdap.date" or "$.events[0]".
func (p *regReader) own(v string, max int) template.HTML {
	if strings.ContainsFunc(v, func(r rune) bool {
		return !strings.ContainsRune("$._-[]", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return p.text(v, max)
	}
	return template.HTML(template.HTMLEscapeString(cut(v, max)))
}

// regHost is a host name; one of many labels is shown plainly, to stay short.
func (p *regReader) regHost(v string) template.HTML {
	if len(v) <= 100 && strings.Count(v, ".") < 8 {
		return p.s.showName(v, unmarked)
	}
	return `<span class="name">` + p.text(v, 253) + "</span>"
}

// regDate is a date in words and exactly.
func regDate(d registration.Date, now time.Time) template.HTML {
	exact := d.UTC().Format("2 Jan 2006, 15:04:05 UTC")
	if d.DayOnly {
		exact = d.UTC().Format("2 Jan 2006")
	}
	var m markup
	m.text(show.Relative(d, now))
	m.WriteString(` <time class="dimmer" datetime="` + template.HTMLEscapeString(d.String()) + `">`)
	m.text(exact)
	m.WriteString("</time>")
	return template.HTML(m.String())
}

// field is a row of one value; ok is false where nothing was said of it.
func (p *regReader) field(label, path string, words func(string) template.HTML) (row regRow, ok bool) {
	row = regRow{Label: label, Source: p.source(path)}
	if v := p.rec.Value(path); v != "" {
		row.Values = []template.HTML{words(v)}
	} else if w := p.without(path); w != "" {
		row.Values = []template.HTML{w}
	}
	row.Conflicts = p.conflicts(path)
	return row, len(row.Values)+len(row.Conflicts) > 0
}

func (p *regReader) rows() (out []regRow) {
	dates := map[string]registration.Date{"created": p.rec.Created, "updated": p.rec.Updated, "expires": p.rec.Expires}
	if c := append(p.conflicts("state"), p.conflicts("domain")...); len(c) > 0 {
		out = append(out, regRow{Label: "Answers", Conflicts: c})
	}
	for _, f := range regFields {
		words := p.value
		if d, ok := dates[f.path]; ok {
			words = func(string) template.HTML { return regDate(d, p.now) }
		}
		row, ok := p.field(f.label, f.path, words)
		switch {
		case !ok:
			continue
		case f.path == "statuses" && len(p.rec.Statuses) > 0:
			row.Values = nil
			for _, st := range p.rec.Statuses[:min(len(p.rec.Statuses), regStatuses)] {
				row.Values = append(row.Values, p.status(st))
			}
			row.Values = more(row.Values, len(p.rec.Statuses))
		case f.path == "nameservers" && len(p.rec.Nameservers) > 0:
			row.Values = nil
			for _, ns := range p.rec.Nameservers[:min(len(p.rec.Nameservers), regServers)] {
				row.Values = append(row.Values, p.regHost(ns))
			}
			row.Values = more(row.Values, len(p.rec.Nameservers))
		}
		out = append(out, row)
	}
	return out
}

// more says how many of a list are not shown.
func more(shown []template.HTML, all int) []template.HTML {
	if n := all - len(shown); n > 0 {
		return append(shown, template.HTML(fmt.Sprintf(`<span class="dimmer">and %s more</span>`, thousands(n))))
	}
	return shown
}

// status is a status with its plain meaning.
func (p *regReader) status(st string) template.HTML {
	var m markup
	m.WriteString("<code>")
	m.WriteString(string(p.value(st)))
	m.WriteString("</code>")
	if w := registration.StatusMeaning(st); w != "" {
		m.WriteString(" ")
		m.span("dim", w)
	}
	return template.HTML(m.String())
}

// roles are the roles that something is said of, the known ones first.
func (p *regReader) roles() []string {
	var out []string
	known := []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}
	seen := map[string]bool{}
	for path := range p.rec.Fields {
		if rest, ok := strings.CutPrefix(path, "contacts."); ok {
			role, _, _ := strings.Cut(rest, ".")
			seen[role] = true
		}
	}
	for role := range p.rec.Contacts {
		seen[role] = true
	}
	for _, role := range known {
		if seen[role] {
			out = append(out, role)
			delete(seen, role)
		}
	}
	out = append(out, slices.Sorted(maps.Keys(seen))...)
	return out[:min(len(out), regRoles)]
}

func (p *regReader) contacts() (out []regContact) {
	before := map[string]string{}
	for _, role := range p.roles() {
		c := regContact{Role: regRole(role)}
		whole := registration.ContactPath(role, "")
		if w := p.without(whole); w != "" {
			c.Notes = append(c.Notes, w)
		}
		for _, f := range p.rec.Findings {
			if f.ID == "registration.proxy" && f.Path == whole && !p.at[findingKey(f)] {
				p.at[findingKey(f)] = true
				d := f.Detail
				if d == "" {
					d = "a privacy or proxy service stands in"
				}
				c.Notes = append(c.Notes, `<span class="state wait">proxy</span> `+p.value(d))
			}
		}
		c.Notes = append(c.Notes, p.conflicts(whole)...)
		for _, f := range regContactFields {
			path := registration.ContactPath(role, f.field)
			row, ok := p.field(f.label, path, p.value)
			if !ok {
				continue
			}
			if lines := p.rec.Contacts[role].Street; f.field == "street" && len(lines) > 1 {
				row.Values = nil
				for _, l := range lines[:min(len(lines), 6)] {
					row.Values = append(row.Values, p.value(l))
				}
				row.Values = more(row.Values, len(lines))
			}
			c.Rows = append(c.Rows, row)
		}
		if !p.shown {
			c.Rows = foldRows(c.Rows)
		}
		// One contact in several roles is shown once.
		sum := fmt.Sprint(c.Notes, c.Rows)
		if first, ok := before[sum]; ok {
			c = regContact{Role: c.Role, Same: strings.ToLower(first)}
		} else {
			before[sum] = c.Role
		}
		out = append(out, c)
	}
	return out
}

// foldRows puts fields that are withheld in the same way into one row.
func foldRows(rows []regRow) (out []regRow) {
	for _, r := range rows {
		if n := len(out); n > 0 && len(r.Conflicts) == 0 && r.Source == out[n-1].Source && slices.Equal(r.Values, out[n-1].Values) {
			out[n-1].Label += ", " + r.Label
			continue
		}
		out = append(out, r)
	}
	return out
}

func (p *regReader) findings() (out []regFindingsOf, words string) {
	var counts []string
	for _, k := range regKinds {
		g := regFindingsOf{Severity: k.word, Means: k.means}
		all := 0
		for _, f := range p.rec.Findings {
			known := f.Severity == registration.Must || f.Severity == registration.RFC || f.Severity == registration.Advice
			if p.at[findingKey(f)] || known != (k.severity != "") || known && f.Severity != k.severity {
				continue
			}
			if all++; len(g.List) < regFindings {
				x := regFinding{ID: p.own(f.ID, 80), Code: f.ICANNCode}
				if f.Source != "" {
					x.Source = p.text(f.Source, 40)
				}
				if f.Detail != "" {
					x.Detail = p.value(f.Detail)
				}
				if f.Path != "" && f.Path != "$" {
					x.Path = p.own(f.Path, 120)
				}
				g.List = append(g.List, x)
			}
		}
		if g.More = all - len(g.List); all > 0 {
			out = append(out, g)
			counts = append(counts, strconv.Itoa(all)+" "+k.word)
		}
	}
	return out, strings.Join(counts, ", ")
}

func (p *regReader) listSources(answers []centre.RegistrationAnswer) (out []regSource) {
	of := make([][]string, len(p.heard))
	for _, path := range slices.Sorted(maps.Keys(p.rec.Sources)) {
		if i := slices.IndexFunc(p.heard, func(a registration.Answer) bool { return a.Source == p.rec.Sources[path] }); i >= 0 && path != "" {
			word := pathWord(path)
			if strings.HasPrefix(path, "contacts.") && !p.shown {
				word = "contacts" // which of them there are goes with them
			}
			if !slices.Contains(of[i], word) {
				of[i] = append(of[i], word)
			}
		}
	}
	for i, a := range p.heard[:min(len(p.heard), regSources)] {
		x := regSource{Words: outside(strings.TrimSpace(a.Role+" "+strings.ToUpper(a.Protocol)), 40), At: a.At, Default: a.Source == p.rec.Sources[""], More: max(0, len(of[i])-regPaths)}
		x.Fields = of[i][:len(of[i])-x.More]
		if a.Server != "" {
			x.Server = p.value(a.Server)
		}
		if len(p.heard) > 1 {
			x.N = "[" + strconv.Itoa(i+1) + "]"
		}
		if a.State != "" && a.State != registration.Registered {
			x.State = outside(string(a.State), 40)
		}
		for _, b := range answers {
			if b.Blob != "" && b.Blob == a.Blob {
				x.Digest, x.Gone = b.Blob, b.Gone
			}
		}
		out = append(out, x)
	}
	return out
}

func (p *regReader) version(v centre.RegistrationVersion, page string, here, start bool) regVersion {
	out := regVersion{Number: v.Number, Here: here, First: v.First, Last: v.Last, Seen: v.Seen, Start: start, Link: page + "?version=" + strconv.Itoa(v.Number) + "#registration"}
	out.Badge, _ = regState(v.Record.State)
	out.More = max(0, len(v.Changes)-regChanges)
	for _, c := range v.Changes[:len(v.Changes)-out.More] {
		out.Changes = append(out.Changes, p.change(c))
	}
	return out
}

// change is one change in words; the sign repeats what the words say.
func (p *regReader) change(c registration.Change) regChange {
	out := regChange{Sign: "~", Kind: string(c.Kind), Field: pathWord(c.Path), From: p.valueOf(c.Path, c.From), To: p.valueOf(c.Path, c.To)}
	switch c.Kind {
	case registration.FieldAdded:
		out.Sign = "+"
	case registration.FieldRemoved:
		out.Sign = "−"
	}
	switch c.Is {
	case registration.Redacted:
		out.Note = "redacted now"
	case registration.Proxy:
		out.Note = "a privacy or proxy service stands in now"
	case registration.Unparsed:
		out.Note = "not readable now"
	}
	if c.Personal() && (c.Kind == registration.FieldChanged || c.Kind == registration.FieldAdded || c.Kind == registration.FieldShown) && c.To == "" && out.Note == "" {
		out.Note = "personal: the values are not shown here"
	}
	return out
}

// valueOf is a value of a change.
func (p *regReader) valueOf(path, v string) template.HTML {
	switch path {
	case "created", "updated", "expires":
		return p.value(date(v))
	case "nameservers":
		if v != "" {
			return p.regHost(v)
		}
	case "statuses":
		if v != "" {
			return p.status(v)
		}
	case "state":
		b, _ := regState(registration.State(v))
		return template.HTML(template.HTMLEscapeString(b.Word))
	}
	if v == "" {
		return ""
	}
	return p.value(v)
}

// lookupSaid says what became of asking, after the redirect.
var lookupSaid = map[string]badge{
	"first": {"ok", "Asked: this is the answer."}, "same": {"ok", "Asked: nothing changed."}, "new": {"ok", "Asked: it changed. The history says what."},
	"recent":                       {"quiet", "Not asked again: the answer is less than a minute old."},
	string(registration.Throttled): {"wait", "Not answered: the server turned the query away, too much was asked."},
	string(registration.Failed):    {"wait", "Not answered: the server failed, or gave no answer that can be read."},
	string(registration.Unknown):   {"wait", "The answer says neither that the name is registered nor that it is not."},
	"nobody":                       {"wait", "No server is known that could be asked about this name."},
	"unreachable":                  {"wait", "None of the servers answered."},
	"slow":                         {"wait", "Not asked: you asked for many names at once. Wait a little."},
}

// lookup has a name asked about now, for who works cases. What is asked, and
// how often, is the collector's to decide: it keeps to what servers allow.
func (s *site) lookup(w http.ResponseWriter, r *request) error {
	asked, err := name.ParseAny(r.PathValue("name"))
	if err != nil {
		return problem.New(problem.NotFound, "%q is no name", visible(cut(r.PathValue("name"), 80)))
	}
	d := s.c.Suffixes.Split(asked).Registered
	if d.IsZero() {
		return problem.New(problem.NotFound, "%s is not under a suffix where names are registered", asked)
	}
	if err := s.mayLookup(r, d).Err(r.person); err != nil {
		return err
	}
	said := ""
	if !s.lookups.allow(r.person.ID) {
		said = "slow"
	} else if said, err = s.lookUp(r, d); err != nil {
		return err
	}
	to := "/names/" + segment(d.String())
	if id := r.PostForm.Get("case"); id != "" && len(id) <= 64 {
		if err := s.c.HoldRegistration(r.Context(), d, id); err != nil {
			return err
		}
		to = "/cases/" + segment(id)
	}
	headers(w)
	http.Redirect(w, r.Request, to+"?looked="+url.QueryEscape(said)+"#registration", http.StatusSeeOther)
	return nil
}

// lookUp asks, and gives a key of lookupSaid.
func (s *site) lookUp(r *request, d name.Domain) (string, error) {
	ctx := r.Context()
	before, err := s.c.Registration(ctx, d)
	if err != nil && problem.CodeOf(err) != problem.NotFound {
		return "", err
	}
	rec, err := s.c.Lookup(ctx, d, lookupFresh, "")
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return "", err
	case problem.CodeOf(err) == problem.NotFound:
		return "nobody", nil
	case problem.CodeOf(err) == problem.Unavailable:
		return "unreachable", nil
	default:
		return "", err
	}
	if !rec.State.Tells() {
		if _, ok := lookupSaid[string(rec.State)]; !ok {
			return string(registration.Unknown), nil
		}
		return string(rec.State), nil
	}
	after, err := s.c.Registration(ctx, d)
	switch {
	case err != nil:
		return "", err
	case before.Number == 0:
		return "first", nil
	case after.Number != before.Number:
		return "new", nil
	case after.Seen == before.Seen:
		return "recent", nil
	}
	return "same", nil
}

// turns bound how often one person has names asked about by hand: a table of
// names is for bailiwick lookup, which has a schedule of its own.
type turns struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

const (
	lookupBurst = 12
	lookupEvery = 5 * time.Second // one more
	maxTurns    = 10_000
)

func (t *turns) allow(person string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of[person]
	if l == nil {
		if t.of == nil || len(t.of) >= maxTurns {
			t.of = map[string]*rate.Limiter{} // to forget is better than to refuse
		}
		l = rate.NewLimiter(rate.Every(lookupEvery), lookupBurst)
		t.of[person] = l
	}
	return l.Allow()
}

// regOfName is the registration on the page of a name: that of the registered
// name it is or is below. Below a platform that would be the platform's, and
// there is none.
func (s *site) regOfName(r *request, key string) (regView, *regTwin, error) {
	asked, err := name.ParseAny(key)
	if err != nil {
		return regView{}, nil, nil // an address
	}
	p := s.c.Suffixes.Split(asked)
	if p.Registered.IsZero() || !p.Customer.IsZero() {
		return regView{}, nil, nil
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from")) // what is no number is the beginning
	from = min(max(0, from), maxVersions)
	k, err := s.registrationPage(r, p.Registered, from, nameHistory)
	if err != nil {
		return regView{}, nil, err
	}
	v := s.regView(r, p.Registered, k, "/names/"+segment(asked.String()), true)
	v.Below = p.Registered != asked
	return v, k.twin(p.Registered, from, nameHistory), nil
}

// regBeside is the registration beside a case; the zero value where the subject
// has none of its own.
func (s *site) regBeside(r *request, d centre.Dossier) (regView, *regTwin, error) {
	c := d.Case
	if c.Subject.Kind != "domain" || c.Subject.Name.IsZero() {
		return regView{}, nil, nil
	}
	k, err := s.registrationPage(r, c.Subject.Name, 0, caseHistory)
	if err != nil {
		return regView{}, nil, err
	}
	v := s.regView(r, c.Subject.Name, k, "/cases/"+segment(c.ID), false)
	v.Case = c.ID
	if c.Look != nil {
		if !v.Known && c.Look.Record != "" {
			b, w := regState(registration.State(c.Look.Record))
			v.Heard, v.When = b.Word, c.Look.At
			if w != "" {
				v.Heard += ": " + w
			}
		}
		// "name#version", as the look was filed.
		if _, n, ok := strings.Cut(c.Look.Registration, "#"); ok && v.Known && n != strconv.Itoa(v.Number) {
			if x, err := strconv.Atoi(n); err == nil {
				v.Basis = strconv.Itoa(x)
			}
		}
	}
	return v, k.twin(c.Subject.Name, 0, caseHistory), nil
}
