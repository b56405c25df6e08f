package server_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	v1types "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// private is a gateway with an API whose $default route goes through a VPC link to a load balancer.
type private struct {
	*gatewaytest.Gateway
	lb    *elb.Client
	v1    *v1.Client
	arn   string // of the load balancer
	group string // ARN
	link  string
	api   string
}

func (p *private) clients() { p.lb, p.v1 = p.LoadBalancers(), p.VPCLinks() }

func startPrivate(t *testing.T, edit func(*config.Config), backends ...string) *private {
	t.Helper()
	p := &private{Gateway: gatewaytest.Start(t, edit)}
	p.clients()
	ctx := t.Context()
	p.arn = *must(p.lb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("orders"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{"subnet-1"}}))(t).LoadBalancers[0].LoadBalancerArn
	p.group = *must(p.lb.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("orders"), Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(80), TargetType: elbtypes.TargetTypeEnumIp, VpcId: aws.String("vpc-1"),
		HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2), UnhealthyThresholdCount: aws.Int32(2), HealthyThresholdCount: aws.Int32(2),
	}))(t).TargetGroups[0].TargetGroupArn
	must(p.lb.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: &p.arn, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &p.group}}}))(t)
	for _, b := range backends {
		p.register(t, b)
	}
	p.link = *must(p.v1.CreateVpcLink(ctx, &v1.CreateVpcLinkInput{Name: aws.String("orders"), TargetArns: []string{p.arn}}))(t).Id
	p.api = p.deploy(t, types.IntegrationTypeHttpProxy, p.link, "http://orders.internal/v1/{proxy}")
	return p
}

func target(t testing.TB, addr string) elbtypes.TargetDescription {
	host, port, err := net.SplitHostPort(addr)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil {
		t.Fatal(addr)
	}
	return elbtypes.TargetDescription{Id: &host, Port: aws.Int32(int32(n))}
}

func (p *private) register(t *testing.T, addr string) {
	t.Helper()
	must(p.lb.RegisterTargets(t.Context(), &elb.RegisterTargetsInput{TargetGroupArn: &p.group, Targets: []elbtypes.TargetDescription{target(t, addr)}}))(t)
}

// states returns what DescribeTargetHealth says: "host:port" → state.
func (p *private) states(t *testing.T) map[string]string {
	t.Helper()
	m := make(map[string]string)
	for _, d := range must(p.lb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &p.group}))(t).TargetHealthDescriptions {
		m[fmt.Sprintf("%s:%d", *d.Target.Id, *d.Target.Port)] = string(d.TargetHealth.State)
	}
	return m
}

func (p *private) await(t *testing.T, addr, state string) {
	t.Helper()
	if !gatewaytest.Eventually(func() bool { return p.states(t)[addr] == state }) {
		t.Fatalf("%s did not become %s: %v", addr, state, p.states(t))
	}
}

// deploy makes an API whose two-way $default route is an integration through a link, on the stage dev.
func (p *private) deploy(t *testing.T, typ types.IntegrationType, link, uri string, edits ...func(*apigatewayv2.CreateIntegrationInput)) (api string) {
	t.Helper()
	ctx, c := t.Context(), p.Control()
	api = *must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("orders"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")}))(t).ApiId
	in := &apigatewayv2.CreateIntegrationInput{ApiId: &api, IntegrationType: typ, IntegrationMethod: aws.String("POST"), IntegrationUri: &uri,
		ConnectionType: types.ConnectionTypeVpcLink, ConnectionId: &link, RequestParameters: map[string]string{"integration.request.path.proxy": "context.routeKey"}}
	for _, edit := range edits {
		edit(in)
	}
	id := *must(c.CreateIntegration(ctx, in))(t).IntegrationId
	if typ == types.IntegrationTypeHttp {
		must(c.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{ApiId: &api, IntegrationId: &id, IntegrationResponseKey: aws.String("$default")}))(t)
	}
	route := *must(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &api, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + id), RouteResponseSelectionExpression: aws.String("$default")}))(t).RouteId
	must(c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &api, RouteId: &route, RouteResponseKey: aws.String("$default")}))(t)
	must(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &api, StageName: aws.String("dev"), StageVariables: map[string]string{"link": p.link},
		DefaultRouteSettings: &types.RouteSettings{LoggingLevel: types.LoggingLevelInfo}}))(t)
	must(c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &api, StageName: aws.String("dev")}))(t)
	return api
}

