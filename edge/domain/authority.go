package domain

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sockgate/sockgate"
)

// The authority's files.
const (
	CertFile = "ca.pem"
	keyFile  = "ca.key"
)

// authority is a certificate and its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// loadAuthority reads the authority in dir, or makes it where nothing is. The key is written first: a crash in between
// leaves a key without a certificate, and the next call makes one for it.
func loadAuthority(dir string, now time.Time) (*authority, error) {
	keyPath, certPath := filepath.Join(dir, keyFile), filepath.Join(dir, CertFile)
	key, err := readKey(keyPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(certPath); err == nil {
			return nil, damaged(keyPath, errors.New("file is missing, while "+CertFile+" exists"))
		}
		if key, err = makeKey(keyPath); err != nil {
			return nil, sockgate.Internalf("make local certificate authority: %w", err)
		}
	case err != nil:
		return nil, damaged(keyPath, err)
	}
	cert, err := readCert(certPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if cert, err = makeCert(certPath, key, now); err != nil {
			return nil, sockgate.Internalf("make local certificate authority: %w", err)
		}
	case err != nil:
		return nil, damaged(certPath, err)
	}
	switch {
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, damaged(certPath, errors.New("certificate does not belong to the key in "+keyFile))
	case !cert.IsCA:
		return nil, damaged(certPath, errors.New("certificate is not an authority's"))
	case now.After(cert.NotAfter):
		return nil, damaged(certPath, fmt.Errorf("certificate expired on %s", cert.NotAfter.Format(time.DateOnly)))
	}
	return &authority{cert: cert, key: key}, nil
}

func damaged(path string, err error) error {
	return sockgate.Internalf("local certificate authority: %s: %w; restore it, or remove %s and %s to have a new authority made",
		path, err, CertFile, keyFile)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return key, nil
}

func readCert(path string) (*x509.Certificate, error) {
	der, err := readPEM(path, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func readPEM(path, kind string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("no PEM block of type %s", kind)
	}
	return block.Bytes, nil
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(path, "PRIVATE KEY", der, 0o600)
}

func makeCert(path string, key *ecdsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: "Sockgate local authority"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it signs servers' certificates, no authorities
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(path, "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// writePEM makes the file whole or not at all.
func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails when all went well: it has its final name then
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
