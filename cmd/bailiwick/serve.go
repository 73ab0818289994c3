package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/clock"
	"bailiwick/config"
	"bailiwick/problem"
	"bailiwick/store"
)

type serveCmd struct {
	Lab string `help:"Look at a lab's world instead of the Internet: the address that 'bailiwick lab' prints. For training and tests." placeholder:"ADDR"`
}

// Run serves until interrupted.
func (s *serveCmd) Run(e *env) error {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return err
	}
	var w app.World
	var g *guest
	if s.Lab != "" {
		if g, w, err = visit(e.ctx, s.Lab, &cfg); err != nil {
			return err
		}
		defer g.leave()
	}
	a, err := app.New(e.ctx, cfg, w, e.log)
	if err != nil {
		return err
	}
	if err := a.Start(e.ctx, cfg, w); err != nil {
		return err
	}
	if g != nil {
		if err := g.join(e.ctx, a, cfg.BaseURL); err != nil {
			e.log.Warn("the lab was not told of this centre: nobody there answers by mail, and no holder is verified", "err", err)
		}
	}
	sending := "nothing is sent (mail.enabled is false)"
	if cfg.Mail.Enabled {
		sending = "mail is sent"
	}
	fmt.Fprintf(e.out, "serving at %s; state in %s; %s\n", a.URL, a.Store.Engine(), sending)
	if a.FirstLink != "" {
		fmt.Fprintf(e.out, "nobody can sign in yet; for the first administrator, once, within a day: %s\n", a.FirstLink)
	}
	<-e.ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), 30*time.Second)
	defer cancel()
	return a.Stop(ctx)
}

type settingsCmd struct{}

// Run prints the documented configuration.
func (*settingsCmd) Run(e *env) error { return config.Document(e.out) }

type sendingCmd struct {
	State string `arg:"" enum:"stop,go,show" help:"stop: hold every message, on every machine; go: let them out again; show."`
}

// Run turns the stop switch.
func (s *sendingCmd) Run(e *env) error {
	st, err := openStore(e)
	if err != nil {
		return err
	}
	defer st.Close()
	return st.Update(e.ctx, func(tx *store.Tx) error {
		switch s.State {
		case "stop":
			return tx.PutSetting(e.ctx, centre.SettingStop, []byte(clock.Real{}.Now().Format(time.RFC3339)))
		case "go":
			if _, err := tx.ReleaseNotices(e.ctx, clock.Real{}.Now()); err != nil {
				return err
			}
			return tx.PutSetting(e.ctx, centre.SettingStop, nil)
		}
		v, _, err := tx.Setting(e.ctx, centre.SettingStop)
		if err != nil {
			return err
		}
		if len(v) > 0 {
			fmt.Fprintf(e.out, "stopped since %s\n", v)
			return nil
		}
		fmt.Fprintln(e.out, "not stopped")
		return nil
	})
}

// openStore opens the configured state without running a centre.
func openStore(e *env) (*store.Store, error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return nil, err
	}
	return store.Open(e.ctx, cfg.Database, store.Options{BlobDir: cfg.Blobs, Logger: e.log})
}

// desk opens a centre that neither serves nor works, for a person's command.
func desk(e *env) (*app.App, error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return nil, err
	}
	a, err := app.New(e.ctx, cfg, app.World{}, e.log)
	if err != nil {
		return nil, problem.Wrap(err, problem.CodeOf(err), "the centre's state cannot be opened")
	}
	return a, nil
}
