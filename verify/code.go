package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bailiwick/casework"
	"bailiwick/name"
	"bailiwick/problem"

	"golang.org/x/text/unicode/norm"
)

// Claim is one thing that registration data says of a holder.
type Claim string

// The claims.
const (
	Email    Claim = "email"
	Phone    Claim = "phone"
	Name     Claim = "name"
	Address  Claim = "address"
	OrgID    Claim = "org_id" // the number in a register
	Identity Claim = "identity"
)

var claims = Words{
	{Code: string(Email), Means: "the mail address"},
	{Code: string(Phone), Means: "the telephone number"},
	{Code: string(Name), Means: "the name of the person or organisation"},
	{Code: string(Address), Means: "the postal address"},
	{Code: string(OrgID), Means: "the number in a register of organisations"},
	{Code: string(Identity), Means: "who the person or organisation is"},
}

// Claims are all claims.
func Claims() Words { return claims.Clone() }

// Revision is the keyed digest of a normalised value, in hex. A verification is
// of a revision: once the value changes it says nothing any more. Whoever has
// the log and not the key cannot try out whose address it is.
type Revision string

// MinKey is the least length of the key of revisions, in octets.
const MinKey = 32

// maxValue is the longest value that is read, in octets.
const maxValue = 2000

// Revise gives the revision of a value: HMAC-SHA-256 of its normal form under
// the centre's key. All revisions that are to be compared need the same key.
func Revise(key []byte, c Claim, value string) (Revision, error) {
	if len(key) < MinKey {
		return "", problem.New(problem.Internal, "the key of revisions is under %d octets", MinKey)
	}
	v, err := Normal(c, value)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("bailiwick contact revision v1\n" + string(c) + "\n" + v))
	return Revision(hex.EncodeToString(m.Sum(nil))), nil
}

func (r Revision) valid() bool { return hexDigest(string(r)) }

func hexDigest(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// Normal gives the normal form of a value, so that what reaches the same holder
// is one revision: a mail address with its domain in A-labels and its local part
// as it stands (RFC 5321 section 2.4: its case may matter), a telephone number
// as "+", digits and perhaps an extension (RFC 5733 section 2.5), and other
// values in Unicode form C with single spaces. It does not say whether the value
// is a good one: that is asked by the checks of its format.
func Normal(c Claim, value string) (string, error) {
	if !claims.Has(string(c)) {
		return "", problem.BadField("claim", "%.40q is not one of %s", c, strings.Join(claims.Codes(), ", "))
	}
	at := string(c)
	if len(value) > maxValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return "", problem.BadField(at, "is over %d octets or no text", maxValue)
	}
	value = norm.NFC.String(strings.Join(strings.Fields(value), " "))
	switch c {
	case Email:
		i := strings.LastIndexByte(value, '@')
		if i < 1 || i > 64 || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(" ,;<>", r) }) {
			return "", problem.BadField(at, "is not one mail address")
		}
		d, err := name.Parse(value[i+1:])
		if err != nil {
			return "", problem.BadField(at, "has no domain that a mail could go to")
		}
		return value[:i+1] + d.String(), nil
	case Phone:
		return normalPhone(value)
	}
	if value == "" {
		return "", problem.BadField(at, "is missing")
	}
	return value, nil
}

// maxDigits is the longest international number (ITU-T E.164 section 6.2).
const maxDigits = 15

func normalPhone(value string) (string, error) {
	bad := func(why string) (string, error) { return "", problem.BadField(string(Phone), "%s", why) }
	rest, ok := strings.CutPrefix(value, "+")
	if !ok {
		return bad("names no country: it must begin with +")
	}
	number, ext, extended := strings.Cut(strings.ToLower(rest), "x")
	strip := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" .-()/", r) {
				return -1
			}
			return r
		}, s)
	}
	number, ext = strip(number), strip(ext)
	digits := func(s string, most int) bool {
		return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
	}
	if !digits(number, maxDigits) {
		return bad("is not a telephone number")
	}
	if !extended {
		return "+" + number, nil
	}
	if !digits(ext, maxDigits) {
		return bad("has an extension that is no number")
	}
	return "+" + number + "x" + ext, nil
}

