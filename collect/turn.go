package collect

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"bailiwick/registration"
)

// Why a question was not put, beside the words of evidence.Fetch.Err.
const (
	errHeld   = "left alone" // the server gave no answer lately, and its wait is not over
	errBudget = "budget"     // the budget that all share cannot be read
)

// holdHours is the reason of a hold that the terms of use make.
const holdHours = "hours"

// asking is one question to one server, from its turn to what came of it.
type asking struct {
	c      *Collector
	server string
	// parent is the caller's context: when that is over, the server is not to
	// blame.
	parent context.Context
	before Hold
	held   bool // a hold was put on the server for what it answered
	leave  func()
}

// turn waits until server may be asked. A hold is given when it may not, and a
// failure, "" or a word, when its turn does not come. Otherwise end is to be
// called when the question is over.
func (c *Collector) turn(ctx, parent context.Context, server string) (q *asking, hold Hold, failure string) {
	terms := c.Terms(server)
	now := c.clock.Now()
	if open := terms.OpenAt(now); open.After(now) {
		hold = Hold{Until: open, Why: holdHours}
		c.holds.put(server, hold, now, open.Sub(now))
		return nil, hold, ""
	}
	leave, err := c.gates.enter(ctx, server, terms.Concurrency)
	if err != nil {
		return nil, Hold{}, errTimeout
	}
	hold, err = c.budgets.Turn(ctx, server, Pace{Rate: terms.Rate, Burst: terms.Burst}, now)
	switch {
	case hold.Until.After(now): // also when the time ran out meanwhile
		c.holds.put(server, hold, now, hold.Until.Sub(now))
		leave()
		return nil, hold, ""
	case err != nil:
		leave()
		if ctx.Err() != nil || errors.Is(err, errNoTurn) {
			return nil, Hold{}, errTimeout
		}
		c.log.ErrorContext(ctx, "no question is put: the servers' budgets cannot be read", "server", server, "error", err)
		return nil, Hold{}, errBudget
	}
	c.holds.drop(server)
	return &asking{c: c, server: server, parent: parent, before: hold, leave: leave}, Hold{}, ""
}

// failed leaves the server alone for a while, unless the failure is none of
// its making.
func (q *asking) failed(failure string) {
	switch failure {
	case errTimeout, errRefused, errReset, errUnreachable, errTLS:
	default: // blocked, malformed: it would be no different later, or it did answer
		return
	}
	// A connection's deadline may be noticed before that of the context it is
	// made of.
	if end, ok := q.parent.Deadline(); q.parent.Err() == nil && (!ok || time.Until(end) > 0) {
		q.hold(HoldFailing, time.Time{}, 0)
	}
}

// throttled leaves the server alone until it wants to be asked again; zero
// when it did not say, and then for a while that grows from first.
func (q *asking) throttled(until time.Time, first time.Duration) time.Time {
	if q == nil { // nobody was asked: the answer is one of before
		return time.Time{}
	}
	return q.hold(HoldThrottled, until, first)
}

func (q *asking) hold(why string, until time.Time, first time.Duration) time.Time {
	c, now := q.c, q.c.clock.Now()
	h := nextHold(now, q.before, why, until, first, c.jitter())
	if err := c.budgets.Hold(q.parent, q.server, h); err != nil {
		c.log.ErrorContext(q.parent, "other machines were not told to leave a server alone", "server", q.server, "error", err)
	}
	c.holds.put(q.server, h, now, h.Until.Sub(now))
	q.held = true
	return h.Until
}

// answered forgets that the server gave no answers before.
func (q *asking) answered() {
	if q == nil || q.held || q.before.Times == 0 {
		return
	}
	if err := q.c.budgets.Lift(q.parent, q.server, q.c.clock.Now()); err != nil {
		q.c.log.ErrorContext(q.parent, "a server's wait was not ended", "server", q.server, "error", err)
	}
	q.before = Hold{}
}

// end lets the next question of this process go, where the server's terms
// bound how many there are at a time.
func (q *asking) end() { q.leave() }

// holdFinding says that a server is not asked, and until when.
func holdFinding(protocol, host string, h Hold) registration.Finding {
	when := h.Until.UTC().Format(time.RFC3339)
	if h.Why == holdHours {
		return registration.Finding{ID: "terms.hours", Severity: registration.Advice,
			Detail: host + " is not asked before " + when + ", by the hours in its terms of use"}
	}
	if protocol == protocolWHOIS {
		return registration.Finding{ID: "whois.retry-after", Severity: registration.Advice, Detail: host + " is asked no question before " + when}
	}
	return registration.Finding{ID: "rdap.retry-after", Severity: registration.Advice, Detail: host + " wants no question before " + when}
}

// hostOf is the host of a server's key.
func hostOf(server string) string {
	if i := strings.LastIndexByte(server, ':'); i >= 0 {
		return server[:i]
	}
	return server
}

// gates bound how many questions are at one server at a time, for servers
// whose terms do. The zero value is ready.
type gates struct {
	mu      sync.Mutex
	servers map[string]*gate
}

type gate struct {
	places chan struct{}
	users  int // inside or waiting; one without is forgotten
}

// enter waits for a place; most of 0 is no bound.
func (g *gates) enter(ctx context.Context, server string, most int) (leave func(), err error) {
	if most <= 0 {
		return func() {}, nil
	}
	g.mu.Lock()
	if g.servers == nil {
		g.servers = map[string]*gate{}
	}
	s, ok := g.servers[server]
	if !ok {
		s = &gate{places: make(chan struct{}, most)}
		g.servers[server] = s
	}
	s.users++
	g.mu.Unlock()
	done := func() {
		g.mu.Lock()
		if s.users--; s.users == 0 {
			delete(g.servers, server)
		}
		g.mu.Unlock()
	}
	select {
	case s.places <- struct{}{}:
		return func() { <-s.places; done() }, nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}
