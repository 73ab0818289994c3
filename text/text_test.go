package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"bailiwick/text"
)

func TestLine(t *testing.T) {
	for _, tc := range []struct {
		in   string
		max  int
		want string
	}{
		{"plain", 10, "plain"},
		{"  a \t\r\n b  ", 10, "a b"},
		{"a\x00b\x1b[31mc", 20, "ab[31mc"},
		{"pay\u202egnp.exe", 20, "paygnp.exe"},
		{"zero\u200bwidth", 20, "zerowidth"},
		{"bad\xff\xfeutf", 20, "badutf"},
		{"Zürich 銀行", 20, "Zürich 銀行"},
		{"abcdef", 3, "abc…"},
		{"", 3, ""},
	} {
		if got := text.Line(tc.in, tc.max); got != tc.want {
			t.Errorf("Line(%q, %d) = %q, want %q", tc.in, tc.max, got, tc.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\u202eb\r\nc", 5)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max = min(max&0xff, 200)
		got := text.Line(s, max)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00\u202e") || utf8.RuneCountInString(got) > max+2 {
			t.Errorf("Line(%q, %d) = %q", s, max, got)
		}
	})
}
