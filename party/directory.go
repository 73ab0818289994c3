package party

import (
	"net/netip"
	"slices"
	"strings"

	"bailiwick/name"
	"bailiwick/problem"
)

// The kinds of top-level domain, as TLDKind gives them.
const (
	GTLD       = "gtld"
	CCTLD      = "cctld"
	UnknownTLD = "unknown"
)

// Directory answers who has authority over a subject and how it is reached. It
// holds no mutable state and is safe for concurrent use.
type Directory struct {
	data     Data
	suffixes *name.Suffixes
	gtld     func(string) (known, gtld bool)
	// platforms are the configured platforms and shared hosts by suffix.
	platforms map[name.Domain]KnownPlatform
	// shared marks those of platforms that are shared hosts.
	shared     map[name.Domain]bool
	registries map[name.Domain]KnownRegistry
	registrars map[string]KnownRegistrar
	// lent are the entries that stand for other registrars of a desk.
	lent    map[string]KnownRegistrar
	keys    map[string]string // armored OpenPGP keys by mail address in lower case
	brands  [][]brand         // beside data.Constituents
	trusted map[string]bool
	self    map[string]bool
}

// New makes a directory of data, which is validated. suffixes says where names
// are registered and which suffixes are private; gtld says of a TLD (an A-label
// in lower case, no dot) whether it is known and whether it is under a gTLD
// contract with ICANN. A platform's suffix must not itself be a place where
// names are registered: its registrar would then be everybody's.
func New(data Data, suffixes *name.Suffixes, gtld func(tld string) (known, gtld bool)) (*Directory, error) {
	if err := data.Validate(); err != nil {
		return nil, err
	}
	d := &Directory{
		data: data, suffixes: suffixes, gtld: gtld,
		platforms: map[name.Domain]KnownPlatform{}, shared: map[name.Domain]bool{},
		registries: map[name.Domain]KnownRegistry{}, registrars: map[string]KnownRegistrar{},
		lent: map[string]KnownRegistrar{}, keys: map[string]string{},
		trusted: map[string]bool{}, self: map[string]bool{},
	}
	var wrong *problem.Error
	for list, ps := range map[string][]KnownPlatform{"platforms": data.Platforms, "shared_hosts": data.SharedHosts} {
		for _, p := range ps {
			if suffixes.Split(p.Suffix).Registered.IsZero() {
				wrong = wrong.Add(list, "%s is a public suffix, not a platform", p.Suffix)
				continue
			}
			d.platforms[p.Suffix] = p
			d.shared[p.Suffix] = list == "shared_hosts"
		}
	}
	if err := wrong.OrNil(); err != nil {
		slices.SortFunc(wrong.Fields, func(a, b problem.Field) int { return strings.Compare(a.Path+a.Reason, b.Path+b.Reason) })
		return nil, err
	}
	for _, r := range data.Registries {
		d.registries[r.TLD] = r
	}
	for _, r := range data.Registrars {
		d.registrars[ianaID(r.IANAID)] = r
	}
	d.lend()
	d.readKeys()
	for _, c := range data.Constituents {
		var bs []brand
		for _, w := range c.Brands {
			bs = append(bs, newBrand(w))
		}
		d.brands = append(d.brands, bs)
	}
	for _, id := range data.Trusted {
		d.trusted[id] = true
	}
	for _, id := range data.Self.IDs {
		d.self[id] = true
	}
	return d, nil
}

// lend lets a configured registrar stand for the others of its desk that are
// not configured themselves. What the operator says (Also) comes before what
// the contact list shows, and an earlier entry before a later one.
func (d *Directory) lend() {
	lend := func(to string, r KnownRegistrar) {
		if _, own := d.registrars[to]; to == "" || own {
			return
		}
		if _, taken := d.lent[to]; !taken {
			d.lent[to] = r
		}
	}
	for _, r := range d.data.Registrars {
		for _, id := range r.Also {
			lend(ianaID(id), r)
		}
	}
	for _, r := range d.data.Registrars {
		l, _ := d.data.Contacts.Listed("registrar:" + ianaID(r.IANAID))
		if g, ok := d.data.Contacts.Group(l.Group); ok && !g.Shared {
			for _, id := range g.Members {
				lend(strings.TrimPrefix(id, "registrar:"), r)
			}
		}
	}
}

