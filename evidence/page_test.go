package evidence

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bailiwick/name"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(t testing.TB, s string) name.URL {
	t.Helper()
	u, err := name.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// eicar is the EICAR test file, put together here so that no scanner stops at
// this source.
func eicar() string {
	return eicarHead + "EICAR-STANDARD-ANTIVIRUS-" + "TEST-FILE!$H+H*"
}

func TestKind(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, "<html>")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	pe := "MZ\x90\x00\x03\x00\x00\x00\x04" + strings.Repeat("\x00", 80)
	for _, c := range []struct{ name, body, declared, want string }{
		{"nothing", "", "text/html", KindEmpty},
		{"space", " \r\n\t", "text/html", KindEmpty},
		{"program called a picture", pe, "image/png", KindExecutable},
		{"program called a page", pe, "text/html", KindExecutable},
		{"MZ in words", "MZ is how this sentence begins, and it goes on for long enough to be a header of a program.", "text/plain", KindText},
		{"elf", "\x7fELF\x02\x01\x01", "", KindExecutable},
		{"mach-o", "\xcf\xfa\xed\xfe\x07", "", KindExecutable},
		{"eicar", eicar(), "text/plain", KindExecutable},
		{"shortcut", "\x4c\x00\x00\x00\x01\x14\x02\x00\x00", "", KindExecutable},
		{"apk", "PK\x03\x04\x14\x00AndroidManifest.xml", "application/zip", KindExecutable},
		{"jar", "PK\x03\x04\x14\x00META-INF/MANIFEST.MF", "", KindExecutable},
		{"docx", "PK\x03\x04\x14\x00[Content_Types].xml", "", KindDocument},
		{"zip", "PK\x03\x04\x14\x00invoice.exe", "text/html", KindArchive},
		{"rar", "Rar!\x1a\x07\x01\x00", "", KindArchive},
		{"7z", "7z\xbc\xaf\x27\x1c", "", KindArchive},
		{"gzip", zipped.String(), "", KindArchive},
		{"tar", strings.Repeat("x", 257) + "ustar\x0000", "", KindArchive},
		{"pdf", "%PDF-1.7", "text/html", KindDocument},
		{"office", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "", KindDocument},
		{"shell", "#!/bin/sh\nrm -rf /", "text/plain", KindScript},
		{"javascript", "alert(1)", "text/javascript; charset=utf-8", KindScript},
		{"png", "\x89PNG\r\n\x1a\n", "text/html", KindImage},
		{"jpeg", "\xff\xd8\xff\xe0", "", KindImage},
		{"gif", "GIF89a", "", KindImage},
		{"webp", "RIFF\x00\x00\x00\x00WEBPVP8 ", "", KindImage},
		{"svg", "<?xml version='1.0'?><svg xmlns='x'>", "", KindImage},
		{"html declared", "hello", "text/html;charset", KindHTML},
		{"html not declared", "  <!DOCTYPE HTML><p>hi", "", KindHTML},
		{"html called text", "<html><form>", "text/plain", KindHTML},
		{"html after a BOM", "\xef\xbb\xbf<html>", "", KindHTML},
		{"text", "just words\n", "", KindText},
		{"latin-1 text", "Stra\xdfe und Gru\xdf, mehr nicht", "text/plain", KindText},
		{"binary", "\x01\x02\x00\x03", "text/html", KindOther},
		{"controls", "\x01\x02\x03\x04\x05", "", KindOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ReadPage([]byte(c.body), c.declared, name.URL{}).Kind; got != c.want {
				t.Errorf("kind %q, want %q", got, c.want)
			}
		})
	}
}

const kit = `<!DOCTYPE html><html><head>
<title> Example&nbsp;Bank &mdash;
 Sign in </title><base href="/app/">
<style>body { color: red }</style>
<script>function go() { window.location = "/elsewhere"; }</script>
<noscript><meta http-equiv="refresh" content="0;url=https://bank.example/"></noscript>
</head><body>
<h1>Welcome</h1><p>Please   sign&#32;in to your <b>acc</b>ount` + "\u202e\u0007" + `.</p>
<div style="display: none">hidden words <div>more hidden</div></div><template>unused</template>
<form action="post.php?x=1" method="post">
 <label>User</label><input name="u" type="text">
 <input type="password" name="p" placeholder="Your password">
 <input type="submit" value="Log in">
</form>
<form action="https://user:secret@Collect.Example:8443/in#f"><input type="hidden" name="otp"></form>
<form action="javascript:void(0)"></form><form></form><form action="mailto:drop@mail.example"></form>
<a href="//CDN.example/a">x</a><a href="help">y</a><a href="http://192.0.2.7/setup.EXE">z</a>
<a href="mailto:a@b.example">m</a><a href="/files/viewer" download>d</a><a href="https://xn--bcher-kva.example/">i</a>
<iframe src="https://frame.example/x">not shown</iframe>
</body></html>`

