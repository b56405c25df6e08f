package httpintegration

import (
	"net"
	"syscall"
	"time"
)

// checkAfter is how long a connection may lie idle before it is asked whether the backend has closed it. Within a busy
// pool the question, a system call, is rarely worth its price; the backend's close takes about as long to arrive.
const checkAfter = time.Millisecond

// joinBelow is the size in bytes up to which a body is copied behind its head, to leave in one system call.
const joinBelow = 16 << 10

// conn is one connection to a backend. It is used by one call at a time.
type conn struct {
	net.Conn // TLS, or the same as tcp
	tcp      net.Conn
	pool     *pool
	raw      syscall.RawConn // of the TCP connection; nil when it is none
	peek     func(fd uintptr)
	ended    bool // peek's answer

	reused    bool      // has carried a reply before
	idleSince time.Time // guarded by pool.mu
	readErr   error     // of the last failed Read
}

func newConn(p *pool, nc net.Conn) *conn {
	c := &conn{Conn: nc, tcp: nc, pool: p}
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		c.tcp = t.NetConn()
	}
	if s, ok := c.tcp.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
		c.peek = func(fd uintptr) { c.ended = ended(fd) }
	}
	return c
}

// fit reports whether c, idle until now, can carry another request.
func (c *conn) fit(now time.Time, idleTimeout time.Duration) bool {
	idle := now.Sub(c.idleSince)
	if idle >= idleTimeout {
		return false
	}
	if idle < checkAfter || c.raw == nil {
		return true
	}
	return c.raw.Control(c.peek) == nil && !c.ended
}

// start readies c for one exchange, which ends at deadline.
func (c *conn) start(deadline time.Time) error {
	c.readErr = nil
	return c.SetDeadline(deadline)
}

// abort makes the exchange under way fail at once.
func (c *conn) abort() { _ = c.SetDeadline(time.Unix(1, 0)) }

// cut ends a connection without ceremony: TLS's farewell could wait for a backend that does not read.
func (c *conn) cut() { _ = c.tcp.Close() }

// send writes a request and returns how many of its bytes the connection took.
func (c *conn) send(head, body []byte) (int64, error) {
	if len(body) == 0 {
		n, err := c.Write(head)
		return int64(n), err
	}
	both := net.Buffers{head, body}
	return both.WriteTo(c.Conn)
}

// Read is the Conn's, with its error remembered for the explanation of a failed exchange.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.readErr = err
	}
	return n, err
}
