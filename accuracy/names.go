package accuracy

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/registration"

	"golang.org/x/text/unicode/norm"
)

// script is a writing system, as far as the checks tell them apart.
type script uint8

const (
	noScript script = iota
	latin
	cyrillic
	greek
	arabic
	hebrew
	devanagari
	armenian
	georgian
	han
	kana
	hangul
	thai       // and Lao, Khmer, Myanmar: no spaces between words
	otherWords // any other with spaces between words
	scripts
)

// String is the English name of the script.
func (s script) String() string {
	return [scripts + 1]string{"no script", "Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Armenian", "Georgian",
		"Han", "Kana", "Hangul", "Thai, Lao, Khmer, Myanmar", "another", "?"}[min(s, scripts)]
}

// alphabet says whether words of the script hold letters of no other: between
// two of these a mixture within a word is what look-alikes are made of. Han,
// kana, hangul and Thai stand beside Latin letters without a space.
func (s script) alphabet() bool {
	switch s {
	case latin, cyrillic, greek, arabic, hebrew, armenian, georgian:
		return true
	}
	return false
}

// scriptOf is the script of a letter or mark, by its block.
func scriptOf(r rune) script {
	switch {
	case r < 0x80:
		if r|0x20 >= 'a' && r|0x20 <= 'z' {
			return latin
		}
		return noScript
	case r < 0x250, r >= 0x1E00 && r < 0x1F00, r >= 0x250 && r < 0x2B0, r >= 0xFF21 && r <= 0xFF5A:
		if r == '×' || r == '÷' || r < 0xC0 && r != 'ª' && r != 'º' || !unicode.IsLetter(r) {
			return noScript
		}
		return latin
	case r >= 0x370 && r < 0x400, r >= 0x1F00 && r < 0x2000:
		return letterOf(r, greek)
	case r >= 0x400 && r < 0x530, r >= 0x1C80 && r < 0x1C90, r >= 0xA640 && r < 0xA6A0:
		return letterOf(r, cyrillic)
	case r >= 0x530 && r < 0x590:
		return letterOf(r, armenian)
	case r >= 0x590 && r < 0x600:
		return letterOf(r, hebrew)
	case r >= 0x600 && r < 0x780, r >= 0x8A0 && r < 0x900, r >= 0xFB50 && r < 0xFE00, r >= 0xFE70 && r < 0xFEFF:
		return letterOf(r, arabic)
	case r >= 0x900 && r < 0x980:
		return letterOf(r, devanagari)
	case r >= 0xE00 && r < 0xF00, r >= 0x1000 && r < 0x10A0, r >= 0x1780 && r < 0x1800:
		return letterOf(r, thai)
	case r >= 0x10A0 && r < 0x1100, r >= 0x1C90 && r < 0x1CC0:
		return letterOf(r, georgian)
	case r >= 0x3040 && r < 0x3100, r >= 0x31F0 && r < 0x3200, r >= 0xFF66 && r < 0xFFA0:
		return letterOf(r, kana)
	case r >= 0x1100 && r < 0x1200, r >= 0x3130 && r < 0x3190, r >= 0xAC00 && r < 0xD7FC:
		return letterOf(r, hangul)
	case r == '々', r == '〇', r >= 0x3400 && r < 0xA000, r >= 0xF900 && r < 0xFB00, r >= 0x20000 && r < 0x33000:
		return letterOf(r, han)
	}
	return letterOf(r, otherWords)
}

func letterOf(r rune, s script) script {
	if unicode.IsLetter(r) || unicode.IsMark(r) || r == '〇' {
		return s
	}
	return noScript
}

// maxName is how many runes of a name are looked at. RFC 5733 allows 255.
const maxName = 300

// nameText is a name or an organisation as the checks see it. It is made once
// for each value.
type nameText struct {
	// key is the value in lower case, Latin and Greek letters without their
	// accents, everything but letters and digits as one space.
	key     string
	letters int // and marks
	count   [scripts]uint16
	digits  int
	mixed   bool   // a word holds letters of two alphabets
	capital uint64 // which of the first 64 words of key are all capitals
	lower   bool   // there is a small letter
	main    script // that of most letters
	marker  bool   // it has a word that privacy services use
	// withheld is what the words say; kept with the rest because five checks ask.
	withheld registration.FieldState
	org      bool // it holds a legal form ("GmbH"): an organisation, whatever the field
}

