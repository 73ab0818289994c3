package rdap

import (
	"strings"

	"bailiwick/registration"
)

// card is what a jCard or a JSContact card says, as written: values are not
// judged yet.
type card struct {
	fn, org, email, voice, fax, url, uri string
	street                               []string
	city, region, code, country, cc      string
	countryLine                          string // the line of the address that was taken as the country
	has                                  property
}

// property is a set of vCard properties that are there, empty or not.
type property uint8

const (
	hasCard property = 1 << iota
	hasFN
	hasOrg
	hasEmail
	hasVoice
	hasFax
	hasAdr
	hasBareTel // a telephone number that is said to be neither voice nor fax
)

// card reads an entity's contact card.
func (t *tree) card(entity int32) card {
	var c card
	if n := t.get(entity, "vcardArray"); n != none {
		t.jcard(n, &c)
	}
	for _, m := range [...]string{"jscard", "jscontact_card"} {
		if n := t.get(entity, m); n != none {
			t.jscontact(n, &c)
		}
	}
	return c
}

// jcard reads a jCard (RFC 7095): ["vcard", [property, …]], where a property
// is [name, parameters, type, value…].
func (t *tree) jcard(n int32, c *card) {
	props := none
	switch first := t.at(n, 0); {
	case t.kindOf(n) != kArray:
		t.add("rdap.jcard", registration.RFC, -12305, n, kindName(t.kindOf(n))+" where a jCard is expected")
		return
	case t.kindOf(first) == kArray && t.kindOf(t.at(first, 0)) == kString:
		// The list of properties without its label.
		t.add("rdap.jcard", registration.RFC, -12305, n, `the label "vcard" is missing`)
		props = n
	default:
		props = t.at(n, 1)
		if t.kindOf(props) == kArray && t.kindOf(t.at(props, 0)) == kString {
			// ["vcard", property, property, …]: a level of brackets is missing.
			t.add("rdap.jcard", registration.RFC, -12305, n, "the properties are not in an array of their own")
			t.properties(span{t.nodes[n+1].next, t.nodes[n].next}, c)
			return
		}
	}
	if t.kindOf(props) != kArray {
		t.add("rdap.jcard", registration.RFC, -12305, n, "the jCard has no array of properties")
		return
	}
	t.properties(span{props + 1, t.nodes[props].next}, c)
}

func (t *tree) properties(s span, c *card) {
	c.has |= hasCard
	var splitVoice, splitFax bool
	for p := s.from; p < s.to; p = t.nodes[p].next {
		nameNode := t.at(p, 0)
		if t.kindOf(nameNode) != kString {
			t.add("rdap.jcard", registration.RFC, -12305, p, "a property is not an array that begins with its name")
			continue
		}
		params := t.nodes[nameNode].next
		if params >= t.nodes[p].next {
			params = none
		}
		value := none
		if params != none {
			if typ := t.nodes[params].next; typ < t.nodes[p].next {
				if v := t.nodes[typ].next; v < t.nodes[p].next {
					value = v
				}
			}
		}
		if value == none {
			t.add("rdap.jcard", registration.RFC, -12305, p, "a property has no value")
			continue
		}
		var buf [16]byte
		switch string(lower(t.bytes(nameNode), &buf)) {
		case "fn":
			c.has |= hasFN
			t.set(&c.fn, value)
		case "n":
			if c.fn == "" {
				c.fn = t.structuredName(value)
			}
		case "org":
			c.has |= hasOrg
			t.set(&c.org, value)
		case "email":
			c.has |= hasEmail
			t.set(&c.email, value)
		case "tel":
			if t.isFax(params) {
				c.has |= hasFax
				t.telephone(&c.fax, value, &splitFax)
			} else {
				c.has |= hasVoice
				t.telephone(&c.voice, value, &splitVoice)
				if !t.hasType(params, "voice") {
					c.has |= hasBareTel
				}
			}
		case "url":
			t.set(&c.url, value)
		case "contact-uri":
			t.set(&c.uri, value)
		case "adr":
			c.has |= hasAdr
			t.address(value, params, c)
		}
	}
}

// lower gives b in lower case; what does not fit buf is no name we know.
func lower(b []byte, buf *[16]byte) []byte {
	if len(b) > len(buf) {
		return nil
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(b)]
}

// set takes the value if none is there yet.
func (t *tree) set(dst *string, value int32) {
	switch {
	case *dst != "":
	case t.kindOf(value) == kArray: // org may be an array: name, unit, unit
		*dst = registration.CleanText(t.rawText(value))
	default:
		*dst = t.text(value)
	}
}

