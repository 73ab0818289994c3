package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// base64Value gives the six bits of a base64 letter, of either alphabet; 0xFF
// for anything else.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// decodeBase64 keeps what decodes: line ends and foreign octets are skipped
// (RFC 2045 section 6.8), padding ends a group and not the text, for parts
// that were encoded piece by piece.
func decodeBase64(b []byte) []byte {
	out := make([]byte, 0, len(b)/4*3+3)
	var acc uint32
	n := 0
	for _, c := range b {
		v := base64Value[c]
		if v == 0xFF {
			if c == '=' {
				out = flush(out, acc, n)
				acc, n = 0, 0
			}
			continue
		}
		acc = acc<<6 | uint32(v)
		if n++; n == 4 {
			out = append(out, byte(acc>>16), byte(acc>>8), byte(acc))
			acc, n = 0, 0
		}
	}
	return flush(out, acc, n)
}

// flush writes the octets of a group of n letters.
func flush(out []byte, acc uint32, n int) []byte {
	switch n {
	case 2:
		out = append(out, byte(acc>>4))
	case 3:
		out = append(out, byte(acc>>10), byte(acc>>2))
	}
	return out
}

// decodeQuoted keeps what decodes (RFC 2045 section 6.7): an equals sign that
// begins nothing stays.
func decodeQuoted(b []byte) []byte {
	if bytes.IndexByte(b, '=') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c != '=' {
			out = append(out, c)
			continue
		}
		if i+2 < len(b) {
			if v, ok := unhex(b[i+1], b[i+2]); ok {
				out = append(out, v)
				i += 2
				continue
			}
		}
		// A soft line break, perhaps with white space a relay put there.
		j := i + 1
		for j < len(b) && (b[j] == ' ' || b[j] == '\t') {
			j++
		}
		if j < len(b) && b[j] == '\r' {
			j++
		}
		if j < len(b) && b[j] == '\n' {
			i = j
			continue
		}
		if j >= len(b) {
			break
		}
		out = append(out, c)
	}
	return out
}

func unhex(a, b byte) (byte, bool) {
	x, y := hexDigit(a), hexDigit(b)
	return x<<4 | y, x < 16 && y < 16
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xFF
}

// toUTF8 decodes b from charset. A character set that is not known, or not
// true, is guessed: UTF-8 if it is that, else Windows-1252.
func toUTF8(b []byte, charset string) string {
	if ascii(b) && !stateful(charset) {
		return string(b)
	}
	switch charset = strings.ToLower(strings.Trim(charset, " \"'")); charset {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "8bit":
		if utf8.Valid(b) {
			return string(b)
		}
		if charset == "utf-8" || charset == "utf8" {
			if bad := bytes.Count(bytes.ToValidUTF8(b, []byte{0}), []byte{0}); bad*20 < len(b) {
				return strings.ToValidUTF8(string(b), "\uFFFD")
			}
		}
		return windows1252(b)
	case "utf-7", "unicode-1-1-utf-7":
		return decodeUTF7(b)
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		if utf8.Valid(b) {
			return string(b)
		}
		return windows1252(b)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

func windows1252(b []byte) string {
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// stateful says whether octets under 128 of this set may mean something else.
func stateful(charset string) bool {
	switch len(charset) {
	case 0, 5, 8: // the lengths of "utf-8" and "us-ascii", which are nearly all
		if !strings.HasPrefix(charset, "utf-16") && !strings.HasPrefix(charset, "UTF-16") && !strings.HasPrefix(charset, "utf-7") && !strings.HasPrefix(charset, "UTF-7") {
			return false
		}
	}
	c := strings.ToLower(charset)
	return strings.HasPrefix(c, "iso-2022") || strings.HasPrefix(c, "utf-16") || strings.HasPrefix(c, "utf-7") || strings.HasPrefix(c, "unicode") ||
		strings.HasPrefix(c, "hz-") || c == "csiso2022jp" || strings.HasPrefix(c, "utf-32")
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// decodeUTF7 decodes RFC 2152; what does not decode stays as it is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i] & 0x7f)
			continue
		}
		j := i + 1
		for j < len(b) && base64Value[b[j]] != 0xFF && b[j] != '-' && b[j] != '_' {
			j++
		}
		if j == i+1 {
			out.WriteByte('+')
		}
		raw := decodeBase64(b[i+1 : j])
		for k := 0; k+1 < len(raw); k += 2 {
			out.WriteRune(rune(raw[k])<<8 | rune(raw[k+1]))
		}
		if j < len(b) && b[j] == '-' {
			j++
		}
		i = j - 1
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// textOf is data as text: decoded, line ends "\n", no NUL.
func textOf(data []byte, charset string) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		charset, data = "utf-16le", data[2:]
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		charset, data = "utf-16be", data[2:]
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	}
	s := toUTF8(data, charset)
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.ReplaceAll(s, "\r", "\n")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return s
}

// decodeWords decodes the encoded words in s (RFC 2047). Neighbours of one
// character set are decoded together: many senders cut within a character. A
// word that does not decode stays.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var pending []byte // octets of the words just read
	charset := ""
	gap := "" // white space since the last word
	end := func() {
		if pending != nil {
			out.WriteString(toUTF8(pending, charset))
			pending = nil
		}
	}
	for len(s) > 0 {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		between := s[:i]
		set, data, n := encodedWord(s[i:])
		if n == 0 {
			end()
			out.WriteString(gap + s[:i+2])
			gap = ""
			s = s[i+2:]
			continue
		}
		switch {
		case pending != nil && strings.Trim(between, " \t\r\n") == "":
			if !strings.EqualFold(set, charset) {
				end()
			}
		default:
			end()
			out.WriteString(between)
		}
		charset = set
		pending = append(pending, data...)
		if pending == nil {
			pending = []byte{}
		}
		s = s[i+n:]
	}
	end()
	out.WriteString(s)
	return out.String()
}

// encodedWord reads one encoded word at the start of s; n is its length, 0 if
// there is none.
func encodedWord(s string) (charset string, data []byte, n int) {
	rest := s[2:]
	q1 := strings.IndexByte(rest, '?')
	if q1 < 1 || q1 > 60 || q1+2 >= len(rest) || rest[q1+2] != '?' {
		return "", nil, 0
	}
	charset, _, _ = strings.Cut(rest[:q1], "*") // RFC 2231 adds a language
	text := rest[q1+3:]
	stop := strings.Index(text, "?=")
	if stop < 0 || stop > 4096 {
		return "", nil, 0
	}
	n = 2 + q1 + 3 + stop + 2
	switch rest[q1+1] | 0x20 {
	case 'b':
		return charset, decodeBase64([]byte(text[:stop])), n
	case 'q':
		return charset, decodeQuoted([]byte(strings.ReplaceAll(text[:stop], "_", " "))), n
	}
	return "", nil, 0
}
