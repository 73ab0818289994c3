package message

import (
	"encoding/base64"
	"net/url"
	"strings"

	"bailiwick/name"
)

// maxWraps is how many services may have wrapped a link one after another.
const maxWraps = 5

// unwrap gives the URL that a link-checking or redirecting service was handed,
// and the service's host; u itself and "" if it is no such link. Only services
// that write the target into the link can be undone without asking them.
func unwrap(u name.URL) (name.URL, string) {
	wrapper := ""
	for range maxWraps {
		if u.Domain.IsZero() {
			break
		}
		t := target(u)
		if t == "" {
			break
		}
		in, err := name.ParseURL(t)
		if err != nil {
			break
		}
		if wrapper == "" {
			wrapper = u.Domain.String()
		}
		u = in
	}
	return u, wrapper
}

// param is one wrapping service: its host or what its host ends in, what the
// path begins with, and the parameter that holds the target.
var params = []struct{ host, path, param string }{
	{"safelinks.protection.outlook.com", "/", "url"},
	{"safelinks.protection.office365.us", "/", "url"},
	{"safelinks.protection.partner.outlook.cn", "/", "url"},
	{"statics.teams.cdn.office.net", "/", "url"},
	{"urldefense.proofpoint.com", "/v1/", "u"},
	{"google.com", "/url", "q"},
	{"google.com", "/url", "url"},
	{"google.de", "/url", "q"}, {"google.fr", "/url", "q"}, {"google.co.uk", "/url", "q"}, {"google.es", "/url", "q"}, {"google.it", "/url", "q"}, {"google.co.jp", "/url", "q"},
	{"linkprotect.cudasvc.com", "/url", "a"},
	{"clicktime.symantec.com", "/", "u"},
	{"clicktime.trendmicro.com", "/", "url"}, {"trendmicro.com", "/wis/clicktime/", "url"},
	{"fireeye.com", "/", "u"},
	{"l.facebook.com", "/l.php", "u"}, {"lm.facebook.com", "/l.php", "u"}, {"l.instagram.com", "/", "u"},
	{"youtube.com", "/redirect", "q"},
	{"linkedin.com", "/redir/redirect", "url"},
	{"deref-gmx.net", "/mail/client/", "redirectUrl"}, {"deref-web.de", "/mail/client/", "redirectUrl"}, {"deref-mail.com", "/mail/client/", "redirectUrl"}, {"deref-gmx.com", "/mail/client/", "redirectUrl"}, {"deref-1und1.de", "/mail/client/", "redirectUrl"},
	{"slack-redir.net", "/link", "url"},
	{"duckduckgo.com", "/l/", "uddg"},
	{"vk.com", "/away.php", "to"},
	{"avanan.click", "/v2/", "url"}, {"checkpoint.com", "/v2/", "url"},
	{"linkscan.io", "/", "url"},
	{"href.li", "/", "?"},
}

// target is the URL inside u if u is a wrapper, else "".
func target(u name.URL) string {
	host := u.Domain.String()
	switch {
	case host == "urldefense.proofpoint.com" && strings.HasPrefix(u.Path, "/v2/"):
		v := query(u, "u")
		return pathUnescape(strings.NewReplacer("-", "%", "_", "/").Replace(v))
	case (host == "urldefense.com" || host == "urldefense.us" || host == "urldefense.proofpoint.com") && strings.HasPrefix(u.Path, "/v3/"):
		return defenseV3(u)
	case host == "secure-web.cisco.com":
		if i := strings.LastIndexByte(u.Path, '/'); i > 1 {
			return httpOnly(pathUnescape(u.Path[i+1:]))
		}
	case strings.HasSuffix(host, "protection.sophos.com"):
		if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(query(u, "u"), "=")); err == nil {
			return httpOnly(string(b))
		}
		if d := query(u, "d"); d != "" {
			return "http://" + d
		}
	case strings.HasSuffix(host, ".bing.com") && strings.HasPrefix(u.Path, "/ck/"):
		if v := query(u, "u"); strings.HasPrefix(v, "a1") {
			if b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(v[2:], "=")); err == nil {
				return httpOnly(string(b))
			}
		}
	case (host == "url.avanan.click" || strings.HasSuffix(host, ".checkpoint.com")) && strings.Contains(u.Path, "___"):
		if _, rest, ok := strings.Cut(u.Path, "___"); ok {
			t, _, _ := strings.Cut(rest, "___")
			return httpOnly(t)
		}
	}
	for i := range params {
		p := &params[i]
		if !under(host, p.host) || !strings.HasPrefix(u.Path, p.path) {
			continue
		}
		if p.param == "?" {
			return httpOnly(u.RawQuery)
		}
		if t := httpOnly(query(u, p.param)); t != "" {
			return t
		}
	}
	return ""
}

func under(host, of string) bool {
	return host == of || len(host) > len(of) && strings.HasSuffix(host, of) && host[len(host)-len(of)-1] == '.'
}

// httpOnly is t if it is an absolute web URL, else "".
func httpOnly(t string) string {
	t = strings.TrimSpace(t)
	if len(t) > 8 && (strings.EqualFold(t[:7], "http://") || strings.EqualFold(t[:8], "https://")) {
		return t
	}
	return ""
}

// query is the first value of a parameter, unescaped. The pairs may have been
// escaped for HTML once too often.
func query(u name.URL, param string) string {
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		pair = strings.TrimPrefix(pair, "amp;")
		if k, v, ok := strings.Cut(pair, "="); ok && strings.EqualFold(k, param) {
			if s, err := url.QueryUnescape(v); err == nil {
				return s
			}
			return v
		}
	}
	return ""
}

func pathUnescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}

// defenseV3 undoes the third form of a widespread service: the target stands
// between "__" and "__;", with runs of characters replaced by asterisks that a
// base64 text after it holds in order. "*" is one octet; "**" and a letter are
// as many as the letter says ("A" two, "B" three …).
func defenseV3(u name.URL) string {
	s := u.Path
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	_, s, ok := strings.Cut(s, "__")
	if !ok {
		return ""
	}
	end := strings.LastIndex(s, "__;")
	if end < 0 {
		end = strings.LastIndex(s, "__")
		if end < 0 {
			return ""
		}
		return httpOnly(fixSlashes(s[:end]))
	}
	text, tail := s[:end], s[end+3:]
	enc, _, _ := strings.Cut(tail, "!")
	dec, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(enc, "="))
	if err != nil {
		dec = nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '*' {
			b.WriteByte(text[i])
			continue
		}
		n := 1
		if i+2 < len(text) && text[i+1] == '*' {
			if v := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text[i+2]); v >= 0 {
				n = v + 2
				i += 2
			}
		}
		// The run counts characters; what is cut out is mostly ASCII.
		n = min(n, len(dec))
		if n == 0 {
			b.WriteByte('*')
			continue
		}
		b.Write(dec[:n])
		dec = dec[n:]
	}
	return httpOnly(fixSlashes(b.String()))
}

// fixSlashes gives "https:/x" its second slash back, which path cleaning may
// have taken.
func fixSlashes(s string) string {
	for _, p := range []string{"https:/", "http:/"} {
		if strings.HasPrefix(s, p) && !strings.HasPrefix(s, p+"/") {
			return p + "/" + s[len(p):]
		}
	}
	return s
}
