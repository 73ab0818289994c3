package whois

import (
	"net/netip"
	"slices"
	"strings"

	"bailiwick/name"
	"bailiwick/registration"
)

// answer reads the lines of one answer into a record.
type answer struct {
	words   *vocabulary
	profile *profile
	rec     registration.Record
	lines   []line
	at      int // the line that is read

	// Where the reader is.
	in      section
	pending pending

	contacts              [4]draft  // by role
	refs                  [4]string // handles that stand for contacts
	objects               []object  // contacts that have a handle of their own
	objectAt              int       // the one being read, in section inObject
	unsigned              bool      // DNSSEC is denied
	keys                  bool      // DNSSEC keys are shown
	said                  verdict   // by a status line
	signs                 int       // how many fields of a registration were read
	people                int       // how many of them are its holder's
	asked                 string    // the question, as the answer repeats it
	tldRecord             bool      // the answer is about a TLD
	hostBeside            string    // what the last name server label has beside it
	label                 string    // that TLD
	registrar             string    // the registrar as first named, to know its object by
	lastValue             string    // judged by withheld
	lastState             registration.FieldState
	through               bool        // the registrar's name is of who the name was registered through
	agent                 registrarAt // where the registrar's name was found
	agentMail, agentPhone string      // the registrar's general ones
}

// registrarAt says how good the registrar's name is that was found.
type registrarAt uint8

const (
	nowhere  registrarAt = iota // none yet, or one that stays
	inHandle                    // the registry's code, which gives way to a name
	inName                      // a block's "Name", which gives way to its "Organization"
)

// section is what the lines at hand are about.
type section struct {
	kind     sectionKind
	roles    roles
	indent   int16
	filled   bool  // something was read in it
	object   bool  // a paragraph that is an object: it ends at a blank line
	headed   bool  // it has a heading of its own, and began with this paragraph
	noted    bool  // a comment is its heading
	valued   bool  // its label had a value
	start    bool  // it began with its paragraph
	labelled bool  // it has labels of its own
	strange  bool  // of inDomain: it began with words that are not known, so whose contact fields are in it is not
	inner    int16 // the indent of its fields
}

type sectionKind uint8

const (
	inDomain sectionKind = iota
	inContact
	inObject // a contact with a handle
	inRegistrar
	inNameservers
	inOther
)

// pending is a label whose value goes on on the next lines.
type pending struct {
	meaning meaning
	indent  int16 // of the label
	column  int16 // of its value, 0 when it had none
	empty   bool  // no value yet
	under   bool  // nothing stood beside the label, so the lines below are its value
	block   bool  // a heading: its lines need not be indented
}

// object is a contact under a handle.
type object struct {
	handle string
	draft  draft
}

const maxObjects = 64

func (a *answer) reset(v *vocabulary, p *profile) {
	objects := a.objects[:0]
	var lines [4][]string
	for i := range lines {
		lines[i] = a.contacts[i].lines[:0]
	}
	*a = answer{words: v, profile: p, objects: objects, lastState: registration.Present}
	for i := range lines {
		a.contacts[i].lines = lines[i]
	}
}

// read gives the record of the answer, with its state.
func (a *answer) read(lines []line) registration.Record {
	a.lines = lines
	for i := range lines {
		a.line(i)
	}
	a.finish()
	return a.rec
}

func (a *answer) line(i int) {
	l := &a.lines[i]
	a.at = i
	if l.kind == commentLine {
		if !l.gap && a.personal(l) {
			a.wrote(l)
		} else {
			a.comment(l)
		}
		return
	}
	first := l.gap || i == 0 || a.lines[i-1].kind == commentLine && !a.personal(&a.lines[i-1])
	if first {
		a.paragraph(l)
	}
	switch l.kind {
	case pairLine:
		a.pair(l, first)
	case headingLine:
		a.heading(l)
	default:
		a.text(i, first)
	}
}

// comment takes a comment line: "% Registrant:" is a heading, too.
func (a *answer) comment(l *line) {
	a.pending = pending{}
	t := l.text
	if len(t) > 40 || t[len(t)-1] != ':' {
		return
	}
	if m := a.words.lookup(t[:len(t)-1]); m.what == contactRole {
		a.in = section{kind: inContact, roles: m.roles, indent: l.indent, object: true, noted: true}
		switch {
		case m.roles&registrar != 0:
			a.in.kind = inRegistrar
		case m.roles&persons == 0:
			a.in.kind = inOther
		}
		a.pending = pending{}
	}
}

// paragraph is called for the first line after a blank one.
func (a *answer) paragraph(l *line) {
	if a.in.object && (a.in.filled || !a.in.noted) || a.in.strange && a.in.filled {
		a.in = section{}
		a.pending = pending{}
	}
	if !a.pending.empty {
		a.pending = pending{}
	}
	// "Registrar: Example Ltd" in a list heads no block.
	if (a.in.kind == inRegistrar || a.in.kind == inContact) && a.in.valued && l.indent <= a.in.indent {
		a.in = section{}
	}
}

// meaningOf gives what a label means here: the profile's word goes first.
func (a *answer) meaningOf(l *line) meaning {
	if len(a.profile.labels) > 0 && l.label != "" {
		var buf [maxLabel]byte
		if m, ok := a.profile.labels[string(fold(buf[:0], l.label))]; ok {
			return m
		}
	}
	return l.meaning
}

