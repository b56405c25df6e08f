package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sockgate/sockgate/edge"
	"github.com/sockgate/sockgate/edge/callback"
	"github.com/sockgate/sockgate/edge/listen"
	"github.com/sockgate/sockgate/edge/socket"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/pipeline"
	"github.com/sockgate/sockgate/gateway/registry"
)

// port is an open listener and what is served on it.
type port struct {
	net.Listener
	edge, management bool
}

// ports are the open listeners, before and after they are served.
type ports []*port

func (ps ports) close() error {
	var errs []error
	for _, p := range ps {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// openPorts opens cfg.Listen for all that has no address of its own, and the addresses that listeners gives to parts.
func (s *Server) openPorts(ctx context.Context) (ports, error) {
	var open ports
	byAddr := map[string]*port{}
	at := func(addr string) (*port, error) {
		if addr == "" {
			addr = s.cfg.Listen
		}
		if p := byAddr[addr]; p != nil {
			return p, nil
		}
		l, err := listen.Open(ctx, addr)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen on %s: %w (choose another address with --listen)", addr, err), open.close())
		}
		byAddr[addr] = &port{Listener: l}
		open = append(open, byAddr[addr])
		return byAddr[addr], nil
	}
	clients, err := at(s.cfg.Listeners.Edge)
	if err != nil {
		return nil, err
	}
	managers, err := at(s.cfg.Listeners.Management)
	if err != nil {
		return nil, err
	}
	clients.edge, managers.management = true, true
	s.edgeAddr, s.managementAddr = clients.Addr(), managers.Addr()
	return open, nil
}

// serve begins to take requests on the open ports.
func (s *Server) serve(open ports, management http.Handler) {
	tlsConfig := s.guardDomains(s.tlsConfig())
	for _, p := range open {
		c := listen.Config{
			Listener:    p.Listener,
			TLS:         tlsConfig,
			HTTP:        s.takesAgents(http.HandlerFunc(s.edgeOnly)),
			HeadTimeout: s.cfg.Limits.HandshakeTimeout,
			HeadLimit:   int(s.cfg.Limits.HeaderSize),
			Proxies:     s.proxies(),
			ProxyHeader: s.cfg.Listeners.ProxyProtocol,
			Log:         s.log,
		}
		if p.edge {
			c.Edge = s.gate
		}
		if p.management {
			c.HTTP = s.takesAgents(management)
		}
		if p.edge && s.cfg.TLS.ACMEDirectory != "" {
			s.answerChallenges(&c)
		}
		l := listen.New(c)
		s.ports = append(s.ports, l)
		s.goRun("port "+p.Addr().String(), func() error { return l.Run(context.Background()) }) // ends with StopAccepting
	}
}

// edgeOnly answers what is not for the data path on a port that serves nothing else.
func (s *Server) edgeOnly(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == HealthPath {
		s.health(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-ErrorType", "ForbiddenException")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"message":"Forbidden"}`)) // the caller is gone if this fails
}

// newGate builds the data path's share of the ports.
func (s *Server) newGate(table *deploy.Table, reg *registry.Registry) *edge.Gate {
	c := edge.Config{
		Pipeline: pipeline.New(pipeline.Config{Table: table, Limits: s.pipelineLimits(), HTTP: s.http, Functions: s.functions, Authorizers: s.authorizers(), Signed: s.verifyHandshake, Permit: s.permitConnect,
			Observe: s.observe(), MaxReply: int(s.cfg.Limits.MessageSize), Clock: time.Now, Log: s.log}),
		Registry: reg,
		Names:    s.domains,
		Revoked:  s.isRevoked,
		Callback: callback.New(callback.Config{
			Verifier:   s.verifier,
			Permit:     s.permitPush,
			Prefix:     s.executeARN(),
			Registry:   reg,
			Deployed:   table.Serves,
			Live:       table.Live,
			Admit:      s.admitPush,
			Pushed:     s.pushed,
			MaxPayload: int(s.cfg.Limits.MessageSize),
			Log:        s.log,
		}),
		Limits:         s.socketLimits(),
		MaxConnections: s.cfg.Limits.Connections,
		Refused:        s.metrics.Refused,
		Clock:          time.Now,
		Log:            s.log,
	}
	if s.journal != nil {
		c.Journal = s.journal
	}
	return edge.New(c)
}

// keepWorkers is how many idle goroutines wait for messages: enough that a usual load starts none, few enough to be cheap.
const keepWorkers = 256

// replyBacklog is how many bytes of replies may wait for clients whose queues are full: enough for some hundred honest ones
// that are slow for a moment.
const replyBacklog = 32 << 20

func (s *Server) socketLimits() socket.Limits {
	l := s.cfg.Limits
	c := socket.DefaultLimits()
	c.FrameSize, c.MessageSize = int(l.FrameSize), int(l.MessageSize)
	c.Idle, c.Duration = l.IdleTimeout, l.ConnectionDuration
	c.InFlight, c.SendQueue, c.SendStall = l.InFlightPerConnection, int(l.SendQueue), l.SendStall
	c.CloseWait = min(c.CloseWait, s.cfg.Grace/2) // at a shutdown, time must be left for $disconnect
	c.SlowPeer = s.metrics.SlowPeer
	c.Backlog = socket.NewBacklog(replyBacklog)
	s.workers = socket.NewWorkers(keepWorkers)
	c.Workers = s.workers
	s.lot = socket.NewLot(socket.ParkAfter)
	c.Lot = s.lot
	return c
}
