package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// output collects what the example prints, and tells when it is ready.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if strings.Contains(string(b), "Ctrl-C ends it") {
		close(o.ready)
	}
	return len(b), nil
}

// TestChat runs the example as make run does, up to two people talking, and takes it down.
func TestChat(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &output{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, out, "127.0.0.1:0", "127.0.0.1:0", "") }()
	select {
	case <-out.ready:
	case err := <-ended:
		t.Fatalf("the example ended: %v", err)
	case <-time.After(3 * time.Minute): // it builds the gateway first
		t.Fatal("the example did not get ready")
	}
	out.mu.Lock()
	text := out.text.String()
	out.mu.Unlock()
	page := regexp.MustCompile(`http://\S+/ `).FindString(text)
	socket := regexp.MustCompile(`ws://\S+`).FindString(text)

	resp, err := http.Get(strings.TrimSpace(page))
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(html), socket) {
		t.Errorf("the page does not name the socket %s: %v\n%s", socket, err, html)
	}

	anna, bert := join(t, socket), join(t, socket)
	say(t, anna, `{"action":"sendmessage","name":"Anna","text":"hello"}`)
	for name, c := range map[string]net.Conn{"Anna": anna, "Bert": bert} {
		if got := hear(t, c); !strings.Contains(got, `"name":"Anna"`) || !strings.Contains(got, `"text":"hello"`) {
			t.Errorf("%s heard %s", name, got)
		}
	}
	say(t, bert, "hello?")
	if got := hear(t, bert); !strings.Contains(got, `"error"`) {
		t.Errorf("an unknown message was answered %s", got)
	}

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

func join(t *testing.T, url string) net.Conn {
	c, _, _, err := ws.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	if err := wsutil.WriteClientText(c, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c net.Conn) string {
	b, err := wsutil.ReadServerText(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
