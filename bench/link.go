package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// link compares messages to the backend's address with messages through a VPC link to the same backend.
func link(ctx context.Context, gw *gateway, backend *child, connections int, d time.Duration, rounds int) error {
	id, err := gw.makeLink(ctx, backend.addr)
	if err != nil {
		return err
	}
	private, err := gw.deployLinked(ctx, backend.addr, id)
	if err != nil {
		return err
	}
	var public, through rate
	for range rounds {
		r, err := socketRate(ctx, gw.socketURL(), message, connections, d)
		if err != nil {
			return fmt.Errorf("public: %w", err)
		}
		public = better(public, r)
		if r, err = socketRate(ctx, gw.stageURL(private), message, connections, d); err != nil {
			return fmt.Errorf("private: %w", err)
		}
		through = better(through, r)
	}
	report("public integration", "%.0f messages/s, %v of processor time each", public.perSecond, public.cpu)
	report("private integration", "%.0f messages/s, %v each, %v over the public one", through.perSecond, through.cpu, through.cpu-public.cpu)
	return oneCaller(ctx, gw, private)
}

// oneCaller compares what one client waits, turn by turn, so that a noisy moment falls on both.
func oneCaller(ctx context.Context, gw *gateway, private string) error {
	const calls, turns = 1000, 10
	out := frame(message)
	var all [2][]time.Duration
	urls := [2]string{gw.socketURL(), gw.stageURL(private)}
	for range turns {
		for i, url := range urls {
			c, r, err := dial(url)
			if err != nil {
				return err
			}
			some, err := latencies(ctx, calls, func() error {
				if _, err := c.Write(out); err != nil {
					return err
				}
				_, err := readFrame(r)
				return err
			})
			c.Close()
			if err != nil {
				return err
			}
			all[i] = append(all[i], at(some, 50))
		}
	}
	least := func(ds []time.Duration) time.Duration {
		best := ds[0]
		for _, d := range ds {
			best = min(best, d)
		}
		return best
	}
	report("one caller, best p50 of 10", "public %v  private %v  added %v", least(all[0]), least(all[1]), least(all[1])-least(all[0]))
	return nil
}

// makeLink makes a load balancer whose only target is the backend, and a VPC link to it.
func (g *gateway) makeLink(ctx context.Context, backend string) (id string, err error) {
	host, port, err := net.SplitHostPort(backend)
	if err != nil {
		return "", err
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return "", err
	}
	keys := credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, "")
	c := elb.New(elb.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: aws.String("http://" + g.addr)})
	b, err := c.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("bench"), Type: elbtypes.LoadBalancerTypeEnumNetwork})
	if err != nil {
		return "", err
	}
	tg, err := c.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("bench"), Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(80), TargetType: elbtypes.TargetTypeEnumIp})
	if err != nil {
		return "", err
	}
	group := tg.TargetGroups[0].TargetGroupArn
	if _, err := c.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: b.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group}}}); err != nil {
		return "", err
	}
	if _, err := c.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group, Targets: []elbtypes.TargetDescription{{Id: &host, Port: aws.Int32(int32(n))}}}); err != nil {
		return "", err
	}
	v1 := apigateway.New(apigateway.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: aws.String("http://" + g.addr)})
	l, err := v1.CreateVpcLink(ctx, &apigateway.CreateVpcLinkInput{Name: aws.String("bench"), TargetArns: []string{*b.LoadBalancers[0].LoadBalancerArn}})
	if err != nil {
		return "", err
	}
	return *l.Id, nil
}

// deployLinked makes an API as deploy does, whose only route goes through a link.
func (g *gateway) deployLinked(ctx context.Context, backend, link string) (api string, err error) {
	c := apigatewayv2.New(apigatewayv2.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, ""), BaseEndpoint: aws.String("http://" + g.addr),
	})
	out, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("private"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		return "", err
	}
	in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: out.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"), IntegrationUri: aws.String("http://" + backend + "/message"),
		ConnectionType: types.ConnectionTypeVpcLink, ConnectionId: &link, RequestParameters: map[string]string{"integration.request.header.connectionId": "context.connectionId"},
	})
	if err != nil {
		return "", err
	}
	route, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: out.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *in.IntegrationId), RouteResponseSelectionExpression: aws.String("$default")})
	if err != nil {
		return "", err
	}
	if _, err := c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: out.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
		return "", err
	}
	_, err = c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: out.ApiId, StageName: aws.String(benchStage), AutoDeploy: aws.Bool(true)})
	return *out.ApiId, err
}
