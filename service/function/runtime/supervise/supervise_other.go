//go:build unix && !linux

package supervise

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
)

// Main has nothing to do here: processes are started by the program itself.
func Main() {}

// Supervisor starts processes, each the leader of a process group.
type Supervisor struct {
	mu       sync.Mutex
	closed   bool
	children map[*Child]bool
	running  sync.WaitGroup
}

// Start starts a process.
func (s *Supervisor) Start(c Command) (*Child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the supervisor is closed")
	}
	cmd := &exec.Cmd{Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Stdout: c.Output, Stderr: c.Output,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	child := &Child{PID: pid, done: make(chan struct{}), kill: func() { _ = syscall.Kill(-pid, syscall.SIGKILL) }}
	if s.children == nil {
		s.children = map[*Child]bool{}
	}
	s.children[child] = true
	s.running.Go(func() {
		_ = cmd.Wait()
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		s.mu.Lock()
		delete(s.children, child)
		s.mu.Unlock()
		status := Status{Code: cmd.ProcessState.ExitCode()}
		if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			status = Status{Signal: w.Signal()}
		}
		child.end(status)
	})
	return child, nil
}

// Close kills all processes and waits for their end.
func (s *Supervisor) Close() error {
	s.mu.Lock()
	s.closed = true
	for child := range s.children {
		child.Kill()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
