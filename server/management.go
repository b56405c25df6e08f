package server

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/validate"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/state/catalog"
)

// rootKeys knows one access key, the root user's. Users' keys come with IAM.
type rootKeys struct {
	id, secret string
	root       sockgate.Principal
}

func (k *rootKeys) Secret(accessKeyID string) (string, *sockgate.Principal, bool) {
	if accessKeyID != k.id {
		return "", nil, false
	}
	return k.secret, &k.root, true
}

// newVerifier checks the signatures of every AWS call, @connections included.
func (s *Server) newVerifier() *sigv4.Verifier {
	return sigv4.New(&rootKeys{
		id: s.key.ID, secret: s.key.Secret,
		root: sockgate.Principal{
			AccountID: s.cfg.Account, AccessKeyID: s.key.ID, ARN: "arn:aws:iam::" + s.cfg.Account + ":root", UserID: s.cfg.Account, Root: true,
		},
	}, sigv4.Options{Region: s.cfg.Region})
}

// management serves the AWS APIs, health and metrics.
func (s *Server) management(cat *catalog.Catalog) http.Handler {
	aws := awswire.New(awswire.Config{
		Verify: s.verifyHTTP,
		Screen: s.screenHTTP,
		Services: []awswire.Service{
			apigatewayv2.New(apigatewayv2.Config{
				Catalog:       cat,
				Check:         func(def *sockgate.Definition) error { return s.check(def, &sockgate.Stage{}) },
				CheckStage:    s.check,
				CheckSchema:   validate.CheckSchema,
				StatusMessage: deploy.StatusMessage,
				Account:       s.cfg.Account,
				Region:        s.cfg.Region,
				Endpoint:      s.apiEndpoint,
				Clock:         time.Now,
				Log:           s.log,
			}),
		},
		Account: s.cfg.Account, Region: s.cfg.Region, Log: s.log,
	})
	metrics := s.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // no ServeMux: it would clean and redirect signed paths
		switch r.URL.Path {
		case healthPath:
			health(w, r)
		case "/_sockgate/metrics":
			metrics.ServeHTTP(w, r)
		default:
			aws.ServeHTTP(w, r)
		}
	})
}

const healthPath = "/_sockgate/health"

// health answers once the gateway is ready; before that the port does not answer at all.
func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}`)) // the caller is gone if this fails
}

// apiEndpoint is the address that an API's clients are told, as AWS spells it: in wss, and without a stage.
func (s *Server) apiEndpoint(apiID string) string {
	return "wss://" + apiID + ".execute-api." + s.cfg.Region + ".amazonaws.com"
}

// check compiles a definition the way the data path will.
func (s *Server) check(def *sockgate.Definition, stage *sockgate.Stage) error {
	_, err := deploy.Compile(def, stage, s.cfg.Region)
	return err
}

func (s *Server) verifyHTTP(r *http.Request, body []byte, services ...string) (*sockgate.Principal, error) {
	req := sigv4.FromHTTP(r)
	signature, err := s.verifier.Verify(&req, sha256.Sum256(body), services...)
	if err != nil {
		return nil, inAWSForm(err)
	}
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
