package centre_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"bailiwick/app"
	"bailiwick/centre"
	"bailiwick/store"
)

// benchApp is a centre whose commits are durable, with neither queue nor sweep
// at work: what is measured is the verb alone.
func benchApp(b *testing.B, dsn func(testing.TB, bool) string) *app.App {
	return newApp(b, settings(b, dsn(b, true)), app.World{})
}

func xarfLine(i int) []byte {
	return fmt.Appendf(nil, `{"xarf_version":"4.2.0","report_id":"1a5ec293-0849-40a4-9eba-%012x","timestamp":"2026-01-11T15:15:24Z",`+
		`"reporter":{"org":"Example Desk","contact":"desk@desk.example","domain":"desk.example"},"sender":{"org":"Example Desk","contact":"desk@desk.example","domain":"desk.example"},`+
		`"source_identifier":"name-%d.example","category":"content","type":"phishing","url":"https://name-%d.example/login/verify?id=%d","target_brand":"Example Bank",`+
		`"evidence":[{"content_type":"text/plain","description":"what was seen","payload":"QSBwYWdlIHRoYXQgYXNrcyBmb3IgYSBwYXNzd29yZC4="}],"tags":["source:bench"]}`, i, i, i, i)
}

// BenchmarkIntakeBulk stores reports submitted in bulk; each is parsed,
// validated and committed with a sync before its result goes out.
func BenchmarkIntakeBulk(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			a := benchApp(b, e.dsn)
			b.ReportAllocs()
			pr, pw := io.Pipe()
			go func() {
				var buf bytes.Buffer
				for i := range b.N {
					buf.Write(xarfLine(i))
					buf.WriteByte('\n')
					if buf.Len() > 64<<10 || i == b.N-1 {
						_, _ = pw.Write(buf.Bytes())
						buf.Reset()
					}
				}
				pw.Close()
			}()
			got := 0
			b.ResetTimer()
			err := a.Centre.SubmitBulk(b.Context(), centre.Submission{Source: "bench", Scope: "bench", Key: "k"}, pr, func(r centre.BulkResult) error {
				if r.State != store.ReportReceived {
					return fmt.Errorf("line %d: %+v", r.Line, r)
				}
				got++
				return nil
			})
			if err != nil || got != b.N {
				b.Fatalf("%d of %d: %v", got, b.N, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}

// BenchmarkIntakeSingle posts single reports from 64 clients over HTTP; each
// gets its receipt after the commit it is part of.
func BenchmarkIntakeSingle(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			a := benchApp(b, e.dsn)
			srv := serve(b, a)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for {
						i := int(next.Add(1)) - 1
						if i >= b.N {
							return
						}
						req, _ := http.NewRequest(http.MethodPost, srv+"/api/v1/reports", bytes.NewReader(xarfLine(i)))
						req.Header.Set("Content-Type", "application/json")
						req.Header.Set("Idempotency-Key", fmt.Sprint(i))
						resp, err := client.Do(req)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						if resp.StatusCode != http.StatusAccepted {
							b.Errorf("status %d", resp.StatusCode)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}

// BenchmarkTriage files stored reports: half of them new subjects, half
// repeats.
func BenchmarkTriage(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			a := benchApp(b, e.dsn)
			var all bytes.Buffer
			for i := range b.N {
				all.Write(xarfLine(i / 2))
				all.WriteByte('\n')
			}
			if err := a.Centre.SubmitBulk(b.Context(), centre.Submission{Source: "bench"}, &all, func(centre.BulkResult) error { return nil }); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for {
				var ids []string
				if err := a.Store.View(b.Context(), func(tx *store.Tx) error {
					rs, err := tx.DueReports(b.Context(), a.Centre.Clock.Now(), 500)
					for _, r := range rs {
						ids = append(ids, r.ID)
					}
					return err
				}); err != nil {
					b.Fatal(err)
				}
				if len(ids) == 0 {
					break
				}
				if err := a.Centre.Triage(b.Context(), ids); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}
