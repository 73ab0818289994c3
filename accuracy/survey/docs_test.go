package survey_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bailiwick/accuracy/survey"
)

// TestDocumentedGroups holds the table of docs/surveys.md against the code.
func TestDocumentedGroups(t *testing.T) {
	const file = "../../docs/surveys.md"
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	word := map[bool]string{true: "yes", false: "no"}
	var table strings.Builder
	open := 0
	for _, c := range survey.Combinations() {
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", word[c.Deliverable], word[c.Linked], word[c.Located], word[c.Interviewed], c.Group, c.Open)
		if c.Open != "" {
			open++
		}
	}
	if *update {
		head, rest, _ := strings.Cut(string(doc), "| deliverable |")
		lines := strings.SplitN(rest, "\n", 3)
		_, after, _ := strings.Cut(lines[2], "\n\n")
		if err := os.WriteFile(file, []byte(head+"| deliverable |"+lines[0]+"\n"+lines[1]+"\n"+table.String()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.Contains(string(doc), "|---|---|---|---|---|---|\n"+table.String()+"\n") {
		t.Errorf("the table of the sixteen combinations in %s is not\n%s", file, table.String())
	}
	if open == 0 || open == 16 {
		t.Errorf("%d combinations are open", open)
	}
	// What is said of sizes.
	for _, want := range []string{fmt.Sprintf("fewer than %d units tested", survey.MinPublished), fmt.Sprintf("sample under %d", survey.MinEffective)} {
		if !strings.Contains(strings.Join(strings.Fields(string(doc)), " "), want) {
			t.Errorf("%q is not in %s", want, file)
		}
	}
}
