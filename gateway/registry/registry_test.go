package registry_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/registry"
)

type peer struct{ info sockgate.Connection }

func (p *peer) Info() *sockgate.Connection         { return &p.info }
func (p *peer) Send(context.Context, []byte) error { return nil }
func (p *peer) Close(int, string)                  {}
func (p *peer) Queued() int64                      { return 0 }
func (p *peer) LastActive() time.Time              { return time.Time{} }

var _ registry.Peer = (*peer)(nil)

func TestIDsHaveTheShapeOfAPIGateway(t *testing.T) {
	r := registry.New(7, []byte("key"))
	seen := map[string]bool{}
	for range 1000 {
		id := r.NewID()
		raw, err := base64.URLEncoding.Strict().DecodeString(id)
		if err != nil || len(raw) != 11 || len(id) != 16 || strings.Count(id, "=") != 1 {
			t.Fatalf("NewID() = %q: %d bytes, %v", id, len(raw), err)
		}
		if seen[id] {
			t.Fatalf("NewID() returned %q twice", id)
		}
		seen[id] = true
	}
}

func TestFind(t *testing.T) {
	r := registry.New(7, []byte("key"))
	p := &peer{sockgate.Connection{ID: r.NewID()}}
	r.Add(p)
	foreign := registry.New(7, []byte("another key")).NewID()
	cases := []struct {
		name, id string
		kind     sockgate.Kind
	}{
		{"uuid", "5b0b6c9e-2a1f-4b53-9a53-0e4a2c9b8f11", sockgate.Invalid},
		{"cuid", "ckl2x0w0a0000qzrmn831i7rn", sockgate.Invalid},
		{"empty", "", sockgate.Invalid},
		{"right length, no padding", "abcdefghijklmnop", sockgate.Invalid},
		{"standard base64 alphabet", "Jx+TaE0/GjQFvSw=", sockgate.Invalid},
		{"never issued, from API Gateway", "H111mc0HywMCEEf=", sockgate.Gone},
		{"issued by another gateway", foreign, sockgate.Gone},
		{"issued here, not connected", r.NewID(), sockgate.Gone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := r.Find(c.id); err == nil || sockgate.KindOf(err) != c.kind {
				t.Errorf("Find(%q) = %v, want kind %v", c.id, err, c.kind)
			}
		})
	}
	if got, err := r.Find(p.info.ID); err != nil || got != p {
		t.Errorf("Find(live) = %v, %v", got, err)
	}
	r.Remove(p.info.ID)
	if _, err := r.Find(p.info.ID); sockgate.KindOf(err) != sockgate.Gone || err == nil {
		t.Errorf("Find(removed) = %v, want Gone", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	r := registry.New(1, []byte("key"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				p := &peer{sockgate.Connection{ID: r.NewID()}}
				r.Add(p)
				if _, err := r.Find(p.info.ID); err != nil {
					t.Error(err)
				}
				r.Each(func(registry.Peer) {})
				r.Remove(p.info.ID)
			}
		})
	}
	wg.Wait()
	if n := r.Len(); n != 0 {
		t.Errorf("Len() = %d after all were removed", n)
	}
}
