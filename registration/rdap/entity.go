package rdap

import (
	"strings"

	"bailiwick/registration"
)

// roles is a set of entity roles (RFC 9083 section 10.2.4).
type roles uint16

const (
	isRegistrar roles = 1 << iota
	isAbuse
	isRegistrant
	isAdmin
	isTech
	isBilling
	isProxy
	isOther
)

// contactRoles pairs a role with its key in Record.Contacts.
var contactRoles = [...]struct {
	role roles
	key  string
}{
	{isRegistrant, registration.Registrant},
	{isAdmin, registration.Admin},
	{isTech, registration.Tech},
	{isBilling, registration.Billing},
}

// rolesOf reads an entity's roles.
func (t *tree) rolesOf(entity int32) roles {
	var r roles
	var buf [32]byte
	s := t.items(t.get(entity, "roles"))
	for c := s.from; c < s.to; c = t.nodes[c].next {
		switch v := t.word(c, &buf); {
		case roleOf(string(v)) != 0:
			r |= roleOf(string(v))
		case len(v) > 0:
			r |= isOther
		}
	}
	return r
}

// roleOf reads one role as squash writes it, with the shortened words some
// servers use; 0 for any other.
func roleOf(word string) roles {
	switch word {
	case "registrar", "sponsoringregistrar":
		return isRegistrar
	case "abuse":
		return isAbuse
	case "registrant", "holder":
		return isRegistrant
	case "administrative", "admin", "administrator":
		return isAdmin
	case "technical", "tech":
		return isTech
	case "billing":
		return isBilling
	case "proxy":
		return isProxy
	}
	return 0
}

// each calls f with every object in the "entities" of obj.
func (t *tree) each(obj int32, f func(entity int32, r roles)) {
	s := t.items(t.get(obj, "entities"))
	for c := s.from; c < s.to; c = t.nodes[c].next {
		if t.kindOf(c) != kObject {
			t.add("rdap.type", registration.RFC, 0, c, kindName(t.kindOf(c))+" where an entity is expected")
			continue
		}
		f(c, t.rolesOf(c))
	}
}

// entities reads the registrar, the abuse contact and the contacts. A contact
// is the first entity of its role that says something, at the top before
// nested ones; what is nested in the registrar is the registrar's staff and
// gives an abuse contact only.
func (d *domainReader) entities() {
	type found struct {
		node int32
		role roles
	}
	var few [8]found
	tops := few[:0]
	d.registrar = none
	withID := false
	d.each(d.root, func(e int32, r roles) {
		if r == 0 {
			d.add("rdap.role", registration.RFC, 0, e, "an entity without a role")
		}
		tops = append(tops, found{e, r})
		if r&isRegistrar == 0 {
			return
		}
		d.registrars++
		// Of several the first with a public id speaks for the registrar.
		if id := d.member(e, "publicIds") != none; d.registrar == none || id && !withID {
			d.registrar, withID = e, id
		}
	})
	if d.registrar != none {
		d.readRegistrar(d.registrar)
		d.abuseIn(d.registrar, &d.abuseHas)
	}
	for _, t := range tops {
		if t.role&isAbuse != 0 && t.node != d.registrar {
			d.abuse(t.node, nil)
		}
	}
	for _, t := range tops {
		d.contacts(t.node, t.role)
	}
	d.inner = true
	for _, t := range tops {
		if t.role&isRegistrar == 0 {
			d.nested(t.node)
		}
	}
	if d.rec.Registrar.AbuseEmail == "" && d.rec.Registrar.AbusePhone == "" {
		for _, t := range tops {
			if t.role&isRegistrar == 0 {
				d.abuseIn(t.node, nil)
			}
		}
	}
}

// nested reads contacts from entities inside a contact's entity.
func (d *domainReader) nested(e int32) {
	if d.member(e, "entities") == none {
		return
	}
	d.each(e, func(c int32, r roles) {
		if r&isRegistrar != 0 {
			return
		}
		d.contacts(c, r)
		d.nested(c)
	})
}

// contacts reads an entity as the contact of each of its roles that has none
// yet.
func (d *domainReader) contacts(e int32, r roles) {
	for _, c := range contactRoles {
		if r&c.role != 0 && d.seen&c.role == 0 {
			if d.contact(e, c.key, r) {
				d.seen |= c.role
			}
		}
	}
}

// maxIANADigits bounds the handles that are believed to be IANA registrar IDs:
// the IDs end with 9999, which stands for special purposes.
const maxIANADigits = 4

