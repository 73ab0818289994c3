package evidence

import (
	"regexp"
	"strings"
)

// assignment is a statement that sends the browser to a fixed address:
// location = "…", location.href = '…', location.replace("…"), each also with
// window, self, top, parent or document before it. Go's regexp takes linear
// time.
var assignment = regexp.MustCompile(
	`^(?:(?:window|self|top|parent|document|globalThis)\s*\.\s*)*location\s*(?:\.\s*href\s*)?=\s*$` +
		`|^(?:(?:window|self|top|parent|document|globalThis)\s*\.\s*)*location\s*\.\s*(?:replace|assign)\s*\(\s*$`)

// wrapper is what may stand before a brace whose block runs by itself when the
// page is shown: a function called at once, a load handler, a timer.
var wrapper = regexp.MustCompile(
	`(?:setTimeout\s*\(\s*(?:async\s+)?(?:function\s*\w*\s*\(\s*\)|\(\s*\)\s*=>)` +
		`|onload\s*=\s*(?:function\s*\w*\s*\(\s*\w*\s*\)|\(\s*\w*\s*\)\s*=>)` +
		`|(?:DOMContentLoaded|load)["']\s*,\s*(?:function\s*\w*\s*\(\s*\w*\s*\)|\(\s*\w*\s*\)\s*=>)` +
		`|\$\s*\(\s*function\s*\(\s*\)|\.ready\s*\(\s*function\s*\(\s*\)` +
		`|[(!+]\s*function\s*\(\s*\)|\(\s*\(\s*\)\s*=>)\s*$`)

// scriptRedirect finds the address a script sends every visitor to, or "".
// It reads only what runs by itself, so that the handler of a button does not
// count, and only addresses written as one string: nothing is executed, and a
// condition's block is not taken.
func scriptRedirect(src string) string {
	const (
		behind = 160  // octets looked back at before a string or a brace
		checks = 5000 // matches tried; a script that needs more is not a simple one
		depth  = 64   // open braces
	)
	if !strings.Contains(src, "location") {
		return ""
	}
	tried := 0
	var open []bool // for each open brace: does its block run by itself?
	runs := true    // all open ones do
	statement := 0  // where the statement being read began
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '/':
			if i+1 >= len(src) {
				break
			}
			switch src[i+1] {
			case '/':
				n := strings.IndexByte(src[i:], '\n')
				if n < 0 {
					return ""
				}
				i += n
				statement = i + 1
			case '*':
				n := strings.Index(src[i+2:], "*/")
				if n < 0 {
					return ""
				}
				i += n + 3
				statement = i + 1
			}
		case '"', '\'', '`':
			text, end := stringAt(src, i)
			if end < 0 {
				return ""
			}
			before := strings.TrimSpace(src[max(statement, i-behind):i])
			if runs && (strings.HasSuffix(before, "=") || strings.HasSuffix(before, "(")) {
				tried++
				if assignment.MatchString(before) && !concatenated(src[end:]) {
					return text
				}
				if strings.HasSuffix(before, "setTimeout(") {
					if to := scriptRedirect(text); to != "" {
						return to
					}
				}
			}
			i = end - 1
		case '{':
			auto := false
			if before := strings.TrimRight(src[max(0, i-behind):i], " \t\r\n"); runs &&
				(strings.HasSuffix(before, ")") || strings.HasSuffix(before, "=>")) {
				tried++
				auto = wrapper.MatchString(before)
			}
			open = append(open, auto)
			runs = runs && auto
			statement = i + 1
		case '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
			runs = true
			for _, a := range open {
				runs = runs && a
			}
			statement = i + 1
		case ';':
			statement = i + 1
		case '\n':
			// A line ends a statement, except after what wants more: so that
			// "if (x)" on a line of its own keeps its hold on the next.
			if line := strings.TrimRight(src[max(0, i-behind):i], " \t\r"); !strings.HasSuffix(line, ")") &&
				!strings.HasSuffix(line, "=") && !strings.HasSuffix(line, "(") && !strings.HasSuffix(line, "else") {
				statement = i + 1
			}
		}
		if len(open) > depth || tried > checks {
			return ""
		}
	}
	return ""
}

// concatenated says whether the string before rest is only a part of an
// expression.
func concatenated(rest string) bool {
	rest = strings.TrimLeft(rest[:min(len(rest), 32)], " \t\r\n")
	return strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, ".")
}

// stringAt reads the JavaScript string that begins at src[i]. It returns its
// value and where the source goes on, or -1 if it does not end.
func stringAt(src string, i int) (string, int) {
	quote := src[i]
	var b strings.Builder
	for j := i + 1; j < len(src); j++ {
		switch c := src[j]; {
		case c == quote:
			return b.String(), j + 1
		case c == '\\' && j+1 < len(src):
			j++
			switch n := src[j]; {
			case n == 'x' && j+2 < len(src):
				if v, ok := hexadecimal(src[j+1 : j+3]); ok {
					b.WriteByte(v)
					j += 2
				}
			case n == 'u' && j+4 < len(src) && src[j+1:j+3] == "00":
				if v, ok := hexadecimal(src[j+3 : j+5]); ok {
					b.WriteByte(v)
					j += 4
				}
			case n == 'n' || n == 'r' || n == 't' || n == '\n':
			default:
				b.WriteByte(n)
			}
		case c == '\n' && quote != '`':
			return "", j + 1 // not a string after all (an apostrophe in a comment or a regular expression)
		default:
			if b.Len() < 4096 {
				b.WriteByte(c)
			}
		}
	}
	return "", -1
}

func hexadecimal(s string) (byte, bool) {
	var v byte
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case '0' <= s[i] && s[i] <= '9':
			v = v<<4 | (s[i] - '0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | (c - 'a' + 10)
		default:
			return 0, false
		}
	}
	return v, true
}
