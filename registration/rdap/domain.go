package rdap

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"bailiwick/name"
	"bailiwick/registration"
)

// Domain reads the answer to a domain query (RFC 9083 section 5.3). The record
// can always be used; the error is not nil exactly when its state is "error",
// and says why: problem.Invalid when no object could be read,
// problem.TooLarge over MaxBytes, problem.Unavailable when the server says
// that it failed.
//
// The state is "registered" for a domain object; "available", "throttled",
// "reserved" and "error" as ErrorAnswer says; "unknown" for an object of
// another class, one that names nothing, or one about another name than was
// asked for.
func (a Answer) Domain(src registration.Source) (registration.Record, error) {
	return new(Reader).Domain(a, src)
}

func (d *domainReader) answer(a Answer, src registration.Source) (registration.Record, error) {
	if src != (registration.Source{}) {
		d.rec.Sources = map[string]registration.Source{"": src}
	}
	state, err := d.read(a)
	if state == registration.Unknown {
		state = d.domain(a)
	}
	d.rec.State = state
	d.rec.Findings = d.findings
	return d.rec, err
}

// domainReader reads one domain object.
type domainReader struct {
	reader
	rec      registration.Record
	seen     roles // roles that an entity was read for
	claims   profile
	guides   profile // the technical implementation guides that are claimed
	cardNode int32
	lastCard *card // of the entity at cardNode
	// What the rules need to know about the answer.
	registrars   int        // entities with the role registrar at the top
	registrar    int32      // the one that was read
	registrarHas property   // its card's
	abuseHas     property   // of the abuse contact inside it
	redactions   []redacted // RFC 9537
	tops         [2]topCard // the registrant's and the technical contact's, at the top
	inner        bool       // what is read now is nested in another entity
}

// domain reads the object at the root.
func (d *domainReader) domain(a Answer) registration.State {
	switch class := d.textOf(d.root, "objectClassName"); {
	case class == "domain":
	case strings.EqualFold(class, "domain"):
		d.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, Path: "$.objectClassName", Detail: "the class is not written in lower case"})
	case class != "":
		d.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, Path: "$.objectClassName", Detail: "the object is of class " + clip(class) + ", not domain"})
		return registration.Unknown
	case d.member(d.root, "ldhName") == none && d.member(d.root, "unicodeName") == none:
		d.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, ICANNCode: -13003, Path: "$", Detail: "the object has no class and no name"})
		return registration.Unknown
	default:
		d.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, ICANNCode: -13003, Path: "$", Detail: "objectClassName is missing (RFC 9083 section 4.9)"})
	}
	d.conformance()
	d.name()
	d.rec.Handle = d.withheldText("handle", d.textOf(d.root, "handle"))
	reserved := d.statuses()
	d.events()
	d.secureDNS()
	d.nameservers()
	d.readRedactions()
	d.entities()
	d.links(a)
	d.applyRedactions()
	if d.messages(shortQuota, true) {
		d.find(registration.Finding{ID: "rdap.quota-notice", Severity: registration.Advice, Path: "$.notices", Detail: "a notice says that too much was asked; the object may be cut"})
	}
	d.rulePaths(d.claims&profile2024 != 0)
	d.rules(a)
	switch {
	case !a.Asked.IsZero() && d.rec.Domain != "" && d.rec.Domain != a.Asked.String():
		d.find(registration.Finding{ID: "rdap.not-asked", Severity: registration.Must, Path: "$.ldhName",
			Detail: "asked for " + a.Asked.String() + ", answered about " + d.rec.Domain})
		return registration.Unknown
	case d.empty():
		d.find(registration.Finding{ID: "rdap.no-content", Severity: registration.RFC, Path: "$", Detail: "the domain object says nothing about a registration"})
		return registration.Unknown
	case reserved:
		return registration.Reserved
	}
	return registration.Registered
}

// empty says whether the object names nothing and tells nothing.
func (d *domainReader) empty() bool {
	r := &d.rec
	return r.Domain == "" && r.Unread["domain"] == "" && r.Handle == "" && r.Registrar == (registration.Registrar{}) && r.Created.IsZero() &&
		r.Expires.IsZero() && len(r.Statuses) == 0 && len(r.Nameservers) == 0 && len(r.Contacts) == 0
}

func (d *domainReader) conformance() {
	s := d.items(d.get(d.root, "rdapConformance"))
	for c := s.from; c < s.to; c = d.nodes[c].next {
		v := d.text(c)
		switch v {
		case "":
			continue
		case "icann_rdap_response_profile_0":
			d.claims |= profile2019
		case "icann_rdap_response_profile_1":
			d.claims |= profile2024
		case "icann_rdap_technical_implementation_guide_0":
			d.guides |= profile2019
		case "icann_rdap_technical_implementation_guide_1":
			d.guides |= profile2024
		}
		if len(d.rec.Conformance) < 64 {
			d.rec.Conformance = append(d.rec.Conformance, v)
		}
	}
	slices.Sort(d.rec.Conformance)
	d.rec.Conformance = slices.Compact(d.rec.Conformance)
}

