package read

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"bailiwick/abuse"
	"bailiwick/mail"
	"bailiwick/problem"
)

var update = flag.Bool("update", false, "rewrite the golden file")

const (
	v4 = `{"xarf_version":"4.2.0","report_id":"b0a3c2a4-7a52-4b35-9a54-5b1d1f0f6a11","timestamp":"2026-11-02T08:15:30Z",` +
		`"reporter":{"org":"Desk","contact":"d@desk.example","domain":"desk.example"},"sender":{"org":"Desk","contact":"d@desk.example","domain":"desk.example"},` +
		`"source_identifier":"203.0.113.80","category":"content","type":"phishing","url":"https://bad.example/x"}`
	v3  = `{"Version":"3","ReporterInfo":{"ReporterOrg":"Desk"},"Report":{"ReportClass":"Content","ReportType":"Phishing","Date":"2026-11-02T08:15:30Z","SourceUrl":"https://bad.example/x"}}`
	own = `{"type":"phishing","url":"https://bad.example/x"}`

	note = "From: Rita <rita@reporter.example>\nTo: abuse@registrar.example\nSubject: Phishing\nDate: Mon, 2 Nov 2026 08:15:30 +0000\n\nhxxps://bad[.]example/x\n"
	fbl  = "From: fbl@provider.example\nSubject: FW: x\nDate: Mon, 2 Nov 2026 08:15:30 +0000\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nA complaint.\n--b\n" +
		"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x\nVersion: 1\nReported-Domain: bad.example\n--b\nContent-Type: message/rfc822\n\nFrom: a@bad.example\nSubject: y\n\ntext\n--b--\n"
	bounce = "From: MAILER-DAEMON@mx.example\nTo: desk@centre.example\nSubject: Undelivered Mail\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt failed.\n--b\n" +
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; abuse@host.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n--b--\n"
	away = "From: rita@reporter.example\nSubject: Automatic reply: x\nAuto-Submitted: auto-replied\n\nhttp://bad.example/\n"
)

func TestReport(t *testing.T) {
	for _, c := range []struct{ raw, declared, format, err string }{
		{v4, "", "xarf4", ""},
		{v4, "application/json", "xarf4", ""},
		{v3, "", "xarf3", ""},
		{own, "", "json", ""},
		{own, "text/plain; charset=utf-8", "json", ""},
		{own, "XARF4", "xarf4", "is required"},
		{v4, "json", "json", "is not a field"},
		{v3, "json", "json", "is not a field"},
		{`{"hello":1}`, "", "", "no report of a format that is known"},
		{`[]`, "", "", "no report of a format that is known"},
		{`hello`, "", "", "not valid JSON"},
		{``, "", "", "not valid JSON"},
		{`{"xarf_version":4}`, "", "xarf4", "must be a string"},
		{`{"ReporterInfo":{}}`, "", "xarf3", "nobody stands behind"},
		{note, "", "mail", ""},
		{strings.ReplaceAll(note, "\n", "\r\n"), "message/rfc822", "mail", ""},
		{"\xef\xbb\xbf\r\n" + note, "", "mail", ""},
		{note, "json", "", "not valid JSON"},
		{fbl, "", "arf", ""},
		{strings.ReplaceAll(fbl, "\n", "\r"), "", "arf", ""},
		{fbl, "mail", "arf", ""},
		{bounce, "", "mail", "a delivery report (failed), which opens no report"},
		{away, "", "mail", "an automatic answer, which opens no report"},
		{"hello", "mail", "mail", "begins with no header field"},
		{"X-One: a\nX-Two: b\n\nhttp://bad.example/", "arf", "mail", ""},
		{"X-One: a\nX-Two: b\n\nhttp://bad.example/", "", "", "not valid JSON"},
	} {
		r, _, err := Report([]byte(c.raw), c.declared)
		if r.Format != c.format || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.40s as %q: %q %v, want %q %q", c.raw, c.declared, r.Format, err, c.format, c.err)
		}
	}
}

