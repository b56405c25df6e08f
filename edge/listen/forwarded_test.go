package listen_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/edge/listen"
)

// arrivals answers every request with who came, in what way, and with which X-Forwarded-For; the Edge side under /edge, net/http elsewhere.
type arrivals struct{}

func (arrivals) ServeEdge(x *listen.Exchange) bool {
	if x.Head.Path != "/edge" {
		return false
	}
	_ = x.Respond(200, nil, fmt.Appendf(nil, "%s secure=%v port=%v for=%q", x.Remote.Addr(), x.Secure, x.Port != 443, x.Head.Headers.Values("X-Forwarded-For")))
	return true
}

func (arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(w, "%s secure=%v for=%q", host, r.TLS != nil, r.Header.Values("X-Forwarded-For"))
}

// serveArrivals starts a server whose own address is a trusted proxy's when trust says so, and returns what asks it.
func serveArrivals(t *testing.T, c listen.Config, trust bool) (ask func(raw string) string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Listener, c.Edge, c.HTTP = l, arrivals{}, arrivals{}
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if trust {
		c.Proxies = append(c.Proxies, netip.MustParsePrefix("127.0.0.1/32"))
	}
	s := listen.New(c)
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		s.StopAccepting()
		<-done
		if err := s.Wait(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return func(raw string) string {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, raw)
		answer, _ := io.ReadAll(conn)
		_, body, ok := strings.Cut(string(answer), "\r\n\r\n")
		if !ok {
			return "closed"
		}
		return body
	}
}

func get(path string, headers ...string) string {
	lines := append([]string{"GET " + path + " HTTP/1.1", "Host: h", "Connection: close"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted bool
		headers []string
		want    string // of both sides
	}{
		{"no headers", true, nil, `127.0.0.1 secure=false for=[]`},
		{"one hop", true, []string{"X-Forwarded-For: 203.0.113.9"}, `203.0.113.9 secure=false for=[]`},
		{"what the client made up stays a header", true, []string{"X-Forwarded-For: 8.8.8.8, 203.0.113.9"}, `203.0.113.9 secure=false for=["8.8.8.8"]`},
		{"in two headers", true, []string{"X-Forwarded-For: 8.8.8.8", "x-forwarded-for: 203.0.113.9"}, `203.0.113.9 secure=false for=["8.8.8.8"]`},
		{"two trusted hops", true, []string{"X-Forwarded-For: 203.0.113.9, 10.1.2.3"}, `203.0.113.9 secure=false for=[]`},
		{"trusted ones only", true, []string{"X-Forwarded-For: 10.9.9.9, 10.1.2.3"}, `10.9.9.9 secure=false for=[]`},
		{"with a port", true, []string{"X-Forwarded-For: 203.0.113.9:1234"}, `203.0.113.9 secure=false for=[]`},
		{"IPv6", true, []string{"X-Forwarded-For: 2001:db8::9"}, `2001:db8::9 secure=false for=[]`},
		{"IPv6 with a port", true, []string{"X-Forwarded-For: [2001:db8::9]:1234"}, `2001:db8::9 secure=false for=[]`},
		{"IPv4 in IPv6", true, []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, `203.0.113.9 secure=false for=[]`},
		{"no address", true, []string{"X-Forwarded-For: unknown"}, `127.0.0.1 secure=false for=["unknown"]`},
		{"no address before a trusted hop", true, []string{"X-Forwarded-For: unknown, 10.1.2.3"}, `10.1.2.3 secure=false for=["unknown"]`},
		{"empty", true, []string{"X-Forwarded-For:"}, `127.0.0.1 secure=false for=[]`},
		{"only commas", true, []string{"X-Forwarded-For: ,,"}, `127.0.0.1 secure=false for=[",,"]`},
		{"https", true, []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"}, `203.0.113.9 secure=true for=[]`},
		{"wss in capitals", true, []string{"X-Forwarded-Proto: WSS"}, `127.0.0.1 secure=true for=[]`},
		{"the nearest proxy's scheme", true, []string{"X-Forwarded-Proto: https, http"}, `127.0.0.1 secure=false for=[]`},
		{"a stranger's headers", false, []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"}, `127.0.0.1 secure=false for=["203.0.113.9"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := serveArrivals(t, listen.Config{}, c.trusted)
			got := ask(get("/edge", c.headers...))
			if got = strings.Replace(got, " port=true", "", 1); got != c.want {
				t.Errorf("edge: %s\nwant  %s", got, c.want)
			}
			who, _, _ := strings.Cut(c.want, " for=")
			if got, _, _ := strings.Cut(ask(get("/http", c.headers...)), " for="); got != who {
				t.Errorf("net/http: %s\nwant      %s", got, who)
			}
		})
	}
}

// Each request of a kept connection is judged by itself: proxies send many clients' requests over one.
func TestForwardedEachRequest(t *testing.T) {
	ask := serveArrivals(t, listen.Config{}, true)
	first := strings.Replace(get("/http", "X-Forwarded-For: 203.0.113.9"), "Connection: close\r\n", "", 1)
	got := ask(first + strings.Replace(get("/http", "X-Forwarded-For: 203.0.113.10"), "Connection: close\r\n", "", 1) + get("/http"))
	for _, want := range []string{"203.0.113.9 ", "203.0.113.10 ", "127.0.0.1 "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %sin %s", want, got)
		}
	}
}

func TestProxyHeader(t *testing.T) {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	const from203 = signature + "\x21\x11\x00\x0c\xcb\x00\x71\x09\x0a\x00\x00\x01\xc3\x50\x01\xbb"
	for _, c := range []struct {
		name    string
		trusted bool
		raw     string
		want    string
	}{
		{"from a proxy", true, from203 + get("/edge"), `203.0.113.9 secure=false port=false for=[]`},
		{"the proxy itself", true, signature + "\x20\x00\x00\x00" + get("/edge"), `127.0.0.1 secure=false port=true for=[]`},
		{"headers behind it are a client's", true, from203 + get("/edge", "X-Forwarded-For: 8.8.8.8"), `203.0.113.9 secure=false port=false for=["8.8.8.8"]`},
		{"missing", true, get("/edge"), "closed"},
		{"version 1", true, "PROXY TCP4 203.0.113.9 10.0.0.1 50000 443\r\n" + get("/edge"), "closed"},
		{"malformed", true, signature + "\x21\x11\x00\x01x" + get("/edge"), "closed"},
		{"twice", true, from203 + from203 + get("/edge"), `{"message":"Bad Request"}`},
		{"a stranger's", false, from203 + get("/edge"), `{"message":"Bad Request"}`},
		{"a stranger without one", false, get("/edge"), `127.0.0.1 secure=false port=true for=[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := serveArrivals(t, listen.Config{ProxyHeader: true}, c.trusted)(c.raw); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A proxy that sends the header in pieces is waited for, and one that never ends it is not.
func TestProxyHeaderInPieces(t *testing.T) {
	ask := serveArrivals(t, listen.Config{ProxyHeader: true, HeadTimeout: 50 * time.Millisecond}, true)
	if got := ask("\r\n\r\n\x00\r\nQU"); got != "closed" {
		t.Errorf("half a header was answered %s", got)
	}
}
