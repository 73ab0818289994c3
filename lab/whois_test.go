package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// port43 connects to a WHOIS server of the lab, found by DNS, and asks.
func (c client) port43(host, question string) net.Conn {
	c.t.Helper()
	m := c.resolve(host, dns.TypeAAAA)
	if len(m.Answer) != 1 {
		c.t.Fatalf("%s: %v", host, m)
	}
	rr, ok := m.Answer[0].(*dns.AAAA)
	if !ok {
		c.t.Fatalf("%s: %v", host, m.Answer)
	}
	a, _ := netip.AddrFromSlice(rr.AAAA)
	conn, err := c.w.Dial(c.t.Context(), netip.Addr{}, "tcp", netip.AddrPortFrom(a, 43).String())
	if err != nil {
		c.t.Fatalf("%s: %v", host, err)
	}
	c.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, question); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func (c client) whois(host, name string) string {
	c.t.Helper()
	b, err := io.ReadAll(c.port43(host, name+"\r\n"))
	if err != nil {
		c.t.Fatalf("%s about %s: %v", host, name, err)
	}
	return string(b)
}

const whoisWorld = `
tlds:
  - {name: labelx, whois: ok}
  - {name: blockx, whois: ok, whois_form: block, rdap: none}
  - {name: dottedx, whois: ok, whois_form: dotted}
  - {name: columnx, whois: ok, whois_form: indented}
  - {name: thinx, whois: ok, model: thin}
  - {name: none, rdap: none}
  - {name: org, whois: ok}
registrars:
  - {name: Quickname, whois: ok}
  - {name: Silent, behaviour: silent}
names:
  - {name: aurora-login.labelx, registrant: {kind: fabricated, name: Anna Albers}}
  - {name: aurora-login.blockx, registrant: {kind: fabricated, name: Anna Albers}}
  - {name: aurora-login.dottedx, registrant: {kind: fabricated, name: Anna Albers}}
  - {name: aurora-login.columnx, registrant: {kind: fabricated, name: Anna Albers}}
  - {name: aurora-login.thinx, registrant: {kind: fabricated, name: Anna Albers}}
  - {name: hidden.labelx, registrant: {kind: redacted, name: Anna Albers}}
  - {name: given.labelx, whois_raw: "Whatever it says\r\n"}
  - {name: later.labelx, registered: 2d}
  - {name: other.thinx, registrar: Silent}
  - {name: iana.org, class: innocent}
`

