package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bailiwick/api"
	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/problem"
	"bailiwick/store"
)

func serve(tb testing.TB) (*app.App, string) {
	tb.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	cfg.Database, cfg.Blobs = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs")
	a, err := app.New(tb.Context(), cfg, app.World{ByHand: true, Dial: func(context.Context, netip.Addr, string, string) (net.Conn, error) {
		return nil, errors.New("there is no network here")
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	mux := http.NewServeMux()
	api.New(a.Centre, a.Access).Register(mux)
	srv := httptest.NewServer(mux)
	tb.Cleanup(srv.Close)
	return a, srv.URL
}

func send(tb testing.TB, method, url, body string, header ...string) (*http.Response, string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp, string(b)
}

// TestErrors holds every error of the API, whoever finds it, to one form.
func TestErrors(t *testing.T) {
	_, url := serve(t)
	url += "/api/v1"
	big := strings.Repeat(" ", centre.MaxReport+1)
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		kind                     problem.Code
		field                    string
	}{
		{"an empty report", "POST", "/reports", "", nil, 400, problem.Invalid, ""},
		{"a blank report", "POST", "/reports", " \n", nil, 422, problem.Invalid, ""},
		{"too large a report", "POST", "/reports", big, nil, 413, problem.TooLarge, ""},
		{"a report that is none", "POST", "/reports", "[]", nil, 422, problem.Invalid, ""},
		{"a field that is wrong", "POST", "/reports", `{"type":"phishing","url":"http://10.0.0.1/"}`, nil, 422, problem.Invalid, "url"},
		{"too long a key", "POST", "/reports", `{"type":"phishing","url":"http://bad.example.com/"}`, []string{"Idempotency-Key", strings.Repeat("k", 201)}, 422, problem.Invalid, "Idempotency-Key"},
		{"too long a key in bulk", "POST", "/reports/bulk", `{}`, []string{"Idempotency-Key", strings.Repeat("k", 201)}, 422, problem.Invalid, "Idempotency-Key"},
		{"an empty bulk", "POST", "/reports/bulk", "\n\n", nil, 422, problem.Invalid, ""},
		{"no such receipt", "GET", "/reports/x", "", nil, 404, problem.NotFound, ""},
		{"a receipt beyond measure", "GET", "/reports/" + strings.Repeat("x", 65), "", nil, 422, problem.Invalid, "receipt"},
		{"nothing to withdraw", "POST", "/reports/x/withdraw", "", nil, 404, problem.NotFound, ""},
		{"an answer to nothing", "POST", "/answers/x", `{"answer":"acted"}`, nil, 404, problem.NotFound, ""},
		{"an answer that is none", "POST", "/answers/x", `{"answer":"maybe"}`, nil, 422, problem.Invalid, "answer"},
		{"an answer with more", "POST", "/answers/x", `{"answer":"acted","who":"me"}`, nil, 422, problem.Invalid, "who"},
		{"an answer without one", "POST", "/answers/x", `{}`, nil, 422, problem.Invalid, ""},
		{"an answer that is no JSON", "POST", "/answers/x", `answer`, nil, 400, problem.Invalid, "body"},
		{"too large an answer", "POST", "/answers/x", `{"answer":"acted","note":"` + strings.Repeat("x", 70_000) + `"}`, nil, 413, problem.TooLarge, ""},
	} {
		resp, body := send(t, c.method, url+c.path, c.body, append([]string{"Content-Type", "application/json"}, c.header...)...)
		var d struct {
			problem.Document
			Receipt *centre.Receipt `json:"receipt"`
		}
		if err := json.Unmarshal([]byte(body), &d); err != nil {
			t.Errorf("%s: %v in %q", c.name, err, body)
			continue
		}
		if resp.StatusCode != c.status || d.Status != c.status || resp.Header.Get("Content-Type") != "application/problem+json" || d.Type != "urn:bailiwick:problem:"+string(c.kind) || d.Title == "" || d.Detail == "" {
			t.Errorf("%s: %d %s %s", c.name, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if c.field != "" && !slices.ContainsFunc(d.Errors, func(f problem.Field) bool { return f.Path == c.field && f.Reason != "" }) {
			t.Errorf("%s: nothing is said of %s: %s", c.name, c.field, body)
		}
		if len(body) > 2000 {
			t.Errorf("%s: the answer is %d octets long", c.name, len(body))
		}
	}
	if resp, _ := send(t, "DELETE", url+"/reports", ""); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("another method: %d", resp.StatusCode)
	}
}

// TestOpenAPI holds the description against what is served.
func TestOpenAPI(t *testing.T) {
	resp, body := send(t, "GET", staffed(t).url+"/openapi.json", "")
	var d struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name string `json:"name"`
			} `json:"parameters"`
			Security  []map[string][]string `json:"security"`
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatalf("%d %v %.100s", resp.StatusCode, err, body)
	}
	want := map[string]string{"post /api/v1/reports": "report", "post /api/v1/reports/bulk": "bulk", "get /api/v1/reports/{receipt}": "report-state",
		"post /api/v1/reports/{receipt}/withdraw": "withdraw", "post /api/v1/answers/{token}": "answer",
		"get /api/v1/cases": "cases", "get /api/v1/cases/{id}": "case", "get /api/v1/cases/{id}/log": "case-log"}
	for _, act := range []string{"confirm", "reject", "note", "answer", "extend", "close", "reopen", "merge", "unmerge", "ask", "escalate", "assign"} {
		want["post /api/v1/cases/{id}/"+act] = "case-" + act
	}
	for path, id := range map[string]string{"post /api/v1/disclosures": "disclosure-request", "get /api/v1/disclosure-status/{token}": "disclosure-status",
		"post /api/v1/disclosure-status/{token}/withdraw": "disclosure-withdraw", "post /api/v1/disclosure-answers/{token}": "disclosure-answer",
		"get /api/v1/disclosures": "disclosures", "get /api/v1/disclosures/{id}": "disclosure", "post /api/v1/disclosures/sent": "disclosure-draft"} {
		want[path] = id
	}
	for _, act := range []string{"send", "acknowledge", "ask", "add", "withdraw"} {
		want["post /api/v1/disclosures/{id}/"+act] = "disclosure-act-" + act
	}
	for path, id := range map[string]string{"post /api/v1/verifications": "verification-open", "get /api/v1/verifications": "verifications", "get /api/v1/verifications/{id}": "verification",
		"post /api/v1/verifications/{id}/answer": "verification-answer", "post /api/v1/verifications/{id}/again": "verification-again",
		"post /api/v1/verifications/{id}/gone": "verification-gone"} {
		want[path] = id
	}
	for path, id := range map[string]string{"get /api/v1/inaccuracies": "inaccuracies", "get /api/v1/inaccuracies/{id}": "inaccuracy", "post /api/v1/inaccuracies": "inaccuracy-open",
		"post /api/v1/inaccuracy-answers/{token}": "inaccuracy-answer"} {
		want[path] = id
	}
	for path, ops := range d.Paths {
		for method, op := range ops {
			if want[method+" "+path] != op.OperationID {
				t.Errorf("%s %s is %q", method, path, op.OperationID)
			}
			delete(want, method+" "+path)
			if strings.HasPrefix(path, "/api/v1/cases") && (len(op.Security) != 1 || op.Security[0]["key"] == nil || op.Responses["401"].Content == nil || op.Responses["403"].Content == nil) {
				t.Errorf("%s %s does not say that it needs a key: %v", method, path, op.Security)
			}
			if strings.HasPrefix(path, "/api/v1/cases") && method == "get" && !strings.Contains(fmt.Sprint(op.Parameters), "{purpose}") {
				t.Errorf("%s %s does not ask for a purpose: %v", method, path, op.Parameters)
			}
			for code, r := range op.Responses {
				if code < "400" {
					continue
				}
				for kind, c := range r.Content {
					s := d.Components.Schemas[c.Schema.Ref[strings.LastIndexByte(c.Schema.Ref, '/')+1:]]
					if kind != "application/problem+json" || s.Properties["type"] == nil || s.Properties["receipt"] == nil || !strings.Contains(string(s.Properties["errors"]), "Field") {
						t.Errorf("%s %s: a %s is described as %s %v", method, path, code, kind, s.Properties)
					}
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not described: %v", want)
	}
	if v := d.Components.Schemas["CaseView"].Properties; v["id"] == nil || v["urls"] == nil || d.Components.Schemas["ReasonBody"].Properties["seq"] == nil {
		t.Errorf("a case is described as %v", v)
	}
	if f := d.Components.Schemas["Field"].Properties; f["path"] == nil || f["reason"] == nil {
		t.Errorf("a field is described as %v", f)
	}
}

// TestBulkStreams reads results while lines are still being sent.
func TestBulkStreams(t *testing.T) {
	a, url := serve(t)
	pr, pw := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/reports/bulk", pr)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(from, to int) []byte {
		var b bytes.Buffer
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `{"type":"phishing","url":"https://n%d.bad.example.com/"}`+"\n", i)
		}
		return b.Bytes()
	}
	sent := make(chan error, 1)
	next := make(chan struct{})
	go func() {
		_, err := pw.Write(lines(0, 600))
		<-next // not before results of the first have been read
		if err == nil {
			_, err = pw.Write(lines(600, 700))
		}
		sent <- errors.Join(err, pw.Close())
	}()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "application/x-ndjson" {
		t.Fatalf("%d %s", resp.StatusCode, kind)
	}
	sc := bufio.NewScanner(resp.Body)
	n := 0
	for sc.Scan() {
		var res centre.BulkResult
		if err := json.Unmarshal(sc.Bytes(), &res); err != nil {
			t.Fatal(err)
		}
		if n++; res.Line != n || res.State != store.ReportReceived {
			t.Fatalf("%+v as result %d", res, n)
		}
		if n == 100 {
			// What has a result is stored.
			state, err := a.Centre.ReportState(t.Context(), res.Receipt.Receipt)
			if err != nil || state.State != store.ReportReceived {
				t.Errorf("%+v %v", state, err)
			}
			close(next)
		}
	}
	if err := errors.Join(sc.Err(), <-sent); err != nil || n != 700 {
		t.Errorf("%d results, %v", n, err)
	}
}

// TestBulkBreaksOff closes the connection in mid-line: what was whole is there.
func TestBulkBreaksOff(t *testing.T) {
	a, url := serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	line := `{"type":"phishing","url":"https://n.bad.example.com/"}` + "\n"
	fmt.Fprintf(conn, "POST /api/v1/reports/bulk HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 100000\r\n\r\n%s%s", line, line[:20])
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	conn.Close()
	if err != nil || !strings.Contains(string(answer), `"line":1,`) || !strings.Contains(string(answer), "broke off after line 1") || strings.Contains(string(answer), `"line":2`) {
		t.Errorf("%s %v", answer, err)
	}
	_, body := send(t, "POST", url+"/api/v1/reports/bulk", line+line, "Idempotency-Key", "k")
	if got := strings.Split(strings.TrimSpace(body), "\n"); len(got) != 2 || strings.Contains(body, "problem") {
		t.Errorf("sent again: %s", body)
	}
	if err := a.Store.View(t.Context(), func(tx *store.Tx) error {
		n, err := tx.CountReports(t.Context())
		if n[store.ReportReceived] != 2 || len(n) != 1 {
			t.Errorf("%v", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