// telephone takes a number if none is there yet. One backend splits a number
// at its dots and spaces into a property each, "tel:+7", "tel:495",
// "tel:5801111": after a bare country code the parts are joined.
func (t *tree) telephone(dst *string, value int32, split *bool) {
	if *dst == "" {
		t.set(dst, value)
		n := strings.TrimPrefix(*dst, "tel:")
		*split = len(n) >= 2 && len(n) <= 4 && n[0] == '+' && digits([]byte(n[1:]))
		return
	}
	if !*split {
		return
	}
	if part := strings.TrimPrefix(t.text(value), "tel:"); digits([]byte(part)) && len(*dst) < 32 {
		t.add("rdap.jcard", registration.RFC, 0, value, "a telephone number is split into properties; the parts are joined")
		if !strings.Contains(*dst, ".") {
			*dst += "."
		}
		*dst += part
	}
}

func (t *tree) isFax(params int32) bool { return t.hasType(params, "fax") }

// hasType says whether the parameter "type", one word or a list, has the word.
func (t *tree) hasType(params int32, word string) bool {
	typ := t.member(params, "type")
	if typ == none {
		typ = t.member(params, "Type") // RFC 7095 section 3.4 asks for lower case
	}
	switch t.kindOf(typ) {
	case kString:
		return containsFold(t.bytes(typ), word)
	case kArray:
		for c := typ + 1; c < t.nodes[typ].next; c = t.nodes[c].next {
			if t.kindOf(c) == kString && containsFold(t.bytes(c), word) {
				return true
			}
		}
	}
	return false
}

func containsFold(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if strings.EqualFold(string(b[i:i+len(s)]), s) {
			return true
		}
	}
	return false
}

// structuredName joins the given and the family name of an "n" property.
func (t *tree) structuredName(value int32) string {
	if t.kindOf(value) != kArray {
		return t.text(value)
	}
	given := registration.CleanText(t.rawText(t.at(value, 1)))
	family := registration.CleanText(t.rawText(t.at(value, 0)))
	return strings.TrimSpace(given + " " + family)
}

// address reads an "adr" property: seven components (RFC 6350 section 6.3.1),
// or lines in the parameter "label" or in a bare text (RFC 7095 section
// 3.3.1.3), with the country code in the parameter "cc" (RFC 8605).
func (t *tree) address(value, params int32, c *card) {
	if c.city != "" || c.country != "" || len(c.street) > 0 {
		return // the first address that says something
	}
	c.cc = t.text(t.member(params, "cc"))
	if t.kindOf(value) == kArray {
		parts := [7]int32{none, none, none, none, none, none, none}
		n := 0
		for p := value + 1; p < t.nodes[value].next; p = t.nodes[p].next {
			if n < len(parts) {
				parts[n] = p
			}
			n++
		}
		if n != len(parts) && n > 0 {
			// Which component is which cannot be told: they are lines.
			t.add("rdap.jcard", registration.RFC, 0, value, "an address does not have seven components (RFC 6350 section 6.3.1)")
			for p := value + 1; p < t.nodes[value].next; p = t.nodes[p].next {
				c.street = t.lines(c.street, p)
			}
			c.lastLineCountry()
			return
		}
		for _, i := range [...]int{2, 1, 0} { // street, then suite, then post box
			c.street = t.lines(c.street, parts[i])
		}
		c.city, c.region = t.line(parts[3]), t.line(parts[4])
		c.code, c.country = t.line(parts[5]), t.line(parts[6])
	}
	if len(c.street) > 0 || c.city != "" || c.region != "" || c.code != "" {
		return
	}
	text := t.rawText(t.member(params, "label"))
	if text == "" && t.kindOf(value) == kString {
		text = t.rawText(value)
	}
	if text == "" {
		return
	}
	text = strings.ReplaceAll(text, `\n`, "\n")
	for l := range strings.SplitSeq(text, "\n") {
		if l = registration.CleanText(l); l != "" && len(c.street) < maxLines {
			c.street = append(c.street, l)
		}
	}
	c.lastLineCountry()
}

// lastLineCountry takes the last line of an unstructured address as the
// country when it names one.
func (c *card) lastLineCountry() {
	if k := len(c.street) - 1; k > 0 && c.country == "" {
		if _, ok := registration.CountryCode(c.street[k]); ok {
			c.countryLine = c.street[k]
			c.country, c.street = c.street[k], c.street[:k]
		}
	}
}

