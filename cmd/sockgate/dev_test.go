package main

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// devRun is a running "sockgate dev".
type devRun struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	seen  []string
}

// startDev runs "sockgate dev" in the folder of d.
func startDev(d *deploying, args ...string) *devRun {
	d.t.Helper()
	r := &devRun{t: d.t, lines: make(chan string, 1000), cmd: exec.Command("sockgate", append([]string{"dev", "--listen", "127.0.0.1:0"}, args...)...)}
	r.cmd.Dir, r.cmd.Env = d.dir, d.env
	out, in, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = in, in
	if err := r.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	in.Close()
	go func() { // ends with the last process that writes
		defer out.Close()
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	d.t.Cleanup(func() { _ = r.cmd.Process.Kill() }) // it has ended when all went well
	return r
}

// await returns what the group of a pattern matches in the next line that it matches.
func (r *devRun) await(pattern string) string {
	r.t.Helper()
	re, late := regexp.MustCompile(pattern), time.After(gatewaytest.Patience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("dev ended without a line with %s:\n%s", pattern, strings.Join(r.seen, "\n"))
			}
			r.seen = append(r.seen, line)
			if m := re.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-late:
			r.t.Fatalf("no line with %s:\n%s", pattern, strings.Join(r.seen, "\n"))
		}
	}
}

// end waits until dev, and whatever it started, has ended, and returns its exit code.
func (r *devRun) end() int {
	r.t.Helper()
	late := time.After(gatewaytest.Patience)
	for open := true; open; {
		select {
		case line, ok := <-r.lines:
			if open = ok; ok {
				r.seen = append(r.seen, line)
			}
		case <-late:
			r.t.Fatalf("it does not end, or left a process behind:\n%s", strings.Join(r.seen, "\n"))
		}
	}
	err := r.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return 0
}

func (r *devRun) interrupt() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
}

// newDevelopment is a folder with a template whose code is in another folder.
func newDevelopment(t *testing.T) *deploying {
	d := &deploying{t: t, dir: t.TempDir()}
	d.env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	d.write("app/template.yaml", strings.Replace(deployed, "CodeUri: src", "CodeUri: ../code", 1))
	d.write("code/index.js", answering("one"))
	return d
}

func answering(word string) string {
	return `exports.handler = async e => ({ statusCode: 200, body: "` + word + ` " + e.body });`
}

// ask sends a message and expects an answer.
func ask(t *testing.T, url, message, want string) {
	t.Helper()
	if got := answerTo(t, url, message); got != want {
		t.Errorf("%s is answered %q, want %q", message, got, want)
	}
}

func fail(t *testing.T, url, message string) {
	t.Helper()
	if got := answerTo(t, url, message); !strings.Contains(got, "Internal server error") {
		t.Errorf("%s is answered %q", message, got)
	}
}

