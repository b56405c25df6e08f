package lambda_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/runtime"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(s[:])
}

func TestLife(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	created := g.create("f", func(in *sdk.CreateFunctionInput) {
		in.Description = aws.String("d")
		in.Environment = &types.Environment{Variables: map[string]string{"AA": "1", "BB": "2"}}
		in.Tags = map[string]string{"team": "x"}
		in.Timeout, in.MemorySize = aws.Int32(10), aws.Int32(256)
	})
	if created.State != types.StatePending || created.StateReasonCode != types.StateReasonCodeCreating || created.LastUpdateStatus != "" {
		t.Errorf("created: %s %s %s", created.State, created.StateReasonCode, created.LastUpdateStatus)
	}
	if err := sdk.NewFunctionActiveV2Waiter(g.sdk).Wait(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	got := must[sdk.GetFunctionOutput](t)(g.sdk.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}))
	if got.Tags["team"] != "x" || *got.Code.RepositoryType != "S3" || got.Concurrency != nil {
		t.Errorf("%+v", got)
	}
	c := got.Configuration
	if c.State != types.StateActive || c.LastUpdateStatus != types.LastUpdateStatusSuccessful || *c.LastModified != "2026-01-02T03:04:05.678+0000" {
		t.Errorf("%s %s %s", c.State, c.LastUpdateStatus, *c.LastModified)
	}
	zip := zipOf(t, "index.js", "exports.handler of f")
	if *c.CodeSha256 != sum(zip) || c.CodeSize != int64(len(zip)) {
		t.Errorf("code %s %d", *c.CodeSha256, c.CodeSize)
	}

	updated := must[sdk.UpdateFunctionConfigurationOutput](t)(g.sdk.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(arn + "f"), Timeout: aws.Int32(20), Environment: &types.Environment{Variables: map[string]string{"CC": "3"}},
		TracingConfig: &types.TracingConfig{Mode: types.TracingModeActive}, RevisionId: c.RevisionId,
	}))
	if updated.LastUpdateStatus != types.LastUpdateStatusInProgress || *updated.Timeout != 20 || updated.Environment.Variables["CC"] != "3" ||
		len(updated.Environment.Variables) != 1 || *updated.MemorySize != 256 || *updated.RevisionId == *c.RevisionId || *updated.Description != "d" {
		t.Errorf("%+v", updated)
	}
	if err := sdk.NewFunctionUpdatedV2Waiter(g.sdk).Wait(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	next := zipOf(t, "index.mjs", "export const handler")
	dry := must[sdk.UpdateFunctionCodeOutput](t)(g.sdk.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: next, DryRun: true}))
	if *dry.CodeSha256 != sum(next) {
		t.Errorf("dry run shows %s", *dry.CodeSha256)
	}
	conf := must[sdk.GetFunctionConfigurationOutput](t)(g.sdk.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")}))
	if *conf.CodeSha256 != sum(zip) || *conf.RevisionId != *dry.RevisionId {
		t.Error("the dry run changed something")
	}
	code := must[sdk.UpdateFunctionCodeOutput](t)(g.sdk.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{
		FunctionName: aws.String("f"), ZipFile: next, Publish: true, Architectures: []types.Architecture{types.ArchitectureArm64},
	}))
	if *code.CodeSha256 != sum(next) || *code.Version != "1" || *code.FunctionArn != arn+"f:1" || code.Architectures[0] != types.ArchitectureArm64 || code.State != types.StatePending {
		t.Errorf("%+v", code)
	}
	if _, err := g.sdk.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("000000000000:function:f")}); err != nil {
		t.Fatal(err)
	}
	_, err := g.sdk.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")})
	if code, message := failed(err); code != "ResourceNotFoundException" || message != "Function not found: "+arn+"f" {
		t.Errorf("after the deletion: %v", err)
	}
}

