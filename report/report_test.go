package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/problem"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{" plain ", 10, "plain"},
		{"nul\x00 and \x1b[31mescape", 40, "nul and [31mescape"},
		{"a\r\nb\rc\td", 40, "a\nb\nc\td"},
		{"in\xffvalid", 40, "in\uFFFDvalid"},
		{"pay\u202elap\u2066x\u200b", 40, "paylapx"},
		{"\U000E0041tag\uFEFF", 40, "tag"},
		{"äöüß中文", 40, "äöüß中文"},
		{"12345", 5, "12345"},
		{"123456", 5, "1234…"},
		{"ääääää", 5, "ääää…"},
		{"", 5, ""},
	} {
		if got := Clean(c.in, c.max); got != c.want {
			t.Errorf("Clean(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestCleanHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		max := rapid.IntRange(1, 50).Draw(t, "max")
		out := Clean(in, max)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > max {
			t.Fatalf("%q is not clean", out)
		}
		for _, r := range out {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || r >= 0x202A && r <= 0x202E) {
				t.Fatalf("%q holds %U", out, r)
			}
		}
		if again := Clean(out, max); again != out {
			t.Fatalf("Clean is not stable: %q, then %q", out, again)
		}
	})
}

func url(t *testing.T, s string) name.URL {
	u, err := name.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func domain(t *testing.T, s string) name.Domain {
	d, err := name.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNormaliseSubjects(t *testing.T) {
	r := Report{
		Abuse:   abuse.Phishing,
		URLs:    []name.URL{url(t, "HTTP://Bad.Example:80/a"), url(t, "http://bad.example/a"), url(t, "https://198.51.100.7/x")},
		Domains: []name.Domain{domain(t, "other.example"), domain(t, "OTHER.example.")},
		IPs:     []string{"::ffff:192.0.2.1", "192.0.2.1", "2001:DB8::1"},
	}
	if _, err := Normalise(&r); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(r)
	want := `{"category":"","type":"","abuse":"phishing","urls":["http://bad.example/a","https://198.51.100.7/x"],` +
		`"domains":["other.example","bad.example"],"ips":["192.0.2.1","2001:db8::1","198.51.100.7"],"evidence":[]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNormaliseRefuses(t *testing.T) {
	many := make([]string, MaxSubjects+1)
	for i := range many {
		many[i] = "192.0.2.1"
	}
	for _, c := range []struct {
		label string
		r     Report
		path  string
		code  problem.Code
	}{
		{"nothing", Report{}, "urls", problem.Invalid},
		{"private address in a URL", Report{URLs: []name.URL{url(t, "http://bad.example/"), url(t, "http://10.0.0.1/")}}, "urls[1]", problem.Invalid},
		{"loopback as one number", Report{URLs: []name.URL{url(t, "http://2130706433/")}}, "urls[0]", problem.Invalid},
		{"the machine itself", Report{URLs: []name.URL{url(t, "http://x.localhost/")}}, "urls[0]", problem.Invalid},
		{"an onion", Report{Domains: []name.Domain{domain(t, "abc.onion")}}, "domains[0]", problem.Invalid},
		{"no name", Report{Domains: []name.Domain{{}}}, "domains[0]", problem.Invalid},
		{"no URL", Report{URLs: []name.URL{{}}}, "urls[0]", problem.Invalid},
		{"carrier NAT", Report{IPs: []string{"100.64.3.2"}}, "ips[0]", problem.Invalid},
		{"metadata service", Report{IPs: []string{"192.0.2.1", "169.254.169.254"}}, "ips[1]", problem.Invalid},
		{"no address", Report{IPs: []string{"1.2.3"}}, "ips[0]", problem.Invalid},
		{"a zone", Report{IPs: []string{"fe80::1%eth0"}}, "ips[0]", problem.Invalid},
		{"too many", Report{IPs: many}, "ips", problem.TooLarge},
		{"too much evidence", Report{IPs: []string{"192.0.2.1"}, Evidence: make([]Evidence, MaxEvidence+1)}, "evidence", problem.TooLarge},
		{"too large an item", Report{IPs: []string{"192.0.2.1"}, Evidence: []Evidence{{MediaType: "text/plain", Data: make([]byte, MaxEvidenceBytes+1)}}}, "evidence[0]", problem.TooLarge},
	} {
		_, err := Normalise(&c.r)
		var e *problem.Error
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path != c.path || e.Code != c.code {
			t.Errorf("%s: %v, want a %s error at %s", c.label, err, c.code, c.path)
		}
	}
}

func TestNormaliseTexts(t *testing.T) {
	r := Report{IPs: []string{"192.0.2.1"}, ID: "a\nb", Description: strings.Repeat("x", MaxDescription+1),
		Reporter: Reporter{Org: "Org\x00 \u202eGmbH", Contact: " a@b.example "},
		Tags:     []string{"one", " one ", "", "two\n"},
		Evidence: []Evidence{{MediaType: "Text/HTML; charset=utf-8", Description: "d\x07", Data: []byte("hello")}, {MediaType: "nonsense", Data: []byte{}}},
	}
	findings, err := Normalise(&r)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "a b" || r.Reporter.Org != "Org GmbH" || r.Reporter.Contact != "a@b.example" {
		t.Errorf("texts: %q %q %q", r.ID, r.Reporter.Org, r.Reporter.Contact)
	}
	if !slices.Equal(r.Tags, []string{"one", "two"}) {
		t.Errorf("tags %q", r.Tags)
	}
	if utf8.RuneCountInString(r.Description) != MaxDescription {
		t.Errorf("the description has %d characters", utf8.RuneCountInString(r.Description))
	}
	sum := sha256.Sum256([]byte("hello"))
	if e := r.Evidence[0]; e.MediaType != "text/html" || e.SHA256 != hex.EncodeToString(sum[:]) || e.Bytes != 5 || e.Description != "d" {
		t.Errorf("evidence %+v", e)
	}
	if r.Evidence[1].MediaType != "application/octet-stream" {
		t.Errorf("media type %q", r.Evidence[1].MediaType)
	}
	want := []Finding{{"description", "is cut to 8000 characters"}, {"evidence[1].media_type", `"nonsense" is not a media type`}}
	if !reflect.DeepEqual(findings, want) {
		t.Errorf("findings %v", findings)
	}
}

// TestNeverKept: of what must not be kept, the digest stays and nothing else.
func TestNeverKept(t *testing.T) {
	r := Report{Abuse: abuse.CSAM, URLs: []name.URL{url(t, "http://bad.example/x")}, Description: "words",
		Evidence: []Evidence{{MediaType: "image/png", Description: "what it shows", Data: []byte("bytes")}}}
	if _, err := Normalise(&r); err != nil {
		t.Fatal(err)
	}
	e := r.Evidence[0]
	if e.Data != nil || e.Description != "" || r.Description != "" || e.SHA256 == "" || e.Bytes != 5 {
		t.Errorf("%+v", r)
	}
}

func TestNormaliseIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip := rapid.SampledFrom([]string{"192.0.2.1", "2001:db8::1", "198.51.100.9", "::ffff:203.0.113.4"})
		host := rapid.SampledFrom([]string{"http://a.example/", "https://b.example/x?y", "http://192.0.2.77/", "hxxp://c[.]example"})
		r := Report{Description: rapid.String().Draw(t, "description"), IPs: rapid.SliceOfN(ip, 0, 5).Draw(t, "ips"), Tags: rapid.SliceOf(rapid.String()).Draw(t, "tags")}
		for _, h := range rapid.SliceOfN(host, 1, 5).Draw(t, "urls") {
			u, err := name.ParseURL(h)
			if err != nil {
				t.Fatal(err)
			}
			r.URLs = append(r.URLs, u)
		}
		if _, err := Normalise(&r); err != nil {
			t.Fatal(err)
		}
		once, _ := json.Marshal(r)
		if _, err := Normalise(&r); err != nil {
			t.Fatal(err)
		}
		if twice, _ := json.Marshal(r); string(once) != string(twice) {
			t.Fatalf("%s\nthen\n%s", once, twice)
		}
	})
}