// readKeys gathers the keys of all entries. One under Keys comes first.
func (d *Directory) readKeys() {
	add := func(email, pgp string) {
		if k := lower(email); pgp != "" && d.keys[k] == "" {
			d.keys[k] = pgp
		}
	}
	for _, k := range d.data.Keys {
		add(k.Email, k.PGP)
	}
	for _, p := range slices.Concat(d.data.Platforms, d.data.SharedHosts) {
		add(p.Email, p.PGP)
	}
	for _, c := range d.data.CDNs {
		add(c.Email, c.PGP)
	}
	for _, b := range d.data.BlockLists {
		add(b.Email, b.PGP)
	}
	for _, c := range d.data.CERTs {
		add(c.Email, c.PGP)
	}
	for _, c := range d.data.Constituents {
		add(c.Email, c.PGP)
	}
	for _, r := range d.data.Registries {
		add(r.Email, r.PGP)
	}
	for _, r := range d.data.Registrars {
		add(r.Email, r.PGP)
	}
}

// PGPKey is the armored OpenPGP public key that is configured today for a mail
// address, or "".
func (d *Directory) PGPKey(addr string) string { return d.keys[lower(addr)] }

// Contacts is the contact list; nil if there is none.
func (d *Directory) Contacts() *Contacts { return d.data.Contacts }

// Source is one place that names contacts of a party, registration data apart.
type Source struct {
	From  string `json:"from"` // "configuration", "contact list of 2025-07-22", …
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Form  string `json:"form,omitempty"`
}

// Sources are what is configured and listed about a party by its identifier,
// in the order in which Who tries it after registration data.
func (d *Directory) Sources(id string) []Source {
	var out []Source
	add := func(from, name, email, form string) {
		if email != "" || form != "" {
			out = append(out, Source{from, name, email, form})
		}
	}
	role, rest, _ := strings.Cut(id, ":")
	switch Role(role) {
	case Registrar:
		if r, ok := d.registrars[ianaID(rest)]; ok {
			add(configured, r.Name, r.Email, r.Form)
		}
		if r, ok := d.lent[ianaID(rest)]; ok {
			add(configured+" of the same desk, IANA ID "+ianaID(r.IANAID), r.Name, r.Email, r.Form)
		}
	case Registry:
		for tld, r := range d.registries {
			if tld.String() == rest {
				add(configured, r.Name, r.Email, r.Form)
			}
		}
	case Platform:
		for suffix, p := range d.platforms {
			if suffix.String() == rest {
				add(configured, p.Name, p.Email, p.Form)
			}
		}
	case Compliance:
		add(configured, d.data.Compliance.Name, d.data.Compliance.Email, d.data.Compliance.Form)
	case CDN:
		for _, c := range d.data.CDNs {
			if slug(c.Name) == rest {
				add(configured, c.Name, c.Email, c.Form)
			}
		}
	case BlockList:
		for _, b := range d.data.BlockLists {
			if slug(b.Name) == rest {
				add(configured, b.Name, b.Email, b.Form)
			}
		}
	case CERT:
		for _, c := range d.data.CERTs {
			if slug(c.Name) == rest {
				add(configured, c.Name, c.Email, "")
			}
		}
	case Constituent:
		for _, c := range d.data.Constituents {
			if slug(c.Name) == rest {
				add(configured, c.Name, c.Email, c.Form)
			}
		}
	}
	if l, ok := d.data.Contacts.Listed(id); ok {
		for i := range max(len(l.Emails), len(l.Forms)) {
			var email, form string
			if i < len(l.Emails) {
				email = l.Emails[i]
			}
			if i < len(l.Forms) {
				form = l.Forms[i]
			}
			add(l.Basis(), l.Name, email, form)
		}
	}
	return out
}

