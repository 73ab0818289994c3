// Package inbox takes mail in: an SMTP server (RFC 5321) for the centre's own
// addresses and no others. It relays nothing, knows no accounts, and says 250
// only after the mail is durably stored. Before it hands a mail on, it checks
// what can be said of its sender (SPF, DKIM, DMARC) and writes that into the
// envelope; the bytes of the mail stay as they came.
//
// The dialogue itself is go-smtp's. What is around it is here: limits on time,
// connections, rates, memory and errors, and the refusal of anything that two
// servers could read as two different mails.
package inbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bailiwick/clock"
	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/text"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-smtp"
)

// Receiver is whom mail is for. Both methods are called concurrently.
type Receiver interface {
	// Recipient says, at RCPT time, whether mail for an address is taken. from
	// is the return path, "" for the null sender. The code of the error decides
	// the answer: problem.NotFound 550 5.1.1, problem.Invalid 553 5.1.3,
	// problem.Refused 550 5.7.1, problem.RateLimited 450 4.7.1,
	// problem.TooLarge 452 4.2.2, any other 451 4.3.0. Its detail is said to the
	// sender, but for internal errors.
	Recipient(ctx context.Context, from, to string) error
	// Receive takes a whole mail and returns when it is durably stored: only
	// then is it accepted. A sender that got no answer sends the same bytes
	// again. The code of the error decides the answer: problem.NotFound
	// 550 5.1.1, problem.Refused 554 5.7.1, problem.Invalid 554 5.6.0,
	// problem.TooLarge 552 5.3.4, problem.RateLimited 451 4.7.1, any other
	// 451 4.3.0. raw is the receiver's to keep.
	Receive(ctx context.Context, env mail.Envelope, raw []byte) error
}

// Timeouts bound a conversation, on real time. Zero values mean those of
// DefaultTimeouts.
type Timeouts struct {
	Command time.Duration // for one command, and for one read of a mail's text
	Message time.Duration // for the whole text of one mail
	Session time.Duration // for one connection, whatever is said on it
	Check   time.Duration // for all DNS of one mail's sender checks
	Store   time.Duration // for Receiver.Recipient and Receiver.Receive
}

// DefaultTimeouts are those of RFC 5321 section 4.5.3.2.7 for a command; the
// others are ours.
func DefaultTimeouts() Timeouts {
	return Timeouts{Command: 5 * time.Minute, Message: 10 * time.Minute, Session: 30 * time.Minute, Check: 20 * time.Second, Store: time.Minute}
}

// Config is what a server works with. Domain is required; for numbers zero
// means the default named.
type Config struct {
	// Domain is the name the server greets with.
	Domain string
	// TLS is offered with STARTTLS (RFC 3207) if it is set.
	TLS *tls.Config

	MaxBytes      int64 // octets of one mail; 25 MiB
	MaxRecipients int   // of one mail; 100 (RFC 5321 section 4.5.3.1.8)
	MaxMails      int   // begun on one connection; 100
	MaxErrors     int   // refusals on one connection before it is cut; 20
	// MaxConns and MaxConnsPerAddr are connections at one time: 500, and 20 from
	// one IPv4 address or one IPv6 /64.
	MaxConns, MaxConnsPerAddr int
	// MaxHeld is how many octets of mails may be held in memory at one time, by
	// all connections; 256 MiB. Beyond it senders are told to come back.
	MaxHeld int64
	// PerAddr is how many mails a minute one address (or IPv6 /64) may begin;
	// 120. PerDomain is how many a minute are taken from one sender domain; 300.
	// Mail that the domain vouches for (SPF) and other mail in its name are
	// counted apart, so that forgers do not use up its share. Below zero: no
	// limit.
	PerAddr, PerDomain int
	Timeouts           Timeouts

	// Resolver is asked for SPF, DKIM and DMARC; errors should be *net.DNSError.
	// nil: senders are not checked, and mail.Auth says nothing but the author.
	Resolver spf.DNSResolver
	// Suffixes tell organisational domains; nil: the built-in list.
	Suffixes *name.Suffixes
	// RejectFailing refuses mail that fails DMARC where the author's domain asks
	// for that (p=reject). It is off by default: those who report abuse forward
	// mail, and forwarding breaks SPF and often DKIM.
	RejectFailing bool

	// Remote tells a sender's address, for servers behind a proxy; nil: the
	// connection's.
	Remote func(net.Conn) netip.Addr
	// Clock dates the envelopes and says what has expired; nil: the machine's.
	Clock clock.Clock
	// Now is the time that rates are counted on; nil: real time.
	Now    func() time.Time
	Logger *slog.Logger // nil: nothing is logged
}

// Counts are what the server did since it was made.
type Counts struct {
	Connections uint64 // taken
	TurnedAway  uint64 // connections over a limit
	Accepted    uint64 // mails stored
	Refused     uint64 // mails refused for good after their text was sent
	Deferred    uint64 // mails that may be sent again later
}

// Server is an SMTP server. It is safe for concurrent use.
type Server struct {
	conf  Config
	to    Receiver
	smtp  *smtp.Server
	ctx   context.Context // of all calls of the receiver
	stop  context.CancelFunc
	held  atomic.Int64
	addrs *rates
	names *rates

	mu      sync.Mutex
	closing bool
	open    map[*conn]struct{}
	perAddr map[netip.Prefix]int
	busy    sync.WaitGroup // one for each of open
	// texts are the mails being read. With BDAT one may outlive its connection
	// for a moment: go-smtp reads it in a goroutine of its own.
	texts sync.WaitGroup
	ended bool // no text begins any more

	connections, turnedAway, accepted, refused, deferred atomic.Uint64
}

