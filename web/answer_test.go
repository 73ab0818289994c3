package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/config"
	"bailiwick/notify/email"
	"bailiwick/party"
	"bailiwick/store"
	"bailiwick/web"
)

// asked is a centre that has asked a host, the pages it serves, and the token
// of the answer link.
type asked struct {
	a     *app.App
	mux   *http.ServeMux
	id    string
	token string
}

func ask(tb testing.TB) asked {
	tb.Helper()
	cfg, err := config.Load("", nil)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	cfg.Database, cfg.Blobs, cfg.Centre.Name = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs"), "Desk <b>&amp; Co"
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
	ctx := tb.Context()
	rc, err := a.Centre.Submit(ctx, centre.Submission{Source: "test", Body: []byte(`{"type":"phishing","url":"https://bad.example.com/"}`)})
	if err != nil {
		tb.Fatal(err)
	}
	var ids []string
	if err := a.Store.View(ctx, func(tx *store.Tx) error {
		r, err := tx.ReportByReceipt(ctx, rc.Receipt)
		ids = append(ids, r.ID)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	if err := a.Centre.Triage(ctx, ids); err != nil {
		tb.Fatal(err)
	}
	state, err := a.Centre.ReportState(ctx, rc.Receipt)
	if err != nil || len(state.Cases) != 1 {
		tb.Fatalf("%+v %v", state, err)
	}
	host := party.Party{ID: "host:1", Role: party.Host, Name: "Northbox", Email: "abuse@northbox.example", Reachable: true}
	plan := casework.Plan{Parties: []party.Party{host}, TLD: "gtld"}
	c, err := a.Centre.Act(ctx, state.Cases[0], casework.Look{Finding: casework.Finding{At: a.Centre.Clock.Now(), Live: true, Claimed: true, Class: casework.Compromised}, Plan: plan},
		casework.Confirm{By: "person:1", Plan: plan})
	if err != nil || len(c.Obligations) != 1 {
		tb.Fatalf("%+v %v", c.Obligations, err)
	}
	mux := http.NewServeMux()
	if err := web.Register(mux, a.Centre, web.Options{}); err != nil {
		tb.Fatal(err)
	}
	return asked{a, mux, c.ID, email.AnswerToken(a.Centre.ReplyKey, c.ID, c.Obligations[0].ID)}
}

func (k asked) do(tb testing.TB, method, token, kind, body string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "/answer/"+url.PathEscape(token), strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r)
	return w
}

func (k asked) obligation(tb testing.TB) casework.Obligation {
	tb.Helper()
	c, err := k.a.Centre.Case(tb.Context(), k.id)
	if err != nil {
		tb.Fatal(err)
	}
	return c.Obligations[0]
}

const form = "application/x-www-form-urlencoded"

func TestAnswerPage(t *testing.T) {
	k := ask(t)
	w := k.do(t, http.MethodGet, k.token, "", "")
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(page, `<form method="post">`) || !strings.Contains(page, "Desk &lt;b&gt;&amp;amp; Co") || strings.Contains(page, "<script") {
		t.Errorf("%d %s", w.Code, page)
	}
	for h, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"} {
		if got := w.Header().Get(h); got != want {
			t.Errorf("%s: %q", h, got)
		}
	}
	// Every answer that the page offers is one that the centre takes.
	for _, a := range []string{"received", "need_more", "acted", "referred", "refused", "not_ours"} {
		if !strings.Contains(page, `value="`+a+`"`) {
			t.Errorf("the page does not offer %s", a)
		}
		w := k.do(t, http.MethodPost, k.token, form, "answer="+a+"&note=%3Cscript%3E%0D%0Ax")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Thank you") || strings.Contains(w.Body.String(), `name="answer"`) {
			t.Errorf("%s: %d %s", a, w.Code, w.Body)
		}
		if got := k.obligation(t); got.Answer != a || got.AnswerAt.IsZero() || time.Since(got.AnswerAt) > time.Minute {
			t.Errorf("%s is kept as %q", a, got.Answer)
		}
	}
}

