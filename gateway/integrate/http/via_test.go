package httpintegration_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

// places is a Via that offers its places in order.
type places struct {
	all   []*place
	plain bool
	ports []int
}

func (v *places) String() string { return "the way" }

func (v *places) Pick(port int, tried []httpintegration.Place) (httpintegration.Place, bool, error) {
	v.ports = append(v.ports, port)
	for _, p := range v.all {
		if !slices.Contains(tried, httpintegration.Place(p)) {
			p.mu.Lock()
			p.open++
			p.mu.Unlock()
			return p, v.plain, nil
		}
	}
	return nil, false, errors.New("no place is left")
}

// place leads to a backend, or fails to.
type place struct {
	addr string
	fail error
	hang bool

	mu    sync.Mutex
	open  int // picks without their end
	ends  []string
	dials int
}

func (p *place) Key() string    { return "place " + p.addr }
func (p *place) String() string { return "place " + p.addr }

func (p *place) Dial(ctx context.Context) (net.Conn, error) {
	p.mu.Lock()
	p.dials++
	p.mu.Unlock()
	if p.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if p.fail != nil {
		return nil, p.fail
	}
	return new(net.Dialer).DialContext(ctx, "tcp", p.addr)
}

func (p *place) Done(unreachable, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.ends = append(p.ends, fmt.Sprint(unreachable, silent))
}

func echoing(t *testing.T) *backend {
	return serve(t, func(b *backend, c net.Conn) {
		br := bufio.NewReader(c)
		for {
			r, body := b.read(br)
			if r == nil {
				return
			}
			b.requests.Add(1)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+len(r.Host)+1, r.Host+" "+body)
		}
	})
}

func through(v *places, timeout time.Duration) *httpintegration.Request {
	return &httpintegration.Request{Method: "POST", Scheme: "http", Host: "orders.internal:8080", RequestURI: "/", Body: []byte("x"), Timeout: timeout, Via: v, Port: 8080}
}

func (v *places) want(t *testing.T, ends ...string) {
	t.Helper()
	for i, p := range v.all {
		p.mu.Lock()
		if p.open != 0 {
			t.Errorf("place %d: %d picks have no end", i, p.open)
		}
		if got := strings.Join(p.ends, ", "); got != ends[i] {
			t.Errorf("place %d ended with %q, want %q", i, got, ends[i])
		}
		p.mu.Unlock()
	}
}

func TestVia(t *testing.T) {
	b := echoing(t)
	c := newClient(t, httpintegration.Config{})
	v := &places{all: []*place{{addr: "a", fail: errors.New("refused")}, {addr: b.host()}}}
	for range 3 {
		if _, body := call(t, c, through(v, ample)); body != "orders.internal:8080 x" {
			t.Errorf("body %q", body)
		}
	}
	v.want(t, "true false, true false, true false", "false false, false false, false false")
	if n := b.accepted.Load(); n != 1 {
		t.Errorf("%d connections for 3 calls, want 1", n)
	}
	if v.ports[0] != 8080 {
		t.Errorf("the way was told port %d", v.ports[0])
	}
}

func TestViaNobody(t *testing.T) {
	v := &places{all: []*place{{addr: "a", fail: errors.New("refused")}, {addr: "b", fail: errors.New("unreachable")}}}
	var resp httpintegration.Response
	err := newClient(t, httpintegration.Config{}).Do(context.Background(), through(v, ample), &resp)
	wantFailure(t, err, sockgate.Internal, "the way: tried 2 targets; the last one: connect to place b: unreachable")
	v.want(t, "true false", "true false")
}

// TestViaSentIsNotSentAgain: a place that takes a request and hangs up may have processed it.
func TestViaSentIsNotSentAgain(t *testing.T) {
	dies := serve(t, func(b *backend, c net.Conn) { b.read(bufio.NewReader(c)) })
	lives := echoing(t)
	v := &places{all: []*place{{addr: dies.host()}, {addr: lives.host()}}}
	var resp httpintegration.Response
	err := newClient(t, httpintegration.Config{}).Do(context.Background(), through(v, ample), &resp)
	wantFailure(t, err, sockgate.Internal, "the way: backend place "+dies.host()+" closed the connection before a complete reply")
	v.want(t, "false false", "")
	if lives.requests.Load() != 0 {
		t.Error("the request was sent again")
	}
}

// TestViaTimeouts: a place that does not answer is told of, and is not to blame when the call's own time was too short to connect.
func TestViaTimeouts(t *testing.T) {
	mute := serve(t, func(_ *backend, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	v := &places{all: []*place{{addr: mute.host()}}}
	var resp httpintegration.Response
	c := newClient(t, httpintegration.Config{})
	wantFailure(t, c.Do(context.Background(), through(v, 50*time.Millisecond), &resp), sockgate.Timeout, "the way: no complete reply from place")
	v.want(t, "false true")
	hangs := &places{all: []*place{{addr: "h", hang: true}, {addr: mute.host()}}}
	wantFailure(t, c.Do(context.Background(), through(hangs, 50*time.Millisecond), &resp), sockgate.Timeout, "the way: connect to place h")
	hangs.want(t, "false true", "")
}

// TestViaTLS: the name of the certificate is the URI's, and a place with another one is no reason to try the next.
func TestViaTLS(t *testing.T) {
	s, roots, _ := tlsBackend(t)
	other := echoing(t)
	c := newClient(t, httpintegration.Config{RootCAs: roots})
	v := &places{all: []*place{{addr: s.Listener.Addr().String()}, {addr: other.host()}}}
	req := through(v, ample)
	req.Scheme, req.Host = "https", "example.com"
	if _, body := call(t, c, req); body != "x" {
		t.Errorf("body %q", body)
	}
	req.Host = "elsewhere.test"
	var resp httpintegration.Response
	wantFailure(t, c.Do(context.Background(), req, &resp), sockgate.Internal, "certificate: ")
	v.want(t, "false false, false false", "")

	// Where the listener ends TLS, the place is spoken to without.
	ended := &places{all: []*place{{addr: other.host()}}, plain: true}
	req.Via = ended
	if _, body := call(t, c, req); body != "elsewhere.test x" {
		t.Errorf("body %q", body)
	}
}
