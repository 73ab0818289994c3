package name

import (
	"net/netip"
	"strings"
)

var refanger = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".",
	"[dot]", ".", "(dot)", ".", "{dot}", ".", "[DOT]", ".", "(DOT)", ".",
	"[:]", ":", "[://]", "://", "[/]", "/", "[@]", "@", "[at]", "@", "(at)", "@")

// refangTokens are what refanger looks for.
var refangTokens = []string{"[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", "[DOT]", "(DOT)", "[:]", "[://]", "[/]", "[@]", "[at]", "(at)"}

// fangless are the ways to write the schemes, longest first.
var fangless = []struct{ was, is string }{
	{"hxxps", "https"}, {"h**ps", "https"}, {"htxps", "https"}, {"meows", "https"},
	{"hxxp", "http"}, {"h**p", "http"}, {"htxp", "http"}, {"meow", "http"},
}

// Refang undoes the common ways of making a URL, name or mail address
// unclickable: hxxp, [.], (.), {.}, [dot], (dot), [:], [://], [@], [at].
func Refang(s string) string {
	s = refanger.Replace(s)
	for _, f := range fangless {
		if len(s) > len(f.was) && s[len(f.was)] == ':' && strings.EqualFold(s[:len(f.was)], f.was) {
			return f.is + s[len(f.was):]
		}
	}
	return s
}

// defanged says whether the scheme or host of t is written in one of the ways
// that Refang undoes. Those marks in a path alone are part of the path.
func defanged(t string) bool {
	if (strings.HasPrefix(t, "https://") || strings.HasPrefix(t, "http://")) && !strings.ContainsAny(t, "[({") {
		return false
	}
	for _, f := range fangless {
		if len(t) > len(f.was) && strings.EqualFold(t[:len(f.was)], f.was) && strings.IndexByte(":[", t[len(f.was)]) >= 0 {
			return true
		}
	}
	start := 0
	if i := strings.Index(t, "//"); i >= 0 && i < 12 {
		start = i + 2
	}
	end := len(t)
	if i := strings.IndexAny(t[start:], "/\\?#"); i >= 0 {
		end = start + i + 2 // "[/]" ends the host too
	}
	head := t[:min(end, len(t))]
	for _, m := range refangTokens {
		if strings.Contains(head, m) {
			return true
		}
	}
	return false
}

// Defang makes a URL, name or address unclickable for people and mail
// programs: http becomes hxxp, also further in, the dots of the host become
// [.], the colons of an IPv6 host [:] and the @ of a mail address [@].
func Defang(s string) string {
	rest, scheme := s, ""
	if i := strings.Index(s, "://"); i >= 0 && !strings.ContainsAny(s[:i], "/?#") {
		scheme = strings.Replace(strings.ToLower(s[:i]), "http", "hxxp", 1) + "://"
		rest = s[i+3:]
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	return defangSchemes(scheme + defangHost(host) + tail)
}

func defangHost(h string) string {
	if open := strings.IndexByte(h, '['); open >= 0 {
		if i := strings.IndexByte(h, ']'); i > open {
			if _, err := netip.ParseAddr(h[open+1 : i]); err == nil {
				return h[:open+1] + strings.ReplaceAll(strings.ReplaceAll(h[open+1:i], ":", "[:]"), ".", "[.]") + h[i:]
			}
		}
	} else if strings.Count(h, ":") > 1 {
		if _, err := netip.ParseAddr(h); err == nil {
			h = strings.ReplaceAll(h, ":", "[:]")
		}
	}
	var b strings.Builder
	for i := range len(h) {
		switch {
		case h[i] == '.' && !(i > 0 && h[i-1] == '[' && i+1 < len(h) && h[i+1] == ']'):
			b.WriteString("[.]")
		case h[i] == '@' && !(i > 0 && h[i-1] == '['):
			b.WriteString("[@]")
		default:
			b.WriteByte(h[i])
		}
	}
	return b.String()
}

// defangSchemes takes the http out of every URL in t, also of those inside a
// path or query.
func defangSchemes(t string) string {
	var b []byte // t with what was found; nil while nothing was
	for i := 0; i+4 <= len(t); i++ {
		if t[i]|0x20 == 'h' && strings.EqualFold(t[i:i+4], "http") {
			j := i + 4
			if j < len(t) && t[j]|0x20 == 's' {
				j++
			}
			if strings.HasPrefix(t[j:], "://") || len(t) >= j+3 && strings.EqualFold(t[j:j+3], "%3a") {
				if b == nil {
					b = []byte(t)
				}
				b[i+1], b[i+2] = 'x', 'x'
			}
		}
	}
	if b == nil {
		return t
	}
	return string(b)
}

// DefangText makes every URL, domain name, IPv4 address and mail address in
// free text unclickable, and leaves the rest as it is. It errs on the side of
// defanging: a file name with an extension may look like a domain name.
func DefangText(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for len(s) > 0 {
		i := 0
		for i < len(s) && !delimiter(s[i]) {
			i++
		}
		b.WriteString(defangWord(s[:i]))
		for s = s[i:]; len(s) > 0 && delimiter(s[0]); s = s[1:] {
			b.WriteByte(s[0])
		}
	}
	return defangSchemes(b.String())
}

// delimiter ends a word in text. Brackets do, so that what is defanged already
// is left alone.
func delimiter(c byte) bool {
	return c <= 0x20 || c == 0x7f || strings.IndexByte("<>\"'`(){}[]|,;", c) >= 0
}

func defangWord(w string) string {
	end := len(strings.TrimRight(w, ".:!?*_~"))
	core, tail := w[:end], w[end:]
	if i := strings.Index(core, "://"); i > 0 {
		start := i
		for start > 0 && (core[start-1]|0x20 >= 'a' && core[start-1]|0x20 <= 'z') {
			start--
		}
		if start == i {
			return w
		}
		return core[:start] + Defang(core[start:]) + tail
	}
	// A name or mail address, perhaps with a port and a path behind it, and
	// perhaps with words joined in front of it ("From:a@b.example", "=b.example").
	start := strings.LastIndexAny(hostPart(core), "=:*") + 1
	if start > 0 && looksLikeHost(stripPort(hostPart(core))) {
		start = 0
	}
	if looksLikeHost(stripPort(hostPart(core[start:]))) {
		return core[:start] + Defang(core[start:]) + tail
	}
	return w
}

func hostPart(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i]
	}
	return s
}

func stripPort(s string) string {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.Trim(s[i+1:], "0123456789") == "" {
		return s[:i]
	}
	return s
}

// looksLikeHost says whether h, or what follows its @, is an IPv4 address or
// labels that end in letters of any script.
func looksLikeHost(h string) bool {
	if i := strings.LastIndexByte(h, '@'); i >= 0 {
		h = h[i+1:]
	}
	dot := strings.LastIndexByte(h, '.')
	if dot < 1 {
		return false
	}
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Is4()
	}
	last := h[dot+1:]
	if strings.HasPrefix(strings.ToLower(last), "xn--") {
		return true
	}
	if len(last) < 2 {
		return false
	}
	for i := range len(last) {
		if c := last[i]; c < 0x80 && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
