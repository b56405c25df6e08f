// Package authorize decides who may connect: it asks a REQUEST authorizer's function about a handshake, reads the policy that
// comes back, and evaluates it. Its JWT authorizers, which go beyond AWS, do the same with a token.
//
// It is asked once for each connection, at $connect; what it finds stays with the connection. Signatures are verified elsewhere
// (lang/sigv4), users' own policies too (service/identity).
//
// Files: authorize.go authorizers and their outcomes, source.go identity sources, answer.go what functions answer, keys.go condition
// keys, jwt*.go tokens.
//
// Source: reference section 9.
package authorize

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/integrate/function"
	"github.com/sockgate/sockgate/lang/policy"
)

// DefaultTimeout is how long an authorizer's function may take. UNCONFIRMED: it is the quota of HTTP APIs; reference section 9.2.
const DefaultTimeout = 10 * time.Second

// invoke is the action that a policy must allow.
const invoke = "execute-api:Invoke"

// Config is what a Checker works with.
type Config struct {
	Functions sockgate.Functions
	Timeout   time.Duration // of an authorizer's function; DefaultTimeout when zero
	Tokens    *Tokens       // nil: JWT authorizers are turned off, and let nobody in
	Clock     func() time.Time
}

// Checker asks authorizers. Its methods may be called by many goroutines.
type Checker struct{ cfg Config }

// New returns a checker. It starts nothing.
func New(c Config) *Checker {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return &Checker{cfg: c}
}

// Outcome is the way in which a client was not let in.
type Outcome uint8

// The outcomes. Source: reference sections 0.2 and 9.4.
const (
	Unauthorized  Outcome = iota // no identity was given, or the authorizer does not accept it
	Denied                       // the policy does not allow it
	DeniedByRule                 // the policy forbids it explicitly
	Misconfigured                // the function failed, or its answer is not what an authorizer answers
	Failed                       // the function could not be called, or was too late
)

// Refusal is the error of a client that was not let in.
type Refusal struct {
	Outcome Outcome
	Cause   error // for the operator
}

func (r *Refusal) Error() string { return r.Cause.Error() }

func (r *Refusal) Unwrap() error { return r.Cause }

func refuse(o Outcome, format string, args ...any) *Refusal {
	return &Refusal{Outcome: o, Cause: fmt.Errorf(format, args...)}
}

// Authorizer is an authorizer of one stage, compiled. It is not changed any more, but for the keys that a JWT authorizer remembers.
type Authorizer struct {
	ID, Name  string
	MethodARN string // of $connect: what its policy must allow
	ARN       string // its own, which asks for the function

	sources   []source
	function  *function.Target
	variables []byte     // the stage's, as events have them
	token     *tokenRule // of JWT authorizers, which have no function
}

// Place says where an authorizer stands.
type Place struct {
	MethodARN string // of the route that it guards
	ARN       string // its own
	Variables map[string]string
	Encoded   []byte // Variables as events have them
}

// Compile compiles an authorizer. The error is sockgate.Invalid: a source of identity that there is not. What is wrong with the
// function shows when it is called, as on AWS.
func Compile(a *sockgate.Authorizer, at Place) (*Authorizer, error) {
	c := &Authorizer{ID: a.ID, Name: a.Name, MethodARN: at.MethodARN, ARN: at.ARN, variables: at.Encoded}
	for _, text := range a.IdentitySource {
		s, err := compileSource(text, at.Variables)
		if err != nil {
			return nil, err
		}
		c.sources = append(c.sources, s)
	}
	if a.Type == "JWT" {
		var err error
		c.token, err = compileTokenRule(a)
		return c, err
	}
	c.function = function.Compile(a.URI, a.CredentialsARN, at.Variables)
	return c, nil
}

// Check decides about a handshake. It notes on ev what access logs show of authorizers, also when the client is refused.
// The error is a *Refusal.
func (c *Checker) Check(ctx context.Context, a *Authorizer, ev *sockgate.Event) (*sockgate.Authorization, error) {
	who, err := c.ask(ctx, a, ev)
	if err == nil {
		ev.AuthorizerStatus = 200
		return who, nil
	}
	ev.AuthorizerStatus, ev.AuthorizerError = status(err.Outcome), err.Error()
	return nil, err
}

func status(o Outcome) int {
	switch o {
	case Unauthorized:
		return 401
	case Denied, DeniedByRule:
		return 403
	}
	return 500
}

func (c *Checker) ask(ctx context.Context, a *Authorizer, ev *sockgate.Event) (*sockgate.Authorization, *Refusal) {
	for i := range a.sources {
		if a.sources[i].read(ev) == "" {
			return nil, refuse(Unauthorized, "identity source %s is missing or empty", a.sources[i].text)
		}
	}
	if a.token != nil {
		return c.checkToken(ctx, a, ev)
	}
	payload := function.AppendAuthorizerEvent(make([]byte, 0, function.EventSize(ev)+512), ev, a.MethodARN, a.variables)
	began := c.cfg.Clock()
	answer, err := a.function.Call(ctx, c.cfg.Functions,
		sockgate.FunctionCall{SourceARN: a.ARN, Payload: payload, TraceID: ev.TraceID}, nil, c.cfg.Timeout)
	ev.AuthorizerLatency = c.cfg.Clock().Sub(began)
	if err != nil {
		return nil, failed(err)
	}
	ev.AuthorizerServiceStatus, ev.AuthorizerRequestID = 200, answer.RequestID
	if answer.Error != "" {
		return nil, rejected(answer.Payload)
	}
	doc, err := parseAnswer(answer.Payload)
	if err != nil {
		return nil, refuse(Misconfigured, "Invalid authorizer response: %w", err)
	}
	doc.who.Latency = ev.AuthorizerLatency
	return doc.who, a.judge(ev, doc.policy)
}

// judge evaluates the policy that the function answered.
func (a *Authorizer) judge(ev *sockgate.Event, p *policy.Policy) *Refusal {
	request := policy.Request{Action: invoke, Resource: a.MethodARN, Keys: keys{ev, a.MethodARN}}
	switch policy.Evaluate(&request, p) {
	case policy.Allow:
		ev.Authorize.Status = 200
		return nil
	case policy.ExplicitDeny:
		ev.Authorize.Status, ev.Authorize.Error = 403, "explicit deny"
		return refuse(DeniedByRule, "the policy of authorizer %s denies %s on %s explicitly", a.Name, invoke, a.MethodARN)
	}
	ev.Authorize.Status, ev.Authorize.Error = 403, "implicit deny"
	return refuse(Denied, "the policy of authorizer %s does not allow %s on %s", a.Name, invoke, a.MethodARN)
}

// failed is a call that did not come to an answer.
func failed(err error) *Refusal {
	if sockgate.KindOf(err) == sockgate.Timeout {
		return refuse(Failed, "the authorizer's function was too late: %w", err)
	}
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Cause != nil {
		err = e.Cause // without the words for the peer
	}
	return refuse(Failed, "%w", err)
}

// rejected is a function that failed. The message "Unauthorized", and nothing else, is its way to say that the client is not known.
func rejected(payload []byte) *Refusal {
	message := function.ErrorMessage(payload)
	if message == "Unauthorized" {
		return refuse(Unauthorized, "the authorizer's function failed with Unauthorized")
	}
	return refuse(Misconfigured, "the authorizer's function failed: %.1024s", message)
}
