package registration

import "strings"

// Scrub returns a copy of r without personal data, for places that need none:
// lists, statistics, exchange, logs. Of each contact only the country stays,
// and each value left out is named Present in Fields, so that "there is an
// e-mail address" can still be counted. The registrar's own contact points
// stay: they are a company's.
func Scrub(r Record) Record {
	r = r.clone()
	for role, c := range r.Contacts {
		for _, f := range contactFields {
			if f == "country" || c.Field(f) == "" {
				continue
			}
			if r.Fields == nil {
				r.Fields = map[string]FieldState{}
			}
			r.Fields[ContactPath(role, f)] = Present
		}
		r.Contacts[role] = Contact{Country: c.Country}
	}
	for path := range r.Unread {
		if strings.HasPrefix(path, "contacts.") {
			delete(r.Unread, path)
		}
	}
	if len(r.Unread) == 0 {
		r.Unread = nil
	}
	for path := range r.Given {
		if strings.HasPrefix(path, "contacts.") {
			delete(r.Given, path)
		}
	}
	if len(r.Given) == 0 {
		r.Given = nil
	}
	for i := range r.Findings {
		if strings.HasPrefix(r.Findings[i].Path, "contacts.") {
			r.Findings[i].Detail = ""
		}
	}
	return r
}
