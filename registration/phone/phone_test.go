package phone_test

import (
	"strings"
	"testing"

	"bailiwick/registration/phone"

	"pgregory.net/rapid"
)

func TestE164(t *testing.T) {
	for _, tc := range []struct{ raw, country, want, reason string }{
		// The country code is there.
		{"+1.5555550100", "", "+15555550100", ""},
		{"+1.5555550100", "DE", "+15555550100", ""},
		{"tel:+44-20-7946-0100", "", "+442079460100", ""},
		{"+44.02079460100", "", "+442079460100", ""}, // the trunk zero after the country code
		{"+44 (0)20 7946 0100", "", "+442079460100", ""},
		{"+49.30123456", "", "+4930123456", ""},
		{"+39.0612345678", "", "+390612345678", ""},      // Italy keeps its zero
		{"+1.5555550100;ext=12", "", "+15555550100", ""}, // no extension in E.164
		{"+1.5555550100 x99", "", "+15555550100", ""},
		// It is not; the contact's country helps.
		{"020 7946 0100", "GB", "+442079460100", ""},
		{"020 7946 0100", "gb", "+442079460100", ""},
		{"(202) 456-1414", "US", "+12024561414", ""},
		{"12024561414", "US", "+12024561414", ""},
		{"0044 20 7946 0100", "DE", "", "not a number of the contact's country, and it names no other"},
		{"02079460100", "", "", "neither the number nor the contact names a country"},
		{"02079460100", "US", "", "not a number of the contact's country, and it names no other"},
		// Either at home or abroad.
		{"6596881234", "IN", "", "the digits are a number of the contact's country and one abroad"},
		// No number.
		{"", "", "", "there is no number"},
		{"  ", "DE", "", "there is no number"},
		{"call us", "DE", "", "the text is not a telephone number"},
		{"+1.555-CALL-US", "US", "", "the text is not a telephone number"},
		{"+999.123456789", "", "", "no country has this country code"},
		{"+1.555", "", "", "no number of that country is as long"},
		{"+1.55555501005555", "", "", "no number of that country is as long"},
		{"+49.1", "", "", "?"},
		{"030123456", "XX", "", "the contact's country has no numbering plan"},
		{"030123456", "Germany", "", "the contact's country has no numbering plan"},
		{strings.Repeat("1", 200), "US", "", "the text is too long for a number"},
		{"112", "DE", "", "not a number of the contact's country, and it names no other"},
	} {
		got, ok, reason := phone.E164(tc.raw, tc.country)
		if got != tc.want || ok != (tc.want != "") || tc.reason != "?" && reason != tc.reason || ok == (reason != "") {
			t.Errorf("%q of %q: %q, %v, %q; want %q, %q", tc.raw, tc.country, got, ok, reason, tc.want, tc.reason)
		}
	}
}

// TestForm: what comes out is E.164 and comes out of itself, wherever the
// contact is, and no reason repeats the number.
func TestForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringOfN(rapid.RuneFrom([]rune("+00011234567899.-() x;=ext")), 1, 24, -1).Draw(t, "raw")
		country := rapid.SampledFrom([]string{"", "DE", "US", "GB", "IT", "JP", "BR", "XX"}).Draw(t, "country")
		checkForm(t, raw, country)
	})
}

// TestTooLong: the library's plan of Germany has numbers of 16 digits; E.164
// has not.
func TestTooLong(t *testing.T) {
	if n, ok, _ := phone.E164("30000000000000", "DE"); ok {
		t.Errorf("%s", n)
	}
}

func checkForm(t interface{ Fatalf(string, ...any) }, raw, country string) {
	n, ok, reason := phone.E164(raw, country)
	if !ok {
		if n != "" || reason == "" || strings.ContainsAny(reason, "0123456789") {
			t.Fatalf("%q: %q, %q", raw, n, reason)
		}
		return
	}
	if len(n) < 4 || len(n) > 16 || n[0] != '+' || strings.Trim(n[1:], "0123456789") != "" {
		t.Fatalf("%q gives %q", raw, n)
	}
	if again, ok, _ := phone.E164(n, "FR"); !ok || again != n {
		t.Fatalf("%q gives %q, which gives %q", raw, n, again)
	}
}

func FuzzE164(f *testing.F) {
	f.Add("+1.5555550100", "US")
	f.Add("020 7946 0100", "GB")
	f.Add("\x00\xff+٣", "EG")
	f.Fuzz(func(t *testing.T, raw, country string) { checkForm(t, raw, country) })
}

func BenchmarkE164(b *testing.B) {
	for _, tc := range []struct{ name, raw, country string }{{"with-country-code", "+44.2079460100", ""}, {"without", "020 7946 0100", "GB"}} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, reason := phone.E164(tc.raw, tc.country); !ok {
					b.Fatal(reason)
				}
			}
		})
	}
}