func (a *answer) pair(l *line, first bool) {
	m := a.meaningOf(l)
	if first {
		a.in.headed, a.in.start = false, false
		if (l.value != "" || a.refs != [4]string{} && m.roles == 0 && (m.what == contactName || m.what == contactOrganization)) && !a.in.noted && a.startObject(l, m) {
			return
		}
	} else if (m.what == contactHandle || m.what == contactName && strings.EqualFold(l.label, "contact")) && a.isRef(l.value) && !(a.in.kind == inContact && a.in.headed && (l.indent > a.in.indent || !a.in.filled)) && !(a.in.kind == inObject && a.objects[a.objectAt].handle == "") && a.startObject(l, m) {
		return // an answer whose blank lines were lost
	} else if m.what == unknown && a.isRef(l.value) && isHandle(l.value) && a.in.kind != inContact && a.in.kind != inObject {
		a.beginObject(l.value, l.indent) // a key that is not known, with a handle that is
		return
	}
	// "No:12" under "Address : …" is a line of the address.
	if p := &a.pending; m.what == unknown && !first && l.value != "" && p.meaning.what == contactStreet && !p.empty && p.column > 0 && l.indent+2 >= p.column && a.more(p, l) {
		return
	}
	if !first && m.ofDomain() && a.personal(l) {
		a.wrote(l)
		return
	}
	// A block's own label ends what was pending.
	a.pending = pending{}
	v := l.value
	deeper := l.indent > a.in.indent
	switch {
	case m.what == unknown:
		if v != "" && a.in.kind == inContact && a.in.roles&persons != 0 && len(a.contact(a.in.roles).lines) > 0 && deeper {
			a.free(l.text)
		}
		switch {
		case !first:
			// "Registrar Technical Contacts:" above deeper lines, without a blank
			// line before it, ends the block of another.
			if n := a.at + 1; v == "" && !deeper && a.in.filled && (a.in.kind == inContact || a.in.kind == inRegistrar) && n < len(a.lines) && a.lines[n].indent > l.indent {
				a.in = section{kind: inOther, indent: l.indent}
			}
		case a.in.kind == inDomain:
			// "Hosting Details:" above a name and an address, "pgp-key: EX1"
			// above a person's: whose they are is not known.
			a.in = section{indent: l.indent, strange: v == "" || isHandle(v)}
		case (v == "" || isHandle(v)) && !deeper && a.in.filled:
			a.in = section{kind: inOther, indent: l.indent}
		}
		return
	case m.what == ignored, m.what == contactIgnored, m.what == nameserverIgnored, m.what == whoisServer:
		if m.what == ignored && strings.EqualFold(l.label, "contact type") { // "Contact Type: admin" above a contact
			r := a.words.lookup(v)
			a.in = section{kind: inOther, indent: l.indent, object: first}
			if r.what == contactRole && r.roles&persons != 0 {
				a.in = section{kind: inContact, roles: r.roles, indent: l.indent, object: first, headed: true}
			}
			return
		}
		a.remark(l, v)
		switch {
		case m.what == whoisServer && v == "" && l.text[0] == '[': // "[Whois]": the server's own dates
			a.in = section{kind: inOther, indent: l.indent, object: true}
		case !first || m.what != ignored:
		case strings.EqualFold(l.label, "server name"): // of a name server's own record
			a.in = section{kind: inOther, indent: l.indent, object: true}
		case !deeper && v == "" && a.in.filled:
			a.in = section{kind: inOther, indent: l.indent}
		}
		return
	case m.what == contactRole:
		a.role(l, m)
		return
	case m.what == reseller:
		a.in = section{kind: inOther, indent: l.indent}
		return
	case m.what.isContactField():
		a.field(l, m)
		return
	case m.what == web:
		if a.in.kind == inRegistrar && v != "" && a.rec.Registrar.URL == "" {
			a.set(meaning{what: registrarURL}, v)
		}
		return
	}
	// "DNSSEC: yes" in the registrar's block says what the registrar offers.
	if m.what == dnssec && a.in.kind == inRegistrar && a.in.headed && deeper {
		return
	}
	// What belongs to the contact or object at hand is not the domain's.
	if a.in.kind == inObject || a.in.object && a.in.kind != inDomain ||
		a.in.kind == inNameservers && a.in.headed && a.in.filled && m.what.isDate() ||
		(a.in.kind == inContact || a.in.kind == inRegistrar) && (deeper && l.indent > 0 || a.in.headed && l.indent >= a.in.inner) && (m.what == created || m.what == updated || m.what == status) && a.in.filled && !a.contactIsFree() {
		switch {
		case a.in.kind == inRegistrar && m.what >= registrarName && m.what <= registrarPhone:
		case m.what == nameserver && a.in.kind == inObject: // blank lines were lost
			a.in = section{kind: inNameservers, indent: l.indent, object: true}
		case a.in.kind == inObject || m.what != nameserver && m.what != domainName:
			return
		}
	}
	if !deeper && (a.in.kind == inContact || a.in.kind == inRegistrar) && !(a.in.kind == inRegistrar && a.in.object) {
		a.in = section{}
	}
	a.pending = pending{meaning: m, indent: l.indent, column: l.column, empty: v == ""}
	if m.what == registrarName && a.rec.Registrar.Name == "" {
		a.through = strings.EqualFold(l.label, "registered through")
	}
	if v == "" {
		a.pending.column = 0
		if m.what == nameserver || first && (m.what == dnssec || m.what == ds) {
			a.in = section{kind: inNameservers, indent: l.indent, headed: true}
		}
		return
	}
	if a.in.kind == inNameservers && (m.what == nameserver || m.what == dnssec || m.what == ds) {
		a.in.filled = true
	}
	if a.set(m, v); m.what == nameserver {
		a.hostBeside = v
	}
}

// personal says whether a line stands where a person wrote: where a street goes on,
// or below the heading of a contact. A "Registrar Abuse Contact Email" in a
// registrant's street is a line of the street, and not whom to ask about the name.
func (a *answer) personal(l *line) bool {
	return a.inStreet(l) || a.in.kind == inContact && a.in.roles&persons != 0 && a.in.headed && l.indent > a.in.indent
}

// inStreet says whether a line is where a street goes on: below the first line of
// it, or below a label that has nothing beside it.
func (a *answer) inStreet(l *line) bool {
	p := &a.pending
	return p.meaning.what == contactStreet && l.indent > p.indent && (p.under || p.column > 0 && l.indent+2 >= p.column)
}

// wrote takes a personal line that has a label of the registration itself, or looks
// like a comment.
func (a *answer) wrote(l *line) {
	switch {
	case a.inStreet(l):
		a.more(&a.pending, l)
		return
	case a.contactIsFree():
		a.free(l.text)
	}
	a.pending = pending{}
}

// addressIn says whether the second word of a line is an IP address.
func addressIn(t string) bool {
	w := trimLeft(t[len(firstWord(t)):])
	return w != "" && isAddress(firstWord(w))
}

// remark takes what some registries put where no label is for it:
// "remarks: (Domain Holder) Example Ltd", "type: ORGANIZATION".
func (a *answer) remark(l *line, v string) {
	switch {
	case v == "":
	case a.in.kind == inObject && strings.EqualFold(v, "ORGANIZATION") && strings.EqualFold(l.label, "type"):
		a.objects[a.objectAt].draft.company = true
	case v[0] == '(' && a.in.kind == inDomain:
		if i := strings.IndexByte(v, ')'); i > 1 {
			if m := a.words.lookup(v[1:i]); m.roles&persons != 0 {
				one := *l
				one.label, one.value = v[1:i], trimBoth(v[i+1:])
				if m.what == contactRole {
					m.what = contactName
				}
				if one.value != "" {
					a.setField(m, one.value)
				}
			}
		}
	}
}

// contactIsFree says whether the contact at hand is written as plain lines.
func (a *answer) contactIsFree() bool {
	n := 0
	if a.in.valued {
		n = 1
	}
	return a.in.roles&persons != 0 && len(a.contact(a.in.roles).lines) > n
}

