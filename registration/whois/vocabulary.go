package whois

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"bailiwick/registration"

	"go.yaml.in/yaml/v3"
)

// what says what a label names.
type what uint8

const (
	unknown what = iota
	ignored
	domainName
	domainUnicode
	domainID
	registrarName
	registrarHandle // the registry's own code for it
	registrarID
	registrarURL
	registrarAbuseEmail
	registrarAbusePhone
	registrarEmail
	registrarPhone
	created
	updated
	expires
	status
	nameserver
	nameserverIgnored
	dnssec
	ds
	whoisServer
	reseller
	asked // the question, repeated
	web   // a web address of whom the block is about
	// contactRole is a label that names a role alone: a heading, or with a
	// value who has it.
	contactRole
	// The fields of a contact. With a role they are absolute.
	contactName
	contactFirstName
	contactLastName
	contactOrganization
	contactStreet
	contactCity
	contactRegion
	contactPostalCode
	contactCountry
	contactEmail
	contactPhone
	contactFax
	contactHandle
	contactIgnored
)

// isContactField says whether w names a field of a contact.
func (w what) isContactField() bool { return w >= contactName }

// isDate says whether w names a date of the registration.
func (w what) isDate() bool { return w == created || w == updated || w == expires }

// roles is a set of roles.
type roles uint8

const (
	registrant roles = 1 << iota
	admin
	tech
	billing
	registrar // the registrar's block
	other     // a block about somebody who is none of these
)

const persons = registrant | admin | tech | billing

// roleNames are the names of the roles in a record, by bit.
var roleNames = [...]string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing}

// meaning is what a label means.
type meaning struct {
	what  what
	roles roles
}

// labelWhat are the names in vocabulary.yaml and profiles.yaml of what labels
// mean.
var labelWhat = map[string]what{
	"domain": domainName, "domain.unicode": domainUnicode, "id": domainID,
	"registrar.name": registrarName, "registrar.handle": registrarHandle, "registrar.iana_id": registrarID, "registrar.url": registrarURL,
	"registrar.abuse_email": registrarAbuseEmail, "registrar.abuse_phone": registrarAbusePhone,
	"registrar.email": registrarEmail, "registrar.phone": registrarPhone,
	"created": created, "updated": updated, "expires": expires, "status": status,
	"nameserver": nameserver, "nameserver.ignored": nameserverIgnored, "dnssec": dnssec, "ds": ds,
	"whois_server": whoisServer, "asked": asked, "web": web, "reseller": reseller, "ignored": ignored,
}

// fieldWhat are the names there of contact fields.
var fieldWhat = map[string]what{
	"name": contactName, "firstname": contactFirstName, "lastname": contactLastName,
	"organization": contactOrganization, "street": contactStreet, "city": contactCity, "region": contactRegion,
	"postal_code": contactPostalCode, "country": contactCountry, "email": contactEmail, "phone": contactPhone,
	"fax": contactFax, "handle": contactHandle, "ignored": contactIgnored,
}

// roleBits are the names there of roles.
var roleBits = map[string]roles{
	"registrant": registrant, "admin": admin, "tech": tech, "billing": billing, "registrar": registrar, "other": other,
}

//go:embed vocabulary.yaml
var vocabularyYAML []byte

// language is one entry of vocabulary.yaml.
type language struct {
	Language string `yaml:"language"`
	// Around are words that may stand before or after a label of some meanings
	// and change nothing: "domain" before a date.
	Around struct {
		Dates       affixes `yaml:"dates"`
		Nameservers affixes `yaml:"nameservers"`
	} `yaml:"around"`
	// FieldFirst says that a field may stand before the role in a joined label.
	FieldFirst bool                `yaml:"field first"`
	Labels     map[string][]string `yaml:"labels"`
	Roles      map[string][]string `yaml:"roles"`
	Headings   map[string][]string `yaml:"headings"`
	Fields     map[string][]string `yaml:"fields"`
}

// affixes are words around a label.
type affixes struct {
	Before []string `yaml:"before"`
	After  []string `yaml:"after"`
}

// add adds the words of others, folded.
func (a *affixes) add(b affixes) {
	for _, w := range b.Before {
		a.Before = append(a.Before, foldLabel(w))
	}
	for _, w := range b.After {
		a.After = append(a.After, foldLabel(w))
	}
}

// vocabulary gives the meaning of labels, by their folded form.
type vocabulary struct {
	labels map[string]meaning
	// dates and hosts may stand around the labels of dates and name servers.
	dates, hosts affixes
	// shapes are the first octets that labels of a length have, as bits: most
	// lines that are no label are told by it without a look into the table.
	shapes [maxLabel + 4]uint64
	// The table holds the same as labels, by hash with open addressing: this
	// is the inner loop, and most of its time is waiting for memory. So a slot
	// is eight octets: the upper 48 bits of the label's hash, and its meaning.
	// The labels themselves are not compared. That another text has the same
	// 48 bits does not happen by chance, and who makes one could as well write
	// the label.
	table []uint64
}

