package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestControlPlane calls every operation once through the running gateway. What each does in detail is tested where it is written.
func TestControlPlane(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	ctx, c := t.Context(), g.Control()

	api := must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("one"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
		Tags: map[string]string{"team": "blue"},
	}))(t)
	id := api.ApiId
	must(c.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: id, Name: aws.String("two")}))(t)
	if got := must(c.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: id}))(t); *got.Name != "two" || got.Tags["team"] != "blue" {
		t.Errorf("GetApi: name %q, tags %v", *got.Name, got.Tags)
	}

	in := must(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: id, IntegrationType: types.IntegrationTypeMock}))(t).IntegrationId
	must(c.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{
		ApiId: id, IntegrationId: in, RequestTemplates: map[string]string{"$default": `{"statusCode":200}`},
	}))(t)
	must(c.GetIntegration(ctx, &apigatewayv2.GetIntegrationInput{ApiId: id, IntegrationId: in}))(t)
	if all := must(c.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: id}))(t); len(all.Items) != 1 {
		t.Errorf("%d integrations", len(all.Items))
	}
	ir := must(c.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{
		ApiId: id, IntegrationId: in, IntegrationResponseKey: aws.String("$default"),
	}))(t).IntegrationResponseId
	must(c.UpdateIntegrationResponse(ctx, &apigatewayv2.UpdateIntegrationResponseInput{
		ApiId: id, IntegrationId: in, IntegrationResponseId: ir, IntegrationResponseKey: aws.String("/200/"),
	}))(t)
	must(c.GetIntegrationResponse(ctx, &apigatewayv2.GetIntegrationResponseInput{ApiId: id, IntegrationId: in, IntegrationResponseId: ir}))(t)
	must(c.GetIntegrationResponses(ctx, &apigatewayv2.GetIntegrationResponsesInput{ApiId: id, IntegrationId: in}))(t)
	must(c.DeleteIntegrationResponse(ctx, &apigatewayv2.DeleteIntegrationResponseInput{ApiId: id, IntegrationId: in, IntegrationResponseId: ir}))(t)

	route := must(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: id, RouteKey: aws.String("$connect"), Target: aws.String("integrations/" + *in),
		RequestParameters: map[string]types.ParameterConstraints{"route.request.header.X": {Required: aws.Bool(true)}},
	}))(t).RouteId
	must(c.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: id, RouteId: route, OperationName: aws.String("Connect")}))(t)
	must(c.DeleteRouteRequestParameter(ctx, &apigatewayv2.DeleteRouteRequestParameterInput{
		ApiId: id, RouteId: route, RequestParameterKey: aws.String("route.request.header.X"),
	}))(t)
	if got := must(c.GetRoute(ctx, &apigatewayv2.GetRouteInput{ApiId: id, RouteId: route}))(t); len(got.RequestParameters) != 0 || *got.OperationName != "Connect" {
		t.Errorf("GetRoute: %v, %v", got.RequestParameters, *got.OperationName)
	}
	rr := must(c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: id, RouteId: route, RouteResponseKey: aws.String("$default")}))(t).RouteResponseId
	must(c.UpdateRouteResponse(ctx, &apigatewayv2.UpdateRouteResponseInput{ApiId: id, RouteId: route, RouteResponseId: rr, RouteResponseKey: aws.String("$default")}))(t)
	must(c.GetRouteResponse(ctx, &apigatewayv2.GetRouteResponseInput{ApiId: id, RouteId: route, RouteResponseId: rr}))(t)
	must(c.GetRouteResponses(ctx, &apigatewayv2.GetRouteResponsesInput{ApiId: id, RouteId: route}))(t)
	must(c.DeleteRouteResponse(ctx, &apigatewayv2.DeleteRouteResponseInput{ApiId: id, RouteId: route, RouteResponseId: rr}))(t)

	auth := must(c.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: id, Name: aws.String("auth"), AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"route.request.header.Auth"},
		AuthorizerUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"),
	}))(t).AuthorizerId
	must(c.UpdateAuthorizer(ctx, &apigatewayv2.UpdateAuthorizerInput{ApiId: id, AuthorizerId: auth, Name: aws.String("other")}))(t)
	must(c.GetAuthorizer(ctx, &apigatewayv2.GetAuthorizerInput{ApiId: id, AuthorizerId: auth}))(t)
	must(c.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: id}))(t)
	must(c.DeleteAuthorizer(ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: id, AuthorizerId: auth}))(t)

	model := must(c.CreateModel(ctx, &apigatewayv2.CreateModelInput{
		ApiId: id, Name: aws.String("Message"), ContentType: aws.String("application/json"), Schema: aws.String(`{"type":"object"}`),
	}))(t).ModelId
	must(c.UpdateModel(ctx, &apigatewayv2.UpdateModelInput{ApiId: id, ModelId: model, Description: aws.String("a message")}))(t)
	must(c.GetModel(ctx, &apigatewayv2.GetModelInput{ApiId: id, ModelId: model}))(t)
	must(c.GetModelTemplate(ctx, &apigatewayv2.GetModelTemplateInput{ApiId: id, ModelId: model}))(t)
	must(c.GetModels(ctx, &apigatewayv2.GetModelsInput{ApiId: id}))(t)
	must(c.DeleteModel(ctx, &apigatewayv2.DeleteModelInput{ApiId: id, ModelId: model}))(t)

	dep := must(c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: id}))(t).DeploymentId
	must(c.UpdateDeployment(ctx, &apigatewayv2.UpdateDeploymentInput{ApiId: id, DeploymentId: dep, Description: aws.String("first")}))(t)
	must(c.GetDeployment(ctx, &apigatewayv2.GetDeploymentInput{ApiId: id, DeploymentId: dep}))(t)
	must(c.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: id}))(t)

	dev := aws.String("dev")
	must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: id, StageName: dev, DeploymentId: dep,
		AccessLogSettings: &types.AccessLogSettings{
			DestinationArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:x"), Format: aws.String("$context.requestId"),
		},
		RouteSettings: map[string]types.RouteSettings{"$connect": {LoggingLevel: types.LoggingLevelInfo}},
	}))(t)
	must(c.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: id, StageName: dev, StageVariables: map[string]string{"a": "b"}}))(t)
	must(c.DeleteRouteSettings(ctx, &apigatewayv2.DeleteRouteSettingsInput{ApiId: id, StageName: dev, RouteKey: aws.String("$connect")}))(t)
	must(c.DeleteAccessLogSettings(ctx, &apigatewayv2.DeleteAccessLogSettingsInput{ApiId: id, StageName: dev}))(t)
	must(c.ResetAuthorizersCache(ctx, &apigatewayv2.ResetAuthorizersCacheInput{ApiId: id, StageName: dev}))(t)
	if got := must(c.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: id, StageName: dev}))(t); got.AccessLogSettings != nil ||
		len(got.RouteSettings) != 0 || got.StageVariables["a"] != "b" {
		t.Errorf("GetStage: %+v", got)
	}
	must(c.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: id}))(t)

	arn := aws.String("arn:aws:apigateway:us-east-1::/apis/" + *id + "/stages/dev")
	must(c.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}}))(t)
	must(c.UntagResource(ctx, &apigatewayv2.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}))(t)
	if got := must(c.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: arn}))(t); len(got.Tags) != 1 || got.Tags["b"] != "2" {
		t.Errorf("GetTags: %v", got.Tags)
	}

	must(c.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: id, StageName: dev}))(t)
	must(c.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: id, DeploymentId: dep}))(t)
	must(c.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: id, RouteId: route}))(t)
	must(c.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: id, IntegrationId: in}))(t)

	for range 3 {
		must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{
			Name: aws.String("more"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
		}))(t)
	}
	seen := map[string]bool{}
	for page, token := 0, (*string)(nil); page == 0 || token != nil; page++ {
		out := must(c.GetApis(ctx, &apigatewayv2.GetApisInput{MaxResults: aws.String("3"), NextToken: token}))(t)
		if len(out.Items) > 3 {
			t.Errorf("a page of %d", len(out.Items))
		}
		for _, api := range out.Items {
			seen[*api.ApiId] = true
		}
		token = out.NextToken
	}
	if len(seen) != 4 {
		t.Errorf("%d APIs on all pages, not 4", len(seen))
	}
	must(c.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: id}))(t)
	_, err := c.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: id})
	if _, ok := errors.AsType[*types.NotFoundException](err); !ok {
		t.Errorf("GetApi of a deleted one: %v", err)
	}
}

