package domain

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// maxAuthorities is how many authorities may stand between a client's certificate and the end of its chain, that one included.
// Source: API Gateway Developer Guide, "Configuring your truststore": chains have a length of four.
const maxAuthorities = 4

// maxHints is how many bytes of authorities' names a client is told, to choose a certificate by. A handshake has room for 64 KiB.
const maxHints = 16 << 10

// acmeProtocol is what an ACME server speaks that checks a name by TLS. It shows no certificate.
// Source: RFC 8737, section 3.
const acmeProtocol = "acme-tls/1"

// mutual is what a domain name with mutual TLS asks of its clients.
type mutual struct {
	domain string
	roots  *x509.CertPool
	hints  *x509.CertPool // the same, or nil when their names are too many for a handshake
	now    func() time.Time
	log    *slog.Logger

	once   sync.Once
	config *tls.Config
}

func newMutual(d *sockgate.DomainName, now func() time.Time, log *slog.Logger) *mutual {
	m := &mutual{domain: d.Name, roots: x509.NewCertPool(), now: now, log: log}
	certs, _, err := readTruststore([]byte(d.MutualTLS.Bundle), now())
	if err != nil { // it was checked when it was stored: without it, nobody is let in
		log.Error("the truststore of a domain name cannot be read; its clients are refused", "domain", d.Name, "error", err)
	}
	size := 0
	for _, c := range certs {
		m.roots.AddCert(c)
		size += len(c.RawSubject)
	}
	if size <= maxHints {
		m.hints = m.roots
	}
	return m
}

// Guard makes handshakes under base ask for a client's certificate where the server name is of a domain name with mutual TLS.
// base must not be in use yet.
func (n *Names) Guard(base *tls.Config) {
	before := base.GetConfigForClient
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if name := n.Find(hello.ServerName); name != nil && name.mutual != nil && !slices.Contains(hello.SupportedProtos, acmeProtocol) {
			return name.mutual.tlsConfig(base), nil
		}
		if before != nil {
			return before(hello)
		}
		return nil, nil
	}
}

// tlsConfig is base with a demand for certificates. Sessions are not resumed: a ticket of another name, or of an older truststore,
// would bring its client in without one.
func (m *mutual) tlsConfig(base *tls.Config) *tls.Config {
	m.once.Do(func() {
		c := base.Clone()
		c.GetConfigForClient = nil
		c.SessionTicketsDisabled = true
		c.ClientCAs = m.hints
		c.ClientAuth = tls.RequestClientCert // that there is one is checked below, where a refusal is logged
		c.VerifyConnection = func(state tls.ConnectionState) error { return m.verify(&state) }
		m.config = c
	})
	return m.config
}

var errNoCertificate = errors.New("it showed none")

// verify checks the certificate that a client showed.
func (m *mutual) verify(state *tls.ConnectionState) error {
	err := m.check(state.PeerCertificates)
	if err == nil {
		return nil
	}
	attrs := []any{"domain", m.domain, "why", err}
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		attrs = append(attrs, "subject", leaf.Subject.String(), "serial", serialText(leaf))
	}
	m.log.Info("client certificate refused", attrs...)
	return fmt.Errorf("client certificate refused: %w", err)
}

func (m *mutual) check(shown []*x509.Certificate) error {
	if len(shown) == 0 {
		return errNoCertificate
	}
	between := x509.NewCertPool()
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	now := m.now()
	switch leaf := shown[0]; {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("it expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s", leaf.NotBefore.UTC().Format(time.DateOnly))
	}
	if fault := weakness(shown[0]); fault != "" {
		return errors.New("it " + fault)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{Roots: m.roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return errors.New("no certificate in the truststore has signed it")
	}
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if len(chain)-1 <= maxAuthorities && !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return weakness(c) != "" }) {
			return nil
		}
	}
	return fmt.Errorf("its chain has more than %d authorities, or a weak one", maxAuthorities)
}

// ClientCert returns the certificate of a client that came to a domain name with mutual TLS; nil without mutual TLS.
//
// It is an error when the TLS handshake, if there was one, was for another name: there the client was asked for nothing, or for
// what another truststore knows. The certificate is held against the truststore of now, which may be newer than the connection.
func (n *Names) ClientCert(name *Name, state *tls.ConnectionState) (*sockgate.ClientCert, error) {
	m := name.mutual
	if m == nil {
		return nil, nil
	}
	if state == nil {
		return nil, errors.New("the domain name has mutual TLS and the client came without TLS")
	}
	if at := n.Find(state.ServerName); at == nil || at.Name != name.Name {
		return nil, fmt.Errorf("the domain name has mutual TLS and the TLS handshake was for %q", state.ServerName)
	}
	if err := m.verify(state); err != nil {
		return nil, err
	}
	leaf := state.PeerCertificates[0]
	return &sockgate.ClientCert{
		PEM:          string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})),
		SubjectDN:    leaf.Subject.String(),
		IssuerDN:     leaf.Issuer.String(),
		SerialNumber: serialText(leaf),
		NotBefore:    leaf.NotBefore.UTC().Format(validityFormat),
		NotAfter:     leaf.NotAfter.UTC().Format(validityFormat),
	}, nil
}

// validityFormat is how events show the dates of a certificate. Source: API Gateway Developer Guide, "Input format of a Lambda
// function for proxy integration".
const validityFormat = "Jan _2 15:04:05 2006 GMT"

// serialText is a serial number in pairs of hexadecimal digits: "0a:1b". Source: as for validityFormat.
func serialText(c *x509.Certificate) string {
	digits := hex.EncodeToString(c.SerialNumber.Bytes())
	if digits == "" {
		return "00"
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}
