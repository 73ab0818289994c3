package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"bailiwick/problem"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Params are the costs of a password's hash (Argon2id, RFC 9106). They are
// stored with each hash; a hash with other costs is made anew at the next
// sign-in.
type Params struct {
	Time    uint32 // passes
	Memory  uint32 // in KiB
	Threads uint8
}

// DefaultParams is the second recommended option of RFC 9106 section 4.
func DefaultParams() Params { return Params{Time: 3, Memory: 64 << 10, Threads: 4} }

// The bounds of what is accepted from a stored hash: more is not one of ours,
// and would stop the machine.
const (
	maxTime    = 64
	maxMemory  = 1 << 20
	saltSize   = 16
	hashSize   = 32
	maxHashing = 2  // at the same time: each takes Params.Memory
	maxWaiting = 64 // for one of these
)

// Lengths of passwords. 15 characters is what NIST SP 800-63B-4 section 3.1.1.2
// asks of a password that is the only factor.
const (
	MinPassword = 15   // characters
	MaxPassword = 1024 // octets
)

// prepare brings a password into one form (NFC, as RFC 8265 section 4.2 does),
// so that it can be typed on another keyboard.
func prepare(password string) string { return norm.NFC.String(password) }

// checkPassword says what is wrong with a new password.
func checkPassword(login, password string) error {
	switch p := prepare(password); {
	case !utf8.ValidString(password):
		return problem.BadField("password", "is not text")
	case utf8.RuneCountInString(p) < MinPassword:
		return problem.BadField("password", "has fewer than %d characters: take a few words", MinPassword)
	case len(password) > MaxPassword || len(p) > MaxPassword:
		return problem.BadField("password", "is over %d octets", MaxPassword)
	case few(p):
		return problem.BadField("password", "repeats too few characters")
	case len(login) > 3 && strings.Contains(strings.ToLower(p), login) && utf8.RuneCountInString(p)-len(login) < MinPassword/2:
		return problem.BadField("password", "is little more than the login name")
	}
	return nil
}

// few says whether a text has fewer than five different characters.
func few(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen) < 5
}

// hash gives a password's hash in PHC string format.
func (c Params) hash(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	sum := argon2.IDKey([]byte(prepare(password)), salt, c.Time, c.Memory, c.Threads, hashSize)
	b := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads, b(salt), b(sum))
}

// parseHash reads a hash in PHC string format.
func parseHash(s string) (c Params, salt, sum []byte, err error) {
	bad := func(why string) (Params, []byte, []byte, error) {
		return Params{}, nil, nil, problem.New(problem.Corrupt, "a stored password hash %s", why)
	}
	if len(s) > 200 {
		return bad("is too long")
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return bad("is not one of Argon2id, version 1.3")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil ||
		fmt.Sprintf("m=%d,t=%d,p=%d", c.Memory, c.Time, c.Threads) != parts[3] {
		return bad("has costs that do not parse")
	}
	if c.Time < 1 || c.Time > maxTime || c.Memory < 8 || c.Memory > maxMemory || c.Threads < 1 {
		return bad("has costs out of bounds")
	}
	d := base64.RawStdEncoding.Strict()
	if salt, err = d.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return bad("has a bad salt")
	}
	if sum, err = d.DecodeString(parts[5]); err != nil || len(sum) != hashSize {
		return bad("has a bad length")
	}
	return c, salt, sum, nil
}

// matches says whether a password is that of a hash, in constant time, and
// whether the hash has other costs than c.
func (c Params) matches(hash, password string) (ok, stale bool, err error) {
	with, salt, sum, err := parseHash(hash)
	if err != nil {
		return false, false, err
	}
	got := argon2.IDKey([]byte(prepare(password)), salt, with.Time, with.Memory, with.Threads, hashSize)
	return subtle.ConstantTimeCompare(got, sum) == 1, with != c, nil
}

// slots bound how much hashing goes on at the same time: whoever sends many
// passwords must not take all memory.
type slots struct{ run, queue chan struct{} }

func newSlots() slots {
	return slots{run: make(chan struct{}, maxHashing), queue: make(chan struct{}, maxWaiting)}
}

// do runs f in a slot. With too many waiting it is RateLimited at once.
func (s slots) do(ctx context.Context, f func()) error {
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return problem.New(problem.RateLimited, "too many people sign in at this moment: try again")
	}
	select {
	case s.run <- struct{}{}:
		defer func() { <-s.run }()
	case <-ctx.Done():
		return problem.Wrap(ctx.Err(), problem.Unavailable, "signing in took too long")
	}
	f()
	return nil
}
