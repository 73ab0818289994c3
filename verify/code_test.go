package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bailiwick/problem"
)

func TestCode(t *testing.T) {
	c, err := NewCode(bytes.NewReader([]byte("0123456789abcdefghijkl")))
	if err != nil {
		t.Fatal(err)
	}
	text := c.Text()
	if text != "60rk4-csm6m-v3ee1-sc5h6-6s35c-skpgt-badc" {
		t.Errorf("%q: messages that are under way carry another text", text)
	}
	back, ok := ParseCode(text)
	if !ok || back != c {
		t.Errorf("%q is not read back", text)
	}
	plain := strings.ReplaceAll(text, "-", "")
	for _, s := range []string{plain, strings.ToUpper(text), " " + strings.ReplaceAll(text, "-", " ") + "\n", strings.NewReplacer("0", "o", "1", "I").Replace(text)} {
		if got, ok := ParseCode(s); !ok || got != c {
			t.Errorf("%q is not read", s)
		}
	}
	for _, s := range []string{"", plain[:33], plain + "0", strings.Repeat(plain, 9), plain[:33] + "z", plain[:20] + "u" + plain[21:], plain[:20] + "é" + plain[22:], plain[:20] + "\x00" + plain[21:]} {
		if _, ok := ParseCode(s); ok {
			t.Errorf("%q is a code", s)
		}
	}
	// A code is never printed by accident.
	b, _ := json.Marshal(struct{ C Code }{c})
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %x %d %q %s", c, c, c, c, c, c), fmt.Sprintf("%+v", Make{Code: c}), fmt.Sprintf("%#v", []Command{Make{Code: c}}), string(b)} {
		if strings.Contains(s, "48") || strings.Contains(s, plain[:8]) || strings.Contains(s, "3031") {
			t.Errorf("%s", s)
		}
	}
	if _, err := NewCode(strings.NewReader("too short")); problem.CodeOf(err) != problem.Internal {
		t.Error(err)
	}
	if _, err := NewCode(broken{}); err == nil {
		t.Error("a code without randomness")
	}
	// The digest covers all that a code is for.
	a, r := c.digest("h", 1, Email, "r"), Revision("r")
	for what, d := range map[string]bool{
		"the holder": a == c.digest("g", 1, Email, r), "the number": a == c.digest("h", 2, Email, r), "the claim": a == c.digest("h", 1, Phone, r),
		"the revision": a == c.digest("h", 1, Email, "s"), "where one ends": a == c.digest("hemail", 1, "", r), "the secret": a == nudged(c).digest("h", 1, Email, r),
	} {
		if d {
			t.Errorf("the digest does not cover %s", what)
		}
	}
	if !same(a, c.digest("h", 1, Email, r)) || same(a, nudged(c).digest("h", 1, Email, r)) {
		t.Error("same")
	}
}

// nudged is a code with another last bit.
func nudged(c Code) Code { c.b[len(c.b)-1] ^= 1; return c }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("no") }

