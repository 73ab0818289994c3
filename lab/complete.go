package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"
)

// The lab's own part of the documentation addresses, which scenarios leave
// free: its servers, its vantage points.
var (
	documentation = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	ownNetwork      = netip.MustParsePrefix("203.0.113.192/26")
	vantageNetwork  = netip.MustParsePrefix("203.0.113.128/26")
	vantageNetwork2 = netip.MustParsePrefix("198.51.100.240/28")
	ownNetwork6     = netip.MustParsePrefix("2001:db8:ffff::/48")
)

// standardStart is a Monday.
var standardStart = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Limits on a scenario.
const (
	maxNames   = 20000
	maxReports = 200000
	maxDays    = 3650
)

// Complete fills in what the scenario leaves open and checks all of it. It
// reports every error found, each with its path. Completing twice changes
// nothing.
func (s *Scenario) Complete() error {
	if s.completed {
		return nil
	}
	if e := s.checkBefore(); e != nil {
		return e
	}
	s.defaults()
	if err := s.networks(); err != nil {
		return err
	}
	if e := s.check(); e != nil {
		return e
	}
	s.addresses()
	s.completed = true
	return nil
}

func sorted(s []string) []string { slices.Sort(s); return s }

// slug makes a host-name label of an organisation's name.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	out := strings.Trim(b.String(), "-")
	if out == "" {
		h := keyed(0, s)
		out = fmt.Sprintf("org-%x", h[:4])
	}
	if len(out) > 40 {
		out = strings.Trim(out[:40], "-")
	}
	return out
}

// checkBefore finds what makes defaults meaningless.
func (s *Scenario) checkBefore() error {
	var e *problem.Error
	if s.Days < 0 || s.Days > maxDays {
		e = e.Add("days", "%d is not 1 to %d", s.Days, maxDays)
	}
	if len(s.Names) > maxNames {
		e = e.Add("names", "%d names are over the limit of %d", len(s.Names), maxNames)
	}
	if len(s.Reports) > maxReports {
		e = e.Add("reports", "%d reports are over the limit of %d", len(s.Reports), maxReports)
	}
	for i := range s.Names {
		n := &s.Names[i]
		at := fmt.Sprintf("names[%d].name", i)
		if n.Name == "" {
			e = e.Add(at, "is missing")
			continue
		}
		if a, err := netip.ParseAddr(n.Name); err == nil {
			n.Name = a.String()
			continue
		}
		d, err := name.Parse(n.Name)
		if err != nil {
			e = e.Add(at, "%s", err)
			continue
		}
		n.Name = d.String()
	}
	for i := range s.Platforms {
		p := &s.Platforms[i]
		if d, err := name.Parse(p.Suffix); err != nil {
			e = e.Add(fmt.Sprintf("platforms[%d].suffix", i), "%s", err)
		} else {
			p.Suffix = d.String()
		}
	}
	for i := range s.TLDs {
		t := &s.TLDs[i]
		if d, err := name.ParseAny(t.Name); err != nil || strings.Contains(t.Name, ".") {
			e = e.Add(fmt.Sprintf("tlds[%d].name", i), "%q is not one label", t.Name)
		} else {
			t.Name = d.String()
		}
	}
	return e.OrNil()
}

func isAddr(s string) bool { _, err := netip.ParseAddr(s); return err == nil }

// platformOf finds the platform a name is under.
func (s *Scenario) platformOf(n string) *Platform {
	for i := range s.Platforms {
		if strings.HasSuffix(n, "."+s.Platforms[i].Suffix) {
			return &s.Platforms[i]
		}
	}
	return nil
}

// find finds a name in A- or U-labels.
func (s *Scenario) find(n string) *Name {
	if d, err := name.Parse(n); err == nil {
		n = d.String()
	}
	for i := range s.Names {
		if s.Names[i].Name == n {
			return &s.Names[i]
		}
	}
	return nil
}

func lastLabel(n string) string { return n[strings.LastIndexByte(n, '.')+1:] }

