package main

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"bailiwick/problem"
	"bailiwick/web"
)

// speeds are the real times that a virtual day can take, slow to fast.
var speeds = []time.Duration{60 * time.Second, 30 * time.Second, 20 * time.Second, 10 * time.Second, 5 * time.Second, 2 * time.Second}

// firstSpeed is the one a demo begins with: a day in ten seconds.
const firstSpeed = 3

// late is how far the world may fall behind its speed, in real time, and still
// catch up. Beyond it the machine is too slow for that speed, and what is lost is
// lost: nobody wants to see a day in a flash.
const late = time.Second

// pacer moves a world while people look on. One goroutine, that of run, owns
// the clock; everybody else asks it. It is on real time on purpose: it is what
// ties the virtual time to it.
type pacer struct {
	// next gives the first tick after now at which something is due, move sets
	// the clock to a tick and lets everything due happen, jump sets it where
	// nothing is due.
	next func(end time.Time) (time.Time, error)
	move func(to time.Time) error
	jump func(to time.Time)
	now  func() time.Time
	log  *slog.Logger

	asks  chan func()
	ended chan struct{} // closed when run has returned

	mu    sync.Mutex // guards state
	state web.DemoState

	// Of the goroutine of run.
	running  bool
	speed    int
	to       time.Time // of the step under way; zero: none is
	waiters  []waiter
	realAt   time.Time // the speed is kept from this real time on ...
	virtual  time.Time // ... which was this virtual one
	trouble  string
	notReady bool
}

// waiter waits for the world to get somewhere.
type waiter struct {
	at   time.Time
	done chan error
}

// newPacer makes one for a world that runs from begin to end and is prepared up
// to ready.
func newPacer(begin, ready, end time.Time) *pacer {
	p := &pacer{asks: make(chan func()), ended: make(chan struct{}), speed: firstSpeed, notReady: true}
	p.state = web.DemoState{Now: begin, Begin: begin, Ready: ready, End: end, Preparing: true, Day: speeds[firstSpeed]}
	return p
}

// State tells how the world stands.
func (p *pacer) State() web.DemoState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	if p.now != nil {
		s.Now = p.now()
	}
	return s
}

// tell publishes what the goroutine of run knows.
func (p *pacer) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Preparing, p.state.Running, p.state.To, p.state.Trouble = p.notReady, p.running, p.to, p.trouble
	p.state.Day, p.state.Slowest, p.state.Fastest = speeds[p.speed], p.speed == 0, p.speed == len(speeds)-1
}

// ask has f run by the goroutine that owns the clock, between two ticks, and
// waits for its answer.
func (p *pacer) ask(ctx context.Context, f func() error) error {
	s := p.State()
	switch {
	case s.Preparing:
		return problem.New(problem.Conflict, "the world is still being prepared")
	case s.Trouble != "":
		return problem.New(problem.Conflict, "the world stands still: %s", s.Trouble)
	}
	answer := make(chan error, 1)
	select {
	case p.asks <- func() { answer <- f() }:
		return <-answer
	case <-p.ended:
		return problem.New(problem.Unavailable, "the demo is ending")
	case <-ctx.Done():
		return problem.Wrap(ctx.Err(), problem.Unavailable, "the world is busy")
	}
}

func (p *pacer) over() error {
	if !p.now().Before(p.state.End) { // End never changes
		return problem.New(problem.Conflict, "all days that were made up are over")
	}
	return nil
}

// Pause lets the world stand where it is, also in the middle of a step.
func (p *pacer) Pause(ctx context.Context) error {
	return p.ask(ctx, func() error {
		p.running = false
		p.stepped(nil)
		return nil
	})
}

// GoOn lets it run at its speed.
func (p *pacer) GoOn(ctx context.Context) error {
	return p.ask(ctx, func() error {
		if err := p.over(); err != nil {
			return err
		}
		p.running = true
		p.anchor()
		return nil
	})
}

