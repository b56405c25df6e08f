package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
)

// The states of a connection. Idle is left in one atomic step, by a request's first byte or by StopAccepting.
const (
	busy int32 = iota
	idle
	closed
)

// Bounds on what is read only to be thrown away.
const (
	drainLimit    = 256 << 10              // bytes of a body that nobody wanted, before the connection is given up instead
	lingerPause   = 500 * time.Millisecond // how long a refused client may send nothing before it is left
	lingerTimeout = 5 * time.Second        // for a refused client to finish sending and take the reply
	lingerLimit   = 64 << 20               // bytes of a refused body that it may still send
	tlsRecord     = 0x16                   // the first byte of a TLS handshake
)

// conn is one connection; all but state and sock belong to its goroutine.
type conn struct {
	server  *Server
	sock    net.Conn // as accepted
	stream  net.Conn // sock, or TLS over it
	sleeper *sleeper // nil under TLS
	state   atomic.Int32

	buf       *buffer // nil while there is nothing in it
	one       [1]byte // what a TLS connection waits with
	keep      bool    // serve another request after this one
	linger    int     // bytes that the client may still send, so that it reads the reply before the close
	handed    bool    // hijacked
	readBy    time.Time
	writeBy   time.Time
	exchange  Exchange
	continued bool           // 100 Continue was sent for this request
	peer      netip.AddrPort // who connected, or for whom a trusted proxy says that it did
	port      int            // that was connected to
	remote    string         // shown in writing for Config.HTTP; made when it is first asked for
	shown     netip.AddrPort
}

func newConn(s *Server, sock net.Conn) *conn {
	c := &conn{server: s, sock: sock, stream: sock}
	c.state.Store(idle)
	c.exchange.conn = c
	c.exchange.Conn = sock
	if tcp, ok := sock.RemoteAddr().(*net.TCPAddr); ok {
		addr := tcp.AddrPort()
		c.peer = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		c.exchange.Remote = c.peer
		if local, ok := sock.LocalAddr().(*net.TCPAddr); ok {
			c.port = local.Port
		}
	}
	return c
}

func (c *conn) serve() {
	defer c.server.ended(c)
	defer c.finish()
	c.sleeper = newSleeper(c)
	if !c.wait(c.server.cfg.HeadTimeout) || !c.proxied() || !c.sniff() {
		return
	}
	for c.serveNext() {
		if !c.wait(c.server.cfg.IdleTimeout) {
			return
		}
	}
}

// finish ends the connection unless it was handed over, and keeps a panic from ending more than the connection.
func (c *conn) finish() {
	if p := recover(); p != nil {
		if p != http.ErrAbortHandler {
			c.server.cfg.Log.Error("panic while serving a request", "remote", c.exchange.Remote.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		if !c.handed && !c.exchange.responded && p != http.ErrAbortHandler {
			c.refuse(http.StatusInternalServerError)
		}
		c.handed = false
	}
	c.exchange.release()
	if c.handed {
		return
	}
	if c.linger > 0 {
		c.lingerOn()
	}
	c.dropBuffer()
	_ = c.stream.Close()
}

// wait blocks until there is a byte of a request, and reports whether it shall be served.
func (c *conn) wait(timeout time.Duration) bool {
	if c.buf != nil && len(c.buf.unread()) > 0 {
		return !c.server.stopping.Load()
	}
	c.dropBuffer()
	now := time.Now()
	if left := c.readBy.Sub(now); left > timeout || left < timeout-timeout/8 {
		c.readUntil(now.Add(timeout))
	}
	c.state.Store(idle)
	if c.server.stopping.Load() {
		return false
	}
	if err := c.waitBytes(); err != nil {
		return false
	}
	return c.state.CompareAndSwap(idle, busy)
}

func (c *conn) waitBytes() error {
	if c.sleeper != nil {
		// A busy client's next request comes while others are served here: reading right now would find nothing and have the
		// poller asked, a tenth of the processor time of a small call when 64 clients keep the gateway busy.
		runtime.Gosched()
		return c.sleeper.read()
	}
	n, err := c.stream.Read(c.one[:])
	if n == 0 {
		return err
	}
	c.buf = c.server.takeBuffer()
	c.buf.w = copy(c.buf.data, c.one[:])
	return nil
}

func (c *conn) closeIfIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		_ = c.sock.Close()
	}
}

// sniff tells TLS from plain HTTP by the first byte, and does the TLS handshake.
func (c *conn) sniff() bool {
	if c.buf.unread()[0] != tlsRecord {
		return true
	}
	if c.server.cfg.TLS == nil {
		c.server.cfg.Log.Debug("TLS client on a port without TLS", "remote", c.exchange.Remote.String())
		return false
	}
	c.sleeper = nil
	session := tls.Server(&replayConn{Conn: c.sock, first: append([]byte(nil), c.buf.unread()...)}, c.server.cfg.TLS)
	c.dropBuffer()
	until := time.Now().Add(c.server.cfg.HeadTimeout)
	c.readUntil(until)
	c.writeUntil(until)
	c.stream = session
	if err := session.Handshake(); err != nil {
		c.server.cfg.Log.Debug("TLS handshake failed", "remote", c.exchange.Remote.String(), "error", err)
		return false
	}
	state := session.ConnectionState()
	c.exchange.TLS, c.exchange.Conn = &state, session
	return c.wait(c.server.cfg.HeadTimeout)
}

