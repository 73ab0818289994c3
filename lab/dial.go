package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"bailiwick/problem"

	"github.com/miekg/dns"
)

// endpoint is an address of the lab's Internet.
type endpoint struct {
	network string // "tcp" or "udp"
	addr    netip.AddrPort
}

// Dial connects to an address of the lab: a DNS, web or mail server at a
// documentation address. source is the address the connection shall come from
// (a vantage point's); invalid means an ordinary one. Anything else is refused
// and counted, and no packet is sent. The address is literal: names are
// resolved by asking the lab's DNS.
func (w *World) Dial(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	proto := strings.TrimRight(network, "46")
	dst, err := netip.ParseAddrPort(address)
	if err != nil || proto != "tcp" && proto != "udp" {
		w.counts.refused.Add(1)
		return nil, &net.OpError{Op: "dial", Net: network, Err: problem.New(problem.Refused, "%q is no address of the lab", address)}
	}
	dst = netip.AddrPortFrom(dst.Addr().Unmap(), dst.Port())
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: netAddr(proto, dst), Err: err}
	}
	if !w.inside(dst.Addr()) {
		w.counts.refused.Add(1)
		return fail(problem.New(problem.Refused, "%s is outside the lab", dst))
	}
	if !source.IsValid() {
		source = netip.MustParseAddr("203.0.113.129")
	}
	if proto == "tcp" && dst == w.MailServer() {
		return w.dialMX(ctx, source)
	}
	loopback, err := w.route(proto, dst)
	if err != nil {
		w.counts.unanswered.Add(1)
		return fail(err)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, proto, loopback)
	if err != nil {
		return nil, err
	}
	if proto == "udp" {
		u, ok := c.(*net.UDPConn)
		if !ok {
			return nil, errors.Join(fmt.Errorf("a %T is no UDP connection", c), c.Close())
		}
		return &udpConn{UDPConn: u, remote: netAddr("udp", dst)}, nil
	}
	from := netip.AddrPortFrom(source.Unmap(), localPort(c))
	if _, err := c.Write(proxyLine(from, dst)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &tcpConn{Conn: c, local: netAddr("tcp", from), remote: netAddr("tcp", dst)}, nil
}

// inside says whether a is an address of this world.
func (w *World) inside(a netip.Addr) bool {
	for _, n := range w.networks {
		if n.prefix.Contains(a) {
			return true
		}
	}
	return false
}

// route finds the loopback listener behind an address of the lab, or the error
// that a client would see.
func (w *World) route(proto string, dst netip.AddrPort) (string, error) {
	if l, ok := w.targets[endpoint{proto, dst}]; ok {
		return l, nil
	}
	if proto == "tcp" && dst.Port() == 43 && w.whoisAt[dst.Addr()] != nil {
		return w.whois.Addr().String(), nil
	}
	if proto != "tcp" || dst.Port() != 80 && dst.Port() != 443 {
		return "", refusedErr
	}
	w.mu.RLock()
	err := w.webAt(dst.Addr())
	w.mu.RUnlock()
	switch {
	case err != nil:
		return "", err
	case dst.Port() == 80:
		return w.http, nil
	}
	return w.https, nil
}

var (
	refusedErr = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	timeoutErr = os.ErrDeadlineExceeded // a net.Error whose Timeout is true
)

// webAt says whether a web server answers at an address.
func (w *World) webAt(a netip.Addr) error {
	if a == webAddr || a == rirAddr || w.servers[a] != nil && !w.servers[a].root {
		return nil
	}
	err := error(refusedErr)
	for _, h := range w.at[a] {
		switch {
		case h.registered.IsZero() || h.def.Site.Kind == "none":
		case a == h.cdnAddr || a == h.cdnAddr6:
			return nil
		case h.how == "timeout":
			err = timeoutErr
		case h.how != "refused":
			return nil
		}
	}
	return err
}

func netAddr(proto string, a netip.AddrPort) net.Addr {
	if proto == "udp" {
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}

func localPort(c net.Conn) uint16 {
	if t, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return uint16(t.Port)
	}
	return 0
}

func hostOf(a net.Addr) string {
	h, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return h
}

// udpConn and tcpConn show the lab's addresses instead of loopback's.
type udpConn struct {
	*net.UDPConn
	remote net.Addr
}

// RemoteAddr implements net.Conn.
func (c *udpConn) RemoteAddr() net.Addr { return c.remote }

type tcpConn struct {
	net.Conn
	local, remote net.Addr
}

