package accuracy

import (
	"fmt"
	"slices"
	"testing"
)

func TestZZ(t *testing.T) {
	for _, s := range []string{"a@☃.com", "a@ꙮ.com", "a@xn--n3h.com", "a@straße.de", "a@ｅxample.com", "a@a\u0300.com", "a@-.com", "a@аpple.com"} {
		m := parseMailbox(s)
		fmt.Println(s, m.domain, m.reason)
	}
}
func BenchmarkZZ(b *testing.B) {
	s := contactSet()
	all := slices.Concat(ContactChecks(), IdentityChecks())
	v1 := slices.DeleteFunc(all, func(c Check) bool { return c.Level != V1 })
	b.ReportAllocs()
	var out []Verdict
	for b.Loop() {
		var err error
		if out, err = AppendVerdicts(out[:0], s, v1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(len(v1)), "checks")
}
