// Package app puts a centre together from its configuration and starts and
// stops it, in process. What it cannot start it undoes.
package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"bailiwick/access"
	"bailiwick/api"
	"bailiwick/casework"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/collect"
	"bailiwick/config"
	"bailiwick/disclosure"
	"bailiwick/evidence"
	"bailiwick/job"
	"bailiwick/judge"
	"bailiwick/name"
	"bailiwick/notify"
	"bailiwick/notify/email"
	"bailiwick/notify/webhook"
	"bailiwick/party"
	"bailiwick/problem"
	"bailiwick/registration/bootstrap"
	"bailiwick/store"
	"bailiwick/verify"
	"bailiwick/web"
)

// World is what stands between the centre and the Internet. The zero World is
// the real one; the lab gives its own.
type World struct {
	Clock              clock.Clock
	Dial               collect.Dial
	Roots              []netip.AddrPort
	TLSRoots           *x509.CertPool
	TLSTime            func() time.Time
	RDAP               collect.RDAPServers
	AllowDocumentation bool          // the documentation networks exist in this world
	Passwords          access.Params // costs of new password hashes; zero: what access holds for safe
	Suffixes           []name.Domain
	GTLD               func(tld string) (known, gtld bool)
	TLDs               *bootstrap.TLDs // that mail addresses may end in; nil: those built in
	Parties            *party.Data
	Known              judge.Known
	Vantages           []evidence.Vantage
	NewID              func() string
	Limits             collect.Limits
	Jitter             func() float64 // of waits after failures; nil: at random
	// MailFrom tells the address of who sent mail over a connection; nil: the
	// connection's.
	MailFrom func(net.Conn) netip.Addr
	// Synthetic, if not empty, says on every page what in this world is made up.
	Synthetic string
	// Demo, if set, puts the control of this world on every page. Only the demo
	// command sets it.
	Demo *web.Demo
	// ByHand leaves the periodic sweep to the caller, who moves the clock.
	ByHand bool
}

// App is a running centre.
type App struct {
	Centre  *centre.Centre
	Store   *store.Store
	Queue   *job.Queue
	Collect *collect.Collector
	Mail    *email.Sender
	Access  *access.Desk
	Key     ed25519.PublicKey // exports are signed with it
	URL     string            // where the API is served on this machine
	Inbox   string            // where mail is taken on this machine; "" if nowhere
	// FirstLink is the one-time link by which the first administrator signs in;
	// "" once there is one.
	FirstLink string

	log    *slog.Logger
	undo   []func(context.Context) error
	sweeps sync.WaitGroup
}

// sweepEvery is how often everything that is due is looked for.
const sweepEvery = time.Second

