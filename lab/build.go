package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bailiwick/name"
)

// The lab's own servers.
var (
	rootAddr  = netip.MustParseAddr("203.0.113.193")
	rootAddr2 = netip.MustParseAddr("203.0.113.194")
	infraAddr = netip.MustParseAddr("203.0.113.195") // DNS of everything no scenario names
	webAddr   = netip.MustParseAddr("203.0.113.196") // RDAP of registrars, web sites of parties
	rirAddr   = netip.MustParseAddr("203.0.113.197") // RDAP of networks
	mailAddr  = netip.MustParseAddr("203.0.113.198")
	firstAddr = netip.MustParseAddr("203.0.113.199") // registries and DNS operators from here
)

const rirHost = "rdap.rir.example"

// record is one host name of the lab's own.
type record struct {
	addr netip.Addr
	mx   bool
	null bool        // says that it takes no mail (RFC 7505)
	rdap *rdapServer // set on RDAP servers
	site *Name       // set on a party's own web site
	// orders is set on provisioning systems.
	orders *provisioner
	// whois marks WHOIS servers: every name server of the lab knows them, since
	// a scenario may register the names they are under.
	whois bool
}

// rdapServer is one RDAP service: of a registry, a registrar or the network
// registry (both nil).
type rdapServer struct {
	tld       *tld
	registrar *party
	fault     RDAPFault
	limit     *limiter
}

