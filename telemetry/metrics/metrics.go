// Package metrics counts what the gateway does, for Prometheus. The counters of a stage are Amazon CloudWatch's for WebSocket APIs
// (reference section 15) under Prometheus's naming rules; gauges of the process stand beside them.
//
// Labels are resolved when a stage is compiled. A message then only adds to counters that it finds in its route:
//
//	stage := m.Stage("abc123defg", "prod")         once per deployment
//	join := stage.Route("join", detailed)          once per deployment
//	join.Messages.Inc()                            per message
//
// What is not counted, as CloudWatch does not: requests refused with 413, and those of a custom domain without a mapping.
package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is one gateway's set of metrics, in a registry of its own. Its methods may be called by many goroutines.
type Metrics struct {
	registry *prometheus.Registry
	stages   stageVectors
	live     sync.Map // stageKey → *StageMetrics: what Stage returned and Remove has not removed

	slow    prometheus.Counter
	refused byStatus
	pushed  byStatus
}

// New returns metrics that are all at zero.
func New() *Metrics {
	registry := prometheus.NewRegistry()
	slow := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sockgate_slow_consumers_closed_total",
		Help: "Connections closed because their client did not take its messages.",
	})
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sockgate_handshakes_refused_total",
		Help: "WebSocket handshakes that did not become connections.",
	}, []string{"reason"})
	pushed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sockgate_pushes_total",
		Help: "Requests to @connections that send to a client.",
	}, []string{"result"})
	m := &Metrics{
		registry: registry,
		stages:   newStageVectors(),
		slow:     slow,
		refused:  newByStatus(refused, refusalReasons),
		pushed:   newByStatus(pushed, pushResults),
	}
	registry.MustRegister(
		slow, refused, pushed,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.stages.register(registry)
	return m
}

// Handler serves the metrics in the formats of Prometheus, at /_sockgate/metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, // a scrape costs memory in proportion to the number of stages
		Timeout:             10 * time.Second,
	})
}

// SendQueueBytes makes bytes the source of the gauge of what waits to be sent to clients. Call it once.
func (m *Metrics) SendQueueBytes(bytes func() float64) {
	m.GaugeFunc("send_queue_bytes", "Bytes that wait to be sent to clients.", bytes)
}

// CountFunc adds a counter that is kept elsewhere, such as the log lines that were dropped. name is without "sockgate_".
// It panics when the name is taken.
func (m *Metrics) CountFunc(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "sockgate_" + name, Help: help}, value))
}

// GaugeFunc is CountFunc for values that also fall.
func (m *Metrics) GaugeFunc(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sockgate_" + name, Help: help}, value))
}
