package elbv2

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// The shapes of answers.

type list[T any] struct {
	Members []T `xml:"member"`
}

type tagShape struct{ Key, Value string }

// instant prints as this API's dates do: with milliseconds.
type instant time.Time

// MarshalText implements encoding.TextMarshaler.
func (t instant) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

type stateShape struct{ Code string }

type zoneShape struct {
	SubnetID string `xml:"SubnetId"`
	ZoneName string
}

type balancerShape struct {
	ARN            string          `xml:"LoadBalancerArn"`
	Scheme         string          `xml:"Scheme"`
	Name           string          `xml:"LoadBalancerName"`
	VPCID          string          `xml:"VpcId"`
	HostedZone     string          `xml:"CanonicalHostedZoneId"`
	CreatedTime    instant         `xml:"CreatedTime"`
	Zones          list[zoneShape] `xml:"AvailabilityZones"`
	SecurityGroups *list[string]   `xml:"SecurityGroups"`
	DNSName        string          `xml:"DNSName"`
	State          stateShape      `xml:"State"`
	Type           string          `xml:"Type"`
	IPAddressType  string          `xml:"IpAddressType"`
}

type balancersResult struct {
	LoadBalancers list[balancerShape]
	NextMarker    string `xml:",omitempty"`
}

const hostedZone = "Z26RNL4JYFTOTI" // that of Network Load Balancers in us-east-1

func (s *Service) showBalancers(balancers []*sockgate.LoadBalancer, next string) *balancersResult {
	out := &balancersResult{NextMarker: next}
	for _, b := range balancers {
		shape := balancerShape{
			ARN: b.ARN, Scheme: b.Scheme, Name: b.Name, VPCID: "vpc-00000000", HostedZone: hostedZone, CreatedTime: instant(b.CreatedAt), DNSName: b.DNSName,
			State: stateShape{"active"}, Type: "network", IPAddressType: b.IPAddressType,
		}
		if s.Clock().Before(b.ActiveAt) {
			shape.State.Code = "provisioning"
		}
		for i, subnet := range b.Subnets {
			shape.Zones.Members = append(shape.Zones.Members, zoneShape{subnet, s.Region + string(rune('a'+i%6))})
		}
		if len(b.SecurityGroups) > 0 {
			shape.SecurityGroups = &list[string]{b.SecurityGroups}
		}
		out.LoadBalancers.Members = append(out.LoadBalancers.Members, shape)
	}
	return out
}

type forwardGroup struct {
	ARN    string `xml:"TargetGroupArn"`
	Weight int    `xml:"Weight,omitempty"`
}

type actionShape struct {
	Type          string
	TargetGroup   string `xml:"TargetGroupArn"`
	Order         int
	ForwardConfig struct{ TargetGroups list[forwardGroup] }
}

type certificateShape struct {
	ARN string `xml:"CertificateArn"`
}

type listenerShape struct {
	BalancerARN  string                  `xml:"LoadBalancerArn"`
	Protocol     string                  `xml:"Protocol"`
	Port         int                     `xml:"Port"`
	ARN          string                  `xml:"ListenerArn"`
	SSLPolicy    string                  `xml:"SslPolicy,omitempty"`
	Certificates *list[certificateShape] `xml:"Certificates"`
	ALPN         *list[string]           `xml:"AlpnPolicy"`
	Actions      list[actionShape]       `xml:"DefaultActions"`
}

type listenersResult struct {
	Listeners  list[listenerShape]
	NextMarker string `xml:",omitempty"`
}

func showListeners(b *sockgate.LoadBalancer, listeners []sockgate.Listener, next string) *listenersResult {
	out := &listenersResult{NextMarker: next}
	for i := range listeners {
		out.Listeners.Members = append(out.Listeners.Members, showListener(b, &listeners[i]))
	}
	return out
}

func showListener(b *sockgate.LoadBalancer, l *sockgate.Listener) listenerShape {
	action := actionShape{Type: "forward", TargetGroup: l.TargetGroupARN, Order: 1}
	action.ForwardConfig.TargetGroups.Members = []forwardGroup{{ARN: l.TargetGroupARN}}
	shape := listenerShape{BalancerARN: b.ARN, Protocol: l.Protocol, Port: l.Port, ARN: l.ARN, SSLPolicy: l.SSLPolicy, Actions: list[actionShape]{[]actionShape{action}}}
	if len(l.Certificates) > 0 {
		shape.Certificates = &list[certificateShape]{}
		for _, arn := range l.Certificates {
			shape.Certificates.Members = append(shape.Certificates.Members, certificateShape{arn})
		}
	}
	if len(l.ALPN) > 0 {
		shape.ALPN = &list[string]{l.ALPN}
	}
	return shape
}

