package whois

import (
	"strings"
	"unicode"

	"bailiwick/registration"
)

// draft is a contact while it is read.
type draft struct {
	c       registration.Contact
	marks   [contactHandle - contactName + 1]mark // of what is withheld or unreadable
	unread  []unreadField
	first   string // the name's parts
	last    string
	given   string   // the country, where it was not given as its code
	line    string   // of the address, taken as the country
	lines   []string // plain lines, read at the end
	marked  bool
	filled  bool
	company bool // it is said to be an organisation
}

// mark is a registration.FieldState in one octet: a draft is cleared for every
// answer.
type mark uint8

const (
	unmarked mark = iota
	markRedacted
	markProxy
	markUnparsed
)

var markStates = [...]registration.FieldState{markRedacted: registration.Redacted, markProxy: registration.Proxy, markUnparsed: registration.Unparsed}

// unreadField is the raw text of a field that cannot be read.
type unreadField struct {
	what what
	text string
}

// maxBlock is how many plain lines of a contact are kept.
const maxBlock = 14

// fieldOf are the names in a record of contact fields.
var fieldOf = [...]string{
	0: "name", contactFirstName - contactName: "name", contactLastName - contactName: "name",
	contactOrganization - contactName: "organization", contactStreet - contactName: "street", contactCity - contactName: "city",
	contactRegion - contactName: "region", contactPostalCode - contactName: "postal_code", contactCountry - contactName: "country",
	contactEmail - contactName: "email", contactPhone - contactName: "phone", contactFax - contactName: "fax",
	contactHandle - contactName: "handle",
}

func (d *draft) mark(w what, s registration.FieldState, raw string) {
	if w > contactHandle {
		return
	}
	m := markRedacted
	switch s {
	case registration.Proxy:
		m = markProxy
	case registration.Unparsed:
		m = markUnparsed
		d.unread = append(d.unread, unreadField{w, raw})
	}
	d.marks[w-contactName] = m
	d.marked = true
}

// put sets a field of a contact unless it has a value. What only says that the
// value is withheld is marked instead.
func (a *answer) put(d *draft, w what, v string) {
	if nothing(v) || w == contactIgnored {
		return
	}
	if v = registration.CleanText(v); v == "" {
		return
	}
	s := a.withheld(v)
	if masked(v) {
		s = registration.Redacted
	}
	if w == contactName && strings.EqualFold(v, "Ano Nymous") { // .fr and its sisters, of persons
		s = registration.Redacted
	}
	if s != registration.Present {
		d.mark(w, s, "")
		return
	}
	d.filled = true
	c := &d.c
	set := func(dst *string) {
		if *dst == "" {
			*dst = v
		}
	}
	switch w {
	case contactName:
		// "Jo Doe (jo [at] example.com)"
		if i := strings.IndexByte(v, '('); i > 1 && v[len(v)-1] == ')' {
			if e, ok := email(v[i+1 : len(v)-1]); ok {
				v = trimBoth(v[:i])
				if c.Email == "" && c.Name == "" {
					a.put(d, contactEmail, e)
				}
			}
		}
		set(&c.Name)
	case contactFirstName:
		if d.first == "" {
			d.first = v
		}
	case contactLastName:
		if d.last == "" {
			d.last = v
		}
	case contactOrganization:
		set(&c.Organization)
	case contactStreet:
		if c.Street == nil {
			c.Street = make([]string, 0, 3)
		}
		if len(c.Street) < 12 {
			c.Street = append(c.Street, v)
		}
	case contactCity:
		set(&c.City)
	case contactRegion:
		set(&c.Region)
	case contactPostalCode:
		set(&c.PostalCode)
	case contactCountry:
		if cc := country(v); cc != v && c.Country == "" {
			d.given, v = v, cc
		}
		set(&c.Country)
	case contactEmail:
		if e, ok := email(v); ok {
			v = e
			set(&c.Email)
		} else if c.Email == "" {
			// A web form in the place of an address.
			if i := strings.Index(v, "http"); i >= 0 && strings.Contains(v[i:], "://") {
				if u := firstWord(v[i:]); c.ContactURI == "" {
					c.ContactURI = u
				}
				d.mark(w, registration.Redacted, "")
				return
			}
			if formInstead(v) {
				d.mark(w, registration.Redacted, "")
				return
			}
			d.mark(w, registration.Unparsed, v)
		}
	case contactPhone:
		d.phone(w, &c.Phone, v)
	case contactFax:
		d.phone(w, &c.Fax, v)
	case contactHandle:
		set(&c.Handle)
	}
}