// readName makes a nameText.
func readName(value string) (t nameText) {
	if strings.IndexByte(value, 0xCC) >= 0 && len(value) <= maxValue {
		value = norm.NFC.String(value) // U+0300 to U+033F: "й" in two parts is a letter of its own
	}
	var stack [128]byte
	b := stack[:0]
	var (
		runes    int
		word     int  // number of the word being read
		inWord   bool // key
		capital  bool // the word so far is of capitals
		alphabet script
	)
	for _, r := range value {
		if runes++; runes > maxName {
			break
		}
		if r == '\'' || r == '’' || r == 'ʼ' || r == 'ʻ' || r == '`' || r >= 0x300 && r < 0x370 || r == 0x200C || r == 0x200D {
			continue // within a word: O'Brien, an accent of its own, a joiner
		}
		s := scriptOf(r)
		digit := s == noScript && unicode.IsDigit(r)
		if s == noScript && !digit {
			// A word of marks alone may have left nothing.
			if n := len(b); inWord && n > 0 && b[n-1] != ' ' {
				b = append(b, ' ')
				if capital && word < 64 {
					t.capital |= 1 << word
				}
				word++
			}
			inWord, alphabet = false, noScript
			continue
		}
		if !inWord {
			inWord, capital = true, true
		}
		if digit {
			t.digits++
			alphabet = noScript
			if r < 0x80 {
				b = append(b, byte(r))
			} else {
				b = utf8.AppendRune(b, r)
			}
			continue
		}
		t.letters++
		t.count[s]++
		if s.alphabet() {
			if alphabet != noScript && alphabet != s {
				t.mixed = true
			}
			alphabet = s
		} else {
			alphabet = noScript
		}
		if r < 0x80 {
			if r >= 'a' {
				t.lower, capital = true, false
			}
			b = append(b, byte(r|0x20))
			continue
		}
		if low := unicode.ToLower(r); low != r {
			r = low
		} else {
			capital = false
			t.lower = t.lower || unicode.IsLower(r)
		}
		b = appendFolded(b, r, s)
	}
	if inWord && capital && word < 64 {
		t.capital |= 1 << word
	}
	if n := len(b); n > 0 && b[n-1] == ' ' {
		b = b[:n-1]
	}
	t.key = string(b)
	for s, n := range t.count {
		if n > t.count[t.main] {
			t.main = script(s)
		}
	}
	for w := range t.words() {
		t.org = t.org || legalForm(w)
		t.marker = t.marker || markerWord(w)
	}
	if t.count[han] > 0 || t.count[kana] > 0 {
		for _, p := range [...]string{"隐私", "隱私", "プライバシー", "代理公開"} {
			t.marker = t.marker || strings.Contains(t.key, p)
		}
	}
	if !t.org && len(t.key) > 4 { // "S.L." at the end
		end := len(t.key)
		for end >= 2 && t.key[end-2] == ' ' {
			end -= 2
		}
		if end < len(t.key)-2 {
			t.org = legalForm(strings.ReplaceAll(t.key[end:], " ", ""))
		}
	}
	t.org = t.org || t.count[han] > 0 && (strings.Contains(t.key, "公司") || strings.Contains(t.key, "会社") || strings.Contains(t.key, "會社"))
	return t
}

// appendFolded appends a small letter without its accents.
func appendFolded(b []byte, r rune, s script) []byte {
	switch {
	case r < foldEnd && s == latin || s == greek && r < 0x400:
		return append(b, folds[r]...)
	case s == latin || s == greek:
		var buf [utf8.UTFMax]byte
		d := norm.NFKD.Bytes(buf[:utf8.EncodeRune(buf[:], r)])
		base, _ := utf8.DecodeRune(d)
		return utf8.AppendRune(b, unicode.ToLower(base))
	case s == arabic:
		switch r {
		case 'أ', 'إ', 'آ', 'ٱ':
			r = 'ا'
		case 'ى', 'ی':
			r = 'ي'
		case 'ک':
			r = 'ك'
		}
		if r == 'ـ' || unicode.IsMark(r) {
			return b
		}
	}
	return utf8.AppendRune(b, r)
}

// foldEnd is where folds ends.
const foldEnd = 0x400

// folds are the small Latin and Greek letters without accents.
var folds = func() (t [foldEnd]string) {
	special := map[rune]string{'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ı': "i", 'ħ': "h",
		'ŋ': "n", 'ə': "e", 'ƶ': "z", 'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ơ': "o", 'ư': "u", 'ς': "σ"}
	for r := range rune(foldEnd) {
		if s, ok := special[r]; ok {
			t[r] = s
			continue
		}
		base, _ := utf8.DecodeRuneInString(norm.NFKD.String(string(r)))
		t[r] = string(unicode.ToLower(base))
	}
	return t
}()

// words gives the words of key.
func (t *nameText) words() iter.Seq[string] { return strings.SplitSeq(t.key, " ") }

