// Package gateway lets another process look at a lab's world: `bailiwick serve
// --lab` reaches everything through it, and nothing else. It is for training,
// and for tests that kill the real server while the world goes on.
//
// A client opens one loopback connection per connection it wants, and sends
// one line of JSON: what to dial, or a request for what the world is. After an
// "ok" line the bytes of the connection follow as they are; datagrams are
// framed with two octets of length.
package gateway

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"bailiwick/problem"
)

// Dial opens a connection in the world.
type Dial func(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error)

type request struct {
	Op      string     `json:"op"` // "dial", "about", "source" or "join"
	Source  netip.Addr `json:"source,omitzero"`
	Network string     `json:"network,omitempty"`
	Address string     `json:"address,omitempty"`
	Centre  *Centre    `json:"centre,omitempty"`
}

// Centre is what a centre tells the world of itself, when it joins it.
type Centre struct {
	URL  string `json:"url"`            // of its pages and API, on loopback
	Mail string `json:"mail,omitempty"` // loopback address of its mail server
	// Key is a key of its API for the world's registrars, Secret what it signs
	// its orders to them with, Profile what they have holders verified under.
	Key     string `json:"key,omitempty"`
	Secret  []byte `json:"secret,omitempty"`
	Profile string `json:"profile,omitempty"`
}

type reply struct {
	OK    bool            `json:"ok"`
	Error string          `json:"error,omitempty"`
	About json.RawMessage `json:"about,omitempty"`
	// Source is the address in the world behind a loopback address.
	Source netip.Addr `json:"source,omitzero"`
}

// maxLine bounds what is read before a connection is made, in octets.
const maxLine = 1 << 20

// SourceOf gives the address in the world of whoever connected to a server of
// the client's from a loopback address; false if nobody of the world did.
type SourceOf func(remote netip.AddrPort) (netip.Addr, bool)

// Serve answers clients at l until l is closed. about is what a client learns
// of the world, as JSON.
func Serve(l net.Listener, dial Dial, about json.RawMessage) error {
	return ServeMail(l, dial, nil, about)
}

// ServeMail is Serve for clients that have a mail server of their own, to which
// the world sends.
func ServeMail(l net.Listener, dial Dial, source SourceOf, about json.RawMessage) error {
	return ServeCentre(l, dial, source, nil, about)
}

// ServeCentre is ServeMail for a centre that says where it is: join is told, and
// what it returns the client gets.
func ServeCentre(l net.Listener, dial Dial, source SourceOf, join func(Centre) error, about json.RawMessage) error {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go serve(c, dial, source, join, about)
	}
}

func serve(c net.Conn, dial Dial, source SourceOf, join func(Centre) error, about json.RawMessage) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	br := bufio.NewReader(io.LimitReader(c, maxLine))
	line, err := br.ReadBytes('\n')
	var req request
	if err != nil || json.Unmarshal(line, &req) != nil {
		return
	}
	enc := json.NewEncoder(c)
	if req.Op == "about" {
		_ = enc.Encode(reply{OK: true, About: about})
		return
	}
	if req.Op == "source" {
		var r reply
		if a, err := netip.ParseAddrPort(req.Address); err == nil && source != nil {
			r.Source, r.OK = source(a)
		}
		if !r.OK {
			r.Error = "nobody of this world"
		}
		_ = enc.Encode(r)
		return
	}
	if req.Op == "join" {
		r := reply{OK: true}
		if join == nil || req.Centre == nil {
			r = reply{Error: "this world takes no centre"}
		} else if err := join(*req.Centre); err != nil {
			r = reply{Error: problem.DocumentOf(err).Detail}
		}
		_ = enc.Encode(r)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	up, err := dial(ctx, req.Source, req.Network, req.Address)
	if err != nil {
		_ = enc.Encode(reply{Error: err.Error()})
		return
	}
	defer up.Close()
	if enc.Encode(reply{OK: true}) != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	down := net.Conn(&peeked{c, br})
	if strings.HasPrefix(req.Network, "udp") {
		down = &framed{Conn: down}
	}
	pipe(down, up)
}

// peeked reads first what was read ahead.
type peeked struct {
	net.Conn
	br *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.br.Buffered() > 0 {
		return p.br.Read(b)
	}
	return p.Conn.Read(b)
}

