package apigatewayv2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
)

// TestRefusals has a case for each rule of a single request. {api} is an API with an integration, a route and an authorizer, whose
// ids are {i}, {r} and {a}, a model Msg ({m}), and a stage "prod" with a deployment ({d}).
func TestRefusals(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	routeID, integrationID := g.newRoute(api, "$connect")
	authorizer := g.do("POST", api+"/authorizers", `{"name":"guard","authorizerType":"REQUEST","authorizerUri":"`+lambdaURI+`"}`).str("authorizerId")
	g.do("POST", api+"/routes", `{"routeKey":"guarded","authorizationType":"CUSTOM","authorizerId":"`+authorizer+`"}`).ok(201)
	model := g.do("POST", api+"/models", `{"name":"Msg","schema":"{}"}`).str("modelId")
	g.do("POST", api+"/routes", `{"routeKey":"checked","requestModels":{"$default":"Msg"}}`).ok(201)
	response := g.do("POST", api+"/routes/"+routeID+"/routeresponses", `{"routeResponseKey":"$default"}`).str("routeResponseId")
	g.do("POST", api+"/integrations/"+integrationID+"/integrationresponses", `{"integrationResponseKey":"$default"}`).ok(201)
	deployment := g.do("POST", api+"/deployments", `{}`).str("deploymentId")
	g.do("POST", api+"/stages", `{"stageName":"prod","deploymentId":"`+deployment+`"}`).ok(201)
	g.do("POST", api+"/stages", `{"stageName":"auto","autoDeploy":true}`).ok(201)
	empty := g.newAPI()
	untargeted := g.newAPI()
	g.do("POST", untargeted+"/routes", `{"routeKey":"x"}`).ok(201)

	fill := strings.NewReplacer("{api}", api, "{empty}", empty, "{untargeted}", untargeted, "{r}", routeID, "{i}", integrationID, "{a}", authorizer,
		"{m}", model, "{d}", deployment, "{rr}", response, "{lambda}", lambdaURI,
		"{tags}", "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F"+strings.TrimPrefix(api, "/v2/apis/"))
	const (
		coral  = "1 validation error detected: "
		params = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression "
	)
	tests := []struct {
		name, method, path, body string
		status                   int
		message                  string
	}{
		// APIs
		{"unknown api", "GET", "/v2/apis/unknown", "", 404, "Invalid API identifier specified unknown"},
		{"api id of another shape", "GET", "/v2/apis/a%2Eb", "", 404, "Invalid API identifier specified a.b"},
		{"update of unknown api", "PATCH", "/v2/apis/unknown", "{}", 404, "Invalid API identifier specified unknown"},
		{"deletion of unknown api", "DELETE", "/v2/apis/unknown", "", 404, "Invalid API identifier specified unknown"},
		{"part of unknown api", "POST", "/v2/apis/unknown/routes", `{"routeKey":"a"}`, 404, "Invalid API identifier specified unknown"},
		{"http api", "POST", "/v2/apis", `{"name":"n","protocolType":"HTTP"}`, 400, "Sockgate serves WebSocket APIs only: protocolType must be WEBSOCKET"},
		{"other protocol", "POST", "/v2/apis", `{"name":"n","protocolType":"MQTT"}`, 400, "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]"},
		{"no protocol", "POST", "/v2/apis", `{"name":"n"}`, 400, coral + "Value null at 'protocolType' failed to satisfy constraint: Member must not be null"},
		{"nothing", "POST", "/v2/apis", ``, 400, "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value null at 'protocolType' failed to satisfy constraint: Member must not be null"},
		{"no route selection", "POST", "/v2/apis", `{"name":"n","protocolType":"WEBSOCKET"}`, 400, "RouteSelectionExpression is a required parameter for WEBSOCKET protocol Apis"},
		{"route selection by header", "POST", "/v2/apis", `{"name":"n","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.header.a"}`, 400, "Invalid selection expression specified for routeSelectionExpression: $request.header.a"},
		{"route selection not closed", "POST", "/v2/apis", `{"name":"n","protocolType":"WEBSOCKET","routeSelectionExpression":"${request.body.a"}`, 400, "Invalid selection expression specified for routeSelectionExpression: ${request.body.a"},
		{"route selection that only begins well", "PATCH", "{api}", `{"routeSelectionExpression":"$request.bodyguard"}`, 400, "Invalid selection expression specified for routeSelectionExpression: $request.bodyguard"},
		{"route selection cleared", "PATCH", "{api}", `{"routeSelectionExpression":""}`, 400, "RouteSelectionExpression is a required parameter for WEBSOCKET protocol Apis"},
		{"key selection", "PATCH", "{api}", `{"apiKeySelectionExpression":"$request.header.key"}`, 400, "Invalid API key selection expression specified. Must be one of [$request.header.x-api-key, $context.authorizer.usageIdentifierKey]"},
		{"cors", "POST", "/v2/apis", `{"name":"n","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.a","corsConfiguration":{}}`, 400, "CorsConfiguration cannot be set for WEBSOCKET protocol Apis"},
		{"quick create", "POST", "/v2/apis", `{"name":"n","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.a","target":"https://a"}`, 400, "Target cannot be set for WEBSOCKET protocol Apis"},
		{"name too long", "PATCH", "{api}", `{"name":"` + strings.Repeat("é", 129) + `"}`, 400, coral + "Value '" + strings.Repeat("é", 64) + "...' at 'name' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"name empty", "PATCH", "{api}", `{"name":""}`, 400, coral + "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"address type", "PATCH", "{api}", `{"ipAddressType":"ipv6"}`, 400, coral + "Value 'ipv6' at 'ipAddressType' failed to satisfy constraint: Member must satisfy enum value set: [ipv4, dualstack]"},
		{"import", "PUT", "/v2/apis", `{}`, 400, "ImportApi is not supported for WEBSOCKET protocol Apis"},
		{"export", "GET", "{api}/exports/OAS30", "", 400, "ExportApi is not supported for WEBSOCKET protocol Apis"},

		// routes
		{"unknown route", "GET", "{api}/routes/zz", "", 404, "Invalid Route identifier specified zz"},
		{"update of unknown route", "PATCH", "{api}/routes/zz", "{}", 404, "Invalid Route identifier specified zz"},
		{"deletion of unknown route", "DELETE", "{api}/routes/zz", "", 404, "Invalid Route identifier specified zz"},
		{"duplicate key", "POST", "{api}/routes", `{"routeKey":"$connect"}`, 409, "Route with key $connect already exists for this API"},
		{"renamed to a duplicate", "PATCH", "{api}/routes/{r}", `{"routeKey":"guarded"}`, 409, "Route with key guarded already exists for this API"},
		{"reserved key", "POST", "{api}/routes", `{"routeKey":"$other"}`, 400, "The provided route key is not formatted properly for WEBSOCKET protocol. A key that begins with '$' must be one of [$connect, $disconnect, $default]"},
		{"jwt", "POST", "{api}/routes", `{"routeKey":"a","authorizationType":"JWT"}`, 400, "JWT authorization is not supported for WEBSOCKET protocol Apis"},
		{"custom without authorizer", "POST", "{api}/routes", `{"routeKey":"a","authorizationType":"CUSTOM"}`, 400, "AuthorizerId is a required parameter when AuthorizationType is CUSTOM"},
		{"authorizer without custom", "POST", "{api}/routes", `{"routeKey":"a","authorizerId":"{a}"}`, 400, "AuthorizerId can be set only when AuthorizationType is CUSTOM"},
		{"custom with unknown authorizer", "POST", "{api}/routes", `{"routeKey":"a","authorizationType":"CUSTOM","authorizerId":"zz"}`, 404, "Invalid Authorizer identifier specified zz"},
		{"scopes", "POST", "{api}/routes", `{"routeKey":"a","authorizationScopes":["s"]}`, 400, "AuthorizationScopes cannot be set for WEBSOCKET protocol Apis"},
		{"unknown integration as target", "POST", "{api}/routes", `{"routeKey":"a","target":"integrations/zz"}`, 404, "Invalid Integration identifier specified zz"},
		{"bad target", "POST", "{api}/routes", `{"routeKey":"a","target":"zz"}`, 400, "Invalid target specified: zz. It must be of the form integrations/{integrationId}"},
		{"response selection", "PATCH", "{api}/routes/{r}", `{"routeResponseSelectionExpression":"other"}`, 400, "Invalid route response selection expression specified. Must be one of [$default]"},
		{"model selection", "PATCH", "{api}/routes/{r}", `{"modelSelectionExpression":"$context.stage"}`, 400, "Invalid selection expression specified for modelSelectionExpression: $context.stage"},
		{"unknown model", "PATCH", "{api}/routes/{r}", `{"requestModels":{"a":"Nope"}}`, 400, "Invalid model identifier specified: Nope"},
		{"bad request parameter", "PATCH", "{api}/routes/{r}", `{"requestParameters":{"header.A":{"required":true}}}`, 400, params + "parameter specified: header.A]"},
		{"unknown request parameter", "DELETE", "{api}/routes/{r}/requestparameters/route.request.header.Z", "", 404, "Invalid RequestParameter identifier specified route.request.header.Z"},

		// route responses
		{"unknown route response", "GET", "{api}/routes/{r}/routeresponses/zz", "", 404, "Invalid RouteResponse identifier specified zz"},
		{"route response of unknown route", "GET", "{api}/routes/zz/routeresponses/{rr}", "", 404, "Invalid Route identifier specified zz"},
		{"route response key", "PATCH", "{api}/routes/{r}/routeresponses/{rr}", `{"routeResponseKey":"other"}`, 400, "Invalid route response key specified. Must be one of [$default]"},
		{"second route response", "POST", "{api}/routes/{r}/routeresponses", `{"routeResponseKey":"$default"}`, 409, "RouteResponse with key $default already exists for this Route"},
		{"route response without key", "POST", "{api}/routes/{r}/routeresponses", `{}`, 400, coral + "Value null at 'routeResponseKey' failed to satisfy constraint: Member must not be null"},

		// integrations
		{"unknown integration", "GET", "{api}/integrations/zz", "", 404, "Invalid Integration identifier specified zz"},
		{"integration in use", "DELETE", "{api}/integrations/{i}", "", 409, "Cannot delete Integration because it is referenced by the following Routes with Ids: [{r}]"},
		{"no type", "POST", "{api}/integrations", `{}`, 400, coral + "Value null at 'integrationType' failed to satisfy constraint: Member must not be null"},
		{"other type", "POST", "{api}/integrations", `{"integrationType":"GRPC"}`, 400, coral + "Value 'GRPC' at 'integrationType' failed to satisfy constraint: Member must satisfy enum value set: [AWS, HTTP, MOCK, HTTP_PROXY, AWS_PROXY]"},
		{"bad endpoint", "POST", "{api}/integrations", `{"integrationType":"HTTP_PROXY","integrationMethod":"GET","integrationUri":"ftp://a"}`, 400, "Invalid HTTP endpoint specified for URI"},
		{"no endpoint", "POST", "{api}/integrations", `{"integrationType":"HTTP","integrationMethod":"GET"}`, 400, "Invalid HTTP endpoint specified for URI"},
		{"no method", "POST", "{api}/integrations", `{"integrationType":"AWS","integrationUri":"{lambda}"}`, 400, "Enumeration value for HttpMethod must be non-empty"},
		{"bad method", "POST", "{api}/integrations", `{"integrationType":"HTTP","integrationMethod":"get","integrationUri":"http://a"}`, 400, "Invalid HTTP method specified. Must be one of [GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY]"},
		{"no function", "POST", "{api}/integrations", `{"integrationType":"AWS_PROXY","integrationUri":"arn:aws:apigateway:us-east-1:sqs:path/000000000000/q"}`, 400, "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations."},
		{"arn without path", "POST", "{api}/integrations", `{"integrationType":"AWS_PROXY","integrationUri":"arn:aws:lambda:us-east-1:000000000000:function:f"}`, 400, "AWS ARN for integration must contain path or action"},
		{"no arn", "POST", "{api}/integrations", `{"integrationType":"AWS","integrationMethod":"POST","integrationUri":"http://a"}`, 400, "Invalid ARN specified in the request"},
		{"timeout short", "PATCH", "{api}/integrations/{i}", `{"timeoutInMillis":49}`, 400, "Timeout should be between 50 ms and 29000 ms"},
		{"timeout long", "PATCH", "{api}/integrations/{i}", `{"timeoutInMillis":29001}`, 400, "Timeout should be between 50 ms and 29000 ms"},
		{"timeout negative", "PATCH", "{api}/integrations/{i}", `{"timeoutInMillis":-1}`, 400, "Timeout should be between 50 ms and 29000 ms"},
		{"link without id", "PATCH", "{api}/integrations/{i}", `{"connectionType":"VPC_LINK"}`, 400, "ConnectionId is a required parameter when ConnectionType is VPC_LINK"},
		{"link id without link", "PATCH", "{api}/integrations/{i}", `{"connectionId":"x"}`, 400, "ConnectionId can be set only when ConnectionType is VPC_LINK"},
		{"link to a mock", "PATCH", "{api}/integrations/{i}", `{"connectionType":"VPC_LINK","connectionId":"x"}`, 400, "ConnectionType VPC_LINK is supported only for HTTP and HTTP_PROXY integrations"},
		{"credentials", "PATCH", "{api}/integrations/{i}", `{"credentialsArn":"role"}`, 400, "Invalid ARN specified in the request"},
		{"payload version", "PATCH", "{api}/integrations/{i}", `{"payloadFormatVersion":"2.0"}`, 400, "PayloadFormatVersion cannot be set for WEBSOCKET protocol Apis"},
		{"tls", "PATCH", "{api}/integrations/{i}", `{"tlsConfig":{"serverNameToVerify":"a"}}`, 400, "TlsConfig cannot be set for WEBSOCKET protocol Apis"},
		{"subtype", "PATCH", "{api}/integrations/{i}", `{"integrationSubtype":"SQS-SendMessage"}`, 400, "IntegrationSubtype cannot be set for WEBSOCKET protocol Apis"},
		{"response parameters", "PATCH", "{api}/integrations/{i}", `{"responseParameters":{"200":{"a":"b"}}}`, 400, "ResponseParameters cannot be set for WEBSOCKET protocol Apis"},
		{"mapping key", "PATCH", "{api}/integrations/{i}", `{"requestParameters":{"integration.request.header.A B":"'x'"}}`, 400, params + "parameter specified: integration.request.header.A B]"},
		{"mapping value", "PATCH", "{api}/integrations/{i}", `{"requestParameters":{"integration.request.header.A":"$context.stage"}}`, 400, params + "specified: $context.stage]"},
		{"template too long", "PATCH", "{api}/integrations/{i}", `{"requestTemplates":{"a":"` + strings.Repeat("x", 300<<10+1) + `"}}`, 400, coral + "Value '" + strings.Repeat("x", 128) + "...' at 'requestTemplates.a' failed to satisfy constraint: Member must have length less than or equal to 307200"},

		// integration responses
		{"unknown integration response", "GET", "{api}/integrations/{i}/integrationresponses/zz", "", 404, "Invalid IntegrationResponse identifier specified zz"},
		{"second integration response", "POST", "{api}/integrations/{i}/integrationresponses", `{"integrationResponseKey":"$default"}`, 409, "IntegrationResponse with key $default already exists for this Integration"},
		{"integration response key", "POST", "{api}/integrations/{i}/integrationresponses", `{"integrationResponseKey":"200"}`, 400, "Invalid integration response key specified: 200. It must be $default or a regular expression between slashes"},
		{"response mapping", "POST", "{api}/integrations/{i}/integrationresponses", `{"integrationResponseKey":"/2../","responseParameters":{"route.response.header.A":"route.request.body"}}`, 400, params + "specified: route.request.body]"},

		// authorizers
		{"unknown authorizer", "GET", "{api}/authorizers/zz", "", 404, "Invalid Authorizer identifier specified zz"},
		{"authorizer in use", "DELETE", "{api}/authorizers/{a}", "", 409, "Cannot delete authorizer 'guard', is referenced in route: guarded"},
		{"duplicate authorizer", "POST", "{api}/authorizers", `{"name":"guard","authorizerType":"REQUEST","authorizerUri":"{lambda}"}`, 409, "Authorizer name already exists for this API"},
		{"jwt authorizer", "POST", "{api}/authorizers", `{"name":"j","authorizerType":"JWT"}`, 400, "Authorizers of type JWT are not supported for WEBSOCKET protocol Apis. AuthorizerType must be REQUEST"},
		{"authorizer ttl", "POST", "{api}/authorizers", `{"name":"j","authorizerType":"REQUEST","authorizerUri":"{lambda}","authorizerResultTtlInSeconds":300}`, 400, "AuthorizerResultTtlInSeconds cannot be set for WEBSOCKET protocol Apis"},
		{"authorizer payload version", "PATCH", "{api}/authorizers/{a}", `{"authorizerPayloadFormatVersion":"1.0"}`, 400, "AuthorizerPayloadFormatVersion cannot be set for WEBSOCKET protocol Apis"},
		{"authorizer uri", "PATCH", "{api}/authorizers/{a}", `{"authorizerUri":"arn:aws:lambda:us-east-1:000000000000:function:f"}`, 400, "Invalid Authorizer URI: arn:aws:lambda:us-east-1:000000000000:function:f. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation."},
		{"no authorizer uri", "POST", "{api}/authorizers", `{"name":"j","authorizerType":"REQUEST"}`, 400, "AuthorizerUri is a required parameter for REQUEST authorizer"},
		{"identity source", "PATCH", "{api}/authorizers/{a}", `{"identitySource":["$request.header.A"]}`, 400, "Invalid identity source expression specified: $request.header.A"},

		// models
		{"unknown model id", "GET", "{api}/models/zz", "", 404, "Invalid Model identifier specified zz"},
		{"template of unknown model", "GET", "{api}/models/zz/template", "", 404, "Invalid Model identifier specified zz"},
		{"duplicate model", "POST", "{api}/models", `{"name":"Msg","schema":"{}"}`, 409, "Model name already exists for this API"},
		{"model in use", "DELETE", "{api}/models/{m}", "", 409, "Cannot delete model 'Msg', is referenced in route: checked"},
		{"model in use renamed", "PATCH", "{api}/models/{m}", `{"name":"Other"}`, 409, "Cannot rename model 'Msg', is referenced in route: checked"},
		{"model name", "POST", "{api}/models", `{"name":"a-b","schema":"{}"}`, 400, coral + "Value 'a-b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9]+$"},
		{"schema no json", "POST", "{api}/models", `{"name":"n","schema":"{"}`, 400, "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]"},
		{"schema no object", "POST", "{api}/models", `{"name":"n","schema":"null"}`, 400, "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]"},

		// deployments
		{"unknown deployment", "GET", "{api}/deployments/zz", "", 404, "Invalid deployment identifier specified zz"},
		{"deployment in use", "DELETE", "{api}/deployments/{d}", "", 400, "Active stages pointing to this deployment must be moved or deleted"},
		{"no routes", "POST", "{empty}/deployments", `{}`, 400, "Unable to deploy API because no routes exist in this API"},
		{"no valid routes", "POST", "{untargeted}/deployments", `{}`, 400, "Unable to deploy API because no valid routes exist in this API"},
		{"deployment to unknown stage", "POST", "{api}/deployments", `{"stageName":"zz"}`, 404, "Invalid stage identifier specified"},
		{"deployment to automatic stage", "POST", "{api}/deployments", `{"stageName":"auto"}`, 400, "Deployment ID cannot be set on stage because AutoDeploy is enabled"},

		// stages
		{"unknown stage", "GET", "{api}/stages/zz", "", 404, "Invalid stage identifier specified"},
		{"update of unknown stage", "PATCH", "{api}/stages/zz", "{}", 404, "Invalid stage identifier specified"},
		{"deletion of unknown stage", "DELETE", "{api}/stages/zz", "", 404, "Invalid stage identifier specified"},
		{"cache of unknown stage", "DELETE", "{api}/stages/zz/cache/authorizers", "", 404, "Invalid stage identifier specified"},
		{"log of unknown stage", "DELETE", "{api}/stages/zz/accesslogsettings", "", 404, "Invalid stage identifier specified"},
		{"duplicate stage", "POST", "{api}/stages", `{"stageName":"prod"}`, 409, "Stage already exists"},
		{"stage named $default", "POST", "{api}/stages", `{"stageName":"$default"}`, 400, coral + "Value '$default' at 'stageName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_-]+$"},
		{"stage of unknown deployment", "POST", "{api}/stages", `{"stageName":"s","deploymentId":"zz"}`, 404, "Invalid deployment identifier specified zz"},
		{"automatic stage with deployment", "POST", "{api}/stages", `{"stageName":"s","autoDeploy":true,"deploymentId":"{d}"}`, 400, "Deployment ID cannot be set on stage because AutoDeploy is enabled"},
		{"automatic stage moved", "PATCH", "{api}/stages/auto", `{"deploymentId":"{d}"}`, 400, "Deployment ID cannot be set on stage because AutoDeploy is enabled"},
		{"variable name", "PATCH", "{api}/stages/prod", `{"stageVariables":{"a-b":"1"}}`, 400, "Invalid stage variable name: a name has 1 to 64 alphanumeric characters and underscores"},
		{"variable name long", "PATCH", "{api}/stages/prod", `{"stageVariables":{"` + strings.Repeat("a", 65) + `":"1"}}`, 400, "Invalid stage variable name: a name has 1 to 64 alphanumeric characters and underscores"},
		{"variable value", "PATCH", "{api}/stages/prod", `{"stageVariables":{"a":"b c"}}`, 400, "Invalid stage variable value: b c. Please use values with alphanumeric characters and the symbols -._~:/?#&=,"},
		{"variable value long", "PATCH", "{api}/stages/prod", `{"stageVariables":{"a":"` + strings.Repeat("x", 513) + `"}}`, 400, "Invalid stage variable value: the value of a exceeds 512 characters"},
		{"too many variables", "PATCH", "{api}/stages/prod", `{"stageVariables":` + numbered(101) + `}`, 400, "A stage can have at most 100 stage variables"},
		{"negative burst", "PATCH", "{api}/stages/prod", `{"defaultRouteSettings":{"throttlingBurstLimit":-1}}`, 400, coral + "Value '-1' at 'defaultRouteSettings.throttlingBurstLimit' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		{"negative rate", "PATCH", "{api}/stages/prod", `{"routeSettings":{"$connect":{"throttlingRateLimit":-0.5}}}`, 400, coral + "Value '-0.5' at 'routeSettings.$connect.throttlingRateLimit' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		{"logging level", "PATCH", "{api}/stages/prod", `{"defaultRouteSettings":{"loggingLevel":"DEBUG"}}`, 400, coral + "Value 'DEBUG' at 'defaultRouteSettings.loggingLevel' failed to satisfy constraint: Member must satisfy enum value set: [ERROR, INFO, OFF]"},
		{"settings of unknown route", "PATCH", "{api}/stages/prod", `{"routeSettings":{"nope":{}}}`, 404, "Unable to find Route by key nope within the provided RouteSettings"},
		{"deletion of unknown settings", "DELETE", "{api}/stages/prod/routesettings/nope", "", 404, "Unable to find Route by key nope within the provided RouteSettings"},
		{"log without format", "PATCH", "{api}/stages/prod", `{"accessLogSettings":{"destinationArn":"arn:aws:logs:us-east-1:000000000000:log-group:g"}}`, 400, "Access log destination ARN and format must be set together"},
		{"log destination", "PATCH", "{api}/stages/prod", `{"accessLogSettings":{"destinationArn":"arn:aws:s3:::b","format":"$context.requestId"}}`, 400, "Invalid ARN specified in the request. The access log destination must be a CloudWatch Logs log group or a Firehose delivery stream whose name begins with amazon-apigateway-"},
		{"log format without id", "PATCH", "{api}/stages/prod", logging("$context.requestIdentity"), 400, "Access log format must contain at least $context.requestId or $context.extendedRequestId"},
		{"log format of two lines", "PATCH", "{api}/stages/prod", logging(`$context.requestId\n$context.stage`), 400, "Access log format must be single line, new line character is allowed only at end of the format"},
		{"log format with another variable", "PATCH", "{api}/stages/prod", logging(`$context.requestId $input.body`), 400, "Access log format contains an invalid variable. Only $context variables are allowed"},

		// tags
		{"reserved tag", "POST", "{tags}", `{"tags":{"aws:x":"1"}}`, 400, "Invalid tag key: aws:x. Keys that begin with aws: are reserved"},
		{"tag characters", "POST", "{tags}", `{"tags":{"a<b":"1"}}`, 400, "Invalid tag: a<b. Keys and values may have letters, digits, spaces and the symbols . : + = @ _ / -"},
		{"tag value long", "POST", "{tags}", `{"tags":{"a":"` + strings.Repeat("x", 257) + `"}}`, 400, "Invalid tag value: the value of a exceeds 256 characters"},
		{"too many tags", "POST", "{tags}", `{"tags":` + numbered(51) + `}`, 400, "A resource can have at most 50 tags"},
		{"untag without keys", "DELETE", "{tags}", "", 400, coral + "Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"},
		{"tags of no arn", "GET", "/v2/tags/abc", "", 400, "Invalid resource ARN specified: abc"},
		{"tags in another region", "GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2Fx", "", 400, "Invalid resource ARN specified: arn:aws:apigateway:eu-west-1::/apis/x"},
		{"tags of unknown api", "GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fx", "", 404, "Invalid API identifier specified x"},
		{"tags of unknown stage", "GET", "{tags}%2Fstages%2Fzz", "", 404, "Invalid stage identifier specified"},

		// paging
		{"page size", "GET", "{api}/routes?maxResults=0", "", 400, "Invalid value for maxResults: it must be an integer from 1 to 500"},
		{"page token", "GET", "{api}/routes?nextToken=garbage", "", 400, "Invalid value for nextToken"},

		// not built
		{"routing rules", "PUT", "/v2/domainnames/d/routingrules/r", "", 501, "apigatewayv2 PutRoutingRule is not built"},
	}
	before := g.record(api)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do(tt.method, fill.Replace(tt.path), fill.Replace(tt.body))
			a.t = t
			a.refused(tt.status, fill.Replace(tt.message))
		})
	}
	equal(t, "a refused request changes nothing", g.record(api), before)
}

