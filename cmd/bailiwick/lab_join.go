package main

import (
	"cmp"
	"context"
	"os"

	"bailiwick/app"
	"bailiwick/config"
	"bailiwick/lab/gateway"
	"bailiwick/problem"
)

// guest is a centre in a lab's world that runs in another process.
type guest struct {
	gate   *gateway.Client
	dir    string // of the lab's settings; "" for none
	secret []byte
}

// visit makes ready for a centre in the lab at addr: what an operator there would
// configure, and, where the world's holders are verified and the operator has no
// system of their own, how its registrars are told to hold and release.
func visit(ctx context.Context, addr string, cfg *config.Config) (*guest, app.World, error) {
	gate, about, w, err := connectLab(ctx, addr)
	if err != nil {
		return nil, w, err
	}
	g := &guest{gate: gate}
	if about.Orders == "" || cfg.Verify.HookURL != "" {
		return g, w, nil
	}
	if g.dir, err = os.MkdirTemp("", "bailiwick-lab-"); err != nil {
		return nil, w, problem.Wrap(err, problem.Unavailable, "no temporary folder")
	}
	if g.secret, err = verifying(cfg, about.Orders, g.dir); err != nil {
		g.leave()
		return nil, w, err
	}
	return g, w, nil
}

// join tells the lab where the centre is that has started: at base, by which its
// messages say that they are answered, if that is set.
func (g *guest) join(ctx context.Context, a *app.App, base string) error {
	key, err := registrars(ctx, a, g.secret)
	if err != nil {
		return err
	}
	c := gateway.Centre{URL: cmp.Or(base, a.URL), Mail: a.Inbox, Key: key, Secret: g.secret}
	if key != "" {
		c.Profile = labProfileID
	}
	return g.gate.Join(ctx, c)
}

// leave removes what was written for the lab.
func (g *guest) leave() {
	if g != nil && g.dir != "" {
		_ = os.RemoveAll(g.dir) // a temporary folder
	}
}
