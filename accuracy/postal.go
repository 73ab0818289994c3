package accuracy

import (
	"slices"
	"strings"
	"unicode"

	"bailiwick/registration"
)

// Limits of what is read of an address.
const (
	maxLines = 16  // of the street
	maxLine  = 512 // octets
)

// post is a contact's postal address as the checks need it.
type post struct {
	rule    *rule // of its country; nil when that cannot be told, or is withheld
	lines   []string
	city    string
	region  string
	code    string
	compact string // the code in one form
	fits    bool   // it is of a form of the country
	// elsewhere is the field in which a postal code, a region or a country was
	// found that is not in its own.
	codeAt, regionAt, countryAt string
	// loose says that the answer which the record was read from has its address
	// in lines, of which no reader can tell the city.
	loose bool
	// cityRegion says that the city is a region of its own (Beijing, Dubai).
	cityRegion bool
}

func (in *input) post() *post {
	p := &in.memo.post
	if in.memo.havePost {
		return p
	}
	in.memo.havePost = true
	p.city, p.region, p.code = cut(in.contact.City), cut(in.contact.Region), cut(in.contact.PostalCode)
	for _, l := range in.contact.Street {
		if len(p.lines) == maxLines {
			break
		}
		if l = cut(l); l != "" {
			p.lines = append(p.lines, l)
		}
	}
	country := in.place().code
	last := ""
	if len(p.lines) > 0 {
		last = p.lines[len(p.lines)-1]
	}
	if in.contact.Country == "" {
		// Two letters are too often a region's.
		switch {
		case len(p.lines) > 1 && namesCountry(last):
			p.countryAt = "street"
			country, _ = registration.CountryCode(last)
		case namesCountry(p.city):
			p.countryAt = "city"
			country, _ = registration.CountryCode(p.city)
		}
	} else if _, ok := in.Record.Given[registration.ContactPath(in.role, "street")]; ok {
		p.countryAt = "street" // where the reader found it
	}
	if p.city == "" && p.region == "" && p.code == "" && len(p.lines) > 0 {
		switch in.Record.SourceOf(registration.ContactPath(in.role, "street")).Protocol {
		case "whois", "rdap":
			p.loose = true
		}
	}
	if p.rule = rules()[country]; p.rule == nil {
		return p
	}
	if p.code != "" {
		p.compact, p.fits = p.rule.readCode(country, compactCode(p.code))
	} else if p.rule.usesCodes {
		for _, at := range [...]struct{ field, text string }{{"city", p.city}, {"region", p.region}} {
			if c, ok := p.rule.findCode(country, at.text, false); ok {
				p.compact, p.fits, p.codeAt = c, true, at.field
				break
			}
		}
		// Of an address in fields only the last line may hold what has none.
		for i := len(p.lines) - 1; i >= 0 && p.codeAt == "" && (p.loose || i == len(p.lines)-1); i-- {
			if c, ok := p.rule.findCode(country, p.lines[i], i == 0); ok {
				p.compact, p.fits, p.codeAt = c, true, "street"
			}
		}
	}
	p.cityRegion = p.region == "" && !p.rule.strict && p.rule.regions[foldName(p.city)]
	if p.region == "" && p.rule.regions != nil {
		for _, at := range [...]struct{ field, text string }{{"city", p.city}, {"postal_code", p.code}} {
			if p.rule.findRegion(at.text) {
				p.regionAt = at.field
				break
			}
		}
		for i := len(p.lines) - 1; i > 0 && p.loose && p.regionAt == ""; i-- {
			if p.rule.regions[foldName(p.lines[i])] || p.rule.findRegion(p.lines[i]) {
				p.regionAt = "street"
			}
		}
	}
	return p
}

// inLines is the reason of what may stand in the lines of an address that has
// no fields.
const (
	inLines     = "in-lines"
	inLinesText = "The address was given in lines, in which this cannot be told from the rest."
)

// cut is a field's text without what is beyond its bounds, and "" for one that
// says nothing.
func cut(s string) string {
	if len(s) > maxLine {
		s = s[:maxLine]
	}
	if s = strings.TrimSpace(s); len(s) < 4 && blank(s) { // "-", "."
		return ""
	}
	return s
}

func namesCountry(s string) bool {
	if len(s) < 3 {
		return false
	}
	_, ok := registration.CountryCode(s)
	return ok
}

