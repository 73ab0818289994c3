// Package email carries notices by mail: it composes the message (pure, the
// same bytes for the same ask), makes and reads the addresses that answers come
// back to, and sends.
package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// Octets of the authenticators. An answer link opens an obligation by itself,
// so its authenticator is longer than that of an address, whose local part has
// 64 octets for everything (RFC 5321 section 4.5.3.1.1).
const (
	replyMAC  = 10
	answerMAC = 16
	minKey    = 16
	maxID     = 64
	maxLocal  = 64
)

// The purposes keep an address and a link apart, though one key makes both.
const (
	forReply  = "bailiwick reply address 1"
	forAnswer = "bailiwick answer link 1"
)

var base32lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ReplyAddress is the address at domain that an answer about one obligation
// comes back to, and that its bounces go to. The local part holds both
// identifiers and 80 bits of HMAC-SHA-256 over them, in base 32, since mail
// systems do not keep letters' case. It is "" if the key is shorter than 16
// octets or the identifiers do not fit into 64 octets: a ULID, or any 26
// characters, fits as the case with an obligation named CASE-N; so do two
// shorter identifiers of together 26 octets.
func ReplyAddress(key []byte, domain, caseID, obligationID string) string {
	body, ok := pack(caseID, obligationID)
	if !ok || len(key) < minKey {
		return ""
	}
	local := base32lower.EncodeToString(append(body, mac(key, forReply, body)[:replyMAC]...))
	if len(local) > maxLocal {
		return ""
	}
	return local + "@" + domain
}

// ParseReply reads an address made by ReplyAddress with the same key, whatever
// became of its letters' case. The domain is not looked at.
func ParseReply(key []byte, addr string) (caseID, obligationID string, ok bool) {
	b, ok := localPart(key, addr)
	if !ok {
		return "", "", false
	}
	return open(key, forReply, replyMAC, b)
}

// localPart is the octets that the local part of an address of ours stands for.
func localPart(key []byte, addr string) ([]byte, bool) {
	if len(addr) > 512 || len(key) < minKey {
		return nil, false
	}
	addr = strings.Trim(strings.TrimSpace(addr), "<>")
	at := strings.LastIndexByte(addr, '@')
	if at < 1 || at > maxLocal {
		return nil, false
	}
	local := strings.ToLower(addr[:at])
	b, err := base32lower.DecodeString(local)
	return b, err == nil && base32lower.EncodeToString(b) == local
}

// AnswerToken names one obligation in a link: whoever holds it may answer for
// that obligation alone. It is safe in a URL and carries 128 bits of
// HMAC-SHA-256; "" if the key is shorter than 16 octets or an identifier is
// empty or over 64 octets.
func AnswerToken(key []byte, caseID, obligationID string) string {
	body, ok := pack(caseID, obligationID)
	if !ok || len(key) < minKey {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(body, mac(key, forAnswer, body)[:answerMAC]...))
}

// ParseAnswerToken reads a token made by AnswerToken with the same key.
func ParseAnswerToken(key []byte, token string) (caseID, obligationID string, ok bool) {
	if len(token) > 512 || len(key) < minKey {
		return "", "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return "", "", false
	}
	return open(key, forAnswer, answerMAC, b)
}

// open checks the authenticator at the end of b, in constant time, and only
// then reads what is before it.
func open(key []byte, purpose string, size int, b []byte) (caseID, obligationID string, ok bool) {
	if len(b) <= size {
		return "", "", false
	}
	body, tag := b[:len(b)-size], b[len(b)-size:]
	if !hmac.Equal(tag, mac(key, purpose, body)[:size]) {
		return "", "", false
	}
	return unpack(body)
}

func mac(key []byte, purpose string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil)
}

// The body is one octet that says how each identifier is written, then the
// two. A ULID takes 16 octets; an obligation CASE-N takes those of N; any other
// identifier its own, the first with its length before it.
const (
	caseULID     = 1 << 0
	obligationOf = 1 << 1 // CASE-N
	obligULID    = 1 << 2
)

func pack(caseID, obligationID string) ([]byte, bool) {
	if caseID == "" || obligationID == "" || len(caseID) > maxID || len(obligationID) > maxID {
		return nil, false
	}
	b := []byte{0}
	if u, ok := ulid(caseID); ok {
		b[0] |= caseULID
		b = append(b, u[:]...)
	} else {
		b = append(append(b, byte(len(caseID))), caseID...)
	}
	if n, ok := ordinal(caseID, obligationID); ok {
		b[0] |= obligationOf
		b = binary.AppendUvarint(b, n)
	} else if u, ok := ulid(obligationID); ok {
		b[0] |= obligULID
		b = append(b, u[:]...)
	} else {
		b = append(b, obligationID...)
	}
	return b, true
}

// unpack is pack undone. What it reads is ours: the authenticator was checked.
// Still nothing is taken that pack would write otherwise.
func unpack(b []byte) (caseID, obligationID string, ok bool) {
	form, rest := b[0], b[1:]
	if form&caseULID != 0 {
		if len(rest) < 16 {
			return "", "", false
		}
		caseID, rest = ulidText([16]byte(rest[:16])), rest[16:]
	} else {
		if len(rest) < 1 || len(rest) < 1+int(rest[0]) {
			return "", "", false
		}
		caseID, rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	switch {
	case form&obligationOf != 0:
		n, used := binary.Uvarint(rest)
		if used <= 0 || used != len(rest) {
			return "", "", false
		}
		obligationID = caseID + "-" + strconv.FormatUint(n, 10)
	case form&obligULID != 0:
		if len(rest) != 16 {
			return "", "", false
		}
		obligationID = ulidText([16]byte(rest))
	default:
		obligationID = string(rest)
	}
	again, ok := pack(caseID, obligationID)
	return caseID, obligationID, ok && string(again) == string(b)
}

// ordinal is N of an obligation CASE-N.
func ordinal(caseID, obligationID string) (uint64, bool) {
	s, ok := strings.CutPrefix(obligationID, caseID+"-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == s
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ulid reads the 26 digits of a ULID, in capitals, as 128 bits.
func ulid(s string) (out [16]byte, ok bool) {
	if len(s) != 26 || s[0] > '7' {
		return out, false
	}
	var hi, lo uint64
	for i := range len(s) {
		v := strings.IndexByte(crockford, s[i])
		if v < 0 {
			return out, false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	binary.BigEndian.PutUint64(out[:8], hi)
	binary.BigEndian.PutUint64(out[8:], lo)
	return out, true
}

func ulidText(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}
