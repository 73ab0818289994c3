package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"bailiwick/app"
	"bailiwick/casework"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/lab"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/store"

	"github.com/schollz/progressbar/v3"
)

type demoCmd struct {
	Batch    bool   `help:"Run to the end, print what became of each case, and stop."`
	Listen   string `help:"Loopback address of the pages; a port of its own choice if 0." default:"127.0.0.1:0"`
	Seed     uint64 `help:"Which world is made. The same seed gives the same lines." default:"1"`
	Scenario string `help:"Run this scenario file instead of a made one (docs/scenarios.md)." type:"existingfile" placeholder:"FILE"`
	Recorded string `help:"Answer RDAP and WHOIS from recorded files listed in DIR/index.tsv; implies --batch." type:"existingdir" placeholder:"DIR"`
	Reports  string `help:"With --recorded: put each recorded name into every XARF report in DIR." type:"existingdir" placeholder:"DIR"`
	Days     int    `help:"How many days of virtual time: with --batch in all (the scenario's own if 0), else before the pages open (a month, or half of a short scenario, if 0)." default:"0"`
	JSON     bool   `help:"One JSON object per case, and last the summary; implies --batch."`
	Database string `help:"Where to keep the state: sqlite:PATH or postgres://…; a temporary folder if empty." placeholder:"DSN"`
	Keep     string `help:"Write the exported chain of every case into DIR, for 'bailiwick verify'; implies --batch." placeholder:"DIR"`
	Truth    string `help:"Write what the lab's parties wrote down into FILE, one JSON object per subject; implies --batch." placeholder:"FILE"`
	Show     bool   `help:"Print the scenario as YAML and stop."`
}

// start is when made worlds begin, so that their lines are the same every day.
var start = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// tick is the step of the virtual clock.
const tick = 10 * time.Minute

// Run runs the lab and the centre together.
func (d *demoCmd) Run(e *env) error {
	if d.Days < 0 {
		return problem.BadField("--days", "is negative")
	}
	if d.Recorded != "" {
		return d.recorded(e)
	}
	if d.Reports != "" {
		return problem.BadField("--reports", "needs --recorded")
	}
	batch := d.Batch || d.JSON || d.Keep != "" || d.Truth != ""
	if err := loopback(d.Listen); err != nil {
		return err
	}
	var sc *lab.Scenario
	if d.Scenario != "" {
		f, err := os.Open(d.Scenario)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the scenario cannot be opened")
		}
		defer f.Close()
		if sc, err = lab.Load(f, d.Scenario); err != nil {
			return err
		}
	} else {
		days := d.Days
		if days == 0 {
			days = prepared
		}
		if !batch && !d.Show {
			days += ahead
		}
		sc = lab.GenerateWith(d.Seed, days, lab.Generated{MailIn: true})
	}
	if d.Show {
		return sc.Write(e.out)
	}
	if !batch {
		return d.live(e, sc)
	}
	if d.Days > 0 {
		sc.Days = d.Days
	}
	begin := start
	if !sc.Start.IsZero() {
		begin = sc.Start
	}
	r, err := newRun(e, d, sc, begin, nil)
	if err != nil {
		return err
	}
	defer r.close()
	end := begin.Add(time.Duration(sc.Days) * 24 * time.Hour)
	if err := r.until(end, r.drawn(e.errs, end)); err != nil {
		return err
	}
	sum, err := r.summary(end)
	if err != nil {
		return err
	}
	sum.Seed, sum.Days = d.Seed, sc.Days
	return r.print(sum)
}

// run is one world with a centre in it.
type run struct {
	e     *env
	d     *demoCmd
	clock *clock.Virtual
	world *lab.World
	app   *app.App
	begin time.Time
	dir   string
	lines []caseLine
	desk  *scriptedDesk // nil where nobody's part is scripted
	// password is that of the live demo's analyst.
	password string
}

