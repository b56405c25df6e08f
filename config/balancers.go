package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sockgate/sockgate"
)

// LoadBalancer is a load balancer with its targets, for private integrations. It is set in the file only.
type LoadBalancer struct {
	Name                string        `key:"name" doc:"Its name: up to 32 letters, digits and dashes."`
	Targets             List          `key:"targets" doc:"Addresses of its targets, HOST:PORT each. None are needed where tunnel agents serve it."`
	DeregistrationDelay time.Duration `key:"deregistrationDelay" default:"5m" min:"0s" max:"1h" doc:"How long a tunnel agent that is taken out may finish what it has under way."`
	HealthCheck         HealthCheck   `key:"healthCheck" doc:"How targets are checked."`
}

// HealthCheck says how the targets of a declared load balancer are checked.
type HealthCheck struct {
	Protocol  string        `key:"protocol" default:"tcp" oneof:"tcp,http,https" doc:"tcp connects; http and https send a GET request. Certificates are not verified by checks."`
	Port      int           `key:"port" default:"0" min:"1" max:"65535" zero:"the target's own" doc:"Port of the checks."`
	Path      string        `key:"path" default:"/" doc:"Path of the request, with http and https."`
	Statuses  string        `key:"statuses" default:"200-399" doc:"Statuses of a healthy target, with http and https: 200, or 200,204, or 200-399."`
	Interval  time.Duration `key:"interval" default:"10s" min:"100ms" max:"5m" doc:"Time between two checks."`
	Timeout   time.Duration `key:"timeout" default:"2s" min:"50ms" max:"2m" doc:"A check that takes longer, or as long as the interval, has failed."`
	Healthy   int           `key:"healthy" default:"2" min:"1" max:"10" doc:"Checks in a row that an unhealthy target must pass to be healthy. A new target needs one."`
	Unhealthy int           `key:"unhealthy" default:"2" min:"1" max:"10" doc:"Checks in a row that a healthy target must fail to be unhealthy."`
}

// VPCLink is a VPC link to a declared load balancer. It is set in the file only.
type VPCLink struct {
	ID           string `key:"id" doc:"What integrations name as their connectionId: up to 32 lowercase letters and digits."`
	Name         string `key:"name" shown:"the id" doc:"What the APIs show as its name."`
	LoadBalancer string `key:"loadBalancer" doc:"Name of one of loadBalancers."`
}

// items is a list of the configuration whose members are structures.
type items struct {
	key, doc, example string
	list              reflect.Value // a slice, to be set
}

// lists are those of c.
func lists(c *Config) []items {
	return []items{
		{"loadBalancers", "Load balancers for private integrations, for those who do without Elastic Load Balancing's API. That shows them, and cannot change them. " +
			"Each has one listener, which serves every port.",
			"loadBalancers:\n  - name: orders\n    targets: [\"10.0.0.5:8080\", \"10.0.0.6:8080\"]\n    healthCheck: {protocol: http, path: /health, interval: 10s}\n",
			reflect.ValueOf(&c.LoadBalancers).Elem()},
		{"vpcLinks", "VPC links to them, which integrations name as their connectionId. API Gateway's API shows them, and cannot change them.",
			"vpcLinks:\n  - id: orders\n    loadBalancer: orders\n", reflect.ValueOf(&c.VPCLinks).Elem()},
	}
}

// setItems takes the members of a list.
func (l *loader) setItems(file string, to items, node ast.Node) {
	if _, null := node.(*ast.NullNode); null {
		return
	}
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		l.fault(line(file, node), fmt.Sprintf("%s takes a list, and this is %s", to.key, typeName(node)))
		return
	}
	for i, value := range seq.Values {
		item := reflect.New(to.list.Type().Elem()).Elem()
		sub := &loader{origins: map[string]string{}, settings: map[string]*Setting{}}
		for _, g := range groupsOf(item) {
			for _, s := range g.settings {
				sub.settings[s.Key] = s
				sub.order = append(sub.order, s)
				if s.Default != "" {
					_ = s.parse(s.Default) // checked by a test
				}
			}
		}
		sub.setMapping(file, "", value)
		for _, s := range sub.order {
			if text := s.problem(); text != "" {
				sub.fault(sub.origins[s.Key], s.Key+": "+text)
			}
		}
		l.faults = append(l.faults, sub.faults...)
		l.origins[fmt.Sprintf("%s[%d]", to.key, i)] = line(file, value)
		to.list.Set(reflect.Append(to.list, item))
	}
}

