package registration

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// What is looked at eight octets at once is what it would be octet by octet.
func TestPlain(t *testing.T) {
	simple := func(s string) bool {
		for i, c := range []byte(s) {
			if c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
				return false
			}
		}
		return len(s) <= MaxText
	}
	some := rapid.SampledFrom([]byte(" \x1F!~\x7F\x80\xFFaZ\x00\t"))
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(strings.Repeat("letters and ", rapid.IntRange(0, 4).Draw(t, "n")) + "x")
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = some.Draw(t, "octet")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "cut")]
		if got, want := plain(string(b)), simple(string(b)); got != want {
			t.Fatalf("%q is plain: %v, want %v", b, got, want)
		}
	})
}

func TestDropped(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && r != 0x200C && r != 0x200D || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE
		if got := dropped(r); got != want {
			t.Errorf("%U is dropped: %v, want %v", r, got, want)
		}
	}
}

// A number that is in the form of records is what the long way makes of it.
func TestPhoneKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`\+?[0-9]{0,4}\.?[0-9]{0,18}[.x]?[0-9]?`).Draw(t, "number")
		if !kept(s) {
			return
		}
		if got, ok := Phone(" " + s); !ok || got != s { // the space sends it the long way
			t.Fatalf("%q is kept, and would be %q, %v", s, got, ok)
		}
	})
}

func TestPhrases(t *testing.T) {
	for _, p := range []*phrases{redactedPhrases, proxyNames} {
		all := slices.Concat(p[:]...)
		rapid.Check(t, func(t *rapid.T) {
			s := rapid.SampledFrom(all).Draw(t, "phrase")
			s = s[rapid.IntRange(0, 1).Draw(t, "from"):]
			s = rapid.SampledFrom([]string{"", "x", "the "}).Draw(t, "before") + s + rapid.SampledFrom([]string{"", "x"}).Draw(t, "after")
			want := slices.ContainsFunc(all, func(p string) bool { return strings.Contains(s, p) })
			if got := p.in(s); got != want {
				t.Fatalf("%q has one: %v, want %v", s, got, want)
			}
		})
	}
}
