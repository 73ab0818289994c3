package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestContact verifies a contact from the command line: its values are shown for a
// reason only, a code by telephone once, and a document is not kept.
func TestContact(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("BAILIWICK_DATABASE", "sqlite:"+filepath.Join(dir, "state.db"))
	t.Setenv("BAILIWICK_BLOBS", filepath.Join(dir, "blobs"))
	run := func(status int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := program(t.Context(), args, &out, &errs); got != status {
			t.Fatalf("%s: status %d, not %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
		}
		return out.String()
	}
	contact := func(status int, args ...string) string {
		t.Helper()
		return run(status, append([]string{"contact"}, args...)...)
	}
	contact(2, "verify", "www.first.com", "--email", "holder@mail.example")
	out := contact(0, "verify", "first.com", "--email", "holder@mail.example", "--phone", "+1.2025550123", "--profile", "plain", "--by", "ann", "--json")
	v := objects(t, out)[0]
	has(t, "a verification", v, "id", "name", "role", "state", "seq", "opened", "due", "terms", "kept")
	if strings.Contains(out, "holder@") || strings.Contains(out, "2025550123") {
		t.Errorf("%s", out)
	}
	id := strings.Trim(string(v["id"]), `"`)
	if got := contact(0, "status", id); !strings.Contains(got, "code 2 by telephone waits") || !strings.Contains(got, "no clock puts the name on hold") || strings.Contains(got, "holder@") {
		t.Errorf("%s", got)
	}
	contact(2, "status", id, "--contact")
	if got := contact(0, "status", id, "--contact", "--reason", "the registrar asks"); !strings.Contains(got, "holder@mail.example") {
		t.Errorf("%s", got)
	}
	code := strings.TrimSpace(strings.SplitN(strings.SplitN(contact(0, "take", id, "2"), "code", 3)[1], "\n", 2)[0])
	contact(1, "take", id, "2")
	contact(0, "code", id, code, "--by", "ann")
	doc := filepath.Join(dir, "letter")
	if err := os.WriteFile(doc, []byte("zanzibar: a letter"), 0o600); err != nil {
		t.Fatal(err)
	}
	evidence := []string{"evidence", id, "--claim", "email", "--method", "documents", "--type", "correspondence", "--document", doc, "--audit", "t-1", "--by", "ann"}
	contact(2, evidence...)
	if got := contact(0, append(evidence, "--held-by", "registrar:9999")...); !strings.Contains(got, "is verified") && !strings.Contains(got, "is manual") || !strings.Contains(got, "salt") {
		t.Errorf("%s", got)
	}
	export := filepath.Join(dir, "chain.jsonl")
	chain := contact(0, "log", id, "--export")
	if err := os.WriteFile(export, []byte(chain), 0o600); err != nil || strings.Contains(chain, "zanzibar") || strings.Contains(chain, "holder@") || strings.Contains(chain, code) {
		t.Errorf("%v %s", err, chain)
	}
	run(0, "verify", export)
	if got := contact(0, "list", "--group", "done"); !strings.Contains(got, id) || !strings.Contains(got, "first[.]com") {
		t.Errorf("%s", got)
	}
}
