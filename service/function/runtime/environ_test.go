package runtime_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/service/function/runtime"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lambdaVariables are there in every process.
var lambdaVariables = []string{
	"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "LD_LIBRARY_PATH", "MINE", "PATH",
	"TZ", "_HANDLER", "_X_AMZN_TRACE_ID",
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SOCKGATE_ROOT_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	e := newEnv(t, func(c *runtime.Config) {
		c.Region = "eu-central-1"
		c.Endpoint = func() string { return "http://127.0.0.1:4566" }
	})
	for name, f := range map[string]struct {
		files map[string]string
		extra []string
	}{
		"nodejs20.x":      {node(`exports.handler = async () => process.env`), []string{"AWS_EXECUTION_ENV", "NODE_PATH"}},
		"python3.12":      {python("import os\ndef handler(e, c):\n    return dict(os.environ)\n"), []string{"AWS_EXECUTION_ENV", "PYTHONPATH"}},
		"provided.al2023": {map[string]string{"bootstrap": rude + "\nimport json\n_, body, id = next()\nos.environ['_X_AMZN_TRACE_ID'] = ''\nanswer(id, json.dumps(dict(os.environ)))\nnext()\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := e.function(t, name, f.files, func(s *runtime.Spec) {
				s.Env = map[string]string{"MINE": "1=2", "TZ": "Europe/Berlin", "AWS_REGION": "mars", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "BAD=NAME": "x", "NUL": "\x00"}
				s.LogGroup = "/custom/group"
			})
			var got map[string]string
			if err := json.Unmarshal(e.call(t, s, "{}").Payload, &got); err != nil {
				t.Fatal(err)
			}
			delete(got, "LC_CTYPE") // Python's own, where the locale is not installed
			want := slices.Sorted(slices.Values(append(f.extra, lambdaVariables...)))
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			for name, want := range map[string]string{
				"MINE": "1=2", "TZ": "Europe/Berlin", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "_HANDLER": s.Handler,
				"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_NAME": s.FunctionName,
				"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/custom/group",
				"LAMBDA_TASK_ROOT": s.CodeDir, "LANG": "en_US.UTF-8",
			} {
				if got[name] != want {
					t.Errorf("%s=%s, want %s", name, got[name], want)
				}
			}
			if len(f.extra) > 0 && got["AWS_EXECUTION_ENV"] != "AWS_Lambda_"+name {
				t.Errorf("AWS_EXECUTION_ENV=%s", got["AWS_EXECUTION_ENV"])
			}
		})
	}
}

func TestLayers(t *testing.T) {
	e := newEnv(t)
	layer := e.function(t, "", map[string]string{"nodejs/node_modules/shared/index.js": `module.exports = "from a layer"`, "python/shared.py": "x = 'from a layer'\n"}).CodeDir
	use := func(s *runtime.Spec) { s.LayerDirs = []string{layer} }
	for name, files := range map[string]map[string]string{
		"nodejs20.x": node(`const x = require("shared"); exports.handler = async () => x`),
		"nodejs22.x": {"index.mjs": `import { inner } from "./inner.mjs"; export const handler = async () => inner`, "inner.mjs": `import x from "shared"; export const inner = x`},
		"python3.11": python("import shared\ndef handler(e, c):\n    return shared.x\n"),
	} {
		if r := e.call(t, e.function(t, name, files, use), "{}"); string(r.Payload) != `"from a layer"` {
			t.Errorf("%s: %s", name, r.Payload)
		}
	}
}

func TestWorkingDirectory(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(`exports.handler = async () => process.cwd()`))
	if r := e.call(t, s, "{}"); string(r.Payload) != `"`+s.CodeDir+`"` {
		t.Errorf("%s", r.Payload)
	}
}

// TestPackagesForAll: what is in the folder packages is found by every kind of code, behind the function's own and its layers'.
func TestPackagesForAll(t *testing.T) {
	e := newEnv(t)
	shared := e.function(t, "", map[string]string{"node_modules/words/index.js": `module.exports = "shared"`, "python/words.py": "x = 'shared'\n"}).CodeDir
	packages := filepath.Join(e.dir, "functions", "packages")
	if !exists(packages) {
		t.Fatal("the folder is not made")
	}
	if err := os.CopyFS(packages, os.DirFS(shared)); err != nil {
		t.Fatal(err)
	}
	layer := e.function(t, "", map[string]string{"nodejs/node_modules/words/index.js": `module.exports = "layer"`, "python/words.py": "x = 'layer'\n"}).CodeDir
	for _, tt := range []struct {
		name, runtime string
		files         map[string]string
		own           map[string]string // that, added to the files, replace the shared ones
	}{
		{"CommonJS", "nodejs20.x", node(`const x = require("words"); exports.handler = async () => x`), map[string]string{"node_modules/words/index.js": `module.exports = "own"`}},
		{"CommonJS with import()", "nodejs20.x", node(`exports.handler = async () => (await import("words")).default`), map[string]string{"node_modules/words/index.js": `module.exports = "own"`}},
		{"an ES module", "nodejs20.x", map[string]string{"index.mjs": `import x from "words"; export const handler = async () => x`}, map[string]string{"node_modules/words/index.js": `module.exports = "own"`}},
		{"Python", "python3.11", python("import words\ndef handler(e, c):\n    return words.x\n"), map[string]string{"words.py": "x = 'own'\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			both := maps.Clone(tt.files)
			maps.Copy(both, tt.own)
			withLayer := func(s *runtime.Spec) { s.LayerDirs = []string{layer} }
			for want, s := range map[string]*runtime.Spec{
				`"shared"`: e.function(t, tt.runtime, tt.files), `"layer"`: e.function(t, tt.runtime, tt.files, withLayer), `"own"`: e.function(t, tt.runtime, both, withLayer),
			} {
				if r := e.call(t, s, "{}"); string(r.Payload) != want {
					t.Errorf("got %s, want %s", r.Payload, want)
				}
			}
		})
	}
}

// TestLedHere: with Redirect, calls that name AWS's hosts reach the gateway; without, they do not.
func TestLedHere(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host+r.URL.Path) }))
	defer server.Close()
	for _, redirect := range []bool{true, false} {
		e := newEnv(t, func(c *runtime.Config) {
			c.Redirect, c.Endpoint = redirect, func() string { return server.URL }
		})
		for name, files := range map[string]map[string]string{
			"nodejs20.x": node(`exports.handler = (e) => fetch("http://x.execute-api.us-east-1.amazonaws.com/prod").then((r) => r.text(), () => "not led")`),
			"python3.11": python(`import urllib.request
def handler(e, c):
    try:
        return urllib.request.urlopen("http://x.execute-api.us-east-1.amazonaws.com/prod", timeout=0.5).read().decode()
    except OSError:
        return "not led"
`),
		} {
			if !redirect { // no machine's resolver is to be asked, so only what is set up is looked at
				files = node(`exports.handler = async () => process.execArgv.join().includes("redirect") || "SOCKGATE_REDIRECT" in process.env ? "led" : "not led"`)
				name = "nodejs20.x"
			}
			want := map[bool]string{true: `"x.execute-api.us-east-1.amazonaws.com/prod"`, false: `"not led"`}[redirect]
			if r := e.call(t, e.function(t, name, files), "{}"); string(r.Payload) != want {
				t.Errorf("redirect %v, %s: %s, want %s", redirect, name, r.Payload, want)
			}
		}
	}
}
