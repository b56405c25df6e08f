package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sockgate/sockgate"
)

// Handler is told what happens on a connection.
type Handler interface {
	// Message takes one complete text message: valid UTF-8, at most Limits.MessageSize bytes, possibly none. payload is
	// the callee's own. It runs on another goroutine than Run, at most Limits.InFlight at a time, begun in the order of
	// arrival. It must return in bounded time: Run waits for it.
	Message(c *Conn, payload []byte)

	// Closed is called exactly once, by Run, when the transport has ended; from before that on, Send and Reply fail with
	// Gone. No message is dispatched after it, but calls of Message that were may still be running.
	// code and reason are those of the $disconnect event: the client's own if it sent a close frame first, 1005 if that
	// had none, 1006 if the connection ended without one, and ours if we began to close.
	Closed(c *Conn, code int, reason string)
}

// Conn is one WebSocket connection. Its methods may be called by many goroutines, before, during and after Run,
// except Run itself, which is called once.
type Conn struct {
	nc      net.Conn
	raw     syscall.RawConn // for writing without blocking; nil unless nc is plain TCP
	limits  *Limits
	handler Handler
	info    *sockgate.Connection
	done    func()       // called at the end of all
	active  atomic.Int64 // nanoseconds from info.ConnectedAt to the last data message

	reader *reader // of the reader's goroutine only; nil while there is none that holds anything

	work sync.WaitGroup // running Messages and the drain

	mu       sync.Mutex
	inFlight int           // running Messages
	freed    chan struct{} // closed to wake the reader; nil unless it waits for a Message to end
	cause    *cause        // why the connection ends; nil while that is not decided
	closeBy  time.Duration // when a connection that is no longer open ends at the latest, from info.ConnectedAt
	queue    *queue        // nil when nothing has waited since the connection last woke
	shutting bool          // no longer open: nothing more is dispatched or taken to be sent
	broken   bool          // nothing can be written any more
	abort    bool          // end now, without ceremony
	parked   bool          // nobody reads: the lot watches
	watched  bool          // the lot's poll knows the descriptor

	place place // in Limits.Lot
}

// New makes a connection of nc, whose handshake has been answered. early are bytes that came behind the handshake; New
// and Run own them. limits and info, with its ConnectedAt, are read and must not change any more. nc is plain (*net.TCPConn) or
// anything else with deadlines; Run closes it. Nothing happens until Run or Start.
func New(nc net.Conn, early []byte, limits *Limits, handler Handler, info *sockgate.Connection) *Conn {
	c := &Conn{nc: nc, raw: rawConn(nc), limits: limits, handler: handler, info: info}
	if len(early) > 0 {
		c.reader = c.newReader(early)
	}
	c.touch()
	return c
}

// Info returns what New was given.
func (c *Conn) Info() *sockgate.Connection { return c.info }

// LastActive returns when a data message last came or went; at first, when the connection was made.
func (c *Conn) LastActive() time.Time { return c.info.ConnectedAt.Add(time.Duration(c.active.Load())) }

// Queued returns the bytes that wait for the peer.
func (c *Conn) Queued() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue == nil {
		return 0
	}
	return c.queue.entered - c.queue.left
}

// touch notes a data message. Control frames do not count.
// UNCONFIRMED: whether they do at AWS; reference section 14 advises this.
func (c *Conn) touch() { c.active.Store(int64(time.Since(c.info.ConnectedAt))) }

// expiry returns when the connection ends if nothing more happens, and false if it has no such limit.
func (c *Conn) expiry() (time.Time, bool) {
	var at time.Time
	if c.limits.Idle > 0 {
		at = c.LastActive().Add(c.limits.Idle)
	}
	if c.limits.Duration > 0 {
		if end := c.info.ConnectedAt.Add(c.limits.Duration); at.IsZero() || end.Before(at) {
			at = end
		}
	}
	return at, !at.IsZero()
}

// closeTime is when a connection that is no longer open ends at the latest. mu is held.
func (c *Conn) closeTime() time.Time { return c.info.ConnectedAt.Add(c.closeBy) }

// open reports whether data may still come and go. mu is held.
func (c *Conn) open() bool { return !c.shutting }

// dispatch hands a message to the handler, waiting while as many calls run as may. Once we have begun to close, what
// still comes is discarded.
func (c *Conn) dispatch(payload []byte) {
	c.touch()
	if c.takeSlot() {
		c.work.Add(1)
		if w := c.limits.Workers; w != nil {
			w.run(call{c, payload})
		} else {
			go c.serve(payload)
		}
	}
}

func (c *Conn) serve(payload []byte) {
	defer c.work.Done()
	defer c.freeSlot()
	c.handler.Message(c, payload)
}

// takeSlot waits until one more Message may run, and reports false if the connection begins to close instead.
func (c *Conn) takeSlot() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.full() && c.open() {
		c.waitForSlot()
	}
	if c.open() {
		c.inFlight++
	}
	return c.open()
}

// full reports whether no more Messages may run. mu is held.
func (c *Conn) full() bool { return c.inFlight >= max(1, c.limits.InFlight) }

// busy is full for a caller that does not hold mu.
func (c *Conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full()
}

func (c *Conn) freeSlot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.wakeReader()
}

// wakeReader wakes the reader if it waits for a slot. mu is held.
func (c *Conn) wakeReader() {
	if c.freed != nil {
		close(c.freed)
		c.freed = nil
	}
}

// waitForSlot waits for a Message to end or the connection to begin to close. It keeps the time limits itself, as no
// read is there to do it. mu is held before and after, not meanwhile.
func (c *Conn) waitForSlot() {
	freed := make(chan struct{})
	c.freed = freed
	c.mu.Unlock()
	defer c.mu.Lock()
	var expired <-chan time.Time
	if at, limited := c.expiry(); limited {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-freed:
	case <-expired:
		c.expire()
	}
}

// expire begins to close if a time limit has passed, and reports whether it has.
func (c *Conn) expire() bool {
	at, limited := c.expiry()
	if !limited || time.Now().Before(at) {
		return false
	}
	c.Close(goingAway.code, goingAway.reason)
	return true
}
