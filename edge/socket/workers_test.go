package socket_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockgate/sockgate/edge/socket"
)

// Workers make every call, of any connection, whether there is an idle one or not; Close waits for all of them.
func TestWorkers(t *testing.T) {
	for _, keep := range []int{0, 1, 64} {
		t.Run(strconv.Itoa(keep), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := socket.DefaultLimits()
				limits.Workers = socket.NewWorkers(keep)
				limits.InFlight = 4
				answer := func(c *socket.Conn, payload []byte) {
					time.Sleep(time.Second)
					c.Reply(context.Background(), payload)
				}
				since := time.Now()
				var clients sync.WaitGroup
				for range 5 {
					server, client := net.Pipe()
					s := start(server, limits, answer)
					clients.Go(func() {
						defer client.Close()
						go func() {
							for i := range 12 {
								client.Write(frame(fin|text, strconv.Itoa(i)))
							}
						}()
						seen := map[string]bool{}
						for range 12 {
							m, err := readMessage(client)
							if err != nil || seen[m] {
								t.Errorf("%q, %v", m, err)
							}
							seen[m] = true
						}
						client.Close()
						s.end(t)
					})
				}
				clients.Wait()
				limits.Workers.Close()
				if took := time.Since(since); took != 3*time.Second {
					t.Errorf("12 messages, 4 at a time, took %v", took)
				}
			})
		})
	}
}
