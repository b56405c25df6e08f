package function_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/state/store/memory"
)

const source = "arn:aws:execute-api:us-east-1:000000000000:abc123/prod/$default"

func TestPermissions(t *testing.T) {
	gateway := func(sourceARN string) function.Statement {
		return function.Statement{Sid: "s", Service: "apigateway.amazonaws.com", Action: "lambda:InvokeFunction", SourceARN: sourceARN}
	}
	tests := []struct {
		name      string
		qualifier string // of the call
		policies  map[string][]function.Statement
		allowed   bool
	}{
		{"no policy", "", nil, false},
		{"any source", "", map[string][]function.Statement{"": {gateway("")}}, true},
		{"the source", "", map[string][]function.Statement{"": {gateway(source)}}, true},
		{"a pattern", "", map[string][]function.Statement{"": {gateway("arn:aws:execute-api:us-east-1:000000000000:abc123/*")}}, true},
		{"stage and route patterns", "", map[string][]function.Statement{"": {gateway("arn:aws:execute-api:us-east-1:000000000000:abc123/*/$default")}}, true},
		{"another API", "", map[string][]function.Statement{"": {gateway("arn:aws:execute-api:us-east-1:000000000000:xyz/*")}}, false},
		{"another service", "", map[string][]function.Statement{"": {{Sid: "s", Service: "s3.amazonaws.com", Action: "lambda:InvokeFunction"}}}, false},
		{"another action", "", map[string][]function.Statement{"": {{Sid: "s", Service: "apigateway.amazonaws.com", Action: "lambda:GetFunction"}}}, false},
		{"any action", "", map[string][]function.Statement{"": {{Sid: "s", Service: "apigateway.amazonaws.com", Action: "lambda:*"}}}, true},
		{"everybody", "", map[string][]function.Statement{"": {{Sid: "s", AWS: "*", Action: "lambda:InvokeFunction"}}}, true},
		{"the account", "", map[string][]function.Statement{"": {{Sid: "s", Service: "apigateway.amazonaws.com", Action: "lambda:InvokeFunction", SourceAccount: "000000000000"}}}, true},
		{"another account", "", map[string][]function.Statement{"": {{Sid: "s", Service: "apigateway.amazonaws.com", Action: "lambda:InvokeFunction", SourceAccount: "111111111111"}}}, false},
		{"the second statement", "", map[string][]function.Statement{"": {{Sid: "first", Service: "s3.amazonaws.com", Action: "lambda:InvokeFunction"}, gateway(source)}}, true},
		{"$LATEST has the function's", "$LATEST", map[string][]function.Statement{"": {gateway("")}}, true},
		{"an alias has its own", "live", map[string][]function.Statement{"": {gateway("")}}, false},
		{"the alias's", "live", map[string][]function.Statement{"live": {gateway("")}}, true},
		{"a version has its own", "1", map[string][]function.Statement{"": {gateway("")}, "live": {gateway("")}}, false},
		{"the version's", "1", map[string][]function.Statement{"1": {gateway("")}}, true},
		{"the alias's is not the function's", "", map[string][]function.Statement{"live": {gateway("")}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.create("f", func(r *function.Record) {
				r.Policies = tt.policies
				r.Publish("", requestid.New)
				r.Aliases = []function.Alias{{Name: "live", Version: "1"}}
			})
			arn := w.ARN("f", tt.qualifier)
			answer, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: arn, SourceARN: source, Payload: []byte(`{"a":1}`), TraceID: "Root=1-2"})
			if tt.allowed {
				if err != nil || string(answer.Payload) != `{"a":1}` || answer.RequestID == "" {
					t.Fatalf("%v, %v", answer, err)
				}
				if in := w.runner.last(t).in; in.InvokedARN != arn || in.TraceID != "Root=1-2" || in.RequestID != answer.RequestID {
					t.Errorf("invocation %+v", in)
				}
				return
			}
			e, ok := errors.AsType[*sockgate.Error](err)
			if !ok || e.Kind != sockgate.Forbidden || e.Cause == nil {
				t.Fatalf("%v", err)
			}
			for _, part := range []string{"aws lambda add-permission --function-name f", "apigateway.amazonaws.com", source, arnOf(arn)} {
				if !strings.Contains(e.Cause.Error(), part) {
					t.Errorf("the cause does not say %q: %v", part, e.Cause)
				}
			}
			if strings.Contains(e.Message, source) {
				t.Errorf("the peer reads %q", e.Message)
			}
			if len(w.runner.calls) > 0 {
				t.Error("the function ran")
			}
		})
	}
}

func arnOf(arn string) string { return strings.TrimSuffix(arn, ":$LATEST") }