// findCode finds a postal code among the words of a text; not at its start where
// that may be the number of a house.
func (r *rule) findCode(country, text string, house bool) (string, bool) {
	if text == "" || len(text) > 128 {
		return "", false
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
	if len(words) > 12 {
		return "", false
	}
	for i, w := range words {
		if i == 0 && house && !strings.HasPrefix(text, w+",") {
			continue
		}
		if i+1 < len(words) { // "AB1 2CD", "123 45"
			if c, ok := r.readCode(country, compactCode(w+words[i+1])); ok && hasDigit(w+words[i+1]) {
				return c, true
			}
		}
		if c, ok := r.readCode(country, compactCode(w)); ok && hasDigit(w) {
			return c, true
		}
	}
	return "", false
}

// findRegion says whether what follows the last comma of a text, or its last
// or first word, is a region.
func (r *rule) findRegion(text string) bool {
	if text == "" || len(text) > 128 {
		return false
	}
	if i := strings.LastIndexByte(text, ','); i >= 0 && r.regions[foldName(text[i+1:])] {
		return true
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return false
	}
	// A word may be a part of a city's name, or that of a city with the name of
	// its state: only a code in capitals counts.
	for _, w := range [...]string{words[0], words[len(words)-1]} {
		if len(w) >= 2 && len(w) <= 3 && w == strings.ToUpper(w) && r.regions[foldName(w)] {
			return true
		}
	}
	return false
}

func hasDigit(s string) bool {
	return strings.IndexFunc(s, unicode.IsDigit) >= 0
}

func hasLetter(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// onlyDigits says whether s has digits and, beside spaces, nothing else.
func onlyDigits(s string) bool {
	any := false
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			any = true
		case !unicode.IsSpace(r) && r != ',':
			return false
		}
	}
	return any
}

// withheld says whether one of a contact's fields is withheld or unread, so
// that what is not found may be there.
func (in *input) withheld(fields ...string) (reason string) {
	if len(in.Record.Fields) == 0 {
		return ""
	}
	for _, f := range fields {
		switch in.Record.FieldState(registration.ContactPath(in.role, f)) {
		case registration.Redacted:
			return Redacted
		case registration.Proxy:
			return Proxy
		case registration.Unparsed:
			return Unparsed
		}
	}
	return ""
}

// absent is the outcome of a field that is not there: a failure, unless it may
// stand in one that cannot be seen.
func (in *input) absent(reason string, may ...string) outcome {
	if why := in.withheld(may...); why != "" {
		return untestable(why, "")
	}
	return fail(reason, "")
}

// needCountry is what a check of the country's own rule says when there is no
// country to ask; ok is true when there is one.
func (in *input) needCountry() (o outcome, ok bool) {
	if in.post().rule != nil {
		return o, true
	}
	if in.contact.Country == "" {
		if why := in.withheld("country"); why != "" {
			return untestable(why, ""), false
		}
	}
	return skip, false // that there is none is for another check to say
}

// codeFault says what is wrong with a postal code that does not fit.
func (p *post) codeFault() string {
	if n := len(compactCode(p.code)); n < p.rule.shortest || n > p.rule.longest {
		return "length"
	}
	return "characters"
}

// regionKnown says whether the region is one of the country's; told is false
// when the tables cannot say that it is not.
func (p *post) regionKnown() (known, told bool) {
	if p.rule.regions == nil {
		return false, false
	}
	if p.rule.regions[foldName(p.region)] {
		return true, true
	}
	// "California (CA)", "CA - California"
	for _, part := range strings.FieldsFunc(p.region, func(r rune) bool { return r == '(' || r == ')' || r == '-' || r == ',' || r == '/' }) {
		if p.rule.regions[foldName(part)] {
			return true, true
		}
	}
	return false, p.rule.strict
}

// checkCode is the check of a postal code against its country's forms.
func checkCode(in *input) outcome {
	p := in.post()
	switch {
	case p.fits:
		return pass
	case p.rule.unsure:
		return untestable("rule-unsure", "")
	}
	return fail(p.codeFault(), quote(p.code))
}

const (
	arsSource = "ARS postal test list, whois.icann.org/en/whoisars-validation-postal"
	arsOurs   = "ARS postal tests after the eighth, which are not published where we could read them: our wording"
)

func postalChecks(o Options) []Check {
	return append(arsChecks(), ruleChecks(o)...)
}