// TestConfigurationIsComplete compares every member that a plain function's configuration has.
func TestConfigurationIsComplete(t *testing.T) {
	g := newGateway(t)
	got := g.do("POST", "/2015-03-31/functions", document(t, nil)).ok(201)
	delete(got, "RevisionId")
	delete(got, "CodeSha256")
	delete(got, "CodeSize")
	arn := got["RuntimeVersionConfig"].(map[string]any)["RuntimeVersionArn"].(string)
	if !strings.HasPrefix(arn, "arn:aws:lambda:us-east-1::runtime:") {
		t.Error(arn)
	}
	delete(got, "RuntimeVersionConfig")
	want := map[string]any{
		"FunctionName": "f", "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Runtime": "nodejs22.x", "Role": role,
		"Handler": "index.handler", "Description": "", "Timeout": 3.0, "MemorySize": 128.0, "LastModified": "2026-01-02T03:04:05.678+0000",
		"Version": "$LATEST", "TracingConfig": map[string]any{"Mode": "PassThrough"}, "PackageType": "Zip", "Architectures": []any{"x86_64"},
		"EphemeralStorage": map[string]any{"Size": 512.0}, "SnapStart": map[string]any{"ApplyOn": "None", "OptimizationStatus": "Off"},
		"LoggingConfig": map[string]any{"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
		"State":         "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for _, name := range []string{"State", "StateReason", "StateReasonCode"} {
		delete(want, name)
	}
	list := g.do("GET", "/2015-03-31/functions/", "").ok(200)["Functions"].([]any)[0].(map[string]any)
	for _, name := range []string{"RevisionId", "CodeSha256", "CodeSize"} {
		delete(list, name)
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	want["State"], want["LastUpdateStatus"] = "Active", "Successful"
	rest := g.do("GET", "/2015-03-31/functions/f/configuration", "").ok(200)
	for _, name := range []string{"RevisionId", "CodeSha256", "CodeSize", "RuntimeVersionConfig"} {
		delete(rest, name)
	}
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("at rest (-want +got):\n%s", diff)
	}
}

func TestAllSettings(t *testing.T) {
	g := newGateway(t)
	in := map[string]any{
		"Description": "d", "Timeout": 900, "MemorySize": 10240, "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
		"VpcConfig":        map[string]any{"SubnetIds": []string{"s"}, "SecurityGroupIds": []string{}},
		"DeadLetterConfig": map[string]any{"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"},
		"Environment":      map[string]any{"Variables": map[string]any{}},
		"TracingConfig":    map[string]any{"Mode": "Active"}, "EphemeralStorage": map[string]any{"Size": 1024},
		"SnapStart":     map[string]any{"ApplyOn": "PublishedVersions"},
		"LoggingConfig": map[string]any{"LogFormat": "JSON", "SystemLogLevel": "WARN", "LogGroup": "/my/group"},
		"Architectures": []string{"arm64"}, "PackageType": "Zip", "Tags": map[string]any{"a": "b"}, "Runtime": "provided.al2023", "Handler": "bootstrap",
		"ImageConfig": map[string]any{}, "Unknown": 1,
	}
	got := g.do("POST", "/2015-03-31/functions", document(t, in)).ok(201)
	want := map[string]any{
		"Description": "d", "Timeout": 900.0, "MemorySize": 10240.0, "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
		"VpcConfig":        map[string]any{"SubnetIds": []any{"s"}, "SecurityGroupIds": []any{}, "VpcId": "", "Ipv6AllowedForDualStack": false},
		"DeadLetterConfig": map[string]any{"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"},
		"Environment":      map[string]any{"Variables": map[string]any{}},
		"TracingConfig":    map[string]any{"Mode": "Active"}, "EphemeralStorage": map[string]any{"Size": 1024.0},
		"SnapStart":     map[string]any{"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"},
		"LoggingConfig": map[string]any{"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/my/group"},
		"Architectures": []any{"arm64"}, "Runtime": "provided.al2023",
	}
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestInvoke(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	context64 := base64.StdEncoding.EncodeToString([]byte(`{"client":{}}`))
	out := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{
		FunctionName: aws.String("f:1"), Payload: []byte(`{"a":"ü"}`), LogType: types.LogTypeTail, ClientContext: aws.String(context64),
	}))
	tail, _ := base64.StdEncoding.DecodeString(*out.LogResult)
	if out.StatusCode != 200 || string(out.Payload) != `{"a":"ü"}` || *out.ExecutedVersion != "1" || string(tail) != "START\nEND\n" || out.FunctionError != nil {
		t.Errorf("%+v", out)
	}
	if in := g.runner.calls[0]; in.InvokedARN != arn+"f:1" || in.ClientContext != `{"client":{}}` || len(in.RequestID) != 36 || !in.Tail {
		t.Errorf("%+v", in)
	}
	raw := g.do("POST", "/2015-03-31/functions/f/invocations", "", "X-Amz-Log-Type", "None")
	raw.t, raw.body = t, ""
	raw.ok(200)
	if raw.header.Get("X-Amz-Executed-Version") != "$LATEST" || raw.header.Get("X-Amz-Log-Result") != "" || raw.header.Get("X-Amzn-Requestid") != g.runner.calls[1].RequestID {
		t.Errorf("%v", raw.header)
	}

	dry := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun}))
	if dry.StatusCode != 204 || len(g.runner.calls) != 2 {
		t.Errorf("%+v, %d calls", dry, len(g.runner.calls))
	}
	event := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`1`)}))
	if event.StatusCode != 202 || len(event.Payload) != 0 {
		t.Errorf("%+v", event)
	}
	g.service.Drain(ctx)
	if n := len(g.runner.calls); n != 3 || string(g.runner.calls[2].Payload) != "1" {
		t.Errorf("%d calls", n)
	}

	g.runner.invoke = func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) {
		return &runtime.Result{Payload: []byte(`{"errorMessage":"x","errorType":"Error"}`), FunctionError: "Unhandled"}, nil
	}
	bad := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f")}))
	if bad.StatusCode != 200 || *bad.FunctionError != "Unhandled" || string(bad.Payload) != `{"errorMessage":"x","errorType":"Error"}` {
		t.Errorf("%+v", bad)
	}
}

