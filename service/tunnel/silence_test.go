package tunnel_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/sockgate/sockgate/service/tunnel"
)

// TestSilence: agents that are not well are found out, and no call waits for them for longer than that.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		agent func(c net.Conn)
		log   string
	}{
		{"it says nothing", drain, "nothing was heard of it for"},
		{"it reads nothing", func(net.Conn) {}, "nothing was heard of it for"},
		{"it sends a frame byte by byte, for ever", func(c net.Conn) {
			go drain(c)
			c.Write([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0}) // a frame of 256 KiB begins
			for {
				time.Sleep(10 * time.Millisecond)
				if _, err := c.Write([]byte{0}); err != nil {
					return
				}
			}
		}, "it does not answer keep-alives"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *tunnel.Config) { c.KeepAlive = 100 * time.Millisecond })
			w.gateway.SetStuck(500 * time.Millisecond)
			c := w.raw(t)
			if resp := w.ask(t, c, w.token(t, "lb"), nil); resp.StatusCode != 101 {
				t.Fatal(resp.Status)
			}
			d := w.one(t)
			ended := make(chan struct{})
			go func() {
				tt.agent(c)
				close(ended)
			}()
			if nc, err := d(context.Background()); err == nil {
				nc.Close()
				t.Error("a connection was made")
			}
			w.await(t, 0)
			w.log.await(t, tt.log)
			c.Close()
			<-ended
		})
	}
}

// drain reads to the end.
func drain(c net.Conn) {
	b := make([]byte, 1024)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}
