package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Buckets of the latency histogram, in seconds: from a backend next door to AWS's integration timeout of 29 s.
var latencyBuckets = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 29}

// StageMetrics are the metrics of one stage.
type StageMetrics struct {
	RouteMetrics                  // of routes without detailed metrics, and of what has no route
	Connections  prometheus.Gauge // open now

	vectors *stageVectors
	key     stageKey
}

type stageKey struct{ apiID, stage string }

// RouteMetrics are the counters that CloudWatch has for WebSocket APIs. Each event is counted in one RouteMetrics only, so
// that sums over the label "route" are a stage's totals.
type RouteMetrics struct {
	Connects          prometheus.Counter // ConnectCount: messages sent to the $connect integration
	Messages          prometheus.Counter // MessageCount: messages from and to clients
	IntegrationErrors prometheus.Counter // IntegrationError: 4xx and 5xx of the integration
	ClientErrors      prometheus.Counter // ClientError: 4xx of the gateway's own, before the integration
	ExecutionErrors   prometheus.Counter // ExecutionError: the integration could not be called

	latency prometheus.Observer
}

// Latency records how long an integration took to answer. Mock integrations and callbacks are not recorded.
func (r *RouteMetrics) Latency(d time.Duration) { r.latency.Observe(d.Seconds()) }

// Stage returns the metrics of a stage, the same ones each time until Remove. Call it when a stage is compiled.
func (m *Metrics) Stage(apiID, stage string) *StageMetrics {
	s := &StageMetrics{
		RouteMetrics: m.stages.route(apiID, stage, ""),
		Connections:  m.stages.connections.WithLabelValues(apiID, stage),
		vectors:      &m.stages,
		key:          stageKey{apiID, stage},
	}
	m.live.Store(s.key, s)
	return s
}

// Route returns the counters of one route: its own if it has detailed metrics, or else those of the stage.
func (s *StageMetrics) Route(key string, detailed bool) *RouteMetrics {
	if !detailed {
		return &s.RouteMetrics
	}
	r := s.vectors.route(s.key.apiID, s.key.stage, key)
	return &r
}

// Remove drops everything counted for a stage that is gone. Counters that somebody still holds keep working, unseen.
func (m *Metrics) Remove(apiID, stage string) {
	m.live.Delete(stageKey{apiID, stage})
	labels := prometheus.Labels{"apiId": apiID, "stage": stage}
	v := &m.stages
	v.connections.DeletePartialMatch(labels)
	v.latency.DeletePartialMatch(labels)
	for _, vec := range v.counters() {
		vec.DeletePartialMatch(labels)
	}
}

// stageVectors hold the metrics of all stages by label.
type stageVectors struct {
	connects, messages, integrationErrors, clientErrors, executionErrors *prometheus.CounterVec

	latency     *prometheus.HistogramVec
	connections *prometheus.GaugeVec
}

func newStageVectors() stageVectors {
	// The names of the labels are those of the API's members, as in $context and the CloudWatch dimensions.
	routeLabels := []string{"apiId", "stage", "route"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, routeLabels)
	}
	return stageVectors{
		connects:          counter("sockgate_connect_count", "Messages sent to $connect integrations (ConnectCount)."),
		messages:          counter("sockgate_message_count", "Messages from and to clients (MessageCount)."),
		integrationErrors: counter("sockgate_integration_error_total", "4xx and 5xx answers of integrations (IntegrationError)."),
		clientErrors:      counter("sockgate_client_error_total", "4xx answers of the gateway before the integration (ClientError)."),
		executionErrors:   counter("sockgate_execution_error_total", "Integrations that could not be called (ExecutionError)."),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sockgate_integration_latency_seconds",
			Help:    "Time until an integration answered (IntegrationLatency).",
			Buckets: latencyBuckets,
		}, routeLabels),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sockgate_connections",
			Help: "WebSocket connections that are open.",
		}, routeLabels[:2]),
	}
}

func (v *stageVectors) counters() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{v.connects, v.messages, v.integrationErrors, v.clientErrors, v.executionErrors}
}

func (v *stageVectors) register(r *prometheus.Registry) {
	r.MustRegister(v.latency, v.connections)
	for _, vec := range v.counters() {
		r.MustRegister(vec)
	}
}

func (v *stageVectors) route(apiID, stage, key string) RouteMetrics {
	key = strings.ToValidUTF8(key, "\uFFFD") // anything else in a label is a panic
	return RouteMetrics{
		Connects:          v.connects.WithLabelValues(apiID, stage, key),
		Messages:          v.messages.WithLabelValues(apiID, stage, key),
		IntegrationErrors: v.integrationErrors.WithLabelValues(apiID, stage, key),
		ClientErrors:      v.clientErrors.WithLabelValues(apiID, stage, key),
		ExecutionErrors:   v.executionErrors.WithLabelValues(apiID, stage, key),
		latency:           v.latency.WithLabelValues(apiID, stage, key),
	}
}
