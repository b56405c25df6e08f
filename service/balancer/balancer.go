// Package balancer is the way into private networks: it knows VPC links, load balancers and target groups, checks the health of
// targets, and picks one for each call of a private integration. It opens the connections and speaks nothing on them but
// health checks; what is sent is its caller's business. What may be created and changed is control/elbv2's and
// control/apigateway's.
//
//	VPC link ──▶ load balancer ── listener, by port ──▶ target group ──▶ target
//	                    └─────────────── agents attached to this node ──▶ target
//
// Definitions come from the configuration file and from the store, followed by watching. They are compiled into a view behind one
// atomic pointer; Pick reads that, and counters of the targets, and takes no lock.
//
// The life of a target:
//
//	initial ──first check passes──▶ healthy ◀──Healthy checks pass── unhealthy
//	   └──────────Unhealthy checks fail──────────────────────────────────▲
//	healthy ──Unhealthy checks fail──▶ unhealthy
//	any ──deregistered──▶ draining ──the group's delay──▶ gone, its connections cut
//
// Beside that, a target to which no connection could be made is set aside at once (ejected), and is back with the first check that
// passes. Where no target is healthy and not ejected, all are tried, as Network Load Balancers do (fail open).
package balancer

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/state/catalog"
)

// Config is what the service needs.
type Config struct {
	// Dial connects to a target at "host:port". It refuses addresses that no backend may have.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Declared is what the configuration file has. Stored definitions of the same name or id are left aside.
	Declared Declared
	Account  string // 12 digits
	Region   string
	Log      *slog.Logger
}

// Declared are definitions of the configuration file.
type Declared struct {
	Links     []sockgate.VPCLink
	Balancers []sockgate.LoadBalancer
	Groups    []sockgate.TargetGroup
}

// Service holds definitions and targets. Its methods may be called by many goroutines.
type Service struct {
	cfg   Config
	view  atomic.Pointer[view]
	ready chan struct{}
	slots chan struct{} // one for each check under way

	mu        sync.Mutex
	known     map[string]version // what was heard of each document
	links     map[string]*sockgate.VPCLink
	balancers map[string]*sockgate.LoadBalancer // by name
	groups    map[string]*sockgate.TargetGroup  // by name
	targets   map[targetKey]*Target
	leaving   []*Target            // deregistered and registered anew meanwhile
	agents    map[string][]*Target // by the load balancer's name
	running   context.Context      // of Run; nil before and after
	checks    sync.WaitGroup       // the checks' goroutines, which Run waits for
	serial    uint64               // of targets
	expiry    chan struct{}        // holds one: the next end of a draining may have changed
}

// version is what was last heard of a document.
type version struct {
	revision uint64
	gone     bool
}

// checksAtOnce bounds the health checks that are under way at the same time.
const checksAtOnce = 256

var _ catalog.BalancingWatcher = (*Service)(nil)

// New returns the service with what the configuration declares. It starts nothing.
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg, ready: make(chan struct{}), slots: make(chan struct{}, checksAtOnce), expiry: make(chan struct{}, 1),
		known: make(map[string]version), links: make(map[string]*sockgate.VPCLink), balancers: make(map[string]*sockgate.LoadBalancer),
		groups: make(map[string]*sockgate.TargetGroup), targets: make(map[targetKey]*Target), agents: make(map[string][]*Target),
	}
	for _, l := range cfg.Declared.Links {
		s.links[l.ID] = &l
	}
	for _, b := range cfg.Declared.Balancers {
		s.balancers[b.Name] = &b
	}
	for _, g := range cfg.Declared.Groups {
		s.groups[g.Name] = &g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebuild()
	return s
}

// Run checks the health of targets and ends drainings, until ctx ends. It returns when every check has ended.
func (s *Service) Run(ctx context.Context) error {
	s.mu.Lock()
	s.running = ctx
	s.rebuild()
	s.mu.Unlock()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.expire(time.Now()))
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.running = nil
			s.mu.Unlock()
			s.checks.Wait()
			return nil
		case <-timer.C:
		case <-s.expiry:
		}
	}
}

// Ready is closed when everything that was stored before the watch began is known.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Told applies a change that was made in this process.
func (s *Service) Told(_ context.Context, ch catalog.BalancingChange) { s.apply(ch, false) }

// Changed applies a change that the watch tells.
func (s *Service) Changed(ch catalog.BalancingChange) error {
	s.apply(ch, true)
	return nil
}

// Settled marks the end of what was stored.
func (s *Service) Settled() error {
	close(s.ready)
	return nil
}

// Broken tells of a document that cannot be read.
func (s *Service) Broken(key string, err error) error {
	s.cfg.Log.Error("stored document cannot be read; what it defined stays as it was", "key", key, "error", err)
	return nil
}

func (s *Service) apply(ch catalog.BalancingChange, watched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := ch.Link == nil && ch.Balancer == nil && ch.Group == nil
	if !s.isNews("l"+ch.LinkID+"/b"+ch.BalancerName+"/g"+ch.GroupName, gone, ch.Revision, watched) {
		return
	}
	switch {
	case s.declared(ch):
		if !gone {
			s.cfg.Log.Warn("the configuration file declares what is also stored; the stored one is left aside", "vpcLink", ch.LinkID,
				"loadBalancer", ch.BalancerName, "targetGroup", ch.GroupName)
		}
		return
	case ch.LinkID != "":
		put(s.links, ch.LinkID, ch.Link)
	case ch.BalancerName != "":
		put(s.balancers, ch.BalancerName, ch.Balancer)
	default:
		put(s.groups, ch.GroupName, ch.Group)
	}
	s.rebuild()
}

func put[T any](m map[string]*T, name string, v *T) {
	if v == nil {
		delete(m, name)
		return
	}
	m[name] = v
}

func (s *Service) declared(ch catalog.BalancingChange) bool {
	switch {
	case ch.LinkID != "":
		l := s.links[ch.LinkID]
		return l != nil && l.Declared
	case ch.BalancerName != "":
		b := s.balancers[ch.BalancerName]
		return b != nil && b.Declared
	}
	g := s.groups[ch.GroupName]
	return g != nil && g.Declared
}

// isNews reports whether a change is newer than what is known. What is gone is remembered until the watch says so too: it may have
// older news on their way. s.mu is held.
func (s *Service) isNews(id string, gone bool, revision uint64, watched bool) bool {
	was, seen := s.known[id]
	switch {
	case !gone:
		if revision <= was.revision {
			return false
		}
		s.known[id] = version{revision: revision}
		return true
	case revision < was.revision:
		return false
	case watched:
		delete(s.known, id)
	default:
		s.known[id] = version{revision, true}
	}
	return seen && !was.gone
}
