package job

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"bailiwick/store"
	"bailiwick/store/pgtest"
)

// benchBoth opens a working queue with commits that are synced to disk.
func benchBoth(b *testing.B, h Handler, f func(b *testing.B, s *store.Store, q *Queue)) {
	for name, dsn := range engines {
		b.Run(name, func(b *testing.B) {
			s := openStore(b, dsn(b, pgtest.Options{Fsync: true}))
			q, err := Open(b.Context(), s.Writer(), s.Engine(), map[string]Handler{"work": h}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			s.SetEnqueuer(q)
			if err := q.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			f(b, s, q)
			if err := q.Stop(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkStart is the time from before the transaction that enqueues a job
// on an idle queue to the start of its handler; commit-to-start is the part
// after the commit.
func BenchmarkStart(b *testing.B) {
	begun := make(chan time.Time, 1)
	benchBoth(b, func(context.Context, []string, func(*sql.Tx) error) error { begun <- time.Now(); return nil }, func(b *testing.B, s *store.Store, q *Queue) {
		var after time.Duration
		for b.Loop() {
			if err := s.Update(b.Context(), func(tx *store.Tx) error { return tx.Enqueue(b.Context(), "work", "a") }); err != nil {
				b.Fatal(err)
			}
			committed := time.Now()
			at := <-begun
			after += max(0, at.Sub(committed))
			b.StopTimer()
			if err := q.Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(after.Microseconds())/float64(b.N)/1000, "ms-commit-to-start")
	})
}

// BenchmarkChain is one job after the other, each enqueued by the one before
// in the transaction of its completion.
func BenchmarkChain(b *testing.B) {
	var s *store.Store
	var left int
	done := make(chan error, 1)
	benchBoth(b, func(ctx context.Context, ids []string, complete func(*sql.Tx) error) error {
		err := s.Update(ctx, func(tx *store.Tx) error {
			if left > 1 {
				if err := tx.Enqueue(ctx, "work", ids...); err != nil {
					return err
				}
			}
			return complete(tx.SQL())
		})
		if left--; left == 0 || err != nil {
			done <- err
		}
		return err
	}, func(b *testing.B, st *store.Store, q *Queue) {
		s, left = st, b.N
		b.ResetTimer()
		if err := s.Update(b.Context(), func(tx *store.Tx) error { return tx.Enqueue(b.Context(), "work", "a") }); err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
	})
}