// RemoteAddr implements net.Conn.
func (c *tcpConn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr implements net.Conn.
func (c *tcpConn) LocalAddr() net.Addr { return c.local }

// proxyLine is the first line of a connection: a PROXY protocol version 1
// header, which tells the listener who connects and where to. Mixed families
// are written as IPv6.
func proxyLine(from, to netip.AddrPort) []byte {
	family, f, t := "TCP4", from.Addr(), to.Addr()
	if f.Is6() || t.Is6() {
		family, f, t = "TCP6", netip.AddrFrom16(f.As16()), netip.AddrFrom16(t.As16())
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family, f, t, from.Port(), to.Port())
}

// maxProxyLine is the longest PROXY version 1 header, CRLF included.
const maxProxyLine = 107

// readProxyLine reads the header.
func readProxyLine(r *bufio.Reader) (from, to netip.AddrPort, err error) {
	var line []byte
	for len(line) < maxProxyLine {
		b, err := r.ReadByte()
		if err != nil {
			return from, to, err
		}
		if line = append(line, b); b == '\n' {
			break
		}
	}
	f := strings.Fields(string(line))
	if len(f) != 6 || f[0] != "PROXY" || f[1] != "TCP4" && f[1] != "TCP6" || !strings.HasSuffix(string(line), "\r\n") {
		return from, to, fmt.Errorf("the connection does not begin with a PROXY line")
	}
	parse := func(addr, port string) (netip.AddrPort, error) {
		a, err := netip.ParseAddr(addr)
		if err != nil {
			return netip.AddrPort{}, err
		}
		p, err := strconv.ParseUint(port, 10, 16)
		return netip.AddrPortFrom(a.Unmap(), uint16(p)), err
	}
	if from, err = parse(f[2], f[4]); err != nil {
		return from, to, err
	}
	to, err = parse(f[3], f[5])
	return from, to, err
}

// proxyListener gives connections whose addresses are those of their PROXY
// line.
type proxyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l proxyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &proxyConn{Conn: c, r: bufio.NewReader(c)}, nil
}

// proxyConn reads its PROXY line when it is first used, so that a silent
// client holds up nobody else.
type proxyConn struct {
	net.Conn
	r        *bufio.Reader
	once     sync.Once
	from, to netip.AddrPort
	err      error
}

func (c *proxyConn) header() {
	c.once.Do(func() {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		c.from, c.to, c.err = readProxyLine(c.r)
		_ = c.SetReadDeadline(time.Time{})
	})
}

// Read implements net.Conn.
func (c *proxyConn) Read(b []byte) (int, error) {
	if c.header(); c.err != nil {
		return 0, c.err
	}
	return c.r.Read(b)
}

// RemoteAddr implements net.Conn.
func (c *proxyConn) RemoteAddr() net.Addr { c.header(); return netAddr("tcp", c.from) }

// LocalAddr implements net.Conn.
func (c *proxyConn) LocalAddr() net.Addr { c.header(); return netAddr("tcp", c.to) }

// listen opens the lab's loopback ports.
func (w *World) listen(ctx context.Context) error {
	var lc net.ListenConfig
	for _, a := range w.serverAddrs() {
		srv := w.servers[a]
		pc, err := lc.ListenPacket(ctx, "udp", "127.0.0.1:0")
		if err != nil {
			return problem.Wrap(err, problem.Unavailable, "the lab cannot listen")
		}
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return errors.Join(problem.Wrap(err, problem.Unavailable, "the lab cannot listen"), pc.Close())
		}
		at := netip.AddrPortFrom(a, 53)
		w.targets[endpoint{"udp", at}] = pc.LocalAddr().String()
		w.targets[endpoint{"tcp", at}] = l.Addr().String()
		for _, s := range []*dns.Server{{PacketConn: pc, Handler: srv}, {Listener: proxyListener{l}, Handler: srv}} {
			started := make(chan struct{})
			s.NotifyStartedFunc = func() { close(started) }
			w.dns = append(w.dns, s)
			failed := make(chan error, 1)
			w.serving.Go(func() { failed <- s.ActivateAndServe() })
			select {
			case <-started:
			case err := <-failed:
				return problem.Wrap(err, problem.Unavailable, "a DNS server of the lab does not start")
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	quiet := slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)
	for _, secure := range []bool{false, true} {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return problem.Wrap(err, problem.Unavailable, "the lab cannot listen")
		}
		l = proxyListener{l}
		s := &http.Server{Handler: http.HandlerFunc(w.serveWeb), ErrorLog: quiet, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second,
			MaxHeaderBytes: 64 << 10}
		if secure {
			w.https = l.Addr().String()
			l = tls.NewListener(l, &tls.Config{GetCertificate: w.ca.certificate, Time: w.clock.Now, NextProtos: []string{"http/1.1"}})
		} else {
			w.http = l.Addr().String()
		}
		w.web = append(w.web, s)
		w.serving.Go(func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				w.log.Error("web server", "err", err)
			}
		})
	}
	if err := w.listenWHOIS(ctx, lc); err != nil {
		return err
	}
	return w.listenMail(ctx, lc, quiet)
}

func (w *World) listenMail(ctx context.Context, lc net.ListenConfig, quiet *log.Logger) error {
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the lab cannot listen")
	}
	w.targets[endpoint{"tcp", netip.AddrPortFrom(mailAddr, 25)}] = l.Addr().String()
	w.smtp, w.mailPort = w.mailServer(quiet), l
	w.serving.Go(func() {
		if err := w.smtp.Serve(proxyListener{l}); err != nil && !errors.Is(err, net.ErrClosed) {
			w.log.Error("mail server", "err", err)
		}
	})
	return nil
}
