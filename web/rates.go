package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates bound how many reports one address sends through the form: in place of
// a riddle that people with bad eyes cannot solve.
type rates struct {
	mu sync.Mutex
	of map[netip.Prefix]*rate.Limiter
}

const (
	reportBurst = 30
	reportEvery = 20 * time.Second // one more
	maxRates    = 50_000
)

func newRates() *rates { return &rates{of: map[netip.Prefix]*rate.Limiter{}} }

// allow says whether an address may send one more now.
func (r *rates) allow(a netip.Addr) bool {
	bits := 32
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 64 // what one customer has
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return true // no address: a server within the program
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.of[p]
	if l == nil {
		if len(r.of) >= maxRates {
			clear(r.of) // to forget is better than to refuse
		}
		l = rate.NewLimiter(rate.Every(reportEvery), reportBurst)
		r.of[p] = l
	}
	return l.Allow()
}

// client is the address of who sent a request: the connection's, or what a
// trusted proxy says it is (api.Proxies, which stands before all pages).
func (s *site) client(r *request) netip.Addr {
	a, _ := netip.ParseAddr(remote(r)) // none: a server within the program
	return a
}
