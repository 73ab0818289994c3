package whois

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiwick/registration"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// servers are the servers that an answer of testdata is from, where its form is
// read with a profile.
var servers = map[string]string{
	"bracketed-jp": "whois.jprs.jp", "empty-labels-jp": "whois.jprs.jp", "charset-iso-2022-jp": "whois.jprs.jp", "charset-euc-jp": "whois.jprs.jp",
	"brazil": "whois.registro.br", "russia": "whois.tcinet.ru", "block-order-tw": "whois.twnic.net.tw",
}

// TestGolden reads each hand-made answer in testdata and compares the record
// with the golden file beside it. No answer is a real one.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join("testdata", "answers", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(inputs) < 30 {
		t.Errorf("only %d answers", len(inputs))
	}
	for _, in := range inputs {
		name := strings.TrimSuffix(filepath.Base(in), ".txt")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			server := servers[name]
			if server == "" {
				server = "whois.registry.example"
			}
			src := registration.Source{Protocol: "whois", Server: server, Role: "registry", At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
			rec, err := Domain(raw, src)
			if (err != nil) != (rec.State == registration.Failed) {
				t.Errorf("state %s with error %v", rec.State, err)
			}
			checkRecord(t, rec)
			if rec.Sources[""] != src {
				t.Errorf("sources %v", rec.Sources)
			}
			if delete(rec.Sources, ""); len(rec.Sources) == 0 { // the same in all
				rec.Sources = nil
			}
			got, err := json.MarshalIndent(rec, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(in, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimSpace(string(want)), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}