// pipe copies both ways until both have ended, passing on each end.
func pipe(a, b net.Conn) {
	var wg sync.WaitGroup
	half := func(dst, src net.Conn) {
		buf := make([]byte, 64<<10)
		for {
			n, err := src.Read(buf)
			if n > 0 {
				if _, werr := dst.Write(buf[:n]); werr != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		if t, ok := dst.(interface{ CloseWrite() error }); ok {
			_ = t.CloseWrite()
		} else {
			_ = dst.Close()
		}
	}
	wg.Go(func() { half(a, b) })
	wg.Go(func() { half(b, a) })
	wg.Wait()
}

// framed carries datagrams over a stream.
type framed struct {
	net.Conn
	rmu, wmu sync.Mutex
}

func (f *framed) Read(b []byte) (int, error) {
	f.rmu.Lock()
	defer f.rmu.Unlock()
	var n [2]byte
	if _, err := io.ReadFull(f.Conn, n[:]); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(n[:]))
	if size > len(b) { // a datagram that does not fit is cut, as a socket does
		if _, err := io.ReadFull(f.Conn, b); err != nil {
			return 0, err
		}
		_, err := io.CopyN(io.Discard, f.Conn, int64(size-len(b)))
		return len(b), err
	}
	return io.ReadFull(f.Conn, b[:size])
}

func (f *framed) Write(b []byte) (int, error) {
	if len(b) > 65535 {
		return 0, os.ErrInvalid
	}
	f.wmu.Lock()
	defer f.wmu.Unlock()
	if _, err := f.Conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom and WriteTo make a framed connection a net.PacketConn, by which DNS
// clients know that no length goes before a message.
func (f *framed) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := f.Read(b)
	return n, f.RemoteAddr(), err
}

// WriteTo implements net.PacketConn; the peer is fixed.
func (f *framed) WriteTo(b []byte, _ net.Addr) (int, error) { return f.Write(b) }

// Client reaches a world through its gateway.
type Client struct{ addr string }

// Connect checks that a gateway answers at a loopback address and gives what
// it says of its world.
func Connect(ctx context.Context, addr string) (*Client, json.RawMessage, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().IsLoopback() {
		return nil, nil, problem.BadField("lab", "%q is not a loopback address with a port", addr)
	}
	c := &Client{addr}
	conn, r, err := c.ask(ctx, request{Op: "about"})
	if err != nil {
		return nil, nil, problem.Wrap(err, problem.Unavailable, "no lab answers at %s", addr)
	}
	conn.Close()
	return c, r.About, nil
}

// Join tells the world where the centre is: its reporters, registrars and holders
// go there from then on.
func (c *Client) Join(ctx context.Context, centre Centre) error {
	conn, _, err := c.ask(ctx, request{Op: "join", Centre: &centre})
	if err != nil {
		return problem.Wrap(err, problem.Refused, "the lab does not take the centre")
	}
	return conn.Close()
}

// SourceOf asks for the address in the world of whoever connected from a
// loopback address; false if nobody of the world did, or the gateway does not
// answer.
func (c *Client) SourceOf(ctx context.Context, remote netip.AddrPort) (netip.Addr, bool) {
	conn, r, err := c.ask(ctx, request{Op: "source", Address: remote.String()})
	if err != nil {
		return netip.Addr{}, false
	}
	_ = conn.Close() // its one answer is read
	return r.Source, r.Source.IsValid()
}

func (c *Client) ask(ctx context.Context, req request) (net.Conn, reply, error) {
	var d net.Dialer
	var r reply
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, r, err
	}
	if t, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(t)
	}
	b, err := json.Marshal(req)
	if err == nil {
		_, err = conn.Write(append(b, '\n'))
	}
	br := bufio.NewReader(conn)
	var line []byte
	if err == nil {
		line, err = br.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err == nil && !r.OK {
		err = &net.OpError{Op: "dial", Net: req.Network, Err: errors.New(r.Error)}
	}
	if err != nil {
		conn.Close()
		return nil, r, err
	}
	_ = conn.SetDeadline(time.Time{})
	return &peeked{conn, br}, r, nil
}

// Dial opens a connection in the world.
func (c *Client) Dial(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	conn, _, err := c.ask(ctx, request{Op: "dial", Source: source, Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(network, "udp") {
		return &framed{Conn: conn}, nil
	}
	return conn, nil
}
