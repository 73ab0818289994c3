package web_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/access"
	"bailiwick/app"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/evidence"
	"bailiwick/judge"
	"bailiwick/lab"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/registration/bootstrap"
	"bailiwick/store"
)

// tick is the step of a world's clock.
const tick = 10 * time.Minute

// begin is when the worlds of these tests begin.
var begin = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// synthetic is what the pages of these worlds say of themselves.
const synthetic = "Synthetic: everything here is made up and runs on this machine only."

// world is a lab with a centre in it that serves its pages, on a clock that the
// test moves. Phishing is left to a person to confirm in the end.
type world struct {
	*app.App
	t     testing.TB
	clock *clock.Virtual
	lab   *lab.World
	// What accuracyPagesOf put in: the query of a frame, a survey, one to come.
	frame, survey, planned string
}

// newWorld starts a centre in the world of a scenario. The rules confirm by
// themselves.
func newWorld(t testing.TB, sc *lab.Scenario, rules ...string) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	lw, err := lab.Start(t.Context(), sc, lab.Options{Start: begin, Logger: log, Vantages: lab.StandardVantages()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, lab: lw, clock: clock.NewVirtual(begin)}
	t.Cleanup(func() {
		if err := lw.Close(); err != nil {
			t.Errorf("the lab: %v", err)
		}
	})
	cfg, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg.Database, cfg.Blobs, cfg.Listen, cfg.Workers, cfg.Worker = "sqlite:"+filepath.Join(dir, "state.db"), filepath.Join(dir, "blobs"), "127.0.0.1:0", 2, "test"
	cfg.Centre = config.Centre{Name: "Lab Coordination Centre", Contact: "desk@centre.example", ReplyDomain: "centre.example", Hotline: "hotline@hotline.example"}
	cfg.Mail.Enabled, cfg.Mail.PerPartyPerDay, cfg.Mail.PerDay = true, 100_000, 1_000_000
	cfg.Confirm.Rules = rules
	cfg.Disclosure.Take = true
	cfg.Verify.Profiles = []string{holdingProfile(t, dir)}
	aw := w.between()
	if w.App, err = app.New(t.Context(), cfg, aw, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := w.Start(t.Context(), cfg, aw); err != nil {
		t.Fatal(err)
	}
	if err := lw.SetCentre(w.URL); err != nil {
		t.Fatal(err)
	}
	return w
}

// between is the lab's world as an operator in it would configure it.
func (w *world) between() app.World {
	w.t.Helper()
	f, err := w.lab.About()
	if err != nil {
		w.t.Fatal(err)
	}
	out := app.World{Passwords: access.Params{Time: 1, Memory: 64, Threads: 1}, Clock: w.clock, TLSTime: w.clock.Now, ByHand: true, Synthetic: synthetic, Dial: w.lab.Dial, Roots: f.Roots, AllowDocumentation: true,
		TLSRoots: x509.NewCertPool(), Limits: collect.Limits{RDAPRate: 1e6, RDAPBurst: 1e6, WHOISRate: 1e6, WHOISBurst: 1e6}}
	out.TLSRoots.AppendCertsFromPEM([]byte(f.CA))
	var errs []error
	domains := func(in ...string) (out []name.Domain) {
		for _, s := range in {
			d, err := name.ParseAny(s)
			errs = append(errs, err)
			out = append(out, d)
		}
		return out
	}
	out.RDAP, err = app.Servers(bootstrap.Files{DNS: f.RDAPDNS, IPv4: f.RDAP4, IPv6: f.RDAP6})
	errs = append(errs, err)
	out.Suffixes = domains(f.Suffixes...)
	out.GTLD = func(tld string) (known, gtld bool) {
		gtld = slices.Contains(f.GTLDs, tld)
		return gtld || slices.Contains(f.CCTLDs, tld), gtld
	}
	for _, v := range f.Vantages {
		out.Vantages = append(out.Vantages, evidence.Vantage{ID: v.ID, UserAgent: v.UserAgent, Language: v.Language, Referer: v.Referer, Source: v.Source})
	}
	data := party.Data{Self: party.Centre{Name: "Lab Coordination Centre", Email: "desk@centre.example"}}
	for _, b := range f.Parties.Platforms {
		data.Platforms = append(data.Platforms, party.KnownPlatform{Suffix: domains(b.Suffix)[0], Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range f.Parties.CDNs {
		data.CDNs = append(data.CDNs, party.KnownCDN{Name: b.Name, Email: b.Mail, Form: b.Form, Prefixes: b.Prefixes})
	}
	for _, b := range f.Parties.BlockLists {
		data.BlockLists = append(data.BlockLists, party.KnownBlockList{Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range f.Parties.Constituents {
		data.Constituents = append(data.Constituents, party.KnownConstituent{Name: b.Name, Email: b.Mail, Form: b.Form, Domains: domains(b.Domains...), Brands: b.Brands})
	}
	for _, b := range f.Registries {
		data.Registries = append(data.Registries, party.KnownRegistry{TLD: domains(b.Suffix)[0], Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	out.Parties = &data
	out.Known = judge.Known{SinkholeServers: domains(f.Parties.Sinkholes...), ParkingServers: domains(f.Parties.Parking...)}
	for _, a := range f.Parties.SinkholeAddrs {
		out.Known.Sinkholes = append(out.Known.Sinkholes, netip.PrefixFrom(a, a.BitLen()))
	}
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// settle lets the world and the centre act on everything due now.
func (w *world) settle() {
	w.t.Helper()
	now := w.clock.Now()
	for range 200 {
		if err := w.lab.Advance(w.t.Context(), now); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Queue.Wait(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		swept, err := w.Centre.Sweep(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if t, due := w.lab.Next(); swept.Zero() && (!due || t.After(now)) {
			return
		}
	}
	w.t.Fatalf("at %s something is due again and again", now)
}

// until moves the clock, in whole ticks, to d after the beginning.
func (w *world) until(d time.Duration) {
	w.t.Helper()
	for end := begin.Add(d); ; {
		w.settle()
		now := w.clock.Now()
		if !now.Before(end) {
			return
		}
		next := end
		take := func(t time.Time) {
			if t = begin.Add((t.Sub(begin) + tick - 1) / tick * tick); !t.After(now) {
				t = now.Add(tick)
			}
			if t.Before(next) {
				next = t
			}
		}
		if t, ok := w.lab.Next(); ok {
			take(t)
		}
		if err := w.Store.View(w.t.Context(), func(tx *store.Tx) error {
			t, ok, err := tx.NextDue(w.t.Context())
			if ok {
				take(t)
			}
			return err
		}); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Set(next)
	}
}

// analyst adds somebody who works cases, and gives the name and password.
func analyst(t testing.TB, a *app.App) (login, password string) {
	t.Helper()
	login, password = "ana", "four plain words here"
	p, err := a.Access.AddPerson(t.Context(), access.Console, access.NewPerson{Login: login, Name: "Ana Lyst", Roles: []access.Role{access.Admin, access.Analyst, access.Auditor}})
	if err == nil {
		err = a.Access.SetPassword(t.Context(), access.Console, p.ID, password)
	}
	if err != nil {
		t.Fatal(err)
	}
	return login, password
}

// scenario loads one of YAML.
func scenario(t testing.TB, s string) *lab.Scenario {
	t.Helper()
	sc, err := lab.Load(strings.NewReader(s), "scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return sc
}
