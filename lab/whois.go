package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
)

// ianaHost is where the WHOIS servers of TLDs are asked for.
const ianaHost = "whois.iana.org"

// whoisForms are the forms in which a registry may answer: the labelled lines
// of ICANN's contracts, blocks of objects as at RIPE's data base and its
// descendants, labels with dotted leaders, and sections of indented columns.
var whoisForms = []string{"icann", "block", "dotted", "indented"}

// whoisServer is one WHOIS service (RFC 3912): of a registry, a registrar, or
// IANA (both nil). Each has an address of its own, since a question does not
// say which server it is for.
type whoisServer struct {
	tld       *tld
	registrar *party
	fault     WHOISFault
	limit     *limiter
	host      string
}

// whoisServer puts up a server unless there is to be none.
func (w *World) whoisServer(host string, s *whoisServer) {
	if s.fault == WHOISNone {
		return
	}
	n := len(w.whoisAt) + 1
	b := ownNetwork6.Addr().As16()
	b[7], b[14], b[15] = 0x43, byte(n>>8), byte(n)
	addr := netip.AddrFrom16(b)
	s.host = host
	w.infra[host] = record{addr: addr, whois: true}
	w.whoisAt[addr] = s
}

// maxQuestion is the longest question that is read, in octets.
const maxQuestion = 512

// whoisListener is the loopback listener behind all of the lab's WHOIS
// servers.
type whoisListener struct {
	net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once closed
}

// hold notes a connection, so that close ends it; false when it is too late.
func (l *whoisListener) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns != nil {
		l.conns[c] = true
	}
	return l.conns != nil
}

func (l *whoisListener) release(c net.Conn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	_ = c.Close() // the client may have gone
}

func (l *whoisListener) close() {
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func (w *World) listenWHOIS(ctx context.Context, lc net.ListenConfig) error {
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the lab cannot listen")
	}
	w.whois = &whoisListener{Listener: proxyListener{l}, conns: map[net.Conn]bool{}}
	w.serving.Go(func() {
		for {
			c, err := w.whois.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					w.log.Error("WHOIS server", "err", err)
				}
				return
			}
			if !w.whois.hold(c) {
				_ = c.Close()
				continue
			}
			w.serving.Go(func() {
				defer w.whois.release(c)
				w.serveWHOIS(c)
			})
		}
	})
	return nil
}

// serveWHOIS answers one question.
func (w *World) serveWHOIS(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	r := bufio.NewReaderSize(c, maxQuestion)
	line, err := r.ReadSlice('\n')
	if err != nil {
		return // no question, or one that is too long
	}
	to, err := netip.ParseAddrPort(c.LocalAddr().String())
	s := w.whoisAt[to.Addr()]
	if err != nil || s == nil {
		return
	}
	w.counts.whois.Add(1)
	if from, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		switch wait, banned := s.limit.ask(from.Addr(), time.Now()); {
		case banned:
			w.counts.banned.Add(1)
			return
		case wait > 0:
			w.counts.throttled.Add(1)
			_, _ = c.Write([]byte(overWire("% Query rate limit exceeded. Please try again later.\n"))) // the client may have gone
			return
		}
	}
	question := strings.TrimSpace(string(line))
	w.mu.RLock()
	answer := w.whoisAnswer(s, question)
	w.mu.RUnlock()
	switch s.fault {
	case WHOISEndless:
		junk := []byte(strings.Repeat("% This line is sent again and again.\r\n", 200))
		for {
			if _, err := c.Write(junk); err != nil {
				return
			}
		}
	case WHOISSlow:
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			b := "%" // after the record, comments: it never ends
			if i < len(answer) {
				b = answer[i : i+1]
			}
			if _, err := c.Write([]byte(b)); err != nil {
				return
			}
			<-tick.C
		}
	}
	_, _ = c.Write([]byte(answer)) // the client may have gone
}