func TestRolesAndCallersAreAsked(t *testing.T) {
	var asked []string
	w := newWorld(t, func(c *function.Config) {
		c.AllowsRole = func(role, action, resource string) error {
			asked = append(asked, role+" "+action+" "+resource)
			if strings.HasSuffix(role, "/no") {
				return sockgate.Forbiddenf("no")
			}
			return nil
		}
		c.AllowsCaller = func(p *sockgate.Principal, action, resource string) error {
			asked = append(asked, p.ARN+" "+action+" "+resource)
			return nil
		}
	})
	w.create("f") // without a policy
	if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", RoleARN: "role/yes"}); err != nil {
		t.Error(err)
	}
	if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", RoleARN: "role/no"}); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Error(err)
	}
	if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", Caller: &sockgate.Principal{ARN: "user/u"}, RoleARN: "role/no"}); err != nil {
		t.Error(err)
	}
	want := "role/yes lambda:InvokeFunction " + account + "f|role/no lambda:InvokeFunction " + account + "f|user/u lambda:InvokeFunction " + account + "f"
	if got := strings.Join(asked, "|"); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	closed := newWorld(t)
	closed.create("f", open)
	for _, c := range []sockgate.FunctionCall{{Function: account + "f", RoleARN: "r"}, {Function: account + "f", Caller: &sockgate.Principal{}}} {
		if _, err := closed.Call(t.Context(), &c); sockgate.KindOf(err) != sockgate.Forbidden {
			t.Errorf("with nobody to ask: %v", err)
		}
	}
}

func TestQualifiers(t *testing.T) {
	share := 0.0
	w := newWorld(t, func(c *function.Config) { c.Rand = func() float64 { return share } })
	w.create("f", func(r *function.Record) {
		r.Publish("", requestid.New)
		r.Latest.Timeout = 5
		r.Publish("", requestid.New)
		r.Latest.Timeout = 7
		r.Aliases = []function.Alias{{Name: "one", Version: "1"}, {Name: "some", Version: "1", Additional: map[string]float64{"2": 0.25}}}
	})
	tests := []struct {
		qualifier string
		share     float64
		version   string
		timeout   time.Duration
		arn       string
	}{
		{"", 0, "$LATEST", 7 * time.Second, account + "f"},
		{"$LATEST", 0, "$LATEST", 7 * time.Second, account + "f"},
		{"1", 0, "1", 3 * time.Second, account + "f:1"},
		{"2", 0, "2", 5 * time.Second, account + "f:2"},
		{"one", 0, "1", 3 * time.Second, account + "f:1"},
		{"some", 0.24, "2", 5 * time.Second, account + "f:2"},
		{"some", 0.25, "1", 3 * time.Second, account + "f:1"},
	}
	ids := map[string]string{}
	for _, tt := range tests {
		share = tt.share
		out, err := w.Invoke(t.Context(), &function.Invocation{Name: "f", Qualifier: tt.qualifier})
		if err != nil || out.Version != tt.version {
			t.Errorf("%s: %+v, %v", tt.qualifier, out, err)
			continue
		}
		spec := w.runner.last(t).spec
		if spec.Version != tt.version || spec.Timeout != tt.timeout || spec.ARN != tt.arn || spec.FunctionName != "f" {
			t.Errorf("%s at %v: %+v", tt.qualifier, tt.share, spec)
		}
		if _, err := os.Stat(filepath.Join(spec.CodeDir, "index.js")); err != nil {
			t.Error(err)
		}
		if other, ok := ids[tt.version]; ok && other != spec.ID {
			t.Errorf("version %s has two ids", tt.version)
		}
		ids[tt.version] = spec.ID
	}
	if len(ids) != 3 || ids["1"] == ids["2"] {
		t.Errorf("ids %v", ids)
	}
	for _, missing := range []string{"3", "none", "$latest"} {
		_, err := w.Invoke(t.Context(), &function.Invocation{Name: "f", Qualifier: missing})
		if sockgate.KindOf(err) != sockgate.NotFound || err.Error() != "Function not found: "+account+"f:"+missing {
			t.Errorf("%s: %v", missing, err)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.create("f", open)
	for _, arn := range []string{
		account + "g", account + "f:none", "arn:aws:lambda:eu-west-1:000000000000:function:f", "arn:aws:lambda:us-east-1:111111111111:function:f", "f", "",
	} {
		if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: arn, SourceARN: source}); sockgate.KindOf(err) != sockgate.NotFound {
			t.Errorf("%q: %v", arn, err)
		}
	}
}

