package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// What statuses mean for a handshake that did not become a connection. Statuses that are not here are the $connect
// integration's own answers.
var refusalReasons = map[int]string{
	http.StatusBadRequest:                  "bad_request", // no handshake, a malformed one, or a required parameter is missing
	http.StatusUnauthorized:                "unauthorized",
	http.StatusForbidden:                   "forbidden", // authorizer, policy, API key; or no such stage, which AWS answers alike
	http.StatusRequestTimeout:              "timeout",
	http.StatusRequestEntityTooLarge:       "too_large",
	http.StatusRequestHeaderFieldsTooLarge: "too_large",
	http.StatusUpgradeRequired:             "bad_request",
	http.StatusTooManyRequests:             "throttled",
	http.StatusBadGateway:                  "backend_failed",
	http.StatusServiceUnavailable:          "unavailable", // the limit of connections, or a shutdown
	http.StatusGatewayTimeout:              "backend_timeout",
	other:                                  "backend_refused",
}

// What statuses mean for a request to @connections that sends to a client.
var pushResults = map[int]string{
	http.StatusOK:                    "delivered", // handed to the connection's queue
	http.StatusForbidden:             "forbidden",
	http.StatusGone:                  "gone",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusTooManyRequests:       "throttled",
	other:                            "failed",
}

const other = 0 // stands for all statuses that a table does not name

// byStatus holds counters whose labels are resolved. It is never changed.
type byStatus map[int]prometheus.Counter

func newByStatus(v *prometheus.CounterVec, labels map[int]string) byStatus {
	counters := byStatus{}
	for status, label := range labels {
		counters[status] = v.WithLabelValues(label)
	}
	return counters
}

func (b byStatus) count(status int) {
	c, ok := b[status]
	if !ok {
		c = b[other]
	}
	c.Inc()
}

// Refused counts a handshake that was answered with status instead of 101. The names are not used: they are a stranger's, and
// every new one would be another series to keep.
func (m *Metrics) Refused(_, _ string, status int) { m.refused.count(status) }

// Pushed counts a request to @connections by its status. What a POST delivered is also a message of the stage.
func (m *Metrics) Pushed(apiID, stage, method string, status int) {
	if method != http.MethodPost {
		return
	}
	m.pushed.count(status)
	if status != http.StatusOK {
		return
	}
	if s, ok := m.live.Load(stageKey{apiID, stage}); ok {
		s.(*StageMetrics).Messages.Inc()
	}
}

// SlowPeer counts a connection that was closed because its client did not take its messages.
func (m *Metrics) SlowPeer() { m.slow.Inc() }
