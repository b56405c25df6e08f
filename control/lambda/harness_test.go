package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/lambda"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/code"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

const (
	arn  = "arn:aws:lambda:us-east-1:000000000000:function:"
	role = "arn:aws:iam::000000000000:role/r"
)

// start is what the clock shows.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// runner is a function.Runner without processes.
type runner struct {
	mu     sync.Mutex
	calls  []runtime.Invocation
	invoke func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) // nil echoes the payload
}

func (r *runner) Check(name string) error {
	if strings.HasPrefix(name, "java") {
		return sockgate.Invalidf("runtime %s is not built", name)
	}
	return nil
}

func (r *runner) Invoke(_ context.Context, s *runtime.Spec, in *runtime.Invocation) (*runtime.Result, error) {
	r.mu.Lock()
	r.calls = append(r.calls, *in)
	r.mu.Unlock()
	if r.invoke != nil {
		return r.invoke(s, in)
	}
	result := &runtime.Result{Payload: slices.Clone(in.Payload)}
	if in.Tail {
		result.LogTail = []byte("START\nEND\n")
	}
	return result, nil
}

func (r *runner) Retire(string) {}

// gateway is a control plane over a store in memory, with the real SDK as its client. Signatures are another package's.
type gateway struct {
	t       testing.TB
	url     string
	client  *http.Client
	sdk     *sdk.Client
	runner  *runner
	service *function.Service
	api     *lambda.Service
	asked   []string // permissions
	deny    string   // an action that is not allowed
	root    bool
}

func newGateway(t testing.TB, edit ...func(*lambda.Config)) *gateway {
	return newGatewayWith(t, &runner{}, memory.New(), edit...)
}

func newGatewayWith(t testing.TB, run function.Runner, st store.Store, edit ...func(*lambda.Config)) *gateway {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { // so that the read-only directories can be removed
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(p, 0o700)
			}
			return err
		})
	})
	files, err := code.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, root: true}
	g.runner, _ = run.(*runner)
	g.service, err = function.New(function.Config{
		Store: st, Code: files, Runner: run, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := lambda.Config{
		Functions: g.service, Account: "000000000000", Region: "us-east-1", Clock: func() time.Time { return start },
	}
	for _, e := range edit {
		e(&cfg)
	}
	svc := lambda.New(cfg)
	g.api = svc
	mux := http.NewServeMux()
	mux.Handle(lambda.LinkPath, svc.Links())
	mux.Handle("/", awswire.New(awswire.Config{
		Verify: func(*http.Request, []byte, ...string) (*sockgate.Principal, error) {
			return &sockgate.Principal{Root: g.root, ARN: "arn:aws:iam::000000000000:user/u"}, nil
		},
		Screen: func(*http.Request, ...string) error { return nil },
		Authorize: func(_ *sockgate.Principal, action string, resources []string, _ awswire.Keys) error {
			g.asked = append(g.asked, action+" "+strings.Join(resources, " "))
			if action == g.deny {
				return sockgate.Forbiddenf("User: u is not authorized to perform: %s on resource: %s", action, resources[0])
			}
			return nil
		},
		Services: []awswire.Service{svc}, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler), MaxBody: 80 << 20,
	}))
	srv := httptest.NewServer(mux)
	g.url, g.client = srv.URL, srv.Client()
	g.sdk = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), RetryMaxAttempts: 1, HTTPClient: srv.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
	t.Cleanup(func() {
		srv.Close()
		g.service.Drain(context.Background())
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// answer is a raw reply.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do sends a request without the SDK's own checks.
func (g *gateway) do(method, path, body string, headers ...string) answer {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{g.t, resp.StatusCode, resp.Header, string(raw)}
}

// ok fails the test unless the reply has the given status, and returns its body.
func (a answer) ok(status int) map[string]any {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	var m map[string]any
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &m); err != nil {
			a.t.Fatal(err)
		}
	}
	return m
}

// refused fails the test unless the reply is the error, with exactly this body.
func (a answer) refused(status int, typ, body string) {
	a.t.Helper()
	if got := a.header.Get("x-amzn-ErrorType"); a.status != status || got != typ || a.body != body {
		a.t.Errorf("got  %d %s %s\nwant %d %s %s", a.status, got, a.body, status, typ, body)
	}
}

// The bodies of Lambda's most common errors.
func user(message string) string       { return `{"Type":"User","message":` + quote(message) + `}` }
func missing(message string) string    { return `{"Type":"User","Message":` + quote(message) + `}` }
func validation(message string) string { return `{"message":` + quote(message) + `}` }

func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := z.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// create makes a function with the SDK.
func (g *gateway) create(name string, edit ...func(*sdk.CreateFunctionInput)) *sdk.CreateFunctionOutput {
	g.t.Helper()
	in := &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: types.RuntimeNodejs22x, Handler: aws.String("index.handler"),
		Code: &types.FunctionCode{ZipFile: zipOf(g.t, "index.js", "exports.handler of "+name)},
	}
	for _, e := range edit {
		e(in)
	}
	out, err := g.sdk.CreateFunction(g.t.Context(), in)
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

// document is a valid body of CreateFunction with some members replaced; nil removes one.
func document(t testing.TB, edit map[string]any) string {
	m := map[string]any{
		"FunctionName": "f", "Role": role, "Runtime": "nodejs22.x", "Handler": "index.handler",
		"Code": map[string]any{"ZipFile": base64.StdEncoding.EncodeToString(zipOf(t, "index.js", "x"))},
	}
	for k, v := range edit {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// must returns a value that an SDK call answered.
func must[T any](t testing.TB) func(v *T, err error) *T {
	return func(v *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// failed returns the AWS name and text of an error.
func failed(err error) (code, message string) {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode(), api.ErrorMessage()
	}
	return "", ""
}