func TestChangesAreLiveAndRetire(t *testing.T) {
	w := newWorld(t)
	w.create("f", open)
	call := func() runtime.Spec {
		t.Helper()
		if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", SourceARN: source}); err != nil {
			t.Fatal(err)
		}
		return w.runner.last(t).spec
	}
	before := call()
	steps := []struct {
		name    string
		change  func(*function.Record)
		retires bool
	}{
		{"tags", func(r *function.Record) { r.Tags = map[string]string{"a": "b"} }, false},
		{"policy", func(r *function.Record) { r.Policies["1"] = nil; r.Latest.RevisionID = "x" }, false},
		{"publish", func(r *function.Record) { r.Publish("", requestid.New) }, false},
		{"environment", func(r *function.Record) { r.Latest.Environment = map[string]string{"A": "1"} }, true},
		{"timeout", func(r *function.Record) { r.Latest.Timeout = 9 }, true},
		{"code", func(r *function.Record) { r.Latest.SHA256 = w.put("new").SHA256 }, true},
		{"concurrency", func(r *function.Record) { n := 4; r.Reserved = &n }, true},
	}
	for _, step := range steps {
		w.runner.retired = nil
		w.change("f", func(r *function.Record) error { step.change(r); return nil })
		after := call()
		if retired := len(w.runner.retired) > 0; retired != step.retires || (after.ID != before.ID) != step.retires {
			t.Errorf("%s: retired %v, id changed %v; want %v", step.name, retired, after.ID != before.ID, step.retires)
		}
		before = after
	}
	if before.Concurrency != 4 || before.Env["A"] != "1" {
		t.Errorf("%+v", before)
	}
	w.runner.retired = nil
	if err := w.Delete(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f"}); sockgate.KindOf(err) != sockgate.NotFound {
		t.Errorf("a deleted function: %v", err)
	}
	if len(w.runner.retired) != 1 {
		t.Errorf("retired %v", w.runner.retired)
	}
}

func TestReservedToZero(t *testing.T) {
	w := newWorld(t)
	w.create("f", func(r *function.Record) { r.Reserved = new(int) })
	if _, err := w.Invoke(t.Context(), &function.Invocation{Name: "f"}); sockgate.KindOf(err) != sockgate.Throttled {
		t.Error(err)
	}
	if len(w.runner.calls) != 0 {
		t.Error("it ran")
	}
}

func TestRestart(t *testing.T) {
	st, dir := memory.New(), t.TempDir()
	defer st.Close()
	w := newWorldOn(t, st, dir)
	w.create("f", func(r *function.Record) {
		open(r)
		r.Publish("", requestid.New)
		r.Aliases = []function.Alias{{Name: "live", Version: "1"}}
	})
	layer := w.put("layer")
	_, err := w.ChangeLayer(t.Context(), "l", func(l *function.Layer) error {
		l.LastVersion++
		l.Versions = append(l.Versions, function.LayerVersion{Version: l.LastVersion, SHA256: layer.SHA256})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stray := w.put("never named by a record")

	again := newWorldOn(t, st, dir)
	if _, err := again.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", SourceARN: source}); err != nil {
		t.Error(err)
	}
	if _, err := again.Invoke(t.Context(), &function.Invocation{Name: "f", Qualifier: "live"}); err != nil {
		t.Error(err)
	}
	if l := again.Layer("l"); l == nil || l.Find(1) == nil || len(again.Layers()) != 1 || len(again.List()) != 1 {
		t.Errorf("%v", l)
	}
	for sum, there := range map[string]bool{layer.SHA256: true, stray.SHA256: false} {
		if _, err := again.Code.Zip(sum); (err == nil) != there {
			t.Errorf("%s: %v, want it there: %v", sum[:8], err, there)
		}
	}
}

func TestADamagedDocumentKeepsItsCode(t *testing.T) {
	st, dir := memory.New(), t.TempDir()
	defer st.Close()
	w := newWorldOn(t, st, dir)
	w.create("f")
	sum := w.Get("f").Latest.SHA256
	e, err := st.Get(t.Context(), "function.f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Update(t.Context(), e.Key, []byte("{"), e.Revision); err != nil {
		t.Fatal(err)
	}
	again := newWorldOn(t, st, dir)
	if again.Get("f") != nil {
		t.Error("the damaged function is there")
	}
	if _, err := again.Code.Zip(sum); err != nil {
		t.Errorf("its code: %v", err)
	}
}

// TestAnotherNode changes the store behind the service's back.
func TestAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		defer st.Close()
		dir := t.TempDir()
		here, there := newWorldOn(t, st, dir), newWorldOn(t, st, dir)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := here.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		})
		there.create("f")
		synctest.Wait()
		if here.Get("f") == nil {
			t.Error("a function of the other node is not seen")
		}
		there.change("f", func(r *function.Record) error { r.Latest.Timeout = 11; return nil })
		synctest.Wait()
		if r := here.Get("f"); r == nil || r.Latest.Timeout != 11 {
			t.Errorf("its change is not seen: %+v", r)
		}
		if err := there.Delete(t.Context(), "f"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if here.Get("f") != nil {
			t.Error("its end is not seen")
		}
		cancel()
		running.Wait()
	})
}

