package rdap

import (
	"strconv"
	"strings"

	"bailiwick/registration"
)

// Autnum reads the answer to an AS number query (RFC 9083 section 5.5). The
// states and errors are those of Answer.Domain, the holder and the abuse
// contact those of Answer.Network; Asked is not looked at.
func (a Answer) Autnum(src registration.Source) (registration.Autnum, error) {
	r := networkReader{net: registration.Network{Source: src}}
	var out registration.Autnum
	state, err := r.read(a)
	if state == registration.Unknown {
		state = r.autnum(&out)
	}
	n := r.net
	out.State, out.Findings, out.Source = state, r.findings, src
	out.Country, out.Holder, out.AbuseEmail, out.AbusePhone = n.Country, n.Holder, n.AbuseEmail, n.AbusePhone
	return out, err
}

func (r *networkReader) autnum(out *registration.Autnum) registration.State {
	if !r.class("autnum", "startAutnum") {
		return registration.Unknown
	}
	out.Handle, out.Name = r.textOf(r.root, "handle"), r.textOf(r.root, "name")
	if c := r.textOf(r.root, "country"); c != "" {
		if cc, ok := registration.CountryCode(c); ok {
			r.net.Country = cc
		} else if strings.EqualFold(c, "eu") || strings.EqualFold(c, "ap") {
			r.net.Country = strings.ToUpper(c) // regions that registries give numbers to
		} else {
			r.find(registration.Finding{ID: "rdap.country", Severity: registration.RFC, Path: "$.country", Detail: "not a country code"})
		}
	}
	start, okStart := r.number("startAutnum")
	end, okEnd := r.number("endAutnum")
	switch {
	case okStart && okEnd && end < start:
		r.find(registration.Finding{ID: "rdap.range", Severity: registration.RFC, Path: "$.endAutnum", Detail: "the block ends before it begins"})
	case okStart && !okEnd:
		end = start
	}
	out.Start, out.End = start, end
	r.people(r.root, 0)
	if r.net.AbuseEmail == "" && r.net.AbusePhone == "" {
		r.find(registration.Finding{ID: "rdap.no-abuse-contact", Severity: registration.Advice, Path: "$.entities", Detail: "no entity with the role abuse gives a way to reach it"})
	}
	if !okStart && out.Handle == "" && out.Name == "" {
		r.find(registration.Finding{ID: "rdap.no-content", Severity: registration.RFC, Path: "$", Detail: "the object names no AS number"})
		return registration.Unknown
	}
	return registration.Registered
}

// class says whether the object at the root is of the class want, which one
// that names no class is taken for when it has the member that only that class
// has.
func (r *reader) class(want, member string) bool {
	switch class := squash(r.textOf(r.root, "objectClassName")); {
	case class == want:
		return true
	case class != "":
		r.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, Path: "$.objectClassName", Detail: "the object is of another class than " + want})
		return false
	}
	r.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, ICANNCode: -13003, Path: "$", Detail: "objectClassName is missing (RFC 9083 section 4.9)"})
	return r.member(r.root, member) != none
}

// number reads an AS number, which some servers write as a text or with "AS"
// before it.
func (r *networkReader) number(member string) (uint32, bool) {
	i := r.get(r.root, member)
	if i == none {
		return 0, false
	}
	s := r.rawText(i)
	if s == "" {
		s = r.text(i)
	}
	s = strings.Trim(s, `" `)
	if len(s) > 2 && strings.EqualFold(s[:2], "as") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		r.add("rdap.autnum", registration.RFC, 0, i, "not an AS number")
		return 0, false
	}
	return uint32(n), true
}

// Entity reads the answer to an entity query (RFC 9083 section 5.1). The
// states and errors are those of Answer.Domain; Asked is not looked at.
func (a Answer) Entity(src registration.Source) (registration.Entity, error) {
	var d domainReader
	out := registration.Entity{Source: src}
	state, err := d.read(a)
	if state == registration.Unknown && d.class("entity", "vcardArray") {
		d.contact(d.root, registration.Registrant, d.rolesOf(d.root))
		out.Contact = d.rec.Contacts[registration.Registrant]
		out.Handle = out.Contact.Handle
		out.Contact.Handle = ""
		for path, s := range d.rec.Fields {
			if field, ok := strings.CutPrefix(path, registration.ContactPath(registration.Registrant, "")+"."); ok {
				if out.Fields == nil {
					out.Fields = map[string]registration.FieldState{}
				}
				out.Fields[field] = s
			}
		}
		if state = registration.Registered; out.Handle == "" && out.Contact.IsZero() && len(out.Fields) == 0 {
			d.find(registration.Finding{ID: "rdap.no-content", Severity: registration.RFC, Path: "$", Detail: "the entity object names nobody"})
			state = registration.Unknown
		}
	}
	out.State, out.Findings = state, d.findings
	return out, err
}
