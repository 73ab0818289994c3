package accuracy

import (
	_ "embed"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// Provider is a privacy or proxy service.
type Provider struct {
	Name string `json:"name"`
	// Signals say by what it was known: "name", "mail domain", "telephone",
	// "street", "the record's own word", "words", "relay address", "the name
	// itself", "on behalf".
	Signals []string `json:"signals,omitempty"`
}

// ProxyList is a reviewed list of privacy and proxy services. The zero value is
// empty.
type ProxyList struct {
	entries int
	names   map[string]string // provider by folded name
	starts  map[string]string // by the first two words of one that goes on ("Contact Privacy Inc. Customer 0123")
	mail    map[string]string
	phones  map[string]string // by digits
	streets map[string]string // by folded street
}

// Len is the number of entries.
func (l *ProxyList) Len() int { return l.entries }

// ReadProxies reads a list of services: lines of kind ("name", "start", "mail",
// "phone", "street"), value, provider, basis ("primary", "secondary", "ours"),
// source and date (YYYY-MM-DD), separated by tabs. A "start" is at least two
// words that a name begins with. A wrong line is a *problem.Error that names the
// line and the column.
func ReadProxies(r io.Reader) (*ProxyList, error) {
	l := &ProxyList{names: map[string]string{}, starts: map[string]string{}, mail: map[string]string{}, phones: map[string]string{}, streets: map[string]string{}}
	err := eachLine(r, func(n int, line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) != 6 {
			return problem.BadField(lineOf(n), "has %d columns, not 6", len(cells))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		kind, value, provider, basis, source, date := cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]
		if provider == "" || source == "" {
			return problem.BadField(lineOf(n), "has no provider or no source")
		}
		if basis != "primary" && basis != "secondary" && basis != "ours" {
			return problem.BadField(lineOf(n)+": basis", "is not primary, secondary or ours")
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return problem.BadField(lineOf(n)+": date", "is not a date such as 2026-11-26")
		}
		key := readName(value).key
		if kind != "mail" && kind != "phone" && len(key) < 5 {
			return problem.BadField(lineOf(n)+": value", "is too short to know a service by")
		}
		switch kind {
		case "name":
			l.names[key] = provider
		case "start":
			if strings.Count(key, " ") != 1 {
				return problem.BadField(lineOf(n)+": value", "is not of two words")
			}
			l.starts[key] = provider
		case "mail":
			d, err := name.Parse(value)
			if err != nil {
				return problem.BadField(lineOf(n)+": value", "is not a domain name")
			}
			l.mail[d.String()] = provider
		case "phone":
			d := digitsIn(value)
			if len(d) < 8 {
				return problem.BadField(lineOf(n)+": value", "is not a telephone number with its country code")
			}
			l.phones[d] = provider
		case "street":
			l.streets[key] = provider
		default:
			return problem.BadField(lineOf(n)+": kind", "is not name, start, mail, phone or street")
		}
		l.entries++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func digitsIn(s string) string {
	var b [20]byte
	n := 0
	for i := 0; i < len(s) && n < len(b); i++ {
		if s[i] == 'x' || s[i] == ';' { // an extension
			break
		}
		if s[i] >= '0' && s[i] <= '9' {
			b[n] = s[i]
			n++
		}
	}
	return string(b[:n])
}

//go:embed data/proxies.tsv
var proxyFile string

// ShippedProxies is the list that ships with the program.
var ShippedProxies = sync.OnceValue(func() *ProxyList {
	l, err := ReadProxies(strings.NewReader(proxyFile))
	if err != nil {
		return &ProxyList{} // a test reads the file
	}
	return l
})

// FindProxy says which privacy or proxy service stands in for a contact of a
// record, by the list (the shipped one when nil): towards the registry it is the
// holder, and the one to write to.
func FindProxy(rec registration.Record, role string, l *ProxyList) (Provider, bool) {
	if l == nil {
		l = ShippedProxies()
	}
	in := input{Subject: &Subject{Record: rec}, role: role, contact: rec.Contacts[role], memo: &memo{}}
	return in.proxyOf(l)
}

// proxyOf says whether a privacy or proxy service stands in for the contact.
func (in *input) proxyOf(l *ProxyList) (Provider, bool) {
	m := &in.memo.names
	if !m.asked {
		m.asked = true
		m.proxy, m.proxied = in.findProxy(l)
	}
	return m.proxy, m.proxied
}

// findProxy looks, in this order, at what the record says (RFC 9537, remarks
// and words, which the readers turn into field states), at exact names, mail
// domains and telephone numbers of services, and at signs of which two are
// needed: no word by itself makes a company a privacy service.
func (in *input) findProxy(l *ProxyList) (p Provider, ok bool) {
	c := &in.contact
	for _, f := range [...]string{"name", "organization", "email"} {
		if in.Record.Fields[registration.ContactPath(in.role, f)] == registration.Proxy {
			p.Signals = append(p.Signals, "the record's own word")
			break
		}
	}
	if len(p.Signals) == 0 && in.Record.Fields[registration.ContactPath(in.role, "")] == registration.Proxy {
		p.Signals = append(p.Signals, "the record's own word")
	}
	sure := len(p.Signals) > 0
	found := func(provider, signal string) {
		if provider != "" {
			if p.Name == "" {
				p.Name = provider
			}
			p.Signals = append(p.Signals, signal)
			sure = true
		}
	}
	local, domain := splitMail(c.Email)
	for _, f := range [...]string{"name", "organization"} {
		t := in.name(f)
		if t.key == "" {
			continue
		}
		provider := l.names[t.key]
		if provider == "" {
			if first, rest, more := strings.Cut(t.key, " "); more {
				second, _, _ := strings.Cut(rest, " ")
				provider = l.starts[t.key[:len(first)+1+len(second)]]
			}
		}
		if provider == "" && t.withheld == registration.Proxy {
			provider = quote(c.Field(f))
		}
		found(provider, "name")
	}
	if domain != "" {
		found(l.mailProvider(domain), "mail domain")
	}
	if c.Phone != "" {
		found(l.phones[digitsIn(c.Phone)], "telephone")
	}
	if sure {
		if p.Name == "" {
			p.Name = "a privacy or proxy service"
		}
		return p, true
	}
	// What needs a second sign, the cheap ones first.
	sign := func(is bool, signal string) {
		if is {
			p.Signals = append(p.Signals, signal)
		}
	}
	street := ""
	if len(c.Street) > 0 {
		street = c.Street[0]
	}
	word := in.name("name").marker || in.name("organization").marker
	sign(word, "words")
	mailWord := domain != "" && proxyDomain(domain) && !in.ownWords(domain)
	sign(mailWord, "mail domain")
	sign(relay(local, in.Record.Domain), "relay address")
	sign(onBehalf(c.Name) || onBehalf(c.Organization) || onBehalf(street), "on behalf")
	if len(p.Signals) == 0 {
		return Provider{}, false
	}
	sign(in.holdsName(c.Name) || in.holdsName(c.Organization) || in.holdsName(street), "the name itself")
	known := false
	for _, line := range c.Street[:min(len(c.Street), 4)] {
		if s := ""; len(line) <= 200 {
			if s = l.streets[readName(line).key]; s != "" {
				p.Name, known = s, true
				p.Signals = append(p.Signals, "street")
				break
			}
		}
	}
	if !word && !mailWord && !known {
		return Provider{}, false
	}
	if len(p.Signals) < 2 {
		return Provider{}, false
	}
	if p.Name == "" {
		p.Name = quote(c.Organization)
	}
	if p.Name == "" {
		p.Name = quote(c.Name)
	}
	return p, true
}

func (l *ProxyList) mailProvider(domain string) string {
	for {
		if p := l.mail[domain]; p != "" {
			return p
		}
		_, rest, more := strings.Cut(domain, ".")
		if !more {
			return ""
		}
		domain = rest
	}
}

// splitMail cuts an address; the domain is in lower case, as given.
func splitMail(s string) (local, domain string) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || len(s) > maxAddress {
		return "", ""
	}
	return strings.ToLower(s[:at]), strings.ToLower(s[at+1:])
}

// markerWord says whether a folded word is one that services use. It is one
// sign: companies use these words too.
func markerWord(w string) bool {
	switch w {
	case "privacy", "proxy", "whois", "anonymous", "anonymized", "anonymised", "masked", "datenschutz", "confidentialite", "privacidad", "privacidade",
		"riservatezza", "приватность", "конфиденциальность":
		return true
	}
	return false
}

// proxyDomain says whether a mail domain has a word that services use.
func proxyDomain(d string) bool {
	for i := 0; i < len(d); i++ {
		switch rest := d[i:]; d[i] {
		case 'w':
			if strings.HasPrefix(rest, "whois") {
				return true
			}
		case 'p':
			if strings.HasPrefix(rest, "privacy") || strings.HasPrefix(rest, "proxy") {
				return true
			}
		case 'a':
			if strings.HasPrefix(rest, "anonym") {
				return true
			}
		}
	}
	return false
}

// ownWords says whether the mail domain is made of the words of the contact's
// own name, as that of a company called "Privacy …" is.
func (in *input) ownWords(domain string) bool {
	label, _, _ := strings.Cut(domain, ".")
	label = strings.ReplaceAll(label, "-", "")
	for _, f := range [...]string{"organization", "name"} {
		t := in.name(f)
		if joined := strings.ReplaceAll(t.key, " ", ""); len(joined) >= 4 && (strings.HasPrefix(joined, label) || strings.HasPrefix(label, joined)) {
			return true
		}
	}
	return false
}

// relay says whether a local part is made for one registration: it holds the
// name, or is a long string of letters and digits mixed.
func relay(local, domain string) bool {
	if local == "" {
		return false
	}
	if domain != "" && (strings.Contains(local, domain) || strings.Contains(local, strings.ReplaceAll(domain, ".", "-"))) {
		return true
	}
	if len(local) < 12 {
		return false
	}
	letters, digits, turns := 0, 0, 0
	var prev byte
	for i := 0; i < len(local); i++ {
		c := local[i]
		isDigit := c >= '0' && c <= '9'
		switch {
		case isDigit:
			digits++
		case c >= 'a' && c <= 'z':
			letters++
		case c != '-' && c != '.' && c != '_':
			return false
		}
		if i > 0 && isDigit != (prev >= '0' && prev <= '9') {
			turns++
		}
		prev = c
	}
	return digits >= 3 && letters >= 3 && turns >= 4
}

// holdsName says whether a text holds the checked name.
func (in *input) holdsName(s string) bool {
	d := in.Record.Domain
	return d != "" && len(s) >= len(d) && len(s) <= maxValue && strings.Contains(strings.ToLower(s), d)
}

func onBehalf(s string) bool {
	if len(s) > 300 {
		s = s[:300]
	}
	if len(s) < 5 || strings.IndexByte(s, '/') < 0 && strings.IndexByte(s, 'f') < 0 && strings.IndexByte(s, 'F') < 0 {
		return false // neither can be there, and nearly every value ends here
	}
	s = strings.ToLower(s)
	return strings.Contains(s, "on behalf of") || strings.HasPrefix(s, "c/o ") || strings.Contains(s, " c/o ")
}

// proxyCheck is N7.
func proxyCheck(l *ProxyList) Check {
	return Check{
		ID: "contact.proxy", Level: V1, Field: "", Absent: true,
		About:   "The contact is itself, and no privacy or proxy service stands in for it.",
		Source:  "RFC 9537, then words, then data/proxies.tsv, then two signs together: ours",
		Reasons: map[string]string{},
		run: func(in *input) outcome {
			if p, ok := in.proxyOf(l); ok {
				return untestable(Proxy, p.Name+" (by "+strings.Join(p.Signals, ", ")+")")
			}
			if in.contact.IsZero() {
				return skip
			}
			return pass
		},
	}
}

func lineOf(n int) string { return "line " + strconv.Itoa(n) }