func TestCodeIsRemovedOnceNobodyRunsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = w.Run(ctx) })
		blob, release, err := w.PutCode(ctx, zipOf(t, "index.js", "old"))
		if err != nil {
			t.Fatal(err)
		}
		r := &function.Record{Name: "f", Latest: function.Version{Version: function.Latest, SHA256: blob.SHA256}}
		if err := w.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		release()
		leave := make(chan struct{})
		w.runner.invoke = func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) {
			<-leave
			return &runtime.Result{}, nil
		}
		running.Go(func() {
			if _, err := w.Invoke(ctx, &function.Invocation{Name: "f"}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := w.Delete(ctx, "f"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := w.Code.Zip(blob.SHA256); err != nil {
			t.Errorf("the code of a running call: %v", err)
		}
		close(leave)
		synctest.Wait()
		if _, err := w.Code.Zip(blob.SHA256); sockgate.KindOf(err) != sockgate.NotFound {
			t.Errorf("unused code: %v", err)
		}
		cancel()
		running.Wait()
	})
}

func TestCodeThatTheDiskDidNotTakeLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = w.Run(ctx) })
		zip := zipOf(t, "index.js", "too much")
		sum := fmt.Sprintf("%x", sha256.Sum256(zip))
		inTheWay := filepath.Join(w.dir, "zip", sum)
		if err := os.Mkdir(inTheWay, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.PutCode(ctx, zip); sockgate.KindOf(err) != sockgate.Unavailable {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if _, err := os.Stat(filepath.Join(w.dir, "tree", sum)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was unpacked is still there: %v", err)
		}
		cancel()
		running.Wait()
	})
}

func TestConcurrentChangesAndCalls(t *testing.T) {
	w := newWorld(t)
	w.create("f", open)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 20 {
				_, err := w.Change(t.Context(), "f", func(r *function.Record) error {
					r.Latest.Description = fmt.Sprint(i, j)
					r.Latest.Timeout = 1 + j
					return nil
				})
				if err != nil && sockgate.KindOf(err) != sockgate.Conflict {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 200 {
				if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: account + "f", SourceARN: source}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestEvents(t *testing.T) {
	failed := &runtime.Result{FunctionError: "Unhandled"}
	throttled := &sockgate.Error{Kind: sockgate.Throttled}
	tests := []struct {
		name    string
		answers []any // *runtime.Result or error, one for each try
		at      []time.Duration
	}{
		{"at once", []any{&runtime.Result{}}, []time.Duration{0}},
		{"at the second try", []any{failed, &runtime.Result{}}, []time.Duration{0, time.Minute}},
		{"three failures", []any{failed, failed, failed}, []time.Duration{0, time.Minute, 3 * time.Minute}},
		{"throttled", []any{throttled, throttled, throttled, &runtime.Result{}}, []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}},
		{"throttled, then failed", []any{throttled, failed, &runtime.Result{}}, []time.Duration{0, time.Second, time.Second + time.Minute}},
		{"too large", []any{sockgate.TooLargef("x")}, []time.Duration{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.create("f")
				start := time.Now()
				var at []time.Duration
				w.runner.invoke = func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) {
					at = append(at, time.Since(start))
					if len(at) > len(tt.answers) {
						return &runtime.Result{}, nil
					}
					if err, ok := tt.answers[len(at)-1].(error); ok {
						return nil, err
					}
					return tt.answers[len(at)-1].(*runtime.Result), nil
				}
				id, err := w.InvokeLater(&function.Invocation{Name: "f", Payload: []byte(`1`)})
				if err != nil || id == "" {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				w.Drain(t.Context())
				if fmt.Sprint(at) != fmt.Sprint(tt.at) {
					t.Errorf("tried at %v, want %v", at, tt.at)
				}
			})
		})
	}
}

