package apigatewayv2_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/google/go-cmp/cmp"
)

func wantID(t *testing.T, what string, id *string, n int) {
	t.Helper()
	if id == nil || len(*id) != n || !regexp.MustCompile(`^[a-z0-9]+$`).MatchString(*id) {
		t.Errorf("%s is %q, want %d lowercase letters and digits", what, aws.ToString(id), n)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func createAPI(t *testing.T, g *gateway) *sdk.CreateApiOutput {
	return must[sdk.CreateApiOutput](t)(g.sdk.CreateApi(ctx, &sdk.CreateApiInput{
		Name: aws.String("chat"), ProtocolType: types.ProtocolTypeWebsocket,
		RouteSelectionExpression: aws.String("$request.body.action"), Tags: map[string]string{"team": "blue"},
	}))
}

func TestSDKApis(t *testing.T) {
	g := newGateway(t)
	api := createAPI(t, g)
	wantID(t, "apiId", api.ApiId, 10)
	equal(t, "endpoint", *api.ApiEndpoint, "wss://"+*api.ApiId+".execute-api.localhost:4566")
	equal(t, "key selection", *api.ApiKeySelectionExpression, "$request.header.x-api-key")
	equal(t, "disabled", *api.DisableExecuteApiEndpoint, false)
	equal(t, "created", *api.CreatedDate, start.Truncate(time.Second))
	equal(t, "tags", api.Tags, map[string]string{"team": "blue"})

	up := must[sdk.UpdateApiOutput](t)(g.sdk.UpdateApi(ctx, &sdk.UpdateApiInput{
		ApiId: api.ApiId, Description: aws.String("d"), Version: aws.String("2"), DisableExecuteApiEndpoint: aws.Bool(true),
		ApiKeySelectionExpression: aws.String("$context.authorizer.usageIdentifierKey"), DisableSchemaValidation: aws.Bool(true),
	}))
	equal(t, "name is left alone", *up.Name, "chat")
	got := must[sdk.GetApiOutput](t)(g.sdk.GetApi(ctx, &sdk.GetApiInput{ApiId: api.ApiId}))
	equal(t, "description", *got.Description, "d")
	equal(t, "version", *got.Version, "2")
	equal(t, "disabled", *got.DisableExecuteApiEndpoint, true)
	equal(t, "schema validation", *got.DisableSchemaValidation, true)
	equal(t, "protocol", got.ProtocolType, types.ProtocolTypeWebsocket)

	createAPI(t, g)
	page := must[sdk.GetApisOutput](t)(g.sdk.GetApis(ctx, &sdk.GetApisInput{MaxResults: aws.String("1")}))
	rest := must[sdk.GetApisOutput](t)(g.sdk.GetApis(ctx, &sdk.GetApisInput{MaxResults: aws.String("1"), NextToken: page.NextToken}))
	if len(page.Items) != 1 || len(rest.Items) != 1 || rest.NextToken != nil || *page.Items[0].ApiId == *rest.Items[0].ApiId {
		t.Errorf("pages: %v, %v", page, rest)
	}
	must[sdk.DeleteApiOutput](t)(g.sdk.DeleteApi(ctx, &sdk.DeleteApiInput{ApiId: api.ApiId}))
	_, err := g.sdk.GetApi(ctx, &sdk.GetApiInput{ApiId: api.ApiId})
	equal(t, "after deletion", code(err), "NotFoundException")

	_, err = g.sdk.ImportApi(ctx, &sdk.ImportApiInput{Body: aws.String("{}")})
	equal(t, "ImportApi", code(err), "BadRequestException")
}

func TestSDKHTTPOnlyOperations(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	_, err := g.sdk.ReimportApi(ctx, &sdk.ReimportApiInput{ApiId: id, Body: aws.String("{}")})
	equal(t, "ReimportApi", code(err), "BadRequestException")
	_, err = g.sdk.ExportApi(ctx, &sdk.ExportApiInput{ApiId: id, OutputType: aws.String("JSON"), Specification: aws.String("OAS30")})
	equal(t, "ExportApi", code(err), "BadRequestException")
	_, err = g.sdk.DeleteCorsConfiguration(ctx, &sdk.DeleteCorsConfigurationInput{ApiId: id})
	equal(t, "DeleteCorsConfiguration", code(err), "BadRequestException")
	_, err = g.sdk.CreateVpcLink(ctx, &sdk.CreateVpcLinkInput{Name: aws.String("n"), SubnetIds: []string{"s"}})
	equal(t, "CreateVpcLink", code(err), "NotImplementedException")
	_, err = g.sdk.ListPortals(ctx, &sdk.ListPortalsInput{})
	equal(t, "ListPortals", code(err), "NotImplementedException")
}

func TestSDKRoutes(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	integration := must[sdk.CreateIntegrationOutput](t)(g.sdk.CreateIntegration(ctx, &sdk.CreateIntegrationInput{ApiId: id, IntegrationType: types.IntegrationTypeMock}))
	target := aws.String("integrations/" + *integration.IntegrationId)
	must[sdk.CreateModelOutput](t)(g.sdk.CreateModel(ctx, &sdk.CreateModelInput{ApiId: id, Name: aws.String("Msg"), Schema: aws.String("{}")}))

	plain := must[sdk.CreateRouteOutput](t)(g.sdk.CreateRoute(ctx, &sdk.CreateRouteInput{ApiId: id, RouteKey: aws.String("send")}))
	wantID(t, "routeId", plain.RouteId, 7)
	equal(t, "apiKeyRequired", *plain.ApiKeyRequired, false)
	equal(t, "authorizationType", plain.AuthorizationType, types.AuthorizationTypeNone)
	if plain.Target != nil || plain.AuthorizerId != nil || plain.OperationName != nil {
		t.Errorf("absent members are shown: %+v", plain)
	}

	r := must[sdk.CreateRouteOutput](t)(g.sdk.CreateRoute(ctx, &sdk.CreateRouteInput{
		ApiId: id, RouteKey: aws.String("$connect"), Target: target, OperationName: aws.String("Connect"), ApiKeyRequired: aws.Bool(true),
		RequestParameters: map[string]types.ParameterConstraints{
			"route.request.header.A":      {Required: aws.Bool(true)},
			"route.request.querystring.b": {Required: aws.Bool(false)},
		},
		RequestModels: map[string]string{"$default": "Msg", "x": "Msg"}, ModelSelectionExpression: aws.String("$request.body.kind"),
		RouteResponseSelectionExpression: aws.String("$default"), AuthorizationType: types.AuthorizationTypeAwsIam,
	}))
	up := must[sdk.UpdateRouteOutput](t)(g.sdk.UpdateRoute(ctx, &sdk.UpdateRouteInput{
		ApiId: id, RouteId: r.RouteId, RequestModels: map[string]string{"x": "", "y": "Msg"},
		RequestParameters: map[string]types.ParameterConstraints{"route.request.header.C": {}},
	}))
	equal(t, "models are merged", up.RequestModels, map[string]string{"$default": "Msg", "y": "Msg"})
	equal(t, "parameters are merged", len(up.RequestParameters), 3)
	equal(t, "target is left alone", *up.Target, *target)

	_, err := g.sdk.DeleteRouteRequestParameter(ctx, &sdk.DeleteRouteRequestParameterInput{
		ApiId: id, RouteId: r.RouteId, RequestParameterKey: aws.String("route.request.header.A")})
	equal(t, "DeleteRouteRequestParameter", err, nil)
	got := must[sdk.GetRouteOutput](t)(g.sdk.GetRoute(ctx, &sdk.GetRouteInput{ApiId: id, RouteId: r.RouteId}))
	if _, ok := got.RequestParameters["route.request.header.A"]; ok || len(got.RequestParameters) != 2 {
		t.Errorf("parameters after deletion: %v", got.RequestParameters)
	}
	equal(t, "a declared parameter is not required", *got.RequestParameters["route.request.header.C"].Required, false)

	rr := must[sdk.CreateRouteResponseOutput](t)(g.sdk.CreateRouteResponse(ctx, &sdk.CreateRouteResponseInput{
		ApiId: id, RouteId: r.RouteId, RouteResponseKey: aws.String("$default"), ResponseModels: map[string]string{"a": "Msg"},
		ResponseParameters: map[string]types.ParameterConstraints{"route.response.header.X": {Required: aws.Bool(true)}},
	}))
	wantID(t, "routeResponseId", rr.RouteResponseId, 7)
	must[sdk.UpdateRouteResponseOutput](t)(g.sdk.UpdateRouteResponse(ctx, &sdk.UpdateRouteResponseInput{
		ApiId: id, RouteId: r.RouteId, RouteResponseId: rr.RouteResponseId, ModelSelectionExpression: aws.String("default")}))
	gotRR := must[sdk.GetRouteResponseOutput](t)(g.sdk.GetRouteResponse(ctx, &sdk.GetRouteResponseInput{ApiId: id, RouteId: r.RouteId, RouteResponseId: rr.RouteResponseId}))
	equal(t, "modelSelectionExpression", *gotRR.ModelSelectionExpression, "default")
	equal(t, "responseModels", gotRR.ResponseModels, map[string]string{"a": "Msg"})
	rrs := must[sdk.GetRouteResponsesOutput](t)(g.sdk.GetRouteResponses(ctx, &sdk.GetRouteResponsesInput{ApiId: id, RouteId: r.RouteId}))
	equal(t, "route responses", len(rrs.Items), 1)
	must[sdk.DeleteRouteResponseOutput](t)(g.sdk.DeleteRouteResponse(ctx, &sdk.DeleteRouteResponseInput{ApiId: id, RouteId: r.RouteId, RouteResponseId: rr.RouteResponseId}))
	rrs = must[sdk.GetRouteResponsesOutput](t)(g.sdk.GetRouteResponses(ctx, &sdk.GetRouteResponsesInput{ApiId: id, RouteId: r.RouteId}))
	equal(t, "route responses after deletion", len(rrs.Items), 0)

	equal(t, "routes", len(must[sdk.GetRoutesOutput](t)(g.sdk.GetRoutes(ctx, &sdk.GetRoutesInput{ApiId: id})).Items), 2)
	must[sdk.DeleteRouteOutput](t)(g.sdk.DeleteRoute(ctx, &sdk.DeleteRouteInput{ApiId: id, RouteId: plain.RouteId}))
	equal(t, "routes after deletion", len(must[sdk.GetRoutesOutput](t)(g.sdk.GetRoutes(ctx, &sdk.GetRoutesInput{ApiId: id})).Items), 1)
}

func TestSDKIntegrations(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	fn := must[sdk.CreateIntegrationOutput](t)(g.sdk.CreateIntegration(ctx, &sdk.CreateIntegrationInput{
		ApiId: id, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(lambdaURI), PayloadFormatVersion: aws.String("1.0"),
	}))
	wantID(t, "integrationId", fn.IntegrationId, 7)
	equal(t, "method", *fn.IntegrationMethod, "POST")
	equal(t, "connectionType", fn.ConnectionType, types.ConnectionTypeInternet)
	equal(t, "passthrough", fn.PassthroughBehavior, types.PassthroughBehaviorWhenNoMatch)
	equal(t, "timeout", *fn.TimeoutInMillis, int32(29000))
	equal(t, "payload version", *fn.PayloadFormatVersion, "1.0")
	if fn.IntegrationResponseSelectionExpression != nil {
		t.Errorf("a proxy shows %s", *fn.IntegrationResponseSelectionExpression)
	}

	i := must[sdk.CreateIntegrationOutput](t)(g.sdk.CreateIntegration(ctx, &sdk.CreateIntegrationInput{
		ApiId: id, IntegrationType: types.IntegrationTypeHttp, IntegrationUri: aws.String("https://${stageVariables.host}/a?b=c&d={e}"),
		IntegrationMethod: aws.String("PUT"), ConnectionType: types.ConnectionTypeVpcLink, ConnectionId: aws.String("${stageVariables.link}"),
		ContentHandlingStrategy: types.ContentHandlingStrategyConvertToText, CredentialsArn: aws.String("arn:aws:iam::000000000000:role/r"),
		Description: aws.String("d"), PassthroughBehavior: types.PassthroughBehaviorNever, TimeoutInMillis: aws.Int32(50),
		TemplateSelectionExpression: aws.String(`\$default`), RequestTemplates: map[string]string{"$default": "x"},
		RequestParameters: map[string]string{"integration.request.header.Id": "context.connectionId", "integration.request.querystring.q": "'lit'"},
	}))
	equal(t, "response selection", *i.IntegrationResponseSelectionExpression, "${integration.response.statuscode}")
	up := must[sdk.UpdateIntegrationOutput](t)(g.sdk.UpdateIntegration(ctx, &sdk.UpdateIntegrationInput{
		ApiId: id, IntegrationId: i.IntegrationId, RequestTemplates: map[string]string{"$default": "", "other": "y"},
		RequestParameters: map[string]string{"integration.request.querystring.q": "", "integration.request.path.e": "route.request.body.x"},
		TimeoutInMillis:   aws.Int32(29000),
	}))
	equal(t, "templates", up.RequestTemplates, map[string]string{"$default": "", "other": "y"})
	equal(t, "parameters", up.RequestParameters, map[string]string{"integration.request.header.Id": "context.connectionId", "integration.request.path.e": "route.request.body.x"})
	got := must[sdk.GetIntegrationOutput](t)(g.sdk.GetIntegration(ctx, &sdk.GetIntegrationInput{ApiId: id, IntegrationId: i.IntegrationId}))
	equal(t, "uri", *got.IntegrationUri, "https://${stageVariables.host}/a?b=c&d={e}")
	equal(t, "connection", *got.ConnectionId, "${stageVariables.link}")

	ir := must[sdk.CreateIntegrationResponseOutput](t)(g.sdk.CreateIntegrationResponse(ctx, &sdk.CreateIntegrationResponseInput{
		ApiId: id, IntegrationId: i.IntegrationId, IntegrationResponseKey: aws.String(`/2\d\d/`), ResponseTemplates: map[string]string{"$default": "t"},
		ResponseParameters: map[string]string{"route.response.header.A": "integration.response.header.B"},
	}))
	wantID(t, "integrationResponseId", ir.IntegrationResponseId, 7)
	must[sdk.UpdateIntegrationResponseOutput](t)(g.sdk.UpdateIntegrationResponse(ctx, &sdk.UpdateIntegrationResponseInput{
		ApiId: id, IntegrationId: i.IntegrationId, IntegrationResponseId: ir.IntegrationResponseId, IntegrationResponseKey: aws.String("$default"),
		ResponseParameters: map[string]string{"route.response.header.A": ""}, TemplateSelectionExpression: aws.String("${integration.response.statuscode}"),
	}))
	gotIR := must[sdk.GetIntegrationResponseOutput](t)(g.sdk.GetIntegrationResponse(ctx, &sdk.GetIntegrationResponseInput{
		ApiId: id, IntegrationId: i.IntegrationId, IntegrationResponseId: ir.IntegrationResponseId}))
	equal(t, "key", *gotIR.IntegrationResponseKey, "$default")
	equal(t, "response parameters", len(gotIR.ResponseParameters), 0)
	irs := must[sdk.GetIntegrationResponsesOutput](t)(g.sdk.GetIntegrationResponses(ctx, &sdk.GetIntegrationResponsesInput{ApiId: id, IntegrationId: i.IntegrationId}))
	equal(t, "integration responses", len(irs.Items), 1)
	must[sdk.DeleteIntegrationResponseOutput](t)(g.sdk.DeleteIntegrationResponse(ctx, &sdk.DeleteIntegrationResponseInput{
		ApiId: id, IntegrationId: i.IntegrationId, IntegrationResponseId: ir.IntegrationResponseId}))

	equal(t, "integrations", len(must[sdk.GetIntegrationsOutput](t)(g.sdk.GetIntegrations(ctx, &sdk.GetIntegrationsInput{ApiId: id})).Items), 2)
	must[sdk.DeleteIntegrationOutput](t)(g.sdk.DeleteIntegration(ctx, &sdk.DeleteIntegrationInput{ApiId: id, IntegrationId: i.IntegrationId}))
	equal(t, "integrations after deletion", len(must[sdk.GetIntegrationsOutput](t)(g.sdk.GetIntegrations(ctx, &sdk.GetIntegrationsInput{ApiId: id})).Items), 1)
}

func TestSDKAuthorizers(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	a := must[sdk.CreateAuthorizerOutput](t)(g.sdk.CreateAuthorizer(ctx, &sdk.CreateAuthorizerInput{
		ApiId: id, Name: aws.String("a"), AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: aws.String(lambdaURI),
		IdentitySource: []string{"route.request.header.Auth", "route.request.querystring.t"},
	}))
	wantID(t, "authorizerId", a.AuthorizerId, 6)
	route := must[sdk.CreateRouteOutput](t)(g.sdk.CreateRoute(ctx, &sdk.CreateRouteInput{
		ApiId: id, RouteKey: aws.String("$connect"), AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: a.AuthorizerId}))
	equal(t, "authorizerId", *route.AuthorizerId, *a.AuthorizerId)
	up := must[sdk.UpdateAuthorizerOutput](t)(g.sdk.UpdateAuthorizer(ctx, &sdk.UpdateAuthorizerInput{
		ApiId: id, AuthorizerId: a.AuthorizerId, Name: aws.String("b"), IdentitySource: []string{"context.stage"}}))
	equal(t, "identity source is replaced", up.IdentitySource, []string{"context.stage"})
	got := must[sdk.GetAuthorizerOutput](t)(g.sdk.GetAuthorizer(ctx, &sdk.GetAuthorizerInput{ApiId: id, AuthorizerId: a.AuthorizerId}))
	equal(t, "name", *got.Name, "b")
	if got.AuthorizerResultTtlInSeconds != nil || got.AuthorizerPayloadFormatVersion != nil {
		t.Errorf("members of HTTP APIs are shown: %+v", got)
	}
	equal(t, "authorizers", len(must[sdk.GetAuthorizersOutput](t)(g.sdk.GetAuthorizers(ctx, &sdk.GetAuthorizersInput{ApiId: id})).Items), 1)
	detached := must[sdk.UpdateRouteOutput](t)(g.sdk.UpdateRoute(ctx, &sdk.UpdateRouteInput{
		ApiId: id, RouteId: route.RouteId, AuthorizationType: types.AuthorizationTypeNone}))
	if detached.AuthorizerId != nil {
		t.Errorf("the authorizer is still there: %s", *detached.AuthorizerId)
	}
	must[sdk.DeleteAuthorizerOutput](t)(g.sdk.DeleteAuthorizer(ctx, &sdk.DeleteAuthorizerInput{ApiId: id, AuthorizerId: a.AuthorizerId}))
}

func TestSDKModels(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	m := must[sdk.CreateModelOutput](t)(g.sdk.CreateModel(ctx, &sdk.CreateModelInput{
		ApiId: id, Name: aws.String("Msg"), Schema: aws.String(`{"type":"object","properties":{"n":{"type":"integer"}}}`)}))
	wantID(t, "modelId", m.ModelId, 6)
	equal(t, "contentType", *m.ContentType, "application/json")
	tmpl := must[sdk.GetModelTemplateOutput](t)(g.sdk.GetModelTemplate(ctx, &sdk.GetModelTemplateInput{ApiId: id, ModelId: m.ModelId}))
	equal(t, "template", *tmpl.Value, "#set($inputRoot = $input.path('$'))\n{\n  \"n\" : 42\n}")
	must[sdk.UpdateModelOutput](t)(g.sdk.UpdateModel(ctx, &sdk.UpdateModelInput{ApiId: id, ModelId: m.ModelId, Description: aws.String("d"), Name: aws.String("Other")}))
	got := must[sdk.GetModelOutput](t)(g.sdk.GetModel(ctx, &sdk.GetModelInput{ApiId: id, ModelId: m.ModelId}))
	equal(t, "name", *got.Name, "Other")
	equal(t, "description", *got.Description, "d")
	equal(t, "models", len(must[sdk.GetModelsOutput](t)(g.sdk.GetModels(ctx, &sdk.GetModelsInput{ApiId: id})).Items), 1)
	must[sdk.DeleteModelOutput](t)(g.sdk.DeleteModel(ctx, &sdk.DeleteModelInput{ApiId: id, ModelId: m.ModelId}))
	_, err := g.sdk.GetModel(ctx, &sdk.GetModelInput{ApiId: id, ModelId: m.ModelId})
	equal(t, "after deletion", code(err), "NotFoundException")
}

func TestSDKDeploymentsAndStages(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	g.newRoute("/v2/apis/"+*id, "$connect")
	d := must[sdk.CreateDeploymentOutput](t)(g.sdk.CreateDeployment(ctx, &sdk.CreateDeploymentInput{ApiId: id, Description: aws.String("first")}))
	wantID(t, "deploymentId", d.DeploymentId, 6)
	equal(t, "status", d.DeploymentStatus, types.DeploymentStatusDeployed)
	equal(t, "autoDeployed", *d.AutoDeployed, false)

	const arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/chat"
	st := must[sdk.CreateStageOutput](t)(g.sdk.CreateStage(ctx, &sdk.CreateStageInput{
		ApiId: id, StageName: aws.String("prod"), DeploymentId: d.DeploymentId, StageVariables: map[string]string{"a": "1", "b": "2"},
		AccessLogSettings: &types.AccessLogSettings{DestinationArn: aws.String(arn + ":*"), Format: aws.String("$context.requestId\n")},
		RouteSettings:     map[string]types.RouteSettings{"$connect": {ThrottlingBurstLimit: aws.Int32(0), ThrottlingRateLimit: aws.Float64(1.5)}},
		Tags:              map[string]string{"k": "v"}, ClientCertificateId: aws.String("cert"),
	}))
	def := st.DefaultRouteSettings
	if *def.DataTraceEnabled || *def.DetailedMetricsEnabled || def.LoggingLevel != types.LoggingLevelOff || def.ThrottlingBurstLimit != nil || def.ThrottlingRateLimit != nil {
		t.Errorf("defaultRouteSettings: %+v", def)
	}
	equal(t, "autoDeploy", *st.AutoDeploy, false)
	equal(t, "burst 0 is kept", *st.RouteSettings["$connect"].ThrottlingBurstLimit, int32(0))
	equal(t, "log destination", *st.AccessLogSettings.DestinationArn, arn)
	equal(t, "log format", *st.AccessLogSettings.Format, "$context.requestId")

	g.now.Store(60)
	up := must[sdk.UpdateStageOutput](t)(g.sdk.UpdateStage(ctx, &sdk.UpdateStageInput{
		ApiId: id, StageName: aws.String("prod"), StageVariables: map[string]string{"a": "", "c": "3"},
		DefaultRouteSettings: &types.RouteSettings{LoggingLevel: types.LoggingLevelInfo, ThrottlingBurstLimit: aws.Int32(0)},
	}))
	equal(t, "variables", up.StageVariables, map[string]string{"b": "2", "c": "3"})
	equal(t, "level", up.DefaultRouteSettings.LoggingLevel, types.LoggingLevelInfo)
	equal(t, "default burst 0 is kept", *up.DefaultRouteSettings.ThrottlingBurstLimit, int32(0))
	equal(t, "updated", *up.LastUpdatedDate, start.Add(time.Minute).Truncate(time.Second))
	equal(t, "created", *up.CreatedDate, start.Truncate(time.Second))
	up = must[sdk.UpdateStageOutput](t)(g.sdk.UpdateStage(ctx, &sdk.UpdateStageInput{
		ApiId: id, StageName: aws.String("prod"), DefaultRouteSettings: &types.RouteSettings{}, AccessLogSettings: &types.AccessLogSettings{}}))
	if up.DefaultRouteSettings.ThrottlingBurstLimit != nil || up.AccessLogSettings != nil {
		t.Errorf("an empty structure clears: %+v", up)
	}

	_, err := g.sdk.DeleteRouteSettings(ctx, &sdk.DeleteRouteSettingsInput{ApiId: id, StageName: aws.String("prod"), RouteKey: aws.String("$connect")})
	equal(t, "DeleteRouteSettings", err, nil)
	_, err = g.sdk.DeleteAccessLogSettings(ctx, &sdk.DeleteAccessLogSettingsInput{ApiId: id, StageName: aws.String("prod")})
	equal(t, "DeleteAccessLogSettings", err, nil)
	_, err = g.sdk.ResetAuthorizersCache(ctx, &sdk.ResetAuthorizersCacheInput{ApiId: id, StageName: aws.String("prod")})
	equal(t, "ResetAuthorizersCache", err, nil)
	got := must[sdk.GetStageOutput](t)(g.sdk.GetStage(ctx, &sdk.GetStageInput{ApiId: id, StageName: aws.String("prod")}))
	equal(t, "route settings", len(got.RouteSettings), 0)
	equal(t, "certificate", *got.ClientCertificateId, "cert")
	equal(t, "stages", len(must[sdk.GetStagesOutput](t)(g.sdk.GetStages(ctx, &sdk.GetStagesInput{ApiId: id})).Items), 1)

	d2 := must[sdk.CreateDeploymentOutput](t)(g.sdk.CreateDeployment(ctx, &sdk.CreateDeploymentInput{ApiId: id, StageName: aws.String("prod")}))
	got = must[sdk.GetStageOutput](t)(g.sdk.GetStage(ctx, &sdk.GetStageInput{ApiId: id, StageName: aws.String("prod")}))
	equal(t, "the stage follows", *got.DeploymentId, *d2.DeploymentId)
	up = must[sdk.UpdateStageOutput](t)(g.sdk.UpdateStage(ctx, &sdk.UpdateStageInput{ApiId: id, StageName: aws.String("prod"), DeploymentId: d.DeploymentId}))
	equal(t, "rolled back", *up.DeploymentId, *d.DeploymentId)
	must[sdk.UpdateDeploymentOutput](t)(g.sdk.UpdateDeployment(ctx, &sdk.UpdateDeploymentInput{ApiId: id, DeploymentId: d2.DeploymentId, Description: aws.String("second")}))
	gotD := must[sdk.GetDeploymentOutput](t)(g.sdk.GetDeployment(ctx, &sdk.GetDeploymentInput{ApiId: id, DeploymentId: d2.DeploymentId}))
	equal(t, "description", *gotD.Description, "second")
	equal(t, "deployments", len(must[sdk.GetDeploymentsOutput](t)(g.sdk.GetDeployments(ctx, &sdk.GetDeploymentsInput{ApiId: id})).Items), 2)
	must[sdk.DeleteDeploymentOutput](t)(g.sdk.DeleteDeployment(ctx, &sdk.DeleteDeploymentInput{ApiId: id, DeploymentId: d2.DeploymentId}))
	if _, err := g.catalog.Frozen(ctx, *id, *d2.DeploymentId); err == nil {
		t.Error("what the deleted deployment froze is still there")
	}
	must[sdk.DeleteStageOutput](t)(g.sdk.DeleteStage(ctx, &sdk.DeleteStageInput{ApiId: id, StageName: aws.String("prod")}))
	_, err = g.sdk.GetStage(ctx, &sdk.GetStageInput{ApiId: id, StageName: aws.String("prod")})
	equal(t, "after deletion", code(err), "NotFoundException")
}

func TestSDKTags(t *testing.T) {
	g := newGateway(t)
	id := createAPI(t, g).ApiId
	must[sdk.CreateStageOutput](t)(g.sdk.CreateStage(ctx, &sdk.CreateStageInput{ApiId: id, StageName: aws.String("prod")}))
	for _, arn := range []string{"arn:aws:apigateway:us-east-1::/apis/" + *id, "arn:aws:apigateway:us-east-1::/apis/" + *id + "/stages/prod"} {
		must[sdk.TagResourceOutput](t)(g.sdk.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: aws.String(arn), Tags: map[string]string{"a": "1", "b c": "ü/=+@_-.:", "d": ""}}))
		must[sdk.UntagResourceOutput](t)(g.sdk.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: aws.String(arn), TagKeys: []string{"a", "team", "none"}}))
		got := must[sdk.GetTagsOutput](t)(g.sdk.GetTags(ctx, &sdk.GetTagsInput{ResourceArn: aws.String(arn)}))
		equal(t, arn, got.Tags, map[string]string{"b c": "ü/=+@_-.:", "d": ""})
	}
}
