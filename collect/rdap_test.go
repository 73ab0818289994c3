package collect

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/registration"
)

// known is an RDAPServers of fixed lists.
type known struct{ domains, networks []string }

func (k known) Autnum(uint32) []string { return k.networks }

func (k known) Entity(string) []string { return k.networks }

func (k known) Domain(name.Domain) []string { return k.domains }

func (k known) Network(netip.Addr) []string { return k.networks }

// object is a registry's RDAP answer about shop.test, with a related link.
func object(domain, related string) string {
	links := ""
	if related != "" {
		links = `,"links":[{"rel":"related","type":"application/rdap+json","value":"x","href":"` + related + `"}]`
	}
	return `{"objectClassName":"domain","rdapConformance":["rdap_level_0"],"ldhName":"` + domain + `","status":["active"],
"events":[{"eventAction":"registration","eventDate":"2026-02-27T08:00:00Z"}],
"entities":[{"objectClassName":"entity","roles":["registrar"],"handle":"9999","publicIds":[{"type":"IANA Registrar ID","identifier":"9999"}],
"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Prompt Registrar"]]]}]` + links + `}`
}

func registrarObject(domain string) string {
	return `{"objectClassName":"domain","rdapConformance":["rdap_level_0"],"ldhName":"` + domain + `","status":["active"],
"entities":[{"objectClassName":"entity","roles":["registrar"],"handle":"9999","publicIds":[{"type":"IANA Registrar ID","identifier":"9999"}],
"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Prompt Registrar"]]],
"entities":[{"objectClassName":"entity","roles":["abuse"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Abuse"],["email",{},"text","abuse@registrar.test"]]]}]}]}`
}

func answerWith(status int, contentType, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

const rdapJSON = "application/rdap+json"

// registries puts up the names and servers of the RDAP tests: a registry at
// rdap.nic.test, a registrar at rdap.registrar.test.
func (w *world) registries(registry, registrar http.HandlerFunc) {
	w.t.Helper()
	w.internet("rdap.nic.test. 300 IN A 192.0.2.50", "registrar.test. 60 IN NS ns.registrar.test.", "ns.registrar.test. 60 IN A 203.0.113.50")
	w.dns("203.0.113.50", zoneOf(w.t, "registrar.test.", "rdap.registrar.test. 300 IN A 192.0.2.51", "lan.registrar.test. 60 IN A 10.1.1.1",
		"meta.registrar.test. 60 IN A 169.254.169.254"))
	if registry != nil {
		w.web("192.0.2.50:80", registry)
	}
	if registrar != nil {
		w.web("192.0.2.51:80", registrar)
	}
}

func (w *world) asking(change ...func(*Config)) *Collector {
	return w.collector(append([]func(*Config){func(cfg *Config) {
		cfg.RDAP = known{[]string{"http://rdap.nic.test/v1/"}, []string{"http://rdap.nic.test/v1"}}
		cfg.UserAgent = "centre.example"
	}}, change...)...)
}

func findings(list []registration.Finding) string {
	var ids []string
	for _, f := range list {
		ids = append(ids, f.ID)
	}
	return strings.Join(ids, " ")
}

func TestRegistration(t *testing.T) {
	w := newWorld(t)
	w.registries(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/domain/shop.test" || !strings.HasPrefix(r.Header.Get("Accept"), rdapJSON) || r.UserAgent() != "centre.example" {
			http.Error(rw, "no", http.StatusBadRequest)
			return
		}
		answerWith(200, rdapJSON, object("shop.test", "http://rdap.registrar.test/domain/shop.test"))(rw, r)
	}, answerWith(200, rdapJSON, registrarObject("shop.test")))
	c := w.asking()
	rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
	if err != nil {
		t.Fatal(err)
	}
	if rec.State != registration.Registered || rec.Registrar.IANAID != "9999" || rec.Registrar.AbuseEmail != "abuse@registrar.test" ||
		rec.Created.String() != "2026-02-27T08:00:00Z" {
		t.Errorf("%+v", rec)
	}
	src := rec.Sources[""]
	if src.Protocol != "rdap" || src.Role != "registry" || src.Server != "http://rdap.nic.test/v1/domain/shop.test" || !src.At.Equal(start) ||
		!strings.Contains(string(w.blobs[src.Blob]), "shop.test") {
		t.Errorf("the source: %+v", src)
	}
	found := false
	for _, s := range rec.Sources {
		found = found || s.Role == "registrar" && s.Blob != "" && s.Server == "http://rdap.registrar.test/domain/shop.test"
	}
	if !found || len(w.blobs) != 2 {
		t.Errorf("the registrar's answer is not named: %+v, %d blobs", rec.Sources, len(w.blobs))
	}
	if n := c.Counts(); n.RDAP != 2 || n.HTTP != 0 {
		t.Errorf("%+v", n)
	}
	w.balanced(c)
	before := c.Counts().DNS
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || c.Counts().DNS != before {
		t.Errorf("the servers' addresses were asked again within their time: %d more, %v", c.Counts().DNS-before, err)
	}
}