// name reads ldhName and unicodeName, either of which may hold either form.
func (d *domainReader) name() {
	ldh, uni := d.get(d.root, "ldhName"), d.get(d.root, "unicodeName")
	rawLDH, rawUni := d.text(ldh), d.text(uni)
	host, ok := hostName(rawLDH, false)
	if rawLDH != "" && !ok {
		if host, ok = undecodable(rawLDH); ok {
			d.add("rdap.name-invalid", registration.RFC, 0, ldh, "ldhName has an A-label that stands for no U-label (RFC 5891 section 5.4); it is kept as it is")
		} else {
			d.add("rdap.name-invalid", registration.RFC, 0, ldh, "ldhName is not a domain name")
		}
	}
	if ok && !isASCII(rawLDH) {
		d.add("rdap.name-invalid", registration.RFC, 0, ldh, "ldhName holds a U-label (RFC 9083 section 3)")
	}
	if rawUni != "" {
		u, uok := hostName(rawUni, false)
		switch {
		case !uok:
			d.add("rdap.name-invalid", registration.RFC, 0, uni, "unicodeName is not a domain name")
		case !ok:
			host, ok = u, true
		case u != host:
			d.add("rdap.name-mismatch", registration.RFC, 0, uni, "ldhName and unicodeName are different names; ldhName is read")
		}
	}
	if !ok {
		if raw := rawLDH + rawUni; raw != "" {
			d.unread("domain", raw)
		} else {
			d.find(registration.Finding{ID: "rdap.name-missing", Severity: registration.RFC, Path: "$", Detail: "neither ldhName nor unicodeName is there"})
		}
		return
	}
	d.rec.Domain = host
	if strings.HasPrefix(host, "xn--") || strings.Contains(host, ".xn--") {
		if n, err := name.ParseAny(host); err == nil {
			if u := n.Unicode(); u != host {
				d.rec.Unicode = u
			}
		}
	}
}

// hostName gives the A-label form of a name. Name servers may be host names
// that registration would refuse: loose lets underscores through.
func hostName(s string, loose bool) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	if plainName(s) {
		return s, true
	}
	if l := strings.ToLower(s); isASCII(s) && plainName(l) {
		return l, true
	}
	if n, err := name.ParseAny(s); err == nil {
		return n.String(), true
	}
	if l := strings.ToLower(s); loose && len(l) <= 253 && strings.Contains(l, "_") && plainName(strings.ReplaceAll(l, "_", "x")) {
		return l, true
	}
	return "", false
}

// undecodable gives a name of letters, digits and hyphens that IDNA refuses:
// one with an A-label that does not decode, or that an older IDNA let through.
// Such names are registered.
func undecodable(s string) (string, bool) {
	l := strings.ToLower(strings.TrimSuffix(s, "."))
	if !isASCII(s) || strings.HasSuffix(l, "-") || strings.Contains(l, "-.") {
		return "", false
	}
	return l, plainName(strings.ReplaceAll(l, "--", "xx"))
}

// plainName says whether s is a lower-case name of letters, digits and inner
// hyphens that needs no IDNA: nearly every name, in a tenth of the time.
func plainName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	start, letter := 0, false
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			l := s[start:i]
			if len(l) == 0 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || len(l) > 3 && l[2:4] == "--" {
				return false
			}
			start = i + 1
			if i < len(s) {
				letter = false
			}
			continue
		}
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c == '-':
			letter = true
		case c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return letter // a last label of digits only is an address
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// statuses reads the status list; reserved is true when one says so.
func (d *domainReader) statuses() (reserved bool) {
	s := d.items(d.get(d.root, "status"))
	for c := s.from; c < s.to; c = d.nodes[c].next {
		v := d.text(c)
		if v == "" {
			continue
		}
		e, ok := registration.EPPStatus(v)
		if !ok {
			e = v
			reserved = reserved || strings.EqualFold(v, "reserved")
		}
		if slices.Contains(d.rec.Statuses, e) {
			if d.claims&profile2024 != 0 {
				d.add("gtld.status-twice", registration.Must, -11003, c, "the status is given twice")
			}
			continue
		}
		if len(d.rec.Statuses) < 64 {
			d.rec.Statuses = append(d.rec.Statuses, e)
		}
	}
	slices.Sort(d.rec.Statuses)
	return reserved
}

