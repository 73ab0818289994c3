package accuracy

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"bailiwick/registration"
	"bailiwick/registration/bootstrap"
)

// Options are what the checks of values may be given beside the record. The
// zero value is a good one.
type Options struct {
	// TLDs are the top-level domains of the root zone; those built in when nil.
	TLDs *bootstrap.TLDs
	// PostalCode tells what is known of a postal code, in the form that
	// PostalCode gives, of a country (ISO 3166-1 alpha-2). Without it the checks
	// that ask for it are not testable. It is called by one goroutine of each
	// Examine.
	PostalCode func(country, code string) CodeFact
}

// CodeFact is what a directory of postal codes says about one.
type CodeFact struct {
	Known bool // the directory has the code
	// Complete says that the directory has every code of the country: only then
	// is its silence a finding.
	Complete bool
	// Places and Regions are names and codes, as the directory writes them, that
	// the code may stand beside; none when it does not tell.
	Places, Regions []string
}

// ContactChecks are the checks of a contact's values: mail address, telephone
// number, country and postal address, in this order.
func ContactChecks() []Check { return ContactChecksWith(Options{}) }

// ContactChecksWith is ContactChecks with something beside the record.
func ContactChecksWith(o Options) []Check {
	if o.TLDs == nil {
		o.TLDs = builtInTLDs()
	}
	var out []Check
	out = append(out, emailChecks(o)...)
	out = append(out, phoneChecks()...)
	out = append(out, countryChecks()...)
	return append(out, postalChecks(o)...)
}

// builtInTLDs is nil when the list does not read: the check that needs it then
// says so.
var builtInTLDs = sync.OnceValue(func() *bootstrap.TLDs {
	t, err := bootstrap.DefaultTLDs()
	if err != nil {
		return nil
	}
	return t
})

// valueMemo is what the checks of values share about one contact.
type valueMemo struct {
	mail    mailbox
	number  number
	country place
	post    post
	// which of them are worked out
	haveMail, haveNumber, haveCountry, havePost bool
}

// maxEvidence bounds what a verdict quotes, in octets.
const maxEvidence = 120

// quote makes a value fit for evidence: clean, and not long.
func quote(s string) string {
	if len(s) > 4*maxEvidence {
		s = s[:4*maxEvidence]
	}
	s = registration.CleanText(s)
	if len(s) <= maxEvidence {
		return s
	}
	i := maxEvidence
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i] + "…"
}

// hidden says whether s has a character that is not seen or that turns the
// order of others: it is there to deceive, or was pasted by mistake. The
// joiners are letters' company in some scripts, and do not count.
func hidden(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' || s[i] == 0x7f {
			for _, r := range s[i:] {
				if r != 0x200c && r != 0x200d && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) || r == utf8.RuneError) {
					return true
				}
			}
			return false
		}
	}
	return false
}

// latest finds the newest answer about the value at the check's path. What is
// dated after the look at it is left aside.
func (in *input) latest() (a Answer, ok bool) {
	for _, x := range in.Facts.Answers {
		if x.Path != in.path || x.Value != in.value || !in.Now.IsZero() && x.At.After(in.Now) {
			continue
		}
		if !ok || !x.At.Before(a.At) {
			a, ok = x, true
		}
	}
	return a, ok
}

// answered is the check of an affirmative answer to a value.
func answered(in *input) outcome {
	a, ok := in.latest()
	switch {
	case !ok:
		return untestable(NoFact, "")
	case a.OK:
		return outcome{result: Pass, evidence: quote(a.Method), at: a.At}
	}
	return outcome{result: Fail, reason: "no-answer", evidence: quote(a.Method), at: a.At}
}

// missing is the check that a field has a value.
func missing(in *input) outcome {
	if strings.TrimSpace(in.value) == "" {
		return fail("missing", "")
	}
	return pass
}

// blank says whether a value says nothing, though it is not empty.
func blank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.Is(unicode.Cf, r) }) == ""
}
