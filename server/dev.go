package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/dev"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/service/table"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
)

// StartDev is Start for "sockgate dev": what happens goes into recorder, package dev's API is served, which asks for no
// signature, and the tag sockgate:id pins a new API's id. The gateway must listen on loopback addresses only; Invalid otherwise.
func StartDev(ctx context.Context, cfg *config.Config, log *slog.Logger, recorder *dev.Recorder) (*Server, error) {
	for _, addr := range []string{cfg.Listen, cfg.Listeners.Edge, cfg.Listeners.Management} {
		if addr != "" && !onLoopback(addr) {
			return nil, sockgate.Invalidf("a gateway for development listens on loopback addresses only, as 127.0.0.1:4566, not on %s", addr)
		}
	}
	return start(ctx, &Server{cfg: cfg, log: log, recorder: recorder})
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
	return &dev.Handler{Recorder: s.recorder, Registry: s.gate.Registry, Reset: func(ctx context.Context) error { return s.reset(ctx, cat) }}
}

// reset closes every connection, delivers its $disconnect, and removes every resource. What is served from memory is gone when it
// returns. Resources that are made meanwhile may go or stay.
func (s *Server) reset(ctx context.Context, cat *catalog.Catalog) error {
	s.gate.Registry.Each(func(p registry.Peer) { p.Close(sockgate.CloseGoingAway, socket.GoingAway) })
	if err := until(ctx, func() bool { return s.gate.Open() == 0 }); err != nil {
		return fmt.Errorf("%d connections do not end: %w", s.gate.Open(), err)
	}
	return errors.Join(resetAPIs(ctx, cat), resetUsage(ctx, cat), s.resetFunctions(ctx), s.resetTables(ctx), s.resetStore(ctx))
}

func resetAPIs(ctx context.Context, cat *catalog.Catalog) error {
	apis, err := cat.APIs(ctx)
	for _, api := range apis {
		err = errors.Join(err, gone(cat.DeleteAPI(ctx, api.API.ID)))
	}
	return err
}

func resetUsage(ctx context.Context, cat *catalog.Catalog) error {
	var errs []error
	for plan, err := range cat.UsagePlans(ctx, "") {
		if err != nil {
			return err
		}
		errs = append(errs, gone(cat.DeleteUsagePlan(ctx, plan.ID)))
	}
	for key, err := range cat.APIKeys(ctx, "") {
		if err != nil {
			return err
		}
		errs = append(errs, gone(cat.DeleteAPIKey(ctx, key.ID)))
	}
	return errors.Join(errs...)
}

func (s *Server) resetFunctions(ctx context.Context) error {
	var errs []error
	for _, f := range s.functions.List() {
		errs = append(errs, gone(s.functions.Delete(ctx, f.Name)))
	}
	return errors.Join(errs...)
}

// resetTables waits for tables that are being made, and until all are gone.
func (s *Server) resetTables(ctx context.Context) (err error) {
	waited := until(ctx, func() bool {
		err = nil
		for _, name := range s.tables.Names() {
			_, refused := s.tables.Change(name, func(d *table.Definition) error { d.Protected = false; return nil })
			if refused == nil {
				_, refused = s.tables.Delete(name)
			}
			err = errors.Join(err, gone(refused))
		}
		return len(s.tables.Names()) == 0
	})
	return errors.Join(err, waited)
}

// resetStore removes what else is stored. Those who keep a view of it follow the store.
func (s *Server) resetStore(ctx context.Context) error {
	left, err := s.store.List(ctx, "")
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range left {
		if err := s.store.Delete(ctx, e.Key, e.Revision); err != nil && !errors.Is(err, store.ErrConflict) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, until(ctx, func() bool {
		for _, p := range s.identity.Policies() {
			if !p.AWS {
				return false
			}
		}
		return len(s.identity.Users()) == 0 && len(s.identity.Roles()) == 0 && len(s.functions.Layers()) == 0
	}))
	return errors.Join(errs...)
}

// gone takes it well that somebody else removed it first.
func gone(err error) error {
	if sockgate.KindOf(err) == sockgate.NotFound {
		return nil
	}
	return err
}

// until waits until done says so.
func until(ctx context.Context, done func() bool) error {
	for wait := time.Millisecond; !done(); wait = min(2*wait, 20*time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return nil
}
