package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// privateAPI makes a load balancer "lb" without targets, a link to it, and an API whose $default and $disconnect routes go there, the
// former both ways.
func privateAPI(t *testing.T, p *process) (api, loadBalancer string) {
	t.Helper()
	ctx, c := t.Context(), p.Control()
	lb, err := balancersOf(p).CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("lb"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{"subnet-1"}})
	if err != nil {
		t.Fatal(err)
	}
	loadBalancer = *lb.LoadBalancers[0].LoadBalancerArn
	id, secret := p.Key()
	v1 := apigateway.New(apigateway.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), BaseEndpoint: aws.String("http://" + p.Addr())})
	link, err := v1.CreateVpcLink(ctx, &apigateway.CreateVpcLinkInput{Name: aws.String("private"), TargetArns: []string{loadBalancer}})
	if err != nil {
		t.Fatal(err)
	}
	if !gatewaytest.Eventually(func() bool {
		out, err := v1.GetVpcLink(ctx, &apigateway.GetVpcLinkInput{VpcLinkId: link.Id})
		return err == nil && out.Status == "AVAILABLE"
	}) {
		t.Fatal("the link is not available")
	}
	made, err := c.CreateApi(ctx, apiInput("private"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"disconnect", "default"} {
		in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: made.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"),
			IntegrationUri: aws.String("http://backend.internal/" + name), ConnectionType: types.ConnectionTypeVpcLink, ConnectionId: link.Id,
			RequestParameters: map[string]string{"integration.request.header.code": "context.disconnectStatusCode"},
		})
		if err != nil {
			t.Fatal(err)
		}
		route, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId: made.ApiId, RouteKey: aws.String("$" + name), Target: aws.String("integrations/" + *in.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: made.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	return *made.ApiId, loadBalancer
}

func balancersOf(p *process) *elb.Client {
	id, secret := p.Key()
	return elb.New(elb.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), BaseEndpoint: aws.String("http://" + p.Addr())})
}

// agents are the names of the agents that the load balancer shows, with their health.
func agents(t *testing.T, p *process, loadBalancer string) map[string]string {
	t.Helper()
	groups, err := balancersOf(p).DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, g := range groups.TargetGroups {
		if *g.TargetGroupName != "lb-agents" {
			continue
		}
		health, err := balancersOf(p).DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range health.TargetHealthDescriptions {
			found[*h.Target.Id] = string(h.TargetHealth.State)
		}
	}
	return found
}

// tokenCommand runs "sockgate link-token" against a gateway, and returns what it printed and its exit code.
func tokenCommand(t *testing.T, p *process, dir string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("sockgate", append(append([]string{"link-token", "--data", dir, "--endpoint", "http://" + p.Addr()}, args[0]), args[1:]...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), 0
}

// agent is an agent that runs as a program of its own.
type agent struct {
	cmd  *exec.Cmd
	log  gatewaytest.Log
	done chan struct{}
}

func startAgent(t *testing.T, p *process, dir, token, backend, name string, args ...string) *agent {
	t.Helper()
	a := &agent{done: make(chan struct{})}
	a.cmd = exec.Command("sockgate", append([]string{"link", "--to", backend, "--load-balancer", "lb", "--gateway", "https://" + p.Addr(),
		"--ca", filepath.Join(dir, "ca", "ca.pem"), "--name", name, "--log-format", "json"}, args...)...)
	a.cmd.Env = append(os.Environ(), "SOCKGATE_LINK_TOKEN="+token)
	a.cmd.Stderr = &a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		a.cmd.Wait() // its error is the exit code
		close(a.done)
	}()
	t.Cleanup(func() {
		a.cmd.Process.Kill() // harmless when it has ended
		<-a.done
		if t.Failed() {
			t.Logf("the log of agent %s:\n%s", name, &a.log)
		}
	})
	return a
}

// ended waits for the agent's end and returns its exit code.
func (a *agent) ended(t *testing.T) int {
	t.Helper()
	select {
	case <-a.done:
		return a.cmd.ProcessState.ExitCode()
	case <-time.After(gatewaytest.Patience):
		t.Fatal("the agent did not end")
		return -1
	}
}

