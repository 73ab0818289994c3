package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/registration"
)

// walk asks step after step and tells what was asked.
func walk(t *testing.T, c *Collector, name string) (Outcome, []string, error) {
	t.Helper()
	s, err := c.Begin(domain(t, name))
	var asked []string
	for range 20 {
		if err != nil {
			return Outcome{}, asked, err
		}
		if s.Domain != domain(t, name) {
			t.Errorf("a step about %s", s.Domain)
		}
		line := s.Protocol + " " + s.Role + " " + s.Server
		var o Outcome
		o, err = c.Ask(context.Background(), s)
		if o.Failed != "" {
			line += " " + o.Failed
		}
		asked = append(asked, line)
		if o.Done || err != nil {
			return o, asked, err
		}
		s = o.Next
		if rec, ok := s.Before(); ok && (s.Role != roleRegistrar || rec.Domain != name) || !ok && s.Role == roleRegistrar && rec.State == registration.Registered {
			t.Errorf("before the %s is asked, %t: %+v", s.Role, ok, rec)
		}
	}
	t.Fatalf("no end: %q", asked)
	return Outcome{}, nil, nil
}

// TestSteps: a lookup is a chain of steps, each with the one server it asks,
// and ends with the record of Registration.
func TestSteps(t *testing.T) {
	registered := answerWith(200, rdapJSON, object("shop.test", ""))
	elsewhere := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) }
	}
	for _, x := range []struct {
		name      string
		servers   []string
		registry  http.HandlerFunc
		registrar http.HandlerFunc
		whois     func(net.Conn, string)
		asked     string
		state     registration.State
	}{
		{"registry", []string{"http://rdap.nic.test/v1"}, registered, nil, nil, "rdap registry rdap.nic.test:80", registration.Registered},
		{"registrar", []string{"http://rdap.nic.test/"}, answerWith(200, rdapJSON, object("shop.test", "http://rdap.registrar.test/x")), answerWith(200, rdapJSON, registrarObject("shop.test")), nil,
			"rdap registry rdap.nic.test:80, rdap registrar rdap.registrar.test:80", registration.Registered},
		{"second server", []string{"http://rdap.nic.test:8080/", "http://rdap.nic.test/"}, registered, nil, nil,
			"rdap registry rdap.nic.test:8080 refused, rdap registry rdap.nic.test:80", registration.Registered},
		{"redirect to another server", []string{"http://rdap.nic.test/"}, elsewhere("http://rdap.registrar.test/x"), registered, nil,
			"rdap registry rdap.nic.test:80, rdap registry rdap.registrar.test:80", registration.Registered},
		{"redirects in a circle of servers", []string{"http://rdap.nic.test/"}, elsewhere("http://rdap.registrar.test/x"), elsewhere("http://rdap.nic.test/x"), says(whoisText("shop.test", "", contacts)),
			"rdap registry rdap.nic.test:80, rdap registry rdap.registrar.test:80, rdap registry rdap.nic.test:80, rdap registry rdap.registrar.test:80, rdap registry rdap.nic.test:80, rdap registry rdap.registrar.test:80, whois referral whois.iana.org:43, whois registry whois.nic.test:43", registration.Registered},
		{"WHOIS", nil, nil, nil, says(whoisText("shop.test", "whois.registrar.test", "")),
			"whois referral whois.iana.org:43, whois registry whois.nic.test:43, whois registrar whois.registrar.test:43", registration.Registered},
		{"a page, then WHOIS", []string{"http://rdap.nic.test/"}, answerWith(200, "text/html", "<html>"), nil, says("No match for \"SHOP.TEST\".\r\n"),
			"rdap registry rdap.nic.test:80, whois referral whois.iana.org:43, whois registry whois.nic.test:43", registration.Available},
		{"closed, then closed", []string{"http://rdap.nic.test/"}, nil, nil, nil, "rdap registry rdap.nic.test:80 refused, whois referral whois.iana.org:43, whois registry whois.nic.test:43 refused", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			build := func() *Collector {
				w := newWorld(t)
				w.whois(x.whois, says(whoisText("shop.test", "", contacts)))
				w.dns("203.0.113.50", zoneOf(t, "registrar.test.", "rdap.registrar.test. 300 IN A 192.0.2.51", "whois.registrar.test. 300 IN A 192.0.2.45"))
				if x.registry != nil {
					w.web("192.0.2.50:80", x.registry)
				}
				if x.registrar != nil {
					w.web("192.0.2.51:80", x.registrar)
				}
				return w.lookingUp(func(cfg *Config) { cfg.RDAP = known{domains: x.servers} })
			}
			o, asked, err := walk(t, build(), "shop.test")
			if got := strings.Join(asked, ", "); got != x.asked {
				t.Errorf("asked %s", got)
			}
			if (err != nil) != (x.state == "") || o.Record.State != x.state || o.Throttled || o.FromCache {
				t.Errorf("%+v, %v", o, err)
			}
			rec, werr := build().Registration(context.Background(), domain(t, "shop.test"))
			if fmt.Sprint(rec) != fmt.Sprint(o.Record) || fmt.Sprint(werr) != fmt.Sprint(err) {
				t.Errorf("at once: %+v, %v", rec, werr)
			}
		})
	}
	c := newWorld(t).collector()
	if _, err := c.Begin(domain(t, "shop.test")); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("no server: %v", err)
	}
	if _, err := c.Ask(context.Background(), Step{}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("the zero step: %v", err)
	}
}

