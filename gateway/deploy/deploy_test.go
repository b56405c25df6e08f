package deploy_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

var place = deploy.Place{Account: "000000000000", Region: "us-east-1"}

func definition(uri string) *sockgate.Definition {
	return &sockgate.Definition{
		API:          sockgate.API{ID: "abc", RouteSelectionExpression: "$request.body.action"},
		Routes:       []sockgate.Route{{ID: "r1", Key: "$default", Target: "integrations/i1"}},
		Integrations: []sockgate.Integration{{ID: "i1", Type: sockgate.HTTPProxy, Method: "POST", URI: uri, Timeout: time.Second}},
	}
}

func TestCompileNamesResourceAndFault(t *testing.T) {
	cases := []struct {
		name string
		edit func(*sockgate.Definition)
		want []string
	}{
		{"integration with a bad URI", func(d *sockgate.Definition) { d.Integrations[0].URI = "ftp://x/" }, []string{"integration i1"}},
		{"bad parameter mapping", func(d *sockgate.Definition) {
			d.Integrations[0].RequestParameters = map[string]string{"integration.request.header.a b": "context.connectionId"}
		}, []string{"integration i1", "a b"}},
		{"target that is gone", func(d *sockgate.Definition) { d.Routes[0].Target = "integrations/zzz" }, []string{"route $default", "integrations/zzz"}},
		{"selection expression", func(d *sockgate.Definition) { d.API.RouteSelectionExpression = "${request.body.a" }, []string{"routeSelectionExpression"}},
		{"parameter of no known place", func(d *sockgate.Definition) {
			d.Routes[0].RequestParameters = map[string]bool{"route.request.cookie.a": true}
		}, []string{"route $default", "route.request.cookie.a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			def := definition("http://127.0.0.1/x")
			c.edit(def)
			_, err := deploy.Compile(def, &sockgate.Stage{Name: "dev"}, place)
			if err == nil || sockgate.KindOf(err) != sockgate.Invalid {
				t.Fatalf("Compile: %v, want Invalid", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error %q does not name %q", err, w)
				}
			}
		})
	}
}

func TestWhatIsNotBuiltIsNamed(t *testing.T) {
	def := definition("http://127.0.0.1/x")
	if got := deploy.StatusMessage(def); got != "" {
		t.Errorf("StatusMessage of a definition that is all built: %q", got)
	}
	def.Routes = append(def.Routes,
		sockgate.Route{Key: "$connect", APIKeyRequired: true},
		sockgate.Route{Key: "say", Target: "integrations/i2"})
	def.Integrations = append(def.Integrations, sockgate.Integration{ID: "i2", Type: sockgate.AWS, URI: "arn:aws:apigateway:us-east-1:sqs:path/000000000000/jobs"})
	want := []string{
		"integration i2: integrationType AWS with service sqs",
	}
	if got := deploy.Unbuilt(def); !slices.Equal(got, want) {
		t.Errorf("Unbuilt:\n got %q\nwant %q", got, want)
	}
	if _, err := deploy.Compile(def, &sockgate.Stage{Name: "dev"}, place); err != nil {
		t.Errorf("Compile: %v; what is not built must deploy and fail when called", err)
	}
}

func TestRouteSettingsInheritMemberByMember(t *testing.T) {
	info, off, yes, burst := "INFO", "OFF", true, 7
	stage := &sockgate.Stage{
		Name:    "dev",
		Default: sockgate.RouteSettings{LoggingLevel: &info, ThrottlingBurstLimit: &burst},
		Routes:  map[string]sockgate.RouteSettings{"$default": {LoggingLevel: &off, DataTraceEnabled: &yes}},
	}
	st, err := deploy.Compile(definition("http://127.0.0.1/x"), stage, place)
	if err != nil {
		t.Fatal(err)
	}
	s := st.Routes["$default"].Settings
	if *s.LoggingLevel != off || !*s.DataTraceEnabled || *s.ThrottlingBurstLimit != burst || s.ThrottlingRateLimit != nil {
		t.Errorf("effective settings: %+v", s)
	}
}

// world is a deployer on a memory store, with what it told its surroundings.
type world struct {
	catalog  *catalog.Catalog
	deployer *deploy.Deployer
	table    *deploy.Table
	mu       sync.Mutex
	attached int
	retired  []deploy.StageKey
}

