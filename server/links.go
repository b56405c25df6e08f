package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/control/elbv2"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/gateway/integrate/link"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/state/catalog"
)

// openLinks makes what knows VPC links and load balancers, and lets the catalog tell it of changes.
func (s *Server) openLinks(cat *catalog.Catalog) {
	s.balancer = balancer.New(balancer.Config{
		Dial: s.http.Dial, Declared: s.declaredBalancers(), Account: s.cfg.Account, Region: s.cfg.Region, Log: s.log,
	})
	cat.OnBalancing(s.balancer.Told)
}

// declaredBalancers are the load balancers and links of the configuration file. Their ARNs are the same at each start.
func (s *Server) declaredBalancers() (d balancer.Declared) {
	arns := make(map[string]string)
	for _, b := range s.cfg.LoadBalancers {
		sum := sha256.Sum256([]byte(s.cfg.Account + " " + s.cfg.Region + " " + b.Name))
		hash := hex.EncodeToString(sum[:8])
		head := "arn:aws:elasticloadbalancing:" + s.cfg.Region + ":" + s.cfg.Account + ":"
		arns[b.Name] = head + "loadbalancer/net/" + b.Name + "/" + hash
		g := sockgate.TargetGroup{
			ARN: head + "targetgroup/" + b.Name + "/" + hash, Name: b.Name, Protocol: "TCP", Port: 80, TargetType: "ip", Declared: true,
			HealthCheck: declaredCheck(&b.HealthCheck),
			Attributes:  map[string]string{"deregistration_delay.timeout_seconds": strconv.Itoa(int(b.DeregistrationDelay.Seconds()))},
		}
		for _, t := range b.Targets {
			host, port, _ := net.SplitHostPort(t) // package config has checked it
			n, _ := strconv.Atoi(port)
			if net.ParseIP(host) == nil {
				g.TargetType = "instance" // whose ids may be names
			}
			g.Targets = append(g.Targets, sockgate.Target{ID: host, Port: n})
		}
		d.Groups = append(d.Groups, g)
		d.Balancers = append(d.Balancers, sockgate.LoadBalancer{
			ARN: arns[b.Name], Name: b.Name, DNSName: b.Name + "-" + hash + ".elb." + s.cfg.Region + ".amazonaws.com", Scheme: "internal", IPAddressType: "ipv4", Declared: true,
			Listeners: []sockgate.Listener{{
				ARN: head + "listener/net/" + b.Name + "/" + hash + "/" + hash, Protocol: "TCP", Port: 80, TargetGroupARN: g.ARN,
			}},
		})
	}
	for _, v := range s.cfg.VPCLinks {
		d.Links = append(d.Links, sockgate.VPCLink{ID: v.ID, Name: cmp.Or(v.Name, v.ID), LoadBalancerARN: arns[v.LoadBalancer], Status: "AVAILABLE", Declared: true})
	}
	return d
}

func declaredCheck(h *config.HealthCheck) sockgate.HealthCheck {
	c := sockgate.HealthCheck{
		Protocol: strings.ToUpper(h.Protocol), Port: h.Port, Interval: h.Interval, Timeout: min(h.Timeout, h.Interval), Healthy: h.Healthy, Unhealthy: h.Unhealthy,
	}
	if c.Protocol != "TCP" {
		c.Path, c.Matcher = h.Path, h.Statuses
	}
	return c
}

// runLinks follows links and load balancers, and checks their targets.
func (s *Server) runLinks(ctx context.Context, cat *catalog.Catalog) {
	s.goRun("load balancers", func() error {
		if err := cat.WatchBalancing(ctx, s.balancer); ctx.Err() == nil {
			return err
		}
		return nil
	})
	s.goRun("health checks", func() error { return s.balancer.Run(ctx) })
}

// awaitLinks waits until every stored link, load balancer and target group is known.
func (s *Server) awaitLinks(ctx context.Context) error {
	select {
	case <-s.balancer.Ready():
		return nil
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("start: %w", ctx.Err())
	}
}

// balancersAPI is the control plane of load balancers.
func (s *Server) balancersAPI(cat *catalog.Catalog) *elbv2.Service {
	return elbv2.New(elbv2.Config{Catalog: cat, Balancers: s.balancer, Account: s.cfg.Account, Region: s.cfg.Region, Clock: time.Now})
}

// through is the way of integrations through a VPC link.
func (s *Server) through(id string) httpbackend.Via { return link.New(id, s.balancer) }
