package rdap

import (
	"strings"

	"bailiwick/registration"
)

// method is how a value was redacted (RFC 9537 section 3).
type method uint8

const (
	removal method = iota // the default (RFC 9537 section 4.2)
	emptyValue
	partialValue
	replacementValue
)

// redacted is one object of the "redacted" array.
type redacted struct {
	node   int32
	method method
	typ    string   // name.type, a registered name
	name   string   // name.type, else name.description
	paths  []string // of the fields it withholds; none when it maps to none
}

const maxRedactions = 256

// readRedactions reads the "redacted" array (RFC 9537 section 4.2). What a
// redaction withholds is told by its registered name first, and by its paths
// where the name says nothing we know; JSONPaths are matched by the forms that
// servers write, not evaluated.
func (d *domainReader) readRedactions() {
	s := d.items(d.get(d.root, "redacted"))
	var buf [32]byte
	for c := s.from; c < s.to && len(d.redactions) < maxRedactions; c = d.nodes[c].next {
		if d.kindOf(c) != kObject {
			d.add("rdap.type", registration.RFC, -62002, c, kindName(d.kindOf(c))+" where a redaction is expected")
			continue
		}
		r := redacted{node: c}
		switch n := d.get(c, "name"); d.kindOf(n) {
		case kObject:
			r.typ = d.textOf(n, "type")
			if r.name = r.typ; r.name == "" {
				r.name = d.textOf(n, "description")
			}
		case kString:
			r.name = d.text(n)
			d.add("rdap.redacted", registration.RFC, -62003, n, "the name of a redaction is an object (RFC 9537 section 4.2)")
		default:
			d.add("rdap.redacted", registration.RFC, -62003, c, "a redaction without a name (RFC 9537 section 4.2)")
		}
		d.redactionShape(c, d.member(c, "name"))
		m := d.get(c, "method")
		switch string(d.word(m, &buf)) {
		case "", "removal":
		case "emptyvalue":
			r.method = emptyValue
		case "partialvalue":
			r.method = partialValue
		case "replacementvalue":
			r.method = replacementValue
		default:
			d.add("rdap.redacted", registration.RFC, 0, m, "not a redaction method (RFC 9537 section 3)")
		}
		if p, known := fieldsOfName(r.name); known {
			r.paths = p
		} else {
			for _, member := range [...]string{"prePath", "postPath", "replacementPath"} {
				n := d.get(c, member)
				if n == none {
					continue
				}
				if r.paths = d.fieldsOfPath(d.text(n), member != "prePath"); len(r.paths) > 0 {
					break
				}
			}
			if len(r.paths) == 0 {
				d.add("rdap.redacted-unmapped", registration.Advice, 0, c, registration.CleanText("the redaction is of no field of the record: "+clip(r.name)))
			}
		}
		if d.redactions == nil {
			d.redactions = make([]redacted, 0, 16)
		}
		d.redactions = append(d.redactions, r)
	}
	if len(d.redactions) > 0 && len(d.rec.Conformance) > 0 {
		for _, v := range d.rec.Conformance {
			if v == "redacted" {
				return
			}
		}
		d.find(registration.Finding{ID: "rdap.redacted", Severity: registration.RFC, ICANNCode: -62001, Path: "$.rdapConformance",
			Detail: `values are redacted, but rdapConformance does not have "redacted" (RFC 9537 section 4.1)`})
	}
}

// applyRedactions names the withheld fields. A value that was cut or replaced
// is left out of its place; one that was to be removed or emptied and is there
// all the same stays, with a finding.
func (d *domainReader) applyRedactions() {
	for _, r := range d.redactions {
		for _, path := range r.paths {
			v := d.rec.Value(path)
			switch {
			case v == "":
			case r.method == removal, r.method == emptyValue:
				d.add("rdap.redacted-present", registration.RFC, 0, r.node, "the value is said to be redacted and is there")
				continue
			case !d.takeOut(path, v, r.method):
				continue
			}
			if d.rec.Fields[path] == registration.Proxy {
				continue
			}
			d.state(path, registration.Redacted)
			delete(d.rec.Unread, path)
		}
	}
}

