package access

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"bailiwick/problem"
)

// throttle slows down who guesses passwords. It counts failures per pair of
// account and address, so that a stranger cannot lock anybody out: from another
// address the account stays open. Beside that it counts per address, against
// one password tried on many accounts, and per account, against many addresses
// with one guess each: while an account is under such an attack, an address
// that has not signed in to it before gets one free try in place of freeTries.
// Counts are of this process and forgotten at a restart.
type throttle struct {
	mu       sync.Mutex
	pairs    map[pair]*tally
	addrs    map[netip.Prefix]*tally
	accounts map[string]*tally
}

type pair struct {
	login string
	addr  netip.Prefix
}

type tally struct {
	failures int
	last     time.Time
	known    bool // a pair that has signed in
}

const (
	freeTries    = 5   // of a pair, before it waits
	addrTries    = 100 // of an address
	accountTries = 50  // of an account, before new addresses are watched
	firstWait    = 2 * time.Second
	longestWait  = 15 * time.Minute
	forgetAfter  = time.Hour // since the last failure
	maxTallies   = 100_000   // of each kind
)

func newThrottle() *throttle {
	return &throttle{pairs: map[pair]*tally{}, addrs: map[netip.Prefix]*tally{}, accounts: map[string]*tally{}}
}

// network is the address that is counted: of IPv6 the /64, which is what one
// customer has. What does not parse is one network.
func network(remote string) netip.Prefix {
	a, err := netip.ParseAddr(remote)
	if err != nil {
		ap, err := netip.ParseAddrPort(remote)
		if err != nil {
			return netip.Prefix{}
		}
		a = ap.Addr()
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// wait is how long a tally has to wait after its last failure.
func (t *tally) wait(free int) time.Duration {
	if t == nil || t.failures < free {
		return 0
	}
	w := float64(firstWait) * math.Pow(2, float64(min(t.failures-free, 32)))
	return time.Duration(min(w, float64(longestWait)))
}

func (t *tally) live(now time.Time) bool { return t != nil && now.Sub(t.last) < forgetAfter }

// try says whether a password may be tried now, and counts the try as failed
// until it is known to have succeeded: many tries at the same time are many.
// Not now is RateLimited.
func (t *throttle) try(login, remote string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	addr := network(remote)
	k := pair{login, addr}
	p, a, acc := touch(t.pairs, k, now), touch(t.addrs, addr, now), touch(t.accounts, login, now)
	free := freeTries
	if acc.failures >= accountTries && !p.known {
		free = 1
	}
	until := p.last.Add(p.wait(free))
	if u := a.last.Add(a.wait(addrTries)); u.After(until) && !p.known {
		until = u
	}
	if until.After(now) {
		return problem.New(problem.RateLimited, "too many failed tries: wait for %s", max(time.Second, until.Sub(now).Round(time.Second)))
	}
	for _, x := range []*tally{p, a, acc} {
		x.failures++
		x.last = now
	}
	return nil
}

// succeeded takes a try back, and knows the pair from now on.
func (t *throttle) succeeded(login, remote string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	addr := network(remote)
	p := touch(t.pairs, pair{login, addr}, now)
	p.failures, p.known = 0, true
	for _, x := range []*tally{touch(t.addrs, addr, now), touch(t.accounts, login, now)} {
		x.failures = max(0, x.failures-1)
	}
}

// touch finds a tally, anew if its time is over. With too many of them, those
// that are over go first, then any: to forget is better than to lock out.
func touch[K comparable](m map[K]*tally, k K, now time.Time) *tally {
	x := m[k]
	if x == nil {
		if len(m) >= maxTallies {
			for old, t := range m {
				if !t.live(now) && !t.known {
					delete(m, old)
				}
			}
			for old := range m { // a tenth at once, so that not every call comes by here
				if len(m) < maxTallies-maxTallies/10 {
					break
				}
				delete(m, old)
			}
		}
		x = &tally{last: now}
		m[k] = x
	}
	if !x.live(now) {
		x.failures = 0
	}
	return x
}