// arsChecks are the postal tests of ICANN's accuracy reporting system. Whether a
// "no" fails depends on the registrar's agreement, which is for a profile to
// say: here each is a failure with a reason.
func arsChecks() []Check {
	elsewhere := "stands in another field: move it to its own."
	return []Check{
		{
			ID: "ars.postal.1", Level: V1, Field: "street", Absent: true,
			About: "A postal address is present: it is not blank.", Source: arsSource + ", test 1",
			Reasons: map[string]string{"missing": "There is no postal address."},
			run: func(in *input) outcome {
				p := in.post()
				if len(p.lines) > 0 || p.city != "" || p.region != "" || p.code != "" {
					return pass
				}
				return in.absent("missing", "street", "city", "region", "postal_code")
			},
		},
		{
			ID: "ars.postal.2", Level: V1, Field: "country", Absent: true,
			About: "A country is present, in its field or in the address.", Source: arsSource + ", test 2",
			Reasons: map[string]string{"missing": "There is no country: add its two-letter code."},
			run: func(in *input) outcome {
				if cut(in.contact.Country) != "" || in.post().countryAt != "" {
					return pass
				}
				return in.absent("missing", "street", "city")
			},
		},
		{
			ID: "ars.postal.3", Level: V1, Field: "country", Absent: true,
			About: "The country can be identified: by a full name, or by an abbreviation of ISO 3166-1.", Source: arsSource + ", test 3",
			Reasons: map[string]string{"unknown-country": "No country is called this or has this abbreviation."},
			run: func(in *input) outcome {
				switch {
				case in.post().countryAt != "" || in.place().code != "":
					return pass
				case cut(in.contact.Country) == "":
					return skip
				}
				return fail("unknown-country", quote(in.value))
			},
		},
		{
			ID: "ars.postal.4", Level: V1, Field: "country", Absent: true,
			About: "The country stands in the field for the country.", Source: arsSource + ", test 4",
			Reasons: map[string]string{"elsewhere": "The country " + elsewhere, inLines: inLinesText},
			run: func(in *input) outcome {
				switch p := in.post(); {
				case p.countryAt != "" && p.loose:
					return untestable(inLines, "")
				case p.countryAt != "":
					return fail("elsewhere", p.countryAt)
				case cut(in.contact.Country) == "":
					return skip
				}
				return pass
			},
		},
		{
			ID: "ars.postal.5", Level: V1, Field: "country", Absent: true,
			About: "The country is given as an ISO 3166-1 alpha-2 code.", Source: arsSource + ", test 5",
			Reasons: map[string]string{"not-a-code": "The country is not written as its two-letter code of ISO 3166-1."},
			run: func(in *input) outcome {
				raw := cut(in.given())
				switch {
				case raw != "" && readCountry(strings.Trim(raw, " .")).as == asCode:
					return pass
				case raw != "" || in.post().countryAt != "":
					return fail("not-a-code", quote(raw))
				}
				return skip
			},
		},
		{
			ID: "ars.postal.6", Level: V1, Field: "postal_code", Absent: true,
			About: "Where the country uses postal codes, one is present, in its field or in the address.", Source: arsSource + ", test 6",
			Reasons: map[string]string{"missing": "There is no postal code, and the country uses them.", "rule-unsure": "Whether the country uses postal codes is not known for certain."},
			run: func(in *input) outcome {
				if o, ok := in.needCountry(); !ok {
					return o
				}
				switch p := in.post(); {
				case !p.rule.usesCodes:
					return skip
				case p.code != "" || p.codeAt != "":
					return pass
				case p.rule.unsure:
					return untestable("rule-unsure", "")
				}
				return in.absent("missing", "street", "city")
			},
		},
		{
			ID: "ars.postal.7", Level: V1, Field: "postal_code", Absent: true,
			About: "Where the country uses postal codes, it stands in its field.", Source: arsSource + ", test 7",
			Reasons: map[string]string{"elsewhere": "The postal code " + elsewhere, inLines: inLinesText},
			run: func(in *input) outcome {
				p := in.post()
				switch {
				case p.rule == nil || !p.rule.usesCodes || p.code == "" && p.codeAt == "":
					return skip
				case p.codeAt != "" && p.loose:
					return untestable(inLines, "")
				case p.codeAt != "":
					return fail("elsewhere", p.codeAt)
				}
				return pass
			},
		},
		{
			ID: "ars.postal.8", Level: V1, Field: "postal_code", Absent: true,
			About: "The postal code has the length and the characters of the country's.", Source: arsSource + ", test 8",
			Reasons: codeReasons,
			run: func(in *input) outcome {
				p := in.post()
				if p.rule == nil || !p.rule.usesCodes || p.code == "" && p.codeAt == "" {
					return skip
				}
				return checkCode(in)
			},
		},
		{
			ID: "ars.postal.9", Level: V1, Field: "region", Absent: true,
			About: "Where the country's addresses need a state or province, one is present.", Source: arsOurs,
			Reasons: map[string]string{"missing": "There is no state or province, and addresses of the country need one.", inLines: inLinesText},
			run: func(in *input) outcome {
				if o, ok := in.needCountry(); !ok {
					return o
				}
				p := in.post()
				switch {
				case !p.rule.region:
					return skip
				case p.region != "" || p.regionAt != "" || p.cityRegion:
					return pass
				case p.loose:
					return untestable(inLines, "")
				}
				return in.absent("missing", "street", "city")
			},
		},
		{
			ID: "ars.postal.10", Level: V1, Field: "region", Absent: true,
			About: "Where the country's addresses need a state or province, it stands in its field.", Source: arsOurs,
			Reasons: map[string]string{"elsewhere": "The state or province " + elsewhere, inLines: inLinesText},
			run: func(in *input) outcome {
				p := in.post()
				switch {
				case p.rule == nil || !p.rule.region || p.region == "" && p.regionAt == "":
					return skip
				case p.region == "" && p.loose:
					return untestable(inLines, "")
				case p.region == "":
					return fail("elsewhere", p.regionAt)
				}
				return pass
			},
		},
		{
			ID: "ars.postal.11", Level: V1, Field: "region",
			About: "The state or province is one of the country's.", Source: arsOurs,
			Reasons: map[string]string{"unknown-region": "The country has no such state or province.", "rule-unsure": "Not every spelling of the country's states or provinces is known."},
			run: func(in *input) outcome {
				p := in.post()
				if p.rule == nil || !p.rule.region || p.region == "" {
					return skip
				}
				switch known, told := p.regionKnown(); {
				case known:
					return pass
				case told:
					return fail("unknown-region", quote(p.region))
				}
				return untestable("rule-unsure", "")
			},
		},
		{
			ID: "ars.postal.12", Level: V1, Field: "city", Absent: true,
			About: "A city is present, where the country's addresses need one.", Source: arsOurs,
			Reasons: map[string]string{"missing": "There is no city.", inLines: inLinesText},
			run:     cityPresent,
		},
		{
			ID: "ars.postal.13", Level: V1, Field: "city",
			About: "The field for the city does not hold another field's value.", Source: arsOurs,
			Reasons: map[string]string{"another-field": "The field for the city holds only a postal code or a country."},
			run: func(in *input) outcome {
				p := in.post()
				if p.city == "" {
					return skip
				}
				if p.countryAt == "city" && in.contact.Country == "" {
					if c, _ := registration.CountryCode(p.city); !cityState(c) {
						return fail("another-field", "")
					}
				}
				if p.codeAt == "city" && !hasLetter(p.city) {
					return fail("another-field", "")
				}
				return pass
			},
		},
		{
			ID: "ars.postal.14", Level: V1, Field: "city",
			About: "The city has letters.", Source: arsOurs,
			Reasons: map[string]string{"no-letter": "The city has no letter."},
			run: func(in *input) outcome {
				if p := in.post(); p.city != "" && !hasLetter(p.city) {
					return fail("no-letter", quote(p.city))
				}
				return pass
			},
		},
		{
			ID: "ars.postal.15", Level: V1, Field: "street", Absent: true,
			About: "A street, or what stands for one, is present.", Source: arsOurs,
			Reasons: map[string]string{"missing": "There is no street."},
			run:     streetPresent,
		},
		{
			ID: "ars.postal.16", Level: V1, Field: "street",
			About: "The field for the street does not hold another field's value only.", Source: arsOurs,
			Reasons: map[string]string{"another-field": "The field for the street repeats the city or the country and has no street."},
			run: func(in *input) outcome {
				p := in.post()
				if len(p.lines) == 1 && (p.city != "" && strings.EqualFold(p.lines[0], p.city) || namesCountry(p.lines[0])) {
					return fail("another-field", "")
				}
				return pass
			},
		},
		{
			ID: "ars.postal.17", Level: V1, Field: "street",
			About: "The street is not of digits only.", Source: arsOurs,
			Reasons: map[string]string{"only-digits": "The street has only digits: its name is missing."},
			run:     streetNotDigits,
		},
	}
}

