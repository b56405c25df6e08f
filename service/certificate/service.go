package certificate

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/store"
)

// MaxCertificates bounds how many certificates there may be. Source: ACM User Guide, "Quotas".
const MaxCertificates = 2500

// Authority issues certificates on the spot: the gateway's own authority.
type Authority interface {
	// Issue returns a certificate for names and those that sign it, in order, in DER.
	Issue(key crypto.PublicKey, names []string) (chain [][]byte, err error)
}

// Config is what the service needs.
type Config struct {
	Store     store.Store
	SealKey   []byte // 32 bytes that are kept elsewhere; they seal private keys. Gateways that share a store have the same
	Account   string // 12 digits
	Region    string
	Authority Authority
	ACME      *ACME // nil: requests are fulfilled by Authority
	// InUseBy returns the ARNs of what uses a certificate; nil is nothing.
	InUseBy func(arn string) []string
	Clock   func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil discards
}

// Service keeps the certificates. Its methods may be called by many goroutines.
type Service struct {
	cfg  Config
	seal sealer
	wake chan struct{} // holds one value when there may be something to issue

	all    atomic.Pointer[map[string]*Certificate] // by ARN; replaced, never changed
	byName atomic.Pointer[index]
	acme   atomic.Pointer[authority] // nil while Run does not run, or without an ACME directory

	mu       sync.Mutex // guards the replacing of what is above, and requests with a token
	underWay sync.Map   // ids that are being issued by this process
}

// New reads the certificates in the store. Its error says when their keys were sealed with another key.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.InUseBy == nil {
		cfg.InUseBy = func(string) []string { return nil }
	}
	s := &Service{cfg: cfg, wake: make(chan struct{}, 1)}
	var err error
	if s.seal, err = newSealer(cfg.SealKey); err != nil {
		return nil, err
	}
	if err := s.checkSeal(ctx); err != nil {
		return nil, err
	}
	entries, err := cfg.Store.List(ctx, recordPrefix)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	all := make(map[string]*Certificate, len(entries))
	s.all.Store(&all)
	for _, e := range entries {
		s.load(e, all)
	}
	s.reindex(all)
	return s, nil
}

// Certificate returns the certificate with an ARN. It costs one atomic load.
func (s *Service) Certificate(arn string) (*Certificate, bool) {
	c, ok := (*s.all.Load())[arn]
	return c, ok
}

// ForName returns the newest certificate that is good for a host name by its own names, or nil. An exact name goes before a wildcard.
func (s *Service) ForName(name string) *tls.Certificate {
	if c := (*s.byName.Load()).find(name); c != nil {
		return c.TLS()
	}
	return nil
}

// HTTPChallenge answers a request for /.well-known/acme-challenge/ that an ACME authority makes to check a name, and reports whether it did.
func (s *Service) HTTPChallenge(w http.ResponseWriter, r *http.Request) bool {
	a := s.acme.Load()
	return a != nil && a.issuer.HandleHTTPChallenge(w, r)
}

// ALPNCertificate returns the certificate that answers a handshake which an ACME authority makes to check a name, and whether hello is one.
// A handshake for a name that is not being checked has no certificate: it must fail.
func (s *Service) ALPNCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, bool) {
	if len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != ALPNProtocol {
		return nil, false
	}
	a := s.acme.Load()
	if a == nil {
		return nil, true
	}
	c, err := a.config.GetCertificate(hello)
	if err != nil {
		return nil, true
	}
	return c, true
}

// ARN returns the ARN of the certificate with an id.
func (s *Service) ARN(id string) string {
	return "arn:aws:acm:" + s.cfg.Region + ":" + s.cfg.Account + ":certificate/" + id
}

// InUseBy returns the ARNs of what uses a certificate.
func (s *Service) InUseBy(arn string) []string { return s.cfg.InUseBy(arn) }

// id returns the id in an ARN of a certificate of this account and region.
func (s *Service) id(arn string) (string, bool) {
	id, ok := strings.CutPrefix(arn, s.ARN(""))
	if !ok || id == "" || len(id) > 64 {
		return "", false
	}
	for i := range len(id) {
		if b := id[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return "", false
		}
	}
	return id, true
}

// Run follows the store and issues and renews what is due, until ctx ends; then it returns ctx's error, or that of the store.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.cfg.ACME != nil {
		a, err := s.newAuthority()
		if err != nil {
			return err
		}
		s.acme.Store(a)
		defer a.cache.Stop()
		defer s.acme.Store(nil)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { s.issueAll(ctx) })
	return s.cfg.Store.Watch(ctx, recordPrefix, func(ch store.Change) error {
		switch {
		case ch.Settled:
		case ch.Deleted:
			s.forget(s.ARN(strings.TrimPrefix(ch.Key, recordPrefix)), ch.Revision)
		default:
			s.apply(ch.Entry)
			s.nudge()
		}
		return nil
	})
}

// nudge has the issuing goroutine look for what is due.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// apply takes up a record that was written, here or elsewhere.
func (s *Service) apply(e store.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.all.Load()
	if _, known := all[s.ARN(strings.TrimPrefix(e.Key, recordPrefix))]; !known {
		all = maps.Clone(all)
	}
	if s.load(e, all) {
		s.reindex(all)
	}
}

