package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/gateway/transform"
)

func TestFunctionsBehindConnect(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answer   func() (*sockgate.FunctionAnswer, error)
		status   int // 0: let in
		protocol string
		typ      string
		body     string
		log      string
	}{
		{name: "accepts", answer: returns(`{"statusCode":200,"body":"ignored"}`)},
		{name: "accepts otherwise", answer: returns(`{"statusCode":204}`)},
		{name: "chooses a protocol", answer: returns(`{"statusCode":200,"headers":{"sec-websocket-protocol":"chat"}}`), protocol: "chat"},
		{name: "refuses", answer: returns(`{"statusCode":401,"headers":{"Content-Type":"text/plain"},"body":"no"}`), status: 401, body: "no"},
		{name: "refuses in base64", answer: returns(`{"statusCode":403,"body":"bm8=","isBase64Encoded":true}`), status: 403, body: "no"},
		{name: "redirects", answer: returns(`{"statusCode":301}`), status: 301},
		{name: "throws", answer: throws(`{"errorMessage":"boom","errorType":"Error"}`), status: 502, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`,
			log: "Lambda execution failed with status 200 due to customer function error: boom. Lambda request id: 6dd0f6ad"},
		{name: "returns nothing", answer: returns(`null`), status: 502, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`,
			log: "Execution failed due to configuration error: Malformed Lambda proxy response: it is not a JSON object"},
		{name: "returns no status", answer: returns(`{"body":"x"}`), status: 502, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`, log: "Malformed Lambda proxy response"},
		{name: "returns a text", answer: returns(`"ok"`), status: 502, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`, log: "Malformed"},
		{name: "too late", answer: fails(&sockgate.Error{Kind: sockgate.Timeout}), status: 504, typ: "InternalServerErrorException", body: `{"message":"Endpoint request timed out"}`},
		{name: "may not be called", answer: fails(sockgate.Forbiddenf("no").Because(errors.New("no statement lets apigateway.amazonaws.com in"))), status: 500,
			typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`,
			log: "Execution failed due to configuration error: Invalid permissions on Lambda function: no statement lets apigateway.amazonaws.com in"},
		{name: "is not there", status: 500, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`, log: "Invalid permissions on Lambda function"},
		{name: "is throttled", answer: fails(&sockgate.Error{Kind: sockgate.Throttled, Message: "Rate"}), status: 500, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`, log: "Rate Exceeded"},
		{name: "is unavailable", answer: fails(sockgate.Unavailablef("stopping")), status: 500, typ: "InternalServerErrorException", body: `{"message":"Internal server error"}`, log: "stopping"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := open(t, one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f")}, sockgate.Route{Key: "$connect"}), nil,
				map[string]func() (*sockgate.FunctionAnswer, error){"f": tt.answer}, nil)
			if tt.answer == nil {
				delete(g.functions.answer, "f")
			}
			opened, refusal := g.Connect(t.Context(), session(), &pipeline.Handshake{Headers: sockgate.Headers{{Name: "Host", Value: "h"}}})
			if tt.status == 0 {
				if refusal != nil || opened.Subprotocol != tt.protocol {
					t.Errorf("%+v, %v", opened, refusal)
				}
			} else if refusal == nil || refusal.Status != tt.status || refusal.Type != tt.typ || string(refusal.Body) != tt.body {
				t.Errorf("refused: %+v", refusal)
			}
			if !strings.Contains(g.log.String(), tt.log) {
				t.Errorf("the log does not say %q:\n%s", tt.log, g.log.String())
			}
			call := g.functions.calls[0]
			if call.SourceARN != "arn:aws:execute-api:us-east-1:000000000000:abc/dev/$connect" || call.Function != "arn:aws:lambda:us-east-1:000000000000:function:f" || call.RoleARN != "" || call.TraceID == "" {
				t.Errorf("call: %+v", call)
			}
		})
	}
}

func TestFunctionsBehindMessages(t *testing.T) {
	internal := frame("Internal server error")
	for _, tt := range []struct {
		name           string
		answer         func() (*sockgate.FunctionAnswer, error)
		oneWay, twoWay string
	}{
		{"answers", returns(`{"statusCode":200,"body":"hello"}`), "", "hello"},
		{"answers with an error's status", returns(`{"statusCode":500,"body":"hello"}`), "", "hello"},
		{"answers in base64", returns(`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`), "", "hi"},
		{"answers without a body", returns(`{"statusCode":200}`), "", ""},
		{"answers with an empty body", returns(`{"statusCode":200,"body":""}`), "", ""},
		{"returns nothing", returns(`null`), "", internal},
		{"returns a value", returns(`{"message":"hi"}`), "", internal},
		{"returns an object as body", returns(`{"statusCode":200,"body":{"a":1}}`), "", internal},
		{"throws", throws(`{"errorMessage":"boom"}`), internal, internal},
		{"too late", fails(&sockgate.Error{Kind: sockgate.Timeout}), frame("Endpoint request timed out"), frame("Endpoint request timed out")},
		{"may not be called", fails(sockgate.Forbiddenf("no")), internal, internal},
		{"is throttled", fails(&sockgate.Error{Kind: sockgate.Throttled, Message: "Rate"}), internal, internal},
	} {
		for _, way := range []struct {
			name  string
			route sockgate.Route
			want  string
		}{{"one way", sockgate.Route{Key: "$default"}, tt.oneWay}, {"two ways", twoWay, tt.twoWay}} {
			t.Run(tt.name+", "+way.name, func(t *testing.T) {
				g := open(t, one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f")}, way.route), nil,
					map[string]func() (*sockgate.FunctionAnswer, error){"f": tt.answer}, nil)
				if got := g.say(session(), `{"action":"x"}`); got != way.want {
					t.Errorf("the client reads %q, want %q", got, way.want)
				}
			})
		}
	}
}

func TestFunctionsWithoutProxy(t *testing.T) {
	respond := func(key, template string) sockgate.IntegrationResponse {
		r := sockgate.IntegrationResponse{Key: key}
		if template != "" {
			r.ResponseTemplates = map[string]string{"$default": template}
		}
		return r
	}
	both := []sockgate.IntegrationResponse{respond("$default", ""), respond("/.*not found.*/", `missing: $input.path('$.errorMessage')`)}
	for _, tt := range []struct {
		name      string
		template  string
		responses []sockgate.IntegrationResponse
		answer    func() (*sockgate.FunctionAnswer, error)
		message   string
		payload   string // that the function gets
		want      string
	}{
		{name: "passes a body through", responses: both, answer: returns(`{"ok":true}`), message: `{"a":1}`, payload: `{"a":1}`, want: `{"ok":true}`},
		{name: "sends a template", template: `{"id":"$context.connectionId"}`, responses: both, answer: returns(`[1]`), message: `{}`, payload: `{"id":"C1"}`, want: `[1]`},
		{name: "nothing is an empty object", responses: both, answer: returns(`1`), message: ``, payload: `{}`, want: `1`},
		{name: "body that is not JSON", responses: both, answer: returns(`1`), message: `hello`, want: frame("Could not parse request body into json")},
		{name: "template that is not JSON", template: `{`, responses: both, answer: returns(`1`), message: `{}`, want: frame("Could not parse request body into json")},
		{name: "error with a response of its own", responses: both, answer: throws(`{"errorMessage":"x not found"}`), message: `{}`, payload: `{}`, want: `missing: x not found`},
		{name: "error without one", responses: both, answer: throws(`{"errorMessage":"boom"}`), message: `{}`, payload: `{}`, want: `{"errorMessage":"boom"}`},
		{name: "error without any", answer: throws(`{"errorMessage":"boom"}`), message: `{}`, payload: `{}`, want: frame("Internal server error")},
		{name: "value with an errorMessage", responses: both, answer: returns(`{"errorMessage":"y not found"}`), message: `{}`, payload: `{}`, want: `missing: y not found`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := sockgate.Integration{Type: sockgate.AWS, URI: uri("f"), Responses: tt.responses}
			if tt.template != "" {
				in.RequestTemplates = map[string]string{"$default": tt.template}
			}
			g := open(t, one(in, twoWay), nil, map[string]func() (*sockgate.FunctionAnswer, error){"f": tt.answer}, nil)
			if got := g.say(session(), tt.message); got != tt.want {
				t.Errorf("the client reads %q, want %q", got, tt.want)
			}
			if tt.payload == "" {
				if len(g.functions.calls) != 0 {
					t.Error("the function was called")
				}
			} else if got := string(g.functions.calls[0].Payload); got != tt.payload {
				t.Errorf("the function gets %s, want %s", got, tt.payload)
			}
		})
	}
}

func TestInvocationTypeOfACustomIntegration(t *testing.T) {
	const name = "integration.request.header.X-Amz-Invocation-Type"
	accepted := func() (*sockgate.FunctionAnswer, error) { return &sockgate.FunctionAnswer{RequestID: "6dd0f6ad"}, nil }
	for _, tt := range []struct {
		name     string
		typ      sockgate.IntegrationType
		value    string
		template string // of the request
		answer   func() (*sockgate.FunctionAnswer, error)
		later    bool
		want     string
	}{
		{name: "Event", typ: sockgate.AWS, value: "'Event'", answer: accepted, later: true, want: "accepted"},
		{name: "RequestResponse", typ: sockgate.AWS, value: "'RequestResponse'", answer: returns(`1`), want: "accepted"},
		{name: "of the body", typ: sockgate.AWS, value: "route.request.body.type", answer: accepted, later: true, want: "accepted"},
		{name: "set by the template", typ: sockgate.AWS, value: "'RequestResponse'", template: `#set($context.requestOverride.header.X-Amz-Invocation-Type = "Event"){}`,
			answer: accepted, later: true, want: "accepted"},
		{name: "unknown", typ: sockgate.AWS, value: "'Later'", answer: returns(`1`), want: frame("Internal server error")},
		{name: "a proxy's", typ: sockgate.AWSProxy, value: "'Event'", answer: returns(`{"statusCode":200,"body":"hi"}`), want: "hi"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := sockgate.Integration{Type: tt.typ, URI: uri("f"), RequestParameters: map[string]string{name: tt.value}}
			if tt.typ == sockgate.AWS {
				in.Responses = []sockgate.IntegrationResponse{{Key: "$default", ResponseTemplates: map[string]string{"$default": "accepted"}}}
			}
			if tt.template != "" {
				in.RequestTemplates = map[string]string{"$default": tt.template}
			}
			g := open(t, one(in, twoWay), nil, map[string]func() (*sockgate.FunctionAnswer, error){"f": tt.answer}, nil)
			if got := g.say(session(), `{"type":"Event"}`); got != tt.want {
				t.Errorf("the client reads %q, want %q", got, tt.want)
			}
			switch calls := g.functions.calls; {
			case tt.name == "unknown":
				if len(calls) != 0 {
					t.Error("the function was called")
				}
			case len(calls) != 1 || calls[0].Later != tt.later:
				t.Errorf("calls: %+v", calls)
			}
		})
	}
}

