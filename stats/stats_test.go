package stats_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"bailiwick/stats"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) < 5e-4 }

// TestFreireich is the textbook's example: weeks in remission of 21 patients
// (Freireich and others, 1963), whose estimates are printed in many places.
func TestFreireich(t *testing.T) {
	week := 7 * 24 * time.Hour
	var obs []stats.Observation
	for _, w := range []int{6, 6, 6, 7, 10, 13, 16, 22, 23} {
		obs = append(obs, stats.Observation{Time: time.Duration(w) * week, Ended: true})
	}
	for _, w := range []int{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35} {
		obs = append(obs, stats.Observation{Time: time.Duration(w) * week})
	}
	c := stats.Survival(obs)
	if c.N != 21 || c.Ended != 9 {
		t.Fatalf("%d of %d", c.Ended, c.N)
	}
	for _, want := range []struct {
		week, risk int
		share      float64
	}{{6, 21, 0.8571}, {7, 17, 0.8067}, {10, 15, 0.7529}, {13, 12, 0.6902}, {16, 11, 0.6275}, {22, 7, 0.5378}, {23, 6, 0.4482}} {
		s := c.At(time.Duration(want.week) * week)
		if s.AtRisk != want.risk || !near(s.Share, want.share) {
			t.Errorf("week %d: %+v", want.week, s)
		}
	}
	// R: survfit(…, conf.type = "log-log") gives these ends at week 10.
	if s := c.At(10 * week); !near(s.Low, 0.5032) || !near(s.High, 0.8894) {
		t.Errorf("the interval at week 10: %f to %f", s.Low, s.High)
	}
	if m, ok := c.Median(); !ok || m != 23*week {
		t.Errorf("median %v %v", m, ok)
	}
	if _, ok := c.Quantile(0.9); ok {
		t.Error("nine in ten were never seen to end")
	}
	if s := c.At(week); s.Share != 1 || s.AtRisk != 21 {
		t.Errorf("before the first step: %+v", s)
	}
}

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{0, 0, 0, 1}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {5, 10, 0.2366, 0.7634}, {81, 263, 0.2553, 0.3662}, {3, 2, 0, 1}} {
		low, high := stats.Wilson(c.k, c.n)
		if !near(low, c.low) || !near(high, c.high) {
			t.Errorf("%d of %d: %f to %f", c.k, c.n, low, high)
		}
	}
}

func TestEmpty(t *testing.T) {
	c := stats.Survival(nil)
	if c.N != 0 || len(c.Steps) != 0 || c.At(time.Hour).Share != 1 {
		t.Errorf("%+v", c)
	}
	if _, ok := c.Median(); ok {
		t.Error("nothing has a median")
	}
}

// TestProperties: a curve only falls, stays in its interval, does not depend on
// the order, and without censoring is the plain share that lasts longer.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs := rapid.SliceOf(rapid.Custom(func(t *rapid.T) stats.Observation {
			return stats.Observation{Time: time.Duration(rapid.IntRange(-2, 40).Draw(t, "h")) * time.Hour, Ended: rapid.Bool().Draw(t, "ended")}
		})).Draw(t, "obs")
		c := stats.Survival(obs)
		last, n := 1.0, 0
		for _, s := range c.Steps {
			if s.Share > last+1e-12 || s.Low > s.Share+1e-12 || s.High < s.Share-1e-12 || s.Low < 0 || s.High > 1 || math.IsNaN(s.Low+s.High) {
				t.Fatalf("%+v after %f", s, last)
			}
			last, n = s.Share, n+s.Ended+s.Censored
		}
		if n != len(obs) {
			t.Fatalf("%d of %d", n, len(obs))
		}
		turned := slices.Clone(obs)
		slices.Reverse(turned)
		if got := stats.Survival(turned); got.At(20*time.Hour) != c.At(20*time.Hour) {
			t.Fatal("the order matters")
		}
		longer := 0
		for i := range obs {
			obs[i].Ended = true
			if obs[i].Time > 20*time.Hour {
				longer++
			}
		}
		if len(obs) > 0 && !near(stats.Survival(obs).At(20*time.Hour).Share, float64(longer)/float64(len(obs))) {
			t.Fatal("without censoring it is not the plain share")
		}
	})
}
