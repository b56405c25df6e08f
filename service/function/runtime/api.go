package runtime

import (
	"net"
	"sync"
	"time"
)

// maxAPIConns is how many connections a process may hold to its Runtime API. A runtime needs one or two.
const maxAPIConns = 16

// answerGrace is how long a finished call is held back for the process to ask for the next one, so that calls made one
// after another find it waiting.
const answerGrace = 20 * time.Millisecond

// call is an invocation on its way through a process.
type call struct {
	*Invocation
	deadline time.Time
	started  time.Time

	wake chan struct{} // capacity 1: answered, and the process waits again or its grace has passed

	// Guarded by api.mu until wake was received or the process has ended.
	answered   bool
	answeredAt time.Time
	answer     []byte
	failed     bool   // answer is an error document
	errorType  string // as the process named it
	grace      *time.Timer
}

// api is one process's Runtime API: it alone knows the address.
type api struct {
	listener net.Listener
	serving  sync.WaitGroup // the accept loop and the connections

	mu        sync.Mutex
	conns     map[*apiConn]bool
	closed    bool
	parked    *apiConn // has asked for the next invocation
	current   *call    // delivered, and the process has not asked for another since
	ready     chan struct{}
	isReady   bool
	failed    chan struct{}
	initError *initError
}

// initError is what a process says of its failed initialization.
type initError struct {
	document  []byte
	errorType string
}

func listenAPI() (*api, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &api{listener: l, conns: map[*apiConn]bool{}, ready: make(chan struct{}), failed: make(chan struct{})}
	a.serving.Go(a.accept)
	return a, nil
}

func (a *api) address() string { return a.listener.Addr().String() }

func (a *api) accept() {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			if a.isClosed() {
				return
			}
			time.Sleep(answerGrace) // out of descriptors, most likely
			continue
		}
		c := newAPIConn(a, conn)
		a.mu.Lock()
		if a.closed || len(a.conns) >= maxAPIConns {
			a.mu.Unlock()
			conn.Close()
			continue
		}
		a.conns[c] = true
		a.serving.Go(c.serve)
		a.mu.Unlock()
	}
}

func (a *api) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// close ends the listener and all connections, and waits for their goroutines.
func (a *api) close() {
	a.mu.Lock()
	a.closed = true
	for c := range a.conns {
		c.conn.Close()
	}
	a.mu.Unlock()
	a.listener.Close()
	a.serving.Wait()
}

// drain reads what an ended process still sent. Its connections end by themselves once they are read to the end; a wait's
// length bounds what a stranger, connected to the same port, could do.
func (a *api) drain(wait time.Duration) {
	deadline := time.Now().Add(wait)
	a.mu.Lock()
	a.closed = true // nobody new
	for c := range a.conns {
		_ = c.conn.SetReadDeadline(deadline)
	}
	a.mu.Unlock()
	a.listener.Close()
	a.serving.Wait()
}

// deliver hands c to the waiting process. Without one, or when the connection breaks, it returns false: the process never
// saw the call.
func (a *api) deliver(c *call) bool {
	a.mu.Lock()
	conn := a.parked
	if conn == nil || a.closed {
		a.mu.Unlock()
		return false
	}
	a.parked, a.current = nil, c
	a.mu.Unlock()
	if conn.writeInvocation(c) == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.answered { // it read enough to answer
		return true
	}
	a.current = nil
	return false
}

// next parks conn until there is an invocation. It refuses a process that has one unanswered, or that asks twice.
func (a *api) next(conn *apiConn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parked != nil || a.initError != nil || a.current != nil && !a.current.answered {
		return false
	}
	a.parked = conn
	if !a.isReady {
		a.isReady = true
		close(a.ready)
	}
	if c := a.current; c != nil {
		a.current = nil
		c.signal()
	}
	return true
}

// waiting reports whether the process has asked for another invocation.
func (a *api) waiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parked != nil && a.current == nil
}

// What became of an answer.
type verdict uint8

const (
	accepted verdict = iota
	unknownID
	alreadyAnswered
)

// expects says whether an answer for id would be taken now.
func (a *api) expects(id string) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.check(id)
}

func (a *api) check(id string) verdict {
	switch {
	case a.current == nil || a.current.RequestID != id:
		return unknownID
	case a.current.answered:
		return alreadyAnswered
	}
	return accepted
}

// answer takes the process's answer, and holds it until the process asks for another invocation, for its grace at most.
func (a *api) answer(id string, document []byte, failed bool, errorType string) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := a.check(id); v != accepted {
		return v
	}
	c := a.current
	c.answered, c.answeredAt = true, time.Now()
	c.answer, c.failed, c.errorType = document, failed, errorType
	c.grace = time.AfterFunc(answerGrace, c.poke)
	return accepted
}

// failInit takes the report of a failed initialization, once and before the process asked for work.
func (a *api) failInit(e *initError) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isReady || a.initError != nil {
		return false
	}
	a.initError = e
	close(a.failed)
	return true
}

// gone forgets a connection that ended.
func (a *api) gone(conn *apiConn) {
	a.mu.Lock()
	delete(a.conns, conn)
	if a.parked == conn {
		a.parked = nil
	}
	a.mu.Unlock()
}

// withdraw takes a call away whose time is over. It reports whether the answer came before.
func (a *api) withdraw(c *call) (answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == c && !c.answered {
		a.current = nil
	}
	return c.answered
}

// signal wakes the call's owner before the grace has passed. It is called with api.mu held.
func (c *call) signal() {
	c.grace.Stop() // it runs since the answer
	c.poke()
}

// poke wakes the call's owner. Any number of pokes are one.
func (c *call) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
