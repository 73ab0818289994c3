package casework

import (
	"strings"
	"testing"
)

// TestReference: whoever acts is a kind and an id, never a name or an address, and
// a program that acts for a person is not the person.
func TestReference(t *testing.T) {
	for s, want := range map[string]struct{ reference, person bool }{
		"person:7": {true, true}, "person:console": {true, true}, "person:7/key:k1": {true, false}, "party:01CASE": {true, false}, "centre": {},
		"": {}, "Ann": {}, "person:": {}, ":7": {}, "person:a b": {}, "person:a@b.example": {}, "person:a\u0000": {}, "person:\xff": {}, "person:" + strings.Repeat("x", maxReference): {},
	} {
		if Reference(s) != want.reference || InPerson(s) != want.person {
			t.Errorf("%q: reference %v, person %v", s, Reference(s), InPerson(s))
		}
	}
}
