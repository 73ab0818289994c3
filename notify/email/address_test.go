package email

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var key = []byte("0123456789abcdef0123456789abcdef")

const (
	goldenReply = "amaz6vd3qkcpwe5s5b4eobpitkvqhfccltlkf24vqcf4s@r.example"
	goldenToken = "AwGfVHuChPsTsuh4RwXomqsDvLjEmOLqHI00i4bU_1-Pig"

	caseID = "01KXA7Q0M4ZC9V5T3R8W2YH6NB"
	other  = "01KXA7Q0M4ZC9V5T3R8W2YH6NC"
)

func TestReplyAddress(t *testing.T) {
	for _, tc := range []struct{ c, o string }{
		{caseID, caseID + "-1"}, {caseID, caseID + "-64"}, {"7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ-300"},
		{"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz-9"}, // 26 letters that are no ULID
		{"case-1", "ob-1"}, {"c", "o"}, {caseID, "x"}, {caseID, caseID[:4]},
	} {
		a := ReplyAddress(key, "reply.centre.example", tc.c, tc.o)
		local, domain, _ := strings.Cut(a, "@")
		if len(local) > 64 || len(local) < 20 || domain != "reply.centre.example" || strings.Trim(local, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("%s %s: %q (%d)", tc.c, tc.o, a, len(local))
		}
		for _, as := range []string{a, strings.ToUpper(a), "<" + a + ">", local + "@elsewhere.example"} {
			if c, o, ok := ParseReply(key, as); !ok || c != tc.c || o != tc.o {
				t.Errorf("%q gave %q %q %v", as, c, o, ok)
			}
		}
	}
	for what, a := range map[string]string{
		"two ULIDs of their own do not fit": ReplyAddress(key, "x.example", caseID, other),
		"a short key":                       ReplyAddress(key[:15], "x.example", caseID, caseID+"-1"),
		"no case":                           ReplyAddress(key, "x.example", "", "1"),
		"no obligation":                     ReplyAddress(key, "x.example", "1", ""),
	} {
		if a != "" {
			t.Errorf("%s: %q", what, a)
		}
	}
	if c, o, ok := ParseAnswerToken(key, AnswerToken(key, caseID, other)); !ok || c != caseID || o != other {
		t.Error("a link has room for two ULIDs")
	}
	// An address is no link, and the other way round, though one key made both.
	a := ReplyAddress(key, "x.example", caseID, caseID+"-1")
	if _, _, ok := ParseAnswerToken(key, strings.TrimSuffix(a, "@x.example")); ok {
		t.Error("an address opens an answer link")
	}
	if _, _, ok := ParseReply(key[:15], a); ok {
		t.Error("a short key reads")
	}
}

// The golden values: links and addresses that are out must stay readable.
func TestAddressGolden(t *testing.T) {
	if got, want := ReplyAddress(key, "r.example", caseID, caseID+"-3"), goldenReply; got != want {
		t.Errorf("reply address %q, was %q", got, want)
	}
	if got, want := AnswerToken(key, caseID, caseID+"-3"), goldenToken; got != want {
		t.Errorf("answer token %q, was %q", got, want)
	}
}

func TestAddressProperties(t *testing.T) {
	id := rapid.OneOf(rapid.StringMatching(`[0-7][0-9A-HJKMNP-TV-Z]{25}`), rapid.StringMatching(`[a-z0-9-]{1,12}`), rapid.StringMatching(`[0-9A-Z]{26}`))
	rapid.Check(t, func(t *rapid.T) {
		c := id.Draw(t, "case")
		o := rapid.OneOf(id, rapid.Map(rapid.IntRange(0, 999), func(n int) string { return c + "-" + strconv.Itoa(n) })).Draw(t, "obligation")
		k := rapid.SliceOfN(rapid.Byte(), 16, 40).Draw(t, "key")
		token := AnswerToken(k, c, o)
		if gc, g, ok := ParseAnswerToken(k, token); !ok || gc != c || g != o {
			t.Fatalf("token: %q %q became %q %q %v", c, o, gc, g, ok)
		}
		if strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			t.Fatalf("%q is not safe in a URL", token)
		}
		a := ReplyAddress(k, "r.example", c, o)
		if a != "" {
			if gc, g, ok := ParseReply(k, a); !ok || gc != c || g != o {
				t.Fatalf("address: %q %q became %q %q %v", c, o, gc, g, ok)
			}
			if len(a)-len("@r.example") > 64 {
				t.Fatalf("%q is too long", a)
			}
		}
		// Any one character changed makes it nobody's.
		i := rapid.IntRange(0, len(token)-1).Draw(t, "place")
		ch := rapid.SampledFrom([]byte("ABab01-_")).Draw(t, "char")
		if token[i] != ch {
			if _, _, ok := ParseAnswerToken(k, token[:i]+string(ch)+token[i+1:]); ok {
				t.Fatalf("a changed token opens (place %d)", i)
			}
		}
		if a != "" {
			i %= len(a) - len("@r.example")
			if ch := "abcdefghij234567"[int(ch)%16]; a[i] != ch {
				if _, _, ok := ParseReply(k, a[:i]+string(ch)+a[i+1:]); ok {
					t.Fatalf("a changed address opens (place %d)", i)
				}
			}
		}
		// Another key makes nothing of it.
		k2 := append([]byte(nil), k...)
		k2[0] ^= 1
		if _, _, ok := ParseAnswerToken(k2, token); ok {
			t.Fatal("another key opens")
		}
	})
}

func FuzzParseReply(f *testing.F) {
	f.Add(ReplyAddress(key, "r.example", caseID, caseID+"-3"))
	f.Add(ReplyAddress(key, "r.example", "c", "o"))
	f.Add("@")
	f.Add("abuse@reg.example")
	f.Add(strings.Repeat("a", 64) + "@x")
	f.Fuzz(func(t *testing.T, s string) {
		c, o, ok := ParseReply(key, s)
		if !ok {
			if c != "" || o != "" {
				t.Fatal("identifiers without ok")
			}
			return
		}
		// What opens is exactly what was made, but for the letters' case.
		local, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(s), "<>"), "@")
		want, _, _ := strings.Cut(ReplyAddress(key, "x.example", c, o), "@")
		if strings.ToLower(local) != want {
			t.Fatalf("%q opens as %q %q, whose address is %q", s, c, o, want)
		}
	})
}

func FuzzParseAnswerToken(f *testing.F) {
	f.Add(AnswerToken(key, caseID, caseID+"-3"))
	f.Add(AnswerToken(key, "c", "o"))
	f.Add("")
	f.Add("AA")
	f.Fuzz(func(t *testing.T, s string) {
		c, o, ok := ParseAnswerToken(key, s)
		if ok != (c != "" || o != "") {
			t.Fatal("identifiers and ok disagree")
		}
		if ok && AnswerToken(key, c, o) != s {
			t.Fatalf("%q opens as %q %q, whose token is another", s, c, o)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	for _, ids := range [][2]string{{caseID, caseID + "-3"}, {"c", "o"}, {caseID, other}} {
		b, _ := pack(ids[0], ids[1])
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		if c, o, ok := unpack(b); ok {
			if again, _ := pack(c, o); string(again) != string(b) {
				t.Fatalf("%x is read as %q %q, which is written %x", b, c, o, again)
			}
		}
	})
}
