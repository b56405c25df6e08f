package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of API Gateway v2. Source: AWS CloudFormation Template Reference, "Amazon API Gateway V2".
var apiGatewayV2Types = []*Type{
	restType("AWS::ApiGatewayV2::Api", &rest{
		collection: "/v2/apis", id: "apiId", tags: "arn:aws:apigateway:{region}::/apis/{id}",
		attributes: map[string]string{"ApiId": "apiId", "ApiEndpoint": "apiEndpoint"},
		shape: object(
			need("Name", str()),
			needFixed("ProtocolType", str()),
			opt("RouteSelectionExpression", str()),
			opt("ApiKeySelectionExpression", str()).back("$request.header.x-api-key"),
			opt("Description", str()).back(""),
			opt("DisableSchemaValidation", flag()).back(false),
			opt("DisableExecuteApiEndpoint", flag()).back(false),
			opt("IpAddressType", str()).back("ipv4"),
			opt("Tags", mapOf(str())).back("").onCreate(),
			opt("Version", str()).keep(),
			refused("Body", "is for HTTP APIs, which are not served: write the WebSocket API's routes as resources"),
			refused("BodyS3Location", "is for HTTP APIs, which are not served: write the WebSocket API's routes as resources"),
			refused("BasePath", "is for HTTP APIs, which are not served"),
			refused("CorsConfiguration", "is for HTTP APIs, which are not served"),
			refused("CredentialsArn", "is for HTTP APIs, which are not served"),
			refused("FailOnWarnings", "is for HTTP APIs, which are not served"),
			refused("RouteKey", "is for HTTP APIs, which are not served"),
			refused("Target", "is for HTTP APIs, which are not served"),
		),
	}).checked(websocketOnly),
	restType("AWS::ApiGatewayV2::Route", &rest{
		collection: "/v2/apis/{ApiId}/routes", id: "routeId", same: []string{"RouteKey"},
		attributes: map[string]string{"RouteId": "routeId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			need("RouteKey", str()),
			opt("ApiKeyRequired", flag()).back(false),
			opt("AuthorizationScopes", listOf(str())),
			opt("AuthorizationType", str()).back("NONE"),
			opt("AuthorizerId", str()).back(""),
			opt("ModelSelectionExpression", str()).back(""),
			opt("OperationName", str()).keep(),
			opt("RequestModels", mapOf(str())).less(blanks),
			opt("RequestParameters", mapOf(object(need("Required", flag())))).less("/requestparameters/"),
			opt("RouteResponseSelectionExpression", str()).back(""),
			opt("Target", str()).back(""),
		),
	}),
	restType("AWS::ApiGatewayV2::RouteResponse", &rest{
		collection: "/v2/apis/{ApiId}/routes/{RouteId}/routeresponses", id: "routeResponseId", same: []string{"RouteResponseKey"},
		attributes: map[string]string{"RouteResponseId": "routeResponseId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			needFixed("RouteId", str()).apart(),
			need("RouteResponseKey", str()),
			opt("ModelSelectionExpression", str()).back(""),
			opt("ResponseModels", mapOf(str())).less(blanks),
			opt("ResponseParameters", mapOf(object(need("Required", flag())))),
		),
	}).rebuilt(),
	restType("AWS::ApiGatewayV2::Integration", &rest{
		collection: "/v2/apis/{ApiId}/integrations", id: "integrationId",
		attributes: map[string]string{"IntegrationId": "integrationId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			need("IntegrationType", str()),
			opt("ConnectionId", str()),
			opt("ConnectionType", str()),
			opt("ContentHandlingStrategy", str()),
			opt("CredentialsArn", str()).back(""),
			opt("Description", str()).back(""),
			opt("IntegrationMethod", str()),
			opt("IntegrationSubtype", str()),
			opt("IntegrationUri", str()),
			opt("PassthroughBehavior", str()).back("WHEN_NO_MATCH"),
			opt("PayloadFormatVersion", str()),
			opt("RequestParameters", mapOf(str())).less(blanks),
			opt("RequestTemplates", mapOf(str())),
			opt("ResponseParameters", anything()),
			opt("TemplateSelectionExpression", str()).back(""),
			opt("TimeoutInMillis", whole()).back(29000),
			opt("TlsConfig", object(opt("ServerNameToVerify", str()))),
		),
	}),
	restType("AWS::ApiGatewayV2::IntegrationResponse", &rest{
		collection: "/v2/apis/{ApiId}/integrations/{IntegrationId}/integrationresponses", id: "integrationResponseId",
		same: []string{"IntegrationResponseKey"}, attributes: map[string]string{"IntegrationResponseId": "integrationResponseId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			needFixed("IntegrationId", str()).apart(),
			need("IntegrationResponseKey", str()),
			opt("ContentHandlingStrategy", str()),
			opt("ResponseParameters", mapOf(str())).less(blanks),
			opt("ResponseTemplates", mapOf(str())),
			opt("TemplateSelectionExpression", str()).back(""),
		),
	}).rebuilt(),
	restType("AWS::ApiGatewayV2::Model", &rest{
		collection: "/v2/apis/{ApiId}/models", id: "modelId", same: []string{"Name"},
		attributes: map[string]string{"ModelId": "modelId"}, prepare: schemaText,
		shape: object(
			needFixed("ApiId", str()).apart(),
			need("Name", str()),
			need("Schema", anything()),
			opt("ContentType", str()).back("application/json"),
			opt("Description", str()).back(""),
		),
	}),
	restType("AWS::ApiGatewayV2::Authorizer", &rest{
		collection: "/v2/apis/{ApiId}/authorizers", id: "authorizerId", same: []string{"Name"},
		attributes: map[string]string{"AuthorizerId": "authorizerId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			need("Name", str()),
			need("AuthorizerType", str()),
			opt("AuthorizerUri", str()),
			opt("AuthorizerCredentialsArn", str()).back(""),
			opt("AuthorizerPayloadFormatVersion", str()),
			opt("AuthorizerResultTtlInSeconds", whole()),
			opt("EnableSimpleResponses", flag()),
			opt("IdentitySource", listOf(str())).back([]any{}),
			opt("IdentityValidationExpression", str()).back(""),
			opt("JwtConfiguration", object(opt("Audience", listOf(str())), opt("Issuer", str()))),
		),
	}),
	restType("AWS::ApiGatewayV2::Deployment", &rest{
		collection: "/v2/apis/{ApiId}/deployments", id: "deploymentId",
		attributes: map[string]string{"DeploymentId": "deploymentId"},
		shape: object(
			needFixed("ApiId", str()).apart(),
			opt("Description", str()).back(""),
			fixed("StageName", str()),
			// Not of CloudFormation: package stack sets it, so that a change of the API makes a new deployment.
			fixed(DefinitionSum, str()).apart(),
		),
	}).deploying(),
	restType("AWS::ApiGatewayV2::Stage", &rest{
		collection: "/v2/apis/{ApiId}/stages", id: "stageName", same: []string{"StageName"},
		tags: "arn:aws:apigateway:{region}::/apis/{ApiId}/stages/{id}",
		shape: object(
			needFixed("ApiId", str()).apart(),
			needFixed("StageName", str()),
			opt("AccessLogSettings", object(opt("DestinationArn", str()), opt("Format", str()))).back(map[string]any{}),
			opt("AutoDeploy", flag()).back(false),
			opt("ClientCertificateId", str()).back(""),
			opt("DefaultRouteSettings", routeSettings()).back(map[string]any{}),
			opt("DeploymentId", str()).back(""),
			opt("Description", str()).back(""),
			opt("RouteSettings", mapOf(routeSettings())).less("/routesettings/"),
			opt("StageVariables", mapOf(str())).less(blanks),
			opt("Tags", mapOf(str())).back("").onCreate(),
			refused("AccessPolicyId", "is not supported by API Gateway"),
		),
	}),
	restType("AWS::ApiGatewayV2::DomainName", &rest{
		collection: "/v2/domainnames", id: "domainName", same: []string{"DomainName"}, tags: "arn:aws:apigateway:{region}::/domainnames/{id}",
		attributes: map[string]string{
			"RegionalDomainName":   "domainNameConfigurations.0.apiGatewayDomainName",
			"RegionalHostedZoneId": "domainNameConfigurations.0.hostedZoneId",
			"DomainNameArn":        "domainNameArn",
		},
		shape: object(
			needFixed("DomainName", str()),
			opt("DomainNameConfigurations", listOf(object(
				opt("CertificateArn", str()),
				opt("CertificateName", str()),
				opt("EndpointType", str()),
				opt("IpAddressType", str()),
				opt("OwnershipVerificationCertificateArn", str()),
				opt("SecurityPolicy", str()),
			))),
			opt("MutualTlsAuthentication", object(opt("TruststoreUri", str()), opt("TruststoreVersion", str()))).back(map[string]any{"TruststoreUri": ""}),
			opt("RoutingMode", str()),
			opt("Tags", mapOf(str())).back("").onCreate(),
		),
	}).alone("DomainName"),
	restType("AWS::ApiGatewayV2::ApiMapping", &rest{
		collection: "/v2/domainnames/{DomainName}/apimappings", id: "apiMappingId",
		attributes: map[string]string{"ApiMappingId": "apiMappingId"},
		shape: object(
			needFixed("DomainName", str()).apart(),
			need("ApiId", str()),
			need("Stage", str()),
			opt("ApiMappingKey", str()).back(""),
		),
	}),
}

