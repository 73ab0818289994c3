package registration

import "strings"

// Withheld judges a contact value by its words: Redacted when it only says
// that the real value is not shown, Proxy when it names a privacy or proxy
// service, else Present. It is conservative: a company that has "privacy" or
// "proxy" in its name is no privacy service. A value that is not Present has
// no place in a record: its field is named in Record.Fields.
func Withheld(value string) FieldState {
	if !hasTrigger(value) {
		return Present
	}
	// What nearly every withheld value says.
	if strings.HasPrefix(value, "REDACTED FOR PRIVACY") || strings.HasPrefix(value, "Please query the RDDS service") {
		return Redacted
	}
	if !plain(value) {
		value = strings.Join(strings.Fields(value), " ")
	}
	v := strings.ToLower(value)
	if at := strings.LastIndexByte(v, '@'); at >= 0 {
		return withheldEmail(v[:at], v[at+1:])
	}
	if proxyNames.in(v) {
		return Proxy
	}
	bare := strings.Trim(v, " .-*[]()<>\"'")
	switch bare {
	case "redacted", "masked", "hidden", "private", "withheld", "undisclosed", "restricted", "not disclosed", "private person",
		"non-public data", "not public", "data protected", "protected", "gdpr", "gdpr masked", "gdpr redacted",
		"not available from registry", "not shown", "personal data",
		"personal information", "hidden upon user request", "not shown for privacy":
		return Redacted
	}
	if strings.HasPrefix(bare, "redacted ") {
		return Redacted
	}
	if redactedPhrases.in(v) {
		return Redacted
	}
	return Present
}

func withheldEmail(local, domain string) FieldState {
	for _, d := range proxyDomains {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return Proxy
		}
	}
	words := strings.FieldsFunc(local+" "+domain, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	for _, w := range words {
		switch w {
		case "redacted", "masked", "withheld":
			return Redacted
		case "anonymised", "anonymized": // an address that forwards
			return Proxy
		}
	}
	return Present
}

// redactedPhrases say that a value is not shown. Lower case.
var redactedPhrases = newPhrases(
	"redacted for", "redacted due", "redacted by", "data redacted", "masked for", "gdpr masked", "gdpr redacted",
	"statutory masking", "not disclosed", "non-public data", "withheld for privacy reasons", "withheld due to", "hidden upon user request",
	"hidden by request", "hidden for privacy", "can not be publicly disclosed", "cannot be publicly disclosed",
	"not publicly disclosed", "query the rdds", "query the rdap", "query the whois", "data protected, not disclosed",
	"not available from registry", "hidden due to gdpr", "protected by gdpr", "restricted by gdpr",
	"not displayed due to", "not shown, please visit", "for web based whois", "for webbased whois", "hidden! details",
	"not displayed for privacy", "contact the registrar listed above", "redacted | ", "select contact domain holder",
	"select request email form", "hidden for gdpr", "removed for privacy", "removed due to gdpr", "concealed for privacy",
	"non-disclosed", "privacy protected by registry", "obscured for privacy", "data not disclosed", "hidden by registry",
	"visit the web-based whois", "for the web-based whois", "whois data protection", "available on request", "not published", "withheld by",
)

// proxyNames are names of privacy and proxy services, as their registrations
// show them. Lower case.
var proxyNames = newPhrases(
	"domains by proxy", "domainsbyproxy", "registration private", "whoisguard", "withheld for privacy", "privacy protect, llc",
	"privacyprotect.org", "privacy protect llc", "contact privacy inc", "whois privacy", "privacyguardian", "privacy guardian",
	"perfect privacy, llc", "perfect privacy llc", "super privacy service", "domain privacy service", "domain protection services",
	"private by design", "anonymize, inc", "anonymize inc", "proxy protection llc", "identity protection service",
	"identity protect limited", "moniker privacy services", "privacydotlink", "privacy service provided by", "domain privacy guard",
	"global domain privacy", "whoisprotection", "whois protection service", "whois proxy", "whoisproxy", "see privacyguardian",
	"1&1 internet privacy", "domain privacy trustee", "privacy hero inc", "jewella privacy", "domain proxy service", "whoissecure",
	"id shield service", "c/o whoisproxy", " privacy service", "knock knock whois not there", "private whois", "whois agent",
	"obfuscated whois",
)

// phrases are texts that are looked for together, by their first octets.
type phrases [256][]string

func newPhrases(list ...string) *phrases {
	p := new(phrases)
	for _, s := range list {
		p[s[0]] = append(p[s[0]], s)
	}
	return p
}

// in says whether one of the phrases stands in v.
func (p *phrases) in(v string) bool {
	for i := range len(v) {
		for _, s := range p[v[i]] {
			if strings.HasPrefix(v[i:], s) {
				return true
			}
		}
	}
	return false
}

// proxyDomains are mail domains of privacy and proxy services.
var proxyDomains = [...]string{
	"domainsbyproxy.com", "privacyprotect.org", "whoisguard.com", "withheldforprivacy.com", "contactprivacy.com", "contactprivacy.email",
	"privacyguardian.org", "whoisprivacyprotect.com", "protecteddomainservices.com", "whoisprivacyservice.org", "proxy.dreamhost.com",
	"superprivacyservice.com", "whoisprotection.cc", "anonymize.com", "privatebydesign.com", "identity-protect.org",
	"whoisproxy.org", "perfectprivacy.com", "privacy.link",
}

// hasTrigger says whether s has a word without which no phrase above matches.
// It allocates nothing, because nearly every value has none.
func hasTrigger(s string) bool {
	for i := 0; i < len(s); {
		if !letters[s[i]] {
			i++
			continue
		}
		start := i
		for i < len(s) && letters[s[i]] {
			i++
		}
		w := s[start:min(i, start+maxTrigger)]
		if triggerStarts[len(w)]&(1<<(w[0]&31)) == 0 {
			continue
		}
		var low [maxTrigger]byte
		for j := range len(w) {
			low[j] = w[j] | 0x20
		}
		if triggers[string(low[:len(w)])] {
			return true
		}
	}
	return false
}

// maxTrigger is how much of a word is looked at, in octets.
const maxTrigger = 16

var triggers = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range [...]string{"redacted", "masked", "masking", "hidden", "private", "withheld", "undisclosed", "restricted", "disclosed",
		"public", "protected", "gdpr", "displayed", "web", "webbased", "listed", "select", "removed", "concealed", "obscured", "published", "request", "registry", "shown", "personal", "publicly", "query", "proxy", "privacy",
		"domainsbyproxy", "whoisguard", "privacyprotect", "privacyguardian", "anonymize", "anonymised", "anonymized",
		"identity", "protection", "privacydotlink", "whoisprotection", "whois", "whoisproxy", "whoissecure", "shield",
		"contactprivacy", "withheldforpriva", "whoisprivacyprot", "protecteddomains", "whoisprivacyserv",
		"superprivacyserv", "privatebydesign", "perfectprivacy"} {
		m[w] = true
	}
	return m
}()

// triggerStarts are the first letters that triggers of a length have, as bits:
// nearly every word is told by it to be none.
var triggerStarts = func() (t [maxTrigger + 1]uint32) {
	for w := range triggers {
		t[len(w)] |= 1 << (w[0] & 31)
	}
	return t
}()

// letters are those of ASCII.
var letters = func() (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = true, true
	}
	return t
}()