// whoisAnswer is what a server says to a question, its fault included as far
// as it is in the text.
func (w *World) whoisAnswer(s *whoisServer, question string) string {
	fields := strings.Fields(question)
	if len(fields) == 0 {
		return overWire("% No question was asked.\n")
	}
	switch s.fault {
	case WHOISHTML:
		return string(doc("en", "Welcome", tag("h1", "Welcome to our web server"), tag("p", "The service you asked for is being moved.")))
	case WHOISError:
		return overWire("% Internal error: the database is not available. Please try again later.\n")
	case WHOISThrottled:
		return overWire("% Query rate limit exceeded. Please try again later.\n")
	case WHOISBroken:
		var b strings.Builder
		for i, x := range keyed(w.s.Seed, "whois", question) {
			b.WriteString(strings.Repeat(string([]byte{x, byte(i), 0xff, x ^ 0x80}), 8))
		}
		return b.String()
	}
	// Options come before the name; some servers take "=NAME" or "NAME/e".
	key := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(fields[len(fields)-1], "="), "/e"))
	if d, err := name.ParseAny(key); err == nil {
		key = d.String()
	}
	if s.tld == nil && s.registrar == nil {
		return overWire(w.ianaAnswer(lastLabel(key)))
	}
	form := "icann"
	if s.tld != nil {
		form = s.tld.def.WHOISForm
	}
	h := w.holdings[key]
	if h == nil || h.platform != nil || isAddr(key) || s.tld != nil && w.tldOf(key) != s.tld || s.registrar != nil && h.registrar != s.registrar {
		return overWire(notRegistered(form, key))
	}
	if h.def.WHOISRaw != "" {
		return h.def.WHOISRaw
	}
	now := w.clock.Now()
	if gone := h.purge(); h.registered.IsZero() || !gone.IsZero() && !now.Before(gone) {
		return overWire(notRegistered(form, key))
	}
	return overWire(w.whoisRecord(s, h, now).print(form))
}

