package httpintegration_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

func TestKeepAlive(t *testing.T) {
	tests := []struct {
		name        string
		reply       string
		connections int32 // for three calls
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 1},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 1},
		{"no body", noContent, 1},
		{"error status", "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nhi", 1},
		{"HTTP/1.0 that asks for it", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 1},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 3},
		{"backend says close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 3},
		{"bytes after the reply", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := serve(t, replies(tt.reply))
			c := newClient(t, httpintegration.Config{})
			for range 3 {
				if _, body := call(t, c, post(b.host(), "x")); body != "" && body != "hi" {
					t.Errorf("body %q", body)
				}
			}
			if n := b.accepted.Load(); n != tt.connections {
				t.Errorf("%d connections for 3 calls, want %d", n, tt.connections)
			}
		})
	}
}

// A connection that the backend closed, or wrote to unasked, while it lay idle is replaced before anything is sent.
func TestStaleConnections(t *testing.T) {
	tests := []struct {
		name string
		end  func(c net.Conn)
	}{
		{"closed", func(c net.Conn) { _ = c.Close() }},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }},
		{"half closed", func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }},
		{"unasked reply", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan struct{})
			end := make(chan struct{})
			b := serve(t, func(b *backend, c net.Conn) {
				br := bufio.NewReader(c)
				if r, _ := b.read(br); r == nil {
					return
				}
				_, _ = io.WriteString(c, noContent)
				<-end
				tt.end(c)
				ended <- struct{}{}
				_, _ = io.Copy(io.Discard, br)
			})
			c := newClient(t, httpintegration.Config{})
			for i := range 20 {
				if status, _ := call(t, c, post(b.host(), "x")); status != 204 {
					t.Fatalf("status %d", status)
				}
				end <- struct{}{}
				<-ended
				time.Sleep(2 * time.Millisecond) // lets the connection grow old enough to be asked; no result depends on more
				if n := b.requests.Load(); n != int32(i+1) {
					t.Fatalf("%d requests after %d calls", n, i+1)
				}
			}
		})
	}
}

// A backend that hangs up after each reply without saying so is found out at once, and from then on gets a connection for
// each call: nothing is lost to the race between its close and the next request.
func TestBackendThatHangsUp(t *testing.T) {
	closed := make(chan struct{}, 1)
	b := serve(t, func(b *backend, c net.Conn) {
		if r, _ := b.read(bufio.NewReader(c)); r != nil {
			_, _ = io.WriteString(c, noContent)
		}
		_ = c.Close()
		select {
		case closed <- struct{}{}:
		default:
		}
	})
	c := newClient(t, httpintegration.Config{})
	call(t, c, post(b.host(), "first"))
	<-closed // the next call finds it
	for i := range 200 {
		if status, _ := call(t, c, post(b.host(), fmt.Sprint(i))); status != 204 {
			t.Fatalf("call %d: status %d", i, status)
		}
	}
	if n := b.requests.Load(); n != 201 {
		t.Errorf("%d requests arrived, want 201", n)
	}
}