func TestUnbuiltOperations(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	_, err := g.Control().ListPortals(t.Context(), &apigatewayv2.ListPortalsInput{})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "NotImplementedException" || !strings.Contains(e.ErrorMessage(), "ListPortals") {
		t.Errorf("ListPortals: %v", err)
	}
	for path, name := range map[string]string{"/restapis": "CreateRestApi", "/clientcertificates": "GenerateClientCertificate", "/v2/vpclinks": "CreateVpcLink"} {
		status, body, err := g.Call("POST", path, `{}`)
		if err != nil || status != 501 || !strings.Contains(body, name) {
			t.Errorf("POST %s: %d %s, %v; not 501 naming %s", path, status, body, err, name)
		}
	}
}

// TestControlPlaneSignatures: what is not signed, or was changed after signing, is refused with AWS's error names.
func TestControlPlaneSignatures(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	body := `{"name":"x","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}`
	tests := []struct {
		name   string
		at     time.Duration
		change func(*http.Request)
		status int
		typ    string
	}{
		{name: "good", status: 201},
		{name: "four minutes old", at: -4 * time.Minute, status: 201},
		{name: "six minutes old", at: -6 * time.Minute, status: 403, typ: "InvalidSignatureException"},
		{name: "six minutes ahead", at: 6 * time.Minute, status: 403, typ: "InvalidSignatureException"},
		{name: "unsigned", change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 403, typ: "MissingAuthenticationTokenException"},
		{name: "changed body", change: func(r *http.Request) { setBody(r, strings.Replace(body, `"x"`, `"y"`, 1)) }, status: 403, typ: "InvalidSignatureException"},
		{name: "changed signed header", change: func(r *http.Request) { r.Header.Set("X-Amz-Meta-Note", "two") }, status: 403, typ: "InvalidSignatureException"},
		{name: "changed unsigned header", change: func(r *http.Request) { r.Header.Set("X-Note", "new") }, status: 201},
		{name: "changed query", change: func(r *http.Request) { r.URL.RawQuery = "a=b" }, status: 403, typ: "InvalidSignatureException"},
		{name: "unknown key", change: func(r *http.Request) {
			key, _ := g.Key()
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), key, "AKIAUNKNOWNUNKNOWN00", 1))
		}, status: 403, typ: "UnrecognizedClientException"},
		{name: "garbled", change: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense") }, status: 403, typ: "IncompleteSignatureException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := must(http.NewRequest("POST", "http://"+g.Addr()+"/v2/apis", strings.NewReader(body)))(t)
			req.Header.Set("X-Amz-Meta-Note", "one")
			if err := g.Sign(req, "apigateway", []byte(body), time.Now().Add(test.at)); err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(req)
			}
			resp := must(g.HTTP().Do(req))(t)
			defer resp.Body.Close()
			if resp.StatusCode != test.status || resp.Header.Get("x-amzn-ErrorType") != test.typ {
				t.Errorf("answered %d %s, not %d %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), test.status, test.typ)
			}
		})
	}
	if apis := must(g.Control().GetApis(t.Context(), &apigatewayv2.GetApisInput{}))(t); len(apis.Items) != 3 {
		t.Errorf("%d APIs were made, not the 3 of the good requests", len(apis.Items))
	}
}

