// Package population makes up registrations whose faults are known: who holds
// data by which nobody can be reached, and how. It is what a survey of accuracy
// is tried on, because beside every registration stands its truth. Everything
// in it is synthetic, and says nothing of any country or registrar.
//
// The truth is drawn first and the contact is written from it, from tables of
// its own: no rule of package accuracy is asked, so that the rules can be tried
// on it. It starts no server; unlike the rest of the lab it gives records in the
// centre's own form (package registration), which holds no rule.
package population

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"bailiwick/problem"
)

// Fault is what is wrong with one way to reach a contact; "" when nothing is.
type Fault string

// The faults. Those of form can be told from the value alone; the others only
// by trying.
const (
	NoFault Fault = ""

	EmailMissing   Fault = "e-mail: missing"                              // form
	EmailMalformed Fault = "e-mail: malformed"                            // form
	EmailNoDomain  Fault = "e-mail: the domain is not registered"         // by trying
	EmailNoServer  Fault = "e-mail: the domain takes no mail"             // by trying
	EmailGone      Fault = "e-mail: the mailbox is gone"                  // by trying
	PhoneMissing   Fault = "telephone: missing"                           // form
	PhoneNoCode    Fault = "telephone: no country code"                   // form
	PhoneShort     Fault = "telephone: too short for its country"         // form
	PhoneLetters   Fault = "telephone: letters in it"                     // form
	PhoneDead      Fault = "telephone: does not connect"                  // by trying
	PostalNoStreet Fault = "postal: no street"                            // form
	PostalNoCity   Fault = "postal: no city"                              // form
	PostalNoCode   Fault = "postal: no postal code"                       // form
	PostalBadCode  Fault = "postal: the code is not one of the country's" // form
	PostalUnknown  Fault = "postal: no letter arrives"                    // by trying
)

// WellFormed says whether the value has nothing wrong that can be told without
// trying it.
func (f Fault) WellFormed() bool {
	switch f {
	case NoFault, EmailNoDomain, EmailNoServer, EmailGone, PhoneDead, PostalUnknown:
		return true
	}
	return false
}

// Works says whether somebody is reached by it.
func (f Fault) Works() bool { return f == NoFault }

// The faults of each way, as they are drawn.
var (
	emailFaults  = []Fault{EmailMissing, EmailMalformed, EmailNoDomain, EmailNoServer, EmailGone, EmailGone, EmailGone}
	phoneFaults  = []Fault{PhoneMissing, PhoneNoCode, PhoneShort, PhoneShort, PhoneLetters, PhoneDead, PhoneDead}
	postalFaults = []Fault{PostalNoStreet, PostalNoCity, PostalNoCode, PostalBadCode, PostalUnknown, PostalUnknown}
)

// Truth is what is so about a registration, whatever can be seen of it.
type Truth struct {
	Email  Fault `json:"email,omitempty"`
	Phone  Fault `json:"phone,omitempty"`
	Postal Fault `json:"postal,omitempty"`
	// Proxy says that a proxy service stands in: the values, and their faults,
	// are the service's.
	Proxy bool `json:"proxy,omitempty"`
	// Redacted says that Public shows no way to reach the contact.
	Redacted bool `json:"redacted,omitempty"`
}

// WellFormed says whether all three ways are, and Works whether somebody is
// reached by each.
func (t Truth) WellFormed() bool {
	return t.Email.WellFormed() && t.Phone.WellFormed() && t.Postal.WellFormed()
}

// Works says whether somebody is reached by all three ways.
func (t Truth) Works() bool { return t.Email.Works() && t.Phone.Works() && t.Postal.Works() }

// Shares are how often something is so among a registrar's registrations, each
// from 0 to 1 and drawn by itself. Email, Phone and Postal are of any fault of
// that way.
type Shares struct{ Email, Phone, Postal, Proxy, Redacted float64 }

// Registrar is one of the population's.
type Registrar struct {
	Name   string
	Weight float64 // how many registrations it has, against the others' weights
	Shares Shares
}

// Country is one that contacts are in.
type Country struct {
	Code   string // of those that Countries lists
	Weight float64
	// Postal multiplies the share of postal faults, at most to 1; 1 if 0.
	Postal float64
}

// Options are what a population is made of. The zero value gives eleven
// registrars of very different size and care, fourteen countries and four
// top-level domains; a slice that is given replaces the standard one.
type Options struct {
	Registrars []Registrar
	Countries  []Country
	TLDs       []string
	// At is the time at which the population is looked at; the registrations
	// are up to ten years older. 5 January 2026 if zero.
	At time.Time
}

