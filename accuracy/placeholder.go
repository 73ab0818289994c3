package accuracy

import (
	_ "embed"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"bailiwick/registration"
)

//go:embed data/placeholders.tsv
var placeholderFile string

// placeholders are the phrases and words of data/placeholders.tsv, folded.
var placeholders = sync.OnceValue(func() (t struct {
	phrase map[string]string // kind by whole value
	word   map[string]bool   // true: enough by itself; false: only beside one that is
}) {
	t.phrase, t.word = map[string]string{}, map[string]bool{}
	for line := range strings.Lines(placeholderFile) {
		kind, phrases, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || kind[0] == '#' {
			continue
		}
		for p := range strings.SplitSeq(phrases, "|") {
			key := readName(p).key
			switch kind {
			case "word":
				t.word[key] = true
			case "beside":
				t.word[key] = false
			default:
				t.phrase[key] = kind
			}
		}
	}
	return t
})

// placeholder is N4.
func placeholder(in *input, t *nameText) outcome {
	p := placeholders()
	kind := p.phrase[t.key]
	if kind == "" && len(t.key) <= 64 {
		strong := false
		for w := range t.words() {
			s, ok := p.word[w]
			if !ok {
				return pass
			}
			strong = strong || s
		}
		if !strong {
			return pass
		}
		kind = "test"
	}
	switch {
	case kind == "":
		return pass
	case kind == "person":
		if t.org || in.field == "organization" {
			return pass
		}
		return warn("test", "")
	case kind == "role" && (in.role != registration.Registrant || t.org || !blank(in.contact.Organization) && in.field == "name"):
		return pass // a function of a named organisation, or of a contact that is one
	}
	return warn(kind, "")
}

// generated is N5.
func generated(in *input, t *nameText) outcome {
	if strings.Contains(in.value, "://") || strings.Contains(in.value, "@") {
		return pass // for the check of content
	}
	if r := looksTyped(t, in.field == "organization"); r != "" {
		return warn(r, "")
	}
	return pass
}

// looksTyped gives the reason for which a name looks typed at random, "" when
// none. Names of organisations are often invented, or initials: of them, words of
// capitals beside words that are not are looked at for rows of keys only.
func looksTyped(t *nameText, org bool) string {
	org = org || t.org
	i := -1
	for w := range t.words() {
		if i++; w == "" {
			continue
		}
		initials := org && t.lower && i < 64 && t.capital&(1<<i) != 0
		if keyboardRun(w) {
			return "keyboard"
		}
		if initials {
			continue
		}
		if repeats(w, org) {
			return "repeated"
		}
		if !(t.digits > 0 && hasDigit(w)) && noVowel(w) && !(org && (len(w) < 8 || !t.lower)) {
			return "no-vowel"
		}
	}
	if t.count[hangul] > 0 && looseJamo(t.key) {
		return "fragments"
	}
	if score, n := t.likelihood(org); n > 0 {
		m := &models()[t.main]
		least := m.limit[bucket(n)]
		if org {
			least = m.floor[bucket(n)]
		}
		if score < least {
			return "unlikely"
		}
	}
	return ""
}

// rows are the letters of keyboards side by side, and last the alphabet.
var rows = [...]string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ", "ضصثقفغعهخحجد", "شسيبلاتنمكط",
	"שדגכעיחלךף", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ", "abcdefghijklmnopqrstuvwxyz"}

// beside gives, for two keys, the rows on which the second follows the first:
// bit 2n forwards and bit 2n+1 backwards on row n.
var beside = func() map[[2]rune]uint64 {
	m := map[[2]rune]uint64{}
	for row, letters := range rows {
		keys := []rune(letters)
		for i := range len(keys) - 1 {
			m[[2]rune{keys[i], keys[i+1]}] |= 1 << (2 * row)
			m[[2]rune{keys[i+1], keys[i]}] |= 1 << (2*row + 1)
		}
	}
	return m
}()

// besideASCII is beside for small ASCII letters, which nearly every letter is.
var besideASCII = func() (t [26][26]uint64) {
	for pair, rows := range beside {
		if a, b := pair[0]-'a', pair[1]-'a'; a >= 0 && a < 26 && b >= 0 && b < 26 {
			t[a][b] = rows
		}
	}
	return t
}()

// besideAt is beside, and nothing for keys that are on no row together.
func besideAt(a, b rune) uint64 {
	if a-'a' < 26 && b-'a' < 26 && a >= 'a' && b >= 'a' {
		return besideASCII[a-'a'][b-'a']
	}
	if a < 0x80 && b < 0x80 {
		return 0 // figures are no matter of names
	}
	return beside[[2]rune{a, b}]
}

// ofAlphabet are the bits of the alphabet: "rstu" and "mnop" are parts of
// names, so of it only longer runs count.
const ofAlphabet = 3 << (2 * (len(rows) - 1))

