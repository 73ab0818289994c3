package rdap

import "bailiwick/registration"

// family is the rules of the 2024 response profile (section 2.7) about one
// redaction: by the method that the profile prescribes, with the codes of
// ICANN's tool. They apply where the domain has an entity of the role at its
// top.
type family struct {
	typ      string // the registered name of the redaction
	key      string // of the contact
	field    string
	method   method
	property property // whose absence, or emptiness, asks for the redaction
	absent   int      // code when the property itself is missing; emptyValue only
	required int      // code when the redaction is missing; 0 where it need not be there
	path     int      // code when its path is no JSONPath, the next one when what it selects is wrong, the next but one for its method
}

var families = [...]family{
	{typ: "Registry Registrant ID", key: registration.Registrant, field: "handle", method: removal, required: -63102, path: -63103},
	{typ: "Registrant Name", key: registration.Registrant, field: "name", method: emptyValue, property: hasFN, absent: -63200, required: -63201, path: -63202},
	{typ: "Registrant Organization", key: registration.Registrant, field: "organization", method: removal, property: hasOrg, required: -63300, path: -63301},
	{typ: "Registrant Street", key: registration.Registrant, field: "street", method: emptyValue, property: hasAdr, absent: -63400, required: -63401, path: -63402},
	{typ: "Registrant City", key: registration.Registrant, field: "city", method: emptyValue, property: hasAdr, absent: -63500, required: -63501, path: -63502},
	{typ: "Registrant Postal Code", key: registration.Registrant, field: "postal_code", method: emptyValue, property: hasAdr, absent: -63600, required: -63601, path: -63602},
	{typ: "Registrant Phone", key: registration.Registrant, field: "phone", method: removal, property: hasVoice, required: -63700, path: -63701},
	{typ: "Registrant Phone Ext", key: registration.Registrant, method: removal, path: -63800},
	{typ: "Registrant Fax", key: registration.Registrant, method: removal, path: -63900},
	{typ: "Registrant Fax Ext", key: registration.Registrant, method: removal, path: -64000},
	{typ: "Tech Name", key: registration.Tech, field: "name", method: emptyValue, property: hasFN, absent: -65000, required: -65001, path: -65002},
	{typ: "Tech Phone", key: registration.Tech, field: "phone", method: removal, property: hasVoice, required: -65100, path: -65101},
	{typ: "Registry Tech ID", key: registration.Tech, field: "handle", method: removal, required: -65702, path: -65703},
}

// emails are the rules about e-mail addresses, which are replaced by another
// one or by a page: both is the code for both being there, and the next six
// follow it.
var emails = [...]struct {
	typ, key string
	both     int
}{
	{"Registrant Email", registration.Registrant, -64100},
	{"Tech Email", registration.Tech, -65200},
}

// topCard is a contact's card and its entity.
type topCard struct {
	node int32
	card *card
}

// redactionOf gives the redaction of a registered name, nil when there is none.
func (d *domainReader) redactionOf(typ string) *redacted {
	for i := range d.redactions {
		if d.redactions[i].typ == typ {
			return &d.redactions[i]
		}
	}
	return nil
}

