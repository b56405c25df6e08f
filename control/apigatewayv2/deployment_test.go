package apigatewayv2_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sockgate/sockgate"
)

func TestDeploymentFreezes(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	route, _ := g.newRoute(api, "$connect")
	id := strings.TrimPrefix(api, "/v2/apis/")
	d := g.do("POST", api+"/deployments", `{}`).str("deploymentId")
	g.do("PATCH", api+"/routes/"+route, `{"operationName":"Changed"}`).ok(200)
	frozen, err := g.catalog.Frozen(ctx, id, d)
	if err != nil {
		t.Fatal(err)
	}
	if frozen.API.ID != id || len(frozen.Routes) != 1 || frozen.Routes[0].OperationName != "" {
		t.Errorf("frozen: %+v", frozen)
	}
}

func TestDeploymentThatDoesNotCompile(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	g.newRoute(api, "$connect")
	first := g.do("POST", api+"/deployments", `{}`).str("deploymentId")
	g.do("POST", api+"/stages", `{"stageName":"prod","deploymentId":"`+first+`"}`).ok(201)

	g.check = func(*sockgate.Definition) error { return sockgate.Invalidf("route $connect: bad") }
	g.do("POST", api+"/deployments", `{"stageName":"prod"}`).refused(400, "route $connect: bad")
	g.check = nil
	g.checkStage = func(_ *sockgate.Definition, st *sockgate.Stage) error {
		if st.Name == "prod" {
			return sockgate.Invalidf("integration x: stage variable host")
		}
		return nil
	}
	g.do("POST", api+"/deployments", `{"stageName":"prod"}`).refused(400, "integration x: stage variable host")
	if rec := g.record(api); len(rec.Deployments) != 1 || rec.Stages[0].DeploymentID != first {
		t.Errorf("the running stage was touched: %+v", rec.Stages)
	}
	second := g.do("POST", api+"/deployments", `{}`).str("deploymentId") // for no stage, it is well
	g.do("PATCH", api+"/stages/prod", `{"deploymentId":"`+second+`"}`).refused(400, "integration x: stage variable host")
	g.do("PATCH", api+"/stages/prod", `{"stageVariables":{"a":"b"}}`).refused(400, "integration x: stage variable host")
	g.do("PATCH", api+"/stages/prod", logging("$context.requestId")).refused(400, "integration x: stage variable host")
	g.do("PATCH", api+"/stages/prod", `{"description":"needs no compiling"}`).ok(200)
	if st := g.record(api).Stages[0]; st.DeploymentID != first || len(st.Variables) != 0 {
		t.Errorf("stage: %+v", st)
	}
}

func TestCheckThatFailsItself(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	g.newRoute(api, "$connect")
	g.check = func(*sockgate.Definition) error { return errors.New("secret detail") }
	if a := g.do("POST", api+"/deployments", `{}`); a.status != 500 || strings.Contains(a.body, "secret") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	g.do("POST", api+"/stages", `{"stageName":"auto","autoDeploy":true}`).ok(201)
	if m := g.record(api).Stages[0].LastDeploymentStatusMessage; m != "Deployment attempt failed: Internal server error" {
		t.Errorf("message %q", m)
	}
}

