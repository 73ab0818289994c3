package registration

import (
	"slices"
	"strings"
)

// The roles that Record.Contacts is keyed by.
const (
	Registrant = "registrant"
	Admin      = "admin"
	Tech       = "tech"
	Billing    = "billing"
)

// contactFields are the field names of a contact, as in its JSON.
var contactFields = [...]string{
	"handle", "name", "organization", "street", "city", "region", "postal_code", "country",
	"email", "phone", "fax", "contact_uri",
}

// text gives the place of a field's text; nil for "street", which has lines,
// and for a name that is no field.
func (c *Contact) text(field string) *string {
	switch field {
	case "handle":
		return &c.Handle
	case "name":
		return &c.Name
	case "organization":
		return &c.Organization
	case "city":
		return &c.City
	case "region":
		return &c.Region
	case "postal_code":
		return &c.PostalCode
	case "country":
		return &c.Country
	case "email":
		return &c.Email
	case "phone":
		return &c.Phone
	case "fax":
		return &c.Fax
	case "contact_uri":
		return &c.ContactURI
	}
	return nil
}

// Field is the text of the field with the given JSON name ("postal_code");
// the lines of "street" are joined with a comma. It is "" for an unknown name.
func (c Contact) Field(field string) string {
	if field == "street" {
		return strings.Join(c.Street, ", ")
	}
	if p := c.text(field); p != nil {
		return *p
	}
	return ""
}

// SetField sets the field with the given JSON name; "street" is set as one
// line. An unknown name is ignored.
func (c *Contact) SetField(field, value string) {
	if field == "street" {
		c.Street = nil
		if value != "" {
			c.Street = []string{value}
		}
		return
	}
	if p := c.text(field); p != nil {
		*p = value
	}
}

// IsZero says whether the contact holds nothing.
func (c Contact) IsZero() bool {
	for _, f := range contactFields {
		if c.Field(f) != "" {
			return false
		}
	}
	return true
}

// ContactFields are the JSON names of a contact's fields, in the order of the
// type.
func ContactFields() []string { return contactFields[:len(contactFields):len(contactFields)] }

// ContactPath is the path of a contact's field in Record.Fields and
// Record.Sources, such as "contacts.registrant.name"; of the whole contact
// when field is "".
func ContactPath(role, field string) string {
	if p := ContactPaths(role, field); p != nil {
		return p[0]
	}
	if field == "" {
		return "contacts." + role
	}
	return "contacts." + role + "." + field
}

// ContactPaths is ContactPath as a list of one that is shared and not to be
// changed; nil for a role or field that is not one of this package's. It is
// for decoders, which need a dozen per record.
func ContactPaths(role, field string) []string {
	r := slices.Index(contactRoles[:], role)
	if r < 0 {
		return nil
	}
	if field == "" {
		return contactPaths[r][len(contactFields):]
	}
	for f := range contactFields {
		if contactFields[f] == field {
			return contactPaths[r][f : f+1 : f+1]
		}
	}
	return nil
}

var contactRoles = [...]string{Registrant, Admin, Tech, Billing}

// contactPaths are the paths of the fields of each role, and last the
// contact's own.
var contactPaths = func() (t [len(contactRoles)][len(contactFields) + 1]string) {
	for r, role := range contactRoles {
		for f, field := range contactFields {
			t[r][f] = "contacts." + role + "." + field
		}
		t[r][len(contactFields)] = "contacts." + role
	}
	return t
}()

// Value is the text at a field path of the contract ("created",
// "registrar.iana_id", "contacts.tech.email"), "" when there is none. Lists are
// joined with spaces. For a whole contact it is "" or "contact".
func (r Record) Value(path string) string {
	switch path {
	case "domain":
		return r.Domain
	case "unicode":
		return r.Unicode
	case "handle":
		return r.Handle
	case "created":
		return r.Created.String()
	case "updated":
		return r.Updated.String()
	case "expires":
		return r.Expires.String()
	case "statuses":
		return strings.Join(r.Statuses, " ")
	case "nameservers":
		return strings.Join(r.Nameservers, " ")
	case "dnssec":
		return r.DNSSEC
	case "registrar.name":
		return r.Registrar.Name
	case "registrar.iana_id":
		return r.Registrar.IANAID
	case "registrar.url":
		return r.Registrar.URL
	case "registrar.abuse_email":
		return r.Registrar.AbuseEmail
	case "registrar.abuse_phone":
		return r.Registrar.AbusePhone
	}
	rest, ok := strings.CutPrefix(path, "contacts.")
	if !ok {
		return ""
	}
	role, field, whole := strings.Cut(rest, ".")
	c, ok := r.Contacts[role]
	if !ok {
		return ""
	}
	if !whole {
		if c.IsZero() {
			return ""
		}
		return "contact"
	}
	return c.Field(field)
}

// FieldState says why the field at path has or lacks a value: Present when it
// has one, else what Fields says about it or about the whole contact, else
// Absent.
func (r Record) FieldState(path string) FieldState {
	if r.Value(path) != "" {
		return Present
	}
	if s, ok := r.Fields[path]; ok {
		return s
	}
	if strings.HasPrefix(path, "contacts.") && strings.Count(path, ".") == 2 {
		if s, ok := r.Fields[path[:strings.LastIndexByte(path, '.')]]; ok {
			return s
		}
	}
	return Absent
}

// SourceOf is where the value at path was read.
func (r Record) SourceOf(path string) Source {
	if s, ok := r.Sources[path]; ok {
		return s
	}
	return r.Sources[""]
}