// Limits.
const (
	maxRegistrars = 10_000
	maxTLDs       = 1_000
)

// Registrars are the standard ones.
func Registrars() []Registrar {
	return []Registrar{
		{"Quickname", 4000, Shares{Email: 0.09, Phone: 0.14, Postal: 0.18, Proxy: 0.10, Redacted: 0.35}},
		{"Harbour Names", 2200, Shares{Email: 0.05, Phone: 0.08, Postal: 0.10, Proxy: 0.05, Redacted: 0.30}},
		{"Cheap Cheerful Domains", 1500, Shares{Email: 0.22, Phone: 0.30, Postal: 0.38, Proxy: 0.20, Redacted: 0.25}},
		{"Lindgren Names", 900, Shares{Email: 0.03, Phone: 0.05, Postal: 0.06, Proxy: 0.02, Redacted: 0.45}},
		{"Carefree Names", 600, Shares{Email: 0.35, Phone: 0.45, Postal: 0.50, Proxy: 0.05, Redacted: 0.10}},
		{"Orchard Registrar", 400, Shares{Email: 0.06, Phone: 0.12, Postal: 0.15, Proxy: 0.08, Redacted: 0.40}},
		{"Veil Domains", 250, Shares{Email: 0.10, Phone: 0.10, Postal: 0.12, Proxy: 0.80, Redacted: 0.10}},
		{"Northbound", 100, Shares{Email: 0.08, Phone: 0.20, Postal: 0.12, Proxy: 0.05, Redacted: 0.30}},
		{"Checked Names", 35, Shares{Email: 0.01, Phone: 0.01, Postal: 0.02, Redacted: 0.30}},
		{"Corner Registrar", 10, Shares{Email: 0.10, Phone: 0.10, Postal: 0.10, Redacted: 0.20}},
		{"Nobody Answers", 5, Shares{Email: 0.90, Phone: 0.85, Postal: 0.80, Redacted: 0.05}},
	}
}

// Countries are the countries that there are tables for, with the standard
// weights. The factors are made up and say nothing of the countries.
func Countries() []Country {
	return []Country{{"US", 26, 0.8}, {"DE", 12, 0.6}, {"GB", 10, 1}, {"FR", 8, 1}, {"CN", 8, 1.2}, {"ES", 5, 1}, {"CA", 5, 0.9}, {"JP", 5, 0.7},
		{"BR", 5, 1.3}, {"IN", 5, 1.4}, {"PT", 4, 1}, {"MX", 3, 1.2}, {"ZA", 2, 1.1}, {"MA", 2, 1.5}}
}

// Registration is one of a population.
type Registration struct {
	Index     int    // from 0
	Name      string // of the domain, in A-labels
	Registrar string
	Country   string // of the contact, ISO 3166-1 alpha-2
	Created   time.Time
	Truth     Truth

	seed uint64
}

// Of makes a population of n registrations. The same seed and options give the
// same ones; the first of a larger population are those of a smaller. Nothing is
// kept: a population of any size streams by. The error names what in the options
// is wrong.
func Of(seed uint64, n int, o Options) (iter.Seq[Registration], error) {
	m, err := o.plan(n)
	if err != nil {
		return nil, err
	}
	return func(yield func(Registration) bool) {
		src := rand.NewPCG(0, 0)
		rnd := rand.New(src)
		for i := range n {
			src.Seed(mix(seed, uint64(i), 1))
			if !yield(m.make(seed, i, rnd)) {
				return
			}
		}
	}, nil
}

// model is a population's options, made ready to draw from.
type model struct {
	registrars []Registrar
	registrar  []float64 // sums of the weights
	countries  []Country
	country    []float64
	tlds       []string
	at         time.Time
}

