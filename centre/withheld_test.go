package centre_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/config"
	"bailiwick/store"
)

// marker is in every part of the reports below, so that any of it that is kept
// shows.
const marker = "zq7marker"

// unkept are reports that declare what is never kept, in every way that reaches
// intake.
var unkept = []struct{ name, body string }{
	{"own JSON", `{"type":"csam","url":"https://` + marker + `.bad.example.com/` + marker + `","description":"` + marker + `","reporter":{"org":"` + marker + `"},"evidence":[{"media_type":"text/plain","data":"` + marker + `AAA="}]}`},
	{"XARF v4", `{"xarf_version":"4.2.0","report_id":"b0a3c2a4-7a52-4b35-9a54-5b1d1f0f6a11","timestamp":"2026-11-02T08:15:30Z",` +
		`"reporter":{"org":"` + marker + `","contact":"d@desk.example","domain":"desk.example"},"sender":{"org":"Desk","contact":"d@desk.example","domain":"desk.example"},` +
		`"source_identifier":"` + marker + `.example.com","category":"content","type":"csam","url":"https://` + marker + `.example.com/x"}`},
	{"XARF v3", `{"Version":"3","ReporterInfo":{"ReporterOrg":"` + marker + `"},"Report":{"ReportClass":"Content","ReportType":"CSAM","Date":"2026-11-02T08:15:30Z","SourceUrl":"https://` + marker + `.example.com/x"}}`},
	{"XARF v3, other words", `{"Version":"3","ReporterInfo":{"ReporterOrg":"Desk"},"Report":{"ReportClass":"Content","ReportType":"Child Abuse","SourceUrl":"https://` + marker + `.example.com/x"}}`},
	{"malformed JSON", `{"type":"csam","url":"https://` + marker + `.bad.example.com/`},
	{"escaped", `{"type":"\u0063sam","url":"https://` + marker + `.bad.example.com/"}`},
	{"not valid otherwise", `{"type":"CSAM","url":"https://192.168.1.1/` + marker + `","` + marker + `":1}`},
	{"no JSON", `category: child-abuse` + "\n" + `url: https://` + marker + `.example.com/`},
	{"over the size of a database blob", `{"type":"csam","description":"` + strings.Repeat(marker, 20_000) + `"}`},
}

// TestNeverKept sends reports that declare child sexual abuse material, singly
// and in bulk. Of their bytes nothing stays, in no table, file or log: only the
// receipt, the time and a digest.
func TestNeverKept(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		var log bytes.Buffer
		cfg := settings(t, dsn())
		cfg.Centre.Hotline = "https://hotline.example/report"
		a := newAppLog(t, cfg, app.World{}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		srv := serve(t, a) + "/api/v1/reports"
		var receipts []string
		for i, c := range unkept {
			got := post(t, srv, fmt.Sprint("k", i), c.body)
			if got.status != http.StatusAccepted || got.State != store.ReportWithheld || !strings.Contains(got.Detail, "https://hotline.example/report") || got.Receipt.Receipt == "" {
				t.Errorf("%s: %d %s", c.name, got.status, got.raw)
				continue
			}
			receipts = append(receipts, got.Receipt.Receipt)
			if again := post(t, srv, fmt.Sprint("k", i), c.body); again.Receipt.Receipt != got.Receipt.Receipt || !again.Repeated {
				t.Errorf("%s again: %s", c.name, again.raw)
			}
			if state := get(t, srv+"/"+got.Receipt.Receipt); state.State != store.ReportWithheld || !strings.Contains(state.Detail, "hotline") || state.SHA256 != got.SHA256 {
				t.Errorf("%s: its state is %s", c.name, state.raw)
			}
		}
		var lines []string
		for i, c := range unkept {
			if strings.Contains(c.body, "\n") {
				continue
			}
			lines = append(lines, string(xarfLine(2*i)), c.body)
		}
		status, out := bulk(t, srv+"/bulk", "b", strings.NewReader(strings.Join(lines, "\n")))
		if status != http.StatusOK {
			t.Fatalf("bulk: %d %s", status, out)
		}
		for i, r := range results(t, out) {
			want := store.ReportReceived
			if i%2 == 1 {
				want = store.ReportWithheld
			}
			if r.State != want || (want == store.ReportWithheld) != strings.Contains(r.Detail, "hotline") {
				t.Errorf("line %d is %s: %s", r.Line, r.State, r.Detail)
			}
			if want == store.ReportWithheld {
				receipts = append(receipts, r.Receipt.Receipt)
			} else if _, raw := kept(t, a, r.Receipt.Receipt); raw != lines[i] {
				t.Errorf("line %d is kept as %q", r.Line, raw)
			}
		}
		// All that can be done with reports is done; nothing comes of these.
		if _, err := a.Centre.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, receipt := range receipts {
			row, raw := kept(t, a, receipt)
			if raw != "" || row.Blob != "" || len(row.Cases) != 0 || row.Format != "" || len(row.Fields) != 0 || !row.Due.IsZero() || row.Length != 0 || row.Digest == "" || row.Received.IsZero() {
				t.Errorf("kept: %+v", row)
			}
		}
		cs, err := a.Centre.Cases(t.Context(), store.CaseFilter{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			if strings.Contains(c.Subject.Key(), marker) {
				t.Errorf("a case about %s", c.Subject.Key())
			}
		}
		if strings.Contains(log.String(), marker) {
			t.Errorf("in the log: %s", log.String())
		}
		nowhere(t, a, cfg, marker)
	})
}