func (d *domainReader) readRegistrar(e int32) {
	reg := &d.rec.Registrar
	c := d.card(e)
	d.registrarHas = c.has
	reg.Name = d.withheldText("registrar.name", c.fn)
	if reg.Name == "" && c.org != "" {
		reg.Name = d.withheldText("registrar.name", c.org)
		if reg.Name != "" {
			delete(d.rec.Fields, "registrar.name")
		}
	}
	ids := d.items(d.get(e, "publicIds"))
	for p := ids.from; p < ids.to; p = d.nodes[p].next {
		switch squash(d.textOf(p, "type")) {
		case "ianaregistrarid", "ianaregistrar", "ianaid", "registrarianaid":
		default:
			continue
		}
		id := d.member(p, "identifier")
		v := registration.CleanText(d.rawText(id))
		if d.kindOf(id) == kNumber {
			d.add("rdap.type", registration.RFC, -11205, id, "a number where a string is expected")
		}
		if !digits([]byte(v)) || len(v) > 10 || strings.Trim(v, "0") == "" {
			if v != "" {
				d.unread("registrar.iana_id", v)
			}
			continue
		}
		delete(d.rec.Fields, "registrar.iana_id")
		delete(d.rec.Unread, "registrar.iana_id")
		reg.IANAID = v
		break
	}
	if reg.IANAID == "" && d.icannName() {
		h := d.textOf(e, "handle")
		if digits([]byte(h)) && len(h) <= maxIANADigits && h[0] != '0' {
			reg.IANAID = h
			d.add("rdap.iana-id-from-handle", registration.Advice, 0, e, "the IANA registrar ID is taken from the entity's handle; publicIds does not give it")
		}
	}
	if h := d.textOf(e, "handle"); reg.Name == "" && reg.IANAID == "" && d.rec.Fields["registrar.name"] == "" && h != "" && !digits([]byte(h)) {
		// Registries that give their registrars codes often give no more.
		if reg.Name = d.withheldText("registrar.name", h); reg.Name != "" {
			d.add("rdap.registrar-handle", registration.Advice, 0, e, "the registrar is named by its handle only")
		}
	}
	links := d.items(d.get(e, "links"))
	for l := links.from; l < links.to; l = d.nodes[l].next {
		if d.hasRel(d.member(l, "rel"), "about") {
			// The 2024 profile puts the registrar's RDAP base here; only a
			// page for people is its URL.
			typ := d.rawText(d.member(l, "type"))
			if u, ok := webURL(d.textOf(l, "href")); ok && !strings.HasPrefix(strings.ToLower(typ), "application/rdap") {
				reg.URL = u
				break
			}
		}
	}
	if u := strings.TrimSpace(c.url); u != "" {
		if !strings.Contains(u, "://") {
			u = "http://" + u
		}
		if v, ok := webURL(u); ok {
			reg.URL = v
		}
	}
}

// icannName says whether a handle can be an IANA ID: names under a two-letter
// or internationalised top level have registrars of the registry's own
// numbering.
func (d *domainReader) icannName() bool { return d.claims != 0 || gtldShape(d.rec.Domain) }

// gtldShape says whether a name is under a generic top level by its look:
// more than two letters, not an A-label, and none of those outside ICANN's
// contracts.
func gtldShape(domain string) bool {
	tld := domain[strings.LastIndexByte(domain, '.')+1:]
	switch tld {
	case "arpa", "edu", "gov", "int", "mil":
		return false
	}
	return len(tld) > 2 && len(tld) < len(domain) && !strings.HasPrefix(tld, "xn--")
}

// abuse takes the abuse contact from an entity, where none is known yet. The
// e-mail address and the phone number come from one entity.
func (d *domainReader) abuse(e int32, has *property) {
	c := d.card(e)
	if has != nil {
		*has |= c.has
	}
	reg := &d.rec.Registrar
	if reg.AbuseEmail != "" || reg.AbusePhone != "" && c.email == "" {
		return
	}
	email, state := emailOf(c.email)
	if email == "" && c.email != "" {
		if state == registration.Unparsed {
			d.unread("registrar.abuse_email", c.email)
		} else {
			d.state("registrar.abuse_email", state)
		}
	}
	if email != "" {
		reg.AbuseEmail = email
		delete(d.rec.Fields, "registrar.abuse_email")
		delete(d.rec.Unread, "registrar.abuse_email")
	}
	if phone, ok := registration.Phone(c.voice); ok {
		reg.AbusePhone = phone
	} else if c.voice != "" && reg.AbusePhone == "" {
		if st := registration.Withheld(c.voice); st != registration.Present {
			d.state("registrar.abuse_phone", st)
		} else {
			d.unread("registrar.abuse_phone", c.voice)
		}
	}
	if reg.Name == "" && d.registrar != none && d.within(e, d.registrar) && c.org != "" {
		if n := d.withheldText("registrar.name", c.org); n != "" {
			reg.Name = n
			d.add("rdap.registrar-name", registration.RFC, 0, e, "the registrar's name is given on its abuse contact only")
		}
	}
}

