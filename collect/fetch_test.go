package collect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bailiwick/evidence"
	"bailiwick/name"

	"github.com/google/go-cmp/cmp"
)

const login = `<html><title>Sign in</title><form action=/post><input type=password name=p></form>`

func page(s string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, s)
	}
}

// sites puts up web servers for hosts of shop.test. and returns a collector.
func (w *world) sites(hosts map[string]http.HandlerFunc) {
	w.t.Helper()
	w.internet("web.test. 60 IN NS ns.web.test.", "ns.web.test. 60 IN A 203.0.113.40")
	lines := []string{"lan.web.test. 60 IN A 192.168.1.1", "meta.web.test. 60 IN A 169.254.169.254", "none.web.test. 60 IN TXT x",
		"both.web.test. 60 IN A 10.0.0.1", "both.web.test. 60 IN A 192.0.2.200", "closed.web.test. 60 IN A 192.0.2.199",
		"mapped.web.test. 60 IN AAAA ::ffff:10.0.0.1"}
	i := 100
	for h, f := range hosts {
		i++
		lines = append(lines, fmt.Sprintf("%s.web.test. 60 IN A 192.0.2.%d", h, i))
		w.web(fmt.Sprintf("192.0.2.%d:80", i), f)
	}
	w.web("192.0.2.200:80", page("<html>both"))
	w.dns("203.0.113.40", zoneOf(w.t, "web.test.", lines...))
}

func TestFetch(t *testing.T) {
	w := newWorld(t)
	w.sites(map[string]http.HandlerFunc{"kit": func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(rw, &http.Cookie{Name: "seen", Value: "1"})
			http.Redirect(rw, r, "/in?x=1", http.StatusFound)
		case "/in":
			if c, err := r.Cookie("seen"); err != nil || c.Value != "1" {
				http.Error(rw, "no cookie", http.StatusForbidden)
				return
			}
			page(`<html><meta http-equiv=refresh content="2;url=//other.web.test/login">`)(rw, r)
		}
	}, "other": func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Server", "kit\x01/2")
		if len(r.Cookies()) > 0 || r.Referer() != "http://kit.web.test/" {
			http.Error(rw, "what is this?", http.StatusForbidden)
			return
		}
		page(login)(rw, r)
	}})
	c := w.collector()
	v := evidence.Vantage{ID: "v", UserAgent: "B/1", Language: "de", Source: netip.MustParseAddr("203.0.113.250")}
	f := c.Fetch(context.Background(), link(t, "http://kit.web.test/"), v)
	if len(f.Hops) != 3 || f.Status != 200 || f.Err != "" || f.Page == nil || !f.Page.Password || f.Page.Title != "Sign in" {
		t.Fatalf("%+v", f)
	}
	if f.Hops[0].Status != 302 || f.Hops[0].Location != "/in?x=1" || f.Hops[1].Location != "http://other.web.test/login" ||
		f.Final().String() != "http://other.web.test/login" || f.Vantage != "v" || !f.At.Equal(start) {
		t.Errorf("%+v", f.Hops)
	}
	if string(w.blobs[f.Body]) != login || f.Bytes != int64(len(login)) || f.Truncated || f.ContentType != "text/html" {
		t.Errorf("the body: %+v", f)
	}
	for _, d := range w.dialled {
		if d.network == "tcp" && d.source != v.Source {
			t.Errorf("%s was dialled from %s", d.address, d.source)
		}
	}
	w.balanced(c)
	if n := c.Counts(); n.HTTP != 3 || n.RDAP != 0 {
		t.Errorf("%+v", n)
	}
	// A second visitor brings no cookies of the first.
	if again := c.Fetch(context.Background(), link(t, "http://kit.web.test/in"), v); again.Status != http.StatusForbidden {
		t.Errorf("cookies leaked: %+v", again)
	}
}

