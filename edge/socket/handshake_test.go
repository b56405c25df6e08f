package socket_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/request"
	"github.com/sockgate/sockgate/edge/socket"
)

// opening returns RFC 6455's own example, section 1.3.
func opening() *request.Head {
	return &request.Head{
		Method: "GET", Target: "/chat", Path: "/chat", Minor: 1, Host: "server.example.com",
		Headers: sockgate.Headers{
			{Name: "Host", Value: "server.example.com"},
			{Name: "Upgrade", Value: "websocket"},
			{Name: "Connection", Value: "Upgrade"},
			{Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="},
			{Name: "Sec-WebSocket-Version", Value: "13"},
		},
	}
}

func with(name, value string) func(*request.Head) {
	return func(h *request.Head) {
		for i := range h.Headers {
			if h.Headers[i].Name == name {
				h.Headers[i].Value = value
			}
		}
	}
}

func without(name string) func(*request.Head) {
	return func(h *request.Head) {
		h.Headers = slices.DeleteFunc(h.Headers, func(e sockgate.Header) bool { return e.Name == name })
	}
}

func also(name, value string) func(*request.Head) {
	return func(h *request.Head) { h.Headers = append(h.Headers, sockgate.Header{Name: name, Value: value}) }
}

func TestCheckHandshake(t *testing.T) {
	cases := []struct {
		name   string
		change func(*request.Head)
		want   int // 0: proper
		header sockgate.Header
	}{
		{name: "the RFC's example", change: func(*request.Head) {}},
		{name: "any case", change: with("Upgrade", "WebSocket")},
		{name: "list of tokens", change: with("Connection", "keep-alive, Upgrade")},
		{name: "tokens in two lines", change: func(h *request.Head) { with("Connection", "keep-alive")(h); also("connection", "upgrade")(h) }},
		{name: "spelling of names", change: func(h *request.Head) { without("Upgrade")(h); also("UPGRADE", "websocket")(h) }},
		{name: "POST", change: func(h *request.Head) { h.Method = "POST" }, want: 400},
		{name: "HTTP/1.0", change: func(h *request.Head) { h.Minor = 0 }, want: 400},
		{name: "plain request", change: func(h *request.Head) { h.Headers = h.Headers[:1] }, want: 426,
			header: sockgate.Header{Name: "Upgrade", Value: "websocket"}},
		{name: "plain POST", change: func(h *request.Head) { h.Method, h.Headers = "POST", nil }, want: 426},
		{name: "other upgrade", change: with("Upgrade", "h2c"), want: 426},
		{name: "no connection token", change: without("Connection"), want: 400},
		{name: "part of a token", change: with("Connection", "no-upgrade"), want: 400},
		{name: "no version", change: without("Sec-WebSocket-Version"), want: 426,
			header: sockgate.Header{Name: "Sec-WebSocket-Version", Value: "13"}},
		{name: "version 8", change: with("Sec-WebSocket-Version", "8"), want: 426,
			header: sockgate.Header{Name: "Sec-WebSocket-Version", Value: "13"}},
		{name: "version twice", change: also("Sec-WebSocket-Version", "13"), want: 426},
		{name: "no key", change: without("Sec-WebSocket-Key"), want: 400},
		{name: "key twice", change: also("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), want: 400},
		{name: "empty key", change: with("Sec-WebSocket-Key", ""), want: 400},
		{name: "15 bytes of key", change: with("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA"), want: 400},
		{name: "17 bytes of key", change: with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQA="), want: 400},
		{name: "18 bytes of key", change: with("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAAA"), want: 400},
		{name: "key not base64", change: with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j!!=="), want: 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := opening()
			c.change(h)
			got := socket.CheckHandshake(h)
			switch {
			case got == nil && c.want == 0:
			case got == nil:
				t.Errorf("passes, want %d", c.want)
			case got.Status != c.want:
				t.Errorf("status %d, want %d", got.Status, c.want)
			case c.header.Name != "" && !slices.Contains(got.Header, c.header):
				t.Errorf("headers %v lack %v", got.Header, c.header)
			case len(got.Body) == 0:
				t.Error("no body")
			}
		})
	}
}

func TestAcceptResponse(t *testing.T) {
	const start = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	cases := []struct {
		name        string
		subprotocol string
		extra       []sockgate.Header
		want        string
	}{
		{"bare", "", nil, ""},
		{"subprotocol", "chat.v2", nil, "Sec-WebSocket-Protocol: chat.v2\r\n"},
		{"extra", "", []sockgate.Header{{Name: "x-amzn-RequestId", Value: "1-2"}}, "x-amzn-RequestId: 1-2\r\n"},
		{"injected", "a\r\nSet-Cookie: x", []sockgate.Header{{Name: "a", Value: "b\nc: d"}, {Name: "a\r\nb", Value: "c"}, {Name: "", Value: "x"}}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := string(socket.AcceptResponse(opening(), c.subprotocol, c.extra))
			if rest, ok := strings.CutPrefix(got, start); !ok || rest != c.want+"\r\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}