func TestPresigned(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	get := func(url string) int {
		resp := must(g.HTTP().Get(url))(t)
		resp.Body.Close()
		return resp.StatusCode
	}
	url := g.Presign(t, "GET", "http://"+g.Addr()+"/v2/apis", "apigateway", time.Now())
	if status := get(url); status != 200 {
		t.Errorf("a presigned GetApis: %d", status)
	}
	if status := get(strings.Replace(url, "/v2/apis", "/v2/tags/x", 1)); status != 403 {
		t.Errorf("a presigned URL with another path: %d", status)
	}
	if status := get(g.Presign(t, "GET", "http://"+g.Addr()+"/v2/apis", "apigateway", time.Now().Add(-time.Hour))); status != 403 {
		t.Errorf("an old presigned URL: %d", status)
	}
}

// TestTLS: the port takes HTTPS and WSS too, with a certificate of the CA in the data directory.
func TestTLS(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	// The CA is made when it is first needed.
	if conn, err := tls.Dial("tcp", d.Addr(), &tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Fatal(err)
	} else {
		conn.Close()
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(d.Config.Data, "ca", "ca.pem")))(t)) {
		t.Fatal("DIR/ca/ca.pem holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	resp := must(client.Get("https://" + d.Addr() + "/_sockgate/health"))(t)
	if body := must(io.ReadAll(resp.Body))(t); resp.StatusCode != 200 || strings.TrimSpace(string(body)) != `{"status":"ok"}` {
		t.Errorf("health by HTTPS: %d %s", resp.StatusCode, body)
	}
	resp.Body.Close()

	host := d.api + ".execute-api.localhost"
	conn := must(tls.Dial("tcp", d.Addr(), &tls.Config{RootCAs: pool, ServerName: host}))(t)
	c := must(gatewaytest.Handshake(conn, net.JoinHostPort(host, d.Port()), "/dev"))(t)
	defer c.Drop()
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Echo})
	large := strings.Repeat("x", 20000)
	for _, text := range []string{"hello", large} {
		if err := c.Send(text); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Read(); got != text {
			t.Errorf("read %.20q, %v", got, err)
		}
	}
	if err := c.Close(1000, ""); err != nil {
		t.Error(err)
	}
	d.disconnects(t, 1)
	if proto := d.backend.Requests()[0].Header.Get("X-Forwarded-Proto"); proto != "https" {
		t.Errorf("X-Forwarded-Proto is %q", proto)
	}
}