// cityState says whether a country's name is its city's as well.
func cityState(country string) bool {
	return slices.Contains([]string{"SG", "MC", "HK", "MO", "GI", "VA", "LU", "SM", "DJ", "KW", "PA", "GT", "MX"}, country)
}

var codeReasons = map[string]string{
	"length":      "The postal code is longer or shorter than any of the country's.",
	"characters":  "The postal code has characters that none of the country's has in that place.",
	"rule-unsure": "The forms of the country's postal codes are not known for certain.",
}

func cityPresent(in *input) outcome {
	p := in.post()
	if p.city != "" {
		return pass
	}
	if o, ok := in.needCountry(); !ok && o.result == Untestable {
		return o
	}
	if p.rule != nil && !p.rule.city {
		return skip
	}
	if p.loose {
		return untestable(inLines, "")
	}
	return in.absent("missing", "street")
}

func streetPresent(in *input) outcome {
	if len(in.post().lines) > 0 {
		return pass
	}
	return in.absent("missing")
}

func streetNotDigits(in *input) outcome {
	p := in.post()
	if len(p.lines) > 0 && !slices.ContainsFunc(p.lines, func(l string) bool { return !onlyDigits(l) }) {
		return fail("only-digits", quote(p.lines[0]))
	}
	return pass
}

