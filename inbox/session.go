package inbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"bailiwick/mail"
	"bailiwick/problem"
	"bailiwick/text"

	"github.com/emersion/go-smtp"
)

// session is one conversation. go-smtp calls it from one goroutine, but for
// Data on mail that comes in chunks (RFC 3030).
type session struct {
	s      *Server
	c      *conn
	hello  string
	secure bool

	mu   sync.Mutex
	utf8 bool // addresses outside ASCII are allowed in this mail
	from string
	to   []string
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	raw := c.Conn()
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	own, ok := raw.(*conn)
	if !ok {
		return nil, reply(451, 4, 3, 0, "internal error")
	}
	return &session{s: s, c: own, hello: text.Line(c.Hostname(), 255), secure: secure}, nil
}

func reply(code, a, b, c int, msg string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: msg}
}

var errBye = reply(421, 4, 7, 0, "too many errors, goodbye")

// refuse counts a refusal. After too many the connection ends.
func (ss *session) refuse(e *smtp.SMTPError) *smtp.SMTPError {
	if ss.c.errors.Add(1) >= int64(ss.s.conf.MaxErrors) {
		ss.c.dead.Store(true)
		return errBye
	}
	return e
}

// Mail implements smtp.Session.
func (ss *session) Mail(from string, o *smtp.MailOptions) error {
	if ss.c.dead.Load() {
		return errBye
	}
	if ss.c.mails.Add(1) > int64(ss.s.conf.MaxMails) {
		ss.c.dead.Store(true)
		return reply(421, 4, 7, 0, "too many mails on one connection, please begin another")
	}
	wide := o != nil && o.UTF8
	if from != "" {
		if e := address(from, wide, 1); e != nil {
			return ss.refuse(e)
		}
	}
	if o != nil && o.Size > ss.s.conf.MaxBytes {
		return ss.refuse(errTooLarge)
	}
	if !ss.s.addrs.take(network(ss.c.addr).String(), ss.s.conf.Now()) {
		return ss.refuse(reply(450, 4, 7, 1, "too many mails from your address, try again in a few minutes"))
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.utf8, ss.from, ss.to = wide, from, nil
	return nil
}

// address refuses what is no address and could be something else once it is
// written into a log, a header or a page. wide allows letters outside ASCII
// (RFC 6531); who is 1 for a sender and 2 for a recipient.
func address(a string, wide bool, who int) *smtp.SMTPError {
	detail := 3 // recipient: bad destination mailbox address syntax
	if who == 1 {
		detail = 7 // bad sender's mailbox address syntax
	}
	switch {
	case len(a) > maxAddress:
		return reply(553, 5, 1, detail, "the address is too long")
	case !utf8.ValidString(a), strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }):
		return reply(553, 5, 1, detail, "the address holds what no address may hold")
	case !wide && strings.ContainsFunc(a, func(r rune) bool { return r >= utf8.RuneSelf }):
		return reply(553, 5, 6, 7, "an address outside ASCII needs SMTPUTF8")
	}
	return nil
}

// Rcpt implements smtp.Session. A recipient that is refused does not stop the
// others.
func (ss *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if ss.c.dead.Load() {
		return errBye
	}
	if e := address(to, ss.utf8, 2); e != nil {
		return ss.refuse(e)
	}
	ctx, cancel := context.WithTimeout(ss.s.ctx, ss.s.conf.Timeouts.Store)
	defer cancel()
	if err := ss.s.to.Recipient(ctx, ss.from, to); err != nil {
		return ss.refuse(recipientReply(err))
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if !slices.Contains(ss.to, to) {
		ss.to = append(ss.to, to)
	}
	return nil
}

// Reset implements smtp.Session.
func (ss *session) Reset() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.from, ss.to = "", nil
	ss.c.end()
}

// Logout implements smtp.Session.
func (ss *session) Logout() error { return nil }