func TestInvokeErrors(t *testing.T) {
	g := newGateway(t)
	g.create("f")
	const path = "/2015-03-31/functions/f/invocations"
	g.do("POST", "/2015-03-31/functions/none/invocations", "{}").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none"))
	g.do("POST", path+"?Qualifier=7", "{}").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"f:7"))
	g.do("POST", "/2015-03-31/functions/f:1/invocations?Qualifier=7", "{}").refused(400, "InvalidParameterValueException",
		user("The derived qualifier from the function name does not match the specified qualifier."))
	g.do("POST", path, "{}", "X-Amz-Invocation-Type", "Now").refused(400, "ValidationException", validation(
		"1 validation error detected: Value 'Now' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"))
	g.do("POST", path, "{}", "X-Amz-Client-Context", "%%").refused(400, "InvalidRequestContentException", user("Client context must be a valid Base64-encoded JSON object."))
	if a := g.do("POST", path, "hello"); a.status != 400 || a.header.Get("x-amzn-ErrorType") != "InvalidRequestContentException" ||
		!strings.HasPrefix(a.body, `{"Type":"User","message":"Could not parse request body into json: `) {
		t.Errorf("%d %s", a.status, a.body)
	}
	long := `"` + strings.Repeat("x", 6291456) + `"`
	g.do("POST", path, long).refused(413, "RequestTooLargeException", user("Request must be smaller than 6291456 bytes for the InvokeFunction operation"))
	g.do("POST", path, long[:1<<20]+`"`, "X-Amz-Invocation-Type", "Event").refused(413, "RequestTooLargeException", user("Request must be smaller than 1048576 bytes for the InvokeFunction operation"))
	if len(g.runner.calls) != 0 {
		t.Error("something ran")
	}
	for _, tt := range []struct {
		err          error
		status       int
		reason, body string
	}{
		{(&sockgate.Error{Kind: sockgate.Throttled, Message: "Rate Exceeded."}).Because(runtime.ErrReservedConcurrency), 429, "TooManyRequestsException",
			`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{(&sockgate.Error{Kind: sockgate.Throttled, Message: "Rate Exceeded."}).Because(runtime.ErrConcurrency), 429, "TooManyRequestsException",
			`{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{sockgate.Internalf("secret"), 500, "ServiceException", `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`},
		{sockgate.Unavailablef("Not now"), 503, "ServiceException", `{"Type":"Service","Message":"Not now"}`},
	} {
		g.runner.invoke = func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) { return nil, tt.err }
		g.do("POST", path, "{}").refused(tt.status, tt.reason, tt.body)
	}
	g.do("PUT", "/2017-10-31/functions/f/concurrency", `{"ReservedConcurrentExecutions":0}`).ok(200)
	g.runner.invoke = nil
	g.do("POST", path, "{}").refused(429, "TooManyRequestsException", `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
}

func TestVersionsAndAliases(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	f := aws.String("f")
	first := g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true; in.Description = aws.String("first") })
	if *first.Version != "1" || *first.FunctionArn != arn+"f" {
		t.Errorf("%s %s", *first.Version, *first.FunctionArn)
	}
	same := must[sdk.PublishVersionOutput](t)(g.sdk.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: f, Description: aws.String("again")}))
	if *same.Version != "1" || *same.FunctionArn != arn+"f:1" || *same.Description != "first" {
		t.Errorf("publishing without a change: %+v", same)
	}
	must[sdk.UpdateFunctionConfigurationOutput](t)(g.sdk.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: f, Timeout: aws.Int32(9)}))
	latest := must[sdk.GetFunctionConfigurationOutput](t)(g.sdk.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: f}))
	_, err := g.sdk.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: f, RevisionId: aws.String("old")})
	if code, message := failed(err); code != "PreconditionFailedException" || !strings.Contains(message, "GetFunction/GetAlias") {
		t.Errorf("%v", err)
	}
	_, err = g.sdk.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: f, CodeSha256: aws.String("x")})
	if _, message := failed(err); message != "CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ("+*latest.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST." {
		t.Errorf("%v", err)
	}
	second := must[sdk.PublishVersionOutput](t)(g.sdk.PublishVersion(ctx, &sdk.PublishVersionInput{
		FunctionName: f, RevisionId: latest.RevisionId, CodeSha256: latest.CodeSha256, Description: aws.String("second"),
	}))
	if *second.Version != "2" || *second.Timeout != 9 || *second.Description != "second" || second.State != types.StateActive || *second.RevisionId == *latest.RevisionId {
		t.Errorf("%+v", second)
	}
	versions := must[sdk.ListVersionsByFunctionOutput](t)(g.sdk.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: f}))
	var names []string
	for _, v := range versions.Versions {
		names = append(names, *v.FunctionArn)
	}
	if diff := cmp.Diff([]string{arn + "f:$LATEST", arn + "f:1", arn + "f:2"}, names); diff != "" {
		t.Error(diff)
	}

	alias := must[sdk.CreateAliasOutput](t)(g.sdk.CreateAlias(ctx, &sdk.CreateAliasInput{
		FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1"), Description: aws.String("d"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	}))
	if *alias.AliasArn != arn+"f:live" || alias.RoutingConfig.AdditionalVersionWeights["2"] != 0.5 || *alias.Description != "d" {
		t.Errorf("%+v", alias)
	}
	through := must[sdk.GetFunctionOutput](t)(g.sdk.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: f, Qualifier: aws.String("live")}))
	if *through.Configuration.FunctionArn != arn+"f:live" || *through.Configuration.Version != "1" {
		t.Errorf("%+v", through.Configuration)
	}
	moved := must[sdk.UpdateAliasOutput](t)(g.sdk.UpdateAlias(ctx, &sdk.UpdateAliasInput{
		FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("2"), RevisionId: alias.RevisionId, RoutingConfig: &types.AliasRoutingConfiguration{},
	}))
	if *moved.FunctionVersion != "2" || moved.RoutingConfig != nil || *moved.Description != "d" || *moved.RevisionId == *alias.RevisionId {
		t.Errorf("%+v", moved)
	}
	_, err = g.sdk.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: f, Name: aws.String("live"), RevisionId: alias.RevisionId})
	if code, _ := failed(err); code != "PreconditionFailedException" {
		t.Errorf("%v", err)
	}
	got := must[sdk.GetAliasOutput](t)(g.sdk.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: f, Name: aws.String("live")}))
	if *got.RevisionId != *moved.RevisionId {
		t.Errorf("%+v", got)
	}
	for want, only := range map[int]*string{1: aws.String("2"), 0: aws.String("1")} {
		list := must[sdk.ListAliasesOutput](t)(g.sdk.ListAliases(ctx, &sdk.ListAliasesInput{FunctionName: f, FunctionVersion: only}))
		if len(list.Aliases) != want {
			t.Errorf("aliases of %s: %d", *only, len(list.Aliases))
		}
	}
	_, err = g.sdk.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: f, Qualifier: aws.String("2")})
	if code, _ := failed(err); code != "ResourceConflictException" {
		t.Errorf("deleting a version that an alias uses: %v", err)
	}
	for range 2 { // the second finds nothing, which is no error
		if _, err := g.sdk.DeleteAlias(ctx, &sdk.DeleteAliasInput{FunctionName: f, Name: aws.String("live")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.sdk.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: f, Qualifier: aws.String("2")}); err != nil {
		t.Fatal(err)
	}
	third := must[sdk.PublishVersionOutput](t)(g.sdk.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: f}))
	if *third.Version != "3" {
		t.Errorf("after the newest was deleted: %s", *third.Version)
	}
}

func TestAliasErrors(t *testing.T) {
	g := newGateway(t)
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	g.do("PUT", "/2015-03-31/functions/f/configuration", `{"Timeout":9}`).ok(200)
	g.do("POST", "/2015-03-31/functions/f/versions", `{}`).ok(201)
	const path = "/2015-03-31/functions/f/aliases"
	g.do("POST", path, `{"Name":"taken","FunctionVersion":"1"}`).ok(201)
	const weights = "1 validation error detected: Value '{%s}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
	const values = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
	for _, tt := range []struct {
		body      string
		status    int
		typ, want string
	}{
		{`{"Name":"taken","FunctionVersion":"1"}`, 409, "ResourceConflictException", user("Alias already exists: " + arn + "f:taken")},
		{`{"Name":"12","FunctionVersion":"1"}`, 400, "ValidationException", validation("1 validation error detected: Value '12' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")},
		{`{"FunctionVersion":"1"}`, 400, "ValidationException", validation("1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")},
		{`{"Name":"a","FunctionVersion":"10"}`, 404, "ResourceNotFoundException", missing("Function not found: " + arn + "f:10")},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"10":0.5}}}`, 404, "ResourceNotFoundException", missing("Function not found: " + arn + "f:10")},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`, 400, "InvalidParameterValueException", user("Invalid function version 1. Function version 1 is already included in routing configuration.")},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5,"2":0.5}}}`, 400, "InvalidParameterValueException", user("Number of items in AdditionalVersionWeights cannot be greater than 1")},
		{`{"Name":"a","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`, 400, "InvalidParameterValueException", validation("$LATEST is not supported for an alias pointing to more than 1 version")},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":2.0}}}`, 400, "ValidationException", validation(fmt.Sprintf(weights, "2=2.0") + values)},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":-1}}}`, 400, "ValidationException", validation(fmt.Sprintf(weights, "2=-1.0") + values)},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":null}}}`, 400, "ValidationException", validation(fmt.Sprintf(weights, "2=null") + values)},
		{`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"$LATEST":0.5}}}`, 400, "ValidationException", validation(fmt.Sprintf(weights, "$LATEST=0.5") +
			"Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]")},
	} {
		g.do("POST", path, tt.body).refused(tt.status, tt.typ, tt.want)
	}
	g.do("POST", "/2015-03-31/functions/none/aliases", `{"Name":"a","FunctionVersion":"1"}`).refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none:1"))
	g.do("GET", path+"/none", "").refused(404, "ResourceNotFoundException", missing("Cannot find alias arn: "+arn+"f:none"))
	g.do("PUT", path+"/none", "{}").refused(404, "ResourceNotFoundException", missing("Alias not found: "+arn+"f:none"))
	g.do("POST", path, `{"Name":"latest","FunctionVersion":"$LATEST"}`).ok(201)
}

