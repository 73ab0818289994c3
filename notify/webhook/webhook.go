// Package webhook gives orders to a system of the operator's own: one signed HTTP
// POST each, which does no harm if it comes twice.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bailiwick/problem"
	"bailiwick/text"
)

// The headers of a POST. Signature is "sha256=" and the HMAC-SHA-256, in lower
// case hex, under the shared secret over the timestamp (seconds since 1970, in
// decimal), a full stop and the body: whoever takes it can refuse what is old.
const (
	TimestampHeader = "Bailiwick-Timestamp"
	SignatureHeader = "Bailiwick-Signature"
)

// MinSecret is the least length of the secret, in octets.
const MinSecret = 32

// Limits of one attempt.
const (
	attemptTime = 15 * time.Second // as a whole, on real time
	maxAnswer   = 4 << 10          // octets of an answer that are read, and not kept
	maxBody     = 64 << 10
)

// Config is where orders go, and how they are signed.
type Config struct {
	// URL is https; http only if Private.
	URL    string
	Secret []byte
	// Private says that the operator named an address in their own network.
	Private bool
	// Dial opens the connection. It is the address guard's, unless Private.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	TLSRoots *x509.CertPool   // nil: the system's
	TLSTime  func() time.Time // nil: real
}

// Hook posts orders. It is safe for concurrent use.
type Hook struct {
	url    string
	secret []byte
	client *http.Client
}

// Result is what became of one attempt.
type Result struct {
	// Done says that the order was carried out; Already, that it was so before.
	Done, Already bool
	// Final says that another attempt will not help.
	Final bool
	// Response says what was answered, or why nothing was, in a few words of ours.
	Response string
}

// New makes a hook. The error is Invalid and names the field of Config.
func New(c Config) (*Hook, error) {
	u, err := url.Parse(c.URL)
	var e *problem.Error
	switch {
	case err != nil || u.Host == "" || u.User != nil || len(c.URL) > 1000 || u.Fragment != "":
		e = e.Add("url", "is not an address such as https://registrar.example/orders")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.Private):
		e = e.Add("url", "must begin with https://, or with http:// in a network of your own")
	}
	if len(c.Secret) < MinSecret {
		e = e.Add("secret", "is under %d octets", MinSecret)
	}
	if c.Dial == nil {
		e = e.Add("dial", "is missing")
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	t := &http.Transport{DialContext: c.Dial, TLSClientConfig: &tls.Config{RootCAs: c.TLSRoots, Time: c.TLSTime, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: attemptTime,
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10}
	// Whatever is signed for one address is for no other: no redirect is followed.
	return &Hook{c.URL, bytes.Clone(c.Secret), &http.Client{Transport: t, Timeout: attemptTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Sign is the signature of a body at a timestamp.
func Sign(secret []byte, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(timestamp + "."))
	m.Write(body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// Post gives an order, dated at. A 2xx answer is Done, 409 is Already; the rest
// may be tried again, unless the address is one that is never reached.
func (h *Hook) Post(ctx context.Context, body []byte, at time.Time) Result {
	if len(body) > maxBody {
		return Result{Final: true, Response: "the order is too long"}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return Result{Final: true, Response: "the request could not be made"}
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Bailiwick")
	req.Header.Set(TimestampHeader, stamp)
	req.Header.Set(SignatureHeader, Sign(h.secret, stamp, body))
	resp, err := h.client.Do(req)
	if err != nil {
		return Result{Final: problem.CodeOf(err) == problem.Refused, Response: text.Line(strings.TrimPrefix(err.Error(), fmt.Sprintf("Post %q: ", h.url)), 200)}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // what it says is not ours to keep
	out := Result{Response: "HTTP " + strconv.Itoa(resp.StatusCode)}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		out.Done = true
	case resp.StatusCode == http.StatusConflict:
		out.Done, out.Already = true, true
	}
	return out
}
