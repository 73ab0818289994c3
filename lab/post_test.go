package lab

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"
	"github.com/miekg/dns"
)

// post is a small stand-in for the centre's mail server.
type post struct {
	w    *World
	t    *testing.T
	mu   sync.Mutex
	got  []arrived
	say  func(to string) *smtp.SMTPError // nil: takes everything
	addr string
}

type arrived struct {
	from, to string
	source   netip.Addr
	raw      []byte
	at       time.Time
}

type postSession struct {
	p      *post
	source netip.Addr
	from   string
	to     string
}

func (s *postSession) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return nil }
func (s *postSession) Reset()                                      {}
func (s *postSession) Logout() error                               { return nil }
func (s *postSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.got = append(s.p.got, arrived{s.from, s.to, s.source, b, s.p.w.Now()})
	if s.p.say != nil {
		if e := s.p.say(s.to); e != nil {
			return e
		}
	}
	return nil
}

// postOffice starts it and tells the world.
func (c client) postOffice() *post {
	c.t.Helper()
	p := &post{w: c.w, t: c.t}
	srv := smtp.NewServer(smtp.BackendFunc(func(sc *smtp.Conn) (smtp.Session, error) {
		remote, err := netip.ParseAddrPort(sc.Conn().RemoteAddr().String())
		if err != nil {
			return nil, err
		}
		a, ok := c.w.SourceOf(remote)
		if !ok {
			c.t.Errorf("the source of %s is not known", remote)
		}
		return &postSession{p: p, source: a}, nil
	}))
	srv.Domain, srv.MaxMessageBytes = "mail.centre.example", 20<<20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	c.t.Cleanup(func() { srv.Close(); l.Close(); <-done })
	p.addr = l.Addr().String()
	if err := c.w.SetCentreMail(p.addr); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// take gives what has arrived, and forgets it.
func (p *post) take() []arrived {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.got
	p.got = nil
	return out
}

func (c client) txt(qname string) ([]string, error) {
	var out []string
	for _, rr := range c.resolve(strings.TrimSuffix(qname, "."), dns.TypeTXT).Answer {
		if t, ok := rr.(*dns.TXT); ok {
			out = append(out, strings.Join(t.Txt, ""))
		}
	}
	if out == nil {
		return nil, &net.DNSError{Err: "no such host", Name: qname, IsNotFound: true}
	}
	return out, nil
}

// signed says which domain's signature verifies.
func (c client) signed(raw []byte) string {
	c.t.Helper()
	v, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: c.txt})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range v {
		if s.Err != nil {
			c.t.Errorf("%v\n%s", s.Err, raw)
			continue
		}
		return s.Domain
	}
	return ""
}

func headerOf(t *testing.T, raw []byte) gomail.Header {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return gomail.Header{Header: e.Header}
}

// parts are the leaves of a message: media type and decoded text.
func parts(t *testing.T, raw []byte) (out [][2]string) {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Walk(func(_ []int, p *message.Entity, err error) error {
		if err != nil {
			return err
		}
		media, _, err := p.Header.ContentType()
		if err != nil {
			return err
		}
		if strings.HasPrefix(media, "multipart/") {
			return nil
		}
		b, err := io.ReadAll(p.Body)
		out = append(out, [2]string{media, string(b)})
		return err
	}); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return out
}

const mailers = `
tlds: [{name: shopx}]
registrars:
  - {name: Quickname, behaviour: {like: prompt, says_after: 1m, after: 1h, answers: mail, language: en}}
  - {name: Linker, behaviour: {like: prompt, says_after: 1m, after: 1h}}
  - {name: Twoways, behaviour: {like: prompt, says_after: 1m, after: 1h, answers: both}}
  - {name: Desk, behaviour: {like: prompt, says_after: 5m, after: 1h, answers: mail, mailbox: ticket}}
  - {name: Rude, behaviour: duelling}
  - {name: Auto, behaviour: {like: silent, mailbox: autoreply}}
  - {name: Rudeauto, behaviour: {like: silent, mailbox: rude_autoreply}}
  - {name: Away, behaviour: {like: silent, mailbox: vacation}}
  - {name: Late, behaviour: late-bouncing}
  - {name: Lateagain, behaviour: late-bouncing}
  - {name: Later, behaviour: late-bouncing}
  - {name: Delayed, behaviour: {like: prompt, says_after: 1m, after: 1h, answers: mail, mailbox: delay}}
  - {name: Framed, behaviour: {like: silent, forged: true}}
  - {name: Loop, behaviour: {like: silent, mailbox: loop}}
constituents: [{name: Aurora Bank, domains: [aurora-bank.example]}]
reporters:
  - {name: Watchers}
  - {name: Writer, format: mail}
  - {name: Rich, format: mail_html, auth: spf}
  - {name: Passes, format: forward, auth: dkim}
  - {name: Filter, format: arf}
  - {name: Machine, format: xarf_mail}
  - {name: Bare, format: mail, auth: none}
  - {name: Victim, format: mail, auth: forged, behaviour: {like: silent, mailbox: rude_ticket}}
names:
  - {name: a.shopx, site: {kind: phishing, path: /x/, brand: Aurora Bank}}
reports:
  - {at: 1h, name: a.shopx, from: Writer, defang: true, description: seen}
  - {at: 2h, name: a.shopx, from: Rich}
  - {at: 3h, name: a.shopx, from: Passes}
  - {at: 4h, name: a.shopx, from: Filter}
  - {at: 5h, name: a.shopx, from: Machine}
  - {at: 6h, name: a.shopx, from: Bare, resend: true}
  - {at: 7h, name: a.shopx, from: Victim, defang: true}
  - {at: 8h, from: Writer, fault: private_address}
  - {at: 9h, name: a.shopx, from: Rich, fault: broken_boundary}
  - {at: 10h, name: a.shopx, from: Writer, raw: "Subject: raw\n\nsee https://a.shopx/x/\n"}
`

