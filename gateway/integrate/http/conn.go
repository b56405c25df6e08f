package httpintegration

import (
	"net"
	"syscall"
	"time"
)

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
	begun     bool      // bytes of a reply have come
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

// fit reports whether c, idle until now, can carry another request. It asks every time whether the backend has closed it,
// a system call: some backends hang up behind each reply without saying so.
func (c *conn) fit(now time.Time, idleTimeout time.Duration) bool {
	if now.Sub(c.idleSince) >= idleTimeout {
		return false
	}
	if s, ok := c.tcp.(interface{ Stale() bool }); ok && s.Stale() { // no socket to ask, but somebody who knows
		return false
	}
	return c.raw == nil || c.raw.Control(c.peek) == nil && !c.ended
}

// start readies c for one exchange, which ends at deadline.
func (c *conn) start(deadline time.Time) error {
	c.readErr, c.begun = nil, false
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
	if n > 0 {
		c.begun = true
	}
	if err != nil {
		c.readErr = err
	}
	return n, err
}