// Desk says what counts as one desk with the party id when mail goes to addr:
// the mail addresses (in lower case) and the identifiers of parties over which
// caps are counted together. A mailbox that unrelated parties share joins their
// mail and nothing else of theirs.
func (d *Directory) Desk(id, addr string) (addrs, ids []string) {
	addrs, ids = append(addrs, lower(addr)), append(ids, id)
	add := func(g Group) {
		for _, e := range g.Emails {
			addrs = append(addrs, lower(e))
		}
		if !g.Shared {
			ids = append(ids, g.Members...)
		}
	}
	if l, ok := d.data.Contacts.Listed(id); ok {
		if g, ok := d.data.Contacts.Group(l.Group); ok && (!g.Shared || slices.ContainsFunc(g.Emails, func(e string) bool { return sameMailbox(e, addr) })) {
			add(g)
		}
	}
	if g, ok := d.data.Contacts.GroupOfMail(addr); ok {
		add(g)
	}
	slices.Sort(addrs)
	slices.Sort(ids)
	addrs = slices.DeleteFunc(slices.Compact(addrs), func(a string) bool { return a == "" })
	return addrs, slices.DeleteFunc(slices.Compact(ids), func(i string) bool { return i == "" })
}

// Subject is what can be acted on when u is abused: the registered domain; the
// customer's name below a private suffix or known shared host; the address
// where u has no name. See SubjectOfDomain.
func (d *Directory) Subject(u name.URL) (Subject, error) {
	if u.Addr.IsValid() {
		return d.SubjectOfAddr(u.Addr)
	}
	return d.SubjectOfDomain(u.Domain)
}

// SubjectOfDomain is the subject that a name belongs to. A platform's or
// shared host's own name is a subject of kind PlatformCustomer whose Name and
// Platform are equal: the platform is its only authority. A name that is a
// public suffix of the ICANN section belongs to a registry and is refused.
func (d *Directory) SubjectOfDomain(n name.Domain) (Subject, error) {
	if n.IsZero() {
		return Subject{}, problem.New(problem.Invalid, "there is no name")
	}
	if p := d.platformOf(n); !p.IsZero() {
		s := Subject{Kind: PlatformCustomer, Name: p, Platform: p}
		if n != p {
			rest := strings.TrimSuffix(n.String(), "."+p.String())
			own, err := name.Parse(rest[strings.LastIndexByte(rest, '.')+1:] + "." + p.String())
			if err != nil {
				return Subject{}, problem.Wrap(err, problem.Invalid, "%s is not a name below the platform %s", n, p)
			}
			s.Name = own
		}
		return s, nil
	}
	parts := d.suffixes.Split(n)
	if parts.Registered.IsZero() {
		return Subject{}, problem.New(problem.Refused, "%s is a public suffix: many names are registered below it, and it is nobody's own", n)
	}
	return Subject{Kind: RegisteredDomain, Name: parts.Registered}, nil
}

// SubjectOfAddr is the subject of an address without a name.
func (d *Directory) SubjectOfAddr(a netip.Addr) (Subject, error) {
	if !a.IsValid() {
		return Subject{}, problem.New(problem.Invalid, "there is no address")
	}
	return Subject{Kind: Address, Addr: a.Unmap().WithZone("")}, nil
}

// platformOf is the longest private suffix or configured platform that n is at
// or below; zero if there is none.
func (d *Directory) platformOf(n name.Domain) name.Domain {
	longest := d.suffixes.Split(n).Platform
	for p := n; !p.IsZero(); p = p.Parent() {
		if _, ok := d.platforms[p]; ok {
			if len(p.String()) > len(longest.String()) {
				return p
			}
			break
		}
	}
	return longest
}

// platformsBelow are the configured platforms and shared hosts at or below n,
// sorted.
func (d *Directory) platformsBelow(n name.Domain) []KnownPlatform {
	var out []KnownPlatform
	for s, p := range d.platforms {
		if s.Under(n) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b KnownPlatform) int { return strings.Compare(a.Suffix.String(), b.Suffix.String()) })
	return out
}

// wildcardBelow says whether the private section makes a suffix of every label
// below n ("*.run.app"): n itself is then a registered domain, and a platform's.
func (d *Directory) wildcardBelow(n name.Domain) bool {
	if d.suffixes.Split(n).Registered != n {
		return false
	}
	probe, err := name.Parse("any-label." + n.String())
	return err == nil && d.suffixes.Split(probe).Platform == probe
}

