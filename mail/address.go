package mail

import (
	"strconv"
	"strings"
	"time"
)

const maxAddresses = 500

// Address is one address of a header field.
type Address struct {
	Name string // decoded, as the sender wrote it: anybody may write anything
	Addr string // local@domain; the domain in lower case
}

// Domain is what follows the last @, or "".
func (a Address) Domain() string {
	if i := strings.LastIndexByte(a.Addr, '@'); i >= 0 {
		return a.Addr[i+1:]
	}
	return ""
}

// Addresses reads the addresses of all fields of this name (RFC 5322 section
// 3.4, and what is written instead), at most 500. What holds no @ is left out.
func (h Header) Addresses(name string) []Address {
	var out []Address
	for i := range h.fields {
		if strings.EqualFold(h.fields[i].name, name) {
			out = h.addresses(out, string(unfold(h.fields[i].value)))
		}
	}
	return out
}

// addresses splits a list at its commas, outside of quotes, brackets and
// comments, before anything is decoded: an encoded word may hold a comma.
func (h Header) addresses(out []Address, v string) []Address {
	start, quoted, angle, comment := 0, false, false, 0
	for i := 0; i <= len(v) && len(out) < maxAddresses; i++ {
		if i < len(v) {
			switch c := v[i]; {
			case c == '\\' && (quoted || comment > 0):
				i++
				continue
			case c == '"' && comment == 0:
				quoted = !quoted
				continue
			case quoted:
				continue
			case c == '(':
				comment++
				continue
			case c == ')' && comment > 0:
				comment--
				continue
			case comment > 0:
				continue
			case c == '<':
				angle = true
				continue
			case c == '>':
				angle = false
				continue
			case c == ':' && !angle && strings.IndexByte(v[start:i], '@') < 0: // a group's name
				start = i + 1
				continue
			case c != ',' && c != ';' || angle:
				continue
			}
		}
		if a, ok := h.address(v[start:min(i, len(v))]); ok {
			out = append(out, a)
		}
		start = i + 1
	}
	return out
}

func (h Header) address(s string) (Address, bool) {
	s = strings.TrimSpace(s)
	var a Address
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		a.Name = s[:open]
		s = s[open+1:]
		if end := strings.IndexByte(s, '>'); end >= 0 {
			s = s[:end]
		}
	} else if open := strings.IndexByte(s, '('); open >= 0 {
		a.Name = strings.TrimSuffix(strings.TrimSpace(s[open+1:]), ")")
		s = s[:open]
	}
	a.Name = h.decode([]byte(unquote(strings.TrimSpace(a.Name))))
	a.Addr = cleanAddr(s)
	return a, a.Addr != ""
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if strings.IndexByte(s, '\\') >= 0 {
		s = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
	}
	return s
}

// cleanAddr is s as local@domain, or "".
func cleanAddr(s string) string {
	s = strings.Trim(strings.TrimSpace(s), "<>")
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 320 || strings.ContainsAny(s[at:], " \t<>(),;:\\\"[]") && s[at+1] != '[' {
		return ""
	}
	if s[0] != '"' && strings.ContainsAny(s[:at], " \t<>\x00\r\n") {
		return ""
	}
	return s[:at+1] + strings.ToLower(s[at+1:])
}

var months = map[string]time.Month{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}

var zones = map[string]int{"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "JST": 9, "MSK": 3, "CET": 1, "CEST": 2, "BST": 1}

// ParseDate reads a date (RFC 5322 section 3.3 and its older forms) as UTC;
// zero if it is none. A zone that is not known counts as UTC, as section 4.3
// asks.
func ParseDate(s string) time.Time {
	if i := strings.IndexByte(s, ','); i >= 0 {
		s = s[i+1:]
	}
	f := strings.Fields(s)
	if len(f) > 0 && len(f[0]) >= 3 && f[0][0] > '9' { // a weekday without a comma
		f = f[1:]
	}
	if len(f) == 1 {
		if t, err := time.Parse(time.RFC3339, f[0]); err == nil {
			return t.UTC()
		}
	}
	if len(f) < 4 || len(f[1]) < 3 {
		return time.Time{}
	}
	day, err1 := strconv.Atoi(f[0])
	month, ok := months[strings.ToLower(f[1][:3])]
	year, err2 := strconv.Atoi(f[2])
	if err1 != nil || err2 != nil || !ok || day < 1 || day > 31 || year < 0 || year > 9999 {
		return time.Time{}
	}
	switch {
	case year < 50:
		year += 2000
	case year < 1000:
		year += 1900
	}
	var clock [3]int
	for i, p := range strings.SplitN(f[3], ":", 3) {
		p, _, _ = strings.Cut(p, ".")
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 60 {
			return time.Time{}
		}
		clock[i] = n
	}
	offset := 0
	if len(f) > 4 {
		z := f[4]
		if len(z) == 5 && (z[0] == '+' || z[0] == '-') {
			if n, err := strconv.Atoi(z[1:]); err == nil && n < 2400 {
				offset = (n/100*60 + n%100) * 60
				if z[0] == '-' {
					offset = -offset
				}
			}
		} else {
			offset = zones[strings.ToUpper(z)] * 3600
		}
	}
	return time.Date(year, month, day, clock[0], clock[1], clock[2], 0, time.UTC).Add(-time.Duration(offset) * time.Second)
}