func TestFetchFailures(t *testing.T) {
	w := newWorld(t)
	to := func(location string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Location", location)
			rw.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(rw, "<html>moved")
		}
	}
	w.sites(map[string]http.HandlerFunc{
		"private": to("http://127.0.0.1:8080/admin"), "octal": to("http://0177.1/"), "mapping": to("http://[::ffff:10.0.0.1]/"),
		"nat": to("http://[64:ff9b::a00:1]/"), "named": to("http://lan.web.test/"), "cloud": to("http://meta.web.test/latest/meta-data/"),
		"redis": to("http://closed.web.test:6379/"), "script": to("javascript:alert(1)"), "file": to("file:///etc/passwd"),
		"self": func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.Path+"x", http.StatusFound) },
		"refresher": func(rw http.ResponseWriter, r *http.Request) {
			page(fmt.Sprintf(`<html>soon<meta http-equiv=refresh content="0;url=%sx">`, r.URL.Path))(rw, r)
		},
		"turn":  page(`<html>turning<meta http-equiv=refresh content="0;url=/?2">`),
		"error": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) },
		"header": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Refresh", "1; url=http://lan.web.test/")
			page("<html>wait")(rw, r)
		},
		"guarded": func(rw http.ResponseWriter, r *http.Request) { // asks, and then goes to the bank
			page(login+`<meta http-equiv=refresh content="5;url=http://closed.web.test/">`)(rw, r)
		},
		"head": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Long", strings.Repeat("x", 100<<10))
		},
	})
	garbled := func(s string) func(net.Conn) {
		return func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _, _ = io.WriteString(c, s) }
	}
	for addr, s := range map[string]string{
		"192.0.2.201:81": "SSH-2.0-OpenSSH\r\n", "192.0.2.201:82": "", "192.0.2.201:83": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<html>half",
		"192.0.2.201:84": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all", "192.0.2.201:85": strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 50),
		"192.0.2.201:86": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	} {
		w.raw(addr, garbled(s))
	}
	w.raw("192.0.2.202:443", garbled("HTTP/1.1 400 Bad Request\r\n\r\n"))
	w.mu.Lock()
	w.deaf["192.0.2.203:80"] = true
	w.mu.Unlock()
	c := w.collector()
	for _, x := range []struct {
		url, err string
		hops     int
		status   int
	}{
		{"http://unsold.test/", "nxdomain", 1, 0},
		{"http://gone.web.test/", "nxdomain", 1, 0},
		{"http://none.web.test/", "dns", 1, 0},
		{"http://closed.web.test/", "refused", 1, 0},
		{"http://lan.web.test/", "blocked", 1, 0},
		{"http://mapped.web.test/", "blocked", 1, 0},
		{"http://both.web.test/", "", 1, 200},
		{"http://127.0.0.1/", "blocked", 1, 0},
		{"http://[::1]/", "blocked", 1, 0},
		{"http://2130706433/", "blocked", 1, 0},
		{"http://closed.web.test:25/", "blocked", 1, 0},
		{"http://private.web.test/", "blocked", 2, 0},
		{"http://octal.web.test/", "blocked", 2, 0},
		{"http://mapping.web.test/", "blocked", 2, 0},
		{"http://nat.web.test/", "blocked", 2, 0},
		{"http://named.web.test/", "blocked", 2, 0},
		{"http://cloud.web.test/", "blocked", 2, 0},
		{"http://redis.web.test/", "blocked", 2, 0},
		{"http://header.web.test/", "blocked", 2, 0},
		{"http://script.web.test/", "malformed", 1, 302},
		{"http://file.web.test/", "malformed", 1, 302},
		{"http://self.web.test/", "redirects", 11, 302},
		{"http://refresher.web.test/", "redirects", 11, 200},
		{"http://turn.web.test/", "", 2, 200},
		{"http://guarded.web.test/", "", 1, 200},
		{"http://error.web.test/", "", 1, 418},
		{"http://head.web.test/", "malformed", 1, 0},
		{"http://192.0.2.201:81/", "malformed", 1, 0},
		{"http://192.0.2.201:82/", "reset", 1, 0},
		{"http://192.0.2.201:83/", "", 1, 200},
		{"http://192.0.2.201:84/", "malformed", 1, 200},
		{"http://192.0.2.201:85/", "malformed", 1, 0},
		{"http://192.0.2.201:86/", "reset", 1, 0},
		{"https://192.0.2.202/", "tls", 1, 0},
		{"http://192.0.2.203/", "timeout", 1, 0},
	} {
		t.Run(x.url, func(t *testing.T) {
			f := c.Fetch(context.Background(), link(t, x.url), evidence.Vantage{ID: "v"})
			if f.Err != x.err || len(f.Hops) != x.hops || f.Status != x.status {
				t.Errorf("err %q after %d hops, status %d; want %q, %d, %d", f.Err, len(f.Hops), f.Status, x.err, x.hops, x.status)
			}
			if x.url == "http://192.0.2.201:83/" && (!f.Truncated || string(w.blobs[f.Body]) != "<html>half") {
				t.Errorf("a body cut by the server: %+v", f)
			}
		})
	}
	for _, a := range w.connections("tcp") {
		if err := (Guard{AllowDocumentation: true}).Check(netip.MustParseAddrPort(a).Addr()); err != nil {
			t.Errorf("%s was dialled", a)
		}
	}
}

