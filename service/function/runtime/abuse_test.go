package runtime_test

import (
	"encoding/json"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/function/runtime"
)

// rude is a custom runtime in Python without any client: it does to the Runtime API whatever CODE says. req sends a
// request on a connection of its own and returns the status and the body.
const rude = `#!/usr/bin/python3 -u
import os, socket, sys, time
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
base = "/2018-06-01/runtime/"
def raw(data):
    s = socket.create_connection((host, int(port)))
    s.sendall(data)
    s.settimeout(5)
    got = b""
    try:
        while True:
            part = s.recv(65536)
            if not part: break
            got += part
            if b"\r\n\r\n" in got:
                head, body = got.split(b"\r\n\r\n", 1)
                n = [int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")]
                if n and len(body) >= n[0]: break
    except OSError: pass
    s.close()
    return got
def req(method, path, body=b"", headers=""):
    got = raw(("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n" % (method, path, len(body), headers)).encode() + body)
    head, _, body = got.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head else 0
    ids = [l.split(b": ")[1].decode() for l in head.split(b"\r\n") if l.lower().startswith(b"lambda-runtime-aws-request-id")]
    return status, body.decode(), ids[0] if ids else None
def next(): return req("GET", base + "invocation/next")
def answer(id, body): return req("POST", base + "invocation/" + id + "/response", body.encode())
`

func TestCustomRuntime(t *testing.T) {
	runHandlers(t, "provided.al2023", []handlerCase{
		{name: "answers", files: map[string]string{"bootstrap": rude + `
while True:
    _, body, id = next()
    answer(id, body)
`}, want: `{"n":1}`},
		{name: "answers in chunks", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
raw(("POST %sinvocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n" % (base, id)).encode())
next()
`}, want: `[1,2]`},
		{name: "a stream that breaks", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
raw(("POST %sinvocation/%s/response HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n3\r\n[1,\r\n0\r\nLambda-Runtime-Function-Error-Type: Mine\r\nLambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiJNaW5lIn0=\r\n\r\n" % (base, id)).encode())
next()
`}, failed: true, want: `{"errorType":"Mine"}`},
		{name: "reports an error", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
req("POST", base + "invocation/" + id + "/error", b'{"errorType":"E","errorMessage":"m"}', "Lambda-Runtime-Function-Error-Type: E\r\n")
next()
`}, failed: true, want: `{"errorType":"E","errorMessage":"m"}`},
		{name: "reports an error without a document", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
req("POST", base + "invocation/" + id + "/error", b"", "Lambda-Runtime-Function-Error-Type: E.x\r\n")
next()
`}, failed: true, want: `{"errorType":"E.x","errorMessage":""}`},
		{name: "reports a failed initialization", files: map[string]string{"bootstrap": rude + `
req("POST", base + "init/error", b'{"errorType":"I"}', "Lambda-Runtime-Function-Error-Type: I.I\r\n")
time.sleep(100)
`}, failed: true, want: `{"errorType":"I"}`, log: []string{"Error Type: I.I"}},
		{name: "answers twice", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
first = answer(id, '"first"')[0]
second = answer(id, '"second"')
print("statuses", first, second[0], second[1])
while True: next()
`}, want: `"first"`, log: []string{`statuses 202 403 {"errorMessage":"The invocation was answered already","errorType":"InvalidStateTransition"}`}},
		{name: "answers somebody else's call", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
print("status", answer("11111111-1111-4111-8111-111111111111", '"x"')[:2])
answer(id, '"mine"')
while True: next()
`}, want: `"mine"`, log: []string{`status (400, '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')`}},
		{name: "asks again before it has answered", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
print("status", next()[0])
answer(id, '1')
while True: next()
`}, want: `1`, log: []string{"status 403"}},
		{name: "garbage", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
def status(data): return int((raw(data).split() or [b"", b"0"])[1])
print("statuses", status(b"\x16\x03\x01\x02\x00\x01garbage\r\n\r\n"), status(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), status(b"POST " + base.encode() + b"invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"),
    status(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100000 + b"\r\n\r\n"), status(b"DELETE " + base.encode() + b"invocation/x/response HTTP/1.1\r\nHost: x\r\n\r\n"),
    status(b"POST " + base.encode() + b"invocation/" + id.encode() + b"/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    status(b"POST " + base.encode() + b"init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"))
connections = [socket.create_connection((host, int(port))) for _ in range(100)]
for c in connections: c.close()
while answer(id, '"fine"')[0] != 202: pass
while True: next()
`}, want: `"fine"`, log: []string{"statuses 400 404 404 400 404 400 403"}},
		{name: "too large an answer, with more to come", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
print("status", answer(id, "x" * 9000000)[:2])
while True: next()
`}, failed: true, want: `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`,
			log: []string{`status (413, '{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}')`}},
		{name: "ends after its answer", files: map[string]string{"bootstrap": rude + `
_, body, id = next()
answer(id, '"last"')
`}, want: `"last"`},
		{name: "dies before it asks", files: map[string]string{"bootstrap": "#!/bin/sh\necho on my way\nkill -TERM $$\n"}, failed: true,
			want: `/^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: terminated"}$/`, log: []string{"\non my way\n"}},
	})
}

