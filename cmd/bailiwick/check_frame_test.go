package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A registry's own data: a summary of a table, EPP answers joined, and what was
// found elsewhere; what cannot be read is told and stops nothing.
func TestCheckFrames(t *testing.T) {
	t.Parallel()
	const dir = "testdata/check/frame/"
	args := []string{"check", "--policy", "testdata/policy/own.yaml", "--mapping", dir + "columns.yaml", dir + "table.csv"}
	people := runs(t, args...).want(t, 1)
	golden(t, "check/frame/people.golden.txt", people.out)
	for _, want := range []string{"table.csv:4: Domain: is not a domain name", "table.csv:6: the row has 2 values, and the table 5 columns"} {
		if !strings.Contains(people.err, want) {
			t.Errorf("%q is not told:\n%s", want, people.err)
		}
	}
	if each := runs(t, append(args, "--each")...).want(t, 1); strings.Count(each.out, "under house-rules") != 4 || !strings.Contains(each.out, "bad.example: fail") {
		t.Errorf("%s", each.out)
	}
	o := objects(t, runs(t, append(args, "--json")...).want(t, 1).out)
	if len(o) != 6 || string(o[0]["id"]) != `"good.example"` || string(o[0]["line"]) != "2" || o[2]["error"] == nil || string(o[2]["line"]) != "4" {
		t.Fatalf("%s", o)
	}
	for _, want := range []string{`"records":3`, `"rows_lost":2`, `"results":{"pass":1,"warn":0,"fail":1,"not_testable":1}`, `{"registrar":"reg-1","records":2,"pass":1,"warn":0,"fail":1,"not_testable":0}`} {
		if !strings.Contains(string(o[5]["summary"]), want) {
			t.Errorf("the summary lacks %s:\n%s", want, o[5]["summary"])
		}
	}
	own := []string{"check", "--policy", "testdata/policy/own.yaml"}
	if r := runs(t, append(own, dir+"epp.xml", dir+"contact.xml")...).want(t, 0); !strings.Contains(r.out, "good.example: pass") || !strings.Contains(r.out, "the tech contact is named and not in the file") || !strings.Contains(r.out, "C1: pass") {
		t.Errorf("%s", r.out)
	}
	facts := runs(t, "check", "--policy", "nis2-guidance-2025", "--facts", dir+"facts.jsonl", dir+"epp.xml").want(t, 1)
	for _, want := range []string{"fail phone.answered: no-answer", "fail name.verified: refuted (document by registrar:9999)"} {
		if !strings.Contains(facts.out, want) {
			t.Errorf("%q is not told:\n%s", want, facts.out)
		}
	}
	// The files that a deposit names lie beside it, and nowhere else.
	tmp := t.TempDir()
	secret := filepath.Join(tmp, "secret.csv")
	inner := filepath.Join(tmp, "in")
	part := `<rde:deposit xmlns:rde="urn:ietf:params:xml:ns:rde-1.0" xmlns:r="urn:ietf:params:xml:ns:rdeCsv-1.0" xmlns:d="urn:ietf:params:xml:ns:csvDomain-1.0" type="FULL"><d:contents><r:csv name="domain"><r:fields><d:fName/></r:fields><r:files><r:file>link.csv</r:file></r:files></r:csv></d:contents></rde:deposit>`
	for _, err := range []error{os.Mkdir(inner, 0o700), os.WriteFile(secret, []byte("secret.example\n"), 0o600), os.WriteFile(filepath.Join(inner, "d.xml"), []byte(part), 0o600), os.Symlink(secret, filepath.Join(inner, "link.csv"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r := runs(t, append(own, filepath.Join(inner, "d.xml"))...).want(t, 1); !strings.Contains(r.err, "file: link.csv cannot be opened") || strings.Contains(r.out, "secret.example") {
		t.Errorf("%s%s", r.out, r.err)
	}
	bad := filepath.Join(tmp, "bad")
	for _, x := range []struct {
		text, says string
		args       []string
	}{
		{"", "--mapping: is needed to read", []string{dir + "table.csv"}},
		{"columns: {Domain: domain}\ncolour: red\n", "bad: line 2: colour: is not a key", []string{"--mapping", bad, dir + "table.csv"}},
		{"columns: {Name: domain}\n", `table.csv:1: the table has no column "Name"`, []string{"--mapping", bad, dir + "table.csv"}},
		{"a.example\nb.example\n", "is a list of names and holds no registration data", []string{bad}},
		{"<rde:deposit xmlns:rde='urn:ietf:params:xml:ns:rde-1.0' type='DIFF'>", `the deposit's type is "DIFF"`, []string{bad}},
		{"{\"id\":\"a\",\"answers\":7}\n", "bad: line 1: answers is a number", []string{"--facts", bad, dir + "epp.xml"}},
	} {
		if err := os.WriteFile(bad, []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := runs(t, append(own, x.args...)...); r.status == 0 || !strings.Contains(r.err, x.says) {
			t.Errorf("%q is not told (status %d):\n%s%s", x.says, r.status, r.out, r.err)
		}
	}
}
