package metrics

import "github.com/prometheus/client_golang/prometheus"

// CountBy is CountFunc for a counter with one label, whose values are known: value is asked with a value's place in the list.
func (m *Metrics) CountBy(name, help, label string, values []string, value func(i int) float64) {
	for i, v := range values {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sockgate_" + name, Help: help, ConstLabels: prometheus.Labels{label: v},
		}, func() float64 { return value(i) }))
	}
}