// ruleChecks are the checks of an address against its country's rule and
// against what a directory knows.
func ruleChecks(o Options) []Check {
	return []Check{
		{
			ID: "postal.street", Level: V1, Field: "street", Absent: true,
			About:   "There is a street, or what stands for one, and not of digits only.",
			Source:  "RAA 2013 section 3.3.1, WAPS 1(a) and 1(d); Nominet's data completeness checks",
			Reasons: map[string]string{"missing": "There is no street: add it, or the post box.", "only-digits": "The street has only digits: add its name."},
			run: func(in *input) outcome {
				if o := streetPresent(in); o.result != Pass {
					return o
				}
				return streetNotDigits(in)
			},
		},
		{
			ID: "postal.city", Level: V1, Field: "city", Absent: true,
			About:   "There is a city, where the country's addresses need one, and it has letters.",
			Source:  "RAA 2013 section 3.3.1, WAPS 1(a) and 1(d); Nominet's data completeness checks",
			Reasons: map[string]string{"missing": "There is no city: add it.", "no-letter": "The city has no letter.", inLines: inLinesText},
			run: func(in *input) outcome {
				o := cityPresent(in)
				if p := in.post(); o.result == Pass && !hasLetter(p.city) {
					return fail("no-letter", quote(p.city))
				}
				return o
			},
		},
		{
			ID: "postal.region", Level: V1, Field: "region", Absent: true,
			About:  "There is a state or province, where the country's addresses need one, and it is the country's.",
			Source: "RAA 2013 section 3.3.1, WAPS 1(a) and 1(d); our table of countries",
			Reasons: map[string]string{
				"missing":        "There is no state or province, and addresses of the country need one: add it.",
				inLines:          inLinesText,
				"elsewhere":      "The state or province stands in another field: move it to its own.",
				"unknown-region": "The country has no state or province of this name that we know: check both.",
			},
			run: func(in *input) outcome {
				if o, ok := in.needCountry(); !ok {
					return o
				}
				p := in.post()
				switch {
				case p.cityRegion || p.region == "" && p.regionAt != "" && p.loose:
					return pass
				case p.region == "" && p.regionAt != "" && p.rule.region:
					return warn("elsewhere", p.regionAt)
				case p.region == "" && p.rule.region && p.loose:
					return untestable(inLines, "")
				case p.region == "" && p.rule.region:
					return in.absent("missing", "street", "city")
				case p.region == "" || p.rule.regions == nil:
					return skip
				}
				if known, _ := p.regionKnown(); !known {
					return warn("unknown-region", quote(p.region))
				}
				return pass
			},
		},
		{
			ID: "postal.code", Level: V1, Field: "postal_code", Absent: true,
			About:  "There is a postal code, where the country's addresses need one, and it has a form of the country's.",
			Source: "RAA 2013 section 3.3.1, WAPS 1(a) and 1(d); our table of countries",
			Reasons: map[string]string{
				"missing":     "There is no postal code, and addresses of the country need one: add it.",
				"elsewhere":   "The postal code stands in another field: move it to its own.",
				"length":      codeReasons["length"],
				"characters":  codeReasons["characters"],
				"rule-unsure": codeReasons["rule-unsure"],
			},
			run: func(in *input) outcome {
				if o, ok := in.needCountry(); !ok {
					return o
				}
				p := in.post()
				switch {
				case !p.rule.usesCodes:
					return skip // many a form asks for one all the same
				case p.codeAt != "" && p.loose:
					return pass
				case p.codeAt != "":
					return warn("elsewhere", p.codeAt)
				case p.code == "" && !p.rule.code:
					return skip
				case p.code == "":
					return in.absent("missing", "street", "city")
				case !p.fits && p.rule.unsure:
					return warn("rule-unsure", quote(p.code))
				}
				return checkCode(in)
			},
		},
		{
			ID: "postal.code-exists", Level: V1, Field: "postal_code",
			About:  "A directory of postal codes has the code.",
			Source: "a directory that the operator gives; WAPS 1(e)",
			Reasons: map[string]string{
				"no-such-code":         "The directory, which has every code of the country, does not have this one.",
				"directory-incomplete": "The directory does not have this code, and not every one of the country.",
				"no-directory":         "No directory of postal codes was given.",
			},
			run: func(in *input) outcome {
				p := in.post()
				switch {
				case p.rule == nil || !p.fits:
					return skip
				case o.PostalCode == nil:
					return untestable("no-directory", "")
				}
				switch f := o.PostalCode(in.placeOf(), p.compact); {
				case f.Known:
					return pass
				case f.Complete:
					return fail("no-such-code", quote(p.code))
				}
				return untestable("directory-incomplete", "")
			},
		},
		{
			ID: "postal.code-place", Level: V1, Field: "postal_code",
			About:  "The postal code, the city and the region go together, as a directory has them.",
			Source: "a directory that the operator gives; WAPS 1(e)",
			Reasons: map[string]string{
				"other-place":          "The directory has the code with another city: check both. Villages and quarters have names that it may lack.",
				"other-region":         "The directory has the code in another state or province: check both.",
				"directory-incomplete": "The directory does not tell which places the code is of.",
				"no-directory":         "No directory of postal codes was given.",
			},
			run: func(in *input) outcome {
				p := in.post()
				switch {
				case p.rule == nil || !p.fits || p.city == "" && p.region == "":
					return skip
				case o.PostalCode == nil:
					return untestable("no-directory", "")
				}
				f := o.PostalCode(in.placeOf(), p.compact)
				named := func(of []string, s string) bool {
					return slices.ContainsFunc(of, func(x string) bool { return foldName(x) == foldName(s) })
				}
				switch {
				case !f.Known || len(f.Places) == 0 && len(f.Regions) == 0:
					return untestable("directory-incomplete", "")
				case p.region != "" && len(f.Regions) > 0 && !named(f.Regions, p.region):
					return warn("other-region", quote(f.Regions[0]))
				case p.city != "" && len(f.Places) > 0 && !named(f.Places, p.city):
					return warn("other-place", quote(f.Places[0]))
				}
				return pass
			},
		},
		{
			ID: "postal.placeholder", Level: V1, Field: "street",
			About:  "The street does not look as if it stood in for one.",
			Source: "field practice",
			Reasons: map[string]string{
				"example":  "The address is one that forms and textbooks give as an example.",
				"no-value": "The field says in words that there is no value.",
				"repeated": "The field repeats one character.",
				"keyboard": "The field is a run of neighbouring keys.",
			},
			run: func(in *input) outcome {
				if why := standIn(in.post().lines...); why != "" {
					return warn(why, quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "postal.placeholder-city", Level: V1, Field: "city",
			About:  "The city does not look as if it stood in for one.",
			Source: "field practice",
			Reasons: map[string]string{
				"example":  "The city is one that forms and textbooks give as an example.",
				"no-value": "The field says in words that there is no value.",
				"repeated": "The field repeats one character.",
				"keyboard": "The field is a run of neighbouring keys.",
			},
			run: func(in *input) outcome {
				if why := standIn(in.post().city); why != "" {
					return warn(why, quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "postal.placeholder-code", Level: V1, Field: "postal_code",
			About:   "The postal code does not look as if it stood in for one.",
			Source:  "field practice",
			Reasons: map[string]string{"repeated": "The postal code is of zeros or nines only."},
			run: func(in *input) outcome {
				c := compactCode(cut(in.value))
				if o, ok := in.needCountry(); !ok {
					return o
				} else if !in.post().rule.usesCodes { // where there are none, forms get zeros
					return skip
				}
				if len(c) >= 4 && (strings.Trim(c, "0") == "" || strings.Trim(c, "9") == "") {
					return warn("repeated", quote(c))
				}
				return pass
			},
		},
		{
			ID: "postal.answered", Level: V2, Field: "street",
			About:   "A letter to the address was answered, and no later one came back.",
			Source:  "NORC 2010: the address is deliverable; ARS asked an address tool and sent no letter",
			Reasons: map[string]string{"no-answer": "The last letter came back, or was not answered in time."},
			run:     answered,
		},
	}
}

// placeOf is the country that the address's rule is of.
func (in *input) placeOf() string {
	if c := in.place().code; c != "" {
		return c
	}
	p := in.post()
	switch p.countryAt {
	case "street":
		c, _ := registration.CountryCode(p.lines[len(p.lines)-1])
		return c
	case "city":
		c, _ := registration.CountryCode(p.city)
		return c
	}
	return ""
}

// standIn says why the lines of a field look like a stand-in for a value, or
// "". All must: "Unit 1" beside a real street is not one.
func standIn(lines ...string) string {
	why := ""
	for _, l := range lines {
		if l == "" {
			continue
		}
		w := standInLine(foldName(l))
		if w == "" {
			return ""
		}
		if why == "" {
			why = w
		}
	}
	return why
}

// standInLine judges one line, folded.
func standInLine(s string) string {
	switch s {
	case "":
		return ""
	case "na", "none", "null", "nil", "nothing", "unknown", "notavailable", "notapplicable", "noaddress", "nostreet", "nocity", "undefined",
		"unbekannt", "keine", "keineangabe", "inconnu", "inconnue", "aucun", "aucune", "desconocido", "desconocida", "ninguno", "ninguna",
		"sconosciuto", "desconhecido", "onbekend", "geen", "ukjent", "okand", "tuntematon", "brak", "nieznany", "неизвестно", "нет", "无", "没有", "なし", "不明", "없음":
		return "no-value"
	case "address", "address1", "street", "streetaddress", "street1", "yourstreet", "youraddress", "city", "town", "yourcity", "anytown", "anycity",
		"test", "teststreet", "testcity", "testaddress", "test123", "test1", "example", "sample", "abc", "abc123", "somestreet", "somewhere", "nowhere",
		"mystreet", "mycity", "home", "internet", "worldwide",
		"123mainst", "123mainstreet", "1234mainst", "1234mainstreet", "123main", "1mainst", "1mainstreet", "123anystreet", "123anywherest", "123anywherestreet",
		"123fakest", "123fakestreet", "123street", "123st", "123streetname", "123teststreet", "123testst", "123elmstreet", "123elmst", "1234elmstreet", "742evergreenterrace", "221bbakerstreet",
		"musterstrasse", "musterstrasse1", "musterstraße", "musterstraße1", "musterstrasse123", "musterstraße123", "musterstr1", "musterweg1", "musterstadt", "musterort", "teststrasse1", "teststraße1",
		"callefalsa123", "calle123", "micalle", "ruedelapaix123", "viadellaprova1", "rueexemple", "1ruedelexemple", "adresse", "indirizzo", "direccion", "endereco", "adres", "strasse", "straße", "rue", "calle", "ville", "stadt", "ciudad", "cidade", "citta",
		"тест", "улица", "адрес", "город", "测试", "地址", "街道", "城市", "テスト", "住所", "테스트", "주소":
		return "example"
	}
	if n := len(s); n >= 3 && n <= 64 {
		if strings.Count(s, s[:1]) == n && s[0] < 0x80 {
			return "repeated"
		}
		for _, row := range [...]string{"qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "abcdefghijklmnopqrstuvwxyz"} {
			if n >= 4 && n <= len(row) && strings.Contains(row, s) {
				return "keyboard"
			}
		}
		for _, run := range [...]string{"asdfasdf", "asdasd", "qweqwe", "qwerqwer", "asdf1234", "qwerty123", "sdfsdf", "dfgdfg", "fghfgh", "dsfsdf"} {
			if s == run {
				return "keyboard"
			}
		}
	}
	return ""
}