func TestAnswerRefused(t *testing.T) {
	k := ask(t)
	cut := k.token[:len(k.token)-1]
	for _, c := range []struct {
		name, method, token, kind, body string
		status                          int
		says                            string
	}{
		{"a link of nobody", http.MethodGet, "nobody", "", "", http.StatusNotFound, "not one of ours"},
		{"a link cut off", http.MethodGet, cut, "", "", http.StatusNotFound, "not one of ours"},
		{"a form to nobody", http.MethodPost, "nobody", form, "answer=acted", http.StatusNotFound, "not one of ours"},
		{"JSON to nobody", http.MethodPost, cut, "application/json", `{"answer":"acted"}`, http.StatusNotFound, `"status":404`},
		{"no answer", http.MethodPost, k.token, form, "note=x", http.StatusUnprocessableEntity, "is not received"},
		{"another answer", http.MethodPost, k.token, form, "answer=%3Cb%3E", http.StatusUnprocessableEntity, "&lt;b&gt;"},
		{"an answer in the address only", http.MethodPost, k.token, form, "", http.StatusUnprocessableEntity, "is not received"},
		{"a long note", http.MethodPost, k.token, form, "answer=acted&note=" + strings.Repeat("x", 4001), http.StatusUnprocessableEntity, "4000 octets"},
		{"a form without end", http.MethodPost, k.token, form, "answer=acted&note=" + strings.Repeat("x", 20_000), http.StatusBadRequest, "could not be read"},
		{"a form that is none", http.MethodPost, k.token, form, "answer=%zz", http.StatusBadRequest, "could not be read"},
		{"a file", http.MethodPost, k.token, "multipart/form-data; boundary=x", "--x\r\n\r\n--x--", http.StatusUnprocessableEntity, "is not received"},
		{"no JSON", http.MethodPost, k.token, "application/json; charset=utf-8", "answer=acted", http.StatusUnprocessableEntity, "not JSON"},
		{"JSON without end", http.MethodPost, k.token, "application/json", `{"answer":"acted","note":"` + strings.Repeat("x", 20_000) + `"}`, http.StatusUnprocessableEntity, "at most 16384 octets"},
		{"another method", http.MethodPut, k.token, form, "answer=acted", http.StatusMethodNotAllowed, ""},
	} {
		w := k.do(t, c.method, c.token, c.kind, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		kind := "text/html; charset=utf-8"
		if strings.HasPrefix(c.kind, "application/json") {
			kind = "application/problem+json"
		}
		if c.status != http.StatusMethodNotAllowed && w.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %s", c.name, w.Header().Get("Content-Type"))
		}
		if c.status == http.StatusNotFound && strings.Contains(w.Body.String(), `name="answer"`) {
			t.Errorf("%s: asks for an answer all the same", c.name)
		}
	}
	if got := k.obligation(t); got.Answer != "" || got.Status != casework.Pending {
		t.Errorf("something was answered: %+v", got)
	}
}

// slow never ends.
type slow struct{ n int }

func (s *slow) Read(b []byte) (int, error) {
	if s.n += len(b); s.n > 1<<20 {
		return 0, io.ErrUnexpectedEOF
	}
	return len(b), nil
}

func TestAnswerReadsLittle(t *testing.T) {
	k := ask(t)
	for _, kind := range []string{form, "application/json"} {
		body := &slow{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/answer/"+k.token, body)
		r.Header.Set("Content-Type", kind)
		k.mux.ServeHTTP(httptest.NewRecorder(), r)
		if body.n > 64<<10 {
			t.Errorf("%s: %d octets were read", kind, body.n)
		}
	}
}

// FuzzAnswer sends anything to the answer page: it never fails on its side, and
// nothing but a known answer to a valid link is kept.
func FuzzAnswer(f *testing.F) {
	k := ask(f)
	for _, s := range []struct{ token, kind, body string }{
		{"", form, "answer=acted"}, {"", "application/json", `{"answer":"refused","note":"x"}`}, {"", "application/json", `{"answer":1}`}, {"x", form, "answer=acted"},
		{"", "multipart/form-data; boundary=x", "--x--"}, {"", form, "answer=%ff&note=\x00"}, {"", "", "answer=acted;note"}, {"../../x", form, ""}, {"%2e", "text/plain", "\xff"},
	} {
		f.Add(s.token, s.kind, s.body)
	}
	known := map[string]bool{"": true, "received": true, "need_more": true, "acted": true, "referred": true, "refused": true, "not_ours": true}
	f.Fuzz(func(t *testing.T, token, kind, body string) {
		ours := token == ""
		if ours {
			token = k.token
		}
		before := k.obligation(t)
		w := k.do(t, http.MethodPost, token, kind, body)
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		after := k.obligation(t)
		if !known[after.Answer] || !ours && token != k.token && !after.AnswerAt.Equal(before.AnswerAt) {
			t.Fatalf("%q is kept", after.Answer)
		}
		if done := w.Code == http.StatusOK || w.Code == http.StatusNoContent; done && (token != k.token || after.Answer == "") {
			t.Fatalf("%d for %q", w.Code, body)
		}
	})
}
