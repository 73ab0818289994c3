package party

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/text"
)

// Limits on one table of contacts.
const (
	MaxListBytes = 16 << 20
	MaxListRows  = 100_000
	maxCell      = 4 << 10 // octets
	maxValues    = 8       // mail addresses, or forms, of one row
	maxListed    = 500     // octets of a value that is shown
)

// Listed is a row of the contact list: what somebody collected about one
// registrar or registry, as far as it can be used.
type Listed struct {
	ID     string   `json:"id"` // of the party: "registrar:1861", "registry:shop"
	Name   string   `json:"name"`
	Emails []string `json:"emails,omitempty"` // in the order of the row
	Forms  []string `json:"forms,omitempty"`  // web addresses, http or https
	API    string   `json:"api,omitempty"`    // in words
	Note   string   `json:"note,omitempty"`   // of whoever collected it
	AsOf   string   `json:"as_of,omitempty"`  // a date
	Group  string   `json:"group,omitempty"`  // id of its Group; "" without a contact
	site   name.Domain
}

// Usable says whether the row holds a contact.
func (l Listed) Usable() bool { return len(l.Emails)+len(l.Forms) > 0 }

// Basis names the row as a source.
func (l Listed) Basis() string {
	if l.AsOf == "" {
		return "contact list"
	}
	return "contact list of " + l.AsOf
}

// Group is one abuse desk: the rows that share a mail address or a form, of
// one list. A desk is asked, capped and judged as one, however many
// accreditations it answers for.
type Group struct {
	ID      string   `json:"id"` // its first mail address, or its form without the scheme
	Emails  []string `json:"emails,omitempty"`
	Forms   []string `json:"forms,omitempty"`
	Members []string `json:"members"` // identifiers of parties, sorted
	// Shared says that nothing shows the members to be one organisation: a
	// mailbox at a public mail provider, or a desk that several unrelated ones
	// name (a service provider's). The desk's caps hold, and what is configured
	// for one member says nothing about another.
	Shared bool `json:"shared,omitempty"`
	// Why says how that was decided, in words.
	Why string `json:"why"`
}

// Quarantined is a value, or a whole row, that is kept and never used.
type Quarantined struct {
	Table  string `json:"table"`           // "registrars" or "registries"
	ID     string `json:"id"`              // of the party, or the row's key as it stands
	Name   string `json:"name,omitempty"`  // of the party
	Field  string `json:"field,omitempty"` // "email", "form", "key"; "" for a row without any contact
	Value  string `json:"value,omitempty"` // made fit to show
	Reason string `json:"reason"`
}

// The reasons for which something is quarantined.
const (
	NoContact    = "no contact is listed"
	WebInMail    = "a web address in the mail column"
	NoMail       = "not one mail address"
	NoWeb        = "not one web address"
	TooMany      = "too many values in one row"
	NoKey        = "the row names no registrar or TLD"
	Twice        = "listed twice"
	NotDelegated = "not a delegated TLD"
)

// ListSource says where a table came from.
type ListSource struct {
	What    string `json:"what"`
	Source  string `json:"source"`
	Licence string `json:"licence"`
	AsOf    string `json:"as_of"` // the latest date in it
	Rows    int    `json:"rows"`
	Usable  int    `json:"usable"` // rows with a contact
}

// Contacts is a list of contacts as read. It is not changed once made.
type Contacts struct {
	Sources    []ListSource
	Quarantine []Quarantined // in the order of the tables
	listed     map[string]Listed
	groups     map[string]Group
	byEmail    map[string]string // mail address in lower case -> group
}

//go:embed data/registrars.csv data/registries.csv
var tables embed.FS

const (
	listSource  = "digging-dns-abuse-contacts"
	listLicence = "MIT, (c) 2025 Chad Los Schumacher"
)

// ShippedContacts is the list that ships with the program; data/README.md says
// where it comes from. suffixes decide which names belong together.
func ShippedContacts(suffixes *name.Suffixes) (*Contacts, error) {
	registrars, err1 := tables.ReadFile("data/registrars.csv")
	registries, err2 := tables.ReadFile("data/registries.csv")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return ReadContacts(registrars, registries, suffixes)
}

