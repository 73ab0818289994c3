package xarf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/abuse"
	"bailiwick/problem"
	"bailiwick/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", path, got, want)
	}
}

// printed is a report with its findings in the form of the golden files.
func printed(t *testing.T, r report.Report, findings []report.Finding) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(struct {
		Format   string
		Report   report.Report
		Findings []report.Finding
	}{r.Format, r, findings}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRead4(t *testing.T) {
	r, findings, err := Read4([]byte(phishing))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "phishing.golden.json", printed(t, r, findings))
	if string(r.Evidence[1].Data) != "hello" {
		t.Errorf("evidence data %q", r.Evidence[1].Data)
	}
}

// edit changes one member of the phishing sample; nil deletes it. A path has
// dots.
func edit(t testing.TB, path string, v any) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(phishing), &doc); err != nil {
		t.Fatal(err)
	}
	at := doc
	steps := strings.Split(path, ".")
	for _, s := range steps[:len(steps)-1] {
		at = at[s].(map[string]any)
	}
	if last := steps[len(steps)-1]; v == nil {
		delete(at, last)
	} else {
		at[last] = v
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRead4Refuses(t *testing.T) {
	big := base64.StdEncoding.EncodeToString(make([]byte, report.MaxEvidenceBytes+1))
	for _, c := range []struct {
		path   string
		v      any
		field  string // the path named
		reason string
		code   problem.Code
	}{
		{"sender", nil, "sender", "is required", problem.Invalid},
		{"reporter", nil, "reporter", "is required", problem.Invalid},
		{"url", nil, "url", "is required", problem.Invalid},
		{"reporter.contact", nil, "reporter.contact", "is required", problem.Invalid},
		{"reporter.type", "automated", "reporter.type", "is not a field", problem.Invalid},
		{"xarf_version", "4.2", "xarf_version", "must match", problem.Invalid},
		{"type", "no_such", "type", `"no_such" is not a XARF v4 type of category "content"`, problem.Invalid},
		{"category", "abuse", "category", "must be one of", problem.Invalid},
		{"category", 7, "category", "must be a string", problem.Invalid},
		{"confidence", 1.01, "confidence", "at most 1", problem.Invalid},
		{"confidence", "high", "confidence", "must be a number", problem.Invalid},
		{"source_port", 0, "source_port", "at least 1", problem.Invalid},
		{"source_port", 80.5, "source_port", "must be an integer", problem.Invalid},
		{"tags", []any{"x:y", "notag"}, "tags[1]", "must match", problem.Invalid},
		{"evidence", make([]any, 51), "evidence", "holds 51 items", problem.Invalid},
		{"evidence", []any{map[string]any{"content_type": "a/b", "payload": "", "hash": "crc32:00"}}, "evidence[0].hash", "must match", problem.Invalid},
		{"description", strings.Repeat("ä", 1001), "description", "1001 characters", problem.Invalid},
		{"url", "http://192.168.0.1/x", "url", "private address", problem.Invalid},
		{"url", "http://[::1]/x", "url", "loopback", problem.Invalid},
		{"url", "javascript:alert(1)", "url", "http or https", problem.Invalid},
		{"url", "https://exa mple.com/", "url", "neither a domain name nor an address", problem.Invalid},
		{"source_identifier", "10.1.2.3", "source_identifier", "private address", problem.Invalid},
		{"source_identifier", "printer.local", "source_identifier", "multicast DNS", problem.Invalid},
		{"evidence", []any{map[string]any{"content_type": "a/b", "payload": big}}, "evidence[0].payload", "larger than", problem.TooLarge},
	} {
		r, _, err := Read4(edit(t, c.path, c.v))
		var e *problem.Error
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Path != c.field || !strings.Contains(e.Fields[0].Reason, c.reason) || e.Code != c.code {
			t.Errorf("%s=%.40v: %.200v, want %s: %s", c.path, c.v, err, c.field, c.reason)
		}
		if r.Format != Format4 {
			t.Errorf("format %q", r.Format)
		}
	}
	for _, c := range []struct{ raw, want string }{
		{`[1]`, "an array"}, {`{`, "not valid JSON"}, {`{"category":"content","category":"content"}`, "given twice"}, {"{\"a\":\"\xff\"}", "not UTF-8"},
		{strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), "nested"},
	} {
		if _, _, err := Read4([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.raw, err)
		}
	}
}

