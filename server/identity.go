package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/service/identity"
)

// openIdentity reads users, roles and policies. Their secrets are sealed with a key in the data directory, unless the state is
// shared by gateways that have a data directory each, or forgotten at exit.
func (s *Server) openIdentity(ctx context.Context) (err error) {
	var key []byte
	if s.cfg.State.Engine == "embedded" {
		if key, err = identity.LoadSealKey(s.dir.Path()); err != nil {
			return err
		}
	}
	s.identity, err = identity.Open(ctx, identity.Config{
		Store: s.store, SealKey: key, Account: s.cfg.Account, Region: s.cfg.Region, RootID: s.key.ID, RootSecret: s.key.Secret,
		Clock: time.Now, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("open the identities: %w", err)
	}
	return nil
}

// newVerifier checks the signatures of every AWS call, @connections included.
func (s *Server) newVerifier() *sigv4.Verifier {
	return sigv4.New(s.identity, sigv4.Options{Region: s.cfg.Region, Global: []string{"iam", "sts"}})
}

func (s *Server) verifyHTTP(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error) {
	req := sigv4.FromHTTP(r)
	signature, err := s.verifier.Verify(&req, sha256.Sum256(body), services...)
	if err != nil {
		return nil, inAWSForm(err)
	}
	s.identity.Used(signature.Principal.AccessKeyID, signature.Service, signature.Region)
	return signature.Principal, nil
}

func (s *Server) screenHTTP(r *http.Request, services ...string) error {
	req := sigv4.FromHTTP(r)
	return inAWSForm(s.verifier.Screen(&req, services...))
}

func inAWSForm(err error) error {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return &awswire.StatusError{Status: e.Status, Type: e.Type, Message: e.Message}
	}
	return err
}

// verifyHandshake checks the signature of a handshake whose route asks for AWS_IAM.
func (s *Server) verifyHandshake(h *pipeline.Handshake) (*sockgate.Principal, error) {
	req := sigv4.Request{Method: h.Method, Path: h.Path, RawQuery: h.RawQuery, Host: h.Host, Headers: h.Headers}
	signature, err := s.verifier.Verify(&req, sha256.Sum256(nil), "execute-api")
	if err != nil {
		return nil, err
	}
	return signature.Principal, nil
}

// permitConnect asks whether who signed a handshake may connect.
func (s *Server) permitConnect(p *sockgate.Principal, action, resource string, h *pipeline.Handshake) error {
	k := &awswire.CallKeys{TLS: h.TLS, UserAgent: h.Headers.Get("User-Agent"), Referer: h.Headers.Get("Referer"), Now: time.Now()}
	if h.From.IsValid() {
		k.SourceIP = h.From.String()
	}
	if s.identity.Decide(p, action, resource, k).Allowed {
		return nil
	}
	return s.executeRefusal(p, action, resource)
}

// permitPush asks whether who signed an @connections call may make it.
func (s *Server) permitPush(p *sockgate.Principal, action, resource string, x *listen.Exchange) error {
	k := &awswire.CallKeys{
		SourceIP: x.Remote.Addr().Unmap().String(), TLS: x.Secure, UserAgent: x.Head.Get("User-Agent"), Referer: x.Head.Get("Referer"), Now: time.Now(),
	}
	if s.identity.Decide(p, action, resource, k).Allowed {
		return nil
	}
	connection := strings.LastIndexByte(resource, '/') + 1
	return s.executeRefusal(p, action, resource[:connection]+"{connectionId}")
}

// executeARN is what the ARNs of APIs on the data path begin with.
func (s *Server) executeARN() string {
	return "arn:aws:execute-api:" + s.cfg.Region + ":" + s.cfg.Account + ":"
}

// executeRefusal is the data path's refusal. It shows little of the account. Source: reference sections 0.2 and 16.
func (s *Server) executeRefusal(p *sockgate.Principal, action, resource string) error {
	a := s.cfg.Account
	hidden := strings.Replace(resource, ":"+a+":", ":********"+a[len(a)-4:]+":", 1)
	return sockgate.Forbiddenf("User: %s is not authorized to perform: %s on resource: %s", p.ARN, action, hidden)
}
