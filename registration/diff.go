package registration

import (
	"slices"
	"strings"
	"time"
)

// ChangeKind says what happened to a field between two records.
type ChangeKind string

// The kinds of change.
const (
	FieldAdded   ChangeKind = "added"    // nothing was there, now there is a value
	FieldRemoved ChangeKind = "removed"  // there was something, now nothing, and nothing says why
	FieldChanged ChangeKind = "changed"  // another value, or withheld in another way
	FieldHidden  ChangeKind = "withheld" // redacted, or a proxy's now
	FieldShown   ChangeKind = "shown"    // was withheld, now there is a value
)

// Change is one difference between two records of one name. Of a list (the
// statuses, the name servers) each element that came or went is a change of
// its own.
type Change struct {
	Path string     `json:"path"` // as in Record.Fields; "state" for the state
	Kind ChangeKind `json:"kind"`
	// From and To are the values, dates as they are printed; "" where there is
	// none. For contacts they are personal data: see Personal.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Was and Is are the states of the field before and after.
	Was FieldState `json:"was,omitempty"`
	Is  FieldState `json:"is,omitempty"`
}

// Personal says whether From and To may be a person's data.
func (c Change) Personal() bool {
	return strings.HasPrefix(c.Path, "contacts.") && !strings.HasSuffix(c.Path, ".country")
}

// Scrub is the change without values that are a person's: that the name of the
// registrant changed, and not from what to what.
func (c Change) Scrub() Change {
	if c.Personal() {
		c.From, c.To = "", ""
	}
	return c
}

// diffPaths are the paths that are compared, in the order of the changes.
// "unicode" follows from "domain". Who was asked, when, in which words and with
// which findings is about the answer and not about the registration.
var diffPaths = func() []string {
	p := []string{
		"domain", "handle", "registrar.name", "registrar.iana_id", "registrar.url", "registrar.abuse_email", "registrar.abuse_phone",
		"created", "updated", "expires", "statuses", "nameservers", "dnssec",
	}
	for _, role := range contactRoles {
		for _, f := range contactFields {
			p = append(p, ContactPath(role, f))
		}
	}
	return p
}()

// Diff gives the changes from one record of a name to a later one, in the
// order state, domain, registrar, dates, statuses, name servers, contacts.
//
// No change is: the order of statuses or name servers; the case of names that
// have none; a date that is the same day with less precision; the way in which
// a telephone number is spaced; and everything about the answer itself (its
// date, server, findings, links). A record without a state changes nothing.
func Diff(old, new Record) []Change {
	if old.State == "" || new.State == "" {
		return nil
	}
	var out []Change
	if old.State != new.State {
		out = append(out, Change{Path: "state", Kind: FieldChanged, From: string(old.State), To: string(new.State)})
	}
	for _, path := range diffPaths {
		out = diffPath(out, path, &old, &new)
	}
	return out
}

// Same says whether Diff finds nothing.
func Same(a, b Record) bool { return a.State == b.State && len(Diff(a, b)) == 0 }

func diffPath(out []Change, path string, old, new *Record) []Change {
	a, b := old.Value(path), new.Value(path)
	was, is := old.FieldState(path), new.FieldState(path)
	if was == Present && is == Present {
		if list := lists[path]; list != nil {
			return diffList(out, path, list(old), list(new))
		}
		if equalAt(path, a, b, old, new) {
			return out
		}
		return append(out, Change{Path: path, Kind: FieldChanged, From: a, To: b, Was: was, Is: is})
	}
	if was == is && (is != Unparsed || old.Unread[path] == new.Unread[path]) {
		return out
	}
	c := Change{Path: path, Kind: FieldChanged, From: a, To: b, Was: was, Is: is}
	withheld := func(s FieldState) bool { return s == Redacted || s == Proxy }
	switch {
	case is == Absent:
		c.Kind = FieldRemoved
	case withheld(is) && !withheld(was):
		c.Kind = FieldHidden
	case withheld(was) && !withheld(is):
		c.Kind = FieldShown
	case was == Absent:
		c.Kind = FieldAdded
	}
	return append(out, c)
}

// lists are the fields that are sets: their order means nothing.
var lists = map[string]func(*Record) []string{
	"statuses":    func(r *Record) []string { return r.Statuses },
	"nameservers": func(r *Record) []string { return r.Nameservers },
}

