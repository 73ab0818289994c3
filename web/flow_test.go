package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiwick/lab"

	"github.com/chromedp/chromedp"
)

// one is a world with one name that is not reported yet.
const one = `
seed: 7
days: 30
tlds:
  - {name: shopx, registry: Shopx Registry}
registrars:
  - {name: Quickname, behaviour: {like: prompt, after: 3h}}
hosts:
  - {name: Quietrack, behaviour: silent}
constituents:
  - {name: Aurora Bank, domains: [aurora-bank.qz], behaviour: silent}
names:
  - {name: aur0ra-bank-login.shopx, registrar: Quickname, site: {kind: phishing, brand: Aurora Bank, path: /verify/}}
`

func eval[T any](b *browser, js string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.60s: %v", js, err)
	}
	return v
}

// holds fails the test unless the page says all of these.
func (b *browser) holds(words ...string) {
	b.t.Helper()
	text := strings.Join(strings.Fields(eval[string](b, "document.body.innerText")), " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Fatalf("the page does not say %q: %s", w, text)
		}
	}
}

// typed types into the form of an action that is open, waits until the keys are
// where they belong, and for what became of it.
func (b *browser) typed(act string, keys ...string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("document.activeElement.closest('#act-"+act+"') !== null")); err != nil {
		b.t.Fatalf("the form %s is not under the hand: %v", act, err)
	}
	for _, k := range keys {
		b.run(chromedp.KeyEvent(k))
	}
	b.run(chromedp.WaitVisible(`.notice.ok`))
}

// TestLife goes through a report's whole life in a browser: the form, the
// receipt, the queue, the confirmation, an answer, the outcome, the figures. A
// person needs no mouse for it; the second time there is no script.
func TestLife(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(map[bool]string{true: "by keyboard", false: "without script"}[script], func(t *testing.T) { life(t, script) })
	}
}

