package elbv2_test

import (
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/sockgate/sockgate"
)

func (g *gateway) balancer(t *testing.T, name string) types.LoadBalancer {
	t.Helper()
	return must(g.sdk.CreateLoadBalancer(ctx, &sdk.CreateLoadBalancerInput{Name: &name, Type: types.LoadBalancerTypeEnumNetwork, Subnets: []string{"subnet-b", "subnet-a"}}))(t).LoadBalancers[0]
}

func (g *gateway) group(t *testing.T, name string) types.TargetGroup {
	t.Helper()
	return must(g.sdk.CreateTargetGroup(ctx, &sdk.CreateTargetGroupInput{Name: &name, Protocol: types.ProtocolEnumTcp, Port: aws.Int32(8080), TargetType: types.TargetTypeEnumIp, VpcId: aws.String("vpc-1")}))(t).TargetGroups[0]
}

func (g *gateway) listener(t *testing.T, balancer, group string, port int32) types.Listener {
	t.Helper()
	return must(g.sdk.CreateListener(ctx, forward(balancer, group, port)))(t).Listeners[0]
}

func forward(balancer, group string, port int32) *sdk.CreateListenerInput {
	return &sdk.CreateListenerInput{LoadBalancerArn: &balancer, Protocol: types.ProtocolEnumTcp, Port: &port,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}}}
}

func TestLoadBalancers(t *testing.T) {
	g := newGateway(t)
	b := g.balancer(t, "orders")
	if !regexp.MustCompile(`^arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/orders/[0-9a-f]{16}$`).MatchString(*b.LoadBalancerArn) {
		t.Errorf("ARN %s", *b.LoadBalancerArn)
	}
	if !regexp.MustCompile(`^orders-[0-9a-f]{16}\.elb\.us-east-1\.amazonaws\.com$`).MatchString(*b.DNSName) {
		t.Errorf("DNS name %s", *b.DNSName)
	}
	if b.State.Code != types.LoadBalancerStateEnumProvisioning || b.Type != types.LoadBalancerTypeEnumNetwork || b.Scheme != types.LoadBalancerSchemeEnumInternetFacing ||
		b.IpAddressType != types.IpAddressTypeIpv4 || len(b.AvailabilityZones) != 2 || *b.AvailabilityZones[0].SubnetId != "subnet-a" || !b.CreatedTime.Equal(start) {
		t.Errorf("new load balancer: %+v", b)
	}
	if again := g.balancer(t, "orders"); *again.LoadBalancerArn != *b.LoadBalancerArn {
		t.Error("the same call made another load balancer")
	}
	_, err := g.sdk.CreateLoadBalancer(ctx, &sdk.CreateLoadBalancerInput{Name: aws.String("orders"), Type: types.LoadBalancerTypeEnumNetwork, Scheme: types.LoadBalancerSchemeEnumInternal})
	refused(t, err, "DuplicateLoadBalancerName", "A load balancer with the same name 'orders' exists, but with different settings")

	g.now.Store(5)
	g.balancer(t, "audit")
	list := must(g.sdk.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{Names: []string{"orders"}}))(t).LoadBalancers
	if len(list) != 1 || list[0].State.Code != types.LoadBalancerStateEnumActive {
		t.Errorf("by name: %+v", list)
	}
	if list = must(g.sdk.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{LoadBalancerArns: []string{*b.LoadBalancerArn, declaredARN}}))(t).LoadBalancers; len(list) != 2 {
		t.Errorf("by ARN: %+v", list)
	}
	var names []string
	pages := 0
	for p := sdk.NewDescribeLoadBalancersPaginator(g.sdk, &sdk.DescribeLoadBalancersInput{PageSize: aws.Int32(1)}); p.HasMorePages(); pages++ {
		for _, b := range must(p.NextPage(ctx))(t).LoadBalancers {
			names = append(names, *b.LoadBalancerName)
		}
	}
	if !slices.Equal(names, []string{"audit", "fixed", "orders"}) || pages != 3 {
		t.Errorf("%d pages: %v", pages, names)
	}
	_, err = g.sdk.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{Names: []string{"orders", "nobody"}})
	refused(t, err, "LoadBalancerNotFound", "Load balancers '[nobody]' not found")

	attributes := func() map[string]string {
		m := map[string]string{}
		for _, a := range must(g.sdk.DescribeLoadBalancerAttributes(ctx, &sdk.DescribeLoadBalancerAttributesInput{LoadBalancerArn: b.LoadBalancerArn}))(t).Attributes {
			m[*a.Key] = *a.Value
		}
		return m
	}
	if a := attributes(); a["deletion_protection.enabled"] != "false" || a["load_balancing.cross_zone.enabled"] != "false" {
		t.Errorf("attributes %v", a)
	}
	modify := func(key, value string) error {
		_, err := g.sdk.ModifyLoadBalancerAttributes(ctx, &sdk.ModifyLoadBalancerAttributesInput{LoadBalancerArn: b.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{{Key: &key, Value: &value}}})
		return err
	}
	if err := modify("deletion_protection.enabled", "true"); err != nil || attributes()["deletion_protection.enabled"] != "true" {
		t.Error(err, attributes())
	}
	refused(t, modify("idle_timeout.timeout_seconds", "5"), "InvalidConfigurationRequest", "Load balancer attribute key 'idle_timeout.timeout_seconds' is not supported on load balancers with type 'network'")
	refused(t, modify("nonsense", "5"), "ValidationError", "Load balancer attribute key 'nonsense' is not recognized")
	refused(t, modify("deletion_protection.enabled", "yes"), "ValidationError", "Load balancer attribute value 'yes' is not valid for the key 'deletion_protection.enabled'")

	remove := func() error {
		_, err := g.sdk.DeleteLoadBalancer(ctx, &sdk.DeleteLoadBalancerInput{LoadBalancerArn: b.LoadBalancerArn})
		return err
	}
	refused(t, remove(), "OperationNotPermitted", "Load balancer '"+*b.LoadBalancerArn+"' cannot be deleted because deletion protection is enabled")
	if err := modify("deletion_protection.enabled", "false"); err != nil {
		t.Error(err)
	}
	if err := g.catalog.CreateVPCLink(ctx, &sockgate.VPCLink{ID: "abc123", LoadBalancerARN: *b.LoadBalancerArn, Status: "AVAILABLE"}); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), "ResourceInUse", "Load balancer '"+*b.LoadBalancerArn+"' cannot be deleted because it is currently associated with another service")
	if err := g.catalog.DeleteVPCLink(ctx, "abc123"); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if err := remove(); err != nil {
		t.Errorf("a second deletion: %v", err)
	}
	_, err = g.sdk.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{LoadBalancerArns: []string{*b.LoadBalancerArn}})
	refused(t, err, "LoadBalancerNotFound", "Load balancers '["+*b.LoadBalancerArn+"]' not found")
}

