package centre_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
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

// tick is the step of the virtual clock: a mail server's answer is at most that
// late.
const tick = 10 * time.Minute

// begin is when the worlds of the tests begin.
var begin = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// How the work of a rig is driven.
type drive int

const (
	queued  drive = iota // jobs do it, as in a running centre
	emptied              // the job tables are emptied again and again, mid-run
	swept                // the queue is never started
)

// rig is a world with a centre in it, on a clock that the test moves.
type rig struct {
	*app.App
	t     *testing.T
	clock *clock.Virtual
	world *lab.World
	cfg   config.Config
	url   string
	drive drive
	lost  int64 // prompts that were thrown away: ids in jobs
}

// options of a rig; the zero value works.
type options struct {
	drive drive
	// change changes the settings, which send and confirm as the lab needs it.
	change func(*config.Config)
	// world changes what stands between the centre and the lab.
	world func(*app.World)
	loud  bool // the centre may log errors
}

// noRules leaves every confirmation to a person.
func noRules(c *config.Config) { c.Confirm.Rules = nil }

// newRig starts the world of a scenario in YAML and a centre on dsn in it.
func newRig(t *testing.T, dsn, scenario string, o options) *rig {
	t.Helper()
	sc, err := lab.Load(strings.NewReader(scenario), "scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(failing{t})
	if o.loud {
		log = quiet
	}
	w, err := lab.Start(t.Context(), sc, lab.Options{Start: begin, Logger: quiet, Vantages: lab.StandardVantages()})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, world: w, clock: clock.NewVirtual(begin), drive: o.drive}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("the lab: %v", err)
		}
	})
	r.cfg = settings(t, dsn)
	r.cfg.Workers = 2
	r.cfg.Centre = config.Centre{Name: "Test Centre", Contact: "desk@centre.example", ReplyDomain: "centre.example", Hotline: "hotline@hotline.example"}
	r.cfg.Mail.Enabled, r.cfg.Mail.PerPartyPerDay, r.cfg.Mail.PerDay = true, 100_000, 1_000_000
	r.cfg.Confirm.Rules = []string{"live-phishing", "live-malware"}
	if o.change != nil {
		o.change(&r.cfg)
	}
	aw := r.appWorld()
	if o.world != nil {
		o.world(&aw)
	}
	if r.App, err = app.New(t.Context(), r.cfg, aw, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, r.App) })
	if o.drive == swept {
		r.url = serve(t, r.App)
		r.Centre.SetBaseURL(r.url)
	} else {
		if err := r.Start(t.Context(), r.cfg, aw); err != nil {
			t.Fatal(err)
		}
		r.url = r.URL
	}
	if err := w.SetCentre(r.url); err != nil {
		t.Fatal(err)
	}
	return r
}

// failing is a log handler that fails the test on an error of the centre.
type failing struct{ t *testing.T }

func (failing) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (f failing) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&b, " %s=%v", a.Key, a.Value); return true })
	f.t.Errorf("the centre logged: %s%s", r.Message, b.String())
	return nil
}
func (f failing) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f failing) WithGroup(string) slog.Handler      { return f }