func start(t *testing.T) *world {
	s := memory.New()
	w := &world{table: deploy.NewTable()}
	w.catalog = catalog.New(s, func(ctx context.Context, id string) { w.deployer.Refresh(ctx, id) })
	w.deployer = deploy.NewDeployer(deploy.Config{
		Catalog: w.catalog, Table: w.table, Log: slog.New(slog.DiscardHandler),
		Attach: func(*deploy.Stage) { w.mu.Lock(); w.attached++; w.mu.Unlock() },
		Retired: func(k deploy.StageKey) {
			w.mu.Lock()
			w.retired = append(w.retired, k)
			w.mu.Unlock()
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.deployer.Run(ctx) }()
	<-w.deployer.Ready()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		s.Close()
	})
	return w
}

func (w *world) freeze(t *testing.T, id, uri string) {
	if err := w.catalog.Freeze(t.Context(), "abc", id, definition(uri)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) change(t *testing.T, f func(*sockgate.APIRecord)) {
	if err := w.catalog.ChangeAPI(t.Context(), "abc", func(r *sockgate.APIRecord) error { f(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeIsLiveWhenItIsAcknowledged(t *testing.T) {
	w := start(t)
	w.freeze(t, "d1", "http://127.0.0.1/one")
	w.freeze(t, "d2", "http://127.0.0.1/two")
	rec := &sockgate.APIRecord{Definition: *definition("http://127.0.0.1/one"),
		Stages: []sockgate.Stage{{Name: "dev", DeploymentID: "d1"}, {Name: "empty"}}}
	if err := w.catalog.CreateAPI(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	first := w.table.Stage("abc", "dev")
	if first == nil {
		t.Fatal("the stage is not live")
	}
	if w.table.Stage("abc", "empty") != nil {
		t.Error("a stage without a deployment is live")
	}

	w.change(t, func(r *sockgate.APIRecord) {
		r.Stages = append(r.Stages, sockgate.Stage{Name: "prod", DeploymentID: "d2"})
	})
	if w.table.Stage("abc", "dev") != first {
		t.Error("another stage's change compiled this one again")
	}
	if w.table.Stage("abc", "prod") == nil {
		t.Error("the new stage is not live")
	}

	w.change(t, func(r *sockgate.APIRecord) { r.Stages[0].DeploymentID = "d2" })
	if second := w.table.Stage("abc", "dev"); second == first || second.Settings.DeploymentID != "d2" {
		t.Error("the stage did not move to its new deployment")
	}

	w.change(t, func(r *sockgate.APIRecord) {
		r.Stages = slices.DeleteFunc(r.Stages, func(s sockgate.Stage) bool { return s.Name == "prod" })
	})
	if w.table.Stage("abc", "prod") != nil || len(w.retired) != 1 || w.retired[0] != (deploy.StageKey{APIID: "abc", Stage: "prod"}) {
		t.Errorf("after deleting prod: retired %v", w.retired)
	}

	if err := w.catalog.DeleteAPI(t.Context(), "abc"); err != nil {
		t.Fatal(err)
	}
	if w.table.Stage("abc", "dev") != nil {
		t.Error("a deleted API is live")
	}
}

func TestAStageThatDoesNotCompileStaysAsItWas(t *testing.T) {
	w := start(t)
	w.freeze(t, "d1", "http://127.0.0.1/one")
	w.freeze(t, "bad", "nonsense://")
	rec := &sockgate.APIRecord{Definition: *definition("http://127.0.0.1/one"), Stages: []sockgate.Stage{{Name: "dev", DeploymentID: "d1"}}}
	if err := w.catalog.CreateAPI(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	first := w.table.Stage("abc", "dev")
	for _, id := range []string{"bad", "missing"} {
		w.change(t, func(r *sockgate.APIRecord) { r.Stages[0].DeploymentID = id })
		if w.table.Stage("abc", "dev") != first {
			t.Errorf("deployment %q took the running stage down", id)
		}
	}
	w.change(t, func(r *sockgate.APIRecord) { r.Stages[0].DeploymentID = "d1"; r.Stages[0].Description = "mended" })
	if got := w.table.Stage("abc", "dev"); got == first || got.Settings.Description != "mended" {
		t.Error("the mended stage is not live")
	}
	if len(w.retired) != 0 {
		t.Errorf("retired %v", w.retired)
	}
}
