package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// stageName is the chat's stage. Its variable "backend" says where the HTTP backend is, so that another stage of the same
// deployment could talk to another backend.
const stageName = "dev"

// deploy creates the chat API, as one would on AWS, and returns its id. backend is the backend's host and port.
func deploy(ctx context.Context, g *gateway, backend string) (string, error) {
	client := apigatewayv2.NewFromConfig(g.awsConfig(), func(o *apigatewayv2.Options) {
		o.BaseEndpoint = aws.String("http://" + g.addr)
	})
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name:                     aws.String("chat"),
		ProtocolType:             types.ProtocolTypeWebsocket,
		RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return "", err
	}
	routes := []struct{ key, path string }{
		{"$connect", "/connect"},
		{"$disconnect", "/disconnect"},
		{"sendmessage", "/message"},
		{"$default", "/default"},
	}
	for _, r := range routes {
		integration, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId:             api.ApiId,
			IntegrationType:   types.IntegrationTypeHttpProxy,
			IntegrationMethod: aws.String("POST"),
			IntegrationUri:    aws.String("http://${stageVariables.backend}" + r.path),
			RequestParameters: map[string]string{"integration.request.header.connectionId": "context.connectionId"},
		})
		if err != nil {
			return "", err
		}
		route, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId:    api.ApiId,
			RouteKey: aws.String(r.key),
			Target:   aws.String("integrations/" + *integration.IntegrationId),
		})
		if err != nil {
			return "", err
		}
		if r.key != "$default" {
			continue
		}
		// $default answers the client, so it is made two-way.
		if _, err := client.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: api.ApiId, RouteId: route.RouteId, RouteResponseSelectionExpression: aws.String("$default")}); err != nil {
			return "", err
		}
		if _, err := client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: api.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
			return "", err
		}
	}
	deployment, err := client.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: api.ApiId})
	if err != nil {
		return "", err
	}
	_, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId:          api.ApiId,
		StageName:      aws.String(stageName),
		DeploymentId:   deployment.DeploymentId,
		StageVariables: map[string]string{"backend": backend},
	})
	return *api.ApiId, err
}
