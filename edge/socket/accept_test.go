package socket_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
)

// The handshake's answer comes before anything that is sent by those who find the connection at once.
func TestAccept(t *testing.T) {
	eachTransport(t, func(t *testing.T, server, client net.Conn) {
		const answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n"
		limits := socket.DefaultLimits()
		s := &served{done: make(chan struct{})}
		s.Conn = socket.New(server, nil, &limits, s, &sockgate.Connection{ConnectedAt: time.Now()})
		sent := make(chan error, 1)
		s.Accept([]byte(answer), func() {
			go func() { sent <- s.Send(context.Background(), []byte("at once")) }()
		})
		go func() { defer close(s.done); s.Run(context.Background()) }()
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(client, got); err != nil || string(got) != answer {
			t.Fatalf("%q, %v", got, err)
		}
		if m, err := readMessage(client); m != "text at once" {
			t.Errorf("%q, %v", m, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		client.Close()
		s.end(t)
	})
}
