//go:build unix

package whois

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bailiwick/registration"
)

// cpu is the processor time that this process has used, in seconds: on a
// machine with other work the clock on the wall says nothing.
func cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkDomain reads answers: those of the shared corpus when it is here,
// all of them and those of registered names, and the invented ones of testdata.
// The floors are splitting the same answers into lines and at the colon, and
// encoding/json reading the records that come of them.
func BenchmarkDomain(b *testing.B) {
	run := func(name string, files [][]byte, f func(raw []byte)) {
		b.Run(name, func(b *testing.B) {
			if len(files) == 0 {
				b.Skip("no files")
			}
			n := 0
			for _, f := range files {
				n += len(f)
			}
			b.SetBytes(int64(n / len(files)))
			b.ReportAllocs()
			i := 0
			start := cpu()
			for b.Loop() {
				f(files[i])
				if i++; i == len(files) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/(cpu()-start), "records/cpu-s")
		})
	}
	var all, registered [][]byte
	var r Reader
	for _, raw := range corpusIfHere(b) {
		all = append(all, raw)
		if rec, _ := r.Domain(raw, registration.Source{}); rec.State == registration.Registered {
			registered = append(registered, raw)
		}
	}
	var ours [][]byte
	paths, err := filepath.Glob(filepath.Join("testdata", "answers", "*.txt"))
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			b.Fatal(err)
		}
		ours = append(ours, raw)
	}
	read := func(raw []byte) { r.Domain(raw, registration.Source{Protocol: "whois"}) }
	run("corpus", all, read)
	run("corpus-registered", registered, read)
	run("testdata", ours, read)
	floor := all
	if len(floor) == 0 {
		floor = ours
	}
	// The other floor: encoding/json reads the records that came out, nothing else.
	var out [][]byte
	for _, raw := range floor {
		rec, _ := r.Domain(raw, registration.Source{Protocol: "whois"})
		line, err := json.Marshal(rec)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, line)
	}
	run("floor-encoding-json", out, func(raw []byte) {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			b.Fatal(err)
		}
	})
	pairs := 0
	run("floor-split-lines", floor, func(raw []byte) {
		for l := range bytes.Lines(raw) {
			if _, _, ok := bytes.Cut(l, []byte(":")); ok {
				pairs++
			}
		}
	})
}
