// Package iam is the API of users, roles and policies: those operations of AWS Identity and Access Management that the gateway
// has a use for, in its query protocol, so that the AWS SDKs, CLI and templates work unchanged. It checks what a caller sends and
// changes the directory of package service/identity, which decides about every request.
//
// Operations and the rules for their parameters are one table, in operations.go. A handler is only ever given parameters that
// the table has passed, of a caller who may do the operation. Groups, instance profiles, passwords, certificates and federation
// do not exist here.
//
// Source: IAM API Reference; where it says nothing, texts are those that AWS's endpoint has been seen to answer.
package iam

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/identity"
)

const (
	version   = "2010-05-08"
	namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
)

// Service serves the operations. Its methods may be called by many goroutines.
type Service struct {
	directory  *identity.Directory
	operations map[string]*operation
}

var (
	_ awswire.Service = (*Service)(nil)
	_ awswire.Guarded = (*Service)(nil)
)

// New returns the service over a directory.
func New(d *identity.Directory) *Service {
	s := &Service{directory: d, operations: make(map[string]*operation)}
	for _, op := range operations() {
		s.operations[op.name] = &op
	}
	return s
}

// Name returns the API's name.
func (s *Service) Name() string { return "iam" }

// Protocol returns the API's protocol.
func (s *Service) Protocol() awswire.Protocol { return awswire.Query{Namespace: namespace} }

// Permission asks nothing: what an operation needs depends on its parameters, so Serve asks when it has checked them.
func (s *Service) Permission(*awswire.Request) (string, []string) { return "", nil }

// call is one call, its parameters checked against the operation's table.
type call struct {
	ctx  context.Context
	req  *awswire.Request
	form url.Values
	tags []identity.Tag // of the parameter Tags
	keys []string       // of the parameter TagKeys
}

func (c *call) get(name string) string { return c.form.Get(name) }

// Serve carries out one call.
func (s *Service) Serve(ctx context.Context, r *awswire.Request) (*awswire.Response, error) {
	form, err := awswire.QueryForm(r)
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	op := s.operations[action]
	if op == nil && notBuilt[action] {
		return nil, awswire.NotBuilt(s.Name(), action)
	}
	if v := form.Get("Version"); op == nil || v != "" && v != version {
		if v == "" {
			v = version
		}
		return nil, refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", action, v)
	}
	// AWS takes the keys of GetSessionToken here only with multi-factor authentication, which does not exist.
	if r.Principal.RoleName == "" && !r.Principal.TokenIssued.IsZero() {
		return nil, refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid")
	}
	c := &call{ctx: ctx, req: r, form: form}
	if err := check(c, op.params); err != nil {
		return nil, err
	}
	resource, err := op.resource(s, c)
	if err != nil {
		return nil, err
	}
	if err := permit(c, action, resource); err != nil {
		return nil, err
	}
	if action == "UpdateUser" {
		if err := mayBecome(s, c); err != nil {
			return nil, err
		}
	}
	result, err := op.handle(s, c)
	if err != nil {
		return nil, err
	}
	return awswire.Query{Namespace: namespace}.Reply(action, r.ID, result)
}

// conditionKeys are the keys that IAM adds to a question. Source: Service Authorization Reference, "AWS Identity and Access
// Management".
func conditionKeys(c *call) map[string][]string {
	m := map[string][]string{}
	if v := c.get("PolicyArn"); v != "" {
		m["iam:policyarn"] = []string{v}
	}
	if v := c.get("PermissionsBoundary"); v != "" {
		m["iam:permissionsboundary"] = []string{v}
	}
	for _, t := range c.tags {
		m["aws:requesttag/"+lower(t.Key)] = []string{t.Value}
		m["aws:tagkeys"] = append(m["aws:tagkeys"], t.Key)
	}
	if c.keys != nil {
		m["aws:tagkeys"] = c.keys
	}
	return m
}
