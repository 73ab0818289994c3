package party

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/registration"
	"bailiwick/text"
)

// AddrNetwork is an address at which the abuse is served, and the network that
// a lookup found it in.
type AddrNetwork struct {
	Addr    netip.Addr           `json:"addr"`
	Network registration.Network `json:"network"`
}

// Query is what is known when the parties of a case are looked for.
type Query struct {
	Subject Subject
	Type    abuse.Type
	// Record is today's registration of Subject.Name; nil when no lookup was
	// made. A record of another name is not used.
	Record *registration.Record
	// Networks are the addresses the abuse was seen at. For a subject that is
	// an address only its own entry counts.
	Networks []AddrNetwork
	// Brand is the brand that a report or a person says is imitated.
	Brand string
	// Title and Text are what the captured page shows. Text counts only when
	// the page asks for secrets (AsksSecrets): a page that merely names a brand
	// imitates nobody.
	Title, Text string
	AsksSecrets bool
	// Health by mail address in lower case.
	Health map[string]Health

	// found takes every address that is considered; see Addresses.
	found func(addr string)
}

// order is the order in which roles are listed.
var order = []Role{Constituent, BlockList, Platform, Host, CDN, Registrar, Registry, CERT, Compliance}

// Who lists every party with authority over the subject or to be informed of
// it: each with its role, its contact, how we know it, and whether it can be
// reached. The order is fixed: by role as in the constants' working order
// (constituent, block list, platform, host, CDN, registrar, registry, CERT,
// compliance), then by ID; the order of the query's slices does not matter.
//
// One party stands once per role, and one mail address once among those that
// are asked the same thing (host, CDN and platform; block lists; constituents
// and CERTs). The centre itself never stands in it. Registrar, registry and
// compliance stand in it only where DNSLevelAllowed. Nobody stands in it for a
// type whose content is never passed on (abuse.Type.NeverKept): such a case
// goes to the configured hotline.
//
// An unreachable party stays in the list, with the reason: that nobody could be
// asked is a fact of the case.
func (d *Directory) Who(q Query) []Party {
	if q.Type.NeverKept() || q.Subject.Kind != Address && q.Subject.Name.IsZero() {
		return nil
	}
	var out []Party
	out = append(out, d.constituents(q)...)
	out = append(out, d.blockLists(q)...)
	platforms := d.platformParties(q)
	out = append(out, platforms...)
	// A platform is the host of its customers. The network it stands in is
	// asked about them only when no platform can be reached.
	if !slices.ContainsFunc(platforms, func(p Party) bool { return p.Reachable }) {
		out = append(out, d.hosts(q)...)
	}
	out = append(out, d.nameParties(q)...)
	out = append(out, d.certs(q)...)
	return d.settle(out)
}

