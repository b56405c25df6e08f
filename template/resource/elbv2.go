package resource

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/sockgate/sockgate/template/resource/wire"
)

// The types of Elastic Load Balancing v2. Source: AWS CloudFormation Template Reference, "Elastic Load Balancing V2".
var elbTypes = []*Type{
	{
		Name: "AWS::ElasticLoadBalancingV2::LoadBalancer", named: "Name", attributes: []string{"CanonicalHostedZoneID", "DNSName", "LoadBalancerArn", "LoadBalancerFullName", "LoadBalancerName", "SecurityGroups"}, provider: loadBalancer{},
		shape: object(
			fixed("Name", str()), fixed("Scheme", str()), fixed("Type", str()), opt("IpAddressType", str()).keep(),
			opt("Subnets", listOf(str())).keep(), opt("SubnetMappings", listOf(anything())).keep(), opt("SecurityGroups", listOf(str())).keep(),
			opt("LoadBalancerAttributes", listOf(object(opt("Key", str()), opt("Value", str())))).keep(),
			opt("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", str()).keep(),
			opt("Tags", tagList()).back([]any{}),
		),
	},
	{
		Name: "AWS::ElasticLoadBalancingV2::TargetGroup", named: "Name", attributes: []string{"LoadBalancerArns", "TargetGroupArn", "TargetGroupFullName", "TargetGroupName"}, provider: targetGroup{}, volatile: []string{"LoadBalancerArns"},
		shape: object(
			fixed("Name", str()), fixed("Protocol", str()), fixed("Port", whole()), fixed("VpcId", str()), fixed("TargetType", str()),
			fixed("ProtocolVersion", str()), fixed("IpAddressType", str()),
			opt("HealthCheckEnabled", flag()).keep(), opt("HealthCheckIntervalSeconds", whole()).keep(), opt("HealthCheckPath", str()).keep(),
			opt("HealthCheckPort", str()).keep(), opt("HealthCheckProtocol", str()).keep(), opt("HealthCheckTimeoutSeconds", whole()).keep(),
			opt("HealthyThresholdCount", whole()).keep(), opt("UnhealthyThresholdCount", whole()).keep(),
			opt("Matcher", object(opt("HttpCode", str()), opt("GrpcCode", str()))).keep(),
			opt("TargetGroupAttributes", listOf(object(opt("Key", str()), opt("Value", str())))).keep(),
			opt("Targets", listOf(object(need("Id", str()), opt("Port", whole()), opt("AvailabilityZone", str())))).back([]any{}),
			opt("Tags", tagList()).back([]any{}),
		),
	},
	{
		Name: "AWS::ElasticLoadBalancingV2::Listener", attributes: []string{"ListenerArn"}, provider: listener{},
		shape: object(
			needFixed("LoadBalancerArn", str()), need("DefaultActions", listOf(object(
				need("Type", str()), opt("TargetGroupArn", str()), opt("Order", whole()), opt("ForwardConfig", anything()),
				opt("FixedResponseConfig", anything()), opt("RedirectConfig", anything()), opt("AuthenticateCognitoConfig", anything()),
				opt("AuthenticateOidcConfig", anything()),
			))),
			opt("Port", whole()).keep(), opt("Protocol", str()).keep(), opt("SslPolicy", str()).keep(), opt("AlpnPolicy", listOf(str())).keep(),
			opt("Certificates", listOf(object(opt("CertificateArn", str())))).keep(), opt("MutualAuthentication", anything()).keep(),
			opt("ListenerAttributes", listOf(object(opt("Key", str()), opt("Value", str())))).keep(),
		),
	},
}

// elb makes one call. Values become parameters as the query protocol has them: "A.member.1.B".
func elb(ctx context.Context, c *Call, action string, in map[string]any) (map[string]any, error) {
	form := url.Values{}
	for name, v := range in {
		flatten(form, name, v)
	}
	return c.Client.Query(ctx, "elasticloadbalancing", "2015-12-01", action, form)
}

