package supervise_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/service/function/runtime/supervise"
)

func TestMain(m *testing.M) {
	supervise.Main()
	goleak.VerifyTestMain(m)
}

// start starts a shell and returns it with the end of its output.
func start(t *testing.T, s *supervise.Supervisor, script string) (*supervise.Child, *os.File) {
	t.Helper()
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	child, err := s.Start(supervise.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: "/", Output: theirs,
		Env: []string{"PATH=/usr/bin:/bin", "MARK=" + t.Name()}, Mark: "MARK=" + t.Name()})
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	return child, ours
}

func closeIt(t *testing.T, s *supervise.Supervisor) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func wait(t *testing.T, c *supervise.Child) supervise.Status {
	t.Helper()
	select {
	case <-c.Done():
		return c.Status()
	case <-time.After(20 * time.Second):
		t.Fatal("the process does not end")
		panic("unreachable")
	}
}

func TestEnds(t *testing.T) {
	s := &supervise.Supervisor{}
	defer closeIt(t, s)
	for _, c := range []struct{ name, script, want string }{
		{"success", "exit 0", "exit status 0"},
		{"failure", "exit 7", "exit status 7"},
		{"signal", "kill -TERM $$", "signal: terminated"},
		{"interrupt is not ignored", "kill -INT $$", "signal: interrupt"},
		{"background child", "sleep 1000 & exit 1", "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			child, _ := start(t, s, c.script)
			if got := wait(t, child); got.String() != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
	t.Run("killed", func(t *testing.T) {
		child, _ := start(t, s, "sleep 1000")
		child.Kill()
		if got := wait(t, child); got.Signal != syscall.SIGKILL {
			t.Error(got)
		}
		child.Kill() // is harmless
	})
}

// TestOutputEnds: the output's end shows that nobody is left who could write, whatever was started.
func TestOutputEnds(t *testing.T) {
	s := &supervise.Supervisor{}
	defer closeIt(t, s)
	child, output := start(t, s, "echo hello; (setsid sleep 1000 &); (setsid env -i sleep 1000 &); exit 0")
	wait(t, child)
	_ = output.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, err := io.ReadAll(output); err != nil || string(got) != "hello\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStartFails(t *testing.T) {
	s := &supervise.Supervisor{}
	defer closeIt(t, s)
	for name, c := range map[string]supervise.Command{
		"no such program":   {Path: "/nothing"},
		"no such directory": {Path: "/bin/true", Dir: "/nothing"},
		"too large":         {Path: "/bin/true", Env: []string{strings.Repeat("x", 1<<20)}},
	} {
		c.Args, c.Output = []string{"x"}, os.Stderr
		if _, err := s.Start(c); err == nil {
			t.Error(name + " starts")
		}
	}
}

// TestSupervisorIsKilled: the processes end with it, and a new one does the work.
func TestSupervisorIsKilled(t *testing.T) {
	s := &supervise.Supervisor{}
	defer closeIt(t, s)
	child, output := start(t, s, "echo; exec sleep 1000")
	if _, err := output.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child.PID))
	if err != nil {
		t.Fatal(err)
	}
	var parent int
	if _, err := fmt.Sscan(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))[1], &parent); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(parent, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, child); !got.Lost {
		t.Error(got)
	}
	_ = output.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(output); err != nil {
		t.Errorf("the process lives: %v", err)
	}
	next, _ := start(t, s, "exit 3")
	if got := wait(t, next); got.Code != 3 {
		t.Error(got)
	}
}

func TestClose(t *testing.T) {
	s := &supervise.Supervisor{}
	closeIt(t, s) // before anything was started
	s = &supervise.Supervisor{}
	child, _ := start(t, s, "trap '' TERM; sleep 1000")
	closeIt(t, s)
	wait(t, child)
	if _, err := s.Start(supervise.Command{Path: "/bin/true", Output: os.Stderr}); err == nil {
		t.Error("a closed supervisor starts processes")
	}
	closeIt(t, s)
}