func (p *private) dial(t *testing.T, api string) *gatewaytest.Client {
	t.Helper()
	c := must(gatewaytest.Dial(p.Addr(), p.Host(api), "/dev"))(t)
	t.Cleanup(c.Drop)
	return c
}

func query(t *testing.T, c *gatewaytest.Client, text string) string {
	t.Helper()
	if err := c.Send(text); err != nil {
		t.Fatal(err)
	}
	return must(c.Read())(t)
}

// named is a backend that says who it is.
func named(t *testing.T, name string) *gatewaytest.Backend {
	b := gatewaytest.StartBackend(t)
	b.Handle("/v1/$default", func(r *gatewaytest.Request) gatewaytest.Reply { return gatewaytest.Reply{Status: 200, Body: name} })
	b.Handle("/v1/%24default", func(r *gatewaytest.Request) gatewaytest.Reply { return gatewaytest.Reply{Status: 200, Body: name} })
	return b
}

func TestPrivateIntegration(t *testing.T) {
	one, two := named(t, "one"), named(t, "two")
	p := startPrivate(t, nil, one.Addr())
	p.await(t, one.Addr(), "healthy")

	c := p.dial(t, p.api)
	if got := query(t, c, `{"a":1}`); got != "one" {
		t.Fatalf("through the link: %s", got)
	}
	if r := one.Requests()[len(one.Requests())-1]; !strings.Contains(strings.ToLower(fmt.Sprint(r)), "orders.internal") {
		t.Errorf("the Host header is not the URI's: %v", r)
	}
	templated := p.deploy(t, types.IntegrationTypeHttp, "${stageVariables.link}", "http://orders.internal:80/v1/%24default", func(in *apigatewayv2.CreateIntegrationInput) {
		in.RequestTemplates = map[string]string{"$default": `{"x":$input.json('$.a')}`}
	})
	if got := query(t, p.dial(t, templated), `{"a":1}`); got != "one" {
		t.Errorf("HTTP through a link that a stage variable names: %s", got)
	}

	p.register(t, two.Addr())
	p.await(t, two.Addr(), "healthy")
	seen := map[string]int{}
	for range 40 {
		seen[query(t, c, `{"a":1}`)]++
	}
	if seen["one"] == 0 || seen["two"] == 0 {
		t.Errorf("who answered: %v", seen)
	}

	must(p.lb.DeregisterTargets(t.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: &p.group, Targets: []elbtypes.TargetDescription{target(t, one.Addr())}}))(t)
	if s := p.states(t)[one.Addr()]; s != "draining" {
		t.Errorf("a target that was deregistered is %q", s)
	}
	for range 20 {
		if got := query(t, c, `{"a":1}`); got != "two" {
			t.Fatalf("a target that drains answered: %s", got)
		}
	}

	// What was made lives on.
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	p.clients()
	if got := query(t, p.dial(t, p.api), `{"a":1}`); got != "two" {
		t.Errorf("after a restart: %s", got)
	}
	if s := string(must(p.v1.GetVpcLink(t.Context(), &v1.GetVpcLinkInput{VpcLinkId: &p.link}))(t).Status); s != string(v1types.VpcLinkStatusAvailable) {
		t.Errorf("the link is %s", s)
	}
}

// TestDeregisteredWhileAnswering: a call that is under way when its target is deregistered is answered, and one that is still under
// way when the deregistration delay is over is cut off.
func TestDeregisteredWhileAnswering(t *testing.T) {
	b := gatewaytest.StartBackend(t)
	hold := func(*gatewaytest.Request) gatewaytest.Reply {
		return gatewaytest.Reply{Mode: gatewaytest.Hold, Status: 200, Body: "late"}
	}
	b.Handle("/v1/$default", hold)
	b.Handle("/v1/%24default", hold)
	p := startPrivate(t, nil, b.Addr())
	p.await(t, b.Addr(), "healthy")
	ctx := t.Context()
	begin := func(n int) *gatewaytest.Client {
		c := p.dial(t, p.api)
		if err := c.Send(`{"a":1}`); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Wait(func(rs []*gatewaytest.Request) bool { return len(rs) == n }); err != nil {
			t.Fatal(err)
		}
		return c
	}
	deregister := func() {
		must(p.lb.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &p.group, Targets: []elbtypes.TargetDescription{target(t, b.Addr())}}))(t)
	}
	c := begin(1)
	deregister()
	b.Release(1)
	if got := must(c.Read())(t); got != "late" {
		t.Errorf("a call that was under way: %s", got)
	}
	p.register(t, b.Addr())
	p.await(t, b.Addr(), "healthy")
	must(p.lb.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &p.group, Attributes: []elbtypes.TargetGroupAttribute{
		{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("0")}}}))(t)
	c = begin(2)
	deregister()
	if got := must(c.Read())(t); !strings.Contains(got, "Internal server error") {
		t.Errorf("a call that was under way when the delay was over: %s", got)
	}
	if s, ok := p.states(t)[b.Addr()]; ok {
		t.Errorf("the target is still %s", s)
	}
}

