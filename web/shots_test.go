package web_test

import (
	"cmp"
	"maps"
	"os"
	"regexp"
	"testing"
	"time"

	"bailiwick/lab"
)

// TestShots takes pictures of the pages of a world in its third week, when
// WEB_SHOTS names a folder for them; WEB_SHOTS_OF is a regular expression of the
// pages that are wanted, all if it is empty. Without a folder there is nothing to
// do, and nothing that was left out.
func TestShots(t *testing.T) {
	if shots == "" {
		return
	}
	w := newWorld(t, lab.Generate(1, 24), "live-phishing", "live-malware")
	login, password := analyst(t, w.App)
	w.until(20 * 24 * time.Hour)
	b := newBrowser(t, w.URL)
	b.signIn(login, password)
	paths := pagesOf(t, w)
	// A browser notes that a page is not there.
	delete(paths, "missing")
	delete(paths, "welcome-over")
	of, err := regexp.Compile("^(" + cmp.Or(os.Getenv("WEB_SHOTS_OF"), ".*") + ")$")
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(paths, func(name, _ string) bool { return !of.MatchString(name) })
	for _, v := range []struct {
		name  string
		dark  bool
		width int64
	}{{"light", false, 1320}, {"dark", true, 1320}, {"narrow", false, 360}} {
		b.look(v.dark, v.width)
		for name, path := range paths {
			b.open(path)
			b.shoot(name + "-" + v.name)
			b.quiet(path)
		}
	}
	if os.Getenv("WEB_SHOTS_OF") != "" {
		return
	}
	// The pictures of the README: what one screen shows.
	for _, p := range []struct {
		name, page string
		dark       bool
	}{{"case", "case-clock", false}, {"queue", "queue", true}, {"figures", "figures", false}} {
		b.look(p.dark, 1240)
		b.open(paths[p.page])
		b.screen("readme-" + p.name)
	}
}
