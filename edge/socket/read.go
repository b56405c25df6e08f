package socket

import (
	"errors"
	"net"
	"os"
	"time"
)

// outcome is why reading has stopped.
type outcome int

const (
	broken  outcome = iota // nothing more is to be had
	orderly                // the closing handshake got as far as our close frame: the peer should be given time to see it
	parked                 // the connection is in the lot, and already another goroutine's if it has been woken
)

// reader is what reading holds between two pieces of input.
type reader struct {
	early  []byte // what came before reading began
	parser parser
}

func (c *Conn) newReader(early []byte) *reader {
	return &reader{early: early, parser: parser{maxFrame: c.limits.FrameSize, maxMessage: c.limits.MessageSize}}
}

// read handles what comes until nothing more is to be understood, or the connection parks. woken says what it knows of a stay in
// the lot.
func (c *Conn) read(src source, woken stay) outcome {
	c.arm()
	if c.reader == nil {
		c.reader = c.newReader(nil)
	}
	in := c.reader.early
	c.reader.early = nil
	if !c.handle(in) {
		return orderly
	}
	for heard := false; ; {
		in, err := src.read()
		switch {
		case err == nil:
			before := c.active.Load()
			if !c.handle(in) {
				return orderly
			}
			heard = woken == none // what woke it came when the deadline was set
			if woken == long && c.active.Load() == before && c.reader.parser.atRest() {
				c.lookNow()
			}
			woken = none
		case !isTimeout(err) || !c.timeout():
			return broken
		case !heard && c.park():
			return parked
		default:
			heard = false
			c.arm()
		}
	}
}

// lookNow lets the next read return only what is there already. A peer that sends pings to keep the connection open will send
// nothing more for a while, and looking for it later would cost more than the ping.
func (c *Conn) lookNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open() {
		c.nc.SetReadDeadline(longAgo)
	}
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// handle acts on everything in one piece of input. Its answers to pings go out together at the end. It returns false
// when the stream ends here.
func (c *Conn) handle(in []byte) bool {
	var pongs pongs
	p := &c.reader.parser
	for len(in) > 0 {
		var ev event
		ev, in = p.next(in)
		switch ev {
		case message:
			if len(pongs.all) > 0 && c.busy() {
				c.sendPongs(&pongs) // or they would wait with the message
			}
			c.dispatch(p.take())
		case ping:
			pongs.add(p.ctl)
			p.ctl = nil
		case closed, fault:
			c.sendPongs(&pongs)
			c.beginClose(p.why)
			return false
		}
	}
	c.sendPongs(&pongs)
	return true
}

// arm sets the read deadline for the next limit, or for the next look at whether anything has come. It is set again only when it
// fires: a message moves the limit, but costs no timer.
func (c *Conn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, limited := c.expiry()
	if !c.open() {
		at = c.closeTime()
	} else if l := c.limits.Lot; l != nil && parks {
		if look := time.Now().Add(l.after); !limited || look.Before(at) {
			at = look
		}
	}
	c.nc.SetReadDeadline(at)
}

// timeout decides what it means that the read deadline has passed. It reports whether to read on.
func (c *Conn) timeout() bool {
	c.mu.Lock()
	now, open, abort, closeBy := time.Now(), c.open(), c.abort, c.closeTime()
	c.mu.Unlock()
	if abort || !open && !now.Before(closeBy) {
		return false
	}
	if open {
		c.expire()
	}
	return true
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}
