package frame

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// roles are the roles of contacts of names, as bits: 1<<i.
var roles = [...]string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}

// roleBit is the bit of a role by its name in EPP (RFC 5731 section 2.2).
func roleBit(s string) byte {
	for i, r := range roles {
		if s == r {
			return 1 << i
		}
	}
	return 0
}

// joiner brings names and contacts together. Everything is laid into two
// sorters: by handle the contacts and, behind them, the names that refer to
// them; by name the names and, behind them, what was found for them.
type joiner struct {
	*reader
	byHandle, byName sorter
	left             int64
	names            int64 // seen, with those that are lost
	persons          int64
	wants            map[string]int64 // what the header says there is, by namespace
	ends             map[string]bool  // what was counted against it
	registrars       map[string]registration.Registrar
	byGURID          map[string]registration.Registrar // by the number that ICANN gave them
	value            []byte
	// The references of one name, which often are to one contact.
	refName string
	refs    map[string]byte
	nodes   []node // of the object that is read
}

// Behind a key stands which part it is, so that the first comes first.
const (
	partFirst = "\x001" // a contact; a name's own row
	partRest  = "\x002" // a reference to it; what belongs to the name
)

// The kinds of values in the sorters.
const (
	kPerson = iota // all of a contact, or all but its address
	kIntl          // its internationalised address
	kLocal         // its local address
	kName          // a name's own row
	kStatus
	kServer
	kContact // a contact of it
	kMissing // or that there is none
)

// joined reads EPP answers and deposits.
func (r *reader) joined(in io.Reader) {
	j := &joiner{reader: r, wants: map[string]int64{}, ends: map[string]bool{}, registrars: map[string]registration.Registrar{}, byGURID: map[string]registration.Registrar{}, refs: map[string]byte{}}
	memory := cmp.Or(r.src.Memory, DefaultMemory) / 2
	j.left = cmp.Or(r.src.MaxSpill, DefaultMaxSpill)
	j.byHandle = sorter{budget: memory, spill: r.src.Spill, left: &j.left}
	j.byName = sorter{budget: memory, spill: r.src.Spill, left: &j.left}
	defer j.byHandle.close()
	defer j.byName.close()
	tables := j.xml(in)
	for _, t := range tables {
		for _, f := range t.files {
			j.tableFile(t, f)
		}
	}
	j.file = j.src.Name
	j.flushRefs()
	whole := j.file
	if j.names == 0 {
		j.givePersons()
	} else {
		j.meet()
		j.giveNames()
	}
	j.file = whole
	for _, ns := range slices.Sorted(maps.Keys(j.wants)) {
		got, what := j.names, "names"
		switch ns {
		case nsRDEDomain, nsCSVDomain:
		case nsRDEPerson, nsCSVPerson:
			got, what = j.persons, "contacts"
		default: // registrars and others, which are no part of the population
			continue
		}
		if j.ends[ns] && j.wants[ns] != got {
			j.stop(problem.New(problem.Invalid, "%s: the header says %d %s, and there are %d: the deposit is not whole", j.file, j.wants[ns], what, got))
		}
	}
}

// failed passes on an error of a sorter.
func (j *joiner) failed(err error) {
	var e *problem.Error
	if errors.As(err, &e) {
		e = &problem.Error{Code: e.Code, Detail: j.src.Name + ": " + e.Detail, Err: e.Err}
	} else {
		e = problem.Wrap(err, problem.Unavailable, "%s cannot be joined", j.src.Name)
	}
	j.stop(e)
}

// scope is an element that is open outside of objects.
type scope struct {
	name string
	ns   []attr // prefixes that it declares
}

type scopes []scope

// of resolves a name.
func (s scopes) of(name string, own []attr) (ns, local string) {
	prefix, local, has := strings.Cut(name, ":")
	if !has {
		prefix, local = "", name
	}
	for _, a := range own {
		if a.name == "xmlns" && prefix == "" || has && strings.HasPrefix(a.name, "xmlns:") && a.name[6:] == prefix {
			return a.value, local
		}
	}
	for i := len(s) - 1; i >= 0; i-- {
		for _, a := range s[i].ns {
			if a.name == prefix {
				return a.value, local
			}
		}
	}
	return "", local
}