func (o Options) plan(n int) (*model, error) {
	m := &model{registrars: o.Registrars, countries: o.Countries, tlds: o.TLDs, at: o.At}
	if m.registrars == nil {
		m.registrars = Registrars()
	}
	if m.countries == nil {
		m.countries = Countries()
	}
	if m.tlds == nil {
		m.tlds = []string{"shopx", "onlinex", "clubx", "webb"}
	}
	if m.at.IsZero() {
		m.at = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	}
	var e *problem.Error
	if n < 0 {
		e = e.Add("n", "%d is negative", n)
	}
	if len(m.registrars) == 0 || len(m.registrars) > maxRegistrars {
		e = e.Add("registrars", "%d are not 1 to %d", len(m.registrars), maxRegistrars)
	}
	if len(m.countries) == 0 {
		e = e.Add("countries", "there is none")
	}
	if len(m.tlds) == 0 || len(m.tlds) > maxTLDs {
		e = e.Add("tlds", "%d are not 1 to %d", len(m.tlds), maxTLDs)
	}
	sum := 0.0
	for i, r := range m.registrars {
		at := fmt.Sprintf("registrars[%d]", i)
		if !(r.Weight > 0 && r.Weight < 1e12) {
			e = e.Add(at+".weight", "%g is not a positive number", r.Weight)
		}
		for _, s := range []struct {
			name  string
			share float64
		}{{"email", r.Shares.Email}, {"phone", r.Shares.Phone}, {"postal", r.Shares.Postal}, {"proxy", r.Shares.Proxy}, {"redacted", r.Shares.Redacted}} {
			if !(s.share >= 0 && s.share <= 1) {
				e = e.Add(at+".shares."+s.name, "%g is not from 0 to 1", s.share)
			}
		}
		sum += r.Weight
		m.registrar = append(m.registrar, sum)
	}
	sum = 0
	for i, c := range m.countries {
		at := fmt.Sprintf("countries[%d]", i)
		if _, ok := lands[c.Code]; !ok {
			e = e.Add(at+".code", "there is no table for %q", c.Code)
		}
		if !(c.Weight > 0 && c.Weight < 1e12) {
			e = e.Add(at+".weight", "%g is not a positive number", c.Weight)
		}
		if !(c.Postal >= 0 && c.Postal < 1e6) {
			e = e.Add(at+".postal", "%g is not a factor", c.Postal)
		}
		sum += c.Weight
		m.country = append(m.country, sum)
	}
	return m, e.OrNil()
}

// mix makes the two words of a generator's seed out of a population's seed, an
// index and a purpose (splitmix64 of Steele, Lea and Flood, 2014, three times
// over): the registrations hang on nothing but these.
func mix(seed, i, purpose uint64) (uint64, uint64) {
	split := func(x uint64) uint64 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
	a := split(split(seed^split(purpose)) ^ i)
	return a, split(a ^ seed)
}

// pickBy draws an index by the sums of weights.
func pickBy(rnd *rand.Rand, sums []float64) int {
	x := rnd.Float64() * sums[len(sums)-1]
	lo, hi := 0, len(sums)-1
	for lo < hi {
		if mid := (lo + hi) / 2; sums[mid] > x {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func (m *model) make(seed uint64, i int, rnd *rand.Rand) Registration {
	r := m.registrars[pickBy(rnd, m.registrar)]
	c := m.countries[pickBy(rnd, m.country)]
	out := Registration{Index: i, Registrar: r.Name, Country: c.Code, seed: seed}
	drawn := func(share float64, faults []Fault) Fault {
		hit, which := rnd.Float64() < share, rnd.IntN(len(faults))
		if !hit {
			return NoFault
		}
		return faults[which]
	}
	postal := r.Shares.Postal
	if c.Postal != 0 {
		postal = min(1, postal*c.Postal)
	}
	t := &out.Truth
	t.Proxy = rnd.Float64() < r.Shares.Proxy
	t.Redacted = rnd.Float64() < r.Shares.Redacted
	t.Email, t.Phone, t.Postal = drawn(r.Shares.Email, emailFaults), drawn(r.Shares.Phone, phoneFaults), drawn(postal, postalFaults)
	if t.Proxy { // it answers for many: its own data are in order, its relay addresses die
		t.Redacted, t.Phone, t.Postal = false, NoFault, NoFault
		if t.Email != NoFault {
			t.Email = EmailGone
		}
	}
	age := time.Duration(rnd.Int64N(int64(3650 * 24 * time.Hour)))
	out.Created = m.at.Add(-age).Truncate(time.Second)
	out.Name = nouns[rnd.IntN(len(nouns))] + "-" + nouns[rnd.IntN(len(nouns))] + "-" + strconv.FormatInt(int64(i), 36) + "." + m.tlds[rnd.IntN(len(m.tlds))]
	return out
}

var nouns = []string{"alder", "anchor", "barley", "beacon", "birch", "bridge", "candle", "clover", "copper", "ferry", "garden", "harbour", "lantern", "linen", "maple", "meadow", "mill", "orchard", "pebble", "river", "saddle", "thistle", "willow", "wool"}
