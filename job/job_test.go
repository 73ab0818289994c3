package job

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/problem"
	"bailiwick/store"
	"bailiwick/store/pgtest"

	"github.com/riverqueue/river"
)

// childEnv tells the test binary to be the process that is killed.
const childEnv = "BAILIWICK_JOB_TEST_CHILD"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		if err := child(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Main(m))
}

var engines = map[string]func(testing.TB, ...pgtest.Options) string{
	"sqlite":   func(t testing.TB, _ ...pgtest.Options) string { return "sqlite:" + filepath.Join(t.TempDir(), "j.db") },
	"postgres": pgtest.DSN,
}

func onBoth(t *testing.T, f func(t *testing.T, dsn string)) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, dsn(t))
		})
	}
}

// works is a store with a queue that is started and stopped with the test.
type works struct {
	*testing.T
	s *store.Store
	q *Queue
}

func openStore(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// setup opens a store and a queue, not yet started. With poll 0 it polls once
// an hour, so that only a wake starts a job.
func setup(t *testing.T, dsn string, o Options, handlers func(s *store.Store) map[string]Handler) *works {
	t.Helper()
	w := &works{T: t, s: openStore(t, dsn)}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Poll == 0 {
		o.Poll = time.Hour
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	var err error
	if w.q, err = open(t.Context(), w.s.Writer(), w.s.Engine(), handlers(w.s), o); err != nil {
		t.Fatal(err)
	}
	w.s.SetEnqueuer(w.q)
	return w
}

func (w *works) start() {
	w.Helper()
	if err := w.q.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.stop)
}

func (w *works) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.q.Stop(ctx); err != nil {
		w.Errorf("stop: %v", err)
	}
}

func (w *works) enqueue(kind string, ids ...string) {
	w.Helper()
	if err := w.s.Update(w.Context(), func(tx *store.Tx) error { return tx.Enqueue(w.Context(), kind, ids...) }); err != nil {
		w.Fatal(err)
	}
}

func (w *works) wait() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	if err := w.q.Wait(ctx); err != nil {
		w.Fatal(err)
	}
}

func (w *works) count(where string) (n int) {
	w.Helper()
	if err := w.s.Writer().QueryRowContext(w.Context(), "SELECT count(*) FROM river_job WHERE "+where).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// bump counts how often an id was worked on, in the database.
func bump(ctx context.Context, tx *store.Tx, id string) (int, error) {
	b, _, err := tx.Setting(ctx, "done:"+id)
	if err != nil {
		return 0, err
	}
	b = append(b, 'x')
	return len(b), tx.PutSetting(ctx, "done:"+id, b)
}

func (w *works) done(id string) (n int) {
	w.Helper()
	if err := w.s.View(w.Context(), func(tx *store.Tx) error {
		b, _, err := tx.Setting(w.Context(), "done:"+id)
		n = len(b)
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return n
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

// TestWake: a job starts at once after the commit that wrote it, without any
// polling, and not before; after a rollback it does not exist.
func TestWake(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		got := make(chan []string, 10)
		w := setup(t, dsn, Options{}, func(*store.Store) map[string]Handler {
			return map[string]Handler{"triage": func(_ context.Context, ids []string, _ func(*sql.Tx) error) error {
				got <- ids
				return nil
			}}
		})
		w.start()
		w.wait()
		boom := errors.New("boom")
		if err := w.s.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.Enqueue(t.Context(), "triage", "never"), boom)
		}); !errors.Is(err, boom) {
			t.Fatal(err)
		}
		ids := []string{"r1", "r2", "ключ\"\\"}
		for range 3 {
			w.enqueue("triage", ids...)
			if g := receive(t, got); !slices.Equal(g, ids) {
				t.Errorf("got %q", g)
			}
		}
		w.wait()
		if len(got) != 0 {
			t.Errorf("more came: %q", <-got)
		}
	})
}

