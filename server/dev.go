package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/state/catalog"
)

// StartDev is Start for "sockgate dev": what happens goes into recorder, package dev's API is served, which asks for no
// signature, and the tag sockgate:id pins a new API's id. The gateway must listen on loopback addresses only; Invalid otherwise.
// deploy is for dev.Handler; it may be nil.
func StartDev(ctx context.Context, cfg *config.Config, log *slog.Logger, recorder *dev.Recorder, deploy func(context.Context) error) (*Server, error) {
	for _, addr := range []string{cfg.Listen, cfg.Listeners.Edge, cfg.Listeners.Management} {
		if addr != "" && !onLoopback(addr) {
			return nil, sockgate.Invalidf("a gateway for development listens on loopback addresses only, as 127.0.0.1:4566, not on %s", addr)
		}
	}
	return start(ctx, &Server{cfg: cfg, log: log, recorder: recorder, redeploy: deploy})
}

func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// observe is what the pipeline tells of each exchange; nil outside of development.
func (s *Server) observe() func(*sockgate.Event, string) {
	if s.recorder == nil {
		return nil
	}
	return s.recorder.Observe
}

func (s *Server) watchLogs() func(string, []byte) {
	if s.recorder == nil {
		return nil
	}
	return s.recorder.Line
}

// pushed counts a call of @connections.
func (s *Server) pushed(apiID, stage, connectionID, method string, status int) {
	s.metrics.Pushed(apiID, stage, method, status)
	if s.recorder != nil {
		s.recorder.Pushed(apiID, stage, connectionID, method, status)
	}
}

// development is the API of package dev; nil outside of development.
func (s *Server) development(cat *catalog.Catalog) http.Handler {
	if s.recorder == nil {
		return nil
	}
	return &dev.Handler{Recorder: s.recorder, Connections: s.eachConnection, Deploy: s.redeploy, Reset: func(ctx context.Context) error { return s.reset(ctx, cat) }}
}

func (s *Server) eachConnection(fn func(*sockgate.Connection, time.Time)) {
	s.gate.Registry.Each(func(p registry.Peer) { fn(p.Info(), p.LastActive()) })
}
