package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"bailiwick/problem"
)

// authority issues the lab's certificates on demand, dated on the virtual
// clock.
type authority struct {
	now  func() time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	leaf *ecdsa.PrivateKey // shared: the lab shows certificates, not secrecy

	mu     sync.Mutex
	issued map[string]*tls.Certificate
	serial int64
}

func newAuthority(start time.Time, now func() time.Time) (*authority, error) {
	a := &authority{now: now, issued: map[string]*tls.Certificate{}, serial: 1}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
		a.leaf, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the lab's authority has no key")
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Bailiwick Lab CA"},
		NotBefore: start.AddDate(-20, 0, 0), NotAfter: start.AddDate(20, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the lab's authority has no certificate")
	}
	return a, nil
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// certificate is the server's for a host name or address: 90 days, renewed a
// month before it ends.
func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(hello.ServerName)
	if host == "" {
		host = hostOf(hello.Conn.LocalAddr())
	}
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.issued[host]; c != nil && now.Before(c.Leaf.NotAfter.AddDate(0, 0, -30)) && !now.Before(c.Leaf.NotBefore) {
		return c, nil
	}
	if len(a.issued) > 50000 {
		return nil, fmt.Errorf("too many names")
	}
	a.serial++
	t := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: host},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 90),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &a.leaf.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leaf, Leaf: leaf}
	a.issued[host] = c
	return c, nil
}
