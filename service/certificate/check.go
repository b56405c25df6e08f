package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// maxChain bounds the certificates of a chain. Ours: AWS bounds its bytes only, and clients take far fewer.
const maxChain = 20

// pair is a certificate that was found good, and its key.
type pair struct {
	leaf              *x509.Certificate
	leafPEM, chainPEM string // as they were sent; the chain may be empty
	keyPKCS8          []byte
}

// check reads what was sent and finds out whether a server can use it. Source: ACM User Guide, "Prerequisites for importing certificates". The texts are those
// that AWS lists in "Why can't I import a third-party certificate", or that users quote; UNCONFIRMED are those about the match of key and
// certificate, issuers, and versions.
func check(in Import, now time.Time) (*pair, error) {
	leaf, err := readLeaf(in.Certificate, now)
	if err != nil {
		return nil, err
	}
	key, err := readKey(in.PrivateKey)
	if err != nil {
		return nil, err
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(leaf.PublicKey) {
		return nil, sockgate.Invalidf("The private key does not match the public key in the certificate.")
	}
	if err := checkChain(leaf, in.Chain, now); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, sockgate.Internalf("encode private key: %w", err)
	}
	return &pair{leaf: leaf, leafPEM: string(in.Certificate), chainPEM: string(in.Chain), keyPKCS8: der}, nil
}

func readLeaf(text []byte, now time.Time) (*x509.Certificate, error) {
	certs, ok := readCertificates(text, maxChain)
	switch {
	case !ok:
		return nil, sockgate.Invalidf("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	case len(certs) > 1:
		return nil, sockgate.Invalidf("The certificate field contains more than one certificate. You can specify only one certificate in this field.")
	}
	leaf := certs[0]
	switch {
	case now.After(leaf.NotAfter):
		return nil, sockgate.Invalidf("The certificate has expired, is not valid.")
	case now.Before(leaf.NotBefore):
		return nil, sockgate.Invalidf("The certificate is not in effect yet, is not valid.")
	case leaf.Version != 3:
		return nil, sockgate.Invalidf("The certificate is not an X.509 version 3 certificate.")
	case len(leaf.Issuer.Names) == 0:
		return nil, sockgate.Invalidf("The Issuer field of the certificate must not be empty.")
	case len(namesOf(leaf)) == 0 && len(leaf.IPAddresses) == 0:
		return nil, sockgate.Invalidf("The certificate must have at least one domain name.")
	}
	if Algorithm(leaf) == "" {
		return nil, sockgate.Invalidf("The private key length is not supported for key algorithm.")
	}
	return leaf, nil
}

// readCertificates reads PEM blocks of certificates and nothing else but white space and the notes that tools leave before a block. ok is
// false when there is none, anything else, or more than max.
func readCertificates(text []byte, max int) (certs []*x509.Certificate, ok bool) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(certs) == max {
			return nil, false
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, false
		}
		certs, text = append(certs, c), rest
	}
	return certs, len(certs) > 0 && !bytes.Contains(text, []byte("-----BEGIN"))
}

// readKey reads a private key in one of the forms that OpenSSL writes.
func readKey(text []byte) (crypto.Signer, error) {
	block := firstKey(text)
	if block == nil {
		return nil, sockgate.Invalidf("Passed PEM was not a private key.")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, sockgate.Invalidf("Your private key should not be encrypted.")
	}
	key, err := parseKey(block)
	if err != nil {
		return nil, sockgate.Invalidf("Passed PEM was not a private key.") // without the cause, which could quote it
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if n := k.N.BitLen(); n != 2048 && n != 3072 && n != 4096 {
			return nil, sockgate.Invalidf("The private key length is not supported for key algorithm.")
		}
		return k, nil
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
			return nil, sockgate.Invalidf("The private key length is not supported for key algorithm.")
		}
		return k, nil
	}
	return nil, sockgate.Invalidf("The private key is not supported.")
}

// firstKey returns the first block that is not the curve's name, which OpenSSL writes before keys of curves.
func firstKey(text []byte) *pem.Block {
	for {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "EC PARAMETERS" {
			return block
		}
		text = rest
	}
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// checkChain finds out whether each certificate is signed by the next. A self-signed certificate needs no chain.
func checkChain(leaf *x509.Certificate, text []byte, now time.Time) error {
	if len(text) == 0 {
		if !bytes.Equal(leaf.RawIssuer, leaf.RawSubject) || leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) != nil {
			return sockgate.Invalidf("Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain.")
		}
		return nil
	}
	certs, ok := readCertificates(text, maxChain)
	if !ok {
		return sockgate.Invalidf("The certificate chain provided is not in a valid PEM format.")
	}
	below := leaf
	for i, c := range certs {
		if err := below.CheckSignatureFrom(c); err != nil || !bytes.Equal(below.RawIssuer, c.RawSubject) {
			if i == 0 && !signedByAny(leaf, certs) {
				return sockgate.Invalidf("Could not validate the certificate with the certificate chain.")
			}
			return sockgate.Invalidf("Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, "+
				"followed by any intermediaries in order. The index within the chain of the invalid certificate is: %d", i)
		}
		if now.After(c.NotAfter) {
			return sockgate.Invalidf("The certificate chain has expired, is not valid.")
		}
		if now.Before(c.NotBefore) {
			return sockgate.Invalidf("The certificate chain is not in effect yet, is not valid.")
		}
		below = c
	}
	return nil
}

func signedByAny(leaf *x509.Certificate, certs []*x509.Certificate) bool {
	for _, c := range certs {
		if leaf.CheckSignatureFrom(c) == nil {
			return true
		}
	}
	return false
}

// Algorithm returns the kind of a certificate's key in ACM's words, or "" for one that is not served.
func Algorithm(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		switch k.N.BitLen() {
		case 2048:
			return RSA2048
		case 3072:
			return "RSA_3072"
		case 4096:
			return "RSA_4096"
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return P256
		case elliptic.P384():
			return P384
		}
	}
	return ""
}

// The kinds of keys that certificates can be requested with.
const (
	RSA2048 = "RSA_2048"
	P256    = "EC_prime256v1"
	P384    = "EC_secp384r1"
)
