package supervise

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxSweeps  = 400              // of orphans that fork faster than they can be killed
	sweepPause = time.Millisecond // between two
	killScore  = "500"            // when the system runs out of memory, functions go before the gateway
)

// Main must be what a program that uses Supervisor does first. In the program itself it returns at once. In a supervising
// process it does all the work and exits.
func Main() {
	if len(os.Args) != 2 || os.Args[1] != flag {
		return
	}
	if err := supervise(); err != nil {
		fmt.Fprintln(os.Stderr, "supervise function processes:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// keeper is the supervising process: all that it knows is used by one goroutine.
type keeper struct {
	conn  *net.UnixConn
	byPID map[int]*main
	byID  map[uint64]*main
}

// main is a process that was asked for, as opposed to what it forks.
type main struct {
	id   uint64
	pid  int
	mark string
}

func supervise() error {
	// The kernel sends the parent-death signal when the thread that forked ends; this one stays to the end.
	runtime.LockOSThread()
	// Taken and forgotten, rather than ignored: what is ignored here would be ignored by the processes as well.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	file := os.NewFile(socket, "program")
	syscall.CloseOnExec(socket)
	conn, err := net.FileConn(file)
	if err != nil {
		return err
	}
	file.Close()
	k := &keeper{conn: conn.(*net.UnixConn), byPID: map[int]*main{}, byID: map[uint64]*main{}}
	requests := make(chan request)
	go k.listen(requests) // ends with the process
	for {
		select {
		case r, ok := <-requests:
			switch {
			case !ok:
				k.killAll()
				return nil
			case r.Path != "":
				k.start(r)
			case k.byID[r.ID] != nil:
				_ = syscall.Kill(-k.byID[r.ID].pid, syscall.SIGKILL)
			}
		case <-ended:
			k.reap()
		}
	}
}

// listen closes requests when the program is gone.
func (k *keeper) listen(requests chan<- request) {
	defer close(requests)
	buffer := make([]byte, maxMessage)
	for {
		var r request
		output, err := receive(k.conn, buffer, &r)
		if err != nil {
			return
		}
		r.output = output
		requests <- r
	}
}

func (k *keeper) start(r request) {
	e := event{ID: r.ID}
	pid, err := fork(r)
	if err != nil {
		e.Error = fmt.Sprintf("start %s: %v", r.Path, err)
	} else {
		e.PID = pid
		m := &main{id: r.ID, pid: pid, mark: r.Mark}
		k.byPID[pid], k.byID[r.ID] = m, m
	}
	_ = send(k.conn, e, nil) // a program that is gone is noticed by listen
}

func fork(r request) (pid int, err error) {
	if r.output == nil {
		return 0, syscall.EBADF
	}
	defer r.output.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	out := r.output.Fd()
	pid, err = syscall.ForkExec(r.Path, r.Args, &syscall.ProcAttr{
		Dir: r.Dir, Env: r.Env, Files: []uintptr{null.Fd(), out, out},
		Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	limit(pid, unix.RLIMIT_CORE, 0)
	if r.FileSize > 0 {
		limit(pid, unix.RLIMIT_FSIZE, r.FileSize)
	}
	if r.NumFiles > 0 {
		limit(pid, unix.RLIMIT_NOFILE, r.NumFiles)
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(killScore), 0)
	return pid, nil
}

// limit is best effort: it can only fail when the process has ended already, or when a stricter limit is in force.
func limit(pid, resource int, n uint64) {
	_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
}

// reap collects all that has ended. For each process that was asked for, it kills what that left behind before it tells.
func (k *keeper) reap() {
	var over []event
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			break
		}
		m := k.byPID[pid]
		if m == nil {
			continue // an orphan
		}
		delete(k.byPID, pid)
		delete(k.byID, m.id)
		_ = syscall.Kill(-pid, syscall.SIGKILL) // a group keeps its number from reuse while it has members
		e := event{ID: m.id, Code: status.ExitStatus()}
		if status.Signaled() {
			e.Code, e.Signal = 0, int(status.Signal())
		}
		over = append(over, e)
	}
	if len(over) == 0 {
		return
	}
	k.sweep()
	for _, e := range over {
		_ = send(k.conn, e, nil)
	}
}

// sweep kills orphans that belong to no living process, until there are none. They are our children, so their numbers cannot
// be given to others before we collect them.
func (k *keeper) sweep() {
	for range maxSweeps {
		orphans := 0
		for _, pid := range children() {
			if k.byPID[pid] == nil && !k.belongs(pid) {
				orphans++
				_ = syscall.Kill(pid, syscall.SIGKILL)
				// Processes that were asked for are left to reap.
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
		if orphans == 0 {
			return
		}
		time.Sleep(sweepPause)
	}
}

// belongs reports whether a living process started the orphan.
func (k *keeper) belongs(pid int) bool {
	environ := environ(pid)
	for _, m := range k.byPID {
		if environ[m.mark] {
			return true
		}
	}
	return false
}

func (k *keeper) killAll() {
	clear(k.byPID) // so that everybody is an orphan
	clear(k.byID)
	k.sweep()
}