// index fills the table. It fails when two labels have the same place in it.
func (v *vocabulary) index() error {
	size := 1024
	for size < len(v.labels)*5/4 {
		size *= 2
	}
	v.table = make([]uint64, size)
	for _, k := range slices.Sorted(maps.Keys(v.labels)) {
		v.shapes[len(k)] |= 1 << (k[0] & 63)
		h := hash([]byte(k))
		i := h >> 20 & uint64(size-1)
		for v.table[i] != 0 {
			if (v.table[i]^h)&^0xFFFF == 0 {
				return fmt.Errorf("%q has the hash of another label", k)
			}
			i = (i + 1) & uint64(size-1)
		}
		m := v.labels[k]
		v.table[i] = h&^0xFFFF | uint64(m.what)<<8 | uint64(m.roles)
	}
	return nil
}

// hash is FNV-1a with its bits mixed once more.
func hash(k []byte) uint64 {
	h := uint64(hashStart)
	for _, c := range k {
		h = (h ^ uint64(c)) * hashStep
	}
	return mix(h)
}

const (
	hashStart = 14695981039346656037
	hashStep  = 1099511628211
)

func mix(h uint64) uint64 {
	h ^= h >> 32
	return h * 0x9E3779B97F4A7C15
}

// find gives the meaning of a folded label.
func (v *vocabulary) find(k []byte) (meaning, bool) {
	if len(k) == 0 || v.shapes[len(k)]&(1<<(k[0]&63)) == 0 {
		return meaning{}, false
	}
	return v.slot(hash(k))
}

// slot gives the meaning of the label with a hash.
func (v *vocabulary) slot(h uint64) (meaning, bool) {
	mask := uint64(len(v.table) - 1)
	for i := h >> 20 & mask; v.table[i] != 0; i = (i + 1) & mask {
		if s := v.table[i]; (s^h)&^0xFFFF == 0 {
			return meaning{what(s >> 8 & 0xFF), roles(s & 0xFF)}, true
		}
	}
	return meaning{}, false
}

// words is the built-in vocabulary. The file is part of the program and a test
// reads it, so an error cannot get out.
var words = sync.OnceValue(func() *vocabulary {
	v, err := readVocabulary(vocabularyYAML)
	if err != nil {
		return &vocabulary{}
	}
	v.labels = nil // the table holds the same, and has no pointers to follow
	return v
})

