package registration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxFindings is how many findings one record keeps.
const MaxFindings = 256

// Merge joins what the registry and the registrar answered about one name.
//
// The registry wins for the state, the domain, the handle, the registrar and
// its IANA ID, the dates (the expiry is the registry's), the statuses, the
// name servers and DNSSEC. The registrar's answer fills what the registry's
// lacks: above all the contacts and the abuse contact. A field that one
// withholds and the other shows is shown. Where both have a value and the
// values differ, the registry's stays and a finding "merge.conflict" names the
// field, but not the values when they are a person's.
//
// The registrar's answer is left aside, with a finding, when it is about
// another name or has another state than the registry's. It stands in for the
// registry's when that one failed, was throttled or is not known.
//
// Sources names the registrar's answer for each field taken from it, and each
// finding says whose answer it is about. Merging the same answer again changes
// nothing.
func Merge(registry, registrar Record) Record {
	if registrar.State == "" {
		return registry.clone()
	}
	switch registry.State {
	case "", Failed, Throttled, Unknown:
		if registrar.State == Registered {
			m := registrar.clone()
			m.attribute("registrar")
			m.find(Finding{ID: "merge.registry-unheard", Severity: Advice, Source: "registry",
				Detail: fmt.Sprintf("the registry's answer is %q; the registrar's stands in", registry.State)})
			return m
		}
	}
	m := registry.clone()
	m.attribute("registry")
	if registrar.State != Registered || registry.State != Registered {
		if registrar.State != registry.State {
			m.find(Finding{ID: "merge.state", Severity: Advice, Path: "state", Source: "registrar",
				Detail: fmt.Sprintf("the registry says %s, the registrar %s", registry.State, registrar.State)})
		}
		return m
	}
	if registry.Domain != "" && registrar.Domain != "" && registry.Domain != registrar.Domain {
		m.find(Finding{ID: "merge.other-name", Severity: Must, Path: "domain", Source: "registrar",
			Detail: fmt.Sprintf("the registry answered about %s, the registrar about %s, which is left aside", registry.Domain, registrar.Domain)})
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
			m.conflict(path, *dst, src)
		}
	}
	date := func(path string, dst *Date, src Date, slack time.Duration) {
		switch {
		case src.IsZero():
		case dst.IsZero():
			*dst = src
			from(path)
		case dst.Sub(src.Time).Abs() > slack:
			m.conflict(path, dst.String(), src.String())
		}
	}
	list := func(path string, dst *[]string, src []string) {
		switch {
		case len(src) == 0:
		case len(*dst) == 0:
			*dst = slices.Clone(src)
			from(path)
		case !slices.Equal(sorted(*dst), sorted(src)):
			m.conflict(path, strings.Join(*dst, " "), strings.Join(src, " "))
		}
	}

	text("domain", &m.Domain, registrar.Domain, false)
	text("unicode", &m.Unicode, registrar.Unicode, false)
	text("handle", &m.Handle, registrar.Handle, true)
	text("registrar.name", &m.Registrar.Name, registrar.Registrar.Name, true)
	text("registrar.iana_id", &m.Registrar.IANAID, registrar.Registrar.IANAID, false)
	text("registrar.url", &m.Registrar.URL, registrar.Registrar.URL, true)
	text("registrar.abuse_email", &m.Registrar.AbuseEmail, registrar.Registrar.AbuseEmail, true)
	text("registrar.abuse_phone", &m.Registrar.AbusePhone, registrar.Registrar.AbusePhone, true)
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
		for _, f := range contactFields {
			path := ContactPath(role, f)
			a, b := c.Field(f), theirs.Field(f)
			switch {
			case b == "":
			case a == "":
				if f == "street" {
					c.Street = slices.Clone(theirs.Street)
				} else {
					c.SetField(f, b)
				}
				from(path)
			case !strings.EqualFold(a, b):
				m.find(Finding{ID: "merge.conflict", Severity: Advice, Path: path, Source: "registrar",
					Detail: "the registry's and the registrar's values differ; the registry's stays"})
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
	m.Fields = join(m.Fields, registrar.Fields)
	m.Unread = join(m.Unread, registrar.Unread)
	maps.DeleteFunc(m.Fields, func(path string, _ FieldState) bool { return m.Value(path) != "" })
	maps.DeleteFunc(m.Unread, func(path string, _ string) bool { return m.Value(path) != "" })
	for _, f := range registrar.Findings {
		f.Source = "registrar"
		m.find(f)
	}
	return m
}

// find adds a finding unless it is there already or the record has its fill.
func (r *Record) find(f Finding) {
	if len(r.Findings) < MaxFindings && !slices.Contains(r.Findings, f) {
		r.Findings = append(r.Findings, f)
	}
}

func (r *Record) conflict(path, ours, theirs string) {
	r.find(Finding{ID: "merge.conflict", Severity: Advice, Path: path, Source: "registrar",
		Detail: fmt.Sprintf("the registry says %s, the registrar %s; the registry's stays", ours, theirs)})
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
	r.Sources = maps.Clone(r.Sources)
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
