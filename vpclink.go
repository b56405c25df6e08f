package sockgate

import (
	"strconv"
	"strings"
	"time"
)

// VPCLink is the way of integrations to a private load balancer (API Gateway's VPC link, version 1).
type VPCLink struct {
	ID              string // 6 lowercase letters and digits
	Name            string
	Description     string
	LoadBalancerARN string // its only target
	// Status is what the link comes to at SettledAt: "AVAILABLE" or "FAILED". Until then it is "PENDING".
	Status        string
	StatusMessage string // why it failed
	CreatedAt     time.Time
	SettledAt     time.Time
	Tags          map[string]string
	Declared      bool // by the configuration file; the APIs show it and do not change it
}

// StatusAt is the link's status at a time.
func (l *VPCLink) StatusAt(now time.Time) string {
	if now.Before(l.SettledAt) {
		return "PENDING"
	}
	return l.Status
}

// LoadBalancer spreads the connections of private integrations over targets. It is reached through VPC links only.
type LoadBalancer struct {
	ARN            string
	Name           string // 1 to 32 letters, digits and dashes; unique
	DNSName        string // "{name}-{hash}.elb.{region}.amazonaws.com"
	Scheme         string // "internal" or "internet-facing"; stored and shown, without effect here
	IPAddressType  string // "ipv4" or "dualstack"; the same
	Subnets        []string
	SecurityGroups []string
	Attributes     map[string]string
	Tags           map[string]string
	Listeners      []Listener // at most one on a port
	CreatedAt      time.Time
	ActiveAt       time.Time // until then it is shown as provisioning
	Declared       bool      // by the configuration file
}

// Listener says which group serves a port of a load balancer.
type Listener struct {
	ARN            string
	Protocol       string // "TCP" or "TLS", which is the same here: the scheme of the integration's URI decides
	Port           int
	TargetGroupARN string
	Certificates   []string // ARNs; stored and shown
	SSLPolicy      string
	ALPN           []string
	Attributes     map[string]string
	Tags           map[string]string
}

// TargetGroup is a set of servers that do the same.
type TargetGroup struct {
	ARN         string
	Name        string // 1 to 32 letters, digits and dashes; unique
	Protocol    string // "TCP" or "TLS"
	Port        int    // of targets that name none
	TargetType  string // "ip" or "instance"
	VPCID       string
	HealthCheck HealthCheck
	Attributes  map[string]string
	Tags        map[string]string
	Targets     []Target
	CreatedAt   time.Time
	Declared    bool // by the configuration file
	Agents      bool // it shows a load balancer's agents, which come and go by themselves
}

// HealthCheck says how targets are checked.
type HealthCheck struct {
	Protocol  string // "TCP", "HTTP" or "HTTPS"
	Port      int    // 0: the target's own
	Path      string // HTTP: path and query
	Matcher   string // HTTP: statuses that are healthy: "200", "200,202" or "200-399"
	Interval  time.Duration
	Timeout   time.Duration
	Healthy   int // successes in a row that make an unhealthy target healthy
	Unhealthy int // failures in a row that make a healthy target unhealthy
}

// Target is one server of a group.
type Target struct {
	ID               string // IP address; of type instance, a host name or IP address
	Port             int
	AvailabilityZone string
	DrainUntil       time.Time // zero: it is registered; else it was deregistered and finishes what it has
}

// TargetHealth is what is known of a target. The words are Elastic Load Balancing's.
type TargetHealth struct {
	Target      Target
	CheckPort   int
	State       string // "initial", "healthy", "unhealthy", "draining" or "unused"
	Reason      string // empty when healthy
	Description string
}

// Accepts reports whether a status is one of the matcher's: "200", "200,202", "200-399" or several of them with commas between.
func (h *HealthCheck) Accepts(status int) bool {
	for part := range strings.SplitSeq(h.Matcher, ",") {
		low, high, ok := matchRange(part)
		if ok && low <= status && status <= high {
			return true
		}
	}
	return false
}

// ValidMatcher reports whether every part of a matcher is a status or a range of them, from 200 to 599.
func ValidMatcher(matcher string) bool {
	for part := range strings.SplitSeq(matcher, ",") {
		if _, _, ok := matchRange(part); !ok {
			return false
		}
	}
	return true
}

func matchRange(part string) (low, high int, ok bool) {
	from, to, ranged := strings.Cut(part, "-")
	if !ranged {
		to = from
	}
	low, errLow := strconv.Atoi(from)
	high, errHigh := strconv.Atoi(to)
	return low, high, errLow == nil && errHigh == nil && len(from) == 3 && len(to) == 3 && 200 <= low && low <= high && high <= 599
}