// startObject begins an object when the first line of a paragraph is one's key:
// "person:", "nic-hdl:", "contact:" and their like.
func (a *answer) startObject(l *line, m meaning) bool {
	var buf [maxLabel]byte
	switch string(fold(buf[:0], l.label)) {
	case "person", "role", "irthandle":
		// In the domain's own paragraph they name its holder.
		if a.rec.Domain == "" {
			return false
		}
		a.beginObject("", l.indent)
		a.field(l, meaning{what: contactName})
	case "noridhandle":
		if a.rec.Domain == "" {
			return false
		}
		a.beginObject(l.value, l.indent)
	case "nichdl", "nichandle", "nichdlbr", "contacthdl", "contactid", "contacthandle", "handle", "contact", "nichdlmx":
		if r := a.words.lookup(l.value); r.what == contactRole && r.roles&persons != 0 { // "contact: administrative"
			a.in = section{kind: inContact, roles: r.roles, indent: l.indent, object: true, headed: true}
			a.pending = pending{}
			return true
		}
		a.beginObject(l.value, l.indent)
	case "nsset", "keyset", "nssetid":
		a.in = section{kind: inNameservers, indent: l.indent, object: true}
		a.pending = pending{}
	case "organisation", "organization", "org", "orgname":
		if a.rec.Domain == "" || m.roles != 0 || a.refs == [4]string{} {
			return false
		}
		a.beginObject("", l.indent)
		a.field(l, meaning{what: contactOrganization})
	case "registrar":
		if a.rec.Registrar.Name == "" || !strings.EqualFold(l.value, a.registrar) {
			return false
		}
		a.in = section{kind: inRegistrar, indent: l.indent, object: true, filled: true}
		a.pending = pending{}
		a.agent = inHandle
	default:
		// Handles were named, and a paragraph begins like a contact's.
		if m.roles != 0 || !m.what.isContactField() || a.in.kind == inContact || a.in.kind == inRegistrar || a.in.kind == inOther || a.refs == [4]string{} || a.rec.Domain == "" {
			return false
		}
		a.beginObject("", l.indent)
		a.field(l, m)
	}
	return true
}

// isRef says whether v is a handle that stands for a contact.
func (a *answer) isRef(v string) bool {
	if v == "" {
		return false
	}
	for _, r := range a.refs {
		if len(r) == len(v) && strings.EqualFold(r, v) {
			return true
		}
	}
	return false
}

// handleLabel says whether a label's value is a handle by custom: "admin-c".
func handleLabel(s string) bool {
	return len(s) > 2 && s[len(s)-2] == '-' && s[len(s)-1]|0x20 == 'c' || strings.HasSuffix(s, " Code")
}

// sameLabel says whether the line before l has the same label: "descr:" on
// every line of a block.
func sameLabel(l *line, lines []line) bool {
	for i := 1; i < len(lines); i++ {
		if &lines[i] == l {
			return lines[i-1].label == l.label
		}
	}
	return false
}

func (a *answer) beginObject(handle string, indent int16) {
	a.pending = pending{}
	if len(a.objects) == maxObjects {
		a.in = section{kind: inOther, indent: indent, object: true}
		return
	}
	if cap(a.objects) > len(a.objects) {
		a.objects = a.objects[:len(a.objects)+1]
		o := &a.objects[len(a.objects)-1]
		lines := o.draft.lines[:0]
		*o = object{}
		o.draft.lines = lines
	} else {
		a.objects = append(a.objects, object{})
	}
	a.objectAt = len(a.objects) - 1
	o := &a.objects[a.objectAt]
	o.handle = handle
	o.draft.c.Handle = registration.CleanText(handle)
	a.in = section{kind: inObject, indent: indent, object: true}
}

// role takes a label that names a role: with a value who has it, without one
// the heading of a block.
func (a *answer) role(l *line, m meaning) {
	v := l.value
	if v != "" && (a.in.kind == inObject || a.in.noted && a.in.filled) {
		return // "registrar:" inside a contact
	}
	if m.roles&registrar != 0 {
		if (a.in.kind == inNameservers || a.in.kind == inOther) && a.in.object {
			return
		}
		noted := a.in.noted && a.in.kind == inRegistrar
		a.in = section{kind: inRegistrar, indent: l.indent, headed: v == "", valued: v != "", noted: noted, object: noted, start: l.gap && isHandle(v)}
		a.pending = pending{}
		if a.through { // who sold the name is not who registered it
			a.rec.Registrar.Name, a.rec.Registrar.URL, a.through = "", "", false
		}
		if strings.Contains(v, "@") { // "Registrar Contact Information: Email: … Hotline: …"
			a.set(meaning{what: registrarEmail}, v)
			if i := strings.LastIndexByte(v, ':'); i > 0 {
				a.set(meaning{what: registrarPhone}, v[i+1:])
			}
			return
		}
		if v != "" {
			had := a.rec.Registrar.Name != ""
			if !had || noted && a.agent == inHandle {
				a.set(meaning{what: registrarName}, v)
			}
			if !had && (noted || isHandle(v)) {
				a.agent = inHandle
			}
			a.in.filled = true
			a.pending = pending{meaning: meaning{what: ignored}, indent: l.indent, column: l.column}
		}
		return
	}
	if m.roles&other != 0 && m.roles&persons == 0 {
		a.in = section{kind: inOther, indent: l.indent}
		a.pending = pending{}
		return
	}
	if !(a.in.object && a.in.kind == inNameservers) { // a name server set has a contact of its own
		start := l.gap || a.in.kind == inContact && (a.in.start || a.in.headed)
		a.in = section{kind: inContact, roles: m.roles, indent: l.indent, headed: v == "", valued: v != "", start: start}
	}
	a.pending = pending{}
	if v == "" {
		return
	}
	if l.gap && isHandle(v) && !strings.Contains(v, ".") {
		a.in.headed = true // "Domain registrant: ABC-123" at the head of its paragraph
	}
	a.in.filled = true
	// "Registrant: Example Ltd" may be a name, a handle or the first line of a
	// block; which one is known at the end.
	// "admin-c: EX-1 jo@example.com": a handle, and the mail address of whom it is.
	if h := firstWord(v); len(h) < len(v) && isHandle(h) {
		if e, before, ok := emailIn(v); ok && before == h {
			a.setField(meaning{contactEmail, m.roles}, e)
			v = h
		}
	}
	for r := range roleNames {
		if m.roles&(1<<r) == 0 || strings.EqualFold(v, a.rec.Domain) {
			continue
		}
		// A second admin-c is another person; a name beside a handle is not.
		switch {
		case a.refs[r] == "":
			a.refs[r] = v
		case (isHandle(v) || handleLabel(l.label)) && !isHandle(a.refs[r]): // "owner:" and then "owner-c:"
			a.refs[r] = v
			continue
		case r != 0 || !isHandle(a.refs[r]) && !sameLabel(l, a.lines):
			continue
		}
		switch d := &a.contacts[r]; {
		case strings.HasSuffix(l.label, " Code"):
			if d.c.Handle == "" {
				d.c.Handle = registration.CleanText(v)
				d.filled = true
			}
			a.in.valued = false // the name is on the next line
		case len(d.lines) < maxBlock:
			d.lines = append(d.lines, v)
		}
	}
	a.pending = pending{meaning: m, indent: l.indent, column: l.column}
}