func TestBodies(t *testing.T) {
	squeeze := func(format, s string) []byte {
		var b bytes.Buffer
		var z io.WriteCloser
		switch format {
		case "gzip":
			z = gzip.NewWriter(&b)
		case "zlib":
			z = zlib.NewWriter(&b)
		case "flate":
			z, _ = flate.NewWriter(&b, 9)
		}
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.Bytes()
	}
	const limit = 64 << 10
	send := func(encoding string, body []byte) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			rw.Header().Set("Content-Encoding", encoding)
			_, _ = rw.Write(body)
		}
	}
	bomb := squeeze("gzip", strings.Repeat("0", 8<<20))
	w := newWorld(t)
	w.sites(map[string]http.HandlerFunc{
		"gzip": send("gzip", squeeze("gzip", login)), "zlib": send("deflate", squeeze("zlib", login)), "flate": send("deflate", squeeze("flate", login)),
		"twice": send("gzip, gzip", squeeze("gzip", string(squeeze("gzip", login)))),
		"bomb":  send("gzip", bomb), "bombs": send("gzip, gzip", squeeze("gzip", string(bomb))),
		"thrice": send("gzip, gzip, gzip", bomb), "other": send("br", []byte("<html>as it came")), "cut": send("gzip", squeeze("gzip", login)[:60]),
		"endless": func(rw http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := rw.Write(bytes.Repeat([]byte("<p>x"), 1024)); err != nil {
					return
				}
			}
		},
	})
	c := w.collector(func(cfg *Config) { cfg.Limits.Body = limit })
	for _, x := range []struct {
		host, err string
		bytes     int64
		truncated bool
	}{
		{"gzip", "", int64(len(login)), false}, {"zlib", "", int64(len(login)), false}, {"flate", "", int64(len(login)), false},
		{"twice", "", int64(len(login)), false}, {"bomb", "", limit, true}, {"bombs", "", limit, true}, {"endless", "", limit, true},
		{"thrice", "malformed", 0, false}, {"other", "", 16, false}, {"cut", "", -1, true},
	} {
		f := c.Fetch(context.Background(), link(t, "http://"+x.host+".web.test/"), evidence.Vantage{ID: "v"})
		if f.Err != x.err || x.bytes >= 0 && f.Bytes != x.bytes || f.Truncated != x.truncated || f.Bytes != int64(len(w.blobs[f.Body])) {
			t.Errorf("%s: err %q, %d octets, truncated %v; want %q, %d, %v", x.host, f.Err, f.Bytes, f.Truncated, x.err, x.bytes, x.truncated)
		}
	}
}