func (t *tree) within(n, outer int32) bool { return n > outer && n < t.nodes[outer].next }

// abuseIn looks for abuse contacts in e and in what is nested in it.
func (d *domainReader) abuseIn(e int32, has *property) {
	if d.rolesOf(e)&isAbuse != 0 {
		d.abuse(e, has)
	}
	if d.member(e, "entities") == none {
		return
	}
	d.each(e, func(c int32, _ roles) { d.abuseIn(c, has) })
}

// emailOf reads an address. Without one the state says why: Redacted, Proxy or
// Unparsed.
func emailOf(s string) (string, registration.FieldState) {
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s, _, _ = strings.Cut(s[7:], "?")
	}
	s = strings.Trim(s, " <>\"")
	if st := registration.Withheld(s); st != registration.Present {
		return "", st
	}
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		at := strings.LastIndexByte(f, '@')
		if at > 0 && at < len(f)-1 && len(f) <= 254 && !strings.ContainsAny(f, "/<>\"()\\") && strings.IndexByte(f[:at], '@') < 0 {
			return f, registration.Present
		}
	}
	return "", registration.Unparsed
}

// contact reads an entity as a contact; false when it says nothing at all, so
// that another entity of the role may.
func (d *domainReader) contact(e int32, key string, r roles) bool {
	if d.cardNode != e || d.lastCard == nil { // one entity is often several roles
		c := d.card(e)
		d.cardNode, d.lastCard = e, &c
	}
	c := *d.lastCard
	if d.claims != 0 && !d.inner {
		switch key {
		case registration.Registrant:
			d.tops[0] = topCard{e, d.lastCard}
		case registration.Tech:
			d.tops[1] = topCard{e, d.lastCard}
		}
	}
	var out registration.Contact
	path := func(field string) string { return registration.ContactPath(key, field) }
	service := ""
	put := func(dst *string, field, v string) {
		if v == "" {
			return
		}
		switch st := registration.Withheld(v); st {
		case registration.Present:
			*dst = v
		default:
			d.state(path(field), st)
			if st == registration.Proxy && service == "" && (field == "name" || field == "organization") {
				service = v
			}
		}
	}
	put(&out.Handle, "handle", d.textOf(e, "handle"))
	put(&out.Name, "name", c.fn)
	put(&out.Organization, "organization", c.org)
	for _, l := range c.street {
		if st := registration.Withheld(l); st != registration.Present {
			d.state(path("street"), st)
			out.Street = nil
			break
		}
		out.Street = append(out.Street, l)
	}
	put(&out.City, "city", c.city)
	put(&out.Region, "region", c.region)
	put(&out.PostalCode, "postal_code", c.code)
	put(&out.Country, "country", c.country)
	if out.Country != "" {
		if cc, ok := registration.CountryCode(out.Country); ok {
			d.given(path("country"), cc, out.Country)
			out.Country = cc
		}
		if c.countryLine != "" {
			d.given(path("street"), "", c.countryLine)
		}
	}
	if c.cc != "" {
		cc, ok := registration.CountryCode(c.cc)
		switch {
		case !ok:
			d.add("rdap.country", registration.RFC, 0, e, "the parameter cc is not a country code (RFC 8605)")
		case len(out.Country) == 2 && out.Country != cc:
			d.add("rdap.country", registration.RFC, 0, e, "the country and the parameter cc differ; cc is read")
			fallthrough
		default:
			out.Country = cc
			delete(d.rec.Fields, path("country"))
			delete(d.rec.Given, path("country"))
			d.given(path("country"), cc, c.cc)
		}
	}
	forward := ""
	if c.email != "" {
		switch email, st := emailOf(c.email); {
		case st == registration.Present:
			out.Email = email
		case st == registration.Unparsed:
			if u, ok := webURL(c.email); ok {
				out.ContactURI = u
				d.state(path("email"), registration.Redacted)
				d.add("rdap.email", registration.Advice, 0, e, "the e-mail property holds the address of a page")
			} else {
				d.unread(path("email"), c.email)
			}
		default:
			d.state(path("email"), st)
			if st == registration.Proxy {
				forward = c.email
			}
		}
	}
	d.number(&out.Phone, path("phone"), c.voice)
	d.number(&out.Fax, path("fax"), c.fax)
	if c.uri != "" {
		if u, ok := contactURI(c.uri); ok {
			out.ContactURI = u
		} else if st := registration.Withheld(c.uri); st == registration.Redacted {
			d.state(path("contact_uri"), st)
		} else {
			d.add("rdap.contact-uri", registration.RFC, -58001, e, "the contact-uri is neither an http or https address nor an e-mail address")
		}
	}

	statuses := d.items(d.get(e, "status"))
	proxied := r&isProxy != 0 || service != ""
	for s := statuses.from; s < statuses.to; s = d.nodes[s].next {
		proxied = proxied || squash(d.text(s)) == "proxy"
	}
	if proxied {
		// Everything here is the service's, and would be taken for the
		// registrant's.
		for _, f := range registration.ContactFields() {
			if f == "handle" || f == "contact_uri" || out.Field(f) == "" {
				continue
			}
			if f == "email" {
				forward = out.Email
			}
			out.SetField(f, "")
			d.state(path(f), registration.Proxy)
		}
		detail := "a privacy or proxy service stands in"
		if service != "" {
			detail += ": " + clip(service)
		}
		d.find(registration.Finding{ID: "registration.proxy", Severity: registration.Advice, Path: registration.ContactPath(key, ""), Detail: detail})
	}
	if out.ContactURI == "" && forward != "" {
		// The way to reach the registrant stays known.
		if u, ok := contactURI(forward); ok {
			out.ContactURI = u
		}
	}
	d.remarks(e, key, &c, &out)
	if out.IsZero() {
		if c.has == 0 {
			return false
		}
	} else {
		if d.rec.Contacts == nil {
			d.rec.Contacts = make(map[string]registration.Contact, 4)
		}
		d.rec.Contacts[key] = out
	}
	return true
}