// settle trusts, removes ourselves and repetitions, and sorts.
func (d *Directory) settle(in []Party) []Party {
	slices.SortStableFunc(in, func(a, b Party) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Role), slices.Index(order, b.Role)),
			strings.Compare(a.ID, b.ID),
			compareBool(b.Reachable, a.Reachable), // a reachable one first
			strings.Compare(a.Email, b.Email),
			strings.Compare(a.Basis, b.Basis),
			strings.Compare(a.Name, b.Name),
			strings.Compare(a.Why, b.Why),
			strings.Compare(a.Passed, b.Passed),
		)
	})
	var out []Party
	for _, p := range in {
		if p.ID == "" || d.isSelf(p) {
			continue
		}
		repeated := slices.ContainsFunc(out, func(o Party) bool {
			return o.Role == p.Role && o.ID == p.ID ||
				p.Email != "" && sameAsk(o.Role, p.Role) && sameMailbox(o.Email, p.Email)
		})
		if repeated {
			continue
		}
		p.Trusted, p.PGPKey = d.trusted[p.ID], d.keys[lower(p.Email)]
		out = append(out, p)
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// sameAsk says whether two roles are asked for the same thing, so that one
// mailbox should hear it once.
func sameAsk(a, b Role) bool {
	group := func(r Role) string {
		switch r {
		case Host, CDN, Platform:
			return "content"
		case Constituent, CERT:
			return "inform"
		}
		return string(r)
	}
	return group(a) == group(b)
}

// isSelf says whether p is the centre itself: by identifier, or by name in a
// role that comes from configuration. reach knows it by its mail address. An
// outsider who publishes our address as its own is not us; see reach.
func (d *Directory) isSelf(p Party) bool {
	s := d.data.Self
	if d.self[p.ID] {
		return true
	}
	switch p.Role {
	case CERT, Constituent, BlockList:
		return s.Name != "" && strings.EqualFold(p.Name, s.Name)
	}
	return false
}

// ours says whether a mail address is the centre's own.
func (d *Directory) ours(mailbox string) bool {
	if sameMailbox(mailbox, d.data.Self.Email) {
		return true
	}
	at := domainOf(mailbox)
	return slices.ContainsFunc(d.data.Self.Domains, func(n name.Domain) bool { return at.Under(n) })
}

// source is one place a contact may come from: its field as found and the
// words for it.
type source struct{ field, basis string }

// reach fills in the contact of p: the first address of the sources that is
// valid, not ours, not known to bounce and not long silent; else the first that
// is only silent; else the form; else the reason why there is none. The zero
// Party means that p is the centre itself.
func (d *Directory) reach(p Party, q Query, form string, sources ...source) Party {
	return d.reachBy(p, q, source{field: form}, sources...)
}

// reachBy is reach with a form that has a source of its own.
func (d *Directory) reachBy(p Party, q Query, form source, sources ...source) Party {
	p.Name = text.Line(p.Name, maxName)
	p.Form = form.field
	var why []string
	var silent source // the first that takes mail and does not answer
	for _, s := range sources {
		if strings.TrimSpace(s.field) == "" {
			continue
		}
		a, ok := Mailbox(s.field)
		if ok && q.found != nil { // all are wanted, chosen or not
			q.found(lower(a))
			continue
		}
		h := q.Health[lower(a)]
		switch {
		case !ok:
			why = append(why, "the address in "+s.basis+" is not a mail address")
		case s.basis == configured && sameMailbox(a, d.data.Self.Email):
			return Party{} // by our own configuration this party is us
		case d.ours(a):
			why = append(why, "the address in "+s.basis+" is the centre's own")
		case slices.Contains(why, h.passed(a)): // another source names it, too
		case h.Bounced:
			why = append(why, h.passed(a))
		case h.TooSilent():
			why = append(why, h.passed(a))
			if silent.field == "" {
				silent = source{a, s.basis}
			}
		default:
			p.Email, p.Reachable, p.Passed = a, true, strings.Join(why, "; ")
			p.Basis = join(p.Basis, s.basis)
			return p
		}
	}
	if silent.field != "" {
		// Who takes the mail has received the ask, which a form does not prove.
		p.Email, p.Reachable = silent.field, true
		p.Basis = join(p.Basis, silent.basis)
		p.Passed = strings.Join(append(why, "there is no better mail address"), "; ")
		return p
	}
	p.Why = strings.Join(why, "; ")
	if form.field != "" {
		p.Reachable = true
		p.Basis = join(p.Basis, form.basis)
		p.Why = join(p.Why, "only a web form is left")
		if len(why) == 0 {
			p.Why = "a web form is the only way in"
		}
		return p
	}
	if p.Why == "" {
		p.Why = "no contact is known"
	}
	return p
}

// Addresses are the mail addresses (in lower case, sorted) that Who may choose
// from: those whose Health it wants to know.
func (d *Directory) Addresses(q Query) []string {
	seen := map[string]bool{}
	q.Health, q.found = nil, func(a string) { seen[a] = true }
	d.constituents(q)
	d.blockLists(q)
	d.platformParties(q)
	d.hosts(q)
	d.nameParties(q)
	d.certs(q)
	return slices.Sorted(maps.Keys(seen))
}

func join(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}

const configured = "configuration"

func (d *Directory) constituents(q Query) []Party {
	var out []Party
	for i, c := range d.data.Constituents {
		if basis := d.concerns(c, d.brands[i], q); basis != "" {
			p := Party{ID: "constituent:" + slug(c.Name), Role: Constituent, Name: c.Name, Basis: basis}
			out = append(out, d.reach(p, q, c.Form, source{c.Email, configured}))
		}
	}
	return out
}

// concerns says why a constituent is to be told, or "". Being wrong shows a
// case to somebody whom it does not concern, so every rule is narrow.
func (d *Directory) concerns(c KnownConstituent, brands []brand, q Query) string {
	s := q.Subject
	for _, n := range c.Domains {
		if s.Kind != Address && s.Name.Under(n) {
			return "the subject is the constituent's name " + n.String()
		}
	}
	for _, a := range sortedAddrs(q) {
		for _, n := range c.Networks {
			if n.Contains(a) {
				return "the address " + a.String() + " is in the constituent's network " + n.String()
			}
		}
	}
	for _, b := range brands {
		if b.inText(q.Brand, shortestWord) {
			return "the claim names the brand " + strconv.Quote(b.text)
		}
	}
	if s.Kind != Address {
		suffix := s.Platform
		if suffix.IsZero() {
			suffix = d.suffixes.Split(s.Name).Suffix
		}
		for _, b := range brands {
			if s.Name != s.Platform && b.inName(s.Name, suffix) {
				return "the name holds the brand " + strconv.Quote(b.text)
			}
		}
	}
	for _, b := range brands {
		if b.inText(q.Title, shortestText) {
			return "the page's title holds the brand " + strconv.Quote(b.text)
		}
	}
	for _, b := range brands {
		if q.AsksSecrets && b.inText(q.Text, shortestText) {
			return "the page asks for secrets and names the brand " + strconv.Quote(b.text)
		}
	}
	return ""
}

func (d *Directory) blockLists(q Query) []Party {
	var out []Party
	for _, b := range d.data.BlockLists {
		if len(b.Types) > 0 && !slices.Contains(b.Types, q.Type) {
			continue
		}
		p := Party{ID: "blocklist:" + slug(b.Name), Role: BlockList, Name: b.Name, Basis: configured}
		out = append(out, d.reach(p, q, b.Form, source{b.Email, configured}))
	}
	return out
}

// platformParties are the platform a subject is under, or the platforms that a
// registered domain carries: only their operator can hold that name.
func (d *Directory) platformParties(q Query) []Party {
	var out []Party
	add := func(suffix name.Domain, basis string) {
		p := Party{Role: Platform, Basis: basis}
		for n := suffix; !n.IsZero(); n = n.Parent() {
			if c, ok := d.platforms[n]; ok {
				p.ID, p.Name = "platform:"+c.Suffix.String(), c.Name
				out = append(out, d.reach(p, q, c.Form, source{c.Email, configured}))
				return
			}
		}
		p.ID, p.Name = "platform:"+suffix.String(), suffix.String()
		out = append(out, d.reach(p, q, ""))
	}
	switch s := q.Subject; s.Kind {
	case PlatformCustomer:
		switch {
		case d.shared[s.Platform]:
			add(s.Platform, "shared host "+s.Platform.String())
		case d.suffixes.Split(s.Platform).Platform == s.Platform:
			add(s.Platform, "private suffix "+s.Platform.String())
		default:
			add(s.Platform, "platform list "+s.Platform.String())
		}
	case RegisteredDomain:
		for _, p := range d.platformsBelow(s.Name) {
			add(p.Suffix, "the name carries the platform "+p.Suffix.String())
		}
	}
	return out
}

// hosts are the networks the abuse was seen at: a CDN's where the address is a
// CDN's, which says nothing of the host behind it, else the host's.
func (d *Directory) hosts(q Query) []Party {
	var out []Party
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr, n registration.Network) {
		seen[a] = true
		if c, prefix, ok := d.cdnOf(a); ok {
			p := Party{ID: "cdn:" + slug(c.Name), Role: CDN, Name: c.Name, Basis: "CDN list " + prefix.String()}
			out = append(out, d.reach(p, q, c.Form, source{networkMail(n), "rdap network " + block(a, n)}, source{c.Email, configured}))
			return
		}
		p := Party{ID: "host:" + a.String(), Role: Host, Name: a.String(), Basis: "address " + a.String()}
		if !found(n) {
			p = d.reach(p, q, "")
			p.Why = "the network of " + a.String() + " is not known"
			out = append(out, p)
			return
		}
		if id := identifier(n.Handle); id != "" {
			p.ID = "host:" + id
		} else if n.Start != "" {
			p.ID = "host:" + slug(n.Start+" "+n.End)
		}
		p.Name = cmp.Or(text.Line(n.Holder, maxName), text.Line(n.Name, maxName), identifier(n.Handle), a.String())
		p.Basis = "rdap network " + block(a, n)
		out = append(out, d.reach(p, q, "", source{n.AbuseEmail, p.Basis}))
	}
	for _, an := range q.Networks {
		a := an.Addr.Unmap().WithZone("")
		if a.IsValid() && (q.Subject.Kind != Address || a == q.Subject.Addr) {
			add(a, an.Network)
		}
	}
	if q.Subject.Kind == Address && !seen[q.Subject.Addr] {
		add(q.Subject.Addr, registration.Network{})
	}
	return out
}

