package party

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/text"

	"go.yaml.in/yaml/v3"
)

// MaxData is the longest data file that is read, in octets.
const MaxData = 4 << 20

// KnownPlatform hands out names to customers below its suffix: a private section
// suffix of the public suffix list, or a shared host that the list lacks.
type KnownPlatform struct {
	Suffix name.Domain `json:"suffix" yaml:"suffix"`
	Name   string      `json:"name" yaml:"name"`
	Email  string      `json:"email,omitempty" yaml:"email"`
	Form   string      `json:"form,omitempty" yaml:"form"` // https address of a web form
	PGP    string      `json:"pgp,omitempty" yaml:"pgp"`   // armored public key for Email
}

// KnownCDN is a network that stands in front of hosts. An address inside Prefixes
// is the CDN's, whatever is behind it.
type KnownCDN struct {
	Name     string         `json:"name" yaml:"name"`
	Email    string         `json:"email,omitempty" yaml:"email"`
	Form     string         `json:"form,omitempty" yaml:"form"`
	Prefixes []netip.Prefix `json:"prefixes" yaml:"prefixes"`
	PGP      string         `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
}

// KnownBlockList warns users. Types are the kinds of abuse it takes; none is all.
type KnownBlockList struct {
	Name  string       `json:"name" yaml:"name"`
	Email string       `json:"email,omitempty" yaml:"email"`
	Form  string       `json:"form,omitempty" yaml:"form"`
	Types []abuse.Type `json:"types,omitempty" yaml:"types"`
	PGP   string       `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
}

// KnownCERT is another national or sector CERT. It is told of names under TLDs and,
// if All is set, of everything; it is never asked in a party's place. An
// address's or a network's country tells nothing here: where a network is
// registered is not whose law holds.
type KnownCERT struct {
	Name    string `json:"name" yaml:"name"`
	Email   string `json:"email,omitempty" yaml:"email"`
	Country string `json:"country,omitempty" yaml:"country"` // ISO 3166-1 alpha-2
	// TLDs are the country-code TLDs it answers for, such as "uk" or an IDN
	// ccTLD; empty means the TLD spelled as Country.
	TLDs []name.Domain `json:"tlds,omitempty" yaml:"tlds"`
	All  bool          `json:"all,omitempty" yaml:"all"`
	PGP  string        `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
}

// KnownConstituent is an organisation the centre protects. Domains are its own
// names: never to be suspended. Brands are words by which people know it.
type KnownConstituent struct {
	Name     string         `json:"name" yaml:"name"`
	Email    string         `json:"email,omitempty" yaml:"email"`
	Form     string         `json:"form,omitempty" yaml:"form"`
	Domains  []name.Domain  `json:"domains,omitempty" yaml:"domains"`
	Networks []netip.Prefix `json:"networks,omitempty" yaml:"networks"`
	Brands   []string       `json:"brands,omitempty" yaml:"brands"`
	PGP      string         `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
}

