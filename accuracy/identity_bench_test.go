//go:build unix

package accuracy

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"bailiwick/registration"
)

// cpuTime is what this process has used of the processors: a machine that does
// other things makes the clock on the wall say little.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIdentity is one full contact set, four contacts with all fields,
// through the identity checks, and through all checks of the package.
func BenchmarkIdentity(b *testing.B) {
	c := registration.Contact{Handle: "AH-1", Name: "Anna Hartley", Organization: "Elm Books Limited", Street: []string{"7 Elm Street", "Floor 2"}, City: "Bristol",
		PostalCode: "BS1 4DJ", Country: "GB", Email: "anna.hartley@elmbooks.example", Phone: "+44.1174960123"}
	rec := registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{}}
	for i, r := range []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing} {
		c.Handle = fmt.Sprint("AH-", i)
		rec.Contacts[r] = c
	}
	s := Subject{Record: rec, Now: lookedAt}
	for _, set := range []struct {
		name   string
		checks []Check
	}{{"alone", IdentityChecks()}, {"with ContactChecks", append(ContactChecks(), IdentityChecks()...)}} {
		b.Run(set.name, func(b *testing.B) {
			b.ReportAllocs()
			out, err := AppendVerdicts(nil, s, set.checks) // what is read once is read now
			if err != nil {
				b.Fatal(err)
			}
			start := cpuTime()
			for b.Loop() {
				if out, err = AppendVerdicts(out[:0], s, set.checks); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if d := cpuTime() - start; d > 0 {
				b.ReportMetric(float64(b.N)/d.Seconds(), "records/CPU-s")
			}
		})
	}
}
