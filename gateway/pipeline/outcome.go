package pipeline

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/sockgate/sockgate"
	authorizers "github.com/sockgate/sockgate/gateway/authorize"
	httpbackend "github.com/sockgate/sockgate/gateway/integrate/http"
	"github.com/sockgate/sockgate/lang/sigv4"
)

// Refusal is the HTTP answer to a handshake that was not accepted. As an error it tells the operator why.
type Refusal struct {
	RequestID   string
	Status      int
	Type        string // x-amzn-ErrorType; empty when the backend refused
	ContentType string // empty: JSON
	Headers     []sockgate.Header
	Body        []byte
	Cause       error
}

func (r *Refusal) Error() string {
	if r.Cause != nil {
		return r.Cause.Error()
	}
	return "the $connect integration answered " + http.StatusText(r.Status)
}

func (r *Refusal) Unwrap() error { return r.Cause }

// answer says how an error is told at the handshake: its HTTP status, AWS's error name, and the gateway response type that
// appears in access logs (reference sections 0.2 and 6.2).
type answer struct {
	status       int
	name         string
	responseType string
	capital      bool // the body's member is "Message", as of AWS's refusals to those who are known
}

// byKind is the one table from the product's errors to the handshake's answers.
//
// A backend that could not be reached or did not speak HTTP is answered 502: AWS documents that for Lambda only, and is
// silent on HTTP backends (UNCONFIRMED).
var byKind = map[sockgate.Kind]answer{
	sockgate.Invalid:      {status: 400, name: "BadRequestException", responseType: "BAD_REQUEST_PARAMETERS"},
	sockgate.Unauthorized: {status: 401, name: "UnauthorizedException", responseType: "UNAUTHORIZED"},
	sockgate.Forbidden:    {status: 403, name: "ForbiddenException", responseType: "ACCESS_DENIED"},
	sockgate.NotFound:     {status: 403, name: "ForbiddenException", responseType: "RESOURCE_NOT_FOUND"},
	sockgate.TooLarge:     {status: 413, name: "RequestTooLargeException", responseType: "REQUEST_TOO_LARGE"},
	sockgate.Throttled:    {status: 429, name: "TooManyRequestsException", responseType: "THROTTLED"},
	sockgate.Timeout:      {status: 504, name: internalServerError, responseType: "INTEGRATION_TIMEOUT"},
	sockgate.Internal:     {status: 502, name: internalServerError, responseType: "INTEGRATION_FAILURE"},
	sockgate.Unavailable:  {status: 503, name: "ServiceUnavailableException", responseType: "DEFAULT_5XX"},
}

const internalServerError = "InternalServerErrorException"

// byOutcome is what an authorizer's refusals are answered with, and in which words (reference section 0.2).
//
// UNCONFIRMED for WebSocket: texts and names are REST's, except that REST's text of an authorizer that failed is null.
var byOutcome = map[authorizers.Outcome]struct {
	answer
	message string
}{
	authorizers.Unauthorized: {answer{401, "UnauthorizedException", "UNAUTHORIZED", false}, "Unauthorized"},
	authorizers.Denied:       {answer{403, "AccessDeniedException", "ACCESS_DENIED", true}, "User is not authorized to access this resource"},
	authorizers.DeniedByRule: {answer{403, "AccessDeniedException", "ACCESS_DENIED", true},
		"User is not authorized to access this resource with an explicit deny"},
	authorizers.Misconfigured: {answer{500, "AuthorizerConfigurationException", "AUTHORIZER_CONFIGURATION_ERROR", false}, "Internal server error"},
	authorizers.Failed:        {answer{500, "AuthorizerFailureException", "AUTHORIZER_FAILURE", false}, "Internal server error"},
}

// misconfigured marks an error that lies in the API's definition rather than with its backend.
type misconfigured struct{ error }

// Error begins as API Gateway's execution log has it (reference section 15).
func (m misconfigured) Error() string { return "configuration error: " + why(m.error) }

func (m misconfigured) Unwrap() error { return m.error }

// accessDenied marks the refusal of a client that is known by its signature. Its text is for the client.
type accessDenied struct{ error }

