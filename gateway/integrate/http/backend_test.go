package httpintegration_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is a timeout that no passing test comes near to.
const ample = 20 * time.Second

// backend is a TCP server whose handler owns each connection. Closing it waits for all handlers.
type backend struct {
	net.Listener
	accepted atomic.Int32
	requests atomic.Int32
}

func serve(t testing.TB, handle func(b *backend, c net.Conn)) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{Listener: l}
	var running sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.accepted.Add(1)
			mu.Lock()
			open[c] = true
			mu.Unlock()
			running.Go(func() {
				handle(b, c)
				_ = c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return b
}

func (b *backend) host() string { return b.Addr().String() }

// read takes one request from the connection, body included, or returns nil at its end.
func (b *backend) read(br *bufio.Reader) (*http.Request, string) {
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil, ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, ""
	}
	b.requests.Add(1)
	return r, string(body)
}

// replies answers each request on a connection with the same bytes.
func replies(reply string) func(b *backend, c net.Conn) {
	return func(b *backend, c net.Conn) {
		for br := bufio.NewReader(c); ; {
			if r, _ := b.read(br); r == nil {
				return
			}
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
		}
	}
}

// replyOnce answers the first request with the given bytes and hangs up.
func replyOnce(reply string) func(b *backend, c net.Conn) {
	return func(b *backend, c net.Conn) {
		b.read(bufio.NewReader(c))
		_, _ = io.WriteString(c, reply)
	}
}

// replyAndHang answers the first request with the given bytes and then waits until the caller hangs up.
func replyAndHang(reply string) func(b *backend, c net.Conn) {
	return func(b *backend, c net.Conn) {
		br := bufio.NewReader(c)
		b.read(br)
		_, _ = io.WriteString(c, reply)
		_, _ = io.Copy(io.Discard, br)
	}
}

// repeat answers the first request with head and then with endlessly many of part, slowly if pause is set.
func repeat(head, part string, pause time.Duration) func(b *backend, c net.Conn) {
	return func(b *backend, c net.Conn) {
		b.read(bufio.NewReader(c))
		_, err := io.WriteString(c, head)
		for err == nil {
			_, err = io.WriteString(c, part)
			time.Sleep(pause)
		}
	}
}

func newClient(t testing.TB, cfg httpintegration.Config) *httpintegration.Client {
	t.Helper()
	c := httpintegration.New(cfg)
	t.Cleanup(c.Close)
	return c
}

func post(host, body string) *httpintegration.Request {
	return &httpintegration.Request{Method: "POST", Scheme: "http", Host: host, RequestURI: "/", Body: []byte(body), Timeout: ample}
}

// call does one request that must succeed and returns a copy of the reply's body.
func call(t testing.TB, c *httpintegration.Client, req *httpintegration.Request) (status int, body string) {
	t.Helper()
	var resp httpintegration.Response
	if err := c.Do(context.Background(), req, &resp); err != nil {
		t.Fatal(err)
	}
	defer resp.Release()
	return resp.Status, string(resp.Body)
}

// wantFailure checks that a call failed with the kind, AWS's text for it, and a cause with the given words.
func wantFailure(t *testing.T, err error, kind sockgate.Kind, words string) {
	t.Helper()
	if err == nil {
		t.Fatal("call succeeded, want an error")
	}
	if got := sockgate.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v (%v)", got, kind, err)
	}
	message := "Internal server error"
	if kind == sockgate.Timeout {
		message = "Endpoint request timed out"
	}
	if !strings.HasPrefix(err.Error(), message+": ") {
		t.Errorf("error %q, want it to begin with %q", err, message)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error %q, want it to tell %q", err, words)
	}
}