func TestRead4Findings(t *testing.T) {
	for _, c := range []struct {
		path  string
		v     any
		field string
		want  string
	}{
		{"report_id", "123", "report_id", "UUID"},
		{"timestamp", "2024-13-45", "timestamp", "RFC 3339"},
		{"timestamp", "2024-01-02T03:04:05", "timestamp", "RFC 3339"},
		{"reporter.contact", "nobody", "reporter.contact", "mail address"},
		{"sender.domain", "not a host", "sender.domain", "host name"},
		{"source_identifier", "+49 30 1234567", "source_identifier", "is no IP address"},
		{"evidence", []any{map[string]any{"content_type": "text/plain", "payload": "not base64!"}}, "evidence[0].payload", "not base64"},
		{"evidence", []any{map[string]any{"content_type": "text/plain", "payload": "aGk=", "hash": "sha256:00"}}, "evidence[0].hash", "does not match"},
		{"evidence", []any{map[string]any{"content_type": "", "payload": "aGk="}}, "evidence[0].media_type", "media type"},
	} {
		r, findings, err := Read4(edit(t, c.path, c.v))
		if err != nil {
			t.Errorf("%s=%v: %v", c.path, c.v, err)
			continue
		}
		ok := false
		for _, f := range findings {
			ok = ok || f.Path == c.field && strings.Contains(f.Reason, c.want)
		}
		if !ok {
			t.Errorf("%s=%v: findings %v, want %s: %s", c.path, c.v, findings, c.field, c.want)
		}
		if len(r.URLs) != 1 {
			t.Errorf("%s: urls %v", c.path, r.URLs)
		}
	}
}

func TestSource(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.9": "[] [192.0.2.9]", "192.0.2.9:8080": "[] [192.0.2.9]", "[2001:db8::9]:80": "[] [2001:db8::9]", "::ffff:192.0.2.9": "[] [192.0.2.9]",
		"Shop.Example": "[shop.example] []", "shop[.]example": "[shop.example] []", "mallory@shop.example": "[shop.example] []",
		"https://shop.example/x": "[shop.example] []", "bücher.example": "[xn--bcher-kva.example] []",
	} {
		var doc map[string]any
		if err := json.Unmarshal([]byte(phishing), &doc); err != nil {
			t.Fatal(err)
		}
		doc["category"], doc["type"], doc["compromise_evidence"], doc["source_identifier"] = "infrastructure", "botnet", "seen", in
		delete(doc, "url")
		delete(doc, "domain")
		raw, _ := json.Marshal(doc)
		r, _, err := Read4(raw)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if got := fmt.Sprint(r.Domains, r.IPs); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	// What is no source at all is an error where nothing else is a subject.
	raw := bytes.Replace([]byte(phishing), []byte(`"category": "content",
 "type": "phishing"`), []byte(`"category": "reputation", "type": "blocklist", "threat_type": "x"`), 1)
	raw = bytes.Replace(raw, []byte(`"url"`), []byte(`"x_url"`), 1)
	raw = bytes.Replace(raw, []byte(`"203.0.113.80"`), []byte(`"AS64500"`), 1)
	if _, _, err := Read4(raw); err == nil || !strings.Contains(err.Error(), "source_identifier") {
		t.Errorf("no subject: %v", err)
	}
}

