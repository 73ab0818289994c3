package whois

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// charsets are the names that a profile may give.
var charsets = map[string]encoding.Encoding{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"windows-1253": charmap.Windows1253, "windows-1254": charmap.Windows1254, "windows-1255": charmap.Windows1255,
	"windows-1256": charmap.Windows1256, "windows-1257": charmap.Windows1257, "windows-1258": charmap.Windows1258,
	"windows-874": charmap.Windows874,
	// ISO 8859-1 is read as Windows-1252, which has characters where the
	// other has controls.
	"iso-8859-1": charmap.Windows1252, "iso-8859-2": charmap.ISO8859_2, "iso-8859-9": charmap.Windows1254, "iso-8859-15": charmap.ISO8859_15,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U,
	"shift_jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "iso-2022-jp": japanese.ISO2022JP,
	"euc-kr": korean.EUCKR, "gb18030": simplifiedchinese.GB18030, "big5": traditionalchinese.Big5,
}

// text gives an answer as UTF-8. RFC 3912 names no character set, so it is
// told by content: a byte order mark, the escapes of ISO 2022, UTF-8 that
// holds, else the registry's own (hint, from its profile) and else the set in
// which the octets make the most sense.
func text(raw []byte, hint string) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")):
		return string(raw[3:])
	case bytes.HasPrefix(raw, []byte("\xFE\xFF")), bytes.HasPrefix(raw, []byte("\xFF\xFE")):
		return decode(raw, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	}
	if i := bytes.IndexByte(raw, 0x1B); i >= 0 && i+1 < len(raw) && (raw[i+1] == '$' || raw[i+1] == '(') {
		return decode(raw, japanese.ISO2022JP)
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	if mostlyUTF8(raw) {
		return mixed(raw, hint)
	}
	if e := charsets[hint]; e != nil {
		return decode(raw, e)
	}
	return decode(raw, guess(raw))
}

func decode(raw []byte, e encoding.Encoding) string {
	b, err := e.NewDecoder().Bytes(raw)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// maxMixed is how many lines of an answer are decoded one by one.
const maxMixed = 256

// untagged takes the marks of HTML out of a text that has line breaks of it, as
// when a server answers with a piece of its page.
func untagged(s string) string {
	first := strings.IndexByte(s, '<')
	if first < 0 {
		return s
	}
	if t := s[first:]; !strings.Contains(t, "<br") && !strings.Contains(t, "<BR") && !strings.Contains(t, "</") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		j := strings.IndexByte(s[:min(len(s), 256)], '>')
		if j < 2 || !isLetter(s[1]) && s[1] != '/' || strings.IndexByte(s[:j], '@') >= 0 || strings.IndexByte(s[:j], '\n') >= 0 {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		if tag := s[:j]; len(tag) > 2 && strings.EqualFold(tag[:3], "<br") && !strings.HasPrefix(s[j+1:], "\n") && !strings.HasPrefix(s[j+1:], "\r") {
			b.WriteByte('\n')
		}
		s = s[j+1:]
	}
	b.WriteString(s)
	return html.UnescapeString(b.String())
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// mixed gives UTF-8 of which some lines are in another set, as when a registry
// passes on what it was given, or an answer is cut.
func mixed(raw []byte, hint string) string {
	out := make([]byte, 0, len(raw)+64)
	others := 0
	for l := range bytes.Lines(raw) {
		switch e := charsets[hint]; {
		case utf8.Valid(l), mostlyUTF8(l), others == maxMixed: // of one that holds but for an octet, that is lost
			out = append(out, l...)
		case e != nil:
			out = append(out, decode(l, e)...)
			others++
		default:
			others++
			out = append(out, decode(l, guess(l))...)
		}
	}
	return string(out)
}

// mostlyUTF8 says whether raw is UTF-8 with a few broken octets. Octets of
// another set rarely make a character of UTF-8 by chance.
func mostlyUTF8(raw []byte) bool {
	good, bad := 0, 0
	for len(raw) > 0 {
		if raw[0] < utf8.RuneSelf {
			raw = raw[1:]
			continue
		}
		r, n := utf8.DecodeRune(raw)
		if r == utf8.RuneError && n <= 1 {
			bad++
		} else {
			good++
		}
		raw = raw[n:]
	}
	return good > 0 && good >= bad
}

// guess picks the character set of octets that are not UTF-8. Multi-byte sets
// have their high octets in pairs; of the others Cyrillic fills words with
// them and Latin has one here and there.
func guess(raw []byte) encoding.Encoding {
	var (
		high, runs, evenRuns, longest int
		lead                          [256]int
		lower1251, lowerKOI           int
		lowTrail                      int // a high octet followed by a letter-like low one
	)
	for i := 0; i < len(raw); {
		if raw[i] < 0x80 {
			i++
			continue
		}
		j := i
		for j < len(raw) && raw[j] >= 0x80 {
			switch c := raw[j]; {
			case c >= 0xE0:
				lower1251++
			case c >= 0xC0:
				lowerKOI++
			}
			if (j-i)%2 == 0 {
				lead[raw[j]]++
			}
			j++
		}
		high += j - i
		runs++
		if (j-i)%2 == 0 {
			evenRuns++
		} else if j < len(raw) && raw[j] >= 0x40 && raw[j] < 0x7F {
			lowTrail++
		}
		longest = max(longest, j-i)
		i = j
	}
	sum := func(from, to int) (n int) {
		for c := from; c <= to; c++ {
			n += lead[c]
		}
		return n
	}
	if runs > 0 && evenRuns*10 >= runs*9 && longest >= 4 && high >= 2*runs {
		pairs := sum(0x80, 0xFF)
		switch {
		case sum(0xA4, 0xA5)*4 > pairs: // kana
			return japanese.EUCJP
		case sum(0xB0, 0xC8)*10 > pairs*9: // hangul
			return korean.EUCKR
		case sum(0xB0, 0xF7)*10 > pairs*8: // hanzi
			// Cyrillic words of even length look so too, but not all of them.
			if lower1251+lowerKOI < high*9/10 {
				return simplifiedchinese.GB18030
			}
		}
	}
	if lead[0x82]+lead[0x83] > high/8 && runs > 0 { // kana of Shift JIS
		return japanese.ShiftJIS
	}
	if lowTrail*5 > runs && longest > 1 && sum(0xA4, 0xC6)*2 > sum(0x80, 0xFF) {
		return traditionalchinese.Big5
	}
	if high >= 4*runs && high > 8 {
		if lowerKOI > lower1251 {
			return charmap.KOI8R
		}
		return charmap.Windows1251
	}
	return charmap.Windows1252
}