// Data implements smtp.Session.
func (ss *session) Data(r io.Reader) error {
	if ss.c.dead.Load() || !ss.s.text() {
		return errBye
	}
	defer ss.s.texts.Done()
	ss.mu.Lock()
	env := mail.Envelope{Remote: ss.c.addr, Hello: ss.hello, TLS: ss.secure, From: ss.from, To: slices.Clone(ss.to)}
	ss.mu.Unlock()
	raw, release, e := ss.read(r)
	defer release()
	if e == nil {
		e = ss.s.receive(&env, raw)
	}
	log := ss.s.conf.Logger.With("remote", env.Remote, "bytes", len(raw), "spf", env.Auth.SPF, "dmarc", env.Auth.DMARC, "author", env.Auth.From)
	switch {
	case e == nil:
		ss.s.accepted.Add(1)
		log.Info("mail taken")
		return nil
	case e.Code >= 500:
		ss.s.refused.Add(1)
	default:
		ss.s.deferred.Add(1)
	}
	log.Info("mail not taken", "code", e.Code, "why", e.Message)
	ss.refuse(e) // the mail keeps its own answer: 421 would have it sent again
	return e
}

// read reads the text of a mail. release gives back the memory that it was
// counted for.
func (ss *session) read(r io.Reader) (raw []byte, release func(), e *smtp.SMTPError) {
	s := ss.s
	var held int64
	release = func() { s.held.Add(-held) }
	_, chunks := r.(*io.PipeReader) // BDAT: lengths are told, line ends are not looked for
	ss.c.begin()                    // until Reset: of a mail that is refused go-smtp still reads the rest
	var buf bytes.Buffer
	var ends lineEnds
	part := make([]byte, 32<<10)
	for {
		// go-smtp's reader fills what it is given before it returns. So outside
		// chunks it is given octet by octet, lest a sender who believes a mail to
		// have ended with "LF . LF" waits for an answer until the time is over.
		n, err := 0, error(nil)
		for more := true; more; {
			k := 0
			if chunks {
				k, err = r.Read(part)
			} else {
				k, err = r.Read(part[n : n+1])
			}
			if !ends.ok(part[n : n+k]) {
				// What comes after a line end that is none may be another mail to
				// somebody else's server. Nothing more is read from here.
				ss.c.dead.Store(true)
				return nil, release, errBareEnd
			}
			n += k
			more = err == nil && !chunks && n < len(part)
		}
		if n > 0 {
			if int64(buf.Len()+n) > s.conf.MaxBytes {
				return nil, release, errTooLarge
			}
			held += int64(n)
			if s.held.Add(int64(n)) > s.conf.MaxHeld {
				return nil, release, reply(452, 4, 3, 1, "too much mail at once, try again later")
			}
			buf.Write(part[:n])
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, release, ss.lost(err)
		}
	}
	switch {
	case chunks && ss.c.broken.Load():
		// go-smtp takes a connection that ends inside the last chunk for the end
		// of the mail.
		return nil, release, ss.lost(io.ErrUnexpectedEOF)
	case ends.cr:
		ss.c.dead.Store(true)
		return nil, release, errBareEnd
	}
	return buf.Bytes(), release, nil
}

var errBareEnd = reply(554, 5, 5, 2, "a line ends in a bare CR or LF; lines of a mail end in CRLF (RFC 5321 section 2.3.8)")

var errTooLarge = reply(552, 5, 3, 4, "the mail is larger than is taken here")

// lost is the answer when a mail could not be read to its end. Where it would
// end is not known then, so nothing more is read.
func (ss *session) lost(err error) *smtp.SMTPError {
	switch err {
	case error(smtp.ErrDataTooLarge):
		return errTooLarge
	case smtp.ErrDataReset: // the sender gave up a mail in chunks
		ss.c.end() // Reset may have been before
		return reply(451, 4, 4, 2, "the mail did not come whole")
	}
	ss.c.dead.Store(true)
	switch err {
	case error(errLate):
		return errLate
	case smtp.ErrTooLongLine:
		return reply(554, 5, 6, 0, "a line is longer than 65536 octets")
	}
	return reply(451, 4, 4, 2, "the mail did not come whole")
}