func awaitAgents(t *testing.T, p *process, loadBalancer, want string) {
	t.Helper()
	var last string
	if !gatewaytest.Eventually(func() bool {
		last = fmt.Sprint(agents(t, p, loadBalancer))
		return last == want
	}) {
		t.Fatalf("agents %s, want %s", last, want)
	}
}

func TestLink(t *testing.T) {
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir)
	if out, code := tokenCommand(t, p, dir, "create", "--load-balancer", "lb"); code != 1 || !strings.Contains(out, `There is no load balancer "lb".`) {
		t.Errorf("a token for nothing: %d %s", code, out)
	}
	api, lb := privateAPI(t, p)
	token, code := tokenCommand(t, p, dir, "create", "--load-balancer", "lb", "--description", "the tests'", "--expires", "1d")
	if code != 0 || !strings.HasPrefix(token, "sglink_") {
		t.Fatalf("%d %s", code, token)
	}
	id := token[7:17]
	list, _ := tokenCommand(t, p, dir, "list")
	if !strings.Contains(list, id+"  lb") || !strings.Contains(list, "the tests'") || strings.Contains(list, token[18:]) {
		t.Errorf("the list:\n%s", list)
	}
	var listed struct {
		Items []struct{ ID, LoadBalancer string }
	}
	if out, _ := tokenCommand(t, p, dir, "list", "--json", "--load-balancer", "lb"); json.Unmarshal([]byte(out), &listed) != nil || len(listed.Items) != 1 || listed.Items[0].ID != id {
		t.Errorf("the list:\n%s", out)
	}
	a := startAgent(t, p, dir, token, backend.Addr(), "one")
	awaitAgents(t, p, lb, "map[one:healthy]")
	c := connect(t, p.Gateway, api)

	t.Run("a backend that is down", func(t *testing.T) {
		startAgent(t, p, dir, token, "127.0.0.1:1", "dead") // nothing reaches it, so that nothing is lost through it
		if !gatewaytest.Eventually(func() bool { _, there := agents(t, p, lb)["dead"]; return there }) {
			t.Fatal("the agent is not shown")
		}
		for range 20 {
			echo(t, c)
		}
	})
	t.Run("drain", func(t *testing.T) {
		b := startAgent(t, p, dir, token, backend.Addr(), "two")
		if !gatewaytest.Eventually(func() bool { return agents(t, p, lb)["two"] == "healthy" }) {
			t.Fatal("the agent is not healthy")
		}
		for range 10 {
			echo(t, c)
		}
		b.cmd.Process.Signal(syscall.SIGTERM)
		if code := b.ended(t); code != 0 || !strings.Contains(b.log.String(), `"msg":"stopped"`) {
			t.Errorf("it ended with %d", code)
		}
		echo(t, c)
	})
	whole := t
	t.Run("a restarted gateway", func(t *testing.T) {
		addr := p.Addr()
		go c.Read() // answers the close frame
		if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
			t.Errorf("it ended with %v", state)
		}
		last := backend.Requests()[len(backend.Requests())-1]
		if last.Path() != "/disconnect" || last.Header.Get("code") != "1001" {
			t.Errorf("the last request through the agent is %s with code %s, not $disconnect", last.Path(), last.Header.Get("code"))
		}
		p = startProcess(whole, dir, "--listen", addr)
		if !gatewaytest.Eventually(func() bool { return agents(t, p, lb)["one"] == "healthy" }) {
			t.Fatal("the agent did not come back")
		}
		connect(t, p.Gateway, api)
	})
	t.Run("a revoked token", func(t *testing.T) {
		if out, code := tokenCommand(t, p, dir, "revoke", id); code != 0 {
			t.Fatal(out)
		}
		if code := a.ended(t); code != 1 || !strings.Contains(a.log.String(), "sockgate link-token create --load-balancer lb") {
			t.Errorf("it ended with %d", code)
		}
		if _, there := agents(t, p, lb)["one"]; there {
			t.Error("the agent is still a target")
		}
		for what, log := range map[string]string{"agent": a.log.String(), "gateway": p.log.String()} {
			if strings.Contains(log, token[18:]) {
				t.Errorf("the %s's log holds the token", what)
			}
		}
	})
}