func (d accessDenied) Unwrap() error { return d.error }

func answerFor(err error) (answer, string) {
	if _, ok := errors.AsType[misconfigured](err); ok {
		return answer{status: 500, name: internalServerError, responseType: "API_CONFIGURATION_ERROR"}, "Internal server error"
	}
	if l, ok := errors.AsType[*limited](err); ok {
		return byReason(l.reason)
	}
	if r, ok := errors.AsType[*authorizers.Refusal](err); ok {
		told := byOutcome[r.Outcome]
		return told.answer, told.message
	}
	if signature, ok := errors.AsType[*sigv4.Error](err); ok {
		return answer{status: signature.Status, name: signature.Type, responseType: "INVALID_SIGNATURE"}, signature.Message
	}
	if _, ok := errors.AsType[unsupportedMedia](err); ok {
		return answer{status: 415, name: "UnsupportedMediaTypeException", responseType: "UNSUPPORTED_MEDIA_TYPE"}, "Unsupported Media Type"
	}
	if denied, ok := errors.AsType[accessDenied](err); ok && sockgate.KindOf(denied) == sockgate.Forbidden {
		if e, ok := errors.AsType[*sockgate.Error](denied); ok {
			return answer{status: 403, name: "AccessDeniedException", responseType: "ACCESS_DENIED", capital: true}, e.Message
		}
	}
	a, ok := byKind[sockgate.KindOf(err)]
	if !ok {
		a = byKind[sockgate.Internal]
	}
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Message != "" {
		return a, e.Message
	}
	return a, "Internal server error"
}

// fail notes on the event what the peer is told and why, for the access log and $context.error.
func (x *exchange) fail(err error) (a answer, message string) {
	a, message = answerFor(err)
	if x.ev.ValidationError != "" {
		a.responseType = "BAD_REQUEST_BODY"
	}
	x.ev.Status, x.ev.ErrorMessage, x.ev.ErrorType = a.status, message, a.responseType
	return a, message
}

func (p *Pipeline) concludeConnect(x *exchange, err error) *Refusal {
	x.ev.Status = 200
	var refusal *Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal): // the backend's own status
		x.ev.Status = refusal.Status
	default:
		a, message := x.fail(err)
		refusal = &Refusal{Status: a.status, Type: a.name, Body: messageJSON(message, a.capital), Cause: err}
	}
	if refusal != nil {
		refusal.RequestID = x.ev.RequestID
	}
	p.record(x, err)
	return refusal
}

// concludeMessage returns the frame to send, or nil. It is valid until the exchange is released.
func (p *Pipeline) concludeMessage(x *exchange, err error) []byte {
	x.ev.Status = 200
	if err == nil {
		p.record(x, nil)
		return x.reply
	}
	_, message := x.fail(err)
	p.record(x, err)
	return errorFrame(message, x.ev.Connection.ID, x.ev.RequestID)
}

func (p *Pipeline) concludeDisconnect(x *exchange, err error) {
	x.ev.Status = 200
	if err != nil {
		x.fail(err)
	}
	p.record(x, err)
}

// why is the operator's reading of err: the cause, where there is one, instead of the words for the peer. Of a signature
// only the kind of fault is told: AWS's text for the peer quotes the signed headers, and secrets do not belong in a log.
func why(err error) string {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.Type
	}
	if e, ok := errors.AsType[*sockgate.Error](err); ok && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}

// plain is err's text without the words for the peer, where those only say that something failed.
func plain(err error) string {
	if e, ok := err.(*sockgate.Error); ok && e.Kind == sockgate.Internal && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}

func messageJSON(message string, capital bool) []byte {
	b, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	name := `{"message":`
	if capital {
		name = `{"Message":`
	}
	return append(append([]byte(name), b...), '}')
}

// subprotocol is the protocol that the backend picked. Only the backend picks: without its header the 101 has none
// (reference section 2.2).
func subprotocol(r *httpbackend.Response) string {
	return strings.TrimSpace(r.Header.Get("Sec-WebSocket-Protocol"))
}

func contentType(r *httpbackend.Response) string { return r.Header.Get("Content-Type") }