func (d *draft) phone(w what, dst *string, v string) {
	if *dst != "" {
		return
	}
	if n, ok := phone(v); ok {
		*dst = n
	} else if strings.ContainsAny(v, "0123456789") {
		d.mark(w, registration.Unparsed, v)
	}
}

// join fills what d lacks from the contact that its handle stands for.
func (d *draft) join(o *draft) {
	c, x := &d.c, &o.c
	if c.Country == "" {
		d.given = o.given
	}
	if len(c.Street) == 0 {
		d.line = o.line
	}
	for _, f := range registration.ContactFields() {
		if f == "street" {
			if len(c.Street) == 0 {
				c.Street = append(c.Street, x.Street...)
			}
			continue
		}
		if c.Field(f) == "" {
			c.SetField(f, x.Field(f))
		}
	}
	if d.first == "" && d.last == "" {
		d.first, d.last = o.first, o.last
	}
	for i, m := range o.marks {
		if d.marks[i] == unmarked {
			d.marks[i] = m
		}
	}
	d.unread = append(d.unread, o.unread...)
	d.marked = d.marked || o.marked
	d.filled = d.filled || o.filled
	d.company = d.company || o.company
	if len(o.lines) > 0 {
		d.lines = append(d.lines, o.lines...)
	}
}

func (d *draft) empty() bool { return !d.filled && !d.marked && len(d.lines) == 0 }

// form keeps how the country was given.
func (d *draft) form(rec *registration.Record, role int) {
	if d.given == "" && d.line == "" {
		return
	}
	for _, g := range [...]struct{ field, text string }{{"country", d.given}, {"street", d.line}} {
		if g.text == "" || d.c.Country == "" {
			continue
		}
		if rec.Given == nil {
			rec.Given = make(map[string]string, 4)
		}
		rec.Given[registration.ContactPath(roleNames[role], g.field)] = g.text
	}
}

// into puts the contact into the record.
func (d *draft) into(rec *registration.Record, role int) {
	c := &d.c
	// The last line of an address is the country when it is one's.
	if n := len(c.Street); n > 1 && c.Country == "" {
		if cc, ok := registration.CountryCode(c.Street[n-1]); ok {
			c.Country = cc
			d.line = c.Street[n-1]
			c.Street = c.Street[:n-1]
		}
	}
	if c.Name == "" && (d.first != "" || d.last != "") {
		c.Name = strings.TrimSpace(d.first + " " + d.last)
	}
	if c.Name != "" && d.first != "" && d.last == "" && strings.IndexByte(c.Name, ' ') < 0 && !strings.EqualFold(c.Name, d.first) {
		c.Name = d.first + " " + c.Name // "Name: Sample", "First name: Jo"
	}
	if d.company && c.Organization == "" {
		c.Organization = c.Name
	}
	if !c.IsZero() {
		if rec.Contacts == nil {
			rec.Contacts = make(map[string]registration.Contact, 4)
		}
		rec.Contacts[roleNames[role]] = *c
	}
	d.form(rec, role)
	if !d.marked {
		return
	}
	for i, m := range d.marks {
		if m == unmarked {
			continue
		}
		f := fieldOf[i]
		if c.Field(f) != "" {
			continue
		}
		path := registration.ContactPath(roleNames[role], f)
		if _, have := rec.Fields[path]; have {
			continue
		}
		var raw string
		if m == markUnparsed {
			for _, u := range d.unread {
				if u.what == contactName+what(i) {
					raw = u.text
				}
			}
			if rec.Unread == nil {
				rec.Unread = map[string]string{}
			}
			rec.Unread[path] = raw
		}
		if rec.Fields == nil {
			rec.Fields = make(map[string]registration.FieldState, 4*d.count())
		}
		rec.Fields[path] = markStates[m]
	}
}

