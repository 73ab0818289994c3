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
	v := strings.ToLower(strings.Join(strings.Fields(value), " "))
	if at := strings.LastIndexByte(v, '@'); at >= 0 {
		return withheldEmail(v[:at], v[at+1:])
	}
	for _, p := range proxyNames {
		if strings.Contains(v, p) {
			return Proxy
		}
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
	for _, p := range redactedPhrases {
		if strings.Contains(v, p) {
			return Redacted
		}
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
var redactedPhrases = [...]string{
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
}

// proxyNames are names of privacy and proxy services, as their registrations
// show them. Lower case.
var proxyNames = [...]string{
	"domains by proxy", "domainsbyproxy", "registration private", "whoisguard", "withheld for privacy", "privacy protect, llc",
	"privacyprotect.org", "privacy protect llc", "contact privacy inc", "whois privacy", "privacyguardian", "privacy guardian",
	"perfect privacy, llc", "perfect privacy llc", "super privacy service", "domain privacy service", "domain protection services",
	"private by design", "anonymize, inc", "anonymize inc", "proxy protection llc", "identity protection service",
	"identity protect limited", "moniker privacy services", "privacydotlink", "privacy service provided by", "domain privacy guard",
	"global domain privacy", "whoisprotection", "whois protection service", "whois proxy", "whoisproxy", "see privacyguardian",
	"1&1 internet privacy", "domain privacy trustee", "privacy hero inc", "jewella privacy", "domain proxy service", "whoissecure",
	"id shield service", "c/o whoisproxy", " privacy service", "knock knock whois not there", "private whois", "whois agent",
	"obfuscated whois",
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
	var w [16]byte
	n := 0
	for i := 0; i <= len(s); i++ {
		var c byte
		if i < len(s) {
			c = s[i] | 0x20 // lower case for letters; others fall out below
		}
		if c >= 'a' && c <= 'z' {
			if n < len(w) {
				w[n] = c
			}
			n++
			continue
		}
		if n > 0 {
			if n > len(w) {
				n = len(w)
			}
			switch string(w[:n]) {
			case "redacted", "masked", "masking", "hidden", "private", "withheld", "undisclosed", "restricted", "disclosed",
				"public", "protected", "gdpr", "displayed", "web", "webbased", "listed", "select", "removed", "concealed", "obscured", "published", "request", "registry", "shown", "personal", "publicly", "query", "proxy", "privacy",
				"domainsbyproxy", "whoisguard", "privacyprotect", "privacyguardian", "anonymize", "anonymised", "anonymized",
				"identity", "protection", "privacydotlink", "whoisprotection", "whois", "whoisproxy", "whoissecure", "shield",
				"contactprivacy", "withheldforpriva", "whoisprivacyprot", "protecteddomains", "whoisprivacyserv",
				"superprivacyserv", "privatebydesign", "perfectprivacy":
				return true
			}
			n = 0
		}
	}
	return false
}
