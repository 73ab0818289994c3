package population_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy"
	"bailiwick/accuracy/policy"
	"bailiwick/lab/population"
	"bailiwick/registration"
)

var at = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

func of(t testing.TB, seed uint64, n int) []population.Registration {
	t.Helper()
	seq, err := population.Of(seed, n, population.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]population.Registration, 0, n)
	for r := range seq {
		out = append(out, r)
	}
	return out
}

// facts are what trying the contact shows, in the form of package accuracy.
func facts(r population.Registration, rec registration.Record) accuracy.Facts {
	s := r.Seen()
	var f accuracy.Facts
	if s.MailDomain != "" {
		f.Mail = map[string]accuracy.MailFact{s.MailDomain: {At: at, Registered: &s.Registered, MX: s.MX, NullMX: s.NullMX}}
	}
	for role, c := range rec.Contacts {
		for _, a := range []struct {
			field, method string
			ok            bool
		}{{"email", "code", s.Answered}, {"phone", "call", s.Connected}, {"street", "post", s.Delivered}} {
			f.Answers = append(f.Answers, accuracy.Answer{Path: registration.ContactPath(role, a.field), Value: c.Field(a.field), Method: a.method, OK: a.ok, At: at})
		}
	}
	return f
}

// The checks, which share no rule with the population, find what was broken and
// nothing else: in form, and by what trying it shows.
func TestChecksFindTheTruth(t *testing.T) {
	set, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	p, err := set.Get("ars-2013")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[population.Fault]int{}
	proxies, wrong := 0, 0
	for _, r := range of(t, 7, 3000) {
		rec := r.Record()
		a, _, err := p.Examine(rec, facts(r, rec), at)
		if err != nil {
			t.Fatal(err)
		}
		if r.Truth.Proxy {
			proxies++
		}
		for _, m := range a.Modes {
			fault, form, works := population.NoFault, r.Truth.WellFormed(), r.Truth.Works()
			switch m.Mode {
			case "email":
				fault = r.Truth.Email
			case "phone":
				fault = r.Truth.Phone
			case "postal":
				fault = r.Truth.Postal
			}
			if m.Mode != "all" {
				form, works = fault.WellFormed(), fault.Works()
				seen[fault]++
			}
			if got := m.Form == accuracy.Pass; got != form {
				wrong++
				t.Errorf("%s of %s (%q, proxy %t): form %q, and the truth is %t: %+v", m.Mode, r.Name, fault, r.Truth.Proxy, m.Form, form, rec.Contacts["registrant"])
			}
			// What is not of its form is not tried.
			if form && m.Mode != "all" && (m.Works == accuracy.Pass) != works {
				wrong++
				t.Errorf("%s of %s (%q): works %q, and the truth is %t", m.Mode, r.Name, fault, m.Works, works)
			}
			if wrong > 20 {
				t.FailNow()
			}
		}
	}
	if len(seen) != 16 || proxies < 100 {
		t.Errorf("%d faults and %d proxies occurred: %v", len(seen), proxies, seen)
	}
}

// What is redacted is withheld, and nothing of it is shown; to the rest
// everybody sees what the registry holds.
func TestPublic(t *testing.T) {
	redacted, proxied := 0, 0
	for _, r := range of(t, 3, 1000) {
		held, shown := r.Record(), r.Public()
		b, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		c := held.Contacts["registrant"]
		switch {
		case r.Truth.Redacted:
			redacted++
			for _, secret := range []string{c.Name, c.Email, c.Phone, c.Organization, strings.Join(c.Street, " ")} {
				if secret != "" && strings.Contains(string(b), secret) {
					t.Errorf("%s shows %q", r.Name, secret)
				}
			}
			if shown.Fields["contacts.registrant.email"] != registration.Redacted || shown.Contacts["registrant"].Country != r.Country {
				t.Errorf("%s: %s", r.Name, b)
			}
		case !registration.Same(held, shown):
			t.Errorf("%s shows something else than is held", r.Name)
		}
		if r.Truth.Proxy {
			proxied++
			if r.Truth.Redacted || held.Fields["contacts.registrant.name"] != registration.Proxy || c.Name != "" {
				t.Errorf("%s is a proxy's: %+v", r.Name, held)
			}
		}
	}
	if redacted < 200 || proxied < 50 {
		t.Errorf("%d redacted, %d of proxies", redacted, proxied)
	}
}

