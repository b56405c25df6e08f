//go:build unix

package listen

import (
	"io"
	"net"
	"syscall"
)

// sleeper waits for a plain TCP connection's bytes without holding a buffer: one is taken when there is something to read.
type sleeper struct {
	conn *conn
	raw  syscall.RawConn
	try  func(fd uintptr) bool // made once, so that waiting allocates nothing
	err  error
}

// newSleeper returns nil when the connection is of a kind that cannot be waited for in this way.
func newSleeper(c *conn) *sleeper {
	tcp, ok := c.sock.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	z := &sleeper{conn: c, raw: raw}
	z.try = z.tryRead
	return z
}

// read blocks until the connection has a buffer with at least one byte, or an error.
func (z *sleeper) read() error {
	z.err = nil
	if err := z.raw.Read(z.try); err != nil {
		return err
	}
	return z.err
}

// tryRead is called when the socket may have bytes; false waits further.
func (z *sleeper) tryRead(fd uintptr) bool {
	b := z.conn.server.takeBuffer()
	for {
		n, err := syscall.Read(int(fd), b.data)
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			b.w = n
			z.conn.buf = b
			return true
		case err == syscall.EAGAIN:
			z.conn.server.giveBuffer(b)
			return false
		case err == nil:
			err = io.EOF
		}
		z.conn.server.giveBuffer(b)
		z.err = err
		return true
	}
}
