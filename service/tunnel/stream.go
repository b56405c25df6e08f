package tunnel

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/time/rate"
)

// stream is the gateway's end of one connection to a backend.
type stream struct {
	*yamux.Stream
	session *session
	limit   *rate.Limiter // nil is no limit; shared by the streams of a session

	readBy, writeBy atomic.Int64 // deadlines in Unix nanoseconds; 0 is none
}

var _ net.Conn = (*stream)(nil)

// Read reads what the backend sent. Errors: os.ErrDeadlineExceeded, io.EOF when the backend closed its side, and
// syscall.ECONNRESET when the backend's connection broke or the agent is gone.
func (s *stream) Read(p []byte) (int, error) {
	if s.limit != nil {
		p = p[:min(len(p), s.limit.Burst())]
	}
	n, err := s.Stream.Read(p)
	if err == io.EOF && s.session.mux.IsClosed() {
		return n, syscall.ECONNRESET // the end of the session is none of what the backend sends
	}
	if n > 0 && s.limit != nil { // read slowly, and yamux's window slows the backend down
		if waited := s.await(n, &s.readBy); waited != nil {
			return n, nil // the deadline is the next Read's
		}
	}
	return n, wireError(err)
}

// Write sends to the backend. Its errors are Read's, but for io.EOF.
func (s *stream) Write(p []byte) (int, error) {
	if s.limit == nil {
		n, err := s.Stream.Write(p)
		return n, wireError(err)
	}
	total := 0
	for len(p) > 0 {
		piece := p[:min(len(p), s.limit.Burst())]
		if err := s.await(len(piece), &s.writeBy); err != nil {
			return total, err
		}
		n, err := s.Stream.Write(piece)
		total += n
		if err != nil {
			return total, wireError(err)
		}
		p = p[n:]
	}
	return total, nil
}

// await waits until n bytes may pass. The error says that the deadline comes first, or that the session has ended.
func (s *stream) await(n int, by *atomic.Int64) error {
	r := s.limit.ReserveN(time.Now(), n)
	delay := r.Delay()
	if delay == 0 {
		return nil
	}
	late := false
	if t := by.Load(); t != 0 {
		if left := time.Until(time.Unix(0, t)); left < delay {
			late, delay = true, max(left, 0)
		}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.session.mux.CloseChan():
		return net.ErrClosed
	}
	if late {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// CloseWrite tells the backend that no more comes; it may still be read for a minute (halfOpen).
func (s *stream) CloseWrite() error { return s.Stream.Close() }

// Stale reports whether the connection, on which nothing is expected, cannot carry another request: the backend or the agent
// has ended it or is about to, or bytes came that nobody asked for. It does not wait, and clears the deadline for reading.
func (s *stream) Stale() bool {
	if s.session.going.Load() {
		return true
	}
	_ = s.Stream.SetReadDeadline(time.Unix(1, 0))
	var b [1]byte
	_, err := s.Stream.Read(b[:])
	_ = s.SetReadDeadline(time.Time{})
	return !errors.Is(err, yamux.ErrTimeout)
}

// SetDeadline is net.Conn's.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is net.Conn's.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.readBy.Store(unix(t))
	return s.Stream.SetReadDeadline(t)
}

// SetWriteDeadline is net.Conn's.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.writeBy.Store(unix(t))
	return s.Stream.SetWriteDeadline(t)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// wireError gives yamux's errors the names that callers of a net.Conn look for.
func wireError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, yamux.ErrTimeout), errors.Is(err, yamux.ErrConnectionWriteTimeout):
		return os.ErrDeadlineExceeded
	case errors.Is(err, yamux.ErrConnectionReset):
		return syscall.ECONNRESET
	case errors.Is(err, yamux.ErrStreamClosed), errors.Is(err, yamux.ErrSessionShutdown):
		return net.ErrClosed
	}
	return err
}
