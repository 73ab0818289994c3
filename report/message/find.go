package message

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"bailiwick/mail"
	"bailiwick/name"
)

// thing is one URL, name or address found in a line.
type thing struct {
	url      name.URL
	domain   name.Domain
	ip       netip.Addr
	wrapper  string
	defanged bool
	alone    bool // it is the line, apart from bullets and quotes
	labelled bool // "URL:" and the like stand before it
	bare     bool // a name without scheme or path
	accused  bool // its line names a kind of abuse
	genuine  bool // the words beside it say that it is the real one
	at       int  // where in the line it begins, in octets
}

// The marks that prepared lines carry in the place of what was defanged; no
// text of a mail holds them, since control characters are dropped.
const (
	dotMark   = '\x01'
	colonMark = '\x02'
	slashMark = '\x03'
)

// maxLine is the longest line, in octets, that is searched in one piece.
const maxLine = 16 << 10

// mayHold is the cheap look at a line: nothing can be found without a dot, or
// something that stands for one.
func mayHold(line string) bool {
	if strings.IndexByte(line, '.') >= 0 || strings.IndexByte(line, '[') >= 0 || strings.IndexByte(line, '(') >= 0 || strings.IndexByte(line, '{') >= 0 {
		return true
	}
	if strings.Contains(line, "://") {
		return true
	}
	for i := range len(line) {
		if line[i] >= 0x80 { // the dots of other scripts
			return strings.Contains(line, "。") || strings.Contains(line, "．") || strings.Contains(line, "｡")
		}
		if line[i]|0x20 == 'd' && i+4 < len(line) && line[i+1]|0x20 == 'o' && line[i+2]|0x20 == 't' && line[i+3] == ' ' && i > 0 && line[i-1] == ' ' {
			return true
		}
	}
	return false
}