// A backend that hangs up after each reply without saying so may lose a call to the race, but never sees one twice.
func TestNeverSentTwice(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	b := serve(t, func(b *backend, c net.Conn) {
		if r, body := b.read(bufio.NewReader(c)); r != nil {
			mu.Lock()
			seen[body]++
			mu.Unlock()
			_, _ = io.WriteString(c, noContent)
		}
	})
	c := newClient(t, httpintegration.Config{})
	failed := 0
	for i := range 300 {
		var resp httpintegration.Response
		if err := c.Do(context.Background(), post(b.host(), fmt.Sprint(i)), &resp); err != nil {
			wantFailure(t, err, sockgate.Internal, b.host())
			failed++
		}
		resp.Release()
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("request %s arrived %d times", body, n)
		}
	}
	if len(seen) < 300-failed {
		t.Errorf("%d requests arrived, %d calls succeeded", len(seen), 300-failed)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	gone := make(chan struct{}, 2)
	b := serve(t, func(b *backend, c net.Conn) {
		replies(noContent)(b, c)
		gone <- struct{}{}
	})
	c := newClient(t, httpintegration.Config{IdleTimeout: 30 * time.Millisecond})
	for range 2 { // the second time the timer is an old one
		call(t, c, post(b.host(), ""))
		<-gone
	}
	if n := b.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestConnectionLimit(t *testing.T) {
	const limit = 3
	var now, most atomic.Int32
	b := serve(t, func(b *backend, c net.Conn) {
		for br := bufio.NewReader(c); ; {
			if r, _ := b.read(br); r == nil {
				return
			}
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			_, _ = io.WriteString(c, noContent)
		}
	})
	c := newClient(t, httpintegration.Config{MaxConnsPerHost: limit})
	var calls sync.WaitGroup
	for range 30 {
		calls.Go(func() {
			for range 5 {
				call(t, c, post(b.host(), ""))
			}
		})
	}
	calls.Wait()
	if n := most.Load(); n > limit {
		t.Errorf("%d calls at a time, want at most %d", n, limit)
	}
	if n := b.accepted.Load(); n > limit {
		t.Errorf("%d connections, want at most %d", n, limit)
	}
}

func TestQueue(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan string)
	b := serve(t, func(b *backend, c net.Conn) {
		for br := bufio.NewReader(c); ; {
			if r, _ := b.read(br); r == nil {
				return
			}
			arrived <- struct{}{}
			if _, err := io.WriteString(c, <-answer); err != nil {
				return
			}
		}
	})
	c := newClient(t, httpintegration.Config{MaxConnsPerHost: 1, MaxQueuePerHost: 1})
	do := func(timeout time.Duration) error {
		req := post(b.host(), "")
		req.Timeout = timeout
		var resp httpintegration.Response
		defer resp.Release()
		return c.Do(context.Background(), req, &resp)
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- do(ample) }()
	<-arrived

	wantFailure(t, do(50*time.Millisecond), sockgate.Timeout, "(1 in use)") // waits and gives its place back

	go func() {
		err := do(ample)
		for err != nil && strings.Contains(err.Error(), "calls waiting") { // a third one, below, has the only place
			err = do(ample)
		}
		second <- err
	}()
	for { // until the second call stands in the queue, a third waits there and times out
		err := do(5 * time.Millisecond)
		if sockgate.KindOf(err) == sockgate.Internal {
			wantFailure(t, err, sockgate.Internal, "1 calls waiting")
			break
		}
	}
	answer <- "garbage\r\n\r\n" // ends the first call and its connection; the second opens another
	<-arrived
	answer <- noContent
	wantFailure(t, <-first, sockgate.Internal, "is not HTTP")
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := b.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestManyCalls(t *testing.T) {
	b := serve(t, func(b *backend, c net.Conn) {
		for br := bufio.NewReader(c); ; {
			r, body := b.read(br)
			if r == nil {
				return
			}
			how := "keep-alive"
			if len(body)%7 == 0 {
				how = "close"
			}
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s", how, len(body), body)
			if how == "close" {
				return
			}
		}
	})
	c := newClient(t, httpintegration.Config{MaxConnsPerHost: 50})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			for j := range 20 {
				want := fmt.Sprintf("%d:%d:%*d", i, j, 1+(i*j)%3000, i)
				var resp httpintegration.Response
				if err := c.Do(ctx, post(b.host(), want), &resp); err != nil {
					t.Error(err)
					return
				}
				if string(resp.Body) != want {
					t.Errorf("body %q, want %q", resp.Body, want)
				}
				resp.Release()
			}
		})
	}
	calls.Wait()
}

func TestManyHosts(t *testing.T) {
	gone := make(chan struct{}, 100)
	b := serve(t, func(b *backend, c net.Conn) {
		replies(noContent)(b, c)
		gone <- struct{}{}
	})
	c := newClient(t, httpintegration.Config{
		MaxHosts: 4,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", b.host())
		},
	})
	for i := range 20 {
		req := post(fmt.Sprintf("host%d.example.com", i), "")
		call(t, c, req)
		call(t, c, req)
	}
	if n := b.accepted.Load(); n != 20 {
		t.Errorf("%d connections to 20 hosts", n)
	}
	for range 16 {
		<-gone // those of the hosts that were pushed out
	}
}

func TestHostsInUseStay(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	b := serve(t, func(b *backend, c net.Conn) {
		b.read(bufio.NewReader(c))
		arrived <- struct{}{}
		<-answer
		_, _ = io.WriteString(c, noContent)
	})
	c := newClient(t, httpintegration.Config{MaxHosts: 1})
	done := make(chan error, 1)
	go func() {
		var resp httpintegration.Response
		done <- c.Do(context.Background(), post(b.host(), ""), &resp)
		resp.Release()
	}()
	<-arrived
	var resp httpintegration.Response
	wantFailure(t, c.Do(context.Background(), post("127.0.0.1:1", ""), &resp), sockgate.Internal, "1 backends")
	close(answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	gone := make(chan struct{}, 1)
	b := serve(t, func(b *backend, c net.Conn) {
		replies(noContent)(b, c)
		gone <- struct{}{}
	})
	c := httpintegration.New(httpintegration.Config{})
	call(t, c, post(b.host(), ""))
	c.Close()
	<-gone
	var resp httpintegration.Response
	wantFailure(t, c.Do(context.Background(), post(b.host(), ""), &resp), sockgate.Internal, "shutting down")
	c.Close()
}