func TestAFunctionThatFailsLetsNobodyIn(t *testing.T) {
	for _, tt := range []struct {
		name     string
		template string
		key      string
		status   int
		body     string
	}{
		{"default response", "", "$default", 502, `{"message":"Internal server error"}`},
		{"its own response", "denied", "/no.*/", 502, "denied"},
		{"its own status", "#set($context.responseOverride.status = 403)denied", "/no.*/", 403, "denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sockgate.IntegrationResponse{Key: tt.key, ResponseTemplates: map[string]string{"$default": tt.template}}
			g := open(t, one(sockgate.Integration{Type: sockgate.AWS, URI: uri("f"), Responses: []sockgate.IntegrationResponse{r}}, sockgate.Route{Key: "$connect"}), nil,
				map[string]func() (*sockgate.FunctionAnswer, error){"f": throws(`{"errorMessage":"no entry"}`)}, nil)
			_, refusal := g.Connect(t.Context(), session(), &pipeline.Handshake{})
			if refusal == nil || refusal.Status != tt.status || string(refusal.Body) != tt.body {
				t.Errorf("%+v", refusal)
			}
		})
	}
}

func TestStageVariablesOfFunctions(t *testing.T) {
	def := func() *sockgate.Definition {
		return one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("${stageVariables.fn}:${stageVariables.alias}"), CredentialsARN: "arn:aws:iam::000000000000:role/${stageVariables.role}"}, twoWay)
	}
	answer := map[string]func() (*sockgate.FunctionAnswer, error){"chat:live": returns(`{"statusCode":200,"body":"hi"}`)}
	g := open(t, def(), map[string]string{"fn": "chat", "alias": "live", "role": "calls"}, answer, nil)
	if got := g.say(session(), `{}`); got != "hi" || g.functions.calls[0].RoleARN != "arn:aws:iam::000000000000:role/calls" {
		t.Errorf("%q after %+v", got, g.functions.calls)
	}
	var event struct{ StageVariables map[string]string }
	if err := json.Unmarshal(g.functions.calls[0].Payload, &event); err != nil || event.StageVariables["fn"] != "chat" {
		t.Errorf("%v, %v", event, err)
	}
	g = open(t, def(), map[string]string{"fn": "chat", "role": "calls"}, answer, nil)
	if got := g.say(session(), `{}`); got != frame("Internal server error") || len(g.functions.calls) != 0 || !strings.Contains(g.log.String(), "alias") {
		t.Errorf("%q; log:\n%s", got, g.log.String())
	}
}

