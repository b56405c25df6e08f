package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
)

func TestMain(m *testing.M) {
	supervise.Main()
	testscript.Main(m, map[string]func(){"sockgate": main, "slow-drain": slowDrain})
}

// slowDrain is a program whose drain does not end by itself.
func slowDrain() {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	fmt.Println("running")
	<-ctx.Done()
	fmt.Println("draining")
	time.Sleep(time.Minute)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "slow-drain")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for _, want := range []string{"running", "draining"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("ended with %v", exit)
	}
}

// TestScripts runs the stories in testdata/script against the program itself. Beside testscript's own commands they have
// "status N COMMAND...", which expects an exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(time.Minute), // a command that should have been refused may run instead
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir) // state goes to .local/share/sockgate unless a story says otherwise
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
}

// gateway is a running "sockgate serve".
type gateway struct {
	*exec.Cmd
	log *bufio.Scanner
}

func startGateway(t *testing.T, environ ...string) *gateway {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sockgate", "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"))
	cmd.Env = append(os.Environ(), environ...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Whatever happens, the process ends, and a test that waits for its log with it.
	limit := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { limit.Stop(); _ = cmd.Process.Kill() })
	return &gateway{cmd, bufio.NewScanner(stderr)}
}

// next returns the next line of the log that has the message.
func (g *gateway) next(t *testing.T, message string) map[string]any {
	t.Helper()
	var seen []string
	for g.log.Scan() {
		seen = append(seen, g.log.Text())
		var line map[string]any
		if err := json.Unmarshal(g.log.Bytes(), &line); err != nil {
			t.Fatalf("not a line of JSON: %s", g.log.Text())
		}
		if line["msg"] == message {
			return line
		}
	}
	t.Fatalf("the log ended without %q:\n%s", message, strings.Join(seen, "\n"))
	return nil
}

// rest reads the log to its end and returns the exit code.
func (g *gateway) rest(t *testing.T) int {
	t.Helper()
	for g.log.Scan() {
	}
	err := g.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

func TestServeUntilSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			g := startGateway(t)
			credentials, _ := g.next(t, "starting")["credentials"].(string)
			addr, _ := g.next(t, "ready")["listen"].(string)
			answer, err := http.Get("http://" + addr + "/_sockgate/health")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != 200 {
				t.Errorf("health is %s", answer.Status)
			}
			if info, err := os.Stat(credentials); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("credentials at %q: %v", credentials, err)
			}
			if err := g.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := g.rest(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	first := startGateway(t)
	addr, _ := first.next(t, "ready")["listen"].(string)
	second := startGateway(t, "SOCKGATE_LISTENERS_EDGE="+addr)
	if code := second.rest(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestStartingNamesTheNextCommand(t *testing.T) {
	for _, tt := range []struct {
		name      string
		set       func(*config.Config)
		next, key string
	}{
		{"default", func(*config.Config) {}, "AWS_SHARED_CREDENTIALS_FILE=/d/credentials AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url http://127.0.0.1:4566 apigatewayv2 get-apis", "/d/credentials"},
		{"all interfaces", func(c *config.Config) { c.Listen = ":80" }, "AWS_SHARED_CREDENTIALS_FILE=/d/credentials AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url http://127.0.0.1:80 apigatewayv2 get-apis", "/d/credentials"},
		{"configured key, split ports", func(c *config.Config) { c.RootAccessKeyID, c.Listeners.Management = "AKIAX", "[::1]:9" },
			"AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url http://[::1]:9 apigatewayv2 get-apis", "configured"},
		{"unknown port", func(c *config.Config) { c.Listen = "127.0.0.1:0" }, "", "/d/credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config.Default()
			c.Data = "/d"
			tt.set(c)
			got := map[any]any{}
			attrs := starting(c)
			for i := 0; i < len(attrs); i += 2 {
				got[attrs[i]] = attrs[i+1]
			}
			next, _ := got["next"].(string)
			if next != tt.next || got["credentials"] != tt.key {
				t.Errorf("next %q, credentials %v", next, got["credentials"])
			}
		})
	}
}
