package elbv2

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
)

// readTargets reads the parameter Targets. A target without a port has the group's, unless port is 0.
func readTargets(c *call, port int) (targets []sockgate.Target, err error) {
	err = c.each("Targets", []string{"Id", "Port", "AvailabilityZone"}, func(prefix string) error {
		t := sockgate.Target{ID: c.get(prefix + "Id"), AvailabilityZone: c.get(prefix + "AvailabilityZone")}
		if t.ID == "" {
			return constraint("", "targets.1.member.id", "Member must not be null")
		}
		n, _, err := c.number(prefix+"Port", 1, 65535)
		t.Port = cmp.Or(n, port)
		targets = append(targets, t)
		return err
	})
	return targets, err
}

// checkTarget refuses what cannot be a target. Unlike on AWS, addresses need not be private ones: there is no VPC that they could be in.
func checkTarget(g *sockgate.TargetGroup, id string) error {
	a, err := netip.ParseAddr(id)
	switch {
	case err != nil && g.TargetType == "ip":
		return invalid("The IP address '%s' is not a valid IPv4 address", short(id))
	case err != nil && !isHost(id):
		return refuse("InvalidTarget", "The target '%s' is neither a host name nor an IP address", short(id))
	case err == nil && (a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.Zone() != ""):
		return refuse("InvalidTarget", "The IP address '%s' cannot be a target", short(id))
	}
	return nil
}

func isHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 253
}

func (s *Service) registerTargets(c *call) (any, error) {
	g, err := s.ownGroup(c)
	if err != nil {
		return nil, err
	}
	targets, err := readTargets(c, g.Port)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, constraint("", "targets", "Member must not be null")
	}
	for _, t := range targets {
		if err := checkTarget(g, t.ID); err != nil {
			return nil, err
		}
	}
	_, err = s.Catalog.ChangeTargetGroup(c.ctx, g.Name, func(g *sockgate.TargetGroup) error {
		s.forget(g)
		for _, t := range targets {
			if i := slices.IndexFunc(g.Targets, func(o sockgate.Target) bool { return o.ID == t.ID && o.Port == t.Port }); i >= 0 {
				g.Targets[i] = t // also one that drains: it is registered anew
				continue
			}
			g.Targets = append(g.Targets, t)
		}
		if len(g.Targets) > maxTargets {
			return refuse("TooManyTargets", "The maximum number of targets has been reached for target group '%s'", g.ARN)
		}
		return nil
	})
	return nil, err
}

// forget drops targets whose time to drain is over.
func (s *Service) forget(g *sockgate.TargetGroup) {
	now := s.Clock()
	g.Targets = slices.DeleteFunc(g.Targets, func(t sockgate.Target) bool { return !t.DrainUntil.IsZero() && !t.DrainUntil.After(now) })
}

// deregisterTargets lets targets drain for the group's delay. Targets of a group that nobody uses are gone at once, and those that
// are not registered are none, as on AWS.
func (s *Service) deregisterTargets(c *call) (any, error) {
	g, err := s.ownGroup(c)
	if err != nil {
		return nil, err
	}
	targets, err := readTargets(c, g.Port)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, constraint("", "targets", "Member must not be null")
	}
	used := len(s.Balancers.Used(g.ARN)) > 0
	_, err = s.Catalog.ChangeTargetGroup(c.ctx, g.Name, func(g *sockgate.TargetGroup) error {
		s.forget(g)
		until := s.Clock().Add(balancer.DeregistrationDelay(g))
		for _, t := range targets {
			i := slices.IndexFunc(g.Targets, func(o sockgate.Target) bool { return o.ID == t.ID && o.Port == t.Port })
			switch {
			case i < 0 || !g.Targets[i].DrainUntil.IsZero():
			case used:
				g.Targets[i].DrainUntil = until
			default:
				g.Targets = slices.Delete(g.Targets, i, i+1)
			}
		}
		return nil
	})
	return nil, err
}

func (s *Service) describeTargetHealth(c *call) (any, error) {
	g, err := s.givenGroup(c)
	if err != nil {
		return nil, err
	}
	targets, err := readTargets(c, 0)
	if err != nil {
		return nil, err
	}
	health, ok := s.Balancers.Health(g.ARN, targets)
	if !ok {
		return nil, noGroup()
	}
	return showHealth(health), nil
}