func TestOtherServicesFailClosed(t *testing.T) {
	g := open(t, one(sockgate.Integration{Type: sockgate.AWS, URI: "arn:aws:apigateway:us-east-1:sqs:path/000000000000/jobs"}, twoWay), nil, nil, nil)
	if got := g.say(session(), `{}`); got != frame("Internal server error") || !strings.Contains(g.log.String(), "service sqs") {
		t.Errorf("%q; log:\n%s", got, g.log.String())
	}
}

func TestDisconnectReachesItsFunction(t *testing.T) {
	for name, answer := range map[string]func() (*sockgate.FunctionAnswer, error){
		"returns nothing": returns(`null`), "throws": throws(`{"errorMessage":"boom"}`),
	} {
		g := open(t, one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f")}, sockgate.Route{Key: "$disconnect"}), nil,
			map[string]func() (*sockgate.FunctionAnswer, error){"f": answer}, nil)
		g.Disconnect(t.Context(), session(), 1005, "reason")
		if len(g.functions.calls) != 1 || !strings.Contains(string(g.functions.calls[0].Payload), `"disconnectStatusCode":1005`) {
			t.Errorf("%s: %+v", name, g.functions.calls)
		}
		if failed := strings.Contains(g.log.String(), "boom"); failed != (name == "throws") {
			t.Errorf("%s: %s", name, g.log.String())
		}
	}
}

