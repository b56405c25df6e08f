// Package certtest makes certificates for tests: authorities, what they sign, and all kinds of certificates that nobody should accept.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"
)

// Pair is a certificate and its key, in PEM.
type Pair struct {
	Cert, Key []byte
	Parsed    *x509.Certificate
	Signer    crypto.Signer
}

// Leaf says what a certificate is to be like. The zero value of each member is good for most tests.
type Leaf struct {
	Names               []string           // "example.test"
	Key                 crypto.Signer      // a P-256 key
	NotBefore, NotAfter time.Time          // an hour ago, in 90 days
	Usage               x509.KeyUsage      // digital signature
	Extended            []x509.ExtKeyUsage // a server's
	Subject             *pkix.Name         // the first name
}

// Authority signs certificates.
type Authority struct{ Pair }

// NewAuthority returns a root authority.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	return newAuthority(t, name, nil)
}

// Under returns an authority that a signs.
func (a *Authority) Under(t testing.TB, name string) *Authority {
	t.Helper()
	return newAuthority(t, name, a)
}

func newAuthority(t testing.TB, name string, by *Authority) *Authority {
	t.Helper()
	a := &Authority{}
	a.Signer = P256(t)
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{name}, CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	signer := by
	if by == nil {
		a.Parsed, signer = template, a
	}
	a.finish(t, template, signer)
	return a
}

// Pool returns a pool with the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Parsed)
	return pool
}

// Sign returns a certificate that a signs.
func (a *Authority) Sign(t testing.TB, l Leaf) *Pair {
	t.Helper()
	p := &Pair{Signer: l.Key}
	p.finish(t, l.fill(t, p), a)
	return p
}

// SelfSigned returns a certificate that signs itself.
func SelfSigned(t testing.TB, l Leaf) *Pair {
	t.Helper()
	p := &Pair{Signer: l.Key}
	template := l.fill(t, p)
	p.Parsed = template
	p.finish(t, template, &Authority{*p})
	return p
}

func (l Leaf) fill(t testing.TB, p *Pair) *x509.Certificate {
	t.Helper()
	if l.Names == nil {
		l.Names = []string{"example.test"}
	}
	if p.Signer == nil {
		p.Signer = P256(t)
	}
	if l.NotBefore.IsZero() {
		l.NotBefore = time.Now().Add(-time.Hour)
	}
	if l.NotAfter.IsZero() {
		l.NotAfter = time.Now().AddDate(0, 0, 90)
	}
	if l.Usage == 0 {
		l.Usage = x509.KeyUsageDigitalSignature
	}
	if l.Extended == nil {
		l.Extended = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	subject := pkix.Name{CommonName: l.Names[0]}
	if l.Subject != nil {
		subject = *l.Subject
	}
	return &x509.Certificate{SerialNumber: serial(), Subject: subject, NotBefore: l.NotBefore, NotAfter: l.NotAfter, KeyUsage: l.Usage, ExtKeyUsage: l.Extended, DNSNames: l.Names}
}

func (p *Pair) finish(t testing.TB, template *x509.Certificate, by *Authority) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by.Parsed, p.Signer.Public(), by.Signer)
	if err == nil {
		p.Parsed, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if key, err := x509.MarshalPKCS8PrivateKey(p.Signer); err == nil { // or else its private half is elsewhere
		p.Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	}
}

// P256 returns a new key.
func P256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var serials struct {
	sync.Mutex
	last int64
}

func serial() *big.Int {
	serials.Lock()
	defer serials.Unlock()
	serials.last++
	return big.NewInt(0xabc00 + serials.last)
}
