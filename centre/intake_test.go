package centre_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/problem"
	"bailiwick/store"
)

// answer is what the API says.
type answer struct {
	status int
	kind   string // media type
	centre.Receipt
	Title   string          `json:"title"`
	Status  int             `json:"status"`
	Problem json.RawMessage `json:"type"`
	Inner   *centre.Receipt // of a failure
	raw     string
}

func post(t testing.TB, url, key, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return do(t, req)
}

func get(t testing.TB, url string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), raw: string(b)}
	if len(b) == 0 {
		return a
	}
	if resp.StatusCode < 300 {
		err = json.Unmarshal(b, &a.Receipt)
	} else {
		var p struct {
			problem.Document
			Receipt *centre.Receipt `json:"receipt"`
		}
		err = json.Unmarshal(b, &p)
		a.Title, a.Status, a.Detail, a.Errors, a.Inner = p.Title, p.Status, p.Detail, p.Errors, p.Receipt
	}
	if err != nil {
		t.Fatalf("%s %s: %v in %s", req.Method, req.URL, err, b)
	}
	return a
}

// rows are all reports, by the order they came in.
func rows(t testing.TB, a *app.App) (out []store.Report) {
	t.Helper()
	err := a.Store.View(t.Context(), func(tx *store.Tx) error {
		rs, err := tx.SQL().QueryContext(t.Context(), "SELECT id FROM reports ORDER BY received, id")
		if err != nil {
			return err
		}
		defer rs.Close()
		var ids []string
		for rs.Next() {
			var id string
			if err := rs.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			r, err := tx.Report(t.Context(), id)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return rs.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// kept gives the stored bytes of a report.
func kept(t testing.TB, a *app.App, receipt string) (store.Report, string) {
	t.Helper()
	var r store.Report
	if err := a.Store.View(t.Context(), func(tx *store.Tx) (err error) { r, err = tx.ReportByReceipt(t.Context(), receipt); return err }); err != nil {
		t.Fatal(err)
	}
	if r.Blob == "" {
		return r, ""
	}
	b, _, err := a.Store.Blob(t.Context(), r.Blob)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b[r.Offset : r.Offset+r.Length])
}

const (
	own = `{"type":"phishing","url":"https://login.bad.example.com/x","reporter":{"org":"Desk","contact":"desk@desk.example"}}`
	v3  = `{"Version":"3","ReporterInfo":{"ReporterOrg":"Desk","ReporterOrgEmail":"d@desk.example"},"Report":{"ReportClass":"Content","ReportType":"Phishing","Date":"2026-11-02T08:15:30Z","SourceUrl":"https://bad.example.com/x"}}`
)

func v4(url string) string {
	return `{"xarf_version":"4.2.0","report_id":"b0a3c2a4-7a52-4b35-9a54-5b1d1f0f6a11","timestamp":"2026-11-02T08:15:30Z",` +
		`"reporter":{"org":"Desk","contact":"d@desk.example","domain":"desk.example"},"sender":{"org":"Desk","contact":"d@desk.example","domain":"desk.example"},` +
		`"source_identifier":"8.8.4.4","category":"content","type":"phishing","url":"` + url + `"}`
}

func TestAccepted(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		srv := serve(t, a) + "/api/v1/reports"
		for i, c := range []struct{ body, format string }{
			{own, "json"},
			{v3, "xarf3"},
			{v4("https://bad.example.com/x"), "xarf4"},
			{v4("hxxps://bad[.]example[.]com/x"), "xarf4"},
			{"  \r\n" + own + "\n", "json"},
			{`{"type":"botnet","ips":["8.8.4.4"]}`, "json"},
			{`{"type":"phishing","url":"https://login.bad.example.com/` + strings.Repeat("x", 1500) + `","evidence":[{"media_type":"text/plain","data":"` +
				strings.Repeat("QUFB", 50_000) + `"}]}`, "json"}, // over the size that is kept in the database
		} {
			got := post(t, srv, fmt.Sprint("k", i), c.body)
			if got.status != http.StatusAccepted || got.State != store.ReportReceived || got.Format != c.format || len(got.Receipt.Receipt) < 20 || got.Repeated {
				t.Errorf("%.60s: %d %s", c.body, got.status, got.raw)
				continue
			}
			// The receipt is given after the commit: what it stands for is there.
			if row, raw := kept(t, a, got.Receipt.Receipt); raw != c.body || row.Due.IsZero() || row.Digest != got.SHA256 {
				t.Errorf("%.60s: kept as %.60q, %+v", c.body, raw, row)
			}
			state := get(t, srv+"/"+got.Receipt.Receipt)
			if state.status != http.StatusOK || state.State != store.ReportReceived || state.SHA256 != got.SHA256 || !state.Received.Equal(got.Received) {
				t.Errorf("%.60s: its state is %d %s", c.body, state.status, state.raw)
			}
		}
		if got := get(t, srv+"/nosuch"); got.status != http.StatusNotFound || got.kind != "application/problem+json" {
			t.Errorf("no such receipt: %d %s", got.status, got.raw)
		}
	})
}

// TestBadInput sends what cannot be worked on: the answer says what and where,
// and the bytes are kept.
func TestBadInput(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		srv := serve(t, a) + "/api/v1/reports"
		for _, c := range []struct{ name, body, field, reason string }{
			{"malformed JSON", own[:60], "", "not valid JSON"},
			{"no JSON at all", "hello", "", "not valid JSON"},
			{"binary", "\x00\x01\xff\xfe", "", "not valid JSON"},
			{"deep", strings.Repeat("[", 100_000), "", "nest"},
			{"no sender", strings.Replace(v4("https://bad.example.com/"), `"sender"`, `"x_sender"`, 1), "sender", "required"},
			{"not a name", strings.Replace(own, "login.bad.example.com", "-not a name-..", 1), "url", ""},
			{"private address", strings.Replace(own, "login.bad.example.com", "192.168.10.20", 1), "url", "nobody outside can act on it"},
			{"loopback by number", strings.Replace(own, "login.bad.example.com", "2130706433", 1), "url", ""},
			{"metadata address", strings.Replace(own, "login.bad.example.com", "[::ffff:169.254.169.254]", 1), "url", "nobody outside"},
			{"local name", strings.Replace(own, "login.bad.example.com", "printer.local", 1), "url", "public DNS"},
			{"no subject", `{"type":"phishing"}`, "urls", "names no URL"},
			{"unknown field", strings.Replace(own, `"url"`, `"uri"`, 1), "uri", "not a field"},
			{"unknown type", strings.Replace(own, `"phishing"`, `"nonsense"`, 1), "type", ""},
			{"a public suffix", `{"type":"phishing","url":"https://co.uk/"}`, "", "suffix"},
		} {
			got := post(t, srv, "bad "+c.name, c.body)
			if got.status < 400 || got.status > 499 || got.Status != got.status || got.kind != "application/problem+json" || got.Title == "" {
				t.Errorf("%s: %d %s %s", c.name, got.status, got.kind, got.raw)
				continue
			}
			found := c.field == "" && strings.Contains(got.raw, c.reason)
			for _, f := range got.Errors {
				found = found || f.Path == c.field && strings.Contains(f.Reason, c.reason)
			}
			if !found {
				t.Errorf("%s: nothing says %q of %q: %s", c.name, c.reason, c.field, got.raw)
			}
			if got.Inner == nil || got.Inner.State != store.ReportRejected || got.Inner.Receipt == "" {
				t.Errorf("%s: no receipt: %s", c.name, got.raw)
				continue
			}
			row, raw := kept(t, a, got.Inner.Receipt)
			if raw != c.body || row.State != store.ReportRejected || !row.Due.IsZero() {
				t.Errorf("%s: kept as %.60q, %+v", c.name, raw, row)
			}
			if state := get(t, srv+"/"+got.Inner.Receipt); state.State != store.ReportRejected || state.Detail == "" {
				t.Errorf("%s: its state is %s", c.name, state.raw)
			}
		}
		before := len(rows(t, a))
		for _, c := range []struct {
			name, body, key string
			status          int
			reason          string
		}{
			{"empty", "", "", http.StatusBadRequest, "body is required"},
			{"blank", " \r\n\t ", "", http.StatusUnprocessableEntity, "empty"},
			{"oversize", own + strings.Repeat(" ", centre.MaxReport), "", http.StatusRequestEntityTooLarge, "too large limit=8388609"},
			{"a long key", own, strings.Repeat("k", 201), http.StatusUnprocessableEntity, "Idempotency-Key"},
		} {
			got := post(t, srv, c.key, c.body)
			if got.status != c.status || got.kind != "application/problem+json" || got.Title == "" || !strings.Contains(got.raw, c.reason) || !strings.Contains(got.raw, "urn:bailiwick:problem:") {
				t.Errorf("%s: %d %s %s", c.name, got.status, got.kind, got.raw)
			}
		}
		if n := len(rows(t, a)); n != before {
			t.Errorf("%d rows of what cannot be kept", n-before)
		}
		if s, err := a.Centre.Sweep(t.Context()); err != nil || !s.Zero() {
			t.Errorf("rejected reports are due: %+v %v", s, err)
		}
	})
}