// lineEnds looks for a CR without LF and an LF without CR: what one server
// takes for the end of a mail and another does not ("SMTP smuggling").
type lineEnds struct{ cr bool }

func (l *lineEnds) ok(b []byte) bool {
	for len(b) > 0 {
		if l.cr {
			if b[0] != '\n' {
				return false
			}
			l.cr, b = false, b[1:]
			continue
		}
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			return true
		}
		if b[i] == '\n' {
			return false
		}
		l.cr, b = true, b[i+1:]
	}
	return true
}

// receive checks a mail and hands it on.
func (s *Server) receive(env *mail.Envelope, raw []byte) *smtp.SMTPError {
	h := scan(raw)
	if e := h.refuse(); e != nil {
		return e
	}
	env.At = s.conf.Clock.Now()
	ctx, cancel := context.WithTimeout(s.ctx, s.conf.Timeouts.Check)
	env.Auth = s.check(ctx, *env, h, raw)
	cancel()
	if s.conf.RejectFailing && env.Auth.DMARC == mail.Fail && env.Auth.Wants == "reject" {
		return reply(550, 5, 7, 1, "the author's domain asks to refuse mail that fails its checks (DMARC)")
	}
	if d := senderDomain(env.From); d != "" && !s.names.take(string(env.Auth.SPF)+" "+d, s.conf.Now()) {
		return reply(450, 4, 7, 1, "too many mails from your domain, try again in a few minutes")
	}
	ctx, cancel = context.WithTimeout(s.ctx, s.conf.Timeouts.Store)
	defer cancel()
	if err := s.to.Receive(ctx, *env, raw); err != nil {
		if c := problem.CodeOf(err); c == problem.Internal || c == problem.Corrupt {
			s.conf.Logger.Error("mail not stored", "err", err)
		}
		return receiveReply(err)
	}
	return nil
}

// senderDomain is the domain of a return path in small letters; "" for the null
// sender.
func senderDomain(from string) string {
	return strings.ToLower(from[strings.LastIndexByte(from, '@')+1:])
}

func recipientReply(err error) *smtp.SMTPError {
	switch problem.CodeOf(err) {
	case problem.NotFound:
		return reply(550, 5, 1, 1, said(err, "no such recipient here"))
	case problem.Invalid:
		return reply(553, 5, 1, 3, said(err, "not an address"))
	case problem.Refused:
		return reply(550, 5, 7, 1, said(err, "refused"))
	case problem.RateLimited:
		return reply(450, 4, 7, 1, said(err, "too many mails, try again later"))
	case problem.TooLarge:
		return reply(452, 4, 2, 2, said(err, "no room now, try again later"))
	case problem.Unavailable:
		return reply(451, 4, 3, 0, said(err, "not available now, try again later"))
	}
	return reply(451, 4, 3, 0, "internal error, try again later")
}

func receiveReply(err error) *smtp.SMTPError {
	switch problem.CodeOf(err) {
	case problem.NotFound:
		return reply(550, 5, 1, 1, said(err, "no such recipient here"))
	case problem.Invalid:
		return reply(554, 5, 6, 0, said(err, "the mail cannot be read"))
	case problem.Refused:
		return reply(554, 5, 7, 1, said(err, "refused"))
	case problem.TooLarge:
		return reply(552, 5, 3, 4, said(err, "the mail is larger than is taken here"))
	case problem.RateLimited:
		return reply(451, 4, 7, 1, said(err, "too many mails, try again later"))
	case problem.Unavailable:
		return reply(451, 4, 3, 0, said(err, "not available now, try again later"))
	}
	return reply(451, 4, 3, 0, "internal error, try again later")
}

// said is the detail of an error as one line of ASCII, which an SMTP reply is.
func said(err error, otherwise string) string {
	var pe *problem.Error
	if !errors.As(err, &pe) {
		return otherwise
	}
	s := strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, text.Line(pe.Detail, 200))
	if s == "" {
		return otherwise
	}
	return s
}
