package tunnel_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/tunnel"
	"github.com/sockgate/sockgate/state/store/memory"
)

func TestTokens(t *testing.T) {
	ctx, s := t.Context(), memory.New()
	t.Cleanup(func() { s.Close() })
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	tokens := tunnel.NewTokens(s, slog.New(slog.DiscardHandler))
	first, text, err := tokens.Create(ctx, tunnel.Token{LoadBalancer: "lb", Description: "d", CreatedBy: "arn:who"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "sglink_"+first.ID+"_") || len(text) != 61 {
		t.Errorf("the token is %q", text)
	}
	second, other, err := tokens.Create(ctx, tunnel.Token{LoadBalancer: "lb"}, now.Add(time.Second))
	if err != nil || other == text || second.ID == first.ID {
		t.Fatalf("a second token: %v", err)
	}
	entries, err := s.List(ctx, "linktoken.")
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d documents, %v", len(entries), err)
	}
	for _, e := range entries {
		for _, secret := range []string{text, other} {
			if bytes.Contains(e.Value, []byte(secret[len("sglink_")+11:])) {
				t.Error("the store holds a token's secret")
			}
		}
	}
	again := tunnel.NewTokens(s, slog.New(slog.DiscardHandler)) // as after a restart
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*tunnel.Tokens{"same": tokens, "restarted": again} {
		list := set.List()
		if len(list) != 2 || list[0].ID != first.ID || list[1].ID != second.ID || list[0].Description != "d" || list[0].CreatedBy != "arn:who" || !list[0].CreatedAt.Equal(now.Truncate(time.Second)) {
			t.Errorf("%s: list %+v", name, list)
		}
	}
	if err := tokens.Revoke(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first.ID, "", "x", "a.b", strings.Repeat("a", 10), "../../../.."} {
		if err := tokens.Revoke(ctx, id); sockgate.KindOf(err) != sockgate.NotFound || err == nil {
			t.Errorf("revoking %q: %v", id, err)
		}
	}
	if _, ok := tokens.Get(first.ID); ok || len(tokens.List()) != 1 {
		t.Error("a revoked token is still there")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens.Create(ctx, tunnel.Token{LoadBalancer: "lb"}, now); sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("a token that could not be stored: %v", err)
	}
	if err := tokens.Revoke(ctx, second.ID); sockgate.KindOf(err) != sockgate.Unavailable {
		t.Errorf("a token that could not be removed: %v", err)
	}
}

// TestRevokedElsewhere: what one node does to the tokens, another follows.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	elsewhere := tunnel.NewTokens(w.store, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.tokens.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	token, text, err := elsewhere.Create(t.Context(), tunnel.Token{LoadBalancer: "lb"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	stop := w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Token = text })
	exchange(t, dial(t, w.one(t)), "hello")
	if err := elsewhere.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	w.await(t, 0)
	w.log.await(t, "its token was revoked")
	_ = stop()
	if _, ok := w.tokens.Get(token.ID); ok {
		t.Error("the token is still there")
	}
	if log := w.log.String(); strings.Contains(log, text[18:]) {
		t.Error("the log holds the token")
	}
}

// TestExpiry: a token ends to be good at its time, by the gateway's clock, and so do the agents that came with it.
func TestExpiry(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var now atomic.Int64
	w := newWorld(t, func(c *tunnel.Config) {
		c.Clock = func() time.Time { return start.Add(time.Duration(now.Load())) }
		c.KeepAlive = 50 * time.Millisecond
	})
	end := start.Add(time.Hour)
	_, text, err := w.tokens.Create(t.Context(), tunnel.Token{LoadBalancer: "lb", ExpiresAt: &end}, start)
	if err != nil {
		t.Fatal(err)
	}
	now.Store(int64(time.Hour - 1))
	w.agent(t, backend(t, echo), func(c *tunnel.AgentConfig) { c.Token = text })
	exchange(t, dial(t, w.one(t)), "hello")
	now.Store(int64(time.Hour))
	w.await(t, 0)
	w.log.await(t, "its token has expired")
	w.log.await(t, "token is unknown, revoked or expired") // as the agent reads it when it comes back
}
