package rdap

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bailiwick/registration"
)

// Network reads the answer to an IP network query (RFC 9083 section 5.4). The
// states and errors are those of Answer.Domain; Asked is not looked at.
//
// The abuse contact is the outermost entity with the role abuse that has an
// e-mail address, else one that has a phone number; regional registries nest
// it in the registrant's or the technical contact's entity. The holder is the
// registrant's organisation or name.
func (a Answer) Network(src registration.Source) (registration.Network, error) {
	r := networkReader{net: registration.Network{Source: src}}
	state, err := r.read(a)
	if state == registration.Unknown {
		state = r.network()
	}
	r.net.State = state
	r.net.Findings = r.findings
	return r.net, err
}

type networkReader struct {
	reader
	net registration.Network
}

func (r *networkReader) network() registration.State {
	switch class := squash(r.textOf(r.root, "objectClassName")); {
	case class == "ipnetwork":
	case class != "":
		r.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, Path: "$.objectClassName", Detail: "the object is of another class than ip network"})
		return registration.Unknown
	case r.member(r.root, "startAddress") == none && r.member(r.root, "cidr0_cidrs") == none:
		r.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, ICANNCode: -13003, Path: "$", Detail: "the object has no class and no addresses"})
		return registration.Unknown
	default:
		r.find(registration.Finding{ID: "rdap.class", Severity: registration.RFC, ICANNCode: -13003, Path: "$", Detail: "objectClassName is missing (RFC 9083 section 4.9)"})
	}
	n := &r.net
	n.Handle = r.textOf(r.root, "handle")
	n.Name = r.textOf(r.root, "name")
	if c := r.textOf(r.root, "country"); c != "" {
		if cc, ok := registration.CountryCode(c); ok {
			n.Country = cc
		} else if strings.EqualFold(c, "eu") || strings.EqualFold(c, "ap") {
			n.Country = strings.ToUpper(c) // regions that registries give networks to
		} else {
			r.find(registration.Finding{ID: "rdap.country", Severity: registration.RFC, Path: "$.country", Detail: "not a country code"})
		}
	}
	start := r.address("startAddress")
	end := r.address("endAddress")
	first, last := r.cidrs()
	if !start.IsValid() {
		start = first
	}
	if !end.IsValid() {
		end = last
	}
	if start.IsValid() {
		n.Start = start.String()
	}
	if end.IsValid() {
		n.End = end.String()
	}
	if start.IsValid() && end.IsValid() && (start.Is4() != end.Is4() || end.Less(start)) {
		r.find(registration.Finding{ID: "rdap.range", Severity: registration.RFC, Path: "$.endAddress", Detail: "the network ends before it begins"})
	}
	r.people(r.root, 0)
	if n.AbuseEmail == "" && n.AbusePhone == "" {
		r.find(registration.Finding{ID: "rdap.no-abuse-contact", Severity: registration.Advice, Path: "$.entities", Detail: "no entity with the role abuse gives a way to reach it"})
	}
	if !start.IsValid() && n.Handle == "" && n.Name == "" {
		r.find(registration.Finding{ID: "rdap.no-content", Severity: registration.RFC, Path: "$", Detail: "the network object names no network"})
		return registration.Unknown
	}
	return registration.Registered
}

// address reads an address, with an IPv4 address in a /32 or mapped form as
// itself.
func (r *networkReader) address(member string) netip.Addr {
	i := r.get(r.root, member)
	s := r.text(i)
	if s == "" {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		r.add("rdap.address", registration.RFC, 0, i, "not an IP address")
		return netip.Addr{}
	}
	return a.Unmap()
}

const maxCIDRs = 256

// cidrs reads the cidr0 extension and gives the lowest and the highest
// address of its prefixes.
func (r *networkReader) cidrs() (first, last netip.Addr) {
	s := r.items(r.get(r.root, "cidr0_cidrs"))
	for c := s.from; c < s.to && len(r.net.CIDRs) < maxCIDRs; c = r.nodes[c].next {
		p := r.textOf(c, "v4prefix")
		if p == "" {
			p = r.textOf(c, "v6prefix")
		}
		bits, err := strconv.Atoi(r.rawText(r.member(c, "length")))
		a, aerr := netip.ParseAddr(p)
		if err != nil || aerr != nil {
			r.add("rdap.cidr", registration.RFC, 0, c, "not a prefix and a length")
			continue
		}
		pre := netip.PrefixFrom(a, bits)
		if !pre.IsValid() || pre.Masked() != pre {
			r.add("rdap.cidr", registration.RFC, 0, c, "not a prefix and a length")
			continue
		}
		r.net.CIDRs = append(r.net.CIDRs, pre.String())
		if l, h := pre.Addr(), lastOf(pre); !first.IsValid() || l.BitLen() == first.BitLen() {
			if !first.IsValid() || l.Less(first) {
				first = l
			}
			if !last.IsValid() || last.Less(h) {
				last = h
			}
		}
	}
	slices.Sort(r.net.CIDRs)
	r.net.CIDRs = slices.Compact(r.net.CIDRs)
	return first, last
}

// lastOf is the highest address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// people reads the holder and the abuse contact, outer entities first.
func (r *networkReader) people(obj int32, depth int) {
	var few [8]int32
	inner := few[:0]
	r.each(obj, func(e int32, role roles) {
		inner = append(inner, e)
		if role&isRegistrant != 0 && depth == 0 && r.net.Holder == "" {
			c := r.card(e)
			for _, v := range [...]string{c.org, c.fn} {
				if v != "" && registration.Withheld(v) == registration.Present {
					r.net.Holder = v
					break
				}
			}
		}
		if role&isAbuse == 0 || r.net.AbuseEmail != "" {
			return
		}
		c := r.card(e)
		email, _ := emailOf(c.email)
		phone, _ := registration.Phone(c.voice)
		if email != "" || r.net.AbusePhone == "" {
			r.net.AbuseEmail, r.net.AbusePhone = email, phone
		}
	})
	for _, e := range inner {
		if r.net.AbuseEmail == "" && r.member(e, "entities") != none {
			r.people(e, depth+1)
		}
	}
}
