package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bailiwick/problem"

	"pgregory.net/rapid"
)

func read(t testing.TB, raw string) Message {
	t.Helper()
	m, err := Read([]byte(raw))
	if err != nil {
		t.Fatalf("%v: %q", err, raw)
	}
	return m
}

const simple = "From: \"Rita, R.\" <rita@Reporter.EXAMPLE>\nTo: a@b.example, =?utf-8?Q?J=C3=B6rg?= <j@b.example>, Team: x@b.example;\nSubject: =?utf-8?B?w5xi?= =?utf-8?Q?er_?=\n folded\nDate: Mon, 2 Nov 2026 09:15:30 +0100\nMessage-ID: <1@x.example>\nReferences: <2@x.example>\n\t<3@x.example>\nIn-Reply-To: <3@x.example>\n\nBody\n"

func TestHeader(t *testing.T) {
	for _, ends := range []string{"\n", "\r\n", "\r"} {
		m := read(t, strings.ReplaceAll(simple, "\n", ends))
		if m.Subject() != "Über  folded" && m.Subject() != "Über folded" {
			t.Errorf("subject %q", m.Subject())
		}
		if from := m.From(); len(from) != 1 || from[0] != (Address{"Rita, R.", "rita@reporter.example"}) || from[0].Domain() != "reporter.example" {
			t.Errorf("from %+v", from)
		}
		if to := m.To(); len(to) != 3 || to[1].Name != "Jörg" || to[2].Addr != "x@b.example" {
			t.Errorf("to %+v", to)
		}
		if !m.Date().Equal(time.Date(2026, 11, 2, 8, 15, 30, 0, time.UTC)) {
			t.Errorf("date %v", m.Date())
		}
		if m.MessageID() != "1@x.example" || strings.Join(m.References(), " ") != "2@x.example 3@x.example" || m.InReplyTo()[0] != "3@x.example" {
			t.Errorf("ids %q %q %q", m.MessageID(), m.References(), m.InReplyTo())
		}
		if got := strings.TrimSpace(m.Plain(100)); got != "Body" {
			t.Errorf("body %q", got)
		}
		if len(m.Defects) != 0 {
			t.Errorf("defects %q", m.Defects)
		}
	}
}

