package apigatewayv2

import "regexp"

// The members of each resource. Source: reference control-plane sections 2.1 and 2.2 (the service model), tightened where
// section 1 says that WebSocket APIs are stricter.

func str(least, most int) *shape    { return &shape{kind: text, min: least, max: most} }
func oneOf(values ...string) *shape { return &shape{kind: text, enum: values} }
func like(most int, re string) *shape {
	return &shape{kind: text, max: most, pattern: regexp.MustCompile(re)}
}
func intIn(least, most int) *shape      { return &shape{kind: integer, min: least, max: most} }
func flag() *shape                      { return &shape{kind: boolean} }
func listOf(of *shape) *shape           { return &shape{kind: array, of: of} }
func mapOf(of *shape) *shape            { return &shape{kind: mapping, of: of} }
func object(members ...member) *shape   { return &shape{kind: structure, members: members} }
func opt(name string, s *shape) member  { return member{name: name, shape: s} }
func must(name string, s *shape) member { return member{name: name, shape: s, required: true} }
func httpOnly(name string, s *shape) member {
	return member{name: name, shape: s, httpOnly: true}
}

const (
	maxDescription = 1024
	maxExpression  = 2048 // characters; the model gives no bound
	maxURI         = 2048
	maxSchema      = 32 << 10
	// maxTemplate is the quota of a mapping template. UNCONFIRMED: the model says 32 KiB for each, the quota page 300 KiB.
	maxTemplate = 300 << 10
	maxRouteKey = 1024 // characters; the model gives no bound
	maxARN      = 2048
)

func paramConstraints() *shape { return mapOf(object(opt("required", flag()))) }

// tagMap is not bounded here: tags have their own rules and texts.
func tagMap() *shape { return mapOf(str(0, 0)) }

// editable returns the members as an update takes them: none is required, and the map entries that end by being sent as ""
// may be "".
func editable(create []member, emptyRemoves ...string) []member {
	out := make([]member, len(create))
	copy(out, create)
	for i := range out {
		out[i].required = false
		for _, name := range emptyRemoves {
			if out[i].name == name {
				of := *out[i].shape.of
				of.min = 0
				out[i].shape = mapOf(&of)
			}
		}
	}
	return out
}

// without returns the members except those named.
func without(ms []member, names ...string) []member {
	var out []member
next:
	for _, m := range ms {
		for _, name := range names {
			if m.name == name {
				continue next
			}
		}
		out = append(out, m)
	}
	return out
}

var apiMembers = []member{
	must("name", str(1, 128)),
	must("protocolType", str(0, 0)), // has a text of its own
	opt("apiKeySelectionExpression", str(0, maxExpression)),
	httpOnly("corsConfiguration", object()),
	httpOnly("credentialsArn", str(0, 0)),
	opt("description", str(0, maxDescription)),
	opt("disableSchemaValidation", flag()),
	opt("disableExecuteApiEndpoint", flag()),
	opt("ipAddressType", oneOf("ipv4", "dualstack")),
	httpOnly("routeKey", str(0, 0)),
	opt("routeSelectionExpression", str(0, maxExpression)),
	opt("tags", tagMap()),
	httpOnly("target", str(0, 0)),
	opt("version", str(1, 64)),
}

var routeMembers = []member{
	must("routeKey", str(1, maxRouteKey)),
	opt("apiKeyRequired", flag()),
	httpOnly("authorizationScopes", listOf(str(0, 0))),
	opt("authorizationType", oneOf("NONE", "AWS_IAM", "CUSTOM", "JWT")),
	opt("authorizerId", str(0, 0)),
	opt("modelSelectionExpression", str(0, maxExpression)),
	opt("operationName", str(1, 64)),
	opt("requestModels", mapOf(str(1, 128))),
	opt("requestParameters", paramConstraints()),
	opt("routeResponseSelectionExpression", str(0, maxExpression)),
	opt("target", str(1, 128)),
}

var routeResponseMembers = []member{
	must("routeResponseKey", str(1, maxRouteKey)),
	opt("modelSelectionExpression", str(0, maxExpression)),
	opt("responseModels", mapOf(str(1, 128))),
	opt("responseParameters", paramConstraints()),
}

var integrationMembers = []member{
	must("integrationType", oneOf("AWS", "HTTP", "MOCK", "HTTP_PROXY", "AWS_PROXY")),
	opt("connectionId", str(1, 1024)),
	opt("connectionType", oneOf("INTERNET", "VPC_LINK")),
	opt("contentHandlingStrategy", oneOf("CONVERT_TO_BINARY", "CONVERT_TO_TEXT")),
	opt("credentialsArn", str(0, maxARN)),
	opt("description", str(0, maxDescription)),
	opt("integrationMethod", str(1, 64)),
	httpOnly("integrationSubtype", str(0, 0)),
	opt("integrationUri", str(1, maxURI)),
	opt("passthroughBehavior", oneOf("WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES")),
	// "1.0" is what every WebSocket integration reports, and what tools send with all integrations.
	{name: "payloadFormatVersion", shape: str(0, 0), httpOnly: true, neutral: "1.0"},
	opt("requestParameters", mapOf(str(1, 512))),
	httpOnly("responseParameters", mapOf(object())),
	opt("requestTemplates", mapOf(str(0, maxTemplate))),
	opt("templateSelectionExpression", str(0, maxExpression)),
	opt("timeoutInMillis", &shape{kind: integer, min: -1 << 31}), // has a text of its own
	httpOnly("tlsConfig", object()),
}