func flatten(form url.Values, name string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for k, item := range v {
			flatten(form, name+"."+k, item)
		}
	case []any:
		for i, item := range v {
			flatten(form, name+".member."+strconv.Itoa(i+1), item)
		}
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

// without returns the properties except those named and empty lists.
func without(props map[string]any, names ...string) map[string]any {
	out := maps.Clone(props)
	for _, n := range names {
		delete(out, n)
	}
	for k, v := range out {
		if list, ok := v.([]any); ok && len(list) == 0 {
			delete(out, k)
		}
	}
	return out
}

// first is the first item of a list in an answer.
func first(answer map[string]any, list string) any {
	if items := wire.List(answer, list); len(items) > 0 {
		return items[0]
	}
	return nil
}

func retagELB(ctx context.Context, c *Call) error {
	if reflect.DeepEqual(c.Old.Properties["Tags"], c.Properties["Tags"]) {
		return nil
	}
	arn := []any{c.Old.PhysicalID}
	if gone := goneTags(c); len(gone) > 0 {
		keys := make([]any, len(gone))
		for i, k := range gone {
			keys[i] = k
		}
		if _, err := elb(ctx, c, "RemoveTags", map[string]any{"ResourceArns": arn, "TagKeys": keys}); err != nil {
			return err
		}
	}
	if tags := wire.List(c.Properties, "Tags"); len(tags) > 0 {
		_, err := elb(ctx, c, "AddTags", map[string]any{"ResourceArns": arn, "Tags": tags})
		return err
	}
	return nil
}

// elbName is a name of at most 32 letters, digits and hyphens.
func elbName(c *Call) string { return textOr(c.Properties, "Name", shortName(c.Name, 32)) }

type loadBalancer struct{}

func (loadBalancer) state(lb any) *State {
	return &State{PhysicalID: wire.Text(lb, "LoadBalancerArn"), Attributes: map[string]any{
		"LoadBalancerArn": wire.Text(lb, "LoadBalancerArn"), "DNSName": wire.Text(lb, "DNSName"), "LoadBalancerName": wire.Text(lb, "LoadBalancerName"),
		"CanonicalHostedZoneID": wire.Text(lb, "CanonicalHostedZoneId"), "SecurityGroups": wire.List(lb, "SecurityGroups"),
		"LoadBalancerFullName": afterSlash(wire.Text(lb, "LoadBalancerArn")),
	}}
}

// afterSlash is the part of an ARN that load balancers' metrics are named by.
func afterSlash(arn string) string {
	for i := range arn {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return ""
}

func (p loadBalancer) create(ctx context.Context, c *Call) (*State, error) {
	in := without(c.Properties, "LoadBalancerAttributes", "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic")
	in["Name"] = elbName(c)
	answer, err := elb(ctx, c, "CreateLoadBalancer", in)
	if err != nil {
		return nil, err
	}
	st := p.state(first(answer, "LoadBalancers"))
	if err := p.attributes(ctx, c, st.PhysicalID); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error { return p.remove(ctx, c, st.PhysicalID) })
	}
	return st, nil
}

func (loadBalancer) attributes(ctx context.Context, c *Call, arn string) error {
	list := wire.List(c.Properties, "LoadBalancerAttributes")
	if len(list) == 0 {
		return nil
	}
	_, err := elb(ctx, c, "ModifyLoadBalancerAttributes", map[string]any{"LoadBalancerArn": arn, "Attributes": list})
	return err
}

func (p loadBalancer) update(ctx context.Context, c *Call) (*State, error) {
	arn := c.Old.PhysicalID
	differs := func(name string) bool {
		return c.Properties[name] != nil && !reflect.DeepEqual(c.Old.Properties[name], c.Properties[name])
	}
	if differs("LoadBalancerAttributes") {
		if err := p.attributes(ctx, c, arn); err != nil {
			return nil, err
		}
	}
	for _, change := range []struct{ property, action string }{
		{"Subnets", "SetSubnets"}, {"SubnetMappings", "SetSubnets"}, {"SecurityGroups", "SetSecurityGroups"}, {"IpAddressType", "SetIpAddressType"},
	} {
		if differs(change.property) {
			if _, err := elb(ctx, c, change.action, map[string]any{"LoadBalancerArn": arn, change.property: c.Properties[change.property]}); err != nil {
				return nil, err
			}
		}
	}
	return &State{PhysicalID: arn, Attributes: c.Old.Attributes}, retagELB(ctx, c)
}