// TestDrip: a server that sends a little at a time is left when the time is
// over, and what came is kept.
func TestDrip(t *testing.T) {
	w := newWorld(t)
	gone := make(chan struct{})
	w.sites(map[string]http.HandlerFunc{
		"drip": func(rw http.ResponseWriter, r *http.Request) {
			defer close(gone)
			page("<html><title>slow</title>")(rw, r)
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		},
	})
	w.raw("192.0.2.210:80", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); nothingMore(c) })
	c := w.collector(func(cfg *Config) { cfg.Limits.FetchTime = 500 * time.Millisecond })
	names := c.newHostNames(context.Background())
	names.resolve(domain(t, "drip.web.test")) // so that the time goes to the page
	f := c.fetch(context.Background(), link(t, "http://drip.web.test/"), evidence.Vantage{ID: "v"}, names, true)
	<-gone
	if f.Err != "" || !f.Truncated || f.Page == nil || f.Page.Title != "slow" {
		t.Errorf("%+v", f)
	}
	if f = c.Fetch(context.Background(), link(t, "http://192.0.2.210/"), evidence.Vantage{ID: "v"}); f.Err != "timeout" || f.Status != 0 {
		t.Errorf("a header that does not end: %+v", f)
	}
}

// nothingMore waits until the other side goes away.
func nothingMore(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestTLS(t *testing.T) {
	w := newWorld(t)
	w.internet("safe.test. 60 IN NS ns.safe.test.", "ns.safe.test. 60 IN A 203.0.113.41")
	w.dns("203.0.113.41", zoneOf(t, "safe.test.", "good.safe.test. 60 IN A 192.0.2.41", "old.safe.test. 60 IN A 192.0.2.42",
		"other.safe.test. 60 IN A 192.0.2.43", "own.safe.test. 60 IN A 192.0.2.44", "young.safe.test. 60 IN A 192.0.2.45"))
	ca, foreign := newAuthority(t), newAuthority(t)
	for addr, cert := range map[string]*tls.Certificate{
		"192.0.2.41:443": ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "good.safe.test"),
		"192.0.2.42:443": ca.issue(start.AddDate(0, -2, 0), start.AddDate(0, -1, 0), "old.safe.test"),
		"192.0.2.43:443": ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "good.safe.test"),
		"192.0.2.44:443": foreign.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "own.safe.test"),
		"192.0.2.45:443": ca.issue(start.AddDate(0, 1, 0), start.AddDate(0, 2, 0), "young.safe.test"),
	} {
		w.serve(addr, page(login), cert)
	}
	c := w.collector(func(cfg *Config) { cfg.TLSRoots = ca.pool })
	for host, want := range map[string]string{"good": "", "old": "expired", "other": "name", "own": "authority", "young": "expired"} {
		f := c.Fetch(context.Background(), link(t, "https://"+host+".safe.test/"), evidence.Vantage{ID: "v"})
		if f.Err != "" || f.Status != 200 || f.Page == nil || !f.Page.Password || f.Hops[0].TLSError != want {
			t.Errorf("%s: err %q, status %d, TLS %q; want %q", host, f.Err, f.Status, f.Hops[0].TLSError, want)
		}
	}
	// The clock of the test decides, not the machine's.
	w.clock.Set(start.AddDate(0, 1, 2))
	if f := c.Fetch(context.Background(), link(t, "https://good.safe.test/"), evidence.Vantage{ID: "v"}); f.Hops[0].TLSError != "expired" {
		t.Errorf("a month later: %q", f.Hops[0].TLSError)
	}
}