func (s *Scenario) defaults() {
	set(&s.Seed, 1)
	set(&s.Days, 14)
	if s.Start.IsZero() {
		s.Start = standardStart
	}
	s.Start = s.Start.UTC()
	if len(s.TLDs) == 0 {
		seen := map[string]bool{}
		for _, n := range s.Names {
			if t := lastLabel(n.Name); !isAddr(n.Name) && !seen[t] {
				seen[t] = true
				s.TLDs = append(s.TLDs, TLD{Name: t})
			}
		}
	}
	if len(s.Registrars) == 0 {
		s.Registrars = []Registrar{{Name: "Lab Registrar"}}
	}
	if len(s.Hosts) == 0 {
		s.Hosts = []Host{{Name: "Lab Host"}}
	}
	if len(s.Reporters) == 0 {
		s.Reporters = []Reporter{{Name: "Lab Reporter"}}
	}
	tlds := map[string]bool{}
	for i := range s.TLDs {
		t := &s.TLDs[i]
		tlds[t.Name] = true
		set(&t.Kind, "gtld")
		set(&t.Registry, "Registry "+t.Name)
		set(&t.Mail, "abuse@nic."+t.Name)
		set(&t.Model, "thick")
		set(&t.RDAP, RDAPOK)
		set(&t.WHOIS, WHOISNone)
		set(&t.WHOISForm, "icann")
	}
	for i := range s.Registrars {
		r := &s.Registrars[i]
		set(&r.IANAID, 9001+i)
		set(&r.Domain, slug(r.Name)+".example")
		set(&r.Mail, "abuse@"+r.Domain)
		set(&r.RDAP, RDAPOK)
		set(&r.WHOIS, WHOISNone)
		set(&r.Takedown, "hold")
		if r.Behaviour.Like == "form-only" {
			set(&r.Form, "https://www."+r.Domain+"/report-abuse")
		}
		if r.Inaccuracy.Does == "ticket" {
			set(&r.Behaviour.Mailbox, "ticket")
		}
	}
	for i := range s.Hosts {
		h := &s.Hosts[i]
		set(&h.Domain, slug(h.Name)+".example")
		set(&h.Mail, "abuse@"+h.Domain)
		set(&h.Takedown, "suspended")
		set(&h.OnCompromise, "clean")
		if h.Behaviour.Like == "form-only" {
			set(&h.Form, "https://www."+h.Domain+"/report-abuse")
		}
	}
	for i := range s.CDNs {
		c := &s.CDNs[i]
		set(&c.Domain, slug(c.Name)+".example")
		set(&c.Mail, "abuse@"+c.Domain)
		set(&c.Takedown, "interstitial")
	}
	for i := range s.Platforms {
		p := &s.Platforms[i]
		set(&p.Host, s.Hosts[0].Name)
		set(&p.Registrar, s.Registrars[0].Name)
		set(&p.Mail, "abuse@"+p.Suffix)
	}
	for i := range s.DNSOperators {
		o := &s.DNSOperators[i]
		set(&o.Domain, slug(o.Name)+".example")
		set(&o.Kind, "normal")
	}
	if !slices.ContainsFunc(s.DNSOperators, func(o DNSOperator) bool { return o.Kind == "normal" }) {
		s.DNSOperators = append(s.DNSOperators, DNSOperator{Name: "Lab DNS", Domain: "lab-dns.example", Kind: "normal"})
	}
	for _, o := range []DNSOperator{{Name: "Lab Parking", Domain: "lab-parking.example", Kind: "parking"},
		{Name: "Lab Sinkhole", Domain: "lab-sinkhole.example", Kind: "sinkhole"}} {
		if s.operatorOf(o.Kind) == "" {
			s.DNSOperators = append(s.DNSOperators, o)
		}
	}
	for _, c := range s.contacts() {
		set(c.mail, c.prefix+"@"+slug(c.name)+".example")
	}
	for i := range s.Constituents {
		c := &s.Constituents[i]
		if len(c.Brands) == 0 && c.Name != "" {
			c.Brands = []string{c.Name}
		}
		if len(c.Domains) == 0 {
			c.Domains = []string{slug(c.Name) + ".example"}
		}
	}
	for i := range s.Reporters {
		set(&s.Reporters[i].Format, "json")
		set(&s.Reporters[i].Auth, "full")
	}
	s.ownNames(tlds)
	s.displace()
	byName := map[string]*Name{}
	for i := range s.Names {
		n := &s.Names[i]
		byName[n.Name] = n
		s.defaultName(n)
		for _, at := range n.Reported {
			s.Reports = append(s.Reports, Report{At: ptr(at), Name: n.Name})
		}
		n.Reported = nil
	}
	usual := map[string]string{}
	for _, r := range s.Reporters {
		usual[r.Name] = r.Format
	}
	for i := range s.Reports {
		r := &s.Reports[i]
		set(&r.From, s.Reporters[0].Name)
		set(&r.Format, usual[r.From])
		set(&r.ContentType, "application/json")
		if r.Fault != "" && (!byMail(r.Format) || r.Fault == "too_large") {
			set(&r.Expect, "rejected") // a mail is taken first and read later
		}
		set(&r.Expect, "accepted")
		if n := byName[r.Name]; n != nil {
			set(&r.Type, n.Type)
			set(&r.Brand, n.Site.Brand)
		}
		set(&r.Type, abuse.Phishing)
	}
}

