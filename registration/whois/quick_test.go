package whois

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sampleLines are the lines of the invented answers.
func sampleLines(t *testing.T) (lines []string) {
	for _, raw := range testdataAnswers(t) {
		for l := range strings.Lines(string(raw)) {
			if l = strings.TrimSpace(l); l != "" {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// changed gives one of some texts with a few octets changed, mostly in a way that
// folding takes back.
func changed(t *rapid.T, texts []string) string {
	b := []byte(rapid.SampledFrom(texts).Draw(t, "text"))
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		if isLetter(b[i]) && rapid.Bool().Draw(t, "case") {
			b[i] ^= 0x20
			continue
		}
		b[i] = rapid.SampledFrom([]byte("ae -_/'.:([\x0F\x11\x7F9\xC3")).Draw(t, "octet")
	}
	return string(b)
}

// A label as the file writes it means what it means folded.
func TestWritten(t *testing.T) {
	v := words()
	folding := *v
	folding.written = newTable(0)
	lines := sampleLines(t)
	hits := 0
	rapid.Check(t, func(t *rapid.T) {
		s := changed(t, lines)
		i := strings.IndexByte(s, ':')
		var a, b line
		if x, y := v.quick(&a, s, i), folding.quick(&b, s, i); x != y || x && a != b {
			t.Fatalf("%q: %v %+v, folded %v %+v", s, x, a, y, b)
		}
		if h, ok := writtenHash(s, i); ok {
			if _, ok = v.written.get(h); ok {
				hits++
			}
		}
	})
	if hits == 0 {
		t.Error("no label was found as the file writes it")
	}
}

// What one pass says of a label is what the closer look says.
func TestOnce(t *testing.T) {
	v := words()
	var labels []string
	for _, l := range sampleLines(t) {
		l, _, _ = strings.Cut(l, ":")
		labels = append(labels, l+".", l+" 1")
	}
	rapid.Check(t, func(t *rapid.T) {
		l := changed(t, labels)
		m, s := v.once(l)
		var buf [maxLabel + 4]byte
		if want := v.known(l, fold(buf[:0], l)); s.whole && m != want {
			t.Fatalf("%q: %v, closer %v", l, m, want)
		}
		if k := fold(buf[:0], l); s.last != 0 && (s.first != k[0] || s.last != k[len(k)-1]) {
			t.Fatalf("%q: from %q to %q, folded %q", l, s.first, s.last, k)
		}
	})
}

func TestControls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte("\x00\x01\x1E\x1F\n\r\t\x1B\f a\x7F\x80\x9F\xFF")), 0, 512).Draw(t, "octets")
		b = append(b, bytes.Repeat([]byte{0}, rapid.IntRange(0, 512).Draw(t, "more"))...)
		want := 0
		for _, c := range b {
			if c < ' ' && strings.IndexByte("\n\r\t\x1B\f", c) < 0 {
				want++
			}
		}
		if got := controls(b); got != want && (got > 16 || want > 16) {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	})
}
