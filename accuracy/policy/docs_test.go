package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocs holds docs/policies.md against the code: the words, the profiles, the
// table of WAPS, and the profile that it shows.
func TestDocs(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "policies.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	row := func(field string, words []string) {
		if want := "| " + field + " | " + strings.Join(words, ", ") + " |"; !strings.Contains(doc, want) {
			t.Errorf("the documentation lacks\n%s", want)
		}
	}
	row("triggers", strs(triggers))
	row("actor", strs(actors))
	row("action, on_expiry, final", strs(actions))
	row("claims", claims)
	row("methods", strs(methods))
	row("skip", strs(conditions))
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.All() {
		if !strings.Contains(doc, "`"+p.ID+"`") {
			t.Errorf("%s is not in the documentation", p.ID)
		}
	}
	for _, r := range shippedProfile(t, "waps-raa-2013").Rules {
		if r.Of != "waps-raa-2013" {
			continue
		}
		if want := fmt.Sprintf("| %s | `%s` | %s | %s | ", r.Clause, r.ID, r.Text, r.Basis); !strings.Contains(doc, want) {
			t.Errorf("the documentation lacks\n%s", want)
		}
	}
	_, yaml, _ := strings.Cut(doc, "```yaml\n")
	yaml, _, _ = strings.Cut(yaml, "```")
	_, p, err := s.With("house-rules.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range p.Test(now) {
		if !o.OK {
			t.Errorf("%s: %v", o.Name, o.Wrong)
		}
	}
}

func strs[T ~string](in []T) (out []string) {
	for _, s := range in {
		out = append(out, string(s))
	}
	return out
}
