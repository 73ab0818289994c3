package ids

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// The numbers of the field notes and the published examples of the rules.
func TestKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		in   string
		want Reason
	}{
		{ResidentID, "360426199101010071", Right},
		{ResidentID, "360426 19910101 0071", Right},
		{ResidentID, "360426199101010072", CheckDigit},
		{ResidentID, "11010519491231002X", Right},
		{ResidentID, "11010519491231002x", Right},
		{ResidentID, "110105194912310021", CheckDigit},
		{ResidentID, "110105194913310021", Date},
		{ResidentID, "110105199902290021", Date}, // no leap year
		{ResidentID, "110105209902280021", Date}, // to come
		{ResidentID, "1101051949123100", Form},
		{ResidentID, "1101051949123100XX", Form},
		{SocialCredit, "91110000600037341L", Right},
		{SocialCredit, "91110000600037341M", CheckDigit},
		{SocialCredit, "9111000060003734IL", Form}, // I is no letter of it
		// Real companies whose check digit is wrong: never "false".
		{SocialCredit, "91350100M0001TGQXM", CheckDigit},
		{SocialCredit, "91350211M0000XUF46", CheckDigit},
		{SocialCredit, "91350203M0001FUE2P", CheckDigit},
		{SocialCredit, "911", Form},
		{OrgCode, "600037341", Right},
		{OrgCode, "60003734-1", Right},
		{OrgCode, "600037342", CheckDigit},
		{OrgCode, "6000373411", Form},
		{LEI, "213800KUD8LAJWSQ9D15", Right},
		{LEI, "213800KUD8LXJWSQ9D15", CheckDigit},
		{LEI, "213800KUD8LAJWSQ9D1", Form},
		{IBAN, "GB82WEST12345698765432", Right},
		{IBAN, "GB82 WEST 1234 5698 7654 32", Right},
		{IBAN, "GB82WEST12345698765433", CheckDigit},
		{IBAN, "GB82WEST1234569876543", Form},
		{VAT, "ATU13585627", Right},
		{VAT, "ATU13585626", CheckDigit},
		{VAT, "AT13585627", Form},
		{VAT, "BE 0428.759.497", Right},
		{VAT, "BE428759497", Right},
		{VAT, "BE431150351", CheckDigit},
		{VAT, "BG175074752", Right},
		{VAT, "BG175074751", CheckDigit},
		{VAT, "CY10259033P", Right},
		{VAT, "CY10259033Z", CheckDigit},
		{VAT, "CZ25123891", Right},
		{VAT, "CZ25123890", CheckDigit},
		{VAT, "CZ7103192745", Right},
		{VAT, "CZ1103492745", Form}, // no such month
		{VAT, "CZ7103192746", CheckDigit},
		{VAT, "CZ640903926", Right},
		{VAT, "DE136695976", Right},
		{VAT, "DE136695978", CheckDigit},
		{VAT, "DK13585628", Right},
		{VAT, "DK13585627", CheckDigit},
		{VAT, "EE100931558", Right},
		{VAT, "EE100594103", CheckDigit},
		{VAT, "EL094259216", Right},
		{VAT, "GR094259216", Right},
		{VAT, "EL123456781", CheckDigit},
		{VAT, "ES54362315K", Right},
		{VAT, "ES54362315Z", CheckDigit},
		{VAT, "ESX2482300W", Right},
		{VAT, "ESX2482300A", CheckDigit},
		{VAT, "ESB58378431", Right},
		{VAT, "ESB64717838", Right},
		{VAT, "ESB64717839", CheckDigit},
		{VAT, "ESJ99216582", Right},
		{VAT, "ESJ9921658B", Right}, // the same check, as a letter
		{VAT, "ESJ99216583", CheckDigit},
		{VAT, "ESO1234567L", Form},
		{VAT, "LV16137519997", Form}, // no such month
		{VAT, "FI20774740", Right},
		{VAT, "FI20774741", CheckDigit},
		{VAT, "FR40303265045", Right},
		{VAT, "FR23334175221", Right},
		{VAT, "FRK7399859412", Right},
		{VAT, "FR4Z123456782", Right},
		{VAT, "FR84323140391", CheckDigit},
		{VAT, "FRIO334175221", Form},
		{VAT, "HR33392005961", Right},
		{VAT, "HR33392005962", CheckDigit},
		{VAT, "HU12892312", Right},
		{VAT, "HU12892313", CheckDigit},
		{VAT, "IE6433435F", Right},
		{VAT, "IE6433435OA", Right},
		{VAT, "IE6433435E", CheckDigit},
		{VAT, "IE8D79739I", Right},
		{VAT, "IE8D79738J", CheckDigit},
		{VAT, "IT00743110157", Right},
		{VAT, "IT00743110158", CheckDigit},
		{VAT, "LT119511515", Right},
		{VAT, "LT100001919017", Right},
		{VAT, "LT100001919018", CheckDigit},
		{VAT, "LT100004801610", Right}, // by the second row of weights
		{VAT, "LU15027442", Right},
		{VAT, "LU15027443", CheckDigit},
		{VAT, "LV40003521600", Right},
		{VAT, "LV40003521601", CheckDigit},
		{VAT, "LV16117519997", Right},
		{VAT, "MT11679112", Right},
		{VAT, "MT11679113", CheckDigit},
		{VAT, "NL004495445B01", Right},
		{VAT, "NL123456789B90", CheckDigit},
		{VAT, "NL002455799B11", Right},
		{VAT, "NL123456789B13", Right}, // by MOD 97-10
		{VAT, "NL004495445B00", Form},
		{VAT, "PL8567346215", Right},
		{VAT, "PL8567346216", CheckDigit},
		{VAT, "PT501964843", Right},
		{VAT, "PT501964842", CheckDigit},
		{VAT, "RO18547290", Right},
		{VAT, "RO18547291", CheckDigit},
		{VAT, "RO1630615123457", Right},
		{VAT, "SE123456789701", Right},
		{VAT, "SE123456789101", CheckDigit},
		{VAT, "SI50223054", Right},
		{VAT, "SI50223055", CheckDigit},
		{VAT, "SK2022749619", Right},
		{VAT, "SK2022749618", CheckDigit},
		{VAT, "US123456789", Form}, // no member state
		{VAT, "", Form},
		{"passport", "C01X00T47", UnknownKind},
	} {
		if got := Check(c.kind, c.in, now); got.Reason != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, c.in, got.Reason, c.want)
		}
	}
}

