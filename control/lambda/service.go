// Package lambda is the control API of functions: AWS Lambda's own, so that the AWS SDKs, CLI and templates work unchanged. It checks
// what a caller sends, edits the records of package function, and answers in Lambda's shapes and words.
//
// Operations are one table, in operations.go; those that Lambda has and that are not served here are refused by name.
// Functions are made from zips only: S3 and container images get a clear error.
package lambda

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/function"
)

// Config is what the service needs. Members without a comment that says otherwise must be set.
type Config struct {
	Functions *function.Service
	Account   string // 12 digits
	Region    string
	// CheckRole says what is wrong with a function's role: that it is not there, or that its trust policy does not let
	// lambda.amazonaws.com in. Its error is a *sockgate.Error of kind Invalid. nil accepts every well-formed ARN; what such a role may
	// do is nothing.
	CheckRole func(roleARN string) error
	// Endpoint is the gateway's own URL, for links to code ("http://127.0.0.1:4566"); nil gives links without a host.
	Endpoint func() string
	Clock    func() time.Time
}

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct {
	Config
	operations []operation
	router     *awswire.Router
	linkKey    []byte     // of links to code; they do not outlive the process
	reserving  sync.Mutex // orders the changes to reserved concurrency, whose sum is limited
}

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, operations: operations(), linkKey: make([]byte, 32)}
	_, _ = rand.Read(s.linkKey) // never fails
	routes := make([]awswire.Route, len(s.operations))
	for i, op := range s.operations {
		routes[i] = awswire.Route{Operation: op.name, Method: op.method, Pattern: op.path}
	}
	s.router = awswire.NewRouter(routes)
	return s
}

// Name returns the API's name.
func (s *Service) Name() string { return "lambda" }

// Permission asks nothing: each operation asks by itself, since CreateFunction names its function in the body.
func (s *Service) Permission(*awswire.Request) (action string, resources []string) { return "", nil }

// MaxBody leaves room for a zip of 50 MB in Base64.
func (s *Service) MaxBody() int64 { return maxCodeRequest }

// Protocol is Lambda's way to tell errors.
func (s *Service) Protocol() awswire.Protocol { return protocol{} }

// input is one call.
type input struct {
	*awswire.Request
	vars  map[string]string // path variables
	query url.Values

	name, qualifier string // of the function in the path, if there is one
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	path := r.Path
	if strings.HasSuffix(path, "/functions/") {
		path = strings.TrimSuffix(path, "/") // as older clients have it
	}
	match, err := s.router.Match(r.Method, path, r.Query)
	if err != nil {
		return nil, err
	}
	op := &s.operations[match.Index]
	if op.handle == nil {
		return nil, awswire.NotBuilt(s.Name(), op.name)
	}
	in := &input{Request: r, vars: match.Vars, query: r.Query}
	resource := "*"
	if given, ok := in.vars["FunctionName"]; ok {
		if in.name, in.qualifier, err = s.functionName(given, r.Query.Get("Qualifier")); err != nil {
			return nil, err
		}
		resource = s.Functions.ARN(in.name, in.asked(op.name))
	}
	if layer, ok := in.vars["LayerName"]; ok {
		resource = s.layerARN(layer)
		if version, ok := in.vars["VersionNumber"]; ok {
			resource = versionARN(resource, version)
		}
	}
	if tagged, ok := in.vars["Resource"]; ok {
		resource = s.taggedARN(tagged)
	}
	if op.action != "" {
		if err := r.Allowed("lambda:"+op.action, []string{resource}, in.conditionKeys(op.name)); err != nil {
			return nil, err
		}
	}
	out, err := op.handle(s, ctx, in)
	if err != nil {
		return nil, err
	}
	if resp, ok := out.(*awswire.Response); ok {
		return resp, nil
	}
	resp := &awswire.Response{Status: op.status}
	if op.status != http.StatusNoContent {
		resp.Body, err = awswire.EncodeJSON(out)
	}
	return resp, err
}