func TestAccessLogsOfFunctions(t *testing.T) {
	f, err := transform.CompileFormat(accessFormat)
	if err != nil {
		t.Fatal(err)
	}
	ev := &sockgate.Event{RequestID: "R1", Status: 502, Connection: &sockgate.Connection{}, IntegrationStatus: 404, IntegrationServiceStatus: 200,
		IntegrationRequestID: "6dd0f6ad", IntegrationError: "boom", AuthorizerStatus: 403, AuthorizerServiceStatus: 200, AuthorizerRequestID: "7ee1",
		AuthorizerError: "no", Authenticate: sockgate.Check{Status: 200}, Authorize: sockgate.Check{Status: 403}}
	if got, want := string(f.AppendTo(nil, ev)), "R1 502 404 200 6dd0f6ad boom | 403 200 7ee1 no - | 200 403"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func BenchmarkMessageThroughAFunction(b *testing.B) {
	answer := &sockgate.FunctionAnswer{Payload: []byte(`{"statusCode":200,"body":"hello"}`)}
	g := open(b, one(sockgate.Integration{Type: sockgate.AWSProxy, URI: uri("f")}, twoWay), nil, nil, func(c *pipeline.Config) {
		c.Functions = always{answer}
	})
	s, body := session(), []byte(`{"action":"sendMessage","text":"`+strings.Repeat("x", 900)+`"}`)
	var sink discard
	b.ReportAllocs()
	for b.Loop() {
		g.Message(context.Background(), s, body, sink)
	}
}

type always struct{ answer *sockgate.FunctionAnswer }

func (a always) Call(context.Context, *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	return a.answer, nil
}

type discard struct{}

func (discard) Reply(context.Context, []byte) error { return nil }
