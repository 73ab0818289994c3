package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store"
)

// testBudgets: turns are leased at the permitted rate, the burst included, and
// what was leased is nobody else's.
func testBudgets(t *testing.T, e *env) {
	s := e.open(t)
	pace := clock.NewVirtual(start)
	lease := func(w store.TurnsWanted) store.TurnsGranted {
		t.Helper()
		g, err := s.LeaseTurns(t.Context(), pace, start, []store.TurnsWanted{w})
		if err != nil || len(g) != 1 {
			t.Fatalf("%+v, %v", g, err)
		}
		return g[0]
	}
	is := func(what string, g store.TurnsGranted, turns int, first time.Duration) {
		t.Helper()
		if g.Turns != turns || turns > 0 && (g.First != first || g.Every != time.Second) {
			t.Errorf("%s: %+v, not %d turns from %s on", what, g, turns, first)
		}
	}
	w := store.TurnsWanted{Server: "rdap.example:443", Every: time.Second, Credit: 3 * time.Second, Turns: 2, Within: time.Minute}
	is("the first of a burst of four", lease(w), 2, -3*time.Second)
	is("the rest of it", lease(w), 2, -time.Second)
	is("what is ahead", lease(w), 2, time.Second)
	w.Turns, w.Within = 10, 5*time.Second
	is("no later than wanted", lease(w), 3, 3*time.Second)
	is("nothing in time", lease(w), 0, 0)
	w.Turns = 0
	is("none wanted", lease(w), 0, 0)
	w.Turns = 1
	pace.Set(start.Add(6 * time.Second))
	is("as time goes on", lease(w), 1, 0)
	pace.Set(start.Add(time.Hour))
	w.Turns = 10
	is("after a rest no more than the burst", lease(w), 9, -3*time.Second)
	other := w
	other.Server, other.Credit = "rdap.example:80", 0
	is("another server, without a burst", lease(other), 6, 0)

	// Turns unlike the ones before: new terms of use.
	slow := other
	slow.Every, slow.Within, slow.Turns = time.Minute, 10*time.Minute, 2
	if g := lease(slow); g.Turns != 2 || g.First != 6*time.Second || g.Every != time.Minute {
		t.Errorf("%+v", g)
	}
	for _, bad := range [][]store.TurnsWanted{{{Server: "a", Turns: 1}}, {{Every: time.Second}}, {{Server: "b", Every: 1}, {Server: "a", Every: 1}}, {{Server: "a", Every: 1}, {Server: "a", Every: 1}}} {
		if g, err := s.LeaseTurns(t.Context(), pace, start, bad); problem.CodeOf(err) != problem.Internal {
			t.Errorf("%+v: %+v, %v", bad, g, err)
		}
	}
	// The most there is of everything.
	if g := lease(store.TurnsWanted{Server: "far", Every: 1<<63 - 1, Credit: 1<<63 - 1, Turns: 1<<31 - 1, Within: 1<<63 - 1}); g.Turns < 1 || g.Every <= 0 {
		t.Errorf("%+v", g)
	}
	// The database's own clock.
	g, err := s.LeaseTurns(t.Context(), nil, start, []store.TurnsWanted{{Server: "own:443", Every: time.Hour, Turns: 3, Within: 90 * time.Minute}})
	if err != nil || g[0].Turns != 2 || g[0].First != 0 {
		t.Errorf("%+v, %v", g, err)
	}
}