func TestNoBootstrap(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "provided.al2023", nil)
	if r := e.call(t, s, "{}"); r.FunctionError != "Unhandled" || !matches(`/^{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: [0-9a-f-]{36} Error: Couldn't find valid bootstrap\(s\): /`, string(r.Payload)) {
		t.Errorf("%s %s", r.FunctionError, r.Payload)
	}
}

func TestBootstrapOfALayer(t *testing.T) {
	e := newEnv(t)
	layer := e.function(t, "provided.al2023", map[string]string{"bootstrap": rude + `
_, body, id = next()
answer(id, '"layer"')
while True: next()
`})
	s := e.function(t, "provided.al2023", nil, func(s *runtime.Spec) { s.LayerDirs = []string{layer.CodeDir} })
	if r := e.call(t, s, "{}"); string(r.Payload) != `"layer"` {
		t.Errorf("%s", r.Payload)
	}
}

func TestAnswerAfterTheTimeOut(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "provided.al2023", map[string]string{"bootstrap": rude + `
import signal
while True:
    _, body, id = next()
    if "slow" in body: time.sleep(1.5)
    answer(id, body)
`}, func(s *runtime.Spec) { s.Timeout = time.Second })
	if r := e.call(t, s, `"slow"`); !strings.Contains(string(r.Payload), "Task timed out after 1.00 seconds") || r.Duration != time.Second || !strings.Contains(string(r.LogTail), "Status: timeout") {
		t.Errorf("%s %v\n%s", r.Payload, r.Duration, r.LogTail)
	}
	if r := e.call(t, s, `"quick"`); string(r.Payload) != `"quick"` {
		t.Errorf("%s", r.Payload)
	}
}

func TestNeverAsks(t *testing.T) {
	e := newEnv(t)
	e.SetInitLimit(time.Second)
	s := e.function(t, "provided.al2023", map[string]string{"bootstrap": "#!/bin/sh\necho started\nexec sleep 1000\n"}, func(s *runtime.Spec) { s.Timeout = time.Second })
	r := e.call(t, s, "{}")
	if !strings.Contains(string(r.Payload), "Task timed out after 1.00 seconds") || r.FunctionError != "Unhandled" {
		t.Errorf("%s", r.Payload)
	}
	if log := e.group(t, s); !matches(`/INIT_REPORT Init Duration: 1\d{3}\.\d\d ms\tPhase: init\tStatus: timeout\n.*Phase: invoke\tStatus: timeout\n/`, log) || strings.Count(log, "started") != 2 {
		t.Errorf("log:\n%s", log)
	}
}

