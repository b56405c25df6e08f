package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

const deployed = `Transform: AWS::Serverless-2016-10-31
Parameters: {Key: {Type: String, Default: echo}, Note: {Type: String, Default: none, NoEcho: true}}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, Description: !Ref Note, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Echo:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: !Ref Key, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${Echo}"}
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Route, RouteResponseKey: $default}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: live, DeploymentId: !Ref Deployment}
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src, Handler: index.handler, Runtime: nodejs20.x}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Function, Principal: apigateway.amazonaws.com}
Outputs:
  Url: {Value: !Sub "wss://${Api}.execute-api.${AWS::Region}.amazonaws.com/${Stage}"}
`

// deploying is a folder with a template, and what "sockgate deploy" needs to reach a gateway.
type deploying struct {
	t   *testing.T
	dir string
	env []string
}

func newDeploying(t *testing.T, p *process) *deploying {
	d := &deploying{t: t, dir: t.TempDir()}
	id, secret := p.Key()
	d.env = append(os.Environ(), "AWS_ENDPOINT_URL=http://"+p.Addr(), "AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret, "XDG_CACHE_HOME="+t.TempDir())
	d.write("template.yaml", deployed)
	d.write("src/index.js", `exports.handler = async e => ({ statusCode: 200, body: "you said " + e.body });`)
	return d
}

func (d *deploying) write(name, content string) {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deploying) command(args ...string) *exec.Cmd {
	cmd := exec.Command("sockgate", append([]string{"deploy"}, args...)...)
	cmd.Dir, cmd.Env = d.dir, d.env
	return cmd
}

// run deploys and expects an exit code and texts in what is printed.
func (d *deploying) run(code int, texts []string, args ...string) string {
	d.t.Helper()
	out, err := d.command(args...).CombinedOutput()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	for _, want := range texts {
		if got != code || !strings.Contains(string(out), want) {
			d.t.Errorf("deploy %q: exit code %d, want %d and %q in:\n%s", args, got, code, want, out)
		}
	}
	return string(out)
}

func TestDeploy(t *testing.T) {
	p := startProcess(t, t.TempDir())
	d := newDeploying(t, p)
	d.run(0, []string{"+ create   Api", "9 to create"}, "template.yaml", "--stack", "chat", "--plan")
	out := d.run(0, []string{"created   Function", "Deployed stack chat", "amazonaws.com/live"}, "template.yaml", "--stack", "chat")
	local := regexp.MustCompile(`ws://127\.0\.0\.1:\d+/_aws/execute-api/([a-z0-9]{10})/live`).FindStringSubmatch(out)
	if local == nil {
		t.Fatalf("no local address in:\n%s", out)
	}
	echo := func(message, want string) {
		t.Helper()
		c, err := gatewaytest.Dial(p.Addr(), p.Addr(), "/_aws/execute-api/"+local[1]+"/live")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Drop()
		if err := c.Send(message); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Read(); err != nil || got != want {
			t.Errorf("%s is answered %q, %v, want %q", message, got, err, want)
		}
	}
	echo(`{"action":"echo"}`, `you said {"action":"echo"}`)
	d.run(0, []string{"No changes"}, "template.yaml", "--stack", "chat")

	out = d.run(0, []string{`RouteKey: "echo" → "say"`, `"none" → "****"`, "replaced  Deployment"}, "template.yaml", "--stack", "chat", "--parameters", "Key=say", "Note=a secret=1")
	if strings.Contains(out, "a secret") {
		t.Errorf("the value of a NoEcho parameter is shown:\n%s", out)
	}
	echo(`{"action":"say"}`, `you said {"action":"say"}`)
	d.write("src/index.js", `exports.handler = async e => ({ statusCode: 200, body: "again " + e.body });`)
	d.run(0, []string{"Code.ZipSha256", "1 to update"}, "template.yaml", "--stack", "chat")
	echo(`{"action":"say"}`, `again {"action":"say"}`)

	d.run(0, []string{"deleted   Api", "Deleted stack chat"}, "--stack", "chat", "--delete")
	d.run(0, []string{"does not exist"}, "--stack", "chat", "--delete")
}

func TestDeployRefusals(t *testing.T) {
	p := startProcess(t, t.TempDir())
	d := newDeploying(t, p)
	d.write("bad.yaml", "Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n")
	d.write("broken.yaml", "Resources: [\n")
	for name, tc := range map[string]struct {
		code int
		want string
		args []string
	}{
		"no stack":           {2, "--stack", []string{"template.yaml"}},
		"a bad name":         {2, "letters, digits and hyphens", []string{"template.yaml", "--stack", "a_b"}},
		"no template":        {2, "no template to deploy", []string{"--stack", "a"}},
		"template not there": {2, "there is no template nowhere.yaml", []string{"nowhere.yaml", "--stack", "a"}},
		"broken template":    {2, "broken.yaml:", []string{"broken.yaml", "--stack", "a"}},
		"delete and plan":    {2, "do not go together", []string{"--stack", "a", "--delete", "--plan"}},
		"bad parameter":      {2, "KEY=VALUE", []string{"template.yaml", "--stack", "a", "--parameters", "x"}},
		"unknown parameter":  {1, "Nope", []string{"template.yaml", "--stack", "a", "--parameters", "Nope=1"}},
		"unsupported type":   {1, "bad.yaml:2:3: resource Bucket is of type AWS::S3::Bucket", []string{"bad.yaml", "--stack", "a"}},
		"no gateway":         {1, "--endpoint", []string{"template.yaml", "--stack", "a", "--endpoint", "http://127.0.0.1:1"}},
		"no such profile":    {1, "no credentials", []string{"template.yaml", "--stack", "a", "--profile", "nobody"}},
	} {
		t.Run(name, func(t *testing.T) { d.run(tc.code, []string{tc.want}, tc.args...) })
	}
	d.env = append(d.env, "AWS_ACCESS_KEY_ID=AKIDWRONG")
	d.run(1, []string{"does not know the key AKIDWRONG"}, "template.yaml", "--stack", "a")
}

// TestDeployKilled kills a deploy at its first steps; the next one goes on from there.
func TestDeployKilled(t *testing.T) {
	p := startProcess(t, t.TempDir())
	d := newDeploying(t, p)
	for _, line := range []string{"to create", "created   Api", "created   Function", "created   Deployment"} {
		cmd := d.command("template.yaml", "--stack", "chat")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var seen strings.Builder
		buf := make([]byte, 512)
		for !strings.Contains(seen.String(), line) {
			n, err := out.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				break // it was faster
			}
		}
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		d.run(0, []string{"Outputs:"}, "template.yaml", "--stack", "chat")
		d.run(0, []string{"No changes"}, "template.yaml", "--stack", "chat")
		d.run(0, []string{"Deleted stack chat"}, "--stack", "chat", "--delete")
	}
	d.run(0, []string{"9 to create"}, "template.yaml", "--stack", "chat", "--plan") // and nothing in its way
}
