package function_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function"
)

const elsewhere = "arn:aws:lambda:eu-west-1:111111111111:function:"

func TestRemote(t *testing.T) {
	var (
		mu     sync.Mutex
		got    *http.Request
		body   string
		answer = func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"ok":true}`) }
	)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		got, body = r, string(raw)
		reply := answer
		mu.Unlock()
		reply(w)
	}))
	defer srv.Close()
	keys := func(context.Context) (sockgate.Credentials, error) {
		return sockgate.Credentials{AccessKeyID: "AKIDREMOTE", SecretAccessKey: "secret", SessionToken: "token"}, nil
	}
	w := newWorld(t, func(c *function.Config) {
		c.Remotes = []function.Remote{
			{Function: elsewhere + "signed*", URL: srv.URL, Credentials: keys},
			{Function: elsewhere + "whole", URL: srv.URL + "/2015-03-31/functions/function/invocations"},
			{Function: elsewhere + "broken", URL: srv.URL, Credentials: func(context.Context) (sockgate.Credentials, error) {
				return sockgate.Credentials{}, errors.New("no profile")
			}},
			{Function: elsewhere + "*", URL: srv.URL + "/base"},
		}
	})
	call := func(arn string) (*sockgate.FunctionAnswer, error) {
		mu.Lock()
		got, body = nil, ""
		mu.Unlock()
		return w.Call(t.Context(), &sockgate.FunctionCall{Function: arn, SourceARN: source, Payload: []byte(`{"a":1}`), TraceID: "Root=1-2"})
	}
	for _, tt := range []struct{ name, arn, uri, signedFor string }{
		{"signed", elsewhere + "signed", "/2015-03-31/functions/signed/invocations", "eu-west-1/lambda"},
		{"signed, with an alias", elsewhere + "signed2:live", "/2015-03-31/functions/signed2/invocations?Qualifier=live", "eu-west-1/lambda"},
		{"the whole URL", elsewhere + "whole", "/2015-03-31/functions/function/invocations", ""},
		{"a base path, a version", elsewhere + "other:7", "/base/2015-03-31/functions/other/invocations?Qualifier=7", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := call(tt.arn)
			if err != nil || string(a.Payload) != `{"ok":true}` || a.Error != "" {
				t.Fatalf("%v, %v", a, err)
			}
			if got.Method != "POST" || got.RequestURI != tt.uri || body != `{"a":1}` || got.Header.Get("X-Amzn-Trace-Id") != "Root=1-2" {
				t.Errorf("%s %s %q %v", got.Method, got.RequestURI, body, got.Header)
			}
			auth := got.Header.Get("Authorization")
			if tt.signedFor == "" && auth != "" || !strings.Contains(auth, tt.signedFor) {
				t.Errorf("authorization %q", auth)
			}
		})
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   sockgate.Kind
	}{
		{"not found", func(w http.ResponseWriter) { w.WriteHeader(404) }, sockgate.NotFound},
		{"forbidden", func(w http.ResponseWriter) { w.WriteHeader(403) }, sockgate.Forbidden},
		{"throttled", func(w http.ResponseWriter) { w.WriteHeader(429) }, sockgate.Throttled},
		{"failed", func(w http.ResponseWriter) { w.WriteHeader(500) }, sockgate.Unavailable},
		{"redirected", func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(302) }, sockgate.Unavailable},
		{"endless", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 7<<20)) }, sockgate.Internal},
		{"broken off", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, sockgate.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mu.Lock()
			answer = tt.answer
			mu.Unlock()
			if a, err := call(elsewhere + "x"); err == nil || sockgate.KindOf(err) != tt.kind {
				t.Errorf("%v, %v; want %v", a, err, tt.kind)
			}
		})
	}
	mu.Lock()
	answer = func(w http.ResponseWriter) { w.WriteHeader(202) }
	mu.Unlock()
	later, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: elsewhere + "signed", Later: true})
	if err != nil || later.Payload != nil || got.Header.Get("X-Amz-Invocation-Type") != "Event" || !strings.Contains(got.Header.Get("Authorization"), "x-amz-invocation-type") {
		t.Errorf("asynchronous: %+v, %v", later, err)
	}
	mu.Lock()
	answer = func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, `{"errorMessage":"x"}`)
	}
	mu.Unlock()
	if a, err := call(elsewhere + "x"); err != nil || a.Error != "Unhandled" || string(a.Payload) != `{"errorMessage":"x"}` {
		t.Errorf("a function's error: %v, %v", a, err)
	}
	if _, err := call(elsewhere + "broken"); sockgate.KindOf(err) != sockgate.Unavailable || got != nil {
		t.Errorf("without credentials: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	held := make(chan struct{})
	mu.Lock()
	answer = func(http.ResponseWriter) { cancel(); <-held }
	mu.Unlock()
	if _, err := w.Call(ctx, &sockgate.FunctionCall{Function: elsewhere + "x"}); sockgate.KindOf(err) != sockgate.Timeout {
		t.Errorf("given up: %v", err)
	}
	close(held)
	if _, err := w.Call(t.Context(), &sockgate.FunctionCall{Function: elsewhere + "x", RoleARN: "r"}); sockgate.KindOf(err) != sockgate.Forbidden {
		t.Errorf("with a role that nobody knows: %v", err)
	}
	srv.Close()
	if _, err := call(elsewhere + "x"); sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

func TestRemotesAreChecked(t *testing.T) {
	for _, r := range []function.Remote{{Function: "f", URL: "http://x"}, {Function: "arn:x", URL: "x"}, {Function: "arn:x", URL: "ftp://x"}, {Function: "arn:x", URL: "http://"}} {
		if _, err := function.New(function.Config{Remotes: []function.Remote{r}}); err == nil {
			t.Errorf("%+v was taken", r)
		}
	}
}

func TestProfileKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	const text = "# mine\n[default]\naws_access_key_id=D\naws_secret_access_key=d\n\n[ prod ]\nAWS_ACCESS_KEY_ID = P \naws_secret_access_key = p/+=\naws_session_token=t\nregion=x\n[role]\nrole_arn=arn\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_ACCESS_KEY_ID", "E")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "e")
	t.Setenv("AWS_SESSION_TOKEN", "")
	for name, want := range map[string]sockgate.Credentials{
		"default": {AccessKeyID: "D", SecretAccessKey: "d"}, "prod": {AccessKeyID: "P", SecretAccessKey: "p/+=", SessionToken: "t"},
		function.EnvironmentKeys: {AccessKeyID: "E", SecretAccessKey: "e"}, "role": {}, "none": {},
	} {
		got, err := function.ProfileKeys(name)(t.Context())
		if got != want || (err == nil) != (want.AccessKeyID != "") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file+".none")
	if _, err := function.ProfileKeys("default")(t.Context()); err == nil {
		t.Error("a file that is not there has keys")
	}
}

func BenchmarkCall(b *testing.B) {
	w := newWorld(b)
	w.create("f", open)
	call := &sockgate.FunctionCall{Function: account + "f", SourceARN: source, Payload: []byte(`{}`)}
	w.runner.quiet = true
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Call(context.Background(), call); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
