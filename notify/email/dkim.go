package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
	"strings"
	"time"

	"bailiwick/name"
	"bailiwick/problem"
	"bailiwick/text"
)

// The kinds of DKIM key. Every receiver reads RSA; not every one reads Ed25519
// yet (RFC 8463).
const (
	KeyRSA     = "rsa"
	KeyEd25519 = "ed25519"
)

// minRSA is the shortest RSA key that signs, in bits (RFC 8301 section 3.2).
const minRSA = 2048

// signedFields are the fields that a signature covers. Each is named once more
// than it is there, so that none can be added without breaking the signature
// (RFC 6376 section 8.15).
var signedFields = [...]string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"}

// NewDKIMKey makes a private key of a kind, KeyRSA (2048 bits) or KeyEd25519,
// in PEM (PKCS #8). NewSigner reads it, and its Record is what to publish.
func NewDKIMKey(kind string) ([]byte, error) {
	var key any
	var err error
	switch kind {
	case KeyRSA:
		key, err = rsa.GenerateKey(rand.Reader, minRSA)
	case KeyEd25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, problem.BadField("kind", "%q is neither %s nor %s", text.Line(kind, 40), KeyRSA, KeyEd25519)
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the key cannot be made")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the key cannot be written")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Signer signs messages (RFC 6376, relaxed/relaxed). It is safe for concurrent
// use.
//
// The library that checks signatures could make them too, but writes the
// machine's time into them. Here a message is the same bytes however often it
// is composed, so the time is the message's own.
type Signer struct {
	domain, selector string
	algorithm        string // of the "a" tag
	key              crypto.Signer
	record           string
}

// NewSigner makes a signer for a domain. key is a private key in PEM: Ed25519,
// or RSA with at least 2048 bits, in PKCS #8 or PKCS #1. The public half must
// be published as Record says. Errors are problem.Invalid and name the
// parameter.
func NewSigner(domain, selector string, key []byte) (*Signer, error) {
	var e *problem.Error
	d, err := name.Parse(domain)
	if err != nil {
		e = e.Add("domain", "%q is not a domain name", text.Line(domain, maxShort))
	}
	sel, err := name.ParseAny(selector)
	if err != nil || len(selector) > 100 {
		e = e.Add("selector", "%q is not one or more labels", text.Line(selector, maxShort))
	}
	s := &Signer{domain: d.String(), selector: sel.String()}
	if why := s.read(key); why != "" {
		e = e.Add("key", "%s", why)
	}
	if err := e.OrNil(); err != nil {
		return nil, err
	}
	return s, nil
}

// read takes the private key, or says why it cannot.
func (s *Signer) read(in []byte) string {
	block, _ := pem.Decode(in)
	if block == nil {
		return "is not PEM"
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return "is not a private key without a pass phrase"
	}
	if err != nil {
		return "cannot be read" // err could quote the key
	}
	switch k := key.(type) {
	case ed25519.PrivateKey:
		s.key, s.algorithm = k, "ed25519-sha256"
		s.record = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
	case *rsa.PrivateKey:
		if k.N.BitLen() < minRSA {
			return "has " + strconv.Itoa(k.N.BitLen()) + " bits, at least " + strconv.Itoa(minRSA) + " are needed"
		}
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		if err != nil {
			return "cannot be written"
		}
		s.key, s.algorithm = k, "rsa-sha256"
		s.record = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	default:
		return "is neither RSA nor Ed25519"
	}
	return ""
}

// Record is the TXT record to publish: its name and its value (RFC 6376
// section 3.6). In a zone file a value over 255 octets is written in several
// strings.
func (s *Signer) Record() (owner, value string) {
	return s.selector + "._domainkey." + s.domain, s.record
}

// speaksFor says whether a signature counts for mail from domain (DMARC,
// relaxed alignment within the signer's own domain).
func (s *Signer) speaksFor(domain string) bool {
	return domain == s.domain || strings.HasSuffix(domain, "."+s.domain)
}

// signature is the DKIM-Signature field of a message, to be put on top of it.
// raw has a header, an empty line and a body, in lines that end in CRLF; at is
// the time of signing. The same arguments give the same bytes.
func (s *Signer) signature(raw []byte, at time.Time) ([]byte, error) {
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, problem.New(problem.Internal, "a message without a body cannot be signed")
	}
	fields := map[string][]string{} // in small letters, in order
	for _, f := range unfold(string(head)) {
		k, v := relaxed(f)
		fields[k] = append(fields[k], v)
	}
	bodySum := sha256.Sum256(relaxedBody(body))
	sum := sha256.New()
	var names []string
	for _, n := range signedFields {
		k := strings.ToLower(n)
		for i := len(fields[k]) - 1; i >= 0; i-- { // from the bottom up (section 5.4.2)
			sum.Write([]byte(k + ":" + fields[k][i] + "\r\n"))
			names = append(names, k)
		}
		names = append(names, k)
	}
	field := "DKIM-Signature: v=1; a=" + s.algorithm + "; c=relaxed/relaxed; t=" + strconv.FormatInt(at.Unix(), 10) + ";\r\n" +
		" d=" + s.domain + "; s=" + s.selector + ";\r\n" +
		" h=" + folded(names) + ";\r\n" +
		" bh=" + base64.StdEncoding.EncodeToString(bodySum[:]) + ";\r\n" +
		" b="
	k, v := relaxed(field)
	sum.Write([]byte(k + ":" + v)) // without the line end (section 3.7)
	opts := crypto.SignerOpts(crypto.SHA256)
	if s.algorithm == "ed25519-sha256" {
		opts = crypto.Hash(0) // the hash itself is the message (RFC 8463 section 3)
	}
	sig, err := s.key.Sign(rand.Reader, sum.Sum(nil), opts) // neither kind draws on it for its result
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the message cannot be signed")
	}
	var out strings.Builder
	out.WriteString(field)
	for b := base64.StdEncoding.EncodeToString(sig); b != ""; {
		n := min(len(b), 70)
		out.WriteString(b[:n])
		if b = b[n:]; b != "" {
			out.WriteString("\r\n ")
		}
	}
	out.WriteString("\r\n")
	return []byte(out.String()), nil
}

