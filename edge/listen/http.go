package listen

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate/internal/lazycontext"
)

// errContinue: a 100 Continue cannot be sent any more, because the reply has begun.
var errContinue = errors.New("the reply has begun, the body will not be asked for")

// serveHTTP gives the request to Config.HTTP, with all of net/http's meaning of request, body and trailers.
//
// The request's context ends when the handler returns, or when the server gives up waiting (Server.Wait). The client's
// going away does not end it; the handler's next write fails then.
func (c *conn) serveHTTP(x *Exchange) {
	ctx := lazycontext.New(c.server.ctx, time.Time{})
	defer ctx.End()
	src := &socketReader{conn: c}
	var req *http.Request
	var err error
	var chunks *bufio.Reader // what net/http reads a chunked body through; nil for others
	var body *requestBody
	defer func() {
		if body != nil {
			body.end(c) // again, when the handler panicked: the reader is shared until then
		}
		if chunks != nil {
			chunks.Reset(nil)
			c.server.readers.Put(chunks)
		}
	}()
	if x.length >= 0 {
		req, err = newRequest(ctx, x)
	} else {
		c.buf.r -= x.head // net/http reads the head again; nothing has moved the buffer since it was parsed
		chunks = c.server.takeReader(src)
		if req, err = http.ReadRequest(chunks); err == nil {
			req = req.WithContext(ctx)
		}
	}
	if err != nil {
		c.server.cfg.Log.Debug("request refused", "remote", x.Remote.String(), "reason", err)
		c.refuse(http.StatusBadRequest)
		return
	}
	if c.remote == "" || c.shown != x.Remote {
		c.remote, c.shown = x.Remote.String(), x.Remote
	}
	req.RemoteAddr, req.TLS = c.remote, x.TLS
	if x.Secure && x.TLS == nil {
		req.TLS = &tls.ConnectionState{} // the proxy had one; handlers ask only whether there was any
	} else if !x.Secure {
		req.TLS = nil
	}
	w := newResponseWriter(c, req)
	defer w.release()
	if x.length != 0 {
		body = &requestBody{src: req.Body, socket: src, writer: w}
		if x.length > 0 {
			body.src = &sizedBody{src: src, left: x.length}
		}
		req.Body = body
	}
	c.server.cfg.HTTP.ServeHTTP(w, req)
	ctx.End()
	if c.handed {
		return
	}
	if body != nil {
		body.end(c)
	}
	w.finish()
	if body != nil && c.keep {
		body.drain(c)
	}
	if c.keep && chunks != nil {
		left, _ := chunks.Peek(chunks.Buffered())
		c.buf.unreadFront(left)
	}
}

func (s *Server) takeReader(src io.Reader) *bufio.Reader {
	br, ok := s.readers.Get().(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(nil, headSize)
	}
	br.Reset(src)
	return br
}

// socketReader gives net/http the connection's bytes: the buffered ones, then the socket's.
type socketReader struct {
	conn  *conn
	start time.Time // of the body; of a head, which is in the buffer, it does not matter
	total int64
}

func (r *socketReader) Read(p []byte) (int, error) {
	c := r.conn
	if unread := c.buf.unread(); len(unread) > 0 {
		n := copy(p, unread)
		c.buf.r += n
		return n, nil
	}
	c.readUntil(bodyDeadline(r.start, c.server.cfg.BodyTimeout, r.total))
	n, err := c.stream.Read(p)
	r.total += int64(n)
	return n, err
}

// requestBody is what the handler sees as Request.Body. It may be read by another goroutine than the handler's, which may
// still be at it when the handler has returned (a reverse proxy's transport is like that).
type requestBody struct {
	src    io.Reader
	socket *socketReader
	writer *responseWriter
	closed atomic.Bool

	mu    sync.Mutex
	begun bool
	err   error // the first error of src, io.EOF at the end
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.err != nil {
		return 0, b.err
	}
	if !b.begun {
		b.begun = true
		b.socket.start = time.Now()
		if err := b.writer.sendContinue(); err != nil {
			b.err = err
			return 0, err
		}
	}
	n, err := b.src.Read(p)
	b.err = err
	return n, err
}

// Close ends the reading. What is left of the body is dealt with when the handler has returned.
func (b *requestBody) Close() error {
	b.closed.Store(true)
	return nil
}

// end makes sure that nobody reads the body any more.
func (b *requestBody) end(c *conn) {
	b.closed.Store(true)
	if !b.mu.TryLock() {
		// A reader is blocked in the socket. Its bytes are lost to us, so this is the connection's last request.
		_ = c.stream.SetReadDeadline(time.Now())
		b.mu.Lock()
		b.err = http.ErrBodyReadAfterClose
	}
	defer b.mu.Unlock()
	switch {
	case b.err == io.EOF:
	case b.err != nil, c.exchange.expect && !c.continued, c.exchange.length > drainLimit:
		c.keep, c.linger = false, lingerLimit
	}
}

// drain reads what the handler left, after the reply. Only end may have come before it, so there is no other reader.
func (b *requestBody) drain(c *conn) {
	if b.err == io.EOF {
		return
	}
	if !b.begun {
		b.socket.start = time.Now()
	}
	// One byte more than the limit shows whether the end was reached.
	n, err := io.Copy(io.Discard, io.LimitReader(b.src, drainLimit+1))
	if err != nil || n > drainLimit {
		c.keep, c.linger = false, lingerLimit
	}
}
