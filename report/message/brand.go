package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// imitates are the words between a page and the brand it imitates, in lower
// case: what follows, up to the end of the clause, is the brand. A marker that
// ends in "…" has the brand in front of the word after it.
var imitates = []struct{ before, after string }{
	{"imitates ", ""}, {"imitating ", ""}, {"impersonates ", ""}, {"impersonating ", ""}, {"impersonation of ", ""}, {"pretends to be ", ""}, {"pretending to be ", ""},
	{"poses as ", ""}, {"posing as ", ""}, {"masquerades as ", ""}, {"masquerading as ", ""}, {"phishing against ", ""}, {"phishing for customers of ", ""}, {"targets customers of ", ""}, {"targeting customers of ", ""},
	{"target brand: ", ""}, {"targeted brand: ", ""}, {"target: ", ""}, {"brand: ", ""}, {"brand imitated: ", ""}, {"marke: ", ""}, {"marque : ", ""}, {"marque: ", ""}, {"marca: ", ""},
	{"gibt sich als ", " aus"}, {"ahmt ", " nach"}, {"imitiert ", ""}, {"se fait passer pour ", ""}, {"usurpe l'identité de ", ""}, {"imite ", ""},
	{"se hace pasar por ", ""}, {"suplanta a ", ""}, {"imita a ", ""}, {"faz-se passar por ", ""}, {"se faz passar por ", ""}, {"si spaccia per ", ""}, {"doet zich voor als ", ""}, {"utger sig för att vara ", ""}, {"udgiver sig for at være ", ""}, {"podszywa się pod ", ""},
	{"выдает себя за ", ""}, {"выдаёт себя за ", ""}, {"имитирует ", ""},
	{"冒充", ""}, {"假冒", ""}, {"仿冒", ""}, {"なりすまし対象:", ""}, {"사칭 대상:", ""},
}

// maxBrand is the longest name taken for a brand, in letters.
const maxBrand = 60

// brandOf is the brand that the reporter's own words say is imitated; "" where
// they name none plainly.
func brandOf(own string) string {
	low := strings.ToLower(own)
	if len(low) != len(own) { // lower case of other length: places would not match
		own = low
	}
	best, at := "", len(low)
	for _, m := range imitates {
		i := strings.Index(low, m.before)
		if i < 0 || i >= at || i > 0 && m.before[0] < utf8.RuneSelf && wordBefore(low, i) {
			continue
		}
		if b := clause(own[i+len(m.before):], m.after); b != "" {
			best, at = b, i
		}
	}
	return best
}

func wordBefore(s string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// clause is the text up to the end of the clause, if it can be a name.
func clause(s, after string) string {
	end := strings.IndexAny(s, "\n\r;!?\"<>()[]{}“”„«»。！？，、")
	if end < 0 {
		end = len(s)
	}
	s = s[:end]
	if after != "" {
		i := strings.Index(strings.ToLower(s), after)
		if i < 0 {
			return ""
		}
		s = s[:i]
	}
	for _, stop := range []string{". ", ", ", " and ", " but ", " at http", " at hxxp", " on http", " und ", " et ", " y ", " e "} {
		if i := strings.Index(s, stop); i >= 0 {
			s = s[:i]
		}
	}
	s = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(s), ".,:"))
	for _, article := range []string{"the ", "a ", "an ", "our ", "die ", "der ", "das ", "la ", "le ", "les ", "el ", "los ", "o ", "il "} {
		if len(s) > len(article) && strings.EqualFold(s[:len(article)], article) {
			s = s[len(article):]
			break
		}
	}
	// "a bank", "customers": no name. A name has a capital letter or is in a
	// script without them.
	named := false
	for _, r := range s {
		if unicode.IsUpper(r) || unicode.Is(unicode.Han, r) || unicode.Is(unicode.Katakana, r) || unicode.Is(unicode.Hangul, r) {
			named = true
		}
	}
	if n := utf8.RuneCountInString(s); !named || n < 2 || n > maxBrand || strings.Contains(s, "://") || strings.Count(s, " ") > 5 {
		return ""
	}
	return s
}
