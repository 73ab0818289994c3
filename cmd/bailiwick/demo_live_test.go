package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// said is what a running program has written so far.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
	new chan struct{} // a signal after each write
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.new <- struct{}{}:
	default:
	}
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// twoDays is a world in which one name is reported on the first day and another
// on the second.
const twoDays = `
days: 3
tlds: [{name: shopx}]
registrars: [{name: Quickname}]
hosts: [{name: Northbox}]
constituents: [{name: Aurora Bank, domains: [aurora-bank.shopx]}]
names:
  - {name: aurora-login.shopx, site: {kind: phishing, brand: Aurora Bank, path: /verify/}, reported: [1h]}
  - {name: aurora-secure.shopx, site: {kind: phishing, brand: Aurora Bank, path: /verify/, live: 29h}, reported: [30h]}
`

// The live demo opens with its first days over, signs its visitor in, is moved by
// forms, and leaves nothing behind.
func TestLiveDemo(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	file := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(file, []byte(twoDays), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, errs := &said{new: make(chan struct{}, 1)}, &said{new: make(chan struct{}, 1)}
	status := make(chan int, 1)
	go func() { status <- program(ctx, []string{"demo", "--scenario", file, "--days", "1"}, out, errs) }()
	for !strings.Contains(out.String(), "nothing\nis kept") {
		select {
		case <-out.new:
		case n := <-status:
			t.Fatalf("ended with %d: %s%s", n, out, errs)
		}
	}
	found := regexp.MustCompile(`(?s)Ready: (http://127\.0\.0\.1:\d+)/demo.*works once: (http://127\.0\.0\.1:\d+/welcome/\S+)`).FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("no addresses in %s", out)
	}
	if !strings.Contains(errs.String(), "prepared 1 of 1 days") {
		t.Errorf("nothing was said of the preparation: %s", errs)
	}
	jar, _ := cookiejar.New(nil) // never fails without options
	client := &http.Client{Jar: jar}
	base := found[1]
	do := func(method, path string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %v %s", method, path, resp.StatusCode, err, b)
		}
		return string(b)
	}
	type state struct {
		Now     time.Time
		Word    string
		Running bool
		May     bool
	}
	read := func(raw string) (s state) {
		t.Helper()
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		return s
	}
	if s := read(do(http.MethodGet, "/demo/state", nil)); s.Now.Before(start.Add(24*time.Hour)) || !s.May {
		t.Errorf("it opens at %+v", s)
	}
	paused := read(do(http.MethodPost, "/demo/control?format=json", url.Values{"do": {"pause"}}))
	if paused.Word != "paused" || paused.Running || paused.Now.After(start.Add(29*time.Hour)) {
		t.Fatalf("paused: %+v", paused)
	}
	home := do(http.MethodPost, "/demo/sign-in", url.Values{"to": {"/demo/1"}})
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(home)
	if csrf == nil || !strings.Contains(home, "Demo analyst") || !strings.Contains(home, "aurora-login") && !strings.Contains(home, "aurora</mark>-login") {
		t.Fatalf("signed in, the first stop says %s", home)
	}
	cases := func() int {
		var q struct{ Found int }
		if err := json.Unmarshal([]byte(do(http.MethodGet, "/desk?state=all&format=json", nil)), &q); err != nil {
			t.Fatal(err)
		}
		return q.Found
	}
	if n := cases(); n != 1 {
		t.Fatalf("the first day brought %d cases", n)
	}
	stepped := read(do(http.MethodPost, "/demo/control?format=json", url.Values{"do": {"day"}, "csrf": {csrf[1]}}))
	if stepped.Now.Sub(paused.Now) != 24*time.Hour || stepped.Word != "paused" {
		t.Errorf("a day on from %+v is %+v", paused, stepped)
	}
	if n := cases(); n != 2 {
		t.Errorf("after another day there are %d cases", n)
	}
	if page := do(http.MethodGet, "/demo/3", nil); !strings.Contains(page, "Northbox") && !strings.Contains(page, "Quickname") {
		t.Errorf("nobody answered an ask: %s", page)
	}
	do(http.MethodPost, "/demo/control", url.Values{"do": {"day"}, "csrf": {csrf[1]}})
	if s := read(do(http.MethodGet, "/demo/state", nil)); s.May || s.Word != "all 3 days that were made up are over" {
		t.Errorf("after the last day: %+v", s)
	}
	if page := do(http.MethodGet, strings.TrimPrefix(found[2], base), nil); !strings.Contains(page, "Set your password") {
		t.Errorf("the link of the first administrator: %s", page)
	}
	client.CloseIdleConnections()
	cancel()
	if n := <-status; n != 0 {
		t.Errorf("ended with %d: %s", n, errs)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v %v", left, err)
	}
}

// It listens on this machine only: it signs in whoever reaches it.
func TestLiveDemoListens(t *testing.T) {
	for _, a := range []string{"0.0.0.0:0", "192.0.2.1:80", ":0", "nowhere"} {
		var out, errs bytes.Buffer
		if n := program(t.Context(), []string{"demo", "--listen", a}, &out, &errs); n != 2 || !strings.Contains(errs.String(), "--listen") {
			t.Errorf("%s: %d %s", a, n, errs.String())
		}
	}
}
