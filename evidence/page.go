package evidence

import (
	"bytes"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/name"
	"bailiwick/problem"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Bounds of a Page and of reading one.
const (
	maxText      = 4096    // octets of Page.Text
	maxTitle     = 300     // octets of Page.Title
	maxForms     = 16      // Page.Forms
	maxLinks     = 64      // Page.Links
	maxDownloads = 16      // Page.Downloads
	maxDecoded   = 8 << 20 // octets read after decoding the character set
	maxToken     = 4 << 20 // octets of one tag or script
	maxScript    = 256 << 10
	maxWords     = 1 << 18 // octets of text that go into the sketch
	maxURLText   = 2048    // octets of a form target or download
	maxFields    = 2000    // form fields whose words are read

	// maxDelay is the longest meta refresh that counts as a redirect, in
	// seconds.
	maxDelay = 5
)

// programs are the file name endings of what runs when it is opened.
var programs = map[string]bool{
	".exe": true, ".msi": true, ".msix": true, ".appx": true, ".scr": true, ".pif": true, ".bat": true, ".cmd": true,
	".ps1": true, ".vbs": true, ".vbe": true, ".wsf": true, ".hta": true, ".lnk": true, ".jar": true, ".apk": true,
	".xapk": true, ".dmg": true, ".pkg": true, ".iso": true, ".img": true, ".cab": true, ".deb": true, ".rpm": true,
	".appimage": true,
}

// ReadPage reads what can be told from a body without running it: its kind by
// content before contentType (the declared media type), and of a page its
// text, forms, links and where it sends the visitor. base is the URL the body
// came from. It never fails: a body that cannot be read is a page of which
// little is known. Hostile input is expected; time and memory grow at most
// with len(body).
func ReadPage(body []byte, contentType string, base name.URL) *Page {
	p := &Page{Kind: kindOf(body, contentType)}
	switch p.Kind {
	case KindHTML:
		newPageReader(p, base).read(body, contentType)
	case KindText, KindScript:
		t := newTextKeeper()
		t.add(decode(body, contentType))
		p.Text, p.Sketch = t.String(), t.sketch.sum()
	}
	return p
}

// decode gives body as UTF-8, by its byte order mark, its declaration or what
// its first octets look like.
func decode(body []byte, contentType string) string {
	b, _ := io.ReadAll(io.LimitReader(decoder(body, contentType), maxDecoded)) // what was read before a fault is used
	return string(b)
}

func decoder(body []byte, contentType string) io.Reader {
	enc, label, _ := charset.DetermineEncoding(body[:min(len(body), sniffed)], contentType)
	if label == "utf-8" {
		return bytes.NewReader(body)
	}
	return enc.NewDecoder().Reader(bytes.NewReader(body))
}

// Resolve reads ref, a reference as found in a page or a Location header,
// against base, as a browser does (WHATWG URL Standard): spaces and line ends
// are dropped, and backslashes count as slashes. Only http and https come
// through; the error is problem.Invalid.
func Resolve(base name.URL, ref string) (name.URL, error) {
	if len(ref) > name.MaxURL {
		return name.ParseURL(ref) // refuses it with the reason
	}
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(ref, "\t\r\n") {
		ref = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(ref)
	}
	ref, _, _ = strings.Cut(ref, "#")
	if i := strings.IndexAny(ref, ":/\\?"); i > 0 && ref[i] == ':' {
		if s := ref[:i]; !strings.EqualFold(s, "http") && !strings.EqualFold(s, "https") {
			return name.URL{}, problem.New(problem.Invalid, "the scheme of %q is not http or https", Clean(ref, 80))
		}
		return name.ParseURL(ref)
	}
	if base.IsZero() {
		return name.URL{}, problem.New(problem.Invalid, "%q is relative to nothing", Clean(ref, 80))
	}
	if len(ref) >= 2 && slash(ref[0]) && slash(ref[1]) {
		return name.ParseURL(base.Scheme + ":" + ref)
	}
	site := base
	site.Path, site.RawQuery = "", ""
	switch {
	case ref == "":
		return base, nil
	case ref[0] == '?':
		return name.ParseURL(site.String() + base.Path + ref)
	case slash(ref[0]):
		return name.ParseURL(site.String() + ref)
	}
	return name.ParseURL(site.String() + base.Path[:strings.LastIndexByte(base.Path, '/')+1] + ref)
}

func slash(c byte) bool { return c == '/' || c == '\\' }

// RefreshTarget reads the content of a meta refresh, or of the Refresh header,
// which has the same form: a delay in seconds and a reference (HTML standard,
// section 4.2.5.3). It says false when there is no target, the delay is over
// five seconds, or the target is the page itself.
func RefreshTarget(content string, base name.URL) (name.URL, bool) {
	s := strings.TrimLeft(content, " \t\r\n\f")
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
		n++
	}
	whole, _, _ := strings.Cut(s[:n], ".")
	if delay, err := strconv.Atoi(whole); whole != "" && (err != nil || delay > maxDelay) {
		return name.URL{}, false
	}
	s = strings.TrimLeft(s[n:], " \t\r\n\f")
	s = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(s, ";"), ","), " \t\r\n\f")
	if len(s) >= 3 && strings.EqualFold(s[:3], "url") {
		if t := strings.TrimLeft(s[3:], " \t\r\n\f"); strings.HasPrefix(t, "=") {
			s = strings.TrimLeft(t[1:], " \t\r\n\f")
		}
	}
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		q := s[0]
		s = s[1:]
		if i := strings.IndexByte(s, q); i >= 0 {
			s = s[:i]
		}
	}
	if s == "" {
		return name.URL{}, false
	}
	u, err := Resolve(base, s)
	if err != nil || u == base {
		return name.URL{}, false
	}
	return u, true
}

