package collect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bailiwick/problem"

	"pgregory.net/rapid"
)

// book is a ledger in memory, as the database's is, on a test's clock.
type book struct {
	mu    sync.Mutex
	next  map[string]time.Time
	holds map[string]Hold
	// delay is how long a lease takes, fail what it fails with.
	delay  time.Duration
	fail   error
	leases int
}

func newBook() *book { return &book{next: map[string]time.Time{}, holds: map[string]Hold{}} }

func (b *book) ledger() Ledger {
	return Ledger{
		Lease: func(ctx context.Context, now time.Time, wants []Want) ([]Grant, error) {
			time.Sleep(b.delay) // of the bubble's time
			b.mu.Lock()
			defer b.mu.Unlock()
			b.leases++
			if b.fail != nil {
				return nil, b.fail
			}
			var out []Grant
			for _, w := range wants {
				g := Grant{Hold: b.holds[w.Server], Every: w.Every}
				at := time.Now()
				next := b.next[w.Server]
				if earliest := at.Add(-w.Credit); next.Before(earliest) {
					next = earliest
				}
				g.First = next.Sub(at)
				for !g.Hold.Until.After(now) && g.Turns < w.Turns && next.Sub(at) <= w.Within {
					g.Turns++
					next = next.Add(w.Every)
				}
				b.next[w.Server] = next
				out = append(out, g)
			}
			return out, nil
		},
		Hold: func(_ context.Context, server string, h Hold) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if h.Until.After(b.holds[server].Until) {
				b.holds[server] = h
			}
			return nil
		},
		Lift: func(_ context.Context, server string, now time.Time) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if !b.holds[server].Until.After(now) {
				delete(b.holds, server)
			}
			return nil
		},
	}
}

// keeps checks that in no stretch of time there are more turns than the rate
// and the burst permit.
func keeps(t *testing.T, used []time.Time, p Pace) {
	t.Helper()
	slices.SortFunc(used, time.Time.Compare)
	for i := range used {
		for j := i; j < len(used); j++ {
			if n, most := j-i+1, float64(max(p.Burst, 1))+p.Rate*used[j].Sub(used[i]).Seconds(); float64(n) > most+1e-6 {
				t.Fatalf("%d turns within %s; %.2f are permitted", n, used[j].Sub(used[i]), most)
			}
		}
	}
}

// TestSharedPace: two processes of four workers each, who have always more to
// ask, use at least 95 % of the permitted rate together, and never more than
// it.
func TestSharedPace(t *testing.T) {
	for _, p := range []Pace{{1, 5}, {0.2, 2}, {10, 10}, {3.7, 4}, {200, 100}} {
		for _, delay := range []time.Duration{0, 20 * time.Millisecond} {
			t.Run(fmt.Sprintf("%v a second, burst %d, lease %s", p.Rate, p.Burst, delay), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBook()
					b.delay = delay
					span := time.Duration(max(60, 40/p.Rate)) * time.Second
					ctx, cancel := context.WithTimeout(t.Context(), span)
					defer cancel()
					var mu sync.Mutex
					var used []time.Time
					var busy sync.WaitGroup
					for range 2 {
						shared := NewSharedBudgets(b.ledger())
						for range 4 {
							busy.Go(func() {
								for {
									if _, err := shared.Turn(ctx, "s:443", p, start); err != nil {
										return
									}
									mu.Lock()
									used = append(used, time.Now())
									mu.Unlock()
								}
							})
						}
					}
					busy.Wait()
					time.Sleep(time.Second) // a lease that nobody waits for any more comes to its end
					if p.Rate <= 20 {
						keeps(t, used, p)
					}
					permitted := p.Rate * span.Seconds()
					if n := float64(len(used)); n < 0.95*permitted || n > permitted+float64(p.Burst) {
						t.Errorf("%d turns in %s, where %.0f are permitted", len(used), span, permitted)
					}
				})
			})
		}
	}
}

// TestSharedSlow: turns that are used late, or not at all, never add up to more
// than is permitted.
func TestSharedSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := newBook(), Pace{4, 6}
		var mu sync.Mutex
		var used []time.Time
		var busy sync.WaitGroup
		for i := range 3 {
			shared := NewSharedBudgets(b.ledger())
			busy.Go(func() {
				for n := range 60 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(n*7+i)%11)*100*time.Millisecond) // some give up while they wait
					if h, err := shared.Turn(ctx, "s:443", p, start); err == nil && h.Until.IsZero() {
						mu.Lock()
						used = append(used, time.Now())
						mu.Unlock()
					}
					cancel()
					time.Sleep(time.Duration((n*13+i*5)%17) * 70 * time.Millisecond)
				}
			})
		}
		busy.Wait()
		keeps(t, used, p)
		if len(used) < 60 {
			t.Errorf("only %d turns were used", len(used))
		}
	})
}

