package server_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// setConnect changes the $connect route and deploys it.
func (d *deployed) setConnect(t *testing.T, in apigatewayv2.UpdateRouteInput) {
	t.Helper()
	routes := must(d.Control().GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &d.api}))(t)
	for _, r := range routes.Items {
		if *r.RouteKey == "$connect" {
			in.ApiId, in.RouteId = &d.api, r.RouteId
			must(d.Control().UpdateRoute(t.Context(), &in))(t)
		}
	}
}

// TestSignedConnect: a $connect with AWS_IAM takes who signed the handshake, in the query or in headers, and nobody else.
func TestSignedConnect(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.setConnect(t, apigatewayv2.UpdateRouteInput{AuthorizationType: types.AuthorizationTypeAwsIam})
	signed := func(at time.Time) string {
		u := must(url.Parse(d.Presign(t, "GET", "http://"+d.Host(d.api)+"/dev", "execute-api", at)))(t)
		return u.RequestURI()
	}
	good := signed(time.Now())
	c := must(gatewaytest.Dial(d.Addr(), d.Host(d.api), good))(t)
	if err := c.Close(1000, ""); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct{ target, typ string }{
		"unsigned":    {"/dev", "MissingAuthenticationTokenException"},
		"forged":      {good[:len(good)-4] + "0000", "InvalidSignatureException"},
		"other query": {good + "&more=1", "InvalidSignatureException"},
		"stale":       {signed(time.Now().Add(-time.Hour)), "InvalidSignatureException"},
		"other key":   {strings.Replace(good, "X-Amz-Credential=", "X-Amz-Credential=X", 1), "UnrecognizedClientException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), test.target)
			r, ok := errors.AsType[*gatewaytest.Refusal](err)
			if !ok || r.StatusCode != 403 || r.Header.Get("x-amzn-ErrorType") != test.typ {
				t.Errorf("answered %v, not 403 %s", err, test.typ)
			}
		})
	}
	for _, r := range d.backend.Requests() {
		if r.Path() == "/connect" && r.Header.Get("connectionId") == "" {
			t.Error("a $connect without an id")
		}
	}
	if n := len(d.disconnects(t, 1)); n != 1 {
		t.Errorf("%d $disconnects for one connection", n)
	}
}

// TestAuthorizerNotBuilt: a $connect that asks for an authorizer lets nobody in while there are none.
func TestAuthorizerNotBuilt(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	auth := must(d.Control().CreateAuthorizer(t.Context(), &apigatewayv2.CreateAuthorizerInput{
		ApiId: &d.api, Name: aws.String("auth"), AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"route.request.header.Auth"},
		AuthorizerUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"),
	}))(t)
	d.setConnect(t, apigatewayv2.UpdateRouteInput{AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: auth.AuthorizerId})
	_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev", "Auth: x")
	if r, ok := errors.AsType[*gatewaytest.Refusal](err); !ok || r.StatusCode != 500 {
		t.Errorf("answered %v, not 500", err)
	}
	if n := len(d.backend.Requests()); n != 0 {
		t.Errorf("the backend got %d requests", n)
	}
}

// TestMaxConnections: a gateway that is full refuses with 503, until somebody leaves.
func TestMaxConnections(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, func(c *config.Config) { c.Limits.Connections = 2 }))
	first, _ := d.connect(t)
	d.connect(t)
	_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
	if r, ok := errors.AsType[*gatewaytest.Refusal](err); !ok || r.StatusCode != 503 {
		t.Errorf("the third client got %v", err)
	}
	if err := first.Close(1000, ""); err != nil {
		t.Error(err)
	}
	if !gatewaytest.Eventually(func() bool {
		c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
		if err == nil {
			c.Drop()
		}
		return err == nil
	}) {
		t.Error("one has left, and nobody can come")
	}
}

// TestDisableEndpoint: an API whose execute-api endpoint is disabled takes no clients by it.
func TestDisableEndpoint(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	must(d.Control().UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &d.api, DisableExecuteApiEndpoint: aws.Bool(true)}))(t)
	_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
	if r, ok := errors.AsType[*gatewaytest.Refusal](err); !ok || r.StatusCode != 403 {
		t.Errorf("answered %v, not 403", err)
	}
}
