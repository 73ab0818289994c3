package accuracy

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bailiwick/registration"
	"bailiwick/registration/read"
)

// corpusRecords reads the shared corpus of answers, or skips.
func corpusRecords(t *testing.T) map[string]registration.Record {
	t.Helper()
	out := map[string]registration.Record{}
	root := filepath.FromSlash("../../shared/corpus/registration")
	for _, format := range []string{"rdap", "whois"} {
		err := filepath.WalkDir(filepath.Join(root, format), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if rec, err := read.Record(format, b, registration.Source{Protocol: format}); err == nil {
				out[filepath.ToSlash(p)] = rec
			}
			return nil
		})
		if err != nil {
			t.Skip("the shared corpus is not here")
		}
	}
	if len(out) == 0 {
		t.Skip("the shared corpus is not here")
	}
	return out
}

// TestValuesCorpus: every real record gets its verdicts, each failure says what
// to change, and what is withheld fails nothing. The log is of what was found.
func TestValuesCorpus(t *testing.T) {
	recs := corpusRecords(t)
	count := map[string]map[string]int{}
	registered := 0
	for file, rec := range recs {
		s := Subject{Record: rec, Now: noon}
		vs, err := Examine(s, contactChecks)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if rec.State != registration.Registered {
			continue
		}
		registered++
		for _, v := range vs {
			// A record without a contact says nothing of what was withheld.
			if _, there := rec.Contacts[strings.Split(v.Path, ".")[1]]; !there {
				continue
			}
			if count[v.Check] == nil {
				count[v.Check] = map[string]int{}
			}
			count[v.Check][strings.TrimSpace(string(v.Result)+" "+v.Reason)]++
			if (v.Result == Fail || v.Result == Warn) && v.Detail == "" {
				t.Errorf("%s: %s does not say what to change", file, v.Check)
			}
			if v.Result == Fail && rec.Fields[v.Path] == registration.Redacted && rec.Value(v.Path) == "" {
				t.Errorf("%s: %s fails a withheld field", file, v.Check)
			}
		}
	}
	t.Logf("%d answers, %d registrations", len(recs), registered)
	for _, c := range contactChecks {
		var parts []string
		for r, n := range count[c.ID] {
			parts = append(parts, strings.Join([]string{r, ": ", strconv.Itoa(n)}, ""))
		}
		slices.Sort(parts)
		t.Logf("%-24s %s", c.ID, strings.Join(parts, ", "))
	}
}
