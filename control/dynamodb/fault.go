package dynamodb

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/awswire"
	"github.com/sockgate/sockgate/lang/ddb/value"
	"github.com/sockgate/sockgate/service/table"
)

// The namespaces of error types. DynamoDB's own are in dynamo; what its front refuses is in the others.
const (
	coral    = "com.amazon.coral.service#"
	validate = "com.amazon.coral.validate#"
	dynamo   = "com.amazonaws.dynamodb.v20120810#"
)

// fault is an error as it is told.
type fault struct {
	status  int // 0 is 400
	typ     string
	message string
	capital bool           // it is called "Message"
	item    value.Item     // of ConditionalCheckFailedException
	reasons []table.Reason // of TransactionCanceledException
}

func (f *fault) Error() string { return f.typ + ": " + f.message }

// AWSError returns the parts of the error that have a place in the log.
func (f *fault) AWSError() (status int, typ, message string) {
	if f.status == 0 {
		return http.StatusBadRequest, f.typ, f.message
	}
	return f.status, f.typ, f.message
}

// protocol tells errors as DynamoDB does: nearly all with status 400, the type and the message in the body.
type protocol struct{}

// Fault writes the error.
func (protocol) Fault(hr *http.Request, _ string, err error) *awswire.Response {
	f := describe(err)
	status, _, _ := f.AWSError()
	b := appendText([]byte(`{"__type":`), f.typ)
	if f.reasons != nil {
		b = append(b, `,"CancellationReasons":`...)
		b = appendReasons(b, f.reasons)
		b = appendText(append(b, `,"Message":`...), f.message)
	}
	if f.item != nil {
		b = f.item.AppendJSON(append(b, `,"Item":`...))
	}
	switch {
	case f.message == "":
	case f.capital:
		b = appendText(append(b, `,"Message":`...), f.message)
	default:
		b = appendText(append(b, `,"message":`...), f.message)
	}
	resp := answer(hr.Header, status, append(b, '}'))
	_, name, _ := strings.Cut(f.typ, "#")
	resp.Header["x-amzn-ErrorType"] = []string{name}
	return resp
}

// describe gives an error its type and words.
func describe(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if e, ok := errors.AsType[*table.ConditionFailed](err); ok {
		return &fault{typ: dynamo + "ConditionalCheckFailedException", message: e.Error()}
	}
	if e, ok := errors.AsType[*table.Canceled](err); ok {
		return &fault{typ: dynamo + "TransactionCanceledException", message: e.Error(), reasons: e.Reasons}
	}
	if e, ok := errors.AsType[*table.InUse](err); ok {
		return &fault{typ: dynamo + "ResourceInUseException", message: e.Message}
	}
	if e, ok := errors.AsType[*table.LimitExceeded](err); ok {
		return &fault{typ: dynamo + "LimitExceededException", message: e.Message}
	}
	if e, ok := errors.AsType[table.TokenReused](err); ok {
		return &fault{typ: dynamo + "IdempotentParameterMismatchException", message: e.Error()}
	}
	if e, ok := errors.AsType[*sockgate.Error](err); ok {
		return describeKind(e)
	}
	status, typ, message := awswire.Describe(err)
	if typ == "MissingAuthenticationTokenException" {
		message = "Request is missing Authentication Token"
	}
	if status < http.StatusInternalServerError && status != http.StatusRequestEntityTooLarge {
		status = http.StatusBadRequest
	}
	if typ == "InternalServerException" {
		return &fault{status: status, typ: dynamo + "InternalServerError", message: message}
	}
	return &fault{status: status, typ: coral + typ, message: message}
}

func describeKind(e *sockgate.Error) *fault {
	switch e.Kind {
	case sockgate.Invalid:
		return &fault{typ: validate + "ValidationException", message: e.Message}
	case sockgate.NotFound:
		return &fault{typ: dynamo + "ResourceNotFoundException", message: e.Message}
	case sockgate.Forbidden:
		return &fault{typ: coral + "AccessDeniedException", message: e.Message, capital: true}
	case sockgate.Throttled:
		return &fault{typ: "com.amazon.coral.availability#ThrottlingException", message: e.Message}
	case sockgate.TooLarge:
		return &fault{status: http.StatusRequestEntityTooLarge, typ: coral + "RequestEntityTooLargeException", message: e.Message}
	case sockgate.Unavailable, sockgate.Timeout:
		return &fault{status: http.StatusServiceUnavailable, typ: coral + "ServiceUnavailableException", message: e.Message}
	}
	return &fault{status: http.StatusInternalServerError, typ: dynamo + "InternalServerError", message: "Internal server error"}
}

func appendReasons(b []byte, reasons []table.Reason) []byte {
	b = append(b, '[')
	for i, r := range reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"Code":`...), r.Code)
		if r.Item != nil {
			b = r.Item.AppendJSON(append(b, `,"Item":`...))
		}
		if r.Message != "" {
			b = appendText(append(b, `,"Message":`...), r.Message)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// invalid is a ValidationException that begins as most do.
func invalid(format string, args ...any) error {
	return sockgate.Invalidf("One or more parameter values were invalid: "+format, args...)
}
