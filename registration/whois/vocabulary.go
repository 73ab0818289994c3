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

// ofDomain says whether a label is one of the registration itself: a person's block
// has none of its own like it.
func (m meaning) ofDomain() bool {
	return m.what >= domainName && m.what <= asked && m.what != whoisServer || m.what == contactRole && m.roles&registrar != 0
}

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
	// first and last are the first octets of Before and the last ones of After,
	// as bits: nearly every label is told by them to have none of the words.
	first, last uint64
}

// add adds the words of others, folded.
func (a *affixes) add(b affixes) {
	for _, w := range b.Before {
		if w = foldLabel(w); w != "" {
			a.Before = append(a.Before, w)
			a.first |= 1 << (w[0] & 63)
		}
	}
	for _, w := range b.After {
		if w = foldLabel(w); w != "" {
			a.After = append(a.After, w)
			a.last |= 1 << (w[len(w)-1] & 63)
		}
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
	table table
	// written has the labels as the file writes them, by writtenHash: most
	// servers write them so, in small letters or capitals.
	written table
}

// table gives meanings by hash.
type table []uint64

// newTable has room for n meanings.
func newTable(n int) table {
	size := 1024
	for size < n*5/4 {
		size *= 2
	}
	return make(table, size)
}

// put is false when the hash is taken.
func (t table) put(h uint64, m meaning) bool {
	mask := uint64(len(t) - 1)
	i := h >> 20 & mask
	for t[i] != 0 {
		if (t[i]^h)&^0xFFFF == 0 {
			return false
		}
		i = (i + 1) & mask
	}
	t[i] = h&^0xFFFF | uint64(m.what)<<8 | uint64(m.roles)
	return true
}

// get gives the meaning with a hash.
func (t table) get(h uint64) (meaning, bool) {
	mask := uint64(len(t) - 1)
	for i := h >> 20 & mask; t[i] != 0; i = (i + 1) & mask {
		if s := t[i]; (s^h)&^0xFFFF == 0 {
			return meaning{what(s >> 8 & 0xFF), roles(s & 0xFF)}, true
		}
	}
	return meaning{}, false
}

// index fills the tables; written are the labels as the file writes them. It
// fails when two labels have the same place.
func (v *vocabulary) index(written []string) error {
	v.table = newTable(len(v.labels))
	for _, k := range slices.Sorted(maps.Keys(v.labels)) {
		v.shapes[len(k)] |= 1 << (k[0] & 63)
		if !v.table.put(hash([]byte(k)), v.labels[k]) {
			return fmt.Errorf("%q has the hash of another label", k)
		}
	}
	v.written = newTable(len(written))
	taken := make(map[uint64]string, len(written))
	for _, s := range written {
		s = strings.ToLower(s)
		h, ok := writtenHash(s, len(s))
		if !ok || strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 || quickOctets[r] == quickOther }) >= 0 {
			continue // is found folded
		}
		if before, is := taken[h>>16]; is && before != s {
			return fmt.Errorf("%q has the hash of another label", s)
		} else if is {
			continue
		}
		taken[h>>16] = s
		v.written.put(h, v.labels[foldLabel(s)])
	}
	return nil
}

// writtenHash is the hash of the first n octets of s, with capitals as small
// letters; ok is false when they are too few or too many, or have a control
// character. It takes eight octets at once.
func writtenHash(s string, n int) (h uint64, ok bool) {
	if n < 4 || n > maxQuick || n > len(s) {
		return 0, false
	}
	h = uint64(n)
	var controls uint64
	step := func(x uint64) {
		controls |= x - 0x2020202020202020
		h = (h ^ (x | 0x2020202020202020)) * 0x9E3779B97F4A7C15
		h ^= h >> 32
	}
	if n < 8 {
		step(uint64(four(s))<<32 | uint64(four(s[n-4:])))
	} else {
		for i := 0; i+8 < n; i += 8 {
			step(uint64(four(s[i:])) | uint64(four(s[i+4:]))<<32)
		}
		step(uint64(four(s[n-8:])) | uint64(four(s[n-4:]))<<32)
	}
	return mix(h), controls&0x8080808080808080 == 0
}