// TestPoll: a job that another process wrote is found by polling.
func TestPoll(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		got := make(chan []string, 1)
		w := setup(t, dsn, Options{Poll: maxPoll}, func(*store.Store) map[string]Handler {
			return map[string]Handler{"case": func(_ context.Context, ids []string, _ func(*sql.Tx) error) error { got <- ids; return nil }}
		})
		w.start()
		other := setup(t, dsn, Options{Others: []string{"case"}}, func(*store.Store) map[string]Handler { return nil })
		if err := other.q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		other.enqueue("case", "c1")
		if g := receive(t, got); !slices.Equal(g, []string{"c1"}) {
			t.Errorf("got %q", g)
		}
		other.wait()
		if err := other.q.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestComplete: many jobs, several workers, each writing in transactions of
// the store on the one database, with and without complete, enqueuing more:
// every id is worked on once, and when the queue is idle all of it is done.
func TestComplete(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := setup(t, dsn, Options{}, func(s *store.Store) map[string]Handler {
			work := func(next string) Handler {
				return func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
					for i, id := range ids {
						if err := s.Update(ctx, func(tx *store.Tx) error {
							if _, err := bump(ctx, tx, id); err != nil {
								return err
							}
							if next != "" {
								if err := tx.Enqueue(ctx, next, id+"+"); err != nil {
									return err
								}
							}
							if i < len(ids)-1 || strings.HasSuffix(id, "5") {
								return nil
							}
							return complete(tx.SQL())
						}); err != nil {
							return err
						}
					}
					return nil
				}
			}
			return map[string]Handler{"first": work("second"), "second": work("")}
		})
		w.start()
		const jobs, each = 20, 3
		var wg sync.WaitGroup
		for j := range jobs {
			wg.Go(func() {
				var ids []string
				for i := range each {
					ids = append(ids, fmt.Sprint(j*each+i))
				}
				if err := w.s.Update(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), "first", ids...) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.wait()
		for i := range jobs * each {
			for _, id := range []string{fmt.Sprint(i), fmt.Sprint(i, "+")} {
				if n := w.done(id); n != 1 {
					t.Errorf("%s was worked on %d times", id, n)
				}
			}
		}
		w.stop() // after which the database knows all to be over
		if n := w.count("state <> 'completed'"); n != 0 {
			t.Errorf("%d jobs are not completed", n)
		}
		if n := len(w.q.ending); n != 0 {
			t.Errorf("%d jobs are still remembered", n)
		}
	})
}

// TestCompleteIsAtomic: a completion that is rolled back did not happen, and
// one that was committed stands even if the handler then fails.
func TestCompleteIsAtomic(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		boom := errors.New("boom")
		w := setup(t, dsn, Options{}, func(s *store.Store) map[string]Handler {
			return map[string]Handler{"work": func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
				err := s.Update(ctx, func(tx *store.Tx) error {
					if _, err := bump(ctx, tx, ids[0]); err != nil {
						return err
					}
					if err := complete(tx.SQL()); err != nil {
						return err
					}
					if ids[0] == "rolled back" {
						return boom
					}
					return nil
				})
				return errors.Join(err, boom)
			}}
		})
		w.start()
		w.enqueue("work", "rolled back")
		w.enqueue("work", "kept")
		w.wait()
		w.stop()
		if w.done("rolled back") != 0 || w.done("kept") != 1 {
			t.Errorf("%d, %d", w.done("rolled back"), w.done("kept"))
		}
		if c, d := w.count("state = 'completed'"), w.count("state = 'discarded'"); c != 1 || d != 1 {
			t.Errorf("%d completed, %d discarded", c, d)
		}
	})
}

type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.all, func(line string) bool { return strings.Contains(line, s) })
}

// TestFailures: errors and panics are logged, end the job after one attempt,
// and stop nothing else.
func TestFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var log lines
		var runs atomic.Int32
		w := setup(t, dsn, Options{Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(*store.Store) map[string]Handler {
			return map[string]Handler{"work": func(_ context.Context, ids []string, _ func(*sql.Tx) error) error {
				runs.Add(1)
				switch ids[0] {
				case "error":
					return errors.New("went wrong")
				case "panic":
					panic("at the disco")
				}
				return nil
			}}
		})
		w.start()
		w.enqueue("work", "panic")
		w.enqueue("work", "error")
		w.enqueue("work", "fine")
		w.wait()
		w.stop()
		if runs.Load() != 3 {
			t.Errorf("%d runs", runs.Load())
		}
		if c, d := w.count("state = 'completed'"), w.count("state = 'discarded'"); c != 1 || d != 2 {
			t.Errorf("%d completed, %d discarded", c, d)
		}
		if !log.has("went wrong") || !log.has("at the disco") {
			t.Errorf("log: %q", log.all)
		}
	})
}

// TestEmpty: jobs deleted under way do no harm to the work they were for.
func TestEmpty(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		begun, goOn := make(chan string, 10), make(chan struct{})
		w := setup(t, dsn, Options{Workers: 2}, func(s *store.Store) map[string]Handler {
			return map[string]Handler{"work": func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
				begun <- ids[0]
				<-goOn
				return s.Update(ctx, func(tx *store.Tx) error {
					if _, err := bump(ctx, tx, ids[0]); err != nil {
						return err
					}
					if ids[0] == "b" {
						return nil
					}
					return complete(tx.SQL())
				})
			}}
		})
		w.start()
		w.enqueue("work", "a")
		w.enqueue("work", "b")
		receive(t, begun)
		receive(t, begun)
		w.enqueue("work", "lost") // waits for a worker
		if idle, err := w.q.Idle(t.Context()); idle || err != nil {
			t.Errorf("idle at work: %v", err)
		}
		if err := w.q.Empty(t.Context()); err != nil {
			t.Fatal(err)
		}
		if idle, err := w.q.Idle(t.Context()); idle || err != nil {
			t.Errorf("idle while two handlers run: %v", err)
		}
		close(goOn)
		w.wait()
		if w.done("a") != 1 || w.done("b") != 1 || w.done("lost") != 0 {
			t.Errorf("a %d, b %d, lost %d", w.done("a"), w.done("b"), w.done("lost"))
		}
		w.enqueue("work", "c") // and the queue still works
		w.wait()
		if w.done("c") != 1 {
			t.Error("c was not worked on")
		}
	})
}

