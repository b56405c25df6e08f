package socket

import (
	"context"
	"crypto/tls"
	"net"
)

// Start serves the connection until it has ended, and returns at once: the connection's own goroutine reads, dispatches, keeps the limits,
// and closes nc, while there is something to do. It calls Handler.Closed, waits for running Message calls, and calls done, all once.
func (c *Conn) Start(done func()) {
	c.done = done
	if c.silent() && c.park() {
		return
	}
	go c.attend(none) // the caller waits for done
}

// Run is Start, and returns when the connection has ended. When ctx ends it closes with 1001.
func (c *Conn) Run(ctx context.Context) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.Close(goingAway.code, goingAway.reason) })
		defer stop()
	}
	done := make(chan struct{})
	c.Start(func() { close(done) })
	<-done
}

// attend reads until the connection has ended or parks.
func (c *Conn) attend(woken stay) {
	src := newSource(c.nc)
	how := c.read(src, woken)
	if how == parked {
		src.release()
		return
	}
	if how == orderly {
		c.linger(src)
	}
	src.release()
	end := c.end()
	c.handler.Closed(c, end.code, end.reason)
	c.work.Wait()
	c.done()
}

// silent reports whether a connection that begins has nothing to be read that the kernel does not know of. Many are silent for long
// after their handshake, and need no goroutine yet.
func (c *Conn) silent() bool {
	if c.limits.Lot == nil || !parks || c.reader != nil {
		return false
	}
	if c.raw != nil {
		return true
	}
	if _, ok := c.nc.(*tls.Conn); !ok {
		return false
	}
	// Frames may have come in one piece with the handshake and be in the transport's buffers. A read whose deadline has passed
	// gives what is there, and does not wait.
	c.nc.SetReadDeadline(longAgo)
	b := make([]byte, idleBuffer)
	n, err := c.nc.Read(b)
	if n > 0 {
		c.reader = c.newReader(b[:n])
	}
	return n == 0 && isTimeout(err)
}

// park gives the connection to the lot, and reports whether it did. Then the caller must let go of it: it may be another
// goroutine's already.
//
// Nothing that has come is forgotten by it. The caller has seen a read of nc time out, or nc is bare: what has come by now the
// kernel holds, and it tells of that as of what comes later. A TLS connection may hold bytes of its own too, but not a whole record of
// them: it tries the wire only when it has none. What completes the record is news.
func (c *Conn) park() bool {
	l := c.limits.Lot
	if l == nil || !parks {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open() || transport(c.nc) == nil {
		return false
	}
	if c.reader != nil && c.reader.parser.atRest() {
		c.reader = nil
	}
	if !c.draining() {
		c.queue = nil
	}
	c.parked = true // before there can be news
	if !l.park(c) {
		c.parked = false
	}
	return c.parked
}

// resume goes on with a connection that has left the lot.
func (c *Conn) resume() {
	c.mu.Lock()
	c.parked = false
	c.mu.Unlock()
	c.attend(c.place.stay) // which does not change before it parks again
}

// transport returns what carries nc: nc itself, or what a TLS connection was made of. It is nil for what cannot be watched.
func transport(nc net.Conn) *net.TCPConn {
	for {
		switch under := nc.(type) {
		case *net.TCPConn:
			return under
		case interface{ NetConn() net.Conn }:
			nc = under.NetConn()
		default:
			return nil
		}
	}
}
