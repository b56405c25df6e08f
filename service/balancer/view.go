package balancer

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/sockgate/sockgate"
)

// view is everything that Pick reads. It is never changed after it was made.
type view struct {
	links map[string]*linkView
}

type linkView struct {
	id       string
	balancer *balancerView
	fault    string // why there is no balancer
}

type balancerView struct {
	name   string
	byPort map[int]*set
	only   *set // serves every port: of a balancer with one listener, or with agents and none
}

// set is what serves a port: a group's targets and the balancer's agents.
type set struct {
	targets []*Target
	group   string
	plain   bool // a TLS listener before a TCP group: targets are not spoken TLS to
}

type targetKey struct {
	group string // ARN
	id    string
	port  int
}

// rebuild brings targets and view in line with the definitions. s.mu is held.
func (s *Service) rebuild() {
	byARN := make(map[string]*sockgate.TargetGroup, len(s.groups))
	for _, g := range s.groups {
		byARN[g.ARN] = g
	}
	used := make(map[string]bool) // groups, by ARN
	for _, b := range s.balancers {
		for i := range b.Listeners {
			used[b.Listeners[i].TargetGroupARN] = true
		}
	}
	active := s.alignTargets(used)
	balancers := make(map[string]*balancerView, len(s.balancers)) // by ARN
	for _, b := range s.balancers {
		balancers[b.ARN] = s.compile(b, byARN, active)
	}
	v := &view{links: make(map[string]*linkView, len(s.links))}
	for id, l := range s.links {
		lv := &linkView{id: id, balancer: balancers[l.LoadBalancerARN]}
		switch {
		case l.Status == "FAILED":
			lv.balancer, lv.fault = nil, "it is FAILED: "+l.StatusMessage
		case lv.balancer == nil:
			lv.fault = "load balancer " + l.LoadBalancerARN + " does not exist"
		}
		v.links[id] = lv
	}
	s.view.Store(v)
}

// alignTargets makes, keeps and drops targets as the groups have them, and returns those that may be picked by the group's ARN.
func (s *Service) alignTargets(used map[string]bool) map[string][]*Target {
	active := make(map[string][]*Target)
	there := make(map[targetKey]bool, len(s.targets))
	now := time.Now()
	for _, g := range s.groups {
		for _, d := range g.Targets {
			key := targetKey{g.ARN, d.ID, d.Port}
			t := s.targets[key]
			draining := !d.DrainUntil.IsZero()
			if draining && (t == nil || !d.DrainUntil.After(now)) {
				if t != nil {
					t.draining.Store(true) // its time is over, and was perhaps no time at all
				}
				continue
			}
			there[key] = true
			if t != nil && t.draining.Load() && !draining { // registered again: it begins anew, and what it has under way ends
				t.retire(now.Add(DeregistrationDelay(g)))
				s.leaving = append(s.leaving, t)
				t = nil
			}
			if t == nil {
				t = s.newTarget(g.Name, d)
				s.targets[key] = t
			}
			t.settings.Store(&g.HealthCheck)
			switch {
			case draining:
				t.retire(d.DrainUntil)
				s.nudge()
			case used[g.ARN]:
				s.check(t)
				active[g.ARN] = append(active[g.ARN], t)
			default:
				t.rest()
			}
		}
	}
	for key, t := range s.targets {
		if !there[key] {
			delete(s.targets, key)
			t.rest()
			if t.draining.Load() {
				t.cut()
			} // else its group, or its registration without a delay, is gone: what is under way ends by itself
		}
	}
	return active
}

// compile makes the view of one balancer.
func (s *Service) compile(b *sockgate.LoadBalancer, groups map[string]*sockgate.TargetGroup, active map[string][]*Target) *balancerView {
	v := &balancerView{name: b.Name, byPort: make(map[int]*set)}
	var agents []*Target
	health := s.agentCheck(b, groups)
	for _, a := range s.agents[b.Name] {
		if a.draining.Load() {
			continue
		}
		a.settings.Store(health)
		s.check(a)
		agents = append(agents, a)
	}
	for i := range b.Listeners {
		l := &b.Listeners[i]
		st := &set{targets: slices.Concat(active[l.TargetGroupARN], agents)}
		if g := groups[l.TargetGroupARN]; g != nil {
			st.group = g.Name
			st.plain = l.Protocol == "TLS" && g.Protocol == "TCP"
		}
		v.byPort[l.Port] = st
		v.only = st
	}
	switch {
	case len(b.Listeners) > 1:
		v.only = nil
	case len(b.Listeners) == 0 && len(agents) > 0:
		v.only = &set{targets: agents, group: agentGroupName(b.Name)}
	}
	return v
}

