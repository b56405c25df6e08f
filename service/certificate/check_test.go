package certificate_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/service/certificate/certtest"
)

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func curveKey(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func TestImportChecks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	root := certtest.NewAuthority(t, "Root")
	sub := root.Under(t, "Sub")
	subsub := sub.Under(t, "Subsub")
	other := certtest.NewAuthority(t, "Other")
	leaf := sub.Sign(t, certtest.Leaf{})
	self := certtest.SelfSigned(t, certtest.Leaf{})
	rsa2048 := rsaKey(t, 2048)
	ofRSA := certtest.SelfSigned(t, certtest.Leaf{Key: rsa2048})
	small := certtest.SelfSigned(t, certtest.Leaf{Key: rsaKey(t, 1024)})
	odd := certtest.SelfSigned(t, certtest.Leaf{Key: rsaKey(t, 2056)})
	p384 := certtest.SelfSigned(t, certtest.Leaf{Key: curveKey(t, elliptic.P384())})
	p521 := certtest.SelfSigned(t, certtest.Leaf{Key: curveKey(t, elliptic.P521())})
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed := certtest.SelfSigned(t, certtest.Leaf{Key: edKey})
	expired := certtest.SelfSigned(t, certtest.Leaf{NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(-time.Hour)})
	future := certtest.SelfSigned(t, certtest.Leaf{NotBefore: now.Add(time.Hour)})
	ecDER, err := x509.MarshalECPrivateKey(self.Signer.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 this is what must be refused
	encrypted, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", ecDER, []byte("secret"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	const (
		notPEM    = "Unable to parse certificate. Please ensure the certificate is in PEM format."
		notKey    = "Passed PEM was not a private key."
		length    = "The private key length is not supported for key algorithm."
		noMatch   = "Could not validate the certificate with the certificate chain."
		badOrder  = "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: "
		badChain  = "The certificate chain provided is not in a valid PEM format."
		secretKey = "Your private key should not be encrypted."
	)
	for _, tt := range []struct {
		name             string
		cert, key, chain []byte
		refusal          string
	}{
		{"self-signed", self.Cert, self.Key, nil, ""},
		{"self-signed with itself as its chain", self.Cert, self.Key, self.Cert, noMatch},
		{"RSA", ofRSA.Cert, ofRSA.Key, nil, ""},
		{"RSA in PKCS #1", ofRSA.Cert, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048)), nil, ""},
		{"P-384", p384.Cert, p384.Key, nil, ""},
		{"key in SEC 1, behind its parameters", self.Cert, join(block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), block("EC PRIVATE KEY", ecDER)), nil, ""},
		{"one signer", leaf.Cert, leaf.Key, sub.Cert, ""},
		{"two signers", leaf.Cert, leaf.Key, join(sub.Cert, root.Cert), ""},
		{"notes before the blocks", join([]byte("subject=CN = example.test\n"), leaf.Cert), leaf.Key, join([]byte("\n\nissuer\n"), sub.Cert, []byte("\n\n"), root.Cert, []byte("\n")), ""},
		{"CRLF", []byte(strings.ReplaceAll(string(self.Cert), "\n", "\r\n")), []byte(strings.ReplaceAll(string(self.Key), "\n", "\r\n")), nil, ""},

		{"no chain", leaf.Cert, leaf.Key, nil, "Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain."},
		{"chain of others", leaf.Cert, leaf.Key, other.Cert, noMatch},
		{"chain begins too high", leaf.Cert, leaf.Key, root.Cert, noMatch},
		{"wrong order", leaf.Cert, leaf.Key, join(root.Cert, sub.Cert), badOrder + "0"},
		{"a link is missing", subsub.Sign(t, certtest.Leaf{}).Cert, nil, nil, ""}, // filled below
		{"leaf in its chain", leaf.Cert, leaf.Key, join(leaf.Cert, sub.Cert), badOrder + "0"},
		{"stranger behind the chain", leaf.Cert, leaf.Key, join(sub.Cert, other.Cert), badOrder + "1"},
		{"chain is garbage", leaf.Cert, leaf.Key, []byte("garbage"), badChain},
		{"chain is a key", leaf.Cert, leaf.Key, leaf.Key, badChain},
		{"chain is cut", leaf.Cert, leaf.Key, join(sub.Cert, root.Cert[:100]), badChain},

		{"expired", expired.Cert, expired.Key, nil, "The certificate has expired, is not valid."},
		{"not yet valid", future.Cert, future.Key, nil, "The certificate is not in effect yet, is not valid."},
		{"key of another", self.Cert, leaf.Key, nil, "The private key does not match the public key in the certificate."},
		{"key of another kind", self.Cert, ofRSA.Key, nil, "The private key does not match the public key in the certificate."},
		{"garbage", []byte("hello"), self.Key, nil, notPEM},
		{"cut", self.Cert[:len(self.Cert)/2], self.Key, nil, notPEM},
		{"key for a certificate", self.Key, self.Key, nil, notPEM},
		{"not DER", block("CERTIFICATE", []byte("hello")), self.Key, nil, notPEM},
		{"two certificates", join(leaf.Cert, sub.Cert), leaf.Key, nil, "The certificate field contains more than one certificate. You can specify only one certificate in this field."},
		{"certificate for a key", self.Cert, self.Cert, nil, notKey},
		{"garbage for a key", self.Cert, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), nil, notKey},
		{"nothing for a key", self.Cert, []byte("hello"), nil, notKey},
		{"encrypted key", self.Cert, pem.EncodeToMemory(encrypted), nil, secretKey},
		{"encrypted key in PKCS #8", self.Cert, block("ENCRYPTED PRIVATE KEY", ecDER), nil, secretKey},
		{"RSA of 1024 bits", small.Cert, small.Key, nil, length},
		{"RSA of 2056 bits", odd.Cert, odd.Key, nil, length},
		{"P-521", p521.Cert, p521.Key, nil, length},
		{"Ed25519", ed.Cert, ed.Key, nil, length},
		{"Ed25519 key", self.Cert, ed.Key, nil, "The private key is not supported."},
	} {
		if tt.name == "a link is missing" {
			p := subsub.Sign(t, certtest.Leaf{})
			tt.cert, tt.key, tt.chain, tt.refusal = p.Cert, p.Key, join(subsub.Cert, root.Cert), badOrder+"1"
		}
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, nil)
			arn, err := n.Import(t.Context(), certificate.Import{Certificate: tt.cert, PrivateKey: tt.key, Chain: tt.chain})
			if tt.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				c, ok := n.Certificate(arn)
				if !ok || c.TLS() == nil || len(c.TLS().Certificate) != 1+strings.Count(string(tt.chain), "BEGIN") || c.Status() != certificate.Issued || !c.Covers("example.test") {
					t.Errorf("%+v", c)
				}
				return
			}
			if err == nil || err.Error() != tt.refusal || sockgate.KindOf(err) != sockgate.Invalid {
				t.Errorf("got  %v\nwant %s", err, tt.refusal)
			}
			if all, _ := n.List(t.Context()); len(all) != 0 {
				t.Error("it was stored")
			}
		})
	}
}

