package stack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/gatewaytest"
	"github.com/sockgate/sockgate/lang/sigv4"
	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/build"
	"github.com/sockgate/sockgate/template/resource/wire"
	"github.com/sockgate/sockgate/template/stack"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// world is a gateway and what a deploy needs.
type world struct {
	t     *testing.T
	gw    *gatewaytest.Gateway
	cache *build.Cache
}

func newWorld(t *testing.T) *world {
	t.Helper()
	gw := gatewaytest.Start(t, func(c *config.Config) { c.State.Engine = "memory" })
	cache, err := build.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, gw, cache}
}

func (w *world) client(through http.RoundTripper) *wire.Client {
	id, secret := w.gw.Key()
	c := &wire.Client{Endpoint: "http://" + w.gw.Addr(), Region: "us-east-1", Keys: sigv4.Credentials{AccessKeyID: id, Secret: secret}, HTTP: w.gw.HTTP()}
	if through != nil {
		c.HTTP = &http.Client{Transport: through}
	}
	return c
}

func (w *world) options(name string) stack.Options {
	return stack.Options{Client: w.client(nil), Cache: w.cache, Name: name, Dir: "testdata"}
}

func (w *world) parse(src string) *template.Template {
	w.t.Helper()
	t, err := template.Parse("template.yaml", []byte(src))
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) file(name string) *template.Template {
	w.t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.parse(string(src))
}

func (w *world) deploy(name string, t *template.Template) *stack.Result {
	w.t.Helper()
	r, err := stack.Make(w.t.Context(), t, w.options(name))
	if err != nil {
		w.t.Fatalf("deploy %s: %v", name, err)
	}
	return r
}

func (w *world) remove(name string) {
	w.t.Helper()
	if _, err := stack.Remove(w.t.Context(), w.options(name)); err != nil {
		w.t.Fatalf("delete %s: %v", name, err)
	}
}

// inventory lists everything that the gateway has, without ids, so that two worlds can be compared.
func (w *world) inventory() []string {
	w.t.Helper()
	c, ctx := w.client(nil), w.t.Context()
	var all []string
	get := func(service, path, list string) []any {
		answer, err := c.REST(ctx, service, http.MethodGet, path, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		return wire.List(answer, list)
	}
	add := func(what string, item any, members ...string) {
		line := what
		for _, m := range members {
			line += fmt.Sprintf(" %v", wire.At(item, strings.Split(m, ".")...))
		}
		all = append(all, line)
	}
	for _, api := range get("apigateway", "/v2/apis", "items") {
		path := "/v2/apis/" + wire.Text(api, "apiId")
		add("api", api, "routeSelectionExpression", "tags")
		for _, r := range get("apigateway", path+"/routes", "items") {
			add("route", r, "routeKey")
			for _, a := range get("apigateway", path+"/routes/"+wire.Text(r, "routeId")+"/routeresponses", "items") {
				add("route response", a, "routeResponseKey")
			}
		}
		for _, i := range get("apigateway", path+"/integrations", "items") {
			add("integration", i, "integrationType", "requestTemplates", "templateSelectionExpression")
			for _, a := range get("apigateway", path+"/integrations/"+wire.Text(i, "integrationId")+"/integrationresponses", "items") {
				add("integration response", a, "integrationResponseKey", "responseTemplates")
			}
		}
		for _, d := range get("apigateway", path+"/deployments", "items") {
			add("deployment", d, "deploymentStatus")
		}
		for _, s := range get("apigateway", path+"/stages", "items") {
			add("stage", s, "stageName", "stageVariables")
		}
	}
	for _, f := range get("lambda", "/2015-03-31/functions", "Functions") {
		add("function", f, "CodeSha256", "Timeout", "Environment.Variables")
		policy, err := c.REST(ctx, "lambda", http.MethodGet, "/2015-03-31/functions/"+wire.Text(f, "FunctionName")+"/policy", nil)
		if err == nil {
			all = append(all, fmt.Sprintf("policy with %d statements, %d with a source", strings.Count(wire.Text(policy, "Policy"), `"Sid"`),
				strings.Count(wire.Text(policy, "Policy"), "SourceArn")))
		}
	}
	for _, k := range get("apigateway", "/apikeys", "item") {
		add("key", k, "enabled")
	}
	for _, p := range get("apigateway", "/usageplans", "item") {
		add("plan", p, "throttle", "quota")
		for range get("apigateway", "/usageplans/"+wire.Text(p, "id")+"/keys", "item") {
			all = append(all, "plan key")
		}
	}
	roles, err := c.Query(ctx, "iam", "2010-05-08", "ListRoles", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range wire.List(roles, "Roles") {
		inline, err := c.Query(ctx, "iam", "2010-05-08", "ListRolePolicies", url.Values{"RoleName": {wire.Text(r, "RoleName")}})
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, fmt.Sprint("role ", wire.List(inline, "PolicyNames")))
	}
	tables, err := c.JSON(ctx, "dynamodb", "DynamoDB_20120810.ListTables", map[string]any{})
	if err != nil {
		w.t.Fatal(err)
	}
	for range wire.List(tables, "TableNames") {
		all = append(all, "table")
	}
	stacks, _, err := stack.List(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range stacks {
		all = append(all, "stack "+s.Status+" "+fmt.Sprint(slices.Sorted(maps.Keys(s.Exports))))
	}
	slices.Sort(all)
	return all
}

// failing lets a number of requests through, and then fails as if the program had been killed: the next one is carried out, but the answer
// is lost, and every later one is not sent.
type failing struct {
	mu    sync.Mutex
	left  int
	under http.RoundTripper
}

var errKilled = errors.New("killed")

func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.left--
	left := f.left
	f.mu.Unlock()
	if left < -1 {
		return nil, errKilled
	}
	resp, err := f.under.RoundTrip(r)
	if left == -1 && err == nil {
		resp.Body.Close()
		return nil, errKilled
	}
	return resp, err
}

// killed deploys until a number of requests were made, as a process that is no more.
func (w *world) killed(name string, t *template.Template, requests int) (done bool) {
	f := &failing{left: requests, under: w.gw.HTTP().Transport}
	o := w.options(name).OwnedBy(deadOwner(w.t))
	o.Client = w.client(f)
	_, err := stack.Make(context.WithoutCancel(w.t.Context()), t, o)
	return err == nil
}

func deadOwner(t *testing.T) string {
	host, err := os.Hostname()
	if err != nil {
		t.Skip("this machine has no name:", err)
	}
	return fmt.Sprintf("process %d on %s", 1<<30, host) // above every system's largest process id
}

func source(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
