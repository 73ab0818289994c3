package phone_test

import (
	"testing"

	"bailiwick/registration/phone"
)

// TestLook: what the plans say, and where the country code ends.
func TestLook(t *testing.T) {
	for _, tc := range []struct {
		digits string
		want   phone.Plan
	}{
		{"861058813000", phone.Plan{Code: 86, National: "1058813000", Valid: true, Region: "CN"}},
		{"8613800138000", phone.Plan{Code: 86, National: "13800138000", Valid: true, Region: "CN"}},
		{"17037654321", phone.Plan{Code: 1, National: "7037654321", Valid: true, Region: "US"}},
		{"14165550100", phone.Plan{Code: 1, National: "4165550100", Valid: true, Region: "CA"}},
		{"15555555555", phone.Plan{Code: 1, National: "5555555555"}},
		{"490000", phone.Plan{Code: 49, National: "0000"}},
		{"442079460123", phone.Plan{Code: 44, National: "2079460123", Valid: true, Region: "GB"}},
		{"4402079460123", phone.Plan{Code: 44, National: "2079460123", Valid: true, Region: "GB"}}, // a trunk zero
		{"390612345678", phone.Plan{Code: 39, National: "0612345678", Valid: true, Region: "IT"}},
		{"19005550100", phone.Plan{Code: 1, National: "9005550100", Valid: true, Region: "?", Kind: phone.Premium}},
		{"80012345678", phone.Plan{Code: 800, National: "12345678", Valid: true}},
		{"1703", phone.Plan{Code: 1, National: "703", Length: phone.TooShort}},
		{"17654321", phone.Plan{Code: 1, National: "7654321", Length: phone.LocalOnly}},
		{"170376543210", phone.Plan{Code: 1, National: "70376543210", Length: phone.TooLong}},
		{"1", phone.Plan{Code: 1, Length: phone.TooShort}},
	} {
		got, ok := phone.Look(tc.digits)
		if tc.want.Region == "?" {
			got.Region = "?"
		}
		if !ok || got != tc.want {
			t.Errorf("%s: %+v, %v; want %+v", tc.digits, got, ok, tc.want)
		}
	}
	for _, none := range []string{"", "0", "999123456", "x1", "1x", "0017037654321"} {
		if p, ok := phone.Look(none); ok && (none != "1x" || p.Valid) {
			t.Errorf("%q: %+v", none, p)
		}
	}
	if p, ok := phone.Home("0049 69 27235 0", "DE"); !ok || !p.Valid || p.Region != "DE" {
		t.Errorf("a German number with its exit code: %+v, %v", p, ok)
	}
	if _, ok := phone.Home("030123456", "XX"); ok {
		t.Error("there is no XX")
	}
}

func BenchmarkLook(b *testing.B) {
	numbers := []string{"861058813000", "17037654321", "442079460123", "493012345678", "33123456789"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		phone.Look(numbers[i%len(numbers)])
	}
}