// TestNoDeadlock: more handlers than SQLite's one writing connection, holding
// transactions open while the queue wants the connection too.
func TestNoDeadlock(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var ran atomic.Int32
		w := setup(t, dsn, Options{Workers: 4, Poll: 2 * cooldown}, func(s *store.Store) map[string]Handler {
			return map[string]Handler{"work": func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
				return s.Update(ctx, func(tx *store.Tx) error {
					n, err := bump(ctx, tx, ids[0])
					if err != nil {
						return err
					}
					for range 20 { // hold it for some of the queue's own rounds
						if _, _, err := tx.Setting(ctx, ids[0]); err != nil {
							return err
						}
					}
					if err := s.View(ctx, func(v *store.Tx) error { _, _, err := v.Setting(ctx, "x"); return err }); err != nil {
						return err
					}
					ran.Add(1)
					if n < 5 {
						if err := tx.Enqueue(ctx, "work", ids...); err != nil {
							return err
						}
					}
					return complete(tx.SQL())
				})
			}}
		})
		w.start()
		for i := range 8 {
			w.enqueue("work", fmt.Sprint(i))
		}
		w.wait()
		if ran.Load() != 40 {
			t.Errorf("%d runs, want 40", ran.Load())
		}
	})
}

// TestStop: what runs is waited for, or told to end when patience runs out;
// what was not begun, or was cut short, stays.
func TestStop(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		begun := make(chan struct{}, 10)
		var ended atomic.Bool
		handlers := func(*store.Store) map[string]Handler {
			return map[string]Handler{"work": func(ctx context.Context, ids []string, _ func(*sql.Tx) error) error {
				begun <- struct{}{}
				<-ctx.Done()
				ended.Store(true)
				return ctx.Err()
			}}
		}
		w := setup(t, dsn, Options{Workers: 1}, handlers)
		ctx, cancel := context.WithCancel(t.Context())
		if err := w.q.Start(ctx); err != nil {
			t.Fatal(err)
		}
		cancel() // the context of the start is not that of the work
		w.enqueue("work", "a")
		receive(t, begun)
		w.enqueue("work", "b")
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.q.Stop(impatient); err != nil {
			t.Fatal(err)
		}
		if !ended.Load() {
			t.Error("stopped while a handler runs")
		}
		if n := w.count("state = 'available'"); n != 2 || len(begun) != 0 { // the one cut short, too
			t.Errorf("%d jobs wait, %d more begun", n, len(begun))
		}
		if err := w.q.Stop(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	w := setup(t, engines["sqlite"](t), Options{}, func(*store.Store) map[string]Handler {
		return map[string]Handler{"work": func(context.Context, []string, func(*sql.Tx) error) error { return nil }}
	})
	w.enqueue("work", "a") // not started: it waits for ever
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if err := w.q.Wait(ctx); err == nil {
		t.Error("idle with a job waiting")
	}
}

func TestBadOptions(t *testing.T) {
	s := openStore(t, engines["sqlite"](t))
	for _, o := range []Options{{Workers: -1}, {Poll: time.Second}, {Poll: time.Microsecond}, {Timeout: -1}, {Worker: strings.Repeat("x", 101)}} {
		if _, err := Open(t.Context(), s.Writer(), s.Engine(), nil, o); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := Open(t.Context(), s.Writer(), "mysql", nil, Options{}); err == nil {
		t.Error("opened an unknown engine")
	}
	w := setup(t, engines["sqlite"](t), Options{}, func(*store.Store) map[string]Handler { return nil })
	for kind, ids := range map[string][]string{"unknown": {"a"}, "": {"a"}} {
		if err := w.s.Update(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), kind, ids...) }); problem.CodeOf(err) != problem.Internal {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if err := w.s.Update(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), "k", make([]string, MaxIDs+1)...) }); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("got %v", err)
	}
}