// ownNames adds the names of platforms and constituents that the file does not
// give, where they are under the scenario's own TLDs.
func (s *Scenario) ownNames(tlds map[string]bool) {
	split := name.DefaultSuffixes()
	add := func(host string, n Name) {
		d, err := name.Parse(host)
		if err != nil {
			return
		}
		reg := split.Split(d).Registered
		if reg.IsZero() || !tlds[reg.TLD()] || s.find(reg.String()) != nil {
			return
		}
		n.Name = reg.String()
		s.Names = append(s.Names, n)
	}
	for _, p := range s.Platforms {
		add(p.Suffix, Name{Class: "innocent", Registrar: p.Registrar, Host: p.Host, Site: Site{Kind: "corporate", Brand: p.Name}})
	}
	for _, c := range s.Constituents {
		for _, d := range c.Domains {
			add(d, Name{Class: "innocent", Owner: c.Name, Site: Site{Kind: "login", Brand: first(c.Brands)}})
		}
	}
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// contact is a mailbox whose address may be defaulted.
type contact struct {
	name, prefix string
	mail         *string
	path         string
	behaviour    *Behaviour
}

// contacts are the parties that are told, not asked, and the reporters.
func (s *Scenario) contacts() []contact {
	var out []contact
	for i := range s.BlockLists {
		c := &s.BlockLists[i]
		out = append(out, contact{c.Name, "submit", &c.Mail, fmt.Sprintf("blocklists[%d]", i), &c.Behaviour})
	}
	for i := range s.CERTs {
		c := &s.CERTs[i]
		out = append(out, contact{c.Name, "cert", &c.Mail, fmt.Sprintf("certs[%d]", i), &c.Behaviour})
	}
	for i := range s.Constituents {
		c := &s.Constituents[i]
		out = append(out, contact{c.Name, "security", &c.Mail, fmt.Sprintf("constituents[%d]", i), &c.Behaviour})
	}
	if s.Hotline != nil {
		out = append(out, contact{s.Hotline.Name, "hotline", &s.Hotline.Mail, "hotline", &s.Hotline.Behaviour})
	}
	for i := range s.Reporters {
		c := &s.Reporters[i]
		out = append(out, contact{c.Name, "reports", &c.Mail, fmt.Sprintf("reporters[%d]", i), &c.Behaviour})
	}
	return out
}

var abusive = map[string]bool{"phishing": true, "malware": true}

// isAbusive says whether a name's site has something on it that is abuse.
func (n *Name) isAbusive() bool {
	return abusive[n.Site.Kind] || slices.ContainsFunc(n.Site.Pages, func(p Page) bool { return p.abuse() })
}

func (p Page) abuse() bool {
	if p.Abuse != nil {
		return *p.Abuse
	}
	return p.Show == "kit"
}

// operatorOf is the first DNS operator of a kind, or "".
func (s *Scenario) operatorOf(kind string) string {
	for _, o := range s.DNSOperators {
		if o.Kind == kind {
			return o.Name
		}
	}
	return ""
}

func (s *Scenario) defaultName(n *Name) {
	p := s.platformOf(n.Name)
	rnd := draw(s.Seed, "name", n.Name)
	if n.Site.Kind == "" {
		switch {
		case len(n.Site.Pages) > 0:
			n.Site.Kind = "custom"
		case n.Class == "innocent":
			n.Site.Kind = "corporate"
		case n.Type == abuse.Malware:
			n.Site.Kind = "malware"
		case n.RDAPRaw != "" || n.WHOISRaw != "":
			n.Site.Kind = "none"
		default:
			n.Site.Kind = "phishing"
		}
	}
	if n.Class == "" {
		switch {
		case p != nil && n.isAbusive():
			n.Class = "platform"
		case n.isAbusive():
			n.Class = "malicious"
		default:
			n.Class = "innocent"
		}
	}
	if n.Type == "" {
		n.Type = abuse.Phishing
		if n.Site.Kind == "malware" {
			n.Type = abuse.Malware
		}
	}
	st := &n.Site
	set(&st.Language, "en")
	set(&st.Scheme, "https")
	set(&st.Host, n.Name)
	switch st.Kind {
	case "phishing":
		set(&st.Kit, "sign-in")
		if n.Class == "compromised" {
			set(&st.Path, pick(rnd, []string{"/wp-content/uploads/secure/", "/images/.cache/verify/", "/old/backup/account/", "/assets/fonts/login/"}))
			set(&st.Front, "shop")
		}
		if st.Brand == "" {
			if len(s.Constituents) > 0 {
				st.Brand = first(s.Constituents[0].Brands)
			} else {
				st.Brand = "Example Bank"
			}
		}
	case "malware":
		set(&st.Kit, "exe")
		if n.Class == "compromised" {
			set(&st.Front, "shop")
		}
		set(&st.Path, "/files/document_"+fmt.Sprint(1000+rnd.IntN(9000))+map[string]string{"exe": ".exe", "elf": ".bin", "zip": ".zip"}[st.Kit])
	}
	set(&st.Path, "/")
	set(&st.Front, "blank")
	if st.Cloak != nil {
		set(&st.Cloak.Others, "not_found")
	}
	for i := range n.Then {
		h := &n.Then[i]
		set(&h.Times, 1)
		if h.Do == "remove" {
			set(&h.How, "404")
		}
		if h.Cloak != nil {
			set(&h.Cloak.Others, "not_found")
		}
	}
	if p != nil {
		set(&n.Host, p.Host)
	}
	if n.Owner == "" {
		for _, c := range s.Constituents {
			if slices.Contains(c.Domains, n.Name) {
				n.Owner = c.Name
			}
		}
	}
	if n.Host == "" && n.Address != "" {
		n.Host = s.hostAt(n.Address)
	}
	if n.Host == "" && isAddr(n.Name) {
		n.Host = s.hostAt(n.Name)
	}
	set(&n.Host, s.Hosts[0].Name)
	set(&n.Registrar, s.Registrars[0].Name)
	switch n.Site.Kind {
	case "parked":
		set(&n.DNS, s.operatorOf("parking"))
	case "sinkhole":
		set(&n.DNS, s.operatorOf("sinkhole"))
	}
	set(&n.DNS, s.operatorOf("normal"))
	if !n.Registered.Set {
		switch n.Class {
		case "malicious":
			n.Registered = After(-2 * Day)
		case "platform":
			n.Registered = After(-3 * Day)
		default:
			n.Registered = After(-time.Duration(700+rnd.IntN(3600)) * Day)
		}
	}
	if n.Registrant.Kind == "" {
		n.Registrant.Kind = "honest"
		if n.Class == "malicious" {
			n.Registrant.Kind = "fabricated"
		}
	}
	s.drawRegistrant(n)
	s.drawVerifies(n)
}

func (s *Scenario) hostAt(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return ""
	}
	for _, h := range s.Hosts {
		for _, p := range h.Networks {
			if p.Contains(a) {
				return h.Name
			}
		}
	}
	return ""
}

