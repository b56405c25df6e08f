package authorize_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/authorize"
)

const (
	methodARN = "arn:aws:execute-api:us-east-1:000000000000:abc/dev/$connect"
	ownARN    = "arn:aws:execute-api:us-east-1:000000000000:abc/authorizers/a1"
	lambda    = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:guard/invocations"
)

// functions is a function service of one function.
type functions func(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error)

func (f functions) Call(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	return f(ctx, c)
}

// answers is a function that answers, or fails with an error document.
func answers(payload string, failed bool) functions {
	return func(context.Context, *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
		a := &sockgate.FunctionAnswer{Payload: []byte(payload), RequestID: "6dd0f6ad-4f21-4c39-9e1b-0d7a5fd2a1a5"}
		if failed {
			a.Error = "Unhandled"
		}
		return a, nil
	}
}

func handshake() *sockgate.Event {
	return &sockgate.Event{
		Type: sockgate.Connect, RouteKey: "$connect", RequestID: "R1", TraceID: "Root=1-x", Time: time.Unix(1700000000, 0),
		Connection: &sockgate.Connection{ID: "C1", APIID: "abc", Stage: "dev", SourceIP: netip.MustParseAddr("203.0.113.9"), UserAgent: "agent"},
		Headers:    sockgate.Headers{{Name: "Auth", Value: "secret"}, {Name: "Empty", Value: ""}},
		Query:      []sockgate.Header{{Name: "token", Value: "t"}, {Name: "none", Value: ""}},
	}
}

