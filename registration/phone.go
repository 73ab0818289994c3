package registration

import "strings"

// Phone puts a telephone number into the one form kept in records: digits
// after "+" and, where the source had it (EPP, RFC 5733 section 2.5), a dot
// after the country code; an extension as ";ext=" (RFC 3966). It reads tel:
// URIs, and drops spaces, brackets and hyphens. A number without "+" stays
// without. ok is false when no number of 3 to 20 digits is there.
func Phone(s string) (number string, ok bool) {
	if kept(s) {
		return s, true
	}
	s = strings.TrimSpace(s)
	if len(s) > 256 {
		return "", false
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = strings.TrimSpace(s[4:])
	}
	var ext string
	main, params, has := strings.Cut(s, ";")
	if has {
		for p := range strings.SplitSeq(params, ";") {
			k, v, _ := strings.Cut(p, "=")
			if strings.EqualFold(strings.TrimSpace(k), "ext") {
				ext = onlyDigits(v)
			}
		}
	} else if i := strings.IndexAny(main, "xX"); i > 0 {
		before := strings.TrimRight(main[:i], " ,eE")
		after := strings.TrimLeft(main[i+1:], "tT. :")
		if d := onlyDigits(after); d != "" && len(d) == len(strings.TrimSpace(after)) {
			main, ext = before, d
		}
	}
	plus := strings.HasPrefix(main, "+")
	if plus {
		main = strings.Replace(main, "(0)", "", 1) // the trunk zero written for people at home
	}
	var b strings.Builder
	b.Grow(len(main) + 1)
	digits, dot := 0, false
	if plus {
		b.WriteByte('+')
	}
	for i := 0; i < len(main); i++ {
		switch c := main[i]; {
		case c >= '0' && c <= '9':
			digits++
			b.WriteByte(c)
		case c == '.' && plus && !dot && digits >= 1 && digits <= 3 && i+1 < len(main) && main[i+1] >= '0' && main[i+1] <= '9':
			dot = true
			b.WriteByte('.')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '@':
			return "", false
		}
	}
	if digits < 3 || digits > 20 {
		return "", false
	}
	if ext != "" && len(ext) <= 10 {
		b.WriteString(";ext=" + ext)
	}
	return b.String(), true
}

// kept says whether s is in the form of records already: most numbers are.
func kept(s string) bool {
	if len(s) < 4 || s[0] != '+' {
		return false
	}
	digits, dot := 0, false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !dot && digits >= 1 && digits <= 3:
			dot = true
		default:
			return false
		}
	}
	return digits >= 3 && digits <= 20 && s[len(s)-1] != '.'
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
