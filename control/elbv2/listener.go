package elbv2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sockgate/sockgate"
)

// readListener takes a listener's settings from the call; what is absent stays as it is.
func (s *Service) readListener(c *call, l *sockgate.Listener) error {
	protocol, err := c.enum("Protocol", "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC")
	if err != nil {
		return err
	}
	switch protocol {
	case "", "TCP", "TLS":
	case "HTTP", "HTTPS":
		return refuse("UnsupportedProtocol", "Listener protocol '%s' is not supported by load balancers with type 'network'", protocol)
	default:
		return notBuiltWith(c.get("Action"), "Protocol "+protocol)
	}
	if protocol != "" {
		l.Protocol = protocol
	}
	port, there, err := c.number("Port", 1, 65535)
	if err != nil {
		return err
	}
	if there {
		l.Port = port
	}
	if err := s.readActions(c, l); err != nil {
		return err
	}
	if v := c.get("SslPolicy"); v != "" {
		l.SSLPolicy = v
	}
	if v := c.list("AlpnPolicy"); v != nil {
		l.ALPN = v
	}
	var certificates []string
	err = c.each("Certificates", []string{"CertificateArn"}, func(prefix string) error {
		certificates = append(certificates, c.get(prefix+"CertificateArn"))
		return nil
	})
	if err != nil {
		return err
	}
	if certificates != nil {
		l.Certificates = certificates
	}
	return s.checkListener(l)
}

// readActions reads the default actions, of which a Network Load Balancer has one: forward.
func (s *Service) readActions(c *call, l *sockgate.Listener) error {
	n := 0
	return c.each("DefaultActions", []string{"Type", "TargetGroupArn", "Order"}, func(prefix string) error {
		if n++; n > 1 {
			return refuse("TooManyActions", "You can specify one action of a listener of a load balancer with type 'network'")
		}
		if t := c.get(prefix + "Type"); t != "forward" {
			if !slices.Contains([]string{"authenticate-oidc", "authenticate-cognito", "redirect", "fixed-response", "jwt-validation"}, t) {
				return constraint(t, "defaultActions.1.member.type", "Member must satisfy enum value set: [forward, authenticate-oidc, authenticate-cognito, redirect, fixed-response, jwt-validation]")
			}
			return refuse("InvalidConfigurationRequest", "Default action type '%s' is not supported by load balancers with type 'network'", t)
		}
		arn := c.get(prefix + "TargetGroupArn")
		var forward []string
		err := c.each(prefix+"ForwardConfig.TargetGroups", []string{"TargetGroupArn"}, func(prefix string) error {
			forward = append(forward, c.get(prefix+"TargetGroupArn"))
			return nil
		})
		switch {
		case err != nil:
			return err
		case len(forward) > 1:
			return notBuiltWith(c.get("Action"), "several target groups in one action")
		case arn == "" && len(forward) == 1:
			arn = forward[0]
		case arn == "":
			return invalid("A target group ARN must be specified for actions of type 'forward'")
		case len(forward) == 1 && forward[0] != arn:
			return refuse("InvalidLoadBalancerAction", "You cannot specify different target groups in the action and its forward configuration")
		}
		l.TargetGroupARN = arn
		return nil
	})
}

func (s *Service) checkListener(l *sockgate.Listener) error {
	if l.TargetGroupARN == "" {
		return constraint("", "defaultActions", "Member must not be null")
	}
	g, err := s.group(l.TargetGroupARN)
	if err != nil {
		if isCode(err, "TargetGroupNotFound") {
			return refuse("TargetGroupNotFound", "Target group '%s' not found", short(l.TargetGroupARN))
		}
		return err
	}
	switch {
	case g.Agents:
		return changeable(g)
	case l.Protocol == "":
		return invalid("A listener protocol must be specified")
	case l.Port == 0:
		return invalid("A listener port must be specified")
	case l.Protocol == "TCP" && g.Protocol != "TCP":
		return refuse("IncompatibleProtocols", "Listener protocol 'TCP' is not supported with a target group with the protocol '%s'", g.Protocol)
	case l.Protocol == "TLS" && len(l.Certificates) == 0:
		return refuse("ValidationError", "A certificate must be specified for TLS listeners")
	case l.Protocol == "TCP" && (len(l.Certificates) > 0 || l.SSLPolicy != ""):
		return refuse("ValidationError", "Certificates and security policies cannot be specified for TCP listeners")
	case len(l.Certificates) > 1:
		return refuse("TooManyCertificates", "You can specify one certificate as the default of a listener")
	}
	return nil
}

