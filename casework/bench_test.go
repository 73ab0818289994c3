package casework

import (
	"fmt"
	"testing"
	"time"

	"bailiwick/abuse"
)

// busy is the log of a confirmed case with n reports and a month of looks.
func busy(b *testing.B, n int) *world {
	b.Helper()
	plan := everybody("gtld")
	w := newWorld(shippedFor(b, abuse.Phishing))
	w.confirmed(b, abuse.Phishing, Malicious, plan)
	w.accept(b)
	for i := range n {
		w.do(b, AddReport{Report: ReportRef{ID: fmt.Sprint("more", i), Received: w.now, URLs: []string{"https://bad.example/login"}},
			Reporter: Reporter{Contact: "someone@reporter.example"}})
	}
	for end := t0.Add(30 * 24 * time.Hour); w.now.Before(end); {
		w.now = w.c.Due()
		w.do(b, Look{seen(w.now, Malicious), plan})
		w.accept(b)
	}
	return w
}

func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkApply(b *testing.B) {
	w := busy(b, 10)
	b.ReportAllocs()
	for b.Loop() {
		var c Case
		for _, e := range w.entries {
			var err error
			if c, err = Apply(c, e); err != nil {
				b.Fatal(err)
			}
		}
	}
	perEvent(b, len(w.entries))
}

func BenchmarkReplay(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("%d reports", n), func(b *testing.B) {
			w := busy(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Replay(w.entries); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, len(w.entries))
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	body := []byte(`{"report":{"id":"r1","received":"2026-03-02T09:00:00Z","urls":["https://bad.example/login"],"brand":"Bank"}}`)
	prev := Seal(nil, "c1", t0, KindOpened, Centre, Payload{Body: body}).Link
	b.ReportAllocs()
	for b.Loop() {
		prev = Seal(&prev, "c1", t0, KindReport, "report:r1", Payload{Body: body}).Link
	}
	perEvent(b, 1)
}

func BenchmarkVerifyChain(b *testing.B) {
	w := busy(b, 10)
	b.ReportAllocs()
	for b.Loop() {
		if err := VerifyChain(w.entries); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, len(w.entries))
}

// BenchmarkDecideReport is what intake does for each report: decide, seal and
// apply, on a case with many reports.
func BenchmarkDecideReport(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("%d reports", n), func(b *testing.B) {
			w := busy(b, n)
			cmd := AddReport{Report: ReportRef{ID: "new", Received: w.now, URLs: []string{"https://bad.example/login"}}}
			b.ReportAllocs()
			for b.Loop() {
				evs, err := Decide(w.pb, w.c, cmd, w.now)
				if err != nil {
					b.Fatal(err)
				}
				for _, ev := range evs {
					e, err := seal(w.c, w.id, w.now, ev)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := Apply(w.c, e); err != nil {
						b.Fatal(err)
					}
				}
			}
			perEvent(b, 1)
		})
	}
}
