package collect

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"
)

// get is one HTTP request. With do it goes over a connection of its own:
// net/http's reader and writer are used, but not its client, so that what is
// dialled, counted, bounded and verified is decided here. doKept is for RDAP
// servers.
type get struct {
	url    name.URL
	header http.Header
	addrs  []netip.Addr // of the host, to be tried in order
	source netip.Addr
	// verify makes a bad certificate an error. Without it, it is recorded.
	verify bool
	limit  int64         // octets of body, after decompression
	count  *atomic.Int64 // raised when the request has been written
	// wantBody says for which answers the body is read.
	wantBody func(status int, h http.Header) bool
}

// got is the answer to a get, as far as it came.
type got struct {
	addr      netip.Addr
	status    int
	header    http.Header
	body      []byte
	truncated bool   // the limit, the time or the server cut the body
	tooLong   bool   // it was the limit
	fault     string // what cut it otherwise
	tlsError  string
}

// The failures of an exchange that DNS does not have, in the words of
// evidence.Fetch.Err.
const (
	errTLS   = "tls"
	errReset = "reset"
)

// do makes the exchange. The second result is "" or why there is no answer, in
// the words of evidence.Fetch.Err.
func (c *Collector) do(ctx context.Context, g get) (got, string) {
	var out got
	port, err := strconv.ParseUint(portOf(g.url), 10, 16)
	if err != nil {
		return out, errMalformed
	}
	conn, addr, err := c.connect(ctx, UseWeb, g.source, g.addrs, uint16(port))
	if err != nil {
		return out, failureOf(err)
	}
	out.addr = addr
	defer func() { _ = conn.Close() }() // nothing is left to lose
	if d, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(d); err != nil {
			return out, errUnreachable
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if g.url.Scheme == "https" {
		secure, fault, err := c.handshake(ctx, conn, g.url, g.verify, "http/1.1")
		out.tlsError = fault
		if err != nil {
			if f := exchangeFailure(err); f == errTimeout || f == errReset {
				return out, f
			}
			return out, errTLS
		}
		conn = secure
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url.String(), nil)
	if err != nil {
		return out, errMalformed
	}
	req.Header = g.header
	if err := req.Write(conn); err != nil {
		return out, exchangeFailure(err)
	}
	g.count.Add(1)

	bounded := &io.LimitedReader{R: conn, N: c.limits.Header}
	br := bufio.NewReader(bounded)
	var head []byte
	for interim := 0; ; interim++ { // 100 Continue and its like come before the answer
		if head, err = readHead(br); err != nil {
			if bounded.N <= 0 {
				return out, errMalformed
			}
			return out, exchangeFailure(err)
		}
		if _, code, _ := bytes.Cut(head, []byte(" ")); !bytes.HasPrefix(code, []byte("1")) {
			break
		}
		if interim == 5 {
			return out, errMalformed
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), br)), req)
	if err != nil {
		return out, errMalformed
	}
	out.status, out.header = resp.StatusCode, resp.Header
	if !g.wantBody(out.status, out.header) {
		return out, ""
	}
	bounded.N = g.limit + c.limits.Header // of what comes over the wire
	failure := out.read(resp, g.limit)
	return out, failure
}

// readHead reads an answer's status line and header fields, up to the empty
// line, and mends what browsers overlook and net/http does not: control
// characters become spaces, and lines that are no fields are left out. A kit
// could otherwise hide behind one broken line.
func readHead(br *bufio.Reader) ([]byte, error) {
	var head []byte
	for first := true; ; first = false {
		line, err := br.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && (len(head) > 0 || len(line) > 0) {
				err = errors.New("the header does not end")
			}
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return append(head, "\r\n"...), nil
		}
		for i, b := range line {
			if b < ' ' || b == 0x7f {
				line[i] = ' '
			}
		}
		if key, _, ok := bytes.Cut(line, []byte(":")); first || ok && token(key) {
			head = append(append(head, line...), "\r\n"...)
		}
	}
}

// token says whether b can be the name of a header field (RFC 9110 section
// 5.6.2).
func token(b []byte) bool {
	for _, c := range b {
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0 {
			continue
		}
		return false
	}
	return len(b) > 0
}