// build makes everything that does not change.
func (w *World) build() {
	s := w.s
	next := firstAddr
	alloc := func() netip.Addr {
		a := next
		if next = next.Next(); next.AsSlice()[3] == 0xff {
			next = firstAddr // many registries share an address, as many do
		}
		return a
	}
	w.server(rootAddr).root = true
	w.server(rootAddr2).root = true
	w.server(infraAddr).infra = true
	for i := range s.TLDs {
		d := &s.TLDs[i]
		t := &tld{def: d, addr: alloc()}
		if d.VerifiesFrom.Set {
			t.verifies = d.VerifiesFrom.At(w.start)
		}
		t.registry = w.party(&party{id: "registry:" + d.Name, role: "registry", name: d.Registry, mail: d.Mail, form: d.Form,
			domain: "nic." + d.Name, b: s.resolve(d.Behaviour, "referring"), tld: t})
		w.tlds[d.Name] = t
		srv := w.server(t.addr)
		srv.tlds = append(srv.tlds, t)
		for _, h := range []string{"ns1.nic.", "ns2.nic."} {
			w.infra[h+d.Name] = record{addr: t.addr}
		}
		if d.RDAP != RDAPNone {
			w.infra["rdap.nic."+d.Name] = record{addr: t.addr, rdap: &rdapServer{tld: t, fault: d.RDAP, limit: newLimiter(d.Limit)}}
		}
		w.whoisServer("whois.nic."+d.Name, &whoisServer{tld: t, fault: d.WHOIS, limit: newLimiter(d.Limit)})
		w.website("nic."+d.Name, d.Registry)
	}
	for i := range s.DNSOperators {
		d := &s.DNSOperators[i]
		o := &operator{def: d, addr: alloc()}
		w.ops[d.Name] = o
		srv := w.server(o.addr)
		srv.ops = append(srv.ops, o)
		for _, h := range []string{"ns1.", "ns2."} {
			w.infra[h+d.Domain] = record{addr: o.addr}
		}
		w.website(d.Domain, d.Name)
	}
	for i := range s.Registrars {
		d := &s.Registrars[i]
		p := w.party(&party{id: "registrar:" + d.Name, role: "registrar", name: d.Name, mail: d.Mail, form: d.Form, domain: d.Domain,
			b: s.resolve(d.Behaviour, "prompt"), registrar: d})
		if d.RDAP != RDAPNone {
			w.infra["rdap."+d.Domain] = record{addr: webAddr, rdap: &rdapServer{registrar: p, fault: d.RDAP, limit: newLimiter(d.Limit)}}
		}
		w.whoisServer("whois."+d.Domain, &whoisServer{registrar: p, fault: d.WHOIS, limit: newLimiter(d.Limit)})
		w.website(d.Domain, d.Name)
		if s.verifies() {
			w.infra[provision(d.Domain)] = record{addr: webAddr, orders: &provisioner{registrar: d}}
		}
	}
	if s.verifies() {
		w.infra[provision(gateway)] = record{addr: webAddr, orders: &provisioner{}}
	}
	w.infra[centreMX] = record{addr: centreMXAddr}
	w.infra[CentreDomain] = record{addr: webAddr, mx: true, site: &Name{Name: CentreDomain, Site: Site{Kind: "corporate", Brand: "Lab Coordination Centre"}}}
	w.whoisServer(ianaHost, &whoisServer{fault: WHOISOK})
	w.infra[rirHost] = record{addr: rirAddr, rdap: &rdapServer{fault: RDAPOK}}
	w.website("rir.example", "Lab Network Registry")
	for i := range s.Hosts {
		d := &s.Hosts[i]
		p := w.party(&party{id: "host:" + d.Name, role: "host", name: d.Name, mail: d.Mail, form: d.Form, domain: d.Domain,
			b: s.resolve(d.Behaviour, "prompt"), host: d})
		w.hosts[d.Name] = p
		for _, n := range d.Networks {
			w.networks = append(w.networks, network{n, p, d.Country})
		}
		w.website(d.Domain, d.Name)
	}
	for i := range s.CDNs {
		d := &s.CDNs[i]
		p := w.party(&party{id: "cdn:" + d.Name, role: "cdn", name: d.Name, mail: d.Mail, form: d.Form, domain: d.Domain,
			b: s.resolve(d.Behaviour, "prompt"), cdn: d})
		for _, n := range d.Networks {
			w.networks = append(w.networks, network{n, p, ""})
		}
		w.website(d.Domain, d.Name)
	}
	for _, n := range []netip.Prefix{ownNetwork, vantageNetwork, vantageNetwork2, ownNetwork6} {
		w.networks = append(w.networks, network{prefix: n})
	}
	slices.SortFunc(w.networks, func(a, b network) int { return a.prefix.Compare(b.prefix) })
	for i := range s.Platforms {
		d := &s.Platforms[i]
		w.party(&party{id: "platform:" + d.Suffix, role: "platform", name: d.Name, mail: d.Mail, form: d.Form, domain: d.Suffix,
			b: s.resolve(d.Behaviour, "prompt"), platform: d})
	}
	for i := range s.BlockLists {
		d := &s.BlockLists[i]
		w.party(&party{id: "blocklist:" + d.Name, role: "blocklist", name: d.Name, mail: d.Mail, b: s.resolve(d.Behaviour, "silent")})
	}
	for i := range s.CERTs {
		d := &s.CERTs[i]
		w.party(&party{id: "cert:" + d.Name, role: "cert", name: d.Name, mail: d.Mail, b: s.resolve(d.Behaviour, "silent")})
	}
	for i := range s.Constituents {
		d := &s.Constituents[i]
		w.party(&party{id: "constituent:" + d.Name, role: "constituent", name: d.Name, mail: d.Mail, b: s.resolve(d.Behaviour, "prompt")})
		for _, dom := range d.Domains {
			if w.tlds[lastLabel(dom)] == nil {
				w.infra[dom] = record{addr: webAddr, mx: true, site: &Name{Name: dom, Site: Site{Kind: "login", Brand: first(d.Brands)}}}
				w.infra["www."+dom] = w.infra[dom]
			}
		}
	}
	if s.Hotline != nil {
		w.party(&party{id: "hotline", role: "hotline", name: s.Hotline.Name, mail: s.Hotline.Mail, b: s.resolve(s.Hotline.Behaviour, "silent")})
	}
	for i := range s.Reporters {
		d := &s.Reporters[i]
		w.party(&party{id: "reporter:" + d.Name, role: "reporter", name: d.Name, mail: d.Mail, b: s.resolve(d.Behaviour, "silent"), auth: d.Auth})
	}
}

func (w *World) server(a netip.Addr) *nameServer {
	if w.servers[a] == nil {
		w.servers[a] = &nameServer{w: w, addr: a}
	}
	return w.servers[a]
}

// website gives a party's domain a web site and mail.
func (w *World) website(domain, org string) {
	r := record{addr: webAddr, mx: true, site: &Name{Name: domain, Site: Site{Kind: "corporate", Brand: org}}}
	for _, h := range []string{domain, "www." + domain} {
		if _, is := w.infra[h]; !is {
			w.infra[h] = r
		}
	}
}

// party opens its mailbox. Parties may share one.
func (w *World) party(p *party) *party {
	w.parties = append(w.parties, p)
	return w.mailbox(p)
}