func answerTo(t *testing.T, url, message string) string {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
	c, err := gatewaytest.Dial(host, host, "/"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	if err := c.Send(message); err != nil {
		t.Fatal(err)
	}
	got, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const echoed = `{"action":"echo"}`

func TestDev(t *testing.T) {
	t.Parallel()
	d := newDevelopment(t)
	r := startDev(d, "app")
	endpoint := r.await(`gateway +(http\S+)`)
	url := r.await(`(ws://127\S+)`)
	r.await(`ready`)
	ask(t, url, echoed, "one "+echoed)

	d.write("code/index.js", answering("two"))
	r.await(`stack app is deployed`)
	ask(t, url, echoed, "two "+echoed)

	d.write("code/index.js", `exports.handler = async () => { throw new TypeError("oh no"); };`)
	r.await(`stack app is deployed`)
	fail(t, url, echoed)
	r.await(`Function\(\) +ERROR TypeError: oh no`)
	r.await(`at exports\.handler \(index\.js:1:`)

	d.write("app/template.yaml", "Resources: [\n")
	r.await(`deploy +ERROR app/template\.yaml:\d+:\d+: `)
	r.await(`stays as it was`)
	if err := os.Remove(filepath.Join(d.dir, "app/template.yaml")); err != nil {
		t.Fatal(err)
	}
	r.await(`ERROR there is no template`)
	d.write("code/index.js", answering("three"))
	d.write("app/new", strings.NewReplacer("CodeUri: src", "CodeUri: ../code", "  Route:", "  Renamed:", "!Ref Route,", "!Ref Renamed,").Replace(deployed))
	if err := os.Rename(filepath.Join(d.dir, "app/new"), filepath.Join(d.dir, "app/template.yaml")); err != nil {
		t.Fatal(err)
	}
	r.await(`stack app is deployed`) // the route under another name is the same route
	ask(t, url, echoed, "three "+echoed)

	refused := exec.Command("sockgate", "dev", "app", "--listen", "127.0.0.1:0")
	refused.Dir, refused.Env = d.dir, d.env
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "already: end it") {
		t.Errorf("a second dev of the folder: %v\n%s", err, out)
	}
	for _, query := range []string{"?deploy=true", ""} {
		resp, err := http.Post(endpoint+"/_sockgate/reset"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("reset%s: %s", query, resp.Status)
		}
		r.await(`every resource was removed`)
		if query != "" {
			ask(t, r.await(`(ws://127\S+)`), echoed, "three "+echoed)
		}
	}
	d.write("code/index.js", answering("four"))
	url = r.await(`(ws://127\S+)`)
	r.interrupt()
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	again := startDev(d, "app", "--parameters", "Key=say") // the state was kept
	again.await(`update +Route|update +Renamed`)
	changed := again.await(`(ws://127\S+)`)
	_, path, _ := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
	if !strings.HasSuffix(changed, path) {
		t.Errorf("the address was …/%s and is %s", path, changed)
	}
	ask(t, changed, `{"action":"say"}`, `four {"action":"say"}`)
	again.interrupt()
	if code := again.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestDevWithAProgram: dev ends with its program, with its exit code, and nothing is left behind.
func TestDevWithAProgram(t *testing.T) {
	t.Parallel()
	d := newDevelopment(t)
	r := startDev(d, "app", "--", "sh", "-c", `sleep 600 & echo "endpoint $AWS_ENDPOINT_URL"; exit 7`)
	if code := r.end(); code != 7 {
		t.Errorf("exit code %d:\n%s", code, strings.Join(r.seen, "\n"))
	}
	r = startDev(d, "app", "--", "sh", "-c", `trap 'echo told; exit 3' INT; echo started; while :; do sleep 0.05; done`)
	r.await(`started`)
	r.interrupt()
	r.await(`told`)
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d after Ctrl-C", code)
	}
	r = startDev(d, "app", "--", "no-such-program-anywhere")
	if code := r.end(); code != 127 {
		t.Errorf("exit code %d without the program", code)
	}
	d.write("app/template.yaml", "Resources: {}\n")
	r = startDev(d, "app", "--", "sh", "-c", "echo begun")
	if code := r.end(); code != 1 || strings.Contains(strings.Join(r.seen, "\n"), "begun") {
		t.Errorf("exit code %d with a template that cannot be deployed:\n%s", code, strings.Join(r.seen, "\n"))
	}
}

// TestDevInterrupted ends a deploy that builds.
func TestDevInterrupted(t *testing.T) {
	t.Parallel()
	d := newDevelopment(t)
	d.write("code/Makefile", "build-Function:\n\tsleep 600\n")
	d.write("app/template.yaml", strings.Replace(deployed, "Properties: {CodeUri: src", "Metadata: {BuildMethod: makefile}\n    Properties: {CodeUri: ../code", 1))
	r := startDev(d, "app")
	r.await(`building .* with make build-Function`)
	r.interrupt()
	r.await(`interrupted`)
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestDevRefusals(t *testing.T) {
	t.Parallel()
	d := newDevelopment(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		code int
		want string
		args []string
	}{
		"a folder without a template": {2, "there is no template in code", []string{"code"}},
		"nothing there":               {2, "there is no template", []string{"nowhere.yaml"}},
		"a port that is taken":        {1, "--listen 127.0.0.1:0 takes a port that is free", []string{"app", "--listen", taken.Addr().String()}},
		"every address":               {1, "loopback addresses only", []string{"app", "--listen", "0.0.0.0:0"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sockgate", append([]string{"dev"}, tc.args...)...)
			cmd.Dir, cmd.Env = d.dir, d.env
			out, err := cmd.CombinedOutput()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			}
			if code != tc.code || !strings.Contains(string(out), tc.want) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", code, tc.code, tc.want, out)
			}
		})
	}
}