// New opens the store and starts the centre's parts, without serving or
// working yet.
func New(ctx context.Context, cfg config.Config, w World, log *slog.Logger) (a *App, err error) {
	a = &App{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.rollback(ctx))
		}
	}()
	if w.Clock == nil {
		w.Clock = clock.Real{}
	}
	if a.Store, err = store.Open(ctx, cfg.Database, store.Options{BlobDir: cfg.Blobs, Clock: w.Clock, Logger: log}); err != nil {
		return a, err
	}
	a.undo = append(a.undo, func(context.Context) error { return a.Store.Close() })

	parts := centre.Parts{Store: a.Store, Clock: w.Clock, NewID: w.NewID, Log: log}
	if parts.NewID == nil {
		parts.NewID = ULID(w.Clock)
	}
	if parts.Key, parts.ReplyKey, err = keys(ctx, a.Store); err != nil {
		return a, err
	}
	// People sign in at the machine's own time, also in a world that runs fast.
	a.Access = access.New(a.Store.Access(), access.Options{Clock: clock.Real{}, NewID: parts.NewID, KeepLog: cfg.Retention.Access, Params: w.Passwords})
	a.Key = parts.Key.Public().(ed25519.PublicKey)
	if parts.Suffixes, err = suffixList(cfg.Files.Suffixes, w.Suffixes); err != nil {
		return a, err
	}
	data, err := parties(cfg, w)
	if err != nil {
		return a, err
	}
	gtld := w.GTLD
	if gtld == nil {
		tlds, err := bootstrap.DefaultTLDs()
		if err != nil {
			return a, err
		}
		gtld = tlds.IsGTLD
	}
	if parts.Directory, err = party.New(data, parts.Suffixes, gtld); err != nil {
		return a, err
	}
	if parts.Playbooks, err = playbooks(cfg.Files.Playbooks); err != nil {
		return a, err
	}
	rdap := w.RDAP
	if rdap == nil {
		if rdap, err = RDAPServers(cfg.Files.RDAP, cfg.Files.Bootstrap, log); err != nil {
			return a, err
		}
	}
	ports, err := whoisServers(cfg.Files.WHOIS)
	if err != nil {
		return a, err
	}
	terms, err := Terms(cfg.Files.Terms)
	if err != nil {
		return a, err
	}
	if parts.Vantages, err = vantages(cfg, w); err != nil {
		return a, err
	}
	if a.Collect, err = collect.New(collect.Config{Dial: w.Dial, Clock: w.Clock, Guard: collect.Guard{AllowDocumentation: w.AllowDocumentation},
		Roots: w.Roots, TLSRoots: w.TLSRoots, TLSTime: w.TLSTime, RDAP: rdap, WHOIS: ports, Keep: func(ctx context.Context, media string, data []byte) (string, error) {
			return a.Centre.Keep(ctx, media, data)
		}, Vantages: parts.Vantages,
		UserAgent: cfg.Network.UserAgent, Limits: w.Limits, Logger: log, Budgets: Budgets(a.Store), Terms: terms, Jitter: w.Jitter}); err != nil {
		return a, err
	}
	a.undo = append(a.undo, func(context.Context) error { a.Collect.Close(); return nil })
	parts.Collect = a.Collect
	w.Known.Suffixes = parts.Suffixes
	settings, err := settings(cfg, w, data)
	if err != nil {
		return a, err
	}
	a.Mail, err = email.New(email.SenderConfig{Hello: settings.ReplyDomain, Smarthost: cfg.Mail.Smarthost, User: cfg.Mail.User, Password: cfg.Mail.Password,
		MX: a.Collect.MX, Dial: a.Collect.DialGuarded, TLSRoots: w.TLSRoots, TLSTime: w.TLSTime, Logger: log})
	if err != nil {
		return a, err
	}
	parts.Mail = a.Mail
	if parts.DKIM, err = signer(cfg, settings.From); err != nil {
		return a, err
	}
	if parts.Hook, err = hook(cfg.Verify, w, a.Collect); err != nil {
		return a, err
	}
	a.Centre = centre.New(parts, settings)
	a.undo = append(a.undo, func(context.Context) error { a.Centre.Stop(); return nil })
	handlers := map[string]job.Handler{}
	for kind, h := range a.Centre.Handlers() {
		handlers[kind] = h
	}
	if a.Queue, err = job.Open(ctx, a.Store.Writer(), a.Store.Engine(), handlers, job.Options{Workers: max(1, cfg.Workers-1), Worker: settings.Worker, Logger: log}); err != nil {
		return a, err
	}
	a.Store.SetEnqueuer(a.Queue)
	return a, nil
}

// Start works and serves: jobs, the sweep, the pages and the API.
func (a *App) Start(ctx context.Context, cfg config.Config, w World) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.rollback(ctx))
		}
	}()
	if err = a.Centre.Recover(ctx); err != nil {
		return err
	}
	if err = a.Queue.Start(ctx); err != nil {
		return err
	}
	a.undo = append(a.undo, a.Queue.Stop)
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "cannot listen at %s", cfg.Listen)
	}
	a.URL = "http://" + l.Addr().String()
	if cfg.BaseURL == "" {
		a.Centre.SetBaseURL(a.URL)
	}
	mux := http.NewServeMux()
	api.New(a.Centre, a.Access).Register(mux)
	if err = web.Register(mux, a.Centre, web.Options{Access: a.Access, Synthetic: w.Synthetic, Demo: w.Demo}); err != nil {
		return err
	}
	link, needed, err := a.Access.FirstLink(ctx)
	if err != nil {
		return err
	}
	if needed {
		a.FirstLink = strings.TrimSuffix(cmp.Or(cfg.BaseURL, a.URL), "/") + access.WelcomePath + link
	}
	proxies, err := api.ParseProxies(cfg.TrustedProxies)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: proxies.Handler(mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("the server stopped", "err", err)
		}
	}()
	a.undo = append(a.undo, func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
	if cfg.Inbox.Listen != "" {
		if err = a.takeMail(cfg, w); err != nil {
			return err
		}
	}
	if !w.ByHand {
		sweepCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		a.sweeps.Go(func() { a.sweep(sweepCtx, cfg) })
		a.undo = append(a.undo, func(context.Context) error { cancel(); a.sweeps.Wait(); return nil })
	}
	return nil
}