func TestWHOIS(t *testing.T) {
	c := start(t, load(t, whoisWorld))
	has := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%q is not in\n%s", p, text)
			}
		}
	}
	lacks := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if strings.Contains(text, p) {
				t.Errorf("%q is in\n%s", p, text)
			}
		}
	}
	// IANA names the server, by TLD and by name; the registered name iana.org
	// does not stand in its way.
	for _, q := range []string{"blockx", "aurora-login.blockx", "BLOCKX."} {
		has(c.whois("whois.iana.org", q), "refer:        whois.nic.blockx\r\n", "domain:       BLOCKX\r\n", "whois:        whois.nic.blockx\r\n")
	}
	lacks(c.whois("whois.iana.org", "none"), "refer:", "whois:")
	has(c.whois("whois.iana.org", "unknown"), "returned 0 objects")

	for tld, want := range map[string][]string{
		"labelx":  {"Domain Name: AURORA-LOGIN.LABELX\r\n", "Registrar WHOIS Server: whois.quickname.example\r\n", "Registrar Abuse Contact Email: abuse@quickname.example\r\n", "Registrant Name: Anna Albers\r\n"},
		"blockx":  {"domain:         aurora-login.blockx\r\n", "abuse-mailbox:  abuse@quickname.example\r\n", "contact:        Anna Albers\r\n"},
		"dottedx": {"domain.............: aurora-login.dottedx\r\n", "abuse email........: abuse@quickname.example\r\n", "name...............: Anna Albers\r\n"},
		"columnx": {"Domain:             aurora-login.columnx\r\n", "  Abuse Email:      abuse@quickname.example\r\n", "  Name:             Anna Albers\r\n"},
	} {
		has(c.whois("whois.nic."+tld, "aurora-login."+tld), want...)
	}
	// Questions in the forms that some servers want.
	for _, q := range []string{"domain aurora-login.labelx", "=aurora-login.labelx", "aurora-login.labelx/e", "-T dn,ace AURORA-LOGIN.LABELX"} {
		has(c.whois("whois.nic.labelx", q), "Domain Name: AURORA-LOGIN.LABELX\r\n")
	}
	hidden := c.whois("whois.nic.labelx", "hidden.labelx")
	has(hidden, "Registrant Name: REDACTED FOR PRIVACY\r\n", "Registrant Email: REDACTED FOR PRIVACY\r\n", "Registrant Country: ")
	lacks(hidden, "Anna")
	if got := c.whois("whois.nic.labelx", "given.labelx"); got != "Whatever it says\r\n" {
		t.Errorf("a given answer: %q", got)
	}
	// A thin registry leaves the contacts to the registrar, which knows its own
	// names only.
	thin := c.whois("whois.nic.thinx", "aurora-login.thinx")
	has(thin, "Registrar WHOIS Server: whois.quickname.example\r\n", "Registrar IANA ID: 9001\r\n")
	lacks(thin, "Registrant Name", "abuse@")
	has(c.whois("whois.quickname.example", "aurora-login.thinx"), "Registrant Name: Anna Albers\r\n", "abuse@quickname.example")
	lacks(c.whois("whois.nic.thinx", "other.thinx"), "Registrar WHOIS Server")
	lacks(c.whois("whois.quickname.example", "other.thinx"), "Registrar")
	// Names that are not there, not here, or not yet.
	for tld, want := range map[string]string{"labelx": "No match for domain", "blockx": "NOT FOUND", "dottedx": "Domain not found", "columnx": "AVAILABLE"} {
		has(c.whois("whois.nic."+tld, "nobody."+tld), want)
		has(c.whois("whois.nic."+tld, "aurora-login.thinx"), want)
	}
	has(c.whois("whois.nic.labelx", "later.labelx"), "No match")
	c.advance(3 * Day)
	has(c.whois("whois.nic.labelx", "later.labelx"), "Domain Name: LATER.LABELX")
	// A name without a WHOIS answer is RDAP's, one with nothing but that is not.
	if a, err := c.get("https://rdap.nic.labelx/domain/given.labelx", plain()); err != nil || a.status != 501 {
		t.Errorf("RDAP of a name that is in WHOIS alone: %d, %v", a.status, err)
	}
}

// TestWHOISShowsWhatWasDone: a hold and a deletion are seen in each form.
func TestWHOISShowsWhatWasDone(t *testing.T) {
	c := start(t, load(t, whoisWorld))
	for _, tld := range []string{"labelx", "blockx", "dottedx", "columnx"} {
		n := "aurora-login." + tld
		if text := c.whois("whois.nic."+tld, n); strings.Contains(text, "clientHold") {
			t.Errorf("held before anybody asked:\n%s", text)
		}
		err := c.mail("desk@cert.example", "abuse@quickname.example", fmt.Sprintf("Subject: %s\r\n\r\nPlease suspend https://%s/\r\n", n, n))
		if err != nil {
			t.Fatal(err)
		}
	}
	for d := time.Hour; d <= 12*time.Hour; d += time.Hour {
		c.advance(d)
	}
	for _, tld := range []string{"labelx", "blockx", "dottedx", "columnx"} {
		if text := c.whois("whois.nic."+tld, "aurora-login."+tld); !strings.Contains(text, "clientHold") {
			t.Errorf("no hold is shown:\n%s", text)
		}
	}
}