func life(t *testing.T, script bool) {
	chromium(t)
	w := newWorld(t, scenario(t, one))
	login, password := analyst(t, w.App)
	w.until(2 * time.Hour)
	b := newBrowser(t, w.URL)
	b.script(script)

	b.open("/")
	b.run(chromedp.SendKeys(`#url`, "hxxp://aur0ra-bank-login[.]shopx/verify/\r"), chromedp.WaitVisible(`textarea[name=urls]`))
	if got, err := chromedp.Run(b.ctx, chromedp.Value(`textarea[name=urls]`)); err != nil || !strings.Contains(got, "aur0ra") {
		t.Fatalf("%q %v", got, err)
	}
	b.run(chromedp.Click(`input[value=phishing]`), chromedp.SendKeys(`input[name=brand]`, "Aurora Bank"), chromedp.SendKeys(`textarea[name=description]`, "It asked for my <b>password</b>."),
		chromedp.Click(`main form button.primary`), chromedp.WaitVisible(`.receipt`))
	receipt, err := chromedp.Run(b.ctx, chromedp.TextContent(`.receipt`))
	if err != nil || len(receipt) < 20 {
		t.Fatalf("%q %v", receipt, err)
	}
	w.settle()
	b.open("/report/" + receipt)
	b.holds("It is being worked on", "waits for confirmation", "aur0ra-bank-login[.]shopx")

	b.open("/desk?state=unconfirmed")
	b.run(chromedp.WaitVisible(`input[name=password]`)) // not signed in: sent to do so, and back
	b.run(chromedp.SendKeys(`input[name=login]`, login), chromedp.SendKeys(`input[name=password]`, password+"\r"), chromedp.WaitVisible(`.queue`))
	b.holds("To confirm 1", "aur0ra-bank-login[.]shopx", "a person")
	if script {
		b.run(chromedp.KeyEvent("?"), chromedp.WaitVisible(`#keys`), chromedp.KeyEvent("?"), chromedp.WaitNotVisible(`#keys`))
		b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(`.timeline`))
		// It is taken, found again as one's own, and worked: no mouse from here on.
		b.run(chromedp.KeyEvent("i"), chromedp.WaitVisible(`select[name=to]`))
		b.typed("assign", "\t", "\r")
		b.holds("It is on the case who works it", "worked by you")
		b.run(chromedp.KeyEvent("u"), chromedp.WaitVisible(`.tabs`), chromedp.KeyEvent("m"), chromedp.WaitVisible(`select[name=assignee]:has(option[value=me][selected])`))
		b.holds("Open 1", "aur0ra-bank-login[.]shopx")
		b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible(`.timeline`))
		b.run(chromedp.KeyEvent("c"), chromedp.WaitVisible(`select[name=class]`))
	} else {
		b.run(chromedp.Click(`.queue .q-name a`), chromedp.WaitVisible(`.timeline`), chromedp.Click(`#act-confirm summary`), chromedp.WaitVisible(`select[name=class]`))
	}
	if mark, err := chromedp.Run(b.ctx, chromedp.TextContent(`h1.name mark`)); err != nil || mark != "aur0ra-bank" {
		t.Errorf("%q is marked: %v", mark, err)
	}
	if script {
		b.typed("confirm", "\t", "\r")
	} else {
		b.run(chromedp.Click(`#act-confirm form button`), chromedp.WaitVisible(`.notice.ok`))
	}
	b.holds("Confirmed. Whoever has authority is being asked", "maliciously registered", "Quickname")
	w.settle()
	w.until(3 * time.Hour)
	b.run(chromedp.Navigate(eval[string](b, "location.href.split('?')[0]")), chromedp.WaitVisible(`.timeline`))
	b.holds("waiting for the registrar", "has until", "Due in")
	if script {
		b.run(chromedp.KeyEvent("a"), chromedp.WaitVisible(`select[name=answer]`))
	} else {
		b.run(chromedp.Click(`#act-answer summary`), chromedp.WaitVisible(`select[name=answer]`))
	}
	option := eval[string](b, `[...document.querySelectorAll('#act-answer select[name=obligation] option')].find(o => o.text.includes('Quickname')).value`)
	if script {
		// The select is under the hand; a letter chooses in it.
		b.typed("answer", "Q", "\t", "they r", "\t", "ticket 4711", "\t", "\r")
	} else {
		b.run(chromedp.SetValue(`#act-answer select[name=obligation]`, option), chromedp.SetValue(`#act-answer select[name=answer]`, "received"), chromedp.SendKeys(`#act-answer textarea`, "ticket 4711"),
			chromedp.Click(`#act-answer form button`), chromedp.WaitVisible(`.notice.ok`))
	}
	b.holds("Quickname answered: they received it", "ticket 4711", "you")
	// The registrar is not waited for. (The page anew: without the notice of before.)
	b.run(chromedp.Navigate(eval[string](b, "location.href.split('?')[0]")), chromedp.WaitVisible(`.timeline`))
	if script {
		b.run(chromedp.KeyEvent("x"), chromedp.WaitVisible(`#act-escalate textarea`))
		b.held(t, axeScript(t), "case-escalate")
		b.look(false, 1320)
		b.typed("escalate", "\t", "people lose money", "\t", "\r")
	} else {
		b.run(chromedp.Click(`#act-escalate summary`), chromedp.WaitVisible(`#act-escalate textarea`), chromedp.SendKeys(`#act-escalate textarea`, "people lose money"),
			chromedp.Click(`#act-escalate form button`), chromedp.WaitVisible(`.notice.ok`))
	}
	b.holds("Escalated. The next party is being asked", "Escalated: Quickname is not waited for", "people lose money", "Shopx Registry")
	w.settle()
	w.until(3 * 24 * time.Hour)
	b.run(chromedp.Navigate(eval[string](b, "location.href.split('?')[0]")), chromedp.WaitVisible(`.timeline`))
	b.holds("Closed: stopped", "credited: Quickname", "Look whether it came back")
	b.open("/report/" + receipt)
	b.holds("stopped")
	b.open("/figures")
	b.holds("Figures", "registrar", "Who was asked")
	b.quiet("a report's life")
}

