package collect

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// TestReuse: questions to one RDAP server go over connections that are kept, by
// HTTP/2 where it speaks it; each connection is to an address that was checked,
// and none is used for another host.
func TestReuse(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("secure ", secure), func(t *testing.T) {
			w := newWorld(t)
			var proto atomic.Value
			h := func(rw http.ResponseWriter, r *http.Request) {
				w.webSeen.Add(1)
				proto.Store(r.Proto)
				answerWith(200, rdapJSON, object(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ""))(rw, r)
			}
			w.registries(nil, nil)
			ca := newAuthority(t)
			scheme, port := "http", "80"
			s := httptest.NewUnstartedServer(http.HandlerFunc(h))
			s.EnableHTTP2 = true
			if secure {
				scheme, port = "https", "443"
				s.TLS = w.tlsFor(ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "rdap.nic.test", "rdap.registrar.test"))
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			w.route("tcp", "192.0.2.50:"+port, s.Listener.Addr().String())
			w.route("tcp", "192.0.2.51:"+port, s.Listener.Addr().String())
			host := "rdap.nic.test"
			c := w.asking(func(cfg *Config) {
				cfg.RDAP = byHost(func() []string { return []string{scheme + "://" + host + "/"} })
				cfg.TLSRoots = ca.pool
			})
			ask := func(name string) {
				t.Helper()
				if rec, err := c.Registration(context.Background(), domain(t, name)); err != nil || rec.State != registration.Registered || rec.Domain != name {
					t.Fatalf("%s: %+v, %v", name, rec, err)
				}
			}
			for i := range 20 {
				ask(fmt.Sprintf("shop-%d.test", i))
			}
			if got := w.connections("tcp"); len(got) != 1 || got[0] != "192.0.2.50:"+port {
				t.Errorf("20 questions went over %d connections: %v", len(got), got)
			}
			if want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[secure]; proto.Load() != want {
				t.Errorf("spoken is %v", proto.Load())
			}
			host = "rdap.registrar.test" // whose certificate is the same
			ask("shop.test")
			if got := w.connections("tcp"); len(got) != 2 || got[1] != "192.0.2.51:"+port {
				t.Errorf("another host was asked over %v", got)
			}
			host = "rdap.nic.test"
			c.Close()
			ask("shop.test")
			if got := w.connections("tcp"); len(got) != 3 {
				t.Errorf("Close left connections: %v", got)
			}
			w.balanced(c)
		})
	}
}

// byHost is RDAP servers that change.
type byHost func() []string

func (k byHost) Autnum(uint32) []string { return k() }

func (k byHost) Entity(string) []string { return k() }

func (k byHost) Network(netip.Addr) []string { return k() }

func (k byHost) Domain(name.Domain) []string { return k() }

// TestReuseRebound: a name whose address becomes a private one is not followed
// there when its kept connection ends.
func TestReuseRebound(t *testing.T) {
	w := newWorld(t)
	w.registries(answerWith(200, rdapJSON, object("shop.test", "")), nil)
	c := w.asking()
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil {
		t.Fatal(err)
	}
	w.internet("rdap.nic.test. 300 IN A 10.0.0.1", "registrar.test. 60 IN NS ns.registrar.test.")
	c.Close()
	w.clock.Set(start.Add(time.Hour)) // and what was resolved before is over
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); problem.CodeOf(err) != problem.Unavailable || !strings.Contains(err.Error(), "blocked") {
		t.Errorf("%v", err)
	}
	w.onlyPublic()
}

// TestAutnumAndEntity: AS numbers and entities are asked about where the
// bootstrap files say.
func TestAutnumAndEntity(t *testing.T) {
	w := newWorld(t)
	w.registries(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/v1/autnum/64496":
			answerWith(200, rdapJSON, `{"objectClassName":"autnum","startAutnum":64496,"endAutnum":64496,"name":"HOSTER","country":"NL"}`)(rw, r)
		case "/v1/entity/A%2FB-TEST":
			answerWith(200, rdapJSON, `{"objectClassName":"entity","handle":"A/B-TEST","vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Anna Example"]]]}`)(rw, r)
		default:
			answerWith(404, rdapJSON, `{"errorCode":404}`)(rw, r)
		}
	}, nil)
	c := w.asking()
	n, err := c.Autnum(context.Background(), 64496)
	if err != nil || n.State != registration.Registered || n.Start != 64496 || n.Name != "HOSTER" || n.Source.Blob == "" || n.Source.Server != "http://rdap.nic.test/v1/autnum/64496" {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := c.Autnum(context.Background(), 64497); err != nil || n.State != registration.Available {
		t.Errorf("%+v, %v", n, err)
	}
	e, err := c.Entity(context.Background(), "A/B-TEST")
	if err != nil || e.State != registration.Registered || e.Contact.Name != "Anna Example" || e.Source.Blob == "" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, bad := range []string{"", "a b", "a\r\nb-TEST", strings.Repeat("x", 256), "ü-TEST"} {
		if _, err := c.Entity(context.Background(), bad); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := w.collector().Autnum(context.Background(), 1); problem.CodeOf(err) != problem.NotFound {
		t.Error(err)
	}
	w.balanced(c)
}

// BenchmarkRegistration measures lookups against one server on this machine
// that answers at once, over eight workers.
func BenchmarkRegistration(b *testing.B) {
	w := newWorld(b)
	ca := newAuthority(b)
	w.internet("rdap.nic.test. 300 IN A 192.0.2.50")
	s := httptest.NewUnstartedServer(answerWith(200, rdapJSON, object("shop.test", "")))
	s.EnableHTTP2 = true
	s.TLS = w.tlsFor(ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "rdap.nic.test"))
	s.StartTLS()
	defer s.Close()
	w.route("tcp", "192.0.2.50:443", s.Listener.Addr().String())
	c := w.collector(func(cfg *Config) {
		cfg.RDAP, cfg.TLSRoots, cfg.Keep = known{domains: []string{"https://rdap.nic.test/"}}, ca.pool, nil
	})
	defer c.Close()
	shop := domain(b, "shop.test")
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var busy sync.WaitGroup
	for range 8 {
		busy.Go(func() {
			for left.Add(-1) >= 0 {
				if rec, err := c.Registration(context.Background(), shop); err != nil || rec.State != registration.Registered {
					b.Errorf("%+v, %v", rec, err)
					return
				}
			}
		})
	}
	busy.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "names/s")
}