// legalForm says whether a folded word is the legal form of a company.
func legalForm(w string) bool {
	switch w {
	case "gmbh", "ag", "kg", "ohg", "ug", "ev", "mbh", "inc", "incorporated", "corp", "corporation", "llc", "llp", "ltd", "limited", "plc",
		"pty", "pte", "pvt", "sarl", "sas", "sasu", "eurl", "srl", "spa", "snc", "sl", "slu", "lda", "ltda", "eireli", "bv", "nv", "vof",
		"sa", "se", "vzw", "asbl", "ab", "oy", "oyj", "aps", "as", "asa", "ehf", "hf", "ou", "sia", "uab", "sro", "doo", "dd", "ood", "eood", "ad", "kft", "zrt", "bt",
		"sp", "zoo", "sti", "tic", "jsc", "ooo", "zao", "pao", "fze", "fzco", "wll", "tbk", "sdn", "bhd", "kk", "gk", "company", "co",
		"foundation", "association", "university", "universite", "universidad", "universitat", "institute", "bank", "stichting", "verein", "ооо", "зао", "пао", "оао", "ао", "ип", "тов", "еоод", "оод",
		"εε", "αε", "οε", "επε", "ικε", "בעמ", "شركة", "公司", "株式会社":
		return true
	}
	return false
}

// name is the nameText of the contact's name or organisation.
func (in *input) name(field string) *nameText {
	m := &in.memo.names
	at := 0
	if field == "organization" {
		at = 1
	}
	if !m.read[at] {
		m.read[at] = true
		v := in.contact.Name
		if at == 1 {
			v = in.contact.Organization
		}
		if v != "" {
			m.text[at] = readName(v)
			m.text[at].withheld = registration.Withheld(v)
		}
	}
	return &m.text[at]
}

// namesMemo keeps what was read of a contact's name and organisation, and
// whether a proxy stands in.
type namesMemo struct {
	read    [2]bool
	text    [2]nameText
	asked   bool // for a proxy
	proxy   Provider
	proxied bool
}

// personal runs a check of a name or organisation, unless a proxy stands in or
// only words that say so are there: what a service calls itself is not data of
// the registrant.
func personal(field string, l *ProxyList, run func(in *input, t *nameText) outcome) func(*input) outcome {
	return func(in *input) outcome {
		if p, ok := in.proxyOf(l); ok {
			return untestable(Proxy, p.Name)
		}
		t := in.name(field)
		if t.withheld == registration.Redacted {
			return untestable(Redacted, "")
		}
		return run(in, t)
	}
}

// nameChecks are the checks of the form of a name, of the contact's name and of
// its organisation.
func nameChecks(l *ProxyList) []Check {
	var out []Check
	for _, f := range []struct{ id, field, word string }{{"name", "name", "name"}, {"organization", "organization", "organisation"}} {
		person := f.field == "name"
		out = append(out, Check{
			ID: f.id + ".length", Level: V1, Field: f.field, Identity: true,
			About:  "The " + f.word + " is long enough to be one in its script.",
			Source: "Nominet's data completeness check (three letters), made a rule per script: ours",
			Reasons: map[string]string{
				"no-letters": "The " + f.word + " has no letter: give the " + f.word + " as it is written.",
				"short":      "The " + f.word + " is very short for its script: give it in full, if there is more of it.",
				"long":       "The " + f.word + " is longer than the 255 characters that EPP can carry (RFC 5733 section 4).",
			},
			run: personal(f.field, l, func(in *input, t *nameText) outcome { return lengthOf(in, t, person) }),
		}, Check{
			ID: f.id + ".placeholder", Level: V1, Field: f.field, Identity: true,
			About:  "The " + f.word + " is no word that stands for none, no label of a form, no trial and no stock example.",
			Source: "data/placeholders.tsv: ours",
			Reasons: map[string]string{
				"none":    "The value says that there is none: leave the field empty or give the " + f.word + ".",
				"test":    "The value is what people type to try a form: give the " + f.word + ".",
				"form":    "The value is the label of a form's field: give the " + f.word + ".",
				"example": "The value is a stock example of forms and manuals: ask whether it is the " + f.word + ".",
				"role":    "The value names a function: say whose, in the organisation or the name.",
			},
			run: personal(f.field, l, placeholder),
		}, Check{
			ID: f.id + ".generated", Level: V1, Field: f.field, Identity: true,
			About:  "The " + f.word + " does not look typed at random.",
			Source: "letter-bigram models from data/training.txt and keyboard rows: ours",
			Reasons: map[string]string{
				"keyboard":  "The letters follow a row of the keyboard: ask whether this is the " + f.word + ".",
				"repeated":  "The same letters are repeated: ask whether this is the " + f.word + ".",
				"no-vowel":  "A long word has no vowel: ask whether this is the " + f.word + ".",
				"unlikely":  "The letters follow one another as in under one name in a hundred of those the model knows: ask whether this is the " + f.word + ". The model knows few cultures well, so this is a question and no finding.",
				"fragments": "The value has loose parts of syllables (jamo): ask whether this is the " + f.word + ".",
			},
			run: personal(f.field, l, generated),
		}, Check{
			ID: f.id + ".mixed-script", Level: V1, Field: f.field, Identity: true,
			About:   "No word of the " + f.word + " holds letters of two alphabets.",
			Source:  "UTS 39 section 5, for words; Han, kana, hangul and Thai beside Latin letters are usual: ours",
			Reasons: map[string]string{"mixed": "A word has letters of two alphabets that may look alike: write it in one."},
			run: personal(f.field, l, func(_ *input, t *nameText) outcome {
				if t.mixed {
					return warn("mixed", "")
				}
				return pass
			}),
		}, Check{
			ID: f.id + ".content", Level: V1, Field: f.field, Identity: true,
			About:  "The " + f.word + " holds nothing that belongs into another field.",
			Source: "ours; .uk and others ask for names without digits",
			Reasons: map[string]string{
				"mail-address": "The value holds a mail address: put it into the e-mail field.",
				"web-address":  "The value holds a web address: leave it out.",
				"postal":       "The value holds a street and number: put them into the address.",
				"digits":       "The name of a person holds digits: leave them out, or give the organisation in its field.",
			},
			run: personal(f.field, l, func(in *input, t *nameText) outcome { return content(in, t, person) }),
		})
	}
	return append([]Check{{
		ID: "name.present", Level: V1, Field: "name", Absent: true, Identity: true,
		About:   "There is a name, of a person or an organisation.",
		Source:  "RAA 2013 section 3.3.1.6; an organisation is the holder where it is given (Registration Data Policy 2025)",
		Reasons: map[string]string{"absent": "Neither a name nor an organisation is given: give one."},
		run: func(in *input) outcome {
			if p, ok := in.proxyOf(l); ok {
				return untestable(Proxy, p.Name)
			}
			if blank(in.value) && blank(in.contact.Organization) {
				if in.Record.FieldState(registration.ContactPath(in.role, "organization")) == registration.Redacted {
					return untestable(Redacted, "")
				}
				return fail("absent", "")
			}
			return pass
		},
	}}, out...)
}

