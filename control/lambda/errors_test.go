package lambda_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/lambda"
)

func TestCreateErrors(t *testing.T) {
	g := newGateway(t, func(c *lambda.Config) {
		c.CheckRole = func(arn string) error {
			if strings.HasSuffix(arn, "/untrusting") {
				return sockgate.Invalidf("The role defined for the function cannot be assumed by Lambda.")
			}
			return nil
		}
	})
	g.create("taken")
	zip := func(b []byte) map[string]any {
		return map[string]any{"Code": map[string]any{"ZipFile": base64.StdEncoding.EncodeToString(b)}}
	}
	env := func(vars map[string]any) map[string]any {
		return map[string]any{"Environment": map[string]any{"Variables": vars}}
	}
	const (
		param = "InvalidParameterValueException"
		one   = "1 validation error detected: Value "
	)
	tests := []struct {
		name      string
		edit      map[string]any
		status    int
		typ, body string
	}{
		{"taken", map[string]any{"FunctionName": "taken"}, 409, "ResourceConflictException", user("Function already exist: taken")},
		{"no name", map[string]any{"FunctionName": nil}, 400, "ValidationException", validation(one + "null at 'functionName' failed to satisfy constraint: Member must not be null")},
		{"bad name", map[string]any{"FunctionName": "a b"}, 400, "ValidationException", validation(one + `'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)},
		{"long name", map[string]any{"FunctionName": strings.Repeat("a", 65)}, 400, "ValidationException", validation(one + "'" + strings.Repeat("a", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64")},
		{"another region", map[string]any{"FunctionName": "arn:aws:lambda:eu-west-1:000000000000:function:f"}, 404, "ResourceNotFoundException", missing("Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")},
		{"no role", map[string]any{"Role": nil}, 400, "ValidationException", validation(one + "null at 'role' failed to satisfy constraint: Member must not be null")},
		{"bad role", map[string]any{"Role": "r1"}, 400, "ValidationException", validation(one + `'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)},
		{"untrusting role", map[string]any{"Role": role + "/untrusting"}, 400, param, user("The role defined for the function cannot be assumed by Lambda.")},
		{"no runtime", map[string]any{"Runtime": nil}, 400, param, user("Runtime and Handler are mandatory parameters for functions created with deployment packages.")},
		{"runtime that is not built", map[string]any{"Runtime": "java21"}, 400, param, user("runtime java21 is not built")},
		{"timeout", map[string]any{"Timeout": 901}, 400, "ValidationException", validation(one + "'901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900")},
		{"memory", map[string]any{"MemorySize": 127}, 400, "ValidationException", validation(one + "'127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128")},
		{"two at once", map[string]any{"MemorySize": 127, "Timeout": 0}, 400, "ValidationException", validation("2 validation errors detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1; Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128")},
		{"architecture", map[string]any{"Architectures": []string{"mips"}}, 400, "ValidationException", validation(one + "'[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")},
		{"reserved variable", env(map[string]any{"AWS_REGION": "x", "GOOD": "y"}), 400, param, user("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION")},
		{"large environment", env(map[string]any{"LARGE_VAR": strings.Repeat("x", 4081)}), 400, param, user("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"LARGE_VAR\":\"" + strings.Repeat("x", 4081) + "\"}")},
		{"no code", map[string]any{"Code": nil}, 400, "ValidationException", validation(one + "null at 'code' failed to satisfy constraint: Member must not be null")},
		{"empty code", map[string]any{"Code": map[string]any{}}, 400, param, user("Please provide a source for function code.")},
		{"S3", map[string]any{"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"}}, 400, param, user("Code in S3 is not supported here: send it as a zip in ZipFile")},
		{"image", map[string]any{"Code": map[string]any{"ImageUri": "i"}, "PackageType": "Image"}, 400, param, user("Container images are not supported here: send the function's code as a zip in ZipFile")},
		{"no zip", zip([]byte("exports.handler")), 400, param, user("Could not unzip uploaded file. Please check your file, then try to upload again.")},
		{"nothing in the zip", zip(zipOf(t)), 400, param, user("Uploaded file must be a non-empty zip")},
		{"zip that leaves", zip(zipOf(t, "../x", "x")), 400, param, user("Could not unzip uploaded file. Please check your file, then try to upload again.")},
		{"unknown layer", map[string]any{"Layers": []string{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}}, 400, param, user("Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist.")},
		{"log levels of text", map[string]any{"LoggingConfig": map[string]any{"SystemLogLevel": "INFO"}}, 400, param, user("To filter logs by level, you must set LogFormat to 'JSON'")},
		{"file systems", map[string]any{"FileSystemConfigs": []any{map[string]any{"Arn": "a"}}}, 400, param, user("FileSystemConfigs is not built")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do("POST", "/2015-03-31/functions", document(t, tt.edit))
			a.t = t
			a.refused(tt.status, tt.typ, tt.body)
		})
	}
	if n := len(g.service.List()); n != 1 {
		t.Errorf("%d functions, want one", n)
	}
	unknown := g.do("POST", "/2015-03-31/functions", document(t, map[string]any{"Runtime": "PYTHON3.9"}))
	if unknown.status != 400 || !strings.HasPrefix(unknown.body, `{"Type":"User","message":"Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [`) ||
		!strings.HasSuffix(unknown.body, `] or be a valid ARN"}`) {
		t.Errorf("unknown runtime: %d %s", unknown.status, unknown.body)
	}
	for _, body := range []string{"{", "[]", `{"Timeout":"x"}`, `{"Code":{"ZipFile":"%"}}`} {
		if a := g.do("POST", "/2015-03-31/functions", body); a.status != 400 || a.header.Get("x-amzn-ErrorType") != "SerializationException" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func TestTooLarge(t *testing.T) {
	g := newGateway(t)
	for method, path := range map[string]string{"POST": "/2015-03-31/functions", "PUT": "/2015-03-31/functions/f/code"} {
		operation := map[string]string{"POST": "CreateFunction", "PUT": "UpdateFunctionCode"}[method]
		req := httptest.NewRequest(method, path, nil)
		front := &awswire.StatusError{Status: 413, Type: "RequestEntityTooLargeException", Message: "Request body must be at most 1 bytes"}
		got := g.api.Protocol().Fault(req, "id", front)
		if want := validation("Request must be smaller than 70167211 bytes for the " + operation + " operation"); got.Status != 413 || string(got.Body) != want {
			t.Errorf("%d %s, want %s", got.Status, got.Body, want)
		}
	}
	signature := &awswire.StatusError{Status: 403, Type: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
	got := g.api.Protocol().Fault(httptest.NewRequest("GET", "/2015-03-31/functions", nil), "id", signature)
	if got.Status != 403 || string(got.Body) != validation(signature.Message) || map[string][]string(got.Header)["x-amzn-ErrorType"][0] != signature.Type {
		t.Errorf("%d %v %s", got.Status, got.Header, got.Body)
	}
}

func FuzzRequest(f *testing.F) {
	g := newGateway(f)
	g.create("f")
	for _, seed := range [][3]string{
		{"GET", "/2015-03-31/functions/f:1/configuration?Qualifier=x", ""}, {"POST", "/2015-03-31/functions", document(f, nil)},
		{"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", ""}, {"GET", "/2015-03-31/functions?Marker=AAAAAAAAAAAAMQ", ""},
		{"POST", "/2015-03-31/functions/f/policy", `{"StatementId":"s","Action":"lambda:*","Principal":"*"}`}, {"PUT", "/2015-03-31/functions/f/configuration", `{"Environment":{"Variables":{"a":null}}}`},
		{"POST", "/2015-03-31/functions/f/aliases", `{"Name":"a","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{"1":null}}}`}, {"GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", ""},
		{"DELETE", "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:f?tagKeys=a", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return
		}
		r := &awswire.Request{ID: "id", Method: method, Path: u.EscapedPath(), Query: u.Query(), Header: http.Header{}, Body: []byte(body), Principal: &sockgate.Principal{Root: true}}
		if _, err := g.api.Serve(t.Context(), r); err != nil {
			if resp := g.api.Protocol().Fault(httptest.NewRequest("GET", "/", nil), "id", err); resp.Status >= 500 && resp.Status != 501 || !json.Valid(resp.Body) {
				t.Errorf("%s %s: %v", method, target, err)
			}
		}
	})
}

func TestNames(t *testing.T) {
	g := newGateway(t)
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	for given, want := range map[string]string{
		"f": arn + "f", "f:1": arn + "f:1", "f:$LATEST": arn + "f:$LATEST", "f:%24LATEST": arn + "f:$LATEST", "000000000000:function:f": arn + "f",
		"000000000000:f:1": arn + "f:1", "function:f": arn + "f", arn + "f": arn + "f", arn + "f:1": arn + "f:1",
		"arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3A1": arn + "f:1", "us-east-1:000000000000:function:f": arn + "f",
		"f?Qualifier=1": arn + "f:1", "f:1?Qualifier=1": arn + "f:1", "f?Qualifier=$LATEST": arn + "f:$LATEST",
	} {
		path, query, _ := strings.Cut(given, "?")
		got := g.do("GET", "/2015-03-31/functions/"+path+"/configuration?"+query, "").ok(200)["FunctionArn"]
		if got != want {
			t.Errorf("%s: %v, want %s", given, got, want)
		}
	}
	get := func(name string) answer { return g.do("GET", "/2015-03-31/functions/"+name, "") }
	get("none").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none"))
	get("none:1").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none:1"))
	get("f:none").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"f:none"))
	get("arn:aws:lambda:eu-west-1:000000000000:function:f").refused(404, "ResourceNotFoundException", missing("Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"))
	get("111111111111:f").refused(404, "ResourceNotFoundException", missing("Function not found: 111111111111:f"))
	get("f:1?Qualifier=2").refused(400, "InvalidParameterValueException", user("The derived qualifier from the function name does not match the specified qualifier."))
	del := func(name string) answer { return g.do("DELETE", "/2015-03-31/functions/"+name, "") }
	del("none").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none"))
	del("none:1").refused(404, "ResourceNotFoundException", missing("Function not found: "+arn+"none"))
	del("f:$LATEST").refused(400, "InvalidParameterValueException", user("$LATEST version cannot be deleted without deleting the function."))
	del("f:live").refused(400, "InvalidParameterValueException", user("Deletion of aliases is not currently supported."))
	del("f:9").ok(204)
}

