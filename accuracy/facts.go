package accuracy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"bailiwick/problem"
	"bailiwick/registration"
)

// Limits of a file of facts, and of the facts of one registration.
const (
	MaxFactsBytes = 256 << 20
	MaxFactsLines = 1_000_000
	MaxFactsLine  = 256 << 10
	MaxFacts      = 1000 // of each kind, of one registration
	maxFactText   = 2048
)

// factsLine is a line of a file of facts.
type factsLine struct {
	ID string `json:"id"`
	Facts
}

// ReadFacts reads what was observed of registrations: one JSON object a line,
// with the "id" of the registration (its name in A-labels, or a contact's
// handle) and the fields of Facts. Lines of one id add up. The error names the
// line and the field; what is not known is refused, so that nothing is passed
// over that was meant to count.
func ReadFacts(r io.Reader) (map[string]Facts, error) {
	out := map[string]Facts{}
	limited := &io.LimitedReader{R: r, N: MaxFactsBytes + 1}
	s := bufio.NewScanner(limited)
	s.Buffer(nil, MaxFactsLine)
	n := 0
	for s.Scan() {
		if n++; n > MaxFactsLines {
			return nil, problem.New(problem.TooLarge, "the facts have more than %d lines", MaxFactsLines)
		}
		raw := bytes.TrimSpace(bytes.TrimPrefix(s.Bytes(), []byte("\xEF\xBB\xBF")))
		if len(raw) == 0 {
			continue
		}
		var l factsLine
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return nil, problem.BadField(lineOf(n), "%s", jsonFault(err))
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, problem.BadField(lineOf(n), "holds more than one object")
		}
		if field, why := l.fault(); why != "" {
			return nil, problem.BadField(lineOf(n)+": "+field, "%s", why)
		}
		f, had := out[l.ID]
		if had {
			l.Facts = f.and(l.Facts)
			if field, why := l.fault(); why != "" {
				return nil, problem.BadField(lineOf(n)+": "+field, "with the lines before: %s", why)
			}
		}
		out[l.ID] = l.Facts
	}
	if limited.N <= 0 {
		return nil, problem.New(problem.TooLarge, "the facts are longer than %d octets", MaxFactsBytes)
	}
	if err := s.Err(); err == bufio.ErrTooLong {
		return nil, problem.BadField(lineOf(n+1), "is longer than %d octets", MaxFactsLine)
	} else if err != nil {
		return nil, problem.Wrap(err, problem.Unavailable, "the facts could not be read")
	}
	return out, nil
}

// jsonFault says what is wrong with a line, without what stands in it.
func jsonFault(err error) string {
	var wrong *json.UnmarshalTypeError
	var e *problem.Error
	switch {
	case errors.As(err, &wrong):
		return strings.TrimPrefix(wrong.Field, "Facts.") + " is a " + wrong.Value + " where another kind of value belongs"
	case errors.As(err, &e):
		return e.Detail
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return "the field " + quote(strings.TrimPrefix(err.Error(), "json: unknown field ")) + " is not known"
	}
	return "is no JSON object of facts, or holds a time that is none"
}

// and is And that may write into f's map.
func (f Facts) and(g Facts) Facts {
	for d, m := range g.Mail {
		if f.Mail == nil {
			f.Mail = map[string]MailFact{}
		}
		if old, had := f.Mail[d]; !had || !m.At.Before(old.At) {
			f.Mail[d] = m
		}
	}
	f.Answers = append(slices.Clip(f.Answers), g.Answers...)
	f.Uncollected = append(slices.Clip(f.Uncollected), g.Uncollected...)
	f.Verifications = append(slices.Clip(f.Verifications), g.Verifications...)
	f.Register = append(slices.Clip(f.Register), g.Register...)
	f.Inquiries = append(slices.Clip(f.Inquiries), g.Inquiries...)
	return f
}

// And gives the facts of both; of a mail domain, what was seen last.
func (f Facts) And(g Facts) Facts {
	if len(f.Mail) > 0 && len(g.Mail) > 0 { // f stays as it is
		f.Mail = maps.Clone(f.Mail)
	}
	return f.and(g)
}