// events reads the dates. The registry's "expiration" goes before "registrar
// expiration", which is when the customer's term ends at the registrar.
func (d *domainReader) events() {
	s := d.items(d.get(d.root, "events"))
	registrarExpiry := none
	var buf [32]byte
	for c := s.from; c < s.to; c = d.nodes[c].next {
		if d.kindOf(c) != kObject {
			d.add("rdap.type", registration.RFC, 0, c, kindName(d.kindOf(c))+" where an event is expected")
			continue
		}
		date := d.get(c, "eventDate")
		switch string(d.word(d.get(c, "eventAction"), &buf)) {
		case "registration":
			d.date("created", &d.rec.Created, date, false)
		case "lastchanged", "lastupdate", "lastupdated":
			d.date("updated", &d.rec.Updated, date, true)
		case "expiration":
			d.date("expires", &d.rec.Expires, date, false)
		case "registrarexpiration":
			if registrarExpiry == none {
				registrarExpiry = date
			}
		}
	}
	if d.rec.Expires.IsZero() && registrarExpiry != none {
		d.date("expires", &d.rec.Expires, registrarExpiry, false)
		d.find(registration.Finding{ID: "rdap.registrar-expiration", Severity: registration.Advice, Path: "expires",
			Detail: "the expiry is the registrar's; the registry's is not given"})
	}
}

// squash takes the case, spaces, hyphens and underscores out of a word of the
// protocol, so that "last changed" and "lastChanged" are one.
func squash(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = s[i] >= 'a' && s[i] <= 'z'
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '_', r == '-':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// date reads an event's date into dst. Of several the first stays, or the
// latest.
func (d *domainReader) date(field string, dst *registration.Date, node int32, latest bool) {
	if node == none {
		return
	}
	raw := d.text(node)
	v, exact, ok := parseDate(raw)
	if !ok {
		d.add("rdap.date", registration.RFC, 0, node, "not a date of RFC 3339")
		if dst.IsZero() && raw != "" {
			d.unread(field, raw)
		}
		return
	}
	if !exact {
		d.add("rdap.date", registration.RFC, 0, node, "the date is not written as RFC 3339 says; read as "+v.String())
	}
	switch {
	case dst.IsZero():
		delete(d.rec.Fields, field)
		delete(d.rec.Unread, field)
		*dst = v
	case dst.Equal(v.Time):
	case latest:
		if v.After(dst.Time) {
			*dst = v
		}
	default:
		d.add("rdap.event-twice", registration.RFC, 0, node, "the event is given twice with different dates; the first is read")
	}
}

func (d *domainReader) secureDNS() {
	n := d.get(d.root, "secureDNS")
	if n == none {
		return
	}
	if k := d.kindOf(n); k == kArray {
		d.add("rdap.type", registration.RFC, 0, n, "an array where an object is expected")
		n = d.at(n, 0)
	}
	if d.kindOf(n) != kObject {
		if n != none {
			d.add("rdap.type", registration.RFC, 0, n, kindName(d.kindOf(n))+" where an object is expected")
		}
		return
	}
	keys := false
	for _, m := range [...]string{"dsData", "keyData"} {
		if c := d.member(n, m); c != none && d.kindOf(c) != kNull && d.nodes[c].next > c+1 {
			keys = true
		}
	}
	signed, ok := d.boolean(d.get(n, "delegationSigned"))
	switch {
	case ok && signed:
		d.rec.DNSSEC = "signed"
	case ok:
		d.rec.DNSSEC = "unsigned"
		if keys {
			d.add("rdap.dnssec", registration.RFC, 0, n, "delegationSigned is false although keys are given")
		}
	case keys:
		d.rec.DNSSEC = "signed"
		d.add("rdap.dnssec", registration.RFC, 0, n, "delegationSigned is missing; keys are given")
	}
}

const maxNameservers = 256

func (d *domainReader) nameservers() {
	s := d.items(d.get(d.root, "nameservers"))
	for c := s.from; c < s.to && len(d.rec.Nameservers) < maxNameservers; c = d.nodes[c].next {
		n := c
		switch d.kindOf(c) {
		case kObject:
			n = d.get(c, "ldhName")
			if n == none || d.rawText(n) == "" {
				n = d.get(c, "unicodeName")
			}
			if n == none {
				d.add("rdap.nameserver", registration.RFC, 0, c, "a name server without a name")
				continue
			}
		case kString:
			d.add("rdap.type", registration.RFC, 0, c, "a string where a name server object is expected")
		default:
			d.add("rdap.type", registration.RFC, 0, c, kindName(d.kindOf(c))+" where a name server object is expected")
			continue
		}
		raw := d.text(n)
		host, ok := hostName(raw, true)
		if !ok {
			// "ns1.example.net 192.0.2.1": glue beside the name.
			if first, glue, _ := strings.Cut(raw, " "); strings.Contains(first, ".") && allAddresses(glue) {
				host, ok = hostName(first, true)
			}
			if raw != "" {
				d.add("rdap.nameserver", registration.RFC, 0, n, "not a host name")
			}
		}
		if ok {
			d.rec.Nameservers = append(d.rec.Nameservers, host)
		}
	}
	slices.Sort(d.rec.Nameservers)
	d.rec.Nameservers = slices.Compact(d.rec.Nameservers)
}

// allAddresses says whether s is one IP address or several.
func allAddresses(s string) bool {
	n := 0
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool {
		return r == ' ' || r == ',' || r == ';' || r == '[' || r == ']' || r == '(' || r == ')'
	}) {
		if _, err := netip.ParseAddr(f); err != nil {
			return false
		}
		n++
	}
	return n > 0
}

