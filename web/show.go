package web

import (
	"fmt"
	"html/template"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bailiwick/accuracy/census"
	"bailiwick/casework"
	"bailiwick/name"
)

// How things from outside are shown: names and addresses cannot be clicked,
// direction is isolated, and characters that are not seen are made so.

// visible makes what would not be seen in a text seen: control and format
// characters, among them the bidirectional and the zero-width ones, and broken
// UTF-8. Line ends and tabs stay.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "⟨%02X⟩", s[i])
		case r == '\n', r == '\t', unicode.IsGraphic(r) && !unseen(r):
			b.WriteRune(r)
		case r == '\r':
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// unseen says whether a graphic character shows nothing, or the gap of another.
func unseen(r rune) bool {
	switch {
	case r == ' ':
		return false
	case unicode.Is(unicode.Zs, r), r == '\u115F', r == '\u1160', r == '\u3164', r == '\uFFA0', r == '\u034F', r == '\u17B4', r == '\u17B5':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

// outside makes free text from outside fit to show: nothing in it can be
// clicked, and nothing hides. It is cut to max characters.
func outside(s string, max int) string {
	s = visible(s)
	if utf8.RuneCountInString(s) > max {
		s = string([]rune(s)[:max]) + "…"
	}
	return name.DefangText(s)
}

// markup builds HTML out of escaped pieces.
type markup struct{ strings.Builder }

func (m *markup) text(s string) { template.HTMLEscape(&m.Builder, []byte(s)) }

func (m *markup) span(class, s string) {
	m.WriteString(`<span class="` + class + `">`)
	m.text(s)
	m.WriteString(`</span>`)
}

// label writes one label of a name, what hides in it shown as such, the part
// that imitates a brand marked.
func (m *markup) label(s string, brands []brand) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	from, to := imitation(s, brands)
	for i, r := range s {
		if i == from && to > from {
			m.WriteString("<mark>")
		}
		if v := visible(string(r)); v != string(r) {
			m.span("odd", v)
		} else {
			m.text(string(r))
		}
		if i+utf8.RuneLen(r) == to && to > from {
			m.WriteString("</mark>")
		}
	}
}

// dot is a defanged dot.
const dot = `<span class="dot">[.]</span>`

// labels writes labels with defanged dots between them.
func (m *markup) labels(ls []string, brands []brand) {
	for i, l := range ls {
		if i > 0 {
			m.WriteString(dot)
		}
		m.label(l, brands)
	}
}

// host writes a name or an address: what is below the registered name is pale,
// the label that deceives is marked, and A-labels stand beside U-labels.
func (s *site) host(m *markup, key string, brands []brand) {
	if a, err := netip.ParseAddr(key); err == nil {
		m.text(name.Defang(a.String()))
		return
	}
	d, err := name.ParseAny(key)
	if err != nil {
		m.text(outside(key, 300))
		return
	}
	parts := s.c.Suffixes.Split(d)
	own := parts.Registered
	if !parts.Customer.IsZero() {
		own = parts.Customer
	}
	ls := strings.Split(d.Unicode(), ".")
	below := 0
	if !own.IsZero() {
		below = len(d.Labels()) - len(own.Labels())
	}
	if below < 0 || below > len(ls) {
		below = 0
	}
	m.WriteString(`<bdi dir="ltr">`)
	if below > 0 {
		m.WriteString(`<span class="sub">`)
		m.labels(ls[:below], brands)
		m.WriteString(dot + `</span>`)
	}
	m.labels(ls[below:], brands)
	m.WriteString(`</bdi>`)
	if d.Unicode() != d.String() {
		m.WriteString(` <span class="alabel">`)
		m.text(strings.ReplaceAll(d.String(), ".", "[.]"))
		m.WriteString(`</span>`)
	}
}

// showName is a subject as HTML.
func (s *site) showName(key, claimed string) template.HTML {
	var m markup
	m.WriteString(`<span class="name">`)
	s.host(&m, key, s.brands(key, claimed))
	m.WriteString(`</span>`)
	return template.HTML(m.String())
}

// showURL is a URL as HTML, cut to what fits a line or two.
func (s *site) showURL(u, claimed string) template.HTML {
	const most = 160
	var m markup
	m.WriteString(`<span class="name">`)
	p, err := name.ParseURL(u)
	if err != nil {
		m.text(outside(u, most))
	} else {
		m.span("path", strings.Replace(p.Scheme, "tt", "xx", 1)+"://")
		host := p.Host()
		s.host(&m, host, s.brands(host, claimed))
		rest := strings.TrimPrefix(p.String(), p.Scheme+"://")
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			rest = rest[i:]
		} else {
			rest = ""
		}
		if rest != "/" {
			if len(rest) > most {
				rest = rest[:most] + "…"
			}
			m.span("path", outside(rest, most+1))
		}
	}
	m.WriteString(`</span>`)
	return template.HTML(m.String())
}