func TestReadPage(t *testing.T) {
	p := ReadPage([]byte(kit), "text/html; charset=utf-8", at(t, "https://login.shop.example/a/b.html?q"))
	sketch := p.Sketch
	p.Sketch = nil
	want := &Page{
		Kind: KindHTML, Title: "Example Bank — Sign in",
		Text:     "Welcome Please sign in to your account. User Your password Log in xyz mdi",
		Password: true,
		Forms: []string{"https://login.shop.example/app/post.php?x=1", "https://collect.example:8443/in",
			"https://login.shop.example/a/b.html?q", "mailto:drop@mail.example"},
		Links:     []string{"cdn.example", "login.shop.example", "192.0.2.7", "xn--bcher-kva.example", "frame.example"},
		Downloads: []string{"http://192.0.2.7/setup.EXE", "https://login.shop.example/files/viewer"},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if len(sketch) != SketchSize {
		t.Errorf("the sketch has %d hashes, want %d", len(sketch), SketchSize)
	}
}

func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		html              string
		password, card, o bool
	}{
		{`<input type=password>`, true, false, false},
		{`<input type=PASSWORD name=x>`, true, false, false},
		{`<input type=text name=passwd>`, true, false, false},
		{`<input autocomplete="section-a current-password">`, true, false, false},
		{`<input autocomplete="one-time-code" type=text>`, false, false, true},
		{`<input type=password name=otp maxlength=6>`, false, false, true},
		{`<input type=password name=cvv>`, true, true, false},
		{`<input name=cardNumber>`, false, true, false},
		{`<input autocomplete=cc-number>`, false, true, false},
		{`<label>Numéro de carte</label><input name=f1>`, false, true, false},
		{`Kennwort: <input name=f2>`, true, false, false},
		{`<input placeholder="パスワード">`, true, false, false},
		{`<input placeholder="Код из СМС">`, false, false, true},
		{`<input placeholder="请输入验证码">`, false, false, true},
		{`<input name="user_pin">`, true, false, false},
		{`<input name="userPin">`, true, false, false},
		{`<input aria-label="Security code (CVC)">`, false, true, false},
		{`<input placeholder="รหัสผ่าน">`, true, false, false},
		{`<textarea name="smsTan"></textarea>`, false, false, true},
		// What must not count.
		{`<input type=hidden name=password>`, false, false, false},
		{`<input type=search name=q placeholder="Search the shop">`, false, false, false},
		{`<input name=standard placeholder="Shipping">`, false, false, false},
		{`<input type=email name=mail>`, false, false, false},
		{`<p>Forgot your password?</p><p>Mail us</p><input name=subject>`, false, false, false},
		{`<input type=submit value="Change password">`, false, false, false},
		{`<!-- <input type=password> -->`, false, false, false},
		{`<script>"<input type=password>"</script>`, false, false, false},
	} {
		p := ReadPage([]byte("<html><body>"+c.html), "text/html", name.URL{})
		if p.Password != c.password || p.Card != c.card || p.OTP != c.o {
			t.Errorf("%s: password %v card %v otp %v, want %v %v %v", c.html, p.Password, p.Card, p.OTP, c.password, c.card, c.o)
		}
	}
}

