package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"bailiwick/clock"
	"bailiwick/problem"
	"bailiwick/store/pgtest"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

var engines = map[string]func(testing.TB) string{
	SQLite:     func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "s.db") },
	PostgreSQL: func(t testing.TB) string { return pgtest.DSN(t) },
}

// made gives a database that has the schema, where that saves time.
func made(t testing.TB, name string) string {
	if name != PostgreSQL {
		return engines[name](t)
	}
	return pgtest.Copy(t, "store", func(dsn string) error {
		s, err := Open(context.Background(), dsn, Options{})
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func onBoth(t *testing.T, f func(t *testing.T, s *Store, dir string)) {
	for name := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "blobs")
			s, err := Open(t.Context(), made(t, name), Options{BlobDir: dir, InlineLimit: 16, Clock: clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			f(t, s, dir)
		})
	}
}

// TestBlobDurableBeforeRow follows a large blob step by step, and fails it at
// each: no row may name it before its file and folder are synced, and what a
// failure leaves behind is a file that the sweep takes.
func TestBlobDurableBeforeRow(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, dir string) {
		data := bytes.Repeat([]byte("x"), 100)
		rows := func() (n int) {
			if err := s.r.QueryRow("SELECT count(*) FROM blobs").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		var steps []string
		failAt, boom := "", errors.New("power cut")
		s.trace = func(step, file string) error {
			steps = append(steps, step)
			if n := rows(); n != 0 {
				t.Errorf("at %q a row names the blob already", step)
			}
			if file == "" {
				if len(steps) != 1 {
					t.Errorf("the folder's folder is synced after %q", steps)
				}
				steps = nil
				return nil
			}
			if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || len(b) != 100+16 {
				t.Errorf("at %q the file has %d octets: %v", step, len(b), err)
			}
			if step == failAt {
				return boom
			}
			return nil
		}
		all := []string{"written", "synced", "folder synced", "row"}
		for i, step := range all {
			steps, failAt = nil, step
			if _, err := s.PutBlob(t.Context(), "", data); !errors.Is(err, boom) {
				t.Errorf("failed at %q: %v", step, err)
			}
			if !slices.Equal(steps, all[:i+1]) {
				t.Errorf("failed at %q: steps %q", step, steps)
			}
		}
		if n := rows(); n != 0 {
			t.Errorf("%d rows", n)
		}
		got, err := s.SweepBlobs(t.Context(), s.clock.Now().Add(Grace))
		if err != nil || got != (BlobSweep{Orphans: len(all)}) {
			t.Errorf("%+v %v", got, err)
		}
		failAt = ""
		sha, err := s.PutBlob(t.Context(), "", data)
		if err != nil {
			t.Fatal(err)
		}
		if b, _, err := s.Blob(t.Context(), sha); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%q %v", b, err)
		}
	})
}

// TestSweepMeetsPut: old bytes that somebody is just storing again, in a
// transaction that has not committed yet, are not erased under its hands.
func TestSweepMeetsPut(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ string) {
		ctx, old := t.Context(), s.clock.Now()
		row := func(id string) Report {
			return Report{ID: id, Receipt: id, Received: s.clock.Now(), State: ReportRejected}
		}
		data := []byte("small")
		store := func(id string, hold func()) error {
			return s.Update(ctx, func(tx *Tx) error {
				sha, err := tx.PutBlob(ctx, "", data)
				if err != nil {
					return err
				}
				hold()
				r := row(id)
				r.Blob = sha
				_, err = tx.AddReports(ctx, []Report{r})
				return err
			})
		}
		if err := store("first", func() {}); err != nil {
			t.Fatal(err)
		}
		s.clock.(*clock.Virtual).Set(old.Add(1000 * time.Hour))
		touched, swept := make(chan struct{}), make(chan error, 1)
		go func() {
			<-touched
			_, err := s.Sweep(ctx, s.clock.Now(), Retention{Raw: time.Hour})
			swept <- err
		}()
		if err := store("second", func() {
			close(touched)
			// On PostgreSQL the sweep comes as far as this row's lock; on SQLite
			// it waits for the one writer.
			for n := 0; n == 0 && s.engine == PostgreSQL && len(swept) == 0; {
				if err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&n); err != nil {
					t.Error(err)
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := <-swept; err != nil {
			t.Fatal(err)
		}
		sum, _ := NewBlob{Data: data}.check()
		if b, _, err := s.Blob(ctx, fmt.Sprintf("%x", sum)); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%q %v", b, err)
		}
	})
}

