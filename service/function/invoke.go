package function

import (
	"bytes"
	"context"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/internal/requestid"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// Invocation is a call by the Lambda API, whose front has decided that it is permitted.
type Invocation struct {
	Name, Qualifier string // as of a function of this gateway; "" is $LATEST
	RequestID       string // UUID; "" makes one
	TraceID         string
	Payload         []byte // JSON, at most 6 MB
	ClientContext   string // base64 as it came; may be empty
	Tail            bool   // the last 4 KB of the log are wanted
}

// Outcome is what became of an invocation that reached its function.
type Outcome struct {
	Payload       []byte // JSON; owned by the caller
	FunctionError string // "", "Handled" or "Unhandled"
	LogTail       []byte
	Version       string // that ran
}

// Call makes an invocation that the gateway itself wants. See sockgate.Functions.
//
// A function of Config.Remotes is called there, and its own permissions are that place's affair; a role or a caller given
// with the call must be permitted here all the same. What an ARN of another account or region names is NotFound.
func (s *Service) Call(ctx context.Context, c *sockgate.FunctionCall) (*sockgate.FunctionAnswer, error) {
	if len(s.remotes) > 0 {
		if r := s.remote(c.Function); r != nil {
			return s.callRemote(ctx, r, c)
		}
	}
	name, qualifier, ok := s.splitARN(c.Function)
	if !ok {
		return nil, sockgate.NotFoundf("Function not found: %s", c.Function).Because(errElsewhere)
	}
	f, t, err := s.find(name, qualifier)
	if err != nil {
		return nil, err
	}
	defer s.leave(t)
	if err := s.permit(f, qualifier, c); err != nil {
		return nil, err
	}
	id := requestid.New()
	if c.Later {
		in := &Invocation{Name: name, Qualifier: qualifier, RequestID: id, TraceID: c.TraceID, Payload: bytes.Clone(c.Payload)}
		if err := s.later(f, in); err != nil {
			return nil, err
		}
		return &sockgate.FunctionAnswer{RequestID: id}, nil
	}
	result, err := s.run(ctx, f, t, &runtime.Invocation{RequestID: id, TraceID: c.TraceID, InvokedARN: c.Function, Payload: c.Payload})
	if err != nil {
		return nil, err
	}
	return &sockgate.FunctionAnswer{Payload: result.Payload, Error: result.FunctionError, RequestID: id}, nil
}

// Invoke makes a synchronous invocation. Errors: NotFound, Throttled, TooLarge, Timeout (ctx ended first), Unavailable, Internal.
func (s *Service) Invoke(ctx context.Context, in *Invocation) (*Outcome, error) {
	f, t, err := s.find(in.Name, in.Qualifier)
	if err != nil {
		return nil, err
	}
	defer s.leave(t)
	id := in.RequestID
	if id == "" {
		id = requestid.New()
	}
	result, err := s.run(ctx, f, t, &runtime.Invocation{
		RequestID: id, TraceID: in.TraceID, InvokedARN: s.ARN(in.Name, in.Qualifier),
		Payload: in.Payload, ClientContext: in.ClientContext, Tail: in.Tail,
	})
	if err != nil {
		return nil, err
	}
	return &Outcome{Payload: result.Payload, FunctionError: result.FunctionError, LogTail: result.LogTail, Version: t.version}, nil
}

// ReservedText is what Lambda says when a function's reserved concurrency is used up.
const ReservedText = "Rate Exceeded."

func (s *Service) run(ctx context.Context, f *function, t *target, in *runtime.Invocation) (*runtime.Result, error) {
	if r := f.record.Reserved; r != nil && *r == 0 {
		return nil, &sockgate.Error{Kind: sockgate.Throttled, Message: ReservedText}
	}
	return s.Runner.Invoke(ctx, t.spec, in)
}
