package inbox

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// listener takes connections and turns away those over a limit.
type listener struct {
	net.Listener
	s *Server
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.s.admit(raw); c != nil {
			return c, nil
		}
		l.s.turnedAway.Add(1)
		// A fresh connection has room for one line, so this does not wait.
		_ = raw.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(raw, "421 4.7.0 "+l.s.conf.Domain+" too many connections, try again later\r\n")
		_ = raw.Close()
	}
}

// admit counts a connection in, or gives nil when there are too many.
func (s *Server) admit(raw net.Conn) *conn {
	addr := s.conf.Remote(raw).Unmap()
	from := network(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(s.open) >= s.conf.MaxConns || s.perAddr[from] >= s.conf.MaxConnsPerAddr {
		return nil
	}
	c := &conn{Conn: raw, s: s, addr: addr, until: time.Now().Add(s.conf.Timeouts.Session)}
	s.open[c] = struct{}{}
	s.perAddr[from]++
	s.busy.Add(1)
	s.connections.Add(1)
	return c
}

// network is what is counted as one sender: an IPv4 address, or an IPv6 /64,
// which is what one customer gets.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// remoteOf is the address of a connection's other end; the zero Addr if it has
// none.
func remoteOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr()
	}
	return netip.Addr{}
}

// conn is a connection whose time is limited. It holds what is counted on the
// connection, which STARTTLS must not reset.
type conn struct {
	net.Conn
	s     *Server
	addr  netip.Addr
	until time.Time // when the session is over, whatever goes on

	data   atomic.Int64 // a mail's text is being read until this time (Unix ns); 0: none is
	dead   atomic.Bool  // nothing more is read
	broken atomic.Bool  // a read failed
	hurried,
	closed atomic.Bool
	errors, mails atomic.Int64
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	if c.dead.Load() {
		return 0, io.EOF
	}
	// The text of a mail has a time for each read, and one for all of it: who
	// sends an octet a minute is cut by the second.
	if end := c.data.Load(); end != 0 {
		t := time.Now().Add(c.s.conf.Timeouts.Command)
		if e := time.Unix(0, end); e.Before(t) {
			t = e
		}
		if err := c.Conn.SetReadDeadline(c.cap(t)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	if err != nil {
		c.broken.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// As go-smtp's own error, which it says to the sender as it is. Of a mail
		// in chunks it would say that it failed for good.
		err = errLate
	}
	return n, err
}

var errLate = reply(421, 4, 4, 2, "nothing came in time, goodbye")

// begin and end mark the time in which a mail's text is read.
func (c *conn) begin() { c.data.Store(time.Now().Add(c.s.conf.Timeouts.Message).UnixNano()) }
func (c *conn) end()   { c.data.Store(0) }

// cap keeps a deadline inside the session. A server that shuts down waits for
// the text of a mail and for nothing else.
func (c *conn) cap(t time.Time) time.Time {
	if c.hurried.Load() && c.data.Load() == 0 {
		return time.Unix(1, 0)
	}
	if t.IsZero() || t.After(c.until) {
		return c.until
	}
	return t
}

// hurry makes the connection end before its next command.
func (c *conn) hurry() {
	c.hurried.Store(true)
	if c.data.Load() == 0 {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is gone needs none
	}
}

// SetDeadline, SetReadDeadline and SetWriteDeadline implement net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.Conn.SetReadDeadline(c.cap(t)) }

// SetWriteDeadline implements net.Conn. A goodbye may still be written when the
// session is over.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if last := c.until.Add(5 * time.Second); t.IsZero() || t.After(last) {
		t = last
	}
	return c.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.s.mu.Lock()
	delete(c.s.open, c)
	n := network(c.addr)
	if c.s.perAddr[n]--; c.s.perAddr[n] <= 0 {
		delete(c.s.perAddr, n)
	}
	c.s.mu.Unlock()
	defer c.s.busy.Done()
	if c.dead.Load() {
		c.linger()
	}
	return c.Conn.Close()
}

// linger reads a little of what a sender still sends before the connection is
// closed: to close on unread text resets the connection, and the sender would
// not see why it was refused.
func (c *conn) linger() {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite() // the other end may be gone
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c.Conn, 1<<20)
}
