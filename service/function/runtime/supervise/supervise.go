// Package supervise starts processes that must not outlive the program that wanted them, nor leave anything behind.
//
// The program runs a copy of itself as a supervisor, which starts the processes and adopts whatever they fork (it is their
// subreaper). When a process ends, the supervisor kills what it left: its process group, and orphans that moved to sessions of
// their own. When the program ends, however it ends, the supervisor sees its end of a socket close, kills everything and goes.
// Should the supervisor itself be killed, the kernel kills the processes it started (their children then stay).
//
//	program ──socket──► supervisor ──► process ──► what it forks
//	   └───────output pipes, held by the program──────┘
//
// An orphan is told apart by an environment entry, Command.Mark, which is inherited over fork and exec. An orphan that has
// wiped its environment belongs to nobody and is killed as soon as any process ends.
//
// It is not for isolation: the processes have the program's user and rights. Systems other than Linux have no subreapers;
// there each process leads a process group, and only that is killed.
//
// The program's main, and TestMain of a test, must begin with Main.
package supervise

import (
	"fmt"
	"os"
	"syscall"
)

// Command is a process to be.
type Command struct {
	Path   string   // absolute
	Args   []string // the first is the name that the process sees
	Env    []string // all of it; nothing is inherited
	Dir    string
	Output *os.File // standard output and error; the caller may close it after Start. Standard input is empty
	Mark   string   // an entry of Env that no other process has

	MaxFileSize uint64 // bytes, of one file that it writes; 0: unlimited
	MaxFiles    uint64 // open ones; 0: as the program's own
}

// Status is how a process ended.
type Status struct {
	Code   int            // exit code, when Signal is 0
	Signal syscall.Signal // what killed it
	Lost   bool           // the supervisor ended before it could tell
}

// String is in the words of a wait status: "exit status 1", "signal: killed".
func (s Status) String() string {
	if s.Signal != 0 {
		return "signal: " + s.Signal.String()
	}
	return fmt.Sprintf("exit status %d", s.Code)
}

// Child is a started process.
type Child struct {
	PID    int
	done   chan struct{}
	status Status // set before done is closed
	kill   func()
}

// Done is closed when the process, and all that it started, has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Status may be asked after Done is closed.
func (c *Child) Status() Status { return c.status }

// Kill makes an end to the process and what it started, and returns before that is done.
func (c *Child) Kill() { c.kill() }

func (c *Child) end(s Status) {
	c.status = s
	close(c.done)
}
