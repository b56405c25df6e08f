package function

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// MaxTimeout is the longest timeout of an integration (reference section 3.1). A call that names none has it.
const MaxTimeout = 29 * time.Second

// errNoFunctions is the fault of a gateway that serves no functions.
var errNoFunctions = errors.New("this gateway runs no functions")

// Call invokes the function that t names and waits for it no longer than timeout. call brings all but the function and the
// credentials. caller is who signed the handshake, or nil.
//
// Errors: sockgate.Timeout when the function was too late. Everything else is sockgate.Internal with, as the cause, what AWS's
// execution log says of it; the function did not run then. A function that ran and failed is no error.
func (t *Target) Call(ctx context.Context, functions sockgate.Functions, call sockgate.FunctionCall, caller *sockgate.Principal,
	timeout time.Duration) (*sockgate.FunctionAnswer, error) {
	if err := t.ready(functions, caller); err != nil {
		return nil, sockgate.Internalf("%w", err)
	}
	call.Function, call.RoleARN = t.ARN, t.RoleARN
	if t.AsCaller {
		call.Caller = caller
	}
	if timeout <= 0 {
		timeout = MaxTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := functions.Call(ctx, &call)
	if err != nil {
		return nil, explain(err)
	}
	return answer, nil
}

// ready says why nothing can be called, or nil.
func (t *Target) ready(functions sockgate.Functions, caller *sockgate.Principal) error {
	switch {
	case t.Missing != nil:
		return fmt.Errorf("the stage has no variable %s, which the function's URI or credentials need", strings.Join(t.Missing, ", "))
	case t.Fault != "":
		return errors.New(t.Fault)
	case functions == nil:
		return errNoFunctions
	case t.AsCaller && caller == nil:
		return fmt.Errorf("credentials %s pass on the caller's identity, and the connection was not authorized with AWS_IAM", callerCredentials)
	}
	return nil
}

// explain gives an error of the function service the words of AWS's execution log. To API Gateway a function that is not there
// looks like one that may not be called.
func explain(err error) error {
	switch sockgate.KindOf(err) {
	case sockgate.Timeout:
		return sockgate.Timeoutf("Endpoint request timed out").Because(err)
	case sockgate.Forbidden, sockgate.NotFound:
		return sockgate.Internalf("Invalid permissions on Lambda function: %w", operators(err))
	case sockgate.Throttled:
		return sockgate.Internalf("Rate Exceeded.: %w", operators(err))
	}
	return sockgate.Internalf("the function could not be invoked: %w", err)
}

// operators is the cause of an error where it has one: the words for a peer tell an operator nothing more.
func operators(err error) error {
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Cause != nil {
		return e.Cause
	}
	return err
}
