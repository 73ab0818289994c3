package collect

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
	"bailiwick/problem"
)

// Bounds of the connections that are kept to RDAP servers.
const (
	maxIdle     = 256 // in all
	maxIdleHost = 8   // to one server
	idleTime    = 30 * time.Second
)

// transport is how RDAP servers are asked: over connections that are kept for
// the next question, by HTTP/2 where the server speaks it. A handshake costs a
// registry more than an answer does. net/http opens no connection by itself:
// each comes from dial, to an address that the guard has checked, and net/http
// gives it only to questions for the same host and port.
func (c *Collector) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, _, err := c.connectHost(ctx, address)
			return conn, err
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, u, err := c.connectHost(ctx, address)
			if err != nil {
				return nil, err
			}
			secure, _, err := c.handshake(ctx, conn, u, true, "h2", "http/1.1")
			if err != nil {
				_ = conn.Close() // nothing is left to lose
				return nil, &tlsFailure{err}
			}
			return secure, nil
		},
		DisableCompression:     true, // what is taken in is bounded after it is unpacked (got.read)
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdleHost,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: c.limits.Header,
	}
}

// addressesKey is where doKept puts the host's addresses for connectHost.
type addressesKey struct{}

// connectHost opens a connection to "host:port" of an RDAP server.
func (c *Collector) connectHost(ctx context.Context, address string) (net.Conn, name.URL, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, name.URL{}, problem.BadField("address", "is not host:port")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, name.URL{}, problem.BadField("address", "has no port")
	}
	u, err := name.ParseURL("https://" + address + "/")
	if err != nil {
		return nil, name.URL{}, err
	}
	addrs, ok := ctx.Value(addressesKey{}).([]netip.Addr)
	if !ok { // asked for by net/http itself, after the question it was for had its answer otherwise
		r := c.serverAddresses(ctx, host)
		if r.failure != "" {
			return nil, u, problem.New(problem.Unavailable, "%s does not resolve: %s", evidence.Clean(host, 100), r.failure)
		}
		addrs = r.addrs
	}
	conn, _, err := c.connect(ctx, UseWeb, netip.Addr{}, addrs, uint16(port))
	return conn, u, err
}

// tlsFailure marks an error of the handshake.
type tlsFailure struct{ err error }

func (f *tlsFailure) Error() string { return "tls: " + f.err.Error() }
func (f *tlsFailure) Unwrap() error { return f.err }

// doKept is do over kept connections, with certificates that must verify. The
// second result is "" or why there is no answer, in the words of
// evidence.Fetch.Err.
func (c *Collector) doKept(ctx context.Context, g get) (got, string) {
	var out got
	if _, err := strconv.ParseUint(portOf(g.url), 10, 16); err != nil {
		return out, errMalformed
	}
	var connected, answered atomic.Bool
	ctx = httptrace.WithClientTrace(context.WithValue(ctx, addressesKey{}, g.addrs), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				g.count.Add(1)
			}
		},
		GotFirstResponseByte: func() { answered.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url.String(), nil)
	if err != nil {
		return out, errMalformed
	}
	req.Header = g.header
	resp, err := c.reuse.RoundTrip(req)
	if err != nil {
		return out, keptFailure(ctx, err, connected.Load(), answered.Load())
	}
	body := resp.Body
	defer func() { _ = body.Close() }() // what was wanted of it has been read
	out.status, out.header = resp.StatusCode, resp.Header
	if !g.wantBody(out.status, out.header) {
		_, _ = io.CopyN(io.Discard, body, 4<<10) // so that the connection can be kept
		return out, ""
	}
	resp.Body = io.NopCloser(io.LimitReader(body, g.limit+c.limits.Header)) // of what comes over the wire
	return out, out.read(resp, g.limit)
}

// keptFailure sorts an error of doKept.
func keptFailure(ctx context.Context, err error, connected, answered bool) string {
	var secure *tlsFailure
	switch {
	case errors.As(err, &secure):
		if f := exchangeFailure(secure.err); f == errTimeout || f == errReset {
			return f
		}
		return errTLS
	case ctx.Err() != nil:
		return errTimeout
	case !connected:
		return failureOf(err)
	case !answered && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return errReset
	}
	return exchangeFailure(err)
}