// cdnOf is the CDN whose prefix holds a, the longest one if several do.
func (d *Directory) cdnOf(a netip.Addr) (KnownCDN, netip.Prefix, bool) {
	var best netip.Prefix
	var cdn KnownCDN
	for _, c := range d.data.CDNs {
		for _, p := range c.Prefixes {
			longer := !best.IsValid() || p.Bits() > best.Bits() || p.Bits() == best.Bits() && c.Name < cdn.Name
			if p.Contains(a) && longer {
				best, cdn = p, c
			}
		}
	}
	return cdn, best, best.IsValid()
}

func found(n registration.Network) bool {
	return n.State == registration.Registered && (n.Handle != "" || n.Start != "" || n.AbuseEmail != "")
}

func networkMail(n registration.Network) string {
	if !found(n) {
		return ""
	}
	return n.AbuseEmail
}

// block names a network: as a prefix if its bounds make one, else its bounds,
// else the address looked up.
func block(a netip.Addr, n registration.Network) string {
	start, err1 := netip.ParseAddr(n.Start)
	end, err2 := netip.ParseAddr(n.End)
	if err1 != nil || err2 != nil || start.BitLen() != end.BitLen() || !start.IsValid() {
		return a.String()
	}
	for bits := start.BitLen(); bits >= 0; bits-- {
		p := netip.PrefixFrom(start, bits).Masked()
		if p.Contains(end) {
			if p.Addr() == start && last(p) == end {
				return p.String()
			}
			break
		}
	}
	return start.String() + "-" + end.String()
}