// count is how many fields are marked.
func (d *draft) count() (n int) {
	for _, m := range d.marks {
		if m != unmarked {
			n++
		}
	}
	return n
}

// block reads the plain lines of a contact.
func (a *answer) block(d *draft, role int) {
	lines := d.lines
	d.lines = lines[:0]
	if len(lines) == 0 {
		return
	}
	n := 0 // lines that were neither mail nor phone
	var rest []string
	for _, t := range lines {
		t = registration.CleanText(t)
		lineOf := t
		if nothing(t) {
			continue
		}
		if strings.HasPrefix(t, "http://") || strings.HasPrefix(t, "https://") {
			if d.c.ContactURI == "" && !strings.Contains(t, " ") {
				d.c.ContactURI = t
				d.filled = true
			}
			continue
		}
		if masked(t) {
			continue
		}
		if s := a.withheld(t); s != registration.Present {
			if n == 0 {
				d.mark(contactName, s, "")
				d.mark(contactOrganization, s, "")
				n++
			} else if optedOut(t) { // of an address, behind a name that is shown
				d.mark(contactStreet, s, "")
			}
			continue
		}
		if i := strings.IndexByte(t, '('); i > 0 && strings.HasSuffix(t, ")") {
			// "Jo Doe (jo [at] example.com)", "Jo Doe ()"
			e, ok := email(t[i+1 : len(t)-1])
			if ok && d.c.Email == "" {
				a.put(d, contactEmail, e)
			}
			if ok || t[i:] == "()" {
				t = trimBoth(t[:i])
				if len(rest) == 1 && d.c.Name == "" && looksCompany(rest[0]) {
					d.c.Name = t
					continue
				}
			}
		}
		if e, before, ok := emailIn(t); ok {
			if d.c.Email == "" {
				a.put(d, contactEmail, e)
			}
			// "jo@shop.example +1.5555550100 Fax: +1.5555550101"
			if t = before; t == "" {
				t = afterEmail(lineOf, e)
			}
			if t == "" {
				continue
			}
		}
		// "+1.5555550100 (FAX) +1.5555550101", "+1.5555550100 fax: +1.5555550101"
		if i := faxIn(t); i > 0 {
			number := strings.TrimLeft(t[i:], "(faxFAX):.- ]")
			if before := trimRight(t[:i]); number == "" && before != "" && (before[len(before)-1] == '(' || before[len(before)-1] == '[') {
				a.put(d, contactFax, before[:len(before)-1]) // "555-555-0101 [fax]"
				continue
			}
			a.put(d, contactFax, number)
			if t = strings.TrimRight(t[:i], " (["); t == "" {
				continue
			}
			if n, ok := phone(t); ok { // also without gaps: "5555550100      Fax: …"
				a.put(d, contactPhone, n)
				continue
			}
		}
		if w, n := phoneLine(t); w != unknown {
			a.put(d, w, n)
			continue
		}
		if looksPhone(t) {
			if d.c.Phone == "" {
				a.put(d, contactPhone, t)
			} else if d.c.Fax == "" {
				a.put(d, contactFax, t)
			}
			continue
		}
		rest = append(rest, t)
		n++
	}
	// "GOO001748-EXMPL" above the name.
	if len(rest) > 1 && isHandle(rest[0]) {
		if d.c.Handle == "" {
			d.c.Handle = rest[0]
		}
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return
	}
	d.filled = true
	first := rest[0]
	if i := strings.LastIndexByte(first, '('); i > 0 && strings.HasSuffix(first, ")") && !strings.Contains(first[i:], " ") && (strings.ContainsAny(first[i:], "0123456789") || strings.HasSuffix(first, "-DOM)") || strings.HasSuffix(first, "-dom)")) {
		first = strings.TrimSpace(first[:i]) // "Example Inc. (EXAM-DOM)": its handle
	}
	if role != 0 && len(rest) == 1 && isHandle(first) || role == 0 && len(rest) == 1 && isHandle(first) {
		if d.c.Handle == "" {
			d.c.Handle = first
		}
		return
	}
	rest = rest[1:]
	company := looksCompany(first) || role == 0 && len(a.profile.block) > 0 && a.profile.block[0] == contactOrganization
	switch {
	case d.c.Name == "" && company && len(rest) > 0 && isRoleName(rest[0]):
		d.c.Name = rest[0]
		rest = rest[1:]
	case d.c.Name == "":
		d.c.Name = first
		if !company && d.c.Organization == "" && len(rest) > 0 && looksCompany(rest[0]) {
			d.c.Organization = rest[0]
			rest = rest[1:]
		}
	case !strings.EqualFold(d.c.Name, first):
		// The registrant, and beside it the name of a person.
		company = true
	}
	if company && d.c.Organization == "" {
		d.c.Organization = first
	}
	if len(rest) == 0 {
		return
	}
	// The country is last, by name or code.
	if last := rest[len(rest)-1]; d.c.Country == "" {
		if cc, ok := registration.CountryCode(strings.Trim(last, " .")); ok {
			d.c.Country, d.line = cc, last
			rest = rest[:len(rest)-1]
		} else if i := strings.LastIndexAny(last, " ,"); i > 0 {
			if w := last[i+1:]; len(w) == 2 && w == strings.ToUpper(w) {
				cc, ok := registration.CountryCode(w)
				if named, is := registration.CountryCode(strings.TrimRight(last[:i], " ,")); ok && is && named == cc { // "Uzbekistan, UZ"
					d.c.Country, d.line = cc, last
					rest = rest[:len(rest)-1]
				} else if ok && strings.ContainsAny(last[:i], "0123456789") {
					d.c.Country, d.line = cc, w
					rest[len(rest)-1] = strings.TrimRight(last[:i], " ,")
				}
			}
		}
	}
	for _, t := range rest {
		if len(d.c.Street) < 12 {
			d.c.Street = append(d.c.Street, t)
		}
	}
}

