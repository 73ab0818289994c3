package lab

import (
	"net/netip"
	"sync"
	"time"
)

// limiter is a server's limit at work: how often each client asked.
type limiter struct {
	every time.Duration
	burst int
	ban   int

	mu      sync.Mutex
	clients map[netip.Addr]*guest
}

// guest is who asks, by address.
type guest struct {
	next     time.Time // when its next question is due; it may be burst-1 of them early
	offences int
}

// newLimiter is nil, which allows everything, where there is no limit.
func newLimiter(l *Limit) *limiter {
	if l == nil || l.Rate <= 0 {
		return nil
	}
	return &limiter{every: time.Duration(float64(time.Second) / l.Rate), burst: max(1, l.Burst), ban: l.Ban, clients: map[netip.Addr]*guest{}}
}

// ask counts a question. wait is 0 when it is to be answered, else how long its
// client should have waited; banned, that it is not answered at all.
func (l *limiter) ask(from netip.Addr, now time.Time) (wait time.Duration, banned bool) {
	if l == nil {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.clients[from]
	if c == nil {
		c = &guest{next: now}
		l.clients[from] = c
	}
	if l.ban > 0 && c.offences >= l.ban {
		return 0, true
	}
	if c.next.Before(now) {
		c.next = now
	}
	if early := c.next.Sub(now) - time.Duration(l.burst-1)*l.every; early > 0 {
		c.offences++
		return early, false
	}
	c.next = c.next.Add(l.every)
	return 0, false
}
