package collect

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/accuracy"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestMailFact(t *testing.T) {
	w := newWorld(t)
	w.internet("null.test. 60 IN NS ns.null.test.", "ns.null.test. 60 IN A 203.0.113.20",
		"bare.test. 60 IN NS ns.bare.test.", "ns.bare.test. 60 IN A 203.0.113.21",
		"empty.test. 60 IN NS ns.empty.test.", "ns.empty.test. 60 IN A 203.0.113.22",
		"broken.test. 60 IN NS ns.broken.test.", "ns.broken.test. 60 IN A 203.0.113.23")
	w.dns("203.0.113.20", zoneOf(t, "null.test.", "null.test. 60 IN MX 0 .", "null.test. 60 IN A 192.0.2.10"))
	w.dns("203.0.113.21", zoneOf(t, "bare.test.", "bare.test. 60 IN AAAA 2001:db8::10"))
	w.dns("203.0.113.22", zoneOf(t, "empty.test.", "other.empty.test. 60 IN A 192.0.2.10"))
	w.dns("203.0.113.23", code(dns.RcodeServerFailure))
	yes := true
	c := w.collector()
	for _, x := range []struct {
		domain, registered string
		want               accuracy.MailFact
	}{
		{"shop.test", "shop.test", accuracy.MailFact{Registered: &yes, MX: []string{"mx1.shop.test", "mx2.shop.test"}}},
		{"gone.shop.test", "shop.test", accuracy.MailFact{Registered: &yes}},
		{"null.test", "null.test", accuracy.MailFact{Registered: &yes, NullMX: true}},
		{"bare.test", "bare.test", accuracy.MailFact{Registered: &yes, Address: true}},
		{"empty.test", "empty.test", accuracy.MailFact{Registered: &yes}},
		{"broken.test", "broken.test", accuracy.MailFact{Registered: &yes, Failure: "SERVFAIL"}},
		// No registration server is known here, so whether the name is
		// registered stays open.
		{"unsold.test", "unsold.test", accuracy.MailFact{}},
	} {
		x.want.At = w.clock.Now()
		got := c.MailFact(context.Background(), domain(t, x.domain), domain(t, x.registered))
		if d := cmp.Diff(x.want, got); d != "" {
			t.Errorf("%s: %s", x.domain, d)
		}
	}
	w.balanced(c)
	for _, a := range append(w.connections("udp"), w.connections("tcp")...) {
		if a == "192.0.2.25:25" || a == "192.0.2.26:25" {
			t.Errorf("%s was spoken to", a)
		}
	}
	down := newWorld(t).collector()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if f := down.MailFact(ctx, domain(t, "shop.test"), domain(t, "shop.test")); f.Failure == "" || f.Registered != nil {
		t.Errorf("no root: %+v", f)
	}
}

// TestMailFactTerms: whether a mail domain is registered is asked of no server
// whose terms of use forbid it, and of registries only.
func TestMailFactTerms(t *testing.T) {
	w := newWorld(t)
	var sold atomic.Bool
	w.registries(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved/domain/unsold.test":
			http.Redirect(rw, r, "http://rdap.registrar.test/domain/unsold.test", http.StatusFound)
		case sold.Load():
			answerWith(200, rdapJSON, object("unsold.test", "http://rdap.registrar.test/domain/unsold.test"))(rw, r)
		default:
			answerWith(404, rdapJSON, `{"errorCode":404}`)(rw, r)
		}
	}, answerWith(404, rdapJSON, `{"errorCode":404}`))
	yes, no := true, false
	for _, x := range []struct {
		terms string
		path  string
		sold  bool
		want  *bool
		asked int64
	}{
		{"{server: rdap.nic.test, rate: 100}", "", false, &no, 1},
		{"{server: rdap.nic.test, rate: 100}", "", true, &yes, 1}, // the registrar is not asked
		{"{server: rdap.nic.test, bulk: false}", "", false, nil, 0},
		{"{server: rdap.nic.test, contacts: false}", "", false, nil, 0},
		{"{server: rdap.nic.test, purposes: [abuse handling]}", "", false, nil, 0},
		{"{server: rdap.registrar.test, bulk: false}", "moved/", false, nil, 1}, // to which it is redirected
	} {
		terms, err := ReadTerms(strings.NewReader("servers: [" + x.terms + "]"))
		if err != nil {
			t.Fatal(err)
		}
		sold.Store(x.sold)
		c := w.asking(func(cfg *Config) {
			cfg.Terms, cfg.RDAP = terms, known{domains: []string{"http://rdap.nic.test/" + x.path}}
		})
		got := c.MailFact(context.Background(), domain(t, "unsold.test"), domain(t, "unsold.test"))
		if d := cmp.Diff(x.want, got.Registered); d != "" || c.Counts().RDAP != x.asked {
			t.Errorf("%s: asked %d times, not %d; registered: %s", x.terms, c.Counts().RDAP, x.asked, d)
		}
	}
}
