package lab

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// nameServer answers for the zones at one address.
type nameServer struct {
	w     *World
	addr  netip.Addr
	root  bool
	infra bool // authoritative for TLDs that no scenario names
	tlds  []*tld
	ops   []*operator
}

func (w *World) serverAddrs() []netip.Addr {
	return slices.SortedFunc(maps.Keys(w.servers), netip.Addr.Compare)
}

// ServeDNS implements dns.Handler.
func (s *nameServer) ServeDNS(rw dns.ResponseWriter, q *dns.Msg) {
	s.w.counts.dns.Add(1)
	m := new(dns.Msg)
	m.SetReply(q)
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, false)
	}
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery || q.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeNotImplemented
	} else {
		s.w.mu.RLock()
		silent := s.answer(m, q.Question[0])
		s.w.mu.RUnlock()
		if silent {
			return
		}
	}
	if rw.RemoteAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		m.Truncate(size)
	}
	if err := rw.WriteMsg(m); err != nil {
		s.w.log.Debug("dns answer", "err", err)
	}
}

// answer fills m; true means that the server stays silent.
func (s *nameServer) answer(m *dns.Msg, q dns.Question) bool {
	qname := strings.ToLower(strings.TrimSuffix(q.Name, "."))
	if s.root {
		s.fromRoot(m, q, qname)
		return false
	}
	last := lastLabel(qname)
	if r, ok := s.w.infra[qname]; ok && r.whois {
		m.Authoritative = true
		s.infraRecords(m, q, qname, last)
		return false
	}
	// The longest zone that this address serves answers: an operator's, then a
	// TLD's.
	for _, o := range s.ops {
		if h := s.zoneOf(o, qname); h != nil {
			return s.fromOperator(m, q, qname, o, h)
		}
	}
	for _, t := range s.tlds {
		if t.def.Name == last {
			s.fromTLD(m, q, qname, t)
			return false
		}
	}
	if s.infra && s.w.tlds[last] == nil && s.w.infraTLD(last) {
		m.Authoritative = true
		s.infraRecords(m, q, qname, last)
		return false
	}
	m.Rcode = dns.RcodeRefused
	return false
}

