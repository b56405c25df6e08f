package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// The functions that are measured. echo answers with the message, so what it costs is the gateway's and the process's.
const (
	nodeEcho   = `exports.handler = async (e) => ({ statusCode: 200, body: e.body });`
	nodeAllow  = `exports.handler = async (e) => ({ principalId: "u", policyDocument: { Version: "2012-10-17", Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: e.methodArn }] } });`
	pythonEcho = "def handler(event, context):\n    return {'statusCode': 200, 'body': event.get('body')}\n"
)

const benchAccount = "000000000000"

// functions measures warm and cold invocations through a route, and handshakes that an authorizer and a $connect function
// decide.
func functions(ctx context.Context, gw *gateway, d time.Duration) error {
	client := lambda.New(lambda.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, ""), BaseEndpoint: aws.String("http://" + gw.addr),
	})
	for _, f := range []struct{ name, runtime, file, text string }{
		{"node", "nodejs20.x", "index.js", nodeEcho},
		{"allow", "nodejs20.x", "index.js", nodeAllow},
		{"python", "python3.11", "index.py", pythonEcho},
	} {
		if err := createFunction(ctx, client, f.name, f.runtime, f.file, f.text); err != nil {
			return fmt.Errorf("create %s: %w", f.name, err)
		}
	}
	for _, name := range []string{"node", "python"} {
		if err := coldStarts(ctx, client, name); err != nil {
			return err
		}
	}
	echo, gated, err := gw.deployFunctions(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"node", "python"} {
		if err := warm(ctx, gw, echo, name); err != nil {
			return err
		}
	}
	r, err := socketRate(ctx, gw.stageURL(echo), []byte(`{"action":"node","text":"the quick brown fox"}`), 64, d)
	if err != nil {
		return err
	}
	report("warm Node.js calls, 64 connections", "%.0f calls/s, %v of processor time each", r.perSecond, r.cpu)
	r, err = closedLoop(ctx, 16, d, func() (func() error, func(), error) {
		once := func() error {
			c, _, err := dial(gw.stageURL(gated))
			if err == nil {
				c.Close()
			}
			return err
		}
		return once, func() {}, nil
	})
	if err != nil {
		return err
	}
	report("handshakes, authorizer and $connect", "%.0f handshakes/s, %v of processor time each", r.perSecond, r.cpu)
	return nil
}

func (g *gateway) stageURL(apiID string) string {
	return "ws://" + g.addr + "/_aws/execute-api/" + apiID + "/" + benchStage
}

// warm reports what one caller waits for a message's way through a function and back, when nothing else happens.
func warm(ctx context.Context, gw *gateway, api, action string) error {
	c, r, err := dial(gw.stageURL(api))
	if err != nil {
		return err
	}
	defer c.Close()
	out := frame(fmt.Appendf(nil, `{"action":%q,"text":"the quick brown fox"}`, action))
	all, err := latencies(ctx, 2000, func() error {
		if _, err := c.Write(out); err != nil {
			return err
		}
		_, err := readFrame(r)
		return err
	})
	if err != nil {
		return err
	}
	report("warm "+action+" call, one caller", "p50 %v  p99 %v", at(all, 50), at(all, 99))
	return nil
}

// coldStarts reports how long callers wait whose call starts a process: each follows a change of the configuration, which ends
// the processes that were there.
func coldStarts(ctx context.Context, client *lambda.Client, name string) error {
	const calls = 20
	all := make([]time.Duration, 0, calls)
	for i := range calls {
		if _, err := client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &name, Environment: &lambdatypes.Environment{Variables: map[string]string{"ROUND": fmt.Sprint(i)}},
		}); err != nil {
			return err
		}
		if err := active(ctx, client, name); err != nil {
			return err
		}
		began := time.Now()
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"body":"x"}`)})
		if err != nil {
			return err
		}
		if out.FunctionError != nil {
			return fmt.Errorf("%s: %s", name, out.Payload)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	report("cold "+name+" call", "p50 %v  slowest %v", at(all, 50), all[len(all)-1].Round(time.Microsecond))
	return nil
}

func active(ctx context.Context, client *lambda.Client, name string) error {
	waiter := lambda.NewFunctionUpdatedV2Waiter(client, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	return waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, 30*time.Second)
}

func createFunction(ctx context.Context, client *lambda.Client, name, runtime, file, text string) error {
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	f, err := w.Create(file)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(text)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.Runtime(runtime), Handler: aws.String("index.handler"),
		Role: aws.String("arn:aws:iam::" + benchAccount + ":role/bench"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}); err != nil {
		return err
	}
	if err := active(ctx, client, name); err != nil {
		return err
	}
	_, err = client.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("bench"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
	})
	return err
}

// deployFunctions makes two APIs: echo with a two-way route to each function, and gated with an authorizer before a $connect
// function.
func (g *gateway) deployFunctions(ctx context.Context) (echo, gated string, err error) {
	client := apigatewayv2.New(apigatewayv2.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, ""), BaseEndpoint: aws.String("http://" + g.addr),
	})
	uri := func(name string) *string {
		return aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:" + benchAccount + ":function:" + name + "/invocations")
	}
	api := func(name string) (string, error) {
		out, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
			Name: &name, ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
		})
		if err != nil {
			return "", err
		}
		return *out.ApiId, nil
	}
	route := func(api, key, function, authorizer string) error {
		in, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: &api, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationMethod: aws.String("POST"), IntegrationUri: uri(function),
		})
		if err != nil {
			return err
		}
		r := &apigatewayv2.CreateRouteInput{ApiId: &api, RouteKey: &key, Target: aws.String("integrations/" + *in.IntegrationId)}
		if authorizer != "" {
			r.AuthorizationType, r.AuthorizerId = types.AuthorizationTypeCustom, &authorizer
		} else {
			r.RouteResponseSelectionExpression = aws.String("$default")
		}
		made, err := client.CreateRoute(ctx, r)
		if err != nil || authorizer != "" {
			return err
		}
		_, err = client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &api, RouteId: made.RouteId, RouteResponseKey: aws.String("$default")})
		return err
	}
	if echo, err = api("echo"); err != nil {
		return "", "", err
	}
	for _, name := range []string{"node", "python"} {
		if err := route(echo, name, name, ""); err != nil {
			return "", "", err
		}
	}
	if gated, err = api("gated"); err != nil {
		return "", "", err
	}
	made, err := client.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: &gated, Name: aws.String("allow"), AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: uri("allow"), IdentitySource: []string{},
	})
	if err != nil {
		return "", "", err
	}
	if err := route(gated, "$connect", "node", *made.AuthorizerId); err != nil {
		return "", "", err
	}
	for _, id := range []string{echo, gated} {
		if _, err := client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String(benchStage), AutoDeploy: aws.Bool(true)}); err != nil {
			return "", "", err
		}
	}
	return echo, gated, nil
}