func TestBroken(t *testing.T) {
	for _, c := range []struct{ name, raw, text, defect string }{
		{"mailbox line", "From x@y.example Mon Nov  2 08:15:30 2026\nFrom: a@b.example\nSubject: s\n\ntext", "text", ""},
		{"byte order mark", "\xef\xbb\xbfFrom: a@b.example\n\ntext", "text", ""},
		{"no empty line", "From: a@b.example\nSubject: s\nthis is text", "this is text", "without an empty line"},
		{"continuation first", " odd\nFrom: a@b.example\n\ntext", "text", ""},
		{"latin-1 header and body", "From: a@b.example\nSubject: Gr\xfc\xdfe\n\nGr\xfc\xdfe", "Grüße", ""},
		{"unknown charset", "From: a@b.example\nContent-Type: text/plain; charset=x-klingon\n\nGr\xc3\xbc\xc3\x9fe", "Grüße", ""},
		{"iso-2022-jp", "From: a@b.example\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%F%9%H\x1b(B", "テスト", ""},
		{"utf-7", "From: a@b.example\nContent-Type: text/plain; charset=utf-7\n\nGr+APwA3w-e", "Grüße", ""},
		{"broken base64", "From: a@b.example\nContent-Transfer-Encoding: base64\n\ndGV4\n!dA==\n#", "text", ""},
		{"broken quoted-printable", "From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n\nte=78t=\n =3d=zz=", "text ==zz", ""},
		{"no boundary", "From: a@b.example\nContent-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\ntext\n--x--", "text", "names no boundary"},
		{"wrong boundary", "From: a@b.example\nContent-Type: multipart/mixed; boundary=y\n\n--x\nContent-Type: text/plain\n\ntext\n--x--", "text", "does not occur"},
		{"no such boundary at all", "From: a@b.example\nContent-Type: multipart/mixed; boundary=y\n\ntext", "text", "does not occur"},
		{"not closed", "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ntext", "text", "not closed"},
		{"part without header", "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n--x--\n", "text", ""},
		{"boundary with white space and quotes", "From: a@b.example\nContent-Type: multipart/mixed;\n boundary=\"a b=_\\\"c\"\n\n--a b=_\"c \t\n\ntext\n--a b=_\"c--  \n", "text", ""},
		{"encoded multipart", "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\nContent-Transfer-Encoding: base64\n\n" + "LS14CgpleHRyYQotLXgtLQo=", "extra", "itself encoded"},
		{"two subjects", "From: a@b.example\nSubject: one\nSubject: two\n\ntext", "text", "occurs 2 times"},
		{"bad content type", "From: a@b.example\nContent-Type: ;;;\n\ntext", "text", "cannot be read"},
		{"NUL", "From: a@b.example\n\nte\x00xt", "text", ""},
		{"utf-16", "From: a@b.example\n\n\xff\xfet\x00e\x00x\x00t\x00", "text", ""},
	} {
		m := read(t, c.raw)
		if got := strings.TrimSpace(m.Plain(1000)); got != c.text {
			t.Errorf("%s: text %q, want %q", c.name, got, c.text)
		}
		if got := strings.Join(m.Defects, "; "); !strings.Contains(got, c.defect) || (c.defect == "") != (got == "") {
			t.Errorf("%s: defects %q, want %q", c.name, got, c.defect)
		}
		if len(m.From()) != 1 {
			t.Errorf("%s: from %v", c.name, m.From())
		}
	}
	for _, raw := range []string{"", "\r\n\r\n", "hello", "<html></html>"} {
		var e *problem.Error
		if _, err := Read([]byte(raw)); !errors.As(err, &e) || e.Code != problem.Invalid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// TestInjection: a decoded value never has a second line.
func TestInjection(t *testing.T) {
	m := read(t, "From: a@b.example\nSubject: =?utf-8?Q?x=0D=0ABcc:_all@b.example?=\n\n.")
	if s := m.Subject(); strings.ContainsAny(s, "\r\n") || !strings.HasPrefix(s, "x") {
		t.Errorf("subject %q", s)
	}
	if m.Header.Has("Bcc") {
		t.Error("a field was injected")
	}
}

func TestParts(t *testing.T) {
	m := read(t, `From: a@b.example
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: multipart/alternative; boundary=i

--i
Content-Type: text/plain; charset=utf-8

plain
--i
Content-Type: text/html

<b>html</b>
--i--
--o
Content-Type: application/pdf; name*0*=utf-8''%c3%bcber; name*1="sicht.pdf"
Content-Disposition: attachment; filename="=?utf-8?Q?=C3=BCber?=.pdf"
Content-Transfer-Encoding: base64

JVBERg==
--o
Content-Type: message/rfc822

From: c@d.example
Subject: inner

inner text
--o
Content-Type: text/rfc822-headers

From: e@f.example
--o
Content-Type: application/octet-stream; name=saved.eml
Content-Transfer-Encoding: base64

RnJvbTogZ0BoLmV4YW1wbGUKU3ViamVjdDogc2F2ZWQKCnRleHQK
--o--
`)
	var got []string
	for _, p := range m.Parts {
		s := fmt.Sprintf("%s %d %d %q %s %d", p.Type, p.Depth, p.Alternative, p.Name, p.Disposition, len(p.Data))
		if p.Message != nil {
			s += fmt.Sprintf(" [%s %v]", p.Message.From()[0].Addr, p.Message.HeadersOnly)
		}
		got = append(got, s)
	}
	want := []string{
		`text/plain 2 1 ""  5`,
		`text/html 2 1 ""  11`,
		`application/pdf 1 0 "über.pdf" attachment 4`,
		`message/rfc822 1 0 ""  44 [c@d.example false]`,
		`text/rfc822-headers 1 0 ""  17 [e@f.example true]`,
		`application/octet-stream 1 0 "saved.eml"  39 [g@h.example false]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if m.Parts[2].Params["name"] != "übersicht.pdf" {
		t.Errorf("name %q", m.Parts[2].Params["name"])
	}
	if len(m.Bodies()) != 2 {
		t.Errorf("%d bodies", len(m.Bodies()))
	}
}

// TestBombs: what is over a bound is cut, and said, in little time.
func TestBombs(t *testing.T) {
	var deep strings.Builder
	deep.WriteString("From: a@b.example\n")
	for i := range 2000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	nested := "From: a@b.example\n\ntext"
	for range 50 {
		nested = "From: a@b.example\nContent-Type: message/rfc822\n\n" + nested
	}
	many := "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\n\na\n", 50_000)
	wide := "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\nContent-Type: multipart/mixed; boundary=y\n\n"+strings.Repeat("--y\n\na\n", 100), 100)
	fields := "From: a@b.example\n" + strings.Repeat("X-A: b\n", 100_000) + "\ntext"
	long := "From: a@b.example\nSubject: " + strings.Repeat("a\n ", 300_000) + "\n\ntext"
	boundaries := "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--xx\n", 500_000)
	params := "From: a@b.example\nContent-Type: text/plain" + strings.Repeat("; a=b", 10_000) + "\n\ntext"
	for name, c := range map[string]struct{ raw, defect string }{
		"deep": {deep.String(), "deep"}, "nested": {nested, "deep"}, "many": {many, "over 300 parts"}, "wide": {wide, "over 300 parts"},
		"fields": {fields, "over 1000 fields"}, "long": {long, "octets"}, "boundaries": {boundaries, "does not occur"}, "params": {params, ""},
	} {
		start := time.Now()
		m := read(t, c.raw)
		if got := strings.Join(m.Defects, "; "); !strings.Contains(got, c.defect) {
			t.Errorf("%s: defects %q", name, got)
		}
		if n := count(&m); n > MaxParts {
			t.Errorf("%s: %d parts", name, n)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
	var e *problem.Error
	if _, err := Read(bytes.Repeat([]byte("A"), MaxMail+1)); !errors.As(err, &e) || e.Code != problem.TooLarge {
		t.Errorf("a mail over the limit: %v", err)
	}
}

func count(m *Message) int {
	n := len(m.Parts)
	for i := range m.Parts {
		if in := m.Parts[i].Message; in != nil {
			n += count(in)
		}
	}
	return n
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"Mon, 2 Nov 2026 08:15:30 +0000":        "2026-11-02T08:15:30Z",
		"2 Nov 26 08:15 EST":                    "2026-11-02T13:15:00Z",
		"Mon Nov 2":                             "",
		"Thu, 29 Apr 1999 23:34:45 -0500 (CDT)": "1999-04-30T04:34:45Z",
		"Thu, 29 Apr 2013 23:45:50 PST":         "2013-04-30T07:45:50Z",
		"Mon, 2 Nov 2026 08:15:30 XYZ":          "2026-11-02T08:15:30Z",
		"2026-11-02T08:15:30Z":                  "2026-11-02T08:15:30Z",
		"99 Nov 2026 08:15":                     "",
		"":                                      "",
	} {
		got := ""
		if d := ParseDate(in); !d.IsZero() {
			got = d.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHTMLText(t *testing.T) {
	text, links := HTMLText(`<head><title>no</title><style>p{}</style></head><p>Hello &amp; <b>welcome</b><br>to <a href=" http://a.example/?x=1&amp;y=2 ">the <i>site</i></a></p><script>var a="<p>";</script><form action='//b.example/f'><img src="http://c.example/"></form><a href="/rel">r</a>`)
	if text != "Hello & welcome\nto the site\nr" {
		t.Errorf("text %q", text)
	}
	if len(links) != 3 || links[0].Href != "http://a.example/?x=1&y=2" || links[0].Text != "the site" || links[1].Href != "//b.example/f" || links[2].Href != "/rel" {
		t.Errorf("links %+v", links)
	}
}

// TestEncodings: what is encoded rightly is read as it was.
func TestEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
		var qp strings.Builder
		for i, c := range data {
			if i%20 == 19 {
				qp.WriteString("=\r\n")
			}
			fmt.Fprintf(&qp, "=%02X", c)
		}
		if got := decodeQuoted([]byte(qp.String())); !bytes.Equal(got, data) {
			t.Fatalf("%q, want %q", got, data)
		}
		s := rapid.StringN(0, 60, 200).Draw(t, "text")
		var word strings.Builder
		for i := 0; i < len(s); i += 30 { // cut within characters, as many senders do
			word.WriteString(" =?utf-8?Q?")
			for _, c := range []byte(s[i:min(len(s), i+30)]) {
				fmt.Fprintf(&word, "=%02X", c)
			}
			word.WriteString("?=")
		}
		if got := decodeWords(strings.TrimSpace(word.String())); got != s {
			t.Fatalf("%q, want %q", got, s)
		}
	})
}

// FuzzRead: no panic, typed errors, bounds kept, text that is UTF-8.
func FuzzRead(f *testing.F) {
	for _, s := range []string{simple, "A: b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--", "A:b\nContent-Type: message/rfc822\n\nFrom: a\n\n", "A: =?utf-8?Q?a=?= =?x?B?aaa?=\n\n", "A: b\nContent-Type: text/html; charset=utf-16; name*0*=a'b'%41\n\n<a href=x>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Read(raw)
		var e *problem.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err != nil {
			return
		}
		if n := count(&m); n > MaxParts {
			t.Fatalf("%d parts", n)
		}
		for i := range m.Header.Len() {
			if _, v := m.Header.At(i); strings.ContainsAny(v, "\r\n") || !utf8.ValidString(v) {
				t.Fatalf("a value of two lines or not UTF-8: %q", v)
			}
		}
		for i := range m.Parts {
			s := m.Parts[i].Text()
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\r\x00") {
				t.Fatalf("text %q", s)
			}
			HTMLText(s)
		}
		Classify(&m, Envelope{})
		NoAnswer(&m, Envelope{}, func(string) bool { return false })
		m.From()
		m.Date()
	})
}
