package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bailiwick/app"
	"bailiwick/collect"
	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/store/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("BUDGET_WORKER") != "" {
		budgetWorker()
		return
	}
	os.Exit(pgtest.Main(m))
}

// TestBudgets: processes on one database share turns and holds.
func TestBudgets(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "s.db")
	open := func() collect.Budgets {
		t.Helper()
		s, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return app.Budgets(s)
	}
	one, two := open(), open()
	now, p := time.Now(), collect.Pace{Rate: 0.001, Burst: 2}
	turn := func(b collect.Budgets) (collect.Hold, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return b.Turn(ctx, "rdap.example:443", p, now)
	}
	for _, b := range []collect.Budgets{one, two} {
		if h, err := turn(b); err != nil || h != (collect.Hold{}) {
			t.Errorf("%+v, %v", h, err)
		}
	}
	for _, b := range []collect.Budgets{one, two} {
		if _, err := turn(b); problem.CodeOf(err) != problem.Unavailable {
			t.Errorf("a third turn: %v", err)
		}
	}
	h := collect.Hold{Until: now.Add(time.Hour).UTC().Truncate(time.Microsecond), Why: collect.HoldThrottled, Times: 1}
	if err := one.Hold(t.Context(), "rdap.example:443", h); err != nil {
		t.Fatal(err)
	}
	if got, err := turn(two); err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
}

// budgetWorker is a process that takes as many turns as it can in the time it
// is given, with four workers, and prints when.
func budgetWorker() {
	var p collect.Pace
	var span time.Duration
	dsn := os.Getenv("BUDGET_WORKER")
	if _, err := fmt.Sscan(os.Getenv("BUDGET_PACE"), &p.Rate, &p.Burst, &span); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer s.Close()
	b := app.Budgets(s)
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	var mu sync.Mutex
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			for {
				if _, err := b.Turn(ctx, "rdap.example:443", p, time.Now()); err != nil {
					return
				}
				mu.Lock()
				fmt.Println(time.Now().UnixMicro())
				mu.Unlock()
			}
		})
	}
	busy.Wait()
}

// BenchmarkBudgets measures how near two processes of four workers each come to
// the permitted rate of one server, on real time, and by how much any second
// goes over it (the burst is permitted, and is taken off).
func BenchmarkBudgets(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, p := range []collect.Pace{{Rate: 5, Burst: 5}, {Rate: 100, Burst: 50}} {
			b.Run(fmt.Sprintf("%s/%v a second", engine, p.Rate), func(b *testing.B) {
				dsn := "sqlite:" + filepath.Join(b.TempDir(), "s.db")
				if engine == "postgres" {
					dsn = pgtest.DSN(b)
				}
				s, err := store.Open(b.Context(), dsn, store.Options{}) // so that the schema is there
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				const span = 10 * time.Second
				for b.Loop() {
					var mu sync.Mutex
					var all []int64
					var busy sync.WaitGroup
					for range 2 {
						busy.Go(func() {
							cmd := exec.Command(exe)
							cmd.Env = append(os.Environ(), "BUDGET_WORKER="+dsn, fmt.Sprintf("BUDGET_PACE=%v %d %d", p.Rate, p.Burst, span))
							out, err := cmd.Output()
							if err != nil {
								b.Error(err)
							}
							mu.Lock()
							defer mu.Unlock()
							for f := range strings.FieldsSeq(string(out)) {
								var at int64
								if _, err := fmt.Sscan(f, &at); err == nil {
									all = append(all, at)
								}
							}
						})
					}
					busy.Wait()
					first, last := int64(1<<62), int64(0)
					for _, at := range all {
						first, last = min(first, at), max(last, at)
					}
					worst := 0.0
					for _, from := range all {
						n := 0
						for _, at := range all {
							if at >= from && at <= from+1e6 {
								n++
							}
						}
						worst = max(worst, float64(n)-float64(p.Burst)-p.Rate)
					}
					seconds := float64(last-first) / 1e6
					b.ReportMetric(100*float64(len(all))/(p.Rate*seconds+float64(p.Burst)), "%ofPermitted")
					b.ReportMetric(worst, "overInASecond")
				}
			})
		}
	}
}