// sweep makes certain what jobs make prompt.
func (a *App) sweep(ctx context.Context, cfg config.Config) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var kept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if _, err := a.Centre.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("the sweep met an error; it goes on at the next round", "err", err)
			}
			if now.Sub(kept) > time.Hour {
				kept = now
				if _, err := a.Access.Expire(ctx); err != nil && ctx.Err() == nil {
					a.log.Error("dead sessions could not be deleted", "err", err)
				}
				if err := a.Centre.Retain(ctx); err != nil && ctx.Err() == nil {
					a.log.Error("the retention sweep met an error", "err", err)
				}
			}
		}
	}
}

// Stop ends everything, last started first.
func (a *App) Stop(ctx context.Context) error { return a.rollback(ctx) }

func (a *App) rollback(ctx context.Context) error {
	var errs []error
	for len(a.undo) > 0 {
		f := a.undo[len(a.undo)-1]
		a.undo = a.undo[:len(a.undo)-1]
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

// keys are made at the first start and kept with the state.
func keys(ctx context.Context, s *store.Store) (sign ed25519.PrivateKey, reply []byte, err error) {
	err = s.Update(ctx, func(tx *store.Tx) error {
		b, ok, err := tx.Setting(ctx, "signing_seed")
		if err != nil {
			return err
		}
		if !ok {
			b = make([]byte, ed25519.SeedSize)
			if _, err := rand.Read(b); err != nil {
				return err
			}
			if err := tx.PutSetting(ctx, "signing_seed", b); err != nil {
				return err
			}
		}
		sign = ed25519.NewKeyFromSeed(b)
		if reply, ok, err = tx.Setting(ctx, "reply_key"); err != nil || ok {
			return err
		}
		reply = make([]byte, 32)
		if _, err := rand.Read(reply); err != nil {
			return err
		}
		return tx.PutSetting(ctx, "reply_key", reply)
	})
	return sign, reply, err
}

func suffixList(file string, private []name.Domain) (*name.Suffixes, error) {
	if file == "" {
		if len(private) == 0 {
			return name.DefaultSuffixes(), nil
		}
		return name.WithPrivate(private)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.suffixes cannot be opened")
	}
	defer f.Close()
	return name.LoadSuffixes(f)
}

func parties(cfg config.Config, w World) (party.Data, error) {
	if w.Parties != nil {
		return *w.Parties, nil
	}
	data, err := party.Default()
	if err != nil || cfg.Files.Parties == "" {
		return data, err
	}
	f, err := os.Open(cfg.Files.Parties)
	if err != nil {
		return data, problem.Wrap(err, problem.Invalid, "files.parties cannot be opened")
	}
	defer f.Close()
	own, err := party.Load(f)
	if err != nil {
		return data, err
	}
	return data.With(own), nil
}

func playbooks(files []string) (*casework.Playbooks, error) {
	var own []casework.Playbook
	for _, p := range files {
		f, err := os.Open(p)
		if err != nil {
			return nil, problem.Wrap(err, problem.Invalid, "files.playbooks: %s cannot be opened", p)
		}
		pb, err := casework.LoadPlaybook(f)
		f.Close()
		if err != nil {
			return nil, problem.Wrap(err, problem.CodeOf(err), "files.playbooks: %s", p)
		}
		own = append(own, pb)
	}
	return casework.NewPlaybooks(own...)
}

func vantages(cfg config.Config, w World) ([]evidence.Vantage, error) {
	if len(w.Vantages) > 0 {
		return w.Vantages, nil
	}
	if len(cfg.Network.Vantages) == 0 {
		return collect.DefaultVantages(), nil
	}
	var out []evidence.Vantage
	for i, v := range cfg.Network.Vantages {
		ev := evidence.Vantage{ID: v.ID, UserAgent: v.UserAgent, Language: v.Language, Referer: v.Referer, Country: v.Country}
		if v.Source != "" {
			a, err := netip.ParseAddr(v.Source)
			if err != nil {
				return nil, problem.BadField("network.vantages", "entry %d: %q is not an address", i, v.Source)
			}
			ev.Source = a
		}
		out = append(out, ev)
	}
	return out, nil
}

// disclosures are the settings of disclosure requests, with the profiles read.
func disclosures(cfg config.Disclosure) (centre.DisclosureSettings, error) {
	out := centre.DisclosureSettings{Take: cfg.Take, Profile: cfg.Profile, Keep: cfg.Keep, PerDay: cfg.PerDay, PerPersonPerDay: cfg.PerPersonPerDay,
		TakenPerDay: cfg.TakenPerDay, TakenPerAskPerDay: cfg.TakenPerRequestor}
	var own []disclosure.Profile
	for _, path := range cfg.Profiles {
		f, err := os.Open(path)
		if err != nil {
			return out, problem.Wrap(err, problem.Invalid, "disclosure.profiles: %s cannot be opened", path)
		}
		p, err := disclosure.LoadProfile(f)
		f.Close()
		if err != nil {
			return out, problem.Wrap(err, problem.CodeOf(err), "disclosure.profiles: %s", path)
		}
		own = append(own, p)
	}
	var err error
	if out.Profiles, err = disclosure.NewProfiles(own...); err != nil {
		return out, err
	}
	if cfg.Profile != "" {
		if _, err := out.Profiles.Profile(cfg.Profile); err != nil {
			return out, problem.BadField("disclosure.profile", "%.40q is not a profile", cfg.Profile)
		}
	}
	return out, nil
}

// verifications are the settings of affirmative verification, with the profiles
// read.
func verifications(cfg config.Verify) (centre.VerificationSettings, error) {
	out := centre.VerificationSettings{Profile: cfg.Profile, From: cfg.From, Keep: cfg.Keep, PerDay: cfg.PerDay, PerMemberPerDay: cfg.PerMemberPerDay, CodesPerDay: cfg.CodesPerDay, PerAddressPerDay: cfg.PerAddressPerDay}
	var own []verify.Profile
	for _, path := range cfg.Profiles {
		f, err := os.Open(path)
		if err != nil {
			return out, problem.Wrap(err, problem.Invalid, "verify.profiles: %s cannot be opened", path)
		}
		p, err := verify.LoadProfile(f)
		f.Close()
		if err != nil {
			return out, problem.Wrap(err, problem.CodeOf(err), "verify.profiles: %s", path)
		}
		own, out.Own = append(own, p), append(out.Own, p.ID)
	}
	var err error
	if out.Profiles, err = verify.NewProfiles(own...); err != nil {
		return out, err
	}
	if cfg.Profile != "" {
		if _, err := out.Profiles.Profile(cfg.Profile); err != nil {
			return out, problem.BadField("verify.profile", "%.40q is not a profile", cfg.Profile)
		}
	}
	return out, nil
}

// maxSecret is the longest secret that is read, in octets.
const maxSecret = 4 << 10

// hook is the registrar's system that is told to hold and to release; nil if none
// is configured.
func hook(cfg config.Verify, w World, col *collect.Collector) (*webhook.Hook, error) {
	if cfg.HookURL == "" {
		return nil, nil
	}
	f, err := os.Open(cfg.HookSecretFile)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "verify.hook_secret_file cannot be opened")
	}
	defer f.Close()
	secret, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil || len(secret) > maxSecret {
		return nil, problem.Wrap(err, problem.Invalid, "verify.hook_secret_file cannot be read, or is over %d octets", maxSecret)
	}
	dial := col.DialGuarded
	if cfg.HookPrivate {
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if w.Dial != nil { // this world has one dialer
				return w.Dial(ctx, netip.Addr{}, network, address)
			}
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}
	}
	h, err := webhook.New(webhook.Config{URL: cfg.HookURL, Secret: bytes.TrimSpace(secret), Private: cfg.HookPrivate, Dial: dial, TLSRoots: w.TLSRoots, TLSTime: w.TLSTime})
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "verify.hook_url or verify.hook_secret_file: %s", problem.DocumentOf(err).Detail)
	}
	return h, nil
}