// TestChangeIsLive: when a call has returned, the data path has its change.
func TestChangeIsLive(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	ctx, c := t.Context(), d.Control()
	for i := range 50 {
		name := aws.String("s")
		must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &d.api, StageName: name, AutoDeploy: aws.Bool(true)}))(t)
		client, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/s")
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		client.Drop()
		must(c.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &d.api, StageName: name}))(t)
		if client, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/s"); err == nil {
			client.Drop()
			t.Fatalf("round %d: the stage is deleted and takes clients", i)
		}
	}
}

// TestCommandLine: the AWS command line works against the gateway as it is.
func TestCommandLine(t *testing.T) {
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("the AWS command line is not installed")
	}
	g := gatewaytest.Start(t, nil)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"--endpoint-url", "http://" + g.Addr(), "--output", "text", "apigatewayv2"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(g.Config.Data, "credentials"),
			"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	api := run("create-api", "--name", "cli", "--protocol-type", "WEBSOCKET", "--route-selection-expression", "$request.body.action", "--query", "ApiId")
	integration := run("create-integration", "--api-id", api, "--integration-type", "MOCK", "--request-templates", `{"$default":"{\"statusCode\":200}"}`, "--query", "IntegrationId")
	run("create-route", "--api-id", api, "--route-key", "$connect", "--target", "integrations/"+integration)
	if keys := run("get-routes", "--api-id", api, "--query", "Items[].RouteKey"); keys != "$connect" {
		t.Errorf("get-routes: %q", keys)
	}
	run("create-stage", "--api-id", api, "--stage-name", "dev", "--auto-deploy")
	c := must(gatewaytest.Dial(g.Addr(), g.Host(api), "/dev"))(t)
	if err := c.Close(1000, ""); err != nil {
		t.Error(err)
	}
}

// TestParallelChanges: calls that change one API at the same time, as infrastructure tools make them, all succeed.
func TestParallelChanges(t *testing.T) {
	g := gatewaytest.Start(t, nil)
	c := g.Control()
	api := must(c.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{
		Name: aws.String("x"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	}))(t)
	const routes = 100
	faults := make(chan error, routes)
	for i := range routes {
		go func() {
			_, err := c.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String(fmt.Sprint("key", i))})
			faults <- err
		}()
	}
	for range routes {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
	if all := must(c.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: api.ApiId, MaxResults: aws.String("500")}))(t); len(all.Items) != routes {
		t.Errorf("%d routes, not %d", len(all.Items), routes)
	}
}

// TestMetrics: what happened is counted.
func TestMetrics(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Echo})
	c, _ := d.connect(t)
	if err := c.Send("hello"); err != nil {
		t.Fatal(err)
	}
	must(c.Read())(t)
	if _, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/nothing"); err == nil {
		t.Fatal("a stage that is not there took a client")
	}
	resp := must(d.HTTP().Get("http://" + d.Addr() + "/_sockgate/metrics"))(t)
	text := string(must(io.ReadAll(resp.Body))(t))
	resp.Body.Close()
	for _, want := range []string{
		`sockgate_connect_count{apiId="` + d.api + `",route="",stage="dev"} 1`,
		`sockgate_message_count{apiId="` + d.api + `",route="",stage="dev"} 2`, // one in, one out
		`sockgate_connections_open 1`,
		`sockgate_handshakes_refused_total{reason="forbidden"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
}
