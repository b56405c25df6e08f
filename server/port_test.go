package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// handshake is a proper opening without its first line; tests spoil it.
const handshake = "Host: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// TestBadInput: what is wrong with a request decides the status it gets, and the gateway goes on.
func TestBadInput(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	without := func(header string) string {
		var kept strings.Builder
		for line := range strings.Lines(handshake) {
			if !strings.HasPrefix(line, header+":") {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
	const forbidden = `{"message":"Forbidden"}`
	tests := []struct {
		name   string
		input  string // HOST is the API's host name
		status int
		header map[string]string
		body   string // "" is anything
	}{
		{"good", "GET /dev HTTP/1.1\r\n" + handshake, 101, nil, ""},
		{"good with a slash", "GET /dev/ HTTP/1.1\r\n" + handshake, 101, nil, ""},
		{"plain GET", "GET /dev HTTP/1.1\r\nHost: HOST\r\n\r\n", 426, map[string]string{"Upgrade": "websocket"}, `{"message":"Upgrade Required"}`},
		{"plain POST", "POST /dev HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n", 426, nil, ""},
		{"plain GET below the stage", "GET /dev/x HTTP/1.1\r\nHost: HOST\r\n\r\n", 426, nil, ""},
		{"below the stage", "GET /dev/x HTTP/1.1\r\n" + handshake, 403, nil, forbidden},
		{"HTTP/1.0", "GET /dev HTTP/1.0\r\n" + handshake, 400, nil, ""},
		{"POST upgrade", "POST /dev HTTP/1.1\r\n" + handshake, 400, nil, ""},
		{"no key", "GET /dev HTTP/1.1\r\n" + without("Sec-WebSocket-Key"), 400, nil, ""},
		{"bad key", "GET /dev HTTP/1.1\r\n" + strings.Replace(handshake, "dGhlIHNhbXBsZSBub25jZQ==", "short", 1), 400, nil, ""},
		{"no Connection", "GET /dev HTTP/1.1\r\n" + without("Connection"), 400, nil, ""},
		{"no version", "GET /dev HTTP/1.1\r\n" + without("Sec-WebSocket-Version"), 426, map[string]string{"Sec-WebSocket-Version": "13"}, ""},
		{"version 8", "GET /dev HTTP/1.1\r\n" + strings.Replace(handshake, ": 13", ": 8", 1), 426, map[string]string{"Sec-WebSocket-Version": "13"}, ""},
		{"unknown stage", "GET /nothing HTTP/1.1\r\n" + handshake, 403, map[string]string{"x-amzn-ErrorType": "ForbiddenException"}, forbidden},
		{"unknown stage, plain", "GET /nothing HTTP/1.1\r\nHost: HOST\r\n\r\n", 403, map[string]string{"x-amzn-ErrorType": "ForbiddenException"}, forbidden},
		{"no stage", "GET / HTTP/1.1\r\n" + handshake, 403, nil, forbidden},
		{"unknown API", "GET /dev HTTP/1.1\r\n" + strings.Replace(handshake, "HOST", "aaaaaaaaaa.execute-api.localhost", 1), 403,
			map[string]string{"x-amzn-ErrorType": "ForbiddenException"}, forbidden},
		{"unknown API by path", "GET /_aws/execute-api/aaaaaaaaaa/dev HTTP/1.1\r\n" + handshake, 403, nil, forbidden},
		{"no Host", "GET /dev HTTP/1.1\r\n" + without("Host"), 400, nil, ""},
		{"two Hosts", "GET /dev HTTP/1.1\r\nHost: other\r\n" + handshake, 400, nil, ""},
		{"no HTTP", "hello, is this thing on?\r\n\r\n", 400, nil, ""},
		{"header without colon", "GET /dev HTTP/1.1\r\nnonsense\r\n" + handshake, 400, nil, ""},
		{"header with a space in its name", "GET /dev HTTP/1.1\r\nX Y: z\r\n" + handshake, 400, nil, ""},
		{"NUL in a header", "GET /dev HTTP/1.1\r\nX: \x00\r\n" + handshake, 400, nil, ""},
		{"17 KB of headers", "GET /dev HTTP/1.1\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n" + handshake, 431, nil, ""},
		{"length and chunks", "POST /dev HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := raw(t, d, strings.ReplaceAll(test.input, "HOST", d.Host(d.api)))
			resp := must(http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"}))(t)
			if resp.StatusCode != test.status {
				t.Errorf("status %d, not %d", resp.StatusCode, test.status)
			}
			for name, want := range test.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s is %q, not %q", name, got, want)
				}
			}
			if resp.StatusCode == 101 {
				return
			}
			body := must(io.ReadAll(resp.Body))(t)
			if test.body != "" && string(body) != test.body {
				t.Errorf("body %q, not %q", body, test.body)
			}
		})
	}
	d.connect(t) // still there
}

// raw sends bytes to the gateway.
func raw(t *testing.T, d *deployed, input string) net.Conn {
	t.Helper()
	conn := must(net.Dial("tcp", d.Addr()))(t)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
	if _, err := io.WriteString(conn, input); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestUnfinishedInput: who does not finish a request head, or says nothing at all, is cut off.
func TestUnfinishedInput(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, func(c *config.Config) { c.Limits.HandshakeTimeout = 300 * time.Millisecond }))
	for name, input := range map[string]string{
		"nothing":           "",
		"half a line":       "GET /de",
		"half a head":       "GET /dev HTTP/1.1\r\nHost: x\r\n",
		"half a TLS record": "\x16\x03\x01\x02\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			conn := raw(t, d, input)
			if b, err := io.ReadAll(conn); err != nil { // an answer such as 408 is fine; what counts is the end
				t.Errorf("not cut off: %q, %v", b, err)
			}
		})
	}
	t.Run("a head without end", func(t *testing.T) {
		conn := raw(t, d, "GET /dev HTTP/1.1\r\n")
		for i := 0; ; i++ {
			if _, err := io.WriteString(conn, "X: y\r\n"); err != nil {
				if errors.Is(err, net.ErrClosed) {
					t.Fatal(err)
				}
				return // the gateway closed
			}
			if i > 1e6 {
				t.Fatal("the gateway reads a head of 6 MB")
			}
		}
	})
	// A peer that ended its side behind a proper opening is a client that is gone.
	conn := raw(t, d, "GET /dev HTTP/1.1\r\n"+strings.ReplaceAll(handshake, "HOST", d.Host(d.api)))
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("a half-open connection was not ended: %v", err)
	}
	if code := d.disconnects(t, 1)[0].Header.Get("code"); code != "1006" {
		t.Errorf("its $disconnect has code %s", code)
	}
}

