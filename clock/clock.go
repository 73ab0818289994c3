// Package clock is the one source of time. Nothing below cmd calls time.Now
// for a date that is stored, shown or compared with a due time: it takes a
// Clock. Time-outs on I/O stay on real time.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time, always in UTC and in whole microseconds, the
// resolution the store keeps.
type Clock interface {
	Now() time.Time
}

// Real is the machine's clock.
type Real struct{}

// Now implements Clock.
func (Real) Now() time.Time { return Truncate(time.Now()) }

// Virtual is a clock that moves only when told to: the lab's. It is safe for
// concurrent use.
type Virtual struct {
	mu  sync.Mutex
	now time.Time
}

// NewVirtual returns a clock standing at t.
func NewVirtual(t time.Time) *Virtual { return &Virtual{now: Truncate(t)} }

// Now implements Clock.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Set moves the clock to t. A clock never runs backwards: an earlier t is
// ignored.
func (v *Virtual) Set(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t = Truncate(t); t.After(v.now) {
		v.now = t
	}
}

// Truncate cuts t to what the store can keep: UTC, whole microseconds, no
// monotonic reading.
func Truncate(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Microsecond) }
