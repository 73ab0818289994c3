package xarf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// benchReports are the reports measured on: the specification's samples when
// the corpus is there, else our own.
func benchReports(b *testing.B) (reports [][]byte, size int64) {
	files, _ := filepath.Glob(corpus + "/spec/samples/v4/*.json")
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		reports = append(reports, raw)
	}
	if len(reports) == 0 {
		reports = append(reports, []byte(phishing))
	}
	for _, r := range reports {
		size += int64(len(r))
	}
	return reports, size / int64(len(reports))
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
}

// BenchmarkValidate is parse and verdict.
func BenchmarkValidate(b *testing.B) {
	reports, size := benchReports(b)
	b.SetBytes(size)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := Validate(reports[i%len(reports)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
	perSecond(b)
}

// BenchmarkRead is all of it: parse, verdict, findings, evidence decoded and
// hashed, the normalised report.
func BenchmarkRead(b *testing.B) {
	reports, size := benchReports(b)
	b.SetBytes(size)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		_, _, _ = Read4(reports[i%len(reports)])
		i++
	}
	perSecond(b)
}

// BenchmarkGeneric is the generic validator on the same reports: parse and
// verdict.
func BenchmarkGeneric(b *testing.B) {
	reports, size := benchReports(b)
	s := oracle(b)
	b.SetBytes(size)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(reports[i%len(reports)]))
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			b.Fatal(err)
		}
		i++
	}
	perSecond(b)
}