func compile(t *testing.T, a sockgate.Authorizer, vars map[string]string) *authorize.Authorizer {
	t.Helper()
	a.ID, a.Name = "a1", "guard"
	if a.Type == "" {
		a.Type, a.URI = "REQUEST", lambda
	}
	c, err := authorize.Compile(&a, authorize.Place{MethodARN: methodARN, ARN: ownARN, Variables: vars})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func statement(effect, action, resource string) string {
	return `{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"}`
}

func policy(statements ...string) string {
	return `{"principalId":"user|a","policyDocument":{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}}`
}

var allow = statement("Allow", "execute-api:Invoke", methodARN)

func TestOutcomes(t *testing.T) {
	fails := func(err error) functions {
		return func(context.Context, *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) { return nil, err }
	}
	with := func(member string) string {
		return strings.Replace(policy(allow), `{"principalId"`, `{`+member+`,"principalId"`, 1)
	}
	const in = authorize.Outcome(255) // let in
	for _, tt := range []struct {
		name    string
		asks    sockgate.Functions
		outcome authorize.Outcome
		status  int
		why     string
	}{
		{"allowed", answers(policy(allow), false), in, 200, ""},
		{"allowed by wildcards", answers(policy(statement("Allow", "execute-api:*", "arn:aws:execute-api:*:*:abc/*")), false), in, 200, ""},
		{"allowed by a single statement", answers(`{"principalId":"p","policyDocument":{"Statement":`+allow+`}}`, false), in, 200, ""},
		{"principal that is a number", answers(`{"principalId":7,"policyDocument":{"Statement":`+allow+`}}`, false), in, 200, ""},
		{"no context", answers(with(`"context":null`), false), in, 200, ""},

		{"denied", answers(policy(statement("Deny", "execute-api:Invoke", methodARN)), false), authorize.DeniedByRule, 403, "explicitly"},
		{"denied and allowed", answers(policy(allow, statement("Deny", "*", "*")), false), authorize.DeniedByRule, 403, "explicitly"},
		{"another stage", answers(policy(statement("Allow", "execute-api:Invoke", strings.Replace(methodARN, "dev", "prod", 1))), false), authorize.Denied, 403, "does not allow"},
		{"another action", answers(policy(statement("Allow", "execute-api:ManageConnections", methodARN)), false), authorize.Denied, 403, "does not allow"},
		{"the pattern of REST APIs", answers(policy(statement("Allow", "execute-api:Invoke", "arn:aws:execute-api:us-east-1:000000000000:abc/dev/*/*")), false), authorize.Denied, 403, "does not allow"},
		{"condition that holds", answers(policy(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"aws:UserAgent":"agent"},"DateLessThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"},"NumericEquals":{"aws:EpochTime":"1700000000"}}}`), false), in, 200, ""},
		{"condition that does not", answers(policy(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`), false), authorize.Denied, 403, ""},

		{"fails with Unauthorized", answers(`{"errorMessage":"Unauthorized","errorType":"Error"}`, true), authorize.Unauthorized, 401, "Unauthorized"},
		{"fails with other case", answers(`{"errorMessage":"unauthorized"}`, true), authorize.Misconfigured, 500, "unauthorized"},
		{"fails with more", answers(`{"errorMessage":"Unauthorized: no"}`, true), authorize.Misconfigured, 500, "Unauthorized: no"},
		{"fails", answers(`{"errorMessage":"boom"}`, true), authorize.Misconfigured, 500, "boom"},
		{"fails with garbage", answers(`<html>`, true), authorize.Misconfigured, 500, ""},
		{"answers Unauthorized", answers(`"Unauthorized"`, false), authorize.Misconfigured, 500, "not a JSON object"},
		{"answers a status", answers(`{"statusCode":401}`, false), authorize.Misconfigured, 500, "principalId"},
		{"answers null", answers(`null`, false), authorize.Misconfigured, 500, "not a JSON object"},
		{"answers nothing", answers(``, false), authorize.Misconfigured, 500, "not JSON"},
		{"no principal", answers(`{"policyDocument":{"Statement":`+allow+`}}`, false), authorize.Misconfigured, 500, "principalId"},
		{"principal that is an object", answers(`{"principalId":{},"policyDocument":{"Statement":`+allow+`}}`, false), authorize.Misconfigured, 500, "principalId"},
		{"no policy", answers(`{"principalId":"p"}`, false), authorize.Misconfigured, 500, "policyDocument"},
		{"policy in quotes", answers(`{"principalId":"p","policyDocument":"{}"}`, false), authorize.Misconfigured, 500, "policyDocument"},
		{"policy that is none", answers(`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Maybe"}]}}`, false), authorize.Misconfigured, 500, "policyDocument"},
		{"context with an object", answers(with(`"context":{"a":{}}`), false), authorize.Misconfigured, 500, `"a"`},
		{"context with a list", answers(with(`"context":{"a":[]}`), false), authorize.Misconfigured, 500, `"a"`},
		{"context with null", answers(with(`"context":{"a":null}`), false), authorize.Misconfigured, 500, `"a"`},
		{"context that is a text", answers(with(`"context":"x"`), false), authorize.Misconfigured, 500, "context"},
		{"8 KB", answers(with(`"x":"`+strings.Repeat("x", 8192-len(with(`"x":""`)))+`"`), false), in, 200, ""},
		{"over 8 KB", answers(with(`"x":"`+strings.Repeat("x", 8193-len(with(`"x":""`)))+`"`), false), authorize.Misconfigured, 500, "8193 bytes"},

		{"may not be called", fails(sockgate.Forbiddenf("no").Because(errors.New("the missing statement"))), authorize.Failed, 500, "the missing statement"},
		{"is not there", fails(sockgate.NotFoundf("no")), authorize.Failed, 500, "Invalid permissions"},
		{"too late", fails(&sockgate.Error{Kind: sockgate.Timeout}), authorize.Failed, 500, "too late"},
		{"no functions", nil, authorize.Failed, 500, "runs no functions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev := handshake()
			checker := authorize.New(authorize.Config{Functions: tt.asks, Clock: time.Now})
			who, err := checker.Check(t.Context(), compile(t, sockgate.Authorizer{}, nil), ev)
			if ev.AuthorizerStatus != tt.status || (err == nil) != (ev.AuthorizerError == "") {
				t.Errorf("status %d, error %q", ev.AuthorizerStatus, ev.AuthorizerError)
			}
			if tt.outcome == in {
				if err != nil || who == nil {
					t.Fatalf("%+v, %v", who, err)
				}
				return
			}
			refusal, ok := errors.AsType[*authorize.Refusal](err)
			if !ok || refusal.Outcome != tt.outcome || !strings.Contains(err.Error(), tt.why) || who != nil {
				t.Errorf("%v (%+v), want outcome %d with %q", err, refusal, tt.outcome, tt.why)
			}
		})
	}
}

func TestWhatStaysWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		payload := strings.Replace(policy(allow), `{"principalId"`, `{"context":{"s":"v","n":1,"f":1.50,"big":12345678901234567890,"e":1e3,"b":true,"empty":""},"usageIdentifierKey":"key-1","principalId"`, 1)
		slow := functions(func(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
			time.Sleep(12 * time.Millisecond)
			return answers(payload, false)(ctx, c)
		})
		ev := handshake()
		who, err := authorize.New(authorize.Config{Functions: slow, Clock: time.Now}).Check(t.Context(), compile(t, sockgate.Authorizer{}, nil), ev)
		if err != nil {
			t.Fatal(err)
		}
		want := &sockgate.Authorization{PrincipalID: "user|a", UsageIdentifierKey: "key-1", Latency: 12 * time.Millisecond, Context: map[string]string{
			"s": "v", "n": "1", "f": "1.50", "big": "12345678901234567890", "e": "1e3", "b": "true", "empty": ""}}
		if diff := cmp.Diff(want, who); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if ev.AuthorizerLatency != 12*time.Millisecond || ev.AuthorizerServiceStatus != 200 || ev.AuthorizerRequestID == "" || ev.Authorize.Status != 200 {
			t.Errorf("for the access log: %+v", ev)
		}
	})
}