func TestIdempotency(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		srv := serve(t, a) + "/api/v1/reports"
		first := post(t, srv, "k1", own)
		again := post(t, srv, "k1", own)
		if again.status != http.StatusAccepted || again.Receipt.Receipt != first.Receipt.Receipt || !again.Repeated || first.Repeated || !again.Received.Equal(first.Received) {
			t.Errorf("the same again: %s, then %s", first.raw, again.raw)
		}
		other := post(t, srv, "k1", v3)
		if other.status != http.StatusConflict || !strings.Contains(other.raw, first.Receipt.Receipt) {
			t.Errorf("other content: %d %s", other.status, other.raw)
		}
		if free := post(t, srv, "", own); free.status != http.StatusAccepted || free.Receipt.Receipt == first.Receipt.Receipt {
			t.Errorf("without a key: %d %s", free.status, free.raw)
		}
		bad, badAgain := post(t, srv, "k2", "{"), post(t, srv, "k2", "{")
		if bad.status != http.StatusUnprocessableEntity || badAgain.status != http.StatusUnprocessableEntity || bad.Inner.Receipt != badAgain.Inner.Receipt || !badAgain.Inner.Repeated {
			t.Errorf("a bad report again: %s, then %s", bad.raw, badAgain.raw)
		}
		if n := len(rows(t, a)); n != 3 {
			t.Errorf("%d rows", n)
		}

		const clients = 32
		receipts := make([]string, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				got, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "api", Scope: "somebody", Key: "together", Body: []byte(own)})
				if err != nil {
					t.Error(err)
				}
				receipts[i] = got.Receipt
			})
		}
		wg.Wait()
		slices.Sort(receipts)
		if r := slices.Compact(receipts); len(r) != 1 || r[0] == "" {
			t.Errorf("%d receipts for one key: %q", len(r), r)
		}
		if n := len(rows(t, a)); n != 4 {
			t.Errorf("%d rows after %d clients with one key", n, clients)
		}
		// A key belongs to who sends it.
		elsewhere, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "api", Scope: "somebody else", Key: "together", Body: []byte(v3)})
		if err != nil || elsewhere.Receipt == receipts[0] {
			t.Errorf("the key of somebody else: %+v, %v", elsewhere, err)
		}
	})
}