// ruleRedactions judges the redactions of the registrant and the technical
// contact. Contacts without a jCard are not judged: the profile speaks of
// jCards alone.
func (d *domainReader) ruleRedactions(must report) {
	for i := range d.redactions {
		if r := &d.redactions[i]; r.typ == "" {
			if code, ok := described[r.name]; ok {
				d.add("gtld.redaction-described", registration.Advice, code, r.node, "the name of a redaction is given in words where the profile has a type for it")
			}
		}
	}
	for _, f := range families {
		top := d.topOf(f.key)
		if top.card == nil || d.member(top.node, "vcardArray") == none {
			continue
		}
		r := d.redactionOf(f.typ)
		path := func(n int32) string { return d.path(n) }
		if f.required != 0 {
			asked := false
			switch {
			case f.field == "handle":
				h := d.get(top.node, "handle")
				if h != none {
					if !roid(d.rawText(h)) {
						must("gtld.contact-handle", f.required+2, path(h), "the handle is not of the form of RFC 5730, ID-REPOSITORY")
					}
					if r != nil {
						must("gtld.redacted-present", f.required-4, path(r.node), f.typ+" is said to be redacted and is there")
					}
				}
				asked = h == none
			case f.method == removal:
				asked = top.card.has&f.property == 0
			case top.card.has&f.property == 0:
				must("gtld.contact-property", f.absent, path(top.node), "the card of the "+f.key+" lacks what "+f.typ+" would stand in")
				continue
			default:
				asked = top.card.empty(f.field)
				if !asked && r != nil && f.field == "name" {
					must("gtld.redacted-present", f.required-4, path(r.node), f.typ+" is said to be redacted and is there")
				}
			}
			if !asked {
				continue
			}
			if r == nil {
				must("gtld.redaction-missing", f.required, "$.redacted", "there is no redaction of type "+f.typ+", and nothing else is there")
				continue
			}
		}
		if r == nil {
			continue
		}
		d.rulePath(must, r, f)
	}
	for _, e := range emails {
		top, r := d.topOf(e.key), d.redactionOf(e.typ)
		if top.card == nil || r == nil || d.member(top.node, "vcardArray") == none {
			continue
		}
		at := d.path(r.node)
		mail, page := top.card.has&hasEmail != 0, top.card.uri != ""
		switch {
		case mail && page:
			must("gtld.redacted-email", e.both, d.path(top.node), e.typ+" is redacted, and both an e-mail address and a contact-uri are there")
		case !mail && !page:
			must("gtld.redacted-email", e.both-1, d.path(top.node), e.typ+" is redacted, and neither an e-mail address nor a contact-uri is there")
		}
		if m := d.member(r.node, "method"); m == none || d.rawText(m) != "replacementValue" {
			must("gtld.redaction-method", e.both-2, at, e.typ+" is to be redacted by replacementValue")
		}
		if !d.jsonPath(r) {
			continue
		}
		if mail {
			if n := d.member(r.node, "postPath"); n != none {
				d.judgePath(must, n, e.typ, e.both-3, e.both-4, pathEmpty)
			}
		}
		if page {
			if n := d.member(r.node, "replacementPath"); n != none {
				d.judgePath(must, n, e.typ, e.both-5, e.both-7, pathEmpty)
			}
			if n := d.member(r.node, "prePath"); n != none {
				d.judgePath(must, n, e.typ, e.both-6, 0, pathUnknown)
			}
		}
	}
}

// described are the codes of ICANN's tool for a redaction whose name is given as
// free words where the profile has a registered type. Where the number could not
// be confirmed in the tool itself it is 0: a wrong one would send people looking
// for another rule.
var described = map[string]int{
	"Registry Domain ID": -65800, "Registry Registrant ID": -65801, "Registrant Name": -65802, "Registrant Organization": -65803,
	"Registrant Street": -65804, "Registrant City": -65805, "Registrant Postal Code": -65806, "Registrant Phone": -65807,
	"Registrant Phone Ext": -65808, "Registrant Fax": -65809, "Registrant Fax Ext": -65810, "Registrant Email": -65811,
	"Registry Tech ID": -65812, "Tech Name": 0, "Tech Phone": 0, "Tech Phone Ext": -65815, "Tech Email": 0,
}

// rulePaths judges the paths of every redaction by RFC 9537 section 4.2, whatever
// profile is claimed and whether contacts are jCards or JSContact cards. What
// the profile's rules judge of a contact with a jCard is left to them (profile).
func (d *domainReader) rulePaths(profile bool) {
	for i := range d.redactions {
		r := &d.redactions[i]
		if profile && d.inProfile(r.typ) || !d.jsonPath(r) {
			continue
		}
		pre, post := d.member(r.node, "prePath"), d.member(r.node, "postPath")
		if pre != none && post != none {
			d.add("rdap.redacted-path", registration.RFC, 0, r.node, "a redaction has prePath or postPath, not both (RFC 9537 section 4.2)")
			continue
		}
		if post == none && (r.method == emptyValue || r.method == partialValue) {
			d.add("rdap.redacted-path", registration.RFC, 0, r.node, "a value that is emptied or cut is still there, and has no postPath (RFC 9537 section 4.2)")
		}
		for _, m := range [...]string{"prePath", "postPath", "replacementPath"} {
			n := d.member(r.node, m)
			if n == none || d.kindOf(n) != kString {
				continue
			}
			switch got := d.lookup(d.rawText(n)); {
			case got == pathInvalid:
				d.add("rdap.redacted-path", registration.RFC, 0, n, "the path of a redaction is no JSONPath (RFC 9535)")
			case got == pathEmpty && m != "prePath":
				d.add("rdap.redacted-path", registration.RFC, 0, n, "the path of a redaction selects nothing in the answer (RFC 9537 section 4.2)")
			}
		}
	}
}

