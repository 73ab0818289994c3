package access_test

import (
	"path/filepath"
	"testing"

	"bailiwick/access"
	"bailiwick/clock"
	"bailiwick/store"
)

// BenchmarkLookup is what every page pays to know whose session it is.
func BenchmarkLookup(b *testing.B) {
	c := clock.NewVirtual(start)
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "s.db"), store.Options{Clock: c})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	d := access.New(s.Access(), options(c))
	link, _, err := d.FirstLink(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := d.Redeem(b.Context(), link, pass)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := d.Lookup(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecide is what every row and route pays.
func BenchmarkDecide(b *testing.B) {
	p := access.Person{ID: "p", Roles: []access.Role{access.Viewer, access.Analyst}}
	for b.Loop() {
		if !access.Decide(p, access.Work, access.Object{Kind: access.Case, Personal: true}).Allowed {
			b.Fatal("not allowed")
		}
	}
}

// BenchmarkCheck is a look at personal data, with its line in the access log
// made durable.
func BenchmarkCheck(b *testing.B) {
	c := clock.NewVirtual(start)
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "s.db"), store.Options{Clock: c})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	d := access.New(s.Access(), options(c))
	p := access.Person{ID: "p", Roles: []access.Role{access.Analyst}}
	for b.Loop() {
		if _, err := d.Check(b.Context(), p, access.Work, access.Object{Kind: access.Case, ID: "c", Personal: true}); err != nil {
			b.Fatal(err)
		}
	}
}
