package message

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bailiwick/mail"
	"bailiwick/report"

	"github.com/rogpeppe/go-internal/txtar"
)

// cases are the sample mails, each with what is to be found in it: the type,
// and every URL, name and address that is to be worked on. The hosts of URLs
// are not listed again.
func cases(t testing.TB) map[string]*txtar.Archive {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d sample mails, %v", len(files), err)
	}
	out := map[string]*txtar.Archive{}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil || len(a.Files) != 2 || a.Files[0].Name != "mail" || a.Files[1].Name != "want" {
			t.Fatalf("%s: %v", f, err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".txtar")] = a
	}
	return out
}

// told is what a reading says, in the words of the samples.
func told(r report.Report, err error) []string {
	if err != nil {
		return []string{"refused " + err.Error()}
	}
	out := []string{"type " + string(r.Abuse)}
	hosts := map[string]bool{}
	for _, u := range r.URLs {
		out = append(out, "url "+u.String())
		hosts[u.Host()] = true
	}
	for _, d := range r.Domains {
		if !hosts[d.String()] {
			out = append(out, "domain "+d.String())
		}
	}
	for _, ip := range r.IPs {
		if !hosts[ip] {
			out = append(out, "ip "+ip)
		}
	}
	slices.Sort(out)
	return out
}

func TestCases(t *testing.T) {
	for name, a := range cases(t) {
		t.Run(name, func(t *testing.T) {
			m, err := mail.Read(a.Files[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			r, _, err := Read(&m)
			got := told(r, err)
			want := strings.Split(strings.TrimSpace(string(a.Files[1].Data)), "\n")
			if len(want) == 1 && strings.HasPrefix(want[0], "refused ") {
				if len(got) != 1 || !strings.Contains(got[0], strings.TrimPrefix(want[0], "refused ")) {
					t.Errorf("got %q, want %q", got, want)
				}
				return
			}
			// A host that a URL has need not be listed as a name as well.
			hosts := map[string]bool{}
			for _, u := range r.URLs {
				hosts["domain "+u.Host()] = true
			}
			want = slices.DeleteFunc(want, func(s string) bool { return hosts[s] })
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s\ncandidates:%s", strings.Join(got, "\n  "), strings.Join(want, "\n  "), dump(r.Candidates))
			}
		})
	}
}

func dump(list []report.Candidate) string {
	var b bytes.Buffer
	for _, c := range list {
		b.WriteString("\n  " + c.URL.String() + c.Domain.String() + c.IP + " " + string(c.Where) + " " + string(c.Form) + " " + c.Unlikely)
	}
	return b.String()
}

var _ = os.Getenv