// TestPipelined: frames that come in one piece with the handshake are taken, and garbage behind it is a protocol error.
func TestPipelined(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Echo})
	after := func(t *testing.T, early string) *gatewaytest.Client {
		return must(gatewaytest.HandshakeWith(raw(t, d, ""), early, d.Host(d.api), "/dev"))(t)
	}
	t.Run("frame", func(t *testing.T) {
		c := after(t, string(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("early"))))))
		if text, err := c.Read(); text != "early" {
			t.Errorf("read %q, %v", text, err)
		}
	})
	t.Run("garbage", func(t *testing.T) {
		if _, err := after(t, "GET /dev HTTP/1.1\r\n\r\n").Read(); closeCode(err) != 1002 {
			t.Errorf("read %v", err)
		}
	})
}

// TestSplitListeners: a port of its own for the data path serves nothing of the management side, and the other way round.
func TestSplitListeners(t *testing.T) {
	g := gatewaytest.Start(t, func(c *config.Config) { c.Listeners.Management = "localhost:0" })
	resp := must(g.HTTP().Get("http://" + g.Addr() + "/v2/apis"))(t)
	resp.Body.Close()
	if resp.StatusCode != 403 || resp.Header.Get("x-amzn-ErrorType") != "ForbiddenException" {
		t.Errorf("the edge port answers a control call %d %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"))
	}
	resp = must(g.HTTP().Get("http://" + g.ManagementAddr() + "/_sockgate/health"))(t)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("health on the management port: %d", resp.StatusCode)
	}
}