// field takes a pair that names a contact's field.
func (a *answer) field(l *line, m meaning) {
	v := l.value
	if v == "" && m.what == contactName && m.roles == 0 && strings.EqualFold(l.label, "contact") {
		a.role(l, meaning{contactRole, registrant})
		return
	}
	if m.roles == 0 {
		switch a.in.kind {
		case inDomain:
			switch m.what {
			case contactRegion: // "state: REGISTERED, DELEGATED"
				if strings.EqualFold(l.label, "state") {
					a.pending = pending{meaning: meaning{what: status}, indent: l.indent, column: l.column, empty: v == ""}
					if v != "" {
						a.set(meaning{what: status}, v)
					}
				}
				return
			case contactHandle:
				return
			}
			if a.rec.Domain == "" && m.what == contactName {
				// "Name: example.com" before anything else is the domain.
				if d, ok := domainValue(v); ok && strings.IndexByte(v, ' ') < 0 {
					a.setDomain(d)
				}
				return
			}
			if a.in.strange {
				a.in.filled = true
				return
			}
			m.roles = registrant
		case inContact:
			m.roles = a.in.roles
			if a.in.inner == 0 {
				a.in.inner = l.indent
			}
			a.in.filled, a.in.labelled = true, v != "" || a.in.labelled
			a.in.headed = a.in.headed || a.in.start // a paragraph about the contact
		case inObject:
			a.in.filled = true
			o := &a.objects[a.objectAt]
			if m.what == contactHandle {
				if o.handle == "" {
					o.handle = v
				}
			}
			a.pending = pending{meaning: m, indent: l.indent, column: l.column, empty: v == "", under: v == ""}
			if v != "" {
				a.put(&o.draft, m.what, v)
			}
			return
		case inRegistrar:
			a.in.filled = true
			a.in.headed = a.in.headed || a.in.start // the registrar's own object
			a.registrarField(m.what, v)
			a.pending = pending{meaning: m, indent: l.indent, column: l.column, empty: v == ""}
			return
		case inNameservers:
			if m.what == contactName && v != "" { // "Name: ns1.example.net" under "Nameservers"
				a.set(meaning{what: nameserver}, v)
			}
			return
		default:
			return
		}
	}
	if a.in.kind == inContact && m.roles&a.in.roles != 0 { // "Tech Name:" under "Technical Contact Information:"
		a.in.filled, a.in.labelled = true, true
	}
	a.pending = pending{meaning: m, indent: l.indent, column: l.column, empty: v == "", under: v == ""}
	if v != "" {
		a.setField(m, v)
	}
}

// setField puts a contact's field into the contacts of its roles.
func (a *answer) setField(m meaning, v string) {
	for r := range roleNames {
		if m.roles&(1<<r) == 0 {
			continue
		}
		a.put(&a.contacts[r], m.what, v)
		if m.what == contactHandle && a.refs[r] == "" {
			a.refs[r] = v
		}
	}
	if m.roles&registrant != 0 {
		a.signs++
		a.people++
	}
}

// registrarField takes a field of the registrar's own block.
func (a *answer) registrarField(w what, v string) {
	if v == "" {
		return
	}
	switch w {
	case contactName, contactOrganization:
		// A handle gives way to the name, a name to the organization's.
		if a.rec.Registrar.Name == "" || a.agent == inHandle || a.agent == inName && w == contactOrganization {
			a.rec.Registrar.Name, _ = registrarOf(v, "")
			a.agent = inName
			if w == contactOrganization {
				a.agent = nowhere
			}
			a.signs++
		}
	case contactEmail:
		a.set(meaning{what: registrarEmail}, v)
	case contactPhone:
		a.set(meaning{what: registrarPhone}, v)
	}
}

// heading takes a known label that stands alone on a line.
func (a *answer) heading(l *line) {
	m := a.meaningOf(l)
	switch {
	case m.what == contactRole:
		if a.in.kind == inObject && l.indent > a.in.indent {
			return
		}
		a.role(l, m)
	case m.what == nameserver:
		a.in = section{kind: inNameservers, indent: l.indent}
		a.pending = pending{meaning: m, indent: l.indent, empty: true}
	case m.what == reseller:
		a.in = section{kind: inOther, indent: l.indent}
	case m.what.isContactField() && m.roles == 0 && a.in.kind == inContact && !strings.EqualFold(l.text, "individual"):
		// "Address" alone above the lines of one.
		a.pending = pending{meaning: meaning{m.what, a.in.roles}, indent: l.indent, empty: true, block: true}
		a.in.labelled = true
	case m.what == domainName || m.what.isDate() || m.what == status || m.what == dnssec || m.what == ds || m.what == registrarName:
		if a.in.kind == inContact && a.contactIsFree() && !l.gap {
			a.free(l.text)
			return
		}
		a.pending = pending{meaning: m, indent: l.indent, empty: true}
	case a.in.kind == inContact:
		a.free(l.text)
	}
}

