package lab

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"bailiwick/problem"

	"github.com/emersion/go-smtp"
)

// The centre's own place in the lab: its mail domain, where reports by mail are
// sent, and its mail server as the lab's DNS gives it.
const (
	CentreDomain  = "centre.example"
	ReportAddress = "report@" + CentreDomain
	centreMX      = "mail." + CentreDomain
)

var (
	centreMXAddr = netip.MustParseAddr("203.0.113.133") // among the centre's vantage points
	// outAddrs are where the lab's mail comes from, strayAddr where forged mail
	// does: no domain's SPF names it.
	outAddrs  = []string{"198.51.100.242", "198.51.100.243", "198.51.100.244", "198.51.100.245", "198.51.100.246", "198.51.100.247", "198.51.100.248", "198.51.100.249", "198.51.100.250", "198.51.100.251", "198.51.100.252"}
	strayAddr = netip.MustParseAddr("198.51.100.254")
)

// dkimSelector is the selector of every domain of the lab.
const dkimSelector = "lab"

// Limits on what the lab sends.
const (
	maxTries  = 20               // attempts at one mail
	retryIn   = 10 * time.Minute // between them, in virtual time
	maxDuel   = 60               // a machine's mails in one exchange
	maxPerDay = 200              // a machine's mails in a day
)

// sources knows the virtual address of connections to the centre's mail
// server. The lock is held while connecting, so that whoever accepted a
// connection finds it here.
type sources struct {
	sync.Mutex
	of map[netip.AddrPort]netip.Addr
}

// SetCentreMail tells the world at which loopback address and port the
// centre's SMTP server really listens. Whoever dials the mail server of
// CentreDomain is connected there; reporters then report by mail and parties
// answer by mail where the scenario says so. Until it is called, they report
// by the API and answer by link.
func (w *World) SetCentreMail(addr string) error {
	a, err := netip.ParseAddrPort(addr)
	if err != nil || !a.Addr().Unmap().IsLoopback() || a.Port() == 0 {
		return problem.BadField("centre_mail", "%q is not a loopback address with a port", addr)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.centreMail = a.String()
	return nil
}

// MailServer is the centre's mail server as the lab's DNS gives it.
func (w *World) MailServer() netip.AddrPort { return netip.AddrPortFrom(centreMXAddr, 25) }

// SourceOf is the lab's address behind the loopback address from which a
// connection reached the centre's mail server; false if the lab did not make
// it.
func (w *World) SourceOf(remote netip.AddrPort) (netip.Addr, bool) {
	w.sources.Lock()
	defer w.sources.Unlock()
	a, ok := w.sources.of[netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())]
	return a, ok
}

// dialMX connects to the centre's mail server. It is no server of the lab's, so
// no PROXY line says where the connection comes from: SourceOf does.
func (w *World) dialMX(ctx context.Context, source netip.Addr) (net.Conn, error) {
	w.mu.RLock()
	to := w.centreMail
	w.mu.RUnlock()
	dst := netip.AddrPortFrom(centreMXAddr, 25)
	if to == "" {
		w.counts.unanswered.Add(1)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: netAddr("tcp", dst), Err: refusedErr}
	}
	w.sources.Lock()
	defer w.sources.Unlock()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	w.sources.of[netip.AddrPortFrom(local.Addr().Unmap(), local.Port())] = source.Unmap()
	return &tcpConn{Conn: c, local: netAddr("tcp", netip.AddrPortFrom(source.Unmap(), local.Port())), remote: netAddr("tcp", dst)}, nil
}

// centreAddress says whether mail to addr goes to the centre.
func centreAddress(addr string) bool {
	local, domain, ok := strings.Cut(strings.ToLower(addr), "@")
	return ok && local != "" && (domain == CentreDomain || strings.HasSuffix(domain, "."+CentreDomain)) && !strings.ContainsAny(addr, " \t\r\n<>\"")
}