// fault says what is wrong in a line, and where.
func (l *factsLine) fault() (field, why string) {
	var e [2]string
	bad := func(field, format string, args ...any) {
		if e[1] == "" {
			e = [2]string{field, fmt.Sprintf(format, args...)}
		}
	}
	text := func(field, v string, must bool) {
		switch {
		case v == "" && must:
			bad(field, "is missing")
		case len(v) > maxFactText || !utf8.ValidString(v):
			bad(field, "is over %d octets, or no text", maxFactText)
		}
	}
	word := func(field, v string, list ...string) {
		if !slices.Contains(list, v) {
			bad(field, "is none of %s", strings.Join(list, ", "))
		}
	}
	contact := func(field, v string) {
		role, ok := strings.CutPrefix(v, "contacts.")
		if !ok || role == "" || strings.Contains(role, ".") || len(role) > 64 {
			bad(field, "is no contact such as contacts.registrant")
		}
	}
	values := func(field string, m map[string]string) {
		if len(m) == 0 {
			bad(field, "are missing: which values is it about?")
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !slices.Contains(registration.ContactFields(), k) {
				bad(field+"."+quote(k), "is not a field of a contact")
			}
			text(field+"."+quote(k), m[k], false)
		}
	}
	text("id", l.ID, true)
	for _, k := range []struct {
		kind string
		n    int
	}{{"mail", len(l.Mail)}, {"answers", len(l.Answers)}, {"uncollected", len(l.Uncollected)}, {"verifications", len(l.Verifications)}, {"register", len(l.Register)}, {"inquiries", len(l.Inquiries)}} {
		if k.n > MaxFacts {
			bad(k.kind, "are more than %d", MaxFacts)
			return e[0], e[1]
		}
	}
	for i, a := range l.Answers {
		at := fmt.Sprintf("answers[%d].", i)
		text(at+"path", a.Path, true)
		text(at+"value", a.Value, true)
		word(at+"method", a.Method, "code", "bounce", "call", "post")
		if a.At.IsZero() {
			bad(at+"at", "is missing")
		}
	}
	for i, v := range l.Verifications {
		at := fmt.Sprintf("verifications[%d].", i)
		contact(at+"path", v.Path)
		if len(v.Claims) == 0 {
			bad(at+"claims", "are missing")
		}
		for _, c := range v.Claims {
			word(at+"claims", c, "name", "address", "email", "phone", "org_id", "identity")
		}
		values(at+"values", v.Values)
		word(at+"level", v.Level.String(), "V1", "V2", "V3")
		word(at+"method", v.Method, verifyMethods[:]...)
		word(at+"result", v.Result, "pass", "fail", "inconclusive")
		text(at+"verifier_id", v.Verifier, true)
		for _, x := range [...][2]string{{"evidence_type", v.Evidence}, {"trust_framework", v.Framework}, {"audit_ref", v.Audit}, {"reuses_ref", v.Reuses}, {"policy_id", v.Policy}} {
			text(at+x[0], x[1], false)
		}
		if v.Digest != "" && (len(v.Digest) != 64 || strings.Trim(v.Digest, "0123456789abcdef") != "") {
			bad(at+"evidence_digest", "is no digest of 64 hexadecimal digits; the evidence itself does not belong here")
		}
		if v.PerformedAt.IsZero() {
			bad(at+"performed_at", "is missing")
		}
		if !v.ValidUntil.IsZero() && v.ValidUntil.Before(v.PerformedAt) {
			bad(at+"valid_until", "lies before performed_at")
		}
	}
	for i, r := range l.Register {
		at := fmt.Sprintf("register[%d].", i)
		contact(at+"path", r.Path)
		text(at+"register", r.Register, true)
		text(at+"name", r.Name, true)
		text(at+"number", r.Number, false)
		text(at+"listed", r.Listed, false)
		text(at+"failure", r.Failure, false)
		if r.At.IsZero() {
			bad(at+"at", "is missing")
		}
	}
	for i, q := range l.Inquiries {
		at := fmt.Sprintf("inquiries[%d].", i)
		contact(at+"path", q.Path)
		word(at+"question", q.Question, "linked", "located", "confirmed")
		word(at+"answer", q.Answer, "yes", "no", "unclear")
		values(at+"values", q.Values)
		text(at+"by", q.By, true)
		if q.Faults < 0 || q.Faults > 100 {
			bad(at+"faults", "are not 0 to 100")
		}
		if q.At.IsZero() {
			bad(at+"at", "is missing")
		}
	}
	return e[0], e[1]
}