// TestLinkKilled: agents that are killed in turn under load take with them what was in flight through them, and nothing else.
func TestLinkKilled(t *testing.T) {
	const clients, names = 8, 3
	// settle is how long a gateway may take to see that an agent's connection has ended.
	const settle = 100 * time.Millisecond
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir)
	api, lb := privateAPI(t, p)
	token, _ := tokenCommand(t, p, dir, "create", "--load-balancer", "lb")
	running := make([]*agent, names)
	for i := range running {
		running[i] = startAgent(t, p, dir, token, backend.Addr(), fmt.Sprint("agent", i))
	}
	awaitAgents(t, p, lb, "map[agent0:healthy agent1:healthy agent2:healthy]")

	type lost struct{ sent, told time.Time }
	var mu sync.Mutex
	var losses []lost
	sent := 0
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	for i := range clients {
		c := connect(t, p.Gateway, api)
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				text, began := fmt.Sprintf(`{"n":%d,"client":%d}`, n, i), time.Now()
				if err := c.Send(text); err != nil {
					t.Error(err)
					return
				}
				answer, err := c.Read()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent++
				if answer != text {
					losses = append(losses, lost{began, time.Now()})
					if !strings.Contains(answer, "Internal server error") {
						t.Errorf("%s is answered %s", text, answer)
					}
				}
				mu.Unlock()
			}
		})
	}
	answered := func(more int) {
		mu.Lock()
		from := sent
		mu.Unlock()
		if !gatewaytest.Eventually(func() bool { mu.Lock(); defer mu.Unlock(); return sent >= from+more }) {
			t.Fatal("messages are not answered any more")
		}
	}
	type kill struct{ from, to time.Time }
	var kills []kill
	for i, a := range running {
		answered(300)
		k := kill{from: time.Now()}
		a.cmd.Process.Kill()
		<-a.done
		k.to = time.Now().Add(settle)
		kills = append(kills, k)
		answered(300)
		running[i] = startAgent(t, p, dir, token, backend.Addr(), fmt.Sprint("agent", i))
		awaitAgents(t, p, lb, "map[agent0:healthy agent1:healthy agent2:healthy]")
	}
	stop()
	load.Wait()
	for _, l := range losses {
		inFlight := false
		for _, k := range kills {
			inFlight = inFlight || l.sent.Before(k.to) && l.told.After(k.from)
		}
		if !inFlight {
			t.Errorf("a message was lost from %v to %v, when no agent was killed", l.sent, l.told)
		}
	}
	if len(losses) > clients*names {
		t.Errorf("%d messages were lost, more than were in flight", len(losses))
	}
	t.Logf("%d messages, %d lost in flight", sent, len(losses))
}

// TestLinkStopped: an agent that neither answers nor ends is cut off within two keep-alives. What waits for it then learns so, and
// everything else goes another way. It comes back when it lives again.
func TestLinkStopped(t *testing.T) {
	const keepAlive = 250 * time.Millisecond
	dir, backend := t.TempDir(), startBackend(t)
	p := startProcess(t, dir, "--links-keep-alive", keepAlive.String())
	api, lb := privateAPI(t, p)
	token, _ := tokenCommand(t, p, dir, "create", "--load-balancer", "lb")
	stopped := startAgent(t, p, dir, token, backend.Addr(), "stopped")
	startAgent(t, p, dir, token, backend.Addr(), "other")
	awaitAgents(t, p, lb, "map[other:healthy stopped:healthy]")
	clients := make([]*gatewaytest.Client, 8)
	for i := range clients {
		clients[i] = connect(t, p.Gateway, api)
	}
	stopped.cmd.Process.Signal(syscall.SIGSTOP)
	t.Cleanup(func() { stopped.cmd.Process.Signal(syscall.SIGCONT) })
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			for !strings.Contains(p.log.String(), "nothing was heard of it") {
				if err := c.Send("hello"); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Read(); err != nil { // an error frame, of a message that waited for the agent
					t.Error(err)
					return
				}
			}
			for range 20 {
				echo(t, c)
			}
		})
	}
	all.Wait()
	if found := agents(t, p, lb); found["other"] != "healthy" || found["stopped"] != "" && found["stopped"] != "draining" {
		t.Errorf("agents %v", found)
	}
	stopped.cmd.Process.Signal(syscall.SIGCONT)
	awaitAgents(t, p, lb, "map[other:healthy stopped:healthy]")
	for range 20 {
		echo(t, clients[0])
	}
}
