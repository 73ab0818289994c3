package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"bailiwick/problem"
)

// The sizes of secrets, in octets. 256 bits cannot be guessed whoever tries for
// how long; 128 are enough for a link that lives for a day.
const (
	sessionSize = 32
	keySize     = 32
	linkSize    = 16
)

// KeyPrefix begins every API key, so that people and scanners of source code
// know one when they see it.
const KeyPrefix = "bw_"

// encoding is that of every secret. Strict: a secret has one spelling only.
var encoding = base64.RawURLEncoding.Strict()

// newSecret makes a secret of n random octets and the digest to keep.
func newSecret(use string, n int) (string, Digest) {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return encoding.EncodeToString(b), digestOf(use, b)
}

// digestOf binds the digest to the use, so that a secret of one kind is never
// taken for one of another. One round is enough: these are random octets, not
// passwords.
func digestOf(use string, secret []byte) Digest {
	return sha256.Sum256(append([]byte(use+":"), secret...))
}

// parseSecret reads a secret of n octets.
func parseSecret(use, s string, n int) (Digest, bool) {
	if len(s) != encoding.EncodedLen(n) {
		return Digest{}, false
	}
	b, err := encoding.DecodeString(s)
	if err != nil || len(b) != n {
		return Digest{}, false
	}
	return digestOf(use, b), true
}

const (
	useSession = "session"
	useKey     = "key"
	useLink    = "link"
)

// parseKey reads an API key with its prefix.
func parseKey(s string) (Digest, bool) {
	rest, ok := strings.CutPrefix(s, KeyPrefix)
	if !ok {
		return Digest{}, false
	}
	return parseSecret(useKey, rest, keySize)
}

// Bearer reads an API key out of the value of an Authorization header (RFC 6750
// section 2.1). ok is false if it holds none; the key may still be wrong.
func Bearer(header string) (key string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	rest = strings.Trim(rest, " ")
	return rest, rest != ""
}

// CSRF is what a form of a session carries, so that another site cannot send it
// (synchroniser token, bound by an HMAC to the session): it can be made from
// the session's token only, and does not give it away.
func CSRF(token string) string {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("bailiwick form"))
	return encoding.EncodeToString(m.Sum(nil))
}

// CheckCSRF compares what a form carried, in constant time. Not equal is
// Refused.
func CheckCSRF(token, got string) error {
	if token == "" || subtle.ConstantTimeCompare([]byte(CSRF(token)), []byte(got)) != 1 {
		return problem.New(problem.Refused, "this form does not belong to your session: go back, reload the page, and send it again")
	}
	return nil
}
