package main

import (
	"syscall"
	"testing"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// TestCrash: connections that were open when the gateway was killed get their $disconnect from the next one, once, and those
// that had ended before get no second one.
func TestCrash(t *testing.T) {
	const clients, ended = 20, 5
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir)
	api := newAPI(t, p.Gateway, backend.Addr())
	for i := range clients {
		c := connect(t, p.Gateway, api)
		if i < ended {
			c.Drop()
		}
	}
	disconnects := func(requests []*gatewaytest.Request) map[string]int {
		byID := map[string]int{}
		for _, r := range requests {
			if r.Path() == "/disconnect" {
				byID[r.Header.Get("id")]++
				if code := r.Header.Get("code"); code != "1006" {
					t.Errorf("$disconnect with code %s, want 1006", code)
				}
			}
		}
		return byID
	}
	if _, err := backend.Wait(func(rs []*gatewaytest.Request) bool { return len(disconnects(rs)) == ended }); err != nil {
		t.Fatal(err)
	}
	p.end(t, syscall.SIGKILL)
	p = startProcess(t, dir)
	if _, err := backend.Wait(func(rs []*gatewaytest.Request) bool { return len(disconnects(rs)) == clients }); err != nil {
		t.Fatalf("after the crash: %v; %d of %d clients got a $disconnect", err, len(disconnects(backend.Requests())), clients)
	}
	p.end(t, syscall.SIGTERM)
	p = startProcess(t, dir)
	connect(t, p.Gateway, api) // gives the third start time to deliver again what it must not
	for id, n := range disconnects(backend.Requests()) {
		if n != 1 {
			t.Errorf("connection %s got %d times $disconnect", id, n)
		}
	}
}
