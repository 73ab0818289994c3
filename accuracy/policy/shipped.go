package policy

import (
	"embed"
	"io/fs"
	"slices"

	"bailiwick/accuracy"
	"bailiwick/problem"
)

//go:embed profiles/*.yaml
var files embed.FS

// Checks are the checks that profiles may name: all that package accuracy has.
func Checks() []accuracy.Check {
	return slices.Concat(accuracy.ContactChecks(), accuracy.IdentityChecks(), accuracy.VerifiedChecks())
}

// Shipped are the profiles that are built in.
func Shipped() (*Set, error) { return ShippedWith(accuracy.Lists{}) }

// ShippedWith is Shipped with an operator's lists behind the checks.
func ShippedWith(l accuracy.Lists) (*Set, error) {
	sub, err := fs.Sub(files, "profiles")
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the profiles are not built in")
	}
	return Load(sub, slices.Concat(accuracy.ContactChecksWith(accuracy.Options{TLDs: l.TLDs}), accuracy.IdentityChecksWith(l), accuracy.VerifiedChecks()))
}
