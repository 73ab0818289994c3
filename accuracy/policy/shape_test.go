package policy

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bailiwick/accuracy"
	"bailiwick/problem"
	"bailiwick/registration"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// placed is an error that says where: a file with its line or field, or a file
// as a whole.
var placed = regexp.MustCompile(`own\.yaml(:\d+: \S|: [a-z_(]|:\d+ is| is | holds | does not parse)`)

// bent is a shipped profile with a few things in it changed: what a careless or
// hostile writer of profiles does, and always YAML of some shape.
func bent(r *rapid.T, sources [][]byte) []byte {
	var root yaml.Node
	if err := yaml.Unmarshal(sources[rapid.IntRange(0, len(sources)-1).Draw(r, "profile")], &root); err != nil {
		r.Fatal(err)
	}
	scalar := rapid.OneOf(
		rapid.SampledFrom([]string{"", "own", "registrant", "email.syntax", "email.colour", "primary", "finding", "72h", "-1d", "99999999999999999999d", "https://policy.example/", "javascript:x", "2026-13-45", "true", "null", "~", "fail", "*a", "&a b", "!!binary aGk=", "\u202egnp.exe", "\u0000", strings.Repeat("x", 5000), strings.Repeat("名", 4001), "waps-raa-2013", "contacts.registrant.email"}),
		rapid.String())
	var nodes []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		nodes = append(nodes, n)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&root)
	for range rapid.IntRange(1, 4).Draw(r, "changes") {
		n := nodes[rapid.IntRange(0, len(nodes)-1).Draw(r, "at")]
		switch rapid.IntRange(0, 9).Draw(r, "change") {
		case 0:
			*n = yaml.Node{Kind: yaml.ScalarNode, Value: scalar.Draw(r, "value"), Style: yaml.DoubleQuotedStyle}
		case 1:
			*n = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: scalar.Draw(r, "value"), Style: yaml.DoubleQuotedStyle}}}
		case 2:
			*n = yaml.Node{Kind: yaml.MappingNode}
		case 3: // what a mapping holds, twice; what a list holds, a thousand times
			if k := len(n.Content); k >= 2 && n.Kind == yaml.MappingNode {
				n.Content = append(n.Content, n.Content[:2]...)
			} else if k > 0 && n.Kind == yaml.SequenceNode {
				for range 1000 {
					n.Content = append(n.Content, n.Content[0])
				}
			}
		case 4:
			if k := len(n.Content); k >= 2 && n.Kind == yaml.MappingNode {
				i := 2 * rapid.IntRange(0, k/2-1).Draw(r, "pair")
				n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
			} else if k > 0 && n.Kind == yaml.SequenceNode {
				n.Content = n.Content[:k-1]
			}
		case 5:
			if n.Kind == yaml.MappingNode {
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: scalar.Draw(r, "key"), Style: yaml.DoubleQuotedStyle}, &yaml.Node{Kind: yaml.ScalarNode, Value: "x"})
			}
		case 6:
			inner := &yaml.Node{Kind: yaml.SequenceNode}
			*n = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{inner}}
			for range rapid.IntRange(1, 60).Draw(r, "depth") {
				next := &yaml.Node{Kind: yaml.SequenceNode}
				inner.Content, inner = []*yaml.Node{next}, next
			}
		case 7: // a circle, or a parent that is not there
			if len(root.Content) == 0 {
				continue
			}
			root.Content[0].Content = append(root.Content[0].Content,
				&yaml.Node{Kind: yaml.ScalarNode, Value: "extends"}, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: rapid.SampledFrom([]string{"own", "gone", "uk", "waps-raa-2013"}).Draw(r, "parent")}}})
		case 8:
			n.Tag = rapid.SampledFrom([]string{"!!binary", "!!int", "!!null", "!!merge", "!own"}).Draw(r, "tag")
		case 9:
			n.HeadComment = "# " + strings.ReplaceAll(scalar.Draw(r, "comment"), "\n", " ")
		}
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		if top := root.Content[0]; top.Kind == yaml.MappingNode && len(top.Content) >= 2 && top.Content[0].Value == "profile" {
			if rapid.Bool().Draw(r, "own name") {
				top.Content[1] = &yaml.Node{Kind: yaml.ScalarNode, Value: "own"}
			}
		}
	}
	var out []byte
	func() {
		defer func() { // the writer of YAML takes no tree of any shape
			if recover() != nil {
				out = nil
			}
		}()
		var b bytes.Buffer
		if yaml.NewEncoder(&b).Encode(&root) == nil {
			out = b.Bytes()
		}
	}()
	return out
}

