package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"

	"github.com/miekg/dns"
)

const servers = `
tlds:
  - {name: shopx, form: "https://nic.shopx/abuse"}
  - {name: webb, model: thin, mail: none}
  - {name: qz, kind: cctld, country: QZ}
  - {name: htmlx, rdap: html}
  - {name: endlessx, rdap: endless}
  - {name: brokenx, rdap: broken}
  - {name: errorx, rdap: error}
  - {name: slowx, rdap: throttled}
  - {name: nox, rdap: none}
registrars:
  - {name: Quickname, iana_id: 9100}
  - {name: Formfirst, mail: none, behaviour: form-only, domain: formfirst.webb}
hosts:
  - {name: Northbox, networks: 192.0.2.0/26, country: DE}
  - {name: Mailless, networks: 198.51.100.0/28, mail: none, form: "https://mailless.example/form"}
cdns: [{name: Frontline, networks: 203.0.113.0/28}]
platforms: [{name: Pagebox, suffix: pagebox.shopx}]
dns_operators:
  - {name: Plain, domain: plain-dns.webb}
  - {name: Inside, domain: inside.shopx}
  - {name: Failing, fault: servfail}
constituents: [{name: Aurora Bank, domains: [aurora-bank.qz, aurora-group.example]}]
names:
  - {name: aurora-a.shopx, registered: 2025-12-30T10:00:00Z, ipv6: true, statuses: [server delete prohibited]}
  - {name: aurora-b.webb, dns: Inside, registrar: Formfirst, transferred: -1d}
  - {name: aurora-c.shopx, cdn: Frontline, registrant: redacted}
  - {name: aurora-d.shopx, dns: Inside}
  - {name: aurora-e.shopx, dns: Failing}
  - {name: aurora-f.shopx, then: [{at: 1h, do: expire}]}
  - {name: aurora-g.shopx, then: [{at: 1h, do: abandon}]}
  - {name: aurora-h.pagebox.shopx}
  - {name: aurora-i.shopx, site: parked}
  - {name: aurora-j.qz, rdap_raw: "{\"objectClassName\":\"domain\",\"ldhName\":\"x\"}"}
  - {name: aurora-k.shopx, registered: 5h}
  - {name: aurora-l.shopx, host: Mailless, site: none}
  - {name: 192.0.2.40, host: Northbox, site: {kind: malware, kit: elf, scheme: http}}
  - {name: bücher-laden.shopx, class: innocent}
`

