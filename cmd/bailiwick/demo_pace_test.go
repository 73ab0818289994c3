package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"bailiwick/clock"
	"bailiwick/problem"
)

// madeWorld is a world for a pacer in which something is due at given times and
// takes some real time.
type madeWorld struct {
	*pacer
	clock *clock.Virtual
	due   []time.Duration // from the beginning
	takes time.Duration   // of real time, where something is due
	moved []time.Duration // the ticks at which something was done
	err   error
}

// pace runs f with a world of four days, the first of which is prepared, in a
// bubble of testing/synctest.
func pace(t *testing.T, due []time.Duration, f func(t *testing.T, w *madeWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		day := 24 * time.Hour
		w := &madeWorld{pacer: newPacer(start, start.Add(day), start.Add(4*day)), clock: clock.NewVirtual(start.Add(day)), due: due}
		w.now, w.jump, w.log = w.clock.Now, w.clock.Set, slog.New(slog.DiscardHandler)
		w.next = func(end time.Time) (time.Time, error) {
			for _, d := range w.due {
				if at := start.Add(d); at.After(w.now()) && !at.After(end) {
					return at, nil
				}
			}
			return end.Add(tick), nil
		}
		w.move = func(to time.Time) error {
			w.clock.Set(to)
			time.Sleep(w.takes)
			w.moved = append(w.moved, to.Sub(start))
			return w.err
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := w.Pause(ctx); problem.CodeOf(err) != problem.Conflict || !w.State().Preparing {
			t.Errorf("a world that is prepared can be paused: %v", err)
		}
		go w.run(ctx)
		synctest.Wait()
		f(t, w)
		cancel()
		<-w.ended
		if err := w.Pause(context.Background()); err == nil && w.State().Trouble == "" {
			t.Error("a demo that has ended can be paused")
		}
	})
}

// at says where the world stands, from the beginning.
func (w *madeWorld) at() time.Duration { return w.now().Sub(start) }

func (w *madeWorld) stands(t *testing.T, at time.Duration, word string) {
	t.Helper()
	synctest.Wait()
	if s := w.State(); w.at() != at || s.Word() != word || !s.Now.Equal(w.now()) {
		t.Errorf("the world is at %s and %q, not at %s and %q", w.at(), s.Word(), at, word)
	}
}

const hour = time.Hour

// It runs at a day in ten seconds, and what is due happens on the way.
func TestPaceRuns(t *testing.T) {
	pace(t, []time.Duration{25 * hour, 47 * hour}, func(t *testing.T, w *madeWorld) {
		w.takes = 300 * time.Millisecond // a while, but not as long as the quiet ticks leave
		time.Sleep(10*time.Second + time.Millisecond)
		w.stands(t, 48*hour, "running, a day in 10 s")
		if len(w.moved) != 2 || w.moved[0] != 25*hour || w.moved[1] != 47*hour {
			t.Errorf("done at %v", w.moved)
		}
		time.Sleep(time.Minute)
		w.stands(t, 96*hour, "all 4 days that were made up are over")
		for what, f := range map[string]func(context.Context) error{"go on": w.GoOn, "step": func(ctx context.Context) error { return w.Step(ctx, hour) }} {
			if err := f(t.Context()); problem.CodeOf(err) != problem.Conflict {
				t.Errorf("%s after the end: %v", what, err)
			}
		}
		if s := w.State(); s.May() || !s.Over() || s.Running {
			t.Errorf("%+v", s)
		}
	})
}

func TestPaceControls(t *testing.T) {
	pace(t, nil, func(t *testing.T, w *madeWorld) {
		ctx := t.Context()
		do := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		do("pause", w.Pause(ctx))
		time.Sleep(time.Hour)
		w.stands(t, 24*hour, "paused")
		do("step", w.Step(ctx, hour))
		w.stands(t, 25*hour, "paused")
		do("step", w.Step(ctx, 24*hour))
		w.stands(t, 49*hour, "paused")
		do("faster", w.Faster(ctx))
		do("go on", w.GoOn(ctx))
		time.Sleep(5*time.Second/24 + time.Millisecond)
		w.stands(t, 50*hour, "running, a day in 5 s")
		do("slower", w.Slower(ctx))
		do("slower", w.Slower(ctx))
		time.Sleep(20*time.Second/24 + time.Millisecond)
		w.stands(t, 51*hour, "running, a day in 20 s")
		for range 10 {
			do("slower", w.Slower(ctx))
		}
		if s := w.State(); !s.Slowest || s.Fastest || s.Day != speeds[0] {
			t.Errorf("%+v", s)
		}
		for range 10 {
			do("faster", w.Faster(ctx))
		}
		if s := w.State(); s.Slowest || !s.Fastest {
			t.Errorf("%+v", s)
		}
		do("a step of a world that runs", w.Step(ctx, hour))
		w.stands(t, 52*hour, "paused")
		do("a step beyond the end", w.Step(ctx, 1000*hour))
		w.stands(t, 96*hour, "all 4 days that were made up are over")
	})
}

// A step that takes long can be left, added to, and paused.
func TestPaceLongStep(t *testing.T) {
	var due []time.Duration
	for d := 24 * hour; d < 96*hour; d += hour {
		due = append(due, d)
	}
	pace(t, due, func(t *testing.T, w *madeWorld) {
		w.takes = time.Second
		if err := w.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := w.Step(ctx, 4*hour); err != nil {
			t.Errorf("a step that is not waited for to its end: %v", err)
		}
		if s := w.State(); s.To != start.Add(28*hour) || s.Word() != "going on to 6 Jan, 04:00" {
			t.Errorf("%+v", s)
		}
		first, second := make(chan error), make(chan error)
		go func() { first <- w.Step(t.Context(), hour) }()
		go func() { second <- w.Step(t.Context(), hour) }()
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		w.stands(t, 30*hour, "paused")
		go func() { first <- w.Step(t.Context(), 24*hour) }()
		time.Sleep(1500 * time.Millisecond)
		if err := w.Pause(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		w.stands(t, 32*hour, "paused")
	})
}

// A world that cannot keep up is slower: it does not make up for what it lost.
func TestPaceTooSlow(t *testing.T) {
	pace(t, []time.Duration{25 * hour}, func(t *testing.T, w *madeWorld) {
		w.takes = time.Minute
		time.Sleep(time.Minute + 10*time.Second/24 + time.Millisecond)
		if w.at() > 27*hour {
			t.Errorf("after one long tick it is at %s", w.at())
		}
		time.Sleep(10 * time.Second)
		if w.at() < 48*hour || w.at() > 52*hour {
			t.Errorf("and ten seconds later at %s", w.at())
		}
	})
}

// What breaks is shown, and nothing moves any more.
func TestPaceTrouble(t *testing.T) {
	pace(t, []time.Duration{25 * hour}, func(t *testing.T, w *madeWorld) {
		w.err = problem.New(problem.Unavailable, "the disk is full")
		if err := w.Step(t.Context(), 3*hour); problem.CodeOf(err) != problem.Unavailable {
			t.Errorf("a step that broke: %v", err)
		}
		w.stands(t, 25*hour, "stands still: the disk is full")
		if err := w.GoOn(t.Context()); problem.CodeOf(err) != problem.Conflict || w.State().May() {
			t.Errorf("%v", err)
		}
	})
}
