package registration

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// MaxFindings is how many findings one record keeps.
const MaxFindings = 256

// Merge joins two answers about one name: what the registry said and what the
// registrar said, or RDAP's answer and WHOIS's of one server. The first goes
// before the second; MergeAll puts any number of answers in order.
//
// The first wins for the state, the domain, the handle, the registrar and its
// IANA ID, the dates (the expiry is the registry's), the statuses, the name
// servers and DNSSEC. The second fills what the first lacks: above all the
// contacts and the abuse contact. A field that one withholds and the other
// shows is shown; of two ways of withholding, that a proxy stands in says more.
// Where both have a value and the values differ, the first's stays and a
// finding "merge.conflict" names the field, but not the values when they are a
// person's.
//
// No registrar is put together from two: where the second names another one, by
// name or IANA ID, nothing of its registrar is taken, the abuse contact neither.
//
// No contact is put together from two people: where the name or the
// organisation differ, the first's contact stays as it is, and where two
// addresses differ, one is shown whole: the one that says more.
//
// The second answer is left aside, with a finding, when it is about another
// name or has another state than the first. It stands in for the first when
// that one failed, was throttled or is not known; a registrar's stands in only
// when it shows a registration, because that a registrar does not have a name
// is not that nobody has.
//
// Sources names the second answer for each field taken from it, Answers lists
// both, and each finding says whose answer it is about. Merging the same answer
// again changes nothing.
func Merge(registry, registrar Record) Record {
	if registrar.State == "" {
		return registry.clone()
	}
	first, second := registry.by(), registrar.by()
	who := pair(first, second)
	m := registry.clone()
	switch registry.State {
	case "", Failed, Throttled, Unknown:
		if registrar.State == Registered || first.Role == second.Role && first.Role != "" && registrar.State.Tells() {
			m = registrar.clone()
			m.attribute(who.secondRole)
			m.find(Finding{ID: "merge.registry-unheard", Severity: Advice, Source: who.firstRole,
				Detail: fmt.Sprintf("%s's answer is %q; %s's stands in", who.first, registry.State, who.second)})
			m.answers(registry, registrar)
			return m
		}
	}
	m.attribute(who.firstRole)
	m.answers(registry, registrar)
	if registrar.State != Registered || registry.State != Registered {
		if registrar.State != registry.State {
			m.find(Finding{ID: "merge.state", Severity: Advice, Path: "state", Source: who.secondRole,
				Detail: fmt.Sprintf("%s says %s, %s %s", who.first, registry.State, who.second, registrar.State)})
		}
		return m
	}
	if registry.Domain != "" && registrar.Domain != "" && registry.Domain != registrar.Domain {
		theirs := registrar
		theirs.State = Unknown
		m.answers(registry, theirs)
		m.find(Finding{ID: "merge.other-name", Severity: Must, Path: "domain", Source: who.secondRole,
			Detail: fmt.Sprintf("%s answered about %s, %s about %s, which is left aside", who.first, registry.Domain, who.second, registrar.Domain)})
		return m
	}

	from := func(path string) {
		if m.Sources == nil {
			m.Sources = map[string]Source{}
		}
		m.Sources[path] = registrar.SourceOf(path)
	}
	text := func(path string, dst *string, src string, fold bool) {
		switch {
		case src == "":
		case *dst == "":
			*dst = src
			from(path)
		case *dst == src, fold && strings.EqualFold(*dst, src):
		default:
			m.conflict(who, path, *dst, src)
		}
	}
	date := func(path string, dst *Date, src Date, slack time.Duration) {
		switch {
		case src.IsZero():
		case dst.IsZero():
			*dst = src
			from(path)
		case dst.Sub(src.Time).Abs() > slack && !sameDate(*dst, src):
			m.conflict(who, path, dst.String(), src.String())
		}
	}
	list := func(path string, dst *[]string, src []string) {
		switch {
		case len(src) == 0:
		case len(*dst) == 0:
			*dst = slices.Clone(src)
			from(path)
		case !slices.Equal(sorted(*dst), sorted(src)):
			m.conflict(who, path, strings.Join(*dst, " "), strings.Join(src, " "))
		}
	}

	text("domain", &m.Domain, registrar.Domain, false)
	text("unicode", &m.Unicode, registrar.Unicode, false)
	text("handle", &m.Handle, registrar.Handle, true)
	// Who the registrar is decides who is asked to act. So no registrar is put
	// together from two: what is said of another one stays with that one.
	ours, theirs := m.Registrar, registrar.Registrar
	if anotherRegistrar(ours, theirs) {
		for _, f := range [...]struct{ path, ours, theirs string }{{"registrar.name", ours.Name, theirs.Name}, {"registrar.iana_id", ours.IANAID, theirs.IANAID}} {
			if f.theirs != "" && !strings.EqualFold(f.ours, f.theirs) {
				m.conflict(who, f.path, cmp.Or(f.ours, "nothing"), f.theirs)
			}
		}
	} else {
		text("registrar.name", &m.Registrar.Name, theirs.Name, true)
		text("registrar.iana_id", &m.Registrar.IANAID, theirs.IANAID, false)
		text("registrar.url", &m.Registrar.URL, theirs.URL, true)
		text("registrar.abuse_email", &m.Registrar.AbuseEmail, theirs.AbuseEmail, true)
		text("registrar.abuse_phone", &m.Registrar.AbusePhone, theirs.AbusePhone, true)
	}
	// The registrar's clock, and its day without a time, may be off by a day.
	date("created", &m.Created, registrar.Created, 24*time.Hour)
	date("expires", &m.Expires, registrar.Expires, 24*time.Hour)
	// Each side changes its own object: two dates of change are no conflict.
	if m.Updated.IsZero() && !registrar.Updated.IsZero() {
		m.Updated = registrar.Updated
		from("updated")
	}
	list("statuses", &m.Statuses, registrar.Statuses)
	list("nameservers", &m.Nameservers, registrar.Nameservers)
	text("dnssec", &m.DNSSEC, registrar.DNSSEC, false)

	for _, role := range slices.Sorted(maps.Keys(registrar.Contacts)) {
		theirs := registrar.Contacts[role]
		c := m.Contacts[role]
		differ := func(fields ...string) bool {
			return slices.ContainsFunc(fields, func(f string) bool { return differs(c.Field(f), theirs.Field(f)) })
		}
		other := differ("name", "organization") // another person, or the same under another name
		address := differ(addressFields[:]...)
		if fuller := address && !other && count(theirs, addressFields[:]) > count(c, addressFields[:]); fuller {
			for _, f := range addressFields {
				if differs(c.Field(f), theirs.Field(f)) {
					m.find(Finding{ID: "merge.conflict", Severity: Advice, Path: ContactPath(role, f), Source: who.secondRole,
						Detail: fmt.Sprintf("%s's and %s's values differ; %s's address is the fuller one", who.first, who.second, who.second)})
				}
				c.SetField(f, "")
				delete(m.Sources, ContactPath(role, f))
			}
			address = false
		}
		for _, f := range contactFields {
			path := ContactPath(role, f)
			a, b := c.Field(f), theirs.Field(f)
			switch {
			case b == "":
			case a == "":
				if other || address && slices.Contains(addressFields[:], f) {
					continue
				}
				if f == "street" {
					c.Street = slices.Clone(theirs.Street)
				} else {
					c.SetField(f, b)
				}
				from(path)
			case differs(a, b):
				m.find(Finding{ID: "merge.conflict", Severity: Advice, Path: path, Source: who.secondRole,
					Detail: fmt.Sprintf("%s's and %s's values differ; %s's stays", who.first, who.second, who.first)})
			}
		}
		if c.IsZero() {
			continue
		}
		if m.Contacts == nil {
			m.Contacts = map[string]Contact{}
		}
		m.Contacts[role] = c
	}
	for _, path := range slices.Sorted(maps.Keys(registrar.Fields)) {
		is := registrar.Fields[path]
		if was, said := m.Fields[path]; m.Value(path) != "" || said && (was == is || was != Unparsed && is != Proxy) {
			continue
		}
		if m.Fields == nil {
			m.Fields = map[string]FieldState{}
		}
		m.Fields[path] = is
		delete(m.Unread, path)
		from(path)
	}
	m.Unread = join(m.Unread, registrar.Unread)
	// The form goes with the value, from whoever gave it.
	for path, text := range registrar.Given {
		if v := m.Value(path); v != registry.Value(path) && v == registrar.Value(path) {
			if m.Given == nil {
				m.Given = map[string]string{}
			}
			m.Given[path] = text
		}
	}
	maps.DeleteFunc(m.Given, func(path, text string) bool {
		v := m.Value(path)
		return v != registry.Value(path) && (v != registrar.Value(path) || registrar.Given[path] != text)
	})
	maps.DeleteFunc(m.Fields, func(path string, _ FieldState) bool { return m.Value(path) != "" })
	maps.DeleteFunc(m.Unread, func(path string, _ string) bool {
		return m.Value(path) != "" || m.Fields[path] != Unparsed && m.Fields[path] != ""
	})
	for _, f := range registrar.Findings {
		if f.Source == "" || first.Role == "" || second.Role == "" {
			f.Source = who.secondRole
		}
		m.find(f)
	}
	return m
}