// TestThrottledStep: a server that wants no question is not asked again before
// its time, and the same step gets the answer then.
func TestThrottledStep(t *testing.T) {
	for _, x := range []struct {
		name  string
		retry string
		wait  time.Duration
	}{{"it says when", "120", 2 * time.Minute}, {"it does not", "", firstBackoffRDAP}} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			busy := true
			w.registries(answerWith(200, rdapJSON, object("shop.test", "http://rdap.registrar.test/x")), func(rw http.ResponseWriter, r *http.Request) {
				if !busy {
					answerWith(200, rdapJSON, registrarObject("shop.test"))(rw, r)
					return
				}
				if x.retry != "" {
					rw.Header().Set("Retry-After", x.retry)
				}
				answerWith(429, rdapJSON, `{"errorCode":429}`)(rw, r)
			})
			c := w.asking()
			for range 2 { // the second is not put
				o, _, err := walk(t, c, "shop.test")
				if err != nil || !o.Done || !o.Throttled || !o.RetryAt.Equal(start.Add(x.wait)) || o.Record.State != registration.Registered || o.Record.Registrar.AbuseEmail != "" {
					t.Fatalf("%+v, %v", o, err)
				}
				if o.Next.Role != "registrar" || o.Next.Server != "rdap.registrar.test:80" {
					t.Errorf("next is %+v", o.Next)
				}
				if n := w.webSeen.Load(); n != 2 && n != 3 {
					t.Errorf("%d questions", n)
				}
			}
			s, err := c.Begin(domain(t, "shop.test"))
			if err != nil {
				t.Fatal(err)
			}
			first, err := c.Ask(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			busy = false
			w.clock.Set(start.Add(x.wait))
			for range 2 { // a step may be asked again and is not changed by it
				o, err := c.Ask(context.Background(), first.Next)
				if err != nil || !o.Done || o.Throttled || o.Record.Registrar.AbuseEmail != "abuse@registrar.test" || len(o.Record.Answers) != 2 {
					t.Fatalf("%+v, %v", o, err)
				}
			}
		})
	}
}