// text takes a line without a label.
func (a *answer) text(i int, first bool) {
	l := &a.lines[i]
	p := &a.pending
	if p.meaning.what != unknown {
		switch {
		case p.empty && (l.indent > p.indent || !first || p.meaning.what == nameserver || p.meaning.what == domainName && a.rec.Domain == ""):
			if a.more(p, l) {
				return
			}
		case !p.empty && !first && (p.block || p.column > 0 && l.indent+2 >= p.column || l.indent > p.indent):
			if a.more(p, l) {
				return
			}
		}
	}
	// "Domain EXAMPLE.KG (ACTIVE)"
	if rest, ok := strings.CutPrefix(l.text, "Domain "); ok && a.rec.Domain == "" {
		name, after, _ := strings.Cut(trimLeft(rest), " ")
		after = trimBoth(after)
		if d, ok := domainValue(name); ok && strings.Contains(d, ".") && (after == "" || after[0] == '(' && after[len(after)-1] == ')') {
			a.setDomain(d)
			if len(after) > 2 {
				a.set(meaning{what: status}, after[1:len(after)-1])
			}
			return
		}
	}
	// Terms of use right behind a block are none of its lines, and "[Hosting
	// Contact]" is a heading, if of a role that is not known.
	if first && a.in.kind != inDomain {
		if l.text[0] == '[' && l.text[len(l.text)-1] == ']' && !strings.ContainsAny(l.text, "0123456789@.") {
			a.in = section{kind: inOther, indent: l.indent}
			return
		}
		if prose(a.lines, i) {
			a.in = section{}
			return
		}
	}
	switch a.in.kind {
	case inNameservers:
		if a.hosts(l.text) {
			a.in.filled = true
			return
		}
		if first && a.in.filled {
			a.in = section{}
		}
	case inContact:
		if first && a.in.filled && l.indent <= a.in.indent {
			a.in = section{}
			if n := len(l.text) - len("contact"); n > 0 && n < 32 && strings.EqualFold(l.text[n:], "contact") { // of a role that is not known
				a.in = section{kind: inOther, indent: l.indent}
			}
			return
		}
		if a.in.labelled && !a.in.valued && !a.contactIsFree() {
			// What has labels has no plain lines, except a forgotten one.
			if e, _, ok := emailIn(l.text); ok && a.contact(a.in.roles).c.Email == "" {
				a.setField(meaning{contactEmail, a.in.roles}, e)
			}
			return
		}
		a.free(l.text)
	case inRegistrar:
		if a.rec.Registrar.Name == "" && (l.indent > a.in.indent || !first) && !a.in.object {
			a.set(meaning{what: registrarName}, l.text)
			a.in.filled = true
			return
		}
		if first && a.in.filled && l.indent <= a.in.indent {
			a.in = section{}
			return
		}
		if a.in.filled && !first && a.in.headed {
			if e, _, ok := emailIn(l.text); ok {
				a.set(meaning{what: registrarEmail}, e)
			} else if looksPhone(l.text) {
				a.set(meaning{what: registrarPhone}, l.text)
			}
		}
	}
}

// more takes a line that goes on with a pending label; false when it is none of
// its.
func (a *answer) more(p *pending, l *line) bool {
	m := p.meaning
	switch m.what {
	case contactRole:
		a.free(l.text)
		return true
	case contactStreet:
		p.empty = false
		a.addStreet(m, l.text)
		return true
	case nameserver:
		// "[Primary Name Server]   NS1EXAM0.SER" and the server below the label:
		// what looked like a host is the server's handle.
		if n := len(a.rec.Nameservers); !p.empty && n > 0 && p.column > l.indent+8 && addressIn(l.text) {
			if h, ok := nameserverName(a.hostBeside); ok && a.rec.Nameservers[n-1] == h {
				a.rec.Nameservers = a.rec.Nameservers[:n-1]
			}
		}
		if a.hosts(l.text) {
			p.empty = false
			a.in.filled = true
			return true
		}
		return false
	case status:
		p.empty = false
		a.set(m, l.text)
		return true
	case ignored, whoisServer:
		return true
	}
	if !p.empty {
		return m.what.isContactField()
	}
	switch m.what {
	case contactPhone, contactFax:
		if _, ok := phone(l.text); !ok || !looksPhone(l.text) && l.text[0] != '+' {
			return false // the label had no value, and the line is another thing
		}
	case contactEmail:
		if _, ok := email(l.text); !ok && a.withheld(l.text) == registration.Present {
			return false
		}
	case domainName:
		if !strings.Contains(l.text, ".") {
			return false
		}
	case registrarAbuseEmail, registrarAbusePhone:
		a.set(meaning{what: registrarAbuseEmail}, l.text)
		return true
	}
	p.empty = false
	if m.what.isContactField() {
		switch a.in.kind {
		case inObject:
			a.put(&a.objects[a.objectAt].draft, m.what, l.text)
		case inRegistrar:
			a.registrarField(m.what, l.text)
		default:
			a.setField(m, l.text)
		}
		return true
	}
	a.set(m, l.text)
	p.column = 0
	return true
}

func (a *answer) addStreet(m meaning, v string) {
	if a.in.kind == inObject && m.roles == 0 {
		a.put(&a.objects[a.objectAt].draft, contactStreet, v)
		return
	}
	if a.in.kind == inRegistrar && m.roles == 0 {
		return
	}
	a.setField(m, v)
}

// free takes a line of a contact that is written as plain lines.
func (a *answer) free(t string) {
	for r := range roleNames {
		if a.in.roles&(1<<r) != 0 && len(a.contacts[r].lines) < maxBlock {
			a.contacts[r].lines = append(a.contacts[r].lines, t)
		}
	}
	a.in.filled = true
}

// contact gives the contact of the first of some roles.
func (a *answer) contact(rs roles) *draft {
	for r := range roleNames {
		if rs&(1<<r) != 0 {
			return &a.contacts[r]
		}
	}
	return &a.contacts[0]
}

// set takes a value of the registration itself.
func (a *answer) set(m meaning, v string) {
	rec := &a.rec
	if m.what != status && nothing(v) {
		return
	}
	switch m.what {
	case asked:
		if d, ok := domainValue(v); ok && strings.Contains(d, ".") && a.asked == "" {
			a.asked = d
		}
	case domainName:
		if d, ok := domainValue(v); ok {
			a.setDomain(d)
			if _, is, ok := strings.Cut(v, " is "); ok && len(is) < 24 && strings.IndexByte(is, ' ') < 0 {
				a.set(meaning{what: status}, is) // "EXAMPLE.TK is Active"
			}
		}
		a.in = section{indent: a.pending.indent}
	case domainUnicode:
		if d, ok := domainValue(v); ok && rec.Domain == "" {
			a.setDomain(d)
		}
	case domainID:
		switch {
		case rec.Handle != "":
		case masked(v) || a.withheld(v) != registration.Present:
			if rec.Fields == nil {
				rec.Fields = map[string]registration.FieldState{}
			}
			rec.Fields["handle"] = registration.Redacted
		default:
			rec.Handle = registration.CleanText(v)
			delete(rec.Fields, "handle")
		}
	case registrarHandle:
		// A code is better than nothing, until the name comes.
		if rec.Registrar.Name == "" && !allDigits(v) {
			a.registrar, a.agent = v, inHandle
			rec.Registrar.Name = registration.CleanText(v)
			a.signs++
		}
	case registrarName:
		if a.agent == inHandle {
			rec.Registrar.Name, a.agent = "", nowhere
		}
		if rec.Registrar.Name == "" && !noRegistrar(v) {
			a.registrar = v
			rec.Registrar.Name, rec.Registrar.URL = registrarOf(v, rec.Registrar.URL)
			a.signs++
		}
	case registrarID:
		if rec.Registrar.IANAID == "" && allDigits(v) && len(v) <= 7 {
			rec.Registrar.IANAID = v
		}
	case registrarURL:
		if rec.Registrar.URL == "" && strings.Contains(v, ".") {
			rec.Registrar.URL = registration.CleanText(v)
		}
	case registrarAbuseEmail:
		if e, ok := email(v); ok && rec.Registrar.AbuseEmail == "" {
			rec.Registrar.AbuseEmail = e
		} else if !ok && allPhone(v) {
			a.set(meaning{what: registrarAbusePhone}, v)
		}
	case registrarEmail:
		if e, ok := email(v); ok && a.agentMail == "" {
			a.agentMail = e
		}
	case registrarPhone:
		if n, ok := phone(v); ok && a.agentPhone == "" {
			a.agentPhone = n
		}
	case registrarAbusePhone:
		if n, ok := phone(v); ok && rec.Registrar.AbusePhone == "" {
			rec.Registrar.AbusePhone = n
		}
	case created:
		a.date("created", &rec.Created, v, false)
	case updated:
		// "hostmaster@example.net 20010821 (Assigned)"
		if strings.HasSuffix(v, "(Assigned)") {
			a.date("created", &rec.Created, v, false)
			return
		}
		a.date("updated", &rec.Updated, v, true)
	case expires:
		a.date("expires", &rec.Expires, v, false)
	case status:
		a.status(v)
	case nameserver:
		a.hosts(v)
	case dnssec:
		a.dnssec(v)
	case ds:
		a.keys = a.keys || isKey(v)
	}
}

