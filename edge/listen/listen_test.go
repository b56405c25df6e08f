package listen_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/edge/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bodyMax = 128 << 10

// edge is the fast handler of these tests. It answers below /fast, and echoes below /ws for as long as the client stays.
type edge struct{ hijacked chan struct{} }

func (e edge) ServeEdge(x *listen.Exchange) bool {
	switch {
	case strings.HasPrefix(x.Head.Path, "/fast/echo"):
		body, err := x.Body(bodyMax)
		if err != nil {
			respondError(x, err)
			return true
		}
		_ = x.Respond(200, []sockgate.Header{{Name: "x-amzn-Kind", Value: "a\r\nb"}}, body)
	case x.Head.Path == "/fast/ignore":
		_ = x.Respond(204, nil, nil)
	case x.Head.Path == "/fast/panic":
		panic("as asked")
	case x.Head.Path == "/fast/large":
		_ = x.Respond(200, nil, make([]byte, 1<<20))
	case x.Head.Path == "/ws":
		conn, early := x.Hijack()
		defer conn.Close()
		if e.hijacked != nil {
			close(e.hijacked)
		}
		_, _ = fmt.Fprintf(conn, "early %q;", early)
		_, _ = io.Copy(conn, conn)
	default:
		return false
	}
	return true
}

func respondError(x *listen.Exchange, err error) {
	status := map[sockgate.Kind]int{sockgate.TooLarge: 413, sockgate.Timeout: 408, sockgate.Invalid: 400}[sockgate.KindOf(err)]
	_ = x.Respond(status, nil, []byte(err.Error()))
}

// start runs a server until the test ends, and then expects it to end in good time.
func start(t testing.TB, cfg listen.Config) *listen.Server {
	t.Helper()
	if cfg.Listener == nil {
		ln, err := listen.Open(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listener = ln
	}
	if cfg.Edge == nil {
		cfg.Edge = edge{}
	}
	s := listen.New(cfg)
	ran := make(chan error, 1)
	go func() { ran <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		s.StopAccepting()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Wait(ctx); err != nil {
			t.Errorf("wait: %v", err)
		}
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// dial connects; whatever the server does or fails to do, the test does not hang.
func dial(t testing.TB, s *listen.Server) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// reply reads one reply to a request with the given method.
func (c *client) reply(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

func (c *client) expectClosed() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("connection is not closed: read %q, %v", b, err)
	}
}

func TestRepliesInOrder(t *testing.T) {
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %v", r.RequestURI, body, err)
	})})
	for name, oneWrite := range map[string]bool{"pipelined": true, "byte by byte": false} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			var all, want strings.Builder
			for i := range 20 {
				body := strings.Repeat("x", i*7)
				path := []string{"/fast/echo", "/slow//a%2Fb"}[i%2]
				if i%3 == 0 {
					fmt.Fprintf(&all, "POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x;e=1\r\n%sy\r\n0\r\nT: 1\r\n\r\n", path, len(body)+1, body)
					body += "y"
				} else {
					fmt.Fprintf(&all, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
				}
				if i%2 == 1 {
					body = path + " " + body + " <nil>"
				}
				want.WriteString(body + "\n")
			}
			if oneWrite {
				c.send(all.String())
			} else {
				for _, b := range []byte(all.String()) {
					c.send(string(b))
				}
			}
			var got strings.Builder
			for range 20 {
				res, body := c.reply("POST")
				if res.StatusCode != 200 || res.Close {
					t.Fatalf("got %v", res)
				}
				got.WriteString(body + "\n")
			}
			if got.String() != want.String() {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want.String())
			}
		})
	}
}