// MergeAll joins any number of answers about one name, whatever their order:
// the registry's before the registrar's, and of each RDAP's before WHOIS's,
// because what RDAP says has types; answers of one kind as they are given. Who
// said what is read from each record's source ("" in Sources). The same answer
// given twice counts once. Without answers the record has no state.
func MergeAll(answers ...Record) Record {
	in := slices.Clone(answers)
	slices.SortStableFunc(in, func(a, b Record) int { return rank(a.by()) - rank(b.by()) })
	var out Record
	for i, a := range in {
		if i > 0 && a.by().Blob != "" && slices.ContainsFunc(in[:i], func(x Record) bool { return x.by() == a.by() }) {
			continue
		}
		if out.State == "" {
			out = a.clone()
			continue
		}
		out = Merge(out, a)
	}
	return out
}

func rank(s Source) int {
	n := 0
	if s.Role == "registrar" {
		n += 2
	}
	if s.Protocol == "whois" {
		n++
	}
	return n
}

// by is who gave the record's answer.
func (r *Record) by() Source { return r.Sources[""] }

// answers notes which answers the record is made of, once there are two.
func (r *Record) answers(a, b Record) {
	var all []Answer
	for _, x := range []Record{a, b} {
		from := x.Answers
		if len(from) == 0 && x.by() != (Source{}) {
			from = []Answer{{x.by(), x.State}}
		}
		for _, s := range from {
			if !slices.ContainsFunc(all, func(x Answer) bool { return x.Source == s.Source }) {
				all = append(all, s)
			}
		}
	}
	if r.Answers = nil; len(all) > 1 {
		r.Answers = all
	}
}