// load puts a record's certificate into all, and reports whether it was news.
func (s *Service) load(e store.Entry, all map[string]*Certificate) bool {
	arn := s.ARN(strings.TrimPrefix(e.Key, recordPrefix))
	c := all[arn]
	if c != nil && c.version.Load().revision >= e.Revision {
		return false
	}
	r, err := decode(e)
	if err != nil {
		s.cfg.Log.Error("certificate is damaged", "certificate", arn, "error", err)
		return false
	}
	v, err := s.open(r, e.Revision)
	if err != nil {
		s.cfg.Log.Error("certificate cannot be served: its private key is not to be had", "certificate", arn, "error", err)
	}
	if c == nil {
		c = &Certificate{arn: arn}
		c.version.Store(v)
		all[arn] = c
		return true
	}
	c.version.Store(v)
	return true
}

// forget drops a certificate that was deleted by the write with this revision.
func (s *Service) forget(arn string, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.all.Load()
	c := all[arn]
	if c == nil || c.version.Load().revision > revision {
		return
	}
	c.version.Store(&version{revision: revision})
	all = maps.Clone(all)
	delete(all, arn)
	s.reindex(all)
}

func (s *Service) reindex(all map[string]*Certificate) {
	names := newIndex(all)
	s.all.Store(&all)
	s.byName.Store(&names)
}

// notFound is ACM's answer to an ARN that names no certificate. Source: answers of DescribeCertificate that users quote.
func (s *Service) notFound(arn string) *sockgate.Error {
	return sockgate.NotFoundf("Could not find certificate %s in account %s.", arn, s.cfg.Account)
}

// Get returns the record of a certificate. Errors: NotFound.
func (s *Service) Get(ctx context.Context, arn string) (*Record, error) {
	r, _, err := s.get(ctx, arn)
	return r, err
}

func (s *Service) get(ctx context.Context, arn string) (*Record, uint64, error) {
	id, ok := s.id(arn)
	if !ok {
		return nil, 0, s.notFound(arn)
	}
	e, err := s.cfg.Store.Get(ctx, recordPrefix+id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, s.notFound(arn)
	}
	if err != nil {
		return nil, 0, fault("read certificate", err)
	}
	r, err := decode(e)
	return r, e.Revision, err
}

// List returns the records of all certificates, in the order of their ids.
func (s *Service) List(ctx context.Context) ([]*Record, error) {
	entries, err := s.cfg.Store.List(ctx, recordPrefix)
	if err != nil {
		return nil, fault("list certificates", err)
	}
	records := make([]*Record, 0, len(entries))
	for _, e := range entries {
		if r, err := decode(e); err == nil { // a damaged one is told at start
			records = append(records, r)
		}
	}
	return records, nil
}

// Change edits a record as one atomic step; edit may be called several times. It returns edit's error unchanged, and NotFound.
func (s *Service) Change(ctx context.Context, arn string, edit func(*Record) error) error {
	const attempts = 16
	for attempt := 1; ; attempt++ {
		r, revision, err := s.get(ctx, arn)
		if err != nil {
			return err
		}
		if err := edit(r); err != nil {
			return err
		}
		value, err := encode(r)
		if err != nil {
			return err
		}
		key := recordPrefix + r.ID
		if revision, err = s.cfg.Store.Update(ctx, key, value, revision); err == nil {
			s.apply(store.Entry{Key: key, Value: value, Revision: revision})
			return nil
		}
		if !errors.Is(err, store.ErrConflict) || attempt == attempts {
			return fault("change certificate", err)
		}
	}
}

// create stores a new record. Errors: *LimitError.
func (s *Service) create(ctx context.Context, r *Record) error {
	if len(*s.all.Load()) >= MaxCertificates {
		return &LimitError{fmt.Sprintf("You have reached the maximum number of certificates (%d). Delete certificates that are not in use.", MaxCertificates)}
	}
	if err := s.markSeal(ctx); err != nil {
		return fault("store certificate", err)
	}
	value, err := encode(r)
	if err != nil {
		return err
	}
	key := recordPrefix + r.ID
	revision, err := s.cfg.Store.Create(ctx, key, value)
	if err != nil {
		return fault("store certificate", err)
	}
	s.apply(store.Entry{Key: key, Value: value, Revision: revision})
	s.nudge()
	return nil
}

// Delete removes a certificate. Errors: NotFound; Conflict while it is in use.
func (s *Service) Delete(ctx context.Context, arn string) error {
	r, revision, err := s.get(ctx, arn)
	if err != nil {
		return err
	}
	if len(s.cfg.InUseBy(arn)) > 0 {
		return sockgate.Conflictf("Certificate %s in account %s is in use.", arn, s.cfg.Account)
	}
	if err := s.cfg.Store.Delete(ctx, recordPrefix+r.ID, revision); err != nil {
		return fault("delete certificate", err)
	}
	s.forget(arn, revision)
	return nil
}

// LimitError says that a quota is used up; its text is for the peer.
type LimitError struct{ Message string }

func (e *LimitError) Error() string { return e.Message }

// fault turns a store's error into the product's.
func fault(doing string, err error) error {
	cause := fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) || errors.Is(err, context.DeadlineExceeded) {
		return sockgate.Unavailablef("The request cannot be processed now. Please try again later.").Because(cause)
	}
	return sockgate.Internalf("%w", cause)
}