// isObject says whether an element is read whole.
func isObject(ns, local string) bool {
	switch ns {
	case nsHeader:
		return local == "header"
	case nsRDEDomain:
		return local == "domain"
	case nsRDEPerson:
		return local == "contact"
	case nsRDEReg:
		return local == "registrar"
	case nsDomain, nsPerson:
		return local == "infData"
	case nsCSVDomain, nsCSVPerson, nsCSVReg:
		return local == "contents"
	}
	return false
}

// xml reads all objects of a file, and gives the tables that it names.
func (j *joiner) xml(in io.Reader) (tables []*csvTable) {
	s := &scanner{br: bufio.NewReaderSize(in, 64<<10), line: 1}
	var open scopes
	seen := false
	var again *tag
	for !j.done {
		var t tag
		var err error
		if again != nil {
			t, again = *again, nil
		} else {
			t, err = s.next()
		}
		var bad errSyntax
		switch {
		case errors.As(err, &bad):
			if bad.final {
				j.stopAt(t.line, "%s", bad.why)
			} else {
				j.bad(t.line, "", "%s", bad.why)
			}
			continue
		case eof(err):
			if len(open) > 0 {
				j.stopAt(s.line, "the file ends inside <%s>: it is not whole", clip(open[len(open)-1].name))
			} else if !seen {
				j.stopAt(0, "holds no XML")
			}
			return tables
		case err != nil:
			j.ioError(err)
			return tables
		}
		seen = true
		if t.end {
			if len(open) == 0 || open[len(open)-1].name != t.name {
				j.stopAt(t.line, "</%s> ends nothing that is open", clip(t.name))
				return tables
			}
			open = open[:len(open)-1]
			continue
		}
		ns, local := open.of(t.name, t.attrs)
		if ns == nsRDE && local == "deposit" && t.attr("type") != "FULL" {
			j.stopAt(t.line, "the deposit's type is %q: only a full one holds all names", clip(t.attr("type")))
			return tables
		}
		if isObject(ns, local) && !t.empty {
			var err error
			again, err = s.object(t)
			var bad errSyntax
			switch {
			case errors.As(err, &bad):
				j.lost(ns, local, t.line, "", bad.why)
				if bad.final {
					j.stopAt(s.line, "%s", bad.why)
				}
			case eof(err):
				j.stopAt(s.line, "the file ends inside <%s>, which begins on line %d: it is not whole", clip(t.name), t.line)
			case err != nil:
				j.ioError(err)
			case !deleted(open):
				tables = append(tables, j.object(ns, local, s.buf, t.line, open)...)
			}
			continue
		}
		if t.empty {
			continue
		}
		if len(open) == maxDepth {
			j.stopAt(t.line, "elements are nested more than %d deep", maxDepth)
			return tables
		}
		sc := scope{name: t.name}
		for _, a := range t.attrs {
			if a.name == "xmlns" {
				sc.ns = append(sc.ns, attr{"", a.value})
			} else if p, ok := strings.CutPrefix(a.name, "xmlns:"); ok {
				sc.ns = append(sc.ns, attr{p, a.value})
			}
		}
		open = append(open, sc)
	}
	return tables
}

// deleted says whether the objects here are those that a deposit takes out.
func deleted(open scopes) bool {
	for _, s := range open {
		if s.name == "deletes" || strings.HasSuffix(s.name, ":deletes") {
			return true
		}
	}
	return false
}

// lost tells of an object that could not be read, which still counts against
// the header.
func (j *joiner) lost(ns, local string, line int, field, why string) {
	switch {
	case ns == nsRDEDomain || ns == nsDomain:
		j.names++
		field = cmp.Or(field, local)
	case ns == nsRDEPerson || ns == nsPerson:
		j.persons++
		field = cmp.Or(field, local)
	}
	if j.count() {
		j.bad(line, field, "%s", why)
	}
}

