package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sockgate/sockgate/control/acm"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/service/certificate"
)

// openCertificates reads the certificates. It comes after the ports were opened: ACME challenges are answered there.
func (s *Server) openCertificates(ctx context.Context) error {
	key, err := s.sealKey()
	if err != nil {
		return err
	}
	acme, err := s.acmeAuthority()
	if err != nil {
		return err
	}
	s.certificates, err = certificate.New(ctx, certificate.Config{
		Store: s.store, SealKey: key, Account: s.cfg.Account, Region: s.cfg.Region, Authority: s.authority(), ACME: acme,
		InUseBy: s.certificateUsers, Clock: time.Now, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("open the certificates: %w", err)
	}
	return nil
}

// sealKey is what private keys are encrypted with: as configured, or of the data directory. State that is forgotten at exit needs none
// that lasts.
func (s *Server) sealKey() ([]byte, error) {
	c := s.cfg.TLS
	switch {
	case c.Key != "":
		key, err := certificate.ParseKey(string(c.Key))
		if err != nil {
			return nil, fmt.Errorf("tls.key: %w", err)
		}
		return key, nil
	case c.KeyFile != "":
		return certificate.LoadKey(c.KeyFile, false)
	case s.cfg.State.Engine == "memory":
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return key, nil
	}
	return certificate.LoadKey(filepath.Join(s.dir.Path(), certificate.KeyFile), true)
}

// acmeAuthority is who issues certificates; nil is the gateway itself.
func (s *Server) acmeAuthority() (*certificate.ACME, error) {
	c := s.cfg.TLS
	if c.ACMEDirectory == "" {
		return nil, nil
	}
	a := &certificate.ACME{Directory: c.ACMEDirectory, Email: c.ACMEEmail, Challenges: c.ACMEChallenges, Listen: s.edgeAddr.String()}
	if c.ACMECAFile == "" {
		return a, nil
	}
	pem, err := os.ReadFile(c.ACMECAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.acmeCaFile: %w", err)
	}
	a.Roots = x509.NewCertPool()
	if !a.Roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.acmeCaFile: %s holds no certificate in PEM form", c.ACMECAFile)
	}
	return a, nil
}

func (s *Server) certificatesAPI() *acm.Service {
	return acm.New(acm.Config{Certificates: s.certificates, Account: s.cfg.Account, Region: s.cfg.Region, Clock: time.Now})
}

// runCertificates issues and renews until ctx ends, or endIssuing is called and has returned.
func (s *Server) runCertificates(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.endIssuing = func() { cancel(); <-ended }
	s.goRun("certificates", func() error {
		defer close(ended)
		if err := s.certificates.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
}

// certificateUsers are the ARNs of what uses a certificate.
func (s *Server) certificateUsers(arn string) []string { return s.domainsUsing(arn) }

// tlsConfig is for all ports: they have one set of certificates. The local authority is made here, so that a client can trust it before
// its first handshake. A damaged one fails the handshakes only.
func (s *Server) tlsConfig() *tls.Config {
	ca := s.authority()
	if _, err := ca.Pool(); err != nil {
		s.log.Error("TLS does not work for names without a certificate of their own", "error", err)
	}
	t := &domain.TLS{
		Challenge: s.certificates.ALPNCertificate,
		ForName:   []func(string) *tls.Certificate{s.domainCertificate, s.certificates.ForName},
		Authority: ca,
	}
	return t.Config()
}

// answerChallenges has a port answer the questions by which an ACME authority checks names, whichever host they are for.
func (s *Server) answerChallenges(c *listen.Config) {
	c.Edge = challengesApart{c.Edge}
	next := c.HTTP
	c.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, certificate.ChallengePath):
			next.ServeHTTP(w, r)
		case !s.certificates.HTTPChallenge(w, r):
			http.NotFound(w, r)
		}
	})
}

// challengesApart leaves those questions to the HTTP side.
type challengesApart struct{ listen.Handler }

// ServeEdge takes all other requests.
func (c challengesApart) ServeEdge(x *listen.Exchange) bool {
	return !strings.HasPrefix(x.Head.Path, certificate.ChallengePath) && c.Handler.ServeEdge(x)
}