// The sizes of a code, in octets. The secret's 128 bits cannot be guessed; the
// selector finds the code, so that only who has the message can use up its
// attempts and a stranger cannot lock a holder out.
const (
	selectorSize = 5
	secretSize   = 16
)

// alphabet is Crockford's base 32: nothing in it is taken for something else
// when it is read out.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Code is what a holder returns to show that a message reached them. Only its
// digest is ever stored; printing one by accident prints no secret.
type Code struct {
	b    [selectorSize + secretSize]byte
	made bool
}

// NewCode makes a code out of random octets, of which it reads 21.
func NewCode(random io.Reader) (Code, error) {
	var c Code
	if _, err := io.ReadFull(random, c.b[:]); err != nil {
		return Code{}, problem.Wrap(err, problem.Internal, "there is no randomness for a code")
	}
	c.made = true
	return c, nil
}

// Text is the code as the message carries it: 34 letters and digits in groups,
// safe in a URL.
func (c Code) Text() string {
	s := encoding.EncodeToString(c.b[:])
	var b strings.Builder
	for i := 0; i < len(s); i += 5 {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(s[i:min(i+5, len(s))])
	}
	return b.String()
}

// Format implements fmt.Formatter, so that no log shows a code.
func (c Code) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[verification code]") }

// ParseCode reads a code as people type it: with or without hyphens and spaces,
// in either case, with o for 0 and i or l for 1.
func ParseCode(s string) (Code, bool) {
	if len(s) > 128 {
		return Code{}, false
	}
	s = strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case r == '-' || unicode.IsSpace(r):
			return -1
		case r == 'o':
			return '0'
		case r == 'i' || r == 'l':
			return '1'
		}
		return r
	}, s)
	var c Code
	if len(s) != encoding.EncodedLen(len(c.b)) {
		return Code{}, false
	}
	b, err := encoding.DecodeString(s)
	// The last letter has two bits too many; a code has one spelling.
	if err != nil || encoding.EncodeToString(b) != s {
		return Code{}, false
	}
	copy(c.b[:], b)
	c.made = true
	return c, true
}

// MaxFound is how many codes FindCodes looks for.
const MaxFound = 8

var written34 = regexp.MustCompile(`(?i)[0-9a-z]{5}(?:[- ][0-9a-z]{5}){5}[- ][0-9a-z]{4}|[0-9a-z]{34}`)

// FindCodes finds what reads as codes in a text that somebody wrote around them, in
// order and without repeats, as Text writes them. Of a long text the first 64 KiB
// are read.
func FindCodes(text string) []string {
	var out []string
	for _, s := range written34.FindAllString(text[:min(len(text), 64<<10)], 200) {
		if c, ok := ParseCode(s); ok && !slices.Contains(out, c.Text()) {
			if out = append(out, c.Text()); len(out) == MaxFound {
				break
			}
		}
	}
	return out
}

// selector finds the code among those that were issued. It is no secret.
func (c Code) selector() string { return encoding.EncodeToString(c.b[:selectorSize]) }

// digest is what is stored of a code. It covers what the code is for, so that
// one cannot pass for another. One round is enough: the secret is random.
func (c Code) digest(holder string, n int, claim Claim, rev Revision) casework.Hash {
	b := []byte("bailiwick verification code v1\n")
	for _, s := range []string{holder, string(claim), string(rev)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(n))
	return sha256.Sum256(append(b, c.b[:]...))
}

// same compares in constant time.
func same(a, b casework.Hash) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// MaxDocument is the largest document that is digested, in octets.
const MaxDocument = 64 << 20

// DigestOf gives the salted digest of a document, in hex: SHA-256 of the salt and
// the document. The document is read and not kept. The salt must be random and
// goes to whoever holds the document: with it they can show later which one it
// was, and without it nobody can try out what it said.
func DigestOf(salt [32]byte, document io.Reader) (string, error) {
	h := sha256.New()
	h.Write(salt[:])
	n, err := io.Copy(h, io.LimitReader(document, MaxDocument+1))
	switch {
	case err != nil:
		return "", problem.Wrap(err, problem.Unavailable, "the document cannot be read")
	case n == 0:
		return "", problem.BadField("document", "is empty")
	case n > MaxDocument:
		return "", problem.New(problem.TooLarge, "the document is over %d octets", MaxDocument)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
