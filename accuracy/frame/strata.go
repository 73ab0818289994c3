package frame

import (
	"cmp"
	_ "embed" // the regions
	"slices"
	"strings"
	"sync"

	"bailiwick/registration"
	"bailiwick/registration/bootstrap"
)

// Key is one thing by which a frame is cut into strata.
type Key string

// The keys.
const (
	// ByRegion is the region of the registrant's country, one of ICANN's five,
	// or Unknown.
	ByRegion Key = "region"
	// ByClass is "legacy", "new" or "country": the class of the top-level domain.
	ByClass Key = "class"
	// ByAgreement is the registrar's agreement with ICANN, as Scheme says.
	ByAgreement Key = "agreement"
	// BySize is the size of the registrar, as Scheme says.
	BySize Key = "size"
)

// Unknown is the part of a stratum where the unit does not say.
const Unknown = "unknown"

// Scheme says how a frame is cut into strata.
type Scheme struct {
	By []Key `json:"by"`
	// Sizes are the sizes of registrars, of a first reading of the frame
	// (Counts).
	Sizes map[string]Size `json:"sizes,omitempty"`
	// Agreements are "2009" or "2013" by registrar; another is Unknown.
	Agreements map[string]string `json:"agreements,omitempty"`
}

// ForGTLDs and ForRegistry are the keys of ICANN's reporting system, and those
// for one registry.
var (
	ForGTLDs    = []Key{ByRegion, ByClass, ByAgreement}
	ForRegistry = []Key{ByRegion, BySize}
)

// Strata is the stratum of a unit: its parts in the order of the scheme, such
// as "europe/new/2013". It hangs on the unit and the scheme alone.
func Strata(u Unit, s Scheme) string {
	parts := make([]string, len(s.By))
	for i, k := range s.By {
		switch k {
		case ByRegion:
			parts[i] = Region(u.Record.Contacts[registration.Registrant].Country)
		case ByClass:
			parts[i] = Class(u.ID)
		case ByAgreement:
			parts[i] = cmp.Or(s.Agreements[u.Registrar], Unknown)
		case BySize:
			parts[i] = cmp.Or(string(s.Sizes[u.Registrar]), Unknown)
		default:
			parts[i] = Unknown
		}
	}
	return strings.Join(parts, "/")
}

//go:embed data/regions.tsv
var regionTable string

var regions = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(regionTable) {
		region, codes, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || line[0] == '#' {
			continue
		}
		for _, c := range strings.Fields(codes) {
			out[c] = region
		}
	}
	return out
})

// Regions are ICANN's five, in order.
func Regions() []string {
	return []string{"africa", "asia-pacific", "europe", "latin-america", "north-america"}
}

// Region is ICANN's region of a country, given as its code or in another form
// that can mean only one.
func Region(country string) string {
	code, ok := registration.CountryCode(country)
	if !ok {
		return Unknown
	}
	return cmp.Or(regions()[code], Unknown)
}

// legacy are the generic top-level domains of before the new ones of 2012.
const legacy = " aero arpa asia biz cat com coop edu gov info int jobs mil mobi museum name net org post pro tel travel xxx "

var tlds = sync.OnceValue(func() *bootstrap.TLDs {
	t, err := bootstrap.DefaultTLDs()
	if err != nil {
		return nil // a test reads it
	}
	return t
})

// Class is the class of a name's top-level domain: "legacy", "new", or
// "country"; Unknown when the built-in list does not have it.
func Class(domain string) string {
	tld := domain[strings.LastIndexByte(domain, '.')+1:]
	if !strings.Contains(domain, ".") {
		return Unknown
	}
	if strings.Contains(legacy, " "+tld+" ") {
		return "legacy"
	}
	if tlds() == nil {
		return Unknown
	}
	switch known, generic := tlds().IsGTLD(tld); {
	case !known:
		return Unknown
	case generic:
		return "new"
	}
	return "country"
}

// Size is the size of a registrar, by its share of the frame.
type Size string

// The sizes: the largest registrars that together have half of the names, those
// that make it nine tenths, and the others.
const (
	Large  Size = "large"
	Medium Size = "medium"
	Small  Size = "small"
)

// Counts counts the names of registrars.
type Counts struct{ names map[string]int }

// Add counts a name.
func (c *Counts) Add(registrar string) {
	if c.names == nil {
		c.names = map[string]int{}
	}
	if _, has := c.names[registrar]; has || len(c.names) < maxRegs {
		c.names[registrar]++
	}
}

// Of is how many names a registrar has.
func (c *Counts) Of(registrar string) int { return c.names[registrar] }

// Sizes are the sizes of all registrars that were counted. Registrars with as
// many names as the last of a size are of that size, too, so that none has its
// size by its spelling.
func (c *Counts) Sizes() map[string]Size {
	type row struct {
		id string
		n  int
	}
	var rows []row
	total := 0
	for id, n := range c.names {
		rows = append(rows, row{id, n})
		total += n
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id)) })
	out := make(map[string]Size, len(rows))
	before, last := 0, 0
	size := Large
	for _, r := range rows {
		if r.n != last {
			switch {
			case 10*before >= 9*total:
				size = Small
			case 2*before >= total:
				size = Medium
			}
		}
		out[r.id] = size
		before, last = before+r.n, r.n
	}
	return out
}