// TestFailing: a server that gives no answer is left alone, longer each time,
// and is as good as new once it answers.
func TestFailing(t *testing.T) {
	w := newWorld(t)
	p := w.whois(nil, nil)
	c := w.lookingUp(func(cfg *Config) {
		cfg.WHOIS = map[string]string{"test": "whois.nic.test"}
		cfg.Jitter = func() float64 { return 0 }
	})
	dials := func() int { return len(w.connections("tcp")) }
	now := start
	for i := range 12 {
		before := dials()
		o, asked, err := walk(t, c, "shop.test")
		if problem.CodeOf(err) != problem.Unavailable || o.Failed != "refused" || dials() != before+1 {
			t.Fatalf("round %d: %q, %v, %d dialled", i, asked, err, dials()-before)
		}
		o, _, err = walk(t, c, "shop.test")
		want := min(firstFailure<<i, lastFailure)
		if problem.CodeOf(err) != problem.Unavailable || o.Failed != errHeld || !o.RetryAt.Equal(now.Add(want)) || dials() != before+1 {
			t.Fatalf("round %d: not left alone for %s: %+v, %v", i, want, o, err)
		}
		now = o.RetryAt
		w.clock.Set(now)
	}
	p.serve("registry", "192.0.2.44", says(whoisText("shop.test", "", contacts)))
	if o, _, err := walk(t, c, "shop.test"); err != nil || o.Record.State != registration.Registered {
		t.Fatalf("%+v, %v", o, err)
	}
	w.mu.Lock()
	delete(w.routes, "tcp 192.0.2.44:43")
	w.mu.Unlock()
	_, _, _ = walk(t, c, "shop.test") // fails, once more for the first time
	if at := c.RetryAt(domain(t, "shop.test")); !at.Equal(now.Add(firstFailure)) {
		t.Errorf("after an answer the wait is until %s, not %s", at, now.Add(firstFailure))
	}

	// Who runs out of time himself does not blame the server.
	w.clock.Set(now.Add(time.Hour))
	w.raw("192.0.2.44:43", func(conn net.Conn) { nothingMore(conn) })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Registration(ctx, domain(t, "shop.test")); err == nil {
		t.Error("no error")
	}
	if at := c.RetryAt(domain(t, "shop.test")); !at.IsZero() {
		t.Errorf("the server is left alone until %s", at)
	}
}

// TestRDAPFailing: RDAP that does not answer is gone round by WHOIS, also while
// it is left alone; one that asks for patience is not.
func TestRDAPFailing(t *testing.T) {
	w := newWorld(t)
	w.whois(says(whoisText("shop.test", "", contacts)), nil)
	c := w.lookingUp(func(cfg *Config) { cfg.RDAP = known{domains: []string{"http://rdap.nic.test/"}} })
	for i, want := range []string{"refused", errHeld, errHeld} {
		o, asked, err := walk(t, c, "shop.test")
		if err != nil || o.Record.State != registration.Registered || o.Record.Sources[""].Protocol != "whois" || !strings.HasSuffix(asked[0], want) {
			t.Errorf("round %d: %q, %+v, %v", i, asked, o, err)
		}
	}
}

// TestHostileAnswers: whatever a server sends, the call ends, within its bounds
// in octets and time, and with no record.
func TestHostileAnswers(t *testing.T) {
	noise := make([]byte, 60_000)
	_, _ = rand.Read(noise)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 1<<26) // 64 MiB in 64 KiB
	_ = z.Close()
	drip := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", rdapJSON)
		_, _ = io.WriteString(rw, `{"objectClassName":"domain",`)
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
	for _, x := range []struct {
		name, finding string
		rdap          http.HandlerFunc
		whois         func(net.Conn, string)
	}{
		{"binary", "rdap.", answerWith(200, rdapJSON, string(noise)), func(c net.Conn, _ string) { _, _ = c.Write(noise) }},
		{"a gigabyte announced", "", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "1073741824")
			_, _ = io.CopyN(rw, zeros{}, 1<<30)
		}, func(c net.Conn, _ string) { _, _ = io.CopyN(c, zeros{}, 1<<30) }},
		{"a bomb", "rdap.size", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			_, _ = rw.Write(bomb.Bytes())
		}, says("")},
		{"slow", "", drip, func(c net.Conn, _ string) { _, _ = io.WriteString(c, "Domain Name: "); nothingMore(c) }},
		{"deep", "rdap.", answerWith(200, rdapJSON, strings.Repeat(`{"a":[`, 20_000)), says(strings.Repeat("a:", 50_000))},
		{"a header without end", "", func(rw http.ResponseWriter, r *http.Request) {
			for i := range 3000 {
				rw.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100))
			}
			rw.WriteHeader(200)
		}, says(strings.Repeat("%\r\n", 50_000))},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.whois(x.whois, nil)
			w.web("192.0.2.50:80", x.rdap)
			c := w.lookingUp(func(cfg *Config) {
				cfg.RDAP = known{domains: []string{"http://rdap.nic.test/"}}
				cfg.Limits.RDAPBody, cfg.Limits.WHOISBody = 256<<10, 64<<10
				if x.name == "slow" {
					cfg.Limits.RDAPTime, cfg.Limits.WHOISTime = 300*time.Millisecond, 300*time.Millisecond
				}
			})
			defer c.Close()
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if rec.State == registration.Registered || rec.State == registration.Available {
				t.Errorf("%+v, %v", rec, err)
			}
			if !strings.Contains(findings(rec.Findings), x.finding) {
				t.Errorf("findings %s", findings(rec.Findings))
			}
			for _, f := range rec.Findings {
				if strings.ContainsFunc(f.Detail, func(r rune) bool { return r < ' ' }) || len(f.Detail) > 2000 {
					t.Errorf("a finding that cannot be shown: %q", f.Detail)
				}
			}
			for _, b := range w.blobs {
				if len(b) > 256<<10 {
					t.Errorf("%d octets are kept", len(b))
				}
			}
		})
	}
}

