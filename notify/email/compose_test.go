package email

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/abuse"
	"bailiwick/name"
	"bailiwick/party"
	"bailiwick/problem"

	"github.com/emersion/go-message"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var written = time.Date(2026, 3, 4, 10, 30, 0, 0, time.UTC)

// ask is a whole notice to a registrar.
func ask() Ask {
	return Ask{
		CaseID: caseID, ObligationID: caseID + "-3", NoticeID: caseID + "-3.1", Kind: KindAsk, Action: "suspend_name", Role: party.Registrar,
		PartyName: "Registrar, Inc.", To: "abuse@reg.example", Basis: "rdap registrar entity", AbuseType: abuse.Phishing, TLDKind: party.GTLD,
		URLs:   []name.URL{must(name.ParseURL("https://login.examplebank-secure.shop/verify?e=victim@mail.example&step=2"))},
		Domain: must(name.Parse("examplebank-secure.shop")), Due: written.Add(48 * time.Hour),
		Asked: "Please look at the registration and stop the abuse of the name, for example with clientHold.",
		Why: []string{
			"First seen by us at 2026-03-04T10:12:31Z.",
			"The page shows the brand Example Bank and asks for a password, on a name that is not the bank's: www.bank.example is.",
			"The name was registered 2 days before the report.",
		},
		Seen: []Observation{
			{At: written.Add(-17 * time.Minute), URL: must(name.ParseURL("https://login.examplebank-secure.shop/verify")), UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", Language: "en-GB", From: "an address in the first vantage", Status: 200, Result: "a form that asks for a password"},
			{At: written.Add(-16 * time.Minute), URL: must(name.ParseURL("https://login.examplebank-secure.shop/verify")), UserAgent: "curl/8.5.0", Status: 404},
		},
		Evidence: []Attachment{
			{SHA256: strings.Repeat("ab", 32), MediaType: "text/html", Bytes: 18342, Link: "https://centre.example/evidence/" + strings.Repeat("ab", 32)},
			{SHA256: strings.Repeat("cd", 32), MediaType: "text/plain", Text: "HTTP/1.1 200 OK\r\nlocation: https://evil.example/x\r\n"},
		},
		Registrar: "Registrar, Inc.", IANAID: "1861", XARF: []byte(`{"xarf_version":"4.2.0","url":"https://login.examplebank-secure.shop/verify"}`),
		AnswerURL: "https://centre.example/answer/" + AnswerToken(key, caseID, caseID+"-3"), CentreName: "Example CERT", CentreContact: "soc@centre.example",
		Date: written,
	}
}

func options() ComposeOptions {
	return ComposeOptions{From: "soc@centre.example", FromName: "Example CERT", ReplyTo: ReplyAddress(key, "reply.centre.example", caseID, caseID+"-3")}
}

func TestComposeGolden(t *testing.T) {
	reminder := ask()
	reminder.Kind, reminder.NoticeID = KindReminder, caseID+"-3.2"
	reminder.Earlier, reminder.PreviousMessageIDs = []time.Time{written.Add(-24 * time.Hour)}, []string{"notice." + caseID + "-3.1@reply.centre.example"}

	inform := ask()
	inform.Kind, inform.Role, inform.Action, inform.PartyName, inform.To = KindInform, party.Constituent, "inform", "Größte Bank", "soc@bank.example"
	inform.Asked, inform.AnswerURL, inform.Due, inform.Seen, inform.Evidence = "We tell you because it concerns you. Nothing is asked of you.", "", time.Time{}, nil, nil
	inform.Basis = `the page's title holds the brand "Größte Bank"`
	inform.Domain, inform.URLs = must(name.Parse("größte-bank.shop")), []name.URL{must(name.ParseURL("http://größte-bank.shop/"))}

	address := ask()
	address.Role, address.Action, address.Domain, address.Subject = party.Host, "remove_content", name.Domain{}, "192.0.2.10"
	address.URLs, address.AbuseType, address.Seen = []name.URL{must(name.ParseURL("http://192.0.2.10:8080/kit/"))}, abuse.Malware, nil
	address.Reporter, address.Disclose = "A. Reporter", true // the party is not trusted

	platform := ask()
	platform.Role, platform.Collateral = party.Platform, []string{"the names of every customer of the platform pages.example.com (Pages)"}
	platform.Reporter, platform.Disclose, platform.Trusted = "A. Reporter", true, true

	withdraw := ask()
	withdraw.Kind, withdraw.Asked, withdraw.NoticeID = KindWithdraw, "We have seen that the page is the bank's own. Please do nothing.", caseID+"-3.9"

	for n, a := range map[string]Ask{"ask-registrar": ask(), "reminder": reminder, "inform-constituent": inform, "ask-host-address": address, "ask-platform": platform, "withdraw": withdraw} {
		t.Run(n, func(t *testing.T) {
			m, err := Compose(a, options())
			if err != nil {
				t.Fatal(err)
			}
			again := must(Compose(a, options()))
			if !bytes.Equal(m.Raw, again.Raw) {
				t.Error("not the same bytes twice")
			}
			file := filepath.Join("testdata", n+".eml")
			if *update {
				if err := os.WriteFile(file, m.Raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Raw, want) {
				t.Errorf("%s differs; -update writes it. Got:\n%s", file, m.Raw)
			}
			text := read(t, m).text
			for _, l := range strings.Split(text, "\n") {
				if strings.Contains(l, "breach") || strings.Contains(l, "violat") {
					t.Errorf("a word we do not use: %s", l)
				}
			}
			for _, never := range []string{"victim@mail", "victim[@]", "A. Reporter"} {
				if n == "ask-platform" && never == "A. Reporter" {
					continue
				}
				if strings.Contains(text, never) {
					t.Errorf("the text holds %q", never)
				}
			}
			if a.Trusted && !strings.Contains(text, "A. Reporter") {
				t.Error("the reporter, who agreed, is not named to a party that is trusted")
			}
			if a.AnswerURL != "" && !strings.Contains("\n"+text, "\nAnswer: "+a.AnswerURL+"\n") {
				t.Error("no line says where to answer")
			}
		})
	}
}

// opened is a message as a mail program reads it.
type opened struct {
	header mail.Header
	text   string
	types  []string
	parts  map[string][]byte // by file name
}

func read(t interface{ Fatalf(string, ...any) }, m Message) opened {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatalf("unreadable: %v", err)
	}
	e, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatalf("unreadable: %v", err)
	}
	out := opened{header: msg.Header, parts: map[string][]byte{}}
	r := e.MultipartReader()
	if r == nil {
		t.Fatalf("not multipart")
	}
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("part: %v", err)
		}
		b, err := io.ReadAll(p.Body)
		if err != nil {
			t.Fatalf("part: %v", err)
		}
		ct, params, _ := p.Header.ContentType()
		out.types = append(out.types, ct)
		if f := params["name"]; f != "" {
			out.parts[f] = b
		} else {
			out.text += strings.ReplaceAll(string(b), "\r\n", "\n")
		}
	}
}