// afterEmail gives the telephone numbers that stand behind a mail address on its
// line.
func afterEmail(t, e string) string {
	i := strings.Index(t, e)
	if i < 0 {
		return ""
	}
	if t = trimBoth(t[i+len(e):]); t == "" || t[0] != '+' && t[0] != '(' && !isDigit(t[0]) {
		return ""
	}
	return t
}

// faxIn finds the word "fax" behind a number in a plain line; 0 when it is not
// there.
func faxIn(s string) int {
	if s == "" || s[0] != '+' && s[0] != '(' && !isDigit(s[0]) {
		return 0
	}
	for i := 6; i+3 < len(s); i++ {
		if s[i]|0x20 == 'f' && s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 'x' {
			return i
		}
	}
	return 0
}

// phoneLine reads a plain line such as "Tel. +1.5555550100" or "(Fax) 555 0100".
func phoneLine(s string) (what, string) {
	i := strings.IndexAny(s, "+0123456789")
	if i < 3 || i > 12 {
		return unknown, ""
	}
	var buf [12]byte
	n := 0
	for j := 0; j < i; j++ {
		if f := folded[s[j]&0x7F]; s[j] < 0x80 && f != 0 {
			buf[n] = f
			n++
		}
	}
	if _, ok := phone(s[i:]); !ok {
		return unknown, ""
	}
	switch string(buf[:n]) {
	case "tel", "phone", "telephone", "voice", "telno":
		return contactPhone, s[i:]
	case "fax", "telefax", "facsimile", "faxno":
		return contactFax, s[i:]
	}
	return unknown, ""
}

