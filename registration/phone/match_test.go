package phone

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// TestTables: for any number of any plan the tables say what the library says.
func TestTables(t *testing.T) {
	var codes []int
	for c := range phonenumbers.GetSupportedCallingCodes() {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	if len(codes) < 200 {
		t.Fatalf("only %d country codes", len(codes))
	}
	check := func(t interface {
		Fatalf(string, ...any)
	}, code int, digits string) {
		v, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			t.Fatalf("%q: %v", digits, err)
		}
		c, zeros, leads := int32(code), leadingZeros(digits), true
		n := &phonenumbers.PhoneNumber{CountryCode: &c, NationalNumber: &v}
		if zeros > 0 {
			n.ItalianLeadingZero, n.NumberOfLeadingZeros = &leads, &zeros
		}
		region, kind, valid, known := lookup(code, digits)
		if !known {
			t.Fatalf("+%d has no table", code)
		}
		r, k, is := ask(n)
		if is != valid || valid && (r != region || k != kind) {
			t.Fatalf("+%d %s: %s %q %v; the library says %s %q %v", code, digits, region, kind, valid, r, k, is)
		}
	}
	// The numbers that stand for each range, and their neighbours.
	coll, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range coll.GetMetadata() {
		for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetFixedLine(), m.GetMobile(), m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip()} {
			if e := d.GetExampleNumber(); e != "" {
				check(t, int(m.GetCountryCode()), e)
				check(t, int(m.GetCountryCode()), e[:len(e)-1])
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), 2, 15, -1).Draw(t, "digits")
		if strings.Trim(digits, "0") == "" {
			digits += "1"
		}
		check(t, rapid.SampledFrom(codes).Draw(t, "code"), digits)
	})
}
