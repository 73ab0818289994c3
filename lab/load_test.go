package lab

import (
	"bufio"
	"bytes"
	"errors"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"

	"pgregory.net/rapid"
)

func TestScenarioErrors(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{"", "is empty"},
		{"a: [", "test.yaml: line 1"},
		{"- x", "a list is not wanted here"},
		{"text", "a list or mapping is wanted here"},
		{"dayz: 3", `line 1: dayz: there is no such key (did you mean "days"?)`},
		{"days: many", "cannot unmarshal"},
		{"days: -1", "days: -1 is not 1 to 3650"},
		{"names: x", "line 1: names: a list or mapping is wanted here"},
		{"names:\n  - nam: x.shopx", `line 2: names[0].nam: there is no such key (did you mean "name"?)`},
		{"names:\n  - {registrar: x}", "names[0].name: is missing"},
		{"names: [{name: 'not a name.shopx'}]", "is not a domain name"},
		{"names: [{name: www.a.shopx}]", "names[0].name: www.a.shopx is not a registered domain: a.shopx is"},
		{"tlds: [{name: shopx}]\nnames: [{name: a.webb}]", `line 2: names[0].name: no TLD is called "webb"`},
		{"tlds: [{name: shop.x}]", "is not one label"},
		{"names: [{name: a.shopx}, {name: a.shopx}]", "is used twice"},
		{"names: [{name: a.shopx, registrar: Quick}]\nregistrars: [{name: Quik}]", `no registrar is called "Quick" (did you mean "Quik"?)`},
		{"names: [{name: a.shopx, class: evil}]", `"evil" is not one of malicious, compromised, platform, innocent`},
		{"names: [{name: a.shopx, type: csam}]", "is not a type of abuse the lab stages"},
		{"names: [{name: a.shopx, site: {kind: phising}}]", `did you mean "phishing"?`},
		{"names: [{name: a.shopx, site: {kit: exe}}]", "is not one of sign-in"},
		{"names: [{name: a.shopx, site: {path: login}}]", "does not begin with /"},
		{"names: [{name: a.shopx, site: {host: b.shopx}}]", "is not a.shopx or under it"},
		{"names: [{name: a.shopx, site: {cloak: {others: blank}}}]", "neither shows to nor hides from anybody"},
		{"names: [{name: a.shopx, site: {cloak: {show_to: {vantage: phone}}}}]", `"phone" is not one of plain, mobile, zh, tool`},
		{"names: [{name: a.shopx, site: {pages: [{path: /}]}}]", "shows nothing"},
		{"names: [{name: a.shopx, site: {pages: [{show: kit, status: 200}]}}]", "give one of the two"},
		{"names: [{name: a.shopx, then: [{do: remove}]}]", "needs exactly one of at"},
		{"names: [{name: a.shopx, then: [{at: 1h, after_ask: 2h, do: remove}]}]", "needs exactly one of at"},
		{"names: [{name: a.shopx, then: [{at: 1h, do: explode}]}]", "is not one of remove"},
		{"names: [{name: a.shopx, then: [{at: 1h, do: move}]}]", "names no other name to move to"},
		{"names: [{name: a.shopx, then: [{at: soon, do: remove}]}]", "is not a length of time"},
		{"names: [{name: a.shopx, registered: yesterday}]", "is not a moment"},
		{"names: [{name: a.shopx, registered: 1d, expires: 0}]", "expires: must be after registered"},
		{"names: [{name: a.shopx, address: 198.51.100.9}]\nhosts: [{name: H, networks: 192.0.2.0/26}]", "is in no host's network"},
		{"names: [{name: a.shopx, host: B, address: 192.0.2.9}]\nhosts: [{name: H, networks: 192.0.2.0/26}, {name: B}]", "is in a network of \"H\", not of \"B\""},
		{"names: [{name: a.shopx, truth: {outcome: fine}}]", "is not one of stopped"},
		{"names: [{name: a.shopx, rdap_raw_file: ../../etc/passwd}]", "cannot be opened in the scenario's folder"},
		{"names: [{name: a.shopx, rdap_raw_file: absent.json}]", "cannot be opened in the scenario's folder"},
		{"hosts: [{name: H, networks: 10.0.0.0/8}]", "is not within the documentation addresses"},
		{"hosts: [{name: H, networks: 203.0.113.128/26}]", "which is the lab's own"},
		{"hosts: [{name: H, networks: 192.0.2.1/26}]", "192.0.2.0/26 is meant"},
		{"hosts: [{name: H, networks: 192.0.2.0/26}, {name: I, networks: 192.0.2.32/27}]", "overlaps"},
		{"hosts: [{name: H, networks: nonsense}]", "is not a network"},
		{"hosts: [{name: H, takedown: explode}]", "is not one of suspended"},
		{"registrars: [{name: R, behaviour: lazy}]", `"lazy" is not one of`},
		{"registrars: [{name: R, behaviour: {like: prompt, acts: 2}}]", "is not a probability"},
		{"registrars: [{name: R, behaviour: {after: [5h, 2h]}}]", "must not be negative nor run backwards"},
		{"registrars: [{name: R, behaviour: {aftr: 5h}}]", `did you mean "after"?`},
		{"behaviours: {prompt: slow}", "is the name of a built-in behaviour"},
		{"behaviours: {a: b, b: a}", "it starts from itself"},
		{"registrars: [{name: R, mail: nobody}]", "is not a mail address"},
		{"registrars: [{name: R, iana_id: 5}, {name: S, iana_id: 5}]", "is used twice"},
		{"tlds: [{name: a, rdap: slow}]", "is not one of ok, none"},
		{"tlds: [{name: a, country: de}]", "two capital letters"},
		{"reports: [{at: 1h}]", "reports nothing"},
		{"reports: [{urls: ['http://a.shopx/']}]", "needs exactly one of at and after_live"},
		{"reports: [{at: 1h, name: b.shopx}]\nnames: [{name: a.shopx}]", `no name is called "b.shopx" (did you mean "a.shopx"?)`},
		{"reports: [{at: 1h, fault: missing_sender}]", "missing_sender is for the formats xarf4 and xarf3"},
		{"reports: [{at: 1h, raw: x, bulk: y}]", "cannot be part of a bulk request"},
		{"name: {a: b}", "one value is wanted here, not a mapping"},
		{"start: {a: b}", "one value is wanted here"},
		{"name: a\n---\nname: b", "more than one document"},
		{"name: a\nname: b", "already defined"},
	} {
		_, err := Load(strings.NewReader(tt.yaml), "test.yaml")
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != problem.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.yaml, err, tt.want)
		}
	}
	// All errors at once.
	_, err := Load(strings.NewReader("names:\n  - {name: a.shopx, host: X}\n  - {name: b.shopx, registrar: Y}\n"), "test.yaml")
	var p *problem.Error
	if !errors.As(err, &p) || len(p.Fields) != 2 || p.Fields[0].Path != "line 2: names[0].host" || p.Fields[1].Path != "line 3: names[1].registrar" {
		t.Errorf("%v", err)
	}
	if _, err := Load(strings.NewReader(strings.Repeat("#", MaxScenario+1)), "big.yaml"); problem.CodeOf(err) != problem.TooLarge {
		t.Errorf("%v", err)
	}
}

