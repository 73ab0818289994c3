package judge

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/judgement.md is the contract: every weight and every basis of an actor
// in the code stands in its tables, and every basis there is in the code.
func TestDocumentation(t *testing.T) {
	read := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	doc, code, actors := read("../docs/judgement.md"), read("judge.go"), read("actor.go")+read("measure.go")

	value := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(w[A-Z]\w*)\s+= (-?)(\d+\.\d+)$`).FindAllStringSubmatch(code, -1) {
		sign := "+"
		if m[2] == "-" {
			sign = "−"
		}
		value[m[1]] = sign + m[3]
	}
	rows := func(id string) string {
		var out []string
		for l := range strings.SplitSeq(doc, "\n") {
			if strings.HasPrefix(l, "| `"+id+"` |") {
				out = append(out, l)
			}
		}
		return strings.Join(out, "\n")
	}
	used := map[string]bool{}
	check := func(id, constant string) {
		used[constant] = true
		v, ok := value[constant]
		if !ok {
			t.Fatalf("no constant %s", constant)
		}
		v = strings.TrimSuffix(v, "0")
		if strings.HasSuffix(v, ".") {
			v += "0"
		}
		if !strings.Contains(rows(id), v) {
			t.Errorf("weight %s of %q (%s) is not in the table:\n%s", v, id, constant, rows(id))
		}
	}
	for _, m := range regexp.MustCompile(`t\.add\("([a-z-]+)", (w[A-Z]\w*)`).FindAllStringSubmatch(code, -1) {
		check(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`take\((w[A-Z]\w*)`).FindAllStringSubmatch(code, -1) {
		check("path", m[1])
	}
	for c := range value {
		if !used[c] {
			t.Errorf("weight %s is not used", c)
		}
	}

	bases := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:nobody\(|Basis: )"([a-z-]+)"`).FindAllStringSubmatch(actors, -1) {
		bases[m[1]] = true
		if rows(m[1]) == "" {
			t.Errorf("the basis %q is not in the table of actors", m[1])
		}
	}
	_, table, _ := strings.Cut(doc, "| basis |")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		if !bases[m[1]] {
			t.Errorf("the table has a basis %q that the code does not", m[1])
		}
	}
}
