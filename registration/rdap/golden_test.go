package rdap

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

var source = registration.Source{Protocol: "rdap", Server: "https://rdap.registry.example/", Role: "registry", At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

// TestGolden reads each hand-made answer in testdata and compares the record
// with the golden file beside it.
func TestGolden(t *testing.T) {
	for _, kind := range []string{"domain", "network"} {
		inputs, err := filepath.Glob(filepath.Join("testdata", kind, "*"))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, in := range inputs {
			if strings.HasSuffix(in, ".golden") {
				continue
			}
			n++
			t.Run(kind+"/"+filepath.Base(in), func(t *testing.T) {
				raw, err := os.ReadFile(in)
				if err != nil {
					t.Fatal(err)
				}
				var v any
				var state registration.State
				if kind == "domain" {
					v2, derr := Domain(raw, source)
					v, state, err = v2, v2.State, derr
				} else {
					v2, nerr := Network(raw, source)
					v, state, err = v2, v2.State, nerr
				}
				if (err != nil) != (state == registration.Failed) {
					t.Errorf("state %s with error %v", state, err)
				}
				got, err := json.MarshalIndent(v, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				golden := in + ".golden"
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
		if n < 9 {
			t.Errorf("only %d answers of kind %s", n, kind)
		}
	}
}
