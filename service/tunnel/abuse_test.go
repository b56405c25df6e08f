package tunnel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/tunnel"
)

// frame is one of yamux's.
func frame(kind byte, flags uint16, stream, length uint32) []byte {
	b := make([]byte, 12)
	b[1] = kind
	binary.BigEndian.PutUint16(b[2:], flags)
	binary.BigEndian.PutUint32(b[4:], stream)
	binary.BigEndian.PutUint32(b[8:], length)
	return b
}

// TestGarbage: what no agent sends ends the session, with a word in the log, and takes nothing else with it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tunnel.Config) { c.KeepAlive = time.Minute })
	w.agent(t, backend(t, echo), nil)
	honest := w.one(t)
	for _, tt := range []struct {
		name string
		sent []byte
		log  string
	}{
		{"text", []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "bytes that are no frame: version 71"},
		{"an unknown type", frame(9, 0, 0, 0), "bytes that are no frame: type 9"},
		{"a stream of its own", frame(1, 1, 2, 0), "opened a stream by itself"},
		{"a stream with data", append(frame(0, 1, 2, 3), "abc"...), "opened a stream by itself"},
		{"a large frame", frame(0, 0, 1, 1<<30), "a frame of 1073741824 bytes"},
		{"a large window", frame(1, 0, 1, 1<<31), "a window of 2147483648 bytes"},
		{"pings", bytes.Repeat(frame(2, 1, 0, 7), 500), "floods the gateway with pings"},
		{"an error", frame(3, 0, 0, 1), "yamux protocol error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.raw(t)
			if resp := w.ask(t, c, w.token(t, "lb"), map[string]string{tunnel.AgentHeader: "bad"}); resp.StatusCode != 101 {
				t.Fatal(resp.Status)
			}
			w.await(t, 2)
			go c.Write(tt.sent) // a large one is cut off in the middle
			w.await(t, 1)
			w.log.await(t, tt.log)
			if _, err := io.Copy(io.Discard, c); err == io.ErrShortWrite {
				t.Error(err)
			}
		})
	}
	exchange(t, dial(t, honest), "hello")
}

// TestSilentStream: an agent that takes a stream and says nothing on it holds up a call for as long as that one waits, and no longer;
// one that answers with garbage is cut off.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tunnel.Config) { c.KeepAlive = time.Minute })
	c := w.raw(t)
	if resp := w.ask(t, c, w.token(t, "lb"), nil); resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	d := w.one(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	nc, err := d(ctx)
	timeout, ok := sockgateCause[net.Error](err)
	if nc != nil || !ok || !timeout.Timeout() {
		t.Fatalf("got %v, %v", nc, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := d(context.Background())
		ended <- err
	}()
	awaitStream(t, c, 3) // the second one
	// Acknowledge it, and send an answer that is none.
	if _, err := c.Write(append(frame(0, 2, 3, 4), "junk"...)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("got %v", err)
	}
	w.await(t, 0)
	w.log.await(t, "it answers with garbage")
}

// awaitStream reads what the gateway sends until it opens this stream.
func awaitStream(t *testing.T, c net.Conn, stream uint32) {
	t.Helper()
	for head := make([]byte, 12); ; {
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint32(head[4:]) == stream {
			return
		}
		if head[1] == 0 {
			if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[8:]))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMaxStreams: one agent has so many connections open and no more; one that ends makes place.
func TestMaxStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tunnel.Config) { c.MaxStreams = 3 })
	w.agent(t, backend(t, echo), nil)
	d := w.one(t)
	var open []net.Conn
	var mu sync.Mutex
	refused := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			c, err := d(context.Background())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
				return
			}
			open = append(open, c)
		})
	}
	all.Wait()
	if len(open) > 3 || len(open)+refused != 20 {
		t.Fatalf("%d open, %d refused", len(open), refused)
	}
	for _, c := range open {
		c.Close()
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c, err := d(t.Context())
		if err == nil {
			exchange(t, c, "again")
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestBandwidth: bytes beyond the limit wait, in both directions, and a deadline does not wait for them.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	const perSecond = 400 << 10
	w := newWorld(t, func(c *tunnel.Config) { c.Bandwidth = perSecond })
	w.agent(t, backend(t, echo), nil)
	c := dial(t, w.one(t))
	began := time.Now()
	go c.Write(make([]byte, 150<<10))
	if _, err := io.ReadFull(c, make([]byte, 150<<10)); err != nil {
		t.Fatal(err)
	}
	// 300 KiB in all, of which 40 KiB may come at once.
	if took := time.Since(began); took < 260*time.Second/400-20*time.Millisecond {
		t.Errorf("300 KiB took %v", took)
	}
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Write(make([]byte, 400<<10)); err == nil || n >= 400<<10 {
		t.Errorf("a write beyond its deadline: %d, %v", n, err)
	}
}
