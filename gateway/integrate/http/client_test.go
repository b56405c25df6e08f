package httpintegration_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate"
	httpintegration "github.com/sockgate/sockgate/gateway/integrate/http"
)

func TestRequestBytes(t *testing.T) {
	tests := []struct {
		name string
		req  httpintegration.Request
		want string
	}{
		{
			"post",
			httpintegration.Request{
				Method: "POST", HostHeader: "api.example.com", RequestURI: "/a//b/../c%2Fd?x=1&x=%20+é", Body: []byte(`{"a":1}`),
				Header: sockgate.Headers{{Name: "x-LOWER-Upper", Value: "1"}, {Name: "cookie", Value: "b=2; a=1;c"}, {Name: "X-Lower-upper", Value: ""}},
			},
			"POST /a//b/../c%2Fd?x=1&x=%20+é HTTP/1.1\r\nHost: api.example.com\r\nx-LOWER-Upper: 1\r\ncookie: b=2; a=1;c\r\nX-Lower-upper: \r\nContent-Length: 7\r\n\r\n{\"a\":1}",
		},
		{
			"post without a body",
			httpintegration.Request{Method: "POST", HostHeader: "h", RequestURI: "?a"},
			"POST /?a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		},
		{
			"get drops the body",
			httpintegration.Request{Method: "GET", HostHeader: "h", Body: []byte("x"), Header: sockgate.Headers{{Name: "Content-Type", Value: "application/json"}}},
			"GET / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\r\n",
		},
		{
			"delete with a body",
			httpintegration.Request{Method: "DELETE", HostHeader: "h", RequestURI: "/", Body: []byte("x")},
			"DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
		},
		{
			"lines of the connection are left out",
			httpintegration.Request{Method: "GET", HostHeader: "h", RequestURI: "/", Header: sockgate.Headers{
				{Name: "HOST", Value: "other"}, {Name: "connection", Value: "close"}, {Name: "Content-length", Value: "100"}, {Name: "Transfer-Encoding", Value: "chunked"},
				{Name: "Upgrade", Value: "websocket"}, {Name: "TE", Value: "trailers"}, {Name: "Trailer", Value: "A"}, {Name: "Expect", Value: "100-continue"},
				{Name: "Keep-Alive", Value: "1"}, {Name: "Proxy-Connection", Value: "close"}, {Name: "Sec-WebSocket-Key", Value: "k"},
			}},
			"GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: k\r\n\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan string, 1)
			b := serve(t, func(_ *backend, c net.Conn) {
				buf := make([]byte, len(tt.want)+1)
				n, _ := io.ReadAtLeast(c, buf, len(tt.want))
				got <- string(buf[:n])
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			})
			req := tt.req
			req.Scheme, req.Host, req.Timeout = "http", b.host(), time.Second
			var resp httpintegration.Response
			if err := newClient(t, httpintegration.Config{}).Do(context.Background(), &req, &resp); err != nil {
				t.Error(err)
			}
			resp.Release()
			if diff := cmp.Diff(tt.want, <-got); diff != "" {
				t.Error("request (-want +got):\n", diff)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	tests := []struct {
		name   string
		method string
		reply  string
		status int
		body   string
	}{
		{"length", "POST", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"},
		{"chunked", "POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1;x=y\r\n!\r\n0\r\nTrail: er\r\n\r\n", 200, "hi!"},
		{"until the end", "POST", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi", 200, "hi"},
		{"HTTP/1.0", "POST", "HTTP/1.0 200 OK\r\n\r\nhi", 200, "hi"},
		{"no reason", "POST", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 200, ""},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", 304, ""},
		{"interim", "POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi", 201, "hi"},
		{"redirect", "GET", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 5\r\n\r\nmoved", 302, "moved"},
		{"error", "POST", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", 500, "oops"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := serve(t, replyOnce(tt.reply))
			req := post(b.host(), "x")
			req.Method = tt.method
			status, body := call(t, newClient(t, httpintegration.Config{}), req)
			if status != tt.status || body != tt.body {
				t.Errorf("reply %d %q, want %d %q", status, body, tt.status, tt.body)
			}
		})
	}
}

func TestReplyHeader(t *testing.T) {
	b := serve(t, replies("HTTP/1.1 200 OK\r\nx-ODD-name: A\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n"))
	c := newClient(t, httpintegration.Config{})
	req := post(b.host(), "")
	req.WantHeader = true
	var resp httpintegration.Response
	if err := c.Do(context.Background(), req, &resp); err != nil {
		t.Fatal(err)
	}
	h := resp.Header
	resp.Release()
	if got := h.Get("X-Odd-Name"); got != "A" {
		t.Errorf("header %q, want %q", got, "A")
	}
	spelled := false
	for i := range h {
		spelled = spelled || h[i].Name == "x-ODD-name"
	}
	if !spelled {
		t.Errorf("headers %v, want the backend's spelling", h)
	}
	if diff := cmp.Diff([]string{"1", "2"}, h.Values("x-two")); diff != "" {
		t.Error("values (-want +got):\n", diff)
	}
}

func TestRefusedRequests(t *testing.T) {
	b := serve(t, replies("HTTP/1.1 204 No Content\r\n\r\n"))
	tests := []struct {
		name   string
		change func(*httpintegration.Request)
		words  string
	}{
		{"line break in a value", func(r *httpintegration.Request) {
			r.Header = sockgate.Headers{{Name: "A", Value: "1\r\nB: 2"}}
		}, "value of header A"},
		{"line feed in a value", func(r *httpintegration.Request) { r.Header = sockgate.Headers{{Name: "A", Value: "1\n"}} }, "value of header A"},
		{"NUL in a value", func(r *httpintegration.Request) { r.Header = sockgate.Headers{{Name: "A", Value: "\x00"}} }, "value of header A"},
		{"line break in a name", func(r *httpintegration.Request) { r.Header = sockgate.Headers{{Name: "A: 1\r\nB", Value: "2"}} }, "header name"},
		{"colon in a name", func(r *httpintegration.Request) { r.Header = sockgate.Headers{{Name: "A:", Value: "2"}} }, "header name"},
		{"space before the colon", func(r *httpintegration.Request) {
			r.Header = sockgate.Headers{{Name: "Content-Length ", Value: "2"}}
		}, "header name"},
		{"empty name", func(r *httpintegration.Request) { r.Header = sockgate.Headers{{Name: "", Value: "2"}} }, "header name"},
		{"space in the URI", func(r *httpintegration.Request) { r.RequestURI = "/ HTTP/1.1\r\nA: b" }, "request URI"},
		{"NUL in the URI", func(r *httpintegration.Request) { r.RequestURI = "/\x00" }, "request URI"},
		{"line break in the method", func(r *httpintegration.Request) { r.Method = "GET / HTTP/1.1\r\nA: " }, "method"},
		{"empty method", func(r *httpintegration.Request) { r.Method = "" }, "method"},
		{"line break in the host header", func(r *httpintegration.Request) { r.HostHeader = "a\r\nB: c" }, "host"},
		{"empty host", func(r *httpintegration.Request) { r.Host = "" }, "host"},
		{"host with a path", func(r *httpintegration.Request) { r.Host = "a/b" }, "host"},
		{"host with a user", func(r *httpintegration.Request) { r.Host = "a@b" }, "host"},
		{"unset stage variable", func(r *httpintegration.Request) { r.Host = ":80" }, "host"},
		{"other scheme", func(r *httpintegration.Request) { r.Scheme = "ftp" }, "scheme"},
	}
	c := newClient(t, httpintegration.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := post(b.host(), "")
			tt.change(req)
			var resp httpintegration.Response
			wantFailure(t, c.Do(context.Background(), req, &resp), sockgate.Internal, tt.words)
		})
	}
	if n := b.requests.Load(); n != 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}

func TestMisbehavingBackends(t *testing.T) {
	const closed = "closed the connection before a complete reply"
	const brief = 80 * time.Millisecond
	tests := []struct {
		name    string
		handle  func(b *backend, c net.Conn)
		timeout time.Duration
		kind    sockgate.Kind
		words   string
	}{
		{"hangs up at once", func(_ *backend, _ net.Conn) {}, ample, sockgate.Internal, ""},
		{"hangs up after the request", replyOnce(""), ample, sockgate.Internal, closed},
		{"hangs up within the header", replyOnce("HTTP/1.1 200 OK\r\nContent-Le"), ample, sockgate.Internal, closed},
		{"hangs up within the body", replyOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), ample, sockgate.Internal, closed},
		{"hangs up within a chunk", replyOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"), ample, sockgate.Internal, closed},
		{"hangs up before the last chunk", replyOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"), ample, sockgate.Internal, closed},
		{"hangs up after an interim reply", replyOnce("HTTP/1.1 100 Continue\r\n\r\n"), ample, sockgate.Internal, closed},
		{"resets", func(b *backend, c net.Conn) {
			b.read(bufio.NewReader(c))
			_ = c.(*net.TCPConn).SetLinger(0)
		}, ample, sockgate.Internal, closed},
		{"speaks another protocol", replyAndHang("220 mail.example.com ESMTP\r\n"), ample, sockgate.Internal, "is not HTTP"},
		{"sends garbage", replyAndHang("\x16\x03\x01\x00\xff\n\x00\r\n\r\n"), ample, sockgate.Internal, "is not HTTP"},
		{"status is a word", replyAndHang("HTTP/1.1 abc OK\r\n\r\n"), ample, sockgate.Internal, "is not HTTP"},
		{"negative length", replyAndHang("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"), ample, sockgate.Internal, "is not HTTP"},
		{"clashing lengths", replyAndHang("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi"), ample, sockgate.Internal, "is not HTTP"},
		{"length beyond numbers", replyAndHang("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi"), ample, sockgate.Internal, "is not HTTP"},
		{"bad chunk size", replyAndHang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n"), ample, sockgate.Internal, "is not HTTP"},
		{"chunk longer than said", replyAndHang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n0\r\n\r\n"), ample, sockgate.Internal, "is not HTTP"},
		{"unknown transfer encoding", replyAndHang("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi"), ample, sockgate.Internal, "is not HTTP"},
		{"switches protocols", replyAndHang("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), ample, sockgate.Internal, "101"},
		{"endless interim replies", repeat("", "HTTP/1.1 100 Continue\r\n\r\n", 0), ample, sockgate.Internal, "is not HTTP"},
		{"endless header", repeat("HTTP/1.1 200 OK\r\n", "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0), ample, sockgate.Internal, "reply header of"},
		{"endless header line", repeat("HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("a", 500), 0), ample, sockgate.Internal, "reply header of"},
		{"endless body", repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("a", 500), 0), ample, sockgate.Internal, "over 5000 bytes"},
		{"endless chunks", repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", 0), ample, sockgate.Internal, "over 5000 bytes"},
		{"length over the limit", replyAndHang("HTTP/1.1 200 OK\r\nContent-Length: 5001\r\n\r\n"), ample, sockgate.Internal, "over 5000 bytes"},
		{"chunk over the limit", replyAndHang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n"), ample, sockgate.Internal, "over 5000 bytes"},
		{"never answers", replyAndHang(""), brief, sockgate.Timeout, "in time"},
		{"stops within the status line", replyAndHang("HTTP/1.1 2"), brief, sockgate.Timeout, "in time"},
		{"stops within the header", replyAndHang("HTTP/1.1 200 OK\r\nA: b\r\n"), brief, sockgate.Timeout, "in time"},
		{"stops within the body", replyAndHang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), brief, sockgate.Timeout, "in time"},
		{"stops between chunks", replyAndHang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"), brief, sockgate.Timeout, "in time"},
		{"drips its header", repeat("HTTP/1.1 200 OK\r\nA: ", "a", 5*time.Millisecond), brief, sockgate.Timeout, "in time"},
		{"drips its body", repeat("HTTP/1.1 200 OK\r\n\r\n", "a", 5*time.Millisecond), brief, sockgate.Timeout, "in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := serve(t, tt.handle)
			c := newClient(t, httpintegration.Config{MaxResponse: 5000, MaxResponseHeader: 4096})
			req := post(b.host(), "x")
			req.Timeout = tt.timeout
			var resp httpintegration.Response
			began := time.Now()
			err := c.Do(context.Background(), req, &resp)
			if took := time.Since(began); took >= ample {
				t.Errorf("took %v, the whole timeout", took)
			}
			wantFailure(t, err, tt.kind, tt.words)
			if resp.Status != 0 || resp.Body != nil {
				t.Errorf("response is %d %q, want none", resp.Status, resp.Body)
			}
			if n := b.accepted.Load(); n != 1 {
				t.Errorf("%d connections, want 1: the request must not be sent again", n)
			}
		})
	}
}

func TestBackendThatDoesNotRead(t *testing.T) {
	release := make(chan struct{})
	b := serve(t, func(_ *backend, _ net.Conn) { <-release })
	t.Cleanup(func() { close(release) })
	req := post(b.host(), strings.Repeat("x", 16<<20))
	req.Timeout = 200 * time.Millisecond
	var resp httpintegration.Response
	wantFailure(t, newClient(t, httpintegration.Config{}).Do(context.Background(), req, &resp), sockgate.Timeout, "write to")
}

func TestBackendIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_ = l.Close()
	var resp httpintegration.Response
	err = newClient(t, httpintegration.Config{}).Do(context.Background(), post(host, ""), &resp)
	wantFailure(t, err, sockgate.Internal, "connection refused")
	wantFailure(t, err, sockgate.Internal, host)
}

func TestContextEnds(t *testing.T) {
	c := newClient(t, httpintegration.Config{})
	var resp httpintegration.Response

	t.Run("canceled while the backend thinks", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		b := serve(t, func(b *backend, c net.Conn) {
			br := bufio.NewReader(c)
			b.read(br)
			cancel(errors.New("client has gone"))
			_, _ = io.Copy(io.Discard, br)
		})
		wantFailure(t, c.Do(ctx, post(b.host(), ""), &resp), sockgate.Internal, "client has gone")
	})
	t.Run("deadline of the context", func(t *testing.T) {
		b := serve(t, replyAndHang(""))
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		wantFailure(t, c.Do(ctx, post(b.host(), ""), &resp), sockgate.Timeout, "")
	})
	t.Run("over before the call", func(t *testing.T) {
		b := serve(t, replies("HTTP/1.1 204 No Content\r\n\r\n"))
		call(t, c, post(b.host(), "")) // a connection lies ready
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		wantFailure(t, c.Do(ctx, post(b.host(), ""), &resp), sockgate.Internal, "given up")
		if n := b.requests.Load(); n != 1 {
			t.Errorf("%d requests, want the first only", n)
		}
	})
}

func TestLargeBodies(t *testing.T) {
	b := serve(t, func(b *backend, c net.Conn) {
		if r, body := b.read(bufio.NewReader(c)); r != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+body)
		}
	})
	c := newClient(t, httpintegration.Config{})
	for _, size := range []int{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 128 << 10, 1 << 20} {
		want := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		if _, got := call(t, c, post(b.host(), want)); got != want {
			t.Errorf("body of %d bytes came back as %d other ones", size, len(got))
		}
	}
}
