package stack_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/resource/wire"
	"github.com/sockgate/sockgate/template/stack"
)

func TestDeployIsIdempotent(t *testing.T) {
	w := newWorld(t)
	first := w.deploy("chat", w.file("v1.yaml"))
	if first.Unchanged || first.Plan.Count(stack.Create) != 13 {
		t.Errorf("the first deploy creates %d resources, want 13", first.Plan.Count(stack.Create))
	}
	before := w.inventory()
	writes := &counting{under: w.gw.HTTP().Transport}
	o := w.options("chat")
	o.Client = w.client(writes)
	second, err := stack.Make(t.Context(), w.file("v1.yaml"), o)
	if err != nil || !second.Unchanged {
		t.Errorf("the second deploy changes something: %+v, %v", second.Plan, err)
	}
	if len(writes.calls) > 0 {
		t.Errorf("the second deploy makes calls that change something: %v", writes.calls)
	}
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("the second deploy changed (-before +after):\n%s", diff)
	}
	if !slices.Equal(first.Outputs, second.Outputs) || len(first.Outputs) != 1 {
		t.Errorf("outputs %v, then %v", first.Outputs, second.Outputs)
	}
}

// counting remembers the calls that are no reading.
type counting struct {
	under http.RoundTripper
	calls []string
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		c.calls = append(c.calls, r.Method+" "+r.URL.Path)
	}
	return c.under.RoundTrip(r)
}

func TestUpdateAndDelete(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	w.deploy("fresh", w.file("v2.yaml"))
	want := w.inventory()
	w.remove("fresh")
	if diff := cmp.Diff(empty, w.inventory()); diff != "" {
		t.Fatalf("a deleted stack leaves (-want +got):\n%s", diff)
	}
	w.deploy("chat", w.file("v1.yaml"))
	w.deploy("chat", w.file("v2.yaml"))
	if diff := cmp.Diff(want, w.inventory()); diff != "" {
		t.Errorf("an update from v1 differs from a fresh v2 (-fresh +updated):\n%s", diff)
	}
	w.remove("chat")
	w.remove("chat") // which is not there
	if diff := cmp.Diff(empty, w.inventory()); diff != "" {
		t.Errorf("a deleted stack leaves (-want +got):\n%s", diff)
	}
}

const broken = `
  Broken:
    Type: AWS::ApiGatewayV2::Route
    DependsOn: [Stage, Permission, Role, Plan, Key]
    Properties: {ApiId: !Ref Api, RouteKey: broken, Target: integrations/nothing}
Outputs:`

func TestFailureIsTakenBack(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	withFault := func(name string) string { return strings.Replace(source(t, name), "\nOutputs:", broken, 1) }

	r, err := stack.Make(t.Context(), w.parse(withFault("v1.yaml")), w.options("chat"))
	if err == nil || !r.RolledBack {
		t.Fatalf("the broken template was deployed: %v", err)
	}
	for _, want := range []string{"template.yaml:", "resource Broken (AWS::ApiGatewayV2::Route)", "Invalid Integration identifier specified nothing", "request id"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q lacks %q", err, want)
		}
	}
	if diff := cmp.Diff(empty, w.inventory()); diff != "" {
		t.Errorf("a first deploy that failed leaves (-want +got):\n%s", diff)
	}

	first := w.deploy("chat", w.file("v1.yaml"))
	before := w.inventory()
	if r, err = stack.Make(t.Context(), w.parse(withFault("v2.yaml")), w.options("chat")); err == nil || !r.RolledBack {
		t.Fatalf("the broken template was deployed: %v", err)
	}
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("an update that failed leaves (-before +after):\n%s", diff)
	}
	again := w.deploy("chat", w.file("v1.yaml"))
	if !again.Unchanged || !cmp.Equal(first.Resources, again.Resources) {
		t.Errorf("after the rollback v1 is not what there is: %+v", again.Plan)
	}
}

// TestInterruptedCreation ends a first deploy at each of its requests, after it was carried out and before the answer came; for the gateway that
// is the same as before the next one is sent. The next deploy finishes it, or the stack is deleted; nothing is left in either case.
func TestInterruptedCreation(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	v1 := w.file("v1.yaml")
	w.deploy("chat", v1)
	want := w.inventory()
	w.remove("chat")
	for n := 0; ; n++ {
		whole := w.killed("chat", v1, n)
		if n%2 == 0 {
			w.deploy("chat", v1)
			if diff := cmp.Diff(want, w.inventory()); diff != "" {
				t.Fatalf("request %d: after the next deploy (-want +got):\n%s", n, diff)
			}
		}
		w.remove("chat")
		if diff := cmp.Diff(empty, w.inventory()); diff != "" {
			t.Fatalf("request %d: after the deletion (-want +got):\n%s", n, diff)
		}
		if whole {
			if n < 40 {
				t.Errorf("a deploy makes %d requests; were all of them counted?", n)
			}
			return
		}
	}
}

