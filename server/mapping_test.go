package server_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// response is one integration response of a case.
type response struct {
	key, template string
	content       types.ContentHandlingStrategy
	parameters    map[string]string
}

// addRoute gives the API a two-way route with an integration and its responses.
func (d *deployed) addRoute(t *testing.T, key string, in apigatewayv2.CreateIntegrationInput, responses ...response) string {
	t.Helper()
	ctx, c := t.Context(), d.Control()
	in.ApiId = &d.api
	if in.IntegrationType != types.IntegrationTypeMock {
		in.IntegrationMethod = aws.String("POST")
	}
	created := must(c.CreateIntegration(ctx, &in))(t)
	for _, r := range responses {
		input := &apigatewayv2.CreateIntegrationResponseInput{
			ApiId: &d.api, IntegrationId: created.IntegrationId, IntegrationResponseKey: aws.String(r.key), ContentHandlingStrategy: r.content,
			ResponseParameters: r.parameters,
		}
		if r.template != "" {
			input.ResponseTemplates = map[string]string{"$default": r.template}
		}
		must(c.CreateIntegrationResponse(ctx, input))(t)
	}
	route := must(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: &d.api, RouteKey: aws.String(key), Target: aws.String("integrations/" + *created.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
	}))(t)
	must(c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &d.api, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}))(t)
	return *route.RouteId
}

// ask sends a message and returns what comes back.
func ask(t *testing.T, c *gatewaytest.Client, message string) string {
	t.Helper()
	if err := c.Send(message); err != nil {
		t.Fatal(err)
	}
	return must(c.Read())(t)
}

// isFrame reports whether text is the error frame that says message.
func isFrame(text, message string) bool {
	return strings.HasPrefix(text, `{"message": "`+message+`", "connectionId":"`)
}

const echoBody = "/echo"

func TestTemplatesShapeRequestsAndAnswers(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply(echoBody, gatewaytest.Reply{Mode: gatewaytest.Echo})
	d.backend.Reply("/teapot", gatewaytest.Reply{Status: 418, Body: `{"error":"short and stout"}`})
	http := func(path string) apigatewayv2.CreateIntegrationInput {
		return apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeHttp, IntegrationUri: aws.String("http://" + d.backend.Addr() + path)}
	}
	with := func(in apigatewayv2.CreateIntegrationInput, template string) apigatewayv2.CreateIntegrationInput {
		in.RequestTemplates = map[string]string{"$default": template}
		return in
	}
	pass := response{key: "$default"}

	d.addRoute(t, "wrap", with(http(echoBody),
		`{"id":"$context.connectionId","table":"$stageVariables.tableName","route":"$context.routeKey","body":$input.json('$'),"upper":"$input.path('$.name').toUpperCase()"}`), pass)
	d.addRoute(t, "teapot", http("/teapot"),
		response{key: `/4\d\d/`, template: `refused: $input.path('$.error')`}, response{key: "$default", template: "fine"})
	d.addRoute(t, "unmatched", http("/teapot"), response{key: `/2\d\d/`})
	d.addRoute(t, "partial", http("/teapot"), response{key: `/4\d/`, template: "a part matched"}, response{key: "$default", template: "default"})
	never := http(echoBody)
	never.PassthroughBehavior = types.PassthroughBehaviorNever
	d.addRoute(t, "never", never, pass)
	selected := http(echoBody)
	selected.TemplateSelectionExpression = aws.String("${request.body.kind}")
	selected.RequestTemplates = map[string]string{"a": "template a", "b": "template b"}
	selected.PassthroughBehavior = types.PassthroughBehaviorWhenNoTemplates
	d.addRoute(t, "selected", selected, pass)
	mapped := with(http(echoBody), "x")
	mapped.RequestParameters = map[string]string{"integration.request.header.who": "route.request.body.who", "integration.request.querystring.s": "stageVariables.tableName"}
	d.addRoute(t, "mapped", mapped, pass)
	d.addRoute(t, "mock", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"$default": `{"statusCode": #if($input.path('$.bad'))400#{else}200#end}`}},
		response{key: "/200/", template: "good"}, response{key: "/400/", template: "bad: $context.requestId.length()"})
	d.addRoute(t, "text", with(http(echoBody), "plain"), response{key: "$default", content: types.ContentHandlingStrategyConvertToText})
	binary := http(echoBody)
	binary.ContentHandlingStrategy = types.ContentHandlingStrategyConvertToBinary
	binary.RequestTemplates = map[string]string{"$default": "$input.path('$.data')"}
	d.addRoute(t, "binary", binary, pass)
	d.addRoute(t, "bomb", with(http(echoBody), `#set($s="xxxxxxxx")#foreach($i in [1..900])#set($s="$s$s")#end$s`), pass)

	stage := func(name, table string) {
		_, err := d.Control().UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &d.api, StageName: &name, StageVariables: map[string]string{"tableName": table}})
		if err != nil {
			t.Fatal(err)
		}
	}
	stage("dev", "people")
	c, id := d.connect(t)

	for _, tt := range []struct{ name, message, want string }{
		{"wrapped", `{"action":"wrap","name":"anna"}`, `{"id":"` + id + `","table":"people","route":"wrap","body":{"action":"wrap","name":"anna"},"upper":"ANNA"}`},
		{"by status", `{"action":"teapot"}`, `refused: short and stout`},
		{"whole match only", `{"action":"partial"}`, `default`},
		{"template a", `{"action":"selected","kind":"a"}`, `template a`},
		{"mock", `{"action":"mock"}`, `good`},
		{"mock, other status", `{"action":"mock","bad":1}`, `bad: 16`},
		{"to text", `{"action":"text"}`, `cGxhaW4=`},
		{"to binary", `{"action":"binary","data":"aGVsbG8="}`, `hello`},
		{"mapped", `{"action":"mapped","who":"bert"}`, `x`},
	} {
		if got := ask(t, c, tt.message); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	requests := d.backend.Requests()
	if last := requests[len(requests)-1]; last.Header.Get("who") != "bert" || !strings.HasSuffix(last.Target, "?s=people") {
		t.Errorf("the mapped request: %s %v", last.Target, last.Header)
	}
	for _, tt := range []struct{ name, message, want string }{
		{"no template, NEVER", `{"action":"never"}`, "Unsupported Media Type"},
		{"no match, WHEN_NO_TEMPLATES", `{"action":"selected","kind":"c"}`, "Unsupported Media Type"},
		{"no response", `{"action":"unmatched"}`, "Internal server error"},
		{"not base64", `{"action":"binary","data":"%%%"}`, "Internal server error"},
		{"bomb", `{"action":"bomb"}`, "Internal server error"},
	} {
		if got := ask(t, c, tt.message); !isFrame(got, tt.want) {
			t.Errorf("%s: got %s, want the frame %q", tt.name, got, tt.want)
		}
	}
	stage("dev", "animals")
	if got := ask(t, c, `{"action":"wrap","name":"x"}`); !strings.Contains(got, `"table":"animals"`) {
		t.Errorf("after the stage variable changed: %s", got)
	}
}