// TestLook: a page that shows itself to one visitor only.
func TestLook(t *testing.T) {
	w := newWorld(t)
	china := netip.MustParseAddr("203.0.113.251")
	w.internet()
	w.web("192.0.2.10:80", func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			page("<html><title>Shoes")(rw, r)
		case strings.Contains(r.UserAgent(), "Mobile") && strings.HasPrefix(r.Header.Get("Accept-Language"), "zh") && r.Referer() == "https://s.example/":
			page(login)(rw, r)
		default:
			http.NotFound(rw, r)
		}
	})
	vantages := []evidence.Vantage{
		{ID: "plain", UserAgent: "Desktop", Language: "en"},
		{ID: "mobile-cn", UserAgent: "Mobile", Language: "zh-CN", Referer: "https://s.example/", Source: china},
		{ID: "six", UserAgent: "Desktop", Language: "en", Source: netip.MustParseAddr("2001:db8::5")},
	}
	c := w.collector(func(cfg *Config) { cfg.Vantages = vantages })
	shop := domain(t, "shop.test")
	req := LookRequest{URLs: []name.URL{link(t, "http://shop.test/a"), link(t, "http://www.shop.test/b")}, Host: shop, Registered: shop, Home: true}
	look := c.Look(context.Background(), req)
	if look.DNS == nil || !look.DNS.Exists() || len(look.Fetches) != 6 || len(look.Home) != 3 {
		t.Fatalf("%+v", look)
	}
	for i, f := range look.Fetches {
		if f.URL != req.URLs[i/3] || f.Vantage != vantages[i%3].ID {
			t.Errorf("fetch %d is of %s from %s", i, f.URL, f.Vantage)
		}
		switch f.Vantage {
		case "mobile-cn":
			if f.Status != 200 || !f.Page.Password {
				t.Errorf("fetch %d: %+v", i, f)
			}
		case "plain":
			if f.Status != 404 {
				t.Errorf("fetch %d: %+v", i, f)
			}
		case "six": // only IPv6 addresses can be reached from there, and nothing listens
			if f.Err != "refused" {
				t.Errorf("fetch %d: %+v", i, f)
			}
		}
	}
	if look.Home[0].Page.Title != "Shoes" || look.Home[0].Final().String() != "http://shop.test/" {
		t.Errorf("home: %+v", look.Home[0])
	}
	if len(look.Blobs) != 3 || len(w.blobs) != 3 { // the form, the 404, the shop
		t.Errorf("%d blobs named, %d kept", len(look.Blobs), len(w.blobs))
	}
	w.balanced(c)
	n := c.Counts()
	again := c.Look(context.Background(), req)
	if d := cmp.Diff(look, again, sameName); d != "" {
		t.Errorf("the same look twice: %s", d)
	}
	if m := c.Counts(); m.DNS-n.DNS != n.DNS-1 || m.HTTP != 2*n.HTTP { // but for the root, asked once
		t.Errorf("%+v, then %+v", n, m)
	}

	clear(w.blobs)
	req.NoKeep = true
	look = c.Look(context.Background(), req)
	if len(w.blobs) != 0 || len(look.Blobs) != 0 || look.Fetches[1].Body != "" || !look.Fetches[1].Page.Password {
		t.Errorf("something was kept: %v", look.Blobs)
	}
	if l := c.Look(context.Background(), LookRequest{}); l.DNS != nil || len(l.Fetches)+len(l.Home) != 0 {
		t.Errorf("nothing asked for: %+v", l)
	}
}

// TestHomeBySecureWay: the front page comes by https where http is closed.
func TestHomeBySecureWay(t *testing.T) {
	w := newWorld(t)
	w.internet()
	ca := newAuthority(t)
	w.serve("192.0.2.10:443", page("<html><title>Safe"), ca.issue(start.AddDate(0, -1, 0), start.AddDate(0, 1, 0), "shop.test"))
	c := w.collector(func(cfg *Config) { cfg.TLSRoots = ca.pool })
	shop := domain(t, "shop.test")
	look := c.Look(context.Background(), LookRequest{Host: shop, Registered: shop, Home: true})
	if f := look.Home[0]; f.Page == nil || f.Page.Title != "Safe" || f.URL.String() != "https://shop.test/" {
		t.Errorf("%+v", f)
	}
}

