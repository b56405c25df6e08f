package pipeline

import (
	"context"
	"time"

	"github.com/sockgate/sockgate"
	authorizers "github.com/sockgate/sockgate/gateway/authorize"
)

// authorize asks who the client is and whether it may come in, once, at $connect. What it finds stays with the connection.
type authorize struct {
	signed  func(*Handshake) (*sockgate.Principal, error)
	permit  func(*sockgate.Principal, string, string, *Handshake) error
	checker *authorizers.Checker
	clock   func() time.Time
}

func (s authorize) run(ctx context.Context, x *exchange) error {
	if x.route == nil || x.ev.Type != sockgate.Connect {
		return nil
	}
	switch x.route.AuthorizationType {
	case "", "NONE":
		return nil
	case "AWS_IAM":
		return s.signature(x)
	case "CUSTOM", "JWT":
		return s.ask(ctx, x)
	}
	return misconfigured{sockgate.Internalf("$connect asks for authorization of an unknown type, %q", x.route.AuthorizationType)}
}

// signature verifies who signed the handshake, and asks whether their policies allow it. The root user may do everything.
func (s authorize) signature(x *exchange) error {
	began := s.clock()
	principal, err := s.signed(x.handshake)
	x.ev.Authenticate = s.check(began, err)
	if err != nil {
		return err
	}
	began = s.clock()
	err = s.permitted(principal, x)
	x.ev.Authorize = s.check(began, err)
	if err != nil {
		return accessDenied{err}
	}
	x.session.Connection.Identity = principal
	return nil
}

func (s authorize) permitted(p *sockgate.Principal, x *exchange) error {
	switch {
	case p.Root:
		return nil
	case s.permit == nil:
		return sockgate.Forbiddenf("User: %s is not authorized to perform: %s", p.ARN, invoke)
	}
	return s.permit(p, invoke, x.route.ARN, x.handshake)
}

// invoke is the action that who signs a handshake must be allowed.
const invoke = "execute-api:Invoke"

func (s authorize) check(began time.Time, err error) sockgate.Check {
	c := sockgate.Check{Status: 200, Latency: s.clock().Sub(began)}
	if err != nil {
		c.Status, c.Error = 403, why(err)
	}
	return c
}

// ask asks the route's authorizer.
func (s authorize) ask(ctx context.Context, x *exchange) error {
	a := x.route.Authorizer
	if a == nil || s.checker == nil {
		return misconfigured{sockgate.Internalf("there is no authorizer, and $connect asks for one")}
	}
	log := x.log()
	log.Authorizing(&x.ev, a.ID)
	who, err := s.checker.Check(ctx, a, &x.ev)
	if err != nil {
		return err
	}
	x.session.Connection.Authorizer = who
	log.Authorized(&x.ev, a.Name, who.PrincipalID)
	return nil
}
