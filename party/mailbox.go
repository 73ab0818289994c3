package party

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/name"
)

// Bounds on what is read as a mail address. The first two are those of
// RFC 5321 section 4.5.3.1; the others bound a hostile field.
const (
	maxLocal     = 64
	maxMailbox   = 254
	maxMailField = 2048
	maxMailTries = 16
)

// Mailbox finds the first valid mail address in a field as registries and
// registrars write them: one address, or several parted by commas, semicolons
// or spaces, each perhaps with "mailto:", in brackets or at the end of a
// sentence. It returns the address with its domain in lower-case A-labels;
// false if there is none.
//
// The shape is the dot-string form of RFC 5321 section 4.1.2 (RFC 6531 for
// letters outside ASCII). Broken UTF-8, quoted local parts, address literals
// and anything with a control character are refused: no abuse desk needs them
// and each is a way to smuggle.
func Mailbox(field string) (string, bool) {
	if len(field) > maxMailField || !utf8.ValidString(field) {
		return "", false
	}
	parts := strings.FieldsFunc(field, func(r rune) bool {
		return strings.ContainsRune(",;<>()[] \t\r\n\u00a0", r)
	})
	for i, p := range parts {
		if i == maxMailTries {
			break
		}
		if len(p) >= 7 && strings.EqualFold(p[:7], "mailto:") {
			p, _, _ = strings.Cut(p[7:], "?")
		}
		// A full stop at the end is the sentence's.
		if a, ok := mailbox(strings.TrimRight(p, ".")); ok {
			return a, true
		}
	}
	return "", false
}

// mailbox checks one address.
func mailbox(s string) (string, bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > maxLocal {
		return "", false
	}
	local := s[:at]
	if !dotString(local) {
		return "", false
	}
	d, err := name.Parse(s[at+1:])
	if err != nil {
		return "", false
	}
	out := local + "@" + d.String()
	return out, len(out) <= maxMailbox
}

// dotString says whether s is atoms parted by single dots.
func dotString(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if r < utf8.RuneSelf {
				if !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) {
					return false
				}
			} else if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) {
				return false
			}
		}
	}
	return true
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// domainOf is the domain of a valid mail address.
func domainOf(mailbox string) name.Domain {
	d, err := name.Parse(mailbox[strings.LastIndexByte(mailbox, '@')+1:])
	if err != nil {
		return name.Domain{}
	}
	return d
}

// sameMailbox compares addresses. Local parts differ by case on paper only;
// nobody wants the same notice twice.
func sameMailbox(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