func TestRefresh(t *testing.T) {
	base := at(t, "http://a.example/dir/page?q=1")
	for _, c := range []struct{ content, want string }{
		{"0;url=/x", "http://a.example/x"},
		{"5; URL = 'https://b.example/y z'", "https://b.example/y%20z"},
		{` 3.5 , url="//c.example"tail`, "http://c.example/"},
		{"0;next", "http://a.example/dir/next"},
		{"0 https://d.example/", "https://d.example/"},
		{";url=/n", "http://a.example/n"},
		{"0;url=?r=2", "http://a.example/dir/page?r=2"},
		{"6;url=/late", ""},
		{"99999999999999999999;url=/late", ""},
		{"0", ""},
		{"", ""},
		{"0;url=", ""},
		{"0;url=#top", ""},
		{"0;url=javascript:alert(1)", ""},
		{"0;url=data:text/html,x", ""},
		{"0;url=/dir/page?q=1", ""}, // itself
	} {
		u, ok := RefreshTarget(c.content, base)
		if ok != (c.want != "") || u.String() != c.want {
			t.Errorf("%q: %q, %v; want %q", c.content, u, ok, c.want)
		}
		page := ReadPage([]byte(`<meta http-equiv=Refresh content="`+strings.ReplaceAll(c.content, `"`, "&quot;")+`">`), "text/html", base)
		if page.Refresh != c.want {
			t.Errorf("page with %q: %q, want %q", c.content, page.Refresh, c.want)
		}
	}
}

func TestResolve(t *testing.T) {
	base := at(t, "https://a.example:8443/x/y?z")
	for _, c := range []struct{ ref, want string }{
		{"", "https://a.example:8443/x/y?z"},
		{"w", "https://a.example:8443/x/w"},
		{"../w?k=v#f", "https://a.example:8443/w?k=v"},
		{"/w", "https://a.example:8443/w"},
		{`\\b.example\c`, "https://b.example/c"},
		{"/\\b.example", "https://b.example/"},
		{"//b.example:443/", "https://b.example/"},
		{"HTTP://B.Example", "http://b.example/"},
		{" \thttps://b.exa\nmple/ ", "https://b.example/"},
		{"https://user@b.example/", "https://b.example/"},
		{"?k=a:b", "https://a.example:8443/x/y?k=a:b"},
		{"w?u=http://c.example/", "https://a.example:8443/x/w?u=http://c.example/"},
		{"http://0x7f.1/", "http://127.0.0.1/"}, // the guard's business, and it sees what it is
		{"ftp://b.example/", ""},
		{"javascript:alert(1)", ""},
		{"data:text/html,hi", ""},
		{"http://", ""},
		{"//", ""},
		{"http://b_d..example/", ""},
		{strings.Repeat("a", name.MaxURL+1), ""},
	} {
		u, err := Resolve(base, c.ref)
		if (err == nil) != (c.want != "") || u.String() != c.want {
			t.Errorf("%q: %q, %v; want %q", c.ref, u, err, c.want)
		}
	}
	if u, err := Resolve(name.URL{}, "x"); err == nil {
		t.Errorf("relative to nothing: %q", u)
	}
}

func TestScriptRedirect(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`window.location = "https://b.example/";`, "https://b.example/"},
		{`location.href='x'`, "x"},
		{"var a = 1;\n  top.location.href = `y`", "y"},
		{`document.location.replace("z")`, "z"},
		{`window.location.assign( 'a\/b' );`, "a/b"},
		{`self.location="\x68ttp://h.example/\u002fq"`, "http://h.example//q"},
		{`setTimeout(function(){ window.location = "t" }, 3000);`, "t"},
		{`setTimeout(() => { location.replace("t2") }, 10)`, "t2"},
		{`setTimeout("location.href='t3'", 100)`, "t3"},
		{`window.onload = function() { location = "l" }`, "l"},
		{`(function(){ if (1) { location = "no" } location = "yes" })();`, "yes"},
		{`$(document).ready(function(){ location.href = "r" });`, "r"},
		{`// it's a comment` + "\n" + `/* location = "no" */ location = "c"`, "c"},
		{`function a() { location = "no" }`, ""},
		{`button.onclick = function() { location = "no" }`, ""},
		{`if (mobile) { location = "no" }`, ""},
		{`if (mobile) location = "no"`, ""},
		{"if (mobile)\n location = 'no'", ""},
		{`x.location = "no"`, ""},
		{`location = "no" + document.cookie`, ""},
		{`location = base + "no"`, ""},
		{`var s = "location = 'no'"`, ""},
		{`allocation = "no"`, ""},
		{`location == "no"`, ""},
		{`location = "unended`, ""},
		{`/* location = "no"`, ""},
	} {
		if got := scriptRedirect(c.src); got != c.want {
			t.Errorf("%s\n got %q, want %q", c.src, got, c.want)
		}
	}
	p := ReadPage([]byte(`<script src="x.js">location="no"</script><script type="application/json">location="no"</script>`+
		`<script>location="/go"</script>`), "text/html", at(t, "http://a.example/"))
	if p.Refresh != "http://a.example/go" {
		t.Errorf("the page sends to %q", p.Refresh)
	}
}