// isRoleName says whether a line under an organisation's name is the person or
// desk there, and not yet the street: "DNS Admin".
func isRoleName(s string) bool {
	if len(s) > 40 || strings.ContainsAny(s, "0123456789,") {
		return false
	}
	for w := range strings.FieldsSeq(strings.ToLower(s)) {
		switch w {
		case "admin", "administrator", "hostmaster", "webmaster", "manager", "administration", "dns", "domains", "registrar":
			return true
		}
	}
	return false
}

// masked says whether a value is stars alone, in the place of one that is not
// shown.
func masked(v string) bool {
	n := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '*':
			n++
		case ' ', '.', '@', '-', ',':
		default:
			return false
		}
	}
	return n > 2
}

// nothing says whether a value stands for none.
func nothing(v string) bool {
	if len(v) > 16 || v != "" && !nothingStarts[v[0]] || len(v) > 14 && !isFiller(v[0]) && !isFiller(v[len(v)-1]) {
		return false
	}
	for len(v) > 0 && isFiller(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && isFiller(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	if len(v) > 14 {
		return false
	}
	var b [16]byte
	n := copy(b[:], v)
	for i := range n {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	switch string(b[:n]) {
	case "", "~", "n/a", "na", "none", "null", "nil", "not available", "not applicable", "undefined", "unknown", "not defined", "no data",
		"not set", "empty", "not provided", "n.a", "not specified", "not shown", "x", "xx", "no name", "none given", "no value":
		return true
	}
	return false
}

// nothingStarts are the octets that what nothing knows begins with, so that most
// values are told by it to be something.
var nothingStarts = func() (t [256]bool) {
	for c := range t {
		t[c] = isFiller(byte(c))
	}
	for _, c := range []byte("~neuxNEUX") {
		t[c] = true
	}
	return t
}()

func isFiller(c byte) bool {
	switch c {
	case ' ', '.', '\t', '-', ',', '?', '*', '<', '>', '[', ']', '(', ')':
		return true
	}
	return false
}

// withheld judges a value as registration.Withheld does. The same words stand
// in field after field, so the last that is none is kept.
func (a *answer) withheld(v string) registration.FieldState {
	if len(v) < 4 { // no words
		return registration.Present
	}
	if v == a.lastValue {
		return a.lastState
	}
	s := registration.Withheld(v)
	if s == registration.Present && len(v) > 30 && optedOut(v) {
		s = registration.Redacted
	}
	if s != registration.Present {
		a.lastValue, a.lastState = v, s
	}
	return s
}

// optedOut says whether a line is one of the sentence that .uk and its sisters
// print where an address would be: "The registrant is a non-trading individual
// who has opted to have their / address omitted from the WHOIS service."
func optedOut(v string) bool {
	return strings.Contains(v, "opted to have their") || strings.Contains(v, "omitted from the WHOIS")
}

// country gives the code of a country where it can be told.
func country(v string) string {
	if cc, ok := registration.CountryCode(v); ok {
		return cc
	}
	if i := strings.LastIndexByte(v, '('); i > 0 && strings.HasSuffix(v, ")") {
		if cc, ok := registration.CountryCode(v[i+1 : len(v)-1]); ok && len(v)-i == 4 {
			return cc
		}
		if cc, ok := registration.CountryCode(strings.TrimSpace(v[:i])); ok {
			return cc
		}
	}
	return v
}

// formInstead says whether the words in the place of a mail address say where to
// ask for it: "Visit www.registry.example for web based WHOIS".
func formInstead(v string) bool {
	if len(v) < 12 || strings.IndexByte(v, ' ') < 0 {
		return false
	}
	switch w := firstWord(v); len(w) {
	case 5:
		return strings.EqualFold(w, "visit")
	case 6:
		return strings.EqualFold(w, "please") || strings.EqualFold(w, "select")
	case 7:
		return strings.EqualFold(w, "contact")
	}
	return false
}

// email reads a mail address, also as "user AT example.net" and
// "user[at]example.net".
func email(v string) (string, bool) {
	if e, _, ok := emailIn(v); ok {
		return e, true
	}
	for _, at := range [...]string{" AT ", " at ", "[at]", "(at)", " [at] ", " (at) ", "[AT]"} {
		if l, r, ok := strings.Cut(v, at); ok {
			l, r = strings.TrimSpace(l), strings.TrimSpace(r)
			if _, host := hostName(r); host && strings.Contains(r, ".") && l != "" && !strings.ContainsAny(l, " @") {
				return l + "@" + r, true
			}
		}
	}
	// "userATexample.net", capitals between small letters
	if i := strings.Index(v, "AT"); i > 0 && i+3 < len(v) && isSmall(v[i-1]) && isSmall(v[i+2]) && !strings.ContainsAny(v, " @/") && strings.Count(v, "AT") == 1 {
		if _, ok := hostName(v[i+2:]); ok && strings.Contains(v[i+2:], ".") {
			return v[:i] + "@" + v[i+2:], true
		}
	}
	return "", false
}

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' || isDigit(c) }

// emailIn finds a mail address in a line, and gives what stands before it.
func emailIn(v string) (e, before string, ok bool) {
	at := strings.IndexByte(v, '@')
	if at < 1 {
		return "", v, false
	}
	i, j := at, at+1
	for i > 0 && isMailChar(v[i-1]) {
		i--
	}
	for j < len(v) && isMailChar(v[j]) {
		j++
	}
	e = strings.Trim(v[i:j], ".")
	if i == at || !strings.Contains(v[at:j], ".") {
		return "", v, false
	}
	before = strings.TrimRight(v[:i], " \t:<([,")
	return e, before, true
}

func isMailChar(c byte) bool { return mailOctets[c] }

var mailOctets = func() (t [256]bool) {
	for c := range t {
		c8 := byte(c)
		t[c] = isLetter(c8) || isDigit(c8) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c8) >= 0
	}
	return t
}()

// phone reads a telephone number.
func phone(v string) (string, bool) {
	if strings.HasPrefix(v, "00") && len(v) > 8 {
		v = "+" + v[2:]
	}
	if strings.HasPrefix(v, "+ ") {
		v = "+" + v[2:]
	}
	if i := strings.LastIndex(v, " - "); i > 7 && len(v)-i < 9 { // an extension
		v = v[:i]
	}
	v = strings.TrimRight(v, " -")
	if i := strings.LastIndexByte(v, ' '); i > 6 && (v[i+1:] == "x" || strings.EqualFold(v[i+1:], "ext") || strings.EqualFold(v[i+1:], "ext.")) {
		v = trimRight(v[:i]) // an extension that was not given
	}
	return registration.Phone(v)
}

// looksPhone says whether a plain line is a telephone number.
func looksPhone(s string) bool {
	digits, letters, gaps := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case c == ' ' || c == '-' || c == '.' || c == '/':
			gaps++
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 || c == ',':
			letters++
		}
	}
	if digits < 7 || digits > 18 || letters > 1 {
		return false
	}
	// A bare number may be a company's or a postal code.
	return s[0] == '+' || s[0] == '(' || strings.HasPrefix(s, "00") || isDigit(s[0]) && gaps >= 2
}

