package elbv2

import (
	"slices"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// Quotas. Source: Elastic Load Balancing User Guide, "Quotas for your Network Load Balancers".
const (
	maxBalancers = 50
	maxListeners = 50
	maxGroups    = 3000
	maxTargets   = 500
)

// provisioning is how long a new load balancer is shown as such. On AWS it is some minutes. It balances at once.
const provisioning = 500 * time.Millisecond

const loadBalancer = "Load balancer"

func (s *Service) createLoadBalancer(c *call) (any, error) {
	name, err := c.need("Name")
	if err != nil {
		return nil, err
	}
	if err := checkName("The load balancer", name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "internal-") {
		return nil, invalid("The load balancer name '%s' cannot begin with 'internal-'", name)
	}
	kind, err := c.enum("Type", "application", "network", "gateway")
	if err != nil {
		return nil, err
	}
	if kind != "network" {
		if kind == "" {
			kind = "application, which is the default"
		}
		return nil, notBuiltWith("CreateLoadBalancer", "Type "+kind)
	}
	now := s.Clock()
	hash := newHash()
	b := &sockgate.LoadBalancer{
		ARN: s.arn("loadbalancer/net/" + name + "/" + hash), Name: name, DNSName: name + "-" + hash + ".elb." + s.Region + ".amazonaws.com",
		SecurityGroups: c.list("SecurityGroups"), Subnets: c.list("Subnets"), CreatedAt: now, ActiveAt: now.Add(provisioning),
	}
	if b.Scheme, err = c.enum("Scheme", "internet-facing", "internal"); err != nil {
		return nil, err
	}
	if b.Scheme == "" {
		b.Scheme = "internet-facing"
	}
	if b.IPAddressType, err = c.enum("IpAddressType", "ipv4", "dualstack", "dualstack-without-public-ipv4"); err != nil {
		return nil, err
	}
	if b.IPAddressType == "" {
		b.IPAddressType = "ipv4"
	}
	err = c.each("SubnetMappings", []string{"SubnetId"}, func(prefix string) error {
		b.Subnets = append(b.Subnets, c.get(prefix+"SubnetId"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(b.Subnets)
	if b.Tags, err = c.pairs("Tags"); err != nil {
		return nil, err
	}
	if err := checkTags(b.Tags); err != nil {
		return nil, err
	}
	all := s.Balancers.LoadBalancers()
	if i := slices.IndexFunc(all, func(o *sockgate.LoadBalancer) bool { return o.Name == name }); i >= 0 {
		if o := all[i]; !o.Declared && o.Scheme == b.Scheme && o.IPAddressType == b.IPAddressType && slices.Equal(o.Subnets, b.Subnets) && slices.Equal(o.SecurityGroups, b.SecurityGroups) {
			return s.showBalancers([]*sockgate.LoadBalancer{o}, ""), nil
		}
		return nil, refuse("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", name)
	}
	if len(all) >= maxBalancers {
		return nil, refuse("TooManyLoadBalancers", "The maximum number of network load balancers has been reached: %d", maxBalancers)
	}
	if err := s.Catalog.CreateLoadBalancer(c.ctx, b); err != nil {
		return nil, err
	}
	return s.showBalancers([]*sockgate.LoadBalancer{b}, ""), nil
}

// balancer finds the load balancer with an ARN.
func (s *Service) balancer(arn string) (*sockgate.LoadBalancer, error) {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":loadbalancer/") {
		return nil, invalid("'%s' is not a valid load balancer ARN", short(arn))
	}
	for _, b := range s.Balancers.LoadBalancers() {
		if b.ARN == arn {
			return b, nil
		}
	}
	return nil, noBalancer(arn)
}

// givenBalancer finds the load balancer that the parameter LoadBalancerArn names.
func (s *Service) givenBalancer(c *call) (*sockgate.LoadBalancer, error) {
	arn, err := c.need("LoadBalancerArn")
	if err != nil {
		return nil, err
	}
	return s.balancer(arn)
}

// ownBalancer is givenBalancer for one that is to be changed.
func (s *Service) ownBalancer(c *call) (*sockgate.LoadBalancer, error) {
	b, err := s.givenBalancer(c)
	if err == nil && b.Declared {
		return nil, declared(loadBalancer, b.Name)
	}
	return b, err
}

func (s *Service) describeLoadBalancers(c *call) (any, error) {
	arns, names := c.list("LoadBalancerArns"), c.list("Names")
	if len(arns) > 0 && len(names) > 0 {
		return nil, invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
	}
	all := s.Balancers.LoadBalancers()
	for _, arn := range arns {
		if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":loadbalancer/") {
			return nil, invalid("'%s' is not a valid load balancer ARN", short(arn))
		}
	}
	found, missing := wanted(all, arns, names, func(b *sockgate.LoadBalancer) (string, string) { return b.ARN, b.Name })
	if missing != nil {
		return nil, refuse("LoadBalancerNotFound", "Load balancers '[%s]' not found", short(strings.Join(missing, ", ")))
	}
	some, next, err := page(c, found, func(b *sockgate.LoadBalancer) string { return b.Name })
	if err != nil {
		return nil, err
	}
	return s.showBalancers(some, next), nil
}

// wanted picks what ARNs or names name, or everything when there are none. items are in the order of their names, and stay so.
func wanted[T any](items []T, arns, names []string, ids func(T) (arn, name string)) (found []T, missing []string) {
	if len(arns)+len(names) == 0 {
		return items, nil
	}
	seen := make(map[string]bool)
	for _, it := range items {
		arn, name := ids(it)
		if slices.Contains(arns, arn) || slices.Contains(names, name) {
			found = append(found, it)
			seen[arn], seen[name] = true, true
		}
	}
	for _, id := range slices.Concat(arns, names) {
		if !seen[id] {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// deleteLoadBalancer succeeds also when the load balancer is not there, as on AWS.
func (s *Service) deleteLoadBalancer(c *call) (any, error) {
	b, err := s.ownBalancer(c)
	if isCode(err, "LoadBalancerNotFound") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if b.Attributes["deletion_protection.enabled"] == "true" {
		return nil, refuse("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", b.ARN)
	}
	for _, l := range s.Balancers.VPCLinks() {
		if l.LoadBalancerARN == b.ARN && l.Status == "AVAILABLE" {
			return nil, refuse("ResourceInUse", "Load balancer '%s' cannot be deleted because it is currently associated with another service", b.ARN)
		}
	}
	return nil, s.Catalog.DeleteLoadBalancer(c.ctx, b.Name)
}
