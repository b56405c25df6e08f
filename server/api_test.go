package server_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// deployed is an API with a stage "dev" in front of a backend: $connect, $disconnect and $default, the last two-way, each at
// the path of its name without the dollar, with the connection's id, event, disconnect code and reason in headers.
type deployed struct {
	*gatewaytest.Gateway
	backend *gatewaytest.Backend
	api     string
}

func deploy(t *testing.T, g *gatewaytest.Gateway) *deployed {
	t.Helper()
	d := &deployed{Gateway: g, backend: gatewaytest.StartBackend(t)}
	ctx, c := t.Context(), g.Control()
	api := must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("test"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	}))(t)
	d.api = *api.ApiId
	for _, name := range []string{"connect", "disconnect", "default"} {
		in := must(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: &d.api, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"),
			IntegrationUri: aws.String("http://" + d.backend.Addr() + "/" + name),
			RequestParameters: map[string]string{
				"integration.request.header.connectionId": "context.connectionId",
				"integration.request.header.code":         "context.disconnectStatusCode",
				"integration.request.header.reason":       "context.disconnectReason",
			},
		}))(t)
		r := must(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId: &d.api, RouteKey: aws.String("$" + name), Target: aws.String("integrations/" + *in.IntegrationId),
			RouteResponseSelectionExpression: aws.String("$default"),
		}))(t)
		must(c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
			ApiId: &d.api, RouteId: r.RouteId, RouteResponseKey: aws.String("$default"),
		}))(t)
	}
	must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &d.api, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}))(t)
	return d
}

// must fails the test on an error and returns the value otherwise.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// connect opens a WebSocket on stage dev, and returns it with its connection id.
func (d *deployed) connect(t *testing.T) (*gatewaytest.Client, string) {
	t.Helper()
	before := len(d.backend.Requests())
	c := must(gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev"))(t)
	t.Cleanup(c.Drop)
	for _, r := range d.backend.Requests()[before:] {
		if r.Path() == "/connect" {
			return c, r.Header.Get("connectionId")
		}
	}
	t.Fatal("the backend saw no $connect")
	return nil, ""
}

// disconnects waits for n $disconnect requests and returns all that came.
func (d *deployed) disconnects(t *testing.T, n int) []*gatewaytest.Request {
	t.Helper()
	var found []*gatewaytest.Request
	_, err := d.backend.Wait(func(rs []*gatewaytest.Request) bool {
		found = found[:0]
		for _, r := range rs {
			if r.Path() == "/disconnect" {
				found = append(found, r)
			}
		}
		return len(found) >= n
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
