package mail

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

const maxParams = 40

// contentType reads a Content-Type or Content-Disposition value (RFC 2045
// section 5.1) with the parameters of RFC 2231, and forgives what is usual:
// no quotes where they are due, a missing semicolon's worth of white space, a
// trailing semicolon, comments. A repeated parameter counts once, the first.
func contentType(v string) (mt string, params map[string]string) {
	v = strings.TrimSpace(v)
	if v == "" {
		return "", nil
	}
	i := strings.IndexAny(v, "; \t(,")
	if i < 0 {
		return typeName(v), nil
	}
	mt = typeName(v[:i])
	rest := v[i:]
	var pieces map[string]string // names with a star
	for n := 0; n < maxParams; n++ {
		rest = skipComment(rest)
		if rest == "" {
			break
		}
		name, value, after, ok := parameter(rest)
		if !ok {
			break
		}
		rest = after
		if name == "" {
			continue
		}
		if strings.IndexByte(name, '*') >= 0 {
			if pieces == nil {
				pieces = map[string]string{}
			}
			pieces[name] = value
			continue
		}
		if params == nil {
			params = make(map[string]string, 4)
		}
		if _, twice := params[name]; !twice {
			params[name] = value
		}
	}
	if pieces != nil {
		if params == nil {
			params = map[string]string{}
		}
		joinPieces(params, pieces)
	}
	return mt, params
}

func typeName(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	slash := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/':
			slash++
		case c <= 0x20 || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"[]?=", c) >= 0:
			return ""
		}
	}
	if slash != 1 || s[0] == '/' || s[len(s)-1] == '/' {
		if s == "text" { // of programs from before MIME
			return "text/plain"
		}
		return ""
	}
	return s
}

// skipComment drops separators and comments.
func skipComment(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n;,")
		if !strings.HasPrefix(s, "(") {
			return s
		}
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return ""
		}
		s = s[end+1:]
	}
}

// parameter reads name=value at the start of s.
func parameter(s string) (name, value, rest string, ok bool) {
	stop := strings.IndexAny(s, "=;")
	if stop < 0 {
		return "", "", "", false
	}
	if s[stop] == ';' { // a word alone
		return "", "", s[stop+1:], true
	}
	name = strings.ToLower(strings.TrimSpace(s[:stop]))
	s = strings.TrimLeft(s[stop+1:], " \t\r\n")
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, "; \t\r\n")
		if end < 0 {
			end = len(s)
		}
		// White space inside an unquoted value is a mistake that boundaries and
		// file names make: it ends the value unless no parameter follows.
		if end < len(s) && s[end] != ';' {
			if semi := strings.IndexByte(s, ';'); semi < 0 && strings.IndexByte(s[end:], '=') < 0 && strings.IndexByte(s[end:], '(') < 0 {
				end = len(s)
			} else if semi > 0 && strings.IndexByte(s[end:semi], '=') < 0 && strings.IndexByte(s[end:semi], '(') < 0 {
				end = semi
			}
		}
		return name, strings.TrimSpace(s[:end]), s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '"':
			return name, b.String(), s[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return name, b.String(), "", true // the quote is not closed
}

// joinPieces joins what RFC 2231 lets a sender divide (name*0, name*1*) and
// decodes what it lets a sender encode (name*=utf-8'en'%41).
func joinPieces(params, pieces map[string]string) {
	type piece struct {
		n       int
		value   string
		encoded bool
	}
	byName := map[string][]piece{}
	for k, v := range pieces {
		base, tail, _ := strings.Cut(k, "*")
		encoded := tail == "" || strings.HasSuffix(tail, "*")
		n, _ := strconv.Atoi(strings.TrimSuffix(tail, "*"))
		byName[base] = append(byName[base], piece{n, v, encoded})
	}
	for base, list := range byName {
		sort.Slice(list, func(i, j int) bool { return list[i].n < list[j].n })
		charset, out := "", []byte(nil)
		for i, p := range list {
			v := p.value
			if p.encoded {
				if i == 0 {
					if set, rest, ok := strings.Cut(v, "'"); ok {
						if _, text, ok := strings.Cut(rest, "'"); ok {
							charset, v = set, text
						}
					}
				}
				if dec, err := url.PathUnescape(v); err == nil {
					v = dec
				}
			}
			out = append(out, v...)
		}
		params[base] = toUTF8(out, charset)
	}
}

// fileName is a file name as text of one line; encoded words are not allowed
// there, and common.
func (h Header) fileName(s string) string {
	if s == "" {
		return ""
	}
	return h.decode([]byte(s))
}