func TestRegistrationAnswers(t *testing.T) {
	endless := func(rw http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(rw, `{"a":"b"},`); err != nil {
				return
			}
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) }
	}
	registered := answerWith(200, rdapJSON, object("shop.test", ""))
	for _, x := range []struct {
		name     string
		registry http.HandlerFunc
		state    registration.State
		finding  string
	}{
		{"registered", registered, registration.Registered, ""},
		{"available", answerWith(404, rdapJSON, `{"errorCode":404}`), registration.Available, ""},
		{"available without a body", answerWith(404, "", ""), registration.Available, ""},
		{"a page", answerWith(200, "text/html", "<html><h1>Welcome"), registration.Failed, "rdap."},
		{"endless", endless, registration.Failed, "rdap.size"},
		{"server fault", answerWith(500, rdapJSON, `{"errorCode":500}`), registration.Failed, ""},
		{"throttled", answerWith(429, rdapJSON, `{"errorCode":429}`), registration.Throttled, ""},
		{"another name", answerWith(200, rdapJSON, object("other.test", "")), registration.Unknown, ""},
		{"redirects for ever", redirect("/v1/domain/shop.test"), registration.Failed, "rdap.redirects"},
		{"redirect to nothing", redirect("mailto:a@b.test"), registration.Failed, "rdap.redirect"},
		{"redirect onwards", func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/domain/shop.test" {
				redirect("/v2/shop")(rw, r)
				return
			}
			registered(rw, r)
		}, registration.Registered, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			w.registries(x.registry, nil)
			c := w.asking(func(cfg *Config) { cfg.Limits.RDAPBody = 64 << 10 })
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if err != nil || rec.State != x.state || !strings.Contains(findings(rec.Findings), x.finding) {
				t.Errorf("state %q, findings %s, %v", rec.State, findings(rec.Findings), err)
			}
			w.balanced(c)
		})
	}
}

func TestRegistrationUnreachable(t *testing.T) {
	for _, x := range []struct {
		name     string
		registry http.HandlerFunc
		servers  []string
		code     problem.Code
	}{
		{"nobody known", nil, nil, problem.NotFound},
		{"no web address", nil, []string{"rdap", "ftp://x.test/"}, problem.NotFound},
		{"closed", nil, []string{"http://rdap.nic.test/"}, problem.Unavailable},
		{"no such name", nil, []string{"http://rdap.unsold.test/"}, problem.Unavailable},
		{"private", nil, []string{"http://lan.registrar.test/", "http://127.0.0.1/"}, problem.Unavailable},
		{"redirect to a private address", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://meta.registrar.test/latest/", http.StatusFound)
		}, []string{"http://rdap.nic.test/"}, problem.Unavailable},
		{"breaks off", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "5000")
			_, _ = io.WriteString(rw, `{"objectClassName":"domain"`)
		}, []string{"http://rdap.nic.test/"}, problem.Unavailable},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			w.registries(x.registry, nil)
			c := w.asking(func(cfg *Config) { cfg.RDAP = known{domains: x.servers} })
			if rec, err := c.Registration(context.Background(), domain(t, "shop.test")); err == nil || problem.CodeOf(err) != x.code {
				t.Errorf("%+v, %v", rec, err)
			}
			for _, a := range w.connections("tcp") {
				if (Guard{AllowDocumentation: true}).Check(netip.MustParseAddrPort(a).Addr()) != nil {
					t.Errorf("%s was dialled", a)
				}
			}
		})
	}
	c := newWorld(t).collector() // without RDAP at all
	if _, err := c.Registration(context.Background(), domain(t, "shop.test")); problem.CodeOf(err) != problem.NotFound {
		t.Error(err)
	}
	if _, err := c.Network(context.Background(), netip.Addr{}); problem.CodeOf(err) != problem.Invalid {
		t.Error(err)
	}
}