func (loadBalancer) remove(ctx context.Context, c *Call, arn string) error {
	_, err := elb(ctx, c, "DeleteLoadBalancer", map[string]any{"LoadBalancerArn": arn})
	return err
}

func (p loadBalancer) delete(ctx context.Context, c *Call) error {
	return p.remove(ctx, c, c.Old.PhysicalID)
}

func (p loadBalancer) find(ctx context.Context, c *Call) (*State, error) {
	answer, err := elb(ctx, c, "DescribeLoadBalancers", map[string]any{"Names": []any{elbName(c)}})
	if err != nil || first(answer, "LoadBalancers") == nil {
		return nil, err
	}
	return p.state(first(answer, "LoadBalancers")), nil
}

type targetGroup struct{}

func (targetGroup) state(group any) *State {
	arn := wire.Text(group, "TargetGroupArn")
	return &State{PhysicalID: arn, Attributes: map[string]any{
		"TargetGroupArn": arn, "TargetGroupName": wire.Text(group, "TargetGroupName"), "LoadBalancerArns": wire.List(group, "LoadBalancerArns"),
		"TargetGroupFullName": "targetgroup/" + afterSlash(arn),
	}}
}

func (p targetGroup) create(ctx context.Context, c *Call) (*State, error) {
	in := without(c.Properties, "TargetGroupAttributes", "Targets")
	in["Name"] = elbName(c)
	answer, err := elb(ctx, c, "CreateTargetGroup", in)
	if err != nil {
		return nil, err
	}
	st := p.state(first(answer, "TargetGroups"))
	err = p.attributes(ctx, c, st.PhysicalID)
	if err == nil {
		err = p.targets(ctx, c, st.PhysicalID, nil)
	}
	if err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error { return p.remove(ctx, c, st.PhysicalID) })
	}
	return st, nil
}

func (targetGroup) attributes(ctx context.Context, c *Call, arn string) error {
	list := wire.List(c.Properties, "TargetGroupAttributes")
	if len(list) == 0 {
		return nil
	}
	_, err := elb(ctx, c, "ModifyTargetGroupAttributes", map[string]any{"TargetGroupArn": arn, "Attributes": list})
	return err
}

// targets registers and deregisters what differs from before.
func (targetGroup) targets(ctx context.Context, c *Call, arn string, before []any) error {
	after := wire.List(c.Properties, "Targets")
	only := func(a, b []any) (list []any) {
		for _, t := range a {
			if !slices.ContainsFunc(b, func(o any) bool { return reflect.DeepEqual(t, o) }) {
				list = append(list, t)
			}
		}
		return list
	}
	if gone := only(before, after); len(gone) > 0 {
		if _, err := elb(ctx, c, "DeregisterTargets", map[string]any{"TargetGroupArn": arn, "Targets": gone}); err != nil {
			return err
		}
	}
	if added := only(after, before); len(added) > 0 {
		_, err := elb(ctx, c, "RegisterTargets", map[string]any{"TargetGroupArn": arn, "Targets": added})
		return err
	}
	return nil
}

func (p targetGroup) update(ctx context.Context, c *Call) (*State, error) {
	arn := c.Old.PhysicalID
	in := map[string]any{}
	for _, name := range []string{"HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol",
		"HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher"} {
		if v := c.Properties[name]; v != nil && !reflect.DeepEqual(v, c.Old.Properties[name]) {
			in[name] = v
		}
	}
	if len(in) > 0 {
		in["TargetGroupArn"] = arn
		if _, err := elb(ctx, c, "ModifyTargetGroup", in); err != nil {
			return nil, err
		}
	}
	if !reflect.DeepEqual(c.Old.Properties["TargetGroupAttributes"], c.Properties["TargetGroupAttributes"]) {
		if err := p.attributes(ctx, c, arn); err != nil {
			return nil, err
		}
	}
	if err := p.targets(ctx, c, arn, wire.List(c.Old.Properties, "Targets")); err != nil {
		return nil, err
	}
	return &State{PhysicalID: arn, Attributes: c.Old.Attributes}, retagELB(ctx, c)
}

