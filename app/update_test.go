package app_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bailiwick/app"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"
)

// mirror serves bootstrap files with validators, and counts.
type mirror struct {
	*httptest.Server
	mu      sync.Mutex
	files   map[string]string
	handler http.HandlerFunc // before the files
	whole   int              // answers with a body
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	shipped := bootstrap.DefaultFiles()
	m := &mirror{files: map[string]string{}}
	for _, n := range bootstrap.Names() {
		m.files["/rdap/"+n+".json"] = string(*shipped.File(n))
	}
	m.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.handler != nil {
			m.handler(rw, r)
			return
		}
		body, ok := m.files[r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(body)))
		rw.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		m.whole++
		_, _ = rw.Write([]byte(body))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// tags is a file of object tags.
func tags(published string, names ...string) string {
	return `{"version":"1.0","publication":"` + published + `","services":[[["a@b.example"],["` + strings.Join(names, `","`) + `"],["https://rdap.example/"]]]}`
}

func TestUpdate(t *testing.T) {
	m := newMirror(t)
	folder := filepath.Join(t.TempDir(), "rdap")
	update := func(want string) map[string]app.BootstrapFile { // the names of the files that are replaced
		t.Helper()
		files, err := app.UpdateBootstrap(t.Context(), folder, m.URL+"/rdap", app.World{}, "test", quiet)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]app.BootstrapFile{}
		var changed []string
		for _, f := range files {
			out[f.Name] = f
			if f.Changed != nil {
				changed = append(changed, f.Name)
			}
		}
		if got := strings.Join(changed, " "); got != want {
			t.Errorf("replaced %q, not %q: %+v", got, want, files)
		}
		if left, err := filepath.Glob(filepath.Join(folder, ".new-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		return out
	}
	update("dns ipv4 ipv6 asn object-tags")
	if update(""); m.whole != 5 {
		t.Errorf("%d whole answers: what has not changed is fetched again", m.whole)
	}

	// A newer file is taken, and a centre with this folder uses it.
	m.set(func() {
		m.files["/rdap/object-tags.json"] = tags("2026-10-01T00:00:00Z", "ARIN", "RIPE", "NEW")
	})
	f := update("object-tags")["object-tags"]
	if strings.Join(f.Changed.Added, " ") != "NEW" || len(f.Changed.Removed) != 3 || strings.Join(f.Changed.Moved, " ") != "ARIN RIPE" ||
		f.Published.Format("2006-01-02") != "2026-10-01" || f.Was.Format("2006-01-02") != "2022-12-29" || f.Entries != 3 {
		t.Errorf("%+v, %+v", f, f.Changed)
	}
	servers, err := app.RDAPServers(folder, "", quiet)
	if err != nil || strings.Join(servers.Entity("X-NEW"), " ") != "https://rdap.example/" {
		t.Errorf("%v, %v", servers.Entity("X-NEW"), err)
	}
	d, err := name.Parse("shop.com")
	if err != nil {
		t.Fatal(err)
	}
	if len(servers.Domain(d)) == 0 || len(servers.Autnum(1228)) == 0 || len(servers.Network(netip.MustParseAddr("193.0.0.1"))) == 0 {
		t.Error("the other files are lost")
	}
	shown, err := app.BootstrapInUse(folder, quiet)
	if err != nil || len(shown) != 5 || shown[4].Path == "" || shown[4].Source != m.URL+"/rdap/object-tags.json" || shown[4].Fetched.IsZero() || shown[4].Entries != 3 {
		t.Errorf("%+v, %v", shown, err)
	}

	// Whatever else comes, the one in use stays, and it is said why.
	path := app.BootstrapPath(folder, "object-tags")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string]struct {
		body    string
		handler http.HandlerFunc
		says    string
	}{
		"cut":      {tags("2026-11-01T00:00:00Z", "ARIN", "RIPE", "NEW")[:90], nil, "not a bootstrap file"},
		"a page":   {"<html>", nil, "not a bootstrap file"},
		"older":    {tags("2026-09-01T00:00:00Z", "ARIN", "RIPE", "NEW"), nil, "before the one in use"},
		"undated":  {tags("soon", "ARIN", "RIPE", "NEW"), nil, "does not say when"},
		"shrunk":   {tags("2026-11-01T00:00:00Z", "ARIN"), nil, "less than half"},
		"no use":   {tags("2026-11-01T00:00:00Z", "a b", "-"), nil, "no entry"},
		"empty":    {"", nil, "object-tags"},
		"gone":     {"", http.NotFound, "404"},
		"too long": {strings.Repeat(" ", bootstrap.MaxBytes+1), nil, "octets"},
		"breaks off": {"", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "5000")
			_, _ = rw.Write([]byte("{"))
		}, "whole"},
		"elsewhere": {"", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://127.0.0.2:1/object-tags.json", http.StatusFound)
		}, "no address that may be reached"},
		"in a circle": {"", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.Path, http.StatusFound) }, "too many times"},
	} {
		t.Run(what, func(t *testing.T) {
			m.set(func() {
				m.handler = x.handler
				m.files["/rdap/object-tags.json"] = x.body
			})
			f := update("")["object-tags"]
			if !strings.Contains(f.Kept, x.says) || f.Entries != 3 {
				t.Errorf("%+v", f)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
				t.Errorf("the file in use was changed: %v", err)
			}
		})
	}
	m.set(func() { m.handler = nil })

	// A file that is damaged on the disk is not used, and is fetched anew.
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	servers, err = app.RDAPServers(folder, "", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(servers.Entity("X-ARIN")) == 0 || len(servers.Entity("X-NEW")) > 0 || !strings.Contains(log.String(), "shipped") {
		t.Errorf("%v, %s", err, log.String())
	}
	m.set(func() { m.files["/rdap/object-tags.json"] = string(before) })
	update("object-tags")
}

// TestUpdateWrong: what concerns all files is an error, and a mirror that is not
// there costs nothing.
func TestUpdateWrong(t *testing.T) {
	for from, folder := range map[string]string{"ftp://x.example/": t.TempDir(), "rdap": t.TempDir(), "https://x.example/": ""} {
		if _, err := app.UpdateBootstrap(t.Context(), folder, from, app.World{}, "test", quiet); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s: %v", from, err)
		}
	}
	files, err := app.UpdateBootstrap(t.Context(), t.TempDir(), "https://mirror.example/", nowhere(), "test", quiet)
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if f.Kept == "" || f.Path != "" || f.Changed != nil {
			t.Errorf("%+v", f)
		}
	}
}