func TestWHOISFaults(t *testing.T) {
	s := "tlds:\n"
	for _, f := range []string{"html", "broken", "endless", "error", "throttled", "slow", "loop"} {
		s += fmt.Sprintf("  - {name: %sx, rdap: none, whois: %s}\n", f, f)
	}
	s += "  - {name: thinx, model: thin, rdap: none, whois: ok}\nregistrars: [{name: Quickname, whois: ok}, {name: Roundabout, whois: loop}]\nnames:\n"
	for _, f := range []string{"html", "broken", "endless", "error", "throttled", "slow", "loop"} {
		s += fmt.Sprintf("  - {name: a.%sx}\n", f)
	}
	s += "  - {name: a.thinx, registrar: Roundabout}\n"
	c := start(t, load(t, s))
	for f, want := range map[string]string{"html": "<title>", "error": "Internal error", "throttled": "rate limit exceeded", "broken": "\xff",
		"loop": "Registrar WHOIS Server: whois.nic.loopx\r\n"} {
		if text := c.whois("whois.nic."+f+"x", "a."+f+"x"); !strings.Contains(text, want) || f != "loop" && strings.Contains(text, "Registrar") {
			t.Errorf("%s: %q", f, text)
		}
	}
	if text := c.whois("whois.roundabout.example", "a.thinx"); !strings.Contains(text, "Registrar WHOIS Server: whois.nic.thinx\r\n") {
		t.Errorf("not back to the registry: %q", text)
	}
	if n, err := io.CopyN(io.Discard, c.port43("whois.nic.endlessx", "a.endlessx\r\n"), 1<<20); err != nil {
		t.Errorf("an endless answer ended after %d octets: %v", n, err)
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(c.port43("whois.nic.slowx", "a.slowx\r\n"), b); err != nil || string(b) != "Dom" {
		t.Errorf("a slow answer begins %q, %v", b, err)
	}
	before := c.w.Counts()
	// Neither half a question nor one without end is one.
	conn := c.port43("whois.nic.htmlx", strings.Repeat("a", 2*maxQuestion))
	if b, _ := io.ReadAll(conn); len(b) > 0 || c.w.Counts().WHOIS != before.WHOIS {
		t.Errorf("a question without end: %q", b)
	}
	if before.WHOIS != 8 {
		t.Errorf("%d questions are counted", before.WHOIS)
	}
	// The port is open where WHOIS is, and nowhere else.
	for _, a := range []netip.AddrPort{netip.AddrPortFrom(webAddr, 43), netip.MustParseAddrPort("[2001:db8:ffff:43::1]:80"), netip.MustParseAddrPort("[2001:db8:ffff:43::ff]:43")} {
		if conn, err := c.w.Dial(context.Background(), netip.Addr{}, "tcp", a.String()); err == nil {
			conn.Close()
			t.Errorf("%s is open", a)
		}
	}
}

// TestWHOISStops: a world with a client in the middle of an answer ends all the
// same.
func TestWHOISStops(t *testing.T) {
	w, err := Start(t.Context(), load(t, "tlds: [{name: slowx, rdap: none, whois: slow}]\nnames: [{name: a.slowx}]"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := client{t, w}
	conn := c.port43("whois.nic.slowx", "a.slowx\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the answer goes on")
	}
}

// TestWHOISChecks: what a scenario says of WHOIS is checked like the rest.
func TestWHOISChecks(t *testing.T) {
	for yaml, want := range map[string]string{
		"tlds: [{name: x, whois: okay}]\nnames: [{name: a.x}]":                                   "tlds[0].whois",
		"tlds: [{name: x, whois_form: blok}]\nnames: [{name: a.x}]":                              `did you mean "block"`,
		"tlds: [{name: x}]\nregistrars: [{name: Q, whois: fast}]\nnames: [{name: a.x}]":          "registrars[0].whois",
		"tlds: [{name: x}]\nnames: [{name: a.x, whois_raw_file: ../outside.txt}]":                "names[0].whois_raw_file",
		"tlds: [{name: x}]\nnames: [{name: a.x, whois_raw: y, whois_raw_file: whois_test.yaml}]": "stands beside whois_raw",
	} {
		if _, err := Load(strings.NewReader(yaml), "test.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v", yaml, err)
		}
	}
}