// networks allocates the networks that are not given.
func (s *Scenario) networks() error {
	taken := []netip.Prefix{ownNetwork, vantageNetwork, vantageNetwork2, ownNetwork6}
	want := 0
	for _, h := range s.Hosts {
		taken = append(taken, h.Networks...)
		if len(h.Networks) == 0 {
			want++
		}
	}
	for _, c := range s.CDNs {
		taken = append(taken, c.Networks...)
		if len(c.Networks) == 0 {
			want++
		}
	}
	bits := 28
	switch {
	case want <= 6:
		bits = 26
	case want <= 14:
		bits = 27
	}
	next := func() (netip.Prefix, bool) {
		for _, block := range documentation[:3] {
			a := block.Addr()
			for block.Contains(a) {
				p := netip.PrefixFrom(a, bits)
				if !slices.ContainsFunc(taken, p.Overlaps) {
					taken = append(taken, p)
					return p, true
				}
				b := a.As4()
				n := int(b[3]) + 1<<(32-bits)
				if n > 255 {
					break
				}
				b[3] = byte(n)
				a = netip.AddrFrom4(b)
			}
		}
		return netip.Prefix{}, false
	}
	v6 := map[string]bool{}
	for _, n := range s.Names {
		if n.IPv6 {
			v6[n.Host] = true
			v6["cdn:"+n.CDN] = n.CDN != ""
		}
	}
	six := 0
	next6 := func() netip.Prefix {
		for {
			six++
			p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte((0x100 + six) >> 8), byte(0x100 + six)}), 48)
			if !slices.ContainsFunc(taken, p.Overlaps) {
				taken = append(taken, p)
				return p
			}
		}
	}
	fill := func(path string, nets *Prefixes, six bool) error {
		if len(*nets) == 0 {
			p, ok := next()
			if !ok {
				return problem.BadField(path+".networks", "no documentation addresses are left: give smaller networks by hand")
			}
			*nets = Prefixes{p}
		}
		if six && !slices.ContainsFunc(*nets, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
			*nets = append(*nets, next6())
		}
		return nil
	}
	for i := range s.Hosts {
		if err := fill(fmt.Sprintf("hosts[%d]", i), &s.Hosts[i].Networks, v6[s.Hosts[i].Name]); err != nil {
			return err
		}
	}
	for i := range s.CDNs {
		if err := fill(fmt.Sprintf("cdns[%d]", i), &s.CDNs[i].Networks, v6["cdn:"+s.CDNs[i].Name]); err != nil {
			return err
		}
	}
	return nil
}

