package lab

import (
	"fmt"
	"io"
	"log"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Mail is one accepted message.
type Mail struct {
	At   time.Time // virtual
	From string    // envelope sender; "" is the null sender
	To   string    // one recipient: a message to several is here once for each
	Raw  []byte
}

// mailbox receives for one or more parties.
type mailbox struct {
	addr    string
	parties []*party
	names   []*holding // of the holder whose it is
}

// maxMail is the largest message the lab accepts, in octets.
const maxMail = 25 << 20

func (w *World) mailServer(quiet *log.Logger) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		from, err := netip.ParseAddrPort(c.Conn().RemoteAddr().String())
		return &mailSession{w: w, inner: err == nil && slices.Contains(outAddrs, from.Addr().String())}, nil
	}))
	s.Domain = "mail.lab-dns.example"
	s.MaxMessageBytes = maxMail
	s.MaxRecipients = 100
	s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute
	s.ErrorLog = quiet
	return s
}

// mailSession is one SMTP session.
type mailSession struct {
	w     *World
	from  string
	to    []string
	inner bool // between parties of the lab
}

// Mail implements smtp.Session.
func (m *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	m.from = from
	return nil
}

// Rcpt implements smtp.Session: here the mailbox' behaviour shows.
func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	addr := strings.ToLower(strings.Trim(to, "<>"))
	domain := addr[strings.LastIndexByte(addr, '@')+1:]
	b := m.w.boxes[addr]
	if b == nil {
		if m.w.domains[domain] {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
		}
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	}
	p := b.parties[0]
	switch p.b.Mailbox {
	case "bounce":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 2, 1}, Message: "Mailbox disabled, not accepting messages"}
	case "full":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
	case "form":
		where := p.form
		if where == "" {
			where = "our web site"
		}
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: fmt.Sprintf("Reports of abuse are taken at %s only", where)}
	case "greylist":
		if wait := m.w.greylisted(m.from, addr, p.b.GreylistFor.D()); wait {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, please try again later"}
		}
	}
	m.to = append(m.to, addr)
	return nil
}

// greylisted says whether a sender's first try at a mailbox is too recent, on
// the virtual clock. The sender is known by its domain, as greylisting usually
// does for senders with changing return paths.
func (w *World) greylisted(from, to string, wait time.Duration) bool {
	key := from[strings.LastIndexByte(from, '@')+1:] + "\x00" + to
	now := w.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	first, seen := w.greylist[key]
	if !seen {
		w.greylist[key] = now
		return true
	}
	return now.Before(first.Add(wait))
}

// Data implements smtp.Session.
func (m *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	now := m.w.clock.Now()
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, to := range m.to {
		m.w.inbox = append(m.w.inbox, len(m.w.mails))
		m.w.mails = append(m.w.mails, Mail{At: now, From: m.from, To: to, Raw: raw})
	}
	if m.inner {
		m.w.counts.inner.Add(1)
	} else {
		m.w.counts.smtp.Add(1)
	}
	return nil
}

// Reset implements smtp.Session.
func (m *mailSession) Reset() { m.from, m.to = "", nil }

// Logout implements smtp.Session.
func (m *mailSession) Logout() error { return nil }

// Mails are all accepted mails so far, in order of arrival, those between
// registrars and their customers among them.
func (w *World) Mails() []Mail {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return append([]Mail(nil), w.mails...)
}
