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
	Seed     uint64 `help:"Which world is made." default:"1"`
	Days     int    `help:"How many days of it." default:"30"`
	Scenario string `help:"Run this scenario file instead." type:"existingfile" placeholder:"FILE"`
	Listen   string `help:"Loopback address for 'serve --lab'." default:"127.0.0.1:8054"`
	Centre   string `help:"Where the centre will be: reporters report and parties answer there." default:"http://127.0.0.1:8053"`
}

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
	w, err := lab.Start(e.ctx, sc, lab.Options{Start: time.Now().UTC(), Logger: e.log})
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
		if err := gateway.Serve(ln, w.Dial, b); err != nil {
			e.log.Error("the gateway stopped", "err", err)
		}
	}()
	fmt.Fprintf(e.out, "a synthetic world of seed %d is at %s\n", l.Seed, ln.Addr())
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return nil
		case now := <-tick.C:
			if err := w.Advance(e.ctx, now.UTC()); err != nil && e.ctx.Err() == nil {
				return err
			}
		}
	}
}