func TestDNS(t *testing.T) {
	c := start(t, load(t, servers))
	a := func(host string) string { return fmt.Sprint(c.lookup(host)) }
	if got := a("aurora-a.shopx"); !strings.HasPrefix(got, "[192.0.2.") {
		t.Errorf("aurora-a.shopx: %s", got)
	}
	if got := a("login.secure.aurora-a.shopx"); got != a("aurora-a.shopx") {
		t.Errorf("a host name below leads to %s", got)
	}
	if m := c.resolve("aurora-a.shopx", dns.TypeAAAA); len(m.Answer) != 1 || !strings.HasPrefix(m.Answer[0].(*dns.AAAA).AAAA.String(), "2001:db8:") {
		t.Errorf("AAAA: %v", m.Answer)
	}
	if got := a("aurora-b.webb"); got == "[]" { // name servers in another TLD
		t.Error("aurora-b.webb does not resolve")
	}
	if got := a("aurora-c.shopx"); !strings.HasPrefix(got, "[203.0.113.") {
		t.Errorf("the CDN is not in front: %s", got)
	}
	if got := a("aurora-h.pagebox.shopx"); !strings.HasPrefix(got, "[192.0.2.") {
		t.Errorf("platform: %s", got)
	}
	if got := a("xn--bcher-laden-thb.shopx"); got == "[]" {
		t.Errorf("IDN: %s", got)
	}
	if got := a("aurora-i.shopx"); got != fmt.Sprint(c.w.Parties().ParkingAddrs) {
		t.Errorf("parking: %s", got)
	}
	if m := c.resolve("aurora-e.shopx", dns.TypeA); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("servfail: %v", m)
	}
	for _, n := range []string{"nothing.shopx", "www.nothing.example", "aurora-k.shopx", "nothing.com"} {
		if m := c.resolve(n, dns.TypeA); m.Rcode != dns.RcodeNameError || len(m.Ns) != 1 {
			t.Errorf("%s: %v", n, m)
		}
	}
	tld := c.w.tlds["shopx"].addr
	for _, network := range []string{"udp", "tcp"} {
		m := c.ask(tld, network, "aurora-d.shopx", dns.TypeA)
		if m.Authoritative || len(m.Answer) != 0 || len(m.Ns) != 2 || len(m.Extra) != 2 {
			t.Errorf("%s: not a referral with glue: %v", network, m)
		}
		if m := c.ask(tld, network, "aurora-b.webb", dns.TypeA); m.Rcode != dns.RcodeRefused {
			t.Errorf("%s: answers for a zone of others: %v", network, m)
		}
	}
	if m := c.resolve("aurora-a.shopx", dns.TypeSOA); len(m.Answer) != 1 {
		t.Errorf("SOA: %v", m)
	}
	if m := c.resolve("aurora-bank.qz", dns.TypeMX); len(m.Answer) != 1 {
		t.Errorf("a constituent's MX: %v", m)
	}
	c.advance(6 * time.Hour)
	if m := c.resolve("aurora-f.shopx", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("expired: %v", m)
	}
	if m := c.resolve("aurora-g.shopx", dns.TypeA); m.Rcode != dns.RcodeRefused {
		t.Errorf("abandoned: %v", m)
	}
	if a("aurora-k.shopx") == "[]" {
		t.Error("registered at hour 5, not there at hour 6")
	}
	if c.w.Counts().DNS == 0 {
		t.Error("queries are not counted")
	}
}

