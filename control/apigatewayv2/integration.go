package apigatewayv2

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Bounds of an integration's timeout. Source: reference websocket-api section 3.1; the model's 30000 is for HTTP APIs.
const (
	minTimeout = 50 * time.Millisecond
	maxTimeout = 29 * time.Second
)

type integrationOut struct {
	ConnectionID                           string            `json:"connectionId,omitempty"`
	ConnectionType                         string            `json:"connectionType"`
	ContentHandlingStrategy                string            `json:"contentHandlingStrategy,omitempty"`
	CredentialsARN                         string            `json:"credentialsArn,omitempty"`
	Description                            string            `json:"description,omitempty"`
	IntegrationID                          string            `json:"integrationId"`
	IntegrationMethod                      string            `json:"integrationMethod,omitempty"`
	IntegrationResponseSelectionExpression string            `json:"integrationResponseSelectionExpression,omitempty"`
	IntegrationType                        string            `json:"integrationType"`
	IntegrationURI                         string            `json:"integrationUri,omitempty"`
	PassthroughBehavior                    string            `json:"passthroughBehavior"`
	PayloadFormatVersion                   string            `json:"payloadFormatVersion"`
	RequestParameters                      map[string]string `json:"requestParameters,omitempty"`
	RequestTemplates                       map[string]string `json:"requestTemplates,omitempty"`
	TemplateSelectionExpression            string            `json:"templateSelectionExpression,omitempty"`
	TimeoutInMillis                        int64             `json:"timeoutInMillis"`
}

func showIntegration(i *sockgate.Integration) any {
	return &integrationOut{
		ConnectionID: i.ConnectionID, ConnectionType: i.ConnectionType, ContentHandlingStrategy: i.ContentHandling,
		CredentialsARN: i.CredentialsARN, Description: i.Description, IntegrationID: i.ID, IntegrationMethod: i.Method,
		IntegrationResponseSelectionExpression: responseSelection(i.Type), IntegrationType: string(i.Type),
		IntegrationURI: i.URI, PassthroughBehavior: i.PassthroughBehavior, PayloadFormatVersion: "1.0",
		RequestParameters: i.RequestParameters, RequestTemplates: i.RequestTemplates,
		TemplateSelectionExpression: i.TemplateSelectionExpression, TimeoutInMillis: i.Timeout.Milliseconds(),
	}
}

// responseSelection is the fixed expression that selects an integration response.
// Source: reference websocket-api section 4.1 and control-plane section 1.6.
func responseSelection(t sockgate.IntegrationType) string {
	switch t {
	case sockgate.HTTP, sockgate.Mock:
		return "${integration.response.statuscode}"
	case sockgate.AWS:
		return "${integration.response.body.errorMessage}"
	}
	return ""
}

func applyIntegration(m members, i *sockgate.Integration) error {
	var typ string
	if set(m, "integrationType", &typ) {
		i.Type = sockgate.IntegrationType(typ)
	}
	set(m, "integrationMethod", &i.Method)
	set(m, "integrationUri", &i.URI)
	set(m, "description", &i.Description)
	set(m, "connectionType", &i.ConnectionType)
	if !set(m, "connectionId", &i.ConnectionID) && i.ConnectionType == "INTERNET" {
		i.ConnectionID = "" // a member cannot be taken away by itself
	}
	set(m, "credentialsArn", &i.CredentialsARN)
	set(m, "contentHandlingStrategy", &i.ContentHandling)
	set(m, "passthroughBehavior", &i.PassthroughBehavior)
	set(m, "templateSelectionExpression", &i.TemplateSelectionExpression)
	mergeStrings(m, "requestParameters", &i.RequestParameters, false)
	// An empty template is a template: it renders nothing.
	mergeStrings(m, "requestTemplates", &i.RequestTemplates, true)
	var millis int
	if set(m, "timeoutInMillis", &millis) {
		i.Timeout = time.Duration(millis) * time.Millisecond
	}
	return checkIntegration(i)
}