// TestOpenTogether: several processes may start on one new database.
func TestOpenTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var wg sync.WaitGroup
		for range 4 {
			s := openStore(t, dsn)
			wg.Go(func() {
				if _, err := Open(t.Context(), s.Writer(), s.Engine(), nil, Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestRelease: what a dead process had under way is done by its successor,
// what may have killed it is not done for ever, and what other processes have
// under way is left alone.
func TestRelease(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := setup(t, dsn, Options{Worker: "mine"}, func(s *store.Store) map[string]Handler {
			return map[string]Handler{"work": func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
				return s.Update(ctx, func(tx *store.Tx) error {
					if _, err := bump(ctx, tx, ids[0]); err != nil {
						return err
					}
					return complete(tx.SQL())
				})
			}}
		})
		for _, id := range []string{"left", "poison", "other"} {
			w.enqueue("work", id)
		}
		mark := func(id, worker string, attempt int) {
			t.Helper()
			q := `UPDATE river_job SET state = 'running', attempt = $1, attempted_at = CURRENT_TIMESTAMP, attempted_by = `
			if w.s.Engine() == "sqlite" {
				q += `jsonb_array('older', $2) WHERE args ->> 'ids' LIKE $3`
			} else {
				q += `ARRAY['older', $2] WHERE args ->> 'ids' LIKE $3`
			}
			if res, err := w.s.Writer().ExecContext(t.Context(), q, attempt, worker, "%"+id+"%"); err != nil {
				t.Fatal(err)
			} else if n, _ := res.RowsAffected(); n != 1 {
				t.Fatalf("%d jobs marked", n)
			}
		}
		mark("left", "mine", 1)
		mark("poison", "mine", MaxReleases)
		mark("other", "theirs", 1)
		w.start()
		if w.s.Engine() == "sqlite" { // a file has one process: nobody else can have it
			w.wait()
			if w.done("left") != 1 || w.done("other") != 1 || w.done("poison") != 0 {
				t.Errorf("left %d, other %d, poison %d", w.done("left"), w.done("other"), w.done("poison"))
			}
			return
		}
		for w.count("state IN ('available', 'running')") != 1 {
			if t.Context().Err() != nil {
				t.Fatal("the job was not done")
			}
		}
		if w.done("left") != 1 || w.done("other") != 0 || w.done("poison") != 0 || w.count("state = 'running'") != 1 {
			t.Errorf("left %d, other %d, poison %d", w.done("left"), w.done("other"), w.done("poison"))
		}
	})
}

// handlersOf is what the killed process and its successor do: each id in a
// transaction, the last one with the completion.
func handlersOf(s *store.Store, told func(id string)) map[string]Handler {
	return map[string]Handler{"work": func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			for _, id := range ids {
				if _, err := bump(ctx, tx, id); err != nil {
					return err
				}
				told(id)
			}
			return complete(tx.SQL())
		})
	}}
}

// child works until it is killed, telling what it does.
func child(dsn string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	q, err := Open(ctx, s.Writer(), s.Engine(), handlersOf(s, func(id string) { fmt.Println(id) }), Options{Workers: 3, Worker: "victim"})
	if err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	select {} // until the kill
}

// TestKill kills working processes at different points and lets the next take
// over: work whose completion is in its transaction happens exactly once.
func TestKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, dsn string) {
		w := setup(t, dsn, Options{Worker: "victim"}, func(s *store.Store) map[string]Handler { return handlersOf(s, func(string) {}) })
		const jobs, each = 60, 2
		for j := range jobs {
			w.enqueue("work", fmt.Sprintf("%d.0", j), fmt.Sprintf("%d.1", j))
		}
		for _, after := range []int{1, 20} { // fewer than MaxReleases: no job is given up for having been there each time
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), childEnv+"="+dsn)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewScanner(out)
			for range after {
				if !in.Scan() {
					t.Error("the child ended by itself")
					break
				}
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		w.start()
		w.wait()
		for j := range jobs {
			for i := range each {
				if n := w.done(fmt.Sprintf("%d.%d", j, i)); n != 1 {
					t.Errorf("%d.%d was worked on %d times", j, i, n)
				}
			}
		}
	})
}

// TestFinishedGo: finished jobs do not pile up.
func TestFinishedGo(t *testing.T) {
	w := setup(t, engines["sqlite"](t), Options{}, func(*store.Store) map[string]Handler {
		return map[string]Handler{"work": func(context.Context, []string, func(*sql.Tx) error) error { return nil }}
	})
	_, err := w.s.Writer().ExecContext(t.Context(), `INSERT INTO river_job (kind, max_attempts, state, finalized_at) VALUES ('work', 1, 'completed', datetime('now', '-2 minutes')), ('work', 1, 'discarded', datetime('now', '-2 hours'))`)
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	deadline := time.Now().Add(time.Minute)
	for w.count("TRUE") > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d jobs are still there", w.count("TRUE"))
		}
		w.wait()
	}
}

var _ river.Worker[batch] = (*worker)(nil)