// links looks for the registrar's own RDAP address.
func (d *domainReader) links(a Answer) {
	s := d.items(d.get(d.root, "links"))
	var self []string
	if src, ok := d.rec.Sources[""]; ok && src.Server != "" {
		self = append(self, src.Server)
	}
	best, bestNode, score := "", none, 0
	for pass := range 2 {
		for c := s.from; c < s.to; c = d.nodes[c].next {
			if d.kindOf(c) != kObject {
				continue
			}
			rel := d.member(c, "rel")
			switch {
			case pass == 0 && d.hasRel(rel, "self"):
				self = append(self, d.textOf(c, "href"))
			case pass == 1 && d.hasRel(rel, "related"):
				typ := strings.ToLower(registration.CleanText(d.rawText(d.member(c, "type"))))
				href := d.textOf(c, "href")
				v := 0
				switch {
				case strings.HasPrefix(typ, "application/rdap+json"):
					v = 3
				case typ == "", strings.HasPrefix(typ, "application/json"):
					// Untyped related links point at all kinds of pages.
					if !strings.Contains(strings.ToLower(href), "/domain/") {
						continue
					}
					v = 1
				default:
					continue
				}
				u, ok := webURL(href)
				if !ok {
					d.add("rdap.related", registration.RFC, 0, c, "the related link is not an http or https address")
					continue
				}
				if slices.ContainsFunc(self, func(x string) bool { return strings.EqualFold(strings.TrimSuffix(x, "/"), strings.TrimSuffix(u, "/")) }) {
					continue
				}
				if strings.Contains(strings.ToLower(u), "/domain/") {
					v++
				}
				if v > score {
					best, bestNode, score = u, c, v
				}
			}
		}
	}
	if score == 1 || score == 2 {
		d.add("rdap.related", registration.RFC, 0, bestNode, "the related link has no type application/rdap+json")
	}
	d.rec.Related = best
}

// hasRel says whether a link relation, one word or several, holds the word.
func (t *tree) hasRel(rel int32, word string) bool {
	switch t.kindOf(rel) {
	case kString:
		b := t.bytes(rel)
		if len(b) == len(word) {
			return strings.EqualFold(string(b), word)
		}
		for f := range strings.FieldsSeq(string(b)) {
			if strings.EqualFold(f, word) {
				return true
			}
		}
	case kArray:
		for c := rel + 1; c < t.nodes[rel].next; c = t.nodes[c].next {
			if t.kindOf(c) == kString && strings.EqualFold(string(t.bytes(c)), word) {
				return true
			}
		}
	}
	return false
}

// webURL checks an http or https address for being asked next: absolute, with
// a host and without user information. Where it leads is for the one who asks
// to guard.
func webURL(s string) (string, bool) {
	if len(s) < 8 || len(s) > name.MaxURL || !strings.EqualFold(s[:4], "http") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return "", false
		}
	}
	return s, true
}

// withheldText gives back a text that is a value; one that says it is withheld
// is left out and its field named.
func (d *domainReader) withheldText(path, s string) string {
	if s == "" {
		return ""
	}
	if st := registration.Withheld(s); st != registration.Present {
		d.state(path, st)
		return ""
	}
	return s
}

// state names why a field has no value.
func (d *domainReader) state(path string, s registration.FieldState) {
	if d.rec.Fields == nil {
		d.rec.Fields = make(map[string]registration.FieldState)
	}
	d.rec.Fields[path] = s
}

// given keeps the text that a value was given as, where it is another.
func (d *domainReader) given(path, value, text string) {
	if text == value {
		return
	}
	if d.rec.Given == nil {
		d.rec.Given = make(map[string]string)
	}
	d.rec.Given[path] = text
}

// unread keeps a text that could not be read.
func (d *domainReader) unread(path, raw string) {
	d.state(path, registration.Unparsed)
	if d.rec.Unread == nil {
		d.rec.Unread = make(map[string]string)
	}
	d.rec.Unread[path] = raw
}