// pageReader walks the tokens of one page.
type pageReader struct {
	page   *Page
	base   name.URL // what references are read against
	own    name.URL // the page's own address
	text   *textKeeper
	title  *strings.Builder
	links  map[string]bool
	forms  map[string]bool
	files  map[string]bool
	near   string // the text just read: a label stands before its field
	script string // where a script sends the visitor
	bytes  int    // octets of script read
	fields int
	based  bool
	titled bool

	inTitle bool
	// skip is the element whose content is not shown, and how deep in elements
	// of that name the reader is.
	skip      string
	skipDepth int
	raw       atom.Atom // script, style or noscript: its text is not shown
	rawScript bool      // and it is a script of the page's own
}

func newPageReader(p *Page, base name.URL) *pageReader {
	return &pageReader{page: p, base: base, own: base, text: newTextKeeper(), title: &strings.Builder{},
		links: map[string]bool{}, forms: map[string]bool{}, files: map[string]bool{}}
}

func (r *pageReader) read(body []byte, contentType string) {
	z := html.NewTokenizer(io.LimitReader(decoder(body, contentType), maxDecoded))
	z.SetMaxBuf(maxToken)
	var attrs attributes
	for {
		switch z.Next() {
		case html.ErrorToken: // the end, or as far as it can be read
			r.finish()
			return
		case html.TextToken:
			r.onText(z)
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, more := z.TagName()
			a := atom.Lookup(tag)
			if a == 0 && !more && r.skip == "" {
				continue
			}
			element := string(tag) // reading the attributes moves the buffer tag is in
			attrs.read(z, more)
			r.onStart(a, element, &attrs)
		case html.EndTagToken:
			tag, _ := z.TagName()
			r.onEnd(atom.Lookup(tag), string(tag))
		}
	}
}

// attributes are those of one tag that matter here.
type attributes struct {
	href, src, action, formaction, typ, name, id, placeholder, aria, autocomplete, value, content, equiv, style, alt string
	hidden, download                                                                                                 bool
}

func (t *attributes) read(z *html.Tokenizer, more bool) {
	*t = attributes{}
	// The first of two attributes of one name counts, and no tag of a real
	// page has more than this many.
	for n := 0; more && n < 64; n++ {
		var k, v []byte
		k, v, more = z.TagAttr()
		var to *string
		switch string(k) {
		case "href":
			to = &t.href
		case "src":
			to = &t.src
		case "action":
			to = &t.action
		case "formaction":
			to = &t.formaction
		case "type":
			to = &t.typ
		case "name":
			to = &t.name
		case "id":
			to = &t.id
		case "placeholder":
			to = &t.placeholder
		case "aria-label":
			to = &t.aria
		case "autocomplete":
			to = &t.autocomplete
		case "value":
			to = &t.value
		case "content":
			to = &t.content
		case "http-equiv":
			to = &t.equiv
		case "style":
			to = &t.style
		case "alt":
			to = &t.alt
		case "hidden":
			t.hidden = true
		case "download":
			t.download = true
		}
		if to != nil && *to == "" && len(v) <= name.MaxURL {
			*to = string(v)
		}
	}
}

