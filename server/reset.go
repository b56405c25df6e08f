package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/service/table"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store"
)

// reset closes every connection, delivers its $disconnect, and removes every resource. What is served from memory is gone when it
// returns. Resources that are made meanwhile may go or stay.
func (s *Server) reset(ctx context.Context, cat *catalog.Catalog) error {
	s.gate.Registry.Each(func(p registry.Peer) { p.Close(sockgate.CloseGoingAway, socket.GoingAway) })
	if err := until(ctx, func() bool { return s.gate.Open() == 0 }); err != nil {
		return fmt.Errorf("%d connections do not end: %w", s.gate.Open(), err)
	}
	// What others refer to comes after them: it refuses to go before.
	return errors.Join(resetDomains(ctx, cat), resetAPIs(ctx, cat), resetUsage(ctx, cat), s.resetLinks(ctx, cat), s.resetCertificates(ctx), s.resetFunctions(ctx),
		s.resetTables(ctx), s.resetStore(ctx))
}

func resetDomains(ctx context.Context, cat *catalog.Catalog) error {
	names, err := cat.DomainNames(ctx)
	for _, d := range names {
		err = errors.Join(err, gone(cat.DeleteDomainName(ctx, d.Name)))
	}
	return err
}

// resetLinks leaves what the configuration file declares.
func (s *Server) resetLinks(ctx context.Context, cat *catalog.Catalog) error {
	var errs []error
	for _, l := range s.balancer.VPCLinks() {
		if !l.Declared {
			errs = append(errs, gone(cat.DeleteVPCLink(ctx, l.ID)))
		}
	}
	for _, b := range s.balancer.LoadBalancers() {
		if !b.Declared {
			errs = append(errs, gone(cat.DeleteLoadBalancer(ctx, b.Name)))
		}
	}
	for _, g := range s.balancer.TargetGroups() {
		if !g.Declared {
			errs = append(errs, gone(cat.DeleteTargetGroup(ctx, g.Name)))
		}
	}
	for _, t := range s.linkTokens.List() {
		errs = append(errs, gone(s.linkTokens.Revoke(ctx, t.ID)))
	}
	return errors.Join(errs...)
}

func (s *Server) resetCertificates(ctx context.Context) error {
	records, err := s.certificates.List(ctx)
	for _, r := range records {
		err = errors.Join(err, gone(s.certificates.Delete(ctx, s.certificates.ARN(r.ID))))
	}
	return err
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
		return len(s.identity.Users()) == 0 && len(s.identity.Roles()) == 0 && len(s.functions.Layers()) == 0 && len(s.functions.List()) == 0 &&
			!slices.ContainsFunc(s.balancer.VPCLinks(), func(l *sockgate.VPCLink) bool { return !l.Declared }) &&
			!slices.ContainsFunc(s.balancer.LoadBalancers(), func(b *sockgate.LoadBalancer) bool { return !b.Declared }) &&
			!slices.ContainsFunc(s.balancer.TargetGroups(), func(g *sockgate.TargetGroup) bool { return !g.Declared })
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