// find looks for URLs, names and addresses in one line of text and gives each
// to emit. expectsNames says that bare names count even without a word beside
// them that says so.
func find(line string, expectsNames bool, emit func(thing)) {
	for len(line) > maxLine {
		// Nobody writes such lines, and what is searched must stay small.
		cut := strings.LastIndexAny(line[:maxLine], " \t,;<>")
		if cut < maxLine/2 {
			cut = maxLine - 1
		}
		find(line[:cut+1], expectsNames, emit)
		line = line[cut+1:]
	}
	if !mayHold(line) {
		return
	}
	p := prepare(line)
	context := -1 // whether the line speaks of names: not yet asked
	for i := 0; i < len(p); {
		// A token runs to white space or a character no URL holds.
		for i < len(p) && ends(p[i]) {
			i++
		}
		start := i
		for i < len(p) && !ends(p[i]) {
			i++
		}
		if i-start < 4 {
			continue
		}
		tok := p[start:i]
		if strings.IndexByte(tok, '.') < 0 && strings.IndexByte(tok, dotMark) < 0 && !strings.Contains(tok, "://") && ascii(tok) {
			continue
		}
		token(p, tok, start, func(t thing) {
			t.alone = isAlone(p, t.at)
			t.genuine = isGenuine(p, t.at)
			t.labelled = hasLabel(p[:min(t.at, len(p))])
			if t.bare && !t.defanged && !t.alone && !t.labelled && !expectsNames {
				if context < 0 {
					context = 0
					if speaksOfNames(p) {
						context = 1
					}
				}
				if context == 0 {
					return
				}
			}
			if t.url.IsZero() && t.domain.IsZero() && !t.ip.IsValid() {
				return
			}
			emit(t)
		})
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func ends(c byte) bool {
	return c <= 0x20 && c != dotMark && c != colonMark && c != slashMark || c == '<' || c == '>' || c == '"' || c == '`' || c == 0x7f
}

// prepare undoes what would break a URL into words: "evil [.] example",
// "evil (dot) example", "hxxp[:]//". What was undone leaves marks.
func prepare(line string) string {
	if strings.IndexByte(line, '\x01') >= 0 || strings.IndexByte(line, '\x02') >= 0 || strings.IndexByte(line, '\x03') >= 0 {
		line = strings.Map(func(r rune) rune {
			if r <= 3 {
				return -1
			}
			return r
		}, line)
	}
	if strings.Contains(line, "p[s]") || strings.Contains(line, "p(s)") { // "hxxp[s]://"
		line = secure.Replace(line)
	}
	if strings.IndexByte(line, '[') >= 0 || strings.IndexByte(line, '(') >= 0 || strings.IndexByte(line, '{') >= 0 {
		line = brackets(line)
	}
	if strings.Contains(line, "\\.") { // as in a regular expression
		line = strings.ReplaceAll(line, "\\.", "\x01")
	}
	if strings.Contains(line, " dot ") || strings.Contains(line, " DOT ") || strings.Contains(line, " Dot ") {
		line = spokenDots(line)
	}
	return line
}

var secure = strings.NewReplacer("p[s]:", "ps:", "p(s):", "ps:", "p[s][:", "ps[:", "p(s)[:", "ps[:")

// inBrackets is what stands between brackets for one mark.
var inBrackets = map[string]string{
	".": "\x01", "dot": "\x01", "d0t": "\x01", "punkt": "\x01", "point": "\x01", "punto": "\x01", "ponto": "\x01", "точка": "\x01", ",": "\x01", "点": "\x01",
	":": "\x02", "://": "\x02\x03\x03", ":/": "\x02\x03", ":\\\\": "\x02\x03\x03", "/": "\x03", "//": "\x03\x03", "slash": "\x03", "colon": "\x02", "@": "@", "at": "@", "www": "www",
}

// brackets replaces "[.]" and its kin, with white space around.
func brackets(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(s); i++ {
		var shut byte
		switch s[i] {
		case '[':
			shut = ']'
		case '(':
			shut = ')'
		case '{':
			shut = '}'
		default:
			continue
		}
		window := s[i+1 : min(len(s), i+16)]
		end := strings.IndexByte(window, shut)
		if end < 0 {
			// "[." with nothing to shut it: "evil[.example".
			if s[i] == '[' && strings.HasPrefix(window, ".") && i > 0 && wordByte(s[i-1]) && len(window) > 1 && wordByte(window[1]) {
				b.WriteString(s[last:i])
				b.WriteByte(dotMark)
				last = i + 2
			}
			continue
		}
		mark, ok := inBrackets[strings.ToLower(strings.TrimSpace(window[:end]))]
		if !ok {
			// "[.example]" and "[.exe]" alike: "evil[.com]/x".
			if in := window[:end]; s[i] == '[' && len(in) > 2 && in[0] == '.' && allLetters(strings.ReplaceAll(in[1:], ".", "")) && i > 0 && wordByte(s[i-1]) {
				b.WriteString(s[last:i])
				b.WriteByte(dotMark)
				b.WriteString(in[1:])
				last = i + 1 + end + 1
				i = last - 1
			}
			continue
		}
		left := i
		for left > last && s[left-1] == ' ' {
			left--
		}
		right := i + 1 + end + 1
		for right < len(s) && s[right] == ' ' {
			right++
		}
		// A mark joins what stands on both sides, and needs both.
		if mark != "www" && (left == 0 || right >= len(s) || !joinable(s[left-1]) || !joinable(s[right])) {
			continue
		}
		if mark == "www" || left < i && i-left > 2 || right-(i+1+end+1) > 2 {
			continue
		}
		b.WriteString(s[last:left])
		b.WriteString(mark)
		last = right
		i = right - 1
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

func joinable(c byte) bool {
	return wordByte(c) || c == '/' || c == '\\' || c == ']' || c == '[' || c == ':'
}

func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80 || c == '-' || c == '_'
}

func allLetters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// spokenDots joins "evil dot example" where it is clear that a name is meant:
// what comes out ends in a TLD that exists, and it stands after "www", a
// scheme or a label, or has the line to itself.
func spokenDots(s string) string {
	words := strings.Fields(s)
	var out []string
	changed := false
	for i := 0; i < len(words); {
		j := i
		for j+2 < len(words) && strings.EqualFold(words[j+1], "dot") && nameWord(words[j]) && nameWord(words[j+2]) {
			j += 2
		}
		if j == i {
			out = append(out, words[i])
			i++
			continue
		}
		var parts []string
		for k := i; k <= j; k += 2 {
			parts = append(parts, words[k])
		}
		joined := strings.Join(parts, "\x01")
		last := strings.ToLower(strings.TrimRight(parts[len(parts)-1], ".,;:!?)"))
		if slash := strings.IndexByte(last, '/'); slash > 0 {
			last = last[:slash]
		}
		before := strings.Join(words[max(0, i-4):i], " ")
		first := strings.ToLower(parts[0])
		clear := strings.HasPrefix(first, "www") || strings.HasPrefix(first, "http") || strings.HasPrefix(first, "hxxp") || j-i == len(words)-1 || hasLabel(before+" ") || i > 0 && speaksOfNames(words[i-1])
		if clear && knownTLD(last) {
			out = append(out, joined)
			changed = true
		} else {
			out = append(out, words[i:j+1]...)
		}
		i = j + 1
	}
	if !changed {
		return s
	}
	return strings.Join(out, " ")
}

func nameWord(w string) bool {
	if len(w) > 253 {
		return false
	}
	for i := range len(w) {
		if c := w[i]; !wordByte(c) && c != '.' && c != '/' && c != ':' {
			return i > 0 && strings.Trim(w[i:], ".,;:!?)") == ""
		}
	}
	return w != ""
}

// knownTLD says whether a last label exists, the reserved ones of samples among
// them.
func knownTLD(tld string) bool {
	switch tld {
	case "example", "test", "invalid":
		return true
	}
	d, err := name.ParseAny(tld)
	return err == nil && name.DefaultSuffixes().KnownTLD(d)
}

// schemes are the ways "http" is written, after which "s" may come.
var schemes = []string{"http", "hxxp", "hxtp", "htxp", "htxxp", "httx", "h**p", "h__p", "h--p", "hzzp", "httx", "hxxxp", "hpp", "xxxp", "htt", "ttp", "http_", "fxp"}

// token reads the URLs, the name or the address in one word at offset at of
// the prepared line.
func token(line, tok string, at int, emit func(thing)) {
	for n := 0; n < 50 && tok != ""; n++ {
		i, skip, sch, fang := schemeAt(tok)
		if i < 0 {
			break
		}
		rest := tok[i+skip:]
		// "http:// evil.example": the name went to the next word.
		if rest == "" && i+skip == len(tok) && at+len(tok) < len(line) && line[at+len(tok)] == ' ' {
			next, _, _ := strings.Cut(line[at+len(tok)+1:], " ")
			if next == "" || strings.IndexByte(next, '.') < 0 && strings.IndexByte(next, dotMark) < 0 {
				return
			}
			rest = next
		}
		end := urlEnd(rest)
		// Marks of emphasis around it.
		for i > 0 && end > 1 && (tok[i-1] == '_' || tok[i-1] == '*' || tok[i-1] == '~') && rest[end-1] == tok[i-1] {
			end--
		}
		if t, ok := urlThing(sch, rest[:end]); ok {
			t.at = at + i
			t.defanged = t.defanged || fang
			emit(t)
		}
		if i+skip+end >= len(tok) {
			return
		}
		at += i + skip + end
		tok = tok[i+skip+end:]
	}
	if i := strings.Index(tok, "://"); i > 0 {
		// Of another scheme the host is what can be acted on.
		if s := strings.ToLower(tok[:i]); s == "ftp" || s == "ftps" || s == "sftp" || s == "tcp" || s == "udp" || s == "ssh" || s == "irc" {
			host, _ := plainer(tok[i+3:])
			host = host[:urlEnd(host)]
			if k := strings.IndexAny(host, "/?#:"); k >= 0 {
				host = host[:k]
			}
			if k := strings.LastIndexByte(host, '@'); k >= 0 {
				host = host[k+1:]
			}
			bareThing(host, at, func(t thing) {
				t.bare = false
				emit(t)
			})
		}
		return
	}
	bareThing(tok, at, emit)
}

// schemeAt finds a web scheme in tok: where it begins, how long it is with its
// colon and slashes, which it is, and whether it is defanged.
func schemeAt(tok string) (i, skip int, scheme string, defanged bool) {
	for pos := 0; pos < len(tok); pos++ {
		c := tok[pos]
		if c != ':' && c != colonMark && c != '/' && c != '\\' && c != slashMark {
			continue
		}
		// Back over the letters of the scheme.
		b := pos
		for b > 0 && (tok[b-1]|0x20 >= 'a' && tok[b-1]|0x20 <= 'z' || tok[b-1] == '*' || tok[b-1] == '_' || tok[b-1] == '-') && pos-b < 7 {
			b--
		}
		word := strings.ToLower(tok[b:pos])
		sch, fang, off := schemeOf(word)
		if sch == "" {
			continue
		}
		b += off
		// Colon and slashes, in whatever state.
		e, colon, slashes := pos, 0, 0
		for e < len(tok) {
			switch tok[e] {
			case ':':
				colon++
			case colonMark:
				colon++
				fang = true
			case '/':
				slashes++
			case '\\':
				slashes++
			case slashMark:
				slashes++
				fang = true
			default:
				goto done
			}
			e++
		}
	done:
		if slashes == 0 && !(colon > 0 && fang) || colon == 0 && slashes < 2 {
			continue
		}
		return b, e - b, sch, fang
	}
	return -1, 0, "", false
}

// schemeOf reads letters that end in a web scheme.
func schemeOf(word string) (scheme string, defanged bool, off int) {
	for _, s := range schemes {
		for _, tls := range []string{"s", "[s]", ""} {
			full := s + tls
			if !strings.HasSuffix(word, full) {
				continue
			}
			// "ttp" inside "http" is not a way of its own; letters before a
			// scheme are the word it was glued to.
			if s == "ttp" && word != full || s == "hpp" && word != full || s == "htt" && word != full {
				continue
			}
			scheme = "http"
			if tls != "" {
				scheme = "https"
			}
			return scheme, s != "http", len(word) - len(full)
		}
	}
	return "", false, 0
}

// urlEnd is where the URL that begins s ends: at a character that no URL
// holds, at another URL glued to it, and before punctuation that belongs to the
// sentence.
func urlEnd(s string) int {
	end := len(s)
	inPath := false
	hostASCII := true
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= 0x80 {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r == '/' || r == '?' || r == '#' || r == '\\':
			inPath = true
		case r == '|' || r == '^' && !inPath:
			end = i
		case (r == ',' || r == ';') && (glued(s[i+n:]) || !inPath && r == ','):
			end = i
		case r == ';' && !inPath:
			end = i
		case r < 0x80:
		case r >= 0x3000 && r <= 0x3001, r >= 0x3003 && r <= 0x303F, r >= 0xFF01 && r <= 0xFF0D, r >= 0xFF1A && r <= 0xFF20, r == 0x2026, r >= 0x2018 && r <= 0x201F, r == 0xAB, r == 0xBB, r == 0x300C, r == utf8.RuneError && n == 1, r == 0xA0, r >= 0x2000 && r <= 0x200B, r == 0x202F, r == 0x2028:
			end = i
		case r == 0x3002: // an ideographic full stop is a dot within a host
			if inPath || hostASCII || i+n >= len(s) {
				end = i
			}
		case cjk(r):
			// Words run on without spaces: an address in ASCII ends here.
			if inPath || hostASCII && i > 0 && s[i-1] != '.' && s[i-1] != dotMark && hasTLD(s[:i]) {
				end = i
			}
			hostASCII = false
		default:
			hostASCII = hostASCII && inPath
		}
		if end != len(s) {
			break
		}
		i += n
	}
	s = s[:end]
	for len(s) > 0 {
		switch c := s[len(s)-1]; {
		case strings.IndexByte(".,;:!?'*~\\", c) >= 0 || c == dotMark || c == colonMark:
			s = s[:len(s)-1]
		case c == '_' && strings.HasSuffix(s, "__"):
			s = strings.TrimRight(s, "_")
		case c == ')' && strings.Count(s, ")") > strings.Count(s, "("),
			c == ']' && strings.Count(s, "]") > strings.Count(s, "["),
			c == '}' && strings.Count(s, "}") > strings.Count(s, "{"):
			s = s[:len(s)-1]
		case c == '(' || c == '[' || c == '{':
			s = s[:len(s)-1]
		default:
			return len(s)
		}
	}
	return 0
}

// glued says whether another URL begins s.
func glued(s string) bool {
	s = strings.TrimLeft(s, " ")
	if len(s) < 8 {
		return false
	}
	l := strings.ToLower(s[:5])
	return strings.HasPrefix(l, "http:") || strings.HasPrefix(l, "https") || strings.HasPrefix(l, "hxxp")
}

func cjk(r rune) bool {
	return r >= 0x2E80 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7AF || r >= 0xF900 && r <= 0xFAFF || r >= 0x20000 && r <= 0x3FFFF
}

func hasTLD(host string) bool {
	i := strings.LastIndexAny(host, ".\x01")
	return i > 0 && knownTLD(host[i+1:])
}

// plainer gives the marks back as what they stand for; ok says there were any.
func plainer(s string) (string, bool) {
	if strings.IndexByte(s, dotMark) < 0 && strings.IndexByte(s, colonMark) < 0 && strings.IndexByte(s, slashMark) < 0 {
		return s, false
	}
	return strings.NewReplacer("\x01", ".", "\x02", ":", "\x03", "/").Replace(s), true
}

// urlThing reads what follows a scheme.
func urlThing(scheme, rest string) (thing, bool) {
	rest, marked := plainer(rest)
	host := rest
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host = rest[:i]
	}
	if strings.IndexByte(host, '.') < 0 && strings.IndexByte(host, ':') < 0 && strings.IndexByte(host, '%') < 0 && ascii(host) {
		// "http://localhost", "http://intranet/x", or one number for an address.
		if strings.Trim(host, "0123456789") != "" && !strings.HasPrefix(host, "0x") && !strings.Contains(host, "@") || host == "" {
			return thing{}, false
		}
	}
	u, err := name.ParseURL(scheme + "://" + rest)
	if err != nil {
		return thing{}, false
	}
	// The last label need not be one that is known: new ones come, and a scheme
	// says plainly enough what is meant.
	if !u.Domain.IsZero() && name.SpecialUse(u.Domain) != "" || u.Addr.IsValid() && name.Reserved(u.Addr) != "" {
		return thing{}, false
	}
	t := thing{defanged: marked}
	t.url, t.wrapper = unwrap(u)
	return t, true
}

// bareThing reads a word without a scheme: a name or address, perhaps with a
// port and a path.
func bareThing(tok string, at int, emit func(thing)) {
	// Words joined in front ("URL=evil.example", "(evil.example", "Domain:evil.example").
	start := 0
	for i := 0; i < len(tok) && i < 40; i++ {
		switch c := tok[i]; {
		case c == '=' || c == '(' || c == '[' && i+1 < len(tok) || c == '\'' || c == '*' || c == '{':
			start = i + 1
		case c == ':' && i+1 < len(tok) && (tok[i+1] < '0' || tok[i+1] > '9') && strings.IndexByte(tok[:i], '.') < 0 && strings.IndexByte(tok[:i], dotMark) < 0:
			start = i + 1
		case c == '/' || c == '?':
			i = len(tok)
		}
	}
	at += start
	tok = tok[start:]
	if cut := strings.IndexAny(tok, ",;|"); cut > 0 && !strings.ContainsAny(tok[:cut], "/?") {
		defer bareThing(tok[cut+1:], at+cut+1, emit)
		tok = tok[:cut]
	}
	// Text in another script runs on without a space: an ASCII name begins
	// after it.
	if cut := afterScript(tok); cut > 0 {
		tok, at = tok[cut:], at+cut
	}
	for tok != "" {
		r, n := utf8.DecodeRuneInString(tok)
		if strings.ContainsRune("「『（“‘«：【/.", r) {
			tok, at = tok[n:], at+n
			continue
		}
		break
	}
	tok = tok[:urlEnd(tok)]
	if len(tok) < 4 || len(tok) > 2000 {
		return
	}
	plain, marked := plainer(tok)
	host, path := plain, ""
	if i := strings.IndexAny(plain, "/?#"); i >= 0 {
		host, path = plain[:i], plain[i:]
	}
	if strings.IndexByte(host, '@') >= 0 || strings.IndexByte(host, '\\') >= 0 || strings.IndexByte(host, '=') >= 0 {
		return
	}
	port := ""
	if i := strings.LastIndexByte(host, ':'); i > 0 && strings.Count(host, ":") == 1 {
		if port = host[i+1:]; port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
			return
		}
		host = host[:i]
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if name.Reserved(ip) != "" || ip.Zone() != "" || ip.Is6() && port != "" {
			return
		}
		if path == "" || ip.Is6() {
			emit(thing{ip: ip.Unmap(), bare: port == "", defanged: marked, at: at})
			return
		}
		if path != "" && path[0] == '/' && strings.Trim(path[1:], "0123456789") == "" && port == "" { // "192.0.2.0/24"
			return
		}
		if u, err := name.ParseURL("http://" + plain); err == nil {
			emit(thing{url: u, defanged: marked, at: at})
		}
		return
	}
	dot := strings.LastIndexByte(host, '.')
	if dot < 1 || dot == len(host)-1 || strings.Contains(host, "..") {
		return
	}
	if last := host[dot+1:]; last[0] >= '0' && last[0] <= '9' || strings.IndexByte(last, '_') >= 0 || !knownTLD(strings.ToLower(last)) && !marked && !strings.HasPrefix(strings.ToLower(host), "www.") {
		return
	}
	d, err := name.Parse(host)
	if err != nil || name.SpecialUse(d) != "" {
		return
	}
	www := strings.HasPrefix(d.String(), "www.")
	if path != "" || port != "" || www {
		// "and/or.something" is no path; a name with a path is a URL.
		u, err := name.ParseURL("http://" + plain)
		if err != nil || path == "" && port != "" && !marked && !www && strings.Contains(d.TLD(), "\x00") {
			return
		}
		t := thing{defanged: marked, at: at, bare: !www && !marked}
		t.url, t.wrapper = unwrap(u)
		emit(t)
		return
	}
	if !marked && fileName(d) {
		return
	}
	emit(thing{domain: d, bare: true, defanged: marked, at: at})
}

