package pipeline

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/telemetry/metrics"
)

// A connection that outlives its stage, and ends when another of that name is there, is not the other's.
func TestGaugeOfAStageMadeAnew(t *testing.T) {
	m := metrics.New()
	session := &Session{}
	event := func(stage *deploy.Stage, what sockgate.EventType) {
		x := &exchange{session: session, stage: stage}
		x.ev.Type, x.ev.Status = what, 200
		x.count(nil)
	}
	event(&deploy.Stage{Metrics: m.Stage("api", "prod")}, sockgate.Connect)
	wantLine(t, m, `sockgate_connections{apiId="api",stage="prod"} 1`)
	redeployed := &deploy.Stage{Metrics: m.Stage("api", "prod")}
	event(redeployed, sockgate.Message)
	m.Remove("api", "prod")
	event(&deploy.Stage{Metrics: m.Stage("api", "prod")}, sockgate.Disconnect)
	wantLine(t, m, `sockgate_connections{apiId="api",stage="prod"} 0`)
}

func wantLine(t *testing.T, m *metrics.Metrics, line string) {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if !strings.Contains(rec.Body.String(), line+"\n") {
		t.Errorf("%s is not in\n%s", line, rec.Body)
	}
}