func TestImportedChainThatHasExpired(t *testing.T) {
	root := certtest.NewAuthority(t, "Root")
	leaf := root.Sign(t, certtest.Leaf{NotAfter: time.Now().AddDate(9, 0, 0)})
	n := newNode(t, nil)
	n.now = time.Now().AddDate(6, 0, 0)
	_, err := n.Import(t.Context(), certificate.Import{Certificate: leaf.Cert, PrivateKey: leaf.Key, Chain: root.Cert})
	if err == nil || err.Error() != "The certificate chain has expired, is not valid." {
		t.Error(err)
	}
}

func TestCovers(t *testing.T) {
	n := newNode(t, nil)
	p := certtest.SelfSigned(t, certtest.Leaf{Names: []string{"Example.test", "*.Example.test", "*.deep.a.test"}})
	arn, err := n.Import(t.Context(), certificate.Import{Certificate: p.Cert, PrivateKey: p.Key})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := n.Certificate(arn)
	for name, want := range map[string]bool{
		"example.test": true, "EXAMPLE.test.": true, "a.example.test": true, "*.example.test": true, "a.b.example.test": false, "*.a.example.test": false,
		"x.deep.a.test": true, "deep.a.test": false, "test": false, "": false, "*.test": false,
	} {
		if c.Covers(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"example.test": true, "A.EXAMPLE.test": true, "a.b.example.test": false, "other.test": false, "": false} {
		if got := n.ForName(name); (got != nil) != want {
			t.Errorf("certificate for %q: %v", name, got != nil)
		}
	}
}

func FuzzImport(f *testing.F) {
	self := certtest.SelfSigned(f, certtest.Leaf{})
	root := certtest.NewAuthority(f, "Root")
	leaf := root.Sign(f, certtest.Leaf{})
	f.Add(self.Cert, self.Key, []byte(nil))
	f.Add(leaf.Cert, leaf.Key, root.Cert)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"), []byte("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----"), []byte("-----BEGIN"))
	var n *node // one for all: making keys each time would show the fuzzer coverage that has nothing to do with the input
	f.Fuzz(func(t *testing.T, cert, key, chain []byte) {
		if n == nil {
			n = newNode(t, nil)
		}
		arn, err := n.Import(t.Context(), certificate.Import{Certificate: cert, PrivateKey: key, Chain: chain})
		if err != nil {
			if sockgate.KindOf(err) != sockgate.Invalid {
				t.Error(err)
			}
			return
		}
		if c, ok := n.Certificate(arn); !ok || c.TLS() == nil {
			t.Error("it was accepted and cannot be served")
		}
		if err := n.Delete(t.Context(), arn); err != nil {
			t.Error(err)
		}
	})
}