// keyboardRun says whether a word has five keys side by side (six of the
// alphabet), or four where no vowel is among them or a row begins: "wert" and
// "rewt" are parts of names. A word of two equal parts of three keys ("asdasd")
// is one too.
func keyboardRun(w string) bool {
	if len(w) < 4 {
		return false
	}
	var run [5]uint64 // rows on which the last two, three … six keys run
	prev := rune(-1)
	for i, r := range w {
		m := besideAt(prev, r)
		prev = r
		if m == 0 {
			run = [5]uint64{}
			continue
		}
		run = [5]uint64{m, run[0] & m, run[1] & m, run[2] & m, run[3] & m}
		if run[1] == 0 {
			continue
		}
		if run[4] != 0 || run[3]&^ofAlphabet != 0 {
			return true
		}
		end := w[:i+utf8.RuneLen(r)]
		if run[2]&^ofAlphabet != 0 {
			if four := backRunes(end, 4); !hasVowel(four) || rowBegins(four) {
				return true
			}
		}
		if run[1]&^ofAlphabet != 0 {
			if six := backRunes(end, 6); utf8.RuneCountInString(six) == 6 && len(six)%2 == 0 && six[:len(six)/2] == six[len(six)/2:] {
				return true
			}
		}
	}
	return false
}

// rowBegins says whether a run of keys begins a row, or ends there backwards.
func rowBegins(run string) bool {
	keys := []rune(run)
	slices.Reverse(keys)
	back := string(keys)
	for _, row := range rows[:len(rows)-1] {
		if strings.HasPrefix(row, run) || strings.HasPrefix(row, back) {
			return true
		}
	}
	return false
}

// backRunes are the last n runes of s.
func backRunes(s string, n int) string {
	at := len(s)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return s[at:]
}

// repeats says whether a letter stands four times in a row, a word is of one
// letter ("xxx"; in an organisation, "AAA" is a name), or of one part of two
// or three letters at least three times.
func repeats(w string, org bool) bool {
	if w[0] >= '0' && w[0] <= '9' {
		return false
	}
	var prev rune
	run, longest, n := 0, 0, 0
	for _, r := range w {
		if r == prev {
			run++
		} else {
			run, prev = 1, r
		}
		longest = max(longest, run)
		n++
	}
	switch {
	case prev == 'ー' || prev == 'i' && n == 3: // a long vowel; "III"
		return false
	case longest >= 4:
		return true
	case n >= 3 && longest == n:
		return !org && prev != 'w'
	case n < 6 || org:
		return false
	}
	for part := 2; part <= 3; part++ {
		if n%part != 0 || n/part < 3 || len(w)%(n/part) != 0 {
			continue
		}
		size := len(w) / (n / part)
		if strings.Repeat(w[:size], n/part) == w {
			return true
		}
	}
	return false
}

func hasVowel(s string) bool {
	return strings.ContainsAny(s, "aeiouyаеёиоуыэюяіїєαεηιουω")
}

// noVowel says whether a word of six letters or more in an alphabet that writes
// vowels has none.
func noVowel(w string) bool {
	if len(w) < 6 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(w)
	switch scriptOf(r) {
	case latin, cyrillic, greek:
		return (r < 128 || utf8.RuneCountInString(w) >= 6) && !hasVowel(w)
	}
	return false
}

// looseJamo says whether a text has a part of a syllable by itself.
func looseJamo(s string) bool {
	for _, r := range s {
		if r >= 0x3131 && r <= 0x318E {
			return true
		}
	}
	return false
}

//go:embed data/training.txt
var trainingFile string

// minTraining is how many words a model needs.
const minTraining = 40

// minCultures is how many cultures make it worth while to hold each out.
const minCultures = 5

// minPairs is how many pairs of letters a judgement needs.
const minPairs = 6

// model is the likelihood of letters after one another in the names of a
// script, and how unlikely the least likely in a hundred of them are.
type model struct {
	first rune // of the alphabet
	index []uint8
	n     int       // letters, and the border of a word as 0
	logp  []float32 // log2 of the likelihood of column after row
	words []string
	// fold is the number of the culture that a word was listed under.
	fold  []int
	folds int
	// limit is the first percentile of the mean likelihood of names held out of
	// training, by the number of pairs: under 9, under 14, more. floor is the
	// least of all, for organisations, whose names are often invented.
	limit, floor [3]float64
}

// alphabets are where the letters of each modelled script lie. Scripts of
// syllables or of thousands of signs have no model.
var alphabets = [scripts][2]rune{latin: {'a', 'z'}, cyrillic: {0x430, 0x52F}, greek: {0x3B1, 0x3CE}, arabic: {0x621, 0x6D5},
	hebrew: {0x5D0, 0x5EA}, devanagari: {0x900, 0x97F}}

// models are trained when first asked for.
var models = sync.OnceValue(func() *[scripts]model { return train(trainingFile) })