// MailSent is one mail that the lab sent to the centre, and what it is: what a
// centre's reading of its mail can be held against.
type MailSent struct {
	At time.Time `json:"at"` // when it was first sent
	// Party wrote it, in Role; of a report the reporter.
	Party string `json:"party"`
	Role  string `json:"role"`
	// Kind: report, person (somebody's answer in words), auto (an automatic
	// answer), ticket (a ticket system's), bounce, delay, or loop (the centre's
	// own mail come back).
	Kind string `json:"kind"`
	// By is the mailbox' behaviour that made a machine's mail, the format of a
	// report, or "forged" for an answer that somebody else wrote in the party's
	// name.
	By string `json:"by,omitempty"`
	// Answer is what a person's answer means: received, referred, refused,
	// need_more, not_ours or acted; about registration data also corrected,
	// verified, suspended, unreachable or no_authority.
	Answer   string `json:"answer,omitempty"`
	Language string `json:"language,omitempty"`
	// Subject is what the mail is about: the key of a subject of the truth; ""
	// where the mail that is answered named none.
	Subject string `json:"subject,omitempty"`
	// To is where it was sent. The address that a notice is answered to tells
	// the centre which obligation is meant; so does InReplyTo.
	To        string `json:"to"`
	InReplyTo string `json:"in_reply_to,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	// Authentic says that the domain in From vouches for it (DMARC passes).
	Authentic bool `json:"authentic"`
	Tries     int  `json:"tries"`
	// Status is the centre's last SMTP reply; 0 when it could not be reached.
	Status int `json:"status"`
}

// Accepted says whether the centre took it.
func (m MailSent) Accepted() bool { return m.Status >= 200 && m.Status < 300 }

// MailsSent are all mails to the centre so far, in the order they were first
// sent.
func (w *World) MailsSent() []MailSent {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Clone(w.letters)
}

// letter is a mail about to be sent.
type letter struct {
	from   string // envelope; "" is the null sender
	source netip.Addr
	hello  string
	raw    []byte
	about  MailSent
}

// mailOut sends a letter and calls done with the centre's last word: the reply
// code, 0 if it never got one. A letter that was not taken is sent again, the
// same bytes, as mail servers do: whatever is not a 2xx or 5xx says nothing
// about whether it arrived. key names it among the world's events. The world is
// locked.
func (w *World) mailOut(key string, l letter, done func(status int)) func(context.Context) error {
	if !centreAddress(l.about.To) {
		w.counts.mailsNowhere.Add(1)
		w.log.Warn("mail to somebody else than the centre is not sent", "party", l.about.Party, "to", l.about.To)
		return nil
	}
	n := len(w.letters)
	w.letters = append(w.letters, l.about)
	w.counts.mailsSent.Add(1)
	return w.attempt(key, l, n, 1, done)
}

func (w *World) attempt(key string, l letter, n, try int, done func(status int)) func(context.Context) error {
	return func(ctx context.Context) error {
		status, err := w.deliver(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letters[n].Tries, w.letters[n].Status = try, status
		switch {
		case status >= 200 && status < 300:
			w.counts.mailsTaken.Add(1)
		case status >= 500:
			w.counts.mailsRefused.Add(1)
			w.log.Warn("mail refused", "party", l.about.Party, "to", l.about.To, "err", err)
		case try < maxTries:
			w.log.Warn("mail not taken", "party", l.about.Party, "to", l.about.To, "err", err)
			w.counts.mailsAgain.Add(1)
			w.schedule(w.clock.Now().Add(retryIn), fmt.Sprintf("%s again %02d", key, try), func(time.Time) func(context.Context) error {
				return w.attempt(key, l, n, try+1, done)
			})
			return nil
		default:
			w.counts.mailsRefused.Add(1)
		}
		if done != nil {
			done(status)
		}
		return nil
	}
}

// deliver is one SMTP session with the centre.
func (w *World) deliver(ctx context.Context, l letter) (int, error) {
	return w.deliverAt(ctx, w.MailServer(), l)
}

// deliverAt is one SMTP session. It returns the reply that decided: 250 after the
// data, or an error's; 0 if there was none.
func (w *World) deliverAt(ctx context.Context, server netip.AddrPort, l letter) (int, error) {
	conn, err := w.Dial(ctx, l.source, "tcp", server.String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // a stopped world does not wait for a server
	defer stop()
	c := smtp.NewClient(conn)
	c.CommandTimeout, c.SubmissionTimeout = 30*time.Second, 60*time.Second
	err = func() error {
		if err := c.Hello(l.hello); err != nil {
			return err
		}
		if err := c.Mail(l.from, nil); err != nil {
			return err
		}
		if err := c.Rcpt(l.about.To, nil); err != nil {
			return err
		}
		d, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := io.Copy(d, bytes.NewReader(l.raw)); err != nil {
			return err
		}
		return d.Close()
	}()
	if e := (*smtp.SMTPError)(nil); errors.As(err, &e) {
		return e.Code, err
	}
	if err != nil {
		return 0, err
	}
	_ = c.Quit() // it is taken, whatever the server says to a farewell
	return 250, nil
}

// sender is how mail leaves a domain.
type sender struct {
	domain    string
	source    netip.Addr
	key       ed25519.PrivateKey // nil: unsigned
	authentic bool               // DMARC passes
}

// mailAuth are the ways a domain vouches for its mail: full (SPF, DKIM and a
// DMARC policy that rejects), spf, dkim, none.
var mailAuth = []string{"full", "spf", "dkim", "none", "forged"}

// vouch publishes in the DNS what mail from a domain is known by. The first
// party of a domain decides.
func (w *World) vouch(domain, auth string) {
	if _, done := w.senders[domain]; done {
		return
	}
	h := keyed(w.s.Seed, "mail source", domain)
	s := sender{domain: domain, source: netip.MustParseAddr(outAddrs[int(h[0])%len(outAddrs)]), authentic: auth != "none"}
	if auth == "" {
		auth = "full"
	}
	policy := "reject"
	if auth == "full" || auth == "forged" || auth == "spf" {
		w.texts[domain] = fmt.Sprintf("v=spf1 ip4:%s mx -all", s.source)
	}
	if auth == "full" || auth == "forged" || auth == "dkim" {
		seed := keyed(w.s.Seed, "dkim", domain)
		s.key = ed25519.NewKeyFromSeed(seed[:])
		pub, _ := s.key.Public().(ed25519.PublicKey)
		w.texts[dkimSelector+"._domainkey."+domain] = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	}
	switch auth {
	case "spf":
		policy = "none"
	case "dkim":
		policy = "quarantine"
	}
	if auth != "none" {
		w.texts["_dmarc."+domain] = "v=DMARC1; p=" + policy
	}
	w.senders[domain] = s
}

func domainOf(addr string) string { return strings.ToLower(addr[strings.LastIndexByte(addr, '@')+1:]) }

// sign puts a DKIM-Signature (RFC 6376, ed25519 by RFC 8463, relaxed/relaxed)
// on top of a message. It is written here because the library stamps a
// signature with the machine's time, and the lab's mail bears the time of its
// own clock; the tests verify it with the library.
func (s sender) sign(raw []byte, at time.Time) []byte {
	if s.key == nil {
		return raw
	}
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var fields []string // unfolded only when hashed
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(fields) > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[len(fields)-1] += "\r\n" + line
			continue
		}
		fields = append(fields, line)
	}
	var names []string
	h := sha256.New()
	for _, want := range []string{"from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version", "content-type", "auto-submitted"} {
		for _, f := range slices.Backward(fields) {
			if k, _, ok := strings.Cut(f, ":"); ok && strings.EqualFold(k, want) {
				names = append(names, want)
				io.WriteString(h, relaxedField(f)+"\r\n")
			}
		}
	}
	bh := sha256.Sum256(relaxedBody(body))
	sig := fmt.Sprintf("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=%s; s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		s.domain, dkimSelector, at.Unix(), strings.Join(names, ":"), base64.StdEncoding.EncodeToString(bh[:]))
	io.WriteString(h, relaxedField(sig))
	sig += base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, h.Sum(nil)))
	return append([]byte(sig+"\r\n"), raw...)
}

// relaxedField is RFC 6376 section 3.4.2.
func relaxedField(f string) string {
	k, v, _ := strings.Cut(f, ":")
	return strings.ToLower(strings.TrimSpace(k)) + ":" + strings.Join(strings.Fields(v), " ")
}

// relaxedBody is RFC 6376 section 3.4.4.
func relaxedBody(b []byte) []byte {
	var out []byte
	empty := 0
	for line := range bytes.SplitSeq(b, []byte("\r\n")) {
		var l []byte
		for _, c := range bytes.TrimRight(line, " \t") {
			if c == '\t' {
				c = ' '
			}
			if c != ' ' || len(l) == 0 || l[len(l)-1] != ' ' {
				l = append(l, c)
			}
		}
		if len(l) == 0 {
			empty++
			continue
		}
		for ; empty > 0; empty-- {
			out = append(out, '\r', '\n')
		}
		out = append(append(out, l...), '\r', '\n')
	}
	return out
}
