package gatewaytest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apigatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/testscript"
)

// Lambda returns an SDK client of the functions' API. It does not retry.
func (g *Gateway) Lambda() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: g.Config.Region, Credentials: g.credentials(), HTTPClient: g.http, RetryMaxAttempts: 1,
		BaseEndpoint: aws.String("http://" + g.ManagementAddr()),
	})
}

// Zip packs files, by name, the way a function's code is uploaded.
func Zip(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// functionRole is a role as templates name it. It needs no policies for what stories do, unless they say otherwise.
func (s *story) functionRole() string {
	return "arn:aws:iam::" + s.gateway.Config.Account + ":role/function"
}

func (s *story) functionARN(name string) string {
	return "arn:aws:lambda:" + s.gateway.Config.Region + ":" + s.gateway.Config.Account + ":function:" + name
}

// invocationURI is how integrations and authorizers name a function.
func (s *story) invocationURI(name string) string {
	return "arn:aws:apigateway:" + s.gateway.Config.Region + ":lambda:path/2015-03-31/functions/" + s.functionARN(name) + "/invocations"
}

func (s *story) setFunction(ts *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return usage("function NAME RUNTIME FILE ... [handler=H] [timeout=SECONDS] [memory=MB] [role=ARN] [env.X=VALUE]")
	}
	in := &lambda.CreateFunctionInput{
		FunctionName: &args[0], Runtime: types.Runtime(args[1]), Role: aws.String(s.functionRole()),
		Environment: &types.Environment{Variables: map[string]string{}},
	}
	files := map[string]string{}
	for _, o := range args[2:] {
		name, value, option := strings.Cut(o, "=")
		switch {
		case !option:
			files[path.Base(o)] = ts.ReadFile(o)
			if in.Handler == nil {
				stem := strings.TrimSuffix(path.Base(o), path.Ext(o))
				in.Handler = aws.String(stem + ".handler")
			}
		case name == "handler":
			in.Handler = &value
		case name == "role":
			in.Role = &value
		case name == "timeout" || name == "memory":
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return err
			}
			if name == "timeout" {
				in.Timeout = aws.Int32(int32(n))
			} else {
				in.MemorySize = aws.Int32(int32(n))
			}
		case strings.HasPrefix(name, "env."):
			in.Environment.Variables[strings.TrimPrefix(name, "env.")] = value
		default:
			return fmt.Errorf("function: unknown option %q", o)
		}
	}
	code, err := Zip(files)
	if err != nil {
		return err
	}
	in.Code = &types.FunctionCode{ZipFile: code}
	return s.lambda(func(ctx context.Context, c *lambda.Client) error {
		_, err := c.CreateFunction(ctx, in)
		if _, exists := errors.AsType[*types.ResourceConflictException](err); exists {
			_, err = c.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: in.FunctionName, ZipFile: code})
		}
		if err != nil {
			return err
		}
		waiter := lambda.NewFunctionActiveV2Waiter(c, func(o *lambda.FunctionActiveV2WaiterOptions) {
			o.MinDelay, o.MaxDelay = 20*time.Millisecond, 100*time.Millisecond
		})
		return waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: in.FunctionName}, Patience)
	})
}

// permit lets API Gateway call a function for the current API, as "aws lambda add-permission" does.
func (s *story) permit(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("permit FUNCTION[:QUALIFIER]")
	}
	name, qualifier, qualified := strings.Cut(args[0], ":")
	in := &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("gateway-" + s.api), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String("arn:aws:execute-api:" + s.gateway.Config.Region + ":" + s.gateway.Config.Account + ":" + s.api + "/*"),
	}
	if qualified {
		in.Qualifier = &qualifier
	}
	return s.lambda(func(ctx context.Context, c *lambda.Client) error {
		_, err := c.AddPermission(ctx, in)
		return err
	})
}

// invoke prints what a function returned; what it failed with is a refusal.
func (s *story) invoke(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usage("invoke FUNCTION PAYLOAD")
	}
	return s.lambda(func(ctx context.Context, c *lambda.Client) error {
		out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &args[0], Payload: []byte(args[1])})
		if err != nil {
			return err
		}
		if out.FunctionError != nil {
			return &refused{*out.FunctionError + ": " + string(out.Payload)}
		}
		fmt.Fprintln(ts.Stdout(), s.names.show(string(out.Payload)))
		return nil
	})
}

// setAuthorizer creates an authorizer of the current API; routes name it with auth=NAME.
func (s *story) setAuthorizer(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("authorizer NAME FUNCTION [SOURCE ...]")
	}
	return s.calls(func(ctx context.Context, c *apigatewayv2.Client) error {
		uri := s.invocationURI(args[1])
		out, err := c.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{
			ApiId: &s.api, Name: &args[0], AuthorizerType: apigatewaytypes.AuthorizerTypeRequest, AuthorizerUri: &uri,
			IdentitySource: append([]string{}, args[2:]...),
		})
		if err != nil {
			return err
		}
		s.authorizers[args[0]] = *out.AuthorizerId
		ts.Setenv(args[0], *out.AuthorizerId)
		return nil
	})
}

// query calls an API of the query protocol (iam, sts) and prints the XML.
func (s *story) query(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("query SERVICE ACTION [PARAMETER=VALUE ...]")
	}
	versions := map[string]string{"iam": "2010-05-08", "sts": "2011-06-15", "elasticloadbalancing": "2015-12-01"}
	form := url.Values{"Action": {args[1]}, "Version": {versions[args[0]]}}
	for _, o := range args[2:] {
		name, value, _ := strings.Cut(o, "=")
		form.Set(name, value)
	}
	body := form.Encode()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.gateway.ManagementAddr()+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if err := s.gateway.Sign(req, args[0], []byte(body), time.Now()); err != nil {
		return err
	}
	resp, err := s.gateway.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return &refused{fmt.Sprintf("%d %s", resp.StatusCode, text)}
	}
	fmt.Fprintln(ts.Stdout(), s.names.show(string(text)))
	return nil
}

// dynamodb calls the tables' API and prints the JSON.
func (s *story) dynamodb(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usage("dynamodb OPERATION JSON")
	}
	status, text, err := s.gateway.DynamoDB(args[0], args[1])
	if err != nil {
		return err
	}
	if status >= 400 {
		return &refused{fmt.Sprintf("%d %s", status, text)}
	}
	fmt.Fprintln(ts.Stdout(), s.names.show(text))
	return nil
}

// awaitCount waits until a table has that many items.
func (s *story) awaitCount(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usage("await-count TABLE N")
	}
	end := time.Now().Add(Patience)
	for {
		_, text, err := s.gateway.DynamoDB("Scan", fmt.Sprintf(`{"TableName":%q,"Select":"COUNT"}`, args[0]))
		if err != nil {
			return err
		}
		if strings.Contains(text, `"Count":`+args[1]+`,`) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the table %s has not got %s items: %s", args[0], args[1], text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// DynamoDB sends one signed request to the tables' API and returns what came back.
func (g *Gateway) DynamoDB(operation, input string) (status int, answer string, err error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+g.ManagementAddr()+"/", strings.NewReader(input))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	if err := g.Sign(req, "dynamodb", []byte(input), time.Now()); err != nil {
		return 0, "", err
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (s *story) lambda(do func(context.Context, *lambda.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := do(ctx, s.gateway.Lambda())
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &refused{api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	return err
}
