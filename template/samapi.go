package template

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

var apiProperties = strings.Fields("AccessLogSettings ApiKeySelectionExpression Auth DefaultRouteSettings Description " +
	"DisableExecuteApiEndpoint DisableSchemaValidation Domain FailOnWarnings IpAddressType Name PropagateTags RouteSelectionExpression " +
	"RouteSettings Routes StageName StageVariables Tags")

var routeProperties = strings.Fields("ApiKeyRequired FunctionArn IntegrationTimeout ModelSelectionExpression OperationName " +
	"RequestModels RequestParameters RouteResponseSelectionExpression")

// webSocketAPI makes an API, a stage that deploys by itself, and per route an integration with a function and leave for
// the API to call it. Source: AWS SAM Developer Guide, "AWS::Serverless::WebSocketApi", and the resources that it says are
// generated, whose ids are those of SAM's own expansion.
func (s *sam) webSocketAPI(r *resource) {
	given := s.properties(r, "WebSocketApi", apiProperties)
	routes := s.reduce(given.get("Routes"))
	if routes == nil || routes.kind != mapping || len(routes.pairs) == 0 {
		s.fail(r.key, "Resource with id [%s] is invalid. WebSocket API must have at least one route.", r.id)
		return
	}
	if given.get("RouteSelectionExpression") == nil {
		s.fail(r.key, "Resource with id [%s] is invalid. Missing required property 'RouteSelectionExpression'.", r.id)
	}
	place := r.key.place()
	p := take(given, "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint", "DisableSchemaValidation",
		"IpAddressType", "RouteSelectionExpression", "Name")
	if p.get("Name") == nil {
		p.set("Name", place.text(r.id))
	}
	p.set("ProtocolType", place.text("WEBSOCKET"))
	p.set("Tags", s.tagObject(r, given.get("Tags")))
	s.base(r, r.id, "AWS::ApiGatewayV2::Api", p)

	stage := s.reduce(given.get("StageName"))
	if stage == nil {
		stage = place.text("default")
	}
	auth := s.auth(r, given.get("Auth"), routes)
	var routeIDs []*node
	for _, route := range routes.pairs {
		if id := s.route(r, route, stage, auth); id != "" {
			routeIDs = append(routeIDs, route.key.place().text(id))
		}
	}
	stageID := s.stage(r, given, stage, routeIDs)
	s.authorizer(r, auth)
	s.domain(r, s.reduce(given.get("Domain")), s.propagated(given), stageID)
}

// tagObject: Api and Stage take tags as an object.
func (s *sam) tagObject(r *resource, tags *node) *node {
	out := r.key.place().object("websocketapi:createdBy", "SAM")
	if tags = s.reduce(tags); tags != nil && tags.kind == mapping {
		return merged(tags, out)
	}
	return out
}

// propagated returns the tags that go on to what is made for the API.
func (s *sam) propagated(given *node) *node {
	if all := s.reduce(given.get("PropagateTags")); all == nil || !strings.EqualFold(all.text, "true") {
		return nil
	}
	return given.get("Tags")
}

func (s *sam) stage(r *resource, given, name *node, routeIDs []*node) string {
	place := r.key.place()
	prefix := ""
	if name.kind == text {
		prefix = name.text
	}
	switch prefix {
	case "$default":
		s.fail(name, "Resource with id [%s] is invalid. Stages cannot be named $default for WebSocket APIs.", r.id)
	case "default":
		prefix = "Default"
	}
	id := r.id + letters(prefix) + "Stage"
	p := take(given, "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "StageVariables")
	p.set("ApiId", place.ref(r.id))
	p.set("StageName", name)
	p.set("AutoDeploy", place.boolean(true))
	p.set("Tags", s.tagObject(r, s.propagated(given)))
	made := s.add(r, id, "AWS::ApiGatewayV2::Stage", p)
	if given.get("RouteSettings") != nil {
		made.dependsOn = routeIDs // settings can only be made for routes that are there
	}
	s.aliases[r.id+".Stage"] = id
	return id
}

// letters drops what cannot stand in a logical id.
func letters(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 128 && alphanumeric(string(c)) {
			return c
		}
		return -1
	}, s)
}

