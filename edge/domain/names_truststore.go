package domain

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/sockgate/sockgate"
)

// Bounds of a truststore. Source: API Gateway Developer Guide, quotas of mutual TLS: 1,000 certificates, an object of up to 1 MB.
const (
	maxTruststore      = 1 << 20 // bytes
	maxTruststoreCerts = 1000
	maxWarnings        = 20
)

// readTruststore reads the authorities of a truststore: certificates in PEM form. One that is damaged, out of date or weak is left
// out or kept as the warning says, and stops nothing, as on AWS; a bundle in which no good one is left is an error.
func readTruststore(bundle []byte, now time.Time) (certs []*x509.Certificate, warnings []string, err error) {
	if len(bundle) > maxTruststore {
		return nil, nil, sockgate.Invalidf("The truststore is larger than %d bytes", maxTruststore)
	}
	warn := func(n int, format string, args ...any) {
		if len(warnings) < maxWarnings {
			warnings = append(warnings, fmt.Sprintf("Certificate %d of the truststore %s", n, fmt.Sprintf(format, args...)))
		}
	}
	seen := 0
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if seen++; seen > maxTruststoreCerts {
			return nil, nil, sockgate.Invalidf("The truststore has more than %d certificates", maxTruststoreCerts)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			warn(seen, "cannot be read")
			continue
		}
		if fault := weakness(c); fault != "" {
			warn(seen, "%s: %s", fault, c.Subject)
			continue
		}
		switch {
		case now.After(c.NotAfter):
			warn(seen, "expired on %s: %s", c.NotAfter.UTC().Format(time.DateOnly), c.Subject)
		case now.Before(c.NotBefore):
			warn(seen, "is not valid before %s: %s", c.NotBefore.UTC().Format(time.DateOnly), c.Subject)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, nil, sockgate.Invalidf("The truststore has no certificate that can be used. It must be certificates in PEM form.")
	}
	return certs, warnings, nil
}

// weakness says in what way a certificate is too weak, or "". The rule: SHA-256 or stronger, RSA of 2048 bits or more, ECDSA of 256.
// Source: API Gateway Developer Guide, "Configuring your truststore". Ed25519, which the guide does not name, is taken.
func weakness(c *x509.Certificate) string {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1, x509.UnknownSignatureAlgorithm:
		return "has a signature that is weaker than SHA-256"
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return "has an RSA key of less than 2048 bits"
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return "has an ECDSA key of less than 256 bits"
		}
	case ed25519.PublicKey:
	default:
		return "has a key of an unknown kind"
	}
	return ""
}
