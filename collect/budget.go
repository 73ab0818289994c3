package collect

import (
	"context"
	"math"
	"sync"
	"time"

	"bailiwick/problem"

	"golang.org/x/time/rate"
)

// Pace is how fast one server may be asked.
type Pace struct {
	Rate  float64 // questions a second
	Burst int     // questions at once after a rest; at least 1
}

// every is the time between two questions at the pace.
func (p Pace) every() time.Duration {
	if p.Rate <= 0 {
		return math.MaxInt64
	}
	return time.Duration(min(float64(time.Second)/p.Rate, math.MaxInt64/4))
}

// The reasons of a Hold.
const (
	HoldThrottled = "throttled" // the server said that it was asked too often
	HoldFailing   = "failing"   // it gave no answer
)

// Hold says until when a server is to be left alone, and why. The zero Hold is
// none.
type Hold struct {
	Until time.Time
	Why   string // HoldThrottled or HoldFailing
	Times int    // how often in a row; it outlives Until, and ends with an answer
}

// Budgets share out the questions that may be put to servers. A server is
// named by "host:port". Implementations are NewBudgets, for one process, and
// NewSharedBudgets, for all that share a database. They are safe for
// concurrent use.
type Budgets interface {
	// Turn waits until one more question may be put to server, and takes it. It
	// gives what is known of holds; while one lasts at now, no turn is waited
	// for or taken. The error is ctx's, or problem.Unavailable when no turn can
	// be had before ctx ends, or at all.
	Turn(ctx context.Context, server string, p Pace, now time.Time) (Hold, error)
	// Hold leaves server alone until h.Until; of two the later one stands.
	Hold(ctx context.Context, server string, h Hold) error
	// Lift forgets a hold that is over at now: the server answered.
	Lift(ctx context.Context, server string, now time.Time) error
}

// maxServers is how many servers budgets remember.
const maxServers = 4096

// budgets are those of one process, on real time.
type budgets struct {
	mu      sync.Mutex
	servers map[string]*budget
}

type budget struct {
	*rate.Limiter
	hold Hold
}

// NewBudgets returns budgets for one process. They are kept in memory.
func NewBudgets() Budgets { return &budgets{servers: map[string]*budget{}} }

// of finds the budget of a server. b.mu is held.
func (b *budgets) of(server string, p Pace) *budget {
	s, ok := b.servers[server]
	if !ok {
		if len(b.servers) >= maxServers {
			for key, old := range b.servers { // one that has all its tokens again and no hold is as good as new
				if old.hold.Times == 0 && (old.Limiter == nil || old.Tokens() >= float64(old.Burst())) {
					delete(b.servers, key)
				}
			}
			if len(b.servers) >= maxServers { // as many at work as there never are: all begin anew
				clear(b.servers)
			}
		}
		s = &budget{}
		b.servers[server] = s
	}
	if p.Rate > 0 {
		if s.Limiter == nil {
			s.Limiter = rate.NewLimiter(rate.Limit(p.Rate), max(1, p.Burst))
		} else if s.Limit() != rate.Limit(p.Rate) || s.Burst() != max(1, p.Burst) { // new terms of use
			s.SetLimit(rate.Limit(p.Rate))
			s.SetBurst(max(1, p.Burst))
		}
	}
	return s
}

// Turn implements Budgets.
func (b *budgets) Turn(ctx context.Context, server string, p Pace, now time.Time) (Hold, error) {
	b.mu.Lock()
	s := b.of(server, p)
	hold := s.hold
	b.mu.Unlock()
	if hold.Until.After(now) {
		return hold, nil
	}
	if s.Limiter == nil {
		return hold, noTurn(ctx)
	}
	if err := s.Wait(ctx); err != nil {
		return hold, noTurn(ctx)
	}
	b.mu.Lock() // who waited may have missed what another was told meanwhile
	defer b.mu.Unlock()
	return s.hold, nil
}

// errNoTurn is the error of a turn that cannot be had in time.
var errNoTurn = problem.New(problem.Unavailable, "the server's budget has no turn in time")

func noTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errNoTurn
}

// Hold implements Budgets.
func (b *budgets) Hold(_ context.Context, server string, h Hold) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.of(server, Pace{}); h.Until.After(s.hold.Until) {
		s.hold = h
	}
	return nil
}

// Lift implements Budgets.
func (b *budgets) Lift(_ context.Context, server string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.servers[server]; ok && !s.hold.Until.After(now) {
		s.hold = Hold{}
	}
	return nil
}

// How long a server is left alone that says it was asked too often, without
// saying for how long, and one that gives no answer: doubled each time in a
// row, up to a bound. WHOIS has no way to say for how long (RFC 3912), and
// RDAP servers need not (RFC 7480 section 5.5).
const (
	firstBackoff     = 5 * time.Minute // WHOIS
	firstBackoffRDAP = time.Minute
	lastBackoff      = 6 * time.Hour
	firstFailure     = 5 * time.Second
	lastFailure      = 30 * time.Minute
)

// nextHold is the hold after one more refusal or failure. What a server asked
// for itself (until) is kept to; else the wait grows from first. jitter, in
// [0,1), spreads failures over up to a quarter more, so that machines that met
// the same outage do not come back at the same moment.
func nextHold(now time.Time, before Hold, why string, until time.Time, first time.Duration, jitter float64) Hold {
	h := Hold{Why: why, Times: 1, Until: until}
	if before.Why == why {
		h.Times = min(before.Times+1, 1000)
	}
	if until.After(now) {
		return h
	}
	last := lastBackoff
	if why == HoldFailing {
		first, last = firstFailure, lastFailure
	}
	wait := last
	if n := h.Times - 1; n < 20 && first<<n < last {
		wait = first << n
	}
	if why == HoldFailing {
		wait += time.Duration(float64(wait) / 4 * min(max(jitter, 0), 1))
	}
	h.Until = now.Add(wait)
	return h
}