// TestDeploymentsLookAtLinks: they wait while a link is PENDING, and fail when it is FAILED or not there.
func TestDeploymentsLookAtLinks(t *testing.T) {
	p := startPrivate(t, nil)
	ctx, c := t.Context(), p.Control()
	id := *must(c.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &p.api}))(t).Items[0].IntegrationId
	deploy := func(link string) error {
		must(c.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: &p.api, IntegrationId: &id, ConnectionId: &link}))(t)
		_, err := c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &p.api, StageName: aws.String("dev")})
		return err
	}
	link := func(arn string) string {
		return *must(p.v1.CreateVpcLink(ctx, &v1.CreateVpcLinkInput{Name: aws.String("x"), TargetArns: []string{arn}}))(t).Id
	}
	fresh := link(p.arn)
	if err := deploy(fresh); err != nil {
		t.Errorf("a deployment did not wait for its link: %v", err)
	}
	if s := must(p.v1.GetVpcLink(ctx, &v1.GetVpcLinkInput{VpcLinkId: &fresh}))(t).Status; s != v1types.VpcLinkStatusAvailable {
		t.Errorf("after the deployment the link is %s", s)
	}
	lost := link(p.arn + "0")
	for link, why := range map[string]string{
		"zzzzzz": "VPC link zzzzzz of integration " + id + " does not exist",
		lost:     "VPC link " + lost + " of integration " + id + " is FAILED",
	} {
		if err := deploy(link); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "BadRequestException") {
			t.Errorf("deployed with a link that is no way: %v, want %q", err, why)
		}
	}
	if err := deploy("${stageVariables.nobody}"); err != nil {
		t.Errorf("a link that a stage variable names: %v", err)
	}
}

// TestDeclaredBalancer: a load balancer of the configuration file serves, is shown, and cannot be changed; and a target that is cut
// off, so that nothing comes back from it, gets no calls once its checks have noticed.
func TestDeclaredBalancer(t *testing.T) {
	one, two := named(t, "one"), named(t, "two")
	hole := startHole(t, one.Addr())
	p := &private{link: "fixed"}
	p.Gateway = gatewaytest.Start(t, func(c *config.Config) {
		c.LoadBalancers = []config.LoadBalancer{{Name: "orders", Targets: []string{hole.addr, two.Addr()}, DeregistrationDelay: time.Minute, HealthCheck: config.HealthCheck{
			Protocol: "http", Path: "/health", Statuses: "200-399", Interval: 300 * time.Millisecond, Timeout: 200 * time.Millisecond, Healthy: 2, Unhealthy: 2}}}
		c.VPCLinks = []config.VPCLink{{ID: "fixed", LoadBalancer: "orders"}}
	})
	p.clients()
	ctx := t.Context()
	b := must(p.lb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{"orders"}}))(t).LoadBalancers[0]
	p.group = *must(p.lb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{LoadBalancerArn: b.LoadBalancerArn}))(t).TargetGroups[0].TargetGroupArn
	if l := must(p.v1.GetVpcLink(ctx, &v1.GetVpcLinkInput{VpcLinkId: &p.link}))(t); l.Status != v1types.VpcLinkStatusAvailable || l.TargetArns[0] != *b.LoadBalancerArn {
		t.Errorf("the declared link: %+v", l)
	}
	if _, err := p.lb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: b.LoadBalancerArn}); err == nil || !strings.Contains(err.Error(), "configuration file") {
		t.Errorf("deleting the declared load balancer: %v", err)
	}
	p.api = p.deploy(t, types.IntegrationTypeHttpProxy, p.link, "https://orders.internal/v1/{proxy}", func(in *apigatewayv2.CreateIntegrationInput) {
		in.IntegrationUri, in.TimeoutInMillis = aws.String("http://orders.internal/v1/{proxy}"), aws.Int32(300)
	})
	p.await(t, hole.addr, "healthy")
	p.await(t, two.Addr(), "healthy")
	c := p.dial(t, p.api)
	seen := map[string]int{}
	for range 30 {
		seen[query(t, c, `{"a":1}`)]++
	}
	if seen["one"] == 0 || seen["two"] == 0 {
		t.Errorf("who answered: %v", seen)
	}
	hole.swallow()
	lost := 0
	gatewaytest.Eventually(func() bool { // calls find out, or the next check does
		if query(t, c, `{"a":1}`) != "two" {
			lost++
		}
		return p.states(t)[hole.addr] == "unhealthy"
	})
	for range 30 {
		if got := query(t, c, `{"a":1}`); got != "two" {
			t.Fatalf("with one target cut off: %s", got)
		}
	}
	if lost > 10 {
		t.Errorf("%d messages were lost to a target that had been cut off", lost)
	}
}