func allPhone(s string) bool { return s != "" && looksPhone(s) }

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// isHandle says whether a word is a registry's handle and not a name.
func isHandle(s string) bool {
	if len(s) < 3 || len(s) > 40 || strings.ContainsAny(s, " ,&@") {
		return false
	}
	digits, dash := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case c == '-' || c == '_' || c == ':':
			dash++
		case c >= 0x80 || c == '.':
			return false
		}
	}
	return digits > 0 && (dash > 0 || digits >= 2) || dash > 0 && s == strings.ToUpper(s)
}

// companyWords are words by which an organisation is known, in lower case.
var companyWords = map[string]bool{
	"inc": true, "llc": true, "ltd": true, "limited": true, "gmbh": true, "corp": true, "corporation": true, "company": true,
	"co": true, "ag": true, "sa": true, "s.a": true, "srl": true, "s.r.l": true, "spa": true, "s.p.a": true, "bv": true, "b.v": true,
	"nv": true, "n.v": true, "ab": true, "oy": true, "oyj": true, "as": true, "a/s": true, "aps": true, "asa": true, "plc": true,
	"pty": true, "kg": true, "sarl": true, "s.a.r.l": true, "sas": true, "kft": true, "zrt": true, "bt": true, "sro": true, "s.r.o": true,
	"a.s": true, "doo": true, "d.o.o": true, "ooo": true, "zao": true, "oao": true, "pao": true, "jsc": true, "ojsc": true, "cjsc": true,
	"incorporated": true, "gesellschaft": true, "société": true, "sociedad": true, "fundación": true, "fondation": true, "stiftung": true, "verein": true, "e.k": true, "gbr": true, "ohg": true, "spol": true, "s.a.s": true, "university": true, "universität": true, "université": true, "universidad": true, "universidade": true, "institute": true,
	"association": true, "foundation": true, "ministry": true, "bank": true, "group": true, "holding": true, "holdings": true,
	"trust": true, "school": true, "college": true, "registry": true, "networks": true, "technologies": true, "solutions": true,
	"services": true, "society": true, "council": true, "department": true, "authority": true, "ltda": true, "s.l": true, "sl": true,
	"s.c": true, "e.v": true, "ev": true, "ug": true, "lda": true, "eood": true, "ood": true, "uab": true, "sia": true, "oü": true,
	"k.k": true, "kk": true, "g.k": true, "bhd": true, "sdn": true, "pte": true, "pvt": true, "tbk": true, "pt": true, "llp": true, "lp": true,
	"international": true, "global": true, "media": true, "studio": true, "systems": true, "software": true, "agency": true,
}