var integrationResponseMembers = []member{
	must("integrationResponseKey", str(1, maxExpression)),
	opt("contentHandlingStrategy", oneOf("CONVERT_TO_BINARY", "CONVERT_TO_TEXT")),
	opt("responseParameters", mapOf(str(1, 512))),
	opt("responseTemplates", mapOf(str(0, maxTemplate))),
	opt("templateSelectionExpression", str(0, maxExpression)),
}

var authorizerMembers = []member{
	must("name", str(1, 128)),
	must("authorizerType", oneOf("REQUEST", "JWT")),
	opt("authorizerUri", str(1, maxURI)),
	opt("authorizerCredentialsArn", str(0, maxARN)),
	// The model requires it and WebSocket APIs let it be empty; absent is taken as empty. UNCONFIRMED.
	opt("identitySource", &shape{kind: array, of: str(1, 512), max: 100}),
	opt("identityValidationExpression", str(0, 1024)),
	httpOnly("authorizerPayloadFormatVersion", str(0, 0)),
	httpOnly("authorizerResultTtlInSeconds", intIn(0, 3600)), // an explicit 0 passes: UNCONFIRMED
	httpOnly("enableSimpleResponses", flag()),
	opt("jwtConfiguration", object(opt("audience", &shape{kind: array, of: str(1, 1024), max: 50}), opt("issuer", str(1, maxURI)))),
}

var modelMembers = []member{
	must("name", like(128, `^[a-zA-Z0-9]+$`)),
	must("schema", str(0, maxSchema)),
	opt("contentType", str(1, 256)),
	opt("description", str(0, maxDescription)),
}

var deploymentMembers = []member{
	opt("description", str(0, maxDescription)),
	opt("stageName", str(1, 128)),
}

var settingsMembers = []member{
	opt("dataTraceEnabled", flag()),
	opt("detailedMetricsEnabled", flag()),
	opt("loggingLevel", oneOf("ERROR", "INFO", "OFF")),
	opt("throttlingBurstLimit", &shape{kind: integer}),
	opt("throttlingRateLimit", &shape{kind: number}),
}

var stageMembers = []member{
	must("stageName", like(128, `^[a-zA-Z0-9_-]+$`)),
	opt("accessLogSettings", object(
		opt("destinationArn", str(0, maxARN)),
		opt("format", str(0, maxLogFormat)),
	)),
	opt("autoDeploy", flag()),
	opt("clientCertificateId", str(0, 128)),
	opt("defaultRouteSettings", object(settingsMembers...)),
	opt("deploymentId", str(0, 0)),
	opt("description", str(0, maxDescription)),
	opt("routeSettings", mapOf(object(settingsMembers...))),
	opt("stageVariables", mapOf(str(0, 0))), // have rules and texts of their own
	opt("tags", tagMap()),
}

// domainConfigMembers are those that a caller may set; the others of the shape are the gateway's and ignored, as tools send back
// what they have read.
var domainConfigMembers = []member{
	opt("certificateArn", str(0, maxARN)),
	opt("certificateName", str(1, 128)),
	opt("endpointType", str(0, 0)), // has rules of its own
	opt("ipAddressType", oneOf("ipv4", "dualstack")),
	opt("ownershipVerificationCertificateArn", str(0, maxARN)),
	opt("securityPolicy", str(0, 0)), // has a text of its own
}

var domainMembers = []member{
	must("domainName", str(1, 512)),
	opt("domainNameConfigurations", &shape{kind: array, of: object(domainConfigMembers...), max: 10}),
	opt("mutualTlsAuthentication", object(opt("truststoreUri", str(0, maxURI)), opt("truststoreVersion", str(0, 64)))),
	opt("routingMode", oneOf("API_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_API_MAPPING")),
	opt("tags", tagMap()),
}

var mappingMembers = []member{
	must("apiId", str(0, 64)),
	must("stage", str(1, 128)),
	opt("apiMappingKey", str(0, 0)), // has rules and texts of its own
}

var mappingUpdate = []member{
	must("apiId", str(0, 64)),
	opt("stage", str(1, 128)),
	opt("apiMappingKey", str(0, 0)),
}

var tagMembers = []member{opt("tags", tagMap())}

var paging = []member{opt("maxResults", str(0, 0)), opt("nextToken", str(0, 0))}

var tagKeys = []member{must("tagKeys", listOf(str(1, 128)))}
