package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bailiwick/casework"
	"bailiwick/store"
	"bailiwick/store/pgtest"
)

// benchBoth runs a benchmark on both engines, with commits that are synced to
// disk.
func benchBoth(b *testing.B, f func(b *testing.B, s *store.Store)) {
	for _, e := range []struct {
		name string
		dsn  func() string
	}{
		{"sqlite", func() string { return "sqlite:" + filepath.Join(b.TempDir(), "b.db") }},
		{"postgres", func() string { return pgtest.DSN(b, pgtest.Options{Fsync: true}) }},
	} {
		b.Run(e.name, func(b *testing.B) {
			s, err := store.Open(b.Context(), e.dsn(), store.Options{BlobDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			f(b, s)
		})
	}
}

// rawReport is about as long as an XARF report.
func rawReport(n int64) []byte { return fmt.Appendf(nil, "%0700d", n) }

func benchReport(n int64, raw []byte) store.Report {
	id := fmt.Sprintf("01BENCH%019d", n)
	sum := sha256.Sum256(raw)
	return store.Report{ID: id, Receipt: "C" + id[1:], Scope: "key:bench", Key: id, Digest: hex.EncodeToString(sum[:]), Source: "api", Received: time.UnixMicro(n),
		Format: "xarf4", State: store.ReportReceived, Due: time.UnixMicro(n), Length: int64(len(raw))}
}

// BenchmarkBulk stores reports 500 at a time: one blob, synced to a file, with
// the bytes of all, then the rows that name it. One operation is one report.
func BenchmarkBulk(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *store.Store) {
		const batch = 500
		var n int64
		for left := b.N; left > 0; left -= batch {
			var all []byte
			rows := make([]store.Report, 0, batch)
			for range min(batch, left) {
				n++
				raw := rawReport(n)
				r := benchReport(n, raw)
				r.Offset = int64(len(all))
				all, rows = append(all, raw...), append(rows, r)
			}
			sha, err := s.PutBlob(b.Context(), "application/x-ndjson", all)
			if err != nil {
				b.Fatal(err)
			}
			for i := range rows {
				rows[i].Blob = sha
			}
			if err := s.Update(b.Context(), func(tx *store.Tx) error {
				_, err := tx.AddReports(b.Context(), rows)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
	})
}

// BenchmarkGroup stores single reports from 64 clients, each waiting for the
// commit that has its report: one committer takes whatever has arrived. One
// operation is one report with its own blob.
func BenchmarkGroup(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *store.Store) {
		type add struct {
			row  store.Report
			raw  []byte
			done chan error
		}
		adds := make(chan add, 256)
		var committer sync.WaitGroup
		commits := 0
		committer.Go(func() {
			for first := range adds {
				batch := []add{first}
			fill:
				for len(batch) < 256 {
					select {
					case a, ok := <-adds:
						if !ok {
							break fill
						}
						batch = append(batch, a)
					default:
						break fill
					}
				}
				err := s.Update(context.Background(), func(tx *store.Tx) error {
					blobs, rows := make([]store.NewBlob, len(batch)), make([]store.Report, len(batch))
					for i, a := range batch {
						blobs[i] = store.NewBlob{Media: "application/json", Data: a.raw, SHA: a.row.Digest}
						rows[i] = a.row
						rows[i].Blob = a.row.Digest
					}
					if err := tx.PutBlobs(context.Background(), blobs); err != nil {
						return err
					}
					_, err := tx.AddReports(context.Background(), rows)
					return err
				})
				commits++
				for _, a := range batch {
					a.done <- err
				}
			}
		})
		var n atomic.Int64
		var clients sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			clients.Go(func() {
				for {
					i := n.Add(1)
					if i > int64(b.N) {
						return
					}
					raw := rawReport(i)
					a := add{benchReport(i, raw), raw, make(chan error, 1)}
					adds <- a
					if err := <-a.done; err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		clients.Wait()
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		b.ReportMetric(float64(b.N)/float64(commits), "reports/commit")
		close(adds)
		committer.Wait()
	})
}

// BenchmarkCase writes a step of a case: the projection and two events, one
// commit each.
func BenchmarkCase(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *store.Store) {
		body := make([]byte, 4096)
		c := store.Case{ID: "c", SubjectKey: "a.example", Type: "phishing", State: "new", Opened: time.UnixMicro(1), Body: body}
		var prev *casework.Link
		for b.Loop() {
			was := c.Seq
			var entries []casework.Entry
			for range 2 {
				e := casework.Seal(prev, "c", time.UnixMicro(1), casework.KindLooked, "centre", casework.Payload{Body: body[:1024]})
				entries = append(entries, e)
				prev = &e.Link
				c.Seq, c.Head = e.Seq, e.Hash
			}
			if err := s.Update(b.Context(), func(tx *store.Tx) error {
				if err := tx.PutCase(b.Context(), c, was); err != nil {
					return err
				}
				return tx.AppendEvents(b.Context(), entries)
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	})
}

// BenchmarkDue reads what is due, as the sweep does.
func BenchmarkDue(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *store.Store) {
		for start := range 4 {
			var rows []store.Report
			for i := range 500 {
				rows = append(rows, benchReport(int64(start*500+i+1), nil))
			}
			if err := s.Update(b.Context(), func(tx *store.Tx) error {
				_, err := tx.AddReports(b.Context(), rows)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			if err := s.View(b.Context(), func(tx *store.Tx) error {
				rs, err := tx.DueReports(b.Context(), time.UnixMicro(1<<40), 500)
				if err == nil && len(rs) != 500 {
					err = fmt.Errorf("%d due", len(rs))
				}
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