func TestWhatANumberHolds(t *testing.T) {
	if n := Check(SocialCredit, "91110000600037341L", now); n.OrgCode != "600037341" || Check(OrgCode, n.OrgCode, now).Reason != Right {
		t.Errorf("the organisation code in it is %q", n.OrgCode)
	}
	if n := Check(ResidentID, "11010519491231002X", now); n.Born.Format(time.DateOnly) != "1949-12-31" || n.Country != "CN" {
		t.Errorf("born %s in %s", n.Born, n.Country)
	}
	if n := Check(VAT, "EL094259216", now); n.Country != "GR" {
		t.Errorf("a Greek number is of %q", n.Country)
	}
	// A region that is in no list is no error: codes change.
	body := "990099199001010"
	for order := range 100 {
		for _, c := range "0123456789X" {
			v := body + string([]byte{'0' + byte(order/10), '0' + byte(order%10)}) + string(c)
			if r := Check(ResidentID, v, now).Reason; r != Right && r != CheckDigit {
				t.Fatalf("%s: %s", v, r)
			}
		}
	}
}

// The check character of a social credit code is right for each remainder, also
// for the one where 31 - 0 has to become 0.
func TestSocialCreditRemainderNought(t *testing.T) {
	seen := map[byte]bool{}
	for i := range 31 * 31 {
		body := "911100006000373" + string([]byte{creditAlphabet[i/31], creditAlphabet[i%31]})
		right := 0
		for j := range 31 {
			if Check(SocialCredit, body+creditAlphabet[j:j+1], now).OK() {
				right++
				seen[creditAlphabet[j]] = true
			}
		}
		if right != 1 {
			t.Fatalf("%s has %d right check characters", body, right)
		}
	}
	if len(seen) != 31 || !seen['0'] {
		t.Errorf("%d check characters occur", len(seen))
	}
}

func TestEveryMemberHasARule(t *testing.T) {
	if n := len(Members()); n != 27 {
		t.Fatalf("%d members", n)
	}
	for _, m := range Members() {
		if vatRule(m) == nil {
			t.Errorf("%s has no rule", m)
		}
	}
}

// All noughts are right by the sums of many rules, and are no number.
func TestNoughts(t *testing.T) {
	for _, m := range Members() {
		for n := 1; n < 15; n++ {
			if v := m + strings.Repeat("0", n); Check(VAT, v, now).OK() {
				t.Errorf("%s is taken for a number", v)
			}
		}
	}
}

// A digit changed is seen where the rule promises that: weights and moduli
// prime to ten.
func TestOneWrongDigitIsSeen(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		in   string
		from int
	}{
		{ResidentID, "360426199101010071", 14}, {SocialCredit, "91110000600037341L", 8}, {LEI, "213800KUD8LAJWSQ9D15", 0},
		{IBAN, "GB82WEST12345698765432", 8}, {VAT, "DE136695976", 3}, {VAT, "IT00743110157", 2}, {VAT, "HR33392005961", 2},
		{VAT, "FI20774740", 2}, {VAT, "DK13585628", 3}, {VAT, "LU15027442", 2}, {VAT, "BE0428759497", 3},
	} {
		for i := c.from; i < len(c.in); i++ {
			if !digit(c.in[i]) {
				continue
			}
			for d := byte('0'); d <= '9'; d++ {
				v := c.in[:i] + string(d) + c.in[i+1:]
				if ok := Check(c.kind, v, now).OK(); ok != (d == c.in[i]) {
					t.Errorf("%s %s: %t", c.kind, v, ok)
				}
			}
		}
	}
}

func TestNothingPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom(append(Members(), "GR", "", "XX")).Draw(t, "prefix")
		s := prefix + rapid.StringMatching(`[0-9A-Z+* .-]{0,20}`).Draw(t, "rest")
		for _, k := range Kinds() {
			n := Check(k, s, now)
			if n.OK() && len(n.Value) < 8 && k != VAT {
				t.Fatalf("%s took %q", k, s)
			}
			if strings.ContainsAny(n.Value, " -./") {
				t.Fatalf("the value %q has separators", n.Value)
			}
		}
	})
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"91110000600037341L", "GB82WEST12345698765432", "FRK7399859412", "IE8D79739I", "11010519491231002X", "RO1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range Kinds() {
			if n := Check(k, s, now); n.OK() && n.Value != Normal(s) {
				t.Fatalf("%s: %+v", k, n)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		Check(SocialCredit, "91110000600037341L", now)
		Check(VAT, "DE136695976", now)
	}
}