func TestStaleRevisions(t *testing.T) {
	g := newGateway(t)
	pending := *g.create("f").RevisionId
	want := user("The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	code := base64.StdEncoding.EncodeToString(zipOf(t, "index.js", "y"))
	g.do("PUT", "/2015-03-31/functions/f/configuration", `{"RevisionId":"`+pending+`","Timeout":9}`).refused(412, "PreconditionFailedException", want)
	g.do("PUT", "/2015-03-31/functions/f/code", `{"RevisionId":"old","ZipFile":"`+code+`"}`).refused(412, "PreconditionFailedException", want)
	g.do("PUT", "/2015-03-31/functions/f/code", `{"RevisionId":"old","DryRun":true,"ZipFile":"`+code+`"}`).refused(412, "PreconditionFailedException", want)
}

func TestWhatIsNotBuilt(t *testing.T) {
	g := newGateway(t)
	g.create("f")
	for path, name := range map[string]string{
		"POST /2021-10-31/functions/f/url":                             "CreateFunctionUrlConfig",
		"PUT /2019-09-25/functions/f/event-invoke-config":              "PutFunctionEventInvokeConfig",
		"GET /2019-09-30/functions/f/provisioned-concurrency":          "GetProvisionedConcurrencyConfig",
		"GET /2019-09-30/functions/f/provisioned-concurrency?List=ALL": "ListProvisionedConcurrencyConfigs",
		"POST /2015-03-31/event-source-mappings":                       "CreateEventSourceMapping",
		"POST /2021-11-15/functions/f/response-streaming-invocations":  "InvokeWithResponseStream",
	} {
		method, path, _ := strings.Cut(path, " ")
		g.do(method, path, "{}").refused(501, "NotImplementedException", `{"message":"lambda `+name+` is not built"}`)
	}
	if a := g.do("GET", "/2015-03-31/nothing", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if m := g.do("GET", "/2020-06-30/functions/f/code-signing-config", "").ok(200); m["FunctionName"] != "f" {
		t.Errorf("%v", m)
	}
}

func TestPermissionsAreAsked(t *testing.T) {
	g := newGateway(t)
	g.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	g.root = false
	for _, tt := range []struct{ method, path, body, asked string }{
		{"POST", "/2015-03-31/functions", document(t, map[string]any{"FunctionName": "g"}), "lambda:CreateFunction " + arn + "g, iam:PassRole " + role},
		{"GET", "/2015-03-31/functions", "", "lambda:ListFunctions *"},
		{"GET", "/2015-03-31/functions/f", "", "lambda:GetFunction " + arn + "f"},
		{"GET", "/2015-03-31/functions/f:1", "", "lambda:GetFunction " + arn + "f:1"},
		{"POST", "/2015-03-31/functions/f/invocations?Qualifier=1", "{}", "lambda:InvokeFunction " + arn + "f:1"},
		{"PUT", "/2015-03-31/functions/f/configuration", `{"Timeout":9}`, "lambda:UpdateFunctionConfiguration " + arn + "f"},
		{"PUT", "/2015-03-31/functions/f/configuration", `{"Role":"` + role + `"}`, "lambda:UpdateFunctionConfiguration " + arn + "f, iam:PassRole " + role},
		{"GET", "/2017-03-31/tags/" + arn + "f", "", "lambda:ListTags " + arn + "f"},
		{"GET", "/2018-10-31/layers/l/versions", "", "lambda:ListLayerVersions arn:aws:lambda:us-east-1:000000000000:layer:l"},
		// Spellings of one thing are asked about as one thing.
		{"GET", "/2015-03-31/functions/%66", "", "lambda:GetFunction " + arn + "f"},
		{"GET", "/2015-03-31/functions/000000000000:function:f", "", "lambda:GetFunction " + arn + "f"},
		{"GET", "/2015-03-31/functions/arn:aws-cn:lambda:us-east-1:000000000000:function:f", "", "lambda:GetFunction " + arn + "f"},
		{"GET", "/2015-03-31/functions/f:1/versions", "", "lambda:ListVersionsByFunction " + arn + "f"},
		{"GET", "/2015-03-31/functions/f/aliases?Qualifier=1", "", "lambda:ListAliases " + arn + "f"},
		{"GET", "/2017-03-31/tags/" + strings.Replace(arn, "aws", "aws-cn", 1) + "f", "", "lambda:ListTags " + arn + "f"},
		{"DELETE", "/2018-10-31/layers/l/versions/%2B07", "", "lambda:DeleteLayerVersion arn:aws:lambda:us-east-1:000000000000:layer:l:7"},
		{"DELETE", "/2018-10-31/layers/l/versions/7", "", "lambda:DeleteLayerVersion arn:aws:lambda:us-east-1:000000000000:layer:l:7"},
	} {
		g.asked, g.deny = nil, ""
		if a := g.do(tt.method, tt.path, tt.body); a.status >= 300 {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, a.status, a.body)
		}
		if got := strings.Join(g.asked, ", "); got != tt.asked {
			t.Errorf("%s %s asked %s, want %s", tt.method, tt.path, got, tt.asked)
		}
		action, _, _ := strings.Cut(tt.asked[strings.LastIndex(tt.asked, ", ")+1:], " arn")
		action = strings.TrimSuffix(strings.TrimSpace(action), " *")
		if g.deny = action; action == "iam:PassRole" && tt.method == "POST" {
			tt.body = document(t, map[string]any{"FunctionName": "h"})
		}
		a := g.do(tt.method, tt.path, tt.body)
		if a.status != 403 || a.header.Get("x-amzn-ErrorType") != "AccessDeniedException" || !strings.HasPrefix(a.body, `{"Message":"User: u is not authorized to perform: `+action) {
			t.Errorf("%s %s without %s: %d %s", tt.method, tt.path, action, a.status, a.body)
		}
	}
	if g.service.Get("h") != nil {
		t.Error("a function was made without permission")
	}
}

// TestLayersAreAsked: who gives a function a layer must be allowed to get the layer.
func TestLayersAreAsked(t *testing.T) {
	g := newGateway(t)
	g.create("f")
	g.root = false
	const layer = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"
	for _, tt := range []struct{ method, path, body, asked string }{
		{"POST", "/2015-03-31/functions", document(t, map[string]any{"FunctionName": "g", "Layers": []string{layer}}), "lambda:CreateFunction " + arn + "g, iam:PassRole " + role},
		{"PUT", "/2015-03-31/functions/f/configuration", `{"Layers":["arn:aws:lambda:us-east-1:000000000000:layer:l:01"]}`, "lambda:UpdateFunctionConfiguration " + arn + "f"},
		{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:l:01", "", ""},
	} {
		g.asked, g.deny = nil, "lambda:GetLayerVersion"
		a := g.do(tt.method, tt.path, tt.body)
		want := strings.TrimPrefix(tt.asked+", lambda:GetLayerVersion "+layer, ", ")
		if got := strings.Join(g.asked, ", "); a.status != 403 || got != want {
			t.Errorf("%s %s: %d, asked %s, want %s", tt.method, tt.path, a.status, got, want)
		}
	}
}

// TestPolicyOfLatest: $LATEST has no policy of its own, so the function's is what is asked about.
func TestPolicyOfLatest(t *testing.T) {
	g := newGateway(t)
	g.create("f")
	g.root = false
	for _, tt := range [][3]string{{"GET", "", "GetPolicy"}, {"DELETE", "/s", "RemovePermission"}, {"POST", "", "AddPermission"}} {
		g.asked = nil
		g.do(tt[0], "/2015-03-31/functions/f/policy"+tt[1]+"?Qualifier=$LATEST", `{"StatementId":"s","Action":"lambda:*","Principal":"*"}`)
		want := "lambda:" + tt[2] + " " + arn + "f"
		if tt[2] == "AddPermission" {
			want += ":$LATEST" // which is refused
		}
		if got := strings.Join(g.asked, ", "); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
}

func TestBadZipsLeaveTheFunctionAlone(t *testing.T) {
	g := newGateway(t)
	g.create("f")
	before := must[sdk.GetFunctionConfigurationOutput](t)(g.sdk.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")}))
	_, err := g.sdk.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: []byte("PK")})
	if code, _ := failed(err); code != "InvalidParameterValueException" {
		t.Errorf("%v", err)
	}
	after, err := g.sdk.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
	if err != nil || *after.CodeSha256 != *before.CodeSha256 || *after.RevisionId != *before.RevisionId {
		t.Errorf("%+v, %v", after, err)
	}
}