// mailbox opens a party's, or a holder's, mailbox.
func (w *World) mailbox(p *party) *party {
	if p.mail == "" || p.mail == "none" {
		return p
	}
	addr := strings.ToLower(p.mail)
	b := w.boxes[addr]
	if b == nil {
		b = &mailbox{addr: addr}
		w.boxes[addr] = b
	}
	b.parties = append(b.parties, p)
	domain := addr[strings.LastIndexByte(addr, '@')+1:]
	w.domains[domain] = true
	w.infra["mail."+domain] = record{addr: mailAddr}
	w.vouch(domain, p.auth)
	if r, is := w.infra[domain]; is {
		r.mx = true
		w.infra[domain] = r
	} else if w.s.find(domain) == nil {
		w.infra[domain] = record{addr: webAddr, mx: true, site: &Name{Name: domain, Site: Site{Kind: "corporate", Brand: p.name}}}
	}
	return p
}

// populate makes the names, and schedules all that the scenario says will
// happen at a time.
func (w *World) populate() {
	s := w.s
	registrars := map[string]*party{}
	platforms := map[string]*party{}
	cdns := map[string]*party{}
	for _, p := range w.parties {
		switch p.role {
		case "registrar":
			registrars[p.name] = p
		case "platform":
			platforms[p.platform.Suffix] = p
		case "cdn":
			cdns[p.name] = p
		}
	}
	for i := range s.Names {
		n := &s.Names[i]
		h := &holding{def: n, data: n.published(), dns: w.ops[n.DNS], registrar: registrars[n.Registrar], host: w.hosts[n.Host], cloak: n.Site.Cloak,
			pending: map[string]bool{}}
		if p := s.platformOf(n.Name); p != nil {
			h.platform = platforms[p.Suffix]
		}
		if p := cdns[n.CDN]; p != nil && h.platform == nil && !isAddr(n.Name) {
			h.cdn = p
			h.cdnAddr = frontAddr(s.Seed, p.cdn.Networks, n.Name, false)
			if n.IPv6 {
				h.cdnAddr6 = frontAddr(s.Seed, p.cdn.Networks, n.Name, true)
			}
		}
		a, err := netip.ParseAddr(n.Address)
		if err == nil {
			h.addr = a.Unmap()
		}
		if n.IPv6 {
			h.addr6 = frontAddr(s.Seed, h.host.host.Networks, n.Name, true)
		}
		w.holdings[n.Name] = h
		w.order = append(w.order, h)
		w.place(h)
	}
	for _, h := range w.order {
		for _, p := range h.def.Site.Pages {
			if k := w.keyOfURL(p.Location); k != "" && k != h.def.Name && !slices.Contains(w.leads[k], h) {
				w.leads[k] = append(w.leads[k], h)
			}
		}
	}
	w.holders()
	w.customers()
	w.subjectsOf()
	for _, h := range w.order {
		w.plan(h)
	}
	for i := range s.Reports {
		r := &s.Reports[i]
		if r.At != nil && r.Bulk == "" {
			w.scheduleReport(w.start.Add(r.At.D()), []int{i})
		}
	}
	w.scheduleBulk()
	// What lies before the start has happened.
	for len(w.queue) > 0 && w.queue[0].at.Before(w.start) {
		e := w.pop()
		e.act(e.at)
	}
	for _, sub := range w.subjectList() {
		w.observe(sub, w.start, nil)
	}
}

// frontAddr draws the address at which a CDN or an IPv6 host serves a name.
func frontAddr(seed uint64, nets []netip.Prefix, n string, six bool) netip.Addr {
	for _, p := range nets {
		if p.Addr().Is6() != six {
			continue
		}
		b := p.Addr().AsSlice()
		span := 1
		if free := p.Addr().BitLen() - p.Bits(); free >= 2 {
			span = 1<<min(free, 7) - 2
		}
		b[len(b)-1] += byte(1 + draw(seed, "address", n).IntN(span))
		a, _ := netip.AddrFromSlice(b)
		if p.Contains(a) {
			return a
		}
		return p.Addr()
	}
	return netip.Addr{}
}

// place notes at which addresses a holding's site is served.
func (w *World) place(h *holding) {
	for _, a := range []netip.Addr{h.addr, h.addr6, h.cdnAddr, h.cdnAddr6} {
		if a.IsValid() && !slices.Contains(w.at[a], h) {
			w.at[a] = append(w.at[a], h)
		}
	}
}

// displace takes it away from its origin's addresses.
func (w *World) displace(h *holding) {
	for _, a := range []netip.Addr{h.addr, h.addr6, h.cdnAddr, h.cdnAddr6} {
		if i := slices.Index(w.at[a], h); i >= 0 {
			w.at[a] = slices.Delete(slices.Clone(w.at[a]), i, i+1)
		}
	}
}

