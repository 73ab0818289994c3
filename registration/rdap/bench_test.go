//go:build unix

package rdap

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bailiwick/registration"

	"github.com/go-json-experiment/json/jsontext"
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

// BenchmarkDomain decodes domain objects: those of the shared corpus when it
// is here, and the synthetic ones of testdata.
func BenchmarkDomain(b *testing.B) {
	run := func(name string, files [][]byte) {
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
			var r Reader
			start := cpu()
			for b.Loop() {
				if rec, _ := r.Domain(Answer{Body: files[i]}, registration.Source{Protocol: "rdap"}); rec.State != registration.Registered {
					b.Fatal(rec.State)
				}
				if i++; i == len(files) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/(cpu()-start), "objects/cpu-s")
		})
	}
	var all [][]byte
	for _, raw := range corpusIfHere(b) {
		var head struct {
			Class any `json:"objectClassName"`
		}
		if json.Unmarshal(raw, &head) == nil && head.Class == "domain" {
			all = append(all, raw)
		}
	}
	run("corpus", all)
	var one [][]byte
	for _, f := range []string{"thin-registry.json", "registrar-full.json", "redacted-2024.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "domain", f))
		if err != nil {
			b.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			b.Fatal(err)
		}
		one = append(one, compact.Bytes())
	}
	run("testdata", one)
	// What any decoder costs at least, in the same run: the check alone, and
	// the standard library's generic decoding.
	floor := func(name string, f func([]byte) bool) {
		b.Run(name, func(b *testing.B) {
			files := all
			if len(files) == 0 {
				files = one
			}
			b.ReportAllocs()
			i := 0
			start := cpu()
			for b.Loop() {
				if !f(files[i]) {
					b.Fatal("not valid")
				}
				if i++; i == len(files) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/(cpu()-start), "objects/cpu-s")
		})
	}
	floor("floor-valid", func(raw []byte) bool {
		return jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	})
	floor("floor-encoding-json-any", func(raw []byte) bool {
		var v any
		return json.Unmarshal(raw, &v) == nil
	})
}
