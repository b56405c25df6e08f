package server

import (
	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/registry"
	"github.com/sockgate/sockgate/telemetry/execution"
	"github.com/sockgate/sockgate/telemetry/logs"
)

// attach gives a compiled stage its logs and metrics, resolved once so that a message looks nothing up.
func (s *Server) attach(st *deploy.Stage) {
	id, name := st.API.ID, st.Settings.Name
	st.Metrics = s.metrics.Stage(id, name)
	sink := s.logs.Group(execution.GroupName(id, name))
	logger := func(rs sockgate.RouteSettings) *execution.Logger {
		return execution.New(sink, id, name, execution.ParseLevel(value(rs.LoggingLevel)), value(rs.DataTraceEnabled))
	}
	st.Log = logger(st.Settings.Default)
	for key, r := range st.Routes {
		r.Log = logger(r.Settings)
		r.Metrics = st.Metrics.Route(key, value(r.Settings.DetailedMetricsEnabled))
	}
	if st.AccessFormat == nil {
		return
	}
	if group, ok := logs.GroupName(st.Settings.AccessLog.DestinationARN); ok {
		st.AccessLog = s.logs.Group(group)
	}
}

// measure adds the gauges and counters whose values are kept elsewhere.
func (s *Server) measure(reg *registry.Registry) {
	s.metrics.SendQueueBytes(func() float64 {
		var sum int64
		reg.Each(func(p registry.Peer) { sum += p.Queued() })
		return float64(sum)
	})
	s.metrics.GaugeFunc("connections_open", "WebSocket connections that are open on this node.", func() float64 { return float64(s.gate.Open()) })
	s.metrics.CountFunc("log_lines_dropped_total", "Lines of access and execution logs that never reached a file.", func() float64 { return float64(s.logs.Dropped()) })
}

// value is *p, or the zero value of what is unset.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
