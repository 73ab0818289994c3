package email

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/emersion/go-message"
)

// pgpKey makes a key for tests and gives its public half in armor.
func pgpKey(t testing.TB, conf packet.Config, change ...func(*openpgp.Entity)) (*openpgp.Entity, string) {
	t.Helper()
	if conf.Time == nil {
		conf.Time = func() time.Time { return written.AddDate(0, -1, 0) }
	}
	e, err := openpgp.NewEntity("Abuse desk", "", "abuse@reg.example", &conf)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(e)
	}
	return e, armored(t, openpgp.PublicKeyType, func(w io.Writer) error { return e.Serialize(w) })
}

func armored(t testing.TB, kind string, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		err = write(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// decrypted reads a PGP/MIME message as a mail program does.
func decrypted(t *testing.T, m Message, key *openpgp.Entity) opened {
	t.Helper()
	e, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	if ct, params, _ := e.Header.ContentType(); ct != "multipart/encrypted" || params["protocol"] != "application/pgp-encrypted" {
		t.Fatalf("%s %v", ct, params)
	}
	r := e.MultipartReader()
	p, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	version, _ := io.ReadAll(p.Body)
	if ct, _, _ := p.Header.ContentType(); ct != "application/pgp-encrypted" || string(version) != "Version: 1\r\n" && string(version) != "Version: 1" {
		t.Fatalf("%s %q", ct, version)
	}
	if p, err = r.NextPart(); err != nil {
		t.Fatal(err)
	}
	if ct, _, _ := p.Header.ContentType(); ct != "application/octet-stream" {
		t.Fatal(ct)
	}
	block, err := armor.Decode(p.Body)
	if err != nil {
		t.Fatal(err)
	}
	md, err := openpgp.ReadMessage(block.Body, openpgp.EntityList{key}, nil, &packet.Config{Time: func() time.Time { return written }})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := io.ReadAll(md.UnverifiedBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.NextPart(); !errors.Is(err, io.EOF) {
		t.Error("a third part")
	}
	return read(t, Message{Raw: inner})
}

func TestPGP(t *testing.T) {
	for what, conf := range map[string]packet.Config{
		"Curve25519": {Algorithm: packet.PubKeyAlgoEdDSA},
		"RSA":        {Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048},
		"version 6":  {Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true},
	} {
		t.Run(what, func(t *testing.T) {
			key, public := pgpKey(t, conf)
			a, o := ask(), options()
			clear := read(t, must(Compose(a, o)))
			a.PGPKey, o.DKIM = public, edSigner(t)
			m := must(Compose(a, o))
			if !m.Encrypted {
				t.Error("not marked as encrypted")
			}
			if err := passes(m.Raw, o.DKIM); err != nil {
				t.Errorf("signature: %v", err)
			}
			in := decrypted(t, m, key)
			if in.text != clear.text || !bytes.Equal(in.parts["xarf.json"], a.XARF) || len(in.parts) != len(clear.parts) {
				t.Errorf("inside is something else: %q", in.text)
			}
			// Outside: whose case it is, and nothing of what it is about.
			e, err := message.Read(bytes.NewReader(m.Raw))
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Header.Get("Subject"); got != "["+caseID+"] Encrypted message" {
				t.Errorf("Subject: %q", got)
			}
			for _, word := range []string{"hish", "examplebank", "XARF", "xarf", "evidence"} {
				if bytes.Contains(m.Raw, []byte(word)) {
					t.Errorf("%q is outside", word)
				}
			}
			for line := range bytes.Lines(m.Raw) {
				if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsAny(line[:len(line)-2], "\r\n") {
					t.Fatalf("a line that mail does not allow: %.80q", line)
				}
			}
			if other, _ := pgpKey(t, conf); other != nil {
				block, err := armor.Decode(bytes.NewReader(m.Raw[bytes.Index(m.Raw, []byte("-----BEGIN PGP MESSAGE")):]))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := openpgp.ReadMessage(block.Body, openpgp.EntityList{other}, nil, nil); err == nil {
					t.Error("another key opens it")
				}
			}
		})
	}
}

func TestPGPUnusable(t *testing.T) {
	good := packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	month := good
	month.KeyLifetimeSecs = 7 * 24 * 3600
	later := good
	later.Time = func() time.Time { return written.AddDate(1, 0, 0) }
	key, public := pgpKey(t, good)
	_, expired := pgpKey(t, month)
	_, future := pgpKey(t, later)
	_, signOnly := pgpKey(t, good, func(e *openpgp.Entity) { e.Subkeys = nil })
	_, revoked := pgpKey(t, good, func(e *openpgp.Entity) {
		if err := e.RevokeKey(packet.KeyCompromised, "lost", &packet.Config{Time: func() time.Time { return written.AddDate(0, 0, -1) }}); err != nil {
			t.Fatal(err)
		}
	})
	_, noSub := pgpKey(t, good, func(e *openpgp.Entity) {
		if err := e.RevokeSubkey(&e.Subkeys[0], packet.KeyCompromised, "lost", &packet.Config{Time: func() time.Time { return written.AddDate(0, 0, -1) }}); err != nil {
			t.Fatal(err)
		}
	})
	two := armored(t, openpgp.PublicKeyType, func(w io.Writer) error {
		if err := key.Serialize(w); err != nil {
			return err
		}
		return key.Serialize(w)
	})
	private := armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return key.SerializePrivateWithoutSigning(w, nil) })
	for what, tc := range map[string]struct{ key, reason string }{
		"nonsense":          {"hello", "is not an armored"},
		"broken":            {strings.Replace(public, "\n\n", "\n\nAAAA", 1), ""},
		"expired":           {expired, "is not valid at 2026-03-04"},
		"of the future":     {future, "is not valid at 2026-03-04"},
		"cannot encrypt":    {signOnly, "has no key in it that encrypts"},
		"subkey revoked":    {noSub, "has no key in it that encrypts"},
		"revoked":           {revoked, "has been revoked"},
		"two keys":          {two, "holds 2 keys"},
		"a private key":     {private, "is a private key"},
		"more than anybody": {strings.Repeat("x", maxPGPKey+1), "octets long"},
	} {
		t.Run(what, func(t *testing.T) {
			a, o := ask(), options()
			plain := must(Compose(a, o))
			a.PGPKey = tc.key
			_, err := Compose(a, o)
			var pe *problem.Error
			if !errors.As(err, &pe) || pe.Code != problem.Invalid || len(pe.Fields) != 1 || pe.Fields[0].Path != "pgp_key" || !strings.Contains(pe.Fields[0].Reason, tc.reason) {
				t.Fatalf("%v", err)
			}
			o.PGPFallback = true
			m, err := Compose(a, o)
			if err != nil || m.Encrypted || !bytes.Equal(m.Raw, plain.Raw) {
				t.Errorf("the fallback is not the message in the clear: %v", err)
			}
		})
	}
}

// TestPGPRandom: without randomness nothing is encrypted, and nothing leaves in
// the clear by accident.
func TestPGPRandom(t *testing.T) {
	_, public := pgpKey(t, packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	a, o := ask(), options()
	a.PGPKey, o.Random = public, strings.NewReader("")
	if m, err := Compose(a, o); err == nil {
		t.Errorf("%+v", m.Encrypted)
	}
	o.Random = rand.Reader
	if bytes.Equal(must(Compose(a, o)).Raw, must(Compose(a, o)).Raw) {
		t.Error("the same bytes twice")
	}
}

func FuzzPGPKey(f *testing.F) {
	_, public := pgpKey(f, packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	f.Add(public)
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := recipientKey(s, written)
		if (k == nil) != (err != nil) {
			t.Fatal("a key and an error")
		}
		if err != nil {
			return
		}
		a, o := ask(), options()
		a.PGPKey = s
		if m, err := Compose(a, o); err == nil && (!m.Encrypted || bytes.Contains(m.Raw, []byte("examplebank"))) {
			t.Fatal("in the clear")
		}
	})
}