// TestAccess holds every page, in light, dark and 360 px, against WCAG 2.2 A and
// AA as far as a machine can tell, against sideways scrolling, and against
// anything on the console.
func TestAccessibility(t *testing.T) {
	chromium(t)
	axe := axeScript(t)
	w := newWorld(t, lab.Generate(3, 12), "live-phishing")
	login, password := analyst(t, w.App)
	w.until(9 * 24 * time.Hour)
	paths := pagesOf(t, w)
	public := map[string]string{"login": "/login"}
	for _, p := range []string{"home", "report", "figures", "status", "missing", "preferences", "answer", "welcome", "welcome-over"} {
		public[p] = paths[p]
		delete(paths, p)
	}
	names := slices.Sorted(maps.Keys(paths))
	// Two browsers look at one half each, at the same time.
	for part := range 2 {
		t.Run(fmt.Sprint("part ", part+1), func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, w.URL)
			if part == 0 {
				for _, name := range slices.Sorted(maps.Keys(public)) {
					b.accessible(t, axe, name, public[name])
				}
			}
			b.look(false, 1320)
			b.signIn(login, password)
			for i, name := range names {
				if i%2 == part {
					b.accessible(t, axe, name, paths[name])
				}
			}
			if part == 0 {
				return
			}
			// The same world as a demo: the guided path, and the strip on other pages.
			b.url = demoPages(t, w.App, &madeDemo{state: running()})
			b.accessible(t, axe, "demo", "/demo")
			for n, holds := range []string{"came as", "confirmed", "answered", "not seen to act", "ended by"} {
				b.accessible(t, axe, fmt.Sprint("demo-", n+1), fmt.Sprint("/demo/", n+1))
				b.holds("Open the", holds)
			}
			b.accessible(t, axe, "demo-case", paths["case"])
			b.url = w.URL
			// A case with its forms open, and one on which somebody acted meanwhile.
			for _, act := range []struct{ page, act string }{{"case", "answer"}, {"case", "note"}, {"case", "purge"}, {"case", "assign"}, {"case-ask", "ask"}, {"org", "link"},
				{"people", "add"}, {"person", "roles"}, {"person", "key"}, {"me", "password"}} {
				if paths[act.page] == "" {
					t.Errorf("no page shows the form %s", act.act)
					continue
				}
				b.look(false, 1320)
				b.open(paths[act.page])
				b.run(chromedp.Click(fmt.Sprintf("#act-%s summary", act.act)))
				eval[bool](b, string(axe)+";true")
				if v := eval[string](b, `axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}}).then(r => r.violations.map(v => v.id).join())`); v != "" {
					t.Errorf("%s with the form %s: %s", act.page, act.act, v)
				}
				b.shoot(act.page + "-" + act.act)
			}
		})
	}
}

func axeScript(t testing.TB) []byte {
	t.Helper()
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	return axe
}

// accessible looks at a page in all looks: no WCAG violation, no scrolling
// sideways, nothing on the console.
func (b *browser) accessible(t *testing.T, axe []byte, name, path string) {
	t.Helper()
	b.open(path)
	b.held(t, axe, name)
	if name != "missing" && name != "welcome-over" { // a browser notes that a page is not there
		b.quiet(name)
	}
	b.mu.Lock()
	b.console = nil
	b.mu.Unlock()
}

// held is accessible for the page that stands there, as far as axe and the
// width of the window go.
func (b *browser) held(t *testing.T, axe []byte, name string) {
	t.Helper()
	for _, l := range looks() {
		b.look(l.dark, l.width)
		eval[bool](b, string(axe)+";true")
		out := eval[string](b, `axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}}).then(r => JSON.stringify({n: r.passes.length, v: r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + (n.any[0] || {message: ''}).message).join(' | '))}))`)
		var r struct {
			N int
			V []string
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.N < 10 {
			t.Fatalf("%s %s: axe says %s", name, l.name, out)
		}
		for _, v := range r.V {
			t.Errorf("%s, %s: %s", name, l.name, v)
		}
		if over := eval[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			t.Errorf("%s, %s: scrolls sideways by %d px, for %s", name, l.name, over,
				eval[string](b, `(() => { const w = document.documentElement.clientWidth; const e = [...document.querySelectorAll('body *')].find(e => e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll')); return e ? e.outerHTML.slice(0, 200) : '' })()`))
		}
		b.shoot(name + "-" + l.name)
	}
}

type aLook struct {
	name  string
	dark  bool
	width int64
}

// looks are light and wide, and dark and narrow: between them every colour and
// every width. Pictures are taken of all three a person would compare.
func looks() []aLook {
	if shots != "" {
		return []aLook{{"light", false, 1320}, {"dark", true, 1320}, {"narrow", false, 360}}
	}
	return []aLook{{"light", false, 1320}, {"dark-narrow", true, 360}}
}
