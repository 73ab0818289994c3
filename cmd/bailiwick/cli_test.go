package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden compares with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s", path, firstDifference(string(want), got))
	}
}

// What parse prints is the contract for machines: one object per file, a
// status that says whether all were good.
func TestParseLines(t *testing.T) {
	t.Parallel()
	report := func(f string) string { return "testdata/report/" + f }
	rdap := func(f string) string { return "testdata/rdap/" + f }
	good := runs(t, "parse", "report", report("plain.json"), report("xarf4.json"), report("xarf3.json")).want(t, 0)
	golden(t, "report-good.golden.jsonl", good.out)
	bad := runs(t, "parse", "report", report("xarf4.json"), report("no-sender.json"), report("cut.json"), report("private.json")).want(t, 1)
	golden(t, "report-bad.golden.jsonl", bad.out)
	full := runs(t, "parse", "rdap", rdap("full.json"), rdap("not-found.json")).want(t, 0)
	golden(t, "rdap-good.golden.jsonl", full.out)
	page := runs(t, "parse", "rdap", rdap("full.json"), rdap("page.html")).want(t, 1)
	golden(t, "rdap-bad.golden.jsonl", page.out)
	if r := runs(t, "parse", "report", "--json", report("plain.json")).want(t, 0); r.out != strings.SplitAfter(good.out, "\n")[0] {
		t.Errorf("--json prints something else: %s", r.out)
	}
	if r := runs(t, "report", "--dry-run", report("xarf4.json"), report("no-sender.json")).want(t, 1); r.out != strings.Join(strings.SplitAfter(bad.out, "\n")[:2], "") {
		t.Errorf("report --dry-run prints something else: %s", r.out)
	}

	in, err := os.ReadFile(report("xarf3.json"))
	if err != nil {
		t.Fatal(err)
	}
	piped := runsWith(t, nil, string(in), "parse", "report", "-").want(t, 0)
	if o := objects(t, piped.out); len(o) != 1 || string(o[0]["file"]) != `"-"` || string(o[0]["format"]) != `"xarf3"` {
		t.Errorf("standard input: %s", piped.out)
	}
	whois := func(f string) string { return "testdata/whois/" + f }
	answers := runs(t, "parse", "whois", whois("registrar.txt"), whois("chain.txt"), whois("not-found.txt"), whois("throttled.txt")).want(t, 0)
	golden(t, "whois-good.golden.jsonl", answers.out)
	html := runs(t, "parse", "whois", "--json", whois("not-found.txt"), rdap("page.html")).want(t, 1)
	golden(t, "whois-bad.golden.jsonl", html.out)
	for _, kind := range []string{"report", "rdap", "whois"} {
		r := runs(t, "parse", kind, "testdata/nowhere.json").want(t, 2)
		if r.out != "" || !strings.Contains(r.err, "nowhere.json") {
			t.Errorf("a missing file: %q, %q", r.out, r.err)
		}
		runs(t, "parse", kind).want(t, 2)
		if r := runsWith(t, nil, "", "parse", kind, "-").want(t, 1); len(objects(t, r.out)) != 1 {
			t.Errorf("an empty input: %q", r.out)
		}
	}
	if r := runsWith(t, nil, strings.Repeat("[", 1<<20), "parse", "report", "-").want(t, 1); len(r.out) > 4096 {
		t.Errorf("a deep input gives %d octets", len(r.out))
	}
	runsWith(t, nil, strings.Repeat(" ", maxFile+1), "parse", "report", "-").want(t, 2)
}

// Every command explains itself, and what is not understood is status 2.
func TestUsage(t *testing.T) {
	t.Parallel()
	commands := []string{"", "demo", "serve", "lab", "report", "parse", "parse report", "parse rdap", "parse whois", "case", "verify", "sending", "settings"}
	for _, c := range []string{"list", "show", "log", "confirm", "reject", "note", "answer", "extend", "handed", "merge", "unmerge", "close", "reopen"} {
		commands = append(commands, "case "+c)
	}
	for _, c := range commands {
		r := runs(t, append(strings.Fields(c), "--help")...).want(t, 0)
		if !strings.HasPrefix(r.out, "Usage: bailiwick") || r.err != "" {
			t.Errorf("%s --help: %q %q", c, short(r.out), r.err)
		}
		r = runs(t, append(strings.Fields(c), "--no-such-flag")...).want(t, 2)
		if r.out != "" || !strings.Contains(r.err, "--no-such-flag") {
			t.Errorf("%s with an unknown flag: %q %q", c, short(r.out), r.err)
		}
	}
	if r := runs(t).want(t, 0); !strings.HasPrefix(r.out, "Usage: bailiwick") {
		t.Errorf("alone it prints %q", r.out)
	}
	for _, args := range [][]string{{"no-such-command"}, {"case"}, {"case", "show"}, {"verify"}, {"verify", "testdata/nowhere"}, {"sending", "perhaps"},
		{"demo", "--days", "many"}, {"demo", "--scenario", "testdata/nowhere"}, {"--log", "loud", "settings"}, {"case", "confirm", "X", "--class", "innocent"},
		{"demo", "--days=-1"}, {"demo", "--recorded=testdata", "--days=-1"}, {"case", "list", "--state", "sleeping"}} {
		if r := runs(t, args...).want(t, 2); r.err == "" {
			t.Errorf("%v: no word about why", args)
		}
	}
	// No centre there: it failed, which is something else than "no".
	runs(t, "report", "--server", "http://127.0.0.1:1", "testdata/report/plain.json").want(t, 3)
}

