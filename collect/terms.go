package collect

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"

	"go.yaml.in/yaml/v3"
)

//go:embed terms.yaml
var shippedTerms []byte

// MaxTerms is the longest terms-of-use file that is read, in octets.
const MaxTerms = 1 << 20

// ServerTerms are what one RDAP or WHOIS server permits. A zero field says
// nothing.
type ServerTerms struct {
	// Rate is how many questions a second are permitted, Burst how many at once
	// after a rest, Concurrency how many at the same time.
	Rate        float64
	Burst       int
	Concurrency int
	// Hours are when it may be asked, each "22:00-06:00" in UTC; empty: always.
	Hours []string
	// Purposes are what may be asked for; empty: whatever is lawful.
	Purposes []string
	// NoContacts says that personal contact data must not be asked for, NoBulk
	// that many names must not be looked up in one run.
	NoContacts bool
	NoBulk     bool
	Note       string
	Source     string // where the terms are published
	Date       string // when they were read there

	hours []hours
}

// hours are a stretch of each day, in minutes since midnight UTC. It runs over
// midnight when it ends before it begins.
type hours struct{ from, to int }

// Terms are the terms of use of servers. They are not changed once made, so
// that they are safe for concurrent use.
type Terms struct {
	servers map[string]ServerTerms
}

// termsFile is the form of a terms-of-use file.
type termsFile struct {
	Servers []struct {
		Server      string   `yaml:"server"`
		Rate        float64  `yaml:"rate"`
		Burst       int      `yaml:"burst"`
		Concurrency int      `yaml:"concurrency"`
		Hours       []string `yaml:"hours"`
		Purposes    []string `yaml:"purposes"`
		Contacts    *bool    `yaml:"contacts"`
		Bulk        *bool    `yaml:"bulk"`
		Note        string   `yaml:"note"`
		Source      string   `yaml:"source"`
		Date        string   `yaml:"date"`
	} `yaml:"servers"`
}

// DefaultTerms are the terms built in: few, since what is not known is left to
// the default pace (Limits), which is slow.
func DefaultTerms() (*Terms, error) { return ReadTerms(bytes.NewReader(shippedTerms)) }

// ReadTerms reads a terms-of-use file (docs/operate.md). Whatever is wrong in
// it is a *problem.Error that names the entry: a term must not be lost
// silently.
func ReadTerms(r io.Reader) (*Terms, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxTerms+1))
	if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the terms of use cannot be read")
	}
	if len(b) > MaxTerms {
		return nil, problem.New(problem.TooLarge, "the terms of use are over %d octets", MaxTerms)
	}
	var f termsFile
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, problem.Wrap(err, problem.Invalid, "the terms of use do not parse")
	}
	t := &Terms{servers: make(map[string]ServerTerms, len(f.Servers))}
	var bad *problem.Error
	for i, x := range f.Servers {
		path := "servers[" + strconv.Itoa(i) + "]"
		key := termsKey(x.Server)
		if key == "" {
			bad = bad.Add(path+".server", "%q is not a host name or address, with or without a port", evidence.Clean(x.Server, 100))
			continue
		}
		if _, twice := t.servers[key]; twice {
			bad = bad.Add(path+".server", "%s is listed twice", key)
		}
		if !(x.Rate >= 0 && x.Rate <= 1e6) || x.Burst < 0 || x.Concurrency < 0 {
			bad = bad.Add(path, "rate, burst and concurrency must not be below zero, and rate not above 1000000")
		}
		s := ServerTerms{Rate: x.Rate, Burst: x.Burst, Concurrency: x.Concurrency, Hours: x.Hours, Purposes: x.Purposes,
			NoContacts: x.Contacts != nil && !*x.Contacts, NoBulk: x.Bulk != nil && !*x.Bulk,
			Note: x.Note, Source: x.Source, Date: x.Date}
		for j, h := range x.Hours {
			span, ok := readHours(h)
			if !ok {
				bad = bad.Add(path+".hours["+strconv.Itoa(j)+"]", "%q is not a span such as 22:00-06:00", evidence.Clean(h, 40))
			}
			s.hours = append(s.hours, span)
		}
		for j, p := range x.Purposes {
			if strings.TrimSpace(p) == "" {
				bad = bad.Add(path+".purposes["+strconv.Itoa(j)+"]", "is empty")
			}
		}
		if _, err := time.Parse(time.DateOnly, x.Date); x.Date != "" && err != nil {
			bad = bad.Add(path+".date", "%q is not a date such as 2026-01-31", evidence.Clean(x.Date, 40))
		}
		t.servers[key] = s
	}
	if err := bad.OrNil(); err != nil {
		return nil, err
	}
	return t, nil
}

