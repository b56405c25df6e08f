package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/pipeline"
)

func guarded(credentials string) *sockgate.Definition {
	def := one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("connect"), CredentialsARN: credentials},
		sockgate.Route{Key: "$connect", AuthorizationType: "CUSTOM", AuthorizerID: "a1"})
	message := twoWay
	message.Target = "integrations/i2"
	def.Routes = append(def.Routes, message, sockgate.Route{Key: "$disconnect", Target: "integrations/i2"})
	def.Integrations = append(def.Integrations, sockgate.Integration{ID: "i2", Type: sockgate.AWSProxy, URI: uri("message"), Timeout: time.Second})
	def.Authorizers = []sockgate.Authorizer{{ID: "a1", Name: "guard", Type: "REQUEST", URI: uri("guard"), IdentitySource: []string{"route.request.querystring.token"}}}
	return def
}

func letIn(effect string) string {
	return `{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect +
		`","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:000000000000:abc/dev/$connect"}]},"context":{"role":"admin","n":1}}`
}

func TestAuthorizedConnections(t *testing.T) {
	ok := returns(`{"statusCode":200,"body":"hi"}`)
	g := open(t, guarded(""), nil, map[string]func() (*sockgate.FunctionAnswer, error){"guard": returns(letIn("Allow")), "connect": ok, "message": ok}, nil)
	s := session()
	if _, refusal := g.Connect(t.Context(), s, &pipeline.Handshake{Query: []sockgate.Header{{Name: "token", Value: "t"}}}); refusal != nil {
		t.Fatal(refusal)
	}
	g.say(s, `{}`)
	g.Disconnect(t.Context(), s, 1000, "")
	if len(g.functions.calls) != 4 {
		t.Fatalf("%d calls", len(g.functions.calls))
	}
	if source := g.functions.calls[0].SourceARN; source != "arn:aws:execute-api:us-east-1:000000000000:abc/authorizers/a1" {
		t.Errorf("the authorizer is asked by %s", source)
	}
	for _, call := range g.functions.calls[1:] {
		var event struct {
			RequestContext struct{ Authorizer map[string]any }
		}
		if err := json.Unmarshal(call.Payload, &event); err != nil {
			t.Fatal(err)
		}
		latency := event.RequestContext.Authorizer["integrationLatency"]
		want := map[string]any{"principalId": "ann", "role": "admin", "n": "1", "integrationLatency": latency}
		if diff := cmp.Diff(want, event.RequestContext.Authorizer); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if _, number := latency.(float64); !number {
			t.Errorf("integrationLatency %v is no number", latency)
		}
	}
}

func TestUnauthorizedHandshakes(t *testing.T) {
	ok := returns(`{"statusCode":200}`)
	for _, tt := range []struct {
		name   string
		query  []sockgate.Header
		guard  func() (*sockgate.FunctionAnswer, error)
		status int
		typ    string
		body   string
		asked  int
	}{
		{"no identity", nil, ok, 401, "UnauthorizedException", `{"message":"Unauthorized"}`, 0},
		{"not known", token, throws(`{"errorMessage":"Unauthorized"}`), 401, "UnauthorizedException", `{"message":"Unauthorized"}`, 1},
		{"denied", token, returns(letIn("Deny")), 403, "AccessDeniedException", `{"Message":"User is not authorized to access this resource with an explicit deny"}`, 1},
		{"not allowed", token, returns(strings.Replace(letIn("Allow"), "dev", "prod", 1)), 403, "AccessDeniedException", `{"Message":"User is not authorized to access this resource"}`, 1},
		{"guard that throws", token, throws(`{"errorMessage":"boom"}`), 500, "AuthorizerConfigurationException", `{"message":"Internal server error"}`, 1},
		{"guard that answers a status", token, returns(`{"statusCode":401}`), 500, "AuthorizerConfigurationException", `{"message":"Internal server error"}`, 1},
		{"guard that is too late", token, fails(&sockgate.Error{Kind: sockgate.Timeout}), 500, "AuthorizerFailureException", `{"message":"Internal server error"}`, 1},
		{"guard that may not be called", token, fails(sockgate.Forbiddenf("no")), 500, "AuthorizerFailureException", `{"message":"Internal server error"}`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := open(t, guarded(""), nil, map[string]func() (*sockgate.FunctionAnswer, error){"guard": tt.guard, "connect": ok}, nil)
			s := session()
			_, refusal := g.Connect(t.Context(), s, &pipeline.Handshake{Query: tt.query})
			if refusal == nil || refusal.Status != tt.status || refusal.Type != tt.typ || string(refusal.Body) != tt.body {
				t.Errorf("refused: %+v", refusal)
			}
			if len(g.functions.calls) != tt.asked || s.Connection.Authorizer != nil {
				t.Errorf("%d calls, %+v", len(g.functions.calls), s.Connection.Authorizer)
			}
			if !strings.Contains(g.log.String(), "Execution failed due to authorizer: ") {
				t.Errorf("log:\n%s", g.log.String())
			}
		})
	}
}

