package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

// process is a gateway that runs as a program of its own. TestMain has put this test's binary on the PATH as sockgate.
type process struct {
	*gatewaytest.Gateway
	cmd  *exec.Cmd
	log  gatewaytest.Log
	read chan struct{} // closed when standard error has ended
}

// startProcess runs "sockgate serve" on a data directory and waits until it is ready.
func startProcess(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), gatewaytest.Patience)
	defer cancel()
	p := &process{
		cmd:  exec.Command("sockgate", append([]string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--log-format", "json"}, args...)...),
		read: make(chan struct{}),
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill() // harmless when it has ended
		<-p.read
		p.cmd.Wait()
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", &p.log)
		}
	})
	ready := make(chan string, 1)
	go func() {
		defer close(p.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.log.Write(append(lines.Bytes(), '\n'))
			var line struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
				ready <- line.Listen
			}
		}
	}()
	select {
	case addr := <-ready:
		id, secret := readCredentials(t, dir)
		p.Gateway = gatewaytest.Attach(t, addr, id, secret)
	case <-p.read:
		t.Fatal("the gateway ended instead of getting ready")
	case <-ctx.Done():
		t.Fatal("the gateway did not get ready")
	}
	return p
}

// end sends a signal and returns how the process ended.
func (p *process) end(t *testing.T, signal os.Signal) *os.ProcessState {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	<-p.read
	p.cmd.Wait() // its error is the exit code
	return p.cmd.ProcessState
}

func readCredentials(t *testing.T, dir string) (id, secret string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	if id == "" || secret == "" {
		t.Fatalf("the credentials file has no key pair:\n%s", b)
	}
	return id, secret
}

// refuse runs "sockgate serve" that is to fail, and returns its exit code and standard error.
func refuse(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), gatewaytest.Patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sockgate", append([]string{"serve"}, args...)...).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("the gateway did not fail: %v\n%s", err, out)
	}
	return exit.ExitCode(), string(out)
}

// newAPI makes an API named name whose stage "dev" has the three usual routes to the backend, $default two-way.
func newAPI(t *testing.T, g *gatewaytest.Gateway, backend string) string {
	t.Helper()
	ctx, c := t.Context(), g.Control()
	api, err := c.CreateApi(ctx, apiInput("test"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"connect", "disconnect", "default"} {
		in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"),
			IntegrationUri: aws.String("http://" + backend + "/" + name),
			RequestParameters: map[string]string{
				"integration.request.header.code": "context.disconnectStatusCode",
				"integration.request.header.id":   "context.connectionId",
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		route, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId: api.ApiId, RouteKey: aws.String("$" + name), Target: aws.String("integrations/" + *in.IntegrationId),
			RouteResponseSelectionExpression: aws.String("$default"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
			ApiId: api.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	return *api.ApiId
}

func apiInput(name string) *apigatewayv2.CreateApiInput {
	return &apigatewayv2.CreateApiInput{
		Name: &name, ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	}
}

// connect opens a WebSocket and checks that messages come and go.
func connect(t *testing.T, g *gatewaytest.Gateway, api string) *gatewaytest.Client {
	t.Helper()
	c, err := gatewaytest.Dial(g.Addr(), g.Host(api), "/dev")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Drop)
	echo(t, c)
	return c
}

func echo(t *testing.T, c *gatewaytest.Client) {
	t.Helper()
	if err := c.Send("hello"); err != nil {
		t.Fatal(err)
	}
	if text, err := c.Read(); text != "hello" {
		t.Fatalf("the client read %q, %v", text, err)
	}
}

func startBackend(t *testing.T) *gatewaytest.Backend {
	b := gatewaytest.StartBackend(t)
	b.Reply("/default", gatewaytest.Reply{Mode: gatewaytest.Echo})
	return b
}