// TestSecondServer: the next server known answers when the first does not,
// and https goes first.
func TestSecondServer(t *testing.T) {
	w := newWorld(t)
	w.registries(answerWith(200, rdapJSON, object("shop.test", "")), nil)
	c := w.asking(func(cfg *Config) {
		cfg.RDAP = known{domains: []string{"http://rdap.nic.test/", "https://rdap.nic.test/"}}
	})
	rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
	if err != nil || rec.State != registration.Registered || rec.Sources[""].Server != "http://rdap.nic.test/domain/shop.test" {
		t.Errorf("%+v, %v", rec, err)
	}
	if a := w.connections("tcp"); len(a) != 2 || a[0] != "192.0.2.50:443" {
		t.Errorf("dialled %v", a)
	}
}

// TestRegistrarFaults: whatever the registrar does, the registry's answer
// stands, and a finding says what happened.
func TestRegistrarFaults(t *testing.T) {
	ok := answerWith(200, rdapJSON, registrarObject("shop.test"))
	for _, x := range []struct {
		name, related string
		registrar     http.HandlerFunc
		finding       string
	}{
		{"private name", "http://lan.registrar.test/domain/shop.test", ok, "rdap.related-refused"},
		{"metadata", "http://169.254.169.254/domain/shop.test", ok, "rdap.related-refused"},
		{"loopback as a number", "http://2130706433/", ok, "rdap.related-refused"},
		{"a port of mail", "http://rdap.registrar.test:25/", ok, "rdap.related-refused"},
		{"the registry itself", "http://rdap.nic.test/other/shop.test", ok, "rdap.related-same"},
		{"closed", "http://rdap.registrar.test:8080/", ok, "rdap.registrar-unreachable"},
		{"no such name", "http://rdap.unsold.test/", ok, "rdap.registrar-unreachable"},
		{"redirect to a private address", "http://rdap.registrar.test/", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://127.0.0.1/", http.StatusFound)
		}, "rdap.related-refused"},
		{"another name", "http://rdap.registrar.test/", answerWith(200, rdapJSON, registrarObject("other.test")), "merge."},
		{"not found", "http://rdap.registrar.test/", answerWith(404, rdapJSON, `{"errorCode":404}`), "merge."},
		{"a page", "http://rdap.registrar.test/", answerWith(200, "text/html", "<html>"), "merge."},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			w.registries(answerWith(200, rdapJSON, object("shop.test", x.related)), x.registrar)
			c := w.asking()
			rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
			if err != nil || rec.State != registration.Registered || rec.Registrar.IANAID != "9999" || rec.Registrar.AbuseEmail != "" {
				t.Errorf("%+v, %v", rec, err)
			}
			if !strings.Contains(findings(rec.Findings), x.finding) {
				t.Errorf("findings %s, want %s", findings(rec.Findings), x.finding)
			}
			for _, a := range w.connections("tcp") {
				if (Guard{AllowDocumentation: true}).Check(netip.MustParseAddrPort(a).Addr()) != nil || strings.HasSuffix(a, ":25") {
					t.Errorf("%s was dialled", a)
				}
			}
			w.balanced(c)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	open := false
	w.registries(func(rw http.ResponseWriter, r *http.Request) {
		if !open {
			rw.Header().Set("Retry-After", "120")
			answerWith(429, rdapJSON, `{"errorCode":429}`)(rw, r)
			return
		}
		answerWith(200, rdapJSON, object("shop.test", ""))(rw, r)
	}, nil)
	c := w.asking()
	shop := domain(t, "shop.test")
	if at := c.RetryAt(shop); !at.IsZero() {
		t.Errorf("before anything was asked: %s", at)
	}
	for range 3 { // asked once, then left alone
		rec, err := c.Registration(context.Background(), shop)
		if err != nil || rec.State != registration.Throttled || !strings.Contains(findings(rec.Findings), "rdap.retry-after") {
			t.Errorf("%+v, %v", rec, err)
		}
	}
	if n := c.Counts().RDAP; n != 1 {
		t.Errorf("asked %d times", n)
	}
	if at := c.RetryAt(shop); !at.Equal(start.Add(2 * time.Minute)) {
		t.Errorf("retry at %s", at)
	}
	open = true
	w.clock.Set(start.Add(2 * time.Minute))
	if rec, err := c.Registration(context.Background(), shop); err != nil || rec.State != registration.Registered || !c.RetryAt(shop).IsZero() {
		t.Errorf("afterwards: %+v, %v", rec, err)
	}
	w.balanced(c)

	for _, x := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{429, "7", 7 * time.Second}, {503, start.Add(2*time.Minute + time.Hour).Format(http.TimeFormat), time.Hour}, {429, "999999999", 24 * time.Hour},
		{429, "99999999999999999999", 0}, {429, "-1", 0}, {429, "soon", 0}, {429, "", 0}, {200, "7", 0}, {429, start.Format(http.TimeFormat), 0},
	} {
		until, ok := c.retryAfter(x.status, http.Header{"Retry-After": {x.value}})
		if ok != (x.want != 0) || ok && until.Sub(w.clock.Now()) != x.want {
			t.Errorf("%d %q: %s, %v", x.status, x.value, until, ok)
		}
	}
}