// numbered returns a JSON object of n entries.
func numbered(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	return "{" + strings.Join(entries, ",") + "}"
}

func logging(format string) string {
	return `{"accessLogSettings":{"destinationArn":"arn:aws:logs:us-east-1:000000000000:log-group:g","format":"` + format + `"}}`
}

func TestQuotas(t *testing.T) {
	tests := []struct {
		what, path, body string // body with the item's number
		most             int
		fill             func(*sockgate.APIRecord, string)
	}{
		{"Routes", "/routes", `{"routeKey":"k%d"}`, 300,
			func(r *sockgate.APIRecord, id string) { r.Routes = append(r.Routes, sockgate.Route{ID: id, Key: id}) }},
		{"Integrations", "/integrations", `{"integrationType":"MOCK","description":"%d"}`, 300,
			func(r *sockgate.APIRecord, id string) {
				r.Integrations = append(r.Integrations, sockgate.Integration{ID: id})
			}},
		{"Stages", "/stages", `{"stageName":"s%d"}`, 10,
			func(r *sockgate.APIRecord, id string) { r.Stages = append(r.Stages, sockgate.Stage{Name: id}) }},
		{"Authorizers", "/authorizers", `{"name":"a%d","authorizerType":"REQUEST","authorizerUri":"` + lambdaURI + `"}`, 10,
			func(r *sockgate.APIRecord, id string) {
				r.Authorizers = append(r.Authorizers, sockgate.Authorizer{ID: id, Name: id})
			}},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			g := newGateway(t)
			api := g.newAPI()
			err := g.catalog.ChangeAPI(ctx, strings.TrimPrefix(api, "/v2/apis/"), func(r *sockgate.APIRecord) error {
				for i := range tt.most - 1 {
					tt.fill(r, fmt.Sprintf("old%d", i))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			g.do("POST", api+tt.path, fmt.Sprintf(tt.body, 1)).ok(201)
			g.do("POST", api+tt.path, fmt.Sprintf(tt.body, 2)).refused(400,
				"Maximum number of "+tt.what+" for this API has been reached.  Please contact AWS if you need additional "+tt.what+".")
		})
	}
}
