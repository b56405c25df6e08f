package elbv2

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/service/balancer"
)

const targetGroup = "Target group"

func (s *Service) createTargetGroup(c *call) (any, error) {
	name, err := c.need("Name")
	if err != nil {
		return nil, err
	}
	if err := checkName(targetGroup, name); err != nil {
		return nil, err
	}
	g := &sockgate.TargetGroup{Name: name, VPCID: c.get("VpcId"), HealthCheck: balancer.DefaultCheck(), CreatedAt: s.Clock()}
	if err := readGroup(c, g); err != nil {
		return nil, err
	}
	if err := readCheck(c, g); err != nil {
		return nil, err
	}
	if g.Tags, err = c.pairs("Tags"); err != nil {
		return nil, err
	}
	if err := checkTags(g.Tags); err != nil {
		return nil, err
	}
	all := s.Balancers.TargetGroups()
	if i := slices.IndexFunc(all, func(o *sockgate.TargetGroup) bool { return o.Name == name }); i >= 0 {
		if o := all[i]; changeable(o) == nil && o.Protocol == g.Protocol && o.Port == g.Port && o.TargetType == g.TargetType && o.VPCID == g.VPCID && o.HealthCheck == g.HealthCheck {
			return s.showGroups([]*sockgate.TargetGroup{o}, ""), nil
		}
		return nil, refuse("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", name)
	}
	if len(all) >= maxGroups {
		return nil, refuse("TooManyTargetGroups", "The maximum number of target groups has been reached: %d", maxGroups)
	}
	g.ARN = s.arn("targetgroup/" + name + "/" + newHash())
	if err := s.Catalog.CreateTargetGroup(c.ctx, g); err != nil {
		return nil, err
	}
	return s.showGroups([]*sockgate.TargetGroup{g}, ""), nil
}

// readGroup reads what of a group cannot change later.
func readGroup(c *call, g *sockgate.TargetGroup) (err error) {
	if g.TargetType, err = c.enum("TargetType", "instance", "ip", "lambda", "alb"); err != nil {
		return err
	}
	g.TargetType = cmp.Or(g.TargetType, "instance")
	if g.TargetType == "lambda" || g.TargetType == "alb" {
		return notBuiltWith("CreateTargetGroup", "TargetType "+g.TargetType)
	}
	if g.Protocol, err = c.enum("Protocol", "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"); err != nil {
		return err
	}
	switch g.Protocol {
	case "TCP", "TLS":
	case "":
		return invalid("A protocol must be specified")
	default:
		return notBuiltWith("CreateTargetGroup", "Protocol "+g.Protocol)
	}
	if t, err := c.enum("IpAddressType", "ipv4", "ipv6"); err != nil || t == "ipv6" {
		return cmp.Or(err, notBuiltWith("CreateTargetGroup", "IpAddressType ipv6"))
	}
	there := false
	if g.Port, there, err = c.number("Port", 1, 65535); err == nil && !there {
		err = invalid("A port must be specified")
	}
	return err
}

// readCheck takes the health check's settings from the call; what is absent stays as it is. Bounds: API Reference,
// CreateTargetGroup.
func readCheck(c *call, g *sockgate.TargetGroup) error {
	h := &g.HealthCheck
	if c.get("HealthCheckEnabled") == "false" {
		return invalid("Health check enabled must be true for target groups with target type '%s'", g.TargetType)
	}
	protocol, err := c.enum("HealthCheckProtocol", "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC")
	if err != nil {
		return err
	}
	switch protocol {
	case "", h.Protocol:
	case "TCP":
		h.Protocol, h.Path, h.Matcher = protocol, "", ""
	case "HTTP", "HTTPS":
		if h.Protocol == "TCP" && g.ARN == "" {
			h.Timeout = 6 * 1e9 // the default with HTTP
		}
		h.Protocol, h.Path, h.Matcher = protocol, cmp.Or(h.Path, "/"), cmp.Or(h.Matcher, "200-399")
	default:
		return invalid("Health check protocol '%s' is not supported for target groups with the protocol '%s'", protocol, g.Protocol)
	}
	if err := readCheckPort(c, h); err != nil {
		return err
	}
	healthy, there, err := c.number("HealthyThresholdCount", 2, 10)
	if err != nil {
		return err
	}
	if there {
		h.Healthy = healthy
	}
	if n, there, err := c.number("UnhealthyThresholdCount", 2, 10); err != nil {
		return err
	} else if there {
		h.Unhealthy = n
	}
	_, given, err := c.number("HealthCheckTimeoutSeconds", 2, 120)
	if err != nil {
		return err
	}
	if err := cmp.Or(c.seconds("HealthCheckIntervalSeconds", 5, 300, &h.Interval), c.seconds("HealthCheckTimeoutSeconds", 2, 120, &h.Timeout)); err != nil {
		return err
	}
	if !given && h.Timeout > h.Interval { // a default does not stand in the way of an interval
		h.Timeout = h.Interval
	}
	if h.Timeout > h.Interval {
		return invalid("Health check timeout '%d' must be smaller than or equal to the interval '%d'", int(h.Timeout.Seconds()), int(h.Interval.Seconds()))
	}
	return readCheckHTTP(c, h)
}

