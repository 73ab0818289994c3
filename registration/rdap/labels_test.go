package rdap

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/registration"
)

var labelled = flag.Bool("label", false, "write what is read as labels, to be judged by hand")

// labelPaths are all the paths that an answer is judged for.
func labelPaths() []string {
	p := []string{"domain", "unicode", "handle", "registrar.name", "registrar.iana_id", "registrar.url", "registrar.abuse_email", "registrar.abuse_phone",
		"created", "updated", "expires", "statuses", "nameservers", "dnssec"}
	for _, role := range []string{registration.Registrant, registration.Admin, registration.Tech, registration.Billing} {
		p = append(p, registration.ContactPath(role, ""))
		for _, f := range registration.ContactFields() {
			p = append(p, registration.ContactPath(role, f))
		}
	}
	return p
}

// labelOf is what is read at a path: the first 16 digits of the SHA-256 of the
// value, the state of a withheld field, or "" for nothing at all.
func labelOf(r *registration.Record, path string) string {
	if v := r.Value(path); v != "" && v != "contact" {
		sum := sha256.Sum256([]byte(v))
		return hex.EncodeToString(sum[:8])
	}
	return string(r.Fields[path])
}

// TestLabels holds every domain answer of the corpus against labels that were
// judged by hand (testdata/labels/domain.tsv), where the corpus is here: each
// value of each role, what is redacted or a proxy's, and, because all paths of
// an answer were judged, what is absent.
func TestLabels(t *testing.T) {
	files := corpusFiles(t)
	path := filepath.Join("testdata", "labels", "domain.tsv")
	if *labelled {
		var b strings.Builder
		for _, f := range sortedKeys(files) {
			rec, _ := Domain(files[f], registration.Source{})
			if rec.State != registration.Registered {
				continue
			}
			for _, p := range labelPaths() {
				if l := labelOf(&rec, p); l != "" {
					fmt.Fprintf(&b, "%s\t%s\t%s\n", f, p, l)
				}
			}
		}
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(old), "\nrdap/")
		if err := os.WriteFile(path, []byte(strings.TrimSpace(head)+"\n"+b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	for l := range strings.Lines(string(raw)) {
		if l[0] == '#' {
			continue
		}
		c := strings.Split(strings.TrimSpace(l), "\t")
		if len(c) != 3 {
			t.Fatalf("%q", l)
		}
		if want[c[0]] == nil {
			want[c[0]] = map[string]string{}
		}
		want[c[0]][c[1]] = c[2]
	}
	values, right, missing, invented, states := 0, 0, 0, 0, map[string]int{}
	for _, f := range sortedKeys(files) {
		rec, _ := Domain(files[f], registration.Source{})
		if rec.State != registration.Registered {
			if want[f] != nil {
				t.Errorf("%s: read as %s", f, rec.State)
			}
			continue
		}
		if want[f] == nil {
			t.Errorf("%s was not judged", f)
			continue
		}
		for _, p := range labelPaths() {
			got, label := labelOf(&rec, p), want[f][p]
			switch {
			case label == "":
				states["absent"]++
			case len(label) == 16:
				values++
			default:
				states[label]++
			}
			switch {
			case got == label && label != "":
				right++
			case got == label:
			case got == "":
				missing++
				t.Errorf("%s: %s is missing", f, p)
			default:
				invented++
				t.Errorf("%s: %s is %q, judged %q", f, p, got, label)
			}
		}
	}
	t.Logf("%d answers: %d values, states %v; right %d, missing %d, invented or wrong %d", len(want), values, states, right, missing, invented)
}
