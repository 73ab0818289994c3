package xarf

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDecimal holds the arithmetic against math/big.
func TestDecimal(t *testing.T) {
	digits := rapid.StringMatching(`0|[1-9][0-9]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign") + digits.Draw(t, "whole")
		if rapid.Bool().Draw(t, "has fraction") {
			s += "." + rapid.StringMatching(`[0-9]{1,25}`).Draw(t, "fraction")
		}
		if rapid.Bool().Draw(t, "has exponent") {
			s += rapid.StringMatching(`[eE][+-]?[0-9]{1,2}`).Draw(t, "exponent")
		}
		n := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, 10, 100, 65535})).Draw(t, "n")
		want, ok := new(big.Rat).SetString(strings.ToLower(s))
		if !ok {
			t.Fatalf("%s", s)
		}
		d := parseDecimal([]byte(s))
		if got := d.cmp(n); got != want.Cmp(new(big.Rat).SetInt64(n)) {
			t.Fatalf("cmp(%s, %d) = %d", s, n, got)
		}
		if d.integer() != want.IsInt() {
			t.Fatalf("integer(%s) = %v", s, d.integer())
		}
	})
	for _, c := range []struct {
		s       string
		cmp1    int
		integer bool
	}{{"1e99999999999999999999999", 1, true}, {"-1e99999999999999999999999", -1, true}, {"1e-99999999999999999999999", -1, false}, {"0e99999999999999999999", -1, true}} {
		if d := parseDecimal([]byte(c.s)); d.cmp(1) != c.cmp1 || d.integer() != c.integer {
			t.Errorf("%s: cmp %d, integer %v", c.s, d.cmp(1), d.integer())
		}
	}
}
