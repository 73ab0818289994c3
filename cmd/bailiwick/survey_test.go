package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/accuracy/survey"
	"bailiwick/name"
	"bailiwick/problem"
)

// surveyFiles writes a made-up frame of n registrations with its mapping.
func surveyFiles(t *testing.T, n int) (frame, mapping string) {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("Domain,Registrar,Name,Street,City,Zip,Country,Phone,Mail\n")
	for i := range n {
		mail, registrar := fmt.Sprintf("holder%d@example.org", i), "Alpha"
		if i%5 == 0 {
			mail = strings.ReplaceAll(mail, "@", ".")
		}
		if i%3 == 0 {
			registrar = "Beta"
		}
		fmt.Fprintf(&b, "n%d.example,%s,Ada Example,Hauptstr. 1,Berlin,10115,DE,+49.305550123,%s\n", i, registrar, mail)
	}
	b.WriteString("..no name..,Alpha,,,,,,,\n")
	frame, mapping = filepath.Join(dir, "frame.csv"), filepath.Join(dir, "mapping.yaml")
	for path, body := range map[string]string{frame: b.String(), mapping: "columns:\n  Domain: domain\n  Registrar: registrar\n  Name: contacts.registrant.name\n  Street: contacts.registrant.street\n" +
		"  City: contacts.registrant.city\n  Zip: contacts.registrant.postal_code\n  Country: contacts.registrant.country\n  Phone: contacts.registrant.phone\n  Mail: contacts.registrant.email\n"} {
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return frame, mapping
}

// TestSurveyCommands: a survey as an operator makes it, a second cycle with a
// target, and a frame that changed.
func TestSurveyCommands(t *testing.T) {
	t.Setenv("BAILIWICK_DATABASE", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	frame, mapping := surveyFiles(t, 300)
	run := func(status int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := program(t.Context(), append([]string{"survey"}, args...), &out, &errs); got != status {
			t.Fatalf("%q: status %d, want %d: %s", args, got, status, errs.String())
		}
		return out.String() + errs.String()
	}
	told := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%q is not told:\n%s", w, out)
			}
		}
	}
	plan := func(date, seed string, more ...string) string {
		t.Helper()
		var s struct{ ID, State string }
		out := run(0, append([]string{"new", "holders of names", "--frame", frame, "--mapping", mapping, "--policy", "nis2-art28", "--by", "size", "--group", "registrar", "--total", "120", "--floor", "20",
			"--synthetic", "--main", "email.form", "--date", date, "--seed", seed, "--json"}, more...)...)
		if err := json.Unmarshal([]byte(out), &s); err != nil || s.ID == "" || s.State != "planned" {
			t.Fatalf("%s: %v", out, err)
		}
		return s.ID
	}
	// Half of the holders have answered to a mail of somebody else's.
	var lines strings.Builder
	for i := 0; i < 300; i++ {
		ok := i%2 == 0
		if i%5 > 0 {
			fmt.Fprintf(&lines, `{"id":"n%d.example","answers":[{"path":"contacts.registrant.email","value":"holder%d@example.org","method":"%s","ok":%t,"at":"2026-02-01T00:00:00Z"}]}`+"\n", i, i, map[bool]string{true: "code", false: "bounce"}[ok], ok)
		}
	}
	facts := filepath.Join(filepath.Dir(frame), "facts.jsonl")
	if err := os.WriteFile(facts, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	one := plan("2026-03-01", "7", "--facts", facts)
	out := run(0, "run", one)
	told(out, "note: The registrations are synthetic", "done: 120 of 120", "E-mail, form", "E-mail, works", "file of facts", "Alpha", "not published: fewer than 50", "1 rows could not be read")
	if strings.Contains(out, "holder1") || strings.Contains(out, ".example") {
		t.Errorf("a report shows whose data it is: %s", out)
	}
	rows, err := csv.NewReader(strings.NewReader(run(0, "export", one))).ReadAll()
	if err != nil || len(rows) < 4 || strings.Join(rows[0], ",") != strings.Join(survey.Columns(), ",") {
		t.Errorf("%q %v", rows, err)
	}
	run(2, "export", one, "--units") // what for?
	out = run(0, "export", one, "--units", "--reason", "to tell the registrar")
	if n := strings.Count(out, "\n"); n != 121 || !strings.Contains(out, "email.syntax: no-at") || strings.Contains(out, "holder") {
		t.Errorf("%d lines: %s", n, out)
	}
	told(run(0, "target", "set", one, "--test", "email.form"), "by 2027-03-01")
	two := plan("2027-04-01", "8", "--facts", facts)
	told(run(0, "run", two), "not reached", "cycle 2", "Both cycles have the same frame")
	told(run(0, "compare", one, two), "E-mail, form")

	told(run(1, "new", "x", "--frame", frame, "--mapping", mapping, "--policy", "house", "--total", "9"), "house")
	three := plan("2027-05-01", "9")
	f, err := os.OpenFile(frame, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("late.example,Alpha,,,,,,,\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	told(run(1, "run", three), "the frame is not what it was")
}

// TestSurveySource: what is wrong with what is asked for is told before anything
// is opened.
func TestSurveySource(t *testing.T) {
	t.Parallel()
	frame, mapping := surveyFiles(t, 3)
	names := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(names, []byte("a.example\nwww.b.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []surveyNewCmd{
		{Frame: filepath.Dir(frame)}, {Frame: frame + ".gone"}, {Frame: frame, Format: "parquet"}, {Frame: frame, By: []string{"shoes"}}, {Frame: frame, By: []string{"size", "size"}},
		{Frame: frame, By: []string{"agreement"}}, {Frame: frame, Agreements: mapping}, {Frame: frame, By: []string{"agreement"}, Agreements: mapping},
		{Frame: names}, {Frame: names, Actor: "a", Purpose: "b", By: []string{"size"}},
	} {
		if _, err := bad.source(); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	src, err := (&surveyNewCmd{Frame: names, Actor: "a", Purpose: "b", By: []string{"class"}, Group: []string{"tld"}}).source()
	if err != nil {
		t.Fatal(err)
	}
	f, err := src.open(name.DefaultSuffixes())
	if err != nil {
		t.Fatal(err)
	}
	if f.kind() != survey.Public || f.looked() {
		t.Errorf("%+v", f)
	}
	var got []string
	for u, err := range f.read() {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, u.ID+" "+u.Stratum)
	}
	if strings.Join(got, "; ") != "a.example unknown; names.txt:2: domain: is no registered domain" {
		t.Errorf("%q", got)
	}
	sum, err := f.digest()
	if want := sha256.Sum256([]byte("a.example\nwww.b.example\n")); err != nil || sum != hex.EncodeToString(want[:]) {
		t.Errorf("the digest is not the file's: %s %v", sum, err)
	}
	// With a mapping it is of both: another mapping is another frame.
	if src, err = (&surveyNewCmd{Frame: frame, Mapping: mapping}).source(); err != nil {
		t.Fatal(err)
	}
	if f, err = src.open(name.DefaultSuffixes()); err != nil {
		t.Fatal(err)
	}
	before, err := f.digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mapping, []byte("columns:\n  Domain: domain\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after, err := f.digest(); err != nil || after == before {
		t.Errorf("%s %v", after, err)
	}
	if _, err := (surveySource{Format: "csv", File: frame}).open(nil); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a table without a mapping: %v", err)
	}
}

// TestSurveyKilled kills a run with SIGKILL when it has begun to test: another
// goes on, and gives the report of one that was left alone.
func TestSurveyKilled(t *testing.T) {
	t.Parallel()
	exe := binary(t)
	frame, mapping := surveyFiles(t, 1600)
	digests := map[bool]string{}
	for _, kill := range []bool{false, true} {
		env := append(os.Environ(), "BAILIWICK_DATABASE=sqlite:"+filepath.Join(t.TempDir(), "a.db"))
		call := func(args ...string) *exec.Cmd {
			c := exec.Command(exe, append([]string{"survey"}, args...)...)
			c.Env = env
			return c
		}
		read := func(args ...string) (s struct{ ID, Digest string }) {
			out, err := call(append(args, "--json")...).Output()
			if err == nil {
				err = json.Unmarshal(out, &s)
			}
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return s
		}
		id := read("new", "holders", "--frame", frame, "--mapping", mapping, "--policy", "nis2-art28", "--total", "1500", "--seed", "5", "--salt", "00112233445566778899aabbccddeeff", "--date", "2026-03-01").ID
		if kill {
			c := call("run", id)
			said, err := c.StderrPipe()
			if err == nil {
				err = c.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(said); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "testing") {
					_ = c.Process.Kill()
					break
				}
			}
			_ = c.Wait() // killed, or done before that
		}
		digests[kill] = read("run", id).Digest
	}
	if digests[true] == "" || digests[true] != digests[false] {
		t.Errorf("a killed run's report is %s, one left alone has %s", digests[true], digests[false])
	}
}

func TestReadFindings(t *testing.T) {
	const head = "unit,deliverable,linked,located,interviewed,faults\n"
	got, err := readFindings(strings.NewReader(head + "a.example,yes,no,yes,no,2\n"))
	if want := (survey.Findings{Deliverable: true, Located: true, Faults: 2}); err != nil || len(got) != 1 || got["a.example"] != want {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range []string{"", "unit\n", head + "a,yes,no,yes\n", head + "a,yes,no,yes,maybe,0\n", head + "a,yes,no,yes,no,-1\n", head + "a,yes,no,yes,no,0\na,yes,no,yes,no,0\n", head + "\"a,yes\n"} {
		if _, err := readFindings(strings.NewReader(bad)); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSurveyWords(t *testing.T) {
	if got, err := seedOf("18446744073709551615"); err != nil || got != 1<<64-1 {
		t.Errorf("%d %v", got, err)
	}
	if a, _ := seedOf(""); a == 0 {
		t.Error("no seed is made up")
	}
	day, err := dayOf("--date", "", time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC))
	if err != nil || day.Format(time.RFC3339) != "2026-03-01T00:00:00Z" {
		t.Errorf("%v %v", day, err)
	}
}

func TestReadAgreements(t *testing.T) {
	got, err := readAgreements(strings.NewReader("# registrar, agreement\n1861, 2013\n\n292,2009\n"))
	if err != nil || len(got) != 2 || got["1861"] != "2013" {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"1861", "1861,2011", ",2013", "ok,2013\n" + strings.Repeat("x", 1<<17)} {
		if _, err := readAgreements(strings.NewReader(bad)); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

// FuzzSurveyFiles: whatever a file of findings or agreements holds, it is read or
// refused with its place.
func FuzzSurveyFiles(f *testing.F) {
	f.Add("unit,deliverable,linked,located,interviewed,faults\na.example,yes,no,yes,no,2\n")
	f.Add("1861,2013\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, in string) {
		found, err := readFindings(strings.NewReader(in))
		if err != nil && (problem.CodeOf(err) == problem.Internal || found != nil) {
			t.Errorf("findings: %v", err)
		}
		for unit, x := range found {
			if x.Faults < 0 {
				t.Errorf("%s: %+v", unit, x)
			}
		}
		years, err := readAgreements(strings.NewReader(in))
		if err != nil && problem.CodeOf(err) == problem.Internal {
			t.Errorf("agreements: %v", err)
		}
		for id, y := range years {
			if id == "" || y != "2009" && y != "2013" {
				t.Errorf("%q: %q", id, y)
			}
		}
	})
}
