package deploy_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/throttle"
	"github.com/sockgate/sockgate/state/catalog"
	"github.com/sockgate/sockgate/state/store/memory"
)

// TestRoutesHaveBuckets: which limit each route of a stage gets, and what of it survives a change of the stage.
func TestRoutesHaveBuckets(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	account := sockgate.Throttle{Burst: 5000, Rate: 10000}
	s, table := memory.New(), deploy.NewTable()
	defer s.Close()
	var d *deploy.Deployer
	cat := catalog.New(s, func(ctx context.Context, id string) { d.Refresh(ctx, id) })
	d = deploy.NewDeployer(deploy.Config{Catalog: cat, Table: table, Place: place, Limits: throttle.NewRoutes(), Account: account,
		Clock: func() time.Time { return now }, Attach: func(*deploy.Stage) {}, Retired: func(deploy.StageKey) {}, Log: slog.New(slog.DiscardHandler)})

	def := definition("http://127.0.0.1/x")
	def.API.ID = "abc"
	def.Routes = append(def.Routes, sockgate.Route{Key: "join", Target: def.Routes[0].Target})
	if err := cat.Freeze(t.Context(), "abc", "d1", def); err != nil {
		t.Fatal(err)
	}
	burst, rate, more := 2, 1.5, 7
	stage := sockgate.Stage{Name: "dev", DeploymentID: "d1", Default: sockgate.RouteSettings{ThrottlingBurstLimit: &burst},
		Routes: map[string]sockgate.RouteSettings{"join": {ThrottlingRateLimit: &rate}}}
	if err := cat.CreateAPI(t.Context(), &sockgate.APIRecord{Definition: *def, Stages: []sockgate.Stage{stage}}); err != nil {
		t.Fatal(err)
	}
	change := func(edit func(*sockgate.Stage)) *deploy.Stage {
		t.Helper()
		err := cat.ChangeAPI(t.Context(), "abc", func(rec *sockgate.APIRecord) error { edit(&rec.Stages[0]); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return table.Stage("abc", "dev")
	}
	live := table.Stage("abc", "dev")
	join, other := live.Routes["join"].Limit, live.Routes["$default"].Limit
	if got, want := join.Limit(), (sockgate.Throttle{Burst: 2, Rate: 1.5}); got != want {
		t.Errorf("join has %+v, want %+v", got, want)
	}
	if got, want := other.Limit(), (sockgate.Throttle{Burst: 2, Rate: 10000}); got != want {
		t.Errorf("$default has %+v, want %+v", got, want)
	}
	if live.Unrouted == nil || live.Unrouted.Limit().Burst != 2 {
		t.Error("handshakes without a $connect route have no limit")
	}
	join.Take(now)
	join.Take(now)
	live = change(func(s *sockgate.Stage) { s.Default.ThrottlingBurstLimit = &more })
	if again := live.Routes["join"].Limit; again != join || again.Limit().Burst != 7 || again.Take(now) {
		t.Error("a change of the limit made another bucket, or refilled it")
	}
	live = change(func(s *sockgate.Stage) { s.Default, s.Routes = sockgate.RouteSettings{}, nil })
	if live.Routes["join"].Limit != nil || live.Unrouted != nil {
		t.Error("a limit that was taken away is still there")
	}
}
