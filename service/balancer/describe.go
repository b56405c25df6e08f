package balancer

import (
	"cmp"
	"slices"
	"time"

	"github.com/sockgate/sockgate"
)

// Health returns what is known of a group's targets: of all of them, ordered, or of the wanted ones. ok is false when there is no
// such group. A wanted target without a port has the group's.
func (s *Service) Health(groupARN string, wanted []sockgate.Target) (list []sockgate.TargetHealth, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, port, ok := s.healthOf(groupARN)
	if !ok || len(wanted) == 0 {
		return all, ok
	}
	for _, w := range wanted {
		w.Port = cmp.Or(w.Port, port)
		i := slices.IndexFunc(all, func(h sockgate.TargetHealth) bool { return h.Target.ID == w.ID && h.Target.Port == w.Port })
		if i >= 0 {
			list = append(list, all[i])
			continue
		}
		list = append(list, sockgate.TargetHealth{Target: w, CheckPort: w.Port, State: "unused", Reason: "Target.NotRegistered",
			Description: "Target is not registered to the target group"})
	}
	return list, true
}

func (s *Service) healthOf(groupARN string) (all []sockgate.TargetHealth, port int, ok bool) {
	for _, g := range s.groups {
		if g.ARN != groupARN {
			continue
		}
		now := time.Now()
		for _, d := range g.Targets {
			if !d.DrainUntil.IsZero() && !d.DrainUntil.After(now) {
				continue
			}
			h := sockgate.TargetHealth{Target: d, CheckPort: cmp.Or(g.HealthCheck.Port, d.Port)}
			s.describe(&h, s.targets[targetKey{g.ARN, d.ID, d.Port}])
			all = append(all, h)
		}
		slices.SortFunc(all, func(a, b sockgate.TargetHealth) int {
			return cmp.Or(cmp.Compare(a.Target.ID, b.Target.ID), cmp.Compare(a.Target.Port, b.Target.Port))
		})
		return all, g.Port, true
	}
	for _, b := range s.balancers {
		if len(s.agents[b.Name]) == 0 || agentGroupARN(b) != groupARN {
			continue
		}
		for _, t := range s.agents[b.Name] {
			h := sockgate.TargetHealth{Target: t.def}
			s.describe(&h, t)
			all = append(all, h)
		}
		return all, 0, true
	}
	return nil, 0, false
}

// describe fills in state, reason and description. t is nil for what this node has no connection to.
func (s *Service) describe(h *sockgate.TargetHealth, t *Target) {
	if !h.Target.DrainUntil.IsZero() || t != nil && t.draining.Load() {
		h.State, h.Reason, h.Description = "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
		return
	}
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	switch {
	case t == nil || t.stop == nil:
		h.State, h.Reason, h.Description = "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
	case t.condition.Load() == healthy:
		h.State = "healthy"
	case t.condition.Load() == unhealthy:
		h.State, h.Reason, h.Description = "unhealthy", failedChecks, "Health checks failed"
		if t.problem != nil {
			h.Reason, h.Description = t.problem.reason, t.problem.description
		}
	case t.checked:
		h.State, h.Reason, h.Description = "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
	default:
		h.State, h.Reason, h.Description = "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
	}
}

// Used reports whether a listener leads to a group.
func (s *Service) Used(groupARN string) (balancers []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.balancers {
		if slices.ContainsFunc(b.Listeners, func(l sockgate.Listener) bool { return l.TargetGroupARN == groupARN }) {
			balancers = append(balancers, b.ARN)
		}
	}
	slices.Sort(balancers)
	return balancers
}
