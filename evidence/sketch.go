package evidence

import (
	"math"
	"unicode"
)

// SketchSize is the number of hashes in a Page.Sketch.
const SketchSize = 64

// shingle is how many words in a row are hashed together.
const shingle = 3

// Similar estimates how much of their text two pages share: the Jaccard
// coefficient of their sets of three-word groups, 0 to 1, from their sketches
// (Broder, "On the resemblance and containment of documents", 1997). With 64
// hashes the standard error is at most 0.0625. Sketches of different or no
// length give 0.
func Similar(a, b []uint32) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return float64(same) / float64(len(a))
}

// sketcher takes a text piece by piece and keeps the least value of each hash
// function over its word groups.
type sketcher struct {
	mins   [SketchSize]uint64
	window [shingle]uint64 // hashes of the last words
	words  int
	word   uint64 // hash of the word being read; 0 between words
	number bool   // the word being read ends in digits
}

// The 64-bit FNV-1a constants. Sketches are stored, so the functions must
// never change.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func newSketcher() *sketcher {
	s := &sketcher{}
	for i := range s.mins {
		s.mins[i] = math.MaxUint64
	}
	return s
}

// add reads text. Words are runs of letters and digits in lower case; a run of
// digits counts as one sign, so that order numbers and clocks do not make two
// showings of one page differ. Scripts without spaces give one word per
// character.
func (s *sketcher) add(text string) {
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z': // the common case, ahead of the tables
			s.mix(r)
			s.number = false
		case r == ' ':
			s.end()
		case r > unicode.MaxLatin1 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			s.end()
			s.mix(r)
			s.end()
		case unicode.IsDigit(r):
			if !s.number {
				s.mix('0')
			}
			s.number = true
		case unicode.IsLetter(r) || unicode.IsMark(r):
			s.mix(unicode.ToLower(r))
			s.number = false
		default:
			s.end()
		}
	}
	s.end()
}

func (s *sketcher) mix(r rune) {
	if s.word == 0 {
		s.word = fnvOffset
	}
	for ; r != 0; r >>= 8 {
		s.word = (s.word ^ uint64(r&0xff)) * fnvPrime
	}
}

// end closes the word being read.
func (s *sketcher) end() {
	if s.word == 0 {
		return
	}
	copy(s.window[:], s.window[1:])
	s.window[shingle-1] = s.word
	s.words++
	s.word, s.number = 0, false
	if s.words >= shingle {
		s.group(s.window[:])
	}
}

// group takes one group of words into every minimum.
func (s *sketcher) group(words []uint64) {
	h := uint64(fnvOffset)
	for _, w := range words {
		h = mix64(h ^ w)
	}
	for i, f := range functions {
		if v := f.factor*h + f.term; v < s.mins[i] {
			s.mins[i] = v
		}
	}
}

// functions are the hash functions: multiply and add, modulo 2^64, on words
// that are mixed already. It is read-only.
var functions = func() (fs [SketchSize]struct{ factor, term uint64 }) {
	for i := range fs {
		fs[i].factor, fs[i].term = mix64(2*uint64(i))|1, mix64(2*uint64(i)+1)
	}
	return fs
}()

// mix64 is the finaliser of SplitMix64.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sum is the sketch: nil for a text without words. A text of fewer words than
// a group has is one group.
func (s *sketcher) sum() []uint32 {
	if s.words == 0 {
		return nil
	}
	if s.words < shingle {
		s.group(s.window[shingle-s.words:])
	}
	out := make([]uint32, SketchSize)
	for i, v := range s.mins {
		out[i] = uint32(v >> 32)
	}
	return out
}