func TestComposeHeaders(t *testing.T) {
	a := ask()
	a.PreviousMessageIDs = []string{"<one@reply.centre.example>", "two@reply.centre.example", "bad id@x", "evil@x>\r\nBcc: y@z.example"}
	m := must(Compose(a, options()))
	l := read(t, m)
	for k, want := range map[string]string{
		"Message-Id":     "<notice." + caseID + "-3.1@reply.centre.example>",
		"Auto-Submitted": "auto-generated",
		"Date":           "Wed, 04 Mar 2026 10:30:00 +0000",
		"Subject":        "[" + caseID + "] Phishing: examplebank-secure[.]shop - action asked",
		"Reply-To":       "<" + options().ReplyTo + ">",
		"From":           `"Example CERT" <soc@centre.example>`,
		"To":             `"Registrar, Inc." <abuse@reg.example>`,
		"In-Reply-To":    "<two@reply.centre.example>",
		"References":     "<one@reply.centre.example> <two@reply.centre.example>",
		"Mime-Version":   "1.0",
	} {
		if got := l.header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if m.ID != "notice."+caseID+"-3.1@reply.centre.example" || m.From != options().ReplyTo || m.To != "abuse@reg.example" || m.UTF8 {
		t.Errorf("%+v", m.ID)
	}
	if !bytes.Equal(l.parts["xarf.json"], a.XARF) {
		t.Errorf("the XARF copy was changed: %q", l.parts["xarf.json"])
	}
	if got := string(l.parts["evidence-2.txt"]); got != "HTTP/1.1 200 OK\r\nlocation: hxxps://evil[.]example/x\r\n" {
		t.Errorf("evidence: %q", got)
	}
	if strings.Join(l.types, " ") != "text/plain application/json text/plain" {
		t.Errorf("parts: %v", l.types)
	}
	a.PartyName, a.To = "Größe", "größe@reg.example"
	m = must(Compose(a, options()))
	if !m.UTF8 || m.To != "größe@reg.example" {
		t.Errorf("%+v", m)
	}
}

func TestComposeErrors(t *testing.T) {
	for want, set := range map[string]func(*Ask, *ComposeOptions){
		"case_id":          func(a *Ask, _ *ComposeOptions) { a.CaseID = "x\r\nBcc: y" },
		"obligation_id":    func(a *Ask, _ *ComposeOptions) { a.ObligationID = "" },
		"notice_id":        func(a *Ask, _ *ComposeOptions) { a.NoticeID = "a@b" },
		"kind":             func(a *Ask, _ *ComposeOptions) { a.Kind = "threat" },
		"to":               func(a *Ask, _ *ComposeOptions) { a.To = "a@b.example, c@d.example" },
		"options.from":     func(_ *Ask, o *ComposeOptions) { o.From = "x" },
		"options.reply_to": func(_ *Ask, o *ComposeOptions) { o.ReplyTo = "" },
		"date":             func(a *Ask, _ *ComposeOptions) { a.Date = time.Time{} },
		"urls":             func(a *Ask, _ *ComposeOptions) { a.URLs, a.Domain = nil, name.Domain{} },
		"answer_url":       func(a *Ask, _ *ComposeOptions) { a.AnswerURL = "https://x/\r\nBcc: y" },
		"evidence[0].link": func(a *Ask, _ *ComposeOptions) { a.Evidence[0].Link = "javascript:x" },
		"xarf":             func(a *Ask, _ *ComposeOptions) { a.XARF = []byte("{") },
	} {
		a, o := ask(), options()
		set(&a, &o)
		_, err := Compose(a, o)
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || len(pe.Fields) != 1 || pe.Fields[0].Path != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	// A machine that talks only to itself has a domain of one label.
	a, o := ask(), options()
	o.ReplyTo = ReplyAddress(key, "localhost", caseID, caseID+"-3")
	if _, err := Compose(a, o); err != nil {
		t.Error(err)
	}
}

func TestPolicy(t *testing.T) {
	for _, tc := range []struct {
		role party.Role
		t    abuse.Type
		tld  string
		want string
	}{
		{party.Registrar, abuse.Phishing, party.GTLD, "3.18.2"}, {party.Registry, abuse.Malware, party.GTLD, "Specification 6"},
		{party.Registrar, abuse.Phishing, party.CCTLD, ""}, {party.Registrar, abuse.Fraud, party.GTLD, ""}, {party.Host, abuse.Phishing, party.GTLD, ""}, {party.Registrar, abuse.Phishing, "", ""},
	} {
		if got := Policy(tc.role, tc.t, tc.tld); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%v: %q", tc, got)
		}
	}
}

func TestComposeBounds(t *testing.T) {
	a := ask()
	long := strings.Repeat("x", 10_000)
	a.URLs = nil
	for range 500 {
		a.URLs = append(a.URLs, must(name.ParseURL("http://a.shop/"+long[:7000])))
		a.Why, a.Collateral, a.Earlier = append(a.Why, long), append(a.Collateral, long), append(a.Earlier, written)
		a.Seen = append(a.Seen, Observation{At: written, UserAgent: long, Result: long})
		a.Evidence = append(a.Evidence, Attachment{SHA256: long, MediaType: long, Text: strings.Repeat(long, 20)})
		a.PreviousMessageIDs = append(a.PreviousMessageIDs, "a@b.example")
	}
	a.Asked, a.PartyName, a.CentreName, a.Basis, a.Registrar = long, long, long, long, long
	m := must(Compose(a, options()))
	if len(m.Raw) > 8<<20 {
		t.Errorf("%d octets", len(m.Raw))
	}
	wellFormed(t, a, m)
}

// hostile draws text as an adversary writes it.
func hostile() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{"", "x\r\nBcc: victim@mail.example", "x\nAnswer: https://evil.example/", "\r\n\r\n<html>", "\x00\x01", "\u202egnp.exe", "\u2066x\u2069", "=?utf-8?q?x?=", "\xff\xfe", "https://evil.example/ now", "\"quoted\" <a@b.example>", "\u2028Answer: https://evil.example/", "--=_abc", "."}),
		rapid.Custom(func(t *rapid.T) string { return strings.Repeat(rapid.StringN(1, 3, 12).Draw(t, "s"), 3000) }),
	)
}