func TestNormal(t *testing.T) {
	for _, tc := range []struct {
		claim Claim
		in    string
		want  string // "" for refused
	}{
		{Email, " Anna.B@MAIL.Example ", "Anna.B@mail.example"},
		{Email, "anna@bücher.example", "anna@xn--bcher-kva.example"},
		{Email, "ann\u0061\u0308@mail.example", "annä@mail.example"},
		{Email, `"a@b"@mail.example`, `"a@b"@mail.example`},
		{Email, "a@mail.example, b@mail.example", ""},
		{Email, "a b@mail.example", ""},
		{Email, "@mail.example", ""},
		{Email, "anna", ""},
		{Email, "anna@", ""},
		{Email, "anna@-.example", ""},
		{Email, strings.Repeat("a", 65) + "@mail.example", ""},
		{Email, "a\x00@mail.example", ""},
		{Email, "\xff@mail.example", ""},
		{Phone, "+44.7700900123", "+447700900123"},
		{Phone, "+44 (7700) 900-123 X 12", "+447700900123x12"},
		{Phone, "07700 900123", ""},
		{Phone, "+44.7700900123x", ""},
		{Phone, "+44.77x00x1", ""},
		{Phone, "+", ""},
		{Phone, "+1234567890123456", ""},
		{Phone, "+44.seven", ""},
		{Name, "  Anna \t Example ", "Anna Example"},
		{Name, "Zoe\u0308", "Zoë"},
		{Name, " \n", ""},
		{Address, "1 High Street,\nTown", "1 High Street, Town"},
		{Address, strings.Repeat("x", maxValue+1), ""},
		{"shoe", "42", ""},
	} {
		got, err := Normal(tc.claim, tc.in)
		if got != tc.want || (err == nil) != (tc.want != "") || err != nil && problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%s %.40q: %q %v, want %q", tc.claim, tc.in, got, err, tc.want)
		}
		if err != nil && len(tc.in) > 6 && strings.Contains(err.Error(), tc.in) {
			t.Errorf("the error says the value: %v", err)
		}
	}
	a := rev(t, Email, "anna@MAIL.example")
	if a != rev(t, Email, mailA) || a == rev(t, Email, "Anna@mail.example") || a == rev(t, Name, mailA) || !a.valid() {
		t.Error("revisions")
	}
	other, err := Revise(bytes.Repeat([]byte{8}, MinKey), Email, mailA)
	if err != nil || other == a {
		t.Error("the key changes nothing")
	}
	if _, err := Revise(key[1:], Email, mailA); problem.CodeOf(err) != problem.Internal {
		t.Errorf("a short key: %v", err)
	}
	if _, err := Revise(key, Email, "anna"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("%v", err)
	}
}

// FuzzNormal: what is normal stays as it is, and is one line.
func FuzzNormal(f *testing.F) {
	for _, s := range []string{mailA, phoneA, "Anna", "a@b@c.example", "+44 x 1", "\u2028@ü.example", "x\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range claims {
			v, err := Normal(Claim(w.Code), s)
			if err != nil {
				continue
			}
			if again, err := Normal(Claim(w.Code), v); err != nil || again != v {
				t.Errorf("%s: %q, then %q %v", w.Code, v, again, err)
			}
			if v == "" || strings.ContainsAny(v, "\n\x00") {
				t.Errorf("%s: %q", w.Code, v)
			}
		}
	})
}

// FuzzParseCode: whatever is read as a code is one, in one canonical form.
func FuzzParseCode(f *testing.F) {
	f.Add("60rk4-csm6m-v3ee1-sc5h6-6s35c-skpgt-badc")
	f.Add("o0iIlL")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := ParseCode(s)
		if !ok {
			return
		}
		if again, ok := ParseCode(c.Text()); !ok || again != c {
			t.Errorf("%q is read as what is not read", s)
		}
	})
}

func TestFindCodes(t *testing.T) {
	c, err := NewCode(strings.NewReader(strings.Repeat("k", 21)))
	if err != nil {
		t.Fatal(err)
	}
	code := c.Text()
	for text, want := range map[string]int{
		"":   0,
		code: 1,
		"Hi,\nthe code is " + strings.ToUpper(code) + ". Thanks":       1,
		"Code:" + strings.ReplaceAll(code, "-", " "):                   1,
		"Code: " + strings.ReplaceAll(code, "-", "") + " and " + code:  1,
		"Please confirm your mail address for us and then write to us": 0,
		code[1:]: 0,
		strings.Repeat("0", 40<<10) + strings.Repeat("u", 40<<10) + code: 1, // a run of letters reads as one, what is beyond is not read
	} {
		if got := FindCodes(text); len(got) != want || want == 1 && len(text) < 1000 && got[0] != code {
			t.Errorf("%.60q: %q", text, got)
		}
	}
}

func FuzzFindCodes(f *testing.F) {
	f.Add("Code: 3f7kq-00000-abcde-fghjk-mnpqr-stvwx-yz01")
	f.Add("\x00\xff 00000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range FindCodes(s) {
			if got, ok := ParseCode(c); !ok || got.Text() != c {
				t.Errorf("%q does not read", c)
			}
		}
	})
}
