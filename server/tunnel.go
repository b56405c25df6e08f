package server

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/control/linktoken"
	"github.com/sockgate/sockgate/control/stacks"
	"github.com/sockgate/sockgate/service/tunnel"
)

// openTunnel makes ready to take agents. Each becomes a target of a load balancer.
func (s *Server) openTunnel() {
	s.linkTokens = tunnel.NewTokens(s.store, s.log)
	l := s.cfg.Links
	s.tunnel = tunnel.NewGateway(tunnel.Config{
		Limits: tunnel.Limits{MaxAgents: l.MaxAgents, MaxStreams: l.MaxStreams, Bandwidth: int64(l.Bandwidth), KeepAlive: l.KeepAlive},
		Tokens: s.linkTokens, Balancers: s.balancer, Clock: time.Now, Log: s.log,
	})
}

// runTunnel follows the tokens that other nodes make and revoke.
func (s *Server) runTunnel(ctx context.Context) {
	s.metrics.GaugeFunc("agents_connected", "Connections of tunnel agents to this node.", func() float64 { return float64(s.tunnel.Agents()) })
	s.goRun("link tokens", func() error { return s.linkTokens.Run(ctx) })
}

// closeTunnel ends the agents' connections, once nothing is called through them any more.
func (s *Server) closeTunnel() {
	if s.tunnel != nil {
		s.tunnel.Close()
	}
}

// ownAPIs are those that AWS does not have: one signing name, told apart by their paths.
type ownAPIs struct {
	*stacks.Service
	tokens *linktoken.Service
}

var (
	_ awswire.Service = ownAPIs{}
	_ awswire.Guarded = ownAPIs{}
	_ awswire.Bounded = ownAPIs{}
)

func (s *Server) ownAPIs() ownAPIs {
	return ownAPIs{s.stacksAPI(), linktoken.New(linktoken.Config{
		Tokens: s.linkTokens, HasBalancer: s.hasBalancer, Account: s.cfg.Account, Region: s.cfg.Region, Clock: time.Now,
	})}
}

// Permission is the permission that the called API asks for.
func (a ownAPIs) Permission(r *awswire.Request) (string, []string) {
	if linktoken.Serves(r.Path) {
		return a.tokens.Permission(r)
	}
	return a.Service.Permission(r)
}

// Serve carries out one call.
func (a ownAPIs) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	if linktoken.Serves(r.Path) {
		return a.tokens.Serve(ctx, r)
	}
	return a.Service.Serve(ctx, r)
}

func (s *Server) hasBalancer(name string) bool {
	return slices.ContainsFunc(s.balancer.LoadBalancers(), func(b *sockgate.LoadBalancer) bool { return b.Name == name })
}

// takesAgents puts the agents' way in before a port's handler. Agents may come to the clients' port as well as to the managers':
// the former is the one that is open to other networks.
func (s *Server) takesAgents(other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tunnel.Path {
			s.tunnel.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}
