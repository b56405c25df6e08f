package certificate

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Import is what ImportCertificate brings.
type Import struct {
	ARN         string // of the certificate to replace; empty for a new one
	Certificate []byte // PEM, one
	PrivateKey  []byte // PEM, not encrypted
	Chain       []byte // PEM; may be empty for a self-signed certificate
	Tags        []Tag
}

// Import checks and stores a certificate, or a new version of one, which is served from then on: what is connected stays connected.
// It returns the ARN. Errors: Invalid with ACM's words, NotFound, *LimitError.
func (s *Service) Import(ctx context.Context, in Import) (arn string, err error) {
	now := s.cfg.Clock()
	pair, err := check(in, now)
	if err != nil {
		return "", err
	}
	if in.ARN != "" {
		return in.ARN, s.replace(ctx, in.ARN, pair)
	}
	r := &Record{ID: newID(), Imported: true, Status: Issued, Created: now, Tags: in.Tags}
	s.hold(r, pair, now)
	r.Issued = now
	return s.ARN(r.ID), s.create(ctx, r)
}

// hold puts a certificate into a record.
func (s *Service) hold(r *Record, p *pair, now time.Time) {
	r.Leaf, r.Chain = p.leafPEM, p.chainPEM
	r.Sealed = s.seal.seal(p.keyPKCS8, recordPrefix+r.ID)
	r.Replaced = now
}

// replace imports over an imported certificate. What ACM permits to change is in its User Guide, "Reimport a certificate"; the texts are
// UNCONFIRMED. That a custom domain must stay covered is ours: a name whose handshakes fail serves nobody.
func (s *Service) replace(ctx context.Context, arn string, p *pair) error {
	if _, err := s.Get(ctx, arn); err != nil {
		if sockgate.KindOf(err) == sockgate.NotFound {
			// Source: answers of ImportCertificate that users quote; others add the account.
			return sockgate.NotFoundf("Could not find certificate %s.", arn)
		}
		return err
	}
	return s.Change(ctx, arn, func(r *Record) error {
		if !r.Imported {
			return sockgate.Invalidf("Certificate %s was not imported and cannot be replaced by an import.", arn)
		}
		old := r.Certificate()
		switch {
		case old == nil:
		case Algorithm(old) != Algorithm(p.leaf):
			return sockgate.Invalidf("The key type and size of a certificate cannot be changed: it is %s, and the replacement %s.", Algorithm(old), Algorithm(p.leaf))
		case !common(namesOf(old), namesOf(p.leaf)):
			return sockgate.Invalidf("The replacement removes all domain names from the certificate.")
		case old.KeyUsage&^p.leaf.KeyUsage != 0 && p.leaf.KeyUsage != 0:
			return sockgate.Invalidf("The replacement removes Key Usage values from the certificate.")
		case fewer(old.ExtKeyUsage, p.leaf.ExtKeyUsage):
			return sockgate.Invalidf("The replacement removes Extended Key Usage values from the certificate.")
		}
		for _, user := range s.cfg.InUseBy(arn) {
			if _, name, ok := strings.Cut(user, "/domainnames/"); ok && !covers(namesOf(p.leaf), name) {
				return sockgate.Invalidf("The certificate is in use by the domain name %s, which the replacement does not cover.", name)
			}
		}
		s.hold(r, p, s.cfg.Clock())
		return nil
	})
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

func fewer(old, replacement []x509.ExtKeyUsage) bool {
	return len(replacement) > 0 && slices.ContainsFunc(old, func(u x509.ExtKeyUsage) bool { return !slices.Contains(replacement, u) })
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