// object reads an object.
func (j *joiner) object(ns, local string, raw []byte, line int, open scopes) []*csvTable {
	nodes, at, field, why := parse(j.nodes[:0], raw, line)
	j.nodes = nodes[:0:cap(nodes)]
	if why != "" {
		j.lost(ns, local, cmp.Or(at, line), field, why)
		return nil
	}
	if ns == nsHeader {
		for i := range nodes {
			// A count of one registrar's objects, or of a part of the zone, is
			// none of the whole (RFC 9022 section 5.9.1).
			if n := &nodes[i]; n.local == "count" && n.attr("rcdn") == "" && n.attr("registrarId") == "" {
				if v, err := strconv.ParseInt(strings.TrimSpace(n.text), 10, 64); err == nil && v >= 0 {
					j.wants[n.attr("uri")] = v
				}
			}
		}
		return nil
	}
	if ns == nsCSVDomain || ns == nsCSVPerson || ns == nsCSVReg {
		return j.contents(ns, nodes, open)
	}
	if !j.count() {
		return nil
	}
	j.ends[ns] = true
	switch ns {
	case nsRDEReg:
		j.registrar(nodes)
	case nsRDEPerson, nsPerson:
		j.person(nodes, line)
	default:
		j.domain(nodes, line)
	}
	return nil
}

// identifier cleans a handle or the identifier of a registrar. One that is
// longer than any is none: cut, it could be another's.
func identifier(s string) string {
	if s = registration.CleanText(s); len(s) > maxHandle {
		return ""
	}
	return s
}

func (j *joiner) registrar(nodes []node) {
	var id string
	var g registration.Registrar
	for i := range nodes {
		n := &nodes[i]
		if n.parent != 0 {
			continue
		}
		switch n.local {
		case "id":
			id = identifier(n.text)
		case "name":
			g.Name = registration.CleanText(n.text)
		case "gurid":
			g.IANAID = identifier(n.text)
		case "url":
			g.URL = registration.CleanText(n.text)
		}
	}
	j.know(id, g, nodes[0].line)
}

// know keeps a registrar, who is known by the repository's id, by the number
// that ICANN gave (GURID), or by both.
func (j *joiner) know(id string, g registration.Registrar, line int) {
	switch {
	case id == "" && g.IANAID == "":
		j.bad(line, "registrar", "has no id")
		return
	case max(len(j.registrars), len(j.byGURID)) >= maxRegs:
		j.stop(problem.New(problem.TooLarge, "%s: over %d registrars", j.file, maxRegs))
		return
	}
	if id != "" {
		j.registrars[id] = g
	}
	if g.IANAID != "" {
		j.byGURID[g.IANAID] = g
	}
}

// person reads a contact of a deposit or an EPP answer. Of its two addresses
// the internationalised one is taken, as it is what answers show; the local one
// where there is no other.
func (j *joiner) person(nodes []node, line int) {
	j.persons++
	p := person{file: j.file, line: line}
	// Which address?
	chosen, has := -1, false
	for i := range nodes {
		if n := &nodes[i]; n.local == "postalInfo" && n.parent == 0 && (!has || n.attr("type") == "int") {
			chosen, has = i, true
		}
	}
	handle := ""
	for i := range nodes {
		n := &nodes[i]
		field := ""
		switch parent := n.parent; {
		case parent == 0:
			switch n.local {
			case "id":
				handle = identifier(n.text)
			case "voice":
				field = "phone"
			case "fax", "email":
				field = n.local
			}
		case parent == chosen && has:
			field = postalField(n.local, false)
		case parent > 0 && nodes[parent].local == "addr" && nodes[parent].parent == chosen && has:
			field = postalField(n.local, true)
		}
		if field == "" {
			continue
		}
		p.line = n.line
		p.put(field, withExtension(n.text, n.attr("x"), field), n.broken)
	}
	p.line = line
	if handle == "" {
		j.bad(line, "id", "the contact has no handle, or one of over %d octets", maxHandle)
		return
	}
	p.c.Handle = handle
	j.addPerson(handle, kPerson, &p)
}

// withExtension puts the extension of a number behind it, as RFC 5733 section
// 2.5 has it in one text.
func withExtension(number, ext, field string) string {
	if ext = strings.TrimSpace(ext); ext == "" || field != "phone" && field != "fax" {
		return number
	}
	return strings.TrimSpace(number) + "x" + ext
}

