package socket

import (
	"net"
	"sync"
)

// source gives what the peer sent, a piece at a time.
type source interface {
	// read blocks until there is something. The bytes are valid until the next read or release.
	read() ([]byte, error)
	// release gives up the buffer of the last read.
	release()
}

// Sizes of read buffers, in bytes.
const (
	busyBuffer = 16 << 10 // pooled, held while there is something to read
	idleBuffer = 1 << 10  // a heldSource's own
)

var busyBuffers = sync.Pool{New: func() any { return new([busyBuffer]byte) }}

// newSource returns the source of fewest buffers that nc allows.
func newSource(nc net.Conn) source {
	if s := newPolledSource(nc); s != nil {
		return s
	}
	return &heldSource{nc: nc, small: make([]byte, idleBuffer)}
}

// heldSource reads from a connection that must be given a buffer to wait with, such as one under TLS. The buffer is
// small while the connection is idle and grows while it is busy.
type heldSource struct {
	nc    net.Conn
	small []byte
	big   *[busyBuffer]byte // nil while not busy
	full  bool              // the last read filled its buffer
}

func (s *heldSource) read() ([]byte, error) {
	// A small buffer that was filled says that more is likely there; a big one that was not has done its work.
	// At worst, a client that stops after exactly a buffer's length waits with a big one.
	switch {
	case s.full && s.big == nil:
		s.big = busyBuffers.Get().(*[busyBuffer]byte)
	case !s.full:
		s.release()
	}
	b := s.small
	if s.big != nil {
		b = s.big[:]
	}
	n, err := s.nc.Read(b)
	s.full = n == len(b)
	if n > 0 {
		err = nil // it will come again
	}
	return b[:n], err
}

func (s *heldSource) release() {
	if s.big != nil {
		busyBuffers.Put(s.big)
		s.big = nil
	}
}
