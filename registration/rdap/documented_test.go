package rdap

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFindingsDocumented: every finding of this package is in
// docs/registration.md, with every code that is written beside its id.
func TestFindingsDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "registration.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	quoted := regexp.MustCompile("`([a-z]+\\.[a-z0-9-]+)`")
	for l := range strings.Lines(string(doc)) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(l, "| "), " |"); ok {
			for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
				rows[m[1]] += l
			}
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`"((?:rdap|gtld|registration)\.[a-z0-9-]+)"([^\n]*)`)
	code := regexp.MustCompile(`-[0-9]{5}\b`)
	n := 0
	for _, f := range sources {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range id.FindAllStringSubmatch(string(src), -1) {
			n++
			row := rows[m[1]]
			if row == "" {
				t.Errorf("%s: %s is not in docs/registration.md", f, m[1])
				continue
			}
			for _, c := range code.FindAllString(m[2], -1) {
				if !strings.Contains(row, c) && !strings.Contains(row, " to ") {
					t.Errorf("%s: %s has code %s, which its row has not", f, m[1], c)
				}
			}
		}
	}
	for _, f := range families {
		for id, codes := range map[string][]int{"gtld.redaction-missing": {f.required}, "gtld.redaction-method": {f.path - 2}, "gtld.contact-property": {f.absent}} {
			for _, c := range codes {
				if c != 0 && !strings.Contains(rows[id], strconv.Itoa(c)) {
					t.Errorf("%s: the row of %s has not %d", f.typ, id, c)
				}
			}
		}
	}
	if n < 80 {
		t.Fatalf("only %d findings were seen", n)
	}
}