// The same seed gives the same; a larger population begins with the smaller;
// another seed is another.
func TestRepeatable(t *testing.T) {
	const n = 300
	one, more, other := of(t, 1, n), of(t, 1, 2*n), of(t, 2, n)
	same := 0
	names := map[string]bool{}
	for i, r := range one {
		if r != more[i] || !registration.Same(r.Record(), more[i].Record()) {
			t.Fatalf("registration %d differs: %+v, %+v", i, r, more[i])
		}
		if r.Truth == other[i].Truth && r.Registrar == other[i].Registrar && r.Country == other[i].Country {
			same++
		}
	}
	for _, r := range more {
		names[r.Name] = true
	}
	if same > n/3 || len(names) != 2*n {
		t.Errorf("%d of %d are the same under another seed; %d names of %d", same, n, len(names), 2*n)
	}
	first, err := json.Marshal(one[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Index":0,"Name":"garden-willow-0.shopx","Registrar":"Quickname","Country":"MA","Created":"2016-11-04T22:03:32Z","Truth":{"postal":"postal: no letter arrives"}}`
	if string(first) != want {
		t.Errorf("the first registration of seed 1 is\n%s, not\n%s", first, want)
	}
}

// The shares are the options': of every registrar, within what chance allows
// (5 standard errors).
func TestShares(t *testing.T) {
	type count struct{ n, email, phone, postal, proxy, redacted float64 }
	all := map[string]*count{}
	const n = 200_000
	one := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	o := population.Options{Countries: []population.Country{{Code: "DE", Weight: 1}}}
	seq, err := population.Of(11, n, o)
	if err != nil {
		t.Fatal(err)
	}
	for r := range seq {
		c := all[r.Registrar]
		if c == nil {
			c = &count{}
			all[r.Registrar] = c
		}
		c.n++
		c.proxy += one(r.Truth.Proxy)
		if !r.Truth.Proxy {
			c.email += one(r.Truth.Email != population.NoFault)
			c.phone += one(r.Truth.Phone != population.NoFault)
			c.postal += one(r.Truth.Postal != population.NoFault)
			c.redacted += one(r.Truth.Redacted)
		}
	}
	weights := 0.0
	for _, r := range population.Registrars() {
		weights += r.Weight
	}
	for _, r := range population.Registrars() {
		c := all[r.Name]
		if c == nil {
			t.Fatalf("%s has no registration", r.Name)
		}
		near := func(what string, hits, of, share float64) {
			if d := math.Abs(hits - of*share); d > 5*math.Sqrt(of*share*(1-share))+1e-9 {
				t.Errorf("%s, %s: %.0f of %.0f, and the share is %g", r.Name, what, hits, of, share)
			}
		}
		own := c.n - c.proxy
		near("size", c.n, n, r.Weight/weights)
		near("proxy", c.proxy, c.n, r.Shares.Proxy)
		near("e-mail", c.email, own, r.Shares.Email)
		near("telephone", c.phone, own, r.Shares.Phone)
		near("postal", c.postal, own, r.Shares.Postal)
		near("redacted", c.redacted, own, r.Shares.Redacted)
	}
}

func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		o    population.Options
		want string
	}{
		"negative":   {-1, population.Options{}, "n: -1"},
		"nobody":     {1, population.Options{Registrars: []population.Registrar{}}, "registrars: 0"},
		"weight":     {1, population.Options{Registrars: []population.Registrar{{Name: "A", Weight: math.NaN()}}}, "registrars[0].weight"},
		"share":      {1, population.Options{Registrars: []population.Registrar{{Name: "A", Weight: 1, Shares: population.Shares{Phone: 1.5}}}}, "registrars[0].shares.phone"},
		"country":    {1, population.Options{Countries: []population.Country{{Code: "XX", Weight: 1}}}, "countries[0].code"},
		"no country": {1, population.Options{Countries: []population.Country{}}, "countries"},
		"factor":     {1, population.Options{Countries: []population.Country{{Code: "DE", Weight: 1, Postal: -1}}}, "countries[0].postal"},
		"no tld":     {1, population.Options{TLDs: []string{}}, "tlds"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := population.Of(1, c.n, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, not an error that names %q", err, c.want)
			}
		})
	}
}

func BenchmarkOf(b *testing.B) {
	seq, err := population.Of(1, b.N, population.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for r := range seq {
		_ = r
	}
}

func BenchmarkRecord(b *testing.B) {
	all := of(b, 1, 1000)
	b.ReportAllocs()
	for i := range b.N {
		_ = all[i%len(all)].Record()
	}
}