// isKey says whether v is a key, its tag or its handle, or says that there is
// one. Words below an empty label are another thing.
func isKey(v string) bool {
	w := firstWord(v)
	switch {
	case strings.EqualFold(v, "yes") || strings.EqualFold(v, "signed") || isHandle(v):
		return true
	case !strings.ContainsAny(v, "0123456789"):
		return false
	}
	return len(w) == len(v) || len(w) < 6 || strings.IndexByte(w, ':') > 0
}

// noRegistrar says whether words in the place of a registrar say that there is
// none: "No registrar listed. This domain is registered directly …".
func noRegistrar(v string) bool {
	return len(v) > 12 && strings.EqualFold(v[:12], "no registrar")
}

func (a *answer) setDomain(d string) {
	if a.rec.Domain != "" || a.tldRecord {
		return
	}
	if !strings.Contains(d, ".") {
		// A TLD's record, unless a domain's own follows.
		a.tldRecord, a.label = true, d
		return
	}
	a.rec.Domain = d
	if strings.Contains(d, "xn--") {
		if n, err := name.ParseAny(d); err == nil {
			if u := n.Unicode(); u != d {
				a.rec.Unicode = u
			}
		}
	}
}

// domainValue reads the value of a label that names the domain.
func domainValue(v string) (string, bool) {
	v = unquoted(firstWord(v))
	if plainName(v) {
		if h, ok := hostName(v); ok {
			return h, true
		}
	}
	if v == "" || strings.ContainsAny(v, "@/:") {
		return "", false
	}
	d, err := name.ParseAny(v)
	if err != nil {
		if h, ok := hostName(v); ok {
			return h, true
		}
		return "", false
	}
	return d.String(), true
}

// unquoted takes quotes and punctuation off the ends of a word.
func unquoted(s string) string {
	for s != "" && isQuote(s[0]) {
		s = s[1:]
	}
	for s != "" && isQuote(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isQuote(c byte) bool {
	switch c {
	case '"', '\'', '<', '>', '.', ',', ';':
		return true
	}
	return false
}

// plainName says whether v is a name of letters, digits and hyphens with a dot,
// and no A-label: it needs no conversion.
func plainName(v string) bool {
	dot := false
	for i := 0; i < len(v); i++ {
		switch c := v[i] | 0x20; {
		case c >= 'a' && c <= 'z', isDigit(v[i]):
		case v[i] == '-':
			if i+1 < len(v) && v[i+1] == '-' {
				return false
			}
		case v[i] == '.':
			dot = true
		default:
			return false
		}
	}
	return dot && v[len(v)-1] != '.'
}

func (a *answer) date(field string, dst *registration.Date, v string, latest bool) {
	d, ok := isoDate(v)
	if !ok {
		if strings.IndexByte(v, '@') >= 0 || strings.Contains(v, " AT ") {
			// "hostmaster@example.net 20010821": who changed it, and when.
			v = afterPerson(v)
		}
		d, ok = parseDate(v, a.profile.order, a.profile.zone)
	}
	if !ok {
		if dst.IsZero() && strings.ContainsAny(v, "123456789") && !nullDate(v) {
			a.unread(field, v)
			a.find("whois.date", field, "the date cannot be read")
		}
		return
	}
	a.signs++
	if len(v) > 7 && strings.EqualFold(v[:7], "before ") {
		a.find("whois.date-before", field, "the answer says that it was before this date")
	}
	switch {
	case dst.IsZero():
		*dst = d
		delete(a.rec.Fields, field)
		delete(a.rec.Unread, field)
	case latest && d.After(dst.Time):
		*dst = d
	}
}

// nullDate says whether v is a date that stands for none.
func nullDate(v string) bool {
	return strings.HasPrefix(v, "0000") || strings.HasPrefix(v, "1970-01-01") || strings.HasPrefix(v, "0001-01-01") || strings.HasPrefix(v, "00-00")
}

// afterPerson gives what follows the mail address in a "changed" line.
func afterPerson(v string) string {
	for i := 0; i+8 <= len(v); i++ {
		if (i == 0 || v[i-1] == ' ') && allDigits(v[i:i+8]) {
			return v[i:]
		}
	}
	return ""
}

const maxStatuses = 64

func (a *answer) status(v string) {
	// "clientHold https://icann.org/epp#clientHold", and nothing else
	w := v
	if i := strings.IndexByte(v, ' '); i > 0 {
		w = v[:i]
		if rest := trimLeft(v[i:]); !strings.HasPrefix(rest, "http") && !strings.HasPrefix(rest, "(http") {
			w = ""
		}
	}
	if len(w) > 1 && len(w) < 32 && strings.IndexByte(w, ',') < 0 {
		if e, ok := eppName(w); ok {
			a.addStatus(e)
			return
		}
	}
	if i := strings.Index(v, "http"); i > 0 {
		v = v[:i]
	}
	v = strings.TrimRight(v, " \t(-")
	if v == "" || v == "-" {
		return
	}
	if strings.Contains(v, "algorithm:") { // "flags:KSK protocol:3 …": a key of .eu
		a.keys = true
		return
	}
	if x := said().value(v); x > a.said {
		a.said = x
	}
	// "OK-UNTIL 20131218000000": the status, and the day it ends.
	if i := strings.LastIndexByte(v, ' '); i > 5 && strings.EqualFold(v[i-5:i], "until") {
		if d, ok := parseDate(v[i+1:], a.profile.order, a.profile.zone); ok && a.rec.Expires.IsZero() {
			a.rec.Expires = d
			a.signs++
			v = strings.TrimRight(v[:i-5], "- ")
		}
	}
	list := (strings.ContainsAny(v, ",;|") || strings.Contains(v, " / ")) && !strings.Contains(v, "(") && !strings.Contains(v, " - ")
	if !list && a.epp(v) {
		return
	}
	// "Connected (2024/04/30)": a day behind the status.
	if i := strings.IndexByte(v, '('); i > 0 && i+1 < len(v) && isDigit(v[i+1]) {
		v = strings.TrimRight(v[:i], " ")
	}
	if list {
		for s := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == ';' || r == '|' || r == '/' }) {
			if len(a.rec.Statuses) >= maxStatuses {
				break
			}
			if s = trimBoth(s); !a.epp(s) {
				a.addStatus(s)
			}
		}
		return
	}
	a.addStatus(v)
}