// Faster and Slower change the speed, also of a world that stands.
func (p *pacer) Faster(ctx context.Context) error { return p.shift(ctx, 1) }

// Slower is the other way.
func (p *pacer) Slower(ctx context.Context) error { return p.shift(ctx, -1) }

func (p *pacer) shift(ctx context.Context, by int) error {
	return p.ask(ctx, func() error {
		p.speed = min(max(p.speed+by, 0), len(speeds)-1)
		p.anchor()
		return nil
	})
}

// Step moves the world by a virtual time as fast as it goes, and lets it stand
// there. Steps add up. It returns when the world is there, somebody paused it, or
// ctx is done; in the last case it goes on all the same.
func (p *pacer) Step(ctx context.Context, by time.Duration) error {
	w := waiter{done: make(chan error, 1)}
	if err := p.ask(ctx, func() error {
		if err := p.over(); err != nil {
			return err
		}
		from := p.now()
		if !p.to.IsZero() {
			from = p.to
		}
		p.running, p.to = false, from.Add(by)
		if p.to.After(p.state.End) {
			p.to = p.state.End
		}
		w.at = p.to
		p.waiters = append(p.waiters, w)
		return nil
	}); err != nil {
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return nil
	}
}

// stepped ends the step under way, and tells who waits for it.
func (p *pacer) stepped(err error) {
	for _, w := range p.waiters {
		w.done <- err
	}
	p.waiters, p.to = nil, time.Time{}
}

// anchor ties the virtual time to the real one anew.
func (p *pacer) anchor() { p.realAt, p.virtual = time.Now(), p.now() }

// due is when the next tick is due, in real time.
func (p *pacer) due() time.Time {
	ahead := p.now().Add(tick).Sub(p.virtual)
	return p.realAt.Add(time.Duration(float64(ahead) / float64(24*time.Hour) * float64(speeds[p.speed])))
}

// run moves the world until ctx is done. The world is prepared when it begins,
// and goes on at once.
func (p *pacer) run(ctx context.Context) {
	defer close(p.ended)
	p.notReady, p.running = false, true
	p.anchor()
	for ctx.Err() == nil {
		p.tell()
		var wait time.Duration
		switch {
		case !p.to.IsZero():
		case p.running:
			wait = time.Until(p.due())
			if wait < -late {
				p.anchor()
			}
		default:
			select {
			case f := <-p.asks:
				f()
			case <-ctx.Done():
			}
			continue
		}
		// Whoever asks comes before the next tick, however far behind it is.
		select {
		case f := <-p.asks:
			f()
			continue
		default:
		}
		t := time.NewTimer(max(wait, 0))
		select {
		case f := <-p.asks:
			f()
		case <-ctx.Done():
		case <-t.C:
			p.tick(ctx)
		}
		t.Stop()
	}
	p.stepped(nil)
}

// tick moves the clock: by one tick while the world runs, and to the next tick at
// which something is due in a step.
func (p *pacer) tick(ctx context.Context) {
	now, end := p.now(), p.state.End
	if !p.to.IsZero() {
		end = p.to
	}
	next, err := p.next(end)
	if err == nil {
		to := now.Add(tick)
		if !p.to.IsZero() && next.After(to) {
			to = next
		}
		if to.After(end) {
			to = end
		}
		if next.After(to) {
			p.jump(to)
		} else {
			err = p.move(to)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			p.running, p.trouble = false, cmp.Or(problem.DocumentOf(err).Detail, "an error, which the terminal shows")
			p.log.Error("the demo's world could not go on", "err", err)
			p.stepped(problem.Wrap(err, problem.CodeOf(err), "the world could not go on"))
		}
		return
	}
	now = p.now()
	left := p.waiters[:0]
	for _, w := range p.waiters {
		if w.at.After(now) {
			left = append(left, w)
		} else {
			w.done <- nil
		}
	}
	p.waiters = left
	if !p.to.After(now) {
		p.to = time.Time{}
	}
	if !now.Before(p.state.End) {
		p.running = false
	}
}
