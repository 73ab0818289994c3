package collect

import (
	"context"
	"sync"
	"time"
)

// maxTTL is the longest anything is kept, whatever its time-to-live says.
const maxTTL = 24 * time.Hour

// cache is a small store of answers with a time-to-live. Who finds nothing
// becomes the one to fill it, and others wait: so the number of questions sent
// does not hang on who came first.
type cache[V any] struct {
	max int

	mu      sync.Mutex
	entries map[string]entry[V]
	filling map[string]chan struct{}
}

type entry[V any] struct {
	value   V
	expires time.Time
}

func newCache[V any](max int) *cache[V] {
	return &cache[V]{max: max, entries: map[string]entry[V]{}, filling: map[string]chan struct{}{}}
}

// begin gives the value of key if it is there at now. If not, the caller is to
// find it, put it and call release, which may be called more than once and
// never harms. When ctx ends while another caller is at it, ok is false and
// the caller is on its own.
func (c *cache[V]) begin(ctx context.Context, key string, now time.Time) (value V, ok bool, release func()) {
	for {
		c.mu.Lock()
		if e, found := c.entries[key]; found && now.Before(e.expires) {
			c.mu.Unlock()
			return e.value, true, func() {}
		}
		busy, found := c.filling[key]
		if !found {
			done := make(chan struct{})
			c.filling[key] = done
			c.mu.Unlock()
			return value, false, sync.OnceFunc(func() {
				c.mu.Lock()
				delete(c.filling, key)
				c.mu.Unlock()
				close(done)
			})
		}
		c.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return value, false, func() {}
		}
	}
}

// get gives the value of key if it is there at now.
func (c *cache[V]) get(key string, now time.Time) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.entries[key]
	if !found || !now.Before(e.expires) {
		return value, false
	}
	return e.value, true
}

// put keeps value for ttl, at most maxTTL. When the cache is full, what is
// over goes first, then what would be over soonest.
func (c *cache[V]) put(key string, value V, now time.Time, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.entries[key]; !found && len(c.entries) >= c.max {
		first := ""
		for k, e := range c.entries {
			if !now.Before(e.expires) {
				delete(c.entries, k)
				continue
			}
			if f := c.entries[first]; first == "" || e.expires.Before(f.expires) || e.expires.Equal(f.expires) && k < first {
				first = k
			}
		}
		if len(c.entries) >= c.max {
			delete(c.entries, first)
		}
	}
	c.entries[key] = entry[V]{value, now.Add(min(ttl, maxTTL))}
}

// drop forgets key.
func (c *cache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}