// KnownRegistry runs a TLD or a suffix below one. Procedure is a ccTLD's own
// procedure for abuse, as text or an address.
type KnownRegistry struct {
	TLD       name.Domain `json:"tld" yaml:"tld"`
	Name      string      `json:"name" yaml:"name"`
	Email     string      `json:"email,omitempty" yaml:"email"`
	Form      string      `json:"form,omitempty" yaml:"form"`
	Procedure string      `json:"procedure,omitempty" yaml:"procedure"`
	PGP       string      `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
}

// KnownRegistrar is a registrar whose contact is known from elsewhere. It is used
// only where today's RDAP gives none that works. It stands for the other
// registrars of the same desk, too: those in Also, and those that the contact
// list shows to be one organisation with it (Group), unless they have an entry
// of their own.
type KnownRegistrar struct {
	IANAID string `json:"iana_id" yaml:"iana_id"`
	Name   string `json:"name" yaml:"name"`
	Email  string `json:"email,omitempty" yaml:"email"`
	Form   string `json:"form,omitempty" yaml:"form"`
	PGP    string `json:"pgp,omitempty" yaml:"pgp"` // armored public key for Email
	// Also are the IANA IDs of the same organisation's other accreditations.
	Also []string `json:"also,omitempty" yaml:"also"`
}

// Bundle is where a compliance bundle is filed, by a person.
type Bundle struct {
	Name  string `json:"name,omitempty" yaml:"name"`
	Email string `json:"email,omitempty" yaml:"email"`
	Form  string `json:"form,omitempty" yaml:"form"`
}

// Centre is ourselves: never asked, never informed.
type Centre struct {
	// IDs are party identifiers that are us ("cert:cert-example",
	// "registrar:1861"), for a centre that is also a registry or a registrar.
	IDs   []string `json:"ids,omitempty" yaml:"ids"`
	Name  string   `json:"name,omitempty" yaml:"name"`
	Email string   `json:"email,omitempty" yaml:"email"`
	// Domains are our own names. They are never to be suspended, and a mail
	// address at or below one is ours, whoever published it.
	Domains []name.Domain `json:"domains,omitempty" yaml:"domains"`
}

// Data is what a centre knows about parties before it looks anything up.
type Data struct {
	// Platforms hand out names below a suffix of the public suffix list's
	// private section; SharedHosts do so without being on that list.
	Platforms    []KnownPlatform    `json:"platforms,omitempty" yaml:"platforms"`
	SharedHosts  []KnownPlatform    `json:"shared_hosts,omitempty" yaml:"shared_hosts"`
	CDNs         []KnownCDN         `json:"cdns,omitempty" yaml:"cdns"`
	BlockLists   []KnownBlockList   `json:"block_lists,omitempty" yaml:"block_lists"`
	CERTs        []KnownCERT        `json:"certs,omitempty" yaml:"certs"`
	Constituents []KnownConstituent `json:"constituents,omitempty" yaml:"constituents"`
	Registries   []KnownRegistry    `json:"registries,omitempty" yaml:"registries"`
	Registrars   []KnownRegistrar   `json:"registrars,omitempty" yaml:"registrars"`
	Compliance   Bundle             `json:"compliance,omitzero" yaml:"compliance"`
	// Protected are further names for which a registrar is never asked: those
	// of well-known brands, banks and mail providers that reports name by
	// mistake.
	Protected []name.Domain `json:"protected,omitempty" yaml:"protected"`
	// Trusted are the identifiers of parties that may learn who reported, if
	// the reporter agreed.
	Trusted []string `json:"trusted,omitempty" yaml:"trusted"`
	Self    Centre   `json:"self,omitzero" yaml:"self"`
	// Keys are OpenPGP public keys by mail address, beside those of the entries
	// above: for contacts that registration data names.
	Keys []KnownKey `json:"keys,omitempty" yaml:"keys"`
	// Contacts is a contact list: the last resort where neither registration
	// data nor configuration names a contact that works. It is no part of a data
	// file.
	Contacts *Contacts `json:"-" yaml:"-"`
}

// KnownKey is the OpenPGP public key of whoever reads a mail address.
type KnownKey struct {
	Email string `json:"email" yaml:"email"`
	PGP   string `json:"pgp" yaml:"pgp"` // armored
}

//go:embed data/platforms.yaml
var shipped []byte

// Default is the data shipped with the program: names of widely known
// platforms that the public suffix list's private section covers, and the
// contact list of ShippedContacts. A contact of the list is used where nothing
// fresher is known: contacts change, and a wrong one does harm.
func Default() (Data, error) {
	d, err := Load(bytes.NewReader(shipped))
	if err != nil {
		return d, err
	}
	d.Contacts, err = ShippedContacts(name.DefaultSuffixes())
	return d, err
}

// Load reads a data file: YAML, of which JSON is a subset. An unknown or
// repeated key, a second document and every wrong value is an error that says
// where.
func Load(r io.Reader) (Data, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxData+1))
	if err != nil {
		return Data{}, problem.Wrap(err, problem.Unavailable, "the party data cannot be read")
	}
	if len(b) > MaxData {
		return Data{}, problem.New(problem.TooLarge, "the party data is over %d octets long", MaxData)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	var d Data
	if err := dec.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		return Data{}, problem.Wrap(err, problem.Invalid, "the party data does not parse: %s", text.Line(err.Error(), 400))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Data{}, problem.New(problem.Invalid, "the party data holds more than one document")
	}
	if err := d.Validate(); err != nil {
		return Data{}, err
	}
	return d, nil
}

// With adds the entries of own to d. An entry of own replaces the one of d for
// the same suffix, TLD, registrar or name; own's centre and compliance entry
// count if they say anything.
func (d Data) With(own Data) Data {
	d.Platforms = merge(d.Platforms, own.Platforms, func(p KnownPlatform) string { return p.Suffix.String() })
	d.SharedHosts = merge(d.SharedHosts, own.SharedHosts, func(p KnownPlatform) string { return p.Suffix.String() })
	d.CDNs = merge(d.CDNs, own.CDNs, func(c KnownCDN) string { return slug(c.Name) })
	d.BlockLists = merge(d.BlockLists, own.BlockLists, func(b KnownBlockList) string { return slug(b.Name) })
	d.CERTs = merge(d.CERTs, own.CERTs, func(c KnownCERT) string { return slug(c.Name) })
	d.Constituents = merge(d.Constituents, own.Constituents, func(c KnownConstituent) string { return slug(c.Name) })
	d.Registries = merge(d.Registries, own.Registries, func(r KnownRegistry) string { return r.TLD.String() })
	d.Registrars = merge(d.Registrars, own.Registrars, func(r KnownRegistrar) string { return r.IANAID })
	d.Protected = append(slices.Clone(d.Protected), own.Protected...)
	d.Trusted = append(slices.Clone(d.Trusted), own.Trusted...)
	d.Keys = merge(d.Keys, own.Keys, func(k KnownKey) string { return lower(k.Email) })
	if own.Contacts != nil {
		d.Contacts = own.Contacts
	}
	if own.Compliance != (Bundle{}) {
		d.Compliance = own.Compliance
	}
	if s := own.Self; s.Name != "" || s.Email != "" || len(s.IDs) > 0 || len(s.Domains) > 0 {
		d.Self = s
	}
	return d
}

func merge[T any](base, own []T, key func(T) string) []T {
	theirs := map[string]bool{}
	for _, o := range own {
		theirs[key(o)] = true
	}
	out := slices.DeleteFunc(slices.Clone(base), func(b T) bool { return theirs[key(b)] })
	return append(out, own...)
}

// Validate reports every rule that d breaks, with the field.
func (d Data) Validate() error {
	v := checker{seen: map[string]string{}}
	platforms := func(list string, ps []KnownPlatform) {
		for i, p := range ps {
			at := fmt.Sprintf("%s[%d]", list, i)
			v.named(at, p.Name)
			v.domain(at+".suffix", p.Suffix)
			v.once(at+".suffix", "platform "+p.Suffix.String())
			v.contact(at, p.Email, p.Form)
			v.key(at, p.Email, p.PGP)
		}
	}
	platforms("platforms", d.Platforms)
	platforms("shared_hosts", d.SharedHosts)
	for i, c := range d.CDNs {
		at := fmt.Sprintf("cdns[%d]", i)
		v.named(at, c.Name)
		v.once(at+".name", "cdn "+slug(c.Name))
		v.contact(at, c.Email, c.Form)
		v.key(at, c.Email, c.PGP)
		if len(c.Prefixes) == 0 {
			v.bad(at+".prefixes", "is empty: a CDN is known by its addresses")
		}
		v.prefixes(at+".prefixes", c.Prefixes)
	}
	for i, b := range d.BlockLists {
		at := fmt.Sprintf("block_lists[%d]", i)
		v.named(at, b.Name)
		v.once(at+".name", "block list "+slug(b.Name))
		v.contact(at, b.Email, b.Form)
		v.key(at, b.Email, b.PGP)
		for j, t := range b.Types {
			if !t.Known() {
				v.bad(fmt.Sprintf("%s.types[%d]", at, j), "%q is not an abuse type", t)
			}
		}
	}
	for i, c := range d.CERTs {
		at := fmt.Sprintf("certs[%d]", i)
		v.named(at, c.Name)
		v.once(at+".name", "cert "+slug(c.Name))
		v.contact(at, c.Email, "")
		v.key(at, c.Email, c.PGP)
		if c.Country != "" && !isCountry(c.Country) {
			v.bad(at+".country", "%q is not two capital letters of ISO 3166-1", c.Country)
		}
		for j, t := range c.TLDs {
			if len(t.Labels()) != 1 || t.IsZero() {
				v.bad(fmt.Sprintf("%s.tlds[%d]", at, j), "%q is not a TLD", t)
			}
		}
		if c.Country == "" && len(c.TLDs) == 0 && !c.All {
			v.bad(at, "needs country, tlds or all, or it is never told of anything")
		}
	}
	for i, c := range d.Constituents {
		at := fmt.Sprintf("constituents[%d]", i)
		v.named(at, c.Name)
		v.once(at+".name", "constituent "+slug(c.Name))
		v.contact(at, c.Email, c.Form)
		v.key(at, c.Email, c.PGP)
		v.prefixes(at+".networks", c.Networks)
		for j, n := range c.Domains {
			v.domain(fmt.Sprintf("%s.domains[%d]", at, j), n)
		}
		for j, b := range c.Brands {
			if newBrand(b).length() < shortestWord {
				v.bad(fmt.Sprintf("%s.brands[%d]", at, j), "%q has fewer than %d letters: it would match everywhere", b, shortestWord)
			}
		}
		if len(c.Domains)+len(c.Networks)+len(c.Brands) == 0 {
			v.bad(at, "needs domains, networks or brands, or it is never told of anything")
		}
	}
	for i, r := range d.Registries {
		at := fmt.Sprintf("registries[%d]", i)
		v.named(at, r.Name)
		if r.TLD.IsZero() {
			v.bad(at+".tld", "is missing")
		}
		v.once(at+".tld", "registry "+r.TLD.String())
		v.contact(at, r.Email, r.Form)
		v.key(at, r.Email, r.PGP)
	}
	for i, r := range d.Registrars {
		at := fmt.Sprintf("registrars[%d]", i)
		v.named(at, r.Name)
		if ianaID(r.IANAID) == "" {
			v.bad(at+".iana_id", "%q is not the IANA ID of one registrar", r.IANAID)
		}
		v.once(at+".iana_id", "registrar "+r.IANAID)
		for j, id := range r.Also {
			if ianaID(id) == "" {
				v.bad(fmt.Sprintf("%s.also[%d]", at, j), "%q is not the IANA ID of one registrar", id)
			}
		}
		v.contact(at, r.Email, r.Form)
		v.key(at, r.Email, r.PGP)
	}
	v.contact("compliance", d.Compliance.Email, d.Compliance.Form)
	for i, n := range d.Protected {
		v.domain(fmt.Sprintf("protected[%d]", i), n)
	}
	for i, k := range d.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		v.contact(at, k.Email, "")
		v.once(at+".email", "key of "+lower(k.Email))
		if v.key(at, k.Email, k.PGP); k.PGP == "" {
			v.bad(at+".pgp", "is missing")
		}
	}
	v.contact("self", d.Self.Email, "")
	for i, n := range d.Self.Domains {
		v.domain(fmt.Sprintf("self.domains[%d]", i), n)
	}
	for i, id := range append(slices.Clone(d.Trusted), d.Self.IDs...) {
		role, rest, ok := strings.Cut(id, ":")
		if !ok || rest == "" || !slices.Contains(order, Role(role)) {
			at := fmt.Sprintf("trusted[%d]", i)
			if i >= len(d.Trusted) {
				at = fmt.Sprintf("self.ids[%d]", i-len(d.Trusted))
			}
			v.bad(at, "%q is not a party's identifier, such as registrar:1861", id)
		}
	}
	return v.err.OrNil()
}

// checker collects wrong fields.
type checker struct {
	err  *problem.Error
	seen map[string]string // what must be there once -> where it was
}

func (v *checker) bad(at, format string, args ...any) { v.err = v.err.Add(at, format, args...) }

func (v *checker) named(at, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		v.bad(at+".name", "is missing")
	case text.Line(s, maxName) != s:
		v.bad(at+".name", "has control characters or needless spaces, or is over %d letters long", maxName)
	}
}

func (v *checker) domain(at string, d name.Domain) {
	if d.IsZero() || d.Parent().IsZero() {
		v.bad(at, "%q is not a domain name of two labels or more", d)
	}
}

func (v *checker) once(at, what string) {
	if first, ok := v.seen[what]; ok {
		v.bad(at, "is the same as %s", first)
		return
	}
	v.seen[what] = at
}

func (v *checker) contact(at, email, form string) {
	if a, ok := Mailbox(email); email != "" && (!ok || !strings.EqualFold(a, email)) {
		v.bad(at+".email", "%q is not one mail address", text.Line(email, maxName))
	}
	if form == "" {
		return
	}
	if u, err := url.Parse(form); err != nil || u.Scheme != "https" || u.Host == "" || len(form) > name.MaxURL || text.Line(form, name.MaxURL) != form {
		v.bad(at+".form", "%q is not an https address", text.Line(form, maxName))
	}
}

// maxKey bounds an armored key, in octets: it travels with the party.
const maxKey = 64 << 10

// key checks what shows of an armored public key (RFC 9580 section 6.2). It is
// read by whoever encrypts.
func (v *checker) key(at, email, armored string) {
	switch t := strings.TrimSpace(armored); {
	case armored == "":
	case email == "":
		v.bad(at+".pgp", "needs the mail address that it is for")
	case len(armored) > maxKey:
		v.bad(at+".pgp", "is over %d octets long", maxKey)
	case !strings.HasPrefix(t, "-----BEGIN PGP PUBLIC KEY BLOCK-----") || !strings.HasSuffix(t, "-----END PGP PUBLIC KEY BLOCK-----"):
		v.bad(at+".pgp", "is not an armored OpenPGP public key")
	}
}

func (v *checker) prefixes(at string, ps []netip.Prefix) {
	for i, p := range ps {
		switch {
		case !p.IsValid():
			v.bad(fmt.Sprintf("%s[%d]", at, i), "is not a network")
		case p != p.Masked():
			v.bad(fmt.Sprintf("%s[%d]", at, i), "%s has bits set after its mask; meant is %s?", p, p.Masked())
		case p.Bits() == 0:
			v.bad(fmt.Sprintf("%s[%d]", at, i), "%s is every address", p)
		case p.Addr().Is4In6():
			v.bad(fmt.Sprintf("%s[%d]", at, i), "%s is an IPv4 network written as IPv6", p)
		}
	}
}

func isCountry(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}

// ianaID is the number of one registrar in IANA's registrar IDs registry
// without leading zeros, or "" where s names none. 8888 and 9994 to 9999 are
// set aside there for testing and for registries themselves: many
// organisations share them.
func ianaID(s string) string {
	s = strings.TrimLeft(strings.TrimSpace(s), "0")
	if s == "" || len(s) > 7 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	if s == "8888" || len(s) == 4 && s >= "9994" && s <= "9999" {
		return ""
	}
	return s
}