// takeOut leaves out a value that was cut or replaced. An e-mail address that
// stands in for the registrant's own is still a way to reach them.
func (d *domainReader) takeOut(path, value string, m method) bool {
	rest, ok := strings.CutPrefix(path, "contacts.")
	if !ok {
		if path == "handle" {
			d.rec.Handle = ""
			return true
		}
		return false // no one redacts the registrar's or the domain's own data; it is read as given
	}
	role, field, _ := strings.Cut(rest, ".")
	c, ok := d.rec.Contacts[role]
	if !ok || field == "" {
		return false
	}
	c.SetField(field, "")
	if field == "email" && m == replacementValue && c.ContactURI == "" {
		if u, ok := contactURI(value); ok {
			c.ContactURI = u
		}
	}
	if c.IsZero() {
		delete(d.rec.Contacts, role)
	} else {
		d.rec.Contacts[role] = c
	}
	return true
}

// fieldsOfName gives the field paths of a redaction's name, as registered
// ("Registrant Postal Code", "Registry Domain ID") or near it. known is true
// for a name that is understood, even if no field of the record is meant.
func fieldsOfName(s string) (paths []string, known bool) {
	var buf [64]byte
	if len(s) == 0 || len(s) > len(buf) {
		return nil, false
	}
	low := buf[:0]
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '-' || c == '_' || c == '/':
			c = ' '
		}
		low = append(low, c)
	}
	rest := strings.TrimPrefix(string(low), "registry ")
	role := ""
	for _, p := range [...]struct{ word, key string }{
		{"registrant", registration.Registrant},
		{"administrative", registration.Admin}, {"admin", registration.Admin},
		{"technical", registration.Tech}, {"tech", registration.Tech},
		{"billing", registration.Billing},
	} {
		if r, ok := strings.CutPrefix(rest, p.word); ok && (r == "" || r[0] == ' ') {
			role, rest = p.key, strings.TrimPrefix(r, " ")
			break
		}
	}
	if role == "" {
		switch rest {
		case "domain id", "domain handle", "handle":
			return []string{"handle"}, true
		case "registrar abuse contact email", "abuse contact email":
			return []string{"registrar.abuse_email"}, true
		case "registrar abuse contact phone", "abuse contact phone":
			return []string{"registrar.abuse_phone"}, true
		case "creation date", "created date", "registration date":
			return []string{"created"}, true
		case "updated date", "last changed":
			return []string{"updated"}, true
		case "expiry date", "expiration date", "registrar registration expiration date":
			return []string{"expires"}, true
		case "name server", "name servers", "nameservers", "nameserver":
			return []string{"nameservers"}, true
		case "dnssec", "secure dns", "securedns":
			return []string{"dnssec"}, true
		}
		return nil, false
	}
	rest = strings.TrimPrefix(rest, "contact ")
	field := ""
	switch strings.TrimSpace(rest) {
	case "", "contact", "object", "entity":
	case "id", "handle", "identifier", "contact id":
		field = "handle"
	case "name", "full name", "fn", "common name":
		field = "name"
	case "organization", "organisation", "org", "company", "organization name":
		field = "organization"
	case "street", "street address":
		field = "street"
	case "address", "full address", "postal address":
		return addressPaths(role), true
	case "city", "locality":
		field = "city"
	case "state", "province", "state province", "region":
		field = "region"
	case "postal code", "zip", "zip code", "postcode":
		field = "postal_code"
	case "country", "country code":
		field = "country"
	case "phone", "telephone", "phone number", "telephone number", "voice", "tel":
		field = "phone"
	case "fax", "fax number", "facsimile":
		field = "fax"
	case "phone ext", "phone extension", "fax ext", "fax extension":
		return nil, true // extensions have no field of their own
	case "email", "e mail", "email address", "e mail address":
		field = "email"
	case "uri":
		field = "contact_uri"
	default:
		return nil, false
	}
	return registration.ContactPaths(role, field), true
}

func addressPaths(role string) []string {
	var out []string
	for _, f := range [...]string{"street", "city", "region", "postal_code", "country"} {
		out = append(out, registration.ContactPath(role, f))
	}
	return out
}

