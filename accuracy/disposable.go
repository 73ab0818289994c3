package accuracy

import (
	"bufio"
	_ "embed"
	"io"
	"strings"
	"sync"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Limits of a list of domains, in octets and lines.
const (
	MaxListBytes = 16 << 20
	MaxListLines = 1_000_000
	maxListLine  = 4096
)

// DomainList is a set of domains, each with all that is below it. The zero
// value is empty.
type DomainList struct{ domains map[string]bool }

// Len is the number of domains listed.
func (l *DomainList) Len() int { return len(l.domains) }

// Has says whether a domain (A-labels, lower case) or one above it is listed.
func (l *DomainList) Has(domain string) bool { _, ok := l.find(domain); return ok }

// find gives the listed domain at or above domain.
func (l *DomainList) find(domain string) (listed string, ok bool) {
	if l == nil {
		return "", false
	}
	for domain != "" {
		if l.domains[domain] {
			return domain, true
		}
		_, rest, more := strings.Cut(domain, ".")
		if !more {
			break
		}
		domain = rest
	}
	return "", false
}

// ReadDomains reads a list of domains: one a line, as the public lists of
// disposable mail domains have it; "#" and "//" begin a comment, and what
// follows a tab (a source, a date) is not read. A line that is no domain, a
// top-level domain by itself, or a limit passed is a *problem.Error that names
// the line.
func ReadDomains(r io.Reader) (*DomainList, error) {
	l := &DomainList{domains: map[string]bool{}}
	err := eachLine(r, func(n int, line string) error {
		line, _, _ = strings.Cut(line, "\t")
		d, err := name.Parse(strings.TrimSpace(line))
		if err != nil {
			return problem.BadField(lineOf(n), "is not a domain name of two labels or more")
		}
		l.domains[d.String()] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// eachLine gives the lines that are neither empty nor comments, without the
// white space around them.
func eachLine(r io.Reader, take func(n int, line string) error) error {
	limited := &io.LimitedReader{R: r, N: MaxListBytes + 1}
	s := bufio.NewScanner(limited)
	s.Buffer(nil, maxListLine)
	n := 0
	for s.Scan() {
		if n++; n > MaxListLines {
			return problem.New(problem.TooLarge, "the list has more than %d lines", MaxListLines)
		}
		line := strings.Trim(s.Text(), " \r\ufeff")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "//") {
			continue
		}
		if err := take(n, line); err != nil {
			return err
		}
	}
	if limited.N <= 0 {
		return problem.New(problem.TooLarge, "the list is longer than %d octets", MaxListBytes)
	}
	if err := s.Err(); err == bufio.ErrTooLong {
		return problem.BadField(lineOf(n+1), "is longer than %d octets", maxListLine)
	} else if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the list could not be read")
	}
	return nil
}

//go:embed data/disposable.tsv
var disposableFile string

// ShippedDisposable is the list of disposable mail domains that ships with the
// program: a few dozen well-known services. An operator gives a longer one.
var ShippedDisposable = sync.OnceValue(func() *DomainList {
	l, err := ReadDomains(strings.NewReader(disposableFile))
	if err != nil {
		return &DomainList{} // a test reads the file
	}
	return l
})

// mailChecks are E7, E8 and E9.
func mailChecks(disposable *DomainList, l *ProxyList) []Check {
	return []Check{{
		ID: "email.disposable", Level: V1, Field: "email",
		About:   "The mail address is not of a service for addresses that are thrown away.",
		Source:  "test E7; data/disposable.tsv and the operator's own list: ours",
		Reasons: map[string]string{"disposable": "The mail domain is of a service for addresses that are thrown away: ask for one that the contact keeps."},
		run: func(in *input) outcome {
			d := in.mailbox().domain
			if d == "" {
				return skip
			}
			if listed, ok := disposable.find(d); ok {
				return warn("disposable", listed)
			}
			return pass
		},
	}, {
		ID: "email.role", Level: V1, Field: "email",
		About:  "The mail address is read by somebody who can answer for the registration.",
		Source: "test E8; RFC 2142 for the names of functions; which of them warn: ours",
		Reasons: map[string]string{
			"no-reply": "The address says that nobody reads it: ask for one that is read.",
			"role":     "The address is of a function, and no organisation is given: ask for the organisation or a personal address.",
		},
		run: func(in *input) outcome {
			m := in.mailbox()
			if m.domain == "" {
				return skip
			}
			if _, ok := in.proxyOf(l); ok {
				return skip // a relay may be called anything
			}
			switch kindOfLocal(m.local) {
			case "no-reply":
				return warn("no-reply", "")
			case "role":
				// A company is well reached so, and a desk is what other contacts are.
				if in.role == registration.Registrant && blank(in.contact.Organization) && !in.name("name").org {
					return warn("role", "")
				}
			}
			return pass
		},
	}, {
		ID: "email.own-domain", Level: V1, Field: "email",
		About:   "The contact can still be reached by mail when the name is on hold.",
		Source:  "test E9: ours",
		Reasons: map[string]string{"own-domain": "The mail address is under the name itself, so no mail arrives once the name is on hold: ask for a second way."},
		run: func(in *input) outcome {
			d := in.mailbox().domain
			if d == "" || in.Record.Domain == "" {
				return skip
			}
			if d == in.Record.Domain || strings.HasSuffix(d, "."+in.Record.Domain) {
				return warn("own-domain", "")
			}
			return pass
		},
	}}
}

// kindOfLocal says whether the local part of an address is of nobody or of a
// function.
func kindOfLocal(local string) string {
	if len(local) > 40 {
		return ""
	}
	var b [40]byte
	n := 0
letters:
	for i := range len(local) {
		switch c := local[i]; {
		case c == '+':
			break letters
		case c >= 'A' && c <= 'Z':
			b[n] = c | 0x20
		case c == '-', c == '_', c == '.':
			continue
		default:
			b[n] = c
		}
		n++
	}
	switch string(b[:n]) {
	case "noreply", "donotreply", "dontreply", "neverreply", "nreply", "noanswer", "nomail", "noemail", "devnull", "nobody", "null", "none",
		"keineantwort", "nichtantworten", "nepasrepondre", "noresponder", "nonrispondere", "naoresponda", "mailerdaemon", "blackhole":
		return "no-reply"
	case "postmaster", "hostmaster", "webmaster", "abuse", "noc", "security", "admin", "administrator", "root", "info", "office", "contact",
		"contacts", "kontakt", "contacto", "contato", "support", "help", "helpdesk", "sales", "billing", "dns", "domain", "domains", "domainadmin",
		"hello", "mail", "marketing", "legal", "accounts", "accounting", "service", "team", "it", "sysadmin", "staff", "hr", "press":
		return "role"
	}
	return ""
}