// TestInterruptedUpdate is the same for an update, which the next deploy finishes or undoes.
func TestInterruptedUpdate(t *testing.T) {
	w := newWorld(t)
	v1, v2 := w.file("v1.yaml"), w.file("v2.yaml")
	w.deploy("chat", v2)
	updated := w.inventory()
	w.remove("chat")
	w.deploy("chat", v1)
	original := w.inventory()
	for n := 0; ; n++ {
		whole := w.killed("chat", v2, n)
		if n%2 == 0 {
			w.deploy("chat", v2)
			if diff := cmp.Diff(updated, w.inventory()); diff != "" {
				t.Fatalf("request %d: finished (-want +got):\n%s", n, diff)
			}
		}
		w.deploy("chat", v1)
		if diff := cmp.Diff(original, w.inventory()); diff != "" {
			t.Fatalf("request %d: undone (-want +got):\n%s", n, diff)
		}
		if whole {
			return
		}
	}
}

// TestInterruptedDeletion is the same for a deletion, which the next one finishes.
func TestInterruptedDeletion(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	v1 := w.file("v1.yaml")
	for n := 0; ; n++ {
		w.deploy("chat", v1)
		o := w.options("chat").OwnedBy(deadOwner(t))
		o.Client = w.client(&failing{left: n, under: w.gw.HTTP().Transport})
		_, err := stack.Remove(t.Context(), o)
		if n%3 == 1 { // or somebody wants it after all
			w.deploy("chat", v1)
		}
		w.remove("chat")
		if diff := cmp.Diff(empty, w.inventory()); diff != "" {
			t.Fatalf("request %d: a deletion leaves (-want +got):\n%s", n, diff)
		}
		if err == nil {
			return
		}
	}
}

func TestInterruptedByContext(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	ctx, cancel := context.WithCancel(t.Context())
	o := w.options("chat")
	o.Progress = func(e stack.Event) {
		if e.ID == "Mock" && e.Done {
			cancel()
		}
	}
	r, err := stack.Make(ctx, w.file("v1.yaml"), o)
	if err == nil || !r.RolledBack {
		t.Fatalf("an interrupted deploy gives %v, %v", r, err)
	}
	if diff := cmp.Diff(empty, w.inventory()); diff != "" {
		t.Errorf("an interrupted deploy leaves (-want +got):\n%s", diff)
	}
}

func TestNoRollback(t *testing.T) {
	w := newWorld(t)
	o := w.options("chat")
	o.NoRollback = true
	r, err := stack.Make(t.Context(), w.parse(strings.Replace(source(t, "v1.yaml"), "\nOutputs:", broken, 1)), o)
	if err == nil || r.RolledBack {
		t.Fatalf("the broken template gives %v, %v", r, err)
	}
	if done := w.deploy("chat", w.file("v1.yaml")); done.Plan.Count(stack.Create) != 0 {
		t.Errorf("the next deploy creates what there was: %+v", done.Plan)
	}
}

func TestTwoDeploysAtOnce(t *testing.T) {
	w := newWorld(t)
	v1 := w.file("v1.yaml")
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := stack.Make(t.Context(), v1, w.options("chat"))
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	got := w.inventory()
	if n := len(slices.DeleteFunc(got, func(l string) bool { return !strings.HasPrefix(l, "api ") })); n != 1 {
		t.Errorf("two deploys at once made %d APIs", n)
	}
}

