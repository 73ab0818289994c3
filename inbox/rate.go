package inbox

import (
	"sync"
	"time"
)

// rates counts events of many senders against one rate a minute, each with a
// bucket that holds a minute's worth. The number of buckets is bounded.
type rates struct {
	perMinute float64 // below zero: no limit
	max       int

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newRates(perMinute, max int) *rates {
	return &rates{perMinute: float64(perMinute), max: max, buckets: map[string]bucket{}}
}

// take counts one event of key at now and says whether it is within the rate.
func (r *rates) take(key string, now time.Time) bool {
	if r.perMinute < 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.buckets[key]
	if !ok {
		if len(r.buckets) >= r.max {
			r.sweep(now)
		}
		b = bucket{left: r.perMinute, at: now}
	}
	b = r.refill(b, now)
	ok = b.left >= 1
	if ok {
		b.left--
	}
	r.buckets[key] = b
	return ok
}

func (r *rates) refill(b bucket, now time.Time) bucket {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(r.perMinute, b.left+d.Minutes()*r.perMinute)
		b.at = now
	}
	return b
}

// sweep makes room: full buckets say nothing and go; if that is not enough, any
// tenth of the others goes too, which forgives some and blocks nobody.
func (r *rates) sweep(now time.Time) {
	for k, b := range r.buckets {
		if r.refill(b, now).left >= r.perMinute {
			delete(r.buckets, k)
		}
	}
	for k := range r.buckets {
		if len(r.buckets) <= r.max-r.max/10-1 {
			break
		}
		delete(r.buckets, k)
	}
}
