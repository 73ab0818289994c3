package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The batch demo prints what is promised, the same seed prints the same, and
// another seed makes another world.
func TestDemo(t *testing.T) {
	days := "5"
	var one, again, two batch
	t.Run("runs", func(t *testing.T) {
		t.Run("seed 1", func(t *testing.T) {
			t.Parallel()
			one = demo(t, nil, "--seed", "1", "--days", days)
		})
		t.Run("seed 1 on one processor", func(t *testing.T) {
			t.Parallel()
			again = demo(t, []string{"GOMAXPROCS=1"}, "--seed", "1", "--days", days)
		})
	})
	two = demo(t, nil, "--seed", "2", "--days", days)
	if one.out != again.out {
		t.Errorf("the same seed prints something else:\n%s", firstDifference(one.out, again.out))
	}
	if one.out == two.out {
		t.Error("another seed prints the same")
	}
	for seed, b := range map[uint64]batch{1: one, 2: two} {
		if b.sum.Seed != seed || strconv.Itoa(b.sum.Days) != days {
			t.Errorf("the summary is of seed %d and %d days, not %d and %s", b.sum.Seed, b.sum.Days, seed, days)
		}
		n, wrong := b.against(t)
		t.Logf("seed %d: %d reports, %d cases, %d asks in %s; compared %+v, disagreements %v", seed, b.sum.Reports, b.sum.Cases, b.sum.Asks, b.took, n, wrong)
		if b.sum.Cases < 5 || b.sum.Asks < 5 || b.sum.Rejected == 0 || b.sum.Duplicates == 0 {
			t.Errorf("seed %d makes too little of a world: %+v", seed, b.sum)
		}
		if a := b.sum.Agreement; a == nil || a.Outcomes != n.outcomes || a.Judgements != n.judgements || a.Actors != n.actors {
			t.Errorf("seed %d: the summary's agreement is over %+v, ours over %+v", seed, a, n)
		} else if miss := n.outcomes - int(a.Outcome*float64(a.Outcomes)+0.5); miss != count(wrong, "outcome") {
			t.Errorf("seed %d: the summary says %d outcomes disagree, the truth %d: %v", seed, miss, count(wrong, "outcome"), wrong)
		}
	}
}

// Over many worlds the numbers of issue 2 hold. BAILIWICK_SEEDS=10x30 runs ten
// seeds of thirty days; without it, one of three, on which shares say little.
func TestNumbers(t *testing.T) {
	spec := os.Getenv("BAILIWICK_SEEDS")
	if spec == "" {
		spec = "1x3"
	}
	seeds, days, ok := strings.Cut(spec, "x")
	last, err := strconv.Atoi(seeds)
	if !ok || err != nil {
		t.Fatalf("BAILIWICK_SEEDS is %q, not like 10x30", spec)
	}
	var mu sync.Mutex
	var sum agreed
	var wrong []disagreement
	t.Run("worlds", func(t *testing.T) {
		for seed := 11; seed < 11+last; seed++ {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				t.Parallel()
				b := demo(t, nil, "--seed", strconv.Itoa(seed), "--days", days)
				n, bad := b.against(t)
				mu.Lock()
				defer mu.Unlock()
				sum.outcomes, sum.judgements, sum.actors = sum.outcomes+n.outcomes, sum.judgements+n.judgements, sum.actors+n.actors
				wrong = append(wrong, bad...)
				t.Logf("%d cases in %s; %v", b.sum.Cases, b.took, bad)
			})
		}
	})
	for _, x := range []struct {
		what  string
		n     int
		least float64
	}{{"outcome", sum.outcomes, 0.97}, {"judgement", sum.judgements, 0.95}, {"actor", sum.actors, 0.90}} {
		miss := count(wrong, x.what)
		share := 1 - float64(miss)/float64(max(x.n, 1))
		t.Logf("%s: %d of %d agree (%.1f %%)", x.what, x.n-miss, x.n, 100*share)
		// One miss in a world of a few cases says nothing.
		if share < x.least && (miss > 1 || x.n > 50) {
			t.Errorf("%s: %.1f %% agree, fewer than %.0f %%", x.what, 100*share, 100*x.least)
		}
	}
	if n := count(wrong, "subject"); n > 0 {
		t.Errorf("%d cases are about nothing in the world: %v", n, wrong)
	}
}

func count(all []disagreement, what string) int {
	n := 0
	for _, d := range all {
		if d.what == what {
			n++
		}
	}
	return n
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return fmt.Sprintf("line %d\n- %s\n+ %s", i+1, x[i], strings.Join(y[min(i, len(y)):min(i+1, len(y))], ""))
		}
	}
	return fmt.Sprintf("%d lines more", len(y)-len(x))
}