func TestListeners(t *testing.T) {
	g := newGateway(t)
	b, other := *g.balancer(t, "orders").LoadBalancerArn, *g.balancer(t, "audit").LoadBalancerArn
	one, two := *g.group(t, "one").TargetGroupArn, *g.group(t, "two").TargetGroupArn
	l := g.listener(t, b, one, 80)
	if !strings.HasPrefix(*l.ListenerArn, strings.Replace(b, ":loadbalancer/", ":listener/", 1)+"/") || *l.Port != 80 || l.Protocol != types.ProtocolEnumTcp ||
		*l.DefaultActions[0].TargetGroupArn != one || *l.LoadBalancerArn != b || *l.DefaultActions[0].ForwardConfig.TargetGroups[0].TargetGroupArn != one {
		t.Errorf("new listener: %+v", l)
	}
	if again := g.listener(t, b, one, 80); *again.ListenerArn != *l.ListenerArn {
		t.Error("the same call made another listener")
	}
	_, err := g.sdk.CreateListener(ctx, forward(b, two, 80))
	refused(t, err, "DuplicateListener", "A listener already exists on this port for this load balancer '"+b+"'")
	_, err = g.sdk.CreateListener(ctx, forward(other, one, 80))
	refused(t, err, "TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: "+one)
	_, err = g.sdk.CreateListener(ctx, forward(b+"0", one, 81))
	refused(t, err, "LoadBalancerNotFound", "Load balancer '"+b+"0' not found")
	_, err = g.sdk.CreateListener(ctx, forward(b, one+"0", 81))
	refused(t, err, "TargetGroupNotFound", "Target group '"+one+"0' not found")
	tls := forward(b, two, 443)
	tls.Protocol = types.ProtocolEnumTls
	_, err = g.sdk.CreateListener(ctx, tls)
	refused(t, err, "ValidationError", "A certificate must be specified for TLS listeners")
	tls.Certificates = []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}
	secure := must(g.sdk.CreateListener(ctx, tls))(t).Listeners[0]
	if *secure.SslPolicy == "" || *secure.Certificates[0].CertificateArn == "" {
		t.Errorf("TLS listener: %+v", secure)
	}
	list := must(g.sdk.DescribeListeners(ctx, &sdk.DescribeListenersInput{LoadBalancerArn: &b}))(t).Listeners
	if len(list) != 2 || *list[0].Port != 80 || *list[1].Port != 443 {
		t.Errorf("listeners: %+v", list)
	}
	first := must(g.sdk.DescribeListeners(ctx, &sdk.DescribeListenersInput{LoadBalancerArn: &b, PageSize: aws.Int32(1)}))(t)
	second := must(g.sdk.DescribeListeners(ctx, &sdk.DescribeListenersInput{LoadBalancerArn: &b, PageSize: aws.Int32(1), Marker: first.NextMarker}))(t)
	if len(second.Listeners) != 1 || *second.Listeners[0].Port != 443 || second.NextMarker != nil {
		t.Errorf("second page: %+v", second)
	}
	m := must(g.sdk.ModifyListener(ctx, &sdk.ModifyListenerInput{ListenerArn: l.ListenerArn, Port: aws.Int32(8080)}))(t).Listeners[0]
	if *m.Port != 8080 || *m.DefaultActions[0].TargetGroupArn != one {
		t.Errorf("modified: %+v", m)
	}
	_, err = g.sdk.ModifyListener(ctx, &sdk.ModifyListenerInput{ListenerArn: l.ListenerArn, Port: aws.Int32(443)})
	refused(t, err, "DuplicateListener", "A listener already exists on this port for this load balancer '"+b+"'")
	must(g.sdk.ModifyListenerAttributes(ctx, &sdk.ModifyListenerAttributesInput{ListenerArn: l.ListenerArn, Attributes: []types.ListenerAttribute{{Key: aws.String("tcp.idle_timeout.seconds"), Value: aws.String("60")}}}))(t)
	if a := must(g.sdk.DescribeListenerAttributes(ctx, &sdk.DescribeListenerAttributesInput{ListenerArn: l.ListenerArn}))(t).Attributes; *a[0].Value != "60" {
		t.Errorf("attributes: %+v", a)
	}
	_, err = g.sdk.DeleteTargetGroup(ctx, &sdk.DeleteTargetGroupInput{TargetGroupArn: &one})
	refused(t, err, "ResourceInUse", "Target group '"+one+"' is currently in use by a listener or a rule")
	must(g.sdk.DeleteListener(ctx, &sdk.DeleteListenerInput{ListenerArn: l.ListenerArn}))(t)
	_, err = g.sdk.DeleteListener(ctx, &sdk.DeleteListenerInput{ListenerArn: l.ListenerArn})
	refused(t, err, "ListenerNotFound", "One or more listeners not found")
	must(g.sdk.DeleteTargetGroup(ctx, &sdk.DeleteTargetGroupInput{TargetGroupArn: &one}))(t)
	must(g.sdk.DeleteTargetGroup(ctx, &sdk.DeleteTargetGroupInput{TargetGroupArn: &one}))(t)
}