var (
	balancerName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)
	linkID       = regexp.MustCompile(`^[a-z0-9]{1,32}$`)
)

// maxDeclared bounds load balancers, links and the targets of one balancer.
const maxDeclared = 500

// checkBalancers checks what the load balancers and links say together.
func (l *loader) checkBalancers(c *Config) {
	names := map[string]bool{}
	if len(c.LoadBalancers) > maxDeclared || len(c.VPCLinks) > maxDeclared {
		l.fault("", fmt.Sprintf("loadBalancers and vpcLinks can have at most %d members", maxDeclared))
	}
	for i := range c.LoadBalancers {
		b := &c.LoadBalancers[i]
		at := fmt.Sprintf("loadBalancers[%d]", i)
		origin := l.origins[at]
		switch {
		case !balancerName.MatchString(b.Name):
			l.fault(origin, fmt.Sprintf("%s: name %q is not one; it takes up to 32 letters, digits and dashes", at, b.Name))
		case names[b.Name]:
			l.fault(origin, fmt.Sprintf("%s: %s is the name of another load balancer", at, b.Name))
		}
		names[b.Name] = true
		if len(b.Targets) > maxDeclared {
			l.fault(origin, fmt.Sprintf("%s: more than %d targets", at, maxDeclared))
		}
		taken := map[string]bool{}
		for _, t := range b.Targets {
			if why := checkTarget(t); why != "" {
				l.fault(origin, fmt.Sprintf("%s: target %q %s", at, t, why))
			} else if taken[t] {
				l.fault(origin, fmt.Sprintf("%s: target %q stands there twice", at, t))
			}
			taken[t] = true
		}
		if why := b.HealthCheck.fault(); why != "" {
			l.fault(origin, at+": healthCheck."+why)
		}
	}
	ids := map[string]bool{}
	for i := range c.VPCLinks {
		v := &c.VPCLinks[i]
		at := fmt.Sprintf("vpcLinks[%d]", i)
		origin := l.origins[at]
		switch {
		case !linkID.MatchString(v.ID):
			l.fault(origin, fmt.Sprintf("%s: id %q is not one; it takes up to 32 lowercase letters and digits", at, v.ID))
		case ids[v.ID]:
			l.fault(origin, fmt.Sprintf("%s: %s is the id of another link", at, v.ID))
		case !names[v.LoadBalancer]:
			l.fault(origin, fmt.Sprintf("%s: %q is none of loadBalancers", at, v.LoadBalancer))
		}
		ids[v.ID] = true
	}
}

func (h *HealthCheck) fault() string {
	switch {
	case !strings.HasPrefix(h.Path, "/") || strings.ContainsFunc(h.Path, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Sprintf("path: %q is not a path; it begins with / and has no spaces", h.Path)
	case !sockgate.ValidMatcher(h.Statuses):
		return fmt.Sprintf("statuses: %q is no list of statuses from 200 to 599", h.Statuses)
	}
	return ""
}

// checkTarget says what is wrong with a target's address, or "".
func checkTarget(text string) string {
	const form = "is not an address; write HOST:PORT"
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || strings.ContainsAny(host, " /@?#%\t\r\n\x00") {
		return form
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return form
	}
	if a, err := netip.ParseAddr(host); err == nil && (a.IsUnspecified() || a.IsMulticast()) {
		return "is no address that a target can have"
	}
	return ""
}

// describe writes the documentation of a list's members.
func (it items) describe(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s It is set in the file only:\n\n```yaml\n%s```\n", it.key, it.doc, it.example)
	item := reflect.New(it.list.Type().Elem()).Elem()
	for _, g := range groupsOf(item) {
		for _, s := range g.settings {
			fmt.Fprintf(b, "\n### `%s[].%s`\n\n%s\n", it.key, s.Key, s.Doc)
			if s.Shown != "" {
				fmt.Fprintf(b, "\n- Default: `%s`\n", s.Shown)
			}
			if limits := s.Limits(); limits != "" {
				if s.Shown == "" {
					b.WriteByte('\n')
				}
				fmt.Fprintf(b, "- Values: %s\n", limits)
			}
		}
	}
}
