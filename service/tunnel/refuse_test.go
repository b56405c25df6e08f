package tunnel_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/tunnel"
)

// raw opens a TLS connection to the gateway, as an agent of another make would.
func (w *world) raw(t testing.TB) net.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", w.server.Listener.Addr().String(), w.server.Client().Transport.(*http.Transport).TLSClientConfig.Clone())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// ask sends a handshake with these changes to a good one: a header and its value, "" for none.
func (w *world) ask(t testing.TB, c net.Conn, token string, changes map[string]string) *http.Response {
	t.Helper()
	headers := map[string]string{
		"Host": "h", "Connection": "Upgrade", "Upgrade": tunnel.Protocol, "Authorization": "Bearer " + token,
		tunnel.BalancerHeader: "lb", tunnel.AgentHeader: "raw",
	}
	for name, value := range changes {
		headers[name] = value
	}
	text := "GET " + tunnel.Path + " HTTP/1.1\r\n"
	if m := headers["method"]; m != "" {
		text = strings.Replace(text, "GET", m, 1)
	}
	for name, value := range headers {
		if value != "" && name != "method" {
			text += name + ": " + value + "\r\n"
		}
	}
	if _, err := io.WriteString(c, text+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 16), &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tunnel.Config) { c.MaxAgents = 1 })
	good, foreign := w.token(t, "lb"), w.token(t, "other")
	gone, revoked, err := w.tokens.Create(t.Context(), tunnel.Token{LoadBalancer: "lb"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.tokens.Revoke(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	wrong := good[:len(good)-1] + "A"
	if wrong == good {
		wrong = good[:len(good)-1] + "E"
	}
	for _, tt := range []struct {
		name, token string
		changes     map[string]string
		status      int
		message     string
	}{
		{"no token", good, map[string]string{"Authorization": ""}, 401, "The agent shows no token."},
		{"another scheme", good, map[string]string{"Authorization": "Basic " + good}, 401, "The agent shows no token."},
		{"garbage", "x", nil, 401, "The token is unknown, revoked or expired."},
		{"nearly right", wrong, nil, 401, "The token is unknown, revoked or expired."},
		{"the secret alone", good[18:], nil, 401, "The token is unknown, revoked or expired."},
		{"longer", good + "x", nil, 401, "The token is unknown, revoked or expired."},
		{"revoked", revoked, nil, 401, "The token is unknown, revoked or expired."},
		{"another load balancer's", foreign, nil, 403, "The token is for another load balancer."},
		{"no such load balancer", w.token(t, "nowhere"), map[string]string{tunnel.BalancerHeader: "nowhere"}, 404, "There is no load balancer of that name."},
		{"no load balancer", good, map[string]string{tunnel.BalancerHeader: ""}, 400, "The agent names no load balancer, or not itself."},
		{"no name", good, map[string]string{tunnel.AgentHeader: ""}, 400, "The agent names no load balancer, or not itself."},
		{"a name with spaces", good, map[string]string{tunnel.AgentHeader: "a b"}, 400, "The agent names no load balancer, or not itself."},
		{"a long name", good, map[string]string{tunnel.AgentHeader: strings.Repeat("a", 129)}, 400, "The agent names no load balancer, or not itself."},
		{"no upgrade", good, map[string]string{"Upgrade": ""}, 426, "This is where agents connect: sockgate link"},
		{"another protocol", good, map[string]string{"Upgrade": "websocket"}, 426, "This is where agents connect: sockgate link"},
		{"no connection header", good, map[string]string{"Connection": "close"}, 426, "This is where agents connect: sockgate link"},
		{"another method", good, map[string]string{"method": "POST"}, 426, "This is where agents connect: sockgate link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := w.ask(t, w.raw(t), tt.token, tt.changes)
			var body struct{ Message string }
			err := json.NewDecoder(resp.Body).Decode(&body)
			if resp.StatusCode != tt.status || body.Message != tt.message || err != nil || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %q %v, want %d %q", resp.StatusCode, body.Message, err, tt.status, tt.message)
			}
		})
	}
	w.await(t, 0)
	if resp := w.ask(t, w.raw(t), good, nil); resp.StatusCode != 101 || resp.Header.Get("Upgrade") != tunnel.Protocol {
		t.Errorf("a good handshake reads %s", resp.Status)
	}
	w.await(t, 1)
	if resp := w.ask(t, w.raw(t), good, nil); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one agent too many reads %s", resp.Status)
	}
	for _, secret := range []string{good, foreign, revoked} {
		if strings.Contains(w.log.String(), secret[18:]) {
			t.Error("the log holds a token")
		}
	}
}

// TestGuessing: whoever tries many tokens is slowed down, and an agent with a good one is not.
func TestGuessing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	good := w.token(t, "lb")
	seen := map[int]int{}
	for range 100 {
		c := w.raw(t)
		seen[w.ask(t, c, "x", nil).StatusCode]++
		c.Close()
	}
	if seen[429] == 0 || seen[401] < 50 || seen[401]+seen[429] != 100 {
		t.Errorf("statuses %v", seen)
	}
	if resp := w.ask(t, w.raw(t), good, nil); resp.StatusCode != 101 {
		t.Errorf("a good handshake reads %s", resp.Status)
	}
}
