package certificate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// tokenLife is how long an idempotency token is remembered. Source: ACM API Reference, RequestCertificate.
const tokenLife = time.Hour

// Request asks for a certificate and returns its ARN. q's Domain and Names were checked by the caller; Domain is the first of Names. With an
// ACME directory the certificate is issued in the background; otherwise it is issued now, by the gateway's own authority.
//
// A Token that came with the same parameters and tags less than an hour ago yields the ARN of then. Errors: *LimitError.
func (s *Service) Request(ctx context.Context, q Request, tags []Tag, opaque bool) (arn string, err error) {
	now := s.cfg.Clock()
	q.Local = s.cfg.ACME == nil
	q.TokenSum = sumOf(q, tags, opaque)
	if q.Token != "" {
		if arn, err := s.repeated(ctx, q, now); arn != "" || err != nil {
			return arn, err
		}
	}
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	q.Secret = hex.EncodeToString(secret)
	r := &Record{ID: newID(), Status: Pending, Created: now, Tags: tags, Opaque: opaque, Request: &q}
	if q.Local {
		p, err := s.issueLocal(&q)
		if err != nil {
			return "", sockgate.Internalf("issue certificate for %s: %w", q.Domain, err)
		}
		s.hold(r, p, now)
		r.Status, r.Issued = Issued, now
	}
	arn = s.ARN(r.ID)
	if err := s.create(ctx, r); err != nil {
		return "", err
	}
	if q.Local {
		s.cfg.Log.Info("certificate issued by the gateway's own authority, which only those trust who were told to; tls.acmeDirectory names a public one",
			"certificate", arn, "names", q.Names)
	}
	return arn, nil
}

// repeated returns the ARN of the certificate that the same request has led to, or "". Two equal requests at the same moment on two nodes of a
// cluster are two certificates.
func (s *Service) repeated(ctx context.Context, q Request, now time.Time) (string, error) {
	records, err := s.List(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range records {
		if p := r.Request; p != nil && p.Token == q.Token && p.TokenSum == q.TokenSum && now.Sub(r.Created) < tokenLife {
			return s.ARN(r.ID), nil
		}
	}
	return "", nil
}

func sumOf(q Request, tags []Tag, opaque bool) string {
	h := sha256.New()
	write := func(texts ...string) {
		for _, t := range texts {
			h.Write([]byte(t))
			h.Write([]byte{0})
		}
	}
	write(q.Domain, q.Validation, q.Algorithm)
	write(q.Names...)
	for _, name := range q.Names {
		write(q.Domains[name])
	}
	for _, t := range tags {
		write(t.Key)
		if t.Value != nil {
			write("=", *t.Value)
		}
	}
	if opaque {
		write("opaque")
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// DNSRecord returns the CNAME record that ACM would ask for as a proof of who owns a name. Nothing looks for it here: it is for programs that
// create the record before they wait for the certificate. A wildcard has the record of the name below it.
func (q *Request) DNSRecord(name string) (record, value string) {
	name = strings.TrimPrefix(name, "*.")
	sum := sha256.Sum256([]byte(q.Secret + "\x00" + name))
	text := hex.EncodeToString(sum[:])
	zone := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:7]))[:10]
	return "_" + text[:32] + "." + name + ".", "_" + text[32:] + "." + zone + ".acm-validations.aws."
}

// HasName reports whether name, in any case, is one of those asked for.
func (q *Request) HasName(name string) bool { return slices.Contains(q.Names, strings.ToLower(name)) }

// Renew has a certificate that was issued here renewed now, rather than when it is due. With an ACME directory that happens in the background.
// Errors: NotFound; Invalid for one that was imported, or never issued.
func (s *Service) Renew(ctx context.Context, arn string) error {
	local := false
	err := s.Change(ctx, arn, func(r *Record) error {
		if r.Request == nil || r.Status != Issued {
			return sockgate.Invalidf("Certificate %s is not eligible for renewal.", arn)
		}
		local = r.Request.Local
		r.Renewal = &Renewal{Status: RenewalPending, Updated: s.cfg.Clock()}
		r.Attempts, r.NextTry = 0, time.Time{}
		return nil
	})
	if err != nil {
		return err
	}
	if local {
		id, _ := s.id(arn)
		_, err := s.attempt(ctx, id)
		return err
	}
	s.nudge()
	return nil
}
