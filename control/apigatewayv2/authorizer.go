package apigatewayv2

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/sockgate/sockgate"
)

type authorizerOut struct {
	AuthorizerCredentialsARN     string   `json:"authorizerCredentialsArn,omitempty"`
	AuthorizerID                 string   `json:"authorizerId"`
	AuthorizerType               string   `json:"authorizerType"`
	AuthorizerURI                string   `json:"authorizerUri,omitempty"`
	IdentitySource               []string `json:"identitySource,omitempty"`
	IdentityValidationExpression string   `json:"identityValidationExpression,omitempty"`
	JWTConfiguration             *jwtOut  `json:"jwtConfiguration,omitempty"`
	Name                         string   `json:"name"`
}

type jwtOut struct {
	Audience []string `json:"audience"`
	Issuer   string   `json:"issuer"`
}

func showAuthorizer(a *sockgate.Authorizer) any {
	out := &authorizerOut{
		AuthorizerCredentialsARN: a.CredentialsARN, AuthorizerID: a.ID, AuthorizerType: a.Type, AuthorizerURI: a.URI,
		IdentitySource: a.IdentitySource, IdentityValidationExpression: a.IdentityValidationExpression, Name: a.Name,
	}
	if a.Type == "JWT" {
		out.JWTConfiguration = &jwtOut{Audience: a.JWTAudience, Issuer: a.JWTIssuer}
	}
	return out
}

// identitySource is what a REQUEST authorizer of a WebSocket API may be keyed by. Source: reference websocket-api section 9.2.
var identitySource = regexp.MustCompile(`^(route\.request\.(header|querystring)\.[a-zA-Z0-9._$-]+|stageVariables\.[a-zA-Z0-9_]+|context\.[a-zA-Z0-9_.-]+)$`)

// applyAuthorizer copies the members onto a and checks the whole. jwt says that JWT authorizers are permitted.
func applyAuthorizer(m members, rec *sockgate.APIRecord, a *sockgate.Authorizer, jwt bool) error {
	set(m, "name", &a.Name)
	set(m, "authorizerType", &a.Type)
	set(m, "authorizerUri", &a.URI)
	set(m, "authorizerCredentialsArn", &a.CredentialsARN)
	set(m, "identitySource", &a.IdentitySource)
	set(m, "identityValidationExpression", &a.IdentityValidationExpression)
	var configuration members
	if set(m, "jwtConfiguration", &configuration) {
		set(configuration, "issuer", &a.JWTIssuer)
		set(configuration, "audience", &a.JWTAudience)
	}
	check := checkRequestAuthorizer
	if a.Type == "JWT" && jwt {
		check = checkJWTAuthorizer
	}
	if err := check(a, configuration != nil); err != nil {
		return err
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

// The texts of these two functions are ours, but for those that other operations share: UNCONFIRMED.

func checkRequestAuthorizer(a *sockgate.Authorizer, configured bool) error {
	switch {
	case a.Type != "REQUEST":
		return sockgate.Invalidf("Authorizers of type JWT are not supported for WEBSOCKET protocol Apis. AuthorizerType must be REQUEST")
	case configured:
		return sockgate.Invalidf("JwtConfiguration cannot be set for WEBSOCKET protocol Apis")
	case a.URI == "":
		return sockgate.Invalidf("AuthorizerUri is a required parameter for REQUEST authorizer")
	}
	a.JWTIssuer, a.JWTAudience = "", nil // of one that was of the other type
	parts := integrationARN.FindStringSubmatch(a.URI)
	if parts == nil || !invokesFunction(parts[1], parts[2]) {
		return sockgate.Invalidf("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", a.URI)
	}
	return nil
}

// checkJWTAuthorizer checks an authorizer that goes beyond AWS. Its token has one place.
func checkJWTAuthorizer(a *sockgate.Authorizer, _ bool) error {
	a.URI, a.CredentialsARN = "", "" // of one that was of the other type
	issuer, err := url.Parse(a.JWTIssuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" || issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "":
		return sockgate.Invalidf("Invalid issuer: %s. Issuer must be a valid URL", a.JWTIssuer)
	case len(a.JWTAudience) == 0:
		return sockgate.Invalidf("Audience is a required parameter for JWT authorizer")
	case len(a.IdentitySource) != 1 || !strings.HasPrefix(a.IdentitySource[0], "route.request."):
		return sockgate.Invalidf("IdentitySource of a JWT authorizer must be one header or query string parameter")
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
		if err := applyAuthorizer(in.body, e.APIRecord, &a, s.JWT); err != nil {
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
		if err := applyAuthorizer(in.body, e.APIRecord, a, s.JWT); err != nil {
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
