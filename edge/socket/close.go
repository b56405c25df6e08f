package socket

import (
	"context"
	"net"
	"time"
)

// Close begins the closing handshake and returns at once: what is queued goes out, then a close frame with code and
// reason (at most 123 bytes; cut if longer), and Run ends within Limits.CloseWait. Nothing more is dispatched.
// On a connection that is no longer open it does nothing: the first cause stands.
//
// Handler.Closed gets code and reason, and for 1000 without a reason API Gateway's own text.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open() {
		return
	}
	if code == normal.code && reason == "" {
		c.cause = &normal
	}
	c.beginCloseLocked(&cause{code, reason})
}

// beginClose sends the close frame for why, which becomes the cause unless there is one.
func (c *Conn) beginClose(why *cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beginCloseLocked(why)
}

func (c *Conn) beginCloseLocked(why *cause) {
	if c.cause == nil {
		c.cause = why // also when writing has broken off: the peer's close frame may be found after that
	}
	if !c.open() {
		return
	}
	c.put(appendClose(nil, why.code, why.reason))
	c.shut(time.Now().Add(c.limits.CloseWait))
}

// shut makes the connection one that is no longer open, and lets nothing wait longer than by. mu is held.
func (c *Conn) shut(by time.Time) {
	if c.open() {
		c.closeBy, c.shutting = by.Sub(c.info.ConnectedAt), true
		c.wakeReader()
	}
	c.nc.SetReadDeadline(c.closeTime())
	if c.draining() {
		c.nc.SetWriteDeadline(c.closeTime())
	}
	c.wake()
	if c.parked {
		c.limits.Lot.wake(c)
	}
}

// closeSlow closes a connection whose queue is full. mu is held.
func (c *Conn) closeSlow() {
	c.beginCloseLocked(&slowPeer)
	c.tellSlow()
}

// stalled ends a connection whose peer takes nothing: a close frame would not get through either. mu is held.
func (c *Conn) stalled() {
	c.cause, c.abort = &slowPeer, true
	c.breakOff()
	c.tellSlow()
}

func (c *Conn) tellSlow() {
	if c.limits.SlowPeer != nil {
		c.limits.SlowPeer()
	}
}

// breakOff gives up writing. Reading goes on for a moment: a peer that is gone may have sent its close frame before,
// which says why. mu is held.
func (c *Conn) breakOff() {
	c.broken = true
	if c.queue != nil {
		c.queue.out, c.queue.pong = nil, nil
	}
	by := time.Now()
	if !c.abort {
		by = by.Add(c.limits.CloseWait)
	}
	c.shut(by)
}

// linger ends a connection on which both sides have said what they had to: our close frame goes out, then the end of
// our stream, and the peer gets time to end its own. Closing at once would reset the connection if the peer had sent
// more, and a reset can overtake the close frame.
func (c *Conn) linger(src source) {
	c.mu.Lock()
	if c.queue != nil {
		c.await(context.Background(), &waiter{at: c.queue.entered})
	}
	broken := c.broken
	c.mu.Unlock()
	half, ok := c.nc.(interface{ CloseWrite() error })
	if broken || !ok {
		return
	}
	half.CloseWrite()
	for {
		if _, err := src.read(); err != nil {
			return
		}
	}
}

// end ends the transport and returns why.
func (c *Conn) end() *cause {
	c.mu.Lock()
	unsent := c.broken || c.draining()
	c.broken = true
	if c.cause == nil {
		c.cause = &abnormal
	}
	c.shut(time.Now())
	why := c.cause
	c.mu.Unlock()
	if tcp, ok := c.nc.(*net.TCPConn); ok && unsent {
		tcp.SetLinger(0) // or the kernel would keep the bytes for a peer that does not take them
	}
	c.nc.Close()
	return why
}