// ReadContacts reads tables of contacts in the shape of data/registrars.csv and
// data/registries.csv: CSV (RFC 4180) with a head and comments after "#". A
// table that is no such CSV or over the limits is a *problem.Error with the
// table as its field; a value that is no contact is quarantined. nil is an
// empty table.
func ReadContacts(registrars, registries []byte, suffixes *name.Suffixes) (*Contacts, error) {
	c := &Contacts{listed: map[string]Listed{}, groups: map[string]Group{}, byEmail: map[string]string{}}
	for _, t := range []struct {
		what string
		raw  []byte
		key  func(map[string]string) (id, reason string)
	}{
		{"registrars", registrars, registrarKey},
		{"registries", registries, registryKey},
	} {
		if t.raw == nil {
			continue
		}
		src := ListSource{What: t.what, Source: listSource, Licence: listLicence}
		var ids []string
		err := readTable(t.raw, func(cells map[string]string) {
			src.Rows++
			l, bad := listedRow(cells, t.key)
			if _, twice := c.listed[l.ID]; twice {
				l.ID, bad = "", append(bad, Quarantined{ID: l.ID, Name: l.Name, Field: "key", Reason: Twice})
			}
			for _, q := range bad {
				q.Table = t.what
				c.Quarantine = append(c.Quarantine, q)
			}
			if l.ID == "" {
				return
			}
			c.listed[l.ID] = l
			ids = append(ids, l.ID)
			if l.Usable() {
				src.Usable++
			}
			src.AsOf = max(src.AsOf, l.AsOf)
		})
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "the table of %s does not read: %s", t.what, text.Line(err.Error(), 200))
		}
		c.group(ids, suffixes)
		c.Sources = append(c.Sources, src)
	}
	return c, nil
}

// readTable gives every row by column name.
func readTable(raw []byte, row func(map[string]string)) error {
	if len(raw) > MaxListBytes {
		return problem.New(problem.TooLarge, "it is over %d octets long", MaxListBytes)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comment = '#'
	head, err := r.Read()
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == MaxListRows {
			return problem.New(problem.TooLarge, "it has over %d rows", MaxListRows)
		}
		m := make(map[string]string, len(head))
		for i, h := range head {
			if len(cells[i]) > maxCell {
				cells[i] = strings.ToValidUTF8(cells[i][:maxCell], "")
			}
			m[h] = strings.TrimSpace(cells[i])
		}
		row(m)
	}
}

func registrarKey(cells map[string]string) (id, reason string) {
	if n := ianaID(cells["iana_id"]); n != "" {
		return "registrar:" + n, ""
	}
	return "", NoKey
}

func registryKey(cells map[string]string) (id, reason string) {
	d, err := name.ParseAny(strings.Trim(cells["tld"], ". "))
	if err != nil || len(d.Labels()) != 1 {
		return "", NoKey
	}
	if cells["delegated"] == "no" {
		return "", NotDelegated
	}
	return "registry:" + d.String(), ""
}

// listedRow judges one row.
func listedRow(cells map[string]string, key func(map[string]string) (string, string)) (l Listed, bad []Quarantined) {
	l.Name = text.Line(cells["operator"], maxName)
	if l.Name == "" {
		first, _, _ := strings.Cut(cells["name"], "\n")
		l.Name = text.Line(first, maxName)
	}
	var reason string
	if l.ID, reason = key(cells); l.ID == "" {
		is := text.Line(cells["iana_id"]+cells["tld"], maxListed)
		return l, []Quarantined{{ID: is, Name: l.Name, Field: "key", Value: is, Reason: reason}}
	}
	aside := func(field, value, reason string) {
		bad = append(bad, Quarantined{ID: l.ID, Name: l.Name, Field: field, Value: text.Line(value, maxListed), Reason: reason})
	}
	for i, v := range values(cells["email"]) {
		a, reason := listedMail(v)
		switch {
		case i >= maxValues:
			aside("email", v, TooMany)
		case reason != "":
			aside("email", v, reason)
		case !slices.ContainsFunc(l.Emails, func(e string) bool { return sameMailbox(e, a) }):
			l.Emails = append(l.Emails, a)
		}
	}
	for i, v := range values(cells["form"]) {
		f, ok := webForm(v)
		switch {
		case i >= maxValues:
			aside("form", v, TooMany)
		case !ok:
			aside("form", v, NoWeb)
		case !slices.Contains(l.Forms, f):
			l.Forms = append(l.Forms, f)
		}
	}
	if !l.Usable() && len(bad) == 0 {
		aside("", "", NoContact)
	}
	l.API, l.Note = text.Line(cells["api"], maxListed), text.Line(cells["notes"], maxListed)
	if d := cells["as_of"]; isDate(d) {
		l.AsOf = d
	}
	l.site = siteOf(cells["site"])
	return l, bad
}