// showText is free text from outside as HTML, in its own direction.
func showText(s string) template.HTML {
	var m markup
	m.WriteString(`<bdi dir="auto">`)
	m.text(outside(s, 4000))
	m.WriteString(`</bdi>`)
	return template.HTML(m.String())
}

// when is a moment, UTC; the year only where it is not this year's.
func when(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	layout := "2 Jan 2006, 15:04"
	if t.Year() == now.UTC().Year() {
		layout = "2 Jan, 15:04"
	}
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format(layout) + ` UTC</time>`)
}

// exact is a moment with its year.
func exact(t time.Time) template.HTML { return when(t, time.Time{}) }

// date is a date or time of a registration, as it was answered, made readable
// where it can be.
func date(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format("2 Jan 2006, 15:04 UTC")
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.Format("2 Jan 2006")
	}
	return s
}

// dueIn says when something is due, from now.
func dueIn(t, now time.Time) template.HTML {
	switch d := t.Sub(now); {
	case t.IsZero():
		return "–"
	case d < 0:
		return template.HTML(`<span class="over">` + span(d) + ` over</span>`)
	case d < time.Minute:
		return "now"
	default:
		return template.HTML("in " + span(d))
	}
}

// brand is a name to be recognised in labels, folded.
type brand struct {
	text []rune
	// loose: one letter more, less or other is let pass.
	loose bool
}

// unmarked stands for the brand of a case whose name deceives nobody.
const unmarked = "\x00"

// brandOf is the brand that a case's name may imitate: that of an honest
// holder's name imitates nobody.
func brandOf(c casework.Case) string {
	if c.Class == casework.Compromised || c.Class == casework.Innocent {
		return unmarked
	}
	return c.Brand()
}

// brands are those to look for in a name: the one it is claimed to imitate, and
// those the centre protects. A protected name imitates nobody.
func (s *site) brands(key, claimed string) []brand {
	d, err := name.ParseAny(key)
	if err != nil || claimed == unmarked {
		return nil
	}
	for _, own := range s.own {
		if d.Under(own) {
			return nil
		}
	}
	if f := foldAll(claimed); len(f) >= shortestBrand {
		return append([]brand{{f, true}}, s.known...)
	}
	return s.known
}

const (
	shortestBrand = 4
	mostBrands    = 1000
)

// protect prepares the brands and names that the centre protects.
func (s *site) protect() {
	add := func(w string) {
		if f := foldAll(w); len(f) >= shortestBrand && len(s.known) < mostBrands {
			s.known = append(s.known, brand{text: f})
		}
	}
	for _, b := range s.c.Settings().Known.Brands {
		add(b.Name)
		for _, w := range b.Words {
			add(w)
		}
		s.own = append(s.own, b.Domains...)
		for _, d := range b.Domains {
			if own := s.c.Suffixes.Split(d).Registered; !own.IsZero() {
				add(own.Labels()[0])
			}
		}
	}
}

// alike are characters that stand for a letter in names that deceive: the most
// used of those that look like one in Latin. What is i or 1 counts as l.
var alike = map[rune]rune{
	'0': 'o', '1': 'l', 'i': 'l', '|': 'l', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', '9': 'g', '$': 's',
	'а': 'a', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'һ': 'h', 'і': 'l', 'ӏ': 'l', 'ј': 'j', 'к': 'k', 'м': 'm', 'н': 'h', 'о': 'o', 'р': 'p', 'ѕ': 's', 'т': 't', 'у': 'y', 'х': 'x', 'ԛ': 'q', 'ԝ': 'w', 'в': 'b',
	'α': 'a', 'ε': 'e', 'ι': 'l', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x',
	'à': 'a', 'á': 'a', 'â': 'a', 'ä': 'a', 'å': 'a', 'ã': 'a', 'ā': 'a', 'ạ': 'a', 'ç': 'c', 'è': 'e', 'é': 'e', 'ê': 'e', 'ë': 'e', 'ē': 'e', 'ẹ': 'e', 'ì': 'l', 'í': 'l', 'î': 'l', 'ï': 'l', 'ı': 'l',
	'ñ': 'n', 'ò': 'o', 'ó': 'o', 'ô': 'o', 'ö': 'o', 'õ': 'o', 'ø': 'o', 'ọ': 'o', 'ù': 'u', 'ú': 'u', 'û': 'u', 'ü': 'u', 'ý': 'y', 'ÿ': 'y', 'ł': 'l', 'š': 's', 'ž': 'z',
}

