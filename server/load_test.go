package server_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestManyClients: 500 clients send 20 messages each to a backend that takes its time; every client gets each of its own
// answers once, and every connection one $disconnect.
func TestManyClients(t *testing.T) {
	const clients, messages = 500, 20
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Handle("/default", func(r *gatewaytest.Request) gatewaytest.Reply {
		<-time.After(rand.N(5 * time.Millisecond)) // answers overtake each other
		return gatewaytest.Reply{Mode: gatewaytest.Echo}
	})
	var wg sync.WaitGroup
	faults := make(chan error, clients)
	for i := range clients {
		wg.Go(func() { faults <- converse(d, i, messages) })
	}
	wg.Wait()
	close(faults)
	for err := range faults {
		if err != nil {
			t.Error(err)
		}
	}
	checkDisconnects(t, d, clients)
}

// converse sends messages as one client and checks that each answer comes once.
func converse(d *deployed, client, messages int) error {
	c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for n := range messages {
			if err := c.Send(fmt.Sprintf("client %d message %d", client, n)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	seen := map[string]bool{}
	for range messages {
		text, err := c.Read()
		if err != nil {
			c.Drop()
			return errors.Join(fmt.Errorf("client %d: %w", client, err), <-sent)
		}
		if seen[text] || !strings.HasPrefix(text, fmt.Sprintf("client %d message ", client)) {
			err = fmt.Errorf("client %d got %q; before that %d others", client, text, len(seen))
			c.Drop()
			return errors.Join(err, <-sent)
		}
		seen[text] = true
	}
	return errors.Join(<-sent, c.Close(1000, ""))
}

// TestInFlight: by default 16 messages of one connection are at backends together, and the others wait for their places.
func TestInFlight(t *testing.T) {
	const together, messages = 16, 20
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Hold, Body: "done"})
	c, _ := d.connect(t)
	for range messages {
		if err := c.Send("hello"); err != nil {
			t.Fatal(err)
		}
	}
	for released := range messages - together + 1 {
		want := 1 + together + released // with $connect
		seen, err := d.backend.Wait(func(rs []*gatewaytest.Request) bool { return len(rs) >= want })
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) > want {
			t.Fatalf("after %d answers the backend has seen %d messages, not %d", released, len(seen)-1, want-1)
		}
		d.backend.Release(1)
		if text, err := c.Read(); text != "done" {
			t.Fatalf("read %q, %v", text, err)
		}
	}
	d.backend.Release(together)
	for range together - 1 {
		if text, err := c.Read(); text != "done" {
			t.Fatalf("read %q, %v", text, err)
		}
	}
}

// TestManyDrops: 200 clients are cut off at random moments in the middle of their traffic; each gets exactly one $disconnect.
func TestManyDrops(t *testing.T) {
	const clients = 200
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Echo})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
			if err != nil {
				t.Error(err)
				return
			}
			sent := rand.N(10)
			for range sent {
				if err := c.Send("hello"); err != nil {
					t.Error(err)
				}
			}
			for range rand.N(sent + 1) {
				if _, err := c.Read(); err != nil {
					t.Error(err)
				}
			}
			c.Drop()
		})
	}
	wg.Wait()
	checkDisconnects(t, d, clients)
}

// checkDisconnects waits for the end of n connections and checks, after the gateway has ended, that each $connect had one $disconnect.
func checkDisconnects(t *testing.T, d *deployed, n int) {
	t.Helper()
	d.disconnects(t, n)
	if err := d.Stop(); err != nil { // nothing comes after this
		t.Error(err)
	}
	balance := map[string]int{}
	connects := 0
	for _, r := range d.backend.Requests() {
		switch id := r.Header.Get("connectionId"); r.Path() {
		case "/connect":
			connects++
			balance[id] += 1
		case "/disconnect":
			balance[id] -= 1
		}
	}
	if connects != n || len(balance) != n {
		t.Errorf("%d $connects with %d ids, not %d", connects, len(balance), n)
	}
	for id, left := range balance {
		if left != 0 {
			t.Errorf("connection %s had %d $disconnects", id, 1-left)
		}
	}
}