func TestCharacterSets(t *testing.T) {
	for _, c := range []struct{ body, declared, want string }{
		{"<html><p>Gr\xfc\xdfe", "text/html; charset=iso-8859-1", "Grüße"},
		{"<html><meta charset=windows-1251><p>\xcf\xe0\xf0\xee\xeb\xfc", "text/html", "Пароль"},
		{"\xff\xfe<\x00p\x00>\x00h\x00i\x00", "text/html", "hi"},
		{"<html><p>caf\xc3\xa9 au lait", "text/html; charset=nonsense", "café au lait"},
		{"<html><p>\x83\x70\x83\x58", "text/html; charset=Shift_JIS", "パス"},
	} {
		if p := ReadPage([]byte(c.body), c.declared, name.URL{}); p.Text != c.want {
			t.Errorf("%q: %q, want %q", c.declared, p.Text, c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("<html><title>" + strings.Repeat("ä", 5000) + "</title>")
	for i := range 500 {
		fmt.Fprintf(&b, `<form action="/f%d"><a href="http://h%d.example/p.exe?%s">wörter</a>`, i, i, strings.Repeat("x", i))
	}
	p := ReadPage([]byte(b.String()), "text/html", at(t, "http://a.example/"))
	if len(p.Title) > maxTitle || len(p.Text) > maxText || len(p.Forms) > maxForms || len(p.Links) > maxLinks || len(p.Downloads) > maxDownloads {
		t.Errorf("title %d, text %d, forms %d, links %d, downloads %d", len(p.Title), len(p.Text), len(p.Forms), len(p.Links), len(p.Downloads))
	}
	if !utf8.ValidString(p.Title) || !utf8.ValidString(p.Text) {
		t.Error("a cut went through a character")
	}
}

const prose = "the quick brown fox jumps over the lazy dog while seven wizards box quietly in the yard and nobody at " +
	"the harbour knows why the old clock stopped at half past nine on a windy morning in late november"

func sketchOf(s string) []uint32 {
	k := newSketcher()
	k.add(s)
	return k.sum()
}

func TestSimilar(t *testing.T) {
	a := sketchOf(prose)
	if s := Similar(a, sketchOf(strings.ToUpper(prose))); s != 1 {
		t.Errorf("the same in capitals: %v", s)
	}
	if s := Similar(sketchOf(prose+" order 12345 at 10:20"), sketchOf(prose+" order 7 at 9:05")); s != 1 {
		t.Errorf("other numbers: %v", s)
	}
	if s := Similar(a, sketchOf("completely other words that have nothing in common with that text at all, not one group of three")); s > 0.1 {
		t.Errorf("another text: %v", s)
	}
	if s := Similar(a, sketchOf(strings.Replace(prose, "seven", "eleven", 1))); s < 0.6 || s == 1 {
		t.Errorf("one word changed: %v", s)
	}
	for _, c := range [][2][]uint32{{nil, nil}, {a, nil}, {a, a[:3]}} {
		if s := Similar(c[0], c[1]); s != 0 {
			t.Errorf("nothing to compare: %v", s)
		}
	}
	if sketchOf("  … ") != nil {
		t.Error("a text without words has a sketch")
	}
	if Similar(sketchOf("log in"), sketchOf("Log in!")) != 1 || Similar(sketchOf("log in"), sketchOf("sign up")) > 0.1 {
		t.Error("short texts")
	}
	if Similar(sketchOf("请输入您的密码"), sketchOf("请输入您的密码。")) != 1 {
		t.Error("a script without spaces")
	}
}

// TestSketchStable holds the stored form: sketches of old evidence are
// compared with those of new.
func TestSketchStable(t *testing.T) {
	if got, want := sketchOf(prose)[:4], []uint32{0x1c8bf710, 0x18af2bdd, 0x4a69723, 0xb8bd41}; !cmp.Equal(got, want) {
		t.Errorf("%#v, want %#v", got, want)
	}
}

// TestSimilarEstimates compares the estimate with the true coefficient.
func TestSimilarEstimates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z]{2,6}`)
		shared := rapid.SliceOfN(word, 50, 200).Draw(t, "shared")
		own := rapid.SliceOfN(word, 10, 100).Draw(t, "own")
		a, b := shared, append(append([]string(nil), shared...), own...)
		groups := func(w []string) map[string]bool {
			m := map[string]bool{}
			for i := 0; i+3 <= len(w); i++ {
				m[strings.Join(w[i:i+3], " ")] = true
			}
			return m
		}
		ga, gb, both := groups(a), groups(b), 0
		for g := range ga {
			if gb[g] {
				both++
			}
		}
		truth := float64(both) / float64(len(ga)+len(gb)-both)
		if got := Similar(sketchOf(strings.Join(a, " ")), sketchOf(strings.Join(b, " "))); math.Abs(got-truth) > 0.32 { // five standard errors
			t.Fatalf("estimate %v, truth %v", got, truth)
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte(kit), "text/html", "https://a.example/x")
	f.Add([]byte(eicar()), "text/plain", "http://192.0.2.1/")
	f.Add([]byte("<script>setTimeout(function(){location='x'})</script>"), "text/html; charset=utf-16", "http://a.example/")
	f.Add([]byte("<title><form action='\\\\x'><input name=pin><base href=//[::1]/>"), "", "http://a.example:1/")
	f.Add([]byte("PK\x03\x04"), "application/zip", "")
	f.Add([]byte("<meta http-equiv=refresh content=0;url=//b><template hidden><p style=display:none>x"), "text/html", "http://a.example/")
	f.Fuzz(func(t *testing.T, body []byte, contentType, base string) {
		u, _ := name.ParseURL(base)
		p := ReadPage(body, contentType, u)
		if len(p.Text) > maxText || len(p.Title) > maxTitle || len(p.Forms) > maxForms || len(p.Links) > maxLinks ||
			len(p.Downloads) > maxDownloads || len(p.Sketch) != 0 && len(p.Sketch) != SketchSize {
			t.Fatalf("over a bound: %+v", p)
		}
		for _, s := range append([]string{p.Text, p.Title, p.Refresh}, p.Forms...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Bidi_Control) }) {
				t.Fatalf("not clean: %q", s)
			}
		}
		for _, s := range append(p.Downloads, p.Refresh) {
			if s != "" && !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
				t.Fatalf("not a web address: %q", s)
			}
		}
		if !cmp.Equal(p, ReadPage(body, contentType, u)) {
			t.Fatal("read twice, two results")
		}
	})
}

func FuzzScriptRedirect(f *testing.F) {
	f.Add(`setTimeout("location='\x41'", 1)`)
	f.Add(`(function(){{{location.replace("a"`)
	f.Fuzz(func(t *testing.T, src string) { scriptRedirect(src) })
}

func FuzzResolve(f *testing.F) {
	f.Add("http://a.example/b?c", "../d")
	f.Add("https://[2001:db8::1]:8443/", "//x\\y")
	f.Fuzz(func(t *testing.T, base, ref string) {
		b, err := name.ParseURL(base)
		if err != nil {
			return
		}
		u, err := Resolve(b, ref)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("scheme %q", u.Scheme)
		}
		if again, err := name.ParseURL(u.String()); err == nil && again != u {
			t.Fatalf("%q reads back as %q, %v", u, again, err)
		}
	})
}

func BenchmarkReadPage(b *testing.B) {
	body := []byte(kit + strings.Repeat("<p>"+prose+"</p><a href=/x>y</a><input name=field placeholder='Your name'>", 100))
	u := at(b, "https://login.shop.example/")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		ReadPage(body, "text/html; charset=utf-8", u)
	}
}

func BenchmarkHostileScript(b *testing.B) {
	src := "location" + strings.Repeat("(){", 40) + strings.Repeat("(){}", 60<<10)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		scriptRedirect(src)
	}
}

func BenchmarkSimilar(b *testing.B) {
	x, y := sketchOf(prose), sketchOf(prose+" more")
	b.ReportAllocs()
	for b.Loop() {
		Similar(x, y)
	}
}
