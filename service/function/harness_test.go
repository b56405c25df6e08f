package function_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/code"
	"github.com/sockgate/sockgate/service/function/runtime"
	"github.com/sockgate/sockgate/state/store"
	"github.com/sockgate/sockgate/state/store/memory"
)

const account = "arn:aws:lambda:us-east-1:000000000000:function:"

// runner is a Runner that only remembers.
type runner struct {
	mu      sync.Mutex
	calls   []call
	retired []string
	quiet   bool                                                              // nothing is remembered, for benchmarks
	invoke  func(*runtime.Spec, *runtime.Invocation) (*runtime.Result, error) // nil echoes the payload
}

type call struct {
	spec runtime.Spec
	in   runtime.Invocation
}

func (r *runner) Check(string) error { return nil }

func (r *runner) Invoke(_ context.Context, s *runtime.Spec, in *runtime.Invocation) (*runtime.Result, error) {
	if r.quiet {
		return &runtime.Result{Payload: in.Payload}, nil
	}
	r.mu.Lock()
	r.calls = append(r.calls, call{*s, *in})
	r.mu.Unlock()
	if r.invoke != nil {
		return r.invoke(s, in)
	}
	return &runtime.Result{Payload: in.Payload}, nil
}

func (r *runner) Retire(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired = append(r.retired, name)
}

func (r *runner) last(t *testing.T) call {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) == 0 {
		t.Fatal("nothing was called")
	}
	return r.calls[len(r.calls)-1]
}

// world is a service over a store in memory with a runner that remembers.
type world struct {
	*function.Service
	t      testing.TB
	runner *runner
	store  store.Store
	dir    string
}

func newWorld(t testing.TB, edit ...func(*function.Config)) *world {
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	return newWorldOn(t, st, t.TempDir(), edit...)
}

func newWorldOn(t testing.TB, st store.Store, dir string, edit ...func(*function.Config)) *world {
	t.Helper()
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
	w := &world{t: t, runner: &runner{}, store: st, dir: dir}
	cfg := function.Config{
		Store: st, Code: files, Runner: w.runner, Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	}
	for _, e := range edit {
		e(&cfg)
	}
	if w.Service, err = function.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func zipOf(t testing.TB, name, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create(name)
	if err == nil {
		_, err = f.Write([]byte(body))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put stores code and returns how a version names it.
func (w *world) put(body string) function.Version {
	w.t.Helper()
	blob, release, err := w.PutCode(w.t.Context(), zipOf(w.t, "index.js", body))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(release)
	return function.Version{
		Version: function.Latest, Runtime: "nodejs22.x", Handler: "index.handler", Timeout: 3, MemorySize: 128, TmpSize: 512,
		SHA256: blob.SHA256, CodeSize: blob.Size, RevisionID: "1",
	}
}

// create makes a function.
func (w *world) create(name string, edit ...func(*function.Record)) {
	w.t.Helper()
	r := &function.Record{Name: name, Latest: w.put("exports.handler of " + name)}
	for _, e := range edit {
		e(r)
	}
	if err := w.Create(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) change(name string, change func(*function.Record) error) {
	w.t.Helper()
	if _, err := w.Change(w.t.Context(), name, change); err != nil {
		w.t.Fatal(err)
	}
}

func open(r *function.Record) {
	if r.Policies == nil {
		r.Policies = map[string][]function.Statement{}
	}
	r.Policies[""] = []function.Statement{{Sid: "all", Service: "apigateway.amazonaws.com", Action: "lambda:InvokeFunction"}}
}