func (d *domainReader) number(dst *string, path, v string) {
	if v == "" {
		return
	}
	if st := registration.Withheld(v); st != registration.Present {
		d.state(path, st)
		return
	}
	if len(v) > 4 && strings.EqualFold(v[:4], "fax:") { // RFC 2806, long obsolete
		v = v[4:]
	}
	n, ok := registration.Phone(v)
	if !ok {
		if strings.Trim(v, "+-.() 0") != "" && !strings.EqualFold(v, "tel:") {
			d.unread(path, v)
		}
		return
	}
	*dst = n
}

// contactURI reads a CONTACT-URI (RFC 8605 section 3.1): a page, or an e-mail
// address, which becomes a mailto: URI.
func contactURI(s string) (string, bool) {
	if u, ok := webURL(s); ok {
		return u, true
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	s, _, _ = strings.Cut(s, "?")
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || len(s) > 254 || strings.ContainsAny(s, " /<>\"(),;") {
		return "", false
	}
	return "mailto:" + s, true
}

// remarks reads what an entity's remarks say about withheld values: the type
// "object redacted due to authorization" (RFC 9083 section 10.2.1 and its
// registry) or the title that gTLD answers have. They do not name the fields:
// those that are there and empty are withheld, and of those that are not, the
// ones that the gTLD policy withholds.
func (d *domainReader) remarks(e int32, key string, c *card, out *registration.Contact) {
	all, email := false, false
	s := d.items(d.get(e, "remarks"))
	for n := s.from; n < s.to; n = d.nodes[n].next {
		if d.kindOf(n) != kObject {
			continue
		}
		title := strings.ToLower(registration.CleanText(d.rawText(d.member(n, "title"))))
		typ := strings.ToLower(registration.CleanText(d.rawText(d.member(n, "type"))))
		switch {
		case strings.HasPrefix(title, "not "):
		case strings.Contains(title, "email redacted"), strings.Contains(title, "e-mail redacted"):
			email = true
		case strings.Contains(title, "redacted"), strings.Contains(title, "data masked"),
			typ == "object redacted due to authorization", typ == "object truncated due to authorization":
			all = true
		}
	}
	if !all && !email {
		return
	}
	mark := func(field string, there bool) {
		p := registration.ContactPath(key, field)
		if out.Field(field) == "" && there {
			if _, said := d.rec.Fields[p]; !said {
				d.state(p, registration.Redacted)
			}
		}
	}
	if email {
		mark("email", true)
	}
	if !all {
		return
	}
	registrant := key == registration.Registrant
	mark("name", true)
	mark("email", true)
	mark("phone", true)
	mark("organization", c.has&hasOrg != 0)
	mark("fax", c.has&hasFax != 0)
	mark("street", registrant || c.has&hasAdr != 0)
	mark("city", registrant || c.has&hasAdr != 0)
	mark("postal_code", registrant || c.has&hasAdr != 0)
}