// fold gives what a character is taken for; 0 for what does not count.
func fold(r rune) rune {
	r = unicode.ToLower(r)
	if f, ok := alike[r]; ok {
		return f
	}
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return r
	}
	return 0
}

func foldAll(s string) []rune {
	var out []rune
	for _, r := range s {
		if f := fold(r); f != 0 {
			out = append(out, f)
		}
	}
	return out
}

// imitation finds the part of a label that reads as one of the brands, as
// offsets; 0, 0 if none does.
func imitation(label string, brands []brand) (from, to int) {
	if len(brands) == 0 || len(label) > 63*utf8.UTFMax {
		return 0, 0
	}
	var text []rune
	var at []int // text[i] begins at label[at[i]]
	for i, r := range label {
		if f := fold(r); f != 0 {
			text, at = append(text, f), append(at, i)
		}
	}
	end := func(i int) int { // behind text[i-1]
		_, n := utf8.DecodeRuneInString(label[at[i-1]:])
		return at[i-1] + n
	}
	for _, b := range brands { // whole first
		for i := 0; len(b.text) > 0 && i+len(b.text) <= len(text); i++ {
			if slices.Equal(text[i:i+len(b.text)], b.text) {
				return at[i], end(i + len(b.text))
			}
		}
	}
	for _, b := range brands {
		if !b.loose || len(b.text) < 6 {
			continue
		}
		for _, n := range []int{len(b.text), len(b.text) - 1, len(b.text) + 1} {
			for i := 0; i+n <= len(text); i++ {
				if text[i] == b.text[0] && near(text[i:i+n], b.text) {
					return at[i], end(i + n)
				}
			}
		}
	}
	return 0, 0
}

// near says whether a and b differ by one letter at most: one other, one more
// or one less, or two neighbours swapped.
func near(a, b []rune) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	x, y := a[i:], b[i:]
	switch {
	case len(x) == 0 && len(y) == 0:
		return true
	case len(a) == len(b):
		return slices.Equal(x[1:], y[1:]) || len(x) > 1 && x[0] == y[1] && x[1] == y[0] && slices.Equal(x[2:], y[2:])
	case len(a) == len(b)+1:
		return slices.Equal(x[1:], y)
	case len(a)+1 == len(b):
		return slices.Equal(x, y[1:])
	}
	return false
}

// short is the beginning and the end of a digest.
func short(hash string) string {
	if len(hash) < 16 {
		return hash
	}
	return hash[:8] + "…" + hash[len(hash)-4:]
}

// size says octets for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// segment escapes one segment of a path.
func segment(s string) string { return url.PathEscape(s) }

// templates parses every page with the layout around it.
func (s *site) templates() (map[string]*template.Template, error) {
	funcs := template.FuncMap{
		"name": s.showName, "url": s.showURL, "text": showText, "when": when, "exact": exact, "due": dueIn, "plain": func(s string) string { return outside(s, 120) }, "date": date, "notice": noticeWord, "span": span,
		"asset": func(file string) (string, error) {
			if p, ok := s.assets.path[file]; ok {
				return p, nil
			}
			return "", fmt.Errorf("there is no file %q", file)
		},
		"standing": standing, "obligation": obligationBadge, "role": roleWord, "type": typeWord, "short": short, "size": size, "segment": segment,
		"count": count, "thousands": thousands, "pct": pct, "line": func(m moment, now time.Time) momentLine { return momentLine{m, now} },
		"classWords": func() map[string]string {
			out := map[string]string{}
			for c, b := range classes {
				out[string(c)] = b.Word
			}
			return out
		},
		"demoDate": demoDate, "rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"inc": func(n int) int { return n + 1 }, "share1": pct1, "code": codeWord, "note": noteWord, "metric": func(id string) census.Metric { m, _ := census.MetricOf(id); return m }, "badge": func(t, w string) badge { return badge{tone(t), w} },
	}
	layout, err := template.New("layout").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/registration.html")
	if err != nil {
		return nil, err
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, f := range files {
		if f.Name() == "layout.html" || f.Name() == "registration.html" { // parts of others
			continue
		}
		t, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if out[strings.TrimSuffix(f.Name(), ".html")], err = t.ParseFS(templateFiles, "templates/"+f.Name()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// momentLine is a line of the timeline with the time it is shown at.
type momentLine struct {
	M   moment
	Now time.Time
}

// pct is a share in per cent, as exact as few cases make it.
func pct(f float64) string {
	return fmt.Sprintf("%.0f\u202f%%", 100*f)
}
