package email

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"bailiwick/problem"

	"github.com/emersion/go-msgauth/dkim"
	"pgregory.net/rapid"
)

// edSeed is a key for tests only.
const edSeed = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`

func edSigner(t testing.TB) *Signer {
	t.Helper()
	s, err := NewSigner("centre.example", "s1", []byte(edSeed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verify checks a message with an independent library that knows the records
// of the signers.
func verify(raw []byte, signers ...*Signer) ([]*dkim.Verification, error) {
	return dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(n string) ([]string, error) {
		for _, s := range signers {
			if owner, value := s.Record(); owner == n {
				return []string{value}, nil
			}
		}
		return nil, &net.DNSError{Err: "no such host", Name: n, IsNotFound: true}
	}})
}

func passes(raw []byte, s *Signer) error {
	v, err := verify(raw, s)
	switch {
	case err != nil:
		return err
	case len(v) != 1:
		return errors.New("not one signature")
	}
	return v[0].Err
}

func TestDKIM(t *testing.T) {
	rsaPEM, err := NewDKIMKey(KeyRSA)
	if err != nil {
		t.Fatal(err)
	}
	edPEM, err := NewDKIMKey(KeyEd25519)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(rsaPEM)
	pkcs8, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pkcs8.(*rsa.PrivateKey))})
	for what, key := range map[string][]byte{"ed25519": edPEM, "ed25519 fixed": []byte(edSeed), "rsa": rsaPEM, "rsa PKCS #1": pkcs1} {
		t.Run(what, func(t *testing.T) {
			s, err := NewSigner("Centre.example", "s1", key)
			if err != nil {
				t.Fatal(err)
			}
			o := options()
			o.DKIM = s
			a := ask()
			a.PreviousMessageIDs = []string{"one@reply.centre.example"}
			a.PartyName = "Größte Bank mit einem Namen, der länger ist als eine Zeile sein darf und deshalb gefaltet wird"
			m := must(Compose(a, o))
			if err := passes(m.Raw, s); err != nil {
				t.Fatalf("%v\n%s", err, m.Raw)
			}
			if again := must(Compose(a, o)); !bytes.Equal(again.Raw, m.Raw) {
				t.Error("not the same bytes twice")
			}
			o.DKIM = nil
			if plain := must(Compose(a, o)); !bytes.HasSuffix(m.Raw, plain.Raw) {
				t.Error("signing changes more than the top")
			}
			v, _ := verify(m.Raw, s)
			if v[0].Domain != "centre.example" || !v[0].Time.Equal(written) || !v[0].Expiration.IsZero() {
				t.Errorf("%+v", v[0])
			}
			// Whatever a reader trusts can neither be changed nor added.
			for _, f := range []string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Auto-Submitted"} {
				if err := passes(append([]byte(f+": x@evil.example\r\n"), m.Raw...), s); err == nil {
					t.Errorf("a second %s can be added", f)
				}
			}
			for _, change := range [][2]string{{"soc@centre.example", "soc@evil.example"}, {"abuse@reg.example", "abuse@evil.example"}, {"auto-generated", "no"}, {"04 Mar 2026", "05 Mar 2026"},
				{"one@reply", "two@reply"}, {"asks you to act", "tells you a joke"}, {"multipart/mixed", "multipart/alternative"}} {
				changed := bytes.Replace(m.Raw, []byte(change[0]), []byte(change[1]), 1)
				if bytes.Equal(changed, m.Raw) {
					t.Fatalf("%q is not there", change[0])
				}
				if err := passes(changed, s); err == nil {
					t.Errorf("%q can become %q", change[0], change[1])
				}
			}
			if err := passes(append(bytes.Clone(m.Raw), "more\r\n"...), s); err == nil {
				t.Error("text can be added at the end")
			}
			// What servers on the way do to a mail does no harm.
			tidy := bytes.ReplaceAll(m.Raw, []byte("Subject: "), []byte("subject:   "))
			tidy = append([]byte("Received: from a.example by b.example; Wed, 4 Mar 2026 10:31:00 +0000\r\n"), append(tidy, "\r\n\r\n"...)...)
			if err := passes(tidy, s); err != nil {
				t.Errorf("broken by a tidy server: %v", err)
			}
		})
	}
}

func TestDKIMErrors(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	in := func(k any) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(k))})
	}
	for _, tc := range []struct {
		domain, selector string
		key              []byte
		path, reason     string
	}{
		{"localhost", "s1", []byte(edSeed), "domain", "is not a domain name"},
		{"centre.example", "", []byte(edSeed), "selector", "labels"},
		{"centre.example", "s1; l=0", []byte(edSeed), "selector", "labels"},
		{"centre.example", "s1", nil, "key", "is not PEM"},
		{"centre.example", "s1", []byte(strings.Replace(edSeed, "MC4C", "MC4D", 1)), "key", "cannot be read"},
		{"centre.example", "s1", []byte(strings.ReplaceAll(edSeed, "PRIVATE", "ENCRYPTED PRIVATE")), "key", "without a pass phrase"},
		{"centre.example", "s1", in(weak), "key", "has 1024 bits"},
		{"centre.example", "s1", in(ec), "key", "neither"},
	} {
		_, err := NewSigner(tc.domain, tc.selector, tc.key)
		var pe *problem.Error
		if !errors.As(err, &pe) || pe.Code != problem.Invalid || pe.Fields[0].Path != tc.path || !strings.Contains(pe.Fields[0].Reason, tc.reason) {
			t.Errorf("%s %s: %v", tc.path, tc.reason, err)
		}
		if err != nil && strings.Contains(err.Error(), "AAECAwQF") {
			t.Error("the key is in the error")
		}
	}
	if _, err := NewDKIMKey("dsa"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("%v", err)
	}
	o := options()
	o.DKIM = edSigner(t)
	o.From = "soc@other.example"
	_, err = Compose(ask(), o)
	var pe *problem.Error
	if !errors.As(err, &pe) || pe.Fields[0].Path != "options.dkim" {
		t.Errorf("a signature that vouches for nobody: %v", err)
	}
	o.From = "soc@mail.centre.example"
	if _, err := Compose(ask(), o); err != nil {
		t.Errorf("a subdomain: %v", err)
	}
}

// TestDKIMGolden: a key and a message give these octets, so that no change to
// what is signed passes unseen.
func TestDKIMGolden(t *testing.T) {
	owner, value := edSigner(t).Record()
	if owner != "s1._domainkey.centre.example" || value != "v=DKIM1; k=ed25519; p=A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=" {
		t.Errorf("%s %s", owner, value)
	}
	o := options()
	o.DKIM = edSigner(t)
	golden(t, "ask-signed.eml", must(Compose(ask(), o)).Raw)
}

// TestDKIMAny: any message of ours, signed, verifies.
func TestDKIMAny(t *testing.T) {
	s := edSigner(t)
	rapid.Check(t, func(t *rapid.T) {
		h := hostile()
		a := ask()
		a.PartyName, a.Asked, a.Why = h.Draw(t, "party"), h.Draw(t, "asked"), rapid.SliceOfN(h, 0, 3).Draw(t, "why")
		a.PreviousMessageIDs = rapid.SliceOfN(h, 0, 3).Draw(t, "ids")
		o := options()
		o.FromName, o.DKIM = h.Draw(t, "from name"), s
		m := must(Compose(a, o))
		if err := passes(m.Raw, s); err != nil {
			t.Fatalf("%v\n%s", err, m.Raw)
		}
		for line := range bytes.Lines(m.Raw) {
			if len(line) > 1000 || bytes.HasPrefix(line, []byte(" ")) && len(line) > 120 && bytes.Contains(line, []byte("from:from")) {
				t.Fatalf("a long line: %s", line)
			}
		}
	})
}

// FuzzDKIM holds our own canonical forms against the library's: whatever the
// message, what we sign it verifies.
func FuzzDKIM(f *testing.F) {
	f.Add("Subject: x\r\n y\r\n", "a  b \t\r\n\r\n\r\n")
	f.Add("x :  y\t\r\nFrom: c\r\n", "")
	f.Add("To:\r\n", " \r\n")
	f.Add("", "\r\n\r\n")
	s := must(NewSigner("centre.example", "s1", []byte(edSeed)))
	f.Fuzz(func(t *testing.T, head, body string) {
		// Lines as mail has them; the rest is not what a composer writes.
		for _, part := range []string{head, body} {
			if part != "" && !strings.HasSuffix(part, "\r\n") || strings.ContainsAny(strings.ReplaceAll(part, "\r\n", ""), "\r\n") {
				return
			}
		}
		if strings.HasPrefix(head, "\r\n") || strings.Contains(head, "\r\n\r\n") || strings.Contains("\r\n"+strings.ToLower(head), "\r\ndkim-signature") || strings.HasPrefix(head, " ") || strings.HasPrefix(head, "\t") {
			return
		}
		for l := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n"), "\r\n") {
			k, _, ok := strings.Cut(l, ":")
			if head != "" && l[0] != ' ' && l[0] != '\t' && (!ok || strings.Trim(strings.TrimRight(k, " \t"), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || k == "") {
				return
			}
			if strings.ContainsAny(l, "\v\f\u0085\u00a0") || !ascii(l) { // which the library takes for white space
				return
			}
		}
		raw := []byte("From: a@centre.example\r\n" + head + "\r\n" + body)
		sig, err := s.signature(raw, time.Unix(1772620200, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := passes(append(sig, raw...), s); err != nil {
			t.Fatalf("%v\n%q", err, raw)
		}
	})
}
