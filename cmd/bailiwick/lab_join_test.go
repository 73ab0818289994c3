package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/config"
	"bailiwick/lab"
	"bailiwick/lab/gateway"
	"bailiwick/store"
)

// TestServeLab: a centre that looks at a lab in another process tells it where it
// is. The lab's registrars then have their holders verified there, and its time is
// the centre's.
func TestServeLab(t *testing.T) {
	t.Parallel()
	sc, err := lab.Load(strings.NewReader("tlds: [{name: safex, verification: required}]\nnames: [{name: mill.safex, registered: -1h, site: shop, registrant: {email: anna@letters.example}}]\n"), "t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	e := &env{ctx: t.Context(), out: io.Discard, errs: io.Discard, log: log}
	begin := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	w, err := lab.Start(t.Context(), sc, lab.Options{Start: begin})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	about, err := w.About()
	if err != nil {
		t.Fatal(err)
	}
	about.Pace = &lab.Pace{Real: time.Now(), Virtual: begin, Speed: 3600}
	b, err := json.Marshal(about)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { _ = gateway.ServeCentre(l, w.Dial, w.SourceOf, joined(e, w), b) }() // until it is closed
	dir := t.TempDir()
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database, cfg.Blobs, cfg.Listen, cfg.Worker = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs"), "127.0.0.1:0", "w1"
	cfg.Inbox.Listen, cfg.Inbox.Domain, cfg.Centre.Contact = "127.0.0.1:0", lab.CentreDomain, "desk@centre.example"
	g, world, err := visit(t.Context(), l.Addr().String(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer g.leave()
	if world.Clock == nil || world.Clock.Now().Before(begin) || world.Clock.Now().After(begin.Add(1000*time.Hour)) || cfg.Verify.Profile != labProfileID || cfg.Verify.HookURL != about.Orders {
		t.Errorf("the clock is at %v; %+v", world.Clock, cfg.Verify)
	}
	world.ByHand = true
	a, err := app.New(t.Context(), cfg, world, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context(), cfg, world); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if err := g.join(t.Context(), a, "http://192.0.2.1:80"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("the lab goes to a centre elsewhere: %v", err)
	}
	for range 2 { // a centre that is started again joins again
		if err := g.join(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Advance(t.Context(), begin.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	all, err := a.Centre.Verifications(t.Context(), store.VerificationFilter{})
	if n := w.Counts(); err != nil || len(all) != 1 || all[0].Name != "mill.safex" || n.Verifications != 1 || n.VerificationsRefused != 0 {
		t.Errorf("%+v %v; %+v", all, err, n)
	}
	// Who has a system of their own keeps it.
	own := cfg
	own.Verify.HookURL = "https://provision.registrar.example/orders"
	other, _, err := visit(t.Context(), l.Addr().String(), &own)
	if err != nil || other.secret != nil || own.Verify.HookURL != "https://provision.registrar.example/orders" {
		t.Errorf("%+v %v", own.Verify, err)
	}
}