// postalField is the field of an element of an address.
func postalField(local string, addr bool) string {
	if !addr {
		switch local {
		case "name":
			return "name"
		case "org":
			return "organization"
		}
		return ""
	}
	switch local {
	case "street", "city":
		return local
	case "sp":
		return "region"
	case "pc":
		return "postal_code"
	case "cc":
		return "country"
	}
	return ""
}

func (j *joiner) addPerson(handle string, kind byte, p *person) {
	j.value = p.box(append(j.value[:0], kind))
	if err := j.byHandle.add(handle+partFirst, j.value); err != nil {
		j.failed(err)
	}
}

// holding is a name's own row.
type holding struct {
	file, registrar, handle   string
	gurid                     string // the registrar, where a table names no other
	line                      int
	created, updated, expires string // as read; unread when it is no time
	statuses, servers         []string
	flaws
}

func (h *holding) box(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(h.line))
	b = putText(putText(putText(putText(b, h.file), h.registrar), h.handle), h.gurid)
	b = putText(putText(putText(b, h.created), h.updated), h.expires)
	return putFlaws(putTexts(putTexts(b, h.statuses), h.servers), h.list)
}

func (x *box) holding() (h holding) {
	h.line = x.number()
	h.file, h.registrar, h.handle, h.gurid = x.text(), x.text(), x.text(), x.text()
	h.created, h.updated, h.expires = x.text(), x.text(), x.text()
	h.statuses, h.servers, h.list = x.texts(), x.texts(), x.flaws()
	return h
}

// domain reads a name of a deposit or an EPP answer.
func (j *joiner) domain(nodes []node, line int) {
	j.names++
	h := holding{file: j.file, line: line}
	id := ""
	type ref struct {
		handle string
		bit    byte
	}
	var refs []ref
	for i := range nodes {
		n := &nodes[i]
		if n.parent > 0 {
			if n.local == "hostObj" || n.local == "hostName" {
				h.addTo(&h.servers, n.text, j.at(n.line, n.name))
			}
			continue
		}
		switch n.local {
		case "name":
			id = n.text
		case "roid":
			h.handle = identifier(n.text)
		case "registrant":
			refs = append(refs, ref{identifier(n.text), 1})
		case "contact":
			bit := roleBit(n.attr("type"))
			if bit == 0 {
				h.add(j.at(n.line, n.name), "is of a type that is none of admin, tech, billing")
				continue
			}
			refs = append(refs, ref{identifier(n.text), bit})
		case "status", "rgpStatus": // RFC 3915, where a deposit has it
			h.addTo(&h.statuses, n.attr("s"), j.at(n.line, n.name))
		case "clID":
			h.registrar = identifier(n.text)
		case "crDate":
			h.created = h.date(n.text, j.at(n.line, n.name))
		case "upDate":
			h.updated = h.date(n.text, j.at(n.line, n.name))
		case "exDate":
			h.expires = h.date(n.text, j.at(n.line, n.name))
		}
	}
	if len(refs) > maxList {
		j.bad(line, "contact", "the name has over %d contacts", maxList)
		return
	}
	d, ok := j.addName(id, &h, line)
	if !ok {
		return
	}
	for _, x := range refs {
		j.addRef(d, x.handle, x.bit)
	}
}

// addTo adds a word to a list of a name.
func (h *holding) addTo(list *[]string, word string, at place) {
	switch word = identifierLong(word); {
	case word == "" || slices.Contains(*list, word):
	case len(*list) == maxList:
		h.add(at, "is one of over "+strconv.Itoa(maxList))
	default:
		*list = append(*list, word)
	}
}

// identifierLong cleans a word of up to 255 octets: a host's name or a status.
func identifierLong(s string) string {
	if s = registration.CleanText(s); len(s) > 255 {
		s = s[:255]
	}
	return s
}

// unread marks a time that is none.
const unread = "?"

// date checks a time, and gives its text in one form.
func (h *holding) date(s string, at place) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	d, ok := readDate(s)
	if !ok {
		h.add(at, "is no time such as 2026-01-31T12:00:00Z")
		return unread
	}
	return d.String()
}