func readCheckPort(c *call, h *sockgate.HealthCheck) error {
	switch p := c.get("HealthCheckPort"); p {
	case "":
	case "traffic-port":
		h.Port = 0
	default:
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return invalid("Health check port '%s' must be either 'traffic-port' or an integer between 1 and 65535", short(p))
		}
		h.Port = n
	}
	return nil
}

func readCheckHTTP(c *call, h *sockgate.HealthCheck) error {
	path, matcher := c.get("HealthCheckPath"), c.get("Matcher.HttpCode")
	if h.Protocol == "TCP" {
		switch {
		case path != "":
			return invalid("Health check path cannot be specified for health checks with the protocol 'TCP'")
		case matcher != "":
			return invalid("Health check matcher cannot be specified for health checks with the protocol 'TCP'")
		}
		return nil
	}
	if path != "" {
		if !strings.HasPrefix(path, "/") || len(path) > 1024 || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return invalid("Health check path '%s' must begin with a '/' character, and can only contain printable ASCII characters, without spaces", short(path))
		}
		h.Path = path
	}
	if matcher != "" {
		if !sockgate.ValidMatcher(matcher) {
			return invalid("Health check matcher HTTP code '%s' must be within '200-599' inclusive", short(matcher))
		}
		h.Matcher = matcher
	}
	return nil
}

// group finds the target group with an ARN.
func (s *Service) group(arn string) (*sockgate.TargetGroup, error) {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":targetgroup/") {
		return nil, invalid("'%s' is not a valid target group ARN", short(arn))
	}
	for _, g := range s.Balancers.TargetGroups() {
		if g.ARN == arn {
			return g, nil
		}
	}
	return nil, noGroup()
}

// givenGroup finds the target group that the parameter TargetGroupArn names.
func (s *Service) givenGroup(c *call) (*sockgate.TargetGroup, error) {
	arn, err := c.need("TargetGroupArn")
	if err != nil {
		return nil, err
	}
	return s.group(arn)
}

// ownGroup is givenGroup for one that is to be changed.
func (s *Service) ownGroup(c *call) (*sockgate.TargetGroup, error) {
	g, err := s.givenGroup(c)
	if err == nil {
		err = changeable(g)
	}
	return g, err
}

// changeable refuses groups that are not the API's.
func changeable(g *sockgate.TargetGroup) error {
	switch {
	case g.Declared:
		return declared(targetGroup, g.Name)
	case g.Agents:
		return refuse("OperationNotPermitted", "Target group '%s' shows the agents of a load balancer, which register themselves", g.Name)
	}
	return nil
}

func (s *Service) describeTargetGroups(c *call) (any, error) {
	arns, names, balancer := c.list("TargetGroupArns"), c.list("Names"), c.get("LoadBalancerArn")
	if len(arns) > 0 && len(names) > 0 || balancer != "" && len(arns)+len(names) > 0 {
		return nil, invalid("Target group names, target group ARNs and a load balancer ARN cannot be specified at the same time")
	}
	for _, arn := range arns {
		if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":targetgroup/") {
			return nil, invalid("'%s' is not a valid target group ARN", short(arn))
		}
	}
	all := s.Balancers.TargetGroups()
	if balancer != "" {
		b, err := s.givenBalancer(c)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(g *sockgate.TargetGroup) bool { return !slices.Contains(s.usersOf(g), b.ARN) })
	}
	found, missing := wanted(all, arns, names, func(g *sockgate.TargetGroup) (string, string) { return g.ARN, g.Name })
	if missing != nil {
		return nil, noGroup()
	}
	some, next, err := page(c, found, func(g *sockgate.TargetGroup) string { return g.Name })
	if err != nil {
		return nil, err
	}
	return s.showGroups(some, next), nil
}

func (s *Service) modifyTargetGroup(c *call) (any, error) {
	g, err := s.ownGroup(c)
	if err != nil {
		return nil, err
	}
	g, err = s.Catalog.ChangeTargetGroup(c.ctx, g.Name, func(g *sockgate.TargetGroup) error { return readCheck(c, g) })
	if err != nil {
		return nil, err
	}
	return s.showGroups([]*sockgate.TargetGroup{g}, ""), nil
}

// deleteTargetGroup succeeds also when the group is not there, as on AWS.
func (s *Service) deleteTargetGroup(c *call) (any, error) {
	g, err := s.ownGroup(c)
	if isCode(err, "TargetGroupNotFound") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(s.Balancers.Used(g.ARN)) > 0 {
		return nil, refuse("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", g.ARN)
	}
	return nil, s.Catalog.DeleteTargetGroup(c.ctx, g.Name)
}
