package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"time"

	"bailiwick/access"
	"bailiwick/lab"
	"bailiwick/problem"
	"bailiwick/web"
)

const (
	// prepared is how many days of a made world have passed when the demo opens.
	prepared = 30
	// ahead is how many more are made up: ten minutes at the first speed.
	ahead = 60
)

// analystLogin is the account that the demo signs its visitor in to.
const analystLogin = "demo"

// live runs the world before people's eyes: some days in one go, then on at its
// speed until e.ctx is done.
func (d *demoCmd) live(e *env, sc *lab.Scenario) error {
	begin := start
	if !sc.Start.IsZero() {
		begin = sc.Start
	}
	day := 24 * time.Hour
	end := begin.Add(time.Duration(sc.Days) * day)
	ready := begin.Add(time.Duration(d.readyDays(sc)) * day)
	p := newPacer(begin, ready, end)
	r, err := newRun(e, d, sc, begin, p)
	if err != nil {
		return quiet(e, err)
	}
	defer r.close()
	fmt.Fprintf(e.out, "The demo is at %s/demo. Its first %d days run now; you can look on.\n", r.app.URL, d.readyDays(sc))
	if err := r.until(ready, r.told(e.errs, ready)); err != nil {
		return quiet(e, err)
	}
	fmt.Fprintf(e.out, "\nReady: %s/demo\n\n"+
		"Its first button signs you in as a made-up analyst. This link makes you the first\n"+
		"administrator; it works once: %s\n"+
		"Everything in it is synthetic and runs on this machine only. Ctrl-C ends it; nothing\nis kept.\n", r.app.URL, r.app.FirstLink)
	p.run(e.ctx)
	return nil
}

// quiet forgets an error that is only that somebody ended the program.
func quiet(e *env, err error) error {
	if e.ctx.Err() != nil {
		return nil
	}
	return err
}

// readyDays is how many days are over when the demo opens: those asked for, a
// month, or half of a short scenario.
func (d *demoCmd) readyDays(sc *lab.Scenario) int {
	if d.Days > 0 {
		return min(d.Days, sc.Days)
	}
	return min(prepared, (sc.Days+1)/2)
}

// told reports how far the preparation is: a bar on a terminal, a line now and
// then elsewhere.
func (r *run) told(w io.Writer, ready time.Time) func(time.Time) {
	if terminal(w) {
		return r.drawn(w, ready)
	}
	days := int(ready.Sub(r.begin) / (24 * time.Hour))
	step := max(days/5, 1)
	said := 0
	return func(t time.Time) {
		if n := int(t.Sub(r.begin) / (24 * time.Hour)); n >= said+step {
			said = n
			fmt.Fprintf(w, "prepared %d of %d days\n", n, days)
		}
	}
}

// demo is the control of the world for the pages.
func (r *run) demo(p *pacer) *web.Demo {
	p.next, p.now, p.log = r.next, r.clock.Now, r.e.log
	p.jump = r.clock.Set
	p.move = func(to time.Time) error {
		r.clock.Set(to)
		return r.settle()
	}
	return &web.Demo{State: p.State, Pause: p.Pause, GoOn: p.GoOn, Faster: p.Faster, Slower: p.Slower, Step: p.Step,
		SignIn: r.signIn, LinkUnused: func(ctx context.Context) bool {
			_, err := r.app.Access.Invitation(ctx, r.firstLink())
			return err == nil
		}}
}

// firstLink is the secret of the first administrator's link.
func (r *run) firstLink() string {
	at := len(r.app.URL) + len(access.WelcomePath)
	if len(r.app.FirstLink) < at {
		return ""
	}
	return r.app.FirstLink[at:]
}

// addAnalyst makes the account that visitors are signed in to. Its password is
// known to this process only.
func (r *run) addAnalyst(ctx context.Context) error {
	r.password = rand.Text()
	p, err := r.app.Access.AddPerson(ctx, access.Console, access.NewPerson{Login: analystLogin, Name: "Demo analyst", Roles: []access.Role{access.Analyst, access.Auditor}})
	if err != nil {
		return err
	}
	return r.app.Access.SetPassword(ctx, access.Console, p.ID, r.password)
}

// signIn opens a session for the demo's analyst. The pages let only this machine
// ask for it.
func (r *run) signIn(ctx context.Context, remote string) (string, access.Person, error) {
	return r.app.Access.Login(ctx, analystLogin, r.password, remote)
}

// loopback lets a demo listen on this machine only: who reaches it is signed in.
func loopback(listen string) error {
	a, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return problem.BadField("--listen", "%q is not an address with a port", listen)
	}
	if !a.IP.IsLoopback() {
		return problem.BadField("--listen", "a demo listens on loopback only: it signs in whoever reaches it")
	}
	return nil
}