// termsKey reads a server's name: "host", or "host:port" for one port of it.
func termsKey(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	host, port := s, ""
	if h, p, err := net.SplitHostPort(s); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return ""
		}
		host, port = h, p
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		host = a.String()
	} else if d, err := name.Parse(strings.TrimSuffix(host, ".")); err == nil {
		host = d.String()
	} else {
		return ""
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

func readHours(s string) (hours, bool) {
	from, to, ok := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", strings.TrimSpace(from))
	b, err2 := time.Parse("15:04", strings.TrimSpace(to))
	h := hours{a.Hour()*60 + a.Minute(), b.Hour()*60 + b.Minute()}
	if strings.TrimSpace(to) == "24:00" {
		h.to, err2 = 24*60, nil
	}
	return h, ok && err1 == nil && err2 == nil && h.from != h.to
}

// With gives terms in which those of over win, server by server and whole.
func (t *Terms) With(over *Terms) *Terms {
	out := &Terms{servers: map[string]ServerTerms{}}
	for _, x := range []*Terms{t, over} {
		if x != nil {
			maps.Copy(out.servers, x.servers)
		}
	}
	return out
}

// For gives the terms of server, "host:port" as in Step.Server: those of the
// port, else those of the host; the zero value when nothing is known.
func (t *Terms) For(server string) ServerTerms {
	if t == nil {
		return ServerTerms{}
	}
	if s, ok := t.servers[server]; ok {
		return s
	}
	i := strings.LastIndexByte(server, ':')
	return t.servers[server[:max(i, 0)]]
}

// Servers lists the servers that terms are known of.
func (t *Terms) Servers() []string {
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.servers))
}

// Allows says whether something may be asked for a purpose: one of the list,
// in any case, or any where there is no list.
func (s ServerTerms) Allows(purpose string) bool {
	return len(s.Purposes) == 0 || slices.ContainsFunc(s.Purposes, func(p string) bool {
		return strings.EqualFold(strings.TrimSpace(p), strings.TrimSpace(purpose))
	})
}

// OpenAt gives the first time from now on at which the server may be asked, by
// its hours: now itself when they are open.
func (s ServerTerms) OpenAt(now time.Time) time.Time {
	if len(s.hours) == 0 {
		return now
	}
	u := now.UTC()
	minute := u.Hour()*60 + u.Minute()
	wait := 24 * 60
	for _, h := range s.hours {
		if h.from < h.to && minute >= h.from && minute < h.to || h.from > h.to && (minute >= h.from || minute < h.to) {
			return now
		}
		wait = min(wait, (h.from-minute+24*60)%(24*60))
	}
	return u.Truncate(time.Minute).Add(time.Duration(wait) * time.Minute)
}

// Terms gives what server, a Step's, permits: its terms of use, with the
// default pace of its protocol where they say nothing.
func (c *Collector) Terms(server string) ServerTerms {
	s := c.terms.For(server)
	if strings.HasSuffix(server, ":43") {
		s.Rate, s.Burst = cmp.Or(s.Rate, c.limits.WHOISRate), cmp.Or(s.Burst, burstFor(s.Rate, c.limits.WHOISBurst))
	} else {
		s.Rate, s.Burst = cmp.Or(s.Rate, c.limits.RDAPRate), cmp.Or(s.Burst, burstFor(s.Rate, c.limits.RDAPBurst))
	}
	return s
}

// burstFor is the burst where only a rate is known, or nothing: who permits one
// question a minute did not permit five at once.
func burstFor(rate float64, usual int) int {
	if rate > 0 && rate < float64(usual) {
		return max(1, int(rate))
	}
	return usual
}
