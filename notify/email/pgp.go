package email

import (
	"bytes"
	"crypto/rand"
	"strings"
	"time"

	"bailiwick/problem"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/emersion/go-message"
)

// maxPGPKey is the longest armored key that is read, in octets.
const maxPGPKey = 128 << 10

// recipientKey reads the one OpenPGP key that a message is encrypted to, and
// refuses one that cannot be used at the time.
func recipientKey(armored string, at time.Time) (*openpgp.Entity, error) {
	const field = "pgp_key"
	if len(armored) > maxPGPKey {
		return nil, problem.BadField(field, "is %d octets long, %d are allowed", len(armored), maxPGPKey)
	}
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(armored))
	switch {
	case err != nil:
		e := problem.BadField(field, "is not an armored OpenPGP public key")
		e.Err = err
		return nil, e
	case len(keys) != 1:
		return nil, problem.BadField(field, "holds %d keys, one is needed", len(keys))
	}
	k := keys[0]
	if k.PrivateKey != nil {
		return nil, problem.BadField(field, "is a private key")
	}
	if k.Revoked(at) {
		return nil, problem.BadField(field, "has been revoked")
	}
	// The library says only that there is none; people need to know why.
	if sig, _ := k.PrimarySelfSignature(); sig == nil {
		return nil, problem.BadField(field, "is not signed by itself")
	} else if k.PrimaryKey.KeyExpired(sig, at) {
		return nil, problem.BadField(field, "is not valid at %s: it has expired or is of a later date", at.UTC().Format(time.DateOnly))
	}
	if _, ok := k.EncryptionKey(at); !ok {
		return nil, problem.BadField(field, "has no key in it that encrypts now")
	}
	return k, nil
}

// encrypted writes the message as PGP/MIME (RFC 3156 section 4): inside,
// everything that it says; outside, the case's number and whom it is for.
// inner and fill are the message in the clear.
func encrypted(a Ask, opt ComposeOptions, m Message, inner message.Header, fill func(*message.Writer) error) ([]byte, error) {
	key, err := recipientKey(a.PGPKey, a.Date)
	if err != nil {
		return nil, err
	}
	plain, err := entity(inner, fill)
	if err != nil {
		return nil, err
	}
	random := opt.Random
	if random == nil {
		random = rand.Reader
	}
	conf := &packet.Config{Rand: random, Time: func() time.Time { return a.Date }, DefaultCipher: packet.CipherAES256, DefaultCompressionAlgo: packet.CompressionNone}
	var text bytes.Buffer
	if err := seal(&text, key, plain, conf); err != nil {
		e := problem.BadField("pgp_key", "cannot be encrypted to")
		e.Err = err
		return nil, e
	}
	text.WriteString("\n")
	body := strings.ReplaceAll(text.String(), "\n", "\r\n")

	// Nothing of what it is about.
	h := header(a, opt, m, "["+a.CaseID+"] Encrypted message")
	h.SetContentType("multipart/encrypted", map[string]string{"protocol": "application/pgp-encrypted", "boundary": boundary(m.ID, body)})
	return entity(h, func(w *message.Writer) error {
		var version, data message.Header
		version.SetContentType("application/pgp-encrypted", nil)
		version.Set("Content-Description", "PGP/MIME version identification")
		if err := part(w, version, []byte("Version: 1\r\n")); err != nil {
			return err
		}
		data.SetContentDisposition("inline", map[string]string{"filename": "encrypted.asc"})
		data.SetContentType("application/octet-stream", map[string]string{"name": "encrypted.asc"})
		data.Set("Content-Transfer-Encoding", "7bit")
		return part(w, data, []byte(body))
	})
}

// seal encrypts plain to a key, in armor.
func seal(to *bytes.Buffer, key *openpgp.Entity, plain []byte, conf *packet.Config) error {
	shell, err := armor.Encode(to, "PGP MESSAGE", nil)
	if err != nil {
		return err
	}
	w, err := openpgp.Encrypt(shell, []*openpgp.Entity{key}, nil, nil, conf)
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return shell.Close()
}
