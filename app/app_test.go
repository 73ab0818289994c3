package app_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/name"
	"bailiwick/problem"
)

var quiet = slog.New(slog.DiscardHandler)

// nowhere is a world in which nothing can be reached.
func nowhere() app.World {
	return app.World{Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}}
}

func settings(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg.Database, cfg.Blobs, cfg.Listen = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs"), "127.0.0.1:0"
	return cfg
}

func stop(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestStart starts a centre as shipped, uses it over HTTP, stops it, and starts
// it again on the same state: it is the same centre, with the same keys.
func TestStart(t *testing.T) {
	cfg := settings(t)
	a, err := app.New(t.Context(), cfg, nowhere(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := a.Start(ctx, cfg, nowhere()); err != nil {
		t.Fatal(err)
	}
	cancel() // the end of the start's context is not the end of the centre
	if !strings.HasPrefix(a.URL, "http://127.0.0.1:") || a.Centre.Settings().BaseURL != a.URL {
		t.Errorf("served at %q, known as %q", a.URL, a.Centre.Settings().BaseURL)
	}
	resp, err := http.Post(a.URL+"/api/v1/reports", "application/json", strings.NewReader(`{"type":"phishing","url":"https://bad.example.com/"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("%d %v", resp.StatusCode, err)
	}
	resp.Body.Close()
	if resp, err = http.Get(a.URL + "/answer/x"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%v %v", resp, err)
	}
	resp.Body.Close()
	if s := a.Centre.Settings(); s.Policy.Enabled["email"] || len(s.Rules) != 0 {
		t.Errorf("a centre as shipped sends %v and confirms by %q", s.Policy.Enabled, s.Rules)
	}
	key, reply, url := a.Key, a.Centre.ReplyKey, a.URL
	stop(t, a)
	stop(t, a) // twice is harmless
	if _, err := http.Get(url + "/api/v1/openapi.json"); err == nil {
		t.Error("it still serves")
	}
	b, err := app.New(t.Context(), cfg, nowhere(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, b)
	if len(key) != ed25519.PublicKeySize || !b.Key.Equal(key) || !slices.Equal(b.Centre.ReplyKey, reply) {
		t.Error("after a restart the keys are others")
	}
}

// TestStartFails starts a centre at an address that is taken: what was started
// is undone, and nothing is left that works or holds the database.
func TestStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := settings(t)
	cfg.Listen = l.Addr().String()
	a, err := app.New(t.Context(), cfg, nowhere(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context(), cfg, nowhere()); problem.CodeOf(err) != problem.Unavailable || !strings.Contains(err.Error(), cfg.Listen) {
		t.Fatalf("%v", err)
	}
	if err := a.Store.Writer().PingContext(t.Context()); err == nil {
		t.Error("the database is still open")
	}
	stop(t, a)
}

// TestNewFails gives every setting that can be wrong a wrong value: the error
// names it, and the database is let go.
func TestNewFails(t *testing.T) {
	file := func(text string) string {
		p := filepath.Join(t.TempDir(), "file.yaml")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		says   string
	}{
		{"database", func(c *config.Config) { c.Database = "mysql://x" }, "database"},
		{"no playbook", func(c *config.Config) { c.Files.Playbooks = []string{"/nonexistent.yaml"} }, "files.playbooks"},
		{"bad playbook", func(c *config.Config) { c.Files.Playbooks = []string{file("name: x\nnonsense: 1\n")} }, "files.playbooks"},
		{"no parties", func(c *config.Config) { c.Files.Parties = "/nonexistent.yaml" }, "files.parties"},
		{"bad parties", func(c *config.Config) { c.Files.Parties = file("nonsense: 1\n") }, ""},
		{"no suffixes", func(c *config.Config) { c.Files.Suffixes = "/nonexistent.dat" }, "files.suffixes"},
		{"no bootstrap", func(c *config.Config) { c.Files.Bootstrap = "/nonexistent.yaml" }, "files.bootstrap"},
		{"bad bootstrap", func(c *config.Config) { c.Files.Bootstrap = file("domains: 7\n") }, "files.bootstrap"},
		{"unknown key in bootstrap", func(c *config.Config) { c.Files.Bootstrap = file("domain: {}\n") }, "files.bootstrap"},
		{"no WHOIS file", func(c *config.Config) { c.Files.WHOIS = "/nonexistent.yaml" }, "files.whois"},
		{"bad WHOIS file", func(c *config.Config) { c.Files.WHOIS = file("domains: [x]\n") }, "files.whois"},
		{"unknown key in the WHOIS file", func(c *config.Config) { c.Files.WHOIS = file("domain: {}\n") }, "files.whois"},
		{"a WHOIS server that is none", func(c *config.Config) { c.Files.WHOIS = file("domains: {test: \"\"}\n") }, "files.whois"},
		{"a web address for a WHOIS server", func(c *config.Config) { c.Files.WHOIS = file("domains: {test: \"http://whois.example/\"}\n") }, "whois.test"},
		{"a WHOIS file without end", func(c *config.Config) { c.Files.WHOIS = file("# " + strings.Repeat("x", 1<<20) + "\n") }, "files.whois"},
		{"vantage", func(c *config.Config) {
			c.Network.Vantages = []config.Vantage{{ID: "a", UserAgent: "x"}, {ID: "b", UserAgent: "x", Source: "somewhere"}}
		}, "network.vantages"},
		{"smart host", func(c *config.Config) { c.Mail.Smarthost = "mail.example" }, "smarthost"},
	} {
		cfg := settings(t)
		c.change(&cfg)
		a, err := app.New(t.Context(), cfg, nowhere(), quiet)
		if err == nil {
			stop(t, a)
			t.Errorf("%s: it starts", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || problem.CodeOf(err) == problem.Internal {
			t.Errorf("%s: %s: %v", c.name, problem.CodeOf(err), err)
		}
		if a != nil && a.Store != nil && a.Store.Writer().PingContext(t.Context()) == nil {
			t.Errorf("%s: the database is still open", c.name)
		}
	}
}

// TestOwnFiles reads an operator's files.
func TestOwnFiles(t *testing.T) {
	dir := t.TempDir()
	cfg := settings(t)
	cfg.Files.Bootstrap = filepath.Join(dir, "bootstrap.yaml")
	if err := os.WriteFile(cfg.Files.Bootstrap, []byte("domains:\n  example: [\"https://rdap.registry.example/\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Files.WHOIS = filepath.Join(dir, "whois.yaml")
	if err := os.WriteFile(cfg.Files.WHOIS, []byte("domains:\n  example: whois.registry.example\n  co.example: none\n  \".\": none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Network.Vantages = []config.Vantage{{ID: "home", UserAgent: "x", Language: "en", Source: "192.0.2.1", Country: "DE"}}
	cfg.Centre.Contact, cfg.Worker = "desk@cert.example", ""
	a, err := app.New(t.Context(), cfg, nowhere(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	for _, n := range []string{"shop.test", "shop.co.example"} { // the operator's file says that nobody is to be asked
		d, err := name.Parse(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Collect.Registration(t.Context(), d); n == "shop.test" && problem.CodeOf(err) != problem.NotFound || err == nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	if n := a.Collect.Counts(); n.WHOIS != 0 {
		t.Errorf("asked all the same: %+v", n)
	}
	s := a.Centre.Settings()
	if s.ReplyDomain != "cert.example" || s.From != "desk@cert.example" || s.Worker == "" {
		t.Errorf("%+v", s)
	}
	if v := a.Centre.Vantages; len(v) != 1 || v[0].ID != "home" || v[0].Source != netip.MustParseAddr("192.0.2.1") || v[0].Country != "DE" {
		t.Errorf("%+v", v)
	}
}

// TestSweepRuns has the sweep of a started centre file a report by itself.
func TestSweepRuns(t *testing.T) {
	cfg := settings(t)
	a, err := app.New(t.Context(), cfg, nowhere(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	a.Store.SetEnqueuer(nil) // no jobs: only the sweep is left
	if err := a.Start(t.Context(), cfg, nowhere()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	resp, err := http.Post(a.URL+"/api/v1/reports", "application/json", strings.NewReader(`{"type":"phishing","url":"https://bad.example.com/"}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	_, receipt, _ := strings.Cut(string(b), `"receipt":"`)
	receipt, _, _ = strings.Cut(receipt, `"`)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for {
		select {
		case <-tick.C:
			rc, err := a.Centre.ReportState(t.Context(), receipt)
			if err != nil {
				t.Fatal(err)
			}
			if len(rc.Cases) == 1 {
				return
			}
		case <-end:
			t.Fatal("the report was not filed")
		}
	}
}

func TestULID(t *testing.T) {
	c := clock.NewVirtual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	next := app.ULID(c)
	seen := map[string]bool{}
	var last string
	for range 1000 {
		c.Set(c.Now().Add(time.Millisecond))
		id := next()
		if len(id) != 26 || seen[id] || id <= last || strings.Trim(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" || id[0] > '7' {
			t.Fatalf("%s after %s", id, last)
		}
		seen[id], last = true, id
	}
	// The first ten letters are the time: 48 bits of milliseconds.
	if got := app.ULID(clock.NewVirtual(time.UnixMilli(0)))(); got[:10] != "0000000000" {
		t.Error(got)
	}
	if got := app.ULID(clock.NewVirtual(time.UnixMilli(1469918176385)))(); got[:10] != "01ARYZ6S41" { // the example of the ULID specification
		t.Error(got)
	}
}