// overWire ends lines as RFC 3912 wants.
func overWire(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// ianaAnswer is the entry of a TLD.
func (w *World) ianaAnswer(label string) string {
	var b strings.Builder
	b.WriteString("% The lab's IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n")
	t := w.tlds[label]
	if t == nil {
		b.WriteString("% This query returned 0 objects.\n")
		return b.String()
	}
	b.WriteString("% This query returned 1 object\n\n")
	line := func(label, value string) { fmt.Fprintf(&b, "%-14s%s\n", label+":", value) }
	has := t.def.WHOIS != WHOISNone
	if has {
		line("refer", "whois.nic."+label)
		b.WriteByte('\n')
	}
	line("domain", strings.ToUpper(label))
	b.WriteByte('\n')
	line("organisation", t.def.Registry)
	b.WriteByte('\n')
	line("nserver", strings.ToUpper("ns1.nic."+label)+" "+t.addr.String())
	line("nserver", strings.ToUpper("ns2.nic."+label)+" "+t.addr.String())
	b.WriteByte('\n')
	if has {
		line("whois", "whois.nic."+label)
		b.WriteByte('\n')
	}
	line("status", "ACTIVE")
	line("remarks", "Registration information: http://www.nic."+label)
	b.WriteByte('\n')
	line("created", "1985-01-01")
	line("changed", "2025-06-30")
	line("source", "IANA")
	return b.String()
}

// notRegistered says in each form's words that there is no such name.
func notRegistered(form, key string) string {
	switch form {
	case "block":
		return "%% This is the lab's WHOIS server.\n%%\n%% NOT FOUND\n"
	case "dotted":
		return "Domain not found\n\n>>> Last update of WHOIS database: just now <<<\n"
	case "indented":
		return "Domain:             " + key + "\nStatus:             AVAILABLE\n"
	}
	return "No match for domain \"" + strings.ToUpper(key) + "\".\n"
}

// whoisText is what a record shows, before it has a form.
type whoisText struct {
	domain, handle              string
	registrar, domainOf, server string // the registrar's name, domain and WHOIS server
	ianaID                      int
	abuse                       string
	statuses, servers           []string
	created, changed, expires   time.Time
	now                         time.Time
	holder                      *Registrant // nil: not in this record
	contact                     string
}

func (w *World) whoisRecord(s *whoisServer, h *holding, now time.Time) whoisText {
	r := h.registrar
	t := whoisText{domain: h.def.Name, handle: fmt.Sprintf("D%x-LAB", keyedShort(h.def.Name)), registrar: r.name, domainOf: r.domain, ianaID: r.registrar.IANAID,
		abuse: published(r.mail), created: h.registered, changed: h.changed, expires: h.expires, now: now, contact: fmt.Sprintf("C%x-LAB", keyedShort("registrant "+h.def.Name))}
	for !h.def.Expires.Set && !t.expires.After(now) { // renewed each year
		t.expires = t.expires.AddDate(1, 0, 0)
	}
	for _, st := range h.statusOf(now) {
		t.statuses = append(t.statuses, eppName(st))
	}
	if !h.zoneGone {
		t.servers = []string{"ns1." + h.dns.def.Domain, "ns2." + h.dns.def.Domain}
	}
	switch {
	case s.fault == WHOISLoop && s.tld != nil: // refers to itself
		t.server = s.host
	case s.fault == WHOISLoop: // and back
		t.server = "whois.nic." + lastLabel(t.domain)
	case r.registrar.WHOIS != WHOISNone:
		t.server = "whois." + r.domain
	}
	if s.tld == nil || s.tld.def.Model == "thick" {
		t.holder = &h.data
	} else {
		t.abuse = "" // a thin registry shows nothing of the registrar's but its name
	}
	if s.fault == WHOISLoop {
		t.holder, t.abuse = nil, ""
	}
	return t
}

// eppName writes a status of RDAP as EPP does (RFC 8056): "client hold" is
// clientHold.
func eppName(s string) string {
	if s == "active" {
		return "ok"
	}
	words := strings.Fields(s)
	for i, x := range words[1:] {
		words[i+1] = strings.ToUpper(x[:1]) + x[1:]
	}
	return strings.Join(words, "")
}

func (t whoisText) print(form string) string {
	switch form {
	case "block":
		return t.block()
	case "dotted":
		return t.dotted()
	case "indented":
		return t.indented()
	}
	return t.icann()
}

const redactedText = "REDACTED FOR PRIVACY"

// shown is the registrant as it is printed: a redacted one keeps organisation
// and country, as the gTLD policy has it.
func (t whoisText) shown() Registrant {
	r := *t.holder
	if r.Kind == "redacted" {
		r.Name, r.Street, r.City, r.PostalCode, r.Phone, r.Email = redactedText, redactedText, redactedText, redactedText, redactedText, redactedText
	}
	return r
}

// icann is the form of the gTLD contracts (RAA 2013, WHOIS specification).
func (t whoisText) icann() string {
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			b.WriteString(label + ": " + value + "\n")
		}
	}
	stamp := func(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }
	line("Domain Name", strings.ToUpper(t.domain))
	line("Registry Domain ID", t.handle)
	line("Registrar WHOIS Server", t.server)
	line("Registrar URL", "https://www."+t.domainOf+"/")
	line("Updated Date", stamp(t.changed))
	line("Creation Date", stamp(t.created))
	line("Registry Expiry Date", stamp(t.expires))
	line("Registrar", t.registrar)
	line("Registrar IANA ID", strconv.Itoa(t.ianaID))
	line("Registrar Abuse Contact Email", t.abuse)
	if t.abuse != "" {
		line("Registrar Abuse Contact Phone", "+1.5555550100")
	}
	for _, s := range t.statuses {
		line("Domain Status", s+" https://icann.org/epp#"+s)
	}
	if t.holder != nil {
		r := t.shown()
		line("Registry Registrant ID", t.contact)
		line("Registrant Name", r.Name)
		line("Registrant Organization", r.Organization)
		line("Registrant Street", r.Street)
		line("Registrant City", r.City)
		line("Registrant Postal Code", r.PostalCode)
		line("Registrant Country", r.Country)
		line("Registrant Phone", r.Phone)
		line("Registrant Email", r.Email)
	}
	for _, s := range t.servers {
		line("Name Server", strings.ToUpper(s))
	}
	line("DNSSEC", "unsigned")
	line("URL of the ICANN WHOIS Data Problem Reporting System", "https://www.icann.org/wicf/")
	b.WriteString(">>> Last update of WHOIS database: " + stamp(t.now) + " <<<\n\nFor more information on domain status codes, please visit https://icann.org/epp\n\n" +
		"NOTICE: The data of this made registry are provided as they are.\n")
	return b.String()
}