func TestSecureRDAP(t *testing.T) {
	w := newWorld(t)
	w.registries(answerWith(200, rdapJSON, object("shop.test", "")), nil)
	ca := newAuthority(t)
	good := ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "rdap.nic.test")
	h := answerWith(200, rdapJSON, object("shop.test", ""))
	down := false
	w.serve("192.0.2.50:443", func(rw http.ResponseWriter, r *http.Request) {
		if down {
			http.Redirect(rw, r, "http://rdap.nic.test/domain/shop.test", http.StatusFound)
			return
		}
		h(rw, r)
	}, good)
	ask := func(change func(*Config)) (registration.Record, error) {
		c := w.asking(func(cfg *Config) {
			cfg.RDAP = known{domains: []string{"https://rdap.nic.test/"}}
			cfg.TLSRoots = ca.pool
		}, change)
		return c.Registration(context.Background(), domain(t, "shop.test"))
	}
	if rec, err := ask(func(*Config) {}); err != nil || rec.State != registration.Registered {
		t.Errorf("a good certificate: %+v, %v", rec, err)
	}
	if _, err := ask(func(cfg *Config) { cfg.TLSRoots = newAuthority(t).pool }); problem.CodeOf(err) != problem.Unavailable {
		t.Errorf("a foreign authority: %v", err)
	}
	if _, err := ask(func(cfg *Config) { cfg.TLSTime = func() time.Time { return start.AddDate(1, 0, 0) } }); problem.CodeOf(err) != problem.Unavailable {
		t.Errorf("out of date: %v", err)
	}
	down = true
	if rec, err := ask(func(*Config) {}); err != nil || rec.State != registration.Failed || !strings.Contains(findings(rec.Findings), "rdap.redirect-insecure") {
		t.Errorf("a redirect to http: %+v, %v", rec, err)
	}
}

func TestNetwork(t *testing.T) {
	w := newWorld(t)
	w.registries(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/ip/192.0.2.10":
			http.Redirect(rw, r, "/ripe/192.0.2.10", http.StatusMovedPermanently)
		case "/ripe/192.0.2.10":
			answerWith(200, rdapJSON, `{"objectClassName":"ip network","handle":"NET-1","startAddress":"192.0.2.0","endAddress":"192.0.2.255",
"name":"HOSTER","country":"NL","rdapConformance":["rdap_level_0"],"entities":[{"objectClassName":"entity","roles":["abuse"],
"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Abuse"],["email",{},"text","abuse@hoster.test"]]]}]}`)(rw, r)
		default:
			answerWith(404, rdapJSON, `{"errorCode":404}`)(rw, r)
		}
	}, nil)
	c := w.asking()
	n, err := c.Network(context.Background(), netip.MustParseAddr("192.0.2.10"))
	if err != nil || n.State != registration.Registered || n.AbuseEmail != "abuse@hoster.test" || n.Country != "NL" ||
		n.Source.Server != "http://rdap.nic.test/ripe/192.0.2.10" || n.Source.Blob == "" {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := c.Network(context.Background(), netip.MustParseAddr("2001:db8::1")); err != nil || n.State != registration.Available {
		t.Errorf("%+v, %v", n, err)
	}
	w.balanced(c)
}

