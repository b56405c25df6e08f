package socket

import (
	"errors"
	"net"
	"os"
	"time"
)

// read handles what comes until nothing more is to be understood. It reports whether the closing handshake got as far
// as our close frame, so that the peer should be given time to see it.
func (c *Conn) read(src source) (orderly bool) {
	c.arm()
	in := c.early
	c.early = nil
	for {
		if !c.handle(in) {
			return true
		}
		var err error
		if in, err = src.read(); err != nil {
			in = nil
			if !isTimeout(err) || !c.timeout() {
				return false
			}
		}
	}
}

// handle acts on everything in one piece of input. Its answers to pings go out together at the end. It returns false
// when the stream ends here.
func (c *Conn) handle(in []byte) bool {
	var pongs pongs
	for len(in) > 0 {
		var ev event
		ev, in = c.parser.next(in)
		switch ev {
		case message:
			if len(pongs.all) > 0 && c.busy() {
				c.sendPongs(&pongs) // or they would wait with the message
			}
			c.dispatch(c.parser.take())
		case ping:
			pongs.add(c.parser.ctl)
			c.parser.ctl = nil
		case closed, fault:
			c.sendPongs(&pongs)
			c.beginClose(*c.parser.why)
			return false
		}
	}
	c.sendPongs(&pongs)
	return true
}

// arm sets the read deadline for the next limit. It is set again only when it fires: a message moves the limit, but
// costs no timer.
func (c *Conn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, _ := c.expiry()
	if !c.open() {
		at = c.closeBy
	}
	c.nc.SetReadDeadline(at)
}

// timeout decides what it means that the read deadline has passed. It reports whether to read on.
func (c *Conn) timeout() bool {
	c.mu.Lock()
	now, open, abort, closeBy := time.Now(), c.open(), c.abort, c.closeBy
	c.mu.Unlock()
	if abort || !open && !now.Before(closeBy) {
		return false
	}
	if !open || !c.expire() {
		c.arm()
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
