// Package bootstrap finds the RDAP servers that answer for a domain, an
// address, an AS number or an entity, from the files IANA publishes (RFC 9224,
// RFC 8521), with an
// operator's overrides that win; and it tells generic top-level domains from
// country-code ones. It is pure: files come in as bytes, and a copy of each,
// with its source and date in data/README.md, is built in.
package bootstrap

import (
	"embed"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The bounds on one bootstrap file.
const (
	MaxBytes   = 8 << 20
	MaxEntries = 200_000 // names, prefixes or ranges
	maxURLs    = 16      // per entry
	maxFinding = 100
)

//go:embed data/rdap-dns.json data/rdap-ipv4.json data/rdap-ipv6.json data/rdap-asn.json data/rdap-object-tags.json data/tlds-alpha-by-domain.txt data/gtlds.txt
var files embed.FS

// Files are the bootstrap files in IANA's JSON form. A nil one has no entries.
type Files struct {
	DNS, IPv4, IPv6, ASN []byte
	Tags                 []byte // object tags, RFC 8521
}

// The names of the bootstrap files, which at IANA end in ".json".
const (
	DNS  = "dns"
	IPv4 = "ipv4"
	IPv6 = "ipv6"
	ASN  = "asn"
	Tags = "object-tags"
)

// Names lists the bootstrap files.
func Names() []string { return []string{DNS, IPv4, IPv6, ASN, Tags} }

// File gives the file of a name; nil for a name there is none of.
func (f *Files) File(name string) *[]byte {
	switch name {
	case DNS:
		return &f.DNS
	case IPv4:
		return &f.IPv4
	case IPv6:
		return &f.IPv6
	case ASN:
		return &f.ASN
	case Tags:
		return &f.Tags
	}
	return nil
}

// DefaultFiles are the copies built in.
func DefaultFiles() Files {
	read := func(name string) []byte {
		b, _ := files.ReadFile("data/" + name) // the name is embedded above, or this does not build
		return b
	}
	return Files{DNS: read("rdap-dns.json"), IPv4: read("rdap-ipv4.json"), IPv6: read("rdap-ipv6.json"), ASN: read("rdap-asn.json"), Tags: read("rdap-object-tags.json")}
}

// Default is New with the files built in.
func Default() (*Set, error) { return New(DefaultFiles()) }

// Set answers who serves what. It is not changed once made, so that it is safe
// for concurrent use.
type Set struct {
	domains   map[string][]string
	prefixes  map[netip.Prefix][]string
	lengths   [2][]int // prefix lengths in use, longest first; IPv4, IPv6
	ranges    []asRange
	tags      map[string][]string
	published map[string]time.Time
	findings  []registration.Finding
	over      []*Set // overrides, the one that wins first
}

type asRange struct {
	from, to uint32
	urls     []string
}

// Overrides are an operator's own entries: base URLs by domain suffix
// ("example", "co.example"; "" is the root), by prefix ("192.0.2.0/24"), by AS
// number or range ("64496", "64496-64511") and by object tag ("EXAMPLE"). An override wins over the
// files' entries even where those match longer. An empty list of URLs says
// that nobody serves it.
type Overrides struct {
	Domains  map[string][]string
	Networks map[string][]string
	ASNs     map[string][]string
	Tags     map[string][]string
}

// New reads bootstrap files. A file that is no JSON object with a list of
// services, or over the bounds, is a *problem.Error with the file as its
// field; anything wrong inside is left out and told in Findings.
func New(f Files) (*Set, error) {
	s := empty()
	for _, x := range []struct {
		file string
		raw  []byte
		add  func(path, entry string, urls []string) bool
	}{
		{DNS, f.DNS, s.addDomain},
		{IPv4, f.IPv4, s.addPrefix(32)},
		{IPv6, f.IPv6, s.addPrefix(128)},
		{ASN, f.ASN, s.addRange},
		{Tags, f.Tags, s.addTag},
	} {
		if x.raw == nil {
			continue
		}
		if err := s.read(x.file, x.raw, x.add); err != nil {
			return nil, err
		}
	}
	s.finish()
	return s, nil
}

func empty() *Set {
	return &Set{domains: map[string][]string{}, prefixes: map[netip.Prefix][]string{}, tags: map[string][]string{}, published: map[string]time.Time{}}
}

// With returns a set in which o wins over s. A key or URL of o that cannot be
// read is a *problem.Error naming it: an override is the operator's own, and
// must not be lost silently.
func (s *Set) With(o Overrides) (*Set, error) {
	top := empty()
	var bad *problem.Error
	for _, x := range []struct {
		what    string
		entries map[string][]string
		add     func(path, entry string, urls []string) bool
	}{
		{"domains", o.Domains, top.addDomain},
		{"networks", o.Networks, top.addPrefix(0)},
		{"asns", o.ASNs, top.addRange},
		{"tags", o.Tags, top.addTag},
	} {
		for _, k := range slices.Sorted(maps.Keys(x.entries)) {
			path := "overrides." + x.what + "." + registration.CleanText(k)
			urls := []string{}
			for _, u := range x.entries[k] {
				base, ok := baseURL(u)
				if !ok {
					bad = bad.Add(path, "%q is not an http or https base URL", clip(u))
					continue
				}
				urls = append(urls, base)
			}
			if !x.add(path, k, secureFirst(urls)) {
				bad = bad.Add(path, "not a name, prefix, number or tag, or given twice")
			}
		}
	}
	if err := bad.OrNil(); err != nil {
		return nil, err
	}
	top.finish()
	merged := *s
	merged.over = append([]*Set{top}, s.over...) // the newest wins
	return &merged, nil
}

// layers are the sets to search in turn.
func (s *Set) layers() []*Set { return append(slices.Clone(s.over), s) }

// read reads one file into s.
func (s *Set) read(file string, raw []byte, add func(path, entry string, urls []string) bool) error {
	if len(raw) > MaxBytes {
		return &problem.Error{Code: problem.TooLarge, Detail: "the bootstrap file " + file + " is over " + strconv.Itoa(MaxBytes) + " octets",
			Fields: []problem.Field{{Path: file, Reason: "too large"}}}
	}
	var doc struct {
		Publication jsontext.Value `json:"publication"`
		Services    jsontext.Value `json:"services"`
	}
	opts := json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := json.Unmarshal(raw, &doc, opts); err != nil {
		return problem.BadField(file, "not a bootstrap file: %s", clip(err.Error()))
	}
	var services []jsontext.Value
	if err := json.Unmarshal(doc.Services, &services, opts); err != nil || len(doc.Services) == 0 {
		return problem.BadField(file+".services", "not a list of services (RFC 9224 section 3)")
	}
	var when string
	_ = json.Unmarshal(doc.Publication, &when)
	if t, err := time.Parse(time.RFC3339, when); err == nil {
		s.published[file] = t.UTC()
	} else {
		s.find("bootstrap.publication", file+".publication", "not a date of RFC 3339")
	}
	entries := 0
	for i, raw := range services {
		path := file + ".services[" + strconv.Itoa(i) + "]"
		// Two lists; the object-tag form has a list of contacts before them.
		var lists [][]jsontext.Value
		if err := json.Unmarshal(raw, &lists, opts); err != nil || len(lists) < 2 {
			s.find("bootstrap.service", path, "not a pair of lists")
			continue
		}
		keys, addresses := lists[len(lists)-2], lists[len(lists)-1]
		var urls []string
		for j, u := range addresses {
			var text string
			if json.Unmarshal(u, &text, opts) != nil {
				text = ""
			}
			base, ok := baseURL(text)
			if !ok {
				s.find("bootstrap.url", path+"[1]["+strconv.Itoa(j)+"]", "not an http or https base URL")
				continue
			}
			if len(urls) < maxURLs && !slices.Contains(urls, base) {
				urls = append(urls, base)
			}
		}
		if len(urls) == 0 {
			s.find("bootstrap.no-url", path, "the service has no address; its entries are left out")
			continue
		}
		urls = secureFirst(urls)
		for j, k := range keys {
			if entries++; entries > MaxEntries {
				return &problem.Error{Code: problem.TooLarge, Detail: "the bootstrap file " + file + " has over " + strconv.Itoa(MaxEntries) + " entries",
					Fields: []problem.Field{{Path: file, Reason: "too many entries"}}}
			}
			var text string
			at := path + "[0][" + strconv.Itoa(j) + "]"
			if k.Kind() != '"' || json.Unmarshal(k, &text, opts) != nil {
				s.find("bootstrap.entry", at, "not a string")
				continue
			}
			add(at, text, urls)
		}
	}
	return nil
}

func (s *Set) addDomain(path, entry string, urls []string) bool {
	key := ""
	if e := strings.TrimSpace(entry); e != "" && e != "." {
		d, err := name.ParseAny(e)
		if err != nil {
			s.find("bootstrap.entry", path, "not a domain name")
			return false
		}
		key = d.String()
	}
	if _, taken := s.domains[key]; taken {
		s.find("bootstrap.overlap", path, "the name is listed twice; the first is used")
		return false
	}
	s.domains[key] = urls
	return true
}

// addPrefix adds prefixes of a family with that many bits; 0 for either.
func (s *Set) addPrefix(bits int) func(path, entry string, urls []string) bool {
	return func(path, entry string, urls []string) bool {
		p, err := netip.ParsePrefix(strings.TrimSpace(entry))
		if err != nil || bits != 0 && p.Addr().BitLen() != bits || p.Addr().Is4In6() {
			s.find("bootstrap.entry", path, "not a prefix of the file's address family")
			return false
		}
		if m := p.Masked(); m != p {
			s.find("bootstrap.entry", path, "the prefix has bits after its length; they are cut")
			p = m
		}
		if _, taken := s.prefixes[p]; taken {
			s.find("bootstrap.overlap", path, "the prefix is listed twice; the first is used")
			return false
		}
		s.prefixes[p] = urls
		return true
	}
}

func (s *Set) addRange(path, entry string, urls []string) bool {
	from, to, ok := strings.Cut(strings.TrimSpace(entry), "-")
	if !ok {
		to = from
	}
	a, err1 := strconv.ParseUint(strings.TrimSpace(from), 10, 32)
	b, err2 := strconv.ParseUint(strings.TrimSpace(to), 10, 32)
	if err1 != nil || err2 != nil || b < a {
		s.find("bootstrap.entry", path, "not an AS number or a range of them")
		return false
	}
	s.ranges = append(s.ranges, asRange{uint32(a), uint32(b), urls})
	return true
}

func (s *Set) addTag(path, entry string, urls []string) bool {
	tag := strings.ToUpper(strings.TrimSpace(entry))
	if !isTag(tag) {
		s.find("bootstrap.entry", path, "not an object tag of RFC 8521")
		return false
	}
	if _, taken := s.tags[tag]; taken {
		s.find("bootstrap.overlap", path, "the tag is listed twice; the first is used")
		return false
	}
	s.tags[tag] = urls
	return true
}

// isTag says whether s can be an object tag: letters and digits, and the marks
// that registries use in handles but for the hyphen, which sets the tag off.
func isTag(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '~') {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 63
}

// finish sorts what lookups need sorted.
func (s *Set) finish() {
	for p := range s.prefixes {
		f := family(p.Addr())
		if !slices.Contains(s.lengths[f], p.Bits()) {
			s.lengths[f] = append(s.lengths[f], p.Bits())
		}
	}
	for f := range s.lengths {
		slices.SortFunc(s.lengths[f], func(a, b int) int { return b - a })
	}
	// Ranges overlap only by mistake, and are few: narrowest first, they are
	// searched in order.
	slices.SortStableFunc(s.ranges, func(a, b asRange) int {
		x, y := uint64(a.to)-uint64(a.from), uint64(b.to)-uint64(b.from)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	byStart := slices.Clone(s.ranges)
	slices.SortStableFunc(byStart, func(a, b asRange) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	reach := uint64(0)
	for i, r := range byStart {
		if i > 0 && uint64(r.from) <= reach {
			s.find("bootstrap.overlap", "asn", "the ranges overlap at AS"+strconv.FormatUint(uint64(r.from), 10)+"; the narrower is used")
		}
		reach = max(reach, uint64(r.to))
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Lookup gives the base URLs of the servers for a domain, https before http,
// each ending in "/": of the entry that shares most labels with it (RFC 9224
// section 4). It is empty when nobody is known to serve it.
func (s *Set) Lookup(d name.Domain) []string {
	for _, at := range s.layers() {
		for l := d; ; l = l.Parent() {
			if urls, ok := at.domains[l.String()]; ok {
				return slices.Clone(urls)
			}
			if l.IsZero() {
				break
			}
		}
	}
	return nil
}

// LookupIP gives the base URLs of the servers for an address: of the longest
// prefix that holds it (RFC 9224 section 5.1 and 5.2). A mapped IPv4 address
// counts as IPv4.
func (s *Set) LookupIP(a netip.Addr) []string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return nil
	}
	for _, at := range s.layers() {
		for _, bits := range at.lengths[family(a)] {
			p, err := a.Prefix(bits)
			if err != nil {
				continue
			}
			if urls, ok := at.prefixes[p]; ok {
				return slices.Clone(urls)
			}
		}
	}
	return nil
}

// LookupASN gives the base URLs of the servers for an AS number: of the
// narrowest range that holds it (RFC 9224 section 5.3).
func (s *Set) LookupASN(n uint32) []string {
	for _, at := range s.layers() {
		for _, r := range at.ranges {
			if r.from <= n && n <= r.to {
				return slices.Clone(r.urls)
			}
		}
	}
	return nil
}

// LookupEntity gives the base URLs of the servers for an entity's handle, by
// the tag after its last hyphen (RFC 8521 section 2).
func (s *Set) LookupEntity(handle string) []string {
	i := strings.LastIndexByte(handle, '-')
	if i < 1 {
		return nil
	}
	tag := strings.ToUpper(handle[i+1:])
	for _, at := range s.layers() {
		if urls, ok := at.tags[tag]; ok {
			return slices.Clone(urls)
		}
	}
	return nil
}

// Entries are the entries of one file as they are looked up, with the base URLs
// of each; overrides are not among them.
func (s *Set) Entries(file string) map[string][]string {
	out := map[string][]string{}
	switch file {
	case DNS:
		maps.Copy(out, s.domains)
	case IPv4, IPv6:
		for p, urls := range s.prefixes {
			if p.Addr().Is4() == (file == IPv4) {
				out[p.String()] = urls
			}
		}
	case ASN:
		for _, r := range s.ranges {
			key := strconv.FormatUint(uint64(r.from), 10)
			if r.to != r.from {
				key += "-" + strconv.FormatUint(uint64(r.to), 10)
			}
			out[key] = r.urls
		}
	case Tags:
		maps.Copy(out, s.tags)
	}
	return out
}

// Change says how one file differs from an earlier one, by its entries, sorted.
type Change struct {
	Added, Removed, Moved []string // Moved: to other servers
}

// Diff compares the entries of one file in two sets.
func Diff(before, after *Set, file string) Change {
	var c Change
	old, now := before.Entries(file), after.Entries(file)
	for _, k := range slices.Sorted(maps.Keys(now)) {
		switch urls, ok := old[k]; {
		case !ok:
			c.Added = append(c.Added, k)
		case !slices.Equal(urls, now[k]):
			c.Moved = append(c.Moved, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[k]; !ok {
			c.Removed = append(c.Removed, k)
		}
	}
	return c
}

// Replace checks that raw may take the place of the file in old, and gives a
// set of it alone. It must be a whole file of usable entries that says when it
// was published, not before the old one; and one with less than half of the
// old one's entries is taken for a mistake. The error is a *problem.Error that
// says which of these it is not.
func Replace(old *Set, file string, raw []byte) (*Set, error) {
	var f Files
	at := f.File(file)
	if at == nil {
		return nil, problem.BadField("file", "%q is no bootstrap file", clip(file))
	}
	*at = raw
	if raw == nil {
		*at = []byte{}
	}
	s, err := New(f)
	if err != nil {
		return nil, err
	}
	n, before := len(s.Entries(file)), len(old.Entries(file))
	switch when, was := s.Published(file), old.Published(file); {
	case when.IsZero():
		return nil, problem.BadField(file+".publication", "it does not say when it was published")
	case when.Before(was):
		return nil, problem.BadField(file+".publication", "it was published %s, before the one in use (%s)", when.Format(time.DateOnly), was.Format(time.DateOnly))
	case n == 0:
		return nil, problem.BadField(file+".services", "no entry of it can be used")
	case 2*n < before:
		return nil, problem.BadField(file+".services", "it has %d entries, less than half of the %d in use", n, before)
	case len(s.findings) >= maxFinding:
		return nil, problem.BadField(file+".services", "%d entries or more of it are wrong, the first at %s: %s", maxFinding, s.findings[0].Path, s.findings[0].Detail)
	}
	return s, nil
}

// Published is when IANA published the file of a name; zero when it does not
// say or there is none.
func (s *Set) Published(file string) time.Time { return s.published[file] }

// Findings say what in the files was left out or listed twice.
func (s *Set) Findings() []registration.Finding { return slices.Clone(s.findings) }

func (s *Set) find(id, path, detail string) {
	if len(s.findings) < maxFinding {
		s.findings = append(s.findings, registration.Finding{ID: id, Severity: registration.RFC, Path: path, Detail: detail})
	}
}

// baseURL checks a base URL and ends it with a slash (RFC 9224 section 3).
func baseURL(s string) (string, bool) {
	if len(s) > 2048 {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return "", false
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	return u.String(), true
}

// secureFirst puts https before http and keeps the order otherwise (RFC 9224
// section 3).
func secureFirst(urls []string) []string {
	slices.SortStableFunc(urls, func(a, b string) int {
		x, y := strings.HasPrefix(a, "https:"), strings.HasPrefix(b, "https:")
		switch {
		case x && !y:
			return -1
		case y && !x:
			return 1
		}
		return 0
	})
	return urls
}

func clip(s string) string {
	s = registration.CleanText(s)
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