// train makes the models from lines of "culture: words".
func train(file string) *[scripts]model {
	var out [scripts]model
	seen := map[string]bool{}
	for line := range strings.Lines(file) {
		_, words, ok := strings.Cut(line, ":")
		if !ok || line[0] == '#' {
			continue
		}
		var had [scripts]bool
		for w := range strings.FieldsSeq(words) {
			t := readName(w)
			if alphabets[t.main][1] == 0 || seen[t.key] {
				continue
			}
			seen[t.key] = true
			m := &out[t.main]
			if !had[t.main] {
				had[t.main] = true
				m.folds++
			}
			m.words, m.fold = append(m.words, t.key), append(m.fold, m.folds-1)
		}
	}
	for s := range out {
		m := &out[s]
		if len(m.words) < minTraining {
			*m = model{}
			continue
		}
		if m.folds < minCultures {
			m.folds = 10
			for i := range m.fold {
				m.fold[i] = i % 10
			}
		}
		m.first = alphabets[s][0]
		m.index = make([]uint8, alphabets[s][1]-m.first+1)
		m.n = 1
		for _, w := range m.words {
			for _, r := range w {
				if i := r - m.first; i >= 0 && int(i) < len(m.index) && m.index[i] == 0 {
					m.index[i] = uint8(m.n)
					m.n++
				}
			}
		}
		m.logp = make([]float32, m.n*m.n)
		m.calibrate()
		m.fit(-1)
	}
	return &out
}

// at is the number of a letter; ok is false when training never saw it.
func (m *model) at(r rune) (int, bool) {
	i := r - m.first
	if i < 0 || int(i) >= len(m.index) || m.index[i] == 0 {
		return 0, false
	}
	return int(m.index[i]), true
}

// fit counts the pairs in the words but those of a fold, and smooths them (add
// a half).
func (m *model) fit(without int) {
	counts := make([]float64, m.n*m.n)
	for i, w := range m.words {
		if m.fold[i] == without {
			continue
		}
		prev := 0
		for _, r := range w {
			c, ok := m.at(r)
			if !ok {
				continue
			}
			counts[prev*m.n+c]++
			prev = c
		}
		counts[prev*m.n]++
	}
	for a := range m.n {
		sum := 0.0
		row := counts[a*m.n : (a+1)*m.n]
		for _, c := range row {
			sum += c + 0.5
		}
		for b, c := range row {
			m.logp[a*m.n+b] = float32(math.Log2((c + 0.5) / sum))
		}
	}
}

// calibrate sets the limits: each word, alone and with another as a name of two,
// is scored by a model that has not seen its culture (or, where there are few
// cultures, a tenth of the words). So a culture that the list leaves out is
// judged about as those in it are.
func (m *model) calibrate() {
	var scores [len(m.limit)][]float64
	for f := range m.folds {
		m.fit(f)
		var words []string
		for i, w := range m.words {
			if m.fold[i] == f {
				words = append(words, w)
			}
		}
		for i, w := range words {
			s, n := m.score(w)
			if n >= minPairs {
				scores[bucket(n)] = append(scores[bucket(n)], s/float64(n))
			}
			for _, step := range [...]int{1, 3, 7} {
				s2, n2 := m.score(words[(i+step)%len(words)])
				if n+n2 >= minPairs {
					scores[bucket(n+n2)] = append(scores[bucket(n+n2)], (s+s2)/float64(n+n2))
				}
			}
		}
	}
	for b, s := range scores {
		slices.Sort(s)
		m.limit[b], m.floor[b] = math.Inf(-1), math.Inf(-1)
		if len(s) >= minTraining {
			m.limit[b], m.floor[b] = s[len(s)/100], s[0]
		}
	}
}

func bucket(pairs int) int {
	switch {
	case pairs < 9:
		return 0
	case pairs < 14:
		return 1
	}
	return 2
}

// score is the log-likelihood of a word and the number of its pairs. Letters
// that training never saw are passed over: that they are rare is our ignorance.
func (m *model) score(w string) (sum float64, pairs int) {
	prev := 0
	for _, r := range w {
		c, ok := m.at(r)
		if !ok {
			prev = -1
			continue
		}
		if prev >= 0 {
			sum += float64(m.logp[prev*m.n+c])
			pairs++
		}
		prev = c
	}
	if prev > 0 {
		sum += float64(m.logp[prev*m.n])
		pairs++
	}
	return sum, pairs
}

// likelihood is the mean log-likelihood of the letter pairs of a name; n is 0
// where it is too short to say or its script has no model.
func (t *nameText) likelihood(org bool) (mean float64, n int) {
	m := &models()[t.main]
	if m.n == 0 {
		return 0, 0
	}
	sum, i := 0.0, -1
	for w := range t.words() {
		i++
		switch {
		case len(w) < 2, t.digits > 0 && hasDigit(w): // an initial, a number, a code
			continue
		case org && (len(w) <= 4 || !t.lower && len(w) <= 6 || i < 64 && t.lower && t.capital&(1<<i) != 0 || legalForm(w)):
			continue
		}
		s, p := m.score(w)
		sum += s
		n += p
	}
	if n < minPairs {
		return 0, 0
	}
	return sum / float64(n), n
}