func TestCentreMailInDNS(t *testing.T) {
	c := start(t, load(t, mailers))
	mx := c.resolve(CentreDomain, dns.TypeMX).Answer
	if len(mx) != 1 {
		t.Fatalf("MX: %v", mx)
	}
	if as := c.lookup(strings.TrimSuffix(mx[0].(*dns.MX).Mx, ".")); len(as) != 1 || as[0] != c.w.MailServer().Addr() {
		t.Errorf("%v", as)
	}
	if _, err := c.w.Dial(t.Context(), netip.Addr{}, "tcp", c.w.MailServer().String()); err == nil {
		t.Error("a mail server before there is one")
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:0", "192.0.2.1:25", "localhost:25"} {
		if err := c.w.SetCentreMail(bad); err == nil {
			t.Errorf("%q is taken for a loopback address", bad)
		}
	}
	p := c.postOffice()
	source := netip.MustParseAddr("198.51.100.9")
	conn, err := c.w.Dial(t.Context(), source, "tcp", c.w.MailServer().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cl := smtp.NewClient(conn)
	if err := cl.SendMail("x@y.example", []string{"z@centre.example"}, strings.NewReader("Subject: x\r\n\r\ny\r\n")); err != nil {
		t.Fatal(err)
	}
	if g := p.take(); len(g) != 1 || g[0].source != source {
		t.Errorf("%+v", g)
	}
	for qname, want := range map[string]string{"writer.example": "v=spf1 ip4:", "_dmarc.writer.example": "v=DMARC1; p=reject", "lab._domainkey.writer.example": "k=ed25519",
		"rich.example": "v=spf1", "_dmarc.rich.example": "p=none", "_dmarc.passes.example": "p=quarantine", "quickname.example": "v=spf1", "nic.shopx": "v=spf1"} {
		got, err := c.txt(qname)
		if err != nil || !strings.Contains(strings.Join(got, " "), want) {
			t.Errorf("%s: %q %v", qname, got, err)
		}
	}
	for _, none := range []string{"bare.example", "_dmarc.bare.example", "lab._domainkey.bare.example", "lab._domainkey.rich.example", "passes.example"} {
		if got, err := c.txt(none); err == nil {
			t.Errorf("%s: %q", none, got)
		}
	}
}

func TestReportsByMail(t *testing.T) {
	c := start(t, load(t, mailers))
	k := c.centre()
	p := c.postOffice()
	c.advance(12 * time.Hour)
	if len(k.reports) != 0 {
		t.Errorf("%d reports by the API", len(k.reports))
	}
	got := p.take()
	if len(got) != 11 {
		t.Fatalf("%d mails", len(got))
	}
	from := func(a arrived) string {
		h := headerOf(t, a.raw)
		l, err := h.AddressList("From")
		if err != nil || len(l) != 1 {
			t.Fatalf("%v %v", l, err)
		}
		return domainOf(l[0].Address)
	}
	seen := map[string]int{}
	for _, a := range got[:9] {
		who := from(a)
		seen[who]++
		h := headerOf(t, a.raw)
		if d, err := h.Date(); err != nil || !d.Equal(a.at.Truncate(time.Second)) {
			t.Errorf("%s: dated %v at %v", who, d, a.at)
		}
		if a.to != ReportAddress {
			t.Errorf("to %s", a.to)
		}
		domain := c.signed(a.raw)
		want := who
		spf, _ := c.txt(who)
		inSPF := strings.Contains(strings.Join(spf, ""), "ip4:"+a.source.String()+" ")
		switch who {
		case "rich.example", "bare.example", "victim.example":
			want = ""
		}
		if domain != want {
			t.Errorf("%s: signed by %q", who, domain)
		}
		if inSPF != (who != "passes.example" && who != "bare.example" && who != "victim.example") {
			t.Errorf("%s: from %s, SPF %q", who, a.source, spf)
		}
		if (domainOf(a.from) == who) != (who != "victim.example") {
			t.Errorf("%s: return path %s", who, a.from)
		}
		leaves := parts(t, a.raw)
		all := fmt.Sprint(leaves)
		switch who {
		case "passes.example":
			if !strings.Contains(all, "https://a.shopx/x/") || !strings.Contains(all, "https://www.aurora-bank.example/help") {
				t.Errorf("forwarded: %s", all)
			}
		case "filter.example":
			media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
			if err != nil || media != "multipart/report" || params["report-type"] != "feedback-report" || len(leaves) != 3 || leaves[1][0] != "message/feedback-report" || leaves[2][0] != "message/rfc822" {
				t.Fatalf("ARF: %s %v", a.raw, err)
			}
			for _, f := range []string{"Feedback-Type: fraud\r\n", "Version: 1\r\n", "User-Agent: ", "Reported-URI: https://a.shopx/x/\r\n", "Reported-Domain: a.shopx\r\n", "Source-IP: 198.51.100.254\r\n"} {
				if !strings.Contains(leaves[1][1], f) {
					t.Errorf("no %q in %s", f, leaves[1][1])
				}
			}
		case "machine.example":
			var x map[string]any
			if err := json.Unmarshal([]byte(leaves[len(leaves)-1][1]), &x); err != nil || x["url"] != "https://a.shopx/x/" || x["xarf_version"] != "4.2.0" {
				t.Errorf("%v in %s", err, all)
			}
		case "writer.example":
			if a.at.Sub(c.w.StartsAt()) > 2*time.Hour { // the one with the fault
				if !strings.Contains(all, "192.168.10.20") {
					t.Errorf("%s", all)
				}
				break
			}
			if strings.Contains(all, "https://a.shopx") || !strings.Contains(all, "shopx") || !strings.Contains(all, "seen") {
				t.Errorf("%s", all)
			}
		case "rich.example":
			if len(leaves) != 2 || !strings.Contains(leaves[1][1], `href="https://a.shopx/x/"`) {
				t.Errorf("%s", all)
			}
		}
	}
	if seen["bare.example"] != 2 || !bytes.Equal(got[5].raw, got[6].raw) {
		t.Errorf("sent again: %v", seen)
	}
	if e, err := message.Read(bytes.NewReader(got[9].raw)); err == nil && e.Walk(func(path []int, _ *message.Entity, err error) error { return err }) == nil {
		t.Error("the broken boundary reads")
	}
	n := c.w.Counts()
	if n.SMTPSent != 10 || n.SMTPTaken != 11 || n.SMTPAgain != 1 || n.ReportsSent != 10 || n.ReportsUnexpected != 0 {
		t.Errorf("%+v", n)
	}
	authentic := map[string]bool{}
	for _, m := range c.w.MailsSent() {
		if m.Kind != "report" || m.Status != 250 || m.Tries != 1 {
			t.Errorf("%+v", m)
		}
		authentic[m.Party] = m.Authentic
	}
	if want := map[string]bool{"Writer": true, "Rich": true, "Passes": true, "Filter": true, "Machine": true, "Bare": false, "Victim": false}; !reflect.DeepEqual(authentic, want) {
		t.Errorf("%v", authentic)
	}

	// Receipts: one that is due, and one that the victim of a forgery gets.
	for _, i := range []int{0, 7} {
		h := headerOf(t, got[i].raw)
		id, _ := h.MessageID()
		to := domainOf(got[i].from)
		if i == 7 {
			to = "victim.example"
		}
		if err := c.mail("", "reports@"+to, "From: desk@centre.example\r\nReply-To: r1@centre.example\r\nIn-Reply-To: <"+id+">\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <rc"+fmt.Sprint(i)+"@centre.example>\r\nSubject: Receipt\r\n\r\nhxxps://a[.]shopx/x/\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	want := []Receipts{{Reporter: "Writer", Mails: 1, Answering: 1}, {Reporter: "Victim", Mails: 1, Misled: 1}}
	if r := c.w.Receipts(); !reflect.DeepEqual(r, want) {
		t.Errorf("%+v", r)
	}
	tr := truthOf(t, c.w, "a.shopx")
	if tr.Receipts != 2 || len(tr.Asks) != 0 {
		t.Errorf("%+v", tr)
	}
	c.advance(13 * time.Hour)
	if g := p.take(); len(g) != 1 || g[0].to != "r1@centre.example" || g[0].from != "reports@victim.example" {
		t.Errorf("the reporter's ticket system: %+v", g)
	}
}

// A server that does not say 250 gets the same bytes again.
func TestMailIsRepeated(t *testing.T) {
	c := start(t, load(t, "tlds: [{name: shopx}]\nreporters: [{name: Writer, format: mail}]\nnames: [{name: a.shopx, reported: [1h, 20h]}]\n"))
	c.centre()
	p := c.postOffice()
	tries := 0
	p.say = func(string) *smtp.SMTPError {
		if tries++; tries < 3 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy"}
		}
		if tries > 3 {
			return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "no"}
		}
		return nil
	}
	c.advance(Day)
	g := p.take()
	if len(g) != 4 || !bytes.Equal(g[0].raw, g[2].raw) || bytes.Equal(g[2].raw, g[3].raw) || g[2].at.Sub(g[0].at) != 20*time.Minute {
		t.Fatalf("%d mails", len(g))
	}
	n := c.w.Counts()
	if n.SMTPSent != 2 || n.SMTPTaken != 1 || n.SMTPRefused != 1 || n.SMTPAgain != 2 || n.ReportsAccepted != 1 || n.ReportsRejected != 1 || n.ReportsUnexpected != 1 {
		t.Errorf("%+v", n)
	}
	if m := c.w.MailsSent(); m[0].Tries != 3 || m[0].Status != 250 || m[1].Status != 554 {
		t.Errorf("%+v", m)
	}
	if s := c.w.Submissions(); len(s) != 2 || s[0].Status != 250 || !s[0].Accepted || s[1].Accepted {
		t.Errorf("%+v", s)
	}
}

// askMail is a notice as the centre writes it, with an address of its own to
// answer to.
func askMail(to, link, n string) string {
	s := noticeMail(to, "https://a.shopx/x/", "registrar", "suspend_name", link)
	return strings.Replace(s, "Subject: Phishing\r\n", "Reply-To: "+n+"@centre.example\r\nSubject: [CASE] Phishing\r\nMessage-ID: <notice."+n+"@centre.example>\r\nAuto-Submitted: auto-generated\r\nDate: Mon, 05 Jan 2026 00:00:00 +0000\r\n", 1)
}

func TestAnswersByMail(t *testing.T) {
	for _, tt := range []struct {
		registrar, machine string
		hold               bool     // the name is its own
		kinds              []string // of the mails that come back, with the answers meant
		links              int
		asked              bool
	}{
		{registrar: "Quickname", hold: true, kinds: []string{"person received", "person acted"}, asked: true},
		{registrar: "Quickname", kinds: []string{"person not_ours"}},
		{registrar: "Linker", hold: true, links: 2, asked: true},
		{registrar: "Twoways", hold: true, kinds: []string{"person received", "person acted"}, links: 2, asked: true},
		{registrar: "Desk", hold: true, machine: "ticket", kinds: []string{"ticket", "person received", "person acted"}, asked: true},
		{registrar: "Rude", hold: true, machine: "rude_ticket", kinds: []string{"ticket"}, asked: true},
		{registrar: "Auto", hold: true, machine: "autoreply", kinds: []string{"auto"}, asked: true},
		{registrar: "Rudeauto", hold: true, machine: "rude_autoreply", kinds: []string{"auto"}, asked: true},
		{registrar: "Away", hold: true, machine: "vacation", kinds: []string{"auto"}, asked: true},
		{registrar: "Late", hold: true, machine: "late_bounce", kinds: []string{"bounce"}},
		{registrar: "Lateagain", hold: true, machine: "late_bounce", kinds: []string{"bounce"}},
		{registrar: "Later", hold: true, machine: "late_bounce", kinds: []string{"bounce"}},
		{registrar: "Delayed", hold: true, machine: "delay", kinds: []string{"delay", "person received", "person acted"}, asked: true},
		{registrar: "Loop", hold: true, machine: "loop", kinds: []string{"loop"}, asked: true},
	} {
		t.Run(fmt.Sprint(tt.registrar, tt.hold), func(t *testing.T) {
			s := load(t, mailers)
			s.Reports = nil
			if tt.hold {
				s.find("a.shopx").Registrar = tt.registrar
			} else {
				s.find("a.shopx").Registrar = "Linker"
			}
			c := start(t, s)
			k := c.centre()
			p := c.postOffice()
			c.advance(0)
			box := "abuse@" + slug(tt.registrar) + ".example"
			raw := askMail(box, k.URL+"/a/1", "n1")
			if err := c.mail("n1@centre.example", box, raw); err != nil {
				t.Fatal(err)
			}
			c.advance(2 * Day)
			var kinds []string
			sent := c.w.MailsSent()
			for _, m := range sent {
				kinds = append(kinds, strings.TrimSpace(m.Kind+" "+m.Answer))
				if m.To != "n1@centre.example" || m.Status != 250 || m.Subject != "a.shopx" || m.Party != tt.registrar || m.By != map[bool]string{true: tt.machine}[m.Kind != "person"] {
					t.Errorf("%+v", m)
				}
			}
			if !reflect.DeepEqual(kinds, tt.kinds) {
				t.Errorf("mails %q, want %q", kinds, tt.kinds)
			}
			if len(k.answers) != tt.links {
				t.Errorf("by link: %q", k.answers)
			}
			tr := truthOf(t, c.w, "a.shopx")
			if tr.Asked.IsZero() == tt.asked {
				t.Errorf("asked: %v", tr.Asked)
			}
			if len(tr.Mails) != len(kinds) {
				t.Errorf("truth: %+v", tr.Mails)
			}
			got := p.take()
			if len(got) != len(kinds) {
				t.Fatalf("%d mails arrived", len(got))
			}
			for i, a := range got {
				c.shape(a, sent[i], raw)
			}
		})
	}
}

// shape checks that a mail is what its kind promises.
func (c client) shape(a arrived, m MailSent, notice string) {
	t := c.t
	t.Helper()
	h := headerOf(t, a.raw)
	auto := h.Get("Auto-Submitted")
	switch {
	case m.Kind == "person", strings.HasPrefix(m.By, "rude"):
		if auto != "" || a.from == "" {
			t.Errorf("%s %s: Auto-Submitted %q from %q", m.Kind, m.By, auto, a.from)
		}
	case m.By == "autoreply", m.By == "vacation":
		if !strings.HasPrefix(auto, "auto-replied") || a.from != "" {
			t.Errorf("%s: Auto-Submitted %q from %q", m.By, auto, a.from)
		}
	case m.By == "ticket":
		if auto != "auto-replied" {
			t.Errorf("Auto-Submitted %q", auto)
		}
	case m.Kind == "loop":
		if _, rest, _ := bytes.Cut(a.raw, []byte("\r\n")); string(rest) != notice {
			t.Errorf("not our own mail: %s", a.raw)
		}
		return
	}
	if got := c.signed(a.raw); got == "" {
		t.Errorf("%s is not signed", m.Kind)
	}
	if m.Kind == "ticket" {
		if !strings.HasPrefix(h.Get("Subject"), "[#") || !strings.Contains(fmt.Sprint(parts(t, a.raw)), "> We ask you to look at") {
			t.Errorf("a ticket system that does not quote: %s", a.raw)
		}
	}
	if m.Kind != "bounce" && m.Kind != "delay" {
		return
	}
	if a.from != "" {
		t.Errorf("a bounce from %q", a.from)
	}
	leaves := parts(t, a.raw)
	if len(leaves) == 1 {
		if m.Kind == "delay" || !strings.HasPrefix(leaves[0][1], "Hi. This is the ") || !strings.Contains(leaves[0][1], "\r\n--- Below this line is a copy of the message.\r\n") {
			t.Errorf("not QSBMF: %s", leaves[0][1])
		}
		return
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "multipart/report" || params["report-type"] != "delivery-status" || len(leaves) != 3 || leaves[1][0] != "message/delivery-status" || leaves[2][0] != "text/rfc822-headers" {
		t.Fatalf("not a delivery report: %s", a.raw)
	}
	// RFC 3464 section 2: a group for the message, an empty line, one for the
	// recipient, with the required fields.
	groups := strings.Split(strings.TrimSpace(leaves[1][1]), "\r\n\r\n")
	action, status := "failed", "5."
	if m.Kind == "delay" {
		action, status = "delayed", "4."
	}
	if len(groups) != 2 || !strings.HasPrefix(groups[0], "Reporting-MTA: dns; ") || !strings.Contains(groups[1], "Final-Recipient: rfc822; ") ||
		!strings.Contains(groups[1], "\r\nAction: "+action+"\r\n") || !strings.Contains(groups[1], "\r\nStatus: "+status) {
		t.Errorf("%q", groups)
	}
	if !strings.Contains(leaves[2][1], "notice.n1@centre.example") {
		t.Errorf("whose mail it was is not said: %s", leaves[2][1])
	}
}

// An answer in a party's name from elsewhere is nobody's.
func TestForgedAnswer(t *testing.T) {
	s := load(t, mailers)
	s.Reports = nil
	s.find("a.shopx").Registrar = "Framed"
	c := start(t, s)
	p := c.postOffice()
	c.advance(0)
	for range 2 { // once is enough
		if err := c.mail("n1@centre.example", "abuse@framed.example", askMail("abuse@framed.example", "", "n1")); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(Day)
	g, m := p.take(), c.w.MailsSent()
	if len(g) != 1 || len(m) != 1 || m[0].By != "forged" || m[0].Authentic || m[0].Answer != "not_ours" {
		t.Fatalf("%+v", m)
	}
	spf, err := c.txt("framed.example")
	if err != nil || strings.Contains(spf[0], g[0].source.String()) || g[0].from != "abuse@framed.example" || c.signed(g[0].raw) != "" {
		t.Errorf("it passes: from %s, %q %v", g[0].source, spf, err)
	}
}

// Both forms of a late bounce occur.
func TestBothBounces(t *testing.T) {
	c := start(t, load(t, mailers))
	forms := map[bool]int{}
	for _, p := range c.w.parties {
		if p.b.Mailbox == "late_bounce" {
			forms[c.w.classic(p)]++
		}
	}
	if len(forms) != 2 {
		t.Errorf("%v", forms)
	}
}

// A duelling responder answers every mail it gets; the lab breaks off what
// would never end.
func TestDuel(t *testing.T) {
	s := load(t, mailers)
	s.Reports = nil
	c := start(t, s)
	k := c.centre()
	p := c.postOffice()
	box, answered := "abuse@rude.example", 0
	say := func() {
		t.Helper()
		if err := c.mail("n1@centre.example", box, askMail(box, k.URL+"/a/1", "n1")); err != nil {
			t.Fatal(err)
		}
	}
	say()
	for i := range maxDuel + 20 { // a centre that answers every mail, too
		c.advance(time.Duration(i+1) * time.Hour)
		g := p.take()
		answered += len(g)
		if len(g) == 0 {
			break
		}
		say()
	}
	d := c.w.Duels()
	if answered != maxDuel || len(d) != 1 || d[0] != (Duel{Mailbox: box, With: "n1@centre.example", In: maxDuel + 1, Out: maxDuel, Cut: true}) {
		t.Errorf("%d answers, %+v", answered, d)
	}
	ids := map[string]bool{}
	for _, m := range c.w.MailsSent() {
		ids[m.MessageID] = true
	}
	if n := c.w.Counts(); len(ids) != maxDuel || n.DuelsCut != 1 {
		t.Errorf("%d Message-IDs, %+v", len(ids), n)
	}
}

// A centre that answers from a new address each time is caught by what its
// mails answer, and if they do not say, by how many there are.
func TestDuelWithManyAddresses(t *testing.T) {
	for _, refers := range []bool{true, false} {
		s := load(t, mailers)
		s.Reports = nil
		c := start(t, s)
		p := c.postOffice()
		box, answered := "abuse@rude.example", 0
		refs := ""
		for i := range maxPerDay + 30 {
			id := fmt.Sprint("n", i)
			if err := c.mail(id+"@centre.example", box, refs+askMail(box, "", id)); err != nil {
				t.Fatal(err)
			}
			c.advance(time.Duration(i+1) * 5 * time.Minute)
			g := p.take()
			answered += len(g)
			if len(g) == 0 {
				break
			}
			if refers {
				h := headerOf(t, g[0].raw)
				m, _ := h.MessageID()
				refs = "In-Reply-To: <" + m + ">\r\n"
			}
		}
		want := maxPerDay
		if refers {
			want = maxDuel
		}
		if n := c.w.Counts(); answered != want || n.DuelsCut != 1 {
			t.Errorf("%d answers, want %d; %+v", answered, want, n)
		}
	}
}

// Nobody is told about the null sender, and mail goes to the centre only.
func TestMachinesMind(t *testing.T) {
	s := load(t, mailers)
	s.Reports = nil
	c := start(t, s)
	p := c.postOffice()
	c.advance(0)
	for _, who := range []string{"auto", "away", "late", "delayed"} {
		if err := c.mail("", "abuse@"+who+".example", askMail("abuse@"+who+".example", "", "n1")); err != nil {
			t.Fatal(err)
		}
	}
	// A vacation program answers one address once a week.
	for range 3 {
		if err := c.mail("n2@centre.example", "abuse@away.example", askMail("abuse@away.example", "", "n2")); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := strings.Replace(askMail("abuse@rude.example", "", "n3"), "n3@centre.example\r\nSubject", "x@elsewhere.example\r\nSubject", 1)
	if err := c.mail("x@elsewhere.example", "abuse@rude.example", elsewhere); err != nil {
		t.Fatal(err)
	}
	c.advance(Day)
	p.take()
	var machine []MailSent
	for _, m := range c.w.MailsSent() {
		if m.Kind != "person" {
			machine = append(machine, m)
		}
	}
	if len(machine) != 1 || machine[0].To != "n2@centre.example" || machine[0].By != "vacation" {
		t.Errorf("%+v", machine)
	}
	if n := c.w.Counts(); n.SMTPNowhere != 1 || n.Refused != 0 {
		t.Errorf("%+v", n)
	}
}

// Without a mail server of the centre everything goes as it did before.
func TestWithoutMail(t *testing.T) {
	c := start(t, load(t, mailers))
	k := c.centre()
	c.advance(12 * time.Hour)
	if len(k.reports) != 8 { // all but those whose fault is a mail's, or that are mails as they are
		t.Errorf("%d reports", len(k.reports))
	}
	box := "abuse@quickname.example"
	if err := c.mail("n1@centre.example", box, askMail(box, k.URL+"/a/1", "n1")); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * Day)
	if n := c.w.Counts(); len(k.answers) != 2 || n.SMTPSent != 0 || n.ReportsUnexpected != 0 {
		t.Errorf("%q %+v", k.answers, n)
	}
}

func TestTooLarge(t *testing.T) {
	c := start(t, load(t, "tlds: [{name: shopx}]\nreporters: [{name: Writer, format: mail}]\nnames: [{name: a.shopx}]\nreports: [{at: 1h, name: a.shopx, fault: too_large}]\n"))
	p := c.postOffice()
	c.advance(Day)
	if n := c.w.Counts(); len(p.take()) != 0 || n.ReportsRejected != 1 || n.ReportsUnexpected != 0 {
		t.Errorf("%+v", n)
	}
}

func TestMailsAreTheSame(t *testing.T) {
	var runs [2][]arrived
	for i := range runs {
		s := GenerateWith(5, 20, Generated{MailIn: true})
		c := start(t, s)
		p := c.postOffice()
		c.centre()
		n, asked := 0, map[string]bool{}
		for d := time.Duration(0); d <= 20*Day; d += 3 * time.Hour {
			c.advance(d)
			for _, h := range c.w.order {
				for _, pt := range []*party{h.registrar, h.host} {
					if pt == nil || published(pt.mail) == "" || !h.live || asked[pt.id+h.def.Name] {
						continue
					}
					n++
					asked[pt.id+h.def.Name] = true
					id := fmt.Sprintf("n%d", n)
					raw := strings.Replace(askMail(pt.mail, "https://centre.example/a", id), "https://a.shopx/x/", h.def.URL(), 1)
					_ = c.mail(id+"@centre.example", pt.mail, strings.ReplaceAll(raw, "hxxps://a.shopx/x/", strings.Replace(h.def.URL(), "http", "hxxp", 1)))
				}
			}
		}
		runs[i] = p.take()
		kinds := map[string]int{}
		by := map[string]int{}
		for _, m := range c.w.MailsSent() {
			kinds[m.Kind]++
			by[m.By]++
			if m.Status != 250 {
				t.Fatalf("%+v", m)
			}
		}
		if i == 0 {
			t.Logf("%v %v %+v", kinds, by, c.w.Counts())
			for _, k := range []string{"report", "person", "auto", "ticket", "bounce", "delay"} {
				if kinds[k] == 0 {
					t.Errorf("no %s", k)
				}
			}
			duel := map[string]bool{}
			for _, d := range c.w.Duels() {
				duel[d.Mailbox] = true
			}
			if len(duel) < 2 {
				t.Errorf("machines: %v", duel)
			}
		}
	}
	if len(runs[0]) != len(runs[1]) {
		t.Fatalf("%d and %d mails", len(runs[0]), len(runs[1]))
	}
	for i := range runs[0] {
		if !reflect.DeepEqual(runs[0][i], runs[1][i]) {
			t.Fatalf("mail %d differs:\n%s\n---\n%s", i, runs[0][i].raw, runs[1][i].raw)
		}
	}
}

func TestDKIMKeysAreTheSeeds(t *testing.T) {
	a, b := start(t, load(t, mailers)), start(t, load(t, "seed: 2\n"+mailers))
	k := func(c client) ed25519.PrivateKey { return c.w.senders["writer.example"].key }
	if k(a).Equal(k(b)) || len(k(a)) == 0 {
		t.Error("two seeds, one key")
	}
}

// The example runs over real mail, and everything it speaks of happens.
func TestMailExample(t *testing.T) {
	fh, err := os.Open("../docs/scenarios/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer fh.Close()
	s, err := Load(fh, "../docs/scenarios/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, s)
	k := c.centre()
	p := c.postOffice()
	asked := map[string]bool{}
	for d := time.Duration(0); d <= time.Duration(s.Days)*Day; d += time.Hour {
		c.advance(d)
		for _, m := range c.w.MailsSent() {
			h := c.w.holdings[m.Subject]
			if m.Kind != "report" || h == nil || asked[m.Subject] {
				continue
			}
			asked[m.Subject] = true
			for i, to := range append(c.w.parties[:len(c.w.parties):len(c.w.parties)], c.w.parties[0]) {
				if !c.w.holdsLocked(to, m.Subject) && to.role != "blocklist" || published(to.mail) == "" {
					continue
				}
				id := fmt.Sprintf("n%d-%s", i, strings.ReplaceAll(m.Subject, ".", "-"))
				raw := strings.Replace(askMail(to.mail, k.URL+"/api/v1/answers/x", id), `"role":"registrar"`, `"role":"`+to.role+`"`, 1)
				raw = strings.ReplaceAll(raw, "a.shopx/x/", m.Subject+"/")
				if err := c.mail(id+"@centre.example", to.mail, raw); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	got := map[string]int{}
	for _, m := range c.w.MailsSent() {
		got[m.Kind]++
		got[m.By]++
		got[m.Language+" "+m.Answer]++
		if m.Status != 250 {
			t.Errorf("%+v", m)
		}
	}
	for _, w := range []string{"report", "person", "auto", "ticket", "bounce", "delay", "loop", "forward", "arf", "xarf_mail", "mail_html", "mail", "en acted", "de acted", "fr received", "pt acted", "de refused"} {
		if got[w] == 0 {
			t.Errorf("no %s: %v", w, got)
		}
	}
	if n := c.w.Counts(); n.ReportsUnexpected != 0 || n.SMTPNowhere != 0 || int(n.SMTPTaken) != len(p.take()) || n.SMTPAgain != 1 || n.Refused != 0 {
		t.Errorf("%+v", n)
	}
}

// Every answer can be said in every language, and no two of one language with
// the same words.
func TestWords(t *testing.T) {
	for _, lang := range tongues {
		seen := map[string]string{}
		for _, a := range []string{"received", "acted", "referred", "refused", "need_more", "not_ours"} {
			if len(replies()[lang][a]) == 0 {
				t.Errorf("%s: no word for %s", lang, a)
			}
			for _, s := range replies()[lang][a] {
				if seen[s] != "" {
					t.Errorf("%s: %q says %s and %s", lang, s, a, seen[s])
				}
				seen[s] = a
			}
		}
		r, m := reporting()[lang], automatic()[lang]
		if r.kinds["phishing"] == "" || r.kinds["other"] == "" || m.ticket == "" || m.wrote == "" {
			t.Errorf("%s has gaps", lang)
		}
	}
}

// Defanged addresses cannot be clicked, and a person reads them back.
func TestDefang(t *testing.T) {
	undo := strings.NewReplacer("hxxp", "http", "Hxxp", "http", "[.]", ".", "(.)", ".", "[dot]", ".", "[:]//", "://", "[://]", "://", "[:]", ":")
	for _, u := range []string{"https://a.shopx/x/", "http://www.b.shopx:8080/login/?e=1", "https://192.0.2.7/", "http://[2001:db8::1]/f.exe", "https://a.shopx"} {
		ways := map[string]bool{}
		for i := range 60 {
			d := defang(draw(uint64(i), "defang"), u)
			ways[d] = true
			if strings.Contains(d, "http://") || strings.Contains(d, "https://") || undo.Replace(d) != u {
				t.Errorf("%s: %s", u, d)
			}
		}
		if len(ways) < 5 && !strings.Contains(u, "[") {
			t.Errorf("%s: %d ways", u, len(ways))
		}
	}
}

// A signature is what the library would make of the same bytes: any change
// breaks it, and what relaxed canonicalisation forgives does not.
func TestSignature(t *testing.T) {
	c := start(t, load(t, mailers))
	own := c.w.senders["writer.example"]
	h := heading{date: standardStart, fromName: "Ä, \"B\"", from: "reports@writer.example", to: ReportAddress, id: "x@writer.example", subject: strings.Repeat("Überschrift ", 20)}
	raw := own.sign(h.compose(mailPart{media: "text/plain", body: "a  b \n\n c\t\n\n\n"}), standardStart)
	verify := func(raw []byte) error {
		v, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: c.txt})
		if err != nil || len(v) != 1 {
			t.Fatalf("%v %v", v, err)
		}
		if v[0].Err == nil && !v[0].Time.Equal(standardStart) {
			t.Errorf("signed at %v", v[0].Time)
		}
		return v[0].Err
	}
	for what, b := range map[string][]byte{"as it is": raw, "spaces": bytes.Replace(raw, []byte("a  b \r\n"), []byte("a b\r\n"), 1), "more at the end": append(bytes.Clone(raw), "\r\n\r\n"...)} {
		if err := verify(b); err != nil {
			t.Errorf("%s: %v\n%s", what, err, b)
		}
	}
	for what, b := range map[string][]byte{"body": bytes.Replace(raw, []byte("a  b"), []byte("ab"), 1), "from": bytes.Replace(raw, []byte("reports@"), []byte("report@"), 1)} {
		if verify(b) == nil {
			t.Errorf("%s changed, and it verifies", what)
		}
	}
	if got := headerOf(t, raw); true {
		if s, err := got.Subject(); err != nil || s != strings.TrimSpace(strings.Repeat("Überschrift ", 20)) {
			t.Errorf("%q %v", s, err)
		}
		if l, err := got.AddressList("From"); err != nil || l[0].Name != "Ä, \"B\"" {
			t.Errorf("%v %v", l, err)
		}
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte(noticeMail("a@b.example", "https://hold.shopx/", "registrar", "suspend_name", "http://127.0.0.1/a")))
	f.Add([]byte(askMail("a@b.example", "http://127.0.0.1/a", "n1")))
	f.Add([]byte("From: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--"))
	f.Add([]byte("Reply-To: <a\r\n b>\r\nReferences: <\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := readHead(Mail{Raw: raw, From: "r@centre.example"})
		if to := in.to(); centreAddress(to) && strings.ContainsAny(to, "\r\n <>") {
			t.Fatalf("mail to %q", to)
		}
		if len(in.text) > maxQuoted {
			t.Fatalf("%d octets to quote", len(in.text))
		}
		// What is written back is one header and one body, whatever came in.
		h := heading{date: standardStart, from: "a@b.example", to: "c@centre.example", id: "x@b.example", inReplyTo: in.id, subject: "Re: " + in.subject, refs: strings.Join(angle(in.refs), " ")}
		b := h.compose(mailPart{media: "text/plain", body: quote(in.text)})
		head, _, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if k, _, ok := strings.Cut(line, ":"); line == "" || line[0] != ' ' && (!ok || !slices.Contains([]string{"Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}, k)) || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("a line %q in %q", line, head)
			}
		}
	})
}

func TestMailMistakes(t *testing.T) {
	for _, tt := range [][2]string{
		{"reporters: [{name: R, format: fax}]", "reporters[0].format"},
		{"reporters: [{name: R, auth: some}]", "reporters[0].auth"},
		{"reporters: [{name: R, format: mail, mail: none}]", "has an address"},
		{"reporters: [{name: R, mail: r@centre.example}]", "the centre's own domain"},
		{"reporters: [{name: R, behaviour: {mailbox: parrot}}]", "reporters[0].behaviour.mailbox"},
		{"registrars: [{name: R, behaviour: {answers: phone}}]", "registrars[0].behaviour.answers"},
		{"registrars: [{name: R, behaviour: {language: tlh}}]", "registrars[0].behaviour.language"},
		{"reporters: [{name: R, format: arf}]\nreports: [{at: 1h, name: a.shopx, bulk: x}]", "reports[0].bulk"},
		{"reporters: [{name: R, format: arf}]\nreports: [{at: 1h, name: a.shopx, fault: missing_sender}]", "reports[0].fault"},
		{"reporters: [{name: R}]\nreports: [{at: 1h, name: a.shopx, fault: too_large}]", "reports[0].fault"},
		{"reporters: [{name: R, mail: none}]\nreports: [{at: 1h, name: a.shopx, format: mail}]", "reports[0].from"},
	} {
		_, err := Load(strings.NewReader("tlds: [{name: shopx}]\nnames: [{name: a.shopx}]\n"+tt[0]), "x.yaml")
		if err == nil || !strings.Contains(err.Error(), tt[1]) {
			t.Errorf("%s: %v", tt[0], err)
		}
	}
}

// The option is the scenario's own, and survives being printed.
func TestGeneratedMailIn(t *testing.T) {
	for seed := range uint64(6) {
		a, b := GenerateWith(seed, 30, Generated{MailIn: true}), GenerateWith(seed, 30, Generated{MailIn: true})
		if !a.completed || !reflect.DeepEqual(a, b) || !a.MailIn {
			c := *a
			t.Fatalf("seed %d: %v", seed, (&c).Complete())
		}
		var buf bytes.Buffer
		if err := a.Write(&buf); err != nil {
			t.Fatal(err)
		}
		c, err := Load(bytes.NewReader(buf.Bytes()), "printed.yaml")
		if err != nil || !reflect.DeepEqual(a, c) {
			t.Fatalf("seed %d, printed and read back: %v", seed, err)
		}
		by := map[string]int{}
		for _, r := range a.Reports {
			by[r.Format]++
		}
		for _, f := range []string{"json", "xarf4", "mail", "forward", "arf"} {
			if by[f] == 0 {
				t.Errorf("seed %d: no report as %s: %v", seed, f, by)
			}
		}
	}
	for _, r := range Generate(1, 30).Reports {
		if byMail(r.Format) {
			t.Fatal("a report by mail to a centre that takes none")
		}
	}
}
