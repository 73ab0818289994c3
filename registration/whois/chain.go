package whois

import (
	"slices"
	"strings"
	"time"

	"bailiwick/registration"
)

// next cuts the first answer off a chain. Clients mark where the next one
// begins ("# whois.example.net", "[Querying whois.example.net]"); where they do
// not, a second line that names a domain begins one. server is whom a mark says
// that the rest is from. In what one server said (printed is false) nothing is a
// mark: who registered a name writes lines of it.
func next(lines []line, printed bool) (answer, rest []line, server string) {
	named := ""  // the domain that this answer names
	var at int16 // its line's indent
	pairs := 0
	for i := range lines {
		l := &lines[i]
		if i > 0 && printed && l.indent == 0 && boundary(l) {
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
		d := strings.TrimSuffix(firstWord(l.value), ".")
		switch {
		case d == "":
		case named == "":
			named, at = d, l.indent
			pairs = 0
		case l.indent > at: // within a block of this answer
		case pairs >= 3 && strings.Contains(d, ".") && (strings.EqualFold(d, named) || !strings.Contains(named, ".")):
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
		return len(t) > 7 && len(t) < 80 && strings.IndexByte(t, ' ') < 0 && !strings.ContainsAny(t, "\t:/") && isServerName(t)
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

// chained joins the answers of one printed chain: the registry's, and the
// registrar's that a client fetched because the registry referred to it.
//
// registration.Merge joins what was asked of each, and there the registry goes
// first. In a chain the second answer is the one that the first sent the reader
// to, so it goes first for what a registrar keeps itself: its own name and
// abuse contact, its customer's contacts, and when it last changed them (the
// registry's date of change moves with renewals and its own bookkeeping, too).
// Of two creation dates the earlier is shown, because a registry that moved to
// another system dates its names from the move; of two that are the same day,
// the one with a time. The registry's word stays for the state, the expiry, the
// statuses, the name servers and DNSSEC, which it alone puts into force. Where
// the values differ a finding says so.
func chained(registry, registrar registration.Record) registration.Record {
	if registry.State != registration.Registered || registrar.State != registration.Registered || registry.Domain != registrar.Domain {
		return registration.Merge(registry, registrar)
	}
	r, own := &registry.Registrar, &registrar.Registrar
	if own.AbuseEmail != "" || own.AbusePhone != "" {
		r.AbuseEmail, r.AbusePhone = "", ""
	}
	var differ []string
	if own.Name != "" {
		if r.Name != "" && !strings.EqualFold(r.Name, own.Name) {
			differ = append(differ, "registrar.name")
		}
		r.Name = ""
	}
	if !registrar.Updated.IsZero() {
		registry.Updated = registration.Date{}
	}
	if a, b := registry.Created, registrar.Created; !a.IsZero() && !b.IsZero() {
		if b.Before(a.Add(-24 * time.Hour)) {
			differ = append(differ, "created")
			registry.Created = registration.Date{}
		} else if finer(a, b) {
			registry.Created = registration.Date{}
		}
	}
	if a, b := registry.Expires, registrar.Expires; finer(a, b) {
		registry.Expires = registration.Date{}
	}
	for role, theirs := range registrar.Contacts {
		c, ok := registry.Contacts[role]
		if !ok {
			continue
		}
		for _, f := range registration.ContactFields() {
			if b := theirs.Field(f); b != "" {
				if a := c.Field(f); a != "" && !strings.EqualFold(a, b) {
					differ = append(differ, registration.ContactPath(role, f))
				}
				c.SetField(f, "")
			}
		}
		registry.Contacts[role] = c
	}
	slices.Sort(differ)
	rec := registration.Merge(registry, registrar)
	for _, path := range differ {
		if len(rec.Findings) == registration.MaxFindings {
			break
		}
		rec.Findings = append(rec.Findings, registration.Finding{ID: "merge.conflict", Severity: registration.Advice, Path: path, Source: "registrar",
			Detail: "the registry's and the registrar's values differ; the registrar's is shown"})
	}
	return rec
}

// finer says whether b is the same day as a, with a time that a lacks.
func finer(a, b registration.Date) bool {
	return a.DayOnly && !b.DayOnly && !b.IsZero() && a.Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}