// addName takes a name's own row.
func (j *joiner) addName(id string, h *holding, line int) (string, bool) {
	d, err := name.Parse(id)
	if err != nil {
		j.bad(line, "name", "%s", reason(err))
		return "", false
	}
	j.value = h.box(append(j.value[:0], kName))
	if err := j.byName.add(d.String()+partFirst, j.value); err != nil {
		j.failed(err)
		return "", false
	}
	return d.String(), true
}

// addRef takes a reference of a name to a contact.
func (j *joiner) addRef(domain, handle string, bit byte) {
	if handle == "" {
		return
	}
	if domain != j.refName {
		j.flushRefs()
		j.refName = domain
	}
	j.refs[handle] |= bit
	if len(j.refs) > maxList {
		j.flushRefs()
	}
}

func (j *joiner) flushRefs() {
	for h, bits := range j.refs {
		j.value = append(append(j.value[:0], bits), j.refName...)
		if err := j.byHandle.add(h+partRest, j.value); err != nil {
			j.failed(err)
			break
		}
	}
	clear(j.refs)
}

// whole collects the parts of one contact.
type whole struct {
	handle string
	person
	parts [kLocal + 1]bool
}

// take adds a part; what is wrong with it is told.
func (w *whole) take(j *joiner, value []byte) {
	kind := value[0]
	p := (&box{value[1:]}).person()
	if w.parts[kind] {
		j.badAt(place{p.file, p.line, ""}, "the contact stands here again: the first counts")
		return
	}
	w.parts[kind] = true
	w.list = append(w.list, p.list...)
	if kind == kPerson {
		list, c, st, given := w.list, w.c, w.states, w.given
		w.person = p
		w.list = list
		if w.parts[kIntl] || w.parts[kLocal] {
			w.postal(c, st, given)
		}
		return
	}
	if kind == kIntl || !w.parts[kIntl] {
		w.postal(p.c, p.states, p.given)
	}
	if w.line == 0 {
		w.file, w.line = p.file, p.line
	}
}

// postal sets what an address has.
func (w *whole) postal(c registration.Contact, st states, given string) {
	w.c.Name, w.c.Organization, w.c.Street, w.c.City = c.Name, c.Organization, c.Street, c.City
	w.c.Region, w.c.PostalCode, w.c.Country = c.Region, c.PostalCode, c.Country
	for _, f := range [...]string{"name", "organization", "street", "city", "region", "postal_code", "country"} {
		w.states[fieldAt(f)] = st[fieldAt(f)]
	}
	w.given = given
}

// badAt tells of a row whose place is known as text.
func (j *joiner) badAt(at place, format string, args ...any) {
	if !j.done && !j.yield(Unit{}, problem.BadField(at.String(), format, args...)) {
		j.done = true
	}
}

// contacts gives the contacts, each with an iterator-like sequence of the
// references to it: found is called for each reference, and ended when there
// are no more of the handle.
func (j *joiner) contacts(found func(w *whole, ref []byte), ended func(w *whole)) {
	var w whole
	for p, err := range j.byHandle.all() {
		if err != nil {
			j.failed(err)
		}
		if j.done {
			return
		}
		at := bytes.LastIndexByte(p.key, 0)
		if string(p.key[:at]) != w.handle {
			if w.handle != "" {
				ended(&w)
			}
			w = whole{handle: string(p.key[:at])}
		}
		if string(p.key[at:]) == partFirst {
			w.take(j, p.value)
		} else {
			found(&w, p.value)
		}
	}
	if w.handle != "" && !j.done {
		ended(&w)
	}
}

// here says whether the contact itself was there.
func (w *whole) here() bool { return w.parts[kPerson] || w.parts[kIntl] || w.parts[kLocal] }

// meet lays each contact beside the names that refer to it.
func (j *joiner) meet() {
	j.contacts(func(w *whole, ref []byte) {
		if w.here() {
			w.c.Handle = w.handle
			j.value = w.person.box(append(j.value[:0], kContact, ref[0]))
		} else {
			j.value = append(j.value[:0], kMissing, ref[0])
		}
		if err := j.byName.add(string(ref[1:])+partRest, j.value); err != nil {
			j.failed(err)
		}
	}, func(*whole) {})
}

