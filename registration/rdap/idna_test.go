package rdap

import (
	"slices"
	"testing"

	"bailiwick/registration"
)

// TestIDNA: both forms of a name, whichever the answer gives.
func TestIDNA(t *testing.T) {
	for _, tc := range []struct{ in, domain, unicode, finding string }{
		{"shop.example", "shop.example", "", ""},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example", ""},
		{"XN--BCHER-KVA.example.", "xn--bcher-kva.example", "bücher.example", ""},
		{"bücher.example", "xn--bcher-kva.example", "bücher.example", "rdap.name-invalid"},
		{"bücher.xn--p1ai", "xn--bcher-kva.xn--p1ai", "bücher.рф", "rdap.name-invalid"},
		{"xn--bcher-kva.рф", "xn--bcher-kva.xn--p1ai", "bücher.рф", "rdap.name-invalid"},
		{"faß.example", "xn--fa-hia.example", "faß.example", "rdap.name-invalid"},
		{"xn--zzzzzz9999.example", "xn--zzzzzz9999.example", "", "rdap.name-invalid"}, // decodes to nothing
		{"xn--bücher.example", "", "", "rdap.name-invalid"},
		{"xn--.example", "", "", "rdap.name-invalid"},
		{"-shop.example", "", "", "rdap.name-invalid"},
	} {
		rec, err := Domain([]byte(`{"objectClassName":"domain","ldhName":"`+tc.in+`","status":["active"]}`), registration.Source{})
		if err != nil || rec.Domain != tc.domain || rec.Unicode != tc.unicode {
			t.Errorf("%s: %q, %q, %v", tc.in, rec.Domain, rec.Unicode, err)
		}
		if got := slices.Contains(ids(rec.Findings), "rdap.name-invalid"); got != (tc.finding != "") {
			t.Errorf("%s: findings %v", tc.in, rec.Findings)
		}
	}
	rec, _ := Domain([]byte(`{"objectClassName":"domain","ldhName":"xn--bcher-kva.example","unicodeName":"kuchen.example"}`), registration.Source{})
	if rec.Domain != "xn--bcher-kva.example" || !slices.Contains(ids(rec.Findings), "rdap.name-mismatch") {
		t.Errorf("two names: %+v", rec)
	}
}