// afterScript is where an ASCII name begins that text without spaces stands
// before ("域名：evil.example"), or 0.
func afterScript(tok string) int {
	stop := strings.IndexAny(tok, "./?#\x01")
	if stop < 0 {
		return 0
	}
	cut := 0
	for i, r := range tok[:stop] {
		if r == '：' || r == '」' || r == '（' || r == '、' || r == '。' || r == '，' || cjk(r) && i > 0 {
			cut = i + utf8.RuneLen(r)
		}
	}
	if cut == 0 {
		if r, n := utf8.DecodeRuneInString(tok); cjk(r) {
			cut = n
		}
	}
	if cut == 0 || cut >= stop || !ascii(tok[cut:stop]) {
		return 0
	}
	return cut
}

// fileName says whether a bare name is rather a file's: its TLD is also a
// widespread extension and it has two labels.
func fileName(d name.Domain) bool {
	if strings.Count(d.String(), ".") != 1 {
		return false
	}
	switch d.TLD() {
	case "zip", "mov", "sh", "py", "pl", "rs", "md", "ps", "app", "rip", "gdn", "bz", "so", "cab", "bat", "java", "dev" /* as in foo.dev */ :
		return d.TLD() != "app" && d.TLD() != "dev" && d.TLD() != "rip"
	}
	return false
}