type matcherShape struct {
	HTTPCode string `xml:"HttpCode"`
}

type groupShape struct {
	ARN           string        `xml:"TargetGroupArn"`
	Name          string        `xml:"TargetGroupName"`
	Protocol      string        `xml:"Protocol"`
	Port          int           `xml:"Port"`
	VPCID         string        `xml:"VpcId,omitempty"`
	CheckProtocol string        `xml:"HealthCheckProtocol"`
	CheckPort     string        `xml:"HealthCheckPort"`
	CheckEnabled  bool          `xml:"HealthCheckEnabled"`
	Interval      int           `xml:"HealthCheckIntervalSeconds"`
	Timeout       int           `xml:"HealthCheckTimeoutSeconds"`
	Healthy       int           `xml:"HealthyThresholdCount"`
	Unhealthy     int           `xml:"UnhealthyThresholdCount"`
	Path          string        `xml:"HealthCheckPath,omitempty"`
	Matcher       *matcherShape `xml:"Matcher"`
	Balancers     list[string]  `xml:"LoadBalancerArns"`
	TargetType    string        `xml:"TargetType"`
	IPAddressType string        `xml:"IpAddressType"`
}

type groupsResult struct {
	TargetGroups list[groupShape]
	NextMarker   string `xml:",omitempty"`
}

func (s *Service) showGroups(groups []*sockgate.TargetGroup, next string) *groupsResult {
	out := &groupsResult{NextMarker: next}
	for _, g := range groups {
		h := &g.HealthCheck
		shape := groupShape{
			ARN: g.ARN, Name: g.Name, Protocol: g.Protocol, Port: g.Port, VPCID: g.VPCID, CheckProtocol: h.Protocol, CheckPort: "traffic-port", CheckEnabled: true,
			// What the configuration file declares may be shorter than a second.
			Interval: wholeSeconds(h.Interval), Timeout: wholeSeconds(h.Timeout), Healthy: h.Healthy, Unhealthy: h.Unhealthy,
			Path: h.Path, Balancers: list[string]{s.usersOf(g)}, TargetType: g.TargetType, IPAddressType: "ipv4",
		}
		if h.Port != 0 {
			shape.CheckPort = strconv.Itoa(h.Port)
		}
		if h.Matcher != "" {
			shape.Matcher = &matcherShape{h.Matcher}
		}
		out.TargetGroups.Members = append(out.TargetGroups.Members, shape)
	}
	return out
}

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// usersOf lists the load balancers that use a group. That of a balancer's agents has the balancer's hash and name.
func (s *Service) usersOf(g *sockgate.TargetGroup) []string {
	if !g.Agents {
		return s.Balancers.Used(g.ARN)
	}
	for _, b := range s.Balancers.LoadBalancers() {
		if b.Name+"-agents" == g.Name && strings.HasSuffix(g.ARN, b.ARN[strings.LastIndexByte(b.ARN, '/'):]) {
			return []string{b.ARN}
		}
	}
	return nil
}

type healthShape struct {
	CheckPort string `xml:"HealthCheckPort,omitempty"`
	Target    struct {
		ID   string `xml:"Id"`
		Port int    `xml:"Port,omitempty"`
		Zone string `xml:"AvailabilityZone,omitempty"`
	}
	Health struct {
		State       string
		Reason      string `xml:",omitempty"`
		Description string `xml:",omitempty"`
	} `xml:"TargetHealth"`
}

type healthResult struct {
	Descriptions list[healthShape] `xml:"TargetHealthDescriptions"`
}

func showHealth(all []sockgate.TargetHealth) *healthResult {
	out := &healthResult{}
	slices.SortStableFunc(all, func(a, b sockgate.TargetHealth) int { return cmp.Compare(a.Target.ID, b.Target.ID) })
	for _, h := range all {
		var shape healthShape
		shape.Target.ID, shape.Target.Port, shape.Target.Zone = h.Target.ID, h.Target.Port, h.Target.AvailabilityZone
		if h.CheckPort != 0 {
			shape.CheckPort = strconv.Itoa(h.CheckPort)
		}
		shape.Health.State, shape.Health.Reason, shape.Health.Description = h.State, h.Reason, h.Description
		out.Descriptions.Members = append(out.Descriptions.Members, shape)
	}
	return out
}
