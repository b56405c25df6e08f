// Package examples_test runs the examples as their READMEs say, and looks at them with WebSocket clients and a browser.
package examples_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockgate/sockgate/internal/browsertest"
)

// How long an example may take: to start, which may fetch dependencies, and for everything after that.
const (
	startTime = 3 * time.Minute
	patience  = 40 * time.Second
)

// program is the built gateway.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sockgate-examples-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sockgate")
	cmd := exec.Command("go", "build", "-o", path, "../cmd/sockgate")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// example is a running "sockgate dev".
type example struct {
	t     *testing.T
	lines chan string
	seen  []string
	cmd   *exec.Cmd
}

// start runs "sockgate dev DIR ARGS" with a copy of an example's folder, from the repository's root.
func start(t *testing.T, name string, args ...string) (e *example, dir string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".sockgate")); err != nil { // of somebody who tried the example
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"dev", dir, "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e = &example{t: t, lines: make(chan string, 1000), cmd: cmd}
	go func() { // ends with the process
		defer close(e.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			e.lines <- s.Text()
		}
	}()
	t.Cleanup(e.stop)
	return e, dir
}

// await returns what a pattern's group matches in the next line that it matches.
func (e *example) await(pattern string) string {
	e.t.Helper()
	re, late := regexp.MustCompile(pattern), time.After(startTime)
	for {
		select {
		case line, ok := <-e.lines:
			if !ok {
				e.t.Fatalf("dev ended; its log:\n%s", strings.Join(e.seen, "\n"))
			}
			e.seen = append(e.seen, line)
			if m := re.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
			if strings.Contains(line, " deploy           ERROR ") {
				e.t.Fatalf("dev's log:\n%s", strings.Join(e.seen, "\n"))
			}
		case <-late:
			e.t.Fatalf("nothing says %s; dev's log:\n%s", pattern, strings.Join(e.seen, "\n"))
		}
	}
}

// stop ends dev as Ctrl-C does.
func (e *example) stop() {
	_ = e.cmd.Process.Signal(syscall.SIGINT) // it may have ended
	for line := range e.lines {
		e.seen = append(e.seen, line)
	}
	if err := e.cmd.Wait(); err != nil {
		e.t.Errorf("dev ended with %v; its log:\n%s", err, strings.Join(e.seen, "\n"))
	}
}

type client struct {
	t *testing.T
	net.Conn
	rd io.ReadWriter
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	return dialBy(t, ws.Dialer{}, address)
}

func dialBy(t *testing.T, dialer ws.Dialer, address string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, early, _, err := dialer.Dial(ctx, address)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t, conn, conn}
	if early != nil {
		c.rd = struct {
			io.Reader
			io.Writer
		}{early, conn}
	}
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next message.
func (c *client) next() string {
	c.t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	got, err := wsutil.ReadServerText(c.rd)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(got)
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got := c.next(); got != want {
		c.t.Fatalf("got %s, want %s", got, want)
	}
}

// freeAddr is an address that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// page is the address of an example's page with these parameters.
func page(dir string, query url.Values) string {
	return "file://" + filepath.Join(dir, "page.html") + "?" + query.Encode()
}

func TestChatFunctions(t *testing.T) {
	t.Parallel()
	e, dir := start(t, "chat-functions")
	address := e.await(`(ws://127\S+)`)
	e.await(`ready`)
	ann := dial(t, address+"?name=Ann")
	ann.send(`{"action":"sendmessage","data":"hello"}`)
	ann.expect(`{"from":"Ann","data":"hello"}`)

	p := browsertest.Open(t, page(dir, url.Values{"address": {address}, "name": {"Bob"}}))
	p.Await("#state", "connected as Bob")
	p.Type("#text", "hi <b>Ann</b>")
	p.Click("button")
	ann.expect(`{"from":"Bob","data":"hi <b>Ann</b>"}`)
	p.Await("#log", "Bob: hi <b>Ann</b>")

	// A change of a function is live, without a new connection.
	file := filepath.Join(dir, "src", "send.js")
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(code), "{ from, data }", "{ from, data: data.toUpperCase() }", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	e.await(`is deployed`)
	ann.send(`{"action":"sendmessage","data":"louder"}`)
	ann.expect(`{"from":"Ann","data":"LOUDER"}`)
	p.Await("#log", "Ann: LOUDER")
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	e, _ := start(t, "notifications", "--parameters", "ServiceUrl=http://"+addr, "--", "go", "run", "./examples/notifications", "-listen", addr)
	address := e.await(`(ws://127\S+)`)
	await(t, "http://"+addr+"/")
	ann := dial(t, address+"?user=ann")
	p := browsertest.Open(t, "http://"+addr+"/?"+url.Values{"address": {address}, "user": {"bob"}}.Encode())
	p.Await("#state", "connected as bob")
	p.Type("#user", "ann")
	p.Type("#text", "dinner is ready")
	p.Click("button")
	p.Await("#state", "arrived at 1 of ann")
	ann.expect("dinner is ready")

	resp, err := http.Post("http://"+addr+"/notify?user=bob", "text/plain", strings.NewReader("coming"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.Await("#list", "coming")
	if _, _, _, err := ws.Dial(t.Context(), address); err == nil {
		t.Error("somebody without a name is let in")
	}
}

// await waits until something answers at a URL.
func await(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