// longestCompanyWord is the length of the longest of companyWords, in octets.
const longestCompanyWord = 14

// looksCompany says whether a name is an organisation's.
func looksCompany(s string) bool {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' || r == '(' || r == ')' }) {
		for w != "" && w[0] == '.' {
			w = w[1:]
		}
		for w != "" && w[len(w)-1] == '.' {
			w = w[:len(w)-1]
		}
		if len(w) > longestCompanyWord {
			continue
		}
		var buf [longestCompanyWord]byte
		low, ascii := buf[:copy(buf[:], w)], true
		for i, c := range low {
			if c >= 'A' && c <= 'Z' {
				low[i] |= 0x20
			}
			ascii = ascii && c < 0x80
		}
		if !ascii {
			low = []byte(strings.ToLower(w))
		}
		if companyWords[string(low)] {
			// "As", "Co", "Sa" are names, too; as a company's form they are
			// capitals or come last.
			if len(low) > 2 || w == strings.ToUpper(w) || strings.HasSuffix(strings.TrimRight(s, "."), w) {
				return true
			}
		}
	}
	for _, r := range s {
		if r > 0x2E80 && unicode.Is(unicode.Han, r) || r > 0xAC00 && unicode.Is(unicode.Hangul, r) {
			return strings.Contains(s, "会社") || strings.Contains(s, "公司") || strings.Contains(s, "회사") || strings.Contains(s, "大学")
		}
	}
	return false
}

// registrarOf gives a registrar's name as it is written, and the web address
// that stands beside it.
func registrarOf(v, url string) (string, string) {
	n := registration.CleanText(v)
	if i := strings.Index(n, "http"); i > 0 && strings.Contains(n[i:], "://") {
		u := strings.TrimRight(n[i:], " )]")
		if url == "" && !strings.Contains(u, " ") {
			url = u
		}
	}
	return n, url
}