const maxLines = 16 // of an address

// lines adds the texts of an address component: one text, or a list.
func (t *tree) lines(to []string, i int32) []string {
	switch t.kindOf(i) {
	case 0, kNull:
	case kArray:
		for c := i + 1; c < t.nodes[i].next; c = t.nodes[c].next {
			if s := registration.CleanText(t.rawText(c)); s != "" && len(to) < maxLines {
				to = append(to, s)
			}
		}
	default:
		if s := t.text(i); s != "" && len(to) < maxLines {
			to = append(to, s)
		}
	}
	return to
}

// line is a component as one text.
func (t *tree) line(i int32) string {
	if t.kindOf(i) == kArray {
		return registration.CleanText(strings.Join(t.lines(nil, i), ", "))
	}
	return t.text(i)
}

// jscontact reads a JSContact card (RFC 9553), as the RDAP extension for it
// carries it beside or instead of the jCard. A jCard's values stay.
func (t *tree) jscontact(n int32, c *card) {
	if t.kindOf(n) != kObject {
		t.add("rdap.jscontact", registration.RFC, 0, n, kindName(t.kindOf(n))+" where a JSContact card is expected")
		return
	}
	c.has |= hasCard
	fill := func(dst *string, s string) {
		if *dst == "" {
			*dst = s
		}
	}
	if nm := t.member(n, "name"); t.kindOf(nm) == kObject {
		c.has |= hasFN
		fill(&c.fn, t.textOf(nm, "full"))
		if c.fn == "" {
			c.fn = t.components(nm, " ", "given", "given2", "surname", "surname2")
		}
	} else if nm != none {
		c.has |= hasFN
		fill(&c.fn, t.text(nm))
	}
	t.values(t.member(n, "organizations"), func(v int32) {
		c.has |= hasOrg
		fill(&c.org, t.textOf(v, "name"))
	})
	t.values(t.member(n, "emails"), func(v int32) {
		c.has |= hasEmail
		fill(&c.email, t.textOf(v, "address"))
	})
	t.values(t.member(n, "phones"), func(v int32) {
		if fax, _ := t.boolean(t.member(t.member(v, "features"), "fax")); fax {
			c.has |= hasFax
			fill(&c.fax, t.textOf(v, "number"))
			return
		}
		c.has |= hasVoice
		fill(&c.voice, t.textOf(v, "number"))
	})
	t.values(t.member(n, "links"), func(v int32) {
		if strings.EqualFold(t.textOf(v, "kind"), "contact") {
			fill(&c.uri, t.textOf(v, "uri"))
		} else {
			fill(&c.url, t.textOf(v, "uri"))
		}
	})
	t.values(t.member(n, "addresses"), func(v int32) {
		c.has |= hasAdr
		if len(c.street) > 0 || c.city != "" || c.code != "" || c.country != "" {
			return
		}
		fill(&c.cc, t.textOf(v, "countryCode"))
		if s := t.components(v, " ", "number", "name", "block", "building", "apartment", "room", "floor", "postOfficeBox"); s != "" {
			c.street = []string{s}
		}
		c.city = t.components(v, ", ", "locality")
		c.region = t.components(v, ", ", "region")
		c.code = t.components(v, ", ", "postcode")
		c.country = t.components(v, ", ", "country")
		if len(c.street) == 0 && c.city == "" {
			for l := range strings.SplitSeq(t.rawText(t.member(v, "full")), "\n") {
				if l = registration.CleanText(l); l != "" && len(c.street) < maxLines {
					c.street = append(c.street, l)
				}
			}
		}
	})
}

// values calls f with each object of a JSContact map (id to object).
func (t *tree) values(m int32, f func(int32)) {
	if t.kindOf(m) != kObject && t.kindOf(m) != kArray {
		return
	}
	for c := m + 1; c < t.nodes[m].next; c = t.nodes[c].next {
		if t.kindOf(c) == kObject {
			f(c)
		}
	}
}

// components joins the values of a JSContact name's or address's components of
// the given kinds, in the order of the card.
func (t *tree) components(obj int32, sep string, kinds ...string) string {
	var parts []string
	t.values(t.member(obj, "components"), func(v int32) {
		kind := t.textOf(v, "kind")
		for _, k := range kinds {
			if k == kind && len(parts) < maxLines {
				if s := t.textOf(v, "value"); s != "" {
					parts = append(parts, s)
				}
			}
		}
	})
	return registration.CleanText(strings.Join(parts, sep))
}