func TestTLSAndPlainOnOnePort(t *testing.T) {
	ca := domain.NewLocalCA(t.TempDir(), nil)
	s := start(t, listen.Config{TLS: ca.TLSConfig(), HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%v %s", r.TLS != nil, r.Host)
	})})
	roots, err := ca.Pool()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
		},
	}
	defer transport.CloseIdleConnections()
	for _, tt := range []struct{ url, want string }{
		{"http://abc.execute-api.localhost:1/", "false abc.execute-api.localhost:1"},
		{"https://abc.execute-api.localhost:1/", "true abc.execute-api.localhost:1"},
		{"https://127.0.0.1:1/", "true 127.0.0.1:1"},
		{"https://abc.execute-api.localhost:1/fast/echo", strings.Repeat("z", 100_000)},
	} {
		for range 3 {
			res, err := (&http.Client{Transport: transport}).Post(tt.url, "text/plain", strings.NewReader(strings.Repeat("z", 100_000)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(body) != tt.want {
				t.Errorf("%s: got %.80q, %v", tt.url, body, err)
			}
		}
	}
	if got := s.Stats().Accepted; got < 3 || got > 5 {
		t.Errorf("%d connections were made for 12 requests, want about one for each host and scheme", got)
	}
}

func TestTLSWithoutConfigurationIsClosed(t *testing.T) {
	c := dial(t, start(t, listen.Config{}))
	c.send("\x16\x03\x01\x00\x05")
	c.expectClosed()
}

func TestRefusals(t *testing.T) {
	s := start(t, listen.Config{})
	tests := map[string]struct {
		in     string
		status int
	}{
		"garbage":                  {"\x00\x01\r\n\r\n", 400},
		"smuggled by two framings": {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"smuggled by two lengths":  {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\n", 400},
		"smuggled by a space":      {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
		"large head":               {"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 17<<10), 431},
		"long line":                {"GET /" + strings.Repeat("a", 9<<10), 414},
		"HTTP/2":                   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		"expectation":              {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: magic\r\n\r\n", 417},
		"large body announced":     {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 131073\r\n\r\n", 413},
		"huge body announced":      {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n", 413},
		"large body in one chunk":  {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n20001\r\n", 413},
		"chunk with a bare LF":     {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400},
		"chunk with a long line":   {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", 300) + "\r\n", 400},
		"chunk longer than said":   {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", 400},
		"chunk with a sign":        {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 400},
		"chunk without size":       {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n", 400},
		"endless trailer":          {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("a: b\r\n", 1000), 400},
		"panic":                    {"GET /fast/panic HTTP/1.1\r\nHost: h\r\n\r\n", 500},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send(tt.in + "\r\n\r\nGET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n") // which must not be served
			res, _ := c.reply("POST")
			if res.StatusCode != tt.status || !res.Close {
				t.Errorf("got %s, close %v; want %d", res.Status, res.Close, tt.status)
			}
			c.expectClosed()
		})
	}
}

func TestDeadlines(t *testing.T) {
	s := start(t, listen.Config{HeadTimeout: 50 * time.Millisecond, BodyTimeout: 50 * time.Millisecond, IdleTimeout: 60 * time.Millisecond,
		TLS: domain.NewLocalCA(t.TempDir(), nil).TLSConfig(), HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		})})
	tests := map[string]struct {
		in     string
		status int // 0: closed without a reply
	}{
		"nothing is sent":      {"", 0},
		"head does not end":    {"GET / HTTP/1.1\r\nHost: h\r\n", 408},
		"body does not come":   {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc", 408},
		"chunk does not come":  {"POST /fast/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 408},
		"body for net/http":    {"POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc", 408},
		"TLS hello is cut off": {"\x16\x03\x01\x02\x00\x01", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send(tt.in)
			if tt.status != 0 {
				if res, _ := c.reply("POST"); res.StatusCode != tt.status || !res.Close {
					t.Errorf("got %s, close %v", res.Status, res.Close)
				}
			}
			c.expectClosed()
		})
	}
	t.Run("idle between requests", func(t *testing.T) {
		c := dial(t, s)
		c.send("GET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n")
		if res, _ := c.reply("GET"); res.StatusCode != 204 || res.Close {
			t.Errorf("got %v", res)
		}
		c.expectClosed()
	})
	t.Run("client does not read", func(t *testing.T) {
		s := start(t, listen.Config{WriteTimeout: 50 * time.Millisecond})
		c := dial(t, s)
		c.send(strings.Repeat("GET /fast/large HTTP/1.1\r\nHost: h\r\n\r\n", 50))
		for s.Stats().Open != 0 || s.Stats().Accepted == 0 { // the client reads nothing, so only the deadline ends it
			time.Sleep(time.Millisecond)
		}
	})
}

func TestExpectContinue(t *testing.T) {
	asked := make(chan bool, 1)
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			asked <- true
			_, _ = io.Copy(w, r.Body)
		}
	})})
	for name, path := range map[string]string{"edge": "/fast/echo", "net/http": "/read"} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			for range 2 {
				c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n")
				if line, err := c.r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
					t.Fatalf("got %q, %v", line, err)
				}
				_, _ = c.r.Discard(2)
				c.send("abcd")
				if res, body := c.reply("POST"); body != "abcd" || res.Close {
					t.Errorf("got %v %q", res, body)
				}
				if path == "/read" {
					<-asked
				}
			}
		})
	}
	for name, path := range map[string]string{"edge does not ask": "/fast/ignore", "net/http does not ask": "/skip"} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
			if res, _ := c.reply("POST"); res.StatusCode >= 300 || !res.Close {
				t.Errorf("got %v", res)
			}
			c.expectClosed()
		})
	}
}

func TestUnreadBodies(t *testing.T) {
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	for name, path := range map[string]string{"edge": "/fast/ignore", "net/http": "/skip"} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 200_000))
			c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
			for range 2 {
				if res, _ := c.reply("POST"); res.Close {
					t.Errorf("got %v", res)
				}
			}
			c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
			if res, _ := c.reply("POST"); !res.Close {
				t.Errorf("a body over the limit is waited for: %v", res)
			}
			c.expectClosed()
		})
	}
}