// readVocabulary reads the form of vocabulary.yaml. The first meaning of a
// label stays: whole labels before joined ones, and English before the others.
func readVocabulary(b []byte) (*vocabulary, error) {
	var languages []language
	if err := yaml.Unmarshal(b, &languages); err != nil {
		return nil, err
	}
	v := &vocabulary{labels: make(map[string]meaning, 16384)}
	add := func(label string, m meaning) {
		k := foldLabel(label)
		if _, taken := v.labels[k]; !taken && k != "" {
			v.labels[k] = m
		}
	}
	for _, l := range languages {
		v.dates.add(l.Around.Dates)
		v.hosts.add(l.Around.Nameservers)
		for _, name := range slices.Sorted(maps.Keys(l.Labels)) {
			w, ok := labelWhat[name]
			if !ok && len(l.Labels[name]) > 0 {
				return nil, fmt.Errorf("%s: %q names nothing that a label can mean", l.Language, name)
			}
			for _, s := range l.Labels[name] {
				add(s, meaning{what: w})
			}
		}
		for _, words := range [...]map[string][]string{l.Roles, l.Headings} {
			for _, name := range slices.Sorted(maps.Keys(words)) {
				r, ok := roleBits[name]
				if !ok {
					return nil, fmt.Errorf("%s: %q is no role", l.Language, name)
				}
				for _, s := range words[name] {
					add(s, meaning{contactRole, r})
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
			w, ok := fieldWhat[name]
			if !ok {
				return nil, fmt.Errorf("%s: %q is no field of a contact", l.Language, name)
			}
			for _, s := range l.Fields[name] {
				add(s, meaning{what: w})
			}
		}
		for _, role := range slices.Sorted(maps.Keys(l.Roles)) {
			if roleBits[role]&persons == 0 {
				continue
			}
			for _, r := range l.Roles[role] {
				for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
					for _, f := range l.Fields[name] {
						add(r+" "+f, meaning{fieldWhat[name], roleBits[role]})
						if l.FieldFirst { // "E-mail contact administratif"
							add(f+" "+r, meaning{fieldWhat[name], roleBits[role]})
						}
					}
				}
			}
		}
	}
	if err := v.index(); err != nil {
		return nil, err
	}
	return v, nil
}

// foldLabel gives the form in which labels are compared.
func foldLabel(s string) string {
	var buf [maxLabel]byte
	return string(fold(buf[:0], s))
}

// maxLabel is the longest label that is looked up, in octets when folded.
const maxLabel = 96

// fold appends s to dst in lower case, without spaces, punctuation and what
// stands in round brackets, up to maxLabel octets.
func fold(dst []byte, s string) []byte {
	for i := 0; i < len(s) && len(dst) < maxLabel; i++ {
		c := s[i]
		if c < utf8.RuneSelf {
			if f := folded[c&0x7F]; f != 0 {
				dst = append(dst, f)
			} else if (c == '(' || c == '[') && i > 0 {
				for i++; i < len(s) && s[i] != ')' && s[i] != ']'; i++ {
				}
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r >= 0xC0 && r < 0x180 && plainLatin[r-0xC0] != ' ':
			dst = append(dst, plainLatin[r-0xC0])
		case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		i += n - 1
	}
	return dst
}

// folded are letters and digits in lower case, and 0 for what is left out.
var folded = func() (t [utf8.RuneSelf]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		t[c], t[c-0x20] = c, c
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = c
	}
	return t
}()

// plainLatin are the letters from U+00C0 to U+017F without their accents, which
// servers write or leave out as they like; a space where there is none.
const plainLatin = "aaaaaa ceeeeiiii nooooo  uuuuy  aaaaaa ceeeeiiii nooooo  uuuuy y" +
	"aaaaaaccccccccdd  eeeeeeeeeegggggggghh  iiiiiiiii   jjkk llllll    nnnnnn   oooooo  rrrrrrssssssssttttt uuuuuuuuuuuuwwyyyzzzzzz "

// heading gives the meaning of a text that stands alone on a line; with a
// number in it or a full stop at its end it is another thing.
func (v *vocabulary) heading(t string) meaning {
	if t[len(t)-1] == '.' {
		return meaning{}
	}
	var buf [maxLabel + 4]byte
	if m, ok := v.find(fold(buf[:0], t)); ok {
		return m
	}
	if strings.Contains(t, " / ") || strings.Contains(t, "/") && !strings.ContainsAny(t, "0123456789") {
		return v.lookup(t)
	}
	return meaning{}
}

// lookup gives the meaning of a label. A number at its end, or inside, is left
// out when the label with it is not known; of "Titular / Registrant" the parts
// are tried.
func (v *vocabulary) lookup(label string) meaning {
	if len(label) == 0 || len(label) > 256 {
		return meaning{}
	}
	var buf [maxLabel + 4]byte
	k := fold(buf[:0], label)
	if m, ok := v.find(k); ok {
		return m
	}
	if n := stripDigits(k); n > 0 && n < len(k) {
		if m, ok := v.find(k[:n]); ok {
			return m
		}
	}
	if a, b, ok := strings.Cut(label, "/"); ok {
		if m := v.lookup(strings.TrimSpace(a)); m.what != unknown && m.what != ignored {
			return m
		}
		return v.lookup(strings.TrimSpace(b))
	}
	return meaning{}
}

// around gives the meaning of a label that has a sign behind it, also with words
// around it that change nothing: "Domain Record Created Date".
func (v *vocabulary) around(label string) meaning {
	if m := v.lookup(label); m.what != unknown || len(label) > maxAround {
		return m
	}
	var buf [maxLabel + 4]byte
	k := fold(buf[:0], label)
	if m := v.affixed(k, &v.dates, 2); m.what.isDate() {
		return m
	}
	k = k[:stripDigits(k)]
	if m := v.affixed(k, &v.hosts, 1); m.what == nameserver {
		return m
	}
	return meaning{}
}

// maxAround is the longest label that is looked up without words around it, in
// octets.
const maxAround = 64

// affixed looks a label up without up to depth words around it.
func (v *vocabulary) affixed(k []byte, a *affixes, depth int) meaning {
	for _, w := range a.Before {
		if len(k) > len(w) && string(k[:len(w)]) == w {
			if m, ok := v.find(k[len(w):]); ok {
				return m
			}
			if depth > 1 {
				if m := v.affixed(k[len(w):], a, depth-1); m.what != unknown {
					return m
				}
			}
		}
	}
	for _, w := range a.After {
		if n := len(k) - len(w); n > 0 && string(k[n:]) == w {
			if m, ok := v.find(k[:n]); ok {
				return m
			}
		}
	}
	return meaning{}
}

// stripDigits moves what is not an ASCII digit to the front and gives its
// length.
func stripDigits(k []byte) int {
	n := 0
	for _, c := range k {
		if c < '0' || c > '9' {
			k[n] = c
			n++
		}
	}
	return n
}
