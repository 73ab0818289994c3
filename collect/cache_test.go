package collect

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestCache(t *testing.T) {
	c := newCache[int](3)
	ctx := context.Background()
	if _, ok, release := c.begin(ctx, "a", start); ok {
		t.Error("an empty cache has something")
	} else {
		c.put("a", 1, start, time.Minute)
		release()
		release()
	}
	if v, ok := c.get("a", start.Add(59*time.Second)); !ok || v != 1 {
		t.Error("it is gone before its time")
	}
	if _, ok := c.get("a", start.Add(time.Minute)); ok {
		t.Error("it is there after its time")
	}
	c.put("zero", 1, start, 0)
	if _, ok := c.get("zero", start); ok {
		t.Error("a time-to-live of nothing was kept")
	}
	c.put("long", 1, start, 1000*time.Hour)
	if _, ok := c.get("long", start.Add(maxTTL)); ok {
		t.Error("kept for more than a day")
	}
	for i := range 10 {
		c.put(fmt.Sprint(i), i, start, time.Duration(i+1)*time.Minute)
	}
	if len(c.entries) > 3 {
		t.Errorf("%d entries, 3 are allowed", len(c.entries))
	}
	if _, ok := c.get("9", start); !ok {
		t.Error("the newest went first")
	}
}

// TestCacheWaits: who comes second waits for who came first, takes over when
// the first finds nothing, and goes alone when its time is over.
func TestCacheWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[int](3)
		ctx := context.Background()
		_, _, release := c.begin(ctx, "k", start)
		got := make(chan int, 2)
		for range 2 {
			go func() {
				v, ok, done := c.begin(ctx, "k", start)
				if !ok {
					v = 7
					c.put("k", v, start, time.Minute)
				}
				done()
				got <- v
			}()
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, ok, _ := c.begin(short, "k", start); ok {
			t.Error("something is there")
		}
		synctest.Wait()
		select {
		case v := <-got:
			t.Errorf("%d came before the first was done", v)
		default:
		}
		release()
		if a, b := <-got, <-got; a != 7 || b != 7 {
			t.Errorf("%d and %d", a, b)
		}
	})
}
