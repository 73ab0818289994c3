package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/text"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Timeouts bound a dialogue, on real time. Zero values mean those of
// DefaultTimeouts.
type Timeouts struct {
	Connect time.Duration // to one server
	Command time.Duration // for the greeting and for each answer
	Data    time.Duration // for the answer to the final dot (RFC 5321 section 4.5.3.2.6 says 10 minutes)
	Total   time.Duration // for one server, whatever it does
}

// DefaultTimeouts are a compromise between RFC 5321 section 4.5.3.2, which is
// patient, and a queue that has other mail to send.
func DefaultTimeouts() Timeouts {
	return Timeouts{Connect: 30 * time.Second, Command: 2 * time.Minute, Data: 10 * time.Minute, Total: 15 * time.Minute}
}

// maxServers are the most addresses of one domain's servers that are tried.
const maxServers = 6

// SenderConfig says how mail leaves. Mail goes to the Smarthost if one is given,
// else to the servers that MX names.
type SenderConfig struct {
	Hello string // the name we greet with, such as "centre.example"
	// Smarthost is "host:port"; User and Password are given to it, over
	// verified TLS only.
	Smarthost      string
	User, Password string
	// MX gives the servers of a mail domain in the order to try them. None
	// without an error is a null MX (RFC 7505); an error with the code
	// problem.Unavailable, or with none, may pass, any other is final.
	MX func(ctx context.Context, domain name.Domain) ([]netip.AddrPort, error)
	// Dial opens connections, through the address guard.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLSRoots and TLSTime are what certificates are checked against; nil means
	// the machine's. Only the smarthost's certificate must pass: between mail
	// servers TLS is opportunistic (RFC 7435).
	TLSRoots *x509.CertPool
	TLSTime  func() time.Time
	Timeouts Timeouts
	Logger   *slog.Logger
}

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	conf                                   SenderConfig
	accepted, rejected, deferred, doubtful atomic.Uint64
}

// Counts are the results since the sender was made.
type Counts struct {
	Accepted uint64 // a server took the message
	Rejected uint64 // final
	Deferred uint64 // may be tried again
	InDoubt  uint64 // the whole message was sent, and no answer came
}

// Result is what became of one message. At most one of Accepted, InDoubt and
// Recoverable is set; with none of them the failure is final.
type Result struct {
	Accepted bool
	// InDoubt: the final dot was sent and no answer to it came. The server may
	// have the message. Sending again could deliver it twice.
	InDoubt bool
	// Recoverable: it was surely not delivered, and may be later.
	Recoverable bool
	Code        int    // the SMTP reply code that decided; 0 when none came
	Enhanced    string // RFC 3463, such as "5.1.1"; from us where no server was asked
	Response    string // the server's words, or ours; cleaned, at most 500 runes
	Server      string // the address of the server that decided
	TLS         string // "", "unverified" or "verified"
	Err         error  // what went wrong in the dialogue, for the log
}

