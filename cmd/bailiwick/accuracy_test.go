package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAccuracyCommand: a table is read once, bad rows are told without their
// values and stop nothing, what was counted is listed, published and dropped;
// what is no such file is refused by name.
func TestAccuracyCommand(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("BAILIWICK_DATABASE", "sqlite:"+filepath.Join(dir, "state.db"))
	t.Setenv("BAILIWICK_BLOBS", filepath.Join(dir, "blobs"))
	write := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	table := write("own.csv", "Domain,Sponsor,Owner,Mail,Phone\nshop.example,R1,Ada Example,ada@example.org,+49.301234567\nlost.example,R1,Bob Example,no address,12\nother.test,R2,Eve Example,eve@example.org,+49.301234567\nno name,R2,Dan Example,secret@example.org,1\n")
	mapping := write("map.yaml", "columns:\n  Domain: domain\n  Sponsor: registrar\n  Owner: contacts.registrant.name\n  Mail: contacts.registrant.email\n  Phone: contacts.registrant.phone\n")
	names := write("names.txt", "shop.example\nlost.example\n")
	run := func(status int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		if got := program(t.Context(), append([]string{"accuracy"}, args...), &out, &errs); got != status {
			t.Fatalf("%v: status %d, want %d\n%s%s", args, got, status, out.String(), errs.String())
		}
		return out.String(), errs.String()
	}
	out, errs := run(0, "import", table, "--mapping", mapping, "--tld", "example", "--frame", "own data")
	if !strings.Contains(out, "own data: 4 rows read, 2 of them bad, 0 earlier; 2 names counted") || !strings.Contains(errs, "other.test is not under .example") || strings.Contains(errs, "secret") {
		t.Errorf("%s\n%s", out, errs)
	}
	if _, errs = run(1, "import", table, "--mapping", mapping, "--tld", "example", "--frame", "own data"); !strings.Contains(errs, "read into \"own data\" already") {
		t.Errorf("%s", errs)
	}
	if _, errs = run(2, "import", names); !strings.Contains(errs, "names") {
		t.Errorf("%s", errs)
	}
	run(2, "import", filepath.Join(dir, "none.csv"))
	run(2, "import", table)
	if out, _ = run(0, "list"); !strings.Contains(out, "own data") || !strings.Contains(out, "the desk") {
		t.Errorf("%s", out)
	}
	run(0, "publish", "own data")
	if out, _ = run(0, "list", "--json"); !strings.Contains(out, `"published":true`) || !strings.Contains(out, `"names":2`) {
		t.Errorf("%s", out)
	}
	run(0, "drop", "own data")

	// A profile of one's own, by its file; one that changed begins anew.
	const profile = "profile: ours\ntitle: Ours\nstatus: own\ncontacts: [registrant]\nrules:\n  - {id: ours.email, clause: '3', text: A mail address., basis: ours, checks: [{check: email.syntax}]}\n"
	own := write("ours.yaml", profile)
	if out, _ = run(0, "import", table, "--mapping", mapping, "--frame", "own data", "--policy", own); !strings.Contains(out, "3 names counted under your own ours (") {
		t.Errorf("%s", out)
	}
	run(1, "import", table, "--mapping", mapping, "--frame", "own data", "--policy", own)
	write("ours.yaml", strings.Replace(profile, "A mail address.", "An address.", 1))
	if out, _ = run(0, "import", table, "--mapping", mapping, "--frame", "own data", "--policy", own); !strings.Contains(out, "0 earlier; 3 names") {
		t.Errorf("%s", out)
	}
	if out, _ = run(0, "list", "--json"); strings.Count(out, `"profile":"ours"`) != 2 {
		t.Errorf("%s", out)
	}
	for bad, why := range map[string]string{"none.yaml": "nor is there a file", "bad.yaml": "is not a check that is known", "shipped.yaml": "waps-raa-2013"} {
		text := map[string]string{"bad.yaml": strings.Replace(profile, "email.syntax", "email.none", 1), "shipped.yaml": strings.Replace(profile, "ours", "waps-raa-2013", 1)}[bad]
		p := filepath.Join(dir, bad)
		if text != "" {
			p = write(bad, text)
		}
		status := 2
		if bad == "none.yaml" {
			status = 1
		}
		if _, errs = run(status, "import", table, "--mapping", mapping, "--frame", "other", "--policy", p); !strings.Contains(errs, why) {
			t.Errorf("%s: %s", bad, errs)
		}
	}
	run(0, "drop", "own data")
	if out, _ = run(0, "list"); out != "" {
		t.Errorf("%s", out)
	}
}