// four are the first four octets of s.
func four(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
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
	return v.table.get(hash(k))
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
	var written []string
	add := func(label string, m meaning) {
		written = append(written, label)
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
	if err := v.index(written); err != nil {
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
	if m, s := v.once(t); s.last != 0 {
		return m
	}
	var buf [maxLabel + 4]byte
	if m, ok := v.find(fold(buf[:0], t)); ok {
		return m
	}
	if strings.IndexByte(t, '/') >= 0 && (strings.Contains(t, " / ") || !strings.ContainsAny(t, "0123456789")) {
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
	if m, s := v.once(label); s.whole {
		return m
	}
	var buf [maxLabel + 4]byte
	return v.known(label, fold(buf[:0], label))
}

// spelling is what once saw of a label.
type spelling struct {
	whole       bool // once said all that there is to say
	simple      bool // it has no digits, brackets, slashes or letters beyond ASCII
	first, last byte // folded; 0 when once cannot say anything
}

// once looks a label up in one pass, as nearly all can be.
func (v *vocabulary) once(label string) (meaning, spelling) {
	var s spelling
	h := uint64(hashStart)
	n := 0
	digits := false
	for _, c := range []byte(label) {
		switch c = onceOctets[c]; c {
		default:
			if n == 0 {
				s.first = c
			}
			s.last = c
			digits = digits || c <= '9'
			h = (h ^ uint64(c)) * hashStep
			n++
		case onceGap:
		case onceOther:
			return meaning{}, spelling{}
		}
	}
	if n == 0 || n > maxLabel {
		return meaning{}, spelling{}
	}
	s.simple = !digits
	if v.shapes[n]&(1<<(s.first&63)) != 0 {
		if m, ok := v.table.get(mix(h)); ok {
			s.whole = true
			return m, s
		}
	}
	s.whole = s.simple
	return meaning{}, s
}

// What an octet is to once, if it is no letter or digit, folded.
const (
	onceGap   = iota // is left out of a label
	onceOther        // needs a closer look
)

var onceOctets = func() (t [256]byte) {
	copy(t[:], folded[:])
	for _, c := range []byte("([/") {
		t[c] = onceOther
	}
	for c := utf8.RuneSelf; c < len(t); c++ {
		t[c] = onceOther
	}
	return t
}()

// known is lookup for a label that is folded in k, which it may change when the
// label has digits.
func (v *vocabulary) known(label string, k []byte) meaning {
	if m, ok := v.find(k); ok {
		return m
	}
	if n := stripDigits(k); n > 0 && n < len(k) {
		if m, ok := v.find(k[:n]); ok {
			return m
		}
	}
	if i := strings.IndexByte(label, '/'); i >= 0 {
		a, b := label[:i], label[i+1:]
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
	if len(label) > maxAround {
		return v.lookup(label)
	}
	m, s := v.once(label)
	if m.what != unknown || s.simple && !v.dates.may(s) && !v.hosts.may(s) {
		return m
	}
	var buf, without [maxLabel + 4]byte
	k := fold(buf[:0], label)
	if !s.simple { // without its digits; with them it is looked up below
		if m := v.known(label, append(without[:0], k...)); m.what != unknown {
			return m
		}
	}
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

// may says whether a label may have one of the words.
func (a *affixes) may(s spelling) bool {
	return a.first&(1<<(s.first&63)) != 0 || a.last&(1<<(s.last&63)) != 0
}

// affixed looks a label up without up to depth words around it.
func (v *vocabulary) affixed(k []byte, a *affixes, depth int) meaning {
	if len(k) == 0 {
		return meaning{}
	}
	before, after := a.Before, a.After
	if a.first&(1<<(k[0]&63)) == 0 {
		before = nil
	}
	if a.last&(1<<(k[len(k)-1]&63)) == 0 {
		after = nil
	}
	for _, w := range before {
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
	for _, w := range after {
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