// epp takes the EPP names at the beginning of a status ("clientHold
// serverHold", "ok (paid and in zone)", "ok - Normal state."); false when it
// begins with none.
func (a *answer) epp(v string) bool {
	n := 0
	for w := range strings.FieldsSeq(v) {
		if strings.HasSuffix(w, ",") && n == 0 {
			return false
		}
		e, ok := eppName(w)
		if !ok {
			if len(w) == len(v) {
				return false // one word, which has been looked up
			}
			break
		}
		a.addStatus(e)
		n++
	}
	if n > 0 {
		return true
	}
	if e, ok := eppName(v); ok { // "CLIENT DELETE PROHIBITED"
		a.addStatus(e)
		return true
	}
	return false
}

// eppName gives the EPP name of a status. "Active" and "associated", which RFC
// 8056 maps for RDAP, are a registry's own words in WHOIS and stay.
func eppName(s string) (string, bool) {
	if len(s) < 2 || len(s) > 32 || strings.EqualFold(s, "active") || strings.EqualFold(s, "associated") {
		return "", false
	}
	return registration.EPPStatus(s)
}

func (a *answer) addStatus(s string) {
	s = registration.CleanText(s)
	if s == "" || len(a.rec.Statuses) >= maxStatuses {
		return
	}
	for _, have := range a.rec.Statuses {
		if strings.EqualFold(have, s) {
			return
		}
	}
	if a.rec.Statuses == nil {
		a.rec.Statuses = make([]string, 0, 4)
	}
	a.rec.Statuses = append(a.rec.Statuses, s)
}

const maxNameservers = 256

// hosts takes a line of name servers, with their addresses or without; false
// when the line holds something else.
func (a *answer) hosts(v string) bool {
	found := 0
	for len(v) > 0 {
		i := 0
		for i < len(v) && isHostGap(v[i]) {
			i++
		}
		v = v[i:]
		for i = 0; i < len(v) && !isHostGap(v[i]); {
			i++
		}
		w := v[:i]
		v = v[i:]
		if w == "" {
			continue
		}
		h, ok := nameserverName(w)
		switch {
		case ok && isZoneLine(trimLeft(v)): // a line of a zone file
			v = trimLeft(v)[3:]
		case ok:
			found++
			a.addHost(h)
		case found > 0:
			if isAddress(w) {
				continue
			}
			return true
		default:
			return isAddress(w) || strings.EqualFold(w, "none")
		}
	}
	return found > 0
}

// isZoneLine says whether "NS" follows a name.
func isZoneLine(s string) bool {
	return len(s) > 3 && s[:2] == "NS" && isSpace(s[2])
}

func (a *answer) addHost(h string) {
	if len(a.rec.Nameservers) >= maxNameservers {
		return
	}
	for _, have := range a.rec.Nameservers {
		if have == h {
			return
		}
	}
	if a.rec.Nameservers == nil {
		a.rec.Nameservers = make([]string, 0, 4)
	}
	a.rec.Nameservers = append(a.rec.Nameservers, h)
	a.signs++
}

func isHostGap(c byte) bool {
	switch c {
	case ' ', '\t', ',', ';', '[', ']', '(', ')', '/', '|', 0:
		return true
	}
	return false
}

// nameserverName reads one word of a name server line as a host name.
func nameserverName(w string) (string, bool) {
	for len(w) > 0 && (w[len(w)-1] == '.' || w[len(w)-1] == ':') {
		w = w[:len(w)-1]
	}
	if len(w) < 4 || strings.IndexByte(w, '.') < 0 {
		return "", false
	}
	if isDigit(w[len(w)-1]) && isDigit(w[0]) || strings.EqualFold(w, "not.defined") {
		return "", false
	}
	return hostName(w)
}

func isAddress(w string) bool {
	w = strings.Trim(w, ".:<>")
	if w == "" {
		return true
	}
	_, err := netip.ParseAddr(w)
	return err == nil
}

func (a *answer) dnssec(v string) {
	var buf [maxLabel]byte
	switch string(fold(buf[:0], v)) {
	case "unsigned", "no", "inactive", "unsigneddelegation", "notsigned", "n", "none", "미서명", "nej", "disabled", "false", "nods", "off", "nosigned", "nao", "não", "nie", "nein", "unsignednodsrecords", "notenabled", "insecure", "0", "nosecure", "未签名", "notapplicable", "dnssecnotenabled", "nodnssec":
		a.unsigned = true
	case "signed", "yes", "active", "signeddelegation", "y", "true", "서명", "enabled", "on", "ja", "si", "oui", "sim", "1", "signedok", "secure", "signedds", "full", "dsinzone", "signednods", "activo":
		a.rec.DNSSEC = "signed"
	default:
		if strings.HasPrefix(string(fold(buf[:0], v)), "signed") {
			a.rec.DNSSEC = "signed"
		} else if strings.HasPrefix(string(fold(buf[:0], v)), "unsigned") {
			a.unsigned = true
		}
	}
}

// hostName gives a host name in A-labels and lower case. Underscores are let
// through, because name servers have them.
func hostName(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	lower, dot := true, false
	start := 0
	if len(s) == 0 || len(s) > 253 {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		switch hostOctets[s[i]] {
		case hostSmall:
		case hostCapital:
			lower = false
		case hostDot:
			if !isLabel(s[start:i]) {
				return "", false
			}
			start = i + 1
			dot = true
		case hostWide:
			d, err := name.ParseAny(s)
			if err != nil {
				return "", false
			}
			return d.String(), true
		default:
			return "", false
		}
	}
	if !isLabel(s[start:]) {
		return "", false
	}
	if dot {
		tld := s[strings.LastIndexByte(s, '.')+1:]
		if isDigit(tld[0]) || len(tld) < 2 {
			return "", false
		}
	}
	if !lower {
		s = strings.ToLower(s)
	}
	return s, true
}