// void are the elements without content (HTML standard, section 13.1.2).
func void(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta,
		atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

func (r *pageReader) onStart(a atom.Atom, tag string, t *attributes) {
	switch a {
	case atom.Script, atom.Style, atom.Noscript, atom.Iframe, atom.Noembed, atom.Noframes:
		r.raw = a
		r.rawScript = a == atom.Script && t.src == "" && javaScript(t.typ)
	case atom.Title:
		r.inTitle = r.skip == "" && !r.titled
	}
	if r.skip != "" {
		if tag == r.skip {
			r.skipDepth++
		}
	} else if !void(a) && (t.hidden || a == atom.Template || invisible(t.style)) && a != atom.Body && a != atom.Html {
		r.skip, r.skipDepth = tag, 1
	}
	switch a {
	case atom.Base:
		if u, err := Resolve(r.own, t.href); err == nil && !r.based && t.href != "" {
			r.base, r.based = u, true
		}
	case atom.Meta:
		if r.page.Refresh == "" && strings.EqualFold(strings.TrimSpace(t.equiv), "refresh") {
			if u, ok := RefreshTarget(t.content, r.base); ok && u != r.own {
				r.page.Refresh = u.String()
			}
		}
	case atom.A, atom.Area:
		r.link(t.href, t.download)
	case atom.Iframe, atom.Frame:
		r.link(t.src, false)
	case atom.Form:
		r.form(t.action)
	case atom.Button:
		if t.formaction != "" {
			r.form(t.formaction)
		}
	case atom.Input, atom.Textarea:
		r.field(t)
	case atom.Img:
		r.show(t.alt)
	}
	if breaks(a) {
		r.text.space()
	}
}

func (r *pageReader) onEnd(a atom.Atom, tag string) {
	if r.raw == a {
		r.raw = 0
	}
	if a == atom.Title && r.inTitle {
		r.inTitle, r.titled = false, true
	}
	if r.skip != "" && tag == r.skip {
		if r.skipDepth--; r.skipDepth == 0 {
			r.skip = ""
		}
	}
	if breaks(a) {
		r.text.space()
	}
}

func (r *pageReader) onText(z *html.Tokenizer) {
	switch {
	case r.raw == atom.Script:
		if r.rawScript && r.script == "" && r.skip == "" && r.bytes < maxScript {
			src := z.Raw()
			src = src[:min(len(src), maxScript-r.bytes)]
			r.bytes += len(src)
			r.script = scriptRedirect(string(src))
		}
	case r.raw != 0:
	case r.inTitle:
		if r.title.Len() < maxTitle {
			r.title.Write(cut(z.Text(), 4*maxTitle))
		}
	default:
		r.show(string(z.Text()))
	}
}

// show takes visible text.
func (r *pageReader) show(s string) {
	if r.skip != "" || s == "" {
		return
	}
	r.text.add(s)
	if t := strings.TrimSpace(s); t != "" {
		r.near = t[max(0, len(t)-80):]
	}
}

func (r *pageReader) link(ref string, download bool) {
	if ref == "" || strings.HasPrefix(ref, "#") {
		return
	}
	if len(r.links) >= maxLinks && len(r.files) >= maxDownloads {
		return
	}
	u, err := Resolve(r.base, ref)
	if err != nil {
		return
	}
	if h := u.Host(); !r.links[h] && len(r.links) < maxLinks {
		r.links[h] = true
		r.page.Links = append(r.page.Links, h)
	}
	if !download && !programs[strings.ToLower(path.Ext(u.Path))] {
		return
	}
	if s := u.String(); len(s) <= maxURLText && !r.files[s] && len(r.files) < maxDownloads {
		r.files[s] = true
		r.page.Downloads = append(r.page.Downloads, s)
	}
}

func (r *pageReader) form(action string) {
	if len(r.forms) >= maxForms {
		return
	}
	target := ""
	if action = strings.TrimSpace(action); len(action) > 7 && strings.EqualFold(action[:7], "mailto:") {
		target = Clean(action, maxURLText)
	} else if u, err := Resolve(r.base, action); err == nil {
		if target = u.String(); action == "" {
			target = r.own.String()
		}
	}
	if target != "" && len(target) <= maxURLText && !r.forms[target] {
		r.forms[target] = true
		r.page.Forms = append(r.page.Forms, target)
	}
}

// field takes what an input asks for.
func (r *pageReader) field(t *attributes) {
	typ := strings.ToLower(strings.TrimSpace(t.typ))
	switch typ {
	case "submit", "button", "reset":
		r.show(" " + t.value + " ")
		return
	case "hidden", "image", "checkbox", "radio", "search", "file", "range", "color":
		return
	}
	label := r.near
	r.near = ""
	r.show(" " + t.placeholder + " ")
	r.near = ""
	if r.fields++; r.fields > maxFields {
		return
	}
	var found secret
	auto := false
	for token := range strings.FieldsSeq(strings.ToLower(t.autocomplete)) {
		if s := autofill[token]; s != 0 {
			found |= s
			auto = true
		}
	}
	words := asks(t.name) | asks(t.id) | asks(t.placeholder) | asks(t.aria)
	if words == 0 && !auto {
		words = asks(label)
	}
	found |= words
	// A password box that is named after a code or a card number is that: the
	// type only hides the digits.
	if typ == "password" && found == 0 {
		found = asksPassword
	}
	r.page.Password = r.page.Password || found&asksPassword != 0 || typ == "password" && found&asksOTP == 0
	r.page.Card = r.page.Card || found&asksCard != 0
	r.page.OTP = r.page.OTP || found&asksOTP != 0
}

func (r *pageReader) finish() {
	r.page.Title = Clean(r.title.String(), maxTitle)
	r.page.Text, r.page.Sketch = r.text.String(), r.text.sketch.sum()
	if r.page.Refresh == "" && r.script != "" {
		if u, err := Resolve(r.base, r.script); err == nil && u != r.own {
			r.page.Refresh = u.String()
		}
	}
}

// breaks says whether an element stands apart from the text around it.
func breaks(a atom.Atom) bool {
	switch a {
	case atom.A, atom.B, atom.I, atom.Em, atom.Strong, atom.Span, atom.Font, atom.Small, atom.U, atom.Sub, atom.Sup,
		atom.Abbr, atom.Code, atom.Mark, atom.Wbr:
		return false
	}
	return true
}

// invisible says whether an inline style hides its element.
func invisible(style string) bool {
	if style == "" {
		return false
	}
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, style)
	return strings.Contains(s, "display:none") || strings.Contains(s, "visibility:hidden")
}

