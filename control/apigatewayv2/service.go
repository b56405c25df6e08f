// Package apigatewayv2 is the control API of WebSocket APIs: Amazon API Gateway's apigatewayv2 operations, so that the AWS
// SDKs, CLI and templates work unchanged. It checks what a caller sends, edits resources in the catalog, and makes
// deployments; the data path compiles and serves what stands there.
//
// Operations, their members and the rules for those are one table, in operations.go and shapes.go. A handler is only ever given
// input that the table has passed. HTTP APIs and VPC links of HTTP APIs are not served here.
package apigatewayv2

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/state/catalog"
)

// Config is what the service needs. Every member must be set.
type Config struct {
	Catalog *catalog.Catalog
	// Check compiles a definition as the data path will. Its error is a *sockgate.Error of kind Invalid whose message names
	// the resource and the fault. It must not change or keep the definition.
	Check func(*sockgate.Definition) error
	// CheckSchema says what is wrong with a model's schema, references to other models aside: they may come later.
	CheckSchema func(schema string) error
	// StatusMessage is what a deployment of the definition should tell its owner, beside that it is deployed; mostly nothing.
	StatusMessage func(*sockgate.Definition) string
	// CheckStage does the same for a definition with a stage's variables.
	CheckStage func(*sockgate.Definition, *sockgate.Stage) error
	// Links knows the VPC links; nil: deployments do not look whether they are there.
	Links    Links
	Domains  Domains
	Account  string // 12 digits
	Region   string
	JWT      bool                      // permit JWT authorizers, which AWS does not for WebSocket APIs
	PinIDs   bool                      // let the tag PinTag choose a new API's id, for development
	Endpoint func(apiID string) string // the apiEndpoint that clients are told: "wss://…"
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct {
	Config
	operations []operation
	router     *awswire.Router
	turns      [64]chan struct{} // one token each; see turn
	seed       maphash.Seed
}

var _ awswire.Service = (*Service)(nil)

// New returns the service.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, operations: operations(), seed: maphash.MakeSeed()}
	routes := make([]awswire.Route, len(s.operations))
	for i, op := range s.operations {
		routes[i] = awswire.Route{Operation: op.name, Method: op.method, Pattern: op.path}
	}
	s.router = awswire.NewRouter(routes)
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	return s
}

// Name returns the API's name.
func (s *Service) Name() string { return "apigatewayv2" }

// input is one call's members, checked against the operation's shapes.
type input struct {
	vars  map[string]string // path variables
	query url.Values
	body  members
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	match, err := s.router.Match(r.Method, r.Path, r.Query)
	if err != nil {
		return nil, err
	}
	op := &s.operations[match.Index]
	if op.handle == nil {
		return nil, awswire.NotBuilt(s.Name(), op.name)
	}
	in := &input{vars: match.Vars, query: r.Query}
	if err := checkQuery(r.Query, op.query); err != nil {
		return nil, err
	}
	if in.body, err = readBody(r.Body, op.body); err != nil {
		return nil, err
	}
	if err := mayPassRole(r, in.body); err != nil {
		return nil, err
	}
	out, err := op.handle(s, withCaller(ctx, r), in)
	if err != nil {
		return nil, err
	}
	resp := &awswire.Response{Status: op.status}
	if op.status != http.StatusNoContent {
		resp.Body, err = awswire.EncodeJSON(out)
	}
	return resp, err
}

// list makes the answer of a list operation.
func list[T any](in *input, name string, items []T, id func(*T) string, show func(*T) any) (any, error) {
	page, next, err := awswire.Page(items, id, name, in.query.Get("maxResults"), in.query.Get("nextToken"))
	if err != nil {
		return nil, err
	}
	out := struct {
		Items     []any  `json:"items"`
		NextToken string `json:"nextToken,omitempty"`
	}{make([]any, len(page)), next}
	for i := range page {
		out.Items[i] = show(&page[i])
	}
	return out, nil
}

// instant prints as v2 timestamps do: ISO 8601 in UTC, whole seconds.
type instant time.Time

func (t instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05Z"))
}
