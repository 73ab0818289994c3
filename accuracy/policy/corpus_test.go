package policy

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiwick/accuracy"
	"bailiwick/registration"
	"bailiwick/registration/read"
)

// corpus is where the shared answers are, if they are here.
const corpus = "../../../shared/corpus/registration"

// TestCorpus: under each profile every record of a registered name gets a
// verdict, and every failure and warning says what to change.
func TestCorpus(t *testing.T) {
	root := filepath.FromSlash(corpus)
	if _, err := os.Stat(root); err != nil {
		t.Skip("the shared corpus is not here")
	}
	var recs []registration.Record
	files := 0
	for _, format := range []string{"rdap", "whois"} {
		err := filepath.WalkDir(filepath.Join(root, format), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			rec, err := read.Record(format, raw, registration.Source{Protocol: format})
			if err == nil && rec.State == registration.Registered {
				recs = append(recs, rec)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"waps-raa-2013", "gtld-rdp-2025", "nis2-art28", "uk", "ars-2009", "ars-2013", "hints"} {
		p := shippedProfile(t, id)
		tested, fields := 0, 0
		count := map[accuracy.Result]int{}
		proposed := 0
		for _, rec := range recs {
			a, _, err := p.Examine(rec, accuracy.Facts{}, now)
			if err != nil {
				t.Fatalf("%s: %v", rec.Domain, err)
			}
			count[a.Result]++
			tested, fields = tested+a.Tested, fields+a.Fields
			if a.Result == "" {
				t.Errorf("%s, %s: no verdict", p.ID, rec.Domain)
			}
			for _, x := range a.Worst() {
				if (x.Result == accuracy.Fail || x.Result == accuracy.Warn) && (x.Verdict.Detail == "" || x.Verdict.Reason == "") {
					t.Errorf("%s, %s: %s says %s, and not what to change", p.ID, rec.Domain, x.Verdict.Check, x.Result)
				}
				if x.Verdict.Evidence != "" && len(x.Verdict.Evidence) > 12 && strings.Contains(x.Verdict.Detail, x.Verdict.Evidence) {
					t.Errorf("%s, %s: the detail of %s holds the value", p.ID, rec.Domain, x.Verdict.Check)
				}
			}
			proposed += len(a.Duties)
			for _, d := range a.Duties {
				if d.Action.Suspends() || d.OnExpiry.Suspends() || d.Final.Suspends() {
					t.Errorf("%s, %s: a suspension is proposed on what was only read", p.ID, rec.Domain)
				}
			}
		}
		t.Logf("%-18s %d files, %d registered: %d pass, %d warn, %d fail, %d not testable; %.0f %% of fields tested; %d duties proposed", p.ID, files, len(recs),
			count[accuracy.Pass], count[accuracy.Warn], count[accuracy.Fail], count[accuracy.Untestable], 100*float64(tested)/float64(max(fields, 1)), proposed)
	}
}
