package balancer

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockgate/sockgate"
)

// DefaultDeregistrationDelay is how long a target may finish what it has under way. Source: Elastic Load Balancing User Guide,
// "Deregistration delay".
const DefaultDeregistrationDelay = 300 * time.Second

// AttachAgent adds a target that is reached through dial to a load balancer of this node. It serves all of the balancer's
// listeners beside their groups' targets, or every port where there is no listener, is health checked through dial, and is shown
// in a target group of its own, "{loadBalancer}-agents". Several agents may have one name.
//
// detach takes it out: no further call is led to it, and what is under way goes on, at most for the deregistration delay of the
// balancer's first target group. It returns at once and may be called twice.
//
// Errors: NotFound when there is no such load balancer.
func (s *Service) AttachAgent(loadBalancer, agent string, dial func(context.Context) (net.Conn, error)) (detach func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.balancers[loadBalancer] == nil {
		return nil, sockgate.NotFoundf("Load balancers '[%s]' not found", loadBalancer)
	}
	t := s.bareTarget(sockgate.Target{ID: agent}, "agent "+agent+" of load balancer "+loadBalancer)
	t.dialer = dial
	s.agents[loadBalancer] = append(s.agents[loadBalancer], t)
	s.rebuild()
	var once sync.Once
	return func() {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.retire(time.Now().Add(s.agentDelay(loadBalancer)))
			s.rebuild()
			s.nudge()
		})
	}, nil
}

// agentDelay is how long a balancer's agents may drain. s.mu is held.
func (s *Service) agentDelay(balancer string) time.Duration {
	if b := s.balancers[balancer]; b != nil && len(b.Listeners) > 0 {
		for _, g := range s.groups {
			if g.ARN == b.Listeners[0].TargetGroupARN {
				return DeregistrationDelay(g)
			}
		}
	}
	return DefaultDeregistrationDelay
}

func agentGroupName(balancer string) string { return balancer + "-agents" }

// agentGroup is the group in which a balancer's agents are shown. s.mu is held.
func (s *Service) agentGroup(b *sockgate.LoadBalancer) *sockgate.TargetGroup {
	byARN := make(map[string]*sockgate.TargetGroup, len(s.groups))
	for _, g := range s.groups {
		byARN[g.ARN] = g
	}
	return &sockgate.TargetGroup{
		ARN: agentGroupARN(b), Name: agentGroupName(b.Name), Protocol: "TCP", Port: 1, TargetType: "ip", HealthCheck: *s.agentCheck(b, byARN),
		CreatedAt: b.CreatedAt, Agents: true,
	}
}

// agentGroupARN is made of the balancer's: "…:targetgroup/{name}-agents/{its hash}".
func agentGroupARN(b *sockgate.LoadBalancer) string {
	head, _, _ := strings.Cut(b.ARN, ":loadbalancer/")
	return head + ":targetgroup/" + agentGroupName(b.Name) + "/" + b.ARN[strings.LastIndexByte(b.ARN, '/')+1:]
}

// agentCheck is how a balancer's agents are checked: as the targets behind its first listener, whose work they do. The port is
// the agent's to know.
func (s *Service) agentCheck(b *sockgate.LoadBalancer, groups map[string]*sockgate.TargetGroup) *sockgate.HealthCheck {
	h := DefaultCheck()
	h.Interval = 10 * time.Second
	for i := range b.Listeners {
		if g := groups[b.Listeners[i].TargetGroupARN]; g != nil {
			h = g.HealthCheck
			break
		}
	}
	h.Port = 0
	return &h
}

// DefaultCheck is the health check of a group that says nothing about it. Source: Elastic Load Balancing API Reference,
// CreateTargetGroup, for Network Load Balancers.
func DefaultCheck() sockgate.HealthCheck {
	return sockgate.HealthCheck{Protocol: "TCP", Interval: 30 * time.Second, Timeout: 10 * time.Second, Healthy: 5, Unhealthy: 2}
}

// forgetAgents drops detached agents that have nothing under way, or whose time is over. s.mu is held.
func (s *Service) forgetAgents(now time.Time) (next time.Duration) {
	next = time.Hour
	for name, list := range s.agents {
		list = slices.DeleteFunc(list, func(t *Target) bool {
			if !t.draining.Load() {
				return false
			}
			if left := t.drainUntil.Sub(now); left > 0 && t.outstanding.Load() > 0 {
				next = min(next, left, time.Second) // it may be done sooner
				return false
			}
			t.cut()
			return true
		})
		if len(list) == 0 {
			delete(s.agents, name)
			continue
		}
		s.agents[name] = list
	}
	return next
}