func diffList(out []Change, path string, old, new []string) []Change {
	in := func(list []string, s string) bool {
		return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
	}
	for _, s := range sorted(old) {
		if !in(new, s) {
			out = append(out, Change{Path: path, Kind: FieldRemoved, From: s, Was: Present, Is: Present})
		}
	}
	for _, s := range sorted(new) {
		if !in(old, s) {
			out = append(out, Change{Path: path, Kind: FieldAdded, To: s, Was: Present, Is: Present})
		}
	}
	return out
}

// equalAt compares two values that are there.
func equalAt(path, a, b string, old, new *Record) bool {
	if a == b {
		return true
	}
	switch path {
	case "created":
		return sameDate(old.Created, new.Created)
	case "updated":
		return sameDate(old.Updated, new.Updated)
	case "expires":
		return sameDate(old.Expires, new.Expires)
	case "domain", "handle", "dnssec", "registrar.name", "registrar.url", "registrar.abuse_email":
		return strings.EqualFold(a, b)
	}
	if strings.HasSuffix(path, "phone") || strings.HasSuffix(path, ".fax") {
		return strings.ReplaceAll(a, ".", "") == strings.ReplaceAll(b, ".", "")
	}
	// The two protocols of one server write one value in more than one case.
	return old.SourceOf(path).Protocol != new.SourceOf(path).Protocol && strings.EqualFold(a, b)
}

// sameDate says whether two dates can be one moment: a day without a time is
// the day somewhere on Earth (UTC-12 to UTC+14).
func sameDate(a, b Date) bool {
	if a.DayOnly == b.DayOnly {
		return a.Equal(b.Time)
	}
	if b.DayOnly {
		a, b = b, a
	}
	d := b.Sub(a.Time)
	return d >= -14*time.Hour && d < 36*time.Hour
}

// Version is what was known of a name over a time in which nothing changed.
type Version struct {
	Number int       `json:"number"` // from 1; 0 is no version
	First  time.Time `json:"first"`  // the first answer that showed it
	Last   time.Time `json:"last"`   // the last one
	Record Record    `json:"record"`
}

// Step says what an answer does to a history.
type Step string

// The steps.
const (
	StepIgnored Step = "ignored" // it says nothing of the registration, or is older than the last one
	StepSeen    Step = "seen"    // nothing changed: only Last moves
	StepNew     Step = "new"     // a new version
)

// Next says what an answer heard at a time does to a history whose newest
// version is v; the zero Version begins one. It gives the version to keep: v
// itself when the answer is ignored, v with a later Last when nothing changed,
// or the new one.
//
// Answers that say nothing (throttled, error, unknown) make no version: that a
// server did not answer is not that the name is gone. One that says "available"
// after a registration does, and so does the registration after it.
//
// An answer is not always whole: the registrar may be silent while the registry
// answers, or WHOIS stand in for RDAP. What v's record has from a kind of
// server that was not heard this time is kept, with its source and the time it
// was read there, as long as it is the same registration (creation date and
// registrar). Else each failure of a server would be two changes.
func (v Version) Next(rec Record, at time.Time) (Version, Step) {
	if !rec.State.Tells() {
		return v, StepIgnored
	}
	if v.Number == 0 {
		return Version{Number: 1, First: at, Last: at, Record: rec}, StepNew
	}
	if at.Before(v.Last) {
		return v, StepIgnored
	}
	rec = keepUnheard(v.Record, rec)
	if Same(v.Record, rec) {
		v.Last = at
		return v, StepSeen
	}
	return Version{Number: v.Number + 1, First: at, Last: at, Record: rec}, StepNew
}

// keepUnheard gives rec with what only old has from servers that rec did not
// hear.
func keepUnheard(old, rec Record) Record {
	if old.State != Registered || rec.State != Registered || !sameRegistration(old, rec) {
		return rec
	}
	out, cloned := rec, false
	for _, path := range diffPaths {
		was := old.FieldState(path)
		if was == Absent {
			continue
		}
		src := old.SourceOf(path)
		if rec.heard(src) {
			continue
		}
		// The registry's word is not replaced by a registrar's that stands in.
		if is := rec.FieldState(path); is != Absent && (src.Role != "registry" || rec.SourceOf(path).Role == "registry") {
			continue
		}
		if !cloned {
			out, cloned = rec.clone(), true
		}
		out.take(path, old)
	}
	return out
}