// block is the form of RIPE's data base and of the registries that took its
// software: objects of "label: value" lines with an empty line between them,
// which refer to each other.
func (t whoisText) block() string {
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-16s%s\n", label+":", value)
		}
	}
	stamp := func(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }
	b.WriteString("%% This is the lab's WHOIS server.\n%% The objects are in RPSL format.\n\n")
	line("domain", t.domain)
	for _, s := range t.statuses {
		line("status", s)
	}
	if t.holder != nil {
		line("holder-c", t.contact)
	}
	line("registrar", t.registrar)
	line("Expiry Date", stamp(t.expires))
	line("created", stamp(t.created))
	line("last-update", stamp(t.changed))
	for _, s := range t.servers {
		line("nserver", s)
	}
	line("source", "LAB")
	b.WriteByte('\n')
	line("registrar", t.registrar)
	line("website", "https://www."+t.domainOf+"/")
	line("abuse-mailbox", t.abuse)
	line("source", "LAB")
	if t.holder != nil {
		r := t.shown()
		b.WriteByte('\n')
		line("nic-hdl", t.contact)
		line("type", "PERSON")
		line("contact", r.Name)
		line("org", r.Organization)
		line("address", r.Street)
		line("address", strings.TrimSpace(r.PostalCode+" "+r.City))
		line("country", r.Country)
		line("phone", r.Phone)
		line("e-mail", r.Email)
		line("source", "LAB")
	}
	return b.String()
}

// dotted is the form with leaders, in sections with a title of one word.
func (t whoisText) dotted() string {
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			b.WriteString(label + strings.Repeat(".", max(1, 19-len(label))) + ": " + value + "\n")
		}
	}
	stamp := func(at time.Time) string { return at.UTC().Format("2.1.2006 15:04:05") }
	line("domain", t.domain)
	for _, s := range t.statuses {
		line("status", s)
	}
	line("created", stamp(t.created))
	line("expires", stamp(t.expires))
	line("modified", stamp(t.changed))
	b.WriteString("\nNameservers\n\n")
	for _, s := range t.servers {
		line("nserver", s+" [OK]")
	}
	b.WriteString("\nDNSSEC\n\n")
	line("dnssec", "no")
	if t.holder != nil {
		r := t.shown()
		b.WriteString("\nHolder\n\n")
		line("name", r.Name)
		line("organization", r.Organization)
		line("address", r.Street)
		line("postal", r.PostalCode)
		line("city", r.City)
		line("country", r.Country)
		line("phone", r.Phone)
		line("holder email", r.Email)
	}
	b.WriteString("\nRegistrar\n\n")
	line("registrar", t.registrar)
	line("www", "www."+t.domainOf)
	line("abuse email", t.abuse)
	b.WriteString("\n>>> Last update of WHOIS database: " + stamp(t.now) + " (UTC) <<<\n")
	return b.String()
}

// indented is the form of sections whose lines are indented, in two columns.
func (t whoisText) indented() string {
	var b strings.Builder
	line := func(indent, label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-20s%s\n", indent+label+":", value)
		}
	}
	stamp := func(at time.Time) string { return at.UTC().Format(time.DateTime) }
	line("", "Domain", t.domain)
	line("", "Status", strings.Join(t.statuses, " / "))
	line("", "Signed", "no")
	line("", "Created", stamp(t.created))
	line("", "Last Update", stamp(t.changed))
	line("", "Expire Date", t.expires.UTC().Format(time.DateOnly))
	if t.holder != nil {
		r := t.shown()
		b.WriteString("\nRegistrant\n")
		line("  ", "Name", r.Name)
		line("  ", "Organization", r.Organization)
		line("  ", "Address", r.Street)
		for _, more := range []string{r.City, r.PostalCode, r.Country} {
			if more != "" {
				b.WriteString(strings.Repeat(" ", 20) + more + "\n")
			}
		}
		line("  ", "Phone", r.Phone)
		line("  ", "Email", r.Email)
	}
	b.WriteString("\nRegistrar\n")
	line("  ", "Organization", t.registrar)
	line("  ", "Web", "https://www."+t.domainOf+"/")
	line("  ", "Abuse Email", t.abuse)
	b.WriteString("\nNameservers\n")
	for _, s := range t.servers {
		b.WriteString("  " + s + "\n")
	}
	b.WriteByte('\n')
	return b.String()
}
