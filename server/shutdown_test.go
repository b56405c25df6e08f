package server_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/server"
)

// TestShutdownWaits: a message that is at its backend when the shutdown begins is finished, and its $disconnect delivered.
func TestShutdownWaits(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Hold, Body: "late"})
	c, _ := d.connect(t)
	if err := c.Send("hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.backend.Wait(func(rs []*gatewaytest.Request) bool { return rs[len(rs)-1].Path() == "/default" }); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- d.Stop() }()
	if _, err := c.Read(); closeCode(err) != 1001 {
		t.Errorf("the client read %v", err)
	}
	d.disconnects(t, 1)
	select {
	case err := <-stopped:
		t.Errorf("the gateway ended with a message at its backend: %v", err)
	default:
	}
	d.backend.Release(1)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestShutdownEnds: a backend that never answers, for messages, a $disconnect and a $connect, holds a shutdown up for the grace
// period and no longer.
func TestShutdownEnds(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, func(c *config.Config) { c.Grace = 300 * time.Millisecond }))
	c, _ := d.connect(t)
	for _, path := range []string{"/default", "/disconnect", "/connect"} {
		d.backend.Reply(path, gatewaytest.Reply{Mode: gatewaytest.Hang})
	}
	if err := c.Send("hello"); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev")
		refused <- err
	}()
	if _, err := d.backend.Wait(func(rs []*gatewaytest.Request) bool { return len(rs) == 3 }); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() {
		_, err := c.Read()
		told <- err
	}()
	_ = d.Stop() // may report that the grace period ended; the test's end checks that nothing runs on
	if err := <-told; closeCode(err) != 1001 {
		t.Errorf("the client read %v", err)
	}
	d.disconnects(t, 1)
	err := <-refused
	if r, ok := errors.AsType[*gatewaytest.Refusal](err); ok && r.StatusCode < 500 || err == nil {
		t.Errorf("a handshake in the middle of a shutdown: %v", err)
	}
}

// TestRefusedWhileClosing: once the shutdown has begun, nobody comes in.
func TestRefusedWhileClosing(t *testing.T) {
	d := deploy(t, gatewaytest.Start(t, nil))
	d.backend.Reply("/disconnect", gatewaytest.Reply{Mode: gatewaytest.Hold})
	c, _ := d.connect(t)
	stopped := make(chan error, 1)
	go func() { stopped <- d.Stop() }()
	if _, err := c.Read(); closeCode(err) != 1001 {
		t.Errorf("the client read %v", err)
	}
	d.disconnects(t, 1)
	if c, err := gatewaytest.Dial(d.Addr(), d.Host(d.api), "/dev"); err == nil {
		c.Drop()
		t.Error("a client came in while the gateway was closing")
	}
	// The AWS APIs still serve whoever handles the $disconnect, and load balancers learn that the gateway is going.
	if status, _, err := d.Call("GET", "/v2/apis/"+d.api, ""); err != nil || status != 200 {
		t.Errorf("the control plane answers %d, %v", status, err)
	}
	if resp, err := d.HTTP().Get("http://" + d.Addr() + server.HealthPath); err != nil || resp.StatusCode != 503 {
		t.Errorf("the health check answers %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	d.backend.Release(1)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
