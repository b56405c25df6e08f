package sockgate

import "time"

// API is a WebSocket API: the name clients connect to, and the rules that hold for all of its routes.
type API struct {
	ID                        string // 10 lowercase letters and digits
	Name                      string // 1 to 128 characters, not unique
	Description               string
	Version                   string
	RouteSelectionExpression  string // e.g. "$request.body.action"
	APIKeySelectionExpression string // "$request.header.x-api-key" or "$context.authorizer.usageIdentifierKey"
	IPAddressType             string // "ipv4" or "dualstack"; stored and shown, without effect here
	DisableSchemaValidation   bool
	DisableExecuteAPIEndpoint bool
	Tags                      map[string]string
	CreatedAt                 time.Time
}

// Route binds a route key to an integration.
type Route struct {
	ID                               string // 7 lowercase letters and digits
	Key                              string // "$connect", "$disconnect", "$default" or a custom key
	Target                           string // "integrations/{integrationId}", or empty
	OperationName                    string
	AuthorizationType                string // "NONE", "AWS_IAM" or "CUSTOM"
	AuthorizerID                     string
	APIKeyRequired                   bool
	ModelSelectionExpression         string
	RequestModels                    map[string]string // selection value → model name
	RequestParameters                map[string]bool   // "route.request.header.X" → required
	RouteResponseSelectionExpression string            // "$default" makes the route two-way, with a route response
	Responses                        []RouteResponse
}

// RouteResponse makes its route answer the client.
type RouteResponse struct {
	ID                       string // 7 lowercase letters and digits
	Key                      string // always "$default"
	ModelSelectionExpression string
	ResponseModels           map[string]string
	ResponseParameters       map[string]bool
}

// IntegrationType says what kind of backend an integration calls.
type IntegrationType string

// The integration types of a WebSocket API.
const (
	AWS       IntegrationType = "AWS"
	AWSProxy  IntegrationType = "AWS_PROXY"
	HTTP      IntegrationType = "HTTP"
	HTTPProxy IntegrationType = "HTTP_PROXY"
	Mock      IntegrationType = "MOCK"
)

// Proxy reports whether requests and responses pass through the integration without templates.
func (t IntegrationType) Proxy() bool { return t == AWSProxy || t == HTTPProxy }

// Integration describes one backend and how requests to it are shaped.
type Integration struct {
	ID                          string // 7 lowercase letters and digits
	Type                        IntegrationType
	Method                      string
	URI                         string
	Description                 string
	ConnectionType              string // "INTERNET" or "VPC_LINK"
	ConnectionID                string // VPC link id, or "${stageVariables.x}"
	CredentialsARN              string
	ContentHandling             string // "", "CONVERT_TO_BINARY" or "CONVERT_TO_TEXT"
	PassthroughBehavior         string // "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES" or "NEVER"
	TemplateSelectionExpression string
	RequestTemplates            map[string]string
	RequestParameters           map[string]string // "integration.request.header.X" → source expression
	Timeout                     time.Duration     // 50 ms to 29 s
	Responses                   []IntegrationResponse
}

// IntegrationResponse shapes what a non-proxy backend answered.
type IntegrationResponse struct {
	ID                          string // 7 lowercase letters and digits
	Key                         string // "$default" or "/regular expression/"
	ContentHandling             string
	TemplateSelectionExpression string
	ResponseTemplates           map[string]string
	ResponseParameters          map[string]string
}

// Model is a JSON Schema (draft 4) that messages of a route must satisfy.
type Model struct {
	ID          string // 6 lowercase letters and digits
	Name        string // alphanumeric, unique in its API
	ContentType string
	Description string
	Schema      string // at most 32 KiB
}

// Authorizer is a function that decides who may connect.
type Authorizer struct {
	ID                           string // 6 lowercase letters and digits
	Name                         string // unique in its API
	Type                         string // "REQUEST", or "JWT" where that is turned on
	URI                          string
	CredentialsARN               string
	IdentitySource               []string // "route.request.header.X", …; may be empty
	IdentityValidationExpression string
	// JWTIssuer and JWTAudience are of type "JWT", which goes beyond AWS: who issues tokens, and for whom they must be.
	JWTIssuer   string
	JWTAudience []string
}

// Definition is all of an API that a deployment freezes.
type Definition struct {
	API          API
	Routes       []Route
	Integrations []Integration
	Models       []Model
	Authorizers  []Authorizer
}

// Deployment is an immutable snapshot of a Definition, which stages point at.
type Deployment struct {
	ID            string // 6 lowercase letters and digits
	Description   string
	AutoDeployed  bool
	Status        string // "DEPLOYED", "FAILED" or "PENDING"
	StatusMessage string
	CreatedAt     time.Time
}

// Stage is a named address of an API: one deployment with variables, limits and logs of its own.
type Stage struct {
	Name                        string // [A-Za-z0-9_-]{1,128}
	DeploymentID                string // empty: nothing is deployed and connecting is refused
	AutoDeploy                  bool
	Description                 string
	ClientCertificateID         string
	Variables                   map[string]string
	Default                     RouteSettings
	Routes                      map[string]RouteSettings // by route key
	AccessLog                   AccessLog
	LastDeploymentStatusMessage string
	Tags                        map[string]string
	CreatedAt, UpdatedAt        time.Time
}

// RouteSettings are the limits and logging of one route, or of a stage's routes in general.
// A nil member is unset: a route's takes the stage default's, which takes the account's.
type RouteSettings struct {
	ThrottlingBurstLimit   *int
	ThrottlingRateLimit    *float64 // requests per second
	LoggingLevel           *string  // "OFF", "ERROR" or "INFO"
	DataTraceEnabled       *bool
	DetailedMetricsEnabled *bool
}

// AccessLog says where a stage's access log goes and what a line looks like. The zero value is no access log.
type AccessLog struct {
	DestinationARN string
	Format         string // one line of text with $context references
}

// APIRecord is one API with all that belongs to it, as it is stored: one document, so that every change is atomic and
// references between its parts cannot dangle. The definitions that deployments froze are stored beside it.
type APIRecord struct {
	Definition
	Stages      []Stage
	Deployments []Deployment
}
