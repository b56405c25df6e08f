package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// message is what the load generator sends: a small JSON object, as chats and games do.
var message = []byte(`{"action":"sendmessage","room":"lobby","text":"the quick brown fox"}`)

// frame is a message as a client's text frame. A masking key of zeros is a legal one and leaves the payload readable.
func frame(message []byte) []byte {
	b := []byte{0x81, 0x80 | byte(len(message)), 0, 0, 0, 0}
	if len(message) > 125 {
		b = []byte{0x81, 0x80 | 126, byte(len(message) >> 8), byte(len(message)), 0, 0, 0, 0}
	}
	return append(b, message...)
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// dial opens a WebSocket. Reads go through the returned reader.
func dial(rawURL string) (net.Conn, *bufio.Reader, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n", u.Path, u.Host)
	r := bufio.NewReaderSize(c, 512)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		c.Close()
		return nil, nil, fmt.Errorf("handshake answered %s", resp.Status)
	}
	return c, r, nil
}

// readFrame reads one unmasked frame and returns the size of its payload.
func readFrame(r *bufio.Reader) (int, error) {
	head, err := r.Peek(2)
	if err != nil {
		return 0, err
	}
	if head[0]&0x0f == 8 {
		return 0, io.EOF
	}
	size, n := int(head[1]&0x7f), 2
	if size == 126 {
		if head, err = r.Peek(4); err != nil {
			return 0, err
		}
		size, n = int(binary.BigEndian.Uint16(head[2:])), 4
	}
	_, err = r.Discard(n + size)
	return size, err
}

// socketRate is the number of messages per second that come back when each of n connections always has one under way.
func socketRate(ctx context.Context, u string, message []byte, n int, d time.Duration) (rate, error) {
	return closedLoop(ctx, n, d, func() (func() error, func(), error) {
		c, r, err := dial(u)
		if err != nil {
			return nil, nil, err
		}
		out := frame(message)
		once := func() error {
			if _, err := c.Write(out); err != nil {
				return err
			}
			size, err := readFrame(r)
			if err == nil && size < len(message) { // a template may add to it, an error frame is shorter
				err = fmt.Errorf("reply of %d bytes to a message of %d", size, len(message))
			}
			return err
		}
		return once, func() { c.Close() }, nil
	})
}

// directHTTPRate is the number of calls per second that n callers get answered without a gateway.
func directHTTPRate(ctx context.Context, u string, n int, d time.Duration) (rate, error) {
	client := &fasthttp.Client{MaxConnsPerHost: n + 1}
	return closedLoop(ctx, n, d, func() (func() error, func(), error) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.SetRequestURI(u)
		req.Header.SetMethod("POST")
		req.SetBody(message)
		once := func() error {
			err := client.Do(req, resp)
			if err == nil && resp.StatusCode() != 200 {
				err = fmt.Errorf("status %d", resp.StatusCode())
			}
			return err
		}
		return once, func() {}, nil
	})
}

// rate is what a measurement found: how many calls were answered per second, and the processor time that one took, summed
// over all processes of the benchmark. The second says the same as the first when both cores are busy, and suffers less from
// other work on the machine.
type rate struct {
	perSecond float64
	cpu       time.Duration
}

// better returns the rate of the quieter round.
func better(a, b rate) rate {
	if a.cpu == 0 || b.cpu < a.cpu {
		a.cpu = b.cpu
	}
	a.perSecond = max(a.perSecond, b.perSecond)
	return a
}

// closedLoop runs n callers, each calling what open gave it again and again for d, and returns the calls per second. The first
// fifth of a second warms up and is not counted.
func closedLoop(ctx context.Context, n int, d time.Duration, open func() (once func() error, end func(), err error)) (rate, error) {
	var count atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	failed := make(chan error, n)
	for range n {
		once, end, err := open()
		if err != nil {
			stop.Store(true)
			wg.Wait()
			return rate{}, err
		}
		wg.Go(func() {
			defer end()
			for !stop.Load() {
				if err := once(); err != nil {
					failed <- err
					return
				}
				count.Add(1)
			}
		})
	}
	warm := time.NewTimer(200 * time.Millisecond)
	defer warm.Stop()
	select {
	case <-warm.C:
	case <-ctx.Done():
	}
	from, began, spent := count.Load(), time.Now(), cpuTime()
	timer := time.NewTimer(d)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-failed:
	}
	done := float64(count.Load() - from)
	r := rate{perSecond: done / time.Since(began).Seconds(), cpu: time.Duration(float64(cpuTime()-spent) / max(done, 1))}
	stop.Store(true)
	wg.Wait()
	return r, err
}
