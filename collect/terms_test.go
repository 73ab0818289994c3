package collect

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/registration"
)

const someTerms = `
servers:
  - server: RDAP.Registry.example
    rate: 2
    burst: 3
    concurrency: 1
    hours: ["22:00-06:00", "12:00-13:00"]
    purposes: [abuse handling, research]
    contacts: false
    bulk: false
    note: by contract
    source: https://registry.example/terms
    date: 2026-10-01
  - server: rdap.registry.example:8443
    rate: 0.02
  - server: whois.registry.example
    rate: 0.5
    bulk: true
  - server: "[2001:db8::1]:43"
    burst: 1
`

func TestTerms(t *testing.T) {
	terms, err := ReadTerms(strings.NewReader(someTerms))
	if err != nil {
		t.Fatal(err)
	}
	s := terms.For("rdap.registry.example:443")
	if s.Rate != 2 || s.Burst != 3 || s.Concurrency != 1 || !s.NoContacts || !s.NoBulk || s.Note != "by contract" || s.Date != "2026-10-01" {
		t.Errorf("%+v", s)
	}
	if !s.Allows("Abuse Handling") || s.Allows("marketing") || !terms.For("other.example:443").Allows("marketing") {
		t.Error("purposes")
	}
	if got := strings.Join(terms.Servers(), " "); got != "2001:db8::1:43 rdap.registry.example rdap.registry.example:8443 whois.registry.example" {
		t.Errorf("%s", got)
	}
	for at, open := range map[string]string{"23:59": "23:59", "00:00": "00:00", "05:59": "05:59", "06:00": "12:00", "11:59": "12:00", "12:30": "12:30", "13:00": "22:00", "21:59": "22:00", "22:00": "22:00"} {
		now, err := time.Parse("2006-01-02 15:04", "2026-03-01 "+at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.OpenAt(now.Add(30 * time.Second)); got.Format("15:04") != open || got.Before(now) || open == at && !got.Equal(now.Add(30*time.Second)) || open != at && got.Second() != 0 {
			t.Errorf("at %s it is open from %s", at, got)
		}
	}
	w := newWorld(t)
	c := w.collector(func(cfg *Config) { cfg.Terms, cfg.Limits = terms, Limits{} })
	for server, want := range map[string]Pace{
		"rdap.registry.example:443": {2, 3}, "rdap.registry.example:8443": {0.02, 1}, "whois.registry.example:43": {0.5, 1}, "2001:db8::1:43": {1, 1},
		"rdap.other.example:443": {1, 10}, "whois.other.example:43": {1, 5},
	} {
		if s := c.Terms(server); s.Rate != want.Rate || s.Burst != want.Burst {
			t.Errorf("%s: %v a second, burst %d", server, s.Rate, s.Burst)
		}
	}
	shipped, err := DefaultTerms()
	if err != nil {
		t.Fatal(err)
	}
	over, err := ReadTerms(strings.NewReader("servers: [{server: rdap.registry.example, rate: 9}]"))
	if err != nil {
		t.Fatal(err)
	}
	if s := shipped.With(terms).With(over).For("rdap.registry.example:443"); s.Rate != 9 || s.NoBulk {
		t.Errorf("an override does not take the whole place: %+v", s)
	}
	if empty, err := ReadTerms(strings.NewReader("")); err != nil || len(empty.Servers()) != 0 {
		t.Error(err)
	}
	for text, names := range map[string]string{
		"servers: [{server: ''}]":                                       "servers[0].server",
		"servers: [{server: 'a b'}]":                                    "servers[0].server",
		"servers: [{server: 'x.example:99999'}]":                        "servers[0].server",
		"servers: [{server: x.example}, {server: X.example.}]":          "listed twice",
		"servers: [{server: x.example, rate: -1}]":                      "servers[0]",
		"servers: [{server: x.example, rate: .nan}]":                    "servers[0]",
		"servers: [{server: x.example, hours: ['25:00-26:00']}]":        "hours[0]",
		"servers: [{server: x.example, hours: ['8-9', '10:00-10:00']}]": "hours[1]",
		"servers: [{server: x.example, date: yesterday}]":               "date",
		"servers: [{server: x.example, purposes: ['']}]":                "purposes[0]",
		"servers: [{server: x.example, quota: 5}]":                      "quota",
		"servers: {": "parse",
		"servers: []\n#" + strings.Repeat("x", MaxTerms): "over",
	} {
		if _, err := ReadTerms(strings.NewReader(text)); err == nil || problem.CodeOf(err) == problem.Internal || !strings.Contains(err.Error()+strings.Join(paths(err), " "), names) {
			t.Errorf("%.80s: %v", text, err)
		}
	}
}

func paths(err error) (out []string) {
	for _, f := range problem.DocumentOf(err).Errors {
		out = append(out, f.Path)
	}
	return out
}

// TestHours: outside the hours of its terms a server is not asked.
func TestHours(t *testing.T) {
	w := newWorld(t)
	p := w.whois(func(c net.Conn, q string) { says(whoisText(q, "", contacts))(c, q) }, nil)
	terms, err := ReadTerms(strings.NewReader("servers: [{server: whois.nic.test, hours: ['14:30-15:00']}]"))
	if err != nil {
		t.Fatal(err)
	}
	c := w.lookingUp(func(cfg *Config) { cfg.Terms, cfg.WHOIS = terms, map[string]string{"test": "whois.nic.test"} })
	o, _, err := walk(t, c, "shop.test")
	open := time.Date(2026, 3, 1, 14, 30, 0, 0, time.UTC)
	if err != nil || !o.Throttled || !o.RetryAt.Equal(open) || o.Record.State != registration.Throttled || findings(o.Record.Findings) != "terms.hours" || len(p.questions()) != 0 ||
		!c.RetryAt(domain(t, "shop.test")).Equal(open) {
		t.Errorf("%+v, %v, asked %q", o, err, p.questions())
	}
	w.clock.Set(open)
	if rec, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || rec.State != registration.Registered {
		t.Errorf("%+v, %v", rec, err)
	}
}

func FuzzReadTerms(f *testing.F) {
	f.Add([]byte(someTerms))
	f.Add([]byte("servers: [{server: x.example, rate: 1e400, hours: ['00:00-24:00']}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		terms, err := ReadTerms(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		for _, key := range terms.Servers() {
			s := terms.For(key)
			if termsKey(key) != key && !strings.Contains(key, "::") || s.Rate < 0 || s.Burst < 0 || s.Concurrency < 0 || s.OpenAt(start).Before(start) || s.OpenAt(start).Sub(start) > 24*time.Hour {
				t.Fatalf("%q: %+v", key, s)
			}
		}
	})
}
