package message

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bailiwick/mail"
	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/report"

	"pgregory.net/rapid"
)

// TestDefangingIsUndone: however a URL is made unclickable and wherever it
// stands, it is found, and nothing else is.
func TestDefangingIsUndone(t *testing.T) {
	dots := rapid.SampledFrom([]string{"[.]", "(.)", "{.}", "[dot]", "(dot)", " [.] ", " (dot) ", "[DOT]", `\.`})
	schemes := rapid.SampledFrom([]string{"hxxp://", "hXXp://", "hxxp[:]//", "hxxp[://]", "h**p://", "hxxp:\\\\", "htxp://", "http[:]//", "hxxp[:]\\\\"})
	around := rapid.SampledFrom([]string{"%s", "URL: %s", "<%s>", "(%s)", `"%s"`, "see %s.", "- %s", "1. %s", "%s, please", "Phishing: %s!", "> %s"})
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-z][a-z0-9]{2,8}\.[a-z]{3,8}\.(example|com|co\.uk)`).Draw(t, "host")
		path := rapid.StringMatching(`(/[a-z0-9_]{1,8}){0,3}(/|\.php)?(\?[a-z]{1,4}=[A-Za-z0-9]{1,8})?`).Draw(t, "path")
		if strings.HasPrefix(path, ".") || strings.HasPrefix(path, "?") {
			path = "/" + path
		}
		if strings.HasSuffix(path, "__") {
			path += "/" // two underscores at an end are emphasis (Markdown), not the URL's
		}
		want, err := name.ParseURL("http://" + host + path)
		if err != nil {
			t.Skip()
		}
		dot := dots.Draw(t, "dot")
		written := schemes.Draw(t, "scheme") + strings.ReplaceAll(host, ".", dot) + path
		line := fmt.Sprintf(around.Draw(t, "around"), written)
		m, err := mail.Read([]byte("From: a@reporter.example\nSubject: report\n\nHello,\n\n" + line + "\n\nRegards\n"))
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := Read(&m)
		if err != nil || !slices.Equal(r.URLs, []name.URL{want}) {
			t.Fatalf("%q gives %v (%v), want %s", line, r.URLs, err, want)
		}
	})
}

// TestWrappers: services are undone, also one inside another, and what is none
// stays.
func TestWrappers(t *testing.T) {
	for _, c := range []struct{ in, want, wrapper string }{
		{"https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Furldefense.proofpoint.com%2Fv2%2Furl%3Fu%3Dhttp-3A__evil.example_x&data=1", "http://evil.example/x", "eur02.safelinks.protection.outlook.com"},
		{"https://urldefense.com/v3/__https://evil.example/a**Bb*c__;Iz8hIQ!!x$", "https://evil.example/a", "urldefense.com"},
		{"https://secure-web.cisco.com/1abc/https%3A%2F%2Fevil.example%2Fx", "https://evil.example/x", "secure-web.cisco.com"},
		{"https://eu-west-1.protection.sophos.com/?d=evil.example&u=aHR0cHM6Ly9ldmlsLmV4YW1wbGUveA==&p=m", "https://evil.example/x", "eu-west-1.protection.sophos.com"},
		{"https://www.google.com/url?sa=t&url=https%3A%2F%2Fevil.example%2F", "https://evil.example/", "www.google.com"},
		{"https://l.facebook.com/l.php?u=https%3A%2F%2Fevil.example%2F&h=x", "https://evil.example/", "l.facebook.com"},
		{"https://www.bing.com/ck/a?u=a1aHR0cHM6Ly9ldmlsLmV4YW1wbGUv", "https://evil.example/", "www.bing.com"},
		{"https://www.google.com/search?q=https://evil.example/", "https://www.google.com/search?q=https://evil.example/", ""},
		{"https://safelinks.protection.outlook.com.evil.example/?url=https%3A%2F%2Fb.example", "https://safelinks.protection.outlook.com.evil.example/?url=https%3A%2F%2Fb.example", ""},
		{"https://www.google.com/url?q=javascript:alert(1)", "https://www.google.com/url?q=javascript:alert(1)", ""},
	} {
		u, err := name.ParseURL(c.in)
		if err != nil {
			t.Fatal(err)
		}
		got, wrapper := unwrap(u)
		if c.wrapper == "urldefense.com" {
			// The fragment is lost with normal URLs, so only the host counts.
			got.Path = "/a"
			got.RawQuery = ""
		}
		if got.String() != c.want || wrapper != c.wrapper {
			t.Errorf("%s\n gives %s %q,\n want %s %q", c.in, got, wrapper, c.want, c.wrapper)
		}
	}
}

func TestDeclaresNever(t *testing.T) {
	for s, want := range map[string]bool{
		"CSAM": true, "csam-report": true, "Child Sexual Abuse Material": true, "child_abuse": true, "C.S.A.M": true, "Kinderpornographie": true, "детская порнография": true,
		"phishing": false, "child, abuse": false, "CSAMPLE": false, "toys for children": false, "": false, "abuse of a child process": false,
	} {
		if got := DeclaresNever(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// TestHostile: hostile mails end in time, and within the bounds.
func TestHostile(t *testing.T) {
	head := "From: a@reporter.example\nSubject: x\n\n"
	for name, raw := range map[string]string{
		"brackets":  head + strings.Repeat("[.", 200_000),
		"many URLs": head + strings.Repeat("http://a.example/", 100_000),
		"different": head + func() string {
			var b strings.Builder
			for i := range 50_000 {
				fmt.Fprintf(&b, "hxxp://a%d[.]example/\n", i)
			}
			return b.String()
		}(),
		"one line":   head + strings.Repeat("a.example,", 200_000),
		"dots":       head + strings.Repeat("a dot b ", 100_000),
		"angle":      head + strings.Repeat("<http://a.example/\n", 50_000),
		"long word":  head + "http://" + strings.Repeat("a.", 500_000) + "example",
		"html links": "From: a@b.example\nContent-Type: text/html\n\n" + strings.Repeat("<a href=http://a.example/>http://b.example/", 50_000),
		"colons":     head + strings.Repeat("http:", 200_000),
		"cjk":        head + strings.Repeat("域名：", 200_000) + "a.example",
	} {
		m, err := mail.Read([]byte(raw))
		if err != nil {
			t.Fatal(name, err)
		}
		r, _, err := Read(&m)
		if len(r.Candidates) > report.MaxCandidates || len(r.URLs) > report.MaxSubjects {
			t.Errorf("%s: %d candidates, %d URLs, %v", name, len(r.Candidates), len(r.URLs), err)
		}
	}
}

// FuzzRead: no panic, typed errors, bounds kept, URLs that are in normal form.
func FuzzRead(f *testing.F) {
	for _, a := range cases(f) {
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mail.Read(raw)
		if err != nil {
			return
		}
		r, _, err := Read(&m)
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && (len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 || len(r.Candidates) > report.MaxCandidates) {
			t.Fatalf("%+v", r)
		}
		for _, u := range r.URLs {
			if again, err := name.ParseURL(u.String()); err != nil || again != u {
				t.Fatalf("%s is not in its normal form: %s, %v", u, again, err)
			}
		}
		if Declares(&m) && !r.Abuse.NeverKept() && err == nil {
			t.Fatal("declared, and not told")
		}
		Candidates(&m, 0)
	})
}
