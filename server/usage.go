package server

import (
	"context"
	"fmt"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/apigateway"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/gateway/usage"
	"github.com/sockgate/sockgate/state/catalog"
)

// limits is what holds clients back: keys and plans, and the account's buckets.
type limits struct {
	usage    *usage.Directory
	account  *throttle.Bucket // nil: no limit
	connects *throttle.Bucket // nil: no limit
}

// openUsage makes the view of keys and plans, and lets the catalog tell it of changes.
func (s *Server) openUsage(cat *catalog.Catalog) {
	s.limits.usage = usage.New(usage.Config{Store: s.store, Clock: time.Now, Revoked: s.revoked, Log: s.log})
	cat.OnUsage(s.limits.usage.Told)
	now := time.Now()
	if l := s.cfg.Limits; l.RequestRate > 0 {
		s.limits.account = throttle.New(s.accountLimit(), now)
	}
	if n := s.cfg.Limits.ConnectRate; n > 0 {
		s.limits.connects = throttle.New(sockgate.Throttle{Burst: n, Rate: float64(n)}, now)
	}
}

// accountLimit is what the account has. Where there is no limit it is AWS's, for those who ask.
func (s *Server) accountLimit() sockgate.Throttle {
	l := s.cfg.Limits
	if l.RequestRate == 0 {
		return sockgate.Throttle{Burst: 5000, Rate: 10000} // reference websocket-api section 11
	}
	return sockgate.Throttle{Burst: l.RequestBurst, Rate: float64(l.RequestRate)}
}

// pipelineLimits is the data path's share.
func (s *Server) pipelineLimits() pipeline.Limits {
	return pipeline.Limits{Keys: s.limits.usage, Account: s.limits.account, Connects: s.limits.connects,
		KeyQuery: s.cfg.Access.KeyQueryParameter, KeyProtocol: s.cfg.Access.KeySubprotocol}
}

// runUsage follows keys and plans, counts, and writes what was counted.
func (s *Server) runUsage(ctx context.Context, cat *catalog.Catalog) {
	u := s.limits.usage
	s.goRun("API keys", func() error {
		if err := cat.WatchUsage(ctx, u); ctx.Err() == nil {
			return err
		}
		return nil
	})
	s.goRun("usage counts", func() error { return u.Run(ctx) })
	s.goRun("other nodes' usage counts", func() error { return u.Follow(ctx) })
}

// awaitUsage waits until every stored key and plan is known.
func (s *Server) awaitUsage(ctx context.Context) error {
	select {
	case <-s.limits.usage.Ready():
		return nil
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("start: %w", ctx.Err())
	}
}

// measureLimits counts what was refused, by reason.
func (s *Server) measureLimits() {
	s.metrics.CountBy("limited_total", "Handshakes and messages that an API key, a throttle or a quota kept out.", "reason", pipeline.Reasons(),
		func(reason int) float64 { return float64(s.gate.Pipeline.LimitedBy(reason)) })
	s.metrics.GaugeFunc("usage_buckets", "Token buckets of API keys that are in memory.", func() float64 {
		buckets, _ := s.limits.usage.Kept()
		return float64(buckets)
	})
}

// revoked closes the connections of a key that was deleted or disabled, where the operator wants that; on AWS they stay open.
func (s *Server) revoked(keyID string) {
	if s.cfg.Access.CloseRevoked && s.gate != nil { // at the start nobody is connected
		s.gate.CloseKey(keyID)
	}
}

// isRevoked is revoked for a handshake that ends just then.
func (s *Server) isRevoked(keyID string) bool {
	return s.cfg.Access.CloseRevoked && !s.limits.usage.Enabled(keyID)
}

// admitPush takes a token of the account for an @connections call.
func (s *Server) admitPush() bool { return s.limits.account.Take(time.Now()) }

// The control plane asks what was counted.
var _ apigateway.Meter = (*usage.Directory)(nil)