// TLDKind says under whose rules a TLD is: GTLD, CCTLD or UnknownTLD. Every
// two-letter ASCII TLD is a country-code TLD, also one the list lacks (ISO
// 3166-1 codes; RFC 1591 section 2).
func (d *Directory) TLDKind(tld string) string {
	tld = strings.ToLower(strings.Trim(tld, "."))
	known, g := d.gtld(tld)
	switch {
	case known && g:
		return GTLD
	case known, len(tld) == 2 && 'a' <= tld[0] && tld[0] <= 'z' && 'a' <= tld[1] && tld[1] <= 'z':
		return CCTLD
	}
	return UnknownTLD
}

// DNSLevelAllowed says whether a registrar or registry may be asked about s at
// all, and if not, why, in words. It is a limit, not a reason to ask: whether a
// name was registered for abuse is for the judgement to say. Never for an
// address, a platform's customer, a public suffix, or a name that others than
// its abuser live by: a platform's, a shared host's, a constituent's, a
// protected one, our own.
func (d *Directory) DNSLevelAllowed(s Subject) (bool, string) {
	switch s.Kind {
	case Address:
		return false, "an address has no registrar"
	case PlatformCustomer:
		return false, "the name is a customer's or the own name of the platform " + s.Platform.String() + ": the platform is asked, never its registrar"
	case RegisteredDomain:
	default:
		return false, "the kind of subject is not known"
	}
	if s.Name.IsZero() {
		return false, "there is no name"
	}
	parts := d.suffixes.Split(s.Name)
	switch {
	case parts.Registered.IsZero():
		return false, s.Name.String() + " is a public suffix"
	case parts.Registered != s.Name:
		return false, s.Name.String() + " is not a registered domain"
	}
	if p := d.platformOf(s.Name); !p.IsZero() {
		return false, s.Name.String() + " is at or below the platform " + p.String()
	}
	if ps := d.platformsBelow(s.Name); len(ps) > 0 {
		return false, s.Name.String() + " carries the platform " + ps[0].Suffix.String()
	}
	if d.wildcardBelow(s.Name) {
		return false, s.Name.String() + " carries names of a platform"
	}
	for _, c := range d.data.Constituents {
		for _, n := range c.Domains {
			if related(s.Name, n) {
				return false, s.Name.String() + " is a name of the constituent " + c.Name
			}
		}
	}
	for _, n := range d.data.Protected {
		if related(s.Name, n) {
			return false, s.Name.String() + " is a protected name"
		}
	}
	for _, n := range d.data.Self.Domains {
		if related(s.Name, n) {
			return false, s.Name.String() + " is the centre's own name"
		}
	}
	return true, ""
}

// related says whether suspending a would take b with it, or b covers a.
func related(a, b name.Domain) bool { return a.Under(b) || b.Under(a) }

// Collateral says, in words and in a fixed order, what else would go dark if
// the registered domain that s is at or below were suspended. It is empty for
// a name that is, as far as is known, its registrant's alone.
func (d *Directory) Collateral(s Subject) []string {
	if s.Kind == Address || s.Name.IsZero() {
		return nil
	}
	parts := d.suffixes.Split(s.Name)
	if parts.Registered.IsZero() {
		return []string{"every name registered below the public suffix " + s.Name.String()}
	}
	root := parts.Registered
	var out []string
	if p := d.platformOf(s.Name); !p.IsZero() {
		if _, configured := d.platforms[p]; !configured {
			out = append(out, "the names of every customer of the platform "+p.String())
		}
	}
	for _, p := range d.platformsBelow(root) {
		kind := "platform"
		if d.shared[p.Suffix] {
			kind = "shared host"
		}
		out = append(out, "the names of every customer of the "+kind+" "+p.Suffix.String()+" ("+p.Name+")")
	}
	if d.wildcardBelow(root) {
		out = append(out, "the names of every customer of the platform "+root.String())
	}
	for _, c := range d.data.Constituents {
		for _, n := range c.Domains {
			if related(root, n) {
				out = append(out, "the name "+n.String()+" of the constituent "+c.Name)
			}
		}
	}
	for _, n := range d.data.Protected {
		if related(root, n) {
			out = append(out, "the protected name "+n.String())
		}
	}
	for _, n := range d.data.Self.Domains {
		if related(root, n) {
			out = append(out, "the centre's own name "+n.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