// isAlone says whether what begins at offset at is all there is in the line,
// apart from bullets, numbers and quotes.
func isAlone(line string, at int) bool {
	if at > len(line) {
		return false
	}
	before := strings.TrimLeft(line[:at], " \t-*•·–>+#\"'`<([0123456789.):")
	if before != "" {
		return false
	}
	rest := strings.TrimSpace(line[at:])
	if i := strings.IndexAny(rest, " \t>\""); i >= 0 {
		return strings.Trim(rest[i:], " \t>\"'.,;)]") == ""
	}
	return true
}

// labels are what stands before what is reported.
var labels = []string{"url", "urls", "uri", "link", "links", "domain", "domains", "domain name", "domain names", "host", "hostname", "website", "web site", "site", "ip", "ips", "ip address", "ip-address", "address", "source", "source ip", "location", "phishing", "malware", "phishing site", "phishing url", "malicious url", "malicious link", "malicious domain", "infringing url", "offending url", "offending ip", "reported url", "reported domain", "abusive url", "abusive domain", "suspicious url", "fraudulent website", "fraudulent site", "fake site", "landing page", "redirects to", "redirect", "final url", "c2", "c&c", "ioc", "iocs", "page", "seite", "webseite", "domäne", "adresse", "lien", "site web", "domaine", "nom de domaine", "enlace", "dominio", "sitio", "sitio web", "página", "domínio", "endereço", "sito", "indirizzo", "collegamento", "domein", "koppeling", "domän", "länk", "domena", "doména", "odkaz", "strona", "сайт", "домен", "ссылка", "адрес", "链接", "网址", "域名", "网站", "連結", "網址", "網域", "リンク", "ドメイン", "サイト", "도메인", "링크", "사이트"}

