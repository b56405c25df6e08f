//go:build unix

package socket

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// rawConn returns nc's descriptor if reading and writing it without blocking is the same as nc.Read and nc.Write.
// A type that merely embeds a TCP connection may have its own Read, so only the very type will do.
func rawConn(nc net.Conn) syscall.RawConn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// polledSource reads from plain TCP. It takes a buffer to try with, and puts it back before it waits.
type polledSource struct {
	raw syscall.RawConn
	try func(fd uintptr) bool
	buf *[busyBuffer]byte
	n   int
	err error
}

func newPolledSource(nc net.Conn) source {
	raw := rawConn(nc)
	if raw == nil {
		return nil
	}
	s := &polledSource{raw: raw}
	s.try = s.attempt // made once, not at each read
	return s
}

func (s *polledSource) read() ([]byte, error) {
	if err := s.raw.Read(s.try); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.n == 0 {
		return nil, io.EOF
	}
	return s.buf[:s.n], nil
}

// attempt reports false when there is nothing to read yet.
func (s *polledSource) attempt(fd uintptr) bool {
	if s.buf == nil {
		s.buf = busyBuffers.Get().(*[busyBuffer]byte)
	}
	s.n, s.err = ignoringEINTR(syscall.Read, fd, s.buf[:])
	if s.err == syscall.EAGAIN {
		s.release()
		return false
	}
	return true
}

func (s *polledSource) release() {
	if s.buf != nil {
		busyBuffers.Put(s.buf)
		s.buf = nil
	}
}

// attempt is one write that does not wait.
type attempt struct {
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.do = a.write
	return a
}}

func (a *attempt) write(fd uintptr) bool {
	a.n, a.err = ignoringEINTR(syscall.Write, fd, a.b)
	if a.err == syscall.EAGAIN {
		a.err = nil
	}
	return true
}

// writeNow writes what the kernel takes at once of b. No other write of the connection may be under way.
func writeNow(raw syscall.RawConn, b []byte) (n int, err error) {
	a := attempts.Get().(*attempt)
	a.b = b
	if err = raw.Write(a.do); err == nil {
		n, err = max(a.n, 0), a.err
	}
	a.b = nil
	attempts.Put(a)
	return n, err
}

func ignoringEINTR(op func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := op(int(fd), b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
