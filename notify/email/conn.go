package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync/atomic"
	"time"
)

// maxRead is the most octets read in one session. A whole session with TLS
// needs some kilobytes; a server that talks without end is cut here.
const maxRead = 256 << 10

var errTalkative = errors.New("the server sent more than a mail server has to say")

// line is a connection to a mail server that ends: it stops reading after
// maxRead octets, no deadline set on it reaches beyond until, and it remembers
// whether a write failed.
type line struct {
	net.Conn
	until  time.Time
	read   atomic.Int64
	failed atomic.Bool
}

// Read implements net.Conn.
func (l *line) Read(b []byte) (int, error) {
	left := maxRead - l.read.Load()
	if left <= 0 {
		return 0, errTalkative
	}
	if int64(len(b)) > left {
		b = b[:left]
	}
	n, err := l.Conn.Read(b)
	l.read.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	if err != nil {
		l.failed.Store(true)
	}
	return n, err
}

func (l *line) cap(t time.Time) time.Time {
	if t.IsZero() || t.After(l.until) {
		return l.until
	}
	return t
}

// SetDeadline, SetReadDeadline and SetWriteDeadline implement net.Conn.
func (l *line) SetDeadline(t time.Time) error { return l.Conn.SetDeadline(l.cap(t)) }

// SetReadDeadline implements net.Conn.
func (l *line) SetReadDeadline(t time.Time) error { return l.Conn.SetReadDeadline(l.cap(t)) }

// SetWriteDeadline implements net.Conn.
func (l *line) SetWriteDeadline(t time.Time) error { return l.Conn.SetWriteDeadline(l.cap(t)) }

// greeted is a TLS connection on which the server has greeted already, in the
// clear. go-smtp's client starts by reading a greeting, and its own STARTTLS
// names itself "localhost" first; so the greeting is said here again.
type greeted struct {
	net.Conn
	rest string
}

// Read implements net.Conn.
func (g *greeted) Read(b []byte) (int, error) {
	if g.rest != "" {
		n := copy(b, g.rest)
		g.rest = g.rest[n:]
		return n, nil
	}
	return g.Conn.Read(b)
}

// startTLS asks for TLS and shakes hands (RFC 3207). What the server sent in
// the clear behind its answer is an attack, and an error.
func startTLS(ctx context.Context, c net.Conn, conf *tls.Config, timeout time.Duration) (*tls.Conn, error) {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte("STARTTLS\r\n")); err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(c, 4096)
	if _, _, err := textproto.NewReader(br).ReadResponse(220); err != nil {
		return nil, fmt.Errorf("STARTTLS was refused: %w", err)
	}
	if br.Buffered() > 0 {
		return nil, errors.New("the server sent text behind its answer to STARTTLS")
	}
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("the TLS handshake failed: %w", err)
	}
	return t, nil
}

// enhanced splits an enhanced status code (RFC 3463) off a response.
func enhanced(s string) (code, rest string) {
	f, tail, _ := strings.Cut(s, " ")
	p := strings.Split(f, ".")
	if len(p) != 3 || p[0] != "2" && p[0] != "4" && p[0] != "5" {
		return "", s
	}
	for _, d := range p {
		if d == "" || len(d) > 3 || strings.Trim(d, "0123456789") != "" {
			return "", s
		}
	}
	return f, tail
}
