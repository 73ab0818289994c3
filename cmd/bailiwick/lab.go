package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"bailiwick/lab"
	"bailiwick/lab/gateway"
	"bailiwick/problem"
)

type labCmd struct {
	Seed     uint64  `help:"Which world is made." default:"1"`
	Days     int     `help:"How many days of it." default:"30"`
	Scenario string  `help:"Run this scenario file instead." type:"existingfile" placeholder:"FILE"`
	Listen   string  `help:"Loopback address for 'serve --lab'." default:"127.0.0.1:8054"`
	Centre   string  `help:"Where the centre will be: reporters report and parties answer there. 'serve --lab' says so itself." default:"http://127.0.0.1:8053"`
	Speed    float64 `help:"How many times as fast as the machine's the world's time goes; 'serve --lab' goes by it, too." default:"1"`
}

// maxSpeed is the fastest world: what a centre does in a second takes it hours
// beyond that.
const maxSpeed = 3600

// Run runs a world at the machine's own time until interrupted.
func (l *labCmd) Run(e *env) error {
	sc := lab.Generate(l.Seed, l.Days)
	if l.Scenario != "" {
		f, err := os.Open(l.Scenario)
		if err != nil {
			return problem.Wrap(err, problem.Invalid, "the scenario cannot be opened")
		}
		defer f.Close()
		if sc, err = lab.Load(f, l.Scenario); err != nil {
			return err
		}
	}
	if !(l.Speed >= 1 && l.Speed <= maxSpeed) {
		return problem.BadField("--speed", "%g is not from 1 to %d", l.Speed, maxSpeed)
	}
	now := time.Now().UTC()
	pace := lab.Pace{Real: now, Virtual: now, Speed: l.Speed}
	w, err := lab.Start(e.ctx, sc, lab.Options{Start: now, Logger: e.log})
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.SetCentre(l.Centre); err != nil {
		return err
	}
	about, err := w.About()
	if err != nil {
		return err
	}
	if l.Speed != 1 {
		about.Pace = &pace
	}
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", l.Listen)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "cannot listen at %s", l.Listen)
	}
	defer ln.Close()
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return problem.BadField("listen", "a lab listens on loopback only")
	}
	go func() {
		if err := gateway.ServeCentre(ln, w.Dial, w.SourceOf, joined(e, w), b); err != nil {
			e.log.Error("the gateway stopped", "err", err)
		}
	}()
	fmt.Fprintf(e.out, "a synthetic world of seed %d is at %s\n", sc.Seed, ln.Addr())
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return nil
		case now := <-tick.C:
			if err := w.Advance(e.ctx, pace.At(now)); err != nil && e.ctx.Err() == nil {
				return err
			}
		}
	}
}

// joined lets a world go to the centre that has joined it.
func joined(e *env, w *lab.World) func(gateway.Centre) error {
	return func(c gateway.Centre) error {
		if err := w.SetCentre(c.URL); err != nil {
			return err
		}
		if c.Mail != "" {
			if err := w.SetCentreMail(c.Mail); err != nil {
				return err
			}
		}
		if c.Key != "" {
			if err := w.SetVerifier(lab.Verifier{Secret: c.Secret, Key: c.Key, Profile: c.Profile}); err != nil {
				return err
			}
		}
		e.log.Info("a centre has joined the world", "url", c.URL, "takes_mail", c.Mail != "", "verifies", c.Key != "")
		return nil
	}
}
