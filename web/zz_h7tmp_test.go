package web_test

import (
	"os"
	"testing"

	"bailiwick/lab"
)

func TestZZDisclosureLooks(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, lab.Generate(3, 1), "live-phishing")
	login, password := analyst(t, w.App)
	paths := map[string]string{}
	disclosurePages(t, w, paths)
	paths["figures"] = "/figures"
	b := newBrowser(t, w.URL)
	b.signIn(login, password)
	for name, path := range paths {
		b.open(path)
		for _, l := range looks {
			b.look(l.dark, l.width)
			eval[bool](b, string(axe)+";true")
			if v := eval[string](b, `axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 2).map(n => n.html.slice(0, 160)).join(' | ')).join())`); v != "" {
				t.Errorf("%s %s: %s", name, l.name, v)
			}
			if over := eval[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("%s %s: sideways by %d", name, l.name, over)
			}
			b.shoot(name + "-" + l.name)
		}
		b.quiet(name)
	}
}