// DefinitionSum is the property of a deployment that says of what it is one.
const DefinitionSum = "SockgateDefinition"

func restType(name string, r *rest) *Type { return &Type{Name: name, shape: r.shape, provider: r} }

func (t *Type) rebuilt() *Type              { t.rebuilds = true; return t }
func (t *Type) deploying() *Type            { t.provider = deployment{t.provider.(*rest)}; return t }
func (t *Type) alone(property string) *Type { t.named = property; return t }
func (t *Type) checked(f func(map[string]any) error) *Type {
	t.further = f
	return t
}

// deployment is the provider of deployments. One with a StageName moves that stage to itself when it is made.
type deployment struct{ *rest }

func (deployment) reinstate(ctx context.Context, c *Call) error {
	stage := text(c.Old.Properties, "StageName")
	if stage == "" {
		return nil
	}
	path := "/v2/apis/" + url.PathEscape(text(c.Old.Properties, "ApiId")) + "/stages/" + url.PathEscape(stage)
	_, err := c.Client.REST(ctx, "apigateway", http.MethodPatch, path, map[string]any{"deploymentId": c.Old.PhysicalID})
	if wire.NotFound(err) {
		return nil
	}
	return err
}

func websocketOnly(props map[string]any) error {
	if p := text(props, "ProtocolType"); p != "" && p != "WEBSOCKET" {
		return fmt.Errorf("ProtocolType %s is not served: this gateway has WebSocket APIs (WEBSOCKET) only", p)
	}
	if props["RouteSelectionExpression"] == nil {
		return errors.New("RouteSelectionExpression is required for WebSocket APIs")
	}
	return nil
}

func routeSettings() *shape {
	return object(
		opt("DataTraceEnabled", flag()),
		opt("DetailedMetricsEnabled", flag()),
		opt("LoggingLevel", str()),
		opt("ThrottlingBurstLimit", whole()),
		opt("ThrottlingRateLimit", num()),
	)
}

// schemaText turns a schema that the template has as an object into the text that the API wants.
func schemaText(body map[string]any) error {
	schema, ok := body["schema"]
	if _, isText := schema.(string); !ok || isText {
		return nil
	}
	text, err := json.Marshal(schema)
	body["schema"] = string(text)
	return err
}