// inProfile says whether the profile's rules judge the redaction of a registered
// name: of a contact that has a jCard.
func (d *domainReader) inProfile(typ string) bool {
	if typ == "Registry Domain ID" { // judged by ruleHandle
		return true
	}
	key := ""
	for i := range families {
		if families[i].typ == typ {
			key = families[i].key
		}
	}
	for i := range emails {
		if emails[i].typ == typ {
			key = emails[i].key
		}
	}
	top := d.topOf(key)
	return top.card != nil && d.member(top.node, "vcardArray") != none
}

// rulePath judges the path and the method of a redaction.
func (d *domainReader) rulePath(must report, r *redacted, f family) {
	if d.jsonPath(r) {
		if f.method == removal {
			if n := d.member(r.node, "prePath"); n != none {
				d.judgePath(must, n, f.typ, f.path, f.path-1, pathFound)
			}
		} else if n := d.member(r.node, "postPath"); n != none {
			d.judgePath(must, n, f.typ, f.path, f.path-1, pathEmpty)
		} else {
			must("gtld.redaction-path", f.path, d.path(r.node), f.typ+" has no postPath")
		}
	}
	m := d.member(r.node, "method")
	switch {
	case f.method == removal && m != none && d.rawText(m) != "removal":
		must("gtld.redaction-method", f.path-2, d.path(r.node), f.typ+" is to be redacted by removal")
	case f.method == emptyValue && (m == none || d.rawText(m) != "emptyValue"):
		must("gtld.redaction-method", f.path-2, d.path(r.node), f.typ+" is to be redacted by emptyValue")
	}
}

// judgePath says when a path is none, or selects what it should not: bad is
// the result that is wrong.
func (d *domainReader) judgePath(must report, n int32, typ string, invalid, wrong int, bad pathResult) {
	switch got := d.lookup(d.rawText(n)); {
	case got == pathInvalid:
		must("gtld.redaction-path", invalid, d.path(n), "the path of "+typ+" is no JSONPath")
	case got == pathUnknown || got != bad:
	case got == pathFound:
		must("gtld.redaction-path", wrong, d.path(n), "the path of "+typ+" selects something that was to be removed")
	default:
		must("gtld.redaction-path", wrong, d.path(n), "the path of "+typ+" selects nothing")
	}
}

// jsonPath says whether a redaction's paths are JSONPaths.
func (d *domainReader) jsonPath(r *redacted) bool {
	n := d.member(r.node, "pathLang")
	return n == none || d.rawText(n) == "jsonpath"
}

// empty says whether a property of the card has no text.
func (c *card) empty(field string) bool {
	switch field {
	case "name":
		return c.fn == ""
	case "street":
		return len(c.street) == 0
	case "city":
		return c.city == ""
	case "postal_code":
		return c.code == ""
	}
	return false
}

// topOf is the card of the contact of a role at the top of the domain.
func (d *domainReader) topOf(key string) topCard {
	switch key {
	case registration.Registrant:
		return d.tops[0]
	case registration.Tech:
		return d.tops[1]
	}
	return topCard{}
}

// redactionShape judges one object of "redacted" by RFC 9537 section 4.2.
func (d *domainReader) redactionShape(c, name int32) {
	if d.kindOf(name) == kObject {
		typ, words := d.member(name, "type"), d.member(name, "description")
		if (typ == none) == (words == none) || typ != none && d.kindOf(typ) != kString || words != none && d.kindOf(words) != kString {
			d.add("rdap.redacted-name", registration.RFC, -62003, name, "the name of a redaction has either a type or a description, a string (RFC 9537 section 4.2)")
		}
	}
	for _, m := range [...]string{"postPath", "pathLang", "prePath", "replacementPath", "method"} {
		if n := d.member(c, m); n != none && d.kindOf(n) != kString {
			d.add("rdap.redacted-member", registration.RFC, -62004, n, kindName(d.kindOf(n))+" where a string is expected (RFC 9537 section 4.2)")
		}
	}
	reason := d.member(c, "reason")
	if reason == none {
		return
	}
	bad := d.kindOf(reason) != kObject
	if !bad {
		for n := reason + 1; n < d.nodes[reason].next; n = d.nodes[n].next {
			switch string(d.key(n)) {
			case "lang", "type", "description":
				bad = bad || d.kindOf(n) != kString
			default:
				bad = true
			}
		}
	}
	if bad {
		d.add("rdap.redacted-reason", registration.RFC, -62005, reason, "the reason of a redaction is an object of lang, type and description, all strings (RFC 9537 section 4.2)")
	}
}