// unfold splits a header into its fields, each with its line breaks.
func unfold(head string) []string {
	var out []string
	for l := range strings.SplitSeq(head, "\r\n") {
		if len(out) > 0 && l != "" && (l[0] == ' ' || l[0] == '\t') {
			out[len(out)-1] += l
			continue
		}
		out = append(out, l)
	}
	return out
}

// relaxed is a header field as it is signed (RFC 6376 section 3.4.2).
func relaxed(f string) (key, value string) {
	key, value, _ = strings.Cut(f, ":")
	return strings.ToLower(strings.TrimRight(key, " \t")), strings.Join(strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), " ")
}

// relaxedBody is a body as it is signed (RFC 6376 section 3.4.4).
func relaxedBody(body []byte) []byte {
	var out bytes.Buffer
	for l := range bytes.Lines(body) {
		l = bytes.TrimRight(bytes.TrimRight(l, "\r\n"), " \t")
		space := false
		for _, c := range l {
			if c == ' ' || c == '\t' {
				space = true
				continue
			}
			if space {
				out.WriteByte(' ')
				space = false
			}
			out.WriteByte(c)
		}
		out.WriteString("\r\n")
	}
	b := out.Bytes()
	for bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		b = b[:len(b)-2]
	}
	if string(b) == "\r\n" {
		return nil
	}
	return b
}

// folded writes the list of signed fields in lines of a fit length.
func folded(names []string) string {
	var b strings.Builder
	line := 3
	for i, n := range names {
		if i > 0 {
			b.WriteByte(':')
			line++
		}
		if line+len(n) > 74 {
			b.WriteString("\r\n  ")
			line = 2
		}
		b.WriteString(n)
		line += len(n)
	}
	return b.String()
}
