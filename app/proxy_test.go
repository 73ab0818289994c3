package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"bailiwick/app"
)

// TestTrustedProxies: an idempotency key belongs to the address of who sends,
// which is the one that a trusted proxy names, and nobody else.
func TestTrustedProxies(t *testing.T) {
	for _, tc := range []struct {
		name    string
		trusted []string
		second  int // the status of another report with the same key from "another address"
	}{
		{"none, as shipped", nil, http.StatusConflict},
		{"this machine", []string{"127.0.0.0/8"}, http.StatusAccepted},
		{"another machine", []string{"192.0.2.1/32"}, http.StatusConflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := settings(t)
			cfg.TrustedProxies = tc.trusted
			a, err := app.New(t.Context(), cfg, nowhere(), quiet)
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, a)
			if err := a.Start(t.Context(), cfg, nowhere()); err != nil {
				t.Fatal(err)
			}
			send := func(from, url string) int {
				req, err := http.NewRequest(http.MethodPost, a.URL+"/api/v1/reports", strings.NewReader(`{"type":"phishing","url":"`+url+`"}`))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Idempotency-Key", "one")
				req.Header.Set("X-Forwarded-For", "198.18.0.1, "+from)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return resp.StatusCode
			}
			if got := send("203.0.113.9", "https://bad.example/"); got != http.StatusAccepted {
				t.Fatalf("%d", got)
			}
			if got := send("203.0.113.10", "https://worse.example/"); got != tc.second {
				t.Errorf("another address: %d, not %d", got, tc.second)
			}
			if got := send("203.0.113.9", "https://worst.example/"); got != http.StatusConflict {
				t.Errorf("the same address: %d", got)
			}
		})
	}
}