func (targetGroup) remove(ctx context.Context, c *Call, arn string) error {
	_, err := elb(ctx, c, "DeleteTargetGroup", map[string]any{"TargetGroupArn": arn})
	return err
}

func (p targetGroup) delete(ctx context.Context, c *Call) error {
	return p.remove(ctx, c, c.Old.PhysicalID)
}

func (p targetGroup) find(ctx context.Context, c *Call) (*State, error) {
	answer, err := elb(ctx, c, "DescribeTargetGroups", map[string]any{"Names": []any{elbName(c)}})
	if err != nil || first(answer, "TargetGroups") == nil {
		return nil, err
	}
	st := p.state(first(answer, "TargetGroups"))
	return st, p.targets(ctx, c, st.PhysicalID, nil)
}

type listener struct{}

func (listener) state(l any) *State {
	arn := wire.Text(l, "ListenerArn")
	return &State{PhysicalID: arn, Attributes: map[string]any{"ListenerArn": arn}}
}

func (p listener) create(ctx context.Context, c *Call) (*State, error) {
	answer, err := elb(ctx, c, "CreateListener", without(c.Properties, "ListenerAttributes"))
	if err != nil {
		return nil, err
	}
	st := p.state(first(answer, "Listeners"))
	if err := p.attributes(ctx, c, st.PhysicalID); err != nil {
		return nil, undo(ctx, err, func(ctx context.Context) error { return p.remove(ctx, c, st.PhysicalID) })
	}
	return st, nil
}

func (listener) attributes(ctx context.Context, c *Call, arn string) error {
	list := wire.List(c.Properties, "ListenerAttributes")
	if len(list) == 0 {
		return nil
	}
	_, err := elb(ctx, c, "ModifyListenerAttributes", map[string]any{"ListenerArn": arn, "Attributes": list})
	return err
}

func (p listener) update(ctx context.Context, c *Call) (*State, error) {
	in := without(c.Properties, "ListenerAttributes", "LoadBalancerArn")
	in["ListenerArn"] = c.Old.PhysicalID
	if _, err := elb(ctx, c, "ModifyListener", in); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(c.Old.Properties["ListenerAttributes"], c.Properties["ListenerAttributes"]) {
		if err := p.attributes(ctx, c, c.Old.PhysicalID); err != nil {
			return nil, err
		}
	}
	return &State{PhysicalID: c.Old.PhysicalID, Attributes: c.Old.Attributes}, nil
}

func (listener) remove(ctx context.Context, c *Call, arn string) error {
	_, err := elb(ctx, c, "DeleteListener", map[string]any{"ListenerArn": arn})
	return err
}

func (p listener) delete(ctx context.Context, c *Call) error {
	return p.remove(ctx, c, c.Old.PhysicalID)
}

func (listener) list(ctx context.Context, c *Call) ([]string, error) {
	answer, err := elb(ctx, c, "DescribeListeners", map[string]any{"LoadBalancerArn": c.Properties["LoadBalancerArn"]})
	var arns []string
	for _, l := range wire.List(answer, "Listeners") {
		arns = append(arns, wire.Text(l, "ListenerArn"))
	}
	return arns, err
}

func (p listener) find(ctx context.Context, c *Call) (*State, error) {
	answer, err := elb(ctx, c, "DescribeListeners", map[string]any{"LoadBalancerArn": c.Properties["LoadBalancerArn"]})
	for _, l := range wire.List(answer, "Listeners") {
		if wire.Text(l, "Port") == text(c.Properties, "Port") && !accounted(c, wire.Text(l, "ListenerArn")) {
			return p.state(l), nil
		}
	}
	return nil, err
}