// Limits that have no setting.
const (
	maxLine      = 64 << 10 // octets of one line; RFC 5321 section 4.5.3.1.6 asks for 1000
	maxAddress   = 320      // octets of an address: 64 + "@" + 255
	maxCountable = 20_000   // senders whose rate is remembered
)

// New checks a configuration and makes a server. The error is
// problem.Invalid and names the field.
func New(conf Config, to Receiver) (*Server, error) {
	var e *problem.Error
	if _, err := name.ParseAny(conf.Domain); err != nil {
		e = e.Add("domain", "%q is not a host name", text.Line(conf.Domain, 100))
	}
	if to == nil {
		e = e.Add("receiver", "is missing")
	}
	t := &conf.Timeouts
	for _, f := range []struct {
		path  string
		value int64
	}{
		{"max_bytes", conf.MaxBytes}, {"max_recipients", int64(conf.MaxRecipients)}, {"max_mails", int64(conf.MaxMails)},
		{"max_errors", int64(conf.MaxErrors)}, {"max_conns", int64(conf.MaxConns)}, {"max_conns_per_addr", int64(conf.MaxConnsPerAddr)},
		{"max_held", conf.MaxHeld}, {"timeouts.command", int64(t.Command)}, {"timeouts.message", int64(t.Message)},
		{"timeouts.session", int64(t.Session)}, {"timeouts.check", int64(t.Check)}, {"timeouts.store", int64(t.Store)},
	} {
		if f.value < 0 {
			e = e.Add(f.path, "is below zero")
		}
	}
	conf.MaxBytes = cmp.Or(conf.MaxBytes, 25<<20)
	conf.MaxHeld = cmp.Or(conf.MaxHeld, 256<<20)
	if conf.MaxHeld < conf.MaxBytes {
		e = e.Add("max_held", "is less than one mail of max_bytes (%d)", conf.MaxBytes)
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	conf.MaxRecipients = cmp.Or(conf.MaxRecipients, 100)
	conf.MaxMails = cmp.Or(conf.MaxMails, 100)
	conf.MaxErrors = cmp.Or(conf.MaxErrors, 20)
	conf.MaxConns = cmp.Or(conf.MaxConns, 500)
	conf.MaxConnsPerAddr = cmp.Or(conf.MaxConnsPerAddr, 20)
	conf.PerAddr = cmp.Or(conf.PerAddr, 120)
	conf.PerDomain = cmp.Or(conf.PerDomain, 300)
	d := DefaultTimeouts()
	t.Command, t.Message, t.Session = cmp.Or(t.Command, d.Command), cmp.Or(t.Message, d.Message), cmp.Or(t.Session, d.Session)
	t.Check, t.Store = cmp.Or(t.Check, d.Check), cmp.Or(t.Store, d.Store)
	if conf.Suffixes == nil {
		conf.Suffixes = name.DefaultSuffixes()
	}
	if conf.Clock == nil {
		conf.Clock = clock.Real{}
	}
	if conf.Now == nil {
		conf.Now = time.Now
	}
	if conf.Logger == nil {
		conf.Logger = slog.New(slog.DiscardHandler)
	}
	if conf.Remote == nil {
		conf.Remote = remoteOf
	}

	s := &Server{conf: conf, to: to, open: map[*conn]struct{}{}, perAddr: map[netip.Prefix]int{},
		addrs: newRates(conf.PerAddr, maxCountable), names: newRates(conf.PerDomain, maxCountable)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return s.newSession(c) }))
	srv.Domain = conf.Domain
	srv.TLSConfig = conf.TLS
	srv.MaxRecipients = conf.MaxRecipients
	// go-smtp refuses a text of just as many octets as its limit, so it gets one
	// more.
	srv.MaxMessageBytes = conf.MaxBytes + 1
	srv.MaxLineLength = maxLine
	srv.ReadTimeout, srv.WriteTimeout = t.Command, t.Command
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = errorLog{conf.Logger}
	s.smtp = srv
	return s, nil
}

// Serve takes connections from l until Shutdown, when it returns nil, or until
// l fails. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing {
		return l.Close()
	}
	return s.smtp.Serve(&listener{Listener: l, s: s})
}

// Shutdown closes the listeners, lets mails that are being sent come to their
// end, and tells idle connections goodbye. When ctx ends first, what is left
// is cut, and its error returned. A mail that was cut has not been accepted,
// and its sender will try again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for c := range s.open {
		c.hurry()
	}
	s.mu.Unlock()
	_ = s.smtp.Shutdown(ctx) // of closed listeners nothing is to be known, and ctx is looked at below
	done := make(chan struct{})
	go func() {
		s.busy.Wait()
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.texts.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.stop()
		return nil
	case <-ctx.Done():
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Conn.Close() // nothing is left to say
	}
	return ctx.Err()
}

// Counts gives what was done so far.
func (s *Server) Counts() Counts {
	return Counts{Connections: s.connections.Load(), TurnedAway: s.turnedAway.Load(), Accepted: s.accepted.Load(),
		Refused: s.refused.Load(), Deferred: s.deferred.Load()}
}

// errorLog carries go-smtp's own log over.
type errorLog struct{ l *slog.Logger }

// Printf implements smtp.Logger. What it reports are mostly broken
// connections; a panic is an error of ours.
func (e errorLog) Printf(format string, v ...any) {
	s := fmt.Sprintf(format, v...)
	if strings.HasPrefix(s, "panic") {
		e.l.Error("smtp", "err", s)
		return
	}
	e.l.Debug("smtp", "err", text.Line(s, 300))
}

// Println implements smtp.Logger.
func (e errorLog) Println(v ...any) { e.Printf("%s", fmt.Sprint(v...)) }

// text counts a mail that begins to be read; false when the server has ended.
func (s *Server) text() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.texts.Add(1)
	}
	return !s.ended
}