// appWorld is the lab's world as an operator in it would configure it.
func (r *rig) appWorld() app.World {
	r.t.Helper()
	f, err := r.world.About()
	if err != nil {
		r.t.Fatal(err)
	}
	out := app.World{Clock: r.clock, TLSTime: r.clock.Now, ByHand: true, Dial: r.world.Dial, Roots: f.Roots, AllowDocumentation: true,
		TLSRoots: x509.NewCertPool(), Limits: collect.Limits{RDAPRate: 1e6, RDAPBurst: 1e6}}
	if !out.TLSRoots.AppendCertsFromPEM([]byte(f.CA)) {
		r.t.Fatal("the lab's certificate authority does not parse")
	}
	if out.RDAP, err = app.Servers(bootstrap.Files{DNS: f.RDAPDNS, IPv4: f.RDAP4, IPv6: f.RDAP6}); err != nil {
		r.t.Fatal(err)
	}
	domain := func(s string) name.Domain {
		d, err := name.ParseAny(s)
		if err != nil {
			r.t.Fatal(err)
		}
		return d
	}
	domains := func(in []string) (out []name.Domain) {
		for _, s := range in {
			out = append(out, domain(s))
		}
		return out
	}
	out.Suffixes = domains(f.Suffixes)
	out.GTLD = func(tld string) (known, gtld bool) {
		gtld = slices.Contains(f.GTLDs, tld)
		return gtld || slices.Contains(f.CCTLDs, tld), gtld
	}
	for _, v := range f.Vantages {
		out.Vantages = append(out.Vantages, evidence.Vantage{ID: v.ID, UserAgent: v.UserAgent, Language: v.Language, Referer: v.Referer, Source: v.Source})
	}
	data := party.Data{Self: party.Centre{Name: "Test Centre", Email: "desk@centre.example"}}
	for _, b := range f.Parties.BlockLists {
		data.BlockLists = append(data.BlockLists, party.KnownBlockList{Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range f.Parties.CERTs {
		data.CERTs = append(data.CERTs, party.KnownCERT{Name: b.Name, Email: b.Mail, Country: b.Country})
	}
	for _, b := range f.Parties.Platforms {
		data.Platforms = append(data.Platforms, party.KnownPlatform{Suffix: domain(b.Suffix), Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	for _, b := range f.Parties.CDNs {
		data.CDNs = append(data.CDNs, party.KnownCDN{Name: b.Name, Email: b.Mail, Form: b.Form, Prefixes: b.Prefixes})
	}
	for _, b := range f.Parties.Constituents {
		data.Constituents = append(data.Constituents, party.KnownConstituent{Name: b.Name, Email: b.Mail, Form: b.Form, Domains: domains(b.Domains), Brands: b.Brands})
	}
	for _, b := range f.Registries {
		data.Registries = append(data.Registries, party.KnownRegistry{TLD: domain(b.Suffix), Name: b.Name, Email: b.Mail, Form: b.Form})
	}
	out.Parties = &data
	out.Known = judge.Known{SinkholeServers: domains(f.Parties.Sinkholes), ParkingServers: domains(f.Parties.Parking)}
	for _, a := range f.Parties.SinkholeAddrs {
		out.Known.Sinkholes = append(out.Known.Sinkholes, netip.PrefixFrom(a, a.BitLen()))
	}
	return out
}

// settle lets the world and the centre act on everything due now, until nothing
// is in flight.
func (r *rig) settle() {
	r.t.Helper()
	ctx := r.t.Context()
	now := r.clock.Now()
	for range 200 {
		if err := r.world.Advance(ctx, now); err != nil {
			r.t.Fatal(err)
		}
		switch r.drive {
		case queued:
			if err := r.Queue.Wait(ctx); err != nil {
				r.t.Fatal(err)
			}
		case emptied:
			r.loseJobs()
			if err := r.Queue.Wait(ctx); err != nil { // for handlers that were at work
				r.t.Fatal(err)
			}
		}
		swept, err := r.Centre.Sweep(ctx)
		if err != nil {
			r.t.Fatal(err)
		}
		if r.drive == emptied {
			r.loseJobs()
		}
		if t, due := r.world.Next(); swept.Zero() && (!due || t.After(now)) {
			if r.drive == emptied { // what a handler that was at work left behind
				if err := r.Queue.Wait(ctx); err != nil {
					r.t.Fatal(err)
				}
				if more, err := r.Centre.Sweep(ctx); err != nil || !more.Zero() {
					continue
				}
			}
			return
		}
	}
	r.t.Fatalf("at %s something is due again and again", now.Format(time.RFC3339))
}

func (r *rig) loseJobs() {
	length := "json_array_length(args, '$.ids')"
	if r.Store.Engine() == "postgres" {
		length = "jsonb_array_length(args -> 'ids')"
	}
	var n int64
	if err := r.Store.Writer().QueryRowContext(r.t.Context(), "SELECT coalesce(sum("+length+"), 0) FROM river_job WHERE state IN ('available', 'running')").Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	r.lost += n
	if err := r.Queue.Empty(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// until moves the clock, in whole ticks, to d after the beginning, and stands
// still at each tick at which something is due.
func (r *rig) until(d time.Duration) {
	r.t.Helper()
	end := begin.Add(d)
	for {
		r.settle()
		now := r.clock.Now()
		next := end
		take := func(t time.Time) {
			if t = begin.Add((t.Sub(begin) + tick - 1) / tick * tick); !t.After(now) {
				t = now.Add(tick)
			}
			if t.Before(next) {
				next = t
			}
		}
		if !now.Before(end) {
			return
		}
		if t, ok := r.world.Next(); ok {
			take(t)
		}
		r.view(func(ctx context.Context, tx *store.Tx) error {
			t, ok, err := tx.NextDue(ctx)
			if ok {
				take(t)
			}
			return err
		})
		r.clock.Set(next)
	}
}

func (r *rig) view(f func(context.Context, *store.Tx) error) {
	r.t.Helper()
	if err := r.Store.View(r.t.Context(), func(tx *store.Tx) error { return f(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) update(f func(context.Context, *store.Tx) error) {
	r.t.Helper()
	if err := r.Store.Update(r.t.Context(), func(tx *store.Tx) error { return f(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// cases are all cases, oldest first.
func (r *rig) cases() []casework.Case {
	r.t.Helper()
	cs, err := r.Centre.Cases(r.t.Context(), store.CaseFilter{Limit: 500})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(cs, func(a, b casework.Case) int {
		if c := a.Opened.Compare(b.Opened); c != 0 {
			return c
		}
		return strings.Compare(a.Subject.Key()+string(a.Type)+a.ID, b.Subject.Key()+string(b.Type)+b.ID)
	})
	return cs
}

// only is the one case of a subject.
func (r *rig) only(subject string) casework.Case {
	r.t.Helper()
	var found []casework.Case
	for _, c := range r.cases() {
		if c.Subject.Key() == subject {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("%s has %d cases", subject, len(found))
	}
	return found[0]
}

func (r *rig) notices(c casework.Case) (out []store.Notice) {
	r.t.Helper()
	r.view(func(ctx context.Context, tx *store.Tx) (err error) { out, err = tx.Notices(ctx, c.ID); return err })
	return out
}

// asked is what became of the obligations of a case, one "role party action:
// status" each, sorted.
func asked(c casework.Case) []string {
	var out []string
	for _, o := range c.Obligations {
		out = append(out, fmt.Sprintf("%s %s %s: %s", o.Party.Role, o.Party.Name, o.Action, o.Status))
	}
	slices.Sort(out)
	return out
}

// timeline is a case's log in words, without the looks, times and ids.
func (r *rig) timeline(c casework.Case) []string {
	r.t.Helper()
	es, err := r.Centre.Events(r.t.Context(), c.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	who := map[string]string{}
	for _, o := range c.Obligations {
		who[o.ID] = string(o.Party.Role)
	}
	var out []string
	for _, e := range es {
		var b struct {
			Obligation json.RawMessage `json:"obligation"`
			Kind       string          `json:"kind"`
			Answer     string          `json:"answer"`
			Outcome    string          `json:"outcome"`
		}
		if e.Payload != nil {
			if err := json.Unmarshal(e.Payload.Body, &b); err != nil {
				r.t.Fatal(err)
			}
		}
		var id string
		var o casework.Obligation
		if json.Unmarshal(b.Obligation, &id) != nil {
			_ = json.Unmarshal(b.Obligation, &o) // an event without an obligation names none
			id = o.ID
		}
		s := string(e.Kind)
		for _, more := range []string{who[id], b.Kind, b.Answer, b.Outcome, string(o.Status)} {
			if more != "" {
				s += " " + more
			}
		}
		if e.Kind != casework.KindLooked && e.Kind != casework.KindReporter {
			out = append(out, s)
		}
	}
	return out
}

// inOrder says which of want is missing from got, in its order.
func inOrder(got, want []string) string {
	i := 0
	for _, g := range got {
		if i < len(want) && g == want[i] {
			i++
		}
	}
	if i < len(want) {
		return want[i]
	}
	return ""
}

// line is a case as two runs of the same scenario must show it: everything but
// ids.
func line(c casework.Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s, %s, judged %s, outcome %q by %q, round %d, opened %s, closed %s, %d reports\n", c.Subject.Key(), c.Type, c.State, by(c), c.Class, c.Outcome,
		c.Actor.ActorName, c.Round, stamp(c.Opened), stamp(c.Closed), len(c.Reports))
	var asks []string
	for _, o := range c.Obligations {
		asks = append(asks, fmt.Sprintf("  %s %s %s: %s, round %d, %d notices, delivered %s, due %s, answered %q\n", o.Party.Role, o.Party.Name, o.Action, o.Status, o.Round, o.Notices,
			stamp(o.Delivered), stamp(o.Due), o.Answer))
	}
	slices.Sort(asks)
	return b.String() + strings.Join(asks, "")
}

func by(c casework.Case) string {
	if c.Confirmation == nil {
		return "not confirmed"
	}
	return "confirmed by " + c.Confirmation.By
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Sub(begin).String()
}

// check holds a run to what must be true of every run.
func (r *rig) check() {
	r.t.Helper()
	books, err := casework.NewPlaybooks()
	if err != nil {
		r.t.Fatal(err)
	}
	now := r.clock.Now()
	for _, c := range r.cases() {
		at := c.Subject.Key() + " " + string(c.Type)
		es, err := r.Centre.Events(r.t.Context(), c.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := casework.VerifyChain(es); err != nil {
			r.t.Errorf("%s: %v", at, err)
		}
		again, err := casework.Replay(es)
		if err != nil {
			r.t.Errorf("%s: %v", at, err)
		}
		a, b := mustJSON(r.t, again), mustJSON(r.t, c)
		if !bytes.Equal(a, b) {
			r.t.Errorf("%s: the log and the projection differ:\n%s\n%s", at, a, b)
		}
		due := c.Due()
		if c.State.IsOpen() && (due.IsZero() || due.Before(now) || due.Sub(now) > time.Duration(books.For(c.Type).LongestStep)) {
			r.t.Errorf("%s: open, and due at %s, it is %s", at, stamp(due), stamp(now))
		}
		from := map[string]casework.Obligation{}
		for _, o := range c.Obligations {
			from[o.ID] = o
			if o.Action.DNSLevel() && (c.Class != casework.Malicious || c.Subject.Kind != party.RegisteredDomain) {
				r.t.Errorf("%s: %s was asked for %s on a %s %s", at, o.Party.Name, o.Action, c.Class, c.Subject.Kind)
			}
			if e := o.Escalates; e != "" && from[e].Delivered.IsZero() {
				r.t.Errorf("%s: the ask of %s rests on one of %s that was never delivered", at, o.Party.Name, from[e].Party.Name)
			}
			if o.Status == casework.Missed && o.Delivered.IsZero() {
				r.t.Errorf("%s: the silence of %s counts, though nothing reached it", at, o.Party.Name)
			}
		}
		for _, n := range r.notices(c) {
			if n.State == store.NoticeIntended {
				r.t.Errorf("%s: notice %s was left under way", at, n.ID)
			}
			if n.State == store.NoticeAccepted && c.Confirmation == nil && c.Round == 1 {
				r.t.Errorf("%s: notice %s left, and nobody had confirmed", at, n.ID)
			}
		}
	}
	for _, t := range r.world.Truth() {
		if t.WrongfulAsks+t.WrongfulDNSAsks > 0 || t.WrongfulDNS {
			r.t.Errorf("%s: %d wrongful asks, %d of them at the DNS level", t.Subject, t.WrongfulAsks, t.WrongfulDNSAsks)
		}
	}
	n, k := r.world.Counts(), r.Collect.Counts()
	if n.Refused != 0 || n.AnswersFailed != 0 {
		r.t.Errorf("%d connections left the lab, %d answers were not taken", n.Refused, n.AnswersFailed)
	}
	if n.DNS != k.DNS || n.RDAP != k.RDAP || n.HTTP != k.HTTP || n.SMTPAccepted != int64(r.Mail.Counts().Accepted) {
		r.t.Errorf("the lab counted %+v, the centre %+v and %+v", n, k, r.Mail.Counts())
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// truth is what the lab wrote down about a subject.
func (r *rig) truth(subject string) lab.Truth {
	r.t.Helper()
	for _, t := range r.world.Truth() {
		if t.Subject == subject {
			return t
		}
	}
	r.t.Fatal(errors.New("the lab knows nothing of " + subject))
	return lab.Truth{}
}