// results reads the lines that a bulk submission is answered with.
func results(t *testing.T, body string) (out []centre.BulkResult) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	for {
		var r centre.BulkResult
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v in %.300s", err, body)
		}
		out = append(out, r)
	}
}

func bulk(t *testing.T, url, key string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestBulk sends a thousand reports with one bad line among them, blank lines
// and lines that end in CRLF, and then the same again.
func TestBulk(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		srv := serve(t, a) + "/api/v1/reports/bulk"
		const n = 1000
		var body bytes.Buffer
		sent := map[int]string{}
		for i := 1; i <= n; i++ {
			l := string(xarfLine(i))
			switch {
			case i == 500:
				l = l[:len(l)/2] // one bad line
			case i == 700, i == 701:
				l = ""
			}
			if sent[i] = l; l == "" {
				delete(sent, i)
			}
			body.WriteString(l)
			if i%3 == 0 {
				body.WriteByte('\r')
			}
			if i < n { // the last line has no end
				body.WriteByte('\n')
			}
		}
		status, out := bulk(t, srv, "batch", bytes.NewReader(body.Bytes()))
		if status != http.StatusOK {
			t.Fatalf("%d %.300s", status, out)
		}
		first := results(t, out)
		if len(first) != len(sent) {
			t.Fatalf("%d results for %d lines", len(first), len(sent))
		}
		last := 0
		for _, r := range first {
			if r.Line <= last || sent[r.Line] == "" || r.Problem != nil || r.Repeated || r.Receipt.Receipt == "" {
				t.Fatalf("%+v after line %d", r, last)
			}
			last = r.Line
			want := store.ReportReceived
			if r.Line == 500 {
				want = store.ReportRejected
			}
			if r.State != want {
				t.Errorf("line %d is %s: %s", r.Line, r.State, r.Detail)
			}
			if r.Line%97 == 0 || r.Line == 500 {
				if row, raw := kept(t, a, r.Receipt.Receipt); raw != sent[r.Line] || row.State != want {
					t.Errorf("line %d is kept as %.80q, %s", r.Line, raw, row.State)
				}
			}
		}
		status, out = bulk(t, srv, "batch", bytes.NewReader(body.Bytes()))
		second := results(t, out)
		if status != http.StatusOK || len(second) != len(first) {
			t.Fatalf("again: %d, %d results", status, len(second))
		}
		for i, r := range second {
			if !r.Repeated || r.Receipt.Receipt != first[i].Receipt.Receipt || r.Line != first[i].Line {
				t.Fatalf("again: %+v, first %+v", r, first[i])
			}
		}
		changed := bytes.Replace(body.Bytes(), []byte("name-3.example"), []byte("name-4.example"), 1)
		if _, out = bulk(t, srv, "batch", bytes.NewReader(changed)); true {
			third := results(t, out)
			for _, r := range third {
				if (r.Line == 3) != (r.Problem != nil) || r.Problem != nil && (r.Problem.Status != http.StatusConflict || r.Receipt.Receipt != "") {
					t.Fatalf("with line 3 changed: %+v", r)
				}
			}
		}
		if got := len(rows(t, a)); got != len(sent) {
			t.Errorf("%d rows for %d lines", got, len(sent))
		}
		for _, c := range []string{"", "\n\r\n \n"} {
			if status, out := bulk(t, srv, "", strings.NewReader(c)); status != http.StatusUnprocessableEntity || !strings.Contains(out, "no lines") {
				t.Errorf("no lines: %d %s", status, out)
			}
		}
	})
}