// New checks a configuration and makes a sender.
func New(conf SenderConfig) (*Sender, error) {
	var e *problem.Error
	if _, err := name.ParseAny(conf.Hello); err != nil {
		e = e.Add("hello", "%q is not a host name", text.Line(conf.Hello, maxShort))
	}
	if conf.Dial == nil {
		e = e.Add("dial", "is missing: mail leaves through the address guard")
	}
	if conf.Smarthost != "" {
		if h, p, err := net.SplitHostPort(conf.Smarthost); err != nil || h == "" || p == "" {
			e = e.Add("smarthost", "%q is not host:port", text.Line(conf.Smarthost, maxShort))
		}
	} else {
		if conf.MX == nil {
			e = e.Add("mx", "is missing, and there is no smarthost")
		}
		if conf.User != "" || conf.Password != "" {
			e = e.Add("user", "is for a smarthost, and there is none")
		}
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	d := DefaultTimeouts()
	t := &conf.Timeouts
	t.Connect, t.Command, t.Data, t.Total = cmp.Or(t.Connect, d.Connect), cmp.Or(t.Command, d.Command), cmp.Or(t.Data, d.Data), cmp.Or(t.Total, d.Total)
	if conf.Logger == nil {
		conf.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sender{conf: conf}, nil
}

// Counts gives the results so far.
func (s *Sender) Counts() Counts {
	return Counts{Accepted: s.accepted.Load(), Rejected: s.rejected.Load(), Deferred: s.deferred.Load(), InDoubt: s.doubtful.Load()}
}

// Send carries one message to its one recipient and says what became of it. It
// tries further servers only while it is certain that none has the message.
// When ctx ends the connection is closed; a message whose final dot was out by
// then is in doubt.
func (s *Sender) Send(ctx context.Context, m Message) Result {
	r := s.send(ctx, m)
	r.Response = text.Line(r.Response, 500)
	if r.Err != nil {
		r.Err = cleaned{r.Err}
	}
	level := slog.LevelInfo
	switch {
	case r.Accepted:
		s.accepted.Add(1)
	case r.InDoubt:
		s.doubtful.Add(1)
		level = slog.LevelWarn
	case r.Recoverable:
		s.deferred.Add(1)
	default:
		s.rejected.Add(1)
	}
	// No recipient: an abuse desk's mailbox may be a person's.
	s.conf.Logger.Log(ctx, level, "mail", "id", m.ID, "server", r.Server, "accepted", r.Accepted, "in_doubt", r.InDoubt,
		"recoverable", r.Recoverable, "code", r.Code, "enhanced", r.Enhanced, "tls", r.TLS, "err", r.Err)
	return r
}

func (s *Sender) send(ctx context.Context, m Message) Result {
	to, ok := party.Mailbox(m.To)
	if !ok || to != m.To || (m.From == "") != m.NullSender || m.From != "" && !own(m.From) {
		return Result{Enhanced: "5.1.3", Response: "not sent: an address of the envelope is not valid"}
	}
	servers, bad := s.servers(ctx, to)
	if bad != nil {
		return *bad
	}
	var last Result
	for i, server := range servers {
		if i == maxServers || ctx.Err() != nil {
			break
		}
		r, next := s.try(ctx, server, m)
		// A server that may work later decides over one that never will.
		if i == 0 || !last.Recoverable || r.Recoverable || !next {
			last = r
		}
		if !next {
			break
		}
	}
	if last.Server == "" {
		return Result{Recoverable: true, Enhanced: "4.4.1", Response: "not sent: " + errText(ctx.Err()), Err: ctx.Err()}
	}
	return last
}

// servers are the addresses to try, or the result if there are none.
func (s *Sender) servers(ctx context.Context, to string) ([]string, *Result) {
	if s.conf.Smarthost != "" {
		return []string{s.conf.Smarthost}, nil
	}
	d, err := name.Parse(domainOf(to))
	if err != nil {
		return nil, &Result{Enhanced: "5.1.2", Response: "not sent: the mail domain is not a name", Err: err}
	}
	list, err := s.conf.MX(ctx, d)
	switch {
	case err == nil && len(list) == 0:
		return nil, &Result{Code: 556, Enhanced: "5.1.10", Response: "not sent: " + d.String() + " takes no mail (null MX)"}
	case err != nil:
		r := &Result{Enhanced: "5.1.2", Response: "not sent: " + errText(err), Err: err}
		switch problem.CodeOf(err) {
		case problem.Unavailable, problem.RateLimited, problem.Internal:
			r.Recoverable, r.Enhanced = true, "4.4.3"
		}
		return nil, r
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out, nil
}

// try talks to one server; next says that another may be tried. Where TLS fails
// before anything was sent it is left out, since without it the mail would go
// in the clear from the start; not for the smarthost, which gets a password.
func (s *Sender) try(ctx context.Context, server string, m Message) (r Result, next bool) {
	r, next, noTLS := s.dialogue(ctx, server, m, true)
	if noTLS && s.conf.Smarthost == "" {
		r, next, _ = s.dialogue(ctx, server, m, false)
	}
	return r, next
}

// errTLS marks a failure to begin TLS, errAuth one to log in at the smarthost.
var (
	errTLS  = errors.New("TLS could not be begun")
	errAuth = errors.New("the smarthost did not accept the login")
)

func (s *Sender) dialogue(ctx context.Context, server string, m Message, wantTLS bool) (r Result, next, noTLS bool) {
	r.Server = server
	dctx, cancel := context.WithTimeout(ctx, s.conf.Timeouts.Connect)
	raw, err := s.conf.Dial(dctx, "tcp", server)
	cancel()
	if err != nil {
		if problem.CodeOf(err) == problem.Refused { // the guard forbids this address, today and tomorrow
			r.Enhanced, r.Response, r.Err = "5.4.4", "not sent: "+errText(err), err
			return r, true, false
		}
		r.Recoverable, r.Enhanced, r.Response, r.Err = true, "4.4.1", "no connection: "+errText(err), err
		return r, true, false
	}
	l := &line{Conn: raw, until: time.Now().Add(s.conf.Timeouts.Total)}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	if err := l.SetDeadline(time.Time{}); err != nil {
		r.Recoverable, r.Enhanced, r.Err = true, "4.4.2", err
		return r, true, false
	}

	c, err := s.greet(ctx, l, &r, wantTLS)
	if err != nil {
		// No mail was mentioned yet, so another server may do better.
		decide(&r, err)
		return r, true, errors.Is(err, errTLS)
	}
	defer func() {
		if r.Code != 0 { // it answers, so it gets a farewell, on which nothing depends
			c.CommandTimeout = min(s.conf.Timeouts.Command, 5*time.Second)
			_ = c.Quit()
		}
	}()
	opt := &smtp.MailOptions{Size: int64(len(m.Raw))}
	if m.UTF8 {
		if ok, _ := c.Extension("SMTPUTF8"); !ok {
			r.Enhanced, r.Response = "5.6.7", "not sent: the server does not take addresses outside ASCII (SMTPUTF8)"
			return r, false, false
		}
		opt.UTF8 = true
	}
	if err = c.Mail(m.From, opt); err == nil {
		err = c.Rcpt(m.To, nil)
	}
	if err != nil {
		decide(&r, err)
		return r, lost(err), false
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write(m.Raw)
	}
	if err != nil {
		decide(&r, err) // the final dot is not out, so nobody has the message
		return r, lost(err), false
	}
	res, err := w.CloseWithResponse()
	if err != nil {
		decide(&r, err)
		// A write that failed left the end of the final dot unsent. Otherwise it
		// is out, and only a plain yes or no tells what became of it.
		if r.Code < 400 && !l.failed.Load() {
			r.InDoubt, r.Recoverable = true, false
			r.Response = "the whole message was sent, and no answer came: " + r.Response
		}
		return r, false, false
	}
	r.Accepted, r.Code = true, 250
	r.Enhanced, r.Response = enhanced(res.StatusText)
	return r, false, false
}

// greet goes as far as a session in which mail can be given: greeting, EHLO,
// TLS where offered, and authentication at the smarthost.
func (s *Sender) greet(ctx context.Context, l *line, r *Result, wantTLS bool) (*smtp.Client, error) {
	c := s.client(l)
	if err := c.Hello(s.conf.Hello); err != nil {
		return nil, err
	}
	smart := s.conf.Smarthost != ""
	if ok, _ := c.Extension("STARTTLS"); ok && wantTLS {
		t, err := startTLS(ctx, l, s.tls(smart), s.conf.Timeouts.Command)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errTLS, err)
		}
		r.TLS = "unverified"
		if smart {
			r.TLS = "verified"
		}
		c = s.client(&greeted{Conn: t, rest: "220 TLS\r\n"})
		if err := c.Hello(s.conf.Hello); err != nil {
			return nil, err
		}
	}
	if s.conf.User != "" {
		if r.TLS != "verified" {
			return nil, errors.New("the smarthost offers no TLS, and the password does not go in the clear")
		}
		if err := c.Auth(sasl.NewPlainClient("", s.conf.User, s.conf.Password)); err != nil {
			// A wrong password is our fault and no answer about the recipient.
			return nil, fmt.Errorf("%w: %s", errAuth, errText(err))
		}
	}
	return c, nil
}

func (s *Sender) client(c net.Conn) *smtp.Client {
	cl := smtp.NewClient(c)
	cl.CommandTimeout, cl.SubmissionTimeout = s.conf.Timeouts.Command, s.conf.Timeouts.Data
	return cl
}

// tls is the configuration for the smarthost, whose name is known and checked,
// or for a server known by address only, where TLS keeps out listeners and
// proves nothing.
func (s *Sender) tls(smart bool) *tls.Config {
	conf := &tls.Config{RootCAs: s.conf.TLSRoots, Time: s.conf.TLSTime, MinVersion: tls.VersionTLS12}
	if smart {
		conf.ServerName, _, _ = net.SplitHostPort(s.conf.Smarthost)
	} else {
		conf.InsecureSkipVerify = true
	}
	return conf
}

// decide fills in a failure. A reply of 5xx is final; everything else may pass.
func decide(r *Result, err error) {
	r.Err = err
	var se *smtp.SMTPError
	if !errors.As(err, &se) {
		r.Recoverable, r.Enhanced, r.Response = true, "4.4.2", errText(err)
		return
	}
	r.Code, r.Response = se.Code, ""
	r.Recoverable = se.Code < 500 || se.Code > 599
	if c := se.EnhancedCode; c != (smtp.EnhancedCode{}) && c != smtp.NoEnhancedCode {
		r.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	// RFC 2034 wants the code on every line; some servers have it on one.
	for l := range strings.SplitSeq(se.Message, "\n") {
		code, rest := enhanced(l)
		r.Enhanced = cmp.Or(code, r.Enhanced)
		r.Response += rest + " "
	}
}

// cleaned is an error whose text, which may quote a server, is fit for a log.
type cleaned struct{ err error }

// Error implements error.
func (c cleaned) Error() string { return text.Line(c.err.Error(), 500) }

// Unwrap gives the error itself.
func (c cleaned) Unwrap() error { return c.err }

// lost says whether the connection broke, so that another server may do better;
// a reply is an answer.
func lost(err error) bool {
	var se *smtp.SMTPError
	return !errors.As(err, &se) || se.Code == 421
}

// errText is an error in words that may be shown: our own, and of the
// network's only the kind.
func errText(err error) string {
	var pe *problem.Error
	var ne net.Error
	switch {
	case err == nil:
		return "no server was left to try"
	case errors.As(err, &pe):
		return pe.Detail
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.As(err, &ne) && ne.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, errTLS), errors.Is(err, errAuth), errors.Is(err, errTalkative):
		return err.Error()
	}
	return strings.TrimPrefix(err.Error(), "smtp: ")
}
