package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
	"github.com/sockgate/sockgate/telemetry/logs"
)

func TestMain(m *testing.M) {
	supervise.Main()
	if dir := os.Getenv(gatewayVariable); dir != "" {
		beGateway(dir)
	}
	goleak.VerifyTestMain(m)
}

// env is a set of pools with its logs.
type env struct {
	*runtime.Pools
	logs *logs.Groups
	dir  string
	n    atomic.Int64
}

func newEnv(t testing.TB, change ...func(*runtime.Config)) *env {
	t.Helper()
	e := &env{dir: t.TempDir()}
	groups, err := logs.Open(logs.Config{Dir: filepath.Join(e.dir, "logs"), Keep: 5})
	if err != nil {
		t.Fatal(err)
	}
	e.logs = groups
	c := runtime.Config{Dir: filepath.Join(e.dir, "functions"), Logs: groups, Region: "us-east-1", Account: "000000000000",
		Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	if e.Pools, err = runtime.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		_ = groups.Close(ctx)
	})
	return e
}

// function writes files and returns how to run them. The handler is index.handler or app.handler.
func (e *env) function(t testing.TB, runtimeName string, files map[string]string, change ...func(*runtime.Spec)) *runtime.Spec {
	t.Helper()
	n := e.n.Add(1)
	dir := filepath.Join(e.dir, fmt.Sprintf("code%d", n))
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("f%d", n)
	handler := "index.handler"
	if strings.HasPrefix(runtimeName, "python") {
		handler = "app.handler"
	}
	s := &runtime.Spec{ID: name, FunctionName: name, Version: "$LATEST", Runtime: runtimeName, Handler: handler, CodeDir: dir,
		ARN: "arn:aws:lambda:us-east-1:000000000000:function:" + name, Timeout: 10 * time.Second, MemoryMB: 256}
	for _, f := range change {
		f(s)
	}
	return s
}

func node(code string) map[string]string   { return map[string]string{"index.js": code} }
func python(code string) map[string]string { return map[string]string{"app.py": code} }

var requestIDs atomic.Int64

func newInvocation(s *runtime.Spec, payload string) *runtime.Invocation {
	return &runtime.Invocation{RequestID: fmt.Sprintf("00000000-0000-4000-8000-%012d", requestIDs.Add(1)), TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793",
		InvokedARN: s.ARN, Payload: []byte(payload), Tail: true}
}

// call invokes and fails the test when that is not possible at all.
func (e *env) call(t testing.TB, s *runtime.Spec, payload string) *runtime.Result {
	t.Helper()
	r, err := e.Invoke(context.Background(), s, newInvocation(s, payload))
	if err != nil {
		t.Fatalf("invoke: %v", err)
	}
	return r
}

// group returns what the function's log group has.
func (e *env) group(t testing.TB, s *runtime.Spec) string {
	t.Helper()
	e.logs.Sync()
	data, err := os.ReadFile(filepath.Join(e.dir, "logs", "aws", "lambda", s.FunctionName+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
