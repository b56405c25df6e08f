// Package apigateway is the control API of API keys, usage plans, VPC links and the account: the operations of Amazon API Gateway's older API
// (version 1) that WebSocket APIs use, so that the AWS SDKs, CLI and templates work unchanged. It checks what a caller sends and
// edits documents in the catalog; the data path keeps a view of them, and counts.
//
// Operations are one table, in operations.go. What can be patched is one table for each resource, beside its operations. REST APIs,
// client certificates and the older domain names are refused by name.
package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/state/catalog"
)

// Config is what the service needs. Members without a comment that says otherwise must be set.
type Config struct {
	Catalog *catalog.Catalog
	// Meter knows what was counted; nil: nothing is counted, and nothing can be granted.
	Meter Meter
	// Links knows the VPC links and load balancers; nil: there are none, and links are refused by name.
	Links Links
	// CheckRole says what is wrong with the account's role for logs. Its error is a *sockgate.Error of kind Invalid.
	// nil accepts every well-formed ARN.
	CheckRole func(roleARN string) error
	Region    string
	Throttle  sockgate.Throttle // the account's, as GetAccount shows it
	// MaxKeys and MaxPlans bound what an account may have; 0 is AWS's quota, less is no bound.
	MaxKeys, MaxPlans int
	Clock             func() time.Time
}

// AWS's quotas. Source: reference websocket-api section 10.
const (
	maxKeys        = 10000
	maxPlans       = 300
	maxPlansPerKey = 10
)

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct {
	Config
	operations []operation
	router     *awswire.Router
	// turn has one token, which changes hold, so that what one found in other documents (that a plan is there, that a key is in no
	// other plan of a stage) still holds when it is written. Other nodes are not kept out: then the data path decides.
	turn chan struct{}
}

var _ awswire.Service = (*Service)(nil)

// New returns the service.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, operations: operations(), turn: make(chan struct{}, 1)}
	if s.MaxKeys == 0 {
		s.MaxKeys = maxKeys
	}
	if s.MaxPlans == 0 {
		s.MaxPlans = maxPlans
	}
	routes := make([]awswire.Route, len(s.operations))
	for i, op := range s.operations {
		routes[i] = awswire.Route{Operation: op.name, Method: op.method, Pattern: op.path}
	}
	s.router = awswire.NewRouter(routes)
	return s
}

// Name returns the API's name.
func (s *Service) Name() string { return "apigateway" }

// input is one call.
type input struct {
	operation string            // as error texts have it: "createApiKeyInput"
	vars      map[string]string // path variables
	query     url.Values
	body      []byte
	// allowed asks whether the caller may do more than the call itself; see awswire.Request.Allowed.
	allowed func(action string, resources []string, more map[string][]string) error
}

// Serve carries out one call. Which permission it needs is the front's to know: all of API Gateway has the same rule.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	match, err := s.router.Match(r.Method, r.Path, r.Query)
	if err != nil {
		return nil, err
	}
	op := &s.operations[match.Index]
	if op.handle == nil {
		return nil, awswire.NotBuilt(s.Name(), op.name)
	}
	if r.Method != http.MethodGet {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return nil, sockgate.Conflictf("Unable to complete operation due to concurrent modification. Please try again later.").Because(ctx.Err())
		}
	}
	name := string(op.name[0]-'A'+'a') + op.name[1:] + "Input"
	out, err := op.handle(s, ctx, &input{operation: name, vars: match.Vars, query: r.Query, body: r.Body, allowed: r.Allowed})
	if err != nil {
		return nil, err
	}
	resp := &awswire.Response{Status: op.status}
	if out != nil {
		resp.Body, err = awswire.EncodeJSON(out)
	}
	return resp, err
}

// decode reads the JSON body into dst, a pointer to a structure. Unknown members are ignored, and null is absent.
//
// UNCONFIRMED: AWS's texts for JSON that is malformed or of the wrong type; they are those of the v2 API here.
func (in *input) decode(dst any) error {
	if len(in.body) == 0 {
		return nil
	}
	err := json.Unmarshal(in.body, dst)
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return sockgate.Invalidf("Invalid request body: it is not valid JSON")
	case wrong.Field == "":
		return sockgate.Invalidf("Invalid request body: it must be a JSON object")
	}
	return sockgate.Invalidf("Invalid request body: the value of '%s' can not be converted to %s", wrong.Field, typeName(wrong.Type))
}

// typeName names a Go type as the service model does.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int32:
		return "Integer"
	case reflect.Float64:
		return "Double"
	case reflect.Bool:
		return "Boolean"
	case reflect.Slice:
		return "List"
	case reflect.Map:
		return "Map"
	case reflect.Struct:
		return "Structure"
	}
	return "String"
}

// missing is the refusal of a call without a member that the model requires. Source: reference section 1.2.
func (in *input) missing(member string) error {
	return sockgate.Invalidf("1 validation error detected: Value null at '%s.%s' failed to satisfy constraint: Member must not be null", in.operation, member)
}

// notOneOf is the refusal of a value that is none of those that the model names. values is as AWS prints it, "DAY, WEEK".
func (in *input) notOneOf(member, value, values string) error {
	return sockgate.Invalidf("1 validation error detected: Value '%s' at '%s.%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		short(value), in.operation, member, values)
}

// limitExceeded is the refusal of one more than a quota allows. UNCONFIRMED: the text follows that of other resources.
func limitExceeded(what string) error {
	return &awswire.StatusError{Status: http.StatusTooManyRequests, Type: "LimitExceededException",
		Message: fmt.Sprintf("Maximum number of %s for this account has been reached.  Please contact AWS if you need additional %s.", what, what)}
}