func TestTargetGroups(t *testing.T) {
	g := newGateway(t)
	tg := g.group(t, "orders")
	if tg.HealthCheckProtocol != types.ProtocolEnumTcp || *tg.HealthCheckPort != "traffic-port" || *tg.HealthCheckIntervalSeconds != 30 || *tg.HealthCheckTimeoutSeconds != 10 ||
		*tg.HealthyThresholdCount != 5 || *tg.UnhealthyThresholdCount != 2 || !*tg.HealthCheckEnabled || tg.Matcher != nil || tg.HealthCheckPath != nil || tg.TargetType != types.TargetTypeEnumIp {
		t.Errorf("new group: %+v", tg)
	}
	if again := g.group(t, "orders"); *again.TargetGroupArn != *tg.TargetGroupArn {
		t.Error("the same call made another group")
	}
	_, err := g.sdk.CreateTargetGroup(ctx, &sdk.CreateTargetGroupInput{Name: aws.String("orders"), Protocol: types.ProtocolEnumTcp, Port: aws.Int32(1)})
	refused(t, err, "DuplicateTargetGroupName", "A target group with the same name 'orders' exists, but with different settings")
	m := must(g.sdk.ModifyTargetGroup(ctx, &sdk.ModifyTargetGroupInput{TargetGroupArn: tg.TargetGroupArn, HealthCheckProtocol: types.ProtocolEnumHttp, HealthCheckPath: aws.String("/health?full=1"),
		HealthCheckPort: aws.String("9000"), Matcher: &types.Matcher{HttpCode: aws.String("200,204")}, HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2)}))(t).TargetGroups[0]
	if m.HealthCheckProtocol != types.ProtocolEnumHttp || *m.HealthCheckPath != "/health?full=1" || *m.HealthCheckPort != "9000" || *m.Matcher.HttpCode != "200,204" || *m.HealthCheckIntervalSeconds != 5 {
		t.Errorf("modified: %+v", m)
	}
	if web := must(g.sdk.CreateTargetGroup(ctx, &sdk.CreateTargetGroupInput{Name: aws.String("web"), Protocol: types.ProtocolEnumTcp, Port: aws.Int32(80), HealthCheckProtocol: types.ProtocolEnumHttp}))(t).TargetGroups[0]; *web.HealthCheckPath != "/" || *web.Matcher.HttpCode != "200-399" ||
		*web.HealthCheckTimeoutSeconds != 6 || web.TargetType != types.TargetTypeEnumInstance {
		t.Errorf("with HTTP checks: %+v", web)
	}
	b := *g.balancer(t, "orders").LoadBalancerArn
	g.listener(t, b, *tg.TargetGroupArn, 80)
	list := must(g.sdk.DescribeTargetGroups(ctx, &sdk.DescribeTargetGroupsInput{LoadBalancerArn: &b}))(t).TargetGroups
	if len(list) != 1 || *list[0].TargetGroupName != "orders" || !slices.Equal(list[0].LoadBalancerArns, []string{b}) {
		t.Errorf("of the load balancer: %+v", list)
	}
	var names []string
	for p := sdk.NewDescribeTargetGroupsPaginator(g.sdk, &sdk.DescribeTargetGroupsInput{PageSize: aws.Int32(2)}); p.HasMorePages(); {
		for _, tg := range must(p.NextPage(ctx))(t).TargetGroups {
			names = append(names, *tg.TargetGroupName)
		}
	}
	if !slices.Equal(names, []string{"fixed", "orders", "web"}) {
		t.Errorf("all: %v", names)
	}
	_, err = g.sdk.DescribeTargetGroups(ctx, &sdk.DescribeTargetGroupsInput{Names: []string{"nobody"}})
	refused(t, err, "TargetGroupNotFound", "One or more target groups not found")

	must(g.sdk.ModifyTargetGroupAttributes(ctx, &sdk.ModifyTargetGroupAttributesInput{TargetGroupArn: tg.TargetGroupArn, Attributes: []types.TargetGroupAttribute{
		{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("7")}}}))(t)
	i := slices.IndexFunc(must(g.sdk.DescribeTargetGroupAttributes(ctx, &sdk.DescribeTargetGroupAttributesInput{TargetGroupArn: tg.TargetGroupArn}))(t).Attributes,
		func(a types.TargetGroupAttribute) bool {
			return *a.Key == "deregistration_delay.timeout_seconds" && *a.Value == "7"
		})
	if i < 0 {
		t.Error("the deregistration delay was not set")
	}
}