// givePersons gives the contacts of a frame without names.
func (j *joiner) givePersons() {
	j.contacts(func(*whole, []byte) {}, func(w *whole) {
		u := Unit{ID: w.handle, Line: w.line, Record: registration.Record{State: registration.Registered}}
		w.c.Handle = w.handle
		w.into(&u.Record, registration.Registrant)
		u.Flaws = problems(w.list)
		j.give(u)
	})
}

// giveNames gives the names with their contacts.
func (j *joiner) giveNames() {
	var u Unit
	var id string
	own := false
	end := func() {
		switch {
		case id == "" || j.done:
		case !own:
			j.bad(0, "", "%s: belongs to no name that the frame has a row of", id)
		default:
			j.give(u)
		}
	}
	for p, err := range j.byName.all() {
		if err != nil {
			j.failed(err)
		}
		if j.done {
			return
		}
		at := bytes.LastIndexByte(p.key, 0)
		if string(p.key[:at]) != id {
			end()
			id, own, u = string(p.key[:at]), false, Unit{ID: string(p.key[:at])}
		}
		x := &box{p.value[1:]}
		switch p.value[0] {
		case kName:
			h := x.holding()
			if own {
				j.file = h.file
				j.bad(h.line, "name", "%s stands here again: the first row counts", id)
				continue
			}
			own = true
			h.into(&u, j)
		case kStatus:
			if s := x.text(); len(u.Record.Statuses) < maxList && !slices.Contains(u.Record.Statuses, s) {
				u.Record.Statuses = append(u.Record.Statuses, s)
			}
		case kServer:
			if s := x.text(); len(u.Record.Nameservers) < maxList && !slices.Contains(u.Record.Nameservers, s) {
				u.Record.Nameservers = append(u.Record.Nameservers, s)
			}
		case kContact, kMissing:
			bits := x.b[0]
			x.b = x.b[1:]
			var c person
			if p.value[0] == kContact {
				c = x.person()
				u.Flaws = append(u.Flaws, problems(c.list)...)
				u.Flaws = u.Flaws[:min(len(u.Flaws), MaxFlaws)]
			}
			for i, role := range roles {
				if bits&(1<<i) == 0 {
					continue
				}
				if _, has := u.Record.Contacts[role]; has {
					continue // a second of a role, as EPP allows: the first counts
				}
				if p.value[0] == kMissing {
					u.Missing = append(u.Missing, role)
					setState(&u.Record, registration.ContactPath(role, ""), registration.Unparsed)
					continue
				}
				// Another of the role was missing: this one is there.
				delete(u.Record.Fields, registration.ContactPath(role, ""))
				u.Missing = slices.DeleteFunc(u.Missing, func(m string) bool { return m == role })
				c.into(&u.Record, role)
			}
		}
	}
	end()
}

// into begins a unit with a name's own row.
func (h *holding) into(u *Unit, j *joiner) {
	u.Line, u.Registrar = h.line, cmp.Or(h.registrar, h.gurid)
	rec := &u.Record
	rec.State, rec.Domain, rec.Handle = registration.Registered, u.ID, h.handle
	rec.Statuses, rec.Nameservers = h.statuses, h.servers
	if h.registrar != "" {
		rec.Registrar = j.registrars[h.registrar]
		rec.Registrar.Name = cmp.Or(rec.Registrar.Name, h.registrar)
	} else if h.gurid != "" {
		rec.Registrar = j.byGURID[h.gurid]
		rec.Registrar.IANAID = h.gurid
	}
	for _, x := range []struct {
		path, text string
		to         *registration.Date
	}{{"created", h.created, &rec.Created}, {"updated", h.updated, &rec.Updated}, {"expires", h.expires, &rec.Expires}} {
		if x.text == unread {
			setState(rec, x.path, registration.Unparsed)
		} else if x.text != "" {
			*x.to, _ = readDate(x.text)
		}
	}
	u.Created = rec.Created.Time
	u.Flaws = problems(h.list)
}