// hasLabel says whether what stands before in the line ends in a label and a
// colon or the like.
func hasLabel(before string) bool {
	before = strings.ToValidUTF8(before[max(0, len(before)-100):], "")
	before = strings.TrimRight(before, " \t\"'<([`*")
	if before == "" {
		return false
	}
	cut := strings.TrimRight(before, ":=->–|：*")
	if cut == before {
		return false
	}
	l := strings.ToLower(strings.TrimRight(cut, " \t*)]"))
	if len(l) > 60 {
		l = l[len(l)-60:]
	}
	if i := strings.LastIndexAny(l, ".!?;,|("); i >= 0 {
		l = l[i+1:]
	}
	l = strings.Trim(l, " \t*-•[")
	for _, w := range labels {
		if strings.HasSuffix(l, w) && (len(l) == len(w) || !wordByte(l[len(l)-len(w)-1]) || l[0] >= 0x80) {
			return true
		}
	}
	// "Reported URL(s)", "Phishing URLs #1"
	l = strings.TrimRight(l, " 0123456789#(s)")
	for _, w := range labels {
		if strings.HasSuffix(l, w) && (len(l) == len(w) || !wordByte(l[len(l)-len(w)-1])) {
			return true
		}
	}
	return false
}

// isGenuine says whether the words right before or after what begins at offset
// at say that it is the real one, which the abuse imitates.
func isGenuine(line string, at int) bool {
	if at > len(line) {
		return false
	}
	before := strings.ToLower(line[max(0, at-48):at])
	before = strings.TrimRight(before, " \t\"'<([`*:")
	for _, w := range genuineBefore {
		if strings.HasSuffix(before, w) {
			return true
		}
	}
	after := line[at:]
	if i := strings.IndexAny(after, " \t"); i >= 0 {
		after = strings.ToLower(strings.TrimLeft(after[i:min(len(after), i+40)], " \t>)\"'`*"))
		for _, w := range genuineAfter {
			if strings.HasPrefix(after, w) {
				return true
			}
		}
	}
	return false
}

