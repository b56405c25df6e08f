package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sockgate/sockgate/config"
)

func TestLoadBalancers(t *testing.T) {
	c, err := load(t, `
loadBalancers:
  - name: orders
    targets: ["10.0.0.5:8080", 'shed.internal:80', "[fd00::1]:80"]
    healthCheck: {protocol: http, path: /health, interval: 300ms}
  - {name: Empty-2, deregistrationDelay: 0s}
vpcLinks:
  - id: orders
    loadBalancer: orders
  - {id: e2, name: the empty one, loadBalancer: Empty-2}
`, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := config.HealthCheck{Protocol: "tcp", Path: "/", Statuses: "200-399", Interval: 10 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 2}
	web := check
	web.Protocol, web.Path, web.Interval = "http", "/health", 300*time.Millisecond
	want := []config.LoadBalancer{
		{Name: "orders", Targets: config.List{"10.0.0.5:8080", "shed.internal:80", "[fd00::1]:80"}, DeregistrationDelay: 5 * time.Minute, HealthCheck: web},
		{Name: "Empty-2", HealthCheck: check},
	}
	if diff := cmp.Diff(want, c.LoadBalancers); diff != "" {
		t.Error("-want +got:\n", diff)
	}
	if diff := cmp.Diff([]config.VPCLink{{ID: "orders", LoadBalancer: "orders"}, {ID: "e2", Name: "the empty one", LoadBalancer: "Empty-2"}}, c.VPCLinks); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestLoadBalancerFaults(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"no list", "loadBalancers: {name: a}", `config.yaml:1: loadBalancers takes a list, and this is a mapping`},
		{"misspelt list", "loadBalancer: []", `config.yaml:1: unknown key "loadBalancer"; did you mean "loadBalancers"?`},
		{"unknown key", "loadBalancers:\n  - name: a\n    target: [b]", `config.yaml:3: unknown key "target"; did you mean "targets"?`},
		{"unknown key below", "loadBalancers:\n  - name: a\n    healthCheck: {intervall: 1s}", `config.yaml:3: unknown key "intervall"; did you mean "interval"?`},
		{"value", "loadBalancers:\n  - name: a\n    healthCheck:\n      interval: 1ms", `config.yaml:4: healthCheck.interval: 1ms is too small; use at least 100ms`},
		{"no name", "loadBalancers:\n  - targets: [\"a:1\"]", `config.yaml:2: loadBalancers[0]: name "" is not one; it takes up to 32 letters, digits and dashes`},
		{"two of a name", "loadBalancers:\n  - {name: a}\n  - {name: a}", `config.yaml:3: loadBalancers[1]: a is the name of another load balancer`},
		{"target without a port", "loadBalancers:\n  - {name: a, targets: [b]}", `config.yaml:2: loadBalancers[0]: target "b" is not an address; write HOST:PORT`},
		{"target twice", "loadBalancers:\n  - {name: a, targets: [\"b:1\", \"b:1\"]}", `config.yaml:2: loadBalancers[0]: target "b:1" stands there twice`},
		{"path", "loadBalancers:\n  - {name: a, healthCheck: {path: \"/a b\"}}", `config.yaml:2: loadBalancers[0]: healthCheck.path: "/a b" is not a path; it begins with / and has no spaces`},
		{"statuses", "loadBalancers:\n  - {name: a, healthCheck: {statuses: 2xx}}", `config.yaml:2: loadBalancers[0]: healthCheck.statuses: "2xx" is no list of statuses from 200 to 599`},
		{"link to nobody", "vpcLinks:\n  - {id: a, loadBalancer: b}", `config.yaml:2: vpcLinks[0]: "b" is none of loadBalancers`},
		{"id", "loadBalancers: [{name: b}]\nvpcLinks:\n  - {id: A_, loadBalancer: b}", `config.yaml:3: vpcLinks[0]: id "A_" is not one; it takes up to 32 lowercase letters and digits`},
		{"plain text", "vpcLinks: [a]", `config.yaml:1: the configuration must be a mapping of keys to values, and this is plain text`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, nil, nil)
			if err == nil || strings.Split(err.Error(), "\n")[0] != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
