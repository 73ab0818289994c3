package policy

import (
	"testing"
	"time"
)

var now = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// TestShipped: every shipped profile loads, has examples, and each is as
// expected.
func TestShipped(t *testing.T) {
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.All() {
		if len(p.Examples) == 0 {
			t.Errorf("%s has no example", p.ID)
		}
		for _, o := range p.Test(now) {
			for _, w := range o.Wrong {
				t.Errorf("%s: %s: %s", p.ID, o.Name, w)
			}
		}
	}
}