// values are the lines of a cell.
func values(cell string) []string {
	var out []string
	for l := range strings.Lines(cell) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// listedMail is the one mail address that a value is. A full stop, comma or
// semicolon at its end is a slip of the pen; a sentence with an address in it
// is not an address, and who wrote it may have meant another.
func listedMail(v string) (addr, reason string) {
	t := strings.TrimRight(v, ".,;")
	if len(t) >= 7 && strings.EqualFold(t[:7], "mailto:") {
		t = t[7:]
	}
	if a, ok := mailbox(t); ok {
		return a, ""
	}
	if _, ok := webForm(v); ok {
		return "", WebInMail
	}
	return "", NoMail
}

// webForm is the one web address that a value is. It must name its scheme, and
// a host that has a name: nobody is to be sent into a local network.
func webForm(v string) (string, bool) {
	if len(v) > name.MaxURL || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", false
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	d, err := name.ParseAny(u.Hostname())
	if err != nil || d.Parent().IsZero() || text.Line(v, name.MaxURL) != v {
		return "", false
	}
	return v, true
}

func isDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s, "0123456789-") == "" && strings.Count(s, "-") == 2
}

// siteOf is the host of a web site as people write them.
func siteOf(cell string) name.Domain {
	for _, v := range values(cell) {
		_, rest, ok := strings.Cut(v, "://")
		if !ok {
			rest = v
		}
		host, _, _ := strings.Cut(rest, "/")
		if d, err := name.ParseAny(host); err == nil {
			return d
		}
	}
	return name.Domain{}
}