// fieldsOfPath gives the field paths that a JSONPath (RFC 9535) of a redaction
// means, for the forms in RFC 9537 and in gTLD answers: a filter on the role,
// then ".handle", or a filter on the property's name or type and the index of
// an address component. Indexes of entities and properties count in this
// answer only if the path is one into it (present).
func (d *domainReader) fieldsOfPath(p string, present bool) []string {
	if len(p) > 512 {
		return nil
	}
	switch {
	case p == "$.handle":
		return []string{"handle"}
	case strings.HasPrefix(p, "$.nameservers"):
		return []string{"nameservers"}
	case strings.HasPrefix(p, "$.secureDNS"):
		return []string{"dnssec"}
	case strings.HasPrefix(p, "$.events"):
		switch q := quoted(p); {
		case has(q, "registration"):
			return []string{"created"}
		case has(q, "expiration"):
			return []string{"expires"}
		case has(q, "last changed"):
			return []string{"updated"}
		}
		return nil
	case !strings.HasPrefix(p, "$.entities"), strings.Count(p, ".entities") > 1:
		return nil
	}
	words := quoted(p)
	var keys []string
	entity := none
	for _, w := range words {
		r := roleOf(squash(w))
		for _, c := range contactRoles {
			if r == c.role {
				keys = append(keys, c.key)
			}
		}
	}
	if i, ok := index(p[len("$.entities"):]); len(keys) == 0 && ok && present {
		if entity = d.at(d.get(d.root, "entities"), i); d.kindOf(entity) == kObject {
			r := d.rolesOf(entity)
			for _, c := range contactRoles {
				if r&c.role != 0 {
					keys = append(keys, c.key)
				}
			}
		}
	}
	var fields []string
	_, card, onCard := strings.Cut(p, ".vcardArray")
	switch {
	case strings.HasSuffix(p, ".handle"):
		fields = []string{"handle"}
	case !onCard:
		if strings.HasSuffix(p, "]") {
			fields = []string{""}
		}
	default:
		prop := ""
		for _, w := range quoted(card) {
			switch w {
			case "voice", "fax":
				prop = w
			case "fn", "n", "org", "adr", "tel", "email", "contact-uri":
				if prop != "voice" && prop != "fax" {
					prop = w
				}
			}
		}
		if i, ok := index(strings.TrimPrefix(card, "[1]")); prop == "" && ok && entity != none {
			n := d.at(d.at(d.at(d.get(entity, "vcardArray"), 1), i), 0)
			if d.kindOf(n) == kString {
				prop = string(d.bytes(n))
			}
		}
		switch prop {
		case "fn", "n":
			fields = []string{"name"}
		case "org":
			fields = []string{"organization"}
		case "tel", "voice":
			fields = []string{"phone"}
		case "fax":
			fields = []string{"fax"}
		case "email":
			fields = []string{"email"}
		case "contact-uri":
			fields = []string{"contact_uri"}
		case "adr":
			switch {
			case strings.HasSuffix(card, "[3][3]"):
				fields = []string{"city"}
			case strings.HasSuffix(card, "[3][4]"):
				fields = []string{"region"}
			case strings.HasSuffix(card, "[3][5]"):
				fields = []string{"postal_code"}
			case strings.HasSuffix(card, "[3][6]"), strings.HasSuffix(card, ".cc"):
				fields = []string{"country"}
			case strings.HasSuffix(card, "[3][0]"), strings.HasSuffix(card, "[3][1]"), strings.HasSuffix(card, "[3][2]"), strings.HasSuffix(card, "[3][:3]"):
				fields = []string{"street"}
			default:
				fields = []string{"street", "city", "region", "postal_code", "country"}
			}
		}
	}
	var out []string
	for _, k := range keys {
		for _, f := range fields {
			out = append(out, registration.ContactPath(k, f))
		}
	}
	return out
}

// quoted gives the quoted words of a JSONPath.
func quoted(p string) []string {
	var out []string
	for {
		i := strings.IndexAny(p, `'"`)
		if i < 0 {
			return out
		}
		j := strings.IndexByte(p[i+1:], p[i])
		if j < 0 {
			return out
		}
		out = append(out, p[i+1:i+1+j])
		p = p[i+j+2:]
	}
}

func has(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// index reads "[12]" at the start of s.
func index(s string) (int, bool) {
	if len(s) < 3 || s[0] != '[' {
		return 0, false
	}
	end := strings.IndexByte(s, ']')
	if end < 2 || end > 5 || !digits([]byte(s[1:end])) {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[1:end]) {
		n = n*10 + int(c-'0')
	}
	return n, true
}
