package apigatewayv2_test

import (
	"strings"
	"testing"
)

const newStage = `{"stageName":"s"`

// TestBadInput sends what no SDK would.
func TestBadInput(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	g.newRoute(api, "$connect")
	g.do("POST", api+"/stages", newStage+`}`).ok(201)
	stage := api + "/stages/s"
	wrong := func(member, kind string) string {
		return "Invalid request body: the value of '" + member + "' can not be converted to " + kind
	}
	const noJSON, noObject = "Invalid request body: it is not valid JSON", "Invalid request body: it must be a JSON object"
	tests := []struct {
		name, body, message string
	}{
		{"not json", `hello`, noJSON},
		{"cut off", `{"description":"d"`, noJSON},
		{"two documents", `{} {}`, noJSON},
		{"single quotes", `{'description':'d'}`, noJSON},
		{"bare control character", "{\"description\":\"\x01\"}", noJSON},
		{"deep nesting", strings.Repeat("[", 20000), noJSON},
		{"deep nesting that ends", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), noJSON},
		{"array", `[]`, noObject},
		{"string", `"x"`, noObject},
		{"null", `null`, noObject},
		{"number", ` 1 `, noObject},
		{"number for a string", `{"description":1}`, wrong("description", "String")},
		{"object for a string", `{"description":{}}`, wrong("description", "String")},
		{"string for a boolean", `{"autoDeploy":"true"}`, wrong("autoDeploy", "Boolean")},
		{"array for a structure", `{"accessLogSettings":[]}`, wrong("accessLogSettings", "Structure")},
		{"string for a structure", `{"defaultRouteSettings":"x"}`, wrong("defaultRouteSettings", "Structure")},
		{"array for a map", `{"stageVariables":[]}`, wrong("stageVariables", "Map")},
		{"number in a map", `{"stageVariables":{"a":1}}`, wrong("stageVariables.a", "String")},
		{"string in a map of structures", `{"routeSettings":{"$connect":"x"}}`, wrong("routeSettings.$connect", "Structure")},
		{"string for an integer, two levels down", `{"routeSettings":{"$connect":{"throttlingBurstLimit":"5"}}}`, wrong("routeSettings.$connect.throttlingBurstLimit", "Integer")},
		{"fraction for an integer", `{"defaultRouteSettings":{"throttlingBurstLimit":1.5}}`, wrong("defaultRouteSettings.throttlingBurstLimit", "Integer")},
		{"integer over 32 bits", `{"defaultRouteSettings":{"throttlingBurstLimit":4294967296}}`, wrong("defaultRouteSettings.throttlingBurstLimit", "Integer")},
		{"integer of a thousand digits", `{"defaultRouteSettings":{"throttlingBurstLimit":` + strings.Repeat("9", 1000) + `}}`, wrong("defaultRouteSettings.throttlingBurstLimit", "Integer")},
		{"number over a double", `{"defaultRouteSettings":{"throttlingRateLimit":1e999}}`, wrong("defaultRouteSettings.throttlingRateLimit", "Double")},
		{"boolean for a number", `{"defaultRouteSettings":{"throttlingRateLimit":true}}`, wrong("defaultRouteSettings.throttlingRateLimit", "Double")},
		{"the wrong type hides other faults", `{"description":1,"clientCertificateId":"` + strings.Repeat("x", 200) + `"}`, wrong("description", "String")},
	}
	before := g.record(api)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do("PATCH", stage, tt.body)
			a.t = t
			a.refused(400, tt.message)
		})
	}
	equal(t, "bad input changes nothing", g.record(api), before)

	g.do("POST", api+"/authorizers", `{"name":"a","authorizerType":"REQUEST","identitySource":["a",1]}`).refused(400, wrong("identitySource.2.member", "String"))
	if a := g.do("PATCH", stage, `{"description":"`+strings.Repeat("x", 10<<20)+`"}`); a.status != 413 || a.typ != "RequestEntityTooLargeException" {
		t.Errorf("oversized body: %d %s", a.status, a.typ)
	}
}

func TestLenientInput(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	tests := []struct{ name, body string }{
		{"unknown members are ignored", `{"description":"d","nope":{"x":[1,2,{}]},"Name":7}`},
		{"null is absent", `{"description":"d","name":null,"version":null,"disableSchemaValidation":null}`},
		{"the last of two wins", `{"description":1,"description":"d"}`},
		{"white space", " \r\n\t{ \"description\" : \"d\" } \n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.do("PATCH", api, `{"description":""}`).ok(200)
			m := g.do("PATCH", api, tt.body).ok(200)
			if m["description"] != "d" || m["name"] != "chat" {
				t.Errorf("got %v", m)
			}
		})
	}
	if m := g.do("PATCH", api, ``).ok(200); m["name"] != "chat" {
		t.Errorf("an empty update: %v", m)
	}
	m := g.do("POST", api+"/integrations", `{"integrationType":"MOCK","payloadFormatVersion":"1.0","responseParameters":{},"requestTemplates":{"a":null}}`).ok(201)
	if _, ok := m["requestTemplates"]; ok {
		t.Errorf("a null entry was kept: %v", m)
	}
	g.do("POST", api+"/authorizers", `{"name":"a","authorizerType":"REQUEST","authorizerUri":"`+lambdaURI+`","authorizerResultTtlInSeconds":0,"enableSimpleResponses":false}`).ok(201)
}

func TestPathTricks(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	id := strings.TrimPrefix(api, "/v2/apis/")
	const unknown = "Unable to determine service/operation name to be authorized"
	tests := []struct {
		name, path string
		status     int
	}{
		{"trailing slash", api + "/", 403},
		{"double slash", "/v2//apis/" + id, 403},
		{"dots", "/v2/apis/x/../" + id, 403},
		{"escaped slash in an id", "/v2/apis/x%2F" + id, 404},
		{"escaped dots as an id", "/v2/apis/%2E%2E", 404},
		{"a store's key", "/v2/apis/api." + id, 404},
		{"null byte", "/v2/apis/%00", 404},
		{"upper case", "/V2/apis/" + id, 501}, // the v1 API's, which is not here
		{"unknown collection", api + "/things", 403},
		{"escaped letters are the same", "/v2/apis/%" + hex(id[0]) + id[1:], 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do("GET", tt.path, "")
			if a.status != tt.status {
				t.Errorf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			if a.status == 403 && a.message() != unknown {
				t.Errorf("message %q", a.message())
			}
		})
	}
	if a := g.do("POST", api, "{}"); a.status != 403 {
		t.Errorf("a method that the path does not have: %d", a.status)
	}
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// FuzzBody: whatever the body, the answer is a success or the client's fault.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `{"stageName":"a"}`, newStage + `,"routeSettings":{"$connect":{"throttlingRateLimit":1e3}}}`,
		newStage + `,"stageVariables":{"a":"b"},"tags":{"k":"v"},"autoDeploy":true}`, logging(`$context.requestId ${context.stage} $`),
		`{"stageName":"\ud800"}`, `{"stageName":1e999}`,
	} {
		f.Add(body)
	}
	base := newGateway(f)
	f.Fuzz(func(t *testing.T, body string) {
		g := base.forFuzz(t)
		api := g.newAPI()
		g.newRoute(api, "$connect")
		for _, path := range []string{"/stages", "/routes", "/integrations", "/authorizers", "/models", "/deployments"} {
			if a := g.do("POST", api+path, body); a.status >= 500 {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	})
}