// at digs into a JSON tree by keys and indexes.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func TestRDAP(t *testing.T) {
	c := start(t, load(t, servers))
	status, d := c.rdap("https://rdap.nic.shopx/domain/AURORA-A.shopx")
	if status != 200 || at(d, "objectClassName") != "domain" || at(d, "events", 0, "eventDate") != "2025-12-30T10:00:00Z" {
		t.Errorf("%d %v", status, d)
	}
	if got := fmt.Sprint(d["status"]); got != "[server delete prohibited]" {
		t.Errorf("statuses %s", got)
	}
	if at(d, "entities", 0, "publicIds", 0, "identifier") != "9100" || !strings.Contains(fmt.Sprint(at(d, "entities", 0, "entities", 0)), "abuse@quickname.example") {
		t.Errorf("registrar: %v", at(d, "entities", 0))
	}
	if at(d, "entities", 1, "roles", 0) != "registrant" {
		t.Errorf("a thick registry has the registrant: %v", d["entities"])
	}
	related := fmt.Sprint(at(d, "links", 1, "href"))
	if _, r := c.rdap(related); at(r, "ldhName") != "aurora-a.shopx" || at(r, "entities", 1, "roles", 0) != "registrant" {
		t.Errorf("registrar's answer at %s: %v", related, r)
	}
	_, thin := c.rdap("http://rdap.nic.webb/domain/aurora-b.webb")
	if at(thin, "entities", 1) != nil || !strings.Contains(fmt.Sprint(thin["events"]), "transfer") {
		t.Errorf("thin: %v", thin)
	}
	if got := fmt.Sprint(at(thin, "entities", 0, "entities", 0)); strings.Contains(got, "email") || !strings.Contains(got, "contact-uri") {
		t.Errorf("a registrar with a form only: %v", got)
	}
	if _, r := c.rdap("https://rdap.formfirst.webb/domain/aurora-b.webb"); at(r, "entities", 1, "roles", 0) != "registrant" {
		t.Errorf("the registrar of a thin registry has no registrant: %v", r)
	}
	if _, r := c.rdap("https://rdap.nic.shopx/domain/aurora-c.shopx"); len(r["redacted"].([]any)) == 0 {
		t.Error("nothing is redacted")
	}
	if a := c.mustGet("https://rdap.nic.qz/domain/aurora-j.qz", plain()); a.body != `{"objectClassName":"domain","ldhName":"x"}` {
		t.Errorf("raw: %s", a.body)
	}
	for u, want := range map[string]int{
		"https://rdap.nic.shopx/domain/nothing.shopx":             404,
		"https://rdap.nic.shopx/domain/aurora-b.webb":             404,
		"https://rdap.nic.shopx/domain/aurora-h.pagebox.shopx":    404,
		"https://rdap.nic.shopx/domain/aurora-k.shopx":            404, // not yet registered
		"https://rdap.nic.shopx/domain/pagebox.shopx":             200,
		"https://rdap.nic.shopx/domain/xn--bcher-laden-thb.shopx": 200,
		"https://rdap.formfirst.webb/domain/aurora-a.shopx":       404,
		"https://rdap.nic.shopx/help":                             200,
		"https://rdap.nic.shopx/entity/9100":                      200,
		"https://rdap.rir.example/ip/8.8.8.8":                     404,
		"https://rdap.rir.example/ip/nonsense":                    400,
		"https://rdap.nic.slowx/domain/x.slowx":                   429,
		"https://rdap.rir.example/ip/2001:db8:ffff::1":            200,
		"https://rdap.rir.example/domain/aurora-a.shopx":          404,
		"https://rdap.nic.shopx/autnum/1":                         400,
	} {
		if status, _ := c.rdap(u); status != want {
			t.Errorf("%s: %d, want %d", u, status, want)
		}
	}
	_, ip := c.rdap("https://rdap.rir.example/ip/192.0.2.40")
	if at(ip, "startAddress") != "192.0.2.0" || at(ip, "endAddress") != "192.0.2.63" || at(ip, "country") != "DE" ||
		!strings.Contains(fmt.Sprint(at(ip, "entities", 0, "entities", 0)), "abuse@northbox.example") {
		t.Errorf("network: %v", ip)
	}
	if _, ip := c.rdap("https://rdap.rir.example/ip/203.0.113.3"); !strings.Contains(fmt.Sprint(ip), "abuse@frontline.example") {
		t.Errorf("the CDN's network: %v", ip)
	}
	if _, ip := c.rdap("https://rdap.rir.example/ip/198.51.100.3"); strings.Contains(fmt.Sprint(ip), "email") {
		t.Errorf("a host without mail: %v", ip)
	}
	if a := c.mustGet("https://rdap.nic.htmlx/domain/x.htmlx", plain()); !strings.Contains(a.body, "<html") {
		t.Error("html")
	}
	if a := c.mustGet("https://rdap.nic.errorx/domain/x.errorx", plain()); a.status != 500 {
		t.Error("error")
	}
	if a := c.mustGet("https://rdap.nic.endlessx/domain/x.endlessx", plain()); len(a.body) < 1<<20 {
		t.Errorf("endless: %d octets", len(a.body))
	}
	b := c.w.RDAPBootstrap()
	if len(b.DNS["shopx"]) != 2 || b.DNS["nox"] != nil || len(b.IP) != 4 {
		t.Errorf("bootstrap: %v", b)
	}
	d4, i4, i6, err := c.w.BootstrapFiles()
	if err != nil || !strings.Contains(string(d4), "https://rdap.nic.shopx/") || !strings.Contains(string(i4), "192.0.2.0/24") || !strings.Contains(string(i6), "2001:db8::/32") {
		t.Errorf("bootstrap files: %v", err)
	}
	c.advance(time.Hour)
	statuses := func() string {
		_, d := c.rdap("https://rdap.nic.shopx/domain/aurora-f.shopx")
		return fmt.Sprint(d["status"])
	}
	if s := statuses(); !strings.Contains(s, "auto renew period") {
		t.Errorf("expired: %s", s)
	}
	c.advance(5 * Day)
	if s := statuses(); !strings.Contains(s, "redemption period") {
		t.Errorf("expired for days: %s", s)
	}
	c.advance(40 * Day)
	if status, _ := c.rdap("https://rdap.nic.shopx/domain/aurora-f.shopx"); status != 404 {
		t.Error("not purged")
	}
	if n := c.w.Counts(); n.RDAP < 20 || n.HTTP != 0 {
		t.Errorf("%+v", n)
	}
}

