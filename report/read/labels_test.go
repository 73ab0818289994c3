package read

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus is where the shared corpus lies when it is there.
const corpus = "../../../shared/corpus/abuse"

// TestLabels measures how many of the URLs labelled by hand in the corpus'
// mails are found, and how many that are none, or not meant, are taken. Labels
// of the role "reported" ought to be worked on; those "beside" ought to be seen
// and not worked on.
func TestLabels(t *testing.T) {
	raw, err := os.ReadFile("../message/testdata/labels.tsv")
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]map[string]string{}
	total := 0
	for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[2] != "reported" && f[2] != "beside" && i > 0 {
			t.Fatalf("line %d: %q", i+1, line)
		}
		if i == 0 {
			continue
		}
		if labels[f[0]] == nil {
			labels[f[0]] = map[string]string{}
		}
		labels[f[0]][f[1]] = f[2]
		total++
	}
	var files []string
	for _, g := range []string{"arf/*/*.eml", "misp/*/email/*.eml"} {
		found, _ := filepath.Glob(filepath.Join(corpus, g))
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("the shared corpus is not here; the sample mails of report/message stand without it")
	}
	found, wrong, taken := 0, 0, 0
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := filepath.Rel(corpus, path)
		want := labels[filepath.ToSlash(file)]
		l := Parse(file, raw)
		if l.Report == nil {
			if len(want) > 0 {
				t.Errorf("%s: refused: %v", file, l.Errors)
			}
			continue
		}
		seen, work := map[string]bool{}, map[string]bool{}
		for _, c := range l.Report.Candidates {
			if !c.URL.IsZero() {
				seen[c.URL.String()] = true
			}
		}
		for _, u := range l.Report.URLs {
			seen[u.String()], work[u.String()] = true, true
		}
		for u := range seen {
			taken++
			if want[u] == "" || work[u] && want[u] != "reported" {
				wrong++
				t.Logf("%s: %s is taken", file, u)
			}
		}
		for u, role := range want {
			if !seen[u] || role == "reported" && !work[u] {
				t.Logf("%s: %s is not found", file, u)
				continue
			}
			found++
		}
	}
	t.Logf("%d of %d found, %d of %d wrong", found, total, wrong, taken)
	if found*100 < total*98 || wrong*100 > taken {
		t.Errorf("%d of %d found, %d of %d wrong; 98 %% and 1 %% are the bounds", found, total, wrong, taken)
	}
}
