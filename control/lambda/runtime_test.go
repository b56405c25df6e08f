package lambda_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestMain(m *testing.M) {
	supervise.Main() // this program starts functions, too
	m.Run()
}

// TestRealProcesses runs Node.js, Python and a program of its own behind the whole API.
func TestRealProcesses(t *testing.T) {
	pools, err := runtime.New(runtime.Config{Dir: t.TempDir(), Region: "us-east-1", Account: "000000000000", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := pools.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	g := newGatewayWith(t, pools, memory.New())
	ctx := t.Context()
	layer := must[sdk.PublishLayerVersionOutput](t)(g.sdk.PublishLayerVersion(ctx, &sdk.PublishLayerVersionInput{
		LayerName: aws.String("words"), Content: &types.LayerVersionContentInput{ZipFile: zipOf(t, "nodejs/node_modules/words/index.js", "exports.hello = 'hello'")},
	}))
	const shell = `#!/bin/sh
while :; do
  head=$(mktemp)
  body=$(curl -sS -D "$head" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next") || exit 1
  id=$(tr -d '\r' <"$head" | awk 'tolower($1)=="lambda-runtime-aws-request-id:"{print $2}')
  curl -sS -X POST --data-binary "$body" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" >/dev/null
done
`
	for _, tt := range []struct {
		name, runtime, handler string
		files                  []string
		layers                 []string
		payload, want          string
	}{
		{"node", "nodejs22.x", "index.handler", []string{"index.js", `
			const words = require('words');
			exports.handler = async (e, c) => { console.log('seen'); return words.hello + e.n + process.env.WHERE + c.functionVersion; };`},
			[]string{*layer.LayerVersionArn}, `{"n":1}`, `"hello1here$LATEST"`},
		{"python", "python3.12", "pkg/app.handler", []string{"pkg/app.py", "import os\ndef handler(e, c):\n  print('seen')\n  return [e['n'], os.environ['WHERE'], c.invoked_function_arn]\n"},
			nil, `{"n":1}`, `[1, "here", "` + arn + `python"]`},
		{"shell", "provided.al2023", "x", []string{"bootstrap", shell}, nil, `{"n":1}`, `{"n":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.create(tt.name, func(in *sdk.CreateFunctionInput) {
				in.Runtime, in.Handler, in.Layers = types.Runtime(tt.runtime), aws.String(tt.handler), tt.layers
				in.Code.ZipFile = zipOf(t, tt.files...)
				in.Timeout = aws.Int32(20)
				in.Environment = &types.Environment{Variables: map[string]string{"WHERE": "here"}}
			})
			out := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String(tt.name), Payload: []byte(tt.payload), LogType: types.LogTypeTail}))
			if string(out.Payload) != tt.want || out.FunctionError != nil {
				t.Errorf("%s, %v; want %s", out.Payload, aws.ToString(out.FunctionError), tt.want)
			}
			tail, _ := base64.StdEncoding.DecodeString(*out.LogResult)
			if !strings.Contains(string(tail), "START RequestId: ") || tt.name != "shell" && !strings.Contains(string(tail), "seen") {
				t.Errorf("log %q", tail)
			}
		})
	}

	// New code takes the place of the old at once.
	must[sdk.UpdateFunctionCodeOutput](t)(g.sdk.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{
		FunctionName: aws.String("node"), ZipFile: zipOf(t, "index.mjs", "export const handler = async () => { throw new TypeError('no'); };"),
	}))
	out := must[sdk.InvokeOutput](t)(g.sdk.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("node")}))
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.HasPrefix(string(out.Payload), `{"errorType":"TypeError","errorMessage":"no"`) {
		t.Errorf("%s", out.Payload)
	}
	_, err = g.sdk.CreateFunction(ctx, &sdk.CreateFunctionInput{
		FunctionName: aws.String("j"), Role: aws.String(role), Runtime: types.RuntimeJava21, Handler: aws.String("a.B::c"), Code: &types.FunctionCode{ZipFile: zipOf(t, "a", "b")},
	})
	if code, message := failed(err); code != "InvalidParameterValueException" || !strings.Contains(message, "java21") {
		t.Errorf("a runtime that is not built: %v", err)
	}
}