func TestDialOpensNothingElse(t *testing.T) {
	c := start(t, load(t, servers))
	// A server on loopback that must never be reached.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var refused int64
	for _, a := range []struct{ network, address string }{{"tcp", l.Addr().String()}, {"tcp", "127.0.0.1:80"}, {"tcp", "[::1]:80"}, {"udp", "127.0.0.1:53"},
		{"tcp", "10.0.0.1:443"}, {"tcp", "8.8.8.8:53"}, {"udp", "8.8.8.8:53"}, {"tcp", "169.254.169.254:80"}, {"tcp", "aurora-a.shopx:80"}, {"tcp", "192.0.2.1"},
		{"unix", "/tmp/x"}, {"tcp", "[::ffff:127.0.0.1]:80"}, {"tcp", "192.0.2.200:80"}, {"ip4:icmp", "192.0.2.1"}} {
		conn, err := c.w.Dial(t.Context(), netip.Addr{}, a.network, a.address)
		if err == nil {
			conn.Close()
			t.Errorf("%s %s was opened", a.network, a.address)
		}
		if problem.CodeOf(err) != problem.Refused {
			t.Errorf("%s: %v", a.address, err)
		}
		refused++
	}
	if n := c.w.Counts(); n.Refused != refused {
		t.Errorf("%d refused, %d counted", refused, n.Refused)
	}
	for _, a := range []struct{ network, address string }{{"tcp", "192.0.2.60:80"}, {"tcp", "192.0.2.1:22"}, {"udp", "192.0.2.1:53"}, {"tcp", "203.0.113.193:80"}} {
		if conn, err := c.w.Dial(t.Context(), netip.Addr{}, a.network, a.address); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s %s: %v %v", a.network, a.address, conn, err)
		}
	}
	if n := c.w.Counts(); n.Unanswered != 4 || n.Refused != refused {
		t.Errorf("%+v", n)
	}
}