// TestBulkLimits has a line over the limit, and a body that breaks off within a
// line: what was whole is stored, and what was cut takes no key, so that the
// whole submission can be sent again.
func TestBulkLimits(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		submit := func(key string, body io.Reader) ([]centre.BulkResult, error) {
			var out []centre.BulkResult
			err := a.Centre.SubmitBulk(t.Context(), centre.Submission{Source: "test", Scope: "s", Key: key}, body, func(r centre.BulkResult) error {
				out = append(out, r)
				return nil
			})
			return out, err
		}
		long := `{"type":"phishing","description":"` + strings.Repeat("x", centre.MaxReport) + `"}`
		got, err := submit("long", strings.NewReader(string(xarfLine(1))+"\n"+long+"\n"+string(xarfLine(3))+"\n"))
		if err != nil || len(got) != 3 || got[0].State != store.ReportReceived || got[2].State != store.ReportReceived || got[2].Line != 3 ||
			got[1].Line != 2 || got[1].Problem == nil || got[1].Problem.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("a line over the limit: %+v, %v", got, err)
		}

		whole := string(xarfLine(11)) + "\n" + string(xarfLine(12)) + "\n" + string(xarfLine(13)) + "\n"
		broken := errors.New("the line went dead")
		got, err = submit("broken", io.MultiReader(strings.NewReader(whole[:len(whole)-100]), &dead{broken}))
		if problem.CodeOf(err) != problem.Unavailable || !errors.Is(err, broken) || !strings.Contains(err.Error(), "after line 2") || len(got) != 2 {
			t.Errorf("a body that broke off: %+v, %v", got, err)
		}
		again, err := submit("broken", strings.NewReader(whole))
		if err != nil || len(again) != 3 || !again[0].Repeated || !again[1].Repeated || again[2].Repeated || again[2].Problem != nil || again[2].State != store.ReportReceived {
			t.Errorf("the whole of it: %+v, %v", again, err)
		}

		// Over the limit of the whole: said so, also where single lines are over
		// theirs.
		got, err = submit("huge", io.MultiReader(strings.NewReader(string(xarfLine(21))+"\n"), io.LimitReader(&repeat{line: long + "\n"}, centre.MaxBulk), strings.NewReader(string(xarfLine(22)))))
		if problem.CodeOf(err) != problem.TooLarge || len(got) < 2 || got[0].State != store.ReportReceived {
			t.Errorf("a submission over the limit: %d results, %v", len(got), err)
		}
	})
}