// testBudgetHolds: what one is told by a server holds for all, and an answer
// ends only what is over.
func testBudgetHolds(t *testing.T, e *env) {
	dsn, ctx := e.made(t), t.Context()
	one, two := e.openAt(t, dsn, store.Options{}), e.openAt(t, dsn, store.Options{})
	pace := clock.NewVirtual(start)
	const server = "whois.example:43"
	ask := func(now time.Time) store.TurnsGranted {
		t.Helper()
		g, err := two.LeaseTurns(ctx, pace, now, []store.TurnsWanted{{Server: server, Every: time.Millisecond, Turns: 1, Within: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		return g[0]
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if g := ask(start); g.Turns != 1 || g.Hold != (store.ServerHold{}) {
		t.Errorf("%+v", g)
	}
	h := store.ServerHold{Until: start.Add(time.Minute), Why: "throttled", Times: 3}
	ok(one.HoldServer(ctx, server, h))
	ok(one.HoldServer(ctx, "new.example:43", h)) // one that was never asked here
	if g := ask(start.Add(time.Minute - 1000)); g.Turns != 0 || g.Hold != h {
		t.Errorf("while it lasts: %+v", g)
	}
	ok(two.HoldServer(ctx, server, store.ServerHold{Until: start.Add(time.Second), Why: "failing", Times: 1}))
	if g := ask(start); g.Hold != h {
		t.Errorf("the later one does not stand: %+v", g)
	}
	ok(two.LiftServer(ctx, server, start.Add(time.Second)))
	if g := ask(start); g.Hold != h {
		t.Errorf("an answer ended a hold that lasts: %+v", g)
	}
	if g := ask(h.Until); g.Turns != 1 || g.Hold != h {
		t.Errorf("when it is over, how often it was in a row is still known: %+v", g)
	}
	ok(two.LiftServer(ctx, server, h.Until))
	if g := ask(h.Until); g.Turns != 1 || g.Hold != (store.ServerHold{}) {
		t.Errorf("lifted: %+v", g)
	}

	// A server nobody asked for long is forgotten, and one that is held is not.
	ok(one.HoldServer(ctx, "held.example:43", store.ServerHold{Until: start.AddDate(1, 0, 0), Why: "throttled", Times: 1}))
	e.clock.Set(e.clock.Now().AddDate(0, 2, 0))
	now := e.clock.Now()
	if _, err := one.LeaseTurns(ctx, pace, now, []store.TurnsWanted{{Server: "fresh.example:43", Every: 1, Turns: 1, Within: 1}}); err != nil {
		t.Fatal(err)
	}
	for server, kept := range map[string]bool{"held.example:43": true, "new.example:43": false} {
		g, err := one.LeaseTurns(ctx, pace, start, []store.TurnsWanted{{Server: server, Every: 1, Within: 1}})
		if err != nil || (g[0].Hold.Times > 0) != kept {
			t.Errorf("%s: %+v, %v", server, g, err)
		}
	}
}

// testBudgetRace: however many lease at the same time, no two turns of a server
// are closer than permitted, and none that could be had is lost.
func testBudgetRace(t *testing.T, e *env) {
	dsn := e.made(t)
	pace := clock.NewVirtual(start)
	const every, each = 100 * time.Millisecond, 12
	var mu sync.Mutex
	due := map[string][]time.Duration{}
	var busy sync.WaitGroup
	for i := range 2 {
		s := e.openAt(t, dsn, store.Options{})
		for j := range 4 {
			busy.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
				for range each {
					var wants []store.TurnsWanted
					for k := range 3 {
						wants = append(wants, store.TurnsWanted{Server: fmt.Sprint("s", k), Every: every, Credit: 5 * every, Turns: 1 + r.IntN(4), Within: time.Hour})
					}
					got, err := s.LeaseTurns(context.Background(), pace, start, wants)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for k, g := range got {
						if g.Turns != wants[k].Turns {
							t.Errorf("%+v for %+v", g, wants[k])
						}
						for n := range g.Turns {
							due[wants[k].Server] = append(due[wants[k].Server], g.First+time.Duration(n)*g.Every)
						}
					}
					mu.Unlock()
				}
			})
		}
	}
	busy.Wait()
	for server, d := range due {
		slices.Sort(d)
		for i, at := range d {
			if at != time.Duration(i-5)*every {
				t.Fatalf("%s: turn %d is due at %s", server, i, at)
			}
		}
	}
}