func TestScenarioDefaults(t *testing.T) {
	s := load(t, "names:\n  - &one {name: a.shopx, reported: [1h]}\n  - {<<: *one, name: BÜCHER.shopx, class: innocent, reported: []}\n")
	if len(s.TLDs) != 1 || s.TLDs[0].Name != "shopx" || s.TLDs[0].Mail != "abuse@nic.shopx" || len(s.Reports) != 1 || s.Days != 14 || s.Seed != 1 {
		t.Errorf("%+v", s)
	}
	if n := s.Names[0]; n.Class != "malicious" || n.Registrant.Kind != "fabricated" || n.Site.Kind != "phishing" || n.Registrar != "Lab Registrar" || n.Address == "" {
		t.Errorf("%+v", n)
	}
	if n := s.Names[1]; n.Name != "xn--bcher-kva.shopx" || n.Site.Kind != "corporate" {
		t.Errorf("%+v", n)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "answer.json"), []byte(`{"x":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(strings.NewReader("names: [{name: a.shopx, rdap_raw_file: answer.json}]"), filepath.Join(dir, "s.yaml"))
	if err != nil || s.Names[0].RDAPRaw != `{"x":1}` {
		t.Errorf("%v", err)
	}
}

func TestSpan(t *testing.T) {
	for in, want := range map[string]time.Duration{"0": 0, "90m": 90 * time.Minute, "36h": 36 * time.Hour, "2d": 2 * Day, "1d12h": 36 * time.Hour, "-3d": -3 * Day, "1d2h3m4s": 26*time.Hour + 3*time.Minute + 4*time.Second} {
		if got, err := ParseSpan(in); err != nil || got.D() != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "-", "3", "h", "3x", "1h1d", "1.5h", "99999999999d"} {
		if got, err := ParseSpan(bad); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := Span(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "seconds")) * time.Second)
		if back, err := ParseSpan(s.String()); err != nil || back != s {
			t.Fatalf("%v prints as %s and reads as %v %v", s.D(), s, back, err)
		}
	})
}

// TestImports holds what the lab may share with the centre: words and clocks,
// no rules.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"bailiwick/clock", "bailiwick/name", "bailiwick/abuse", "bailiwick/problem"}
	for _, f := range files {
		src, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range src.Imports {
			if p := strings.Trim(i.Path.Value, `"`); strings.HasPrefix(p, "bailiwick/") && !slices.Contains(allowed, p) {
				t.Errorf("%s imports %s", f, p)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{minimal, servers, reactions, "names: [{name: a.shopx, site: {pages: [{show: kit}]}}]", "a: &a [*a]", "behaviours: {a: {like: a}}"} {
		f.Add([]byte(s))
	}
	files, err := filepath.Glob("../docs/scenarios/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			return
		}
		s, err := Load(bytes.NewReader(b), "fuzz.yaml")
		if err != nil {
			if problem.CodeOf(err) == problem.Internal {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if err := s.Write(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(&out, "printed.yaml"); err != nil {
			t.Fatalf("what loads and is printed does not load: %v\n%s", err, b)
		}
	})
}

func FuzzProxyLine(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\nrest"))
	f.Add([]byte("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 65535\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		from, to, err := readProxyLine(r)
		if err != nil {
			return
		}
		if !from.IsValid() || !to.IsValid() {
			t.Fatalf("%q gives %v %v", b, from, to)
		}
		back, again, err := readProxyLine(bufio.NewReader(bytes.NewReader(proxyLine(from, to))))
		if err != nil || back.Addr().WithZone("") != from.Addr().WithZone("") || again.Port() != to.Port() {
			t.Fatalf("%v %v written and read: %v %v %v", from, to, back, again, err)
		}
	})
}

func FuzzNotice(f *testing.F) {
	s, err := Load(strings.NewReader(reactions), "reactions.yaml")
	if err != nil {
		f.Fatal(err)
	}
	w, err := Start(f.Context(), s, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = w.Close() })
	f.Add([]byte(noticeMail("a@b.example", "https://hold.shopx/", "registrar", "suspend_name", "http://127.0.0.1:1/a")))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a"))
	f.Add([]byte("Content-Type: text/plain; charset=x\r\nContent-Transfer-Encoding: y\r\n\r\nhxxp://a[.]b/"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, ok := w.parseNotice(Mail{Raw: b}); ok && n.subject == "" {
			t.Fatalf("%+v", n)
		}
	})
}

func BenchmarkDialAndFetch(b *testing.B) {
	s, err := Load(strings.NewReader(minimal), "minimal.yaml")
	if err != nil {
		b.Fatal(err)
	}
	w, err := Start(b.Context(), s, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	to := netip.AddrPortFrom(w.holdings["aurora-login.shopx"].addr, 80).String()
	b.ReportAllocs()
	for b.Loop() {
		c, err := w.Dial(b.Context(), netip.Addr{}, "tcp", to)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: aurora-login.shopx\r\nConnection: close\r\n\r\n")); err != nil {
			b.Fatal(err)
		}
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			b.Fatal(line, err)
		}
		c.Close()
	}
}
