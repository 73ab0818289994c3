package accuracy

import (
	_ "embed" // the tables
	"strings"
	"sync"
	"unicode"

	"bailiwick/problem"
	"bailiwick/registration"

	"golang.org/x/text/unicode/norm"
)

//go:embed data/postal.tsv
var postalTable string

//go:embed data/regions.tsv
var regionTable string

// rule is what a country asks of a postal address.
type rule struct {
	codes                         []codeForm
	city, region, code, usesCodes bool // needed; and whether codes are used at all
	unsure                        bool // not confirmed: a misfit only warns
	regions                       map[string]bool
	strict                        bool // regions are all there is
	shortest, longest             int  // of codes, without prefix
}

// codeForm is a form of postal codes: "#" a digit, "@" a letter, "*" either,
// anything else itself. Spaces and hyphens are taken out.
type codeForm struct {
	prefix, form string
}

// rules are the tables read. They are part of the program, and a test reads
// them: an error here leaves every country without a rule, and the checks not
// testable.
var rules = sync.OnceValue(func() map[string]*rule {
	m, err := readRules(postalTable, regionTable)
	if err != nil {
		return map[string]*rule{}
	}
	return m
})

// readRules reads the two tables. The error names the table, the line and the
// column.
func readRules(postal, regions string) (map[string]*rule, error) {
	out := map[string]*rule{}
	listed := map[string]bool{} // countries that say that their regions are in the other table
	n := 0
	for line := range strings.Lines(postal) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		bad := func(column, reason string) error {
			return problem.BadField("postal", "line %d, %s: %s", n, column, reason)
		}
		col := strings.Split(line, "\t")
		if len(col) < 5 || len(col) > 6 {
			return nil, bad("columns", "five or six are needed")
		}
		country := col[0]
		if code, ok := registration.CountryCode(country); !ok || code != country {
			return nil, bad("country", "not a code of ISO 3166-1")
		}
		if out[country] != nil {
			return nil, bad("country", "named twice")
		}
		r := &rule{}
		if col[1] != "-" {
			r.usesCodes = true
			for form := range strings.SplitSeq(col[1], "|") {
				f := codeForm{form: form}
				if rest, ok := strings.CutPrefix(form, "["); ok {
					if f.prefix, f.form, ok = strings.Cut(rest, "]"); !ok {
						return nil, bad("postal code", "a bracket does not close")
					}
				}
				if f.form = compactCode(f.form); f.form == "" {
					return nil, bad("postal code", "an empty form")
				}
				r.codes = append(r.codes, f)
				if r.shortest == 0 || len(f.form) < r.shortest {
					r.shortest = len(f.form)
				}
				r.longest = max(r.longest, len(f.form))
			}
		}
		for _, c := range col[2] {
			switch c {
			case 'S', 'z': // every address has a street or its like
			case 'C':
				r.city = true
			case 'R':
				r.region = true
			case 'Z':
				r.code = true
			default:
				return nil, bad("needs", "a letter that is not S, C, R, Z or z")
			}
		}
		if r.usesCodes != strings.ContainsAny(col[2], "Zz") {
			return nil, bad("needs", "the forms of the postal code say otherwise")
		}
		switch col[3] {
		case "strict":
			r.strict = true
			fallthrough
		case "some":
			listed[country] = true
			r.regions = map[string]bool{}
		case "-":
		default:
			return nil, bad("regions", "not strict, some or -")
		}
		switch col[4] {
		case "known":
		case "unsure":
			r.unsure = true
		default:
			return nil, bad("basis", "not known or unsure")
		}
		out[country] = r
	}
	n = 0
	for line := range strings.Lines(regions) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		col := strings.Split(line, "\t")
		if len(col) != 3 {
			return nil, problem.BadField("regions", "line %d: three columns are needed", n)
		}
		if !listed[col[0]] {
			return nil, problem.BadField("regions", "line %d, country: the table of countries does not say that its regions are listed", n)
		}
		r := out[col[0]]
		r.regions[foldName(col[1])] = true
		for name := range strings.SplitSeq(col[2], "|") {
			if foldName(name) == "" {
				return nil, problem.BadField("regions", "line %d, names: an empty name", n)
			}
			r.regions[foldName(name)] = true
		}
	}
	for country := range listed {
		if len(out[country].regions) == 0 {
			return nil, problem.BadField("regions", "none of %s", country)
		}
	}
	return out, nil
}

// foldName makes names of places comparable: lower case, without accents,
// spaces and punctuation.
func foldName(s string) string {
	if len(s) > 256 {
		return ""
	}
	if isASCII(s) {
		var b [256]byte
		n := 0
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c >= 'A' && c <= 'Z':
				b[n] = c | 0x20
				n++
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
				b[n] = c
				n++
			}
		}
		return string(b[:n])
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1 // the accents, now apart, among them
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// compactCode is a postal code without spaces and hyphens, in upper case, with
// the digits of other scripts as ASCII's. What is no letter or digit stays.
func compactCode(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	plain := true
	for i := 0; plain && i < len(s); i++ {
		c := s[i]
		plain = c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
	}
	if plain {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '-', r == '.', r == '‐', r == '‑', r == '–', r == '－', r == '−', r == '〒', r == 0x00a0, r == 0x3000:
			return -1
		case r >= 'a' && r <= 'z':
			return r - 0x20
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r >= 'Ａ' && r <= 'Ｚ':
			return r - 'Ａ' + 'A'
		case r >= 0x0660 && r <= 0x0669: // Arabic
			return r - 0x0660 + '0'
		case r >= 0x06f0 && r <= 0x06f9: // Persian
			return r - 0x06f0 + '0'
		case r >= 0x0966 && r <= 0x096f: // Devanagari
			return r - 0x0966 + '0'
		}
		return r
	}, s)
}

// PostalCode is a postal code of a country (ISO 3166-1 alpha-2) in one form:
// upper case, without spaces, hyphens, and the country's own prefix (the "D" of
// D-10115). ok is false when it is not of a form that the country has, or the
// country has none.
func PostalCode(country, code string) (compact string, ok bool) {
	r := rules()[country]
	if r == nil || !r.usesCodes {
		return "", false
	}
	return r.readCode(country, compactCode(code))
}

// readCode takes the prefix off a compact code that fits.
func (r *rule) readCode(country, s string) (string, bool) {
	for i := range r.codes {
		f := &r.codes[i]
		if f.fits(s) {
			return s, true
		}
		if rest, ok := strings.CutPrefix(s, f.prefix); ok && f.prefix != "" && f.fits(rest) {
			return rest, true
		}
		if f.form[0] == '#' && f.prefix != country { // the country's code before digits, as some write it
			if rest, ok := strings.CutPrefix(s, country); ok && f.fits(rest) {
				return rest, true
			}
		}
	}
	return "", false
}

func (f *codeForm) fits(s string) bool {
	if len(s) != len(f.form) {
		return false
	}
	for i := 0; i < len(s); i++ {
		digit, letter := s[i] >= '0' && s[i] <= '9', s[i] >= 'A' && s[i] <= 'Z'
		switch f.form[i] {
		case '#':
			if !digit {
				return false
			}
		case '@':
			if !letter {
				return false
			}
		case '*':
			if !digit && !letter {
				return false
			}
		default:
			if s[i] != f.form[i] {
				return false
			}
		}
	}
	return true
}