// wellFormed checks everything that hostile text could break.
func wellFormed(t interface{ Fatalf(string, ...any) }, a Ask, m Message) {
	l := read(t, m)
	allowed := map[string]bool{"Date": true, "From": true, "To": true, "Reply-To": true, "Subject": true, "Message-Id": true, "In-Reply-To": true, "References": true,
		"Auto-Submitted": true, "Mime-Version": true, "Content-Type": true}
	for k, v := range l.header {
		if !allowed[k] || len(v) != 1 {
			t.Fatalf("the header has %s %d times", k, len(v))
		}
	}
	to, err := l.header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != m.To {
		t.Fatalf("To: %v %v", to, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(l.header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "["+a.CaseID+"] ") {
		t.Fatalf("Subject %q: %v", subject, err)
	}
	for _, s := range []string{l.text, subject, to[0].Name} {
		for _, r := range s {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r)) || r == utf8.RuneError {
				t.Fatalf("%q is in what a person reads", r)
			}
		}
	}
	answers := 0
	for line := range strings.SplitSeq(l.text, "\n") {
		if strings.HasPrefix(line, "Answer: ") {
			answers++
			if line != "Answer: "+a.AnswerURL {
				t.Fatalf("a forged line: %s", line)
			}
		}
	}
	if a.AnswerURL != "" && answers != 1 {
		t.Fatalf("%d lines say where to answer", answers)
	}
	for line := range bytes.Lines(m.Raw) {
		if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsAny(line[:len(line)-2], "\r\n\x00") {
			t.Fatalf("a line that mail does not allow, %d octets: %.80q", len(line), line)
		}
		for _, c := range line {
			if c >= 0x80 && !m.UTF8 {
				t.Fatalf("an octet that is not ASCII in %.80q", line)
			}
		}
	}
	for line := range strings.SplitSeq(l.text, "\n") {
		// A name further in a URL's query stays as it is, for the desk to find the page.
		if strings.Contains(line, "https://evil") || !strings.Contains(line, " GET ") && strings.Contains(line, "evil.example") {
			t.Fatalf("not defanged: %s", line)
		}
	}
	if !bytes.Equal(l.parts["xarf.json"], a.XARF) {
		t.Fatalf("the XARF copy was changed")
	}
}

func TestComposeHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := ask()
		h := hostile()
		a.PartyName, a.Basis, a.Asked, a.Registrar, a.IANAID = h.Draw(t, "party"), h.Draw(t, "basis"), h.Draw(t, "asked"), h.Draw(t, "registrar"), h.Draw(t, "iana")
		a.Why, a.Collateral, a.PreviousMessageIDs = rapid.SliceOfN(h, 0, 3).Draw(t, "why"), rapid.SliceOfN(h, 0, 2).Draw(t, "collateral"), rapid.SliceOfN(h, 0, 3).Draw(t, "ids")
		a.Seen = []Observation{{At: written, UserAgent: h.Draw(t, "agent"), Language: h.Draw(t, "language"), From: h.Draw(t, "from"), Result: h.Draw(t, "result"),
			URL: name.URL{Scheme: "http", Domain: a.Domain, Path: "/", RawQuery: h.Draw(t, "query")}}}
		a.Evidence = []Attachment{{SHA256: h.Draw(t, "sha"), MediaType: h.Draw(t, "media"), Text: h.Draw(t, "text")}}
		a.AbuseType, a.Role = abuse.Type(h.Draw(t, "type")), party.Role(h.Draw(t, "role"))
		a.Reporter, a.Disclose, a.Trusted = h.Draw(t, "reporter"), true, true
		a.Kind = rapid.SampledFrom([]string{KindAsk, KindReminder, KindChase, KindInform, KindBundle, KindWithdraw}).Draw(t, "kind")
		if rapid.Bool().Draw(t, "address") {
			a.Domain, a.Subject, a.URLs = name.Domain{}, "s"+h.Draw(t, "subject"), nil
		}
		// The centre's own words are not defanged, so they are not drawn as URLs.
		o := options()
		o.FromName = h.Draw(t, "from name")
		m, err := Compose(a, o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		wellFormed(t, a, m)
	})
}

func FuzzCompose(f *testing.F) {
	f.Add("Registrar", "why", "text", "a@b", "q=1")
	f.Add("x\r\nBcc: y@z.example", "\u202e", "\x00", "x>\r\nBcc: y", "a\u202eb")
	f.Fuzz(func(t *testing.T, who, why, text, id, query string) {
		a := ask()
		a.PartyName, a.Why, a.PreviousMessageIDs = who, []string{why}, []string{id}
		a.Evidence = []Attachment{{SHA256: "x", MediaType: who, Text: text}}
		a.Seen[0].URL = name.URL{Scheme: "http", Domain: a.Domain, Path: "/", RawQuery: query}
		m, err := Compose(a, options())
		if err != nil {
			t.Fatal(err)
		}
		l := read(t, m)
		if n := strings.Count("\n"+l.text, "\nAnswer: "); n != 1 || len(l.header["Bcc"]) > 0 || !bytes.Equal(l.parts["xarf.json"], a.XARF) {
			t.Fatalf("%d answer lines, header %v", n, l.header)
		}
	})
}

func BenchmarkCompose(b *testing.B) {
	a, o := ask(), options()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compose(a, o); err != nil {
			b.Fatal(err)
		}
	}
}
