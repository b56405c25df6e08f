package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
)

// minRate is what a body must come in at, on average and once BodyTimeout is used up, in bytes per second.
const minRate = 8 << 10

// Exchange is one request on a connection and the way to answer it. It belongs to the goroutine that serves the connection.
type Exchange struct {
	Head   *request.Head        // may be kept
	Conn   net.Conn             // *net.TCPConn or *tls.Conn; to be read or written only after Hijack
	Remote netip.AddrPort       // the client; an IPv4 address is in its own form
	TLS    *tls.ConnectionState // nil for plain HTTP
	Secure bool                 // the client came by https: by TLS, or to a trusted proxy that says so
	Port   int                  // that the client reached; 0 when unknown

	conn      *conn
	length    int64 // of the body; -1 is chunked
	expect    bool  // the client waits for 100 Continue before it sends the body
	bodyRead  bool  // Body was called
	responded bool  // bytes of a reply were written
	head      int   // bytes of the head, which are just behind in the buffer
	body      *[]byte
}

// clear forgets the request before, so that an answer to a head that cannot be read is not shaped by it.
func (x *Exchange) clear() {
	x.Head, x.head, x.length = nil, 0, 0
	x.expect, x.bodyRead, x.responded = false, false, false
}

func (x *Exchange) begin(head *request.Head, n int) {
	x.Head, x.head = head, n
	x.conn.buf.r += n
	x.length, _ = head.ContentLength() // Parse has judged it
	x.expect = x.length != 0 && head.Minor > 0 && strings.EqualFold(head.Get("Expect"), "100-continue")
}

// touched reports whether the exchange is past the point where another handler could take it.
func (x *Exchange) touched() bool { return x.bodyRead || x.responded || x.conn.handed }

// release gives back what the request's bytes were kept in.
func (x *Exchange) release() {
	if x.body != nil {
		x.conn.server.giveBody(x.body)
		x.body = nil
	}
}

// Context returns a context that ends when the server gives up waiting for its connections (Server.Wait). The client's
// going away does not end it.
func (x *Exchange) Context() context.Context { return x.conn.server.ctx }

// Body reads the whole body, of at most max bytes, and returns it. It may be called once. The bytes are valid until
// ServeEdge returns or Hijack is called.
//
// A client that expects 100 Continue is sent it. Errors: *sockgate.Error with TooLarge (a size announced over max is
// refused before anything is read), Timeout, or Invalid (malformed chunks, the client went away). After an error the
// handler still answers; the connection closes behind the answer.
func (x *Exchange) Body(max int) ([]byte, error) {
	if x.bodyRead {
		return nil, sockgate.Internalf("body of a request was asked for twice")
	}
	x.bodyRead = true
	body, err := x.readBody(int64(max))
	if err == nil {
		return body, nil
	}
	x.conn.keep, x.conn.linger = false, lingerLimit
	if _, ok := errors.AsType[*sockgate.Error](err); ok {
		return nil, err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, sockgate.Timeoutf("The request body did not arrive in time").Because(err)
	}
	return nil, sockgate.Invalidf("The request body is not complete").Because(err)
}

func (x *Exchange) readBody(max int64) ([]byte, error) {
	buf := x.conn.buf
	switch {
	case x.length == 0:
		return nil, nil
	case x.length > max:
		return nil, tooLarge(max)
	case x.length > 0 && int64(len(buf.unread())) >= x.length: // the usual case: it came with the head
		body := buf.unread()[:x.length:x.length]
		buf.r += int(x.length)
		return body, nil
	}
	if err := x.sendContinue(); err != nil {
		return nil, err
	}
	x.body = x.conn.server.takeBody()
	r := bodyReader{conn: x.conn, start: time.Now(), out: *x.body}
	var err error
	if x.length < 0 {
		err = r.chunks(max)
	} else {
		err = r.take(x.length)
	}
	*x.body = r.out
	return r.out, err
}

func (x *Exchange) sendContinue() error {
	if !x.expect || x.conn.continued {
		return nil
	}
	x.conn.continued = true
	return x.conn.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil)
}

// drain reads a body that the handler did not want, so that the next request can be found; or gives the connection up.
func (x *Exchange) drain() {
	switch {
	case x.bodyRead || x.length == 0 || !x.conn.keep:
		if !x.bodyRead && x.length != 0 {
			x.conn.linger = lingerLimit
		}
	case x.length > drainLimit:
		x.conn.keep, x.conn.linger = false, lingerLimit
	default:
		_, _ = x.Body(drainLimit) // an error has the connection closed
	}
}

// Hijack takes the connection over, and returns it with the bytes that were read behind the head (nil for none), which the
// caller owns. No deadline is set on it. The server will not write to it or close it, except when Wait runs out of
// time before ServeEdge has returned, or when ServeEdge panics.
func (x *Exchange) Hijack() (net.Conn, []byte) {
	c := x.conn
	c.handed = true
	var early []byte
	if c.buf != nil {
		early = append(early, c.buf.unread()...)
	}
	c.dropBuffer()
	x.release()
	_ = c.stream.SetDeadline(time.Time{})
	return c.stream, early
}

func tooLarge(max int64) error { return sockgate.TooLargef("The request body is over %d bytes", max) }

// bodyReader collects a body that has not wholly come with its head.
type bodyReader struct {
	conn  *conn
	start time.Time
	total int64 // bytes from the socket
	out   []byte
}

// await sets the deadline for the next read. It grows with what has come, which a client that trickles does not profit
// from and one with a slow line and a large body does.
func (r *bodyReader) await() {
	r.conn.readUntil(bodyDeadline(r.start, r.conn.server.cfg.BodyTimeout, r.total))
}

func bodyDeadline(start time.Time, timeout time.Duration, total int64) time.Time {
	return start.Add(timeout + time.Duration(total/minRate)*time.Second)
}

// take appends the next n bytes to out: first from the buffer, then straight from the socket.
func (r *bodyReader) take(n int64) error {
	buf := r.conn.buf
	early := buf.unread()
	if int64(len(early)) > n {
		early = early[:n]
	}
	r.out = append(r.out, early...)
	buf.r += len(early)
	for n -= int64(len(early)); n > 0; {
		if len(r.out) == cap(r.out) {
			r.out = append(r.out, 0)[:len(r.out)]
		}
		space := r.out[len(r.out):cap(r.out)]
		if int64(len(space)) > n {
			space = space[:n]
		}
		r.await()
		got, err := r.conn.stream.Read(space)
		r.out = r.out[:len(r.out)+got]
		n -= int64(got)
		r.total += int64(got)
		if err != nil && n > 0 {
			return unexpected(err)
		}
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