// TestSharedHold: what one process is told stops all at once, and is over when
// it is over.
func TestSharedHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		one, two := NewSharedBudgets(b.ledger()), NewSharedBudgets(b.ledger())
		ctx, p := t.Context(), Pace{100, 50}
		turn := func(s Budgets, now time.Time) Hold {
			t.Helper()
			h, err := s.Turn(ctx, "s:443", p, now)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		if h := turn(two, start); h != (Hold{}) {
			t.Errorf("%+v", h)
		}
		want := Hold{Until: start.Add(time.Minute), Why: HoldThrottled, Times: 2}
		if err := one.Hold(ctx, "s:443", want); err != nil {
			t.Fatal(err)
		}
		if h := turn(one, start); h != want {
			t.Errorf("who was told: %+v", h)
		}
		// The other may use up what it has leased, which is due within half a second.
		n := 0
		begin := time.Now()
		for turn(two, start) != want {
			if n++; n > 200 || time.Since(begin) > time.Second {
				t.Fatalf("the other goes on: %d turns in %s", n, time.Since(begin))
			}
		}
		if err := two.Lift(ctx, "s:443", start); err != nil || turn(two, start) != want {
			t.Errorf("a hold that lasts was lifted: %v", err)
		}
		if h := turn(two, want.Until); h != want { // and a turn was had; what is known of before is still told
			t.Errorf("%+v", h)
		}
		if err := two.Lift(ctx, "s:443", want.Until); err != nil {
			t.Fatal(err)
		}
		if h := turn(one, want.Until); h.Until.After(want.Until) {
			t.Errorf("afterwards: %+v", h)
		}
	})
}

// TestSharedErrors: who cannot have a turn in time hears it at once, and
// nobody asks when the ledger cannot be read.
func TestSharedErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		shared := NewSharedBudgets(b.ledger())
		p := Pace{0.1, 1}
		turn := func(wait time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			_, err := shared.Turn(ctx, "s:443", p, start)
			return err
		}
		begin := time.Now()
		if err := turn(time.Second); err != nil {
			t.Error(err)
		}
		if err := turn(5 * time.Second); !errors.Is(err, errNoTurn) || time.Since(begin) > 0 {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		if err := turn(15 * time.Second); err != nil || time.Since(begin) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		b.fail = errors.New("the disk is full")
		if err := turn(time.Hour); problem.CodeOf(err) != problem.Unavailable || errors.Is(err, errNoTurn) || !strings.Contains(err.Error(), "budget") {
			t.Error(err)
		}
		b.fail = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := shared.Turn(ctx, "s:443", p, start); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestOneLease: those who ask at the same time, for whatever servers, cost one
// lease.
func TestOneLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.delay = 10 * time.Millisecond
		shared := NewSharedBudgets(b.ledger())
		var busy sync.WaitGroup
		for i := range 200 {
			busy.Go(func() {
				if _, err := shared.Turn(t.Context(), fmt.Sprint("s", i%50), Pace{1, 10}, start); err != nil {
					t.Error(err)
				}
			})
		}
		busy.Wait()
		if b.leases > 3 {
			t.Errorf("%d leases", b.leases)
		}
	})
}

// TestNextHold: waits grow to a bound, what a server asks for is kept to, and
// spreading only makes them longer.
func TestNextHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := Hold{Why: rapid.SampledFrom([]string{"", HoldThrottled, HoldFailing}).Draw(t, "before"), Times: rapid.IntRange(0, math.MaxInt32).Draw(t, "times")}
		why := rapid.SampledFrom([]string{HoldThrottled, HoldFailing}).Draw(t, "why")
		jitter := rapid.Float64().Draw(t, "jitter")
		h := nextHold(start, before, why, time.Time{}, firstBackoff, jitter)
		more := nextHold(start, h, why, time.Time{}, firstBackoff, jitter)
		last := lastBackoff
		if why == HoldFailing {
			last = lastFailure * 5 / 4
		}
		if wait := h.Until.Sub(start); wait <= 0 || wait > last || more.Until.Before(h.Until) || more.Times < h.Times || before.Why != why && h.Times != 1 {
			t.Fatalf("%+v, then %+v", h, more)
		}
		until := start.Add(time.Duration(rapid.Int64Range(1, 1<<50).Draw(t, "until")))
		if h := nextHold(start, before, why, until, firstBackoff, jitter); !h.Until.Equal(until) {
			t.Fatalf("%+v, asked for %s", h, until)
		}
	})
}

// TestGates: no more questions at a time than a server's terms permit, and a
// place is free again when its question is over or was given up.
func TestGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gates
		inside, most := 0, 0
		var mu sync.Mutex
		var busy sync.WaitGroup
		for i := range 20 {
			busy.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i)*time.Second)
				defer cancel()
				leave, err := g.enter(ctx, "s", 3)
				if err != nil {
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				leave()
			})
		}
		busy.Wait()
		if most != 3 || len(g.servers) != 0 {
			t.Errorf("%d at a time, %d servers remembered", most, len(g.servers))
		}
	})
}