// read takes the body. What came before a fault counts; only when nothing came
// is the fault a failure.
func (o *got) read(resp *http.Response, limit int64) string {
	plain, err := decompress(resp.Body, resp.Header.Get("Content-Encoding"))
	if err == nil {
		o.body, err = io.ReadAll(io.LimitReader(plain, limit+1))
	}
	if int64(len(o.body)) > limit {
		o.body, o.truncated, o.tooLong = o.body[:limit], true, true
		return ""
	}
	if err == nil {
		return ""
	}
	o.truncated, o.fault = true, exchangeFailure(err)
	if len(o.body) == 0 && !errors.Is(err, io.EOF) {
		return o.fault
	}
	return ""
}

// decompress undoes gzip and deflate (RFC 9110 section 8.4.1), at most two
// layers. How much comes out is for the caller to bound.
func decompress(r io.Reader, encoding string) (io.Reader, error) {
	layers := strings.Split(strings.ToLower(encoding), ",")
	if len(layers) > 2 {
		return nil, errors.New("too many layers of compression")
	}
	for i := len(layers) - 1; i >= 0; i-- {
		switch strings.TrimSpace(layers[i]) {
		case "", "identity":
		case "gzip", "x-gzip":
			z, err := gzip.NewReader(r)
			if err != nil {
				return nil, err
			}
			r = z
		case "deflate": // a zlib stream by the RFC, a bare one by habit
			b := bufio.NewReader(r)
			head, err := b.Peek(2)
			if err != nil {
				return nil, err
			}
			if head[0]&0x0f == 8 && (uint16(head[0])<<8|uint16(head[1]))%31 == 0 {
				z, err := zlib.NewReader(b)
				if err != nil {
					return nil, err
				}
				r = z
			} else {
				r = flate.NewReader(b)
			}
		default: // not asked for; kept as it came
			return r, nil
		}
	}
	return r, nil
}

// handshake speaks TLS on conn. fault says why the certificate does not
// verify, in the words of evidence.Hop.TLSError.
func (c *Collector) handshake(ctx context.Context, conn net.Conn, u name.URL, verify bool, protocols ...string) (secure net.Conn, fault string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.ConnectTime)
	defer cancel()
	cfg := &tls.Config{
		ServerName: u.Host(), NextProtos: protocols,
		RootCAs: c.tlsRoots, Time: c.tlsTime,
		MinVersion: tls.VersionTLS12,
	}
	if !verify {
		// A page behind a bad certificate or an old protocol is still shown to
		// visitors who click on, so it is fetched; nothing secret is sent.
		cfg.MinVersion = tls.VersionTLS10
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			fault = c.certificateFault(s.PeerCertificates, u.Host())
			return nil
		}
	}
	t := tls.Client(conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fault, err
	}
	return t, fault, nil
}

// certificateFault says why a chain does not verify for host now; "" if it
// does.
func (c *Collector) certificateFault(chain []*x509.Certificate, host string) string {
	if len(chain) == 0 {
		return "invalid"
	}
	others := x509.NewCertPool()
	for _, x := range chain[1:] {
		others.AddCert(x)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.tlsRoots, Intermediates: others, CurrentTime: c.tlsTime(), DNSName: host})
	var invalid x509.CertificateInvalidError
	var other x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired"
	case errors.As(err, &other):
		return "name"
	case errors.As(err, &authority):
		return "authority"
	}
	return "invalid"
}

// exchangeFailure sorts an error after the connection stood into the words of
// evidence.Fetch.Err.
func exchangeFailure(err error) string {
	switch f := failureOf(err); {
	case f == errTimeout:
		return f
	case f == errRefused: // closed or reset in the middle
		return errReset
	case errors.Is(err, net.ErrClosed):
		return errTimeout
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "read" || op.Op == "write") {
		return errReset
	}
	return errMalformed
}

// portOf is the port of u in digits.
func portOf(u name.URL) string {
	switch {
	case u.Port != "":
		return u.Port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// trimmed is a header's value, cleaned and cut to n octets.
func trimmed(h http.Header, key string, n int) string { return evidence.Clean(h.Get(key), n) }