// plan schedules what the scenario says about one name.
func (w *World) plan(h *holding) {
	n := h.def
	if !n.Registered.MovedTo {
		w.schedule(n.Registered.At(w.start), "register "+n.Name, func(at time.Time) func(context.Context) error {
			w.register(h, at, w.liveAt(h, at))
			return nil
		})
	}
	if n.Expires.Set {
		w.schedule(n.Expires.At(w.start), "expire "+n.Name, func(at time.Time) func(context.Context) error {
			w.expire(h, at)
			return nil
		})
	}
	for i, hp := range n.Then {
		if hp.At != nil {
			w.happenAt(h, i, w.start.Add(hp.At.D()), 0)
		}
	}
	for i, p := range n.Site.Pages {
		for j, at := range []*Span{p.From, p.Until} {
			if at != nil {
				w.schedule(w.start.Add(at.D()), fmt.Sprintf("page %s %d %d", n.Name, i, j), func(at time.Time) func(context.Context) error {
					w.touch(h, at, nil)
					return nil
				})
			}
		}
	}
}

// liveAt is when the site of a name registered at the given time goes up.
func (w *World) liveAt(h *holding, registered time.Time) time.Time {
	live := w.start.Add(-time.Hour) // up already when the scenario starts
	switch {
	case h.def.Site.Live.Set:
		live = h.def.Site.Live.At(w.start)
	case h.def.Class == "innocent" || !h.def.isAbusive():
		live = registered
	}
	if registered.After(live) {
		return registered
	}
	return live
}

// register brings a name into being, unless its registry verifies who wants
// it.
func (w *World) register(h *holding, at, live time.Time) {
	if !h.registered.IsZero() || h.refused {
		return
	}
	n := h.def
	if t := w.tldOf(n.Name); t != nil && h.platform == nil && !t.verifies.IsZero() && !at.Before(t.verifies) && n.Registrant.Kind == "fabricated" {
		h.refused = true
		if sub := w.subjects[n.Name]; sub != nil {
			sub.acts = append(sub.acts, Act{At: at, Party: t.registry.name, Role: "registry", Act: "registration refused"})
		}
		if other := w.holdings[n.Else]; other != nil {
			w.register(other, at, live)
			h.proof.replaced = w.effective(n.Else).name()
		}
		return
	}
	h.registered, h.changed = at, at
	h.expires = at
	for !h.expires.After(w.start) {
		h.expires = h.expires.AddDate(1, 0, 0)
	}
	if n.Expires.Set {
		h.expires = n.Expires.At(w.start)
	}
	w.verifyHolder(h, at)
	if live.After(at) {
		w.schedule(live, "live "+n.Name, func(at time.Time) func(context.Context) error {
			w.goLive(h, at)
			return nil
		})
		return
	}
	w.goLive(h, at)
}

func (w *World) goLive(h *holding, at time.Time) {
	h.live = true
	w.touch(h, at, nil)
	for _, i := range w.afterLive[h] {
		r := &w.s.Reports[i]
		from := at
		if from.Before(w.start) {
			from = w.start
		}
		w.scheduleReport(from.Add(r.AfterLive.D()), []int{i})
	}
}

// expire drops the delegation: the registrar did not see a renewal.
func (w *World) expire(h *holding, at time.Time) {
	if h.registered.IsZero() || !h.expired.IsZero() {
		return
	}
	h.expired, h.changed = at, at
	w.touch(h, at, &Act{At: at, Role: "registrant", Act: "expired"})
}

// tldOf is the registry's TLD of a name, nil for an address or a TLD of the
// lab's own.
func (w *World) tldOf(n string) *tld {
	if isAddr(n) {
		return nil
	}
	return w.tlds[lastLabel(n)]
}

// holdingFor finds whose a host name is: a platform customer's, a registered
// domain's, or an address's.
func (w *World) holdingFor(host string) *holding {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if h := w.holdings[host]; h != nil {
		return h
	}
	if isAddr(host) {
		return nil
	}
	for rest := host; ; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return nil
		}
		if h := w.holdings[after]; h != nil {
			if h.platformOwn(w) { // an unknown customer is not the platform's own site
				return nil
			}
			return h
		}
		rest = after
	}
}

// platformOwn says whether h is the name a platform's customers are under.
func (h *holding) platformOwn(w *World) bool {
	for _, p := range w.s.Platforms {
		if p.Suffix == h.def.Name {
			return true
		}
	}
	return false
}

// registeredOver is the registered domain's holding that a host name needs to
// resolve: its own, or its platform's.
func (w *World) registeredOver(host string) *holding {
	d, err := name.Parse(host)
	if err != nil {
		return nil
	}
	return w.holdings[w.suffixes.Split(d).Registered.String()]
}
