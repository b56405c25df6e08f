package certificate

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// ALPNProtocol is what a client offers that checks a name by TLS-ALPN-01. Source: RFC 8737.
const ALPNProtocol = acmez.ACMETLS1Protocol

// ChallengePath is where the answers to HTTP-01 challenges are asked for. Source: RFC 8555, section 8.3.
const ChallengePath = "/.well-known/acme-challenge/"

// ACME names an authority that issues certificates to those who prove that a name leads to them.
type ACME struct {
	Directory string // URL
	Email     string // for the authority's notices; may be empty
	Roots     *x509.CertPool
	// Challenges are the ways to prove a name: "any", "http-01" or "tls-alpn-01".
	Challenges string
	// Listen is the gateway's own address, which answers the challenges: the ports 80 and 443 of the names must lead there.
	Listen string
}

// authority is the client of an ACME authority.
type authority struct {
	issuer *certmagic.ACMEIssuer
	config *certmagic.Config
	cache  *certmagic.Cache // empty; certmagic wants one
}

// newAuthority makes the client. Of certmagic it uses the account, the order and the challenges, which it keeps in the state store;
// what is issued, and when, is decided here.
func (s *Service) newAuthority() (*authority, error) {
	c := s.cfg.ACME
	host, portText, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("address for ACME challenges: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("address for ACME challenges: %w", err)
	}
	a := &authority{}
	log := zap.NewNop() // failures come back as errors
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil }, Logger: log,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{Storage: s.storage(), Logger: log, DisableARI: true})
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: c.Directory, TestCA: c.Directory, Email: c.Email, Agreed: true, TrustedRoots: c.Roots, Logger: log,
		DisableHTTPChallenge: c.Challenges == "tls-alpn-01", DisableTLSALPNChallenge: c.Challenges == "http-01",
		// certmagic would listen there, finds the gateway's port open, and relies on it.
		ListenHost: host, AltHTTPPort: port, AltTLSALPNPort: port,
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

// issue gets a certificate and its chain in PEM.
func (a *authority) issue(ctx context.Context, key crypto.Signer, names []string) ([]byte, error) {
	for _, name := range names {
		if strings.HasPrefix(name, "*.") {
			return nil, &permanent{"ADDITIONAL_VERIFICATION_REQUIRED",
				fmt.Errorf("%s: an ACME authority issues wildcards to those who can change the DNS zone (DNS-01), which the gateway cannot; import one", name)}
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	if err := a.issuer.PreCheck(ctx, names, false); err != nil { // it also settles the account's address
		return nil, &permanent{"INVALID_PUBLIC_DOMAIN", err}
	}
	issued, err := a.issuer.Issue(ctx, csr)
	if err != nil {
		return nil, classify(err)
	}
	return issued.Certificate, nil
}

// classify tells failures that last from those that pass. A name that cannot be proven now may be provable later, when its DNS was changed.
func classify(err error) error {
	problem, ok := errors.AsType[acme.Problem](err)
	if !ok {
		return err
	}
	problems := append([]acme.Problem{problem}, subproblems(problem)...)
	for _, p := range problems {
		switch p.Type {
		case acme.ProblemTypeCAA:
			return &permanent{"CAA_ERROR", err}
		case acme.ProblemTypeRejectedIdentifier, acme.ProblemTypeUnsupportedIdentifier:
			return &permanent{"DOMAIN_NOT_ALLOWED", err}
		}
	}
	return err
}

func subproblems(p acme.Problem) []acme.Problem {
	var all []acme.Problem
	for _, sub := range p.Subproblems {
		all = append(all, sub.Problem)
	}
	return all
}