func TestTargets(t *testing.T) {
	g := newGateway(t)
	tg, b := g.group(t, "orders"), g.balancer(t, "orders")
	register := func(targets ...types.TargetDescription) error {
		_, err := g.sdk.RegisterTargets(ctx, &sdk.RegisterTargetsInput{TargetGroupArn: tg.TargetGroupArn, Targets: targets})
		return err
	}
	health := func(targets ...types.TargetDescription) string {
		var lines []string
		for _, d := range must(g.sdk.DescribeTargetHealth(ctx, &sdk.DescribeTargetHealthInput{TargetGroupArn: tg.TargetGroupArn, Targets: targets}))(t).TargetHealthDescriptions {
			lines = append(lines, *d.Target.Id+" "+*d.HealthCheckPort+" "+string(d.TargetHealth.State)+" "+string(d.TargetHealth.Reason))
		}
		return strings.Join(lines, "; ")
	}
	if err := register(types.TargetDescription{Id: aws.String("10.0.0.1")}, types.TargetDescription{Id: aws.String("10.0.0.2"), Port: aws.Int32(9000)}); err != nil {
		t.Fatal(err)
	}
	if got := health(); got != "10.0.0.1 8080 unused Target.NotInUse; 10.0.0.2 9000 unused Target.NotInUse" {
		t.Error(got)
	}
	if got := health(types.TargetDescription{Id: aws.String("10.0.0.2")}); got != "10.0.0.2 8080 unused Target.NotRegistered" {
		t.Error(got)
	}
	refused(t, register(types.TargetDescription{Id: aws.String("example.com")}), "ValidationError", "The IP address 'example.com' is not a valid IPv4 address")
	refused(t, register(types.TargetDescription{Id: aws.String("169.254.169.254")}), "InvalidTarget", "The IP address '169.254.169.254' cannot be a target")
	refused(t, register(types.TargetDescription{Id: aws.String("10.0.0.1"), Port: aws.Int32(70000)}), "ValidationError",
		"1 validation error detected: Value '70000' at 'targets.member.1.Port' failed to satisfy constraint: Member must have value less than or equal to 65535")
	deregister := func(id string) {
		must(g.sdk.DeregisterTargets(ctx, &sdk.DeregisterTargetsInput{TargetGroupArn: tg.TargetGroupArn, Targets: []types.TargetDescription{{Id: &id, Port: aws.Int32(9000)}}}))(t)
	}
	g.listener(t, *b.LoadBalancerArn, *tg.TargetGroupArn, 80)
	deregister("10.0.0.2")
	deregister("10.0.0.7") // not registered: no error
	if got := health(types.TargetDescription{Id: aws.String("10.0.0.2"), Port: aws.Int32(9000)}); !strings.HasSuffix(got, "Target.NotRegistered") && !strings.HasSuffix(got, "Target.DeregistrationInProgress") {
		t.Error(got)
	}
	_, err := g.sdk.RegisterTargets(ctx, &sdk.RegisterTargetsInput{TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/0"), Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}})
	refused(t, err, "TargetGroupNotFound", "One or more target groups not found")
}

func TestTags(t *testing.T) {
	g := newGateway(t)
	b, tg := *g.balancer(t, "orders").LoadBalancerArn, *g.group(t, "orders").TargetGroupArn
	l := *g.listener(t, b, tg, 80).ListenerArn
	all := []string{b, tg, l}
	must(g.sdk.AddTags(ctx, &sdk.AddTagsInput{ResourceArns: all, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}, {Key: aws.String("stage"), Value: aws.String("")}}}))(t)
	must(g.sdk.RemoveTags(ctx, &sdk.RemoveTagsInput{ResourceArns: all, TagKeys: []string{"stage"}}))(t)
	ds := must(g.sdk.DescribeTags(ctx, &sdk.DescribeTagsInput{ResourceArns: all}))(t).TagDescriptions
	if len(ds) != 3 {
		t.Fatalf("%+v", ds)
	}
	for i, d := range ds {
		if *d.ResourceArn != all[i] || len(d.Tags) != 1 || *d.Tags[0].Key != "team" || *d.Tags[0].Value != "a" {
			t.Errorf("tags of %s: %+v", all[i], d)
		}
	}
	_, err := g.sdk.AddTags(ctx, &sdk.AddTagsInput{ResourceArns: []string{b}, Tags: []types.Tag{{Key: aws.String("x")}, {Key: aws.String("x")}}})
	refused(t, err, "DuplicateTagKeys", "A tag key was specified more than once: x")
	var many []types.Tag
	for i := range 51 {
		many = append(many, types.Tag{Key: aws.String(strings.Repeat("k", i+1)), Value: aws.String("v")})
	}
	_, err = g.sdk.AddTags(ctx, &sdk.AddTagsInput{ResourceArns: []string{b}, Tags: many})
	refused(t, err, "TooManyTags", "The maximum number of tags per resource is 50")
}

