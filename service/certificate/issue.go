package certificate

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// The states of a renewal, in ACM's words.
const (
	RenewalPending = "PENDING_AUTO_RENEWAL"
	RenewalDone    = "SUCCESS"
	RenewalFailed  = "FAILED" // and tried again
)

const (
	// validationLife is how long a name may be unproven. Source: ACM API Reference, CertificateDetail, Status.
	validationLife = 72 * time.Hour
	// atOnce bounds the certificates that are issued at the same time.
	atOnce = 4
	// attemptTime bounds one attempt.
	attemptTime = 4 * time.Minute
	// retryPause is the wait before something is tried again that another process is at, or that could not be written down.
	retryPause = 5 * time.Second
	// lookEvery is how often the records are gone through when nothing else causes it.
	lookEvery = time.Hour
)

// pauses are the waits after failed attempts; the last one repeats. Public authorities permit some five failures in an hour.
var pauses = [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// permanent is a failure that no further attempt would mend.
type permanent struct {
	reason string // ACM's FailureReason
	err    error
}

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

// dueAt returns when something is to be done for a record, and false for never.
func (r *Record) dueAt() (time.Time, bool) {
	if r.Request == nil {
		return time.Time{}, false
	}
	switch r.Status {
	case Pending:
		return r.NextTry, true
	case Issued:
		leaf := r.Certificate()
		if leaf == nil {
			return time.Time{}, false
		}
		at := leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
		if r.Renewal != nil && r.Renewal.Status == RenewalPending {
			at = time.Time{}
		}
		if r.NextTry.After(at) {
			at = r.NextTry
		}
		return at, true
	}
	return time.Time{}, false
}

// issueAll issues and renews what is due, until ctx ends and the last attempt with it.
func (s *Service) issueAll(ctx context.Context) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	slots := make(chan struct{}, atOnce)
	for {
		due, next := s.due(ctx)
		for _, id := range due {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			attempts.Go(func() {
				defer func() { <-slots }()
				done, err := s.attempt(ctx, id)
				if err != nil && ctx.Err() == nil {
					s.cfg.Log.Error("issuing a certificate failed", "certificate", s.ARN(id), "error", err)
				}
				if !done { // it is due still
					select {
					case <-ctx.Done():
					case <-time.After(retryPause):
					}
				}
				s.nudge()
			})
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// due returns the ids of the records for which something is to be done and nothing is being done by this process, and how long to wait for the
// next one.
func (s *Service) due(ctx context.Context) (ids []string, next time.Duration) {
	next = lookEvery
	records, err := s.List(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Error("certificates cannot be looked through for what to issue or renew", "error", err)
		}
		return nil, time.Minute
	}
	now := s.cfg.Clock()
	for _, r := range records {
		at, ok := r.dueAt()
		if !ok {
			continue
		}
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait+time.Second)
			continue
		}
		if _, busy := s.underWay.Load(r.ID); !busy {
			ids = append(ids, r.ID)
		}
	}
	return ids, next
}

// attempt issues or renews one certificate and writes down how that went. done is false when that could not be, or when another process is at it.
func (s *Service) attempt(ctx context.Context, id string) (done bool, err error) {
	if _, busy := s.underWay.LoadOrStore(id, true); busy {
		return false, nil
	}
	defer s.underWay.Delete(id)
	lock := "issue." + id
	if ok, err := s.storage().TryLock(ctx, lock); !ok || err != nil {
		return false, err
	}
	bounded, cancel := context.WithTimeout(ctx, attemptTime)
	var held sync.WaitGroup
	defer held.Wait()
	defer cancel()
	held.Go(func() { s.storage().hold(bounded, lock) })

	arn := s.ARN(id)
	r, err := s.Get(ctx, arn)
	if err != nil {
		return true, nil // it is gone
	}
	if at, ok := r.dueAt(); !ok || at.After(s.cfg.Clock()) {
		return true, nil
	}
	p, failure := s.issue(bounded, r)
	if failure != nil && ctx.Err() != nil {
		return false, nil // the gateway ends; the next one tries again
	}
	if err := s.settle(context.WithoutCancel(ctx), arn, p, failure); sockgate.KindOf(err) != sockgate.NotFound {
		return err == nil, err
	}
	return true, nil // it was deleted meanwhile
}

