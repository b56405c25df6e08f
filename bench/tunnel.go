package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// tunneled compares a private integration that is reached directly with one that is reached through an agent, over TLS, for small messages and
// for 1 KB.
func tunneled(ctx context.Context, gw *gateway, backend *child, data string, connections int, d time.Duration, rounds int) error {
	api, err := gw.deployPrivate(ctx, backend.addr)
	if err != nil {
		return err
	}
	a, err := gw.startAgent(ctx, api, backend.addr, data)
	if err != nil {
		return err
	}
	defer a.stop()
	rates := map[string]rate{}
	kinds := []string{"direct", "agent"}
	for range rounds {
		for _, size := range []int{0, 1000} {
			for _, kind := range kinds {
				r, err := socketRate(ctx, gw.stageURL(api), sized(kind, size), connections, d)
				if err != nil {
					return fmt.Errorf("%s: %w", kind, err)
				}
				key := fmt.Sprint(kind, size)
				rates[key] = better(rates[key], r)
			}
		}
	}
	for _, size := range []int{0, 1000} {
		direct, agent := rates[fmt.Sprint("direct", size)], rates[fmt.Sprint("agent", size)]
		name := "small messages"
		if size > 0 {
			name = "1 KB messages"
		}
		report("private integration, "+name, "%.0f messages/s, %v of processor time each", direct.perSecond, direct.cpu)
		report("through an agent, "+name, "%.0f messages/s, %v each (%.2f of the direct rate)", agent.perSecond, agent.cpu, agent.perSecond/direct.perSecond)
	}
	report("agent, resident memory", "%.1f MB", float64(a.rss())/1e6)
	return nil
}

// sized is a message for a route, of at least size bytes.
func sized(action string, size int) []byte {
	return fmt.Appendf(nil, `{"action":%q,"room":"lobby","text":"the quick brown fox%0*d"}`, action, size, 0)
}

// deployPrivate makes a load balancer with the backend as its target and one that has agents only, a link to each, and an API with
// a two-way route through each. It returns the id of that.
func (g *gateway) deployPrivate(ctx context.Context, backend string) (apiID string, err error) {
	keys, base := credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, ""), aws.String("http://"+g.addr)
	client := apigatewayv2.New(apigatewayv2.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: base})
	v1 := apigateway.New(apigateway.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: base})
	balancers := elb.New(elb.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: base})
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("private"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return "", err
	}
	for _, name := range []string{"direct", "agent"} {
		lb, err := balancers.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{"subnet-1"}})
		if err != nil {
			return "", err
		}
		arn := lb.LoadBalancers[0].LoadBalancerArn
		if name == "direct" {
			if err := addTarget(ctx, balancers, arn, backend); err != nil {
				return "", err
			}
		}
		link, err := v1.CreateVpcLink(ctx, &apigateway.CreateVpcLinkInput{Name: &name, TargetArns: []string{*arn}})
		if err != nil {
			return "", err
		}
		in, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"),
			IntegrationUri: aws.String("http://backend.internal/message"), ConnectionType: types.ConnectionTypeVpcLink, ConnectionId: link.Id,
		})
		if err != nil {
			return "", err
		}
		route, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId: api.ApiId, RouteKey: &name, Target: aws.String("integrations/" + *in.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
		})
		if err != nil {
			return "", err
		}
		if _, err := client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: api.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
			return "", err
		}
	}
	_, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String(benchStage), AutoDeploy: aws.Bool(true)})
	return *api.ApiId, err
}

func addTarget(ctx context.Context, balancers *elb.Client, lb *string, backend string) error {
	host, portText, err := net.SplitHostPort(backend)
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(portText, 10, 32)
	if err != nil {
		return err
	}
	port := int32(number)
	group, err := balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("direct"), Protocol: elbtypes.ProtocolEnumTcp, Port: &port, TargetType: elbtypes.TargetTypeEnumIp, VpcId: aws.String("vpc-00000000"),
	})
	if err != nil {
		return err
	}
	arn := group.TargetGroups[0].TargetGroupArn
	if _, err := balancers.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: arn, Targets: []elbtypes.TargetDescription{{Id: &host, Port: &port}}}); err != nil {
		return err
	}
	_, err = balancers.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: lb, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: arn}},
	})
	return err
}

// startAgent runs an agent beside the backend, and waits until a message comes back through it.
func (g *gateway) startAgent(ctx context.Context, api string, backend, data string) (*child, error) {
	create := exec.CommandContext(ctx, g.cmd.Path, "link-token", "create", "--endpoint", "http://"+g.addr, "--load-balancer", "agent")
	create.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+benchKeyID, "AWS_SECRET_ACCESS_KEY="+benchSecret, "AWS_SESSION_TOKEN=")
	create.Stderr = os.Stderr
	token, err := create.Output()
	if err != nil {
		return nil, fmt.Errorf("link-token create: %w", err)
	}
	a := &child{cmd: exec.CommandContext(ctx, g.cmd.Path, "link", "--to", backend, "--load-balancer", "agent", "--gateway", "https://"+g.addr,
		"--ca", filepath.Join(data, "ca", "ca.pem"), "--log-level", "warn")}
	a.cmd.Env = append(os.Environ(), "SOCKGATE_LINK_TOKEN="+string(token))
	a.cmd.Stderr = os.Stderr
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	for _, kind := range []string{"direct", "agent"} {
		for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			_, err := socketRate(ctx, g.stageURL(api), sized(kind, 0), 1, 100*time.Millisecond)
			if err == nil {
				break
			}
			if time.Since(began) > 20*time.Second {
				a.stop()
				return nil, fmt.Errorf("no message comes back through %s: %w", kind, err)
			}
		}
	}
	return a, nil
}