func settings(cfg config.Config, w World, data party.Data) (_ centre.Settings, err error) {
	s := centre.Settings{Name: cfg.Centre.Name, Contact: cfg.Centre.Contact, From: cfg.Mail.From, ReplyDomain: cfg.Centre.ReplyDomain,
		BaseURL: strings.TrimSuffix(cfg.BaseURL, "/"), Rules: cfg.Confirm.Rules, Hotline: cfg.Centre.Hotline, Worker: cfg.Worker, Known: w.Known,
		Policy:    notify.Policy{Enabled: map[string]bool{"email": cfg.Mail.Enabled}, PerPartyPerDay: cfg.Mail.PerPartyPerDay, PerDay: cfg.Mail.PerDay},
		Retention: store.Retention{Raw: cfg.Retention.Raw, Personal: cfg.Retention.Personal, Capture: cfg.Retention.Capture, Registration: cfg.Retention.Registration, Accuracy: cfg.Retention.Accuracy, Messages: cfg.Retention.Messages}}
	if s.From == "" {
		s.From = s.Contact
	}
	s.Inaccuracy = centre.InaccuracySettings{PerDay: cfg.Inaccuracy.PerDay, FollowUp: cfg.Inaccuracy.FollowUp}
	if s.Accuracy, err = accuracySettings(cfg, w); err != nil {
		return s, err
	}
	if s.Disclosure, err = disclosures(cfg.Disclosure); err != nil {
		return s, err
	}
	if s.Verify, err = verifications(cfg.Verify); err != nil {
		return s, err
	}
	if from := s.Verify.From; from != "" {
		_, ours, _ := strings.Cut(s.From, "@")
		_, domain, ok := strings.Cut(from, "@")
		if _, mailbox := party.Mailbox(from); !ok || !mailbox || cfg.Mail.DKIMKey != "" && !strings.EqualFold(domain, ours) {
			return s, problem.BadField("verify.from", "is not a mail address, or not of the domain that mail is signed for")
		}
	}
	if s.ReplyDomain == "" {
		_, s.ReplyDomain, _ = strings.Cut(s.Contact, "@")
	}
	if s.ReplyDomain == "" {
		s.ReplyDomain = "localhost"
	}
	s.Inbox = centre.Inbox{Domain: cfg.Inbox.Domain, Receipts: cfg.Inbox.Receipts}
	for _, l := range cfg.Inbox.Report {
		s.Inbox.Report = append(s.Inbox.Report, strings.ToLower(l))
	}
	for _, d := range cfg.Inbox.FeedbackFrom {
		s.Inbox.FeedbackFrom = append(s.Inbox.FeedbackFrom, strings.ToLower(strings.TrimSuffix(d, ".")))
	}
	if len(s.Inbox.Report) == 0 {
		s.Inbox.Report = []string{"abuse", "report", "phishing"}
	}
	if s.Inbox.Domain == "" {
		s.Inbox.Domain = s.ReplyDomain
	}
	s.PGPFallback = cfg.Mail.PGPFallback
	if s.Worker == "" {
		h, err := os.Hostname()
		if err != nil {
			return s, problem.Wrap(err, problem.Internal, "the host name is not known: set worker")
		}
		s.Worker = h
	}
	for _, k := range data.Constituents {
		s.Known.Brands = append(s.Known.Brands, judge.Brand{Name: k.Name, Words: k.Brands, Domains: k.Domains})
	}
	s.Known = s.Known.Ready()
	return s, nil
}