// newRun starts a world and a centre in it. With a pacer, the pages control it.
func newRun(e *env, d *demoCmd, sc *lab.Scenario, begin time.Time, p *pacer) (r *run, err error) {
	r = &run{e: e, d: d, clock: clock.NewVirtual(begin), begin: begin}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.dir, err = os.MkdirTemp("", "bailiwick-demo-"); err != nil {
		return r, problem.Wrap(err, problem.Unavailable, "no temporary folder")
	}
	if r.world, err = lab.Start(e.ctx, sc, lab.Options{Start: begin, Logger: e.log, Vantages: lab.StandardVantages()}); err != nil {
		return r, err
	}
	cfg, err := config.Load("", nil)
	if err != nil {
		return r, err
	}
	cfg.Database = "sqlite:" + filepath.Join(r.dir, "state.db")
	if d.Database != "" {
		cfg.Database = d.Database
	}
	cfg.Blobs, cfg.Listen, cfg.Workers, cfg.Worker = filepath.Join(r.dir, "blobs"), d.Listen, 2, "demo"
	cfg.Centre = config.Centre{Name: "Lab Coordination Centre", Contact: "desk@centre.example", ReplyDomain: "centre.example", Hotline: "hotline@hotline.example"}
	cfg.Mail.Enabled, cfg.Mail.PerPartyPerDay, cfg.Mail.PerDay, cfg.Verify.CodesPerDay = true, 100000, 1000000, 1000000 // inside the lab only
	cfg.Confirm.Rules = []string{"live-phishing", "live-malware"}
	cfg.Inbox.Listen, cfg.Inbox.Domain = "127.0.0.1:0", lab.CentreDomain
	secret, err := verifying(&cfg, r.world.ProvisioningURL(""), r.dir)
	if err != nil {
		return r, err
	}
	r.correcting(&cfg)
	w, err := labWorld(r.world, r.clock)
	if err != nil {
		return r, err
	}
	if p != nil {
		w.Demo = r.demo(p)
	}
	if r.app, err = app.New(e.ctx, cfg, w, e.log); err != nil {
		return r, err
	}
	if p != nil {
		if err = r.addAnalyst(e.ctx); err != nil {
			return r, err
		}
	}
	if err = r.app.Start(e.ctx, cfg, w); err != nil {
		return r, err
	}
	if err = errors.Join(r.world.SetCentre(r.app.URL), r.world.SetCentreMail(r.app.Inbox)); err != nil {
		return r, err
	}
	if secret != nil {
		key, err := registrars(e.ctx, r.app, secret)
		if err != nil {
			return r, err
		}
		if err := r.world.SetVerifier(lab.Verifier{Secret: secret, Key: key, Profile: labProfileID}); err != nil {
			return r, err
		}
	}
	return r, r.sitDown()
}

