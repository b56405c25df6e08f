package runtime_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// isolated returns pools with isolation, or skips the test where the machine does not permit it. That the program is there is
// no reason to skip.
func isolated(t *testing.T) *env {
	t.Helper()
	if out, err := exec.Command("bwrap", "--ro-bind", "/", "/", "--unshare-pid", "true").CombinedOutput(); err != nil && !errors.Is(err, exec.ErrNotFound) {
		t.Skipf("this machine does not let bwrap make namespaces: %s", out)
	}
	return newEnv(t, func(c *runtime.Config) { c.Isolation = runtime.IsolationBubblewrap })
}

func TestIsolation(t *testing.T) {
	e := isolated(t)
	other := e.function(t, "nodejs20.x", node(helloNode))
	secret := filepath.Join(t.TempDir(), "secret")
	touch(t, secret)
	for name, f := range map[string]map[string]string{
		"nodejs20.x": node(`const fs = require("fs");
const can = (f) => { try { f(); return true } catch { return false } };
exports.handler = async (e) => {
  fs.writeFileSync("/tmp/x", "y");
  return [process.cwd(), fs.readdirSync("/var/task").join(), can(() => fs.writeFileSync("/var/task/new", "")), e.paths.filter((p) => fs.existsSync(p)).join(),
    fs.readdirSync("/proc").filter((n) => Number(n) > 0).length < 6, can(() => fs.writeFileSync("/tmp/big", Buffer.alloc(3 << 20))), fs.readdirSync("/tmp").includes("x"), process.env.LAMBDA_RUNTIME_DIR];
}`),
		"python3.11": python(`import os
def can(path, data):
    try:
        with open(path, "wb") as f:
            f.write(data)
        return True
    except OSError:
        return False
def handler(e, c):
    can("/tmp/x", b"y")
    return [os.getcwd(), ",".join(os.listdir("/var/task")), can("/var/task/new", b""), ",".join(p for p in e["paths"] if os.path.exists(p)),
        len([n for n in os.listdir("/proc") if n.isdigit()]) < 6, can("/tmp/big", b"x" * (3 << 20)), "x" in os.listdir("/tmp"), os.environ["LAMBDA_RUNTIME_DIR"]]
`),
	} {
		t.Run(name, func(t *testing.T) {
			s := e.function(t, name, f, func(s *runtime.Spec) { s.TmpMB = 2 })
			file := "index.js"
			if name != "nodejs20.x" {
				file = "app.py"
			}
			r := e.call(t, s, `{"paths":["`+other.CodeDir+`","`+e.dir+`","`+secret+`","/boot","/home","/etc/shadow"]}`)
			want := `["/var/task","` + file + `",false,"",true,false,true,"/var/runtime"]`
			if got := strings.ReplaceAll(string(r.Payload), ", ", ","); got != want {
				t.Errorf("%s, want %s\n%s", got, want, r.LogTail)
			}
			if r := e.call(t, s, `{"paths":[]}`); r.Init != 0 {
				t.Error("no warm process")
			}
		})
	}
	t.Run("nothing is left", func(t *testing.T) {
		mark := strconv.Itoa(1_000_000 + os.Getpid())
		s := e.function(t, "nodejs20.x", node(`exports.handler = async (e) => { require("child_process").spawn("sleep", [e], { detached: true, stdio: "ignore" }).unref() }`))
		e.call(t, s, `"`+mark+`"`)
		if !anyRuns("sleep\x00" + mark) {
			t.Fatal("the child does not run between calls")
		}
		e.Retire(s.FunctionName)
		eventually(t, "the child ends with its process", func() bool { return !anyRuns("sleep\x00" + mark) })
	})
}

// anyRuns reports whether there is a process with a command line that begins so.
func anyRuns(prefix string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(files, func(path string) bool {
		line, err := os.ReadFile(path)
		return err == nil && strings.HasPrefix(string(line), prefix)
	})
}

func TestIsolationThatCannotBe(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := runtime.New(runtime.Config{Dir: t.TempDir(), Isolation: runtime.IsolationBubblewrap})
	if sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), "apt-get install bubblewrap") {
		t.Errorf("without bwrap: %v", err)
	}
	fake := filepath.Join(os.Getenv("PATH"), "bwrap")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = runtime.New(runtime.Config{Dir: t.TempDir(), Isolation: runtime.IsolationBubblewrap})
	if sockgate.KindOf(err) != sockgate.Invalid || !strings.Contains(err.Error(), "bwrap: No permissions") {
		t.Errorf("with a bwrap that may not: %v", err)
	}
	if _, err = runtime.New(runtime.Config{Dir: t.TempDir(), Isolation: "docker"}); sockgate.KindOf(err) != sockgate.Invalid {
		t.Errorf("unknown isolation: %v", err)
	}
}
