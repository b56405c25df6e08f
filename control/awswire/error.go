package awswire

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/sockgate/sockgate"
)

// StatusError is an error that already has its AWS form. Package-foreign errors may have one too, with a method
// AWSError() (status int, typ, message string).
type StatusError struct {
	Status  int
	Type    string // e.g. "AccessDeniedException"
	Message string // for the peer
}

func (e *StatusError) Error() string { return e.Type + ": " + e.Message }

// AWSError returns the three parts of the error.
func (e *StatusError) AWSError() (status int, typ, message string) {
	return e.Status, e.Type, e.Message
}

// NotBuilt says that an operation which AWS has is not served here: 501 with the names of both.
func NotBuilt(service, operation string) error {
	return &StatusError{http.StatusNotImplemented, "NotImplementedException", service + " " + operation + " is not built"}
}

// UnknownOperation is the answer for a method and path that no operation of the API has.
// UNCONFIRMED: the status and text are those that API Gateway's control plane is remembered to give.
func UnknownOperation() error {
	return &StatusError{http.StatusForbidden, "AccessDeniedException", "Unable to determine service/operation name to be authorized"}
}

// wireErrors is the one table from kinds of error to AWS's language, indexed by sockgate.Kind. Source: reference section 1.2;
// what the v2 model has no name for takes the common one of AWS's front end.
var wireErrors = [...]struct {
	status int
	typ    string
}{
	sockgate.Internal:     {http.StatusInternalServerError, "InternalServerException"},
	sockgate.Invalid:      {http.StatusBadRequest, "BadRequestException"},
	sockgate.Unauthorized: {http.StatusUnauthorized, "UnauthorizedException"},
	sockgate.Forbidden:    {http.StatusForbidden, "AccessDeniedException"},
	sockgate.NotFound:     {http.StatusNotFound, "NotFoundException"},
	sockgate.Conflict:     {http.StatusConflict, "ConflictException"},
	sockgate.TooLarge:     {http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException"},
	sockgate.Throttled:    {http.StatusTooManyRequests, "TooManyRequestsException"},
	sockgate.Gone:         {http.StatusGone, "GoneException"},
	sockgate.Timeout:      {http.StatusGatewayTimeout, "TimeoutException"},
	sockgate.Unavailable:  {http.StatusServiceUnavailable, "ServiceUnavailableException"},
}

// Describe gives an error its status, AWS name and message for the peer. Anything without a form of its own is internal,
// and its text stays here.
func Describe(err error) (status int, typ, message string) {
	var own interface {
		AWSError() (status int, typ, message string)
	}
	if errors.As(err, &own) {
		return own.AWSError()
	}
	internal := wireErrors[sockgate.Internal]
	e, ok := errors.AsType[*sockgate.Error](err)
	if !ok || e.Kind == sockgate.Internal || int(e.Kind) >= len(wireErrors) {
		return internal.status, internal.typ, "Internal server error"
	}
	w := wireErrors[e.Kind]
	return w.status, w.typ, e.Message
}

// plainJSON is a header's value that is shared and never changed.
var plainJSON = []string{"application/json"}

func write(w http.ResponseWriter, status int, body []byte) {
	if status == 0 {
		status = http.StatusOK
	}
	if body != nil {
		h := w.Header()
		if Header(h, "Content-Type") == "" {
			h["Content-Type"] = plainJSON
		}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone; nobody is left to tell
}

// EncodeJSON returns v as compact JSON without HTML escaping, which would turn an "&" in a URI into an escape.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, sockgate.Internalf("encode response: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
