package apigatewayv2

import (
	"context"
	"regexp"

	"github.com/sockgate/sockgate"
)

type authorizerOut struct {
	AuthorizerCredentialsARN     string   `json:"authorizerCredentialsArn,omitempty"`
	AuthorizerID                 string   `json:"authorizerId"`
	AuthorizerType               string   `json:"authorizerType"`
	AuthorizerURI                string   `json:"authorizerUri"`
	IdentitySource               []string `json:"identitySource,omitempty"`
	IdentityValidationExpression string   `json:"identityValidationExpression,omitempty"`
	Name                         string   `json:"name"`
}

func showAuthorizer(a *sockgate.Authorizer) any {
	return &authorizerOut{
		AuthorizerCredentialsARN: a.CredentialsARN, AuthorizerID: a.ID, AuthorizerType: a.Type, AuthorizerURI: a.URI,
		IdentitySource: a.IdentitySource, IdentityValidationExpression: a.IdentityValidationExpression, Name: a.Name,
	}
}

// identitySource is what a REQUEST authorizer of a WebSocket API may be keyed by. Source: reference websocket-api section 9.2.
var identitySource = regexp.MustCompile(`^(route\.request\.(header|querystring)\.[a-zA-Z0-9._$-]+|stageVariables\.[a-zA-Z0-9_]+|context\.[a-zA-Z0-9_.-]+)$`)

func applyAuthorizer(m members, rec *sockgate.APIRecord, a *sockgate.Authorizer) error {
	set(m, "name", &a.Name)
	set(m, "authorizerType", &a.Type)
	set(m, "authorizerUri", &a.URI)
	set(m, "authorizerCredentialsArn", &a.CredentialsARN)
	set(m, "identitySource", &a.IdentitySource)
	set(m, "identityValidationExpression", &a.IdentityValidationExpression)
	// The texts of this function are ours, but for those that integrations share: UNCONFIRMED.
	if a.Type != "REQUEST" {
		return sockgate.Invalidf("Authorizers of type JWT are not supported for WEBSOCKET protocol Apis. AuthorizerType must be REQUEST")
	}
	if a.URI == "" {
		return sockgate.Invalidf("AuthorizerUri is a required parameter for REQUEST authorizer")
	}
	parts := integrationARN.FindStringSubmatch(a.URI)
	if parts == nil || !invokesFunction(parts[1], parts[2]) {
		return sockgate.Invalidf("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", a.URI)
	}
	for _, src := range a.IdentitySource {
		if !identitySource.MatchString(src) {
			return sockgate.Invalidf("Invalid identity source expression specified: %s", src)
		}
	}
	for i := range rec.Authorizers {
		if other := &rec.Authorizers[i]; other.Name == a.Name && other.ID != a.ID {
			return sockgate.Conflictf("Authorizer name already exists for this API")
		}
	}
	return nil
}

func (s *Service) createAuthorizer(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		if err := room(len(e.Authorizers), maxAuthorizers, "Authorizers"); err != nil {
			return err
		}
		a := sockgate.Authorizer{ID: newIDIn(idLength, e.Authorizers, authorizerID)}
		if err := applyAuthorizer(in.body, e.APIRecord, &a); err != nil {
			return err
		}
		e.Authorizers = append(e.Authorizers, a)
		out = showAuthorizer(&a)
		return nil
	})
	return out, err
}

func (s *Service) getAuthorizers(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	return list(in, "GetAuthorizers "+rec.API.ID, rec.Authorizers, authorizerID, showAuthorizer)
}

func (s *Service) getAuthorizer(ctx context.Context, in *input) (any, error) {
	rec, err := s.record(ctx, in)
	if err != nil {
		return nil, err
	}
	a, err := findAuthorizer(rec, in.vars["authorizerId"])
	if err != nil {
		return nil, err
	}
	return showAuthorizer(a), nil
}

func (s *Service) updateAuthorizer(ctx context.Context, in *input) (any, error) {
	var out any
	err := s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		a, err := findAuthorizer(e.APIRecord, in.vars["authorizerId"])
		if err != nil {
			return err
		}
		if err := applyAuthorizer(in.body, e.APIRecord, a); err != nil {
			return err
		}
		out = showAuthorizer(a)
		return nil
	})
	return out, err
}

func (s *Service) deleteAuthorizer(ctx context.Context, in *input) (any, error) {
	return nil, s.redefine(ctx, in.vars["apiId"], func(e *edition) error {
		a, err := findAuthorizer(e.APIRecord, in.vars["authorizerId"])
		if err != nil {
			return err
		}
		for i := range e.Routes {
			if e.Routes[i].AuthorizerID == a.ID {
				return sockgate.Conflictf("Cannot delete authorizer '%s', is referenced in route: %s", a.Name, e.Routes[i].Key)
			}
		}
		e.Authorizers, err = remove(e.Authorizers, authorizerID, a.ID, "Authorizer")
		return err
	})
}
