package elbv2_test

import (
	"encoding/xml"
	"strings"
	"testing"
)

// TestRefusals: calls that the SDK would not send.
func TestRefusals(t *testing.T) {
	g := newGateway(t)
	for _, tt := range []struct {
		name, form   string
		status       int
		code, phrase string
	}{
		{"no action", "Version=2015-12-01", 400, "InvalidAction", "Could not find operation "},
		{"unknown action", "Action=Nonsense&Version=2015-12-01", 400, "InvalidAction", "Could not find operation Nonsense for version 2015-12-01"},
		{"another version", "Action=DescribeLoadBalancers&Version=2012-06-01", 400, "InvalidAction", "for version 2012-06-01"},
		{"not built", "Action=CreateRule&Version=2015-12-01", 501, "NotImplemented", "elasticloadbalancing CreateRule is not built"},
		{"application load balancer", "Action=CreateLoadBalancer&Name=a", 501, "NotImplemented", "Type application"},
		{"HTTP target group", "Action=CreateTargetGroup&Name=a&Protocol=HTTP&Port=80", 501, "NotImplemented", "Protocol HTTP"},
		{"UDP", "Action=CreateTargetGroup&Name=a&Protocol=TCP_UDP&Port=80", 501, "NotImplemented", "Protocol TCP_UDP"},
		{"lambda targets", "Action=CreateTargetGroup&Name=a&TargetType=lambda", 501, "NotImplemented", "TargetType lambda"},
		{"no name", "Action=CreateLoadBalancer&Type=network", 400, "ValidationError", "Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"long name", "Action=CreateLoadBalancer&Type=network&Name=" + strings.Repeat("a", 33), 400, "ValidationError", "The load balancer name '" + strings.Repeat("a", 33) + "' cannot be longer than '32' characters"},
		{"letters of a name", "Action=CreateLoadBalancer&Type=network&Name=a_b", 400, "ValidationError", "can only contain characters that are alphanumeric characters or hyphens(-)"},
		{"dashes of a name", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=-a", 400, "ValidationError", "Target group name '-a' cannot begin or end with '-'"},
		{"type", "Action=CreateLoadBalancer&Type=x&Name=a", 400, "ValidationError", "Value 'x' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [application, network, gateway]"},
		{"scheme", "Action=CreateLoadBalancer&Type=network&Name=a&Scheme=x", 400, "ValidationError", "[internet-facing, internal]"},
		{"no port", "Action=CreateTargetGroup&Protocol=TCP&Name=a", 400, "ValidationError", "A port must be specified"},
		{"interval", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckIntervalSeconds=4", 400, "ValidationError", "Value '4' at 'healthCheckIntervalSeconds' failed to satisfy constraint: Member must have value greater than or equal to 5"},
		{"threshold", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthyThresholdCount=11", 400, "ValidationError", "less than or equal to 10"},
		{"not a number", "Action=CreateTargetGroup&Protocol=TCP&Port=x&Name=a", 400, "MalformedInput", "Port is not an integer"},
		{"timeout over interval", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckIntervalSeconds=5&HealthCheckTimeoutSeconds=6", 400, "ValidationError", "must be smaller than or equal to the interval"},
		{"path with TCP", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckPath=/x", 400, "ValidationError", "Health check path cannot be specified"},
		{"path", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckProtocol=HTTP&HealthCheckPath=x%0d%0a", 400, "ValidationError", "must begin with a '/'"},
		{"matcher", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckProtocol=HTTP&Matcher.HttpCode=100", 400, "ValidationError", "must be within '200-599' inclusive"},
		{"check port", "Action=CreateTargetGroup&Protocol=TCP&Port=1&Name=a&HealthCheckPort=x", 400, "ValidationError", "'traffic-port' or an integer"},
		{"not an ARN", "Action=DescribeTargetHealth&TargetGroupArn=x", 400, "ValidationError", "'x' is not a valid target group ARN"},
		{"marker", "Action=DescribeLoadBalancers&Marker=x", 400, "ValidationError", "The marker 'x' is not valid"},
		{"page size", "Action=DescribeLoadBalancers&PageSize=401", 400, "ValidationError", "less than or equal to 400"},
		{"which listeners", "Action=DescribeListeners", 400, "ValidationError", "You must specify either listener ARNs or a load balancer ARN"},
		{"no tags", "Action=AddTags&ResourceArns.member.1=" + escape(declaredARN), 400, "ValidationError", "Value null at 'tags'"},
		{"listener without an action", "Action=CreateListener&Protocol=TCP&Port=1&LoadBalancerArn=" + escape(declaredARN), 400, "OperationNotPermitted", "is declared in the gateway's configuration file"},
		{"not a form", "Action=%zz", 400, "ValidationError", "The request body is not a form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := g.post(tt.form)
			var fault struct {
				XMLName   xml.Name `xml:"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/ ErrorResponse"`
				Error     struct{ Code, Message string }
				RequestID string `xml:"RequestId"`
			}
			if err := xml.Unmarshal([]byte(body), &fault); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			if status != tt.status || fault.Error.Code != tt.code || !strings.Contains(fault.Error.Message, tt.phrase) || fault.RequestID == "" {
				t.Errorf("got  %d %s %q\nwant %d %s %q", status, fault.Error.Code, fault.Error.Message, tt.status, tt.code, tt.phrase)
			}
		})
	}
}

// TestPermissions: which action is asked about, and on what.
func TestPermissions(t *testing.T) {
	g := newGateway(t)
	const arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:"
	for form, want := range map[string]string{
		"Action=DescribeLoadBalancers":                                      "elasticloadbalancing:DescribeLoadBalancers *",
		"Action=CreateLoadBalancer&Name=a&Type=network":                     "elasticloadbalancing:CreateLoadBalancer " + arn + "loadbalancer/net/a/*",
		"Action=CreateTargetGroup&Name=a":                                   "elasticloadbalancing:CreateTargetGroup " + arn + "targetgroup/a/*",
		"Action=DeleteTargetGroup&TargetGroupArn=x":                         "elasticloadbalancing:DeleteTargetGroup x",
		"Action=AddTags&ResourceArns.member.1=x&ResourceArns.member.2=y":    "elasticloadbalancing:AddTags x y",
		"Action=CreateRule&ListenerArn=x":                                   "elasticloadbalancing:CreateRule *",
		"Action=ModifyListener&ListenerArn=" + escape(arn+"listener/net/x"): "elasticloadbalancing:ModifyListener " + arn + "listener/net/x",
	} {
		g.asked.Store(nil)
		g.post(form)
		if got := g.asked.Load(); got == nil || *got != want {
			t.Errorf("%s asks %v, want %s", form, got, want)
		}
	}
}