func TestWhatTheFunctionIsAsked(t *testing.T) {
	var call *sockgate.FunctionCall
	asked := functions(func(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
		call = c
		return answers(policy(allow), false)(ctx, c)
	})
	a := compile(t, sockgate.Authorizer{CredentialsARN: "arn:aws:iam::000000000000:role/asks"}, nil)
	if _, err := authorize.New(authorize.Config{Functions: asked, Clock: time.Now}).Check(t.Context(), a, handshake()); err != nil {
		t.Fatal(err)
	}
	var event struct {
		Type, MethodArn string
		RequestContext  struct{ ConnectionID string }
	}
	if err := json.Unmarshal(call.Payload, &event); err != nil {
		t.Fatal(err)
	}
	if call.Function != "arn:aws:lambda:us-east-1:000000000000:function:guard" || call.SourceARN != ownARN ||
		call.RoleARN != "arn:aws:iam::000000000000:role/asks" || call.TraceID != "Root=1-x" ||
		event.Type != "REQUEST" || event.MethodArn != methodARN || event.RequestContext.ConnectionID != "C1" {
		t.Errorf("call %+v with %s", call, call.Payload)
	}
}

func TestIdentitySources(t *testing.T) {
	vars := map[string]string{"tenant": "t1"}
	for _, tt := range []struct {
		name    string
		sources []string
		asked   bool
	}{
		{"none", nil, true},
		{"header", []string{"route.request.header.Auth"}, true},
		{"header in another case", []string{"route.request.header.auth"}, true},
		{"header that is empty", []string{"route.request.header.Empty"}, false},
		{"header that is missing", []string{"route.request.header.Missing"}, false},
		{"parameter", []string{"route.request.querystring.token"}, true},
		{"parameter in another case", []string{"route.request.querystring.Token"}, false},
		{"parameter that is empty", []string{"route.request.querystring.none"}, false},
		{"stage variable", []string{"stageVariables.tenant"}, true},
		{"stage variable that is missing", []string{"stageVariables.other"}, false},
		{"context", []string{"context.identity.sourceIp"}, true},
		{"context without a value", []string{"context.identity.user"}, false},
		{"all", []string{"route.request.header.Auth", "route.request.querystring.token", "stageVariables.tenant"}, true},
		{"all but one", []string{"route.request.header.Auth", "route.request.querystring.none"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := false
			guard := functions(func(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
				asked = true
				return answers(policy(allow), false)(ctx, c)
			})
			checker := authorize.New(authorize.Config{Functions: guard, Clock: time.Now})
			_, err := checker.Check(t.Context(), compile(t, sockgate.Authorizer{IdentitySource: tt.sources}, vars), handshake())
			if asked != tt.asked || (err == nil) != tt.asked {
				t.Errorf("asked: %v, %v", asked, err)
			}
			if refusal, ok := errors.AsType[*authorize.Refusal](err); !tt.asked && (!ok || refusal.Outcome != authorize.Unauthorized) {
				t.Errorf("%v, want Unauthorized", err)
			}
		})
	}
	for _, bad := range []string{"route.request.body.a", "request.header.A", "context.nothing", "$request.header.A", "method.request.header.A", ""} {
		a := &sockgate.Authorizer{Type: "REQUEST", URI: lambda, IdentitySource: []string{bad}}
		if _, err := authorize.Compile(a, authorize.Place{}); sockgate.KindOf(err) != sockgate.Invalid || err == nil {
			t.Errorf("%q: %v, want Invalid", bad, err)
		}
	}
}

func TestAnAuthorizerEndsWithItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := functions(func(ctx context.Context, _ *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
			<-ctx.Done()
			return nil, &sockgate.Error{Kind: sockgate.Timeout, Cause: ctx.Err()}
		})
		began := time.Now()
		_, err := authorize.New(authorize.Config{Functions: waits, Clock: time.Now}).Check(t.Context(), compile(t, sockgate.Authorizer{}, nil), handshake())
		if took := time.Since(began); took != authorize.DefaultTimeout || err == nil {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(policy(allow))
	f.Add(`{"principalId":"p","policyDocument":{"Statement":{}},"context":{"a":1}}`)
	a, err := authorize.Compile(&sockgate.Authorizer{Type: "REQUEST", URI: lambda}, authorize.Place{MethodARN: methodARN})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		who, err := authorize.New(authorize.Config{Functions: answers(payload, false), Clock: time.Now}).Check(t.Context(), a, handshake())
		if (who == nil) == (err == nil) {
			t.Errorf("%+v and %v", who, err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	a, err := authorize.Compile(&sockgate.Authorizer{Type: "REQUEST", URI: lambda, IdentitySource: []string{"route.request.header.Auth"}}, authorize.Place{MethodARN: methodARN})
	if err != nil {
		b.Fatal(err)
	}
	checker := authorize.New(authorize.Config{Functions: answers(policy(allow), false), Clock: time.Now})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := checker.Check(b.Context(), a, handshake()); err != nil {
			b.Fatal(err)
		}
	}
}
