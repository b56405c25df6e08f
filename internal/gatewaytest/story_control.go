package gatewaytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidwall/gjson"
)

// calls runs a few SDK calls; an error of AWS's is a refusal.
func (s *story) calls(do func(context.Context, *apigatewayv2.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := do(ctx, s.gateway.Control())
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &refused{api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	return err
}

func (s *story) createAPI(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usage("api NAME EXPR")
	}
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) error {
		out, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{
			Name: &args[0], ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: &args[1],
		})
		if err != nil {
			return err
		}
		s.api = *out.ApiId
		s.names.call(s.api, args[0])
		ts.Setenv(args[0], s.api)
		return nil
	})
}

func (s *story) setRoute(_ *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("route KEY METHOD URI ..., route KEY MOCK TEMPLATE or route KEY NONE")
	}
	key, method, options := args[0], args[1], args[2:]
	in := &apigatewayv2.CreateIntegrationInput{ApiId: &s.api, RequestParameters: map[string]string{}}
	switch {
	case method == "NONE":
		in = nil
	case len(options) == 0:
		return usage("route KEY METHOD URI ...")
	case method == "MOCK":
		in.IntegrationType, in.RequestTemplates = types.IntegrationTypeMock, map[string]string{"$default": options[0]}
		options = options[1:]
	case method == "LAMBDA" || method == "LAMBDA_CUSTOM":
		uri := s.invocationURI(options[0])
		in.IntegrationType, in.IntegrationMethod, in.IntegrationUri = types.IntegrationTypeAwsProxy, aws.String("POST"), &uri
		if method == "LAMBDA_CUSTOM" {
			in.IntegrationType = types.IntegrationTypeAws
		}
		options = options[1:]
	default:
		uri := options[0]
		if strings.HasPrefix(uri, "/") {
			uri = "http://" + s.backend.Addr() + uri
		}
		in.IntegrationType, in.IntegrationMethod, in.IntegrationUri = types.IntegrationTypeHttpProxy, &method, &uri
		options = options[1:]
	}
	auth := ""
	twoWay, keyed, required := false, (*bool)(nil), map[string]types.ParameterConstraints{}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch {
		case o == "two-way":
			twoWay = true
		case o == "key":
			keyed = aws.Bool(true)
		case name == "auth":
			auth = value
		case name == "via":
			in.ConnectionType, in.ConnectionId = types.ConnectionTypeVpcLink, &value
		case name == "credentials":
			in.CredentialsArn = &value
		case name == "template":
			in.RequestTemplates = map[string]string{"$default": value}
		case name == "require":
			required[value] = types.ParameterConstraints{Required: aws.Bool(true)}
		case name == "timeout":
			ms, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			in.TimeoutInMillis = aws.Int32(int32(ms))
		default:
			in.RequestParameters["integration.request."+name] = value
			if strings.HasPrefix(value, "route.request.header.") || strings.HasPrefix(value, "route.request.querystring.") {
				if _, set := required[value]; !set {
					required[value] = types.ParameterConstraints{Required: aws.Bool(false)}
				}
			}
		}
	}
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) error {
		return s.putRoute(ctx, c, key, in, auth, twoWay, keyed, required)
	})
}

func (s *story) putRoute(ctx context.Context, c *apigatewayv2.Client, key string, in *apigatewayv2.CreateIntegrationInput,
	auth string, twoWay bool, keyed *bool, required map[string]types.ParameterConstraints) error {
	var target, selection *string
	if in != nil {
		made, err := c.CreateIntegration(ctx, in)
		if err != nil {
			return err
		}
		target = aws.String("integrations/" + *made.IntegrationId)
	}
	if twoWay {
		selection = aws.String("$default")
	}
	var authorization types.AuthorizationType
	var authorizer *string
	switch auth {
	case "":
	case "AWS_IAM", "NONE":
		authorization = types.AuthorizationType(auth)
	default:
		authorization, authorizer = types.AuthorizationTypeCustom, aws.String(s.authorizers[auth])
	}
	routes, err := c.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &s.api})
	if err != nil {
		return err
	}
	for _, r := range routes.Items {
		if *r.RouteKey == key {
			_, err := c.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &s.api, RouteId: r.RouteId, Target: target, RequestParameters: required,
				AuthorizationType: authorization, AuthorizerId: authorizer, ApiKeyRequired: keyed})
			return err
		}
	}
	r, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: &s.api, RouteKey: &key, Target: target, RouteResponseSelectionExpression: selection, RequestParameters: required,
		AuthorizationType: authorization, AuthorizerId: authorizer, ApiKeyRequired: keyed,
	})
	if err != nil || !twoWay {
		return err
	}
	_, err = c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
		ApiId: &s.api, RouteId: r.RouteId, RouteResponseKey: aws.String("$default"),
	})
	return err
}

