package name

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// Stripped stands in a path where a mail address was.
const Stripped = "removed"

// StripTokens takes out of u what tells a recipient or victim apart, before
// the URL leaves the centre (the whole URL stays in the evidence). The rule:
//
//   - A query parameter goes, name and value, if its name says that it
//     identifies somebody (email, user, token, utm_…, click ids), if its value
//     is or holds a mail address (plain, percent-encoded up to twice, base64,
//     hexadecimal), or if its value is long and looks random: a UUID, 16 or
//     more hexadecimal digits, 12 or more decimal digits, or 16 and more
//     characters of mixed letters and digits.
//   - Short names that often, but not always, identify somebody (e, u, t, c,
//     r, k, s, sid, cid, hash, sig, ref) go only with a value of 6 or more
//     characters that mixes letters and digits.
//   - A path segment that is or holds a mail address becomes "removed". Other
//     path segments stay: a random one is usually where the page is.
//
// The order of what stays does not change. Host, port and path depth stay, so
// that the party asked still finds the page. A host name that encodes a
// recipient is not recognised.
func StripTokens(u URL) URL {
	if u.RawQuery != "" {
		kept := make([]string, 0, 8)
		for p := range strings.SplitSeq(u.RawQuery, "&") {
			if p != "" && !identifies(p) {
				kept = append(kept, p)
			}
		}
		u.RawQuery = strings.Join(kept, "&")
	}
	if u.Path != "/" {
		segs := strings.Split(u.Path, "/")
		for i, s := range segs {
			if holdsMail(s) {
				segs[i] = Stripped
			}
		}
		u.Path = strings.Join(segs, "/")
	}
	return u
}

// identifying are parameter names whose value names a person or one visit.
var identifying = map[string]bool{
	"email": true, "e-mail": true, "mail": true, "emailaddress": true, "email_address": true, "user_email": true, "useremail": true,
	"em": true, "recipient": true, "rcpt": true, "to": true, "victim": true, "user": true, "username": true, "userid": true,
	"user_id": true, "uid": true, "login": true, "login_hint": true, "loginid": true, "account": true, "phone": true, "msisdn": true,
	"token": true, "access_token": true, "auth": true, "session": true, "sessionid": true, "session_id": true, "phpsessid": true, "jsessionid": true,
	"subscriber": true, "subscriberid": true, "contactid": true, "contact_id": true, "customerid": true, "customer_id": true, "visitor": true, "visitorid": true,
	"tracking": true, "trackingid": true, "tracking_id": true, "trackid": true, "track": true, "trk": true, "clickid": true, "click_id": true, "messageid": true,
	"gclid": true, "gbraid": true, "wbraid": true, "dclid": true, "fbclid": true, "msclkid": true, "ttclid": true, "twclid": true, "yclid": true, "igshid": true,
	"li_fat_id": true, "mc_eid": true, "mc_cid": true, "mkt_tok": true, "_hsenc": true, "_hsmi": true, "_ke": true, "vero_id": true, "oly_enc_id": true, "oly_anon_id": true,
}

// doubtful are short names that count only with a value that looks like an id.
var doubtful = map[string]bool{"e": true, "u": true, "t": true, "c": true, "r": true, "k": true, "s": true, "i": true, "sid": true, "cid": true,
	"rid": true, "hash": true, "sig": true, "ref": true, "key": true, "code": true}

func identifies(param string) bool {
	k, v, named := strings.Cut(param, "=")
	if !named {
		k, v = "", param
	}
	key := strings.ToLower(unescapeTwice(k))
	if v != "" && (identifying[key] || strings.HasPrefix(key, "utm_")) {
		return true
	}
	if holdsMail(v) || holdsMail(k) {
		return true
	}
	value := unescapeTwice(v)
	return looksRandom(value) || doubtful[key] && len(value) >= 6 && mixed(value, 1)
}

// unescapeTwice undoes percent-encoding, also where it was done twice.
func unescapeTwice(s string) string {
	for range 2 {
		if strings.IndexByte(s, '%') < 0 {
			break
		}
		t, err := url.PathUnescape(s)
		if err != nil {
			break
		}
		s = t
	}
	return s
}

// holdsMail says whether s is or holds a mail address in one of the ways that
// links carry them.
func holdsMail(s string) bool {
	if len(s) < 5 {
		return false
	}
	s = unescapeTwice(s)
	if hasMail(s) {
		return true
	}
	// A parameter or segment may carry the encoded address behind a prefix
	// ("x-am9l…", "e=am9l…").
	for _, part := range strings.FieldsFunc(s, func(r rune) bool {
		return r == '=' || r == ':' || r == '.' || r == ',' || r == '~' || r == '|' || r == '!' || r == '*' || r == '$'
	}) {
		if len(part) < 8 {
			continue
		}
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if b, err := enc.DecodeString(part); err == nil && hasMail(string(b)) {
				return true
			}
		}
		if b, err := hex.DecodeString(part); err == nil && hasMail(string(b)) {
			return true
		}
	}
	return false
}

// hasMail looks for local@domain.tld in plain text.
func hasMail(s string) bool {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '@')
		if j < 0 {
			return false
		}
		at := i + j
		i = at + 1
		if at == 0 || !mailByte(s[at-1]) {
			continue
		}
		end := at + 1
		for end < len(s) && (mailByte(s[end]) && s[end] != '+' || s[end] >= 0x80) {
			end++
		}
		dom := strings.TrimRight(s[at+1:end], ".-_")
		dot := strings.LastIndexByte(dom, '.')
		if dot > 0 && len(dom)-dot > 2 && strings.Trim(dom[dot+1:], "0123456789") != "" && !fileTypes[strings.ToLower(dom[dot+1:])] {
			return true
		}
	}
}

// fileTypes end file names with an @ in them ("logo@2x.png"), never a mail
// address.
var fileTypes = map[string]bool{"png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "webp": true, "ico": true, "css": true, "js": true, "html": true, "php": true}

func mailByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' || c == '+'
}

// looksRandom says whether v is long and reads like an identifier made by a
// machine, not like words, a date or a version.
func looksRandom(v string) bool {
	v = strings.TrimRight(v, "=")
	if len(v) >= 12 && strings.Trim(v, "0123456789") == "" {
		return true
	}
	if len(v) < 16 {
		return false
	}
	if bare := strings.ReplaceAll(v, "-", ""); strings.Trim(bare, "0123456789abcdefABCDEF") == "" && len(bare) >= 16 && strings.ContainsAny(bare, "abcdefABCDEF") {
		return true
	}
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == '.' || r == '/' || r == ' ' || r == ':' }) {
		if len(part) >= 16 && mixed(part, 3) && !wordy(part) {
			return true
		}
	}
	return false
}

// mixed says whether s is one run of letters, digits and the marks of base64,
// with letters and digits taking turns at least n times.
func mixed(s string, n int) bool {
	turns, last := 0, byte(0)
	for i := range len(s) {
		var kind byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			kind = '0'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			kind = 'a'
		case c == '-' || c == '_' || c == '+' || c == '/' || c == '=':
			continue
		default:
			return false
		}
		if last != 0 && kind != last {
			turns++
		}
		last = kind
	}
	return turns >= n
}

// wordy says whether s is words and numbers joined by hyphens or underscores
// ("reset-your-password-2024-part-2"): no piece mixes letters with digits.
func wordy(s string) bool {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' || r == '+' }) {
		if mixed(part, 1) {
			return false
		}
	}
	return true
}