func TestPermissions(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	f := aws.String("f")
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	const source = "arn:aws:execute-api:us-east-1:000000000000:abc123/prod/$default"
	call := func(function string) error {
		_, err := g.service.Call(ctx, &sockgate.FunctionCall{Function: function, SourceARN: source})
		return err
	}
	if err := call(arn + "f"); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("before: %v", err)
	}
	added := must[sdk.AddPermissionOutput](t)(g.sdk.AddPermission(ctx, &sdk.AddPermissionInput{
		FunctionName: f, StatementId: aws.String("gw"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String("arn:aws:execute-api:us-east-1:000000000000:abc123/*/*"),
	}))
	const statement = `{"Sid":"gw","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arn +
		`f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:000000000000:abc123/*/*"}}}`
	if *added.Statement != statement {
		t.Errorf("%s", *added.Statement)
	}
	if err := call(arn + "f"); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := call(arn + "f:1"); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("a version without a policy: %v", err)
	}
	policy := must[sdk.GetPolicyOutput](t)(g.sdk.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: f}))
	if *policy.Policy != `{"Version":"2012-10-17","Id":"default","Statement":[`+statement+`]}` || *policy.RevisionId == "" {
		t.Errorf("%s", *policy.Policy)
	}
	_, err := g.sdk.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: f, StatementId: aws.String("gw"), RevisionId: aws.String("old")})
	if code, _ := failed(err); code != "PreconditionFailedException" {
		t.Errorf("%v", err)
	}
	if _, err := g.sdk.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: f, StatementId: aws.String("gw"), RevisionId: policy.RevisionId}); err != nil {
		t.Fatal(err)
	}
	if err := call(arn + "f"); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("after the removal: %v", err)
	}

	const path = "/2015-03-31/functions/f/policy"
	g.do("GET", path, "").refused(404, "ResourceNotFoundException", missing("The resource you requested does not exist."))
	g.do("DELETE", path+"/gw", "").refused(404, "ResourceNotFoundException", missing("No policy is associated with the given resource."))
	add := func(qualifier, edit string) answer {
		return g.do("POST", path+qualifier, `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"apigateway.amazonaws.com"`+edit+`}`)
	}
	add("", "").ok(201)
	add("", "").refused(409, "ResourceConflictException", user("The statement id (s) provided already exists. Please provide a new statement id, or remove the existing statement."))
	add("?Qualifier=1", "").ok(201)
	if err := call(arn + "f:1"); err != nil {
		t.Errorf("a version with a policy: %v", err)
	}
	add("?Qualifier=$LATEST", "").refused(400, "InvalidParameterValueException", user("We currently do not support adding policies for $LATEST."))
	add("?Qualifier=7", "").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"f:7"))
	add("?Qualifier=live", "").refused(404, "ResourceNotFoundException", missing("Cannot find alias arn: "+arn+"f:live"))
	add("", `,"RevisionId":"old"`).refused(412, "PreconditionFailedException", user("The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"))
	g.do("DELETE", path+"/other", "").refused(404, "ResourceNotFoundException", missing("Statement other is not found in resource policy."))
	principal := func(p string) answer {
		return g.do("POST", path, `{"StatementId":"`+fmt.Sprint(len(p), "p")+`","Action":"lambda:*","Principal":"`+p+`"}`)
	}
	for p, want := range map[string]string{
		"*": `"Principal":"*"`, "111111111111": `"Principal":{"AWS":"arn:aws:iam::111111111111:root"}`, "arn:aws:iam::111111111111:user/u": `"Principal":{"AWS":"arn:aws:iam::111111111111:user/u"}`,
	} {
		if st := principal(p).ok(201)["Statement"].(string); !strings.Contains(st, want) || !json.Valid([]byte(st)) {
			t.Errorf("%s: %s", p, st)
		}
	}
	principal("nobody.example.com").refused(400, "InvalidParameterValueException", user("The provided principal was invalid. Please check the principal and try again."))
	var last answer
	for i := range 200 {
		last = g.do("POST", path, fmt.Sprintf(`{"StatementId":"n%d","Action":"lambda:InvokeFunction","Principal":"apigateway.amazonaws.com"}`, i))
		if last.status != 201 {
			break
		}
	}
	if last.status != 400 || last.header.Get("x-amzn-ErrorType") != "PolicyLengthExceededException" {
		t.Errorf("a long policy: %d %s", last.status, last.body)
	}
}

func TestConcurrencyAndAccount(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	f := aws.String("f")
	size := g.create("f").CodeSize
	none := must[sdk.GetFunctionConcurrencyOutput](t)(g.sdk.GetFunctionConcurrency(ctx, &sdk.GetFunctionConcurrencyInput{FunctionName: f}))
	if none.ReservedConcurrentExecutions != nil {
		t.Errorf("%+v", none)
	}
	put := must[sdk.PutFunctionConcurrencyOutput](t)(g.sdk.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(900)}))
	if *put.ReservedConcurrentExecutions != 900 {
		t.Errorf("%+v", put)
	}
	got := must[sdk.GetFunctionOutput](t)(g.sdk.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: f}))
	if *got.Concurrency.ReservedConcurrentExecutions != 900 {
		t.Errorf("%+v", got.Concurrency)
	}
	settings := must[sdk.GetAccountSettingsOutput](t)(g.sdk.GetAccountSettings(ctx, &sdk.GetAccountSettingsInput{}))
	l, u := settings.AccountLimit, settings.AccountUsage
	if l.ConcurrentExecutions != 1000 || *l.UnreservedConcurrentExecutions != 100 || l.CodeSizeUnzipped != 262144000 || l.CodeSizeZipped != 52428800 ||
		l.TotalCodeSize != 80530636800 || u.FunctionCount != 1 || u.TotalCodeSize != size {
		t.Errorf("%+v %+v", l, u)
	}
	const path = "/2017-10-31/functions/"
	g.create("g")
	g.do("PUT", path+"g/concurrency", `{"ReservedConcurrentExecutions":1}`).refused(400, "InvalidParameterValueException",
		user("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."))
	g.do("PUT", path+"f/concurrency", `{"ReservedConcurrentExecutions":5}`).ok(200)
	g.do("PUT", path+"none/concurrency", `{"ReservedConcurrentExecutions":5}`).refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none:$LATEST"))
	g.do("PUT", path+"f:1/concurrency", `{"ReservedConcurrentExecutions":5}`).refused(400, "InvalidParameterValueException",
		user("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."))
	if _, err := g.sdk.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: f}); err != nil {
		t.Fatal(err)
	}
	if m := g.do("GET", "/2019-09-30/functions/f/concurrency", "").ok(200); len(m) != 0 {
		t.Errorf("after the deletion: %v", m)
	}
}

func TestTags(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	g.create("f")
	resource := aws.String(arn + "f")
	list := func() map[string]string {
		return must[sdk.ListTagsOutput](t)(g.sdk.ListTags(ctx, &sdk.ListTagsInput{Resource: resource})).Tags
	}
	if tags := list(); len(tags) != 0 {
		t.Errorf("%v", tags)
	}
	if _, err := g.sdk.TagResource(ctx, &sdk.TagResourceInput{Resource: resource, Tags: map[string]string{"a": "1", "b/ü": "2"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b/ü": "2"}, list()); diff != "" {
		t.Error(diff)
	}
	if _, err := g.sdk.UntagResource(ctx, &sdk.UntagResourceInput{Resource: resource, TagKeys: []string{"a", "none"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"b/ü": "2"}, list()); diff != "" {
		t.Error(diff)
	}
	const path = "/2017-03-31/tags/"
	g.do("POST", path+arn+"f", `{"Tags":{}}`).refused(400, "InvalidParameterValueException", user("An error occurred and the request cannot be processed."))
	g.do("DELETE", path+arn+"f", "").refused(400, "ValidationException", validation("1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"))
	g.do("POST", path+arn+"none", `{"Tags":{"a":"b"}}`).refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none"))
	g.do("POST", path+arn+"f:$LATEST", `{"Tags":{"a":"b"}}`).refused(400, "InvalidParameterValueException", user("Tags on function aliases and versions are not supported. Please specify a function ARN."))
	if a := g.do("GET", path+"arn:aws:something", ""); a.status != 400 || a.header.Get("x-amzn-ErrorType") != "ValidationException" {
		t.Errorf("%d %s", a.status, a.body)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint(i)] = "x"
	}
	_, err := g.sdk.TagResource(ctx, &sdk.TagResourceInput{Resource: resource, Tags: many})
	if _, message := failed(err); message != "Number of tags exceeds resource tag limit." {
		t.Errorf("51 tags: %v", err)
	}
}

func TestPaging(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	for i := range 7 {
		g.create(fmt.Sprint("f", i), func(in *sdk.CreateFunctionInput) { in.Publish = i < 2 })
	}
	var names []string
	pages := sdk.NewListFunctionsPaginator(g.sdk, &sdk.ListFunctionsInput{MaxItems: aws.Int32(3)})
	n := 0
	for ; pages.HasMorePages(); n++ {
		for _, f := range must[sdk.ListFunctionsOutput](t)(pages.NextPage(ctx)).Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if n != 3 || strings.Join(names, " ") != "f0 f1 f2 f3 f4 f5 f6" {
		t.Errorf("%d pages: %q", n, names)
	}
	var arns []string
	all := sdk.NewListFunctionsPaginator(g.sdk, &sdk.ListFunctionsInput{MaxItems: aws.Int32(2), FunctionVersion: types.FunctionVersionAll})
	for all.HasMorePages() {
		for _, f := range must[sdk.ListFunctionsOutput](t)(all.NextPage(ctx)).Functions {
			arns = append(arns, strings.TrimPrefix(*f.FunctionArn, arn))
		}
	}
	if got := strings.Join(arns[:5], " "); len(arns) != 9 || got != "f0:$LATEST f0:1 f1:$LATEST f1:1 f2:$LATEST" {
		t.Errorf("%q", arns)
	}
	const path = "/2015-03-31/functions?"
	g.do("GET", path+"Marker=abc", "").refused(400, "InvalidParameterValueException", user("Invalid pagination token"))
	g.do("GET", path+"MaxItems=0", "").refused(400, "ValidationException", validation("1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"))
	g.do("GET", path+"FunctionVersion=invalid", "").refused(400, "ValidationException", validation("1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"))
}

func TestLayers(t *testing.T) {
	g := newGateway(t)
	ctx := t.Context()
	content := zipOf(t, "nodejs/node_modules/x/index.js", "x")
	publish := func() *sdk.PublishLayerVersionOutput {
		return must[sdk.PublishLayerVersionOutput](t)(g.sdk.PublishLayerVersion(ctx, &sdk.PublishLayerVersionInput{
			LayerName: aws.String("l"), Description: aws.String("d"), LicenseInfo: aws.String("MIT"), Content: &types.LayerVersionContentInput{ZipFile: content},
			CompatibleRuntimes: []types.Runtime{types.RuntimeNodejs22x}, CompatibleArchitectures: []types.Architecture{types.ArchitectureX8664},
		}))
	}
	const layer = "arn:aws:lambda:us-east-1:000000000000:layer:l"
	one, two := publish(), publish()
	if one.Version != 1 || two.Version != 2 || *one.LayerArn != layer || *two.LayerVersionArn != layer+":2" || *one.Content.CodeSha256 != sum(content) || one.Content.CodeSize != int64(len(content)) {
		t.Errorf("%+v %+v", one, two)
	}
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Layers = []string{layer + ":1"} })
	got := must[sdk.GetFunctionOutput](t)(g.sdk.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")}))
	if l := got.Configuration.Layers; len(l) != 1 || *l[0].Arn != layer+":1" || l[0].CodeSize != int64(len(content)) {
		t.Errorf("%+v", l)
	}
	byARN := must[sdk.GetLayerVersionByArnOutput](t)(g.sdk.GetLayerVersionByArn(ctx, &sdk.GetLayerVersionByArnInput{Arn: aws.String(layer + ":2")}))
	byName := must[sdk.GetLayerVersionOutput](t)(g.sdk.GetLayerVersion(ctx, &sdk.GetLayerVersionInput{LayerName: aws.String(layer), VersionNumber: aws.Int64(2)}))
	if byARN.Version != 2 || byName.Version != 2 || *byName.LicenseInfo != "MIT" {
		t.Errorf("%+v %+v", byARN, byName)
	}
	versions := must[sdk.ListLayerVersionsOutput](t)(g.sdk.ListLayerVersions(ctx, &sdk.ListLayerVersionsInput{LayerName: aws.String("l")}))
	if v := versions.LayerVersions; len(v) != 2 || v[0].Version != 2 || v[1].Version != 1 {
		t.Errorf("%+v", v)
	}
	layers := must[sdk.ListLayersOutput](t)(g.sdk.ListLayers(ctx, &sdk.ListLayersInput{CompatibleRuntime: types.RuntimeNodejs22x}))
	if l := layers.Layers; len(l) != 1 || *l[0].LayerName != "l" || l[0].LatestMatchingVersion.Version != 2 {
		t.Errorf("%+v", l)
	}
	for range 2 {
		if _, err := g.sdk.DeleteLayerVersion(ctx, &sdk.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f")}); err != nil {
		t.Errorf("a function whose layer version was deleted: %v", err)
	}
	g.do("GET", "/2018-10-31/layers/l/versions/1", "").refused(404, "ResourceNotFoundException", missing("The resource you requested does not exist."))
	g.do("GET", "/2018-10-31/layers/l/versions/0", "").refused(400, "InvalidParameterValueException", user("Layer Version Cannot be less than 1"))
	g.do("PUT", "/2015-03-31/functions/f/configuration", `{"Layers":["`+layer+`:1"]}`).refused(400, "InvalidParameterValueException", user("Layer version "+layer+":1 does not exist."))
	g.do("PUT", "/2015-03-31/functions/f/configuration", `{"Layers":[]}`).ok(200)
	if three := publish(); three.Version != 3 {
		t.Errorf("%+v", three)
	}
}

func TestLinks(t *testing.T) {
	now := start
	g := newGateway(t)
	g.create("f")
	got := must[sdk.GetFunctionOutput](t)(g.sdk.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f")}))
	fetch := func(path string) (int, string) {
		resp, err := g.client.Get(g.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	link := *got.Code.Location
	if status, body := fetch(link); status != 200 || body != string(zipOf(t, "index.js", "exports.handler of f")) {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	later := fmt.Sprint(now.Add(time.Hour).Unix())
	for _, bad := range []string{
		strings.Split(link, "?")[0], strings.Replace(link, "Signature=", "Signature=0", 1),
		strings.Replace(link, fmt.Sprint(now.Add(10*time.Minute).Unix()), later, 1), "/_sockgate/code/../../etc/passwd?Expires=1&Signature=2",
	} {
		if status, _ := fetch(bad); status == http.StatusOK {
			t.Errorf("%s was served", bad)
		}
	}
}
