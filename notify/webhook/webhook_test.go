package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/problem"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// TestSign has a value that others can hold their own code against.
func TestSign(t *testing.T) {
	const want = "sha256=42e2930b614e298c3c18d5093114f6a33948fbfd20675913433318ee0f522eec"
	got := Sign(secret, "1767571200", []byte(`{"order":"hold"}`))
	if got != want { // as openssl dgst -sha256 -hmac says
		t.Fatalf("%q", got)
	}
	for _, other := range []string{Sign(secret, "1767571201", []byte(`{"order":"hold"}`)), Sign(secret, "1767571200", []byte(`{"order":"release"}`)), Sign(secret[1:], "1767571200", []byte(`{"order":"hold"}`))} {
		if other == got {
			t.Error("the signature does not cover the secret, the time and the body")
		}
	}
}

func TestPost(t *testing.T) {
	at := time.Unix(1767571200, 0)
	status, hits := http.StatusNoContent, atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get(TimestampHeader) != "1767571200" || r.Header.Get(SignatureHeader) != Sign(secret, "1767571200", b) {
			t.Errorf("%v %v %q", err, r.Header, b)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	h, err := New(Config{URL: srv.URL, Secret: secret, Private: true, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[int]Result{
		204: {Done: true, Response: "HTTP 204"}, 200: {Done: true, Response: "HTTP 200"}, 409: {Done: true, Already: true, Response: "HTTP 409"},
		302: {Response: "HTTP 302"}, 307: {Response: "HTTP 307"}, 403: {Response: "HTTP 403"}, 500: {Response: "HTTP 500"},
	} {
		status = code
		hits.Store(0)
		if got := h.Post(t.Context(), []byte(`{"order":"hold"}`), at); got != want || hits.Load() != 1 {
			t.Errorf("%d: %+v after %d requests", code, got, hits.Load())
		}
	}
	// The guard's word is final; no answer is not.
	for _, tc := range []struct {
		err   error
		final bool
	}{{problem.New(problem.Refused, "10.0.0.1 is not a public address"), true}, {problem.New(problem.Unavailable, "no connection"), false}} {
		h, err := New(Config{URL: "https://registrar.example/orders", Secret: secret, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, tc.err }})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Post(t.Context(), nil, at); got.Done || got.Final != tc.final || got.Response == "" || strings.Contains(got.Response, "orders") {
			t.Errorf("%v: %+v", tc.err, got)
		}
	}
	if got := h.Post(t.Context(), make([]byte, maxBody+1), at); !got.Final {
		t.Errorf("%+v", got)
	}
}

func TestNew(t *testing.T) {
	good := Config{URL: "https://registrar.example/orders", Secret: secret, Dial: dial}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"url":    func(c *Config) { c.URL = "http://registrar.example/orders" },
		"url ":   func(c *Config) { c.URL = "https://user:pass@registrar.example/" },
		"url  ":  func(c *Config) { c.URL = "ftp://registrar.example/"; c.Private = true },
		"url   ": func(c *Config) { c.URL = "registrar" },
		"secret": func(c *Config) { c.Secret = secret[1:] },
		"dial":   func(c *Config) { c.Dial = nil },
	} {
		c := good
		change(&c)
		_, err := New(c)
		if problem.CodeOf(err) != problem.Invalid || !strings.HasPrefix(problem.DocumentOf(err).Errors[0].Path, strings.TrimSpace(field)) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