// routeID is the part of an id that stands for a route: "$connect" is Connect, "sendMessage" is Sendmessage.
func routeID(key string) string {
	switch key {
	case "$connect", "$disconnect", "$default":
		key = key[1:]
	}
	if !alphanumeric(key) {
		return ""
	}
	return strings.ToUpper(key[:1]) + strings.ToLower(key[1:])
}

const invocations = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${FunctionArn}/invocations"

// route returns the id of the route that it makes, or "" after a fault.
func (s *sam) route(r *resource, route pair, stage *node, auth *authorization) string {
	name := routeID(route.key.text)
	if name == "" {
		s.fail(route.key, "Resource with id [%s] is invalid. Route key '%s' must be alphanumeric. Only $connect, $disconnect, and $default special routes are supported.", r.id, route.key.text)
		return ""
	}
	given := s.reduce(route.value)
	if given.get("FunctionArn") == nil {
		s.fail(route.key, "Resource with id [%s] is invalid. Route must have associated function.", r.id)
		return ""
	}
	for _, p := range given.pairs {
		if found := Nearest(p.key.text, routeProperties); found != p.key.text {
			s.fail(p.key, "Resource with id [%s] is invalid. property %s not defined for a route%s", r.id, p.key.text, maybe(found, ""))
		}
	}
	if at := given.key("RequestParameters"); at != nil && route.key.text != "$connect" {
		s.fail(at, "Resource with id [%s] is invalid. Request parameters are only supported for the $connect route in WebSocket APIs.", r.id)
	}
	place, base := route.key.place(), r.id+name
	arn := given.get("FunctionArn")

	p := take(given, "ApiKeyRequired", "ModelSelectionExpression", "OperationName", "RequestModels", "RequestParameters", "RouteResponseSelectionExpression")
	p.set("ApiId", place.ref(r.id))
	p.set("RouteKey", place.text(route.key.text))
	p.set("Target", place.object("Fn::Join", place.list(place.text("/"), place.list(place.text("integrations"), place.ref(base+"Integration")))))
	if auth != nil && route.key.text == "$connect" {
		p.set("AuthorizationType", place.text(auth.kind))
		if auth.kind == "CUSTOM" {
			p.set("AuthorizerId", place.ref(r.id+"ConnectAuthorizer"))
		}
	}
	s.addAt(place, r, base+"Route", "AWS::ApiGatewayV2::Route", p)
	s.addAt(place, r, base+"Integration", "AWS::ApiGatewayV2::Integration", place.object(
		"ApiId", place.ref(r.id), "IntegrationType", "AWS_PROXY",
		"IntegrationUri", place.subWith(invocations, "FunctionArn", arn),
		"TimeoutInMillis", given.get("IntegrationTimeout")))

	source := place.object("Fn::Sub", place.list(
		place.text("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${"+r.id+"}/${StageName}/${RouteKey}"),
		place.object("StageName", stage, "RouteKey", route.key)))
	s.addAt(place, r, base+"Permission", "AWS::Lambda::Permission", s.permission(place, arn, source))
	return base + "Route"
}

func (s *sam) permission(place at, arn, source *node) *node {
	return place.object("Action", "lambda:InvokeFunction", "FunctionName", arn,
		"Principal", "apigateway.amazonaws.com", "SourceArn", source)
}

// authorization is what an API's Auth says.
type authorization struct {
	kind string
	node *node
}

func (s *sam) auth(r *resource, n, routes *node) *authorization {
	if n = s.reduce(n); n == nil {
		return nil
	}
	kind, _ := s.static(n.get("AuthType"), "AuthType of "+r.id)
	kind = strings.ToUpper(kind)
	switch {
	case kind == "":
		s.fail(n, "Resource with id [%s] is invalid. AuthType must be specified for additional auth configurations.", r.id)
	case kind != "NONE" && kind != "AWS_IAM" && kind != "CUSTOM":
		s.fail(n.get("AuthType"), "Resource with id [%s] is invalid. AuthType is not one of AWS_IAM, CUSTOM or NONE.", r.id)
	case kind == "CUSTOM" && s.reduce(n.get("AuthArn")) == nil:
		s.fail(n, "Resource with id [%s] is invalid. AuthArn must be specified if AuthType is CUSTOM.", r.id)
	case kind != "CUSTOM" && len(n.pairs) > 1:
		s.fail(n, "Resource with id [%s] is invalid. No additional configurations supported for AuthType %s.", r.id, kind)
	case routes.get("$connect") == nil:
		s.fail(n, "Resource with id [%s] is invalid. Authorization is only available if there is a $connect route.", r.id)
	default:
		return &authorization{kind, n}
	}
	return nil
}