func TestAutoDeploy(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	id := strings.TrimPrefix(api, "/v2/apis/")
	st := g.do("POST", api+"/stages", `{"stageName":"auto","autoDeploy":true}`).ok(201)
	equal(t, "nothing to deploy", st["lastDeploymentStatusMessage"], any("Deployment attempt failed: Unable to deploy API because no routes exist in this API"))

	edits := []struct{ name, method, path, body string }{
		{"route", "POST", "/routes", `{"routeKey":"send","target":"integrations/{i}"}`},
		{"integration", "PATCH", "/integrations/{i}", `{"description":"d"}`},
		{"integration response", "POST", "/integrations/{i}/integrationresponses", `{"integrationResponseKey":"$default"}`},
		{"authorizer", "POST", "/authorizers", `{"name":"a","authorizerType":"REQUEST","authorizerUri":"` + lambdaURI + `"}`},
		{"model", "POST", "/models", `{"name":"M","schema":"{}"}`},
		{"api", "PATCH", "", `{"description":"d"}`},
	}
	integration := g.do("POST", api+"/integrations", `{"integrationType":"MOCK"}`).str("integrationId")
	before := g.record(api).Stages[0].DeploymentID
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			if a := g.do(e.method, api+strings.ReplaceAll(e.path, "{i}", integration), strings.ReplaceAll(e.body, "{i}", integration)); a.status > 201 {
				t.Fatal(a.body)
			}
			rec := g.record(api)
			st, d := rec.Stages[0], rec.Deployments[len(rec.Deployments)-1]
			if st.DeploymentID == before || st.DeploymentID != d.ID || !d.AutoDeployed ||
				d.Description != "Automatic deployment triggered by changes to the Api configuration" ||
				st.LastDeploymentStatusMessage != "Successfully deployed stage with deployment ID '"+d.ID+"'" {
				t.Errorf("stage %+v, deployment %+v", st, d)
			}
			frozen, err := g.catalog.Frozen(ctx, id, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "frozen", *frozen, rec.Definition)
			before = st.DeploymentID
		})
	}

	g.check = func(*sockgate.Definition) error { return sockgate.Invalidf("route send: bad") }
	g.do("PATCH", api, `{"description":"e"}`).ok(200)
	stage := g.record(api).Stages[0]
	if stage.DeploymentID != before || stage.LastDeploymentStatusMessage != "Deployment attempt failed: route send: bad" {
		t.Errorf("stage %+v", stage)
	}
	g.check = nil
	g.do("PATCH", api+"/stages/auto", `{"description":"no edit of the API"}`).ok(200)
	if g.record(api).Stages[0].DeploymentID != before {
		t.Error("an edit of the stage made a deployment")
	}
	g.do("PATCH", api+"/stages/auto", `{"autoDeploy":false}`).ok(200)
	g.do("PATCH", api, `{"description":"f"}`).ok(200)
	if g.record(api).Stages[0].DeploymentID != before {
		t.Error("a stage that does not deploy by itself did")
	}
	if st := g.do("PATCH", api+"/stages/auto", `{"autoDeploy":true}`).ok(200); st["deploymentId"] == before {
		t.Error("switching it on did not deploy")
	}
}

func TestAutoDeployKeepsFewDeployments(t *testing.T) {
	g := newGateway(t)
	api := g.newAPI()
	id := strings.TrimPrefix(api, "/v2/apis/")
	g.newRoute(api, "$connect")
	kept := g.do("POST", api+"/deployments", `{"description":"by hand"}`).str("deploymentId")
	g.do("POST", api+"/stages", `{"stageName":"auto","autoDeploy":true}`).ok(201)
	pinned := g.record(api).Stages[0].DeploymentID
	g.do("POST", api+"/stages", `{"stageName":"pinned","deploymentId":"`+pinned+`"}`).ok(201)
	var all []string
	for i := range 30 {
		g.do("PATCH", api, fmt.Sprintf(`{"description":"%d"}`, i)).ok(200)
		all = append(all, g.record(api).Stages[0].DeploymentID)
	}
	rec := g.record(api)
	if got, want := len(rec.Deployments), 1+1+1+10; got != want { // by hand, pinned, current, unused
		t.Errorf("%d deployments, want %d", got, want)
	}
	for _, d := range append(all, kept, pinned) {
		named := false
		for _, r := range rec.Deployments {
			named = named || r.ID == d
		}
		if _, err := g.catalog.Frozen(ctx, id, d); (err == nil) != named {
			t.Errorf("deployment %s: in the record %v, frozen: %v", d, named, err)
		}
	}
}

func TestConcurrentEdits(t *testing.T) {
	for _, auto := range []bool{false, true} {
		t.Run(fmt.Sprintf("autoDeploy=%v", auto), func(t *testing.T) {
			g := newGateway(t)
			api := g.newAPI()
			g.newRoute(api, "$connect")
			g.do("POST", api+"/stages", fmt.Sprintf(`{"stageName":"s","autoDeploy":%v}`, auto)).ok(201)
			const n = 50
			answers := make([]answer, n)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() { answers[i] = g.do("POST", api+"/routes", fmt.Sprintf(`{"routeKey":"k%d"}`, i)) })
			}
			wg.Wait()
			for i, a := range answers {
				if a.status != 201 {
					t.Errorf("route %d: %d %s", i, a.status, a.body)
				}
			}
			rec := g.record(api)
			keys := map[string]bool{}
			for _, r := range rec.Routes {
				keys[r.Key] = true
			}
			if len(keys) != n+1 {
				t.Errorf("%d routes, want %d", len(keys), n+1)
			}
			if !auto {
				return
			}
			frozen, err := g.catalog.Frozen(ctx, rec.API.ID, rec.Stages[0].DeploymentID)
			if err != nil || len(frozen.Routes) != n+1 {
				t.Errorf("the last deployment does not have every route: %v", err)
			}
		})
	}
}