var genuineBefore = []string{"our website", "our site", "our web site", "our official website", "our official site", "our real site", "our own site", "our domain", "our own domain", "our website is", "our site is", "our domain is", "our page", "our homepage", "official website", "official site", "official website is", "official site is", "official domain", "legitimate website", "legitimate site", "legitimate site is", "legitimate domain", "genuine website", "genuine site", "real website", "real site", "real website is", "real site is", "real domain", "original website", "original site",
	"imitates", "imitating", "imitation of", "impersonates", "impersonating", "impersonation of", "copies", "copying", "copy of", "mimics", "mimicking", "clone of", "cloned from", "clones", "pretends to be", "pretending to be", "spoofs", "spoofing", "poses as", "posing as", "instead of", "looks like", "similar to", "resembles", "identical to", "our website at", "our site at", "my bank is at", "our bank is at", "my website", "my site", "my own site",
	"unsere website", "unsere seite", "unsere webseite", "unsere domain", "unserer website", "unserer seite", "die echte seite", "offizielle seite", "offizielle website", "notre site", "notre site web", "site officiel", "nuestra web", "nuestro sitio", "sitio oficial", "nuestra página", "nosso site", "site oficial", "nostro sito", "sito ufficiale", "onze website", "наш сайт", "официальный сайт", "官网", "官方网站", "公式サイト", "正規サイト", "공식 사이트"}

var genuineAfter = []string{"is ours", "is our ", "is my ", "is the real", "is the legitimate", "is legitimate", "is the genuine", "is genuine", "is the official", "is the original", "(our ", "(the real", "(legitimate", "(genuine", "(official", "belongs to us", "ist unsere", "ist die echte", "est notre", "es nuestra", "es nuestro"}

// names are words beside which a bare name is meant as one.
var nameWords = mail.NewWords("domain", "website", "web site", "site", "url", "host", "phish", "malware", "malicious", "registered", "registrar", "link", "fake", "scam", "fraud", "spoof", "imperson", "abus", "dns", "server", "c2 ", "botnet", "report", "suspend", "take down", "takedown", "dominio", "domínio", "domaine", "domäne", "seite", "sitio", "sito", "página", "domein", "webseite", "betrug", "сайт", "домен", "域名", "网站", "網站", "網域", "ドメイン", "サイト", "도메인", "사이트", "alan ad")

func speaksOfNames(line string) bool {
	return nameWords.In(strings.ToLower(line[:min(len(line), maxSaid)])) != ""
}
