package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// deployTemplate is a stack of 12 resources with one function.
const deployTemplate = `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: bench, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub "integrations/${Integration}"}
  Disconnect:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $disconnect, Target: !Sub "integrations/${Integration}"}
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${Integration}"}
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Default, RouteResponseKey: $default}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: [Connect, Disconnect, Default]
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: live, DeploymentId: !Ref Deployment}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src, Handler: index.handler, Runtime: nodejs20.x, Policies: [{DynamoDBCrudPolicy: {TableName: !Ref Table}}]}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Function, Principal: apigateway.amazonaws.com}
`

// deploying measures "sockgate deploy" as a process of its own: a new stack, and the same template once more.
func deploying(ctx context.Context, gw *gateway, binary, dir string, rounds int) error {
	dir = filepath.Join(dir, "deploy")
	if err := os.MkdirAll(filepath.Join(dir, "src"), 0o700); err != nil {
		return err
	}
	template := filepath.Join(dir, "template.yaml")
	for path, content := range map[string]string{
		template: deployTemplate, filepath.Join(dir, "src", "index.js"): "exports.handler = async () => ({ statusCode: 200 });\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	run := func(args ...string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, binary, append([]string{"deploy", "--stack", "bench", "--endpoint", "http://" + gw.addr}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+benchKeyID, "AWS_SECRET_ACCESS_KEY="+benchSecret, "XDG_CACHE_HOME="+dir)
		began := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return time.Since(began), nil
	}
	var created, unchanged time.Duration
	for i := range rounds {
		first, err := run(template)
		if err != nil {
			return err
		}
		second, err := run(template)
		if err != nil {
			return err
		}
		if i == 0 || first < created {
			created = first
		}
		if i == 0 || second < unchanged {
			unchanged = second
		}
		if _, err := run("--delete"); err != nil {
			return err
		}
	}
	report("deploy of 12 resources", "%d ms", created.Milliseconds())
	report("deploy without a change", "%d ms", unchanged.Milliseconds())
	return nil
}