func (r *run) close() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.e.ctx), 20*time.Second)
	defer cancel()
	if r.app != nil {
		if err := r.app.Stop(ctx); err != nil {
			r.e.log.Warn("the centre did not stop cleanly", "err", err)
		}
	}
	if r.world != nil {
		if err := r.world.Close(); err != nil {
			r.e.log.Warn("the lab did not stop cleanly", "err", err)
		}
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// until moves the clock to end in whole ticks, standing still at each tick at
// which something is due until nothing is in flight. It tells how far it is.
func (r *run) until(end time.Time, tell func(time.Time)) error {
	for {
		if err := r.settle(); err != nil {
			return err
		}
		next, err := r.next(end)
		if err != nil {
			return err
		}
		if next.After(end) {
			tell(end)
			r.clock.Set(end)
			return r.settle()
		}
		tell(next)
		r.clock.Set(next)
	}
}

// drawn reports how far the world is by a bar on a terminal, and not at all
// elsewhere.
func (r *run) drawn(w io.Writer, end time.Time) func(time.Time) {
	total := int(end.Sub(r.begin) / time.Hour)
	if !terminal(w) {
		return func(time.Time) {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("running the world"),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("hours"), progressbar.OptionSetPredictTime(true))
	return func(t time.Time) {
		_ = bar.Set(int(t.Sub(r.begin) / time.Hour))
		if !t.Before(end) {
			_ = bar.Finish()
			fmt.Fprintln(w)
		}
	}
}

// terminal says whether somebody looks at w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// next is the first tick from now on at which anything is due, in the world or
// in the centre; after end if nothing is.
func (r *run) next(end time.Time) (time.Time, error) {
	now := r.clock.Now()
	next := end.Add(tick)
	take := func(t time.Time) {
		n := (t.Sub(r.begin) + tick - 1) / tick * tick // up to a whole tick
		if t = r.begin.Add(n); !t.After(now) {
			t = now.Add(tick)
		}
		if t.Before(next) {
			next = t
		}
	}
	if t, ok := r.world.Next(); ok {
		take(t)
	}
	if r.desk != nil {
		take(r.desk.due)
	}
	err := r.app.Store.View(r.e.ctx, func(tx *store.Tx) error {
		t, ok, err := tx.NextDue(r.e.ctx)
		if ok {
			take(t)
		}
		return err
	})
	return next, err
}

// settle lets the world and the centre act on everything due now, until
// nothing is in flight.
func (r *run) settle() error {
	now := r.clock.Now()
	for round := 0; ; round++ {
		if round > 1000 {
			return problem.New(problem.Internal, "at %s something is due again and again", now.Format(time.RFC3339))
		}
		if err := r.world.Advance(r.e.ctx, now); err != nil {
			return err
		}
		if err := r.desk.work(r.e.ctx, now); err != nil {
			return err
		}
		if err := r.app.Queue.Wait(r.e.ctx); err != nil {
			return err
		}
		swept, err := r.app.Centre.Sweep(r.e.ctx)
		if err != nil {
			return err
		}
		t, due := r.world.Next()
		if swept.Zero() && (!due || t.After(now)) {
			return nil
		}
	}
}

// print writes the lines and the summary, for machines or for people.
func (r *run) print(sum summary) error {
	if r.d.Truth != "" {
		if err := r.truth(); err != nil {
			return err
		}
	}
	if r.d.Keep != "" {
		if err := r.export(); err != nil {
			return err
		}
	}
	if r.d.JSON {
		enc := json.NewEncoder(r.e.out)
		enc.SetEscapeHTML(false)
		for _, l := range r.lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return enc.Encode(sum)
	}
	w := tabwriter.NewWriter(r.e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "Everything below is synthetic: a made world on loopback.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "SUBJECT\tTYPE\tJUDGEMENT\tASKED\tOUTCOME\tBY\tHOURS")
	for _, l := range r.lines {
		roles := []string{}
		for _, a := range l.Asked {
			if a.Delivered && a.Action != string(casework.Inform) && a.Action != string(casework.List) {
				roles = append(roles, a.Role)
			}
		}
		hours := "–"
		if l.Hours != nil {
			hours = fmt.Sprintf("%.1f", *l.Hours)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name.Defang(l.Subject), l.Type, l.Judgement, dash(strings.Join(roles, ", ")), l.Outcome, dash(l.Actor), hours)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(r.e.out, "\n%d reports (%d accepted, %d duplicates, %d rejected) became %d cases; %d asks, %d escalated.\n",
		sum.Reports, sum.Accepted, sum.Duplicates, sum.Rejected, sum.Cases, sum.Asks, sum.Escalated)
	for _, o := range sortedKeys(sum.Outcomes) {
		fmt.Fprintf(r.e.out, "  %-22s %d\n", o, sum.Outcomes[o])
	}
	if sum.Mitigated.Median != nil {
		fmt.Fprintf(r.e.out, "Hours from the first report to the end of the abuse: median %.1f, 90th percentile %.1f; %d still open (censored).\n",
			*sum.Mitigated.Median, orZero(sum.Mitigated.P90), sum.Mitigated.Censored)
	}
	if sum.Agreement != nil {
		fmt.Fprintf(r.e.out, "Agreement with the world's own truth: outcome %.1f %%, judgement %.1f %%, actor %.1f %%. Wrongful asks: %d.\n",
			100*sum.Agreement.Outcome, 100*sum.Agreement.Judgement, 100*sum.Agreement.Actor, sum.Wrongful)
	}
	for _, t := range sum.TLDs {
		how := "asks nobody"
		if t.Required {
			how = "has its holders verified"
		}
		fmt.Fprintf(r.e.out, "TLD %s %s: %d malicious names were registered and %d refused; %d of them and %d others are on hold for want of an answer, %d came back; "+
			"%d hands went elsewhere, %d came from there; abuse could be seen for %.0f hours.\n", t.TLD, how, t.Malicious, t.Refused, t.Held, t.HeldHonest, t.Released, t.Left, t.Came, t.AbuseHours)
	}
	if err := sum.Inaccuracy.print(r.e.out); err != nil {
		return err
	}
	fmt.Fprintf(r.e.out, "Every case's log verifies: %t. The lab's servers and the centre counted the same exchanges: %t.\n", sum.ChainVerified, sum.CountsEqual)
	return nil
}

func orZero(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// export writes each case's chain.
func (r *run) export() error {
	if err := os.MkdirAll(r.d.Keep, 0o755); err != nil {
		return problem.Wrap(err, problem.Invalid, "--keep: the folder cannot be made")
	}
	for _, l := range r.lines {
		f, err := os.Create(filepath.Join(r.d.Keep, l.id+".jsonl"))
		if err != nil {
			return problem.Wrap(err, problem.Unavailable, "an export cannot be written")
		}
		err = r.app.Centre.Export(r.e.ctx, f, l.id, false)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// truth writes down the world's own account.
func (r *run) truth() error {
	f, err := os.Create(r.d.Truth)
	if err != nil {
		return problem.Wrap(err, problem.Invalid, "--truth: the file cannot be made")
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	for _, t := range r.world.Truth() {
		if err := enc.Encode(t); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