// TestTurns: one server is asked no faster than its limit, others do not wait
// for it, and a call that cannot have its turn in time ends.
func TestTurns(t *testing.T) {
	w := newWorld(t)
	w.registries(answerWith(200, rdapJSON, object("shop.test", "http://rdap.registrar.test/x")), answerWith(200, rdapJSON, registrarObject("shop.test")))
	c := w.asking(func(cfg *Config) { cfg.Limits.RDAPRate, cfg.Limits.RDAPBurst = 1e-6, 2 })
	shop := domain(t, "shop.test")
	for range 2 {
		if _, err := c.Registration(context.Background(), shop); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Registration(context.Background(), shop); problem.CodeOf(err) != problem.Unavailable || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a third at once: %v", err)
	}
	if n := c.Counts().RDAP; n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	many := &budgets{servers: map[string]*budget{}}
	for i := range 3 * maxServers {
		if _, err := many.Turn(context.Background(), fmt.Sprint(i), Pace{Rate: 1e-6, Burst: 1}, start); err != nil {
			t.Fatal(err)
		}
	}
	if len(many.servers) > maxServers {
		t.Errorf("%d servers are remembered", len(many.servers))
	}
}

func TestRDAPSideBySide(t *testing.T) {
	w := newWorld(t)
	w.registries(answerWith(200, rdapJSON, object("shop.test", "")), nil)
	c := w.asking()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if rec, err := c.Registration(context.Background(), domain(t, "shop.test")); err != nil || rec.State != registration.Registered {
				t.Errorf("%+v, %v", rec, err)
			}
		})
	}
	all.Wait()
	if n := c.Counts(); n.RDAP != 10 || n.DNS != 3 { // the root once, and two questions about the server
		t.Errorf("%+v", n)
	}
	w.balanced(c)
}

// TestTurnedAway: a server that turns a question away (a ban, an overload) has said
// nothing about the name, whatever its body says. It is left alone, and not gone
// round by WHOIS.
func TestTurnedAway(t *testing.T) {
	bodies := map[string]string{"an error object": `{"errorCode":403,"title":"Forbidden"}`, "an error object that says otherwise": `{"errorCode":404,"title":"Not Found","description":["no such domain"]}`,
		"a page": "<html>Domain not found</html>", "words": "No match for domain", "nothing": "", "a domain": object("shop.test", "")}
	for _, status := range []int{403, 429, 503} {
		for what, body := range bodies {
			t.Run(fmt.Sprintf("%d/%s", status, what), func(t *testing.T) {
				w := newWorld(t)
				asked := 0
				w.registries(func(rw http.ResponseWriter, r *http.Request) {
					asked++
					answerWith(status, rdapJSON, body)(rw, r)
				}, nil)
				c := w.asking()
				for range 2 { // the second time the server is not asked
					rec, err := c.Registration(context.Background(), domain(t, "shop.test"))
					if err != nil || rec.State != registration.Throttled {
						t.Fatalf("%s: %v", rec.State, err)
					}
				}
				if asked != 1 || !c.RetryAt(domain(t, "shop.test")).After(start) || c.Counts().WHOIS != 0 {
					t.Errorf("asked %d times, not before %s, %+v", asked, c.RetryAt(domain(t, "shop.test")), c.Counts())
				}
				n, err := c.Network(context.Background(), netip.MustParseAddr("192.0.2.9"))
				if err != nil || n.State != registration.Throttled {
					t.Errorf("a network: %s %v", n.State, err)
				}
			})
		}
	}
}
