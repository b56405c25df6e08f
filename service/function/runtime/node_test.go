package runtime_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/sockgate/sockgate/service/function/runtime"
)

// handlerCase is one function, called once. want and the parts of the log are patterns: a regular expression between
// slashes, else the text itself.
type handlerCase struct {
	name    string
	files   map[string]string
	handler string // "" for the language's usual
	payload string // "" for {"n":1}
	want    string
	failed  bool
	log     []string
	noLog   []string
}

func matches(pattern, text string) bool {
	if len(pattern) > 1 && pattern[0] == '/' {
		return regexp.MustCompile(`(?s)` + strings.Trim(pattern, "/")).MatchString(text)
	}
	return strings.Contains(text, pattern)
}

func runHandlers(t *testing.T, runtimeName string, cases []handlerCase) {
	e := newEnv(t, func(c *runtime.Config) { c.MaxConcurrency = 2 })
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := e.function(t, runtimeName, c.files, func(s *runtime.Spec) {
				if c.handler != "" {
					s.Handler = c.handler
				}
			})
			if c.payload == "" {
				c.payload = `{"n":1}`
			}
			r := e.call(t, s, c.payload)
			if c.want[0] == '/' && !matches(c.want, string(r.Payload)) || c.want[0] != '/' && c.want != string(r.Payload) {
				t.Errorf("payload\n %s, want\n %s\nlog:\n%s", r.Payload, c.want, r.LogTail)
			}
			if (r.FunctionError == "Unhandled") != c.failed || !c.failed && r.FunctionError != "" {
				t.Errorf("function error %q", r.FunctionError)
			}
			if !json.Valid(r.Payload) {
				t.Error("the payload is no JSON")
			}
			for _, want := range c.log {
				if !matches(want, string(r.LogTail)) {
					t.Errorf("the log lacks %s:\n%s", want, r.LogTail)
				}
			}
			for _, no := range c.noLog {
				if matches(no, string(r.LogTail)) {
					t.Errorf("the log has %s:\n%s", no, r.LogTail)
				}
			}
			for _, want := range []string{`/^START RequestId: [0-9a-f-]{36} Version: \$LATEST\n/`, `/\nEND RequestId: [0-9a-f-]{36}\n/`,
				`/\nREPORT RequestId: [0-9a-f-]{36}\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\t/`} {
				if !matches(want, string(r.LogTail)) {
					t.Errorf("the log lacks %s:\n%s", want, r.LogTail)
				}
			}
			e.Retire(s.FunctionName)
		})
	}
}