func checkIntegration(i *sockgate.Integration) error {
	if i.Timeout < minTimeout || i.Timeout > maxTimeout {
		return sockgate.Invalidf("Timeout should be between %d ms and %d ms", minTimeout.Milliseconds(), maxTimeout.Milliseconds())
	}
	if i.Type == sockgate.AWSProxy && i.Method == "" {
		i.Method = "POST" // the only verb that invokes a function; templates leave it out
	}
	if i.Type != sockgate.Mock {
		if !slices.Contains(methods, i.Method) {
			if i.Method == "" {
				return sockgate.Invalidf("Enumeration value for HttpMethod must be non-empty")
			}
			return sockgate.Invalidf("Invalid HTTP method specified. Must be one of [%s]", strings.Join(methods, ", "))
		}
		if err := checkURI(i.Type, i.URI); err != nil {
			return err
		}
	}
	if err := checkConnection(i); err != nil {
		return err
	}
	if i.CredentialsARN != "" && !strings.HasPrefix(i.CredentialsARN, "arn:") {
		return sockgate.Invalidf("Invalid ARN specified in the request")
	}
	if err := checkSelection("templateSelectionExpression", i.TemplateSelectionExpression, "request.body"); err != nil {
		return err
	}
	return checkMapping(i.RequestParameters, integrationParamKey, integrationParamValue)
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"}

// checkConnection: a VPC link carries HTTP only, and an id without a link means nothing. The texts are ours: UNCONFIRMED.
func checkConnection(i *sockgate.Integration) error {
	switch {
	case i.ConnectionType != "VPC_LINK" && i.ConnectionID != "":
		return sockgate.Invalidf("ConnectionId can be set only when ConnectionType is VPC_LINK")
	case i.ConnectionType != "VPC_LINK":
		return nil
	case i.ConnectionID == "":
		return sockgate.Invalidf("ConnectionId is a required parameter when ConnectionType is VPC_LINK")
	case i.Type != sockgate.HTTP && i.Type != sockgate.HTTPProxy:
		return sockgate.Invalidf("ConnectionType VPC_LINK is supported only for HTTP and HTTP_PROXY integrations")
	}
	return nil
}

var (
	// integrationARN takes apart "arn:aws:apigateway:{region}:{subdomain.}{service}:{path|action}/…".
	integrationARN = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[^:]*:([^:]+):(.*)$`)
	placeholder    = regexp.MustCompile(`\$\{[^}]*\}|\{[^}]*\}`)
)

// checkURI checks a backend's address as far as it can be known before a stage's variables are.
func checkURI(t sockgate.IntegrationType, uri string) error {
	if t == sockgate.HTTP || t == sockgate.HTTPProxy {
		u, err := url.Parse(placeholder.ReplaceAllString(uri, "1"))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return sockgate.Invalidf("Invalid HTTP endpoint specified for URI")
		}
		return nil
	}
	if !strings.HasPrefix(uri, "arn:") {
		return sockgate.Invalidf("Invalid ARN specified in the request")
	}
	parts := integrationARN.FindStringSubmatch(uri)
	if parts == nil || !strings.HasPrefix(parts[2], "path/") && !strings.HasPrefix(parts[2], "action/") {
		return sockgate.Invalidf("AWS ARN for integration must contain path or action")
	}
	if t == sockgate.AWSProxy && !invokesFunction(parts[1], parts[2]) {
		return sockgate.Invalidf("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
	}
	return nil
}

// invokesFunction reports whether the service and path of an integration's ARN invoke a Lambda function. Firehose, which AWS's
// text names, is not served.
func invokesFunction(service, path string) bool {
	return service == "lambda" && strings.HasPrefix(path, "path/2015-03-31/functions/") && strings.HasSuffix(path, "/invocations")
}

func (s *Service) createIntegration(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		if err := room(len(e.Integrations), maxIntegrations, "Integrations"); err != nil {
			return err
		}
		i := sockgate.Integration{
			ID: newIDIn(longIDLength, e.Integrations, integrationID), ConnectionType: "INTERNET",
			PassthroughBehavior: "WHEN_NO_MATCH", Timeout: maxTimeout,
		}
		if err := applyIntegration(in.body, &i); err != nil {
			return err
		}
		e.Integrations = append(e.Integrations, i)
		out = showIntegration(&i)
		return nil
	})
	return out, err
}

func (s *Service) getIntegrations(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetIntegrations "+rec.API.ID, rec.Integrations, integrationID, showIntegration)
}

func (s *Service) getIntegration(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	i, err := findIntegration(rec, in.vars["integrationId"])
	if err != nil {
		return nil, err
	}
	return showIntegration(i), nil
}

// changeIntegration edits the integration that the path names.
func (s *Service) changeIntegration(ctx context.Context, in *input, edit func(*sockgate.Integration) error) error {
	return s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		i, err := findIntegration(e.APIRecord, in.vars["integrationId"])
		if err != nil {
			return err
		}
		return edit(i)
	})
}

func (s *Service) updateIntegration(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.changeIntegration(ctx, in, func(i *sockgate.Integration) error {
		if err := applyIntegration(in.body, i); err != nil {
			return err
		}
		out = showIntegration(i)
		return nil
	})
	return out, err
}

func (s *Service) deleteIntegration(ctx context.Context, in *input) (any, error) {
	id := in.vars["integrationId"]
	return nil, s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		rest, err := remove(e.Integrations, integrationID, id, "Integration")
		if err != nil {
			return err
		}
		var users []string
		for i := range e.Routes {
			if e.Routes[i].Target == targetPrefix+id {
				users = append(users, e.Routes[i].ID)
			}
		}
		if users != nil {
			slices.Sort(users)
			return sockgate.Conflictf("Cannot delete Integration because it is referenced by the following Routes with Ids: [%s]", strings.Join(users, ", "))
		}
		e.Integrations = rest
		return nil
	})
}