func TestHTTPReplies(t *testing.T) {
	long := strings.Repeat("0123456789", 3000)
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			_, _ = io.WriteString(w, "<html>")
		case "/long":
			_, _ = io.WriteString(w, long)
		case "/declared":
			w.Header().Set("Content-Length", strconv.Itoa(len(long)))
			_, _ = io.WriteString(w, long)
		case "/less":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "abc")
		case "/flush":
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "b")
		case "/late":
			w.WriteHeader(201)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(500)
		case "/none":
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		case "/close":
			w.Header().Set("Connection", "close")
		case "/split":
			w.Header().Set("X-Value", "a\r\nX-Injected: 1")
		case "/panic":
			panic("as asked")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	})})
	tests := map[string]struct {
		request string // method, path and version
		status  int
		length  int64 // -1: chunked or until the end
		body    string
		closed  bool
	}{
		"short":                      {"GET /short HTTP/1.1", 200, 6, "<html>", false},
		"HEAD short":                 {"HEAD /short HTTP/1.1", 200, 6, "", false},
		"long is chunked":            {"GET /long HTTP/1.1", 200, -1, long, false},
		"HEAD long":                  {"HEAD /long HTTP/1.1", 200, -1, "", false},
		"long to 1.0":                {"GET /long HTTP/1.0\r\nConnection: keep-alive", 200, -1, long, true},
		"declared":                   {"GET /declared HTTP/1.1", 200, 30000, long, false},
		"HEAD declared":              {"HEAD /declared HTTP/1.1", 200, 30000, "", false},
		"flush":                      {"GET /flush HTTP/1.1", 200, -1, "ab", false},
		"empty":                      {"GET / HTTP/1.1", 200, 0, "", false},
		"first status holds":         {"GET /late HTTP/1.1", 201, 0, "", false},
		"no content":                 {"GET /none HTTP/1.1", 204, 0, "", false},
		"close by the handler":       {"GET /close HTTP/1.1", 200, 0, "", true},
		"close by the client":        {"GET /short HTTP/1.1\r\nConnection: close", 200, 6, "<html>", true},
		"1.0":                        {"GET /short HTTP/1.0", 200, 6, "<html>", true},
		"1.0 keep-alive":             {"GET /short HTTP/1.0\r\nConnection: keep-alive", 200, 6, "<html>", false},
		"header cannot be split":     {"GET /split HTTP/1.1", 200, 0, "", false},
		"panic":                      {"GET /panic HTTP/1.1", 500, 35, `{"message":"Internal Server Error"}`, true},
		"trailer net/http dislikes":  {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length", 400, 25, `{"message":"Bad Request"}`, true},
		"large reply from the edge":  {"GET /fast/large HTTP/1.1", 200, 1 << 20, string(make([]byte, 1<<20)), false},
		"HEAD of the edge's large":   {"HEAD /fast/large HTTP/1.1", 200, 1 << 20, "", false},
		"edge to 1.0":                {"GET /fast/large HTTP/1.0", 200, 1 << 20, string(make([]byte, 1<<20)), true},
		"edge to 1.0 and keep-alive": {"GET /fast/ignore HTTP/1.0\r\nConnection: keep-alive", 204, 0, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send(tt.request + "\r\nHost: h\r\n\r\n")
			method, _, _ := strings.Cut(tt.request, " ")
			res, body := c.reply(method)
			if res.StatusCode != tt.status || body != tt.body || res.ContentLength != tt.length {
				t.Errorf("got %v, body of %d: %.80q", res, len(body), body)
			}
			if res.Header.Get("X-Late")+res.Header.Get("X-Injected") != "" || res.Header.Get("Date") == "" {
				t.Errorf("headers are %v", res.Header)
			}
			if tt.closed {
				c.expectClosed()
				return
			}
			c.send("GET /fast/ignore HTTP/1.1\r\nHost: h\r\n\r\n")
			if res, _ := c.reply("GET"); res.StatusCode != 204 {
				t.Errorf("the next request got %v", res)
			}
		})
	}
	t.Run("fewer bytes than declared", func(t *testing.T) {
		c := dial(t, s)
		c.send("GET /less HTTP/1.1\r\nHost: h\r\n\r\n")
		all, err := io.ReadAll(c)
		if !strings.HasSuffix(string(all), "\r\n\r\nabc") || err != nil {
			t.Errorf("got %q, %v", all, err)
		}
	})
	t.Run("abort", func(t *testing.T) {
		c := dial(t, s)
		c.send("GET /abort HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expectClosed()
	})
}

func TestEdgeReplyBytes(t *testing.T) {
	c := dial(t, start(t, listen.Config{}))
	c.send("POST /fast/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(all), "Date: ")
	_, after, _ := strings.Cut(rest, " GMT\r\n")
	want := "HTTP/1.1 200 OK\r\nx-amzn-Kind: ab\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
	if before+after != want {
		t.Errorf("got %q", all)
	}
}

// A handler may return while another goroutine still reads the request's body, as a reverse proxy's does.
func TestBodyReaderOutlivesHandler(t *testing.T) {
	reading, read := make(chan struct{}), make(chan error)
	s := start(t, listen.Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			_, _ = r.Body.Read(make([]byte, 1))
			close(reading)
			_, err := r.Body.Read(make([]byte, 10))
			read <- err
		}()
		<-reading
	})})
	c := dial(t, s)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\na")
	res, _ := c.reply("POST")
	if err := <-read; err == nil || !res.Close {
		t.Errorf("reader got %v; reply %v", err, res)
	}
	_ = c.Close()
}
