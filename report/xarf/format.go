package xarf

import (
	"bytes"
	"net/netip"
	"strings"
	"time"
)

// format is a "format" of the schemas. It never decides a verdict.
type format uint8

const (
	formatNone format = iota
	formatUUID
	formatDateTime
	formatDate
	formatEmail
	formatHostname
	formatURI
	formatIPv4
	formatIPv6
	formatIP
)

// check says what is wrong with b, or "".
func (f format) check(b []byte) string {
	switch f {
	case formatUUID:
		if !isUUID(b) {
			return "is not a UUID (RFC 9562)"
		}
	case formatDateTime:
		if _, ok := parseTime(string(b)); !ok {
			return "is not a time with a zone as RFC 3339 writes it"
		}
	case formatDate:
		if _, err := time.Parse(time.DateOnly, string(b)); err != nil {
			return "is not a date as RFC 3339 writes it"
		}
	case formatEmail:
		if !isMail(b) {
			return "is not a mail address"
		}
	case formatHostname:
		if !isHostname(b) {
			return "is not a host name"
		}
	case formatURI:
		if i := bytes.IndexByte(b, ':'); i < 1 || bytes.ContainsAny(b, " \t\r\n<>\"{}|\\^`") {
			return "is not a URI (RFC 3986)"
		}
	case formatIPv4, formatIPv6, formatIP:
		a, err := netip.ParseAddr(string(b))
		if err != nil || a.Zone() != "" || f == formatIPv4 && !a.Is4() || f == formatIPv6 && !a.Is6() {
			return "is not an IP address of that kind"
		}
	}
	return ""
}

func isUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return false
			}
		}
	}
	return true
}

// parseTime reads a time that has a date, a time of day and a zone.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		// RFC 3339 section 5.6 lets t and z be small and a space stand for T.
		if len(s) > 11 && (s[10] == ' ' || s[10] == 't') {
			t, err = time.Parse(time.RFC3339Nano, strings.ToUpper(s[:10]+"T"+s[11:]))
		} else if strings.HasSuffix(s, "z") {
			t, err = time.Parse(time.RFC3339Nano, strings.ToUpper(s))
		}
	}
	return t.UTC(), err == nil
}

// isMail is a plain addr-spec: enough to answer to, not all of RFC 5321.
func isMail(b []byte) bool {
	i := bytes.LastIndexByte(b, '@')
	if i < 1 || i > 64 || bytes.ContainsAny(b, " \t\r\n<>,;:\\\"()[]") || bytes.IndexByte(b[:i], '@') >= 0 {
		return false
	}
	return isHostname(b[i+1:]) && bytes.IndexByte(b[i+1:], '.') > 0
}

// isHostname follows RFC 1123 section 2.1, letters beyond ASCII let pass.
func isHostname(b []byte) bool {
	b = bytes.TrimSuffix(b, []byte("."))
	if len(b) == 0 || len(b) > 253 {
		return false
	}
	for label := range bytes.SplitSeq(b, []byte(".")) {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c < 0x80 {
				return false
			}
		}
	}
	return true
}
