package elbv2

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// attribute is one of a resource's: its default and the values that it takes.
type attribute struct {
	key, preset string
	allows      func(value string) bool
	// built, unless nil, says which values have the effect that they have on AWS; others are refused by name.
	built func(value string) bool
}

func anyText(string) bool   { return true }
func truth(v string) bool   { return v == "true" || v == "false" }
func isFalse(v string) bool { return v == "false" }
func one(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func within(low, high int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && low <= n && n <= high
	}
}

func orOff(f func(string) bool) func(string) bool {
	return func(v string) bool { return v == "off" || f(v) }
}

// The attributes of Network Load Balancers. Most are stored and shown, without effect: there are no zones here.
// Source: API Reference, LoadBalancerAttribute, TargetGroupAttribute and ListenerAttribute.
var (
	balancerAttributes = []attribute{
		{key: "access_logs.s3.bucket", allows: anyText},
		{key: "access_logs.s3.enabled", preset: "false", allows: truth},
		{key: "access_logs.s3.prefix", allows: anyText},
		{key: "deletion_protection.enabled", preset: "false", allows: truth},
		{key: "dns_record.client_routing_policy", preset: "any_availability_zone",
			allows: one("any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity")},
		{key: "ipv6.deny_all_igw_traffic", preset: "false", allows: truth},
		{key: "load_balancing.cross_zone.enabled", preset: "false", allows: truth},
		{key: "zonal_shift.config.enabled", preset: "false", allows: truth},
	}
	groupAttributes = []attribute{
		{key: "deregistration_delay.connection_termination.enabled", preset: "false", allows: truth},
		{key: "deregistration_delay.timeout_seconds", preset: "300", allows: within(0, 3600)},
		{key: "load_balancing.cross_zone.enabled", preset: "use_load_balancer_configuration", allows: one("true", "false", "use_load_balancer_configuration")},
		{key: "preserve_client_ip.enabled", preset: "false", allows: truth},
		{key: "proxy_protocol_v2.enabled", preset: "false", allows: truth, built: isFalse},
		{key: "stickiness.enabled", preset: "false", allows: truth},
		{key: "stickiness.type", preset: "source_ip", allows: one("source_ip")},
		{key: "target_group_health.dns_failover.minimum_healthy_targets.count", preset: "1", allows: orOff(within(1, 1000))},
		{key: "target_group_health.dns_failover.minimum_healthy_targets.percentage", preset: "off", allows: orOff(within(1, 100))},
		{key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", preset: "1", allows: within(1, 1000)},
		{key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", preset: "off", allows: orOff(within(1, 100))},
		{key: "target_health_state.unhealthy.connection_termination.enabled", preset: "true", allows: truth},
		{key: "target_health_state.unhealthy.draining_interval_seconds", preset: "0", allows: within(0, 360000)},
	}
	listenerAttributes = []attribute{
		{key: "tcp.idle_timeout.seconds", preset: "350", allows: within(60, 6000)},
	}
)

// ofOthers begin the attributes that only other types of load balancers have.
var ofOthers = []string{"idle_timeout.", "routing.", "waf.", "connection_logs.", "client_keep_alive.", "health_check_logs.", "slow_start.", "load_balancing.algorithm.", "stickiness.lb_cookie.", "stickiness.app_cookie.", "lambda."}

// change takes the attributes of the call over into those of a resource.
func change(c *call, what string, table []attribute, to *map[string]string) error {
	given, err := c.pairs("Attributes")
	if err != nil {
		return err
	}
	if len(given) == 0 {
		return constraint("", "attributes", "Member must not be null")
	}
	next := maps.Clone(*to)
	if next == nil {
		next = make(map[string]string)
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		value := given[key]
		i := slices.IndexFunc(table, func(a attribute) bool { return a.key == key })
		switch {
		case i < 0 && slices.ContainsFunc(ofOthers, func(p string) bool { return strings.HasPrefix(key, p) }):
			return refuse("InvalidConfigurationRequest", "%s attribute key '%s' is not supported on load balancers with type 'network'", what, short(key))
		case i < 0:
			return invalid("%s attribute key '%s' is not recognized", what, short(key))
		case !table[i].allows(value):
			return invalid("%s attribute value '%s' is not valid for the key '%s'", what, short(value), key)
		case table[i].built != nil && !table[i].built(value):
			return notBuiltWith(c.get("Action"), key+" "+value)
		}
		next[key] = value
	}
	*to = next
	return nil
}

type attributesResult struct {
	Attributes list[tagShape]
}

func showAttributes(table []attribute, set map[string]string) *attributesResult {
	out := &attributesResult{}
	for _, a := range table {
		value, ok := set[a.key]
		if !ok {
			value = a.preset
		}
		out.Attributes.Members = append(out.Attributes.Members, tagShape{a.key, value})
	}
	return out
}

func (s *Service) modifyLoadBalancerAttributes(c *call) (any, error) {
	b, err := s.ownBalancer(c)
	if err != nil {
		return nil, err
	}
	b, err = s.Catalog.ChangeLoadBalancer(c.ctx, b.Name, func(b *sockgate.LoadBalancer) error {
		return change(c, loadBalancer, balancerAttributes, &b.Attributes)
	})
	if err != nil {
		return nil, err
	}
	return showAttributes(balancerAttributes, b.Attributes), nil
}

func (s *Service) describeLoadBalancerAttributes(c *call) (any, error) {
	b, err := s.givenBalancer(c)
	if err != nil {
		return nil, err
	}
	return showAttributes(balancerAttributes, b.Attributes), nil
}

func (s *Service) modifyTargetGroupAttributes(c *call) (any, error) {
	g, err := s.ownGroup(c)
	if err != nil {
		return nil, err
	}
	g, err = s.Catalog.ChangeTargetGroup(c.ctx, g.Name, func(g *sockgate.TargetGroup) error {
		return change(c, targetGroup, groupAttributes, &g.Attributes)
	})
	if err != nil {
		return nil, err
	}
	return showAttributes(groupAttributes, g.Attributes), nil
}

func (s *Service) describeTargetGroupAttributes(c *call) (any, error) {
	g, err := s.givenGroup(c)
	if err != nil {
		return nil, err
	}
	return showAttributes(groupAttributes, g.Attributes), nil
}

func (s *Service) modifyListenerAttributes(c *call) (any, error) {
	_, l, err := s.changeListener(c, func(_ *sockgate.LoadBalancer, l *sockgate.Listener) error {
		return change(c, "Listener", listenerAttributes, &l.Attributes)
	})
	if err != nil {
		return nil, err
	}
	return showAttributes(listenerAttributes, l.Attributes), nil
}

func (s *Service) describeListenerAttributes(c *call) (any, error) {
	arn, err := c.need("ListenerArn")
	if err != nil {
		return nil, err
	}
	_, l, err := s.listener(arn)
	if err != nil {
		return nil, err
	}
	return showAttributes(listenerAttributes, l.Attributes), nil
}