// zoneOf is the registered domain whose zone o serves for qname.
func (s *nameServer) zoneOf(o *operator, qname string) *holding {
	for rest := qname; rest != ""; {
		if h := s.w.holdings[rest]; h != nil && h.platform == nil && h.dns == o && !h.registered.IsZero() && !h.zoneGone {
			return h
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return nil
}

// infraTLD says whether a TLD exists only for the lab's own names.
func (w *World) infraTLD(label string) bool {
	for host := range w.infra {
		if lastLabel(host) == label {
			return true
		}
	}
	return false
}

func rr(name string, typ uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
}

func soa(zone, mname string) *dns.SOA {
	return &dns.SOA{Hdr: rr(zone, dns.TypeSOA, 300), Ns: dns.Fqdn(mname), Mbox: dns.Fqdn("hostmaster." + mname), Serial: 2026010101,
		Refresh: 3600, Retry: 900, Expire: 604800, Minttl: 60}
}

func addrRR(name string, a netip.Addr, ttl uint32) dns.RR {
	if a.Is4() {
		return &dns.A{Hdr: rr(name, dns.TypeA, ttl), A: a.AsSlice()}
	}
	return &dns.AAAA{Hdr: rr(name, dns.TypeAAAA, ttl), AAAA: a.AsSlice()}
}

func ns(zone string, servers ...string) []dns.RR {
	var out []dns.RR
	for _, s := range servers {
		out = append(out, &dns.NS{Hdr: rr(zone, dns.TypeNS, 300), Ns: dns.Fqdn(s)})
	}
	return out
}

// nxdomain and nodata are the two ways of saying no.
func nxdomain(m *dns.Msg, s *dns.SOA) {
	m.Rcode = dns.RcodeNameError
	m.Ns = []dns.RR{s}
}

func nodata(m *dns.Msg, s *dns.SOA) { m.Ns = []dns.RR{s} }

func (s *nameServer) fromRoot(m *dns.Msg, q dns.Question, qname string) {
	root := soa(".", "a.root.example")
	if qname == "" {
		m.Authoritative = true
		switch q.Qtype {
		case dns.TypeNS:
			m.Answer = ns(".", "a.root.example", "b.root.example")
			m.Extra = append(m.Extra, addrRR("a.root.example", rootAddr, 3600), addrRR("b.root.example", rootAddr2, 3600))
		case dns.TypeSOA:
			m.Answer = []dns.RR{root}
		default:
			nodata(m, root)
		}
		return
	}
	label := lastLabel(qname)
	switch t := s.w.tlds[label]; {
	case t != nil:
		m.Ns = ns(label, "ns1.nic."+label, "ns2.nic."+label)
		m.Extra = append(m.Extra, addrRR("ns1.nic."+label, t.addr, 3600), addrRR("ns2.nic."+label, t.addr, 3600))
	case s.w.infraTLD(label):
		m.Ns = ns(label, "ns1.nic."+label)
		m.Extra = append(m.Extra, addrRR("ns1.nic."+label, infraAddr, 3600))
	default:
		m.Authoritative = true
		nxdomain(m, root)
	}
}

// infraRecords answers for the lab's own host names under a TLD; false if
// there are none at or below qname.
func (s *nameServer) infraRecords(m *dns.Msg, q dns.Question, qname, zone string) bool {
	apex := soa(zone, "ns1.nic."+zone)
	if qname == zone {
		switch q.Qtype {
		case dns.TypeSOA:
			m.Answer = []dns.RR{apex}
		case dns.TypeNS:
			m.Answer = ns(zone, "ns1.nic."+zone)
		default:
			nodata(m, apex)
		}
		return true
	}
	if s.w.text(m, q, qname, apex) {
		return true
	}
	r, ok := s.w.infra[qname]
	if !ok && qname == "ns1.nic."+zone {
		r, ok = record{addr: s.addr}, true
	}
	if !ok {
		for host := range s.w.infra {
			if strings.HasSuffix(host, "."+qname) { // an empty non-terminal exists
				nodata(m, apex)
				return true
			}
		}
		nxdomain(m, apex)
		return false
	}
	switch {
	case q.Qtype == dns.TypeA && r.addr.Is4(), q.Qtype == dns.TypeAAAA && r.addr.Is6():
		m.Answer = []dns.RR{addrRR(q.Name, r.addr, 3600)}
	case q.Qtype == dns.TypeMX && r.null:
		m.Answer = []dns.RR{&dns.MX{Hdr: rr(q.Name, dns.TypeMX, 3600), Mx: "."}}
	case q.Qtype == dns.TypeMX && r.mx:
		m.Answer = []dns.RR{&dns.MX{Hdr: rr(q.Name, dns.TypeMX, 3600), Preference: 10, Mx: dns.Fqdn("mail." + qname)}}
	default:
		nodata(m, apex)
	}
	return true
}

// text answers for TXT records, which are on names of their own too; false if
// the question is about something else.
func (w *World) text(m *dns.Msg, q dns.Question, qname string, apex *dns.SOA) bool {
	t, ok := w.texts[qname]
	switch {
	case ok && q.Qtype == dns.TypeTXT:
		m.Answer = []dns.RR{&dns.TXT{Hdr: rr(q.Name, dns.TypeTXT, 300), Txt: []string{t}}}
		return true
	case ok && strings.HasPrefix(qname, "_") || ok && strings.Contains(qname, "._domainkey."):
		nodata(m, apex)
		return true
	}
	return false
}

func (s *nameServer) fromTLD(m *dns.Msg, q dns.Question, qname string, t *tld) {
	for rest := qname; rest != t.def.Name && rest != ""; {
		if h := s.w.holdings[rest]; h != nil && h.platform == nil {
			if !h.delegated() {
				m.Authoritative = true
				nxdomain(m, soa(t.def.Name, "ns1.nic."+t.def.Name))
				return
			}
			servers := []string{"ns1." + h.dns.def.Domain, "ns2." + h.dns.def.Domain}
			m.Ns = ns(rest, servers...)
			for _, n := range servers {
				if lastLabel(n) == t.def.Name { // glue only where the registry holds it
					m.Extra = append(m.Extra, addrRR(n, h.dns.addr, 300))
				}
			}
			return
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	m.Authoritative = true
	s.infraRecords(m, q, qname, t.def.Name)
}

// delegated says whether the registry's zone holds the name.
func (h *holding) delegated() bool {
	return !h.registered.IsZero() && !h.clientHold && !h.verifyHold && !h.dataHold && !h.serverHold && h.expired.IsZero() && h.deleted.IsZero()
}

// addrs are the addresses that the name's own servers give.
func (h *holding) addrs() []netip.Addr {
	var out []netip.Addr
	add := func(as ...netip.Addr) {
		for _, a := range as {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	switch {
	case h.dns.def.Kind != "normal":
		add(h.dns.addr)
	case h.cdn != nil:
		add(h.cdnAddr, h.cdnAddr6)
	case h.def.Site.Kind == "none" && h.def.RDAPRaw+h.def.WHOISRaw != "":
	default:
		add(h.addr, h.addr6)
	}
	return out
}

func (s *nameServer) fromOperator(m *dns.Msg, q dns.Question, qname string, o *operator, h *holding) bool {
	switch o.def.Fault {
	case "timeout":
		return true
	case "servfail":
		m.Rcode = dns.RcodeServerFailure
		return false
	case "refused":
		m.Rcode = dns.RcodeRefused
		return false
	}
	m.Authoritative = true
	zone := h.def.Name
	apex := soa(zone, "ns1."+o.def.Domain)
	addrs := h.addrs()
	if qname != zone {
		if c := s.w.customerAt(qname, h); c != nil {
			addrs = c.addrs()
		}
	}
	if s.w.text(m, q, qname, apex) {
		return false
	}
	switch q.Qtype {
	case dns.TypeA, dns.TypeAAAA:
		for _, a := range addrs {
			if a.Is4() == (q.Qtype == dns.TypeA) {
				m.Answer = append(m.Answer, addrRR(q.Name, a, 60))
			}
		}
	case dns.TypeNS:
		if qname == zone {
			m.Answer = ns(zone, "ns1."+o.def.Domain, "ns2."+o.def.Domain)
		}
	case dns.TypeSOA:
		if qname == zone {
			m.Answer = []dns.RR{apex}
		}
	case dns.TypeMX:
		switch {
		case s.w.domains[qname]:
			m.Answer = []dns.RR{&dns.MX{Hdr: rr(q.Name, dns.TypeMX, 300), Preference: 10, Mx: dns.Fqdn("mail." + qname)}}
		case qname == zone && h.def.Class != "malicious" && o.def.Kind == "normal":
			m.Answer = []dns.RR{&dns.MX{Hdr: rr(q.Name, dns.TypeMX, 300), Preference: 10, Mx: dns.Fqdn("mail." + o.def.Domain)}}
		}
	}
	if s.w.domains[strings.TrimPrefix(qname, "mail.")] && strings.HasPrefix(qname, "mail.") {
		m.Answer = nil
		if q.Qtype == dns.TypeA {
			m.Answer = []dns.RR{addrRR(q.Name, mailAddr, 300)}
		}
	}
	if len(m.Answer) == 0 {
		nodata(m, apex)
	}
	return false
}

// customerAt is the platform customer whose name qname is at or below.
func (w *World) customerAt(qname string, h *holding) *holding {
	if !h.platformOwn(w) {
		return nil
	}
	for rest := qname; rest != h.def.Name && rest != ""; {
		if c := w.holdings[rest]; c != nil && c.platform != nil && !c.registered.IsZero() {
			return c
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return nil
}

// resolve is what a resolver would find for a host name, without asking: the
// truth uses it.
func (w *World) resolve(host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}
	}
	if r, ok := w.infra[host]; ok {
		return []netip.Addr{r.addr}
	}
	h := w.registeredOver(host)
	if h == nil || !h.delegated() || h.zoneGone || h.dns.def.Fault != "" {
		return nil
	}
	if c := w.customerAt(host, h); c != nil {
		return c.addrs()
	}
	return h.addrs()
}

// purge is when an expired name is deleted for good: 30 days of redemption and
// 5 of pending delete (ICANN Expired Registration Recovery Policy).
func (h *holding) purge() time.Time {
	switch {
	case !h.deleted.IsZero():
		return h.deleted
	case !h.expired.IsZero():
		return h.expired.Add(35 * Day)
	}
	return time.Time{}
}