func TestDeclaredIsReadOnly(t *testing.T) {
	g := newGateway(t)
	declared := func(what string) string {
		return what + " 'fixed' is declared in the gateway's configuration file. Change it there."
	}
	_, err := g.sdk.DeleteLoadBalancer(ctx, &sdk.DeleteLoadBalancerInput{LoadBalancerArn: aws.String(declaredARN)})
	refused(t, err, "OperationNotPermitted", declared("Load balancer"))
	tg := aws.String(strings.Replace(declaredARN, "loadbalancer/net", "targetgroup", 1))
	_, err = g.sdk.RegisterTargets(ctx, &sdk.RegisterTargetsInput{TargetGroupArn: tg, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}})
	refused(t, err, "OperationNotPermitted", declared("Target group"))
	_, err = g.sdk.AddTags(ctx, &sdk.AddTagsInput{ResourceArns: []string{*tg}, Tags: []types.Tag{{Key: aws.String("x")}}})
	refused(t, err, "OperationNotPermitted", declared("Target group"))
	_, err = g.sdk.CreateLoadBalancer(ctx, &sdk.CreateLoadBalancerInput{Name: aws.String("fixed"), Type: types.LoadBalancerTypeEnumNetwork})
	refused(t, err, "DuplicateLoadBalancerName", "A load balancer with the same name 'fixed' exists, but with different settings")
	l := must(g.sdk.DescribeListeners(ctx, &sdk.DescribeListenersInput{LoadBalancerArn: aws.String(declaredARN)}))(t).Listeners[0]
	_, err = g.sdk.DeleteListener(ctx, &sdk.DeleteListenerInput{ListenerArn: l.ListenerArn})
	refused(t, err, "OperationNotPermitted", declared("Load balancer"))
}