// settle writes down what an attempt came to.
func (s *Service) settle(ctx context.Context, arn string, p *pair, failure error) error {
	now := s.cfg.Clock()
	log := s.cfg.Log.With("certificate", arn)
	return s.Change(ctx, arn, func(r *Record) error {
		renewing := r.Status == Issued
		if failure == nil {
			s.hold(r, p, now)
			r.Attempts, r.NextTry = 0, time.Time{}
			if renewing {
				r.Renewal = &Renewal{Status: RenewalDone, Updated: now}
				log.Info("certificate renewed", "names", r.Request.Names, "until", p.leaf.NotAfter)
			} else {
				r.Status, r.Issued = Issued, now
				log.Info("certificate issued", "names", r.Request.Names, "until", p.leaf.NotAfter)
			}
			return nil
		}
		r.Attempts++
		pause := pauses[min(r.Attempts, len(pauses))-1]
		r.NextTry = now.Add(pause)
		final, isFinal := errors.AsType[*permanent](failure)
		switch {
		case renewing:
			r.Renewal = &Renewal{Status: RenewalFailed, Reason: "OTHER", Updated: now}
			if isFinal {
				r.Renewal.Reason = final.reason
			}
			log.Error("certificate was not renewed", "names", r.Request.Names, "expires", expiry(r), "again", pause.String(), "error", failure)
		case isFinal:
			r.Status, r.Failure = Failed, final.reason
			log.Error("certificate will not be issued", "names", r.Request.Names, "reason", final.reason, "error", failure)
		case now.Sub(r.Created) >= validationLife:
			r.Status = TimedOut
			log.Error("certificate will not be issued: its names were not proven in time", "names", r.Request.Names, "error", failure)
		default:
			log.Warn("certificate was not issued yet", "names", r.Request.Names, "again", pause.String(), "error", failure)
		}
		return nil
	})
}

func expiry(r *Record) time.Time {
	if leaf := r.Certificate(); leaf != nil {
		return leaf.NotAfter
	}
	return time.Time{}
}

// issue gets a certificate for a new key.
func (s *Service) issue(ctx context.Context, r *Record) (*pair, error) {
	if r.Request.Local {
		return s.issueLocal(r.Request)
	}
	a := s.acme.Load()
	if a == nil {
		return nil, errors.New("it was requested from an ACME authority, and tls.acmeDirectory names none now")
	}
	key, err := newKey(r.Request.Algorithm)
	if err != nil {
		return nil, err
	}
	unlock, err := s.lockNames(ctx, r.Request.Names)
	if err != nil {
		return nil, err
	}
	defer unlock()
	chain, err := a.issue(ctx, key, r.Request.Names)
	if err != nil {
		return nil, err
	}
	return s.pairOf(chain, key)
}

// lockNames waits until nobody else proves one of names: there is one open challenge for a name. It is one lock after the other in the order
// of the names, so that two who want several do not wait for each other.
func (s *Service) lockNames(ctx context.Context, names []string) (unlock func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var held sync.WaitGroup
	unlock = func() {
		cancel()
		held.Wait()
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		lock := "name." + name
		if err := s.storage().Lock(ctx, lock); err != nil {
			unlock()
			return nil, fmt.Errorf("wait for another certificate for %s: %w", name, err)
		}
		held.Go(func() { s.storage().hold(ctx, lock) })
	}
	return unlock, nil
}

func (s *Service) issueLocal(q *Request) (*pair, error) {
	key, err := newKey(q.Algorithm)
	if err != nil {
		return nil, err
	}
	chain, err := s.cfg.Authority.Issue(key.Public(), q.Names)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, der := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return s.pairOf(text, key)
}

// pairOf checks what an authority has issued, as an import is checked; chain begins with the leaf.
func (s *Service) pairOf(chain []byte, key crypto.Signer) (*pair, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(chain)
	if block == nil {
		return nil, errors.New("the authority's answer holds no certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the authority's answer: %w", err)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(leaf.PublicKey) {
		return nil, errors.New("the authority's answer is for another key")
	}
	return &pair{leaf: leaf, leafPEM: string(pem.EncodeToMemory(block)), chainPEM: string(rest), keyPKCS8: der}, nil
}

func newKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}