// TestCrashes: a thousand processes that end badly leave nothing in the gateway, nor of themselves.
func TestCrashes(t *testing.T) {
	const crashes = 1000
	mark := strconv.Itoa(2_000_000 + os.Getpid())
	e := newEnv(t)
	s := e.function(t, "provided.al2023", map[string]string{"bootstrap": "#!/bin/sh\n(sleep " + mark + " &)\nexit 1\n"})
	warm := e.function(t, "nodejs20.x", node(`exports.handler = async () => 1`))
	e.call(t, warm, "{}")
	e.call(t, s, "{}")
	files, goroutines := openFiles(t), goruntime.NumGoroutine()
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range crashes / 4 / 2 { // each call tries twice
				if r := e.call(t, s, "{}"); !strings.Contains(string(r.Payload), "exit status 1") {
					t.Errorf("%s", r.Payload)
				}
			}
		})
	}
	running.Wait()
	eventually(t, "no file is left open", func() bool { return openFiles(t) <= files })
	eventually(t, "no goroutine is left", func() bool { return goruntime.NumGoroutine() <= goroutines })
	if r := e.call(t, warm, "{}"); r.Init != 0 {
		t.Error("another function's process suffered")
	}
	if anyRuns("sleep\x00" + mark) {
		t.Error("children of crashed processes are left")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestFloodOfOutput(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "python3.11", python("def handler(e, c):\n    line = 'x' * 1023 + '\\n'\n    import sys\n    for _ in range(100 * 1024):\n        sys.stdout.write(line)\n    return 'done'\n"),
		func(s *runtime.Spec) { s.Timeout = time.Minute })
	quiet := e.function(t, "nodejs20.x", node(helloNode))
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	var running sync.WaitGroup
	running.Go(func() {
		for range 50 {
			e.call(t, quiet, "{}")
		}
	})
	r := e.call(t, s, "{}")
	running.Wait()
	goruntime.GC()
	goruntime.ReadMemStats(&after)
	if string(r.Payload) != `"done"` {
		t.Errorf("%s", r.Payload)
	}
	if len(r.LogTail) != 4096 || !matches(`/\n\d+ bytes of output were dropped: one call may print 4194304\nEND /`, string(r.LogTail)) {
		t.Errorf("%d bytes of tail end with %s", len(r.LogTail), r.LogTail[len(r.LogTail)-300:])
	}
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 16<<20 {
		t.Errorf("the gateway's heap has grown by %d bytes", grown)
	}
}

func TestLongLines(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "python3.11", python("def handler(e, c):\n    print('a' * 200000 + 'b')\n    print('next')\n"))
	e.call(t, s, "{}")
	log := e.group(t, s)
	if strings.Count(log, "a") < 200000 || !strings.Contains(log, "b\nnext\n") || strings.Contains(log, "[cut]") {
		t.Error("a long line did not arrive whole, in pieces")
	}
}

func TestFileSizeIsLimited(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "python3.11", python("import tempfile\ndef handler(e, c):\n    f = tempfile.TemporaryFile()\n    try:\n        for _ in range(3):\n            f.write(b'x' * (1 << 20))\n            f.flush()\n    except OSError as e:\n        return e.errno\n"),
		func(s *runtime.Spec) { s.TmpMB = 2 })
	if r := e.call(t, s, "{}"); string(r.Payload) != "27" { // EFBIG
		t.Errorf("%s: a file grew over the function's storage", r.Payload)
	}
}

func TestOutOfMemory(t *testing.T) {
	e := newEnv(t)
	for name, s := range map[string]*runtime.Spec{
		"node":    e.function(t, "nodejs20.x", node(`exports.handler = async () => { const a = []; for (;;) { a.push(Buffer.alloc(1 << 20, 1)); await new Promise((r) => setTimeout(r, 1)) } }`)),
		"python":  e.function(t, "python3.11", python("import time\ndef handler(e, c):\n    a = []\n    while True:\n        a.append(b'x' * (1 << 20))\n        time.sleep(0.001)\n")),
		"a child": e.function(t, "python3.11", python("import subprocess, sys\ndef handler(e, c):\n    subprocess.run([sys.executable, '-S', '-c', 'import time\\na = []\\nwhile True:\\n    a.append(b\"x\" * (1 << 20))\\n    time.sleep(0.001)'])\n")),
	} {
		t.Run(name, func(t *testing.T) {
			s.MemoryMB = 128
			r := e.call(t, s, "{}")
			if !matches(`/^{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed"}$/`, string(r.Payload)) {
				t.Errorf("%s", r.Payload)
			}
			if !strings.Contains(string(r.LogTail), "Status: error\tError Type: Runtime.OutOfMemory") {
				t.Errorf("%s", r.LogTail)
			}
		})
	}
}

func TestErrorDocumentsAreJSON(t *testing.T) {
	e := newEnv(t)
	s := e.function(t, "nodejs20.x", node(`exports.handler = async (e) => { const x = new Error(e); x.name = e; throw x }`))
	for _, text := range []string{"\"", "\\", "\r\nX: y", "\u2028<>&é", strings.Repeat("long", 1000)} {
		payload, _ := json.Marshal(text)
		var got struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(e.call(t, s, string(payload)).Payload, &got); err != nil || got.ErrorMessage != text || got.ErrorType != text {
			t.Errorf("%q became %q, %q, %v", text, got.ErrorMessage, got.ErrorType, err)
		}
	}
}
