package mail

// Words finds which words of a fixed set occur in a text, in one pass over it:
// readers of mail look for many words, and a pass for each would take most of
// their time. It is safe for concurrent use.
type Words struct {
	words []string
	first [1 << 12]uint16 // by the hash of three octets: the first word, counted from 1
	next  []uint16        // the next word of the same hash
}

// NewWords makes a set of words of three octets or more; shorter ones, which
// occur everywhere, are never found.
func NewWords(words ...string) *Words {
	w := &Words{words: words, next: make([]uint16, len(words))}
	for i := len(words) - 1; i >= 0; i-- {
		if s := words[i]; len(s) >= 3 {
			h := hash3(s[0], s[1], s[2])
			w.next[i] = w.first[h]
			w.first[h] = uint16(i + 1)
		}
	}
	return w
}

func hash3(a, b, c byte) uint16 {
	return (uint16(a) ^ uint16(b)<<4 ^ uint16(c)<<7 ^ uint16(c)>>1) & (1<<12 - 1)
}

// Each calls found with the number of each word at each place where it begins
// in s, until found says false. Case counts.
func (w *Words) Each(s string, found func(word, at int) bool) {
	for i := 0; i+3 <= len(s); i++ {
		for n := w.first[hash3(s[i], s[i+1], s[i+2])]; n != 0; n = w.next[n-1] {
			word := w.words[n-1]
			if len(s)-i >= len(word) && s[i:i+len(word)] == word && !found(int(n-1), i) {
				return
			}
		}
	}
}

// In is the word of the set that occurs first in s, or "".
func (w *Words) In(s string) string {
	out := ""
	w.Each(s, func(word, _ int) bool {
		out = w.words[word]
		return false
	})
	return out
}