// A configuration is read as it is documented, and a key that is not known is
// an error that names it.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(text string) string {
		t.Helper()
		p := filepath.Join(dir, "bailiwick.yaml")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	list := func(file string, env ...string) ran {
		t.Helper()
		return runsWith(t, append(env, "BAILIWICK_DATABASE=sqlite:"+filepath.Join(dir, "state.db"), "BAILIWICK_BLOBS="+filepath.Join(dir, "blobs")), "", "--config", file, "case", "list")
	}
	documented := runs(t, "settings").want(t, 0)
	list(write(documented.out)).want(t, 0)
	for text, name := range map[string]string{"databse: x\n": "databse", "mail:\n  enable: true\n": "enable", "mail:\n  per_day: often\n": "often", "mail: [\n": "line"} {
		if r := list(write(text)).want(t, 2); !strings.Contains(r.err, name) {
			t.Errorf("%q: the error does not name %q: %s", text, name, r.err)
		}
	}
	runs(t, "--config", filepath.Join(dir, "nowhere.yaml"), "case", "list").want(t, 2)
	if r := list(write("{}\n"), "BAILIWICK_MAIL_PER_DAY=often").want(t, 2); !strings.Contains(r.err, "BAILIWICK_MAIL_PER_DAY") {
		t.Errorf("a wrong variable is not named: %s", r.err)
	}
}

