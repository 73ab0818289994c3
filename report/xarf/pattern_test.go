package xarf

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPatterns holds the runs against regexp, on strings that nearly fit.
func TestPatterns(t *testing.T) {
	direct := 0
	for i := range patterns {
		p := &patterns[i]
		if p.ways != nil {
			direct++
		}
		t.Run(p.re.String(), func(t *testing.T) {
			near := rapid.OneOf(rapid.StringMatching(p.re.String()), rapid.StringMatching(`[a-fA-F0-9:._+-]{0,70}`), rapid.String())
			rapid.Check(t, func(t *rapid.T) {
				s := []byte(near.Draw(t, "text"))
				if len(s) > 0 && rapid.Bool().Draw(t, "spoil") {
					i := rapid.IntRange(0, len(s)-1).Draw(t, "at")
					s[i] = rapid.Byte().Draw(t, "with")
				}
				if p.match(s) != p.re.Match(s) {
					t.Fatalf("%q: %v, regexp says %v", s, p.match(s), p.re.Match(s))
				}
			})
		})
	}
	if direct < len(patterns)*2/3 {
		t.Errorf("only %d of %d patterns are matched directly", direct, len(patterns))
	}
	for _, open := range []string{`^a*a$`, `^(a|ab)*$`, `^.*$`, `a+`, `^[a-z]*[a-c]+$`, `^(?i)abc$`} {
		if p := compile(open); p.ways != nil {
			t.Errorf("%s is matched directly", open)
		}
	}
}
