package whois

import "strings"

// next cuts the first answer off a chain. Clients mark where the next one
// begins ("# whois.example.net", "[Querying whois.example.net]"); where they do
// not, a second line that names a domain begins one. server is whom a mark says
// that the rest is from.
func next(lines []line) (answer, rest []line, server string) {
	named := "" // the domain that this answer names
	pairs := 0
	for i := range lines {
		l := &lines[i]
		if i > 0 && boundary(l) {
			return lines[:i], lines[i+1:], markServer(l.text)
		}
		if l.kind != pairLine {
			continue
		}
		if l.meaning.what != domainName {
			if l.meaning.what != unknown && l.meaning.what != ignored {
				pairs++
			}
			continue
		}
		d := strings.ToLower(strings.TrimSuffix(firstWord(l.value), "."))
		switch {
		case d == "":
		case named == "":
			named = d
			pairs = 0
		case pairs >= 3 && strings.Contains(d, ".") && (d == named || !strings.Contains(named, ".")):
			// Begin at the line after the last blank one, unless it is far.
			j := i
			for j > 0 && i-j < 6 && !lines[j].gap && lines[j-1].indent == l.indent {
				j--
			}
			if j == 0 {
				j = i
			}
			return lines[:j], lines[j:], ""
		}
	}
	return lines, nil, ""
}

// markServer is the server that a client's mark names.
func markServer(t string) string {
	t = strings.Trim(t, "[]")
	for _, p := range [...]string{"Querying ", "Redirected to "} {
		t = strings.TrimPrefix(t, p)
	}
	h, ok := hostName(t)
	if !ok || !strings.Contains(h, ".") {
		return ""
	}
	return h
}

// bilingual says whether two answers are one in two languages, as .kr gives:
// about the same name, the first with labels in its own script and the second
// with English ones.
func bilingual(a, b []line) bool {
	x, y := domainLine(a), domainLine(b)
	if x == nil || y == nil || !strings.EqualFold(firstWord(x.value), firstWord(y.value)) {
		return false
	}
	return x.label[0] >= 0x80 && y.label[0] < 0x80
}

func domainLine(lines []line) *line {
	for i := range lines {
		if l := &lines[i]; l.kind == pairLine && l.meaning.what == domainName && l.value != "" {
			return l
		}
	}
	return nil
}

// boundary says whether a line is a client's mark between two answers.
func boundary(l *line) bool {
	t := l.text
	if l.kind == commentLine {
		return len(t) > 7 && len(t) < 80 && !strings.ContainsAny(t, " \t:/") && isServerName(t)
	}
	if t[0] != '[' || t[len(t)-1] != ']' || len(t) > 100 {
		return false
	}
	t = t[1 : len(t)-1]
	return isServerName(t) || strings.HasPrefix(t, "Querying ") || strings.HasPrefix(t, "Redirected to ")
}

// isServerName says whether s is the host name of a WHOIS server, as far as
// names go: they nearly all say so.
func isServerName(s string) bool {
	if !strings.Contains(s, "whois") && !strings.HasSuffix(s, "nic.") && !strings.HasPrefix(s, "nic.") && !strings.Contains(s, ".nic.") && !strings.HasPrefix(s, "kero.") {
		return false
	}
	_, ok := hostName(s)
	return ok && strings.Contains(s, ".")
}
