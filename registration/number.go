package registration

// Autnum is a block of AS numbers and who answers for it (RFC 9083 section
// 5.5).
type Autnum struct {
	State      State     `json:"state"`
	Handle     string    `json:"handle,omitempty"`
	Name       string    `json:"name,omitempty"`
	Start      uint32    `json:"start,omitempty"` // the first and the last number
	End        uint32    `json:"end,omitempty"`
	Country    string    `json:"country,omitempty"` // of registration; not a jurisdiction
	Holder     string    `json:"holder,omitempty"`
	AbuseEmail string    `json:"abuse_email,omitempty"`
	AbusePhone string    `json:"abuse_phone,omitempty"`
	Findings   []Finding `json:"findings,omitempty"`
	Source     Source    `json:"source,omitzero"`
}

// Entity is a person or organisation that a registry knows by a handle (RFC
// 9083 section 5.1). Personal data: see DESIGN section 9.
type Entity struct {
	State   State   `json:"state"`
	Handle  string  `json:"handle,omitempty"`
	Contact Contact `json:"contact,omitzero"`
	// Fields names what of the contact is withheld or unreadable, by its name
	// there, such as "email".
	Fields   map[string]FieldState `json:"fields,omitempty"`
	Findings []Finding             `json:"findings,omitempty"`
	Source   Source                `json:"source,omitzero"`
}