func TestExports(t *testing.T) {
	w := newWorld(t)
	w.deploy("chat", w.file("v1.yaml"))
	importer := `{Resources: {Group: {Type: "AWS::Logs::LogGroup", Properties: {LogGroupName: !ImportValue chat-url}}}, Outputs: {Url: {Value: !Ref Group}}}`
	r := w.deploy("user", w.parse(importer))
	if len(r.Outputs) != 1 || !strings.HasPrefix(r.Outputs[0].Value, "wss://") {
		t.Errorf("imported %v", r.Outputs)
	}
	for name, err := range map[string]error{
		"cannot be deleted as it is in use by user": func() error { _, err := stack.Remove(t.Context(), w.options("chat")); return err }(),
		"already exported by stack chat": func() error {
			_, err := stack.Make(t.Context(), w.parse(`{Resources: {G: {Type: "AWS::Logs::LogGroup"}}, Outputs: {A: {Value: x, Export: {Name: chat-url}}}}`), w.options("third"))
			return err
		}(),
		"Export chat-url": func() error { // v2 no longer exports it
			_, err := stack.Make(t.Context(), w.file("v2.yaml"), w.options("chat"))
			return err
		}(),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
	if !w.deploy("chat", w.file("v1.yaml")).Unchanged {
		t.Error("the refused update was not taken back")
	}
	w.remove("user")
	w.remove("chat")
}

func TestRetainAndParameters(t *testing.T) {
	w := newWorld(t)
	src := `{Parameters: {N: {Type: String, Default: one}}, Resources: {
		Role: {Type: "AWS::IAM::Role", DeletionPolicy: Retain, Properties: {RoleName: kept, Description: !Ref N, AssumeRolePolicyDocument:
			{Version: "2012-10-17", Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}}}}}}`
	o := w.options("chat")
	o.Parameters = map[string]string{"N": "two"}
	if _, err := stack.Make(t.Context(), w.parse(src), o); err != nil {
		t.Fatal(err)
	}
	if r := w.deploy("chat", w.parse(src)); !r.Unchanged { // the value of the last deploy stays
		t.Errorf("without parameters: %+v", r.Plan.Steps[0])
	}
	w.remove("chat")
	if _, err := w.client(nil).Query(t.Context(), "iam", "2010-05-08", "GetRole", map[string][]string{"RoleName": {"kept"}}); err != nil {
		t.Errorf("the retained role is gone: %v", err)
	}
	if _, err := stack.Make(t.Context(), w.parse(src), o); !wire.Is(err, "EntityAlreadyExists") {
		t.Errorf("the role's name is taken: %v", err)
	}
	if _, err := w.client(nil).Query(t.Context(), "iam", "2010-05-08", "GetRole", map[string][]string{"RoleName": {"kept"}}); err != nil {
		t.Errorf("a failed deploy took away a role that is not its own: %v", err)
	}
}

// TestDeploymentOfAStage is about templates in which the deployment names the stage, and not the stage the deployment.
func TestDeploymentOfAStage(t *testing.T) {
	w := newWorld(t)
	empty := w.inventory()
	src := func(key, more string) string {
		return `{Resources: {
			Api: {Type: "AWS::ApiGatewayV2::Api", Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}},
			Mock: {Type: "AWS::ApiGatewayV2::Integration", Properties: {ApiId: !Ref Api, IntegrationType: MOCK}},
			Route: {Type: "AWS::ApiGatewayV2::Route", Properties: {ApiId: !Ref Api, RouteKey: ` + key + `, Target: !Sub "integrations/${Mock}"}},
			Stage: {Type: "AWS::ApiGatewayV2::Stage", Properties: {ApiId: !Ref Api, StageName: live}},
			Deployment: {Type: "AWS::ApiGatewayV2::Deployment", DependsOn: [Stage, Route], Properties: {ApiId: !Ref Api, StageName: live}}` + more + `}}`
	}
	stageOf := func(r *stack.Result) string {
		answer, err := w.client(nil).REST(t.Context(), "apigateway", http.MethodGet, "/v2/apis/"+r.Resources["Api"]+"/stages/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		return wire.Text(answer, "deploymentId")
	}
	w.deploy("chat", w.parse(src("a", "")))
	r := w.deploy("chat", w.parse(src("b", "")))
	if stageOf(r) != r.Resources["Deployment"] {
		t.Error("the stage does not follow")
	}
	fault := `, Broken: {Type: "AWS::ApiGatewayV2::Route", DependsOn: Deployment, Properties: {ApiId: !Ref Api, RouteKey: x, Target: integrations/none}}`
	if _, err := stack.Make(t.Context(), w.parse(src("c", fault)), w.options("chat")); err == nil {
		t.Fatal("the broken template was deployed")
	}
	if stageOf(r) != r.Resources["Deployment"] {
		t.Error("after a rollback the stage is not where it was")
	}
	if again := w.deploy("chat", w.parse(src("b", ""))); !again.Unchanged {
		t.Errorf("after a rollback there is something to do: %+v", again.Plan)
	}
	w.remove("chat")
	if diff := cmp.Diff(empty, w.inventory()); diff != "" {
		t.Errorf("a deleted stack leaves (-want +got):\n%s", diff)
	}
}

// TestRouteUnderAnotherName renames a route, whose key nobody else may have meanwhile.
func TestRouteUnderAnotherName(t *testing.T) {
	w := newWorld(t)
	src := func(name, more string) *template.Template {
		return w.parse(`{Resources: {
			Api: {Type: "AWS::ApiGatewayV2::Api", Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}},
			Mock: {Type: "AWS::ApiGatewayV2::Integration", Properties: {ApiId: !Ref Api, IntegrationType: MOCK}},
			` + name + `: {Type: "AWS::ApiGatewayV2::Route", Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub "integrations/${Mock}"}}` + more + `}}`)
	}
	first := w.deploy("chat", src("Before", ""))
	fault := `, Broken: {Type: "AWS::ApiGatewayV2::Route", Properties: {ApiId: !Ref Api, RouteKey: x, Target: integrations/none}}`
	if _, err := stack.Make(t.Context(), src("After", fault), w.options("chat")); err == nil {
		t.Fatal("the broken template was deployed")
	}
	for _, name := range []string{"Before", "After", "Later"} {
		if r := w.deploy("chat", src(name, "")); r.Resources[name] != first.Resources["Before"] {
			t.Errorf("%s is the route %s, and was %s", name, r.Resources[name], first.Resources["Before"])
		}
	}
	w.remove("chat")
}
