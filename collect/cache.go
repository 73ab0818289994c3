package collect

import (
	"container/heap"
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
	entries map[string]*entry[V]
	order   soonest[V] // the entries, which ends soonest first
	filling map[string]chan struct{}
}

type entry[V any] struct {
	key     string
	value   V
	expires time.Time
	at      int // in order
}

func newCache[V any](max int) *cache[V] {
	return &cache[V]{max: max, entries: map[string]*entry[V]{}, filling: map[string]chan struct{}{}}
}

// soonest is a heap of entries.
type soonest[V any] []*entry[V]

func (h soonest[V]) Len() int { return len(h) }
func (h soonest[V]) Less(i, j int) bool {
	if !h[i].expires.Equal(h[j].expires) {
		return h[i].expires.Before(h[j].expires)
	}
	return h[i].key < h[j].key
}
func (h soonest[V]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *soonest[V]) Push(x any) {
	e := x.(*entry[V])
	e.at = len(*h)
	*h = append(*h, e)
}
func (h *soonest[V]) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
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
// over or would be over soonest goes.
func (c *cache[V]) put(key string, value V, now time.Time, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	expires := now.Add(min(ttl, maxTTL))
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, found := c.entries[key]; found {
		e.value, e.expires = value, expires
		heap.Fix(&c.order, e.at)
		return
	}
	if len(c.entries) >= c.max {
		delete(c.entries, heap.Pop(&c.order).(*entry[V]).key)
	}
	e := &entry[V]{key: key, value: value, expires: expires}
	c.entries[key] = e
	heap.Push(&c.order, e)
}

// drop forgets key.
func (c *cache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, found := c.entries[key]; found {
		heap.Remove(&c.order, e.at)
		delete(c.entries, key)
	}
}
