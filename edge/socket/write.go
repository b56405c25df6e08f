package socket

import (
	"context"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// queue is what waits for a peer that does not take it at once. Conn.mu guards it. It is made when something waits, and given up by
// a connection that parks when nothing does. Positions count the bytes that ever
// entered it; bytes that the kernel took directly never do.
type queue struct {
	out      []byte    // entered, and not yet in the drain's hands
	entered  int64     // the position behind the last byte
	left     int64     // the position up to which the kernel has the bytes
	draining bool      // the drain goroutine runs; while it does, all writes go through out
	waiters  []*waiter // who waits for left to move
	pongs    int       // bytes of out that are pongs
	pong     []byte    // the pong to send when the drain comes round, if there were too many
}

// waiter waits until the queue's left reaches at, or for another change of the connection to look at.
type waiter struct {
	at   int64
	room bool // it has not entered the queue yet, and gives up when the connection begins to close
	wake chan struct{}
}

const (
	drainPiece = 16 << 10    // bytes per write of the drain: the steps in which waiting senders see progress
	maxPongs   = 4 << 10     // bytes of pongs in the queue; over it, only the latest ping is answered
	roomWait   = time.Second // how long the queue may be too full for a Send: several callers fill it for a peer that reads, too
)

// errGone is what senders get when the connection is no longer open. The edges put it in their own words.
var errGone = &sockgate.Error{Kind: sockgate.Gone, Message: "The connection is closed"}

// frames are buffers for outgoing frames. One that grew far over what a usual message takes is left to the collector.
var frames = sync.Pool{New: func() any { return new([]byte) }}

const keepFrames = 64 << 10

// Send sends payload as one text message. payload must be valid UTF-8; it is not kept.
//
// It returns nil once the kernel has the whole message, which waits for a slow peer, and errors of kind Gone when the
// connection is not open or ends meanwhile, or Timeout when ctx ends first; the message may then still be sent.
// If the queue stays too full for the message, for a second, the connection is closed with 1008 and the error is Gone.
func (c *Conn) Send(ctx context.Context, payload []byte) error { return c.send(ctx, payload, false) }

// Reply sends an answer to a message. It returns once payload is in the queue, which takes what fits at once; where Send would
// close the connection Reply waits on. What waits for room, of either, is bounded by Limits.Backlog. Its errors are Send's.
func (c *Conn) Reply(ctx context.Context, payload []byte) error { return c.send(ctx, payload, true) }

func (c *Conn) send(ctx context.Context, payload []byte, reply bool) error {
	buf := frames.Get().(*[]byte)
	b := appendMessage((*buf)[:0], payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	at, err := c.enter(ctx, b, reply)
	if cap(b) <= keepFrames { // before the wait, which may be long
		*buf = b
		frames.Put(buf)
	}
	if err != nil {
		return err
	}
	if reply && !c.broken {
		return nil
	}
	return c.await(ctx, &waiter{at: at})
}

// enter puts the frames of a message into the queue and returns the position to await. mu is held before and after, not
// while it waits for room.
func (c *Conn) enter(ctx context.Context, b []byte, wait bool) (at int64, err error) {
	room := ctx
	for c.open() {
		if !c.draining() {
			break // whatever its size, a message may be the only one in the queue
		}
		over := c.queue.entered - c.queue.left + int64(len(b)-c.limits.SendQueue)
		if over <= 0 {
			break
		}
		if !c.limits.Backlog.enter(len(b)) {
			c.closeSlow()
			break
		}
		if !wait && room == ctx {
			var cancel context.CancelFunc
			room, cancel = context.WithTimeout(ctx, roomWait)
			defer cancel()
		}
		err := c.await(room, &waiter{at: min(c.queue.left+over, c.queue.entered), room: true})
		c.limits.Backlog.leave(len(b))
		switch {
		case err == nil:
		case wait || ctx.Err() != nil:
			return 0, err
		case c.open():
			c.closeSlow()
		}
	}
	if !c.open() {
		return 0, errGone
	}
	c.touch()
	return c.put(b), nil
}

// draining reports whether bytes wait for the peer. mu is held.
func (c *Conn) draining() bool { return c.queue != nil && c.queue.draining }

// never is the position of bytes that nobody will take.
const never = -1

// put hands b to the peer: what the kernel takes at once goes now, the rest is queued. It returns the position that
// must have left the queue for b to be with the kernel, 0 if it has it already. mu is held.
func (c *Conn) put(b []byte) int64 {
	if c.broken {
		return never
	}
	if !c.draining() && c.raw != nil {
		n, err := writeNow(c.raw, b)
		if err != nil {
			c.breakOff()
			return never
		}
		if n == len(b) {
			return 0
		}
		b = b[n:]
	}
	if c.queue == nil {
		c.queue = new(queue)
	}
	q := c.queue
	q.out = append(q.out, b...)
	q.entered += int64(len(b))
	if !q.draining {
		q.draining = true
		c.work.Add(1)
		go c.drain()
	}
	return q.entered
}

// await waits until the queue has left w.at behind. mu is held before and after, not meanwhile. The wait is bounded,
// also without ctx: the drain makes progress, or breaks the connection off.
func (c *Conn) await(ctx context.Context, w *waiter) error {
	switch w.at {
	case 0:
		return nil
	case never:
		return errGone
	}
	q := c.queue // which may be another's when w is through
	for q.left < w.at && !c.broken && !(w.room && !c.open()) {
		w.wake = make(chan struct{})
		q.waiters = append(q.waiters, w)
		c.mu.Unlock()
		select {
		case <-w.wake:
			c.mu.Lock()
		case <-ctx.Done():
			c.mu.Lock()
			q.forget(w)
			if q.left < w.at && !c.broken {
				return sockgate.Timeoutf("The client did not take the message in time").Because(context.Cause(ctx))
			}
		}
	}
	if q.left < w.at && !w.room {
		return errGone
	}
	return nil
}

// forget removes w if it still waits. Conn.mu is held.
func (q *queue) forget(w *waiter) {
	for i, other := range q.waiters {
		if other == w {
			last := len(q.waiters) - 1
			q.waiters[i] = q.waiters[last]
			q.waiters[last] = nil
			q.waiters = q.waiters[:last]
			return
		}
	}
}

// wake lets go of the waiters whose position has been reached, and of all when the connection has changed. mu is held.
func (c *Conn) wake() {
	q := c.queue
	if q == nil {
		return
	}
	kept := q.waiters[:0]
	for _, w := range q.waiters {
		if q.left >= w.at || c.broken || w.room && !c.open() {
			close(w.wake)
		} else {
			kept = append(kept, w)
		}
	}
	clear(q.waiters[len(kept):])
	q.waiters = kept
}

// drain writes the queue until it is empty. It runs only while bytes wait; Run waits for it.
func (c *Conn) drain() {
	defer c.work.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queue
	for !c.broken {
		if q.pong != nil && c.open() {
			q.out = append(q.out, q.pong...)
			q.entered += int64(len(q.pong))
		}
		q.pong, q.pongs = nil, 0
		b := q.out
		if len(b) == 0 {
			c.nc.SetWriteDeadline(time.Time{})
			q.draining, q.waiters = false, nil
			return
		}
		q.out = nil
		for len(b) > 0 && !c.broken {
			b = b[c.write(b[:min(len(b), drainPiece)]):]
		}
	}
}

// write writes b, waiting for the peer until a limit. It returns how much the kernel took. A peer that took nothing, or
// is not there any more, ends the connection. mu is held before and after, not meanwhile.
func (c *Conn) write(b []byte) int {
	by := c.closeTime()
	if c.open() {
		by = time.Now().Add(c.limits.SendStall)
	}
	c.nc.SetWriteDeadline(by)
	c.mu.Unlock()
	n, err := c.nc.Write(b)
	c.mu.Lock()
	c.queue.left += int64(n)
	switch {
	case err == nil:
		c.wake()
	case !isTimeout(err):
		c.breakOff()
	case n > 0:
		c.wake() // it is slow, but it takes something
	case c.open():
		c.stalled()
	default:
		c.breakOff()
	}
	return n
}

// pongs collects the answers to the pings in one piece of input.
type pongs struct {
	all  []byte
	last int // where the last one begins
}

func (p *pongs) add(payload []byte) {
	p.last = len(p.all)
	p.all = appendFrame(p.all, bitFin|opPong, payload)
}

// sendPongs sends what p has collected, and empties it. Behind a peer that sends pings without reading, it keeps only
// the last, as RFC 6455, section 5.5.3, allows.
func (c *Conn) sendPongs(p *pongs) {
	if len(p.all) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.open():
		// Nothing may follow our close frame.
	case c.draining() && c.queue.pongs+len(p.all) > maxPongs:
		c.queue.pong = p.all[p.last:]
	default:
		if c.put(p.all); c.draining() {
			c.queue.pongs += len(p.all)
		}
	}
	*p = pongs{}
}
