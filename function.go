package sockgate

import (
	"context"
	"time"
)

// FunctionCall is one invocation that the gateway itself makes, for a route's integration or an authorizer.
type FunctionCall struct {
	Function  string // "arn:aws:lambda:{region}:{account}:function:{name}", with ":{version or alias}" behind it or without
	SourceARN string // what asks: "arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/{routeKey}", or ".../authorizers/{id}"
	// RoleARN is the role whose policies must allow the call. When it is empty, a statement of the function's own policy must
	// let apigateway.amazonaws.com in.
	RoleARN string
	// Caller, unless nil, is whose policies must allow the call, instead of a role's ("arn:aws:iam::*:user/*").
	Caller  *Principal
	Payload []byte // JSON
	TraceID string // "Root=1-…"; may be empty
	// Later asks for an asynchronous invocation (Lambda's type Event): the answer comes once the call is accepted, without a payload.
	Later bool
}

// FunctionAnswer is what became of a call that reached its function.
type FunctionAnswer struct {
	Payload   []byte // JSON: what the handler returned, or the error document; owned by the caller
	Error     string // "" for a result, else "Handled" or "Unhandled" as in the header X-Amz-Function-Error
	RequestID string // UUID of the invocation, which the function's log lines carry
}

// Functions invokes functions. Its errors are of kind Forbidden (not permitted; the cause names the missing statement),
// NotFound, Throttled, TooLarge, Timeout (ctx ended first), Unavailable or Internal. A function that fails is no error.
type Functions interface {
	Call(ctx context.Context, c *FunctionCall) (*FunctionAnswer, error)
}

// Credentials are temporary keys of a role.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}
