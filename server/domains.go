package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"time"

	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/service/certificate"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/state/catalog"
)

// openDomains makes the table of custom domain names, and lets the catalog tell it of changes.
func (s *Server) openDomains(cat *catalog.Catalog) {
	s.domains = domain.NewNames(domain.NamesConfig{Catalog: cat, Clock: time.Now, Log: s.log})
	cat.OnDomain(s.domains.Refresh)
}

// runDomains follows the domain names that other nodes change.
func (s *Server) runDomains(ctx context.Context, cat *catalog.Catalog) {
	s.goRun("domain names", func() error {
		if err := cat.WatchDomains(ctx, s.domains); ctx.Err() == nil {
			return err
		}
		return nil
	})
}

// awaitDomains waits until every stored domain name is live.
func (s *Server) awaitDomains(ctx context.Context) error {
	select {
	case <-s.domains.Ready():
		return nil
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("start: %w", ctx.Err())
	}
}

// domainNeeds is what the control plane of domain names asks of other parts.
func (s *Server) domainNeeds() apigatewayv2.Domains {
	profile := s.cfg.Domains.S3Profile
	if profile == "" {
		profile = function.EnvironmentKeys
	}
	stores := &domain.Truststores{S3Endpoint: s.cfg.Domains.S3Endpoint, Region: s.cfg.Region, Credentials: function.ProfileKeys(profile), Clock: time.Now}
	return apigatewayv2.Domains{Certificate: s.findCertificate, Truststore: stores.Load}
}

// guardDomains makes TLS under c ask clients of domain names with mutual TLS for a certificate.
func (s *Server) guardDomains(c *tls.Config) *tls.Config {
	s.domains.Guard(c)
	return c
}

// proxies are the networks whose word about clients is believed.
func (s *Server) proxies() []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(s.cfg.Listeners.TrustedProxies))
	for _, text := range s.cfg.Listeners.TrustedProxies {
		if p, err := netip.ParsePrefix(text); err == nil {
			networks = append(networks, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil { // the configuration was checked: it is one or the other
			networks = append(networks, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		}
	}
	return networks
}

// findCertificate is what the control plane knows a certificate by.
func (s *Server) findCertificate(arn string) (apigatewayv2.Certificate, bool) {
	c, ok := s.certificates.Certificate(arn)
	return usableCertificate{c}, ok
}

// usableCertificate is a certificate as domain names see it.
type usableCertificate struct{ *certificate.Certificate }

// Issued reports whether there is something to show to clients.
func (c usableCertificate) Issued() bool { return c.Status() == certificate.Issued && c.TLS() != nil }

// domainCertificate is the certificate that a custom domain name shows; nil for other names, and while it has none.
func (s *Server) domainCertificate(serverName string) *tls.Certificate {
	arn, ok := s.domains.CertificateARN(serverName)
	if !ok {
		return nil
	}
	c, ok := s.certificates.Certificate(arn)
	if !ok {
		return nil
	}
	return c.TLS()
}

// domainsUsing are the ARNs of the domain names that use a certificate.
func (s *Server) domainsUsing(arn string) []string {
	if s.domains == nil { // it is asked while the gateway starts
		return nil
	}
	names := s.domains.InUseBy(arn)
	for i, name := range names {
		names[i] = "arn:aws:apigateway:" + s.cfg.Region + "::/domainnames/" + name
	}
	return names
}