// TestKeepFails: a store that is away costs the raw bytes, not the facts.
func TestKeepFails(t *testing.T) {
	w := newWorld(t)
	w.internet()
	w.web("192.0.2.10:80", page(login))
	c := w.collector(func(cfg *Config) {
		cfg.Keep = func(context.Context, string, []byte) (string, error) { return "", io.ErrClosedPipe }
	})
	f := c.Fetch(context.Background(), link(t, "http://shop.test/"), evidence.Vantage{ID: "v"})
	if f.Err != "" || f.Body != "" || !f.Page.Password || f.Bytes == 0 {
		t.Errorf("%+v", f)
	}
}

func TestReferer(t *testing.T) {
	for _, x := range []struct{ from, to, want string }{
		{"http://a.example/x?y", "http://a.example/z", "http://a.example/x?y"},
		{"https://a.example/x?y", "https://a.example/z", "https://a.example/x?y"},
		{"http://a.example/x?y", "http://a.example:8080/z", "http://a.example/"},
		{"https://a.example:8443/x?y", "https://b.example/", "https://a.example:8443/"},
		{"http://a.example/x", "https://a.example/x", "http://a.example/"},
		{"https://a.example/x", "http://a.example/x", ""},
	} {
		if got := refererFor(link(t, x.from), link(t, x.to)); got != x.want {
			t.Errorf("from %s to %s: %q, want %q", x.from, x.to, got, x.want)
		}
	}
}

func TestCookies(t *testing.T) {
	j := cookieJar{}
	set := func(u, c string) { j.take(link(t, u), http.Header{"Set-Cookie": {c}}) }
	set("http://www.a.example/", "own=1; Path=/x")
	set("http://www.a.example/", "wide=2; Domain=a.example")
	set("http://www.a.example/", "foreign=3; Domain=b.example")
	set("http://www.a.example/", "big="+strings.Repeat("x", maxCookieBytes))
	for _, x := range []struct{ url, want string }{
		{"http://www.a.example/", "own=1; foreign=3; wide=2"}, {"http://m.a.example/", "wide=2"}, {"http://b.example/", ""}, {"http://192.0.2.1/", ""},
	} {
		if got := j.header(link(t, x.url)); got != x.want {
			t.Errorf("%s: %q, want %q", x.url, got, x.want)
		}
	}
	set("http://www.a.example/", "own=; Max-Age=0")
	set("http://www.a.example/", "wide=4; Domain=a.example")
	if got := j.header(link(t, "http://www.a.example/")); got != "foreign=3; wide=4" {
		t.Errorf("after changes: %q", got)
	}
	for i := range 2 * maxCookies {
		set("http://c.example/", fmt.Sprintf("n%d=1", i))
	}
	if j.size() > maxCookies {
		t.Errorf("%d cookies", j.size())
	}
}

func FuzzRedirect(f *testing.F) {
	f.Add("http://a.example/b", 302, "//c.example", "0;url=/d")
	f.Add("https://a.example/", 307, "http://[::1]:80/\x00", "")
	f.Fuzz(func(t *testing.T, at string, status int, location, refresher string) {
		u, err := name.ParseURL(at)
		if err != nil {
			return
		}
		h := http.Header{"Location": {location}, "Refresh": {refresher}}
		next, away := redirect(u, status, h)
		if !away {
			next, away = refresh(u, got{header: h}, &evidence.Page{Refresh: location})
		}
		if away && (next.IsZero() || next.Scheme != "http" && next.Scheme != "https" || next.Domain.IsZero() && !next.Addr.IsValid()) {
			t.Fatalf("leads to %q", next)
		}
	})
}

func BenchmarkLook(b *testing.B) {
	w := newWorld(b)
	w.internet()
	w.web("192.0.2.10:80", page(login))
	c := w.collector(func(cfg *Config) { cfg.Vantages = DefaultVantages() })
	shop := domain(b, "shop.test")
	req := LookRequest{URLs: []name.URL{link(b, "http://shop.test/a")}, Host: shop, Registered: shop, Home: true}
	b.ReportAllocs()
	for b.Loop() {
		if l := c.Look(context.Background(), req); l.Fetches[0].Status != 200 {
			b.Fatal(l)
		}
	}
}