func TestNode(t *testing.T) {
	runHandlers(t, "nodejs20.x", []handlerCase{
		{name: "async", files: node(`exports.handler = async (e) => ({got: e.n})`), want: `{"got":1}`},
		{name: "promise", files: node(`exports.handler = (e) => new Promise((r) => setTimeout(r, 5, "later"))`), want: `"later"`},
		{name: "callback", files: node(`exports.handler = (e, c, cb) => { setTimeout(() => cb(null, {ok: true}), 5) }`), want: `{"ok":true}`},
		{name: "callback waits for the event loop", files: node(`exports.handler = (e, c, cb) => { const o = {n: 1}; setTimeout(() => { o.n = 2 }, 30); cb(null, o) }`), want: `{"n":2}`},
		{name: "callback that does not wait", files: node(`exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); cb(null, 7) }`), want: `7`},
		{name: "callback with an error", files: node(`exports.handler = (e, c, cb) => cb(new TypeError("no"))`), failed: true, want: `/^{"errorType":"TypeError","errorMessage":"no","trace":\["TypeError: no","    at .*\]}$/`},
		{name: "callback with a string", files: node(`exports.handler = (e, c, cb) => cb("plain")`), failed: true, want: `{"errorType":"string","errorMessage":"plain","trace":[]}`},
		{name: "callback twice", files: node(`exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; cb(null, 1); cb(null, 2) }`), want: `1`},
		{name: "succeed", files: node(`exports.handler = (e, c) => c.succeed({a: [1]})`), want: `{"a":[1]}`},
		{name: "fail", files: node(`exports.handler = (e, c) => c.fail(new Error("f"))`), failed: true, want: `/^{"errorType":"Error","errorMessage":"f","trace":/`},
		{name: "done", files: node(`exports.handler = (e, c) => c.done(null, "d")`), want: `"d"`},
		{name: "undefined", files: node(`exports.handler = async () => {}`), want: `null`},
		{name: "a plain return value is not an answer", files: node(`exports.handler = () => 5`), want: `null`},
		{name: "a promise that is never settled", files: node(`exports.handler = () => new Promise(() => {})`), want: `null`},
		{name: "throws", files: node("exports.handler = async () => { class Mine extends Error { constructor(m) { super(m); this.name = 'Mine' } }\nthrow new Mine('x') }"), failed: true,
			want: `/^{"errorType":"Mine","errorMessage":"x","trace":\["Mine: x",/`, log: []string{`/\tERROR\tInvoke Error \t{"errorType":"Mine","errorMessage":"x",/`}},
		{name: "throws at once", files: node(`exports.handler = () => { throw new RangeError("r") }`), failed: true, want: `/^{"errorType":"RangeError","errorMessage":"r","trace":/`},
		{name: "what cannot be JSON", files: node(`exports.handler = async () => { const a = {}; a.a = a; return a }`), failed: true, want: `/^{"errorType":"Runtime.MarshalError","errorMessage":"Unable to stringify response body as json: Converting circular/`},
		{name: "uncaught exception", files: node(`exports.handler = () => new Promise(() => setTimeout(() => { throw new Error("late") }, 1))`), failed: true,
			want: `/^{"errorType":"Error","errorMessage":"late","trace":/`, log: []string{"\tERROR\tUncaught Exception \t{"}},
		{name: "unhandled rejection", files: node(`exports.handler = () => new Promise(() => { Promise.reject(new Error("nobody")) })`), failed: true,
			want: `/^{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: nobody","trace":/`, log: []string{"\tERROR\tUnhandled Promise Rejection \t{"}},
		{name: "console", files: node(`exports.handler = async () => { console.log("a %s", "b", {c: 1}); console.error("e"); console.warn("w"); console.debug("d"); console.info("two\nlines") }`), want: `null`,
			log: []string{`/\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\tINFO\ta b { c: 1 }\n/`, "\tERROR\te\n", "\tWARN\tw\n", "\tDEBUG\td\n", "\tINFO\ttwo\nlines\n"}},
		{name: "context", files: node(`exports.handler = async (e, c) => ({
			name: c.functionName, version: c.functionVersion, arn: c.invokedFunctionArn, memory: c.memoryLimitInMB, id: /^[0-9a-f-]{36}$/.test(c.awsRequestId),
			group: c.logGroupName.startsWith("/aws/lambda/"), stream: /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/.test(c.logStreamName),
			left: c.getRemainingTimeInMillis() > 8000 && c.getRemainingTimeInMillis() <= 10000, waits: c.callbackWaitsForEmptyEventLoop,
			trace: process.env._X_AMZN_TRACE_ID, identity: c.identity === undefined, client: c.clientContext === undefined })`),
			want: `/^{"name":"f\d+","version":"\$LATEST","arn":"arn:aws:lambda:us-east-1:000000000000:function:f\d+","memory":"256","id":true,"group":true,"stream":true,"left":true,"waits":true,"trace":"Root=1-5759e988-bd862e3fe1be46a994272793","identity":true,"client":true}$/`},
		{name: "ES module by name", files: map[string]string{"index.mjs": `import { readFileSync } from 'node:fs'; export const handler = async () => typeof readFileSync`}, want: `"function"`},
		{name: "ES module by package.json", files: map[string]string{"package.json": `{"type":"module"}`, "index.js": `export const handler = async (e) => import.meta.url.length > 0`}, want: `true`},
		{name: "ES module with top-level await", files: map[string]string{"index.mjs": `const v = await new Promise((r) => setTimeout(r, 5, 3)); export const handler = async () => v`}, want: `3`},
		{name: "CommonJS by name", files: map[string]string{"package.json": `{"type":"module"}`, "index.cjs": `exports.handler = async () => 1`}, want: `1`},
		{name: "in a folder", files: map[string]string{"src/api/on.js": `exports.message = async () => "m"`}, handler: "src/api/on.message", want: `"m"`},
		{name: "nested", files: node(`exports.a = {b: async () => "nested"}`), handler: "index.a.b", want: `"nested"`},
		{name: "its own modules", files: map[string]string{"index.js": `const x = require("x"); exports.handler = async () => x`, "node_modules/x/index.js": `module.exports = "x!"`}, want: `"x!"`},
		{name: "a handler in a package", files: map[string]string{"node_modules/pkg/index.js": `exports.handler = async () => "p"`}, handler: "pkg.handler", want: `"p"`},
		{name: "missing file", files: node(``), handler: "nothing.handler", failed: true,
			want: `/^{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'nothing'\\nRequire stack:.*","trace":\["Runtime.ImportModuleError: Error: Cannot find module 'nothing'"/`,
			log:  []string{"undefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\"", "/INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError/"}},
		{name: "missing module", files: node(`require("not-there")`), failed: true, want: `/^{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'not-there'\\nRequire stack:/`},
		{name: "missing handler", files: node(`exports.other = 1`), failed: true, want: `/^{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is undefined or not exported","trace":/`},
		{name: "handler that is no function", files: node(`exports.handler = 1`), failed: true, want: `/^{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is not a function","trace":/`},
		{name: "malformed handler", files: node(``), handler: "index", failed: true, want: `/^{"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler","trace":/`},
		{name: "handler that leads out", files: node(``), handler: "../x.handler", failed: true, want: `/^{"errorType":"Runtime.MalformedHandlerName","errorMessage":"'..\/x.handler' is not a valid handler name. Use absolute paths/`},
		{name: "syntax error", files: node(`exports.handler = {`), failed: true, want: `/^{"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: /`},
		{name: "throws while loading", files: node(`throw new TypeError("at load")`), failed: true, want: `/^{"errorType":"TypeError","errorMessage":"at load","trace":/`},
		{name: "exits while loading", files: node(`process.exit(3)`), failed: true, want: `/^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3"}$/`,
			log: []string{"/INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError/", "Error: Runtime exited with error: exit status 3\nRuntime.ExitError\nEND "}},
		{name: "exits in a call", files: node(`exports.handler = async () => { console.log("bye"); process.exit(1) }`), failed: true,
			want: `/^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 1"}$/`, log: []string{"\tINFO\tbye\n", "Status: error\tError Type: Runtime.ExitError\n"}},
		{name: "exits with success", files: node(`exports.handler = async () => process.exit(0)`), failed: true, want: `/Error: Runtime exited without providing a reason"}$/`},
		{name: "is killed", files: node(`exports.handler = async () => process.kill(process.pid, "SIGKILL")`), failed: true, want: `/Error: Runtime exited with error: signal: killed"}$/`},
		{name: "large both ways", files: node(`exports.handler = async (e) => ({n: e.s.length, s: e.s})`), payload: `{"s":"` + strings.Repeat("x€", 1<<20) + `"}`, want: `/^{"n":2097152,"s":"x€x€/`},
		{name: "answer too large", files: node(`exports.handler = async (e) => "x".repeat(6291556)`), failed: true,
			want: `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`},
		{name: "largest answer", files: node(`exports.handler = async (e) => "x".repeat(6291554)`), want: `/^"x{1000}/`},
		{name: "characters", files: node(`exports.handler = async (e) => e`), payload: `{"s":"é€😀\u0000<>&"}`, want: `{"s":"é€😀\u0000<>&"}`},
	})
}

// TestSurvivors: what a call may do and still leave a process for the next one.
func TestNodeSurvives(t *testing.T) {
	const code = `let n = 0; exports.handler = async (e) => { n++; if (e.fail) throw new Error("f"); if (e.large) return "x".repeat(7000000); return n }`
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(code))
	for _, payload := range []string{`{}`, `{"fail":true}`, `{"large":true}`} {
		e.call(t, s, payload)
	}
	if r := e.call(t, s, `{}`); string(r.Payload) != "4" {
		t.Errorf("the fourth call got %s; all were for one process", r.Payload)
	}
}
