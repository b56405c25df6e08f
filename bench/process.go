package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// child is a process of the benchmark's own.
type child struct {
	cmd  *exec.Cmd
	addr string
}

// startSelf runs this program in another role; the child's first line of output is its address.
func startSelf(ctx context.Context, role string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, "-role", role)}
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// rss is the child's resident memory in bytes.
func (c *child) rss() int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpuTime is the processor time that this process and its children have used, in steps of 10 ms.
func cpuTime() time.Duration {
	var sum time.Duration
	for _, pid := range append([]int{os.Getpid()}, children()...) {
		sum += cpuOf(pid)
	}
	return sum
}

// cpuOf is the processor time that a process has used; 0 for one that is gone.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name before it may hold anything
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// children are the processes that this one started, from whichever of its threads.
func children() []int {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	var pids []int
	for _, name := range lists {
		list, _ := os.ReadFile(name)
		for _, f := range bytes.Fields(list) {
			pid, _ := strconv.Atoi(string(f))
			pids = append(pids, pid)
		}
	}
	return pids
}

// gateway is the sockgate process under test.
type gateway struct {
	child
	apiID string
	ready time.Duration // from start to the first good health reply
}

const (
	benchKeyID  = "AKIABENCHMARK0000000"
	benchSecret = "benchmark-only-secret-key-00000000000000"
	benchStage  = "bench"
)

func buildGateway(ctx context.Context, binary string) error {
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", binary, "github.com/sockgate/sockgate/cmd/sockgate")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build sockgate: %w", err)
	}
	return nil
}

func startGateway(ctx context.Context, binary, data string) (*gateway, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{child: child{addr: l.Addr().String()}}
	l.Close()
	g.cmd = exec.CommandContext(ctx, binary, "serve", "--listen", g.addr, "--data", data, "--log-level", "warn",
		"--limits-request-rate", "0", "--limits-connect-rate", "0") // the bench measures the gateway, not AWS's limits
	g.cmd.Env = append(os.Environ(), "SOCKGATE_ROOT_ACCESS_KEY_ID="+benchKeyID, "SOCKGATE_ROOT_SECRET_ACCESS_KEY="+benchSecret)
	g.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 30*time.Second {
		if resp, err := http.Get("http://" + g.addr + "/_sockgate/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				g.ready = time.Since(began)
				return g, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	g.stop()
	return nil, fmt.Errorf("the gateway was not ready within 30 s")
}

func (g *gateway) stop() {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	_ = g.cmd.Wait()
}

func (g *gateway) socketURL() string {
	return "ws://" + g.addr + "/_aws/execute-api/" + g.apiID + "/" + benchStage
}

// deploy makes an API whose $default route is two-way and answered by the backend.
func (g *gateway) deploy(ctx context.Context, backend string) error {
	client := apigatewayv2.New(apigatewayv2.Options{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, ""),
		BaseEndpoint: aws.String("http://" + g.addr),
	})
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("bench"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return err
	}
	g.apiID = *api.ApiId
	in, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"),
		IntegrationUri:    aws.String("http://" + backend + "/message"),
		RequestParameters: map[string]string{"integration.request.header.connectionId": "context.connectionId"},
	})
	if err != nil {
		return err
	}
	route, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: api.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *in.IntegrationId),
		RouteResponseSelectionExpression: aws.String("$default"),
	})
	if err != nil {
		return err
	}
	if _, err := client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
		ApiId: api.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default"),
	}); err != nil {
		return err
	}
	if _, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String(whoami)}); err != nil {
		return err
	}
	if err := g.deployShaped(ctx, client, backend, *in.IntegrationId); err != nil {
		return err
	}
	_, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String(benchStage), AutoDeploy: aws.Bool(true)})
	return err
}

// properties is how many properties the schema has.
const properties = 20

// deployShaped adds two-way routes for 1 KB messages: plain as it comes, templated through a template, validated against a
// schema.
func (g *gateway) deployShaped(ctx context.Context, client *apigatewayv2.Client, backend, plain string) error {
	schema := `{"type":"object","required":["action"],"properties":{"action":{"type":"string"}`
	for i := range properties {
		schema += fmt.Sprintf(`,"p%02d":{"type":"string","minLength":1,"maxLength":100}`, i)
	}
	schema += `}}`
	if _, err := client.CreateModel(ctx, &apigatewayv2.CreateModelInput{ApiId: &g.apiID, Name: aws.String("Kilobyte"), Schema: &schema}); err != nil {
		return err
	}
	templated, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: &g.apiID, IntegrationType: types.IntegrationTypeHttp, IntegrationMethod: aws.String("POST"), IntegrationUri: aws.String("http://" + backend + "/message"),
		RequestTemplates: map[string]string{"$default": `{"connection":"$context.connectionId","stage":"$context.stage","route":"$context.routeKey","first":"$input.path('$.p00')","body":$input.json('$')}`},
	})
	if err != nil {
		return err
	}
	if _, err := client.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{
		ApiId: &g.apiID, IntegrationId: templated.IntegrationId, IntegrationResponseKey: aws.String("$default"),
	}); err != nil {
		return err
	}
	for _, r := range []apigatewayv2.CreateRouteInput{
		{RouteKey: aws.String("plain"), Target: aws.String("integrations/" + plain)},
		{RouteKey: aws.String("templated"), Target: aws.String("integrations/" + *templated.IntegrationId)},
		{RouteKey: aws.String("validated"), Target: aws.String("integrations/" + plain), ModelSelectionExpression: aws.String("always"),
			RequestModels: map[string]string{"always": "Kilobyte"}},
	} {
		r.ApiId, r.RouteResponseSelectionExpression = &g.apiID, aws.String("$default")
		route, err := client.CreateRoute(ctx, &r)
		if err != nil {
			return err
		}
		if _, err := client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
			ApiId: &g.apiID, RouteId: route.RouteId, RouteResponseKey: aws.String("$default"),
		}); err != nil {
			return err
		}
	}
	return nil
}

func cpuName() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