// TestParse holds the lines of `bailiwick parse report` to a golden file.
func TestParse(t *testing.T) {
	var b bytes.Buffer
	for _, c := range []struct{ file, raw string }{
		{"v4.json", v4},
		{"v3.json", v3},
		{"own.json", own},
		{"no-sender.json", strings.Replace(v4, `"sender"`, `"x_sender"`, 1)},
		{"private-url.json", strings.Replace(v4, "bad.example", "192.168.1.1", 1)},
		{"bad-uuid.json", strings.Replace(v4, "b0a3c2a4-7a52", "nope", 1)},
		{"broken.json", v4[:100]},
		{"unknown.json", `{"hello":1}`},
		{"note.eml", note},
		{"fbl.eml", fbl},
		{"bounce.eml", bounce},
		{"away.eml", away},
	} {
		line, err := json.Marshal(Parse(c.file, []byte(c.raw)))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	path := filepath.Join("testdata", "lines.golden.jsonl")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestParseTooLarge: a mail over the limit is told as one.
func TestParseTooLarge(t *testing.T) {
	l := Parse("big.eml", append([]byte(note), bytes.Repeat([]byte("a"), mail.MaxMail)...))
	if l.OK || l.Format != "mail" || len(l.Errors) != 1 || !strings.Contains(l.Errors[0].Reason, "are allowed") {
		t.Errorf("%+v", l)
	}
}

// TestDeclaredInMail: what is never kept is seen in a mail wherever a type
// stands, and under every transfer encoding.
func TestDeclaredInMail(t *testing.T) {
	head := "From: rita@reporter.example\nTo: abuse@registrar.example\n"
	csamJSON := `{"type":"csam","url":"http://a.example/"}`
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	nest := func(inner string) string {
		return head + "Subject: fw\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n" + inner + "\n--i--\n--o--\n"
	}
	for _, c := range []struct {
		raw  string
		want bool
	}{
		{head + "Subject: CSAM report\n\nhttp://a.example/", true},
		{head + "Subject: Report of child sexual abuse material\n\nx", true},
		{head + "Subject: =?utf-8?B?" + b64("Child Sexual Abuse Material") + "?=\n\nx", true},
		{head + "Subject: =?utf-8?Q?Kinder=70ornographie?=\n\nx", true},
		{head + "Subject: x\nX-Report-Type: csam\n\nx", true},
		{head + "Subject: x\nX-XARF-Category: child_abuse\n\nx", true},
		{head + "Subject: x\n\nType: CSAM\nURL: http://a.example/", true},
		{head + "Subject: x\nContent-Transfer-Encoding: base64\n\n" + b64("Category: child abuse\nURL: http://a.example/\n"), true},
		{head + "Subject: x\nContent-Transfer-Encoding: quoted-printable\n\nCategory: c=73a=\nm\n", true},
		{head + "Subject: x\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n" + b64(utf16le("Abuse type: csam\n")), true},
		{nest("Content-Type: application/json\n\n" + csamJSON), true},
		{nest("Content-Type: application/json\nContent-Transfer-Encoding: base64\n\n" + b64(csamJSON)), true},
		{nest("Content-Type: application/octet-stream; name=x.bin\nContent-Transfer-Encoding: base64\n\n" + b64(csamJSON)), true},
		{nest("Content-Type: message/rfc822\n\nFrom: a@b.example\nSubject: csam report\n\nx"), true},
		{nest("Content-Type: message/rfc822\n\nFrom: a@b.example\nSubject: x\nContent-Transfer-Encoding: base64\n\n" + b64("Report-Type: child-abuse\n")), true},
		{nest("Content-Type: text/html\n\n<b>Category</b>: <i>csam</i>"), true},
		{strings.Replace(fbl, "Feedback-Type: abuse", "Feedback-Type: csam", 1), true},
		{strings.Replace(fbl, "Version: 1", "Version: 1\nReport-Category: child exploitation", 1), true},
		{note, false},
		{fbl, false},
		{bounce, false},
		{head + "Subject: Phishing\n\nThis is not csam. See http://a.example/csam.zip", false},
		{head + "Subject: The CSEMPLE shop\n\nhttp://a.example/", false},
		{head + "Subject: Toys for your child, abuse of our brand\n\nhttp://a.example/", false},
	} {
		typ, got := Declared([]byte(c.raw))
		if got != c.want || got != (typ == abuse.CSAM) {
			t.Errorf("Declared(%q) = %v, %v; want %v", c.raw, typ, got, c.want)
		}
		if got := Parse("x.eml", []byte(c.raw)); c.want && got.OK && got.Report.Abuse == abuse.CSAM && (got.Report.Description != "" || got.Report.Candidates != nil) {
			t.Errorf("kept: %+v", got.Report)
		}
	}
}

func utf16le(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestDeclared(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want bool
	}{
		{strings.Replace(v4, `"type":"phishing"`, `"type":"csam"`, 1), true},
		{strings.Replace(v4, `"type":"phishing"`, `"type" : "CSEM"`, 1), true},
		{strings.Replace(v3, `"Phishing"`, `"ChildAbuse"`, 1), true},
		{strings.Replace(v3, `"Phishing"`, `"ChildSexualAbuseMaterial"`, 1), true},
		{strings.Replace(v3, `"Phishing"`, `"Child-Abuse"`, 1), true},
		{strings.Replace(own, `"phishing"`, `"csam"`, 1), true},
		// Broken or hidden.
		{`{"type":"csam"`, true},
		{`{"type":"csam`, true},
		{`{"type" "csam"}`, true},
		{`{type:csam}`, true},
		{`{'type':'csam'}`, true},
		{`{"description":"no end, "type":"csam"}`, true},
		{`{"type":"phishing","type":"csam"}`, true},
		{`{"type":["phishing","csam"]}`, true},
		{`{"type":{"value":"csam"}}`, true},
		{`{"\u0074ype":"\u0063s\u0061m"}`, true},
		{`{"report":{"category":"content/csam"}}`, true},
		{"\xff{\"type\"\n:\n\"cSaM\"", true},
		{utf16le(`{"type":"csam"}`), true},
		{"\xff\xfe" + utf16le(`{"ReportType":"ChildAbuse"}`), true},
		// Other formats.
		{"Report-Type: child-abuse\nSource: 192.0.2.1\n", true},
		{"Category: Child Sexual Abuse Material\n", true},
		{"type=csam&url=http%3A%2F%2Fa.example%2F", true},
		{"url=x&type=%63sam", true},
		{"<report><type>csam</type></report>", true},
		{"<Classification>child pornography</Classification>", true},
		// As the readers take it.
		{strings.Replace(v3, `"ReportType":"Phishing"`, `"Report Type":"C.S-A_M"`, 1), true},
		{strings.Replace(v3, `"ReportType":"Phishing"`, `"T y p e":"c h i l d a b u s e"`, 1), true},
		// Not in the place of a type.
		{v4, false},
		{v3, false},
		{own, false},
		{"", false},
		{`{"type":"phishing","url":"https://a.example/csam.zip"}`, false},
		{`{"type":"phishing","description":"This type of page is not csam, a child could see that."}`, false},
		{`{"type":"malware","urls":["https://child-toys.example/sem"],"tags":["csam:no"]}`, false},
		{`{"type":"spam","target_brand":"CSEM SA"}`, false},
		{`{"type":"phishing","evidence":[{"data":"Y3NhbQcsamcsemchild+childsex/csam"}]}`, false},
		{`{"type":"trademark","reporter":{"org":"Child Abuse Helpline"}}`, false},
	} {
		typ, got := Declared([]byte(c.raw))
		if got != c.want || got != (typ == abuse.CSAM) {
			t.Errorf("Declared(%q) = %v, %v; want %v", c.raw, typ, got, c.want)
		}
	}
}

// FuzzReport: no panic, typed errors, and no report of what is never kept that
// Declared did not see first.
func FuzzReport(f *testing.F) {
	for _, s := range []string{v4, v3, own, strings.Replace(v4, "phishing", "csam", 1), `{"type":"csam","url":"http://a.example/"}`, `{"type" "cs`, note, fbl, bounce, strings.Replace(note, "Phishing", "csam", 1)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		typ, declared := Declared(raw)
		r, _, err := Report(raw, "")
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if r.Abuse.NeverKept() && !declared {
			t.Fatalf("read as %s, but not seen as declared: %q", r.Abuse, raw)
		}
		if declared && typ != abuse.CSAM {
			t.Fatalf("declared %q", typ)
		}
		if _, err := json.Marshal(Parse("f", raw)); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkDeclared is what every report pays before it is stored.
func BenchmarkDeclared(b *testing.B) {
	raw := []byte(v4)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Declared(raw)
	}
}

func BenchmarkReport(b *testing.B) {
	for _, c := range []struct{ name, raw string }{{"xarf4", v4}, {"xarf3", v3}, {"json", own}, {"mail", note}, {"arf", fbl}} {
		b.Run(c.name, func(b *testing.B) {
			raw := []byte(c.raw)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Report(raw, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