// hole is a proxy that can stop to pass anything on, in the middle of everything.
type hole struct {
	addr string

	mu     sync.Mutex
	passes bool
	change chan struct{} // closed when it swallows
}

func (h *hole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passes = false
	close(h.change)
}

func startHole(t *testing.T, to string) *hole {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{addr: l.Addr().String(), passes: true, change: make(chan struct{})}
	var wg sync.WaitGroup
	var conns sync.Map
	end := func(c net.Conn) {
		conns.Delete(c)
		c.Close()
	}
	pass := func(from, to net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			h.mu.Lock()
			passes := h.passes
			h.mu.Unlock()
			if err != nil && passes {
				end(from)
				end(to)
				return
			}
			if err != nil {
				return // silence, also about ends
			}
			if passes {
				_, _ = to.Write(buf[:n])
			}
		}
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(c, true)
			h.mu.Lock()
			passes := h.passes
			h.mu.Unlock()
			if !passes {
				continue
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				end(c)
				continue
			}
			conns.Store(b, true)
			wg.Go(func() { pass(c, b) })
			wg.Go(func() { pass(b, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		for c := range conns.Range {
			c.(net.Conn).Close()
		}
		wg.Wait()
	})
	return h
}

// TestTargetsKilledUnderLoad: targets die and come back one after the other while messages flow. A message that was not at a target
// when that died is answered.
func TestTargetsKilledUnderLoad(t *testing.T) {
	const targets, clients = 3, 8
	var backends [targets]*killable
	p := startPrivate(t, nil)
	for i := range backends {
		backends[i] = startKillable(t)
		p.register(t, backends[i].addr)
		p.await(t, backends[i].addr, "healthy")
	}
	var sent, lost, deaths atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range clients {
		c := p.dial(t, p.api)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				before := deaths.Load()
				if err := c.Send(`{"a":1}`); err != nil {
					t.Error(err)
					return
				}
				got, err := c.Read()
				if err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
				if got != "ok" && before%2 == 0 && deaths.Load() == before { // no target died while it was under way
					lost.Add(1)
				}
			}
		})
	}
	await := func(n int64) {
		from := sent.Load()
		gatewaytest.Eventually(func() bool { return sent.Load() > from+n })
	}
	for round := range 6 {
		await(50)
		b := backends[round%targets]
		deaths.Add(1) // odd: one is dying
		b.kill()
		deaths.Add(1)
		await(50)
		b.revive(t)
	}
	close(stop)
	wg.Wait()
	if n := lost.Load(); n > 0 {
		t.Errorf("%d of %d messages were lost that were not at a target when it died", n, sent.Load())
	}
}

// killable is a backend that can die without a word and come back.
type killable struct {
	addr string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func startKillable(t *testing.T) *killable {
	k := &killable{addr: "127.0.0.1:0"}
	k.revive(t)
	t.Cleanup(func() { k.kill(); k.wg.Wait() })
	return k
}

func (k *killable) revive(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	k.l, k.conns, k.addr = l, make(map[net.Conn]bool), l.Addr().String()
	k.mu.Unlock()
	k.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			k.mu.Lock()
			if k.l != l {
				k.mu.Unlock()
				c.Close()
				return
			}
			k.conns[c] = true
			k.mu.Unlock()
			k.wg.Go(func() { k.serve(c) })
		}
	})
}

func (k *killable) serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		for n := 0; !strings.Contains(string(buf[:n]), `{"a":1}`); {
			m, err := c.Read(buf[n:])
			if n += m; err != nil || n == len(buf) {
				return
			}
		}
		if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")); err != nil {
			return
		}
	}
}

// kill ends every connection, as the end of a process does.
func (k *killable) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.l == nil {
		return
	}
	k.l.Close()
	for c := range k.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
	}
	k.l, k.conns = nil, nil
}
