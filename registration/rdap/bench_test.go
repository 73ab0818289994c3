package rdap

import (
	"encoding/json"
	"testing"

	"bailiwick/registration"
)

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
			for b.Loop() {
				if rec, _ := r.Domain(Answer{Body: files[i]}, registration.Source{Protocol: "rdap"}); rec.State != registration.Registered {
					b.Fatal(rec.State)
				}
				if i++; i == len(files) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
	var all [][]byte
	for _, raw := range corpusFiles(b) {
		var head struct {
			Class any `json:"objectClassName"`
		}
		if json.Unmarshal(raw, &head) == nil && head.Class == "domain" {
			all = append(all, raw)
		}
	}
	run("corpus", all)
}