func (s *sam) authorizer(r *resource, auth *authorization) {
	if auth == nil || auth.kind != "CUSTOM" {
		return
	}
	place, given := auth.node.place(), auth.node
	name := s.reduce(given.get("Name"))
	if name == nil {
		name = place.text(r.id + "ConnectAuthorizer")
	}
	invoker := s.reduce(given.get("InvokeRole"))
	s.add(r, r.id+"ConnectAuthorizer", "AWS::ApiGatewayV2::Authorizer", place.object(
		"ApiId", place.ref(r.id), "AuthorizerType", "REQUEST", "Name", name,
		"AuthorizerUri", place.subWith(invocations, "FunctionArn", given.get("AuthArn")),
		"AuthorizerCredentialsArn", invoker, "IdentitySource", s.reduce(given.get("IdentitySource"))))
	if invoker == nil {
		s.add(r, r.id+"AuthorizerPermission", "AWS::Lambda::Permission", s.permission(place, given.get("AuthArn"),
			place.sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${"+r.id+"}/authorizers/*")))
	}
}

// domain makes a domain name, which two APIs may share, and the paths under it that lead to this API.
func (s *sam) domain(r *resource, d, tags *node, stageID string) {
	if d == nil {
		return
	}
	name, ok := s.static(d.get("DomainName"), "DomainName of "+r.id)
	if !ok || s.reduce(d.get("CertificateArn")) == nil {
		s.fail(d, "Resource with id [%s] is invalid. Custom Domains only works if both DomainName and CertificateArn are provided.", r.id)
		return
	}
	for _, refused := range []string{"MutualTlsAuthentication", "OwnershipVerificationCertificateArn"} {
		if at := d.key(refused); at != nil {
			s.fail(at, "Resource with id [%s] is invalid. Mutual TLS domain name association is not supported for Websocket APIs.", r.id)
		}
	}
	if at := d.key("Route53"); at != nil {
		s.skip(r, at, "Domain.Route53")
	}
	place := d.place()
	sum := sha1.Sum([]byte(name)) // SAM's own choice; the id is the same as on AWS
	id := "ApiGatewayDomainNameV2" + hex.EncodeToString(sum[:])[:10]
	endpoint := s.reduce(d.get("EndpointConfiguration"))
	if endpoint == nil {
		endpoint = place.text("REGIONAL")
	}
	s.add(r, id, "AWS::ApiGatewayV2::DomainName", place.object("DomainName", name,
		"DomainNameConfigurations", place.list(place.object("CertificateArn", d.get("CertificateArn"),
			"EndpointType", endpoint, "SecurityPolicy", s.reduce(d.get("SecurityPolicy")))),
		"Tags", s.tagObject(r, tags))).skipExisting = true
	paths := s.items(d.get("BasePath"))
	if paths == nil {
		s.add(r, r.id+"ApiMapping", "AWS::ApiGatewayV2::ApiMapping", place.object(
			"DomainName", place.ref(id), "ApiId", place.ref(r.id), "Stage", place.ref(stageID)))
	}
	for _, at := range paths {
		path, ok := s.static(at, "BasePath of "+r.id)
		if !ok {
			continue
		}
		for _, c := range path {
			if !strings.ContainsRune("/-_", c) && !alphanumeric(string(c)) {
				s.fail(at, "Resource with id [%s] is invalid. Invalid Basepath name provided.", r.id)
				break
			}
		}
		p := place.object("DomainName", place.ref(id), "ApiId", place.ref(r.id), "Stage", place.ref(stageID))
		if key := strings.Trim(path, "/"); key != "" {
			p.set("ApiMappingKey", at.place().text(key))
		}
		s.add(r, r.id+letters(path)+"ApiMapping", "AWS::ApiGatewayV2::ApiMapping", p)
	}
}
