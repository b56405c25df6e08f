package runtime_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/function/runtime"
)

// gatewayVariable makes the test program a gateway with functions in the given directory; see beGateway.
const gatewayVariable = "SOCKGATE_TEST_GATEWAY"

// forking functions leave behind: a child in another session, and a daemon that is nobody's child; the second one with the
// environment wiped. They print the processes' numbers.
const (
	forkingNode = `const { spawn } = require("child_process");
exports.handler = async (e) => {
  const a = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  const b = spawn("sh", ["-c", "sleep 1000 & echo $!; sleep 1000"]);
  const grandchild = await new Promise((r) => b.stdout.once("data", (d) => r(Number(d))));
  if (e.hang) require("fs").writeFileSync(e.file, [process.pid, a.pid, b.pid, grandchild].join(" "));
  if (e.hang) await new Promise((r) => setTimeout(r, 1e6));
  if (e.exit) process.exit(1);
  return [process.pid, a.pid, b.pid, grandchild];
};`
	forkingPython = `import os, time
def daemon(wipe):
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            os.close(0); os.close(1); os.close(2)
            os.execve("/bin/sleep", ["sleep", "1000"], {} if wipe else os.environ)
        os.write(w, str(pid).encode())
        os._exit(0)
    os.wait()
    return int(os.read(r, 20))
def handler(event, context):
    pids = [os.getpid(), daemon(False), daemon(True)]
    if event.get("hang"):
        with open(event["file"], "w") as f:
            f.write(" ".join(map(str, pids)))
        time.sleep(1000)
    if event.get("exit"):
        os._exit(1)
    return pids
`
)

// runs reports whether a process exists and is no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return rest[0] != "Z" && rest[0] != "X"
}

func numbers(t *testing.T, s string) []int {
	t.Helper()
	var pids []int
	for _, field := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	if len(pids) < 3 {
		t.Fatalf("no process numbers in %q", s)
	}
	return pids
}

// beGateway is the test program in its other role: it calls both functions, which hang, and waits to be killed.
func beGateway(dir string) {
	p, err := runtime.New(runtime.Config{Dir: filepath.Join(dir, "functions")})
	if err != nil {
		panic(err)
	}
	for name, s := range map[string]*runtime.Spec{
		"n": {Runtime: "nodejs20.x", Handler: "index.handler"},
		"p": {Runtime: "python3.11", Handler: "app.handler"},
	} {
		s.ID, s.FunctionName, s.CodeDir, s.Timeout = name, name, filepath.Join(dir, "code"), time.Minute
		inv := &runtime.Invocation{RequestID: name, Payload: fmt.Appendf(nil, `{"hang":true,"file":%q}`, filepath.Join(dir, name))}
		go func() { _, _ = p.Invoke(context.Background(), s, inv) }()
	}
	select {}
}

// eventually waits for a condition that others bring about. It fails the test after a time that only a broken one takes.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func TestNothingOutlivesTheGateway(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "code"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"index.js": forkingNode, "app.py": forkingPython} {
		if err := os.WriteFile(filepath.Join(dir, "code", name), []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), gatewayVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var pids []int
	for _, name := range []string{"n", "p"} {
		path := filepath.Join(dir, name)
		eventually(t, "function "+name+" runs", func() bool {
			data, err := os.ReadFile(path)
			return err == nil && len(bytes.Fields(data)) >= 3
		})
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, numbers(t, string(data))...)
	}
	for _, pid := range pids {
		if !runs(pid) {
			t.Fatalf("process %d does not run while the gateway lives", pid)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Second) // the promise
	for _, pid := range pids {
		for runs(pid) {
			if time.Now().After(deadline) {
				t.Errorf("process %d outlives the gateway", pid)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// TestNothingIsLeftOfAProcess: whichever way a process ends, what it started ends with it.
func TestNothingIsLeftOfAProcess(t *testing.T) {
	for name, f := range map[string]struct {
		runtime string
		files   map[string]string
	}{
		"node":   {"nodejs20.x", node(forkingNode)},
		"python": {"python3.11", python(forkingPython)},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			s := e.function(t, f.runtime, f.files)
			pids := numbers(t, string(e.call(t, s, `{}`).Payload))
			for _, pid := range pids {
				if !runs(pid) {
					t.Fatalf("process %d does not run between calls", pid)
				}
			}
			e.Retire(s.FunctionName)
			eventually(t, "a retired process leaves nothing", func() bool { return !runs(pids[0]) && !runs(pids[1]) && !runs(pids[2]) })

			s = e.function(t, f.runtime, f.files, func(s *runtime.Spec) { s.Timeout = time.Second })
			file := filepath.Join(t.TempDir(), "pids")
			r := e.call(t, s, fmt.Sprintf(`{"hang":true,"file":%q}`, file))
			if !matches(`/^{"errorMessage":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f-]{36} Task timed out after 1.00 seconds"}$/`, string(r.Payload)) {
				t.Errorf("timed out with %s", r.Payload)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, pid := range numbers(t, string(data)) {
				if runs(pid) {
					t.Errorf("process %d outlives the time-out", pid)
				}
			}
			if r := e.call(t, s, `{}`); r.FunctionError != "" || r.Init == 0 {
				t.Errorf("the call after a time-out: %s, cold start %v; want a fresh process", r.Payload, r.Init)
			}
		})
	}
}