// zeros is an endless file of spaces and nothing else.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestAnswersKept: an answer kept before is used in the place of a question,
// with where and when it was given, until it is too old.
func TestAnswersKept(t *testing.T) {
	w := newWorld(t)
	p := w.whois(says(whoisText("shop.test", "whois.registrar.test", "")), says(whoisText("shop.test", "", contacts)))
	w.web("192.0.2.50:80", func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/shop.test"):
			answerWith(200, rdapJSON, object("shop.test", ""))(rw, r)
		case strings.HasSuffix(r.URL.Path, "/free.test"):
			answerWith(404, rdapJSON, `{"errorCode":404}`)(rw, r)
		default:
			answerWith(500, rdapJSON, `{"errorCode":500}`)(rw, r)
		}
	})
	kept := NewAnswers(w.clock, 100)
	build := func(servers ...string) *Collector {
		return w.lookingUp(func(cfg *Config) {
			cfg.RDAP, cfg.Answers = known{domains: servers}, kept
			cfg.WHOIS = map[string]string{"test": "whois.nic.test"}
		})
	}
	ask := func(c *Collector, name string, cached bool, state registration.State) Outcome {
		t.Helper()
		o, _, err := walk(t, c, name)
		if err != nil || o.FromCache != cached || o.Record.State != state {
			t.Errorf("%s: from cache %v, state %q, %v", name, o.FromCache, o.Record.State, err)
		}
		return o
	}
	for _, x := range []struct {
		name  string
		state registration.State
	}{{"shop.test", registration.Registered}, {"free.test", registration.Available}} {
		first := ask(build("http://rdap.nic.test/"), x.name, false, x.state)
		w.clock.Set(w.clock.Now().Add(30 * time.Minute))
		before := w.webSeen.Load()
		again := ask(build("http://rdap.nic.test/"), x.name, true, x.state) // another collector, as of another process
		if w.webSeen.Load() != before || fmt.Sprint(again.Record) != fmt.Sprint(first.Record) || again.Record.Sources[""].Blob == "" {
			t.Errorf("%s: not the same: %+v, %+v", x.name, first.Record, again.Record)
		}
		w.clock.Set(w.clock.Now().Add(30 * time.Minute))
		ask(build("http://rdap.nic.test/"), x.name, false, x.state)
	}
	ask(build(), "shop.test", false, registration.Registered)
	if o := ask(build(), "shop.test", true, registration.Registered); o.Record.Registrar.AbuseEmail == "" || len(p.questions()) != 2 {
		t.Errorf("%q, %+v", p.questions(), o.Record)
	}
	for range 2 { // what says nothing is not kept
		before := w.webSeen.Load()
		if _, _, err := walk(t, build("http://rdap.nic.test/"), "other.test"); err != nil || w.webSeen.Load() != before+1 {
			t.Errorf("%v, %d questions", err, w.webSeen.Load()-before)
		}
	}
}
