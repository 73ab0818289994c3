package accuracy

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/name"
)

// Limits of a mail address, in octets (RFC 5321 section 4.5.3.1, with erratum
// 1690 for the whole).
const (
	maxLocal   = 64
	maxAddress = 254
)

// mailbox is a mail address in parts.
type mailbox struct {
	local  string
	domain string // A-labels, lower case; "" when there is none
	reason string // why it is not an address
	hidden bool
}

func (in *input) mailbox() *mailbox {
	if !in.memo.haveMail {
		in.memo.mail, in.memo.haveMail = parseMailbox(in.contact.Email), true
	}
	return &in.memo.mail
}

// parseMailbox reads the Mailbox of RFC 5321 section 4.1.2 with the extensions
// of RFC 6531 section 3.3: one address, with nothing around it.
func parseMailbox(s string) (m mailbox) {
	if len(s) > maxAddress {
		m.reason = "too-long"
		return m
	}
	if !utf8.ValidString(s) {
		m.reason = "not-utf8"
		return m
	}
	m.hidden = hidden(s)
	var domain string
	if strings.HasPrefix(s, `"`) {
		end := quotedEnd(s)
		if end < 0 {
			m.reason = "local-quotes"
			return m
		}
		m.local = s[:end]
		if domain = s[end:]; domain == "" || domain[0] != '@' {
			m.reason = "no-at"
			if domain != "" {
				m.reason = "local-quotes"
			}
			return m
		}
		domain = domain[1:]
	} else {
		at := strings.IndexByte(s, '@')
		if at < 0 {
			m.reason = "no-at"
			return m
		}
		m.local, domain = s[:at], s[at+1:]
		if m.reason = localFault(m.local); m.reason != "" && !strings.Contains(domain, "@") {
			return m
		}
	}
	switch {
	case strings.Contains(domain, "@"):
		m.reason = "many-at"
	case len(m.local) > maxLocal:
		m.reason = "local-long"
	default:
		m.domain, m.reason = mailDomain(domain)
	}
	return m
}

// quotedEnd is where the quoted string at the start of s ends, after its
// closing quote; -1 when it does not or holds what it may not.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
			if i >= len(s) || s[i] < ' ' || s[i] > '~' {
				return -1
			}
		case c < ' ' || c == 0x7f:
			return -1
		}
	}
	return -1
}

// localFault says what is wrong with a local part that is not quoted, a
// Dot-string.
func localFault(s string) string {
	switch {
	case s == "":
		return "local-empty"
	case len(s) > maxLocal:
		return "local-long"
	case s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, ".."):
		return "local-dots"
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < utf8.RuneSelf && !atext[c] && c != '.' {
			return "local-characters"
		}
	}
	return ""
}

// atext are the characters of an Atom (RFC 5322 section 3.2.3).
var atext = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		b := byte(c)
		t[c] = b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", b) >= 0
	}
	return t
}()

// mailDomain reads the domain of an address into A-labels.
func mailDomain(s string) (domain, reason string) {
	switch {
	case s == "":
		return "", "domain-empty"
	case s[0] == '[':
		return "", "domain-literal"
	case s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, ".."):
		return "", "domain-dots"
	case !strings.Contains(s, ".") && !strings.ContainsAny(s, "。．｡"):
		return "", "domain-single"
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "", "domain-literal"
	}
	if strings.ContainsAny(s, " \t_") { // package name forgives these to host names
		return "", "domain-characters"
	}
	// Each label within its length, before one message is made of every fault.
	for l := range strings.SplitSeq(s, ".") {
		if len(l) > 63 && isASCII(l) {
			return "", "domain-label-long"
		}
		if l[0] == '-' || l[len(l)-1] == '-' {
			return "", "domain-hyphen"
		}
	}
	d, err := name.Parse(s)
	if err != nil {
		return "", "domain-characters"
	}
	if strings.Contains(d.String(), "xn--") && !idna2008(d.Unicode()) {
		return d.String(), "domain-idna2008"
	}
	return d.String(), ""
}

