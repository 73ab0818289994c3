package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/lab"
	"bailiwick/problem"
	"bailiwick/registration"
)

// What check prints, for people and for machines: a verdict for every record,
// and one bad file or record stops nothing.
func TestCheckFiles(t *testing.T) {
	t.Parallel()
	args := []string{"check", "--policy", "testdata/policy/own.yaml", "testdata/rdap/full.json", "testdata/rdap/page.html", "testdata/nowhere.json", "testdata/check/records.jsonl", "testdata/whois/not-found.txt"}
	people := runs(t, args...).want(t, 1)
	golden(t, "check/people.golden.txt", people.out)
	for _, want := range []string{"testdata/rdap/page.html: ", "testdata/nowhere.json: ", "testdata/check/records.jsonl record 3: domain: is a number", "record 4: state: is missing", "record 5: "} {
		if !strings.Contains(people.err, want) {
			t.Errorf("%q is not told:\n%s", want, people.err)
		}
	}
	lines := runs(t, append(args, "--json")...).want(t, 1)
	golden(t, "check/lines.golden.jsonl", lines.out)
	if o := objects(t, lines.out); len(o) != 11 {
		t.Errorf("%d lines", len(o))
	}
	// What a registry's own data lack is missing.
	own := runs(t, "check", "--json", "--own", "--policy", "testdata/policy/own.yaml", "testdata/rdap/full.json").want(t, 1)
	if !strings.Contains(own.out, `"result":"fail"`) || strings.Contains(own.out, "withheld.") {
		t.Errorf("%s", own.out)
	}
	in, err := os.ReadFile("testdata/check/records.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(in), "\n")
	runsWith(t, nil, first, "check", "--policy", "house", "-").want(t, 1) // no such profile
	if r := runsWith(t, nil, "["+first+"]", "check", "--policy", "testdata/policy/own.yaml", "-").want(t, 0); !strings.Contains(r.out, "good.example (record 1): pass") {
		t.Errorf("%s", r.out)
	}
	// A WHOIS answer may begin like a list.
	if r := runsWith(t, nil, "[Domain Name] EXAMPLE.JP\n[Registrant] Example\n[Created on] 2001/02/03\n", "check", "--json", "--policy", "testdata/policy/own.yaml", "-").want(t, 0); !strings.Contains(r.out, `"state":"registered"`) {
		t.Errorf("%s", r.out)
	}
	runs(t, "check", "testdata/rdap/full.json").want(t, 2) // which policy?
}

func TestPolicyCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"check", "policy", "policy list", "policy show", "policy diff", "policy test"} {
		if r := runs(t, append(strings.Fields(c), "--help")...).want(t, 0); !strings.Contains(r.out, "Usage: bailiwick "+c) {
			t.Errorf("%s does not explain itself: %s", c, r.out)
		}
	}
	list := runs(t, "policy", "list").want(t, 0)
	o := objects(t, runs(t, "policy", "list", "--json").want(t, 0).out)
	if len(o) < 14 || strings.Count(list.out, "\n") != len(o)+1 {
		t.Errorf("%d profiles:\n%s", len(o), list.out)
	}
	names := []string{"policy", "test"}
	for _, p := range o {
		var id string
		_ = json.Unmarshal(p["profile"], &id)
		names = append(names, id)
	}
	runs(t, names...).want(t, 0)
	golden(t, "policy/own.golden.txt", runs(t, "policy", "show", "testdata/policy/own.yaml").want(t, 0).out)
	waps := runs(t, "policy", "show", "waps-raa-2013").want(t, 0).out
	for _, want := range []string{"WAPS 1(f)", "basis     secondary – not for compliance use", "basis     primary\n", "within 15 days", "skip      renewal"} {
		if !strings.Contains(waps, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if s := runs(t, "policy", "show", "--json", "nl").want(t, 0); !strings.Contains(s.out, `"within":"3wd"`) || !strings.Contains(s.out, `"hash":"`) {
		t.Errorf("%.400s", s.out)
	}
	if d := runs(t, "policy", "diff", "ars-2013", "ars-2009", "--json").want(t, 1); !strings.Contains(d.out, `{"part":"check","what":"registrant ars.postal.5"`) {
		t.Errorf("%s", d.out)
	}
	runs(t, "policy", "diff", "uk", "uk").want(t, 0)
	runs(t, "policy", "diff", "uk", "nobody").want(t, 1)
	dir := t.TempDir()
	own, err := os.ReadFile("testdata/policy/own.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(dir, "wrong.yaml")
	for _, x := range []struct {
		old, new, says string
		status         int
	}{
		{"duties: [house-ask]", "duties: []", "the duties proposed is", 1},
		{"check: email.syntax", "check: email.colour", "wrong.yaml:15: rules[0].checks[1].check: ", 2},
		{"contacts: [registrant]\n", "contacts: [registrant]\nextends: [house-rules]\n", "goes round in a circle", 2},
	} {
		if err := os.WriteFile(wrong, []byte(strings.Replace(string(own), x.old, x.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := runs(t, "policy", "test", wrong).want(t, x.status); !strings.Contains(r.out+r.err, x.says) {
			t.Errorf("%q is not told:\n%s%s", x.says, r.out, r.err)
		}
	}
}

// TestCheckLookup looks a name up in a lab, checks it, and sees whether the
// mail domains of its contacts take mail.
func TestCheckLookup(t *testing.T) {
	sc := bulkWorld(2, []lab.TLD{{Name: "shopx"}})
	w := newWorld(t, sc, "http://127.0.0.1:1", 0)
	r := runs(t, "check", "--lab", w.gate, "--observe", "--json", "--policy", "waps-raa-2013", "www.corner-books-00000.shopx", "nobody.shopx", "192.0.2.1")
	o := objects(t, r.out)
	if len(o) != 3 || string(o[0]["state"]) != `"registered"` || string(o[0]["domain"]) != `"corner-books-00000.shopx"` || string(o[0]["asked"]) != `"www.corner-books-00000.shopx"` {
		t.Fatalf("%s\n%s", r.out, r.err)
	}
	if !strings.Contains(string(o[0]["contacts"]), `"check":"email.mx"`) || strings.Contains(string(o[0]["contacts"]), `"check":"email.mx","level":"V2","path":"contacts.registrant.email","result":"not testable","reason":"not-observed"`) {
		t.Errorf("nothing was observed: %s", o[0]["contacts"])
	}
	if string(o[1]["state"]) != `"available"` || o[1]["error"] != nil || o[2]["error"] == nil {
		t.Errorf("%s", r.out)
	}
}

// FuzzRecordOf: no record makes the reader panic, and what it refuses it names.
func FuzzRecordOf(f *testing.F) {
	in, err := os.ReadFile("testdata/check/records.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(in)) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		isRecords(raw)
		if !json.Valid(raw) {
			return
		}
		rec, err := recordOf(raw, false)
		if err != nil && problem.CodeOf(err) == problem.Internal {
			t.Fatalf("%v", err)
		}
		if err == nil && rec.State == registration.Failed && rec.Findings == nil && strings.Contains(string(raw), "objectClassName") {
			t.Fatalf("a failure without a word: %q", raw)
		}
	})
}