// takes loads a file: nothing panics; an error has a code, a place, and no more
// characters than can be shown; and what is taken can be used.
func takes(t interface {
	Fatalf(string, ...any)
}, set *Set, raw []byte) {
	_, p, err := set.With("own.yaml", raw)
	if err != nil {
		text := err.Error()
		switch code := problem.CodeOf(err); {
		case code != problem.Invalid && code != problem.TooLarge:
			t.Fatalf("%s: %v", code, err)
		case !placed.MatchString(text):
			t.Fatalf("no place: %s", text)
		case len(text) > 30_000 || !utf8.ValidString(text):
			t.Fatalf("%d octets: %.300q", len(text), text)
		}
		for _, c := range text {
			if unicode.Is(unicode.Cf, c) || unicode.IsControl(c) {
				t.Fatalf("the error holds %U: %.300q", c, text)
			}
		}
		return
	}
	rec := registration.Record{State: registration.Registered, Domain: "shop.example", Contacts: map[string]registration.Contact{registration.Registrant: {Name: "Marta Lind", Email: "marta@"}}}
	a, _, err := p.Examine(rec, accuracy.Facts{}, now)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, d := range a.Duties {
		if d.Basis != Primary || !p.binds() {
			t.Fatalf("a duty without a basis: %+v", d)
		}
	}
	p.Test(now)
	Diff(p, set.All()[0])
}

func shapes(t testing.TB) (*Set, func(r *rapid.T)) {
	t.Helper()
	set, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var sources [][]byte
	entries, err := files.ReadDir("profiles")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := files.ReadFile("profiles/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, b)
	}
	return set, func(r *rapid.T) { takes(r, set, bent(r, sources)) }
}

// TestShapes: whatever is changed in a profile, the loader says what is wrong
// and where, or takes something that can be used.
func TestShapes(t *testing.T) {
	_, check := shapes(t)
	rapid.Check(t, check)
}

// FuzzShapes is TestShapes led by the fuzzer.
func FuzzShapes(f *testing.F) {
	_, check := shapes(f)
	f.Fuzz(rapid.MakeFuzz(check))
}

// TestLargeProfiles: what is too much of anything is told, soon.
func TestLargeProfiles(t *testing.T) {
	set, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var rules, examples strings.Builder
	for i := range maxRules + 1 {
		fmt.Fprintf(&rules, "  - {id: r%d, clause: c, text: t, basis: ours}\n", i)
	}
	for range maxExamples + 1 {
		examples.WriteString("  - {name: x, expect: {result: pass}}\n")
	}
	var parents []string
	for i := range maxExtends + 1 {
		parents = append(parents, fmt.Sprintf("p%d", i))
	}
	var wrong strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&wrong, "colour%d: red\n", i)
	}
	for _, c := range []struct{ name, in, want string }{
		{"rules", head + "rules:\n" + rules.String(), "own.yaml:6: rules: are more than 500"},
		{"examples", head + rule + "examples:\n" + examples.String(), "own.yaml:13: examples: are more than 200"},
		{"parents", head + "extends: [" + strings.Join(parents, ", ") + "]\n" + rule, "own.yaml:5: extends: names more than 8 profiles"},
		{"nodes", head + "uncollected: [" + strings.Repeat("a,", 200_000) + "]\n", "own.yaml:5: uncollected[99993]: is too large or nested too deep"},
		{"faults", head + wrong.String(), "own.yaml:5: colour0: is not a field that is known here"},
		{"brackets", head + "about: " + strings.Repeat("[", 100_000), "own.yaml does not parse as YAML"},
	} {
		_, _, err := set.With("own.yaml", []byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v, not %q", c.name, err, c.want)
		} else if len(err.Error()) > 10_000 {
			t.Errorf("%s: the error has %d octets", c.name, len(err.Error()))
		}
	}
}