// lengthOf is N2, per script: two Han, hangul or kana characters are a full
// name, a mononym of three letters is one in an alphabet. Companies are called
// "3M" and "X".
func lengthOf(in *input, t *nameText, person bool) outcome {
	if len(in.value) > 255 && utf8.RuneCountInString(in.value) > 255 {
		return warn("long", "")
	}
	if t.letters == 0 && (person || t.digits == 0) {
		return warn("no-letters", "")
	}
	least := 3
	switch t.main {
	case han, hangul, kana, thai, devanagari, otherWords, noScript, arabic, hebrew:
		least = 2
	}
	if !person {
		least = 1
		if t.digits == 0 && t.main == latin {
			least = 2
		}
	}
	if t.letters+t.digits < least {
		if placeholders().phrase[t.key] != "" {
			return pass // "n/a": for the check of placeholders
		}
		return warn("short", "")
	}
	return pass
}

// content is N3.
func content(in *input, t *nameText, person bool) outcome {
	v := in.value
	if i := strings.IndexByte(v, '@'); i > 0 && strings.IndexByte(v[i:], '.') > 1 && v[i-1] != ' ' {
		return warn("mail-address", "")
	}
	if strings.Contains(v, "://") || person && !t.org && strings.Contains(t.key, "www ") {
		return warn("web-address", "")
	}
	if t.digits == 0 {
		return pass
	}
	if !t.org && streetAndNumber(t) {
		return warn("postal", "")
	}
	if person && !t.org && t.key != in.name("organization").key {
		return warn("digits", "")
	}
	return pass
}

// streetAndNumber says whether a word for a street stands beside a number.
func streetAndNumber(t *nameText) bool {
	street, number := false, false
	for w := range t.words() {
		switch w {
		case "street", "st", "road", "rd", "avenue", "ave", "lane", "boulevard", "blvd", "strasse", "str", "rue", "calle", "rua", "ulica", "ul",
			"straat", "улица", "ул", "проспект", "οδος", "شارع":
			street = true
		}
		if strings.HasSuffix(w, "strasse") || strings.HasSuffix(w, "straat") || strings.HasSuffix(w, "gatan") {
			street = true
		}
		number = number || w != "" && w[0] >= '0' && w[0] <= '9'
	}
	if t.count[han] > 0 && (strings.Contains(t.key, "号") || strings.Contains(t.key, "號") || strings.Contains(t.key, "丁目")) {
		return true
	}
	return street && number
}
