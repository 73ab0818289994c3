package collect

import (
	"context"
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