// A client that speaks to the lab's ports without Dial gets nothing.
func TestListenersWantThePROXYLine(t *testing.T) {
	c := start(t, load(t, servers))
	conn, err := net.Dial("tcp", c.w.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: aurora-a.shopx\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(conn); strings.Contains(string(b), "200 OK") {
		t.Errorf("served: %s", b)
	}
}

func TestCertificatesLiveOnTheVirtualClock(t *testing.T) {
	s := load(t, servers)
	w, err := Start(t.Context(), s, Options{Start: time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	c := client{t, w}
	for _, d := range []time.Duration{0, 300 * Day} {
		c.advance(d)
		if a := c.mustGet("https://aurora-a.shopx/", plain()); a.status != 200 {
			t.Errorf("day %v: %d", d, a.status)
		}
	}
	h := c.http(plain())
	h.Transport.(*http.Transport).TLSClientConfig.Time = func() time.Time { return w.StartsAt() }
	if _, err := h.Get("https://aurora-a.shopx/"); err == nil {
		t.Error("a certificate of day 300 is taken on day 0")
	}
	h.Transport.(*http.Transport).TLSClientConfig = &tls.Config{Time: w.Now}
	var unknown *tls.CertificateVerificationError
	if _, err := h.Get("https://aurora-a.shopx/"); !errors.As(err, &unknown) {
		t.Errorf("a client that does not know the lab's authority: %v", err)
	}
}

func TestSites(t *testing.T) {
	c := start(t, load(t, servers))
	for u, want := range map[string]string{
		"https://aurora-a.shopx/":                 "200 Welcome to Aurora Bank",
		"https://aurora-c.shopx/":                 "200 Welcome to Aurora Bank", // through the CDN
		"https://aurora-h.pagebox.shopx/":         "200 Welcome to Aurora Bank",
		"https://nobody.pagebox.shopx/":           "404 ",
		"https://aurora-i.shopx/any":              "200 parked",
		"http://192.0.2.40/no":                    "404 ",
		"https://aurora-bank.qz/":                 "200 Sign in to Aurora Bank",
		"https://www.aurora-group.example":        "200 Sign in to Aurora Bank",
		"https://www.quickname.example/":          "200 Quickname",
		"https://www.formfirst.webb/report-abuse": "200 Report abuse",
	} {
		a := c.mustGet(u, plain())
		code, text, _ := strings.Cut(want, " ")
		if fmt.Sprint(a.status) != code || !strings.Contains(a.body, text) {
			t.Errorf("%s: %d %s", u, a.status, a.body)
		}
	}
	def := c.w.s.find("192.0.2.40")
	a := c.mustGet(def.URL(), plain())
	if a.status != 200 || !strings.HasPrefix(a.body, "\x7fELF\x00This file is part of the Bailiwick lab") {
		t.Errorf("%d %q", a.status, a.body[:20])
	}
	if _, err := c.get("http://aurora-l.shopx/", plain()); err == nil {
		t.Error("a name without a web server answers")
	}
	res, err := c.http(plain()).Post("https://aurora-a.shopx/next", "application/x-www-form-urlencoded", strings.NewReader("login=x&password=y"))
	if err != nil || res.StatusCode != 404 {
		t.Errorf("what is typed into a kit: %v %v", res, err)
	}
}

func TestMailboxes(t *testing.T) {
	s := load(t, `
tlds: [{name: shopx}]
registrars:
  - {name: Taking}
  - {name: Bouncing, behaviour: bouncing}
  - {name: Grey, behaviour: {like: greylisting, greylist_for: 20m}}
  - {name: Formed, behaviour: form-only}
  - {name: Full, behaviour: full}
names: [{name: a.shopx}]
`)
	c := start(t, s)
	send := func(to string) string {
		err := c.mail("n1@cert.example", to, "Subject: x\r\n\r\nHello\r\n")
		var p *textproto.Error
		switch {
		case err == nil:
			return "accepted"
		case errors.As(err, &p):
			return fmt.Sprintf("%d %s", p.Code, p.Msg)
		}
		return err.Error()
	}
	for to, want := range map[string]string{"abuse@taking.example": "accepted", "ABUSE@Taking.example": "accepted", "nobody@taking.example": "550", "abuse@bouncing.example": "550",
		"abuse@formed.example": "550 5.7.1 Reports of abuse are taken at https://www.formed.example/report-abuse only", "abuse@full.example": "452"} {
		if got := send(to); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", to, got)
		}
	}
	for i, step := range []struct {
		at   time.Duration
		want string
	}{{0, "450"}, {0, "450"}, {19 * time.Minute, "450"}, {20 * time.Minute, "accepted"}, {21 * time.Minute, "accepted"}} {
		c.advance(step.at)
		if got := send("abuse@grey.example"); !strings.HasPrefix(got, step.want) {
			t.Errorf("try %d at %v: %s", i, step.at, got)
		}
	}
	if n := c.w.Counts(); n.SMTPAccepted != 4 || len(c.w.Mails()) != 4 {
		t.Errorf("%+v", n)
	}
	m := c.w.Mails()[3]
	if m.To != "abuse@grey.example" || m.From != "n1@cert.example" || !m.At.Equal(c.w.StartsAt().Add(21*time.Minute)) || !strings.Contains(string(m.Raw), "Hello") {
		t.Errorf("%+v", m)
	}
}

func TestCloaking(t *testing.T) {
	c := start(t, load(t, `
tlds: [{name: onlinex}]
constituents: [{name: Parcelwing, domains: [parcelwing.onlinex]}]
names:
  - {name: phone.onlinex, site: {kind: phishing, cloak: {show_to: {agent: [iphone]}, others: brand}}}
  - {name: zh.onlinex, site: {kind: phishing, cloak: {show_to: {language: zh, referer: search}, others: blank}}}
  - {name: source.onlinex, site: {kind: phishing, cloak: {hide_from: {source: 203.0.113.128/26}}}}
  - {name: tool.onlinex, site: {kind: phishing, cloak: {hide_from: {agent: [curl], language: [zh]}, others: parked}}}
  - name: pages.onlinex
    site:
      kind: custom
      pages:
        - {path: /a*, to: {vantage: [plain, mobile]}, until: 2h, title: Pay now, body: <p>kit</p>, abuse: true}
        - {path: /a*, to: {vantage: zh}, location: "https://parcelwing.onlinex/"}
        - {path: /b, status: 503, content_type: text/plain, body: later}
        - {path: /c, show: refused}
`))
	see := func(u string) string {
		var out []string
		for _, v := range StandardVantages() {
			a, err := c.get(u, v)
			switch {
			case err != nil:
				out = append(out, v.ID+" closed")
			case strings.Contains(a.body, "type=\"password\"") && strings.Contains(a.body, "24 hours"), strings.Contains(a.body, "kit"):
				out = append(out, v.ID+" kit")
			case strings.Contains(a.url, "parcelwing.onlinex"):
				out = append(out, v.ID+" brand")
			default:
				out = append(out, fmt.Sprintf("%s %d/%d", v.ID, a.status, len(a.body)/100))
			}
		}
		return strings.Join(out, ", ")
	}
	for u, want := range map[string]string{
		"https://phone.onlinex/":   "plain brand, mobile kit, zh brand, tool brand",
		"https://zh.onlinex/":      "plain 200/0, mobile 200/0, zh kit, tool 200/0",
		"https://source.onlinex/":  "plain 404/2, mobile 404/2, zh kit, tool 404/2",
		"https://tool.onlinex/":    "plain kit, mobile kit, zh 200/4, tool 200/4",
		"https://pages.onlinex/a1": "plain kit, mobile kit, zh brand, tool 404/2",
		"https://pages.onlinex/b":  "plain 503/0, mobile 503/0, zh 503/0, tool 503/0",
		"https://pages.onlinex/c":  "plain closed, mobile closed, zh closed, tool closed",
		"https://pages.onlinex/d":  "plain 404/2, mobile 404/2, zh 404/2, tool 404/2",
	} {
		if got := see(u); got != want {
			t.Errorf("%s\n got %s\nwant %s", u, got, want)
		}
	}
	// The truth sees what the servers show.
	for _, tr := range c.w.Truth() {
		s := c.w.subjects[tr.Subject]
		if tr.Subject == "zh.onlinex" && fmt.Sprint(s.history[len(s.history)-1].sees) != "[0 0 4 0]" {
			t.Errorf("%v", s.history)
		}
	}
	c.advance(2 * time.Hour)
	if got := see("https://pages.onlinex/a1"); got != "plain 404/2, mobile 404/2, zh brand, tool 404/2" {
		t.Errorf("after two hours: %s", got)
	}
}

func TestWorldStopsAndCanBeCancelled(t *testing.T) {
	s := load(t, servers)
	w, err := Start(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if next, ok := w.Next(); !ok || next.Before(w.StartsAt()) {
		t.Errorf("next: %v %v", next, ok)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Advance(ctx, w.EndsAt()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", w.http); err == nil {
		t.Error("still listening")
	}
	for _, bad := range []string{"https://127.0.0.1:1", "http://192.0.2.1:80", "http://localhost:80", "x"} {
		if err := w.SetCentre(bad); err == nil {
			t.Errorf("%s is taken for the centre", bad)
		}
	}
}