// last is the highest address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// identifier keeps a registry handle if it is of the shape handles have.
func identifier(handle string) string {
	if len(handle) > 80 {
		return ""
	}
	for _, r := range handle {
		if !alphanumeric(r) && !strings.ContainsRune("-_.:/", r) {
			return ""
		}
	}
	return handle
}

// nameParties are those with authority over the registered domain itself.
func (d *Directory) nameParties(q Query) []Party {
	s := q.Subject
	if ok, _ := d.DNSLevelAllowed(s); !ok {
		return nil
	}
	rec := q.Record
	if rec != nil && rec.Domain != "" && !strings.EqualFold(strings.TrimSuffix(rec.Domain, "."), s.Name.String()) {
		rec = nil
	}
	if rec != nil && rec.State == registration.Available {
		return nil // nothing is registered, so nobody holds it
	}
	out := []Party{d.registrar(q, rec), d.registry(q)}
	if d.TLDKind(s.Name.TLD()) == GTLD && q.Type.InContractScope() {
		c := d.data.Compliance
		p := Party{ID: "compliance:icann", Role: Compliance, Name: cmp.Or(c.Name, "ICANN Contractual Compliance"), Basis: "gTLD " + s.Name.TLD()}
		p = d.reach(p, q, c.Form, source{c.Email, configured})
		if !p.Reachable && c == (Bundle{}) {
			p.Why = "a person files the bundle; no form is configured"
		}
		out = append(out, p)
	}
	return out
}

func (d *Directory) registrar(q Query, rec *registration.Record) Party {
	p := Party{ID: "registrar:unknown", Role: Registrar, Name: "registrar not known"}
	if rec == nil || rec.Registrar.Name == "" && ianaID(rec.Registrar.IANAID) == "" {
		p.Why = "no registration answer"
		if rec != nil {
			p.Why = "the registration answer names no registrar"
			if rec.State != registration.Registered {
				p.Why = "no registration answer: " + string(rec.State)
			}
		}
		return p
	}
	r := rec.Registrar
	iana := ianaID(r.IANAID)
	known, lent := d.registrars[iana], d.lent[iana]
	if iana == "" {
		p.ID = "registrar:" + slug(r.Name)
	} else {
		p.ID = "registrar:" + iana
	}
	listed, _ := d.data.Contacts.Listed(p.ID)
	p.Name = cmp.Or(text.Line(r.Name, maxName), known.Name, listed.Name, "registrar "+iana)
	basis := cmp.Or(rec.Sources["registrar.abuse_email"].Protocol, rec.Sources["registrar"].Protocol, rec.Sources[""].Protocol, "rdap") + " registrar entity"
	p.Basis = basis
	lender := configured + " of the same desk, IANA ID " + ianaID(lent.IANAID)
	mails, forms := d.listedContacts(listed)
	p = d.reachBy(p, q, firstForm(append([]source{{known.Form, configured}, {lent.Form, lender}}, forms...)...),
		append([]source{{r.AbuseEmail, basis}, {known.Email, configured}, {lent.Email, lender}}, mails...)...)
	p.Desk = d.deskOf(p)
	if !p.Reachable && strings.TrimSpace(r.AbuseEmail) == "" && known.Email == "" {
		p.Why = "the registration answer gives no abuse address of the registrar"
	}
	return p
}