// replayConn gives back what was read to see which protocol it is.
type replayConn struct {
	net.Conn
	first []byte
}

func (r *replayConn) Read(p []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.first)
	if r.first = r.first[n:]; len(r.first) == 0 {
		r.first = nil
	}
	return n, nil
}

// NetConn returns the connection beneath, of which nothing more is held back once a read of it has been tried.
func (r *replayConn) NetConn() net.Conn { return r.Conn }

// serveNext serves one request, whose first bytes are there, and reports whether another may follow.
func (c *conn) serveNext() bool {
	x := &c.exchange
	x.clear()
	head, n, err := c.readHead()
	if err != nil {
		if refusal, ok := errors.AsType[*request.Error](err); ok {
			c.server.cfg.Log.Debug("request refused", "remote", c.exchange.Remote.String(), "reason", refusal.Reason)
			c.refuse(refusal.Status)
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			c.refuse(http.StatusRequestTimeout)
		}
		return false
	}
	x.begin(head, n)
	c.forwarded(x)
	c.continued = false
	c.keep = head.KeepAlive() && !c.server.stopping.Load()
	if expect, ok := head.Headers.Lookup("Expect"); ok && !x.expect {
		c.server.cfg.Log.Debug("unknown expectation", "remote", x.Remote.String(), "expect", expect)
		c.refuse(http.StatusExpectationFailed)
		return false
	}
	if c.server.cfg.Edge == nil || !c.server.cfg.Edge.ServeEdge(x) {
		if x.touched() {
			panic("listen: a handler used an exchange and then passed it on")
		}
		c.serveHTTP(x)
	} else if !c.handed {
		if !x.responded {
			panic("listen: a handler took an exchange and did not answer")
		}
		x.drain()
	}
	if c.handed {
		return false
	}
	x.release()
	return c.keep
}

// readHead reads until a whole head is in the buffer, and leaves it there.
func (c *conn) readHead() (*request.Head, int, error) {
	head, n, err := request.Parse(c.buf.unread(), c.server.cfg.HeadLimit)
	if err != request.ErrIncomplete {
		return head, n, err
	}
	c.readUntil(time.Now().Add(c.server.cfg.HeadTimeout))
	for {
		fresh, err := c.fill()
		if err != nil {
			return nil, 0, err
		}
		// Bytes that end no line change nothing, until they pass a limit.
		if !endsLine(fresh) && len(c.buf.unread()) <= min(request.MaxLine, c.server.cfg.HeadLimit-1) {
			continue
		}
		if head, n, err := request.Parse(c.buf.unread(), c.server.cfg.HeadLimit); err != request.ErrIncomplete {
			return head, n, err
		}
	}
}

func endsLine(p []byte) bool {
	for _, b := range p {
		if b == '\n' {
			return true
		}
	}
	return false
}

// fill reads once into the buffer, and returns the bytes that came.
func (c *conn) fill() ([]byte, error) {
	space := c.buf.space()
	n, err := c.stream.Read(space)
	if n > 0 {
		c.buf.w += n
		return space[:n], nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return nil, err
}

// refuse answers a request that will not be served, and gives the connection up.
func (c *conn) refuse(status int) {
	c.keep, c.linger = false, drainLimit
	_ = c.exchange.Respond(status, jsonHeaders, []byte(`{"message":"`+http.StatusText(status)+`"}`))
}

var jsonHeaders = []sockgate.Header{{Name: "Content-Type", Value: "application/json"}}

// lingerOn reads what the client still sends, within bounds: closing a socket that has unread bytes would reset it, and
// the client would lose the reply. Most clients read no reply before they have sent the whole body, so it is read and
// thrown away, which costs no memory.
func (c *conn) lingerOn() {
	half, ok := c.stream.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTimeout)
	b := c.server.takeBuffer()
	defer c.server.giveBuffer(b)
	for total := 0; total < c.linger; {
		until := time.Now().Add(lingerPause)
		if until.After(end) {
			until = end
		}
		c.readUntil(until)
		n, err := c.stream.Read(b.data)
		if err != nil {
			return
		}
		total += n
		if c.server.stopping.Load() {
			return
		}
	}
}

func (c *conn) dropBuffer() {
	if c.buf != nil {
		c.server.giveBuffer(c.buf)
		c.buf = nil
	}
}

func (c *conn) readUntil(t time.Time) {
	c.readBy = t
	_ = c.stream.SetReadDeadline(t)
}

func (c *conn) writeUntil(t time.Time) {
	c.writeBy = t
	_ = c.stream.SetWriteDeadline(t)
}

// write sends head and body, which may be nil, in one go. The deadline is moved only when an eighth of it has passed, so that
// a busy connection seldom pays for it.
func (c *conn) write(head, body []byte) (err error) {
	c.extendWrite()
	if body == nil {
		_, err = c.stream.Write(head)
	} else {
		parts := net.Buffers{head, body}
		_, err = parts.WriteTo(c.stream)
	}
	if err != nil {
		c.keep, c.linger = false, 0
	}
	return err
}

func (c *conn) extendWrite() {
	timeout, now := c.server.cfg.WriteTimeout, time.Now()
	if left := c.writeBy.Sub(now); left > timeout || left < timeout-timeout/8 {
		c.writeUntil(now.Add(timeout))
	}
}
