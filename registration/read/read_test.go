package read

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/problem"
	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
)

func TestPick(t *testing.T) {
	for _, c := range []struct {
		format, raw, want string
	}{
		{"rdap", "anything", "rdap"}, {"", `{"a":1}`, "rdap"}, {"", " \r\n[", "rdap"}, {"", "\xEF\xBB\xBF {", "rdap"},
		{"", "[ The registry provides", "whois"}, {"", "[whois.nic.example]", "whois"}, {"", `[{"a":1}]`, "rdap"},
		{"", "Domain Name: example.com", "whois"}, {"whois", "{}", "whois"}, {"", "<html>", ""}, {"", "", ""}, {"smoke signals", "{}", ""},
	} {
		d, err := Pick(c.format, []byte(c.raw))
		if d.Format != c.want || (err == nil) != (c.want != "") || err != nil && problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%q, %q: %q, %v", c.format, c.raw, d.Format, err)
		}
	}
	seen := map[string]bool{}
	for _, d := range Decoders() {
		if seen[d.Format] || d.Format == "" {
			t.Errorf("format %q twice or unnamed", d.Format)
		}
		seen[d.Format] = true
	}
}

func TestRecord(t *testing.T) {
	rec, err := Record("", []byte(`{"objectClassName":"domain","ldhName":"example.com"}`), registration.Source{Server: "https://rdap.example/"})
	if err != nil || rec.State != registration.Registered || rec.Sources[""].Protocol != "rdap" {
		t.Errorf("%+v, %v", rec, err)
	}
	rec, err = Record("", []byte("Domain Name: example.com\nCreation Date: 2001-02-03\n"), registration.Source{Server: "whois.example"})
	if err != nil || rec.State != registration.Registered || rec.Domain != "example.com" || rec.Sources[""].Protocol != "whois" {
		t.Errorf("%+v, %v", rec, err)
	}
	rec, err = Record("", []byte("<html>"), registration.Source{Server: "x"})
	if problem.CodeOf(err) != problem.Invalid || rec.State != registration.Failed || len(rec.Findings) != 1 || rec.Sources[""].Server != "x" {
		t.Errorf("%+v, %v", rec, err)
	}
}

// TestLine holds the object that `bailiwick parse rdap` prints, name by name.
func TestLine(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "answer.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "answer.line.json"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := File("testdata/answer.json", "rdap", raw)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var indented strings.Builder
	e := json.NewEncoder(&indented)
	e.SetIndent("", " ")
	if err := e.Encode(l); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), indented.String()); d != "" {
		t.Error(d)
	}
	var keys map[string]any
	if err := json.Unmarshal(got, &keys); err != nil {
		t.Fatal(err)
	}
	for k := range keys {
		switch k {
		case "file", "state", "domain", "registrar", "created", "updated", "expires", "statuses", "nameservers", "dnssec", "contacts", "fields", "findings":
		default:
			t.Errorf("%q is not in the contract", k)
		}
	}
	if strings.Contains(string(got), "\n") {
		t.Error("a line of JSON has a line break")
	}
}

func TestLineOfFailure(t *testing.T) {
	l, err := File("page.html", "rdap", []byte("<html>"))
	if err == nil || l.State != registration.Failed || l.File != "page.html" {
		t.Errorf("%+v, %v", l, err)
	}
	got, _ := json.Marshal(l)
	if want := `{"file":"page.html","state":"error","findings":[{"id":"rdap.html","severity":"rfc","icann_code":-13001,"detail":"a web page or XML instead of JSON"}]}`; string(got) != want {
		t.Errorf("%s", got)
	}
}
