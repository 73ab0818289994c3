// Package read holds the one list of decoders for registration data, picks one
// by name or by content, and gives the line that `bailiwick parse` prints.
package read

import (
	"bytes"

	"bailiwick/problem"
	"bailiwick/registration"
	"bailiwick/registration/phone"
	"bailiwick/registration/rdap"
	"bailiwick/registration/whois"
)

// Decoder reads one format.
type Decoder struct {
	Format string // as on the command line: "rdap", "whois"
	// Is says whether raw looks like the format.
	Is func(raw []byte) bool
	// Decode gives a record that can always be used, and an error exactly when
	// its state is "error".
	Decode func(raw []byte, src registration.Source) (registration.Record, error)
}

// Decoders is the list, in the order in which content is tried.
func Decoders() []Decoder {
	return []Decoder{
		{Format: "rdap", Is: isJSON, Decode: rdap.Domain},
		{Format: "whois", Is: isText, Decode: whois.Domain},
	}
}

// isJSON says whether raw begins like a JSON object or array: the only format
// here that does.
func isJSON(raw []byte) bool {
	raw = bytes.TrimPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("\xEF\xBB\xBF"))
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 || raw[0] != '[' {
		return len(raw) > 0 && raw[0] == '{'
	}
	// Some WHOIS answers begin with a bracket, too: "[ JPRS database provides".
	raw = bytes.TrimLeft(raw[1:], " \t\r\n")
	return len(raw) == 0 || bytes.IndexByte([]byte("{[\"]"), raw[0]) >= 0
}

// isText says whether raw could be a WHOIS answer (RFC 3912), which has no mark
// of its own: there is something, and it is no markup.
func isText(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] != '<'
}

// Pick gives the decoder of a format, or for "" the first that knows the
// content. Without one it is a *problem.Error.
func Pick(format string, raw []byte) (Decoder, error) {
	for _, d := range Decoders() {
		if d.Format == format || format == "" && d.Is(raw) {
			return d, nil
		}
	}
	if format != "" {
		return Decoder{}, problem.BadField("format", "%q is not a format of registration data", format)
	}
	return Decoder{}, problem.New(problem.Invalid, "the content is in no format of registration data that is known")
}

// Record reads raw in the given format, or by its content when format is "".
// The record can always be used; the error is not nil exactly when its state
// is "error".
func Record(format string, raw []byte, src registration.Source) (registration.Record, error) {
	d, err := Pick(format, raw)
	if err != nil {
		rec := registration.Record{State: registration.Failed, Findings: []registration.Finding{
			{ID: "read.format", Severity: registration.RFC, Detail: err.Error()},
		}}
		if src != (registration.Source{}) {
			rec.Sources = map[string]registration.Source{"": src}
		}
		return rec, err
	}
	if src.Protocol == "" && src != (registration.Source{}) {
		src.Protocol = d.Format
	}
	return d.Decode(raw, src)
}

// Line is what `bailiwick parse whois` and `bailiwick parse rdap` print for a
// file: the contract of DESIGN section 7, which has less than the record.
type Line struct {
	File        string                             `json:"file"`
	State       registration.State                 `json:"state"`
	Domain      string                             `json:"domain,omitempty"`
	Registrar   registration.Registrar             `json:"registrar,omitzero"`
	Created     registration.Date                  `json:"created,omitzero"`
	Updated     registration.Date                  `json:"updated,omitzero"`
	Expires     registration.Date                  `json:"expires,omitzero"`
	Statuses    []string                           `json:"statuses,omitempty"`
	Nameservers []string                           `json:"nameservers,omitempty"`
	DNSSEC      string                             `json:"dnssec,omitempty"`
	Contacts    map[string]Contact                 `json:"contacts,omitempty"`
	Fields      map[string]registration.FieldState `json:"fields,omitempty"`
	Findings    []registration.Finding             `json:"findings,omitempty"`
}

// Contact is a contact with what is worked out for a line and not kept in the
// record: the E.164 form of its telephone numbers, where that can be told
// without guessing (see package phone). The numbers as read stay beside it.
type Contact struct {
	registration.Contact
	PhoneE164 string `json:"phone_e164,omitempty"`
	FaxE164   string `json:"fax_e164,omitempty"`
}

func contactsOf(in map[string]registration.Contact) map[string]Contact {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]Contact, len(in))
	for role, c := range in {
		x := Contact{Contact: c}
		if c.Phone != "" {
			x.PhoneE164, _, _ = phone.E164(c.Phone, c.Country)
		}
		if c.Fax != "" {
			x.FaxE164, _, _ = phone.E164(c.Fax, c.Country)
		}
		out[role] = x
	}
	return out
}

// LineOf gives the line of a record that was read from file.
func LineOf(file string, r registration.Record) Line {
	return Line{
		File: file, State: r.State, Domain: r.Domain, Registrar: r.Registrar,
		Created: r.Created, Updated: r.Updated, Expires: r.Expires,
		Statuses: r.Statuses, Nameservers: r.Nameservers, DNSSEC: r.DNSSEC,
		Contacts: contactsOf(r.Contacts), Fields: r.Fields, Findings: r.Findings,
	}
}

// File reads the content of a file and gives its line. The error is not nil
// exactly when the line's state is "error"; the line can be printed all the
// same.
func File(file, format string, raw []byte) (Line, error) {
	r, err := Record(format, raw, registration.Source{})
	return LineOf(file, r), err
}
