package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runBeside runs a program with "sockgate run" and returns what it printed and its exit code.
func runBeside(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("sockgate", append([]string{"run"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	here := []string{"--data", dir, "--endpoint", "http://" + p.Addr(), "--"}
	id, secret := p.Key()

	t.Run("surroundings", func(t *testing.T) {
		out, code := runBeside(t, nil, append(here, "env")...)
		for _, want := range []string{
			"AWS_ENDPOINT_URL=http://" + p.Addr() + "\n", "AWS_REGION=us-east-1\n", "AWS_DEFAULT_REGION=us-east-1\n",
			"AWS_ACCESS_KEY_ID=" + id + "\n", "AWS_SECRET_ACCESS_KEY=" + secret + "\n",
		} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("exit code %d; no %q in\n%s", code, want, out)
			}
		}
	})
	t.Run("credentials in the environment stay", func(t *testing.T) {
		out, _ := runBeside(t, []string{"AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=own", "AWS_REGION=eu-west-3"}, append(here, "sh", "-c", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_REGION")...)
		if out != "mine own eu-west-3\n" {
			t.Errorf("got %q", out)
		}
	})
	// The API does not exist, and it is the gateway that says so.
	const unknown = "https://aaaaaaaaaa.execute-api.us-east-1.amazonaws.com/dev"
	for _, tt := range []struct{ name, program, text string }{
		{"node fetch", "node", `fetch("` + unknown + `").then(r => console.log(r.status, r.headers.get("x-amz-apigw-id") !== null))`},
		{"node https", "node", `require("https").get("` + unknown + `", r => { r.resume(); console.log(r.statusCode, "x-amz-apigw-id" in r.headers) })`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out, code := runBeside(t, nil, append(here, tt.program, "-e", tt.text)...); code != 0 || out != "403 true\n" && out != "426 true\n" {
				t.Errorf("exit code %d, output %q", code, out)
			}
		})
	}
	t.Run("python urllib", func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "main.py")
		text := "import urllib.request, urllib.error\n" +
			"try:\n    urllib.request.urlopen('" + unknown + "')\n" +
			"except urllib.error.HTTPError as e:\n    print(e.code, 'x-amz-apigw-id' in e.headers)\n"
		if err := os.WriteFile(program, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := runBeside(t, nil, append(here, "python3", program)...); code != 0 || out != "403 True\n" && out != "426 True\n" {
			t.Errorf("exit code %d, output %q", code, out)
		}
	})
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"the program's exit code", append(here, "sh", "-c", "exit 7"), 7, ""},
		{"ended by a signal", append(here, "sh", "-c", "kill -9 $$"), 137, ""},
		{"no such program", append(here, "no-such-program"), 127, "no-such-program"},
		{"not a program", append(here, dir), 126, ""},
		{"nothing named", here, 2, "name it behind"},
		{"no gateway", []string{"--data", dir, "--endpoint", "http://127.0.0.1:1", "--", "env"}, 1, "no gateway answers at http://127.0.0.1:1"},
		{"no key", []string{"--data", filepath.Join(dir, "other"), "--endpoint", "http://" + p.Addr(), "--", "env"}, 1, "--data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, code := runBeside(t, nil, tt.args...)
			if code != tt.code || !strings.Contains(out, tt.says) {
				t.Errorf("exit code %d, output:\n%s", code, out)
			}
		})
	}
}
