package metrics_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockgate/sockgate/telemetry/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape returns the lines of the metrics page that begin with "sockgate_" and contain all parts.
func scrape(t *testing.T, m *metrics.Metrics, parts ...string) []string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/_sockgate/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	var found []string
next:
	for line := range strings.Lines(rec.Body.String()) {
		for _, part := range append(parts, "sockgate_") {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		if line[0] != '#' {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func expect(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	all := strings.Join(scrape(t, m), "\n") + "\n"
	for _, line := range lines {
		if !strings.Contains(all, line+"\n") {
			t.Errorf("no line %q in\n%s", line, all)
		}
	}
}

func TestStageCounters(t *testing.T) {
	m := metrics.New()
	s := m.Stage("abc", "prod")
	s.Connects.Inc()
	s.Messages.Add(2)
	s.IntegrationErrors.Inc()
	s.ClientErrors.Inc()
	s.ExecutionErrors.Inc()
	s.Latency(3 * time.Millisecond)
	s.Connections.Inc()
	const l = `{apiId="abc",route="",stage="prod"`
	expect(t, m,
		"sockgate_connect_count"+l+"} 1", "sockgate_message_count"+l+"} 2", "sockgate_integration_error_total"+l+"} 1",
		"sockgate_client_error_total"+l+"} 1", "sockgate_execution_error_total"+l+"} 1",
		"sockgate_integration_latency_seconds_bucket"+l+`,le="0.0025"} 0`, "sockgate_integration_latency_seconds_bucket"+l+`,le="0.005"} 1`,
		"sockgate_integration_latency_seconds_sum"+l+"} 0.003", "sockgate_integration_latency_seconds_count"+l+"} 1",
		`sockgate_connections{apiId="abc",stage="prod"} 1`)
}

func TestARouteIsCountedByItselfOnlyWithDetailedMetrics(t *testing.T) {
	m := metrics.New()
	s := m.Stage("abc", "prod")
	s.Route("join", false).Messages.Inc()
	s.Route("leave", false).Messages.Inc()
	s.Route("pay", true).Messages.Inc()
	expect(t, m,
		`sockgate_message_count{apiId="abc",route="",stage="prod"} 2`,
		`sockgate_message_count{apiId="abc",route="pay",stage="prod"} 1`)
	if lines := scrape(t, m, "join"); len(lines) > 0 {
		t.Errorf("a route without detailed metrics has %q", lines)
	}
}

func TestARedeploymentGoesOnCounting(t *testing.T) {
	m := metrics.New()
	m.Stage("abc", "prod").Messages.Inc()
	m.Stage("abc", "prod").Messages.Inc()
	expect(t, m, `sockgate_message_count{apiId="abc",route="",stage="prod"} 2`)
}

func TestRemove(t *testing.T) {
	m := metrics.New()
	old := m.Stage("abc", "prod")
	detailed := old.Route("pay", true)
	old.Connections.Inc()
	m.Stage("abc", "dev").Messages.Inc()
	m.Remove("abc", "prod")
	old.Messages.Inc()
	detailed.Latency(time.Second)
	if lines := scrape(t, m, `stage="prod"`); len(lines) > 0 {
		t.Errorf("left: %q", lines)
	}
	expect(t, m, `sockgate_message_count{apiId="abc",route="",stage="dev"} 1`)
	m.Stage("abc", "prod")
	expect(t, m, `sockgate_message_count{apiId="abc",route="",stage="prod"} 0`)
}

func TestEdge(t *testing.T) {
	m := metrics.New()
	m.Stage("abc", "prod")
	for _, status := range []int{400, 401, 403, 403, 413, 418, 429, 431, 502, 503, 504} {
		m.Refused("anything", "goes", status)
	}
	m.Pushed("abc", "prod", "POST", 200)
	m.Pushed("abc", "prod", "POST", 410)
	m.Pushed("abc", "prod", "POST", 500)
	m.Pushed("abc", "prod", "GET", 200)
	m.Pushed("abc", "no such stage", "POST", 200)
	m.SlowPeer()
	const r, p = "sockgate_handshakes_refused_total{reason=", "sockgate_pushes_total{result="
	expect(t, m,
		r+`"bad_request"} 1`, r+`"unauthorized"} 1`, r+`"forbidden"} 2`, r+`"too_large"} 2`, r+`"throttled"} 1`, r+`"unavailable"} 1`,
		r+`"backend_failed"} 1`, r+`"backend_timeout"} 1`, r+`"backend_refused"} 1`, r+`"timeout"} 0`,
		p+`"delivered"} 2`, p+`"gone"} 1`, p+`"failed"} 1`, p+`"throttled"} 0`,
		`sockgate_message_count{apiId="abc",route="",stage="prod"} 1`, "sockgate_slow_consumers_closed_total 1")
	for _, name := range []string{"anything", "no such stage"} {
		if lines := scrape(t, m, name); len(lines) > 0 {
			t.Errorf("a stranger's name made series: %q", lines)
		}
	}
	m.Remove("abc", "prod")
	m.Pushed("abc", "prod", "POST", 200)
	if lines := scrape(t, m, `stage="prod"`); len(lines) > 0 {
		t.Errorf("a push brought the stage back: %q", lines)
	}
}

func TestProcess(t *testing.T) {
	m := metrics.New()
	m.SendQueueBytes(func() float64 { return 10 })
	m.CountFunc("log_lines_dropped_total", "Lines.", func() float64 { return 7 })
	m.GaugeFunc("functions", "Functions.", func() float64 { return 8 })
	expect(t, m, "sockgate_send_queue_bytes 10", "sockgate_log_lines_dropped_total 7", "sockgate_functions 8")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	for _, name := range []string{"go_memstats_heap_alloc_bytes ", "go_goroutines ", "process_resident_memory_bytes "} {
		if !strings.Contains(rec.Body.String(), "\n"+name) {
			t.Errorf("%s is missing", name)
		}
	}
}

// A stage's name is a stranger's text; as a label it must not break the page.
func TestNamesAreEscaped(t *testing.T) {
	m := metrics.New()
	m.Stage("abc", "prod").Route("a\"}\nevil 1 \xff\\", true).Messages.Inc()
	for _, line := range scrape(t, m) {
		if strings.HasPrefix(line, "evil") {
			t.Error(line)
		}
	}
	expect(t, m)
}

func TestConcurrentStages(t *testing.T) {
	m := metrics.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				s := m.Stage("abc", "prod")
				s.Route("r", true).Messages.Inc()
				s.Latency(time.Millisecond)
				m.Remove("abc", "gone")
			}
		})
	}
	wg.Wait()
	expect(t, m, `sockgate_message_count{apiId="abc",route="r",stage="prod"} 800`)
}

func BenchmarkMessage(b *testing.B) {
	r := metrics.New().Stage("abc", "prod").Route("join", false)
	b.ReportAllocs()
	for b.Loop() {
		r.Messages.Inc()
		r.Latency(time.Millisecond)
	}
}