// What a demo leaves behind can be read, worked on, exported and verified.
func TestCases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep, db := filepath.Join(dir, "keep"), "sqlite:"+filepath.Join(dir, "state.db")
	b := readBatch(t, runs(t, "demo", "--batch", "--json", "--scenario", "../../docs/scenarios/minimal.yaml", "--days", "3", "--keep", keep, "--database", db).want(t, 0))
	env := []string{"BAILIWICK_DATABASE=" + db, "BAILIWICK_BLOBS=" + filepath.Join(dir, "blobs")}
	desk := func(args ...string) ran {
		t.Helper()
		return runsWith(t, env, "", append([]string{"case"}, args...)...)
	}
	list := objects(t, desk("list", "--json").want(t, 0).out)
	if len(list) != b.sum.Cases || len(list) == 0 {
		t.Fatalf("case list gives %d cases, the demo %d", len(list), b.sum.Cases)
	}
	exports, err := filepath.Glob(filepath.Join(keep, "*.jsonl"))
	if err != nil || len(exports) != len(list) {
		t.Fatalf("%d exports of %d cases: %v", len(exports), len(list), err)
	}
	if got := objects(t, desk("list", "--json", "--name", "aurora").want(t, 0).out); len(got) != 1 {
		t.Errorf("--name aurora gives %d cases", len(got))
	}
	if r := desk("list").want(t, 0); !strings.Contains(r.out, "aurora-login[.]shopx") || strings.Contains(r.out, "aurora-login.shopx") {
		t.Errorf("a list for people is defanged: %s", r.out)
	}
	var id string
	for _, o := range list {
		if bytes.Contains(o["subject"], []byte("aurora-login")) {
			if err := json.Unmarshal(o["id"], &id); err != nil {
				t.Fatal(err)
			}
		}
	}
	shown := objects(t, desk("show", id, "--json").want(t, 0).out)
	if len(shown) != 1 || string(shown[0]["id"]) != `"`+id+`"` {
		t.Errorf("case show: %s", shown)
	}
	for _, words := range []string{"aurora-login[.]shopx", "malicious", "Quickname", "suspend_name"} {
		if r := desk("show", id).want(t, 0); !strings.Contains(r.out, words) {
			t.Errorf("case show does not say %q: %s", words, r.out)
		}
	}
	before := objects(t, desk("log", id, "--json").want(t, 0).out)
	desk("note", id, "called the desk", "--by", "tester").want(t, 0)
	after := objects(t, desk("log", id, "--json").want(t, 0).out)
	if len(after) != len(before)+1 || !bytes.Contains(after[len(after)-1]["body"], []byte("called the desk")) || string(after[len(after)-1]["actor"]) != `"person:tester"` {
		t.Errorf("a note made %d events of %d: %s", len(after), len(before), after[len(after)-1])
	}
	if text := desk("log", id).want(t, 0); strings.Count(text.out, "\n") != len(after) {
		t.Errorf("the log for people has another number of lines: %s", short(text.out))
	}
	for _, args := range [][]string{{"show", "nothing"}, {"log", "nothing"}, {"log", "nothing", "--export"}, {"note", "nothing", "x"}} {
		if r := desk(args...); r.status != 1 || !strings.Contains(r.err, "nothing") {
			t.Errorf("case %v: status %d: %s", args, r.status, r.err)
		}
	}

	// A note's text is personal: an export withholds it, unless asked.
	public, personal := desk("log", id, "--export").want(t, 0).out, desk("log", id, "--export", "--personal").want(t, 0).out
	if strings.Contains(public, "called the desk") || !strings.Contains(personal, "called the desk") {
		t.Error("a note is personal, and disclosed only when that is asked for")
	}
	file := filepath.Join(dir, "export.jsonl")
	verify := func(text string, args ...string) ran {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return runs(t, append([]string{"verify", "--json", file}, args...)...)
	}
	var rep struct {
		OK                          bool
		Case, Signer, Error         string
		Events, Disclosed, Withheld int
		KeyGiven                    bool `json:"key_given"`
	}
	if err := json.Unmarshal([]byte(verify(public).want(t, 0).out), &rep); err != nil || !rep.OK || rep.Case != id || rep.Events != len(after) || rep.KeyGiven || rep.Withheld == 0 || rep.Disclosed+rep.Withheld != rep.Events {
		t.Errorf("verify: %+v, %v", rep, err)
	}
	verify(personal).want(t, 0)
	verify(public, "--key", rep.Signer).want(t, 0)
	verify(public, "--key", strings.Repeat("00", 32)).want(t, 1)
	verify(public, "--key", "short").want(t, 2)
	for _, e := range exports {
		runs(t, "verify", e).want(t, 0)
	}

	// lines are: header, one per event, head.
	lines := strings.SplitAfter(public, "\n")
	lines = lines[:len(lines)-1]
	join := func(parts ...[]string) string {
		var all []string
		for _, p := range parts {
			all = append(all, p...)
		}
		return strings.Join(all, "")
	}
	third := strings.Replace(lines[3], `"actor":"`, `"actor":"X`, 1)
	swapped := []string{lines[4], lines[3]}
	for what, x := range map[string]struct{ text, says string }{
		"an actor changed in event 3":  {join(lines[:3], []string{third}, lines[4:]), "event 3"},
		"a payload changed in event 4": {join(lines[:4], []string{strings.Replace(lines[4], `2026`, `2027`, 2)}, lines[5:]), "event 4"},
		"event 3 removed":              {join(lines[:3], lines[4:]), "event 3"},
		"events 3 and 4 swapped":       {join(lines[:3], swapped, lines[5:]), "event 3"},
		"the last event removed":       {join(lines[:len(lines)-2], lines[len(lines)-1:]), "event"},
		"the head cut off":             {join(lines[:len(lines)-1]), ""},
		"the middle of a line cut off": {public[:len(public)/2], ""},
		"nothing":                      {"", ""},
	} {
		r := verify(x.text)
		var no struct {
			OK    bool
			Error string
		}
		if err := json.Unmarshal([]byte(r.out), &no); r.status != 1 || err != nil || no.OK || no.Error == "" || !strings.Contains(no.Error, x.says) {
			t.Errorf("%s: status %d: %s", what, r.status, short(r.out))
		}
	}
	// Any octet counts. The line ends and the file's last one included.
	for at := 0; at < len(public); at += max(1, len(public)/23) {
		b := []byte(public)
		b[at] ^= 1
		if r := verify(string(b)); r.status != 1 {
			t.Errorf("octet %d flipped (%q): status %d: %s", at, public[max(0, at-20):at+1], r.status, short(r.out))
		}
	}
	if r := runs(t, "verify", file).want(t, 1); !strings.Contains(r.out, "does not verify") {
		t.Errorf("verify says %s", r.out)
	}
}