func (s *Service) createListener(c *call) (any, error) {
	b, err := s.ownBalancer(c)
	if err != nil {
		return nil, err
	}
	l := sockgate.Listener{}
	if err := s.readListener(c, &l); err != nil {
		return nil, err
	}
	if l.Tags, err = c.pairs("Tags"); err != nil {
		return nil, err
	}
	if err := checkTags(l.Tags); err != nil {
		return nil, err
	}
	if l.Protocol == "TLS" && l.SSLPolicy == "" {
		l.SSLPolicy = "ELBSecurityPolicy-2016-08"
	}
	if err := s.free(b, l.TargetGroupARN); err != nil {
		return nil, err
	}
	var out sockgate.Listener
	_, err = s.Catalog.ChangeLoadBalancer(c.ctx, b.Name, func(b *sockgate.LoadBalancer) error {
		for i := range b.Listeners {
			o := &b.Listeners[i]
			if o.Port != l.Port {
				continue
			}
			if o.Protocol == l.Protocol && o.TargetGroupARN == l.TargetGroupARN && slices.Equal(o.Certificates, l.Certificates) && o.SSLPolicy == l.SSLPolicy {
				out = *o
				return nil
			}
			return refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
		}
		if len(b.Listeners) >= maxListeners {
			return refuse("TooManyListeners", "The maximum number of listeners has been reached on load balancer '%s'", b.ARN)
		}
		l.ARN = strings.Replace(b.ARN, ":loadbalancer/", ":listener/", 1) + "/" + newHash()
		b.Listeners = append(b.Listeners, l)
		out = l
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showListeners(b, []sockgate.Listener{out}, ""), nil
}

// free refuses a group that another load balancer uses.
func (s *Service) free(b *sockgate.LoadBalancer, groupARN string) error {
	for _, other := range s.Balancers.Used(groupARN) {
		if other != b.ARN {
			return refuse("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", groupARN)
		}
	}
	return nil
}

// listener finds the listener with an ARN, and its load balancer.
func (s *Service) listener(arn string) (*sockgate.LoadBalancer, *sockgate.Listener, error) {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":listener/") {
		return nil, nil, invalid("'%s' is not a valid listener ARN", short(arn))
	}
	for _, b := range s.Balancers.LoadBalancers() {
		for i := range b.Listeners {
			if b.Listeners[i].ARN == arn {
				return b, &b.Listeners[i], nil
			}
		}
	}
	return nil, nil, noListener()
}

// changeListener edits the listener that the parameter ListenerArn names.
func (s *Service) changeListener(c *call, edit func(*sockgate.LoadBalancer, *sockgate.Listener) error) (*sockgate.LoadBalancer, sockgate.Listener, error) {
	arn, err := c.need("ListenerArn")
	if err != nil {
		return nil, sockgate.Listener{}, err
	}
	return s.changeListenerOf(c, arn, edit)
}

func (s *Service) changeListenerOf(c *call, arn string, edit func(*sockgate.LoadBalancer, *sockgate.Listener) error) (*sockgate.LoadBalancer, sockgate.Listener, error) {
	b, _, err := s.listener(arn)
	if err != nil {
		return nil, sockgate.Listener{}, err
	}
	if b.Declared {
		return nil, sockgate.Listener{}, declared(loadBalancer, b.Name)
	}
	var out sockgate.Listener
	b, err = s.Catalog.ChangeLoadBalancer(c.ctx, b.Name, func(b *sockgate.LoadBalancer) error {
		i := slices.IndexFunc(b.Listeners, func(l sockgate.Listener) bool { return l.ARN == arn })
		if i < 0 {
			return noListener()
		}
		if err := edit(b, &b.Listeners[i]); err != nil {
			return err
		}
		out = b.Listeners[i]
		return nil
	})
	return b, out, err
}

func (s *Service) modifyListener(c *call) (any, error) {
	b, l, err := s.changeListener(c, func(b *sockgate.LoadBalancer, l *sockgate.Listener) error {
		if p, _ := c.enum("Protocol", "TCP"); p == "TCP" && l.Protocol == "TLS" { // what only TLS has goes with it
			l.Certificates, l.SSLPolicy, l.ALPN = nil, "", nil
		}
		if err := s.readListener(c, l); err != nil {
			return err
		}
		for i := range b.Listeners {
			if o := &b.Listeners[i]; o.ARN != l.ARN && o.Port == l.Port {
				return refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
			}
		}
		return s.free(b, l.TargetGroupARN)
	})
	if err != nil {
		return nil, err
	}
	return showListeners(b, []sockgate.Listener{l}, ""), nil
}

func (s *Service) deleteListener(c *call) (any, error) {
	arn, err := c.need("ListenerArn")
	if err != nil {
		return nil, err
	}
	b, _, err := s.listener(arn)
	if err != nil {
		return nil, err
	}
	if b.Declared {
		return nil, declared(loadBalancer, b.Name)
	}
	_, err = s.Catalog.ChangeLoadBalancer(c.ctx, b.Name, func(b *sockgate.LoadBalancer) error {
		b.Listeners = slices.DeleteFunc(b.Listeners, func(l sockgate.Listener) bool { return l.ARN == arn })
		return nil
	})
	return nil, err
}

func (s *Service) describeListeners(c *call) (any, error) {
	arns := c.list("ListenerArns")
	if c.get("LoadBalancerArn") != "" {
		if len(arns) > 0 {
			return nil, invalid("A load balancer ARN and listener ARNs cannot be specified at the same time")
		}
		b, err := s.givenBalancer(c)
		if err != nil {
			return nil, err
		}
		list := slices.SortedFunc(slices.Values(b.Listeners), func(x, y sockgate.Listener) int { return x.Port - y.Port })
		some, next, err := page(c, list, func(l sockgate.Listener) string { return portKey(l.Port) })
		if err != nil {
			return nil, err
		}
		return showListeners(b, some, next), nil
	}
	if len(arns) == 0 {
		return nil, invalid("You must specify either listener ARNs or a load balancer ARN")
	}
	out := &listenersResult{}
	for _, arn := range arns {
		b, l, err := s.listener(arn)
		if err != nil {
			return nil, err
		}
		out.Listeners.Members = append(out.Listeners.Members, showListener(b, l))
	}
	return out, nil
}

// portKey sorts as the port does.
func portKey(port int) string {
	text := strconv.Itoa(port)
	return strings.Repeat("0", 5-len(text)) + text
}
