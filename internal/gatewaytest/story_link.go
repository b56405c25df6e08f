package gatewaytest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v1 "github.com/aws/aws-sdk-go-v2/service/apigateway"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/testscript"
)

// LoadBalancers returns a client of the load balancers' control plane.
func (g *Gateway) LoadBalancers() *elb.Client {
	return elb.New(elb.Options{
		Region: "us-east-1", Credentials: g.credentials(), RetryMaxAttempts: 1, BaseEndpoint: aws.String("http://" + g.managementAddr), HTTPClient: g.http,
	})
}

// VPCLinks returns a client of API Gateway's older API, which has VPC links.
func (g *Gateway) VPCLinks() *v1.Client {
	return v1.New(v1.Options{
		Region: "us-east-1", Credentials: g.credentials(), RetryMaxAttempts: 1, BaseEndpoint: aws.String("http://" + g.managementAddr), HTTPClient: g.http,
	})
}

// makeLink makes a load balancer with a listener on port 80, its targets, and a VPC link to it.
func (s *story) makeLink(ts *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return usage("link NAME [HOST:PORT ...]")
	}
	name, targets := args[0], args[1:]
	if len(targets) == 0 {
		targets = []string{s.backend.Addr()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	id, dns, err := s.gateway.link(ctx, name, targets)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &refused{api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	if err != nil {
		return err
	}
	s.names.call(id, name)
	ts.Setenv(name, id)
	ts.Setenv(name+"_dns", dns)
	return nil
}

func (g *Gateway) link(ctx context.Context, name string, targets []string) (id, dns string, err error) {
	c := g.LoadBalancers()
	b, err := c.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Type: types.LoadBalancerTypeEnumNetwork})
	if err != nil {
		return "", "", err
	}
	arn := b.LoadBalancers[0].LoadBalancerArn
	tg, err := c.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &name, Protocol: types.ProtocolEnumTcp, Port: aws.Int32(80), TargetType: types.TargetTypeEnumInstance})
	if err != nil {
		return "", "", err
	}
	group := tg.TargetGroups[0].TargetGroupArn
	if _, err := c.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: arn, Protocol: types.ProtocolEnumTcp, Port: aws.Int32(80),
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: group}}}); err != nil {
		return "", "", err
	}
	in := &elb.RegisterTargetsInput{TargetGroupArn: group}
	for _, t := range targets {
		host, port, err := net.SplitHostPort(t)
		if err != nil {
			return "", "", err
		}
		n, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			return "", "", err
		}
		in.Targets = append(in.Targets, types.TargetDescription{Id: &host, Port: aws.Int32(int32(n))})
	}
	if _, err := c.RegisterTargets(ctx, in); err != nil {
		return "", "", err
	}
	l, err := g.VPCLinks().CreateVpcLink(ctx, &v1.CreateVpcLinkInput{Name: &name, TargetArns: []string{*arn}})
	if err != nil {
		return "", "", err
	}
	for ctx.Err() == nil {
		got, err := g.VPCLinks().GetVpcLink(ctx, &v1.GetVpcLinkInput{VpcLinkId: l.Id})
		if err != nil || got.Status != "PENDING" {
			return *l.Id, *b.LoadBalancers[0].DNSName, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", "", ctx.Err()
}