// TestUpdateRunsAgain: a lost transaction is run again, a bounded number of
// times, and what it wrote before is gone.
func TestUpdateRunsAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ string) {
		lost := &pgconn.PgError{Code: "40001"}
		runs := 0
		err := s.Update(t.Context(), func(tx *Tx) error {
			if _, ok, err := tx.Setting(t.Context(), "k"); ok || err != nil {
				t.Errorf("run %d sees the one before: %v", runs, err)
			}
			if err := tx.PutSetting(t.Context(), "k", nil); err != nil {
				return err
			}
			if runs++; runs < 4 {
				return fmt.Errorf("wrapped: %w", lost)
			}
			return nil
		})
		if err != nil || runs != 4 {
			t.Errorf("%d runs: %v", runs, err)
		}
		s.retries, runs = 2, 0
		err = s.Update(t.Context(), func(tx *Tx) error { runs++; return lost })
		if problem.CodeOf(err) != problem.Unavailable || runs != 3 {
			t.Errorf("%d runs: %v", runs, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s.retries = 1 << 30
		if err = s.Update(ctx, func(tx *Tx) error { cancel(); return lost }); problem.CodeOf(err) != problem.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

// TestDeadlock: two transactions that lock each other out both finish.
func TestDeadlock(t *testing.T) {
	s, err := Open(t.Context(), pgtest.DSN(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wg, both sync.WaitGroup
	both.Add(2)
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}} {
		runs := 0
		wg.Go(func() {
			if err := s.Update(t.Context(), func(tx *Tx) error {
				if err := tx.PutSetting(t.Context(), keys[0], []byte(keys[0])); err != nil {
					return err
				}
				if runs++; runs == 1 {
					both.Done()
					both.Wait()
				}
				return tx.PutSetting(t.Context(), keys[1], []byte(keys[0]))
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestReadMigrations(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	ms, err := readMigrations(fstest.MapFS{"migrations/0001_a.sql": file("-- c\nCREATE TABLE t (a @int, b @text) @strict;\n@postgres P;\n@sqlite S;\n"),
		"migrations/0002_b_c.sql": file("x @bytes")}, SQLite)
	if err != nil || len(ms) != 2 || ms[1].name != "b_c" || ms[0].text != "CREATE TABLE t (a INTEGER, b TEXT) STRICT;\nS;\n" {
		t.Errorf("%+v %v", ms, err)
	}
	ms, _ = readMigrations(fstest.MapFS{"migrations/0001_a.sql": file("a @text, b @strict;\n@postgres P;\n@sqlite S;\n")}, PostgreSQL)
	if ms[0].text != "a TEXT COLLATE \"C\", b;\nP;\n" {
		t.Errorf("%q", ms[0].text)
	}
	for _, bad := range []string{"migrations/0002_a.sql", "migrations/x_a.sql"} {
		if _, err := readMigrations(fstest.MapFS{bad: file("")}, SQLite); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// TestMigrationFails: of a failing migration nothing is left, and the next
// start tries again.
func TestMigrationFails(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ string) {
		good, err := readMigrations(migrations, s.engine)
		if err != nil {
			t.Fatal(err)
		}
		n := len(good)
		more := append(slices.Clone(good), migration{n + 1, "a", "1", "CREATE TABLE extra (a TEXT)"}, migration{n + 2, "b", "2", "CREATE TABLE other (a TEXT); SYNTAX"})
		run := func(ms []migration) error {
			return s.Update(t.Context(), func(tx *Tx) error { return tx.migrate(t.Context(), ms) })
		}
		if err := run(more); err == nil || !strings.Contains(err.Error(), fmt.Sprint("migration ", n+2)) {
			t.Errorf("got %v", err)
		}
		if !s.current(t.Context(), good) {
			t.Error("half a migration was kept")
		}
		more[n+1].text = "CREATE TABLE other (a TEXT)"
		if err := run(more); err != nil || !s.current(t.Context(), more) {
			t.Errorf("got %v", err)
		}
	})
}

// TestReaderCannotWrite: SQLite's pool for reading refuses to write even if
// asked to.
func TestReaderCannotWrite(t *testing.T) {
	s, err := Open(t.Context(), engines[SQLite](t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.r.Exec("DELETE FROM settings"); err == nil {
		t.Error("the reader wrote")
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"} {
		var got string
		if err := s.w.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", pragma, got, want, err)
		}
	}
	if fi, err := os.Stat(s.path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
}

// TestErasedLeavesNothing: after an erasure neither SQLite's file nor its log
// holds the key or the personal text any more.
func TestErasedLeavesNothing(t *testing.T) {
	s, err := Open(t.Context(), engines[SQLite](t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sha, err := s.PutBlob(t.Context(), "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	var key []byte
	if err := s.w.QueryRow("SELECT key FROM blob_keys").Scan(&key); err != nil {
		t.Fatal(err)
	}
	onDisk := func() bool {
		for _, f := range []string{s.path, s.path + "-wal"} {
			if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, key) {
				return true
			}
		}
		return false
	}
	if !onDisk() {
		t.Fatal("the key is not where this test looks")
	}
	if err := s.EraseBlob(t.Context(), sha); err != nil {
		t.Fatal(err)
	}
	if onDisk() {
		t.Error("the key is still on disk")
	}
}

func TestClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "in"))
		out := clean(in)
		if !utf8.ValidString(out) || strings.ContainsRune(out, 0) {
			t.Fatalf("%q became %q", in, out)
		}
		if clean(out) != out {
			t.Fatalf("%q is cleaned again", out)
		}
		if utf8.ValidString(in) && !strings.ContainsRune(in, 0) && out != in {
			t.Fatalf("%q was changed to %q", in, out)
		}
	})
}

func TestSeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		sum, _ := NewBlob{Data: data}.check()
		key, sealed, err := seal(data, sum)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unseal(key, sealed, sum); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%x %v", got, err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := unseal(key, sealed, sum); err == nil {
			t.Fatal("a changed blob was taken")
		}
		if a, b := values(2, 2), "($1,$2),($3,$4)"; a != b {
			t.Fatalf("%s", a)
		}
	})
}
