package judge

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are single letters that are drawn like a Latin one. It is a short
// list for words on pages and in labels, not UTS 39: it holds the letters of
// other scripts that are used to write a brand's name so that people misread
// it.
var lookalikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ё': 'e', 'һ': 'h', 'і': 'i', 'ї': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm',
	'н': 'h', 'о': 'o', 'р': 'p', 'ԛ': 'q', 'г': 'r', 'ѕ': 's', 'т': 't', 'у': 'y', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x', 'ь': 'b', 'з': '3',
	'α': 'a', 'β': 'b', 'ε': 'e', 'η': 'n', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ω': 'w', 'γ': 'y',
	'ı': 'i', 'ł': 'l', 'ø': 'o', 'đ': 'd', 'ħ': 'h', 'ŧ': 't', 'ŀ': 'l', 'ƚ': 'l', 'ɑ': 'a', 'ɡ': 'g', 'ɩ': 'i', 'ո': 'n', 'օ': 'o', 'ս': 'u', 'հ': 'h',
}

// fold brings text to one form for comparing: compatibility decomposition,
// marks dropped, lower case, look-alike letters as Latin ones, white space
// and invisible characters as single blanks.
func fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return foldASCII(s)
	}
	s = norm.NFKD.String(s)
	var b strings.Builder
	b.Grow(len(s))
	blank := true // so that leading white space goes
	for _, r := range s {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		if r <= ' ' || unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError {
			if !blank {
				b.WriteByte(' ')
				blank = true
			}
			continue
		}
		blank = false
		r = unicode.ToLower(r)
		switch r {
		case '’', '‘', 'ʼ', '`', '´':
			r = '\''
		case '–', '—', '‐', '‑':
			r = '-'
		case 'ß':
			b.WriteString("ss")
			continue
		}
		if l, ok := lookalikes[r]; ok {
			r = l
		}
		b.WriteRune(r)
	}
	return strings.TrimSuffix(b.String(), " ")
}

// foldASCII is fold for text without a character outside ASCII.
func foldASCII(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f:
			if n := len(b); n > 0 && b[n-1] != ' ' {
				b = append(b, ' ')
			}
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c == '`':
			b = append(b, '\'')
		default:
			b = append(b, c)
		}
	}
	if n := len(b); n > 0 && b[n-1] == ' ' {
		b = b[:n-1]
	}
	return string(b)
}

// compact keeps only the letters and digits of folded text.
func compact(folded string) string {
	var b strings.Builder
	b.Grow(len(folded))
	for _, r := range folded {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// skeleton maps what is misread in a host name, which is all lower case, to
// one form: digits for letters, i and l and 1, rn and m, vv and w, cl and d.
func skeleton(s string) string {
	return skeletons.Replace(s)
}

var skeletons = strings.NewReplacer(
	"rn", "m", "vv", "w", "cl", "d",
	"0", "o", "1", "l", "i", "l", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "9", "g",
)

// near says whether a and b are at most limit edits apart, where an edit
// inserts, deletes or changes one letter or swaps two neighbours (the optimal
// string alignment distance). Both are folded; limit is small.
func near(a, b string, limit int) bool {
	if len(a) > 63 || len(b) > 63 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return false
	}
	var rows [3][64]int
	two, one, row := rows[0][:], rows[1][:], rows[2][:]
	for j := range len(b) + 1 {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, two[j-2]+1)
			}
			row[j] = d
			best = min(best, d)
		}
		if best > limit {
			return false
		}
		two, one, row = one, row, two
	}
	return one[len(b)] <= limit
}

// has says whether word stands in text as a word of its own: letters or
// digits of the same run do not continue it. In scripts written without
// blanks, and for words with a letter outside ASCII at the edge, any place
// counts.
func has(text, word string) bool { return indexWord(text, word, 0) >= 0 }

// indexWord finds the first such place at or after from, or -1.
func indexWord(text, word string, from int) int {
	if word == "" {
		return -1
	}
	for from <= len(text)-len(word) {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if !joined(text, i, word[0], true) && !joined(text, i+len(word), word[len(word)-1], false) {
			return i
		}
		from = i + 1
	}
	return -1
}

// joined says whether the character before (or at) position i continues a
// word whose edge is the octet edge.
func joined(text string, i int, edge byte, before bool) bool {
	if edge >= utf8.RuneSelf || !alnum(edge) {
		return false
	}
	if before {
		return i > 0 && alnum(text[i-1])
	}
	return i < len(text) && alnum(text[i])
}

func alnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// begins says whether phrase stands in text at the beginning of a word.
func begins(text, phrase string) bool {
	for from := 0; from <= len(text)-len(phrase); {
		i := strings.Index(text[from:], phrase)
		if i < 0 {
			return false
		}
		i += from
		if !joined(text, i, phrase[0], true) {
			return true
		}
		from = i + 1
	}
	return false
}

// contains says whether one of the phrases stands in text so.
func contains(text string, phrases []string) bool {
	return slices.ContainsFunc(phrases, func(p string) bool { return begins(text, p) })
}

// grams is the set of three-octet groups of a text, by hash: a phrase whose
// first or last group is not in it is not in the text. It saves most searches,
// and says nothing else.
type grams [128]uint64

func gramsOf(text string) *grams {
	var g grams
	for i := 0; i+3 <= len(text); i++ {
		h := gram(text[i:])
		g[h>>6] |= 1 << (h & 63)
	}
	return &g
}

func gram(s string) uint32 {
	return (uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])) * 2654435761 >> 19
}

func (g *grams) may(phrase string) bool {
	n := len(phrase)
	if n < 3 {
		return true
	}
	a, b := gram(phrase), gram(phrase[n-3:])
	return g[a>>6]&(1<<(a&63)) != 0 && g[b>>6]&(1<<(b&63)) != 0
}

// clean makes outside text fit to stand in a reason: no control characters,
// at most n octets, cut between characters.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// bounded cuts s to n octets between characters, so that a page never costs
// more than its bound even when the reader of pages sent more.
func bounded(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