// TestNeverKept: evidence of material that must not be kept is not even decoded.
func TestNeverKept(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(phishing), &doc); err != nil {
		t.Fatal(err)
	}
	for typ, more := range map[string]map[string]any{"csam": {"classification": "A1", "detection_method": "hash_match"}, "csem": {"exploitation_type": "grooming", "detection_method": "user_report"}} {
		doc["type"] = typ
		for k, v := range more {
			doc[k] = v
		}
		raw, _ := json.Marshal(doc)
		r, _, err := Read4(raw)
		if err != nil || r.Abuse != abuse.CSAM || len(r.Evidence) != 0 || r.Description != "" {
			t.Errorf("%s: %v %+v", typ, err, r)
		}
	}
}

func TestPairs(t *testing.T) {
	if len(filed) != len(pairs) {
		t.Errorf("%d pairs are filed, %d exist", len(filed), len(pairs))
	}
	for _, p := range pairs {
		a, ok := filed[[2]string{p.category, p.typ}]
		if !ok || !a.Known() {
			t.Errorf("%s/%s is filed under %q", p.category, p.typ, a)
		}
	}
	if AbuseType("content", "no_such") != abuse.Other {
		t.Error("an unknown pair is not Other")
	}
	for _, a := range everyType {
		if c, ty := PairOf(a); !Pair(c, ty) {
			t.Errorf("PairOf(%s) = %s/%s is no pair", a, c, ty)
		}
	}
	for f, p := range pairsOf3 {
		if !Pair(p[0], p[1]) || fold(f) != f {
			t.Errorf("pairsOf3[%s] = %v", f, p)
		}
	}
}

var everyType = []abuse.Type{abuse.Phishing, abuse.Malware, abuse.Botnet, abuse.Pharming, abuse.Spam, abuse.Fraud, abuse.Copyright, abuse.Trademark,
	abuse.Compromised, abuse.Attack, abuse.Vulnerability, abuse.SuspiciousDomain, abuse.Other, abuse.CSAM}

// TestTablesAreCurrent runs the generator and compares.
func TestTablesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	out := filepath.Join(t.TempDir(), "tables.go")
	if b, err := exec.Command("go", "run", "./schema/gen", "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("tables.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("tables.go is not what schema/gen makes of the schemas: run go generate")
	}
}

// TestCorpusSamples: every sample of the specification is read, or refused for
// a stated reason that is not the schema.
func TestCorpusSamples(t *testing.T) {
	haveCorpus(t)
	files, _ := filepath.Glob(corpus + "/spec/samples/v4/*.json")
	refused := map[string]string{
		"messaging-spam.json": "source_identifier", "vulnerability-cve.json": "source_identifier",
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := Read4(raw)
		if field := refused[filepath.Base(f)]; err != nil && (field == "" || !strings.Contains(err.Error(), field+": ") || !strings.Contains(err.Error(), "private address")) {
			t.Errorf("%s: %v", filepath.Base(f), err)
		} else if err == nil && (len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 || r.ReportedAt.IsZero() || r.Abuse == "") {
			t.Errorf("%s: %+v", filepath.Base(f), r)
		}
	}
}

// FuzzRead lets bytes be anything for both versions: no panic, and a report
// without error is fit to work on.
func FuzzRead(f *testing.F) {
	f.Add([]byte(phishing))
	f.Add([]byte(netcraftStyle))
	f.Add([]byte(`{"Version":"3","ReporterInfo":{"ReporterOrg":"x"},"Report":{"ReportType":"Spam","Date":"2020-01-01T00:00:00Z","Source":{"IP":"192.0.2.1"},"Samples":[{"Payload":"aGk","Base64Encoded":true}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func([]byte) (report.Report, []report.Finding, error){Read4, Read3} {
			r, _, err := read(raw)
			var e *problem.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("untyped error %v", err)
			}
			if err == nil && (len(r.URLs)+len(r.Domains)+len(r.IPs) == 0 || !r.Abuse.Known()) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