func (s *story) setStage(_ *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("stage NAME ...")
	}
	in := &apigatewayv2.CreateStageInput{ApiId: &s.api, StageName: &args[0], DefaultRouteSettings: &types.RouteSettings{}}
	for _, o := range args[1:] {
		name, value, _ := strings.Cut(o, "=")
		switch {
		case o == "auto":
			in.AutoDeploy = aws.Bool(true)
		case o == "trace":
			in.DefaultRouteSettings.DataTraceEnabled = aws.Bool(true)
		case name == "log":
			in.DefaultRouteSettings.LoggingLevel = types.LoggingLevel(value)
		case name == "access":
			in.AccessLogSettings = &types.AccessLogSettings{
				DestinationArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:access"), Format: &value,
			}
		case strings.HasPrefix(name, "var."):
			if in.StageVariables == nil {
				in.StageVariables = map[string]string{}
			}
			in.StageVariables[strings.TrimPrefix(name, "var.")] = value
		default:
			return fmt.Errorf("stage: unknown option %q", o)
		}
	}
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) error {
		_, err := c.CreateStage(ctx, in)
		if _, exists := errors.AsType[*types.ConflictException](err); exists {
			_, err = c.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{
				ApiId: &s.api, StageName: in.StageName, AutoDeploy: in.AutoDeploy, StageVariables: in.StageVariables,
				DefaultRouteSettings: in.DefaultRouteSettings, AccessLogSettings: in.AccessLogSettings,
			})
		}
		return err
	})
}

func (s *story) deploy(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("deploy STAGE")
	}
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) error {
		_, err := c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &s.api, StageName: &args[0]})
		return err
	})
}

func (s *story) delete(_ *testscript.TestScript, args []string) error {
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) (err error) {
		switch {
		case len(args) == 1 && args[0] == "api":
			_, err = c.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &s.api})
		case len(args) == 2 && args[0] == "stage":
			_, err = c.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &s.api, StageName: &args[1]})
		default:
			err = usage("delete api, or delete stage NAME")
		}
		return err
	})
}

func (s *story) call(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("aws [id=NAME] METHOD PATH [BODY]")
	}
	name, named := strings.CutPrefix(args[0], "id=")
	if named {
		args = args[1:]
	}
	status, answer, err := s.gateway.Call(args[0], args[1], strings.Join(args[2:], ""))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d %s", status, answer)
	if status >= 400 {
		return &refused{text}
	}
	if named {
		id := gjson.Get(answer, "id").String()
		s.names.call(id, name)
		ts.Setenv(name, id)
	}
	fmt.Fprintln(ts.Stdout(), s.names.show(text))
	return nil
}

// Call sends one signed request to the API Gateway control plane and returns what came back.
func (g *Gateway) Call(method, path, body string) (status int, answer string, err error) {
	req, err := http.NewRequest(method, "http://"+g.Addr()+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if err := g.Sign(req, "apigateway", []byte(body), time.Now()); err != nil {
		return 0, "", err
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, resp.Body)
	return resp.StatusCode, b.String(), err
}

// Sign signs a request as the root user with the SDK's own signer.
func (g *Gateway) Sign(req *http.Request, service string, body []byte, at time.Time) error {
	creds, err := g.credentials().Retrieve(req.Context())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(req.Context(), creds, req, hex.EncodeToString(sum[:]), service, g.Config.Region, at)
}
