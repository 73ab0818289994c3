package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/problem"
	"bailiwick/web"
)

// madeDemo is a demo whose world nobody moves: it writes down what it is told.
type madeDemo struct {
	mu    sync.Mutex
	state web.DemoState
	told  []string
	err   error
}

func (m *madeDemo) tell(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, what)
	return m.err
}

func (m *madeDemo) set(s web.DemoState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
}

// demoPages serves a centre's pages as those of a demo, and gives where.
func demoPages(t testing.TB, a *app.App, m *madeDemo) string {
	t.Helper()
	login, password := "demo", "words of the demo only"
	p, err := a.Access.AddPerson(t.Context(), access.Console, access.NewPerson{Login: login, Name: "Demo analyst", Roles: []access.Role{access.Analyst}})
	if err == nil {
		err = a.Access.SetPassword(t.Context(), access.Console, p.ID, password)
	}
	if err != nil {
		t.Fatal(err)
	}
	does := func(what string) func(context.Context) error {
		return func(context.Context) error { return m.tell(what) }
	}
	mux := http.NewServeMux()
	if err := web.Register(mux, a.Centre, web.Options{Access: a.Access, Synthetic: synthetic, Demo: &web.Demo{
		State: func() web.DemoState {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.state
		},
		Pause: does("pause"), GoOn: does("go"), Faster: does("faster"), Slower: does("slower"),
		Step: func(_ context.Context, by time.Duration) error { return m.tell("step " + by.String()) },
		SignIn: func(ctx context.Context, remote string) (string, access.Person, error) {
			return a.Access.Login(ctx, login, password, remote)
		},
		LinkUnused: func(context.Context) bool { return true },
	}}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

// running is how a demo stands that was prepared for nine days.
func running() web.DemoState {
	return web.DemoState{Begin: begin, Now: begin.Add(9 * 24 * time.Hour), Ready: begin.Add(9 * 24 * time.Hour), End: begin.Add(90 * 24 * time.Hour), Running: true, Day: 10 * time.Second}
}

// A centre that is no demo has nothing of one.
func TestNoDemo(t *testing.T) {
	d := newDesk(t)
	for _, p := range []string{"/demo", "/demo/1", "/demo/state"} {
		if a := d.get(d.c, p); a.code != http.StatusNotFound {
			t.Errorf("%s gives %d", p, a.code)
		}
	}
	for _, p := range []string{"/demo/control", "/demo/sign-in"} {
		if a := d.post(d.c, p, url.Values{"do": {"day"}}); a.code != http.StatusNotFound {
			t.Errorf("%s gives %d", p, a.code)
		}
	}
	a := d.get(d.c, "/")
	if strings.Contains(a.body, "demo") || strings.Contains(a.h.Get("Content-Security-Policy"), "connect-src") {
		t.Errorf("the start page knows of demos: %s", a.body)
	}
}

func TestDemoControl(t *testing.T) {
	d := newDesk(t)
	m := &madeDemo{state: running()}
	d.url = demoPages(t, d.App, m)
	if a := d.get(d.c, "/"); !strings.Contains(a.body, "running, a day in 10 s") || !strings.Contains(a.body, synthetic) || !strings.Contains(a.body, "Wed 14 Jan 2026, 00:00 UTC") {
		t.Errorf("the strip is not on the start page: %s", a.body)
	}
	for _, do := range []string{"pause", "go", "hour", "day", "faster", "slower"} {
		if a := d.post(d.c, "/demo/control", url.Values{"do": {do}, "to": {"/figures"}}); a.code != http.StatusOK || a.at != "/figures" {
			t.Errorf("%s gives %d at %s", do, a.code, a.at)
		}
	}
	if want := []string{"pause", "go", "step 1h0m0s", "step 24h0m0s", "faster", "slower"}; !slices.Equal(m.told, want) {
		t.Errorf("the world was told %q", m.told)
	}
	if a := d.post(d.c, "/demo/control", url.Values{"do": {"pause"}, "to": {"//evil.example/"}}); a.at != "/demo" {
		t.Errorf("sent to %s", a.at)
	}
	m.told = nil
	var s struct {
		Date, Word           string
		Running, Moving, May bool
	}
	if a := d.post(d.c, "/demo/control?format=json", url.Values{"do": {"pause"}}); json.Unmarshal([]byte(a.body), &s) != nil || s.Word != "running, a day in 10 s" || !s.May || !s.Moving {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.get(d.c, "/demo/state"); a.code != http.StatusOK || json.Unmarshal([]byte(a.body), &s) != nil || s.Date != "Wed 14 Jan 2026, 00:00 UTC" {
		t.Errorf("%d %s", a.code, a.body)
	}
	m.told = nil
	refuse := func(what string, code int, path string, form url.Values, change func(*http.Request)) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		if a := d.do(d.c, r); a.code != code || strings.Contains(a.h.Get("Set-Cookie"), "session=") {
			t.Errorf("%s: %d, not %d", what, a.code, code)
		}
	}
	do := url.Values{"do": {"day"}}
	refuse("no such control", http.StatusUnprocessableEntity, "/demo/control", url.Values{"do": {"explode"}}, func(*http.Request) {})
	for _, p := range []string{"/demo/control", "/demo/sign-in"} {
		refuse(p+" from another site", http.StatusForbidden, p, do, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		refuse(p+" by another name", http.StatusForbidden, p, do, func(r *http.Request) { r.Host = "rebound.example" })
	}
	if len(m.told) > 0 {
		t.Errorf("refused, and done: %q", m.told)
	}
	m.err = problem.New(problem.Conflict, "all days that were made up are over")
	refuse("a world that is over", http.StatusConflict, "/demo/control", do, func(*http.Request) {})
}

func TestDemoSignIn(t *testing.T) {
	d := newDesk(t)
	m := &madeDemo{state: running()}
	d.url = demoPages(t, d.App, m)
	if a := d.get(d.c, "/demo"); !strings.Contains(a.body, "Begin, signed in") || !strings.Contains(a.body, "works once") {
		t.Errorf("%s", a.body)
	}
	a := d.post(d.c, "/demo/sign-in", url.Values{"to": {"/demo/2"}})
	if a.code != http.StatusOK || a.at != "/demo/2" || !strings.Contains(a.body, "Demo analyst") || !strings.Contains(a.body, "Guided path 2/5") {
		t.Fatalf("%d at %s: %s", a.code, a.at, a.body)
	}
	// An empty world: each stop says so, and offers a step.
	for _, p := range []string{"/demo/1", "/demo/2", "/demo/3", "/demo/4", "/demo/5"} {
		if a := d.get(d.c, p); a.code != http.StatusOK || !strings.Contains(a.body, "One day on") {
			t.Errorf("%s: %d %s", p, a.code, a.body)
		}
	}
	if a := d.get(d.c, "/"); !strings.Contains(a.body, `href="/demo/5"`) {
		t.Error("the strip does not lead back to the stop")
	}
	for _, p := range []string{"/demo/0", "/demo/6", "/demo/x"} {
		if a := d.get(d.c, p); a.code != http.StatusNotFound {
			t.Errorf("%s: %d", p, a.code)
		}
	}
	// The desk opens; a form without the session's token does nothing.
	if a := d.get(d.c, "/desk"); a.code != http.StatusOK || a.at != "/desk" {
		t.Errorf("%d at %s", a.code, a.at)
	}
	if a := d.post(d.c, "/demo/control", url.Values{"do": {"day"}}); a.code != http.StatusForbidden || len(m.told) > 0 {
		t.Errorf("without a token: %d, %q", a.code, m.told)
	}
}

// What the strip says in each state, and whether it has controls then.
func TestDemoStates(t *testing.T) {
	d := newDesk(t)
	m := &madeDemo{}
	d.url = demoPages(t, d.App, m)
	for _, x := range []struct {
		change func(*web.DemoState)
		word   string
		may    bool
	}{
		{func(s *web.DemoState) { s.Running = false }, "paused", true},
		{func(s *web.DemoState) { s.Day = 2 * time.Second }, "running, a day in 2 s", true},
		{func(s *web.DemoState) { s.To = begin.Add(10*24*time.Hour + 90*time.Minute) }, "going on to 15 Jan, 01:30", true},
		{func(s *web.DemoState) { s.Preparing, s.Now = true, begin.Add(50*time.Hour) }, "being prepared, day 3 of 9", false},
		{func(s *web.DemoState) { s.Now, s.Running = s.End, false }, "all 90 days that were made up are over", false},
		{func(s *web.DemoState) { s.Trouble, s.Running = "the <disk> is full", false }, "stands still: the &lt;disk&gt; is full", false},
	} {
		s := running()
		x.change(&s)
		m.set(s)
		for _, p := range []string{"/", "/demo", "/demo/1"} {
			if a := d.get(d.c, p); !strings.Contains(a.body, ">"+x.word+"<") || strings.Contains(a.body, `value="day"`) != x.may {
				t.Errorf("%s in the state %q, with controls %t: %s", p, x.word, !x.may, a.body)
			}
		}
	}
}