// parties are how a finding speaks of two answers.
type parties struct{ first, second, firstRole, secondRole string }

func pair(a, b Source) parties {
	p := parties{"the registry", "the registrar", "registry", "registrar"}
	if a.Role == "" || a.Role != b.Role || a.Protocol == b.Protocol {
		return p
	}
	return parties{strings.ToUpper(a.Protocol), strings.ToUpper(b.Protocol), a.Role, b.Role}
}

var addressFields = [...]string{"street", "city", "region", "postal_code", "country"}

// anotherRegistrar says whether two answers cannot be told to speak of one
// registrar: by their names where both have one, else by their IANA IDs. Nor is a
// number that comes without a name joined to a name: it does not say whose it is.
// A name that comes without a number may stand beside one, for the number decides.
func anotherRegistrar(a, b Registrar) bool {
	bare := func(r Registrar) string {
		return strings.Map(func(c rune) rune {
			if unicode.IsLetter(c) || unicode.IsDigit(c) {
				return unicode.ToLower(c)
			}
			return -1 // "Example, Inc." is "EXAMPLE INC"
		}, r.Name)
	}
	x, y := bare(a), bare(b)
	switch {
	case a.IANAID != "" && a.IANAID == b.IANAID:
		return false
	case x != "" && y != "":
		return x != y
	case a.IANAID == "":
		return x != "" && b.IANAID != ""
	}
	return b.IANAID != ""
}

func differs(a, b string) bool { return a != "" && b != "" && !strings.EqualFold(a, b) }

func count(c Contact, fields []string) (n int) {
	for _, f := range fields {
		if c.Field(f) != "" {
			n++
		}
	}
	return n
}

// find adds a finding unless it is there already or the record has its fill.
func (r *Record) find(f Finding) {
	if len(r.Findings) < MaxFindings && !slices.Contains(r.Findings, f) {
		r.Findings = append(r.Findings, f)
	}
}

func (r *Record) conflict(who parties, path, ours, theirs string) {
	r.find(Finding{ID: "merge.conflict", Severity: Advice, Path: path, Source: who.secondRole,
		Detail: fmt.Sprintf("%s says %s, %s %s; %s's stays", who.first, ours, who.second, theirs, who.first)})
}

// attribute says whose answer the findings are about, where that is not said.
func (r *Record) attribute(source string) {
	for i := range r.Findings {
		if r.Findings[i].Source == "" {
			r.Findings[i].Source = source
		}
	}
}

// clone copies r so that nothing is shared with it.
func (r Record) clone() Record {
	r.Statuses = slices.Clone(r.Statuses)
	r.Nameservers = slices.Clone(r.Nameservers)
	r.Conformance = slices.Clone(r.Conformance)
	r.Findings = slices.Clone(r.Findings)
	r.Contacts = maps.Clone(r.Contacts)
	for role, c := range r.Contacts {
		c.Street = slices.Clone(c.Street)
		r.Contacts[role] = c
	}
	r.Fields = maps.Clone(r.Fields)
	r.Unread = maps.Clone(r.Unread)
	r.Given = maps.Clone(r.Given)
	r.Sources = maps.Clone(r.Sources)
	r.Answers = slices.Clone(r.Answers)
	return r
}

// join adds to a what only b has.
func join[V any](a, b map[string]V) map[string]V {
	for k, v := range b {
		if _, ok := a[k]; !ok {
			if a == nil {
				a = make(map[string]V, len(b))
			}
			a[k] = v
		}
	}
	return a
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
}
