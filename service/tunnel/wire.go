package tunnel

import (
	"bufio"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// wireRead is what is read from the socket at once, in bytes.
	wireRead = 32 << 10
	// wireBacklog is how many bytes may wait to be written before writers wait too; one frame may go over it.
	wireBacklog = 256 << 10
	// wireKeep is the largest write buffer that is kept for the next round.
	wireKeep = 128 << 10
	// farewell bounds the writing of what is left when a wire is closed.
	farewell = time.Second
)

// wire is the connection under yamux. It gathers what is written while the socket is busy, since yamux writes the head and body of each
// frame apart; and it notes when the peer was last heard.
type wire struct {
	sock  net.Conn
	in    *bufio.Reader
	guard *guard // nil on the agent's side: it dialled its gateway, and verified who it is
	heard atomic.Int64
	since time.Time // what heard counts from, in nanoseconds

	mu       sync.Mutex
	changed  sync.Cond // of mu: something of the following
	out      []byte
	spare    []byte
	body     bool // the body of the frame that out ends with is still to come
	closing  bool
	err      error
	finished chan struct{} // closed when the writing goroutine has ended
}

// newWire takes sock over; in, unless nil, holds what was read from it already. Close ends the goroutine that it starts.
func newWire(sock net.Conn, in *bufio.Reader, g *guard) *wire {
	if in == nil {
		in = bufio.NewReaderSize(sock, wireRead)
	}
	w := &wire{sock: sock, in: in, guard: g, since: time.Now(), finished: make(chan struct{})}
	w.changed.L = &w.mu
	go w.write() // ends with Close or with the socket
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.since)))
		if w.guard != nil {
			if err := w.guard.check(p[:n]); err != nil {
				w.fail(err)
				return 0, err
			}
		}
	}
	return n, err
}

// silence is how long the peer has not been heard.
func (w *wire) silence() time.Duration { return time.Since(w.since) - time.Duration(w.heard.Load()) }

// Write takes one head or one body from yamux, which writes them in turn and from one goroutine.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.out) >= wireBacklog && !w.body && w.err == nil && !w.closing {
		w.changed.Wait()
	}
	if err := w.refusal(); err != nil {
		return 0, err
	}
	if w.body {
		w.body = false
	} else if len(p) == frameHead && p[1] == frameData {
		w.body = binary.BigEndian.Uint32(p[8:]) > 0
	}
	w.out = append(w.out, p...)
	w.changed.Broadcast()
	return len(p), nil
}

// reset tells the peer that a stream has broken, which yamux has no call for. Its own side of the stream is to be closed as well.
func (w *wire) reset(stream uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.body && w.err == nil && !w.closing { // not between a frame's head and its body
		w.changed.Wait()
	}
	if w.refusal() != nil {
		return
	}
	var frame [frameHead]byte
	frame[1] = frameWindow
	binary.BigEndian.PutUint16(frame[2:], flagRST)
	binary.BigEndian.PutUint32(frame[4:], stream)
	w.out = append(w.out, frame[:]...)
	w.changed.Broadcast()
}

func (w *wire) refusal() error {
	if w.err != nil {
		return w.err
	}
	if w.closing {
		return net.ErrClosed
	}
	return nil
}

// write sends what was gathered, until Close or a failure.
func (w *wire) write() {
	defer close(w.finished)
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.out) == 0 && !w.closing && w.err == nil {
			w.changed.Wait()
		}
		if w.err != nil || len(w.out) == 0 || w.body && w.closing {
			return
		}
		full := w.out
		w.out, w.spare = w.spare[:0], nil
		w.mu.Unlock()
		_, err := w.sock.Write(full)
		w.mu.Lock()
		if cap(full) <= wireKeep {
			w.spare = full[:0]
		}
		if err != nil && w.err == nil {
			w.err = err
		}
		w.changed.Broadcast()
	}
}

// fail makes the wire unusable, without waiting for anything.
func (w *wire) fail(err error) {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
	w.mu.Unlock()
	_ = hangUp(w.sock)
}

// cause is why the wire failed, or nil.
func (w *wire) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close sends what was written before, as long as the peer takes it, and closes the socket.
func (w *wire) Close() error {
	w.mu.Lock()
	first := !w.closing
	w.closing = true
	w.changed.Broadcast()
	w.mu.Unlock()
	if first {
		_ = w.sock.SetWriteDeadline(time.Now().Add(farewell))
	}
	<-w.finished
	return hangUp(w.sock)
}

// hangUp closes a connection without TLS's farewell, which could wait for a peer that does not read.
func hangUp(c net.Conn) error {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn().Close()
	}
	return c.Close()
}
