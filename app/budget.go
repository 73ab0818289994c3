package app

import (
	"context"
	"os"
	"time"

	"bailiwick/collect"
	"bailiwick/problem"
	"bailiwick/store"
)

// Budgets are the budgets of servers that all processes on one database share.
func Budgets(s *store.Store) collect.Budgets {
	return collect.NewSharedBudgets(collect.Ledger{
		Lease: func(ctx context.Context, now time.Time, wants []collect.Want) ([]collect.Grant, error) {
			in := make([]store.TurnsWanted, len(wants))
			for i, w := range wants {
				in[i] = store.TurnsWanted(w)
			}
			// The database's own clock: machines have one each.
			granted, err := s.LeaseTurns(ctx, nil, now, in)
			out := make([]collect.Grant, len(granted))
			for i, g := range granted {
				out[i] = collect.Grant{Turns: g.Turns, First: g.First, Every: g.Every, Hold: collect.Hold(g.Hold)}
			}
			return out, err
		},
		Hold: func(ctx context.Context, server string, h collect.Hold) error {
			return s.HoldServer(ctx, server, store.ServerHold(h))
		},
		Lift: s.LiftServer,
	})
}

// Terms are the terms of use of servers as shipped, with those of an
// operator's file (files.terms) before them.
func Terms(file string) (*collect.Terms, error) {
	shipped, err := collect.DefaultTerms()
	if err != nil || file == "" {
		return shipped, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "files.terms cannot be opened")
	}
	defer f.Close()
	own, err := collect.ReadTerms(f)
	if err != nil {
		return nil, err
	}
	return shipped.With(own), nil
}
