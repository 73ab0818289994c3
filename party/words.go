package party

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"bailiwick/name"
)

// maxName bounds a party's name, in runes: it comes from outside.
const maxName = 120

// slug makes an identifier part of a name: its letters and digits in lower
// case, everything else one hyphen. A name that is too long or has no letters
// gets a digest, so that two names never share an identifier by accident.
func slug(s string) string {
	w := strings.Join(words(s), "-")
	const most = 60
	if w != "" && len(w) <= most {
		return w
	}
	sum := sha256.Sum256([]byte(s))
	d := hex.EncodeToString(sum[:5])
	if w == "" {
		return d
	}
	cut := 0
	for i := range w {
		if i > most-11 {
			break
		}
		cut = i
	}
	return w[:cut] + "-" + d
}

// words are the runs of letters and digits of s, in lower case.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// A brand is a name to be recognised: its words in order.
type brand struct {
	text  string // as configured
	words []string
	// joined is the words without spaces, as a domain label writes them.
	joined string
	// dense: written in a script without spaces between words.
	dense bool
}

// The shortest brands that are looked for, in runes. A short word stands by
// itself in too many innocent names and sentences.
const (
	shortestWord  = 3 // a whole word of a name or a claim
	shortestText  = 4 // in a page's words
	shortestAffix = 6 // as the beginning or end of a longer word
	shortestDense = 3 // inside a run of Han, Thai and so on
)

func newBrand(s string) brand {
	w := words(s)
	b := brand{text: s, words: w, joined: strings.Join(w, "")}
	for _, r := range b.joined {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) {
			b.dense = true
		}
	}
	return b
}

func (b brand) length() int { return len([]rune(b.joined)) }

// inText finds the brand's words, in order and whole, in prose.
func (b brand) inText(s string, shortest int) bool {
	if b.dense {
		return b.length() >= shortestDense && strings.Contains(strings.Join(words(s), ""), b.joined)
	}
	if b.length() < shortest {
		return false
	}
	return containsRun(words(s), b.words)
}

// inName finds the brand in a domain name's labels left of its suffix: as
// whole words between hyphens, joined or not, or, if long enough, as the
// beginning or end of one.
func (b brand) inName(d name.Domain, suffix name.Domain) bool {
	if b.length() < shortestWord {
		return false
	}
	left := strings.TrimSuffix(d.Unicode(), "."+suffix.Unicode())
	for label := range strings.SplitSeq(left, ".") {
		tokens := words(label)
		if b.dense && b.length() >= shortestDense && strings.Contains(strings.Join(tokens, ""), b.joined) {
			return true
		}
		if containsRun(tokens, b.words) || slices.Contains(tokens, b.joined) {
			return true
		}
		if b.length() >= shortestAffix && slices.ContainsFunc(tokens, func(t string) bool {
			return strings.HasPrefix(t, b.joined) || strings.HasSuffix(t, b.joined)
		}) {
			return true
		}
	}
	return false
}

// containsRun says whether want stands in have as one run.
func containsRun(have, want []string) bool {
	if len(want) == 0 {
		return false
	}
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+len(want)], want) {
			return true
		}
	}
	return false
}
