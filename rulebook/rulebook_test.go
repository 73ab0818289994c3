package rulebook_test

import (
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"bailiwick/problem"
	"bailiwick/rulebook"
)

type rules struct {
	ID    string         `yaml:"id"`
	Basis rulebook.Basis `yaml:"basis"`
	Days  int            `yaml:"days"`
}

func (r rules) Key() string     { return r.ID }
func (r rules) Validate() error { return r.Basis.Check(nil, "basis").OrNil() }

func load(r io.Reader) (rules, error) { return rulebook.Load[rules](r, "profile", 100) }

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		text string
		code problem.Code
		says string
	}{
		{"{id: a, basis: ours, days: 3}", "", ""},
		{"{id: a, basis: hearsay}", problem.Invalid, "basis"},
		{"{id: a, days: 3}", problem.Invalid, "is missing"},
		{"{id: a, basis: ours, weeks: 3}", problem.Invalid, "does not parse"},
		{"id: a\nbasis: ours\n---\nid: b\n", problem.Invalid, "one document"},
		{"id: a\n# " + strings.Repeat("x", 100), problem.TooLarge, "100 octets"},
	} {
		_, err := load(strings.NewReader(c.text))
		if c.code == "" && err != nil || c.code != "" && (problem.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func TestBook(t *testing.T) {
	shipped := fstest.MapFS{"p/b.yaml": {Data: []byte("{id: b, basis: primary, days: 1}")}, "p/a.yaml": {Data: []byte("{id: a, basis: primary, days: 1}")}}
	b, err := rulebook.NewBook("profile", shipped, "p/*.yaml", load, rules{"b", rulebook.Ours, 9}, rules{"c", rulebook.Ours, 2})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range b.All() {
		got += r.ID
	}
	if own, err := b.Get("b"); got != "abc" || err != nil || own.Days != 9 {
		t.Errorf("%s, %+v, %v", got, own, err)
	}
	if _, err := b.Get("d"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("one that is not there: %v", err)
	}
	if _, err := rulebook.NewBook("profile", shipped, "p/*.yaml", load, rules{"b", rulebook.Ours, 9}, rules{"b", rulebook.Ours, 2}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("given twice: %v", err)
	}
	if _, err := rulebook.NewBook("profile", shipped, "p/*.yaml", load, rules{ID: "x"}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("an own one that is not valid: %v", err)
	}
	shipped["p/z.yaml"] = &fstest.MapFile{Data: []byte("id: [")}
	if _, err := rulebook.NewBook("profile", shipped, "p/*.yaml", load); problem.CodeOf(err) != problem.Internal {
		t.Errorf("a shipped one that does not parse: %v", err)
	}
	if _, err := rulebook.NewBook("profile", shipped, "q/*.yaml", load); problem.CodeOf(err) != problem.Internal {
		t.Errorf("an empty book: %v", err)
	}
}

func TestWords(t *testing.T) {
	w := rulebook.Words{{Code: "a", Means: "the first"}, {Code: "b", Means: "the second"}}
	if w.Means("b") != "the second" || w.Means("c") != "c" || !w.Has("a") || w.Has("c") || strings.Join(w.Codes(), " ") != "a b" {
		t.Error("the words do not mean what they say")
	}
	if w.Check(nil, "x", "a").OrNil() != nil || w.Check(nil, "x", "").OrNil() == nil || w.Check(nil, "x", "c").OrNil() == nil {
		t.Error("a check lets something through")
	}
	if rulebook.Primary.Caveat() != "" || rulebook.Secondary.Caveat() == "" {
		t.Error("a caveat")
	}
}
