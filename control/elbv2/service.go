// Package elbv2 is the API of load balancers: those operations of Elastic Load Balancing (version 2015-12-01) that make and watch
// Network Load Balancers, in its query protocol, so that the AWS SDKs, CLI and templates work unchanged. It checks what a caller
// sends and edits documents in the catalog; package service/balancer follows those and does the balancing.
//
// Operations are one table, in operations.go. Application and Gateway Load Balancers, rules, UDP and everything else that AWS has are
// refused by name. What the configuration file declares is shown and cannot be changed.
//
// Source: Elastic Load Balancing API Reference; texts of errors are those that AWS's users have published, where they have, and else
// UNCONFIRMED.
package elbv2

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/balancer"
	"github.com/sockgate/sockgate/state/catalog"
)

const (
	version   = "2015-12-01"
	namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
)

// Config is what the service needs. Every member must be set.
type Config struct {
	Catalog   *catalog.Catalog
	Balancers *balancer.Service
	Account   string // 12 digits
	Region    string
	Clock     func() time.Time
}

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct {
	Config
	// turn has one token, which changes hold, so that what one found in other documents still holds when it is written.
	turn chan struct{}
}

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service.
func New(cfg Config) *Service { return &Service{Config: cfg, turn: make(chan struct{}, 1)} }

// Name returns the API's name.
func (s *Service) Name() string { return "elasticloadbalancing" }

// Protocol returns the API's protocol.
func (s *Service) Protocol() awswire.Protocol { return awswire.Query{Namespace: namespace} }

// Permission is the action of the operation's name, on the resources that the call names or makes. Source: Service Authorization
// Reference, "AWS Elastic Load Balancing V2"; Describe operations have no resources.
func (s *Service) Permission(r *awswire.Request) (action string, resources []string) {
	form, err := awswire.QueryForm(r)
	if err != nil {
		return "", nil // Serve refuses it
	}
	name := form.Get("Action")
	op := operations[name]
	if op == nil && !slices.Contains(notBuilt, name) {
		return "", nil
	}
	action = "elasticloadbalancing:" + name
	if op == nil || !op.changes {
		return action, []string{"*"}
	}
	c := &call{form: form}
	for _, member := range []string{"LoadBalancerArn", "TargetGroupArn", "ListenerArn"} {
		if arn := c.get(member); arn != "" {
			resources = append(resources, arn)
		}
	}
	resources = append(resources, c.list("ResourceArns")...)
	switch name {
	case "CreateLoadBalancer":
		resources = []string{s.arn("loadbalancer/net/" + c.get("Name") + "/*")}
	case "CreateTargetGroup":
		resources = []string{s.arn("targetgroup/" + c.get("Name") + "/*")}
	}
	if resources == nil {
		resources = []string{"*"}
	}
	return action, resources
}

func (s *Service) arn(resource string) string {
	return "arn:aws:elasticloadbalancing:" + s.Region + ":" + s.Account + ":" + resource
}

// call is one call.
type call struct {
	ctx  context.Context
	form url.Values
}

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	form, err := awswire.QueryForm(r)
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	op := operations[action]
	if op == nil && slices.Contains(notBuilt, action) {
		return nil, awswire.NotBuilt(s.Name(), action)
	}
	if v := form.Get("Version"); op == nil || v != "" && v != version {
		if v == "" {
			v = version
		}
		return nil, refuse("InvalidAction", "Could not find operation %s for version %s", action, v)
	}
	if op.changes {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return nil, sockgate.Unavailablef("Unable to complete operation due to concurrent modification. Please try again later.").Because(ctx.Err())
		}
	}
	result, err := op.handle(s, &call{ctx: ctx, form: form})
	if err != nil {
		return nil, err
	}
	if result == nil {
		result = struct{}{} // the API's answers without content have an empty result
	}
	resp, err := awswire.Query{Namespace: namespace}.Reply(action, r.ID, result)
	if err == nil {
		resp.Status = http.StatusOK
	}
	return resp, err
}