// addresses gives every name without one an address of its host, in order, so
// that as few as possible are shared.
func (s *Scenario) addresses() {
	used := map[netip.Addr]int{}
	for _, n := range s.Names {
		for _, a := range []string{n.Address, n.Name} {
			if a, err := netip.ParseAddr(a); err == nil {
				used[a]++
			}
		}
	}
	for i := range s.Names {
		n := &s.Names[i]
		if n.Address != "" {
			continue
		}
		if isAddr(n.Name) {
			n.Address = n.Name
			continue
		}
		if p := s.platformOf(n.Name); p != nil {
			n.Address = s.platformAddr(p).String()
			continue
		}
		for _, h := range s.Hosts {
			if h.Name == n.Host {
				n.Address = free(h.Networks, used, false).String()
			}
		}
	}
}

// platformAddr is where all customers of a platform are: the last usable
// address of its host's first network.
func (s *Scenario) platformAddr(p *Platform) netip.Addr {
	for _, h := range s.Hosts {
		if h.Name == p.Host {
			a := h.Networks[0].Addr()
			var last netip.Addr
			for a = a.Next(); h.Networks[0].Contains(a); a = a.Next() {
				last = a
				if a.Is6() {
					break
				}
			}
			b := last.AsSlice()
			if last.Is4() && b[3] > 0 {
				b[3] -= 1 + byte(slices.IndexFunc(s.Platforms, func(q Platform) bool { return q.Suffix == p.Suffix }))%8
			}
			out, _ := netip.AddrFromSlice(b)
			return out
		}
	}
	return netip.Addr{}
}

// free takes the least used address of the networks of one family.
func free(nets []netip.Prefix, used map[netip.Addr]int, six bool) netip.Addr {
	var best netip.Addr
	for _, p := range nets {
		if p.Addr().Is6() != six {
			continue
		}
		a := p.Addr()
		if p.Bits() < a.BitLen()-1 {
			a = a.Next() // not the network's own address
		}
		for n := 0; p.Contains(a) && n < 1024; a, n = a.Next(), n+1 {
			if !six && a.AsSlice()[3] == 0xff {
				break
			}
			if !best.IsValid() || used[a] < used[best] {
				best = a
			}
			if used[best] == 0 {
				break
			}
		}
	}
	if !best.IsValid() && !six {
		return free(nets, used, true)
	}
	used[best]++
	return best
}

// URL is the address of the abuse, as a reporter would give it.
func (n *Name) URL() string {
	h := n.Site.Host
	if a, err := netip.ParseAddr(h); err == nil && a.Is6() {
		h = "[" + h + "]"
	}
	return (&url.URL{Scheme: n.Site.Scheme, Host: h, Path: n.Site.Path}).String()
}

var outcomes = []string{"stopped", "disrupted", "cloaked", "moved", "back up", "not confirmed", "down before asked",
	"parked or sinkholed", "not seen from here", "open"}

// check finds everything that is wrong.
func (s *Scenario) check() error {
	var e *problem.Error
	c := checker{s: s, e: e}
	c.parties()
	c.names()
	c.reports()
	for _, k := range slices.Sorted(maps.Keys(s.Behaviours)) {
		c.e = s.checkBehaviour(c.e, "behaviours."+k, s.Behaviours[k])
		if _, is := builtin(k); is {
			c.e = c.e.Add("behaviours."+k, "%q is the name of a built-in behaviour", k)
		}
		for seen, at := map[string]bool{}, k; at != ""; at = s.Behaviours[at].Like {
			if seen[at] {
				c.e = c.e.Add("behaviours."+k+".like", "it starts from itself")
				break
			}
			seen[at] = true
		}
	}
	return c.e.OrNil()
}
