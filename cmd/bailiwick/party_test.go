package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The contact list is shown without a centre: counts, what is set aside, desks.
func TestPartyDirectory(t *testing.T) {
	t.Parallel()
	sum := runs(t, "party", "directory").want(t, 0)
	want, err := os.ReadFile("../../party/testdata/directory.golden")
	if err != nil {
		t.Fatal(err)
	}
	if sum.out != string(want) {
		t.Error(firstDifference(string(want), sum.out))
	}
	var counts struct {
		Sources []struct{ Rows, Usable int }
		Aside   map[string]int `json:"quarantined"`
		Groups  int
	}
	if err := json.Unmarshal([]byte(runs(t, "party", "directory", "--json").want(t, 0).out), &counts); err != nil {
		t.Fatal(err)
	}
	aside := 0
	for _, n := range counts.Aside {
		aside += n
	}
	lines := objects(t, runs(t, "party", "directory", "--quarantine", "--json").want(t, 0).out)
	if len(lines) != aside {
		t.Errorf("%d are set aside, %d are listed", aside, len(lines))
	}
	for _, l := range lines {
		has(t, "a quarantined value", l, "table", "id", "reason")
	}
	if some := objects(t, runs(t, "party", "directory", "--quarantine", "--reason", "mail column", "--json").want(t, 0).out); len(some) == 0 || len(some) >= len(lines) {
		t.Errorf("%d for one reason", len(some))
	}
	groups := objects(t, runs(t, "party", "directory", "--groups", "--json").want(t, 0).out)
	if len(groups) != counts.Groups {
		t.Errorf("%d groups are listed, %d counted", len(groups), counts.Groups)
	}
	var first struct {
		ID      string
		Members []string
	}
	if err := json.Unmarshal(mustJSON(t, groups[0]), &first); err != nil {
		t.Fatal(err)
	}
	if members := objects(t, runs(t, "party", "directory", "--members", first.ID, "--json").want(t, 0).out); len(members) != len(first.Members) {
		t.Errorf("%s has %d members, %d are listed", first.ID, len(first.Members), len(members))
	}
	rows := objects(t, runs(t, "party", "directory", "--rows", "--json").want(t, 0).out)
	if len(rows) != counts.Sources[0].Usable+counts.Sources[1].Usable {
		t.Errorf("%d rows can be used, %d are listed", counts.Sources[0].Usable+counts.Sources[1].Usable, len(rows))
	}
	for _, args := range [][]string{{"--groups"}, {"--rows"}, {"--quarantine"}, {"--members", first.ID}} {
		if r := runs(t, append([]string{"party", "directory"}, args...)...).want(t, 0); strings.Count(r.out, "\n") < 2 {
			t.Errorf("%v prints %q", args, r.out)
		}
	}
	if r := runs(t, "party", "directory", "--members", "nobody@desk.example"); r.status == 0 || !strings.Contains(r.err, "nobody@desk.example") {
		t.Errorf("an unknown desk: %d %q", r.status, r.err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// With a state that holds nothing yet: what is known is the directory's.
func TestPartyAndHandOffs(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "bailiwick.yaml")
	if err := os.WriteFile(config, []byte("database: \"sqlite:"+filepath.Join(t.TempDir(), "state.db")+"\"\nblobs: \""+t.TempDir()+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bw := func(args ...string) ran { return runs(t, append([]string{"--config", config}, args...)...) }
	if r := bw("party", "list").want(t, 0); !strings.Contains(r.out, "no such contacts") {
		t.Errorf("%q", r.out)
	}
	if r := bw("party", "list", "--json", "--verdict", "works").want(t, 0); r.out != "" {
		t.Errorf("%q", r.out)
	}
	// The shipped list knows IANA ID 2 by its form.
	shown := bw("party", "show", "registrar:2").want(t, 0)
	for _, want := range []string{"contact list of 2025-07-22", "form only", "newfold", "parties, one organisation"} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("%q is not in %q", want, shown.out)
		}
	}
	o := objects(t, bw("party", "show", "registrar:2", "--json").want(t, 0).out)
	has(t, "a party", o[0], "id", "name", "sources", "listed", "desk", "verdict")
	if r := bw("party", "show", "registrar:130").want(t, 0); !strings.Contains(r.out, "set aside") || !strings.Contains(r.out, "not one mail address") {
		t.Errorf("%q", r.out)
	}
	if r := bw("party", "show", "registrar:7777777"); r.status == 0 || !strings.Contains(r.err, "registrar:7777777") {
		t.Errorf("nobody: %d %q", r.status, r.err)
	}
	if r := bw("party", "show", "someone@nowhere.example").want(t, 0); !strings.Contains(r.out, "nothing was sent to it") {
		t.Errorf("%q", r.out)
	}
	if r := bw("case", "handoffs").want(t, 0); !strings.Contains(r.out, "Nothing waits") {
		t.Errorf("%q", r.out)
	}
	if r := bw("case", "handoffs", "--json").want(t, 0); r.out != "" {
		t.Errorf("%q", r.out)
	}
	for _, args := range [][]string{{"case", "handoff", "X", "X-1"}, {"case", "proof", "X", "X-1"}, {"case", "handed", "X", "X-1", "--how", "form"}} {
		if r := bw(args...); r.status == 0 || r.err == "" {
			t.Errorf("%v: status %d, %q", args, r.status, r.err)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := bw("case", "handed", "X", "X-1", "--how", "form", "--proof", empty).want(t, 2); !strings.Contains(r.err, "empty") {
		t.Errorf("%q", r.err)
	}
	for _, c := range []string{"party", "party list", "party show", "party directory", "case handoffs", "case handoff", "case handed", "case proof"} {
		if r := runs(t, append(strings.Fields(c), "--help")...).want(t, 0); !strings.HasPrefix(r.out, "Usage: bailiwick") {
			t.Errorf("%s --help: %q", c, short(r.out))
		}
		runs(t, append(strings.Fields(c), "--no-such-flag")...).want(t, 2)
	}
}
