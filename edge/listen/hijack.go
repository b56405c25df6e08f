package listen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
)

var (
	errHijackBody  = errors.New("a request with a body cannot be taken over")
	errHijackReply = errors.New("the reply has begun, the connection cannot be taken over")
)

// hijackBuffer is the size in bytes of the reader that Hijack returns.
const hijackBuffer = 4 << 10

// Hijack takes the connection over for the handler of a request that has no body, before any of the reply was written. What
// was read behind the head is in the reader. No deadline is set on the connection, and Server.Wait does not wait for it once
// the handler has returned; a handler that panics afterwards has it closed.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := w.conn
	switch {
	case c.handed:
		return nil, nil, http.ErrHijacked
	case c.exchange.length != 0:
		return nil, nil, errHijackBody
	case w.ended, w.status != 0:
		return nil, nil, errHijackReply
	}
	w.ended = true
	conn, early := c.exchange.Hijack()
	r := bufio.NewReaderSize(conn, hijackBuffer)
	if len(early) > 0 {
		r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), conn), max(hijackBuffer, len(early)))
		_, _ = r.Peek(len(early)) // so that Buffered tells of them
	}
	return conn, bufio.NewReadWriter(r, bufio.NewWriterSize(conn, hijackBuffer)), nil
}