// dead is a reader that fails.
type dead struct{ err error }

func (d *dead) Read([]byte) (int, error) { return 0, d.err }

// repeat reads a line over and over.
type repeat struct {
	line string
	at   int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := copy(b, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	return n, nil
}

// TestBulkHangsUp has the client go away in mid-submission: what was committed
// stays, and sending it again meets it.
func TestBulkHangsUp(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		var body bytes.Buffer
		for i := range 1200 {
			body.Write(xarfLine(i))
			body.WriteByte('\n')
		}
		ctx, cancel := context.WithCancel(t.Context())
		sub := centre.Submission{Source: "test", Scope: "s", Key: "k"}
		n := 0
		err := a.Centre.SubmitBulk(ctx, sub, bytes.NewReader(body.Bytes()), func(centre.BulkResult) error {
			if n++; n == 100 {
				cancel()
				return ctx.Err()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		repeated := 0
		if err := a.Centre.SubmitBulk(t.Context(), sub, bytes.NewReader(body.Bytes()), func(r centre.BulkResult) error {
			if r.Problem != nil {
				t.Errorf("%+v", r)
			}
			if r.Repeated {
				repeated++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := len(rows(t, a)); got != 1200 || repeated != 500 {
			t.Errorf("%d rows, %d of them met again", got, repeated)
		}
	})
}

// TestGoneBeforeCommit has clients that hang up while their report waits for
// its commit, and whose body is then used for something else: what is stored is
// what they sent, and nobody else's report is lost.
func TestGoneBeforeCommit(t *testing.T) {
	each(t, func(t *testing.T, dsn func() string) {
		a := newApp(t, settings(t, dsn()), app.World{})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		var wg sync.WaitGroup
		for i := range 200 {
			body := []byte(fmt.Sprintf(`{"type":"phishing","url":"https://n%d.bad.example.com/"}`, i))
			wg.Go(func() {
				if i%2 == 0 {
					if _, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "t", Body: body}); err != nil {
						t.Errorf("the report of somebody who waits: %v", err)
					}
					return
				}
				_, err := a.Centre.Submit(gone, centre.Submission{Source: "t", Body: body})
				if err != nil && problem.CodeOf(err) != problem.Unavailable {
					t.Error(err)
				}
				copy(body, bytes.Repeat([]byte("x"), len(body)))
			})
		}
		wg.Wait()
		// One more report is committed after all those that were taken.
		if _, err := a.Centre.Submit(t.Context(), centre.Submission{Source: "t", Body: []byte(own)}); err != nil {
			t.Fatal(err)
		}
		all := rows(t, a)
		if len(all) < 101 {
			t.Fatalf("%d rows", len(all))
		}
		for _, r := range all {
			if _, raw := kept(t, a, r.Receipt); !strings.HasPrefix(raw, `{"type"`) || !strings.HasSuffix(raw, "}") {
				t.Fatalf("stored: %q", raw)
			}
		}
	})
}