// listedContacts are the contacts that the list has for a row: its own, in its
// order, then those that others of the same desk give, if they are one
// organisation.
func (d *Directory) listedContacts(l Listed) (mails, forms []source) {
	for _, e := range l.Emails {
		mails = append(mails, source{e, l.Basis()})
	}
	for _, f := range l.Forms {
		forms = append(forms, source{f, l.Basis()})
	}
	g, ok := d.data.Contacts.Group(l.Group)
	if !ok || g.Shared {
		return mails, forms
	}
	basis := l.Basis() + ", others of the same desk"
	for _, e := range g.Emails {
		if !slices.ContainsFunc(l.Emails, func(o string) bool { return sameMailbox(o, e) }) {
			mails = append(mails, source{e, basis})
		}
	}
	for _, f := range g.Forms {
		if !slices.Contains(l.Forms, f) {
			forms = append(forms, source{f, basis})
		}
	}
	return mails, forms
}

// firstForm is the first that is known.
func firstForm(forms ...source) source {
	for _, f := range forms {
		if f.field != "" {
			return f
		}
	}
	return source{}
}

// deskOf is the group that p's contact belongs to. A desk that unrelated
// parties share is p's only if that is where p is reached.
func (d *Directory) deskOf(p Party) string {
	l, _ := d.data.Contacts.Listed(p.ID)
	if g, ok := d.data.Contacts.Group(l.Group); ok && (!g.Shared || p.Email == "" || slices.ContainsFunc(g.Emails, func(e string) bool { return sameMailbox(e, p.Email) })) {
		return g.ID
	}
	g, _ := d.data.Contacts.GroupOfMail(p.Email)
	return g.ID
}

func (d *Directory) registry(q Query) Party {
	tld := q.Subject.Name.TLD()
	for n := q.Subject.Name.Parent(); !n.IsZero(); n = n.Parent() {
		id := "registry:" + n.String()
		r, known := d.registries[n]
		listed, isListed := d.data.Contacts.Listed(id)
		if !known && !isListed {
			continue
		}
		p := Party{ID: id, Role: Registry, Name: cmp.Or(r.Name, listed.Name, "registry of "+n.String()), Procedure: r.Procedure}
		if known {
			p.Basis = configured
		}
		mails, forms := d.listedContacts(listed)
		p = d.reachBy(p, q, firstForm(append([]source{{r.Form, configured}}, forms...)...), append([]source{{r.Email, configured}}, mails...)...)
		p.Desk = d.deskOf(p)
		p.Basis = cmp.Or(p.Basis, listed.Basis())
		switch {
		case p.Reachable:
		case r.Email == "" && r.Procedure != "":
			p.Why = "only its procedure is known: " + text.Line(r.Procedure, maxName)
		case !known && !listed.Usable():
			p.Why = "no contact of the registry is configured, and the contact list has none"
		}
		return p
	}
	return Party{ID: "registry:" + tld, Role: Registry, Name: "registry of " + tld, Basis: "TLD " + tld, Why: "no contact of the registry is configured"}
}

// certs are told of names under their TLDs. The country of an address or a
// network is not looked at: it is not a jurisdiction.
func (d *Directory) certs(q Query) []Party {
	tld := ""
	if q.Subject.Kind != Address {
		tld = q.Subject.Name.TLD()
	}
	var out []Party
	for _, c := range d.data.CERTs {
		basis := ""
		switch {
		case tld != "" && answersFor(c, tld) && d.TLDKind(tld) == CCTLD:
			basis = "ccTLD " + tld
		case c.All:
			basis = configured
		default:
			continue
		}
		p := Party{ID: "cert:" + slug(c.Name), Role: CERT, Name: c.Name, Basis: basis}
		out = append(out, d.reach(p, q, "", source{c.Email, configured}))
	}
	return out
}

func answersFor(c KnownCERT, tld string) bool {
	if len(c.TLDs) == 0 {
		return strings.EqualFold(c.Country, tld)
	}
	return slices.ContainsFunc(c.TLDs, func(t name.Domain) bool { return t.String() == tld })
}

// sortedAddrs are the addresses a query names, in order.
func sortedAddrs(q Query) []netip.Addr {
	var out []netip.Addr
	if q.Subject.Kind == Address {
		out = append(out, q.Subject.Addr)
	} else {
		for _, n := range q.Networks {
			if a := n.Addr.Unmap().WithZone(""); a.IsValid() {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
