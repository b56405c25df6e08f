package domain

import (
	"crypto/tls"

	"github.com/sockgate/sockgate"
)

// TLS is what the gateway's handshakes are made with. Every function may be nil; each is called for each handshake, by many goroutines.
type TLS struct {
	// Challenge returns the certificate for a handshake by which an ACME authority checks a name, and whether hello is one.
	Challenge func(*tls.ClientHelloInfo) (*tls.Certificate, bool)
	// ForName return the certificate for a name that the client asks for, or nil. They are asked in their order.
	ForName []func(name string) *tls.Certificate
	// Authority makes certificates for all other names.
	Authority *LocalCA
}

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption. Those of TLS 1.3 are all good.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config returns the configuration of a port: TLS 1.2 or later, modern suites, HTTP/1.1 only. Its session tickets are sealed with keys
// that crypto/tls makes and changes every day, which is so as long as nobody clones it for each connection.
// Errors, a damaged local authority among them, fail the handshakes.
func (t *TLS) Config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: []string{"http/1.1"}}
	c.GetCertificate = t.Certificate
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if t.Challenge != nil {
			if cert, ok := t.Challenge(hello); ok {
				return challengeConfig(hello, cert)
			}
		}
		return nil, nil // the configuration that this function belongs to
	}
	return c
}

// Certificate returns the certificate for a handshake.
func (t *TLS) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName != "" {
		for _, find := range t.ForName {
			if c := find(hello.ServerName); c != nil {
				return c, nil
			}
		}
	}
	return t.Authority.Certificate(hello)
}

// challengeConfig serves one handshake, behind which nothing follows.
func challengeConfig(hello *tls.ClientHelloInfo, cert *tls.Certificate) (*tls.Config, error) {
	if cert == nil {
		return nil, sockgate.NotFoundf("no ACME challenge is open for %q", hello.ServerName)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: hello.SupportedProtos, Certificates: []tls.Certificate{*cert}, SessionTicketsDisabled: true,
	}, nil
}