// sameRegistration says whether two records can be of one registration at one
// registrar.
func sameRegistration(a, b Record) bool {
	if !a.Created.IsZero() && !b.Created.IsZero() && !sameDate(a.Created, b.Created) {
		return false
	}
	if a.Registrar.IANAID != "" && b.Registrar.IANAID != "" {
		return a.Registrar.IANAID == b.Registrar.IANAID
	}
	return a.Registrar.Name == "" || b.Registrar.Name == "" || strings.EqualFold(a.Registrar.Name, b.Registrar.Name)
}

// heard says whether a server of the same kind as src said something of the
// name in r. Where it is not known who was asked, everybody was.
func (r *Record) heard(src Source) bool {
	kind := func(s Source) bool { return s.Protocol == src.Protocol && s.Role == src.Role }
	if len(r.Answers) > 0 {
		return slices.ContainsFunc(r.Answers, func(a Answer) bool { return kind(a.Source) && a.State.Tells() })
	}
	return src.Protocol == "" || r.by().Protocol == "" || kind(r.by())
}

// take puts what from says at path into r, which shares nothing.
func (r *Record) take(path string, from Record) {
	delete(r.Fields, path)
	delete(r.Unread, path)
	delete(r.Given, path)
	if s, ok := from.Given[path]; ok {
		if r.Given == nil {
			r.Given = map[string]string{}
		}
		r.Given[path] = s
	}
	if s, ok := from.Fields[path]; ok {
		if r.Fields == nil {
			r.Fields = map[string]FieldState{}
		}
		r.Fields[path] = s
	}
	if s, ok := from.Unread[path]; ok {
		if r.Unread == nil {
			r.Unread = map[string]string{}
		}
		r.Unread[path] = s
	}
	switch path {
	case "created":
		r.Created = from.Created
	case "updated":
		r.Updated = from.Updated
	case "expires":
		r.Expires = from.Expires
	case "statuses":
		r.Statuses = slices.Clone(from.Statuses)
	case "nameservers":
		r.Nameservers = slices.Clone(from.Nameservers)
	case "domain":
		r.Domain, r.Unicode = from.Domain, from.Unicode
	case "handle":
		r.Handle = from.Handle
	case "dnssec":
		r.DNSSEC = from.DNSSEC
	case "registrar.name":
		r.Registrar.Name = from.Registrar.Name
	case "registrar.iana_id":
		r.Registrar.IANAID = from.Registrar.IANAID
	case "registrar.url":
		r.Registrar.URL = from.Registrar.URL
	case "registrar.abuse_email":
		r.Registrar.AbuseEmail = from.Registrar.AbuseEmail
	case "registrar.abuse_phone":
		r.Registrar.AbusePhone = from.Registrar.AbusePhone
	default:
		role, field, ok := strings.Cut(strings.TrimPrefix(path, "contacts."), ".")
		if !ok {
			return
		}
		c := r.Contacts[role]
		if field == "street" {
			c.Street = slices.Clone(from.Contacts[role].Street)
		} else {
			c.SetField(field, from.Contacts[role].Field(field))
		}
		switch {
		case !c.IsZero() && r.Contacts == nil:
			r.Contacts = map[string]Contact{role: c}
		case !c.IsZero():
			r.Contacts[role] = c
		default:
			delete(r.Contacts, role)
		}
	}
	if r.Sources == nil {
		r.Sources = map[string]Source{}
	}
	r.Sources[path] = from.SourceOf(path)
}

// History is the versions of one name, oldest first.
type History []Version

// Add gives the history with an answer heard at a time, and what the answer did.
// h is not changed.
func (h History) Add(rec Record, at time.Time) (History, Step) {
	var last Version
	if len(h) > 0 {
		last = h[len(h)-1]
	}
	next, step := last.Next(rec, at)
	switch step {
	case StepNew:
		return append(h[:len(h):len(h)], next), step
	case StepSeen:
		h = slices.Clone(h)
		h[len(h)-1] = next
	}
	return h, step
}

// At gives the version that held at a time: the newest that was first seen at
// or before it. ok is false when none was.
func (h History) At(t time.Time) (v Version, ok bool) {
	for _, x := range h {
		if x.First.After(t) {
			break
		}
		v, ok = x, true
	}
	return v, ok
}

// Changes gives what changed from the version before to the one at index i:
// nothing for the first.
func (h History) Changes(i int) []Change {
	if i <= 0 || i >= len(h) {
		return nil
	}
	return Diff(h[i-1].Record, h[i].Record)
}