func TestModelsRefuseMessages(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx, control := t.Context(), d.Control()
	must(control.CreateModel(ctx, &apigatewayv2.CreateModelInput{ApiId: &d.api, Name: aws.String("Person"), ContentType: aws.String("application/json"),
		Schema: aws.String(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["name"],"properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0}}}`)}))(t)
	if _, err := control.CreateModel(ctx, &apigatewayv2.CreateModelInput{ApiId: &d.api, Name: aws.String("Bad"), Schema: aws.String(`{"type":"nonsense"}`)}); err == nil {
		t.Error("a schema of no known type was accepted")
	}
	d.backend.Reply(echoBody, gatewaytest.Reply{Mode: gatewaytest.Echo})
	id := d.addRoute(t, "add", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeHttpProxy, IntegrationUri: aws.String("http://" + d.backend.Addr() + echoBody)})
	must(control.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &d.api, RouteId: &id,
		ModelSelectionExpression: aws.String("$request.body.kind"), RequestModels: map[string]string{"person": "Person"}}))(t)
	must(control.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &d.api, StageName: aws.String("dev"), AccessLogSettings: &types.AccessLogSettings{
		DestinationArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:access"),
		Format:         aws.String("$context.requestId $context.routeKey $context.status $context.error.validationErrorString")}}))(t)
	c, _ := d.connect(t)
	good := `{"action":"add","kind":"person","name":"anna","age":7}`
	if got := ask(t, c, good); got != good {
		t.Errorf("a good message was answered %s", got)
	}
	before := len(d.backend.Requests())
	for _, bad := range []string{
		`{"action":"add","kind":"person"}`,
		`{"action":"add","kind":"person","name":1}`,
		`{"action":"add","kind":"person","name":"a","age":-1}`,
		`{"action":"add","kind":"animal","name":"a"}`,
		`{"action":"add","name":"a"}`,
	} {
		if got := ask(t, c, bad); !isFrame(got, "Invalid request body") {
			t.Errorf("%s: got %s", bad, got)
		}
	}
	if n := len(d.backend.Requests()); n != before {
		t.Errorf("%d refused messages reached the backend", n-before)
	}
}

func TestConnectThroughTemplates(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx, control := t.Context(), d.Control()
	routes := must(control.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &d.api}))(t)
	for _, r := range routes.Items {
		if *r.RouteKey == "$connect" {
			must(control.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &d.api, RouteId: r.RouteId}))(t)
		}
	}
	d.addRoute(t, "$connect", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"$default": `{"statusCode": #if($input.params('token') == "let-me-in")200#{else}401#end}`}},
		response{key: "$default", parameters: map[string]string{"route.response.header.Sec-WebSocket-Protocol": "'chat'"}})
	if c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev?token=let-me-in"); err != nil {
		t.Errorf("with the token: %v", err)
	} else {
		c.Drop()
	}
	_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev?token=wrong")
	if refusal, ok := errors.AsType[*gatewaytest.Refusal](err); !ok || refusal.StatusCode != 401 {
		t.Errorf("with a wrong token: %v, want 401", err)
	}
}