// group joins the rows of one table that share a mail address or a form. A
// desk that one row names with its form and another without is the same desk.
func (c *Contacts) group(ids []string, suffixes *name.Suffixes) {
	home := map[string]int{} // contact -> the row that leads its group
	lead := make([]int, len(ids))
	find := func(i int) int {
		for lead[i] != i {
			lead[i] = lead[lead[i]]
			i = lead[i]
		}
		return i
	}
	for i, id := range ids {
		lead[i] = i
		l := c.listed[id]
		for _, k := range contactsOf(l) {
			if first, ok := home[k]; ok {
				a, b := find(first), find(i)
				lead[max(a, b)] = min(a, b)
			} else {
				home[k] = i
			}
		}
	}
	members := map[int][]string{}
	for i, id := range ids {
		if c.listed[id].Usable() {
			members[find(i)] = append(members[find(i)], id)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(members)) {
		m := members[i]
		g := c.makeGroup(m, suffixes)
		if _, taken := c.groups[g.ID]; taken { // a desk that registrars and registries name
			role, _, _ := strings.Cut(m[0], ":")
			g.ID = role + " " + g.ID
		}
		c.groups[g.ID] = g
		for _, id := range m {
			l := c.listed[id]
			l.Group = g.ID
			c.listed[id] = l
		}
		for _, e := range g.Emails {
			if _, taken := c.byEmail[lower(e)]; !taken {
				c.byEmail[lower(e)] = g.ID
			}
		}
	}
}

// contactsOf are the contacts of a row, to be compared.
func contactsOf(l Listed) []string {
	var out []string
	for _, e := range l.Emails {
		out = append(out, lower(e))
	}
	return append(out, l.Forms...)
}

// makeGroup describes the desk of some rows.
func (c *Contacts) makeGroup(members []string, suffixes *name.Suffixes) Group {
	g := Group{Members: slices.Clone(members)}
	for _, id := range members {
		l := c.listed[id]
		for _, e := range l.Emails {
			if !slices.ContainsFunc(g.Emails, func(o string) bool { return sameMailbox(o, e) }) {
				g.Emails = append(g.Emails, e)
			}
		}
		for _, f := range l.Forms {
			if !slices.Contains(g.Forms, f) {
				g.Forms = append(g.Forms, f)
			}
		}
	}
	slices.Sort(g.Emails)
	slices.Sort(g.Forms)
	slices.SortFunc(g.Members, compareIDs)
	if len(g.Emails) > 0 {
		g.ID = lower(g.Emails[0])
	} else {
		g.ID = strings.TrimPrefix(g.Forms[0], "https://")
	}
	g.Shared, g.Why = c.related(g, suffixes)
	return g
}

// related judges whether the members of a group are one organisation. What
// shows it is that a member's own web site is under the registered domain of
// the contact, or that four in five members have their web site under one
// registered domain. Equal words in names show nothing.
func (c *Contacts) related(g Group, suffixes *name.Suffixes) (shared bool, why string) {
	for _, e := range g.Emails {
		if d := domainOf(e); public(d, suffixes) {
			return true, "the mailbox is at the public mail provider " + d.String()
		}
	}
	if len(g.Members) == 1 {
		return false, "one member"
	}
	own := map[name.Domain]bool{}
	for _, e := range g.Emails {
		own[registered(domainOf(e), suffixes)] = true
	}
	for _, f := range g.Forms {
		if u, err := url.Parse(f); err == nil {
			if d, err := name.ParseAny(u.Hostname()); err == nil {
				own[registered(d, suffixes)] = true
			}
		}
	}
	sites := map[name.Domain]int{}
	for _, id := range g.Members {
		d := registered(c.listed[id].site, suffixes)
		if d.IsZero() {
			continue
		}
		if own[d] {
			return false, "a member's web site is at " + d.String() + ", as the contact is"
		}
		sites[d]++
	}
	for d, n := range sites {
		if n*5 >= len(g.Members)*4 {
			return false, fmt.Sprintf("%d of %d members have their web site at %s", n, len(g.Members), d)
		}
	}
	return true, "nothing shows that the members are one organisation"
}

func registered(d name.Domain, suffixes *name.Suffixes) name.Domain {
	if d.IsZero() {
		return d
	}
	return suffixes.Split(d).Registered
}

// compareIDs sorts "registrar:9" before "registrar:10".
func compareIDs(a, b string) int {
	if len(a) != len(b) && strings.HasPrefix(a, "registrar:") && strings.HasPrefix(b, "registrar:") {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// MailboxKey is the form in which mail addresses are compared and counted:
// ASCII letters in lower case. Others have no agreed lower case, and the
// databases leave them, too.
func MailboxKey(addr string) string { return lower(addr) }

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// providers give mailboxes to the public: by the first label of their
// registered domain where they use it under many suffixes.
var providers = map[string]bool{
	"gmail.com": true, "googlemail.com": true, "outlook.com": true, "live.com": true, "msn.com": true, "ymail.com": true, "rocketmail.com": true,
	"aol.com": true, "icloud.com": true, "me.com": true, "mac.com": true, "proton.me": true, "protonmail.com": true, "pm.me": true,
	"web.de": true, "t-online.de": true, "freenet.de": true, "mail.com": true, "email.com": true, "mail.ru": true, "inbox.ru": true, "bk.ru": true, "list.ru": true, "rambler.ru": true,
	"qq.com": true, "foxmail.com": true, "163.com": true, "126.com": true, "yeah.net": true, "139.com": true, "189.cn": true, "sina.com": true, "sina.cn": true, "sohu.com": true,
	"naver.com": true, "daum.net": true, "hanmail.net": true, "kakao.com": true, "zoho.com": true, "fastmail.com": true, "tutanota.com": true, "tuta.com": true, "hushmail.com": true,
	"rediffmail.com": true, "libero.it": true, "virgilio.it": true, "orange.fr": true, "wanadoo.fr": true, "free.fr": true, "laposte.net": true, "sfr.fr": true,
	"seznam.cz": true, "centrum.cz": true, "wp.pl": true, "o2.pl": true, "onet.pl": true, "interia.pl": true, "abv.bg": true, "ukr.net": true, "uol.com.br": true, "bol.com.br": true,
	"bigpond.com": true, "comcast.net": true, "verizon.net": true, "att.net": true, "sbcglobal.net": true, "cox.net": true, "btinternet.com": true,
	"yahoo": true, "hotmail": true, "gmx": true, "yandex": true,
}

// public says whether mailboxes at d are given to the public.
func public(d name.Domain, suffixes *name.Suffixes) bool {
	parts := suffixes.Split(d)
	if parts.Registered.IsZero() {
		return false
	}
	first, _, _ := strings.Cut(parts.Registered.String(), ".")
	return providers[parts.Registered.String()] || providers[first]
}

// Listed finds a party's row. A nil list has none.
func (c *Contacts) Listed(id string) (Listed, bool) {
	if c == nil {
		return Listed{}, false
	}
	l, ok := c.listed[id]
	return l, ok
}

// Group finds a desk by its id.
func (c *Contacts) Group(id string) (Group, bool) {
	if c == nil {
		return Group{}, false
	}
	g, ok := c.groups[id]
	return g, ok
}

// GroupOfMail finds the desk that reads a mail address.
func (c *Contacts) GroupOfMail(addr string) (Group, bool) {
	if c == nil {
		return Group{}, false
	}
	return c.Group(c.byEmail[lower(addr)])
}

// All gives every row that has a key, sorted by id.
func (c *Contacts) All() []Listed {
	if c == nil {
		return nil
	}
	out := make([]Listed, 0, len(c.listed))
	for _, l := range c.listed {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Listed) int { return compareIDs(a.ID, b.ID) })
	return out
}

// Groups gives the desks of at least so many members, the largest first.
func (c *Contacts) Groups(members int) []Group {
	if c == nil {
		return nil
	}
	var out []Group
	for _, g := range c.groups {
		if len(g.Members) >= members {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b Group) int {
		if n := len(b.Members) - len(a.Members); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Summary counts what a list holds.
type Summary struct {
	Sources []ListSource `json:"sources"`
	// Quarantined counts values and rows set aside, as "registrars: reason".
	Quarantined map[string]int `json:"quarantined"`
	Desks       int            `json:"desks"` // contact sets, of one member or more
	Groups      int            `json:"groups"`
	Shared      int            `json:"shared"`  // groups whose members are unrelated
	Grouped     int            `json:"grouped"` // parties in groups
	Largest     []GroupSize    `json:"largest"`
}

// GroupSize is a group and the number of its members.
type GroupSize struct {
	ID      string `json:"id"`
	Members int    `json:"members"`
	Shared  bool   `json:"shared,omitempty"`
}

// Summary gives the counts of a list.
func (c *Contacts) Summary() Summary {
	s := Summary{Sources: c.Sources, Quarantined: map[string]int{}, Desks: len(c.groups)}
	for _, q := range c.Quarantine {
		s.Quarantined[q.Table+": "+q.Reason]++
	}
	for i, g := range c.Groups(2) {
		s.Groups++
		s.Grouped += len(g.Members)
		if g.Shared {
			s.Shared++
		}
		if i < 12 {
			s.Largest = append(s.Largest, GroupSize{g.ID, len(g.Members), g.Shared})
		}
	}
	return s
}

// String writes the counts as people read them.
func (s Summary) String() string {
	var b strings.Builder
	for _, src := range s.Sources {
		fmt.Fprintf(&b, "%s: %d rows, %d with a contact; %s, %s, as of %s\n", src.What, src.Rows, src.Usable, src.Source, src.Licence, src.AsOf)
	}
	b.WriteString("set aside and never used:\n")
	for _, k := range slices.Sorted(maps.Keys(s.Quarantined)) {
		fmt.Fprintf(&b, "%6d  %s\n", s.Quarantined[k], k)
	}
	fmt.Fprintf(&b, "desks: %d; %d of them answer for several parties (%d parties), %d of those for parties that nothing shows to be one organisation\n", s.Desks, s.Groups, s.Grouped, s.Shared)
	for _, g := range s.Largest {
		shared := ""
		if g.Shared {
			shared = "  shared"
		}
		fmt.Fprintf(&b, "%6d  %s%s\n", g.Members, g.ID, shared)
	}
	return b.String()
}