// isLabel says whether s may stand between the dots of a host name, as far as its
// length and its ends go.
func isLabel(s string) bool {
	return len(s) > 0 && len(s) < 64 && s[0] != '-' && s[len(s)-1] != '-'
}

// What an octet is in a host name.
const (
	hostNever = iota
	hostSmall // also a digit, a hyphen, an underscore
	hostCapital
	hostDot
	hostWide // beyond ASCII
)

var hostOctets = func() (t [256]byte) {
	for c := range t {
		switch c := byte(c); {
		case isSmall(c), c == '-', c == '_':
			t[c] = hostSmall
		case isLetter(c):
			t[c] = hostCapital
		case c == '.':
			t[c] = hostDot
		case c >= 0x80:
			t[c] = hostWide
		}
	}
	return t
}()

func (a *answer) unread(field, raw string) {
	if raw = registration.CleanText(raw); raw == "" {
		return
	}
	if a.rec.Fields == nil {
		a.rec.Fields = map[string]registration.FieldState{}
	}
	if a.rec.Unread == nil {
		a.rec.Unread = map[string]string{}
	}
	a.rec.Fields[field] = registration.Unparsed
	a.rec.Unread[field] = raw
}

func (a *answer) find(id, path, detail string) {
	if len(a.rec.Findings) < 32 {
		a.rec.Findings = append(a.rec.Findings, registration.Finding{ID: id, Severity: registration.Advice, Path: path, Detail: detail})
	}
}

// finish resolves handles, reads the plain blocks and tells the state.
func (a *answer) finish() {
	rec := &a.rec
	for r := range roleNames {
		d := &a.contacts[r]
		o := a.object(a.refs[r])
		if o != nil && len(d.lines) > 0 && d.lines[0] == a.refs[r] {
			d.lines = d.lines[1:]
		}
		a.block(d, r)
		if o != nil {
			d.join(&o.draft)
			a.block(d, r)
		}
		if d.empty() {
			continue
		}
		d.into(rec, r)
	}
	if rec.DNSSEC == "" {
		switch {
		case a.unsigned:
			rec.DNSSEC = "unsigned"
		case a.keys:
			rec.DNSSEC = "signed"
		}
	}
	if rec.Registrar.AbuseEmail == "" && rec.Registrar.AbusePhone == "" && (a.agentMail != "" || a.agentPhone != "") {
		rec.Registrar.AbuseEmail, rec.Registrar.AbusePhone = a.agentMail, a.agentPhone
		a.find("whois.general-contact", "registrar.abuse_email", "the answer names no abuse contact; the registrar's general one stands in")
	}
	slices.Sort(rec.Statuses)
	slices.Sort(rec.Nameservers)
	a.state()
}

// object finds a contact by its handle.
func (a *answer) object(handle string) *object {
	if handle == "" {
		return nil
	}
	for i := range a.objects {
		if a.objects[i].handle != "" && strings.EqualFold(a.objects[i].handle, handle) {
			return &a.objects[i]
		}
	}
	return nil
}

// state tells the answer's state, and takes out of the record what is none.
func (a *answer) state() {
	rec := &a.rec
	if a.tldRecord {
		a.tld()
		return
	}
	strong := a.signs >= 3 && rec.Domain != "" || !rec.Created.IsZero() || !rec.Expires.IsZero()
	if !strong || a.said == saysReserved && rec.Created.IsZero() && rec.Registrar.Name == "" {
		v, name := a.said, ""
		if v < hintsThrottled || rec.Domain == "" && a.asked == "" {
			var page verdict
			page, name = said().page(a.lines)
			v = max(v, page)
		}
		switch {
		case v == saysReserved, v == saysThrottled, v == saysAvailable,
			v != noVerdict && a.signs == 0:
			rec.Domain = firstOf(rec.Domain, a.asked, name)
			no := registration.Record{State: v.state(), Domain: rec.Domain, Unicode: rec.Unicode, Statuses: rec.Statuses}
			if v == saysReserved { // since when, and where it is delegated to
				no.Created, no.Updated, no.Expires, no.Nameservers = rec.Created, rec.Updated, rec.Expires, rec.Nameservers
			}
			*rec = no
			return
		}
	}
	if rec.Domain == "" && a.signs > a.people {
		if d := firstOf(a.asked, a.named()); d != "" {
			a.setDomain(d)
		}
	}
	// "Domain: example.de, Status: connect" is a registration, too. A person
	// without a name that they hold is none.
	if a.signs > a.people || a.signs > 0 && rec.Domain != "" || rec.Domain != "" && len(rec.Statuses) > 0 {
		rec.State = registration.Registered
		return
	}
	*rec = registration.Record{State: registration.Unknown, Domain: firstOf(rec.Domain, a.asked), Unicode: rec.Unicode}
}

// named finds the domain of an answer that has no label for it: its first line
// is the name alone, or one of the first says what was asked.
func (a *answer) named() string {
	for i := range a.lines[:min(len(a.lines), maxNamed)] {
		t := a.lines[i].text
		if len(t) > 80 || prose(a.lines, i) {
			continue
		}
		if d := askedIn(t); d != "" {
			return d
		}
		if a.lines[i].kind == plainLine && plainName(t) && !strings.HasPrefix(t, "www.") && !strings.HasPrefix(t, "whois.") {
			d, _ := hostName(t)
			return d
		}
		if a.lines[i].kind != commentLine {
			return ""
		}
	}
	return ""
}

// maxNamed is how many lines are searched for the name of an answer without a
// label for it.
const maxNamed = 16

// tld tells the state of an answer that names one label. It is about that
// label and no domain below it, and says so: what the IANA server knows of a
// TLD is never shown as a domain's. Where a registry's "no" follows it without
// a mark, that is the answer.
func (a *answer) tld() {
	rec := &a.rec
	for i := range a.lines {
		if l := &a.lines[i]; l.kind == pairLine && l.value == "IANA" && strings.EqualFold(l.label, "source") && i+1 < len(a.lines) {
			if v, name := said().page(a.lines[i+1:]); v >= saysAvailable {
				a.tldRecord = false
				*rec = registration.Record{State: v.state(), Domain: name}
				return
			}
		}
	}
	if a.signs < 2 || rec.Created.IsZero() {
		*rec = registration.Record{State: registration.Unknown}
	} else {
		rec.State, rec.Domain = registration.Registered, a.label
	}
	a.find("whois.tld", "domain", "the answer names a top-level domain, or a label without one; it is about no other name")
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