func javaScript(typ string) bool {
	t := strings.ToLower(strings.TrimSpace(typ))
	return t == "" || t == "module" || strings.Contains(t, "javascript") || strings.Contains(t, "ecmascript")
}

// textKeeper gathers visible text: cleaned, with runs of space made one, cut
// to maxText; and the sketch of a longer stretch of it.
type textKeeper struct {
	b      strings.Builder
	gap    bool // a space is due before the next character
	full   bool
	words  strings.Builder // what goes into the sketch
	sketch *sketcher
}

func newTextKeeper() *textKeeper { return &textKeeper{sketch: newSketcher()} }

func (t *textKeeper) space() { t.gap = true }

func (t *textKeeper) add(s string) {
	for _, c := range s {
		if t.words.Len() >= maxWords {
			return
		}
		if unicode.IsSpace(c) || c == '\u00a0' {
			t.gap = true
			continue
		}
		if unshown(c) {
			continue
		}
		if t.gap {
			t.gap = false
			if t.words.Len() > 0 {
				t.put(' ')
			}
		}
		t.put(c)
	}
}

func (t *textKeeper) put(c rune) {
	t.words.WriteRune(c)
	if t.full || t.b.Len()+utf8.RuneLen(c) > maxText {
		t.full = true
		return
	}
	t.b.WriteRune(c)
}

// String ends the text and gives it; the sketch is complete after it.
func (t *textKeeper) String() string {
	t.sketch.add(t.words.String())
	return strings.TrimRight(t.b.String(), " ")
}

// unshown says whether a character is one that shows nothing or changes how
// others are shown: controls, direction marks, joiners, soft hyphens, private
// and unassigned use.
func unshown(c rune) bool {
	if ' ' <= c && c <= '~' {
		return false
	}
	return unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) ||
		c == utf8.RuneError || c == '\u2028' || c == '\u2029' ||
		c >= 0xfe00 && c <= 0xfe0f || c == '\u034f' || c == '\u115f' || c == '\u1160' || c == '\u3164'
}

// Clean makes s, text of an adversary, one line of at most n octets without controls.
func Clean(s string, n int) string {
	var b strings.Builder
	gap := false
	for _, c := range s {
		if unicode.IsSpace(c) {
			gap = b.Len() > 0
			continue
		}
		if unshown(c) {
			continue
		}
		need := utf8.RuneLen(c)
		if gap {
			need++
		}
		if b.Len()+need > n {
			break
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(c)
	}
	return b.String()
}

// cut is the first n octets of b, at a character's edge.
func cut(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}
