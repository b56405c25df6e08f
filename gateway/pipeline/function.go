package pipeline

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/gateway/deploy"
	"github.com/sockgate/sockgate/gateway/integrate/function"
	"github.com/sockgate/sockgate/gateway/mapping"
	"github.com/sockgate/sockgate/gateway/transform"
)

// functionFailed is the error of a function that ran and failed: 502 at a handshake, else Internal server error.
type functionFailed struct {
	message   string // its errorMessage
	requestID string
}

func (f *functionFailed) Error() string {
	return "Lambda execution failed with status 200 due to customer function error: " + f.message
}

// malformed marks an answer of a function that is not what a proxy integration's is.
type malformed struct{ error }

func (m malformed) Error() string {
	return "configuration error: Malformed Lambda proxy response: " + plain(m.error)
}

func (m malformed) Unwrap() error { return m.error }

// functionPayload makes what the function is sent: a proxy's is the event, another's the rendered template, or the body as the
// client sent it. The memory is the call's own: a function that is too late may still be reading it.
func (x *exchange) functionPayload(in *deploy.Integration) error {
	if in.Type == sockgate.AWSProxy {
		var encoded []byte
		if in.Content == mapping.ToBinary && x.ev.Type == sockgate.Message {
			raw, err := in.Content.Convert(x.ev.Body)
			if err != nil {
				return misconfigured{err}
			}
			encoded = base64.StdEncoding.AppendEncode([]byte{}, raw)
		}
		x.payload = function.AppendEvent(make([]byte, 0, function.EventSize(&x.ev)), &x.ev, x.stage.Variables, encoded)
		return nil
	}
	transform.Gateway(&x.ev, "POST", &x.request)
	overrides, err := x.renderRequest(in)
	if err != nil {
		return err
	}
	in.Parameters.Apply(&x.ev, &x.request) // of which only the headers say something to Lambda; see invocationType
	x.override(&overrides)
	body := x.request.Body
	if in.Content == mapping.ToBinary {
		if body, err = in.Content.Convert(body); err != nil {
			return misconfigured{err}
		}
	}
	if len(body) == 0 {
		body = []byte("{}") // UNCONFIRMED: what REST sends of a request without a body
	}
	if !gjson.ValidBytes(body) {
		return sockgate.Invalidf("Could not parse request body into json").Because(errPayload)
	}
	x.payload = body
	return nil
}

var errPayload = fmt.Errorf("the payload for the function is not JSON")

// callFunction invokes the integration's function and takes its answer apart.
func (s integrate) callFunction(ctx context.Context, x *exchange, in *deploy.Integration) error {
	if log := x.log(); log != nil {
		log.Request(&x.ev, in.Function.URI(), sockgate.Headers{{Name: "X-Amz-Source-Arn", Value: x.route.ARN},
			{Name: "X-Amzn-Trace-Id", Value: x.ev.TraceID}}, x.payload)
	}
	later, err := x.invocationType(in)
	if err != nil {
		return err
	}
	began := s.clock()
	answer, err := in.Function.Call(ctx, s.functions,
		sockgate.FunctionCall{SourceARN: x.route.ARN, Payload: x.payload, TraceID: x.ev.TraceID, Later: later}, x.ev.Connection.Identity, in.Timeout)
	x.ev.IntegrationLatency = s.clock().Sub(began)
	if err != nil {
		x.ev.IntegrationError = plain(err)
		if sockgate.KindOf(err) == sockgate.Timeout {
			return err
		}
		return misconfigured{err}
	}
	x.route.Metrics.Latency(x.ev.IntegrationLatency)
	status := 200
	if later {
		status = 202
	}
	x.ev.IntegrationRequestID, x.ev.IntegrationServiceStatus, x.ev.IntegrationStatus = answer.RequestID, status, status
	x.log().Response(&x.ev, status, nil, answer.Payload)
	if answer.Error != "" {
		failed := &functionFailed{message: function.ErrorMessage(answer.Payload), requestID: answer.RequestID}
		x.ev.IntegrationError = failed.message
		if in.Type == sockgate.AWSProxy {
			return failed
		}
		x.failed = failed // an integration response may be for it
	}
	if in.Type == sockgate.AWSProxy {
		return x.proxied(answer.Payload)
	}
	x.answer.Status, x.answer.Body = 200, answer.Payload
	return nil
}

// invocationType reads the header by which a custom integration's requestParameters choose how Lambda is called: with 'Event' it answers
// before the function has run. A proxy integration's call has no parameters, and is always answered.
//
// Source: API Gateway Developer Guide, "Set up asynchronous invocation of the backend Lambda function", which is about REST.
// UNCONFIRMED: types other than Event and RequestResponse are refused, as Lambda refuses names that it does not know.
func (x *exchange) invocationType(in *deploy.Integration) (later bool, err error) {
	if in.Type == sockgate.AWSProxy {
		return false, nil
	}
	switch kind := x.request.Header.Get("X-Amz-Invocation-Type"); kind {
	case "Event":
		return true, nil
	case "", "RequestResponse":
		return false, nil
	default:
		return false, misconfigured{fmt.Errorf("the invocation type %q is not Event or RequestResponse", kind)}
	}
}

// proxied reads what a function answered in the shape of a proxy integration. Where nobody reads the answer it may have any
// shape: a function often returns nothing then.
func (x *exchange) proxied(payload []byte) error {
	connect := x.ev.Type == sockgate.Connect
	if !connect && (x.ev.Type == sockgate.Disconnect || !x.route.TwoWay) {
		x.answer.Status = 200
		if status := function.Status(payload); status != 0 {
			x.answer.Status, x.ev.IntegrationStatus = status, status
		}
		return nil
	}
	a, err := function.ParseAnswer(payload, connect)
	if err != nil {
		err := malformed{sockgate.Internalf("%w", err)}
		x.ev.IntegrationError = err.Error()
		return err
	}
	x.answer.Status, x.answer.Header, x.answer.Body = a.Status, a.Header, a.Body
	x.ev.IntegrationStatus = a.Status
	return nil
}

// failure is the error of a function that failed, for those whose integration has no response for it.
func (x *exchange) failure() error {
	if x.failed == nil {
		return nil
	}
	return x.failed
}

// afterFailure decides what becomes of a failed function whose integration is no proxy, given the integration response that its
// errorMessage chose. On a route that answers, that response does.
//
// UNCONFIRMED: a handshake is not accepted by a function that failed. $default does not speak for it, since a response names no
// status: it is answered as a proxy's would be. A pattern's response is sent with status 502, unless its template sets another.
func (x *exchange) afterFailure(chosen *mapping.Response) error {
	switch {
	case x.failed == nil:
	case x.ev.Type != sockgate.Connect:
	case chosen.Key == "$default":
		return x.failed
	default:
		x.answer.Status = 502
	}
	return nil
}
