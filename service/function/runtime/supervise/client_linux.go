package supervise

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of what is waited for.
const (
	startWait = 10 * time.Second // for the supervisor to start a process
	closeWait = 5 * time.Second  // for it to end, and all processes with it
)

var (
	errClosed = errors.New("the supervisor is closed")
	errEnded  = errors.New("the supervisor of function processes ended; a program that starts it must call supervise.Main first")
)

// Supervisor starts processes. Its methods may be called by many goroutines. The supervising process is started with the
// first process, and again should it have died.
type Supervisor struct {
	mu     sync.Mutex
	link   *link // nil before the first start
	closed bool
}

// link is one life of the supervising process.
type link struct {
	conn *net.UnixConn
	done chan struct{} // closed when the supervising process has ended and every child is told

	mu       sync.Mutex
	lastID   uint64
	children map[uint64]*waiting
	ended    bool
}

type waiting struct {
	child   *Child
	started chan error // capacity 1
}

// Start starts a process. It waits until the process runs, seconds at most.
func (s *Supervisor) Start(c Command) (*Child, error) {
	l, err := s.connect()
	if err != nil {
		return nil, err
	}
	w := &waiting{child: &Child{done: make(chan struct{})}, started: make(chan error, 1)}
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return nil, errEnded
	}
	l.lastID++
	id := l.lastID
	l.children[id] = w
	l.mu.Unlock()
	w.child.kill = func() { _ = send(l.conn, request{ID: id}, nil) }

	r := request{ID: id, Path: c.Path, Dir: c.Dir, Mark: c.Mark, Args: c.Args, Env: c.Env, FileSize: c.MaxFileSize, NumFiles: c.MaxFiles}
	if err := send(l.conn, r, unix.UnixRights(int(c.Output.Fd()))); err != nil {
		l.forget(id)
		return nil, fmt.Errorf("ask the supervisor for a process: %w", err)
	}
	timer := time.NewTimer(startWait)
	defer timer.Stop()
	select {
	case err := <-w.started:
		if err != nil {
			return nil, err
		}
		return w.child, nil
	case <-timer.C:
		w.child.kill() // takes effect when it did start late
		return nil, errors.New("the supervisor did not start the process in time")
	}
}

func (l *link) forget(id uint64) {
	l.mu.Lock()
	delete(l.children, id)
	l.mu.Unlock()
}

// connect returns the live supervising process, starting one when there is none.
func (s *Supervisor) connect() (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.link != nil {
		select {
		case <-s.link.done:
		default:
			return s.link, nil
		}
	}
	l, err := launch()
	if err != nil {
		return nil, fmt.Errorf("start the supervisor of function processes: %w", err)
	}
	s.link = l
	return l, nil
}

// launch runs this program's own file anew. It gets no environment, so that its own holds no secrets for processes to read.
func launch() (*link, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "supervisor"), os.NewFile(uintptr(pair[1]), "program")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", // also after the file was replaced by a newer one
		Args: []string{os.Args[0], flag},
		// The second is for programs under the race detector, which wait a second at their end otherwise.
		Env:        []string{"GOMAXPROCS=2", "GORACE=atexit_sleep_ms=0"},
		Dir:        "/",
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{theirs},
		// A session of its own: a terminal's Ctrl-C is for the program, which then ends the processes in good order.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, err
	}
	l := &link{conn: conn.(*net.UnixConn), done: make(chan struct{}), children: map[uint64]*waiting{}}
	go l.listen(cmd)
	return l, nil
}

// listen tells children what became of them, until the supervising process ends, which Close brings about.
func (l *link) listen(cmd *exec.Cmd) {
	defer close(l.done)
	buffer := make([]byte, maxMessage)
	for {
		var e event
		file, err := receive(l.conn, buffer, &e)
		if file != nil {
			file.Close()
		}
		if err != nil {
			break
		}
		l.tell(e)
	}
	l.conn.Close() // which ends it, if it has not
	_ = cmd.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for id, w := range l.children {
		delete(l.children, id)
		w.end(Status{Lost: true, Signal: syscall.SIGKILL}, errEnded)
	}
}

func (l *link) tell(e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.children[e.ID]
	switch {
	case w == nil:
	case e.PID != 0:
		w.child.PID = e.PID
		w.started <- nil
	case e.Error != "":
		delete(l.children, e.ID)
		w.end(Status{Lost: true}, errors.New(e.Error))
	default:
		delete(l.children, e.ID)
		w.end(Status{Code: e.Code, Signal: syscall.Signal(e.Signal)}, errEnded)
	}
}

// end tells whoever waits for the start, if the start was not told yet, and whoever waits for the end.
func (w *waiting) end(s Status, unstarted error) {
	if w.child.PID == 0 {
		w.started <- unstarted
	}
	w.child.end(s)
}

// Close kills all processes and waits for their end, seconds at most. Nothing can be started afterwards.
func (s *Supervisor) Close() error {
	s.mu.Lock()
	s.closed = true
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	_ = l.conn.CloseWrite()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-l.done:
		return nil
	case <-timer.C:
		l.conn.Close()
		return errors.New("the supervisor of function processes did not end in time")
	}
}