var token = []sockgate.Header{{Name: "token", Value: "t"}}

func TestSignedHandshakes(t *testing.T) {
	ann := &sockgate.Principal{AccountID: "000000000000", AccessKeyID: "AKIA", ARN: "arn:aws:iam::000000000000:user/ann", UserID: "AIDA"}
	root := &sockgate.Principal{ARN: "arn:aws:iam::000000000000:root", Root: true}
	may := func(p *sockgate.Principal, action, resource string, _ *pipeline.Handshake) error {
		if p == ann && action == "execute-api:Invoke" && resource == "arn:aws:execute-api:us-east-1:000000000000:abc/dev/$connect" {
			return nil
		}
		return sockgate.Forbiddenf("User: %s is not authorized to perform: %s", p.ARN, action)
	}
	other := &sockgate.Principal{ARN: "arn:aws:iam::000000000000:user/bob"}
	for _, tt := range []struct {
		name   string
		who    *sockgate.Principal
		permit func(*sockgate.Principal, string, string, *pipeline.Handshake) error
		body   string
	}{
		{"may", ann, may, ""},
		{"root", root, may, ""},
		{"root without users", root, nil, ""},
		{"may not", other, may, `{"Message":"User: arn:aws:iam::000000000000:user/bob is not authorized to perform: execute-api:Invoke"}`},
		{"user without users", ann, nil, `{"Message":"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: execute-api:Invoke"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := open(t, one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f"), CredentialsARN: "arn:aws:iam::*:user/*"}, sockgate.Route{Key: "$connect", AuthorizationType: "AWS_IAM"}), nil,
				map[string]func() (*sockgate.FunctionAnswer, error){"f": returns(`{"statusCode":200}`)}, func(c *pipeline.Config) {
					c.Signed = func(*pipeline.Handshake) (*sockgate.Principal, error) { return tt.who, nil }
					c.Permit = tt.permit
				})
			s := session()
			_, refusal := g.Connect(t.Context(), s, &pipeline.Handshake{})
			if tt.body == "" {
				if refusal != nil || s.Connection.Identity != tt.who || g.functions.calls[0].Caller != tt.who {
					t.Errorf("%+v, %+v", refusal, g.functions.calls)
				}
				return
			}
			if refusal == nil || refusal.Status != 403 || refusal.Type != "AccessDeniedException" || string(refusal.Body) != tt.body || len(g.functions.calls) != 0 || s.Connection.Identity != nil {
				t.Errorf("%+v", refusal)
			}
		})
	}
}

func TestCallersWithoutASignature(t *testing.T) {
	def := guarded("arn:aws:iam::*:user/*")
	g := open(t, def, nil, map[string]func() (*sockgate.FunctionAnswer, error){"guard": returns(letIn("Allow")), "connect": returns(`{"statusCode":200}`)}, nil)
	_, refusal := g.Connect(t.Context(), session(), &pipeline.Handshake{Query: token})
	if refusal == nil || refusal.Status != 500 || len(g.functions.calls) != 1 {
		t.Errorf("%+v after %d calls", refusal, len(g.functions.calls))
	}
}