// Pick chooses the target of a link's load balancer for one call, whose URI has the given port, leaving out those that skip (nil:
// none) is true of. The caller must call the target's Done once. plain says that the target is not to be spoken TLS to, whatever the
// URI's scheme: the listener ends TLS.
//
// The listener is the one on that port, or else the only one. Of its targets, the one with the fewest calls under way among those
// that are best off: healthy ones, else those that were set aside or not checked yet, else all (reference section 12; AWS's Network
// Load Balancers fail open). The error says why there is none, in words for the operator.
func (s *Service) Pick(link string, port int, skip func(*Target) bool) (t *Target, plain bool, err error) {
	l := s.view.Load().links[link]
	switch {
	case l == nil:
		return nil, false, fmt.Errorf("VPC link %s does not exist", link)
	case l.balancer == nil:
		return nil, false, fmt.Errorf("VPC link %s leads nowhere: %s", link, l.fault)
	}
	st := l.balancer.byPort[port]
	if st == nil {
		st = l.balancer.only
	}
	if st == nil {
		return nil, false, fmt.Errorf("VPC link %s: load balancer %s has no listener on port %d", link, l.balancer.name, port)
	}
	if t = st.best(skip); t == nil {
		if skip != nil {
			return nil, false, fmt.Errorf("VPC link %s: no other target of load balancer %s, target group %s", link, l.balancer.name, st.group)
		}
		return nil, false, fmt.Errorf("VPC link %s: load balancer %s, target group %s has no targets", link, l.balancer.name, st.group)
	}
	t.outstanding.Add(1)
	return t, st.plain, nil
}

// Describe names a link's way for the operator: "VPC link abc123, load balancer orders".
func (s *Service) Describe(link string) string {
	if l := s.view.Load().links[link]; l != nil && l.balancer != nil {
		return "VPC link " + link + ", load balancer " + l.balancer.name
	}
	return "VPC link " + link
}

// best looks at every target of small sets, and at two samples of large ones.
func (st *set) best(skip func(*Target) bool) *Target {
	const (
		lookAtAll = 64
		samples   = 32 // neighbours, from a random place on
	)
	n := len(st.targets)
	if n == 0 {
		return nil
	}
	at := rand.IntN(n) // equals take turns
	if n > lookAtAll {
		if t := st.among(at, samples, skip); t != nil && t.rank() == 0 {
			return t
		}
	}
	return st.among(at, n, skip)
}

func (st *set) among(at, n int, skip func(*Target) bool) (best *Target) {
	bestRank, least := 0, int64(0)
	for range n {
		t := st.targets[at]
		if at++; at == len(st.targets) {
			at = 0
		}
		if skip != nil && skip(t) {
			continue
		}
		rank, load := t.rank(), t.outstanding.Load()
		if best == nil || rank < bestRank || rank == bestRank && load < least {
			best, bestRank, least = t, rank, load
		}
	}
	return best
}

// LoadBalancers returns every load balancer, by name. They must not be changed.
func (s *Service) LoadBalancers() []*sockgate.LoadBalancer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.balancers), func(a, b *sockgate.LoadBalancer) int { return cmp.Compare(a.Name, b.Name) })
}

// TargetGroups returns every target group, by name, those of agents included. They must not be changed.
func (s *Service) TargetGroups() []*sockgate.TargetGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Collect(maps.Values(s.groups))
	for _, b := range s.balancers {
		if len(s.agents[b.Name]) > 0 {
			all = append(all, s.agentGroup(b))
		}
	}
	slices.SortFunc(all, func(a, b *sockgate.TargetGroup) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// VPCLinks returns every link, by id. They must not be changed.
func (s *Service) VPCLinks() []*sockgate.VPCLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.links), func(a, b *sockgate.VPCLink) int { return cmp.Compare(a.ID, b.ID) })
}

// VPCLink returns a link, or nil. It must not be changed.
func (s *Service) VPCLink(id string) *sockgate.VPCLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[id]
}

// address is where a target listens.
func address(id string, port int) string { return net.JoinHostPort(id, strconv.Itoa(port)) }