// nowhere searches everything that the centre keeps for a string: every blob,
// opened; every file; every column of every table.
func nowhere(t *testing.T, a *app.App, cfg config.Config, s string) {
	t.Helper()
	tables := map[string]string{"sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
		"postgres": "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"}
	column := func(query string) (out []string) {
		t.Helper()
		rs, err := a.Store.Writer().QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rs.Close()
		for rs.Next() {
			var v string
			if err := rs.Scan(&v); err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		if err := rs.Err(); err != nil {
			t.Fatal(err)
		}
		return out
	}
	seen := 0
	for _, table := range column(tables[a.Store.Engine()]) {
		if a.Store.Engine() == "sqlite" {
			continue // its file is read below
		}
		for _, row := range column("SELECT t::text FROM " + table + " t") { // BYTEA comes as hex
			seen++
			if strings.Contains(row, s) || strings.Contains(row, hex.EncodeToString([]byte(s))) {
				t.Errorf("in table %s: %.200s", table, row)
			}
		}
	}
	digest := "SELECT hex(sha) FROM blobs WHERE erased IS NULL"
	if a.Store.Engine() == "postgres" {
		digest = "SELECT encode(sha, 'hex') FROM blobs WHERE erased IS NULL"
	}
	for _, sha := range column(digest) {
		b, _, err := a.Store.Blob(t.Context(), strings.ToLower(sha))
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if bytes.Contains(b, []byte(s)) {
			t.Errorf("in blob %s: %.200s", sha, b)
		}
	}
	dirs := []string{cfg.Blobs}
	if path, ok := strings.CutPrefix(cfg.Database, "sqlite:"); ok {
		dirs = append(dirs, filepath.Dir(path)) // with the write-ahead log
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("in file %s", filepath.Base(path))
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if seen < 3 {
		t.Fatalf("only %d things were searched", seen)
	}
}

// TestBarred sends bytes again that a person has marked as never to be kept,
// among other reports that are committed with them: they leave a receipt only,
// and cost nobody else anything.
func TestBarred(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		cfg := settings(t, dsn())
		cfg.Centre.Hotline = "https://hotline.example/report"
		a := newApp(t, cfg, app.World{})
		srv := serve(t, a) + "/api/v1/reports"
		for _, body := range []string{
			`{"type":"other","url":"https://` + marker + `.bad.example.com/"}`,
			`{"type":"other","url":"https://` + marker + `.bad.example.com/","description":"` + strings.Repeat("x", 70_000) + `"}`,
		} {
			first := post(t, srv, "", body)
			row, _ := kept(t, a, first.Receipt.Receipt)
			if err := a.Store.BarBlob(t.Context(), row.Blob); err != nil {
				t.Fatal(err)
			}
			done := make(chan answer, 20)
			for i := range 20 {
				b := string(xarfLine(i))
				if i == 7 {
					b = body
				}
				go func() { done <- post(t, srv, "", b) }()
			}
			withheld := 0
			for range 20 {
				got := <-done
				if got.State == store.ReportWithheld {
					withheld++
					if row, raw := kept(t, a, got.Receipt.Receipt); raw != "" || row.Blob != "" || !strings.Contains(got.Detail, "hotline") {
						t.Errorf("kept: %+v, told: %s", row, got.raw)
					}
				} else if got.status != http.StatusAccepted || got.State != store.ReportReceived {
					t.Errorf("another report: %d %s", got.status, got.raw)
				}
			}
			if withheld != 1 {
				t.Errorf("%d reports were withheld", withheld)
			}
		}
	})
}

// TestPurge has a person find that a case is about what is never kept: what was
// captured, sent and reported is erased, the case closes, and the same report
// leaves only a receipt when it comes again.
func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		r := newRig(t, dsn(), askWorld, options{drive: swept})
		body := claimOf("phishing", "https://aurora-login.shopx/verify/")
		first := r.filed(body)
		c := r.only("aurora-login.shopx")
		es, err := r.Centre.Events(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		shas := c.Look.Blobs
		for _, n := range r.notices(c) {
			shas = append(shas, n.Blob)
		}
		row, _ := kept(t, r.App, first.Receipt.Receipt)
		if shas = append(shas, row.Blob); len(shas) < 6 {
			t.Fatalf("only %d blobs", len(shas))
		}
		if c, err = r.Centre.Purge(t.Context(), c.ID, "person:1"); err != nil || c.State != casework.Closed {
			t.Fatalf("%s %v", c.State, err)
		}
		for _, sha := range shas {
			if _, _, err := r.Store.Blob(t.Context(), sha); err == nil {
				t.Errorf("blob %s can still be read", sha)
			}
		}
		if again, err := r.Centre.Events(t.Context(), c.ID); err != nil || len(again) <= len(es) {
			t.Errorf("the log has %d events, it had %d, %v", len(again), len(es), err)
		}
		if got := post(t, r.url+"/api/v1/reports", "", body); got.State != store.ReportWithheld || !strings.Contains(got.Detail, "hotline") {
			t.Errorf("the same again: %d %s", got.status, got.raw)
		}
		r.until(5 * day)
		if c = r.only("aurora-login.shopx"); c.State != casework.Closed {
			t.Errorf("later it is %s", c.State)
		}
		r.check()
	})
}