// idna2008 says whether every character is one that IDNA2008 has in labels
// (RFC 5892 section 2.1, and the exceptions of appendix A that depend on their
// place): letters, marks and digits, no symbols. Package name reads what
// browsers do, which is more.
func idna2008(domain string) bool {
	for _, r := range domain {
		switch {
		case unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd):
		case strings.ContainsRune(".-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d\u06fd\u06fe\u0f0b\u3007", r):
		default:
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// tld is the last label.
func tld(domain string) string { return domain[strings.LastIndexByte(domain, '.')+1:] }

func emailChecks(o Options) []Check {
	return []Check{
		{
			ID: "email.present", Level: V1, Field: "email", Absent: true,
			About:   "There is a mail address.",
			Source:  "RAA 2013 section 3.3.1 and WAPS 1(a); ARS test E1 (our wording)",
			Reasons: map[string]string{"missing": "There is no mail address: add one that the contact reads."},
			run:     missing,
		},
		{
			ID: "email.syntax", Level: V1, Field: "email",
			About:  "The mail address is one: a local part, one @, a domain, each with the characters and lengths allowed.",
			Source: "RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5322 section 3.4.1, RFC 6531 section 3.3, RFC 5891; WAPS 1(b); ARS tests E2 to E4 (our wording)",
			Reasons: map[string]string{
				"no-at":                "There is no @: write the address as local-part@domain.",
				"many-at":              "There is more than one @ outside quotes: give one address only.",
				"too-long":             "The address is longer than 254 octets.",
				"not-utf8":             "The address is not valid UTF-8: send it again in UTF-8.",
				"local-empty":          "Nothing stands before the @.",
				"local-long":           "What stands before the @ is longer than 64 octets.",
				"local-dots":           "A dot before the @ stands at an end or beside another dot.",
				"local-characters":     "A character before the @ is not allowed there without quotes; a space, a bracket or a comma often comes from a name or a second address.",
				"local-quotes":         "The quotes before the @ do not close, or hold what they may not.",
				"domain-empty":         "Nothing stands after the @.",
				"domain-literal":       "A network address stands after the @: a domain name is needed.",
				"domain-dots":          "A dot after the @ stands at an end or beside another dot.",
				"domain-single":        "What stands after the @ has no dot: the top-level domain is missing.",
				"domain-label-long":    "A label of the domain is longer than 63 octets.",
				"domain-hyphen":        "A label of the domain begins or ends with a hyphen.",
				"domain-characters":    "A character of the domain is allowed in no domain name, or the name is too long.",
				"domain-idna2008":      "The domain has a character, such as a symbol, that IDNA2008 has in no domain name, though some registries sell it.",
				"invisible-characters": "The address has characters that cannot be seen: type it again.",
			},
			run: func(in *input) outcome {
				switch m := in.mailbox(); {
				case m.reason != "":
					return fail(m.reason, quote(in.value))
				case m.hidden:
					return warn("invisible-characters", quote(in.value))
				}
				return pass
			},
		},
		{
			ID: "email.tld", Level: V1, Field: "email",
			About:   "The domain of the mail address is under a top-level domain of the root zone.",
			Source:  "IANA's list of top-level domains; ARS test E5 (our wording)",
			Reasons: map[string]string{"tld-unknown": "No such top-level domain exists: correct the end of the address.", "no-list": "The list of top-level domains is not there."},
			run: func(in *input) outcome {
				m := in.mailbox()
				if m.domain == "" {
					return skip
				}
				if o.TLDs == nil {
					return untestable("no-list", "")
				}
				if known, _ := o.TLDs.IsGTLD(tld(m.domain)); !known {
					return fail("tld-unknown", quote(tld(m.domain)))
				}
				return pass
			},
		},
		{
			ID: "email.registered", Level: V2, Field: "email",
			About:   "The registered domain of the mail address exists.",
			Source:  "ARS test E6 (our wording)",
			Reasons: map[string]string{"not-registered": "The domain of the address is not registered: nobody can get mail there, and whoever registers it could."},
			run: func(in *input) outcome {
				f, o, ok := in.mailFact()
				switch {
				case !ok:
					return o
				case f.Registered == nil:
					return untestable(NoFact, "")
				case !*f.Registered:
					return outcome{result: Fail, reason: "not-registered", evidence: quote(in.mailbox().domain), at: f.At}
				}
				return outcome{result: Pass, evidence: quote(in.mailbox().domain), at: f.At}
			},
		},
		{
			ID: "email.mx", Level: V2, Field: "email",
			About:  "The domain of the mail address takes mail: it names a mail server, or else has an address of its own.",
			Source: "RFC 5321 section 5.1, RFC 7505; ARS test E6 (our wording)",
			Reasons: map[string]string{
				"null-mx":        "The domain says that it takes no mail (null MX).",
				"no-mail-server": "The domain has neither a mail server nor an address: mail to it cannot leave.",
				"not-registered": "The domain of the address is not registered.",
				"address-only":   "The domain names no mail server; mail goes to its own address, which seldom takes any.",
			},
			run: func(in *input) outcome {
				f, o, ok := in.mailFact()
				if !ok {
					return o
				}
				says := func(r Result, reason, evidence string) outcome {
					return outcome{result: r, reason: reason, evidence: quote(evidence), at: f.At}
				}
				servers := make([]string, 0, 4)
				for _, mx := range f.MX {
					if mx = strings.TrimSuffix(mx, "."); mx == "" {
						f.NullMX = true // the root as a server is how null MX is written
					} else if len(servers) < cap(servers) {
						servers = append(servers, mx)
					}
				}
				domain := in.mailbox().domain
				switch {
				case len(servers) > 0: // beside a null MX, which must stand alone (RFC 7505 section 3), they are asked
					return says(Pass, "", strings.Join(servers, " "))
				case f.NullMX:
					return says(Fail, "null-mx", domain)
				case f.Registered != nil && !*f.Registered:
					return says(Fail, "not-registered", domain)
				case f.Address:
					return says(Pass, "address-only", domain)
				}
				return says(Fail, "no-mail-server", domain)
			},
		},
		{
			ID: "email.answered", Level: V2, Field: "email",
			About:   "Somebody at the mail address has answered, and nothing that was sent later came back.",
			Source:  "WAPS 1(f)(i); ARS: a message is accepted and does not bounce in 7 days (our wording)",
			Reasons: map[string]string{"no-answer": "What was sent last came back, or was not answered in time: ask the contact for an address that works."},
			run:     answered,
		},
	}
}

// mailFact gives what was seen of the address's domain, or else what the check
// says.
func (in *input) mailFact() (f MailFact, o outcome, ok bool) {
	m := in.mailbox()
	if m.domain == "" {
		return f, skip, false // no address: email.syntax says so
	}
	f, ok = in.Facts.Mail[m.domain]
	switch {
	case !ok:
		return f, untestable(NoFact, ""), false
	case f.Failure != "":
		return f, outcome{result: Untestable, reason: NoFact, evidence: quote(f.Failure), at: f.At}, false
	}
	return f, o, true
}
