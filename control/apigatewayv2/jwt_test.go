package apigatewayv2_test

import (
	"strings"
	"testing"

	"github.com/sockgate/sockgate/control/apigatewayv2"
	"github.com/sockgate/sockgate/state/store/memory"
)

// JWT authorizers go beyond AWS; TestRefusals has how they are refused when they are off.
func TestJWTAuthorizers(t *testing.T) {
	g := newGatewayOn(t, memory.New(), func(c *apigatewayv2.Config) { c.JWT = true })
	api := g.newAPI()
	const good = `{"name":"j","authorizerType":"JWT","identitySource":["route.request.querystring.token"],"jwtConfiguration":{"issuer":"https://i.example/","audience":["chat"]}}`
	made := g.do("POST", api+"/authorizers", good)
	id := made.str("authorizerId")
	if body := made.body; !strings.Contains(body, `"jwtConfiguration":{"audience":["chat"],"issuer":"https://i.example/"}`) || strings.Contains(body, "authorizerUri") {
		t.Errorf("shown as %s", body)
	}
	request := g.do("POST", api+"/authorizers", `{"name":"r","authorizerType":"REQUEST","authorizerUri":"`+lambdaURI+`"}`).str("authorizerId")
	g.do("POST", api+"/routes", `{"routeKey":"$connect","authorizationType":"JWT","authorizerId":"`+id+`"}`).ok(201)
	for _, tt := range []struct{ name, path, body, message string }{
		{"no issuer", "/authorizers", strings.Replace(good, "https://i.example/", "i", 1), "Invalid issuer: i. Issuer must be a valid URL"},
		{"no audience", "/authorizers", strings.Replace(good, `"chat"`, ``, 1), "Audience is a required parameter for JWT authorizer"},
		{"two sources", "/authorizers", strings.Replace(good, `"route.`, `"route.request.header.a","route.`, 1), "IdentitySource of a JWT authorizer must be one header or query string parameter"},
		{"source that is no token", "/authorizers", strings.Replace(good, "route.request.querystring.token", "context.stage", 1), "IdentitySource of a JWT authorizer must be one header or query string parameter"},
		{"tokens of a function", "/authorizers", `{"name":"x","authorizerType":"REQUEST","authorizerUri":"` + lambdaURI + `","jwtConfiguration":{}}`, "JwtConfiguration cannot be set for WEBSOCKET protocol Apis"},
		{"route of the other type", "/routes", `{"routeKey":"a","authorizationType":"CUSTOM","authorizerId":"` + id + `"}`, "is of type JWT and cannot be used with AuthorizationType CUSTOM"},
		{"route of the other type", "/routes", `{"routeKey":"a","authorizationType":"JWT","authorizerId":"` + request + `"}`, "is of type REQUEST and cannot be used with AuthorizationType JWT"},
		{"route without one", "/routes", `{"routeKey":"a","authorizationType":"JWT"}`, "AuthorizerId is a required parameter when AuthorizationType is JWT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := g.do("POST", api+tt.path, tt.body)
			if got.status != 400 || !strings.Contains(got.body, tt.message) {
				t.Errorf("%d %s, want %q", got.status, got.body, tt.message)
			}
		})
	}
}