// TestAgentsAreShown: agents stand in a group of their load balancer's, which nobody changes.
func TestAgentsAreShown(t *testing.T) {
	g := newGateway(t)
	b := *g.balancer(t, "orders").LoadBalancerArn
	detach := must(g.balancers.AttachAgent("orders", "shed", func(context.Context) (net.Conn, error) { return nil, errors.New("there is nothing") }))(t)
	list := must(g.sdk.DescribeTargetGroups(ctx, &sdk.DescribeTargetGroupsInput{LoadBalancerArn: &b}))(t).TargetGroups
	if len(list) != 1 || *list[0].TargetGroupName != "orders-agents" || !slices.Equal(list[0].LoadBalancerArns, []string{b}) {
		t.Fatalf("groups: %+v", list)
	}
	health := must(g.sdk.DescribeTargetHealth(ctx, &sdk.DescribeTargetHealthInput{TargetGroupArn: list[0].TargetGroupArn}))(t).TargetHealthDescriptions
	if len(health) != 1 || *health[0].Target.Id != "shed" || health[0].Target.Port != nil {
		t.Errorf("health: %+v", health)
	}
	text := "Target group 'orders-agents' shows the agents of a load balancer, which register themselves"
	_, err := g.sdk.RegisterTargets(ctx, &sdk.RegisterTargetsInput{TargetGroupArn: list[0].TargetGroupArn, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}})
	refused(t, err, "OperationNotPermitted", text)
	_, err = g.sdk.CreateListener(ctx, forward(b, *list[0].TargetGroupArn, 80))
	refused(t, err, "OperationNotPermitted", text)
	detach()
	if _, err := g.sdk.DeleteLoadBalancer(ctx, &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &b}); err != nil {
		t.Error(err)
	}
}
