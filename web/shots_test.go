package web_test

import (
	"testing"
	"time"

	"bailiwick/lab"
)

// TestShots takes pictures of the pages of a world in its third week, when
// WEB_SHOTS names a folder for them. Without one there is nothing to do, and
// nothing that was left out.
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
	delete(paths, "missing") // a browser notes that a page is not there
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