// TestACallThatMayComeLater: the gateway's own asynchronous calls need the same permission as the others, and keep their payload.
func TestACallThatMayComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("f")
		var got []string
		w.runner.invoke = func(s *runtime.Spec, in *runtime.Invocation) (*runtime.Result, error) {
			got = append(got, string(in.Payload)+" "+in.TraceID)
			return &runtime.Result{Payload: []byte(`1`)}, nil
		}
		payload := []byte(`{"a":1}`)
		call := &sockgate.FunctionCall{Function: account + "f", SourceARN: source, Payload: payload, TraceID: "Root=1-2", Later: true}
		if _, err := w.Call(t.Context(), call); sockgate.KindOf(err) != sockgate.Forbidden {
			t.Errorf("without a permission: %v", err)
		}
		w.create("open", open)
		call.Function = account + "open"
		a, err := w.Call(t.Context(), call)
		copy(payload, `XXXXXXX`)
		if err != nil || a.Payload != nil || a.Error != "" || a.RequestID == "" {
			t.Errorf("%+v, %v", a, err)
		}
		call.Payload = make([]byte, function.MaxEventPayload+1)
		if _, err := w.Call(t.Context(), call); sockgate.KindOf(err) != sockgate.TooLarge {
			t.Errorf("a payload too large: %v", err)
		}
		w.Drain(t.Context())
		if fmt.Sprint(got) != `[{"a":1} Root=1-2]` {
			t.Errorf("ran %q", got)
		}
	})
}

func TestEventBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *function.Config) { c.MaxEvents, c.MaxConcurrency = 5, 2 })
		w.create("f")
		leave := make(chan struct{})
		w.runner.invoke = func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) {
			<-leave
			return &runtime.Result{}, nil
		}
		later := func() error {
			_, err := w.InvokeLater(&function.Invocation{Name: "f"})
			return err
		}
		for range 5 {
			if err := later(); err != nil {
				t.Fatal(err)
			}
		}
		if err := later(); sockgate.KindOf(err) != sockgate.Throttled {
			t.Errorf("the sixth of five: %v", err)
		}
		synctest.Wait()
		if n := len(w.runner.calls); n != 2 {
			t.Errorf("%d run at the same time, want 2", n)
		}
		if _, err := w.InvokeLater(&function.Invocation{Name: "none"}); sockgate.KindOf(err) != sockgate.NotFound {
			t.Errorf("no such function: %v", err)
		}
		close(leave)
		synctest.Wait()
		if n := len(w.runner.calls); n != 5 {
			t.Errorf("%d ran, want 5", n)
		}
		if err := later(); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
		w.Drain(t.Context())
		if err := later(); sockgate.KindOf(err) != sockgate.Unavailable {
			t.Errorf("after Drain: %v", err)
		}
	})
}

func TestDrainGivesUpRetriesAndWaitsForTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("f")
		w.create("slow")
		finished := false
		w.runner.invoke = func(s *runtime.Spec, _ *runtime.Invocation) (*runtime.Result, error) {
			if s.FunctionName == "slow" {
				time.Sleep(10 * time.Second)
				finished = true
				return &runtime.Result{}, nil
			}
			return &runtime.Result{FunctionError: "Unhandled"}, nil
		}
		for _, name := range []string{"f", "slow"} {
			if _, err := w.InvokeLater(&function.Invocation{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		w.Drain(ctx)
		if !finished || time.Since(start) != 10*time.Second {
			t.Errorf("finished %v after %v", finished, time.Since(start))
		}
		if n := len(w.runner.calls); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestPolicyDocument(t *testing.T) {
	yes := true
	got := string(function.Policy("arn:x", []function.Statement{
		{Sid: "a", Service: "apigateway.amazonaws.com", Action: "lambda:InvokeFunction", SourceARN: "arn:aws:execute-api:us-east-1:000000000000:a/*/$connect"},
		{Sid: "b", AWS: "arn:aws:iam::111111111111:root", Action: "lambda:GetFunction", SourceAccount: "222222222222", PrincipalOrgID: "o-1234567890", ViaURL: &yes},
		{Sid: "c", AWS: "*", Action: "lambda:InvokeFunctionUrl", URLAuthType: "NONE", EventSourceToken: "t<&>"},
	}))
	want := `{"Version":"2012-10-17","Id":"default","Statement":[` +
		`{"Sid":"a","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:x","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:000000000000:a/*/$connect"}}},` +
		`{"Sid":"b","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"lambda:GetFunction","Resource":"arn:x","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"},"StringEquals":{"AWS:SourceAccount":"222222222222","aws:PrincipalOrgID":"o-1234567890"}}},` +
		`{"Sid":"c","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"arn:x","Condition":{"StringEquals":{"lambda:EventSourceToken":"t<&>","lambda:FunctionUrlAuthType":"NONE"}}}]}`
	if got != want || !json.Valid([]byte(got)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
