package lambda

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// fault is an error in Lambda's shape.
type fault struct {
	status  int
	typ     string
	message string
	// bare leaves the member Type out, as Lambda does for what its front finds wrong.
	bare   bool
	reason string // of TooManyRequestsException
	cause  error  // for the operator
}

func (f *fault) Error() string { return f.typ + ": " + f.message }
func (f *fault) Unwrap() error { return f.cause }

// AWSError returns the three parts of the error that every API has.
func (f *fault) AWSError() (status int, typ, message string) { return f.status, f.typ, f.message }

// invalid is what Lambda answers to values that break a rule of its own.
func invalid(format string, args ...any) error {
	return &fault{status: http.StatusBadRequest, typ: "InvalidParameterValueException", message: fmt.Sprintf(format, args...)}
}

// violates is what Lambda's front answers to values that break the service model.
func violates(format string, args ...any) error {
	return &fault{status: http.StatusBadRequest, typ: "ValidationException", message: fmt.Sprintf(format, args...), bare: true}
}

func notFound(format string, args ...any) error {
	return &fault{status: http.StatusNotFound, typ: "ResourceNotFoundException", message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &fault{status: http.StatusConflict, typ: "ResourceConflictException", message: fmt.Sprintf(format, args...)}
}

// stale is the answer to a RevisionId that is no longer the newest.
func stale() error {
	return &fault{status: http.StatusPreconditionFailed, typ: "PreconditionFailedException", message: "The Revision Id provided does not match " +
		"the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}
}

func tooLarge(limit int, operation string) error {
	return &fault{status: http.StatusRequestEntityTooLarge, typ: "RequestTooLargeException",
		message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation)}
}

// lambdaErrors is the table from kinds of error to Lambda's names, indexed by sockgate.Kind. Kinds without a name take awswire's.
var lambdaErrors = [...]struct {
	status int
	typ    string
}{
	sockgate.Internal:    {http.StatusInternalServerError, "ServiceException"},
	sockgate.Invalid:     {http.StatusBadRequest, "InvalidParameterValueException"},
	sockgate.NotFound:    {http.StatusNotFound, "ResourceNotFoundException"},
	sockgate.Conflict:    {http.StatusConflict, "ResourceConflictException"},
	sockgate.TooLarge:    {http.StatusRequestEntityTooLarge, "RequestTooLargeException"},
	sockgate.Throttled:   {http.StatusTooManyRequests, "TooManyRequestsException"},
	sockgate.Timeout:     {http.StatusInternalServerError, "ServiceException"},
	sockgate.Unavailable: {http.StatusServiceUnavailable, "ServiceException"},
}

// protocol is REST-JSON with Lambda's error bodies: {"Type":"User","Message":"…"}.
type protocol struct{}

// Fault is the reply that tells err.
func (protocol) Fault(r *http.Request, id string, err error) *awswire.Response {
	f := describe(err)
	if status, _, _ := awswire.Describe(err); f == nil && status == http.StatusRequestEntityTooLarge {
		f = tooLargeFor(r)
	}
	if f == nil {
		return awswire.RESTJSON{}.Fault(r, id, err)
	}
	// The members' names and their spelling are the model's, and differ between its errors.
	var body struct {
		Reason  string `json:"Reason,omitempty"`
		Type    string `json:"Type,omitempty"`
		Message string `json:"Message,omitempty"`
		Lower   string `json:"message,omitempty"`
	}
	body.Reason = f.reason
	if !f.bare {
		body.Type = "User"
		if f.status >= http.StatusInternalServerError {
			body.Type = "Service"
		}
	}
	switch f.typ {
	case "ResourceNotFoundException", "ServiceException", "AccessDeniedException":
		body.Message = f.message
	default:
		body.Lower = f.message
	}
	encoded, encErr := awswire.EncodeJSON(body)
	if encErr != nil {
		panic(encErr) // strings always encode
	}
	return &awswire.Response{Status: f.status, Header: http.Header{"x-amzn-ErrorType": {f.typ}}, Body: encoded}
}

// tooLargeFor is the answer to a body that the front has refused to read, or nil.
func tooLargeFor(r *http.Request) *fault {
	path := r.URL.EscapedPath()
	switch {
	case strings.HasSuffix(path, "/invocations"):
		return tooLarge(runtime.MaxPayload, "InvokeFunction").(*fault)
	case strings.HasSuffix(path, "/code"):
		return tooLargeEntity("UpdateFunctionCode").(*fault)
	case strings.HasSuffix(path, "/functions"):
		return tooLargeEntity("CreateFunction").(*fault)
	case strings.HasSuffix(path, "/versions") && strings.HasPrefix(path, "/2018-10-31/layers/"):
		return tooLargeEntity("PublishLayerVersion").(*fault)
	}
	return nil
}

// describe gives an error Lambda's form, or returns nil when it is none of Lambda's own.
func describe(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if _, ok := errors.AsType[*awswire.StatusError](err); ok {
		return nil
	}
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok {
		e = &sockgate.Error{Kind: sockgate.Internal}
	}
	if e.Kind == sockgate.Forbidden {
		return &fault{status: http.StatusForbidden, typ: "AccessDeniedException", message: e.Message, bare: true}
	}
	if int(e.Kind) >= len(lambdaErrors) || lambdaErrors[e.Kind].typ == "" {
		return nil
	}
	w := lambdaErrors[e.Kind]
	f := &fault{status: w.status, typ: w.typ, message: e.Message}
	switch e.Kind {
	case sockgate.Internal, sockgate.Timeout:
		f.message = "An error occurred and the request cannot be processed."
	case sockgate.Throttled:
		f.reason = throttleReason(e)
	}
	return f
}
